import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lzfCompress, lzfDecompress } from './lzf.js';

function compress(plain: Uint8Array, room = plain.length + 64): Uint8Array | null {
  const out = new Uint8Array(room + 8).fill(0xaa);
  const n = lzfCompress(plain, 0, plain.length, out, 4, room);
  expect([...out.subarray(0, 4), ...out.subarray(4 + room)]).toEqual(new Array(8).fill(0xaa));
  return n === 0 ? null : out.slice(4, 4 + n);
}

function decompress(block: Uint8Array, plainLen: number): Uint8Array | null {
  const out = new Uint8Array(plainLen + 16).fill(0xaa);
  const good = lzfDecompress(block, 0, block.length, out, 8, plainLen);
  expect([...out.subarray(0, 8), ...out.subarray(8 + plainLen)]).toEqual(new Array(16).fill(0xaa));
  return good ? out.slice(8, 8 + plainLen) : null;
}

/** Bytes with repeats near and far, runs, and noise: what a compressor branches on. */
const texts = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc
        .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 700 }))
        .map(([b, n]) => new Uint8Array(n).fill(b)),
      fc
        .constantFrom('the quick brown fox', 'abcabcabcabc', '{"id":1,"name":"')
        .map((s) => new Uint8Array(Buffer.from(s))),
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

/** Bytes in which no three follow each other twice by more than chance. */
function noise(bytes: number): Uint8Array {
  let state = 88172645;
  return Uint8Array.from({ length: bytes }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

describe('LZF', () => {
  it('what was compressed decompresses to the same bytes', () => {
    fc.assert(
      fc.property(texts, (plain) => {
        const block = compress(plain);
        if (block === null) expect(plain.length).toBeLessThan(4);
        else expect(decompress(block, plain.length)).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });

  it('never writes beyond its room, and gives up when the room does not do', () => {
    fc.assert(
      fc.property(texts, fc.nat(300), (plain, room) => {
        const block = compress(plain, room);
        if (block !== null) expect(decompress(block, plain.length)).toEqual(plain);
      }),
    );
    expect(compress(noise(300), 296)).toBeNull();
  });

  it('compresses repeats: a run to about one part in 88, far matches up to 8192 bytes back', () => {
    expect(compress(new Uint8Array(100_000).fill(97))!.length).toBeLessThan(1200);
    const far = new Uint8Array(8192 + 200);
    far.set(noise(8192));
    far.copyWithin(8192, 0, 200);
    expect(compress(far)!.length).toBeLessThan(8192 + 300);
    expect(decompress(compress(far)!, far.length)).toEqual(far);
  });

  it('reads the three forms of the format', () => {
    const hex = (s: string): Uint8Array => new Uint8Array(Buffer.from(s.replaceAll(' ', ''), 'hex'));
    expect(decompress(hex('02 616263'), 3)).toEqual(new Uint8Array(Buffer.from('abc')));
    expect(decompress(hex('02 616263 20 02'), 6)).toEqual(new Uint8Array(Buffer.from('abcabc')));
    expect(decompress(hex('00 61 e0 01 00'), 11)).toEqual(new Uint8Array(Buffer.from('aaaaaaaaaaa')));
  });

  it('refuses a block that reaches before the start, past the end, or yields another length', () => {
    const hex = (s: string): Uint8Array => new Uint8Array(Buffer.from(s.replaceAll(' ', ''), 'hex'));
    expect(decompress(hex('20 00'), 3)).toBeNull();
    expect(decompress(hex('02 6162'), 3)).toBeNull();
    expect(decompress(hex('02 616263'), 2)).toBeNull();
    expect(decompress(hex('02 616263'), 4)).toBeNull();
    expect(decompress(hex('00 61 e0'), 20)).toBeNull();
    expect(decompress(hex('00 61 e0 01'), 20)).toBeNull();
    expect(decompress(hex('00 61 20'), 20)).toBeNull();
    expect(decompress(hex('00 61 20 01'), 4)).toBeNull();
  });

  it('any bytes at all either decompress within bounds or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(400), (block, plainLen) => {
        decompress(block, plainLen);
      }),
      { numRuns: 2000 },
    );
  });
});
