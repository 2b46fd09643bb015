import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatch } from './glob.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const matches = (pattern: string, string: string, ignoreCase = false): boolean =>
  globMatch(bytes(pattern), bytes(string), ignoreCase);

describe('globMatch', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['a', '', false],
    ['*', 'abc', true],
    ['*', '', false],
    ['**', '', false],
    ['a*', 'a', true],
    ['a**b*', 'axxb', true],
    ['*b', 'abab', true],
    ['*ab*', 'xxabxx', true],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['h[ae]llo', 'hallo', true],
    ['h[ae]llo', 'hillo', false],
    ['h[^e]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['[a-c]x', 'bx', true],
    ['[c-a]x', 'bx', true],
    ['[a-c]x', 'dx', false],
    ['[ab', 'b', true],
    ['[ab', 'c', false],
    ['[', 'a', false],
    ['[^', 'a', true],
    ['[]', ']', false],
    ['[]]', ']', false],
    ['[a-]', '-', false],
    ['[a-]', '_', true],
    ['[\\]]', ']', true],
    ['[\\a-c]', '-', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['\xff\x00?', '\xff\x00\x80', true],
    ['[\xf0-\xff]', '\xf5', true],
    ['[\x7f-\x80]', 'a', true],
  ])('%j on %j is %s', (pattern, string, expected) => {
    expect(matches(pattern, string)).toBe(expected);
  });

  it.each([
    ['MaxMemory*', 'maxmemory-policy', true],
    ['[A-C]', 'b', true],
    ['[abc]', 'B', true],
    ['[\\A]', 'a', false],
    ['a', 'B', false],
  ])('without case, %j on %j is %s', (pattern, string, expected) => {
    expect(matches(pattern, string, true)).toBe(expected);
  });

  it('agrees with a matcher that tries everything', () => {
    const piece = fc.constantFrom('a', 'b', '*', '?', '[ab]', '[^a]', '\\*');
    const string = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), string, (pieces, text) => {
        expect(matches(pieces.join(''), text)).toBe(tryAll(pieces, text));
      }),
      { numRuns: 2000 },
    );
  });

  it('comes to an end on patterns that would take a naive matcher forever', () => {
    const pattern = `${'a*'.repeat(2000)}b`;
    expect(matches(pattern, 'a'.repeat(4000))).toBe(false);
  });
});

function tryAll([piece, ...rest]: readonly string[], text: string): boolean {
  if (piece === undefined) return text === '';
  if (piece === '*') {
    for (let i = 0; i <= text.length; i++) if (tryAll(rest, text.slice(i))) return true;
    return false;
  }
  const c = text[0];
  if (c === undefined) return false;
  const taken =
    piece === '?' ||
    (piece === '[ab]' && (c === 'a' || c === 'b')) ||
    (piece === '[^a]' && c !== 'a') ||
    piece === c ||
    (piece === '\\*' && c === '*');
  return taken && tryAll(rest, text.slice(1));
}
