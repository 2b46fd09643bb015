import { describe, expect, it } from 'vitest';
import { Encoding, itemHasSlot } from '../memory/item.js';
import { type Database, Keyspace } from './keyspace.js';
import { Lfu } from './lfu.js';
import { Victims } from './victims.js';

const START = 1_700_000_000_000;
const VALUE = new Uint8Array(20);

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

function put(db: Database, name: string, atMs = Number.NaN): void {
  const key = Buffer.from(name);
  db.setString(key, 0, key.length, VALUE, 0, VALUE.length, Encoding.RAW, atMs);
}

function read(db: Database, name: string): void {
  const key = Buffer.from(name);
  db.lookupRead(key, 0, key.length);
}

function has(db: Database, name: string): boolean {
  const key = Buffer.from(name);
  return db.find(key, 0, key.length) !== 0;
}

interface Made {
  keyspace: Keyspace;
  db: Database;
  victims: Victims;
}

function make(policy: string, seed: number, databases = 1): Made {
  const random = rng(seed);
  const keyspace = new Keyspace({ expired() {} }, databases);
  keyspace.setNow(START);
  if (policy.endsWith('lfu')) keyspace.useLfu(new Lfu(10, 1, random));
  const victims = new Victims(keyspace, random);
  victims.setPolicy(policy);
  return { keyspace, db: keyspace.databases[0]!, victims };
}

/** Evicts `count` keys; their names. */
function evict({ victims }: Made, count: number, samples: number): string[] {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const entry = victims.next(samples);
    if (entry === 0) break;
    names.push(`${victims.db.index}:${Buffer.from(victims.db.keyOf(entry))}`);
    victims.db.deleteEntry(entry);
  }
  return names;
}

const KEYS = 4000;

describe('victims', () => {
  for (const seed of [1, 2, 3]) {
    it(`allkeys-lru with 10 samples takes nearly only keys of the half accessed longest ago (seed ${seed})`, () => {
      const made = make('allkeys-lru', seed);
      const { keyspace, db } = made;
      for (let i = 0; i < KEYS; i++) {
        keyspace.setNow(START + i * 1000);
        put(db, `k${i}`);
      }
      const gone = evict(made, KEYS / 4, 10).map((name) => Number(name.slice(3)));
      expect(gone.length).toBe(KEYS / 4);
      const cold = gone.filter((i) => i < KEYS / 2).length;
      expect(cold / gone.length).toBeGreaterThan(0.99);
    });

    it(`allkeys-lfu with 10 samples takes nearly only keys that are not accessed often (seed ${seed})`, () => {
      const made = make('allkeys-lfu', seed);
      const { keyspace, db } = made;
      for (let i = 0; i < KEYS; i++) put(db, `k${i}`);
      for (let round = 0; round < 30; round++) {
        keyspace.setNow(START + round * 1000);
        for (let i = 0; i < KEYS; i += 2) read(db, `k${i}`);
      }
      const gone = evict(made, KEYS / 4, 10).map((name) => Number(name.slice(3)));
      const cold = gone.filter((i) => i % 2 === 1).length;
      expect(gone.length).toBe(KEYS / 4);
      expect(cold / gone.length).toBeGreaterThan(0.99);
    });

    it(`volatile-ttl takes those that expire first (seed ${seed})`, () => {
      const made = make('volatile-ttl', seed);
      for (let i = 0; i < KEYS; i++) put(made.db, `k${i}`, START + 1_000_000 + i * 1000);
      const gone = evict(made, KEYS / 4, 10).map((name) => Number(name.slice(3)));
      expect(gone.filter((i) => i < KEYS / 2).length / gone.length).toBeGreaterThan(0.99);
    });

    for (const policy of ['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl']) {
      for (const every of [2, 50, 1000]) {
        it(`${policy} takes every key with an expiry and none without (1 in ${every}, seed ${seed})`, () => {
          const made = make(policy, seed, 3);
          const { keyspace } = made;
          let expiring = 0;
          for (let i = 0; i < KEYS; i++) {
            const expires = i % every === 0;
            if (expires) expiring++;
            put(keyspace.databases[i % 3]!, `k${i}`, expires ? START + 1_000_000 + i : Number.NaN);
          }
          // A key that got and lost its expiry leaves a hint behind.
          const [db] = keyspace.databases;
          put(db!, 'persisted', START + 5000);
          const entry = db!.find(Buffer.from('persisted'), 0, 9);
          db!.setExpire(entry, Number.NaN);
          const gone = evict(made, KEYS, 5);
          expect(gone.length).toBe(expiring);
          expect(keyspace.size).toBe(KEYS - expiring + 1);
          expect(has(db!, 'persisted')).toBe(true);
        });
      }
    }

    it(`keys with an expiry are found after any changes, and only they (seed ${seed})`, () => {
      const random = rng(seed + 100);
      const made = make('volatile-random', seed, 3);
      const { keyspace } = made;
      const { arena } = keyspace;
      const below = (n: number): number => Math.floor(random() * n);
      for (let step = 0; step < 20_000; step++) {
        const db = keyspace.databases[below(3)]!;
        const name = `k${below(2000)}`;
        const key = Buffer.from(name);
        const entry = db.find(key, 0, key.length);
        const target = keyspace.databases[below(3)]!;
        const other = Buffer.from(`k${below(2000)}`);
        const at = random() < 0.5 ? START + 1_000_000 + step : Number.NaN;
        const what = below(step % 4000 < 3000 ? 7 : 3);
        if (entry === 0) put(db, name, at);
        else if (what < 2) db.deleteEntry(entry);
        else if (what === 2) db.setExpire(entry, at);
        else if (what === 3) put(db, name, at);
        else if (target.find(other, 0, other.length) !== 0) continue;
        else if (what === 4) db.moveEntry(entry, target, other, 0, other.length);
        else db.copyEntry(entry, target, other, 0, other.length);
        if (step % 5000 === 4000) keyspace.swap(keyspace.databases[0]!, keyspace.databases[1]!);
        if (step % 7000 === 6000) keyspace.flush(db, true);
      }
      let expiring = 0;
      for (const db of keyspace.databases) {
        db.forEach((entry) => {
          if (itemHasSlot(arena, entry)) expiring++;
        });
      }
      const { size } = keyspace;
      expect(expiring).toBeGreaterThan(100);
      expect(evict(made, size, 5).length).toBe(expiring);
      expect(keyspace.size).toBe(size - expiring);
    });

    it(`allkeys-random takes keys of every database until none is left (seed ${seed})`, () => {
      const made = make('allkeys-random', seed, 3);
      for (let i = 0; i < 300; i++) put(made.keyspace.databases[i % 3]!, `k${i}`);
      const gone = evict(made, 30, 5);
      expect(new Set(gone.map((name) => name[0]))).toEqual(new Set(['0', '1', '2']));
      expect(evict(made, 1000, 5).length).toBe(270);
      expect(made.keyspace.size).toBe(0);
    });
  }

  it('are none with noeviction', () => {
    const made = make('noeviction', 1);
    put(made.db, 'a', START + 1000);
    expect(made.victims.next(5)).toBe(0);
  });

  it('that were accessed, moved, persisted or flushed since they were seen are passed over', () => {
    const made = make('allkeys-lru', 5);
    const { keyspace, db, victims } = made;
    for (let i = 0; i < 20; i++) put(db, `old${i}`);
    keyspace.setNow(START + 1_000_000);
    for (let i = 0; i < 20; i++) put(db, `new${i}`);
    // Fills the pool with old keys.
    expect(evict(made, 1, 64)[0]).toMatch(/^0:old/);
    for (let i = 0; i < 20; i++) read(db, `old${i}`);
    keyspace.setNow(START + 2_000_000);
    for (let i = 0; i < 20; i++) read(db, `old${i}`);
    expect(evict(made, 20, 64).every((name) => name.startsWith('0:new'))).toBe(true);
    keyspace.flush(db, false);
    expect(victims.next(5)).toBe(0);
  });

  it('of an expiry that was prolonged are passed over', () => {
    const made = make('volatile-ttl', 5);
    const { db } = made;
    for (let i = 0; i < 40; i++) put(db, `k${i}`, START + 10_000 + i);
    evict(made, 1, 64);
    for (let i = 1; i < 16; i++) {
      const key = Buffer.from(`k${i}`);
      const entry = db.find(key, 0, key.length);
      if (entry !== 0) db.setExpire(entry, START + 99_000_000);
    }
    expect(evict(made, 24, 64).every((name) => Number(name.slice(3)) >= 16)).toBe(true);
  });

  it('of another database are the same: the pool compares them all', () => {
    const made = make('allkeys-lru', 9, 4);
    const { keyspace } = made;
    for (let i = 0; i < 400; i++) {
      keyspace.setNow(START + i * 1000);
      put(keyspace.databases[3 - Math.floor(i / 100)]!, `k${i}`);
    }
    const gone = evict(made, 90, 64);
    expect(gone.filter((name) => name.startsWith('3:')).length).toBeGreaterThan(85);
  });
});
