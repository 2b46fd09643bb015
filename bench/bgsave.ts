/** BGSAVE under random writes: how long, how much more memory, and what the clients notice. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../test/support/server.js';
import { eventually, pause } from '../test/support/wait.js';
import { fill, stringsOf } from './fill.js';
import type { Options } from './options.js';
import { type Both, infoField, inTurns, onEach, withBoth } from './pair.js';
import { peakPss, settledPss } from './processes.js';
import { latencyP999Ms, startBenchmark } from './redis-benchmark.js';
import { median, paired, type Section } from './report.js';

interface LoadedSave {
  /** Milliseconds that it took. */
  ms: number;
  /** Pss before, and how much more there was at the most. */
  fullBytes: number;
  extraBytes: number;
  /** Requests per second, before and while saving. */
  before: number;
  during: number;
}

const VALUE_BYTES = 64;
/** How long the load runs before its throughput is taken as "before". */
const STEADY_MS = 3000;
/** A save under load takes many seconds. */
const SAVES = 5;

export async function bgsave(options: Options): Promise<Section[]> {
  const keys = options.saveKeys;
  return withBoth({}, async (servers) => {
    const empty = await onEach((side) => settledPss(servers[side].pid));
    await onEach((side) => fill(servers[side].port, keys, stringsOf(VALUE_BYTES)));
    const quietMs = await onEach((side) => save(servers[side]));
    const rounds = Math.min(options.rounds, SAVES);
    // Filling them has warmed them up.
    const saves = await inTurns(rounds, (side) => saveUnderLoad(servers[side], keys), true);
    const p999Ms = await onEach((side) => latencyWhileSaving(servers[side], keys, saves[side]));
    const fileBytes = await onEach(async (side) => statSync(join(servers[side].dir, 'dump.rdb')).size);

    const of = (pick: (save: LoadedSave) => number): Both<number[]> => ({
      ours: saves.ours.map(pick),
      redis: saves.redis.map(pick),
    });
    const extra = await onEach(async (side) => median(of((save) => save.extraBytes)[side]));
    const data = await onEach(async (side) => median(of((save) => save.fullBytes)[side]) - empty[side]);
    const share = (100 * extra.ours) / data.ours;
    const megabytes = ({ ours, redis }: Both<number>) => ({ ours: ours / 1e6, redis: redis / 1e6, unit: 'MB' });
    const rows = [
      { name: 'data set in memory', ...megabytes(data) },
      { name: 'dump file', ...megabytes(fileBytes) },
      { name: 'save without load', ...quietMs, unit: 'ms' },
      paired(
        'save under load',
        'ms',
        of(({ ms }) => ms),
      ),
      { name: 'extra memory', ...megabytes(extra) },
      { name: 'extra memory, of the data set', ours: share, redis: (100 * extra.redis) / data.redis, unit: '%' },
      paired(
        'throughput before',
        'req/s',
        of(({ before }) => before),
      ),
      {
        ...paired(
          'throughput while saving',
          'req/s',
          of(({ during }) => during),
        ),
        target: { least: 1.2 },
      },
      { name: 'p99.9 latency while saving', ...p999Ms, unit: 'ms' },
    ];
    const title = `BGSAVE, ${keys.toLocaleString('en-US')} keys of ${VALUE_BYTES} bytes, random SETs over all of them`;
    const notes = [`extra memory of ours: ${share.toFixed(1)}%  (<= 8% ${share <= 8 ? 'reached' : 'MISSED'})`];
    return [{ title, rows, notes }];
  });
}

const loadOf = (keys: number): string[] => ['-t', 'set', '-r', String(keys), '-d', String(VALUE_BYTES), '-c', '50'];

async function saveUnderLoad(server: Server, keys: number): Promise<LoadedSave> {
  const running = startBenchmark(server.port, loadOf(keys));
  try {
    await pause(STEADY_MS);
    const before = average(running.samples.slice(4));
    const fullBytes = await settledPss(server.pid);
    const mark = running.samples.length;
    const saving = save(server);
    const peak = await peakPss(server.pid, saving, 200);
    const ms = await saving;
    return { ms, fullBytes, extraBytes: peak - fullBytes, before, during: average(running.samples.slice(mark + 1)) };
  } finally {
    await running.stop();
  }
}

/** A save under a run that is about as long as those before were. */
async function latencyWhileSaving(server: Server, keys: number, saves: readonly LoadedSave[]): Promise<number> {
  const requests = Math.round(median(saves.map(({ during, ms }) => (during * ms) / 1000)));
  const saving = save(server);
  const p999Ms = await latencyP999Ms(server.port, [...loadOf(keys), '-n', String(Math.max(10_000, requests))]);
  await saving;
  return p999Ms;
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
