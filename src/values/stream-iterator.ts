/**
 * Walks the entries of a stream between two IDs, forwards or backwards.
 *
 *   it.start(nodesRoot, from, to, false);
 *   while (it.next()) { it.id ...; for (let i = 0; i < it.fields; i++) it.field(name, value); }
 *
 * It reads only, so it works on an attached arena in another thread. What it gives is valid until the stream changes; other
 * changes of the arena do not disturb it.
 */
import type { Slice } from '../base/slice.js';
import type { Arena } from '../memory/arena.js';
import { LP_HEADER, lpBytes, lpGet, lpInt64, lpNext, lpNumber, lpPrev } from '../memory/listpack.js';
import { TreeCursor } from '../memory/tree-cursor.js';
import { IdOrder, StreamId } from './stream-id.js';
import { DELETED, packAt, SAME_FIELDS } from './stream-node.js';

const TWO_32 = 4294967296;

export class StreamIterator {
  /** The entry at hand. */
  readonly id = new StreamId();
  /** How many pairs of field and value it has. */
  fields = 0;
  flags = 0;
  /** Its node, and its place in the node's listpack. */
  node = 0;
  pos = 0;

  private readonly order = new IdOrder();
  private readonly nodes: TreeCursor;
  private readonly from = new StreamId();
  private readonly to = new StreamId();
  private readonly master = new StreamId();
  /** The ID of the node at hand. */
  get nodeId(): StreamId {
    return this.master;
  }
  private backwards = false;
  private withDeleted = false;

  // The node's listpack, its head, and where its entries begin.
  private u8: Uint8Array = EMPTY;
  private off = 0;
  private masterFields = 0;
  private masterNames = 0;
  private entriesAt = 0;
  /** Where `next` goes on: forwards the entry to come, backwards the one behind it. 0: in the next node. */
  private at = 0;
  /** The next value (or name) of the entry, the next of the head's names, and how many elements are still unread. */
  private valueAt = 0;
  private nameAt = 0;
  private unread = 0;

  constructor(private readonly arena: Arena) {
    this.nodes = new TreeCursor(arena, this.order, false);
  }

  /**
   * Begins a walk of the entries with from <= ID <= to.
   * @param nodesRoot root of the stream's tree of nodes
   * @param withDeleted whether entries that are only flagged as deleted are shown
   */
  start(nodesRoot: number, from: StreamId, to: StreamId, backwards: boolean, withDeleted = false): void {
    const { nodes, order } = this;
    this.from.copyFrom(from);
    this.to.copyFrom(to);
    this.backwards = backwards;
    this.withDeleted = withDeleted;
    nodes.open(nodesRoot);
    order.look(backwards ? to : from);
    const exact = nodes.seek();
    // The node with the largest ID that is not larger; forwards the first one if there is none.
    let node = exact ? nodes.item() : nodes.prev();
    if (node === 0 && !backwards) node = nodes.item();
    this.enter(node);
  }

  private enter(node: number): void {
    this.node = node;
    this.at = 0;
    this.valueAt = 0;
    this.unread = 0;
    if (node === 0) return;
    const { arena } = this;
    const u8 = arena.bytesOf(node);
    const off = packAt(node);
    this.u8 = u8;
    this.off = off;
    this.master.load(arena, node, 0);
    const deletedAt = lpNext(u8, off, LP_HEADER);
    let pos = lpNext(u8, off, deletedAt);
    this.masterFields = lpNumber(u8, off, pos);
    pos = lpNext(u8, off, pos);
    this.masterNames = pos;
    for (let i = 0; i < this.masterFields; i++) pos = lpNext(u8, off, pos);
    this.entriesAt = lpNext(u8, off, pos);
    this.at = this.backwards ? lpBytes(u8, off) - 1 : this.entriesAt;
  }

  /** Goes to the next entry; false when there is none. */
  next(): boolean {
    if (this.node === 0) return false;
    this.leaveEntry();
    for (;;) {
      if (!this.read()) {
        this.enter(this.backwards ? this.nodes.prev() : this.nodes.next());
        if (this.node === 0) return false;
        continue;
      }
      const { id } = this;
      const wanted = this.withDeleted || (this.flags & DELETED) === 0;
      const early = id.compare(this.from) < 0;
      const late = id.compare(this.to) > 0;
      if (wanted && !early && !late) return true;
      if (this.backwards ? early : late) {
        this.node = 0;
        return false;
      }
      this.leaveEntry();
    }
  }

  /** The ID of the last entry in the node, deleted or not. */
  lastIdOf(node: number): StreamId {
    this.backwards = true;
    this.enter(node);
    if (!this.read()) this.id.copyFrom(this.master);
    return this.id;
  }

  /** Reads the head of the next entry in the node; false when the node has no more. */
  private read(): boolean {
    const { u8, off } = this;
    let pos = this.at;
    if (this.backwards) {
      if (this.entriesAt === 0 || pos <= this.entriesAt) return false;
      pos = lpPrev(u8, off, pos);
      for (let left = lpNumber(u8, off, pos); left > 0; left--) pos = lpPrev(u8, off, pos);
      this.at = pos;
    }
    if (pos === 0) return false;
    this.pos = pos;
    this.flags = lpNumber(u8, off, pos);
    pos = lpNext(u8, off, pos);
    this.addMs(pos);
    pos = lpNext(u8, off, pos);
    this.addSeq(pos);
    pos = lpNext(u8, off, pos);
    if ((this.flags & SAME_FIELDS) !== 0) {
      this.fields = this.masterFields;
      this.nameAt = this.masterNames;
      this.unread = this.fields;
    } else {
      this.fields = lpNumber(u8, off, pos);
      this.unread = 2 * this.fields;
      pos = lpNext(u8, off, pos);
    }
    this.valueAt = pos;
    return true;
  }

  /** Forwards: skips what is left of the entry at hand. */
  private leaveEntry(): void {
    if (this.backwards || this.valueAt === 0) return;
    const { u8, off } = this;
    let pos = this.valueAt;
    for (; this.unread > 0; this.unread--) pos = lpNext(u8, off, pos);
    this.at = lpNext(u8, off, pos);
    this.valueAt = 0;
  }

  /** The next field of the entry at hand; called at most `fields` times. */
  field(name: Slice, value: Slice): void {
    const { u8, off } = this;
    if ((this.flags & SAME_FIELDS) !== 0) {
      lpGet(u8, off, this.nameAt, name);
      this.nameAt = lpNext(u8, off, this.nameAt);
    } else {
      lpGet(u8, off, this.valueAt, name);
      this.valueAt = lpNext(u8, off, this.valueAt);
      this.unread--;
    }
    lpGet(u8, off, this.valueAt, value);
    this.valueAt = lpNext(u8, off, this.valueAt);
    this.unread--;
  }

  private addMs(pos: number): void {
    const { id, master } = this;
    this.add(master.msHi, master.msLo, pos);
    id.msHi = this.sumHi;
    id.msLo = this.sumLo;
  }
  private addSeq(pos: number): void {
    const { id, master } = this;
    this.add(master.seqHi, master.seqLo, pos);
    id.seqHi = this.sumHi;
    id.seqLo = this.sumLo;
  }

  private sumHi = 0;
  private sumLo = 0;
  /** The sum, modulo 2^64, of two halves and the integer at `pos`. */
  private add(hi: number, lo: number, pos: number): void {
    const { u8, off } = this;
    const n = lpNumber(u8, off, pos);
    if (Number.isNaN(n)) {
      const sum = BigInt.asUintN(64, ((BigInt(hi) << 32n) | BigInt(lo)) + (lpInt64(u8, off, pos) ?? 0n));
      this.sumHi = Number(sum >> 32n);
      this.sumLo = Number(sum & 0xffffffffn);
      return;
    }
    const high = Math.floor(n / TWO_32);
    const low = lo + (n - high * TWO_32);
    this.sumLo = low >>> 0;
    this.sumHi = (hi + high + (low >= TWO_32 ? 1 : 0)) >>> 0;
  }
}

const EMPTY = new Uint8Array(0);
