/**
 * The payload of a stream (types 15, 19, 21), read into a Stream and checked whole, and written from one.
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
 *
 * What an older type lacks is worked out as Redis does when it loads one: the first ID is that of the first entry, nothing
 * was ever deleted, as many entries were added as there are; a consumer was last active when it was last seen.
 */
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import { lpBytes, lpFirst, lpNext, lpNumber, lpValidate } from '../../memory/listpack.js';
import { ID_MAX, ID_MIN, type Stream } from '../../values/stream.js';
import { newGroup, StreamGroup } from '../../values/stream-group.js';
import { ID_BYTES, StreamId } from '../../values/stream-id.js';
import { StreamIterator } from '../../values/stream-iterator.js';
import { entriesUpTo } from '../../values/stream-lag.js';
import { DELETED, packAt, SAME_FIELDS } from '../../values/stream-node.js';
import type { RdbInput } from './input.js';
import type { RdbOutput } from './output.js';
import { RdbType } from './types.js';

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

// --- reading -----------------------------------------------------------------------------------------------------------

export class StreamReader {
  private readonly name = new Slice();
  private readonly pack = new Slice();
  private readonly lastNode = new Uint8Array(ID_BYTES);
  private readonly lastPending = new Uint8Array(ID_BYTES);
  private readonly id = new StreamId();
  private readonly group: StreamGroup;
  private readonly entries: StreamIterator;

  constructor(arena: Arena) {
    this.group = new StreamGroup(arena);
    this.entries = new StreamIterator(arena);
  }

  /** Reads a stream from its first byte to behind its last into `stream`, which is new. Throws CorruptionError. */
  read(input: RdbInput, type: number, stream: Stream): void {
    const nodes = input.length();
    for (let i = 0; i < nodes; i++) this.node(input, i, stream);
    const lengthAt = input.offset;
    const length = input.length();
    if (length > 0 && nodes === 0) input.corrupt('nodes that hold the entries', `none for ${length}`, lengthAt);
    // Stock servers believe the number, even a wrong one: then XLEN and trimming are wrong there for good.
    stream.loadLength(this.countEntries(input, stream));
    this.summary(input, type, stream);
    const groups = input.length();
    for (let i = 0; i < groups; i++) this.readGroup(input, type, stream);
  }

  // --- nodes -------------------------------------------------------------------------------------------------------

  private node(input: RdbInput, index: number, stream: Stream): void {
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
    if (!this.isNode()) input.corrupt('a stream node', 'a listpack that is none', at);
    stream.loadNode(this.id.readBytes(lastNode, 0), pack.buf, pack.off, pack.len);
  }

  /** How many entries the nodes hold; their IDs must ascend, and none be before its node's. */
  private countEntries(input: RdbInput, stream: Stream): number {
    const { entries, id } = this;
    let held = 0;
    let node = 0;
    entries.start(stream.nodesRoot, ID_MIN, ID_MAX, false, true);
    while (entries.next()) {
      const inOrder = node === 0 || entries.id.compare(id) > 0;
      // A node is found by its ID, so its entries must be behind it, and those of the nodes before it must not.
      const inNode =
        entries.node === node ||
        (entries.id.compare(entries.nodeId) >= 0 && (node === 0 || entries.nodeId.compare(id) > 0));
      if (!inOrder || !inNode) input.corrupt('entries in ascending order', `${entries.id} in node ${entries.nodeId}`);
      node = entries.node;
      id.copyFrom(entries.id);
      if ((entries.flags & DELETED) === 0) held++;
    }
    return held;
  }

  /** Whether the entries of the node in `pack`, a sound listpack, are what a stream's node holds. */
  private isNode(): boolean {
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
    for (let i = 0; i < masterFields; i++) {
      if (pos === 0) return false;
      pos = lpNext(buf, off, pos);
    }
    if (pos === 0 || lpNumber(buf, off, pos) !== 0) return false;
    pos = lpNext(buf, off, pos);
    let flagged = 0;
    for (let i = 0; i < count + deleted; i++) {
      if (pos !== 0 && (buf[off + pos]! & DELETED) !== 0) flagged++;
      pos = this.behindEntry(pos, masterFields);
      if (pos < 0) return false;
    }
    return pos === 0 && flagged === deleted;
  }

  /** The number at `pos` when it is one that counts something, otherwise -1. */
  private countAt(pos: number): number {
    if (pos === 0) return -1;
    const n = lpNumber(this.pack.buf, this.pack.off, pos);
    return n >= 0 && n <= 0x7fffffff ? n : -1;
  }

  /** The position behind the entry at `pos` (0 at the end), or -1 when there is none. */
  private behindEntry(pos: number, masterFields: number): number {
    const { buf, off } = this.pack;
    // Flags in their one byte: they are set in place later.
    if (pos === 0 || buf[off + pos]! > (DELETED | SAME_FIELDS)) return -1;
    const same = (buf[off + pos]! & SAME_FIELDS) !== 0;
    for (let i = 0; i < 2; i++) {
      pos = lpNext(buf, off, pos);
      if (pos === 0 || !isIntegerAt(buf, off + pos)) return -1;
    }
    pos = lpNext(buf, off, pos);
    let fields = masterFields;
    if (!same) {
      fields = this.countAt(pos);
      if (fields < 0) return -1;
      pos = lpNext(buf, off, pos);
    }
    for (let left = same ? fields : 2 * fields; left > 0; left--) {
      if (pos === 0) return -1;
      pos = lpNext(buf, off, pos);
    }
    if (this.countAt(pos) !== fields + 3 + (same ? 0 : fields + 1)) return -1;
    return lpNext(buf, off, pos);
  }

  // --- what follows the nodes ----------------------------------------------------------------------------------------

  private readId(input: RdbInput): StreamId {
    input.length64();
    const { hi, lo } = input;
    input.length64();
    return this.id.set(hi, lo, input.hi, input.lo);
  }

  private summary(input: RdbInput, type: number, stream: Stream): void {
    stream.setLastId(this.readId(input));
    if (type === RdbType.STREAM) {
      stream.settleFirst();
      stream.entriesAdded = BigInt(stream.length);
    } else {
      stream.setFirstId(this.readId(input));
      stream.setMaxDeletedId(this.readId(input));
      stream.entriesAdded = u64Length(input);
    }
    stream.raiseLastId();
  }

  private readGroup(input: RdbInput, type: number, stream: Stream): void {
    const { name, group, id } = this;
    const at = input.offset;
    input.string(name);
    // The name may leave the window when what follows is read.
    name.set(name.copy(), 0, name.len);
    this.readId(input);
    const read = type === RdbType.STREAM ? entriesUpTo(stream, id) : BigInt.asIntN(64, u64Length(input));
    if (stream.findGroup(name.buf, name.off, name.len) !== 0) {
      input.corrupt('a name that no other group of the stream has', 'the same name twice', at);
    }
    const { arena } = stream;
    const block = newGroup(arena, name.buf, name.off, name.len, id, read);
    stream.insertGroup(block);
    group.open(stream, block);
    this.groupPending(input);
    const consumers = input.length();
    let given = 0;
    for (let i = 0; i < consumers; i++) given += this.consumer(input, type);
    const missing = group.pendingCount - given;
    if (missing > 0) input.corrupt('a consumer for each pending entry of the group', `none for ${missing} of them`);
  }

  private groupPending(input: RdbInput): void {
    const { group, lastPending, id } = this;
    const count = input.length();
    for (let i = 0; i < count; i++) {
      const at = input.offset;
      input.need(ID_BYTES + 8);
      if (i > 0 && compareIds(input.buf, input.pos, lastPending, 0) <= 0) {
        input.corrupt('pending entries in ascending order', 'an ID that is not', at);
      }
      lastPending.set(input.buf.subarray(input.pos, input.pos + ID_BYTES));
      input.pos += ID_BYTES;
      const timeMs = input.i64();
      const deliveries = BigInt.asIntN(64, u64Length(input));
      group.load(id.readBytes(lastPending, 0), timeMs, deliveries);
    }
  }

  /** Returns how many entries are pending for the consumer. */
  private consumer(input: RdbInput, type: number): number {
    const { name, group, id } = this;
    const at = input.offset;
    input.string(name);
    name.set(name.copy(), 0, name.len);
    const seenMs = input.i64();
    const activeMs = type === RdbType.STREAM_3 ? input.i64() : seenMs;
    if (group.findConsumer(name.buf, name.off, name.len) >= 0) {
      input.corrupt('a name that no other consumer of the group has', 'the same name twice', at);
    }
    const consumer = group.createConsumer(name.buf, name.off, name.len, seenMs);
    group.setActiveMs(consumer, activeMs);
    const count = input.length();
    for (let i = 0; i < count; i++) {
      const idAt = input.offset;
      input.need(ID_BYTES);
      const item = group.find(id.readBytes(input.buf, input.pos));
      if (item === 0) input.corrupt("an entry that is pending in the consumer's group", 'one that is not', idAt);
      if (!group.give(item, consumer)) {
        input.corrupt('an entry that is pending for one consumer', 'the same one twice', idAt);
      }
      input.pos += ID_BYTES;
    }
    return count;
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

// --- writing -----------------------------------------------------------------------------------------------------------

export class StreamWriter {
  private readonly name = new Slice();
  private readonly id = new StreamId();
  private readonly bytes = new Uint8Array(ID_BYTES);
  private readonly group: StreamGroup;

  constructor(
    private readonly arena: Arena,
    private readonly out: RdbOutput,
  ) {
    this.group = new StreamGroup(arena);
  }

  /** Writes the stream as one of the three types. */
  write(stream: Stream, type: number): void {
    const { arena, out, id, bytes } = this;
    out.length(stream.nodeCount);
    stream.eachNode((node) => {
      id.load(arena, node, 0).writeBytes(bytes, 0);
      out.string(bytes, 0, ID_BYTES);
      const u8 = arena.bytesOf(node);
      const at = packAt(node);
      out.string(u8, at, lpBytes(u8, at));
    });
    out.length(stream.length);
    this.lengths(stream.lastId(id));
    if (type !== RdbType.STREAM) {
      this.lengths(stream.firstId(id));
      this.lengths(stream.maxDeletedId(id));
      this.u64(stream.entriesAdded);
    }
    out.length(stream.groupCount);
    for (let group = stream.firstGroup(); group !== 0; group = stream.nextGroup()) {
      this.group.open(stream, group);
      this.writeGroup(type);
    }
  }

  private lengths(id: StreamId): void {
    this.out.length64(id.msHi, id.msLo);
    this.out.length64(id.seqHi, id.seqLo);
  }
  private u64(n: bigint): void {
    this.out.length64(Number(BigInt.asUintN(32, n >> 32n)), Number(BigInt.asUintN(32, n)));
  }

  private writeGroup(type: number): void {
    const { out, group, name, id } = this;
    group.name(name);
    out.string(name.buf, name.off, name.len);
    this.lengths(group.lastId(id));
    if (type !== RdbType.STREAM) this.u64(group.entriesRead);
    out.length(group.pendingCount);
    for (let item = group.first(); item !== 0; item = group.next()) {
      this.rawId(item);
      out.i64(group.deliveredMs(item));
      this.u64(group.deliveries(item));
    }
    out.length(group.consumerCount);
    for (let consumer = group.firstConsumer(); consumer >= 0; consumer = group.nextConsumer()) {
      group.consumerName(consumer, name);
      out.string(name.buf, name.off, name.len);
      out.i64(group.seenMs(consumer));
      if (type === RdbType.STREAM_3) out.i64(group.activeMs(consumer));
      out.length(group.pendingOf(consumer));
      id.zero();
      for (let item = group.seekOf(consumer, id); item !== 0; item = group.nextOf()) this.rawId(item);
    }
  }

  private rawId(item: number): void {
    const { group, bytes } = this;
    group.pendingId(item, this.id).writeBytes(bytes, 0);
    this.out.raw(bytes, 0, ID_BYTES);
  }
}
