import { describe, expect, test } from 'vitest';
import { SavePoints } from './save-points.js';

const START = 1_700_000_000_000;
const POINTS = [
  { seconds: 900, changes: 1 },
  { seconds: 60, changes: 10 },
];
const at = (seconds: number): number => START + seconds * 1000;

describe('SavePoints', () => {
  test('a point is due with enough changes after more than its seconds', () => {
    const points = new SavePoints(START);
    expect(points.due(POINTS, at(5000))).toBeNull();
    points.dirty = 9;
    expect(points.due(POINTS, at(61))).toBeNull();
    points.dirty = 10;
    expect(points.due(POINTS, at(60))).toBeNull();
    expect(points.due(POINTS, at(61))).toEqual(POINTS[1]);
    points.dirty = 1;
    expect(points.due(POINTS, at(900))).toBeNull();
    expect(points.due(POINTS, at(901))).toEqual(POINTS[0]);
    expect(points.due([], at(9999))).toBeNull();
  });

  test('changes made while it saves count for the next one', () => {
    const points = new SavePoints(START);
    points.dirty = 30;
    points.begin(at(10));
    points.dirty = 42;
    points.succeeded(at(20));
    expect([points.dirty, points.lastSave, points.saves]).toEqual([12, START / 1000 + 20, 1]);
    expect(points.due(POINTS, at(80))).toBeNull();
    expect(points.due(POINTS, at(81))).toEqual(POINTS[1]);
  });

  test('after a failure the next try waits for more than five seconds', () => {
    const points = new SavePoints(START);
    points.dirty = 100;
    points.begin(at(100));
    points.failed();
    expect([points.lastOk, points.dirty]).toEqual([false, 100]);
    expect(points.due(POINTS, at(105))).toBeNull();
    expect(points.due(POINTS, at(106))).toEqual(POINTS[1]);
    points.begin(at(106));
    points.succeeded(at(107));
    expect(points.lastOk).toBe(true);
  });
});
