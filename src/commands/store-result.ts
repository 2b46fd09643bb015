/** What the ...STORE commands of sets and sorted sets do with their result. */
import type { Args } from '../formats/resp/args.js';
import { type ItemType, itemMeta, setItemLru } from '../memory/item.js';
import type { Value } from '../values/value.js';
import type { Context, NotifyClass } from './context.js';

/**
 * Puts a result that no key holds yet in place of whatever key argument i held, without expiry; an empty result deletes the
 * key. Replies with the number of elements. The handle is done with afterwards.
 */
export function storeResult(
  c: Context,
  a: Args,
  i: number,
  type: ItemType,
  value: Value,
  cls: NotifyClass,
  event: string,
): void {
  const { db, keyspace } = c;
  const { arena } = keyspace;
  const off = a.off[i]!;
  const len = a.len[i]!;
  const old = db.lookup(a.buf, off, len);
  const meta = old === 0 ? 0 : itemMeta(arena, old);
  if (old !== 0) db.deleteEntry(old);
  const { length } = value;
  if (length === 0) {
    value.release();
    if (old !== 0) c.changed(a, i, 'g', 'del');
  } else {
    value.entry = db.addValue(a.buf, off, len, type, value.encoding, value.root, Number.NaN);
    if (old === 0) c.changed(a, i, 'n', 'new', 0);
    else setItemLru(arena, value.entry, keyspace.replacedLru(meta) >>> 8);
    c.changed(a, i, cls, event);
  }
  c.out.int(length);
}
