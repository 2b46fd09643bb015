import { describe, expect, it } from 'vitest';
import { Random } from '../../test/support/random.js';
import { CaptureRing, CaptureRingReader, RING_ENTRIES, WALK_ENTRIES } from './capture-ring.js';

describe('the ring between a capture and its worker', () => {
  for (let seed = 1; seed <= 4; seed++) {
    it(`hands every entry over once and in order, however far the worker is behind (seed ${seed})`, () => {
      const random = new Random(seed);
      const ring = new CaptureRing();
      const reader = new CaptureRingReader(ring.buffer);
      let pushed = 0;
      let taken = 0;
      while (taken < 400_000) {
        const more = random.below(RING_ENTRIES * 1.5);
        for (let i = 0; i < more && pushed < 400_000; i++, pushed++) ring.push(pushed % 7, pushed + 1);
        ring.publish();
        expect(ring.handed()).toBe(pushed);
        expect(ring.acked()).toBe(taken);
        const outside = Math.max(0, pushed - taken - RING_ENTRIES);
        expect(reader.behind).toBe(outside > 0);
        expect(ring.allInside).toBe(outside === 0);
        expect(ring.room()).toBe(WALK_ENTRIES - (pushed - taken));
        if (pushed === taken) continue;
        const ready = reader.ready();
        expect(ready).toBeGreaterThan(0);
        expect(ready).toBeLessThanOrEqual(RING_ENTRIES);
        const count = 1 + random.below(ready);
        for (let i = 0; i < count; i++, taken++) {
          if (reader.db(i) !== taken % 7 || reader.entry(i) !== taken + 1) {
            throw new Error(`entry ${taken} came as ${reader.db(i)}, ${reader.entry(i)}`);
          }
        }
        reader.done(count);
      }
      ring.publish();
      expect(ring.drained).toBe(true);
      ring.finish();
      expect(reader.ready()).toBe(0);
      expect(reader.aborted).toBe(false);
    });
  }

  it('stays aborted when the walk ends', () => {
    const ring = new CaptureRing();
    const reader = new CaptureRingReader(ring.buffer);
    ring.push(0, 1);
    ring.publish();
    ring.abort();
    ring.finish();
    expect(reader.aborted).toBe(true);
    expect(reader.ready()).toBe(0);
  });

  it('gives nothing more out once it is aborted, and a worker that rests goes on at once', () => {
    const ring = new CaptureRing();
    const reader = new CaptureRingReader(ring.buffer);
    ring.push(0, 1);
    ring.publish();
    expect(reader.ready()).toBe(1);
    ring.abort();
    reader.rest(600_000);
    expect(reader.ready()).toBe(0);
    expect(reader.aborted).toBe(true);
  });
});
