import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena, byteIndex } from '../memory/arena.js';
import { lpBytes } from '../memory/listpack.js';
import { SetValue } from './set.js';
import { DEFAULT_LIMITS, type Limits } from './value.js';

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
  if (a !== b) expect(a).toBe(b);
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const add = (set: SetValue, text: string): boolean => set.add(bytes(text), 0, text.length);
const remove = (set: SetValue, text: string): boolean => set.remove(bytes(text), 0, text.length);
const has = (set: SetValue, text: string): boolean => set.has(bytes(text), 0, text.length);

function members(set: SetValue): string[] {
  const out: string[] = [];
  const slice = new Slice();
  for (let more = set.first(slice); more; more = set.next(slice)) out.push(slice.toString());
  return out;
}

function newSet(limits: Partial<Limits> = {}): { arena: Arena; set: SetValue } {
  const arena = new Arena();
  return { arena, set: new SetValue(arena, { ...DEFAULT_LIMITS, ...limits }).create() };
}

function expectNoLeak(arena: Arena, set: SetValue): void {
  const known: number[] = [];
  set.blocks((address) => known.push(address));
  expect(known.sort((a, b) => a - b)).toEqual(arena.allocated());
}

describe('encodings follow Redis 7.2', () => {
  it('integers stay an intset, in order, up to the limit', () => {
    const { set } = newSet({ setMaxIntsetEntries: 5 });
    for (const n of ['3', '-9223372036854775808', '9223372036854775807', '0', '-1']) add(set, n);
    expect(set.encodingName()).toBe('intset');
    expect(members(set)).toEqual(['-9223372036854775808', '-1', '0', '3', '9223372036854775807']);
    add(set, '7');
    expect(set.encodingName()).toBe('hashtable');
    expect(members(set).sort()).toEqual(['-1', '-9223372036854775808', '0', '3', '7', '9223372036854775807'].sort());
  });

  it('a text that is no integer makes it a listpack, integers first', () => {
    const { set } = newSet();
    for (const member of ['10', '2', 'a', '-5', '007', '']) add(set, member);
    expect(set.encodingName()).toBe('listpack');
    expect(members(set)).toEqual(['2', '10', 'a', '-5', '007', '']);
  });

  it('a long member, or one member too many, makes a listpack a hashtable', () => {
    const long = newSet().set;
    add(long, 'a');
    add(long, 'x'.repeat(64));
    expect(long.encodingName()).toBe('listpack');
    add(long, 'x'.repeat(65));
    expect(long.encodingName()).toBe('hashtable');
    const many = newSet().set;
    for (let i = 0; i < 128; i++) add(many, `m${i}`);
    expect(many.encodingName()).toBe('listpack');
    add(many, 'm5');
    expect(many.encodingName()).toBe('listpack');
    add(many, 'one more');
    expect(many.encodingName()).toBe('hashtable');
    expect(many.length).toBe(129);
  });

  it('an intset longer than a listpack may be becomes a hashtable by a text', () => {
    const { set } = newSet();
    for (let i = 0; i < 128; i++) add(set, String(i));
    expect(set.encodingName()).toBe('intset');
    add(set, 'text');
    expect(set.encodingName()).toBe('hashtable');
  });

  it('a command with many members begins as it must end', () => {
    const begin = (count: number, member: string): string => {
      const { set } = newSet();
      set.prepare(count, bytes(member), 0, member.length);
      return set.encodingName();
    };
    expect(begin(512, '1')).toBe('intset');
    expect(begin(513, '1')).toBe('hashtable');
    expect(begin(128, 'a')).toBe('listpack');
    expect(begin(129, 'a')).toBe('hashtable');
    const { set } = newSet();
    add(set, 'a');
    set.prepare(129, bytes('b'), 0, 1);
    expect(set.encodingName()).toBe('hashtable');
  });

  it('removing never converts back, and an emptied set can be filled again', () => {
    const { arena, set } = newSet({ setMaxListpackEntries: 3 });
    for (const member of ['a', 'b', 'c', 'd']) add(set, member);
    for (const member of ['a', 'b', 'c', 'd']) expect(remove(set, member)).toBe(true);
    expect(set.encodingName()).toBe('hashtable');
    expect(set.length).toBe(0);
    expect(add(set, 'e')).toBe(true);
    set.release();
    expect(arena.allocated()).toEqual([]);
  });

  it('a result of integers only becomes an intset if it may', () => {
    const { arena, set } = newSet({ setMaxListpackEntries: 2 });
    set.prepare(3, bytes('x'), 0, 1);
    for (const member of ['5', '3', '4']) add(set, member);
    expect(set.encodingName()).toBe('hashtable');
    set.toIntset();
    expect(set.encodingName()).toBe('intset');
    expect(members(set)).toEqual(['3', '4', '5']);
    expectNoLeak(arena, set);
  });
});

describe('random operations equal a model', () => {
  for (const [seed, kind] of [
    [1, 'integers'],
    [2, 'texts'],
    [3, 'mixed'],
    [4, 'small limits'],
  ] as const) {
    it(`${kind} (seed ${seed})`, () => {
      const random = rng(seed);
      const { arena, set } = newSet(
        kind === 'small limits' ? { setMaxIntsetEntries: 4, setMaxListpackEntries: 6, setMaxListpackValue: 5 } : {},
      );
      set.randomSource = random;
      const out = new Slice();
      for (let round = 0; round < 6; round++) {
        const model = new Set<string>();
        const range = [10, 300, 2000][round % 3]!;
        for (let step = 0; step < 1600; step++) {
          const n = Math.floor(random() * range);
          const member =
            kind === 'integers' || (kind !== 'texts' && n % 3 === 0) ? String(n * (n % 2 ? 1 : -99_999_999)) : `m${n}`;
          const grow = random() < (step < 1100 ? 0.7 : 0.3);
          if (grow) {
            same(add(set, member), !model.has(member));
            model.add(member);
          } else if (random() < 0.2 && model.size > 0) {
            set.pop(out);
            same(model.delete(out.toString()), true);
          } else {
            same(remove(set, member), model.delete(member));
          }
          same(set.length, model.size);
          if (model.size > 0 && step % 10 === 0) {
            set.random(out);
            same(model.has(out.toString()), true);
          }
          same(has(set, member), model.has(member));
        }
        expect(members(set).sort()).toEqual([...model].sort());
        const scanned: string[] = [];
        let cursor = 0;
        do {
          cursor = set.scan(cursor, 10, (buf, off, len) =>
            scanned.push(Buffer.from(buf.subarray(off, off + len)).toString('latin1')),
          );
        } while (cursor !== 0);
        expect(scanned.sort()).toEqual([...model].sort());
        expectNoLeak(arena, set);
        const copy = new SetValue(arena, set.limits).open(set.encoding, set.copyRoot());
        expect(members(copy).sort()).toEqual([...model].sort());
        copy.release();
        expectNoLeak(arena, set);
        set.release();
        expect(arena.allocated()).toEqual([]);
      }
    });
  }

  it('pop and random reach every member', () => {
    const random = rng(9);
    for (const prefix of ['', 'x', 'y'.repeat(70)]) {
      const { set } = newSet();
      set.randomSource = random;
      for (let i = 0; i < 20; i++) add(set, `${prefix}${i}`);
      const out = new Slice();
      const seen = new Set<string>();
      for (let i = 0; i < 1000; i++) {
        set.random(out);
        seen.add(out.toString());
      }
      expect(seen.size).toBe(20);
      const popped: string[] = [];
      while (set.length > 0) {
        set.pop(out);
        popped.push(out.toString());
      }
      expect(new Set(popped).size).toBe(20);
    }
  });
});

it('a captured set stays as it was for a reader of the same buffers (seed 77)', () => {
  const random = rng(77);
  const { arena, set } = newSet();
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 700 * round; i++) add(set, `member ${Math.floor(random() * 3000)}`);
    add(set, '5');
    const before = members(set).sort();
    let acked = 0;
    arena.beginCapture({ handed: () => 1, acked: () => acked });
    const reader = Arena.attach(arena.buffers());
    const captured = new SetValue(reader, set.limits).open(set.encoding, set.root);
    for (let i = 0; i < 2000; i++) {
      const member = `member ${Math.floor(random() * 3000)}`;
      if (random() < 0.5) add(set, member);
      else remove(set, member);
    }
    if (round === 4) set.release();
    expect(members(captured).sort()).toEqual(before);
    acked = 1;
    arena.endCapture();
    expectNoLeak(arena, set);
  }
});

describe('loading', () => {
  const dump = (set: SetValue): Uint8Array => {
    const u8 = set.arena.bytesOf(set.root);
    const at = byteIndex(set.root);
    const length = set.encodingName() === 'intset' ? 8 + u8[at]! * set.length : lpBytes(u8, at);
    return u8.slice(at, at + length);
  };

  it('takes its own intsets and listpacks, and makes larger ones hashtables', () => {
    const { set } = newSet();
    for (let i = 0; i < 100; i++) add(set, String(i * 1000));
    const intset = dump(set);
    const { arena, set: loaded } = newSet();
    expect(loaded.loadIntset(intset, 0, intset.length)).toBe(true);
    expect(loaded.encodingName()).toBe('intset');
    expect(members(loaded)).toEqual(members(set));
    expectNoLeak(arena, loaded);
    const small = newSet({ setMaxIntsetEntries: 10 }).set;
    expect(small.loadIntset(intset, 0, intset.length)).toBe(true);
    expect(small.encodingName()).toBe('hashtable');
    expect(small.length).toBe(100);

    add(set, 'text');
    const listpack = dump(set);
    const { arena: arena2, set: loaded2 } = newSet();
    expect(loaded2.loadListpack(listpack, 0, listpack.length)).toBe(true);
    expect(loaded2.encodingName()).toBe('listpack');
    expect(members(loaded2)).toEqual(members(set));
    expectNoLeak(arena2, loaded2);
  });

  it('refuses damage, emptiness and duplicates, and makes nothing of them', () => {
    const { arena, set } = newSet();
    const double = Buffer.from('0d000000020081610281610 2ff'.replaceAll(' ', ''), 'hex');
    expect(set.loadListpack(double, 0, double.length)).toBe(false);
    const empty = Buffer.from('070000000000ff', 'hex');
    expect(set.loadListpack(empty, 0, empty.length)).toBe(false);
    const unsorted = Buffer.from('0200000002000000' + '05000400', 'hex');
    expect(set.loadIntset(unsorted, 0, unsorted.length)).toBe(false);
    const none = Buffer.from('0200000000000000', 'hex');
    expect(set.loadIntset(none, 0, none.length)).toBe(false);
    expect(arena.allocated()).toEqual([]);
  });
});
