import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrackingTable } from './tracking-table.js';

describe('the tracking table', () => {
  it('holds what a map of sets holds', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', '');
    const step = fc.oneof(
      fc.record({ op: fc.constant('remember' as const), key, id: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ op: fc.constant('take' as const), key }),
      fc.record({ op: fc.constant('random' as const), at: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
      fc.record({ op: fc.constant('clear' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new TrackingTable();
        const model = new Map<string, Set<number>>();
        for (const s of steps) {
          if (s.op === 'remember') {
            table.remember(s.key, s.id);
            model.set(s.key, (model.get(s.key) ?? new Set()).add(s.id));
          } else if (s.op === 'take') {
            expect(table.take(s.key)).toEqual([...(model.get(s.key) ?? [])]);
            model.delete(s.key);
          } else if (s.op === 'random') {
            if (table.size > 0) expect(model.has(table.randomKey(() => s.at))).toBe(true);
          } else {
            table.clear();
            model.clear();
          }
          expect(table.size).toBe(model.size);
          expect(table.items).toBe([...model.values()].reduce((sum, ids) => sum + ids.size, 0));
          expect(table.bytes > 0).toBe(model.size > 0);
        }
      }),
    );
  });

  it('picks every key sooner or later', () => {
    const table = new TrackingTable();
    for (const key of ['a', 'b', 'c']) table.remember(key, 1);
    table.take('a');
    const seen = new Set([0, 0.3, 0.6, 0.99].map((at) => table.randomKey(() => at)));
    expect(seen).toEqual(new Set(['b', 'c']));
  });
});
