/**
 * Stream: entries in the order of their IDs, and the consumer groups that read them.
 *
 *   root, in 32-bit words
 *     w0  tree of nodes, by ID          w1  tree of groups, by name
 *     w2  entries (a double)            w4  last ID: the largest ever
 *     w8  first ID                      w12 largest ID ever deleted by XDEL
 *     w16 entries ever added, high and low half
 *
 * Nodes (stream-node.ts) are as Redis makes them under the same limits. Groups are in stream-group.ts.
 *
 * A stream without entries stays: its last ID and its groups count.
 *
 * Invariants:
 *   1. Nodes do not overlap and stand in the order of their first IDs.
 *   2. The last ID is not smaller than any entry's; the first ID is that of the first entry, 0-0 without entries.
 *   3. Every block on the way to a change is owned, and the root word of each parent is current after each method.
 */
import { assert } from '../base/assert.js';
import { Encoding } from '../memory/item.js';
import { Tree } from '../memory/tree.js';
import {
  copyGroup,
  dismantleGroup,
  GROUP_NAME,
  GROUP_NAME_BYTES,
  groupBlocks,
  groupBytes,
  pendingIn,
  releaseGroup,
} from './stream-group.js';
import { IdOrder, StreamId } from './stream-id.js';
import { StreamIterator } from './stream-iterator.js';
import { NameOrder } from './stream-names.js';
import {
  DELETED,
  type EntryTexts,
  nodeAppend,
  nodeCopy,
  nodeCount,
  nodeCountDeleted,
  nodeFlagDeleted,
  nodeFromBytes,
  nodeNew,
  nodeShrink,
  nodeTakes,
} from './stream-node.js';
import { Value } from './value.js';

const ROOT_BYTES = 72;
const NODES = 0;
const GROUPS = 1;
const LENGTH = 1; // in doubles
const LAST = 4;
const FIRST = 8;
const MAX_DELETED = 12;
const ADDED = 16;

/** Text that one entry, and one node, may hold. */
export const STREAM_TEXT_MAX = 2 ** 30;
/** What an iteration without bounds begins and ends with. */
export const ID_MIN: StreamId = Object.freeze(new StreamId());
export const ID_MAX: StreamId = Object.freeze(new StreamId().max());

/** Which entries a trim takes. */
export interface Trim {
  by: 'maxlen' | 'minid';
  maxlen: number;
  minid: StreamId;
  /** Only whole nodes. */
  approximate: boolean;
  /** How many entries at most; 0 = any. */
  limit: number;
}

export class Stream extends Value {
  private readonly order = new IdOrder();
  private readonly nodes = new Tree(this.arena, this.order, false);
  private readonly nameOrder = new NameOrder(GROUP_NAME, GROUP_NAME_BYTES);
  private readonly groups = new Tree(this.arena, this.nameOrder, false);
  private readonly inner = new StreamIterator(this.arena);
  private readonly id = new StreamId();

  override open(encoding: Encoding, root: number): this {
    super.open(encoding, root);
    this.nodes.open(this.arena.getWord(root, NODES));
    this.groups.open(this.arena.getWord(root, GROUPS));
    return this;
  }

  create(): this {
    const { arena } = this;
    const root = arena.alloc(ROOT_BYTES);
    for (let word = 0; word < ROOT_BYTES / 4; word++) arena.setWord(root, word, 0);
    arena.setDouble(root, LENGTH, 0);
    return this.open(Encoding.TREE, root);
  }

  /** Entries. */
  get length(): number {
    return this.arena.getDouble(this.root, LENGTH);
  }
  override get isEmpty(): boolean {
    return false;
  }
  encodingName(): string {
    return 'stream';
  }

  // --- the root's fields -----------------------------------------------------------------------------------------------

  private own(): void {
    this.root = this.arena.own(this.root);
  }

  lastId(out: StreamId): StreamId {
    return out.load(this.arena, this.root, LAST);
  }
  setLastId(id: StreamId): void {
    this.own();
    id.store(this.arena, this.root, LAST);
  }
  /** 0-0 without entries. */
  firstId(out: StreamId): StreamId {
    return out.load(this.arena, this.root, FIRST);
  }
  setFirstId(id: StreamId): void {
    this.own();
    id.store(this.arena, this.root, FIRST);
  }
  maxDeletedId(out: StreamId): StreamId {
    return out.load(this.arena, this.root, MAX_DELETED);
  }
  setMaxDeletedId(id: StreamId): void {
    this.own();
    id.store(this.arena, this.root, MAX_DELETED);
  }
  /** How many entries were ever added, as an unsigned 64-bit integer. */
  get entriesAdded(): bigint {
    return (BigInt(this.arena.getWord(this.root, ADDED)) << 32n) | BigInt(this.arena.getWord(this.root, ADDED + 1));
  }
  set entriesAdded(n: bigint) {
    this.own();
    this.arena.setWord(this.root, ADDED, Number((n >> 32n) & 0xffffffffn));
    this.arena.setWord(this.root, ADDED + 1, Number(n & 0xffffffffn));
  }

  private setLength(n: number): void {
    this.arena.setDouble(this.root, LENGTH, Math.max(0, n));
  }
  private storeNodes(): void {
    this.arena.setWord(this.root, NODES, this.nodes.root);
  }

  /** Root of the tree of nodes, for StreamIterator. */
  get nodesRoot(): number {
    return this.nodes.root;
  }
  get nodeCount(): number {
    return this.nodes.weight;
  }

  // --- entries ---------------------------------------------------------------------------------------------------------

  /**
   * Adds an entry. Its ID is larger than the last one, and its texts have at most STREAM_TEXT_MAX bytes. Hot: no allocation
   * but of blocks.
   */
  append(id: StreamId, texts: EntryTexts): void {
    const { arena, nodes } = this;
    this.own();
    let node = nodes.seekLast();
    if (node !== 0 && !this.joins(node, texts)) {
      const shrunk = nodeShrink(arena, node);
      if (shrunk !== node) nodes.replace(shrunk);
      node = 0;
    }
    if (node === 0) {
      // The head counts nobody yet, so the entry joins as any other does.
      nodes.append(nodeAppend(arena, nodeNew(arena, id, texts), id, texts));
    } else {
      const grown = nodeAppend(arena, node, id, texts);
      if (grown !== node) nodes.replace(grown);
    }
    this.storeNodes();
    const { root } = this;
    const length = this.length + 1;
    this.setLength(length);
    id.store(arena, root, LAST);
    if (length === 1) id.store(arena, root, FIRST);
    const low = arena.getWord(root, ADDED + 1) + 1;
    arena.setWord(root, ADDED + 1, low);
    if (low === 2 ** 32) arena.setWord(root, ADDED, arena.getWord(root, ADDED) + 1);
  }

  private joins(node: number, texts: EntryTexts): boolean {
    const { streamNodeMaxBytes, streamNodeMaxEntries } = this.limits;
    let bytes = 0;
    for (let i = texts.from; i < texts.from + 2 * texts.pairs; i++) bytes += texts.len[i]!;
    const most = streamNodeMaxBytes > 0 && streamNodeMaxBytes < STREAM_TEXT_MAX ? streamNodeMaxBytes : STREAM_TEXT_MAX;
    return nodeTakes(this.arena, node, bytes, most, streamNodeMaxEntries);
  }

  /** Appends a node from validated bytes, behind all that are there; length, IDs and counters are the caller's to set. */
  loadNode(id: StreamId, buf: Uint8Array, off: number, len: number): void {
    this.nodes.append(nodeFromBytes(this.arena, id, buf, off, len));
    this.storeNodes();
  }
  /** Sets what a file says of the entries that it held. */
  loadLength(length: number): void {
    this.setLength(length);
  }

  /** Makes the last ID at least as large as every entry's, whatever a file says. */
  raiseLastId(): void {
    const { arena, nodes, inner, id } = this;
    const node = nodes.seekLast();
    if (node === 0) return;
    const last = inner.lastIdOf(node);
    if (last.compare(id.load(arena, node, 0)) > 0) id.copyFrom(last);
    if (this.lastId(last).compare(id) < 0) this.setLastId(id);
  }

  /** Deletes an entry; false when it is not there. First ID and largest deleted ID are the caller's. */
  private drop(id: StreamId): boolean {
    const { arena, nodes, inner } = this;
    inner.start(nodes.root, id, id, false);
    if (!inner.next()) return false;
    this.own();
    this.seekNode(inner.node);
    if (nodeCount(arena, inner.node) <= 1) {
      arena.free(inner.node);
      nodes.remove();
    } else {
      const owned = arena.own(inner.node);
      nodeFlagDeleted(arena, owned, inner.pos);
      const node = nodeCountDeleted(arena, owned, 1);
      if (node !== inner.node) nodes.replace(node);
    }
    this.storeNodes();
    this.setLength(this.length - 1);
    return true;
  }

  private seekNode(node: number): void {
    this.order.look(this.id.load(this.arena, node, 0));
    this.nodes.seek();
  }

  /** XDEL: deletes an entry and keeps account of it; false when it is not there. `settleFirst` follows after the last one. */
  remove(id: StreamId): boolean {
    if (!this.drop(id)) return false;
    if (this.maxDeletedId(this.id).compare(id) < 0) id.store(this.arena, this.root, MAX_DELETED);
    return true;
  }

  /** Finds the first ID anew, after entries went. */
  settleFirst(): void {
    this.own();
    if (this.length === 0) this.id.zero();
    else if (!this.edge(false, this.id)) this.id.max();
    this.id.store(this.arena, this.root, FIRST);
  }

  /** The first or the last entry's ID; false when there are none. */
  edge(last: boolean, out: StreamId, withDeleted = false): boolean {
    const { inner } = this;
    inner.start(this.nodes.root, ID_MIN, ID_MAX, last, withDeleted);
    if (!inner.next()) return false;
    out.copyFrom(inner.id);
    return true;
  }

  has(id: StreamId): boolean {
    const { inner } = this;
    inner.start(this.nodes.root, id, id, false);
    return inner.next();
  }

  /** Takes the oldest entries away; returns how many. */
  trim(trim: Trim): number {
    const { arena, nodes, inner } = this;
    const byLength = trim.by === 'maxlen';
    let deleted = 0;
    for (let node = nodes.seekFirst(); node !== 0; node = nodes.item()) {
      const { length } = this;
      if (byLength && length <= trim.maxlen) break;
      const entries = nodeCount(arena, node);
      if (trim.limit > 0 && deleted + entries > trim.limit) break;
      const whole = byLength ? length - entries >= trim.maxlen : inner.lastIdOf(node).compare(trim.minid) < 0;
      this.own();
      if (whole) {
        arena.free(node);
        nodes.remove();
        this.setLength(length - entries);
        deleted += entries;
        continue;
      }
      if (!trim.approximate) deleted += this.trimNode(node, trim);
      break;
    }
    this.storeNodes();
    if (deleted > 0 || this.length === 0) this.settleFirst();
    return deleted;
  }

  /** Whether `trim` would take every entry. */
  trimsAll(trim: Trim): boolean {
    if (trim.limit > 0 && trim.limit < this.length) return false;
    if (trim.by === 'maxlen') return trim.maxlen === 0;
    return this.edge(true, this.id) && this.id.compare(trim.minid) < 0;
  }

  /** Takes every entry away at once. Returns the blocks that held them, for the caller to free. */
  takeEntries(): Generator<number> {
    const { arena } = this;
    this.own();
    const taken = new Tree(arena, new IdOrder(), false).open(this.nodes.root);
    this.nodes.open(0);
    this.storeNodes();
    this.setLength(0);
    this.settleFirst();
    return taken.dismantle(true);
  }

  /** Deletes entries of the node, at the cursor of `nodes`, one by one. */
  private trimNode(node: number, trim: Trim): number {
    const { arena, nodes, inner, id } = this;
    const owned = arena.own(node);
    if (owned !== node) nodes.replace(owned);
    const wanted = this.length - trim.maxlen;
    let deleted = 0;
    id.load(arena, owned, 0);
    inner.start(nodes.root, id, ID_MAX, false, true);
    while (inner.next() && inner.node === owned) {
      if (trim.by === 'maxlen' ? deleted >= wanted : inner.id.compare(trim.minid) >= 0) break;
      if ((inner.flags & DELETED) !== 0) continue;
      nodeFlagDeleted(arena, owned, inner.pos);
      deleted++;
    }
    if (deleted === 0) return 0;
    const counted = nodeCountDeleted(arena, owned, deleted);
    if (counted !== owned) nodes.replace(counted);
    this.setLength(this.length - deleted);
    return deleted;
  }

  // --- groups: see StreamGroup, which changes them ---------------------------------------------------------------------

  get groupCount(): number {
    return this.groups.weight;
  }
  /** The group's block, 0 when there is none of that name. */
  findGroup(buf: Uint8Array, off: number, len: number): number {
    this.nameOrder.look(buf, off, len);
    return this.groups.seek() ? this.groups.item() : 0;
  }
  firstGroup(): number {
    return this.groups.seekFirst();
  }
  /** The group after the one that `findGroup`, `firstGroup` or `nextGroup` gave; no change to groups meanwhile. */
  nextGroup(): number {
    return this.groups.next();
  }
  /** Right after a `findGroup` that found none. */
  insertGroup(group: number): void {
    this.own();
    this.groups.insert(group);
    this.arena.setWord(this.root, GROUPS, this.groups.root);
  }
  /** The group's block to write to; when it moves, the stream knows of it. */
  ownGroup(group: number): number {
    const { arena } = this;
    if (!arena.capturing || arena.isFresh(group)) return group;
    this.own();
    this.seekGroup(group);
    const owned = arena.own(group);
    this.groups.replace(owned);
    arena.setWord(this.root, GROUPS, this.groups.root);
    return owned;
  }
  /** Takes the group away. Returns the blocks that it consisted of, for the caller to free. */
  removeGroup(group: number): Generator<number> {
    this.own();
    this.seekGroup(group);
    this.groups.remove();
    this.arena.setWord(this.root, GROUPS, this.groups.root);
    return dismantleGroup(this.arena, group);
  }
  private seekGroup(group: number): void {
    this.nameOrder.lookLike(this.arena, group);
    const found = this.groups.seek();
    assert(found, "a group is its stream's");
  }

  // --- whole value -----------------------------------------------------------------------------------------------------

  release(): void {
    const { arena } = this;
    this.nodes.release((node) => arena.free(node));
    this.groups.release((group) => releaseGroup(arena, group));
    arena.free(this.root);
    this.root = 0;
  }

  override *dismantle(): Generator<number> {
    yield* this.nodes.dismantle(true);
    for (let group = this.groups.seekFirst(); group !== 0; group = this.groups.next()) {
      yield* dismantleGroup(this.arena, group);
    }
    yield* this.groups.dismantle(false);
    yield this.root;
  }

  override get effort(): number {
    let effort = this.nodeCount;
    for (let group = this.groups.seekFirst(); group !== 0; group = this.groups.next()) {
      effort += pendingIn(this.arena, group);
    }
    return effort;
  }

  /** Capacity of all its blocks; of nodes, `samples` are looked at and stand for all (0: every one). */
  bytes(samples: number): number {
    const { arena, nodes, groups } = this;
    let bytes = arena.capacity(this.root);
    const add = (address: number): void => {
      bytes += arena.capacity(address);
    };
    nodes.blocks(add);
    let seen = 0;
    let inNodes = 0;
    for (let node = nodes.seekFirst(); node !== 0 && (samples === 0 || seen < samples); node = nodes.next()) {
      inNodes += arena.capacity(node);
      seen++;
    }
    if (seen > 0) bytes += Math.round((inNodes / seen) * this.nodeCount);
    groups.blocks(add);
    for (let group = groups.seekFirst(); group !== 0; group = groups.next()) bytes += groupBytes(arena, group);
    return bytes;
  }

  copyRoot(): number {
    const { arena, nodes, groups } = this;
    const copy = arena.alloc(ROOT_BYTES);
    for (let word = 0; word < ROOT_BYTES / 4; word++) arena.setWord(copy, word, arena.getWord(this.root, word));
    const newNodes = new Tree(arena, new IdOrder(), false);
    for (let node = nodes.seekFirst(); node !== 0; node = nodes.next()) newNodes.append(nodeCopy(arena, node));
    arena.setWord(copy, NODES, newNodes.root);
    const newGroups = new Tree(arena, new NameOrder(GROUP_NAME, GROUP_NAME_BYTES), false);
    for (let group = groups.seekFirst(); group !== 0; group = groups.next()) newGroups.append(copyGroup(arena, group));
    arena.setWord(copy, GROUPS, newGroups.root);
    return copy;
  }

  blocks(visit: (address: number) => void): void {
    const { arena, nodes, groups } = this;
    visit(this.root);
    nodes.blocks(visit);
    for (let node = nodes.seekFirst(); node !== 0; node = nodes.next()) visit(node);
    groups.blocks(visit);
    for (let group = groups.seekFirst(); group !== 0; group = groups.next()) groupBlocks(arena, group, visit);
  }

  /** The nodes in order, for whoever writes them. */
  eachNode(visit: (node: number) => void): void {
    for (let node = this.nodes.seekFirst(); node !== 0; node = this.nodes.next()) visit(node);
  }
}
