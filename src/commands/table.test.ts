import { describe, expect, it } from 'vitest';
import { Args } from '../formats/resp/args.js';
import { FAMILIES } from './families.js';
import { keyPositions } from './key-positions.js';
import type { CommandSpec } from './spec.js';
import { CommandTable, Flag } from './table.js';

const row = (name: string, rest: Partial<CommandSpec> = {}): CommandSpec => ({
  name,
  arity: 1,
  flags: [],
  keys: [0, 0, 0],
  acl: [],
  since: '1.0.0',
  group: 'test',
  summary: '',
  complexity: '',
  handler: () => {},
  ...rest,
});

describe('the table', () => {
  const table = new CommandTable(FAMILIES);

  it('finds every command and subcommand in any case, and nothing else', () => {
    for (const command of table.index.all) {
      for (const name of [
        command.name,
        command.name.toUpperCase(),
        `${command.name[0]!.toUpperCase()}${command.name.slice(1)}`,
      ]) {
        expect(table.find(Args.of(name))).toBe(command);
      }
      expect(table.find(Args.of(`${command.name}x`))?.name).not.toBe(command.name);
      for (const sub of command.subcommands?.all ?? []) {
        expect(table.find(Args.of(command.name.toUpperCase(), sub.name.toUpperCase()))).toBe(sub);
        expect(table.named(sub.fullName)).toBe(sub);
      }
    }
    expect(table.find(Args.of('nosuch'))).toBeNull();
    expect(table.find(Args.of(''))).toBeNull();
    expect(table.find(Args.of('config', 'nosuch'))).toBeNull();
  });

  it('does not take bytes beside the letters for letters', () => {
    // 'g' and 'G' differ in one bit, and so do '@' and '`', '[' and '{'.
    const small = new CommandTable([[row('a`b{')]]);
    expect(small.find(Args.of('A`B{'))?.name).toBe('a`b{');
    expect(small.find(Args.of('a@b['))).toBeNull();
  });

  it('has for every command a handler or subcommands with handlers, and a right arity', () => {
    for (const command of table.index.all) {
      const subs = command.subcommands?.all ?? [];
      expect(command.handler !== null || subs.length > 0, command.name).toBe(true);
      expect(
        subs.every((sub) => sub.handler !== null),
        command.name,
      ).toBe(true);
      expect(command.arity, command.name).not.toBe(0);
      expect(command.has(Flag.WRITE) && command.has(Flag.READONLY), command.name).toBe(false);
    }
  });

  it('accepts exact and least numbers of arguments', () => {
    const [exact, least] = new CommandTable([[row('a', { arity: 2 }), row('b', { arity: -2 })]]).index.all;
    expect([1, 2, 3].map((count) => exact!.accepts(count))).toEqual([false, true, false]);
    expect([1, 2, 3].map((count) => least!.accepts(count))).toEqual([false, true, true]);
  });
});

describe('rename-command', () => {
  const names = (renames: [string, string][]) =>
    new CommandTable([[row('a'), row('b')]], renames).index.all.map(({ name, rule }) => `${name}=${rule}`).sort();

  it('gives other names and takes commands away, in order', () => {
    expect(names([['A', 'X']])).toEqual(['b=b', 'x=a']);
    expect(names([['a', '']])).toEqual(['b=b']);
    expect(
      names([
        ['a', 'c'],
        ['b', 'a'],
        ['c', 'b'],
      ]),
    ).toEqual(['a=b', 'b=a']);
  });

  it('refuses unknown commands and names that are taken', () => {
    expect(() => names([['nosuch', 'x']])).toThrow('No such command');
    expect(() => names([['a', 'b']])).toThrow('already exists');
  });
});

describe('keys of a request', () => {
  const keysOf = (spec: Partial<CommandSpec>, ...words: string[]) => {
    const positions = keyPositions(row('x', spec), Args.of(...words));
    return positions?.map(({ index }) => words[index]) ?? null;
  };

  it.each([
    [{ keys: [1, 1, 1] }, 'x a b c', ['a']],
    [{ keys: [1, -1, 2] }, 'x a 1 b 2', ['a', 'b']],
    [{ keys: [2, -2, 1] }, 'x o a b last', ['a', 'b']],
    [{ keys: [0, 0, 0] }, 'x a', []],
  ] as const)('follow from the range %j', (spec, text, keys) => {
    expect(keysOf(spec as Partial<CommandSpec>, ...text.split(' '))).toEqual(keys);
  });

  it('follow from a number of keys', () => {
    const keySpecs = [{ flags: ['RO'], begin: ['index', 1] as const, find: ['keynum', 0, 1, 1] as const }];
    const spec = { keySpecs } as unknown as Partial<CommandSpec>;
    expect(keysOf(spec, 'x', '2', 'a', 'b', 'c')).toEqual(['a', 'b']);
    expect(keysOf(spec, 'x', '9', 'a')).toBeNull();
    expect(keysOf(spec, 'x', '0', 'a')).toBeNull();
    expect(keysOf(spec, 'x', 'z', 'a')).toBeNull();
  });

  it('follow from a word before them', () => {
    const keySpecs = [{ flags: ['RO'], begin: ['keyword', 'STREAMS', 1], find: ['range', -1, 1, 2] }];
    const spec = { keySpecs } as unknown as Partial<CommandSpec>;
    expect(keysOf(spec, 'x', 'COUNT', '1', 'streams', 'a', 'b', '0', '0')).toEqual(['a', 'b']);
  });
});
