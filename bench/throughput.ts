/** redis-benchmark's default tests, in turns on both servers, at several pipeline depths. */
import type { Server } from '../test/support/server.js';
import type { Options } from './options.js';
import { type Both, withBoth } from './pair.js';
import { redisBenchmark } from './redis-benchmark.js';
import { type Comparison, median, ratio, type Section, verdict } from './report.js';

/** redis-benchmark's `-t` names, in its own order; LRANGE needs the list that LPUSH has filled. */
const TESTS: readonly [name: string, ...args: string[]][] = [
  ['ping_inline'],
  ['ping_mbulk'],
  ['set'],
  ['get'],
  ['set 1M keys', '-t', 'set', '-r', '1000000'],
  ['get 1M keys', '-t', 'get', '-r', '1000000'],
  ['incr'],
  ['lpush'],
  ['rpush'],
  ['lpop'],
  ['rpop'],
  ['sadd'],
  ['hset'],
  ['spop'],
  ['zadd'],
  ['zpopmin'],
  ['lrange_100'],
  ['lrange_300'],
  ['lrange_500'],
  ['lrange_600'],
  ['mset'],
];

/** To reach, in the median of the tests. */
const LEAST = (pipeline: number): number => (pipeline === 1 ? 0.9 : 1.1);

export async function throughput(options: Options): Promise<Section[]> {
  const sections: Section[] = [];
  for (const pipeline of options.pipelines) {
    const rows = await withBoth({}, (servers) => atPipeline(servers, pipeline, options));
    const middle = median(rows.map(ratio));
    sections.push({
      title: `Throughput, pipeline ${pipeline}, 50 connections`,
      rows,
      notes: [`median of the ratios: ${middle.toFixed(2)}  (${verdict(middle, { least: LEAST(pipeline) })})`],
    });
  }
  return sections;
}

async function atPipeline(servers: Both<Server>, pipeline: number, options: Options): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  for (const [name, ...own] of TESTS) {
    const args = [...(own.length > 0 ? own : ['-t', name]), '-P', String(pipeline)];
    const requests: Both<number> = {
      redis: await requestsFor(servers.redis, args, name, options),
      ours: await requestsFor(servers.ours, args, name, options),
    };
    const measured: Both<number[]> = { ours: [], redis: [] };
    for (let round = 0; round < options.rounds; round++) {
      for (const side of ['redis', 'ours'] as const) {
        measured[side].push(await run(servers[side], args, name, requests[side]));
      }
    }
    rows.push({ name, ours: median(measured.ours), redis: median(measured.redis), unit: 'req/s' });
    process.stdout.write('.');
  }
  process.stdout.write('\n');
  return rows;
}

/** As many as take about the wanted time; also warms the server up. */
async function requestsFor(server: Server, args: readonly string[], name: string, options: Options): Promise<number> {
  const pipeline = Number(args.at(-1));
  const warmUp = name.startsWith('lrange') ? 2000 : pipeline === 1 ? 10_000 : 100_000;
  const rate = await run(server, args, name, warmUp);
  return Math.max(warmUp, Math.ceil((rate * options.seconds) / 1000) * 1000);
}

async function run(server: Server, args: readonly string[], name: string, requests: number): Promise<number> {
  const results = await redisBenchmark(server.port, [...args, '-n', String(requests)]);
  // `-t lrange_100` also runs the LPUSH that it needs: ours is the last row.
  const result = results.at(-1);
  if (result === undefined) throw new Error(`redis-benchmark ran no test ${name}`);
  return result.requestsPerSecond;
}
