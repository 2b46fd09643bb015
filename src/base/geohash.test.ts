import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatFixed, formatHuman } from './fixed.js';
import {
  cellScores,
  cellsToSearch,
  decodeScore,
  distance,
  distanceWithin,
  geohashText,
  lat,
  lon,
  placeScore,
  type Shape,
} from './geohash.js';

const longitude = fc.double({ min: -179.99, max: 179.99, noNaN: true });
const latitude = fc.double({ min: -84, max: 84, noNaN: true });

describe('places', () => {
  it('a score leads back to within half a metre', () => {
    fc.assert(
      fc.property(longitude, latitude, (x, y) => {
        const score = placeScore(x, y);
        expect(Number.isSafeInteger(score) && score >= 0 && score < 2 ** 52).toBe(true);
        decodeScore(score);
        expect(distance(x, y, lon, lat)).toBeLessThan(0.5);
        const again = placeScore(lon, lat);
        expect(again).toBe(score);
      }),
    );
  });

  it('knows Palermo as the world does', () => {
    expect(placeScore(13.361389, 38.115556)).toBe(3479099956230698);
    decodeScore(3479099956230698);
    expect(geohashText(lon, lat)).toBe('sqc8b49rny0');
  });

  it('the cells to search hold whatever the shape holds', () => {
    const metres = fc.double({ min: 0, max: 200_000, noNaN: true });
    const shape = fc.record({
      lon: longitude,
      lat: latitude,
      radius: fc.oneof(metres, fc.constant(Number.NaN)),
      width: metres,
      height: metres,
    });
    const step = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(shape, step, step, (shape: Shape, east, north) => {
        const y = Math.max(-85, Math.min(85, shape.lat + north * 1.8));
        // The meridian of 180 degrees itself has scores beyond all cells: stock servers never find a place there either.
        const x = Math.max(-180, Math.min(179.999999, shape.lon + (east * 1.8) / Math.cos((y * Math.PI) / 180)));
        const score = placeScore(x, y);
        decodeScore(score);
        fc.pre(distanceWithin(shape, lon, lat) >= 0);
        const cells = cellsToSearch(shape).map(cellScores);
        expect(cells.some(({ from, to }) => score >= from && score < to)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

it('prints decimals as C does, ties to even', () => {
  expect([0.03125, 0.09375, 1.00005, 2.5, 1e22, -0.5].map((x) => formatFixed(x, 4))).toEqual([
    '0.0312',
    '0.0938',
    '1.0001',
    '2.5000',
    '10000000000000000000000.0000',
    '-0.5000',
  ]);
  expect([2 ** -18, 3 * 2 ** -18, 13.361389338970184, 0, -0, 180, -1e-20].map(formatHuman)).toEqual([
    '0.00000381469726562',
    '0.00001144409179688',
    '13.36138933897018433',
    '0',
    '0',
    '180',
    '0',
  ]);
});
