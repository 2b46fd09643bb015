import { expect, it } from 'vitest';
import { ReadRound } from './read-round.js';

const nextRound = () => new Promise((resolve) => setImmediate(resolve));

function reader(): { reads: boolean; pause(): void; resume(): void } {
  return {
    reads: true,
    pause() {
      this.reads = false;
    },
    resume() {
      this.reads = true;
    },
  };
}

it('a few full reads may follow each other, then everybody waits for the next round', async () => {
  const round = new ReadRound();
  const [a, b] = [reader(), reader()];
  for (let n = 0; n < 3; n++) {
    let reads = 0;
    while (a.reads) {
      round.filled(a);
      reads++;
      expect(reads).toBeLessThan(10);
    }
    expect(reads).toBe(5);
    round.filled(b);
    expect(b.reads).toBe(false);
    await nextRound();
    expect([a.reads, b.reads]).toEqual([true, true]);
  }
});
