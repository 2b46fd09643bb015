/**
 * Hash: fields and their values. LISTPACK while it is small: field, value, field, value ...; then DICT: a dict of items
 * with field and value inline, behind a block of its own.
 *
 *   dict block   w0 root of the dict   w1 fields that have an expiry   w2-3 double: none of them expires before this
 *
 * Invariants:
 *   1. A field with an expiry lives in an item with a slot (milliseconds since 1970), so such a hash is in DICT.
 *   2. There is no way back from DICT to LISTPACK, as in Redis.
 *   3. The double of the dict block is a lower bound; it is exact only until such a field is changed or removed.
 */
import { Slice } from '../base/slice.js';
import { byteIndex } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import {
  copyBytes,
  Encoding,
  itemAlloc,
  itemHasSlot,
  itemKeyBytes,
  itemKeyIndex,
  itemRoom,
  itemSlot,
  itemValueBytes,
  itemValueIndex,
  setItemSlot,
  setItemValueBytes,
} from '../memory/item.js';
import {
  LP_BYTES_MAX,
  lpAppend,
  lpBytes,
  lpCopy,
  lpCount,
  lpDelete,
  lpFind,
  lpFirst,
  lpFromBytes,
  lpGet,
  lpLength,
  lpNew,
  lpNext,
  lpReplace,
  lpSeek,
} from '../memory/listpack.js';
import { lpDistinct } from '../memory/listpack-distinct.js';
import { Value } from './value.js';

const DICT_BLOCK_BYTES = 16;

export class Hash extends Value {
  /** Fields whose expiry is before this moment count as missing. 0: none do; `open` and `create` set that. */
  now = 0;
  /** Expiry of the field that `next` or `random` gave last; NaN: none. */
  expire = Number.NaN;

  private readonly dict = new Dict(this.arena);
  // The walk: a position in the listpack, or whether the dict's walk has begun.
  private walk = 0;
  private walkBegun = false;

  override open(encoding: Encoding, root: number): this {
    super.open(encoding, root);
    this.now = 0;
    if (encoding === Encoding.DICT) this.dict.open(this.arena.getWord(root, 0));
    return this;
  }

  create(): this {
    this.encoding = Encoding.LISTPACK;
    this.root = lpNew(this.arena);
    this.now = 0;
    return this;
  }

  get length(): number {
    if (this.encoding === Encoding.DICT) return this.dict.count;
    return lpCount(this.arena.bytesOf(this.root), byteIndex(this.root)) >>> 1;
  }

  release(): void {
    const { arena, dict } = this;
    if (this.encoding === Encoding.DICT) {
      for (let item = dict.first(); item !== 0; item = dict.next()) arena.free(item);
      dict.release();
    }
    arena.free(this.root);
    this.root = 0;
  }

  copyRoot(): number {
    const { arena } = this;
    if (this.encoding === Encoding.LISTPACK) return lpCopy(arena, this.root);
    const root = arena.alloc(DICT_BLOCK_BYTES);
    arena.setWord(root, 1, arena.getWord(this.root, 1));
    arena.setDouble(root, 1, arena.getDouble(this.root, 1));
    arena.setWord(
      root,
      0,
      this.dict.copyWith((item) => this.copyItem(item, itemSlot(arena, item))),
    );
    return root;
  }

  blocks(visit: (address: number) => void): void {
    visit(this.root);
    if (this.encoding !== Encoding.DICT) return;
    this.dict.blocks(visit);
    for (let item = this.dict.first(); item !== 0; item = this.dict.next()) visit(item);
  }

  override *dismantle(): Generator<number> {
    if (this.encoding === Encoding.DICT) yield* this.dict.dismantle();
    yield this.root;
  }

  encodingName(): string {
    return this.encoding === Encoding.DICT ? 'hashtable' : 'listpack';
  }

  // --- fields ------------------------------------------------------------------------------------------------------

  /** Fills `out` with the field's value; false when the field is missing. Hot. */
  get(field: Uint8Array, fieldOff: number, fieldLen: number, out: Slice): boolean {
    const { arena } = this;
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      if (item === 0 || this.isOver(item)) return false;
      out.set(arena.bytesOf(item), itemValueIndex(arena, item), itemValueBytes(arena, item));
      return true;
    }
    const u8 = arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    const pos = lpFind(u8, off, lpFirst(u8, off), field, fieldOff, fieldLen, 1);
    if (pos === 0) return false;
    lpGet(u8, off, lpNext(u8, off, pos), out);
    return true;
  }

  has(field: Uint8Array, fieldOff: number, fieldLen: number): boolean {
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      return item !== 0 && !this.isOver(item);
    }
    const u8 = this.arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    return lpFind(u8, off, lpFirst(u8, off), field, fieldOff, fieldLen, 1) !== 0;
  }

  /** Bytes of the value; 0 when the field is missing. */
  valueLength(field: Uint8Array, fieldOff: number, fieldLen: number): number {
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      return item === 0 || this.isOver(item) ? 0 : itemValueBytes(this.arena, item);
    }
    const u8 = this.arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    const pos = lpFind(u8, off, lpFirst(u8, off), field, fieldOff, fieldLen, 1);
    return pos === 0 ? 0 : lpLength(u8, off, lpNext(u8, off, pos));
  }

  /**
   * `count` fields are about to be set by one command: converts at once when they are more than a listpack may have, even
   * if some of them are the same, as Redis does.
   */
  expect(count: number): void {
    if (count > this.limits.hashMaxListpackEntries) this.convert();
  }

  /** Sets the field and clears its expiry. Returns whether it is new. Neither range may lie in this hash. Hot. */
  set(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
  ): boolean {
    const { arena, limits } = this;
    if (this.encoding === Encoding.DICT || !this.fits(fieldLen, valueLen)) {
      return this.setInDict(field, fieldOff, fieldLen, value, valueOff, valueLen, Number.NaN);
    }
    const u8 = arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    const pos = lpFind(u8, off, lpFirst(u8, off), field, fieldOff, fieldLen, 1);
    if (pos !== 0) {
      this.root = lpReplace(arena, this.root, lpNext(u8, off, pos), value, valueOff, valueLen);
    } else {
      this.root = lpAppend(arena, this.root, field, fieldOff, fieldLen);
      this.root = lpAppend(arena, this.root, value, valueOff, valueLen);
    }
    // Also after a replacement: the limit may have been lowered since.
    if (this.length > limits.hashMaxListpackEntries) this.convert();
    return pos === 0;
  }

  /** Sets the field unless it exists; returns whether it did. */
  setIfAbsent(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
  ): boolean {
    if (this.has(field, fieldOff, fieldLen)) return false;
    this.set(field, fieldOff, fieldLen, value, valueOff, valueLen);
    return true;
  }

  /** Returns whether the field was there. */
  delete(field: Uint8Array, fieldOff: number, fieldLen: number): boolean {
    const { arena, dict } = this;
    if (this.encoding === Encoding.DICT) {
      const item = dict.find(field, fieldOff, fieldLen);
      if (item === 0 || this.isOver(item)) return false;
      const expires = itemHasSlot(arena, item);
      dict.removeFound();
      arena.free(item);
      this.dictChanged(expires ? -1 : 0, Number.NaN);
      return true;
    }
    const u8 = arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    const pos = lpFind(u8, off, lpFirst(u8, off), field, fieldOff, fieldLen, 1);
    if (pos === 0) return false;
    this.root = lpDelete(arena, this.root, pos, 2);
    return true;
  }

  private fits(fieldLen: number, valueLen: number): boolean {
    const { limits } = this;
    if (fieldLen > limits.hashMaxListpackValue || valueLen > limits.hashMaxListpackValue) return false;
    const bytes = lpBytes(this.arena.bytesOf(this.root), byteIndex(this.root));
    return bytes + fieldLen + valueLen <= LP_BYTES_MAX;
  }

  // --- DICT --------------------------------------------------------------------------------------------------------

  private isOver(item: number): boolean {
    return this.now > 0 && itemHasSlot(this.arena, item) && itemSlot(this.arena, item) < this.now;
  }

  private setInDict(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    expireAtMs: number,
  ): boolean {
    const { arena, dict } = this;
    this.convert();
    const old = dict.find(field, fieldOff, fieldLen);
    const expires = !Number.isNaN(expireAtMs);
    if (old === 0) {
      const item = itemAlloc(arena, 0, expireAtMs, field, fieldOff, fieldLen, valueLen);
      copyBytes(value, valueOff, arena.bytesOf(item), itemValueIndex(arena, item), valueLen);
      dict.insert(item);
      this.dictChanged(expires ? 1 : 0, expireAtMs);
      return true;
    }
    const isNew = this.isOver(old);
    const expired = itemHasSlot(arena, old);
    const room = itemRoom(arena, old);
    // In place when the value fits and the block is not mostly unused then.
    if (expires === expired && valueLen <= room && (room <= 64 || valueLen * 2 >= room)) {
      const item = arena.own(old);
      setItemValueBytes(arena, item, valueLen);
      copyBytes(value, valueOff, arena.bytesOf(item), itemValueIndex(arena, item), valueLen);
      if (expires) setItemSlot(arena, item, expireAtMs);
      if (item !== old) dict.replaceFound(item);
    } else {
      const item = itemAlloc(arena, 0, expireAtMs, field, fieldOff, fieldLen, valueLen);
      copyBytes(value, valueOff, arena.bytesOf(item), itemValueIndex(arena, item), valueLen);
      dict.replaceFound(item);
      arena.free(old);
    }
    this.dictChanged((expires ? 1 : 0) - (expired ? 1 : 0), expireAtMs);
    return isNew;
  }

  /** Writes what changed in the dict into the block before it. */
  private dictChanged(expiringChange: number, expireAtMs: number): void {
    const { arena, dict } = this;
    const expires = !Number.isNaN(expireAtMs);
    if (dict.root === arena.getWord(this.root, 0) && expiringChange === 0 && !expires) return;
    const root = arena.own(this.root);
    this.root = root;
    arena.setWord(root, 0, dict.root);
    const expiring = arena.getWord(root, 1);
    arena.setWord(root, 1, expiring + expiringChange);
    if (expires && (expiring === 0 || expireAtMs < arena.getDouble(root, 1))) arena.setDouble(root, 1, expireAtMs);
  }

  /** A copy of an item, with this expiry (NaN: none). */
  private copyItem(item: number, expireAtMs: number): number {
    const { arena } = this;
    const u8 = arena.bytesOf(item);
    const valueLen = itemValueBytes(arena, item);
    const keyLen = itemKeyBytes(arena, item);
    const copy = itemAlloc(arena, 0, expireAtMs, u8, itemKeyIndex(arena, item), keyLen, valueLen);
    copyBytes(u8, itemValueIndex(arena, item), arena.bytesOf(copy), itemValueIndex(arena, copy), valueLen);
    return copy;
  }

  /** To DICT, if it is not there yet. */
  private convert(): void {
    if (this.encoding === Encoding.DICT) return;
    const { arena, dict } = this;
    const listpack = this.root;
    const u8 = arena.bytesOf(listpack);
    const off = byteIndex(listpack);
    this.createDict();
    for (let pos = lpFirst(u8, off); pos !== 0; pos = lpNext(u8, off, pos)) {
      lpGet(u8, off, pos, FIELD);
      pos = lpNext(u8, off, pos);
      lpGet(u8, off, pos, VALUE);
      this.addPair();
    }
    arena.setWord(this.root, 0, dict.root);
    arena.free(listpack);
  }

  private createDict(): void {
    const { arena } = this;
    this.dict.create();
    this.encoding = Encoding.DICT;
    this.root = arena.alloc(DICT_BLOCK_BYTES);
    arena.setWord(this.root, 0, this.dict.root);
    arena.setWord(this.root, 1, 0);
    arena.setDouble(this.root, 1, 0);
  }

  /** Adds FIELD and VALUE to the dict; false when the field is there. */
  private addPair(): boolean {
    const { arena, dict } = this;
    if (dict.find(FIELD.buf, FIELD.off, FIELD.len) !== 0) return false;
    const item = itemAlloc(arena, 0, Number.NaN, FIELD.buf, FIELD.off, FIELD.len, VALUE.len);
    copyBytes(VALUE.buf, VALUE.off, arena.bytesOf(item), itemValueIndex(arena, item), VALUE.len);
    dict.insert(item);
    return true;
  }

  // --- fields that expire ------------------------------------------------------------------------------------------

  /** Sets the field so that it expires at `expireAtMs`; NaN: never. Returns whether it is new. */
  setWithExpire(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    expireAtMs: number,
  ): boolean {
    if (Number.isNaN(expireAtMs)) return this.set(field, fieldOff, fieldLen, value, valueOff, valueLen);
    return this.setInDict(field, fieldOff, fieldLen, value, valueOff, valueLen, expireAtMs);
  }

  /** Sets (NaN: clears) the expiry of a field, whose value stays; false when the field is missing. */
  setFieldExpire(field: Uint8Array, fieldOff: number, fieldLen: number, expireAtMs: number): boolean {
    const { arena, dict } = this;
    if (!this.has(field, fieldOff, fieldLen)) return false;
    const expires = !Number.isNaN(expireAtMs);
    if (!expires && this.encoding !== Encoding.DICT) return true;
    this.convert();
    const old = dict.find(field, fieldOff, fieldLen);
    const expired = itemHasSlot(arena, old);
    if (!expires && !expired) return true;
    let item = old;
    if (expires && expired) {
      item = arena.own(old);
      setItemSlot(arena, item, expireAtMs);
    } else {
      item = this.copyItem(old, expireAtMs);
      arena.free(old);
    }
    if (item !== old) dict.replaceFound(item);
    this.dictChanged((expires ? 1 : 0) - (expired ? 1 : 0), expireAtMs);
    return true;
  }

  /** When the field expires (ms since 1970); NaN when never or when it is missing. */
  fieldExpire(field: Uint8Array, fieldOff: number, fieldLen: number): number {
    if (this.encoding !== Encoding.DICT) return Number.NaN;
    const item = this.dict.find(field, fieldOff, fieldLen);
    return item === 0 || this.isOver(item) ? Number.NaN : itemSlot(this.arena, item);
  }

  /** Whether any field has an expiry. O(1). */
  get hasFieldExpiry(): boolean {
    return this.encoding === Encoding.DICT && this.arena.getWord(this.root, 1) > 0;
  }

  /** No field expires before this moment; NaN when no field has an expiry. O(1). */
  get minExpire(): number {
    return this.hasFieldExpiry ? this.arena.getDouble(this.root, 1) : Number.NaN;
  }

  // --- walking -----------------------------------------------------------------------------------------------------

  /** Begins a walk over all fields; nothing may change until it ends. */
  start(): void {
    this.walkBegun = false;
    if (this.encoding === Encoding.LISTPACK) {
      this.walk = lpFirst(this.arena.bytesOf(this.root), byteIndex(this.root));
    }
  }

  /** The next field and its value; false at the end. `expire` is set. Hot: no allocation. */
  next(fieldOut: Slice, valueOut: Slice): boolean {
    if (this.encoding === Encoding.DICT) {
      let item: number;
      do {
        item = this.walkBegun ? this.dict.next() : this.dict.first();
        this.walkBegun = true;
      } while (item !== 0 && this.isOver(item));
      if (item === 0) return false;
      this.give(item, fieldOut, valueOut);
      return true;
    }
    if (this.walk === 0) return false;
    this.walk = this.givePair(this.walk, fieldOut, valueOut);
    return true;
  }

  private give(item: number, fieldOut: Slice, valueOut: Slice): void {
    const { arena } = this;
    fieldOut.set(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
    valueOut.set(arena.bytesOf(item), itemValueIndex(arena, item), itemValueBytes(arena, item));
    this.expire = itemSlot(arena, item);
  }

  /** The pair whose field is at `pos`; returns the next field's position. */
  private givePair(pos: number, fieldOut: Slice, valueOut: Slice): number {
    const u8 = this.arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    lpGet(u8, off, pos, fieldOut);
    const valuePos = lpNext(u8, off, pos);
    lpGet(u8, off, valuePos, valueOut);
    this.expire = Number.NaN;
    return lpNext(u8, off, valuePos);
  }

  /** HSCAN: visits about `count` fields from `cursor` on and returns the next cursor, 0 at the end. LISTPACK: all. */
  scan(cursor: number, count: number, visit: (field: Slice, value: Slice) => void): number {
    if (this.encoding === Encoding.LISTPACK) {
      this.start();
      while (this.next(FIELD, VALUE)) visit(FIELD, VALUE);
      return 0;
    }
    return this.dict.scan(cursor, count, (item) => {
      if (this.isOver(item)) return;
      this.give(item, FIELD, VALUE);
      visit(FIELD, VALUE);
    });
  }

  /** A field chosen at random; the hash is not empty. False when what was chosen has expired. */
  random(fieldOut: Slice, valueOut: Slice): boolean {
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.randomItem(Math.random);
      if (this.isOver(item)) return false;
      this.give(item, fieldOut, valueOut);
      return true;
    }
    const index = Math.floor(Math.random() * this.length);
    this.givePair(lpSeek(this.arena.bytesOf(this.root), byteIndex(this.root), index * 2), fieldOut, valueOut);
    return true;
  }

  /** Visits `count` different fields chosen at random, all of them when there are no more. */
  randomDistinct(count: number, visit: (field: Slice, value: Slice) => void): void {
    const { length } = this;
    if (this.encoding === Encoding.DICT && count * 3 < length) {
      this.randomFew(count, visit);
      return;
    }
    // One walk; each field is taken with the chance (still wanted) / (still to come).
    let wanted = Math.min(count, length);
    let left = length;
    this.start();
    while (wanted > 0 && this.next(FIELD, VALUE)) {
      if (Math.random() * left < wanted) {
        visit(FIELD, VALUE);
        wanted--;
      }
      left--;
    }
  }

  private randomFew(count: number, visit: (field: Slice, value: Slice) => void): void {
    const seen = new Set<number>();
    // Expired fields must not keep the search going for ever.
    for (let tries = count * 100; seen.size < count && tries > 0; tries--) {
      const item = this.dict.randomItem(Math.random);
      if (seen.has(item) || this.isOver(item)) continue;
      seen.add(item);
      this.give(item, FIELD, VALUE);
      visit(FIELD, VALUE);
    }
  }

  // --- loading -----------------------------------------------------------------------------------------------------

  /**
   * Makes the value from a listpack's bytes (sound by `lpValidate`; RDB type 16): kept as they are within the limits, else
   * converted. False, and nothing made, when it is empty, the elements are no pairs, or a field occurs twice.
   * @param block the arena block whose first bytes these are, to be kept instead of a copy; it is not, unless it is the
   * root afterwards. 0: they lie elsewhere
   */
  loadListpack(buf: Uint8Array, off: number, len: number, block = 0): boolean {
    const { arena, limits } = this;
    const count = lpCount(buf, off);
    if (count === 0 || count % 2 !== 0) return false;
    let small = count >>> 1 <= limits.hashMaxListpackEntries;
    for (let pos = lpFirst(buf, off); small && pos !== 0; pos = lpNext(buf, off, pos)) {
      small = lpLength(buf, off, pos) <= limits.hashMaxListpackValue;
    }
    if (small) {
      if (!lpDistinct(buf, off, 2)) return false;
      this.encoding = Encoding.LISTPACK;
      this.root = block !== 0 ? block : lpFromBytes(arena, buf, off, len);
      return true;
    }
    this.createDict();
    for (let pos = lpFirst(buf, off); pos !== 0; pos = lpNext(buf, off, pos)) {
      lpGet(buf, off, pos, FIELD);
      pos = lpNext(buf, off, pos);
      lpGet(buf, off, pos, VALUE);
      if (!this.addPair()) {
        arena.setWord(this.root, 0, this.dict.root);
        this.release();
        return false;
      }
    }
    arena.setWord(this.root, 0, this.dict.root);
    return true;
  }
}

// Scratch of one call; nothing outlives it.
const FIELD = new Slice();
const VALUE = new Slice();
