/**
 * List: one LISTPACK while it fits into one node (`list-max-listpack-size`), then TREE: a counted tree of listpacks
 * ("quicklist"). Indices are numbers from 0; negative ones are the caller's to turn round.
 *
 * An element larger than a node has a node of its own.
 */
import type { Slice } from '../base/slice.js';
import { Value } from './value.js';

export class List extends Value {
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

  // --- ends --------------------------------------------------------------------------------------------------------

  /** The range must not lie in this list. */
  push(_head: boolean, _buf: Uint8Array, _off: number, _len: number): void {
    throw new Error('not yet');
  }
  /** The first or the last element; false when the list is empty. */
  peek(_head: boolean, _out: Slice): boolean {
    throw new Error('not yet');
  }
  /** Removes the first or the last element; the list is not empty. */
  dropEnd(_head: boolean): void {
    throw new Error('not yet');
  }

  // --- by index ----------------------------------------------------------------------------------------------------

  /** False when there is no such element. */
  index(_index: number, _out: Slice): boolean {
    throw new Error('not yet');
  }
  /** False when there is no such element. */
  set(_index: number, _buf: Uint8Array, _off: number, _len: number): boolean {
    throw new Error('not yet');
  }
  /** Puts an element in front of the `index`th; index = length appends. */
  insertAt(_index: number, _buf: Uint8Array, _off: number, _len: number): void {
    throw new Error('not yet');
  }
  /** Removes up to `count` elements from `start` on; returns how many. */
  removeRange(_start: number, _count: number): number {
    throw new Error('not yet');
  }
  /** Keeps only the elements `start`..`stop`, both included. */
  trim(_start: number, _stop: number): void {
    throw new Error('not yet');
  }

  // --- by content --------------------------------------------------------------------------------------------------

  /**
   * Removes elements that equal the bytes: the first `count` of them, the last `-count` when negative, all when 0.
   * Returns how many.
   */
  removeMatching(_buf: Uint8Array, _off: number, _len: number, _count: number): number {
    throw new Error('not yet');
  }

  // --- walking -----------------------------------------------------------------------------------------------------

  /** Begins a walk at `index`; nothing may change until it ends. */
  start(_index: number, _forward: boolean): void {
    throw new Error('not yet');
  }
  /** The next element of the walk; false at the end. */
  next(_out: Slice): boolean {
    throw new Error('not yet');
  }
  /** As `next` without reading the element: whether it equals the bytes (1), does not (0), or there is none (-1). */
  nextEquals(_buf: Uint8Array, _off: number, _len: number): number {
    throw new Error('not yet');
  }

  // --- nodes, for RDB ----------------------------------------------------------------------------------------------

  get nodeCount(): number {
    throw new Error('not yet');
  }
  /** Visits each node's listpack in order: its bytes are u8[off, off + bytes). */
  nodes(_visit: (u8: Uint8Array, off: number, bytes: number, count: number) => void): void {
    throw new Error('not yet');
  }
  /** Appends a whole node (a validated listpack that is not empty), for loading. */
  loadNode(_buf: Uint8Array, _off: number, _len: number): void {
    throw new Error('not yet');
  }
  /** Ends a load: a list of one node that fits becomes a LISTPACK, oversized nodes are cut. */
  loadEnd(): void {
    throw new Error('not yet');
  }
}
