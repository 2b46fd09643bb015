/** Fields that expire, across the death of the server: the log, its rewrite in both forms, and saving in the background. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RespClient } from './support/client.js';
import { removeFolder, temporaryFolder } from './support/folder.js';
import { RdbStore } from './support/rdb-store.js';
import { type Server, startOnggi } from './support/server.js';
import { eventually } from './support/wait.js';

let dir = '';
const running: Server[] = [];
beforeEach(() => {
  dir = temporaryFolder('field-expiry');
});
afterEach(async () => {
  for (const server of running.splice(0)) if (server.running) await server.kill();
  removeFolder(dir);
});

async function start(...args: string[]): Promise<{ server: Server; client: RespClient }> {
  const server = await startOnggi({ dir, args });
  running.push(server);
  return { server, client: await server.connect() };
}

const LATER = 4_102_444_800_123;

/** Small and large hashes: some fields with a far moment, some that have expired or soon will. */
async function fill(client: RespClient, round: string): Promise<void> {
  const small = ['a', 'b', 'c', 'd'].flatMap((field) => [field, `value of ${field}`]);
  const large = Array.from({ length: 300 }, (_, i) => [`field ${i}`, `value ${i}`]).flat();
  for (const [name, pairs] of [
    ['small', small],
    ['large', large],
  ] as const) {
    const key = `${name}:${round}`;
    const fields = pairs.filter((_, i) => i % 2 === 0);
    await client.ask('HSET', key, ...pairs);
    await client.ask('HPEXPIREAT', key, LATER, 'FIELDS', 2, fields[0]!, fields[1]!);
    await client.ask('HPEXPIRE', key, 1, 'FIELDS', 1, fields[2]!);
    await client.ask('HSETEX', key, 'PX', 1, 'FIELDS', 1, fields[3]!, 'short-lived');
    await client.ask('HGETEX', key, 'EX', 100_000, 'FIELDS', 1, fields[1]!);
    await client.ask('HSETEX', `emptied ${key}`, 'PX', 1, 'FIELDS', pairs.length / 2, ...pairs);
  }
}
async function settled(client: RespClient, rounds: number): Promise<string> {
  await eventually(async () => (await client.ask('DBSIZE')) === 2 * rounds);
  await eventually(async () => (await client.ask('HLEN', 'large:1')) === 298);
  return String(await client.ask('DEBUG', 'DIGEST'));
}
const moments = (client: RespClient) =>
  Promise.all(
    ['small:1 a', 'small:1 b', 'large:1 field 0', 'large:1 field 1', 'large:1 field 5'].map((text) => {
      const [key, ...field] = text.split(' ');
      return client.ask('HPEXPIRETIME', key!, 'FIELDS', 1, field.join(' '));
    }),
  );
const rewritten = (client: RespClient) =>
  eventually(async () => {
    const info = String(await client.ask('INFO', 'persistence'));
    return /aof_rewrite_in_progress:0/.test(info) && /aof_last_bgrewrite_status:ok/.test(info);
  });

test.each(['yes', 'no'])('kill -9 and a start bring back the moments (aof-use-rdb-preamble %s)', async (preamble) => {
  const args = ['--appendonly', 'yes', '--aof-use-rdb-preamble', preamble, '--enable-debug-command', 'yes'];
  const { server, client } = await start(...args);
  await fill(client, '1');
  const digest = await settled(client, 1);
  const before = await moments(client);
  expect([before[0], before[2], before[4]]).toEqual([[LATER], [LATER], [-1]]);
  await server.kill();
  const second = await start(...args);
  expect(await settled(second.client, 1)).toBe(digest);
  expect(await moments(second.client)).toEqual(before);

  await second.client.ask('BGREWRITEAOF');
  await fill(second.client, '2');
  await rewritten(second.client);
  const after = await settled(second.client, 2);
  const manifest = readFileSync(join(dir, 'appendonlydir', 'appendonly.aof.manifest'), 'latin1');
  const base = readFileSync(join(dir, 'appendonlydir', /file (\S+) seq \d+ type b/.exec(manifest)![1]!), 'latin1');
  if (preamble === 'yes') expect(base.slice(0, 9)).toBe('REDIS0012');
  else expect(base).toContain(`$10\r\nHPEXPIREAT\r\n$7\r\nlarge:1\r\n$13\r\n${LATER}\r\n$6\r\nFIELDS\r\n`);
  await second.server.kill();
  const third = await start(...args);
  expect(await settled(third.client, 2)).toBe(after);
  expect(await moments(third.client)).toEqual(before);
});

test('a save in the background while fields expire holds what was there at its start', async () => {
  const args = ['--enable-debug-command', 'yes', '--save', ''];
  const { server, client } = await start(...args);
  await client.ask('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
  const hashes = 200;
  for (let i = 0; i < hashes; i++) {
    const fields = Array.from({ length: i % 2 === 0 ? 20 : 200 }, (_, k) => [`f${k}`, `v${k}`]).flat();
    await client.ask('HSETEX', `h${i}`, 'PX', 1, 'FIELDS', fields.length / 2, ...fields);
    await client.ask('HSET', `h${i}`, 'stays', '1');
  }
  const fields = Number(String(await client.ask('INFO', 'keyspace')).match(/subexpiry=(\d+)/)![1]);
  expect(fields).toBe(hashes);
  const lengths = () => Promise.all(Array.from({ length: hashes }, (_, i) => client.ask('HLEN', `h${i}`)));
  await client.pipeline([['BGSAVE'], ['DEBUG', 'SET-ACTIVE-EXPIRE', 1]]);
  await eventually(async () => (await lengths()).every((length) => length === 1));
  await eventually(async () => /rdb_bgsave_in_progress:0/.test(String(await client.ask('INFO', 'persistence'))));
  const store = new RdbStore();
  store.load(readFileSync(join(dir, 'dump.rdb')));
  const saved = new Map(store.describe().map(({ key, value }) => [key, (value as unknown[]).length]));
  for (let i = 0; i < hashes; i++) expect([i, saved.get(`h${i}`)]).toEqual([i, i % 2 === 0 ? 21 : 201]);
  await server.kill();
  const again = await start(...args);
  expect(await again.client.ask('DBSIZE')).toBe(hashes);
  await eventually(async () => /expired_subkeys:22000\r/.test(String(await again.client.ask('INFO', 'stats'))));
});
