/**
 * The reading end of the RDB format: a window over a ByteSource, the primitives that everything else is made of, the
 * running CRC64 and the errors.
 *
 *   length   00LLLLLL                      6 bits
 *            01LLLLLL LLLLLLLL             14 bits, big-endian
 *            10000000 u32 big-endian       10000001 u64 big-endian
 *            11FFFFFF                      not a length: the special form F of a string (StringForm)
 *   string   length, bytes | form 0-2, signed little-endian integer | form 3, compressed length, plain length, LZF
 *
 *   window   buf  [ kept from mark | read | pos: next byte ........ end ) room )
 *            base is the file offset of buf[0]; crcAt is how far the sum has come, and never behind the kept bytes' end
 *
 * Invariants:
 *   1. The window grows only when it is full of bytes that were really read, so no length in the input, however false,
 *      makes it larger than the input justifies; decompression is bounded by LZF's largest ratio before it allocates.
 *   2. What a method returns in a Slice is valid until the next read.
 *   3. Any byte that is taken was available: the end of the source is a TruncationError, never an undefined byte.
 */
import { Crc64 } from '../../base/crc64.js';
import { CorruptionError, TruncationError } from '../../base/errors.js';
import { LZF_RATIO_MAX, lzfDecompress } from '../../base/lzf.js';
import { writeInteger } from '../../base/numbers.js';
import { Slice } from '../../base/slice.js';
import { type Arena, byteIndex } from '../../memory/arena.js';
import type { ByteSource } from './source.js';
import { StringForm } from './types.js';

const WINDOW_BYTES = 256 * 1024;
const FIRST_BYTES = 512;
/** Scratch and window larger than this are given back when the value that needed them has been read. */
const KEPT_BYTES_MAX = 1024 * 1024;
/** Longest string that any server holds; a length beyond it is damage. */
const STRING_BYTES_MAX = 2 ** 32;
/** First byte of a compressed string. */
const LZF_BYTE = 0xc0 | StringForm.LZF;
const TWO_32 = 2 ** 32;

export class RdbInput {
  buf: Uint8Array;
  pos = 0;
  end = 0;
  readonly crc = new Crc64();
  /** The key whose value is being read, for errors. */
  readonly key = new Slice();
  hasKey = false;
  /** Halves of the last 64-bit number that `length64` or `u64` read. */
  hi = 0;
  lo = 0;

  private lzfBytes = 0;
  private lzfPlain = 0;
  private base = 0;
  private crcAt = 0;
  private mark = -1;
  /** Where decompressed strings are put: two, so that two can be held. */
  private readonly scratch = [new Uint8Array(64), new Uint8Array(64)];

  private constructor(
    readonly name: string,
    private readonly source: ByteSource | null,
    window: Uint8Array,
    private readonly summing: boolean,
  ) {
    this.buf = window;
  }

  /** @param offset position in the file at which the source begins */
  static fromSource(source: ByteSource, summing: boolean, offset = 0): RdbInput {
    const input = new RdbInput(source.name, source, new Uint8Array(WINDOW_BYTES), summing);
    input.base = offset;
    return input;
  }

  /** Reads `buf[off, off + len)` where it lies; offsets in errors count from `off`. */
  static fromBytes(name: string, buf: Uint8Array, off: number, len: number): RdbInput {
    return new RdbInput(name, null, buf, false).reopen(buf, off, len);
  }

  /** Turns an input made by `fromBytes` to other bytes. */
  reopen(buf: Uint8Array, off: number, len: number): this {
    this.buf = buf;
    this.pos = off;
    this.end = off + len;
    this.base = -off;
    this.mark = -1;
    this.hasKey = false;
    return this;
  }

  /** File offset of the next byte. */
  get offset(): number {
    return this.base + this.pos;
  }

  /** Begins a new record: nothing before it is needed any more. Gives back what one huge value took. */
  release(): void {
    this.hasKey = false;
    if (this.buf.length > KEPT_BYTES_MAX && this.source !== null && this.end - this.pos <= WINDOW_BYTES) {
      this.sum();
      const small = new Uint8Array(WINDOW_BYTES);
      small.set(this.buf.subarray(this.pos, this.end));
      this.base += this.pos;
      this.end -= this.pos;
      this.pos = 0;
      this.crcAt = 0;
      this.buf = small;
    }
    for (let i = 0; i < 2; i++) {
      if (this.scratch[i]!.length > KEPT_BYTES_MAX) this.scratch[i] = new Uint8Array(64);
    }
  }

  // --- errors ------------------------------------------------------------------------------------------------------

  /** @param offset file offset; by default that of the next byte */
  corrupt(expected: string, found: string, offset = this.offset): never {
    throw new CorruptionError(this.name, offset, expected, found, this.keyText());
  }

  private keyText(): string {
    return this.hasKey ? printable(this.key.buf, this.key.off, this.key.len) : '';
  }

  // --- the window --------------------------------------------------------------------------------------------------

  /** Makes sure that `bytes` bytes lie in the window from `pos` on. They are not taken. */
  need(bytes: number): void {
    if (this.end - this.pos < bytes) this.refill(bytes);
  }

  /** Adds what has been taken since to the sum. */
  sum(): void {
    if (this.summing) this.crc.update(this.buf, this.crcAt, this.pos - this.crcAt);
    this.crcAt = this.pos;
  }

  private refill(bytes: number): void {
    const { source } = this;
    if (source === null) this.truncated(bytes);
    this.sum();
    const keep = this.mark >= 0 ? this.mark : this.pos;
    if (keep > 0) {
      this.buf.copyWithin(0, keep, this.end);
      this.base += keep;
      this.pos -= keep;
      this.end -= keep;
      this.crcAt = this.pos;
      if (this.mark >= 0) this.mark = 0;
    }
    while (this.end - this.pos < bytes) {
      if (this.end === this.buf.length) {
        const grown = new Uint8Array(Math.max(WINDOW_BYTES, Math.min(this.pos + bytes, this.buf.length * 2)));
        grown.set(this.buf);
        this.buf = grown;
      }
      // The first reads are small: what happens between them should have happened before V8 compiles for good.
      const most = Math.max(FIRST_BYTES, (this.base + this.end) / 16);
      const got = source.read(this.buf, this.end, Math.min(this.buf.length - this.end, Math.floor(most)));
      if (got <= 0) this.truncated(bytes);
      this.end += got;
    }
  }

  private truncated(bytes: number): never {
    const left = this.end - this.pos;
    throw new TruncationError(
      this.name,
      this.base + this.end,
      `${bytes - left} more byte${bytes - left === 1 ? '' : 's'}`,
      'the end of the input',
      this.keyText(),
    );
  }

  /** Keeps everything from here on in the window until `captured` or `dropCapture`: for values that are kept whole. */
  capture(): void {
    this.mark = this.pos;
  }

  /** The bytes since `capture`. */
  captured(out: Slice): void {
    out.set(this.buf, this.mark, this.pos - this.mark);
    this.mark = -1;
  }

  dropCapture(): void {
    this.mark = -1;
  }

  // --- numbers -----------------------------------------------------------------------------------------------------

  u8(): number {
    if (this.pos === this.end) this.refill(1);
    return this.buf[this.pos++]!;
  }

  /** Little-endian; -2^31 .. 2^31 - 1. */
  i32(): number {
    this.need(4);
    const { buf, pos } = this;
    this.pos = pos + 4;
    return buf[pos]! | (buf[pos + 1]! << 8) | (buf[pos + 2]! << 16) | (buf[pos + 3]! << 24);
  }

  /** Little-endian, into `hi` and `lo`. */
  u64(): void {
    this.lo = this.i32() >>> 0;
    this.hi = this.i32() >>> 0;
  }

  /** A signed little-endian 64-bit integer; beyond +-2^53 the nearest double. */
  i64(): number {
    this.u64();
    return (this.hi | 0) * TWO_32 + this.lo;
  }

  /** An IEEE double, little-endian. */
  double(): number {
    this.need(8);
    BYTES.set(this.buf.subarray(this.pos, this.pos + 8));
    this.pos += 8;
    return VIEW.getFloat64(0, true);
  }

  /** A length, or -1 - form for the special form of a string. Lengths beyond 2^53 are damage. */
  private lengthOrForm(): number {
    if (this.pos === this.end) this.refill(1);
    const first = this.buf[this.pos]!;
    if (first < 0x40) {
      this.pos++;
      return first;
    }
    if (first < 0x80) {
      this.need(2);
      const length = ((first & 0x3f) << 8) | this.buf[this.pos + 1]!;
      this.pos += 2;
      return length;
    }
    if (first >= 0xc0) {
      this.pos++;
      return -1 - (first & 0x3f);
    }
    const at = this.offset;
    this.longLength(first);
    if (this.hi >= 0x200000) this.corrupt('a length below 2^53', this.u64Text(), at);
    return this.hi * TWO_32 + this.lo;
  }

  private longLength(first: number): void {
    const wide = first === 0x81;
    if (!wide && first !== 0x80) this.corrupt('a length', `byte 0x${first.toString(16)}`);
    this.need(wide ? 9 : 5);
    this.pos++;
    this.hi = wide ? this.u32be() : 0;
    this.lo = this.u32be();
  }

  private u32be(): number {
    const { buf, pos } = this;
    this.pos = pos + 4;
    return ((buf[pos]! << 24) | (buf[pos + 1]! << 16) | (buf[pos + 2]! << 8) | buf[pos + 3]!) >>> 0;
  }

  private u64Text(): string {
    return ((BigInt(this.hi) << 32n) | BigInt(this.lo)).toString();
  }

  /** A length that counts or measures something. */
  length(): number {
    const length = this.lengthOrForm();
    if (length < 0) this.corrupt('a length', `byte 0x${(0xbf - length).toString(16)}`, this.offset - 1);
    return length;
  }

  /** A length that stands for any 64-bit number, into `hi` and `lo`. */
  length64(): void {
    if (this.pos === this.end) this.refill(1);
    const first = this.buf[this.pos]!;
    if (first >= 0x80 && first < 0xc0) {
      this.longLength(first);
      return;
    }
    this.lo = this.length();
    this.hi = 0;
  }

  // --- strings -----------------------------------------------------------------------------------------------------

  /** Takes `bytes` raw bytes. */
  raw(out: Slice, bytes: number): void {
    this.need(bytes);
    out.set(this.buf, this.pos, bytes);
    this.pos += bytes;
  }

  /**
   * A string of any form; integers come as their digits. The return value says whether it was stored as an integer.
   * @param which the scratch that a decompressed string is put into
   */
  string(out: Slice, which = 0): boolean {
    const length = this.lengthOrForm();
    if (length >= 0) {
      if (length > STRING_BYTES_MAX) this.corrupt('a string of at most 4 GiB', `length ${length}`);
      this.need(length);
      out.set(this.buf, this.pos, length);
      this.pos += length;
      return false;
    }
    const form = -1 - length;
    if (form === StringForm.LZF) {
      this.lzf(out, which);
      return false;
    }
    let n: number;
    if (form === StringForm.INT8) {
      n = (this.u8() << 24) >> 24;
    } else if (form === StringForm.INT16) {
      this.need(2);
      n = ((this.buf[this.pos]! | (this.buf[this.pos + 1]! << 8)) << 16) >> 16;
      this.pos += 2;
    } else if (form === StringForm.INT32) {
      n = this.i32();
    } else {
      this.corrupt('a string', `byte 0x${(0xc0 | form).toString(16)}`, this.offset - 1);
    }
    out.set(out.digits, 0, writeInteger(out.digits, 0, n));
    return true;
  }

  private lzf(out: Slice, which: number): void {
    const at = this.offset - 1;
    this.lzfHeader(at);
    const plain = this.lzfPlain;
    let target = this.scratch[which]!;
    if (target.length < plain) {
      target = new Uint8Array(Math.max(plain, Math.min(target.length * 2, KEPT_BYTES_MAX)));
      this.scratch[which] = target;
    }
    if (!lzfDecompress(this.buf, this.pos, this.lzfBytes, target, 0, plain)) this.badLzf(at);
    this.pos += this.lzfBytes;
    out.set(target, 0, plain);
  }

  /** Reads the lengths of an LZF block into `lzfBytes` and `lzfPlain`, and makes sure that it lies in the window. */
  private lzfHeader(at: number): void {
    const bytes = this.length();
    const plain = this.length();
    if (plain > bytes * LZF_RATIO_MAX || bytes > STRING_BYTES_MAX || plain > STRING_BYTES_MAX) {
      this.corrupt('an LZF block', `${bytes} bytes said to hold ${plain}`, at);
    }
    this.need(bytes);
    this.lzfBytes = bytes;
    this.lzfPlain = plain;
  }

  private badLzf(at: number): never {
    this.corrupt(`an LZF block of ${this.lzfPlain} bytes`, 'bytes that do not decompress to that', at);
  }

  /**
   * A string that may be going to stay in the arena: when it is compressed, it is decompressed into a block of its own,
   * whose address is returned and which is the caller's. 0: `out` is as after `string`.
   */
  stringOrBlock(out: Slice, arena: Arena): number {
    if (this.pos === this.end) this.refill(1);
    if (this.buf[this.pos] !== LZF_BYTE) {
      this.string(out);
      return 0;
    }
    const at = this.offset;
    this.pos++;
    this.lzfHeader(at);
    const plain = this.lzfPlain;
    const block = arena.alloc(Math.max(plain, 1));
    const u8 = arena.bytesOf(block);
    const to = byteIndex(block);
    if (!lzfDecompress(this.buf, this.pos, this.lzfBytes, u8, to, plain)) {
      arena.free(block);
      this.badLzf(at);
    }
    this.pos += this.lzfBytes;
    out.set(u8, to, plain);
    return block;
  }

  /** Keeps what the last `string` gave valid while more is read, until `unhold`. One slice at a time. */
  hold(slice: Slice): void {
    this.mark = slice.buf === this.buf ? slice.off : -1;
  }

  unhold(slice: Slice): void {
    if (this.mark < 0) return;
    slice.set(this.buf, this.mark, slice.len);
    this.mark = -1;
  }

  /** Two strings in a row, both valid until the next read. */
  pair(first: Slice, second: Slice): void {
    this.string(first, 0);
    this.hold(first);
    this.string(second, 1);
    this.unhold(first);
  }

  /** A string of any form that is not looked at. */
  skipString(): void {
    this.string(SKIPPED, 1);
  }
}

/** At most 64 bytes of a key, quoted, in the manner of redis-cli. */
export function printable(buf: Uint8Array, off: number, len: number): string {
  let text = '';
  for (let i = 0; i < Math.min(len, 64); i++) {
    const byte = buf[off + i]!;
    if (byte === 34 || byte === 92) text += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `"${text}"${len > 64 ? '...' : ''}`;
}

const SKIPPED = new Slice();
const BYTES = new Uint8Array(8);
const VIEW = new DataView(BYTES.buffer);
