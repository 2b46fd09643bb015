import { describe, expect, it } from 'vitest';
import { contents, describeEntry } from '../../test/support/random-keyspace.js';
import { Arena } from '../memory/arena.js';
import { ItemType } from '../memory/item.js';
import type { Value } from '../values/value.js';
import { Capture } from './capture.js';
import { Keyspace } from './keyspace.js';
import { expectNoLeak } from './testing/audit.js';

const ELEMENTS = 5000;

function fill(keyspace: Keyspace, type: ItemType): Value {
  const list = keyspace.newList();
  const hash = keyspace.newHash();
  const set = keyspace.newSet();
  const zset = keyspace.newZset();
  const value = { 1: list, 2: set, 3: zset, 4: hash }[type as 1]!.create();
  for (let i = 0; i < ELEMENTS; i++) {
    const bytes = Buffer.from(`element-${i}`);
    if (type === ItemType.LIST) list.push(false, bytes, 0, bytes.length);
    else if (type === ItemType.SET) set.add(bytes, 0, bytes.length);
    else if (type === ItemType.ZSET) zset.put(i, bytes, 0, bytes.length);
    else hash.set(bytes, 0, bytes.length, bytes, 0, bytes.length);
  }
  return value;
}

function add(keyspace: Keyspace, name: string, type: ItemType): number {
  const key = Buffer.from(name);
  const value = fill(keyspace, type);
  return keyspace.databases[0]!.addValue(key, 0, key.length, type, value.encoding, value.root, Number.NaN);
}

describe('Keyspace', () => {
  for (const type of [ItemType.LIST, ItemType.SET, ItemType.ZSET, ItemType.HASH]) {
    it(`a large value is taken away at once and freed in slices (type ${type})`, () => {
      const keyspace = new Keyspace({ expired() {} }, 1);
      const db = keyspace.databases[0]!;
      const entry = add(keyspace, 'large', type);
      const used = keyspace.arena.bytesUsed;
      db.deleteEntry(entry);
      expect(db.size).toBe(0);
      expect(keyspace.discarded.count).toBe(1);
      expect(keyspace.arena.bytesUsed).toBeGreaterThan(used * 0.9);
      for (let slices = 0; keyspace.discarded.count > 0; slices++) {
        expect(slices).toBeLessThan(ELEMENTS);
        keyspace.freeSlice(100);
      }
      expectNoLeak(keyspace);
    });

    it(`a snapshot reads a large value whole that is deleted and freed meanwhile (type ${type})`, () => {
      const keyspace = new Keyspace({ expired() {} }, 1);
      const entry = add(keyspace, 'large', type);
      const before = [...contents(keyspace).values()][0];
      const handed: number[] = [];
      let acked = 0;
      const capture = new Capture(keyspace, {
        handed: () => handed.length,
        acked: () => acked,
        room: () => 1000,
        push: (_db, address) => handed.push(address),
        publish: () => {},
      });
      const reader = Arena.attach(keyspace.arena.buffers());
      keyspace.databases[0]!.deleteEntry(entry);
      while (keyspace.discarded.count > 0) keyspace.freeSlice(100);
      for (let i = 0; i < 3; i++) add(keyspace, `other-${i}`, type);
      expect(handed.length).toBe(1);
      expect(describeEntry(reader, handed[0]!, keyspace)).toBe(before);
      acked = 1;
      capture.step(1, () => 0);
      capture.end();
      expectNoLeak(keyspace);
    });
  }

  it('a flushed database is empty at once, and its memory comes back in slices', () => {
    const keyspace = new Keyspace({ expired() {} }, 1);
    const db = keyspace.databases[0]!;
    for (let i = 0; i < 3000; i++) {
      const key = Buffer.from(`key-${i}`);
      db.setString(key, 0, key.length, key, 0, key.length, 0, Number.NaN);
    }
    add(keyspace, 'large', ItemType.ZSET);
    expect(keyspace.flush(db, true)).toBe(3001);
    expect(db.size).toBe(0);
    for (let slices = 0; keyspace.discarded.count > 0; slices++) {
      expect(slices).toBeLessThan(300);
      keyspace.freeSlice(100);
    }
    expectNoLeak(keyspace);
  });
});
