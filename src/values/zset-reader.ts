/**
 * Reading sorted sets: scores, ranks, iteration, ranges. zset.ts says how they are stored and adds changes.
 *
 * Works on an attached arena in another thread.
 */
import { Slice } from '../base/slice.js';
import { type Arena, byteIndex } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import { Encoding, itemKeyBytes, itemKeyIndex, itemSlot } from '../memory/item.js';
import { lpCount, lpFirst, lpGet, lpNext, lpPrev, lpSeek } from '../memory/listpack.js';
import { Tree } from '../memory/tree.js';
import { type Limits, Value } from './value.js';
import { zlFind, zlScore } from './zset-listpack.js';
import { type LexRange, ScoreOrder, type ScoreRange } from './zset-order.js';

export abstract class ZSetReader extends Value {
  /** Gives [0, 1); tests put a seeded one here. */
  randomSource: () => number = Math.random;
  /** Score of the member that the last seek, step, `random`, `pop` or `update` gave. */
  memberScore = 0;
  /** What `findScoreRange` and `findLexRange` found: the lowest rank, and how many members follow from it on. */
  rangeStart = 0;
  rangeCount = 0;

  protected readonly dict: Dict;
  protected readonly order = new ScoreOrder();
  protected readonly tree: Tree;
  /** Cursor of a listpack: position of a member, 0 = none. */
  private walk = 0;
  protected readonly scratch = new Slice();

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

  override get hashTable(): Dict | null {
    return this.encoding === Encoding.TREE ? this.dict : null;
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

  override *dismantle(): Generator<number> {
    if (this.root === 0) return;
    if (this.encoding === Encoding.TREE) {
      yield* this.dict.dismantle();
      yield* this.tree.dismantle(false);
    }
    yield this.root;
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

  // --- members ---

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

  protected itemTo(item: number, out: Slice): boolean {
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
}
