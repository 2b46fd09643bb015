/**
 * A small hash with fields that expire, as Redis keeps it in memory ("listpackex") and in RDB type 25: a listpack of
 *
 *   field  value  expiry  field  value  expiry  ...
 *
 * A triple's position is that of its field. Writing takes and returns the address of the listpack's block, as listpack.ts
 * does.
 *
 * Invariants:
 *   1. An expiry is stored as an integer: milliseconds since 1970, or 0 for a field that never expires.
 *   2. Triples stand in the order of their expiries, those that never expire at the end; of equal ones the newest is first.
 */
import { writeInteger } from '../base/numbers.js';
import { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from '../memory/arena.js';
import {
  lpAppend,
  lpBytes,
  lpCount,
  lpDelete,
  lpFirst,
  lpGet,
  lpInsert,
  lpIsEnd,
  lpNew,
  lpNext,
  lpNumber,
  lpSkip,
} from '../memory/listpack.js';

/** Elements of one field. */
export const TRIPLE = 3;

/** When the field at `pos` expires; NaN: never. */
export function tripleExpire(u8: Uint8Array, off: number, pos: number): number {
  const expiry = lpNumber(u8, off, lpSkip(u8, off, pos, 2));
  return expiry === 0 ? Number.NaN : expiry;
}

/** The earliest expiry; NaN when no field expires. O(1). */
export function earliestTriple(u8: Uint8Array, off: number): number {
  const first = lpFirst(u8, off);
  return first === 0 ? Number.NaN : tripleExpire(u8, off, first);
}

/** Fields whose moment is before `nowMs`, up to `max`: they stand in front. */
export function countOver(u8: Uint8Array, off: number, nowMs: number, max: number): number {
  let count = 0;
  for (let pos = lpFirst(u8, off); pos !== 0 && count < max && tripleExpire(u8, off, pos) < nowMs; count++) {
    pos = lpNext(u8, off, lpSkip(u8, off, pos, 2));
  }
  return count;
}

/** Turns a listpack of fields and values, which is freed, into one of triples without expiries. */
export function triplesFromPairs(arena: Arena, pairs: number): number {
  const u8 = arena.bytesOf(pairs);
  const off = byteIndex(pairs);
  let triples = lpNew(arena, lpBytes(u8, off) + lpCount(u8, off));
  for (let pos = lpFirst(u8, off); pos !== 0; pos = lpNext(u8, off, pos)) {
    lpGet(u8, off, pos, ELEMENT);
    triples = lpAppend(arena, triples, ELEMENT.buf, ELEMENT.off, ELEMENT.len);
    pos = lpNext(u8, off, pos);
    lpGet(u8, off, pos, ELEMENT);
    triples = lpAppend(arena, triples, ELEMENT.buf, ELEMENT.off, ELEMENT.len);
    triples = lpAppend(arena, triples, DIGITS, 0, expiryDigits(Number.NaN));
  }
  arena.free(pairs);
  return triples;
}

/** Adds a field that is not there. Neither range may lie in the listpack. */
export function insertTriple(
  arena: Arena,
  triples: number,
  field: Uint8Array,
  fieldOff: number,
  fieldLen: number,
  value: Uint8Array,
  valueOff: number,
  valueLen: number,
  expireAtMs: number,
): number {
  const pos = placeOf(arena.bytesOf(triples), byteIndex(triples), expireAtMs);
  let root = lpInsert(arena, triples, pos, DIGITS, 0, expiryDigits(expireAtMs));
  root = lpInsert(arena, root, pos, value, valueOff, valueLen);
  return lpInsert(arena, root, pos, field, fieldOff, fieldLen);
}

/** Gives the field at `pos` another expiry; NaN: none. */
export function moveTriple(arena: Arena, triples: number, pos: number, expireAtMs: number): number {
  const u8 = arena.bytesOf(triples);
  const off = byteIndex(triples);
  lpGet(u8, off, pos, ELEMENT);
  const field = ELEMENT.copy();
  lpGet(u8, off, lpNext(u8, off, pos), ELEMENT);
  const value = ELEMENT.copy();
  const rest = lpDelete(arena, triples, pos, TRIPLE);
  return insertTriple(arena, rest, field, 0, field.length, value, 0, value.length, expireAtMs);
}

/** Whether a listpack from outside (sound by `lpValidate`) keeps the invariants, with expiries up to `expireMax`. */
export function soundTriples(u8: Uint8Array, off: number, expireMax: number): boolean {
  if (lpCount(u8, off) % TRIPLE !== 0) return false;
  let last = 0;
  for (let pos = lpFirst(u8, off); pos !== 0; ) {
    const at = lpSkip(u8, off, pos, 2);
    const expiry = lpNumber(u8, off, at);
    // NaN is neither.
    if (!(expiry >= 0 && expiry <= expireMax)) return false;
    const order = expiry === 0 ? Number.POSITIVE_INFINITY : expiry;
    if (order < last) return false;
    last = order;
    pos = lpNext(u8, off, at);
  }
  return true;
}

/** Position before which a field with this expiry stands. */
function placeOf(u8: Uint8Array, off: number, expireAtMs: number): number {
  const end = lpBytes(u8, off) - 1;
  if (Number.isNaN(expireAtMs)) return end;
  let pos = lpFirst(u8, off);
  if (pos === 0) return end;
  // False also for a field that never expires.
  while (!lpIsEnd(u8, off, pos) && tripleExpire(u8, off, pos) < expireAtMs) pos = lpSkip(u8, off, pos, TRIPLE);
  return pos;
}

function expiryDigits(expireAtMs: number): number {
  return writeInteger(DIGITS, 0, Number.isNaN(expireAtMs) ? 0 : expireAtMs);
}

// Scratch of one call; nothing outlives it.
const ELEMENT = new Slice();
const DIGITS = new Uint8Array(24);
