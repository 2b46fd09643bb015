/** Throughput with the append-only file on. */
import type { Options } from './options.js';
import { type Both, inTurns, withBoth } from './pair.js';
import { redisBenchmark } from './redis-benchmark.js';
import { type Comparison, paired, type Section } from './report.js';

export async function aof(options: Options): Promise<Section[]> {
  const rows: Comparison[] = [];
  for (const policy of ['everysec', 'always'] as const) {
    for (const pipeline of [1, 16]) {
      const args = ['--appendonly', 'yes', '--appendfsync', policy, '--auto-aof-rewrite-percentage', '0'];
      const rounds = await withBoth({ args }, async (servers) => {
        const last: Both<number | undefined> = { ours: undefined, redis: undefined };
        // With `always` the disk's moods make pairs differ by a tenth and more.
        const rounds = policy === 'always' ? 2 * options.rounds + 1 : options.rounds;
        return inTurns(rounds, async (side) => {
          last[side] = await setRate(
            servers[side].port,
            pipeline,
            last[side],
            Math.max(SECONDS_LEAST, options.seconds),
          );
          return last[side];
        });
      });
      const row = paired(`SET, appendfsync ${policy}, pipeline ${pipeline}`, 'req/s', rounds);
      rows.push(policy === 'always' && pipeline === 1 ? { ...row, target: { least: 1 } } : row);
    }
  }
  return [{ title: 'Throughput with the append-only file, 50 connections', rows, notes: [] }];
}

/** A round has an fsync of `everysec` in it: shorter ones would differ by whether they happen to. */
const SECONDS_LEAST = 1;
/**
 * With `always` a turn serves some 25 requests, so what runs once a turn needs this many until it is compiled: ours was at
 * 0.70 of its later speed in the first 10,000, at 0.85 after 40,000.
 */
const WARM_UP_REQUESTS = 100_000;

async function setRate(port: number, pipeline: number, known: number | undefined, seconds: number): Promise<number> {
  const requests = known === undefined ? WARM_UP_REQUESTS : Math.max(5000, Math.round(known * seconds));
  const args = ['-t', 'set', '-r', '1000000', '-d', '64', '-c', '50', '-P', String(pipeline), '-n', String(requests)];
  const [result] = await redisBenchmark(port, args);
  return result!.requestsPerSecond;
}
