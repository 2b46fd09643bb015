/** Streams: pending entries that another consumer takes over: XCLAIM, XAUTOCLAIM. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemType } from '../memory/item.js';
import type { Stream } from '../values/stream.js';
import type { StreamGroup } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import type { Context } from './context.js';
import { SYNTAX, WRONG_TYPE } from './errors.js';
import { longFrom } from './long-args.js';
import {
  consumerFor,
  groupOf,
  longOr,
  noGroup,
  parseId,
  propagateConsumer,
  propagateLastId,
  propagatePending,
  replyEntryOf,
  replyId,
  startId,
  strictId,
} from './stream-args.js';
import { quoted } from './text.js';

const MIN_IDLE = new CommandError('ERR Invalid min-idle-time argument for XCLAIM');
const AUTO_MIN_IDLE = new CommandError('ERR Invalid min-idle-time argument for XAUTOCLAIM');
const IDLE = new CommandError('ERR Invalid IDLE option argument for XCLAIM');
const TIME = new CommandError('ERR Invalid TIME option argument for XCLAIM');
const RETRYCOUNT = new CommandError('ERR Invalid RETRYCOUNT option argument for XCLAIM');
const COUNT = new CommandError('ERR COUNT must be > 0');
const COUNT_TOO_HIGH = new CommandError('ERR Insufficient memory, failed allocating transient memory, COUNT too high.');

/** The largest COUNT of XAUTOCLAIM as Redis computes it, and what no machine has memory for there. */
const COUNT_MAX = 2n ** 59n - 1n;
const COUNT_ALLOCATABLE = 2 ** 33;
/** XAUTOCLAIM looks at so many pending entries for each that it may return. */
const ATTEMPTS = 10;

const ID = new StreamId();
const LAST = new StreamId();

interface ClaimOptions {
  /** The last argument that is an ID. */
  lastIdAt: number;
  /** -1: not given. */
  deliveredMs: number;
  retries: bigint;
  force: boolean;
  justId: boolean;
}

/** Reads the options behind the IDs, LASTID into LAST. */
function parseClaim(c: Context, a: Args): ClaimOptions {
  let i = 5;
  while (i < a.count && parseId(a, i, ID, { strict: true })) i++;
  const options: ClaimOptions = { lastIdAt: i - 1, deliveredMs: -1, retries: -1n, force: false, justId: false };
  LAST.zero();
  for (; i < a.count; i++) {
    const more = i + 1 < a.count;
    if (a.is(i, 'FORCE')) {
      options.force = true;
    } else if (a.is(i, 'JUSTID')) {
      options.justId = true;
    } else if (more && a.is(i, 'IDLE')) {
      options.deliveredMs = c.now - longOr(a, ++i, IDLE);
    } else if (more && a.is(i, 'TIME')) {
      options.deliveredMs = longOr(a, ++i, TIME);
    } else if (more && a.is(i, 'RETRYCOUNT')) {
      longOr(a, ++i, RETRYCOUNT);
      options.retries = a.int64(i)!;
    } else if (more && a.is(i, 'LASTID')) {
      strictId(a, ++i, LAST);
    } else {
      throw new CommandError(`ERR Unrecognized XCLAIM option '${quoted(a, i, Number.POSITIVE_INFINITY)}'`);
    }
  }
  return options;
}

export function xclaim(c: Context, a: Args): void {
  const { out, now } = c;
  const found = groupEntry(c, a);
  const minIdleMs = Math.max(0, longOr(a, 4, MIN_IDLE));
  const options = parseClaim(c, a);
  // A moment that makes no sense counts as now.
  const { deliveredMs } = options;
  const delivered = deliveredMs < 0 || deliveredMs > now ? now : deliveredMs;

  const stream = c.keyspace.openStream(c.db.prepare(found));
  const group = groupOf(c, stream, a, 2)!;
  const effects = new Effects(c, a, group);
  if (LAST.compare(group.lastId(ID)) > 0) {
    group.setLastId(LAST);
    effects.movedLastId = true;
  }
  const consumer = effects.consumer();
  const at = out.pos;
  let replied = 0;
  for (let i = 5; i <= options.lastIdAt; i++) {
    const id = strictId(a, i, ID);
    let item = group.find(id);
    if (!stream.has(id)) {
      if (item !== 0) effects.dropped(item, a.bytes(i));
      continue;
    }
    if (item === 0) {
      if (!options.force) continue;
      item = group.add(id, consumer, delivered, claimedCount(options, 1n));
    } else {
      if (minIdleMs > 0 && now - group.deliveredMs(item) < minIdleMs) continue;
      item = group.update(item, consumer, delivered, claimedCount(options, group.deliveries(item)));
    }
    if (options.justId) replyId(out, id);
    else replyEntryOf(c, stream, id);
    replied++;
    effects.claimed(item, consumer, a.bytes(i));
  }
  out.arrayAt(at, replied);
  effects.end(stream);
}

function claimedCount(options: ClaimOptions, before: bigint): bigint {
  if (options.retries >= 0n) return options.retries;
  return options.justId ? before : before + 1n;
}

/** The entry of key argument 1, whose stream has the group; throws when there is no such key or group. */
function groupEntry(c: Context, a: Args): number {
  const found = c.readType(a, 1, ItemType.STREAM);
  if (found === 0 || groupOf(c, c.keyspace.openStream(found), a, 2) === null) throw noGroup(a, 1, 2);
  return found;
}

/** What a claim propagates: each pending entry that changed; else what changed besides. */
class Effects {
  movedLastId = false;
  private made = false;
  private readonly key: Uint8Array;
  private readonly groupName: Uint8Array;

  constructor(
    private readonly c: Context,
    private readonly a: Args,
    private readonly group: StreamGroup,
  ) {
    this.key = a.bytes(1);
    this.groupName = a.bytes(2);
  }
  private told = false;

  /** The consumer of argument 3, made when it is missing. */
  consumer(): number {
    const { c, group } = this;
    const number = consumerFor(c, group, this.a, 1, 3);
    this.made = number < 0;
    const consumer = number < 0 ? -1 - number : number;
    group.setSeenMs(consumer, c.now);
    return consumer;
  }

  claimed(item: number, consumer: number, id: string | Uint8Array): void {
    const { c, group } = this;
    group.setActiveMs(consumer, c.now);
    this.tell(item, id);
    this.made = false;
  }

  /** The entry is deleted: so it is not pending any more. */
  dropped(item: number, id: string | Uint8Array): void {
    this.tell(item, id);
    this.group.remove(item);
  }

  private tell(item: number, id: string | Uint8Array): void {
    propagatePending(this.c, this.key, this.groupName, this.group, item, id);
    this.c.addDirty(1);
    // It says the last ID, too.
    this.movedLastId = false;
    this.told = true;
  }

  end(stream: Stream): void {
    const { c } = this;
    if (this.made) propagateConsumer(c, this.key, this.groupName, this.a.bytes(3));
    if (this.movedLastId) {
      propagateLastId(c, this.key, this.groupName, this.group);
      c.addDirty(1);
    }
    if (!this.told && !this.made && !this.movedLastId) c.silent();
    c.commit(this.a, 1, stream);
  }
}

export function xautoclaim(c: Context, a: Args): void {
  const { out, now } = c;
  // The lookup of the key comes first, as everywhere; what is wrong with it is told last.
  const looked = c.read(a, 1);
  const minIdleMs = Math.max(0, longOr(a, 4, AUTO_MIN_IDLE));
  startId(a, 5, ID);
  let count = 100;
  let justId = false;
  for (let i = 6; i < a.count; i++) {
    if (i + 1 < a.count && a.is(i, 'COUNT')) {
      count = longFrom(a, ++i, 1, COUNT);
      if (a.int64(i)! > COUNT_MAX) throw COUNT;
    } else if (a.is(i, 'JUSTID')) {
      justId = true;
    } else {
      throw SYNTAX;
    }
  }
  if (looked !== 0 && itemType(c.keyspace.arena, looked) !== ItemType.STREAM) throw WRONG_TYPE;
  if (looked === 0 || groupOf(c, c.keyspace.openStream(looked), a, 2) === null) throw noGroup(a, 1, 2);
  if (count > COUNT_ALLOCATABLE) throw COUNT_TOO_HIGH;

  const stream = c.keyspace.openStream(c.db.prepare(looked));
  const group = groupOf(c, stream, a, 2)!;
  const effects = new Effects(c, a, group);
  const consumer = effects.consumer();
  const at = out.pos;
  const deleted: string[] = [];
  let replied = 0;
  let left = count;
  let item = group.seek(ID);
  for (let attempts = count * ATTEMPTS; attempts > 0 && left > 0 && item !== 0; attempts--) {
    group.pendingId(item, ID);
    if (!stream.has(ID)) {
      const id = ID.toString();
      effects.dropped(item, id);
      deleted.push(id);
      left--;
    } else if (minIdleMs === 0 || now - group.deliveredMs(item) >= minIdleMs) {
      item = group.update(item, consumer, now, group.deliveries(item) + (justId ? 0n : 1n));
      if (justId) replyId(out, ID);
      else replyEntryOf(c, stream, ID);
      replied++;
      left--;
      effects.claimed(item, consumer, ID.toString());
    }
    item = ID.increment() ? group.seek(ID) : 0;
  }
  out.arrayAt(at, replied);
  const body = Buffer.from(out.buf.subarray(at, out.pos));
  out.pos = at;
  out.array(3);
  replyId(out, item === 0 ? ID.zero() : group.pendingId(item, ID));
  out.rawBytes(body);
  out.array(deleted.length);
  for (const id of deleted) out.bulkText(id, true);
  effects.end(stream);
}
