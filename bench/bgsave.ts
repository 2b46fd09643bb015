/** BGSAVE under random writes: how long, how much more memory, and what the clients notice. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../test/support/server.js';
import { eventually, pause } from '../test/support/wait.js';
import { fill, stringsOf } from './fill.js';
import type { Options } from './options.js';
import { infoField, onBoth } from './pair.js';
import { peakPss, settledPss } from './processes.js';
import { latencyP999Ms, startBenchmark } from './redis-benchmark.js';
import type { Section } from './report.js';

interface SaveFigures {
  dataBytes: number;
  quietMs: number;
  busyMs: number;
  extraBytes: number;
  /** Requests per second, before and while saving. */
  before: number;
  during: number;
  p999Ms: number;
  fileBytes: number;
}

const VALUE_BYTES = 64;
/** How long the load runs before its throughput is taken as "before". */
const STEADY_MS = 3000;

export async function bgsave(options: Options): Promise<Section[]> {
  const { ours, redis } = await onBoth({}, (server) => measure(server, options.saveKeys));
  const megabytes = (pick: (figures: SaveFigures) => number): { ours: number; redis: number; unit: string } => ({
    ours: pick(ours) / 1e6,
    redis: pick(redis) / 1e6,
    unit: 'MB',
  });
  const share = { ours: ours.extraBytes / ours.dataBytes, redis: redis.extraBytes / redis.dataBytes };
  return [
    {
      title: `BGSAVE, ${options.saveKeys.toLocaleString('en-US')} keys of ${VALUE_BYTES} bytes, random SETs over all of them`,
      rows: [
        { name: 'data set in memory', ...megabytes((f) => f.dataBytes) },
        { name: 'dump file', ...megabytes((f) => f.fileBytes) },
        { name: 'save without load', ours: ours.quietMs, redis: redis.quietMs, unit: 'ms' },
        { name: 'save under load', ours: ours.busyMs, redis: redis.busyMs, unit: 'ms' },
        { name: 'extra memory', ...megabytes((f) => f.extraBytes) },
        { name: 'extra memory, of the data set', ours: 100 * share.ours, redis: 100 * share.redis, unit: '%' },
        { name: 'throughput before', ours: ours.before, redis: redis.before, unit: 'req/s' },
        {
          name: 'throughput while saving',
          ours: ours.during,
          redis: redis.during,
          unit: 'req/s',
          target: { least: 1.2 },
        },
        { name: 'p99.9 latency while saving', ours: ours.p999Ms, redis: redis.p999Ms, unit: 'ms' },
      ],
      notes: [
        `extra memory of ours: ${(100 * share.ours).toFixed(1)}%  (<= 8% ${share.ours <= 0.08 ? 'reached' : 'MISSED'})`,
      ],
    },
  ];
}

async function measure(server: Server, keys: number): Promise<SaveFigures> {
  const empty = await settledPss(server.pid);
  await fill(server.port, keys, stringsOf(VALUE_BYTES));
  const load = ['-t', 'set', '-r', String(keys), '-d', String(VALUE_BYTES), '-c', '50'];
  const quietMs = await save(server);

  const running = startBenchmark(server.port, load);
  let before: number;
  let during: number;
  let busyMs: number;
  let peak: number;
  let full: number;
  try {
    await pause(STEADY_MS);
    before = average(running.samples.slice(4));
    full = await settledPss(server.pid);
    const mark = running.samples.length;
    const saving = save(server);
    peak = await peakPss(server.pid, saving, 200);
    busyMs = await saving;
    during = average(running.samples.slice(mark + 1));
  } finally {
    await running.stop();
  }

  // A second save under a run that is as long as the first one was, for the distribution of latencies.
  const requests = Math.max(10_000, Math.round((during * busyMs) / 1000));
  const saving = save(server);
  const p999Ms = await latencyP999Ms(server.port, [...load, '-n', String(requests)]);
  await saving;
  return {
    dataBytes: full - empty,
    quietMs,
    busyMs,
    extraBytes: peak - full,
    before,
    during,
    p999Ms,
    fileBytes: statSync(join(server.dir, 'dump.rdb')).size,
  };
}

/** Starts a BGSAVE; resolves to its milliseconds when it has ended well. */
async function save(server: Server): Promise<number> {
  const started = performance.now();
  const client = await server.connect();
  await client.ask('BGSAVE');
  await client.close();
  await eventually(async () => (await infoField(server, 'persistence', 'rdb_bgsave_in_progress')) === '0', {
    what: 'the end of BGSAVE',
    deadlineMs: 600_000,
    everyMs: 20,
  });
  const status = await infoField(server, 'persistence', 'rdb_last_bgsave_status');
  if (status !== 'ok') throw new Error(`BGSAVE ended with ${status}:\n${server.output.slice(-2000)}`);
  return performance.now() - started;
}

const average = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
