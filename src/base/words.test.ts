import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString, byteStringOf, escapeBytes, quoteWord, splitWords, TEXT_BYTES_MAX, textOf } from './words.js';

describe('splitWords', () => {
  it.each([
    ['', []],
    ['  \t ', []],
    ['a b  c\t d ', ['a', 'b', 'c', 'd']],
    ['"a b" c', ['a b', 'c']],
    ['"\\x41\\n\\r\\t\\b\\a\\\\\\"\\q\\x4"', ['A\n\r\t\b\x07\\"qx4']],
    ["'a\\'b\\n'", ["a'b\\n"]],
    ['""', ['']],
    ['a"b c"', ['ab c']],
    ["it's", null],
    ['"a', null],
    ["'a", null],
    ['"a"b', null],
    ["'a'b", null],
    ['"a\\', null],
    ['a\0b', ['a']],
    ['a\vb', ['a\vb']],
    ['\va', ['a']],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it('reads back what quoteWord wrote, whatever the bytes', () => {
    const anyBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 5 }), (words) => {
        expect(splitWords(words.map(quoteWord).join(' '))).toEqual(words);
      }),
    );
  });
});

it('text and byte strings turn into each other', () => {
  expect(byteString('옹기')).toBe('\xec\x98\xb9\xea\xb8\xb0');
  expect(textOf(byteString('옹기'))).toBe('옹기');
});

describe('escapeBytes', () => {
  it('is what quoteWord has between its quotes', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(`"${byteStringOf(escapeBytes(all))}"`).toBe(quoteWord(byteStringOf(all)));
  });
});

describe('byteStringOf', () => {
  it('cuts what is too long for a string, which the longest argument is', () => {
    const longest = new Uint8Array(512 * 1024 * 1024);
    expect(byteStringOf(longest).length).toBe(TEXT_BYTES_MAX);
    expect(byteStringOf(longest, 10, 20)).toBe('\0'.repeat(20));
  });
});
