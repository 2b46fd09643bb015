import { expect, it } from 'vitest';
import { Lfu } from './lfu.js';

const MINUTE = 60_000;

it('a new key begins at 5 and grows slower the more it is used', () => {
  const chances: number[] = [];
  let roll = 0;
  const lfu = new Lfu(10, 1, () => {
    chances.push(roll);
    return roll;
  });
  let bits = lfu.initial;
  expect(lfu.counter(bits)).toBe(5);
  // 1 / (0 * 10 + 1) = 1, then 1 / (1 * 10 + 1)
  roll = 0.999;
  bits = lfu.accessed(bits);
  expect(lfu.counter(bits)).toBe(6);
  roll = 1 / 11;
  bits = lfu.accessed(bits);
  expect(lfu.counter(bits)).toBe(6);
  roll = 1 / 11 - 1e-9;
  bits = lfu.accessed(bits);
  expect(lfu.counter(bits)).toBe(7);
  for (let i = 0; i < 1000; i++) {
    roll = 0;
    bits = lfu.accessed(bits);
  }
  expect(lfu.counter(bits)).toBe(255);
});

it('the counter falls with the time, over the end of the minutes too', () => {
  const lfu = new Lfu(10, 2, () => 0);
  for (const start of [100, 65_530]) {
    lfu.setNow(start * MINUTE);
    const bits = lfu.accessed(lfu.initial);
    lfu.setNow((start + 7) * MINUTE);
    expect(lfu.counter(bits)).toBe(3);
    lfu.setNow((start + 1000) * MINUTE);
    expect(lfu.counter(bits)).toBe(0);
  }
  const still = new Lfu(10, 0, () => 0);
  const bits = still.initial;
  still.setNow(5000 * MINUTE);
  expect(still.counter(bits)).toBe(5);
});
