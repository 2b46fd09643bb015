import { describe, expect, it } from 'vitest';
import { Random } from '../../test/support/random.js';
import { same } from '../../test/support/same.js';
import { Arena } from './arena.js';
import { Dict, type DueSegment } from './dict.js';
import { BATCH_MAX, DictBatch, DictFiller } from './dict-filler.js';
import { DUE_NEVER } from './dict-segment.js';
import { hashBytes } from './hash-function.js';
import { itemAlloc } from './item.js';

interface Entry {
  key: string;
  item: number;
  hash: number;
  due: number;
}

function entryOf(arena: Arena, key: string, due = DUE_NEVER): Entry {
  const bytes = Buffer.from(key);
  const item = itemAlloc(arena, 0, Number.NaN, bytes, 0, bytes.length, 0);
  return { key, item, hash: hashBytes(bytes, 0, bytes.length), due };
}

function batchOf(dict: Dict, entries: readonly Entry[]): DictBatch {
  const batch = new DictBatch();
  batch.root = dict.root;
  batch.count = entries.length;
  for (const [i, { item, hash, due }] of entries.entries()) {
    batch.items[i] = item;
    batch.hashes[i] = hash;
    batch.dues[i] = due;
  }
  return batch;
}

/** Whether the hint of the item's segment lets it be found when it is due. */
function isFoundWhenDue(dict: Dict, { item, due }: Entry): boolean {
  const answer: DueSegment = { segment: 0, begin: 0, later: 0, position: 0 };
  same(dict.findItem(item), true);
  dict.nextDue(dict.foundPosition, due, 1, answer);
  return answer.segment !== 0;
}

describe('a dict that is filled by the batch', () => {
  for (const [laidOut, seed] of [
    [0, 1],
    [300, 2],
    [20_000, 3],
    [40_000, 4],
    [200_000, 5],
  ] as const) {
    it(`holds each key once; what is left of a batch finds no room or has a hash of its own no more (laid out for ${laidOut}, seed ${seed})`, () => {
      const random = new Random(seed);
      const arena = new Arena();
      const dict = new Dict(arena, 0, false).create();
      dict.reserve(laidOut);
      const filler = new DictFiller();
      const model = new Map<string, Entry>();
      let leftWithRoom = 0;
      for (let round = 0; round < 6; round++) {
        const entries = Array.from({ length: random.below(6000) }, () =>
          entryOf(arena, `key:${random.below(60_000)}`, random.below(3) === 0 ? random.below(1000) : DUE_NEVER),
        );
        const before = dict.count;
        const batch = batchOf(dict, entries);
        filler.fill(arena, batch);
        same(dict.count, before + entries.length - batch.leftCount);
        const left = new Set(batch.left.subarray(0, batch.leftCount));
        same(left.size, batch.leftCount);
        for (const [i, entry] of entries.entries()) {
          if (left.has(i)) continue;
          same(model.has(entry.key), false);
          model.set(entry.key, entry);
        }
        // What the owner does with the rest.
        for (const i of left) {
          const entry = entries[i]!;
          const there = dict.findEqual(entry.hash, entry.item);
          same(there !== 0, model.has(entry.key));
          if (there !== 0) arena.free(entry.item);
          else {
            leftWithRoom++;
            dict.insert(entry.item);
            dict.noteDue(entry.due);
            model.set(entry.key, entry);
          }
        }
        dict.check();
        same(dict.count, model.size);
      }
      for (const entry of model.values()) {
        same(dict.findItem(entry.item), true);
        if (entry.due !== DUE_NEVER) same(isFoundWhenDue(dict, entry), true);
      }
      // Where there is room for all, others are left only where two keys have one hash.
      if (laidOut >= 200_000) expect(leftWithRoom).toBeLessThan(6);
      for (const { item } of model.values()) arena.free(item);
      dict.release();
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it('takes the first of the items with one hash and leaves the others, in their order', () => {
    const arena = new Arena();
    const dict = new Dict(arena, 0, false).create();
    dict.reserve(1000);
    const entries = Array.from({ length: 500 }, (_, i) => ({ ...entryOf(arena, `${i}`), hash: (i % 5) * 0x1357_9bdf }));
    const batch = batchOf(dict, entries);
    new DictFiller().fill(arena, batch);
    const left = [...batch.left.subarray(0, batch.leftCount)];
    expect(left.length).toBe(495);
    expect(left.filter((i) => i < 5)).toEqual([]);
    for (let hash = 0; hash < 5; hash++) {
      expect(left.filter((i) => i % 5 === hash)).toEqual(Array.from({ length: 99 }, (_, i) => i * 5 + 5 + hash));
    }
  });

  it('is the same whether this thread fills it or another one, through the same memory', () => {
    const arena = new Arena();
    const dict = new Dict(arena, 0, false).create();
    dict.reserve(BATCH_MAX);
    const entries = Array.from({ length: BATCH_MAX }, (_, i) => entryOf(arena, `key:${i}`));
    const batch = batchOf(dict, entries);
    // As in a thread that has been sent the buffers.
    new DictFiller().fill(Arena.attach(arena.buffers()), new DictBatch(batch.memory));
    expect(batch.leftCount).toBeLessThan(BATCH_MAX / 20);
    expect(dict.count).toBe(BATCH_MAX - batch.leftCount);
    dict.check();
  });
});
