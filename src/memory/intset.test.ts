import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena, byteIndex } from './arena.js';
import {
  intsetAccepts,
  intsetAdd,
  intsetBytes,
  intsetChanged,
  intsetCopy,
  intsetCount,
  intsetFromBytes,
  intsetGet,
  intsetHas,
  intsetInt64,
  intsetNew,
  intsetNumber,
  intsetRemove,
  intsetRemoveAt,
  intsetValidate,
  intsetWidth,
} from './intset.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const slice = new Slice();

function build(arena: Arena, members: string[]): number {
  let address = intsetNew(arena);
  for (const member of members) address = intsetAdd(arena, address, latin1(member), 0, member.length);
  return address;
}
function hex(arena: Arena, address: number): string {
  const u8 = arena.bytesOf(address);
  const off = byteIndex(address);
  return Buffer.from(u8.subarray(off, off + intsetBytes(u8, off))).toString('hex');
}
function members(arena: Arena, address: number): string[] {
  const u8 = arena.bytesOf(address);
  const off = byteIndex(address);
  return Array.from({ length: intsetCount(u8, off) }, (_, i) => {
    intsetGet(u8, off, i, slice);
    return slice.toString();
  });
}
function has(arena: Arena, address: number, text: string): boolean {
  return intsetHas(arena.bytesOf(address), byteIndex(address), latin1(text), 0, text.length);
}

// What redis-server 7.0.15 puts into DUMP for a set of these members.
describe('the bytes are those that Redis writes', () => {
  it.each([
    [2, ['3', '-32768', '32767', '0'], '02000000040000000080000003 00ff7f'],
    [4, ['1', '2', '32768', '-2147483648'], '04000000040000000000008001000000020000000080 0000'],
    [
      8,
      ['-9223372036854775808', '5', '9223372036854775807', '-2147483649', '2147483648'],
      '08000000050000000000000000000080ffffff7fffffffff05000000000000000000008000000000ffffffffffffff7f',
    ],
  ])('width %i', (width, texts, bytes) => {
    const arena = new Arena();
    const address = build(arena, texts);
    expect(hex(arena, address)).toBe(bytes.replaceAll(' ', ''));
    expect(intsetWidth(arena.bytesOf(address), byteIndex(address))).toBe(width);
  });
});

describe('members', () => {
  it('a text that is no canonical 64-bit integer is refused and never a member', () => {
    const arena = new Arena();
    const address = build(arena, ['7', '0', '9223372036854775807']);
    for (const text of ['', '-', '07', '+7', '7 ', '-0', '7.0', 'x', '9223372036854775808', '-9223372036854775809']) {
      expect(intsetAccepts(latin1(text), 0, text.length)).toBe(false);
      expect(has(arena, address, text)).toBe(false);
    }
    for (const text of ['7', '0', '9223372036854775807']) {
      expect(intsetAccepts(latin1(text), 0, text.length)).toBe(true);
      expect(has(arena, address, text)).toBe(true);
    }
  });

  it('adding wider integers upgrades, at either end', () => {
    const arena = new Arena();
    let address = build(arena, ['10', '20']);
    for (const text of ['-40000', '70000', '-5000000000', '9007199254740993']) {
      address = intsetAdd(arena, address, latin1(text), 0, text.length);
      expect(intsetChanged()).toBe(true);
    }
    expect(members(arena, address)).toEqual(['-5000000000', '-40000', '10', '20', '70000', '9007199254740993']);
    const u8 = arena.bytesOf(address);
    expect(intsetNumber(u8, byteIndex(address), 0)).toBe(-5000000000);
    expect(intsetNumber(u8, byteIndex(address), 5)).toBe(Number.NaN);
    expect(intsetInt64(u8, byteIndex(address), 5)).toBe(9007199254740993n);
  });

  for (const seed of [1, 2, 3]) {
    it(`random adds and removals leave what a sorted set holds (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      let address = intsetNew(arena);
      const model = new Set<string>();
      // Widths change on the way: small numbers first.
      for (let step = 0; step < 4000; step++) {
        const bits = Math.min(63, 10 + Math.floor(step / 60));
        let n = BigInt(Math.floor(random() * 2 ** 32)) * 2n ** 32n + BigInt(Math.floor(random() * 2 ** 32));
        n = BigInt.asIntN(random() < 0.5 ? 8 : bits + 1, n);
        let text = n.toString();
        if (random() < 0.4 && model.size > 0) text = [...model][Math.floor(random() * model.size)]!;
        const bytes = latin1(`..${text}`);
        expect(has(arena, address, text)).toBe(model.has(text));
        if (random() < (Math.sin(step / 500) > 0 ? 0.7 : 0.3)) {
          address = intsetAdd(arena, address, bytes, 2, text.length);
          expect(intsetChanged()).toBe(!model.has(text));
          model.add(text);
        } else {
          address = intsetRemove(arena, address, bytes, 2, text.length);
          expect(intsetChanged()).toBe(model.delete(text));
        }
        if (step % 50 !== 0) continue;
        const sorted = [...model].map(BigInt).sort((a, b) => (a < b ? -1 : 1));
        expect(members(arena, address)).toEqual(sorted.map(String));
        const u8 = arena.bytesOf(address);
        expect(intsetValidate(u8, byteIndex(address), intsetBytes(u8, byteIndex(address)))).toBe(-1);
        expect(intsetBytes(u8, byteIndex(address))).toBeLessThanOrEqual(arena.capacity(address));
        const copy = intsetCopy(arena, address);
        expect(hex(arena, copy)).toBe(hex(arena, address));
        arena.free(copy);
      }
      while (model.size > 0) {
        const index = Math.floor(random() * model.size);
        const gone = members(arena, address)[index]!;
        address = intsetRemoveAt(arena, address, index);
        model.delete(gone);
        expect(has(arena, address, gone)).toBe(false);
      }
      arena.free(address);
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it('during a capture the captured block is left as it is', () => {
    const arena = new Arena();
    const captured = build(arena, ['1', '2', '3']);
    const before = hex(arena, captured);
    arena.beginCapture({ handed: () => 1, acked: () => 0 });
    let address = intsetRemove(arena, captured, latin1('2'), 0, 1);
    address = intsetAdd(arena, address, latin1('100000'), 0, 6);
    expect(members(arena, address)).toEqual(['1', '3', '100000']);
    expect(hex(arena, captured)).toBe(before);
    arena.endCapture();
    arena.free(address);
    expect(arena.bytesUsed).toBe(0);
  });
});

describe('validate', () => {
  it('accepts what was built and loads it again', () => {
    const arena = new Arena();
    const bytes = Buffer.from(hex(arena, build(arena, ['1', '-1', '70000'])), 'hex');
    expect(intsetValidate(bytes, 0, bytes.length)).toBe(-1);
    expect(members(arena, intsetFromBytes(arena, bytes, 0, bytes.length))).toEqual(['-1', '1', '70000']);
  });

  it.each([
    ['a cut header', '0200000001'],
    ['an unknown width', '0300000001000000 0100'],
    ['a width with high bytes', '0200000101000000 0100'],
    ['a count too high', '0200000002000000 0100'],
    ['a count too low', '0200000000000000 0100'],
    ['a count beyond 4 GiB', '0800000000000020'],
    ['members out of order', '0200000002000000 0200 0100'],
    ['a member twice', '0200000002000000 0100 0100'],
    ['unsigned order', '0200000002000000 0100 ffff'],
  ])('refuses %s', (_, text) => {
    const bytes = Buffer.from(text.replaceAll(' ', ''), 'hex');
    expect(intsetValidate(bytes, 0, bytes.length)).not.toBe(-1);
  });
});
