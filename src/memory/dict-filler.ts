/**
 * Puts items into a dict by the tens of thousands, in the order of their hashes, which is that of the table: what is needed of
 * its memory lies near then, and is waited for some at a time (Arena.approach).
 *
 * It writes to slots that are free, and to nothing else: it makes, moves and frees no block. So another thread than the
 * arena's can do it, on an attached arena, as long as it is the only one that changes the dict (Dict.reserve has laid the
 * segments out before). What cannot be had so is left to the dict's owner: an item whose segment is full, and one whose hash
 * is in the table already, for the key may be the same.
 */
import type { Arena } from './arena.js';
import { HEADER_WORDS, homeSlot, putNew } from './dict-segment.js';

/** Items of a batch at the most. */
export const BATCH_MAX = 65_536;
/** By so many of a hash's bits items are put in order: a few segments of the table each. */
const ORDER_BITS = 11;
const ORDER_SHIFT = 32 - ORDER_BITS;
/** Items that are waited for together. */
const APPROACHED = 64;
/** The address unit of a segment at which its slots begin; each takes one. */
const SLOTS_UNIT = HEADER_WORDS / 2;
const HEAD_WORDS = 4;

/** Items for one dict, in memory that threads share. */
export class DictBatch {
  /** Bytes of the memory. */
  static readonly BYTES = (HEAD_WORDS + 4 * BATCH_MAX) * 4;
  /** Addresses. */
  readonly items: Uint32Array;
  readonly hashes: Int32Array;
  /** The second at which each expires, or something in it; DUE_NEVER: never. */
  readonly dues: Uint32Array;
  /** Which ones are left to the dict's owner: their indices, in the order of the hashes. */
  readonly left: Uint32Array;
  /** w0 items   w1 the dict's root   w2 items left to the owner */
  private readonly head: Uint32Array;

  constructor(readonly memory = new SharedArrayBuffer(DictBatch.BYTES)) {
    const column = (n: number): number => (HEAD_WORDS + n * BATCH_MAX) * 4;
    this.head = new Uint32Array(memory, 0, HEAD_WORDS);
    this.items = new Uint32Array(memory, column(0), BATCH_MAX);
    this.hashes = new Int32Array(memory, column(1), BATCH_MAX);
    this.dues = new Uint32Array(memory, column(2), BATCH_MAX);
    this.left = new Uint32Array(memory, column(3), BATCH_MAX);
  }

  get count(): number {
    return this.head[0]!;
  }
  set count(count: number) {
    this.head[0] = count;
  }
  get root(): number {
    return this.head[1]!;
  }
  set root(root: number) {
    this.head[1] = root;
  }
  get leftCount(): number {
    return this.head[2]!;
  }
  set leftCount(count: number) {
    this.head[2] = count;
  }
}

export class DictFiller {
  private readonly order = new Uint32Array(BATCH_MAX);
  private readonly starts = new Uint32Array((1 << ORDER_BITS) + 1);
  private readonly segments = new Uint32Array(APPROACHED);
  private readonly slots = new Uint32Array(APPROACHED);

  /** Puts a batch in; `left` and `leftCount` say what is left of it. Items of one hash keep their order. */
  fill(arena: Arena, batch: DictBatch): void {
    const { segments, slots } = this;
    const { count, root } = batch;
    this.putInOrder(batch);
    batch.leftCount = 0;
    for (let from = 0; from < count; from += APPROACHED) {
      const n = Math.min(APPROACHED, count - from);
      this.findSegments(arena, batch, from, n);
      arena.approach(segments, n);
      this.findSlots(arena, batch, from, n);
      arena.approach(slots, n);
      this.put(arena, batch, from, n);
    }
    arena.setWord(root, 0, arena.getWord(root, 0) + count - batch.leftCount);
  }

  // Many short functions: what runs for a tenth of a second in all should be compiled soon, and not twice.

  private putInOrder({ hashes, count }: DictBatch): void {
    const { order, starts } = this;
    starts.fill(0);
    countParts(hashes, count, starts);
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    takePlaces(hashes, count, starts, order);
  }

  private findSegments(arena: Arena, { hashes, root }: DictBatch, from: number, n: number): void {
    const { order, segments } = this;
    const depth = arena.getWord(root, 1);
    const top = arena.getWord(root, 2);
    for (let i = 0; i < n; i++) {
      segments[i] = depth === 0 ? top : arena.getWord(top, hashes[order[from + i]!]! >>> (32 - depth));
    }
  }

  private findSlots(arena: Arena, { hashes }: DictBatch, from: number, n: number): void {
    const { order, segments, slots } = this;
    for (let i = 0; i < n; i++) {
      const segment = segments[i]!;
      slots[i] = segment + SLOTS_UNIT + homeSlot(hashes[order[from + i]!]!, arena.getWord(segment, 1));
    }
  }

  private put(arena: Arena, batch: DictBatch, from: number, n: number): void {
    const { order, segments } = this;
    const { items, hashes, dues } = batch;
    for (let i = 0; i < n; i++) {
      const at = order[from + i]!;
      if (!putNew(arena, segments[i]!, hashes[at]!, items[at]!, dues[at]!)) batch.left[batch.leftCount++] = at;
    }
  }
}

/** How many hashes each part of hash space has, one place further. */
function countParts(hashes: Int32Array, count: number, parts: Uint32Array): void {
  for (let i = 0; i < count; i++) parts[(hashes[i]! >>> ORDER_SHIFT) + 1]!++;
}

/** The indices of the hashes by the parts in which they lie. */
function takePlaces(hashes: Int32Array, count: number, next: Uint32Array, order: Uint32Array): void {
  for (let i = 0; i < count; i++) order[next[hashes[i]! >>> ORDER_SHIFT]!++] = i;
}
