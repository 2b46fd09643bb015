import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena } from '../memory/arena.js';
import {
  Encoding,
  hasRoot,
  itemKeyBytes,
  itemKeyIndex,
  itemMeta,
  itemRoot,
  itemSlot,
  itemType,
  itemValueBytes,
  itemValueIndex,
} from '../memory/item.js';
import { Hash } from '../values/hash.js';
import { List } from '../values/list.js';
import { SetValue } from '../values/set.js';
import type { Value } from '../values/value.js';
import { ZSet } from '../values/zset.js';
import { Capture, type CaptureQueue } from './capture.js';
import { type Database, Keyspace } from './keyspace.js';

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** A worker that lags: it reads entries only when told, from views of its own, and remembers what it saw. */
class LaggingWorker implements CaptureQueue {
  readonly seen = new Map<string, string>();
  private readonly queue: [number, number][] = [];
  private taken = 0;
  private readonly arena: Arena;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.arena = Arena.attach(keyspace.arena.buffers());
    this.keyspace = keyspace;
  }
  handed(): number {
    return this.queue.length;
  }
  acked(): number {
    return this.taken;
  }
  room(): number {
    return 600 - (this.queue.length - this.taken);
  }
  push(db: number, entry: number): void {
    this.queue.push([db, entry]);
  }
  publish(): void {}
  work(entries: number): void {
    for (let i = 0; i < entries && this.taken < this.queue.length; i++) {
      const [db, entry] = this.queue[this.taken]!;
      const name = `${db}/${keyText(this.arena, entry)}`;
      expect(this.seen.has(name), `${name} is handed over once`).toBe(false);
      this.seen.set(name, describeEntry(this.arena, entry, this.keyspace));
      this.taken++;
    }
  }
}

function keyText(arena: Arena, entry: number): string {
  const at = itemKeyIndex(arena, entry);
  return Buffer.from(arena.bytesOf(entry).slice(at, at + itemKeyBytes(arena, entry))).toString();
}

function describeEntry(arena: Arena, entry: number, keyspace: Keyspace): string {
  const type = itemType(arena, entry);
  const expiry = itemSlot(arena, entry);
  if (!hasRoot(itemMeta(arena, entry))) {
    const at = itemValueIndex(arena, entry);
    const value = Buffer.from(arena.bytesOf(entry).slice(at, at + itemValueBytes(arena, entry)));
    return `${type} ${expiry} ${value.toString('latin1')}`;
  }
  const encoding = ((itemMeta(arena, entry) >>> 3) & 7) as Encoding;
  const a = new Slice();
  const b = new Slice();
  const out: string[] = [];
  const { limits } = keyspace;
  if (type === 1) {
    const list = new List(arena, limits).open(encoding, itemRoot(arena, entry));
    for (list.start(0, true); list.next(a); ) out.push(a.toString());
  } else if (type === 4) {
    const hash = new Hash(arena, limits).open(encoding, itemRoot(arena, entry));
    for (hash.start(); hash.next(a, b); ) out.push(`${a}=${b}`);
    out.sort();
  } else if (type === 2) {
    const set = new SetValue(arena, limits).open(encoding, itemRoot(arena, entry));
    for (let ok = set.first(a); ok; ok = set.next(a)) out.push(a.toString());
    out.sort();
  } else {
    const zset = new ZSet(arena, limits).open(encoding, itemRoot(arena, entry));
    for (let ok = zset.seekRank(0, a); ok; ok = zset.next(a)) out.push(a.toString());
  }
  return `${type} ${expiry} ${out.join(' ')}`;
}

function contents(keyspace: Keyspace): Map<string, string> {
  const out = new Map<string, string>();
  for (const db of keyspace.databases) {
    const entries: number[] = [];
    db.forEach((entry) => {
      entries.push(entry);
    });
    for (const entry of entries) {
      out.set(`${db.index}/${keyText(keyspace.arena, entry)}`, describeEntry(keyspace.arena, entry, keyspace));
    }
  }
  return out;
}

/** One random change of the keyspace. Keys are few, so that most changes meet what is there. */
function mutate(keyspace: Keyspace, random: () => number): void {
  const db = keyspace.databases[Math.floor(random() * 3)]!;
  const key = Buffer.from(`key:${Math.floor(random() * 2000)}`);
  const member = Buffer.from(`m${Math.floor(random() * 3000)}`);
  const entry = db.lookupWrite(key, 0, key.length);
  const pick = random();
  if (pick < 0.25) {
    const value = Buffer.alloc(Math.floor(random() * 80), 97 + Math.floor(random() * 26));
    db.setString(
      key,
      0,
      key.length,
      value,
      0,
      value.length,
      Encoding.RAW,
      random() < 0.3 ? 1e12 + Math.floor(random() * 1e6) : Number.NaN,
    );
  } else if (pick < 0.35) {
    if (entry !== 0) db.deleteEntry(entry);
  } else if (pick < 0.4) {
    if (entry !== 0) db.setExpire(entry, random() < 0.5 ? Number.NaN : 1e12 + Math.floor(random() * 1e6));
  } else if (pick < 0.45) {
    const target = keyspace.databases[Math.floor(random() * 3)]!;
    const to = Buffer.from(`key:${Math.floor(random() * 2000)}`);
    if (entry !== 0 && !(target === db && to.equals(key))) {
      target.delete(to, 0, to.length);
      if (random() < 0.5) db.moveEntry(entry, target, to, 0, to.length);
      else db.copyEntry(entry, target, to, 0, to.length);
    }
  } else if (pick < 0.4502) {
    keyspace.flush(db, random() < 0.5);
  } else if (pick < 0.4504) {
    keyspace.swap(db, keyspace.databases[Math.floor(random() * 3)]!);
  } else if (pick < 0.5) {
    if (entry !== 0 && itemType(keyspace.arena, entry) === 0) db.resizeString(entry, Math.floor(random() * 200));
  } else {
    changeCollection(keyspace, db, entry, key, member, random);
  }
}

function changeCollection(
  keyspace: Keyspace,
  db: Database,
  entry: number,
  key: Buffer,
  member: Buffer,
  random: () => number,
): void {
  let type = entry === 0 ? 1 + Math.floor(random() * 4) : itemType(keyspace.arena, entry);
  if (type === 0) {
    db.deleteEntry(entry);
    entry = 0;
    type = 1 + Math.floor(random() * 4);
  }
  const n = random() < 0.02 ? 700 : 1;
  let value: Value;
  if (type === 1) {
    const list = entry === 0 ? keyspace.createList() : keyspace.openList(entry);
    for (let i = 0; i < n; i++) {
      if (random() < 0.7) list.push(random() < 0.5, member, 0, member.length);
      else if (list.length > 0) list.set(Math.floor(random() * list.length), member, 0, member.length);
    }
    if (random() < 0.2 && list.length > 0) list.dropEnd(random() < 0.5);
    value = list;
  } else if (type === 4) {
    const hash = entry === 0 ? keyspace.createHash() : keyspace.openHash(entry);
    for (let i = 0; i < n; i++) {
      const field = Buffer.from(`f${Math.floor(random() * 3000)}`);
      if (random() < 0.8) hash.set(field, 0, field.length, member, 0, member.length);
      else hash.delete(field, 0, field.length);
    }
    value = hash;
  } else if (type === 2) {
    const set = entry === 0 ? keyspace.createSet() : keyspace.openSet(entry);
    for (let i = 0; i < n; i++) {
      const m = Buffer.from(`${random() < 0.5 ? '' : 's'}${Math.floor(random() * 3000)}`);
      if (random() < 0.8) set.add(m, 0, m.length);
      else set.remove(m, 0, m.length);
    }
    value = set;
  } else {
    const zset = entry === 0 ? keyspace.createZset() : keyspace.openZset(entry);
    for (let i = 0; i < n; i++) {
      const m = Buffer.from(`z${Math.floor(random() * 3000)}`);
      if (random() < 0.8) zset.put(Math.floor(random() * 100), m, 0, m.length);
      else zset.remove(m, 0, m.length);
    }
    value = zset;
  }
  if (entry === 0) {
    if (value.length > 0) db.addValue(key, 0, key.length, type as 1, value.encoding, value.root, Number.NaN);
    else value.release();
  } else if (value.length === 0) {
    db.storeValue(entry, value);
    db.deleteEntry(entry);
  } else {
    db.storeValue(entry, value);
  }
}

describe('Capture', () => {
  for (let seed = 1; seed <= 6; seed++) {
    it(`what is captured equals the content at the start, whatever changes meanwhile, and nothing leaks (seed ${seed})`, () => {
      const random = rng(seed);
      const keyspace = new Keyspace({ expired() {} }, 3);
      keyspace.setNow(1e11);
      for (let i = 0; i < 6000; i++) mutate(keyspace, random);
      for (let round = 0; round < 3; round++) {
        const before = contents(keyspace);
        const worker = new LaggingWorker(keyspace);
        const capture = new Capture(keyspace, worker);
        let clock = 0;
        while (!capture.walked || worker.acked() < worker.handed()) {
          for (let i = 0; i < 40; i++) mutate(keyspace, random);
          if (random() < 0.5) capture.step(++clock, () => clock + Math.floor(random() * 2));
          if (random() < 0.5) worker.work(Math.floor(random() * 120));
        }
        expect(capture.keys).toBe(before.size);
        expect([...worker.seen].sort()).toEqual([...before].sort());
        capture.end();
        keyspace.freeSlice(Number.POSITIVE_INFINITY);
        const live: number[] = [];
        keyspace.blocks((address) => live.push(address));
        expect(keyspace.arena.allocated()).toEqual(live.sort((a, b) => a - b));
      }
    });
  }
});
