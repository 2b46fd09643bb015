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
 *   1. All leaves are at level 0 and equally deep; no block is empty, and an inner root has two children or more.
 *   2. Only a root may have less room than a full block: it grows in steps before it splits.
 *   3. A block's weight is the sum of its entries' weights; a parent's weights[i] is the weight of child i.
 *   4. firsts[i] and keys[i] are those of the first item below child i.
 *   5. Every block on the path to a change is owned (arena.own) before it is written, from the root down.
 *
 * A block that a removal leaves less than a quarter full is merged with a neighbour when both fit into three quarters
 * of one; otherwise the neighbour is at least half full, so such a pair wastes little.
 */
import { assert } from '../base/assert.js';
import { doubleIndex, wordIndex } from './arena.js';
import { HEADER_WORDS, TreeCursor } from './tree-cursor.js';

export type { TreeOrder } from './tree-cursor.js';

/** Above this many words a builtin copy is faster than a loop. */
const LOOP_MAX = 24;

/**
 * A handle with one cursor. `seek...` places the cursor; `next` and `prev` move it; the changing methods act where it
 * stands and leave it at a defined place. Two cursors on one tree need two handles, and a change through one handle
 * invalidates the others (open them again on the new root).
 */
export class Tree extends TreeCursor {
  // --- changes -----------------------------------------------------------------------------------------------------

  /** Inserts before the cursor; the cursor stands at the new item. In an ordered tree, `seek` came first. Hot. */
  insert(item: number, weight = 1): void {
    const { arena, path, at } = this;
    if (this.root === 0) {
      this.root = this.newBlock(0, this.leafCaps[0]!);
      this.height = 0;
      path[0] = this.root;
      at[0] = 0;
    } else {
      this.ownPath();
    }
    const header = arena.getWord(path[0]!, 0);
    if ((header & 0xfff) === ((header >>> 12) & 0xfff)) this.makeRoom(0);

    const leaf = path[0]!;
    const index = at[0]!;
    const words = arena.wordsOf(leaf);
    const base = wordIndex(leaf);
    const count = words[base]! & 0xfff;
    const items = base + HEADER_WORDS;
    openGap(words, items, index, count, item);
    if (this.weighted) openGap(words, items + ((words[base]! >>> 12) & 0xfff), index, count, weight);
    words[base]!++;
    words[base + 1]! += weight;
    this.addWeight(weight);
    if (index === 0 && this.order !== null) this.refreshFirst(1, item, this.order.keyOf(arena, item));
  }

  /** Appends behind the last item (sorted loads: leaves come out full). The cursor stands at it. */
  append(item: number, weight = 1): void {
    this.seekEnd();
    this.insert(item, weight);
  }

  /** Takes out the item at the cursor (it is not freed); the cursor stands at the item that followed. */
  remove(): void {
    assert(this.item() !== 0, 'an item stands at the cursor');
    this.ownPath();
    const { arena, path, at } = this;
    const leaf = path[0]!;
    const index = at[0]!;
    const words = arena.wordsOf(leaf);
    const base = wordIndex(leaf);
    const count = words[base]! & 0xfff;
    const cap = (words[base]! >>> 12) & 0xfff;
    const items = base + HEADER_WORDS;
    const weight = this.weighted ? words[items + cap + index]! : 1;
    closeGap(words, items, index, count);
    if (this.weighted) closeGap(words, items + cap, index, count);
    words[base]!--;
    words[base + 1]! -= weight;
    this.addWeight(-weight);
    if (count === 1) {
      this.dropBlock(0);
      return;
    }
    if (index === 0 && this.order !== null) {
      const first = words[items]!;
      this.refreshFirst(1, first, this.order.keyOf(arena, first));
    }
    if ((count - 1) * 4 < cap) this.merge(0);
  }

  /** Puts `item` in place of the one at the cursor, which has the same place in the order. Also refreshes its key. */
  replace(item: number): void {
    assert(this.item() !== 0, 'an item stands at the cursor');
    this.ownPath();
    this.arena.setWord(this.path[0]!, HEADER_WORDS + this.at[0]!, item);
    if (this.at[0] === 0 && this.order !== null) this.refreshFirst(1, item, this.order.keyOf(this.arena, item));
  }

  /** Changes the weight of the item at the cursor. */
  setWeight(weight: number): void {
    const delta = weight - this.itemWeight();
    if (delta !== 0) this.shiftWeight(delta);
  }

  /** Adds to the weight of the item at the cursor, which stands at one. Hot. */
  shiftWeight(delta: number): void {
    this.ownPath();
    const leaf = this.path[0]!;
    const words = this.arena.wordsOf(leaf);
    const base = wordIndex(leaf);
    words[base + HEADER_WORDS + ((words[base]! >>> 12) & 0xfff) + this.at[0]!]! += delta;
    words[base + 1]! += delta;
    this.addWeight(delta);
  }

  /** Makes every block of the path writable, from the root down. */
  private ownPath(): void {
    const { arena, path, height } = this;
    if (!arena.capturing) return;
    for (let level = height; level >= 0; level--) this.setPath(level, arena.own(path[level]!));
  }

  /** Stores a block's new address in the path and in its parent, which is owned. */
  private setPath(level: number, node: number): void {
    if (this.path[level] === node) return;
    this.path[level] = node;
    if (level === this.height) {
      this.root = node;
      return;
    }
    const parent = this.path[level + 1]!;
    const cap = (this.arena.getWord(parent, 0) >>> 12) & 0xfff;
    this.arena.setWord(parent, HEADER_WORDS + cap * this.keyWords + this.at[level + 1]!, node);
  }

  /** Adds to the weights of all inner blocks on the path. */
  private addWeight(delta: number): void {
    const { arena, path, at, height } = this;
    for (let level = 1; level <= height; level++) {
      const node = path[level]!;
      const words = arena.wordsOf(node);
      const base = wordIndex(node);
      words[base + 1]! += delta;
      words[base + HEADER_WORDS + ((words[base]! >>> 12) & 0xfff) * (this.keyWords + 1) + at[level]!]! += delta;
    }
  }

  /** The first item below the path's blocks under `level` is now `item`. */
  private refreshFirst(level: number, item: number, key: number): void {
    const { arena, path, at, height } = this;
    for (; level <= height; level++) {
      const node = path[level]!;
      const index = at[level]!;
      const cap = (arena.getWord(node, 0) >>> 12) & 0xfff;
      arena.setDouble(node, 1 + index, key);
      arena.setWord(node, HEADER_WORDS + cap * 4 + index, item);
      if (index !== 0) return;
    }
  }

  private newBlock(level: number, cap: number): number {
    const words = HEADER_WORDS + cap * (level === 0 ? this.leafWords : this.innerWords);
    const address = this.arena.alloc(words * 4);
    this.arena.setWord(address, 0, (cap << 12) | (level << 24));
    this.arena.setWord(address, 1, 0);
    return address;
  }

  /** The full block on the path at `level` gets room at the cursor: it grows, or splits. */
  private makeRoom(level: number): void {
    const { arena, path, at } = this;
    const node = path[level]!;
    const cap = (arena.getWord(node, 0) >>> 12) & 0xfff;
    const caps = level === 0 ? this.leafCaps : this.innerCaps;
    const full = caps[caps.length - 1]!;
    if (cap < full) {
      const grown = this.newBlock(level, caps.find((larger) => larger > cap)!);
      this.copyEntries(node, 0, grown, cap);
      arena.setWord(grown, 1, arena.getWord(node, 1));
      this.setPath(level, grown);
      arena.free(node);
      return;
    }
    if (level === this.height) this.addRoot();
    else {
      const header = arena.getWord(path[level + 1]!, 0);
      if ((header & 0xfff) === ((header >>> 12) & 0xfff)) this.makeRoom(level + 1);
    }

    // At the tree's very ends the old block stays full: a load in order, upwards or downwards, fills every block.
    let cut = full >>> 1;
    if (this.isLastTo(level)) cut = level === 0 ? full : full - 1;
    else if (this.isFirstTo(level)) cut = level === 0 ? 0 : 1;
    const right = this.newBlock(level, full);
    const moved = this.copyEntries(node, cut, right, full - cut);
    arena.setWord(right, 1, moved);
    arena.setWord(node, 0, arena.getWord(node, 0) - (full - cut));
    arena.setWord(node, 1, arena.getWord(node, 1) - moved);
    this.insertChild(level + 1, right, moved);

    const toRight = level > 0 ? at[level]! >= cut : at[level]! > cut || cut === full;
    if (toRight) {
      path[level] = right;
      at[level]! -= cut;
      at[level + 1]!++;
    }
  }

  private addRoot(): void {
    const { arena, path, at } = this;
    const old = this.root;
    const root = this.newBlock(this.height + 1, this.innerCaps[0]!);
    arena.setWord(root, 0, arena.getWord(root, 0) + 1);
    arena.setWord(root, 1, arena.getWord(old, 1));
    const cap = this.innerCaps[0]!;
    arena.setWord(root, HEADER_WORDS + cap * this.keyWords, old);
    arena.setWord(root, HEADER_WORDS + cap * (this.keyWords + 1), arena.getWord(old, 1));
    this.height++;
    this.root = root;
    path[this.height] = root;
    at[this.height] = 0;
    if (this.order !== null) {
      const first = this.firstItem(old);
      this.refreshFirst(this.height, first, this.order.keyOf(arena, first));
    }
  }

  private isLastTo(level: number): boolean {
    const { arena, path, at, height } = this;
    if (level === 0 && at[0] !== (arena.getWord(path[0]!, 0) & 0xfff)) return false;
    for (let l = Math.max(1, level); l <= height; l++) {
      if (at[l] !== (arena.getWord(path[l]!, 0) & 0xfff) - 1) return false;
    }
    return true;
  }

  private isFirstTo(level: number): boolean {
    for (let l = level; l <= this.height; l++) if (this.at[l] !== 0) return false;
    return true;
  }

  /** Puts a block behind the child at the path's index of `level`, whose weight it took `weight` from. */
  private insertChild(level: number, node: number, weight: number): void {
    const { arena } = this;
    const parent = this.path[level]!;
    const index = this.at[level]! + 1;
    const words = arena.wordsOf(parent);
    const base = wordIndex(parent);
    const count = words[base]! & 0xfff;
    const cap = (words[base]! >>> 12) & 0xfff;
    const children = base + HEADER_WORDS + cap * this.keyWords;
    openGap(words, children, index, count, node);
    openGap(words, children + cap, index, count, weight);
    words[children + cap + index - 1]! -= weight;
    words[base]!++;
    if (this.order === null) return;
    // A block that is still empty gets its first item from the insert that made room.
    const empty = (arena.getWord(node, 0) & 0xfff) === 0;
    const first = empty ? 0 : this.firstItem(node);
    openGap(words, children + cap * 2, index, count, first);
    const doubles = arena.doublesOf(parent);
    const keys = doubleIndex(parent) + 1;
    for (let i = count; i > index; i--) doubles[keys + i] = doubles[keys + i - 1]!;
    doubles[keys + index] = empty ? 0 : this.order.keyOf(arena, first);
  }

  /**
   * Copies the `count` entries of `from` that begin at `start` behind those of `to`, whose weight it leaves to the
   * caller. `from` is not written: a snapshot may still read it. Returns the entries' weight.
   */
  private copyEntries(from: number, start: number, to: number, count: number): number {
    const { arena } = this;
    const source = arena.wordsOf(from);
    const target = arena.wordsOf(to);
    const s = wordIndex(from);
    const t = wordIndex(to);
    const sourceCap = (source[s]! >>> 12) & 0xfff;
    const targetCap = (target[t]! >>> 12) & 0xfff;
    const end = target[t]! & 0xfff;
    const inner = source[s]! >>> 24 > 0;
    const keyWords = inner ? this.keyWords : 0;
    if (keyWords > 0) {
      const sourceKeys = arena.doublesOf(from);
      const targetKeys = arena.doublesOf(to);
      const a = doubleIndex(from) + 1 + start;
      const b = doubleIndex(to) + 1 + end;
      for (let i = 0; i < count; i++) targetKeys[b + i] = sourceKeys[a + i]!;
    }
    const columns = (inner ? this.innerWords : this.leafWords) - keyWords;
    for (let column = 0; column < columns; column++) {
      const a = s + HEADER_WORDS + sourceCap * (keyWords + column) + start;
      const b = t + HEADER_WORDS + targetCap * (keyWords + column) + end;
      for (let i = 0; i < count; i++) target[b + i] = source[a + i]!;
    }
    target[t]! += count;
    if (!inner && !this.weighted) return count;
    let weight = 0;
    const weights = t + HEADER_WORDS + targetCap * (keyWords + 1) + end;
    for (let i = 0; i < count; i++) weight += target[weights + i]!;
    return weight;
  }

  /** Frees the empty block on the path at `level`; the cursor goes to what followed it. */
  private dropBlock(level: number): void {
    const { arena, path, at } = this;
    arena.free(path[level]!);
    if (level === this.height) {
      this.root = 0;
      this.height = 0;
      path[0] = 0;
      at[0] = 0;
      return;
    }
    const parent = path[level + 1]!;
    const index = at[level + 1]!;
    this.removeChild(parent, index);
    const count = arena.getWord(parent, 0) & 0xfff;
    if (count === 0) {
      this.dropBlock(level + 1);
      return;
    }
    if (index < count) {
      this.descendFirst(level + 1);
      if (index === 0 && this.order !== null) {
        this.refreshFirst(level + 2, this.firstItem(parent), arena.getDouble(parent, 1));
      }
    } else {
      at[level + 1]!--;
      this.descendLast(level + 1);
    }
    this.merge(level + 1);
  }

  private removeChild(parent: number, index: number): void {
    const { arena } = this;
    const words = arena.wordsOf(parent);
    const base = wordIndex(parent);
    const count = words[base]! & 0xfff;
    const cap = (words[base]! >>> 12) & 0xfff;
    const children = base + HEADER_WORDS + cap * this.keyWords;
    closeGap(words, children, index, count);
    closeGap(words, children + cap, index, count);
    words[base]!--;
    if (this.order === null) return;
    closeGap(words, children + cap * 2, index, count);
    const doubles = arena.doublesOf(parent);
    const keys = doubleIndex(parent) + 1;
    for (let i = index; i < count - 1; i++) doubles[keys + i] = doubles[keys + i + 1]!;
  }

  /** Merges the block on the path at `level` with a neighbour if it is nearly empty; a root with one child goes. */
  private merge(level: number): void {
    const { arena, path, at } = this;
    const node = path[level]!;
    const header = arena.getWord(node, 0);
    const count = header & 0xfff;
    const cap = (header >>> 12) & 0xfff;
    if (level === this.height) {
      if (level === 0 || count > 1) return;
      this.height--;
      this.root = path[level - 1]!;
      arena.free(node);
      return;
    }
    if (count * 4 >= cap) return;
    const limit = (cap * 3) >>> 2;
    const parent = path[level + 1]!;
    const index = at[level + 1]!;
    const parentHeader = arena.getWord(parent, 0);
    const children = HEADER_WORDS + ((parentHeader >>> 12) & 0xfff) * this.keyWords;
    const left = index > 0 ? arena.getWord(parent, children + index - 1) : 0;
    const leftCount = left === 0 ? cap : arena.getWord(left, 0) & 0xfff;
    if (leftCount + count <= limit) {
      at[level + 1] = index - 1;
      this.path[level] = left;
      this.setPath(level, arena.own(left));
      at[level]! += leftCount;
      this.absorb(path[level]!, node, parent, index);
    } else if (index + 1 < (parentHeader & 0xfff)) {
      const right = arena.getWord(parent, children + index + 1);
      if ((arena.getWord(right, 0) & 0xfff) + count > limit) return;
      this.absorb(node, right, parent, index + 1);
    } else return;
    this.merge(level + 1);
  }

  /** Moves all entries of `node`, the parent's child `index`, behind those of its left neighbour `left`. */
  private absorb(left: number, node: number, parent: number, index: number): void {
    const { arena } = this;
    const weight = this.copyEntries(node, 0, left, arena.getWord(node, 0) & 0xfff);
    const cap = (arena.getWord(parent, 0) >>> 12) & 0xfff;
    const weights = HEADER_WORDS + cap * (this.keyWords + 1) + index - 1;
    arena.setWord(left, 1, arena.getWord(left, 1) + weight);
    arena.setWord(parent, weights, arena.getWord(parent, weights) + weight);
    arena.free(node);
    this.removeChild(parent, index);
  }

  // --- whole tree --------------------------------------------------------------------------------------------------

  /**
   * Yields every block of a tree that nobody uses any more, and its items if `items`, each after all that is read from it:
   * so the caller may free them as they come, in slices.
   */
  *dismantle(items: boolean): Generator<number> {
    if (this.root !== 0) yield* this.dismantleNode(this.root, items);
  }

  private *dismantleNode(node: number, items: boolean): Generator<number> {
    const { arena } = this;
    const header = arena.getWord(node, 0);
    const count = header & 0xfff;
    if (header >>> 24 > 0) {
      const children = HEADER_WORDS + ((header >>> 12) & 0xfff) * this.keyWords;
      for (let i = 0; i < count; i++) {
        yield* this.dismantleNode(arena.getWord(node, children + i), items);
      }
    } else if (items) {
      for (let i = 0; i < count; i++) yield arena.getWord(node, HEADER_WORDS + i);
    }
    yield node;
  }

  /** Frees the tree's blocks, not the items: those are handed to `visitItem` first. */
  release(visitItem?: (item: number) => void): void {
    if (visitItem !== undefined) for (let item = this.seekFirst(); item !== 0; item = this.next()) visitItem(item);
    this.blocks((address) => this.arena.free(address));
    this.root = 0;
    this.height = 0;
  }
}

/** Moves the words [index, count) of a column up by one and puts `value` into the gap. */
function openGap(words: Uint32Array, column: number, index: number, count: number, value: number): void {
  if (count - index > LOOP_MAX) words.copyWithin(column + index + 1, column + index, column + count);
  else for (let i = column + count; i > column + index; i--) words[i] = words[i - 1]!;
  words[column + index] = value;
}

/** Moves the words (index, count) of a column down by one, over the word at `index`. */
function closeGap(words: Uint32Array, column: number, index: number, count: number): void {
  if (count - index > LOOP_MAX) words.copyWithin(column + index, column + index + 1, column + count);
  else for (let i = column + index; i < column + count - 1; i++) words[i] = words[i + 1]!;
}
