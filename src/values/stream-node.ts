/**
 * A node of a stream: some of its entries in a row, in one block, their listpack byte for byte as in Redis and RDB files.
 *
 *   [ ID of the first entry: 4 words ][ listpack ][ slack ]
 *
 *   listpack   count  deleted  fields F  field names ...  0           the head: what most entries here have in common
 *              then for each entry, deleted ones included:
 *              flags  ms  seq  [ values ... ]                 n       flags with SAME_FIELDS: the head's fields, in order
 *              flags  ms  seq  fields  [ name value ... ]     n       otherwise
 *
 *   ms, seq    the entry's ID minus the node's: 64-bit differences
 *   n          how many elements stand before it in the entry, for the way back; the head's 0 ends that way
 *
 * Deleting an entry sets a flag; a node whose last entry goes is dropped whole (stream.ts).
 *
 * Invariants:
 *   1. count + deleted entries stand in the listpack.
 *   2. A node that no entry will be added to has little slack.
 *
 * What reads works on an attached arena in another thread. What writes takes the block's address and returns the one that
 * the parent must store.
 */

import { copyBytes } from '../base/copy-bytes.js';
import { Arena, byteIndex } from '../memory/arena.js';
import {
  elementBytes,
  LP_EMPTY,
  LP_END,
  LP_HEADER,
  lpBytes,
  lpEquals,
  lpNext,
  lpNumber,
  moveBytes,
  planElement,
  planInteger,
  putElement,
  putHeader,
  storedCount,
} from '../memory/listpack.js';
import type { StreamId } from './stream-id.js';

export const DELETED = 1;
export const SAME_FIELDS = 2;
/** Bytes from the block's start to the listpack. */
const PACK = 16;
/** Bytes that an integer takes at most. */
const INTEGER_MAX = 10;
const COUNT_UNKNOWN = 65535;
/** Bytes that a node grows ahead at most. */
const ROOM_AHEAD_MAX = 2048;
const NO_TEXT = new Uint8Array(0);

/** Fields and values in turn, where they lie: pair i is the texts `from + 2 * i` and the next one. */
export interface EntryTexts {
  buf: Uint8Array;
  off: ArrayLike<number>;
  len: ArrayLike<number>;
  from: number;
  pairs: number;
}

/** Index of the node's listpack in `arena.bytesOf(node)`. */
export function packAt(node: number): number {
  return byteIndex(node) + PACK;
}

/** A node from validated bytes. */
export function nodeFromBytes(arena: Arena, id: StreamId, buf: Uint8Array, off: number, len: number): number {
  const node = arena.alloc(PACK + len);
  id.store(arena, node, 0);
  copyBytes(buf, off, arena.bytesOf(node), packAt(node), len);
  return node;
}

/** A copy without slack. */
export function nodeCopy(arena: Arena, node: number): number {
  return moveTo(arena, node, PACK + lpBytes(arena.bytesOf(node), packAt(node)));
}

/** Entries that are not deleted. */
export function nodeCount(arena: Arena, node: number): number {
  return lpNumber(arena.bytesOf(node), packAt(node), LP_HEADER);
}
/** Position of the head's `deleted`. */
function deletedAt(u8: Uint8Array, off: number): number {
  return LP_HEADER + elementBytes(u8, off + LP_HEADER);
}
export function nodeDeleted(arena: Arena, node: number): number {
  const u8 = arena.bytesOf(node);
  const off = packAt(node);
  return lpNumber(u8, off, deletedAt(u8, off));
}

/** Whether `bytes` more of text may join the node under these limits (bytes of the node, entries; 0 = none). */
export function nodeTakes(arena: Arena, node: number, bytes: number, bytesMax: number, entriesMax: number): boolean {
  if (lpBytes(arena.bytesOf(node), packAt(node)) + bytes >= bytesMax) return false;
  return entriesMax === 0 || nodeCount(arena, node) + nodeDeleted(arena, node) < entriesMax;
}

// --- writing ---------------------------------------------------------------------------------------------------------

/** At most how many bytes a text takes as an element. */
function elementMax(len: number): number {
  return len + (len < 64 ? 2 : len < 4096 ? 4 : 10);
}

function putText(u8: Uint8Array, at: number, buf: Uint8Array, off: number, len: number): number {
  const bytes = planElement(buf, off, len);
  putElement(u8, at, buf, off);
  return at + bytes;
}
function putInteger(u8: Uint8Array, at: number, hi: number, lo: number): number {
  const bytes = planInteger(hi, lo);
  putElement(u8, at, NO_TEXT, 0);
  return at + bytes;
}

/** The same node in a new block of at least `bytes`; the old one is left as it is. */
function moveTo(arena: Arena, node: number, bytes: number): number {
  const moved = arena.alloc(bytes);
  const used = PACK + lpBytes(arena.bytesOf(node), packAt(node));
  copyBytes(arena.bytesOf(node), byteIndex(node), arena.bytesOf(moved), byteIndex(moved), used);
  return moved;
}

/** The node to write to, with room for `added` bytes more. */
function withRoom(arena: Arena, node: number, added: number): number {
  const need = PACK + lpBytes(arena.bytesOf(node), packAt(node)) + added;
  if (need <= arena.capacity(node)) return arena.own(node);
  const moved = moveTo(arena, node, need + Math.min(need >>> 1, ROOM_AHEAD_MAX));
  arena.free(node);
  return moved;
}

/** Gives back what the node has too much; for one that no entry will be added to. */
export function nodeShrink(arena: Arena, node: number): number {
  const bytes = PACK + lpBytes(arena.bytesOf(node), packAt(node));
  if (Arena.roundUp(bytes) >= arena.capacity(node)) return node;
  const moved = moveTo(arena, node, bytes);
  arena.free(node);
  return moved;
}

/** A new node with the head that this entry makes, and nothing else. */
export function nodeNew(arena: Arena, id: StreamId, texts: EntryTexts): number {
  const { buf, off, len, from, pairs } = texts;
  let bytes = PACK + LP_EMPTY + 4 * INTEGER_MAX;
  for (let i = 0; i < pairs; i++) bytes += elementMax(len[from + 2 * i]!);
  const node = arena.alloc(bytes);
  id.store(arena, node, 0);
  const u8 = arena.bytesOf(node);
  const pack = packAt(node);
  let at = putInteger(u8, pack + LP_HEADER, 0, 0);
  at = putInteger(u8, at, 0, 0);
  at = putInteger(u8, at, 0, pairs);
  for (let i = 0; i < pairs; i++) at = putText(u8, at, buf, off[from + 2 * i]!, len[from + 2 * i]!);
  at = putInteger(u8, at, 0, 0);
  u8[at] = LP_END;
  putHeader(u8, pack, at + 1 - pack, 4 + pairs);
  return node;
}

/** Adds an entry, whose ID is larger than all that are here. Hot: no allocation but of blocks. */
export function nodeAppend(arena: Arena, node: number, id: StreamId, texts: EntryTexts): number {
  const { buf, off, len, from, pairs } = texts;
  const same = hasFields(arena, node, texts);
  let added = 6 * INTEGER_MAX;
  for (let i = same ? 1 : 0; i < 2 * pairs; i += same ? 2 : 1) added += elementMax(len[from + i]!);
  node = withRoom(arena, node, added);
  node = nodeSetInteger(arena, node, LP_HEADER, nodeCount(arena, node) + 1);

  const u8 = arena.bytesOf(node);
  const pack = packAt(node);
  const bytes = lpBytes(u8, pack);
  const elements = storedCount(u8, pack);
  let at = putInteger(u8, pack + bytes - 1, 0, same ? SAME_FIELDS : 0);
  at = putDifference(u8, at, id.msHi, id.msLo, arena.getWord(node, 0), arena.getWord(node, 1));
  at = putDifference(u8, at, id.seqHi, id.seqLo, arena.getWord(node, 2), arena.getWord(node, 3));
  if (!same) at = putInteger(u8, at, 0, pairs);
  for (let i = same ? 1 : 0; i < 2 * pairs; i += same ? 2 : 1) {
    at = putText(u8, at, buf, off[from + i]!, len[from + i]!);
  }
  const inEntry = same ? 3 + pairs : 4 + 2 * pairs;
  at = putInteger(u8, at, 0, inEntry);
  u8[at] = LP_END;
  putHeader(u8, pack, at + 1 - pack, elements === COUNT_UNKNOWN ? COUNT_UNKNOWN : elements + inEntry + 1);
  return node;
}

/** Writes a - b. */
function putDifference(u8: Uint8Array, at: number, aHi: number, aLo: number, bHi: number, bLo: number): number {
  const lo = aLo - bLo;
  return putInteger(u8, at, (aHi - bHi - (lo < 0 ? 1 : 0)) | 0, lo >>> 0);
}

/** Whether the entry has the fields of the node's head. */
function hasFields(arena: Arena, node: number, texts: EntryTexts): boolean {
  const { buf, off, len, from, pairs } = texts;
  const u8 = arena.bytesOf(node);
  const pack = packAt(node);
  let pos = lpNext(u8, pack, deletedAt(u8, pack));
  if (lpNumber(u8, pack, pos) !== pairs) return false;
  for (let i = 0; i < pairs; i++) {
    pos = lpNext(u8, pack, pos);
    if (!lpEquals(u8, pack, pos, buf, off[from + 2 * i]!, len[from + 2 * i]!)) return false;
  }
  return true;
}

/** Puts the integer, 0 to 2^31 - 1, in place of the element at `pos`. */
function nodeSetInteger(arena: Arena, node: number, pos: number, n: number): number {
  const old = elementBytes(arena.bytesOf(node), packAt(node) + pos);
  const added = planInteger(0, n) - old;
  node = added > 0 ? withRoom(arena, node, added) : arena.own(node);
  const u8 = arena.bytesOf(node);
  const pack = packAt(node);
  if (added !== 0) {
    const bytes = lpBytes(u8, pack);
    moveBytes(u8, pack + pos + old, pack + pos + old + added, bytes - pos - old);
    putHeader(u8, pack, bytes + added, storedCount(u8, pack));
  }
  planInteger(0, n);
  putElement(u8, pack + pos, NO_TEXT, 0);
  return node;
}

/** Flags the entry at `pos` as deleted; the node is owned. Flags are one byte. The counts are `nodeCountDeleted`'s. */
export function nodeFlagDeleted(arena: Arena, node: number, pos: number): void {
  arena.bytesOf(node)[packAt(node) + pos]! |= DELETED;
}

/** `deleted` entries more are deleted. */
export function nodeCountDeleted(arena: Arena, node: number, deleted: number): number {
  node = nodeSetInteger(arena, node, LP_HEADER, Math.max(0, nodeCount(arena, node) - deleted));
  const was = nodeDeleted(arena, node);
  return nodeSetInteger(arena, node, deletedAt(arena.bytesOf(node), packAt(node)), was + deleted);
}
