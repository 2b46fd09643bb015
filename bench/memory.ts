/** Bytes of memory per key: how much the server's Pss, and its used_memory, grew by the keys. */
import type { Server } from '../test/support/server.js';
import { type CommandAt, fill, hashes, lists, sets, sortedSets, stringsOf } from './fill.js';
import type { Options } from './options.js';
import { infoField, onBoth } from './pair.js';
import { settledPss } from './processes.js';
import type { Comparison, Section, Target } from './report.js';

const SHAPES: readonly { name: string; commandAt: CommandAt; share: number; target: Target }[] = [
  { name: 'strings 16+16 bytes', commandAt: stringsOf(16), share: 1, target: { most: 0.65 } },
  { name: 'strings 16+64 bytes', commandAt: stringsOf(64), share: 1, target: { most: 0.65 } },
  { name: 'hashes, 5 fields', commandAt: hashes, share: 0.4, target: { most: 1 } },
  { name: 'sorted sets, 5 members', commandAt: sortedSets, share: 0.4, target: { most: 1 } },
  { name: 'lists, 10 elements', commandAt: lists, share: 0.4, target: { most: 1 } },
  { name: 'sets, 5 members', commandAt: sets, share: 0.4, target: { most: 1 } },
];

export async function memory(options: Options): Promise<Section[]> {
  const pss: Comparison[] = [];
  const used: Comparison[] = [];
  for (const { name, commandAt, share, target } of SHAPES) {
    const keys = Math.round(options.keys * share);
    const both = await onBoth({}, (server) => bytesPerKey(server, keys, commandAt));
    const row = { name: `${name}, ${keys.toLocaleString('en-US')} keys`, unit: 'bytes/key' };
    pss.push({ ...row, ours: both.ours.pss, redis: both.redis.pss, target });
    used.push({ ...row, ours: both.ours.used, redis: both.redis.used });
  }
  return [
    { title: 'Memory per key, growth of Pss', rows: pss, notes: [] },
    { title: 'Memory per key, growth of used_memory', rows: used, notes: [] },
  ];
}

async function bytesPerKey(server: Server, keys: number, commandAt: CommandAt): Promise<{ pss: number; used: number }> {
  // The code that the fill runs is loaded and compiled before the first look, with few keys: what it takes is no key's.
  const client = await server.connect();
  for (let round = 0; round < 20; round++) {
    await fill(server.port, 20_000, commandAt);
    await client.ask('FLUSHALL');
  }
  const before = { pss: await settledPss(server.pid), used: Number(await infoField(server, 'memory', 'used_memory')) };
  await fill(server.port, keys, commandAt);
  const after = { pss: await settledPss(server.pid), used: Number(await infoField(server, 'memory', 'used_memory')) };
  return { pss: (after.pss - before.pss) / keys, used: (after.used - before.used) / keys };
}
