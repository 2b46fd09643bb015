/**
 * Sets, one key at a time: members in and out, questions, random picks.
 *
 * Hot: SADD, SREM, SISMEMBER, SCARD and an SPOP that finds nothing make no JS object per call.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { Context } from './context.js';
import { MUST_BE_POSITIVE, SYNTAX } from './errors.js';
import { longFrom, symmetricLong } from './long-args.js';
import { emptyScan, parseScanCursor, parseScanOptions } from './scan.js';

/** Members that one propagated SREM names at most. */
const SREM_BATCH = 1024;
/** A reply of more elements than that would not fit into memory. */
export const RANDOM_COUNT_MAX = 2 ** 27;
export const TOO_MANY_RANDOM = new CommandError('ERR value is out of range');

export function sadd(c: Context, a: Args): void {
  const set = c.setToWrite(a, 1, true)!;
  set.prepare(a.count - 2, a.buf, a.off[2]!, a.len[2]!);
  if (set.entry === 0) set.reserve(a.buf, a.off, a.len, 2, a.count);
  let added = 0;
  for (let i = 2; i < a.count; i++) if (set.add(a.buf, a.off[i]!, a.len[i]!)) added++;
  c.commit(a, 1, set);
  if (added > 0) c.changed(a, 1, 's', 'sadd', added);
  c.out.int(added);
}

export function srem(c: Context, a: Args): void {
  const set = c.setToWrite(a, 1, false);
  let removed = 0;
  if (set !== null) {
    for (let i = 2; i < a.count && set.length > 0; i++) if (set.remove(a.buf, a.off[i]!, a.len[i]!)) removed++;
    if (removed > 0) c.changed(a, 1, 's', 'srem', removed);
    c.commit(a, 1, set);
  }
  c.out.int(removed);
}

export function sismember(c: Context, a: Args): void {
  const set = c.setToRead(a, 1);
  c.out.int(set?.has(a.buf, a.off[2]!, a.len[2]!) ? 1 : 0);
}

export function smismember(c: Context, a: Args): void {
  const set = c.setToRead(a, 1);
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) c.out.int(set?.has(a.buf, a.off[i]!, a.len[i]!) ? 1 : 0);
}

export function scard(c: Context, a: Args): void {
  c.out.int(c.setToRead(a, 1)?.length ?? 0);
}

export function smembers(c: Context, a: Args): void {
  const { out, s1 } = c;
  const set = c.setToRead(a, 1);
  if (set === null) {
    out.set(0);
    return;
  }
  out.set(set.length);
  for (let more = set.first(s1); more; more = set.next(s1)) out.bulkSlice(s1);
}

export function sscan(c: Context, a: Args): void {
  const cursor = parseScanCursor(a, 2);
  const set = c.setToRead(a, 1);
  if (set === null) {
    emptyScan(c);
    return;
  }
  const scan = parseScanOptions(a, 3);
  scan.begin(c.out);
  const next = set.scan(cursor, scan.count, (buf, off, len) => {
    if (scan.matches(buf, off, len)) scan.emit(buf, off, len);
  });
  scan.end(next);
}

// --- moves and random picks ------------------------------------------------------------------------------------------

export function smove(c: Context, a: Args): void {
  // Both are looked up before anything is said about either, so one that has expired goes in any case.
  c.db.lookup(a.buf, a.off[1]!, a.len[1]!);
  c.db.lookup(a.buf, a.off[2]!, a.len[2]!);
  const source = c.setToWrite(a, 1, false);
  if (source === null) {
    c.out.int(0);
    return;
  }
  const target = c.writeType(a, 2, ItemType.SET);
  if (target === source.entry) {
    c.out.int(source.has(a.buf, a.off[3]!, a.len[3]!) ? 1 : 0);
    return;
  }
  if (!source.remove(a.buf, a.off[3]!, a.len[3]!)) {
    c.commit(a, 1, source);
    c.out.int(0);
    return;
  }
  c.changed(a, 1, 's', 'srem');
  c.commit(a, 1, source);
  const set = c.setToWrite(a, 2, true)!;
  const added = set.add(a.buf, a.off[3]!, a.len[3]!);
  c.commit(a, 2, set);
  if (added) c.changed(a, 2, 's', 'sadd');
  c.out.int(1);
}

export function spop(c: Context, a: Args): void {
  if (a.count > 3) throw SYNTAX;
  if (a.count === 3) {
    popMany(c, a, longFrom(a, 2, 0, MUST_BE_POSITIVE));
    return;
  }
  const set = c.setToWrite(a, 1, false);
  if (set === null) {
    c.out.nil();
    return;
  }
  const { s1 } = c;
  set.pop(s1);
  c.out.bulkSlice(s1);
  c.rewrite('SREM', a.bytes(1), s1.copy());
  c.changed(a, 1, 's', 'spop');
  c.commit(a, 1, set);
}

function popMany(c: Context, a: Args, count: number): void {
  const { out, s1 } = c;
  const set = c.setToWrite(a, 1, false);
  if (set === null || count === 0) {
    out.set(0);
    return;
  }
  const { length } = set;
  if (count >= length) {
    out.set(length);
    for (let more = set.first(s1); more; more = set.next(s1)) out.bulkSlice(s1);
    c.rewrite(c.keyspace.lazyfree.serverDel ? 'UNLINK' : 'DEL', a.bytes(1));
    c.changed(a, 1, 's', 'spop', length);
    c.commitEmpty(a, 1, set);
    return;
  }
  out.set(count);
  let batch: (string | Uint8Array)[] = ['SREM', a.bytes(1)];
  for (let i = 0; i < count; i++) {
    set.pop(s1);
    out.bulkSlice(s1);
    batch.push(s1.copy());
    if (batch.length === SREM_BATCH + 2) {
      c.rewrite(...batch);
      batch = ['SREM', a.bytes(1)];
    }
  }
  if (batch.length > 2) c.rewrite(...batch);
  c.changed(a, 1, 's', 'spop', count);
  c.commit(a, 1, set);
}

export function srandmember(c: Context, a: Args): void {
  if (a.count > 3) throw SYNTAX;
  const { out, s1 } = c;
  if (a.count === 2) {
    const set = c.setToRead(a, 1);
    if (set === null) {
      out.nil();
      return;
    }
    set.random(s1);
    out.bulkSlice(s1);
    return;
  }
  const count = symmetricLong(a, 2);
  const set = c.setToRead(a, 1);
  if (set === null) {
    out.array(0);
    return;
  }
  if (count >= 0) {
    out.array(Math.min(count, set.length));
    set.sample(count, (buf, off, len) => out.bulk(buf, off, len));
    return;
  }
  if (-count > RANDOM_COUNT_MAX) throw TOO_MANY_RANDOM;
  out.array(-count);
  for (let i = 0; i < -count; i++) {
    set.random(s1);
    out.bulkSlice(s1);
  }
}
