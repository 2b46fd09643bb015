import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashHi, hashLo, murmur64 } from './murmur.js';

const M = 0xc6a4a7935bd1e995n;
const MASK = (1n << 64n) - 1n;

/** The algorithm as it is defined, in BigInt. */
function reference(bytes: Uint8Array, seed: bigint): bigint {
  const mix = (k: bigint): bigint => {
    const product = (k * M) & MASK;
    return ((product ^ (product >> 47n)) * M) & MASK;
  };
  let h = (seed ^ (BigInt(bytes.length) * M)) & MASK;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    let k = 0n;
    for (let i = 7; i >= 0; i--) k = (k << 8n) | BigInt(bytes[at + i]!);
    h = ((h ^ mix(k)) * M) & MASK;
  }
  if (at < bytes.length) {
    for (let i = 0; at + i < bytes.length; i++) h ^= BigInt(bytes[at + i]!) << BigInt(8 * i);
    h = (h * M) & MASK;
  }
  h = ((h ^ (h >> 47n)) * M) & MASK;
  return h ^ (h >> 47n);
}

it('hashes as the definition says, in halves', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(5), fc.integer(), (bytes, off, seed) => {
      const buf = new Uint8Array(off + bytes.length + 3).fill(0xa5);
      buf.set(bytes, off);
      murmur64(buf, off, bytes.length, seed);
      expect((BigInt(hashHi) << 32n) | BigInt(hashLo)).toBe(reference(bytes, BigInt(seed >>> 0)));
    }),
  );
});
