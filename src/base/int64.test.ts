import { describe, expect, it } from 'vitest';
import * as int64 from './int64.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const buf = new Uint8Array(32);
function parse(text: string): bigint | null {
  const bytes = Buffer.from(`..${text}`, 'latin1');
  return int64.parse64(bytes, 2, bytes.length - 2) ? int64.bigint64(int64.hi, int64.lo) : null;
}
function write(n: bigint): string {
  const length = int64.write64(buf, 3, Number(n >> 32n), Number(n & 0xffffffffn));
  return Buffer.from(buf.subarray(3, 3 + length)).toString('latin1');
}

describe('64-bit integers in two halves', () => {
  it('are read and written at their bounds', () => {
    const bounds = [
      0n,
      1n,
      9n,
      10n,
      2n ** 31n,
      2n ** 32n,
      2n ** 53n,
      2n ** 53n + 1n,
      10n ** 16n,
      10n ** 18n,
      2n ** 63n,
    ];
    for (const bound of bounds) {
      for (const n of [bound - 1n, bound, -bound, -bound + 1n]) {
        if (n >= 2n ** 63n) continue;
        expect(parse(n.toString())).toBe(n);
        expect(write(n)).toBe(n.toString());
        const safe = n > -(2n ** 53n) && n < 2n ** 53n;
        expect(int64.join64(Number(n >> 32n), Number(n & 0xffffffffn))).toBe(safe ? Number(n) : Number.NaN);
      }
    }
  });

  it('of every length are read and written (seed 1)', () => {
    const random = rng(1);
    for (let i = 0; i < 20_000; i++) {
      const bits = BigInt.asIntN(
        64,
        (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32)),
      );
      const n = bits >> BigInt(Math.floor(random() * 64));
      expect(parse(n.toString())).toBe(n);
      expect(write(n)).toBe(n.toString());
    }
  });

  it.each([
    '',
    '-',
    '-0',
    '00',
    '01',
    '-01',
    '+1',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '0x1',
    'a',
    '1a',
    '--1',
    '9223372036854775808',
    '-9223372036854775809',
    '18446744073709551616',
    '99999999999999999999',
    '100000000000000000000',
    '1\0',
  ])('%j is none', (text) => {
    expect(parse(text)).toBe(null);
  });
});
