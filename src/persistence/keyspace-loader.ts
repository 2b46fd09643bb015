/**
 * Puts what an RDB file holds into the keyspace. Function libraries, auxiliary data of modules and AUX fields, which are no
 * keys, are kept beside it (`LoadedExtras`) and written back by the next save.
 */

import { copyBytes } from '../base/copy-bytes.js';
import { ConfigError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import { RdbKey, type RdbTarget } from '../formats/rdb/reader.js';
import type { Database, Keyspace } from '../keyspace/keyspace.js';
import type { Arena } from '../memory/arena.js';
import { BATCH_MAX, DictBatch, DictFiller } from '../memory/dict-filler.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
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

/** Who puts batches into the table while the next ones are made: the load's helper, with a thread of its own. */
export interface TableHelper {
  /** Batches that are made in turns: the n-th one that is posted is `batches[n % batches.length]`. */
  readonly batches: readonly DictBatch[];
  /** The next batch is to be put in. Until it is complete, nobody changes the table but between `lock` and `unlock`. */
  post(arena: Arena): void;
  /** Waits until the n-th batch that was posted is put in, or puts it in. */
  complete(n: number, arena: Arena, filler: DictFiller): void;
  /** Waits until nobody writes to the table, and keeps it so. */
  lock(): void;
  unlock(arena: Arena): void;
}

/** What the loader has to know of entries that a batch holds. */
class Notes {
  /** Where each stands in the file. */
  readonly offsets: Float64Array;
  /** What of it expires: KEY, FIELDS. */
  readonly expiring: Uint8Array;
  /** Whether any does. */
  anyExpires = false;

  constructor(room: number) {
    this.offsets = new Float64Array(room);
    this.expiring = new Uint8Array(room);
  }
}
const KEY = 1;
const FIELDS = 2;
/** Entries that are left at the most: a batch's, and what was left before. */
const LEFT_MAX = 2 * BATCH_MAX;

export class KeyspaceLoader implements RdbTarget {
  keysLoaded = 0;
  keysExpired = 0;
  emptyKeys = 0;
  /** AUX fields of the file, by name. */
  readonly fields = new Map<string, string>();
  readonly twice = new RdbKey();
  /** The database of the entries that wait; null before the first one. */
  private db: Database | null = null;
  private readonly filler = new DictFiller();
  private readonly helper: TableHelper | null;
  private readonly batches: readonly DictBatch[];
  private readonly notes: readonly Notes[];
  /** Batches that are to be put into the table; after them comes the one that is being made, of `count` entries so far. */
  private posted = 0;
  private batch: DictBatch;
  private note: Notes;
  private count = 0;
  /** Batches that are in the table, but for what was left of them. */
  private finished = 0;
  /** What was left: the table has to make room for it, or holds the key already. */
  private readonly left = new Uint32Array(LEFT_MAX);
  private readonly leftHashes = new Int32Array(LEFT_MAX);
  private readonly leftNotes = new Notes(LEFT_MAX);
  private leftCount = 0;

  /** @param helper null: batches are put in here */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly extras: LoadedExtras,
    private readonly options: LoadOptions,
    helper: TableHelper | null = null,
  ) {
    // What may replace others has to be looked at one by one.
    this.helper = options.replace ? null : helper;
    this.batches = this.helper?.batches ?? [new DictBatch()];
    this.notes = this.batches.map(() => new Notes(BATCH_MAX));
    this.batch = this.batches[0]!;
    this.note = this.notes[0]!;
  }

  aux(name: string, value: Uint8Array): void {
    this.fields.set(name, Buffer.from(value).toString('latin1'));
  }

  resizeDb(db: number, keys: number): void {
    // Entries that wait for this table rely on what it is.
    if (this.db !== null && this.db.index === db) return;
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

  /** Puts in what waits. Also when the file turns out to be damaged: what came before stays. False as `string` says. */
  end(): boolean {
    let allNew = true;
    let failed: unknown = null;
    const attempt = (step: () => boolean): void => {
      try {
        if (!step()) allNew = false;
      } catch (error) {
        failed ??= error;
      }
    };
    if (this.count > 0) attempt(() => this.post());
    while (this.finished < this.posted) attempt(() => this.finish());
    attempt(() => this.insertLeft());
    if (failed !== null) throw failed;
    return allNew;
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
    const { keyspace, batch, note, count } = this;
    const { arena } = keyspace;
    setItemLru(arena, entry, keyspace.loadedLru(key.idleSeconds, key.frequency));
    const { buf, off, len } = key.bytes;
    batch.items[count] = entry;
    batch.hashes[count] = hashBytes(buf, off, len);
    note.offsets[count] = key.offset;
    let expiring = 0;
    let due = DUE_NEVER;
    if (!Number.isNaN(key.expireAtMs)) {
      expiring = KEY;
      due = dueSecond(key.expireAtMs);
    }
    if (itemType(arena, entry) === ItemType.HASH) {
      const fields = keyspace.fieldsDue(entry);
      if (fields !== DUE_NEVER) expiring |= FIELDS;
      if (fields < due) due = fields;
    }
    batch.dues[count] = due;
    note.expiring[count] = expiring;
    if (expiring !== 0) note.anyExpires = true;
    this.count = count + 1;
    return this.count < BATCH_MAX || this.post();
  }

  /** The batch that was being made is to be put in; another one is begun. False as `string` says. */
  private post(): boolean {
    const { helper, batch, batches } = this;
    const { arena } = this.keyspace;
    batch.count = this.count;
    batch.root = this.db!.table.root;
    if (this.options.replace) leaveAll(batch);
    else if (helper === null) this.filler.fill(arena, batch);
    else helper.post(arena);
    this.posted++;
    this.count = 0;
    const next = this.posted % batches.length;
    this.batch = batches[next]!;
    this.note = this.notes[next]!;
    const allNew = this.posted - this.finished < batches.length || this.finish();
    this.note.anyExpires = false;
    return allNew;
  }

  /** Takes note of the oldest batch that was posted, and of what is left of it. False as `string` says. */
  private finish(): boolean {
    const { keyspace, left, leftHashes, leftNotes } = this;
    const { waits } = keyspace;
    const n = this.finished++;
    const batch = this.batches[n % this.batches.length]!;
    const note = this.notes[n % this.batches.length]!;
    this.helper?.complete(n, keyspace.arena, this.filler);
    const { count, leftCount, items, hashes } = batch;
    for (let i = 0; i < leftCount; i++) {
      const at = batch.left[i]!;
      const to = this.leftCount++;
      left[to] = items[at]!;
      leftHashes[to] = hashes[at]!;
      leftNotes.offsets[to] = note.offsets[at]!;
      leftNotes.expiring[to] = note.expiring[at]!;
      note.expiring[at] = 0;
      items[at] = 0;
    }
    this.keysLoaded += count - leftCount;
    if (note.anyExpires) this.countExpiring(batch, note);
    if (waits !== null) for (let i = 0; i < count; i++) if (items[i] !== 0) waits.added(this.db!, items[i]!);
    return this.leftCount <= LEFT_MAX - BATCH_MAX || this.insertLeft();
  }

  private countExpiring(batch: DictBatch, { expiring }: Notes): void {
    const { table } = this.db!;
    for (let i = 0; i < batch.count; i++) {
      if ((expiring[i]! & KEY) !== 0) table.countExpiryAt(batch.hashes[i]!, 1);
      if ((expiring[i]! & FIELDS) !== 0) table.expiringHashes++;
    }
  }

  /** Puts in what was left of batches. False as `string` says. */
  private insertLeft(): boolean {
    const { left, leftCount, helper } = this;
    if (leftCount === 0) return true;
    this.leftCount = 0;
    let allNew = true;
    let done = 0;
    helper?.lock();
    try {
      for (; done < leftCount; done++) if (!this.insert(done)) allNew = false;
    } catch (error) {
      for (; done < leftCount; done++) this.drop(left[done]!);
      throw error;
    } finally {
      helper?.unlock(this.keyspace.arena);
    }
    return allNew;
  }

  /** Puts the i-th of the entries that were left into the table. False when its key is there, and must not be. */
  private insert(i: number): boolean {
    const { keyspace } = this;
    const db = this.db!;
    const entry = this.left[i]!;
    const hash = this.leftHashes[i]!;
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
    if (this.leftNotes.expiring[i] !== 0 || keyspace.waits !== null) db.insertMissed(entry);
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
    const offset = this.leftNotes.offsets[i]!;
    if (twice.offset > 0 && twice.offset < offset) return;
    const entry = this.left[i]!;
    const at = itemKeyIndex(arena, entry);
    const key = arena.bytesOf(entry).slice(at, at + itemKeyBytes(arena, entry));
    twice.bytes.set(key, 0, key.length);
    twice.db = this.db!.index;
    twice.offset = offset;
  }
}

function leaveAll(batch: DictBatch): void {
  const { count, left } = batch;
  for (let i = 0; i < count; i++) left[i] = i;
  batch.leftCount = count;
}
