import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from '../src/disk/disk.js';
import { RdbReader } from '../src/formats/rdb/reader.js';
import { FileSource } from '../src/formats/rdb/source.js';
import { Keyspace } from '../src/keyspace/keyspace.js';
import { expectNoLeak } from '../src/keyspace/testing/audit.js';
import { KeyspaceLoader } from '../src/persistence/keyspace-loader.js';
import { Snapshot, SnapshotAborted, saveNow } from '../src/persistence/snapshot.js';
import type { SnapshotRequest } from '../src/persistence/snapshot-file.js';
import { contents, mutate, rng } from './support/random-keyspace.js';
import { startOnggi } from './support/server.js';
import { eventually } from './support/wait.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'onggi-snapshot-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function newKeyspace(): Keyspace {
  const keyspace = new Keyspace({ expired() {} }, 3);
  keyspace.setNow(1e11);
  return keyspace;
}

function request(): SnapshotRequest {
  return {
    path: join(dir, 'dump.rdb'),
    tempPath: join(dir, 'temp-1.rdb'),
    format: 'rdb',
    rdb: { version: 12, compression: true, checksum: true },
    info: { ctimeSeconds: 1e8, usedMemory: 1, aofBase: false },
    libraries: [],
    moduleAux: [],
    incrementalSync: true,
  };
}

function load(path: string): Keyspace {
  const keyspace = newKeyspace();
  const extras = { libraries: [], moduleAux: [] };
  const loader = new KeyspaceLoader(keyspace, extras, { dropExpired: false, replace: false });
  const fd = openSync(path, 'r');
  new RdbReader(new FileSource(path, fd), keyspace.arena, keyspace.limits, loader, { checksum: true }).run();
  closeSync(fd);
  return keyspace;
}

describe('Snapshot', () => {
  for (let seed = 1; seed <= 4; seed++) {
    it(`the file holds the content at the start, whatever changes while the worker writes (seed ${seed})`, async () => {
      const random = rng(seed);
      const keyspace = newKeyspace();
      for (let i = 0; i < 20_000; i++) mutate(keyspace, random);
      const before = contents(keyspace);
      const snapshot = new Snapshot(keyspace, request());
      let ended = false;
      snapshot.done.finally(() => {
        ended = true;
      });
      while (!ended) {
        for (let i = 0; i < 200; i++) mutate(keyspace, random);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const result = await snapshot.done;
      expect(result.keys).toBe(before.size);
      expect(readdirSync(dir)).toEqual(['dump.rdb']);
      expect([...contents(load(join(dir, 'dump.rdb')))].sort()).toEqual([...before].sort());
      expectNoLeak(keyspace);
    });
  }

  it('SAVE writes the same as a background save of an idle keyspace', async () => {
    const random = rng(5);
    const keyspace = newKeyspace();
    for (let i = 0; i < 5000; i++) mutate(keyspace, random);
    const saved = saveNow(nodeDisk, keyspace, { ...request(), path: join(dir, 'a.rdb') });
    const result = await new Snapshot(keyspace, { ...request(), path: join(dir, 'b.rdb') }).done;
    expect(result.keys).toBe(saved.keys);
    expect(result.bytes).toBe(saved.bytes);
    expect([...contents(load(join(dir, 'a.rdb')))].sort()).toEqual([...contents(keyspace)].sort());
    expect([...contents(load(join(dir, 'b.rdb')))].sort()).toEqual([...contents(keyspace)].sort());
  });

  it('an aborted snapshot leaves the old file, no temporary one, and no block behind', async () => {
    const random = rng(6);
    const keyspace = newKeyspace();
    for (let i = 0; i < 5000; i++) mutate(keyspace, random);
    await new Snapshot(keyspace, request()).done;
    const old = contents(load(join(dir, 'dump.rdb')));
    for (let i = 0; i < 5000; i++) mutate(keyspace, random);
    const snapshot = new Snapshot(keyspace, request());
    snapshot.abort();
    await expect(snapshot.done).rejects.toThrow(SnapshotAborted);
    expect(readdirSync(dir)).toEqual(['dump.rdb']);
    expect(contents(load(join(dir, 'dump.rdb')))).toEqual(old);
    expectNoLeak(keyspace);
  });

  it('a folder that is not there is an error that names the file, and the capture ends', async () => {
    const keyspace = newKeyspace();
    for (let i = 0; i < 1000; i++) mutate(keyspace, rng(i));
    const snapshot = new Snapshot(keyspace, { ...request(), tempPath: join(dir, 'gone', 'temp.rdb') });
    await expect(snapshot.done).rejects.toThrow(/Failed opening the temp file .*: No such file or directory/);
    expect(keyspace.arena.capturing).toBe(false);
    expectNoLeak(keyspace);
  });
});

it('a server whose folder was deleted and made again goes on saving in the background', async () => {
  const server = await startOnggi({ args: ['--save', '3600 1'] });
  try {
    const client = await server.connect();
    await client.ask('SET', 'k', 'v');
    rmSync(server.dir, { recursive: true });
    mkdirSync(server.dir);
    await client.ask('BGSAVE');
    await eventually(async () => String(await client.ask('INFO', 'persistence')).includes('rdb_saves:1'));
    expect(String(await client.ask('INFO', 'persistence'))).toContain('rdb_last_bgsave_status:ok');
    expect(readdirSync(server.dir)).toContain('dump.rdb');
    await client.close();
  } finally {
    await server.stop();
  }
});
