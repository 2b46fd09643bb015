/**
 * Strings that are integers: INCR and its relatives. They are 64-bit; what leaves the safe integers of a double is
 * computed as BigInt.
 *
 * Hot: INCR and DECR write the new digits over the old ones in the arena and make no JS object.
 */

import { copyBytes } from '../base/copy-bytes.js';
import { parseInt64, parseInteger, writeInteger } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemEncoding, itemValueBytes, itemValueIndex, setItemEncoding } from '../memory/item.js';
import type { Context } from './context.js';
import { DECREMENT_OVERFLOW, NOT_INTEGER, OVERFLOW } from './errors.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DIGITS = new Uint8Array(24);

export function incr(c: Context, a: Args): void {
  const entry = c.writeType(a, 1, ItemType.STRING);
  if (entry !== 0 && bumpLastDigit(c, entry)) c.changed(a, 1, '$', 'incrby');
  else add(c, a, entry, 1);
}
export function decr(c: Context, a: Args): void {
  add(c, a, c.writeType(a, 1, ItemType.STRING), -1);
}
export function incrby(c: Context, a: Args): void {
  const by = a.integer(2);
  if (Number.isNaN(by)) addBig(c, a, bigArg(a, 2));
  else add(c, a, c.writeType(a, 1, ItemType.STRING), by);
}
export function decrby(c: Context, a: Args): void {
  const by = a.integer(2);
  if (!Number.isNaN(by)) return add(c, a, c.writeType(a, 1, ItemType.STRING), -by);
  const big = bigArg(a, 2);
  if (big === INT64_MIN) throw DECREMENT_OVERFLOW;
  addBig(c, a, -big);
}

function bigArg(a: Args, i: number): bigint {
  const n = a.int64(i);
  if (n === null) throw NOT_INTEGER;
  return n;
}

/**
 * INCR of a positive integer that does not carry: the last digit goes up by one in place, and the digits are the reply.
 * Returns false, and nothing is done, when it is not one.
 */
function bumpLastDigit(c: Context, entry: number): boolean {
  const { arena } = c.keyspace;
  const len = itemValueBytes(arena, entry);
  if (len > 15 || itemEncoding(arena, entry) !== Encoding.INT) return false;
  const bytes = arena.bytesOf(entry);
  const first = itemValueIndex(arena, entry);
  const last = first + len - 1;
  const digit = bytes[last]!;
  if (digit === 57 || bytes[first] === 45) return false;
  bytes[last] = digit + 1;
  const { out } = c;
  out.reserve(20);
  const to = out.buf;
  let { pos } = out;
  to[pos++] = 58; // :
  for (let i = first; i <= last; i++) to[pos++] = bytes[i]!;
  to[pos++] = 13;
  to[pos++] = 10;
  out.pos = pos;
  return true;
}

/**
 * @param entry from `writeType`, 0 for a missing key
 * @param by    a safe integer
 */
function add(c: Context, a: Args, entry: number, by: number): void {
  let sum = by;
  if (entry !== 0) {
    const { arena } = c.keyspace;
    sum += parseInteger(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
  }
  if (!Number.isSafeInteger(sum)) return addBigTo(c, a, entry, BigInt(by));
  storeNumber(c, a, entry, DIGITS, writeInteger(DIGITS, 0, sum), Encoding.INT);
  c.changed(a, 1, '$', 'incrby');
  c.out.int(sum);
}

function addBig(c: Context, a: Args, by: bigint): void {
  addBigTo(c, a, c.writeType(a, 1, ItemType.STRING), by);
}

function addBigTo(c: Context, a: Args, entry: number, by: bigint): void {
  let sum = by;
  if (entry !== 0) {
    const { arena } = c.keyspace;
    const value = parseInt64(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
    if (value === null) throw NOT_INTEGER;
    sum += value;
  }
  if (sum < INT64_MIN || sum > INT64_MAX) throw OVERFLOW;
  storeNumber(c, a, entry, DIGITS, writeText(DIGITS, sum.toString()), Encoding.INT);
  c.changed(a, 1, '$', 'incrby');
  c.out.int64(sum);
}

function writeText(buf: Uint8Array, text: string): number {
  for (let i = 0; i < text.length; i++) buf[i] = text.charCodeAt(i);
  return text.length;
}

/**
 * Puts digits into `entry` (from `writeType`), or under key argument 1 when it is 0; an expiry stays as it is. Does not
 * notify but for `new`.
 */
export function storeNumber(
  c: Context,
  a: Args,
  entry: number,
  digits: Uint8Array,
  len: number,
  encoding: Encoding,
): void {
  const { db } = c;
  if (entry === 0) {
    db.setString(a.buf, a.off[1]!, a.len[1]!, digits, 0, len, encoding, Number.NaN);
    c.changed(a, 1, 'n', 'new', 0);
    return;
  }
  const { arena } = c.keyspace;
  if (itemValueBytes(arena, entry) !== len) entry = db.resizeString(entry, len);
  copyBytes(digits, 0, arena.bytesOf(entry), itemValueIndex(arena, entry), len);
  if (itemEncoding(arena, entry) !== encoding) setItemEncoding(arena, entry, encoding);
}
