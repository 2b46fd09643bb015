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
import { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import {
  copyBytes,
  Encoding,
  ItemType,
  itemAlloc,
  itemKeyBytes,
  itemKeyIndex,
  itemSlot,
  setItemSlot,
} from '../memory/item.js';
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
  lpPrev,
  lpSeek,
  lpValidate,
} from '../memory/listpack.js';
import { Tree } from '../memory/tree.js';
import { type Limits, Value } from './value.js';
import { zlAppend, zlFind, zlInsert, zlJudge, zlScore } from './zset-listpack.js';
import { type LexRange, ScoreOrder, type ScoreRange } from './zset-order.js';

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

export class ZSet extends Value {
  /** Gives [0, 1); tests put a seeded one here. */
  randomSource: () => number = Math.random;
  /** Score of the member that the last seek, step, `random`, `pop` or `update` gave. */
  memberScore = 0;
  /** What `findScoreRange` and `findLexRange` found: the lowest rank, and how many members follow from it on. */
  rangeStart = 0;
  rangeCount = 0;

  private readonly dict: Dict;
  private readonly order = new ScoreOrder();
  private readonly tree: Tree;
  /** Cursor of a listpack: position of a member, 0 = none. */
  private walk = 0;
  private readonly scratch = new Slice();
  private popped = new Uint8Array(64);

  constructor(arena: Arena, limits: Limits) {
    super(arena, limits);
    this.dict = new Dict(arena);
    this.tree = new Tree(arena, this.order, false);
  }

  override open(encoding: Encoding, root: number): this {
    this.encoding = encoding;
    this.root = root;
    if (encoding === Encoding.TREE) {
      this.dict.open(this.arena.getWord(root, 0));
      this.tree.open(this.arena.getWord(root, 1));
    }
    return this;
  }

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

  get length(): number {
    const { root } = this;
    if (root === 0) return 0;
    if (this.encoding === Encoding.TREE) return this.tree.weight;
    return lpCount(this.arena.bytesOf(root), byteIndex(root)) >>> 1;
  }

  encodingName(): string {
    return this.encoding === Encoding.TREE ? 'skiplist' : 'listpack';
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

  blocks(visit: (address: number) => void): void {
    const { root, tree } = this;
    if (root === 0) return;
    visit(root);
    if (this.encoding !== Encoding.TREE) return;
    this.dict.blocks(visit);
    tree.blocks(visit);
    for (let item = tree.seekFirst(); item !== 0; item = tree.next()) visit(item);
  }

  /** Asserts the invariants of the dict and the tree; for tests. */
  check(): void {
    if (this.root === 0 || this.encoding !== Encoding.TREE) return;
    this.dict.check();
    this.tree.check();
  }

  // --- members -----------------------------------------------------------------------------------------------------

  /** `count` members, the longest of `bytesMax`, are about to be added: begins or converts as Redis does. */
  prepare(count: number, bytesMax: number): void {
    const { limits } = this;
    const small = count <= limits.zsetMaxListpackEntries && bytesMax <= limits.zsetMaxListpackValue;
    if (this.root === 0) {
      if (small) this.root = lpNew(this.arena);
      else this.beginTree();
    } else if (!small && this.encoding === Encoding.LISTPACK) {
      this.toTree();
    }
  }

  private beginTree(): void {
    this.encoding = Encoding.TREE;
    this.tree.open(0);
    this.root = newRoot(this.arena, this.dict.create().root, 0);
  }

  /** NaN when it is no member. */
  score(buf: Uint8Array, off: number, len: number): number {
    const { arena, root } = this;
    if (root === 0) return Number.NaN;
    if (this.encoding === Encoding.TREE) {
      const item = this.dict.find(buf, off, len);
      return item === 0 ? Number.NaN : itemSlot(arena, item);
    }
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    const pos = zlFind(u8, at, buf, off, len);
    return pos === 0 ? Number.NaN : zlScore(u8, at, lpNext(u8, at, pos));
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

  /** Rank of a member, -1 when it is none; `memberScore` is its score. */
  rank(buf: Uint8Array, off: number, len: number): number {
    const { arena, root, order, tree } = this;
    if (root === 0) return -1;
    if (this.encoding === Encoding.TREE) {
      const item = this.dict.find(buf, off, len);
      if (item === 0) return -1;
      this.memberScore = itemSlot(arena, item);
      order.probeMember(this.memberScore, buf, off, len);
      tree.seek();
      return tree.offset();
    }
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    const found = zlFind(u8, at, buf, off, len);
    if (found === 0) return -1;
    this.memberScore = zlScore(u8, at, lpNext(u8, at, found));
    let rank = 0;
    for (let pos = lpFirst(u8, at); pos !== found; pos = lpNext(u8, at, lpNext(u8, at, pos))) rank++;
    return rank;
  }

  /** A member of a set that is not empty, all with equal chances. */
  random(out: Slice): void {
    this.seekRank(Math.floor(this.randomSource() * this.length), out);
  }

  /**
   * Visits `count` different members, at most all of them, every choice equally likely; `memberScore` is the score of each.
   * The order is none in particular. `visit` must not change the set nor move its cursor.
   */
  sample(count: number, visit: (buf: Uint8Array, off: number, len: number) => void): void {
    const { scratch } = this;
    let left = this.length;
    if (count * 3 <= left) {
      const seen = new Set<number>();
      while (seen.size < count) {
        const rank = Math.floor(this.randomSource() * left);
        if (seen.has(rank)) continue;
        seen.add(rank);
        this.seekRank(rank, scratch);
        visit(scratch.buf, scratch.off, scratch.len);
      }
      return;
    }
    let wanted = Math.min(count, left);
    for (let more = this.seekRank(0, scratch); more && wanted > 0; more = this.next(scratch)) {
      if (this.randomSource() * left-- >= wanted) continue;
      wanted--;
      visit(scratch.buf, scratch.off, scratch.len);
    }
  }

  // --- iteration in order: no change in between ----------------------------------------------------------------------

  /** Places the cursor at a rank; false when there is none. `memberScore` is the score there. */
  seekRank(rank: number, out: Slice): boolean {
    const { root } = this;
    if (root === 0) return false;
    if (this.encoding === Encoding.TREE) return this.itemTo(this.tree.seekOffset(rank), out);
    this.walk = lpSeek(this.arena.bytesOf(root), byteIndex(root), rank * 2);
    return this.walkTo(out);
  }

  next(out: Slice): boolean {
    if (this.encoding === Encoding.TREE) return this.itemTo(this.tree.next(), out);
    if (this.walk === 0) return false;
    const u8 = this.arena.bytesOf(this.root);
    const at = byteIndex(this.root);
    this.walk = lpNext(u8, at, lpNext(u8, at, this.walk));
    return this.walkTo(out);
  }

  prev(out: Slice): boolean {
    if (this.encoding === Encoding.TREE) return this.itemTo(this.tree.prev(), out);
    if (this.walk === 0) return false;
    const u8 = this.arena.bytesOf(this.root);
    const at = byteIndex(this.root);
    const score = lpPrev(u8, at, this.walk);
    this.walk = score === 0 ? 0 : lpPrev(u8, at, score);
    return this.walkTo(out);
  }

  private walkTo(out: Slice): boolean {
    const pos = this.walk;
    if (pos === 0) return false;
    const u8 = this.arena.bytesOf(this.root);
    const at = byteIndex(this.root);
    lpGet(u8, at, pos, out);
    this.memberScore = zlScore(u8, at, lpNext(u8, at, pos));
    return true;
  }

  private itemTo(item: number, out: Slice): boolean {
    if (item === 0) return false;
    const { arena } = this;
    this.memberScore = itemSlot(arena, item);
    out.set(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
    return true;
  }

  /** As ZSCAN: the small encoding gives all and returns 0. `visit`'s bytes are valid during the call. */
  scan(
    cursor: number,
    count: number,
    visit: (buf: Uint8Array, off: number, len: number, score: number) => void,
  ): number {
    const { arena, scratch } = this;
    if (this.encoding === Encoding.TREE) {
      return this.dict.scan(cursor, count, (item) =>
        visit(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item), itemSlot(arena, item)),
      );
    }
    for (let more = this.seekRank(0, scratch); more; more = this.next(scratch)) {
      visit(scratch.buf, scratch.off, scratch.len, this.memberScore);
    }
    return 0;
  }

  // --- ranges: set rangeStart and rangeCount -------------------------------------------------------------------------

  findScoreRange(range: ScoreRange): void {
    this.rangeStart = 0;
    this.rangeCount = 0;
    if (this.root === 0 || range.isEmpty) return;
    if (this.encoding === Encoding.TREE) {
      const start = this.rankBySide(range.min, range.minExclusive ? 1 : -1);
      const end = this.rankBySide(range.max, range.maxExclusive ? -1 : 1);
      this.rangeStart = start;
      this.rangeCount = end - start;
      return;
    }
    const { scratch } = this;
    for (let more = this.seekRank(0, scratch); more; more = this.next(scratch)) {
      if (!range.below(this.memberScore)) break;
      if (range.above(this.memberScore)) this.rangeCount++;
      else this.rangeStart++;
    }
  }

  private rankBySide(score: number, side: -1 | 1): number {
    this.order.probeSide(score, side);
    this.tree.seek();
    return this.tree.offset();
  }

  /**
   * Members between two texts, in a set whose scores are all equal. Where they are not, Redis leaves the answer open; here
   * a listpack gives what Redis's walk over one gives: from the first (or backwards: the last) member in the range on, until
   * the first that is not.
   */
  findLexRange(range: LexRange, backwards: boolean): void {
    this.rangeStart = 0;
    this.rangeCount = 0;
    const { scratch } = this;
    const { length } = this;
    if (length === 0 || range.isEmpty) return;
    if (this.encoding === Encoding.TREE) {
      const start = this.rankByText(range, true);
      const end = this.rankByText(range, false);
      this.rangeStart = start;
      this.rangeCount = Math.max(0, end - start);
      return;
    }
    this.seekRank(length - 1, scratch);
    if (!range.above(scratch.buf, scratch.off, scratch.len)) return;
    this.seekRank(0, scratch);
    if (!range.below(scratch.buf, scratch.off, scratch.len)) return;
    if (backwards) {
      let rank = length - 1;
      let more = this.seekRank(rank, scratch);
      for (; more && !range.below(scratch.buf, scratch.off, scratch.len); more = this.prev(scratch)) rank--;
      for (; more && range.above(scratch.buf, scratch.off, scratch.len); more = this.prev(scratch)) this.rangeCount++;
      this.rangeStart = rank - this.rangeCount + 1;
      return;
    }
    let more = this.seekRank(0, scratch);
    for (; more && !range.above(scratch.buf, scratch.off, scratch.len); more = this.next(scratch)) this.rangeStart++;
    for (; more && range.below(scratch.buf, scratch.off, scratch.len); more = this.next(scratch)) this.rangeCount++;
  }

  /** Rank of the first member in the range, or of the first one behind it. */
  private rankByText(range: LexRange, first: boolean): number {
    const { arena, tree, order } = this;
    const bound = first ? range.min : range.max;
    if (bound.infinite !== 0) return bound.infinite < 0 ? 0 : this.length;
    const score = itemSlot(arena, tree.seekFirst());
    order.probeMember(score, bound.buf, bound.off, bound.len);
    const found = tree.seek();
    return tree.offset() + (found && first === bound.exclusive ? 1 : 0);
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
