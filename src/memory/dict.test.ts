import { describe, expect, it } from 'vitest';
import { same } from '../../test/support/same.js';
import { Arena } from './arena.js';
import { Dict } from './dict.js';
import { seedHash } from './hash-function.js';
import { itemAlloc, itemKeyBytes, itemKeyIndex } from './item.js';

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

function newItem(arena: Arena, key: Buffer): number {
  return itemAlloc(arena, 0, Number.NaN, key, 0, key.length, 0);
}
function keyOf(arena: Arena, item: number): string {
  const at = itemKeyIndex(arena, item);
  return Buffer.from(arena.bytesOf(item).subarray(at, at + itemKeyBytes(arena, item))).toString();
}
function put(dict: Dict, arena: Arena, key: string): boolean {
  const bytes = Buffer.from(key);
  if (dict.find(bytes, 0, bytes.length) !== 0) return false;
  dict.insert(newItem(arena, bytes));
  return true;
}
function remove(dict: Dict, arena: Arena, key: string): boolean {
  const bytes = Buffer.from(key);
  const item = dict.find(bytes, 0, bytes.length);
  if (item === 0) return false;
  dict.removeFound();
  arena.free(item);
  return true;
}
function contents(dict: Dict, arena: Arena): string[] {
  const keys: string[] = [];
  for (let item = dict.first(); item !== 0; item = dict.next()) keys.push(keyOf(arena, item));
  return keys.sort();
}

describe('Dict', () => {
  it.each([
    ['too small', 1_000, 20_000],
    ['right', 20_000, 20_000],
    ['far too large', 200_000, 300],
    ['nothing', 0, 500],
  ])('that was laid out for a number of items that is %s holds them all, and leaks nothing', (_, reserved, count) => {
    const arena = new Arena();
    const dict = new Dict(arena, 0, false).create();
    dict.reserve(reserved);
    dict.check();
    const keys = Array.from({ length: count }, (_, i) => `key:${i}`);
    for (const key of keys) expect(put(dict, arena, key)).toBe(true);
    dict.check();
    expect(contents(dict, arena)).toEqual([...keys].sort());
    for (const key of keys) expect(remove(dict, arena, key)).toBe(true);
    dict.check();
    expect(dict.count).toBe(0);
    dict.release();
    expect(arena.bytesUsed).toBe(0);
  });

  for (const seed of [1, 2, 3, 4]) {
    it(`behaves as a map through splits and merges and leaks nothing (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const dict = new Dict(arena).create();
      const model = new Set<string>();
      for (let step = 0; step < 120_000; step++) {
        const growing = Math.floor(step / 30_000) % 2 === 0;
        const key = `key:${Math.floor(random() * 40_000)}`;
        if (random() < (growing ? 0.9 : 0.15)) {
          same(put(dict, arena, key), !model.has(key));
          model.add(key);
        } else same(remove(dict, arena, key), model.delete(key));
        if (step % 20_000 === 19_999) {
          dict.check();
          same(dict.count, model.size);
          expect(contents(dict, arena)).toEqual([...model].sort());
        }
      }
      for (const key of model) remove(dict, arena, key);
      dict.check();
      expect(dict.count).toBe(0);
      dict.release();
      expect(arena.allocated()).toEqual([]);
    });

    it(`a scan visits what stays once, whatever is added and removed meanwhile (seed ${seed})`, () => {
      const random = rng(seed * 7);
      const arena = new Arena();
      const dict = new Dict(arena).create();
      const stable = new Set<string>();
      for (let i = 0; i < 3000; i++) stable.add(`s${i}`);
      for (const key of stable) put(dict, arena, key);
      const seen = new Map<string, number>();
      let cursor = 0;
      do {
        cursor = dict.scan(cursor, 10, (item) => {
          const key = keyOf(arena, item);
          seen.set(key, (seen.get(key) ?? 0) + 1);
        });
        for (let i = 0; i < 200; i++) {
          const key = `x${Math.floor(random() * 20_000)}`;
          if (random() < 0.5) put(dict, arena, key);
          else remove(dict, arena, key);
        }
      } while (cursor !== 0);
      for (const key of stable) expect(seen.get(key)).toBe(1);
    });

    it(`a captured dict stays as it was for the reader while it changes (seed ${seed})`, () => {
      const random = rng(seed * 13);
      const arena = new Arena();
      const dict = new Dict(arena).create();
      for (let i = 0; i < 5000; i++) put(dict, arena, `k${i}`);
      const before = contents(dict, arena);
      const root = dict.root;
      arena.beginCapture({ handed: () => 1, acked: () => 0 });
      const reader = Arena.attach(arena.buffers());
      for (let i = 0; i < 30_000; i++) {
        const key = `k${Math.floor(random() * 20_000)}`;
        if (random() < 0.5) put(dict, arena, key);
        else remove(dict, arena, key);
      }
      expect(contents(new Dict(reader, root), reader)).toEqual(before);
      const after = contents(dict, arena);
      expect(after).not.toEqual(before);
      arena.endCapture();
      dict.check();
      expect(contents(dict, arena)).toEqual(after);
      const live: number[] = [];
      dict.blocks((address) => live.push(address));
      for (let item = dict.first(); item !== 0; item = dict.next()) live.push(item);
      expect(arena.allocated()).toEqual(live.sort((a, b) => a - b));
    });
  }

  it('a copy is equal and shares nothing', () => {
    const arena = new Arena();
    const dict = new Dict(arena).create();
    for (let i = 0; i < 1000; i++) put(dict, arena, `k${i}`);
    const copy = new Dict(
      arena,
      dict.copyWith((item) => newItem(arena, Buffer.from(keyOf(arena, item)))),
    );
    expect(contents(copy, arena)).toEqual(contents(dict, arena));
    remove(copy, arena, 'k1');
    expect(dict.count).toBe(1000);
    copy.check();
  });

  // Other hashes, other segments: of different sizes and depths.
  it.each([1, 5, 8, 18, 42])(
    'random items come with equal chances, within what 400 draws a key allow (hash %i)',
    (hash) => {
      seedHash(hash * 7919, hash * 104729);
      const random = rng(99);
      const arena = new Arena();
      const dict = new Dict(arena).create();
      const keys = 300;
      for (let i = 0; i < keys; i++) put(dict, arena, `k${i}`);
      const drawn = new Map<number, number>();
      for (let i = 0; i < keys * 400; i++) {
        const item = dict.randomItem(random);
        drawn.set(item, (drawn.get(item) ?? 0) + 1);
      }
      expect(drawn.size).toBe(keys);
      for (const n of drawn.values()) expect(Math.abs(n - 400)).toBeLessThan(120);
    },
  );

  it('finds the segments in which something is due, and only those', () => {
    const arena = new Arena();
    const dict = new Dict(arena, 0, false).create();
    for (let i = 0; i < 5000; i++) put(dict, arena, `k${i}`);
    const due = Buffer.from('k77');
    dict.find(due, 0, due.length);
    dict.noteDue(100);
    const answer = { segment: 0, begin: 0, later: 0, position: 0 };
    const found: number[] = [];
    do {
      dict.nextDue(answer.position, 100, 1000, answer);
      if (answer.segment !== 0) found.push(answer.segment);
    } while (answer.position !== 0);
    expect(found.length).toBe(1);
    expect(dict.segmentItems(found[0]!).map((item) => keyOf(arena, item))).toContain('k77');
  });
});
