import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena, byteIndex } from '../memory/arena.js';
import { lpBytes } from '../memory/listpack.js';
import { DEFAULT_LIMITS, type Limits } from './value.js';
import {
  ZADD_ADDED,
  ZADD_GT,
  ZADD_INCR,
  ZADD_LT,
  ZADD_NAN,
  ZADD_NOP,
  ZADD_NX,
  ZADD_SAME,
  ZADD_UPDATED,
  ZADD_XX,
  ZSet,
} from './zset.js';
import { compareBytes, type LexBound, LexRange, ScoreRange } from './zset-order.js';

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** As expect(a).toBe(b), but cheap enough for every step of a long run. */
function same(a: unknown, b: unknown): void {
  if (!Object.is(a, b)) expect(a).toBe(b);
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const put = (zset: ZSet, score: number, text: string): boolean => zset.put(score, bytes(text), 0, text.length);
const update = (zset: ZSet, score: number, text: string, flags: number): number =>
  zset.update(score, bytes(text), 0, text.length, flags);
const remove = (zset: ZSet, text: string): boolean => zset.remove(bytes(text), 0, text.length);
const scoreOf = (zset: ZSet, text: string): number => zset.score(bytes(text), 0, text.length);
const rankOf = (zset: ZSet, text: string): number => zset.rank(bytes(text), 0, text.length);

function pairs(zset: ZSet): [string, number][] {
  const out: [string, number][] = [];
  const slice = new Slice();
  for (let more = zset.seekRank(0, slice); more; more = zset.next(slice))
    out.push([slice.toString(), zset.memberScore]);
  return out;
}

function newZset(limits: Partial<Limits> = {}): { arena: Arena; zset: ZSet } {
  const arena = new Arena();
  return { arena, zset: new ZSet(arena, { ...DEFAULT_LIMITS, ...limits }).create() };
}

function expectNoLeak(arena: Arena, zset: ZSet): void {
  const known: number[] = [];
  zset.blocks((address) => known.push(address));
  expect(known.sort((a, b) => a - b)).toEqual(arena.allocated());
}

class Model {
  readonly scores = new Map<string, number>();
  sorted(): [string, number][] {
    return [...this.scores].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }
}

function bound(target: LexBound, text: string): void {
  target.infinite = text === '-' ? -1 : text === '+' ? 1 : 0;
  target.exclusive = text.startsWith('(');
  target.buf = bytes(text.slice(1));
  target.off = 0;
  target.len = target.buf.length;
}

function lexRange(min: string, max: string): LexRange {
  const range = new LexRange();
  bound(range.min, min);
  bound(range.max, max);
  return range;
}

describe('encodings follow Redis', () => {
  it('a long member, or one member too many, makes a listpack a skiplist, and it stays one', () => {
    const { arena, zset } = newZset();
    put(zset, 1, 'x'.repeat(64));
    expect(zset.encodingName()).toBe('listpack');
    put(zset, 1, 'x'.repeat(65));
    expect(zset.encodingName()).toBe('skiplist');
    remove(zset, 'x'.repeat(65));
    expect(zset.encodingName()).toBe('skiplist');
    expect(pairs(zset)).toEqual([['x'.repeat(64), 1]]);
    expectNoLeak(arena, zset);
    const many = newZset().zset;
    for (let i = 0; i < 128; i++) put(many, i, `m${i}`);
    expect(many.encodingName()).toBe('listpack');
    put(many, 5, 'm9');
    expect(many.encodingName()).toBe('listpack');
    put(many, -1, 'one more');
    expect(many.encodingName()).toBe('skiplist');
    expect(many.length).toBe(129);
  });

  it('a command with many or long members begins as it must end', () => {
    const begin = (count: number, firstBytes: number): string => {
      const { zset } = newZset();
      zset.prepare(count, firstBytes);
      return zset.encodingName();
    };
    expect(begin(128, 64)).toBe('listpack');
    expect(begin(129, 1)).toBe('skiplist');
    expect(begin(1, 65)).toBe('skiplist');
    const { zset } = newZset();
    put(zset, 1, 'a');
    zset.prepare(2, 65);
    expect(zset.encodingName()).toBe('listpack');
    zset.prepare(129, 1);
    expect(zset.encodingName()).toBe('skiplist');
  });

  it('a result built as a tree becomes a listpack if it may', () => {
    const { arena, zset } = newZset();
    zset.createTree();
    put(zset, -0, 'b');
    put(zset, 2, 'a');
    expect(pairs(zset)).toEqual([
      ['b', -0],
      ['a', 2],
    ]);
    zset.settle();
    expect(zset.encodingName()).toBe('listpack');
    expect(pairs(zset)).toEqual([
      ['b', 0],
      ['a', 2],
    ]);
    expectNoLeak(arena, zset);
    const long = newZset().zset.createTree();
    put(long, 1, 'x'.repeat(65));
    long.settle();
    expect(long.encodingName()).toBe('skiplist');
  });

  it('scores stand in a listpack as the shortest text or an integer', () => {
    const { zset } = newZset();
    const scores = [-Infinity, -(2 ** 60), -1.5, 0, 0.1, 3, 2 ** 53, 1e300, Infinity];
    scores.forEach((score, i) => {
      put(zset, score, `m${i}`);
    });
    put(zset, -0, 'zero');
    expect(pairs(zset).map(([, score]) => score)).toEqual([...scores.slice(0, 4), 0, ...scores.slice(4)]);
    const u8 = zset.arena.bytesOf(zset.root);
    const at = byteIndex(zset.root);
    const text = Buffer.from(u8.subarray(at, at + lpBytes(u8, at))).toString('latin1');
    for (const stored of ['-inf', '-1.5', '0.1', '1e+300', 'inf']) expect(text).toContain(stored);
  });
});

describe('conditions of an update', () => {
  for (const kind of ['listpack', 'skiplist']) {
    it(kind, () => {
      const { zset } = newZset(kind === 'skiplist' ? { zsetMaxListpackEntries: 0 } : {});
      same(update(zset, 1, 'a', ZADD_XX), ZADD_NOP);
      same(zset.length, 0);
      same(update(zset, 1, 'a', ZADD_NX), ZADD_ADDED);
      same(zset.encodingName(), kind);
      same(update(zset, 2, 'a', ZADD_NX), ZADD_NOP);
      same(scoreOf(zset, 'a'), 1);
      same(update(zset, 1, 'a', 0), ZADD_SAME);
      same(update(zset, 5, 'a', ZADD_GT), ZADD_UPDATED);
      same(update(zset, 4, 'a', ZADD_GT), ZADD_NOP);
      same(update(zset, 6, 'a', ZADD_LT), ZADD_NOP);
      same(update(zset, 3, 'a', ZADD_LT), ZADD_UPDATED);
      same(update(zset, 1.5, 'a', ZADD_INCR), ZADD_UPDATED);
      same(zset.memberScore, 4.5);
      same(update(zset, -1, 'a', ZADD_INCR + ZADD_GT), ZADD_NOP);
      same(update(zset, Infinity, 'a', 0), ZADD_UPDATED);
      same(update(zset, -Infinity, 'a', ZADD_INCR), ZADD_NAN);
      same(scoreOf(zset, 'a'), Infinity);
      same(update(zset, 7, 'b', ZADD_INCR + ZADD_GT), ZADD_ADDED);
      same(scoreOf(zset, 'b'), 7);
      same(scoreOf(zset, 'c'), Number.NaN);
    });
  }
});

describe('random operations equal a model', () => {
  for (const [seed, kind] of [
    [1, 'few scores'],
    [2, 'many scores'],
    [3, 'listpack'],
    [4, 'small limits'],
  ] as const) {
    it(`${kind} (seed ${seed})`, () => {
      const random = rng(seed);
      const limits = kind === 'small limits' ? { zsetMaxListpackEntries: 5, zsetMaxListpackValue: 6 } : {};
      const { arena, zset } = newZset(limits);
      zset.randomSource = random;
      const out = new Slice();
      for (let round = 0; round < 3; round++) {
        const model = new Model();
        const range = kind === 'listpack' ? 90 : [30, 500, 2000][round]!;
        const steps = range < 100 ? 600 : 2500;
        for (let step = 0; step < steps; step++) {
          const member = `m${Math.floor(random() * range)}`;
          const score = kind === 'few scores' ? Math.floor(random() * 4) : Math.floor(random() * 1e6) / 8 - 5000;
          const action = random();
          if (action < (step < steps * 0.7 ? 0.65 : 0.2)) {
            same(put(zset, score, member), !model.scores.has(member));
            model.scores.set(member, score);
          } else if (action < 0.7) {
            const wanted = (model.scores.get(member) ?? 0) + score;
            update(zset, score, member, ZADD_INCR);
            same(zset.memberScore, wanted);
            model.scores.set(member, wanted);
          } else if (action < 0.97) {
            same(remove(zset, member), model.scores.delete(member));
          } else if (model.scores.size > 0) {
            const highest = random() < 0.5;
            zset.pop(highest, out);
            const [expected, expectedScore] = model.sorted().at(highest ? -1 : 0)!;
            same(out.toString(), expected);
            same(zset.memberScore, expectedScore);
            model.scores.delete(expected);
          }
          same(zset.length, model.scores.size);
          same(scoreOf(zset, member), model.scores.get(member) ?? Number.NaN);
          if (step % 400 === 0) expectEqual(zset, model, random);
        }
        expectEqual(zset, model, random);
        expectNoLeak(arena, zset);
        const copy = new ZSet(arena, zset.limits).open(zset.encoding, zset.copyRoot());
        copy.check();
        expect(pairs(copy)).toEqual(model.sorted());
        copy.release();
        while (zset.length > 0) {
          const sorted = model.sorted();
          const start = Math.floor(random() * sorted.length);
          const count = Math.min(sorted.length - start, 1 + Math.floor(random() * 300));
          zset.removeRange(start, count);
          for (const [member] of sorted.slice(start, start + count)) model.scores.delete(member);
          expect(pairs(zset)).toEqual(model.sorted());
        }
        zset.check();
        expectNoLeak(arena, zset);
        zset.release();
        expect(arena.allocated()).toEqual([]);
      }
    });
  }
});

function expectEqual(zset: ZSet, model: Model, random: () => number): void {
  zset.check();
  const sorted = model.sorted();
  expect(pairs(zset)).toEqual(sorted);
  const out = new Slice();
  const backwards: string[] = [];
  for (let more = zset.seekRank(sorted.length - 1, out); more; more = zset.prev(out)) backwards.push(out.toString());
  expect(backwards).toEqual(sorted.map(([member]) => member).reverse());
  for (let i = 0; i < 20 && sorted.length > 0; i++) {
    const rank = Math.floor(random() * sorted.length);
    same(rankOf(zset, sorted[rank]![0]), rank);
    same(zset.memberScore, sorted[rank]![1]);
    zset.random(out);
    same(model.scores.get(out.toString()), zset.memberScore);
    const range = new ScoreRange();
    range.min = sorted[rank]![1] + (random() < 0.5 ? 0 : 0.01);
    range.max = sorted[Math.floor(random() * sorted.length)]![1] + (random() < 0.5 ? 0 : 0.01);
    range.minExclusive = random() < 0.5;
    range.maxExclusive = random() < 0.5;
    zset.findScoreRange(range);
    const hits = sorted.filter(([, score]) => range.above(score) && range.below(score));
    same(zset.rangeCount, hits.length);
    if (hits.length > 0) same(sorted[zset.rangeStart]![0], hits[0]![0]);
  }
  same(zset.seekRank(sorted.length, out), false);
  same(rankOf(zset, 'nobody'), -1);
  const scanned: [string, number][] = [];
  let cursor = 0;
  do {
    cursor = zset.scan(cursor, 10, (buf, off, len, score) =>
      scanned.push([Buffer.from(buf.subarray(off, off + len)).toString('latin1'), score]),
    );
  } while (cursor !== 0);
  expect(scanned.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))).toEqual(sorted);
}

describe('ranges by text', () => {
  for (const kind of ['listpack', 'skiplist']) {
    it(`equal a filter over all members, for all kinds of bounds (${kind})`, () => {
      const { zset } = newZset(kind === 'skiplist' ? { zsetMaxListpackEntries: 0 } : {});
      const members = ['', 'a', 'aa', 'ab', 'b', 'c', 'cc', 'd', 'é', '10', '9'];
      for (const member of members) put(zset, 3, member);
      const sorted = members.sort((a, b) => compareBytes(bytes(a), 0, a.length, bytes(b), 0, b.length));
      const bounds = ['-', '+', '[', '(', '[a', '(a', '[ab', '(ab', '[bb', '(cc', '[z', '[9', '(10'];
      for (const min of bounds) {
        for (const max of bounds) {
          const range = lexRange(min, max);
          const hits = sorted.filter(
            (member) => range.above(bytes(member), 0, member.length) && range.below(bytes(member), 0, member.length),
          );
          for (const backwards of [false, true]) {
            zset.findLexRange(range, backwards);
            expect([min, max, zset.rangeCount]).toEqual([min, max, hits.length]);
            if (hits.length > 0) expect(sorted.slice(zset.rangeStart, zset.rangeStart + zset.rangeCount)).toEqual(hits);
          }
        }
      }
    });
  }
});

it('a captured sorted set stays as it was for a reader of the same buffers (seed 41)', () => {
  const random = rng(41);
  const { arena, zset } = newZset();
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 900 * round; i++)
      put(zset, Math.floor(random() * 500), `member ${Math.floor(random() * 4000)}`);
    put(zset, 1, 'one');
    const before = pairs(zset);
    let acked = 0;
    arena.beginCapture({ handed: () => 1, acked: () => acked });
    const reader = Arena.attach(arena.buffers());
    const captured = new ZSet(reader, zset.limits).open(zset.encoding, zset.root);
    const out = new Slice();
    for (let i = 0; i < 2500; i++) {
      const member = `member ${Math.floor(random() * 4000)}`;
      const action = random();
      if (action < 0.5) put(zset, Math.floor(random() * 500), member);
      else if (action < 0.9) remove(zset, member);
      else if (zset.length > 0) zset.pop(action < 0.95, out);
    }
    if (round === 4) zset.release();
    captured.check();
    expect(pairs(captured)).toEqual(before);
    acked = 1;
    arena.endCapture();
    zset.check();
    expectNoLeak(arena, zset);
  }
});

describe('loading', () => {
  const dump = (zset: ZSet): Uint8Array => {
    const u8 = zset.arena.bytesOf(zset.root);
    const at = byteIndex(zset.root);
    return u8.slice(at, at + lpBytes(u8, at));
  };

  it('takes listpacks, and makes larger ones skiplists', () => {
    const { zset } = newZset();
    for (let i = 0; i < 100; i++) put(zset, i % 7, `m${i}`);
    const listpack = dump(zset);
    const { arena, zset: loaded } = newZset();
    expect(loaded.loadListpack(listpack, 0, listpack.length)).toBe(true);
    expect(loaded.encodingName()).toBe('listpack');
    expect(pairs(loaded)).toEqual(pairs(zset));
    expectNoLeak(arena, loaded);
    const small = newZset({ zsetMaxListpackEntries: 50 }).zset;
    expect(small.loadListpack(listpack, 0, listpack.length)).toBe(true);
    expect(small.encodingName()).toBe('skiplist');
    expect(pairs(small)).toEqual(pairs(zset));
    small.check();
  });

  it('refuses damage, emptiness, duplicates and scores that are none; puts pairs out of order in order', () => {
    const { arena, zset } = newZset();
    const pack = (hex: string, count: number): Buffer => {
      const body = Buffer.from(hex, 'hex');
      const header = Buffer.alloc(6);
      header.writeUInt32LE(body.length + 7);
      header.writeUInt16LE(count, 4);
      return Buffer.concat([header, body, Buffer.from('ff', 'hex')]);
    };
    const refused = [
      pack('', 0),
      pack('816102', 1), // a member without a score
      pack('8161020101' + '8161020201', 4), // a twice
      pack('816102' + '816202', 2), // a score that is no number
      pack('816102010101', 2), // a backlen that is none
    ];
    for (const bad of refused) expect(zset.loadListpack(bad, 0, bad.length)).toBe(false);
    expect(arena.allocated()).toEqual([]);
    const swapped = pack('8161020501' + '8162020201', 4);
    expect(zset.loadListpack(swapped, 0, swapped.length)).toBe(true);
    expect(pairs(zset)).toEqual([
      ['b', 2],
      ['a', 5],
    ]);
  });

  it('takes members one by one in any order and says which stand there twice', () => {
    for (const count of [50, 2000]) {
      for (const order of ['up', 'down', 'mixed']) {
        const { zset } = newZset();
        zset.create(count);
        for (let i = 0; i < count; i++) {
          const n = order === 'up' ? i : order === 'down' ? count - i : (i * 7919) % count;
          expect(zset.load(n, bytes(`m${n}`), 0, `m${n}`.length)).toBe(true);
        }
        expect(zset.load(1, bytes('m7'), 0, 2)).toBe(false);
        expect(zset.load(Number.NaN, bytes('new'), 0, 3)).toBe(false);
        expect(zset.encodingName()).toBe(count > 128 ? 'skiplist' : 'listpack');
        zset.check();
        expect(pairs(zset).map(([, score]) => score)).toEqual(
          Array.from({ length: count }, (_, i) => (order === 'down' ? i + 1 : i)),
        );
      }
    }
  });
});
