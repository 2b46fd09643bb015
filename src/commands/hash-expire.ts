/**
 * Times to live of hash fields (Redis 7.4): HEXPIRE, HTTL, HPERSIST and their relatives.
 *
 * What is propagated is always a moment, never a span: HPEXPIREAT with the fields that got it, or HDEL when it has passed.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Hash } from '../values/hash.js';
import type { Context } from './context.js';
import { invalidExpire, NOT_INTEGER, wrongArity } from './errors.js';
import { allows, ExpireCondition } from './expire.js';
import { isPast } from './expire-time.js';
import { hashToRead, hashToWrite, withoutExpired } from './hash-lookup.js';
import { longFrom } from './long-args.js';
import type { Handler } from './spec.js';

const NO_FIELDS = new CommandError('ERR Mandatory argument FIELDS is missing or not at the right position');
const NOT_ABOVE_ZERO = new CommandError('ERR Parameter `numFields` should be greater than 0');
const NOT_POSITIVE = new CommandError('ERR Number of fields must be a positive integer');
const WRONG_COUNT = new CommandError('ERR The `numfields` parameter must match the number of arguments');
const NEGATIVE = new CommandError('ERR invalid expire time, must be >= 0');

/** The latest moment that commands accept; files may hold later ones, and so may logs made from them. */
const MOMENT_MAX = 2 ** 46 - 1;
const LOGGED_MOMENT_MAX = 2 ** 48 - 2;

/** What a command did to a field, in its reply. */
const NO_FIELD = -2;
const NO_EXPIRY = -1;
const NOT_ALLOWED = 0;
const SET = 1;
const DELETED = 2;

// --- arguments -------------------------------------------------------------------------------------------------------

/**
 * Argument i as a moment in ms since 1970.
 * @param seconds whether the argument counts seconds, not milliseconds
 * @param base    what is added: the current time for relative arguments, 0 for absolute ones
 */
export function fieldMoment(c: Context, a: Args, i: number, seconds: boolean, base: number, command: string): number {
  const max = c.replaying ? LOGGED_MOMENT_MAX : MOMENT_MAX;
  let n = a.integer(i);
  if (Number.isNaN(n)) {
    const big = a.int64(i);
    if (big === null) throw NOT_INTEGER;
    n = Number(big);
  }
  if (n < 0) throw NEGATIVE;
  if (seconds) {
    if (n > Math.floor(max / 1000)) throw invalidExpire(command);
    n *= 1000;
  }
  if (n > max - base) throw invalidExpire(command);
  return n + base;
}

/** `FIELDS numfields field [field ...]` from argument i on, to the end; returns where the fields begin. */
export function fieldsFrom(a: Args, i: number, command: string, badNumber = NOT_POSITIVE): number {
  if (!a.is(i, 'FIELDS')) throw NO_FIELDS;
  if (i + 1 >= a.count) throw wrongArity(command);
  if (longFrom(a, i + 1, 1, badNumber) !== a.count - i - 2) throw WRONG_COUNT;
  return i + 2;
}

function conditionAt(a: Args, i: number): number {
  if (a.is(i, 'NX')) return ExpireCondition.NX;
  if (a.is(i, 'XX')) return ExpireCondition.XX;
  if (a.is(i, 'GT')) return ExpireCondition.GT;
  return a.is(i, 'LT') ? ExpireCondition.LT : 0;
}

function replyAll(c: Context, count: number, n: number): void {
  for (let i = 0; i < count; i++) c.out.int(n);
}

// --- setting ---------------------------------------------------------------------------------------------------------

export function hexpireCommand(command: string, seconds: boolean, relative: boolean): Handler {
  return (c, a) => {
    // Redis looks at the key's type first.
    let hash = hashToWrite(c, a, false);
    const atMs = fieldMoment(c, a, 2, seconds, relative ? c.now : 0, command);
    const condition = conditionAt(a, 3);
    const first = fieldsFrom(a, condition === 0 ? 3 : 4, command, NOT_ABOVE_ZERO);
    c.out.array(a.count - first);
    hash = withoutExpired(c, a, hash, first);
    if (hash === null) return replyAll(c, a.count - first, NO_FIELD);
    const past = isPast(c, atMs);
    hash.prepareExpiry();
    const done: Uint8Array[] = [];
    for (let i = first; i < a.count; i++) {
      const result = expireField(hash, a, i, condition, atMs, past);
      c.out.int(result);
      if (result === SET || result === DELETED) done.push(a.bytes(i));
    }
    if (done.length > 0) c.changed(a, 1, 'h', past ? 'hdel' : 'hexpire', done.length);
    c.commit(a, 1, hash);
    if (done.length === 0) return;
    if (past) return propagateDeleted(c, a, done);
    if (!c.listens || (command === 'hpexpireat' && done.length === a.count - first)) return;
    const unless = condition === 0 ? [] : [a.bytes(3)];
    c.rewrite('HPEXPIREAT', a.bytes(1), String(atMs), ...unless, 'FIELDS', String(done.length), ...done);
  };
}

/** Gives the field in argument i its expiry, or deletes it when the moment has passed. */
function expireField(hash: Hash, a: Args, i: number, condition: number, atMs: number, past: boolean): number {
  const off = a.off[i]!;
  const len = a.len[i]!;
  if (!hash.has(a.buf, off, len)) return NO_FIELD;
  if (condition !== 0 && !allows(condition, hash.fieldExpire(a.buf, off, len), atMs)) return NOT_ALLOWED;
  if (past) hash.delete(a.buf, off, len);
  else hash.setFieldExpire(a.buf, off, len, atMs);
  return past ? DELETED : SET;
}

/** Fields that a command has deleted because their moment had passed already. */
export function propagateDeleted(c: Context, a: Args, fields: readonly Uint8Array[]): void {
  c.keyspace.expiredFields += fields.length;
  if (c.listens) for (const field of fields) c.rewrite('HDEL', a.bytes(1), field);
}

export function hpersist(c: Context, a: Args): void {
  const hash = hashToWrite(c, a, false);
  const first = fieldsFrom(a, 2, 'hpersist');
  c.out.array(a.count - first);
  if (hash === null) return replyAll(c, a.count - first, NO_FIELD);
  let changed = false;
  for (let i = first; i < a.count; i++) {
    const result = ttlOf(hash, a, i);
    if (result >= 0) {
      hash.setFieldExpire(a.buf, a.off[i]!, a.len[i]!, Number.NaN);
      changed = true;
    }
    c.out.int(result >= 0 ? SET : result);
  }
  if (!changed) return;
  c.commit(a, 1, hash);
  c.changed(a, 1, 'h', 'hpersist');
}

// --- asking ----------------------------------------------------------------------------------------------------------

export function httlCommand(command: string, seconds: boolean, relative: boolean): Handler {
  return (c, a) => {
    const hash = hashToRead(c, a);
    const first = fieldsFrom(a, 2, command);
    c.out.array(a.count - first);
    if (hash === null) return replyAll(c, a.count - first, NO_FIELD);
    for (let i = first; i < a.count; i++) {
      const at = ttlOf(hash, a, i);
      if (at < 0) {
        c.out.int(at);
        continue;
      }
      const ms = relative ? at - c.now : at;
      c.out.int(seconds ? Math.floor((ms + 999) / 1000) : ms);
    }
  };
}

/** When the field in argument i expires, NO_EXPIRY or NO_FIELD. */
function ttlOf(hash: Hash, a: Args, i: number): number {
  const off = a.off[i]!;
  const len = a.len[i]!;
  const at = hash.fieldExpire(a.buf, off, len);
  if (!Number.isNaN(at)) return at;
  return hash.has(a.buf, off, len) ? NO_EXPIRY : NO_FIELD;
}
