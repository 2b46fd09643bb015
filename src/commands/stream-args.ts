/** What the stream commands share: IDs as arguments and replies, entries as replies, groups and their errors. */
import { CommandError } from '../base/errors.js';
import { parseInt64 } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Stream } from '../values/stream.js';
import { READ_UNKNOWN, StreamGroup } from '../values/stream-group.js';
import { ID_TEXT_MAX, StreamId } from '../values/stream-id.js';
import { StreamIterator } from '../values/stream-iterator.js';
import type { Context } from './context.js';
import { NOT_INTEGER } from './errors.js';
import { quoted } from './text.js';

export const INVALID_ID = new CommandError('ERR Invalid stream ID specified as stream command argument');
const INVALID_START = new CommandError('ERR invalid start ID for the interval');
const INVALID_END = new CommandError('ERR invalid end ID for the interval');

/** Longer texts are no ID. */
const ID_ARG_MAX = 127;
const SCRATCH = new Uint8Array(ID_TEXT_MAX);

// --- IDs as arguments --------------------------------------------------------------------------------------------------

/** What stands where an ID has none of its own. */
const MISSING = { zero: 0n, max: 2n ** 64n - 1n } as const;

/** Set by `parseId`: the sequence is to be found (`5-*`). */
export let autoSequence = false;

/**
 * Reads the text of argument i from its `skip`th byte on: `ms`, `ms-seq`, with `auto` also `ms-*`, and unless `strict` `-` and
 * `+`. False when it is none. Numbers are what C's strtoull takes: spaces before and a plus do not matter.
 * @param missing the sequence of an ID without one
 */
export function parseId(
  a: Args,
  i: number,
  out: StreamId,
  options: { strict?: boolean; auto?: boolean; missing?: 'zero' | 'max'; skip?: number } = {},
): boolean {
  autoSequence = false;
  const skip = options.skip ?? 0;
  if (a.len[i]! - skip > ID_ARG_MAX) return false;
  let text = a.latin1(i).slice(skip);
  const end = text.indexOf('\0');
  if (end >= 0) text = text.slice(0, end);
  if (text === '-' || text === '+') {
    if (options.strict) return false;
    if (text === '-') out.zero();
    else out.max();
    return true;
  }
  const dash = text.indexOf('-');
  const ms = unsigned(dash < 0 ? text : text.slice(0, dash));
  if (ms === null) return false;
  let seq: bigint | null = MISSING[options.missing ?? 'zero'];
  if (dash >= 0) {
    const tail = text.slice(dash + 1);
    if (options.auto && tail === '*') {
      seq = 0n;
      autoSequence = true;
    } else {
      seq = unsigned(tail);
    }
  }
  if (seq === null) return false;
  out.set(high(ms), low(ms), high(seq), low(seq));
  return true;
}

const high = (n: bigint): number => Number(n >> 32n);
const low = (n: bigint): number => Number(n & 0xffffffffn);

function unsigned(text: string): bigint | null {
  const bytes = Buffer.from(text, 'latin1');
  const n = parseInt64(bytes, 0, bytes.length);
  if (n !== null) return n < 0n ? null : n;
  const found = /^[ \t-\r]*([+-]?)(\d+)$/.exec(text);
  if (found === null) return null;
  const magnitude = BigInt(found[2]!);
  if (magnitude >= 2n ** 64n) return null;
  return found[1] === '-' ? BigInt.asUintN(64, -magnitude) : magnitude;
}

/** An ID `ms` or `ms-seq`; the sequence is 0 where it is missing. Throws. */
export function strictId(a: Args, i: number, out: StreamId): StreamId {
  if (!parseId(a, i, out, { strict: true })) throw INVALID_ID;
  return out;
}

/** Where an interval begins; `(` before the ID excludes it. Throws. */
export function startId(a: Args, i: number, out: StreamId): StreamId {
  const exclusive = isExclusive(a, i);
  const options = exclusive ? { strict: true, skip: 1 } : {};
  if (!parseId(a, i, out, options)) throw INVALID_ID;
  if (exclusive && !out.increment()) throw INVALID_START;
  return out;
}
/** Where an interval ends. Throws. */
export function endId(a: Args, i: number, out: StreamId): StreamId {
  const exclusive = isExclusive(a, i);
  const options = exclusive ? ({ strict: true, skip: 1, missing: 'max' } as const) : ({ missing: 'max' } as const);
  if (!parseId(a, i, out, options)) throw INVALID_ID;
  if (exclusive && !out.decrement()) throw INVALID_END;
  return out;
}
function isExclusive(a: Args, i: number): boolean {
  return a.len[i]! > 1 && a.buf[a.off[i]!] === 40;
}

/** Argument i as a 64-bit integer, beyond +-2^53 the nearest double; `error` when it is none. */
export function longOr(a: Args, i: number, error: CommandError = NOT_INTEGER): number {
  const n = a.integer(i);
  if (!Number.isNaN(n)) return n;
  const big = a.int64(i);
  if (big === null) throw error;
  return Number(big);
}

// --- replies -----------------------------------------------------------------------------------------------------------

export function replyId(out: ReplyWriter, id: StreamId): void {
  out.bulk(SCRATCH, 0, id.write(SCRATCH, 0));
}

export function replyInt64(out: ReplyWriter, n: bigint): void {
  if (n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER)) out.int(Number(n));
  else out.int64(BigInt.asIntN(64, n));
}

/** The entry at hand: its ID, and an array of its fields and values. */
export function replyEntry(c: Context, entries: StreamIterator): void {
  const { out, s1, s2 } = c;
  out.array(2);
  replyId(out, entries.id);
  out.array(entries.fields * 2);
  for (let i = 0; i < entries.fields; i++) {
    entries.field(s1, s2);
    out.bulkSlice(s1);
    out.bulkSlice(s2);
  }
}

/** The iterator that a handler uses for what it replies; handlers do not nest. */
let iterator: StreamIterator | null = null;
let iteratorOf: Context | null = null;
export function entriesOf(c: Context): StreamIterator {
  if (iterator === null || iteratorOf !== c) {
    iterator = new StreamIterator(c.keyspace.arena);
    iteratorOf = c;
  }
  return iterator;
}

/** Replies with the entry of this ID; false, and no reply, when there is none. */
export function replyEntryOf(c: Context, stream: Stream, id: StreamId): boolean {
  const entries = entriesOf(c);
  entries.start(stream.nodesRoot, id, id, false);
  if (!entries.next()) return false;
  replyEntry(c, entries);
  return true;
}

/** An array of the entries between two IDs; `count` 0 = all. */
export function replyRange(
  c: Context,
  stream: Stream,
  from: StreamId,
  to: StreamId,
  count: number,
  backwards: boolean,
): void {
  const { out } = c;
  const entries = entriesOf(c);
  const at = out.pos;
  let replied = 0;
  entries.start(stream.nodesRoot, from, to, backwards);
  while (entries.next()) {
    replyEntry(c, entries);
    replied++;
    if (replied === count) break;
  }
  out.arrayAt(at, replied);
}

// --- groups ------------------------------------------------------------------------------------------------------------

/** One handle for all handlers: none needs two groups at once. */
let handle: StreamGroup | null = null;
let handleOf: Context | null = null;

/** The group of `stream` that argument i names, or null. */
export function groupOf(c: Context, stream: Stream, a: Args, i: number): StreamGroup | null {
  const address = stream.findGroup(a.buf, a.off[i]!, a.len[i]!);
  return address === 0 ? null : openGroup(c, stream, address);
}

export function openGroup(c: Context, stream: Stream, address: number): StreamGroup {
  if (handle === null || handleOf !== c) {
    handle = new StreamGroup(c.keyspace.arena);
    handleOf = c;
  }
  return handle.open(stream, address);
}

export function noGroup(a: Args, key: number, group: number): CommandError {
  const [k, g] = [quoted(a, key, Number.POSITIVE_INFINITY), quoted(a, group, Number.POSITIVE_INFINITY)];
  return new CommandError(`NOGROUP No such key '${k}' or consumer group '${g}'`);
}
export function noGroupForKey(a: Args, key: number, group: number): CommandError {
  const [k, g] = [quoted(a, key, Number.POSITIVE_INFINITY), quoted(a, group, Number.POSITIVE_INFINITY)];
  return new CommandError(`NOGROUP No such consumer group '${g}' for key name '${k}'`);
}

/** The consumer that argument i names, made when it is missing; -1 - its number when it is new. */
export function consumerFor(c: Context, group: StreamGroup, a: Args, key: number, i: number): number {
  const { buf } = a;
  const off = a.off[i]!;
  const len = a.len[i]!;
  const found = group.findConsumer(buf, off, len);
  if (found >= 0) return found;
  const made = group.createConsumer(buf, off, len, c.now);
  c.addDirty(1);
  c.notify('t', 'xgroup-createconsumer', c.db, a.bytes(key));
  return -1 - made;
}

// --- effects -----------------------------------------------------------------------------------------------------------

const LAST = new StreamId();

/**
 * That an entry is pending is propagated as an XCLAIM that makes it so whatever was there; the same of an entry that is not
 * there any more takes it away.
 */
export function propagatePending(
  c: Context,
  key: Uint8Array,
  groupName: Uint8Array,
  group: StreamGroup,
  item: number,
  id: string | Uint8Array,
): void {
  if (!c.listens) return;
  group.consumerName(group.consumerOf(item), c.s1);
  c.rewrite(
    'XCLAIM',
    key,
    groupName,
    c.s1.copy(),
    '0',
    id,
    'TIME',
    String(group.deliveredMs(item)),
    'RETRYCOUNT',
    group.deliveries(item).toString(),
    'FORCE',
    'JUSTID',
    'LASTID',
    group.lastId(LAST).toString(),
  );
}

export function propagateConsumer(c: Context, key: Uint8Array, groupName: Uint8Array, name: Uint8Array): void {
  c.rewrite('XGROUP', 'CREATECONSUMER', key, groupName, name);
}

export function propagateLastId(c: Context, key: Uint8Array, groupName: Uint8Array, group: StreamGroup): void {
  const last = group.lastId(LAST).toString();
  // A count that has wrapped is not taken when it is replayed, and the ID would be lost with it: then it is not known.
  const { entriesRead } = group;
  const read = entriesRead < 0n ? READ_UNKNOWN : entriesRead;
  c.rewrite('XGROUP', 'SETID', key, groupName, last, 'ENTRIESREAD', read.toString());
}
