import { describe, expect, it } from 'vitest';
import { same } from '../../test/support/same.js';
import { Slice } from '../base/slice.js';
import { Arena } from '../memory/arena.js';
import { lpValidate } from '../memory/listpack.js';
import { List } from './list.js';
import { DEFAULT_LIMITS } from './value.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const out = new Slice();

function newList(listMaxListpackSize = -2): List {
  return new List(new Arena(), { ...DEFAULT_LIMITS, listMaxListpackSize }).create();
}
function push(list: List, head: boolean, ...texts: string[]): void {
  for (const text of texts) list.push(head, latin1(`.${text}`), 1, text.length);
}
function content(list: List): string[] {
  const texts: string[] = [];
  list.start(0, true);
  while (list.next(out)) texts.push(out.toString());
  return texts;
}
function audit(list: List): void {
  const blocks: number[] = [];
  list.blocks((address) => blocks.push(address));
  expect(blocks.sort((a, b) => a - b)).toEqual(list.arena.allocated());
}
function matching(model: string[], text: string, count: number): string[] {
  const gone = new Set<number>();
  const wanted = count === 0 ? model.length : Math.abs(count);
  for (let k = 0; k < model.length && gone.size < wanted; k++) {
    const i = count < 0 ? model.length - 1 - k : k;
    if (model[i] === text) gone.add(i);
  }
  return model.filter((_, i) => !gone.has(i));
}

describe('random changes leave what an array holds', () => {
  for (const [seed, fill] of [
    [1, 4],
    [2, 16],
    [3, -1],
    [4, 1],
    [5, 0],
    [6, 100],
  ] as const) {
    it(`through conversions, splits, merges and captures (seed ${seed}, list-max-listpack-size ${fill})`, () => {
      const random = rng(seed);
      const below = (n: number) => Math.floor(random() * n);
      const list = newList(fill);
      const { arena } = list;
      let model: string[] = [];
      const text = () => {
        const r = random();
        if (r < 0.5) return String(below(20));
        return 'abc'.repeat(below(r < 0.52 ? 3000 : 30)) + below(10);
      };
      for (let step = 0; step < 2500; step++) {
        if (random() < 0.01) {
          if (arena.capturing) arena.endCapture();
          else arena.beginCapture({ handed: () => 1, acked: () => 0 });
        }
        const t = text();
        const size = model.length;
        const r = random();
        const head = random() < 0.5;
        if (size === 0 || r < (Math.sin(step / 500) > 0 ? 0.5 : 0.2)) {
          const count = 1 + below(3);
          if (random() < 0.3) list.expect(t.length * count, count);
          for (let i = 0; i < count; i++) {
            push(list, head, t);
            if (head) model.unshift(t);
            else model.push(t);
          }
        } else if (r < 0.6) {
          same(list.peek(head, out), true);
          same(out.toString(), head ? model[0] : model.at(-1));
          list.dropEnd(head);
          if (head) model.shift();
          else model.pop();
        } else if (r < 0.75) {
          const index = below(size);
          list.insertBeside(index, head, latin1(t), 0, t.length);
          model.splice(head ? index + 1 : index, 0, t);
        } else if (r < 0.85) {
          const index = below(size);
          same(list.set(index, latin1(t), 0, t.length), true);
          model[index] = t;
        } else if (r < 0.9) {
          const start = below(size);
          const count = below(random() < 0.1 ? size : 6);
          same(list.removeRange(start, count), Math.min(count, size - start));
          model.splice(start, count);
        } else if (r < 0.98) {
          const count = below(7) - 3;
          const expected = matching(model, t, count);
          same(list.removeMatching(latin1(t), 0, t.length, count), size - expected.length);
          model = expected;
        } else {
          const start = below(Math.min(size, 5));
          const stop = size - 1 - below(Math.min(size - start, 5));
          same(list.trim(start, stop), size - (stop - start + 1));
          model = model.slice(start, stop + 1);
        }
        same(list.length, model.length);
        if (step % 40 === 0) {
          expect(content(list)).toEqual(model);
          const backwards: string[] = [];
          list.start(model.length - 1, false);
          while (list.next(out)) backwards.push(out.toString());
          expect(backwards.reverse()).toEqual(model);
          const from = below(model.length + 1);
          const some: number[] = [];
          list.start(from, true);
          for (
            let eq = list.nextEquals(latin1(t), 0, t.length);
            eq >= 0;
            eq = list.nextEquals(latin1(t), 0, t.length)
          ) {
            some.push(eq);
          }
          expect(some).toEqual(model.slice(from).map((m) => (m === t ? 1 : 0)));
          const index = below(model.length + 1);
          same(list.index(index, out), index < model.length);
          if (index < model.length) expect(out.toString()).toBe(model[index]);
          let elements = 0;
          list.nodes((u8, off, bytes, count) => {
            same(lpValidate(u8, off, bytes), -1);
            expect(count).toBeGreaterThan(list.encodingName() === 'quicklist' ? 0 : -1);
            elements += count;
          });
          same(elements, model.length);
          const again = new List(arena, list.limits).open(list.encoding, list.root);
          expect(content(again)).toEqual(model);
          const copy = new List(arena, list.limits).open(list.encoding, list.copyRoot());
          expect(content(copy)).toEqual(model);
          copy.release();
          if (!arena.capturing) audit(list);
        }
      }
      if (arena.capturing) arena.endCapture();
      list.release();
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it('what a capture has seen stays as it was', () => {
    for (const size of [10, 5000]) {
      const list = newList(-1);
      const { arena } = list;
      for (let i = 0; i < size; i++) push(list, false, `element ${i}`);
      const seen = new List(Arena.attach(arena.buffers()), list.limits).open(list.encoding, list.root);
      const before = content(seen);
      arena.beginCapture({ handed: () => 1, acked: () => 0 });
      for (let i = 0; i < size / 2; i++) {
        list.set(i, latin1('changed'), 0, 7);
        list.dropEnd(i % 2 === 0);
        push(list, i % 3 === 0, 'new');
        list.insertBeside(i, true, latin1('inserted'), 0, 8);
      }
      list.removeRange(2, size / 4);
      const worker = new List(Arena.attach(arena.buffers()), list.limits).open(seen.encoding, seen.root);
      expect(content(worker)).toEqual(before);
      arena.endCapture();
      audit(list);
    }
  });
});

describe('encodings are those of Redis 7.2', () => {
  it('a quicklist begins where the listpack and what is announced exceed the node, and ends at half', () => {
    const list = newList(-2);
    // 7 bytes of listpack, then 103 bytes an element.
    for (let i = 0; i < 79; i++) push(list, false, 'x'.repeat(100));
    expect(list.encodingName()).toBe('listpack'); // 7 + 78 * 103 + 100 <= 8192
    push(list, false, 'y'.repeat(49));
    expect(list.encodingName()).toBe('quicklist'); // 7 + 79 * 103 + 49 > 8192
    expect(list.nodeCount).toBe(2);
    list.dropEnd(false);
    expect(list.encodingName()).toBe('quicklist');
    expect(list.nodeCount).toBe(1);
    for (let i = 0; i < 39; i++) list.dropEnd(true);
    expect([list.length, list.encodingName()]).toEqual([40, 'quicklist']); // 7 + 40 * 103 > 4096
    list.dropEnd(true);
    expect([list.length, list.encodingName()]).toEqual([39, 'listpack']);
    audit(list);
  });

  it('counts elements when the limit is positive', () => {
    const list = newList(3);
    push(list, false, 'a', 'b', 'c');
    expect(list.encodingName()).toBe('listpack');
    push(list, true, 'd');
    expect([list.encodingName(), list.nodeCount]).toEqual(['quicklist', 2]);
    list.removeRange(0, 2);
    expect([list.encodingName(), list.nodeCount]).toEqual(['quicklist', 1]);
    list.removeRange(0, 1);
    expect(list.encodingName()).toBe('listpack');
    expect(content(list)).toEqual(['c']);
  });

  it('what is announced converts as a whole, even an empty list', () => {
    const list = newList(-2);
    list.expect(9000, 3);
    expect(list.encodingName()).toBe('quicklist');
    push(list, false, 'a', 'b');
    expect(content(list)).toEqual(['a', 'b']);
    expect(list.encodingName()).toBe('quicklist');
    audit(list);
  });

  it('an element larger than a node has one of its own', () => {
    const list = newList(-2);
    push(list, false, 'a', 'x'.repeat(20_000), 'b', 'c');
    const counts: number[] = [];
    list.nodes((_u8, _off, _bytes, count) => counts.push(count));
    expect(counts).toEqual([1, 1, 2]);
    expect(content(list).map((text) => text.length)).toEqual([1, 20_000, 1, 1]);
  });

  it('an insert into a full node splits it and merges what fits together', () => {
    const list = newList(4);
    push(list, false, ...'abcdefgh');
    const nodes = () => {
      const counts: number[] = [];
      list.nodes((_u8, _off, _bytes, count) => counts.push(count));
      return counts;
    };
    expect(nodes()).toEqual([4, 4]);
    list.insertBeside(1, true, latin1('X'), 0, 1);
    expect(nodes()).toEqual([2, 3, 4]);
    list.insertBeside(0, false, latin1('Y'), 0, 1);
    expect(nodes()).toEqual([3, 3, 4]);
    list.insertBeside(6, false, latin1('Z'), 0, 1);
    expect(nodes()).toEqual([3, 4, 4]);
    expect(content(list).join('')).toBe('YabXcdZefgh');
  });
});

describe('loading nodes', () => {
  function bytesOf(list: List): Uint8Array[] {
    const nodes: Uint8Array[] = [];
    list.nodes((u8, off, bytes) => nodes.push(u8.slice(off, off + bytes)));
    return nodes;
  }

  it('nodes come back as they were; one that fits becomes a listpack', () => {
    for (const size of [0, 5, 1000]) {
      const list = newList(-1);
      for (let i = 0; i < size; i++) push(list, false, `element ${i}`);
      const loaded = newList(-1);
      for (const node of bytesOf(list)) loaded.loadNode(node, 0, node.length);
      loaded.loadEnd();
      expect(content(loaded)).toEqual(content(list));
      expect(bytesOf(loaded)).toEqual(bytesOf(list));
      expect(loaded.encodingName()).toBe(list.encodingName());
      audit(loaded);
    }
  });

  it('a node above the limit stays a quicklist', () => {
    const list = newList(-5);
    for (let i = 0; i < 1000; i++) push(list, false, `element ${i}`);
    expect(list.encodingName()).toBe('listpack');
    const loaded = newList(-2);
    const [node] = bytesOf(list);
    loaded.loadNode(node!, 0, node!.length);
    loaded.loadEnd();
    expect(loaded.encodingName()).toBe('quicklist');
    expect(content(loaded)).toEqual(content(list));
  });
});
