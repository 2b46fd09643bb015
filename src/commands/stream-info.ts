/** Streams: XINFO. */
import type { Args } from '../formats/resp/args.js';
import { ID_MAX, ID_MIN, type Stream } from '../values/stream.js';
import type { StreamGroup } from '../values/stream-group.js';
import { ID_BYTES, StreamId } from '../values/stream-id.js';
import { groupLag } from '../values/stream-lag.js';
import type { Context } from './context.js';
import { NO_SUCH_KEY } from './errors.js';
import { badSubcommand, helpText } from './help.js';
import {
  entriesOf,
  groupOf,
  longOr,
  noGroupForKey,
  openGroup,
  replyEntry,
  replyId,
  replyInt64,
  replyRange,
} from './stream-args.js';

/** Entries, and pending entries of each group and consumer, that FULL shows. */
const FULL_COUNT = 10;

const ID = new StreamId();

function streamOf(c: Context, a: Args): Stream {
  const stream = c.streamToRead(a, 2);
  if (stream === null) throw NO_SUCH_KEY;
  return stream;
}

const name = (c: Context, text: string): void => c.out.bulkText(text, true);

/** The number, or null for the 64-bit integer that stands for an unknown one. */
function knownOrNil(c: Context, n: bigint | null): void {
  if (n === null || n === -1n) c.out.nil();
  else replyInt64(c.out, n);
}
function lag(c: Context, stream: Stream, group: StreamGroup): void {
  const n = groupLag(stream, group);
  if (n === null) c.out.nil();
  else replyInt64(c.out, n);
}

export function xinfoStream(c: Context, a: Args): void {
  const { out } = c;
  const stream = streamOf(c, a);
  let count = FULL_COUNT;
  const full = a.count > 3;
  if (full) {
    if ((a.count !== 4 && a.count !== 6) || !a.is(3, 'FULL')) throw badSubcommand(a);
    if (a.count === 6) {
      if (!a.is(4, 'COUNT')) throw badSubcommand(a);
      count = longOr(a, 5);
      if (count < 0) count = FULL_COUNT;
    }
  }
  out.map(full ? 9 : 10);
  name(c, 'length');
  out.int(stream.length);
  name(c, 'radix-tree-keys');
  out.int(stream.nodeCount);
  name(c, 'radix-tree-nodes');
  out.int(radixNodes(stream));
  name(c, 'last-generated-id');
  replyId(out, stream.lastId(ID));
  name(c, 'max-deleted-entry-id');
  replyId(out, stream.maxDeletedId(ID));
  name(c, 'entries-added');
  replyInt64(out, stream.entriesAdded);
  name(c, 'recorded-first-entry-id');
  replyId(out, stream.firstId(ID));
  if (full) {
    name(c, 'entries');
    replyRange(c, stream, ID_MIN, ID_MAX, count, false);
    name(c, 'groups');
    out.array(stream.groupCount);
    for (let group = stream.firstGroup(); group !== 0; group = stream.nextGroup()) {
      replyGroup(c, stream, openGroup(c, stream, group), count);
    }
    return;
  }
  name(c, 'groups');
  out.int(stream.groupCount);
  name(c, 'first-entry');
  replyEdge(c, stream, false);
  name(c, 'last-entry');
  replyEdge(c, stream, true);
}

function replyEdge(c: Context, stream: Stream, last: boolean): void {
  const entries = entriesOf(c);
  entries.start(stream.nodesRoot, ID_MIN, ID_MAX, last);
  if (entries.next()) replyEntry(c, entries);
  else c.out.nil();
}

/** A group as FULL shows it; `count` 0 = all that is pending. */
function replyGroup(c: Context, stream: Stream, group: StreamGroup, count: number): void {
  const { out, s1 } = c;
  out.map(7);
  name(c, 'name');
  group.name(s1);
  out.bulkSlice(s1);
  name(c, 'last-delivered-id');
  replyId(out, group.lastId(ID));
  name(c, 'entries-read');
  knownOrNil(c, group.entriesRead);
  name(c, 'lag');
  lag(c, stream, group);
  name(c, 'pel-count');
  out.int(group.pendingCount);
  // So it is called for the group; for its consumers, too.
  name(c, 'pending');
  const at = out.pos;
  let replied = 0;
  for (let item = group.first(); item !== 0 && (count === 0 || replied < count); item = group.next()) {
    out.array(4);
    replyId(out, group.pendingId(item, ID));
    group.consumerName(group.consumerOf(item), s1);
    out.bulkSlice(s1);
    out.int(group.deliveredMs(item));
    replyInt64(out, group.deliveries(item));
    replied++;
  }
  out.arrayAt(at, replied);
  name(c, 'consumers');
  out.array(group.consumerCount);
  for (let consumer = group.firstConsumer(); consumer >= 0; consumer = group.nextConsumer()) {
    replyConsumer(c, group, consumer, count);
  }
}

function replyConsumer(c: Context, group: StreamGroup, consumer: number, count: number): void {
  const { out, s1 } = c;
  out.map(5);
  name(c, 'name');
  group.consumerName(consumer, s1);
  out.bulkSlice(s1);
  name(c, 'seen-time');
  out.int(group.seenMs(consumer));
  name(c, 'active-time');
  out.int(group.activeMs(consumer));
  name(c, 'pel-count');
  out.int(group.pendingOf(consumer));
  name(c, 'pending');
  const at = out.pos;
  let replied = 0;
  let item = group.seekOf(consumer, ID_MIN);
  for (; item !== 0 && (count === 0 || replied < count); item = group.nextOf()) {
    out.array(3);
    replyId(out, group.pendingId(item, ID));
    out.int(group.deliveredMs(item));
    replyInt64(out, group.deliveries(item));
    replied++;
  }
  out.arrayAt(at, replied);
}

export function xinfoGroups(c: Context, a: Args): void {
  const { out, s1 } = c;
  const stream = streamOf(c, a);
  out.array(stream.groupCount);
  for (let address = stream.firstGroup(); address !== 0; address = stream.nextGroup()) {
    const group = openGroup(c, stream, address);
    out.map(6);
    name(c, 'name');
    group.name(s1);
    out.bulkSlice(s1);
    name(c, 'consumers');
    out.int(group.consumerCount);
    name(c, 'pending');
    out.int(group.pendingCount);
    name(c, 'last-delivered-id');
    replyId(out, group.lastId(ID));
    name(c, 'entries-read');
    knownOrNil(c, group.entriesRead);
    name(c, 'lag');
    lag(c, stream, group);
  }
}

export function xinfoConsumers(c: Context, a: Args): void {
  const { out, s1, now } = c;
  const stream = streamOf(c, a);
  const group = groupOf(c, stream, a, 3);
  if (group === null) throw noGroupForKey(a, 2, 3);
  out.array(group.consumerCount);
  for (let consumer = group.firstConsumer(); consumer >= 0; consumer = group.nextConsumer()) {
    const active = group.activeMs(consumer);
    out.map(4);
    name(c, 'name');
    group.consumerName(consumer, s1);
    out.bulkSlice(s1);
    name(c, 'pending');
    out.int(group.pendingOf(consumer));
    name(c, 'idle');
    out.int(Math.max(0, now - group.seenMs(consumer)));
    name(c, 'inactive');
    out.int(active === -1 ? -1 : now - active);
  }
}

const HELP = [
  'CONSUMERS <key> <groupname>',
  '    Show the consumers of a group.',
  'GROUPS <key>',
  '    Show the groups of a stream.',
  'STREAM <key> [FULL [COUNT <count>]',
  '    Show what is known about a stream.',
];

export function xinfoHelp(c: Context): void {
  helpText(c, 'XINFO', HELP);
}

/**
 * How many nodes a radix tree with the IDs of the stream's nodes has, as Redis keeps one. In such a tree a run of bytes that
 * only continues is one node, a byte at which IDs part is one, and so is each end.
 *
 * IDs in order part from the one before at some byte; what is open between them is a stack of such bytes, at most 16 high.
 */
function radixNodes(stream: Stream): number {
  const count = stream.nodeCount;
  if (count === 0) return 1;
  const ids = [new Uint8Array(ID_BYTES), new Uint8Array(ID_BYTES)] as const;
  /** Bytes at which the IDs seen last part from others, from the root down; the first below the root is open at 0. */
  const parts: number[] = [];
  let nodes = 0;
  let seen = 0;
  const arena = stream.arena;
  /** Ends the branches below byte `at`: each is a node, and a run of bytes between it and the one above another. */
  const close = (at: number, end: number): void => {
    let below = end;
    while (parts.length > 0 && parts[parts.length - 1]! > at) {
      const part = parts.pop()!;
      nodes += 1 + (below > part + 1 ? 1 : 0);
      below = part;
    }
    // From the byte behind the parting (or from the root) down to what has just been closed.
    if (below > at + 1) nodes++;
  };
  stream.eachNode((node) => {
    const id = ids[seen % 2]!;
    const before = ids[(seen + 1) % 2]!;
    ID.load(arena, node, 0).writeBytes(id, 0);
    nodes++;
    if (seen > 0) {
      let part = 0;
      while (id[part] === before[part]) part++;
      close(part, ID_BYTES);
      if (parts.length === 0 || parts[parts.length - 1]! < part) parts.push(part);
    }
    seen++;
  });
  close(-1, ID_BYTES);
  return nodes;
}
