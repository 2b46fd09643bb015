/**
 * The payload of a stream (types 15, 19, 21), walked and checked whole.
 *
 *   nodes       length, then for each: string of 16 bytes (the first entry's ID), string (a listpack, see below)
 *   entries     length
 *   last ID     two lengths
 *   from 19     first ID, largest deleted ID, entries ever added: five lengths
 *   groups      length, then for each:
 *     name, last ID (two lengths), from 19: entries read (length, 2^64 - 1 = unknown)
 *     pending   length, then for each: 16 bytes ID, delivery time u64, deliveries (length)
 *     consumers length, then for each: name, seen time u64, from 21: active time u64,
 *               pending: length, then for each 16 bytes ID
 *
 *   listpack    count, deleted, fields F, F field names, 0,
 *               then for each entry: flags (1 deleted, 2 the node's field names), ID minus the node's (two numbers),
 *               [ fields, names and values in turn ] or [ values ], number of the entry's elements
 *
 * IDs as bytes are big-endian; node IDs, pending IDs and consumers' pending IDs stand in ascending order. Every pending
 * entry of a consumer is one of the group's, and every one of the group's belongs to one consumer.
 */
import { Slice } from '../../base/slice.js';
import { lpFirst, lpGet, lpInt64, lpNext, lpNumber, lpValidate } from '../../memory/listpack.js';
import { RdbInput } from './input.js';
import { RdbType } from './types.js';

const DELETED = 1;
const SAME_FIELDS = 2;
const ID_BYTES = 16;
const MASK_64 = 2n ** 64n - 1n;

export interface StreamId {
  ms: bigint;
  seq: bigint;
}

/** What a walk reports, in the payload's order. Slices are valid during the call. */
export interface StreamSink {
  /** An entry that is not deleted; `field` follows for each of its fields. */
  entry(ms: bigint, seq: bigint): void;
  field(name: Slice, value: Slice): void;
  /** firstId, maxDeletedId and entriesAdded are null in a payload of type 15. */
  summary(
    length: number,
    lastId: StreamId,
    firstId: StreamId | null,
    maxDeletedId: StreamId | null,
    entriesAdded: bigint | null,
  ): void;
  /** entriesRead is null when it is unknown. */
  group(name: Slice, lastId: StreamId, entriesRead: bigint | null): void;
  pending(id: Slice, deliveryTimeMs: number, deliveries: number): void;
  /** activeTimeMs is NaN in payloads before type 21. */
  consumer(name: Slice, seenTimeMs: number, activeTimeMs: number): void;
  consumerPending(id: Slice): void;
}

export function isStreamType(type: number): boolean {
  return type === RdbType.STREAM || type === RdbType.STREAM_2 || type === RdbType.STREAM_3;
}

/** Compares sixteen bytes. */
function compareIds(a: Uint8Array, aOff: number, b: Uint8Array, bOff: number): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const d = a[aOff + i]! - b[bOff + i]!;
    if (d !== 0) return d;
  }
  return 0;
}

export function idFromBytes(buf: Uint8Array, off: number): StreamId {
  let ms = 0n;
  let seq = 0n;
  for (let i = 0; i < 8; i++) {
    ms = (ms << 8n) | BigInt(buf[off + i]!);
    seq = (seq << 8n) | BigInt(buf[off + 8 + i]!);
  }
  return { ms, seq };
}

export class StreamWalker {
  /** Ranges (from, to in turn) from the value's start that only types from 19 on have. */
  readonly since19: number[] = [];
  /** Ranges that only type 21 has. */
  readonly since21: number[] = [];

  private readonly name = new Slice();
  private readonly pack = new Slice();
  private readonly field = new Slice();
  private readonly value = new Slice();
  private readonly lastNode = new Uint8Array(ID_BYTES);
  /** IDs of the group's pending entries, and whether a consumer has claimed each. */
  private pendingIds = new Uint8Array(64 * ID_BYTES);
  private claimed = new Uint8Array(64);
  private pendingCount = 0;
  private start = 0;

  /** Walks a stream from its first byte to behind its last. Throws CorruptionError. `sink` null: only checks. */
  walk(input: RdbInput, type: number, sink: StreamSink | null): void {
    this.start = input.offset;
    this.since19.length = 0;
    this.since21.length = 0;
    const nodes = input.length();
    for (let i = 0; i < nodes; i++) this.node(input, i, sink);
    const lengthAt = input.offset;
    const length = input.length();
    if (length > 0 && nodes === 0) input.corrupt('nodes that hold the entries', `none for ${length}`, lengthAt);
    this.summary(input, type, length, sink);
    const groups = input.length();
    const names = new Set<string>();
    for (let i = 0; i < groups; i++) this.group(input, type, names, sink);
  }

  private cut(list: number[], input: RdbInput, from: number): void {
    list.push(from - this.start, input.offset - this.start);
  }

  // --- nodes -------------------------------------------------------------------------------------------------------

  private node(input: RdbInput, index: number, sink: StreamSink | null): void {
    const { name, pack, lastNode } = this;
    const keyAt = input.offset;
    input.string(name);
    if (name.len !== ID_BYTES) input.corrupt('an ID of 16 bytes before a stream node', `${name.len} bytes`, keyAt);
    if (index > 0 && compareIds(name.buf, name.off, lastNode, 0) <= 0) {
      input.corrupt('stream nodes in ascending order', 'an ID that is not', keyAt);
    }
    lastNode.set(name.buf.subarray(name.off, name.off + ID_BYTES));
    const at = input.offset;
    input.string(pack);
    const bad = lpValidate(pack.buf, pack.off, pack.len);
    if (bad >= 0) input.corrupt('a listpack', `damage ${bad} bytes into it`, at);
    if (!this.entries(sink)) input.corrupt('a stream node', 'a listpack that is none', at);
  }

  /** Walks the entries of the node in `pack`, a sound listpack; false when it is no stream node. */
  private entries(sink: StreamSink | null): boolean {
    const { buf, off } = this.pack;
    let pos = lpFirst(buf, off);
    const count = this.countAt(pos);
    if (count < 0) return false;
    pos = lpNext(buf, off, pos);
    const deleted = this.countAt(pos);
    if (deleted < 0) return false;
    pos = lpNext(buf, off, pos);
    const masterFields = this.countAt(pos);
    if (masterFields < 0) return false;
    pos = lpNext(buf, off, pos);
    const firstField = pos;
    for (let i = 0; i < masterFields; i++) {
      if (pos === 0) return false;
      pos = lpNext(buf, off, pos);
    }
    if (pos === 0 || lpNumber(buf, off, pos) !== 0) return false;
    pos = lpNext(buf, off, pos);
    for (let i = 0; i < count + deleted; i++) {
      pos = this.entry(pos, masterFields, firstField, sink);
      if (pos < 0) return false;
    }
    return pos === 0;
  }

  /** The number at `pos` when it is one that counts something, otherwise -1. */
  private countAt(pos: number): number {
    if (pos === 0) return -1;
    const n = lpNumber(this.pack.buf, this.pack.off, pos);
    return n >= 0 && n <= 0x7fffffff ? n : -1;
  }

  /** Walks the entry at `pos`; the position after it (0 at the end), or -1 when it is none. */
  private entry(pos: number, masterFields: number, firstField: number, sink: StreamSink | null): number {
    const { buf, off } = this.pack;
    const flags = this.countAt(pos);
    if (flags < 0) return -1;
    pos = lpNext(buf, off, pos);
    const msAt = pos;
    if (pos === 0 || !isIntegerAt(buf, off + pos)) return -1;
    pos = lpNext(buf, off, pos);
    const seqAt = pos;
    if (pos === 0 || !isIntegerAt(buf, off + pos)) return -1;
    pos = lpNext(buf, off, pos);

    const same = (flags & SAME_FIELDS) !== 0;
    let fields = masterFields;
    if (!same) {
      fields = this.countAt(pos);
      if (fields < 0) return -1;
      pos = lpNext(buf, off, pos);
    }
    const seen = sink !== null && (flags & DELETED) === 0 ? sink : null;
    if (seen !== null) {
      const master = idFromBytes(this.lastNode, 0);
      seen.entry((master.ms + lpInt64(buf, off, msAt)!) & MASK_64, (master.seq + lpInt64(buf, off, seqAt)!) & MASK_64);
    }
    let nameAt = firstField;
    for (let i = 0; i < fields; i++) {
      if (!same) {
        nameAt = pos;
        if (pos === 0) return -1;
        pos = lpNext(buf, off, pos);
      }
      if (pos === 0) return -1;
      if (seen !== null) {
        lpGet(buf, off, nameAt, this.field);
        lpGet(buf, off, pos, this.value);
        seen.field(this.field, this.value);
        if (same) nameAt = lpNext(buf, off, nameAt);
      }
      pos = lpNext(buf, off, pos);
    }
    if (this.countAt(pos) !== fields + 3 + (same ? 0 : fields + 1)) return -1;
    return lpNext(buf, off, pos);
  }

  // --- what follows the nodes ----------------------------------------------------------------------------------------

  private id(input: RdbInput): StreamId {
    return { ms: u64Length(input), seq: u64Length(input) };
  }

  private summary(input: RdbInput, type: number, length: number, sink: StreamSink | null): void {
    const lastId = this.id(input);
    if (type === RdbType.STREAM) {
      sink?.summary(length, lastId, null, null, null);
      return;
    }
    const from = input.offset;
    const firstId = this.id(input);
    const maxDeletedId = this.id(input);
    const added = u64Length(input);
    this.cut(this.since19, input, from);
    sink?.summary(length, lastId, firstId, maxDeletedId, added);
  }

  private group(input: RdbInput, type: number, names: Set<string>, sink: StreamSink | null): void {
    const { name } = this;
    const at = input.offset;
    input.string(name);
    const text = name.toString();
    if (names.has(text)) input.corrupt('a name that no other group of the stream has', 'the same name twice', at);
    names.add(text);
    // The name may leave the window when what follows is read.
    name.set(name.copy(), 0, name.len);
    const lastId = this.id(input);
    let read: bigint | null = null;
    if (type !== RdbType.STREAM) {
      const from = input.offset;
      read = u64Length(input);
      if (read === MASK_64) read = null;
      this.cut(this.since19, input, from);
    }
    sink?.group(name, lastId, read);
    this.groupPending(input, sink);
    const consumers = input.length();
    const consumerNames = new Set<string>();
    let claimed = 0;
    for (let i = 0; i < consumers; i++) claimed += this.consumer(input, type, consumerNames, sink);
    if (claimed !== this.pendingCount) {
      input.corrupt(
        'a consumer for each pending entry of the group',
        `none for ${this.pendingCount - claimed} of them`,
      );
    }
  }

  private groupPending(input: RdbInput, sink: StreamSink | null): void {
    const { value } = this;
    const count = input.length();
    this.pendingCount = 0;
    for (let i = 0; i < count; i++) {
      const at = input.offset;
      input.need(ID_BYTES + 8);
      if ((i + 1) * ID_BYTES > this.pendingIds.length) {
        const grown = new Uint8Array(this.pendingIds.length * 2);
        grown.set(this.pendingIds);
        this.pendingIds = grown;
      }
      const ids = this.pendingIds;
      ids.set(input.buf.subarray(input.pos, input.pos + ID_BYTES), i * ID_BYTES);
      if (i > 0 && compareIds(ids, i * ID_BYTES, ids, (i - 1) * ID_BYTES) <= 0) {
        input.corrupt('pending entries in ascending order', 'an ID that is not', at);
      }
      input.pos += ID_BYTES;
      const timeMs = input.i64();
      const deliveries = input.length();
      this.pendingCount++;
      if (sink !== null) {
        value.set(ids, i * ID_BYTES, ID_BYTES);
        sink.pending(value, timeMs, deliveries);
      }
    }
    if (this.claimed.length < count) this.claimed = new Uint8Array(this.pendingIds.length / ID_BYTES);
    this.claimed.fill(0, 0, count);
  }

  /** Returns how many entries are pending for the consumer. */
  private consumer(input: RdbInput, type: number, names: Set<string>, sink: StreamSink | null): number {
    const { name, value } = this;
    const at = input.offset;
    input.string(name);
    const text = name.toString();
    if (names.has(text)) input.corrupt('a name that no other consumer of the group has', 'the same name twice', at);
    names.add(text);
    name.set(name.copy(), 0, name.len);
    const seenTimeMs = input.i64();
    let activeTimeMs = Number.NaN;
    if (type === RdbType.STREAM_3) {
      const from = input.offset;
      activeTimeMs = input.i64();
      this.cut(this.since21, input, from);
    }
    sink?.consumer(name, seenTimeMs, activeTimeMs);
    const count = input.length();
    for (let i = 0; i < count; i++) {
      const idAt = input.offset;
      input.need(ID_BYTES);
      const index = this.findPending(input.buf, input.pos);
      if (index < 0) input.corrupt("an entry that is pending in the consumer's group", 'one that is not', idAt);
      if (this.claimed[index] !== 0)
        input.corrupt('an entry that is pending for one consumer', 'the same one twice', idAt);
      this.claimed[index] = 1;
      if (sink !== null) {
        value.set(input.buf, input.pos, ID_BYTES);
        sink.consumerPending(value);
      }
      input.pos += ID_BYTES;
    }
    return count;
  }

  private findPending(buf: Uint8Array, off: number): number {
    let lo = 0;
    let hi = this.pendingCount - 1;
    while (lo <= hi) {
      const mid = (lo + hi) >>> 1;
      const order = compareIds(this.pendingIds, mid * ID_BYTES, buf, off);
      if (order === 0) return mid;
      if (order < 0) lo = mid + 1;
      else hi = mid - 1;
    }
    return -1;
  }
}

function isIntegerAt(u8: Uint8Array, at: number): boolean {
  const byte = u8[at]!;
  return byte < 0x80 || (byte & 0xe0) === 0xc0 || (byte >= 0xf1 && byte <= 0xf4);
}

function u64Length(input: RdbInput): bigint {
  input.length64();
  return (BigInt(input.hi) << 32n) | BigInt(input.lo);
}

/**
 * Turns a sound stream value of one type into an older one, dropping what the older does not have: active times of
 * consumers before 21; first and largest deleted ID, entries added and entries read before 19. `emit` gets the value
 * piece by piece.
 */
export function downgradeStream(
  walker: StreamWalker,
  value: Slice,
  from: number,
  to: number,
  emit: (buf: Uint8Array, off: number, len: number) => void,
): void {
  walker.walk(RdbInput.fromBytes('stream', value.buf, value.off, value.len), from, null);
  const cuts = [...(to < RdbType.STREAM_3 ? walker.since21 : []), ...(to < RdbType.STREAM_2 ? walker.since19 : [])];
  const starts = cuts.filter((_, i) => i % 2 === 0).sort((a, b) => a - b);
  const endOf = new Map<number, number>();
  for (let i = 0; i < cuts.length; i += 2) endOf.set(cuts[i]!, cuts[i + 1]!);
  let at = 0;
  for (const start of starts) {
    emit(value.buf, value.off + at, start - at);
    at = endOf.get(start)!;
  }
  emit(value.buf, value.off + at, value.len - at);
}
