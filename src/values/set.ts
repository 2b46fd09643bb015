/**
 * Sets. Three encodings, chosen by Redis 7.2's rules; a set never goes back to a smaller one by itself:
 *
 *   intset     all members are 64-bit integers, at most set-max-intset-entries
 *   listpack   at most set-max-listpack-entries members of at most set-max-listpack-value bytes
 *   hashtable  a dict of items whose key is the member
 */
import type { Slice } from '../base/slice.js';
import { Value } from './value.js';

export class SetValue extends Value {
  /**
   * An empty set in the smallest encoding.
   * @param sizeHint how many members are about to be added: decides as Redis does whether a small encoding is begun
   */
  create(_sizeHint = 1): this {
    return this;
  }
  get length(): number {
    return 0;
  }
  release(): void {}
  copyRoot(): number {
    return 0;
  }
  blocks(_visit: (address: number) => void): void {}
  encodingName(): string {
    return 'intset';
  }

  /** `count` members are about to be added: converts at once when a small encoding could not hold them. */
  expect(_count: number): void {}
  /** False when it was a member already. */
  add(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  /** False when it was no member. An emptied set keeps its encoding; `commit` deletes the key. */
  remove(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  has(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  /** A random member of a set that is not empty. Valid until the next call on this handle. */
  random(_out: Slice): void {}

  // --- iteration: no change in between. `for (let more = s.first(out); more; more = s.next(out))` -------------------------

  first(_out: Slice): boolean {
    return false;
  }
  next(_out: Slice): boolean {
    return false;
  }
  /** As SSCAN: small encodings give all and return 0. `visit`'s bytes are valid during the call. */
  scan(_cursor: number, _count: number, _visit: (buf: Uint8Array, off: number, len: number) => void): number {
    return 0;
  }

  // --- RDB -----------------------------------------------------------------------------------------------------------------

  /**
   * Makes the value from an intset's bytes (RDB type 11), converting if the limits ask for it. False and nothing made when the
   * bytes are damaged or empty.
   */
  loadIntset(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  /** As `loadIntset` from a listpack's bytes (RDB type 20). Duplicates count as damage. */
  loadListpack(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  // RDB type 2: `create(count)`, then `add` each; false = duplicate.
}
