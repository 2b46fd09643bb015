/**
 * Reads an append-only log from chunks of bytes: commands with their byte offsets, and annotations. For what a log
 * looks like see log-encoder.ts.
 *
 *   const reader = new LogReader('appendonly.aof.1.incr.aof');
 *   for each chunk: reader.push(chunk); while (reader.next(args) !== Token.MORE) ...
 *   reader.end();
 *
 * Two kinds of trouble are told apart, both thrown with the offset:
 *   TruncatedLogError  the bytes end within a command, a line or a transaction, or end in nothing but zeros (which is how
 *                      some file systems leave what was not synced) and fill. What is before `cutOffset` is whole.
 *   CorruptionError    anything else: not RESP where RESP must be, or a checksum that does not fit.
 * A flipped bit in a length can look like the first kind. So when the bytes end too early the reader looks for a #CK line
 * in the rest that follows on the last one: if there is one the rest is no torn write, and the trouble is of the second kind.
 *
 * Fill (fill.ts) is read as the annotations that it consists of, but for `contentEnd`.
 *
 * `args` is valid until the next call.
 */
import { crc32 } from '../../base/crc32.js';
import { CorruptionError, TruncationError } from '../../base/errors.js';
import type { Args } from '../resp/args.js';
import { isFill } from './fill.js';
import type { ChecksumTail } from './log-end.js';

export const Token = { MORE: 0, COMMAND: 1, ANNOTATION: 2 } as const;
export type Token = (typeof Token)[keyof typeof Token];

/** Longer annotation lines are refused, as by stock servers. */
const ANNOTATION_MAX = 1024;
/** Offsets of arguments are 32-bit. */
const COMMAND_BYTES_MAX = 2 ** 31 - 1;

export class TruncatedLogError extends TruncationError {
  override name = 'TruncatedLogError';
  constructor(
    file: string,
    /** The end of the last whole command. */
    offset: number,
    /** Where to cut: `offset`, or the start of the MULTI that no EXEC follows. */
    readonly cutOffset: number,
    found: string,
  ) {
    super(file, offset, cutOffset < offset ? 'EXEC' : 'the rest of a command', found);
  }
}

export interface LogReaderOptions {
  /** Offset of the first byte that will be pushed. */
  offset?: number;
  /** Whether #CK lines are verified. */
  verify?: boolean;
  /** Where the file ends, when that is known: a length beyond it is not waited for. */
  fileBytes?: number;
}

export class LogReader {
  /** Offset in the file of the byte after the last token. */
  offset: number;
  /** Offset of the last token. */
  tokenOffset: number;
  /** Offset of the MULTI whose EXEC has not come yet; -1 = none. */
  openMulti = -1;
  /** Of the last #TS line, in seconds since 1970; 0 = none. */
  timestamp = 0;
  /** The last annotation, without line end. */
  annotation = '';
  /** Offset behind the last token that is not fill. */
  contentEnd: number;
  /** The last #CK line says that what follows is written into room; also where sums are not verified. */
  endsInRoom = false;
  /** Where the first turn in room begins that does not fit its sum, while sums are not verified; -1 = none. */
  private doubtedAt = -1;
  /** Offset behind the line that ended room last; -1 = none did. */
  private roomEndedAt = -1;
  /** Bytes that #CK lines have proved right. */
  checkedBytes = 0;

  private buf: Buffer = Buffer.alloc(0);
  /** Index in buf of `offset`, and of the end of what was pushed. */
  private head = 0;
  private tail = 0;
  /** Bytes after `head` without which parsing again is of no use. */
  private need = 1;
  /** Looks at what follows when there is no reading on; null until then. */
  private rest: RestScan | null = null;
  private readonly fileBytes: number;

  /** Whether #CK lines are verified. */
  readonly verify: boolean;
  /** Where the range of the next #CK line must begin: the last one's end. */
  private checkFrom: number;
  private crc = 0;
  /** Index in buf up to which `crc` is taken. */
  private crcAt = 0;

  constructor(
    readonly file: string,
    options: LogReaderOptions = {},
  ) {
    this.offset = options.offset ?? 0;
    this.tokenOffset = this.offset;
    this.contentEnd = this.offset;
    this.checkFrom = this.offset;
    this.verify = options.verify ?? true;
    this.fileBytes = options.fileBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Where a log that ends here would be cut. */
  get cutOffset(): number {
    return this.openMulti >= 0 ? this.openMulti : this.contentEnd;
  }

  /** Whether what follows on the last #CK line is known to have been written into room, a whole turn with its sum at a time. */
  get inRoom(): boolean {
    return this.verify && this.endsInRoom;
  }

  /** Offset behind the last #CK line, which has been verified if any are, or from where on none can be. */
  get checkedTo(): number {
    return this.checkFrom;
  }

  /** Whether a write into room may have come to the disk in parts; then it was from `doubtFrom` on. */
  get mayBeTorn(): boolean {
    return this.endsInRoom || this.doubtedAt >= 0;
  }
  get doubtFrom(): number {
    return this.doubtedAt < 0 ? this.checkFrom : this.doubtedAt;
  }

  /**
   * The sum of what no #CK line covers, for a log that goes on behind the last token. Null: that is not known (what follows
   * is not written as what was before, or sums are not verified).
   */
  get uncovered(): ChecksumTail | null {
    if (!this.verify || this.inRoom || this.openMulti >= 0 || this.contentEnd !== this.offset) return null;
    this.takeCrc(this.head);
    return { bytes: this.offset - this.checkFrom, crc: this.crc };
  }

  /** Adds bytes (copied). */
  push(chunk: Uint8Array): void {
    if (this.rest !== null) {
      this.rest.push(chunk);
      return;
    }
    if (this.head > 0) {
      this.takeCrc(this.head);
      this.buf.copyWithin(0, this.head, this.tail);
      this.crcAt -= this.head;
      this.tail -= this.head;
      this.head = 0;
    }
    if (this.tail + chunk.length > this.buf.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.tail + chunk.length, this.tail > 0 ? this.buf.length * 2 : 0));
      grown.set(this.buf.subarray(0, this.tail));
      this.buf = grown;
    }
    this.buf.set(chunk, this.tail);
    this.tail += chunk.length;
  }

  /** Reads one token: a command goes to `args`. MORE: push the next chunk, or call `end`. */
  next(args: Args): Token {
    if (this.rest !== null || this.tail - this.head < this.need) return Token.MORE;
    const start = this.head;
    const token = this.buf[start] === 35 ? this.readAnnotation() : this.readCommand(args);
    if (token === Token.MORE) return token;
    this.need = 1;
    this.tokenOffset = this.offset;
    this.offset += this.head - start;
    if (token !== Token.ANNOTATION || !isFill(this.buf, start + 1, this.head, this.tokenOffset - start)) {
      this.contentEnd = this.offset;
      // So was what follows the end of room.
      if (!this.endsInRoom) this.doubtedAt = -1;
    }
    if (token === Token.COMMAND) {
      if (this.openMulti < 0) {
        if (args.count === 1 && args.is(0, 'MULTI')) this.openMulti = this.tokenOffset;
      } else if (args.count === 1 && args.is(0, 'EXEC')) {
        this.openMulti = -1;
      }
    } else {
      this.take(this.annotation, start);
    }
    return token;
  }

  /** No more bytes will come. Throws when they ended too early. */
  end(): void {
    const left = this.tail - this.head;
    if (left > 0 || this.rest !== null) {
      const rest = this.rest ?? this.scanRest(this.head);
      if (this.verify && rest.checksumLine >= 0) {
        const found = `a part of one, and a checksum line at byte ${rest.checksumLine} further on`;
        throw this.damage(this.head, 'a whole command', found);
      }
      // A line of fill that is cut, or zeros in its place: those of a cut that was under way, too.
      const behindRoom = this.offset > this.contentEnd || this.contentEnd === this.roomEndedAt;
      if (!(rest.onlyRoom && behindRoom)) {
        throw this.cutShort(
          rest.onlyRoom ? `zeros from byte ${rest.from} on` : `the end of the file at byte ${rest.end}`,
        );
      }
    }
    if (this.openMulti >= 0) throw this.cutShort('the end');
  }

  private cutShort(found: string): TruncatedLogError {
    return new TruncatedLogError(this.file, this.contentEnd, this.cutOffset, found);
  }

  // --- commands ----------------------------------------------------------------------------------------------------

  private readCommand(args: Args): Token {
    const { buf, tail, head } = this;
    if (buf[head] !== 42) return this.bad(head, '"*" or "#"');
    let at = this.digits(head + 1);
    if (at < 0) return Token.MORE;
    const count = this.number;
    if (count < 1) return this.bad(head + 1, 'a number of arguments');
    args.reset(buf);
    for (let i = 0; i < count; i++) {
      if (at >= tail) return this.more(at + 1);
      if (buf[at] !== 36) return this.bad(at, '"$"');
      const after = this.digits(at + 1);
      if (after < 0) return Token.MORE;
      const len = this.number;
      const end = after + len;
      if (end - head > COMMAND_BYTES_MAX) throw this.damage(at, 'a command of less than 2 GB', `a length of ${len}`);
      if (tail < end + 2) return this.more(end + 2);
      if (buf[end] !== 13) return this.bad(end, 'CR after a bulk string');
      if (buf[end + 1] !== 10) return this.bad(end + 1, 'LF after a bulk string');
      args.push(after, len);
      at = end + 2;
    }
    this.head = at;
    return Token.COMMAND;
  }

  /** The number that `digits` has read. */
  private number = 0;

  /** Reads digits and CRLF at `at`; returns the index after them, or -1 when there is no reading on. */
  private digits(at: number): number {
    const { buf, tail } = this;
    let n = 0;
    const start = at;
    for (; at < tail; at++) {
      const byte = buf[at]!;
      if (byte >= 48 && byte <= 57) {
        n = n * 10 + byte - 48;
        if (n > COMMAND_BYTES_MAX) throw this.damage(start, 'a number below 2^31', `${n}...`);
        continue;
      }
      if (at > start && byte === 13) {
        if (at + 1 >= tail) break;
        if (buf[at + 1] === 10) {
          this.number = n;
          return at + 2;
        }
        at++;
      }
      this.bad(at, at === start ? 'a digit' : 'a digit or CRLF');
      return -1;
    }
    this.more(at + 1);
    return -1;
  }

  /** Parsing stopped for want of bytes up to index `end`. */
  private more(end: number): Token {
    this.need = end - this.head;
    if (this.offset + this.need > this.fileBytes) this.rest = this.scanRest(this.head);
    return Token.MORE;
  }

  /** The byte at index `at` cannot be. If it is a zero, or fill, it may begin a tail of zeros and fill: then MORE. */
  private bad(at: number, expected: string): Token {
    if (this.buf[at] !== 0 && !this.isOldFill(at)) throw this.damage(at, expected, describe(this.buf[at]!));
    this.rest = this.scanRest(at);
    this.rest.mustBeRoom();
    return Token.MORE;
  }

  /** Whether at the byte fill begins that the line before it, which ends room, was to be the end of. */
  private isOldFill(at: number): boolean {
    return at === this.head && this.offset === this.roomEndedAt && isFill(this.buf, at, at + 1, this.offset - at);
  }

  private scanRest(from: number): RestScan {
    const offset = this.offset + from - this.head;
    const rest = new RestScan(this.file, offset, this.checkFrom, this.inRoom ? this.fillBefore(from) : FILL_FOR_ZEROS);
    rest.push(this.buf.subarray(from, this.tail));
    return rest;
  }

  /** Bytes of fill between what was logged and index `to`. */
  private fillBefore(to: number): number {
    const { buf, head, offset, contentEnd } = this;
    // The first byte behind what was logged is the mark.
    const from = offset === contentEnd ? head + 1 : head;
    return to > from && isFill(buf, from, to, offset - head) ? offset + to - head - contentEnd : offset - contentEnd;
  }

  private damage(index: number, expected: string, found: string): CorruptionError {
    return new CorruptionError(this.file, this.offset + index - this.head, expected, found);
  }

  // --- annotations -------------------------------------------------------------------------------------------------

  private readAnnotation(): Token {
    const { buf, head, tail } = this;
    const limit = Math.min(tail, head + ANNOTATION_MAX);
    let at = head + 1;
    while (at < limit && buf[at] !== 10 && buf[at] !== 0) at++;
    if (at < limit && buf[at] === 0) return this.bad(at, 'an annotation line');
    if (at === limit) {
      if (limit < tail || limit === head + ANNOTATION_MAX)
        throw this.damage(head, 'a shorter annotation line', 'no LF');
      return this.more(at + 1);
    }
    this.annotation = buf.toString('latin1', head, buf[at - 1] === 13 ? at - 1 : at);
    this.head = at + 1;
    return Token.ANNOTATION;
  }

  private take(line: string, start: number): void {
    if (line.startsWith('#TS:')) {
      const seconds = Number(line.slice(4));
      if (Number.isSafeInteger(seconds)) this.timestamp = seconds;
      return;
    }
    if (!line.startsWith('#CK:')) return;
    const parts = CHECKSUM_LINE.exec(line);
    if (this.verify) this.check(line, parts, start);
    // Only now: a torn line says nothing.
    if (parts === null) return;
    if (!this.verify && this.endsInRoom) this.doubt(parts, start);
    this.checkFrom = this.offset;
    this.crc = 0;
    this.crcAt = this.head;
    const inRoom = /^0./.test(parts[1]!);
    if (this.endsInRoom && !inRoom) this.roomEndedAt = this.offset;
    this.endsInRoom = inRoom;
  }

  private check(line: string, parts: RegExpExecArray | null, start: number): void {
    if (parts === null) throw new CorruptionError(this.file, this.tokenOffset, 'a checksum line', JSON.stringify(line));
    const bytes = Number(parts[1]);
    if (bytes > 0) {
      if (this.tokenOffset - bytes !== this.checkFrom) {
        const found = `one from byte ${this.tokenOffset - bytes}`;
        throw new CorruptionError(this.file, this.tokenOffset, `a checksum from byte ${this.checkFrom}`, found);
      }
      this.takeCrc(start);
      if (this.crc !== Number.parseInt(parts[2]!, 16)) {
        const expected = `the checksum ${parts[2]} over the ${bytes} bytes up to ${this.tokenOffset}`;
        throw new CorruptionError(this.file, this.checkFrom, expected, this.crc.toString(16).padStart(8, '0'));
      }
      this.checkedBytes += bytes;
    }
  }

  /** Sums are not verified; but of what is in room they tell whether a power cut has left it whole. */
  private doubt(parts: RegExpExecArray, start: number): void {
    const bytes = Number(parts[1]);
    this.takeCrc(start);
    const fits = this.tokenOffset - bytes === this.checkFrom && this.crc === Number.parseInt(parts[2]!, 16);
    if (bytes === 0) return;
    // It was written when all before it was on disk.
    if (fits && parts[3] !== undefined) this.doubtedAt = -1;
    else if (!fits && this.doubtedAt < 0) this.doubtedAt = this.checkFrom;
  }

  private takeCrc(to: number): void {
    if (to <= this.crcAt) return;
    if (this.verify || this.endsInRoom) this.crc = crc32(this.buf.subarray(this.crcAt, to), this.crc);
    this.crcAt = to;
  }
}

/**
 * In room, where fill is on the disk before a turn is written over it, fill is left where something was lost, not zeros; but room
 * whose making a power cut has stopped may end in them. A turn begins with other bytes than fill: so many bytes of it, where
 * what was logged ends, say that no turn was written there.
 */
const FILL_FOR_ZEROS = 8;

/** Looks through the bytes after the last whole token, without keeping them. */
class RestScan {
  /** Nothing but zeros and fill so far. */
  onlyRoom = true;
  /** Offset of a #CK line whose range begins where the next one's must; -1 = none. */
  checksumLine = -1;
  /** Offset behind the bytes so far. */
  end: number;
  private roomRequired = false;
  /** The last bytes of the chunk before, so that a line across two chunks is seen. */
  private last: Buffer = Buffer.alloc(0);

  constructor(
    private readonly file: string,
    readonly from: number,
    private readonly checkFrom: number,
    /** Bytes of fill before `from`. */
    private fill: number,
  ) {
    this.end = from;
  }

  mustBeRoom(): void {
    this.roomRequired = true;
    this.push(new Uint8Array(0));
  }

  push(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length && this.onlyRoom; i++) {
      if (isFill(chunk, i, i + 1, this.end)) this.fill++;
      else if (chunk[i] !== 0 || this.fill < FILL_FOR_ZEROS) this.onlyRoom = false;
    }
    if (this.roomRequired && !this.onlyRoom) throw new CorruptionError(this.file, this.from, 'RESP', 'zeros');
    const bytes = Buffer.concat([this.last, chunk]);
    const start = this.end - this.last.length;
    for (let at = bytes.indexOf(CHECKSUM_START); at >= 0; at = bytes.indexOf(CHECKSUM_START, at + 1)) {
      const line = bytes.toString('latin1', at + 1, at + CHECKSUM_LINE_MAX).split('\r\n')[0]!;
      const parts = CHECKSUM_LINE.exec(line);
      const offset = start + at + 1;
      if (parts !== null && offset - Number(parts[1]) === this.checkFrom) this.checksumLine = offset;
    }
    this.end += chunk.length;
    this.last = bytes.subarray(Math.max(0, bytes.length - CHECKSUM_LINE_MAX));
  }
}

const CHECKSUM_START = Buffer.from('\n#CK:');
const CHECKSUM_LINE_MAX = 40;
const CHECKSUM_LINE = /^#CK:(\d{1,15}):([0-9a-f]{8})(:s)?$/;

function describe(byte: number): string {
  return byte > 32 && byte < 127 ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
