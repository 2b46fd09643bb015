/** Pieces of RDB files put together by hand, for tests of what no server writes any more or never should have. */

import { Arena, byteIndex } from '../../src/memory/arena.js';
import { lpAppend, lpBytes, lpNew } from '../../src/memory/listpack.js';

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
/** Spaces and line breaks do not count. */
export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** A string of an RDB file as it is, with its length; shorter than 16384 bytes. */
export function rdbString(bytes: Uint8Array | string): Buffer {
  const data = typeof bytes === 'string' ? latin1(bytes) : Buffer.from(bytes);
  const head = data.length < 64 ? [data.length] : [0x40 | (data.length >> 8), data.length & 255];
  return Buffer.concat([Buffer.from(head), data]);
}

const arena = new Arena();

/** The bytes of a listpack; texts that are integers are stored as such. */
export function listpack(...elements: (string | number)[]): Buffer {
  let address = lpNew(arena);
  for (const element of elements) {
    const bytes = latin1(String(element));
    address = lpAppend(arena, address, bytes, 0, bytes.length);
  }
  const at = byteIndex(address);
  const u8 = arena.bytesOf(address);
  const out = Buffer.from(u8.slice(at, at + lpBytes(u8, at)));
  arena.free(address);
  return out;
}

/** Encoding and data of a ziplist's entry. */
export type ZiplistBody = readonly number[];

export function ziplistString(text: string): ZiplistBody {
  const data = [...latin1(text)];
  const n = data.length;
  if (n < 64) return [n, ...data];
  if (n < 16384) return [0x40 | (n >> 8), n & 255, ...data];
  return [0x80, (n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255, ...data];
}

export function ziplist(bodies: readonly ZiplistBody[], count = Math.min(bodies.length, 65535)): Uint8Array {
  const out: number[] = [];
  let before = 0;
  let last = 10;
  for (const body of bodies) {
    last = 10 + out.length;
    const head =
      before < 254 ? [before] : [254, before & 255, (before >> 8) & 255, (before >> 16) & 255, (before >>> 24) & 255];
    for (const byte of head) out.push(byte);
    for (const byte of body) out.push(byte);
    before = head.length + body.length;
  }
  const bytes = new Uint8Array(10 + out.length + 1);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, last, true);
  view.setUint16(8, count, true);
  bytes.set(out, 10);
  bytes[bytes.length - 1] = 255;
  return bytes;
}
