/**
 * Sorted sets: members taken from an end, at once or as soon as there are any, and random ones.
 *
 * Hot: ZPOPMIN and ZPOPMAX make no JS object per call.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { ZSet } from '../values/zset.js';
import type { Context } from './context.js';
import { MUST_BE_POSITIVE, SYNTAX } from './errors.js';
import { checkTwice, longFrom, symmetricLong } from './long-args.js';
import { RANDOM_COUNT_MAX, TOO_MANY_RANDOM } from './set-members.js';
import { timeoutOfSeconds, waitForKeys } from './waiting.js';

/** Takes `count` members out of key argument i and replies with each and its score; `count` <= length. */
function popEach(c: Context, a: Args, i: number, zset: ZSet, highest: boolean, count: number, nested: boolean): void {
  const { out, s1 } = c;
  const all = count > 1 && count === zset.length;
  if (all) zset.seekRank(highest ? count - 1 : 0, s1);
  for (let left = count; left > 0; left--) {
    if (!all) zset.pop(highest, s1);
    if (nested) out.array(2);
    out.bulkSlice(s1);
    out.double(zset.memberScore);
    if (all && left > 1) highest ? zset.prev(s1) : zset.next(s1);
  }
  c.changed(a, i, 'z', highest ? 'zpopmax' : 'zpopmin', count);
  if (all) c.commitEmpty(a, i, zset);
  else c.commit(a, i, zset);
}

function pop(c: Context, a: Args, highest: boolean): void {
  if (a.count > 3) throw SYNTAX;
  const { out } = c;
  const wanted = a.count === 3 ? longFrom(a, 2, 0, MUST_BE_POSITIVE) : 1;
  const zset = c.zsetToWrite(a, 1, false);
  if (zset === null || wanted === 0) {
    out.array(0);
    return;
  }
  const count = Math.min(wanted, zset.length);
  const nested = out.resp > 2 && a.count === 3;
  out.array(nested ? count : count * 2);
  popEach(c, a, 1, zset, highest, count, nested);
}

export function zpopmin(c: Context, a: Args): void {
  pop(c, a, false);
}
export function zpopmax(c: Context, a: Args): void {
  pop(c, a, true);
}

const NUMKEYS = new CommandError('ERR numkeys should be greater than 0');
const COUNT = new CommandError('ERR count should be greater than 0');

interface MultiPop {
  firstKey: number;
  keys: number;
  highest: boolean;
  count: number;
}

/** What ZMPOP and BZMPOP take, from argument `i`, the number of keys, on. */
function parseMultiPop(a: Args, i: number): MultiPop {
  const keys = longFrom(a, i, 1, NUMKEYS);
  const where = i + keys + 1;
  if (where >= a.count) throw SYNTAX;
  const highest = a.is(where, 'MAX');
  if (!highest && !a.is(where, 'MIN')) throw SYNTAX;
  let count = 0;
  for (let k = where + 1; k < a.count; k += 2) {
    if (count > 0 || !a.is(k, 'COUNT') || k + 1 === a.count) throw SYNTAX;
    count = longFrom(a, k + 1, 1, COUNT);
  }
  return { firstKey: i + 1, keys, highest, count: Math.max(count, 1) };
}

/** Takes members from the first sorted set that is there; false when none is. */
function popFirst(c: Context, a: Args, { firstKey, keys, highest, count }: MultiPop): boolean {
  const { out } = c;
  for (let key = firstKey; key < firstKey + keys; key++) {
    const zset = c.zsetToWrite(a, key, false);
    if (zset === null) continue;
    const taken = Math.min(count, zset.length);
    out.array(2);
    out.bulk(a.buf, a.off[key]!, a.len[key]!);
    out.array(taken);
    c.rewrite(highest ? 'ZPOPMAX' : 'ZPOPMIN', a.bytes(key), String(taken));
    popEach(c, a, key, zset, highest, taken, true);
    return true;
  }
  return false;
}

export function zmpop(c: Context, a: Args): void {
  if (!popFirst(c, a, parseMultiPop(a, 1))) c.out.nilArray();
}

// --- the forms that wait, propagated as those that do not ---------------------------------------------------------------

export function bzmpop(c: Context, a: Args): void {
  const pop = parseMultiPop(a, 2);
  const timeoutMs = timeoutOfSeconds(c, a, 1);
  if (!popFirst(c, a, pop)) waitForKeys(c, a, ItemType.ZSET, pop.firstKey, pop.keys, timeoutMs);
}

export function bzpopmin(c: Context, a: Args): void {
  popOrWait(c, a, false);
}
export function bzpopmax(c: Context, a: Args): void {
  popOrWait(c, a, true);
}

function popOrWait(c: Context, a: Args, highest: boolean): void {
  const last = a.count - 1;
  const timeoutMs = timeoutOfSeconds(c, a, last);
  for (let key = 1; key < last; key++) {
    const zset = c.zsetToWrite(a, key, false);
    if (zset === null) continue;
    c.out.array(3);
    c.out.bulk(a.buf, a.off[key]!, a.len[key]!);
    popEach(c, a, key, zset, highest, 1, false);
    if (c.listens) c.rewrite(highest ? 'ZPOPMAX' : 'ZPOPMIN', a.bytes(key));
    return;
  }
  waitForKeys(c, a, ItemType.ZSET, 1, last - 1, timeoutMs);
}

// --- random members ------------------------------------------------------------------------------------------------------

export function zrandmember(c: Context, a: Args): void {
  const { out, s1 } = c;
  if (a.count === 2) {
    const zset = c.zsetToRead(a, 1);
    if (zset === null) {
      out.nil();
      return;
    }
    zset.random(s1);
    out.bulkSlice(s1);
    return;
  }
  const count = symmetricLong(a, 2);
  if (a.count > 4 || (a.count === 4 && !a.is(3, 'WITHSCORES'))) throw SYNTAX;
  const withScores = a.count === 4;
  if (withScores) checkTwice(a, 2);
  const zset = c.zsetToRead(a, 1);
  if (zset === null) {
    out.array(0);
    return;
  }
  const nested = withScores && out.resp > 2;
  const perMember = withScores && !nested ? 2 : 1;
  if (count >= 0) {
    out.array(Math.min(count, zset.length) * perMember);
    zset.sample(count, (buf, off, len) => {
      if (nested) out.array(2);
      out.bulk(buf, off, len);
      if (withScores) out.double(zset.memberScore);
    });
    return;
  }
  if (-count > RANDOM_COUNT_MAX) throw TOO_MANY_RANDOM;
  out.array(-count * perMember);
  for (let i = 0; i < -count; i++) {
    zset.random(s1);
    if (nested) out.array(2);
    out.bulkSlice(s1);
    if (withScores) out.double(zset.memberScore);
  }
}
