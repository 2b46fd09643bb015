import { describe, expect, it } from 'vitest';
import { same } from '../../test/support/same.js';
import { Arena, byteIndex, SEGMENT_BYTES } from './arena.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

describe('Arena', () => {
  for (const seed of [1, 2, 3]) {
    it(`blocks never overlap, keep their bytes and are all accounted for (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const live = new Map<number, { bytes: number; mark: number }>();
      for (let step = 0; step < 60_000; step++) {
        const grow = Math.sin(step / 7000) > 0 ? 0.6 : 0.4;
        if (random() < grow || live.size === 0) {
          const r = random();
          const bytes =
            r < 0.9
              ? 1 + Math.floor(random() * 300)
              : r < 0.995
                ? Math.floor(random() * 40_000)
                : Math.floor(random() * 700_000);
          const address = arena.alloc(bytes);
          same(live.has(address), false);
          expect(arena.capacity(address)).toBeGreaterThanOrEqual(bytes);
          const mark = step & 0xff;
          const at = byteIndex(address);
          arena.bytesOf(address)[at] = mark;
          arena.bytesOf(address)[at + Math.max(0, bytes - 1)] = mark;
          live.set(address, { bytes, mark });
        } else {
          const keys = live.keys();
          let address = keys.next().value as number;
          for (let i = Math.floor(random() * 20); i > 0; i--)
            address = (keys.next().value as number | undefined) ?? address;
          const { bytes, mark } = live.get(address)!;
          const at = byteIndex(address);
          same(arena.bytesOf(address)[at], mark);
          same(arena.bytesOf(address)[at + Math.max(0, bytes - 1)], mark);
          arena.free(address);
          live.delete(address);
        }
      }
      expect(arena.allocated()).toEqual([...live.keys()].sort((a, b) => a - b));
      let used = 0;
      for (const address of live.keys()) used += arena.capacity(address);
      expect(arena.bytesUsed).toBe(used);
      for (const address of live.keys()) arena.free(address);
      expect(arena.bytesUsed).toBe(0);
      expect(arena.allocated()).toEqual([]);
    });
  }

  it('a block larger than a segment gets a buffer of its own and gives it back', () => {
    const arena = new Arena();
    const small = arena.alloc(100);
    const huge = arena.alloc(SEGMENT_BYTES * 2 + 5);
    arena.bytesOf(huge)[byteIndex(huge) + SEGMENT_BYTES * 2 + 4] = 7;
    expect(arena.capacity(huge)).toBeGreaterThanOrEqual(SEGMENT_BYTES * 2 + 5);
    const reserved = arena.bytesReserved;
    arena.free(huge);
    expect(arena.bytesReserved).toBeLessThan(reserved - SEGMENT_BYTES * 2);
    arena.free(small);
    expect(arena.bytesUsed).toBe(0);
  });

  it('knows what it can still address, and says when that is nothing', () => {
    const arena = new Arena();
    arena.segmentsMax = 3;
    expect(arena.bytesLeft).toBe(3 * SEGMENT_BYTES);
    arena.alloc(100);
    const left = arena.bytesLeft;
    expect(left).toBeLessThan(3 * SEGMENT_BYTES);
    const huge = [0, 1].map(() => arena.alloc(2 * SEGMENT_BYTES));
    expect(arena.bytesLeft).toBe(left - 2 * SEGMENT_BYTES);
    expect(() => arena.alloc(2 * SEGMENT_BYTES)).toThrow('3 segments of 64 MiB are in use');
    for (const block of huge) arena.free(block);
    expect(arena.bytesLeft).toBe(left);
    arena.alloc(2 * SEGMENT_BYTES);
    expect(arena.bytesLeft).toBe(left - SEGMENT_BYTES);
  });

  it('has lost nothing when the system refuses a segment', () => {
    const arena = new Arena();
    arena.segmentsMax = 3;
    arena.alloc(100);
    arena.free(arena.alloc(2 * SEGMENT_BYTES));
    const left = arena.bytesLeft;
    const original = globalThis.SharedArrayBuffer;
    globalThis.SharedArrayBuffer = class {
      constructor() {
        throw new RangeError('Array buffer allocation failed');
      }
    } as unknown as SharedArrayBufferConstructor;
    try {
      expect(() => arena.alloc(2 * SEGMENT_BYTES)).toThrow('allocation failed');
    } finally {
      globalThis.SharedArrayBuffer = original;
    }
    expect(arena.bytesLeft).toBe(left);
  });

  it('knows about how much of its segments the system has given', () => {
    const arena = new Arena();
    expect(arena.stats().bytesTouched).toBe(0);
    for (let i = 0; i < 1000; i++) arena.alloc(1000);
    const { bytesUsed, bytesTouched, bytesReserved } = arena.stats();
    expect(bytesReserved).toBe(SEGMENT_BYTES);
    expect(bytesTouched).toBeGreaterThanOrEqual(bytesUsed);
    expect(bytesTouched).toBeLessThan(bytesUsed * 1.2);
    arena.alloc(2 * SEGMENT_BYTES);
    expect(arena.stats().bytesTouched).toBeGreaterThanOrEqual(2 * SEGMENT_BYTES);
  });

  it('trim gives segments back in which only empty spans were kept', () => {
    const arena = new Arena();
    const blocks: number[] = [];
    for (let i = 0; i < 8; i++) {
      for (let n = 0; n < 20_000; n++) blocks.push(arena.alloc(2500 + i * 320));
    }
    const full = arena.bytesReserved;
    for (const block of blocks) arena.free(block);
    arena.trim();
    expect(full).toBeGreaterThan(4 * SEGMENT_BYTES);
    expect(arena.bytesReserved).toBeLessThanOrEqual(2 * SEGMENT_BYTES);
    expect(arena.alloc(100)).toBeGreaterThan(0);
  });

  it('during a capture own copies what is captured, and freed captured blocks wait for the worker', () => {
    const arena = new Arena();
    const captured = arena.alloc(64);
    arena.bytesOf(captured)[byteIndex(captured)] = 42;
    let handed = 0;
    let acked = 0;
    arena.beginCapture({ handed: () => handed, acked: () => acked });
    handed = 1;
    const copy = arena.own(captured);
    expect(copy).not.toBe(captured);
    expect(arena.own(copy)).toBe(copy);
    arena.bytesOf(copy)[byteIndex(copy)] = 1;
    expect(arena.bytesOf(captured)[byteIndex(captured)]).toBe(42);
    for (let i = 0; i < 1000; i++) expect(arena.alloc(64)).not.toBe(captured);
    expect(arena.bytesDeferred).toBe(64);
    acked = 1;
    arena.reclaim();
    expect(arena.bytesDeferred).toBe(0);
    arena.endCapture();
    expect(arena.own(copy)).toBe(copy);
  });

  it('frees what waited for a snapshot in slices when it ends with much, and all of it before the next', () => {
    const arena = new Arena();
    const blocks = Array.from({ length: 10_000 }, () => arena.alloc(64));
    const progress = { handed: () => 1, acked: () => 0 };
    const waiting = (): number => arena.bytesDeferred / 64;
    arena.beginCapture(progress);
    for (const block of blocks) arena.free(block);
    expect(waiting()).toBe(10_000);
    expect(arena.releaseEnded(100)).toBe(0);
    arena.endCapture();
    expect(waiting()).toBeGreaterThan(5000);
    expect(arena.releasesEnded).toBe(true);
    const before = waiting();
    expect(arena.releaseEnded(100)).toBe(100);
    expect(waiting()).toBe(before - 100);
    arena.beginCapture(progress);
    expect(waiting()).toBe(0);
    expect(arena.allocated()).toEqual([]);
    arena.endCapture();
    expect(arena.releasesEnded).toBe(false);
    expect(arena.bytesUsed).toBe(0);
  });
});
