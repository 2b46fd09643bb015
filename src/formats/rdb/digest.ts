/**
 * DEBUG DIGEST and DEBUG DIGEST-VALUE: sums over keys and values that do not depend on the order in which unordered
 * things are stored, computed exactly as Redis does, so that two servers can be compared.
 *
 *   add(d, x)   d := d xor SHA1(x)                 order does not matter
 *   mix(d, x)   d := SHA1(d xor SHA1(x))           order matters
 *
 *   value       mix the type's number (u32 big-endian), then
 *     string    mix the bytes          list    mix each element          set     add each member
 *     zset      for each member: e := 0, mix member, mix score as text; add e
 *     hash      for each field:  e := 0, mix field, mix value, add "!!hexpire!!" when it expires; add e
 *     stream    for each entry: mix `ms.seq`, then mix each field and value
 *     and add "!!expire!!" when the key expires
 *   dataset     for each database with keys: mix its number (u32 big-endian); for each key: d := 0, mix key, value;
 *               add d
 *
 * Redis 7.2 prints scores shortest, 7.0 and before with 17 digits ("%.17g"): `scores` says which to equal.
 */
import crypto from 'node:crypto';
import { formatDouble } from '../../base/numbers.js';
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import {
  type Encoding,
  ItemType,
  itemHasSlot,
  itemKeyBytes,
  itemKeyIndex,
  itemMeta,
  itemRoot,
  itemValueBytes,
  itemValueIndex,
} from '../../memory/item.js';
import { blobValue } from '../../values/blob.js';
import { Hash } from '../../values/hash.js';
import { List } from '../../values/list.js';
import { SetValue } from '../../values/set.js';
import { ID_MAX, ID_MIN, Stream } from '../../values/stream.js';
import { ID_TEXT_MAX } from '../../values/stream-id.js';
import { StreamIterator } from '../../values/stream-iterator.js';
import { DEFAULT_LIMITS } from '../../values/value.js';
import { ZSet } from '../../values/zset.js';

const SHA1_BYTES = 20;
const DASH = 45;
const DOT = 46;
const EXPIRE = Buffer.from('!!expire!!');
const FIELD_EXPIRE = Buffer.from('!!hexpire!!');

export type ScoreForm = 'shortest' | '17 digits';

function sha1(buf: Uint8Array, off: number, len: number): Uint8Array {
  const bytes = buf.subarray(off, off + len);
  // One call instead of an object with a stream's life: twice as fast. Node has it from 20.12 on.
  if (crypto.hash !== undefined) return crypto.hash('sha1', bytes, 'buffer');
  return crypto.createHash('sha1').update(bytes).digest();
}

function add(digest: Uint8Array, buf: Uint8Array, off: number, len: number): void {
  const sum = sha1(buf, off, len);
  for (let i = 0; i < SHA1_BYTES; i++) digest[i]! ^= sum[i]!;
}

function mix(digest: Uint8Array, buf: Uint8Array, off: number, len: number): void {
  add(digest, buf, off, len);
  digest.set(sha1(digest, 0, SHA1_BYTES));
}

function mixU32(digest: Uint8Array, n: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  mix(digest, bytes, 0, 4);
}

function mixText(digest: Uint8Array, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  mix(digest, bytes, 0, bytes.length);
}

export class Digester {
  private readonly list: List;
  private readonly hash: Hash;
  private readonly set: SetValue;
  private readonly zset: ZSet;
  private readonly a = new Slice();
  private readonly b = new Slice();
  private readonly element = new Uint8Array(SHA1_BYTES);
  private readonly sum = new Uint8Array(SHA1_BYTES);

  constructor(
    private readonly arena: Arena,
    private readonly scores: ScoreForm = 'shortest',
  ) {
    this.list = new List(arena, DEFAULT_LIMITS);
    this.hash = new Hash(arena, DEFAULT_LIMITS);
    this.set = new SetValue(arena, DEFAULT_LIMITS);
    this.zset = new ZSet(arena, DEFAULT_LIMITS);
  }

  // --- DIGEST-VALUE ------------------------------------------------------------------------------------------------

  /** What DIGEST-VALUE says of an entry: 40 hexadecimal digits. For a missing key they are all 0. */
  value(entry: number): string {
    const digest = new Uint8Array(SHA1_BYTES);
    this.addValue(digest, entry);
    return hex(digest);
  }

  // --- DIGEST: begin, then for each database with keys `database`, then `entry` for each key; end -------------------------

  begin(): void {
    this.sum.fill(0);
  }
  database(index: number): void {
    mixU32(this.sum, index);
  }
  entry(entry: number): void {
    const { arena } = this;
    const digest = new Uint8Array(SHA1_BYTES);
    mix(digest, arena.bytesOf(entry), itemKeyIndex(arena, entry), itemKeyBytes(arena, entry));
    this.addValue(digest, entry);
    add(this.sum, digest, 0, SHA1_BYTES);
  }
  end(): string {
    return hex(this.sum);
  }

  // --- values ------------------------------------------------------------------------------------------------------

  private addValue(digest: Uint8Array, entry: number): void {
    const { arena } = this;
    const meta = itemMeta(arena, entry);
    const type = (meta & 7) as ItemType;
    const encoding = ((meta >>> 3) & 7) as Encoding;
    // Redis numbers its object types as here but for modules (5) and streams (6).
    mixU32(digest, type === ItemType.STREAM ? 6 : type === ItemType.MODULE ? 5 : type);
    switch (type) {
      case ItemType.STRING:
        mix(digest, arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
        break;
      case ItemType.LIST:
        this.addList(digest, encoding, itemRoot(arena, entry));
        break;
      case ItemType.SET:
        this.addSet(digest, encoding, itemRoot(arena, entry));
        break;
      case ItemType.ZSET:
        this.addZset(digest, encoding, itemRoot(arena, entry));
        break;
      case ItemType.HASH:
        this.addHash(digest, encoding, itemRoot(arena, entry));
        break;
      case ItemType.STREAM:
        this.addStream(digest, encoding, itemRoot(arena, entry));
        break;
      case ItemType.MODULE:
        // Only the module knows what counts; its payload at least tells equal values from others.
        blobValue(arena, itemRoot(arena, entry), this.a);
        mix(digest, this.a.buf, this.a.off, this.a.len);
    }
    if (itemHasSlot(arena, entry)) add(digest, EXPIRE, 0, EXPIRE.length);
  }

  private addList(digest: Uint8Array, encoding: Encoding, root: number): void {
    const { list, a } = this;
    list.open(encoding, root);
    list.start(0, true);
    while (list.next(a)) mix(digest, a.buf, a.off, a.len);
  }

  private addSet(digest: Uint8Array, encoding: Encoding, root: number): void {
    const { set, a } = this;
    set.open(encoding, root);
    for (let more = set.first(a); more; more = set.next(a)) add(digest, a.buf, a.off, a.len);
  }

  private addZset(digest: Uint8Array, encoding: Encoding, root: number): void {
    const { zset, a, element } = this;
    zset.open(encoding, root);
    for (let more = zset.seekRank(0, a); more; more = zset.next(a)) {
      element.fill(0);
      mix(element, a.buf, a.off, a.len);
      mixText(element, this.scores === 'shortest' ? shortestScore(zset.memberScore) : digits17(zset.memberScore));
      add(digest, element, 0, SHA1_BYTES);
    }
  }

  private addHash(digest: Uint8Array, encoding: Encoding, root: number): void {
    const { hash, a, b, element } = this;
    hash.open(encoding, root);
    hash.start();
    while (hash.next(a, b)) {
      element.fill(0);
      mix(element, a.buf, a.off, a.len);
      mix(element, b.buf, b.off, b.len);
      if (!Number.isNaN(hash.expire)) add(element, FIELD_EXPIRE, 0, FIELD_EXPIRE.length);
      add(digest, element, 0, SHA1_BYTES);
    }
  }

  private addStream(digest: Uint8Array, encoding: Encoding, root: number): void {
    const { arena, a, b } = this;
    const stream = new Stream(arena, DEFAULT_LIMITS).open(encoding, root);
    const entries = new StreamIterator(arena);
    const text = new Uint8Array(ID_TEXT_MAX);
    entries.start(stream.nodesRoot, ID_MIN, ID_MAX, false);
    while (entries.next()) {
      const len = entries.id.write(text, 0);
      // The ID has a dot here.
      text[text.indexOf(DASH)] = DOT;
      mix(digest, text, 0, len);
      for (let i = 0; i < entries.fields; i++) {
        entries.field(a, b);
        mix(digest, a.buf, a.off, a.len);
        mix(digest, b.buf, b.off, b.len);
      }
    }
  }
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}

/**
 * A score as the digests of Redis 7.2 have it: as replies print it, except that whole numbers with seven zeros or more at
 * their end are scientific (1e+8), too.
 */
export function shortestScore(x: number): string {
  if (!Number.isInteger(x) || x === 0) return formatDouble(x);
  const [mantissa, exponent] = x.toExponential().split('e') as [string, string];
  const sign = x < 0 ? '-' : '';
  const digits = mantissa.slice(sign.length).replace('.', '');
  const zeros = Number(exponent) + 1 - digits.length;
  if (zeros < 8) return sign + digits + '0'.repeat(zeros);
  return `${mantissa}e${exponent}`;
}

/** A score as C's "%.17g" prints it. */
export function digits17(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x < 0 ? '-inf' : 'inf';
  if (x === 0) return Object.is(x, -0) ? '-0' : '0';
  const [mantissa, exponentText] = x.toExponential(16).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 17) {
    const short = mantissa.replace(/\.?0+$/, '');
    return `${short}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const fixed = x.toFixed(Math.max(0, 16 - exponent));
  return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
}
