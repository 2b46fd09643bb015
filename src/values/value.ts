/**
 * What every collection type has in common. A value object is a handle, not the data: it is opened on an entry's root,
 * works on the arena, and afterwards `root` and `encoding` say what the entry must store (the keyspace's `commit`
 * does). One handle per type serves all commands; code that needs two at a time makes a second one.
 *
 * Writing methods own what they touch (arena.own) and keep `root` current, so they work during a snapshot.
 * A handle is invalid after any other handle has changed the same key.
 */
import type { Arena } from '../memory/arena.js';
import type { Dict } from '../memory/dict.js';
import { Encoding } from '../memory/item.js';
import { LP_EMPTY, lpBytesOf, lpReserve } from '../memory/listpack.js';

/** A small value gets room for no more at once. */
export const RESERVED_MAX = 4096;

export abstract class Value {
  /** The entry this handle is opened on; 0 = none (a value not yet in the keyspace). */
  entry = 0;
  root = 0;
  encoding: Encoding = 3;
  /**
   * Whether the expiry of an element has changed since the value was opened or stored: only a hash's fields have one. The
   * database then looks at what it knows of the entry.
   */
  expiryChanged = false;

  constructor(
    readonly arena: Arena,
    readonly limits: Limits,
  ) {}

  open(encoding: Encoding, root: number): this {
    this.encoding = encoding;
    this.root = root;
    return this;
  }

  /**
   * The texts [from, to) of `buf` are about to come into this value, which is new: a small one gets room for them at once
   * instead of growing with each.
   */
  reserve(buf: Uint8Array, off: Int32Array, len: Int32Array, from: number, to: number): void {
    if (this.encoding !== Encoding.LISTPACK) return;
    const bytes = lpBytesOf(buf, off, len, from, to);
    if (bytes <= RESERVED_MAX) this.root = lpReserve(this.arena, this.root, LP_EMPTY + bytes);
  }

  /** Starts an empty value in the smallest encoding. */
  abstract create(): this;
  /** Number of elements (fields, members). O(1). */
  abstract get length(): number;
  /** Whether there is nothing left that a key is kept for. */
  get isEmpty(): boolean {
    return this.length === 0;
  }
  /** About how many blocks `release` frees, elements that share blocks counted or not. */
  get effort(): number {
    return this.length;
  }
  /** Frees every block of the value. The handle is empty afterwards. */
  abstract release(): void;
  /** A deep copy's root; its encoding is this one's. */
  abstract copyRoot(): number;
  /** Calls `visit` with the address of every block of the value, for audits. */
  abstract blocks(visit: (address: number) => void): void;
  /**
   * Yields every block of a value that nobody uses any more, each after all that is read from it: so that freeing a large one
   * can be cut into slices. The handle must be open on nothing else until the end.
   */
  *dismantle(): Generator<number> {
    const addresses: number[] = [];
    this.blocks((address) => addresses.push(address));
    yield* addresses;
  }
  /** Name for OBJECT ENCODING. */
  abstract encodingName(): string;

  /** The dict that holds the elements, when one does. */
  get hashTable(): Dict | null {
    return null;
  }
}

/** The conversion thresholds: directives of the same names, changed at run time by CONFIG SET. */
export interface Limits {
  hashMaxListpackEntries: number;
  hashMaxListpackValue: number;
  setMaxIntsetEntries: number;
  setMaxListpackEntries: number;
  setMaxListpackValue: number;
  zsetMaxListpackEntries: number;
  zsetMaxListpackValue: number;
  /** -1..-5: 4, 8, 16, 32, 64 KiB a node; positive: entries a node. */
  listMaxListpackSize: number;
  /** Bytes and entries of a stream's node; 0 = no limit. */
  streamNodeMaxBytes: number;
  streamNodeMaxEntries: number;
  /** Bytes, header included, up to which a HyperLogLog stays sparse. */
  hllSparseMaxBytes: number;
  /** Bytes that a string may have. */
  protoMaxBulkLen: number;
  /** Bytes that a string may get from a command of the log, if that is more: it was made under another limit. */
  loggedStringMax: number;
}

export const DEFAULT_LIMITS: Limits = {
  hashMaxListpackEntries: 128,
  hashMaxListpackValue: 64,
  setMaxIntsetEntries: 512,
  setMaxListpackEntries: 128,
  setMaxListpackValue: 64,
  zsetMaxListpackEntries: 128,
  zsetMaxListpackValue: 64,
  listMaxListpackSize: -2,
  streamNodeMaxBytes: 4096,
  streamNodeMaxEntries: 100,
  hllSparseMaxBytes: 3000,
  protoMaxBulkLen: 512 * 1024 * 1024,
  loggedStringMax: 512 * 1024 * 1024,
};
