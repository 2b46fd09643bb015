/** Throughput with the append-only file on. */
import type { Options } from './options.js';
import { type Both, withBoth } from './pair.js';
import { redisBenchmark } from './redis-benchmark.js';
import { type Comparison, median, type Section } from './report.js';

export async function aof(options: Options): Promise<Section[]> {
  const rows: Comparison[] = [];
  for (const policy of ['everysec', 'always'] as const) {
    for (const pipeline of [1, 16]) {
      const args = ['--appendonly', 'yes', '--appendfsync', policy, '--auto-aof-rewrite-percentage', '0'];
      const measured = await withBoth({ args }, async (servers) => {
        const rates: Both<number[]> = { ours: [], redis: [] };
        for (let round = 0; round <= options.rounds; round++) {
          for (const side of ['redis', 'ours'] as const) {
            const rate = await setRate(servers[side].port, pipeline, rates[side].at(-1), options.seconds);
            rates[side].push(rate);
          }
        }
        return rates;
      });
      rows.push({
        name: `SET, appendfsync ${policy}, pipeline ${pipeline}`,
        // The first round warms up.
        ours: median(measured.ours.slice(1)),
        redis: median(measured.redis.slice(1)),
        unit: 'req/s',
        ...(policy === 'always' && pipeline === 1 ? { target: { least: 1 } } : {}),
      });
    }
  }
  return [{ title: 'Throughput with the append-only file, 50 connections', rows, notes: [] }];
}

async function setRate(port: number, pipeline: number, known: number | undefined, seconds: number): Promise<number> {
  const requests = known === undefined ? 5000 : Math.max(5000, Math.round(known * seconds));
  const args = ['-t', 'set', '-r', '1000000', '-d', '64', '-c', '50', '-P', String(pipeline), '-n', String(requests)];
  const [result] = await redisBenchmark(port, args);
  return result!.requestsPerSecond;
}
