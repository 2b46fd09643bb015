/**
 * Reading a tree: the blocks' layout, the cursor, searches by order and by position. See tree.ts, which adds changes.
 *
 * It needs only the arena's views, so it works on an attached arena in another thread.
 */
import { assert, unreachable } from '../base/assert.js';
import type { Arena } from './arena.js';
import { doubleIndex, wordIndex } from './arena.js';

/** How the items of an ordered tree are sorted: by a double key, and within equal keys by `compareTie`. */
export interface TreeOrder {
  /** Key of what is looked for. Never NaN. */
  probeKey: number;
  /** Key of an item. */
  keyOf(arena: Arena, item: number): number;
  /** Negative when the probe stands before `item`, whose key equals `probeKey`; 0 when it is this one; else positive. */
  compareTie(arena: Arena, item: number): number;
}

/** Words before a block's columns. */
export const HEADER_WORDS = 2;
const LEVELS_MAX = 12;
/** Sizes of blocks in bytes; the last is that of every block but a small root. */
const LEAF_BYTES = [64, 128, 256];
const INNER_BYTES = [128, 256, 512, 1024];

/** The reading half of a tree's handle: one cursor. `seek...` places it; `next` and `prev` move it. */
export class TreeCursor {
  /** 0 = empty tree. Changes; whoever keeps the tree stores it after every change. */
  root = 0;
  /** Set by `seekOffset`: how far into the item the offset lies. */
  offsetInItem = 0;

  // The cursor: the block and the index in it, by level. At level 0 the index may be the leaf's count: before the next leaf.
  protected readonly path = new Uint32Array(LEVELS_MAX);
  protected readonly at = new Int32Array(LEVELS_MAX);
  protected height = 0;

  protected readonly leafCaps: number[];
  protected readonly innerCaps: number[];
  /** Words before an inner block's children, as a multiple of its cap. */
  protected readonly keyWords: number;
  protected readonly leafWords: number;
  protected readonly innerWords: number;

  constructor(
    readonly arena: Arena,
    /** null: items have no order but their position. */
    readonly order: TreeOrder | null,
    /** Whether items have weights; otherwise each weighs 1. */
    readonly weighted: boolean,
  ) {
    this.keyWords = order === null ? 0 : 2;
    this.leafWords = weighted ? 2 : 1;
    this.innerWords = order === null ? 2 : 5;
    this.leafCaps = LEAF_BYTES.map((bytes) => Math.floor((bytes / 4 - HEADER_WORDS) / this.leafWords));
    this.innerCaps = INNER_BYTES.map((bytes) => Math.floor((bytes / 4 - HEADER_WORDS) / this.innerWords));
  }

  open(root: number): this {
    this.root = root;
    return this;
  }

  /** The sum of all weights; without weights, the number of items. O(1). */
  get weight(): number {
    return this.root === 0 ? 0 : this.arena.getWord(this.root, 1);
  }

  /** Whether there is exactly one item. O(1). */
  get isSingle(): boolean {
    // The root is a leaf (level 0) with a count of 1; the bits between are its room.
    return this.root !== 0 && (this.arena.getWord(this.root, 0) & 0xff000fff) === 1;
  }

  // --- cursor: item addresses are returned, 0 = there is none ------------------------------------------------------

  /**
   * Places the cursor at the first item that does not stand before the order's probe. True when it is the probe itself.
   * Hot: no allocation.
   */
  seek(): boolean {
    const { arena, path, at } = this;
    let node = this.root;
    this.height = 0;
    path[0] = node;
    at[0] = 0;
    if (node === 0) return false;
    const order = this.order!;
    const key = order.probeKey;
    let level = arena.getWord(node, 0) >>> 24;
    this.height = level;
    for (; level > 0; level--) {
      const words = arena.wordsOf(node);
      const base = wordIndex(node);
      const header = words[base]!;
      const cap = (header >>> 12) & 0xfff;
      const doubles = arena.doublesOf(node);
      const keys = doubleIndex(node) + 1;
      const firsts = base + HEADER_WORDS + cap * 4;
      let low = 1;
      let high = header & 0xfff;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const k = doubles[keys + middle]!;
        if (k < key || (k === key && order.compareTie(arena, words[firsts + middle]!) >= 0)) low = middle + 1;
        else high = middle;
      }
      path[level] = node;
      at[level] = low - 1;
      node = words[base + HEADER_WORDS + cap * 2 + low - 1]!;
    }
    path[0] = node;
    const words = arena.wordsOf(node);
    const items = wordIndex(node) + HEADER_WORDS;
    let low = 0;
    let high = words[items - HEADER_WORDS]! & 0xfff;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = words[items + middle]!;
      const k = order.keyOf(arena, item);
      const c = k < key ? 1 : k > key ? -1 : order.compareTie(arena, item);
      if (c === 0) {
        at[0] = middle;
        return true;
      }
      if (c > 0) low = middle + 1;
      else high = middle;
    }
    at[0] = low;
    return false;
  }

  /** The item that holds weight position `offset` (0-based); `offsetInItem` is set. 0 and the end when past the last. */
  seekOffset(offset: number): number {
    const { arena, path, at } = this;
    this.offsetInItem = 0;
    if (offset >= this.weight) {
      this.seekEnd();
      return 0;
    }
    let node = this.root;
    let level = arena.getWord(node, 0) >>> 24;
    this.height = level;
    let left = offset;
    for (; level > 0; level--) {
      const words = arena.wordsOf(node);
      const base = wordIndex(node);
      const cap = (words[base]! >>> 12) & 0xfff;
      const weights = base + HEADER_WORDS + cap * (this.keyWords + 1);
      const i = this.scanWeights(words, weights, words[base]! & 0xfff, words[base + 1]!, left);
      left = this.offsetInItem;
      path[level] = node;
      at[level] = i;
      node = words[weights - cap + i]!;
    }
    path[0] = node;
    if (!this.weighted) {
      this.offsetInItem = 0;
      at[0] = left;
      return arena.getWord(node, HEADER_WORDS + left);
    }
    const words = arena.wordsOf(node);
    const base = wordIndex(node);
    const cap = (words[base]! >>> 12) & 0xfff;
    const weights = base + HEADER_WORDS + cap;
    const i = this.scanWeights(words, weights, words[base]! & 0xfff, words[base + 1]!, left);
    at[0] = i;
    return words[weights - cap + i]!;
  }

  /** The entry that holds position `offset` of a block of weight `total`; `offsetInItem` is set to what is left. */
  private scanWeights(words: Uint32Array, weights: number, count: number, total: number, offset: number): number {
    if (offset * 2 < total) {
      let i = 0;
      for (; offset >= words[weights + i]!; i++) offset -= words[weights + i]!;
      this.offsetInItem = offset;
      return i;
    }
    let before = total;
    for (let i = count - 1; i >= 0; i--) {
      before -= words[weights + i]!;
      if (offset >= before) {
        this.offsetInItem = offset - before;
        return i;
      }
    }
    return unreachable('a block weighs as much as its entries');
  }

  /** Hot, as `seekLast`: each block's view and index are looked up once. */
  seekFirst(): number {
    const { arena, path, at } = this;
    let node = this.root;
    this.height = 0;
    path[0] = node;
    at[0] = 0;
    if (node === 0) return 0;
    let words = arena.wordsOf(node);
    let base = wordIndex(node);
    let level = words[base]! >>> 24;
    this.height = level;
    for (; level > 0; level--) {
      path[level] = node;
      at[level] = 0;
      node = words[base + HEADER_WORDS + ((words[base]! >>> 12) & 0xfff) * this.keyWords]!;
      words = arena.wordsOf(node);
      base = wordIndex(node);
    }
    path[0] = node;
    at[0] = 0;
    return words[base + HEADER_WORDS]!;
  }

  seekLast(): number {
    const { arena, path, at } = this;
    let node = this.root;
    this.height = 0;
    path[0] = node;
    at[0] = 0;
    if (node === 0) return 0;
    let words = arena.wordsOf(node);
    let base = wordIndex(node);
    let header = words[base]!;
    let level = header >>> 24;
    let last = (header & 0xfff) - 1;
    this.height = level;
    for (; level > 0; level--) {
      path[level] = node;
      at[level] = last;
      node = words[base + HEADER_WORDS + ((header >>> 12) & 0xfff) * this.keyWords + last]!;
      words = arena.wordsOf(node);
      base = wordIndex(node);
      header = words[base]!;
      last = (header & 0xfff) - 1;
    }
    path[0] = node;
    at[0] = last;
    return words[base + HEADER_WORDS + last]!;
  }

  /** Places the cursor behind the last item: `insert` appends, `prev` gives the last. */
  seekEnd(): void {
    if (this.seekLast() !== 0) this.at[0]!++;
  }

  /** The item at the cursor; 0 at the end. */
  item(): number {
    if (this.root === 0) return 0;
    const leaf = this.path[0]!;
    const words = this.arena.wordsOf(leaf);
    const base = wordIndex(leaf);
    const index = this.at[0]!;
    return index < (words[base]! & 0xfff) ? words[base + HEADER_WORDS + index]! : this.nextLeaf();
  }

  /** Weight of the item at the cursor. */
  itemWeight(): number {
    if (!this.weighted || this.item() === 0) return 1;
    const leaf = this.path[0]!;
    const words = this.arena.wordsOf(leaf);
    const base = wordIndex(leaf);
    return words[base + HEADER_WORDS + ((words[base]! >>> 12) & 0xfff) + this.at[0]!]!;
  }

  /** Moves on and returns the item there; 0 at the end. */
  next(): number {
    if (this.item() === 0) return 0;
    this.at[0]!++;
    return this.item();
  }

  /** Moves back and returns the item there; 0 before the first (the cursor then stays at the first). */
  prev(): number {
    const { arena, path, at, height } = this;
    if (this.root === 0) return 0;
    if (at[0]! === 0) {
      let level = 1;
      while (level <= height && at[level] === 0) level++;
      if (level > height) return 0;
      at[level]!--;
      this.descendLast(level);
    }
    return arena.getWord(path[0]!, HEADER_WORDS + --at[0]!);
  }

  /** Sum of the weights of all items before the cursor: the rank of the item at it. O(log n). */
  offset(): number {
    const { arena, path, at, height } = this;
    if (this.root === 0) return 0;
    let sum = this.weighted ? this.sumBefore(path[0]!, 1, at[0]!) : at[0]!;
    for (let level = 1; level <= height; level++) sum += this.sumBefore(path[level]!, this.keyWords + 1, at[level]!);
    assert(sum <= arena.getWord(this.root, 1), 'a rank lies within the tree');
    return sum;
  }

  private sumBefore(node: number, columns: number, index: number): number {
    const words = this.arena.wordsOf(node);
    const base = wordIndex(node);
    const weights = base + HEADER_WORDS + ((words[base]! >>> 12) & 0xfff) * columns;
    let sum = 0;
    for (let i = 0; i < index; i++) sum += words[weights + i]!;
    return sum;
  }

  /** From the end of a leaf to the first item of the next one; 0 when it was the last leaf. */
  private nextLeaf(): number {
    const { arena, path, at, height } = this;
    let level = 1;
    while (level <= height && at[level]! + 1 >= (arena.getWord(path[level]!, 0) & 0xfff)) level++;
    if (level > height) return 0;
    at[level]!++;
    this.descendFirst(level);
    return arena.getWord(path[0]!, HEADER_WORDS);
  }

  private child(level: number): number {
    const node = this.path[level]!;
    const cap = (this.arena.getWord(node, 0) >>> 12) & 0xfff;
    return this.arena.getWord(node, HEADER_WORDS + cap * this.keyWords + this.at[level]!);
  }

  /** Sets the path below `level` to the first item there. */
  protected descendFirst(level: number): void {
    for (; level > 0; level--) {
      this.path[level - 1] = this.child(level);
      this.at[level - 1] = 0;
    }
  }

  /** Sets the path below `level` to the end of the last leaf there. */
  protected descendLast(level: number): void {
    for (; level > 0; level--) {
      const node = this.child(level);
      this.path[level - 1] = node;
      this.at[level - 1] = (this.arena.getWord(node, 0) & 0xfff) - (level > 1 ? 1 : 0);
    }
  }

  /** The first item below a block. */
  protected firstItem(node: number): number {
    const { arena } = this;
    const header = arena.getWord(node, 0);
    if (header >>> 24 === 0) return arena.getWord(node, HEADER_WORDS);
    return arena.getWord(node, HEADER_WORDS + ((header >>> 12) & 0xfff) * 4);
  }

  // --- whole tree ---

  /** The addresses of the tree's blocks, items excluded; a block comes after those below it. */
  blocks(visit: (address: number) => void): void {
    if (this.root !== 0) this.blocksBelow(this.root, visit);
  }

  private blocksBelow(node: number, visit: (address: number) => void): void {
    const { arena } = this;
    const header = arena.getWord(node, 0);
    if (header >>> 24 > 0) {
      const children = HEADER_WORDS + ((header >>> 12) & 0xfff) * this.keyWords;
      for (let i = 0; i < (header & 0xfff); i++) this.blocksBelow(arena.getWord(node, children + i), visit);
    }
    visit(node);
  }

  /** Asserts the invariants; for tests. */
  check(): void {
    if (this.root === 0) return;
    const { arena } = this;
    let previous = 0;
    for (let item = this.seekFirst(); item !== 0; item = this.next()) {
      if (this.order !== null && previous !== 0) {
        assert(
          this.order.keyOf(arena, previous) <= this.order.keyOf(arena, item),
          'items are in the order of their keys',
        );
      }
      previous = item;
    }
    this.checkBlock(this.root, arena.getWord(this.root, 0) >>> 24);
  }

  private checkBlock(node: number, level: number): void {
    const { arena } = this;
    const header = arena.getWord(node, 0);
    const count = header & 0xfff;
    const cap = (header >>> 12) & 0xfff;
    const caps = level === 0 ? this.leafCaps : this.innerCaps;
    assert(header >>> 24 === level, 'all leaves are equally deep');
    assert(count > 0 && count <= cap, 'a block is neither empty nor over-full');
    assert(node === this.root || cap === caps[caps.length - 1], 'only a root is small');
    assert(node !== this.root || level === 0 || count > 1, 'an inner root has two children');
    let weight = 0;
    for (let i = 0; i < count; i++) {
      if (level === 0) {
        weight += this.weighted ? arena.getWord(node, HEADER_WORDS + cap + i) : 1;
        continue;
      }
      const child = arena.getWord(node, HEADER_WORDS + cap * this.keyWords + i);
      const childWeight = arena.getWord(node, HEADER_WORDS + cap * (this.keyWords + 1) + i);
      this.checkBlock(child, level - 1);
      assert(arena.getWord(child, 1) === childWeight, "the parent knows its child's weight");
      weight += childWeight;
      if (this.order === null) continue;
      const first = arena.getWord(node, HEADER_WORDS + cap * 4 + i);
      assert(first === this.firstItem(child), "the parent knows its child's first item");
      assert(arena.getDouble(node, 1 + i) === this.order.keyOf(arena, first), "the parent knows its child's first key");
    }
    assert(arena.getWord(node, 1) === weight, 'a block weighs as much as its entries');
  }
}
