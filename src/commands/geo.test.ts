import { beforeEach, expect, it } from 'vitest';
import { GEO_COMMANDS } from './geo-rows.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';
import { ZSET_COMMANDS } from './zset.js';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(GEO_COMMANDS, ZSET_COMMANDS, STRING_COMMANDS);
  t.run('geoadd', 'g', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
});

it('GEOADD is propagated as the ZADD that it is', () => {
  expect(t.events).toEqual(['new g', 'zadd g']);
  expect(t.effects).toEqual([['zadd', 'g', '3479099956230698', 'Palermo', '3479447370796909', 'Catania']]);
  t.forget();
  expect(t.run('geoadd', 'g', 'CH', 'XX', 13.361389, 38.115556, 'Palermo', 0, 0, 'New')).toBe(0);
  expect([t.events, t.effects]).toEqual([[], []]);
});

it('storing replaces what was there, and nothing found deletes it', () => {
  t.run('set', 'd', 'x');
  t.forget();
  expect(t.run('geosearchstore', 'd', 'g', 'FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km')).toBe(2);
  expect(t.events).toEqual(['geosearchstore d']);
  expect(t.dirty).toBe(2);
  expect(t.run('zrange', 'd', 0, -1)).toEqual(['Palermo', 'Catania']);
  t.forget();
  expect(t.run('georadius', 'g', 0, 0, 1, 'm', 'STORE', 'd')).toBe(0);
  expect(t.events).toEqual(['del d']);
  t.forget();
  expect(t.run('georadius', 'g', 15, 37, 200, 'km', 'STOREDIST', 'd')).toBe(2);
  expect(t.events).toEqual(['new d', 'georadiusstore d']);
});

it('a member of the result is not the key itself: a search may store over its source', () => {
  expect(t.run('georadiusbymember', 'g', 'Palermo', 1, 'km', 'STORE', 'g')).toBe(1);
  expect(t.run('zrange', 'g', 0, -1, 'WITHSCORES')).toEqual(['Palermo', '3479099956230698']);
});

it('ANY stops at the first ones found, COUNT alone gives the nearest', () => {
  for (let i = 0; i < 200; i++) t.run('geoadd', 'many', i / 100, 1, `m${i}`);
  const search = (...options: string[]) =>
    t.run('geosearch', 'many', 'FROMLONLAT', 1, 1, 'BYRADIUS', 500, 'km', 'COUNT', 3, ...options);
  expect((search() as string[]).sort()).toEqual(['m100', 'm101', 'm99']);
  expect(search('ANY')).toHaveLength(3);
});
