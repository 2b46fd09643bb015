/**
 * The encodings of small collections before listpacks: read and converted, never written.
 *
 *   ziplist  [ bytes u32 ][ offset of the last entry u32 ][ count u16 ][ entry ]...[ 0xff ]        65535 = count unknown
 *     entry  [ length of the entry before: u8 < 254, or 0xfe and u32 ][ encoding ][ data ]
 *            00LLLLLL string | 01LLLLLL LLLLLLLL string | 10...... u32 big-endian, string
 *            11000000 i16 | 11010000 i32 | 11100000 i64 | 11110000 i24 | 11111110 i8 | 1111xxxx the number x - 1 (0..12)
 *
 *   zipmap   [ pairs u8, >= 254 = unknown ]([ length ][ field ][ length ][ unused u8 ][ value ][ unused bytes ])...[ 0xff ]
 *     length u8 < 254, or 0xfe and u32
 *
 * `open` looks at every byte before anything is handed out, so that `next` never meets damage. Integers are
 * little-endian where nothing else is said.
 */
import { write64 } from '../../base/int64.js';
import { writeInteger } from '../../base/numbers.js';
import type { Slice } from '../../base/slice.js';

const END = 0xff;
const LONG = 0xfe;
const ZIPLIST_HEADER = 10;

function u32le(buf: Uint8Array, at: number): number {
  return (buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24)) >>> 0;
}

export class Ziplist {
  /** Elements. */
  count = 0;
  private buf: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  // What `entry` found: where the data lies, its length (-1: an immediate number), whether it is a string.
  private dataAt = 0;
  private dataLen = 0;
  private encoding = 0;

  /** Opens `buf[off, off + len)`. -1, or the offset from `off` at which it is no sound ziplist. */
  open(buf: Uint8Array, off: number, len: number): number {
    this.buf = buf;
    this.at = off + ZIPLIST_HEADER;
    this.end = off + len - 1;
    this.count = 0;
    if (len < ZIPLIST_HEADER + 1 || u32le(buf, off) !== len) return 0;
    if (buf[this.end] !== END) return len - 1;
    let at = this.at;
    let before = 0;
    let last = at;
    while (at < this.end) {
      const long = buf[at] === LONG;
      if (buf[at] === END) return at - off;
      if (long && this.end - at < 5) return at - off;
      if ((long ? u32le(buf, at + 1) : buf[at]!) !== before) return at - off;
      const next = this.entry(at);
      if (next < 0 || next > this.end) return at - off;
      last = at;
      before = next - at;
      at = next;
      this.count++;
    }
    if (at !== this.end) return at - off;
    if (u32le(buf, off + 4) !== last - off) return 4;
    const said = buf[off + 8]! | (buf[off + 9]! << 8);
    if (said !== 65535 && said !== this.count) return 8;
    return -1;
  }

  /** Parses the entry at `at`; the position after it, or -1 when it is none. It may lie behind the end. */
  private entry(at: number): number {
    const { buf, end } = this;
    at += buf[at] === LONG ? 5 : 1;
    if (at >= end) return -1;
    const encoding = buf[at]!;
    this.encoding = encoding;
    if (encoding < 0x40) {
      this.dataAt = at + 1;
      this.dataLen = encoding;
    } else if (encoding < 0x80) {
      if (at + 1 >= end) return -1;
      this.dataAt = at + 2;
      this.dataLen = ((encoding & 0x3f) << 8) | buf[at + 1]!;
    } else if (encoding < 0xc0) {
      if (at + 4 >= end) return -1;
      this.dataAt = at + 5;
      this.dataLen = ((buf[at + 1]! << 24) | (buf[at + 2]! << 16) | (buf[at + 3]! << 8) | buf[at + 4]!) >>> 0;
    } else {
      this.dataAt = at + 1;
      if (encoding === 0xc0) this.dataLen = 2;
      else if (encoding === 0xd0) this.dataLen = 4;
      else if (encoding === 0xe0) this.dataLen = 8;
      else if (encoding === 0xf0) this.dataLen = 3;
      else if (encoding === 0xfe) this.dataLen = 1;
      else if (encoding > 0xf0 && encoding < 0xfe) this.dataLen = 0;
      else return -1;
    }
    return this.dataAt + this.dataLen;
  }

  /** The next element; false at the end. Valid until the bytes that were opened change. */
  next(out: Slice): boolean {
    if (this.at >= this.end) return false;
    this.at = this.entry(this.at);
    const { buf, dataAt: d, encoding } = this;
    if (encoding < 0xc0) {
      out.set(buf, d, this.dataLen);
      return true;
    }
    if (encoding === 0xe0) {
      out.set(out.digits, 0, write64(out.digits, 0, u32le(buf, d + 4) | 0, u32le(buf, d)));
      return true;
    }
    let n: number;
    if (encoding === 0xc0) n = ((buf[d]! | (buf[d + 1]! << 8)) << 16) >> 16;
    else if (encoding === 0xd0) n = u32le(buf, d) | 0;
    else if (encoding === 0xf0) n = ((buf[d]! | (buf[d + 1]! << 8) | (buf[d + 2]! << 16)) << 8) >> 8;
    else if (encoding === 0xfe) n = (buf[d]! << 24) >> 24;
    else n = (encoding & 0x0f) - 1;
    out.set(out.digits, 0, writeInteger(out.digits, 0, n));
    return true;
  }
}

export class Zipmap {
  /** Elements: fields and values in turn. */
  count = 0;
  private buf: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private isValue = false;
  private dataAt = 0;
  private dataLen = 0;

  /** As `Ziplist.open`. */
  open(buf: Uint8Array, off: number, len: number): number {
    this.buf = buf;
    this.at = off + 1;
    this.end = off + len - 1;
    this.count = 0;
    this.isValue = false;
    if (len < 2) return 0;
    if (buf[this.end] !== END) return len - 1;
    let at = this.at;
    while (at < this.end) {
      const start = at;
      at = this.element(at, this.count % 2 === 1);
      if (at < 0 || at > this.end) return start - off;
      this.count++;
    }
    if (this.count % 2 !== 0) return at - off;
    const said = buf[off]!;
    if (said < 254 && said * 2 !== this.count) return 0;
    return -1;
  }

  /** The position after the element at `at`, -1 when it is none. */
  private element(at: number, value: boolean): number {
    const { buf, end } = this;
    const long = buf[at] === LONG;
    if (buf[at] === END || end - at < (long ? 5 : 1) + (value ? 1 : 0)) return -1;
    this.dataLen = long ? u32le(buf, at + 1) : buf[at]!;
    at += long ? 5 : 1;
    const unused = value ? buf[at++]! : 0;
    this.dataAt = at;
    return at + this.dataLen + unused;
  }

  /** As `Ziplist.next`. */
  next(out: Slice): boolean {
    if (this.at >= this.end) return false;
    this.at = this.element(this.at, this.isValue);
    this.isValue = !this.isValue;
    out.set(this.buf, this.dataAt, this.dataLen);
    return true;
  }
}
