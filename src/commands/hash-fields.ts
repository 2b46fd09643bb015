/** Hashes, field by field: HSET, HGET and their relatives, HINCRBY, HINCRBYFLOAT. */
import { CommandError } from '../base/errors.js';
import { addLongDouble, isInfiniteLongDouble, isLongDouble } from '../base/long-double.js';
import { parseInt64, parseInteger, writeInteger } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import type { Hash } from '../values/hash.js';
import type { Context } from './context.js';
import { NAN_OR_INFINITY, NOT_FLOAT, NOT_INTEGER, OVERFLOW, wrongArity } from './errors.js';
import { dropExpired, hashToRead, hashToWrite } from './hash-lookup.js';

const HSET_ARITY = wrongArity('hset');
const HMSET_ARITY = wrongArity('hmset');
const FIELD_NOT_INTEGER = new CommandError('ERR hash value is not an integer');
const FIELD_NOT_FLOAT = new CommandError('ERR hash value is not a float');
const IS_NAN_OR_INFINITY = new CommandError('ERR value is NaN or Infinity');

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DIGITS = new Uint8Array(24);

// --- setting ---------------------------------------------------------------------------------------------------------

/** Hot. */
export function hset(c: Context, a: Args): void {
  if (a.count % 2 === 1) throw HSET_ARITY;
  c.out.int(setPairs(c, a));
}
export function hmset(c: Context, a: Args): void {
  if (a.count % 2 === 1) throw HMSET_ARITY;
  setPairs(c, a);
  c.out.ok();
}

/** Sets the pairs from argument 2 on; returns how many fields are new. */
function setPairs(c: Context, a: Args): number {
  const hash = hashToWrite(c, a, true)!;
  const { buf, off, len, count } = a;
  const pairs = (count - 2) >>> 1;
  hash.expect(pairs);
  if (hash.entry === 0) hash.reserve(buf, off, len, 2, count);
  let added = 0;
  for (let i = 2; i < count; i += 2) {
    if (hash.set(buf, off[i]!, len[i]!, buf, off[i + 1]!, len[i + 1]!)) added++;
  }
  c.commit(a, 1, hash);
  c.changed(a, 1, 'h', 'hset', pairs);
  return added;
}

/** The hash for a change of the field in argument 2, which is missing: deleted, if it is so because its time is over. */
function withoutField(c: Context, a: Args, hash: Hash): Hash {
  if (!hash.hasFieldExpiry || !dropExpired(c, a, 2, 3)) return hash;
  return hashToWrite(c, a, true)!;
}

export function hsetnx(c: Context, a: Args): void {
  let hash = hashToWrite(c, a, true)!;
  if (!hash.has(a.buf, a.off[2]!, a.len[2]!)) hash = withoutField(c, a, hash);
  if (!hash.setIfAbsent(a.buf, a.off[2]!, a.len[2]!, a.buf, a.off[3]!, a.len[3]!)) return c.out.int(0);
  c.commit(a, 1, hash);
  c.changed(a, 1, 'h', 'hset');
  c.out.int(1);
}

export function hdel(c: Context, a: Args): void {
  const hash = hashToWrite(c, a, false);
  if (hash === null) return c.out.int(0);
  let deleted = 0;
  for (let i = 2; i < a.count; i++) {
    if (!hash.delete(a.buf, a.off[i]!, a.len[i]!)) continue;
    deleted++;
    if (hash.length === 0) break;
  }
  c.out.int(deleted);
  if (deleted === 0) return;
  c.changed(a, 1, 'h', 'hdel', deleted);
  c.commit(a, 1, hash);
}

// --- numbers ---------------------------------------------------------------------------------------------------------

/** Hot while sums are safe integers. */
export function hincrby(c: Context, a: Args): void {
  const by = a.integer(3);
  if (Number.isNaN(by) && a.int64(3) === null) throw NOT_INTEGER;
  let hash = hashToWrite(c, a, true)!;
  const { s1 } = c;
  const exists = hash.get(a.buf, a.off[2]!, a.len[2]!, s1);
  if (!exists) hash = withoutField(c, a, hash);
  const sum = by + (exists ? parseInteger(s1.buf, s1.off, s1.len) : 0);
  if (!Number.isSafeInteger(sum)) return hincrbyBig(c, a, hash, exists);
  setNumber(c, a, hash, writeInteger(DIGITS, 0, sum));
  c.out.int(sum);
}

function hincrbyBig(c: Context, a: Args, hash: Hash, exists: boolean): void {
  const { s1 } = c;
  const value = exists ? parseInt64(s1.buf, s1.off, s1.len) : 0n;
  if (value === null) throw FIELD_NOT_INTEGER;
  const sum = value + a.int64(3)!;
  if (sum < INT64_MIN || sum > INT64_MAX) throw OVERFLOW;
  const text = sum.toString();
  for (let i = 0; i < text.length; i++) DIGITS[i] = text.charCodeAt(i);
  setNumber(c, a, hash, text.length);
  c.out.int64(sum);
}

function setNumber(c: Context, a: Args, hash: Hash, digits: number): void {
  hash.setKeepingExpire(a.buf, a.off[2]!, a.len[2]!, DIGITS, 0, digits);
  c.commit(a, 1, hash);
  c.changed(a, 1, 'h', 'hincrby');
}

/**
 * Propagated as HSET with the sum, so that another long double elsewhere does not make another value; for a field that
 * expires as HSETEX KEEPTTL.
 */
export function hincrbyfloat(c: Context, a: Args): void {
  const by = a.latin1(3);
  if (!isLongDouble(by)) throw NOT_FLOAT;
  if (isInfiniteLongDouble(by)) throw IS_NAN_OR_INFINITY;
  let hash = hashToWrite(c, a, true)!;
  const exists = hash.get(a.buf, a.off[2]!, a.len[2]!, c.s1);
  const value = exists ? c.s1.toString() : '0';
  if (!exists) hash = withoutField(c, a, hash);
  const sum = addLongDouble(value, by);
  if (sum === '') throw FIELD_NOT_FLOAT;
  if (sum === null) throw NAN_OR_INFINITY;
  const digits = Buffer.from(sum, 'latin1');
  hash.setKeepingExpire(a.buf, a.off[2]!, a.len[2]!, digits, 0, digits.length);
  const expires = !Number.isNaN(hash.fieldExpire(a.buf, a.off[2]!, a.len[2]!));
  c.commit(a, 1, hash);
  c.changed(a, 1, 'h', 'hincrbyfloat');
  if (expires) c.rewrite('HSETEX', a.bytes(1), 'KEEPTTL', 'FIELDS', '1', a.bytes(2), digits);
  else c.rewrite('HSET', a.bytes(1), a.bytes(2), digits);
  c.out.bulk(digits);
}

// --- reading ---------------------------------------------------------------------------------------------------------
// A field that is not found may be one whose time is over: then it is deleted.

/** Hot. */
export function hget(c: Context, a: Args): void {
  const hash = hashToRead(c, a);
  if (hash?.get(a.buf, a.off[2]!, a.len[2]!, c.s1)) return c.out.bulkSlice(c.s1);
  if (hash?.hasFieldExpiry) dropExpired(c, a, 2, 3);
  c.out.nil();
}

export function hmget(c: Context, a: Args): void {
  const hash = hashToRead(c, a);
  let missed = false;
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) {
    if (hash?.get(a.buf, a.off[i]!, a.len[i]!, c.s1)) {
      c.out.bulkSlice(c.s1);
    } else {
      c.out.nil();
      missed = true;
    }
  }
  if (missed && hash?.hasFieldExpiry) dropExpired(c, a, 2, a.count);
}

export function hexists(c: Context, a: Args): void {
  const hash = hashToRead(c, a);
  const exists = hash?.has(a.buf, a.off[2]!, a.len[2]!);
  if (!exists && hash?.hasFieldExpiry) dropExpired(c, a, 2, 3);
  c.out.int(exists ? 1 : 0);
}

export function hstrlen(c: Context, a: Args): void {
  const hash = hashToRead(c, a);
  const length = hash === null ? 0 : hash.valueLength(a.buf, a.off[2]!, a.len[2]!);
  if (length === 0 && hash?.hasFieldExpiry) dropExpired(c, a, 2, 3);
  c.out.int(length);
}

/** As in Redis, fields whose time is over count until somebody deletes them. */
export function hlen(c: Context, a: Args): void {
  const hash = hashToRead(c, a);
  c.out.int(hash === null ? 0 : hash.length);
}
