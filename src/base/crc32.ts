/**
 * CRC-32 as in zip and PNG (polynomial 0xedb88320, reflected, initial and final inversion): the checksum of the AOF's
 * annotations. Node's own where it has one (20.15 and later; some GB/s), a table elsewhere.
 */
import * as zlib from 'node:zlib';

const TABLE = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = (c & 1) === 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  TABLE[n] = c >>> 0;
}

/** Exported for its test: what runs on a Node without crc32. */
export function crc32Table(bytes: Uint8Array, before = 0): number {
  let c = ~before;
  for (let i = 0; i < bytes.length; i++) c = (c >>> 8) ^ TABLE[(c ^ bytes[i]!) & 0xff]!;
  return ~c >>> 0;
}

const native = (zlib as { crc32?: (data: Uint8Array, before?: number) => number }).crc32;

/** The CRC of what had the CRC `before`, followed by `bytes`: an unsigned 32-bit number. */
export const crc32: (bytes: Uint8Array, before?: number) => number = native ?? crc32Table;
