/**
 * Files of servers long gone and files that are broken, as Redis's own tests have them. They are not ours to copy, so they
 * are read where they lie beside the project; without that folder these tests are skipped, and say so.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CorruptionError } from '../../src/base/errors.js';
import { RdbStore } from '../support/rdb-store.js';

const UPSTREAM = join(import.meta.dirname, '../../../shared/golden/upstream');
const present = existsSync(UPSTREAM);
if (!present) console.warn(`skipped: the files of old servers are not there (${UPSTREAM})`);

const read = (name: string): Buffer => readFileSync(join(UPSTREAM, name));

function load(name: string): RdbStore {
  const store = new RdbStore();
  store.load(read(name), { name });
  store.audit();
  return store;
}

const values = (store: RdbStore): Record<string, unknown> =>
  Object.fromEntries(store.describe().map(({ key, value }) => [key, value]));
const encodings = (store: RdbStore): Record<string, string> =>
  Object.fromEntries(store.describe().map(({ key, encoding }) => [key, encoding]));

describe.skipIf(!present)('files of old servers', () => {
  // The digests are those that redis-server 7.0.15 answers after loading the file.
  it.each([
    ['encodings.rdb', 4, 13, 'b7324c5e2d3a7618126155c2bf9e40c794649565'],
    ['hash-zipmap.rdb', 3, 1, '3ca39ed0cb3b979b5b125ae0d1e54f2c40b7c5e6'],
    ['hash-ziplist.rdb', 9, 1, '3ca39ed0cb3b979b5b125ae0d1e54f2c40b7c5e6'],
    ['list-quicklist.rdb', 8, 2, '3d77c75a5b6cc5319b4ecf6e95101ed07ddd139e'],
    ['zset-ziplist.rdb', 10, 1, 'fa1ca919dcef4dea3e3e609298a9e329d3bb7c61'],
    ['scriptbackup.rdb', 10, 0, '0000000000000000000000000000000000000000'],
  ])('%s reads as Redis reads it, and survives being written', (name, version, keys, digest) => {
    const store = new RdbStore();
    expect(store.load(read(name)).version).toBe(version);
    expect(store.size).toBe(keys);
    expect(store.digest('17 digits')).toBe(digest);
    for (const written of [9, 10, 11, 12] as const) {
      const again = new RdbStore();
      again.load(store.save({ version: written }));
      expect(again.digest('17 digits')).toBe(digest);
    }
  });

  it('zipmaps, ziplists and their integers become listpacks', () => {
    const store = load('encodings.rdb');
    expect(encodings(store)).toMatchObject({
      hash: 'listpack',
      hash_zipped: 'listpack',
      list: 'listpack',
      list_zipped: 'listpack',
      number: 'int',
      set: 'listpack',
      set_zipped_1: 'intset',
      set_zipped_2: 'intset',
      set_zipped_3: 'intset',
      zset: 'listpack',
      zset_zipped: 'listpack',
    });
    expect(values(store)).toMatchObject({
      number: '10',
      string: 'Hello World',
      list_zipped: ['1', '2', '3', 'a', 'b', 'c', '100000', '6000000000'],
      hash_zipped: [
        ['a', '1', -1],
        ['b', '2', -1],
        ['c', '3', -1],
      ],
      set_zipped_1: ['1', '2', '3', '4'],
      set_zipped_2: ['100000', '200000', '300000', '400000'],
      set_zipped_3: ['1000000000', '2000000000', '3000000000', '4000000000', '5000000000', '6000000000'],
      zset_zipped: [
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ],
    });
    const old = load('hash-zipmap.rdb');
    expect(values(old)).toEqual({
      hash: [
        ['f1', 'v1', -1],
        ['f2', 'v2', -1],
      ],
    });
  });

  it('scripts in AUX fields are handed over', () => {
    expect(load('scriptbackup.rdb').auxFields.get('lua')).toMatch(/^return redis/);
  });

  it('collections without elements are no keys, and are named', () => {
    const store = load('corrupt_empty_keys.rdb');
    expect(store.size).toBe(0);
    expect(store.empty).toHaveLength(9);
    expect(store.empty).toContain('list_ziplist');
  });

  it('a broken ziplist is refused with its offset and key, and leaves nothing behind', () => {
    const file = read('corrupt_ziplist.rdb');
    const store = new RdbStore();
    let error: unknown;
    try {
      store.load(file, { name: 'corrupt_ziplist.rdb' });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CorruptionError);
    const damage = error as CorruptionError;
    expect(damage.file).toBe('corrupt_ziplist.rdb');
    expect(damage.expected).toBe('a ziplist');
    expect(damage.key).toBe('"key:000000000091"');
    expect(damage.offset).toBe(488);
    store.audit();
  });

  it('an RDB preamble ends where the commands begin', () => {
    const file = read('rdb-preamble.aof');
    const store = new RdbStore();
    const reader = store.load(file);
    expect(values(store)).toEqual({ k1: 'v1', k2: 'v2' });
    expect(store.auxFields.get('aof-preamble')).toBe('1');
    expect(file.subarray(reader.offset).toString()).toMatch(/^\*2\r\n\$6\r\nSELECT\r\n/);
  });
});
