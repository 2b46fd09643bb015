/**
 * Writes the value of an entry, straight from the arena: listpacks, intsets and the nodes of lists and streams as they lie
 * there, module values as they were read, everything else element by element. Works on an attached arena in another thread.
 *
 * What an older version lacks:
 *   below 12  fields that expire (24, 25)  nothing else can say it
 *   below 11  set listpack (20)            written as a plain set (2); stream3 (21) as stream2 (19)
 *   below 10  listpacks (16, 17), lists of listpacks (18)   written element by element (4, 5, 1); a stream as type 15
 */
import { Slice } from '../../base/slice.js';
import { type Arena, byteIndex } from '../../memory/arena.js';
import { intsetBytes } from '../../memory/intset.js';
import { Encoding, ItemType, itemMeta, itemRoot, itemValueBytes, itemValueIndex } from '../../memory/item.js';
import { lpBytes, lpFirst, lpGet } from '../../memory/listpack.js';
import { blobValue } from '../../values/blob.js';
import { Hash } from '../../values/hash.js';
import { earliestTriple } from '../../values/hash-triples.js';
import { List } from '../../values/list.js';
import { SetValue } from '../../values/set.js';
import { Stream } from '../../values/stream.js';
import { DEFAULT_LIMITS } from '../../values/value.js';
import { ZSet } from '../../values/zset.js';
import type { RdbOutput } from './output.js';
import { StreamWriter } from './stream.js';
import { QuicklistNode, RdbType } from './types.js';

export type RdbVersion = 9 | 10 | 11 | 12;

/** A list's node that holds one element larger than this is written plain, as Redis does. */
const PACKED_BYTES_MAX = 8192;

export class ValueWriter {
  private readonly list: List;
  private readonly hash: Hash;
  private readonly set: SetValue;
  private readonly zset: ZSet;
  private readonly stream: Stream;
  private readonly streamWriter: StreamWriter;
  private readonly a = new Slice();
  private readonly b = new Slice();
  private readonly blob = new Slice();

  constructor(
    private readonly arena: Arena,
    private readonly out: RdbOutput,
    private readonly version: RdbVersion,
  ) {
    this.list = new List(arena, DEFAULT_LIMITS);
    this.hash = new Hash(arena, DEFAULT_LIMITS);
    this.set = new SetValue(arena, DEFAULT_LIMITS);
    this.zset = new ZSet(arena, DEFAULT_LIMITS);
    this.stream = new Stream(arena, DEFAULT_LIMITS);
    this.streamWriter = new StreamWriter(arena, out);
  }

  /** What this version cannot say about the entry's value; '' when it can say all. */
  unsupported(entry: number): string {
    if (this.version >= 12) return '';
    if ((itemMeta(this.arena, entry) & 7) !== ItemType.HASH) return '';
    return this.openHash(entry).hasFieldExpiry ? 'fields that expire need RDB version 12' : '';
  }

  /** The RDB type that the entry is written as. */
  typeOf(entry: number): number {
    const { arena, version } = this;
    const meta = itemMeta(arena, entry);
    const encoding = ((meta >>> 3) & 7) as Encoding;
    switch (meta & 7) {
      case ItemType.STRING:
        return RdbType.STRING;
      case ItemType.LIST:
        return version >= 10 ? RdbType.LIST_QUICKLIST_2 : RdbType.LIST;
      case ItemType.SET:
        if (encoding === Encoding.INTSET) return RdbType.SET_INTSET;
        return encoding === Encoding.LISTPACK && version >= 11 ? RdbType.SET_LISTPACK : RdbType.SET;
      case ItemType.ZSET:
        return encoding === Encoding.LISTPACK && version >= 10 ? RdbType.ZSET_LISTPACK : RdbType.ZSET_2;
      case ItemType.HASH:
        if (encoding === Encoding.LISTPACK && version >= 10) return RdbType.HASH_LISTPACK;
        if (encoding === Encoding.LISTPACK_EX && version >= 12) return RdbType.HASH_LISTPACK_EX;
        if (encoding === Encoding.DICT && version >= 12 && this.openHash(entry).hasFieldExpiry) {
          return RdbType.HASH_METADATA;
        }
        return RdbType.HASH;
    }
    if ((meta & 7) === ItemType.MODULE) return RdbType.MODULE_2;
    if (version >= 11) return RdbType.STREAM_3;
    return version === 10 ? RdbType.STREAM_2 : RdbType.STREAM;
  }

  /** The value without type and key. */
  write(entry: number, type: number): void {
    const { arena, out } = this;
    if (type === RdbType.STRING) {
      out.string(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
      return;
    }
    const root = itemRoot(arena, entry);
    const u8 = arena.bytesOf(root);
    const off = byteIndex(root);
    switch (type) {
      case RdbType.SET_INTSET:
        out.string(u8, off, intsetBytes(u8, off));
        return;
      case RdbType.SET_LISTPACK:
      case RdbType.ZSET_LISTPACK:
      case RdbType.HASH_LISTPACK:
        out.string(u8, off, lpBytes(u8, off));
        return;
      case RdbType.HASH_LISTPACK_EX: {
        const earliest = earliestTriple(u8, off);
        out.i64(Number.isNaN(earliest) ? 0 : earliest);
        out.string(u8, off, lpBytes(u8, off));
        return;
      }
    }
    const encoding = ((itemMeta(arena, entry) >>> 3) & 7) as Encoding;
    switch (type) {
      case RdbType.LIST_QUICKLIST_2:
        this.list.open(encoding, root);
        out.length(this.list.nodeCount);
        this.list.nodes(this.node);
        return;
      case RdbType.LIST:
        this.plainList(encoding, root);
        return;
      case RdbType.SET:
        this.plainSet(encoding, root);
        return;
      case RdbType.ZSET_2:
        this.plainZset(encoding, root);
        return;
      case RdbType.HASH:
        this.plainHash(encoding, root);
        return;
      case RdbType.HASH_METADATA:
        this.expiringHash(encoding, root);
        return;
      case RdbType.STREAM:
      case RdbType.STREAM_2:
      case RdbType.STREAM_3:
        this.streamWriter.write(this.stream.open(encoding, root), type);
        return;
      default:
        this.whole(root);
    }
  }

  private openHash(entry: number): Hash {
    const { arena } = this;
    return this.hash.open(((itemMeta(arena, entry) >>> 3) & 7) as Encoding, itemRoot(arena, entry));
  }

  // One function for all nodes of all lists, so that none is made per list.
  private readonly node = (u8: Uint8Array, off: number, bytes: number, count: number): void => {
    const { out, a } = this;
    if (count === 1 && bytes > PACKED_BYTES_MAX) {
      out.length(QuicklistNode.PLAIN);
      lpGet(u8, off, lpFirst(u8, off), a);
      out.string(a.buf, a.off, a.len);
      return;
    }
    out.length(QuicklistNode.PACKED);
    out.string(u8, off, bytes);
  };

  private plainList(encoding: Encoding, root: number): void {
    const { list, out, a } = this;
    list.open(encoding, root);
    out.length(list.length);
    list.start(0, true);
    while (list.next(a)) out.string(a.buf, a.off, a.len);
  }

  private plainSet(encoding: Encoding, root: number): void {
    const { set, out, a } = this;
    set.open(encoding, root);
    out.length(set.length);
    for (let more = set.first(a); more; more = set.next(a)) out.string(a.buf, a.off, a.len);
  }

  /** From the highest score down, as Redis does: it then loads by putting each in front. */
  private plainZset(encoding: Encoding, root: number): void {
    const { zset, out, a } = this;
    zset.open(encoding, root);
    const { length } = zset;
    out.length(length);
    for (let more = zset.seekRank(length - 1, a); more; more = zset.prev(a)) {
      out.string(a.buf, a.off, a.len);
      out.double(zset.memberScore);
    }
  }

  private plainHash(encoding: Encoding, root: number): void {
    const { hash, out, a, b } = this;
    hash.open(encoding, root);
    out.length(hash.length);
    hash.start();
    while (hash.next(a, b)) {
      out.string(a.buf, a.off, a.len);
      out.string(b.buf, b.off, b.len);
    }
  }

  /** Type 24: the smallest expiry, then for each field its expiry counted from that plus 1 (0 = none), field, value. */
  private expiringHash(encoding: Encoding, root: number): void {
    const { hash, out, a, b } = this;
    hash.open(encoding, root);
    let smallest = Number.POSITIVE_INFINITY;
    hash.start();
    while (hash.next(a, b)) if (hash.expire < smallest) smallest = hash.expire;
    out.i64(smallest);
    out.length(hash.length);
    hash.start();
    while (hash.next(a, b)) {
      out.length(Number.isNaN(hash.expire) ? 0 : hash.expire - smallest + 1);
      out.string(a.buf, a.off, a.len);
      out.string(b.buf, b.off, b.len);
    }
  }

  private whole(root: number): void {
    const { arena, out, blob } = this;
    blobValue(arena, root, blob);
    out.raw(blob.buf, blob.off, blob.len);
  }
}
