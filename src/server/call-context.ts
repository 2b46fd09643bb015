/**
 * The Context that handlers run on: finds keys, keeps what the running command says about its effects.
 *
 * Hot: nothing here makes an object for a command that changes one key and is propagated as it came.
 */
import { Slice } from '../base/slice.js';
import type { Context, NotifyClass } from '../commands/context.js';
import { WRONG_TYPE } from '../commands/errors.js';
import type { Session } from '../commands/session.js';
import { Args } from '../formats/resp/args.js';
import { ReplyWriter } from '../formats/resp/reply.js';
import type { Database, Keyspace } from '../keyspace/keyspace.js';
import type { Watches } from '../keyspace/watch.js';
import { ItemType, itemType } from '../memory/item.js';
import type { Hash } from '../values/hash.js';
import { List } from '../values/list.js';
import { SetValue } from '../values/set.js';
import { Stream } from '../values/stream.js';
import type { Value } from '../values/value.js';
import { ZSet } from '../values/zset.js';

/** Told of keyspace events; null while nobody wants them. */
export type EventHook = (cls: NotifyClass, event: string, db: number, key: Uint8Array) => void;

export class CallContext implements Context {
  db: Database;
  out = new ReplyWriter();
  now = 0;
  replaying = false;
  readonly s1 = new Slice();
  readonly s2 = new Slice();

  /** Changes since the last save, as INFO counts them. */
  dirty = 0;
  /** Commands to propagate instead of the running one. */
  rewrites: Args[] = [];
  listens = true;
  /** The running command propagates nothing; propagates though it changed nothing. */
  isSilent = false;
  isForced = false;
  events: EventHook | null = null;
  /** Told of keys that a command changed; null while no client caches any. */
  invalidate: ((key: Uint8Array) => void) | null = null;

  constructor(
    readonly keyspace: Keyspace,
    readonly watches: Watches<Session>,
  ) {
    this.db = keyspace.databases[0]!;
  }

  mayReadEveryKey(_a: Args): boolean {
    return true;
  }

  // --- lookup --------------------------------------------------------------------------------------------------------

  read(a: Args, i: number): number {
    return this.db.lookupRead(a.buf, a.off[i]!, a.len[i]!);
  }
  readType(a: Args, i: number, type: ItemType): number {
    const entry = this.db.lookupRead(a.buf, a.off[i]!, a.len[i]!);
    if (entry !== 0 && itemType(this.keyspace.arena, entry) !== type) throw WRONG_TYPE;
    return entry;
  }
  write(a: Args, i: number): number {
    return this.db.lookupWrite(a.buf, a.off[i]!, a.len[i]!);
  }
  writeType(a: Args, i: number, type: ItemType): number {
    const entry = this.db.lookupWrite(a.buf, a.off[i]!, a.len[i]!);
    if (entry !== 0 && itemType(this.keyspace.arena, entry) !== type) throw WRONG_TYPE;
    return entry;
  }

  // --- collections -----------------------------------------------------------------------------------------------------

  listToRead(a: Args, i: number): List | null {
    const entry = this.readType(a, i, ItemType.LIST);
    return entry === 0 ? null : this.keyspace.openList(entry);
  }
  listToWrite(a: Args, i: number, create: boolean): List | null {
    const entry = this.writeType(a, i, ItemType.LIST);
    if (entry !== 0) return this.keyspace.openList(entry);
    return create ? this.keyspace.createList() : null;
  }
  hashToRead(a: Args, i: number): Hash | null {
    const entry = this.readType(a, i, ItemType.HASH);
    return entry === 0 ? null : this.keyspace.openHash(entry);
  }
  hashToWrite(a: Args, i: number, create: boolean): Hash | null {
    const entry = this.writeType(a, i, ItemType.HASH);
    if (entry !== 0) return this.keyspace.openHash(entry);
    return create ? this.keyspace.createHash() : null;
  }
  setToRead(a: Args, i: number): SetValue | null {
    const entry = this.readType(a, i, ItemType.SET);
    return entry === 0 ? null : this.keyspace.openSet(entry);
  }
  setToWrite(a: Args, i: number, create: boolean): SetValue | null {
    const entry = this.writeType(a, i, ItemType.SET);
    if (entry !== 0) return this.keyspace.openSet(entry);
    return create ? this.keyspace.createSet() : null;
  }
  zsetToRead(a: Args, i: number): ZSet | null {
    const entry = this.readType(a, i, ItemType.ZSET);
    return entry === 0 ? null : this.keyspace.openZset(entry);
  }
  zsetToWrite(a: Args, i: number, create: boolean): ZSet | null {
    const entry = this.writeType(a, i, ItemType.ZSET);
    if (entry !== 0) return this.keyspace.openZset(entry);
    return create ? this.keyspace.createZset() : null;
  }

  streamToRead(a: Args, i: number): Stream | null {
    const entry = this.readType(a, i, ItemType.STREAM);
    return entry === 0 ? null : this.keyspace.openStream(entry);
  }
  streamToWrite(a: Args, i: number, create: boolean): Stream | null {
    const entry = this.writeType(a, i, ItemType.STREAM);
    if (entry !== 0) return this.keyspace.openStream(entry);
    return create ? this.keyspace.createStream() : null;
  }

  commit(a: Args, i: number, value: Value): boolean {
    const { db } = this;
    if (value.entry === 0) {
      if (value.isEmpty) {
        value.release();
        return true;
      }
      const off = a.off[i]!;
      value.entry = db.addValue(a.buf, off, a.len[i]!, typeOf(value), value.encoding, value.root, Number.NaN);
      value.expiryChanged = false;
      if (this.events !== null) this.events('n', 'new', db.index, a.bytes(i));
      return false;
    }
    db.storeValue(value.entry, value);
    if (!value.isEmpty) return false;
    this.commitEmpty(a, i, value);
    return true;
  }

  commitEmpty(a: Args, i: number, value: Value): void {
    const { db } = this;
    db.deleteEntry(value.entry);
    value.entry = 0;
    if (this.events !== null) this.events('g', 'del', db.index, a.bytes(i));
  }

  // --- effects -----------------------------------------------------------------------------------------------------------

  changed(a: Args, i: number, cls: NotifyClass, event: string, count = 1): void {
    this.dirty += count;
    if (this.watches.isEmpty && this.events === null && this.invalidate === null) return;
    const key = a.bytes(i);
    this.watches.touch(this.db.index, key);
    if (this.invalidate !== null) this.invalidate(key);
    if (this.events !== null) this.events(cls, event, this.db.index, key);
  }
  changedKey(db: Database, key: Uint8Array, cls: NotifyClass, event: string, count = 1): void {
    this.dirty += count;
    this.watches.touch(db.index, key);
    if (this.invalidate !== null) this.invalidate(key);
    if (this.events !== null) this.events(cls, event, db.index, key);
  }
  changedQuietly(a: Args, i: number, count = 1): void {
    this.dirty += count;
    this.watches.touch(this.db.index, a.bytes(i));
    if (this.invalidate !== null) this.invalidate(a.bytes(i));
  }
  notify(cls: NotifyClass, event: string, db: Database, key: Uint8Array): void {
    if (this.events !== null) this.events(cls, event, db.index, key);
  }
  rewrite(...argv: (string | Uint8Array)[]): void {
    this.rewrites.push(Args.of(...argv));
  }
  silent(): void {
    this.isSilent = true;
  }
  propagateAnyway(): void {
    this.isForced = true;
  }
  addDirty(count: number): void {
    this.dirty += count;
  }
}

function typeOf(value: Value): ItemType {
  if (value instanceof List) return ItemType.LIST;
  if (value instanceof Stream) return ItemType.STREAM;
  if (value instanceof ZSet) return ItemType.ZSET;
  return value instanceof SetValue ? ItemType.SET : ItemType.HASH;
}
