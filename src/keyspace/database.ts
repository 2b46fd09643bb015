/**
 * One database: a dict of entries (items, see memory/item.ts) and how commands look them up, make them and take them away.
 *
 * The rules that keep snapshots right (memory/arena.ts, keyspace/capture.ts):
 *   1. An entry is changed only after `lookupWrite`: that hands it to a running snapshot first and owns its block.
 *   2. An entry's address may change by every call that returns an entry; use the one returned.
 *   3. Values are freed through `freeValue`, so that a snapshot that still reads them keeps them.
 */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/copy-bytes.js';
import type { Arena } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
import {
  Encoding,
  hasRoot,
  ItemType,
  itemAlloc,
  itemEncoding,
  itemHasSlot,
  itemKeyBytes,
  itemKeyIndex,
  itemKeyOffset,
  itemMeta,
  itemOverwrite,
  itemRoom,
  itemRoot,
  itemSlot,
  itemType,
  itemValueBytes,
  itemValueIndex,
  setItemEncoding,
  setItemRoot,
  setItemSlot,
  setItemValueBytes,
} from '../memory/item.js';
import type { Hash } from '../values/hash.js';
import type { Value } from '../values/value.js';
import type { Keyspace } from './keyspace.js';

/** Hash positions are 32-bit; this one lies behind all of them. */
export const POSITION_END = 2 ** 32;

/** A database's dict, with how far a running snapshot has walked it. */
export class Table extends Dict {
  /** Entries whose hash is below this position have been handed to the snapshot (POSITION_END: not part of one). */
  capturePosition = POSITION_END;
  /** Number of the database it belonged to when the snapshot began. */
  captureDb = 0;
  /** Entries with an expiry. */
  expires = 0;
  /** How many of them lie in each part of hash space, so that they are found where they are rare; null until there is one. */
  private expiresIn: Int32Array | null = null;
  /** Hashes that have fields with an expiry. */
  expiringHashes = 0;

  constructor(arena: Arena) {
    super(arena, 0, false);
    this.create();
  }

  /** The entry found or inserted last got (1) or lost (-1) its expiry, or comes or goes with it. */
  countExpiry(change: 1 | -1): void {
    this.countExpiryAt(this.foundPosition, change);
  }

  /** As `countExpiry`, of the entry at this position of hash space. */
  countExpiryAt(position: number, change: 1 | -1): void {
    this.expires += change;
    this.expiresIn ??= new Int32Array(PARTS);
    this.expiresIn[position >>> PART_SHIFT]! += change;
  }

  /** Some entries, as good as chance; `out` gets pairs [hash, address]. Returns how many: none only of an empty table. */
  sampleEntries(max: number, random: () => number, out: Uint32Array): number {
    if (this.count === 0) return 0;
    return this.sample(Math.floor(random() * POSITION_END), 0, POSITION_END, max, false, out);
  }

  /** Some entries with an expiry, as `sampleEntries`; one may come twice where they are rare. */
  sampleExpiring(max: number, random: () => number, out: Uint32Array): number {
    const { expiresIn } = this;
    if (this.expires === 0 || expiresIn === null) return 0;
    let found = 0;
    for (let tries = 0; tries < max && found < max; tries++) {
      let left = Math.floor(random() * this.expires);
      let part = 0;
      while (left >= expiresIn[part]!) left -= expiresIn[part++]!;
      const low = part * PART_WIDTH;
      const from = low + Math.floor(random() * PART_WIDTH);
      found += this.sample(from, low, low + PART_WIDTH, max - found, true, out.subarray(found * 2));
    }
    return found;
  }
}

/** Parts of hash space in which entries with an expiry are counted. */
const PARTS = 1024;
const PART_SHIFT = 22;
const PART_WIDTH = 1 << PART_SHIFT;

export class Database {
  table: Table;
  /** Smoothed mean time to live of the entries with an expiry, in milliseconds; kept by the expiry cycle. */
  averageTtlMs = 0;
  private readonly arena: Arena;

  constructor(
    readonly keyspace: Keyspace,
    readonly index: number,
  ) {
    this.arena = keyspace.arena;
    this.table = new Table(this.arena);
  }

  /** Number of keys, expired ones that nobody has met yet included. */
  get size(): number {
    return this.table.count;
  }
  /** Number of keys with an expiry. */
  get expires(): number {
    return this.table.expires;
  }
  /** Number of hashes that have fields with an expiry. */
  get expiringHashes(): number {
    return this.table.expiringHashes;
  }

  // --- lookup ------------------------------------------------------------------------------------------------------

  /** The entry whether expired or not, without touching statistics; 0 when there is none. */
  find(buf: Uint8Array, off: number, len: number): number {
    return this.table.find(buf, off, len);
  }

  /** The entry to read, or 0; an expired one is deleted first. Counts a hit or a miss and the access. */
  lookupRead(buf: Uint8Array, off: number, len: number): number {
    const entry = this.lookup(buf, off, len);
    const { keyspace } = this;
    if (entry === 0) {
      keyspace.misses++;
      if (keyspace.hooks.missed) keyspace.hooks.missed(this, buf.subarray(off, off + len));
      return 0;
    }
    keyspace.hits++;
    keyspace.touch(entry);
    return entry;
  }

  /** The entry or 0, an expired one deleted first; neither statistics nor access are touched. */
  lookup(buf: Uint8Array, off: number, len: number): number {
    const entry = this.table.find(buf, off, len);
    if (entry !== 0 && itemHasSlot(this.arena, entry) && this.isExpired(entry)) {
      if (this.keyspace.deletesExpired) this.deleteExpired(entry);
      return 0;
    }
    return entry;
  }

  /** The entry to change, or 0; handed to a running snapshot, owned, and counted as accessed. */
  lookupWrite(buf: Uint8Array, off: number, len: number): number {
    const entry = this.lookup(buf, off, len);
    if (entry === 0) return 0;
    this.keyspace.touch(entry);
    return this.prepareFound(entry);
  }

  /** Whether the entry's time is over and expiry is in force. */
  isExpired(entry: number): boolean {
    const { keyspace } = this;
    return keyspace.now > itemSlot(this.arena, entry) && keyspace.expiryInForce;
  }

  private deleteExpired(entry: number): void {
    const { keyspace } = this;
    keyspace.expiredKeys++;
    keyspace.hooks.expired(this, this.keyOf(entry));
    this.deleteEntry(entry, keyspace.lazyfree.expire);
  }

  /** Deletes the entry if its time is over, as a lookup would; for the expiry cycle. Returns whether it did. */
  expireEntry(entry: number): boolean {
    if (!itemHasSlot(this.arena, entry) || !this.isExpired(entry)) return false;
    this.deleteExpired(entry);
    return true;
  }

  /** Right after `find`: makes the entry ready for change (rule 1). */
  private prepareFound(entry: number): number {
    const { arena, table } = this;
    if (!arena.capturing || arena.isFresh(entry)) return entry;
    this.keyspace.handOver(table, entry);
    const owned = arena.own(entry);
    table.replaceFound(owned);
    return owned;
  }

  /** As `lookupWrite` for an entry at hand. */
  prepare(entry: number): number {
    if (!this.arena.capturing || this.arena.isFresh(entry)) return entry;
    const found = this.table.findItem(entry);
    assert(found, 'the entry is in its database');
    return this.prepareFound(entry);
  }

  // --- keys and expiry -------------------------------------------------------------------------------------------------

  /** A copy of the entry's key. */
  keyOf(entry: number): Uint8Array {
    const { arena } = this;
    const at = itemKeyIndex(arena, entry);
    return arena.bytesOf(entry).slice(at, at + itemKeyBytes(arena, entry));
  }

  /** When the entry expires, ms since 1970; NaN = never. */
  expireAt(entry: number): number {
    return itemSlot(this.arena, entry);
  }

  /** Sets when the entry expires; NaN = never. Returns the entry, which may have moved. */
  setExpire(entry: number, atMs: number): number {
    const { arena, table } = this;
    entry = this.prepare(entry);
    const had = itemHasSlot(arena, entry);
    const has = !Number.isNaN(atMs);
    const found = table.findItem(entry);
    assert(found, 'the entry is in its database');
    if (had && has) {
      setItemSlot(arena, entry, atMs);
    } else if (had !== has) {
      const moved = rebuild(
        arena,
        entry,
        atMs,
        arena.bytesOf(entry),
        itemKeyIndex(arena, entry),
        itemKeyBytes(arena, entry),
      );
      table.replaceFound(moved);
      arena.free(entry);
      entry = moved;
      table.countExpiry(has ? 1 : -1);
    }
    if (has) table.noteDue(dueSecond(atMs));
    return entry;
  }

  // --- strings ---------------------------------------------------------------------------------------------------------

  /**
   * Sets the key to a string, whatever it held before; an expired entry is deleted first.
   * @param encoding RAW, INT or EMBSTR
   * @param expireAtMs NaN = without expiry
   * Hot: no allocation outside of the arena.
   */
  setString(
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    encoding: Encoding,
    expireAtMs: number,
  ): number {
    const { arena, table } = this;
    let old = table.find(key, keyOff, keyLen);
    const has = !Number.isNaN(expireAtMs);
    if (old !== 0 && itemHasSlot(arena, old) && this.isExpired(old) && this.keyspace.deletesExpired) {
      this.deleteExpired(old);
      old = table.find(key, keyOff, keyLen);
    }
    let meta = encoding << 3;
    if (old === 0) {
      meta |= this.keyspace.newLru;
    } else {
      meta |= this.keyspace.replacedLru(itemMeta(arena, old));
      // The type of a string is 0, so what `itemOverwrite` keeps of a meta without root is right.
      if (arena.capturing && !arena.isFresh(old)) {
        this.keyspace.handOver(table, old);
      } else if (itemOverwrite(arena, old, meta, expireAtMs, value, valueOff, valueLen)) {
        if (has) table.noteDue(dueSecond(expireAtMs));
        return old;
      }
    }
    const entry = itemAlloc(arena, meta, expireAtMs, key, keyOff, keyLen, valueLen);
    copyBytes(value, valueOff, arena.bytesOf(entry), itemValueIndex(arena, entry), valueLen);
    if (old === 0) {
      table.insert(entry);
    } else {
      table.replaceFound(entry);
      if (itemHasSlot(arena, old)) table.countExpiry(-1);
      this.freeEntry(old, this.keyspace.lazyfree.serverDel);
    }
    if (has) {
      table.countExpiry(1);
      table.noteDue(dueSecond(expireAtMs));
    }
    return entry;
  }

  /**
   * Changes the length of a string entry (from `lookupWrite`) and keeps the bytes that both lengths have; new bytes are
   * zero. Grows ahead, so that appending again and again stays linear. Returns the entry, which may have moved; its
   * encoding is RAW now.
   */
  resizeString(entry: number, bytes: number): number {
    const { arena, table } = this;
    const oldBytes = itemValueBytes(arena, entry);
    const room = itemRoom(arena, entry);
    if (bytes <= room && room <= 4 * bytes + 1024) {
      setItemValueBytes(arena, entry, bytes);
    } else {
      const ahead =
        bytes > oldBytes ? Math.min(bytes + (oldBytes === 0 ? 0 : Math.min(bytes, 1 << 20)), STRING_MAX) : bytes;
      const keyBytes = itemKeyBytes(arena, entry);
      const moved = itemAlloc(
        arena,
        itemMeta(arena, entry),
        itemSlot(arena, entry),
        arena.bytesOf(entry),
        itemKeyIndex(arena, entry),
        keyBytes,
        bytes,
        Math.max(ahead, bytes),
      );
      const from = itemValueIndex(arena, entry);
      const kept = Math.min(oldBytes, bytes);
      arena.bytesOf(moved).set(arena.bytesOf(entry).subarray(from, from + kept), itemValueIndex(arena, moved));
      const found = table.findItem(entry);
      assert(found, 'the entry is in its database');
      table.replaceFound(moved);
      arena.free(entry);
      entry = moved;
    }
    if (bytes > oldBytes) {
      const at = itemValueIndex(arena, entry);
      arena.bytesOf(entry).fill(0, at + oldBytes, at + bytes);
    }
    setItemEncoding(arena, entry, Encoding.RAW);
    return entry;
  }

  // --- any type --------------------------------------------------------------------------------------------------------

  /** Adds an entry with a collection's root under a key that is absent. Returns the entry. */
  addValue(
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    type: ItemType,
    encoding: Encoding,
    root: number,
    expireAtMs: number,
  ): number {
    const meta = type | (encoding << 3) | this.keyspace.newLru;
    const entry = itemAlloc(this.arena, meta, expireAtMs, key, keyOff, keyLen, 0);
    setItemRoot(this.arena, entry, root);
    this.insertNew(entry);
    return entry;
  }

  /** Puts an entry, made with `itemAlloc`, into the database; its key is absent. */
  insertNew(entry: number): void {
    const found = this.table.findItem(entry);
    assert(!found, 'the key is absent');
    this.insertMissed(entry);
  }

  /** As `insertNew`, right after a `find` of the key that missed. */
  insertMissed(entry: number): void {
    const { arena, table } = this;
    table.insert(entry);
    if (itemHasSlot(arena, entry)) {
      table.countExpiry(1);
      table.noteDue(dueSecond(itemSlot(arena, entry)));
    }
    if (itemType(arena, entry) === ItemType.HASH) this.noteFields(false, this.keyspace.fieldsDue(entry));
    if (this.keyspace.waits !== null) this.keyspace.waits.added(this, entry);
  }

  /**
   * Right after a find or insert of a hash in the table: whether fields of it had an expiry, as the table counts it, and
   * the second at which the first of them is due (DUE_NEVER: none has one).
   */
  private noteFields(had: boolean, second: number): void {
    const { table } = this;
    const has = second !== DUE_NEVER;
    if (had !== has) table.expiringHashes += has ? 1 : -1;
    if (has) table.noteDue(second);
  }

  /** Deletes the key; returns whether it was there. Expired or not does not matter here. `lazily`: see Keyspace.freeValue. */
  delete(buf: Uint8Array, off: number, len: number, lazily = this.keyspace.lazyfree.serverDel): boolean {
    const entry = this.table.find(buf, off, len);
    if (entry === 0) return false;
    this.deleteFound(entry, lazily);
    return true;
  }

  /** Deletes an entry of this database. */
  deleteEntry(entry: number, lazily = this.keyspace.lazyfree.serverDel): void {
    const found = this.table.findItem(entry);
    assert(found, 'the entry is in its database');
    this.deleteFound(entry, lazily);
  }

  private deleteFound(entry: number, lazily: boolean): void {
    const { arena, table } = this;
    if (arena.capturing && !arena.isFresh(entry)) this.keyspace.handOver(table, entry);
    if (itemHasSlot(arena, entry)) table.countExpiry(-1);
    table.removeFound();
    this.freeEntry(entry, lazily);
  }

  /** Frees an entry's value and block; it is in no table any more (or replaced there) and handed over. */
  private freeEntry(entry: number, lazily: boolean): void {
    const { arena } = this;
    if (hasRoot(itemMeta(arena, entry))) {
      if (this.keyspace.waits !== null) this.keyspace.waits.removed(this, entry);
      const root = itemRoot(arena, entry);
      if (root !== 0) {
        this.uncountFields(entry);
        this.keyspace.freeValue(itemType(arena, entry), itemEncoding(arena, entry), root, lazily);
      }
    }
    arena.free(entry);
  }

  /** The entry is in the table no more. */
  private uncountFields(entry: number): void {
    if (itemType(this.arena, entry) !== ItemType.HASH) return;
    if (this.keyspace.fieldsDue(entry) !== DUE_NEVER) this.table.expiringHashes--;
  }

  /**
   * Moves an entry to another key, or database, or both; value, expiry and access time go along. The new key must be
   * absent there. Returns the new entry.
   */
  moveEntry(entry: number, target: Database, key: Uint8Array, keyOff: number, keyLen: number): number {
    const { arena, table } = this;
    entry = this.prepare(entry);
    const moved = rebuild(arena, entry, itemSlot(arena, entry), key, keyOff, keyLen);
    const found = table.findItem(entry);
    assert(found, 'the entry is in its database');
    if (itemHasSlot(arena, entry)) table.countExpiry(-1);
    this.uncountFields(entry);
    table.removeFound();
    if (this.keyspace.waits !== null) this.keyspace.waits.removed(this, entry);
    arena.free(entry);
    target.insertNew(moved);
    return moved;
  }

  /** Copies an entry to a key that is absent in `target`. Returns the new entry. */
  copyEntry(entry: number, target: Database, key: Uint8Array, keyOff: number, keyLen: number): number {
    const { arena, keyspace } = this;
    const copy = rebuild(arena, entry, itemSlot(arena, entry), key, keyOff, keyLen);
    if (hasRoot(itemMeta(arena, entry))) {
      setItemRoot(
        arena,
        copy,
        keyspace.copyValue(itemType(arena, entry), itemEncoding(arena, entry), itemRoot(arena, entry)),
      );
    }
    arena.setWord(copy, 0, (arena.getWord(copy, 0) & 0xff) | keyspace.newLru);
    target.insertNew(copy);
    return copy;
  }

  /** Stores what a handle, opened on a prepared entry, says now. */
  storeValue(entry: number, value: Value): void {
    const { arena } = this;
    setItemEncoding(arena, entry, value.encoding);
    setItemRoot(arena, entry, value.root);
    if (value.expiryChanged) this.storeExpiry(entry, value as Hash);
  }

  private storeExpiry(entry: number, hash: Hash): void {
    const found = this.table.findItem(entry);
    assert(found, 'the entry is in its database');
    this.noteFields(hash.hadFieldExpiry, hash.dueSecond);
    hash.expiryChanged = false;
  }

  /** Any key that is not expired, chosen at random; 0 when there is none. */
  randomEntry(random: () => number): number {
    for (let tries = 0; tries < 100 && this.size > 0; tries++) {
      const entry = this.table.randomItem(random);
      if (!this.isExpired(entry)) return entry;
      if (this.keyspace.deletesExpired) this.deleteExpired(entry);
      else if (this.expires === this.size) return entry;
    }
    return 0;
  }

  /** Visits every entry; no change to the database meanwhile. */
  forEach(visit: (entry: number) => void): void {
    for (let entry = this.table.first(); entry !== 0; entry = this.table.next()) visit(entry);
  }
}

export const STRING_MAX = 512 * 1024 * 1024;

/** A new item with another key or slot, and the same meta, value or root. The old one stays as it is. */
function rebuild(arena: Arena, entry: number, slot: number, key: Uint8Array, keyOff: number, keyLen: number): number {
  const bytes = itemValueBytes(arena, entry);
  const meta = itemMeta(arena, entry);
  const fresh = itemAlloc(arena, meta, slot, key, keyOff, keyLen, hasRoot(meta) ? 0 : bytes);
  if (hasRoot(meta)) {
    arena.setWord(fresh, (itemKeyOffset(arena, fresh) - 4) >>> 2, itemRoot(arena, entry));
  } else {
    const from = itemValueIndex(arena, entry);
    copyBytes(arena.bytesOf(entry), from, arena.bytesOf(fresh), itemValueIndex(arena, fresh), bytes);
  }
  return fresh;
}
