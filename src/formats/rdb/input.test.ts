import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptionError, TruncationError } from '../../base/errors.js';
import { Slice } from '../../base/slice.js';
import { Arena } from '../../memory/arena.js';
import { RdbInput } from './input.js';
import { RdbOutput } from './output.js';
import { BytesSource } from './source.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const over = (bytes: Uint8Array): RdbInput => RdbInput.fromBytes('test', bytes, 0, bytes.length);

function stringOf(text: string): string {
  const out = new Slice();
  const input = over(hex(text));
  input.string(out);
  expect(input.pos).toBe(input.end);
  return out.toString();
}

describe('RdbInput', () => {
  it('reads lengths of 6, 14, 32 and 64 bits', () => {
    const input = over(hex('00 3f 40 00 7f ff 80 00010000 80 ffffffff 81 0000000100000000'));
    expect([0, 1, 2, 3, 4, 5, 6].map(() => input.length())).toEqual([0, 63, 0, 16383, 65536, 2 ** 32 - 1, 2 ** 32]);
    const wide = over(hex('81 ffffffffffffffff 7f ff'));
    wide.length64();
    expect([wide.hi, wide.lo]).toEqual([2 ** 32 - 1, 2 ** 32 - 1]);
    wide.length64();
    expect([wide.hi, wide.lo]).toEqual([0, 16383]);
  });

  it('reads strings as they are, as integers, and compressed', () => {
    expect(stringOf('03 616263')).toBe('abc');
    expect(stringOf('00')).toBe('');
    expect(stringOf('c0 80')).toBe('-128');
    expect(stringOf('c1 ff7f')).toBe('32767');
    expect(stringOf('c2 00000080')).toBe('-2147483648');
    expect(stringOf('c3 05 0b 00 61 e0 01 00')).toBe('aaaaaaaaaaa');
  });

  it('refuses what is no length or no string, with its offset', () => {
    const refused = (text: string, read: (input: RdbInput) => void): CorruptionError => {
      try {
        read(over(hex(text)));
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError);
        return error as CorruptionError;
      }
      throw new Error('read');
    };
    const out = new Slice();
    expect(refused('01 c0', (input) => [input.length(), input.length()]).offset).toBe(1);
    expect(refused('82', (input) => input.length()).found).toBe('byte 0x82');
    expect(refused('81 ffffffffffffffff', (input) => input.length()).found).toBe('18446744073709551615');
    expect(refused('c4', (input) => input.string(out)).found).toBe('byte 0xc4');
    expect(refused('c3 05 0c 00 61 e0 01 00', (input) => input.string(out)).expected).toBe('an LZF block of 12 bytes');
    expect(refused('c3 01 80 7fffffff 00', (input) => input.string(out)).found).toBe('1 bytes said to hold 2147483647');
    // 60 MB could hold 5 GB, which no block or array can.
    const large = 'c3 80 03938700 81 000000012a05f200 00';
    expect(refused(large, (input) => input.string(out)).found).toBe('60000000 bytes said to hold 5000000000');
    const arena = new Arena();
    const block = (input: RdbInput): number => input.stringOrBlock(out, arena);
    expect(refused(large, block).found).toBe('60000000 bytes said to hold 5000000000');
    expect(refused(large, block).offset).toBe(0);
    expect(refused('03 6162', (input) => input.string(out))).toBeInstanceOf(TruncationError);
    expect(refused('80 7fffffff', (input) => input.string(out))).toBeInstanceOf(TruncationError);
  });

  it('a false length does not make the window larger than what was read', () => {
    const source = new BytesSource('test', hex('81 00000000ffffffff 616263'));
    const input = RdbInput.fromSource(source, false);
    expect(() => input.string(new Slice())).toThrow(TruncationError);
    expect(input.buf.length).toBeLessThan(1024 * 1024);
  });

  it('two strings held together stay right wherever the input is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 400 })), { maxLength: 30 }),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        (pairs, chunk, compression) => {
          const out = new RdbOutput(null, compression, false);
          for (const [a, b] of pairs) {
            out.string(a, 0, a.length);
            out.string(b, 0, b.length);
          }
          const input = RdbInput.fromSource(new BytesSource('test', out.bytes().slice(), chunk), true);
          const first = new Slice();
          const second = new Slice();
          for (const [a, b] of pairs) {
            input.pair(first, second);
            expect([first.copy(), second.copy()]).toEqual([a, b]);
          }
          expect(input.offset).toBe(out.offset);
        },
      ),
    );
  });

  it('a value larger than the window is captured whole, and the window shrinks again', () => {
    const bytes = new Uint8Array(3_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 2654435761) >>> 24;
    const input = RdbInput.fromSource(new BytesSource('test', bytes, 100_000), true);
    input.need(1000);
    input.pos = 1000;
    input.capture();
    const skipped = new Slice();
    for (let i = 0; i < 2_500_000; i += 50_000) input.raw(skipped, 50_000);
    const out = new Slice();
    input.captured(out);
    expect(Buffer.compare(out.copy(), bytes.subarray(1000, 2_501_000))).toBe(0);
    expect(input.offset).toBe(2_501_000);
    input.release();
    expect(input.buf.length).toBeLessThan(1024 * 1024);
    const rest = new Slice();
    input.raw(rest, bytes.length - 2_501_000);
    expect(Buffer.compare(rest.copy(), bytes.subarray(2_501_000))).toBe(0);
    input.sum();
    expect(input.crc.toString()).toBe(sumOf(bytes));
  });
});

function sumOf(bytes: Uint8Array): string {
  const out = new RdbOutput(() => {}, false, true, 1000);
  out.raw(bytes, 0, bytes.length);
  out.flush();
  return out.crc.toString();
}
