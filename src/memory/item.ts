/**
 * An item: one block that holds a key and what belongs to it. Every dict holds items, so that one dict serves all:
 *
 *   keyspace entry   key, expiry (slot), string value inline or the root address of a collection
 *   hash field       field, expiry (slot), value inline
 *   set member       member
 *   zset member      member, score (slot)
 *
 * Layout in 32-bit words, all in one arena block (w0 is the block's start, 8-byte aligned):
 *
 *   narrow   w0 meta   w1 keyBytes:12 | valueBytes:20 << 12     [slot: double]  [root: word]  key  value
 *   wide     w0 meta   w1 keyBytes    w2 valueBytes   w3 0      [slot: double]  [root: word]  key  value
 *
 *   meta     bits 0-2   type      (ItemType; persisted nowhere)
 *            bits 3-5   encoding  (Encoding)
 *            bit  6     slot      a double follows: expiry in milliseconds since 1970, or a score
 *            bit  7     wide
 *            bits 8-31  LRU clock in seconds or LFU counter, as in Redis
 *
 * Invariants:
 *   1. A narrow item's key is at most 4095 bytes, its value at most 1048575 bytes.
 *   2. Entries of collection types have a root word, and a value of 0 bytes.
 *   3. keyOffset + keyBytes + valueBytes <= capacity of the block. The rest of the block is room to grow in place.
 */
import { copyBytes } from '../base/copy-bytes.js';
import type { Slice } from '../base/slice.js';
import type { Arena } from './arena.js';
import { byteIndex, doubleIndex, wordIndex } from './arena.js';

/** In the order of RDB's basic types, and of what TYPE says. */
export const ItemType = { STRING: 0, LIST: 1, SET: 2, ZSET: 3, HASH: 4, STREAM: 5, MODULE: 6 } as const;
export type ItemType = (typeof ItemType)[keyof typeof ItemType];

/** How the value is stored; the meaning depends on the type. */
export const Encoding = {
  RAW: 0, // string: bytes inline
  INT: 1, // string: decimal text inline that is a 64-bit integer
  EMBSTR: 2, // string: bytes inline, at most 44 bytes and never changed in place
  LISTPACK: 3, // list, set, hash, zset: root is a listpack
  INTSET: 4, // set: root is an intset
  LISTPACK_EX: 4, // hash: root is a listpack of triples: field, value, expiry
  DICT: 5, // set, hash: root is a dict
  TREE: 6, // list: root is a tree of listpacks ("quicklist"); zset: root is a dict and a tree ("skiplist"); stream: its root
  BLOB: 7, // module: root is the RDB payload
} as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

const SLOT = 1 << 6;
const WIDE = 1 << 7;
export const NARROW_KEY_MAX = 4095;
export const NARROW_VALUE_MAX = 1048575;

/** Bytes of the block for an item. */
export function itemBytes(keyBytes: number, valueBytes: number, slot: boolean, root: boolean): number {
  const wide = keyBytes > NARROW_KEY_MAX || valueBytes > NARROW_VALUE_MAX;
  return (wide ? 16 : 8) + (slot ? 8 : 0) + (root ? 4 : 0) + keyBytes + valueBytes;
}

/** Whether entries of this type keep their value behind a root word. */
export function hasRoot(meta: number): boolean {
  const encoding = (meta >>> 3) & 7;
  return encoding >= Encoding.LISTPACK;
}

/**
 * A new item with its key written; the value's bytes (or the root) are the caller's to write.
 * @param meta type | encoding << 3 | lru << 8; slot and wide bits are set here
 * @param slot the slot's double, or NaN for an item without slot
 * @param room bytes that the value may grow to in place, at least `valueBytes`
 */
export function itemAlloc(
  arena: Arena,
  meta: number,
  slot: number,
  key: Uint8Array,
  keyOff: number,
  keyBytes: number,
  valueBytes: number,
  room = valueBytes,
): number {
  const wide = keyBytes > NARROW_KEY_MAX || room > NARROW_VALUE_MAX;
  const withSlot = !Number.isNaN(slot);
  const root = hasRoot(meta);
  let bytes = (wide ? 16 : 8) + (withSlot ? 8 : 0) + (root ? 4 : 0);
  const address = arena.alloc(bytes + keyBytes + room);
  const words = arena.wordsOf(address);
  const w = wordIndex(address);
  words[w] = (meta & ~(SLOT | WIDE)) | (withSlot ? SLOT : 0) | (wide ? WIDE : 0);
  if (wide) {
    words[w + 1] = keyBytes;
    words[w + 2] = valueBytes;
    words[w + 3] = 0;
  } else {
    words[w + 1] = keyBytes | (valueBytes << 12);
  }
  if (withSlot) arena.doublesOf(address)[doubleIndex(address) + (wide ? 2 : 1)] = slot;
  if (root) words[w + ((bytes - 4) >>> 2)] = 0;
  bytes += byteIndex(address);
  copyBytes(key, keyOff, arena.bytesOf(address), bytes, keyBytes);
  return address;
}

export function itemMeta(arena: Arena, address: number): number {
  return arena.getWord(address, 0);
}
export function itemType(arena: Arena, address: number): ItemType {
  return (arena.getWord(address, 0) & 7) as ItemType;
}
export function itemEncoding(arena: Arena, address: number): Encoding {
  return ((arena.getWord(address, 0) >>> 3) & 7) as Encoding;
}
/** The block must be owned. Changing between encodings with and without root needs a new item instead. */
export function setItemEncoding(arena: Arena, address: number, encoding: Encoding): void {
  arena.setWord(address, 0, (arena.getWord(address, 0) & ~(7 << 3)) | (encoding << 3));
}
export function itemLru(arena: Arena, address: number): number {
  return arena.getWord(address, 0) >>> 8;
}
export function setItemLru(arena: Arena, address: number, lru: number): void {
  arena.setWord(address, 0, (arena.getWord(address, 0) & 0xff) | (lru << 8));
}

export function itemKeyBytes(arena: Arena, address: number): number {
  const word = arena.getWord(address, 1);
  return (arena.getWord(address, 0) & WIDE) !== 0 ? word : word & 0xfff;
}
export function itemValueBytes(arena: Arena, address: number): number {
  return (arena.getWord(address, 0) & WIDE) !== 0 ? arena.getWord(address, 2) : arena.getWord(address, 1) >>> 12;
}
/** The block must be owned, and `valueBytes` at most `itemRoom`. */
export function setItemValueBytes(arena: Arena, address: number, valueBytes: number): void {
  if ((arena.getWord(address, 0) & WIDE) !== 0) arena.setWord(address, 2, valueBytes);
  else arena.setWord(address, 1, (arena.getWord(address, 1) & 0xfff) | (valueBytes << 12));
}
/**
 * Puts another value into an item that keeps its bytes inline, where it fits without much waste. False: a new item is due.
 * The block must be owned. Hot: each word is read once.
 * @param meta encoding << 3 | lru << 8; the rest of the item's meta stays
 * @param slot the slot's double, or NaN for an item without slot, as this one must be then
 */
export function itemOverwrite(
  arena: Arena,
  address: number,
  meta: number,
  slot: number,
  value: Uint8Array,
  valueOff: number,
  valueBytes: number,
): boolean {
  const words = arena.wordsOf(address);
  const w = wordIndex(address);
  const old = words[w]!;
  const withSlot = !Number.isNaN(slot);
  if (hasRoot(old) || ((old & SLOT) !== 0) !== withSlot) return false;
  const wide = (old & WIDE) !== 0;
  const keyBytes = wide ? words[w + 1]! : words[w + 1]! & 0xfff;
  const head = (wide ? 16 : 8) + (withSlot ? 8 : 0) + keyBytes;
  const room = arena.capacity(address) - head;
  if (valueBytes > room || room > 2 * valueBytes + 64 || (!wide && valueBytes > NARROW_VALUE_MAX)) return false;
  words[w] = (old & (7 | SLOT | WIDE)) | meta;
  if (wide) words[w + 2] = valueBytes;
  else words[w + 1] = keyBytes | (valueBytes << 12);
  if (withSlot) arena.doublesOf(address)[doubleIndex(address) + (wide ? 2 : 1)] = slot;
  copyBytes(value, valueOff, arena.bytesOf(address), byteIndex(address) + head, valueBytes);
  return true;
}

/** Bytes from the block's start to the key. */
export function itemKeyOffset(arena: Arena, address: number): number {
  const meta = arena.getWord(address, 0);
  return ((meta & WIDE) !== 0 ? 16 : 8) + ((meta & SLOT) !== 0 ? 8 : 0) + (hasRoot(meta) ? 4 : 0);
}
/** Index of the key's first byte in `arena.bytesOf(address)`. */
export function itemKeyIndex(arena: Arena, address: number): number {
  return byteIndex(address) + itemKeyOffset(arena, address);
}
/** Index of the value's first byte in `arena.bytesOf(address)`. */
export function itemValueIndex(arena: Arena, address: number): number {
  return byteIndex(address) + itemKeyOffset(arena, address) + itemKeyBytes(arena, address);
}
/** The value's bytes. Hot: the words before the key are read once. */
export function itemValue(arena: Arena, address: number, out: Slice): void {
  const words = arena.wordsOf(address);
  const w = wordIndex(address);
  const meta = words[w]!;
  const lengths = words[w + 1]!;
  const before = byteIndex(address) + ((meta & SLOT) !== 0 ? 8 : 0) + (hasRoot(meta) ? 4 : 0);
  if ((meta & WIDE) !== 0) out.set(arena.bytesOf(address), before + 16 + lengths, words[w + 2]!);
  else out.set(arena.bytesOf(address), before + 8 + (lengths & 0xfff), lengths >>> 12);
}
/** Bytes that the value can have without moving the item. */
export function itemRoom(arena: Arena, address: number): number {
  const room = arena.capacity(address) - itemKeyOffset(arena, address) - itemKeyBytes(arena, address);
  if ((arena.getWord(address, 0) & WIDE) !== 0) return room;
  return Math.min(room, NARROW_VALUE_MAX);
}

/** Whether the item's key is these bytes. Hot: the first word is read once. */
export function itemHasKey(arena: Arena, address: number, buf: Uint8Array, off: number, len: number): boolean {
  const words = arena.wordsOf(address);
  const w = wordIndex(address);
  const meta = words[w]!;
  const keyWord = words[w + 1]!;
  const wide = (meta & WIDE) !== 0;
  if ((wide ? keyWord : keyWord & 0xfff) !== len) return false;
  const bytes = arena.bytesOf(address);
  const at = byteIndex(address) + (wide ? 16 : 8) + ((meta & SLOT) !== 0 ? 8 : 0) + (hasRoot(meta) ? 4 : 0);
  for (let i = 0; i < len; i++) if (bytes[at + i] !== buf[off + i]) return false;
  return true;
}

export function haveOneKey(arena: Arena, address: number, other: number): boolean {
  return itemHasKey(arena, address, arena.bytesOf(other), itemKeyIndex(arena, other), itemKeyBytes(arena, other));
}

export function itemHasSlot(arena: Arena, address: number): boolean {
  return (arena.getWord(address, 0) & SLOT) !== 0;
}
/** The slot's double; NaN without slot. */
export function itemSlot(arena: Arena, address: number): number {
  const meta = arena.getWord(address, 0);
  if ((meta & SLOT) === 0) return Number.NaN;
  return arena.doublesOf(address)[doubleIndex(address) + ((meta & WIDE) !== 0 ? 2 : 1)]!;
}
/** The block must be owned and have a slot. */
export function setItemSlot(arena: Arena, address: number, value: number): void {
  const wide = (arena.getWord(address, 0) & WIDE) !== 0;
  arena.doublesOf(address)[doubleIndex(address) + (wide ? 2 : 1)] = value;
}

export function itemRoot(arena: Arena, address: number): number {
  return arena.getWord(address, (itemKeyOffset(arena, address) - 4) >>> 2);
}
/** The block must be owned. */
export function setItemRoot(arena: Arena, address: number, root: number): void {
  arena.setWord(address, (itemKeyOffset(arena, address) - 4) >>> 2, root);
}
