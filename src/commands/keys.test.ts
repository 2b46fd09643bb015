import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lfu } from '../keyspace/lfu.js';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { ItemType } from '../memory/item.js';
import { EXPIRE_COMMANDS } from './expire.js';
import { KEY_COMMANDS } from './keys.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext, type Told } from './testing/fake-context.js';

const NOT_INTEGER = '-ERR value is not an integer or out of range';
const SYNTAX = '-ERR syntax error';
const SAME = '-ERR source and destination objects are the same';
const NO_DB = '-ERR DB index is out of range';

const fresh = (): FakeContext => new FakeContext(STRING_COMMANDS, KEY_COMMANDS, EXPIRE_COMMANDS);

/** A key that holds a list of `count` elements. */
function addList(t: FakeContext, key: string, count = 1): void {
  const list = t.keyspace.createList();
  for (let i = 0; i < count; i++) list.push(false, Buffer.from(`element:${i}`), 0, `element:${i}`.length);
  t.db.addValue(Buffer.from(key), 0, key.length, ItemType.LIST, list.encoding, list.root, Number.NaN);
}

/** Elements of the list at a key of the selected database. */
function listAt(t: FakeContext, key: string): number {
  return t.keyspace.openList(t.db.find(Buffer.from(key), 0, key.length)).length;
}

function select(t: FakeContext, db: number): void {
  t.db = t.keyspace.databases[db]!;
}

describe('DEL, UNLINK, EXISTS, TOUCH, TYPE', () => {
  it('count keys, those named twice too where they are only looked at', () => {
    const t = fresh();
    t.run('MSET', 'a', 1, 'b', 2, 'c', 3);
    addList(t, 'l', 5000);
    expect(t.run('EXISTS', 'a', 'a', 'l', 'missing')).toBe(3);
    expect(t.run('TOUCH', 'a', 'a', 'missing')).toBe(2);
    expect(t.run('TYPE', 'l')).toBe('list');
    expect(t.run('TYPE', 'missing')).toBe('none');
    t.forget();
    expect(t.run('DEL', 'a', 'a', 'missing')).toBe(1);
    expect(t.run('UNLINK', 'l', 'b')).toBe(2);
    expect(t.events).toEqual(['del a', 'del l', 'del b']);
    expect(t.effects).toEqual([
      ['DEL', 'a', 'a', 'missing'],
      ['UNLINK', 'l', 'b'],
    ]);
    expect(t.run('DEL', 'missing')).toBe(0);
    expect(t.effects).toHaveLength(2);
    expectNoLeak(t.keyspace);
  });

  it('an expired key is missing, and goes as expired', () => {
    const t = fresh();
    for (const key of ['a', 'b', 'c', 'd']) t.run('SET', key, '1', 'PX', 5);
    t.now += 6;
    t.forget();
    expect([t.run('DEL', 'a'), t.run('EXISTS', 'b'), t.run('TYPE', 'c'), t.run('TOUCH', 'd')]).toEqual([
      0,
      0,
      'none',
      0,
    ]);
    expect(t.events).toEqual(['expired a', 'expired b', 'expired c', 'expired d']);
    expect(t.db.size).toBe(0);
  });

  it('EXISTS, TYPE and OBJECT are no access to the key, TOUCH and GET are', () => {
    const t = fresh();
    t.run('SET', 'k', '1');
    t.now += 10_000;
    t.run('EXISTS', 'k');
    t.run('TYPE', 'k');
    t.run('TTL', 'k');
    t.run('OBJECT', 'ENCODING', 'k');
    expect(t.run('OBJECT', 'IDLETIME', 'k')).toBe(10);
    t.run('TOUCH', 'k');
    expect(t.run('OBJECT', 'IDLETIME', 'k')).toBe(0);
  });

  it('count hits and misses', () => {
    const t = fresh();
    t.run('SET', 'k', '1');
    t.run('EXISTS', 'k', 'missing');
    t.run('TYPE', 'k');
    t.run('TTL', 'missing');
    expect([t.keyspace.hits, t.keyspace.misses]).toEqual([2, 2]);
  });
});

describe('RENAME, COPY, MOVE', () => {
  it('RENAME takes value and expiry along and replaces the new key', () => {
    const t = fresh();
    t.run('SET', 'a', '1', 'EX', 100);
    addList(t, 'b', 1000);
    t.forget();
    expect(t.run('RENAME', 'a', 'b')).toBe('OK');
    expect([t.run('EXISTS', 'a'), t.run('GET', 'b'), t.run('TTL', 'b'), t.db.expires]).toEqual([0, '1', 100, 1]);
    expect(t.events).toEqual(['new b', 'rename_from a', 'rename_to b']);
    expect(t.dirty).toBe(1);
    expect(t.run('RENAME', 'b', 'b')).toBe('OK');
    expect(t.dirty).toBe(1);
    expect(t.run('RENAME', 'missing', 'b')).toBe('-ERR no such key');
    expect(t.run('RENAME', 'missing', 'missing')).toBe('-ERR no such key');
    expectNoLeak(t.keyspace);
  });

  it('RENAMENX leaves an existing key alone', () => {
    const t = fresh();
    t.run('MSET', 'a', 1, 'b', 2);
    expect(t.run('RENAMENX', 'a', 'b')).toBe(0);
    expect(t.run('RENAMENX', 'a', 'a')).toBe(0);
    expect(t.run('RENAMENX', 'a', 'c')).toBe(1);
    expect(t.run('MGET', 'a', 'b', 'c')).toEqual([null, '2', '1']);
    expect(t.run('RENAMENX', 'missing', 'c')).toBe('-ERR no such key');
    t.run('PEXPIRE', 'b', 1);
    t.now += 2;
    expect(t.run('RENAMENX', 'c', 'b')).toBe(1);
  });

  it('COPY makes a value of its own', () => {
    const t = fresh();
    addList(t, 'l', 300);
    t.run('EXPIRE', 'l', 50);
    t.run('SET', 's', 'x');
    t.forget();
    expect(t.run('COPY', 'l', 'm')).toBe(1);
    expect(t.run('COPY', 'l', 's')).toBe(0);
    expect(t.run('COPY', 'l', 's', 'REPLACE')).toBe(1);
    expect(t.run('COPY', 'l', 'l', 'DB', 3)).toBe(1);
    expect(t.events).toEqual(['new m', 'copy_to m', 'new s', 'copy_to s', 'new l @3', 'copy_to l @3']);
    expect(t.run('TTL', 's')).toBe(50);
    t.run('DEL', 'l');
    expect([listAt(t, 'm'), listAt(t, 's')]).toEqual([300, 300]);
    select(t, 3);
    expect([listAt(t, 'l'), t.run('TTL', 'l')]).toEqual([300, 50]);
    expectNoLeak(t.keyspace);
  });

  it('COPY checks its arguments in order', () => {
    const t = fresh();
    expect(t.run('COPY', 'a', 'a')).toBe(SAME);
    expect(t.run('COPY', 'a', 'a', 'DB', 0)).toBe(SAME);
    expect(t.run('COPY', 'a', 'a', 'DB', 1)).toBe(0);
    expect(t.run('COPY', 'a', 'b', 'FOO')).toBe(SYNTAX);
    expect(t.run('COPY', 'a', 'b', 'DB')).toBe(SYNTAX);
    expect(t.run('COPY', 'a', 'b', 'DB', 16, 'FOO')).toBe(NO_DB);
    expect(t.run('COPY', 'a', 'b', 'DB', 'x')).toBe(NOT_INTEGER);
    expect(t.run('COPY', 'a', 'b', 'DB', '2147483648')).toBe(
      '-ERR value is out of range, value must between -2147483648 and 2147483647',
    );
  });

  it('MOVE takes value and expiry to another database', () => {
    const t = fresh();
    addList(t, 'l', 300);
    t.run('EXPIRE', 'l', 50);
    t.forget();
    expect(t.run('MOVE', 'l', 1)).toBe(1);
    expect(t.events).toEqual(['new l @1', 'move_from l', 'move_to l @1']);
    expect(t.touched).toContain('0:l');
    expect(t.touched).toContain('1:l');
    expect([t.run('EXISTS', 'l'), t.db.expires, t.dirty]).toEqual([0, 0, 1]);
    t.run('SET', 'l', 'x');
    expect(t.run('MOVE', 'l', 1)).toBe(0);
    expect(t.run('MOVE', 'missing', 1)).toBe(0);
    expect(t.run('MOVE', 'l', 0)).toBe(SAME);
    expect(t.run('MOVE', 'l', -1)).toBe(NO_DB);
    expect(t.run('MOVE', 'l', 'x')).toBe(NOT_INTEGER);
    select(t, 1);
    expect([listAt(t, 'l'), t.run('TTL', 'l'), t.db.expires]).toEqual([300, 50, 1]);
    expectNoLeak(t.keyspace);
  });
});

describe('OBJECT', () => {
  it('answers for strings and collections', () => {
    const t = fresh();
    t.run('MSET', 'small', 77, 'big', 77777, 'text', 'abc');
    addList(t, 'l');
    const ask = (what: string, ...keys: string[]): Told[] => keys.map((key) => t.run('OBJECT', what, key));
    expect(ask('ENCODING', 'small', 'text', 'l', 'missing')).toEqual(['int', 'embstr', 'listpack', null]);
    expect(ask('REFCOUNT', 'small', 'big', 'text', 'l', 'missing')).toEqual([2147483647, 1, 1, 1, null]);
    expect(ask('FREQ', 'small', 'missing')).toEqual([expect.stringMatching(/^-ERR An LFU .* is not selected/), null]);
    t.keyspace.useLfu(new Lfu(10, 1, () => 0));
    t.run('SET', 'k', 'v');
    t.run('GET', 'k');
    expect(ask('FREQ', 'k')).toEqual([6]);
    expect(ask('IDLETIME', 'k', 'missing')).toEqual([expect.stringMatching(/^-ERR An LFU .* is selected/), null]);
    expect(t.run('OBJECT', 'ENCODING')).toBe("-ERR wrong number of arguments for 'object|encoding' command");
    expect((t.run('OBJECT', 'HELP') as string[])[0]).toMatch(/^OBJECT /);
  });
});

describe('SCAN, KEYS, RANDOMKEY', () => {
  /** Scans to the end; returns all keys in the order in which they came. */
  function scanAll(t: FakeContext, ...options: (string | number)[]): string[] {
    const keys: string[] = [];
    let cursor = '0';
    do {
      const [next, found] = t.run('SCAN', cursor, ...options) as [string, string[]];
      keys.push(...found);
      cursor = next;
    } while (cursor !== '0');
    return keys;
  }

  it('SCAN visits every key once', () => {
    const t = fresh();
    for (let i = 0; i < 1500; i++) t.run('SET', `key:${i}`, i);
    for (const count of [1, 10, 333, 100_000]) {
      const keys = scanAll(t, 'COUNT', count);
      expect(keys).toHaveLength(1500);
      expect(new Set(keys).size).toBe(1500);
    }
    expect(scanAll(t, 'MATCH', 'key:12?', 'COUNT', 100).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `key:12${i}`),
    );
  });

  it('SCAN gives what is there all the time, whatever else comes and goes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.infiniteStream(fc.nat(5999)), (count, numbers) => {
        const t = fresh();
        for (let i = 0; i < 500; i++) t.run('SET', `stays:${i}`, i);
        for (let i = 0; i < 2000; i++) t.run('SET', `goes:${i}`, i);
        const keys: string[] = [];
        let cursor = '0';
        do {
          const [next, found] = t.run('SCAN', cursor, 'COUNT', count) as [string, string[]];
          keys.push(...found);
          cursor = next;
          for (let i = 0; i < 100; i++) {
            const n = numbers.next().value as number;
            if (n % 2 === 0) t.run('DEL', `goes:${n}`);
            else t.run('SET', `goes:${n}`, n);
          }
        } while (cursor !== '0');
        const stays = keys.filter((key) => key.startsWith('stays'));
        expect(stays).toHaveLength(500);
        expect(new Set(stays).size).toBe(500);
      }),
      { numRuns: 5 },
    );
  });

  it('SCAN filters by type and leaves out expired keys, which it deletes', () => {
    const t = fresh();
    t.run('MSET', 'a', 1, 'b', 2);
    t.run('SET', 'c', 3, 'PX', 10);
    addList(t, 'l');
    t.now += 11;
    t.forget();
    expect(scanAll(t, 'TYPE', 'list')).toEqual(['l']);
    expect(scanAll(t, 'TYPE', 'STRING').sort()).toEqual(['a', 'b']);
    expect(scanAll(t, 'TYPE', 'nosuch')).toEqual([]);
    expect(t.events).toEqual(['expired c']);
    expect(t.db.size).toBe(3);
  });

  it.each([
    [['x'], '-ERR invalid cursor'],
    [[' 1'], '-ERR invalid cursor'],
    [['1 '], '-ERR invalid cursor'],
    [['18446744073709551616'], '-ERR invalid cursor'],
    [['0', 'COUNT'], SYNTAX],
    [['0', 'COUNT', '0'], SYNTAX],
    [['0', 'COUNT', '-1'], SYNTAX],
    [['0', 'COUNT', 'x'], NOT_INTEGER],
    [['0', 'COUNT', '9223372036854775808'], NOT_INTEGER],
    [['0', 'FOO', '1'], SYNTAX],
    [['0', 'NOVALUES'], SYNTAX],
  ])('SCAN %j: %s', (argv, error) => {
    expect(fresh().run('SCAN', ...argv)).toBe(error);
  });

  it.each(['0', '', '-1', '+5', '18446744073709551615', '4294967296', '9223372036854775807'])(
    'SCAN takes the cursor %j',
    (cursor) => {
      expect(fresh().run('SCAN', cursor)).toEqual(['0', []]);
    },
  );

  it('KEYS lists what matches and is not expired', () => {
    const t = fresh();
    t.run('MSET', 'one', 1, 'two', 2, 'three', 3, '', 4);
    t.run('PSETEX', 'tail', 5, 'x');
    t.now += 6;
    expect((t.run('KEYS', '*') as string[]).sort()).toEqual(['', 'one', 'three', 'two']);
    expect((t.run('KEYS', 't*') as string[]).sort()).toEqual(['three', 'two']);
    expect(t.run('KEYS', '')).toEqual(['']);
    expect(t.run('KEYS', '[')).toEqual([]);
  });

  it('RANDOMKEY names any key that is not expired', () => {
    const t = fresh();
    expect(t.run('RANDOMKEY')).toBe(null);
    t.run('MSET', 'a', 1, 'b', 2);
    t.run('PSETEX', 'c', 5, 'x');
    t.now += 6;
    const met = new Set<Told>();
    for (let i = 0; i < 200; i++) met.add(t.run('RANDOMKEY'));
    expect([...met].sort()).toEqual(['a', 'b']);
  });

  it('replies have the same shapes in RESP3, null apart', () => {
    const t = fresh();
    t.out.resp = 3;
    expect(t.raw('RANDOMKEY')).toBe('_\r\n');
    expect(t.raw('GET', 'k')).toBe('_\r\n');
    t.run('SET', 'k', 'v');
    expect(t.raw('SCAN', '0')).toBe('*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n');
    expect(t.raw('KEYS', 'x')).toBe('*0\r\n');
    expect(t.raw('LCS', 'k', 'k', 'IDX')).toBe(
      '%2\r\n$7\r\nmatches\r\n*1\r\n*2\r\n*2\r\n:0\r\n:0\r\n*2\r\n:0\r\n:0\r\n$3\r\nlen\r\n:1\r\n',
    );
  });
});
