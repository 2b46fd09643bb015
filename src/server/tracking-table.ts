/**
 * Which clients may hold which keys: the table of client-side caching. A key is known by its name alone, whatever the
 * database, as in Redis.
 *
 *   byKey    key -> entry (the ids of the clients that have read it)
 *   entries  [entry, entry, ...]        for picking one at random; an entry knows its place
 *
 * Ids of clients that are gone, or have stopped tracking, stay until the key changes: nobody looks for them.
 *
 * Invariants:
 *   1. entries[e.at] === e and byKey.get(e.key) === e, for every entry e.
 *   2. `items` is the number of ids in all entries; no id is twice in one entry.
 */
interface Entry {
  readonly key: string;
  at: number;
  /** Most keys are held by one client: it needs no set. */
  readonly first: number;
  others: Set<number> | null;
}

/** What an entry costs beyond its key, roughly: the entry, its place, its slot in the map. */
const ENTRY_BYTES = 112;
const ITEM_BYTES = 32;

export class TrackingTable {
  private readonly byKey = new Map<string, Entry>();
  private readonly entries: Entry[] = [];
  private keyBytes = 0;
  items = 0;

  /** Number of keys. */
  get size(): number {
    return this.entries.length;
  }

  /** Memory that it takes, estimated. */
  get bytes(): number {
    return this.keyBytes + this.entries.length * ENTRY_BYTES + (this.items - this.entries.length) * ITEM_BYTES;
  }

  /** The client may hold the key from now on. @param key a byte string */
  remember(key: string, id: number): void {
    const entry = this.byKey.get(key);
    if (entry === undefined) {
      const added = { key, at: this.entries.length, first: id, others: null };
      this.byKey.set(key, added);
      this.entries.push(added);
      this.keyBytes += key.length;
      this.items++;
      return;
    }
    if (entry.first === id || entry.others?.has(id)) return;
    entry.others ??= new Set();
    entry.others.add(id);
    this.items++;
  }

  /** Forgets the key; returns who may have held it, in the order in which they read it. */
  take(key: string): readonly number[] {
    const entry = this.byKey.get(key);
    if (entry === undefined) return NOBODY;
    this.byKey.delete(key);
    const last = this.entries.pop()!;
    if (last !== entry) {
      this.entries[entry.at] = last;
      last.at = entry.at;
    }
    const ids = entry.others === null ? [entry.first] : [entry.first, ...entry.others];
    this.keyBytes -= key.length;
    this.items -= ids.length;
    return ids;
  }

  /** A key chosen at random; there is one. @param random gives [0, 1) */
  randomKey(random: () => number): string {
    return this.entries[Math.floor(random() * this.entries.length)]!.key;
  }

  clear(): void {
    this.byKey.clear();
    this.entries.length = 0;
    this.keyBytes = 0;
    this.items = 0;
  }
}

const NOBODY: readonly number[] = [];
