/**
 * Moments at which keys expire, as arguments give them: in seconds or milliseconds, absolute or from now.
 *
 * Redis computes in 64-bit integers and refuses what overflows them. We store a double: exact to the millisecond up to
 * 2^53 (the year 287396), beyond that rounded to at most 1024 ms.
 */
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Context } from './context.js';
import { invalidExpire, NOT_INTEGER } from './errors.js';

const INT64_MAX = 2n ** 63n - 1n;
/** Below it neither factor 1000 nor any base leaves the safe integers. */
const PLAIN_MAX = 1e12;

/**
 * Argument i as milliseconds since 1970, for commands that ask for a positive time.
 * @param seconds whether the argument counts seconds, not milliseconds
 * @param base    what is added: the current time for relative arguments, 0 for absolute ones
 * @param command lower-case name for the error
 */
export function positiveExpireTime(a: Args, i: number, seconds: boolean, base: number, command: string): number {
  const n = a.integer(i);
  if (n > 0 && n <= PLAIN_MAX) return (seconds ? n * 1000 : n) + base;
  if (n <= 0) throw invalidExpire(command);
  return bigExpireTime(a, i, seconds, base, command, false);
}

/** As `positiveExpireTime`, and times in the past are welcome. */
export function anyExpireTime(a: Args, i: number, seconds: boolean, base: number, command: string): number {
  const n = a.integer(i);
  if (n >= -PLAIN_MAX && n <= PLAIN_MAX) return (seconds ? n * 1000 : n) + base;
  return bigExpireTime(a, i, seconds, base, command, true);
}

function bigExpireTime(a: Args, i: number, seconds: boolean, base: number, command: string, negative: boolean): number {
  let n = a.int64(i);
  if (n === null) throw NOT_INTEGER;
  if (n <= 0n && !negative) throw invalidExpire(command);
  if (seconds) {
    if (n > INT64_MAX / 1000n || n < -(INT64_MAX / 1000n)) throw invalidExpire(command);
    n *= 1000n;
  }
  if (n > INT64_MAX - BigInt(base)) throw invalidExpire(command);
  return Number(n + BigInt(base));
}

/** The digits of a stored moment, for propagation. */
export function expireText(atMs: number): string {
  return Number.isSafeInteger(atMs) ? String(atMs) : clamped(atMs).toString();
}

/** Replies with a number of milliseconds or seconds that may lie beyond the safe integers. */
export function replyTime(out: ReplyWriter, n: number): void {
  if (Number.isSafeInteger(n)) out.int(n);
  else out.int64(clamped(n));
}

/** The largest moments are rounded to 2^63, which is written as 2^63 - 1. */
function clamped(n: number): bigint {
  const big = BigInt(n);
  return big > INT64_MAX ? INT64_MAX : big;
}

/** Whether a key that expires at this moment is to be deleted rather than given the expiry. */
export function isPast(c: Context, atMs: number): boolean {
  return atMs <= c.now && !c.replaying;
}
