import { expect, it } from 'vitest';
import { Encoding, ItemType } from '../memory/item.js';
import type { Value } from '../values/value.js';
import { Keyspace } from './keyspace.js';
import { entryBytes } from './memory-usage.js';

const bytes = (text: string): Buffer => Buffer.from(text);

function fresh(): Keyspace {
  return new Keyspace({ expired: () => {} }, 1);
}

function addKey(keyspace: Keyspace, type: ItemType, value: Value): number {
  const key = bytes('key');
  return keyspace.databases[0]!.addValue(key, 0, key.length, type, value.encoding, value.root, Number.NaN);
}

/** A collection of each type with `count` elements, and bytes of the arena that it took. */
function fill(keyspace: Keyspace, type: ItemType, count: number): { entry: number; taken: number } {
  const before = keyspace.arena.bytesUsed;
  const element = (i: number): Buffer => bytes(`element:${i}:${'x'.repeat(i % 40)}`);
  let value: Value;
  if (type === ItemType.SET) {
    const set = keyspace.createSet();
    for (let i = 0; i < count; i++) set.add(element(i), 0, element(i).length);
    value = set;
  } else if (type === ItemType.HASH) {
    const hash = keyspace.createHash();
    for (let i = 0; i < count; i++) hash.set(element(i), 0, element(i).length, element(i), 0, 5);
    value = hash;
  } else if (type === ItemType.ZSET) {
    const zset = keyspace.createZset();
    for (let i = 0; i < count; i++) zset.put(i, element(i), 0, element(i).length);
    value = zset;
  } else {
    const list = keyspace.createList();
    for (let i = 0; i < count; i++) list.push(false, element(i), 0, element(i).length);
    value = list;
  }
  const entry = addKey(keyspace, type, value);
  return { entry, taken: keyspace.arena.bytesUsed - before };
}

it('a string takes its block', () => {
  const keyspace = fresh();
  const before = keyspace.arena.bytesUsed;
  const value = new Uint8Array(3000);
  const entry = keyspace.databases[0]!.setString(bytes('k'), 0, 1, value, 0, 3000, Encoding.RAW, Number.NaN);
  expect(entryBytes(keyspace, entry, 5)).toBe(keyspace.arena.bytesUsed - before);
});

it.each([
  ['list', ItemType.LIST],
  ['set', ItemType.SET],
  ['sorted set', ItemType.ZSET],
  ['hash', ItemType.HASH],
] as const)('a %s takes all of its blocks; a big one is estimated from samples', (_name, type) => {
  for (const count of [3, 100, 900]) {
    const keyspace = fresh();
    const { entry, taken } = fill(keyspace, type, count);
    expect(entryBytes(keyspace, entry, 5)).toBe(taken);
    expect(entryBytes(keyspace, entry, 0)).toBe(taken);
  }
  const keyspace = fresh();
  const { entry, taken } = fill(keyspace, type, 20_000);
  expect(entryBytes(keyspace, entry, 0)).toBe(taken);
  const estimate = entryBytes(keyspace, entry, 500);
  expect(Math.abs(estimate - taken) / taken).toBeLessThan(0.1);
});
