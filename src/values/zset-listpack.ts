/**
 * Small sorted sets: a listpack of pairs member, score in the order of (score, member). A score that is an integer is
 * stored as one, any other as its shortest text, as Redis does.
 *
 * A *position* is that of a member's element; its score is the next one.
 */
import { parseDouble, writeDouble } from '../base/numbers.js';
import { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from '../memory/arena.js';
import {
  elementBytes,
  LP_HEADER,
  lpAppend,
  lpFind,
  lpFirst,
  lpGet,
  lpInsert,
  lpIsEnd,
  lpNext,
  lpNumber,
} from '../memory/listpack.js';
import { lpDistinct } from '../memory/listpack-distinct.js';
import { compareBytes } from './zset-order.js';

const scratch = new Slice();
const second = new Slice();
const digits = new Uint8Array(40);

/** The score stored at a score's position. */
export function zlScore(u8: Uint8Array, off: number, pos: number): number {
  const n = lpNumber(u8, off, pos);
  if (!Number.isNaN(n)) return n;
  lpGet(u8, off, pos, scratch);
  return parseDouble(scratch.buf, scratch.off, scratch.len);
}

/** Position of the member, 0 when it is none. */
export function zlFind(u8: Uint8Array, off: number, buf: Uint8Array, bufOff: number, len: number): number {
  return lpFind(u8, off, lpFirst(u8, off), buf, bufOff, len, 1);
}

/** Inserts a member that is none yet, at its place. Returns the listpack's address. */
export function zlInsert(
  arena: Arena,
  address: number,
  score: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  const u8 = arena.bytesOf(address);
  const off = byteIndex(address);
  // -0 and 0 are one score here, as in Redis.
  const scoreBytes = writeDouble(digits, 0, score === 0 ? 0 : score);
  let pos = LP_HEADER;
  while (!lpIsEnd(u8, off, pos)) {
    const scorePos = pos + elementBytes(u8, off + pos);
    const there = zlScore(u8, off, scorePos);
    if (there > score) break;
    if (there === score) {
      lpGet(u8, off, pos, scratch);
      if (compareBytes(scratch.buf, scratch.off, scratch.len, buf, bufOff, len) > 0) break;
    }
    pos = scorePos + elementBytes(u8, off + scorePos);
  }
  if (lpIsEnd(u8, off, pos)) {
    return lpAppend(arena, lpAppend(arena, address, buf, bufOff, len), digits, 0, scoreBytes);
  }
  const grown = lpInsert(arena, address, pos, buf, bufOff, len);
  const scorePos = pos + elementBytes(arena.bytesOf(grown), byteIndex(grown) + pos);
  return lpInsert(arena, grown, scorePos, digits, 0, scoreBytes);
}

/** Appends a pair that stands behind all others. */
export function zlAppend(
  arena: Arena,
  address: number,
  score: number,
  buf: Uint8Array,
  bufOff: number,
  len: number,
): number {
  const bytes = writeDouble(digits, 0, score === 0 ? 0 : score);
  return lpAppend(arena, lpAppend(arena, address, buf, bufOff, len), digits, 0, bytes);
}

/**
 * What an outside listpack (sound in itself) is: -1 damaged - an odd count, a score that is no number, a member that
 * stands there twice -, 0 a sorted set whose pairs are out of order, 1 one in order.
 */
export function zlJudge(u8: Uint8Array, off: number): -1 | 0 | 1 {
  if (!lpDistinct(u8, off, 2)) return -1;
  let sorted: 0 | 1 = 1;
  let lastScore = Number.NEGATIVE_INFINITY;
  let lastPos = 0;
  for (let pos = lpFirst(u8, off); pos !== 0; ) {
    const scorePos = lpNext(u8, off, pos);
    if (scorePos === 0) return -1;
    const score = zlScore(u8, off, scorePos);
    if (Number.isNaN(score)) return -1;
    if (score < lastScore) sorted = 0;
    if (score === lastScore && lastPos !== 0) {
      lpGet(u8, off, lastPos, scratch);
      lpGet(u8, off, pos, second);
      if (compareBytes(scratch.buf, scratch.off, scratch.len, second.buf, second.off, second.len) > 0) sorted = 0;
    }
    lastScore = score;
    lastPos = pos;
    pos = lpNext(u8, off, scorePos);
  }
  return sorted;
}
