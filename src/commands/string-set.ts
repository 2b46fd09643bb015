/**
 * Whole strings: GET, SET and their relatives, one key or many.
 *
 * Hot: GET, SET without options, MGET and MSET make no JS object per call.
 */
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemType, itemValue } from '../memory/item.js';
import { stringEncoding } from '../values/string.js';
import type { Context } from './context.js';
import { SYNTAX, wrongArity } from './errors.js';
import { expireText, isPast, positiveExpireTime } from './expire-time.js';

const NEVER = Number.NaN;

/** Replies with a string entry's value. */
export function replyString(c: Context, entry: number): void {
  itemValue(c.keyspace.arena, entry, c.s1);
  c.out.bulkSlice(c.s1);
}

/**
 * Sets key argument `k` to `buf[off, off + len)`, encoded as it looks, and notifies `new` when the key was missing.
 * @param atMs when it expires; NaN = never
 */
export function store(c: Context, a: Args, k: number, buf: Uint8Array, off: number, len: number, atMs: number): void {
  const { db, keyspace } = c;
  const sizeBefore = db.size;
  const expiredBefore = keyspace.expiredKeys;
  db.setString(a.buf, a.off[k]!, a.len[k]!, buf, off, len, stringEncoding(buf, off, len), atMs);
  if (db.size !== sizeBefore || keyspace.expiredKeys !== expiredBefore) c.changed(a, k, 'n', 'new', 0);
}

function storeArg(c: Context, a: Args, k: number, v: number, atMs: number): void {
  store(c, a, k, a.buf, a.off[v]!, a.len[v]!, atMs);
}

/** Whether the key of argument i is there; counts as an access for writing. */
function exists(c: Context, a: Args, i: number): boolean {
  const entry = c.db.lookup(a.buf, a.off[i]!, a.len[i]!);
  if (entry !== 0) c.keyspace.touch(entry);
  return entry !== 0;
}

// --- one key ---------------------------------------------------------------------------------------------------------

export function get(c: Context, a: Args): void {
  const entry = c.readType(a, 1, ItemType.STRING);
  if (entry === 0) c.out.nil();
  else replyString(c, entry);
}

const NX = 1;
const XX = 2;
const GET = 4;
const KEEPTTL = 8;
const PERSIST = 16;
const EX = 32;
const PX = 64;
const EXAT = 128;
const PXAT = 256;
const TIMED = EX | PX | EXAT | PXAT;

/** Index of the time argument that the last `parseOptions` met. */
let timeArg = 0;

/** The options of SET and GETEX from argument `i` on, as flags; those that exclude each other are a syntax error. */
function parseOptions(a: Args, i: number, forGetex: boolean): number {
  let flags = 0;
  for (; i < a.count; i++) {
    const next = i + 1 < a.count;
    if (!forGetex && a.is(i, 'NX') && (flags & XX) === 0) flags |= NX;
    else if (!forGetex && a.is(i, 'XX') && (flags & NX) === 0) flags |= XX;
    else if (!forGetex && a.is(i, 'GET')) flags |= GET;
    else if (!forGetex && a.is(i, 'KEEPTTL') && (flags & TIMED) === 0) flags |= KEEPTTL;
    else if (forGetex && a.is(i, 'PERSIST') && (flags & TIMED) === 0) flags |= PERSIST;
    else {
      const unit = next ? timeUnit(a, i) : 0;
      if (unit === 0 || (flags & (KEEPTTL | PERSIST | (TIMED & ~unit))) !== 0) throw SYNTAX;
      flags |= unit;
      timeArg = ++i;
    }
  }
  return flags;
}

function timeUnit(a: Args, i: number): number {
  if (a.is(i, 'EX')) return EX;
  if (a.is(i, 'PX')) return PX;
  if (a.is(i, 'EXAT')) return EXAT;
  return a.is(i, 'PXAT') ? PXAT : 0;
}

function parseTime(c: Context, a: Args, flags: number, command: string): number {
  return positiveExpireTime(a, timeArg, (flags & (EX | EXAT)) !== 0, (flags & (EX | PX)) !== 0 ? c.now : 0, command);
}

export function set(c: Context, a: Args): void {
  if (a.count > 3) return setWithOptions(c, a);
  storeArg(c, a, 1, 2, NEVER);
  c.changed(a, 1, '$', 'set');
  c.out.ok();
}

function setWithOptions(c: Context, a: Args): void {
  const flags = parseOptions(a, 3, false);
  const timed = (flags & TIMED) !== 0;
  let atMs = timed ? parseTime(c, a, flags, 'set') : NEVER;
  if ((flags & GET) !== 0) get(c, a);
  if ((flags & (NX | XX | KEEPTTL)) !== 0) {
    const found = exists(c, a, 1);
    if (found ? (flags & NX) !== 0 : (flags & XX) !== 0) {
      if ((flags & GET) === 0) c.out.nil();
      return;
    }
    if (found && (flags & KEEPTTL) !== 0) atMs = c.db.expireAt(c.db.find(a.buf, a.off[1]!, a.len[1]!));
  }
  storeArg(c, a, 1, 2, atMs);
  c.changed(a, 1, '$', 'set');
  if (timed) {
    c.changed(a, 1, 'g', 'expire', 0);
    if (flags !== PXAT) c.rewrite('SET', a.bytes(1), a.bytes(2), 'PXAT', expireText(atMs));
  } else if ((flags & GET) !== 0) {
    c.rewrite(...withoutGet(a));
  }
  if ((flags & GET) === 0) c.out.ok();
}

/** The command as it came without GET, which is nothing to repeat. */
function withoutGet(a: Args): Uint8Array[] {
  const argv: Uint8Array[] = [];
  for (let i = 0; i < a.count; i++) if (i < 3 || !a.is(i, 'GET')) argv.push(a.bytes(i));
  return argv;
}

export function setnx(c: Context, a: Args): void {
  if (exists(c, a, 1)) return c.out.int(0);
  storeArg(c, a, 1, 2, NEVER);
  c.changed(a, 1, '$', 'set');
  c.out.int(1);
}

export function setex(c: Context, a: Args): void {
  setWithTime(c, a, positiveExpireTime(a, 2, true, c.now, 'setex'));
}
export function psetex(c: Context, a: Args): void {
  setWithTime(c, a, positiveExpireTime(a, 2, false, c.now, 'psetex'));
}

function setWithTime(c: Context, a: Args, atMs: number): void {
  storeArg(c, a, 1, 3, atMs);
  c.changed(a, 1, '$', 'set');
  c.changed(a, 1, 'g', 'expire', 0);
  c.rewrite('SET', a.bytes(1), a.bytes(3), 'PXAT', expireText(atMs));
  c.out.ok();
}

export function getset(c: Context, a: Args): void {
  get(c, a);
  storeArg(c, a, 1, 2, NEVER);
  c.changed(a, 1, '$', 'set');
  c.rewrite('SET', a.bytes(1), a.bytes(2));
}

export function getdel(c: Context, a: Args): void {
  const entry = c.readType(a, 1, ItemType.STRING);
  if (entry === 0) return c.out.nil();
  replyString(c, entry);
  c.db.deleteEntry(entry);
  c.changed(a, 1, 'g', 'del');
  c.rewrite('DEL', a.bytes(1));
}

export function getex(c: Context, a: Args): void {
  const flags = parseOptions(a, 2, true);
  const entry = c.readType(a, 1, ItemType.STRING);
  if (entry === 0) return c.out.nil();
  const atMs = (flags & TIMED) !== 0 ? parseTime(c, a, flags, 'getex') : NEVER;
  replyString(c, entry);
  if ((flags & (EXAT | PXAT)) !== 0 && isPast(c, atMs)) {
    c.db.deleteEntry(entry);
    c.changed(a, 1, 'g', 'del');
    c.rewrite(c.keyspace.lazyfree.expire ? 'UNLINK' : 'DEL', a.bytes(1));
  } else if ((flags & TIMED) !== 0) {
    c.db.setExpire(entry, atMs);
    c.changed(a, 1, 'g', 'expire');
    c.rewrite('PEXPIREAT', a.bytes(1), expireText(atMs));
  } else if ((flags & PERSIST) !== 0 && !Number.isNaN(c.db.expireAt(entry))) {
    c.db.setExpire(entry, NEVER);
    c.changed(a, 1, 'g', 'persist');
    c.rewrite('PERSIST', a.bytes(1));
  }
}

// --- many keys ---------------------------------------------------------------------------------------------------------

export function mget(c: Context, a: Args): void {
  const { out } = c;
  const { arena } = c.keyspace;
  out.array(a.count - 1);
  for (let i = 1; i < a.count; i++) {
    const entry = c.read(a, i);
    if (entry === 0 || itemType(arena, entry) !== ItemType.STRING) out.nil();
    else replyString(c, entry);
  }
}

export function mset(c: Context, a: Args): void {
  if (a.count % 2 === 0) throw wrongArity('mset');
  storeAll(c, a);
  c.out.ok();
}

export function msetnx(c: Context, a: Args): void {
  if (a.count % 2 === 0) throw wrongArity('msetnx');
  for (let i = 1; i < a.count; i += 2) if (exists(c, a, i)) return c.out.int(0);
  storeAll(c, a);
  c.out.int(1);
}

function storeAll(c: Context, a: Args): void {
  for (let i = 1; i < a.count; i += 2) {
    storeArg(c, a, i, i + 1, NEVER);
    c.changed(a, i, '$', 'set');
  }
}
