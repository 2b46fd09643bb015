/**
 * What SCAN, SSCAN, HSCAN and ZSCAN share: cursor, options, filter and reply.
 *
 *   const cursor = parseScanCursor(a, 2);                  // 1. before the key is looked up
 *   const set = c.setToRead(a, 1);                         // 2.
 *   if (set === null) return emptyScan(c);                 //    a missing key is answered whatever the options say
 *   const scan = parseScanOptions(a, 3);                   // 3.
 *   scan.begin(c.out);
 *   const next = set.scan(cursor, scan.count, visit);      // visit: if (scan.matches(buf, off, len)) scan.emit(buf, off, len)
 *   scan.end(next);
 *
 * One `ScanCall` serves all commands; it holds the arguments' buffer until the next parse.
 */
import { globMatchAt } from '../base/glob.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Context } from './context.js';
import { INVALID_CURSOR, NOT_INTEGER, SYNTAX } from './errors.js';

const EMPTY = new Uint8Array(0);
const INT64_MAX = 2n ** 63n - 1n;
const HEADER = new Uint8Array(64);

export class ScanCall {
  /** How many items to visit, at least 1. A safe integer. */
  count = 10;
  /** TYPE's argument in lower case; null without. Only SCAN takes it. */
  type: string | null = null;
  /** Without values: HSCAN's NOVALUES. */
  noValues = false;
  /** Whether MATCH was given with a pattern that does not take everything. */
  filters = false;
  pattern: Uint8Array = EMPTY;
  patternOff = 0;
  patternLen = 0;
  private out: ReplyWriter | null = null;
  private start = 0;
  private emitted = 0;

  reset(): void {
    this.count = 10;
    this.type = null;
    this.noValues = false;
    this.filters = false;
    this.pattern = EMPTY;
    this.emitted = 0;
  }

  /** Whether MATCH lets the element through. */
  matches(buf: Uint8Array, off: number, len: number): boolean {
    if (!this.filters) return true;
    return globMatchAt(this.pattern, this.patternOff, this.patternLen, buf, off, len, false);
  }

  /** From here on `emit` writes elements to `out`, and nothing else may. */
  begin(out: ReplyWriter): void {
    this.out = out;
    this.start = out.pos;
    this.emitted = 0;
  }

  /** One element of the reply as a bulk string. */
  emit(buf: Uint8Array, off: number, len: number): void {
    this.out!.bulk(buf, off, len);
    this.emitted++;
  }

  /** An element of text, one character a byte (a score). */
  emitText(text: string): void {
    this.out!.bulkText(text, true);
    this.emitted++;
  }

  /** Completes the reply: the cursor to go on from (0 = the scan is over), then the elements written since `begin`. */
  end(cursor: number): void {
    const out = this.out!;
    this.out = null;
    this.pattern = EMPTY;
    const body = out.pos - this.start;
    out.array(2);
    out.bulkInt(cursor);
    out.array(this.emitted);
    const header = out.pos - this.start - body;
    HEADER.set(out.buf.subarray(this.start + body, out.pos));
    out.buf.copyWithin(this.start + header, this.start, this.start + body);
    out.buf.set(HEADER.subarray(0, header), this.start);
  }
}

const CALL = new ScanCall();

/**
 * The cursor in argument i: 64-bit unsigned decimal text, as strtoul takes it. Throws `invalid cursor`.
 * Our own cursors are positions in a 32-bit hash space; of others the low 32 bits count.
 */
export function parseScanCursor(a: Args, i: number): number {
  const buf = a.buf;
  const off = a.off[i]!;
  const len = a.len[i]!;
  let n = 0;
  for (let k = 0; k < len; k++) {
    const digit = buf[off + k]! - 48;
    if (digit < 0 || digit > 9) return foreignCursor(a, i);
    n = n * 10 + digit;
  }
  return n <= 0xffffffff ? n : foreignCursor(a, i);
}

function foreignCursor(a: Args, i: number): number {
  const match = /^([+-]?)(\d+)$/.exec(a.latin1(i));
  if (match === null) throw INVALID_CURSOR;
  const n = BigInt(match[2]!);
  if (n >= 2n ** 64n) throw INVALID_CURSOR;
  return Number(BigInt.asUintN(32, match[1] === '-' ? -n : n));
}

/**
 * The options from argument `i` on: MATCH pattern, COUNT count, and TYPE name when `withType`, NOVALUES when
 * `withNoValues`. Throws a syntax error or `not an integer`.
 */
export function parseScanOptions(a: Args, i: number, withType = false, withNoValues = false): ScanCall {
  const call = CALL;
  call.reset();
  while (i < a.count) {
    const left = a.count - i;
    if (left >= 2 && a.is(i, 'COUNT')) {
      const count = a.int64(i + 1);
      if (count === null || count > INT64_MAX) throw NOT_INTEGER;
      if (count < 1n) throw SYNTAX;
      call.count = Number(count < 0x7fffffffn ? count : 0x7fffffffn);
      i += 2;
    } else if (left >= 2 && a.is(i, 'MATCH')) {
      call.pattern = a.buf;
      call.patternOff = a.off[i + 1]!;
      call.patternLen = a.len[i + 1]!;
      call.filters = !(call.patternLen === 1 && a.buf[call.patternOff] === 42);
      i += 2;
    } else if (withType && left >= 2 && a.is(i, 'TYPE')) {
      call.type = a.latin1(i + 1).toLowerCase();
      i += 2;
    } else if (withNoValues && a.is(i, 'NOVALUES')) {
      call.noValues = true;
      i += 1;
    } else {
      throw SYNTAX;
    }
  }
  return call;
}

/** The reply to a scan of a missing key. */
export function emptyScan(c: Context): void {
  c.out.array(2);
  c.out.bulkInt(0);
  c.out.array(0);
}
