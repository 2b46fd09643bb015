import { expect, test } from 'vitest';
import { Args } from '../formats/resp/args.js';
import { UnknownCommand } from '../persistence/recovery.js';
import { applyFunction } from './kept-libraries.js';

const code = (name: string, body = '') =>
  `#!lua name=${name}\nredis.register_function('f', function() return 1 end)${body}`;

test('FUNCTION LOAD, DELETE and FLUSH of a log change the libraries that are kept', () => {
  const kept = { libraries: [] as Uint8Array[] };
  const apply = (...argv: string[]) => applyFunction(kept, Args.of('FUNCTION', ...argv));
  const sources = () => kept.libraries.map((each) => Buffer.from(each).toString());
  expect(apply('LOAD', code('a'))).toBeNull();
  expect(apply('load', 'replace', code('a', ' --2'))).toBeNull();
  expect(apply('LOAD', code('b'))).toBeNull();
  expect(sources()).toEqual([code('a', ' --2'), code('b')]);
  expect(apply('LOAD', code('b'))).toBe("ERR Library 'b' already exists");
  expect(apply('LOAD', 'return 1')).toBe('ERR Missing library metadata');
  expect(apply('DELETE', 'c')).toBe('ERR Library not found');
  expect(apply('DELETE', 'a')).toBeNull();
  expect(sources()).toEqual([code('b')]);
  expect(apply('FLUSH', 'ASYNC')).toBeNull();
  expect(sources()).toEqual([]);
  expect(() => apply('RESTORE', 'x')).toThrow(UnknownCommand);
  expect(() => apply('LOAD', 'X', code('a'))).toThrow(UnknownCommand);
});
