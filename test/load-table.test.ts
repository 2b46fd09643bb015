import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptionError } from '../src/base/errors.js';
import { RdbReader } from '../src/formats/rdb/reader.js';
import { BytesSource } from '../src/formats/rdb/source.js';
import { Keyspace } from '../src/keyspace/keyspace.js';
import { BATCH_MAX } from '../src/memory/dict-filler.js';
import { KeyspaceLoader, type TableHelper } from '../src/persistence/keyspace-loader.js';
import { LoadHelper } from '../src/persistence/load-helper.js';
import { removeFolder, temporaryFolder } from './support/folder.js';
import { describeEntry, keyText } from './support/random-keyspace.js';
import { latin1, rdbString, u64le } from './support/rdb-bytes.js';
import { eventually } from './support/wait.js';

// The thread runs compiled code (dist/), as a snapshot's does.

const AT = 4_000_000_000_000;
const END = Buffer.concat([Buffer.from([0xff]), Buffer.alloc(8)]);

const database = (db: number, keys: number): Buffer => {
  const sizes = Buffer.from([0xfe, db, 0xfb, 0x80, 0, 0, 0, 0, 0]);
  sizes.writeUInt32BE(keys, 4);
  return sizes;
};
const expiry = (atMs: number): Buffer => Buffer.concat([Buffer.from([0xfc]), u64le(atMs)]);
const string = (key: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0]), rdbString(key), rdbString(value)]);
/** A hash whose one field expires. */
const hash = (key: string, atMs: number): Buffer =>
  Buffer.concat([Buffer.from([24]), rdbString(key), u64le(atMs), Buffer.from([1, 1]), rdbString('f'), rdbString('v')]);

/** So many keys, of which some expire, and of some only a field. */
function keys(from: number, count: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = from; i < from + count; i++) {
    if (i % 11 === 0) parts.push(hash(`key:${i}`, AT + i));
    else if (i % 7 === 0) parts.push(expiry(AT + i), string(`key:${i}`, `${i}`));
    else parts.push(string(`key:${i}`, `${i}`));
  }
  return Buffer.concat(parts);
}

const file = (...parts: Buffer[]): Buffer => Buffer.concat([latin1('REDIS0012'), ...parts]);

function load(bytes: Buffer, helper: TableHelper | null, replace = false) {
  const keyspace = new Keyspace({ expired() {}, fieldsExpired() {} });
  const options = { dropExpired: true, replace };
  const loader = new KeyspaceLoader(keyspace, { libraries: [], moduleAux: [] }, options, helper);
  const source = new BytesSource('dump.rdb', bytes);
  const reader = new RdbReader(source, keyspace.arena, keyspace.limits, loader, { checksum: false });
  let error: unknown = null;
  try {
    reader.run();
  } catch (thrown) {
    error = thrown;
    loader.end();
  }
  for (const { table } of keyspace.databases) table.check();
  return { keyspace, loader, error };
}

/** What a load makes of the keyspace, with the content of some keys. */
function outcome({ keyspace, loader }: ReturnType<typeof load>) {
  const { arena } = keyspace;
  const some: string[] = [];
  for (const db of keyspace.databases) {
    db.forEach((entry) => {
      const key = keyText(arena, entry);
      if (key.endsWith('7')) some.push(`${db.index} ${key} ${describeEntry(arena, entry, keyspace)}`);
    });
  }
  return {
    some: some.sort(),
    counts: keyspace.databases.map(({ table }) => [table.count, table.expires, table.expiringHashes]),
    loaded: loader.keysLoaded,
    blocks: keyspace.arena.allocated().length,
  };
}

/** A helper whose thread has begun to work. */
async function startedHelper(dir: string): Promise<LoadHelper> {
  const bytes = new Uint8Array(1000);
  const path = join(dir, 'sum');
  writeFileSync(path, bytes);
  let reads = 0;
  const helper = new LoadHelper(path, bytes.length, () => {
    reads++;
    return new BytesSource('again', bytes);
  });
  await eventually(() => {
    const before = reads;
    helper.crcOf(bytes.length - 8);
    return reads === before;
  });
  return helper;
}

describe('a table that a thread fills while the file is read', () => {
  let dir: string;
  beforeEach(() => {
    dir = temporaryFolder('load-table');
  });
  afterEach(() => removeFolder(dir));

  async function withThread<T>(late: boolean, work: (helper: LoadHelper) => T): Promise<T> {
    const helper = late ? new LoadHelper('none', 0, null) : await startedHelper(dir);
    try {
      return work(helper);
    } finally {
      await helper.stop();
    }
  }

  const many = 3 * BATCH_MAX + 1000;
  for (const [name, said] of [
    ['the number that the file says', many],
    ['far more than the file says', 20_000],
    ['many, of which the file says nothing', 0],
  ] as const) {
    it(`holds what it holds without the thread: ${name}`, async () => {
      const bytes = file(database(0, said), keys(0, many), database(3, 500), keys(0, 500), database(0, 0), END);
      const alone = outcome(load(bytes, null));
      expect(alone.loaded).toBe(many + 500);
      for (const late of [false, true]) {
        expect(await withThread(late, (helper) => outcome(load(bytes, helper)))).toEqual(alone);
      }
    });
  }

  it('goes back to a database that it has left', async () => {
    const parts = [database(0, 70_000), keys(0, 70_000), database(1, 10), keys(0, 10), database(0, 0)];
    const bytes = file(...parts, keys(70_000, 70_000), END);
    const alone = outcome(load(bytes, null));
    expect(await withThread(false, (helper) => outcome(load(bytes, helper)))).toEqual(alone);
  });

  it('holds each key once; the first one that comes again is named', async () => {
    const first = file(database(0, many), keys(0, many));
    const again = Buffer.concat([first, string('key:1', 'again'), string('key:2', 'again'), keys(many, 100), END]);
    await withThread(false, (helper) => {
      const { keyspace, loader, error } = load(again, helper);
      expect(error).toBeInstanceOf(CorruptionError);
      expect(error).toMatchObject({ offset: first.length, message: expect.stringContaining('"key:1"') });
      expect(keyspace.databases[0]!.table.count).toBe(loader.keysLoaded);
      expect(loader.keysLoaded).toBe(many + 100);
    });
  });

  it('is left alone where keys replace others', async () => {
    const bytes = file(database(0, 100), keys(0, 100), string('key:1', 'again'), END);
    await withThread(false, (helper) => {
      const { keyspace, loader } = load(bytes, helper, true);
      expect(keyspace.databases[0]!.table.count).toBe(100);
      expect(loader.keysLoaded).toBe(101);
    });
  });

  it('is not written to any more when the load is given up', async () => {
    const helper = await startedHelper(dir);
    const keyspace = new Keyspace({ expired() {}, fieldsExpired() {} });
    const options = { dropExpired: true, replace: false };
    const loader = new KeyspaceLoader(keyspace, { libraries: [], moduleAux: [] }, options, helper);
    const source = new BytesSource('dump.rdb', file(database(0, many), keys(0, many)));
    const reader = new RdbReader(source, keyspace.arena, keyspace.limits, loader, { checksum: false });
    reader.advance(2 * BATCH_MAX + 100);
    const ended = helper.stop();
    const { table } = keyspace.databases[0]!;
    const { count } = table;
    table.check();
    await ended;
    expect(table.count).toBe(count);
    table.check();
  });
});
