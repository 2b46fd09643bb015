/**
 * Ranges of sorted sets: by rank, by score, by text; read, counted, stored and removed. Every kind of range is turned into
 * ranks first, so counting and skipping an offset take no walk.
 */
import { CommandError } from '../base/errors.js';
import { parseDouble, parseDoubleText } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { ZSet } from '../values/zset.js';
import { type LexBound, LexRange, ScoreRange } from '../values/zset-order.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { long } from './long-args.js';
import { storeResult } from './store-result.js';

const MIN_MAX_FLOAT = new CommandError('ERR min or max is not a float');
const MIN_MAX_TEXT = new CommandError('ERR min or max not valid string range item');
const LIMIT_WITHOUT_BY = new CommandError(
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
);
const SCORES_BY_LEX = new CommandError('ERR syntax error, WITHSCORES not supported in combination with BYLEX');

type By = 'rank' | 'score' | 'lex';

// --- bounds ------------------------------------------------------------------------------------------------------------

// The ranges of the running command.
const scoreRange = new ScoreRange();
const lexRange = new LexRange();

/** A bound as C's strtod reads it: spaces before it and nothing at all are taken, nothing may follow. */
function parseScore(a: Args, i: number, skip: number): number {
  const plain = parseDouble(a.buf, a.off[i]! + skip, a.len[i]! - skip);
  if (!Number.isNaN(plain)) return plain;
  const text = a.latin1(i).slice(skip).split('\0', 1)[0]!;
  const score = text === '' ? 0 : parseDoubleText(text.replace(/^[ \t\n\v\f\r]+/, ''));
  if (Number.isNaN(score)) throw MIN_MAX_FLOAT;
  return score;
}

function isExclusive(a: Args, i: number): boolean {
  return a.len[i]! > 0 && a.buf[a.off[i]!] === 40; // (
}

function parseScoreRange(a: Args, min: number, max: number): void {
  scoreRange.minExclusive = isExclusive(a, min);
  scoreRange.maxExclusive = isExclusive(a, max);
  scoreRange.min = parseScore(a, min, scoreRange.minExclusive ? 1 : 0);
  scoreRange.max = parseScore(a, max, scoreRange.maxExclusive ? 1 : 0);
}

function parseLexBound(a: Args, i: number, bound: LexBound): void {
  const off = a.off[i]!;
  const len = a.len[i]!;
  const first = len === 0 ? 0 : a.buf[off]!;
  bound.exclusive = first === 40; // (
  bound.infinite = 0;
  if (first === 40 || first === 91 /* [ */) {
    bound.buf = a.buf;
    bound.off = off + 1;
    bound.len = len - 1;
  } else if (len === 1 && (first === 43 || first === 45)) {
    bound.infinite = first === 43 ? 1 : -1;
  } else throw MIN_MAX_TEXT;
}

function parseLexRange(a: Args, min: number, max: number): void {
  parseLexBound(a, min, lexRange.min);
  parseLexBound(a, max, lexRange.max);
}

// Where ranks `start` and `stop` lie in a sorted set of the given length: `from`, `count`.
let from = 0;
let count = 0;
function clampRanks(start: number, stop: number, length: number): void {
  if (start < 0) start += length;
  if (stop < 0) stop += length;
  if (start < 0) start = 0;
  if (stop >= length) stop = length - 1;
  from = start;
  count = start > stop || start >= length ? 0 : stop - start + 1;
}

// --- ZRANGE and its relatives ------------------------------------------------------------------------------------------

interface Options {
  by: By | null;
  /** null: REV may say so. */
  reverse: boolean | null;
}

interface Query {
  by: By;
  reverse: boolean;
  withScores: boolean;
  offset: number;
  limit: number;
}

// The running command's query.
const query: Query = { by: 'rank', reverse: false, withScores: false, offset: 0, limit: -1 };
let start = 0;
let stop = 0;

/** Parses the arguments from the source key at `key` on into `query` and the range. */
function parseQuery(a: Args, key: number, store: boolean, fixed: Options): void {
  let { by, reverse } = fixed;
  query.withScores = false;
  query.offset = 0;
  query.limit = -1;
  for (let i = key + 3; i < a.count; i++) {
    if (!store && a.is(i, 'WITHSCORES')) {
      query.withScores = true;
    } else if (a.is(i, 'LIMIT') && i + 2 < a.count) {
      query.offset = long(a, i + 1);
      query.limit = long(a, i + 2);
      i += 2;
    } else if (fixed.reverse === null && reverse === null && a.is(i, 'REV')) {
      reverse = true;
    } else if (by === null && a.is(i, 'BYLEX')) {
      by = 'lex';
    } else if (by === null && a.is(i, 'BYSCORE')) {
      by = 'score';
    } else throw SYNTAX;
  }
  query.by = by ?? 'rank';
  query.reverse = reverse ?? false;
  if (query.limit !== -1 && query.by === 'rank') throw LIMIT_WITHOUT_BY;
  if (query.withScores && query.by === 'lex') throw SCORES_BY_LEX;
  const swap = query.reverse && query.by !== 'rank';
  const min = swap ? key + 2 : key + 1;
  const max = swap ? key + 1 : key + 2;
  if (query.by === 'score') parseScoreRange(a, min, max);
  else if (query.by === 'lex') parseLexRange(a, min, max);
  else {
    start = long(a, min);
    stop = long(a, max);
  }
}

/** Turns the query into the rank of the first member asked for (`from`, in the query's direction) and `count`. */
function resolve(zset: ZSet): void {
  if (query.by === 'rank') {
    clampRanks(start, stop, zset.length);
    if (query.reverse) from = zset.length - 1 - from;
    return;
  }
  if (query.by === 'score') zset.findScoreRange(scoreRange);
  else zset.findLexRange(lexRange, query.reverse);
  const { offset, limit } = query;
  const left = zset.rangeCount - offset;
  if (offset < 0 || left <= 0) {
    count = 0;
    return;
  }
  count = limit < 0 ? left : Math.min(left, limit);
  from = query.reverse ? zset.rangeStart + zset.rangeCount - 1 - offset : zset.rangeStart + offset;
}

function range(c: Context, a: Args, fixed: Options): void {
  parseQuery(a, 1, false, fixed);
  const { out, s1 } = c;
  const zset = c.zsetToRead(a, 1);
  if (zset === null) {
    out.array(0);
    return;
  }
  resolve(zset);
  const { withScores, reverse } = query;
  const nested = withScores && out.resp > 2;
  out.array(withScores && !nested ? count * 2 : count);
  if (count === 0) return;
  zset.seekRank(from, s1);
  for (let left = count; ; ) {
    if (nested) out.array(2);
    out.bulkSlice(s1);
    if (withScores) out.double(zset.memberScore);
    if (--left === 0) return;
    if (reverse) zset.prev(s1);
    else zset.next(s1);
  }
}

const ANY: Options = { by: null, reverse: null };
const BY_SCORE: Options = { by: 'score', reverse: false };
const BY_LEX: Options = { by: 'lex', reverse: false };
const REV: Options = { by: 'rank', reverse: true };
const REV_BY_SCORE: Options = { by: 'score', reverse: true };
const REV_BY_LEX: Options = { by: 'lex', reverse: true };

export function zrange(c: Context, a: Args): void {
  range(c, a, ANY);
}
export function zrangebyscore(c: Context, a: Args): void {
  range(c, a, BY_SCORE);
}
export function zrangebylex(c: Context, a: Args): void {
  range(c, a, BY_LEX);
}
export function zrevrange(c: Context, a: Args): void {
  range(c, a, REV);
}
export function zrevrangebyscore(c: Context, a: Args): void {
  range(c, a, REV_BY_SCORE);
}
export function zrevrangebylex(c: Context, a: Args): void {
  range(c, a, REV_BY_LEX);
}

export function zrangestore(c: Context, a: Args): void {
  parseQuery(a, 2, true, ANY);
  const { s1 } = c;
  const entry = c.readType(a, 2, ItemType.ZSET);
  const result = c.keyspace.newZset();
  if (entry === 0) {
    result.create();
  } else {
    const zset = c.keyspace.newZset(entry);
    resolve(zset);
    result.create(query.by === 'rank' ? count : 0);
    for (let more = count > 0 && zset.seekRank(from, s1); more && count > 0; count--) {
      result.put(zset.memberScore, s1.buf, s1.off, s1.len);
      more = query.reverse ? zset.prev(s1) : zset.next(s1);
    }
  }
  storeResult(c, a, 1, ItemType.ZSET, result, 'z', 'zrangestore');
}

// --- counts and removals -----------------------------------------------------------------------------------------------

export function zcount(c: Context, a: Args): void {
  parseScoreRange(a, 2, 3);
  const zset = c.zsetToRead(a, 1);
  zset?.findScoreRange(scoreRange);
  c.out.int(zset?.rangeCount ?? 0);
}

export function zlexcount(c: Context, a: Args): void {
  parseLexRange(a, 2, 3);
  const zset = c.zsetToRead(a, 1);
  zset?.findLexRange(lexRange, false);
  c.out.int(zset?.rangeCount ?? 0);
}

export function zremrangebyrank(c: Context, a: Args): void {
  start = long(a, 2);
  stop = long(a, 3);
  const zset = c.zsetToWrite(a, 1, false);
  if (zset !== null) {
    clampRanks(start, stop, zset.length);
    zset.rangeStart = from;
    zset.rangeCount = count;
  }
  removeRange(c, a, zset, 'zremrangebyrank');
}

export function zremrangebyscore(c: Context, a: Args): void {
  parseScoreRange(a, 2, 3);
  const zset = c.zsetToWrite(a, 1, false);
  zset?.findScoreRange(scoreRange);
  removeRange(c, a, zset, 'zremrangebyscore');
}

export function zremrangebylex(c: Context, a: Args): void {
  parseLexRange(a, 2, 3);
  const zset = c.zsetToWrite(a, 1, false);
  zset?.findLexRange(lexRange, false);
  removeRange(c, a, zset, 'zremrangebylex');
}

/** Removes the range that was found. */
function removeRange(c: Context, a: Args, zset: ZSet | null, event: string): void {
  const removed = zset?.rangeCount ?? 0;
  if (zset !== null && removed > 0) {
    const all = removed === zset.length;
    if (!all) zset.removeRange(zset.rangeStart, removed);
    c.changed(a, 1, 'z', event, removed);
    if (all) c.commitEmpty(a, 1, zset);
    else c.commit(a, 1, zset);
  }
  c.out.int(removed);
}
