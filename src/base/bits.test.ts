import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countBitRange, countBits, findBit, popcount32 } from './bits.js';

const text = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');

/** Long runs of equal bytes, so that searches reach the words, somewhere in a larger buffer. */
const strings = fc
  .array(fc.tuple(fc.constantFrom(0, 255, 1, 128, 90), fc.integer({ min: 1, max: 90 })), { maxLength: 6 })
  .map((runs) => Uint8Array.from(runs.flatMap(([byte, times]) => Array<number>(times).fill(byte))));

describe('bits', () => {
  it('counts the bits of words', () => {
    expect([0, 1, 0xffffffff, -1, 0x80000000, 0x12345678].map(popcount32)).toEqual([0, 1, 32, 32, 1, 13]);
  });

  it('counts and finds as a walk over the text of the bits does', () => {
    fc.assert(
      fc.property(strings, fc.nat(9), fc.nat(3000), fc.nat(3000), (bytes, off, x, y) => {
        const buf = new Uint8Array(off + bytes.length + 5).fill(0x5a);
        buf.set(bytes, off);
        const bits = text(bytes);
        expect(countBits(buf, off, bytes.length)).toBe(bits.replaceAll('0', '').length);
        if (bytes.length === 0) return;
        const first = x % bits.length;
        const last = y % bits.length;
        const part = bits.slice(first, last + 1);
        expect(countBitRange(buf, off, first, last)).toBe(part.replaceAll('0', '').length);
        for (const bit of [0, 1]) {
          const at = part.indexOf(String(bit));
          expect(findBit(buf, off, first, last, bit)).toBe(at < 0 ? -1 : first + at);
        }
      }),
    );
  });

  it('counts more words than a lane of its sum can hold at once', () => {
    const buf = new Uint8Array(200_003).fill(255);
    expect(countBits(buf, 1, 200_001)).toBe(200_001 * 8);
  });
});
