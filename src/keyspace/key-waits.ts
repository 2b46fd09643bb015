/**
 * Who waits for which keys, and which of those keys are to be looked at: the index behind BLPOP and its like.
 *
 *   queues   [database] name of a key -> those who wait for it, in the order in which they came
 *   ready    keys with waiters at which something happened, in the order in which it happened
 *
 * A key becomes ready when it comes into being as a value of a type that somebody waits for (whatever command made it),
 * when a stream gets an entry, and, where somebody asked for that (`onNoKey`: a group's stream must stay), when it is
 * deleted or replaced. The keyspace tells (`added`, `removed`) as long as somebody waits, and not otherwise.
 *
 * Whether a waiter gets something is decided by running its command again (`serve`): one that got nothing enters anew and is
 * the last in its queues then.
 *
 * Invariants:
 *   1. `keyspace.waits` is this exactly while somebody waits.
 *   2. A queue is in `queues` exactly while it has waiters.
 */
import { byteStringOf } from '../base/words.js';
import { type ItemType, itemKeyBytes, itemKeyIndex, itemType } from '../memory/item.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

export interface Waiter {
  /** What the keys must hold. */
  readonly type: ItemType;
  /** Wants to be served as well when a key is gone or holds something else. */
  readonly onNoKey: boolean;
  /** Kept by KeyWaits: its place in every queue that it stands in. */
  places: Place[];
}

/** A waiter in a queue: a link of a list. */
export interface Place {
  readonly waiter: Waiter;
  readonly queue: Queue;
  before: Place | null;
  behind: Place | null;
  /** False once the waiter has left. */
  stands: boolean;
}

class Queue {
  first: Place | null = null;
  last: Place | null = null;
  size = 0;
  /** How many of them wait `onNoKey`. */
  onNoKey = 0;
  /** Is in `ready`. */
  isReady = false;

  constructor(
    readonly db: Database,
    /** The key, one character a byte. */
    readonly name: string,
  ) {}

  enter(waiter: Waiter): Place {
    const place: Place = { waiter, queue: this, before: this.last, behind: null, stands: true };
    if (this.last === null) this.first = place;
    else this.last.behind = place;
    this.last = place;
    this.size++;
    if (waiter.onNoKey) this.onNoKey++;
    return place;
  }

  leave(place: Place): void {
    const { before, behind } = place;
    if (before === null) this.first = behind;
    else before.behind = behind;
    if (behind === null) this.last = before;
    else behind.before = before;
    place.stands = false;
    this.size--;
    if (place.waiter.onNoKey) this.onNoKey--;
  }
}

const TYPES = 8;

export class KeyWaits<W extends Waiter> {
  private readonly queues: Map<string, Queue>[];
  private ready: Queue[] = [];
  /** Waiters by the type that they wait for. */
  private readonly byType = new Array<number>(TYPES).fill(0);
  private waiters = 0;

  /** @param onReady a first key is ready: call `serve` once the running command is over */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly onReady: () => void,
  ) {
    this.queues = keyspace.databases.map(() => new Map());
  }

  /** Number of keys that somebody waits for. */
  get keys(): number {
    return this.queues.reduce((sum, map) => sum + map.size, 0);
  }
  /** Number of keys whose end somebody waits for. */
  get keysOnNoKey(): number {
    let keys = 0;
    for (const map of this.queues) for (const queue of map.values()) if (queue.onNoKey > 0) keys++;
    return keys;
  }

  // --- waiting -----------------------------------------------------------------------------------------------------------

  /** The waiter is the last one in the queues of these keys; a key that comes twice counts once. */
  enter(waiter: W, db: Database, keys: readonly Uint8Array[]): void {
    const map = this.queues[db.index]!;
    for (const key of keys) {
      const name = nameOf(key, 0, key.length);
      let queue = map.get(name);
      if (queue === undefined) {
        queue = new Queue(db, name);
        map.set(name, queue);
      } else if (queue.last!.waiter === waiter) {
        continue;
      }
      waiter.places.push(queue.enter(waiter));
    }
    this.byType[waiter.type]!++;
    this.waiters++;
    this.keyspace.waits = this;
  }

  /** The waiter stands in no queue any more. */
  leave(waiter: W): void {
    if (waiter.places.length === 0) return;
    for (const place of waiter.places) {
      const { queue } = place;
      queue.leave(place);
      if (queue.size === 0) this.queues[queue.db.index]!.delete(queue.name);
    }
    waiter.places = [];
    this.byType[waiter.type]!--;
    this.waiters--;
    if (this.waiters === 0) this.keyspace.waits = null;
  }

  // --- what happens to keys ----------------------------------------------------------------------------------------------

  /** A collection has come into being. */
  added(db: Database, entry: number): void {
    const { arena } = this.keyspace;
    const type = itemType(arena, entry);
    if (this.byType[type] === 0) return;
    this.signal(db, type, nameOf(arena.bytesOf(entry), itemKeyIndex(arena, entry), itemKeyBytes(arena, entry)), false);
  }

  /** A collection goes: it is deleted, moved away or replaced. */
  removed(db: Database, entry: number): void {
    const { arena } = this.keyspace;
    const type = itemType(arena, entry);
    if (this.byType[type] === 0) return;
    this.signal(db, type, nameOf(arena.bytesOf(entry), itemKeyIndex(arena, entry), itemKeyBytes(arena, entry)), true);
  }

  /** The key, which holds this type, has got something that those who wait for it may want. */
  changed(db: Database, type: ItemType, key: Uint8Array): void {
    this.signal(db, type, nameOf(key, 0, key.length), false);
  }

  private signal(db: Database, type: ItemType, name: string, goes: boolean): void {
    if (this.byType[type] === 0) return;
    const queue = this.queues[db.index]!.get(name);
    if (queue === undefined || queue.isReady || (goes && queue.onNoKey === 0)) return;
    queue.isReady = true;
    this.ready.push(queue);
    if (this.ready.length === 1) this.onReady();
  }

  /** Before `emptied` is flushed, or gets the content of `replacement`. */
  databaseGoes(emptied: Database, replacement: Database | null): void {
    for (const { name } of this.queues[emptied.index]!.values()) {
      const type = typeAt(emptied, name);
      if (type !== null && type !== (replacement === null ? null : typeAt(replacement, name))) {
        this.signal(emptied, type, name, true);
      }
    }
  }

  /** The database has got the content of another. */
  databaseCame(db: Database): void {
    for (const { name } of this.queues[db.index]!.values()) {
      const type = typeAt(db, name);
      if (type !== null) this.signal(db, type, name, false);
    }
  }

  // --- serving -----------------------------------------------------------------------------------------------------------

  /**
   * Calls `again` for everybody who may get something now, first come, first served. It runs the waiter's command; a waiter
   * that still gets nothing `enter`s again. Keys that become ready meanwhile have their turn as well.
   */
  serve(again: (waiter: W) => void): void {
    while (this.ready.length > 0) {
      const { ready } = this;
      this.ready = [];
      for (const queue of ready) {
        queue.isReady = false;
        this.serveQueue(queue, again);
      }
    }
  }

  private serveQueue(queue: Queue, again: (waiter: W) => void): void {
    // Those who enter again while it is served must not be met twice.
    let left = queue.size;
    for (let place = queue.first; place !== null && left > 0; left--) {
      const type = typeAt(queue.db, queue.name);
      if (type === null && queue.onNoKey === 0) return;
      const { waiter, behind } = place;
      if (place.stands && (waiter.type === type || waiter.onNoKey)) {
        this.leave(waiter as W);
        again(waiter as W);
      }
      place = behind;
    }
  }
}

/** What the key holds; null when there is no such key, or when its time is over. */
function typeAt(db: Database, name: string): ItemType | null {
  const key = Buffer.from(name, 'latin1');
  const entry = db.find(key, 0, key.length);
  return entry === 0 || db.isExpired(entry) ? null : itemType(db.keyspace.arena, entry);
}

function nameOf(buf: Uint8Array, off: number, len: number): string {
  return byteStringOf(buf, off, len);
}
