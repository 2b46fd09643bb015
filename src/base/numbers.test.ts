import { expect, test } from 'vitest';
import { Random } from '../../test/support/random.js';
import { same } from '../../test/support/same.js';
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

test('writeInteger writes what String does, at every power of ten and two and at random', () => {
  const buf = new Uint8Array(40);
  const numbers: number[] = [];
  for (let power = 1; power < 2 ** 53; power *= 10) numbers.push(power);
  for (let power = 1; power < 2 ** 53; power *= 2) numbers.push(power);
  const random = new Random(1);
  for (let i = 0; i < 20_000; i++) numbers.push(random.below(10 ** (1 + random.below(9))));
  for (const number of numbers) {
    for (const n of [number - 1, number, number + 1, -number]) {
      const bytes = writeInteger(buf, 3, n);
      same(Buffer.from(buf.subarray(3, 3 + bytes)).toString('latin1'), String(n));
    }
  }
});
