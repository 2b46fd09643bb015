/** Lists at their ends: LPUSH, RPUSH, LPOP, RPOP and their relatives, LMPOP, and moves from list to list. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { List } from '../values/list.js';
import type { Context } from './context.js';
import { MUST_BE_POSITIVE, SYNTAX, wrongArity } from './errors.js';
import { longFrom } from './long-args.js';

const NO_KEYS = new CommandError('ERR numkeys should be greater than 0');
const NO_COUNT = new CommandError('ERR count should be greater than 0');
const LPOP_ARITY = wrongArity('lpop');
const RPOP_ARITY = wrongArity('rpop');

export function lpush(c: Context, a: Args): void {
  push(c, a, true, true);
}
export function rpush(c: Context, a: Args): void {
  push(c, a, false, true);
}
export function lpushx(c: Context, a: Args): void {
  push(c, a, true, false);
}
export function rpushx(c: Context, a: Args): void {
  push(c, a, false, false);
}

/** Hot. */
function push(c: Context, a: Args, head: boolean, create: boolean): void {
  const list = c.listToWrite(a, 1, create);
  if (list === null) return c.out.int(0);
  const { buf, off, len, count } = a;
  let bytes = 0;
  for (let i = 2; i < count; i++) bytes += len[i]!;
  list.expect(bytes, count - 2);
  if (list.entry === 0) list.reserveEnd(head, buf, off, len, 2, count);
  for (let i = 2; i < count; i++) list.push(head, buf, off[i]!, len[i]!);
  c.out.int(list.length);
  c.commit(a, 1, list);
  c.changed(a, 1, 'l', head ? 'lpush' : 'rpush', count - 2);
}

export function lpop(c: Context, a: Args): void {
  if (a.count > 3) throw LPOP_ARITY;
  if (a.count === 3) popSome(c, a, true);
  else popOne(c, a, true);
}
export function rpop(c: Context, a: Args): void {
  if (a.count > 3) throw RPOP_ARITY;
  if (a.count === 3) popSome(c, a, false);
  else popOne(c, a, false);
}

/** Hot. */
function popOne(c: Context, a: Args, head: boolean): void {
  const list = c.listToWrite(a, 1, false);
  if (list === null || !list.peek(head, c.s1)) return c.out.nil();
  c.out.bulkSlice(c.s1);
  list.dropEnd(head);
  c.changed(a, 1, 'l', head ? 'lpop' : 'rpop');
  c.commit(a, 1, list);
}

function popSome(c: Context, a: Args, head: boolean): void {
  const count = longFrom(a, 2, 0, MUST_BE_POSITIVE);
  const list = c.listToWrite(a, 1, false);
  if (list === null) return c.out.nilArray();
  if (count === 0) return c.out.array(0);
  popRange(c, a, 1, list, head, count);
}

/** Pops up to `count` elements, replies with their array, and commits; returns how many. */
function popRange(c: Context, a: Args, key: number, list: List, head: boolean, count: number): number {
  const { length } = list;
  const n = Math.min(count, length);
  c.out.array(n);
  list.start(head ? 0 : length - 1, head);
  for (let i = 0; i < n; i++) {
    list.next(c.s1);
    c.out.bulkSlice(c.s1);
  }
  if (n < length) list.removeRange(head ? 0 : length - n, n);
  c.changed(a, key, 'l', head ? 'lpop' : 'rpop', n);
  if (n < length) c.commit(a, key, list);
  else c.commitEmpty(a, key, list);
  return n;
}

/** LEFT (true) or RIGHT in argument i. */
export function isHead(a: Args, i: number): boolean {
  if (a.is(i, 'LEFT')) return true;
  if (a.is(i, 'RIGHT')) return false;
  throw SYNTAX;
}

/** What LMPOP and BLMPOP take, from the number of keys on. */
export interface ListMultiPop {
  firstKey: number;
  keys: number;
  head: boolean;
  count: number;
}

/** @param i argument of the number of keys */
export function parseListMultiPop(a: Args, i: number): ListMultiPop {
  const keys = longFrom(a, i, 1, NO_KEYS);
  const where = i + keys + 1;
  if (where >= a.count) throw SYNTAX;
  const head = isHead(a, where);
  let count = 0;
  for (let k = where + 1; k < a.count; k += 2) {
    if (count !== 0 || k + 1 >= a.count || !a.is(k, 'COUNT')) throw SYNTAX;
    count = longFrom(a, k + 1, 1, NO_COUNT);
  }
  return { firstKey: i + 1, keys, head, count: Math.max(count, 1) };
}

/**
 * Pops from the first list that has elements, replies with its key and them, and returns whether there is such a list.
 * Propagated as LPOP or RPOP of that list, with the count that was popped.
 */
export function popFirstList(c: Context, a: Args, { firstKey, keys, head, count }: ListMultiPop): boolean {
  for (let key = firstKey; key < firstKey + keys; key++) {
    const list = c.listToWrite(a, key, false);
    if (list === null || list.length === 0) continue;
    c.out.array(2);
    c.out.bulk(a.buf, a.off[key]!, a.len[key]!);
    const n = popRange(c, a, key, list, head, count);
    c.rewrite(head ? 'LPOP' : 'RPOP', a.bytes(key), String(n));
    return true;
  }
  return false;
}

export function lmpop(c: Context, a: Args): void {
  if (!popFirstList(c, a, parseListMultiPop(a, 1))) c.out.nilArray();
}

export function lmove(c: Context, a: Args): void {
  const fromHead = isHead(a, 3);
  if (!moveElement(c, a, fromHead, isHead(a, 4))) c.out.nil();
}
export function rpoplpush(c: Context, a: Args): void {
  if (!moveElement(c, a, false, true)) c.out.nil();
}

/** Moves an element from the list of argument 1 to that of argument 2 and replies with it; false when there is none. */
export function moveElement(c: Context, a: Args, fromHead: boolean, toHead: boolean): boolean {
  const source = c.listToWrite(a, 1, false);
  if (source === null || !source.peek(fromHead, c.s1)) return false;
  const element = c.s1.copy();
  c.writeType(a, 2, ItemType.LIST);
  if (sameArgument(a, 1, 2)) {
    const list = c.listToWrite(a, 1, false)!;
    list.dropEnd(fromHead, false);
    list.push(toHead, element, 0, element.length);
    list.settle();
    c.changed(a, 2, 'l', toHead ? 'lpush' : 'rpush', 0);
    c.changed(a, 1, 'l', fromHead ? 'lpop' : 'rpop');
    c.commit(a, 1, list);
  } else {
    const destination = c.listToWrite(a, 2, true)!;
    destination.push(toHead, element, 0, element.length);
    c.commit(a, 2, destination);
    c.changed(a, 2, 'l', toHead ? 'lpush' : 'rpush', 0);
    // The handle is shared: the source is opened again.
    const list = c.listToWrite(a, 1, false)!;
    list.dropEnd(fromHead);
    c.changed(a, 1, 'l', fromHead ? 'lpop' : 'rpop');
    c.commit(a, 1, list);
  }
  c.out.bulk(element);
  return true;
}

function sameArgument(a: Args, i: number, k: number): boolean {
  return a.len[i] === a.len[k] && Buffer.compare(a.bytes(i), a.bytes(k)) === 0;
}
