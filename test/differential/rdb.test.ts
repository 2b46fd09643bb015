/**
 * RDB files against redis-server 7.0.15: what we write as version 10 passes redis-check-rdb and loads with an equal DEBUG
 * DIGEST, what it writes reads here with an equal digest, and DUMP payloads cross both ways.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DumpReader, DumpWriter, isSoundDump } from '../../src/formats/rdb/dump.js';
import { itemSlot, itemType } from '../../src/memory/item.js';
import { removeFolder, temporaryFolder } from '../support/folder.js';
import { fillRandomly } from '../support/random-store.js';
import { RdbStore } from '../support/rdb-store.js';
import { type Server, startOracle } from '../support/server.js';

const GOLDEN = join(import.meta.dirname, '../golden/data');
const UPSTREAM = join(import.meta.dirname, '../../../shared/golden/upstream');
const FAR = [4_102_444_800_789, 2 ** 41, 2 ** 47];

/** Starts the oracle on a file; `check` first has redis-check-rdb look at it. */
async function oracleOn(
  file: Uint8Array,
): Promise<{ server: Server; folder: string; [Symbol.asyncDispose](): Promise<void> }> {
  const folder = temporaryFolder('rdb');
  const path = join(folder, 'dump.rdb');
  writeFileSync(path, file);
  const verdict = execFileSync('redis-check-rdb', [path], { encoding: 'utf8' });
  expect(verdict).toContain('RDB looks OK!');
  expect(verdict).toContain('Checksum OK');
  const server = await startOracle({ dir: folder, args: ['--databases', '256'] });
  return {
    server,
    folder,
    [Symbol.asyncDispose]: async () => {
      await server.halt();
      removeFolder(folder);
    },
  };
}

function golden(name: string): RdbStore {
  const store = new RdbStore();
  store.load(readFileSync(join(GOLDEN, name, 'dump.rdb')));
  return store;
}

describe('what we write as version 10', () => {
  it.each(['redis-7.0.15', 'redis-7.2.6', 'valkey-8.0.1', 'redis-8.0-m01'])(
    'of the data of %s, redis-server loads with an equal digest',
    async (name) => {
      const store = golden(name);
      // What version 10 cannot express is refused; what is left is written.
      for (const key of ['hash:ttl:big', 'hash:ttl:small']) store.databases.get(0)!.delete(key);
      await using oracle = await oracleOn(store.save({ version: 10 }));
      const client = await oracle.server.connect();
      expect(await client.ask('DEBUG', 'DIGEST')).toBe(store.digest('17 digits'));
      expect(String(await client.ask('FUNCTION', 'LIST'))).toContain('golden');
      const stream = (await client.ask('XINFO', 'STREAM', 'stream:big', 'FULL')) as unknown[];
      expect(JSON.stringify(stream, (_, v) => (typeof v === 'bigint' ? Number(v) : v))).toContain('alice');
    },
  );

  it.each([
    [11, true],
    [12, false],
    [13, true],
  ])('of random data (seed %i, compression %s), redis-server loads with an equal digest', async (seed, compression) => {
    const store = new RdbStore();
    fillRandomly(store, seed, { keys: 150, times: FAR });
    await using oracle = await oracleOn(store.save({ version: 10, compression, access: 'lru', lruClock: 5 }));
    const client = await oracle.server.connect();
    expect(await client.ask('DEBUG', 'DIGEST')).toBe(store.digest('17 digits'));
    // And back: what it writes now, reads here as it did.
    await client.ask('SAVE');
    const again = new RdbStore();
    again.load(readFileSync(join(oracle.folder, 'dump.rdb')));
    again.audit();
    expect(again.digest()).toBe(store.digest());
  });

  it('version 9 loads, too', async () => {
    const store = golden('redis-7.2.6');
    store.libraries.length = 0;
    await using oracle = await oracleOn(store.save({ version: 9 }));
    const client = await oracle.server.connect();
    expect(await client.ask('DEBUG', 'DIGEST')).toBe(store.digest('17 digits'));
  });
});

describe('what redis-server reads', () => {
  it.skipIf(!existsSync(UPSTREAM)).each(['encodings.rdb', 'hash-zipmap.rdb', 'list-quicklist.rdb', 'zset-ziplist.rdb'])(
    '%s has the same digest here',
    async (name) => {
      const file = readFileSync(join(UPSTREAM, name));
      const store = new RdbStore();
      store.load(file);
      const folder = temporaryFolder('rdb');
      writeFileSync(join(folder, 'dump.rdb'), file);
      const server = await startOracle({ dir: folder, args: ['--databases', '256'] });
      try {
        const client = await server.connect();
        expect(await client.ask('DEBUG', 'DIGEST')).toBe(store.digest('17 digits'));
      } finally {
        await server.halt();
        removeFolder(folder);
      }
    },
  );
});

describe('DUMP payloads', () => {
  it('cross both ways, for every type', async () => {
    const store = golden('redis-7.0.15');
    fillRandomly(store, 21, { keys: 40, times: FAR });
    const folder = temporaryFolder('rdb');
    const server = await startOracle({ dir: folder, args: ['--databases', '256'] });
    try {
      const client = await server.connect();
      const writer = new DumpWriter(store.arena, 10);
      const reader = new DumpReader(store.arena, store.limits);
      for (const [name, entry] of store.databases.get(0)!) {
        const key = Buffer.from(name, 'latin1');
        const payload = Buffer.from(writer.write(entry));
        expect(isSoundDump(payload, 0, payload.length)).toBe(true);
        const expireAtMs = itemSlot(store.arena, entry);
        const ttl = Number.isNaN(expireAtMs) ? [0] : [expireAtMs, 'ABSTTL'];
        expect(await client.ask('RESTORE', key, ttl[0]!, payload, ...ttl.slice(1))).toBe('OK');
        const theirs = (await client.call('DUMP', key)).bytes!;
        expect(isSoundDump(theirs, 0, theirs.length)).toBe(true);
        expect(reader.read(theirs, 0, theirs.length)).toBe(true);
        expect(reader.type).toBe(itemType(store.arena, entry));
        if (reader.root !== 0) store.free(reader.type, reader.encoding, reader.root);
      }
      for (const [db] of store.databases) if (db !== 0) store.databases.delete(db);
      expect(await client.ask('DEBUG', 'DIGEST')).toBe(store.digest('17 digits'));
    } finally {
      await server.halt();
      removeFolder(folder);
    }
  });
});
