/** The script language and its comparisons: that a difference is seen, and what does not count as one. */
import { describe, expect, it } from 'vitest';
import { readReply } from '../support/reply.js';
import { difference } from './compare.js';
import { formatDouble72, formatSeventeenDigits, isSeventeenDigits } from './doubles.js';
import { type Mode, parseScript, splitLine } from './script.js';

const words = (line: string): string[] => splitLine(line).map((arg) => arg.toString('latin1'));

describe('a line', () => {
  it('is split as redis-cli splits it', () => {
    expect(words(`SET "a b\\x00\\n\\"" 'it\\'s' ""  x`)).toEqual(['SET', 'a b\0\n"', "it's", '', 'x']);
    expect(() => words('GET "open')).toThrow('unbalanced');
    expect(() => words('GET "a"b')).toThrow('behind a closing quote');
  });
  it('writes out ranges and repetitions outside of quotes', () => {
    expect(words('{1..3} a{-1..1}b {ab*3} "{1..3}" k{1..2}{x*2}')).toEqual([
      '1',
      '2',
      '3',
      'a-1b',
      'a0b',
      'a1b',
      'ababab',
      '{1..3}',
      'k1xx',
      'k2xx',
    ]);
  });
});

describe('a script', () => {
  it('has sections, protocols, connections, modes and expectations', () => {
    const script = parseScript(`
      @server --hz 10
      == first
      # a comment
      SET k v
      @3
      b> sorted near 2: SMEMBERS s
      =3 ~["a"]
      == second
      let id: CLIENT ID
      raw 2: "PING\\r\\n" "PING\\r\\n"
      waiting: 2
      closed:
    `);
    expect(script.serverArgs).toEqual(['--hz', '10']);
    const [first, second] = script.sections;
    expect(first!.steps.map(({ protocols, connection, mode }) => [protocols, connection, mode])).toEqual([
      [[2, 3], 'a', {}],
      [[3], 'b', { sorted: true, near: 2 }],
    ]);
    expect(first!.steps[1]!.expect).toEqual({ 3: readReply('~["a"]') });
    expect(second!.steps.map(({ action }) => action.kind)).toEqual(['command', 'raw', 'waiting', 'closed']);
    expect(second!.steps[0]!.mode).toEqual({ let: 'id' });
  });
  it('repeats what stands in loops', () => {
    const text = '== s\n@for i 1..2\n@each c GET k$i | DEL k$i x\n$c\n@end\n@end';
    expect(parseScript(text).sections[0]!.steps.map((step) => step.text)).toEqual([
      'GET k1',
      'DEL k1 x',
      'GET k2',
      'DEL k2 x',
    ]);
  });
  it.each([
    ['GET k', 'before the first section'],
    ['== s\nfoo: GET k', 'unknown mode foo'],
    ['== s\n@4', 'unknown directive @4'],
    ['== s\n= +OK', 'an expectation without a command'],
    ['== s\n@for i 1..2\nGET k', 'a loop without @end'],
    ['== s\nGET k\n= nonsense', 'not a reply'],
  ])('%j is refused', (text, message) => {
    expect(() => parseScript(text)).toThrow(message);
  });
});

describe('a comparison', () => {
  const differs = (a: string, b: string, mode: Mode = {}): boolean =>
    difference(readReply(a), readReply(b), mode) !== null;

  it.each([
    ['"1"', ':1'],
    ['$-1', '*-1'],
    ['$-1', '_'],
    ['""', '$-1'],
    ['[]', '*-1'],
    ['["a", "b"]', '["b", "a"]'],
    ['[["a"]]', '[["b"]]'],
    ['["a"]', '~["a"]'],
    ['-ERR a', '-ERR b'],
    ['"0.10000000000000001"', '"0.1"'],
  ])('tells %s from %s', (a, b) => {
    expect(differs(a, b)).toBe(true);
    expect(differs(a, a)).toBe(false);
  });

  it('takes elements in any order where it may, and no others', () => {
    expect(differs('["a", "b"]', '["b", "a"]', { sorted: true })).toBe(false);
    expect(differs('["a", "b"]', '["b", "b"]', { sorted: true })).toBe(true);
    expect(differs('["a", :1, "b", :2]', '["b", :2, "a", :1]', { pairs: true })).toBe(false);
    expect(differs('["a", :1, "b", :2]', '["b", :1, "a", :2]', { pairs: true })).toBe(true);
    expect(differs('%["a", :1, "b", :2]', '%["b", :2, "a", :1]', { pairs: true })).toBe(false);
    expect(differs('[["a", ,1], ["b", ,2]]', '[["b", ,2], ["a", ,1]]', { pairs: true })).toBe(false);
  });
  it('takes numbers within a tolerance', () => {
    expect(differs(':1000', ':999', { near: 2 })).toBe(false);
    expect(differs(':1000', ':997', { near: 2 })).toBe(true);
    expect(differs(':1000', '"1000"', { near: 2 })).toBe(true);
    expect(differs(':5', ':-1', { near: 2 })).toBe(true);
  });
  it('compares types, shapes, kinds of errors and fields', () => {
    expect(differs('["a", :1]', '["b", :2]', { shape: true })).toBe(false);
    expect(differs('["a", :1]', '["b"]', { shape: true })).toBe(true);
    expect(differs('["a"]', '["b", "c"]', { type: true })).toBe(false);
    expect(differs('["a"]', '*-1', { type: true })).toBe(true);
    expect(differs('-ERR a', '-ERR b', { error: true })).toBe(false);
    expect(differs('-ERR a', '-WRONGTYPE b', { error: true })).toBe(true);
    expect(differs('"a=1 b=2"', '"b=3 c=4 a=5"', { fields: true })).toBe(false);
    expect(differs('"a:1\\r\\nb:2"', '"a:1\\r\\n"', { fields: true })).toBe(true);
  });
  it('takes the shortest form of a double for seventeen digits, and nothing else', () => {
    expect(differs('"0.10000000000000001"', '"0.1"', { doubles: true })).toBe(false);
    expect(differs('["a", ,0.10000000000000001]', '["a", ,0.1]', { doubles: true })).toBe(false);
    expect(differs('"0.10000000000000001"', '"0.2"', { doubles: true })).toBe(true);
    expect(differs('"0.1"', '"0.10000000000000001"', { doubles: true })).toBe(true);
    expect(differs('"1e+17"', '"100000000000000000"', { doubles: true })).toBe(false);
    expect(differs('"abc"', '"abd"', { doubles: true })).toBe(true);
  });
});

describe('doubles', () => {
  it.each([
    [0, '0', '0'],
    [-0, '-0', '-0'],
    [1, '1', '1'],
    [0.1, '0.1', '0.10000000000000001'],
    [1e17, '100000000000000000', '1e+17'],
    [1.5e-5, '0.000015', '1.5e-05'],
    [1e-7, '1e-7', '9.9999999999999995e-08'],
    [1e22, '1e+22', '1e+22'],
    [1.2345678901234567e23, '123456789012345670000000', '1.2345678901234567e+23'],
    [-1.2345678901234567e23, '-1.2345678901234567e+23', '-1.2345678901234567e+23'],
    [1.7976931348623157e308, '1.7976931348623157e+308', '1.7976931348623157e+308'],
    [5e-324, '5e-324', '4.9406564584124654e-324'],
    [123456789.125, '123456789.125', '123456789.125'],
    [Infinity, 'inf', 'inf'],
    [-Infinity, '-inf', '-inf'],
  ])('%d is %s, in 7.0 %s', (value, shortest, seventeen) => {
    expect(formatDouble72(value)).toBe(shortest);
    expect(formatSeventeenDigits(value)).toBe(seventeen);
    expect(isSeventeenDigits(seventeen)).toBe(true);
  });
});
