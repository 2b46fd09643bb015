/**
 * Streams: what reads entries: XLEN, XRANGE, XREVRANGE, XREAD, XREADGROUP.
 *
 * XREAD and XREADGROUP: `parseRead` finds the IDs from which to read (`$` is the last one now), `serveRead` replies with
 * what is there. With nothing there and BLOCK the client waits, and the command is executed anew.
 */
import { CommandError } from '../base/errors.js';
import { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import { ID_MAX, type Stream } from '../values/stream.js';
import type { StreamGroup } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import { entriesUpTo, hasTombstones } from '../values/stream-lag.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { serverOf } from './services.js';
import {
  consumerFor,
  endId,
  entriesOf,
  groupOf,
  longOr,
  propagateConsumer,
  propagateLastId,
  propagatePending,
  replyEntry,
  replyEntryOf,
  replyId,
  replyRange,
  startId,
  strictId,
} from './stream-args.js';
import { quoted } from './text.js';
import { mayWait, timeoutOfMs } from './waiting.js';

export function xlen(c: Context, a: Args): void {
  c.out.int(c.streamToRead(a, 1)?.length ?? 0);
}

const FROM = new StreamId();
const TO = new StreamId();

function range(c: Context, a: Args, backwards: boolean): void {
  const { out } = c;
  startId(a, backwards ? 3 : 2, FROM);
  endId(a, backwards ? 2 : 3, TO);
  let count = -1;
  for (let i = 4; i < a.count; i += 2) {
    if (!a.is(i, 'COUNT') || i + 1 === a.count) throw SYNTAX;
    count = Math.max(0, longOr(a, i + 1));
  }
  const stream = c.streamToRead(a, 1);
  if (stream === null) out.array(0);
  else if (count === 0) out.nilArray();
  else replyRange(c, stream, FROM, TO, Math.max(count, 0), backwards);
}

export function xrange(c: Context, a: Args): void {
  range(c, a, false);
}
export function xrevrange(c: Context, a: Args): void {
  range(c, a, true);
}

// --- XREAD and XREADGROUP ----------------------------------------------------------------------------------------------

export interface StreamRead {
  /** -1: does not wait; 0: forever. */
  timeoutMs: number;
  /** 0 = all. */
  count: number;
  noAck: boolean;
  /** Argument of the group's name, the consumer's follows; 0 = XREAD. */
  groupAt: number;
  /** Arguments of the keys. */
  firstKey: number;
  keys: number;
  /** By key: entries after this one are wanted; the largest ID stands for `>`. */
  after: StreamId[];
}

const GROUP_IN_XREAD = new CommandError(
  'ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.',
);
const NOACK_IN_XREAD = new CommandError(
  'ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.',
);
const NO_GROUP_OPTION = new CommandError('ERR Missing GROUP option for XREADGROUP');
const DOLLAR_IN_GROUP = new CommandError(
  'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by ' +
    'specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.',
);
const NEW_IN_XREAD = new CommandError(
  'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.',
);
/** Throws what the command answers then; nothing has changed. */
export function parseRead(c: Context, a: Args, grouped: boolean): StreamRead {
  const read = parseOptions(c, a, grouped);
  for (let k = 0; k < read.keys; k++) {
    const keyAt = read.firstKey + k;
    const stream = c.streamToRead(a, keyAt);
    if (read.groupAt > 0) groupToRead(c, stream, a, keyAt, read.groupAt);
    read.after.push(parseAfter(a, keyAt + read.keys, stream, grouped));
  }
  return read;
}

function parseOptions(c: Context, a: Args, grouped: boolean): StreamRead {
  const read: StreamRead = {
    timeoutMs: -1,
    count: 0,
    noAck: false,
    groupAt: 0,
    firstKey: 0,
    keys: 0,
    after: [],
  };
  for (let i = 1; i < a.count; i++) {
    const more = a.count - i - 1;
    if (more > 0 && a.is(i, 'BLOCK')) {
      read.timeoutMs = timeoutOfMs(c, a, ++i);
    } else if (more > 0 && a.is(i, 'COUNT')) {
      read.count = Math.max(0, longOr(a, ++i));
    } else if (more > 0 && a.is(i, 'STREAMS')) {
      if (more % 2 === 1) {
        const [name, mark] = grouped ? ['xreadgroup', '>'] : ['xread', '$'];
        throw new CommandError(
          `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${mark}' must be specified.`,
        );
      }
      read.firstKey = i + 1;
      read.keys = more / 2;
      break;
    } else if (more >= 2 && a.is(i, 'GROUP')) {
      if (!grouped) throw GROUP_IN_XREAD;
      read.groupAt = i + 1;
      i += 2;
    } else if (a.is(i, 'NOACK')) {
      if (!grouped) throw NOACK_IN_XREAD;
      read.noAck = true;
    } else {
      throw SYNTAX;
    }
  }
  if (read.firstKey === 0) throw SYNTAX;
  if (grouped && read.groupAt === 0) throw NO_GROUP_OPTION;
  return read;
}

function parseAfter(a: Args, i: number, stream: Stream | null, grouped: boolean): StreamId {
  const id = new StreamId();
  if (a.is(i, '$')) {
    if (grouped) throw DOLLAR_IN_GROUP;
    return stream === null ? id : stream.lastId(id);
  }
  if (a.is(i, '>')) {
    if (!grouped) throw NEW_IN_XREAD;
    return id.max();
  }
  return strictId(a, i, id);
}

/** Throws when there is no such key or no such group. */
function groupToRead(c: Context, stream: Stream | null, a: Args, keyAt: number, groupAt: number): StreamGroup {
  const group = stream === null ? null : groupOf(c, stream, a, groupAt);
  if (group !== null) return group;
  const [key, name] = [quoted(a, keyAt, Number.POSITIVE_INFINITY), quoted(a, groupAt, Number.POSITIVE_INFINITY)];
  throw new CommandError(`NOGROUP No such key '${key}' or consumer group '${name}' in XREADGROUP with GROUP option`);
}

const EDGE = new StreamId();

/** Replies with what there is for the client and returns true; false, and no reply, when there is nothing. */
export function serveRead(c: Context, a: Args, read: StreamRead): boolean {
  const { out } = c;
  const at = out.pos;
  propagates = false;
  let served = 0;
  for (let k = 0; k < read.keys; k++) {
    const keyAt = read.firstKey + k;
    if (read.groupAt > 0) {
      if (serveGroup(c, a, read, k)) served++;
      continue;
    }
    const stream = c.streamToRead(a, keyAt);
    if (stream === null || stream.length === 0 || !stream.edge(true, EDGE)) continue;
    if (EDGE.compare(read.after[k]!) <= 0) continue;
    begin(c, a, keyAt);
    FROM.copyFrom(read.after[k]!).increment();
    replyRange(c, stream, FROM, ID_MAX, read.count, false);
    served++;
  }
  if (read.groupAt > 0 && !propagates) c.silent();
  if (served === 0) return false;
  if (out.resp < 3) out.arrayAt(at, served);
  else out.mapAt(at, served);
  return true;
}

/** The head of one key's part of the reply. */
function begin(c: Context, a: Args, keyAt: number): void {
  const { out } = c;
  if (out.resp < 3) out.array(2);
  out.bulk(a.buf, a.off[keyAt]!, a.len[keyAt]!);
}

/** Whether the running XREADGROUP has something to propagate. */
let propagates = false;

/** Serves one key of an XREADGROUP; whether there was something. */
function serveGroup(c: Context, a: Args, read: StreamRead, k: number): boolean {
  const keyAt = read.firstKey + k;
  const found = c.readType(a, keyAt, ItemType.STREAM);
  const stream = found === 0 ? null : c.keyspace.openStream(c.db.prepare(found));
  const group = groupToRead(c, stream, a, keyAt, read.groupAt);
  const after = FROM.copyFrom(read.after[k]!);
  const history = !after.isMax;
  let serves = history;
  if (!history && stream!.length > 0) {
    group.lastId(after);
    serves = stream!.edge(true, EDGE) && EDGE.compare(after) > 0;
  }
  const made = consumerFor(c, group, a, keyAt, read.groupAt + 1);
  const consumer = made < 0 ? -1 - made : made;
  group.setSeenMs(consumer, c.now);
  // Where entries become pending, that tells of the consumer, too.
  if (made < 0 && (history || read.noAck || !serves)) {
    propagateConsumer(c, a.bytes(keyAt), a.bytes(read.groupAt), a.bytes(read.groupAt + 1));
    propagates = true;
  }
  if (serves) {
    begin(c, a, keyAt);
    after.increment();
    if (history) replyHistory(c, stream!, group, consumer, after, read.count);
    else deliver(c, a, read, keyAt, stream!, group, consumer, after);
    c.addDirty(1);
  }
  c.commit(a, keyAt, stream!);
  return serves;
}

const LAST = new StreamId();

/** New entries for a consumer: they become pending, unless NOACK. */
function deliver(
  c: Context,
  a: Args,
  read: StreamRead,
  keyAt: number,
  stream: Stream,
  group: StreamGroup,
  consumer: number,
  from: StreamId,
): void {
  const { out, now } = c;
  const key = a.bytes(keyAt);
  const groupName = a.bytes(read.groupAt);
  const at = out.pos;
  const entries = entriesOf(c);
  let replied = 0;
  let moved = false;
  entries.start(stream.nodesRoot, from, ID_MAX, false);
  while (entries.next()) {
    const { id } = entries;
    if (id.compare(group.lastId(LAST)) > 0) {
      if (group.readsAreKnown && !hasTombstones(stream, id)) group.countRead();
      else if (stream.entriesAdded !== 0n) group.entriesRead = entriesUpTo(stream, id);
      group.setLastId(id);
      moved = true;
    }
    replyEntry(c, entries);
    if (!read.noAck) {
      const pending = group.find(id);
      const item = pending === 0 ? group.add(id, consumer, now, 1n) : group.update(pending, consumer, now, 1n);
      group.setActiveMs(consumer, now);
      propagatePending(c, key, groupName, group, item, id.toString());
      propagates = true;
    }
    replied++;
    if (replied === read.count) break;
  }
  out.arrayAt(at, replied);
  if (moved) {
    propagateLastId(c, key, groupName, group);
    propagates = true;
  }
}

/** What is pending for the consumer, again. Not propagated, as nothing but counters changes. */
function replyHistory(
  c: Context,
  stream: Stream,
  group: StreamGroup,
  consumer: number,
  from: StreamId,
  count: number,
): void {
  const { out } = c;
  const at = out.pos;
  let replied = 0;
  for (let item = group.seekOf(consumer, from); item !== 0; item = group.seekOf(consumer, from)) {
    group.pendingId(item, from);
    if (replyEntryOf(c, stream, from)) {
      group.update(item, consumer, c.now, group.deliveries(item) + 1n);
    } else {
      // Deleted since it was delivered.
      out.array(2);
      replyId(out, from);
      out.nilArray();
    }
    replied++;
    if (replied === count || !from.increment()) break;
  }
  out.arrayAt(at, replied);
}

export function xread(c: Context, a: Args): void {
  readOrWait(c, a, false);
}
export function xreadgroup(c: Context, a: Args): void {
  readOrWait(c, a, true);
}

function readOrWait(c: Context, a: Args, grouped: boolean): void {
  const read = parseRead(c, a, grouped);
  if (serveRead(c, a, read)) return;
  const { timeoutMs, firstKey, keys } = read;
  if (timeoutMs < 0 || !mayWait(c)) c.out.nilArray();
  // A group is gone with its stream.
  else serverOf(c).waitForKeys(fixed(a, read), { type: ItemType.STREAM, firstKey, keys, timeoutMs, onNoKey: grouped });
}

/** The command with the last IDs of now in place of `$`: it is executed again when there are new entries. */
function fixed(a: Args, { firstKey, keys, after }: StreamRead): Args {
  const argv: (string | Uint8Array)[] = [];
  for (let i = 0; i < a.count; i++)
    argv.push(a.is(i, '$') && i >= firstKey + keys ? after[i - firstKey - keys]!.toString() : a.bytes(i));
  return Args.of(...argv);
}
