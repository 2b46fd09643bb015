/**
 * Fields of hashes whose time is over: who deletes them, and what is told of it.
 *
 *   sweep    all of a hash that are over, in steps of a bounded amount of work: active expiry (expiry.ts), HRANDFIELD
 *   expire   one field that a command met, then `finish` once for all that it met
 *
 * Each field that goes is propagated as an HDEL; afterwards the event `hexpired` is published once, and when the last field
 * is gone so is the key.
 */
import type { Slice } from '../base/slice.js';
import { DUE_NEVER } from '../memory/dict-segment.js';
import type { Hash } from '../values/hash.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

export class FieldExpiry {
  // Of the last `sweep`: the fields it deleted, and the second in which the next one is due (DUE_NEVER: none).
  swept = 0;
  nextDue = DUE_NEVER;
  private readonly hash: Hash;

  constructor(private readonly keyspace: Keyspace) {
    this.hash = keyspace.newHash();
  }

  /** Whether fields that are over are deleted: not while the log is replayed, and not on a replica. */
  get isInForce(): boolean {
    return this.keyspace.expiryInForce && this.keyspace.deletesExpired;
  }

  /**
   * Deletes up to `max` fields of a hash that are over. Returns whether none is left; else another call goes on. The entry
   * may have moved afterwards, or be gone with its last field.
   */
  sweep(db: Database, entry: number, max: number): boolean {
    const { keyspace, hash } = this;
    this.swept = 0;
    this.nextDue = DUE_NEVER;
    if (!this.isInForce) return true;
    const key = db.keyOf(entry);
    entry = db.prepare(entry);
    keyspace.openOn(hash, entry);
    const complete = hash.deleteExpired(keyspace.now, max, (field: Slice) => {
      this.swept++;
      this.gone(db, key, field.buf, field.off, field.len);
    });
    db.storeValue(entry, hash);
    this.nextDue = hash.dueSecond;
    if (this.swept > 0) this.settle(db, entry, key);
    return complete;
  }

  /** Deletes all fields of a hash that are over, however many. */
  sweepWhole(db: Database, entry: number): void {
    const key = db.keyOf(entry);
    while (entry !== 0 && !this.sweep(db, entry, Number.POSITIVE_INFINITY)) entry = db.find(key, 0, key.length);
  }

  /**
   * Deletes a field of a hash if it is over; returns whether it was. The hash stays, even without fields, and nothing is
   * published: both is left to `finish`. The entry may have moved afterwards.
   */
  expire(db: Database, entry: number, buf: Uint8Array, off: number, len: number): boolean {
    const { keyspace, hash } = this;
    if (!this.isInForce) return false;
    keyspace.openOn(hash, entry);
    // NaN is not.
    if (!(hash.fieldExpire(buf, off, len) < keyspace.now)) return false;
    entry = db.prepare(entry);
    keyspace.openOn(hash, entry).delete(buf, off, len);
    db.storeValue(entry, hash);
    this.gone(db, db.keyOf(entry), buf, off, len);
    return true;
  }

  /** After `expire` has deleted fields of this key's hash. */
  finish(db: Database, key: Uint8Array): void {
    const entry = db.find(key, 0, key.length);
    if (entry !== 0) this.settle(db, entry, key);
  }

  private gone(db: Database, key: Uint8Array, buf: Uint8Array, off: number, len: number): void {
    this.keyspace.expiredFields++;
    this.keyspace.hooks.fieldExpired?.(db, key, buf.subarray(off, off + len));
  }

  private settle(db: Database, entry: number, key: Uint8Array): void {
    const emptied = this.keyspace.openOn(this.hash, entry).isEmpty;
    if (emptied) db.deleteEntry(entry);
    this.keyspace.hooks.fieldsExpired?.(db, key, emptied);
  }
}
