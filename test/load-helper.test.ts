import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Crc64 } from '../src/base/crc64.js';
import { BytesSource } from '../src/formats/rdb/source.js';
import { Arena, wordIndex } from '../src/memory/arena.js';
import { LoadHelper } from '../src/persistence/load-helper.js';
import { eventually } from './support/wait.js';

// The thread runs compiled code (dist/), as a snapshot's does.
describe('the sum of a file', () => {
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 2654435761) >>> 24);
  const whole = new Crc64().update(bytes, 0, bytes.length - 8);
  let dir: string;
  let path: string;
  let reads: number;
  const again = () => {
    reads++;
    return new BytesSource('again', bytes, 4096);
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'onggi-sum-'));
    path = join(dir, 'dump.rdb');
    reads = 0;
    writeFileSync(path, bytes);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('comes from a thread, while the event loop rests', async () => {
    const sum = new LoadHelper(path, bytes.length, again);
    expect(`${sum.crcOf(bytes.length - 8)}`).toBe(`${whole}`);
    expect(reads).toBe(0);
    await sum.stop();
  });

  it('is made again when the data ends somewhere else', async () => {
    const sum = new LoadHelper(path, bytes.length, again);
    expect(`${sum.crcOf(1000)}`).toBe(`${new Crc64().update(bytes, 0, 1000)}`);
    expect(reads).toBe(1);
    await sum.stop();
  });

  it('is made again when the thread could not read the file', async () => {
    const sum = new LoadHelper(join(dir, 'gone.rdb'), bytes.length, again);
    expect(`${sum.crcOf(bytes.length - 8)}`).toBe(`${whole}`);
    expect(reads).toBe(1);
    await sum.stop();
  });
});

describe('the pages that the arena comes to next', () => {
  const MEGABYTE = 1024 * 1024;

  it('are there before anything is written to them', async () => {
    const helper = new LoadHelper('none', 0, null);
    const arena = new Arena();
    arena.alloc(MEGABYTE);
    helper.follow(arena);
    // The thread's own memory is there when it has begun to work.
    const rss = () => process.memoryUsage.rss() / MEGABYTE;
    const began = rss();
    await eventually(() => rss() > began + 2);
    // Within a segment, and in the one that comes after it.
    for (const [megabytes, touched] of [
      [55, 45],
      [30, 20],
    ] as const) {
      const before = rss();
      for (let i = 0; i < megabytes; i++) {
        arena.alloc(MEGABYTE);
        helper.follow(arena);
      }
      await eventually(() => rss() > before + touched);
    }
    await helper.stop();
  });

  it('keep what the main thread writes there meanwhile', async () => {
    const helper = new LoadHelper('none', 0, null);
    const arena = new Arena();
    const blocks = Array.from({ length: 60 }, () => {
      const block = arena.alloc(MEGABYTE);
      helper.follow(arena);
      return block;
    });
    // Rounds over all pages, so that the thread, which may take its time to start, passes while they are written.
    const rounds = 40;
    for (let round = 0; round < rounds; round++) {
      for (const block of blocks) {
        const words = arena.wordsOf(block);
        const first = wordIndex(block);
        for (let at = first; at < first + MEGABYTE / 4; at += 1024) words[at]! += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const block of blocks) {
      for (let page = 0; page < MEGABYTE / 4096; page++) expect(arena.getWord(block, page * 1024)).toBe(rounds);
    }
    await helper.stop();
  });
});
