/**
 * Active expiry: keys, and fields of hashes, whose time is over are found and deleted though nobody asks for them.
 *
 * Nothing indexes keys by their expiry. Each segment of a database's dict keeps a hint instead (dict.ts): the earliest
 * second in which something in it expires, be it a key or a field of a hash. A hash knows when its first field is due and
 * finds what is over in the same way (values/hash-dict.ts). A pass goes over the segments in hash order, a read each, and searches only
 * those that are due; it is cut into slices of a given time and goes on where the last slice stopped. Its place is a
 * position in hash space, so that splits, merges, flushes and swaps in between do no harm.
 *
 * Invariants:
 *   1. A segment's hint is never later than the first expiry in it: who gives a key an expiry lowers it
 *      (`Table.noteDue`), who merges segments takes the lower one.
 *   2. It may be too early, after deletions or changes of expiries; the search that finds nothing sets it right.
 *   3. A key goes only when `now` is past its expiry, to the millisecond, and by `Database.expireEntry` alone; a field by
 *      `FieldExpiry.sweep`.
 */
import type { DueSegment } from '../memory/dict.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
import { ItemType, itemHasSlot, itemSlot, itemType } from '../memory/item.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

/** Segments looked at between two looks at the clock. */
const SEGMENTS_PER_STEP = 1024;
/** Entries, and fields, deleted between two looks at the clock. */
const DELETED_PER_STEP = 64;
/** Entries sampled for a database's mean time to live, once a pass. */
const SAMPLES = 16;

export class ExpiryCycle {
  private dbIndex = 0;
  /** Position in hash space of the database that is searched. */
  private position = 0;
  /** Whether a pass is under way. */
  private inPass = false;
  private readonly due: DueSegment = { segment: 0, begin: 0, later: 0, position: 0 };
  // Of a segment that had more due than one step deletes.
  private readonly entries: number[] = [];
  /** Fields that may still go in this step. */
  private fieldsLeft = 0;

  /** @param random gives [0, 1) */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Goes on with the pass for about `budgetMs`, or begins one; never does more than one pass. The keyspace's `now` says
   * what is over (set it before), `clock` gives milliseconds from anywhere for the budget.
   * Returns whether the pass is complete: every key that was over when it began and nobody has moved is gone.
   */
  slice(budgetMs: number, clock: () => number): boolean {
    const { keyspace } = this;
    if (!keyspace.deletesExpired || !keyspace.expiryInForce) return true;
    if (!this.inPass) {
      this.inPass = true;
      this.dbIndex = 0;
      this.position = 0;
    }
    const end = clock() + budgetMs;
    while (this.dbIndex < keyspace.databases.length) {
      const db = keyspace.databases[this.dbIndex]!;
      while (db.expires > 0 || db.expiringHashes > 0) {
        const complete = this.step(db);
        if (complete) break;
        if (clock() >= end) return false;
      }
      this.sampleTtl(db);
      this.position = 0;
      this.dbIndex++;
    }
    this.inPass = false;
    return true;
  }

  /** Searches the next due segment, if there is one within the next segments. Returns whether the database is done. */
  private step(db: Database): boolean {
    const { due } = this;
    const { table } = db;
    table.nextDue(this.position, dueSecond(this.keyspace.now), SEGMENTS_PER_STEP, due);
    if (due.segment !== 0 && !this.expireSegment(db)) return false;
    this.position = due.position;
    return due.position === 0;
  }

  /** Deletes what is over in the segment that is due. Returns false when it must be looked at again. */
  private expireSegment(db: Database): boolean {
    const { arena } = this.keyspace;
    const { due } = this;
    const { table } = db;
    const over = this.entries;
    over.length = 0;
    this.fieldsLeft = DELETED_PER_STEP;
    let whole = true;
    let next = DUE_NEVER;
    for (const entry of table.segmentItems(due.segment)) {
      if (db.isExpired(entry)) {
        if (over.length < DELETED_PER_STEP) over.push(entry);
        else whole = false;
        continue;
      }
      if (itemHasSlot(arena, entry)) next = Math.min(next, dueSecond(itemSlot(arena, entry)));
      if (itemType(arena, entry) !== ItemType.HASH) continue;
      const fields = this.expireFields(db, entry);
      if (fields < 0) whole = false;
      else next = Math.min(next, fields);
    }
    // Before the deletions: they may merge the segment with others, and then it is gone.
    if (whole) table.setSegmentDue(due.segment, due.begin, next);
    for (const entry of over) db.expireEntry(entry);
    return whole;
  }

  /**
   * Deletes fields of a hash that are over. Returns the second in which the next one is due (DUE_NEVER: none has an
   * expiry), or -1 when the hash must be looked at again: then it has changed, and may be gone with its key.
   */
  private expireFields(db: Database, entry: number): number {
    const { keyspace } = this;
    const { fieldExpiry } = keyspace;
    const second = keyspace.fieldsDue(entry);
    if (second > dueSecond(keyspace.now)) return second;
    if (this.fieldsLeft <= 0) return -1;
    const complete = fieldExpiry.sweep(db, entry, this.fieldsLeft);
    this.fieldsLeft -= fieldExpiry.swept;
    if (complete && fieldExpiry.swept === 0) return fieldExpiry.nextDue;
    // One hash after the other: searches that take several steps must not wait for each other.
    if (!complete) this.fieldsLeft = 0;
    return -1;
  }

  private sampleTtl(db: Database): void {
    if (db.expires === 0) {
      db.averageTtlMs = 0;
      return;
    }
    const { arena, now } = this.keyspace;
    let sum = 0;
    let count = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const ttl = itemSlot(arena, db.table.randomItem(this.random)) - now;
      if (!(ttl > 0)) continue;
      sum += ttl;
      count++;
    }
    if (count === 0) return;
    const mean = sum / count;
    // The first sample counts whole, later ones are smoothed.
    db.averageTtlMs = db.averageTtlMs === 0 ? mean : db.averageTtlMs + (mean - db.averageTtlMs) / 16;
  }
}
