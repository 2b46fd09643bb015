/** Active expiry of the fields of hashes; that of keys is tested in expiry.test.ts. */
import { describe, expect, it } from 'vitest';
import { rng } from '../../test/support/random-keyspace.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
import { ItemType, itemHasSlot, itemSlot, itemType } from '../memory/item.js';
import type { Database } from './database.js';
import { ExpiryCycle } from './expiry.js';
import { Keyspace } from './keyspace.js';
import { expectNoLeak } from './testing/audit.js';

const START = 1_700_000_000_000;
const VALUE = new Uint8Array([118]);

interface Fresh {
  keyspace: Keyspace;
  cycle: ExpiryCycle;
  /** `db:key field` of each field that expired. */
  fields: string[];
  /** `db:key`, with ` del` behind it when the hash went, too: once a batch. */
  hashes: string[];
}

function fresh(listpackEntries = 128): Fresh {
  const fields: string[] = [];
  const hashes: string[] = [];
  const keyspace = new Keyspace(
    {
      expired() {},
      fieldExpired: (db, key, field) => fields.push(`${db.index}:${text(key)} ${text(field)}`),
      fieldsExpired: (db, key, emptied) => hashes.push(`${db.index}:${text(key)}${emptied ? ' del' : ''}`),
    },
    2,
  );
  keyspace.limits.hashMaxListpackEntries = listpackEntries;
  keyspace.setNow(START);
  return { keyspace, cycle: new ExpiryCycle(keyspace), fields, hashes };
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Sets a field of a hash that expires (NaN: never). */
function put(db: Database, key: string, field: string, atMs: number): void {
  const { keyspace } = db;
  const name = Buffer.from(key);
  const entry = db.lookupWrite(name, 0, name.length);
  const hash = entry === 0 ? keyspace.createHash() : keyspace.openHash(entry);
  hash.setWithExpire(Buffer.from(field), 0, field.length, VALUE, 0, 1, atMs);
  if (entry !== 0) db.storeValue(entry, hash);
  else db.addValue(name, 0, name.length, ItemType.HASH, hash.encoding, hash.root, Number.NaN);
}
function length(db: Database, key: string): number {
  const entry = db.find(Buffer.from(key), 0, key.length);
  return entry === 0 ? 0 : db.keyspace.openHash(entry).length;
}

/** A clock that each look moves on by a millisecond. */
function ticking(): () => number {
  let ms = 0;
  return () => ms++;
}
function pass(cycle: ExpiryCycle): void {
  const clock = ticking();
  for (let slices = 0; slices < 100_000; slices++) if (cycle.slice(0, clock)) return;
  throw new Error('no end');
}

/** No key and no field expires before the hint of the segment that its entry lies in. */
function checkHints(db: Database): void {
  const { table, keyspace } = db;
  const { arena } = keyspace;
  const due = { segment: 0, begin: 0, later: 0, position: 0 };
  do {
    table.nextDue(due.position, DUE_NEVER, 1, due);
    const hint = arena.getWord(due.segment, 3);
    for (const entry of table.segmentItems(due.segment)) {
      if (itemHasSlot(arena, entry)) expect(hint).toBeLessThanOrEqual(dueSecond(itemSlot(arena, entry)));
      if (itemType(arena, entry) === ItemType.HASH) expect(hint).toBeLessThanOrEqual(keyspace.fieldsDue(entry));
    }
  } while (due.position !== 0);
}

describe.each([
  ['small', 128],
  ['large', 0],
])('a field of a %s hash', (_, listpackEntries) => {
  it('goes in the millisecond after its time, not before, and the hash with its last one', () => {
    const { keyspace, cycle, fields, hashes } = fresh(listpackEntries);
    const db = keyspace.databases[1]!;
    put(db, 'h', 'a', START + 1500);
    put(db, 'h', 'b', START + 1501);
    put(db, 'i', 'c', START + 1501);
    put(db, 'i', 'd', Number.NaN);
    expect(db.expiringHashes).toBe(2);
    for (const [now, sizes] of [
      [START + 1499, [2, 2]],
      [START + 1500, [2, 2]],
      [START + 1501, [1, 2]],
      [START + 1502, [0, 1]],
    ] as const) {
      keyspace.setNow(now);
      pass(cycle);
      expect([length(db, 'h'), length(db, 'i')]).toEqual(sizes);
    }
    expect(fields[0]).toBe('1:h a');
    expect(fields.slice(1).sort()).toEqual(['1:h b', '1:i c']);
    expect(hashes[0]).toBe('1:h');
    expect(hashes.slice(1).sort()).toEqual(['1:h del', '1:i']);
    expect([keyspace.expiredFields, keyspace.expiredKeys, db.expiringHashes, db.size]).toEqual([3, 0, 0, 1]);
    expectNoLeak(keyspace);
  });

  it('stays while the log is replayed, and on a replica', () => {
    const { keyspace, cycle } = fresh(listpackEntries);
    const db = keyspace.databases[0]!;
    put(db, 'h', 'a', START - 10);
    keyspace.expiryInForce = false;
    pass(cycle);
    keyspace.expiryInForce = true;
    keyspace.followsPrimary = true;
    pass(cycle);
    expect(length(db, 'h')).toBe(1);
    keyspace.followsPrimary = false;
    pass(cycle);
    expect(length(db, 'h')).toBe(0);
  });

  it('waits for nobody: a key of its own expiry goes whole', () => {
    const { keyspace, cycle, fields } = fresh(listpackEntries);
    const db = keyspace.databases[0]!;
    put(db, 'h', 'a', START + 100);
    db.setExpire(db.find(Buffer.from('h'), 0, 1), START + 50);
    keyspace.setNow(START + 5000);
    pass(cycle);
    expect([db.size, db.expiringHashes, fields, keyspace.expiredKeys]).toEqual([0, 0, [], 1]);
  });
});

it.each([
  ['one hash', 1],
  ['many hashes', 2000],
])('fields that all expire in one second are spread over slices: %s', (_, hashes) => {
  const { keyspace, cycle, fields } = fresh();
  const count = 20_000;
  for (let i = 0; i < count; i++) put(keyspace.databases[i % 2]!, `h${i % hashes}`, `f${i}`, START + 500 + (i % 500));
  for (let i = 0; i < 1000; i++) put(keyspace.databases[0]!, `stays:${i}`, 'f', START + 60_000);
  keyspace.setNow(START + 1500);
  const clock = ticking();
  let before = 0;
  let slices = 0;
  for (let complete = false; !complete; slices++) {
    complete = cycle.slice(4, clock);
    expect(fields.length - before).toBeLessThanOrEqual(5 * 64);
    before = fields.length;
  }
  expect([fields.length, new Set(fields).size, keyspace.size]).toEqual([count, count, 1000]);
  expect(slices).toBeLessThan(count / 16);
  expectNoLeak(keyspace);
});

it('a pass looks into no hash in which nothing is due', () => {
  const { keyspace, cycle } = fresh();
  for (let i = 0; i < 300; i++) put(keyspace.databases[0]!, 'large', `f${i}`, START + 100_000);
  for (let i = 0; i < 300; i++) put(keyspace.databases[0]!, `h${i}`, 'f', START + 100_000);
  let swept = 0;
  const { fieldExpiry } = keyspace;
  const { sweep } = fieldExpiry;
  fieldExpiry.sweep = (...args) => {
    swept++;
    return sweep.apply(fieldExpiry, args);
  };
  keyspace.setNow(START + 99_000);
  pass(cycle);
  expect(swept).toBe(0);
  keyspace.setNow(START + 100_001);
  pass(cycle);
  expect([keyspace.size, swept > 300]).toEqual([0, true]);
});

for (const seed of [1, 2, 3, 4]) {
  it(`after a pass exactly the fields whose time is not over are left, whatever was done before (seed ${seed})`, () => {
    const random = rng(seed);
    const below = (n: number) => Math.floor(random() * n);
    const { keyspace, cycle } = fresh(seed % 2 === 0 ? 0 : 8);
    const [first, second] = keyspace.databases as [Database, Database];
    let model: Map<string, Map<string, number>>[] = [new Map(), new Map()];
    const key = (name: string) => Buffer.from(name);
    const steps: ((db: Database, name: string) => void)[] = [
      (db, name) => {
        for (let i = below(random() < 0.1 ? 300 : 6); i >= 0; i--) {
          const [field, at] = [`f${below(400)}`, random() < 0.2 ? Number.NaN : keyspace.now - 10 + below(5000)];
          put(db, name, field, at);
          const fields = model[db.index]!.get(name) ?? new Map<string, number>();
          model[db.index]!.set(name, fields.set(field, at));
        }
      },
      (db, name) => {
        if (db.delete(key(name), 0, name.length)) model[db.index]!.delete(name);
      },
      (db, name) => {
        const [target, to] = [random() < 0.5 ? first : second, `h${below(40)}`];
        const entry = db.find(key(name), 0, name.length);
        if (entry === 0 || (target === db && to === name)) return;
        const fields = model[db.index]!.get(name)!;
        target.delete(key(to), 0, to.length);
        const moves = random() < 0.5;
        if (moves) db.moveEntry(db.find(key(name), 0, name.length), target, key(to), 0, to.length);
        else db.copyEntry(db.find(key(name), 0, name.length), target, key(to), 0, to.length);
        if (moves) model[db.index]!.delete(name);
        model[target.index]!.set(to, new Map(fields));
      },
      () => {
        if (random() > 0.2) return;
        keyspace.swap(first, second);
        model = [model[1]!, model[0]!];
      },
      () => {
        keyspace.setNow(keyspace.now + below(300));
        cycle.slice(0, ticking());
      },
      () => {
        keyspace.setNow(keyspace.now + below(1500));
        // What was over in parts that the pass under way had gone by is met by the next one.
        pass(cycle);
        pass(cycle);
        for (const names of model) {
          for (const [name, fields] of names) {
            for (const [field, at] of fields) if (at < keyspace.now) fields.delete(field);
            if (fields.size === 0) names.delete(name);
          }
        }
        for (const db of [first, second]) {
          const names = model[db.index]!;
          expect(db.size).toBe(names.size);
          for (const [name, fields] of names) expect([name, length(db, name)]).toEqual([name, fields.size]);
          const expiring = [...names.values()].filter((fields) => [...fields.values()].some((at) => !Number.isNaN(at)));
          expect(db.expiringHashes).toBe(expiring.length);
        }
      },
    ];
    for (let step = 0; step < 3000; step++) {
      if (random() < 0.01) {
        if (keyspace.arena.capturing) keyspace.arena.endCapture();
        else keyspace.arena.beginCapture({ handed: () => 1, acked: () => 0 });
      }
      steps[below(steps.length)]!(random() < 0.5 ? first : second, `h${below(40)}`);
      if (step % 20 !== 0) continue;
      checkHints(first);
      checkHints(second);
    }
    if (keyspace.arena.capturing) keyspace.arena.endCapture();
    expectNoLeak(keyspace);
  });
}
