/** The set family's rows. Handlers: set-members.ts (one key), set-algebra.ts (several). */
import { KEY_ARG, KEYS_ARG, keySpec, keysSpec } from './rows.js';
import { sdiff, sdiffstore, sinter, sintercard, sinterstore, sunion, sunionstore } from './set-algebra.js';
import { sadd, scard, sismember, smembers, smismember, smove, spop, srandmember, srem, sscan } from './set-members.js';
import type { CommandSpec, KeySpec } from './spec.js';

const SET = { acl: ['set'], group: 'set', keys: [1, 1, 1], since: '1.0.0', complexity: 'O(1)' } as const;

const MEMBER_ARG = { name: 'member', type: 'string' };
const MEMBERS_ARG = { name: 'member', type: 'string', multiple: true };
const DESTINATION_ARG = { name: 'destination', type: 'key', key_spec_index: 0 };
const SOURCES_ARG = { name: 'key', type: 'key', key_spec_index: 1, multiple: true };
const OF_ALL = 'O(N) where N is the total number of elements in all given sets.';
const OF_SMALLEST = 'O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.';
const UNORDERED = ['nondeterministic_output_order'];
const RANDOM = ['nondeterministic_output'];
const READ_ALL = [keysSpec(1, 1, 'RO', 'access')];
const NUMKEYS: KeySpec = { flags: ['RO', 'access'], begin: ['index', 1], find: ['keynum', 0, 1, 1] };

const ONE_KEY: readonly CommandSpec[] = [
  {
    ...SET,
    name: 'sadd',
    arity: -3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'insert')],
    complexity:
      'O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.',
    summary: "Adds one or more members to a set. Creates the key if it doesn't exist.",
    arguments: [KEY_ARG, MEMBERS_ARG],
    history: [['2.4.0', 'Accepts multiple `member` arguments.']],
    handler: sadd,
  },
  {
    ...SET,
    name: 'srem',
    arity: -3,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    complexity: 'O(N) where N is the number of members to be removed.',
    summary: 'Removes one or more members from a set. Deletes the set if the last member was removed.',
    arguments: [KEY_ARG, MEMBERS_ARG],
    history: [['2.4.0', 'Accepts multiple `member` arguments.']],
    handler: srem,
  },
  {
    ...SET,
    name: 'sismember',
    arity: 3,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    summary: 'Determines whether a member belongs to a set.',
    arguments: [KEY_ARG, MEMBER_ARG],
    handler: sismember,
  },
  {
    ...SET,
    name: 'smismember',
    arity: -3,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '6.2.0',
    complexity: 'O(N) where N is the number of elements being checked for membership',
    summary: 'Determines whether multiple members belong to a set.',
    arguments: [KEY_ARG, MEMBERS_ARG],
    handler: smismember,
  },
  {
    ...SET,
    name: 'scard',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    summary: 'Returns the number of members in a set.',
    arguments: [KEY_ARG],
    handler: scard,
  },
  {
    ...SET,
    name: 'smembers',
    arity: 2,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    complexity: 'O(N) where N is the set cardinality.',
    summary: 'Returns all members of a set.',
    arguments: [KEY_ARG],
    tips: UNORDERED,
    handler: smembers,
  },
  {
    ...SET,
    name: 'spop',
    arity: -2,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'access', 'delete')],
    complexity: 'Without the count argument O(1), otherwise O(N) where N is the value of the passed count.',
    summary:
      'Returns one or more random members from a set after removing them. Deletes the set if the last member was popped.',
    arguments: [KEY_ARG, { name: 'count', type: 'integer', since: '3.2.0', optional: true }],
    history: [['3.2.0', 'Added the `count` argument.']],
    tips: RANDOM,
    handler: spop,
  },
  {
    ...SET,
    name: 'srandmember',
    arity: -2,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    complexity: 'Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.',
    summary: 'Get one or multiple random members from a set',
    arguments: [KEY_ARG, { name: 'count', type: 'integer', since: '2.6.0', optional: true }],
    history: [['2.6.0', 'Added the optional `count` argument.']],
    tips: RANDOM,
    handler: srandmember,
  },
  {
    ...SET,
    name: 'smove',
    arity: 4,
    flags: ['write', 'fast'],
    keys: [1, 2, 1],
    keySpecs: [keySpec(1, 'RW', 'access', 'delete'), keySpec(2, 'RW', 'insert')],
    summary: 'Moves a member from one set to another.',
    arguments: [
      { name: 'source', type: 'key', key_spec_index: 0 },
      { name: 'destination', type: 'key', key_spec_index: 1 },
      MEMBER_ARG,
    ],
    handler: smove,
  },
  {
    ...SET,
    name: 'sscan',
    arity: -3,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.8.0',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..',
    summary: 'Iterates over members of a set.',
    arguments: [
      KEY_ARG,
      { name: 'cursor', type: 'integer' },
      { name: 'pattern', type: 'pattern', token: 'MATCH', optional: true },
      { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    ],
    tips: RANDOM,
    handler: sscan,
  },
];

const SEVERAL_KEYS: readonly CommandSpec[] = [
  {
    ...SET,
    name: 'sinter',
    arity: -2,
    flags: ['readonly'],
    keys: [1, -1, 1],
    keySpecs: READ_ALL,
    complexity: OF_SMALLEST,
    summary: 'Returns the intersect of multiple sets.',
    arguments: [KEYS_ARG],
    tips: UNORDERED,
    handler: sinter,
  },
  {
    ...SET,
    name: 'sinterstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 1],
    keySpecs: [keySpec(1, 'RW', 'update'), keysSpec(2, 1, 'RO', 'access')],
    complexity: OF_SMALLEST,
    summary: 'Stores the intersect of multiple sets in a key.',
    arguments: [DESTINATION_ARG, SOURCES_ARG],
    handler: sinterstore,
  },
  {
    ...SET,
    name: 'sintercard',
    arity: -3,
    flags: ['readonly', 'movablekeys'],
    keys: [0, 0, 0],
    keySpecs: [NUMKEYS],
    since: '7.0.0',
    complexity: OF_SMALLEST,
    summary: 'Returns the number of members of the intersect of multiple sets.',
    arguments: [
      { name: 'numkeys', type: 'integer' },
      KEYS_ARG,
      { name: 'limit', type: 'integer', token: 'LIMIT', optional: true },
    ],
    handler: sintercard,
  },
  {
    ...SET,
    name: 'sunion',
    arity: -2,
    flags: ['readonly'],
    keys: [1, -1, 1],
    keySpecs: READ_ALL,
    complexity: OF_ALL,
    summary: 'Returns the union of multiple sets.',
    arguments: [KEYS_ARG],
    tips: UNORDERED,
    handler: sunion,
  },
  {
    ...SET,
    name: 'sunionstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 1],
    keySpecs: [keySpec(1, 'OW', 'update'), keysSpec(2, 1, 'RO', 'access')],
    complexity: OF_ALL,
    summary: 'Stores the union of multiple sets in a key.',
    arguments: [DESTINATION_ARG, SOURCES_ARG],
    handler: sunionstore,
  },
  {
    ...SET,
    name: 'sdiff',
    arity: -2,
    flags: ['readonly'],
    keys: [1, -1, 1],
    keySpecs: READ_ALL,
    complexity: OF_ALL,
    summary: 'Returns the difference of multiple sets.',
    arguments: [KEYS_ARG],
    tips: UNORDERED,
    handler: sdiff,
  },
  {
    ...SET,
    name: 'sdiffstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 1],
    keySpecs: [keySpec(1, 'OW', 'update'), keysSpec(2, 1, 'RO', 'access')],
    complexity: OF_ALL,
    summary: 'Stores the difference of multiple sets in a key.',
    arguments: [DESTINATION_ARG, SOURCES_ARG],
    handler: sdiffstore,
  },
];

export const SET_COMMANDS: readonly CommandSpec[] = [...ONE_KEY, ...SEVERAL_KEYS];
