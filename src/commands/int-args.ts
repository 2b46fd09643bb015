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

/** Argument i as a 64-bit integer; beyond +-(2^53 - 1) as the nearest double. */
export function long(a: Args, i: number): number {
  const n = a.integer(i);
  if (!Number.isNaN(n)) return n;
  const wide = a.int64(i);
  if (wide === null) throw NOT_INTEGER;
  return Number(wide);
}

/** Argument i as a 64-bit integer of at least `min`; `error` when it is none or less. */
export function longFrom(a: Args, i: number, min: number, error: CommandError): number {
  const n = a.integer(i);
  if (n >= min) return n;
  const wide = Number.isNaN(n) ? a.int64(i) : null;
  if (wide === null || wide < min) throw error;
  return Number(wide);
}

const COUNT_RANGE = new CommandError(
  'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
);

/** Argument i as a count of random elements: any 64-bit integer but the least, whose negation would not be one. */
export function randomCount(a: Args, i: number): number {
  const n = long(a, i);
  if (n === -(2 ** 63) && a.int64(i) === -(2n ** 63n)) throw COUNT_RANGE;
  return n;
}
