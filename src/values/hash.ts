/**
 * Hash: fields and their values.
 *
 *   LISTPACK     while it is small: field, value, field, value ...
 *   LISTPACK_EX  small, and a field had an expiry: triples (hash-triples.ts)
 *   DICT         a dict of items behind a block of its own (hash-dict.ts)
 *
 * Invariants:
 *   1. A field with an expiry lives in LISTPACK_EX or in DICT.
 *   2. There is no way back, neither from DICT nor from LISTPACK_EX to LISTPACK, as in Redis.
 *   3. A field whose moment has passed stays until somebody deletes it. What reads (and `setIfAbsent`) takes it as missing
 *      when `now` says so; `length`, `set` and `delete` do not look, as in Redis.
 */
import { Slice } from '../base/slice.js';
import { byteIndex } from '../memory/arena.js';
import type { Dict } from '../memory/dict.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
import {
  Encoding,
  itemHasSlot,
  itemKeyBytes,
  itemKeyIndex,
  itemSlot,
  itemValue,
  itemValueBytes,
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
import { HashDict, KEEP_EXPIRE } from './hash-dict.js';
import {
  countOver,
  earliestTriple,
  insertTriple,
  moveTriple,
  soundTriples,
  TRIPLE,
  tripleExpire,
  triplesFromPairs,
} from './hash-triples.js';
import { Value } from './value.js';

export class Hash extends Value {
  /** Fields whose expiry is before this moment count as missing. 0: none do; `open` and `create` set that. */
  now = 0;
  /** Expiry of the field that `next` or `random` gave last; NaN: none. */
  expire = Number.NaN;
  /** Whether any field had an expiry before `expiryChanged` became true. */
  hadFieldExpiry = false;

  private readonly table = new HashDict(this.arena);
  private readonly dict = this.table.dict;
  // The walk: a position in the listpack, or whether the dict's walk has begun.
  private walk = 0;
  private walkBegun = false;

  override open(encoding: Encoding, root: number): this {
    super.open(encoding, root);
    this.now = 0;
    this.expiryChanged = false;
    if (encoding === Encoding.DICT) this.table.open(root);
    return this;
  }

  override get hashTable(): Dict | null {
    return this.encoding === Encoding.DICT ? this.dict : null;
  }

  create(): this {
    this.encoding = Encoding.LISTPACK;
    this.root = lpNew(this.arena);
    this.now = 0;
    this.expiryChanged = false;
    return this;
  }

  /** Expired fields that nobody has deleted yet included. */
  get length(): number {
    if (this.encoding === Encoding.DICT) return this.dict.count;
    const count = lpCount(this.arena.bytesOf(this.root), byteIndex(this.root));
    return this.encoding === Encoding.LISTPACK ? count >>> 1 : count / TRIPLE;
  }

  release(): void {
    if (this.encoding === Encoding.DICT) this.table.release();
    else this.arena.free(this.root);
    this.root = 0;
  }

  copyRoot(): number {
    return this.encoding === Encoding.DICT ? this.table.copy() : lpCopy(this.arena, this.root);
  }

  blocks(visit: (address: number) => void): void {
    if (this.encoding === Encoding.DICT) this.table.blocks(visit);
    else visit(this.root);
  }

  override *dismantle(): Generator<number> {
    if (this.encoding === Encoding.DICT) yield* this.dict.dismantle();
    yield this.root;
  }

  encodingName(): string {
    if (this.encoding === Encoding.DICT) return 'hashtable';
    return this.encoding === Encoding.LISTPACK ? 'listpack' : 'listpackex';
  }

  // --- fields ------------------------------------------------------------------------------------------------------

  /** Fills `out` with the field's value; false when the field is missing. Hot. */
  get(field: Uint8Array, fieldOff: number, fieldLen: number, out: Slice): boolean {
    const { arena } = this;
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      if (item === 0 || this.isOver(item)) return false;
      itemValue(arena, item, out);
      return true;
    }
    const pos = this.findAlive(field, fieldOff, fieldLen);
    if (pos === 0) return false;
    const u8 = arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    lpGet(u8, off, lpNext(u8, off, pos), out);
    return true;
  }

  has(field: Uint8Array, fieldOff: number, fieldLen: number): boolean {
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      return item !== 0 && !this.isOver(item);
    }
    return this.findAlive(field, fieldOff, fieldLen) !== 0;
  }

  /** Bytes of the value; 0 when the field is missing. */
  valueLength(field: Uint8Array, fieldOff: number, fieldLen: number): number {
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      return item === 0 || this.isOver(item) ? 0 : itemValueBytes(this.arena, item);
    }
    const pos = this.findAlive(field, fieldOff, fieldLen);
    const u8 = this.arena.bytesOf(this.root);
    const off = byteIndex(this.root);
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
    if (this.encoding === Encoding.DICT) {
      return this.setInTable(field, fieldOff, fieldLen, value, valueOff, valueLen, Number.NaN);
    }
    if (this.encoding !== Encoding.LISTPACK || !this.fits(fieldLen, valueLen)) {
      return this.setWithExpire(field, fieldOff, fieldLen, value, valueOff, valueLen, Number.NaN);
    }
    const { arena, limits } = this;
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

  /** As `set`, and the field keeps the expiry that it has. */
  setKeepingExpire(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
  ): boolean {
    if (this.encoding === Encoding.LISTPACK) return this.set(field, fieldOff, fieldLen, value, valueOff, valueLen);
    return this.setWithExpire(field, fieldOff, fieldLen, value, valueOff, valueLen, KEEP_EXPIRE);
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

  /** Returns whether the field was there, expired or not. */
  delete(field: Uint8Array, fieldOff: number, fieldLen: number): boolean {
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      if (item === 0) return false;
      if (itemHasSlot(this.arena, item)) this.expiryChanges();
      this.table.removeFound(item);
      this.root = this.table.block;
      return true;
    }
    const pos = this.findPosition(field, fieldOff, fieldLen);
    if (pos === 0) return false;
    if (this.encoding === Encoding.LISTPACK) {
      this.root = lpDelete(this.arena, this.root, pos, 2);
    } else {
      if (!Number.isNaN(this.expireAt(pos))) this.expiryChanges();
      this.root = lpDelete(this.arena, this.root, pos, TRIPLE);
    }
    return true;
  }

  // --- listpacks ---------------------------------------------------------------------------------------------------

  private fits(fieldLen: number, valueLen: number): boolean {
    const { limits } = this;
    if (fieldLen > limits.hashMaxListpackValue || valueLen > limits.hashMaxListpackValue) return false;
    const bytes = lpBytes(this.arena.bytesOf(this.root), byteIndex(this.root));
    return bytes + fieldLen + valueLen <= LP_BYTES_MAX;
  }

  /** Position of the field in the listpack, expired or not; 0: it is missing. */
  private findPosition(field: Uint8Array, fieldOff: number, fieldLen: number): number {
    const u8 = this.arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    const skip = this.encoding === Encoding.LISTPACK ? 1 : 2;
    return lpFind(u8, off, lpFirst(u8, off), field, fieldOff, fieldLen, skip);
  }

  /** As `findPosition`; 0 also when the field has expired. */
  private findAlive(field: Uint8Array, fieldOff: number, fieldLen: number): number {
    const pos = this.findPosition(field, fieldOff, fieldLen);
    if (this.encoding === Encoding.LISTPACK || pos === 0) return pos;
    return this.expireAt(pos) < this.now ? 0 : pos;
  }

  /** Expiry of the triple at `pos`; NaN: none. */
  private expireAt(pos: number): number {
    return tripleExpire(this.arena.bytesOf(this.root), byteIndex(this.root), pos);
  }

  /** `setWithExpire` in LISTPACK_EX. */
  private setTriple(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    expireAtMs: number,
  ): boolean {
    const { arena } = this;
    const pos = this.findPosition(field, fieldOff, fieldLen);
    const before = pos === 0 ? Number.NaN : this.expireAt(pos);
    const at = expireAtMs === KEEP_EXPIRE ? before : expireAtMs;
    if (pos !== 0 && Object.is(at, before)) {
      const u8 = arena.bytesOf(this.root);
      const off = byteIndex(this.root);
      this.root = lpReplace(arena, this.root, lpNext(u8, off, pos), value, valueOff, valueLen);
      return false;
    }
    this.expiryChanges();
    if (pos !== 0) this.root = lpDelete(arena, this.root, pos, TRIPLE);
    this.root = insertTriple(arena, this.root, field, fieldOff, fieldLen, value, valueOff, valueLen, at);
    return pos === 0;
  }

  // --- conversion --------------------------------------------------------------------------------------------------

  /** To DICT, if it is not there yet. */
  private convert(): void {
    if (this.encoding === Encoding.DICT) return;
    const { arena, table } = this;
    const listpack = this.root;
    const triples = this.encoding === Encoding.LISTPACK_EX;
    const u8 = arena.bytesOf(listpack);
    const off = byteIndex(listpack);
    table.create();
    for (let pos = lpFirst(u8, off); pos !== 0; pos = lpNext(u8, off, pos)) {
      const at = triples ? tripleExpire(u8, off, pos) : Number.NaN;
      lpGet(u8, off, pos, FIELD);
      pos = lpNext(u8, off, pos);
      lpGet(u8, off, pos, VALUE);
      if (triples) pos = lpNext(u8, off, pos);
      table.set(FIELD.buf, FIELD.off, FIELD.len, VALUE.buf, VALUE.off, VALUE.len, at);
    }
    this.encoding = Encoding.DICT;
    this.root = table.block;
    arena.free(listpack);
  }

  /** A small hash is ready for fields that expire afterwards: LISTPACK becomes LISTPACK_EX. */
  prepareExpiry(): void {
    if (this.encoding !== Encoding.LISTPACK) return;
    this.root = triplesFromPairs(this.arena, this.root);
    this.encoding = Encoding.LISTPACK_EX;
  }

  // --- fields that expire ------------------------------------------------------------------------------------------

  private isOver(item: number): boolean {
    return this.now > 0 && itemHasSlot(this.arena, item) && itemSlot(this.arena, item) < this.now;
  }

  /** Before the expiry of any field changes. */
  private expiryChanges(): void {
    if (this.expiryChanged) return;
    this.hadFieldExpiry = this.hasFieldExpiry;
    this.expiryChanged = true;
  }

  /**
   * Sets the field so that it expires at `expireAtMs`; NaN: never; KEEP_EXPIRE: when it did before. Returns whether it is
   * new.
   */
  setWithExpire(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    expireAtMs: number,
  ): boolean {
    if (expireAtMs >= 0) {
      this.prepareExpiry();
      expireAtMs = Math.max(EXPIRE_MIN, expireAtMs);
    }
    if (this.encoding === Encoding.LISTPACK && this.fits(fieldLen, valueLen)) {
      return this.set(field, fieldOff, fieldLen, value, valueOff, valueLen);
    }
    if (this.encoding === Encoding.LISTPACK_EX && this.fits(fieldLen, valueLen)) {
      const isNew = this.setTriple(field, fieldOff, fieldLen, value, valueOff, valueLen, expireAtMs);
      if (this.length > this.limits.hashMaxListpackEntries) this.convert();
      return isNew;
    }
    this.convert();
    return this.setInTable(field, fieldOff, fieldLen, value, valueOff, valueLen, expireAtMs);
  }

  /** `setWithExpire` in DICT. */
  private setInTable(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    expireAtMs: number,
  ): boolean {
    const { table } = this;
    if (expireAtMs >= 0 || table.expiring > 0) this.expiryChanges();
    const isNew = table.set(field, fieldOff, fieldLen, value, valueOff, valueLen, expireAtMs);
    this.root = table.block;
    return isNew;
  }

  /** Sets (NaN: clears) the expiry of a field, whose value stays; false when the field is missing. */
  setFieldExpire(field: Uint8Array, fieldOff: number, fieldLen: number, expireAtMs: number): boolean {
    if (!this.has(field, fieldOff, fieldLen)) return false;
    if (!Number.isNaN(expireAtMs)) {
      this.prepareExpiry();
      expireAtMs = Math.max(EXPIRE_MIN, expireAtMs);
    }
    if (this.encoding === Encoding.LISTPACK) return true;
    this.expiryChanges();
    if (this.encoding === Encoding.DICT) {
      this.table.setFoundExpire(this.dict.find(field, fieldOff, fieldLen), expireAtMs);
      this.root = this.table.block;
      return true;
    }
    const pos = this.findPosition(field, fieldOff, fieldLen);
    if (!Object.is(this.expireAt(pos), expireAtMs)) {
      this.root = moveTriple(this.arena, this.root, pos, expireAtMs);
    }
    return true;
  }

  /** When the field expires (ms since 1970); NaN when never or when it is missing. */
  fieldExpire(field: Uint8Array, fieldOff: number, fieldLen: number): number {
    if (this.encoding === Encoding.LISTPACK) return Number.NaN;
    if (this.encoding === Encoding.DICT) {
      const item = this.dict.find(field, fieldOff, fieldLen);
      return item === 0 || this.isOver(item) ? Number.NaN : itemSlot(this.arena, item);
    }
    const pos = this.findAlive(field, fieldOff, fieldLen);
    return pos === 0 ? Number.NaN : this.expireAt(pos);
  }

  /** Whether any field has an expiry. O(1). */
  get hasFieldExpiry(): boolean {
    return this.dueSecond !== DUE_NEVER;
  }

  /** No field expires before this second since 1970; DUE_NEVER when no field has an expiry. O(1). */
  get dueSecond(): number {
    if (this.encoding === Encoding.LISTPACK) return DUE_NEVER;
    if (this.encoding === Encoding.DICT) return this.table.dueSecond;
    const earliest = earliestTriple(this.arena.bytesOf(this.root), byteIndex(this.root));
    return Number.isNaN(earliest) ? DUE_NEVER : dueSecond(earliest);
  }

  /**
   * One step of a search for fields whose moment is before `nowMs`: deletes up to `max` of them, each after `gone` has been
   * told of it. Returns whether the search is at its end; the next step goes on with it otherwise.
   */
  deleteExpired(nowMs: number, max: number, gone: (field: Slice) => void): boolean {
    if (this.encoding === Encoding.LISTPACK) return true;
    this.expiryChanges();
    if (this.encoding === Encoding.DICT) {
      const complete = this.table.expire(nowMs, max, gone);
      this.root = this.table.block;
      return complete;
    }
    const { arena } = this;
    const u8 = arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    const over = countOver(u8, off, nowMs, max);
    if (over === 0) return true;
    for (let i = 0; i < over; i++) {
      lpGet(u8, off, lpSeek(u8, off, i * TRIPLE), FIELD);
      gone(FIELD);
    }
    this.root = lpDelete(arena, this.root, lpFirst(u8, off), over * TRIPLE);
    return over < max;
  }

  // --- walking -----------------------------------------------------------------------------------------------------

  /** Begins a walk over all fields; nothing may change until it ends. */
  start(): void {
    this.walkBegun = false;
    if (this.encoding !== Encoding.DICT) {
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
    do {
      if (this.walk === 0) return false;
      this.walk = this.giveAt(this.walk, fieldOut, valueOut);
    } while (this.expire < this.now);
    return true;
  }

  private give(item: number, fieldOut: Slice, valueOut: Slice): void {
    const { arena } = this;
    fieldOut.set(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
    itemValue(arena, item, valueOut);
    this.expire = itemSlot(arena, item);
  }

  /** The field at `pos` of the listpack, its value and expiry; returns the next field's position. */
  private giveAt(pos: number, fieldOut: Slice, valueOut: Slice): number {
    const u8 = this.arena.bytesOf(this.root);
    const off = byteIndex(this.root);
    lpGet(u8, off, pos, fieldOut);
    const valuePos = lpNext(u8, off, pos);
    lpGet(u8, off, valuePos, valueOut);
    if (this.encoding === Encoding.LISTPACK) {
      this.expire = Number.NaN;
      return lpNext(u8, off, valuePos);
    }
    this.expire = tripleExpire(u8, off, pos);
    return lpNext(u8, off, lpNext(u8, off, valuePos));
  }

  /** HSCAN: visits about `count` fields from `cursor` on and returns the next cursor, 0 at the end. Small hashes: all. */
  scan(cursor: number, count: number, visit: (field: Slice, value: Slice) => void): number {
    if (this.encoding !== Encoding.DICT) {
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
    const each = this.encoding === Encoding.LISTPACK ? 2 : TRIPLE;
    const index = Math.floor(Math.random() * this.length) * each;
    this.giveAt(lpSeek(this.arena.bytesOf(this.root), byteIndex(this.root), index), fieldOut, valueOut);
    return !(this.expire < this.now);
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
   * Makes the value from a listpack's bytes (sound by `lpValidate`; RDB type 16): kept as they are within the limit of entries, else
   * converted. False, and nothing made, when it is empty, the elements are no pairs, or a field occurs twice.
   * @param block the arena block whose first bytes these are, to be kept instead of a copy; it is not, unless it is the
   * root afterwards. 0: they lie elsewhere
   */
  loadListpack(buf: Uint8Array, off: number, len: number, block = 0): boolean {
    const { arena, limits } = this;
    const count = lpCount(buf, off);
    if (count === 0 || count % 2 !== 0) return false;
    if (count >>> 1 <= limits.hashMaxListpackEntries) {
      if (!lpDistinct(buf, off, 2)) return false;
      this.encoding = Encoding.LISTPACK;
      this.root = block !== 0 ? block : lpFromBytes(arena, buf, off, len);
      return true;
    }
    const { table } = this;
    table.create();
    for (let pos = lpFirst(buf, off); pos !== 0; pos = lpNext(buf, off, pos)) {
      lpGet(buf, off, pos, FIELD);
      pos = lpNext(buf, off, pos);
      lpGet(buf, off, pos, VALUE);
      if (!table.add(FIELD, VALUE)) {
        table.release();
        return false;
      }
    }
    this.encoding = Encoding.DICT;
    this.root = table.block;
    return true;
  }

  /**
   * As `loadListpack` for one of triples (RDB type 25): keeps it as it is within the limits. False, and nothing made, when it
   * is larger, empty, or not as hash-triples.ts says, with expiries up to `expireMax`.
   */
  loadTriples(buf: Uint8Array, off: number, len: number, expireMax: number): boolean {
    const { limits } = this;
    const count = lpCount(buf, off);
    if (count === 0 || count / TRIPLE > limits.hashMaxListpackEntries || !soundTriples(buf, off, expireMax))
      return false;
    for (let pos = lpFirst(buf, off); pos !== 0; pos = lpNext(buf, off, pos)) {
      if (lpLength(buf, off, pos) > limits.hashMaxListpackValue) return false;
    }
    if (!lpDistinct(buf, off, TRIPLE)) return false;
    this.encoding = Encoding.LISTPACK_EX;
    this.root = lpFromBytes(this.arena, buf, off, len);
    return true;
  }
}

/** 0 stands for no expiry in a listpack. */
const EXPIRE_MIN = 1;

// Scratch of one call; nothing outlives it.
const FIELD = new Slice();
const VALUE = new Slice();
