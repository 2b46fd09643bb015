/** Lookups that Context does not have. */
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';

/** As `c.read` without counting as an access to the key; hits and misses are counted. */
export function lookupQuietly(c: Context, a: Args, i: number): number {
  const { keyspace } = c;
  const { touches } = keyspace;
  keyspace.touches = false;
  const entry = c.read(a, i);
  keyspace.touches = touches;
  return entry;
}

/** As `lookupQuietly`; nobody is told when the key is missing. */
export function lookupUnnoticed(c: Context, a: Args, i: number): number {
  const { keyspace } = c;
  const entry = c.db.lookup(a.buf, a.off[i]!, a.len[i]!);
  if (entry === 0) keyspace.misses++;
  else keyspace.hits++;
  return entry;
}
