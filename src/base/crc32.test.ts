import { expect, test } from 'vitest';
import { crc32, crc32Table } from './crc32.js';

test.each([crc32, crc32Table])('the check value of the polynomial, whole and in parts', (crc) => {
  const digits = Buffer.from('123456789');
  expect(crc(digits)).toBe(0xcbf43926);
  expect(crc(digits.subarray(4), crc(digits.subarray(0, 4)))).toBe(0xcbf43926);
  expect(crc(new Uint8Array(0))).toBe(0);
});

test('the table and the native function agree', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 167) & 255));
  expect(crc32(bytes, 77)).toBe(crc32Table(bytes, 77));
});
