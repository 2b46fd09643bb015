/** A command that takes all of a large value away says the same as one that takes a little, and leaves the freeing for later. */
import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { EXPIRE_COMMANDS } from './expire.js';
import { HASH_COMMANDS } from './hash.js';
import { KEY_COMMANDS } from './keys.js';
import { LIST_COMMANDS } from './list.js';
import { SET_COMMANDS } from './set.js';
import { SORT_COMMANDS } from './sort.js';
import { STREAM_COMMANDS } from './stream.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';
import { ZSET_COMMANDS } from './zset.js';

const TABLES = [
  EXPIRE_COMMANDS,
  HASH_COMMANDS,
  KEY_COMMANDS,
  LIST_COMMANDS,
  SET_COMMANDS,
  SORT_COMMANDS,
  STREAM_COMMANDS,
  STRING_COMMANDS,
  ZSET_COMMANDS,
];
const ELEMENTS = 5000;
const numbered = Array.from({ length: ELEMENTS }, (_, i) => `element-${String(i).padStart(5, '0')}`);

function filled(): FakeContext {
  const t = new FakeContext(...TABLES);
  t.run('RPUSH', 'list', ...numbered);
  t.run('SADD', 'set', ...numbered);
  t.run('ZADD', 'zset', ...numbered.flatMap((name, i) => [String(i), name]));
  t.run('HSET', 'hash', ...numbered.flatMap((name) => [name, name]));
  for (let i = 1; i <= ELEMENTS; i++) t.run('XADD', 'stream', `${i}-0`, 'f', 'v');
  t.run('SET', 'small', 'x');
  t.forget();
  return t;
}

/** What stays behind of the key after the command, and that freeing is put off or was not much. */
function play(t: FakeContext, command: string[]): unknown {
  const reply = t.run(...command);
  const audited = t.keyspace.discarded.count;
  expectNoLeak(t.keyspace);
  return { reply, audited };
}

describe('taking everything away', () => {
  for (const [command, events] of [
    ['LTRIM list 1 0', ['ltrim list', 'del list']],
    ['LTRIM list 9999 99999', ['ltrim list', 'del list']],
    ['ZREMRANGEBYRANK zset 0 -1', ['zremrangebyrank zset', 'del zset']],
    ['ZREMRANGEBYSCORE zset -inf +inf', ['zremrangebyscore zset', 'del zset']],
    ['ZREMRANGEBYLEX zset - +', ['zremrangebylex zset', 'del zset']],
    ['DEL set', ['del set']],
    ['UNLINK hash', ['del hash']],
    ['EXPIRE hash -1', ['del hash']],
    ['SINTERSTORE zset set nothing', ['del zset']],
    ['XTRIM stream MAXLEN 0', ['xtrim stream']],
    ['XTRIM stream MINID 999999', ['xtrim stream']],
  ] as const) {
    it(command, () => {
      const t = filled();
      const { audited } = play(t, command.split(' ')) as { audited: number };
      const key = command.split(' ')[1]!;
      // A list's and a stream's elements share blocks: there are few enough of them.
      if (key !== 'list' && key !== 'stream') expect(audited).toBe(1);
      expect(t.events).toEqual(events);
      expect(t.run('EXISTS', key)).toBe(key === 'stream' ? 1 : 0);
    });
  }

  it('counts what is removed', () => {
    const t = filled();
    expect(t.run('ZREMRANGEBYRANK', 'zset', '0', '-1')).toBe(ELEMENTS);
    expect(t.run('XTRIM', 'stream', 'MAXLEN', '0')).toBe(ELEMENTS);
    expect(t.run('XLEN', 'stream')).toBe(0);
    expect(t.run('XRANGE', 'stream', '-', '+')).toEqual([]);
    expect(t.run('XADD', 'stream', '1-0', 'f', 'v')).toMatch(/equal or smaller/);
    expect(t.run('XADD', 'stream', '99999-0', 'f', 'v')).toBe('99999-0');
    expect(t.dirty).toBe(ELEMENTS * 2 + 1);
    expectNoLeak(t.keyspace);
  });

  it('replies with every element in order', () => {
    const t = filled();
    expect(t.run('LPOP', 'list', String(ELEMENTS))).toEqual(numbered);
    expect(t.run('SPOP', 'set', String(ELEMENTS))).toHaveLength(ELEMENTS);
    const low = filled();
    expect(low.run('ZPOPMIN', 'zset', '999999')).toEqual(numbered.flatMap((name, i) => [name, String(i)]));
    expect(low.events).toEqual(['zpopmin zset', 'del zset']);
    const high = filled();
    expect(high.run('ZPOPMAX', 'zset', '999999')).toEqual(
      numbered.flatMap((name, i) => [name, String(i)].reverse()).reverse(),
    );
    expect(high.run('RPOP', 'list', String(ELEMENTS))).toEqual([...numbered].reverse());
    for (const each of [t, low, high]) expectNoLeak(each.keyspace);
  });

  it('of a small sorted set does the same', () => {
    const t = new FakeContext(...TABLES);
    t.run('ZADD', 'z', '1', 'a', '2', 'b');
    expect(t.run('ZPOPMAX', 'z', '2')).toEqual(['b', '2', 'a', '1']);
    t.run('ZADD', 'z', '1', 'a');
    expect(t.run('ZPOPMIN', 'z', '1')).toEqual(['a', '1']);
    expect(t.run('EXISTS', 'z')).toBe(0);
  });

  it('of a group with many pending entries', () => {
    const t = filled();
    t.run('XGROUP', 'CREATE', 'stream', 'g', '0');
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', String(ELEMENTS), 'STREAMS', 'stream', '>');
    expect(t.run('XGROUP', 'DESTROY', 'stream', 'g')).toBe(1);
    expect(t.keyspace.discarded.count).toBe(1);
    expectNoLeak(t.keyspace);
  });
});

describe('lazily', () => {
  const hundred = numbered.slice(0, 200);
  const made = (): FakeContext => {
    const t = new FakeContext(...TABLES);
    t.run('SADD', 'set', ...hundred);
    t.run('SADD', 'other', ...hundred);
    return t;
  };

  it('values of more than 64 elements are freed by UNLINK; by DEL they are at once', () => {
    const t = made();
    t.run('DEL', 'set');
    expect(t.keyspace.discarded.pendingObjects).toBe(0);
    t.run('UNLINK', 'other');
    expect(t.keyspace.discarded.pendingObjects).toBe(1);
    t.keyspace.freeSlice(Number.POSITIVE_INFINITY);
    expect(t.keyspace.discarded).toMatchObject({ pendingObjects: 0, freedObjects: 1 });
  });

  for (const [directive, command] of [
    ['userDel', 'DEL set'],
    ['serverDel', 'SET set x'],
    ['serverDel', 'RENAME other set'],
    ['serverDel', 'SINTERSTORE set other'],
    ['serverDel', 'SORT other ALPHA STORE set'],
    ['expire', 'EXPIRE set -1'],
  ] as const) {
    it(`${command} follows ${directive}`, () => {
      for (const yes of [false, true]) {
        const t = made();
        t.keyspace.lazyfree[directive] = yes;
        t.run(...command.split(' '));
        expect(t.keyspace.discarded.pendingObjects).toBe(yes ? 1 : 0);
        expectNoLeak(t.keyspace);
      }
    });
  }

  it('EXPIRE and SPOP propagate UNLINK', () => {
    const t = made();
    t.keyspace.lazyfree.expire = true;
    t.keyspace.lazyfree.serverDel = true;
    t.forget();
    t.run('EXPIRE', 'set', '-1');
    t.run('SPOP', 'other', '1000');
    expect(t.effects).toEqual([
      ['UNLINK', 'set'],
      ['UNLINK', 'other'],
    ]);
  });
});
