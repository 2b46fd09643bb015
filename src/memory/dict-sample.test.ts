import { describe, expect, it } from 'vitest';
import { Arena } from './arena.js';
import { Dict } from './dict.js';
import { hashBytes } from './hash-function.js';
import { itemAlloc, itemHasSlot, itemKeyBytes, itemKeyIndex } from './item.js';

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** A dict of `count` items, every `every`th of them with an expiry. */
function filled(count: number, every = Number.POSITIVE_INFINITY): { arena: Arena; dict: Dict } {
  const arena = new Arena();
  const dict = new Dict(arena, 0, false).create();
  for (let i = 0; i < count; i++) {
    const key = Buffer.from(`key:${i}`);
    dict.find(key, 0, key.length);
    const expires = i % every === 0;
    dict.insert(itemAlloc(arena, 0, expires ? 1000 : Number.NaN, key, 0, key.length, 0));
    if (expires) dict.noteDue(1);
  }
  return { arena, dict };
}

function hashOf(arena: Arena, item: number): number {
  return hashBytes(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item)) >>> 0;
}

const END = 2 ** 32;

describe('a sample of a dict', () => {
  for (const count of [1, 7, 100, 5000]) {
    it(`holds items and their hashes, none twice, and all of them when asked for all (${count} items)`, () => {
      const { arena, dict } = filled(count);
      const random = rng(count);
      const out = new Uint32Array(2 * count + 10);
      for (const max of [1, 5, count, count + 5]) {
        const found = dict.sample(Math.floor(random() * END), 0, END, max, false, out);
        expect(found).toBe(Math.min(max, count));
        const items = new Set<number>();
        for (let i = 0; i < found; i++) {
          items.add(out[i * 2 + 1]!);
          expect(out[i * 2]).toBe(hashOf(arena, out[i * 2 + 1]!));
        }
        expect(items.size).toBe(found);
      }
    });
  }

  it('gives every item about the same chance', () => {
    const { dict } = filled(1000);
    const random = rng(4);
    const times = new Map<number, number>();
    const out = new Uint32Array(10);
    for (let i = 0; i < 100_000; i++) {
      const found = dict.sample(Math.floor(random() * END), 0, END, 5, false, out);
      for (let k = 0; k < found; k++) times.set(out[k * 2 + 1]!, (times.get(out[k * 2 + 1]!) ?? 0) + 1);
    }
    expect(times.size).toBe(1000);
    const counts = [...times.values()].sort((a, b) => a - b);
    // 500 each if chances were equal.
    expect(counts[50]).toBeGreaterThan(200);
    expect(counts[950]).toBeLessThan(1000);
  });

  it('of expiring items finds those of a range, however rare they are', () => {
    const { arena, dict } = filled(20_000, 4000);
    const out = new Uint32Array(20);
    const found = dict.sample(123_456, 0, END, 10, true, out);
    expect(found).toBe(5);
    for (let i = 0; i < found; i++) {
      const item = out[i * 2 + 1]!;
      expect(itemHasSlot(arena, item)).toBe(true);
      const hash = out[i * 2]!;
      const low = hash - (hash % 2 ** 22);
      expect(dict.sample(low + 5, low, low + 2 ** 22, 1, true, new Uint32Array(2))).toBe(1);
    }
  });
});

describe('an item that was seen before', () => {
  it('is held until it goes or its place is taken by another block', () => {
    const { arena, dict } = filled(1000);
    const out = new Uint32Array(2);
    dict.sample(0, 0, END, 1, false, out);
    const [hash, item] = out as unknown as [number, number];
    expect(dict.holds(hash, item)).toBe(true);
    expect(dict.holds(hash ^ 1, item)).toBe(false);
    expect(dict.holds(hash, item + 2)).toBe(false);
    expect(dict.holds(hash, item)).toBe(true);
    dict.removeFound();
    arena.free(item);
    expect(dict.holds(hash, item)).toBe(false);
    dict.check();
  });
});

describe('the bytes of a table', () => {
  it('are those of its blocks, through splits and merges', () => {
    const { arena, dict } = filled(30_000);
    const bytes = (): number => {
      let sum = 0;
      dict.blocks((address) => {
        sum += arena.capacity(address);
      });
      return sum;
    };
    expect(dict.tableBytes).toBe(bytes());
    for (let i = 0; i < 29_990; i++) {
      const key = Buffer.from(`key:${i}`);
      const item = dict.find(key, 0, key.length);
      dict.removeFound();
      arena.free(item);
    }
    expect(dict.tableBytes).toBe(bytes());
  });
});
