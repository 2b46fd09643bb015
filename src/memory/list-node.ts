/**
 * A node of a list: a listpack that may begin anywhere in its block, so that elements come and go at both ends without
 * moving the others.
 *
 *   [ start u16 ][ gap ][ listpack ][ slack ]        start = bytes from the block's start to the listpack
 *
 * Why: in an 8 KiB listpack a push or a pop at the head moves all its bytes, and misaligned moves within shared memory
 * are slow (about 3 GB/s).
 *
 * Reading: `nodeAt` is the index of the listpack; from there on the functions of listpack.ts apply. It works on an
 * attached arena in another thread. Writing works on the block's address and returns the one that the parent must store.
 * Positions are the listpack's, counted from its start, and keep as said there.
 *
 * Invariants:
 *   1. 2 <= start, and start + total bytes <= capacity of the block.
 *   2. A block whose capacity exceeds 64 bytes is at least 3/4 used after a removal.
 */

import { copyBytes } from '../base/copy-bytes.js';
import { Arena, byteIndex } from './arena.js';
import {
  elementBytes,
  LP_EMPTY,
  LP_END,
  LP_HEADER,
  lpBytes,
  lpCount,
  lpPrev,
  moveBytes,
  planElement,
  putElement,
  putHeader,
  storedCount,
} from './listpack.js';

/** The smallest start. */
const START = 2;
const START_MAX = 65535;
const COUNT_UNKNOWN = 65535;
/** Larger nodes grow by more than they need at once: copying them costs more than an eighth of room. */
const GROWS_AHEAD_FROM = 512;

/** Index of the node's listpack in `arena.bytesOf(address)`. */
export function nodeAt(arena: Arena, address: number): number {
  const u8 = arena.bytesOf(address);
  const base = byteIndex(address);
  return base + (u8[base]! | (u8[base + 1]! << 8));
}

function setStart(u8: Uint8Array, base: number, start: number): void {
  u8[base] = start;
  u8[base + 1] = start >>> 8;
}

/** A new node with an empty listpack and room for `bytes` of it in all, before it (`head`) or behind it. */
export function nodeNew(arena: Arena, bytes = LP_EMPTY, head = false): number {
  const address = arena.alloc(START + Math.max(bytes, LP_EMPTY));
  const u8 = arena.bytesOf(address);
  const base = byteIndex(address);
  const start = head ? Math.min(arena.capacity(address) - LP_EMPTY, START_MAX) : START;
  setStart(u8, base, start);
  putHeader(u8, base + start, LP_EMPTY, 0);
  u8[base + start + LP_HEADER] = LP_END;
  return address;
}

/** A new node from a listpack's bytes, validated. */
export function nodeFromBytes(arena: Arena, buf: Uint8Array, off: number, len: number): number {
  const address = arena.alloc(START + len);
  const u8 = arena.bytesOf(address);
  const base = byteIndex(address);
  setStart(u8, base, START);
  copyBytes(buf, off, u8, base + START, len);
  return address;
}

/** A copy in a block of its own. */
export function nodeCopy(arena: Arena, address: number): number {
  const u8 = arena.bytesOf(address);
  const at = nodeAt(arena, address);
  return nodeFromBytes(arena, u8, at, lpBytes(u8, at));
}

/** The node in a block with room for `more` bytes at an end. */
export function nodeReserve(arena: Arena, address: number, head: boolean, more: number): number {
  const u8 = arena.bytesOf(address);
  const at = nodeAt(arena, address);
  const start = at - byteIndex(address);
  const bytes = lpBytes(u8, at);
  if (head ? start - more >= START : start + bytes + more <= arena.capacity(address)) return address;
  const node = arena.alloc(START + bytes + more);
  const to = head ? Math.min(arena.capacity(node) - bytes, START_MAX) : START;
  setStart(arena.bytesOf(node), byteIndex(node), to);
  copyBytes(u8, at, arena.bytesOf(node), byteIndex(node) + to, bytes);
  arena.free(address);
  return node;
}

/** Adds an element at an end. Hot: no allocation but of blocks. */
export function nodePush(
  arena: Arena,
  address: number,
  head: boolean,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  const added = planElement(buf, bufOff, len);
  let u8 = arena.bytesOf(address);
  let at = nodeAt(arena, address);
  const bytes = lpBytes(u8, at);
  const pos = head ? LP_HEADER : bytes - 1;
  const start = at - byteIndex(address);
  const inPlace = head ? start - added >= START : start + bytes + added <= arena.capacity(address);
  if (!inPlace) return put(arena, openHole(arena, address, pos, 0, added), pos, added, 1, buf, bufOff);

  if (arena.capturing) {
    address = arena.own(address);
    u8 = arena.bytesOf(address);
    at = byteIndex(address) + start;
  }
  const stored = storedCount(u8, at);
  if (head) {
    at -= added;
    setStart(u8, byteIndex(address), start - added);
  }
  putElement(u8, at + pos, buf, bufOff);
  if (!head) u8[at + pos + added] = LP_END;
  putHeader(u8, at, bytes + added, stored === COUNT_UNKNOWN ? stored : stored + 1);
  return address;
}

/** Inserts before the element at `pos` (which may be the end). */
export function nodeInsert(
  arena: Arena,
  address: number,
  pos: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  const added = planElement(buf, bufOff, len);
  return put(arena, openHole(arena, address, pos, 0, added), pos, added, 1, buf, bufOff);
}

export function nodeReplace(
  arena: Arena,
  address: number,
  pos: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  const removed = elementBytes(arena.bytesOf(address), nodeAt(arena, address) + pos);
  const added = planElement(buf, bufOff, len);
  const node = put(arena, openHole(arena, address, pos, removed, added), pos, added - removed, 0, buf, bufOff);
  return added < removed ? shrunk(arena, node) : node;
}

/** Removes `count` elements (fewer at the end) from `pos` on. */
export function nodeDelete(arena: Arena, address: number, pos: number, count = 1): number {
  const from = arena.bytesOf(address);
  const first = nodeAt(arena, address) + pos;
  let end = first;
  let n = 0;
  for (; n < count && from[end] !== LP_END; n++) end += elementBytes(from, end);
  const removed = end - first;
  const node = openHole(arena, address, pos, removed, 0);
  const u8 = arena.bytesOf(node);
  const at = nodeAt(arena, node);
  const stored = storedCount(u8, at);
  putHeader(u8, at, headerBytes - removed, stored === COUNT_UNKNOWN ? stored : stored - n);
  return shrunk(arena, node);
}

/** Removes the first or the last element of a node that is not empty. Hot. */
export function nodeDropEnd(arena: Arena, address: number, head: boolean): number {
  const node = arena.own(address);
  const u8 = arena.bytesOf(node);
  const base = byteIndex(node);
  let at = nodeAt(arena, node);
  const bytes = lpBytes(u8, at);
  const stored = storedCount(u8, at);
  const pos = head ? LP_HEADER : lpPrev(u8, at, bytes - 1);
  const removed = head ? elementBytes(u8, at + LP_HEADER) : bytes - 1 - pos;
  if (!head) {
    u8[at + pos] = LP_END;
  } else {
    if (at - base + removed > START_MAX) return nodeDelete(arena, node, LP_HEADER);
    at += removed;
    setStart(u8, base, at - base);
  }
  putHeader(u8, at, bytes - removed, stored === COUNT_UNKNOWN ? stored : stored - 1);
  return shrunk(arena, node);
}

/** A new node of the elements from `pos` to the end, `count` of them; they stay in the old one too. */
export function nodeTail(arena: Arena, address: number, pos: number, count: number): number {
  const from = arena.bytesOf(address);
  const fromAt = nodeAt(arena, address);
  const bytes = lpBytes(from, fromAt) - pos + LP_HEADER;
  const tail = arena.alloc(START + bytes);
  const u8 = arena.bytesOf(tail);
  const base = byteIndex(tail);
  setStart(u8, base, START);
  copyBytes(from, fromAt + pos, u8, base + START + LP_HEADER, bytes - LP_HEADER);
  putHeader(u8, base + START, bytes, count);
  return tail;
}

/** A node of the elements of both; both are freed. */
export function nodeMerge(arena: Arena, left: number, right: number): number {
  const leftU8 = arena.bytesOf(left);
  const leftAt = nodeAt(arena, left);
  const rightU8 = arena.bytesOf(right);
  const rightAt = nodeAt(arena, right);
  const leftBytes = lpBytes(leftU8, leftAt);
  const rightBytes = lpBytes(rightU8, rightAt);
  const count = lpCount(leftU8, leftAt) + lpCount(rightU8, rightAt);
  const bytes = leftBytes + rightBytes - LP_EMPTY;
  const merged = arena.alloc(START + bytes);
  const u8 = arena.bytesOf(merged);
  const at = byteIndex(merged) + START;
  setStart(u8, byteIndex(merged), START);
  copyBytes(leftU8, leftAt + LP_HEADER, u8, at + LP_HEADER, leftBytes - LP_EMPTY);
  copyBytes(rightU8, rightAt + LP_HEADER, u8, at + leftBytes - 1, rightBytes - LP_HEADER);
  putHeader(u8, at, bytes, count);
  arena.free(left);
  arena.free(right);
  return merged;
}

// --- holes -----------------------------------------------------------------------------------------------------------

// The listpack's bytes before the hole was opened: openHole may have moved its header apart from the rest.
let headerBytes = 0;

/** Writes the planned element into the hole at `pos` and the header. */
function put(
  arena: Arena,
  node: number,
  pos: number,
  bytesChange: number,
  countChange: number,
  buf: Uint8Array,
  bufOff: number,
): number {
  const u8 = arena.bytesOf(node);
  const at = nodeAt(arena, node);
  putElement(u8, at + pos, buf, bufOff);
  const stored = storedCount(u8, at);
  putHeader(u8, at, headerBytes + bytesChange, stored === COUNT_UNKNOWN ? stored : stored + countChange);
  return node;
}

/**
 * Makes a hole of `added` bytes in the place of `removed` bytes at `pos`, moving what stands before or behind it, and
 * returns the block to write to. The header still tells the old total, which is `headerBytes` as well.
 */
function openHole(arena: Arena, address: number, pos: number, removed: number, added: number): number {
  const from = arena.bytesOf(address);
  const at = nodeAt(arena, address);
  const start = at - byteIndex(address);
  const bytes = lpBytes(from, at);
  headerBytes = bytes;
  const delta = added - removed;
  if (delta === 0) return arena.own(address);
  const capacity = arena.capacity(address);
  const behind = bytes - pos - removed;
  const frontGives = start - delta >= START && start - delta <= START_MAX;
  const backGives = start + bytes + delta <= capacity;
  if (!frontGives && !backGives) return relocate(arena, address, start, bytes, pos, removed, added);

  const node = arena.own(address);
  const u8 = arena.bytesOf(node);
  const lp = byteIndex(node) + start;
  if (frontGives && (pos < behind || !backGives)) {
    moveBytes(u8, lp, lp - delta, pos);
    setStart(u8, byteIndex(node), start - delta);
  } else {
    moveBytes(u8, lp + pos + removed, lp + pos + added, behind);
  }
  return node;
}

/** `openHole` for when neither side has room: moves the listpack within its block, or to a larger one. */
function relocate(
  arena: Arena,
  address: number,
  start: number,
  bytes: number,
  pos: number,
  removed: number,
  added: number,
): number {
  const need = bytes + added - removed;
  const behind = bytes - pos - removed;
  const atFront = pos < behind;
  const capacity = arena.capacity(address);
  const free = capacity - START - need;
  // The larger part moves by a multiple of 8 bytes, which is several times faster.
  const phase = atFront ? start + removed - added : start;
  if (free >= 0 && (need <= 128 || free >= need >>> 3)) {
    const node = arena.own(address);
    const u8 = arena.bytesOf(node);
    const base = byteIndex(node);
    const to = aligned(START + (free >>> 1), phase, START);
    const hole = base + to + pos;
    const old = base + start + pos;
    if (to <= start) moveBytes(u8, base + start, base + to, pos);
    moveBytes(u8, old + removed, hole + added, behind);
    if (to > start) moveBytes(u8, base + start, base + to, pos);
    setStart(u8, base, to);
    return node;
  }
  // Whoever uses both ends gets room at both.
  const both = need > 128 && (atFront ? capacity - start - bytes : start - START) >= 16;
  const extra = both || need > GROWS_AHEAD_FROM ? need >>> 3 : 0;
  const slant = need > 256 ? 7 : 0;
  const node = arena.alloc(START + need + extra + slant);
  const room = Arena.roundUp(START + need + extra + slant) - START - need;
  let to = START + (atFront ? room : 0);
  if (both) to = START + (room >>> 1);
  if (slant > 0) to = atFront ? aligned(to, phase, START) : aligned(to + 7, phase, START);
  if (to > START_MAX) to = START_MAX;
  const from = arena.bytesOf(address);
  const fromAt = byteIndex(address) + start;
  const u8 = arena.bytesOf(node);
  const base = byteIndex(node);
  setStart(u8, base, to);
  copyBytes(from, fromAt, u8, base + to, pos);
  copyBytes(from, fromAt + pos + removed, u8, base + to + pos + added, behind);
  arena.free(address);
  return node;
}

/** The largest number up to `ideal` that is `phase` modulo 8, unless it is below `least`: then `ideal`. */
function aligned(ideal: number, phase: number, least: number): number {
  const to = ideal - ((ideal - phase) & 7);
  return to < least ? ideal : to;
}

/** Moves the listpack into a smaller block if its own is too empty. */
function shrunk(arena: Arena, node: number): number {
  const capacity = arena.capacity(node);
  if (capacity <= 64) return node;
  const bytes = lpBytes(arena.bytesOf(node), nodeAt(arena, node));
  if (START + bytes >= capacity - (capacity >>> 2)) return node;
  const smaller = nodeCopy(arena, node);
  arena.free(node);
  return smaller;
}
