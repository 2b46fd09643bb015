/**
 * Listpack: a sequence of byte strings and integers in one block, byte for byte as Redis keeps it in memory and in
 * RDB files (types 16, 17, 18, 20), so that saving one is a copy.
 *
 *   [ total bytes u32 ][ count u16 ][ element ]...[ 0xff ]          little endian; count 65535 = unknown, must be walked
 *   element: [ encoding and data ][ backlen: length of the former, 7 bits a byte, read from the right ]
 *
 *     0xxxxxxx                    integer 0..127
 *     10xxxxxx data               string of up to 63 bytes
 *     110xxxxx yyyyyyyy           13-bit signed integer
 *     1110xxxx yyyyyyyy data      string of up to 4095 bytes
 *     11110000 u32 data           string
 *     11110001 .. 11110100        signed integer of 16, 24, 32, 64 bits
 *     11111111                    end
 *
 * Reading works on `(u8, off)`: the listpack begins at u8[off]. A *position* is the offset of an element from the
 * listpack's start; 0 means none. Writing works on the address of an arena block and returns the address that the
 * parent must store: the block may have been copied (snapshot) or moved (growth). Positions of elements before the
 * changed one stay valid; after an insert or a replace, the position passed is that of the new element; after a delete,
 * that of the element which followed (check it with `lpIsEnd`).
 *
 * An element that reads as a 64-bit integer is stored as one, in the smallest form, exactly as Redis chooses.
 *
 * Everything that reads also works on an attached arena in another thread: nothing asks the arena for a capacity.
 */
import type { Slice } from '../base/slice.js';
import type { Arena } from './arena.js';

/** Bytes before the first element. */
export const LP_HEADER = 6;
/** Bytes of an empty listpack. */
export const LP_EMPTY = 7;

// --- reading: no arena needed ----------------------------------------------------------------------------------------

/** All its bytes, header and end included. */
export declare function lpBytes(u8: Uint8Array, off: number): number;
/** Number of elements; O(1) below 65535. */
export declare function lpCount(u8: Uint8Array, off: number): number;
/** Position of the first element, 0 when empty. */
export declare function lpFirst(u8: Uint8Array, off: number): number;
export declare function lpLast(u8: Uint8Array, off: number): number;
/** Position of the element after `pos`, 0 at the end. */
export declare function lpNext(u8: Uint8Array, off: number, pos: number): number;
export declare function lpPrev(u8: Uint8Array, off: number, pos: number): number;
/** Position of element `index` (negative: from the end, -1 is the last), 0 when there is none. */
export declare function lpSeek(u8: Uint8Array, off: number, index: number): number;
/** Whether `pos` is the position after the last element. */
export declare function lpIsEnd(u8: Uint8Array, off: number, pos: number): boolean;
/** The element as bytes; digits of an integer lie in `out`'s own scratch. */
export declare function lpGet(u8: Uint8Array, off: number, pos: number, out: Slice): void;
/** Length in bytes of the element's text. */
export declare function lpLength(u8: Uint8Array, off: number, pos: number): number;
/** The element's value when it is stored as an integer within +-(2^53 - 1); NaN otherwise. */
export declare function lpNumber(u8: Uint8Array, off: number, pos: number): number;
/** The element's value when it is stored as an integer; null for strings. */
export declare function lpInt64(u8: Uint8Array, off: number, pos: number): bigint | null;
/**
 * Position of the first element from `pos` on that equals the bytes, comparing one element and skipping `skip` after
 * it (1 = only the fields of a hash); 0 when none.
 */
export declare function lpFind(
  u8: Uint8Array, off: number, pos: number, buf: Uint8Array, bufOff: number, len: number, skip: number,
): number;
/** Whether the element at `pos` equals the bytes. */
export declare function lpEquals(
  u8: Uint8Array, off: number, pos: number, buf: Uint8Array, bufOff: number, len: number,
): boolean;
/**
 * Checks bytes from outside as deeply as they can be: total, every encoding, every backlen, end, count. Returns -1 when
 * it is a sound listpack of exactly `len` bytes, otherwise the offset at which it is not.
 */
export declare function lpValidate(u8: Uint8Array, off: number, len: number): number;
/** Bytes that an element with this text takes, backlen included. */
export declare function lpElementBytes(buf: Uint8Array, bufOff: number, len: number): number;

// --- writing: address in, address out --------------------------------------------------------------------------------
// `buf` must not lie in the same listpack.

/** A new empty listpack with room for `bytes` in all. */
export declare function lpNew(arena: Arena, bytes?: number): number;
/** A listpack from validated bytes. */
export declare function lpFromBytes(arena: Arena, buf: Uint8Array, bufOff: number, len: number): number;
/** A copy of a listpack in a block of its own. */
export declare function lpCopy(arena: Arena, address: number): number;
export declare function lpAppend(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number;
export declare function lpPrepend(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number;
/** Inserts before the element at `pos`. */
export declare function lpInsert(
  arena: Arena, address: number, pos: number, buf: Uint8Array, bufOff: number, len: number,
): number;
export declare function lpReplace(
  arena: Arena, address: number, pos: number, buf: Uint8Array, bufOff: number, len: number,
): number;
/** Removes `count` elements (fewer at the end) from `pos` on. */
export declare function lpDelete(arena: Arena, address: number, pos: number, count?: number): number;
/** Appends all elements of `other`, which is freed. */
export declare function lpMerge(arena: Arena, address: number, other: number): number;
/** A new listpack with the elements from `pos` (the `index`th) to the end; they stay in the old one too. */
export declare function lpTail(arena: Arena, address: number, pos: number, index: number): number;
