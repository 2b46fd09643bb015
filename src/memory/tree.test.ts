import { describe, expect, it } from 'vitest';
import { Arena } from './arena.js';
import { Tree, type TreeOrder } from './tree.js';

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return (((s >>> 8) ^ (Math.imul(s, 2654435761) >>> 9)) % 0x800000) / 0x800000;
  };
}

/** As expect(a).toBe(b), but cheap enough for every step of a long run. */
function same(a: unknown, b: unknown): void {
  if (a !== b) expect(a).toBe(b);
}

/** Items are blocks of [key double, tie word]; sorted by both. */
class PairOrder implements TreeOrder {
  probeKey = 0;
  probeTie = 0;
  keyOf(arena: Arena, item: number): number {
    return arena.getDouble(item, 0);
  }
  compareTie(arena: Arena, item: number): number {
    return this.probeTie - arena.getWord(item, 2);
  }
}

function newPair(arena: Arena, key: number, tie: number): number {
  const item = arena.alloc(16);
  arena.setDouble(item, 0, key);
  arena.setWord(item, 2, tie);
  return item;
}

/** The model: the same pairs in a sorted array. */
interface Pair {
  key: number;
  tie: number;
  item: number;
}
function lowerBound(model: Pair[], key: number, tie: number): number {
  let low = 0;
  let high = model.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const pair = model[middle]!;
    if (pair.key < key || (pair.key === key && pair.tie < tie)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function allItems(tree: Tree): number[] {
  const out: number[] = [];
  for (let item = tree.seekFirst(); item !== 0; item = tree.next()) out.push(item);
  return out;
}

/** Every allocated block is one of the tree's or one of its items. */
function expectNoLeak(arena: Arena, tree: Tree, items: number[]): void {
  const known: number[] = [...items];
  tree.blocks((address) => known.push(address));
  expect(known.sort((a, b) => a - b)).toEqual(arena.allocated());
}

describe('an ordered tree', () => {
  for (const seed of [11, 12, 13]) {
    it(`equals a sorted array through splits and merges (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const order = new PairOrder();
      const tree = new Tree(arena, order, false);
      const model: Pair[] = [];
      const keys = seed === 11 ? 5 : seed === 12 ? 100_000 : 300;
      for (let step = 0; step < 40_000; step++) {
        const growing = step % 20_000 < 11_000;
        const key = Math.floor(random() * keys);
        const tie = Math.floor(random() * 60_000);
        const index = lowerBound(model, key, tie);
        order.probeKey = key;
        order.probeTie = tie;
        const found = tree.seek();
        const there = model[index];
        same(found, there !== undefined && there.key === key && there.tie === tie);
        if (random() < (growing ? 0.75 : 0.25)) {
          if (!found) {
            const item = newPair(arena, key, tie);
            tree.insert(item);
            same(tree.item(), item);
            model.splice(index, 0, { key, tie, item });
          }
        } else if (there !== undefined) {
          same(tree.item(), there.item);
          if (random() < 0.2) {
            const moved = newPair(arena, there.key, there.tie);
            tree.replace(moved);
            arena.free(there.item);
            there.item = moved;
          } else {
            tree.remove();
            arena.free(there.item);
            model.splice(index, 1);
            same(tree.item(), model[index]?.item ?? 0);
          }
        }
        if (step % 7 === 0) same(tree.offset(), index);
        if (step % 11 === 0) {
          const rank = Math.floor(random() * (model.length + 1));
          same(tree.seekOffset(rank), model[rank]?.item ?? 0);
          same(tree.offset(), rank);
          same(tree.prev(), model[rank - 1]?.item ?? 0);
          if (rank > 0) same(tree.next(), model[rank]?.item ?? 0);
        }
        if (step % 4000 === 0) {
          tree.check();
          same(tree.weight, model.length);
          expect(allItems(tree)).toEqual(model.map((pair) => pair.item));
        }
      }
      tree.check();
      expectNoLeak(arena, tree, allItems(tree));
      tree.release((item) => arena.free(item));
      expect(arena.allocated()).toEqual([]);
    });
  }

  it('comes out full when filled in order, upwards and downwards', () => {
    for (const down of [false, true]) {
      const arena = new Arena();
      const order = new PairOrder();
      const tree = new Tree(arena, order, false);
      const n = 100_000;
      for (let i = 0; i < n; i++) {
        order.probeKey = down ? -i : i;
        order.probeTie = 0;
        tree.seek();
        tree.insert(newPair(arena, order.probeKey, 0));
      }
      tree.check();
      let bytes = 0;
      tree.blocks((address) => {
        bytes += arena.capacity(address);
      });
      expect(bytes / n).toBeLessThan(4.6);
    }
  });

  it('removes a range by leaving the cursor at what followed', () => {
    const arena = new Arena();
    const order = new PairOrder();
    const tree = new Tree(arena, order, false);
    const items: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      const item = newPair(arena, i, 0);
      items.push(item);
      tree.append(item);
    }
    const random = rng(5);
    while (items.length > 0) {
      const start = Math.floor(random() * items.length);
      const count = Math.min(items.length - start, 1 + Math.floor(random() * 3000));
      tree.seekOffset(start);
      for (let i = 0; i < count; i++) {
        same(tree.item(), items[start + i]);
        tree.remove();
      }
      items.splice(start, count);
      same(tree.item(), items[start] ?? 0);
      tree.check();
      expect(allItems(tree)).toEqual(items);
    }
    same(tree.root, 0);
  });
});

describe('a tree ordered by position', () => {
  for (const seed of [21, 22]) {
    it(`finds offsets by weight as an array does (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const tree = new Tree(arena, null, true);
      let model: { item: number; weight: number }[] = [];
      let next = 1;
      for (let step = 0; step < 12_000; step++) {
        const total = model.reduce((sum, { weight }) => sum + weight, 0);
        same(tree.weight, total);
        const growing = step % 6000 < 3500;
        const offset = Math.floor(random() * (total + 1));
        let index = 0;
        let rest = offset;
        while (index < model.length && rest >= model[index]!.weight) rest -= model[index++]!.weight;
        same(tree.seekOffset(offset), model[index]?.item ?? 0);
        if (index < model.length) {
          same(tree.offsetInItem, rest);
          same(tree.itemWeight(), model[index]!.weight);
        }
        const action = random();
        if (action < (growing ? 0.8 : 0.2) || model.length === 0) {
          const item = next++;
          const weight = 1 + Math.floor(random() * 128);
          const where = random();
          if (where < 0.2) {
            tree.append(item, weight);
            model.push({ item, weight });
          } else if (where < 0.4) {
            tree.seekFirst();
            tree.insert(item, weight);
            model.unshift({ item, weight });
          } else {
            tree.insert(item, weight);
            model.splice(index, 0, { item, weight });
          }
          same(tree.item(), item);
        } else if (index < model.length) {
          if (action < 0.9) {
            tree.remove();
            model.splice(index, 1);
            same(tree.item(), model[index]?.item ?? 0);
          } else {
            const weight = 1 + Math.floor(random() * 128);
            tree.setWeight(weight);
            model[index]!.weight = weight;
          }
        }
        if (step % 1000 === 0) {
          tree.check();
          expect(allItems(tree)).toEqual(model.map(({ item }) => item));
        }
      }
      tree.check();
      tree.release();
      model = [];
      expect(arena.allocated()).toEqual([]);
    });
  }
});

describe('a captured tree', () => {
  for (const seed of [31, 32]) {
    it(`stays as it was for a reader of the same buffers, and leaks no block (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const order = new PairOrder();
      const tree = new Tree(arena, order, false);
      let live = 0;
      const change = (): void => {
        order.probeKey = Math.floor(random() * 500);
        order.probeTie = Math.floor(random() * 100);
        const found = tree.seek();
        const grow = random() < (live < 3000 ? 0.7 : 0.3);
        if (found && !grow) {
          const item = tree.item();
          tree.remove();
          arena.free(item);
          live--;
        } else if (!found && grow) {
          tree.insert(newPair(arena, order.probeKey, order.probeTie));
          live++;
        }
      };
      for (let i = 0; i < 8000; i++) change();
      for (let round = 0; round < 4; round++) {
        let acked = 0;
        arena.beginCapture({ handed: () => 1, acked: () => acked });
        const before = allItems(tree).map((item) => [arena.getDouble(item, 0), arena.getWord(item, 2)]);
        const reader = Arena.attach(arena.buffers());
        const captured = new Tree(reader, new PairOrder(), false).open(tree.root);
        for (let i = 0; i < 3000; i++) change();
        if (round === 2) {
          tree.release((item) => arena.free(item));
          live = 0;
        }
        captured.check();
        expect(allItems(captured).map((item) => [reader.getDouble(item, 0), reader.getWord(item, 2)])).toEqual(before);
        acked = 1;
        arena.reclaim();
        arena.endCapture();
        tree.check();
        expectNoLeak(arena, tree, allItems(tree));
        for (let i = 0; i < 2000; i++) change();
      }
    });
  }
});
