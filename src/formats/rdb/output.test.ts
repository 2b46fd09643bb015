import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../../test/support/rdb-bytes.js';
import { Slice } from '../../base/slice.js';
import { RdbInput } from './input.js';
import { RdbOutput } from './output.js';

function written(write: (out: RdbOutput) => void, compression = true): string {
  const out = new RdbOutput(null, compression, false, 64);
  write(out);
  return Buffer.from(out.bytes()).toString('hex');
}

describe('RdbOutput', () => {
  it('writes lengths in their smallest form', () => {
    const length = (n: number): string => written((out) => out.length(n));
    expect([0, 63, 64, 16383, 16384, 2 ** 32 - 1].map(length)).toEqual([
      ...['00', '3f', '4040', '7fff', '8000004000', '80ffffffff'],
    ]);
    expect(length(2 ** 32)).toBe('810000000100000000');
  });

  it('writes strings that are integers of 32 bits as integers, and no others', () => {
    const string = (text: string): string => written((out) => out.string(latin1(text), 0, text.length));
    expect(string('0')).toBe('c000');
    expect(string('-128')).toBe('c080');
    expect(string('128')).toBe('c18000');
    expect(string('-32769')).toBe('c2ff7fffff');
    expect(string('2147483647')).toBe('c2ffffff7f');
    expect(string('-2147483648')).toBe('c200000080');
    for (const text of ['2147483648', '-2147483649', '007', '-0', '+1', '1.0', '', '-', '99999999999']) {
      expect(string(text)).toBe(Buffer.concat([Buffer.from([text.length]), latin1(text)]).toString('hex'));
    }
  });

  it('compresses strings longer than 20 bytes when it saves more than 4, and only when asked', () => {
    const repeats = (n: number): Uint8Array => new Uint8Array(n).fill(97);
    const string = (n: number, compression = true): string =>
      written((out) => out.string(repeats(n), 0, n), compression);
    expect(string(20)).toBe(`14${'61'.repeat(20)}`);
    expect(string(21)).toMatch(/^c3..15/);
    expect(string(21, false)).toBe(`15${'61'.repeat(21)}`);
    expect(string(100)).toMatch(/^c3400.4064/);
    expect(string(20_000)).toMatch(/^c3800000....8000004e20/);
  });

  it('moments are signed and stay within 64 bits', () => {
    const i64 = (n: number): string => written((out) => out.i64(n));
    expect(i64(-1)).toBe('ffffffffffffffff');
    expect(i64(4102444800789)).toBe(hexOf(4102444800789n));
    expect(i64(2 ** 63)).toBe('ffffffffffffff7f');
  });

  it('what is handed on, summed and counted is the same for every size of buffer', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc.nat(400).map((n) => new Uint8Array(n).fill(n)),
          ),
        ),
        fc.integer({ min: 64, max: 500 }),
        (strings, bufferBytes) => {
          const pieces: Buffer[] = [];
          const small = new RdbOutput(
            (buf, len) => pieces.push(Buffer.from(buf.subarray(0, len))),
            true,
            true,
            bufferBytes,
          );
          for (const string of strings) small.string(string, 0, string.length);
          expect(small.offset).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0) + small.pos);
          small.flush();
          const all = Buffer.concat(pieces);
          const input = RdbInput.fromBytes('test', all, 0, all.length);
          const out = new Slice();
          for (const string of strings) {
            input.string(out);
            expect(Buffer.compare(out.copy(), string)).toBe(0);
          }
          expect(input.pos).toBe(all.length);
        },
      ),
    );
  });
});

function hexOf(n: bigint): string {
  const out = Buffer.alloc(8);
  out.writeBigInt64LE(n);
  return out.toString('hex');
}
