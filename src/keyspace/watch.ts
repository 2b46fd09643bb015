/**
 * Watched keys. A watcher is told (`dirty`) when a key it watches is changed, flushed, swapped away, or past its time.
 *
 * A key that had expired already when it was watched is no change when it is deleted at last: for the watcher it was
 * missing all the time.
 */
import { byteStringOf } from '../base/words.js';
import type { Database } from './keyspace.js';

interface Watch<W> {
  watcher: W;
  db: number;
  key: Uint8Array;
  /** Was expired when it was watched. */
  expired: boolean;
}

export class Watches<W> {
  /** Watches by database and key. */
  private readonly byKey = new Map<string, Watch<W>[]>();
  private readonly byWatcher = new Map<W, Watch<W>[]>();

  /** @param dirty tells a watcher that something it watches has changed; it may unwatch at once */
  constructor(
    private readonly databases: readonly Database[],
    private readonly dirty: (watcher: W) => void,
  ) {}

  /** Whether nobody watches anything: then nothing needs to be told. */
  get isEmpty(): boolean {
    return this.byKey.size === 0;
  }
  /** Number of watchers. */
  get watchers(): number {
    return this.byWatcher.size;
  }
  /** Number of keys watched by anybody. */
  get keys(): number {
    return this.byKey.size;
  }

  /** Returns whether it is a new watch. The key is copied. */
  watch(watcher: W, db: number, key: Uint8Array): boolean {
    const name = nameOf(db, key);
    const list = this.byKey.get(name) ?? [];
    if (list.some((watch) => watch.watcher === watcher)) return false;
    const watch = { watcher, db, key: Uint8Array.from(key), expired: this.isExpired(this.databases[db]!, key) };
    list.push(watch);
    this.byKey.set(name, list);
    const own = this.byWatcher.get(watcher);
    if (own === undefined) this.byWatcher.set(watcher, [watch]);
    else own.push(watch);
    return true;
  }

  unwatch(watcher: W): void {
    const own = this.byWatcher.get(watcher);
    if (own === undefined) return;
    this.byWatcher.delete(watcher);
    for (const watch of own) {
      const name = nameOf(watch.db, watch.key);
      const list = this.byKey.get(name)!;
      if (list.length === 1) this.byKey.delete(name);
      else list.splice(list.indexOf(watch), 1);
    }
  }

  /** Whether a key has expired since the watcher began to watch it. */
  hasExpired(watcher: W): boolean {
    const own = this.byWatcher.get(watcher);
    return own?.some((watch) => !watch.expired && this.isExpired(this.databases[watch.db]!, watch.key)) ?? false;
  }

  /** The key was changed or deleted. */
  touch(db: number, key: Uint8Array): void {
    const list = this.byKey.get(nameOf(db, key));
    if (list === undefined) return;
    for (const watch of [...list]) {
      if (watch.expired && this.databases[db]!.find(key, 0, key.length) === 0) watch.expired = false;
      else if (!watch.expired) this.dirty(watch.watcher);
    }
  }

  /** The key is about to be deleted for its time, or for want of memory. */
  goes(db: number, key: Uint8Array): void {
    const list = this.byKey.get(nameOf(db, key));
    if (list === undefined) return;
    for (const watch of [...list]) {
      // Who watches a key whose time was over already has no change to see before somebody makes it again.
      if (watch.expired) watch.expired = false;
      else this.dirty(watch.watcher);
    }
  }

  /** Before `emptied` is flushed, or exchanged for `replacement`. */
  touchDatabase(emptied: Database, replacement: Database | null): void {
    const touched: Watch<W>[] = [];
    for (const list of this.byKey.values()) {
      if (list[0]!.db !== emptied.index) continue;
      const { key } = list[0]!;
      const exists = emptied.find(key, 0, key.length) !== 0;
      const comes = replacement !== null && replacement.find(key, 0, key.length) !== 0;
      if (!exists && !comes) continue;
      for (const watch of list) {
        const comesExpired = comes && this.isExpired(replacement, key);
        if (watch.expired) {
          if (!comes) {
            watch.expired = false;
            continue;
          }
          if (comesExpired) continue;
        } else if (!exists && comesExpired) {
          watch.expired = true;
          continue;
        }
        touched.push(watch);
      }
    }
    for (const watch of touched) this.dirty(watch.watcher);
  }

  private isExpired(db: Database, key: Uint8Array): boolean {
    const entry = db.find(key, 0, key.length);
    return entry !== 0 && db.expireAt(entry) < db.keyspace.now;
  }
}

function nameOf(db: number, key: Uint8Array): string {
  return `${db}:${byteStringOf(key)}`;
}
