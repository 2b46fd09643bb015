/**
 * Listpack: a sequence of byte strings and integers in one block, byte for byte as Redis keeps it in memory and in
 * RDB files (types 16, 17, 18, 20), so that saving one is a copy.
 *
 *   [ total bytes u32 ][ count u16 ][ element ]...[ 0xff ]          little endian; count 65535 = unknown, must be walked
 *   element: [ encoding and data ][ backlen: length of the former, 7 bits a byte, read from the right ]
 *
 *     0xxxxxxx                    integer 0..127
 *     10xxxxxx data               string of up to 63 bytes
 *     110xxxxx yyyyyyyy           13-bit signed integer
 *     1110xxxx yyyyyyyy data      string of up to 4095 bytes
 *     11110000 u32 data           string
 *     11110001 .. 11110100        signed integer of 16, 24, 32, 64 bits
 *     11111111                    end
 *
 * Reading works on `(u8, off)`: the listpack begins at u8[off]. A *position* is the offset of an element from the
 * listpack's start; 0 means none. Writing works on the address of an arena block and returns the address that the
 * parent must store: the block may have been copied (snapshot) or moved (growth). Positions of elements before the
 * changed one stay valid; after an insert or a replace, the position passed is that of the new element; after a delete,
 * that of the element which followed, or of the end (`lpIsEnd`).
 *
 * An element that reads as a 64-bit integer is stored as one, in the smallest form, exactly as Redis chooses.
 *
 * Everything that reads also works on an attached arena in another thread: nothing there asks for a block's capacity.
 *
 * Invariants:
 *   1. total bytes <= capacity of the block; the rest is room to grow in place.
 *   2. A block whose capacity exceeds 64 bytes is at least 3/4 used after a delete.
 */

import { copyBytes } from '../base/copy-bytes.js';
import * as int64 from '../base/int64.js';
import type { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from './arena.js';

/** Bytes before the first element. */
export const LP_HEADER = 6;
/** Bytes of an empty listpack. */
export const LP_EMPTY = 7;
/** A listpack never exceeds this, as in Redis. */
export const LP_BYTES_MAX = 2 ** 30;

/** The byte behind the last element. */
export const LP_END = 0xff;

const COUNT_UNKNOWN = 65535;
const INT16 = 0xf1;
const INT24 = 0xf2;
const INT32 = 0xf3;
const INT64 = 0xf4;

// --- reading ---------------------------------------------------------------------------------------------------------

/** All its bytes, header and end included. */
export function lpBytes(u8: Uint8Array, off: number): number {
  return (u8[off]! | (u8[off + 1]! << 8) | (u8[off + 2]! << 16) | (u8[off + 3]! << 24)) >>> 0;
}

/** Number of elements; O(1) below 65535. */
export function lpCount(u8: Uint8Array, off: number): number {
  const count = u8[off + 4]! | (u8[off + 5]! << 8);
  if (count !== COUNT_UNKNOWN) return count;
  let n = 0;
  for (let at = off + LP_HEADER; u8[at] !== LP_END; at += elementBytes(u8, at)) n++;
  return n;
}

/** Position of the first element, 0 when empty. */
export function lpFirst(u8: Uint8Array, off: number): number {
  return u8[off + LP_HEADER] === LP_END ? 0 : LP_HEADER;
}

/** Position of the last element, 0 when empty. */
export function lpLast(u8: Uint8Array, off: number): number {
  return lpPrev(u8, off, lpBytes(u8, off) - 1);
}

/** Position of the element after `pos`, 0 at the end. */
export function lpNext(u8: Uint8Array, off: number, pos: number): number {
  const next = pos + elementBytes(u8, off + pos);
  return u8[off + next] === LP_END ? 0 : next;
}

/** Position `count` elements behind `pos`, which may be the end; there are as many. */
export function lpSkip(u8: Uint8Array, off: number, pos: number, count: number): number {
  let at = off + pos;
  for (; count > 0; count--) at += elementBytes(u8, at);
  return at - off;
}

/** Position of the element before `pos` (an element's, or the end), 0 at the start. */
export function lpPrev(u8: Uint8Array, off: number, pos: number): number {
  if (pos <= LP_HEADER) return 0;
  let at = off + pos - 1;
  let byte = u8[at]!;
  let size = byte & 127;
  let backlen = 1;
  for (let shift = 7; (byte & 128) !== 0 && backlen < 5; shift += 7) {
    byte = u8[--at]!;
    size += (byte & 127) * 2 ** shift;
    backlen++;
  }
  return pos - size - backlen;
}

/** Position of element `index` (negative: from the end, -1 is the last), 0 when there is none. */
export function lpSeek(u8: Uint8Array, off: number, index: number): number {
  const count = u8[off + 4]! | (u8[off + 5]! << 8);
  if (count !== COUNT_UNKNOWN) {
    if (index < 0) index += count;
    if (index < 0 || index >= count) return 0;
    if (index > count >> 1) index -= count;
  }
  if (index < 0) {
    let pos = lpLast(u8, off);
    while (++index < 0 && pos !== 0) pos = lpPrev(u8, off, pos);
    return pos;
  }
  let at = off + LP_HEADER;
  while (index-- > 0 && u8[at] !== LP_END) at += elementBytes(u8, at);
  return u8[at] === LP_END ? 0 : at - off;
}

/** Whether `pos` is the position after the last element. */
export function lpIsEnd(u8: Uint8Array, off: number, pos: number): boolean {
  return u8[off + pos] === LP_END;
}

/** Bytes of the element at u8[at], backlen included. */
export function elementBytes(u8: Uint8Array, at: number): number {
  const bytes = contentBytes(u8, at);
  return bytes < 128 ? bytes + 1 : bytes + backlenBytes(bytes);
}

/** Bytes of encoding and data; 0 for a byte that begins no element. */
function contentBytes(u8: Uint8Array, at: number): number {
  const byte = u8[at]!;
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 1 + (byte & 0x3f);
  if (byte < 0xe0) return 2;
  if (byte < 0xf0) return 2 + (((byte & 15) << 8) | u8[at + 1]!);
  if (byte === 0xf0) return 5 + lpBytes(u8, at + 1);
  if (byte < INT64) return byte - INT16 + 3;
  return byte === INT64 ? 9 : 0;
}

// The limits of two to four bytes are one lower than 7 bits a byte allow: so Redis writes them.
function backlenBytes(bytes: number): number {
  if (bytes <= 127) return 1;
  if (bytes < 16383) return 2;
  if (bytes < 2097151) return 3;
  return bytes < 268435455 ? 4 : 5;
}

/** The element as bytes; digits of an integer lie in `out`'s own scratch. Hot: no allocation. */
export function lpGet(u8: Uint8Array, off: number, pos: number, out: Slice): void {
  const at = off + pos;
  const byte = u8[at]!;
  if (byte >= 0x80) {
    if (byte < 0xc0) {
      out.set(u8, at + 1, byte & 0x3f);
      return;
    }
    if (byte >= 0xe0) {
      if (byte < 0xf0) {
        out.set(u8, at + 2, ((byte & 15) << 8) | u8[at + 1]!);
        return;
      }
      if (byte === 0xf0) {
        out.set(u8, at + 5, lpBytes(u8, at + 1));
        return;
      }
    }
  }
  loadInteger(u8, at);
  const { digits } = out;
  out.set(digits, 0, int64.write64(digits, 0, high, low));
}

/** Length in bytes of the element's text. */
export function lpLength(u8: Uint8Array, off: number, pos: number): number {
  const at = off + pos;
  const byte = u8[at]!;
  if (byte >= 0x80 && byte < 0xc0) return byte & 0x3f;
  if (byte >= 0xe0 && byte < 0xf0) return ((byte & 15) << 8) | u8[at + 1]!;
  if (byte === 0xf0) return lpBytes(u8, at + 1);
  loadInteger(u8, at);
  return int64.write64(SCRATCH, 0, high, low);
}

/** The element's value when it is stored as an integer within +-(2^53 - 1); NaN otherwise. */
export function lpNumber(u8: Uint8Array, off: number, pos: number): number {
  return loadInteger(u8, off + pos) ? int64.join64(high, low) : Number.NaN;
}

/** The element's value when it is stored as an integer; null for strings. */
export function lpInt64(u8: Uint8Array, off: number, pos: number): bigint | null {
  return loadInteger(u8, off + pos) ? int64.bigint64(high, low) : null;
}

const SCRATCH = new Uint8Array(24);
// What loadInteger read.
let high = 0;
let low = 0;

/** Reads the integer at u8[at] into `high` and `low`; false when a string stands there. */
function loadInteger(u8: Uint8Array, at: number): boolean {
  const byte = u8[at]!;
  let n: number;
  if (byte < 0x80) {
    high = 0;
    low = byte;
    return true;
  }
  if (byte < 0xc0) return false;
  if (byte < 0xe0) n = (((byte & 31) << 27) >> 19) | u8[at + 1]!;
  else if (byte === INT16) n = ((u8[at + 1]! << 16) | (u8[at + 2]! << 24)) >> 16;
  else if (byte === INT24) n = ((u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24)) >> 8;
  else if (byte === INT32) n = lpBytes(u8, at + 1) | 0;
  else if (byte === INT64) {
    low = lpBytes(u8, at + 1);
    high = lpBytes(u8, at + 5) | 0;
    return true;
  } else return false;
  high = n >> 31;
  low = n >>> 0;
  return true;
}

/**
 * Position of the first element from `pos` on that equals the bytes, skipping `skip` elements after each one compared
 * (1 = only the fields of a hash); 0 when none. `pos` 0 finds nothing.
 */
export function lpFind(
  u8: Uint8Array,
  off: number,
  pos: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
  skip: number,
): number {
  if (pos === 0) return 0;
  const integer = int64.parse64(buf, bufOff, len);
  const wantHigh = int64.hi;
  const wantLow = int64.lo;
  let at = off + pos;
  for (let byte = u8[at]!; byte !== LP_END; byte = u8[at]!) {
    if (byte >= 0x80 && byte < 0xc0) {
      // The usual case, spelled out: a short string.
      const bytes = byte & 0x3f;
      if (bytes === len && sameBytes(u8, at + 1, buf, bufOff, len)) return at - off;
      at += bytes + 2;
    } else {
      if (byte >= 0xe0 && byte <= 0xf0) {
        const head = byte === 0xf0 ? 5 : 2;
        const bytes = contentBytes(u8, at) - head;
        if (bytes === len && sameBytes(u8, at + head, buf, bufOff, len)) return at - off;
      } else if (integer && loadInteger(u8, at) && low === wantLow && high === wantHigh) {
        return at - off;
      }
      at += elementBytes(u8, at);
    }
    for (let i = skip; i > 0 && u8[at] !== LP_END; i--) at += elementBytes(u8, at);
  }
  return 0;
}

/** Whether the element at `pos` equals the bytes. */
export function lpEquals(
  u8: Uint8Array,
  off: number,
  pos: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): boolean {
  const at = off + pos;
  if (loadInteger(u8, at)) {
    const elementHigh = high;
    const elementLow = low;
    return int64.parse64(buf, bufOff, len) && int64.lo === elementLow && int64.hi === elementHigh;
  }
  const byte = u8[at]!;
  const head = byte < 0xc0 ? 1 : byte < 0xf0 ? 2 : 5;
  return contentBytes(u8, at) - head === len && sameBytes(u8, at + head, buf, bufOff, len);
}

function sameBytes(a: Uint8Array, aOff: number, b: Uint8Array, bOff: number, len: number): boolean {
  for (let i = 0; i < len; i++) if (a[aOff + i] !== b[bOff + i]) return false;
  return true;
}

/**
 * Checks bytes from outside as deeply as they can be: total, every encoding, every backlen, end, count. Returns -1 when
 * it is a sound listpack of exactly `len` bytes, otherwise the offset in it at which it is not.
 */
export function lpValidate(u8: Uint8Array, off: number, len: number): number {
  if (len < LP_EMPTY || lpBytes(u8, off) !== len) return 0;
  const end = len - 1;
  if (u8[off + end] !== LP_END) return end;
  const stated = u8[off + 4]! | (u8[off + 5]! << 8);
  let count = 0;
  let pos = LP_HEADER;
  while (pos < end) {
    const content = soundContentBytes(u8, off + pos, end - pos);
    if (content === 0) return pos;
    // Nearly all elements are short.
    if (content < 128) {
      if (pos + content >= end || u8[off + pos + content] !== content) return pos;
      pos += content + 1;
      count++;
      continue;
    }
    const bytes = content + backlenBytes(content);
    if (pos + bytes > end || !soundBacklen(u8, off + pos, content, bytes)) return pos;
    pos += bytes;
    count++;
  }
  return stated === COUNT_UNKNOWN || stated === count ? -1 : 4;
}

/** `contentBytes` when encoding and data lie within `room`, else 0. */
function soundContentBytes(u8: Uint8Array, at: number, room: number): number {
  const byte = u8[at]!;
  if (byte === 0xf0 ? room < 5 : byte >= 0xe0 && byte < 0xf0 && room < 2) return 0;
  const content = contentBytes(u8, at);
  return content <= room ? content : 0;
}

/** Whether reading backwards from the element's end gives its content's length, in as many bytes as it should take. */
function soundBacklen(u8: Uint8Array, at: number, content: number, bytes: number): boolean {
  let rest = content;
  for (let i = bytes - 1; i >= content; i--) {
    const more = i > content ? 128 : 0;
    if (u8[at + i] !== ((rest & 127) | more)) return false;
    rest = Math.floor(rest / 128);
  }
  return rest === 0;
}

// --- encoding one element --------------------------------------------------------------------------------------------

// What `planElement` decided: the encoding byte's kind, the integer's halves, bytes of encoding and data.
let planKind = 0;
let planHigh = 0;
let planLow = 0;
let planContent = 0;

/** Decides how the text is stored, for `putElement`, and returns the bytes it takes, backlen included. */
export function planElement(buf: Uint8Array, off: number, len: number): number {
  if (len <= 20 && int64.parse64(buf, off, len)) return planInteger(int64.hi, int64.lo);
  planKind = len < 64 ? 0x80 : len < 4096 ? 0xe0 : 0xf0;
  planContent = len + (len < 64 ? 1 : len < 4096 ? 2 : 5);
  return planContent + backlenBytes(planContent);
}

/** As `planElement` for the integer of these halves (`int64` says which); `putElement` looks at no text then. */
export function planInteger(hi: number, lo: number): number {
  planHigh = hi;
  planLow = lo;
  const n = lo | 0;
  if (hi !== n >> 31) {
    planKind = INT64;
    planContent = 9;
  } else if (n >= 0 && n <= 127) {
    planKind = 0;
    planContent = 1;
  } else if (n >= -4096 && n <= 4095) {
    planKind = 0xc0;
    planContent = 2;
  } else {
    planKind = n >= -32768 && n <= 32767 ? INT16 : n >= -8388608 && n <= 8388607 ? INT24 : INT32;
    planContent = planKind - INT16 + 3;
  }
  return planContent + 1;
}

/** Writes at u8[at] the element that was planned last; `buf` and `off` are those of the plan. */
export function putElement(u8: Uint8Array, at: number, buf: Uint8Array, off: number): void {
  const content = planContent;
  switch (planKind) {
    case 0:
      u8[at] = planLow;
      break;
    case 0xc0:
      u8[at] = 0xc0 | ((planLow >>> 8) & 31);
      u8[at + 1] = planLow;
      break;
    case 0x80:
      u8[at] = 0x80 | (content - 1);
      copyBytes(buf, off, u8, at + 1, content - 1);
      break;
    case 0xe0:
      u8[at] = 0xe0 | ((content - 2) >>> 8);
      u8[at + 1] = content - 2;
      copyBytes(buf, off, u8, at + 2, content - 2);
      break;
    case 0xf0:
      u8[at] = 0xf0;
      putWord(u8, at + 1, content - 5);
      copyBytes(buf, off, u8, at + 5, content - 5);
      break;
    default:
      u8[at] = planKind;
      for (let i = 1, rest = planLow; i < content && i < 5; i++, rest >>>= 8) u8[at + i] = rest;
      if (planKind === INT64) putWord(u8, at + 5, planHigh);
  }
  if (content < 128) {
    u8[at + content] = content;
    return;
  }
  const backlen = backlenBytes(content);
  let rest = content;
  for (let i = backlen - 1; i > 0; i--) {
    u8[at + content + i] = (rest & 127) | 128;
    rest >>>= 7;
  }
  u8[at + content] = rest;
}

function putWord(u8: Uint8Array, at: number, n: number): void {
  u8[at] = n;
  u8[at + 1] = n >>> 8;
  u8[at + 2] = n >>> 16;
  u8[at + 3] = n >>> 24;
}

/** Writes total and count into the header. A count that may not be known any more becomes unknown. */
export function putHeader(u8: Uint8Array, off: number, bytes: number, count: number): void {
  putWord(u8, off, bytes);
  const stored = Math.min(count, COUNT_UNKNOWN);
  u8[off + 4] = stored;
  u8[off + 5] = stored >>> 8;
}

/** The count as it stands in the header: 65535 = unknown. */
export function storedCount(u8: Uint8Array, off: number): number {
  return u8[off + 4]! | (u8[off + 5]! << 8);
}

/** Bytes that an element with this text takes, backlen included. */
export function lpElementBytes(buf: Uint8Array, bufOff: number, len: number): number {
  return planElement(buf, bufOff, len);
}

/** Bytes that the texts [from, to) of `buf` take in a listpack. */
export function lpBytesOf(buf: Uint8Array, off: Int32Array, len: Int32Array, from: number, to: number): number {
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += planElement(buf, off[i]!, len[i]!);
  return bytes;
}

/** Moves bytes within one view, ranges may overlap. */
export function moveBytes(u8: Uint8Array, from: number, to: number, bytes: number): void {
  if (bytes > 32) u8.copyWithin(to, from, from + bytes);
  else if (from > to) for (let i = 0; i < bytes; i++) u8[to + i] = u8[from + i]!;
  else for (let i = bytes - 1; i >= 0; i--) u8[to + i] = u8[from + i]!;
}

// --- writing: address in, address out --------------------------------------------------------------------------------
// `buf` must not lie in the same listpack.

/** A new empty listpack with room for `bytes` in all. */
export function lpNew(arena: Arena, bytes = 16): number {
  const address = arena.alloc(Math.max(bytes, LP_EMPTY));
  const u8 = arena.bytesOf(address);
  const off = byteIndex(address);
  putHeader(u8, off, LP_EMPTY, 0);
  u8[off + LP_HEADER] = LP_END;
  return address;
}

/** A listpack from validated bytes. */
export function lpFromBytes(arena: Arena, buf: Uint8Array, bufOff: number, len: number): number {
  const address = arena.alloc(len);
  copyBytes(buf, bufOff, arena.bytesOf(address), byteIndex(address), len);
  return address;
}

/** A copy of a listpack in a block of its own. */
export function lpCopy(arena: Arena, address: number): number {
  const bytes = lpBytes(arena.bytesOf(address), byteIndex(address));
  const copy = arena.alloc(bytes);
  copyBytes(arena.bytesOf(address), byteIndex(address), arena.bytesOf(copy), byteIndex(copy), bytes);
  return copy;
}

/** The block to write to, which has room for `need` bytes; the first `used` bytes are the old ones. */
function withRoom(arena: Arena, address: number, used: number, need: number): number {
  if (need <= arena.capacity(address)) return arena.own(address);
  return moved(arena, address, used, need > 32768 ? need + (need >>> 3) : need);
}

/** The listpack in a block that has room for `bytes` in all. */
export function lpReserve(arena: Arena, address: number, bytes: number): number {
  if (bytes <= arena.capacity(address)) return address;
  return moved(arena, address, lpBytes(arena.bytesOf(address), byteIndex(address)), bytes);
}

function moved(arena: Arena, address: number, used: number, bytes: number): number {
  const grown = arena.alloc(bytes);
  copyBytes(arena.bytesOf(address), byteIndex(address), arena.bytesOf(grown), byteIndex(grown), used);
  arena.free(address);
  return grown;
}

export function lpAppend(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number {
  const added = planElement(buf, bufOff, len);
  const bytes = lpBytes(arena.bytesOf(address), byteIndex(address));
  const owned = withRoom(arena, address, bytes, bytes + added);
  const u8 = arena.bytesOf(owned);
  const off = byteIndex(owned);
  putElement(u8, off + bytes - 1, buf, bufOff);
  u8[off + bytes - 1 + added] = LP_END;
  addToHeader(u8, off, bytes + added, 1);
  return owned;
}

export function lpPrepend(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number {
  return lpInsert(arena, address, LP_HEADER, buf, bufOff, len);
}

/** Inserts before the element at `pos` (which may be the end). */
export function lpInsert(
  arena: Arena,
  address: number,
  pos: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  return splice(arena, address, pos, 0, 1, planElement(buf, bufOff, len), buf, bufOff);
}

export function lpReplace(
  arena: Arena,
  address: number,
  pos: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  const removed = elementBytes(arena.bytesOf(address), byteIndex(address) + pos);
  return splice(arena, address, pos, removed, 0, planElement(buf, bufOff, len), buf, bufOff);
}

/** Puts the planned element of `added` bytes in the place of `removed` bytes at `pos`. */
function splice(
  arena: Arena,
  address: number,
  pos: number,
  removed: number,
  countChange: number,
  added: number,
  buf: Uint8Array,
  bufOff: number,
): number {
  const bytes = lpBytes(arena.bytesOf(address), byteIndex(address));
  const owned = withRoom(arena, address, bytes, bytes + added - removed);
  const u8 = arena.bytesOf(owned);
  const off = byteIndex(owned);
  if (added !== removed) moveBytes(u8, off + pos + removed, off + pos + added, bytes - pos - removed);
  putElement(u8, off + pos, buf, bufOff);
  addToHeader(u8, off, bytes + added - removed, countChange);
  return owned;
}

function addToHeader(u8: Uint8Array, off: number, bytes: number, countChange: number): void {
  putWord(u8, off, bytes);
  const count = storedCount(u8, off);
  if (count === COUNT_UNKNOWN) return;
  u8[off + 4] = count + countChange;
  u8[off + 5] = (count + countChange) >>> 8;
}

/** Removes `count` elements (fewer at the end) from `pos` on. */
export function lpDelete(arena: Arena, address: number, pos: number, count = 1): number {
  let owned = arena.own(address);
  let u8 = arena.bytesOf(owned);
  let off = byteIndex(owned);
  const from = off + pos;
  let to = from;
  let removed = 0;
  for (; removed < count && u8[to] !== LP_END; removed++) to += elementBytes(u8, to);
  const bytes = lpBytes(u8, off) - (to - from);
  moveBytes(u8, to, from, off + bytes - from);
  addToHeader(u8, off, bytes, -removed);
  const capacity = arena.capacity(owned);
  if (capacity > 64 && bytes < capacity - (capacity >>> 2)) {
    owned = moved(arena, owned, bytes, bytes);
    u8 = arena.bytesOf(owned);
    off = byteIndex(owned);
  }
  // A count that was lost can be had again once it fits.
  if (storedCount(u8, off) === COUNT_UNKNOWN && bytes < COUNT_UNKNOWN) putHeader(u8, off, bytes, lpCount(u8, off));
  return owned;
}

/** Appends all elements of `other`, which is freed. */
export function lpMerge(arena: Arena, address: number, other: number): number {
  const bytes = lpBytes(arena.bytesOf(address), byteIndex(address));
  const from = arena.bytesOf(other);
  const fromOff = byteIndex(other);
  const added = lpBytes(from, fromOff) - LP_EMPTY;
  const count = lpCount(from, fromOff) + lpCount(arena.bytesOf(address), byteIndex(address));
  const owned = withRoom(arena, address, bytes, bytes + added);
  const u8 = arena.bytesOf(owned);
  const off = byteIndex(owned);
  copyBytes(from, fromOff + LP_HEADER, u8, off + bytes - 1, added + 1);
  putHeader(u8, off, bytes + added, count);
  arena.free(other);
  return owned;
}

/** A new listpack of the elements from `pos` to the end, `count` of them; they stay in the old one too. */
export function lpTail(arena: Arena, address: number, pos: number, count: number): number {
  const from = arena.bytesOf(address);
  const fromOff = byteIndex(address);
  const bytes = lpBytes(from, fromOff) - pos + LP_HEADER;
  const tail = arena.alloc(bytes);
  const u8 = arena.bytesOf(tail);
  const off = byteIndex(tail);
  copyBytes(from, fromOff + pos, u8, off + LP_HEADER, bytes - LP_HEADER);
  putHeader(u8, off, bytes, count);
  return tail;
}
