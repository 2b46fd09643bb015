/**
 * Intset: a sorted set of integers in one block, byte for byte as in RDB files (type 11).
 *
 *   [ width u32: 2, 4 or 8 ][ count u32 ][ integer ]...             little endian, signed, ascending
 *
 * Reading works on `(u8, off)`; writing on the address of an arena block, returning the address that the parent must
 * store. Integers within +-(2^53 - 1) travel as numbers; the functions with `64` in their name take the rest as two
 * halves or bigint.
 */
import type { Slice } from '../base/slice.js';
import type { Arena } from './arena.js';

export declare function isBytes(u8: Uint8Array, off: number): number;
export declare function isCount(u8: Uint8Array, off: number): number;
/** Whether the text is a member; false when it is no 64-bit integer. */
export declare function isHas(u8: Uint8Array, off: number, buf: Uint8Array, bufOff: number, len: number): boolean;
/** Member `index` in ascending order, as digits in `out`'s own scratch. */
export declare function isGet(u8: Uint8Array, off: number, index: number, out: Slice): void;
/** Member `index` as a number; NaN outside +-(2^53 - 1). */
export declare function isNumber(u8: Uint8Array, off: number, index: number): number;
export declare function isInt64(u8: Uint8Array, off: number, index: number): bigint;
/** -1 when it is a sound intset of exactly `len` bytes, otherwise the offset at which it is not. */
export declare function isValidate(u8: Uint8Array, off: number, len: number): number;
/** Whether the text is what an intset can hold: a 64-bit integer in canonical form. */
export declare function isInteger(buf: Uint8Array, bufOff: number, len: number): boolean;

export declare function isNew(arena: Arena): number;
export declare function isFromBytes(arena: Arena, buf: Uint8Array, bufOff: number, len: number): number;
export declare function isCopy(arena: Arena, address: number): number;
/** Adds the integer that the text says (`isInteger` must hold). `isChanged()` tells whether it was new. */
export declare function isAdd(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number;
/** Removes it; `isChanged()` tells whether it was there. */
export declare function isRemove(arena: Arena, address: number, buf: Uint8Array, bufOff: number, len: number): number;
/** Whether the last `isAdd` or `isRemove` changed anything. */
export declare function isChanged(): boolean;
