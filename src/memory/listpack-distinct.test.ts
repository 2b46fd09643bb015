import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, listpack } from '../../test/support/rdb-bytes.js';
import { lpDistinct } from './listpack-distinct.js';

describe('lpDistinct', () => {
  const texts = fc.array(
    fc.oneof(
      fc.integer({ min: -5, max: 300 }).map(String),
      fc.constantFrom('', 'a', 'b', '12', '012', '-1', '4096', '-4097', '2147483648', 'x'.repeat(64), 'x'.repeat(65)),
      fc.string({ maxLength: 3 }).map((s) => s.replace(/[^ -~]/g, '?')),
    ),
    { maxLength: 40 },
  );

  it('says what a set of the texts says, for every element and for every other', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const pack = listpack(...all);
        const even = all.filter((_, i) => i % 2 === 0);
        expect(lpDistinct(pack, 0, 1)).toBe(new Set(all).size === all.length);
        expect(lpDistinct(pack, 0, 2)).toBe(new Set(even).size === even.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('two forms of one text are the same element', () => {
    const of = (elements: string): Uint8Array => {
      const body = hex(elements);
      const out = new Uint8Array(body.length + 7);
      new DataView(out.buffer).setUint32(0, out.length, true);
      new DataView(out.buffer).setUint16(4, 2, true);
      out.set(body, 6);
      out[out.length - 1] = 255;
      return out;
    };
    // 5 as 7-bit integer, as string, in 13, 16 and 64 bits.
    const forms = ['05 01', '81 35 02', 'c0 05 02', 'f1 05 00 03', 'f4 05 00 00 00 00 00 00 00 09', 'e0 01 35 03'];
    for (const a of forms) {
      for (const b of forms) expect(lpDistinct(of(a + b), 0, 1)).toBe(false);
      expect(lpDistinct(of(`${a} 06 01`), 0, 1)).toBe(true);
    }
  });

  it('thousands of elements take no table for each', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `m${i}`);
    expect(lpDistinct(listpack(...many), 0, 1)).toBe(true);
    expect(lpDistinct(listpack(...many, 'm77'), 0, 1)).toBe(false);
  });
});
