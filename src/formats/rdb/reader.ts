/**
 * Reads an RDB file, one key at a time: `step` stops between two keys, so that whoever loads can let the event loop run.
 *
 *   magic and version, 9 bytes:  REDIS + 4 digits  |  VALKEY + 3 digits
 *   ([ opcode ][ its data ] | [ type ][ key: string ][ value ])...
 *   [ 255 ]   and from version 5 the CRC64 of everything before, little-endian; 0 = none was made
 *
 * EXPIRETIME, FREQ and IDLE stand before the key that they belong to; SELECTDB before the keys of a database.
 *
 * Nothing is dropped silently: what is not known or cannot be kept is refused with its offset and key, as is what is
 * damaged. The reader neither logs nor decides: expired keys, duplicate keys and databases are the target's.
 */

import { copyBytes } from '../../base/copy-bytes.js';
import { VersionError } from '../../base/errors.js';
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import type { Encoding, ItemType } from '../../memory/item.js';
import type { Limits } from '../../values/value.js';
import { RdbInput } from './input.js';
import { walkModuleAux } from './module.js';
import type { ByteSource } from './source.js';
import { OPCODE_MIN, RDB_VERSION_MAX, RdbOpcode, RdbType, VALKEY_VERSION_MAX, VALKEY_VERSION_MIN } from './types.js';
import { ValueReader } from './value-reader.js';

/** What comes with a key. One object serves a whole file: copy what is to outlive the call. */
export class RdbKey {
  db = 0;
  /** The key's bytes. */
  readonly bytes = new Slice();
  /** Milliseconds since 1970; NaN = never. */
  expireAtMs = Number.NaN;
  /** Seconds without access; -1 = not said. */
  idleSeconds = -1;
  /** LFU counter; -1 = not said. */
  frequency = -1;
  /** File offset of the key's type byte. */
  offset = 0;
}

/** Where a file's content goes. Slices are valid during the call. */
export interface RdbTarget {
  aux(name: string, value: Uint8Array): void;
  /**
   * How many keys, and keys with an expiry, the current database is about to get: a hint, maybe false, but never of more keys
   * than the input has room for.
   */
  resizeDb(db: number, keys: number, expires: number): void;
  /** The source code of a function library. */
  library(code: Uint8Array): void;
  /** Auxiliary data of a module, whole: what the writer's `moduleAux` takes. */
  moduleAux(payload: Uint8Array): void;
  /**
   * A string.
   * @param integer whether the file stores it as an integer, so that its text is known to be one
   * @returns false when `twice` is there already, this key or one before it; then the file is refused
   */
  string(key: RdbKey, value: Slice, integer: boolean): boolean;
  /** Any other value, whose blocks are the target's from now on; returns as `string` does. */
  value(key: RdbKey, type: ItemType, encoding: Encoding, root: number): boolean;
  /** A collection without elements, which Redis drops when it loads, too. */
  emptyKey(key: RdbKey): void;
  /** Nothing more comes; returns as `string` does. */
  end(): boolean;
  /** The key that was there already, once one of these has returned false. */
  readonly twice: RdbKey;
}

export interface RdbReaderOptions {
  /** Whether the sum at the end is verified (`rdbchecksum`). */
  checksum: boolean;
  /** Position in the file at which the source begins; errors count from the file's start. */
  offset?: number;
}

/** First version with a checksum at the end. */
const CHECKSUM_VERSION = 5;
const KEY_ROOM = 1024;
/** What a key with its value takes, at the least that anybody has many of. */
const KEY_BYTES_MIN = 8;

export class RdbReader {
  /** From the header; 0 before the first step. */
  version = 0;
  /** Whether the magic is Valkey's. */
  valkey = false;
  /** Keys handed over so far. */
  keys = 0;
  private readonly input: RdbInput;
  private readonly values: ValueReader;
  private readonly key = new RdbKey();
  private readonly value = new Slice();
  private keyBuf = new Uint8Array(KEY_ROOM);
  private db = 0;
  private ended = false;

  constructor(
    private readonly source: ByteSource,
    arena: Arena,
    limits: Limits,
    private readonly target: RdbTarget,
    private readonly options: RdbReaderOptions,
  ) {
    const sums = options.checksum && source.crcOf === undefined;
    this.input = RdbInput.fromSource(source, sums, options.offset ?? 0);
    this.values = new ValueReader(arena, limits);
  }

  /** File offset of the next byte; after the end, that of what follows the RDB (an AOF's commands). */
  get offset(): number {
    return this.input.offset;
  }

  /** Reads the whole file. */
  run(): void {
    while (this.step());
  }

  /** Takes up to so many steps; false as `step` says. */
  advance(steps: number): boolean {
    for (; steps > 0; steps--) if (!this.step()) return false;
    return true;
  }

  /** Reads the header, one opcode, or one key with its value. False when the file is at its end, verified. */
  step(): boolean {
    if (this.ended) return false;
    const { input, key } = this;
    if (this.version === 0) {
      this.header();
      return true;
    }
    input.release();
    const at = input.offset;
    const type = input.u8();
    if (type >= OPCODE_MIN) return this.opcode(type, at);
    key.db = this.db;
    key.offset = at;
    this.readKey();
    if (type === RdbType.STRING) this.string();
    else this.collection(type);
    key.expireAtMs = Number.NaN;
    key.idleSeconds = -1;
    key.frequency = -1;
    this.keys++;
    return true;
  }

  private header(): void {
    const { input } = this;
    input.need(9);
    const text = Buffer.from(input.buf.buffer, input.buf.byteOffset + input.pos, 9).toString('latin1');
    const redis = /^REDIS(\d{4})$/.exec(text);
    const valkey = /^VALKEY(\d{3})$/.exec(text);
    if (redis === null && valkey === null)
      input.corrupt('the magic REDIS or VALKEY and a version', JSON.stringify(text));
    this.valkey = valkey !== null;
    const version = Number((redis ?? valkey)![1]);
    const min = this.valkey ? VALKEY_VERSION_MIN : 1;
    const max = this.valkey ? VALKEY_VERSION_MAX : RDB_VERSION_MAX;
    if (version < min || version > max) {
      const which = this.valkey ? 'Valkey RDB' : 'RDB';
      const known = `${which} version ${min}${min === max ? '' : ` to ${max}`}`;
      if (version > max) throw new VersionError(input.name, 0, known, `version ${version}`);
      input.corrupt(known, `version ${version}`);
    }
    this.version = version;
    input.pos += 9;
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  private readKey(): void {
    const { input, value, key } = this;
    input.string(value);
    if (value.len > this.keyBuf.length) this.keyBuf = new Uint8Array(value.len * 2);
    copyBytes(value.buf, value.off, this.keyBuf, 0, value.len);
    key.bytes.set(this.keyBuf, 0, value.len);
    input.key.set(this.keyBuf, 0, value.len);
    input.hasKey = true;
  }

  private string(): void {
    const { input, key, value } = this;
    const integer = input.string(value);
    if (!this.target.string(key, value, integer)) this.duplicate();
  }

  private collection(type: number): void {
    const { input, key, values, target } = this;
    if (!values.read(input, type, this.valkey)) target.emptyKey(key);
    else if (!target.value(key, values.type, values.encoding, values.root)) this.duplicate();
  }

  private duplicate(): never {
    const { bytes, db, offset } = this.target.twice;
    this.input.key.set(bytes.buf, bytes.off, bytes.len);
    this.input.hasKey = true;
    this.input.corrupt('a key that has not come before', `it again in database ${db}`, offset);
  }

  // --- opcodes -----------------------------------------------------------------------------------------------------

  private opcode(opcode: number, at: number): boolean {
    const { input, key, target, value, source } = this;
    // A damaged version must not turn the checksum off: in files of its time there was nothing else.
    if (this.version < CHECKSUM_VERSION && opcode < RdbOpcode.EXPIRETIME_MS) return this.unknown(opcode, at);
    switch (opcode) {
      case RdbOpcode.EOF:
        if (!target.end()) this.duplicate();
        this.trailer();
        return false;
      case RdbOpcode.SELECTDB:
        this.db = input.length();
        if (this.db > 0x7fffffff) input.corrupt('the number of a database', String(this.db), at);
        return true;
      case RdbOpcode.EXPIRETIME:
        key.expireAtMs = input.i32() * 1000;
        if (key.expireAtMs === -1000) key.expireAtMs = Number.NaN;
        return true;
      case RdbOpcode.EXPIRETIME_MS:
        key.expireAtMs = input.i64();
        if (key.expireAtMs === -1) key.expireAtMs = Number.NaN;
        return true;
      case RdbOpcode.FREQ:
        key.frequency = input.u8();
        return true;
      case RdbOpcode.IDLE:
        key.idleSeconds = input.length();
        return true;
      case RdbOpcode.RESIZEDB: {
        const keys = input.length();
        const most = Math.floor((source.fileBytes ?? 0) / KEY_BYTES_MIN);
        target.resizeDb(this.db, Math.min(keys, most), input.length());
        return true;
      }
      case RdbOpcode.AUX: {
        input.string(value);
        const name = value.toString();
        input.string(value);
        target.aux(name, value.copy());
        return true;
      }
      case RdbOpcode.MODULE_AUX:
        input.capture();
        walkModuleAux(input);
        input.captured(value);
        target.moduleAux(value.copy());
        return true;
      case RdbOpcode.FUNCTION2:
        input.string(value);
        target.library(value.copy());
        return true;
      case RdbOpcode.SLOT_INFO:
        // Slot, keys, keys with an expiry: a hint for cluster nodes.
        for (let i = 0; i < 3; i++) input.length();
        return true;
    }
    return this.unknown(opcode, at);
  }

  private unknown(opcode: number, at: number): never {
    const what = opcode === RdbOpcode.FUNCTION_PRE_GA ? ' (a function of a pre-release)' : '';
    this.input.corrupt('an opcode or type of this version', `opcode ${opcode}${what}`, at);
  }

  private trailer(): void {
    const { input, source, options } = this;
    this.ended = true;
    if (this.version < CHECKSUM_VERSION) return;
    input.sum();
    input.need(8);
    const at = input.pos;
    let stored = 0;
    for (let i = 0; i < 8; i++) stored |= input.buf[at + i]!;
    if (options.checksum && stored !== 0) {
      const crc = source.crcOf?.(input.offset - (options.offset ?? 0)) ?? input.crc;
      if (!crc.matches(input.buf, at)) {
        const found = Buffer.from(input.buf.subarray(at, at + 8))
          .reverse()
          .toString('hex');
        input.corrupt(`the checksum ${crc}`, found);
      }
    }
    input.pos += 8;
  }
}
