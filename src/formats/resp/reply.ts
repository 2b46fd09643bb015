/**
 * Writes replies in RESP2 or RESP3 into one growing buffer. One writer serves the whole server: a connection's replies
 * of a turn lie in it one after the other, and the turn's end hands them to the sockets.
 *
 * The types that RESP2 does not have fall back as in Redis: maps, sets and pushes become arrays, doubles and big numbers
 * bulk strings, booleans integers, null `$-1` or `*-1`, verbatim strings bulk strings.
 *
 * A reply may be longer than a buffer can be (MGET of one large value many times), or than its client may have waiting. Then
 * what there is of it is thrown away and its beginning is written over, again and again, until the command is over: handlers
 * know nothing of it, as what they change must not be torn. Whoever owns the writer looks at `overflowed` and closes the client.
 *
 * Hot path: no allocation per call while the buffer has room.
 */
import { constants } from 'node:buffer';
import { copyBytes } from '../../base/copy-bytes.js';
import { writeDouble, writeInteger } from '../../base/numbers.js';
import type { Slice } from '../../base/slice.js';

/** Up to this many characters or bytes a loop is faster than a call into Buffer. */
const LOOP_MAX = 64;
const CR = 13;
const LF = 10;
/** The kernel takes lengths of 32 bits. */
const BUFFER_BYTES_MAX = Math.min(constants.MAX_LENGTH, 2 ** 32 - 65536);

export class ReplyWriter {
  buf: Buffer;
  pos = 0;
  /** 2 or 3: what the current client speaks. */
  resp = 2;
  /** How many error replies have been written, and the last one's text. */
  errors = 0;
  lastError = '';
  /** Where the reply that is written began: what lies before it is others'. */
  floor = 0;
  /** The reply was too long, and is not whole. */
  overflowed = false;
  /** How long the reply may become, asked when the buffer has to grow; `onOverflow` tells that it was too long. */
  replyMax: () => number = () => BUFFER_BYTES_MAX;
  onOverflow: () => void = () => {};

  constructor(bytes = 65536) {
    this.buf = Buffer.allocUnsafeSlow(bytes);
  }

  /** Makes room for `bytes` more. */
  reserve(bytes: number): void {
    if (this.pos + bytes <= this.buf.length) return;
    if (this.pos + bytes > BUFFER_BYTES_MAX || this.pos + bytes - this.floor > this.replyMax()) this.overflow();
    this.enlarge(bytes);
  }

  private overflow(): void {
    this.pos = this.floor;
    if (this.overflowed) return;
    this.overflowed = true;
    this.onOverflow();
  }

  /** Makes room for `bytes` more that are nobody's reply. */
  enlarge(bytes: number): void {
    const need = this.pos + bytes;
    if (need <= this.buf.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(Math.min(this.buf.length * 2, BUFFER_BYTES_MAX), need));
    grown.set(this.buf.subarray(0, this.pos));
    this.buf = grown;
  }

  // --- simple types ------------------------------------------------------------------------------------------------

  ok(): void {
    this.reserve(5);
    const { buf } = this;
    let { pos } = this;
    buf[pos++] = 43; // +
    buf[pos++] = 79;
    buf[pos++] = 75;
    buf[pos++] = CR;
    buf[pos++] = LF;
    this.pos = pos;
  }

  /** `+text`; the text has no line break. */
  simple(text: string): void {
    this.line(43, text);
  }

  /** `-message`; line breaks in it become spaces. A message without a code gets none: pass `ERR ...`. */
  error(message: string): void {
    this.errors++;
    this.lastError = message;
    this.line(45, /[\r\n]/.test(message) ? message.replace(/[\r\n]/g, ' ') : message);
  }

  private line(type: number, text: string): void {
    this.reserve(text.length + 3);
    this.buf[this.pos++] = type;
    this.characters(text);
    this.buf[this.pos++] = CR;
    this.buf[this.pos++] = LF;
  }

  /** One byte a character; there is room. Short texts in a loop: a call into Buffer costs more. */
  private characters(text: string): void {
    const { length } = text;
    if (length > LOOP_MAX) {
      this.pos += this.buf.write(text, this.pos, 'latin1');
      return;
    }
    const { buf } = this;
    let { pos } = this;
    for (let i = 0; i < length; i++) buf[pos++] = text.charCodeAt(i);
    this.pos = pos;
  }

  /** `:n` for a safe integer. */
  int(n: number): void {
    this.header(58, n);
  }

  /** `:n` for any 64-bit integer. */
  int64(n: bigint): void {
    this.line(58, n.toString());
  }

  private header(type: number, n: number): void {
    this.reserve(24);
    const { buf } = this;
    let { pos } = this;
    buf[pos++] = type;
    if (n >= 0 && n < 10) buf[pos++] = 48 + n;
    else pos += writeInteger(buf, pos, n);
    buf[pos++] = CR;
    buf[pos++] = LF;
    this.pos = pos;
  }

  // --- strings -----------------------------------------------------------------------------------------------------

  bulk(bytes: Uint8Array, off = 0, len = bytes.length - off): void {
    this.reserve(len + 32);
    this.header(36, len);
    const { buf } = this;
    let { pos } = this;
    copyBytes(bytes, off, buf, pos, len);
    pos += len;
    buf[pos++] = CR;
    buf[pos++] = LF;
    this.pos = pos;
  }

  bulkSlice(slice: Slice): void {
    this.bulk(slice.buf, slice.off, slice.len);
  }

  /** A bulk string of text; UTF-8 unless every character is one byte (`latin1` true). */
  bulkText(text: string, latin1 = false): void {
    const len = latin1 ? text.length : Buffer.byteLength(text);
    this.reserve(len + 32);
    this.header(36, len);
    if (len === text.length) this.characters(text);
    else this.pos += this.buf.write(text, this.pos, 'utf8');
    this.buf[this.pos++] = CR;
    this.buf[this.pos++] = LF;
  }

  /** The digits of a safe integer as a bulk string. */
  bulkInt(n: number): void {
    this.bulk(HEADER, 0, writeInteger(HEADER, 0, n));
  }

  /** `=len\r\ntxt:...` in RESP3, a bulk string in RESP2. `format` has three characters. */
  verbatim(text: string, format = 'txt'): void {
    if (this.resp < 3) return this.bulkText(text);
    const len = Buffer.byteLength(text) + 4;
    this.reserve(len + 32);
    this.header(61, len);
    this.pos += this.buf.write(`${format}:${text}\r\n`, this.pos, 'utf8');
  }

  // --- other types -------------------------------------------------------------------------------------------------

  /** Null in place of a string. */
  nil(): void {
    this.raw(this.resp < 3 ? '$-1\r\n' : '_\r\n');
  }
  /** Null in place of an array. */
  nilArray(): void {
    this.raw(this.resp < 3 ? '*-1\r\n' : '_\r\n');
  }
  bool(value: boolean): void {
    if (this.resp < 3) this.int(value ? 1 : 0);
    else this.raw(value ? '#t\r\n' : '#f\r\n');
  }
  double(x: number): void {
    const bytes = writeDouble(DOUBLE, 0, x);
    if (this.resp < 3) {
      this.bulk(DOUBLE, 0, bytes);
      return;
    }
    this.reserve(bytes + 3);
    this.buf[this.pos++] = 44; // ,
    for (let i = 0; i < bytes; i++) this.buf[this.pos++] = DOUBLE[i]!;
    this.buf[this.pos++] = CR;
    this.buf[this.pos++] = LF;
  }
  bigNumber(digits: string): void {
    if (this.resp < 3) this.bulkText(digits, true);
    else this.line(40, digits);
  }

  // --- aggregates --------------------------------------------------------------------------------------------------

  array(count: number): void {
    this.header(42, count);
  }
  /** `pairs` keys and as many values follow. */
  map(pairs: number): void {
    if (this.resp < 3) this.header(42, pairs * 2);
    else this.header(37, pairs);
  }
  set(count: number): void {
    this.header(this.resp < 3 ? 42 : 126, count);
  }
  push(count: number): void {
    this.header(this.resp < 3 ? 42 : 62, count);
  }

  /**
   * An array whose length is known only afterwards: call with the position before its first element
   * (`const at = out.pos`). The header is put in front of what has been written since.
   */
  arrayAt(at: number, count: number): void {
    this.headerAt(at, 42, count);
  }
  setAt(at: number, count: number): void {
    this.headerAt(at, this.resp < 3 ? 42 : 126, count);
  }
  mapAt(at: number, pairs: number): void {
    if (this.resp < 3) this.headerAt(at, 42, pairs * 2);
    else this.headerAt(at, 37, pairs);
  }

  private headerAt(at: number, type: number, n: number): void {
    const body = this.pos - at;
    // The reply has overflowed since.
    if (body < 0) return;
    this.header(type, n);
    const header = this.pos - at - body;
    HEADER.set(this.buf.subarray(at + body, this.pos));
    this.buf.copyWithin(at + header, at, at + body);
    this.buf.set(HEADER.subarray(0, header), at);
  }

  /** Bytes that are a reply already. */
  raw(ascii: string): void {
    this.reserve(ascii.length);
    this.characters(ascii);
  }
  rawBytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const len = end - start;
    this.reserve(len);
    copyBytes(bytes, start, this.buf, this.pos, len);
    this.pos += len;
  }
}

const HEADER = new Uint8Array(32);
const DOUBLE = new Uint8Array(40);
