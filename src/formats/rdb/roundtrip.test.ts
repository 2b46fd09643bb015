import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fillRandomly } from '../../../test/support/random-store.js';
import { RdbStore } from '../../../test/support/rdb-store.js';
import { CorruptionError, TruncationError } from '../../base/errors.js';
import { Arena } from '../../memory/arena.js';
import { itemLru, setItemLru } from '../../memory/item.js';
import { moduleName } from './module.js';
import { RdbWriter } from './writer.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function loaded(file: Uint8Array, options: Parameters<RdbStore['load']>[1] = {}): RdbStore {
  const store = new RdbStore();
  store.load(file, options);
  store.audit();
  return store;
}

describe('writing and reading', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`gives back every key, in every version and however it is cut (seed ${seed})`, () => {
      const store = new RdbStore();
      fillRandomly(store, seed, { keys: 30, fieldExpiry: true });
      store.audit();
      const before = store.describe(null);
      for (const version of [9, 10, 11, 12] as const) {
        const lost: string[] = [];
        const unsupported = (key: string): number => lost.push(key);
        const file = store.save({ version, compression: seed % 2 === 0, unsupported, bufferBytes: seed * 77 });
        const again = loaded(file, { chunk: 1000 * seed + version });
        const after = again.describe(null);
        if (version === 12) {
          expect(lost).toEqual([]);
          expectSame(after, before);
        } else {
          const kept = (described: typeof before): typeof before =>
            described.filter((key) => !hasExpiringFields(before.find((x) => x.db === key.db && x.key === key.key)!));
          expectSame(kept(after), kept(before));
          expect(lost).toHaveLength(before.filter(hasExpiringFields).length);
        }
      }
    });
  }

  it('converts to the limits of the one who loads', () => {
    const store = new RdbStore();
    fillRandomly(store, 7, { keys: 40 });
    const tiny = new RdbStore({
      hashMaxListpackEntries: 3,
      setMaxIntsetEntries: 3,
      setMaxListpackEntries: 3,
      zsetMaxListpackEntries: 3,
      listMaxListpackSize: 4,
    });
    tiny.load(store.save());
    tiny.audit();
    expect(tiny.digest()).toBe(store.digest());
    const small = tiny.describe().filter(({ type, value }) => type !== 'string' && (value as unknown[]).length > 4);
    expect(small.length).toBeGreaterThan(10);
    for (const { encoding } of small) expect(['hashtable', 'skiplist', 'quicklist']).toContain(encoding);
    const back = loaded(tiny.save());
    expect(back.digest()).toBe(store.digest());
  });

  it('writes the same from an arena that is attached, as a worker does', () => {
    const store = new RdbStore();
    fillRandomly(store, 5, { keys: 40, fieldExpiry: true });
    const collect = (arena: Arena): Buffer => {
      const pieces: Buffer[] = [];
      const sink = (buf: Uint8Array, len: number): number => pieces.push(Buffer.from(buf.subarray(0, len)));
      const writer = new RdbWriter(arena, sink, { version: 12, compression: true, checksum: true });
      for (const [db, keys] of store.databases) {
        writer.selectDb(db);
        for (const entry of keys.values()) writer.entry(entry);
      }
      writer.end();
      return Buffer.concat(pieces);
    };
    const ours = collect(store.arena);
    const used = store.arena.bytesUsed;
    expect(Buffer.compare(collect(Arena.attach(store.arena.buffers())), ours)).toBe(0);
    expect(store.arena.bytesUsed).toBe(used);
  });

  it('strings larger than the buffer, compressible or not, come back', () => {
    const store = new RdbStore();
    const repeats = Buffer.alloc(700_000, 'the same words again and ');
    const noise = Uint8Array.from({ length: 700_000 }, (_, i) => Math.imul(i ^ (i >>> 7), 2654435761) >>> 23);
    store.putString(0, 'repeats', repeats);
    store.putString(0, 'noise', noise);
    store.putList(0, 'list', [noise, repeats, noise]);
    store.putHash(0, 'hash', [[repeats, noise, Number.NaN]]);
    const saved = store.save();
    expect(saved.length).toBeLessThan(700_000 * 4 + 100_000);
    const again = loaded(saved, { chunk: 50_000 });
    expect(again.digest()).toBe(store.digest());
  });

  it('writes access times and LFU counters when asked', () => {
    const store = new RdbStore();
    store.putString(0, 'a', Buffer.from('1'));
    const entry = store.entry(0, 'a');
    setItemLru(store.arena, entry, 0xfffffe);
    expect(itemLru(store.arena, entry)).toBe(0xfffffe);
    // The clock has 24 bits and goes round: 3 seconds from ...fe to 1.
    expect(loaded(store.save({ access: 'lru', lruClock: 1 })).access.get('a')).toEqual({
      idleSeconds: 3,
      frequency: -1,
    });
    setItemLru(store.arena, entry, 0x1234fd);
    expect(loaded(store.save({ access: 'lfu' })).access.get('a')).toEqual({ idleSeconds: -1, frequency: 0xfd });
    expect(loaded(store.save()).access.size).toBe(0);
  });

  it('keeps libraries, module values and module data whole', () => {
    const store = new RdbStore();
    store.libraries.push('#!lua name=x\nreturn 1', '#!lua name=y\nreturn 2');
    // Module id, then signed 5, unsigned 2^40, float, double, string, end.
    const id = '81 2a0b3c4d5e6f7001';
    const value = hex(`${id} 01 05 02 81 0000010000000000 03 0000803f 04 000000000000f03f 05 03 616263 00`);
    store.putBlob(0, 'm', 7, value);
    store.moduleData.push(hex(`${id} 02 02 05 04 64617461 00`));
    const again = loaded(store.save());
    expect(again.libraries).toEqual(store.libraries);
    expect(again.moduleData.map((data) => Buffer.from(data))).toEqual(store.moduleData);
    expect(again.describe()).toEqual(store.describe());
    expect(moduleName(0x2a0b3c4d, 0x5e6f7001)).toMatch(/^[\w-]{9}$/);
    expect(moduleName(0xffffffff, 0xffffffff)).toBe('_________');
  });
});

/** As toEqual, which takes long over what is equal. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

function hasExpiringFields(key: { type: string; value: unknown }): boolean {
  return key.type === 'hash' && (key.value as [string, string, number][]).some(([, , at]) => at !== -1);
}

/** A file of the given version around some bytes, with the checksum off. */
const file = (version: string, body: string): Buffer =>
  Buffer.concat([Buffer.from(version), hex(`${body} ff 0000000000000000`)]);

function refused(bytes: Uint8Array): CorruptionError {
  const store = new RdbStore();
  try {
    store.load(bytes, { name: 'dump.rdb' });
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptionError);
    store.audit();
    return error as CorruptionError;
  }
  throw new Error('loaded');
}

describe('RdbReader', () => {
  it('refuses magics and versions that it does not know', () => {
    expect(refused(Buffer.from('REDIX0011\xff')).offset).toBe(0);
    expect(refused(file('REDIS0000', '')).found).toBe('version 0');
    expect(refused(file('REDIS0013', '')).message).toBe(
      "Can't handle RDB format version 13 of dump.rdb: this server reads RDB version 1 to 12. A newer one has written it, and nothing is known to be wrong with it",
    );
    expect(refused(file('VALKEY011', '')).expected).toBe('Valkey RDB version 80');
    expect(loaded(file('REDIS0012', '')).size).toBe(0);
    expect(loaded(file('VALKEY080', '')).size).toBe(0);
    expect(refused(Buffer.from('REDIS001'))).toBeInstanceOf(TruncationError);
  });

  it('names key and offset of a value that it cannot keep', () => {
    const error = refused(file('REDIS0012', 'fe00 1a 03 666f6f 01 02'));
    expect(error.message).toBe(
      'dump.rdb: damaged at byte 15, in key "foo": expected a type of value that can be kept, ' +
        'found type 26 (stream4 of Redis 8.6)',
    );
    expect(refused(file('REDIS0009', '06 03 666f6f 00')).found).toBe('type 6 (a module value of a pre-release)');
    expect(refused(file('REDIS0011', '08 03 666f6f 00')).found).toBe('type 8');
    expect(refused(file('VALKEY080', '17 03 666f6f 00')).found).toBe('type 23 (a Valkey type)');
    expect(refused(file('VALKEY080', '18 03 666f6f 00')).found).toBe('type 24 (a Valkey type)');
    expect(refused(file('REDIS0012', 'f3 00')).found).toBe('opcode 243');
    expect(refused(file('REDIS0010', 'f6 00')).found).toBe('opcode 246 (a function of a pre-release)');
  });

  it('a type above 21 is what the magic says it is', () => {
    const pair = (store: RdbStore): unknown => store.describe()[0]!.value;
    // Valkey: field, value, expiry (-1 none). Redis: expiry (0 none), field, value.
    const valkey = 'fe00 16 01 68 02  01 61 01 31 ffffffffffffffff  01 62 01 32 15cd5b0700000000';
    expect(pair(loaded(file('VALKEY080', valkey)))).toEqual([
      ['a', '1', -1],
      ['b', '2', 123456789],
    ]);
    const preRelease = 'fe00 16 01 68 02  00 01 61 01 31  80 075bcd15 01 62 01 32';
    expect(pair(loaded(file('REDIS0012', preRelease)))).toEqual(pair(loaded(file('VALKEY080', valkey))));
    const released = 'fe00 18 01 68 02cd5b0700000000 02  00 01 61 01 31  14 01 62 01 32';
    expect(pair(loaded(file('REDIS0012', released)))).toEqual(pair(loaded(file('VALKEY080', valkey))));
    // A listpack of field, value, expiry: "b" 2 123456789, "a" 1 0; type 25 with the smallest expiry in front, 23 without.
    const triples = '19 19000000 0600 8162 02 02 01 f3 15cd5b07 05 8161 02 01 01 00 01 ff';
    expect(pair(loaded(file('REDIS0012', `fe00 19 01 68 15cd5b0700000000 ${triples}`)))).toEqual([
      ['a', '1', -1],
      ['b', '2', 123456789],
    ]);
    expect(pair(loaded(file('REDIS0012', `fe00 17 01 68 ${triples}`)))).toHaveLength(2);
  });

  it('a hash whose fields expire is laid out as stock servers do', () => {
    const [a, b, one, two] = ['a', 'b', '1', '2'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer, Buffer];
    const written = (store: RdbStore, version: 11 | 12): string =>
      store.save({ version, compression: false, checksum: false }).toString('hex');
    const small = new RdbStore();
    small.putHash(0, 'h', [
      [a, one, Number.NaN],
      [b, two, 123456789],
    ]);
    const triples = '19 19000000 0600 8162 02 02 01 f3 15cd5b07 05 8161 02 01 01 00 01 ff'.replaceAll(' ', '');
    expect(written(small, 12)).toContain(`190168${'15cd5b0700000000'}${triples}ff`);
    expect(() => written(small, 11)).toThrow(/fields that expire need RDB version 12/);
    const large = new RdbStore({ hashMaxListpackEntries: 0 });
    large.putHash(0, 'h', [[b, two, 123456789]]);
    expect(written(large, 12)).toContain('180168' + '15cd5b0700000000' + '01' + '01' + '0162' + 'c002' + 'ff');
    large.putHash(0, 'i', [
      [a, one, 123456790],
      [b, two, 123456789],
    ]);
    const both = ['020161c001', '010162c002'];
    const head = `180169${'15cd5b0700000000'}02`;
    const text = written(large, 12);
    expect(text.includes(head + both.join('')) || text.includes(head + both.reverse().join(''))).toBe(true);
  });

  it('a small hash whose fields expire no more is one of triples for 12, a plain one for those before', () => {
    const store = loaded(file('REDIS0012', 'fe00 19 01 68 0000000000000000 0e 0e000000 0300 8161 02 01 01 00 01 ff'));
    expect(store.describe()[0]).toMatchObject({ encoding: 'listpackex', value: [['a', '1', -1]] });
    const plain = { compression: false, checksum: false };
    expect(store.save({ ...plain, version: 12 }).toString('hex')).toContain('1901680000000000000000' + '0e0e000000');
    for (const version of [9, 10, 11] as const) {
      expect(store.save({ ...plain, version }).toString('hex')).toContain('040168010161c001ff');
    }
  });

  it('triples that are out of order are put in order, damaged ones refused', () => {
    const triples = (elements: string, bytes: number, count: number): string => {
      const length = Buffer.from([bytes]).toString('hex');
      return `fe00 17 01 68 ${length} ${length}000000 0${count}00 ${elements} ff`;
    };
    const unordered = triples('8161 02 01 01 00 01 8162 02 02 01 09 01 8163 02 03 01 05 01', 28, 9);
    expect(loaded(file('REDIS0012', unordered)).describe()[0]).toMatchObject({
      encoding: 'listpackex',
      value: [
        ['a', '1', -1],
        ['b', '2', 9],
        ['c', '3', 5],
      ],
    });
    // An expiry that stands there as a text.
    expect(loaded(file('REDIS0012', triples('8161 02 01 01 8137 02', 15, 3))).describe()[0]!.value).toEqual([
      ['a', '1', 7],
    ]);
    expect(refused(file('REDIS0012', triples('8161 02 01 01 8178 02', 15, 3))).expected).toBe('the expiry of a field');
    expect(refused(file('REDIS0012', triples('8161 02 01 01', 12, 2))).found).toBe('elements that are no triples');
    const twice = triples('8161 02 01 01 05 01 8161 02 02 01 05 01', 21, 6);
    expect(refused(file('REDIS0012', twice)).found).toBe('the same one again');
  });

  it('expiries in seconds and milliseconds belong to the next key alone', () => {
    const store = loaded(
      file(
        'REDIS0009',
        'fe00 fd 01000000 00 01 61 00  fc 0200000000000000 00 01 62 00  00 01 63 00 fcffffffffffffffff 00 01 64 00',
      ),
    );
    expect(store.describe().map(({ key, expireAtMs }) => [key, expireAtMs])).toEqual([
      ['a', 1000],
      ['b', 2],
      ['c', -1],
      ['d', -1],
    ]);
  });

  it('hints of cluster nodes and of sizes are passed over', () => {
    expect(loaded(file('REDIS0012', 'fe00 fb 01 00 f4 07 01 00 00 01 61 00')).size).toBe(1);
  });

  it('a key that comes twice, an unsorted or double element, and a score that is none are refused', () => {
    expect(refused(file('REDIS0011', 'fe00 00 01 61 00 00 01 61 00')).found).toBe('it again in database 0');
    expect(loaded(file('REDIS0011', 'fe00 00 01 61 00 fe01 00 01 61 00')).size).toBe(2);
    expect(refused(file('REDIS0011', 'fe00 02 01 73 02 01 61 01 61')).key).toBe('"s"');
    expect(refused(file('REDIS0011', 'fe00 04 01 68 02 01 61 00 01 61 00')).key).toBe('"h"');
    const score = 'fe00 05 01 7a 01 01 61';
    expect(refused(file('REDIS0011', `${score} 000000000000f87f`)).expected).toBe('a score');
    expect(refused(file('REDIS0002', 'fe00 03 01 7a 01 01 61 fd')).expected).toBe('a score');
    expect(refused(file('REDIS0002', 'fe00 03 01 7a 01 01 61 02 3178')).expected).toBe('a score');
    const text = loaded(file('REDIS0002', 'fe00 03 01 7a 03 01 61 03 312e35 01 62 ff 01 63 fe'));
    expect(text.describe()[0]!.value).toEqual([
      ['b', -Infinity],
      ['a', 1.5],
      ['c', Infinity],
    ]);
  });

  it('the checksum is verified when it is on, there, and of a version that has one', () => {
    const store = new RdbStore();
    store.putString(0, 'a', Buffer.from('value'));
    const good = store.save();
    expect(loaded(good).size).toBe(1);
    const bad = Buffer.from(good);
    bad[bad.length - 1]! ^= 1;
    const error = refused(bad);
    expect(error.offset).toBe(good.length - 8);
    expect(error.expected).toMatch(/^the checksum [0-9a-f]{16}$/);
    expect(loaded(bad, { checksum: false }).size).toBe(1);
    const off = store.save({ checksum: false });
    expect([...off.subarray(-8)]).toEqual(new Array(8).fill(0));
    expect(loaded(off).size).toBe(1);
    expect(loaded(Buffer.from('REDIS0004\xfe\x00\x00\x01a\x00\xff', 'latin1')).size).toBe(1);
  });
});
