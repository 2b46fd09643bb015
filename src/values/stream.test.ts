import { describe, expect, it } from 'vitest';
import { changeStream, rng } from '../../test/support/random-keyspace.js';
import { streamOf } from '../../test/support/rdb-store.js';
import { Arena } from '../memory/arena.js';
import { Stream } from './stream.js';
import { DEFAULT_LIMITS } from './value.js';

function audit(arena: Arena, ...streams: Stream[]): void {
  const live: number[] = [];
  for (const stream of streams) stream.blocks((address) => live.push(address));
  expect(arena.allocated()).toEqual(live.sort((a, b) => a - b));
}

describe('Stream', () => {
  for (let seed = 1; seed <= 3; seed++) {
    it(`random changes leave no block behind, nor do copies (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const stream = new Stream(arena, { ...DEFAULT_LIMITS, streamNodeMaxEntries: 7 }).create();
      let handed = 0;
      for (let i = 0; i < 2000; i++) {
        // A snapshot whose worker has seen nothing, or everything: freed blocks wait, or are used again at once.
        if (i % 100 === 20) arena.beginCapture({ handed: () => handed, acked: () => 0 });
        if (i % 100 === 40) handed = 1;
        if (i % 100 === 70) {
          arena.endCapture();
          handed = 0;
        }
        changeStream(stream, Buffer.from(`m${Math.floor(random() * 3000)}`), random);
        if (i % 50 === 0) {
          audit(arena, stream);
          if (arena.capturing) continue;
          const copy = new Stream(arena, DEFAULT_LIMITS).open(stream.encoding, stream.copyRoot());
          audit(arena, stream, copy);
          expect(streamOf(copy)).toEqual(streamOf(stream));
          copy.release();
          audit(arena, stream);
        }
      }
      stream.release();
      expect(arena.bytesUsed).toBe(0);
    });
  }
});
