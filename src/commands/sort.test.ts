import { beforeEach, expect, it } from 'vitest';
import { HASH_COMMANDS } from './hash.js';
import { LIST_COMMANDS } from './list.js';
import { SET_COMMANDS } from './set.js';
import { SORT_COMMANDS } from './sort.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(SORT_COMMANDS, LIST_COMMANDS, SET_COMMANDS, HASH_COMMANDS, STRING_COMMANDS);
});

it('what is stored is a new list, and the command is propagated as it came', () => {
  t.run('rpush', 'l', 3, 1, 2);
  t.forget();
  expect(t.run('sort', 'l', 'STORE', 'd')).toBe(3);
  expect(t.events).toEqual(['new d', 'sortstore d']);
  expect(t.dirty).toBe(3);
  expect(t.effects).toEqual([['sort', 'l', 'STORE', 'd']]);
  expect(t.run('lrange', 'd', 0, -1)).toEqual(['1', '2', '3']);
  t.forget();
  expect(t.run('sort', 'missing', 'STORE', 'd')).toBe(0);
  expect(t.events).toEqual(['del d']);
  t.forget();
  t.run('sort', 'l');
  expect(t.effects).toEqual([]);
});

it('elements may be sorted by and replaced with what other keys hold', () => {
  t.run('rpush', 'l', 1, 2, 3);
  t.run('mset', 'w_1', 3, 'w_2', 2, 'w_3', 1);
  t.run('hset', 'o_1', 'name', 'one');
  expect(t.run('sort', 'l', 'BY', 'w_*', 'GET', '#', 'GET', 'o_*->name')).toEqual(['3', null, '2', null, '1', 'one']);
  expect(t.run('sort', 'l', 'BY', 'none', 'DESC', 'LIMIT', 0, 2)).toEqual(['3', '2']);
});

it('a set is stored in an order that does not depend on its own', () => {
  t.run('sadd', 's', 'c', 'a', 'b');
  t.run('sort', 's', 'BY', 'none', 'STORE', 'd');
  expect(t.run('lrange', 'd', 0, -1)).toEqual(['a', 'b', 'c']);
});

it('equal numbers are in the order of their bytes, both ways', () => {
  t.run('rpush', 'l', '1.0', '01', '1', '+1');
  expect(t.run('sort', 'l')).toEqual(['+1', '01', '1', '1.0']);
  expect(t.run('sort', 'l', 'DESC')).toEqual(['1.0', '1', '01', '+1']);
});
