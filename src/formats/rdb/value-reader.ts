/**
 * Reads one value other than a string and builds it in the arena, through the value handles: each payload is checked
 * before it is used, small encodings within the limits are kept as they are, everything else is converted as Redis does
 * when it loads.
 *
 * After a successful `read` the value's blocks belong to whoever asked; after damage nothing is left in the arena.
 */
import { parseDouble, parseInteger } from '../../base/numbers.js';
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import { Encoding, ItemType } from '../../memory/item.js';
import { lpCount, lpFirst, lpGet, lpNext, lpValidate } from '../../memory/listpack.js';
import { blobStore } from '../../values/blob.js';
import { Hash } from '../../values/hash.js';
import { List } from '../../values/list.js';
import { SetValue } from '../../values/set.js';
import { Stream } from '../../values/stream.js';
import type { Limits, Value } from '../../values/value.js';
import { ZSet } from '../../values/zset.js';
import type { RdbInput } from './input.js';
import { walkModule } from './module.js';
import { StreamReader } from './stream.js';
import { describeType, QuicklistNode, RdbType, ValkeyType } from './types.js';
import { Ziplist, Zipmap } from './ziplist.js';

/** Redis keeps field expiry in 48 bits. */
const FIELD_EXPIRE_MAX = 2 ** 48 - 2;
/** As far as a count is worth telling a handle in advance: it decides the encoding, and all limits lie far below. */
const HINT_MAX = 2 ** 30;

export class ValueReader {
  // The value that the last `read` made.
  type: ItemType = ItemType.STRING;
  encoding: Encoding = Encoding.RAW;
  root = 0;

  /** Whether the handle in use holds blocks. */
  private made = false;
  private readonly list: List;
  private readonly hash: Hash;
  private readonly set: SetValue;
  private readonly zset: ZSet;
  private readonly ziplist = new Ziplist();
  private readonly zipmap = new Zipmap();
  private readonly stream: Stream;
  private readonly streamReader: StreamReader;
  private readonly a = new Slice();
  private readonly b = new Slice();
  private readonly pack = new Slice();
  private readonly ttl = new Slice();

  constructor(
    private readonly arena: Arena,
    limits: Limits,
  ) {
    this.list = new List(arena, limits);
    this.hash = new Hash(arena, limits);
    this.set = new SetValue(arena, limits);
    this.zset = new ZSet(arena, limits);
    this.stream = new Stream(arena, limits);
    this.streamReader = new StreamReader(arena);
  }

  /**
   * Reads the value after its type byte. False when it is a collection without elements, which no server keeps: nothing
   * is made then. Throws CorruptionError.
   * @param valkey whose numbers the types from 22 on are
   */
  read(input: RdbInput, rdbType: number, valkey: boolean): boolean {
    switch (rdbType) {
      case RdbType.LIST:
      case RdbType.LIST_ZIPLIST:
      case RdbType.LIST_QUICKLIST:
      case RdbType.LIST_QUICKLIST_2:
        return this.build(input, rdbType, ItemType.LIST, this.list);
      case RdbType.SET:
      case RdbType.SET_INTSET:
      case RdbType.SET_LISTPACK:
        return this.build(input, rdbType, ItemType.SET, this.set);
      case RdbType.ZSET:
      case RdbType.ZSET_2:
      case RdbType.ZSET_ZIPLIST:
      case RdbType.ZSET_LISTPACK:
        return this.build(input, rdbType, ItemType.ZSET, this.zset);
      case RdbType.HASH:
      case RdbType.HASH_ZIPMAP:
      case RdbType.HASH_ZIPLIST:
      case RdbType.HASH_LISTPACK:
        return this.build(input, rdbType, ItemType.HASH, this.hash);
      case RdbType.STREAM:
      case RdbType.STREAM_2:
      case RdbType.STREAM_3:
        return this.build(input, rdbType, ItemType.STREAM, this.stream);
      case RdbType.MODULE_2:
        return this.keepWhole(input, rdbType);
    }
    if (valkey) {
      if (rdbType === ValkeyType.HASH_2) return this.build(input, VALKEY_HASH, ItemType.HASH, this.hash);
    } else if (rdbType >= RdbType.HASH_METADATA_PRE_GA && rdbType <= RdbType.HASH_LISTPACK_EX) {
      return this.build(input, rdbType, ItemType.HASH, this.hash);
    }
    input.corrupt('a type of value that can be kept', describeType(rdbType, valkey), input.offset - 1);
  }

  private build(input: RdbInput, rdbType: number, type: ItemType, handle: Value): boolean {
    this.made = false;
    let kept = false;
    try {
      if (type === ItemType.LIST) this.readList(input, rdbType);
      else if (type === ItemType.SET) this.readSet(input, rdbType);
      else if (type === ItemType.ZSET) this.readZset(input, rdbType);
      else if (type === ItemType.STREAM) this.readStream(input, rdbType);
      else this.readHash(input, rdbType);
      kept = this.made && !handle.isEmpty;
    } finally {
      if (this.made && !kept) handle.release();
    }
    this.type = type;
    this.encoding = handle.encoding;
    this.root = handle.root;
    return kept;
  }

  private keepWhole(input: RdbInput, rdbType: number): boolean {
    input.capture();
    try {
      walkModule(input);
    } catch (error) {
      input.dropCapture();
      throw error;
    }
    const { pack } = this;
    input.captured(pack);
    this.type = ItemType.MODULE;
    this.encoding = Encoding.BLOB;
    this.root = blobStore(this.arena, rdbType, pack.buf, pack.off, pack.len);
    return true;
  }

  private readStream(input: RdbInput, rdbType: number): void {
    this.stream.create();
    this.made = true;
    this.streamReader.read(input, rdbType, this.stream);
  }

  // --- lists -------------------------------------------------------------------------------------------------------

  private readList(input: RdbInput, rdbType: number): void {
    const { list, a, pack } = this;
    list.create();
    this.made = true;
    if (rdbType === RdbType.LIST_ZIPLIST) {
      this.openOld(input, this.ziplist, 1);
      while (this.ziplist.next(a)) list.push(false, a.buf, a.off, a.len);
      if (list.length > 0) list.loadEnd();
      return;
    }
    const count = input.length();
    for (let i = 0; i < count; i++) {
      if (rdbType === RdbType.LIST) {
        input.string(a);
        list.push(false, a.buf, a.off, a.len);
      } else if (rdbType === RdbType.LIST_QUICKLIST) {
        this.openOld(input, this.ziplist, 1);
        while (this.ziplist.next(a)) list.push(false, a.buf, a.off, a.len);
      } else {
        const at = input.offset;
        const container = input.length();
        if (container === QuicklistNode.PLAIN) {
          input.string(a);
          list.push(false, a.buf, a.off, a.len);
        } else if (container === QuicklistNode.PACKED) {
          this.readListpack(input);
          if (lpFirst(pack.buf, pack.off) !== 0) list.loadNode(pack.buf, pack.off, pack.len);
        } else {
          input.corrupt('a list node of kind 1 or 2', `kind ${container}`, at);
        }
      }
    }
    if (list.length > 0) list.loadEnd();
  }

  // --- sets --------------------------------------------------------------------------------------------------------

  private readSet(input: RdbInput, rdbType: number): void {
    const { set, a, pack } = this;
    if (rdbType === RdbType.SET) {
      const count = input.length();
      set.create();
      this.made = true;
      set.expect(Math.min(count, HINT_MAX));
      for (let i = 0; i < count; i++) {
        const at = input.offset;
        input.string(a);
        if (!set.add(a.buf, a.off, a.len)) input.corrupt('a member that has not come before', 'the same one again', at);
      }
      return;
    }
    const at = input.offset;
    if (rdbType === RdbType.SET_INTSET) {
      input.string(pack);
      if (isEmptyIntset(pack)) return;
      this.made = set.loadIntset(pack.buf, pack.off, pack.len);
      if (!this.made) input.corrupt('an intset', 'bytes that are none', at);
      return;
    }
    this.takeListpack(input, set, 'a listpack of different members', at);
  }

  // --- sorted sets -------------------------------------------------------------------------------------------------

  private readZset(input: RdbInput, rdbType: number): void {
    const { zset, a, b } = this;
    const at = input.offset;
    if (rdbType === RdbType.ZSET_LISTPACK) {
      this.takeListpack(input, zset, 'different members and their scores', at);
      return;
    }
    if (rdbType === RdbType.ZSET_ZIPLIST) {
      this.openOld(input, this.ziplist, 2);
      zset.create(this.ziplist.count / 2);
      this.made = true;
      while (this.ziplist.next(a) && this.ziplist.next(b)) this.addScored(input, parseDouble(b.buf, b.off, b.len), at);
      return;
    }
    const count = input.length();
    // Made small at the end only, as in Redis: a listpack does not keep the sign of -0, a tree does.
    zset.createTree();
    this.made = true;
    for (let i = 0; i < count; i++) {
      const memberAt = input.offset;
      input.string(a);
      input.hold(a);
      const score = rdbType === RdbType.ZSET_2 ? input.double() : this.textScore(input);
      input.unhold(a);
      this.addScored(input, score, memberAt);
    }
    zset.settle();
  }

  /** Adds member `a`. */
  private addScored(input: RdbInput, score: number, at: number): void {
    if (Number.isNaN(score)) input.corrupt('a score', 'not a number', at);
    const { zset, a } = this;
    if (!zset.load(score, a.buf, a.off, a.len))
      input.corrupt('a member that has not come before', 'the same one again', at);
  }

  /** A score of type 3: length and decimal text, or 253 nan, 254 inf, 255 -inf. */
  private textScore(input: RdbInput): number {
    const length = input.u8();
    if (length === 255) return Number.NEGATIVE_INFINITY;
    if (length === 254) return Number.POSITIVE_INFINITY;
    if (length === 253) return Number.NaN;
    input.need(length);
    const score = parseDouble(input.buf, input.pos, length);
    input.pos += length;
    return score;
  }

  // --- hashes ------------------------------------------------------------------------------------------------------

  private readHash(input: RdbInput, rdbType: number): void {
    const { hash, a, b } = this;
    if (rdbType === RdbType.HASH_LISTPACK) {
      this.takeListpack(input, hash, 'pairs of different fields and their values', input.offset);
      return;
    }
    if (rdbType === RdbType.HASH_LISTPACK_EX || rdbType === RdbType.HASH_LISTPACK_EX_PRE_GA) {
      this.triples(input, rdbType === RdbType.HASH_LISTPACK_EX);
      return;
    }
    hash.create();
    this.made = true;
    switch (rdbType) {
      case RdbType.HASH_ZIPMAP:
        this.oldFields(input, this.zipmap);
        return;
      case RdbType.HASH_ZIPLIST:
        this.oldFields(input, this.ziplist);
        return;
      case RdbType.HASH: {
        const count = input.length();
        for (let i = 0; i < count; i++) {
          const fieldAt = input.offset;
          input.pair(a, b);
          this.addField(input, fieldAt);
        }
        return;
      }
      case RdbType.HASH_METADATA:
      case RdbType.HASH_METADATA_PRE_GA:
        this.fieldsAfterExpiry(input, rdbType === RdbType.HASH_METADATA);
        return;
      default:
        this.valkeyFields(input);
    }
  }

  private oldFields(input: RdbInput, old: Ziplist | Zipmap): void {
    const at = input.offset;
    this.openOld(input, old, 2);
    while (old.next(this.a) && old.next(this.b)) this.addField(input, at);
  }

  /** Adds field `a` with value `b`. */
  private addField(input: RdbInput, at: number): void {
    const { hash, a, b } = this;
    if (!hash.setIfAbsent(a.buf, a.off, a.len, b.buf, b.off, b.len)) {
      input.corrupt('a field that has not come before', 'the same one again', at);
    }
  }

  private addExpiring(input: RdbInput, expireAtMs: number, at: number): void {
    const { hash, a, b } = this;
    if (!hash.setWithExpire(a.buf, a.off, a.len, b.buf, b.off, b.len, expireAtMs)) {
      input.corrupt('a field that has not come before', 'the same one again', at);
    }
  }

  /** Types 24 (expiries count from the smallest, plus 1; 0 = none) and 22 (they are absolute). */
  private fieldsAfterExpiry(input: RdbInput, relative: boolean): void {
    const base = relative ? input.i64() - 1 : 0;
    const count = input.length();
    this.hash.expect(Math.min(count, HINT_MAX));
    this.hash.prepareExpiry();
    for (let i = 0; i < count; i++) {
      const at = input.offset;
      const ttl = input.length();
      const expireAtMs = ttl === 0 ? Number.NaN : base + ttl;
      this.checkExpiry(input, expireAtMs, at);
      input.pair(this.a, this.b);
      this.addExpiring(input, expireAtMs, at);
    }
  }

  /** Types 25 (the smallest expiry comes first) and 23: a listpack of field, value, expiry (0 = none). */
  private triples(input: RdbInput, smallestFirst: boolean): void {
    if (smallestFirst) input.i64();
    const { hash, pack, a, b, ttl } = this;
    const at = input.offset;
    this.readListpack(input);
    const { buf, off } = pack;
    this.made = hash.loadTriples(buf, off, pack.len, FIELD_EXPIRE_MAX);
    if (this.made) return;
    // Too large, not in order, or damaged.
    hash.create();
    this.made = true;
    hash.expect(lpCount(buf, off) / 3);
    hash.prepareExpiry();
    if (lpCount(buf, off) % 3 !== 0) input.corrupt('fields, values and expiries', 'elements that are no triples', at);
    for (let pos = lpFirst(buf, off); pos !== 0; ) {
      lpGet(buf, off, pos, a);
      pos = lpNext(buf, off, pos);
      lpGet(buf, off, pos, b);
      pos = lpNext(buf, off, pos);
      lpGet(buf, off, pos, ttl);
      pos = lpNext(buf, off, pos);
      const expireAtMs = parseInteger(ttl.buf, ttl.off, ttl.len);
      if (Number.isNaN(expireAtMs)) input.corrupt('the expiry of a field', 'not a number', at);
      const expires = expireAtMs === 0 ? Number.NaN : expireAtMs;
      this.checkExpiry(input, expires, at);
      this.addExpiring(input, expires, at);
    }
  }

  /** Valkey's type 22: field, value, expiry (-1 = none). */
  private valkeyFields(input: RdbInput): void {
    const { a, b } = this;
    const count = input.length();
    for (let i = 0; i < count; i++) {
      const at = input.offset;
      input.pair(a, b);
      // Both strings must outlive the expiry behind them, and only one can be held: the second lies behind the first.
      const apart = a.buf === input.buf && b.buf === input.buf ? b.off - a.off : -1;
      if (apart < 0 && b.buf === input.buf) b.set(b.copy(), 0, b.len);
      input.hold(a);
      const ttl = input.i64();
      input.unhold(a);
      if (apart >= 0) b.set(a.buf, a.off + apart, b.len);
      const expireAtMs = ttl === -1 ? Number.NaN : ttl;
      this.checkExpiry(input, expireAtMs, at);
      this.addExpiring(input, expireAtMs, at);
    }
  }

  private checkExpiry(input: RdbInput, expireAtMs: number, at: number): void {
    if (expireAtMs < 0 || expireAtMs > FIELD_EXPIRE_MAX) {
      input.corrupt('the expiry of a field, below 2^48 ms', String(expireAtMs), at);
    }
  }

  // --- payloads ----------------------------------------------------------------------------------------------------

  /** A listpack from outside into `pack`, checked. */
  private readListpack(input: RdbInput): void {
    const at = input.offset;
    input.string(this.pack);
    this.checkListpack(input, at);
  }

  private checkListpack(input: RdbInput, at: number): void {
    const { pack } = this;
    const bad = lpValidate(pack.buf, pack.off, pack.len);
    if (bad >= 0) input.corrupt('a listpack', `damage ${bad} bytes into it`, at);
  }

  /**
   * Makes the handle's value from a listpack; nothing when it has no elements. A compressed one is decompressed where it
   * may stay, so that the value is not copied again.
   */
  private takeListpack(input: RdbInput, handle: Hash | SetValue | ZSet, expected: string, at: number): void {
    const { arena, pack } = this;
    const block = input.stringOrBlock(pack, arena);
    try {
      // Sets and sorted sets look for damage themselves; what they refuse is looked at again to say where.
      if (handle === this.hash) this.checkListpack(input, at);
      this.made = handle.loadListpack(pack.buf, pack.off, pack.len, block);
      if (this.made) return;
      this.checkListpack(input, at);
      if (lpFirst(pack.buf, pack.off) !== 0) input.corrupt(expected, 'elements that are not', at);
    } finally {
      if (block !== 0 && !(this.made && handle.root === block)) arena.free(block);
    }
  }

  /** A ziplist or zipmap from outside, checked, with a multiple of `each` elements. */
  private openOld(input: RdbInput, old: Ziplist | Zipmap, each: number): void {
    const at = input.offset;
    const { pack } = this;
    input.string(pack);
    const bad = old.open(pack.buf, pack.off, pack.len);
    if (bad >= 0) input.corrupt(old === this.zipmap ? 'a zipmap' : 'a ziplist', `damage ${bad} bytes into it`, at);
    if (old.count % each !== 0) input.corrupt('pairs of elements', `${old.count} elements`, at);
  }
}

/** Stands for Valkey's type 22 among Redis's. */
const VALKEY_HASH = 122;

function isEmptyIntset(pack: Slice): boolean {
  if (pack.len !== 8) return false;
  for (let i = 4; i < 8; i++) if (pack.buf[pack.off + i] !== 0) return false;
  return true;
}
