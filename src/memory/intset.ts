/**
 * Intset: a sorted set of integers in one block, byte for byte as in RDB files (type 11).
 *
 *   [ width u32: 2, 4 or 8 ][ count u32 ][ integer ]...             little endian, signed, ascending, no duplicates
 *
 * Reading works on `(u8, off)`: the intset begins at u8[off]; it works on an attached arena in another thread as well.
 * Writing works on the address of an arena block and returns the address that the parent must store. Members come and
 * go as text; a text that is not the canonical form of a 64-bit integer is never a member.
 *
 * Invariants:
 *   1. The width is that which the widest member ever added needed; it never shrinks, as in Redis.
 *   2. A block whose capacity exceeds 64 bytes is at least 3/4 used after a removal.
 */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/copy-bytes.js';
import * as int64 from '../base/int64.js';
import type { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from './arena.js';
import { moveBytes } from './listpack.js';

const HEADER = 8;

// --- reading ---------------------------------------------------------------------------------------------------------

export function intsetWidth(u8: Uint8Array, off: number): number {
  return u8[off]!;
}
export function intsetCount(u8: Uint8Array, off: number): number {
  return word(u8, off + 4);
}
/** All its bytes, header included. */
export function intsetBytes(u8: Uint8Array, off: number): number {
  return HEADER + word(u8, off + 4) * u8[off]!;
}

/** Whether the text is what an intset can hold: a 64-bit integer in canonical form. */
export function intsetAccepts(buf: Uint8Array, bufOff: number, len: number): boolean {
  return int64.parse64(buf, bufOff, len);
}

/** Whether the text is a member. */
export function intsetHas(u8: Uint8Array, off: number, buf: Uint8Array, bufOff: number, len: number): boolean {
  if (!int64.parse64(buf, bufOff, len)) return false;
  return widthOf(int64.hi, int64.lo) <= u8[off]! && search(u8, off, int64.hi, int64.lo);
}

/** Member `index` in ascending order, as digits in `out`'s own scratch. */
export function intsetGet(u8: Uint8Array, off: number, index: number, out: Slice): void {
  load(u8, off, u8[off]!, index);
  const { digits } = out;
  out.set(digits, 0, int64.write64(digits, 0, high, low));
}

/** Member `index` as a number; NaN outside +-(2^53 - 1). */
export function intsetNumber(u8: Uint8Array, off: number, index: number): number {
  load(u8, off, u8[off]!, index);
  return int64.join64(high, low);
}

export function intsetInt64(u8: Uint8Array, off: number, index: number): bigint {
  load(u8, off, u8[off]!, index);
  return int64.bigint64(high, low);
}

/** -1 when it is a sound intset of exactly `len` bytes, otherwise the offset in it at which it is not. */
export function intsetValidate(u8: Uint8Array, off: number, len: number): number {
  if (len < HEADER) return len;
  const width = word(u8, off);
  if (width !== 2 && width !== 4 && width !== 8) return 0;
  const count = word(u8, off + 4);
  if (HEADER + count * width !== len) return 4;
  for (let i = 1; i < count; i++) {
    load(u8, off, width, i - 1);
    const beforeHigh = high;
    const beforeLow = low;
    load(u8, off, width, i);
    if (compare(beforeHigh, beforeLow) >= 0) return HEADER + i * width;
  }
  return -1;
}

function word(u8: Uint8Array, at: number): number {
  return (u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24)) >>> 0;
}

// What load read: the halves of a member.
let high = 0;
let low = 0;

function load(u8: Uint8Array, off: number, width: number, index: number): void {
  const at = off + HEADER + index * width;
  if (width === 8) {
    low = word(u8, at);
    high = word(u8, at + 4) | 0;
    return;
  }
  const n = width === 2 ? ((u8[at]! << 16) | (u8[at + 1]! << 24)) >> 16 : word(u8, at) | 0;
  low = n >>> 0;
  high = n >> 31;
}

/** Sign of (h, l) - (high, low). */
function compare(h: number, l: number): number {
  return h !== high ? h - high : l - low;
}

/** Bytes that the integer needs. */
function widthOf(h: number, l: number): number {
  const n = l | 0;
  if (h !== n >> 31) return 8;
  return n >= -32768 && n <= 32767 ? 2 : 4;
}

// Where search ended: the member's index, or where it belongs.
let found = 0;

function search(u8: Uint8Array, off: number, h: number, l: number): boolean {
  const width = u8[off]!;
  let from = 0;
  let to = word(u8, off + 4);
  // Ascending insertion is common: one look at the last member spares the search.
  if (to > 0) {
    load(u8, off, width, to - 1);
    if (compare(h, l) > 0) {
      found = to;
      return false;
    }
  }
  while (from < to) {
    const middle = (from + to) >>> 1;
    load(u8, off, width, middle);
    const order = compare(h, l);
    if (order === 0) {
      found = middle;
      return true;
    }
    if (order > 0) from = middle + 1;
    else to = middle;
  }
  found = from;
  return false;
}

// --- writing: address in, address out --------------------------------------------------------------------------------

let changed = false;

/** Whether the last `intsetAdd` or `intsetRemove` changed anything. */
export function intsetChanged(): boolean {
  return changed;
}

/** A new empty intset with room for `bytes` in all. */
export function intsetNew(arena: Arena, bytes = 16): number {
  const address = arena.alloc(Math.max(bytes, HEADER));
  arena.setWord(address, 0, 2);
  arena.setWord(address, 1, 0);
  return address;
}

/** An intset from validated bytes. */
export function intsetFromBytes(arena: Arena, buf: Uint8Array, bufOff: number, len: number): number {
  const address = arena.alloc(len);
  copyBytes(buf, bufOff, arena.bytesOf(address), byteIndex(address), len);
  return address;
}

/** A copy in a block of its own. */
export function intsetCopy(arena: Arena, address: number): number {
  const u8 = arena.bytesOf(address);
  return intsetFromBytes(arena, u8, byteIndex(address), intsetBytes(u8, byteIndex(address)));
}

/** Adds the integer that the text says (`intsetAccepts` holds). `intsetChanged()` tells whether it was new. */
export function intsetAdd(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number {
  const accepted = int64.parse64(buf, bufOff, len);
  assert(accepted, 'an intset is given integers');
  const h = int64.hi;
  const l = int64.lo;
  const needed = widthOf(h, l);
  const from = arena.bytesOf(address);
  const fromOff = byteIndex(address);
  const width = from[fromOff]!;
  const count = intsetCount(from, fromOff);
  if (needed > width) {
    const wide = widened(arena, address, needed, h < 0);
    store(arena.bytesOf(wide), byteIndex(wide), needed, h < 0 ? 0 : count, h, l);
    changed = true;
    return wide;
  }
  changed = !search(from, fromOff, h, l);
  if (!changed) return address;
  const used = HEADER + count * width;
  const owned = withRoom(arena, address, used, used + width);
  const u8 = arena.bytesOf(owned);
  const off = byteIndex(owned);
  const at = off + HEADER + found * width;
  moveBytes(u8, at, at + width, off + used - at);
  store(u8, off, width, found, h, l);
  arena.setWord(owned, 1, count + 1);
  return owned;
}

/** Removes it; `intsetChanged()` tells whether it was there. */
export function intsetRemove(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number {
  changed = intsetHas(arena.bytesOf(address), byteIndex(address), buf, bufOff, len);
  return changed ? intsetRemoveAt(arena, address, found) : address;
}

/** Removes member `index`. */
export function intsetRemoveAt(arena: Arena, address: number, index: number): number {
  const owned = arena.own(address);
  const u8 = arena.bytesOf(owned);
  const off = byteIndex(owned);
  const width = u8[off]!;
  const count = intsetCount(u8, off) - 1;
  const at = off + HEADER + index * width;
  moveBytes(u8, at + width, at, (count - index) * width);
  arena.setWord(owned, 1, count);
  const used = HEADER + count * width;
  const capacity = arena.capacity(owned);
  return capacity > 64 && used < capacity - (capacity >>> 2) ? moved(arena, owned, used, used) : owned;
}

/** A wider intset of the same members with a gap for one more at its start or end; the old block is freed. */
function widened(arena: Arena, address: number, width: number, gapFirst: boolean): number {
  const from = arena.bytesOf(address);
  const fromOff = byteIndex(address);
  const count = intsetCount(from, fromOff);
  const narrow = from[fromOff]!;
  const wide = arena.alloc(HEADER + (count + 1) * width);
  arena.setWord(wide, 0, width);
  arena.setWord(wide, 1, count + 1);
  const u8 = arena.bytesOf(wide);
  const off = byteIndex(wide);
  for (let i = 0; i < count; i++) {
    load(from, fromOff, narrow, i);
    store(u8, off, width, gapFirst ? i + 1 : i, high, low);
  }
  arena.free(address);
  return wide;
}

function store(u8: Uint8Array, off: number, width: number, index: number, h: number, l: number): void {
  const at = off + HEADER + index * width;
  u8[at] = l;
  u8[at + 1] = l >>> 8;
  if (width === 2) return;
  u8[at + 2] = l >>> 16;
  u8[at + 3] = l >>> 24;
  if (width === 4) return;
  u8[at + 4] = h;
  u8[at + 5] = h >>> 8;
  u8[at + 6] = h >>> 16;
  u8[at + 7] = h >>> 24;
}

function withRoom(arena: Arena, address: number, used: number, need: number): number {
  if (need <= arena.capacity(address)) return arena.own(address);
  return moved(arena, address, used, need > 32768 ? need + (need >>> 3) : need);
}

function moved(arena: Arena, address: number, used: number, bytes: number): number {
  const other = arena.alloc(bytes);
  copyBytes(arena.bytesOf(address), byteIndex(address), arena.bytesOf(other), byteIndex(other), used);
  arena.free(address);
  return other;
}
