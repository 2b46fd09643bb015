/** Runs redis-benchmark and reads what it prints. */
import { spawn } from 'node:child_process';
import { ownProcess, releaseProcess } from '../test/support/reaper.js';

export interface BenchmarkResult {
  /** As redis-benchmark names it: `SET`, `LRANGE_100 (first 100 elements)`, ... */
  test: string;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Runs to its end. */
export async function redisBenchmark(port: number, args: readonly string[]): Promise<BenchmarkResult[]> {
  const output = await collect(port, ['--csv', ...args]).done;
  return output
    .split('\n')
    .map((line) => line.match(/"([^"]*)"/g)?.map((field) => field.slice(1, -1)) ?? [])
    .filter((fields) => fields.length >= 8 && fields[0] !== 'test')
    .map(([test, rps, , , p50, , p99]) => ({
      test: test!,
      requestsPerSecond: Number(rps),
      p50Ms: Number(p50),
      p99Ms: Number(p99),
    }));
}

/** The latency that 99.9% of the requests did not exceed, in milliseconds. */
export async function latencyP999Ms(port: number, args: readonly string[]): Promise<number> {
  const output = await collect(port, args).done;
  const rows = [...output.matchAll(/^(\d+\.\d+)% <= (\d+\.\d+) milliseconds \(cumulative/gm)];
  const row = rows.find(([, percent]) => Number(percent) >= 99.9) ?? rows.at(-1);
  if (row === undefined) throw new Error(`redis-benchmark printed no latencies:\n${output.slice(-2000)}`);
  return Number(row[2]);
}

export interface RunningBenchmark {
  /** Requests per second of every quarter of a second so far. */
  samples: number[];
  stop(): Promise<void>;
}

/** Runs until `stop`. */
export function startBenchmark(port: number, args: readonly string[]): RunningBenchmark {
  const samples: number[] = [];
  const run = collect(port, [...args, '-n', '2000000000'], (chunk) => {
    for (const [, rps] of chunk.matchAll(/rps=(\d+\.\d+) \(/g)) samples.push(Number(rps));
  });
  return {
    samples,
    stop: async () => {
      run.kill();
      await run.done.catch(() => {});
    },
  };
}

function collect(
  port: number,
  args: readonly string[],
  watch?: (chunk: string) => void,
): { done: Promise<string>; kill(): void } {
  const child = spawn('redis-benchmark', ['-p', String(port), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) ownProcess(child.pid);
  let output = '';
  const take = (chunk: Buffer): void => {
    const text = chunk.toString('latin1');
    watch?.(text);
    if (!watch) output += text;
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const done = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (child.pid !== undefined) releaseProcess(child.pid);
      if (code === 0) resolve(output.replaceAll('\r', '\n'));
      else reject(new Error(`redis-benchmark ${args.join(' ')} ended with ${code}:\n${output.slice(-2000)}`));
    });
  });
  return { done, kill: () => child.kill('SIGKILL') };
}
