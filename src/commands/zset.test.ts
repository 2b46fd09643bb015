import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { SET_COMMANDS } from './set.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';
import { ZSET_COMMANDS } from './zset.js';
import { formatDouble17 } from './zset-members.js';

const fresh = (): FakeContext => new FakeContext(ZSET_COMMANDS, SET_COMMANDS, STRING_COMMANDS);
const WRONG = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const SYNTAX = '-ERR syntax error';

/** A sorted set m0..m(n-1) with its numbers as scores, small or large. */
function filled(n: number): FakeContext {
  const t = fresh();
  t.run('zadd', 'z', ...Array.from({ length: n }, (_, i) => [String(i), `m${i}`]).flat());
  t.forget();
  return t;
}

describe('ZADD', () => {
  it('counts, tells and propagates what changed', () => {
    const t = fresh();
    expect(t.run('zadd', 'z', '1', 'a', '2', 'b')).toBe(2);
    expect(t.run('zadd', 'z', '1', 'a', '3', 'b')).toBe(0);
    expect(t.run('zadd', 'z', 'CH', '1', 'a', '4', 'b', '5', 'c')).toBe(2);
    expect(t.run('zadd', 'z', '1', 'a')).toBe(0);
    expect(t.run('zadd', 'z', 'INCR', '1.5', 'a')).toBe('2.5');
    expect(t.run('zincrby', 'z', '1', 'new')).toBe('1');
    expect(t.events).toEqual(['new z', 'zadd z', 'zadd z', 'zadd z', 'zincr z', 'zincr z']);
    expect(t.effects.map((argv) => argv.join(' '))).toEqual([
      'zadd z 1 a 2 b',
      'zadd z 1 a 3 b',
      'zadd z CH 1 a 4 b 5 c',
      'zadd z INCR 1.5 a',
      'zincrby z 1 new',
    ]);
    expect(t.dirty).toBe(7);
    expect(t.run('zrange', 'z', '0', '-1', 'withscores')).toEqual(['new', '1', 'a', '2.5', 'b', '4', 'c', '5']);
    expectNoLeak(t.keyspace);
  });

  it('conditions', () => {
    const t = fresh();
    expect(t.run('zadd', 'z', 'XX', '1', 'a')).toBe(0);
    expect(t.run('zadd', 'z', 'XX', 'INCR', '1', 'a')).toBe(null);
    expect(t.run('zcard', 'z')).toBe(0);
    expect(t.events).toEqual([]);
    t.run('zadd', 'z', '1', 'a');
    expect(t.run('zadd', 'z', 'NX', 'INCR', '1', 'a')).toBe(null);
    expect(t.run('zadd', 'z', 'GT', 'INCR', '-1', 'a')).toBe(null);
    expect(t.run('zadd', 'z', 'LT', 'CH', '0', 'a', '9', 'b')).toBe(2);
    expect(t.run('zadd', 'z', 'XX', 'GT', 'CH', '1', 'a', '1', 'b', '1', 'c')).toBe(1);
    t.run('zadd', 'z', 'inf', 'a');
    expect(t.run('zadd', 'z', 'incr', '-inf', 'a')).toBe('-ERR resulting score is not a number (NaN)');
    expect(t.run('zscore', 'z', 'a')).toBe('inf');
  });

  it('refuses what Redis refuses, before anything changes', () => {
    const t = fresh();
    const cases: [string[], string][] = [
      [['1', 'a', '2'], SYNTAX],
      [['NX', 'XX'], SYNTAX],
      [['NX', 'XX', '1', 'a'], '-ERR XX and NX options at the same time are not compatible'],
      [['NX', 'GT', '1', 'a'], '-ERR GT, LT, and/or NX options at the same time are not compatible'],
      [['GT', 'LT', '1', 'a'], '-ERR GT, LT, and/or NX options at the same time are not compatible'],
      [['INCR', '1', 'a', '2', 'b'], '-ERR INCR option supports a single increment-element pair'],
      [['1', 'a', 'x', 'b'], '-ERR value is not a valid float'],
      [['nan', 'a'], '-ERR value is not a valid float'],
    ];
    for (const [argv, answer] of cases) expect([argv, t.run('zadd', 'z', ...argv)]).toEqual([argv, answer]);
    expect(t.run('zcard', 'z')).toBe(0);
    expect(t.run('zincrby', 'z', 'nx', 'a')).toBe(SYNTAX);
  });
});

describe('members', () => {
  for (const n of [20, 500]) {
    it(`scores, ranks and removals (${n} members)`, () => {
      const t = filled(n);
      expect(t.run('zcard', 'z')).toBe(n);
      expect(t.run('zscore', 'z', 'm7')).toBe('7');
      expect(t.run('zscore', 'z', 'x')).toBe(null);
      expect(t.run('zmscore', 'z', 'm7', 'x', 'm3')).toEqual(['7', null, '3']);
      expect(t.run('zmscore', 'none', 'x')).toEqual([null]);
      expect(t.run('zrank', 'z', 'm7')).toBe(7);
      expect(t.run('zrevrank', 'z', 'm7')).toBe(n - 8);
      expect(t.run('zrank', 'z', 'm7', 'withscore')).toEqual([7, '7']);
      expect(t.raw('zrank', 'z', 'x', 'withscore')).toBe('*-1\r\n');
      expect(t.raw('zrank', 'z', 'x')).toBe('$-1\r\n');
      expect(t.run('zrank', 'z', 'x', 'foo')).toBe(SYNTAX);
      expect(t.run('zrank', 'z', 'x', 'withscore', '1')).toBe("-ERR wrong number of arguments for 'zrank' command");
      t.out.resp = 3;
      expect(t.raw('zscore', 'z', 'm7')).toBe(',7\r\n');
      expect(t.raw('zrank', 'z', 'm7', 'withscore')).toBe('*2\r\n:7\r\n,7\r\n');
      expect(t.raw('zrank', 'none', 'x', 'withscore')).toBe('_\r\n');
      t.out.resp = 2;
      expect(t.run('zrem', 'z', 'm7', 'x', 'm8')).toBe(2);
      expect(t.run('zrank', 'z', 'm9')).toBe(7);
      expect(t.run('zrem', 'z', ...Array.from({ length: n }, (_, i) => `m${i}`))).toBe(n - 2);
      expect(t.events).toEqual(['zrem z', 'zrem z', 'del z']);
      expect(t.run('zrem', 'z', 'm1')).toBe(0);
      expectNoLeak(t.keyspace);
    });
  }

  it('ZSCAN gives members and scores', () => {
    for (const n of [10, 800]) {
      const t = filled(n);
      t.run('zadd', 'z', '0.1', 'm0');
      const seen = new Map<string, string>();
      let cursor = '0';
      do {
        const [next, items] = t.run('zscan', 'z', cursor, 'count', '20') as [string, string[]];
        for (let i = 0; i < items.length; i += 2) seen.set(items[i]!, items[i + 1]!);
        cursor = next;
      } while (cursor !== '0');
      expect(seen.size).toBe(n);
      expect(seen.get('m9')).toBe('9');
      expect(seen.get('m0')).toBe(n === 10 ? '0.1' : '0.10000000000000001');
    }
    const cases: [number, string][] = [
      [3, '3'],
      [-0.1, '-0.10000000000000001'],
      [1e16, '10000000000000000'],
      [1e17, '1e+17'],
      [123456789012345680, '1.2345678901234568e+17'],
      [0.0001, '0.0001'],
      [0.00001, '1.0000000000000001e-05'],
      [1.5e300, '1.5000000000000001e+300'],
      [Infinity, 'inf'],
    ];
    for (const [x, text] of cases) expect(formatDouble17(x)).toBe(text);
  });
});

describe('ranges', () => {
  for (const n of [20, 500]) {
    it(`all forms agree with slices of the sorted members (${n} members)`, () => {
      const t = filled(n);
      const all = Array.from({ length: n }, (_, i) => `m${i}`);
      const down = all.slice().reverse();
      expect(t.run('zrange', 'z', '2', '5')).toEqual(all.slice(2, 6));
      expect(t.run('zrange', 'z', '-3', '-2')).toEqual(all.slice(-3, -1));
      expect(t.run('zrange', 'z', '5', '2')).toEqual([]);
      expect(t.run('zrange', 'z', '-1000', '1000')).toEqual(all);
      expect(t.run('zrange', 'z', '2', '5', 'rev')).toEqual(down.slice(2, 6));
      expect(t.run('zrevrange', 'z', '0', '1', 'withscores')).toEqual([down[0], String(n - 1), down[1], String(n - 2)]);
      expect(t.run('zrangebyscore', 'z', '3', '(7')).toEqual(all.slice(3, 7));
      expect(t.run('zrangebyscore', 'z', '-inf', '+inf', 'limit', '4', '3')).toEqual(all.slice(4, 7));
      expect(t.run('zrangebyscore', 'z', '3', '7', 'limit', '-1', '3')).toEqual([]);
      expect(t.run('zrangebyscore', 'z', '3', '7', 'limit', '2', '-9')).toEqual(all.slice(5, 8));
      expect(t.run('zrevrangebyscore', 'z', '7', '(3', 'limit', '1', '2')).toEqual(['m6', 'm5']);
      expect(t.run('zrange', 'z', '7', '3', 'byscore', 'rev')).toEqual(['m7', 'm6', 'm5', 'm4', 'm3']);
      expect(t.run('zcount', 'z', '(3', '7')).toBe(4);
      expect(t.run('zcount', 'z', '7', '3')).toBe(0);
      expect(t.run('zcount', 'none', '1', '3')).toBe(0);
      expect(t.run('zrangestore', 'd', 'z', '(3', '7', 'byscore', 'limit', '1', '2')).toBe(2);
      expect(t.run('zrange', 'd', '0', '-1', 'withscores')).toEqual(['m5', '5', 'm6', '6']);
      expect(t.run('zrangestore', 'd', 'z', '0', '-1', 'rev')).toBe(n);
      expect(t.run('zrange', 'd', '0', '-1')).toEqual(all);
      expect(t.run('zrangestore', 'd', 'none', '0', '-1')).toBe(0);
      t.out.resp = 3;
      expect(t.raw('zrange', 'z', '0', '1', 'withscores')).toBe(
        '*2\r\n*2\r\n$2\r\nm0\r\n,0\r\n*2\r\n$2\r\nm1\r\n,1\r\n',
      );
      t.out.resp = 2;
      t.forget();
      expect(t.run('zremrangebyrank', 'z', '0', '1')).toBe(2);
      expect(t.run('zremrangebyscore', 'z', '(3', '5')).toBe(2);
      expect(t.run('zremrangebyscore', 'z', '5', '3')).toBe(0);
      expect(t.run('zrange', 'z', '0', '3')).toEqual(['m2', 'm3', 'm6', 'm7']);
      expect(t.run('zremrangebyrank', 'z', '0', '-1')).toBe(n - 4);
      expect(t.events).toEqual(['zremrangebyrank z', 'zremrangebyscore z', 'zremrangebyrank z', 'del z']);
      expectNoLeak(t.keyspace);
    });
  }

  it('by text', () => {
    const t = fresh();
    t.run('zadd', 'z', '0', 'a', '0', 'b', '0', 'c', '0', 'd', '0', '');
    expect(t.run('zrangebylex', 'z', '-', '+')).toEqual(['', 'a', 'b', 'c', 'd']);
    expect(t.run('zrangebylex', 'z', '[b', '(d')).toEqual(['b', 'c']);
    expect(t.run('zrevrangebylex', 'z', '+', '(a', 'limit', '1', '5')).toEqual(['c', 'b']);
    expect(t.run('zrange', 'z', '[c', '[a', 'bylex', 'rev')).toEqual(['c', 'b', 'a']);
    expect(t.run('zlexcount', 'z', '[', '(b')).toBe(2);
    expect(t.run('zremrangebylex', 'z', '-', '[b')).toBe(3);
    expect(t.run('zrange', 'z', '0', '-1')).toEqual(['c', 'd']);
    expect(t.run('zremrangebylex', 'z', '-', '+')).toBe(2);
    expectNoLeak(t.keyspace);
  });

  it('refuses what Redis refuses', () => {
    const t = filled(3);
    const cases: [string, string][] = [
      ['zrange z a 1', '-ERR value is not an integer or out of range'],
      ['zrange z 0 -1 foo', SYNTAX],
      ['zrange z 0 -1 limit 0', SYNTAX],
      ['zrange z 0 -1 byscore bylex', SYNTAX],
      [
        'zrange z 0 -1 limit 0 1',
        '-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
      ],
      ['zrange z - + bylex withscores', '-ERR syntax error, WITHSCORES not supported in combination with BYLEX'],
      ['zrangebyscore z a 1', '-ERR min or max is not a float'],
      ['zrangebyscore z 1 nan', '-ERR min or max is not a float'],
      ['zrangebyscore z 0 1 rev', SYNTAX],
      ['zrangebyscore z 0 1 limit x 1', '-ERR value is not an integer or out of range'],
      ['zrangebylex z a b', '-ERR min or max not valid string range item'],
      ['zlexcount z ++ -', '-ERR min or max not valid string range item'],
      ['zcount z 1 x', '-ERR min or max is not a float'],
      ['zremrangebyrank z 1 x', '-ERR value is not an integer or out of range'],
      ['zrangestore d z 0 -1 withscores', SYNTAX],
    ];
    for (const [line, answer] of cases) expect([line, t.run(...line.split(' '))]).toEqual([line, answer]);
  });

  it('bounds are read as strtod reads them', () => {
    const t = filled(4);
    expect(t.run('zrangebyscore', 'z', '', '1')).toEqual(['m0', 'm1']);
    expect(t.run('zrangebyscore', 'z', '(', '1')).toEqual(['m1']);
    expect(t.run('zrangebyscore', 'z', ' 2', '0x3')).toEqual(['m2', 'm3']);
    expect(t.run('zrangebyscore', 'z', '2 ', '3')).toBe('-ERR min or max is not a float');
    expect(t.run('zrangebyscore', 'z', '2', '1e400')).toEqual(['m2', 'm3']);
  });
});

describe('pops and random members', () => {
  it('ZPOPMIN and ZPOPMAX', () => {
    for (const n of [5, 500]) {
      const t = filled(n);
      expect(t.run('zpopmin', 'z')).toEqual(['m0', '0']);
      expect(t.run('zpopmax', 'z', '2')).toEqual([`m${n - 1}`, String(n - 1), `m${n - 2}`, String(n - 2)]);
      expect(t.run('zpopmin', 'z', '0')).toEqual([]);
      t.out.resp = 3;
      expect(t.raw('zpopmin', 'z')).toBe('*2\r\n$2\r\nm1\r\n,1\r\n');
      expect(t.raw('zpopmin', 'z', '1')).toBe('*1\r\n*2\r\n$2\r\nm2\r\n,2\r\n');
      t.out.resp = 2;
      t.run('zpopmin', 'z', '1000');
      expect(t.run('zpopmin', 'z')).toEqual([]);
      expect(t.effects.map((argv) => argv.join(' ')).slice(0, 2)).toEqual(['zpopmin z', 'zpopmax z 2']);
      expect(t.run('zpopmin', 'z', '-1')).toBe('-ERR value is out of range, must be positive');
      expect(t.run('zpopmin', 'z', '1', '2')).toBe(SYNTAX);
      expectNoLeak(t.keyspace);
    }
  });

  it('ZMPOP takes from the first key there is, and is propagated as what it did', () => {
    const t = filled(3);
    expect(t.run('zmpop', '2', 'none', 'z', 'MAX', 'COUNT', '2')).toEqual([
      'z',
      [
        ['m2', '2'],
        ['m1', '1'],
      ],
    ]);
    expect(t.run('zmpop', '1', 'z', 'min', 'count', '9')).toEqual(['z', [['m0', '0']]]);
    expect(t.effects).toEqual([
      ['ZPOPMAX', 'z', '2'],
      ['ZPOPMIN', 'z', '1'],
    ]);
    expect(t.events).toEqual(['zpopmax z', 'zpopmin z', 'del z']);
    expect(t.raw('zmpop', '1', 'z', 'min')).toBe('*-1\r\n');
    const cases: [string, string][] = [
      ['0 z min', '-ERR numkeys should be greater than 0'],
      ['x z min', '-ERR numkeys should be greater than 0'],
      ['2 z min', SYNTAX],
      ['1 z foo', SYNTAX],
      ['1 z min count 0', '-ERR count should be greater than 0'],
      ['1 z min count 1 count 1', SYNTAX],
    ];
    for (const [line, answer] of cases) expect([line, t.run('zmpop', ...line.split(' '))]).toEqual([line, answer]);
  });

  it('ZRANDMEMBER', () => {
    for (const n of [20, 500]) {
      const t = filled(n);
      for (const count of [0, 1, 6, n - 1, n, n + 9]) {
        const pairs = t.run('zrandmember', 'z', String(count), 'withscores') as string[];
        expect(pairs.length).toBe(2 * Math.min(count, n));
        const members = pairs.filter((_, i) => i % 2 === 0);
        expect(new Set(members).size).toBe(members.length);
        for (let i = 0; i < pairs.length; i += 2) expect(pairs[i]).toBe(`m${pairs[i + 1]}`);
      }
      expect((t.run('zrandmember', 'z', String(-3 * n)) as string[]).length).toBe(3 * n);
      expect(t.run('zrandmember', 'z')).toMatch(/^m\d+$/);
      t.out.resp = 3;
      expect(t.raw('zrandmember', 'z', '1', 'withscores')).toMatch(/^\*1\r\n\*2\r\n\$\d\r\nm\d+\r\n,\d+\r\n$/);
    }
  });
});

describe('algebra', () => {
  it('weights, aggregates, plain sets and infinite sums', () => {
    const t = fresh();
    t.run('zadd', 'a', '1', 'x', '2', 'y', '3', 'z');
    t.run('zadd', 'b', '10', 'y', '20', 'z', '30', 'w');
    t.run('sadd', 's', 'x', 'q');
    expect(t.run('zunion', '2', 'a', 'b', 'withscores')).toEqual(['x', '1', 'y', '12', 'z', '23', 'w', '30']);
    expect(t.run('zinter', '2', 'a', 'b', 'weights', '2', '0.5', 'withscores')).toEqual(['y', '9', 'z', '16']);
    expect(t.run('zinter', '2', 'a', 'b', 'aggregate', 'max', 'withscores')).toEqual(['y', '10', 'z', '20']);
    expect(t.run('zunion', '2', 'a', 's', 'withscores')).toEqual(['q', '1', 'x', '2', 'y', '2', 'z', '3']);
    expect(t.run('zdiff', '2', 'a', 's', 'withscores')).toEqual(['y', '2', 'z', '3']);
    expect(t.run('zdiff', '2', 'a', 'a')).toEqual([]);
    expect(t.run('zintercard', '2', 'a', 'b')).toBe(2);
    expect(t.run('zintercard', '2', 'a', 'b', 'limit', '1')).toBe(1);
    t.run('zadd', 'p', 'inf', 'm');
    t.run('zadd', 'n', '-inf', 'm');
    expect(t.run('zunion', '2', 'p', 'n', 'withscores')).toEqual(['m', '0']);
    expect(t.run('zunion', '1', 'p', 'weights', '0', 'withscores')).toEqual(['m', '0']);
    t.run('zadd', 'o', '0', 'm');
    expect(t.run('zunion', '1', 'o', 'weights', '-1', 'withscores')).toEqual(['m', '-0']);
    expect(t.run('zunion', '2', 'o', 'o', 'weights', '-1', '1', 'withscores')).toEqual(['m', '0']);
    t.forget();
    expect(t.run('zunionstore', 'd', '2', 'a', 'b')).toBe(4);
    expect(t.run('zinterstore', 'd', '2', 'a', 'none')).toBe(0);
    expect(t.run('zdiffstore', 'a', '2', 'a', 'b')).toBe(1);
    expect(t.run('zrange', 'a', '0', '-1', 'withscores')).toEqual(['x', '1']);
    expect(t.events).toEqual(['new d', 'zunionstore d', 'del d', 'zdiffstore a']);
    t.out.resp = 3;
    expect(t.raw('zunion', '1', 'a', 'withscores')).toBe('*1\r\n*2\r\n$1\r\nx\r\n,1\r\n');
    expectNoLeak(t.keyspace);
  });

  it('refuses what Redis refuses', () => {
    const t = fresh();
    t.run('zadd', 'a', '1', 'x');
    t.run('set', 'str', 'x');
    const cases: [string, string][] = [
      ['zunion 0 a', "-ERR at least 1 input key is needed for 'zunion' command"],
      ['zdiffstore d 0 a', "-ERR at least 1 input key is needed for 'zdiffstore' command"],
      ['zunion x a', '-ERR value is not an integer or out of range'],
      ['zunion 2 a', SYNTAX],
      ['zunion 1 str', WRONG],
      ['zunion 1 a weights x', '-ERR weight value is not a float'],
      ['zunion 2 a a weights 1', SYNTAX],
      ['zunion 1 a aggregate foo', SYNTAX],
      ['zdiff 1 a weights 1', SYNTAX],
      ['zunionstore d 1 a withscores', SYNTAX],
      ['zintercard 1 a limit -1', "-ERR LIMIT can't be negative"],
      ['zintercard 1 a weights 1', SYNTAX],
    ];
    for (const [line, answer] of cases) expect([line, t.run(...line.split(' '))]).toEqual([line, answer]);
  });

  it('equals a model for large inputs of all kinds (seed 8)', () => {
    let seed = 8;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed / 0x80000000;
    };
    for (let round = 0; round < 12; round++) {
      const t = fresh();
      const models = ['a', 'b', 'c'].map((key) => {
        const scores = new Map<string, number>();
        const range = [10, 100, 600][Math.floor(random() * 3)]!;
        for (let i = 0; i < range; i++) scores.set(`m${Math.floor(random() * range)}`, Math.floor(random() * 100));
        t.run('zadd', key, ...[...scores].flatMap(([member, score]) => [String(score), member]));
        return scores;
      });
      const [a, b, c] = models as [Map<string, number>, Map<string, number>, Map<string, number>];
      const flat = (scores: Map<string, number>): string[] =>
        [...scores]
          .sort(([x, s], [y, u]) => s - u || (x < y ? -1 : 1))
          .flatMap(([member, score]) => [member, String(score)]);
      const union = new Map<string, number>();
      for (const model of models) for (const [m, s] of model) union.set(m, (union.get(m) ?? 0) + s);
      const inter = new Map([...a].filter(([m]) => b.has(m) && c.has(m)).map(([m]) => [m, union.get(m)!] as const));
      const diff = new Map([...a].filter(([m]) => !b.has(m) && !c.has(m)));
      expect(t.run('zunion', '3', 'a', 'b', 'c', 'withscores')).toEqual(flat(union));
      expect(t.run('zinter', '3', 'a', 'b', 'c', 'withscores')).toEqual(flat(inter));
      expect(t.run('zdiff', '3', 'a', 'b', 'c', 'withscores')).toEqual(flat(diff));
      expect(t.run('zunionstore', 'd', '3', 'a', 'b', 'c')).toBe(union.size);
      expect(t.run('zrange', 'd', '0', '-1', 'withscores')).toEqual(flat(union));
      expectNoLeak(t.keyspace);
    }
  });
});

it('every command refuses a key of another type', () => {
  const t = fresh();
  t.run('set', 'str', 'x');
  for (const line of [
    'zadd str 1 a',
    'zincrby str 1 a',
    'zrem str a',
    'zcard str',
    'zscore str a',
    'zmscore str a',
    'zrank str a',
    'zrevrank str a',
    'zscan str 0',
    'zrange str 0 1',
    'zrangestore d str 0 1',
    'zrangebyscore str 0 1',
    'zrevrangebyscore str 0 1',
    'zrangebylex str - +',
    'zrevrangebylex str - +',
    'zrevrange str 0 1',
    'zcount str 0 1',
    'zlexcount str - +',
    'zremrangebyrank str 0 1',
    'zremrangebyscore str 0 1',
    'zremrangebylex str - +',
    'zpopmin str',
    'zpopmax str 0',
    'zmpop 1 str min',
    'zrandmember str',
    'zrandmember str 1',
    'zunion 1 str',
    'zinterstore d 1 str',
    'zintercard 1 str',
  ]) {
    expect([line, t.run(...line.split(' '))]).toEqual([line, WRONG]);
  }
});
