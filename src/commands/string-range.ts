/** Parts of strings: APPEND, STRLEN, SETRANGE, GETRANGE. */

import { copyBytes } from '../base/copy-bytes.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemValueBytes, itemValueIndex } from '../memory/item.js';
import type { Context } from './context.js';
import { NOT_INTEGER, OFFSET_OUT_OF_RANGE, STRING_TOO_LONG } from './errors.js';
import { store } from './string-set.js';

const EMPTY = new Uint8Array(0);

/** Bytes that a string may get. */
export function stringMax(c: Context): number {
  const { protoMaxBulkLen, loggedStringMax } = c.keyspace.limits;
  return c.replaying ? Math.max(protoMaxBulkLen, loggedStringMax) : protoMaxBulkLen;
}

function checkLength(c: Context, bytes: number): void {
  if (bytes > stringMax(c)) throw STRING_TOO_LONG;
}

/**
 * A 64-bit integer argument; one beyond the safe integers is rounded, which no string is long enough to notice.
 */
function index(a: Args, i: number): number {
  const n = a.integer(i);
  if (!Number.isNaN(n)) return n;
  const big = a.int64(i);
  if (big === null) throw NOT_INTEGER;
  return Number(big);
}

/** Copies argument `v` into the string `entry` (owned) at byte `at`. */
function overwrite(c: Context, a: Args, v: number, entry: number, at: number): void {
  const { arena } = c.keyspace;
  copyBytes(a.buf, a.off[v]!, arena.bytesOf(entry), itemValueIndex(arena, entry) + at, a.len[v]!);
}

export function append(c: Context, a: Args): void {
  const added = a.len[2]!;
  let entry = c.writeType(a, 1, ItemType.STRING);
  if (entry === 0) {
    store(c, a, 1, a.buf, a.off[2]!, added, Number.NaN);
    c.changed(a, 1, '$', 'append');
    return c.out.int(added);
  }
  const old = itemValueBytes(c.keyspace.arena, entry);
  checkLength(c, old + added);
  entry = c.db.resizeString(entry, old + added);
  overwrite(c, a, 2, entry, old);
  c.changed(a, 1, '$', 'append');
  c.out.int(old + added);
}

export function strlen(c: Context, a: Args): void {
  const entry = c.readType(a, 1, ItemType.STRING);
  c.out.int(entry === 0 ? 0 : itemValueBytes(c.keyspace.arena, entry));
}

export function setrange(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const offset = index(a, 2);
  if (offset < 0) throw OFFSET_OUT_OF_RANGE;
  const added = a.len[3]!;
  let entry = c.writeType(a, 1, ItemType.STRING);
  const old = entry === 0 ? 0 : itemValueBytes(arena, entry);
  if (added === 0) return c.out.int(old);
  checkLength(c, offset + added);
  if (entry === 0) {
    entry = c.db.setString(a.buf, a.off[1]!, a.len[1]!, EMPTY, 0, 0, Encoding.RAW, Number.NaN);
    c.changed(a, 1, 'n', 'new', 0);
  }
  const bytes = Math.max(old, offset + added);
  entry = c.db.resizeString(entry, bytes);
  overwrite(c, a, 3, entry, offset);
  c.changed(a, 1, '$', 'setrange');
  c.out.int(bytes);
}

/** Whether the range's start, argument 2, is greater than its end; both are negative. */
function isAfter(a: Args, start: number, end: number): boolean {
  return start !== end || Number.isSafeInteger(start) ? start > end : a.int64(2)! > a.int64(3)!;
}

export function getrange(c: Context, a: Args): void {
  let start = index(a, 2);
  let end = index(a, 3);
  const entry = c.readType(a, 1, ItemType.STRING);
  if (entry === 0) return c.out.bulk(EMPTY);
  const { arena } = c.keyspace;
  const bytes = itemValueBytes(arena, entry);
  if (start < 0 && end < 0 && isAfter(a, start, end)) return c.out.bulk(EMPTY);
  if (start < 0) start = Math.max(0, bytes + start);
  if (end < 0) end = Math.max(0, bytes + end);
  end = Math.min(end, bytes - 1);
  if (start > end) return c.out.bulk(EMPTY);
  c.out.bulk(arena.bytesOf(entry), itemValueIndex(arena, entry) + start, end - start + 1);
}
