/**
 * Writes a data set as commands: the base of an append-only file with `aof-use-rdb-preamble no`.
 *
 *   SELECT db      SET key value      RPUSH key e...      SADD key m...      ZADD key score m ...      HMSET key f v ...
 *   PEXPIREAT key ms
 *
 * A command holds at most 64 elements, and ends early when it has become large, so that whoever loads it needs little memory.
 * Values that no command of this server can make (streams, fields that expire, values of modules) are an UnsupportedError
 * that names the key; so are function libraries.
 *
 * Works on an attached arena in another thread.
 */
import { UnsupportedError } from '../../base/errors.js';
import { formatDouble } from '../../base/numbers.js';
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import {
  Encoding,
  ItemType,
  itemKeyBytes,
  itemKeyIndex,
  itemMeta,
  itemRoot,
  itemSlot,
  itemValueBytes,
  itemValueIndex,
} from '../../memory/item.js';
import { Hash } from '../../values/hash.js';
import { List } from '../../values/list.js';
import { SetValue } from '../../values/set.js';
import { DEFAULT_LIMITS } from '../../values/value.js';
import { ZSet } from '../../values/zset.js';
import { LogEncoder } from './log-encoder.js';

/** Elements (pairs, for hashes and sorted sets) of one command. */
const ELEMENTS_MAX = 64;
const COMMAND_BYTES_MAX = 1 << 20;
const FLUSH_BYTES = 1 << 16;

export class CommandWriter {
  private readonly out = new LogEncoder();
  /** The elements of the command that is being built. */
  private readonly body = new LogEncoder();
  private bodyCount = 0;
  private command = '';
  private perElement = 1;
  private entry_ = 0;

  private readonly list: List;
  private readonly hash: Hash;
  private readonly set: SetValue;
  private readonly zset: ZSet;
  private readonly a = new Slice();
  private readonly b = new Slice();

  /** `write` takes bytes that are written over afterwards. `checksums`: with #CK lines. */
  constructor(
    private readonly arena: Arena,
    private readonly write: (buf: Uint8Array, len: number) => void,
    private readonly checksums: boolean,
  ) {
    this.list = new List(arena, DEFAULT_LIMITS);
    this.hash = new Hash(arena, DEFAULT_LIMITS);
    this.set = new SetValue(arena, DEFAULT_LIMITS);
    this.zset = new ZSet(arena, DEFAULT_LIMITS);
  }

  selectDb(db: number): void {
    this.out.select(db);
  }

  /** A keyspace entry. */
  entry(entry: number): void {
    const { arena, out, a, b } = this;
    const meta = itemMeta(arena, entry);
    const encoding = ((meta >>> 3) & 7) as Encoding;
    this.entry_ = entry;
    switch (meta & 7) {
      case ItemType.STRING:
        out.arrayHeader(3);
        out.text('SET');
        this.key(entry);
        out.bulk(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
        break;
      case ItemType.LIST: {
        const list = this.list.open(encoding, itemRoot(arena, entry));
        this.begin('RPUSH', 1);
        list.start(0, true);
        while (list.next(a)) this.element(a, null);
        break;
      }
      case ItemType.SET: {
        const set = this.set.open(encoding, itemRoot(arena, entry));
        this.begin('SADD', 1);
        for (let more = set.first(a); more; more = set.next(a)) this.element(a, null);
        break;
      }
      case ItemType.ZSET: {
        const zset = this.zset.open(encoding, itemRoot(arena, entry));
        this.begin('ZADD', 2);
        for (let more = zset.seekRank(0, a); more; more = zset.next(a)) {
          const score = Buffer.from(formatDouble(zset.memberScore), 'latin1');
          b.set(score, 0, score.length);
          this.element(b, a);
        }
        break;
      }
      case ItemType.HASH: {
        const hash = this.hash.open(encoding, itemRoot(arena, entry));
        if (encoding === Encoding.DICT && hash.hasFieldExpiry) this.refuse('fields that expire');
        this.begin('HMSET', 2);
        hash.start();
        while (hash.next(a, b)) this.element(a, b);
        break;
      }
      case ItemType.STREAM:
        return this.refuse('a stream');
      default:
        return this.refuse("a module's value");
    }
    this.endCommand();
    const expireAtMs = itemSlot(arena, entry);
    if (!Number.isNaN(expireAtMs)) {
      out.arrayHeader(3);
      out.text('PEXPIREAT');
      this.key(entry);
      out.text(milliseconds(expireAtMs));
    }
    if (out.pos >= FLUSH_BYTES) this.flush();
  }

  end(): void {
    this.flush();
  }

  private refuse(what: string): void {
    const { arena, entry_ } = this;
    const at = itemKeyIndex(arena, entry_);
    const key = Buffer.from(arena.bytesOf(entry_).slice(at, at + itemKeyBytes(arena, entry_))).toString('latin1');
    throw new UnsupportedError(JSON.stringify(key), `${what} cannot be written as commands`);
  }

  private key(entry: number): void {
    const { arena } = this;
    this.out.bulk(arena.bytesOf(entry), itemKeyIndex(arena, entry), itemKeyBytes(arena, entry));
  }

  private begin(command: string, perElement: number): void {
    this.command = command;
    this.perElement = perElement;
  }

  private element(first: Slice, second: Slice | null): void {
    const { body } = this;
    body.bulk(first.buf, first.off, first.len);
    if (second !== null) body.bulk(second.buf, second.off, second.len);
    if (++this.bodyCount === ELEMENTS_MAX || body.pos >= COMMAND_BYTES_MAX) this.endCommand();
  }

  private endCommand(): void {
    if (this.bodyCount === 0) return;
    const { out, body } = this;
    out.arrayHeader(2 + this.bodyCount * this.perElement);
    out.text(this.command);
    this.key(this.entry_);
    out.raw(body.buf, 0, body.pos);
    body.drained(body.pos);
    this.bodyCount = 0;
    if (out.pos >= FLUSH_BYTES) this.flush();
  }

  private flush(): void {
    const { out } = this;
    if (this.checksums) out.checksum();
    if (out.pos > 0) this.write(out.buf, out.pos);
    out.drained(out.pos);
  }
}

/** The largest moments are rounded to 2^63 in the arena, one more than a 64-bit integer holds. */
function milliseconds(ms: number): string {
  if (Number.isSafeInteger(ms)) return String(ms);
  const whole = BigInt(ms);
  return String(whole < 2n ** 63n ? whole : 2n ** 63n - 1n);
}
