/**
 * The payloads of DUMP and RESTORE: one value without its key, and what proves it whole.
 *
 *   [ type u8 ][ value ][ RDB version u16 ][ CRC64 of everything before, u64 ]            little-endian
 *
 * There is no magic; Valkey's own versions begin at 80.
 */
import { Crc64 } from '../../base/crc64.js';
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import { Encoding, ItemType } from '../../memory/item.js';
import type { Limits } from '../../values/value.js';
import { RdbInput } from './input.js';
import { RdbOutput } from './output.js';
import { RDB_VERSION_MAX, RdbType, VALKEY_VERSION_MAX, VALKEY_VERSION_MIN } from './types.js';
import { ValueReader } from './value-reader.js';
import { type RdbVersion, ValueWriter } from './value-writer.js';

const FOOTER_BYTES = 10;

/** Whether the version is known and the sum is right; RESTORE's first question. */
export function isSoundDump(buf: Uint8Array, off: number, len: number): boolean {
  if (len < FOOTER_BYTES) return false;
  const version = dumpVersion(buf, off, len);
  if (version > RDB_VERSION_MAX && (version < VALKEY_VERSION_MIN || version > VALKEY_VERSION_MAX)) return false;
  return new Crc64().update(buf, off, len - 8).matches(buf, off + len - 8);
}

function dumpVersion(buf: Uint8Array, off: number, len: number): number {
  const at = off + len - FOOTER_BYTES;
  return buf[at]! | (buf[at + 1]! << 8);
}

/** Reads payloads; one serves for all. */
export class DumpReader {
  // The value that the last `read` gave.
  type: ItemType = ItemType.STRING;
  encoding: Encoding = Encoding.RAW;
  /** Root of a collection, whose blocks are the caller's. */
  root = 0;
  /** Bytes of a string, valid until the next read. */
  readonly string = new Slice();
  private readonly values: ValueReader;
  private readonly input = RdbInput.fromBytes('DUMP payload', new Uint8Array(0), 0, 0);

  constructor(arena: Arena, limits: Limits) {
    this.values = new ValueReader(arena, limits);
  }

  /** Reads a payload that `isSoundDump`. False when it holds a collection without elements. Throws CorruptionError. */
  read(buf: Uint8Array, off: number, len: number): boolean {
    const valkey = dumpVersion(buf, off, len) >= VALKEY_VERSION_MIN;
    const input = this.input.reopen(buf, off, len - FOOTER_BYTES);
    const rdbType = input.u8();
    if (rdbType === RdbType.STRING) {
      input.string(this.string);
      this.type = ItemType.STRING;
      this.encoding = Encoding.RAW;
      this.root = 0;
    } else {
      if (!this.values.read(input, rdbType, valkey)) return false;
      this.type = this.values.type;
      this.encoding = this.values.encoding;
      this.root = this.values.root;
    }
    return true;
  }
}

/** Writes payloads; one serves for all. */
export class DumpWriter {
  private readonly out: RdbOutput;
  private readonly values: ValueWriter;

  constructor(
    arena: Arena,
    private readonly version: RdbVersion,
    compression = true,
  ) {
    this.out = new RdbOutput(null, compression, false, 1024);
    this.values = new ValueWriter(arena, this.out, version);
  }

  /** What this version cannot say about the entry's value; '' when it can say all. */
  unsupported(entry: number): string {
    return this.values.unsupported(entry);
  }

  /** The payload of an entry's value: a view that is valid until the next call. */
  write(entry: number): Uint8Array {
    const { out, values } = this;
    out.reset();
    const type = values.typeOf(entry);
    out.u8(type);
    values.write(entry, type);
    out.u8(this.version);
    out.u8(0);
    const body = out.bytes();
    const sum = new Crc64().update(body, 0, body.length);
    const trailer = new Uint8Array(8);
    sum.write(trailer, 0);
    out.raw(trailer, 0, 8);
    return out.bytes();
  }
}
