/** How long a start takes with a data set on disk, as an RDB and as an AOF. Both servers read the same files. */

import { once } from 'node:events';
import { copyFileSync, cpSync, createWriteStream, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { removeFolder, temporaryFolder } from '../test/support/folder.js';
import { type ServerOptions, startOnggi, startOracle } from '../test/support/server.js';
import { fill, mixed } from './fill.js';
import type { Options } from './options.js';
import type { Both } from './pair.js';
import { type Comparison, median, type Section } from './report.js';

/** Of two sizes: a start with little data is half over before V8 has compiled what it does. */
export async function load(options: Options): Promise<Section[]> {
  const sections: Section[] = [];
  for (const keys of new Set([options.keys, options.saveKeys])) sections.push(await loadOf(keys, options));
  return sections;
}

async function loadOf(keys: number, options: Options): Promise<Section> {
  const source = temporaryFolder('bench-load');
  try {
    await writeDump(source, keys);
    await writeLog(source, keys);
    const rows: Comparison[] = [];
    for (const [name, kind, args] of [
      ['RDB', 'dump.rdb', []],
      ['AOF', 'appendonlydir', ['--appendonly', 'yes']],
    ] as const) {
      const empty = await startTimes(null, '', { args: [] }, 1);
      const times = await startTimes(source, kind, { args }, Math.min(options.rounds, LOADS));
      const rate = (ms: Both<number>): Both<number> => ({
        ours: keys / ((ms.ours - empty.ours) / 1000),
        redis: keys / ((ms.redis - empty.redis) / 1000),
      });
      rows.push({ name: `${name} load`, ...rate(times), unit: 'keys/s', target: { least: 0.8 } });
    }
    const files = `dump.rdb ${megabytes(join(source, 'dump.rdb'))}, AOF ${megabytes(join(source, 'appendonlydir', LOG))}`;
    const title = `Loading at start, ${keys.toLocaleString('en-US')} keys of all types (${files})`;
    return { title, rows, notes: [] };
  } finally {
    removeFolder(source);
  }
}

/** A load runs for seconds, unlike a round of throughput. */
const LOADS = 3;
const LOG = 'appendonly.aof.1.incr.aof';
const megabytes = (path: string): string => `${(statSync(path).size / 1e6).toFixed(0)} MB`;

async function writeDump(dir: string, keys: number): Promise<void> {
  const server = await startOracle();
  try {
    await fill(server.port, keys, mixed);
    const client = await server.connect();
    client.replyTimeoutMs = 300_000;
    await client.ask('SAVE');
    copyFileSync(join(server.dir, 'dump.rdb'), join(dir, 'dump.rdb'));
  } finally {
    await server.stop();
  }
}

/** One INCR file that holds every command, in the layout of Redis 7. */
async function writeLog(dir: string, keys: number): Promise<void> {
  const folder = join(dir, 'appendonlydir');
  mkdirSync(folder);
  writeFileSync(join(folder, 'appendonly.aof.manifest'), `file ${LOG} seq 1 type i\n`);
  const out = createWriteStream(join(folder, LOG));
  out.write('*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n');
  for (let from = 0; from < keys; from += 10_000) {
    const parts: Buffer[] = [];
    for (let i = from; i < Math.min(keys, from + 10_000); i++) parts.push(mixed(i));
    if (!out.write(Buffer.concat(parts))) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}

/** Milliseconds from the start of the process to its readiness, in the median. */
async function startTimes(
  source: string | null,
  kind: string,
  options: ServerOptions,
  rounds: number,
): Promise<Both<number>> {
  const times: Both<number[]> = { ours: [], redis: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [side, start] of [
      ['redis', startOracle],
      ['ours', startOnggi],
    ] as const) {
      const dir = temporaryFolder('bench-start');
      if (source !== null) cpSync(join(source, kind), join(dir, kind), { recursive: true });
      const began = performance.now();
      const server = await start({ ...options, dir, readyMs: 600_000 });
      times[side].push(performance.now() - began);
      await server.kill();
      removeFolder(dir);
    }
  }
  return { ours: median(times.ours), redis: median(times.redis) };
}
