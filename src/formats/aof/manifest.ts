/**
 * The manifest of a multi-part AOF: which files make up the data, in which order.
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b
 *   file appendonly.aof.1.incr.aof seq 1 type h
 *   file appendonly.aof.2.incr.aof seq 2 type i
 *   #CK:5f3a90c1
 *
 * Types: `b` base (at most one), `h` history (waits to be deleted), `i` incr (sequence numbers increase). Lines that begin
 * with `#` are skipped, by stock servers too; `#CK:` carries the CRC-32 of the bytes before it, in eight hexadecimal digits.
 * It is looked at when it is the last line and ignored when something follows: a server that knows nothing of it
 * leaves none behind.
 *
 * What a stock server refuses to start with is refused here, with the same words; so is a checksum that does not fit.
 */
import { crc32 } from '../../base/crc32.js';
import { CorruptionError } from '../../base/errors.js';
import { byteString, quoteWord, splitWords, textOf } from '../../base/words.js';

/** Persisted, never renumber. */
export type AofFileType = 'b' | 'h' | 'i';

export interface AofFile {
  /** In the append directory: never a path. */
  readonly name: string;
  readonly seq: number;
  readonly type: AofFileType;
}

/** Names that need no quotes: printable, no space, no quotes, no backslash. */
const PLAIN = /^[!#-&(-[\]-~]+$/;

/** Longer lines are refused. */
const LINE_MAX = 1024;

export class ManifestError extends CorruptionError {
  override name = 'ManifestError';
  constructor(
    file: string,
    offset: number,
    /** Counted from 1; 0 for an empty file. */
    readonly line: number,
    /** The line's text. */
    readonly text: string,
    /** In Redis's words. */
    readonly reason: string,
  ) {
    super(file, offset, 'a line "file NAME seq N type b|h|i"', text === '' ? 'nothing' : JSON.stringify(text));
    this.message = line === 0 ? `${file}: ${reason}` : `${file}, line ${line}: ${reason}: ${JSON.stringify(text)}`;
  }
}

export class Manifest {
  base: AofFile | null = null;
  history: AofFile[] = [];
  incr: AofFile[] = [];
  /** Sequence numbers of the newest base and incr; 0 = none yet. */
  baseSeq = 0;
  incrSeq = 0;

  /** Bases and incrs in the order of loading. */
  files(): AofFile[] {
    return this.base === null ? [...this.incr] : [this.base, ...this.incr];
  }

  get empty(): boolean {
    return this.base === null && this.incr.length === 0;
  }

  clone(): Manifest {
    const copy = new Manifest();
    copy.base = this.base;
    copy.history = [...this.history];
    copy.incr = [...this.incr];
    copy.baseSeq = this.baseSeq;
    copy.incrSeq = this.incrSeq;
    return copy;
  }

  /** Takes a new base; the old one becomes history. Returns its entry. */
  addBase(prefix: string, format: 'rdb' | 'aof'): AofFile {
    if (this.base !== null) this.history.unshift({ ...this.base, type: 'h' });
    this.baseSeq++;
    this.base = { name: `${prefix}.${this.baseSeq}.base.${format}`, seq: this.baseSeq, type: 'b' };
    return this.base;
  }

  addIncr(prefix: string): AofFile {
    this.incrSeq++;
    const file: AofFile = { name: `${prefix}.${this.incrSeq}.incr.aof`, seq: this.incrSeq, type: 'i' };
    this.incr.push(file);
    return file;
  }

  /** Makes every incr but the last `keep` history. */
  retireIncrs(keep: number): void {
    const retired = this.incr.splice(0, this.incr.length - keep);
    for (const file of retired.reverse()) this.history.unshift({ ...file, type: 'h' });
  }

  encode(): Buffer {
    let text = '';
    for (const { name, seq, type } of [...(this.base === null ? [] : [this.base]), ...this.history, ...this.incr]) {
      text += `file ${PLAIN.test(name) ? name : quoteWord(byteString(name))} seq ${seq} type ${type}\n`;
    }
    const lines = Buffer.from(text, 'latin1');
    return Buffer.concat([lines, Buffer.from(`#CK:${hex(crc32(lines))}\n`)]);
  }

  /** Throws ManifestError. `file` is the path, for messages. */
  static parse(bytes: Uint8Array, file: string): Manifest {
    const manifest = new Manifest();
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    if (text === '') throw new ManifestError(file, 0, 0, '', 'Found an empty AOF manifest');
    let number = 0;
    for (let at = 0; at < text.length; ) {
      number++;
      const end = text.indexOf('\n', at);
      const line = text.slice(at, end < 0 ? text.length : end);
      const fail = (reason: string): ManifestError => {
        return new ManifestError(file, at, number, line.length > 200 ? `${line.slice(0, 200)}...` : line, reason);
      };
      if (line.startsWith('#')) {
        const sum = /^#CK:([0-9a-f]{8})$/.exec(line);
        if (sum !== null && end === text.length - 1 && sum[1] !== hex(crc32(bytes.subarray(0, at)))) {
          throw fail('The checksum does not fit the lines before it (delete this line if you have edited them)');
        }
      } else {
        if (end < 0 || line.length >= LINE_MAX) throw fail('The AOF manifest file contains too long line');
        manifest.addLine(line, fail);
      }
      at = end < 0 ? text.length : end + 1;
    }
    manifest.passHistory();
    return manifest;
  }

  /**
   * What waits to be deleted keeps its number: without an incr (a rewrite while there was no log has retired them all) the next
   * one would get the name of one that is history, and be deleted in its stead.
   */
  private passHistory(): void {
    for (const { name, seq } of this.history) {
      if (name.endsWith('.incr.aof')) this.incrSeq = Math.max(this.incrSeq, seq);
      else this.baseSeq = Math.max(this.baseSeq, seq);
    }
  }

  private addLine(line: string, fail: (reason: string) => ManifestError): void {
    const words = line.trim() === '' ? null : splitWords(line);
    if (words === null || words.length < 6 || words.length % 2 !== 0) throw fail('Invalid AOF manifest file format');
    let name = '';
    let seq = 0;
    let type = '';
    for (let i = 0; i < words.length; i += 2) {
      const value = words[i + 1]!;
      switch (words[i]!.toLowerCase()) {
        case 'file':
          if (/[/\\]/.test(value)) throw fail("File can't be a path, just a filename");
          name = textOf(value);
          break;
        case 'seq':
          seq = /^\d{1,15}$/.test(value) ? Number(value) : 0;
          break;
        case 'type':
          type = value.charAt(0);
          break;
        default: // newer servers add more
      }
    }
    if (name === '' || seq === 0 || type === '') throw fail('Invalid AOF manifest file format');
    if (type === 'b') {
      if (this.base !== null) throw fail('Found duplicate base file information');
      this.base = { name, seq, type };
      this.baseSeq = seq;
    } else if (type === 'h') {
      this.history.push({ name, seq, type });
    } else if (type === 'i') {
      if (seq <= this.incrSeq) throw fail('Found a non-monotonic sequence number');
      this.incr.push({ name, seq, type });
      this.incrSeq = seq;
    } else {
      throw fail('Unknown AOF file type');
    }
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

export function manifestName(prefix: string): string {
  return `${prefix}.manifest`;
}
export function temporaryManifestName(prefix: string): string {
  return `temp-${prefix}.manifest`;
}
