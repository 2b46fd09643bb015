/**
 * Writes a data set as commands: the base of an append-only file with `aof-use-rdb-preamble no`.
 *
 *   SELECT db      SET key value      RPUSH key e...      SADD key m...      ZADD key score m ...      HMSET key f v ...
 *   XADD key id f v ...    XSETID key id ENTRIESADDED n MAXDELETEDID id    and for each group of the stream
 *   XGROUP CREATE key group id ENTRIESREAD n    XGROUP CREATECONSUMER key group consumer
 *   XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n JUSTID FORCE
 *   HPEXPIREAT key ms FIELDS 1 field    for each field that expires
 *   PEXPIREAT key ms
 *
 * A command holds at most 64 elements, and ends early when it has become large, so that whoever loads it needs little memory.
 * Values that no command of this server can make (streams with a pending entry that is deleted, values of modules) are an
 * UnsupportedError that names the key; so are function libraries.
 *
 * Works on an attached arena in another thread.
 */
import { UnsupportedError } from '../../base/errors.js';
import { formatDouble } from '../../base/numbers.js';
import { Slice } from '../../base/slice.js';
import type { Arena } from '../../memory/arena.js';
import {
  type Encoding,
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
import { ID_MAX, ID_MIN, Stream } from '../../values/stream.js';
import { READ_UNKNOWN, StreamGroup } from '../../values/stream-group.js';
import { StreamId } from '../../values/stream-id.js';
import { StreamIterator } from '../../values/stream-iterator.js';
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
  private readonly stream: Stream;
  private readonly entries: StreamIterator;
  private readonly group: StreamGroup;
  private readonly id = new StreamId();
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
    this.stream = new Stream(arena, DEFAULT_LIMITS);
    this.entries = new StreamIterator(arena);
    this.group = new StreamGroup(arena);
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
        this.begin('HMSET', 2);
        hash.start();
        while (hash.next(a, b)) this.element(a, b);
        this.endCommand();
        if (hash.hasFieldExpiry) this.fieldExpiries(hash);
        break;
      }
      case ItemType.STREAM:
        this.streamCommands(this.stream.open(encoding, itemRoot(arena, entry)));
        break;
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

  private fieldExpiries(hash: Hash): void {
    const { a, b } = this;
    hash.start();
    while (hash.next(a, b)) {
      if (Number.isNaN(hash.expire)) continue;
      this.begun(6, 'HPEXPIREAT');
      this.text(milliseconds(hash.expire));
      this.text('FIELDS');
      this.text('1');
      this.out.bulk(a.buf, a.off, a.len);
    }
  }

  // --- streams -------------------------------------------------------------------------------------------------------

  private streamCommands(stream: Stream): void {
    const { entries, id, a, b } = this;
    entries.start(stream.nodesRoot, ID_MIN, ID_MAX, false);
    let some = false;
    for (; entries.next(); some = true) {
      // XADD makes no such entries: the log would be refused, or the entry be lost.
      if (entries.fields === 0) this.refuse('an entry without fields');
      if (entries.id.compare(ID_MIN) === 0) this.refuse('an entry with the ID 0-0');
      this.begun(3 + 2 * entries.fields, 'XADD');
      this.text(entries.id.toString());
      for (let i = 0; i < entries.fields; i++) {
        entries.field(a, b);
        this.out.bulk(a.buf, a.off, a.len);
        this.out.bulk(b.buf, b.off, b.len);
      }
    }
    // A stream without entries begins with one that is trimmed at once.
    if (!some) {
      this.begun(7, 'XADD');
      for (const word of ['MAXLEN', '0', '0-1', 'x', 'y']) this.text(word);
    }
    const deleted = stream.maxDeletedId(new StreamId());
    if (stream.lastId(id).compare(deleted) < 0) this.refuse('a last ID below a deleted one');
    if (stream.entriesAdded >= 2n ** 63n) this.refuse('a count of entries beyond 2^63');
    if (stream.entriesAdded < BigInt(stream.length)) this.refuse('a count of entries below the length');
    this.begun(7, 'XSETID');
    this.text(id.toString());
    this.text('ENTRIESADDED');
    this.text(stream.entriesAdded.toString());
    this.text('MAXDELETEDID');
    this.text(deleted.toString());
    for (let group = stream.firstGroup(); group !== 0; group = stream.nextGroup()) this.groupCommands(stream, group);
  }

  private groupCommands(stream: Stream, address: number): void {
    const { out, id, a, b } = this;
    const group = this.group.open(stream, address);
    group.name(a);
    // Both counters wrap beyond 2^63 - 1.
    if (group.entriesRead < READ_UNKNOWN) this.refuse('a negative count of entries read');
    out.arrayHeader(7);
    out.text('XGROUP');
    out.text('CREATE');
    this.key(this.entry_);
    out.bulk(a.buf, a.off, a.len);
    this.text(group.lastId(id).toString());
    this.text('ENTRIESREAD');
    this.text(group.entriesRead.toString());
    for (let consumer = group.firstConsumer(); consumer >= 0; consumer = group.nextConsumer()) {
      group.consumerName(consumer, b);
      let item = group.seekOf(consumer, ID_MIN);
      if (item === 0) {
        out.arrayHeader(5);
        out.text('XGROUP');
        out.text('CREATECONSUMER');
        this.key(this.entry_);
        out.bulk(a.buf, a.off, a.len);
        out.bulk(b.buf, b.off, b.len);
      }
      for (; item !== 0; item = group.nextOf()) {
        // XCLAIM makes nothing pending that is not there.
        if (!stream.has(group.pendingId(item, id))) this.refuse('a pending entry that is deleted');
        if (group.deliveries(item) < 0n) this.refuse('a negative count of deliveries');
        this.begun(12, 'XCLAIM');
        out.bulk(a.buf, a.off, a.len);
        out.bulk(b.buf, b.off, b.len);
        this.text('0');
        this.text(id.toString());
        this.text('TIME');
        this.text(milliseconds(group.deliveredMs(item)));
        this.text('RETRYCOUNT');
        this.text(group.deliveries(item).toString());
        this.text('JUSTID');
        this.text('FORCE');
      }
    }
  }

  /** Begins a command of so many arguments, name and key included. */
  private begun(count: number, command: string): void {
    const { out } = this;
    if (out.pos >= FLUSH_BYTES) this.flush();
    out.arrayHeader(count);
    out.text(command);
    this.key(this.entry_);
  }
  private text(text: string): void {
    this.out.text(text);
  }

  private refuse(what: string): never {
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
