/**
 * Sorted sets: members taken from an end, and random ones.
 *
 * Hot: ZPOPMIN and ZPOPMAX make no JS object per call.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { ZSet } from '../values/zset.js';
import type { Context } from './context.js';
import { MUST_BE_POSITIVE, OUT_OF_RANGE, SYNTAX } from './errors.js';
import { longFrom, symmetricLong } from './long-args.js';
import { RANDOM_COUNT_MAX, TOO_MANY_RANDOM } from './set-members.js';

/** Takes `count` members out of key argument i and replies with each and its score; `count` <= length. */
function popEach(c: Context, a: Args, i: number, zset: ZSet, highest: boolean, count: number, nested: boolean): void {
  const { out, s1 } = c;
  for (let left = count; left > 0; left--) {
    zset.pop(highest, s1);
    if (nested) out.array(2);
    out.bulkSlice(s1);
    out.double(zset.memberScore);
  }
  c.changed(a, i, 'z', highest ? 'zpopmax' : 'zpopmin', count);
  c.commit(a, i, zset);
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

export function zmpop(c: Context, a: Args): void {
  const keys = longFrom(a, 1, 1, NUMKEYS);
  const where = keys + 2;
  if (where >= a.count) throw SYNTAX;
  const highest = a.is(where, 'MAX');
  if (!highest && !a.is(where, 'MIN')) throw SYNTAX;
  let wanted = -1;
  for (let i = where + 1; i < a.count; i += 2) {
    if (wanted >= 0 || !a.is(i, 'COUNT') || i + 1 === a.count) throw SYNTAX;
    wanted = longFrom(a, i + 1, 1, COUNT);
  }
  if (wanted < 0) wanted = 1;
  const { out } = c;
  for (let i = 2; i < where; i++) {
    const zset = c.zsetToWrite(a, i, false);
    if (zset === null) continue;
    const count = Math.min(wanted, zset.length);
    out.array(2);
    out.bulk(a.buf, a.off[i]!, a.len[i]!);
    out.array(count);
    c.rewrite(highest ? 'ZPOPMAX' : 'ZPOPMIN', a.bytes(i), String(count));
    popEach(c, a, i, zset, highest, count, true);
    return;
  }
  out.nilArray();
}

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
  if (withScores && Math.abs(count) > 2 ** 62) throw OUT_OF_RANGE;
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
