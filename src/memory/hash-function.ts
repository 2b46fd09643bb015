/**
 * HalfSipHash-1-3: a keyed 32-bit hash, so that whoever does not know the key cannot choose keys that collide.
 * (J.-P. Aumasson, D. J. Bernstein: SipHash; HalfSipHash is its variant on 32-bit words.)
 *
 * The key is drawn once per process; `seedHash` fixes it for tests. Hashes are never persisted. It does not come from
 * Math.random: whoever sees enough of that one's numbers (SRANDMEMBER shows them) can reckon back to the first ones.
 */
import { randomFillSync } from 'node:crypto';

const drawn = randomFillSync(new Uint32Array(2));
let k0 = drawn[0]!;
let k1 = drawn[1]!;

export function seedHash(low: number, high: number): void {
  k0 = low >>> 0;
  k1 = high >>> 0;
}

/** The hash of `buf[off, off + len)` as a signed 32-bit number. Hot: no allocation. */
export function hashBytes(buf: Uint8Array, off: number, len: number): number {
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const whole = off + (len & ~3);
  let i = off;
  for (; i < whole; i += 4) {
    const m = buf[i]! | (buf[i + 1]! << 8) | (buf[i + 2]! << 16) | (buf[i + 3]! << 24);
    v3 ^= m;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= m;
  }
  let last = len << 24;
  const rest = len & 3;
  if (rest > 0) last |= buf[i]!;
  if (rest > 1) last |= buf[i + 1]! << 8;
  if (rest > 2) last |= buf[i + 2]! << 16;
  v3 ^= last;
  for (let round = 0; round < 4; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 0) {
      v0 ^= last;
      v2 ^= 0xff;
    }
  }
  return v1 ^ v3;
}
