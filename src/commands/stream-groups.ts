/** Streams: XGROUP, XACK, XPENDING. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { Stream } from '../values/stream.js';
import { newGroup, type StreamGroup } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { badSubcommand, helpText } from './help.js';
import {
  consumerFor,
  endId,
  groupOf,
  INVALID_ID,
  longOr,
  noGroup,
  noGroupForKey,
  parseId,
  replyId,
  replyInt64,
  startId,
  strictId,
} from './stream-args.js';

const NO_KEY = new CommandError(
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option ' +
    'to create an empty stream automatically.',
);
const READ_NEGATIVE = new CommandError('ERR value for ENTRIESREAD must be positive or -1');
const BUSY_GROUP = new CommandError('BUSYGROUP Consumer Group name already exists');

interface GroupOptions {
  makesStream: boolean;
  entriesRead: bigint;
}

function parseOptions(a: Args, creates: boolean): GroupOptions {
  const options: GroupOptions = { makesStream: false, entriesRead: -1n };
  for (let i = 5; i < a.count; i++) {
    if (creates && a.is(i, 'MKSTREAM')) {
      options.makesStream = true;
    } else if (a.is(i, 'ENTRIESREAD') && i + 1 < a.count) {
      longOr(a, ++i);
      options.entriesRead = a.int64(i)!;
      if (options.entriesRead < -1n) throw READ_NEGATIVE;
    } else {
      throw badSubcommand(a);
    }
  }
  return options;
}

/** The stream and its group, which both exist, or the error that says which does not. */
function groupToWrite(c: Context, a: Args): { stream: Stream; group: StreamGroup } {
  const stream = c.streamToWrite(a, 2, false);
  if (stream === null) throw NO_KEY;
  const group = groupOf(c, stream, a, 3);
  if (group === null) throw noGroupForKey(a, 2, 3);
  return { stream, group };
}

const ID = new StreamId();

export function xgroupCreate(c: Context, a: Args): void {
  const options = parseOptions(a, true);
  let stream = c.streamToWrite(a, 2, false);
  if (stream === null && !options.makesStream) throw NO_KEY;
  if (a.count > 8) throw badSubcommand(a);
  if (!a.is(4, '$')) strictId(a, 4, ID);
  else if (stream === null) ID.zero();
  else stream.lastId(ID);
  const { buf } = a;
  const off = a.off[3]!;
  const len = a.len[3]!;
  if (stream !== null && stream.findGroup(buf, off, len) !== 0) throw BUSY_GROUP;
  const isNew = stream === null;
  stream ??= c.keyspace.createStream();
  stream.findGroup(buf, off, len);
  stream.insertGroup(newGroup(c.keyspace.arena, buf, off, len, ID, options.entriesRead));
  c.commit(a, 2, stream);
  c.out.ok();
  if (isNew) c.changed(a, 2, 't', 'xgroup-create');
  else groupChanged(c, a, 'xgroup-create');
}

/** Groups are not what WATCH looks at. */
function groupChanged(c: Context, a: Args, event: string): void {
  c.addDirty(1);
  c.notify('t', event, c.db, a.bytes(2));
}

export function xgroupSetid(c: Context, a: Args): void {
  const options = parseOptions(a, false);
  const { stream, group } = groupToWrite(c, a);
  if (a.count !== 5 && a.count !== 7) throw badSubcommand(a);
  if (a.is(4, '$')) stream.lastId(ID);
  else if (!parseId(a, 4, ID)) throw INVALID_ID;
  group.setLastId(ID);
  group.entriesRead = options.entriesRead;
  c.commit(a, 2, stream);
  c.out.ok();
  groupChanged(c, a, 'xgroup-setid');
}

export function xgroupDestroy(c: Context, a: Args): void {
  const stream = c.streamToWrite(a, 2, false);
  if (stream === null) throw NO_KEY;
  const group = stream.findGroup(a.buf, a.off[3]!, a.len[3]!);
  if (group === 0) return c.out.int(0);
  c.keyspace.freeBlocks(stream.removeGroup(group));
  c.commit(a, 2, stream);
  c.out.int(1);
  groupChanged(c, a, 'xgroup-destroy');
  // Those who wait for the group's entries are told that it is gone.
  if (c.keyspace.waits !== null) c.keyspace.waits.changed(c.db, ItemType.STREAM, a.bytes(2));
}

export function xgroupCreateconsumer(c: Context, a: Args): void {
  const { stream, group } = groupToWrite(c, a);
  const made = consumerFor(c, group, a, 2, 4) < 0;
  c.commit(a, 2, stream);
  c.out.int(made ? 1 : 0);
}

export function xgroupDelconsumer(c: Context, a: Args): void {
  const { stream, group } = groupToWrite(c, a);
  const consumer = group.findConsumer(a.buf, a.off[4]!, a.len[4]!);
  if (consumer < 0) return c.out.int(0);
  const pending = group.deleteConsumer(consumer);
  c.commit(a, 2, stream);
  c.out.int(pending);
  groupChanged(c, a, 'xgroup-delconsumer');
}

const HELP = [
  'CREATE <key> <groupname> <id|$> [option]',
  '    Make a consumer group that reads what comes after <id>. Options are:',
  '    * MKSTREAM',
  '      Make an empty stream if there is none.',
  '    * ENTRIESREAD entries_read',
  '      How many entries the group has read already.',
  'CREATECONSUMER <key> <groupname> <consumer>',
  '    Make a consumer in the group.',
  'DELCONSUMER <key> <groupname> <consumer>',
  '    Take a consumer away, and what is pending for it.',
  'DESTROY <key> <groupname>',
  '    Take a group away.',
  'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
  '    Set what the group has read.',
];

export function xgroupHelp(c: Context): void {
  helpText(c, 'XGROUP', HELP);
}

// --- pending entries ---------------------------------------------------------------------------------------------------

export function xack(c: Context, a: Args): void {
  const { out } = c;
  const found = c.readType(a, 1, ItemType.STREAM);
  if (found === 0) return out.int(0);
  let stream = c.keyspace.openStream(found);
  if (groupOf(c, stream, a, 2) === null) return out.int(0);
  for (let i = 3; i < a.count; i++) strictId(a, i, ID);
  stream = c.keyspace.openStream(c.db.prepare(found));
  const group = groupOf(c, stream, a, 2)!;
  let acknowledged = 0;
  for (let i = 3; i < a.count; i++) {
    const item = group.find(strictId(a, i, ID));
    if (item === 0) continue;
    group.remove(item);
    acknowledged++;
  }
  c.commit(a, 1, stream);
  out.int(acknowledged);
  c.addDirty(acknowledged);
}

const FROM = new StreamId();
const TO = new StreamId();

export function xpending(c: Context, a: Args): void {
  const summary = a.count === 3;
  if (!summary && (a.count < 6 || a.count > 9)) throw SYNTAX;
  let at = 3;
  let idleMs = 0;
  let count = 0;
  if (!summary) {
    if (a.is(3, 'IDLE')) {
      idleMs = longOr(a, 4);
      if (a.count < 8) throw SYNTAX;
      at = 5;
    }
    count = Math.max(0, longOr(a, at + 2));
    startId(a, at, FROM);
    endId(a, at + 1, TO);
  }
  const stream = c.streamToRead(a, 1);
  const group = stream === null ? null : groupOf(c, stream, a, 2);
  if (group === null) throw noGroup(a, 1, 2);
  if (summary) replySummary(c, group);
  else replyPending(c, a, group, at + 3, idleMs, count);
}

function replySummary(c: Context, group: StreamGroup): void {
  const { out, s1 } = c;
  out.array(4);
  out.int(group.pendingCount);
  if (group.pendingCount === 0) {
    out.nil();
    out.nil();
    out.nilArray();
    return;
  }
  replyId(out, group.pendingId(group.first(), ID));
  replyId(out, group.pendingId(group.last(), ID));
  const at = out.pos;
  let replied = 0;
  for (let consumer = group.firstConsumer(); consumer >= 0; consumer = group.nextConsumer()) {
    const pending = group.pendingOf(consumer);
    if (pending === 0) continue;
    out.array(2);
    group.consumerName(consumer, s1);
    out.bulkSlice(s1);
    out.bulkInt(pending);
    replied++;
  }
  out.arrayAt(at, replied);
}

/** Pending entries between FROM and TO; of one consumer if argument `consumerAt` is there. */
function replyPending(
  c: Context,
  a: Args,
  group: StreamGroup,
  consumerAt: number,
  idleMs: number,
  count: number,
): void {
  const { out, s1 } = c;
  let consumer = -1;
  if (consumerAt < a.count) {
    consumer = group.findConsumer(a.buf, a.off[consumerAt]!, a.len[consumerAt]!);
    if (consumer < 0) {
      out.array(0);
      return;
    }
  }
  const at = out.pos;
  let replied = 0;
  let item = consumer < 0 ? group.seek(FROM) : group.seekOf(consumer, FROM);
  for (; item !== 0 && replied < count; item = consumer < 0 ? group.next() : group.nextOf()) {
    if (group.pendingId(item, ID).compare(TO) > 0) break;
    const idle = c.now - group.deliveredMs(item);
    if (idleMs !== 0 && idle < idleMs) continue;
    out.array(4);
    replyId(out, ID);
    group.consumerName(group.consumerOf(item), s1);
    out.bulkSlice(s1);
    out.int(Math.max(0, idle));
    replyInt64(out, group.deliveries(item));
    replied++;
  }
  out.arrayAt(at, replied);
}
