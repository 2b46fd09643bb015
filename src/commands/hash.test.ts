import { beforeEach, describe, expect, it } from 'vitest';
import { HASH_COMMANDS } from './hash.js';
import { KEY_COMMANDS } from './keys.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const SYNTAX = '-ERR syntax error';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(HASH_COMMANDS, STRING_COMMANDS, KEY_COMMANDS);
});

/** Sets a field that expires. */
function setExpiring(key: string, field: string, value: string, at: number): void {
  const entry = t.db.lookupWrite(Buffer.from(key), 0, key.length);
  const hash = t.keyspace.openHash(entry);
  hash.setWithExpire(Buffer.from(field), 0, field.length, Buffer.from(value), 0, value.length, at);
  t.db.storeValue(entry, hash);
}

describe('setting', () => {
  it('HSET counts new fields and is propagated as it came', () => {
    expect(t.run('HSET', 'h', 'a', '1')).toBe(1);
    expect(t.run('HSET', 'h', 'a', '2', 'b', '3', 'b', '4')).toBe(1);
    expect(t.run('HGETALL', 'h')).toEqual(['a', '2', 'b', '4']);
    expect(t.events).toEqual(['new h', 'hset h', 'hset h']);
    expect(t.effects).toEqual([
      ['HSET', 'h', 'a', '1'],
      ['HSET', 'h', 'a', '2', 'b', '3', 'b', '4'],
    ]);
    expect(t.dirty).toBe(4);
  });

  it('HMSET says OK, and both want pairs', () => {
    expect(t.run('HMSET', 'h', 'a', '1', 'b', '2')).toBe('OK');
    expect(t.events).toEqual(['new h', 'hset h']);
    expect(t.run('HSET', 'h', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'hset' command");
    expect(t.run('HMSET', 'h', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'hmset' command");
  });

  it('HSETNX leaves an existing field', () => {
    expect(t.run('HSETNX', 'h', 'a', '1')).toBe(1);
    t.forget();
    expect(t.run('HSETNX', 'h', 'a', '2')).toBe(0);
    expect([t.events, t.effects]).toEqual([[], []]);
    expect(t.run('HGET', 'h', 'a')).toBe('1');
  });

  it('HDEL deletes the key with its last field', () => {
    t.run('HSET', 'h', 'a', '1', 'b', '2');
    t.forget();
    expect(t.run('HDEL', 'h', 'x')).toBe(0);
    expect(t.effects).toEqual([]);
    expect(t.run('HDEL', 'h', 'a', 'x', 'b', 'a')).toBe(2);
    expect([t.events, t.dirty]).toEqual([['hdel h', 'del h'], 2]);
    expect(t.run('EXISTS', 'h')).toBe(0);
    expect(t.run('HDEL', 'h', 'a')).toBe(0);
  });
});

describe('reading', () => {
  beforeEach(() => {
    t.run('HSET', 'h', 'a', 'one', 'n', '12345', '', 'empty field', 'e', '');
  });

  it('gives values, lengths and whether fields exist', () => {
    expect(t.run('HGET', 'h', 'a')).toBe('one');
    expect(t.run('HGET', 'h', '')).toBe('empty field');
    expect(t.run('HGET', 'h', 'x')).toBe(null);
    expect(t.run('HMGET', 'h', 'e', 'x', 'n', 'n')).toEqual(['', null, '12345', '12345']);
    expect(t.run('HMGET', 'missing', 'a', 'b')).toEqual([null, null]);
    expect([t.run('HEXISTS', 'h', 'e'), t.run('HEXISTS', 'h', 'x'), t.run('HEXISTS', 'missing', 'x')]).toEqual([
      1, 0, 0,
    ]);
    expect([t.run('HSTRLEN', 'h', 'n'), t.run('HSTRLEN', 'h', 'x'), t.run('HSTRLEN', 'missing', 'x')]).toEqual([
      5, 0, 0,
    ]);
    expect([t.run('HLEN', 'h'), t.run('HLEN', 'missing')]).toEqual([4, 0]);
    expect(t.run('HKEYS', 'h')).toEqual(['a', 'n', '', 'e']);
    expect(t.run('HVALS', 'h')).toEqual(['one', '12345', 'empty field', '']);
  });

  it('HGETALL is a map in RESP3, an empty one for a missing key', () => {
    expect(t.raw('HGETALL', 'missing')).toBe('*0\r\n');
    t.out.resp = 3;
    expect(t.raw('HGETALL', 'h').slice(0, 4)).toBe('%4\r\n');
    expect(t.raw('HGETALL', 'missing')).toBe('%0\r\n');
    expect(t.raw('HKEYS', 'missing')).toBe('*0\r\n');
  });

  it('HSCAN filters fields and gives their values', () => {
    expect(t.run('HSCAN', 'h', 0)).toEqual(['0', ['a', 'one', 'n', '12345', '', 'empty field', 'e', '']]);
    expect(t.run('HSCAN', 'h', 0, 'MATCH', '[an]')).toEqual(['0', ['a', 'one', 'n', '12345']]);
    expect(t.run('HSCAN', 'missing', 5)).toEqual(['0', []]);
    expect(t.run('HSCAN', 'h', 'x')).toBe('-ERR invalid cursor');
    expect(t.run('HSCAN', 'h', 0, 'COUNT', 0)).toBe(SYNTAX);
  });
});

describe('HINCRBY', () => {
  it('adds over the whole range of 64 bits', () => {
    expect(t.run('HINCRBY', 'h', 'n', 5)).toBe(5);
    expect(t.run('HINCRBY', 'h', 'n', '-15')).toBe(-10);
    t.run('HSET', 'h', 'max', '9223372036854775806', 'text', 'abc', 'float', '1.5');
    t.forget();
    expect(t.run('HINCRBY', 'h', 'max', 1)).toBe(9223372036854775807n);
    expect(t.run('HINCRBY', 'h', 'max', 1)).toBe('-ERR increment or decrement would overflow');
    expect(t.run('HINCRBY', 'h', 'max', '-9223372036854775808')).toBe(-1);
    expect(t.run('HINCRBY', 'h', 'big', '-9223372036854775808')).toBe(-9223372036854775808n);
    expect(t.run('HINCRBY', 'h', 'text', 1)).toBe('-ERR hash value is not an integer');
    expect(t.run('HINCRBY', 'h', 'float', 1)).toBe('-ERR hash value is not an integer');
    expect(t.run('HINCRBY', 'h', 'n', '1.5')).toBe(NOT_INTEGER);
    expect(t.events).toEqual(['hincrby h', 'hincrby h', 'hincrby h']);
    expect(t.effects[0]).toEqual(['HINCRBY', 'h', 'max', '1']);
  });
});

describe('HINCRBYFLOAT', () => {
  it('adds as long doubles and is propagated as HSET', () => {
    expect(t.run('HINCRBYFLOAT', 'h', 'f', '10.5')).toBe('10.5');
    expect(t.run('HINCRBYFLOAT', 'h', 'f', '0.1')).toBe('10.6');
    expect(t.run('HINCRBYFLOAT', 'h', 'f', '-5.0e3')).toBe('-4989.39999999999999991');
    expect(t.effects).toEqual([
      ['HSET', 'h', 'f', '10.5'],
      ['HSET', 'h', 'f', '10.6'],
      ['HSET', 'h', 'f', '-4989.39999999999999991'],
    ]);
    expect(t.events).toEqual(['new h', 'hincrbyfloat h', 'hincrbyfloat h', 'hincrbyfloat h']);
  });

  it('refuses what is no number', () => {
    t.run('HSET', 'h', 'text', 'abc', 'inf', 'inf');
    t.forget();
    expect(t.run('HINCRBYFLOAT', 'h', 'f', 'abc')).toBe('-ERR value is not a valid float');
    expect(t.run('HINCRBYFLOAT', 'h', 'f', 'nan')).toBe('-ERR value is not a valid float');
    expect(t.run('HINCRBYFLOAT', 'h', 'f', 'inf')).toBe('-ERR value is NaN or Infinity');
    expect(t.run('HINCRBYFLOAT', 'h', 'text', '1')).toBe('-ERR hash value is not a float');
    expect(t.run('HINCRBYFLOAT', 'h', 'inf', '1')).toBe('-ERR increment would produce NaN or Infinity');
    expect(t.effects).toEqual([]);
  });
});

describe('HRANDFIELD', () => {
  it('gives one, several, or several with repetitions', () => {
    t.run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    expect('abc').toContain(t.run('HRANDFIELD', 'h'));
    expect(t.run('HRANDFIELD', 'h', 5)).toHaveLength(3);
    expect(new Set(t.run('HRANDFIELD', 'h', 2) as string[]).size).toBe(2);
    expect(t.run('HRANDFIELD', 'h', -50)).toHaveLength(50);
    expect(t.run('HRANDFIELD', 'h', 0)).toEqual([]);
    const pairs = t.run('HRANDFIELD', 'h', -5, 'WITHVALUES') as string[];
    expect(pairs).toHaveLength(10);
    for (let i = 0; i < 10; i += 2) expect('abc'.indexOf(pairs[i]!) + 1).toBe(Number(pairs[i + 1]));
    t.out.resp = 3;
    expect(t.run('HRANDFIELD', 'h', 9, 'withvalues')).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  it.each([
    [[], null],
    [['2'], []],
    [['x'], NOT_INTEGER],
    [
      ['-9223372036854775808'],
      '-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    ],
    [['1', 'FOO'], SYNTAX],
    [['1', 'WITHVALUES', 'x'], SYNTAX],
    [['4611686018427387904', 'WITHVALUES'], '-ERR value is out of range'],
    [['4611686018427387903', 'WITHVALUES'], []],
    [['-9223372036854775807', 'WITHVALUES'], '-ERR value is out of range'],
  ])('of a missing hash, %j = %j', (argv, reply) => {
    expect(t.run('HRANDFIELD', 'missing', ...argv)).toEqual(reply);
  });
});

it('expired fields are not there for any command', () => {
  t.run('HSET', 'h', 'stays', '1');
  setExpiring('h', 'goes', '2', t.now + 10);
  expect(t.run('HGET', 'h', 'goes')).toBe('2');
  t.now += 11;
  t.out.resp = 3;
  expect(t.raw('HGETALL', 'h')).toBe('%1\r\n$5\r\nstays\r\n$1\r\n1\r\n');
  expect(t.raw('HVALS', 'h')).toBe('*1\r\n$1\r\n1\r\n');
  expect(t.run('HGET', 'h', 'goes')).toBe(null);
  expect(t.run('HSTRLEN', 'h', 'goes')).toBe(0);
  expect(t.run('HRANDFIELD', 'h', 5)).toEqual(['stays']);
  expect(t.run('HRANDFIELD', 'h', -3)).toEqual(['stays', 'stays', 'stays']);
  expect(t.run('HSCAN', 'h', 0)).toEqual(['0', ['stays', '1']]);
  expect(t.run('HDEL', 'h', 'goes')).toBe(0);
  expect(t.run('HINCRBY', 'h', 'goes', 5)).toBe(5);
  expect(t.run('HGET', 'h', 'goes')).toBe('5');
});

it('every command refuses another type', () => {
  t.run('SET', 's', 'v');
  for (const argv of [
    ['HSET', 's', 'f', 'v'],
    ['HMSET', 's', 'f', 'v'],
    ['HSETNX', 's', 'f', 'v'],
    ['HDEL', 's', 'f'],
    ['HINCRBY', 's', 'f', '1'],
    ['HINCRBYFLOAT', 's', 'f', '1'],
    ['HGET', 's', 'f'],
    ['HMGET', 's', 'f'],
    ['HEXISTS', 's', 'f'],
    ['HLEN', 's'],
    ['HSTRLEN', 's', 'f'],
    ['HGETALL', 's'],
    ['HKEYS', 's'],
    ['HVALS', 's'],
    ['HRANDFIELD', 's'],
    ['HRANDFIELD', 's', '0'],
    ['HSCAN', 's', '0'],
  ]) {
    expect(t.run(...argv), argv.join(' ')).toBe(WRONG_TYPE);
  }
});
