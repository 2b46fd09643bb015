import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena, byteIndex } from '../memory/arena.js';
import { lpAppend, lpBytes, lpNew } from '../memory/listpack.js';
import { Hash } from './hash.js';
import { DEFAULT_LIMITS } from './value.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const f = new Slice();
const v = new Slice();

function newHash(limits = {}): Hash {
  return new Hash(new Arena(), { ...DEFAULT_LIMITS, ...limits }).create();
}
function set(hash: Hash, field: string, value: string): boolean {
  return hash.set(latin1(`.${field}`), 1, field.length, latin1(`..${value}`), 2, value.length);
}
function get(hash: Hash, field: string): string | null {
  return hash.get(latin1(`.${field}`), 1, field.length, v) ? v.toString() : null;
}
function remove(hash: Hash, field: string): boolean {
  return hash.delete(latin1(field), 0, field.length);
}
function content(hash: Hash): Record<string, string> {
  const out: Record<string, string> = {};
  hash.start();
  while (hash.next(f, v)) {
    expect(out[f.toString()]).toBe(undefined);
    out[f.toString()] = v.toString();
  }
  return out;
}
/** Every block in use belongs to the hash. */
function audit(hash: Hash): void {
  const blocks: number[] = [];
  hash.blocks((address) => blocks.push(address));
  expect(blocks.sort((a, b) => a - b)).toEqual(hash.arena.allocated());
}
function listpack(elements: string[]): Uint8Array {
  const arena = new Arena();
  let address = lpNew(arena);
  for (const element of elements) address = lpAppend(arena, address, latin1(element), 0, element.length);
  const off = byteIndex(address);
  return arena.bytesOf(address).slice(off, off + lpBytes(arena.bytesOf(address), off));
}

describe('encodings', () => {
  it('a listpack up to 128 fields of 64 bytes, then a hashtable for good', () => {
    const hash = newHash();
    for (let i = 0; i < 128; i++) set(hash, `field${i}`, 'v'.repeat(64));
    expect(hash.encodingName()).toBe('listpack');
    set(hash, 'field5', 'other');
    expect(hash.encodingName()).toBe('listpack');
    set(hash, 'one more', '1');
    expect(hash.encodingName()).toBe('hashtable');
    expect(hash.length).toBe(129);
    for (let i = 0; i < 128; i++) remove(hash, `field${i}`);
    expect(hash.encodingName()).toBe('hashtable');
    expect(content(hash)).toEqual({ 'one more': '1' });
    audit(hash);
  });

  it('a field or a value above the limit converts', () => {
    for (const [field, value] of [
      ['f'.repeat(65), 'v'],
      ['f', 'v'.repeat(65)],
    ] as const) {
      const hash = newHash();
      set(hash, 'first', '1');
      set(hash, field, value);
      expect(hash.encodingName()).toBe('hashtable');
      expect(content(hash)).toEqual({ first: '1', [field]: value });
      audit(hash);
    }
  });

  it('many fields announced convert at once', () => {
    const hash = newHash();
    hash.expect(128);
    expect(hash.encodingName()).toBe('listpack');
    hash.expect(129);
    expect(hash.encodingName()).toBe('hashtable');
    expect(hash.length).toBe(0);
  });
});

describe('random changes leave what a map holds', () => {
  for (const seed of [1, 2, 3]) {
    it(`through conversions and captures (seed ${seed})`, () => {
      const random = rng(seed);
      const below = (n: number) => Math.floor(random() * n);
      const hash = newHash({ hashMaxListpackEntries: 20, hashMaxListpackValue: 40 });
      const { arena } = hash;
      let model = new Map<string, string>();
      for (let step = 0; step < 6000; step++) {
        if (random() < 0.002) {
          // Start over: a hash never goes back to a listpack.
          hash.release();
          expect(arena.capturing || arena.bytesUsed === 0).toBe(true);
          hash.create();
          model = new Map();
        }
        if (random() < 0.01) {
          if (arena.capturing) arena.endCapture();
          else arena.beginCapture({ handed: () => 1, acked: () => 0 });
        }
        const field = random() < 0.5 ? String(below(200)) : `field:${below(60)}`;
        const value = random() < 0.3 ? String(below(1e9)) : 'v'.repeat(below(random() < 0.02 ? 3000 : 20));
        const r = random();
        if (r < 0.55) {
          expect(set(hash, field, value)).toBe(!model.has(field));
          model.set(field, value);
        } else if (r < 0.65) {
          const bytes = latin1(field);
          expect(hash.setIfAbsent(bytes, 0, bytes.length, latin1(value), 0, value.length)).toBe(!model.has(field));
          if (!model.has(field)) model.set(field, value);
        } else {
          expect(remove(hash, field)).toBe(model.delete(field));
        }
        expect(get(hash, field)).toBe(model.get(field) ?? null);
        expect(hash.valueLength(latin1(field), 0, field.length)).toBe(model.get(field)?.length ?? 0);
        expect(hash.length).toBe(model.size);
        if (step % 100 === 0) {
          expect(content(hash)).toEqual(Object.fromEntries(model));
          // A handle opened anew on what an entry would store sees the same.
          const again = new Hash(arena, hash.limits).open(hash.encoding, hash.root);
          expect(content(again)).toEqual(Object.fromEntries(model));
          const copy = new Hash(arena, hash.limits).open(hash.encoding, hash.copyRoot());
          expect(content(copy)).toEqual(Object.fromEntries(model));
          copy.release();
          if (!arena.capturing) audit(hash);
        }
      }
      if (arena.capturing) arena.endCapture();
      hash.release();
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it('what a capture has seen stays as it was', () => {
    for (const fields of [10, 500]) {
      const hash = newHash();
      const { arena } = hash;
      for (let i = 0; i < fields; i++) set(hash, `f${i}`, `v${i}`);
      const seen = new Hash(arena, hash.limits).open(hash.encoding, hash.root);
      const before = content(seen);
      arena.beginCapture({ handed: () => 1, acked: () => 0 });
      for (let i = 0; i < fields; i++) {
        set(hash, `f${i}`, i % 2 === 0 ? `w${i}` : 'longer than it was before');
        if (i % 3 === 0) remove(hash, `f${i}`);
        set(hash, `new${i}`, '1');
      }
      const worker = new Hash(Arena.attach(arena.buffers()), hash.limits).open(seen.encoding, seen.root);
      expect(content(worker)).toEqual(before);
      arena.endCapture();
      audit(hash);
    }
  });
});

describe('scan and random', () => {
  it('a scan gives every field once, in both encodings', () => {
    for (const fields of [100, 5000]) {
      const hash = newHash();
      for (let i = 0; i < fields; i++) set(hash, `f${i}`, `v${i}`);
      const seen: string[] = [];
      let cursor = 0;
      do {
        cursor = hash.scan(cursor, 10, (field, value) => {
          expect(value.toString()).toBe(field.toString().replace('f', 'v'));
          seen.push(field.toString());
        });
      } while (cursor !== 0);
      expect(new Set(seen).size).toBe(fields);
      expect(seen.length).toBe(fields);
    }
  });

  it('random fields come with their values and reach all; distinct ones are distinct', () => {
    for (const fields of [10, 200]) {
      const hash = newHash();
      for (let i = 0; i < fields; i++) set(hash, `f${i}`, `v${i}`);
      const seen = new Set<string>();
      for (let i = 0; i < fields * 30; i++) {
        expect(hash.random(f, v)).toBe(true);
        expect(v.toString()).toBe(f.toString().replace('f', 'v'));
        seen.add(f.toString());
      }
      expect(seen.size).toBe(fields);
      for (const count of [0, 1, 5, fields - 1, fields, fields + 5]) {
        const some: string[] = [];
        hash.randomDistinct(count, (field) => some.push(field.toString()));
        expect(some.length).toBe(Math.min(count, fields));
        expect(new Set(some).size).toBe(some.length);
      }
    }
  });
});

describe('loading a listpack', () => {
  it('keeps it within the limits, converts it beyond them', () => {
    for (const [pairs, name] of [
      [3, 'listpack'],
      [100, 'listpack'],
      [129, 'hashtable'],
    ] as const) {
      const bytes = listpack(Array.from({ length: pairs * 2 }, (_, i) => (i % 2 === 0 ? `f${i}` : String(i))));
      const hash = new Hash(new Arena(), DEFAULT_LIMITS);
      expect(hash.loadListpack(bytes, 0, bytes.length)).toBe(true);
      expect(hash.encodingName()).toBe(name);
      expect(hash.length).toBe(pairs);
      expect(get(hash, 'f4')).toBe('5');
      audit(hash);
    }
    // How long an element is matters where it is written, not where it is loaded.
    const wide = listpack(['f', 'v'.repeat(65)]);
    const hash = new Hash(new Arena(), DEFAULT_LIMITS);
    expect(hash.loadListpack(wide, 0, wide.length)).toBe(true);
    expect(hash.encodingName()).toBe('listpack');
  });

  it('refuses what is empty, no pairs, or has a field twice, and leaves nothing behind', () => {
    const many = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? `f${i}` : 'v'));
    for (const elements of [
      [],
      ['a'],
      ['a', '1', 'b'],
      ['a', '1', 'a', '2'],
      ['7', '1', 'b', '1', '7', '2'],
      [...many.slice(0, 200), 'f4', 'v'],
      [...many, 'f4', 'v'],
    ]) {
      const hash = new Hash(new Arena(), DEFAULT_LIMITS);
      const bytes = listpack(elements);
      expect(hash.loadListpack(bytes, 0, bytes.length)).toBe(false);
      expect(hash.arena.bytesUsed).toBe(0);
    }
  });
});
