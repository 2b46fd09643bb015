/**
 * Sets. Three encodings, chosen by Redis 7.2's rules; a set never goes back to a smaller one by itself:
 *
 *   intset     all members are 64-bit integers, at most set-max-intset-entries
 *   listpack   at most set-max-listpack-entries members of at most set-max-listpack-value bytes
 *   hashtable  a dict of items whose key is the member
 *
 * Invariants:
 *   1. root 0 is an empty set that has not been stored anywhere yet: its encoding is decided by what comes first.
 *   2. Members are distinct; an integer member has one text only, so its bytes decide equality in every encoding.
 */

import { copyBytes } from '../base/copy-bytes.js';
import type { Slice } from '../base/slice.js';
import { Slice as OwnSlice } from '../base/slice.js';
import { type Arena, byteIndex } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import {
  intsetAccepts,
  intsetAdd,
  intsetChanged,
  intsetCopy,
  intsetCount,
  intsetFromBytes,
  intsetGet,
  intsetHas,
  intsetNew,
  intsetRemove,
  intsetRemoveAt,
  intsetValidate,
} from '../memory/intset.js';
import { Encoding, ItemType, itemAlloc, itemKeyBytes, itemKeyIndex } from '../memory/item.js';
import {
  LP_BYTES_MAX,
  LP_EMPTY,
  lpAppend,
  lpBytes,
  lpCopy,
  lpCount,
  lpDelete,
  lpElementBytes,
  lpFind,
  lpFirst,
  lpFromBytes,
  lpGet,
  lpNew,
  lpNext,
  lpSeek,
  lpValidate,
} from '../memory/listpack.js';
import { lpDistinct } from '../memory/listpack-distinct.js';
import { type Limits, Value } from './value.js';

/** An intset never exceeds this, whatever the directive says. */
const INTSET_ENTRIES_MAX = 2 ** 30;

export class SetValue extends Value {
  /** Gives [0, 1); tests put a seeded one here. */
  randomSource: () => number = Math.random;

  private readonly dict: Dict;
  /** Iteration: the next index of an intset, the position in a listpack (0 at its end). */
  private walk = 0;
  private readonly scratch = new OwnSlice();
  private popped = new Uint8Array(64);

  constructor(arena: Arena, limits: Limits) {
    super(arena, limits);
    this.dict = new Dict(arena);
  }

  override get hashTable(): Dict | null {
    return this.encoding === Encoding.DICT ? this.dict : null;
  }

  override open(encoding: Encoding, root: number): this {
    this.encoding = encoding;
    this.root = root;
    if (encoding === Encoding.DICT) this.dict.open(root);
    return this;
  }

  create(): this {
    this.encoding = Encoding.INTSET;
    this.root = 0;
    return this;
  }

  /** An empty set that begins as a listpack whatever comes first: a result that may yet become an intset. */
  createListpack(): this {
    this.encoding = Encoding.LISTPACK;
    this.root = lpNew(this.arena);
    return this;
  }

  get length(): number {
    const { root, arena } = this;
    if (root === 0) return 0;
    if (this.encoding === Encoding.DICT) return this.dict.count;
    const u8 = arena.bytesOf(root);
    return this.encoding === Encoding.INTSET ? intsetCount(u8, byteIndex(root)) : lpCount(u8, byteIndex(root));
  }

  encodingName(): string {
    if (this.encoding === Encoding.INTSET) return 'intset';
    return this.encoding === Encoding.LISTPACK ? 'listpack' : 'hashtable';
  }

  release(): void {
    const { arena, root } = this;
    if (root !== 0) {
      if (this.encoding === Encoding.DICT) {
        for (let item = this.dict.first(); item !== 0; item = this.dict.next()) arena.free(item);
        this.dict.release();
      } else {
        arena.free(root);
      }
    }
    this.create();
  }

  copyRoot(): number {
    const { arena, root } = this;
    if (root === 0) return 0;
    if (this.encoding === Encoding.INTSET) return intsetCopy(arena, root);
    if (this.encoding === Encoding.LISTPACK) return lpCopy(arena, root);
    return this.dict.copyWith((item) =>
      newItem(arena, arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item)),
    );
  }

  blocks(visit: (address: number) => void): void {
    if (this.root === 0) return;
    if (this.encoding !== Encoding.DICT) {
      visit(this.root);
      return;
    }
    this.dict.blocks(visit);
    for (let item = this.dict.first(); item !== 0; item = this.dict.next()) visit(item);
  }

  override *dismantle(): Generator<number> {
    if (this.root === 0) return;
    if (this.encoding === Encoding.DICT) yield* this.dict.dismantle();
    else yield this.root;
  }

  // --- members -----------------------------------------------------------------------------------------------------

  /**
   * A command is about to add `count` members, the one at hand first: a small encoding that could not hold them (were they
   * all new) is not begun, and is left at once.
   */
  prepare(count: number, buf: Uint8Array, off: number, len: number): void {
    const { limits } = this;
    if (this.root === 0) this.begin(count, buf, off, len);
    else if (this.encoding === Encoding.LISTPACK && count > limits.setMaxListpackEntries) this.toDict();
    else if (this.encoding === Encoding.INTSET && count > limits.setMaxIntsetEntries) this.toDict();
  }

  /** A load is about to add `count` members to an empty set: decides as Redis's RDB reader does. */
  expect(count: number): void {
    if (this.root !== 0 || count <= Math.min(this.limits.setMaxIntsetEntries, INTSET_ENTRIES_MAX)) return;
    this.encoding = Encoding.DICT;
    this.root = this.dict.create().root;
  }

  private begin(count: number, buf: Uint8Array, off: number, len: number): void {
    const { arena, limits } = this;
    if (count <= limits.setMaxIntsetEntries && intsetAccepts(buf, off, len)) {
      this.encoding = Encoding.INTSET;
      this.root = intsetNew(arena);
    } else if (count <= limits.setMaxListpackEntries) {
      this.encoding = Encoding.LISTPACK;
      this.root = lpNew(arena);
    } else {
      this.encoding = Encoding.DICT;
      this.root = this.dict.create().root;
    }
  }

  /** False when it was a member already. The bytes must not lie in this set. Hot: no allocation outside of the arena. */
  add(buf: Uint8Array, off: number, len: number): boolean {
    if (this.root === 0) this.begin(1, buf, off, len);
    if (this.encoding === Encoding.DICT) return this.addToDict(buf, off, len);
    if (this.encoding === Encoding.LISTPACK) return this.addToListpack(buf, off, len);
    if (!intsetAccepts(buf, off, len)) {
      this.addToIntsetText(buf, off, len);
      return true;
    }
    this.root = intsetAdd(this.arena, this.root, buf, off, len);
    if (!intsetChanged()) return false;
    if (this.length > Math.min(this.limits.setMaxIntsetEntries, INTSET_ENTRIES_MAX)) this.toDict();
    return true;
  }

  private addToDict(buf: Uint8Array, off: number, len: number): boolean {
    const { dict } = this;
    if (dict.find(buf, off, len) !== 0) return false;
    dict.insert(newItem(this.arena, buf, off, len));
    this.root = dict.root;
    return true;
  }

  private addToListpack(buf: Uint8Array, off: number, len: number): boolean {
    const { arena, root, limits } = this;
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    if (lpFind(u8, at, lpFirst(u8, at), buf, off, len, 0) !== 0) return false;
    const fits =
      len <= limits.setMaxListpackValue &&
      lpCount(u8, at) < limits.setMaxListpackEntries &&
      lpBytes(u8, at) + len <= LP_BYTES_MAX;
    if (fits) {
      this.root = lpAppend(arena, root, buf, off, len);
      return true;
    }
    this.toDict();
    return this.addToDict(buf, off, len);
  }

  /** A member that is no integer joins an intset: it becomes a listpack if all fits, otherwise a dict. */
  private addToIntsetText(buf: Uint8Array, off: number, len: number): void {
    const { limits, scratch } = this;
    const count = this.length;
    let longest = 0;
    if (count > 0) {
      const u8 = this.arena.bytesOf(this.root);
      const at = byteIndex(this.root);
      intsetGet(u8, at, 0, scratch);
      longest = scratch.len;
      intsetGet(u8, at, count - 1, scratch);
      longest = Math.max(longest, scratch.len);
    }
    const fits =
      count < limits.setMaxListpackEntries &&
      len <= limits.setMaxListpackValue &&
      longest <= limits.setMaxListpackValue &&
      count * 11 + len <= LP_BYTES_MAX;
    if (fits) {
      this.toListpack(len + 8);
      this.root = lpAppend(this.arena, this.root, buf, off, len);
    } else {
      this.toDict();
      this.addToDict(buf, off, len);
    }
  }

  /** False when it was no member. An emptied set keeps its encoding. The bytes must not lie in this set. Hot. */
  remove(buf: Uint8Array, off: number, len: number): boolean {
    const { arena, root, dict } = this;
    if (root === 0) return false;
    if (this.encoding === Encoding.DICT) {
      const item = dict.find(buf, off, len);
      if (item === 0) return false;
      dict.removeFound();
      this.root = dict.root;
      arena.free(item);
      return true;
    }
    if (this.encoding === Encoding.INTSET) {
      if (!intsetAccepts(buf, off, len)) return false;
      this.root = intsetRemove(arena, root, buf, off, len);
      return intsetChanged();
    }
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    const pos = lpFind(u8, at, lpFirst(u8, at), buf, off, len, 0);
    if (pos === 0) return false;
    this.root = lpDelete(arena, root, pos);
    return true;
  }

  has(buf: Uint8Array, off: number, len: number): boolean {
    const { root } = this;
    if (root === 0) return false;
    if (this.encoding === Encoding.DICT) return this.dict.find(buf, off, len) !== 0;
    const u8 = this.arena.bytesOf(root);
    const at = byteIndex(root);
    if (this.encoding === Encoding.INTSET) return intsetHas(u8, at, buf, off, len);
    return lpFind(u8, at, lpFirst(u8, at), buf, off, len, 0) !== 0;
  }

  /** A member of a set that is not empty, all with equal chances. */
  random(out: Slice): void {
    const { arena, root } = this;
    if (this.encoding === Encoding.DICT) {
      this.itemTo(this.dict.randomItem(this.randomSource), out);
      return;
    }
    this.at(Math.floor(this.randomSource() * this.length), arena.bytesOf(root), byteIndex(root), out);
  }

  private at(index: number, u8: Uint8Array, at: number, out: Slice): void {
    if (this.encoding === Encoding.INTSET) intsetGet(u8, at, index, out);
    else lpGet(u8, at, lpSeek(u8, at, index), out);
  }

  /** Takes a random member out of a set that is not empty. `out` is valid until the next change. Hot. */
  pop(out: Slice): void {
    const { arena, root, dict } = this;
    if (this.encoding === Encoding.DICT) {
      const item = dict.randomItem(this.randomSource);
      this.itemTo(item, out);
      dict.findItem(item);
      dict.removeFound();
      this.root = dict.root;
      // A freed block keeps its bytes beyond the first word until the next allocation.
      arena.free(item);
      return;
    }
    const u8 = arena.bytesOf(root);
    const at = byteIndex(root);
    const index = Math.floor(this.randomSource() * this.length);
    if (this.encoding === Encoding.INTSET) {
      intsetGet(u8, at, index, out);
      this.root = intsetRemoveAt(arena, root, index);
      return;
    }
    const pos = lpSeek(u8, at, index);
    lpGet(u8, at, pos, out);
    if (out.len > this.popped.length) this.popped = new Uint8Array(out.len);
    copyBytes(out.buf, out.off, this.popped, 0, out.len);
    out.set(this.popped, 0, out.len);
    this.root = lpDelete(arena, root, pos);
  }

  /**
   * Visits `count` different members, at most all of them, every choice equally likely. The order is none in particular.
   * `visit` must not change the set.
   */
  sample(count: number, visit: (buf: Uint8Array, off: number, len: number) => void): void {
    const { arena, dict, scratch } = this;
    let left = this.length;
    if (this.encoding === Encoding.DICT && count * 3 <= left) {
      const seen = new Set<number>();
      while (seen.size < count) {
        const item = dict.randomItem(this.randomSource);
        if (seen.has(item)) continue;
        seen.add(item);
        visit(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
      }
      return;
    }
    let wanted = Math.min(count, left);
    for (let more = this.first(scratch); more && wanted > 0; more = this.next(scratch)) {
      if (this.randomSource() * left-- >= wanted) continue;
      wanted--;
      visit(scratch.buf, scratch.off, scratch.len);
    }
  }

  // --- iteration: no change in between. `for (let more = s.first(out); more; more = s.next(out))` ---------------------

  first(out: Slice): boolean {
    const { arena, root } = this;
    if (root === 0) return false;
    if (this.encoding === Encoding.DICT) return this.itemTo(this.dict.first(), out);
    this.walk = this.encoding === Encoding.INTSET ? 0 : lpFirst(arena.bytesOf(root), byteIndex(root));
    return this.next(out);
  }

  next(out: Slice): boolean {
    const { root } = this;
    if (this.encoding === Encoding.DICT) return this.itemTo(this.dict.next(), out);
    const u8 = this.arena.bytesOf(root);
    const at = byteIndex(root);
    if (this.encoding === Encoding.INTSET) {
      if (this.walk >= intsetCount(u8, at)) return false;
      intsetGet(u8, at, this.walk++, out);
      return true;
    }
    if (this.walk === 0) return false;
    lpGet(u8, at, this.walk, out);
    this.walk = lpNext(u8, at, this.walk);
    return true;
  }

  private itemTo(item: number, out: Slice): boolean {
    if (item === 0) return false;
    const { arena } = this;
    out.set(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
    return true;
  }

  /**
   * As SSCAN: small encodings give all and return 0. `visit`'s bytes are valid during the call.
   * @param cursor a position in hash space; 0 begins
   */
  scan(cursor: number, count: number, visit: (buf: Uint8Array, off: number, len: number) => void): number {
    const { arena, scratch } = this;
    if (this.encoding === Encoding.DICT) {
      return this.dict.scan(cursor, count, (item) =>
        visit(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item)),
      );
    }
    for (let more = this.first(scratch); more; more = this.next(scratch)) visit(scratch.buf, scratch.off, scratch.len);
    return 0;
  }

  // --- conversions -------------------------------------------------------------------------------------------------

  private toDict(): void {
    const { arena, dict, scratch, root } = this;
    dict.create();
    for (let more = this.first(scratch); more; more = this.next(scratch)) {
      dict.find(scratch.buf, scratch.off, scratch.len);
      dict.insert(newItem(arena, scratch.buf, scratch.off, scratch.len));
    }
    arena.free(root);
    this.encoding = Encoding.DICT;
    this.root = dict.root;
  }

  /** @param room bytes that are going to be appended at once */
  private toListpack(room: number): void {
    const { arena, scratch, root } = this;
    let bytes = LP_EMPTY;
    for (let more = this.first(scratch); more; more = this.next(scratch)) {
      bytes += lpElementBytes(scratch.buf, scratch.off, scratch.len);
    }
    let listpack = lpNew(arena, bytes + room);
    for (let more = this.first(scratch); more; more = this.next(scratch)) {
      listpack = lpAppend(arena, listpack, scratch.buf, scratch.off, scratch.len);
    }
    arena.free(root);
    this.encoding = Encoding.LISTPACK;
    this.root = listpack;
  }

  /** Turns a set of integers only into an intset if it may be one: what SINTERSTORE does with its result. */
  toIntset(): void {
    const { arena, dict, scratch, root } = this;
    if (root === 0 || this.encoding === Encoding.INTSET) return;
    if (this.length > Math.min(this.limits.setMaxIntsetEntries, INTSET_ENTRIES_MAX)) return;
    let intset = intsetNew(arena);
    for (let more = this.first(scratch); more; more = this.next(scratch)) {
      intset = intsetAdd(arena, intset, scratch.buf, scratch.off, scratch.len);
    }
    if (this.encoding === Encoding.DICT) {
      for (let item = dict.first(); item !== 0; item = dict.next()) arena.free(item);
      dict.release();
    } else {
      arena.free(root);
    }
    this.encoding = Encoding.INTSET;
    this.root = intset;
  }

  // --- RDB ---------------------------------------------------------------------------------------------------------

  /**
   * Makes the value from an intset's bytes (RDB type 11); one that exceeds the limits becomes a dict. False, and nothing
   * made, when the bytes are damaged or empty.
   */
  loadIntset(buf: Uint8Array, off: number, len: number): boolean {
    if (intsetValidate(buf, off, len) >= 0 || intsetCount(buf, off) === 0) return false;
    this.encoding = Encoding.INTSET;
    this.root = intsetFromBytes(this.arena, buf, off, len);
    if (this.length > this.limits.setMaxIntsetEntries) this.toDict();
    return true;
  }

  /**
   * As `loadIntset` from a listpack's bytes (RDB type 20). A member that stands there twice is damage.
   * @param block the arena block whose first bytes these are, to be kept instead of a copy; it is not, unless it is the
   * root afterwards. 0: they lie elsewhere
   */
  loadListpack(buf: Uint8Array, off: number, len: number, block = 0): boolean {
    if (lpValidate(buf, off, len) >= 0 || lpFirst(buf, off) === 0) return false;
    const count = lpCount(buf, off);
    if (!lpDistinct(buf, off, 1)) return false;
    this.encoding = Encoding.LISTPACK;
    const small = count <= this.limits.setMaxListpackEntries;
    this.root = small && block !== 0 ? block : lpFromBytes(this.arena, buf, off, len);
    if (!small) this.toDict();
    return true;
  }
  // RDB type 2: `create()`, `expect(count)`, then `add` each; false = it stands there twice.
}

function newItem(arena: Arena, buf: Uint8Array, off: number, len: number): number {
  return itemAlloc(arena, ItemType.SET, Number.NaN, buf, off, len, 0);
}
