/** The string family's rows. Handlers: string-set.ts (whole values), string-number.ts, string-range.ts, lcs.ts. */
import { lcs } from './lcs.js';
import { KEY_ARG, KEYS_ARG, keySpec, keysSpec, VALUE_ARG } from './rows.js';
import type { CommandSpec } from './spec.js';
import { incrbyfloat } from './string-float.js';
import { decr, decrby, incr, incrby } from './string-number.js';
import { append, getrange, setrange, strlen } from './string-range.js';
import { get, getdel, getex, getset, mget, mset, msetnx, psetex, set, setex, setnx } from './string-set.js';

const STRING = { acl: ['string'], group: 'string', keys: [1, 1, 1], complexity: 'O(1)' } as const;

const PAIRS_ARG = {
  name: 'data',
  type: 'block',
  multiple: true,
  arguments: [{ name: 'key', type: 'key', key_spec_index: 0 }, VALUE_ARG],
};
const RANGE_ARGS = [KEY_ARG, { name: 'start', type: 'integer' }, { name: 'end', type: 'integer' }];
const OF_RESULT =
  'O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.';
const COUNTED = [keySpec(1, 'RW', 'access', 'update')];

const SECONDS = { name: 'seconds', type: 'integer', token: 'EX' };
const MILLISECONDS = { name: 'milliseconds', type: 'integer', token: 'PX' };
const AT_SECONDS = { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' };
const AT_MILLISECONDS = { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' };

/** Commands that an option of SET made superfluous. */
function replacedBySet(option: string, since: string) {
  return { docFlags: ['deprecated'], deprecatedSince: since, replacedBy: `\`SET\` with the \`${option}\` argument` };
}

const WHOLE: readonly CommandSpec[] = [
  {
    ...STRING,
    name: 'set',
    arity: -3,
    flags: ['write', 'denyoom'],
    keySpecs: [
      {
        notes: 'RW and ACCESS due to the optional `GET` argument',
        ...keySpec(1, 'RW', 'access', 'update', 'variable_flags'),
      },
    ],
    since: '1.0.0',
    summary: "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
    arguments: [
      KEY_ARG,
      VALUE_ARG,
      {
        name: 'condition',
        type: 'oneof',
        since: '2.6.12',
        optional: true,
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
        ],
      },
      { name: 'get', type: 'pure-token', token: 'GET', since: '6.2.0', optional: true },
      {
        name: 'expiration',
        type: 'oneof',
        optional: true,
        arguments: [
          { ...SECONDS, since: '2.6.12' },
          { ...MILLISECONDS, since: '2.6.12' },
          { ...AT_SECONDS, since: '6.2.0' },
          { ...AT_MILLISECONDS, since: '6.2.0' },
          { name: 'keepttl', type: 'pure-token', token: 'KEEPTTL', since: '6.0.0' },
        ],
      },
    ],
    history: [
      ['2.6.12', 'Added the `EX`, `PX`, `NX` and `XX` options.'],
      ['6.0.0', 'Added the `KEEPTTL` option.'],
      ['6.2.0', 'Added the `GET`, `EXAT` and `PXAT` option.'],
      ['7.0.0', 'Allowed the `NX` and `GET` options to be used together.'],
    ],
    handler: set,
  },
  {
    ...STRING,
    ...replacedBySet('NX', '2.6.12'),
    name: 'setnx',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'OW', 'insert')],
    since: '1.0.0',
    summary: "Set the string value of a key only when the key doesn't exist.",
    arguments: [KEY_ARG, VALUE_ARG],
    handler: setnx,
  },
  {
    ...STRING,
    ...replacedBySet('EX', '2.6.12'),
    name: 'setex',
    arity: 4,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'OW', 'update')],
    since: '2.0.0',
    summary: "Sets the string value and expiration time of a key. Creates the key if it doesn't exist.",
    arguments: [KEY_ARG, { name: 'seconds', type: 'integer' }, VALUE_ARG],
    handler: setex,
  },
  {
    ...STRING,
    ...replacedBySet('PX', '2.6.12'),
    name: 'psetex',
    arity: 4,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'OW', 'update')],
    since: '2.6.0',
    summary:
      "Sets both string value and expiration time in milliseconds of a key. The key is created if it doesn't exist.",
    arguments: [KEY_ARG, { name: 'milliseconds', type: 'integer' }, VALUE_ARG],
    handler: psetex,
  },
  {
    ...STRING,
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '1.0.0',
    summary: 'Returns the string value of a key.',
    arguments: [KEY_ARG],
    handler: get,
  },
  {
    ...STRING,
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`SET` with the `!GET` argument',
    name: 'getset',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: COUNTED,
    since: '1.0.0',
    summary: 'Returns the previous string value of a key after setting it to a new value.',
    arguments: [KEY_ARG, VALUE_ARG],
    handler: getset,
  },
  {
    ...STRING,
    name: 'getdel',
    arity: 2,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'access', 'delete')],
    since: '6.2.0',
    summary: 'Returns the string value of a key after deleting the key.',
    arguments: [KEY_ARG],
    handler: getdel,
  },
  {
    ...STRING,
    name: 'getex',
    arity: -2,
    flags: ['write', 'fast'],
    keySpecs: [{ notes: 'RW and UPDATE because it changes the TTL', ...keySpec(1, 'RW', 'access', 'update') }],
    since: '6.2.0',
    summary: 'Returns the string value of a key after setting its expiration time.',
    arguments: [
      KEY_ARG,
      {
        name: 'expiration',
        type: 'oneof',
        optional: true,
        arguments: [
          SECONDS,
          MILLISECONDS,
          AT_SECONDS,
          AT_MILLISECONDS,
          { name: 'persist', type: 'pure-token', token: 'PERSIST' },
        ],
      },
    ],
    handler: getex,
  },
  {
    ...STRING,
    name: 'mget',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: [1, -1, 1],
    keySpecs: [keysSpec(1, 1, 'RO', 'access')],
    since: '1.0.0',
    summary: 'Atomically returns the string values of one or more keys.',
    complexity: 'O(N) where N is the number of keys to retrieve.',
    arguments: [KEYS_ARG],
    tips: ['request_policy:multi_shard'],
    handler: mget,
  },
  {
    ...STRING,
    name: 'mset',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 2],
    keySpecs: [keysSpec(1, 2, 'OW', 'update')],
    since: '1.0.1',
    summary: 'Atomically creates or modifies the string values of one or more keys.',
    complexity: 'O(N) where N is the number of keys to set.',
    arguments: [PAIRS_ARG],
    tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    handler: mset,
  },
  {
    ...STRING,
    name: 'msetnx',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 2],
    keySpecs: [keysSpec(1, 2, 'OW', 'insert')],
    since: '1.0.1',
    summary: "Atomically modifies the string values of one or more keys only when all keys don't exist.",
    complexity: 'O(N) where N is the number of keys to set.',
    arguments: [PAIRS_ARG],
    tips: ['request_policy:multi_shard', 'response_policy:agg_min'],
    handler: msetnx,
  },
];

const NUMBERS: readonly CommandSpec[] = [
  {
    ...STRING,
    name: 'incr',
    arity: 2,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: COUNTED,
    since: '1.0.0',
    summary: "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
    arguments: [KEY_ARG],
    handler: incr,
  },
  {
    ...STRING,
    name: 'decr',
    arity: 2,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: COUNTED,
    since: '1.0.0',
    summary: "Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
    arguments: [KEY_ARG],
    handler: decr,
  },
  {
    ...STRING,
    name: 'incrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: COUNTED,
    since: '1.0.0',
    summary: "Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
    arguments: [KEY_ARG, { name: 'increment', type: 'integer' }],
    handler: incrby,
  },
  {
    ...STRING,
    name: 'decrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: COUNTED,
    since: '1.0.0',
    summary: "Decrements a number from the integer value of a key. Uses 0 as initial value if the key doesn't exist.",
    arguments: [KEY_ARG, { name: 'decrement', type: 'integer' }],
    handler: decrby,
  },
  {
    ...STRING,
    name: 'incrbyfloat',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: COUNTED,
    since: '2.6.0',
    summary:
      "Increment the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
    arguments: [KEY_ARG, { name: 'increment', type: 'double' }],
    handler: incrbyfloat,
  },
];

const PARTS: readonly CommandSpec[] = [
  {
    ...STRING,
    name: 'append',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'insert')],
    since: '2.0.0',
    summary: "Appends a string to the value of a key. Creates the key if it doesn't exist.",
    complexity:
      'O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.',
    arguments: [KEY_ARG, VALUE_ARG],
    handler: append,
  },
  {
    ...STRING,
    name: 'strlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    since: '2.2.0',
    summary: 'Returns the length of a string value.',
    arguments: [KEY_ARG],
    handler: strlen,
  },
  {
    ...STRING,
    name: 'setrange',
    arity: 4,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '2.2.0',
    summary: "Overwrites a part of a string value with another by an offset. Creates the key if it doesn't exist.",
    complexity:
      'O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.',
    arguments: [KEY_ARG, { name: 'offset', type: 'integer' }, VALUE_ARG],
    handler: setrange,
  },
  {
    ...STRING,
    name: 'getrange',
    arity: 4,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '2.4.0',
    summary: 'Returns a substring of the string stored at a key.',
    complexity: OF_RESULT,
    arguments: RANGE_ARGS,
    handler: getrange,
  },
  {
    ...STRING,
    docFlags: ['deprecated'],
    deprecatedSince: '2.0.0',
    replacedBy: '`GETRANGE`',
    name: 'substr',
    arity: 4,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '1.0.0',
    summary: 'Returns a substring from a string value.',
    complexity: OF_RESULT,
    arguments: RANGE_ARGS,
    handler: getrange,
  },
  {
    ...STRING,
    name: 'lcs',
    arity: -3,
    flags: ['readonly'],
    keys: [1, 2, 1],
    keySpecs: [{ flags: ['RO', 'access'], begin: ['index', 1], find: ['range', 1, 1, 0] }],
    since: '7.0.0',
    summary: 'Finds the longest common substring.',
    complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
    arguments: [
      { name: 'key1', type: 'key', key_spec_index: 0 },
      { name: 'key2', type: 'key', key_spec_index: 0 },
      { name: 'len', type: 'pure-token', token: 'LEN', optional: true },
      { name: 'idx', type: 'pure-token', token: 'IDX', optional: true },
      { name: 'min-match-len', type: 'integer', token: 'MINMATCHLEN', optional: true },
      { name: 'withmatchlen', type: 'pure-token', token: 'WITHMATCHLEN', optional: true },
    ],
    handler: lcs,
  },
];

export const STRING_COMMANDS: readonly CommandSpec[] = [...WHOLE, ...NUMBERS, ...PARTS];
