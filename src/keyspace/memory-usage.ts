/**
 * What a key takes in the arena, for MEMORY USAGE: the blocks of its entry and of its value, by their capacities. The
 * slot in the database's dict (about 12 bytes) is not part of it.
 */
import { Dict } from '../memory/dict.js';
import { Encoding, hasRoot, ItemType, itemEncoding, itemMeta, itemRoot, itemType } from '../memory/item.js';
import { Tree } from '../memory/tree.js';
import type { Stream } from '../values/stream.js';
import { ScoreOrder } from '../values/zset-order.js';
import type { Table } from './database.js';
import type { Keyspace } from './keyspace.js';

/** What an entry takes besides its key, its value and its place in the table; and more when it expires. */
export const ENTRY_OVERHEAD = 8;
export const EXPIRY_BYTES = 8;

/** Up to so many elements are all looked at. */
const ELEMENTS_WHOLE = 1000;

/**
 * Bytes of the blocks that the entry and its value take. Opens the shared handle of a collection's type.
 * @param samples how many elements of a big set, hash or sorted set are looked at, whose mean then stands for all;
 *                0 = every one
 */
export function entryBytes(keyspace: Keyspace, entry: number, samples: number): number {
  const { arena } = keyspace;
  let bytes = arena.capacity(entry);
  if (!hasRoot(itemMeta(arena, entry))) return bytes;
  const root = itemRoot(arena, entry);
  const encoding = itemEncoding(arena, entry);
  if (encoding !== Encoding.DICT && encoding !== Encoding.TREE) return bytes + arena.capacity(root);
  const value = keyspace.open(entry);
  const type = itemType(arena, entry);
  const add = (address: number): void => {
    bytes += arena.capacity(address);
  };
  if (type === ItemType.STREAM) return bytes + (value as Stream).bytes(samples);
  // A list's elements share blocks, so there are few enough of them.
  if (samples === 0 || type === ItemType.LIST || value.length <= ELEMENTS_WHOLE) {
    value.blocks(add);
    return bytes;
  }
  if (type !== ItemType.SET) add(root);
  const dict = new Dict(arena, type === ItemType.SET ? root : arena.getWord(root, 0));
  dict.blocks(add);
  if (type === ItemType.ZSET) new Tree(arena, new ScoreOrder(), false).open(arena.getWord(root, 1)).blocks(add);
  return bytes + Math.round(meanItemBytes(dict, samples) * dict.count);
}

/** Entries of a table that stand for all of them. */
const TABLE_SAMPLES = 64;

/**
 * About how many bytes a table takes that its database has just lost, with all that its entries hold: its share of what the
 * arena holds, by a look at some entries of every table. So the shares of all tables are all the memory there is.
 */
export function lostBytes(keyspace: Keyspace, table: Table): number {
  const { arena, discarded } = keyspace;
  const lost = weight(keyspace, table);
  let all = lost;
  for (const db of keyspace.databases) all += weight(keyspace, db.table);
  return ((arena.bytesUsed - arena.bytesDeferred - discarded.bytesWaiting) * lost) / all;
}

function weight(keyspace: Keyspace, table: Table): number {
  const found = new Uint32Array(TABLE_SAMPLES * 2);
  const count = table.sampleEntries(TABLE_SAMPLES, Math.random, found);
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += entryBytes(keyspace, found[i * 2 + 1]!, 5);
  return table.tableBytes + (count === 0 ? 0 : (bytes / count) * table.count);
}

/** Mean capacity of the first `samples` items in hash order, which is as good as chance. */
function meanItemBytes(dict: Dict, samples: number): number {
  let bytes = 0;
  let count = 0;
  for (let item = dict.first(); item !== 0 && count < samples; item = dict.next()) {
    bytes += dict.arena.capacity(item);
    count++;
  }
  return bytes / count;
}
