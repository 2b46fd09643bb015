/** Strings as rows of bits: single bits, counting, finding. BITOP is in bitop.ts, BITFIELD in bitfield.ts. */
import { countBitRange, findBit } from '../base/bits.js';
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemValueBytes, itemValueIndex } from '../memory/item.js';
import { bitOffset, grown, stringWithBit } from './bit-args.js';
import { bitfield, bitfieldRo } from './bitfield.js';
import { bitop } from './bitop.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { long } from './long-args.js';
import { KEY_ARG, keySpec, keysSpec } from './rows.js';
import type { CommandSpec } from './spec.js';

const BAD_BIT = new CommandError('ERR bit is not an integer or out of range');
const NOT_A_BIT = new CommandError('ERR The bit argument must be 1 or 0.');

function setbit(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const offset = bitOffset(c, a, 2, 0);
  const bit = a.integer(3);
  if (bit !== 0 && bit !== 1) throw BAD_BIT;
  const entry = stringWithBit(c, a, offset);
  const u8 = arena.bytesOf(entry);
  const at = itemValueIndex(arena, entry) + Math.floor(offset / 8);
  const shift = 7 - (offset % 8);
  const old = (u8[at]! >>> shift) & 1;
  if (old !== bit) u8[at] = u8[at]! ^ (1 << shift);
  if (grown || old !== bit) c.changed(a, 1, '$', 'setbit');
  c.out.int(old);
}

function getbit(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const offset = bitOffset(c, a, 2, 0);
  const entry = c.readType(a, 1, ItemType.STRING);
  const byte = Math.floor(offset / 8);
  if (entry === 0 || byte >= itemValueBytes(arena, entry)) return c.out.int(0);
  c.out.int((arena.bytesOf(entry)[itemValueIndex(arena, entry) + byte]! >>> (7 - (offset % 8))) & 1);
}

/** Whether argument i says that a range counts bits, not bytes. */
function inBits(a: Args, i: number): boolean {
  if (a.is(i, 'BIT')) return true;
  if (a.is(i, 'BYTE')) return false;
  throw SYNTAX;
}

function bitcount(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const entry = c.readType(a, 1, ItemType.STRING);
  if (entry === 0) return c.out.int(0);
  const bytes = itemValueBytes(arena, entry);
  let first = 0;
  let last = bytes * 8 - 1;
  if (a.count === 4 || a.count === 5) {
    let start = long(a, 2);
    let end = long(a, 3);
    if (start < 0 && end < 0 && start > end) return c.out.int(0);
    const unit = a.count === 5 && inBits(a, 4) ? 1 : 8;
    const total = (bytes * 8) / unit;
    if (start < 0) start = Math.max(0, total + start);
    if (end < 0) end = Math.max(0, total + end);
    if (end >= total) end = total - 1;
    first = start * unit;
    last = end * unit + unit - 1;
  } else if (a.count !== 2) throw SYNTAX;
  c.out.int(countBitRange(arena.bytesOf(entry), itemValueIndex(arena, entry), first, last));
}

function bitpos(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const bit = long(a, 2);
  if (bit !== 0 && bit !== 1) throw NOT_A_BIT;
  const entry = c.readType(a, 1, ItemType.STRING);
  // A missing key is zeros without end, whatever the range.
  if (entry === 0) return c.out.int(-bit);
  const bytes = itemValueBytes(arena, entry);
  let first = 0;
  let last = bytes * 8 - 1;
  if (a.count >= 4 && a.count <= 6) {
    let start = long(a, 3);
    const unit = a.count === 6 && inBits(a, 5) ? 1 : 8;
    const total = (bytes * 8) / unit;
    let end = a.count >= 5 ? long(a, 4) : total - 1;
    if (start < 0) start = Math.max(0, total + start);
    if (end < 0) end = Math.max(0, total + end);
    if (end >= total) end = total - 1;
    first = start * unit;
    last = end * unit + unit - 1;
  } else if (a.count !== 3) throw SYNTAX;
  const found = findBit(arena.bytesOf(entry), itemValueIndex(arena, entry), first, last, bit);
  // Without an end, zeros follow behind the string.
  if (found < 0 && bit === 0 && a.count < 5 && first <= last) return c.out.int(last + 1);
  c.out.int(found);
}

const BITMAP = { acl: ['bitmap'], group: 'bitmap', keys: [1, 1, 1], complexity: 'O(N)' } as const;
const UNIT_HISTORY = [['7.0.0', 'Added the `BYTE|BIT` option.']] as const;

const UNIT_ARG = {
  name: 'unit',
  type: 'oneof',
  since: '7.0.0',
  optional: true,
  arguments: [
    { name: 'byte', type: 'pure-token', token: 'BYTE' },
    { name: 'bit', type: 'pure-token', token: 'BIT' },
  ],
};
const START_ARG = { name: 'start', type: 'integer' };
const END_ARG = { name: 'end', type: 'integer' };
const ENCODING_ARG = { name: 'encoding', type: 'string' };
const OFFSET_ARG = { name: 'offset', type: 'integer' };

const BITFIELD_ARG = {
  name: 'operation',
  type: 'oneof',
  optional: true,
  multiple: true,
  arguments: [
    { name: 'get-block', type: 'block', token: 'GET', arguments: [ENCODING_ARG, OFFSET_ARG] },
    {
      name: 'write',
      type: 'block',
      arguments: [
        {
          name: 'overflow-block',
          type: 'oneof',
          token: 'OVERFLOW',
          optional: true,
          arguments: [
            { name: 'wrap', type: 'pure-token', token: 'WRAP' },
            { name: 'sat', type: 'pure-token', token: 'SAT' },
            { name: 'fail', type: 'pure-token', token: 'FAIL' },
          ],
        },
        {
          name: 'write-operation',
          type: 'oneof',
          arguments: [
            {
              name: 'set-block',
              type: 'block',
              token: 'SET',
              arguments: [ENCODING_ARG, OFFSET_ARG, { name: 'value', type: 'integer' }],
            },
            {
              name: 'incrby-block',
              type: 'block',
              token: 'INCRBY',
              arguments: [ENCODING_ARG, OFFSET_ARG, { name: 'increment', type: 'integer' }],
            },
          ],
        },
      ],
    },
  ],
};

export const BIT_COMMANDS: readonly CommandSpec[] = [
  {
    ...BITMAP,
    name: 'setbit',
    arity: 4,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    since: '2.2.0',
    summary: "Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist.",
    complexity: 'O(1)',
    arguments: [KEY_ARG, OFFSET_ARG, { name: 'value', type: 'integer' }],
    handler: setbit,
  },
  {
    ...BITMAP,
    name: 'getbit',
    arity: 3,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.2.0',
    summary: 'Returns a bit value by offset.',
    complexity: 'O(1)',
    arguments: [KEY_ARG, OFFSET_ARG],
    handler: getbit,
  },
  {
    ...BITMAP,
    name: 'bitcount',
    arity: -2,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.6.0',
    summary: 'Counts the number of set bits (population counting) in a string.',
    arguments: [KEY_ARG, { name: 'range', type: 'block', optional: true, arguments: [START_ARG, END_ARG, UNIT_ARG] }],
    history: UNIT_HISTORY,
    handler: bitcount,
  },
  {
    ...BITMAP,
    name: 'bitpos',
    arity: -3,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.8.7',
    summary: 'Finds the first set (1) or clear (0) bit in a string.',
    arguments: [
      KEY_ARG,
      { name: 'bit', type: 'integer' },
      {
        name: 'range',
        type: 'block',
        optional: true,
        arguments: [
          START_ARG,
          { name: 'end-unit-block', type: 'block', optional: true, arguments: [END_ARG, UNIT_ARG] },
        ],
      },
    ],
    history: UNIT_HISTORY,
    handler: bitpos,
  },
  {
    ...BITMAP,
    name: 'bitop',
    arity: -4,
    flags: ['write', 'denyoom'],
    keys: [2, -1, 1],
    keySpecs: [keySpec(2, 'OW', 'update'), keysSpec(3, 1, 'RO', 'access')],
    since: '2.6.0',
    summary: 'Performs bitwise operations on multiple strings, and stores the result.',
    arguments: [
      {
        name: 'operation',
        type: 'oneof',
        arguments: ['and', 'or', 'xor', 'not'].map((name) => ({ name, type: 'pure-token', token: name.toUpperCase() })),
      },
      { name: 'destkey', type: 'key', key_spec_index: 0 },
      { name: 'key', type: 'key', key_spec_index: 1, multiple: true },
    ],
    handler: bitop,
  },
  {
    ...BITMAP,
    name: 'bitfield',
    arity: -2,
    flags: ['write', 'denyoom'],
    keySpecs: [
      {
        notes: 'This command allows both access and modification of the key',
        ...keySpec(1, 'RW', 'access', 'update', 'variable_flags'),
      },
    ],
    since: '3.2.0',
    summary: 'Performs arbitrary bitfield integer operations on strings.',
    complexity: 'O(1) for each subcommand specified',
    arguments: [KEY_ARG, BITFIELD_ARG],
    handler: bitfield,
  },
  {
    ...BITMAP,
    name: 'bitfield_ro',
    arity: -2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '6.0.0',
    summary: 'Performs arbitrary read-only bitfield integer operations on strings.',
    complexity: 'O(1) for each subcommand specified',
    arguments: [
      KEY_ARG,
      {
        name: 'get-block',
        type: 'block',
        token: 'GET',
        optional: true,
        multiple: true,
        multiple_token: true,
        arguments: [ENCODING_ARG, OFFSET_ARG],
      },
    ],
    handler: bitfieldRo,
  },
];
