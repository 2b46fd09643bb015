/** Fields of hashes read or written together with their times to live (Redis 8.0): HGETDEL, HGETEX, HSETEX. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Hash } from '../values/hash.js';
import type { Context } from './context.js';
import { wrongArity } from './errors.js';
import { isPast } from './expire-time.js';
import { fieldMoment, fieldsFrom, propagateDeleted } from './hash-expire.js';
import { dropExpired, hashToWrite, withoutExpired } from './hash-lookup.js';
import { quoted } from './text.js';

const HSETEX_ARITY = wrongArity('hsetex');
const BAD_FIELD_COUNT = new CommandError('ERR invalid number of fields');
const MISSING_TIME = new CommandError('ERR missing expire time');
const ONE_CONDITION = new CommandError('ERR Only one of FXX or FNX arguments can be specified');
const ONE_EXPIRY = new CommandError('ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified');
const FIELDS_MAX = 2 ** 31 - 1;

/** [token, whether it counts seconds, whether from now]. */
const MOMENTS = [
  ['EX', true, true],
  ['PX', false, true],
  ['EXAT', true, false],
  ['PXAT', false, false],
] as const;

// --- HGETDEL and HGETEX ----------------------------------------------------------------------------------------------

export function hgetdel(c: Context, a: Args): void {
  let hash = hashToWrite(c, a, false);
  const first = fieldsFrom(a, 2, 'hgetdel');
  hash = withoutExpired(c, a, hash, first);
  c.out.array(a.count - first);
  let deleted = 0;
  for (let i = first; i < a.count; i++) {
    if (!replyField(c, a, i, hash)) continue;
    hash!.delete(a.buf, a.off[i]!, a.len[i]!);
    deleted++;
  }
  if (deleted === 0) return;
  c.changed(a, 1, 'h', 'hdel', deleted);
  c.commit(a, 1, hash!);
  if (c.listens) c.rewrite('HDEL', a.bytes(1), ...argsFrom(a, first));
}

/** Propagated as what it did: HPERSIST, HPEXPIREAT, HDELs, or nothing. */
export function hgetex(c: Context, a: Args): void {
  let hash = hashToWrite(c, a, false);
  const moment = MOMENTS.find(([token]) => a.is(2, token));
  const persists = a.is(2, 'PERSIST');
  let atMs = Number.NaN;
  if (moment !== undefined) atMs = fieldMoment(c, a, 3, moment[1], moment[2] ? c.now : 0, 'hgetex');
  const first = fieldsFrom(a, moment !== undefined ? 4 : persists ? 3 : 2, 'hgetex');
  hash = withoutExpired(c, a, hash, first);
  c.out.array(a.count - first);
  const past = moment !== undefined && isPast(c, atMs);
  if (hash !== null && (persists || moment !== undefined)) hash.prepareExpiry();
  const done: Uint8Array[] = [];
  for (let i = first; i < a.count; i++) {
    if (!replyField(c, a, i, hash)) continue;
    const off = a.off[i]!;
    const len = a.len[i]!;
    if (past) hash!.delete(a.buf, off, len);
    else if (moment !== undefined) hash!.setFieldExpire(a.buf, off, len, atMs);
    else if (persists && !Number.isNaN(hash!.fieldExpire(a.buf, off, len))) {
      hash!.setFieldExpire(a.buf, off, len, Number.NaN);
    } else continue;
    done.push(a.bytes(i));
  }
  if (hash === null || (!persists && moment === undefined)) return;
  if (done.length > 0) c.changed(a, 1, 'h', past ? 'hdel' : persists ? 'hpersist' : 'hexpire', done.length);
  c.commit(a, 1, hash);
  if (done.length === 0) return;
  if (past) return propagateDeleted(c, a, done);
  if (!c.listens) return;
  const fields = ['FIELDS', String(a.count - first), ...argsFrom(a, first)];
  if (persists) c.rewrite('HPERSIST', a.bytes(1), ...fields);
  else c.rewrite('HPEXPIREAT', a.bytes(1), String(atMs), ...fields);
}

/** Replies with the value of the field in argument i; null, and false, when there is none. */
function replyField(c: Context, a: Args, i: number, hash: Hash | null): boolean {
  if (!hash?.get(a.buf, a.off[i]!, a.len[i]!, c.s1)) {
    c.out.nil();
    return false;
  }
  c.out.bulkSlice(c.s1);
  return true;
}

function argsFrom(a: Args, first: number): Uint8Array[] {
  const args: Uint8Array[] = [];
  for (let i = first; i < a.count; i++) args.push(a.bytes(i));
  return args;
}

// --- HSETEX ------------------------------------------------------------------------------------------------------------

interface SetOptions {
  /** Only when all of the fields exist, or only when none does. */
  condition: 'FXX' | 'FNX' | null;
  keepsExpiry: boolean;
  /** Index of EX, PX, EXAT or PXAT; 0: none of them. */
  momentAt: number;
  /** ms since 1970; NaN: none is given. */
  atMs: number;
  /** Index of the first field. */
  first: number;
}

function parse(c: Context, a: Args): SetOptions {
  const options: SetOptions = { condition: null, keepsExpiry: false, momentAt: 0, atMs: Number.NaN, first: 0 };
  for (let i = 2; i < a.count; i++) {
    if (a.is(i, 'FIELDS')) {
      options.first = pairsFrom(a, i);
      return options;
    }
    const moment = MOMENTS.find(([token]) => a.is(i, token));
    if (moment !== undefined || a.is(i, 'KEEPTTL')) {
      if (options.momentAt !== 0 || options.keepsExpiry) throw ONE_EXPIRY;
      options.keepsExpiry = moment === undefined;
      if (moment === undefined) continue;
      if (i + 1 >= a.count) throw MISSING_TIME;
      options.momentAt = i++;
      options.atMs = fieldMoment(c, a, i, moment[1], moment[2] ? c.now : 0, 'hsetex');
    } else if (a.is(i, 'FXX') || a.is(i, 'FNX')) {
      if (options.condition !== null) throw ONE_CONDITION;
      options.condition = a.is(i, 'FXX') ? 'FXX' : 'FNX';
    } else throw new CommandError(`ERR unknown argument: ${quoted(a, i, Number.POSITIVE_INFINITY)}`);
  }
  throw HSETEX_ARITY;
}

/** `FIELDS numfields field value ...` from argument i on, to the end; returns where the fields begin. */
function pairsFrom(a: Args, i: number): number {
  if (i >= a.count - 3) throw HSETEX_ARITY;
  const count = a.integer(i + 1);
  if (!(count >= 1 && count <= FIELDS_MAX)) throw BAD_FIELD_COUNT;
  if (a.count - i - 2 !== count * 2) throw HSETEX_ARITY;
  return i + 2;
}

export function hsetex(c: Context, a: Args): void {
  const options = parse(c, a);
  const { condition, first, atMs, momentAt } = options;
  let hash = hashToWrite(c, a, condition !== 'FXX');
  if (hash === null) return c.out.int(0);
  if (condition !== null) hash = meetsCondition(c, a, hash, condition, first);
  if (hash === null) return c.out.int(0);
  // There is no expiry to keep of a field whose time is over.
  if (options.keepsExpiry && hash.hasFieldExpiry && dropExpired(c, a, first, a.count, 2))
    hash = hashToWrite(c, a, true)!;
  const pairs = (a.count - first) / 2;
  const past = momentAt !== 0 && isPast(c, atMs);
  setPairs(a, hash, options, past);
  c.commit(a, 1, hash);
  c.changed(a, 1, 'h', 'hset', pairs);
  c.out.int(1);
  if (momentAt === 0) return;
  if (!past) {
    c.changed(a, 1, 'h', 'hexpire', 0);
    if (c.listens && !a.is(momentAt, 'PXAT')) {
      const time = [...argsFrom(a, 0)] as (string | Uint8Array)[];
      time[momentAt] = 'PXAT';
      time[momentAt + 1] = String(atMs);
      c.rewrite(...time);
    }
    return;
  }
  const fields: Uint8Array[] = [];
  for (let i = first; i < a.count; i += 2) {
    if (hash.delete(a.buf, a.off[i]!, a.len[i]!)) fields.push(a.bytes(i));
  }
  c.changed(a, 1, 'h', 'hdel', 0);
  c.commit(a, 1, hash);
  propagateDeleted(c, a, fields);
}

function setPairs(a: Args, hash: Hash, { first, momentAt, keepsExpiry, atMs }: SetOptions, past: boolean): void {
  const { buf, off, len, count } = a;
  hash.expect((count - first) / 2);
  if (momentAt !== 0) hash.prepareExpiry();
  for (let i = first; i < count; i += 2) {
    const fieldOff = off[i]!;
    const valueOff = off[i + 1]!;
    if (keepsExpiry || past) hash.setKeepingExpire(buf, fieldOff, len[i]!, buf, valueOff, len[i + 1]!);
    else if (momentAt !== 0) hash.setWithExpire(buf, fieldOff, len[i]!, buf, valueOff, len[i + 1]!, atMs);
    else hash.set(buf, fieldOff, len[i]!, buf, valueOff, len[i + 1]!);
  }
}

/**
 * The hash when all of the fields are there (FXX) or none is (FNX), else null. Fields that are met after their time are
 * deleted, up to the first one that decides.
 */
function meetsCondition(c: Context, a: Args, hash: Hash, condition: 'FXX' | 'FNX', first: number): Hash | null {
  const { fieldExpiry, hooks } = c.keyspace;
  const wanted = condition === 'FXX';
  let expired = false;
  let meets = true;
  for (let i = first; i < a.count && meets; i += 2) {
    const off = a.off[i]!;
    const len = a.len[i]!;
    const there = hash.has(a.buf, off, len);
    if (!there && hash.hasFieldExpiry && fieldExpiry.expire(c.db, hash.entry, a.buf, off, len)) {
      expired = true;
      hash = hashToWrite(c, a, false)!;
    }
    meets = there === wanted;
  }
  // A hash that goes on is kept, even while it is empty.
  if (expired && meets) hooks.fieldsExpired?.(c.db, a.bytes(1), false);
  else if (expired) fieldExpiry.finish(c.db, a.bytes(1));
  return meets ? hash : null;
}
