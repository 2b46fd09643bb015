/** How hash commands find their hash, and what becomes of fields that they meet after their time. */
import type { Args } from '../formats/resp/args.js';
import type { Hash } from '../values/hash.js';
import type { Context } from './context.js';

/** The hash at key argument 1 or null; its expired fields count as missing. */
export function hashToRead(c: Context, a: Args): Hash | null {
  const hash = c.hashToRead(a, 1);
  if (hash !== null && !c.replaying) hash.now = c.now;
  return hash;
}
export function hashToWrite(c: Context, a: Args, create: boolean): Hash | null {
  const hash = c.hashToWrite(a, 1, create);
  if (hash !== null && !c.replaying) hash.now = c.now;
  return hash;
}

/**
 * Deletes those of the fields in every `step`-th argument, `from` up to `to`, whose time is over, and the hash when it has no
 * other. Returns whether there were any: then the hash must be looked up anew.
 */
export function dropExpired(c: Context, a: Args, from: number, to: number, step = 1): boolean {
  const { fieldExpiry } = c.keyspace;
  const key = a.bytes(1);
  let some = false;
  for (let i = from; i < to; i += step) {
    const entry = c.db.find(a.buf, a.off[1]!, a.len[1]!);
    if (fieldExpiry.expire(c.db, entry, a.buf, a.off[i]!, a.len[i]!)) some = true;
  }
  if (some) fieldExpiry.finish(c.db, key);
  return some;
}

/** The hash to write, or null, without those of the fields from argument `from` on whose time is over. */
export function withoutExpired(c: Context, a: Args, hash: Hash | null, from: number): Hash | null {
  if (hash === null || !hash.hasFieldExpiry || !dropExpired(c, a, from, a.count)) return hash;
  return hashToWrite(c, a, false);
}
