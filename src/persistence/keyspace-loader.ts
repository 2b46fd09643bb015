/**
 * Puts what an RDB file holds into the keyspace. Function libraries, auxiliary data of modules and AUX fields, which are no
 * keys, are kept beside it (`LoadedExtras`) and written back by the next save.
 */
import { ConfigError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import type { RdbKey, RdbTarget } from '../formats/rdb/reader.js';
import type { Database, Keyspace } from '../keyspace/keyspace.js';
import {
  copyBytes,
  type Encoding,
  type ItemType,
  itemAlloc,
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

export class KeyspaceLoader implements RdbTarget {
  keysLoaded = 0;
  keysExpired = 0;
  emptyKeys = 0;
  /** AUX fields of the file, by name. */
  readonly fields = new Map<string, string>();

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
    const db = this.database(key);
    if (!this.makeRoom(db, key)) return false;
    const { buf, off, len } = key.bytes;
    const encoding = integer ? 1 : stringEncoding(value.buf, value.off, value.len);
    const { arena } = this.keyspace;
    const entry = itemAlloc(arena, encoding << 3, key.expireAtMs, buf, off, len, value.len);
    copyBytes(value.buf, value.off, arena.bytesOf(entry), itemValueIndex(arena, entry), value.len);
    this.add(db, key, entry);
    return true;
  }

  value(key: RdbKey, type: ItemType, encoding: Encoding, root: number): boolean {
    if (this.isOver(key)) {
      this.keyspace.freeValue(type, encoding, root);
      return true;
    }
    const db = this.database(key);
    if (!this.makeRoom(db, key)) return false;
    const { arena } = this.keyspace;
    const { buf, off, len } = key.bytes;
    const entry = itemAlloc(arena, type | (encoding << 3), key.expireAtMs, buf, off, len, 0);
    setItemRoot(arena, entry, root);
    this.add(db, key, entry);
    return true;
  }

  emptyKey(): void {
    this.emptyKeys++;
  }

  free(type: ItemType, encoding: Encoding, root: number): void {
    this.keyspace.freeValue(type, encoding, root);
  }

  private isOver(key: RdbKey): boolean {
    if (!this.options.dropExpired || !(key.expireAtMs < this.keyspace.now)) return false;
    this.keysExpired++;
    return true;
  }

  private database(key: RdbKey): Database {
    const db = this.keyspace.databases[key.db];
    if (db === undefined) {
      const have = this.keyspace.databases.length;
      throw new ConfigError(
        `the file holds keys of database ${key.db}, but there are ${have}: start with "databases ${key.db + 1}" or more`,
      );
    }
    return db;
  }

  /** Whether the key can be added, right after a `find` of it; with `replace` the one that is there goes. */
  private makeRoom(db: Database, key: RdbKey): boolean {
    const { buf, off, len } = key.bytes;
    if (db.find(buf, off, len) === 0) return true;
    if (!this.options.replace) return false;
    db.delete(buf, off, len);
    return db.find(buf, off, len) === 0;
  }

  private add(db: Database, key: RdbKey, entry: number): void {
    const { keyspace } = this;
    setItemLru(keyspace.arena, entry, keyspace.loadedLru(key.idleSeconds, key.frequency));
    db.insertMissed(entry);
    this.keysLoaded++;
  }
}
