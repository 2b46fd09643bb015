/** Integer arguments of limited range, refused in Redis's words. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { NOT_INTEGER } from './errors.js';

/** Argument i as an integer of 32 bits. */
export function int32(a: Args, i: number): number {
  return rangeInt(a, i, -2147483648, 2147483647);
}

/** Argument i as an integer in [min, max]. */
export function rangeInt(a: Args, i: number, min: number, max: number): number {
  const n = a.integer(i);
  if (n >= min && n <= max) return n;
  if (Number.isNaN(n) && a.int64(i) === null) throw NOT_INTEGER;
  throw new CommandError(`ERR value is out of range, value must between ${min} and ${max}`);
}
