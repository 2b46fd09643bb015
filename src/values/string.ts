/**
 * Strings have no handle: their bytes lie in the entry itself (memory/item.ts). What remains is how Redis names the way
 * it stores them, which OBJECT ENCODING shows:
 *
 *   int      the canonical decimal text of a 64-bit signed integer (we keep the text)
 *   embstr   at most 44 bytes, as it was set
 *   raw      longer, or changed in place (APPEND, SETRANGE)
 */
import { parse64 } from '../base/int64.js';
import { Encoding } from '../memory/item.js';

const EMBSTR_MAX = 44;
const INT_MAX = 20;

/** The encoding of a string that is set as a whole. Hot: no allocation. */
export function stringEncoding(buf: Uint8Array, off: number, len: number): Encoding {
  if (len > EMBSTR_MAX) return Encoding.RAW;
  if (len <= INT_MAX && len > 0 && buf[off]! <= 57 && parse64(buf, off, len)) return Encoding.INT;
  return Encoding.EMBSTR;
}

/** The encoding of a string that is set as a whole and must not count as an integer, even if it looks like one. */
export function plainStringEncoding(len: number): Encoding {
  return len > EMBSTR_MAX ? Encoding.RAW : Encoding.EMBSTR;
}

export function stringEncodingName(encoding: Encoding): string {
  if (encoding === Encoding.INT) return 'int';
  return encoding === Encoding.EMBSTR ? 'embstr' : 'raw';
}
