import { expect, test } from 'vitest';
import { writeInteger } from './numbers.js';

test('writeInteger writes digits, also beyond what a double counts in ones', () => {
  const buf = new Uint8Array(24);
  const written = (n: number): string => Buffer.from(buf.subarray(0, writeInteger(buf, 0, n))).toString('latin1');
  for (const n of [0, 9, 10, 2 ** 31, 2 ** 53 - 1]) {
    expect(written(n)).toBe(String(n));
    if (n > 0) expect(written(-n)).toBe(String(-n));
  }
  for (const n of [2 ** 53, 1_021_488_752_531_567_700, 7_785_703_743_768_048_000, 2 ** 63]) {
    expect(written(n)).toBe(BigInt(n).toString());
    expect(written(-n)).toBe(BigInt(-n).toString());
  }
});
