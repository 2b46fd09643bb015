/**
 * Builds the bytes of an append-only log: commands as RESP arrays of bulk strings, with annotations between them.
 *
 *   *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n
 *   #TS:1700000000\r\n                   the commands that follow are of this second (stock servers know it)
 *   *3\r\n$3\r\nset\r\n...               a command as its client sent it, or as it was rewritten
 *   #CK:3180:9c1b02fe\r\n                CRC-32 of the 3180 bytes right before this line (stock servers skip it)
 *
 * The ranges that #CK lines cover lie one after the other from the file's start on. `#CK:0:00000000` starts anew where
 * it stands: whoever goes on with a log and does not know the sum of what stands before begins with one. With `00` for `0` what follows is
 * written into room (fill.ts). There a line may end in `:s`: when its range was written, all before it was known to be on disk.
 *
 * The encoder holds bytes until they are `drained`. It never writes by itself.
 *
 * Hot path (`raw`): a copy, no allocation while the buffer has room.
 */
import { assert } from '../../base/assert.js';
import { copyBytes } from '../../base/copy-bytes.js';
import { crc32 } from '../../base/crc32.js';
import { writeInteger } from '../../base/numbers.js';
import type { Args } from '../resp/args.js';
import { SECTOR } from './fill.js';
import type { ChecksumTail } from './log-end.js';

const CR = 13;
const LF = 10;
const HASH = 35;
/** A buffer that grew larger than this is given back when it is empty. */
const KEEP_BYTES = 1 << 20;

export class LogEncoder {
  buf: Buffer = Buffer.allocUnsafeSlow(1 << 16);
  /** Bytes that wait to be drained: buf[0, pos). */
  pos = 0;
  /** The database that the last command was for; -1: the next one needs a SELECT. */
  private db = -1;
  /** The second of the last #TS line. */
  private timestamp = 0;
  /** CRC of the bytes since the last #CK line, up to buf[crcAt); and how many they are. */
  private crc = 0;
  private crcBytes = 0;
  private crcAt = 0;

  reserve(bytes: number): void {
    const need = this.pos + bytes;
    if (need <= this.buf.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buf.length * 2, need));
    grown.set(this.buf.subarray(0, this.pos));
    this.buf = grown;
  }

  /** The next command names its database again. */
  forgetDb(): void {
    this.db = -1;
  }

  /** Commands from here on are for database `db`. */
  select(db: number): void {
    if (this.db === db) return;
    this.db = db;
    this.reserve(40);
    const digits = db < 10 ? 1 : db < 100 ? 2 : String(db).length;
    this.pos += this.buf.write(`*2\r\n$6\r\nSELECT\r\n$${digits}\r\n${db}\r\n`, this.pos, 'latin1');
  }

  /** A #TS line, unless the last one is of the same second or later. */
  stamp(seconds: number): void {
    if (seconds <= this.timestamp) return;
    this.timestamp = seconds;
    this.reserve(32);
    this.pos += this.buf.write(`#TS:${seconds}\r\n`, this.pos, 'latin1');
  }

  /** Bytes that are whole RESP commands already. */
  raw(from: Uint8Array, off: number, len: number): void {
    if (this.pos + len > this.buf.length) this.reserve(len);
    copyBytes(from, off, this.buf, this.pos, len);
    this.pos += len;
  }

  // --- units: effects that must be there whole or not at all -----------------------------------------------------------

  private unitAt = 0;
  private unitCount = 0;

  get unitOpen(): boolean {
    return this.unitCount > 0;
  }

  /** One more effect of the open unit, to run in database `db`. `seconds` > 0 asks for a #TS line before the unit. */
  effect(db: number, args: Args, seconds: number): void {
    if (this.unitCount++ === 0) {
      if (seconds > 0) this.stamp(seconds);
      this.unitAt = this.pos;
    }
    this.select(db);
    this.args(args);
  }

  /** Ends the unit. More than one effect: MULTI goes before the first (and its SELECT), EXEC behind the last. */
  endUnit(): void {
    if (this.unitCount > 1) {
      this.reserve(MULTI.length + EXEC.length);
      this.buf.copyWithin(this.unitAt + MULTI.length, this.unitAt, this.pos);
      this.buf.set(MULTI, this.unitAt);
      this.pos += MULTI.length;
      this.buf.set(EXEC, this.pos);
      this.pos += EXEC.length;
    }
    this.unitCount = 0;
  }

  /** Text arguments go as UTF-8. */
  command(...argv: (string | Uint8Array)[]): void {
    this.arrayHeader(argv.length);
    for (const arg of argv) {
      if (typeof arg === 'string') this.text(arg);
      else this.bulk(arg, 0, arg.length);
    }
  }

  args(args: Args): void {
    this.arrayHeader(args.count);
    for (let i = 0; i < args.count; i++) this.bulk(args.buf, args.off[i]!, args.len[i]!);
  }

  /** `*count`; as many `bulk`, `text` or `integer` must follow. */
  arrayHeader(count: number): void {
    this.header(42, count);
  }

  bulk(from: Uint8Array, off: number, len: number): void {
    this.header(36, len);
    this.raw(from, off, len);
    this.crlf();
  }

  text(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.header(36, bytes);
    this.reserve(bytes);
    this.pos += this.buf.write(text, this.pos, 'utf8');
    this.crlf();
  }

  /** The digits of a safe integer as a bulk string. */
  integer(n: number): void {
    const at = writeInteger(DIGITS, 0, n);
    this.bulk(DIGITS, 0, at);
  }

  private header(type: number, n: number): void {
    this.reserve(24);
    this.buf[this.pos++] = type;
    this.pos += writeInteger(this.buf, this.pos, n);
    this.buf[this.pos++] = CR;
    this.buf[this.pos++] = LF;
  }

  private crlf(): void {
    this.reserve(2);
    this.buf[this.pos++] = CR;
    this.buf[this.pos++] = LF;
  }

  // --- checksums ---------------------------------------------------------------------------------------------------

  /** Bytes since the last #CK line. */
  get unchecked(): number {
    return this.crcBytes + this.pos - this.crcAt;
  }

  /**
   * A #CK line for what came since the last one; nothing when that is nothing.
   *
   * @param offset of `buf[0]` in the file, if neither the line nor a '#' behind it may end where a sector does (fill.ts): then
   *               zeros lead the number
   * @param inRoom whether the line is part of a log that is written into room: then a zero leads the number
   * @param allSynced whether all before the range is known to be on disk
   */
  checksum(offset = -1, inRoom = false, allSynced = false): void {
    if (this.unchecked === 0) return;
    this.takeCrc(this.pos);
    const { pos } = this;
    let bytes = inRoom ? `0${this.crcBytes}` : String(this.crcBytes);
    const suffix = allSynced ? ':s' : '';
    this.checksumLine(bytes, this.crc, suffix);
    while (offset >= 0 && (offset + this.pos + 1) % SECTOR < 2) {
      this.pos = pos;
      bytes = `0${bytes}`;
      this.checksumLine(bytes, this.crc, suffix);
    }
    this.restartChecksum();
  }

  /** Goes on behind bytes that have no #CK line yet: the next one covers them, too. */
  continueChecksum(tail: ChecksumTail): void {
    assert(this.pos === 0, 'nothing is encoded');
    this.crc = tail.crc;
    this.crcBytes = tail.bytes;
  }

  /** `#CK:0:00000000`: what was written before this point is not covered. */
  checksumReset(inRoom = false): void {
    this.checksumLine(inRoom ? '00' : '0', 0);
    this.restartChecksum();
  }

  private checksumLine(bytes: string, crc: number, suffix = ''): void {
    this.reserve(40);
    this.pos += this.buf.write(`#CK:${bytes}:${crc.toString(16).padStart(8, '0')}${suffix}\r\n`, this.pos, 'latin1');
  }

  private restartChecksum(): void {
    this.crc = 0;
    this.crcBytes = 0;
    this.crcAt = this.pos;
  }

  private takeCrc(to: number): void {
    if (to <= this.crcAt) return;
    this.crc = crc32(this.buf.subarray(this.crcAt, to), this.crc);
    this.crcBytes += to - this.crcAt;
    this.crcAt = to;
  }

  /** Takes the bytes that `other` holds, as if they had been encoded here. */
  takeOver(other: LogEncoder): void {
    if (other.pos === 0) return;
    this.raw(other.buf, 0, other.pos);
    this.db = other.db;
    this.timestamp = other.timestamp;
    other.drained(other.pos);
  }

  /** Puts a '#' behind the bytes, for a log that has fill behind it (fill.ts). Returns how many they are with it. */
  withEndMark(): number {
    this.reserve(1);
    this.buf[this.pos] = HASH;
    return this.pos + 1;
  }

  /** Forgets the bytes that wait. */
  discard(): void {
    this.pos = 0;
    this.restartChecksum();
  }

  // --- giving bytes away -------------------------------------------------------------------------------------------

  /** The first `bytes` have been written to the file. */
  drained(bytes: number): void {
    this.takeCrc(bytes);
    if (bytes < this.pos) this.buf.copyWithin(0, bytes, this.pos);
    this.pos -= bytes;
    this.crcAt -= bytes;
    if (this.pos === 0 && this.buf.length > KEEP_BYTES) this.buf = Buffer.allocUnsafeSlow(1 << 16);
  }
}

const DIGITS = new Uint8Array(24);
const MULTI = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const EXEC = Buffer.from('*1\r\n$4\r\nEXEC\r\n');
