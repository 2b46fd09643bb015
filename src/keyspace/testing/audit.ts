/** The audit of the arena that every test of a change ends with. */
import { expect } from 'vitest';
import type { Keyspace } from '../keyspace.js';

/** Frees what waits to be freed; then every allocated block must belong to a table, an entry or a value. */
export function expectNoLeak(keyspace: Keyspace): void {
  keyspace.freeSlice(Number.POSITIVE_INFINITY);
  const live: number[] = [];
  keyspace.blocks((address) => live.push(address));
  expect(live.sort((a, b) => a - b)).toEqual(keyspace.arena.allocated());
}
