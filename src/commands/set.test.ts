import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { SET_COMMANDS } from './set.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext, type Told } from './testing/fake-context.js';

const fresh = (): FakeContext => new FakeContext(SET_COMMANDS, STRING_COMMANDS);
const sorted = (told: Told): string[] => (told as string[]).slice().sort();
const WRONG = '-WRONGTYPE Operation against a key holding the wrong kind of value';

describe('members', () => {
  it('SADD and SREM count what changed, tell of it, and the last member takes the key with it', () => {
    const t = fresh();
    expect(t.run('sadd', 's', 'a', 'b', 'a')).toBe(2);
    expect(t.run('sadd', 's', 'a')).toBe(0);
    expect(t.run('srem', 's', 'x', 'b')).toBe(1);
    expect(t.run('srem', 's', 'x')).toBe(0);
    expect(t.run('srem', 's', 'a', 'b')).toBe(1);
    expect(t.run('srem', 's', 'a')).toBe(0);
    expect(t.run('scard', 's')).toBe(0);
    expect(t.effects).toEqual([
      ['sadd', 's', 'a', 'b', 'a'],
      ['srem', 's', 'x', 'b'],
      ['srem', 's', 'a', 'b'],
    ]);
    expect(t.events).toEqual(['new s', 'sadd s', 'srem s', 'srem s', 'del s']);
    expect(t.dirty).toBe(4);
    expectNoLeak(t.keyspace);
  });

  it.each([
    ['missing', [], 0],
    ['a string', ['set', 'source', 'x'], WRONG],
    ['a set', ['sadd', 'source', 'a'], 0],
  ])('SMOVE from a source that is %s deletes a target whose time is over', (_, make, answer) => {
    const t = fresh();
    if (make.length > 0) t.run(...(make as [string, ...string[]]));
    t.run('set', 'target', 'x', 'px', 10);
    t.now += 11;
    t.forget();
    expect(t.run('smove', 'source', 'target', 'm')).toBe(answer);
    expect(t.effects).toEqual([['DEL', 'target']]);
  });

  it('a conversion by SADD that added nothing is kept', () => {
    const t = fresh();
    t.run('sadd', 's', 'a');
    t.run('sadd', 's', ...Array.from({ length: 129 }, () => 'a'));
    expect(t.run('smembers', 's')).toEqual(['a']);
    expectNoLeak(t.keyspace);
  });

  it('questions', () => {
    const t = fresh();
    t.run('sadd', 's', '1', '2', 'x');
    expect(t.run('sismember', 's', 'x')).toBe(1);
    expect(t.run('sismember', 's', 'y')).toBe(0);
    expect(t.run('sismember', 'none', 'y')).toBe(0);
    expect(t.run('smismember', 's', '1', 'y', 'x')).toEqual([1, 0, 1]);
    expect(t.run('smismember', 'none', '1', 'y')).toEqual([0, 0]);
    expect(t.run('smembers', 's')).toEqual(['1', '2', 'x']);
    expect(t.run('smembers', 'none')).toEqual([]);
    t.out.resp = 3;
    expect(t.raw('smembers', 's')).toBe('~3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\nx\r\n');
    expect(t.raw('smembers', 'none')).toBe('~0\r\n');
  });

  it('every command refuses a key of another type', () => {
    const t = fresh();
    t.run('set', 'str', 'x');
    t.run('sadd', 's', 'a');
    for (const argv of [
      ['sadd', 'str', 'x'],
      ['srem', 'str', 'x'],
      ['sismember', 'str', 'x'],
      ['smismember', 'str', 'x'],
      ['scard', 'str'],
      ['smembers', 'str'],
      ['spop', 'str'],
      ['spop', 'str', '0'],
      ['srandmember', 'str'],
      ['srandmember', 'str', '2'],
      ['smove', 'str', 's', 'a'],
      ['smove', 's', 'str', 'a'],
      ['sinter', 'none', 'str'],
      ['sunion', 's', 'str'],
      ['sdiff', 's', 'str'],
      ['sinterstore', 'd', 's', 'str'],
      ['sintercard', '2', 's', 'str'],
      ['sscan', 'str', '0'],
    ]) {
      expect([argv, t.run(...argv)]).toEqual([argv, WRONG]);
    }
    expect(t.run('smove', 'none', 'str', 'a')).toBe(0);
  });
});

describe('SMOVE', () => {
  it('moves, tells of both keys, and removes an emptied source', () => {
    const t = fresh();
    t.run('sadd', 'a', '1', 'x');
    t.run('sadd', 'b', 'x');
    t.forget();
    expect(t.run('smove', 'a', 'b', '1')).toBe(1);
    expect(t.run('smove', 'a', 'b', '1')).toBe(0);
    expect(t.run('smove', 'a', 'a', 'x')).toBe(1);
    expect(t.run('smove', 'a', 'a', 'y')).toBe(0);
    expect(t.run('smove', 'a', 'b', 'x')).toBe(1);
    expect(t.run('smove', 'b', 'c', 'x')).toBe(1);
    expect(t.events).toEqual(['srem a', 'sadd b', 'srem a', 'del a', 'srem b', 'new c', 'sadd c']);
    expect(t.effects.map((argv) => argv.join(' '))).toEqual(['smove a b 1', 'smove a b x', 'smove b c x']);
    expect(t.run('smembers', 'b')).toEqual(['1']);
    expectNoLeak(t.keyspace);
  });
});

describe('SPOP and SRANDMEMBER', () => {
  it('SPOP is propagated as what it took', () => {
    const t = fresh();
    t.run('sadd', 's', 'a', 'b');
    t.forget();
    const first = t.run('spop', 's') as string;
    const second = t.run('spop', 's') as string;
    expect([first, second].sort()).toEqual(['a', 'b']);
    expect(t.effects).toEqual([
      ['SREM', 's', first],
      ['SREM', 's', second],
    ]);
    expect(t.events).toEqual(['spop s', 'spop s', 'del s']);
    expect(t.run('spop', 's')).toBe(null);
    expect(t.run('spop', 's', '2')).toEqual([]);
    expectNoLeak(t.keyspace);
  });

  it('SPOP with a count: some, all, more than all', () => {
    for (const prefix of ['', 'm', 'y'.repeat(70)]) {
      const t = fresh();
      const all = Array.from({ length: 100 }, (_, i) => `${prefix}${i}`);
      t.run('sadd', 's', ...all);
      t.forget();
      const some = t.run('spop', 's', '30') as string[];
      expect(new Set(some).size).toBe(30);
      expect(t.effects).toEqual([['SREM', 's', ...some]]);
      expect(t.dirty).toBe(30);
      const rest = t.run('spop', 's', '70') as string[];
      expect([...some, ...rest].sort()).toEqual(all.sort());
      expect(t.effects[1]).toEqual(['DEL', 's']);
      expect(t.events).toEqual(['spop s', 'spop s', 'del s']);
      expectNoLeak(t.keyspace);
    }
    const t = fresh();
    t.run('sadd', 's', ...Array.from({ length: 3000 }, (_, i) => `m${i}`));
    t.forget();
    t.run('spop', 's', '2500');
    expect(t.effects.map((argv) => argv.length)).toEqual([1026, 1026, 454]);
    expect(t.run('scard', 's')).toBe(500);
  });

  it('SRANDMEMBER: different members for a count, any for a negative one', () => {
    for (const size of [20, 500]) {
      const t = fresh();
      const all = Array.from({ length: size }, (_, i) => `m${i}`);
      t.run('sadd', 's', ...all);
      for (const count of [0, 1, 5, size - 1, size, size + 5]) {
        const some = t.run('srandmember', 's', String(count)) as string[];
        expect(some.length).toBe(Math.min(count, size));
        expect(new Set(some).size).toBe(some.length);
        expect(some.every((member) => all.includes(member))).toBe(true);
      }
      const many = t.run('srandmember', 's', String(-size * 20)) as string[];
      expect(many.length).toBe(size * 20);
      expect(new Set(many).size).toBe(size);
      expect(all).toContain(t.run('srandmember', 's'));
    }
  });

  it('counts that are none', () => {
    const t = fresh();
    t.run('sadd', 's', 'a');
    expect(t.run('spop', 's', '-1')).toBe('-ERR value is out of range, must be positive');
    expect(t.run('spop', 's', 'x')).toBe('-ERR value is out of range, must be positive');
    expect(t.run('spop', 's', '1', '2')).toBe('-ERR syntax error');
    expect(t.run('srandmember', 's', 'x')).toBe('-ERR value is not an integer or out of range');
    expect(t.run('srandmember', 's', '-9223372036854775808')).toBe(
      '-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    );
  });
});

describe('algebra', () => {
  it('equals JS sets for random sets of all encodings (seed 3)', () => {
    let seed = 3;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed / 0x80000000;
    };
    const t = fresh();
    for (let round = 0; round < 60; round++) {
      const keys = ['a', 'b', 'c'];
      const models = keys.map((key) => {
        t.run('set', key, 'x');
        t.run('getdel', key);
        const prefix = random() < 0.5 ? '' : 'm';
        const range = [5, 50, 400][Math.floor(random() * 3)]!;
        const members = Array.from({ length: Math.floor(random() * range) }, () => {
          const n = Math.floor(random() * range);
          return random() < 0.8 ? `${prefix}${n}` : `${n}`;
        });
        if (members.length > 0) t.run('sadd', key, ...members);
        return new Set(members);
      });
      const [a, b, c] = models as [Set<string>, Set<string>, Set<string>];
      const inter = [...a].filter((m) => b.has(m) && c.has(m)).sort();
      const union = [...new Set([...a, ...b, ...c])].sort();
      const diff = [...a].filter((m) => !b.has(m) && !c.has(m)).sort();
      expect(sorted(t.run('sinter', ...keys))).toEqual(inter);
      expect(sorted(t.run('sunion', ...keys))).toEqual(union);
      expect(sorted(t.run('sdiff', ...keys))).toEqual(diff);
      expect(t.run('sintercard', '3', ...keys)).toBe(inter.length);
      expect(t.run('sintercard', '3', ...keys, 'limit', '2')).toBe(Math.min(2, inter.length));
      expect(t.run('sinterstore', 'd', ...keys)).toBe(inter.length);
      expect(sorted(t.run('smembers', 'd'))).toEqual(inter);
      expect(t.run('sunionstore', 'd', ...keys)).toBe(union.length);
      expect(sorted(t.run('smembers', 'd'))).toEqual(union);
      expect(t.run('sdiffstore', 'd', ...keys)).toBe(diff.length);
      expect(sorted(t.run('smembers', 'd'))).toEqual(diff);
    }
    expectNoLeak(t.keyspace);
  });

  it('a stored result replaces anything, and an empty one deletes', () => {
    const t = fresh();
    t.run('sadd', 'a', '1', '2');
    t.run('set', 'd', 'text', 'px', '100000');
    t.forget();
    expect(t.run('sunionstore', 'd', 'a')).toBe(2);
    expect(t.run('sunionstore', 'e', 'a')).toBe(2);
    expect(t.run('sinterstore', 'd', 'a', 'none')).toBe(0);
    expect(t.run('sdiffstore', 'd', 'none')).toBe(0);
    expect(t.run('sdiffstore', 'a', 'a', 'none')).toBe(2);
    expect(t.run('sdiffstore', 'a', 'a', 'a')).toBe(0);
    expect(t.events).toEqual(['sunionstore d', 'new e', 'sunionstore e', 'del d', 'sdiffstore a', 'del a']);
    expect(t.effects.map((argv) => argv.join(' '))).toEqual([
      'sunionstore d a',
      'sunionstore e a',
      'sinterstore d a none',
      'sdiffstore a a none',
      'sdiffstore a a a',
    ]);
    expectNoLeak(t.keyspace);
  });

  it('SINTERCARD refuses what Redis refuses', () => {
    const t = fresh();
    t.run('sadd', 'a', '1');
    const cases: [string[], string][] = [
      [['0', 'a'], '-ERR numkeys should be greater than 0'],
      [['x', 'a'], '-ERR numkeys should be greater than 0'],
      [['2', 'a'], "-ERR Number of keys can't be greater than number of args"],
      [['1', 'a', 'b'], '-ERR syntax error'],
      [['1', 'a', 'LIMIT'], '-ERR syntax error'],
      [['1', 'a', 'LIMIT', '-1'], "-ERR LIMIT can't be negative"],
      [['1', 'a', 'LIMIT', 'x'], "-ERR LIMIT can't be negative"],
    ];
    for (const [argv, answer] of cases) expect([argv, t.run('sintercard', ...argv)]).toEqual([argv, answer]);
  });
});

it('SSCAN goes over all members, filtered by MATCH', () => {
  for (const size of [10, 1000]) {
    const t = fresh();
    t.run('sadd', 's', ...Array.from({ length: size }, (_, i) => `m${i}`));
    const seen: string[] = [];
    let cursor = '0';
    do {
      const [next, members] = t.run('sscan', 's', cursor, 'match', 'm*', 'count', '7') as [string, string[]];
      seen.push(...members);
      cursor = next;
    } while (cursor !== '0');
    expect(seen.length).toBe(size);
    expect(new Set(seen).size).toBe(size);
    expect(t.run('sscan', 'none', '0')).toEqual(['0', []]);
    expect(t.run('sscan', 's', 'x')).toBe('-ERR invalid cursor');
  }
});
