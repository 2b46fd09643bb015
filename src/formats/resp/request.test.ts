import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestParser } from './request.js';

/** The commands in the pieces, each a list of byte strings; then what is wrong, if something is. */
function parse(pieces: readonly string[], set: (parser: RequestParser) => void = () => {}): (string[] | string)[] {
  const parser = new RequestParser();
  set(parser);
  const found: (string[] | string)[] = [];
  // One buffer for all pieces, written over each time: nothing may refer to it after `rest`.
  const shared = new Uint8Array(Math.max(1, ...pieces.map((piece) => piece.length)) + 8);
  for (const piece of pieces) {
    shared.fill(35);
    shared.set(Buffer.from(piece, 'latin1'), 3);
    parser.feed(shared, 3, piece.length);
    while (parser.next()) {
      found.push(Array.from({ length: parser.args.count }, (_, i) => parser.args.latin1(i)));
    }
    parser.rest();
  }
  if (parser.error !== null) found.push(parser.error);
  return found;
}

const parseWhole = (text: string, set?: (parser: RequestParser) => void) => parse([text], set);

function resp(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

describe('RESP requests', () => {
  it('come one after the other, with any bytes in them', () => {
    const text = resp('SET', 'k', 'a\r\nb\0') + resp('GET', '') + resp('PING');
    expect(parseWhole(text)).toEqual([['SET', 'k', 'a\r\nb\0'], ['GET', ''], ['PING']]);
  });

  it('may be empty or negative, and are skipped then', () => {
    expect(parseWhole(`*0\r\n${resp('A')}*-1\r\n*-5\r\n${resp('B')}`)).toEqual([['A'], ['B']]);
  });

  it('may have many arguments', () => {
    const args = Array.from({ length: 5000 }, (_, i) => String(i));
    expect(parseWhole(resp(...args))).toEqual([args]);
  });

  it('take the two bytes behind a bulk string for its end, whatever they are', () => {
    expect(parseWhole('*1\r\n$4\r\nPINGxx*1\r\n$1\r\nAyy')).toEqual([['PING'], ['A']]);
  });
});

describe('inline requests', () => {
  it.each([
    ['PING\r\n', ['PING']],
    ['PING\n', ['PING']],
    ['  SET  k   v  \r\n', ['SET', 'k', 'v']],
    ['SET k "a b\\x41\\n"\r\n', ['SET', 'k', 'a bA\n']],
    ["SET k 'it\\'s'\r\n", ['SET', 'k', "it's"]],
    ['SET k ""\r\n', ['SET', 'k', '']],
    ['a\rb\r\n', ['a', 'b']],
  ])('%j', (text, words) => {
    expect(parseWhole(text)).toEqual([words]);
  });

  it('are skipped when they are blank', () => {
    expect(parseWhole('\r\n\n   \r\nPING\r\n')).toEqual([['PING']]);
  });

  it('mix with arrays', () => {
    expect(parseWhole(`PING\r\n${resp('GET', 'k')}ECHO x\n`)).toEqual([['PING'], ['GET', 'k'], ['ECHO', 'x']]);
  });

  it.each(['SET k "a\r\n', "SET k 'a\r\n", 'SET k "a"b\r\n'])('with unbalanced quotes are an error: %j', (text) => {
    expect(parseWhole(text)).toEqual(['Protocol error: unbalanced quotes in request']);
  });
});

describe('protocol errors', () => {
  it.each([
    ['*x\r\n', 'invalid multibulk length'],
    ['*\r\n', 'invalid multibulk length'],
    ['*2147483648\r\n', 'invalid multibulk length'],
    ['*99999999999999999999\r\n', 'invalid multibulk length'],
    ['*1 \r\n', 'invalid multibulk length'],
    ['*01\r\n', 'invalid multibulk length'],
    ['*-0\r\n', 'invalid multibulk length'],
    ['*1\r\nxabc\r\n', "expected '$', got 'x'"],
    ['*1\r\n:1\r\n', "expected '$', got ':'"],
    ['*1\r\n$x\r\n', 'invalid bulk length'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$\r\n', 'invalid bulk length'],
    ['*1\r\n$01\r\n', 'invalid bulk length'],
    ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ])('%j: %s', (text, what) => {
    expect(parseWhole(text)).toEqual([`Protocol error: ${what}`]);
  });

  it('come after the commands before them, and end everything', () => {
    expect(parse([`${resp('PING')}*x\r\n`, resp('PING')])).toEqual([
      ['PING'],
      'Protocol error: invalid multibulk length',
    ]);
  });

  it.each([
    ['*', 'too big mbulk count string'],
    ['*1\r\n$', 'too big bulk count string'],
    ['', 'too big inline request'],
  ])('a line that does not end after %j: %s', (before, what) => {
    expect(parse([before, '1'.repeat(65536)])).toEqual(before === '' ? [] : [`Protocol error: ${what}`]);
    expect(parse([before, '1'.repeat(65537)])).toEqual([`Protocol error: ${what}`]);
  });

  it('a zero byte hides the end of a line', () => {
    expect(parseWhole('*1\0\r\n$4\r\nPING\r\n')).toEqual([]);
    expect(parseWhole('PING\0\r\nPING\r\n')).toEqual([]);
  });

  it('proto-max-bulk-len is the longest argument', () => {
    const set = (parser: RequestParser) => {
      parser.bulkMax = 1024 * 1024;
    };
    expect(parseWhole('*1\r\n$1048576\r\n', set)).toEqual([]);
    expect(parseWhole('*1\r\n$1048577\r\n', set)).toEqual(['Protocol error: invalid bulk length']);
  });

  it('a client that has not authenticated sends ten arguments of 16 KB at most', () => {
    const set = (parser: RequestParser) => {
      parser.authenticated = false;
    };
    expect(parseWhole(resp(...'abcdefghij'), set)).toHaveLength(1);
    expect(parseWhole('*11\r\n', set)).toEqual(['Protocol error: unauthenticated multibulk length']);
    expect(parseWhole('*1\r\n$16384\r\n', set)).toEqual([]);
    expect(parseWhole('*1\r\n$16385\r\n', set)).toEqual(['Protocol error: unauthenticated bulk length']);
  });
});

describe('input in pieces', () => {
  const script =
    resp('SET', 'key', 'x'.repeat(100)) +
    'PING\r\n' +
    resp('MSET', ...Array.from({ length: 12 }, (_, i) => `v${i}`)) +
    '\r\n*0\r\n' +
    resp('GET', '', 'a\r\nb') +
    'ECHO "a b"\n' +
    resp('LAST');

  it('gives the same commands wherever it is cut', () => {
    const whole = parseWhole(script);
    expect(whole).toHaveLength(6);
    for (let cut = 1; cut < script.length; cut++) {
      expect(parse([script.slice(0, cut), script.slice(cut)]), `cut at ${cut}`).toEqual(whole);
    }
    expect(parse([...script])).toEqual(whole);
  });

  it('gives the same commands and errors however it is cut', () => {
    const argument = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.constant('x'.repeat(200)), fc.constant(''));
    const request = fc.oneof(
      fc.array(argument, { minLength: 1, maxLength: 20 }).map((args) => resp(...args)),
      fc.constantFrom('PING\r\n', 'SET a "b c"\n', '\r\n', '*0\r\n', '*-1\r\n'),
      fc.constantFrom('*1\r\n$x\r\n', '*z\r\n', 'a "\r\n', '*1\r\nx\r\n'),
    );
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 12 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 40 }),
        (requests, sizes) => {
          const text = requests.join('');
          const pieces: string[] = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(text.slice(at, at + size));
            at += size;
          }
          pieces.push(text.slice(at));
          expect(parse(pieces.filter((piece) => piece !== ''))).toEqual(parseWhole(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('copies a long argument once, not once a piece', () => {
    const bytes = 32 * 1024 * 1024;
    const parser = new RequestParser();
    const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${bytes}\r\n`);
    const piece = new Uint8Array(16 * 1024).fill(97);
    let capacityChanges = 0;
    let capacity = 0;
    const feed = (buf: Uint8Array): boolean => {
      parser.feed(buf, 0, buf.length);
      const complete = parser.next();
      if (!complete) parser.rest();
      if (parser.keptCapacity !== capacity) capacityChanges++;
      capacity = parser.keptCapacity;
      return complete;
    };
    expect(feed(head)).toBe(false);
    for (let sent = 0; sent < bytes; sent += piece.length) expect(feed(piece)).toBe(false);
    expect(feed(Buffer.from('\r\n'))).toBe(true);
    expect(parser.args.count).toBe(3);
    expect(parser.args.len[2]).toBe(bytes);
    expect(parser.args.bytes(2).every((byte) => byte === 97)).toBe(true);
    expect(capacityChanges).toBeLessThan(20);
    // Memory follows what has arrived, and is given back.
    expect(capacity).toBeLessThan(3 * bytes);
    parser.next();
    parser.rest();
    expect(parser.keptCapacity).toBe(0);
  });

  it('does not take memory for an argument that is only announced', () => {
    const parser = new RequestParser();
    const head = Buffer.from('*1\r\n$536870912\r\nabc');
    parser.feed(head, 0, head.length);
    expect(parser.next()).toBe(false);
    parser.rest();
    parser.feed(head, 0, 3);
    expect(parser.next()).toBe(false);
    expect(parser.keptCapacity).toBeLessThan(100_000);
  });

  it('keeps what was not asked for while commands wait', () => {
    const parser = new RequestParser();
    const text = Buffer.from(resp('A') + resp('B') + resp('C').slice(0, 5));
    parser.feed(text, 0, text.length);
    expect(parser.next()).toBe(true);
    parser.rest();
    text.fill(0);
    const more = Buffer.from(resp('C').slice(5));
    parser.feed(more, 0, more.length);
    expect(parser.next()).toBe(true);
    expect(parser.args.latin1(0)).toBe('B');
    expect(parser.next()).toBe(true);
    expect(parser.args.latin1(0)).toBe('C');
    expect(parser.next()).toBe(false);
  });
});

it('the room that a command of very many arguments took is given back when its connection is idle', () => {
  const parser = new RequestParser();
  const words = Array.from({ length: 100_000 }, () => 'a');
  const bytes = Buffer.from(resp('DEL', ...words));
  parser.feed(bytes, 0, bytes.length - 1);
  expect(parser.next()).toBe(false);
  parser.rest();
  expect(parser.argsRoomBytes).toBeGreaterThan(800_000);
  parser.feed(bytes, bytes.length - 1, 1);
  expect(parser.next()).toBe(true);
  expect(parser.args.count).toBe(100_001);
  parser.rest();
  expect(parser.argsRoomBytes).toBeLessThan(10_000);
});
