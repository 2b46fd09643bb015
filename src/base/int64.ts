/**
 * 64-bit signed integers as two halves, without BigInt: for the formats that store them on paths where nothing may be
 * allocated.
 *
 * A result lies in the module's `hi` (signed) and `lo` (unsigned) until the next call.
 */
import { writeInteger } from './numbers.js';

/** The upper 32 bits of the last result, signed. */
export let hi = 0;
/** The lower 32 bits of the last result, unsigned. */
export let lo = 0;

/**
 * Reads the integer written in `buf[off, off + len)` into `hi` and `lo`. False when the text is not the canonical form
 * of a 64-bit signed integer (no sign but `-`, no leading zero, no `-0`).
 */
export function parse64(buf: Uint8Array, off: number, len: number): boolean {
  if (len === 0 || len > 20) return false;
  let i = off;
  const end = off + len;
  const negative = buf[i] === 45;
  if (negative && ++i === end) return false;
  let digit = buf[i]! - 48;
  if (digit === 0) {
    hi = 0;
    lo = 0;
    return len === 1;
  }
  if (digit < 0 || digit > 9) return false;
  const split = Math.min(i + 15, end);
  let n = digit;
  for (i++; i < split; i++) {
    digit = buf[i]! - 48;
    if (digit < 0 || digit > 9) return false;
    n = n * 10 + digit;
  }
  let h = Math.floor(n / 4294967296);
  let l = n >>> 0;
  for (; i < end; i++) {
    digit = buf[i]! - 48;
    if (digit < 0 || digit > 9) return false;
    const low = l * 10 + digit;
    l = low >>> 0;
    h = h * 10 + Math.floor(low / 4294967296);
    if (h > 0x80000000) return false;
  }
  if (negative) {
    if (h === 0x80000000 && l !== 0) return false;
    // Two's complement.
    h = ~h;
    if (l === 0) h++;
    else l = (4294967296 - l) >>> 0;
    hi = h | 0;
    lo = l;
    return true;
  }
  if (h >= 0x80000000) return false;
  hi = h;
  lo = l;
  return true;
}

/** The value of two halves when it is a safe integer, otherwise NaN. */
export function join64(high: number, low: number): number {
  const n = high * 4294967296 + low;
  return Number.isSafeInteger(n) ? n : Number.NaN;
}

/** The value of two halves. */
export function bigint64(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Writes the digits at `buf[off]` and returns how many bytes it wrote (at most 20). */
export function write64(buf: Uint8Array, off: number, high: number, low: number): number {
  const safe = high * 4294967296 + low;
  if (Number.isSafeInteger(safe)) return writeInteger(buf, off, safe);
  let at = off;
  if (high < 0) {
    buf[at++] = 45;
    high = ~high;
    if (low === 0) high++;
    else low = 4294967296 - low;
  }
  // Four limbs of 16 bits, divided by 10^4 until nothing is left: each remainder fits in 32 bits.
  let a = (high >>> 16) & 0xffff;
  let b = high & 0xffff;
  let c = low >>> 16;
  let d = low & 0xffff;
  // 2^53 has 16 digits, so there are 16 to 19: five groups of four.
  for (let i = at + 16; i >= at; i -= 4) {
    let rest = a;
    a = (rest / 10000) | 0;
    rest = (rest % 10000) * 65536 + b;
    b = (rest / 10000) | 0;
    rest = (rest % 10000) * 65536 + c;
    c = (rest / 10000) | 0;
    rest = (rest % 10000) * 65536 + d;
    d = (rest / 10000) | 0;
    rest %= 10000;
    GROUPS[i - at] = (rest / 1000) | 0;
    GROUPS[i - at + 1] = ((rest / 100) | 0) % 10;
    GROUPS[i - at + 2] = ((rest / 10) | 0) % 10;
    GROUPS[i - at + 3] = rest % 10;
  }
  let first = 0;
  while (GROUPS[first] === 0) first++;
  for (let i = first; i < 20; i++) buf[at++] = 48 + GROUPS[i]!;
  return at - off;
}

const GROUPS = new Uint8Array(20);
