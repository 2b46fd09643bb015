/**
 * Lists: the forms that wait for elements: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH. What they take is propagated as their
 * sisters' that do not wait.
 */
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { Context } from './context.js';
import { isHead, moveElement, parseListMultiPop, popFirstList } from './list-ends.js';
import { mayWait, timeoutOfSeconds, waitForKeys } from './waiting.js';

export function blpop(c: Context, a: Args): void {
  popOrWait(c, a, true);
}
export function brpop(c: Context, a: Args): void {
  popOrWait(c, a, false);
}

function popOrWait(c: Context, a: Args, head: boolean): void {
  const last = a.count - 1;
  const timeoutMs = timeoutOfSeconds(c, a, last);
  for (let key = 1; key < last; key++) {
    const list = c.listToWrite(a, key, false);
    if (list === null || !list.peek(head, c.s1)) continue;
    c.out.array(2);
    c.out.bulk(a.buf, a.off[key]!, a.len[key]!);
    c.out.bulkSlice(c.s1);
    list.dropEnd(head);
    c.changed(a, key, 'l', head ? 'lpop' : 'rpop');
    c.commit(a, key, list);
    if (c.listens) c.rewrite(head ? 'LPOP' : 'RPOP', a.bytes(key));
    return;
  }
  waitForKeys(c, a, ItemType.LIST, 1, last - 1, timeoutMs);
}

export function blmpop(c: Context, a: Args): void {
  const pop = parseListMultiPop(a, 2);
  const timeoutMs = timeoutOfSeconds(c, a, 1);
  if (!popFirstList(c, a, pop)) waitForKeys(c, a, ItemType.LIST, pop.firstKey, pop.keys, timeoutMs);
}

export function blmove(c: Context, a: Args): void {
  const fromHead = isHead(a, 3);
  const toHead = isHead(a, 4);
  if (moveOrWait(c, a, fromHead, toHead, 5) && c.listens)
    c.rewrite('LMOVE', a.bytes(1), a.bytes(2), a.bytes(3), a.bytes(4));
}
export function brpoplpush(c: Context, a: Args): void {
  if (moveOrWait(c, a, false, true, 3) && c.listens) c.rewrite('RPOPLPUSH', a.bytes(1), a.bytes(2));
}

/** Whether an element was moved. */
function moveOrWait(c: Context, a: Args, fromHead: boolean, toHead: boolean, timeoutAt: number): boolean {
  const timeoutMs = timeoutOfSeconds(c, a, timeoutAt);
  if (moveElement(c, a, fromHead, toHead)) return true;
  if (mayWait(c)) waitForKeys(c, a, ItemType.LIST, 1, 1, timeoutMs);
  else c.out.nil();
  return false;
}
