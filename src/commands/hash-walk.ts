/** Whole hashes: HGETALL, HKEYS, HVALS, HSCAN, and fields by chance: HRANDFIELD. */
import { CommandError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import { dueSecond } from '../memory/dict-segment.js';
import type { Hash } from '../values/hash.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { hashToRead } from './hash-lookup.js';
import { checkTwice, symmetricLong } from './long-args.js';
import { emptyScan, parseScanCursor, parseScanOptions } from './scan.js';

export function hgetall(c: Context, a: Args): void {
  walk(c, a, true, true);
}
export function hkeys(c: Context, a: Args): void {
  walk(c, a, true, false);
}
export function hvals(c: Context, a: Args): void {
  walk(c, a, false, true);
}

/** Hot: no allocation per field. */
function walk(c: Context, a: Args, fields: boolean, values: boolean): void {
  const { out, s1, s2 } = c;
  const hash = hashToRead(c, a);
  const asMap = fields && values;
  if (hash === null) {
    if (asMap) out.map(0);
    else out.array(0);
    return;
  }
  // With fields that expire the number of those left is known only afterwards.
  const counted = !hash.hasFieldExpiry;
  if (counted && asMap) out.map(hash.length);
  else if (counted) out.array(hash.length);
  const at = out.pos;
  let count = 0;
  hash.start();
  for (; hash.next(s1, s2); count++) {
    if (fields) out.bulk(s1.buf, s1.off, s1.len);
    if (values) out.bulk(s2.buf, s2.off, s2.len);
  }
  if (counted) return;
  if (asMap) out.mapAt(at, count);
  else out.arrayAt(at, count);
}

export function hscan(c: Context, a: Args): void {
  const cursor = parseScanCursor(a, 2);
  const hash = hashToRead(c, a);
  if (hash === null) return emptyScan(c);
  const scan = parseScanOptions(a, 3);
  scan.begin(c.out);
  const next = hash.scan(cursor, scan.count, (field, value) => {
    if (!scan.matches(field.buf, field.off, field.len)) return;
    scan.emit(field.buf, field.off, field.len);
    scan.emit(value.buf, value.off, value.len);
  });
  scan.end(next);
}

export function hrandfield(c: Context, a: Args): void {
  if (a.count === 2) {
    const hash = freshHash(c, a);
    if (hash !== null && pick(hash, c)) c.out.bulkSlice(c.s1);
    else c.out.nil();
    return;
  }
  const count = symmetricLong(a, 2);
  if (a.count > 4 || (a.count === 4 && !a.is(3, 'WITHVALUES'))) throw SYNTAX;
  const withValues = a.count === 4;
  if (withValues) checkTwice(a, 2);
  const hash = freshHash(c, a);
  if (hash === null || count === 0) return c.out.array(0);
  if (count > 0) distinct(c, hash, count, withValues);
  else repeated(c, hash, -count, withValues);
}

/** The hash at key argument 1 or null, without fields whose time is over: they are deleted. */
function freshHash(c: Context, a: Args): Hash | null {
  const hash = hashToRead(c, a);
  if (hash === null || c.replaying || hash.dueSecond > dueSecond(c.now)) return hash;
  c.keyspace.fieldExpiry.sweepWhole(c.db, hash.entry);
  return c.db.find(a.buf, a.off[1]!, a.len[1]!) === 0 ? null : hashToRead(c, a);
}

/** Puts a random field that is not expired into s1, its value into s2; false when none was found. */
function pick(hash: Hash, c: Context): boolean {
  for (let tries = 0; tries < 100; tries++) if (hash.random(c.s1, c.s2)) return true;
  hash.start();
  return hash.next(c.s1, c.s2);
}

function distinct(c: Context, hash: Hash, count: number, withValues: boolean): void {
  const { out } = c;
  const at = out.pos;
  let found = 0;
  hash.randomDistinct(count, (field, value) => {
    found++;
    pair(c, field, value, withValues);
  });
  out.arrayAt(at, withValues && out.resp < 3 ? found * 2 : found);
}

function repeated(c: Context, hash: Hash, count: number, withValues: boolean): void {
  const { out } = c;
  if (!pick(hash, c)) return out.array(0);
  if (count > REPLIES_MAX) throw TOO_MANY;
  out.array(withValues && out.resp < 3 ? count * 2 : count);
  for (let i = 0; i < count; i++) {
    pick(hash, c);
    pair(c, c.s1, c.s2, withValues);
  }
}

/** In RESP3 a field and its value are an array of their own. */
function pair(c: Context, field: Slice, value: Slice, withValues: boolean): void {
  const { out } = c;
  if (withValues && out.resp >= 3) out.array(2);
  out.bulk(field.buf, field.off, field.len);
  if (withValues) out.bulk(value.buf, value.off, value.len);
}

/** The reply is made in memory: beyond this it could not be. */
const REPLIES_MAX = 2 ** 28;
const TOO_MANY = new CommandError('ERR the count asks for more elements than a reply can hold');
