import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena } from './arena.js';
import {
  nodeAt,
  nodeCopy,
  nodeDelete,
  nodeDropEnd,
  nodeFromBytes,
  nodeInsert,
  nodeMerge,
  nodeNew,
  nodePush,
  nodeReplace,
  nodeReserve,
  nodeTail,
} from './list-node.js';
import { lpBytes, lpCount, lpFirst, lpGet, lpNext, lpSeek, lpValidate } from './listpack.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const slice = new Slice();

function elements(arena: Arena, node: number): string[] {
  const u8 = arena.bytesOf(node);
  const at = nodeAt(arena, node);
  const out: string[] = [];
  for (let pos = lpFirst(u8, at); pos !== 0; pos = lpNext(u8, at, pos)) {
    lpGet(u8, at, pos, slice);
    out.push(slice.toString());
  }
  return out;
}
/** The listpack is sound and lies within its block. */
function audit(arena: Arena, node: number): void {
  const u8 = arena.bytesOf(node);
  const at = nodeAt(arena, node);
  expect(lpValidate(u8, at, lpBytes(u8, at))).toBe(-1);
  const start = at - (node & 0x7fffff) * 8;
  expect(start).toBeGreaterThanOrEqual(2);
  expect(start + lpBytes(u8, at)).toBeLessThanOrEqual(arena.capacity(node));
}

describe('a node', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`holds what an array holds through random changes at ends and in the middle (seed ${seed})`, () => {
      const random = rng(seed);
      const below = (n: number) => Math.floor(random() * n);
      const arena = new Arena();
      const neighbours = [nodeNew(arena), nodeNew(arena, 500)];
      let node = nodeNew(arena);
      let model: string[] = [];
      const big = seed === 4 ? 90_000 : 500;
      for (let step = 0; step < 4000; step++) {
        if (random() < 0.005) {
          if (arena.capturing) arena.endCapture();
          else arena.beginCapture({ handed: () => 1, acked: () => 0 });
        }
        const text = random() < 0.3 ? String(below(1e6)) : 'e'.repeat(below(random() < 0.03 ? big : 30));
        const bytes = latin1(`...${text}`);
        const size = model.length;
        const u8 = arena.bytesOf(node);
        const at = nodeAt(arena, node);
        const head = random() < 0.5;
        if (random() < 0.02) {
          const more = below(big);
          node = nodeReserve(arena, node, head, more);
          const room = nodeAt(arena, node) - (node & 0x7fffff) * 8;
          if (more < 60_000) {
            expect(head ? room - 2 : arena.capacity(node) - room - lpBytes(u8, at)).toBeGreaterThanOrEqual(more);
          }
        } else if (size === 0 || random() < (Math.sin(step / 400) > 0 ? 0.6 : 0.4)) {
          if (random() < 0.8) {
            node = nodePush(arena, node, head, bytes, 3, text.length);
            if (head) model.unshift(text);
            else model.push(text);
          } else {
            const index = below(size + 1);
            const pos = index === size ? lpBytes(u8, at) - 1 : lpSeek(u8, at, index);
            node = nodeInsert(arena, node, pos, bytes, 3, text.length);
            model.splice(index, 0, text);
          }
        } else {
          const r = random();
          const index = below(size);
          if (r < 0.6) {
            node = nodeDropEnd(arena, node, head);
            if (head) model.shift();
            else model.pop();
          } else if (r < 0.8) {
            const count = below(4);
            node = nodeDelete(arena, node, lpSeek(u8, at, index), count);
            model.splice(index, count);
          } else if (r < 0.95) {
            node = nodeReplace(arena, node, lpSeek(u8, at, index), bytes, 3, text.length);
            model[index] = text;
          } else {
            const pos = lpSeek(u8, at, index);
            const right = nodeTail(arena, node, pos, size - index);
            node = nodeDelete(arena, node, pos, size);
            expect(elements(arena, right)).toEqual(model.slice(index));
            node = nodeMerge(arena, node, right);
          }
        }
        if (step % 20 === 0) {
          expect(elements(arena, node)).toEqual(model);
          expect(lpCount(arena.bytesOf(node), nodeAt(arena, node))).toBe(model.length);
          audit(arena, node);
        }
        if (step % 500 === 0) {
          const copy = nodeCopy(arena, node);
          expect(elements(arena, copy)).toEqual(model);
          arena.free(copy);
          const from = arena.bytesOf(node);
          const again = nodeFromBytes(arena, from, nodeAt(arena, node), lpBytes(from, nodeAt(arena, node)));
          expect(elements(arena, again)).toEqual(model);
          arena.free(node);
          node = again;
          model = elements(arena, node);
        }
      }
      if (arena.capturing) arena.endCapture();
      for (const neighbour of neighbours) {
        expect(elements(arena, neighbour)).toEqual([]);
        arena.free(neighbour);
      }
      arena.free(node);
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it('grows and shrinks at either end without wasting much', () => {
    for (const head of [true, false]) {
      for (const dropHead of [true, false]) {
        const arena = new Arena();
        let node = nodeNew(arena);
        const waste = () => arena.capacity(node) - lpBytes(arena.bytesOf(node), nodeAt(arena, node));
        for (let i = 0; i < 1500; i++) {
          node = nodePush(arena, node, head, latin1('xyz'), 0, 3);
          expect(waste()).toBeLessThanOrEqual(Math.max(17, arena.capacity(node) / 4));
        }
        for (let i = 0; i < 1500; i++) {
          node = nodeDropEnd(arena, node, dropHead);
          expect(waste()).toBeLessThanOrEqual(Math.max(64, arena.capacity(node) / 4 + 2));
        }
      }
    }
  });

  it('a queue of steady length stays in a block of about its size, and moves seldom', () => {
    const arena = new Arena();
    let node = nodeNew(arena);
    let moves = 0;
    let last = 0;
    for (let i = 0; i < 20_000; i++) {
      node = nodePush(arena, node, false, latin1(`job:${1000 + (i % 9000)}`), 0, 8);
      if (i >= 300) node = nodeDropEnd(arena, node, true);
      const at = nodeAt(arena, node);
      // Popping moves the listpack's start forward by one element; anything else is a move of the content.
      if (i > 2000 && at !== last && at !== last + 10) moves++;
      last = at;
      if (i > 2000) {
        expect(arena.capacity(node)).toBeLessThan(lpBytes(arena.bytesOf(node), at) * 1.4);
      }
    }
    expect(moves).toBeLessThan(2000);
  });
});
