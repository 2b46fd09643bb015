import { describe, expect, it } from 'vitest';
import { EXPIRE_COMMANDS } from './expire.js';
import { KEY_COMMANDS } from './keys.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

const NOT_INTEGER = '-ERR value is not an integer or out of range';
const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';

const fresh = (): FakeContext => new FakeContext(STRING_COMMANDS, KEY_COMMANDS, EXPIRE_COMMANDS);

describe('times to live', () => {
  it('are told in seconds, rounded, and in milliseconds', () => {
    const t = fresh();
    t.run('SET', 'k', 'v');
    expect([t.run('TTL', 'k'), t.run('PTTL', 'k'), t.run('EXPIRETIME', 'k'), t.run('PEXPIRETIME', 'k')]).toEqual([
      -1, -1, -1, -1,
    ]);
    expect(t.run('PEXPIRE', 'k', 1499)).toBe(1);
    expect([t.run('TTL', 'k'), t.run('PTTL', 'k')]).toEqual([1, 1499]);
    expect(t.run('PEXPIRE', 'k', 1500)).toBe(1);
    expect(t.run('TTL', 'k')).toBe(2);
    expect(t.run('PEXPIRETIME', 'k')).toBe(t.now + 1500);
    expect(t.run('EXPIRETIME', 'k')).toBe(Math.floor((t.now + 2000) / 1000));
    expect([t.run('TTL', 'x'), t.run('PTTL', 'x'), t.run('EXPIRETIME', 'x'), t.run('PEXPIRETIME', 'x')]).toEqual([
      -2, -2, -2, -2,
    ]);
  });

  it('end after the millisecond, not in it', () => {
    const t = fresh();
    t.run('SET', 'k', 'v');
    t.run('PEXPIRE', 'k', 100);
    t.now += 100;
    expect([t.run('PTTL', 'k'), t.run('GET', 'k')]).toEqual([0, 'v']);
    t.now += 1;
    expect([t.run('PTTL', 'k'), t.run('GET', 'k'), t.db.size]).toEqual([-2, null, 0]);
    expect(t.effects.at(-1)).toEqual(['DEL', 'k']);
  });

  it('PERSIST takes them away', () => {
    const t = fresh();
    t.run('SET', 'k', 'v', 'EX', 10);
    t.forget();
    expect([t.run('PERSIST', 'k'), t.run('PERSIST', 'k'), t.run('PERSIST', 'missing')]).toEqual([1, 0, 0]);
    expect(t.run('TTL', 'k')).toBe(-1);
    expect(t.effects).toEqual([['PERSIST', 'k']]);
    expect(t.events).toEqual(['persist k']);
  });
});

describe('EXPIRE and relatives', () => {
  it('are propagated as a moment', () => {
    const t = fresh();
    t.run('SET', 'k', 'v');
    t.forget();
    const at = t.now;
    expect(t.run('EXPIRE', 'k', 10)).toBe(1);
    expect(t.run('PEXPIRE', 'k', 10, 'xx')).toBe(1);
    expect(t.run('EXPIREAT', 'k', at / 1000 + 5)).toBe(1);
    expect(t.run('pexpireat', 'k', at + 7)).toBe(1);
    expect(t.run('EXPIRE', 'missing', 10)).toBe(0);
    expect(t.effects).toEqual([
      ['PEXPIREAT', 'k', `${at + 10_000}`],
      ['PEXPIREAT', 'k', `${at + 10}`, 'xx'],
      ['PEXPIREAT', 'k', `${at + 5000}`],
      ['pexpireat', 'k', `${at + 7}`],
    ]);
    expect(t.events).toEqual(['expire k', 'expire k', 'expire k', 'expire k']);
  });

  it('a moment that has passed deletes the key at once', () => {
    const t = fresh();
    for (const argv of [
      ['EXPIRE', 'k', '0'],
      ['EXPIRE', 'k', '-1'],
      ['PEXPIRE', 'k', '-9223372036854775808'],
      ['EXPIREAT', 'k', '1'],
      ['PEXPIREAT', 'k', `${t.now}`],
    ]) {
      t.run('SET', 'k', 'v');
      t.forget();
      expect(t.run(...argv)).toBe(1);
      expect(t.effects).toEqual([['DEL', 'k']]);
      expect(t.events).toEqual(['del k']);
      expect(t.db.size).toBe(0);
    }
  });

  it('a moment that has passed is kept while the log is replayed: the log says what is deleted', () => {
    const t = fresh();
    t.replaying = true;
    t.keyspace.expiryInForce = false;
    t.run('SET', 'k', 'v');
    expect(t.run('PEXPIREAT', 'k', 1000)).toBe(1);
    expect(t.run('PEXPIRETIME', 'k')).toBe(1000);
  });

  it.each([
    // condition, current (null: never), new, whether it is taken
    ['NX', null, 100, 1],
    ['NX', 50, 100, 0],
    ['XX', null, 100, 0],
    ['XX', 50, 100, 1],
    ['GT', null, 100, 0],
    ['GT', 50, 100, 1],
    ['GT', 100, 100, 0],
    ['GT', 150, 100, 0],
    ['LT', null, 100, 1],
    ['LT', 50, 100, 0],
    ['LT', 100, 100, 0],
    ['LT', 150, 100, 1],
    ['XX GT', 50, 100, 1],
    ['XX LT', null, 100, 0],
  ] as const)('%s with %s: %s -> %s', (conditions, current, fresher, taken) => {
    const t = fresh();
    t.run('SET', 'k', 'v');
    if (current !== null) t.run('EXPIRE', 'k', current);
    expect(t.run('EXPIRE', 'k', fresher, ...conditions.split(' '))).toBe(taken);
    expect(t.run('TTL', 'k')).toBe(taken === 1 ? fresher : (current ?? -1));
  });

  it('refuse conditions that exclude each other, before they look at the time', () => {
    const t = fresh();
    const nx = '-ERR NX and XX, GT or LT options at the same time are not compatible';
    expect(t.run('EXPIRE', 'k', 'x', 'NX', 'XX')).toBe(nx);
    expect(t.run('EXPIRE', 'k', 'x', 'gt', 'nx')).toBe(nx);
    expect(t.run('EXPIRE', 'k', 'x', 'GT', 'LT')).toBe('-ERR GT and LT options at the same time are not compatible');
    expect(t.run('EXPIRE', 'k', 'x', 'NX', 'XX', 'foo')).toBe('-ERR Unsupported option foo');
    expect(t.run('EXPIRE', 'k', 'x')).toBe(NOT_INTEGER);
    expect(t.run('EXPIRE', 'k', '9223372036854775808')).toBe(NOT_INTEGER);
  });

  it.each([
    ['EXPIRE', '9223372036854776'],
    ['EXPIRE', '-9223372036854776'],
    ['EXPIRE', '9223372036854775'],
    ['PEXPIRE', MAX],
    ['EXPIREAT', '9223372036854776'],
    ['EXPIREAT', MIN],
  ])('%s %s overflows', (command, time) => {
    const t = fresh();
    expect(t.run(command, 'missing', time)).toBe(`-ERR invalid expire time in '${command.toLowerCase()}' command`);
  });

  it('take the largest moments', () => {
    const t = fresh();
    t.run('SET', 'k', 'v');
    expect(t.run('PEXPIREAT', 'k', MAX)).toBe(1);
    expect(t.raw('PEXPIRETIME', 'k')).toBe(`:${MAX}\r\n`);
    expect(t.run('EXPIREAT', 'k', '9223372036854775')).toBe(1);
    expect(t.run('EXPIRETIME', 'k')).toBeGreaterThan(9.2e15);
    t.now += 1e9;
    expect(t.run('GET', 'k')).toBe('v');
  });
});
