/** Lists by index and by content: LLEN, LINDEX, LRANGE, LSET, LINSERT, LREM, LTRIM, LPOS. */
import { CommandError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import { elementBytes, LP_END, lpGet } from '../memory/listpack.js';
import type { List } from '../values/list.js';
import type { Context } from './context.js';
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SYNTAX } from './errors.js';
import { long, longFrom, symmetricLong } from './long-args.js';

const RANK_ZERO = new CommandError(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
    'or use negative to start from the end of the list',
);
const NEGATIVE_COUNT = new CommandError("ERR COUNT can't be negative");
const NEGATIVE_MAXLEN = new CommandError("ERR MAXLEN can't be negative");

export function llen(c: Context, a: Args): void {
  const list = c.listToRead(a, 1);
  c.out.int(list === null ? 0 : list.length);
}

export function lindex(c: Context, a: Args): void {
  const list = c.listToRead(a, 1);
  if (list === null) return c.out.nil();
  let index = long(a, 2);
  if (index < 0) index += list.length;
  if (list.index(index, c.s1)) c.out.bulkSlice(c.s1);
  else c.out.nil();
}

/** Hot. */
export function lrange(c: Context, a: Args): void {
  let start = long(a, 2);
  let stop = long(a, 3);
  const list = c.listToRead(a, 1);
  if (list === null) return c.out.array(0);
  const { length } = list;
  if (start < 0) start = Math.max(0, start + length);
  if (stop < 0) stop += length;
  if (stop >= length) stop = length - 1;
  if (start > stop) return c.out.array(0);
  const count = stop - start + 1;
  c.out.array(count);
  list.start(start, true);
  replyElements(c.out, list, count, c.s1);
}

/**
 * Writes the next `count` elements of a forward walk as bulk strings. Short strings, the usual case, are written right here
 * from the node's bytes. Hot: no allocation, few calls.
 */
function replyElements(out: ReplyWriter, list: List, count: number, scratch: Slice): void {
  for (let left = count; left > 0 && list.walkNode(); list.leaveNode()) {
    const from = list.walkBytes;
    let at = list.walkAt + list.walkPos;
    for (let byte = from[at]!; byte !== LP_END && left > 0; byte = from[at]!, left--) {
      if ((byte & 0xc0) === 0x80) {
        const len = byte & 0x3f;
        out.reserve(72);
        const to = out.buf;
        let pos = out.pos;
        to[pos++] = 36; // $
        if (len >= 10) to[pos++] = 48 + ((len / 10) | 0);
        to[pos++] = 48 + (len % 10);
        to[pos++] = 13;
        to[pos++] = 10;
        const end = at + 1 + len;
        for (at++; at < end; at++) to[pos++] = from[at]!;
        at++;
        to[pos++] = 13;
        to[pos++] = 10;
        out.pos = pos;
      } else {
        lpGet(from, at, 0, scratch);
        out.bulk(scratch.buf, scratch.off, scratch.len);
        at += elementBytes(from, at);
      }
    }
  }
}

export function lset(c: Context, a: Args): void {
  const list = c.listToWrite(a, 1, false);
  if (list === null) throw NO_SUCH_KEY;
  let index = long(a, 2);
  if (index < 0) index += list.length;
  if (!list.set(index, a.buf, a.off[3]!, a.len[3]!)) throw INDEX_OUT_OF_RANGE;
  c.commit(a, 1, list);
  c.changed(a, 1, 'l', 'lset');
  c.out.ok();
}

export function linsert(c: Context, a: Args): void {
  const after = a.is(2, 'AFTER');
  if (!after && !a.is(2, 'BEFORE')) throw SYNTAX;
  const list = c.listToWrite(a, 1, false);
  if (list === null) return c.out.int(0);
  // The list is converted even if the pivot is not found then, as in Redis.
  list.expect(a.len[4]!, 1);
  const index = firstIndex(list, a, 3);
  if (index >= 0) list.insertBeside(index, after, a.buf, a.off[4]!, a.len[4]!);
  c.commit(a, 1, list);
  if (index < 0) return c.out.int(-1);
  c.changed(a, 1, 'l', 'linsert');
  c.out.int(list.length);
}

/** Index of the first element that equals argument i, or -1. */
function firstIndex(list: List, a: Args, i: number): number {
  list.start(0, true);
  for (let index = 0; ; index++) {
    const equal = list.nextEquals(a.buf, a.off[i]!, a.len[i]!);
    if (equal !== 0) return equal === 1 ? index : -1;
  }
}

export function lrem(c: Context, a: Args): void {
  const count = long(a, 2);
  const list = c.listToWrite(a, 1, false);
  if (list === null) return c.out.int(0);
  const removed = list.removeMatching(a.buf, a.off[3]!, a.len[3]!, count);
  c.out.int(removed);
  if (removed === 0) return;
  c.changed(a, 1, 'l', 'lrem', removed);
  c.commit(a, 1, list);
}

export function ltrim(c: Context, a: Args): void {
  let start = long(a, 2);
  let stop = long(a, 3);
  const list = c.listToWrite(a, 1, false);
  if (list === null) return c.out.ok();
  const { length } = list;
  if (start < 0) start = Math.max(0, start + length);
  if (stop < 0) stop += length;
  if (start > stop || start >= length) {
    c.changed(a, 1, 'l', 'ltrim', length);
    c.commitEmpty(a, 1, list);
    return c.out.ok();
  }
  const removed = list.trim(start, stop);
  list.settle();
  c.changed(a, 1, 'l', 'ltrim', removed);
  c.commit(a, 1, list);
  c.out.ok();
}

export function lpos(c: Context, a: Args): void {
  let rank = 1;
  let count = -1;
  let scanMax = 0;
  for (let i = 3; i < a.count; i += 2) {
    if (i + 1 >= a.count) throw SYNTAX;
    if (a.is(i, 'RANK')) {
      rank = symmetricLong(a, i + 1);
      if (rank === 0) throw RANK_ZERO;
    } else if (a.is(i, 'COUNT')) count = longFrom(a, i + 1, 0, NEGATIVE_COUNT);
    else if (a.is(i, 'MAXLEN')) scanMax = longFrom(a, i + 1, 0, NEGATIVE_MAXLEN);
    else throw SYNTAX;
  }
  const list = c.listToRead(a, 1);
  if (list === null) {
    if (count < 0) c.out.nil();
    else c.out.array(0);
    return;
  }
  const at = c.out.pos;
  const found = positions(c, a, list, rank, count, scanMax);
  if (count >= 0) c.out.arrayAt(at, found);
  else if (found === 0) c.out.nil();
}

/** Writes the indices of up to `count` (-1: one; 0: all) matches from the `rank`th on; returns how many. */
function positions(c: Context, a: Args, list: List, rank: number, count: number, scanMax: number): number {
  const forward = rank > 0;
  const { length } = list;
  const scanned = scanMax === 0 ? length : Math.min(scanMax, length);
  const wanted = count === 0 ? length : Math.abs(count);
  let skip = Math.abs(rank) - 1;
  let found = 0;
  list.start(forward ? 0 : length - 1, forward);
  for (let index = 0; index < scanned && found < wanted; index++) {
    if (list.nextEquals(a.buf, a.off[2]!, a.len[2]!) !== 1) continue;
    if (skip-- > 0) continue;
    c.out.int(forward ? index : length - 1 - index);
    found++;
  }
  return found;
}
