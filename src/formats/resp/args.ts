/**
 * The arguments of one command: offsets into the buffer that they arrived in, not strings. One Args serves a whole
 * connection; its content is valid while the command runs. Argument 0 is the command's name.
 *
 * To keep arguments longer (MULTI's queue, a blocked client) take `clone()`.
 */
import { parseDouble, parseInt64, parseInteger } from '../../base/numbers.js';
import { byteStringOf, TEXT_BYTES_MAX } from '../../base/words.js';

/** Arguments that an idle connection keeps room for. */
const ROOM_KEPT_MAX = 1024;

export class Args {
  buf: Uint8Array;
  count = 0;
  /** Offset and length in bytes of argument i. */
  off: Int32Array;
  len: Int32Array;

  constructor(buf: Uint8Array = new Uint8Array(0), room = 16) {
    this.buf = buf;
    this.off = new Int32Array(room);
    this.len = new Int32Array(room);
  }

  reset(buf: Uint8Array): void {
    this.buf = buf;
    this.count = 0;
  }

  /** Bytes that the offsets and lengths take. */
  get roomBytes(): number {
    return this.off.byteLength + this.len.byteLength;
  }

  /** Forgets all arguments, and gives back the room of a command of very many. */
  empty(buf: Uint8Array): void {
    this.reset(buf);
    if (this.off.length <= ROOM_KEPT_MAX) return;
    this.off = new Int32Array(ROOM_KEPT_MAX);
    this.len = new Int32Array(ROOM_KEPT_MAX);
  }

  push(off: number, len: number): void {
    if (this.count === this.off.length) this.grow();
    this.off[this.count] = off;
    this.len[this.count] = len;
    this.count++;
  }

  private grow(): void {
    const off = new Int32Array(this.off.length * 2);
    const len = new Int32Array(this.off.length * 2);
    off.set(this.off);
    len.set(this.len);
    this.off = off;
    this.len = len;
  }

  /** Bytes from the first argument to the last one's end, as they lie in the buffer. */
  get bytesTotal(): number {
    const last = this.count - 1;
    return last < 0 ? 0 : this.off[last]! + this.len[last]! - this.off[0]!;
  }

  /** Whether argument i is `upper`, ignoring ASCII case. `upper` must be upper case. */
  is(i: number, upper: string): boolean {
    const len = this.len[i]!;
    if (len !== upper.length) return false;
    const at = this.off[i]!;
    for (let k = 0; k < len; k++) {
      let byte = this.buf[at + k]!;
      if (byte >= 97 && byte <= 122) byte -= 32;
      if (byte !== upper.charCodeAt(k)) return false;
    }
    return true;
  }

  /** The first `max` bytes of argument i as a string, one character a byte; never more than TEXT_BYTES_MAX. */
  latin1(i: number, max = TEXT_BYTES_MAX): string {
    return byteStringOf(this.buf, this.off[i]!, Math.min(this.len[i]!, max));
  }
  /** Argument i decoded as UTF-8, up to TEXT_BYTES_MAX: only for names of files, directives and the like. */
  utf8(i: number): string {
    const len = Math.min(this.len[i]!, TEXT_BYTES_MAX);
    return Buffer.from(this.buf.buffer, this.buf.byteOffset + this.off[i]!, len).toString('utf8');
  }
  /** Argument i as a view of the input buffer, valid while the command runs. */
  bytes(i: number): Uint8Array {
    const at = this.off[i]!;
    return this.buf.subarray(at, at + this.len[i]!);
  }
  /** A safe integer, or NaN; see parseInteger. */
  integer(i: number): number {
    return parseInteger(this.buf, this.off[i]!, this.len[i]!);
  }
  /** A 64-bit integer, or null. */
  int64(i: number): bigint | null {
    return parseInt64(this.buf, this.off[i]!, this.len[i]!);
  }
  /** A double, or NaN when it is none; `nan` is none. */
  double(i: number): number {
    return parseDouble(this.buf, this.off[i]!, this.len[i]!);
  }

  /** A copy with a buffer of its own. */
  clone(): Args {
    let bytes = 0;
    for (let i = 0; i < this.count; i++) bytes += this.len[i]!;
    const copy = new Args(new Uint8Array(bytes), Math.max(1, this.count));
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      const len = this.len[i]!;
      copy.buf.set(this.buf.subarray(this.off[i]!, this.off[i]! + len), at);
      copy.push(at, len);
      at += len;
    }
    return copy;
  }

  /** Arguments from strings (UTF-8) and byte arrays. */
  static of(...argv: (string | Uint8Array)[]): Args {
    const parts = argv.map((arg) => (typeof arg === 'string' ? Buffer.from(arg) : arg));
    const args = new Args(Buffer.concat(parts), Math.max(1, parts.length));
    let at = 0;
    for (const part of parts) {
      args.push(at, part.length);
      at += part.length;
    }
    return args;
  }
}
