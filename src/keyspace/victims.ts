/**
 * Which key goes when memory is short, by maxmemory-policy:
 *
 *   allkeys-*   of all keys                 lru      the one that was accessed the longest ago
 *   volatile-*  of those with an expiry     lfu      the one that is accessed least often
 *                                           ttl      the one that expires first
 *                                           random   any
 *
 * Nothing is sorted by these. `maxmemory-samples` keys of each database are looked at, and the best of them get into a pool
 * that stays from one eviction to the next: so what was once seen to be a good victim is not forgotten.
 *
 *   pool   [ score, hash, entry, table | ... ]     16 places, the best victim last
 *
 * The pool holds addresses, not keys: an entry is in its table under its hash still, or it is passed over (Dict.holds); and so
 * is one that has been accessed since.
 */
import { itemHasSlot, itemSlot } from '../memory/item.js';
import type { Database, Table } from './database.js';
import type { Keyspace } from './keyspace.js';

export type Measure = 'none' | 'lru' | 'lfu' | 'ttl' | 'random';

const POOL_SIZE = 16;
export const SAMPLES_MAX = 64;

export class Victims {
  /** What `maxmemory-policy` says, by `setPolicy`. */
  measure: Measure = 'none';
  private onlyExpiring = false;
  /** The database of the entry that `next` returned. */
  db: Database;

  private readonly scores = new Float64Array(POOL_SIZE);
  private readonly hashes = new Uint32Array(POOL_SIZE);
  private readonly entries = new Uint32Array(POOL_SIZE);
  private readonly owners: (Database | null)[] = new Array(POOL_SIZE).fill(null);
  private readonly tables: (Table | null)[] = new Array(POOL_SIZE).fill(null);
  private count = 0;
  private readonly sampled = new Uint32Array(SAMPLES_MAX * 2);
  /** Where the next key is taken at random. */
  private nextDb = 0;

  /** @param random gives [0, 1) */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly random: () => number = Math.random,
  ) {
    this.db = keyspace.databases[0]!;
  }

  /** @param policy a value of `maxmemory-policy` */
  setPolicy(policy: string): void {
    const [keys, measure] = policy.split('-') as [string, Measure | undefined];
    this.measure = measure ?? 'none';
    this.onlyExpiring = keys === 'volatile';
    // Scores of another measure mean something else.
    this.count = 0;
  }

  /** The entry to delete next, in `db`; 0 when there is none that the policy allows. */
  next(samples: number): number {
    if (this.measure === 'none') return 0;
    if (this.measure === 'random') return this.anyEntry();
    for (;;) {
      let found = 0;
      for (const db of this.keyspace.databases) found += this.look(db, samples);
      if (found === 0) return 0;
      while (this.count > 0) {
        const entry = this.take();
        if (entry !== 0) return entry;
      }
    }
  }

  private anyEntry(): number {
    const { databases } = this.keyspace;
    for (let i = 0; i < databases.length; i++) {
      this.nextDb = (this.nextDb + 1) % databases.length;
      const db = databases[this.nextDb]!;
      const { table } = db;
      this.db = db;
      if (!this.onlyExpiring) {
        const entry = table.randomItem(this.random);
        if (entry !== 0) return entry;
      } else if (table.sampleExpiring(1, this.random, this.sampled) > 0) {
        return this.sampled[1]!;
      }
    }
    return 0;
  }

  // --- pool --------------------------------------------------------------------------------------------------------------

  /** Looks at some keys of the database; returns at how many. */
  private look(db: Database, samples: number): number {
    const { table } = db;
    const { sampled, random } = this;
    const found = this.onlyExpiring
      ? table.sampleExpiring(samples, random, sampled)
      : table.sampleEntries(samples, random, sampled);
    for (let i = 0; i < found; i++) this.put(db, sampled[i * 2]!, sampled[i * 2 + 1]!);
    return found;
  }

  /** The higher, the better a victim. */
  private score(entry: number): number {
    const { keyspace } = this;
    const { arena } = keyspace;
    if (this.measure === 'ttl') return -itemSlot(arena, entry);
    return this.measure === 'lfu' ? -keyspace.frequency(entry) : keyspace.idleSeconds(entry);
  }

  private put(db: Database, hash: number, entry: number): void {
    const { scores } = this;
    const score = this.score(entry);
    if (this.count === POOL_SIZE) {
      if (score <= scores[0]!) return;
      this.move(1, 0, POOL_SIZE - 1);
      this.count--;
    }
    let at = this.count;
    while (at > 0 && scores[at - 1]! > score) at--;
    this.move(at, at + 1, this.count - at);
    scores[at] = score;
    this.hashes[at] = hash;
    this.entries[at] = entry;
    this.owners[at] = db;
    this.tables[at] = db.table;
    this.count++;
  }

  private move(from: number, to: number, places: number): void {
    this.scores.copyWithin(to, from, from + places);
    this.hashes.copyWithin(to, from, from + places);
    this.entries.copyWithin(to, from, from + places);
    this.owners.copyWithin(to, from, from + places);
    this.tables.copyWithin(to, from, from + places);
  }

  /** Takes the best victim out of the pool; 0 when it is none any more. */
  private take(): number {
    const at = --this.count;
    const db = this.owners[at]!;
    const table = this.tables[at]!;
    const entry = this.entries[at]!;
    this.owners[at] = null;
    this.tables[at] = null;
    // A table that its database has lost may be freed already.
    if (db.table !== table || !table.holds(this.hashes[at]!, entry)) return 0;
    if (this.onlyExpiring && !itemHasSlot(this.keyspace.arena, entry)) return 0;
    if (this.score(entry) < this.scores[at]!) return 0;
    this.db = db;
    return entry;
  }
}
