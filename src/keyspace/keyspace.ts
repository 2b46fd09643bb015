/**
 * The keyspace: all databases over one arena, what they share (clock, access times, statistics, value handles), and the
 * place where a running snapshot is told about entries before they change.
 */
import { assert } from '../base/assert.js';
import { Arena } from '../memory/arena.js';
import { Encoding, hasRoot, ItemType, itemLru, itemMeta, itemRoot, itemType, setItemLru } from '../memory/item.js';
import { Hash } from '../values/hash.js';
import { List } from '../values/list.js';
import { SetValue } from '../values/set.js';
import { Stream } from '../values/stream.js';
import type { Limits, Value } from '../values/value.js';
import { DEFAULT_LIMITS } from '../values/value.js';
import { ZSet } from '../values/zset.js';
import { Database, POSITION_END, Table } from './database.js';
import { Discarded } from './discarded.js';
import { FieldExpiry } from './field-expiry.js';
import type { KeyWaits, Waiter } from './key-waits.js';
import type { Lfu } from './lfu.js';
import { lostBytes } from './memory-usage.js';

export { Database } from './database.js';

export interface KeyspaceHooks {
  /** The key's time is over; it is deleted right after this call. Propagate its deletion, publish `expired`. */
  expired(db: Database, key: Uint8Array): void;
  /** A key that was to be read is not there; null or absent while nobody wants to know. */
  missed?: ((db: Database, key: Uint8Array) => void) | null;
  /** A field's time is over and it is gone from its hash: propagate its deletion. Its bytes are valid during the call. */
  fieldExpired?(db: Database, key: Uint8Array, field: Uint8Array): void;
  /** After fields of a hash have expired: publish `hexpired`, and `del` when the hash is gone with its last field. */
  fieldsExpired?(db: Database, key: Uint8Array, emptied: boolean): void;
}

/** A running snapshot, as the keyspace sees it (capture.ts). */
export interface CaptureTarget {
  /** Entry `entry` of database `db` goes to the snapshot now, before it changes. */
  handOver(db: number, entry: number): void;
  /** Frees what the worker has done with by now. */
  advance(): void;
}

/** The lazyfree-lazy-* directives. */
export interface LazyFree {
  eviction: boolean;
  expire: boolean;
  serverDel: boolean;
  userDel: boolean;
  userFlush: boolean;
}

export class Keyspace {
  readonly arena: Arena;
  readonly databases: Database[] = [];
  readonly limits: Limits;
  readonly hooks: KeyspaceHooks;

  /** Milliseconds since 1970; set before each command. */
  now = 0;
  /** False while the log is replayed: then nothing is expired. */
  expiryInForce = true;
  /** A replica: expired keys count as missing, and the primary deletes them. */
  followsPrimary = false;
  /** During CLIENT PAUSE nothing changes by itself: expired keys count as missing, and are deleted later. */
  standsStill = false;
  /** Access clock in bits 8-31 of an entry's meta for new entries: LRU seconds, or the LFU bits of a new key. */
  newLru = 0;
  /** Whether reads update the access clock; CLIENT NO-TOUCH turns it off for a command. */
  touches = true;
  private lruClock = 0;
  private lfu: Lfu | null = null;

  hits = 0;
  misses = 0;
  expiredKeys = 0;
  expiredFields = 0;
  /** Deletes fields of hashes whose time is over. */
  readonly fieldExpiry: FieldExpiry;

  /** The running snapshot. */
  capture: CaptureTarget | null = null;
  /** Told of keys that come and go; null while nobody waits for one. */
  waits: KeyWaits<Waiter> | null = null;
  /** Tables of flushed databases, and large values, that wait to be freed in slices. */
  readonly discarded: Discarded;
  /** What is freed lazily besides UNLINK and ASYNC; see `freeValue`. */
  readonly lazyfree: LazyFree = {
    eviction: false,
    expire: false,
    serverDel: false,
    userDel: false,
    userFlush: false,
  };

  // Handles that all commands share; see Value.
  private readonly list: List;
  private readonly hash: Hash;
  private readonly set: SetValue;
  private readonly zset: ZSet;
  private readonly stream: Stream;
  // Handles for freeing, so that freeing one key does not close a handle open on another.
  private readonly freeList: List;
  private readonly freeHash: Hash;
  private readonly freeSet: SetValue;
  private readonly freeZset: ZSet;
  private readonly freeStream: Stream;

  constructor(hooks: KeyspaceHooks, databases = 16, limits: Limits = { ...DEFAULT_LIMITS }, arena = new Arena()) {
    this.hooks = hooks;
    this.limits = limits;
    this.arena = arena;
    this.discarded = new Discarded(arena);
    this.list = new List(arena, limits);
    this.hash = new Hash(arena, limits);
    this.set = new SetValue(arena, limits);
    this.zset = new ZSet(arena, limits);
    this.stream = new Stream(arena, limits);
    this.freeList = new List(arena, limits);
    this.freeHash = new Hash(arena, limits);
    this.freeSet = new SetValue(arena, limits);
    this.freeZset = new ZSet(arena, limits);
    this.freeStream = new Stream(arena, limits);
    for (let i = 0; i < databases; i++) this.databases.push(new Database(this, i));
    this.fieldExpiry = new FieldExpiry(this);
  }

  /** Number of keys in all databases. */
  get size(): number {
    let size = 0;
    for (const db of this.databases) size += db.size;
    return size;
  }

  /** Whether hash fields with an expiry are there: only RDB version 12 and later can hold them. */
  get hasFieldExpiry(): boolean {
    return this.databases.some((db) => db.expiringHashes > 0);
  }

  /** Whether whoever meets an expired key deletes it. */
  get deletesExpired(): boolean {
    return !this.followsPrimary && !this.standsStill;
  }

  // --- access clock ----------------------------------------------------------------------------------------------------

  /** Sets `now` and the access clock that follows from it. */
  setNow(nowMs: number): void {
    this.now = nowMs;
    this.lruClock = Math.floor(nowMs / 1000) & 0xffffff;
    if (this.lfu === null) {
      this.newLru = this.lruClock << 8;
    } else {
      this.lfu.setNow(nowMs);
      this.newLru = this.lfu.initial << 8;
    }
  }

  /** From here on accesses are counted by `lfu`, or with null the time of the last one is kept (LRU). */
  useLfu(lfu: Lfu | null): void {
    this.lfu = lfu;
    this.setNow(this.now);
  }

  /** Whether entries count accesses (LFU) instead of keeping the time of the last one. */
  get usesLfu(): boolean {
    return this.lfu !== null;
  }

  touch(entry: number): void {
    if (!this.touches) return;
    const { arena } = this;
    if (this.lfu !== null) setItemLru(arena, entry, this.lfu.accessed(itemLru(arena, entry)));
    else if (itemLru(arena, entry) !== this.lruClock) setItemLru(arena, entry, this.lruClock);
  }

  /**
   * Access clock in bits 8-31 for an entry that takes the place of one with this meta, under the same key: an access that goes
   * on counting.
   */
  replacedLru(meta: number): number {
    if (!this.touches) return meta & ~0xff;
    return this.lfu === null ? this.newLru : this.lfu.accessed(meta >>> 8) << 8;
  }

  /** The access clock of an entry that a file says was idle for so long, or has this LFU counter (-1: says nothing). */
  loadedLru(idleSeconds: number, frequency: number): number {
    if (this.lfu !== null) return frequency < 0 ? this.newLru >>> 8 : ((this.newLru >>> 8) & 0xffff00) | frequency;
    return idleSeconds < 0 ? this.lruClock : (this.lruClock - idleSeconds) & 0xffffff;
  }

  /** How often the entry is accessed, 0..255, as OBJECT FREQ answers; only under LFU. */
  frequency(entry: number): number {
    const { lfu } = this;
    assert(lfu !== null, 'accesses are counted');
    return lfu.counter(itemLru(this.arena, entry));
  }

  /** Seconds since the entry was accessed, as OBJECT IDLETIME answers. */
  idleSeconds(entry: number): number {
    return (this.lruClock - itemLru(this.arena, entry)) & 0xffffff;
  }

  // --- handles ---------------------------------------------------------------------------------------------------------

  /** The shared handle of the entry's type, opened on it. A string entry has none. */
  open(entry: number): Value {
    const handle = this.handleOf(itemType(this.arena, entry));
    return this.openOn(handle, entry);
  }
  openList(entry: number): List {
    return this.openOn(this.list, entry);
  }
  openHash(entry: number): Hash {
    return this.openOn(this.hash, entry);
  }
  openSet(entry: number): SetValue {
    return this.openOn(this.set, entry);
  }
  openZset(entry: number): ZSet {
    return this.openOn(this.zset, entry);
  }
  openStream(entry: number): Stream {
    return this.openOn(this.stream, entry);
  }

  /** The shared handle with a new, empty value that no key holds yet. */
  createList(): List {
    this.list.entry = 0;
    return this.list.create();
  }
  createHash(): Hash {
    this.hash.entry = 0;
    return this.hash.create();
  }
  createSet(): SetValue {
    this.set.entry = 0;
    return this.set.create();
  }
  createZset(): ZSet {
    this.zset.entry = 0;
    return this.zset.create();
  }
  createStream(): Stream {
    this.stream.entry = 0;
    return this.stream.create();
  }

  /** Handles of one's own, opened on `entry`, or closed for 0. */
  newList(entry = 0): List {
    const handle = new List(this.arena, this.limits);
    return entry === 0 ? handle : this.openOn(handle, entry);
  }
  newHash(entry = 0): Hash {
    const handle = new Hash(this.arena, this.limits);
    return entry === 0 ? handle : this.openOn(handle, entry);
  }
  newSet(entry = 0): SetValue {
    const handle = new SetValue(this.arena, this.limits);
    return entry === 0 ? handle : this.openOn(handle, entry);
  }
  newZset(entry = 0): ZSet {
    const handle = new ZSet(this.arena, this.limits);
    return entry === 0 ? handle : this.openOn(handle, entry);
  }
  newStream(entry = 0): Stream {
    const handle = new Stream(this.arena, this.limits);
    return entry === 0 ? handle : this.openOn(handle, entry);
  }

  /** When the first field of the hash is due, in seconds since 1970; DUE_NEVER: no field has an expiry. */
  fieldsDue(entry: number): number {
    return this.openOn(this.freeHash, entry).dueSecond;
  }

  /** A handle of one's own on another entry. */
  openOn<V extends Value>(handle: V, entry: number): V {
    const { arena } = this;
    handle.entry = entry;
    handle.open(((itemMeta(arena, entry) >>> 3) & 7) as Encoding, itemRoot(arena, entry));
    return handle;
  }

  private handleOf(type: ItemType): Value {
    switch (type) {
      case ItemType.LIST:
        return this.list;
      case ItemType.HASH:
        return this.hash;
      case ItemType.SET:
        return this.set;
      case ItemType.STREAM:
        return this.stream;
      default:
        assert(type === ItemType.ZSET, 'a collection type');
        return this.zset;
    }
  }

  /**
   * Frees a value that no entry holds any more; a large one in slices. What is asked to be freed lazily is so from the size on
   * from which Redis leaves it to another thread, anything else only where it would take long.
   */
  freeValue(type: ItemType, encoding: Encoding, root: number, lazily = false): void {
    if (isOneBlock(encoding)) {
      this.arena.free(root);
      return;
    }
    const handle = this.freeHandleOf(type).open(encoding, root);
    if (handle.effort <= (lazily ? FREED_AT_ONCE_LAZILY_MAX : FREED_AT_ONCE_MAX)) handle.release();
    else this.discarded.add(this.newHandle(type).open(encoding, root).dismantle(), 1);
  }

  /** Frees blocks that were a part of a value; if they are many, in slices. */
  freeBlocks(blocks: Generator<number>): void {
    for (let freed = 0; freed < FREED_AT_ONCE_MAX; freed++) {
      const next = blocks.next();
      if (next.done === true) return;
      this.arena.free(next.value);
    }
    this.discarded.add(blocks, 1);
  }

  private newHandle(type: ItemType): Value {
    const { arena, limits } = this;
    if (type === ItemType.LIST) return new List(arena, limits);
    if (type === ItemType.HASH) return new Hash(arena, limits);
    if (type === ItemType.SET) return new SetValue(arena, limits);
    if (type === ItemType.STREAM) return new Stream(arena, limits);
    return new ZSet(arena, limits);
  }

  /** A deep copy of a value; returns its root. */
  copyValue(type: ItemType, encoding: Encoding, root: number): number {
    if (isOneBlock(encoding)) {
      const { arena } = this;
      const copy = arena.alloc(arena.capacity(root));
      const bytes = Math.min(arena.capacity(root), arena.capacity(copy));
      for (let word = 0; word < bytes >>> 2; word++) arena.setWord(copy, word, arena.getWord(root, word));
      return copy;
    }
    return this.freeHandleOf(type).open(encoding, root).copyRoot();
  }

  private freeHandleOf(type: ItemType): Value {
    switch (type) {
      case ItemType.LIST:
        return this.freeList;
      case ItemType.HASH:
        return this.freeHash;
      case ItemType.SET:
        return this.freeSet;
      case ItemType.STREAM:
        return this.freeStream;
      default:
        assert(type === ItemType.ZSET, 'a collection type');
        return this.freeZset;
    }
  }

  // --- snapshots -------------------------------------------------------------------------------------------------------

  /** Hands the entry just found in `table` to the running snapshot unless the walk has passed it. */
  handOver(table: Table, entry: number): void {
    const { capture } = this;
    if (capture === null || table.capturePosition === POSITION_END) return;
    if (table.foundPosition < table.capturePosition) return;
    capture.handOver(table.captureDb, entry);
  }

  /** The tables that hold entries now, with the number of their database: what a snapshot has to walk. */
  tables(): { db: number; table: Table }[] {
    return this.databases.map((db) => ({ db: db.index, table: db.table }));
  }

  // --- whole databases -------------------------------------------------------------------------------------------------

  /** Exchanges the content of two databases. */
  swap(a: Database, b: Database): void {
    const { waits } = this;
    if (waits !== null) {
      waits.databaseGoes(a, b);
      waits.databaseGoes(b, a);
    }
    const table = a.table;
    a.table = b.table;
    b.table = table;
    const ttl = a.averageTtlMs;
    a.averageTtlMs = b.averageTtlMs;
    b.averageTtlMs = ttl;
    if (waits !== null) {
      waits.databaseCame(a);
      waits.databaseCame(b);
    }
  }

  /** Empties a database at once; returns how many keys it had. The memory is given back here, or by `freeSlice`. */
  flush(db: Database, lazily: boolean): number {
    const { table } = db;
    const size = table.count;
    if (this.waits !== null) this.waits.databaseGoes(db, null);
    db.table = new Table(this.arena);
    this.discarded.addTable(table, this.dismantleTable(table), size, () => lostBytes(this, table));
    if (!lazily) this.freeSlice(Number.POSITIVE_INFINITY);
    return size;
  }

  /** Frees up to `blocksMax` blocks of what waits to be freed. Returns whether nothing is left that can be freed now. */
  freeSlice(blocksMax: number): boolean {
    this.discarded.free(blocksMax);
    return this.discarded.settle();
  }

  /** All blocks of a table that nobody uses any more: its values', its entries and its own. See Value.dismantle. */
  private dismantleTable(table: Table): Generator<number> {
    const { arena } = this;
    return table.dismantle((entry) => {
      const meta = itemMeta(arena, entry);
      if (!hasRoot(meta)) return null;
      const encoding = ((meta >>> 3) & 7) as Encoding;
      const root = itemRoot(arena, entry);
      if (isOneBlock(encoding)) return [root];
      return this.newHandle((meta & 7) as ItemType)
        .open(encoding, root)
        .dismantle();
    });
  }

  // --- audit -----------------------------------------------------------------------------------------------------------

  /**
   * Visits every block that databases, entries and values hold. With no snapshot running and nothing discarded these are
   * all there are.
   */
  blocks(visit: (address: number) => void): void {
    const { arena } = this;
    for (const { table } of this.databases) {
      table.blocks(visit);
      for (let entry = table.first(); entry !== 0; entry = table.next()) {
        visit(entry);
        const meta = itemMeta(arena, entry);
        if (!hasRoot(meta)) continue;
        const encoding = ((meta >>> 3) & 7) as Encoding;
        const root = itemRoot(arena, entry);
        if (isOneBlock(encoding)) visit(root);
        else
          this.freeHandleOf((meta & 7) as ItemType)
            .open(encoding, root)
            .blocks(visit);
      }
    }
  }
}

/** Larger values are freed in slices; and so they are from here on when they are to be freed lazily. */
const FREED_AT_ONCE_MAX = 1024;
const FREED_AT_ONCE_LAZILY_MAX = 64;

function isOneBlock(encoding: Encoding): boolean {
  return encoding === Encoding.LISTPACK || encoding === Encoding.INTSET || encoding === Encoding.BLOB;
}
