/** The hash family's rows. Handlers: hash-fields.ts, hash-walk.ts; for fields that expire see hash-expire-rows.ts. */
import { HASH_EXPIRE_COMMANDS } from './hash-expire-rows.js';
import {
  hdel,
  hexists,
  hget,
  hincrby,
  hincrbyfloat,
  hlen,
  hmget,
  hmset,
  hset,
  hsetnx,
  hstrlen,
} from './hash-fields.js';
import { hgetall, hkeys, hrandfield, hscan, hvals } from './hash-walk.js';
import { KEY_ARG, keySpec, VALUE_ARG } from './rows.js';
import type { CommandSpec } from './spec.js';

const HASH = { acl: ['hash'], group: 'hash', keys: [1, 1, 1], complexity: 'O(1)' } as const;

const FIELD_ARG = { name: 'field', type: 'string' };
const FIELDS_ARG = { ...FIELD_ARG, multiple: true };
const PAIRS_ARG = { name: 'data', type: 'block', multiple: true, arguments: [FIELD_ARG, VALUE_ARG] };

const CHANGE = { ...HASH, flags: ['write', 'denyoom', 'fast'] } as const;
const READ = { ...HASH, flags: ['readonly', 'fast'] } as const;
const WHOLE = {
  ...HASH,
  arity: 2,
  flags: ['readonly'],
  keySpecs: [keySpec(1, 'RO', 'access')],
  since: '2.0.0',
  complexity: 'O(N) where N is the size of the hash.',
  arguments: [KEY_ARG],
  tips: ['nondeterministic_output_order'],
} as const satisfies Partial<CommandSpec>;

const CHANGES: readonly CommandSpec[] = [
  {
    ...CHANGE,
    name: 'hset',
    arity: -4,
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '2.0.0',
    summary: 'Creates or modifies the value of a field in a hash.',
    complexity:
      'O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.',
    arguments: [KEY_ARG, PAIRS_ARG],
    history: [['4.0.0', 'Accepts multiple `field` and `value` arguments.']],
    handler: hset,
  },
  {
    ...CHANGE,
    name: 'hmset',
    arity: -4,
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '2.0.0',
    summary: 'Sets the values of multiple fields.',
    complexity: 'O(N) where N is the number of fields being set.',
    arguments: [KEY_ARG, PAIRS_ARG],
    docFlags: ['deprecated'],
    deprecatedSince: '4.0.0',
    replacedBy: '`HSET` with multiple field-value pairs',
    handler: hmset,
  },
  {
    ...CHANGE,
    name: 'hsetnx',
    arity: 4,
    keySpecs: [keySpec(1, 'RW', 'insert')],
    since: '2.0.0',
    summary: "Sets the value of a field in a hash only when the field doesn't exist.",
    arguments: [KEY_ARG, FIELD_ARG, VALUE_ARG],
    handler: hsetnx,
  },
  {
    ...HASH,
    name: 'hdel',
    arity: -3,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    since: '2.0.0',
    summary: 'Deletes one or more fields and their values from a hash. Deletes the hash if no fields remain.',
    complexity: 'O(N) where N is the number of fields to be removed.',
    arguments: [KEY_ARG, FIELDS_ARG],
    history: [['2.4.0', 'Accepts multiple `field` arguments.']],
    handler: hdel,
  },
  {
    ...CHANGE,
    name: 'hincrby',
    arity: 4,
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    since: '2.0.0',
    summary:
      "Increments the integer value of a field in a hash by a number. Uses 0 as initial value if the field doesn't exist.",
    arguments: [KEY_ARG, FIELD_ARG, { name: 'increment', type: 'integer' }],
    handler: hincrby,
  },
  {
    ...CHANGE,
    name: 'hincrbyfloat',
    arity: 4,
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    since: '2.6.0',
    summary:
      "Increments the floating point value of a field by a number. Uses 0 as initial value if the field doesn't exist.",
    arguments: [KEY_ARG, FIELD_ARG, { name: 'increment', type: 'double' }],
    handler: hincrbyfloat,
  },
];

const FIELDS: readonly CommandSpec[] = [
  {
    ...READ,
    name: 'hget',
    arity: 3,
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.0.0',
    summary: 'Returns the value of a field in a hash.',
    arguments: [KEY_ARG, FIELD_ARG],
    handler: hget,
  },
  {
    ...READ,
    name: 'hmget',
    arity: -3,
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.0.0',
    summary: 'Returns the values of all fields in a hash.',
    complexity: 'O(N) where N is the number of fields being requested.',
    arguments: [KEY_ARG, FIELDS_ARG],
    handler: hmget,
  },
  {
    ...READ,
    name: 'hexists',
    arity: 3,
    keySpecs: [keySpec(1, 'RO')],
    since: '2.0.0',
    summary: 'Determines whether a field exists in a hash.',
    arguments: [KEY_ARG, FIELD_ARG],
    handler: hexists,
  },
  {
    ...READ,
    name: 'hlen',
    arity: 2,
    keySpecs: [keySpec(1, 'RO')],
    since: '2.0.0',
    summary: 'Returns the number of fields in a hash.',
    arguments: [KEY_ARG],
    handler: hlen,
  },
  {
    ...READ,
    name: 'hstrlen',
    arity: 3,
    keySpecs: [keySpec(1, 'RO')],
    since: '3.2.0',
    summary: 'Returns the length of the value of a field.',
    arguments: [KEY_ARG, FIELD_ARG],
    handler: hstrlen,
  },
];

const WALKS: readonly CommandSpec[] = [
  { ...WHOLE, name: 'hgetall', summary: 'Returns all fields and values in a hash.', handler: hgetall },
  { ...WHOLE, name: 'hkeys', summary: 'Returns all fields in a hash.', handler: hkeys },
  { ...WHOLE, name: 'hvals', summary: 'Returns all values in a hash.', handler: hvals },
  {
    ...HASH,
    name: 'hrandfield',
    arity: -2,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '6.2.0',
    summary: 'Returns one or more random fields from a hash.',
    complexity: 'O(N) where N is the number of fields returned',
    arguments: [
      KEY_ARG,
      {
        name: 'options',
        type: 'block',
        optional: true,
        arguments: [
          { name: 'count', type: 'integer' },
          { name: 'withvalues', type: 'pure-token', token: 'WITHVALUES', optional: true },
        ],
      },
    ],
    tips: ['nondeterministic_output'],
    handler: hrandfield,
  },
  {
    ...HASH,
    name: 'hscan',
    arity: -3,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.8.0',
    summary: 'Iterates over fields and values of a hash.',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..',
    arguments: [
      KEY_ARG,
      { name: 'cursor', type: 'integer' },
      { name: 'pattern', type: 'pattern', token: 'MATCH', optional: true },
      { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    ],
    tips: ['nondeterministic_output'],
    handler: hscan,
  },
];

export const HASH_COMMANDS: readonly CommandSpec[] = [...CHANGES, ...FIELDS, ...WALKS, ...HASH_EXPIRE_COMMANDS];
