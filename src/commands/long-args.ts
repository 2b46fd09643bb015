/** 64-bit integer arguments for indices and counts. What no list or hash is long enough to notice is rounded. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { NOT_INTEGER, OUT_OF_RANGE } from './errors.js';

const INT64_MIN = -(2n ** 63n);
const OUT_OF_SYMMETRIC_RANGE = new CommandError(
  'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
);

/** Argument i as a 64-bit integer; beyond +-(2^53 - 1) the nearest double. Hot. */
export function long(a: Args, i: number): number {
  const n = a.integer(i);
  if (!Number.isNaN(n)) return n;
  const big = a.int64(i);
  if (big === null) throw NOT_INTEGER;
  return Number(big);
}

/** As `long`, but -2^63 is refused: it has no opposite. */
export function symmetricLong(a: Args, i: number): number {
  if (a.int64(i) === INT64_MIN) throw OUT_OF_SYMMETRIC_RANGE;
  return long(a, i);
}

/** As `long` with a lower bound; whatever is wrong, the error is `error`. */
export function longFrom(a: Args, i: number, min: number, error: CommandError): number {
  const n = a.integer(i);
  if (n >= min) return n;
  const big = Number.isNaN(n) ? a.int64(i) : null;
  if (big === null || big < BigInt(min)) throw error;
  return Number(big);
}

const HALF_MAX = 2n ** 62n - 1n;

/** Refuses a count that is no 64-bit number any more when it is doubled: the reply has two elements for each. */
export function checkTwice(a: Args, i: number): void {
  const count = a.int64(i)!;
  if (count > HALF_MAX || count < -HALF_MAX) throw OUT_OF_RANGE;
}
