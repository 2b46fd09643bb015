/** What the commands on bits share: bit offsets, and strings that reach as far as a bit. */
import { CommandError } from '../base/errors.js';
import { parseInteger } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemValueBytes } from '../memory/item.js';
import type { Context } from './context.js';
import { stringMax } from './string-range.js';

const BAD_OFFSET = new CommandError('ERR bit offset is not an integer or out of range');
const EMPTY = new Uint8Array(0);

/**
 * Argument i as a bit's number.
 * @param width bits of a field: then `#n` is the beginning of the n-th field of that width; 0 where only plain numbers are
 * allowed
 */
export function bitOffset(c: Context, a: Args, i: number, width: number): number {
  const at = a.off[i]!;
  const counted = width > 0 && a.len[i]! > 0 && a.buf[at] === 35 ? 1 : 0;
  let n = parseInteger(a.buf, at + counted, a.len[i]! - counted);
  if (counted === 1) n *= width;
  if (!(n >= 0) || Math.floor(n / 8) >= stringMax(c)) throw BAD_OFFSET;
  return n;
}

/** Whether the last `stringWithBit` made the string longer. */
export let grown = false;

/** The string at key argument 1, to be changed in place and long enough to have this bit. */
export function stringWithBit(c: Context, a: Args, bit: number): number {
  const { db } = c;
  const bytes = Math.floor(bit / 8) + 1;
  let entry = c.writeType(a, 1, ItemType.STRING);
  if (entry === 0) {
    entry = db.setString(a.buf, a.off[1]!, a.len[1]!, EMPTY, 0, 0, Encoding.RAW, Number.NaN);
    c.changed(a, 1, 'n', 'new', 0);
  }
  const old = itemValueBytes(c.keyspace.arena, entry);
  grown = old < bytes;
  // Also when it stays as long: from here on it counts as changed in place.
  return db.resizeString(entry, grown ? bytes : old);
}
