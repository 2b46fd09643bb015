/**
 * What commands that wait have in common: their timeouts, and what they do when there is nothing for them.
 *
 * Such a command is written as if it did not wait: it takes what there is, or calls `waitForKeys` last. When one of the keys
 * is ready it is executed anew from its beginning, with the same arguments (server/waiting-clients.ts).
 */
import { CommandError } from '../base/errors.js';
import { ceilOfProduct } from '../base/long-double.js';
import type { Args } from '../formats/resp/args.js';
import type { ItemType } from '../memory/item.js';
import type { Context } from './context.js';
import { serverOf } from './services.js';

const NOT_FLOAT = new CommandError('ERR timeout is not a float or out of range');
const NOT_INTEGER = new CommandError('ERR timeout is not an integer or out of range');
const NEGATIVE = new CommandError('ERR timeout is negative');
const OUT_OF_RANGE = new CommandError('ERR timeout is out of range');
const SECONDS_COMMON_MAX = 1e9;
const INT64_MAX = 2n ** 63n - 1n;

/** A timeout in seconds, with fractions, as milliseconds; 0: forever. */
export function timeoutOfSeconds(c: Context, a: Args, i: number): number {
  // The usual ones need no arithmetic of Redis's precision.
  const seconds = a.integer(i);
  if (seconds >= 0 && seconds < SECONDS_COMMON_MAX) return seconds * 1000;
  const ms = ceilOfProduct(a.latin1(i), 1000n);
  if (ms === null) throw NOT_FLOAT;
  if (ms > INT64_MAX) throw OUT_OF_RANGE;
  return inRange(c, ms);
}

/** A timeout in milliseconds; 0: forever. */
export function timeoutOfMs(c: Context, a: Args, i: number): number {
  const ms = a.int64(i);
  if (ms === null) throw NOT_INTEGER;
  return inRange(c, ms);
}

function inRange(c: Context, ms: bigint): number {
  if (ms < 0n) throw NEGATIVE;
  if (ms > INT64_MAX - BigInt(c.now)) throw OUT_OF_RANGE;
  return Number(ms);
}

/** Whether the running command may wait: not within EXEC or a script. */
export function mayWait(c: Context): boolean {
  return serverOf(c).mayWait;
}

/** Waits until one of the keys holds such a value; a command that may not wait answers with a null array. */
export function waitForKeys(
  c: Context,
  a: Args,
  type: ItemType,
  firstKey: number,
  keys: number,
  timeoutMs: number,
): void {
  if (mayWait(c)) serverOf(c).waitForKeys(a, { type, firstKey, keys, timeoutMs, onNoKey: false });
  else c.out.nilArray();
}
