/**
 * A dict of items (item.ts) in the arena, by extendible hashing: growing never stalls and never doubles the table.
 *
 *   root       w0 count   w1 depth   w2 segment (depth 0) or directory   w3 segments whose depth is the directory's
 *   directory  2^depth segment addresses, indexed by the top `depth` bits of the hash; a segment of smaller depth
 *              stands in several entries side by side
 *   segment    a small table of [hash, item address] pairs, see dict-segment.ts
 *
 * A segment that is 4/5 full grows in steps to 2 KiB and then splits in two by the next bit of the hash; a nearly empty one
 * shrinks and merges with its buddy. So the table takes about 12 bytes an item at any size.
 *
 * A scan's cursor is a position in hash space (a 32-bit hash): items are visited in the order of their hashes, so the
 * cursor stays right across splits and merges, and no item is visited twice.
 *
 * Invariants:
 *   1. Every item of a segment of depth d shares its top d hash bits with the segment's directory entries.
 *   2. (dict-segment.ts) Between an item's home slot and its slot no slot is empty.
 *   3. count <= slots * 4/5, and slots <= SLOTS_MAX unless the depth has reached its maximum.
 *
 * A dict that is part of a value is read by the snapshot worker, so its blocks are owned before they change. The
 * keyspace's own dicts are not (the main thread hands entries over one by one): `captured` is false for them.
 */
import { assert } from '../base/assert.js';
import type { Arena } from './arena.js';
import { wordIndex } from './arena.js';
import {
  bytesOf,
  closeSlot,
  countLooks,
  DUE_NEVER,
  HEADER_WORDS,
  holds,
  homeSlot,
  moveItems,
  putSlot,
  SLOTS_MAX,
  STAGES,
  segmentItemsFrom,
  slotsFor,
  slotsOf,
} from './dict-segment.js';
import { hashBytes } from './hash-function.js';
import { haveOneKey, itemHasKey, itemHasSlot, itemKeyBytes, itemKeyIndex } from './item.js';

const ROOT_BYTES = 16;
/** Beyond this depth segments grow instead of splitting. */
const DEPTH_MAX = 26;
/** Items that `reserve` lays a segment out for: what segments hold on average after growing by themselves. */
const RESERVED_FILL = 146;

/** What `nextDue` answers. */
export interface DueSegment {
  /** 0: none was found. */
  segment: number;
  /** The hash position at which it begins. */
  begin: number;
  /** Nothing in the segments passed on the way expires before this second. */
  later: number;
  /** Where to go on; 0 = the end was reached. */
  position: number;
}

export class Dict {
  root: number;
  /** Bytes of the table's blocks, items excluded; counted from `create` on, so it holds for a handle that stays on its dict. */
  tableBytes = 0;
  // Where the last find ended: the segment, the slot (of the item, or the empty one), the hash.
  private segment = 0;
  private slot = 0;
  private hash = 0;
  // Iteration.
  private walkIndex = 0;
  private walkSlot = 0;
  private walkSegment = 0;

  /** @param captured whether a snapshot's worker reads the table */
  constructor(
    readonly arena: Arena,
    root = 0,
    private readonly captured = true,
  ) {
    this.root = root;
  }

  open(root: number): this {
    this.root = root;
    return this;
  }

  create(): this {
    const { arena } = this;
    this.tableBytes = ROOT_BYTES;
    const segment = this.newSegment(slotsOf(STAGES[0]!), 0);
    this.root = arena.alloc(ROOT_BYTES);
    arena.setWord(this.root, 0, 0);
    arena.setWord(this.root, 1, 0);
    arena.setWord(this.root, 2, segment);
    arena.setWord(this.root, 3, 1);
    return this;
  }

  get count(): number {
    return this.arena.getWord(this.root, 0);
  }

  /** Makes an empty dict's segments ready for about `count` items, so that they need not grow and split on the way there. */
  reserve(count: number): void {
    const { arena, root } = this;
    assert(!this.captured || !arena.capturing, 'nobody reads a table that is being laid out');
    if (this.count > 0 || arena.getWord(root, 1) > 0 || count <= RESERVED_FILL) return;
    let depth = 1;
    while (depth < DEPTH_MAX && count / 2 ** depth > RESERVED_FILL) depth++;
    const slots = slotsFor(Math.min(Math.ceil(count / 2 ** depth), RESERVED_FILL));
    arena.free(arena.getWord(root, 2));
    const directory = arena.alloc(4 << depth);
    for (let i = 0; i < 1 << depth; i++) arena.setWord(directory, i, this.newSegment(slots, depth));
    arena.setWord(root, 1, depth);
    arena.setWord(root, 2, directory);
    arena.setWord(root, 3, 1 << depth);
  }

  // --- lookup ------------------------------------------------------------------------------------------------------

  /** The item with this key, or 0. Remembers the place for `insert`, `replaceFound` and `removeFound`. Hot. */
  find(buf: Uint8Array, off: number, len: number): number {
    const { arena } = this;
    const hash = hashBytes(buf, off, len);
    const segment = this.segmentOf(hash);
    this.segment = segment;
    this.hash = hash;
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment);
    const slots = words[base + 1]!;
    let slot = homeSlot(hash, slots);
    for (;;) {
      const at = base + HEADER_WORDS + slot * 2;
      const item = words[at + 1]!;
      if (item === 0) {
        this.slot = slot;
        return 0;
      }
      if ((words[at]! | 0) === hash && itemHasKey(arena, item, buf, off, len)) {
        this.slot = slot;
        return item;
      }
      if (++slot === slots) slot = 0;
    }
  }

  /**
   * As `find` of an item's key, for an item that is in no table yet, with the key's hash at hand. The item is read only where
   * another one has the same hash.
   */
  findEqual(hash: number, other: number): number {
    const { arena } = this;
    const segment = this.segmentOf(hash);
    this.segment = segment;
    this.hash = hash;
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment);
    const slots = words[base + 1]!;
    let slot = homeSlot(hash, slots);
    for (;;) {
      const at = base + HEADER_WORDS + slot * 2;
      const item = words[at + 1]!;
      this.slot = slot;
      if (item === 0) return 0;
      if ((words[at]! | 0) === hash && haveOneKey(arena, item, other)) return item;
      if (++slot === slots) slot = 0;
    }
  }

  /** Position in hash space of the last `find`. */
  get foundPosition(): number {
    return this.hash >>> 0;
  }

  private segmentOf(hash: number): number {
    const { arena, root } = this;
    const depth = arena.getWord(root, 1);
    const top = arena.getWord(root, 2);
    return depth === 0 ? top : arena.getWord(top, hash >>> (32 - depth));
  }

  // --- change ------------------------------------------------------------------------------------------------------

  /** Adds an item whose key is absent: right after a `find` of that key that missed, with no change in between. */
  insert(item: number): void {
    this.insertHashed(item, this.hash);
  }

  private insertHashed(item: number, hash: number): void {
    const { arena } = this;
    let segment = this.segmentOf(hash);
    for (;;) {
      const count = arena.getWord(segment, 0);
      const slots = arena.getWord(segment, 1);
      if (holds(slots, count + 1)) break;
      if (slots >= SLOTS_MAX && arena.getWord(segment, 2) < DEPTH_MAX) this.split(segment, hash);
      else this.resize(segment, hash, slotsFor(count + 1));
      segment = this.segmentOf(hash);
    }
    segment = this.ownSegment(segment, hash);
    this.hash = hash;
    this.segment = segment;
    this.slot = putSlot(arena, segment, hash, item);
    this.setCount(this.count + 1);
  }

  /** After a `find` that hit: another address for the same key. */
  replaceFound(item: number): void {
    const segment = this.ownSegment(this.segment, this.hash);
    this.segment = segment;
    this.arena.setWord(segment, HEADER_WORDS + this.slot * 2 + 1, item);
  }

  /** After a `find` that hit: takes the item out of the table. The item itself stays the caller's. */
  removeFound(): void {
    const { arena, hash } = this;
    const segment = this.ownSegment(this.segment, hash);
    closeSlot(arena, segment, this.slot);
    const count = arena.getWord(segment, 0) - 1;
    arena.setWord(segment, 0, count);
    this.setCount(this.count - 1);
    const slots = arena.getWord(segment, 1);
    if (count * 4 < slots && slots > slotsOf(STAGES[0]!)) this.shrink(segment, hash, count);
    else if (count === 0) this.shrink(segment, hash, count);
  }

  /**
   * Finds the item by its address instead of its key's bytes, for items whose key lies in the arena.
   * Returns false when it is not in the table.
   */
  findItem(item: number): boolean {
    const { arena } = this;
    return this.find(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item)) === item;
  }

  private setCount(count: number): void {
    if (this.captured) this.root = this.arena.own(this.root);
    this.arena.setWord(this.root, 0, count);
  }

  /** The segment to write to; its directory entries follow when it moved. */
  private ownSegment(segment: number, hash: number): number {
    if (!this.captured) return segment;
    const owned = this.arena.own(segment);
    if (owned !== segment) this.setSegment(owned, hash);
    return owned;
  }

  /** Makes the directory entries that `segment`'s depth and `hash` name point to it. */
  private setSegment(segment: number, hash: number): void {
    const { arena } = this;
    this.ownDirectory();
    const depth = arena.getWord(this.root, 1);
    if (depth === 0) {
      arena.setWord(this.root, 2, segment);
      return;
    }
    const local = arena.getWord(segment, 2);
    const span = 1 << (depth - local);
    const first = local === 0 ? 0 : (hash >>> (32 - local)) * span;
    const directory = arena.getWord(this.root, 2);
    const words = arena.wordsOf(directory);
    const base = wordIndex(directory);
    words.fill(segment, base + first, base + first + span);
  }

  private ownDirectory(): void {
    if (!this.captured) return;
    const { arena } = this;
    this.root = arena.own(this.root);
    if (arena.getWord(this.root, 1) > 0) arena.setWord(this.root, 2, arena.own(arena.getWord(this.root, 2)));
  }

  private resize(segment: number, hash: number, slots: number): number {
    const { arena } = this;
    const grown = this.newSegment(slots, arena.getWord(segment, 2));
    moveItems(arena, segment, grown);
    this.setSegment(grown, hash);
    this.freeBlock(segment);
    return grown;
  }

  /** Splits a segment by the bit after its depth, doubling the directory when the segment is as deep as it. */
  private split(segment: number, hash: number): void {
    const { arena } = this;
    const local = arena.getWord(segment, 2);
    if (local === arena.getWord(this.root, 1)) this.growDirectory();
    const bit = 31 - local;
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment) + HEADER_WORDS;
    const slots = arena.getWord(segment, 1);
    let ones = 0;
    for (let i = 0; i < slots; i++) {
      if (words[base + i * 2 + 1] !== 0) ones += (words[base + i * 2]! >>> bit) & 1;
    }
    const zeros = arena.getWord(segment, 0) - ones;
    // When nearly all are on one side, that one splits again.
    const low = this.newSegment(Math.min(slotsFor(zeros + 1), SLOTS_MAX), local + 1);
    const high = this.newSegment(Math.min(slotsFor(ones + 1), SLOTS_MAX), local + 1);
    const due = arena.getWord(segment, 3);
    arena.setWord(low, 3, due);
    arena.setWord(high, 3, due);
    for (let i = 0; i < slots; i++) {
      const item = words[base + i * 2 + 1]!;
      if (item === 0) continue;
      const itemHash = words[base + i * 2]! | 0;
      putSlot(arena, ((itemHash >>> bit) & 1) === 0 ? low : high, itemHash, item);
    }
    const prefix = hash & ~(1 << bit);
    this.setSegment(low, prefix);
    this.setSegment(high, prefix | (1 << bit));
    if (local + 1 === arena.getWord(this.root, 1)) arena.setWord(this.root, 3, arena.getWord(this.root, 3) + 2);
    this.freeBlock(segment);
  }

  private growDirectory(): void {
    const { arena } = this;
    if (this.captured) this.root = arena.own(this.root);
    const { root } = this;
    const depth = arena.getWord(root, 1);
    const old = arena.getWord(root, 2);
    const grown = this.newDirectory(depth + 1);
    const words = arena.wordsOf(grown);
    const base = wordIndex(grown);
    if (depth === 0) {
      words.fill(old, base, base + 2);
    } else {
      const from = arena.wordsOf(old);
      const fromBase = wordIndex(old);
      for (let i = 0; i < 1 << depth; i++) {
        words[base + 2 * i] = from[fromBase + i]!;
        words[base + 2 * i + 1] = from[fromBase + i]!;
      }
      this.freeBlock(old);
    }
    arena.setWord(root, 1, depth + 1);
    arena.setWord(root, 2, grown);
    arena.setWord(root, 3, 0);
  }

  /** Makes a sparse segment smaller; when it is small already, merges it with its buddy. */
  private shrink(segment: number, hash: number, count: number): void {
    const { arena } = this;
    const slots = slotsFor(count + 1);
    if (slots < arena.getWord(segment, 1)) segment = this.resize(segment, hash, slots);
    for (;;) {
      const local = arena.getWord(segment, 2);
      if (local === 0) return;
      const bit = 1 << (32 - local);
      const buddy = this.segmentOf(hash ^ bit);
      if (arena.getWord(buddy, 2) !== local) return;
      const total = arena.getWord(segment, 0) + arena.getWord(buddy, 0);
      if (total * 2 > SLOTS_MAX) return;
      const merged = this.newSegment(slotsFor(total + 1), local - 1);
      moveItems(arena, segment, merged);
      moveItems(arena, buddy, merged);
      this.setSegment(merged, hash);
      this.freeBlock(segment);
      this.freeBlock(buddy);
      if (local === arena.getWord(this.root, 1)) {
        const deepest = arena.getWord(this.root, 3) - 2;
        arena.setWord(this.root, 3, deepest);
        if (deepest === 0) this.shrinkDirectory();
      }
      segment = merged;
    }
  }

  private shrinkDirectory(): void {
    const { arena, root } = this;
    while (arena.getWord(root, 3) === 0) {
      const depth = arena.getWord(root, 1) - 1;
      const old = arena.getWord(root, 2);
      if (depth === 0) {
        arena.setWord(root, 2, arena.getWord(old, 0));
        arena.setWord(root, 3, 1);
      } else {
        const smaller = this.newDirectory(depth);
        let deepest = 0;
        for (let i = 0; i < 1 << depth; i++) {
          const segment = arena.getWord(old, i * 2);
          arena.setWord(smaller, i, segment);
          if (arena.getWord(segment, 2) === depth) deepest++;
        }
        arena.setWord(root, 2, smaller);
        arena.setWord(root, 3, deepest);
      }
      arena.setWord(root, 1, depth);
      this.freeBlock(old);
    }
  }

  private newSegment(slots: number, depth: number): number {
    const { arena } = this;
    const segment = arena.alloc(bytesOf(slots));
    this.tableBytes += arena.capacity(segment);
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment);
    words[base] = 0;
    words[base + 1] = slots;
    words[base + 2] = depth;
    words[base + 3] = DUE_NEVER;
    words.fill(0, base + HEADER_WORDS, base + HEADER_WORDS + slots * 2);
    return segment;
  }

  /** Its words are the caller's to write. */
  private newDirectory(depth: number): number {
    const directory = this.arena.alloc(4 << depth);
    this.tableBytes += this.arena.capacity(directory);
    return directory;
  }

  private freeBlock(address: number): void {
    this.tableBytes -= this.arena.capacity(address);
    this.arena.free(address);
  }

  // --- iteration ---------------------------------------------------------------------------------------------------

  /** Starts a walk over all items in the handle; 0 when there is none. No change to the dict until the walk's end. */
  first(): number {
    this.walkIndex = 0;
    this.walkSlot = 0;
    this.walkSegment = this.segmentAt(0);
    return this.next();
  }

  /** The next item of the walk, or 0 at its end. */
  next(): number {
    const { arena } = this;
    for (;;) {
      const segment = this.walkSegment;
      const words = arena.wordsOf(segment);
      const base = wordIndex(segment);
      const slots = words[base + 1]!;
      for (let slot = this.walkSlot; slot < slots; slot++) {
        const item = words[base + HEADER_WORDS + slot * 2 + 1]!;
        if (item !== 0) {
          this.walkSlot = slot + 1;
          return item;
        }
      }
      const depth = arena.getWord(this.root, 1);
      this.walkIndex += 1 << (depth - words[base + 2]!);
      if (this.walkIndex >= 1 << depth) {
        this.walkSlot = slots;
        return 0;
      }
      this.walkSlot = 0;
      this.walkSegment = this.segmentAt(this.walkIndex);
    }
  }

  private segmentAt(index: number): number {
    const { arena, root } = this;
    const top = arena.getWord(root, 2);
    return arena.getWord(root, 1) === 0 ? top : arena.getWord(top, index);
  }

  /**
   * Visits at least `count` items from the position `cursor` on, in hash order, and returns the position to go on
   * from; 0 = the scan is complete. Items present during the whole scan are visited exactly once. `visit` must not
   * change the dict.
   */
  scan(cursor: number, count: number, visit: (item: number) => void): number {
    const { arena } = this;
    let from = cursor >>> 0;
    let left = count;
    for (;;) {
      const segment = this.segmentOf(from);
      const local = arena.getWord(segment, 2);
      const found = segmentItemsFrom(arena, segment, from);
      for (let i = 0; i < found.length; i++) {
        const { hash, item } = found[i]!;
        if (left <= 0 && (i === 0 || found[i - 1]!.hash !== hash)) return hash;
        visit(item);
        left--;
      }
      const width = 2 ** (32 - local);
      const end = (Math.floor(from / width) + 1) * width;
      if (end >= 2 ** 32) return 0;
      from = end;
      if (left <= 0) return from;
    }
  }

  /**
   * Appends to `out` the items at or after the hash position `from` within the segment that holds `from`, in no
   * order; returns the position behind that segment (2^32 at the end).
   */
  segmentFrom(from: number, out: number[]): number {
    const { arena } = this;
    const segment = this.segmentOf(from);
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment);
    const slots = words[base + 1]!;
    for (let slot = 0; slot < slots; slot++) {
      const at = base + HEADER_WORDS + slot * 2;
      if (words[at + 1] !== 0 && words[at]! >= from) out.push(words[at + 1]!);
    }
    const width = 2 ** (32 - words[base + 2]!);
    return (Math.floor(from / width) + 1) * width;
  }

  /** An item chosen with equal chances, or 0. `random` gives [0, 1). */
  randomItem(random: () => number): number {
    const { arena } = this;
    if (this.count === 0) return 0;
    const depth = arena.getWord(this.root, 1);
    for (;;) {
      const index = Math.floor(random() * (1 << depth));
      const segment = this.segmentAt(index);
      // A shallow segment stands in several entries; only its first one counts, so every segment has the same chance,
      // and a slot of a small segment is taken with the chance of a slot of a large one.
      if ((index & ((1 << (depth - arena.getWord(segment, 2))) - 1)) !== 0) continue;
      const slots = arena.getWord(segment, 1);
      const slot = Math.floor(random() * (depth === 0 ? slots : Math.max(SLOTS_MAX, slots)));
      if (slot >= slots) continue;
      const item = arena.getWord(segment, HEADER_WORDS + slot * 2 + 1);
      if (item !== 0) return item;
    }
  }

  /**
   * Items that lie side by side in the table, from a position in hash space on: as good as chance, for keys are hashed, and
   * without the misses of `randomItem`. `out` gets pairs [hash, address]; returns how many. At the end of the range
   * [low, high) the search goes on at its beginning. Segments are looked at whole, so items outside of the range may come too.
   * @param onlyExpiring only items with a slot (an expiry); segments whose hint says that there is none are passed over
   */
  sample(from: number, low: number, high: number, max: number, onlyExpiring: boolean, out: Uint32Array): number {
    const firstSegment = this.segmentOf(from);
    const firstSlot = homeSlot(from, this.arena.getWord(firstSegment, 1));
    let found = this.sampleSegment(firstSegment, firstSlot, onlyExpiring, 0, max, out);
    let position = this.endOf(firstSegment, from);
    for (let wrapped = false; found < max; ) {
      if (position >= high) {
        if (wrapped) break;
        wrapped = true;
        position = low;
      }
      const segment = this.segmentOf(position);
      if (segment === firstSegment) {
        return firstSlot === 0 ? found : this.sampleSegment(segment, -firstSlot, onlyExpiring, found, max, out);
      }
      found = this.sampleSegment(segment, 0, onlyExpiring, found, max, out);
      position = this.endOf(segment, position);
    }
    return found;
  }

  /** Position behind the segment that holds `position`. */
  private endOf(segment: number, position: number): number {
    const width = 2 ** (32 - this.arena.getWord(segment, 2));
    return (Math.floor(position / width) + 1) * width;
  }

  /** A part of `sample`: the slots from `from` on, or with a negative number those before it. */
  private sampleSegment(
    segment: number,
    from: number,
    onlyExpiring: boolean,
    found: number,
    max: number,
    out: Uint32Array,
  ): number {
    const { arena } = this;
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment);
    if (onlyExpiring && words[base + 3] === DUE_NEVER) return found;
    const slots = from < 0 ? -from : words[base + 1]!;
    for (let slot = Math.max(0, from); slot < slots && found < max; slot++) {
      const at = base + HEADER_WORDS + slot * 2;
      const item = words[at + 1]!;
      if (item === 0 || (onlyExpiring && !itemHasSlot(arena, item))) continue;
      out[found * 2] = words[at]!;
      out[found * 2 + 1] = item;
      found++;
    }
    return found;
  }

  /**
   * Whether the table holds this item under this hash, without a look at the item: so the address may be one that was freed
   * since. Remembers the place as `find` does.
   */
  holds(hash: number, item: number): boolean {
    const { arena } = this;
    hash |= 0;
    const segment = this.segmentOf(hash);
    const words = arena.wordsOf(segment);
    const base = wordIndex(segment);
    const slots = words[base + 1]!;
    for (let slot = homeSlot(hash, slots); ; ) {
      const at = base + HEADER_WORDS + slot * 2;
      if (words[at + 1] === item && (words[at]! | 0) === hash) {
        this.segment = segment;
        this.slot = slot;
        this.hash = hash;
        return true;
      }
      if (words[at + 1] === 0) return false;
      if (++slot === slots) slot = 0;
    }
  }

  // --- expiry hints ------------------------------------------------------------------------------------------------

  /** After `find` (hit), `insert` or `replaceFound`: that item expires at this second. */
  noteDue(second: number): void {
    if (second >= this.arena.getWord(this.segment, 3)) return;
    this.segment = this.ownSegment(this.segment, this.hash);
    this.arena.setWord(this.segment, 3, second);
  }

  /** The first segment at or after the hash position `from` in which something may be due at `second`, if there is one. */
  nextDue(from: number, second: number, visitsMax: number, answer: DueSegment): void {
    const { arena } = this;
    const depth = arena.getWord(this.root, 1);
    let index = depth === 0 ? 0 : Math.floor(from / 2 ** (32 - depth));
    answer.segment = 0;
    answer.later = DUE_NEVER;
    for (let visits = 0; visits < visitsMax; visits++) {
      const segment = this.segmentAt(index);
      const span = 1 << (depth - arena.getWord(segment, 2));
      const begin = Math.floor(index / span) * span;
      index = begin + span;
      const due = arena.getWord(segment, 3);
      if (due <= second) {
        answer.segment = segment;
        answer.begin = begin * 2 ** (32 - depth);
        break;
      }
      if (due < answer.later) answer.later = due;
      if (index >= 1 << depth) break;
    }
    answer.position = index >= 1 << depth ? 0 : index * 2 ** (32 - depth);
  }

  /** All items of a segment that `nextDue` named. */
  segmentItems(segment: number): number[] {
    const { arena } = this;
    const items: number[] = [];
    const slots = arena.getWord(segment, 1);
    for (let slot = 0; slot < slots; slot++) {
      const item = arena.getWord(segment, HEADER_WORDS + slot * 2 + 1);
      if (item !== 0) items.push(item);
    }
    return items;
  }

  /** The segment that begins at the hash position `begin`: nothing in it expires before this second. */
  setSegmentDue(segment: number, begin: number, second: number): void {
    if (this.arena.getWord(segment, 3) === second) return;
    this.arena.setWord(this.ownSegment(segment, begin | 0), 3, second);
  }

  // --- whole ---------------------------------------------------------------------------------------------------------

  /**
   * A new dict with `copyItem(item)` for each item; returns its root.
   * @param dueOf the second at which a copy expires, DUE_NEVER for never; null: none does
   */
  copyWith(copyItem: (item: number) => number, dueOf: ((copy: number) => number) | null = null): number {
    const { arena } = this;
    const copy = new Dict(arena, 0, this.captured).create();
    for (let item = this.first(); item !== 0; item = this.next()) {
      const hash = arena.getWord(this.walkSegment, HEADER_WORDS + (this.walkSlot - 1) * 2) | 0;
      const copied = copyItem(item);
      copy.insertHashed(copied, hash);
      if (dueOf !== null) copy.noteDue(dueOf(copied));
    }
    return copy.root;
  }

  /** Frees the table; the items are the caller's. */
  release(): void {
    const { arena } = this;
    this.blocks((address) => arena.free(address));
    this.root = 0;
  }

  /**
   * Yields every block of a dict that nobody uses any more, its items included, each after all that is read from it: so
   * the caller may free them as they come, in slices.
   * @param inside the blocks that an item holds, or null; they come before it
   */
  *dismantle(inside: ((item: number) => Iterable<number> | null) | null = null): Generator<number> {
    const { arena, root } = this;
    const depth = arena.getWord(root, 1);
    for (let index = 0; index < 1 << depth; ) {
      const segment = this.segmentAt(index);
      index += 1 << (depth - arena.getWord(segment, 2));
      const slots = arena.getWord(segment, 1);
      for (let slot = 0; slot < slots; slot++) {
        const item = arena.getWord(segment, HEADER_WORDS + slot * 2 + 1);
        if (item === 0) continue;
        const blocks = inside === null ? null : inside(item);
        if (blocks !== null) yield* blocks;
        yield item;
      }
      yield segment;
    }
    if (depth > 0) yield arena.getWord(root, 2);
    yield root;
  }

  /** Visits the table's blocks (not the items). */
  blocks(visit: (address: number) => void): void {
    const { arena, root } = this;
    const depth = arena.getWord(root, 1);
    const segments: number[] = [];
    for (let index = 0; index < 1 << depth; ) {
      const segment = this.segmentAt(index);
      segments.push(segment);
      index += 1 << (depth - arena.getWord(segment, 2));
    }
    if (depth > 0) visit(arena.getWord(root, 2));
    for (const segment of segments) visit(segment);
    visit(root);
  }

  /**
   * How full the table is: its slots and segments, and the number of items that are found at the first look, at the
   * second, and so on.
   */
  stats(): { slots: number; segments: number; probes: number[] } {
    const { arena, root } = this;
    const depth = arena.getWord(root, 1);
    const probes: number[] = [];
    let slots = 0;
    let segments = 0;
    for (let index = 0; index < 1 << depth; ) {
      const segment = this.segmentAt(index);
      const here = arena.getWord(segment, 1);
      countLooks(arena, segment, probes);
      slots += here;
      segments++;
      index += 1 << (depth - arena.getWord(segment, 2));
    }
    return { slots, segments, probes };
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    const { arena, root } = this;
    const depth = arena.getWord(root, 1);
    let count = 0;
    let deepest = 0;
    for (let index = 0; index < 1 << depth; ) {
      const segment = this.segmentAt(index);
      const local = arena.getWord(segment, 2);
      const span = 1 << (depth - local);
      assert(index % span === 0, 'a segment begins at a multiple of its span');
      if (local === depth) deepest++;
      let inSegment = 0;
      for (let i = 0; i < span; i++) assert(this.segmentAt(index + i) === segment, 'aliases of a segment are adjacent');
      const slots = arena.getWord(segment, 1);
      for (let slot = 0; slot < slots; slot++) {
        const item = arena.getWord(segment, HEADER_WORDS + slot * 2 + 1);
        if (item === 0) continue;
        inSegment++;
        const hash = arena.getWord(segment, HEADER_WORDS + slot * 2) | 0;
        if (depth > 0) {
          const at = hash >>> (32 - depth);
          assert(at >= index && at < index + span, 'an item lies in the segment of its hash');
        }
        assert(this.findItem(item), 'an item is found by its key');
      }
      assert(inSegment === arena.getWord(segment, 0), 'a segment counts its items');
      assert(holds(slots, inSegment), 'a segment has empty slots');
      assert(slots <= SLOTS_MAX || local === DEPTH_MAX, 'a segment that can split is not larger than others');
      count += inSegment;
      index += span;
    }
    assert(count === this.count, 'the root counts the items');
    assert(deepest === arena.getWord(root, 3), 'the root counts the deepest segments');
  }
}
