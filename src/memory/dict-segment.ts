/**
 * A segment of a dict: a small table with open addressing and linear probing (dict.ts has the whole).
 *
 *   w0 count   w1 slots   w2 depth   w3 due: no item expires before this second (0xffffffff: none expires)
 *   then `slots` pairs [hash, item address]; address 0 = empty
 *
 * Invariant: between an item's home slot and its slot no slot is empty.
 */
import type { Arena } from './arena.js';
import { wordIndex } from './arena.js';

const HEADER_BYTES = 16;
export const HEADER_WORDS = 4;
/** Segment sizes in bytes. */
export const STAGES = [64, 128, 192, 256, 384, 512, 640, 768, 896, 1024, 1536, 2048];
/** Of a segment that can split. */
export const SLOTS_MAX = slotsOf(2048);
export const DUE_NEVER = 0xffffffff;

/** The second that a hint stores for an expiry. */
export function dueSecond(atMs: number): number {
  return Math.max(0, Math.min(0xfffffffe, Math.floor(atMs / 1000)));
}

export function slotsOf(bytes: number): number {
  return (bytes - HEADER_BYTES) >>> 3;
}
export function bytesOf(slots: number): number {
  return HEADER_BYTES + slots * 8;
}
/** Whether `count` items are few enough for so many slots. */
export function holds(slots: number, count: number): boolean {
  return count * 5 <= slots * 4;
}
/** Slots of the smallest segment that `count` items fill to at most 7/10; the largest one is filled further before it splits. */
export function slotsFor(count: number): number {
  for (const bytes of STAGES) if (count * 10 <= slotsOf(bytes) * 7) return slotsOf(bytes);
  if (holds(SLOTS_MAX, count)) return SLOTS_MAX;
  let slots = SLOTS_MAX;
  while (count * 10 > slots * 7) slots = slots * 2 + 2;
  return slots;
}
export function homeSlot(hash: number, slots: number): number {
  return ((Math.imul(hash, 0x9e3779b1) >>> 16) * slots) >>> 16;
}

/** Puts an item into a segment with room and returns its slot. */
export function putSlot(arena: Arena, segment: number, hash: number, item: number): number {
  const words = arena.wordsOf(segment);
  const base = wordIndex(segment);
  const slots = words[base + 1]!;
  let slot = homeSlot(hash, slots);
  while (words[base + HEADER_WORDS + slot * 2 + 1] !== 0) if (++slot === slots) slot = 0;
  words[base + HEADER_WORDS + slot * 2] = hash;
  words[base + HEADER_WORDS + slot * 2 + 1] = item;
  words[base]!++;
  return slot;
}

/**
 * Puts an item in that expires at a second (DUE_NEVER: never), unless the segment is full or an item of this hash is in it,
 * whose key may be the same. Returns whether it did. Hot.
 */
export function putNew(arena: Arena, segment: number, hash: number, item: number, due: number): boolean {
  const words = arena.wordsOf(segment);
  const base = wordIndex(segment);
  const slots = words[base + 1]!;
  if (!holds(slots, words[base]! + 1)) return false;
  let slot = homeSlot(hash, slots);
  for (;;) {
    const at = base + HEADER_WORDS + slot * 2;
    if (words[at + 1] === 0) {
      words[at] = hash;
      words[at + 1] = item;
      words[base]!++;
      if (due < words[base + 3]!) words[base + 3] = due;
      return true;
    }
    if ((words[at]! | 0) === hash) return false;
    if (++slot === slots) slot = 0;
  }
}

/** Empties a slot and moves later items of its run back, so that invariant 2 holds. */
export function closeSlot(arena: Arena, segment: number, slot: number): void {
  const words = arena.wordsOf(segment);
  const base = wordIndex(segment);
  const slots = words[base + 1]!;
  const at = base + HEADER_WORDS;
  let hole = slot;
  let i = slot;
  for (;;) {
    if (++i === slots) i = 0;
    if (words[at + i * 2 + 1] === 0) break;
    const home = homeSlot(words[at + i * 2]! | 0, slots);
    // The item at i may fill the hole when its home is not within (hole, i], going round.
    if (hole <= i ? home <= hole || home > i : home <= hole && home > i) {
      words[at + hole * 2] = words[at + i * 2]!;
      words[at + hole * 2 + 1] = words[at + i * 2 + 1]!;
      hole = i;
    }
  }
  words[at + hole * 2 + 1] = 0;
}

/** Adds up how many items are found at the first look, at the second, and so on. */
export function countLooks(arena: Arena, segment: number, looks: number[]): void {
  const slots = arena.getWord(segment, 1);
  for (let slot = 0; slot < slots; slot++) {
    if (arena.getWord(segment, HEADER_WORDS + slot * 2 + 1) === 0) continue;
    const home = homeSlot(arena.getWord(segment, HEADER_WORDS + slot * 2) | 0, slots);
    const later = (slot - home + slots) % slots;
    while (looks.length <= later) looks.push(0);
    looks[later]!++;
  }
}

export function moveItems(arena: Arena, from: number, to: number): void {
  const words = arena.wordsOf(from);
  const base = wordIndex(from);
  const slots = words[base + 1]!;
  for (let slot = 0; slot < slots; slot++) {
    const at = base + HEADER_WORDS + slot * 2;
    if (words[at + 1] !== 0) putSlot(arena, to, words[at]! | 0, words[at + 1]!);
  }
  const due = Math.min(arena.getWord(from, 3), arena.getWord(to, 3));
  arena.setWord(to, 3, due);
}

interface Hashed {
  hash: number;
  item: number;
}

export function segmentItemsFrom(arena: Arena, segment: number, from: number): Hashed[] {
  const words = arena.wordsOf(segment);
  const base = wordIndex(segment) + HEADER_WORDS;
  const slots = arena.getWord(segment, 1);
  const found: Hashed[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const item = words[base + slot * 2 + 1]!;
    const hash = words[base + slot * 2]!;
    if (item !== 0 && hash >= from) found.push({ hash, item });
  }
  return found.sort((a, b) => a.hash - b.hash);
}
