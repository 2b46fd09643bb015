/**
 * Puts what an RDB file holds into the keyspace. Function libraries, auxiliary data of modules and AUX fields, which are no
 * keys, are kept beside it (`LoadedExtras`) and written back by the next save.
 */

import { copyBytes } from '../base/copy-bytes.js';
import { ConfigError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import { RdbKey, type RdbTarget } from '../formats/rdb/reader.js';
import type { Database, Keyspace } from '../keyspace/keyspace.js';
import { APPROACH_MAX } from '../memory/dict.js';
import { DUE_NEVER } from '../memory/dict-segment.js';
import { hashBytes } from '../memory/hash-function.js';
import {
  Encoding,
  hasRoot,
  ItemType,
  itemAlloc,
  itemEncoding,
  itemKeyBytes,
  itemKeyIndex,
  itemMeta,
  itemRoot,
  itemType,
  itemValueIndex,
  setItemLru,
  setItemRoot,
} from '../memory/item.js';
import { stringEncoding } from '../values/string.js';

/** What files hold besides keys. */
export interface LoadedExtras {
  /** Sources of function libraries. */
  libraries: Uint8Array[];
  /** Auxiliary data of modules, as RdbTarget.moduleAux gets it. */
  moduleAux: Uint8Array[];
}

export interface LoadOptions {
  /** Drop keys whose time is over (a server's own dump), or keep them (a base whose log goes on with them). */
  dropExpired: boolean;
  /** Replace a key that exists already (DEBUG RELOAD MERGE) instead of refusing the file. */
  replace: boolean;
}

/**
 * Entries that are put into the table together, in the order of their hashes, which is that of the table: so what is needed of
 * its memory lies near, and is waited for some at a time (Dict.approach).
 */
const BATCH = 65_536;
/** By so many of a hash's bits they are put in order: a few segments of the table each. */
const ORDER_BITS = 11;

export class KeyspaceLoader implements RdbTarget {
  keysLoaded = 0;
  keysExpired = 0;
  emptyKeys = 0;
  /** AUX fields of the file, by name. */
  readonly fields = new Map<string, string>();
  readonly twice = new RdbKey();
  /** The database of the entries that wait; null before the first one. */
  private db: Database | null = null;
  private waiting = 0;
  private readonly entries = new Uint32Array(BATCH);
  private readonly hashes = new Int32Array(BATCH);
  private readonly offsets = new Float64Array(BATCH);
  /** 1: the entry, or fields of it, expire. */
  private readonly expiring = new Uint8Array(BATCH);
  private readonly order = new Uint32Array(BATCH);
  private readonly starts = new Uint32Array((1 << ORDER_BITS) + 1);
  private readonly ahead = new Int32Array(APPROACH_MAX);

  constructor(
    private readonly keyspace: Keyspace,
    private readonly extras: LoadedExtras,
    private readonly options: LoadOptions,
  ) {}

  aux(name: string, value: Uint8Array): void {
    this.fields.set(name, Buffer.from(value).toString('latin1'));
  }

  resizeDb(db: number, keys: number): void {
    this.keyspace.databases[db]?.table.reserve(keys);
  }

  library(code: Uint8Array): void {
    this.extras.libraries.push(Uint8Array.from(code));
  }

  moduleAux(payload: Uint8Array): void {
    this.extras.moduleAux.push(Uint8Array.from(payload));
  }

  string(key: RdbKey, value: Slice, integer: boolean): boolean {
    if (this.isOver(key)) return true;
    if (!this.turnTo(key)) return false;
    const { buf, off, len } = key.bytes;
    const encoding = integer ? Encoding.INT : stringEncoding(value.buf, value.off, value.len);
    const { arena } = this.keyspace;
    const entry = itemAlloc(arena, ItemType.STRING | (encoding << 3), key.expireAtMs, buf, off, len, value.len);
    copyBytes(value.buf, value.off, arena.bytesOf(entry), itemValueIndex(arena, entry), value.len);
    return this.add(key, entry);
  }

  value(key: RdbKey, type: ItemType, encoding: Encoding, root: number): boolean {
    if (this.isOver(key)) {
      this.keyspace.freeValue(type, encoding, root);
      return true;
    }
    let kept = false;
    try {
      kept = this.turnTo(key);
    } finally {
      if (!kept) this.keyspace.freeValue(type, encoding, root);
    }
    if (!kept) return false;
    const { arena } = this.keyspace;
    const { buf, off, len } = key.bytes;
    let entry: number;
    try {
      entry = itemAlloc(arena, type | (encoding << 3), key.expireAtMs, buf, off, len, 0);
    } catch (error) {
      this.keyspace.freeValue(type, encoding, root);
      throw error;
    }
    setItemRoot(arena, entry, root);
    return this.add(key, entry);
  }

  emptyKey(): void {
    this.emptyKeys++;
  }

  /** Puts in what waits. Also when the file turns out to be damaged: what came before stays. */
  end(): boolean {
    return this.waiting === 0 || this.insertWaiting();
  }

  private isOver(key: RdbKey): boolean {
    if (!this.options.dropExpired || !(key.expireAtMs < this.keyspace.now)) return false;
    this.keysExpired++;
    return true;
  }

  /** Makes the key's database the one that entries wait for; false as `string` says. */
  private turnTo(key: RdbKey): boolean {
    if (this.db !== null && this.db.index === key.db) return true;
    const { databases } = this.keyspace;
    const db = databases[key.db];
    if (db === undefined) {
      throw new ConfigError(
        `the file holds keys of database ${key.db}, but there are ${databases.length}: start with "databases ${key.db + 1}" or more`,
      );
    }
    const allNew = this.end();
    this.db = db;
    return allNew;
  }

  /** Whatever has to be read of the entry is read here: later it would have to be waited for. */
  private add(key: RdbKey, entry: number): boolean {
    const { keyspace, waiting } = this;
    const { arena } = keyspace;
    setItemLru(arena, entry, keyspace.loadedLru(key.idleSeconds, key.frequency));
    const { buf, off, len } = key.bytes;
    this.entries[waiting] = entry;
    this.hashes[waiting] = hashBytes(buf, off, len);
    this.offsets[waiting] = key.offset;
    const fieldsExpire = itemType(arena, entry) === ItemType.HASH && keyspace.fieldsDue(entry) !== DUE_NEVER;
    this.expiring[waiting] = fieldsExpire || !Number.isNaN(key.expireAtMs) ? 1 : 0;
    this.waiting = waiting + 1;
    return this.waiting < BATCH || this.insertWaiting();
  }

  private insertWaiting(): boolean {
    const { entries, hashes, order, ahead, waiting } = this;
    const { table } = this.db!;
    this.putInOrder();
    this.waiting = 0;
    let allNew = true;
    let done = 0;
    try {
      while (done < waiting) {
        const count = Math.min(APPROACH_MAX, waiting - done);
        for (let i = 0; i < count; i++) ahead[i] = hashes[order[done + i]!]!;
        table.approach(ahead, count);
        for (let i = 0; i < count; i++, done++) if (!this.insert(order[done]!)) allNew = false;
      }
    } catch (error) {
      for (; done < waiting; done++) this.drop(entries[order[done]!]!);
      throw error;
    }
    return allNew;
  }

  private putInOrder(): void {
    const { hashes, order, starts, waiting } = this;
    const shift = 32 - ORDER_BITS;
    starts.fill(0);
    for (let i = 0; i < waiting; i++) starts[(hashes[i]! >>> shift) + 1]!++;
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    for (let i = 0; i < waiting; i++) order[starts[hashes[i]! >>> shift]!++] = i;
  }

  /** Puts the i-th entry into the table. False when its key is there, and must not be. */
  private insert(i: number): boolean {
    const { keyspace } = this;
    const db = this.db!;
    const entry = this.entries[i]!;
    const hash = this.hashes[i]!;
    if (db.table.findEqual(hash, entry) !== 0) {
      if (!this.options.replace) {
        this.noteTwice(i);
        this.drop(entry);
        return false;
      }
      const { arena } = keyspace;
      db.delete(arena.bytesOf(entry), itemKeyIndex(arena, entry), itemKeyBytes(arena, entry));
      db.table.findEqual(hash, entry);
    }
    if (this.expiring[i] !== 0 || keyspace.waits !== null) db.insertMissed(entry);
    else db.table.insert(entry);
    this.keysLoaded++;
    return true;
  }

  /** Frees an entry that is in no table. */
  private drop(entry: number): void {
    const { arena } = this.keyspace;
    if (hasRoot(itemMeta(arena, entry))) {
      this.keyspace.freeValue(itemType(arena, entry), itemEncoding(arena, entry), itemRoot(arena, entry));
    }
    arena.free(entry);
  }

  /** The first of them in the file is named. */
  private noteTwice(i: number): void {
    const { twice, keyspace } = this;
    const { arena } = keyspace;
    if (twice.offset > 0 && twice.offset < this.offsets[i]!) return;
    const entry = this.entries[i]!;
    const at = itemKeyIndex(arena, entry);
    const key = arena.bytesOf(entry).slice(at, at + itemKeyBytes(arena, entry));
    twice.bytes.set(key, 0, key.length);
    twice.db = this.db!.index;
    twice.offset = this.offsets[i]!;
  }
}
