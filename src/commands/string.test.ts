import { expect, it } from 'vitest';
import { EXPIRE_COMMANDS } from './expire.js';
import { KEY_COMMANDS } from './keys.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';

const fresh = (): FakeContext => new FakeContext(STRING_COMMANDS, KEY_COMMANDS, EXPIRE_COMMANDS);

it('smoke', () => {
  const t = fresh();
  expect(t.run('set', 'a', '1')).toBe('OK');
  expect(t.run('incr', 'a')).toBe(2);
  expect(t.run('append', 'a', 'xyz')).toBe(4);
  expect(t.run('get', 'a')).toBe('2xyz');
  expect(t.run('scan', '0')).toEqual(['0', ['a']]);
  expect(t.run('object', 'encoding', 'a')).toEqual('raw');
  expect(t.events).toEqual(['new a', 'set a', 'incrby a', 'append a']);
});
