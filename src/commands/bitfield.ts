/**
 * BITFIELD: integers of 1 to 64 bits within a string, the highest bit first, at any bit.
 *
 * Fields of up to 32 bits whose operand is a safe integer are computed in doubles, which hold every sum; the others in
 * BigInt.
 */
import { CommandError } from '../base/errors.js';
import { parseInteger } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemValueBytes, itemValueIndex } from '../memory/item.js';
import { bitOffset, grown, stringWithBit } from './bit-args.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';

const BAD_TYPE = new CommandError(
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
);
const BAD_OVERFLOW = new CommandError('ERR Invalid OVERFLOW type specified');
const ONLY_GET = new CommandError('ERR BITFIELD_RO only supports the GET subcommand');

type Overflow = 'WRAP' | 'SAT' | 'FAIL';

interface Operation {
  kind: 'GET' | 'SET' | 'INCRBY';
  signed: boolean;
  bits: number;
  offset: number;
  overflow: Overflow;
  /** What is set or added. */
  operand: bigint;
}

const SMALL_BITS = 32;
/** Sums with a field of 32 bits stay exact. */
const SMALL_OPERAND = 2 ** 52;

// --- arguments -------------------------------------------------------------------------------------------------------

function overflowArg(a: Args, i: number): Overflow {
  for (const overflow of ['WRAP', 'SAT', 'FAIL'] as const) if (a.is(i, overflow)) return overflow;
  throw BAD_OVERFLOW;
}

function kindArg(a: Args, i: number): Operation['kind'] {
  const behind = a.count - i - 1;
  if (a.is(i, 'GET') && behind >= 2) return 'GET';
  if (a.is(i, 'SET') && behind >= 3) return 'SET';
  if (a.is(i, 'INCRBY') && behind >= 3) return 'INCRBY';
  throw SYNTAX;
}

function parse(c: Context, a: Args): Operation[] {
  const operations: Operation[] = [];
  let overflow: Overflow = 'WRAP';
  for (let i = 2; i < a.count; ) {
    if (a.is(i, 'OVERFLOW') && i + 1 < a.count) {
      overflow = overflowArg(a, i + 1);
      i += 2;
      continue;
    }
    const kind = kindArg(a, i);
    const sign = a.len[i + 1]! > 0 ? a.buf[a.off[i + 1]!]! : 0;
    const signed = sign === 105;
    const bits = parseInteger(a.buf, a.off[i + 1]! + 1, a.len[i + 1]! - 1);
    if ((!signed && sign !== 117) || !(bits >= 1) || bits > (signed ? 64 : 63)) throw BAD_TYPE;
    const offset = bitOffset(c, a, i + 2, bits);
    const operand = kind === 'GET' ? 0n : a.int64(i + 3);
    if (operand === null) throw NOT_INTEGER;
    operations.push({ kind, signed, bits, offset, overflow, operand });
    i += kind === 'GET' ? 3 : 4;
  }
  return operations;
}

// --- fields ----------------------------------------------------------------------------------------------------------

/** `bits` (at most 32) from bit `offset` of `u8[at, end)`; what lies behind the end is 0. */
function readSmall(u8: Uint8Array, at: number, end: number, offset: number, bits: number): number {
  let i = at + Math.floor(offset / 8);
  let left = bits;
  let room = 8 - (offset % 8);
  let value = 0;
  while (left > 0) {
    const byte = i < end ? u8[i]! : 0;
    const taken = Math.min(room, left);
    value = value * (1 << taken) + ((byte >>> (room - taken)) & ((1 << taken) - 1));
    left -= taken;
    room = 8;
    i++;
  }
  return value;
}

/** Writes `bits` (at most 32) of a number without sign; they lie within the string. */
function writeSmall(u8: Uint8Array, at: number, offset: number, bits: number, value: number): void {
  let i = at + Math.floor(offset / 8);
  let left = bits;
  let room = 8 - (offset % 8);
  while (left > 0) {
    const taken = Math.min(room, left);
    const mask = (1 << taken) - 1;
    const part = Math.floor(value / 2 ** (left - taken)) & mask;
    const shift = room - taken;
    u8[i] = (u8[i]! & ~(mask << shift)) | (part << shift);
    left -= taken;
    room = 8;
    i++;
  }
}

function readField(u8: Uint8Array, at: number, end: number, { offset, bits, signed }: Operation): bigint {
  let value: bigint;
  if (bits <= SMALL_BITS) {
    value = BigInt(readSmall(u8, at, end, offset, bits));
  } else {
    const high = bits - SMALL_BITS;
    const low = readSmall(u8, at, end, offset + high, SMALL_BITS);
    value = (BigInt(readSmall(u8, at, end, offset, high)) << 32n) | BigInt(low);
  }
  return signed ? BigInt.asIntN(bits, value) : value;
}

function writeField(u8: Uint8Array, at: number, { offset, bits }: Operation, value: bigint): void {
  const plain = BigInt.asUintN(bits, value);
  if (bits <= SMALL_BITS) return writeSmall(u8, at, offset, bits, Number(plain));
  const high = bits - SMALL_BITS;
  writeSmall(u8, at, offset, high, Number(plain >> 32n));
  writeSmall(u8, at, offset + high, SMALL_BITS, Number(plain & 0xffffffffn));
}

// --- operations ------------------------------------------------------------------------------------------------------

/** Replies to a write of a small field and performs it. Returns whether the string changed. */
function writeOneSmall(c: Context, u8: Uint8Array, at: number, operation: Operation): boolean {
  const { kind, signed, bits, offset, overflow } = operation;
  const span = 2 ** bits;
  const max = signed ? span / 2 - 1 : span - 1;
  const min = signed ? -span / 2 : 0;
  let old = readSmall(u8, at, Number.MAX_SAFE_INTEGER, offset, bits);
  if (old > max) old -= span;
  const operand = Number(operation.operand);
  let value = kind === 'SET' ? operand : old + operand;
  if (value > max || value < min) {
    if (overflow === 'FAIL') {
      c.out.nil();
      return false;
    }
    if (overflow === 'SAT') {
      // SET of a negative number to a field without sign counts as too large.
      value = value > max || (kind === 'SET' && !signed) ? max : min;
    } else {
      value -= Math.floor(value / span) * span;
      if (value > max) value -= span;
    }
  }
  c.out.int(kind === 'SET' ? old : value);
  if (value === old) return false;
  writeSmall(u8, at, offset, bits, value < 0 ? value + span : value);
  return true;
}

function writeOneBig(c: Context, u8: Uint8Array, at: number, operation: Operation): boolean {
  const { kind, signed, bits, overflow, operand } = operation;
  const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const min = signed ? -max - 1n : 0n;
  const old = readField(u8, at, Number.MAX_SAFE_INTEGER, operation);
  let value = kind === 'SET' ? operand : old + operand;
  if (value > max || value < min) {
    if (overflow === 'FAIL') {
      c.out.nil();
      return false;
    }
    if (overflow === 'SAT') value = isAbove(operation, value, max) ? max : min;
    else value = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  }
  c.out.int64(kind === 'SET' ? old : value);
  if (value === old) return false;
  writeField(u8, at, operation, value);
  return true;
}

/**
 * To which side a value that does not fit is cut. SET computes in 64 bits: a negative number for a field without sign is
 * too large, and one so low that its distance to the maximum overflows is too.
 */
function isAbove({ kind, signed }: Operation, value: bigint, max: bigint): boolean {
  if (value > max) return true;
  if (kind !== 'SET') return false;
  return !signed || BigInt.asIntN(64, max - value) < 0n;
}

function isSmall({ bits, operand }: Operation): boolean {
  return bits <= SMALL_BITS && operand < SMALL_OPERAND && operand > -SMALL_OPERAND;
}

function run(c: Context, a: Args, operations: Operation[], entry: number, made: boolean): void {
  const { arena } = c.keyspace;
  const u8 = entry === 0 ? new Uint8Array(0) : arena.bytesOf(entry);
  const at = entry === 0 ? 0 : itemValueIndex(arena, entry);
  const end = entry === 0 ? 0 : at + itemValueBytes(arena, entry);
  let changes = 0;
  c.out.array(operations.length);
  for (const operation of operations) {
    if (operation.kind === 'GET') {
      c.out.int64(readField(u8, at, end, operation));
      continue;
    }
    const fails = c.out.pos;
    const wrote = isSmall(operation) ? writeOneSmall(c, u8, at, operation) : writeOneBig(c, u8, at, operation);
    // In a string that this command made longer every write that did not fail counts.
    if (wrote || (made && c.out.buf[fails] === 58)) changes++;
  }
  if (changes > 0) c.changed(a, 1, '$', 'setbit', changes);
  // What grew and then failed is there all the same: it is logged.
  else if (made) c.addDirty(1);
}

export function bitfield(c: Context, a: Args): void {
  const operations = parse(c, a);
  let last = -1;
  for (const { kind, offset, bits } of operations) if (kind !== 'GET') last = Math.max(last, offset + bits - 1);
  if (last < 0) return run(c, a, operations, c.readType(a, 1, ItemType.STRING), false);
  const entry = stringWithBit(c, a, last);
  run(c, a, operations, entry, grown);
}

export function bitfieldRo(c: Context, a: Args): void {
  const operations = parse(c, a);
  if (operations.some(({ kind }) => kind !== 'GET')) throw ONLY_GET;
  run(c, a, operations, c.readType(a, 1, ItemType.STRING), false);
}
