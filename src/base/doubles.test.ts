import { describe, expect, it } from 'vitest';
import { formatDouble, parseDouble, writeDouble } from './numbers.js';

const parse = (text: string): number => parseDouble(Buffer.from(text, 'latin1'), 0, text.length);

describe('doubles as Redis 7.2 prints them', () => {
  it('integers up to 2^62 with all digits, others shortest', () => {
    const cases: [number, string][] = [
      [0, '0'],
      [-0, '-0'],
      [3, '3'],
      [-17, '-17'],
      [2 ** 53 + 2, '9007199254740994'],
      [2 ** 60, '1152921504606846976'],
      [2 ** 62, '4611686018427387904'],
      [2 ** 63, '9223372036854776000'],
      [1e20, '1e+20'],
      [1.5e20, '1.5e+20'],
      [1.2345678901234e20, '123456789012340000000'],
      [1e300, '1e+300'],
      [1.2345678901234567e23, '123456789012345670000000'],
      [-1.2345678901234567e23, '-1.2345678901234567e+23'],
      [-1.5e300, '-1.5e+300'],
      [0.1, '0.1'],
      [-3.14, '-3.14'],
      [1234.5678, '1234.5678'],
      [0.000001, '0.000001'],
      [1e-7, '1e-7'],
      [1.5e-7, '1.5e-7'],
      [0.00123456789, '0.00123456789'],
      [0.000123456789, '1.23456789e-4'],
      [5e-324, '5e-324'],
      [Infinity, 'inf'],
      [-Infinity, '-inf'],
      [Number.NaN, 'nan'],
    ];
    for (const [value, text] of cases) {
      expect(formatDouble(value)).toBe(text);
      const buf = new Uint8Array(40);
      expect(Buffer.from(buf.subarray(0, writeDouble(buf, 0, value))).toString()).toBe(text);
    }
  });

  it('what is printed reads back equal (seed 5)', () => {
    let s = 5;
    const words = new Uint32Array(2);
    const doubles = new Float64Array(words.buffer);
    for (let i = 0; i < 20_000; i++) {
      s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
      words[0] = s;
      s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
      words[1] = s;
      const x = i % 2 === 0 ? doubles[0]! : (s % 100_000) / 1000;
      if (Number.isNaN(x)) continue;
      expect(Object.is(parse(formatDouble(x)), x)).toBe(true);
    }
  });
});

describe('doubles as Redis reads them', () => {
  it('takes what strtod takes', () => {
    const cases: [string, number][] = [
      ['1', 1],
      ['-1.5', -1.5],
      ['+5', 5],
      ['5.', 5],
      ['.5', 0.5],
      ['-0', -0],
      ['1e5', 1e5],
      ['1E-5', 1e-5],
      ['123456789.123456', 123456789.123456],
      ['36893488147419103232', 2 ** 65],
      ['0x10', 16],
      ['0x1.8', 1.5],
      ['-0X1p3', -8],
      ['0x0p2000', 0],
      ['0x.00001p1030', 2 ** 1010],
      ['0x10000000000p-1080', 2 ** -1040],
      ['0x1p-1074', 2 ** -1074],
      ['0x1.8p-1075', 2 ** -1074],
      ['0x1.fffffffffffff8p1022', 2 ** 1023],
      ['0x2.03ab543960bdddba9f7b3P+1', 4.0286660461583628],
      ['0x52edd0e61a99.e2b96e090', 91181365467801.891],
      ['0x485129e01f33524a6e59fc.fP+1', 1.7485188632711198e26],
      ['inf', Infinity],
      ['+INF', Infinity],
      ['-infinity', -Infinity],
      ['1e-310', 1e-310],
      ['1'.repeat(300), Number('1'.repeat(300))],
    ];
    for (const [text, value] of cases) expect(parse(text)).toBe(value);
  });

  it('refuses what it refuses', () => {
    for (const text of [
      '',
      ' 1',
      '1 ',
      '-',
      '.',
      '1e',
      '0x',
      'nan',
      'abc',
      '1_0',
      '1.2.3',
      '1e400',
      '-1e400',
      '1e-400',
      '0x1p1024',
      '0x1p-1075',
      '0x.p1',
    ]) {
      expect(parse(text)).toBeNaN();
    }
  });
});
