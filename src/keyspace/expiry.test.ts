import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dueSecond } from '../memory/dict-segment.js';
import { Encoding, itemHasSlot, itemSlot } from '../memory/item.js';
import type { Database } from './database.js';
import { ExpiryCycle } from './expiry.js';
import { Keyspace } from './keyspace.js';

const START = 1_700_000_000_000;
const VALUE = new Uint8Array([118]);

/** A keyspace with a count of what expired, by `db:key`, and when. */
function fresh(databases = 2): { keyspace: Keyspace; expired: Map<string, number>; cycle: ExpiryCycle } {
  const expired = new Map<string, number>();
  const keyspace = new Keyspace(
    {
      expired: (db, key) => {
        const name = `${db.index}:${Buffer.from(key).toString('latin1')}`;
        expect(expired.has(name)).toBe(false);
        expired.set(name, keyspace.now);
      },
    },
    databases,
  );
  keyspace.setNow(START);
  return { keyspace, expired, cycle: new ExpiryCycle(keyspace) };
}

function put(db: Database, name: string, atMs: number): void {
  const key = Buffer.from(name);
  db.setString(key, 0, key.length, VALUE, 0, 1, Encoding.EMBSTR, atMs);
}

/** A clock that each look moves on by a millisecond. */
function ticking(): () => number {
  let ms = 0;
  return () => ms++;
}

/** Runs slices until the pass is complete; returns how many it took. Fails beyond `max`. */
function pass(cycle: ExpiryCycle, budgetMs = 0, max = 100_000): number {
  const clock = ticking();
  for (let slices = 1; slices <= max; slices++) if (cycle.slice(budgetMs, clock)) return slices;
  throw new Error(`no end after ${max} slices`);
}

/** No entry expires before its segment's hint. Returns the number of segments. */
function checkHints(db: Database): number {
  const { table } = db;
  const { arena } = table;
  const answer = { segment: 0, begin: 0, later: 0, position: 0 };
  let segments = 0;
  let late = 0;
  do {
    table.nextDue(answer.position, 0xffffffff, 1, answer);
    const hint = arena.getWord(answer.segment, 3);
    for (const entry of table.segmentItems(answer.segment)) {
      if (itemHasSlot(arena, entry) && hint > dueSecond(itemSlot(arena, entry))) late++;
    }
    segments++;
  } while (answer.position !== 0);
  expect(late).toBe(0);
  return segments;
}

it('a key goes in the millisecond after its time, not before', () => {
  const { keyspace, expired, cycle } = fresh();
  const db = keyspace.databases[0]!;
  put(db, 'a', START + 1500);
  put(db, 'b', START + 1501);
  put(db, 'c', Number.NaN);
  for (const [now, size] of [
    [START + 1499, 3],
    [START + 1500, 3],
    [START + 1501, 2],
    [START + 1502, 1],
  ] as const) {
    keyspace.setNow(now);
    pass(cycle);
    expect(db.size).toBe(size);
  }
  expect([...expired]).toEqual([
    ['0:a', START + 1501],
    ['0:b', START + 1502],
  ]);
  expect(keyspace.expiredKeys).toBe(2);
});

it('nothing expires while the log is replayed, nor on a replica', () => {
  const { keyspace, cycle } = fresh();
  const db = keyspace.databases[0]!;
  put(db, 'a', START - 10);
  keyspace.expiryInForce = false;
  pass(cycle);
  keyspace.expiryInForce = true;
  keyspace.followsPrimary = true;
  pass(cycle);
  expect(db.size).toBe(1);
  keyspace.followsPrimary = false;
  pass(cycle);
  expect(db.size).toBe(0);
});

it('keys that all expire in one second are spread over slices', () => {
  const { keyspace, expired, cycle } = fresh();
  const keys = 20_000;
  for (let i = 0; i < keys; i++) put(keyspace.databases[i % 2]!, `key:${i}`, START + 500 + (i % 500));
  for (let i = 0; i < 1000; i++) put(keyspace.databases[0]!, `stays:${i}`, START + 60_000);
  keyspace.setNow(START + 1500);
  const clock = ticking();
  let slices = 0;
  let before = 0;
  for (let complete = false; !complete; slices++) {
    complete = cycle.slice(4, clock);
    expect(expired.size - before).toBeLessThanOrEqual(5 * 64);
    before = expired.size;
  }
  expect(expired.size).toBe(keys);
  expect(keyspace.size).toBe(1000);
  expect(slices).toBeLessThan(keys / 64);
});

it('a pass over a keyspace in which nothing is due searches no segment', () => {
  const { keyspace, cycle } = fresh(1);
  const db = keyspace.databases[0]!;
  for (let i = 0; i < 20_000; i++) put(db, `key:${i}`, START + 100_000 + i);
  let searched = 0;
  const { segmentItems } = db.table;
  db.table.segmentItems = (segment) => {
    searched++;
    return segmentItems.call(db.table, segment);
  };
  keyspace.setNow(START + 99_999);
  expect(pass(cycle)).toBeLessThan(5);
  expect(searched).toBe(0);
});

it('a hint that was too early is set right by the search', () => {
  const { keyspace, cycle } = fresh(1);
  const db = keyspace.databases[0]!;
  put(db, 'a', START + 1000);
  put(db, 'a', START + 50_000);
  keyspace.setNow(START + 2000);
  let searched = 0;
  const { segmentItems } = db.table;
  db.table.segmentItems = (segment) => {
    searched++;
    return segmentItems.call(db.table, segment);
  };
  pass(cycle);
  pass(cycle);
  expect(searched).toBe(1);
  expect(db.size).toBe(1);
});

it('keeps the mean time to live', () => {
  const { keyspace, cycle } = fresh(1);
  const db = keyspace.databases[0]!;
  for (let i = 0; i < 100; i++) put(db, `key:${i}`, START + 10_000);
  pass(cycle);
  expect(db.averageTtlMs).toBe(10_000);
  keyspace.setNow(START + 20_000);
  pass(cycle);
  expect(db.averageTtlMs).toBe(0);
});

type Op =
  | { op: 'set'; db: number; key: number; ttl: number | null }
  | { op: 'fill'; db: number; from: number; ttl: number }
  | { op: 'expire'; db: number; key: number; ttl: number | null }
  | { op: 'del'; db: number; key: number }
  | { op: 'thin'; db: number; every: number }
  | { op: 'rename'; db: number; key: number; to: number; toDb: number }
  | { op: 'swap' }
  | { op: 'flush'; db: number }
  | { op: 'slice'; after: number }
  | { op: 'pass'; after: number };

const db = fc.integer({ min: 0, max: 1 });
const key = fc.integer({ min: 0, max: 3000 });
const ttl = fc.integer({ min: -10, max: 5000 });
const after = fc.integer({ min: 0, max: 1500 });
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ op: fc.constant('set' as const), db, key, ttl: fc.option(ttl) }),
  fc.record({ op: fc.constant('fill' as const), db, from: key, ttl }),
  fc.record({ op: fc.constant('expire' as const), db, key, ttl: fc.option(ttl) }),
  fc.record({ op: fc.constant('del' as const), db, key }),
  fc.record({ op: fc.constant('thin' as const), db, every: fc.integer({ min: 2, max: 5 }) }),
  fc.record({ op: fc.constant('rename' as const), db, key, to: key, toDb: db }),
  fc.constant({ op: 'swap' as const }),
  fc.record({ op: fc.constant('flush' as const), db }),
  fc.record({ op: fc.constant('slice' as const), after }),
  fc.record({ op: fc.constant('pass' as const), after }),
);

/** Applies one operation to the keyspace and to the model: key -> expiry, by database. */
function apply(o: Op, keyspace: Keyspace, cycle: ExpiryCycle, model: Map<string, number>[]): void {
  const [first, second] = keyspace.databases as [Database, Database];
  const bytes = (n: number): Buffer => Buffer.from(`k${n}`);
  const find = (d: Database, n: number): number => d.lookup(bytes(n), 0, bytes(n).length);
  switch (o.op) {
    case 'set': {
      const at = o.ttl === null ? Number.NaN : keyspace.now + o.ttl;
      put(keyspace.databases[o.db]!, `k${o.key}`, at);
      model[o.db]!.set(`k${o.key}`, at);
      break;
    }
    case 'fill':
      for (let i = o.from; i < o.from + 300; i++) {
        const at = keyspace.now + o.ttl + (i % 7) * 300;
        put(keyspace.databases[o.db]!, `k${i}`, at);
        model[o.db]!.set(`k${i}`, at);
      }
      break;
    case 'expire': {
      const entry = find(keyspace.databases[o.db]!, o.key);
      if (entry === 0) break;
      const at = o.ttl === null ? Number.NaN : keyspace.now + o.ttl;
      keyspace.databases[o.db]!.setExpire(entry, at);
      model[o.db]!.set(`k${o.key}`, at);
      break;
    }
    case 'del':
      if (find(keyspace.databases[o.db]!, o.key) !== 0) {
        keyspace.databases[o.db]!.delete(bytes(o.key), 0, bytes(o.key).length);
        model[o.db]!.delete(`k${o.key}`);
      }
      break;
    case 'thin':
      for (let i = 0; i < 3300; i++) {
        if (i % o.every === 0) continue;
        const entry = find(keyspace.databases[o.db]!, i);
        if (entry === 0) continue;
        keyspace.databases[o.db]!.deleteEntry(entry);
        model[o.db]!.delete(`k${i}`);
      }
      break;
    case 'rename': {
      const from = keyspace.databases[o.db]!;
      const to = keyspace.databases[o.toDb]!;
      const entry = find(from, o.key);
      if (entry === 0 || find(to, o.to) !== 0) break;
      from.moveEntry(entry, to, bytes(o.to), 0, bytes(o.to).length);
      const at = model[o.db]!.get(`k${o.key}`)!;
      model[o.db]!.delete(`k${o.key}`);
      model[o.toDb]!.set(`k${o.to}`, at);
      break;
    }
    case 'swap':
      keyspace.swap(first, second);
      model.reverse();
      break;
    case 'flush':
      keyspace.flush(keyspace.databases[o.db]!, false);
      model[o.db]!.clear();
      break;
    case 'slice':
      keyspace.setNow(keyspace.now + o.after);
      cycle.slice(0, ticking());
      break;
    case 'pass':
      keyspace.setNow(keyspace.now + o.after);
      // What was over in parts that the pass under way had gone by is met by the next one.
      pass(cycle);
      pass(cycle);
      break;
  }
}

it('after a pass exactly the keys whose time is not over are left, whatever was done before', () => {
  fc.assert(
    fc.property(fc.array(op, { minLength: 5, maxLength: 60 }), (ops) => {
      const model: Map<string, number>[] = [new Map(), new Map()];
      const keyspace = new Keyspace(
        {
          expired: (at, bytes) => {
            const name = Buffer.from(bytes).toString('latin1');
            expect(keyspace.now).toBeGreaterThan(model[at.index]!.get(name)!);
            model[at.index]!.delete(name);
          },
        },
        2,
      );
      keyspace.setNow(START);
      const cycle = new ExpiryCycle(keyspace);
      for (const o of ops) {
        apply(o, keyspace, cycle, model);
        for (const [i, names] of model.entries()) {
          const database = keyspace.databases[i]!;
          checkHints(database);
          expect(database.size).toBe(names.size);
          if (o.op !== 'pass') continue;
          expect([...names.values()].filter((at) => at < keyspace.now)).toEqual([]);
          expect(database.expires).toBe([...names.values()].filter((at) => !Number.isNaN(at)).length);
        }
      }
    }),
    { numRuns: 40 },
  );
});
