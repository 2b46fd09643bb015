import { expect, it } from 'vitest';
import { Histogram, slotOf } from './histogram.js';

function histogramOf(...nanoseconds: number[]): Histogram {
  const histogram = new Histogram();
  for (const value of nanoseconds) histogram.counts[slotOf(value)]!++;
  return histogram;
}

it('tells each value to two digits, rounded up', () => {
  // What redis-server answered for commands of so many microseconds.
  for (const [microseconds, shown] of [
    [4, 4.015],
    [5, 5.023],
    [12, 12.031],
    [13, 13.055],
    [15, 15.039],
    [17, 17.023],
    [50, 50.175],
    [630, 630.783],
  ] as const) {
    expect(histogramOf(microseconds * 1000).percentiles([50])[0]! / 1000, String(microseconds)).toBe(shown);
  }
});

it('gives small values a slot each, and takes what is out of range as its limit', () => {
  for (const value of [1, 2, 127, 128, 255]) expect(histogramOf(value).percentiles([100])[0]!).toBe(value);
  expect(histogramOf(0).percentiles([50])[0]!).toBe(1);
  expect(histogramOf(0.4).percentiles([50])[0]!).toBe(1);
  expect(histogramOf(5e9).percentiles([50])[0]!).toBe(histogramOf(1e9).percentiles([50])[0]!);
  expect(histogramOf(1e9).percentiles([50])[0]!).toBe(1_002_438_655);
});

it('never takes a value for another that is further away than two digits, and keeps their order', () => {
  let slot = 0;
  for (let value = 1; value <= 1e9; value = Math.ceil(value * 1.02)) {
    const shown = histogramOf(value).percentiles([100])[0]!;
    expect(shown).toBeGreaterThanOrEqual(value);
    expect(shown / value).toBeLessThan(1.008);
    expect(slotOf(value)).toBeGreaterThanOrEqual(slot);
    slot = slotOf(value);
  }
});

it('finds percentiles by rank', () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 100; i++) histogram.counts[slotOf(i)]!++;
  expect(histogram.total).toBe(100);
  expect(histogram.percentiles([0, 1, 50, 99, 99.9, 100, 200])).toEqual([1, 1, 50, 99, 100, 100, 100]);
  expect(new Histogram().percentiles([50])[0]!).toBe(0);
});

it('tells the distribution as redis-server does', () => {
  // DEBUG SLEEP of 1 s, 0.6 s, 0.3 s and 0.2 ms there.
  expect(histogramOf(1_000_100_000, 600_100_000, 300_100_000, 270_000).distribution()).toEqual([
    { microseconds: 528, count: 1 },
    { microseconds: 541_065, count: 2 },
    { microseconds: 1_073_741, count: 4 },
  ]);
  expect(histogramOf(100, 1024, 1031, 1032, 2_000_000).distribution()).toEqual([
    { microseconds: 1, count: 3 },
    { microseconds: 2, count: 4 },
    { microseconds: 2113, count: 5 },
  ]);
  expect(new Histogram().distribution()).toEqual([]);
});
