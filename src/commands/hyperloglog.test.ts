import { beforeEach, expect, it } from 'vitest';
import { HYPERLOGLOG_COMMANDS } from './hyperloglog.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(HYPERLOGLOG_COMMANDS, STRING_COMMANDS);
});

const elements = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `e${from + i}`);

it('a new key is a change, a known element none', () => {
  expect(t.run('pfadd', 'h')).toBe(1);
  expect(t.events).toEqual(['new h', 'pfadd h']);
  expect(t.dirty).toBe(1);
  expect(t.run('pfadd', 'h', 'a', 'b')).toBe(1);
  expect(t.dirty).toBe(3);
  t.forget();
  expect(t.run('pfadd', 'h', 'b', 'a')).toBe(0);
  expect([t.events, t.effects]).toEqual([[], []]);
});

it('PFCOUNT keeps its estimate: WATCHers and the log are told, once, but there is no event', () => {
  t.run('pfadd', 'h', 'a', 'b', 'c');
  t.forget();
  expect(t.run('pfcount', 'h')).toBe(3);
  expect([t.events, t.touched, t.effects]).toEqual([[], ['0:h'], [['pfcount', 'h']]]);
  t.forget();
  expect(t.run('pfcount', 'h')).toBe(3);
  expect([t.touched, t.effects]).toEqual([[], []]);
});

it('estimates stay within two percent, sparse, dense and merged', () => {
  for (let k = 0; k < 20; k++) t.run('pfadd', 'x', ...elements(k * 500, k * 500 + 500));
  for (let k = 0; k < 3; k++) t.run('pfadd', 'y', ...elements(9500 + k * 100, 9600 + k * 100));
  expect([t.run('pfdebug', 'encoding', 'x'), t.run('pfdebug', 'encoding', 'y')]).toEqual(['dense', 'sparse']);
  const near = (got: unknown, wanted: number) => expect(Math.abs(Number(got) / wanted - 1)).toBeLessThan(0.02);
  near(t.run('pfcount', 'x'), 10000);
  near(t.run('pfcount', 'y'), 300);
  near(t.run('pfcount', 'x', 'y'), 10000);
  t.forget();
  expect(t.run('pfmerge', 'm', 'x', 'y')).toBe('OK');
  expect(t.events).toEqual(['new m', 'pfadd m']);
  expect(t.run('pfcount', 'm')).toBe(t.run('pfcount', 'x', 'y'));
});

it('sparse and dense hold the same registers', () => {
  t.run('pfadd', 'h', ...elements(0, 400));
  const sparse = t.run('pfcount', 'h');
  t.run('set', 'copy', String(t.run('get', 'h')));
  expect(t.run('pfdebug', 'todense', 'h')).toBe(1);
  expect(String(t.run('get', 'h')).length).toBe(12304);
  expect(t.run('pfcount', 'h', 'missing')).toBe(sparse);
  expect(t.run('pfdebug', 'getreg', 'h')).toEqual(t.run('pfdebug', 'getreg', 'copy'));
  expect(t.run('pfselftest')).toBe('OK');
});
