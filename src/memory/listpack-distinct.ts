/**
 * Whether the elements of a listpack from outside are all different: the fields of a hash, the members of a set or sorted
 * set. Run over every small collection that is loaded, so it compares elements as they are stored where that is the same
 * as comparing their texts, and allocates nothing.
 *
 * Two stored forms can have one text when an integer is not in its smallest form or stands as a string; nobody writes
 * that, so one such element sends the whole listpack the slow way.
 */
import { Slice } from '../base/slice.js';
import { hashBytes } from './hash-function.js';
import { elementBytes, LP_HEADER, lpEquals, lpGet, lpIsEnd } from './listpack.js';

/** Up to this many elements each is compared with each. */
const PAIRWISE_MAX = 8;
const MINUS = 45;

const element = new Slice();
/** Positions of the elements looked at; sized by the listpack's own elements. */
let positions = new Uint32Array(64);
/** Open addressing over indices into `positions`, plus 1; at most half full. */
let slots = new Uint32Array(256);

/**
 * @param step 1: every element counts; 2 or 3: every second or third one, from the first on
 * @returns false when two that count have the same text
 */
export function lpDistinct(u8: Uint8Array, off: number, step: 1 | 2 | 3): boolean {
  let count = 0;
  let canonical = true;
  let skip = 0;
  for (let pos = LP_HEADER; !lpIsEnd(u8, off, pos); ) {
    const bytes = elementBytes(u8, off + pos);
    if (skip === 0) {
      skip = step;
      if (count === positions.length) positions = grown(positions);
      positions[count++] = pos;
      canonical &&= isCanonical(u8, off + pos);
    }
    skip--;
    pos += bytes;
  }
  if (canonical && count <= PAIRWISE_MAX) return pairwise(u8, off, count);
  let size = 256;
  while (size < count * 2) size *= 2;
  if (slots.length < size) slots = new Uint32Array(size);
  slots.fill(0, 0, size);
  for (let i = 0; i < count; i++) if (!addText(u8, off, i, size - 1)) return false;
  return true;
}

function grown(old: Uint32Array): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(old.length * 2);
  out.set(old);
  return out;
}

/** Whether no other stored form has this element's text. */
function isCanonical(u8: Uint8Array, at: number): boolean {
  const byte = u8[at]!;
  if (byte < 0x80) return true;
  if (byte < 0xc0) {
    const first = u8[at + 1]!;
    const len = byte & 0x3f;
    return len === 0 || len > 20 || (first !== MINUS && (first < 48 || first > 57));
  }
  if (byte < 0xe0) {
    const n = (((byte & 31) << 8) | u8[at + 1]!) << 19;
    return n < 0 || n >> 19 > 127;
  }
  // Longer strings and integers: seldom enough for the slow way.
  return false;
}

function pairwise(u8: Uint8Array, off: number, count: number): boolean {
  for (let i = 1; i < count; i++) {
    const a = off + positions[i]!;
    const first = u8[a]!;
    for (let k = 0; k < i; k++) {
      const b = off + positions[k]!;
      if (u8[b] === first && sameBytes(u8, a, b, elementBytes(u8, a))) return false;
    }
  }
  return true;
}

/** The first byte is known to be equal, and with it the length. From the end: names mostly differ there. */
function sameBytes(u8: Uint8Array, a: number, b: number, bytes: number): boolean {
  for (let i = bytes - 1; i > 0; i--) if (u8[a + i] !== u8[b + i]) return false;
  return true;
}

function addText(u8: Uint8Array, off: number, index: number, mask: number): boolean {
  lpGet(u8, off, positions[index]!, element);
  let slot = hashBytes(element.buf, element.off, element.len) & mask;
  for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
    if (lpEquals(u8, off, positions[slots[slot]! - 1]!, element.buf, element.off, element.len)) return false;
  }
  slots[slot] = index + 1;
  return true;
}
