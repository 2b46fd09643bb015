/**
 * Hash: fields and their values. LISTPACK while it is small: field, value, field, value ...; then DICT: a dict of items
 * with field and value inline, behind a block of its own.
 *
 *   dict block   w0 root of the dict   w1 fields that have an expiry   w2-3 double: none of them expires before this
 *
 * Invariants:
 *   1. A field with an expiry lives in an item with a slot (milliseconds since 1970), so such a hash is in DICT.
 *   2. No conversion back to LISTPACK.
 */
import type { Slice } from '../base/slice.js';
import { Value } from './value.js';

export class Hash extends Value {
  /** Fields that expire at or before this moment count as missing for reads. 0: none do. */
  now = 0;

  create(): this {
    throw new Error('not yet');
  }
  get length(): number {
    throw new Error('not yet');
  }
  release(): void {
    throw new Error('not yet');
  }
  copyRoot(): number {
    throw new Error('not yet');
  }
  blocks(_visit: (address: number) => void): void {
    throw new Error('not yet');
  }
  encodingName(): string {
    throw new Error('not yet');
  }

  // --- fields ------------------------------------------------------------------------------------------------------

  /** Fills `out` with the field's value; false when the field is missing. */
  get(_field: Uint8Array, _fieldOff: number, _fieldLen: number, _out: Slice): boolean {
    throw new Error('not yet');
  }
  has(_field: Uint8Array, _fieldOff: number, _fieldLen: number): boolean {
    throw new Error('not yet');
  }
  /** Bytes of the value; 0 when the field is missing. */
  valueLength(_field: Uint8Array, _fieldOff: number, _fieldLen: number): number {
    throw new Error('not yet');
  }
  /** Sets the field and clears its expiry. Returns whether it is new. Neither range may lie in this hash. */
  set(
    _field: Uint8Array,
    _fieldOff: number,
    _fieldLen: number,
    _value: Uint8Array,
    _valueOff: number,
    _valueLen: number,
  ): boolean {
    throw new Error('not yet');
  }
  /** Sets the field unless it exists; returns whether it did. */
  setIfAbsent(
    _field: Uint8Array,
    _fieldOff: number,
    _fieldLen: number,
    _value: Uint8Array,
    _valueOff: number,
    _valueLen: number,
  ): boolean {
    throw new Error('not yet');
  }
  /** Returns whether the field was there. */
  delete(_field: Uint8Array, _fieldOff: number, _fieldLen: number): boolean {
    throw new Error('not yet');
  }

  // --- fields that expire ------------------------------------------------------------------------------------------

  /** Sets the field so that it expires at `expireAtMs`; NaN: never. Returns whether it is new. */
  setWithExpire(
    _field: Uint8Array,
    _fieldOff: number,
    _fieldLen: number,
    _value: Uint8Array,
    _valueOff: number,
    _valueLen: number,
    _expireAtMs: number,
  ): boolean {
    throw new Error('not yet');
  }
  /** When the field expires (ms since 1970); NaN when never or when it is missing. */
  fieldExpire(_field: Uint8Array, _fieldOff: number, _fieldLen: number): number {
    throw new Error('not yet');
  }
  /** Whether any field has an expiry. O(1). */
  get hasFieldExpiry(): boolean {
    throw new Error('not yet');
  }
  /** No field expires before this moment; NaN when no field has an expiry. */
  get minExpire(): number {
    throw new Error('not yet');
  }

  // --- walking -----------------------------------------------------------------------------------------------------

  /** Begins a walk over all fields; nothing may change until it ends. */
  start(): void {
    throw new Error('not yet');
  }
  /** The next field and its value; false at the end. After it `expire` is the field's expiry or NaN. */
  next(_fieldOut: Slice, _valueOut: Slice): boolean {
    throw new Error('not yet');
  }
  expire = Number.NaN;
  /** HSCAN: visits about `count` fields from `cursor` on and returns the next cursor, 0 at the end. */
  scan(_cursor: number, _count: number, _visit: (field: Slice, value: Slice) => void): number {
    throw new Error('not yet');
  }
  /** A field chosen at random; false when the hash is empty. */
  random(_fieldOut: Slice, _valueOut: Slice): boolean {
    throw new Error('not yet');
  }

  // --- loading -----------------------------------------------------------------------------------------------------

  /**
   * Fills an empty hash from a listpack (validated with `lpValidate`): kept as it is within the limits, else converted.
   * False, and the hash stays empty, when the elements are no pairs or a field occurs twice.
   */
  loadListpack(_buf: Uint8Array, _off: number, _len: number): boolean {
    throw new Error('not yet');
  }
}
