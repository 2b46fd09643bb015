import { beforeEach, describe, expect, it } from 'vitest';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { KEY_COMMANDS } from './keys.js';
import { LIST_COMMANDS } from './list.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const SYNTAX = '-ERR syntax error';
const NOT_INTEGER = '-ERR value is not an integer or out of range';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(LIST_COMMANDS, STRING_COMMANDS, KEY_COMMANDS);
});

const all = (key = 'l') => t.run('LRANGE', key, 0, -1);

describe('ends', () => {
  it('pushes create the list, tell its length, and are propagated as they came', () => {
    expect(t.run('RPUSH', 'l', 'a', 'b')).toBe(2);
    expect(t.run('LPUSH', 'l', 'c', '12')).toBe(4);
    expect(all()).toEqual(['12', 'c', 'a', 'b']);
    expect(t.events).toEqual(['new l', 'rpush l', 'lpush l']);
    expect(t.effects).toEqual([
      ['RPUSH', 'l', 'a', 'b'],
      ['LPUSH', 'l', 'c', '12'],
    ]);
    expect(t.dirty).toBe(4);
  });

  it('LPUSHX and RPUSHX need a list', () => {
    expect(t.run('LPUSHX', 'l', 'a')).toBe(0);
    expect(t.run('EXISTS', 'l')).toBe(0);
    expect(t.effects).toEqual([]);
    t.run('RPUSH', 'l', 'x');
    expect(t.run('LPUSHX', 'l', 'a', 'b')).toBe(3);
    expect(t.run('RPUSHX', 'l', 'c')).toBe(4);
    expect(all()).toEqual(['b', 'a', 'x', 'c']);
  });

  it('pops take from their end, and the last one deletes the key', () => {
    t.run('RPUSH', 'l', 'a', 'b', 'c', 'd', 'e');
    t.forget();
    expect(t.run('LPOP', 'l')).toBe('a');
    expect(t.run('RPOP', 'l')).toBe('e');
    expect(t.run('RPOP', 'l', 2)).toEqual(['d', 'c']);
    expect(t.run('LPOP', 'l', 0)).toEqual([]);
    expect(t.run('LPOP', 'l', 10)).toEqual(['b']);
    expect(t.events).toEqual(['lpop l', 'rpop l', 'rpop l', 'lpop l', 'del l']);
    expect(t.effects).toEqual([
      ['LPOP', 'l'],
      ['RPOP', 'l'],
      ['RPOP', 'l', '2'],
      ['LPOP', 'l', '10'],
    ]);
    expect(t.dirty).toBe(5);
    expect(t.run('EXISTS', 'l')).toBe(0);
  });

  it('a pop from nothing is null, of the kind that was asked for', () => {
    expect(t.raw('LPOP', 'l')).toBe('$-1\r\n');
    expect(t.raw('LPOP', 'l', 0)).toBe('*-1\r\n');
    t.out.resp = 3;
    expect(t.raw('RPOP', 'l')).toBe('_\r\n');
    expect(t.raw('RPOP', 'l', 1)).toBe('_\r\n');
  });

  it.each(['-1', 'x', '', '1.0', '9223372036854775808'])('a count of %j is refused', (count) => {
    expect(t.run('LPOP', 'l', count)).toBe('-ERR value is out of range, must be positive');
    expect(t.run('RPOP', 'l', count)).toBe('-ERR value is out of range, must be positive');
  });

  it('one argument too many is a wrong number', () => {
    expect(t.run('LPOP', 'l', 1, 2)).toBe("-ERR wrong number of arguments for 'lpop' command");
    expect(t.run('RPOP', 'l', 1, 2)).toBe("-ERR wrong number of arguments for 'rpop' command");
  });
});

describe('LMPOP', () => {
  it('pops of the first list that exists, and is propagated as a pop of what it popped', () => {
    t.run('RPUSH', 'b', '1', '2', '3');
    t.forget();
    expect(t.run('LMPOP', 2, 'a', 'b', 'RIGHT')).toEqual(['b', ['3']]);
    expect(t.run('LMPOP', 2, 'a', 'b', 'left', 'count', 10)).toEqual(['b', ['1', '2']]);
    expect(t.raw('LMPOP', 2, 'a', 'b', 'LEFT')).toBe('*-1\r\n');
    expect(t.effects).toEqual([
      ['RPOP', 'b', '1'],
      ['LPOP', 'b', '2'],
    ]);
    expect(t.events).toEqual(['rpop b', 'lpop b', 'del b']);
  });

  it('stops at a key of another type', () => {
    t.run('SET', 's', 'v');
    t.run('RPUSH', 'b', '1');
    expect(t.run('LMPOP', 3, 'a', 's', 'b', 'LEFT')).toBe(WRONG_TYPE);
    expect(t.run('LMPOP', 3, 'a', 'b', 's', 'LEFT')).toEqual(['b', ['1']]);
  });

  it.each([
    [['0', 'a', 'LEFT'], '-ERR numkeys should be greater than 0'],
    [['x', 'a', 'LEFT'], '-ERR numkeys should be greater than 0'],
    [['9223372036854775807', 'a', 'LEFT'], SYNTAX],
    [['1', 'a', 'UP'], SYNTAX],
    [['2', 'a', 'LEFT'], SYNTAX],
    [['1', 'a', 'LEFT', 'COUNT'], SYNTAX],
    [['1', 'a', 'LEFT', 'COUNT', '0'], '-ERR count should be greater than 0'],
    [['1', 'a', 'LEFT', 'COUNT', '1', 'COUNT', '2'], SYNTAX],
    [['1', 'a', 'LEFT', 'FOO', '1'], SYNTAX],
  ])('refuses %j', (argv, error) => {
    expect(t.run('LMPOP', ...argv)).toBe(error);
  });
});

describe('LMOVE and RPOPLPUSH', () => {
  it('tell of the push before the pop', () => {
    t.run('RPUSH', 'a', '1', '2');
    t.forget();
    expect(t.run('LMOVE', 'a', 'b', 'LEFT', 'RIGHT')).toBe('1');
    expect(t.run('RPOPLPUSH', 'a', 'b')).toBe('2');
    expect(t.events).toEqual(['new b', 'rpush b', 'lpop a', 'lpush b', 'rpop a', 'del a']);
    expect(t.effects).toEqual([
      ['LMOVE', 'a', 'b', 'LEFT', 'RIGHT'],
      ['RPOPLPUSH', 'a', 'b'],
    ]);
    expect(t.dirty).toBe(2);
    expect(all('b')).toEqual(['2', '1']);
  });

  it('turn one list round', () => {
    t.run('RPUSH', 'l', 'a', 'b', 'c');
    expect(t.run('LMOVE', 'l', 'l', 'LEFT', 'RIGHT')).toBe('a');
    expect(all()).toEqual(['b', 'c', 'a']);
    expect(t.run('RPOPLPUSH', 'l', 'l')).toBe('a');
    expect(t.run('LMOVE', 'l', 'l', 'RIGHT', 'RIGHT')).toBe('c');
    expect(all()).toEqual(['a', 'b', 'c']);
    t.run('RPUSH', 'one', 'x');
    t.forget();
    expect(t.run('LMOVE', 'one', 'one', 'LEFT', 'LEFT')).toBe('x');
    expect(t.events).toEqual(['lpush one', 'lpop one']);
    expect(all('one')).toEqual(['x']);
  });

  it('change nothing when the source is missing or the destination is no list', () => {
    t.run('SET', 's', 'v');
    t.run('RPUSH', 'l', 'a');
    t.forget();
    expect(t.raw('LMOVE', 'missing', 's', 'LEFT', 'LEFT')).toBe('$-1\r\n');
    expect(t.run('LMOVE', 'l', 's', 'LEFT', 'LEFT')).toBe(WRONG_TYPE);
    expect(t.run('RPOPLPUSH', 's', 'l')).toBe(WRONG_TYPE);
    expect(t.run('LMOVE', 'l', 'x', 'LEFT', 'DOWN')).toBe(SYNTAX);
    expect(t.effects).toEqual([]);
    expect(all()).toEqual(['a']);
  });
});

describe('by index', () => {
  beforeEach(() => {
    t.run('RPUSH', 'l', 'a', 'b', 'c', 'd', 'e');
    t.forget();
  });

  it.each([
    [0, -1, 'abcde'],
    [1, 3, 'bcd'],
    [-2, -1, 'de'],
    [-100, 100, 'abcde'],
    [3, 1, ''],
    [5, 9, ''],
    [-1, 0, ''],
    ['-9223372036854775808', '9223372036854775807', 'abcde'],
  ])('LRANGE %s %s = %j', (start, stop, elements) => {
    expect(t.run('LRANGE', 'l', start, stop)).toEqual([...elements]);
    expect(t.run('LRANGE', 'missing', start, stop)).toEqual([]);
  });

  it.each([
    [0, 'a'],
    [4, 'e'],
    [5, null],
    [-1, 'e'],
    [-5, 'a'],
    [-6, null],
  ])('LINDEX %s = %j', (index, element) => {
    expect(t.run('LINDEX', 'l', index)).toBe(element);
  });

  it('LSET replaces within the list only', () => {
    expect(t.run('LSET', 'l', 1, 'B')).toBe('OK');
    expect(t.run('LSET', 'l', -1, '')).toBe('OK');
    expect(t.run('LSET', 'l', 5, 'x')).toBe('-ERR index out of range');
    expect(t.run('LSET', 'l', -6, 'x')).toBe('-ERR index out of range');
    expect(t.run('LSET', 'missing', 0, 'x')).toBe('-ERR no such key');
    expect(all()).toEqual(['a', 'B', 'c', 'd', '']);
    expect(t.events).toEqual(['lset l', 'lset l']);
    expect(t.dirty).toBe(2);
  });

  it('LTRIM tells even when nothing goes, and counts what does', () => {
    t.run('LTRIM', 'l', 0, -1);
    expect([t.events, t.dirty, t.effects]).toEqual([['ltrim l'], 0, []]);
    t.run('LTRIM', 'l', 1, -2);
    expect(all()).toEqual(['b', 'c', 'd']);
    expect(t.dirty).toBe(2);
    t.run('LTRIM', 'l', 5, 1);
    expect(t.events.slice(-2)).toEqual(['ltrim l', 'del l']);
    expect(t.run('LTRIM', 'missing', 0, 1)).toBe('OK');
  });

  it('indices are looked at before the key, or after it, as in Redis', () => {
    t.run('SET', 's', 'v');
    expect(t.run('LRANGE', 's', 'x', 0)).toBe(NOT_INTEGER);
    expect(t.run('LTRIM', 's', 0, 'x')).toBe(NOT_INTEGER);
    expect(t.run('LREM', 's', 'x', 'a')).toBe(NOT_INTEGER);
    expect(t.run('LINDEX', 's', 'x')).toBe(WRONG_TYPE);
    expect(t.run('LINDEX', 'missing', 'x')).toBe(null);
    expect(t.run('LSET', 's', 'x', 'a')).toBe(WRONG_TYPE);
    expect(t.run('LSET', 'missing', 'x', 'a')).toBe('-ERR no such key');
  });
});

describe('by content', () => {
  it('LINSERT puts an element beside the first pivot', () => {
    t.run('RPUSH', 'l', 'a', 'b', 'a');
    t.forget();
    expect(t.run('LINSERT', 'l', 'before', 'a', '1')).toBe(4);
    expect(t.run('LINSERT', 'l', 'AFTER', 'a', '2')).toBe(5);
    expect(t.run('LINSERT', 'l', 'AFTER', 'x', '3')).toBe(-1);
    expect(t.run('LINSERT', 'missing', 'AFTER', 'x', '3')).toBe(0);
    expect(t.run('LINSERT', 'l', 'BESIDE', 'x', '3')).toBe(SYNTAX);
    expect(all()).toEqual(['1', 'a', '2', 'b', 'a']);
    expect([t.events, t.dirty]).toEqual([['linsert l', 'linsert l'], 2]);
  });

  it.each([
    [0, 'bcd', 4],
    [2, 'bcada', 2],
    [-2, 'abacd', 2],
    [100, 'bcd', 4],
    ['-9223372036854775808', 'bcd', 4],
  ])('LREM %s leaves %j', (count, left, removed) => {
    t.run('RPUSH', 'l', ...'abacada');
    t.forget();
    expect(t.run('LREM', 'l', count, 'a')).toBe(removed);
    expect(all()).toEqual([...left]);
    expect([t.events, t.dirty]).toEqual([['lrem l'], removed]);
  });

  it('LREM that finds nothing changes nothing; of all elements deletes the key', () => {
    t.run('RPUSH', 'l', 'a', 'a');
    t.forget();
    expect(t.run('LREM', 'l', 0, 'x')).toBe(0);
    expect([t.events, t.effects]).toEqual([[], []]);
    expect(t.run('LREM', 'l', 0, 'a')).toBe(2);
    expect(t.events).toEqual(['lrem l', 'del l']);
  });

  it.each([
    [[], 2],
    [['RANK', '2'], 6],
    [['RANK', '-1'], 7],
    [['RANK', '4'], null],
    [
      ['COUNT', '0'],
      [2, 6, 7],
    ],
    [
      ['COUNT', '2', 'RANK', '-1'],
      [7, 6],
    ],
    [
      ['COUNT', '2', 'RANK', '2'],
      [6, 7],
    ],
    [
      ['COUNT', '0', 'MAXLEN', '7'],
      [2, 6],
    ],
    [['MAXLEN', '2'], null],
    [['RANK', '9223372036854775807', 'COUNT', '1'], []],
    [['RANK', '0'], /^-ERR RANK can't be zero: use 1 .* or use negative to start from the end of the list$/],
    [
      ['RANK', '-9223372036854775808'],
      '-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    ],
    [['COUNT', '-1'], "-ERR COUNT can't be negative"],
    [['MAXLEN', 'x'], "-ERR MAXLEN can't be negative"],
    [['RANK'], SYNTAX],
    [['FOO', '1'], SYNTAX],
  ])('LPOS %j = %j', (options, found) => {
    t.run('RPUSH', 'l', ...'abc123cc');
    const reply = t.run('LPOS', 'l', 'c', ...options);
    if (found instanceof RegExp) expect(reply).toMatch(found);
    else expect(reply).toEqual(found);
  });

  it('LPOS of a missing list is null or empty', () => {
    expect(t.run('LPOS', 'missing', 'a')).toBe(null);
    expect(t.run('LPOS', 'missing', 'a', 'COUNT', 1)).toEqual([]);
  });
});

it('every command refuses another type', () => {
  t.run('SET', 's', 'v');
  for (const argv of [
    ['LPUSH', 's', 'a'],
    ['RPUSH', 's', 'a'],
    ['LPUSHX', 's', 'a'],
    ['RPUSHX', 's', 'a'],
    ['LPOP', 's'],
    ['RPOP', 's', '0'],
    ['LLEN', 's'],
    ['LINDEX', 's', '0'],
    ['LSET', 's', '0', 'a'],
    ['LRANGE', 's', '0', '1'],
    ['LINSERT', 's', 'BEFORE', 'a', 'b'],
    ['LREM', 's', '0', 'a'],
    ['LTRIM', 's', '0', '1'],
    ['LPOS', 's', 'a'],
    ['LMPOP', '1', 's', 'LEFT'],
  ]) {
    expect(t.run(...argv), argv.join(' ')).toBe(WRONG_TYPE);
  }
});

it('conversions survive every command, and no block is lost (seed 7)', () => {
  let s = 7;
  const below = (n: number) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor(((s >>> 8) / 2 ** 24) * n);
  };
  const key = () => `l${below(3)}`;
  const text = () => (below(4) > 0 ? String(below(5)) : 'w'.repeat(below(below(8) === 0 ? 3000 : 20)));
  const side = () => (below(2) === 0 ? 'LEFT' : 'RIGHT');
  const index = () => below(24) - 12;
  const commands: (() => (string | number)[])[] = [
    () => ['RPUSH', key(), text(), text(), text()],
    () => ['LPUSH', key(), text(), text()],
    () => ['LPOP', key()],
    () => ['RPOP', key(), below(4)],
    () => ['LSET', key(), index(), text()],
    () => ['LINSERT', key(), below(2) === 0 ? 'BEFORE' : 'AFTER', text(), text()],
    () => ['LREM', key(), index(), text()],
    () => ['LTRIM', key(), below(3), -1 - below(3)],
    () => ['LMOVE', key(), key(), side(), side()],
    () => ['LMPOP', 2, key(), key(), side(), 'COUNT', 1 + below(3)],
  ];
  for (const fill of [4, -1]) {
    t.keyspace.limits.listMaxListpackSize = fill;
    for (let step = 0; step < 1500; step++) {
      t.raw(...commands[below(commands.length)]!());
      if (step % 5 !== 0) continue;
      expectNoLeak(t.keyspace);
    }
  }
});
