/**
 * Values that are kept as their RDB payload, whole, in one arena block: those of modules (Encoding.BLOB).
 *
 *   [ bytes of the value u32 ][ RDB type u8 ][ the value as it stands in an RDB file ]
 *
 * Whoever stores one has parsed it: what lies here is sound.
 */
import type { Slice } from '../base/slice.js';
import { type Arena, byteIndex, wordIndex } from '../memory/arena.js';

const HEADER = 5;

/** A new block with the value; returns its address, the entry's root. */
export function blobStore(arena: Arena, rdbType: number, buf: Uint8Array, off: number, len: number): number {
  const root = arena.alloc(HEADER + len);
  arena.wordsOf(root)[wordIndex(root)] = len;
  const bytes = arena.bytesOf(root);
  const at = byteIndex(root);
  bytes[at + 4] = rdbType;
  bytes.set(buf.subarray(off, off + len), at + HEADER);
  return root;
}

export function blobType(arena: Arena, root: number): number {
  return arena.bytesOf(root)[byteIndex(root) + 4]!;
}

/** The value's bytes, without the type. */
export function blobValue(arena: Arena, root: number, out: Slice): void {
  out.set(arena.bytesOf(root), byteIndex(root) + HEADER, arena.wordsOf(root)[wordIndex(root)]!);
}
