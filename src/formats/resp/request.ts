/**
 * Parses requests out of what a connection sent: RESP arrays of bulk strings, and inline commands (a line of words, as
 * typed into telnet).
 *
 *   *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n            SET k "a value"\r\n
 *
 * Input arrives in pieces that begin and end anywhere. As long as commands are whole they are parsed where they lie, in
 * the buffer that was read into; what is left over is kept and the next piece is put behind it:
 *
 *   fed buffer    [ consumed | commands ...          | begun ]
 *                                                      |
 *   kept          [ begun | next piece ... ]      offsets of the begun command's arguments move along
 *
 *   parser.feed(buf, off, len);
 *   while (parser.next()) run(parser.args);    // valid until the next call of next, feed or rest
 *   if (parser.error !== null) answer it and close
 *   parser.rest();                              // before `buf` is used for anything else
 *
 * A command begun is never parsed again from its start, so an argument of 512 MB costs one copy, whatever the pieces.
 *
 * Invariants:
 *   1. start <= at <= end; [start, end) has not been consumed, and holds the begun command's arguments.
 *   2. After `rest` nothing refers to a fed buffer.
 */
import { byteStringOf, bytesOf, splitWords } from '../../base/words.js';
import { Args } from './args.js';

/** Longest inline command, and longest count line. */
const LINE_MAX = 64 * 1024;
const COUNT_MAX = 2 ** 31 - 1;
/** What a client that has yet to authenticate may send. */
const UNAUTHENTICATED_ARGS_MAX = 10;
const UNAUTHENTICATED_BULK_MAX = 16384;
const KEPT_MIN = 1024;
/** Of an argument of which so much has arrived the rest is expected. */
const BELIEVED_MIN = 16 * 1024 * 1024;
/** A kept buffer larger than this is given back once it is empty. */
const KEPT_IDLE_MAX = 64 * 1024;

const CR = 13;
const LF = 10;
const EMPTY = new Uint8Array(0);

/** Not a Buffer: whoever takes a `slice` of an argument must get a copy. */
function unfilled(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

export class RequestParser {
  readonly args = new Args(EMPTY, 16);
  /** What is wrong with the input, in Redis's words, without the leading `ERR `; no more commands come after it. */
  error: string | null = null;
  /** proto-max-bulk-len. */
  bulkMax = 512 * 1024 * 1024;
  /** False until the client has authenticated, when it has to: small requests only. */
  authenticated = true;

  private buf: Uint8Array = EMPTY;
  private start = 0;
  private at = 0;
  private end = 0;
  /** Bytes that wait for more; `buf` is this when it is not empty. */
  private kept: Uint8Array = EMPTY;
  private owned = false;
  /** Arguments still to come of the begun command; 0 = none begun. */
  private left = 0;
  /** Length of the argument that is due next; -1 = its `$` line has not been read. */
  private bulk = -1;

  /** Bytes that have been fed and not consumed. */
  get pending(): number {
    return this.end - this.start;
  }
  /** Bytes of the buffer that keeps what waits for more. */
  get keptCapacity(): number {
    return this.kept.length;
  }
  /** Bytes of room for the offsets of a command's arguments. */
  get argsRoomBytes(): number {
    return this.args.roomBytes;
  }
  /** Where the unconsumed bytes lie, for a log line about a protocol error. */
  preview(bytesMax: number): Uint8Array {
    return this.buf.slice(this.at, Math.min(this.end, this.at + bytesMax));
  }

  /** The first of the unconsumed bytes, those of a command begun included. */
  unconsumed(bytesMax: number): Uint8Array {
    return this.buf.slice(this.start, Math.min(this.end, this.start + bytesMax));
  }

  /** More input. `buf` must stay as it is until `rest`. */
  feed(buf: Uint8Array, off: number, len: number): void {
    if (this.end === this.start) {
      this.buf = buf;
      this.start = off;
      this.at = off;
      this.end = off + len;
      this.owned = false;
      return;
    }
    const need = this.end + len;
    if (need > this.kept.length) this.growKept(need);
    this.kept.set(buf.subarray(off, off + len), this.end);
    this.end = need;
  }

  private growKept(need: number): void {
    // Growing by factors keeps the copying linear. A length that was announced is believed once a part of it is there:
    // memory is never more than a few times what has arrived, except for what the system has not had to find yet.
    const known = this.left > 0 && this.bulk >= 0 ? this.at + this.bulk + 2 : 0;
    let bytes = Math.max(need * 2, KEPT_MIN);
    if (known > need) bytes = need >= BELIEVED_MIN ? known : Math.min(known, need * 4);
    const grown = unfilled(bytes);
    grown.set(this.kept.subarray(this.start, this.end), this.start);
    this.kept = grown;
    this.buf = grown;
    this.args.buf = grown;
  }

  /** Keeps what has not been consumed, so that the fed buffer may be used again. */
  rest(): void {
    const { start, end } = this;
    const bytes = end - start;
    if (bytes === 0) {
      this.buf = EMPTY;
      this.start = 0;
      this.at = 0;
      this.end = 0;
      if (this.kept.length > KEPT_IDLE_MAX) this.kept = EMPTY;
      this.args.empty(EMPTY);
      return;
    }
    if (this.owned) {
      if (start === 0) return;
      this.kept.copyWithin(0, start, end);
    } else {
      if (bytes > this.kept.length) this.kept = unfilled(Math.max(bytes, KEPT_MIN));
      this.kept.set(this.buf.subarray(start, end));
      this.owned = true;
    }
    this.buf = this.kept;
    if (this.left > 0) {
      const { args } = this;
      for (let i = 0; i < args.count; i++) args.off[i]! -= start;
      args.buf = this.kept;
    }
    this.start = 0;
    this.at -= start;
    this.end = bytes;
  }

  /** Whether `args` hold the next command. False: more input is needed, or `error` is set. Empty requests are skipped. */
  next(): boolean {
    if (this.error !== null) return false;
    while (this.at < this.end) {
      if (this.left === 0) {
        this.start = this.at;
        if (this.buf[this.at] !== 42) {
          if (!this.inline()) return false;
          this.start = this.at;
          if (this.args.count > 0) return true;
          continue;
        }
        if (!this.multibulkHeader()) return false;
        if (this.left === 0) continue;
      }
      if (!this.arguments()) return false;
      this.start = this.at;
      return true;
    }
    return false;
  }

  /** `*n\r\n`. Sets `left`; true when the line was there. */
  private multibulkHeader(): boolean {
    const { at } = this;
    const digit = at + 3 < this.end ? this.buf[at + 1]! - 48 : 0;
    if (digit > 0 && digit <= 9 && this.buf[at + 2] === CR) {
      this.at = at + 4;
      this.args.reset(this.buf);
      this.bulk = -1;
      this.left = digit;
      return true;
    }
    const stop = this.line('too big mbulk count string');
    if (stop < 0) return false;
    const n = this.count(this.at + 1, stop);
    if (!(n <= COUNT_MAX)) return this.fail('invalid multibulk length');
    if (n > UNAUTHENTICATED_ARGS_MAX && !this.authenticated) return this.fail('unauthenticated multibulk length');
    this.at = stop + 2;
    this.args.reset(this.buf);
    this.bulk = -1;
    if (n > 0) this.left = n;
    else this.start = this.at;
    return true;
  }

  /** The arguments still due. True when all are there. Hot. */
  private arguments(): boolean {
    const { buf, end, args } = this;
    let { at } = this;
    while (this.left > 0) {
      let len = this.bulk;
      if (len < 0) {
        // The common case, a short length that is all there: `$7\r\n`, `$16\r\n`.
        const a = at + 5 < end && buf[at] === 36 ? buf[at + 1]! - 48 : -1;
        const b = buf[at + 2]! - 48;
        if (a >= 0 && a <= 9 && b === CR - 48) {
          len = a;
          at += 4;
        } else if (a > 0 && a <= 9 && b >= 0 && b <= 9 && buf[at + 3] === CR) {
          len = a * 10 + b;
          at += 5;
        } else {
          this.at = at;
          len = this.bulkHeader();
          if (len < 0) return false;
          at = this.at;
        }
      }
      if (end - at < len + 2) {
        this.at = at;
        this.bulk = len;
        return false;
      }
      args.push(at, len);
      at += len + 2;
      this.bulk = -1;
      this.left--;
    }
    this.at = at;
    return true;
  }

  /** `$n\r\n`: the length, or -1 when the line is not there or wrong. */
  private bulkHeader(): number {
    const stop = this.line('too big bulk count string');
    if (stop < 0) return -1;
    const first = this.buf[this.at]!;
    if (first !== 36) {
      this.fail(`expected '$', got '${String.fromCharCode(first)}'`);
      return -1;
    }
    const n = this.count(this.at + 1, stop);
    if (!(n >= 0 && n <= this.bulkMax)) {
      this.fail('invalid bulk length');
      return -1;
    }
    if (n > UNAUTHENTICATED_BULK_MAX && !this.authenticated) {
      this.fail('unauthenticated bulk length');
      return -1;
    }
    this.at = stop + 2;
    return n;
  }

  /**
   * Index of the CR that ends the line at `at`, when the byte behind it is there too; else -1. As in Redis a zero byte
   * hides what follows it.
   */
  private line(tooBig: string): number {
    const { buf, at, end } = this;
    for (let i = at; i < end; i++) {
      const byte = buf[i]!;
      if (byte === CR) return i + 1 < end ? i : -1;
      if (byte === 0) break;
    }
    if (end - at > LINE_MAX) this.fail(tooBig);
    return -1;
  }

  /** The integer in [from, to), NaN when there is none. Lengths beyond 2^53 are wrong anyway. */
  private count(from: number, to: number): number {
    const { buf } = this;
    const negative = buf[from] === 45;
    const first = negative ? from + 1 : from;
    if (first >= to || to - first > 15) return Number.NaN;
    if (buf[first] === 48 && (to - first > 1 || negative)) return Number.NaN;
    let n = 0;
    for (let i = first; i < to; i++) {
      const digit = buf[i]! - 48;
      if (digit < 0 || digit > 9) return Number.NaN;
      n = n * 10 + digit;
    }
    return negative ? -n : n;
  }

  private fail(what: string): false {
    this.error = `Protocol error: ${what}`;
    return false;
  }

  /** A line of words, taken where they lie unless there are quotes to take off. */
  private inline(): boolean {
    const { buf, at, end, args } = this;
    args.reset(buf);
    let word = -1;
    let i = at;
    for (; i < end; i++) {
      const byte = buf[i]!;
      if (byte > 39) {
        if (word < 0) word = i;
        continue;
      }
      if (byte === 32 || byte === CR || byte === LF || byte === 9) {
        if (word >= 0) {
          args.push(word, i - word);
          word = -1;
        }
        if (byte === LF) {
          this.at = i + 1;
          return true;
        }
      } else if (byte < 14 || byte === 34 || byte === 39) {
        // A zero byte, a rare space or a quote.
        return this.quotedInline();
      } else if (word < 0) {
        word = i;
      }
    }
    if (end - at > LINE_MAX) return this.fail('too big inline request');
    return false;
  }

  /** Any line of words. The arguments get a buffer of their own, since quotes are taken off. */
  private quotedInline(): boolean {
    const { buf, at, end } = this;
    let stop = at;
    while (stop < end && buf[stop] !== LF && buf[stop] !== 0) stop++;
    if (stop === end || buf[stop] === 0) {
      if (end - at > LINE_MAX) return this.fail('too big inline request');
      return false;
    }
    const lineEnd = stop > at && buf[stop - 1] === CR ? stop - 1 : stop;
    const words = splitWords(byteStringOf(buf.subarray(at, lineEnd)));
    if (words === null) return this.fail('unbalanced quotes in request');
    this.at = stop + 1;
    const { args } = this;
    args.reset(Uint8Array.from(bytesOf(words.join(''))));
    let off = 0;
    for (const word of words) {
      args.push(off, word.length);
      off += word.length;
    }
    return true;
  }
}
