/** Streams: what changes the entries: XADD, XTRIM, XDEL, XSETID. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import { STREAM_TEXT_MAX, type Stream, type Trim } from '../values/stream.js';
import { StreamId } from '../values/stream-id.js';
import type { EntryTexts } from '../values/stream-node.js';
import type { Context } from './context.js';
import { NO_SUCH_KEY, SYNTAX, wrongArity } from './errors.js';
import { autoSequence, INVALID_ID, longOr, parseId, replyId, strictId } from './stream-args.js';

const BOTH_STRATEGIES = new CommandError(
  'ERR syntax error, MAXLEN and MINID options at the same time are not compatible',
);
const MAXLEN_NEGATIVE = new CommandError('ERR The MAXLEN argument must be >= 0.');
const LIMIT_NEGATIVE = new CommandError('ERR The LIMIT argument must be >= 0.');
const LIMIT_WITHOUT_TRIM = new CommandError(
  'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
);
const LIMIT_EXACT = new CommandError('ERR syntax error, LIMIT cannot be used without the special ~ option');
const TRIM_WITHOUT_STRATEGY = new CommandError('ERR syntax error, XTRIM must be called with a trimming strategy');
const ZERO_ID = new CommandError('ERR The ID specified in XADD must be greater than 0-0');
const SMALL_ID = new CommandError('ERR The ID specified in XADD is equal or smaller than the target stream top item');
const EXHAUSTED = new CommandError('ERR The stream has exhausted the last possible ID, unable to add more items');
const TOO_LARGE = new CommandError('ERR Elements are too large to be stored');

/** How much an approximate trim may take without LIMIT. */
const LIMIT_DEFAULT = 10_000;
const LIMIT_MAX = 1_000_000;

/** The arguments of XADD and XTRIM before the fields; one serves all calls. */
class AddArgs {
  readonly trim: Trim = { by: 'maxlen', maxlen: 0, minid: new StreamId(), approximate: false, limit: 0 };
  /** Argument of the threshold; 0 = nothing is trimmed. */
  thresholdAt = 0;
  makesStream = true;
  /** Argument of the ID. */
  idAt = 0;
  readonly id = new StreamId();
  /** Whether milliseconds and sequence are given. */
  hasMs = false;
  hasSequence = false;
}

const ADD = new AddArgs();

/** Options of XADD up to the ID, or all of XTRIM's. */
function parseAddOrTrim(c: Context, a: Args, adds: boolean): AddArgs {
  const args = ADD;
  const { trim } = args;
  trim.approximate = false;
  trim.limit = 0;
  args.thresholdAt = 0;
  args.makesStream = true;
  args.hasMs = false;
  args.hasSequence = false;
  let hasLimit = false;
  let i = 2;
  for (; i < a.count; i++) {
    const more = a.count - 1 - i;
    if (adds && a.is(i, '*')) break;
    if (more > 0 && (a.is(i, 'MAXLEN') || a.is(i, 'MINID'))) {
      i = parseThreshold(a, i, args);
    } else if (more > 0 && a.is(i, 'LIMIT')) {
      trim.limit = longOr(a, ++i);
      if (trim.limit < 0) throw LIMIT_NEGATIVE;
      hasLimit = true;
    } else if (adds && a.is(i, 'NOMKSTREAM')) {
      args.makesStream = false;
    } else if (adds) {
      if (!parseId(a, i, args.id, { strict: true, auto: true })) throw INVALID_ID;
      args.hasMs = true;
      args.hasSequence = !autoSequence;
      break;
    } else {
      throw SYNTAX;
    }
  }
  args.idAt = i;
  if (trim.limit > 0 && args.thresholdAt === 0) throw LIMIT_WITHOUT_TRIM;
  if (!adds && args.thresholdAt === 0) throw TRIM_WITHOUT_STRATEGY;
  if (c.replaying) {
    // What was logged says exactly what went, LIMIT or not.
    trim.limit = 0;
  } else if (hasLimit) {
    if (!trim.approximate) throw LIMIT_EXACT;
  } else if (trim.approximate) {
    const limit = 100 * c.keyspace.limits.streamNodeMaxEntries;
    trim.limit = limit > 0 ? Math.min(limit, LIMIT_MAX) : LIMIT_DEFAULT;
  }
  return args;
}

/** MAXLEN or MINID at argument i, with its threshold; returns the threshold's place. */
function parseThreshold(a: Args, i: number, args: AddArgs): number {
  const { trim } = args;
  if (args.thresholdAt > 0) throw BOTH_STRATEGIES;
  trim.by = a.is(i, 'MAXLEN') ? 'maxlen' : 'minid';
  const more = a.count - 1 - i;
  trim.approximate = more >= 2 && a.is(i + 1, '~');
  if (trim.approximate || (more >= 2 && a.is(i + 1, '='))) i++;
  i++;
  if (trim.by === 'maxlen') {
    trim.maxlen = longOr(a, i);
    if (trim.maxlen < 0) throw MAXLEN_NEGATIVE;
  } else {
    strictId(a, i, trim.minid);
  }
  args.thresholdAt = i;
  return i;
}

/** The command as it came, with another ID, and an approximate trim turned into one that gives exactly what is there. */
function propagated(a: Args, args: AddArgs, stream: Stream, id: string | null): (string | Uint8Array)[] {
  const argv: (string | Uint8Array)[] = [];
  for (let i = 0; i < a.count; i++) argv.push(a.bytes(i));
  if (id !== null) argv[args.idAt] = id;
  if (args.thresholdAt > 0 && args.trim.approximate) {
    argv[args.thresholdAt - 1] = '=';
    argv[args.thresholdAt] = args.trim.by === 'maxlen' ? String(stream.length) : oldestId(stream).toString();
  }
  return argv;
}

const OLDEST = new StreamId();
/** The first ID in the nodes, deleted entries included. */
function oldestId(stream: Stream): StreamId {
  return stream.edge(false, OLDEST, true) ? OLDEST : OLDEST.max();
}

const NEW_ID = new StreamId();
const TEXTS: EntryTexts = { buf: new Uint8Array(0), off: [], len: [], from: 0, pairs: 0 };

/** The ID that the new entry gets: larger than `last`. */
function chooseId(args: AddArgs, last: StreamId, now: number): StreamId {
  if (!args.hasMs) {
    NEW_ID.setMs(now);
    if (NEW_ID.sameMs(last) || NEW_ID.compare(last) < 0) NEW_ID.copyFrom(last).increment();
    return NEW_ID;
  }
  NEW_ID.copyFrom(args.id);
  if (!args.hasSequence && args.id.sameMs(last)) {
    if (last.seqHi === 0xffffffff && last.seqLo === 0xffffffff) throw SMALL_ID;
    NEW_ID.copyFrom(last).increment();
  }
  if (NEW_ID.compare(last) <= 0) throw SMALL_ID;
  return NEW_ID;
}

const LAST = new StreamId();

export function xadd(c: Context, a: Args): void {
  const { out } = c;
  const args = parseAddOrTrim(c, a, true);
  const first = args.idAt + 1;
  const texts = a.count - first;
  if (texts < 2 || texts % 2 === 1) throw wrongArity('xadd');
  if (args.hasSequence && args.id.isZero) throw ZERO_ID;
  let stream = c.streamToWrite(a, 1, false);
  if (stream === null && !args.makesStream) {
    out.nil();
    return;
  }
  const last = stream === null ? LAST.zero() : stream.lastId(LAST);
  if (last.isMax) throw EXHAUSTED;
  const id = chooseId(args, last, c.now);
  let bytes = 0;
  for (let i = first; i < a.count; i++) bytes += a.len[i]!;
  if (bytes > STREAM_TEXT_MAX) throw TOO_LARGE;

  stream ??= c.keyspace.createStream();
  TEXTS.buf = a.buf;
  TEXTS.off = a.off;
  TEXTS.len = a.len;
  TEXTS.from = first;
  TEXTS.pairs = texts / 2;
  stream.append(id, TEXTS);
  const trimmed = args.thresholdAt > 0 ? stream.trim(args.trim) : 0;
  c.commit(a, 1, stream);
  replyId(out, id);
  c.changed(a, 1, 't', 'xadd');
  if (c.keyspace.waits !== null) c.keyspace.waits.changed(c.db, ItemType.STREAM, a.bytes(1));
  if (trimmed > 0) c.notify('t', 'xtrim', c.db, a.bytes(1));
  const exact = args.thresholdAt === 0 || !args.trim.approximate;
  if (c.listens && !(args.hasSequence && exact)) {
    c.rewrite(...propagated(a, args, stream, args.hasSequence ? null : id.toString()));
  }
}

/** Takes the oldest entries away; returns how many. */
function trimStream(c: Context, stream: Stream, trim: Trim): number {
  if (!stream.trimsAll(trim)) return stream.trim(trim);
  const { length } = stream;
  c.keyspace.freeBlocks(stream.takeEntries());
  return length;
}

export function xtrim(c: Context, a: Args): void {
  const { out } = c;
  const args = parseAddOrTrim(c, a, false);
  const stream = c.streamToWrite(a, 1, false);
  if (stream === null) return out.int(0);
  const trimmed = trimStream(c, stream, args.trim);
  c.commit(a, 1, stream);
  out.int(trimmed);
  if (trimmed === 0) return;
  c.changed(a, 1, 't', 'xtrim', trimmed);
  if (c.listens && args.trim.approximate) c.rewrite(...propagated(a, args, stream, null));
}

const ID = new StreamId();
const FIRST = new StreamId();

export function xdel(c: Context, a: Args): void {
  const { out } = c;
  const stream = c.streamToWrite(a, 1, false);
  if (stream === null) return out.int(0);
  for (let i = 2; i < a.count; i++) strictId(a, i, ID);
  const first = stream.firstId(FIRST);
  let deleted = 0;
  let firstWent = false;
  for (let i = 2; i < a.count; i++) {
    if (!stream.remove(strictId(a, i, ID))) continue;
    deleted++;
    if (ID.compare(first) === 0) firstWent = true;
  }
  if (deleted > 0) {
    if (firstWent || stream.length === 0) stream.settleFirst();
    c.commit(a, 1, stream);
    c.changed(a, 1, 't', 'xdel', deleted);
  }
  out.int(deleted);
}

const ADDED_NEGATIVE = new CommandError('ERR entries_added must be positive');
const BELOW_GIVEN_DELETED = new CommandError(
  'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
);
const BELOW_DELETED = new CommandError('ERR The ID specified in XSETID is smaller than current max_deleted_entry_id');
const BELOW_TOP = new CommandError('ERR The ID specified in XSETID is smaller than the target stream top item');
const ADDED_BELOW_LENGTH = new CommandError(
  'ERR The entries_added specified in XSETID is smaller than the target stream length',
);
const DELETED = new StreamId();

export function xsetid(c: Context, a: Args): void {
  const id = strictId(a, 2, ID);
  let added = -1n;
  DELETED.zero();
  for (let i = 3; i < a.count; i += 2) {
    if (i + 1 < a.count && a.is(i, 'ENTRIESADDED')) {
      longOr(a, i + 1);
      added = a.int64(i + 1)!;
      if (added < 0n) throw ADDED_NEGATIVE;
    } else if (i + 1 < a.count && a.is(i, 'MAXDELETEDID')) {
      if (id.compare(strictId(a, i + 1, DELETED)) < 0) throw BELOW_GIVEN_DELETED;
    } else {
      throw SYNTAX;
    }
  }
  const stream = c.streamToWrite(a, 1, false);
  if (stream === null) throw NO_SUCH_KEY;
  if (id.compare(stream.maxDeletedId(LAST)) < 0) throw BELOW_DELETED;
  if (stream.length > 0) {
    if (stream.edge(true, LAST) && id.compare(LAST) < 0) throw BELOW_TOP;
    if (added >= 0n && BigInt(stream.length) > added) throw ADDED_BELOW_LENGTH;
  }
  stream.setLastId(id);
  if (added >= 0n) stream.entriesAdded = added;
  if (!DELETED.isZero) stream.setMaxDeletedId(DELETED);
  c.commit(a, 1, stream);
  c.out.ok();
  c.addDirty(1);
  c.notify('t', 'xsetid', c.db, a.bytes(1));
}
