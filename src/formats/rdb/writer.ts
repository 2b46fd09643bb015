/**
 * Writes an RDB file entry by entry: what BGSAVE's worker, SAVE and the rewrite of the AOF's base run.
 *
 *   const writer = new RdbWriter(arena, sink, { version: 11, compression: true, checksum: true });
 *   writer.header({ ctimeSeconds, usedMemory, aofBase: false });
 *   writer.selectDb(0); writer.resizeDb(keys, expires); writer.entry(address) ...; writer.end();
 *
 * Hot: `entry` allocates nothing for small entries.
 */
import { UnsupportedError } from '../../base/errors.js';
import type { Arena } from '../../memory/arena.js';
import { itemKeyBytes, itemKeyIndex, itemLru, itemSlot } from '../../memory/item.js';
import { printable } from './input.js';
import { RdbOutput, type RdbSink } from './output.js';
import { RdbOpcode } from './types.js';
import { type RdbVersion, ValueWriter } from './value-writer.js';

export type { RdbSink } from './output.js';
export type { RdbVersion } from './value-writer.js';

export interface RdbWriterOptions {
  version: RdbVersion;
  /** `rdbcompression`. */
  compression: boolean;
  /** `rdbchecksum`; off, the sum is written as 0. */
  checksum: boolean;
  /** What is written about accesses: nothing, idle seconds before `lruClock`, or LFU counters. */
  access?: 'none' | 'lru' | 'lfu';
  /** The access clock now: seconds, 24 bits. */
  lruClock?: number;
  /**
   * Told of what the version cannot express; the rest of the value is written then. Without it such an entry is an
   * UnsupportedError, and nothing of it has been written.
   */
  unsupported?: (key: string, what: string) => void;
  bufferBytes?: number;
}

/** The AUX fields at the head of a file. */
export interface RdbInfo {
  ctimeSeconds: number;
  usedMemory: number;
  /** Whether the file is the base of an append-only file. */
  aofBase: boolean;
  replication?: { streamDb: number; id: string; offset: number };
}

/** The server version that a reader expects behind each RDB version. */
const SERVER_VERSIONS: Record<RdbVersion, string> = { 9: '6.2.14', 10: '7.0.15', 11: '7.2.6', 12: '7.4.0' };
const LRU_MASK = 0xffffff;

export class RdbWriter {
  private readonly out: RdbOutput;
  private readonly values: ValueWriter;
  private readonly access: 'none' | 'lru' | 'lfu';
  private readonly lruClock: number;

  constructor(
    private readonly arena: Arena,
    sink: RdbSink,
    private readonly options: RdbWriterOptions,
  ) {
    this.out = new RdbOutput(sink, options.compression, options.checksum, options.bufferBytes);
    this.values = new ValueWriter(arena, this.out, options.version);
    this.access = options.access ?? 'none';
    this.lruClock = options.lruClock ?? 0;
  }

  /** Bytes written so far, those still in the buffer included. */
  get bytes(): number {
    return this.out.offset;
  }

  header(info: RdbInfo): void {
    const { out } = this;
    const { version } = this.options;
    const magic = Buffer.from(`REDIS${String(version).padStart(4, '0')}`);
    out.raw(magic, 0, magic.length);
    this.aux('redis-ver', SERVER_VERSIONS[version]);
    this.aux('redis-bits', '64');
    this.aux('ctime', String(info.ctimeSeconds));
    this.aux('used-mem', String(info.usedMemory));
    if (info.replication !== undefined) {
      this.aux('repl-stream-db', String(info.replication.streamDb));
      this.aux('repl-id', info.replication.id);
      this.aux('repl-offset', String(info.replication.offset));
    }
    this.aux(version >= 10 ? 'aof-base' : 'aof-preamble', info.aofBase ? '1' : '0');
  }

  aux(name: string, value: string): void {
    this.out.u8(RdbOpcode.AUX);
    this.out.text(name);
    this.out.text(value);
  }

  /** A function library's source. */
  library(code: Uint8Array): void {
    if (this.options.version < 10) {
      this.refuse('', `function libraries need RDB version 10`);
      return;
    }
    this.out.u8(RdbOpcode.FUNCTION2);
    this.out.string(code, 0, code.length);
  }

  /** A module's auxiliary data, as `RdbTarget.moduleAux` got it. */
  moduleAux(payload: Uint8Array): void {
    this.out.u8(RdbOpcode.MODULE_AUX);
    this.out.raw(payload, 0, payload.length);
  }

  /** The entries that follow belong to database `db`. */
  selectDb(db: number): void {
    this.out.u8(RdbOpcode.SELECTDB);
    this.out.length(db);
  }

  /** How many entries, and entries with an expiry, the selected database holds: a hint for the reader. */
  resizeDb(keys: number, expires: number): void {
    this.out.u8(RdbOpcode.RESIZEDB);
    this.out.length(keys);
    this.out.length(expires);
  }

  /** A keyspace entry: expiry, access, type, key and value. */
  entry(entry: number): void {
    const { arena, out, values } = this;
    const u8 = arena.bytesOf(entry);
    const keyAt = itemKeyIndex(arena, entry);
    const keyBytes = itemKeyBytes(arena, entry);
    const missing = values.unsupported(entry);
    if (missing !== '') this.refuse(printable(u8, keyAt, keyBytes), missing);
    const expireAtMs = itemSlot(arena, entry);
    if (!Number.isNaN(expireAtMs)) {
      out.u8(RdbOpcode.EXPIRETIME_MS);
      out.i64(expireAtMs);
    }
    if (this.access === 'lru') {
      out.u8(RdbOpcode.IDLE);
      out.length((this.lruClock - itemLru(arena, entry)) & LRU_MASK);
    } else if (this.access === 'lfu') {
      out.u8(RdbOpcode.FREQ);
      out.u8(itemLru(arena, entry) & 255);
    }
    const type = values.typeOf(entry);
    out.u8(type);
    out.string(u8, keyAt, keyBytes);
    values.write(entry, type);
  }

  private refuse(key: string, what: string): void {
    const { unsupported } = this.options;
    if (unsupported === undefined) throw new UnsupportedError(key, what);
    unsupported(key, what);
  }

  /** The end of the file; everything has been handed to the sink afterwards. */
  end(): void {
    const { out } = this;
    out.u8(RdbOpcode.EOF);
    out.flush();
    const trailer = new Uint8Array(8);
    if (this.options.checksum) out.crc.write(trailer, 0);
    out.raw(trailer, 0, 8);
    out.flush();
  }
}
