/**
 * HyperLogLog: a string that estimates how many different elements were added to it. Byte for byte what Redis stores
 * (persisted, never renumber):
 *
 *   "HYLL"  encoding u8 (0 dense, 1 sparse)  3 unused  cardinality u64 little-endian, highest bit = not current   16 bytes
 *   dense   16384 registers of 6 bits, the lowest bits of a byte first                                         12288 bytes
 *   sparse  runs of registers:   00llllll            l+1 registers are 0              ZERO
 *                                01llllll llllllll   l+1 registers are 0              XZERO
 *                                1vvvvvll            l+1 registers have the value v+1 VAL
 *
 * An element's hash chooses the register by its lowest 14 bits; the register keeps the largest number of trailing zeros
 * (plus 1) of the other 50 that was met. A sparse one becomes dense when it would exceed a limit or a value exceeds 32.
 *
 * How runs are split and merged decides the bytes, so it follows stock servers step by step: see `SparseHll.set`.
 */
import { hashHi, hashLo, murmur64 } from '../base/murmur.js';

export const REGISTERS = 16384;
export const HLL_HEADER = 16;
export const DENSE_BYTES = HLL_HEADER + (REGISTERS * 6) / 8;
export const DENSE = 0;
export const SPARSE = 1;

const INDEX_BITS = 14;
const VALUE_BITS = 50;
const HASH_SEED = 0xadc83b19 | 0;

const ZERO_LEN_MAX = 64;
const VAL_LEN_MAX = 4;
const VAL_MAX = 32;

/** Register of the element that `hashElement` hashed last, and the value for it (1..51). */
export let register = 0;
export let value = 0;

/** Sets `register` and `value`. */
export function hashElement(buf: Uint8Array, off: number, len: number): void {
  murmur64(buf, off, len, HASH_SEED);
  register = hashLo & (REGISTERS - 1);
  const low = hashLo >>> INDEX_BITS;
  // 18 bits of the lower half, then the upper half; a bit behind the last ends the count.
  if (low !== 0) value = trailingZeros(low) + 1;
  else value = (hashHi === 0 ? 32 : trailingZeros(hashHi)) + (VALUE_BITS - 32) + 1;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Whether the string is a HyperLogLog, as far as its header and length tell. */
export function isHll(buf: Uint8Array, off: number, len: number): boolean {
  if (len < HLL_HEADER) return false;
  if (buf[off] !== 72 || buf[off + 1] !== 89 || buf[off + 2] !== 76 || buf[off + 3] !== 76) return false;
  const encoding = buf[off + 4]!;
  return encoding === SPARSE || (encoding === DENSE && len === DENSE_BYTES);
}

/** The bytes of a new one. */
export function emptyHll(): Uint8Array {
  const bytes = new Uint8Array(HLL_HEADER + 2);
  bytes.set([72, 89, 76, 76, SPARSE]);
  writeZeros(bytes, HLL_HEADER, REGISTERS);
  return bytes;
}

// --- cached cardinality ------------------------------------------------------------------------------------------------

/** The cardinality in the header; null when it is not current. */
export function cachedCount(buf: Uint8Array, off: number): bigint | null {
  if ((buf[off + 15]! & 0x80) !== 0) return null;
  let count = 0n;
  for (let i = 15; i >= 8; i--) count = (count << 8n) | BigInt(buf[off + i]!);
  return count;
}

export function cacheCount(buf: Uint8Array, off: number, count: number): void {
  let rest = count;
  for (let i = 8; i < 16; i++) {
    buf[off + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

export function invalidateCount(buf: Uint8Array, off: number): void {
  buf[off + 15]! |= 0x80;
}

// --- dense -------------------------------------------------------------------------------------------------------------

/** @param off of the string's first byte */
export function denseGet(buf: Uint8Array, off: number, index: number): number {
  const bit = index * 6;
  const at = off + HLL_HEADER + (bit >>> 3);
  const shift = bit & 7;
  const pair = shift > 2 ? buf[at]! | (buf[at + 1]! << 8) : buf[at]!;
  return (pair >>> shift) & 63;
}

/** Raises a register; false when it is as high already. */
export function denseRaise(buf: Uint8Array, off: number, index: number, to: number): boolean {
  if (denseGet(buf, off, index) >= to) return false;
  const bit = index * 6;
  const at = off + HLL_HEADER + (bit >>> 3);
  const shift = bit & 7;
  buf[at] = (buf[at]! & ~(63 << shift)) | (to << shift);
  if (shift > 2) buf[at + 1] = (buf[at + 1]! & ~(63 >>> (8 - shift))) | (to >>> (8 - shift));
  return true;
}

// --- sparse: runs ------------------------------------------------------------------------------------------------------

const isZeros = (byte: number): boolean => byte < 0x80;
/** Whether a run of zeros takes two bytes. */
const isLong = (byte: number): boolean => (byte & 0xc0) === 0x40;
const valOf = (byte: number): number => ((byte >>> 2) & 31) + 1;
const valLen = (byte: number): number => (byte & 3) + 1;
const val = (of: number, len: number): number => 0x80 | ((of - 1) << 2) | (len - 1);

function runLen(buf: Uint8Array, at: number): number {
  const byte = buf[at]!;
  if (byte >= 0x80) return valLen(byte);
  return byte < 0x40 ? byte + 1 : (((byte & 63) << 8) | buf[at + 1]!) + 1;
}

/** Writes a run of zeros and returns the index behind it. */
function writeZeros(buf: Uint8Array, at: number, len: number): number {
  if (len <= ZERO_LEN_MAX) {
    buf[at] = len - 1;
    return at + 1;
  }
  buf[at] = 0x40 | ((len - 1) >>> 8);
  buf[at + 1] = (len - 1) & 255;
  return at + 2;
}

/**
 * Visits the runs of a sparse one: value (0 for zeros), first register, number of registers, whether it takes two bytes.
 * Returns whether they are exactly all registers; in a damaged string they may reach beyond.
 */
export function forEachRun(
  buf: Uint8Array,
  off: number,
  len: number,
  visit: (of: number, first: number, count: number, long: boolean) => void,
): boolean {
  const end = off + len;
  let first = 0;
  for (let at = off + HLL_HEADER; at < end; ) {
    const byte = buf[at]!;
    // A run of zeros cut behind its first byte reads on into nothing.
    const count = isLong(byte) && at + 1 === end ? ((byte & 63) << 8) + 1 : runLen(buf, at);
    visit(isZeros(byte) ? 0 : valOf(byte), first, count, isLong(byte));
    first += count;
    at += isLong(byte) ? 2 : 1;
  }
  return first === REGISTERS;
}

/** What `SparseHll.set` did. */
export const HLL_SAME = 0;
export const HLL_RAISED = 1;
/** Nothing: the value or the string would be too large for a sparse one. */
export const HLL_DENSE_NEEDED = 2;
export const HLL_CORRUPT = 3;

/** A sparse HyperLogLog outside of the arena, where it can grow: loaded, changed, and stored again. */
export class SparseHll {
  buf = new Uint8Array(4096);
  len = 0;

  load(buf: Uint8Array, off: number, len: number): void {
    if (this.buf.length < len + 16) this.buf = new Uint8Array(len + 1024);
    this.buf.set(buf.subarray(off, off + len));
    this.buf[len] = 0;
    this.len = len;
  }

  private reserve(): void {
    if (this.len + 4 <= this.buf.length) return;
    const grown = new Uint8Array(this.buf.length * 2);
    grown.set(this.buf);
    this.buf = grown;
  }

  /**
   * Raises a register. The run that has it is split in up to three; then equal neighbours among the next five runs, from
   * the one before it on, are joined as long as a run may be.
   * @param bytesMax how long the string may become
   */
  set(index: number, to: number, bytesMax: number): number {
    if (to > VAL_MAX) return HLL_DENSE_NEEDED;
    this.reserve();
    const { buf } = this;
    const end = this.len;
    let at = HLL_HEADER;
    let before = 0;
    let first = 0;
    let span = 0;
    while (at < end) {
      span = runLen(buf, at);
      if (index < first + span) break;
      before = at;
      at += isLong(buf[at]!) ? 2 : 1;
      first += span;
    }
    if (span === 0 || at >= end) return HLL_CORRUPT;
    const byte = buf[at]!;
    if (!isZeros(byte) && valOf(byte) >= to) return HLL_SAME;
    // A run of zeros in two bytes is split even if it counts one register.
    if (span === 1 && !isLong(byte)) buf[at] = val(to, 1);
    else if (!this.split(at, first, span, index, to, bytesMax)) return HLL_DENSE_NEEDED;
    this.join(before === 0 ? HLL_HEADER : before);
    invalidateCount(buf, 0);
    return HLL_RAISED;
  }

  private split(at: number, first: number, span: number, index: number, to: number, bytesMax: number): boolean {
    const { buf } = this;
    const byte = buf[at]!;
    const left = index - first;
    const right = first + span - 1 - index;
    let n = 0;
    if (isZeros(byte)) {
      if (left > 0) n = writeZeros(RUNS, n, left);
      RUNS[n++] = val(to, 1);
      if (right > 0) n = writeZeros(RUNS, n, right);
    } else {
      if (left > 0) RUNS[n++] = val(valOf(byte), left);
      RUNS[n++] = val(to, 1);
      if (right > 0) RUNS[n++] = val(valOf(byte), right);
    }
    const old = isLong(byte) ? 2 : 1;
    const grown = n - old;
    if (grown > 0 && this.len + grown > bytesMax) return false;
    if (grown !== 0) buf.copyWithin(at + n, at + old, this.len);
    for (let i = 0; i < n; i++) buf[at + i] = RUNS[i]!;
    this.len += grown;
    return true;
  }

  private join(from: number): void {
    const { buf } = this;
    let at = from;
    for (let scan = 5; scan > 0 && at < this.len; scan--) {
      const byte = buf[at]!;
      if (isZeros(byte)) {
        at += isLong(byte) ? 2 : 1;
        continue;
      }
      const next = at + 1 < this.len ? buf[at + 1]! : 0;
      if (!isZeros(next) && valOf(next) === valOf(byte)) {
        const len = valLen(byte) + valLen(next);
        if (len <= VAL_LEN_MAX) {
          buf[at + 1] = val(valOf(byte), len);
          buf.copyWithin(at, at + 1, this.len);
          this.len--;
          continue;
        }
      }
      at++;
    }
  }
}

const RUNS = new Uint8Array(5);

/** The dense form of a sparse one, the cached cardinality kept; null when it is damaged. */
export function toDense(buf: Uint8Array, off: number, len: number): Uint8Array | null {
  const dense = new Uint8Array(DENSE_BYTES);
  dense.set(buf.subarray(off, off + HLL_HEADER));
  dense[4] = DENSE;
  const whole = forEachRun(buf, off, len, (of, first, count) => {
    if (of > 0 && first + count <= REGISTERS) for (let i = first; i < first + count; i++) denseRaise(dense, 0, i, of);
  });
  return whole ? dense : null;
}

// --- counting and merging ------------------------------------------------------------------------------------------------

/** Raises each of `into`'s registers (one a byte) to this one's. False when it is damaged. */
export function mergeInto(into: Uint8Array, buf: Uint8Array, off: number, len: number): boolean {
  if (buf[off + 4] === DENSE) {
    for (let i = 0; i < REGISTERS; i++) {
      const of = denseGet(buf, off, i);
      if (of > into[i]!) into[i] = of;
    }
    return true;
  }
  return forEachRun(buf, off, len, (of, first, count) => {
    if (of === 0) return;
    const end = Math.min(first + count, REGISTERS);
    for (let i = first; i < end; i++) if (of > into[i]!) into[i] = of;
  });
}

/** How many registers have each value, in `HISTOGRAM`. */
const HISTOGRAM = new Float64Array(64);

/** The cardinality; -1 when the string is damaged. */
export function countHll(buf: Uint8Array, off: number, len: number): number {
  HISTOGRAM.fill(0);
  if (buf[off + 4] === DENSE) {
    for (let i = 0; i < REGISTERS; i++) HISTOGRAM[denseGet(buf, off, i)]!++;
  } else if (
    !forEachRun(buf, off, len, (of, _first, count) => {
      HISTOGRAM[of]! += count;
    })
  ) {
    return -1;
  }
  return estimate();
}

/** The cardinality of registers one a byte. */
export function countRegisters(registers: Uint8Array): number {
  HISTOGRAM.fill(0);
  for (let i = 0; i < REGISTERS; i++) HISTOGRAM[registers[i]!]!++;
  return estimate();
}

/** 1 / (2 ln 2). */
const ALPHA_INFINITE = 0.7213475204444817;

/** The estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv 1702.01284). */
function estimate(): number {
  const m = REGISTERS;
  let z = m * tau((m - HISTOGRAM[VALUE_BITS + 1]!) / m);
  for (let k = VALUE_BITS; k >= 1; k--) {
    z += HISTOGRAM[k]!;
    z *= 0.5;
  }
  z += m * sigma(HISTOGRAM[0]! / m);
  return Math.round((ALPHA_INFINITE * m * m) / z);
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let y = 1;
  let z = x;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (z === before) return z / 3;
  }
}
