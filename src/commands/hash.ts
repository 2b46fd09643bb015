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
  complexity: 'O(N) for a hash of N fields.',
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
    summary: 'Sets fields of a hash; creates the hash if need be.',
    complexity: 'O(N) for N fields.',
    arguments: [KEY_ARG, PAIRS_ARG],
    history: [['4.0.0', 'Several fields and values.']],
    handler: hset,
  },
  {
    ...CHANGE,
    name: 'hmset',
    arity: -4,
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '2.0.0',
    summary: 'Sets fields of a hash.',
    complexity: 'O(N) for N fields.',
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
    summary: 'Sets a field of a hash unless it exists.',
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
    summary: 'Deletes fields of a hash, and the hash with its last field.',
    complexity: 'O(N) for N fields.',
    arguments: [KEY_ARG, FIELDS_ARG],
    history: [['2.4.0', 'Several fields.']],
    handler: hdel,
  },
  {
    ...CHANGE,
    name: 'hincrby',
    arity: 4,
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    since: '2.0.0',
    summary: 'Adds to the integer in a field of a hash; a missing one counts as 0.',
    arguments: [KEY_ARG, FIELD_ARG, { name: 'increment', type: 'integer' }],
    handler: hincrby,
  },
  {
    ...CHANGE,
    name: 'hincrbyfloat',
    arity: 4,
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    since: '2.6.0',
    summary: 'Adds to the number in a field of a hash; a missing one counts as 0.',
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
    summary: 'Returns the value of a field of a hash.',
    arguments: [KEY_ARG, FIELD_ARG],
    handler: hget,
  },
  {
    ...READ,
    name: 'hmget',
    arity: -3,
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.0.0',
    summary: 'Returns the values of several fields of a hash.',
    complexity: 'O(N) for N fields.',
    arguments: [KEY_ARG, FIELDS_ARG],
    handler: hmget,
  },
  {
    ...READ,
    name: 'hexists',
    arity: 3,
    keySpecs: [keySpec(1, 'RO')],
    since: '2.0.0',
    summary: 'Tells whether a hash has a field.',
    arguments: [KEY_ARG, FIELD_ARG],
    handler: hexists,
  },
  {
    ...READ,
    name: 'hlen',
    arity: 2,
    keySpecs: [keySpec(1, 'RO')],
    since: '2.0.0',
    summary: 'Tells how many fields a hash has.',
    arguments: [KEY_ARG],
    handler: hlen,
  },
  {
    ...READ,
    name: 'hstrlen',
    arity: 3,
    keySpecs: [keySpec(1, 'RO')],
    since: '3.2.0',
    summary: 'Tells how many bytes the value of a field has.',
    arguments: [KEY_ARG, FIELD_ARG],
    handler: hstrlen,
  },
];

const WALKS: readonly CommandSpec[] = [
  { ...WHOLE, name: 'hgetall', summary: 'Returns all fields of a hash with their values.', handler: hgetall },
  { ...WHOLE, name: 'hkeys', summary: 'Returns all fields of a hash.', handler: hkeys },
  { ...WHOLE, name: 'hvals', summary: 'Returns the values of all fields of a hash.', handler: hvals },
  {
    ...HASH,
    name: 'hrandfield',
    arity: -2,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '6.2.0',
    summary: 'Returns fields of a hash chosen by chance.',
    complexity: 'O(N) for N fields returned.',
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
    summary: 'Walks over the fields of a hash in steps.',
    complexity: 'O(1) a call, O(N) for a whole walk over N fields.',
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
