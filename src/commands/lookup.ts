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
