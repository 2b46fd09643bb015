/**
 * A large hash: a dict of items with field and value inline, behind a block of its own.
 *
 *   block   w0 root of the dict
 *           w1 fields that have an expiry
 *           w2 due: none of them expires before this second
 *           w3 the same of what the search under way has gone by (DUE_NEVER: nothing there expires)   w4 its place
 *
 * An expiry is the item's slot, in milliseconds since 1970. Nothing indexes fields by it: each segment of the dict keeps
 * the earliest second in which something in it expires, as the keyspace's own dicts do (keyspace/expiry.ts). A search for
 * what is over goes from segment to segment in hash order, stops after a bounded amount of work and goes on from its place,
 * so that a million fields of one moment go in small steps. At its end w3 becomes w2.
 *
 * Invariants:
 *   1. w2 is never later than the first expiry, nor w3 than the first one before the place; both may be too early.
 *   2. A segment's hint is never later than the first expiry in it.
 *   3. Every method leaves in `block` the address that must be stored.
 */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/copy-bytes.js';
import { Slice } from '../base/slice.js';
import type { Arena } from '../memory/arena.js';
import { Dict, type DueSegment } from '../memory/dict.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
import {
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

const BLOCK_BYTES = 24;
const ROOT = 0;
const EXPIRING = 1;
const DUE = 2;
const GONE_BY = 3;
const PLACE = 4;

/** Segments that one step of a search passes, and those among them that it looks into. */
const PASSED_MAX = 1024;
const SEARCHED_MAX = 16;

/** For `set`: the field keeps the expiry that it has. */
export const KEEP_EXPIRE = -1;

export class HashDict {
  block = 0;
  readonly dict: Dict;
  private readonly due: DueSegment = { segment: 0, begin: 0, later: 0, position: 0 };

  constructor(private readonly arena: Arena) {
    this.dict = new Dict(arena);
  }

  open(block: number): void {
    this.block = block;
    this.dict.open(this.arena.getWord(block, ROOT));
  }

  create(): void {
    const { arena, dict } = this;
    dict.create();
    this.block = newBlock(arena, dict.root);
  }

  release(): void {
    const { arena, dict } = this;
    for (let item = dict.first(); item !== 0; item = dict.next()) arena.free(item);
    dict.release();
    arena.free(this.block);
  }

  /** A deep copy's block. */
  copy(): number {
    const { arena, block, dict } = this;
    const expiring = this.expiring > 0;
    const dueOf = (item: number): number => (itemHasSlot(arena, item) ? dueSecond(itemSlot(arena, item)) : DUE_NEVER);
    const root = dict.copyWith((item) => this.copyItem(item, itemSlot(arena, item)), expiring ? dueOf : null);
    const copy = newBlock(arena, root);
    arena.setWord(copy, EXPIRING, arena.getWord(block, EXPIRING));
    arena.setWord(copy, DUE, arena.getWord(block, DUE));
    return copy;
  }

  blocks(visit: (address: number) => void): void {
    visit(this.block);
    this.dict.blocks(visit);
    for (let item = this.dict.first(); item !== 0; item = this.dict.next()) visit(item);
  }

  /** Fields that have an expiry. O(1). */
  get expiring(): number {
    return this.arena.getWord(this.block, EXPIRING);
  }

  /** No field expires before this second; DUE_NEVER: none does at all. O(1). */
  get dueSecond(): number {
    return this.expiring === 0 ? DUE_NEVER : this.arena.getWord(this.block, DUE);
  }

  // --- change ------------------------------------------------------------------------------------------------------

  /**
   * Sets a field; returns whether it is new.
   * @param expireAtMs NaN: it never expires; KEEP_EXPIRE: when it did before
   */
  set(
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    expireAtMs: number,
  ): boolean {
    const { arena, dict } = this;
    const old = dict.find(field, fieldOff, fieldLen);
    if (old === 0) {
      const at = expireAtMs === KEEP_EXPIRE ? Number.NaN : expireAtMs;
      const item = itemAlloc(arena, 0, at, field, fieldOff, fieldLen, valueLen);
      copyBytes(value, valueOff, arena.bytesOf(item), itemValueIndex(arena, item), valueLen);
      dict.insert(item);
      this.changed(0, at);
      return true;
    }
    const expired = itemHasSlot(arena, old);
    const at = expireAtMs === KEEP_EXPIRE ? itemSlot(arena, old) : expireAtMs;
    const expires = !Number.isNaN(at);
    const room = itemRoom(arena, old);
    // In place when the value fits and the block is not mostly unused then.
    if (expires === expired && valueLen <= room && (room <= 64 || valueLen * 2 >= room)) {
      const item = arena.own(old);
      setItemValueBytes(arena, item, valueLen);
      copyBytes(value, valueOff, arena.bytesOf(item), itemValueIndex(arena, item), valueLen);
      if (expires) setItemSlot(arena, item, at);
      if (item !== old) dict.replaceFound(item);
    } else {
      const item = itemAlloc(arena, 0, at, field, fieldOff, fieldLen, valueLen);
      copyBytes(value, valueOff, arena.bytesOf(item), itemValueIndex(arena, item), valueLen);
      dict.replaceFound(item);
      arena.free(old);
    }
    this.changed(expired ? -1 : 0, at);
    return false;
  }

  /** Adds a field that never expires, unless it is there; returns whether it was added. */
  add(field: Slice, value: Slice): boolean {
    if (this.dict.find(field.buf, field.off, field.len) !== 0) return false;
    this.set(field.buf, field.off, field.len, value.buf, value.off, value.len, Number.NaN);
    return true;
  }

  /** Gives the field just found another expiry; NaN: none. */
  setFoundExpire(found: number, expireAtMs: number): void {
    const { arena, dict } = this;
    const expired = itemHasSlot(arena, found);
    const expires = !Number.isNaN(expireAtMs);
    if (!expires && !expired) return;
    let item: number;
    if (expires && expired) {
      item = arena.own(found);
      setItemSlot(arena, item, expireAtMs);
    } else {
      item = this.copyItem(found, expireAtMs);
      arena.free(found);
    }
    if (item !== found) dict.replaceFound(item);
    this.changed(expired ? -1 : 0, expireAtMs);
  }

  /** Deletes the field just found. */
  removeFound(found: number): void {
    const { arena, dict } = this;
    const expired = itemHasSlot(arena, found);
    dict.removeFound();
    arena.free(found);
    this.changed(expired ? -1 : 0, Number.NaN);
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

  /**
   * Writes into the block what changed in the dict.
   * @param lost       -1 when a field with an expiry went or was overwritten
   * @param expireAtMs the expiry of the field that the dict found or inserted last; NaN: none
   */
  private changed(lost: number, expireAtMs: number): void {
    const { arena, dict } = this;
    const expires = !Number.isNaN(expireAtMs);
    let second = DUE_NEVER;
    if (expires) {
      second = dueSecond(expireAtMs);
      dict.noteDue(second);
    } else if (lost === 0 && dict.root === arena.getWord(this.block, ROOT)) {
      return;
    }
    const block = arena.own(this.block);
    this.block = block;
    arena.setWord(block, ROOT, dict.root);
    if (lost === 0 && !expires) return;
    const before = arena.getWord(block, EXPIRING) + lost;
    arena.setWord(block, EXPIRING, before + (expires ? 1 : 0));
    if (!expires) return;
    if (before === 0) this.forgetSearch();
    if (second < arena.getWord(block, DUE)) arena.setWord(block, DUE, second);
    if (second < arena.getWord(block, GONE_BY)) arena.setWord(block, GONE_BY, second);
  }

  /** Nothing expires: hints begin anew. The block must be owned. */
  private forgetSearch(): void {
    const { arena, block } = this;
    arena.setWord(block, DUE, DUE_NEVER);
    arena.setWord(block, GONE_BY, DUE_NEVER);
    arena.setWord(block, PLACE, 0);
  }

  // --- expiry ------------------------------------------------------------------------------------------------------

  /**
   * One step of the search: deletes fields whose moment is before `nowMs`, up to `max`, each after `gone` has been told of
   * it. Returns whether the search is at its end: then nothing is over that was when it began, and `dueSecond` says when
   * to look again.
   */
  expire(nowMs: number, max: number, gone: (field: Slice) => void): boolean {
    const { arena, dict, due } = this;
    const second = dueSecond(nowMs);
    if (this.dueSecond > second) return true;
    this.block = arena.own(this.block);
    let left = max;
    let place = arena.getWord(this.block, PLACE);
    if (place === 0) arena.setWord(this.block, GONE_BY, DUE_NEVER);
    for (let searched = 0; searched < SEARCHED_MAX; searched++) {
      dict.nextDue(place, second, PASSED_MAX, due);
      const { segment, position } = due;
      this.goneBy(due.later);
      if (segment !== 0) {
        place = due.begin;
        left = this.expireSegment(nowMs, left, gone);
        if (left < 0) break;
      }
      if (position === 0) return this.endSearch();
      place = position;
      if (segment === 0) break;
    }
    arena.setWord(this.block, PLACE, place);
    return false;
  }

  /** The search has passed what expires at this second or later. The block is owned. */
  private goneBy(second: number): void {
    if (second < this.arena.getWord(this.block, GONE_BY)) this.arena.setWord(this.block, GONE_BY, second);
  }

  private endSearch(): true {
    const { arena, block } = this;
    const gone = arena.getWord(block, GONE_BY);
    this.forgetSearch();
    arena.setWord(block, DUE, gone);
    return true;
  }

  /** Deletes what is over in the segment of `due`. Returns how many more may go; -1 when some had to stay. */
  private expireSegment(nowMs: number, max: number, gone: (field: Slice) => void): number {
    const { arena, dict, due } = this;
    const over: number[] = [];
    let whole = true;
    let next = DUE_NEVER;
    for (const item of dict.segmentItems(due.segment)) {
      const at = itemSlot(arena, item);
      if (at < nowMs) {
        if (over.length < max) over.push(item);
        else whole = false;
      } else if (itemHasSlot(arena, item)) {
        next = Math.min(next, dueSecond(at));
      }
    }
    // Before the deletions: they may merge the segment with others, and then it is gone.
    if (whole) {
      dict.setSegmentDue(due.segment, due.begin, next);
      this.changed(0, Number.NaN);
      this.goneBy(next);
    }
    for (const item of over) {
      const found = dict.findItem(item);
      assert(found, 'the field is in its hash');
      FIELD.set(arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
      gone(FIELD);
      this.removeFound(item);
    }
    return whole ? max - over.length : -1;
  }
}

function newBlock(arena: Arena, root: number): number {
  const block = arena.alloc(BLOCK_BYTES);
  arena.setWord(block, ROOT, root);
  arena.setWord(block, EXPIRING, 0);
  arena.setWord(block, DUE, DUE_NEVER);
  arena.setWord(block, GONE_BY, DUE_NEVER);
  arena.setWord(block, PLACE, 0);
  arena.setWord(block, 5, 0);
  return block;
}

// Scratch of one call; nothing outlives it.
const FIELD = new Slice();
