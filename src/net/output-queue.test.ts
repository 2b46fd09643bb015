import { describe, expect, it } from 'vitest';
import { OutputQueue } from './output-queue.js';

const MB = 1024 * 1024;

describe('output that waits', () => {
  it('comes out in its order, whatever the pieces', () => {
    const queue = new OutputQueue();
    const went: Buffer[] = [];
    const came: Buffer[] = [];
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.alloc(random(10) === 0 ? random(60_000) : random(200), i % 251);
      queue.add(bytes, 0, bytes.length);
      went.push(bytes);
      if (random(40) === 0 && queue.pieces > 0) came.push(queue.take());
      expect(queue.bytes).toBe(sum(went) - sum(came));
    }
    while (queue.pieces > 0) came.push(queue.take());
    expect(Buffer.concat(came).equals(Buffer.concat(went))).toBe(true);
    expect(queue.bytes).toBe(0);
  });

  it('is never joined as a whole: a slow reader may have more than a buffer can hold', () => {
    const queue = new OutputQueue();
    const piece = Buffer.alloc(300_000);
    for (let i = 0; i < 100; i++) queue.add(piece, 0, piece.length);
    while (queue.pieces > 0) expect(queue.take().length).toBeLessThanOrEqual(MB);
    const large = Buffer.alloc(3 * MB);
    queue.add(large, 0, large.length);
    expect(queue.take().length).toBe(large.length);
  });

  it('shares blocks where pieces are small', () => {
    const queue = new OutputQueue();
    for (let i = 0; i < 100_000; i++) queue.add(Buffer.from('+OK\r\n'), 0, 5);
    expect(queue.pieces).toBeLessThan(40);
    expect(queue.bytes).toBe(500_000);
  });

  it('leaves a taken piece alone when more comes', () => {
    const queue = new OutputQueue();
    queue.add(Buffer.from('abc'), 0, 3);
    const taken = queue.take();
    queue.add(Buffer.from('xyz'), 0, 3);
    expect(String(taken)).toBe('abc');
    expect(String(queue.take())).toBe('xyz');
  });
});

function sum(pieces: readonly Buffer[]): number {
  return pieces.reduce((bytes, piece) => bytes + piece.length, 0);
}
