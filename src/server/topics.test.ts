/** Topics against a Map of strings: random names, with hashes that collide and without. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../test/support/random.js';
import { TEST_SEED } from '../../test/support/seed.js';
import type { Client } from './client.js';
import { Topics } from './topics.js';

const SEED = TEST_SEED;

describe.each([
  ['their own hash', undefined],
  ['three hashes for all', (name: Uint8Array) => name.length % 3],
])('topics with %s', (_, hash) => {
  it(`are found by their names as long as somebody is there (ONGGI_SEED=${SEED})`, () => {
    const r = new Random(SEED);
    const topics = new Topics(hash);
    const model = new Map<string, Set<Client>>();
    const names = Array.from({ length: 60 }, (_, i) => Buffer.from(`${'\x00\xff'.repeat(i % 4)}${i >> 2}`, 'latin1'));
    for (let step = 0; step < 5000; step++) {
      const name = r.pick(names);
      const text = name.toString('latin1');
      const client = { id: r.below(5) } as Client;
      if (r.chance(50)) {
        topics.open(name).subscribers.add(client);
        model.set(text, (model.get(text) ?? new Set()).add(client));
      } else if (model.has(text)) {
        topics.remove(topics.find(name)!);
        model.delete(text);
      }
      expect(topics.size).toBe(model.size);
      const asked = r.pick(names);
      expect(topics.find(asked)?.subscribers ?? null).toEqual(model.get(asked.toString('latin1')) ?? null);
    }
    const there = [...topics].map((topic) => Buffer.from(topic.name).toString('latin1'));
    expect(there.sort()).toEqual([...model.keys()].sort());
  });
});

it('a topic keeps a copy of its name', () => {
  const topics = new Topics();
  const name = Buffer.from('abc');
  topics.open(name);
  name.fill(0);
  expect(topics.find(Buffer.from('abc'))).not.toBe(null);
});
