/**
 * What a handler gets besides its arguments. One Context serves the whole server: `client`, `db`, `out` and `now` are
 * set before each command. A handler never touches a socket, the log or a replica; it says what changed
 * (`changed`, `rewrite`) and `call()` in the server propagates.
 *
 * The order inside a handler: parse, validate, look up, change, reply. A mistake of the client is thrown as a
 * `CommandError` before anything has changed; the texts are constants in errors.ts.
 */
import type { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Database, Keyspace } from '../keyspace/keyspace.js';
import type { ItemType } from '../memory/item.js';
import type { Hash } from '../values/hash.js';
import type { List } from '../values/list.js';
import type { SetValue } from '../values/set.js';
import type { Stream } from '../values/stream.js';
import type { Value } from '../values/value.js';
import type { ZSet } from '../values/zset.js';

/** Classes of keyspace notifications, the letters of notify-keyspace-events. */
export type NotifyClass = 'g' | '$' | 'l' | 's' | 'h' | 'z' | 'x' | 'e' | 't' | 'd' | 'n' | 'm';

export interface Context {
  readonly keyspace: Keyspace;
  /** The selected database. */
  db: Database;
  out: ReplyWriter;
  /** Milliseconds since 1970, the same for a whole command, transaction or script. */
  now: number;
  /** Whether commands come from the log or a primary: keys do not expire by themselves, replies go nowhere. */
  readonly replaying: boolean;
  /** Whether whoever runs the command `a` may read every key: for commands that make names of keys. */
  mayReadEveryKey(a: Args): boolean;
  /** Scratch slices for values that methods return; a handler may use them freely. */
  readonly s1: Slice;
  readonly s2: Slice;

  // --- lookup: argument i is a key. Expired keys are deleted first and count as missing. Returns an entry or 0. -------

  read(a: Args, i: number): number;
  /** Throws WRONGTYPE when the key holds another type. */
  readType(a: Args, i: number, type: ItemType): number;
  /** The entry is ready to be changed (captured and owned); its address stays valid until the next change. */
  write(a: Args, i: number): number;
  writeType(a: Args, i: number, type: ItemType): number;

  // --- collections: open a handle on a key, change it, commit it. -----------------------------------------------------
  // `...ToRead` returns null for a missing key. `...ToWrite` too, unless `create` is true: then an empty value is opened
  // whose entry is made by `commit`. All throw WRONGTYPE. The handle is shared: opening the next one of that type ends it;
  // `keyspace.newHash(entry)` and its like make handles of one's own.

  listToRead(a: Args, i: number): List | null;
  listToWrite(a: Args, i: number, create: boolean): List | null;
  hashToRead(a: Args, i: number): Hash | null;
  hashToWrite(a: Args, i: number, create: boolean): Hash | null;
  setToRead(a: Args, i: number): SetValue | null;
  setToWrite(a: Args, i: number, create: boolean): SetValue | null;
  zsetToRead(a: Args, i: number): ZSet | null;
  zsetToWrite(a: Args, i: number, create: boolean): ZSet | null;
  streamToRead(a: Args, i: number): Stream | null;
  streamToWrite(a: Args, i: number, create: boolean): Stream | null;
  /**
   * Stores a changed handle back under key argument i: makes the entry when it was created, deletes the key (and notifies
   * `del`) when the value is empty now (streams stay). Returns whether the key was deleted.
   */
  commit(a: Args, i: number, value: Value): boolean;
  /** As `commit` when all elements are to go: none was taken out, so however many there are, it does not take long. */
  commitEmpty(a: Args, i: number, value: Value): void;

  // --- effects ---------------------------------------------------------------------------------------------------------

  /**
   * Key argument i was changed: WATCHers are told, the keyspace event is published, `count` changes are added to the
   * server's dirty counter (save points). A command that added none is not propagated; one that did is propagated as it
   * came, unless it says otherwise with `rewrite`.
   */
  changed(a: Args, i: number, cls: NotifyClass, event: string, count?: number): void;
  /** As `changed` for a key that is not an argument. */
  changedKey(db: Database, key: Uint8Array, cls: NotifyClass, event: string, count?: number): void;
  /** As `changed` without a keyspace event. */
  changedQuietly(a: Args, i: number, count?: number): void;
  /** A keyspace event without a change. */
  notify(cls: NotifyClass, event: string, db: Database, key: Uint8Array): void;
  /** Whether effects go anywhere: else what `rewrite` would get need not be made. */
  readonly listens: boolean;
  /**
   * Propagate this instead of the command as it came. Called more than once, all of them are propagated, in MULTI/EXEC
   * when there is more than one. Text arguments are sent as UTF-8.
   */
  rewrite(...argv: (string | Uint8Array)[]): void;
  /** Propagate nothing for this command. */
  silent(): void;
  /** Adds changes that no key of the command stands for (FLUSHALL, SWAPDB). */
  addDirty(count: number): void;
}
