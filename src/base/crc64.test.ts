import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crc64 } from './crc64.js';

/** Bit by bit over BigInt: slow and obviously right. */
function slow(bytes: Uint8Array): string {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  }
  return crc.toString(16).padStart(16, '0');
}

const all = (bytes: Uint8Array): Crc64 => new Crc64().update(bytes, 0, bytes.length);

describe('Crc64', () => {
  it('has the check value of the Jones polynomial', () => {
    expect(all(Buffer.from('123456789')).toString()).toBe('e9c6d914c4b8d9ca');
    expect(all(new Uint8Array(0)).toString()).toBe('0000000000000000');
  });

  it('equals the sum taken bit by bit, at any length and offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (bytes, shift) => {
        const padded = new Uint8Array(bytes.length + shift);
        padded.set(bytes, shift);
        expect(new Crc64().update(padded, shift, bytes.length).toString()).toBe(slow(bytes));
      }),
    );
  });

  it('is the same however the input is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(100)), (bytes, cuts) => {
        const crc = new Crc64();
        let at = 0;
        for (const cut of [...cuts, bytes.length].map((c) => Math.min(c, bytes.length)).sort((a, b) => a - b)) {
          crc.update(bytes, at, cut - at);
          at = cut;
        }
        expect(crc.toString()).toBe(all(bytes).toString());
      }),
    );
  });

  it('writes its bytes little-endian and recognises them', () => {
    const crc = all(Buffer.from('123456789'));
    const out = new Uint8Array(10);
    crc.write(out, 1);
    expect(Buffer.from(out).toString('hex')).toBe('00cad9b8c414d9c6e900');
    expect(crc.matches(out, 1)).toBe(true);
    for (let i = 1; i <= 8; i++) {
      out[i]! ^= 16;
      expect(crc.matches(out, 1)).toBe(false);
      out[i]! ^= 16;
    }
  });
});
