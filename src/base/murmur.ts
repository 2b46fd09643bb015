/**
 * MurmurHash64A, the 64-bit hash that HyperLogLogs are made with (persisted: another one would not fit stored values).
 *
 * 64-bit numbers are two unsigned halves; products are put together from 16-bit limbs, so that nothing is allocated.
 * The result lies in `hashHi` and `hashLo` until the next call.
 */

export let hashHi = 0;
export let hashLo = 0;

// The multiplier 0xc6a4a7935bd1e995.
const M_HI = 0xc6a4a793 | 0;
const M_LO = 0x5bd1e995;
const M0 = M_LO & 0xffff;
const M1 = M_LO >>> 16;

let hi = 0;
let lo = 0;

/** (hi, lo) times the multiplier, modulo 2^64. */
function multiply(): void {
  const a0 = lo & 0xffff;
  const a1 = lo >>> 16;
  const p00 = a0 * M0;
  const p01 = a0 * M1;
  const p10 = a1 * M0;
  const middle = p01 + p10 + Math.floor(p00 / 65536);
  const carry = a1 * M1 + Math.floor(middle / 65536);
  hi = (Math.imul(lo, M_HI) + Math.imul(hi, M_LO) + (carry | 0)) | 0;
  lo = ((middle & 0xffff) << 16) | (p00 & 0xffff);
}

/** Hashes `buf[off, off + len)`; the seed is of 32 bits. */
export function murmur64(buf: Uint8Array, off: number, len: number, seed: number): void {
  // seed ^ (len * multiplier)
  hi = 0;
  lo = len | 0;
  multiply();
  let h1 = hi;
  let h0 = lo ^ seed;
  const whole = off + (len & ~7);
  let i = off;
  for (; i < whole; i += 8) {
    lo = buf[i]! | (buf[i + 1]! << 8) | (buf[i + 2]! << 16) | (buf[i + 3]! << 24);
    hi = buf[i + 4]! | (buf[i + 5]! << 8) | (buf[i + 6]! << 16) | (buf[i + 7]! << 24);
    multiply();
    lo ^= hi >>> 15; // k ^= k >> 47
    multiply();
    hi ^= h1;
    lo ^= h0;
    multiply();
    h1 = hi;
    h0 = lo;
  }
  const rest = len & 7;
  if (rest > 0) {
    for (let k = 0; k < rest; k++) {
      if (k < 4) h0 ^= buf[i + k]! << (8 * k);
      else h1 ^= buf[i + k]! << (8 * (k - 4));
    }
    hi = h1;
    lo = h0;
    multiply();
    h1 = hi;
    h0 = lo;
  }
  hi = h1;
  lo = h0 ^ (h1 >>> 15);
  multiply();
  lo ^= hi >>> 15;
  hashHi = hi >>> 0;
  hashLo = lo >>> 0;
}
