/**
 * The simplest thing that RDB files can be loaded into and written from: real entries in a real arena, kept in plain maps.
 * Tests of the codecs use it in place of the keyspace; `audit` proves that loading left no block behind.
 */

import { copyBytes } from '../../src/base/copy-bytes.js';
import { TruncationError } from '../../src/base/errors.js';
import { Slice } from '../../src/base/slice.js';
import { Digester, type ScoreForm } from '../../src/formats/rdb/digest.js';
import { RdbInput } from '../../src/formats/rdb/input.js';
import { RdbKey, RdbReader, type RdbReaderOptions, type RdbTarget } from '../../src/formats/rdb/reader.js';
import { BytesSource } from '../../src/formats/rdb/source.js';
import { ValueReader } from '../../src/formats/rdb/value-reader.js';
import { RdbWriter, type RdbWriterOptions } from '../../src/formats/rdb/writer.js';
import { Arena } from '../../src/memory/arena.js';
import {
  Encoding,
  hasRoot,
  ItemType,
  itemAlloc,
  itemEncoding,
  itemMeta,
  itemRoot,
  itemSlot,
  itemType,
  itemValueBytes,
  itemValueIndex,
  setItemRoot,
} from '../../src/memory/item.js';
import { blobStore, blobValue } from '../../src/values/blob.js';
import { Hash } from '../../src/values/hash.js';
import { List } from '../../src/values/list.js';
import { SetValue } from '../../src/values/set.js';
import { ID_MAX, ID_MIN, Stream } from '../../src/values/stream.js';
import { READ_UNKNOWN, StreamGroup } from '../../src/values/stream-group.js';
import { StreamId } from '../../src/values/stream-id.js';
import { StreamIterator } from '../../src/values/stream-iterator.js';
import { stringEncoding, stringEncodingName } from '../../src/values/string.js';
import { DEFAULT_LIMITS, type Limits, type Value } from '../../src/values/value.js';
import { ZSet } from '../../src/values/zset.js';

const TYPE_NAMES = ['string', 'list', 'set', 'zset', 'hash', 'stream', 'module'] as const;

/** One key, for comparisons: byte strings are latin1 text, unordered things are sorted. */
export interface Described {
  db: number;
  key: string;
  type: string;
  encoding: string;
  /** -1 = never. */
  expireAtMs: number;
  value: unknown;
  digest: string;
}

export interface DescribedStream {
  entries: [string, string[]][];
  length: number;
  lastId: string;
  firstId: string | null;
  maxDeletedId: string | null;
  entriesAdded: bigint | null;
  groups: {
    name: string;
    lastId: string;
    entriesRead: bigint | null;
    /** ID, consumer, deliveries. */
    pending: [string, string, number][];
    consumers: { name: string; seenTimeMs: number; activeTimeMs: number }[];
  }[];
}

export class RdbStore implements RdbTarget {
  readonly arena = new Arena();
  readonly limits: Limits;
  readonly databases = new Map<number, Map<string, number>>();
  readonly auxFields = new Map<string, string>();
  readonly libraries: string[] = [];
  readonly moduleData: Uint8Array[] = [];
  readonly empty: string[] = [];
  twice = new RdbKey();
  /** Access data by key: idle seconds and LFU counter. */
  readonly access = new Map<string, { idleSeconds: number; frequency: number }>();
  private readonly a = new Slice();
  private readonly b = new Slice();

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  // --- target ------------------------------------------------------------------------------------------------------

  aux(name: string, value: Uint8Array): void {
    this.auxFields.set(name, Buffer.from(value).toString('latin1'));
  }
  resizeDb(): void {}
  library(code: Uint8Array): void {
    this.libraries.push(Buffer.from(code).toString('latin1'));
  }
  moduleAux(payload: Uint8Array): void {
    this.moduleData.push(payload);
  }
  emptyKey(key: RdbKey): void {
    this.empty.push(key.bytes.toString());
  }
  end(): boolean {
    return true;
  }

  string(key: RdbKey, value: Slice, integer: boolean): boolean {
    const encoding = integer ? Encoding.INT : stringEncoding(value.buf, value.off, value.len);
    const { arena } = this;
    const meta = ItemType.STRING | (encoding << 3);
    const { bytes } = key;
    const entry = itemAlloc(arena, meta, key.expireAtMs, bytes.buf, bytes.off, bytes.len, value.len);
    copyBytes(value.buf, value.off, arena.bytesOf(entry), itemValueIndex(arena, entry), value.len);
    return this.insert(key, entry);
  }

  value(key: RdbKey, type: ItemType, encoding: Encoding, root: number): boolean {
    const { arena } = this;
    const { bytes } = key;
    const entry = itemAlloc(arena, type | (encoding << 3), key.expireAtMs, bytes.buf, bytes.off, bytes.len, 0);
    setItemRoot(arena, entry, root);
    return this.insert(key, entry);
  }

  private insert(key: RdbKey, entry: number): boolean {
    const text = key.bytes.toString();
    const keys = this.databases.get(key.db) ?? new Map<string, number>();
    this.databases.set(key.db, keys);
    if (keys.has(text)) {
      this.drop(entry);
      this.twice = key;
      return false;
    }
    keys.set(text, entry);
    if (key.idleSeconds >= 0 || key.frequency >= 0) {
      this.access.set(text, { idleSeconds: key.idleSeconds, frequency: key.frequency });
    }
    return true;
  }

  private drop(entry: number): void {
    const { arena } = this;
    if (hasRoot(itemMeta(arena, entry))) {
      this.free(itemType(arena, entry), itemEncoding(arena, entry), itemRoot(arena, entry));
    }
    arena.free(entry);
  }

  free(type: ItemType, encoding: Encoding, root: number): void {
    if (encoding === Encoding.BLOB) this.arena.free(root);
    else this.handle(type).open(encoding, root).release();
  }

  private handle(type: ItemType): Value {
    const { arena, limits } = this;
    if (type === ItemType.LIST) return new List(arena, limits);
    if (type === ItemType.SET) return new SetValue(arena, limits);
    if (type === ItemType.ZSET) return new ZSet(arena, limits);
    if (type === ItemType.STREAM) return new Stream(arena, limits);
    return new Hash(arena, limits);
  }

  // --- filling -----------------------------------------------------------------------------------------------------

  private keyFor(db: number, name: string, expireAtMs: number): RdbKey {
    const key = new RdbKey();
    const bytes = Buffer.from(name, 'latin1');
    key.db = db;
    key.bytes.set(bytes, 0, bytes.length);
    key.expireAtMs = expireAtMs;
    return key;
  }

  putString(db: number, name: string, value: Uint8Array, expireAtMs = Number.NaN): void {
    this.a.set(value, 0, value.length);
    this.string(this.keyFor(db, name, expireAtMs), this.a, false);
  }
  putList(db: number, name: string, elements: readonly Uint8Array[], expireAtMs = Number.NaN): void {
    const list = new List(this.arena, this.limits).create();
    for (const element of elements) list.push(false, element, 0, element.length);
    this.value(this.keyFor(db, name, expireAtMs), ItemType.LIST, list.encoding, list.root);
  }
  putSet(db: number, name: string, members: readonly Uint8Array[], expireAtMs = Number.NaN): void {
    const set = new SetValue(this.arena, this.limits).create();
    for (const member of members) set.add(member, 0, member.length);
    this.value(this.keyFor(db, name, expireAtMs), ItemType.SET, set.encoding, set.root);
  }
  putZset(db: number, name: string, pairs: readonly (readonly [number, Uint8Array])[], expireAtMs = Number.NaN): void {
    const zset = new ZSet(this.arena, this.limits).create();
    for (const [score, member] of pairs) zset.put(score, member, 0, member.length);
    this.value(this.keyFor(db, name, expireAtMs), ItemType.ZSET, zset.encoding, zset.root);
  }
  /** Field, value, expiry of the field (NaN: never). */
  putHash(
    db: number,
    name: string,
    fields: readonly (readonly [Uint8Array, Uint8Array, number])[],
    expireAtMs = Number.NaN,
  ): void {
    const hash = new Hash(this.arena, this.limits).create();
    for (const [field, value, at] of fields) {
      if (Number.isNaN(at)) hash.set(field, 0, field.length, value, 0, value.length);
      else hash.setWithExpire(field, 0, field.length, value, 0, value.length, at);
    }
    this.value(this.keyFor(db, name, expireAtMs), ItemType.HASH, hash.encoding, hash.root);
  }
  putStream(db: number, name: string, fill: (stream: Stream) => void, expireAtMs = Number.NaN): void {
    const stream = new Stream(this.arena, this.limits).create();
    fill(stream);
    this.value(this.keyFor(db, name, expireAtMs), ItemType.STREAM, stream.encoding, stream.root);
  }
  /** A stream or module value: its RDB type and payload. */
  putBlob(db: number, name: string, rdbType: number, payload: Uint8Array, expireAtMs = Number.NaN): void {
    const key = this.keyFor(db, name, expireAtMs);
    if (rdbType === 7) {
      const root = blobStore(this.arena, rdbType, payload, 0, payload.length);
      this.value(key, ItemType.MODULE, Encoding.BLOB, root);
      return;
    }
    const reader = new ValueReader(this.arena, this.limits);
    const input = RdbInput.fromBytes('stream', payload, 0, payload.length);
    reader.read(input, rdbType, false);
    this.value(key, reader.type, reader.encoding, reader.root);
    if (input.pos !== payload.length) throw new TruncationError('stream', input.pos, 'the end', 'more bytes');
  }

  /** Frees everything; throws when blocks are left that no value held. */
  clear(): void {
    const { arena } = this;
    for (const keys of this.databases.values()) {
      for (const entry of keys.values()) this.drop(entry);
    }
    this.databases.clear();
    this.auxFields.clear();
    this.libraries.length = 0;
    this.moduleData.length = 0;
    this.empty.length = 0;
    this.access.clear();
    if (arena.bytesUsed !== 0) throw new Error(`${arena.bytesUsed} bytes are left in the arena`);
  }

  // --- loading and saving --------------------------------------------------------------------------------------------

  /** Loads a file's bytes; returns the reader, at its end. */
  load(file: Uint8Array, options: Partial<RdbReaderOptions> & { chunk?: number; name?: string } = {}): RdbReader {
    const source = new BytesSource(options.name ?? 'test.rdb', file, options.chunk);
    const reader = new RdbReader(source, this.arena, this.limits, this, { checksum: true, ...options });
    reader.run();
    return reader;
  }

  save(options: Partial<RdbWriterOptions> = {}): Buffer {
    const pieces: Buffer[] = [];
    const writer = new RdbWriter(this.arena, (buf, len) => pieces.push(Buffer.from(buf.subarray(0, len))), {
      version: 11,
      compression: true,
      checksum: true,
      ...options,
    });
    writer.header({ ctimeSeconds: 1_700_000_000, usedMemory: this.arena.bytesUsed, aofBase: false });
    for (const code of this.libraries) writer.library(Buffer.from(code, 'latin1'));
    for (const data of this.moduleData) writer.moduleAux(data);
    for (const [db, keys] of this.databases) {
      if (keys.size === 0) continue;
      writer.selectDb(db);
      writer.resizeDb(
        keys.size,
        [...keys.values()].filter((entry) => !Number.isNaN(itemSlot(this.arena, entry))).length,
      );
      for (const entry of keys.values()) writer.entry(entry);
    }
    writer.end();
    const file = Buffer.concat(pieces);
    if (file.length !== writer.bytes) throw new Error(`writer counted ${writer.bytes} bytes of ${file.length}`);
    return file;
  }

  // --- looking -----------------------------------------------------------------------------------------------------

  entry(db: number, key: string): number {
    const entry = this.databases.get(db)?.get(key);
    if (entry === undefined) throw new Error(`no key ${key} in database ${db}`);
    return entry;
  }

  /** Number of keys in all databases. */
  get size(): number {
    let size = 0;
    for (const keys of this.databases.values()) size += keys.size;
    return size;
  }

  /** DEBUG DIGEST. */
  digest(scores: ScoreForm = 'shortest'): string {
    const digester = new Digester(this.arena, scores);
    digester.begin();
    for (const db of [...this.databases.keys()].sort((x, y) => x - y)) {
      const keys = this.databases.get(db)!;
      if (keys.size === 0) continue;
      digester.database(db);
      for (const entry of keys.values()) digester.entry(entry);
    }
    return digester.end();
  }

  /** All keys, by database and key. `scores` null leaves the digests out. */
  describe(scores: ScoreForm | null = 'shortest'): Described[] {
    const out: Described[] = [];
    for (const [db, keys] of this.databases) {
      for (const [key, entry] of keys) out.push(this.describeEntry(db, key, entry, scores));
    }
    return out.sort((x, y) => x.db - y.db || (x.key < y.key ? -1 : 1));
  }

  describeEntry(db: number, key: string, entry: number, scores: ScoreForm | null = 'shortest'): Described {
    const { arena } = this;
    const type = itemType(arena, entry);
    const expireAtMs = itemSlot(arena, entry);
    return {
      db,
      key,
      type: TYPE_NAMES[type]!,
      encoding: this.encodingName(entry),
      expireAtMs: Number.isNaN(expireAtMs) ? -1 : expireAtMs,
      value: this.valueOf(entry),
      digest: scores === null ? '' : new Digester(arena, scores).value(entry),
    };
  }

  private encodingName(entry: number): string {
    const { arena } = this;
    const encoding = itemEncoding(arena, entry);
    if (!hasRoot(itemMeta(arena, entry))) return stringEncodingName(encoding);
    if (encoding === Encoding.BLOB) return 'raw';
    return this.handle(itemType(arena, entry)).open(encoding, itemRoot(arena, entry)).encodingName();
  }

  private valueOf(entry: number): unknown {
    const { arena, a, b } = this;
    const type = itemType(arena, entry);
    if (type === ItemType.STRING) {
      a.set(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
      return a.toString();
    }
    const root = itemRoot(arena, entry);
    const encoding = itemEncoding(arena, entry);
    if (type === ItemType.STREAM) return streamOf(new Stream(arena, this.limits).open(encoding, root));
    if (type === ItemType.MODULE) {
      blobValue(arena, root, a);
      return a.toString();
    }
    if (type === ItemType.LIST) {
      const list = new List(arena, this.limits).open(encoding, root);
      const out: string[] = [];
      list.start(0, true);
      while (list.next(a)) out.push(a.toString());
      return out;
    }
    if (type === ItemType.SET) {
      const set = new SetValue(arena, this.limits).open(encoding, root);
      const out: string[] = [];
      for (let more = set.first(a); more; more = set.next(a)) out.push(a.toString());
      return out.sort();
    }
    if (type === ItemType.ZSET) {
      const zset = new ZSet(arena, this.limits).open(encoding, root);
      const out: [string, number][] = [];
      for (let more = zset.seekRank(0, a); more; more = zset.next(a)) out.push([a.toString(), zset.memberScore]);
      return out;
    }
    const hash = new Hash(arena, this.limits).open(encoding, root);
    const out: [string, string, number][] = [];
    hash.start();
    while (hash.next(a, b)) out.push([a.toString(), b.toString(), Number.isNaN(hash.expire) ? -1 : hash.expire]);
    return out.sort((x, y) => (x[0] < y[0] ? -1 : 1));
  }

  /** Whether exactly the blocks of the entries are allocated. */
  audit(): void {
    const { arena } = this;
    const blocks: number[] = [];
    for (const keys of this.databases.values()) {
      for (const entry of keys.values()) {
        blocks.push(entry);
        if (!hasRoot(itemMeta(arena, entry))) continue;
        const encoding = itemEncoding(arena, entry);
        const root = itemRoot(arena, entry);
        if (encoding === Encoding.BLOB) blocks.push(root);
        else
          this.handle(itemType(arena, entry))
            .open(encoding, root)
            .blocks((address) => blocks.push(address));
      }
    }
    const allocated = arena.allocated();
    const known = blocks.sort((x, y) => x - y);
    if (allocated.join() !== known.join()) {
      throw new Error(`${allocated.length} blocks are allocated, ${known.length} belong to values`);
    }
  }
}

/** Everything that a stream's payload says. */
export function describeStream(rdbType: number, payload: Uint8Array): DescribedStream {
  const store = new RdbStore();
  store.putBlob(0, 'stream', rdbType, payload);
  store.audit();
  return store.describe(null)[0]!.value as DescribedStream;
}

/** Everything that a stream holds. */
export function streamOf(stream: Stream): DescribedStream {
  const { arena } = stream;
  const id = new StreamId();
  const a = new Slice();
  const b = new Slice();
  const out: DescribedStream = {
    entries: [],
    length: stream.length,
    lastId: stream.lastId(id).toString(),
    firstId: stream.firstId(id).toString(),
    maxDeletedId: stream.maxDeletedId(id).toString(),
    entriesAdded: stream.entriesAdded,
    groups: [],
  };
  const entries = new StreamIterator(arena);
  for (entries.start(stream.nodesRoot, ID_MIN, ID_MAX, false); entries.next(); ) {
    const fields: string[] = [];
    for (let i = 0; i < entries.fields; i++) {
      entries.field(a, b);
      fields.push(a.toString(), b.toString());
    }
    out.entries.push([entries.id.toString(), fields]);
  }
  const group = new StreamGroup(arena);
  for (let address = stream.firstGroup(); address !== 0; address = stream.nextGroup()) {
    group.open(stream, address);
    group.name(a);
    const read = group.entriesRead;
    const described: DescribedStream['groups'][number] = {
      name: a.toString(),
      lastId: group.lastId(id).toString(),
      entriesRead: read === READ_UNKNOWN ? null : read,
      pending: [],
      consumers: [],
    };
    for (let item = group.first(); item !== 0; item = group.next()) {
      group.consumerName(group.consumerOf(item), a);
      const pendingId = group.pendingId(item, id).toString();
      described.pending.push([pendingId, a.toString(), Number(group.deliveries(item))]);
    }
    for (let consumer = group.firstConsumer(); consumer >= 0; consumer = group.nextConsumer()) {
      group.consumerName(consumer, a);
      const [seenTimeMs, activeTimeMs] = [group.seenMs(consumer), group.activeMs(consumer)];
      described.consumers.push({ name: a.toString(), seenTimeMs, activeTimeMs });
      let pending = 0;
      for (let item = group.seekOf(consumer, ID_MIN); item !== 0; item = group.nextOf()) {
        if (group.consumerOf(item) !== consumer || group.find(group.pendingId(item, id)) !== item) {
          throw new Error(`${id} is pending for ${a}, but not in the group`);
        }
        pending++;
      }
      if (pending !== group.pendingOf(consumer)) throw new Error(`${a} has ${pending} pending entries`);
    }
    out.groups.push(described);
  }
  return out;
}
