import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ziplistString as string, ziplist } from '../../../test/support/rdb-bytes.js';
import { Slice } from '../../base/slice.js';
import { Ziplist, Zipmap } from './ziplist.js';

function elements(list: Ziplist | Zipmap): string[] {
  const out: string[] = [];
  const slice = new Slice();
  while (list.next(slice)) out.push(slice.toString());
  return out;
}

/** The elements, or the offset of the damage. The bytes lie amid others, which must not be looked at. */
function open(list: Ziplist | Zipmap, bytes: Uint8Array): string[] | number {
  const amid = new Uint8Array(bytes.length + 20).fill(0x41);
  amid.set(bytes, 7);
  const bad = list.open(amid, 7, bytes.length);
  if (bad >= 0) return bad;
  const all = elements(list);
  expect(all).toHaveLength(list.count);
  return all;
}

describe('Ziplist', () => {
  it('reads strings of every length and integers of every form', () => {
    const strings = ['', 'a', 'x'.repeat(63), 'y'.repeat(64), 'z'.repeat(300), 'w'.repeat(16383), 'v'.repeat(16384)];
    expect(open(new Ziplist(), ziplist(strings.map(string)))).toEqual(strings);
    const i64 = (n: bigint): number[] => {
      const data = Buffer.alloc(8);
      data.writeBigInt64LE(n);
      return [0xe0, ...data];
    };
    expect(
      open(
        new Ziplist(),
        ziplist([
          [0xf1],
          [0xfd],
          [0xfe, 0x80],
          [0xfe, 0x7f],
          [0xc0, 0x00, 0x80],
          [0xc0, 0xff, 0x7f],
          [0xf0, 0x00, 0x00, 0x80],
          [0xf0, 0xff, 0xff, 0x7f],
          [0xd0, 0x00, 0x00, 0x00, 0x80],
          [0xd0, 0xff, 0xff, 0xff, 0x7f],
          i64(-(2n ** 63n)),
          i64(2n ** 63n - 1n),
          i64(-5n),
        ]),
      ),
    ).toEqual([
      ...['0', '12', '-128', '127', '-32768', '32767', '-8388608', '8388607', '-2147483648', '2147483647'],
      ...['-9223372036854775808', '9223372036854775807', '-5'],
    ]);
  });

  it('an unknown count is counted, a wrong one refused', () => {
    expect(open(new Ziplist(), ziplist([string('a'), string('b')], 65535))).toEqual(['a', 'b']);
    expect(open(new Ziplist(), ziplist([string('a'), string('b')], 3))).toBe(8);
    expect(open(new Ziplist(), ziplist([]))).toEqual([]);
  });

  it('whatever byte changes and wherever it is cut, it is refused or read within bounds', () => {
    const good = ziplist([string('abc'), [0xf3], [0xc0, 1, 2], string('q'.repeat(260)), [0xfe, 9], string('end')]);
    for (let at = 0; at < good.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const bad = good.slice();
        bad[at]! ^= flip;
        open(new Ziplist(), bad);
      }
      expect(open(new Ziplist(), good.slice(0, at))).toBeTypeOf('number');
    }
  });

  it('any bytes at all are refused or read within bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        const bytes = new Uint8Array(body.length + 11);
        new DataView(bytes.buffer).setUint32(0, bytes.length, true);
        bytes.set(body, 10);
        bytes[bytes.length - 1] = 255;
        open(new Ziplist(), bytes);
        open(new Ziplist(), body);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('Zipmap', () => {
  const pair = (field: string, value: string, unused = 0): number[] => {
    const length = (n: number): number[] => (n < 254 ? [n] : [254, n & 255, (n >> 8) & 255, 0, 0]);
    const padding = new Array<number>(unused).fill(0x55);
    return [
      ...length(field.length),
      ...Buffer.from(field),
      ...length(value.length),
      unused,
      ...Buffer.from(value),
      ...padding,
    ];
  };
  const zipmap = (pairs: number[][], count = pairs.length): Uint8Array =>
    Uint8Array.from([count, ...pairs.flat(), 255]);

  it('reads fields and values, short and long, with unused bytes between', () => {
    const long = 'l'.repeat(300);
    const map = zipmap([pair('a', '1'), pair('', ''), pair('b', 'two', 3), pair(long, long)]);
    expect(open(new Zipmap(), map)).toEqual(['a', '1', '', '', 'b', 'two', long, long]);
    expect(open(new Zipmap(), zipmap([pair('a', '1')], 254))).toEqual(['a', '1']);
    expect(open(new Zipmap(), zipmap([pair('a', '1')], 2))).toBe(0);
    expect(open(new Zipmap(), zipmap([]))).toEqual([]);
  });

  it('whatever byte changes and wherever it is cut, it is refused or read within bounds', () => {
    const good = zipmap([pair('abc', 'def', 2), pair('g', 'h'.repeat(255)), pair('i', '')]);
    for (let at = 0; at < good.length; at++) {
      for (const flip of [1, 2, 0x10, 0x80, 0xff]) {
        const bad = good.slice();
        bad[at]! ^= flip;
        open(new Zipmap(), bad);
      }
      open(new Zipmap(), good.slice(0, at));
    }
  });
});
