import { expect, it } from 'vitest';
import { EventLoopMeter } from './event-loop.js';

function work(rounds: number, rest: () => void): void {
  for (let i = 0; i < rounds; i++) rest();
}

it('counts a loop that executes as busy, and one that rests as not', () => {
  const meter = new EventLoopMeter(true);
  meter.busyShare();
  let sum = 0;
  work(1_000_000, () => {
    sum += Math.sqrt(sum + 1);
  });
  expect(meter.busyShare()).toBeGreaterThan(0.99);
  if (process.platform !== 'linux') return;
  work(200, () => meter.rest());
  expect(meter.busyShare()).toBeLessThan(0.5);
});

it('does not rest where the process is not its own', () => {
  const meter = new EventLoopMeter();
  meter.busyShare();
  work(200, () => meter.rest());
  expect(meter.busyShare()).toBeGreaterThan(0.99);
});
