import { describe, expect, it } from 'vitest';
import { DenialLog } from './denials.js';

const THING = { reason: 'key', scene: 'toplevel', object: 'k', user: 'u', client: 'c1' } as const;

function told(log: DenialLog): string[] {
  return log.all.map(
    ({ id, count, object, createdMs, updatedMs }) => `${id}: ${count} x ${object} ${createdMs}-${updatedMs}`,
  );
}

describe('the log', () => {
  it('counts the same thing in one entry for as long as it happens every minute, and moves it to the front', () => {
    const log = new DenialLog();
    log.add(THING, 1000, 10);
    log.add({ ...THING, object: 'other' }, 2000, 10);
    log.add({ ...THING, client: 'c2' }, 61_000, 10);
    expect(told(log)).toEqual(['0: 2 x k 1000-61000', '1: 1 x other 2000-2000']);
    expect(log.all[0]!.client).toBe('c2');
    log.add(THING, 121_001, 10);
    expect(told(log)[0]).toBe('2: 1 x k 121001-121001');
  });

  it('keeps apart what differs in anything', () => {
    const log = new DenialLog();
    log.add(THING, 0, 10);
    log.add({ ...THING, reason: 'channel' }, 0, 10);
    log.add({ ...THING, scene: 'multi' }, 0, 10);
    log.add({ ...THING, object: 'K' }, 0, 10);
    log.add({ ...THING, user: 'U' }, 0, 10);
    expect(log.all.map(({ id }) => id)).toEqual([4, 3, 2, 1, 0]);
    expect(log.counts).toEqual({ auth: 0, command: 0, key: 4, channel: 1 });
  });

  it('looks at the ten latest entries only', () => {
    const log = new DenialLog();
    log.add(THING, 0, 100);
    for (let i = 0; i < 10; i++) log.add({ ...THING, object: `k${i}` }, 0, 100);
    log.add(THING, 0, 100);
    expect(log.all).toHaveLength(12);
    log.add({ ...THING, object: 'k1' }, 0, 100);
    expect(log.all[0]!.count).toBe(2);
  });

  it('is as long as it may be, which a shorter limit changes with the next entry', () => {
    const log = new DenialLog();
    for (let i = 0; i < 6; i++) log.add({ ...THING, object: `k${i}` }, 0, 4);
    expect(log.all.map(({ object }) => object)).toEqual(['k5', 'k4', 'k3', 'k2']);
    log.add({ ...THING, object: 'k6' }, 0, 2);
    expect(log.all.map(({ object }) => object)).toEqual(['k6', 'k5']);
    log.add(THING, 0, 0);
    expect(log.all).toEqual([]);
    expect(log.counts.key).toBe(8);
    log.add(THING, 0, 4);
    log.clear();
    expect(log.all).toEqual([]);
  });
});
