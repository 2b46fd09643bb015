/**
 * Sorted sets. Two encodings, chosen by Redis 7.2's rules; growing converts, shrinking never converts back:
 *
 *   listpack   pairs member, score in the order of (score, member); see zset-listpack.ts
 *   skiplist   the name is Redis's; here a dict of items (member, slot = score) for lookups by member and a tree of the
 *              same items in the order of (score, member), for ranks and ranges
 *
 * Root of the second: one block of words [dict root, tree root (0 when empty), 0, 0].
 *
 * Invariants:
 *   1. root 0 is an empty sorted set that has not been stored anywhere yet.
 *   2. The dict and the tree hold the same items; an item that moves is replaced in both.
 *   3. No score is NaN.
 *
 * Ranks are 0-based from the lowest.
 */

import { copyBytes } from '../base/copy-bytes.js';
import type { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import { Encoding, ItemType, itemAlloc, itemKeyBytes, itemKeyIndex, itemSlot, setItemSlot } from '../memory/item.js';
import {
  LP_BYTES_MAX,
  lpBytes,
  lpCopy,
  lpCount,
  lpDelete,
  lpFirst,
  lpFromBytes,
  lpGet,
  lpNew,
  lpNext,
  lpSeek,
  lpValidate,
} from '../memory/listpack.js';
import { Tree } from '../memory/tree.js';
import { zlAppend, zlFind, zlInsert, zlJudge, zlScore } from './zset-listpack.js';
import { ScoreOrder } from './zset-order.js';
import { ZSetReader } from './zset-reader.js';

const ROOT_BYTES = 16;

/** Conditions of `update`, to be added together. */
export const ZADD_NX = 1;
export const ZADD_XX = 2;
export const ZADD_GT = 4;
export const ZADD_LT = 8;
export const ZADD_INCR = 16;

/** What `update` did: nothing because of a condition, nothing because the score is the same, moved it, added it; or the sum is NaN. */
export const ZADD_NOP = 0;
export const ZADD_SAME = 1;
export const ZADD_UPDATED = 2;
export const ZADD_ADDED = 3;
export const ZADD_NAN = 4;

export class ZSet extends ZSetReader {
  private popped = new Uint8Array(64);

  /** @param count when known, how many members a load is about to add: more than a listpack may hold begin as a tree */
  create(count = 0): this {
    this.encoding = Encoding.LISTPACK;
    this.root = 0;
    if (count > this.limits.zsetMaxListpackEntries) this.beginTree();
    return this;
  }

  /** An empty sorted set that begins as a tree: a result, which `settle` may make small. */
  createTree(): this {
    this.beginTree();
    return this;
  }

  release(): void {
    const { arena, root } = this;
    if (root !== 0) {
      if (this.encoding === Encoding.TREE) {
        this.dict.release();
        this.tree.release((item) => arena.free(item));
      }
      arena.free(root);
    }
    this.create();
  }

  copyRoot(): number {
    const { arena, root, tree } = this;
    if (root === 0) return 0;
    if (this.encoding === Encoding.LISTPACK) return lpCopy(arena, root);
    const dict = new Dict(arena).create();
    const copy = new Tree(arena, new ScoreOrder(), false);
    for (let item = tree.seekFirst(); item !== 0; item = tree.next()) {
      const u8 = arena.bytesOf(item);
      const at = itemKeyIndex(arena, item);
      const len = itemKeyBytes(arena, item);
      dict.find(u8, at, len);
      const fresh = newItem(arena, itemSlot(arena, item), u8, at, len);
      dict.insert(fresh);
      copy.append(fresh);
    }
    return newRoot(arena, dict.root, copy.root);
  }

  // --- members -----------------------------------------------------------------------------------------------------

  /**
   * A command is about to add up to `count` members, the first of them of `firstBytes`: begins or converts as Redis does,
   * which looks at the first member's length only when the sorted set is new.
   */
  prepare(count: number, firstBytes: number): void {
    const { limits } = this;
    const few = count <= limits.zsetMaxListpackEntries;
    if (this.root === 0) {
      if (few && firstBytes <= limits.zsetMaxListpackValue) this.root = lpNew(this.arena);
      else this.beginTree();
    } else if (!few && this.encoding === Encoding.LISTPACK) {
      this.toTree();
    }
  }

  private beginTree(): void {
    this.encoding = Encoding.TREE;
    this.tree.open(0);
    this.root = newRoot(this.arena, this.dict.create().root, 0);
  }

  /**
   * ZADD of one member. `flags` is a sum of the conditions ZADD_NX ... ZADD_INCR; `score` (with INCR: the increment) is not
   * NaN. Returns one of ZADD_NOP ... ZADD_NAN; `memberScore` is the score afterwards. Hot: no allocation outside of the arena.
   */
  update(score: number, buf: Uint8Array, off: number, len: number, flags: number): number {
    if (this.root === 0) this.prepare(1, len);
    if (this.encoding === Encoding.TREE) return this.updateTree(score, buf, off, len, flags);
    const { arena, root, limits } = this;
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    const pos = zlFind(u8, at, buf, off, len);
    if (pos !== 0) {
      const old = zlScore(u8, at, lpNext(u8, at, pos));
      const done = this.judge(score, old, flags);
      if (done === ZADD_UPDATED) {
        this.root = zlInsert(arena, lpDelete(arena, root, pos, 2), this.memberScore, buf, off, len);
      }
      return done;
    }
    if ((flags & ZADD_XX) !== 0) return ZADD_NOP;
    this.memberScore = score;
    const fits =
      len <= limits.zsetMaxListpackValue &&
      lpCount(u8, at) >>> 1 < limits.zsetMaxListpackEntries &&
      lpBytes(u8, at) + len <= LP_BYTES_MAX;
    if (fits) {
      this.root = zlInsert(arena, root, score, buf, off, len);
      return ZADD_ADDED;
    }
    this.toTree();
    this.dict.find(buf, off, len);
    this.insertItem(score, buf, off, len);
    return ZADD_ADDED;
  }

  private updateTree(score: number, buf: Uint8Array, off: number, len: number, flags: number): number {
    const { arena, dict, tree, order } = this;
    const item = dict.find(buf, off, len);
    if (item === 0) {
      if ((flags & ZADD_XX) !== 0) return ZADD_NOP;
      this.memberScore = score;
      this.insertItem(score, buf, off, len);
      return ZADD_ADDED;
    }
    const old = itemSlot(arena, item);
    const done = this.judge(score, old, flags);
    if (done !== ZADD_UPDATED) return done;
    order.probeMember(old, buf, off, len);
    tree.seek();
    tree.remove();
    const owned = arena.own(item);
    if (owned !== item) dict.replaceFound(owned);
    setItemSlot(arena, owned, this.memberScore);
    order.probeMember(this.memberScore, buf, off, len);
    tree.seek();
    tree.insert(owned);
    this.storeRoots();
    return ZADD_UPDATED;
  }

  /** What a member with the score `old` becomes; sets `memberScore`. */
  private judge(score: number, old: number, flags: number): number {
    this.memberScore = old;
    if ((flags & ZADD_NX) !== 0) return ZADD_NOP;
    const wanted = (flags & ZADD_INCR) !== 0 ? old + score : score;
    if (Number.isNaN(wanted)) return ZADD_NAN;
    if (((flags & ZADD_LT) !== 0 && wanted >= old) || ((flags & ZADD_GT) !== 0 && wanted <= old)) return ZADD_NOP;
    this.memberScore = wanted;
    return wanted === old ? ZADD_SAME : ZADD_UPDATED;
  }

  /** After a find in the dict that missed. */
  private insertItem(score: number, buf: Uint8Array, off: number, len: number): void {
    const { arena, dict, tree, order } = this;
    const item = newItem(arena, score, buf, off, len);
    dict.insert(item);
    order.probeMember(score, buf, off, len);
    tree.seek();
    tree.insert(item);
    this.storeRoots();
  }

  private storeRoots(): void {
    const { arena, dict, tree } = this;
    let { root } = this;
    if (arena.getWord(root, 0) === dict.root && arena.getWord(root, 1) === tree.root) return;
    root = arena.own(root);
    arena.setWord(root, 0, dict.root);
    arena.setWord(root, 1, tree.root);
    this.root = root;
  }

  /** Adds the member or moves it. Returns whether it was added. */
  put(score: number, buf: Uint8Array, off: number, len: number): boolean {
    return this.update(score, buf, off, len, 0) === ZADD_ADDED;
  }

  /** False when it was no member. Hot. */
  remove(buf: Uint8Array, off: number, len: number): boolean {
    const { arena, root, dict, tree, order } = this;
    if (root === 0) return false;
    if (this.encoding === Encoding.LISTPACK) {
      const pos = zlFind(arena.bytesOf(root), byteIndex(root), buf, off, len);
      if (pos === 0) return false;
      this.root = lpDelete(arena, root, pos, 2);
      return true;
    }
    const item = dict.find(buf, off, len);
    if (item === 0) return false;
    order.probeMember(itemSlot(arena, item), buf, off, len);
    tree.seek();
    tree.remove();
    dict.removeFound();
    arena.free(item);
    this.storeRoots();
    return true;
  }

  /** Removes `count` members from rank `start` on; there are that many. */
  removeRange(start: number, count: number): void {
    const { arena, root } = this;
    if (count === 0) return;
    if (this.encoding === Encoding.LISTPACK) {
      const pos = lpSeek(arena.bytesOf(root), byteIndex(root), start * 2);
      this.root = lpDelete(arena, root, pos, count * 2);
      return;
    }
    this.tree.seekOffset(start);
    for (let i = 0; i < count; i++) {
      const item = this.tree.item();
      this.unlinkAtCursor(item);
      arena.free(item);
    }
    this.storeRoots();
  }

  private unlinkAtCursor(item: number): void {
    this.dict.findItem(item);
    this.dict.removeFound();
    this.tree.remove();
  }

  /** Takes the lowest or the highest member out of a set that is not empty. `out` is valid until the next change. Hot. */
  pop(highest: boolean, out: Slice): void {
    const { arena, root, tree } = this;
    if (this.encoding === Encoding.TREE) {
      const item = highest ? tree.seekLast() : tree.seekFirst();
      this.itemTo(item, out);
      this.unlinkAtCursor(item);
      this.storeRoots();
      // A freed block keeps its bytes beyond the first word until the next allocation.
      arena.free(item);
      return;
    }
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    const pos = lpSeek(u8, at, highest ? -2 : 0);
    lpGet(u8, at, pos, out);
    this.memberScore = zlScore(u8, at, lpNext(u8, at, pos));
    this.keep(out);
    this.root = lpDelete(arena, root, pos, 2);
  }

  private keep(out: Slice): void {
    if (out.len > this.popped.length) this.popped = new Uint8Array(out.len * 2);
    copyBytes(out.buf, out.off, this.popped, 0, out.len);
    out.set(this.popped, 0, out.len);
  }

  // --- conversions -----------------------------------------------------------------------------------------------------

  private toTree(): void {
    const { arena, dict, tree, scratch, root } = this;
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    dict.create();
    tree.open(0);
    for (let pos = lpFirst(u8, at); pos !== 0; ) {
      const scorePos = lpNext(u8, at, pos);
      lpGet(u8, at, pos, scratch);
      dict.find(scratch.buf, scratch.off, scratch.len);
      const item = newItem(arena, zlScore(u8, at, scorePos), scratch.buf, scratch.off, scratch.len);
      dict.insert(item);
      tree.append(item);
      pos = lpNext(u8, at, scorePos);
    }
    arena.free(root);
    this.encoding = Encoding.TREE;
    this.root = newRoot(arena, dict.root, tree.root);
  }

  /** A tree whose members a listpack may hold becomes one: what ZUNIONSTORE and its like do with their result. */
  settle(): void {
    const { arena, root, limits, scratch } = this;
    if (this.encoding !== Encoding.TREE || this.length > limits.zsetMaxListpackEntries) return;
    for (let more = this.seekRank(0, scratch); more; more = this.next(scratch)) {
      if (scratch.len > limits.zsetMaxListpackValue) return;
    }
    let listpack = lpNew(arena);
    for (let more = this.seekRank(0, scratch); more; more = this.next(scratch)) {
      listpack = zlAppend(arena, listpack, this.memberScore, scratch.buf, scratch.off, scratch.len);
    }
    this.dict.release();
    this.tree.release((item) => arena.free(item));
    arena.free(root);
    this.encoding = Encoding.LISTPACK;
    this.root = listpack;
  }

  // --- RDB -------------------------------------------------------------------------------------------------------------

  /**
   * Makes the value from a listpack's bytes (RDB type 17); one that exceeds the limits becomes a skiplist, one out of order
   * is put in order. False, and nothing made, when the bytes are damaged or empty or a member stands there twice.
   * @param block the arena block whose first bytes these are, to be kept instead of a copy; it is not, unless it is the
   * root afterwards. 0: they lie elsewhere
   */
  loadListpack(buf: Uint8Array, off: number, len: number, block = 0): boolean {
    const { arena, scratch } = this;
    if (lpValidate(buf, off, len) >= 0 || lpFirst(buf, off) === 0) return false;
    const judged = zlJudge(buf, off);
    if (judged < 0) return false;
    this.create();
    if (judged > 0) {
      const small = lpCount(buf, off) >>> 1 <= this.limits.zsetMaxListpackEntries;
      this.root = small && block !== 0 ? block : lpFromBytes(arena, buf, off, len);
    } else {
      for (let pos = lpFirst(buf, off); pos !== 0; ) {
        const scorePos = lpNext(buf, off, pos);
        lpGet(buf, off, pos, scratch);
        this.put(zlScore(buf, off, scorePos), scratch.buf, scratch.off, scratch.len);
        pos = lpNext(buf, off, scorePos);
      }
    }
    if (this.encoding === Encoding.LISTPACK && this.length > this.limits.zsetMaxListpackEntries) this.toTree();
    return true;
  }

  /**
   * RDB types 3 and 5: `create(count)`, then this for each, in any order (sorted, up or down, is fastest).
   * False = it stands there twice, or the score is NaN.
   */
  load(score: number, buf: Uint8Array, off: number, len: number): boolean {
    if (Number.isNaN(score)) return false;
    if (this.encoding === Encoding.TREE) return this.loadIntoTree(score, buf, off, len);
    if (this.root !== 0) {
      const u8 = this.arena.bytesOf(this.root);
      const at = byteIndex(this.root);
      const last = lpSeek(u8, at, -1);
      const fits = len <= this.limits.zsetMaxListpackValue && this.length < this.limits.zsetMaxListpackEntries;
      if (fits && last !== 0 && zlScore(u8, at, last) < score && zlFind(u8, at, buf, off, len) === 0) {
        this.root = zlAppend(this.arena, this.root, score, buf, off, len);
        return true;
      }
    }
    return this.update(score, buf, off, len, ZADD_NX) === ZADD_ADDED;
  }

  /** In a sorted load each member goes to an end of the tree, without a search: stock servers write the highest first. */
  private loadIntoTree(score: number, buf: Uint8Array, off: number, len: number): boolean {
    const { arena, dict, tree, order } = this;
    if (dict.find(buf, off, len) !== 0) return false;
    const item = newItem(arena, score, buf, off, len);
    dict.insert(item);
    const first = tree.seekFirst();
    if (first !== 0 && score >= itemSlot(arena, first)) {
      if (score > itemSlot(arena, tree.seekLast())) {
        tree.seekEnd();
      } else {
        order.probeMember(score, buf, off, len);
        tree.seek();
      }
    }
    tree.insert(item);
    this.storeRoots();
    return true;
  }
}

function newItem(arena: Arena, score: number, buf: Uint8Array, off: number, len: number): number {
  return itemAlloc(arena, ItemType.ZSET, score, buf, off, len, 0);
}

function newRoot(arena: Arena, dict: number, tree: number): number {
  const root = arena.alloc(ROOT_BYTES);
  arena.setWord(root, 0, dict);
  arena.setWord(root, 1, tree);
  arena.setWord(root, 2, 0);
  arena.setWord(root, 3, 0);
  return root;
}
