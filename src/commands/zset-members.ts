/**
 * Sorted sets by member: ZADD and ZINCRBY, removals, scores, ranks, ZSCAN.
 *
 * Hot: ZADD, ZREM, ZSCORE, ZRANK and ZCARD make no JS object per call.
 */
import { CommandError } from '../base/errors.js';
import { formatDouble } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding } from '../memory/item.js';
import {
  ZADD_ADDED,
  ZADD_GT,
  ZADD_INCR,
  ZADD_LT,
  ZADD_NAN,
  ZADD_NOP,
  ZADD_NX,
  ZADD_UPDATED,
  ZADD_XX,
} from '../values/zset.js';
import type { Context } from './context.js';
import { NOT_FLOAT, SYNTAX, wrongArity } from './errors.js';
import { emptyScan, parseScanCursor, parseScanOptions } from './scan.js';

const NX_AND_XX = new CommandError('ERR XX and NX options at the same time are not compatible');
const GT_LT_NX = new CommandError('ERR GT, LT, and/or NX options at the same time are not compatible');
const INCR_ONE_PAIR = new CommandError('ERR INCR option supports a single increment-element pair');
const SCORE_NAN = new CommandError('ERR resulting score is not a number (NaN)');

/** Changed elements count, not only added ones. Beside the flags of ZSet.update. */
const CH = 32;

/** The scores of the running command: all are parsed before anything changes. */
let scores = new Float64Array(16);

function optionOf(a: Args, i: number): number {
  if (a.is(i, 'NX')) return ZADD_NX;
  if (a.is(i, 'XX')) return ZADD_XX;
  if (a.is(i, 'GT')) return ZADD_GT;
  if (a.is(i, 'LT')) return ZADD_LT;
  if (a.is(i, 'CH')) return CH;
  return a.is(i, 'INCR') ? ZADD_INCR : 0;
}

/** Parses the options; returns the argument of the first score and leaves the flags in `flags`. */
let flags = 0;
function parseOptions(a: Args): number {
  let i = 2;
  for (; i < a.count; i++) {
    const option = optionOf(a, i);
    if (option === 0) break;
    flags |= option;
  }
  const pairs = (a.count - i) / 2;
  if (pairs === 0 || pairs % 1 !== 0) throw SYNTAX;
  if ((flags & ZADD_NX) !== 0 && (flags & ZADD_XX) !== 0) throw NX_AND_XX;
  const comparing = flags & (ZADD_GT | ZADD_LT);
  if (comparing === (ZADD_GT | ZADD_LT) || (comparing !== 0 && (flags & ZADD_NX) !== 0)) throw GT_LT_NX;
  if ((flags & ZADD_INCR) !== 0 && pairs > 1) throw INCR_ONE_PAIR;
  return i;
}

export function zadd(c: Context, a: Args): void {
  flags = 0;
  add(c, a);
}
export function zincrby(c: Context, a: Args): void {
  flags = ZADD_INCR;
  add(c, a);
}

function add(c: Context, a: Args): void {
  const first = parseOptions(a);
  const increments = (flags & ZADD_INCR) !== 0;
  const pairs = (a.count - first) / 2;
  if (pairs > scores.length) scores = new Float64Array(pairs * 2);
  for (let k = 0; k < pairs; k++) {
    const score = a.double(first + k * 2);
    if (Number.isNaN(score)) throw NOT_FLOAT;
    scores[k] = score;
  }
  const zset = c.zsetToWrite(a, 1, (flags & ZADD_XX) === 0);
  if (zset === null) {
    if (increments) c.out.nil();
    else c.out.int(0);
    return;
  }
  zset.prepare(pairs, a.len[first + 1]!);
  if (zset.entry === 0) zset.reserve(a.buf, a.off, a.len, first, a.count);
  let added = 0;
  let updated = 0;
  let done = ZADD_NOP;
  for (let k = 0; k < pairs; k++) {
    const member = first + k * 2 + 1;
    done = zset.update(scores[k]!, a.buf, a.off[member]!, a.len[member]!, flags);
    if (done === ZADD_ADDED) added++;
    else if (done === ZADD_UPDATED) updated++;
  }
  const score = zset.memberScore;
  c.commit(a, 1, zset);
  if (done === ZADD_NAN) throw SCORE_NAN;
  if (added + updated > 0) c.changed(a, 1, 'z', increments ? 'zincr' : 'zadd', added + updated);
  if (!increments) c.out.int((flags & CH) !== 0 ? added + updated : added);
  else if (done === ZADD_NOP) c.out.nil();
  else c.out.double(score);
}

export function zrem(c: Context, a: Args): void {
  const zset = c.zsetToWrite(a, 1, false);
  let removed = 0;
  if (zset !== null) {
    for (let i = 2; i < a.count && zset.length > 0; i++) if (zset.remove(a.buf, a.off[i]!, a.len[i]!)) removed++;
    if (removed > 0) c.changed(a, 1, 'z', 'zrem', removed);
    c.commit(a, 1, zset);
  }
  c.out.int(removed);
}

export function zcard(c: Context, a: Args): void {
  c.out.int(c.zsetToRead(a, 1)?.length ?? 0);
}

export function zscore(c: Context, a: Args): void {
  const score = c.zsetToRead(a, 1)?.score(a.buf, a.off[2]!, a.len[2]!) ?? Number.NaN;
  if (Number.isNaN(score)) c.out.nil();
  else c.out.double(score);
}

export function zmscore(c: Context, a: Args): void {
  const zset = c.zsetToRead(a, 1);
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) {
    const score = zset?.score(a.buf, a.off[i]!, a.len[i]!) ?? Number.NaN;
    if (Number.isNaN(score)) c.out.nil();
    else c.out.double(score);
  }
}

export function zrank(c: Context, a: Args): void {
  rank(c, a, false, 'zrank');
}
export function zrevrank(c: Context, a: Args): void {
  rank(c, a, true, 'zrevrank');
}

function rank(c: Context, a: Args, reverse: boolean, name: string): void {
  const { out } = c;
  if (a.count > 4) throw wrongArity(name);
  if (a.count === 4 && !a.is(3, 'WITHSCORE')) throw SYNTAX;
  const withScore = a.count === 4;
  const zset = c.zsetToRead(a, 1);
  const found = zset === null ? -1 : zset.rank(a.buf, a.off[2]!, a.len[2]!);
  if (found < 0) {
    if (withScore) out.nilArray();
    else out.nil();
    return;
  }
  if (withScore) out.array(2);
  out.int(reverse ? zset!.length - 1 - found : found);
  if (withScore) out.double(zset!.memberScore);
}

/** As C's %.17g, which is how Redis prints a score that ZSCAN meets in its large encoding. */
export function formatDouble17(x: number): string {
  if (!Number.isFinite(x)) return formatDouble(x);
  if (x === 0) return Object.is(x, -0) ? '-0' : '0';
  const [mantissa, exponentText] = x.toExponential(16).split('e') as [string, string];
  const exponent = Number(exponentText);
  const trim = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits);
  if (exponent >= -4 && exponent < 17) return trim(x.toFixed(Math.max(0, Math.min(100, 16 - exponent))));
  const magnitude = Math.abs(exponent);
  return `${trim(mantissa)}e${exponent < 0 ? '-' : '+'}${magnitude < 10 ? '0' : ''}${magnitude}`;
}

export function zscan(c: Context, a: Args): void {
  const cursor = parseScanCursor(a, 2);
  const zset = c.zsetToRead(a, 1);
  if (zset === null) {
    emptyScan(c);
    return;
  }
  const scan = parseScanOptions(a, 3);
  const small = zset.encoding === Encoding.LISTPACK;
  scan.begin(c.out);
  const next = zset.scan(cursor, scan.count, (buf, off, len, score) => {
    if (!scan.matches(buf, off, len)) return;
    scan.emit(buf, off, len);
    scan.emitText(small ? formatDouble(score) : formatDouble17(score));
  });
  scan.end(next);
}
