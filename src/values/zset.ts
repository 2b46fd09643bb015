/**
 * Sorted sets. Two encodings, chosen by Redis 7.2's rules; growing converts, shrinking never converts back:
 *
 *   listpack   pairs member, score (shortest text or integer), ordered by (score, member)
 *   skiplist   the name is Redis's; here a dict of items (member, slot = score) for lookups by member and a tree of the
 *              same items ordered by (score, member)
 *
 * Root of the second: one block of words [dict root, tree root, 0, 0].
 */
import type { Slice } from '../base/slice.js';
import { Value } from './value.js';

export class ZSet extends Value {
  /**
   * An empty sorted set in the smallest encoding.
   * @param sizeHint how many members are about to be added, `memberBytesMax` the longest: decide as Redis does
   */
  create(_sizeHint = 1, _memberBytesMax = 0): this {
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
    return 'listpack';
  }

  /** NaN when it is no member. */
  score(_buf: Uint8Array, _off: number, _len: number): number {
    return Number.NaN;
  }
  /** Adds the member or moves it. Returns whether it was added. `score` is not NaN. */
  put(_score: number, _buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  remove(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  /** 0-based rank from the lowest, -1 when it is no member. */
  rank(_buf: Uint8Array, _off: number, _len: number): number {
    return -1;
  }

  // --- iteration in order. A seek places the cursor; memberScore is the score of the member there. No change in between. --

  /** Score of the member that the last `seekRank`, `next`, `prev` or `random` gave. */
  memberScore = 0;
  /** Places the cursor at a rank; false when there is none. */
  seekRank(_rank: number, _out: Slice): boolean {
    return false;
  }
  next(_out: Slice): boolean {
    return false;
  }
  prev(_out: Slice): boolean {
    return false;
  }
  /** A random member of a set that is not empty. */
  random(_out: Slice): void {}
  /** As ZSCAN. */
  scan(
    _cursor: number,
    _count: number,
    _visit: (buf: Uint8Array, off: number, len: number, score: number) => void,
  ): number {
    return 0;
  }

  // --- RDB -----------------------------------------------------------------------------------------------------------------

  /** Makes the value from a listpack's bytes (RDB type 17). False when they are damaged, empty, unordered or double. */
  loadListpack(_buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
  /** RDB types 3 and 5: `create(count, ...)`, then this for each in any order (sorted is fastest); false = duplicate or NaN. */
  load(_score: number, _buf: Uint8Array, _off: number, _len: number): boolean {
    return false;
  }
}
