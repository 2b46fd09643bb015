/**
 * A consumer group of a stream: what has been delivered to whom and not been acknowledged.
 *
 *   group     w0 tree of pending entries, by ID     w1 tree of consumers' names     w2 consumers' records
 *             w3 bytes of the name                  w4 last delivered ID            w8 entries read, high and low half
 *             w10 records in use or freed           w11 first freed record + 1      name
 *   record    w0 name block (0: freed)              w1 tree of its pending entries (freed: next freed record + 1)
 *             seen, active: two doubles, milliseconds since 1970
 *   name      w0 number of the record               w1 bytes                        name
 *   pending   w0 ID   delivered: a double, milliseconds since 1970   w6 deliveries, high and low half   w8 record's number
 *
 * A consumer is the number of its record, so that a pending entry need not know where anything lies. Each pending entry is
 * one block in two trees: the group's and its consumer's.
 *
 * Invariants:
 *   1. A pending entry is in the group's tree, and in the tree of the consumer that it names and in no other.
 *   2. Name blocks are never written after they are made.
 *   3. Every block on the way to a change is owned, and the words of its parents are current after each method.
 */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/copy-bytes.js';
import type { Slice } from '../base/slice.js';
import { Arena, byteIndex } from '../memory/arena.js';
import { Tree } from '../memory/tree.js';
import type { Stream } from './stream.js';
import { IdOrder, StreamId } from './stream-id.js';
import { NameOrder } from './stream-names.js';

const PENDING = 0;
const CONSUMERS = 1;
const RECORDS = 2;
/** Word of a group's block: bytes of its name. */
export const GROUP_NAME_BYTES = 3;
const LAST = 4;
const READ = 8;
const USED = 10;
const FREED = 11;
/** Byte of a group's block at which its name begins. */
export const GROUP_NAME = 48;

const RECORD_BYTES = 24;
const RECORD_WORDS = RECORD_BYTES / 4;
const RECORD_DOUBLES = RECORD_BYTES / 8;
const CONSUMER_NAME = 8;
const CONSUMER_NAME_BYTES = 1;

const PENDING_BYTES = 40;
const DELIVERED = 2; // in doubles
const DELIVERIES = 6;
const CONSUMER = 8;
/** A pending entry that no consumer has yet: only while a file is read. */
const NOBODY = 0xffffffff;

/** Entries read that are not known. */
export const READ_UNKNOWN = -1n;

/** A new group's block. */
export function newGroup(
  arena: Arena,
  buf: Uint8Array,
  off: number,
  len: number,
  lastId: StreamId,
  entriesRead: bigint,
): number {
  const group = arena.alloc(GROUP_NAME + len);
  for (let word = 0; word < GROUP_NAME / 4; word++) arena.setWord(group, word, 0);
  arena.setWord(group, GROUP_NAME_BYTES, len);
  lastId.store(arena, group, LAST);
  storeInt64(arena, group, READ, entriesRead);
  copyBytes(buf, off, arena.bytesOf(group), byteIndex(group) + GROUP_NAME, len);
  return group;
}

function storeInt64(arena: Arena, address: number, word: number, n: bigint): void {
  arena.setWord(address, word, Number(BigInt.asUintN(32, n >> 32n)));
  arena.setWord(address, word + 1, Number(BigInt.asUintN(32, n)));
}
function loadInt64(arena: Arena, address: number, word: number): bigint {
  return (BigInt(arena.getWord(address, word) | 0) << 32n) | BigInt(arena.getWord(address, word + 1));
}

const idTree = (arena: Arena): Tree => new Tree(arena, new IdOrder(), false);
const namesTree = (arena: Arena): Tree => new Tree(arena, new NameOrder(CONSUMER_NAME, CONSUMER_NAME_BYTES), false);

/** A handle on one group of a stream. A change through another handle on the same stream ends it. */
export class StreamGroup {
  /** The group's block; 0 = none. */
  address = 0;
  private stream: Stream | null = null;
  private readonly order = new IdOrder();
  private readonly pending: Tree;
  private readonly nameOrder = new NameOrder(CONSUMER_NAME, CONSUMER_NAME_BYTES);
  private readonly names: Tree;
  private readonly ownOrder = new IdOrder();
  private readonly ownPending: Tree;
  private readonly id = new StreamId();

  constructor(private readonly arena: Arena) {
    this.pending = new Tree(arena, this.order, false);
    this.names = new Tree(arena, this.nameOrder, false);
    this.ownPending = new Tree(arena, this.ownOrder, false);
  }

  open(stream: Stream, group: number): this {
    this.stream = stream;
    this.address = group;
    if (group === 0) return this;
    this.pending.open(this.arena.getWord(group, PENDING));
    this.names.open(this.arena.getWord(group, CONSUMERS));
    return this;
  }

  // --- the group -------------------------------------------------------------------------------------------------------

  private own(): void {
    this.address = this.stream!.ownGroup(this.address);
  }

  name(out: Slice): void {
    const { arena, address } = this;
    out.set(arena.bytesOf(address), byteIndex(address) + GROUP_NAME, arena.getWord(address, GROUP_NAME_BYTES));
  }
  lastId(out: StreamId): StreamId {
    return out.load(this.arena, this.address, LAST);
  }
  setLastId(id: StreamId): void {
    this.own();
    id.store(this.arena, this.address, LAST);
  }
  /** How many of the stream's entries the group has read, counted from the first one ever; READ_UNKNOWN. */
  get entriesRead(): bigint {
    return loadInt64(this.arena, this.address, READ);
  }
  set entriesRead(n: bigint) {
    this.own();
    storeInt64(this.arena, this.address, READ, n);
  }
  get readsAreKnown(): boolean {
    const { arena, address } = this;
    return arena.getWord(address, READ) !== 0xffffffff || arena.getWord(address, READ + 1) !== 0xffffffff;
  }
  /** One more. */
  countRead(): void {
    this.own();
    const { arena, address } = this;
    const low = arena.getWord(address, READ + 1) + 1;
    arena.setWord(address, READ + 1, low);
    if (low === 2 ** 32) arena.setWord(address, READ, arena.getWord(address, READ) + 1);
  }

  // --- consumers -------------------------------------------------------------------------------------------------------

  get consumerCount(): number {
    return this.names.weight;
  }
  /** The consumer's number, -1 when there is none of that name. */
  findConsumer(buf: Uint8Array, off: number, len: number): number {
    this.nameOrder.look(buf, off, len);
    return this.names.seek() ? this.arena.getWord(this.names.item(), 0) : -1;
  }
  /** The first consumer by name, -1 when there is none; no change to consumers until the last `nextConsumer`. */
  firstConsumer(): number {
    const name = this.names.seekFirst();
    return name === 0 ? -1 : this.arena.getWord(name, 0);
  }
  nextConsumer(): number {
    const name = this.names.next();
    return name === 0 ? -1 : this.arena.getWord(name, 0);
  }

  private get records(): number {
    return this.arena.getWord(this.address, RECORDS);
  }
  consumerName(consumer: number, out: Slice): void {
    const { arena } = this;
    const name = arena.getWord(this.records, consumer * RECORD_WORDS);
    out.set(arena.bytesOf(name), byteIndex(name) + CONSUMER_NAME, arena.getWord(name, CONSUMER_NAME_BYTES));
  }
  pendingOf(consumer: number): number {
    return this.openOwn(consumer).weight;
  }
  /** When the consumer last tried something. */
  seenMs(consumer: number): number {
    return this.arena.getDouble(this.records, consumer * RECORD_DOUBLES + 1);
  }
  /** When the consumer last got something; -1: never. */
  activeMs(consumer: number): number {
    return this.arena.getDouble(this.records, consumer * RECORD_DOUBLES + 2);
  }
  setSeenMs(consumer: number, ms: number): void {
    this.arena.setDouble(this.ownRecords(), consumer * RECORD_DOUBLES + 1, ms);
  }
  setActiveMs(consumer: number, ms: number): void {
    this.arena.setDouble(this.ownRecords(), consumer * RECORD_DOUBLES + 2, ms);
  }

  private ownRecords(): number {
    this.own();
    const { arena, address } = this;
    const records = arena.own(arena.getWord(address, RECORDS));
    arena.setWord(address, RECORDS, records);
    return records;
  }

  /** Right after a `findConsumer` that found none; the name lies where it lay. */
  createConsumer(buf: Uint8Array, off: number, len: number, nowMs: number): number {
    const { arena, names } = this;
    const consumer = this.takeRecord();
    const name = arena.alloc(CONSUMER_NAME + len);
    arena.setWord(name, 0, consumer);
    arena.setWord(name, CONSUMER_NAME_BYTES, len);
    copyBytes(buf, off, arena.bytesOf(name), byteIndex(name) + CONSUMER_NAME, len);
    names.insert(name);
    arena.setWord(this.address, CONSUMERS, names.root);
    const { records } = this;
    arena.setWord(records, consumer * RECORD_WORDS, name);
    arena.setWord(records, consumer * RECORD_WORDS + 1, 0);
    arena.setDouble(records, consumer * RECORD_DOUBLES + 1, nowMs);
    arena.setDouble(records, consumer * RECORD_DOUBLES + 2, -1);
    return consumer;
  }

  private takeRecord(): number {
    this.own();
    const { arena, address } = this;
    const freed = arena.getWord(address, FREED);
    if (freed !== 0) {
      const records = this.ownRecords();
      arena.setWord(address, FREED, arena.getWord(records, (freed - 1) * RECORD_WORDS + 1));
      return freed - 1;
    }
    const used = arena.getWord(address, USED);
    const old = arena.getWord(address, RECORDS);
    if (old === 0 || (used + 1) * RECORD_BYTES > arena.capacity(old)) {
      const grown = arena.alloc(Math.max(1, used * 2) * RECORD_BYTES);
      if (old !== 0) {
        copyBytes(arena.bytesOf(old), byteIndex(old), arena.bytesOf(grown), byteIndex(grown), used * RECORD_BYTES);
        arena.free(old);
      }
      arena.setWord(address, RECORDS, grown);
    } else {
      this.ownRecords();
    }
    arena.setWord(address, USED, used + 1);
    return used;
  }

  /** Takes the consumer away, its pending entries too; returns how many those were. */
  deleteConsumer(consumer: number): number {
    const { arena, names, nameOrder, pending, order } = this;
    const records = this.ownRecords();
    const { address } = this;
    const own = this.openOwn(consumer);
    const count = own.weight;
    own.release((item) => {
      order.look(this.id.load(arena, item, 0));
      const found = pending.seek();
      assert(found, "a consumer's pending entry is the group's");
      pending.remove();
      arena.free(item);
    });
    arena.setWord(address, PENDING, pending.root);
    const name = arena.getWord(records, consumer * RECORD_WORDS);
    nameOrder.lookLike(arena, name);
    names.seek();
    names.remove();
    arena.setWord(address, CONSUMERS, names.root);
    arena.free(name);
    arena.setWord(records, consumer * RECORD_WORDS, 0);
    arena.setWord(records, consumer * RECORD_WORDS + 1, arena.getWord(address, FREED));
    arena.setWord(address, FREED, consumer + 1);
    return count;
  }

  // --- pending entries: a pending entry is the address of its block, valid until the next change -----------------------

  get pendingCount(): number {
    return this.pending.weight;
  }
  pendingId(item: number, out: StreamId): StreamId {
    return out.load(this.arena, item, 0);
  }
  consumerOf(item: number): number {
    return this.arena.getWord(item, CONSUMER);
  }
  deliveredMs(item: number): number {
    return this.arena.getDouble(item, DELIVERED);
  }
  /** How often the entry was delivered. */
  deliveries(item: number): bigint {
    return loadInt64(this.arena, item, DELIVERIES);
  }

  /** The pending entry of this ID, 0 when there is none. */
  find(id: StreamId): number {
    this.order.look(id);
    return this.pending.seek() ? this.pending.item() : 0;
  }
  /** The first pending entry from `id` on, 0 when there is none; no change to pending entries until the last `next`. */
  seek(id: StreamId): number {
    this.order.look(id);
    this.pending.seek();
    return this.pending.item();
  }
  next(): number {
    return this.pending.next();
  }
  first(): number {
    return this.pending.seekFirst();
  }
  last(): number {
    return this.pending.seekLast();
  }
  /** The same among those of one consumer. */
  seekOf(consumer: number, id: StreamId): number {
    const own = this.openOwn(consumer);
    this.ownOrder.look(id);
    own.seek();
    return own.item();
  }
  nextOf(): number {
    return this.ownPending.next();
  }

  private openOwn(consumer: number): Tree {
    return this.ownPending.open(this.arena.getWord(this.records, consumer * RECORD_WORDS + 1)) as Tree;
  }
  private storeOwn(consumer: number): void {
    const records = this.ownRecords();
    this.arena.setWord(records, consumer * RECORD_WORDS + 1, this.ownPending.root);
  }
  private storePending(): void {
    this.own();
    this.arena.setWord(this.address, PENDING, this.pending.root);
  }

  /** Adds a pending entry whose ID is not there. */
  add(id: StreamId, consumer: number, deliveredMs: number, deliveries: bigint): number {
    const item = this.load(id, deliveredMs, deliveries);
    assert(item !== 0, 'the entry is not pending');
    this.attach(item, id, consumer);
    return item;
  }

  /** As a file has it: without consumer. 0 when the ID is there. */
  load(id: StreamId, deliveredMs: number, deliveries: bigint): number {
    const { arena, pending, order } = this;
    order.look(id);
    if (pending.seek()) return 0;
    const item = arena.alloc(PENDING_BYTES);
    id.store(arena, item, 0);
    arena.setDouble(item, DELIVERED, deliveredMs);
    storeInt64(arena, item, DELIVERIES, deliveries);
    arena.setWord(item, CONSUMER, NOBODY);
    pending.insert(item);
    this.storePending();
    return item;
  }
  /** Gives a pending entry that `load` made to a consumer; false when it has one. */
  give(item: number, consumer: number): boolean {
    if (this.arena.getWord(item, CONSUMER) !== NOBODY) return false;
    this.attach(item, this.pendingId(item, this.id), consumer);
    return true;
  }

  private attach(item: number, id: StreamId, consumer: number): void {
    const own = this.openOwn(consumer);
    this.ownOrder.look(id);
    own.seek();
    own.insert(item);
    this.storeOwn(consumer);
    this.arena.setWord(item, CONSUMER, consumer);
  }
  private detach(item: number, id: StreamId): void {
    const consumer = this.consumerOf(item);
    const own = this.openOwn(consumer);
    this.ownOrder.look(id);
    const found = own.seek();
    assert(found, "a pending entry is its consumer's");
    own.remove();
    this.storeOwn(consumer);
  }

  /** Takes a pending entry away. */
  remove(item: number): void {
    const { arena, pending, order } = this;
    const id = this.pendingId(item, this.id);
    this.detach(item, id);
    order.look(id);
    pending.seek();
    pending.remove();
    this.storePending();
    arena.free(item);
  }

  /** Sets who has the pending entry, since when, and how often it was delivered. Returns where it lies now. */
  update(item: number, consumer: number, deliveredMs: number, deliveries: bigint): number {
    const { arena } = this;
    item = this.ownItem(item);
    arena.setDouble(item, DELIVERED, deliveredMs);
    storeInt64(arena, item, DELIVERIES, deliveries);
    if (this.consumerOf(item) !== consumer) {
      const id = this.pendingId(item, this.id);
      this.detach(item, id);
      this.attach(item, id, consumer);
    }
    return item;
  }

  private ownItem(item: number): number {
    const { arena, pending, order, ownOrder } = this;
    if (!arena.capturing || arena.isFresh(item)) return item;
    const id = this.pendingId(item, this.id);
    const consumer = this.consumerOf(item);
    order.look(id);
    pending.seek();
    const own = this.openOwn(consumer);
    ownOrder.look(id);
    own.seek();
    const owned = arena.own(item);
    pending.replace(owned);
    own.replace(owned);
    this.storePending();
    this.storeOwn(consumer);
    return owned;
  }
}

// --- whole groups ------------------------------------------------------------------------------------------------------

/** Calls `visit` with the name block and the tree's root of each consumer. */
function eachConsumer(arena: Arena, group: number, visit: (name: number, root: number, record: number) => void): void {
  const records = arena.getWord(group, RECORDS);
  for (let i = 0; i < arena.getWord(group, USED); i++) {
    const name = arena.getWord(records, i * RECORD_WORDS);
    if (name !== 0) visit(name, arena.getWord(records, i * RECORD_WORDS + 1), i);
  }
}

/** Calls `visit` with every block of the group; the group's own comes last. */
export function groupBlocks(arena: Arena, group: number, visit: (address: number) => void): void {
  const pending = idTree(arena).open(arena.getWord(group, PENDING));
  for (let item = pending.seekFirst(); item !== 0; item = pending.next()) visit(item);
  pending.blocks(visit);
  namesTree(arena).open(arena.getWord(group, CONSUMERS)).blocks(visit);
  const own = idTree(arena);
  eachConsumer(arena, group, (name, root) => {
    own.open(root).blocks(visit);
    visit(name);
  });
  const records = arena.getWord(group, RECORDS);
  if (records !== 0) visit(records);
  visit(group);
}

/** Frees every block of the group. */
export function releaseGroup(arena: Arena, group: number): void {
  idTree(arena)
    .open(arena.getWord(group, PENDING))
    .release((item) => arena.free(item));
  namesTree(arena).open(arena.getWord(group, CONSUMERS)).release();
  const own = idTree(arena);
  eachConsumer(arena, group, (name, root) => {
    own.open(root).release();
    arena.free(name);
  });
  const records = arena.getWord(group, RECORDS);
  if (records !== 0) arena.free(records);
  arena.free(group);
}

/** Capacity of all blocks of the group. */
export function groupBytes(arena: Arena, group: number): number {
  let bytes = 0;
  const add = (address: number): void => {
    bytes += arena.capacity(address);
  };
  const pending = idTree(arena).open(arena.getWord(group, PENDING));
  // Pending entries are all of one size.
  bytes += pending.weight * Arena.roundUp(PENDING_BYTES);
  pending.blocks(add);
  namesTree(arena).open(arena.getWord(group, CONSUMERS)).blocks(add);
  const own = idTree(arena);
  eachConsumer(arena, group, (name, root) => {
    own.open(root).blocks(add);
    add(name);
  });
  const records = arena.getWord(group, RECORDS);
  if (records !== 0) add(records);
  add(group);
  return bytes;
}

/** Yields every block of the group, each after all that is read from it; see Value.dismantle. */
export function* dismantleGroup(arena: Arena, group: number): Generator<number> {
  yield* idTree(arena).open(arena.getWord(group, PENDING)).dismantle(true);
  yield* namesTree(arena).open(arena.getWord(group, CONSUMERS)).dismantle(true);
  const records = arena.getWord(group, RECORDS);
  const used = arena.getWord(group, USED);
  for (let i = 0; i < used; i++) {
    if (arena.getWord(records, i * RECORD_WORDS) === 0) continue;
    yield* idTree(arena)
      .open(arena.getWord(records, i * RECORD_WORDS + 1))
      .dismantle(false);
  }
  if (records !== 0) yield records;
  yield group;
}

/** How many entries are pending in the group. */
export function pendingIn(arena: Arena, group: number): number {
  const root = arena.getWord(group, PENDING);
  return idTree(arena).open(root).weight;
}

/** A copy of the group with blocks of its own. */
export function copyGroup(arena: Arena, group: number): number {
  const bytes = GROUP_NAME + arena.getWord(group, GROUP_NAME_BYTES);
  const copy = copyBlock(arena, group, bytes);
  const used = arena.getWord(group, USED);
  if (arena.getWord(group, RECORDS) === 0) return copy;
  const records = copyBlock(arena, arena.getWord(group, RECORDS), used * RECORD_BYTES);
  arena.setWord(copy, RECORDS, records);
  eachConsumer(arena, group, (name, _root, record) => {
    const nameBytes = CONSUMER_NAME + arena.getWord(name, CONSUMER_NAME_BYTES);
    arena.setWord(records, record * RECORD_WORDS, copyBlock(arena, name, nameBytes));
    arena.setWord(records, record * RECORD_WORDS + 1, 0);
  });
  const names = namesTree(arena);
  const old = namesTree(arena).open(arena.getWord(group, CONSUMERS));
  for (let name = old.seekFirst(); name !== 0; name = old.next()) {
    names.append(arena.getWord(records, arena.getWord(name, 0) * RECORD_WORDS));
  }
  arena.setWord(copy, CONSUMERS, names.root);
  // In the order of IDs each consumer's tree grows at its end, too.
  const pending = idTree(arena);
  const own = idTree(arena);
  const from = idTree(arena).open(arena.getWord(group, PENDING));
  for (let item = from.seekFirst(); item !== 0; item = from.next()) {
    const twin = copyBlock(arena, item, PENDING_BYTES);
    pending.append(twin);
    const at = arena.getWord(item, CONSUMER) * RECORD_WORDS + 1;
    own.open(arena.getWord(records, at)).append(twin);
    arena.setWord(records, at, own.root);
  }
  arena.setWord(copy, PENDING, pending.root);
  return copy;
}

function copyBlock(arena: Arena, address: number, bytes: number): number {
  const copy = arena.alloc(bytes);
  copyBytes(arena.bytesOf(address), byteIndex(address), arena.bytesOf(copy), byteIndex(copy), bytes);
  return copy;
}
