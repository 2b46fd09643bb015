import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPIRE_COMMANDS } from './expire.js';
import { KEY_COMMANDS } from './keys.js';
import { LIST_COMMANDS } from './list.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const SYNTAX = '-ERR syntax error';
const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';

const fresh = (): FakeContext => new FakeContext(STRING_COMMANDS, KEY_COMMANDS, EXPIRE_COMMANDS);

/** A key that holds a list of one element. */
function addList(t: FakeContext, key: string): void {
  const list = t.keyspace.createList();
  list.push(false, Buffer.from('x'), 0, 1);
  t.db.addValue(Buffer.from(key), 0, key.length, 1, list.encoding, list.root, Number.NaN);
}

describe('SET', () => {
  it('replaces whatever the key held, its expiry included', () => {
    const t = fresh();
    expect(t.run('SET', 'k', 'a', 'EX', 100)).toBe('OK');
    expect(t.run('TTL', 'k')).toBe(100);
    expect(t.run('SET', 'k', 'b')).toBe('OK');
    expect([t.run('GET', 'k'), t.run('TTL', 'k')]).toEqual(['b', -1]);
    addList(t, 'l');
    expect(t.run('SET', 'l', 'c')).toBe('OK');
    expect([t.run('GET', 'l'), t.run('TYPE', 'l')]).toEqual(['c', 'string']);
  });

  it('NX sets a missing key, XX an existing one', () => {
    const t = fresh();
    expect(t.run('SET', 'k', 'a', 'XX')).toBe(null);
    expect(t.run('SET', 'k', 'a', 'nx')).toBe('OK');
    expect(t.run('SET', 'k', 'b', 'NX')).toBe(null);
    expect(t.run('SET', 'k', 'c', 'XX')).toBe('OK');
    expect(t.run('GET', 'k')).toBe('c');
    expect(t.effects).toEqual([
      ['SET', 'k', 'a', 'nx'],
      ['SET', 'k', 'c', 'XX'],
    ]);
  });

  it('GET answers the old value, set or not, and refuses another type', () => {
    const t = fresh();
    expect(t.run('SET', 'k', 'a', 'GET')).toBe(null);
    expect(t.run('SET', 'k', 'b', 'GET', 'NX')).toBe('a');
    expect(t.run('SET', 'k', 'c', 'XX', 'GET')).toBe('a');
    expect(t.run('SET', 'm', 'c', 'XX', 'GET')).toBe(null);
    expect([t.run('GET', 'k'), t.run('EXISTS', 'm')]).toEqual(['c', 0]);
    addList(t, 'l');
    expect(t.run('SET', 'l', 'c', 'GET')).toBe(WRONG_TYPE);
    expect(t.effects).toEqual([
      ['SET', 'k', 'a'],
      ['SET', 'k', 'c', 'XX'],
    ]);
  });

  it('propagates the moment of expiry', () => {
    const t = fresh();
    const at = t.now;
    t.run('SET', 'k', 'v', 'EX', 10);
    t.run('SET', 'k', 'v', 'PX', 10, 'NX');
    t.run('SET', 'k', 'v', 'EXAT', at / 1000 + 7, 'GET');
    t.run('SET', 'k', 'v', 'PXAT', at + 9);
    t.run('SETEX', 'k', 3, 'v');
    t.run('PSETEX', 'k', 3, 'v');
    expect(t.effects).toEqual([
      ['SET', 'k', 'v', 'PXAT', `${at + 10_000}`],
      ['SET', 'k', 'v', 'PXAT', `${at + 7000}`],
      ['SET', 'k', 'v', 'PXAT', `${at + 9}`],
      ['SET', 'k', 'v', 'PXAT', `${at + 3000}`],
      ['SET', 'k', 'v', 'PXAT', `${at + 3}`],
    ]);
    expect(t.events.filter((event) => event === 'expire k')).toHaveLength(5);
  });

  it('KEEPTTL keeps the expiry', () => {
    const t = fresh();
    t.run('SET', 'k', 'a', 'PX', 5000);
    t.run('SET', 'k', 'b', 'KEEPTTL');
    expect([t.run('PTTL', 'k'), t.run('GET', 'k')]).toEqual([5000, 'b']);
    t.now += 5001;
    t.run('SET', 'k', 'c', 'KEEPTTL');
    expect(t.run('TTL', 'k')).toBe(-1);
  });

  it('over an expired key deletes that first', () => {
    const t = fresh();
    t.run('SET', 'k', 'a', 'PX', 10);
    t.now += 11;
    t.forget();
    t.run('SET', 'k', 'b');
    expect(t.effects).toEqual([
      ['DEL', 'k'],
      ['SET', 'k', 'b'],
    ]);
    expect(t.events).toEqual(['expired k', 'new k', 'set k']);
    expect(t.db.expires).toBe(0);
  });

  it.each([
    [['FOO']],
    [['NX', 'XX']],
    [['EX']],
    [['EX', '10', 'PX', '10']],
    [['KEEPTTL', 'EX', '10']],
    [['EXAT', '10', 'KEEPTTL']],
    [['PERSIST']],
  ])('refuses the options %j', (options) => {
    const t = fresh();
    expect(t.run('SET', 'k', 'v', ...options)).toBe(SYNTAX);
    expect(t.dirty).toBe(0);
  });

  it('takes an option twice when nothing contradicts it', () => {
    const t = fresh();
    expect(t.run('SET', 'k', 'v', 'EX', '10', 'EX', '20', 'NX', 'NX')).toBe('OK');
    expect(t.run('TTL', 'k')).toBe(20);
  });

  it.each([
    ['EX', 'abc', NOT_INTEGER],
    ['EX', '9223372036854775808', NOT_INTEGER],
    ['EX', '0', "-ERR invalid expire time in 'set' command"],
    ['PX', '-5', "-ERR invalid expire time in 'set' command"],
    ['EX', '9223372036854776', "-ERR invalid expire time in 'set' command"],
    ['PX', MAX, "-ERR invalid expire time in 'set' command"],
    ['EXAT', '9223372036854776', "-ERR invalid expire time in 'set' command"],
    ['PXAT', '0', "-ERR invalid expire time in 'set' command"],
    ['PXAT', MIN, "-ERR invalid expire time in 'set' command"],
  ])('%s %s: %s', (unit, time, error) => {
    const t = fresh();
    expect(t.run('SET', 'k', 'v', unit, time)).toBe(error);
    expect(t.run('EXISTS', 'k')).toBe(0);
  });

  it('takes the largest times', () => {
    const t = fresh();
    expect(t.run('SET', 'k', 'v', 'PXAT', MAX)).toBe('OK');
    expect(t.raw('PEXPIRETIME', 'k')).toBe(`:${MAX}\r\n`);
    expect(t.run('SET', 'k', 'v', 'EXAT', '9007199254740')).toBe('OK');
    expect(t.run('PEXPIRETIME', 'k')).toBe(9007199254740000);
  });
});

describe('encodings', () => {
  it.each([
    ['0', 'int'],
    ['-1', 'int'],
    [MAX, 'int'],
    [MIN, 'int'],
    ['9223372036854775808', 'embstr'],
    ['-9223372036854775809', 'embstr'],
    ['01', 'embstr'],
    ['-0', 'embstr'],
    ['+1', 'embstr'],
    [' 1', 'embstr'],
    ['', 'embstr'],
    ['x'.repeat(44), 'embstr'],
    ['x'.repeat(45), 'raw'],
  ])('%j is %s', (value, encoding) => {
    const t = fresh();
    t.run('SET', 'k', value);
    expect(t.run('OBJECT', 'ENCODING', 'k')).toBe(encoding);
    expect(t.run('GET', 'k')).toBe(value);
    t.run('MSET', 'm', value);
    expect(t.run('OBJECT', 'ENCODING', 'm')).toBe(encoding);
    t.run('APPEND', 'n', value);
    expect(t.run('OBJECT', 'ENCODING', 'n')).toBe(encoding);
  });

  it('what was changed in place is raw, what was counted is int', () => {
    const t = fresh();
    t.run('SET', 'k', '12');
    t.run('APPEND', 'k', '3');
    expect(t.run('OBJECT', 'ENCODING', 'k')).toBe('raw');
    t.run('INCR', 'k');
    expect([t.run('GET', 'k'), t.run('OBJECT', 'ENCODING', 'k')]).toEqual(['124', 'int']);
    t.run('SETRANGE', 'k', 0, '9');
    expect(t.run('OBJECT', 'ENCODING', 'k')).toBe('raw');
    t.run('INCRBYFLOAT', 'k', '1');
    expect([t.run('GET', 'k'), t.run('OBJECT', 'ENCODING', 'k')]).toEqual(['925', 'embstr']);
  });
});

describe('INCR and relatives', () => {
  it('count exactly over 64 bits', () => {
    const t = fresh();
    t.run('SET', 'k', '9007199254740990');
    expect(t.run('INCR', 'k')).toBe(9007199254740991);
    expect(t.run('INCR', 'k')).toBe(9007199254740992n);
    expect(t.run('INCR', 'k')).toBe(9007199254740993n);
    expect(t.run('DECRBY', 'k', '9007199254740993')).toBe(0);
    expect(t.run('INCRBY', 'k', MAX)).toBe(BigInt(MAX));
    expect(t.run('INCR', 'k')).toBe('-ERR increment or decrement would overflow');
    expect(t.run('INCRBY', 'k', MIN)).toBe(-1);
    expect(t.run('DECRBY', 'k', MIN)).toBe('-ERR decrement would overflow');
    expect(t.run('INCRBY', 'k', `-${MAX}`)).toBe(BigInt(MIN));
    expect(t.run('DECR', 'k')).toBe('-ERR increment or decrement would overflow');
    expect(t.run('GET', 'k')).toBe(MIN);
  });

  it('carry, lose digits and change sign', () => {
    const t = fresh();
    for (const [from, by, to] of [
      ['9', 1, 10],
      ['199', 1, 200],
      ['-1', 1, 0],
      ['-10', 1, -9],
      ['0', -1, -1],
      ['10', -1, 9],
      ['1000', -999, 1],
      ['5', -1000, -995],
    ] as const) {
      t.run('SET', 'k', from);
      expect(t.run(by === 1 ? 'INCR' : 'INCRBY', 'k', ...(by === 1 ? [] : [by]))).toBe(to);
      expect([t.run('GET', 'k'), t.run('OBJECT', 'ENCODING', 'k')]).toEqual([`${to}`, 'int']);
    }
  });

  it('begin at zero and keep the expiry', () => {
    const t = fresh();
    expect(t.run('DECR', 'k')).toBe(-1);
    expect(t.events).toEqual(['new k', 'incrby k']);
    t.run('EXPIRE', 'k', 100);
    expect(t.run('INCRBY', 'k', 100000)).toBe(99999);
    expect(t.run('INCR', 'k')).toBe(100000);
    expect(t.run('TTL', 'k')).toBe(100);
  });

  it.each(['', 'abc', '1.5', ' 1', '1 ', '01', '9223372036854775808', '+1'])('refuse the value %j', (value) => {
    const t = fresh();
    t.run('SET', 'k', value);
    t.run('SET', 'n', '1');
    for (const command of ['INCR', 'DECR']) expect(t.run(command, 'k')).toBe(NOT_INTEGER);
    for (const command of ['INCRBY', 'DECRBY']) {
      expect(t.run(command, 'k', '1')).toBe(NOT_INTEGER);
      expect(t.run(command, 'n', value)).toBe(NOT_INTEGER);
    }
    expect([t.run('GET', 'k'), t.run('GET', 'n')]).toEqual([value, '1']);
  });

  it('INCRBYFLOAT adds long doubles and propagates the sum', () => {
    const t = fresh();
    expect(t.run('INCRBYFLOAT', 'k', '0.1')).toBe('0.1');
    expect(t.run('INCRBYFLOAT', 'k', '0.2')).toBe('0.3');
    expect(t.run('INCRBYFLOAT', 'k', '5.0e3')).toBe('5000.29999999999999982');
    expect(t.effects.at(-1)).toEqual(['SET', 'k', '5000.29999999999999982', 'KEEPTTL']);
    expect(t.run('INCRBYFLOAT', 'k', 'abc')).toBe('-ERR value is not a valid float');
    expect(t.run('INCRBYFLOAT', 'k', 'inf')).toBe('-ERR increment would produce NaN or Infinity');
    t.run('SET', 's', 'abc');
    expect(t.run('INCRBYFLOAT', 's', '1')).toBe('-ERR value is not a valid float');
  });

  it('agree with integers of any size, whatever came before', () => {
    const by = fc.oneof(fc.bigInt(BigInt(MIN), BigInt(MAX)), fc.bigInt(-20n, 20n), fc.constantFrom(1n, -1n));
    fc.assert(
      fc.property(by, fc.array(by, { maxLength: 30 }), (first, steps) => {
        const t = fresh();
        let value = first;
        t.run('SET', 'k', `${first}`);
        for (const step of steps) {
          const sum = value + step;
          const fits = sum >= BigInt(MIN) && sum <= BigInt(MAX);
          const reply = step === 1n ? t.raw('INCR', 'k') : t.raw('INCRBY', 'k', `${step}`);
          if (fits) value = sum;
          expect(reply).toBe(fits ? `:${sum}\r\n` : '-ERR increment or decrement would overflow\r\n');
          expect(t.run('GET', 'k')).toBe(`${value}`);
        }
      }),
    );
  });
});

describe('parts of strings', () => {
  it('SETRANGE fills with zero bytes', () => {
    const t = fresh();
    expect(t.run('SETRANGE', 'k', 3, 'abc')).toBe(6);
    expect(t.run('GET', 'k')).toBe('\0\0\0abc');
    expect(t.run('SETRANGE', 'k', 1, 'ZZ')).toBe(6);
    expect(t.run('SETRANGE', 'k', 5, 'yy')).toBe(7);
    expect(t.run('GET', 'k')).toBe('\0ZZabyy');
    expect(t.run('SETRANGE', 'missing', 100, '')).toBe(0);
    expect(t.run('EXISTS', 'missing')).toBe(0);
    expect(t.run('SETRANGE', 'k', 100, '')).toBe(7);
    expect(t.dirty).toBe(3);
  });

  it('lengths beyond proto-max-bulk-len are refused', () => {
    const t = fresh();
    const error = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)';
    expect(t.run('SETRANGE', 'k', 512 * 1024 * 1024, 'x')).toBe(error);
    expect(t.run('SETRANGE', 'k', MAX, 'x')).toBe(error);
    expect(t.run('SETRANGE', 'k', -1, 'x')).toBe('-ERR offset is out of range');
    t.keyspace.limits.protoMaxBulkLen = 10;
    t.run('SET', 'k', '12345678');
    expect(t.run('APPEND', 'k', '90')).toBe(10);
    expect(t.run('APPEND', 'k', '1')).toBe(error);
    expect(t.run('SETRANGE', 'k', 9, '12')).toBe(error);
    expect(t.run('STRLEN', 'k')).toBe(10);
  });

  it.each([
    [0, -1, 'Hello'],
    [-3, -1, 'llo'],
    [1, 2, 'el'],
    [-100, 100, 'Hello'],
    [3, 1, ''],
    [-1, -3, ''],
    [5, 10, ''],
    [0, -100, 'H'],
    [MIN, MAX, 'Hello'],
    [MAX, MAX, ''],
  ])('GETRANGE %s %s is %j', (start, end, part) => {
    const t = fresh();
    t.run('SET', 'k', 'Hello');
    expect(t.run('GETRANGE', 'k', start, end)).toBe(part);
    expect(t.run('SUBSTR', 'k', start, end)).toBe(part);
    expect(t.run('GETRANGE', 'missing', start, end)).toBe('');
    t.run('SET', 'k', '');
    expect(t.run('GETRANGE', 'k', start, end)).toBe('');
  });

  it('agree with a plain buffer through thousands of changes of length', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('append' as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
      fc.record({ op: fc.constant('set' as const), bytes: fc.uint8Array({ maxLength: 100 }) }),
      fc.record({
        op: fc.constant('range' as const),
        at: fc.integer({ min: 0, max: 3000 }),
        bytes: fc.uint8Array({ maxLength: 300 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const t = fresh();
        let model = '';
        for (const { op, bytes, ...rest } of steps) {
          const text = Buffer.from(bytes).toString('latin1');
          if (op === 'append') {
            model += text;
            expect(t.run('APPEND', 'k', text)).toBe(model.length);
          } else if (op === 'set') {
            model = text;
            t.run('SET', 'k', text);
          } else {
            const { at } = rest as { at: number };
            if (text !== '') model = model.padEnd(at, '\0').slice(0, at) + text + model.slice(at + text.length);
            expect(t.run('SETRANGE', 'k', at, text)).toBe(model.length);
          }
          expect(t.run('GET', 'k') ?? '').toBe(model);
          expect(t.run('GETRANGE', 'k', 10, -5)).toBe(model.slice(10, -4));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('a string of 70 MiB, larger than a segment of the arena', () => {
    const t = fresh();
    const bytes = 70 * 1024 * 1024;
    expect(t.run('SETRANGE', 'k', bytes - 1, 'z')).toBe(bytes);
    expect(t.run('APPEND', 'k', 'end')).toBe(bytes + 3);
    expect(t.run('GETRANGE', 'k', -5, -1)).toBe('\0zend');
    expect(t.run('SET', 'k', 'small')).toBe('OK');
    expect(t.keyspace.arena.bytesUsed).toBeLessThan(1024 * 1024);
  });
});

describe('GET and relatives', () => {
  it('GETSET, GETDEL and GETEX', () => {
    const t = fresh();
    expect([t.run('GETSET', 'k', 'a'), t.run('GETSET', 'k', 'b')]).toEqual([null, 'a']);
    expect([t.run('GETEX', 'k', 'EX', 50), t.run('TTL', 'k')]).toEqual(['b', 50]);
    expect([t.run('GETEX', 'k'), t.run('GETEX', 'k', 'PERSIST'), t.run('TTL', 'k')]).toEqual(['b', 'b', -1]);
    expect(t.run('GETEX', 'k', 'PERSIST')).toBe('b');
    expect([t.run('GETDEL', 'k'), t.run('GETDEL', 'k'), t.run('GETEX', 'k', 'EX', 'abc')]).toEqual(['b', null, null]);
    t.run('SET', 'k', 'c');
    expect([t.run('GETEX', 'k', 'PXAT', t.now), t.run('EXISTS', 'k')]).toEqual(['c', 0]);
    expect(t.effects).toEqual([
      ['SET', 'k', 'a'],
      ['SET', 'k', 'b'],
      ['PEXPIREAT', 'k', `${t.now + 50_000}`],
      ['PERSIST', 'k'],
      ['DEL', 'k'],
      ['SET', 'k', 'c'],
      ['DEL', 'k'],
    ]);
  });

  it.each([[['EX']], [['NX']], [['KEEPTTL']], [['PERSIST', 'EX', '1']], [['EX', '1', 'PERSIST']]])(
    'GETEX refuses the options %j',
    (options) => {
      expect(fresh().run('GETEX', 'k', ...options)).toBe(SYNTAX);
    },
  );

  it('MGET answers null for what is no string', () => {
    const t = fresh();
    addList(t, 'l');
    t.run('MSET', 'a', '1', 'b', '', 'a', '2');
    expect(t.run('MGET', 'a', 'l', 'b', 'missing')).toEqual(['2', null, '', null]);
    expect(t.dirty).toBe(3);
  });

  it('MSETNX sets all keys or none', () => {
    const t = fresh();
    expect(t.run('MSETNX', 'a', '1', 'b', '2')).toBe(1);
    expect(t.run('MSETNX', 'c', '1', 'b', '3')).toBe(0);
    expect(t.run('MGET', 'a', 'b', 'c')).toEqual(['1', '2', null]);
    expect(t.run('MSETNX', 'a')).toBe("-ERR wrong number of arguments for 'msetnx' command");
    expect(t.run('MSET', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'mset' command");
  });

  it('every command refuses a list', () => {
    const t = fresh();
    addList(t, 'l');
    for (const command of [
      ['GET', 'l'],
      ['GETSET', 'l', 'x'],
      ['GETDEL', 'l'],
      ['GETEX', 'l'],
      ['APPEND', 'l', 'x'],
      ['STRLEN', 'l'],
      ['SETRANGE', 'l', '0', 'x'],
      ['GETRANGE', 'l', '0', '1'],
      ['INCR', 'l'],
      ['INCRBYFLOAT', 'l', '1'],
    ])
      expect(t.run(...command)).toBe(WRONG_TYPE);
    expect(t.run('SETNX', 'l', 'x')).toBe(0);
    expect(t.run('LCS', 'l', 'x')).toBe('-ERR The specified keys must contain string values');
  });
});

describe('LCS', () => {
  it('looks for the second key also when the first one is of another type', () => {
    const t = new FakeContext(STRING_COMMANDS, LIST_COMMANDS);
    t.run('rpush', 'list', 'x');
    t.run('set', 'over', 'x', 'px', 10);
    t.now += 11;
    t.forget();
    expect(t.run('lcs', 'list', 'over')).toBe('-ERR The specified keys must contain string values');
    expect(t.effects).toEqual([['DEL', 'over']]);
  });

  it('finds the subsequence, its length and its ranges', () => {
    const t = fresh();
    t.run('MSET', 'a', 'ohmytext', 'b', 'mynewtext');
    expect(t.run('LCS', 'a', 'b')).toBe('mytext');
    expect(t.run('LCS', 'a', 'b', 'LEN')).toBe(6);
    const text = [
      [4, 7],
      [5, 8],
    ];
    const my = [
      [2, 3],
      [0, 1],
    ];
    expect(t.run('LCS', 'a', 'b', 'IDX')).toEqual(['matches', [text, my], 'len', 6]);
    expect(t.run('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', 3)).toEqual(['matches', [text], 'len', 6]);
    expect(t.run('LCS', 'a', 'b', 'IDX', 'WITHMATCHLEN')).toEqual([
      'matches',
      [
        [...text, 4],
        [...my, 2],
      ],
      'len',
      6,
    ]);
    expect(t.run('LCS', 'a', 'missing', 'IDX')).toEqual(['matches', [], 'len', 0]);
    expect(t.run('LCS', 'a', 'b', 'LEN', 'IDX')).toBe(
      '-ERR If you want both the length and indexes, please just use IDX.',
    );
    expect(t.run('LCS', 'a', 'b', 'FOO')).toBe(SYNTAX);
    expect(t.run('LCS', 'a', 'b', 'MINMATCHLEN', 'x')).toBe(NOT_INTEGER);
  });
});

describe('a command of the log', () => {
  it('may make a longer string than proto-max-bulk-len allows now, but not one of any length', () => {
    const t = fresh();
    t.keyspace.limits.protoMaxBulkLen = 1000;
    expect(t.run('SETRANGE', 'k', 1000, 'x')).toMatch(/^-ERR string exceeds maximum allowed size/);
    t.replaying = true;
    expect(t.run('SETRANGE', 'k', 1000, 'x')).toBe(1001);
    expect(t.run('SETRANGE', 'k', '4611686018427387904', 'x')).toMatch(/^-ERR string exceeds maximum allowed size/);
    expect(t.run('STRLEN', 'k')).toBe(1001);
  });
});
