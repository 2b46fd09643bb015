import { beforeEach, expect, it } from 'vitest';
import { BIT_COMMANDS } from './bits.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(BIT_COMMANDS, STRING_COMMANDS);
});

it('a bit that stays as it is changes nothing', () => {
  expect(t.run('setbit', 'k', 3, 1)).toBe(0);
  expect(t.events).toEqual(['new k', 'setbit k']);
  expect(t.effects).toEqual([['setbit', 'k', '3', '1']]);
  t.forget();
  expect(t.run('setbit', 'k', 3, 1)).toBe(1);
  expect(t.run('setbit', 'k', 4, 0)).toBe(0);
  expect([t.events, t.effects]).toEqual([[], []]);
});

it('clearing a bit behind the end makes the string longer, and that is a change', () => {
  t.run('set', 'k', 'a');
  t.forget();
  t.run('setbit', 'k', 20, 0);
  expect(t.run('get', 'k')).toBe('a\0\0');
  expect(t.events).toEqual(['setbit k']);
});

it('every field that BITFIELD changes counts, in one event', () => {
  t.run('bitfield', 'k', 'SET', 'u8', 0, 0, 'INCRBY', 'u8', 8, 1, 'GET', 'u8', 0);
  expect(t.events).toEqual(['new k', 'setbit k']);
  expect(t.dirty).toBe(2);
  t.forget();
  t.run('bitfield', 'k', 'SET', 'u8', 0, 0, 'GET', 'u8', 8);
  expect([t.events, t.effects]).toEqual([[], []]);
});

it('a string that grew for a field that then failed is logged', () => {
  expect(t.run('bitfield', 'k', 'OVERFLOW', 'FAIL', 'SET', 'u4', 0, 16)).toEqual([null]);
  expect(t.run('strlen', 'k')).toBe(1);
  expect(t.effects).toHaveLength(1);
});

it('BITOP stores its result, or deletes the key when it is empty', () => {
  t.run('set', 'a', 'abc');
  t.forget();
  expect(t.run('bitop', 'NOT', 'd', 'a')).toBe(3);
  expect(t.events).toEqual(['new d', 'set d']);
  t.forget();
  expect(t.run('bitop', 'OR', 'd', 'missing')).toBe(0);
  expect(t.events).toEqual(['del d']);
  t.forget();
  expect(t.run('bitop', 'OR', 'd', 'missing')).toBe(0);
  expect(t.effects).toEqual([]);
});

it('long strings are combined across the pieces they are read in', () => {
  const long = (seed: number, bytes: number) =>
    Array.from({ length: bytes }, (_, i) => String.fromCharCode((i * seed + (i >>> 8)) & 255)).join('');
  const x = long(7, 50_001);
  const y = long(13, 33_333);
  t.run('set', 'x', x);
  t.run('set', 'y', y);
  for (const [name, of] of [
    ['AND', (p: number, q: number) => p & q],
    ['OR', (p: number, q: number) => p | q],
    ['XOR', (p: number, q: number) => p ^ q],
  ] as const) {
    expect(t.run('bitop', name, 'd', 'x', 'y')).toBe(x.length);
    const byte = (s: string, i: number) => (i < s.length ? s.charCodeAt(i) : 0);
    const expected = Array.from(x, (_, i) => String.fromCharCode(of(byte(x, i), byte(y, i)))).join('');
    expect(t.run('get', 'd') === expected).toBe(true);
  }
});
