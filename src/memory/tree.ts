/**
 * The tree: a counted B+tree in the arena, with order statistics. One tree serves three uses:
 *
 *   zset     items in the order of (score, member), every weight 1
 *   list     a rope: items are listpacks, the weight is the number of elements in one; no order but position
 *   stream   items in the order of their IDs
 *
 * Blocks (32-bit words; `cap` entries of room, `count` in use):
 *
 *   leaf    w0 count:12 | cap:12 | 0:8       w1 weight of the leaf
 *           items[cap]  (weights[cap] in a weighted tree)
 *   inner   w0 count:12 | cap:12 | level:8   w1 weight of the subtree
 *           (keys[cap] doubles in an ordered tree)  children[cap]  weights[cap]  (firsts[cap] in an ordered tree)
 *
 * firsts[i] is the smallest item below child i, keys[i] its sort key, so that most comparisons on the way down touch
 * no item.
 *
 * Invariants:
 *   1. All leaves are at level 0 and equally deep; no block but a root is empty, and an inner root has two children.
 *   2. A block's weight is the sum of its entries' weights; a parent's weights[i] is the weight of child i.
 *   3. firsts[i] and keys[i] are those of the first item below child i.
 *   4. Every block on the path to a change is owned (arena.own) before it is written, from the root down.
 *
 * Reading needs only the arena's views, so it works on an attached arena in another thread.
 */
import type { Arena } from './arena.js';

/** How the items of an ordered tree are sorted: by a double key, and within equal keys by `compareTie`. */
export interface TreeOrder {
  /** Key of what is looked for. Never NaN. */
  probeKey: number;
  /** Key of an item. */
  keyOf(arena: Arena, item: number): number;
  /** Negative when the probe stands before `item`, whose key equals `probeKey`; 0 when it is this one; else positive. */
  compareTie(arena: Arena, item: number): number;
}

/**
 * A handle with one cursor. `seek...` places the cursor; `next` and `prev` move it; the changing methods act where it
 * stands and leave it at a defined place. Two cursors on one tree need two handles, and a change through one handle
 * invalidates the others (open them again on the new root).
 */
export class Tree {
  /** 0 = empty tree. Changes; whoever keeps the tree stores it after every change. */
  root = 0;
  /** Set by `seekOffset`: how far into the item the offset lies. */
  offsetInItem = 0;

  constructor(
    readonly arena: Arena,
    /** null: items have no order but their position. */
    readonly order: TreeOrder | null,
    /** Whether items have weights; otherwise each weighs 1. */
    readonly weighted: boolean,
  ) {}

  open(root: number): this {
    this.root = root;
    return this;
  }

  /** The sum of all weights; without weights, the number of items. O(1). */
  get weight(): number {
    return 0;
  }

  // --- cursor: item addresses are returned, 0 = there is none -----------------------------------------------------------

  /** Places the cursor at the first item that does not stand before the order's probe. True when it is the probe itself. */
  seek(): boolean {
    return false;
  }
  /** The item that holds weight position `offset` (0-based); `offsetInItem` is set. 0 and the end when past the last. */
  seekOffset(_offset: number): number {
    return 0;
  }
  seekFirst(): number {
    return 0;
  }
  seekLast(): number {
    return 0;
  }
  /** Places the cursor behind the last item: `insert` appends, `prev` gives the last. */
  seekEnd(): void {}
  /** The item at the cursor; 0 at the end. */
  item(): number {
    return 0;
  }
  /** Weight of the item at the cursor. */
  itemWeight(): number {
    return 1;
  }
  /** Moves on and returns the item there; 0 at the end. */
  next(): number {
    return 0;
  }
  /** Moves back and returns the item there; 0 before the first (the cursor then stays at the first). */
  prev(): number {
    return 0;
  }
  /** Sum of the weights of all items before the cursor: the rank of the item at it. O(log n). */
  offset(): number {
    return 0;
  }

  // --- changes ------------------------------------------------------------------------------------------------------------

  /** Inserts before the cursor; the cursor stands at the new item. In an ordered tree, `seek` came first. */
  insert(_item: number, _weight = 1): void {}
  /** Appends behind the last item (sorted loads: leaves come out full). The cursor stands at it. */
  append(_item: number, _weight = 1): void {}
  /** Takes out the item at the cursor (it is not freed); the cursor stands at the item that followed. */
  remove(): void {}
  /** Puts `item` in place of the one at the cursor, which has the same place in the order. Also refreshes its key. */
  replace(_item: number): void {}
  /** Changes the weight of the item at the cursor. */
  setWeight(_weight: number): void {}

  // --- whole tree ---------------------------------------------------------------------------------------------------------

  /** Frees the tree's blocks, not the items: those are handed to `visitItem` first. */
  release(_visitItem?: (item: number) => void): void {}
  /** The addresses of the tree's blocks, items excluded. */
  blocks(_visit: (address: number) => void): void {}
  /** Asserts the invariants; for tests. */
  check(): void {}
}
