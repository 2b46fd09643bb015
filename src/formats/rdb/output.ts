/**
 * The writing end of the RDB format: a buffer that is handed on when it is full, the primitives, compression and the
 * running CRC64. The counterpart of input.ts, where the forms are drawn.
 *
 * Hot: nothing here allocates per value that fits into the buffer.
 */
import { constants } from 'node:buffer';
import { copyBytes } from '../../base/copy-bytes.js';
import { Crc64 } from '../../base/crc64.js';
import { TooLargeError } from '../../base/errors.js';
import { lzfCompress } from '../../base/lzf.js';
import { parseInteger } from '../../base/numbers.js';
import { StringForm } from './types.js';

const BUFFER_BYTES = 256 * 1024;
/** Longer texts are no 32-bit integer. */
const INTEGER_TEXT_MAX = 11;
/** Shorter strings are not compressed. */
const COMPRESS_MIN = 21;
/** Compression must save at least this much. */
const SAVED_MIN = 4;
/** Bytes in front of a compressed string at most: form, two lengths of 32 bits. */
const HEAD_MAX = 11;
/** As much of a huge string tells whether it compresses. */
const SAMPLE_BYTES = 64 * 1024;
const TWO_32 = 2 ** 32;

/** Takes `buf[0, len)`, which is written over afterwards. Throws when it cannot. */
export type RdbSink = (buf: Uint8Array, len: number) => void;

export class RdbOutput {
  buf: Uint8Array;
  pos = 0;
  readonly crc = new Crc64();
  private handedOn = 0;

  /**
   * @param sink null: everything is kept, and `bytes` gives it
   * @param compression whether strings are compressed where that pays
   * @param summing whether `crc` is kept
   */
  constructor(
    private readonly sink: RdbSink | null,
    private readonly compression: boolean,
    private readonly summing: boolean,
    bufferBytes = BUFFER_BYTES,
  ) {
    this.buf = new Uint8Array(Math.max(bufferBytes, 64));
  }

  /** Bytes written so far. */
  get offset(): number {
    return this.handedOn + this.pos;
  }

  /** Hands on what is in the buffer. */
  flush(): void {
    if (this.sink === null || this.pos === 0) return;
    if (this.summing) this.crc.update(this.buf, 0, this.pos);
    this.sink(this.buf, this.pos);
    this.handedOn += this.pos;
    this.pos = 0;
  }

  /** Starts anew, for an output without a sink. */
  reset(): void {
    this.pos = 0;
    this.handedOn = 0;
    this.crc.reset();
  }

  /** Everything written to an output without a sink; a view, valid until more is written. */
  bytes(): Uint8Array {
    return this.buf.subarray(0, this.pos);
  }

  /** Room for `bytes` more, a few. */
  private room(bytes: number): void {
    if (this.pos + bytes > this.buf.length) this.makeRoom(bytes);
  }

  private makeRoom(bytes: number): void {
    if (this.sink !== null) {
      this.flush();
      return;
    }
    const need = this.pos + bytes;
    if (need > constants.MAX_LENGTH) throw new TooLargeError('the payload', constants.MAX_LENGTH);
    const grown = new Uint8Array(Math.max(Math.min(this.buf.length * 2, constants.MAX_LENGTH), need));
    grown.set(this.buf.subarray(0, this.pos));
    this.buf = grown;
  }

  // --- numbers -----------------------------------------------------------------------------------------------------

  u8(byte: number): void {
    this.room(1);
    this.buf[this.pos++] = byte;
  }

  /** A length: 0 to 2^53 - 1. */
  length(n: number): void {
    this.room(9);
    const { buf } = this;
    let { pos } = this;
    if (n < 0x40) {
      buf[pos++] = n;
    } else if (n < 0x4000) {
      buf[pos++] = 0x40 | (n >>> 8);
      buf[pos++] = n;
    } else {
      const hi = Math.floor(n / TWO_32);
      buf[pos++] = hi === 0 ? 0x80 : 0x81;
      if (hi > 0) {
        buf[pos++] = hi >>> 24;
        buf[pos++] = hi >>> 16;
        buf[pos++] = hi >>> 8;
        buf[pos++] = hi;
      }
      const lo = n >>> 0;
      buf[pos++] = lo >>> 24;
      buf[pos++] = lo >>> 16;
      buf[pos++] = lo >>> 8;
      buf[pos++] = lo;
    }
    this.pos = pos;
  }

  /** A length that stands for any 64-bit number, by its halves. */
  length64(hi: number, lo: number): void {
    if (hi < 0x200000) return this.length(hi * TWO_32 + lo);
    this.room(9);
    this.buf[this.pos++] = 0x81;
    for (const half of [hi, lo]) {
      for (let shift = 24; shift >= 0; shift -= 8) this.buf[this.pos++] = half >>> shift;
    }
  }

  /** A signed 64-bit integer, little-endian: moments in milliseconds. Beyond the range the nearest in it. */
  i64(n: number): void {
    this.room(8);
    const over = n >= 2 ** 63;
    const hi = over ? 0x7fffffff : Math.floor(n / TWO_32);
    const lo = over ? 0xffffffff : n - hi * TWO_32;
    for (let i = 0; i < 4; i++) {
      this.buf[this.pos + i] = lo >>> (8 * i);
      this.buf[this.pos + 4 + i] = hi >> (8 * i);
    }
    this.pos += 8;
  }

  double(x: number): void {
    this.room(8);
    DOUBLE[0] = x;
    for (let i = 0; i < 8; i++) this.buf[this.pos + i] = DOUBLE_BYTES[i]!;
    this.pos += 8;
  }

  // --- bytes -------------------------------------------------------------------------------------------------------

  /** Bytes as they are. */
  raw(buf: Uint8Array, off: number, len: number): void {
    if (len <= 64) {
      this.room(len);
      copyBytes(buf, off, this.buf, this.pos, len);
      this.pos += len;
      return;
    }
    if (this.sink === null) this.room(len);
    for (let done = 0; done < len; ) {
      if (this.pos === this.buf.length) this.flush();
      const piece = Math.min(len - done, this.buf.length - this.pos);
      this.buf.set(buf.subarray(off + done, off + done + piece), this.pos);
      this.pos += piece;
      done += piece;
    }
  }

  /** A string in its smallest form: integer, compressed, or length and bytes. */
  string(buf: Uint8Array, off: number, len: number): void {
    if (len <= INTEGER_TEXT_MAX) {
      const first = len === 0 ? 0 : buf[off]!;
      if (((first >= 48 && first <= 57) || first === 45) && this.integer(parseInteger(buf, off, len))) return;
    } else if (len >= COMPRESS_MIN && this.compression && this.compressed(buf, off, len)) {
      return;
    }
    this.length(len);
    this.raw(buf, off, len);
  }

  text(text: string): void {
    const bytes = Buffer.from(text);
    this.string(bytes, 0, bytes.length);
  }

  /** The integer as a special form; false when it has none. */
  private integer(n: number): boolean {
    if (n >= -128 && n <= 127) {
      this.room(2);
      this.buf[this.pos++] = 0xc0 | StringForm.INT8;
      this.buf[this.pos++] = n;
      return true;
    }
    const wide = n < -32768 || n > 32767;
    if (!(n >= -2147483648 && n <= 2147483647)) return false;
    this.room(5);
    this.buf[this.pos++] = 0xc0 | (wide ? StringForm.INT32 : StringForm.INT16);
    this.buf[this.pos++] = n;
    this.buf[this.pos++] = n >> 8;
    if (wide) {
      this.buf[this.pos++] = n >> 16;
      this.buf[this.pos++] = n >> 24;
    }
    return true;
  }

  /**
   * Compresses into the buffer behind room for the head, whose lengths take the bytes that the plain length alone decides:
   * so nothing is moved afterwards.
   */
  private compressed(buf: Uint8Array, off: number, len: number): boolean {
    if (this.pos + len + HEAD_MAX > this.buf.length && !this.roomToCompress(len + HEAD_MAX)) {
      return this.compressedApart(buf, off, len);
    }
    const start = this.pos;
    const head = len < 0x40 ? 3 : len < 0x4000 ? 5 : HEAD_MAX;
    const bytes = lzfCompress(buf, off, len, this.buf, start + head, len - SAVED_MIN);
    if (bytes === 0) return false;
    const to = this.buf;
    to[start] = 0xc0 | StringForm.LZF;
    if (head === 3) {
      to[start + 1] = bytes;
      to[start + 2] = len;
    } else if (head === 5) {
      to[start + 1] = 0x40 | (bytes >>> 8);
      to[start + 2] = bytes;
      to[start + 3] = 0x40 | (len >>> 8);
      to[start + 4] = len;
    } else {
      this.pos++;
      this.longLength(bytes);
      this.longLength(len);
    }
    this.pos = start + head + bytes;
    return true;
  }

  /** Whether the buffer has room for `bytes` now. */
  private roomToCompress(bytes: number): boolean {
    if (this.sink !== null && bytes > this.buf.length) return false;
    this.makeRoom(bytes);
    return true;
  }

  /**
   * For strings that the buffer cannot hold. When their first bytes do not compress the rest is not tried: pictures and
   * archives would take seconds for nothing.
   */
  private compressedApart(buf: Uint8Array, off: number, len: number): boolean {
    const sample = Math.min(len, SAMPLE_BYTES);
    if (lzfCompress(buf, off, sample, new Uint8Array(sample), 0, sample - SAVED_MIN) === 0) return false;
    const scratch = new Uint8Array(len);
    const bytes = lzfCompress(buf, off, len, scratch, 0, len - SAVED_MIN);
    if (bytes === 0) return false;
    this.u8(0xc0 | StringForm.LZF);
    this.length(bytes);
    this.length(len);
    this.raw(scratch, 0, bytes);
    return true;
  }

  /** A length in its form of 32 bits; there is room. */
  private longLength(n: number): void {
    const { buf } = this;
    let { pos } = this;
    buf[pos++] = 0x80;
    buf[pos++] = n >>> 24;
    buf[pos++] = n >>> 16;
    buf[pos++] = n >>> 8;
    buf[pos++] = n;
    this.pos = pos;
  }
}

const DOUBLE = new Float64Array(1);
const DOUBLE_BYTES = new Uint8Array(DOUBLE.buffer);
