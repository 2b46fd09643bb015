import { beforeEach, describe, expect, it } from 'vitest';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { HASH_COMMANDS } from './hash.js';
import { KEY_COMMANDS } from './keys.js';
import { LIST_COMMANDS } from './list.js';
import { SORT_COMMANDS } from './sort.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

const SIZES = [['listpackex'], ['hashtable']] as const;

let t: FakeContext;
function start(encoding: string): void {
  t = new FakeContext(HASH_COMMANDS, STRING_COMMANDS, KEY_COMMANDS, LIST_COMMANDS, SORT_COMMANDS);
  if (encoding === 'hashtable') t.keyspace.limits.hashMaxListpackEntries = 0;
}
const SECOND = 1000;
/** Moments in the reply and in effects are relative to it. */
const NOW = 1_700_000_000_000;

describe.each(SIZES)('HEXPIRE and its relatives in a %s', (encoding) => {
  beforeEach(() => {
    start(encoding);
    t.run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    t.forget();
  });

  it('set, change and tell when fields expire', () => {
    expect(t.run('HEXPIRE', 'h', 100, 'FIELDS', 3, 'a', 'x', 'b')).toEqual([1, -2, 1]);
    expect(t.run('OBJECT', 'ENCODING', 'h')).toBe(encoding);
    expect(t.run('HTTL', 'h', 'FIELDS', 4, 'a', 'b', 'c', 'x')).toEqual([100, 100, -1, -2]);
    expect(t.run('HPEXPIRE', 'h', 1500, 'fields', 1, 'a')).toEqual([1]);
    expect(t.run('HPTTL', 'h', 'FIELDS', 1, 'a')).toEqual([1500]);
    // Rounded up, as Redis does for fields.
    expect(t.run('HTTL', 'h', 'FIELDS', 1, 'a')).toEqual([2]);
    expect(t.run('HEXPIREAT', 'h', NOW / SECOND + 7, 'FIELDS', 1, 'a')).toEqual([1]);
    expect(t.run('HEXPIRETIME', 'h', 'FIELDS', 2, 'a', 'c')).toEqual([NOW / SECOND + 7, -1]);
    expect(t.run('HPEXPIREAT', 'h', NOW + 7001, 'FIELDS', 1, 'a')).toEqual([1]);
    expect(t.run('HEXPIRETIME', 'h', 'FIELDS', 1, 'a')).toEqual([NOW / SECOND + 8]);
    expect(t.run('HPEXPIRETIME', 'h', 'FIELDS', 2, 'a', 'x')).toEqual([NOW + 7001, -2]);
    expect(t.events).toEqual(Array(4).fill('hexpire h'));
    expect(t.dirty).toBe(5);
  });

  it('propagate moments, and of the fields those that got one', () => {
    t.run('HEXPIRE', 'h', 100, 'NX', 'FIELDS', 3, 'a', 'x', 'b');
    t.run('HPEXPIRE', 'h', 100, 'FIELDS', 1, 'a');
    t.run('HEXPIREAT', 'h', NOW / SECOND + 7, 'FIELDS', 1, 'a');
    t.run('HPEXPIREAT', 'h', NOW + 9000, 'gt', 'FIELDS', 1, 'a');
    t.run('HPEXPIREAT', 'h', NOW + 9500, 'gt', 'FIELDS', 2, 'a', 'x');
    t.run('HPEXPIREAT', 'h', NOW + 9000, 'GT', 'FIELDS', 2, 'a', 'c');
    expect(t.effects).toEqual([
      ['HPEXPIREAT', 'h', String(NOW + 100_000), 'NX', 'FIELDS', '2', 'a', 'b'],
      ['HPEXPIREAT', 'h', String(NOW + 100), 'FIELDS', '1', 'a'],
      ['HPEXPIREAT', 'h', String(NOW + 7000), 'FIELDS', '1', 'a'],
      ['HPEXPIREAT', 'h', String(NOW + 9000), 'gt', 'FIELDS', '1', 'a'],
      ['HPEXPIREAT', 'h', String(NOW + 9500), 'gt', 'FIELDS', '1', 'a'],
    ]);
  });

  it('obey NX, XX, GT and LT', () => {
    expect(t.run('HEXPIRE', 'h', 10, 'XX', 'FIELDS', 1, 'a')).toEqual([0]);
    expect(t.run('HEXPIRE', 'h', 10, 'GT', 'FIELDS', 1, 'a')).toEqual([0]);
    expect(t.effects).toEqual([]);
    expect(t.run('HEXPIRE', 'h', 10, 'NX', 'FIELDS', 1, 'a')).toEqual([1]);
    expect(t.run('HEXPIRE', 'h', 20, 'LT', 'FIELDS', 1, 'b')).toEqual([1]);
    expect(t.run('HEXPIRE', 'h', 15, 'NX', 'FIELDS', 2, 'a', 'c')).toEqual([0, 1]);
    expect(t.run('HEXPIRE', 'h', 12, 'XX', 'FIELDS', 1, 'a')).toEqual([1]);
    expect(t.run('HEXPIRE', 'h', 15, 'GT', 'FIELDS', 3, 'a', 'b', 'c')).toEqual([1, 0, 0]);
    expect(t.run('HEXPIRE', 'h', 15, 'LT', 'FIELDS', 3, 'a', 'b', 'c')).toEqual([0, 1, 0]);
    expect(t.run('HTTL', 'h', 'FIELDS', 3, 'a', 'b', 'c')).toEqual([15, 15, 15]);
  });

  it('delete fields whose moment has passed already, and the hash with the last one', () => {
    expect(t.run('HEXPIRE', 'h', 100, 'FIELDS', 1, 'c')).toEqual([1]);
    t.forget();
    expect(t.run('HPEXPIREAT', 'h', NOW, 'NX', 'FIELDS', 5, 'a', 'x', 'b', 'c', 'a')).toEqual([2, -2, 2, 0, -2]);
    expect([t.events, t.dirty]).toEqual([['hdel h'], 2]);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'a'],
      ['HDEL', 'h', 'b'],
    ]);
    t.forget();
    expect(t.run('HEXPIRE', 'h', 0, 'FIELDS', 1, 'c')).toEqual([2]);
    expect([t.events, t.effects]).toEqual([['hdel h', 'del h'], [['HDEL', 'h', 'c']]]);
    expect([t.run('EXISTS', 'h'), t.keyspace.expiredFields]).toEqual([0, 3]);
    expectNoLeak(t.keyspace);
  });

  it('in a replay give past moments, and delete nothing', () => {
    t.replaying = true;
    expect(t.run('HPEXPIREAT', 'h', NOW - 5, 'FIELDS', 1, 'a')).toEqual([1]);
    expect(t.run('HPEXPIREAT', 'h', 2 ** 47, 'FIELDS', 1, 'b')).toEqual([1]);
    expect(t.run('HGET', 'h', 'a')).toBe('1');
    expect(t.run('HPEXPIRETIME', 'h', 'FIELDS', 1, 'a')).toEqual([NOW - 5]);
    t.replaying = false;
    expect(t.run('HGET', 'h', 'a')).toBe(null);
  });

  it('HPERSIST takes the expiry away', () => {
    t.run('HEXPIRE', 'h', 100, 'FIELDS', 2, 'a', 'b');
    t.forget();
    expect(t.run('HPERSIST', 'h', 'FIELDS', 3, 'a', 'c', 'x')).toEqual([1, -1, -2]);
    expect([t.events, t.dirty, t.effects]).toEqual([
      ['hpersist h'],
      1,
      [['HPERSIST', 'h', 'FIELDS', '3', 'a', 'c', 'x']],
    ]);
    t.forget();
    expect(t.run('HPERSIST', 'h', 'FIELDS', 1, 'a')).toEqual([-1]);
    expect([t.events, t.effects]).toEqual([[], []]);
    expect(t.run('HTTL', 'h', 'FIELDS', 2, 'a', 'b')).toEqual([-1, 100]);
    expect(t.db.expiringHashes).toBe(1);
    t.run('HPERSIST', 'h', 'FIELDS', 1, 'b');
    expect(t.db.expiringHashes).toBe(0);
    expect(t.run('OBJECT', 'ENCODING', 'h')).toBe(encoding);
  });

  it('are forgotten by HSET, kept by HINCRBY and HINCRBYFLOAT', () => {
    t.run('HEXPIRE', 'h', 100, 'FIELDS', 3, 'a', 'b', 'c');
    t.forget();
    expect(t.run('HSET', 'h', 'a', '5')).toBe(0);
    expect(t.run('HINCRBY', 'h', 'b', 5)).toBe(7);
    expect(t.run('HINCRBYFLOAT', 'h', 'c', '0.5')).toBe('3.5');
    expect(t.run('HINCRBYFLOAT', 'h', 'a', '0.5')).toBe('5.5');
    expect(t.run('HTTL', 'h', 'FIELDS', 3, 'a', 'b', 'c')).toEqual([-1, 100, 100]);
    expect(t.effects).toEqual([
      ['HSET', 'h', 'a', '5'],
      ['HINCRBY', 'h', 'b', '5'],
      ['HSETEX', 'h', 'KEEPTTL', 'FIELDS', '1', 'c', '3.5'],
      ['HSET', 'h', 'a', '5.5'],
    ]);
  });

  it('go along with RENAME, COPY and MOVE, and are counted', () => {
    t.run('HEXPIRE', 'h', 100, 'FIELDS', 1, 'a');
    t.run('RENAME', 'h', 'i');
    t.run('COPY', 'i', 'j');
    t.run('MOVE', 'i', 1);
    expect(t.run('HTTL', 'j', 'FIELDS', 1, 'a')).toEqual([100]);
    expect(t.keyspace.databases.map((db) => db.expiringHashes).slice(0, 3)).toEqual([1, 1, 0]);
    t.run('SET', 'j', 'a string');
    expect(t.db.expiringHashes).toBe(0);
    t.keyspace.swap(t.keyspace.databases[0]!, t.keyspace.databases[1]!);
    expect(t.keyspace.databases.map((db) => db.expiringHashes).slice(0, 2)).toEqual([1, 0]);
    t.run('DEL', 'i');
    expect(t.keyspace.hasFieldExpiry).toBe(false);
    expectNoLeak(t.keyspace);
  });
});

describe('arguments', () => {
  const NO_FIELDS = '-ERR Mandatory argument FIELDS is missing or not at the right position';
  const COUNT = '-ERR The `numfields` parameter must match the number of arguments';
  const POSITIVE = '-ERR Number of fields must be a positive integer';
  const ABOVE_ZERO = '-ERR Parameter `numFields` should be greater than 0';
  const INTEGER = '-ERR value is not an integer or out of range';
  const NEGATIVE = '-ERR invalid expire time, must be >= 0';
  const arity = (command: string) => `-ERR wrong number of arguments for '${command}' command`;
  const tooLate = (command: string) => `-ERR invalid expire time in '${command}' command`;
  const UNKNOWN = '-ERR unknown argument: ';
  const ONE_EXPIRY = '-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified';
  const ONE_CONDITION = '-ERR Only one of FXX or FNX arguments can be specified';
  const NUMBER = '-ERR invalid number of fields';

  it.each<[string, unknown]>([
    ['HEXPIRE h x FIELDS 1 a', INTEGER],
    ['HEXPIRE h 9223372036854775808 FIELDS 1 a', INTEGER],
    ['HEXPIRE h -1 FIELDS 1 a', NEGATIVE],
    ['HEXPIRE h -9223372036854775808 FIELDS 1 a', NEGATIVE],
    ['HEXPIRE h 9223372036854775807 FIELDS 1 a', tooLate('hexpire')],
    [`HEXPIREAT h ${2 ** 46} FIELDS 1 a`, tooLate('hexpireat')],
    ['HEXPIREAT h 70368744178 FIELDS 1 a', tooLate('hexpireat')],
    ['HEXPIREAT h 70368744177 FIELDS 1 a', [-2]],
    [`HPEXPIRE h ${2 ** 46 - NOW} FIELDS 1 a`, tooLate('hpexpire')],
    [`HPEXPIRE h ${2 ** 46 - 1 - NOW} FIELDS 1 a`, [-2]],
    [`HPEXPIREAT h ${2 ** 46} FIELDS 1 a`, tooLate('hpexpireat')],
    [`HPEXPIREAT h ${2 ** 46 - 1} FIELDS 1 a`, [-2]],
    ['HEXPIRE h 10 FIELD 1 a', NO_FIELDS],
    ['HEXPIRE h 10 NX XX FIELDS 1 a', NO_FIELDS],
    ['HEXPIRE h 10 1 FIELDS a', NO_FIELDS],
    ['HEXPIRE h 10 FIELDS 0 a', ABOVE_ZERO],
    ['HEXPIRE h 10 FIELDS -1 a', ABOVE_ZERO],
    ['HEXPIRE h 10 FIELDS x a', ABOVE_ZERO],
    ['HEXPIRE h 10 FIELDS 2 a', COUNT],
    ['HEXPIRE h 10 FIELDS 1 a b', COUNT],
    ['HEXPIRE h 10 FIELDS 1 a NX', COUNT],
    ['HEXPIRE h 10 NX FIELDS 9223372036854775807 a', COUNT],
    ['HEXPIRE h 10 FIELDS 2 a b', [-2, -2]],
    ['HEXPIRE h 10 FIELDS 1', arity('hexpire')],
    ['HTTL h FIELDS 1', arity('httl')],
    ['HTTL h 1 a b', NO_FIELDS],
    ['HPTTL h FIELDS 0 a', POSITIVE],
    ['HPTTL h FIELDS 9223372036854775808 a', POSITIVE],
    ['HEXPIRETIME h FIELDS 3 a b', COUNT],
    ['HPEXPIRETIME h FIELDS 2 a b', [-2, -2]],
    ['HPERSIST h FIELDS x a', POSITIVE],
    ['HPERSIST h FIELDS 1 a b', COUNT],
    ['HPERSIST h FIELDS 2 a b', [-2, -2]],
    ['HGETDEL h FIELD 1 a', NO_FIELDS],
    ['HGETDEL h FIELDS 0 a', POSITIVE],
    ['HGETDEL h FIELDS 2 a', COUNT],
    ['HGETDEL h FIELDS 2 a b', [null, null]],
    ['HGETEX h XFIELDX 1 a', NO_FIELDS],
    ['HGETEX h PXAT 1 1', NO_FIELDS],
    ['HGETEX h EX 1 FIELDS', arity('hgetex')],
    ['HGETEX h PERSIST 1 FIELDS 1 a', NO_FIELDS],
    ['HGETEX h EX bla FIELDS 1 a', INTEGER],
    ['HGETEX h PX -1 FIELDS 1 a', NEGATIVE],
    [`HGETEX h EXAT ${2 ** 46} FIELDS 1 a`, tooLate('hgetex')],
    ['HGETEX h FIELDS -1 a', POSITIVE],
    ['HGETEX h EX 10 FIELDS 2 a', COUNT],
    ['HGETEX h EX 10 FIELDS 2 a b', [null, null]],
    ['HSETEX h FIELDS 1 a', arity('hsetex')],
    ['HSETEX h FIELDS 2 a b', arity('hsetex')],
    ['HSETEX h FIELDS 2 a b c', arity('hsetex')],
    ['HSETEX h FIELDS 2 a b c d e', arity('hsetex')],
    ['HSETEX h FIELDS 1 a b unknown', arity('hsetex')],
    ['HSETEX h EX 1 FIELDS 1 a', arity('hsetex')],
    ['HSETEX h FIELDS x a b', NUMBER],
    ['HSETEX h FIELDS 0 a b', NUMBER],
    ['HSETEX h FIELDS 2147483648 a b', NUMBER],
    ['HSETEX h NX FIELDS 1 a b', `${UNKNOWN}NX`],
    ['HSETEX h bla\0bla FIELDS 1 a b', `${UNKNOWN}bla`],
    ['HSETEX h FXX FNX FIELDS 1 a b', ONE_CONDITION],
    ['HSETEX h FNX FNX FIELDS 1 a b', ONE_CONDITION],
    ['HSETEX h EX 10 PX 10 FIELDS 1 a b', ONE_EXPIRY],
    ['HSETEX h KEEPTTL EXAT 10 FIELDS 1 a b', ONE_EXPIRY],
    ['HSETEX h KEEPTTL KEEPTTL FIELDS 1 a b', ONE_EXPIRY],
    ['HSETEX h EX FIELDS 1 a b', INTEGER],
    ['HSETEX h FXX KEEPTTL FNX EX', ONE_CONDITION],
    ['HSETEX h FXX 1 KEEPTTL EX', `${UNKNOWN}1`],
    ['HSETEX h KEEPTTL FXX FIELDS FIELDS', arity('hsetex')],
    ['HSETEX h EXAT -1 FIELDS 1 a b', NEGATIVE],
    [`HSETEX h PXAT ${2 ** 46} FIELDS 1 a b`, tooLate('hsetex')],
  ])('%s', (line, reply) => {
    start('listpackex');
    expect(t.run(...line.split(' '))).toEqual(reply);
    expect([t.effects, t.events]).toEqual([[], []]);
  });

  it('another type is refused before anything else but HSETEX looks at its arguments', () => {
    start('listpackex');
    t.run('SET', 's', 'v');
    const wrongType = '-WRONGTYPE Operation against a key holding the wrong kind of value';
    for (const line of [
      'HEXPIRE s x y z w',
      'HPEXPIREAT s 1 FIELDS 1 f',
      'HTTL s x y z',
      'HPERSIST s x y z',
      'HGETDEL s x y z',
      'HGETEX s x y z',
      'HSETEX s FIELDS 1 f v',
      'HSETEX s FXX EX 10 FIELDS 1 f v',
    ]) {
      expect(t.run(...line.split(' ')), line).toBe(wrongType);
    }
    expect(t.run('HSETEX', 's', 'BLA', 'x', 'y', 'z')).toBe(`${UNKNOWN}BLA`);
  });

  it('replies are arrays in RESP3, too', () => {
    start('listpackex');
    t.run('HSET', 'h', 'a', '1');
    t.out.resp = 3;
    expect(t.raw('HEXPIRE', 'h', 10, 'FIELDS', 2, 'a', 'b')).toBe('*2\r\n:1\r\n:-2\r\n');
    expect(t.raw('HGETEX', 'h', 'FIELDS', 2, 'a', 'b')).toBe('*2\r\n$1\r\n1\r\n_\r\n');
    expect(t.raw('HSETEX', 'h', 'FIELDS', 1, 'a', '2')).toBe(':1\r\n');
    expect(t.raw('HGETDEL', 'h', 'FIELDS', 2, 'b', 'a')).toBe('*2\r\n_\r\n$1\r\n2\r\n');
  });
});

describe.each(SIZES)('fields whose time is over in a %s', (encoding) => {
  beforeEach(() => {
    start(encoding);
    t.run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3', 'd', '4');
    t.run('HPEXPIRE', 'h', 10, 'FIELDS', 2, 'a', 'b');
    t.now += 11;
    t.forget();
  });
  const HEXPIRED = ['hexpired h'];

  it('are deleted by who asks for one of them', () => {
    for (const [argv, reply, field] of [
      [['HGET', 'h', 'a'], null, 'a'],
      [['HEXISTS', 'h', 'b'], 0, 'b'],
    ] as const) {
      t.forget();
      expect(t.run(...argv)).toBe(reply);
      expect([t.effects, t.events, t.touched]).toEqual([[['HDEL', 'h', field]], HEXPIRED, ['0:h']]);
    }
    expect([t.run('HLEN', 'h'), t.keyspace.expiredFields, t.db.expiringHashes]).toEqual([2, 2, 0]);
    t.run('HPEXPIRE', 'h', 10, 'FIELDS', 2, 'c', 'd');
    t.now += 11;
    t.forget();
    expect([t.run('HSTRLEN', 'h', 'c'), t.run('HGET', 'h', 'x')]).toEqual([0, null]);
    expect(t.run('HGET', 'h', 'd')).toBe(null);
    expect(t.events).toEqual(['hexpired h', 'hexpired h', 'del h']);
    expect(t.run('EXISTS', 'h')).toBe(0);
    expectNoLeak(t.keyspace);
  });

  it('are deleted together by HMGET', () => {
    expect(t.run('HMGET', 'h', 'b', 'c', 'x', 'a')).toEqual([null, '3', null, null]);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'b'],
      ['HDEL', 'h', 'a'],
    ]);
    expect(t.events).toEqual(HEXPIRED);
  });

  it('are left out and left alone by who asks for all', () => {
    t.out.resp = 3;
    expect(t.raw('HGETALL', 'h').slice(0, 4)).toBe('%2\r\n');
    t.out.resp = 2;
    expect((t.run('HKEYS', 'h') as string[]).sort()).toEqual(['c', 'd']);
    expect((t.run('HVALS', 'h') as string[]).sort()).toEqual(['3', '4']);
    expect((t.run('HSCAN', 'h', 0) as string[][])[1]).toHaveLength(4);
    expect(t.run('HLEN', 'h')).toBe(4);
    expect(t.run('HTTL', 'h', 'FIELDS', 2, 'a', 'c')).toEqual([-2, -1]);
    expect(t.run('HPERSIST', 'h', 'FIELDS', 2, 'a', 'c')).toEqual([-2, -1]);
    expect([t.effects, t.events]).toEqual([[], []]);
  });

  it('are all deleted by HRANDFIELD', () => {
    expect((t.run('HRANDFIELD', 'h', 5) as string[]).sort()).toEqual(['c', 'd']);
    expect(t.effects.map(([name, , field]) => `${name} ${field}`).sort()).toEqual(['HDEL a', 'HDEL b']);
    expect([t.events, t.run('HLEN', 'h')]).toEqual([HEXPIRED, 2]);
    t.run('HPEXPIRE', 'h', 10, 'FIELDS', 2, 'c', 'd');
    t.now += 11;
    t.forget();
    expect(t.run('HRANDFIELD', 'h')).toBe(null);
    expect([t.events, t.run('EXISTS', 'h')]).toEqual([['hexpired h', 'del h'], 0]);
  });

  it('are there for HSET and HDEL, as in Redis', () => {
    expect(t.run('HSET', 'h', 'a', '5')).toBe(0);
    expect(t.run('HDEL', 'h', 'b')).toBe(1);
    expect(t.run('HGET', 'h', 'a')).toBe('5');
    expect(t.effects).toEqual([
      ['HSET', 'h', 'a', '5'],
      ['HDEL', 'h', 'b'],
    ]);
  });

  it('begin anew in HSETNX, HINCRBY and HINCRBYFLOAT', () => {
    expect(t.run('HSETNX', 'h', 'a', '5')).toBe(1);
    expect(t.run('HINCRBY', 'h', 'b', 5)).toBe(5);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'a'],
      ['HSETNX', 'h', 'a', '5'],
      ['HDEL', 'h', 'b'],
      ['HINCRBY', 'h', 'b', '5'],
    ]);
    t.run('HDEL', 'h', 'a', 'b', 'd');
    t.run('HPEXPIRE', 'h', 10, 'FIELDS', 1, 'c');
    t.now += 11;
    t.forget();
    expect(t.run('HINCRBYFLOAT', 'h', 'c', '1.5')).toBe('1.5');
    expect(t.events).toEqual(['hexpired h', 'del h', 'new h', 'hincrbyfloat h']);
    expect(t.run('HGETALL', 'h')).toEqual(['c', '1.5']);
    expectNoLeak(t.keyspace);
  });

  it('are missing for HEXPIRE, HGETDEL and HGETEX, which delete them', () => {
    expect(t.run('HEXPIRE', 'h', 10, 'FIELDS', 2, 'a', 'c')).toEqual([-2, 1]);
    expect(t.effects[0]).toEqual(['HDEL', 'h', 'a']);
    t.forget();
    expect(t.run('HGETDEL', 'h', 'FIELDS', 2, 'b', 'c')).toEqual([null, '3']);
    expect(t.events).toEqual(['hexpired h', 'hdel h']);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'b'],
      ['HDEL', 'h', 'b', 'c'],
    ]);
    t.run('HPEXPIRE', 'h', 10, 'FIELDS', 1, 'd');
    t.now += 11;
    t.forget();
    expect(t.run('HGETEX', 'h', 'EX', 10, 'FIELDS', 2, 'd', 'd')).toEqual([null, null]);
    expect([t.events, t.effects]).toEqual([['hexpired h', 'del h'], [['HDEL', 'h', 'd']]]);
  });

  it('stay on a replica, and are missing', () => {
    t.keyspace.followsPrimary = true;
    expect([t.run('HGET', 'h', 'a'), t.run('HEXISTS', 'h', 'b'), t.run('HLEN', 'h')]).toEqual([null, 0, 4]);
    expect((t.run('HRANDFIELD', 'h', 4) as string[]).sort()).toEqual(['c', 'd']);
    expect([t.effects, t.events]).toEqual([[], []]);
  });

  it('are not found by SORT', () => {
    t.run('RPUSH', 'l', 'x', 'y');
    t.run('HSET', 'weight_x', 'w', '2', 'name', 'nx');
    t.run('HSET', 'weight_y', 'w', '1');
    expect(t.run('SORT', 'l', 'BY', 'weight_*->w', 'GET', '#', 'GET', 'weight_*->name')).toEqual([
      'y',
      null,
      'x',
      'nx',
    ]);
    t.run('HPEXPIRE', 'weight_y', 10, 'FIELDS', 1, 'w');
    t.run('HPEXPIRE', 'weight_x', 10, 'FIELDS', 1, 'w');
    t.now += 11;
    t.forget();
    expect(t.run('SORT', 'l', 'BY', 'weight_*->w', 'GET', '#', 'GET', 'weight_*->name')).toEqual([
      'x',
      'nx',
      'y',
      null,
    ]);
    expect(t.effects).toEqual([
      ['HDEL', 'weight_x', 'w'],
      ['HDEL', 'weight_y', 'w'],
    ]);
    expect(t.events).toEqual(['hexpired weight_x', 'hexpired weight_y', 'del weight_y']);
  });
});

describe.each(SIZES)('HGETDEL, HGETEX and HSETEX in a %s', (encoding) => {
  beforeEach(() => start(encoding));

  it('HGETDEL returns and deletes', () => {
    t.run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    t.run('HEXPIRE', 'h', 10, 'FIELDS', 1, 'a');
    t.forget();
    expect(t.run('HGETDEL', 'h', 'FIELDS', 4, 'a', 'x', 'b', 'a')).toEqual(['1', null, '2', null]);
    expect([t.events, t.effects, t.dirty]).toEqual([['hdel h'], [['HDEL', 'h', 'a', 'x', 'b', 'a']], 2]);
    expect(t.db.expiringHashes).toBe(0);
    t.forget();
    expect(t.run('HGETDEL', 'h', 'FIELDS', 1, 'x')).toEqual([null]);
    expect(t.effects).toEqual([]);
    expect(t.run('HGETDEL', 'h', 'FIELDS', 1, 'c')).toEqual(['3']);
    expect([t.events, t.run('EXISTS', 'h')]).toEqual([['hdel h', 'del h'], 0]);
    expectNoLeak(t.keyspace);
  });

  it('HGETEX returns, and sets or takes the expiry', () => {
    t.run('HSET', 'h', 'a', '1', 'b', '2');
    t.forget();
    expect(t.run('HGETEX', 'h', 'FIELDS', 2, 'a', 'x')).toEqual(['1', null]);
    expect(t.run('HGETEX', 'h', 'PERSIST', 'FIELDS', 1, 'a')).toEqual(['1']);
    expect([t.events, t.effects]).toEqual([[], []]);
    expect(t.run('HGETEX', 'h', 'EX', 10, 'FIELDS', 2, 'a', 'x')).toEqual(['1', null]);
    expect(t.run('HGETEX', 'h', 'PX', 10, 'FIELDS', 1, 'a')).toEqual(['1']);
    expect(t.run('HGETEX', 'h', 'EXAT', NOW / SECOND + 5, 'FIELDS', 1, 'a')).toEqual(['1']);
    expect(t.run('HGETEX', 'h', 'PXAT', NOW + 6000, 'FIELDS', 2, 'a', 'b')).toEqual(['1', '2']);
    expect(t.run('HPTTL', 'h', 'FIELDS', 2, 'a', 'b')).toEqual([6000, 6000]);
    expect(t.run('HGETEX', 'h', 'persist', 'FIELDS', 1, 'a')).toEqual(['1']);
    expect(t.run('HTTL', 'h', 'FIELDS', 2, 'a', 'b')).toEqual([-1, 6]);
    expect(t.events).toEqual(['hexpire h', 'hexpire h', 'hexpire h', 'hexpire h', 'hpersist h']);
    expect(t.effects).toEqual([
      ['HPEXPIREAT', 'h', String(NOW + 10_000), 'FIELDS', '2', 'a', 'x'],
      ['HPEXPIREAT', 'h', String(NOW + 10), 'FIELDS', '1', 'a'],
      ['HPEXPIREAT', 'h', String(NOW + 5000), 'FIELDS', '1', 'a'],
      ['HPEXPIREAT', 'h', String(NOW + 6000), 'FIELDS', '2', 'a', 'b'],
      ['HPERSIST', 'h', 'FIELDS', '1', 'a'],
    ]);
    t.forget();
    expect(t.run('HGETEX', 'h', 'PXAT', 1, 'FIELDS', 3, 'a', 'x', 'b')).toEqual(['1', null, '2']);
    expect([t.events, t.dirty]).toEqual([['hdel h', 'del h'], 2]);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'a'],
      ['HDEL', 'h', 'b'],
    ]);
    expectNoLeak(t.keyspace);
  });

  it('HSETEX sets fields and when they expire', () => {
    expect(t.run('HSETEX', 'h', 'FIELDS', 2, 'a', '1', 'b', '2')).toBe(1);
    expect(t.run('HSETEX', 'h', 'EX', 10, 'FIELDS', 2, 'a', '3', 'c', '4')).toBe(1);
    expect(t.run('HSETEX', 'h', 'KEEPTTL', 'FIELDS', 2, 'a', '5', 'd', '6')).toBe(1);
    expect(t.run('HTTL', 'h', 'FIELDS', 4, 'a', 'b', 'c', 'd')).toEqual([10, -1, 10, -1]);
    expect(t.run('HMGET', 'h', 'a', 'b', 'c', 'd')).toEqual(['5', '2', '4', '6']);
    expect(t.run('HSETEX', 'h', 'FIELDS', 1, 'a', '7')).toBe(1);
    expect(t.run('HSETEX', 'h', 'PXAT', NOW + 1, 'FIELDS', 1, 'b', '8')).toBe(1);
    expect(t.run('HPTTL', 'h', 'FIELDS', 2, 'a', 'b')).toEqual([-1, 1]);
    expect(t.run('OBJECT', 'ENCODING', 'h')).toBe(encoding);
    expect(t.events).toEqual(['new h', 'hset h', 'hset h', 'hexpire h', 'hset h', 'hset h', 'hset h', 'hexpire h']);
    expect(t.effects).toEqual([
      ['HSETEX', 'h', 'FIELDS', '2', 'a', '1', 'b', '2'],
      ['HSETEX', 'h', 'PXAT', String(NOW + 10_000), 'FIELDS', '2', 'a', '3', 'c', '4'],
      ['HSETEX', 'h', 'KEEPTTL', 'FIELDS', '2', 'a', '5', 'd', '6'],
      ['HSETEX', 'h', 'FIELDS', '1', 'a', '7'],
      ['HSETEX', 'h', 'PXAT', String(NOW + 1), 'FIELDS', '1', 'b', '8'],
    ]);
    expect(t.dirty).toBe(8);
  });

  it('HSETEX obeys FNX and FXX', () => {
    expect(t.run('HSETEX', 'h', 'FXX', 'FIELDS', 1, 'a', '1')).toBe(0);
    expect([t.run('EXISTS', 'h'), t.effects, t.events]).toEqual([0, [], []]);
    expect(t.run('HSETEX', 'h', 'EX', 10, 'FNX', 'FIELDS', 2, 'a', '1', 'b', '2')).toBe(1);
    expect(t.run('HSETEX', 'h', 'FNX', 'FIELDS', 2, 'c', '1', 'b', '2')).toBe(0);
    expect(t.run('HSETEX', 'h', 'FXX', 'FIELDS', 2, 'a', '1', 'c', '2')).toBe(0);
    expect(t.run('HSETEX', 'h', 'FXX', 'EXAT', NOW / SECOND + 5, 'FIELDS', 2, 'a', '3', 'b', '4')).toBe(1);
    expect(t.effects).toEqual([
      ['HSETEX', 'h', 'PXAT', String(NOW + 10_000), 'FNX', 'FIELDS', '2', 'a', '1', 'b', '2'],
      ['HSETEX', 'h', 'FXX', 'PXAT', String(NOW + 5000), 'FIELDS', '2', 'a', '3', 'b', '4'],
    ]);
    expect(t.run('HTTL', 'h', 'FIELDS', 3, 'a', 'b', 'c')).toEqual([5, 5, -2]);
  });

  it('HSETEX counts fields whose time is over as missing, and deletes those that it asked for', () => {
    t.run('HSETEX', 'h', 'PX', 10, 'FIELDS', 2, 'a', '1', 'b', '2');
    t.now += 11;
    t.forget();
    expect(t.run('HSETEX', 'h', 'FXX', 'FIELDS', 2, 'a', '3', 'b', '4')).toBe(0);
    expect([t.effects, t.events, t.run('HLEN', 'h')]).toEqual([[['HDEL', 'h', 'a']], ['hexpired h'], 1]);
    t.forget();
    expect(t.run('HSETEX', 'h', 'FNX', 'FIELDS', 2, 'a', '3', 'b', '4')).toBe(1);
    expect(t.events).toEqual(['hexpired h', 'hset h']);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'b'],
      ['HSETEX', 'h', 'FNX', 'FIELDS', '2', 'a', '3', 'b', '4'],
    ]);
    expect(t.run('HMGET', 'h', 'a', 'b')).toEqual(['3', '4']);
    t.run('HPEXPIRE', 'h', 10, 'FIELDS', 2, 'a', 'b');
    t.run('HDEL', 'h', 'b');
    t.now += 11;
    t.forget();
    expect(t.run('HSETEX', 'h', 'FXX', 'FIELDS', 1, 'a', '3')).toBe(0);
    expect([t.events, t.run('EXISTS', 'h'), t.db.expiringHashes]).toEqual([['hexpired h', 'del h'], 0, 0]);
    expectNoLeak(t.keyspace);
  });

  it('HSETEX KEEPTTL keeps no expiry that is over', () => {
    t.run('HSETEX', 'h', 'PX', 10, 'FIELDS', 2, 'a', '1', 'b', '2');
    t.now += 11;
    t.forget();
    expect(t.run('HSETEX', 'h', 'KEEPTTL', 'FIELDS', 2, 'a', '3', 'b', 'a')).toBe(1);
    expect([t.run('HMGET', 'h', 'a', 'b'), t.run('HTTL', 'h', 'FIELDS', 1, 'a')]).toEqual([['3', 'a'], [-1]]);
    expect(t.events).toEqual(['hexpired h', 'del h', 'new h', 'hset h']);
    expect(t.effects.map(([name, , second]) => `${name} ${second}`)).toEqual(['HDEL a', 'HDEL b', 'HSETEX KEEPTTL']);
  });

  it('HSETEX with a moment that has passed deletes', () => {
    expect(t.run('HSETEX', 'h', 'PX', 0, 'FIELDS', 2, 'a', '1', 'b', '2')).toBe(1);
    expect(t.events).toEqual(['new h', 'hset h', 'hdel h', 'del h']);
    expect(t.effects).toEqual([
      ['HDEL', 'h', 'a'],
      ['HDEL', 'h', 'b'],
    ]);
    t.run('HSET', 'h', 'a', '1', 'c', '3');
    t.run('HEXPIRE', 'h', 10, 'FIELDS', 1, 'a');
    t.forget();
    expect(t.run('HSETEX', 'h', 'EXAT', 1, 'FIELDS', 2, 'a', '9', 'b', '9')).toBe(1);
    expect(t.run('HGETALL', 'h')).toEqual(['c', '3']);
    expect([t.events, t.db.expiringHashes]).toEqual([['hset h', 'hdel h'], 0]);
    expectNoLeak(t.keyspace);
  });
});

it('a small hash is made ready for expiries by asking for one, also in vain, as in Redis', () => {
  start('listpackex');
  for (const argv of [
    ['HEXPIRE', 'h', '10', 'XX', 'FIELDS', '1', 'a'],
    ['HEXPIRE', 'h', '10', 'FIELDS', '1', 'x'],
    ['HGETEX', 'h', 'PERSIST', 'FIELDS', '1', 'a'],
    ['HGETEX', 'h', 'EX', '10', 'FIELDS', '1', 'x'],
  ]) {
    t.run('DEL', 'h');
    t.run('HSET', 'h', 'a', '1', 'b', '2');
    t.run('HTTL', 'h', 'FIELDS', '1', 'a');
    t.run('HGETEX', 'h', 'FIELDS', '1', 'a');
    expect(t.run('OBJECT', 'ENCODING', 'h')).toBe('listpack');
    t.run(...argv);
    expect(t.run('OBJECT', 'ENCODING', 'h'), argv.join(' ')).toBe('listpackex');
    expect(t.run('HGETALL', 'h')).toEqual(['a', '1', 'b', '2']);
    t.run('HSET', 'h', 'c', '3');
    t.run('HDEL', 'h', 'a');
    expect(t.run('HGETALL', 'h')).toEqual(['b', '2', 'c', '3']);
  }
  expectNoLeak(t.keyspace);
});
