/**
 * The sorted set family's rows. Handlers: zset-members.ts, zset-range.ts, zset-pop.ts (pops and random members),
 * zset-algebra.ts.
 */
import { KEY_ARG, KEYS_ARG, keySpec, TIMEOUT_ARG, TIMEOUT_HISTORY, WAITED_KEYS } from './rows.js';
import type { CommandSpec, KeySpec } from './spec.js';
import { zdiff, zdiffstore, zinter, zintercard, zinterstore, zunion, zunionstore } from './zset-algebra.js';
import { zadd, zcard, zincrby, zmscore, zrank, zrem, zrevrank, zscan, zscore } from './zset-members.js';
import { bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin, zrandmember } from './zset-pop.js';
import {
  zcount,
  zlexcount,
  zrange,
  zrangebylex,
  zrangebyscore,
  zrangestore,
  zremrangebylex,
  zremrangebyrank,
  zremrangebyscore,
  zrevrange,
  zrevrangebylex,
  zrevrangebyscore,
} from './zset-range.js';

const POPPED =
  'O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.';
const RANGE_REMOVED =
  'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.';
const RANGED_LIMIT =
  'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).';
const RANGED =
  'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.';
const ZSET = { acl: ['sortedset'], group: 'sorted-set', keys: [1, 1, 1], since: '1.2.0', complexity: 'O(1)' } as const;

const MEMBER_ARG = { name: 'member', type: 'string' };
const MEMBERS_ARG = { name: 'member', type: 'string', multiple: true };
const READ = [keySpec(1, 'RO', 'access')];
const DELETE = [keySpec(1, 'RW', 'delete')];
const POP = [keySpec(1, 'RW', 'access', 'delete')];
const LOG = 'O(log(N)) with N being the number of elements in the sorted set.';
const WITHSCORES = { name: 'withscores', type: 'pure-token', token: 'WITHSCORES', optional: true };
const RANDOM = ['nondeterministic_output'];

function pure(token: string, more: object = {}): object {
  return { name: token.toLowerCase(), type: 'pure-token', token, ...more };
}
function oneOf(name: string, tokens: readonly string[], more: object = {}): object {
  return { name, type: 'oneof', ...more, arguments: tokens.map((token) => pure(token)) };
}
function limit(more: object = {}): object {
  return {
    name: 'limit',
    type: 'block',
    token: 'LIMIT',
    optional: true,
    ...more,
    arguments: [
      { name: 'offset', type: 'integer' },
      { name: 'count', type: 'integer' },
    ],
  };
}
function bounds(type: string, first: string, second: string): object[] {
  return [
    { name: first, type },
    { name: second, type },
  ];
}
function replacedByZrange(by: string) {
  return { docFlags: ['deprecated'], deprecatedSince: '6.2.0', replacedBy: `\`ZRANGE\` with the ${by}` };
}

// --- members -----------------------------------------------------------------------------------------------------------

const MEMBERS: readonly CommandSpec[] = [
  {
    ...ZSET,
    name: 'zadd',
    arity: -4,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    complexity: 'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
    summary: "Adds one or more members to a sorted set, or updates their scores. Creates the key if it doesn't exist.",
    arguments: [
      KEY_ARG,
      oneOf('condition', ['NX', 'XX'], { since: '3.0.2', optional: true }),
      oneOf('comparison', ['GT', 'LT'], { since: '6.2.0', optional: true }),
      { name: 'change', type: 'pure-token', token: 'CH', since: '3.0.2', optional: true },
      { name: 'increment', type: 'pure-token', token: 'INCR', since: '3.0.2', optional: true },
      { name: 'data', type: 'block', multiple: true, arguments: [{ name: 'score', type: 'double' }, MEMBER_ARG] },
    ],
    history: [
      ['2.4.0', 'Accepts multiple elements.'],
      ['3.0.2', 'Added the `XX`, `NX`, `CH` and `INCR` options.'],
      ['6.2.0', 'Added the `GT` and `LT` options.'],
    ],
    handler: zadd,
  },
  {
    ...ZSET,
    name: 'zincrby',
    arity: 4,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    complexity: 'O(log(N)) where N is the number of elements in the sorted set.',
    summary: 'Increments the score of a member in a sorted set.',
    arguments: [KEY_ARG, { name: 'increment', type: 'integer' }, MEMBER_ARG],
    handler: zincrby,
  },
  {
    ...ZSET,
    name: 'zrem',
    arity: -3,
    flags: ['write', 'fast'],
    keySpecs: DELETE,
    complexity:
      'O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.',
    summary: 'Removes one or more members from a sorted set. Deletes the sorted set if all members were removed.',
    arguments: [KEY_ARG, MEMBERS_ARG],
    history: [['2.4.0', 'Accepts multiple elements.']],
    handler: zrem,
  },
  {
    ...ZSET,
    name: 'zcard',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    summary: 'Returns the number of members in a sorted set.',
    arguments: [KEY_ARG],
    handler: zcard,
  },
  {
    ...ZSET,
    name: 'zscore',
    arity: 3,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    summary: 'Returns the score of a member in a sorted set.',
    arguments: [KEY_ARG, MEMBER_ARG],
    handler: zscore,
  },
  {
    ...ZSET,
    name: 'zmscore',
    arity: -3,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    since: '6.2.0',
    complexity: 'O(N) where N is the number of members being requested.',
    summary: 'Returns the score of one or more members in a sorted set.',
    arguments: [KEY_ARG, MEMBERS_ARG],
    handler: zmscore,
  },
  {
    ...ZSET,
    name: 'zrank',
    arity: -3,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    since: '2.0.0',
    complexity: 'O(log(N))',
    summary: 'Returns the index of a member in a sorted set ordered by ascending scores.',
    arguments: [KEY_ARG, MEMBER_ARG, pure('WITHSCORE', { optional: true })],
    history: [['7.2.0', 'Added the optional `WITHSCORE` argument.']],
    handler: zrank,
  },
  {
    ...ZSET,
    name: 'zrevrank',
    arity: -3,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    since: '2.0.0',
    complexity: 'O(log(N))',
    summary: 'Returns the index of a member in a sorted set ordered by descending scores.',
    arguments: [KEY_ARG, MEMBER_ARG, pure('WITHSCORE', { optional: true })],
    history: [['7.2.0', 'Added the optional `WITHSCORE` argument.']],
    handler: zrevrank,
  },
  {
    ...ZSET,
    name: 'zscan',
    arity: -3,
    flags: ['readonly'],
    keySpecs: READ,
    since: '2.8.0',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..',
    summary: 'Iterates over members and scores of a sorted set.',
    arguments: [
      KEY_ARG,
      { name: 'cursor', type: 'integer' },
      { name: 'pattern', type: 'pattern', token: 'MATCH', optional: true },
      { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    ],
    tips: RANDOM,
    handler: zscan,
  },
];

// --- ranges ------------------------------------------------------------------------------------------------------------

const RANGES: readonly CommandSpec[] = [
  {
    ...ZSET,
    name: 'zrange',
    arity: -4,
    flags: ['readonly'],
    keySpecs: READ,
    complexity: RANGED,
    summary: 'Returns members in a sorted set within a range of indexes.',
    arguments: [
      KEY_ARG,
      ...bounds('string', 'start', 'stop'),
      oneOf('sortby', ['BYSCORE', 'BYLEX'], { since: '6.2.0', optional: true }),
      pure('REV', { since: '6.2.0', optional: true }),
      limit({ since: '6.2.0' }),
      WITHSCORES,
    ],
    history: [['6.2.0', 'Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.']],
    handler: zrange,
  },
  {
    ...ZSET,
    name: 'zrangestore',
    arity: -5,
    flags: ['write', 'denyoom'],
    keys: [1, 2, 1],
    keySpecs: [keySpec(1, 'OW', 'update'), keySpec(2, 'RO', 'access')],
    since: '6.2.0',
    complexity:
      'O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.',
    summary: 'Stores a range of members from sorted set in a key.',
    arguments: [
      { name: 'dst', type: 'key', key_spec_index: 0 },
      { name: 'src', type: 'key', key_spec_index: 1 },
      ...bounds('string', 'min', 'max'),
      oneOf('sortby', ['BYSCORE', 'BYLEX'], { optional: true }),
      pure('REV', { optional: true }),
      limit(),
    ],
    handler: zrangestore,
  },
  {
    ...ZSET,
    ...replacedByZrange('`BYSCORE` argument'),
    name: 'zrangebyscore',
    arity: -4,
    flags: ['readonly'],
    keySpecs: READ,
    since: '1.0.5',
    complexity: RANGED_LIMIT,
    summary: 'Returns members in a sorted set within a range of scores.',
    arguments: [KEY_ARG, ...bounds('double', 'min', 'max'), { ...WITHSCORES, since: '2.0.0' }, limit()],
    history: [['2.0.0', 'Added the `WITHSCORES` modifier.']],
    handler: zrangebyscore,
  },
  {
    ...ZSET,
    ...replacedByZrange('`REV` and `BYSCORE` arguments'),
    name: 'zrevrangebyscore',
    arity: -4,
    flags: ['readonly'],
    keySpecs: READ,
    since: '2.2.0',
    complexity: RANGED_LIMIT,
    summary: 'Returns members in a sorted set within a range of scores in reverse order.',
    arguments: [KEY_ARG, ...bounds('double', 'max', 'min'), WITHSCORES, limit()],
    history: [['2.1.6', '`min` and `max` can be exclusive.']],
    handler: zrevrangebyscore,
  },
  {
    ...ZSET,
    ...replacedByZrange('`BYLEX` argument'),
    name: 'zrangebylex',
    arity: -4,
    flags: ['readonly'],
    keySpecs: READ,
    since: '2.8.9',
    complexity: RANGED_LIMIT,
    summary: 'Returns members in a sorted set within a lexicographical range.',
    arguments: [KEY_ARG, ...bounds('string', 'min', 'max'), limit()],
    handler: zrangebylex,
  },
  {
    ...ZSET,
    ...replacedByZrange('`REV` and `BYLEX` arguments'),
    name: 'zrevrangebylex',
    arity: -4,
    flags: ['readonly'],
    keySpecs: READ,
    since: '2.8.9',
    complexity: RANGED_LIMIT,
    summary: 'Returns members in a sorted set within a lexicographical range in reverse order.',
    arguments: [KEY_ARG, ...bounds('string', 'max', 'min'), limit()],
    handler: zrevrangebylex,
  },
  {
    ...ZSET,
    ...replacedByZrange('`REV` argument'),
    name: 'zrevrange',
    arity: -4,
    flags: ['readonly'],
    keySpecs: READ,
    complexity: RANGED,
    summary: 'Returns members in a sorted set within a range of indexes in reverse order.',
    arguments: [KEY_ARG, ...bounds('integer', 'start', 'stop'), WITHSCORES],
    handler: zrevrange,
  },
  {
    ...ZSET,
    name: 'zcount',
    arity: 4,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    since: '2.0.0',
    complexity: LOG,
    summary: 'Returns the count of members in a sorted set that have scores within a range.',
    arguments: [KEY_ARG, ...bounds('double', 'min', 'max')],
    handler: zcount,
  },
  {
    ...ZSET,
    name: 'zlexcount',
    arity: 4,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    since: '2.8.9',
    complexity: LOG,
    summary: 'Returns the number of members in a sorted set within a lexicographical range.',
    arguments: [KEY_ARG, ...bounds('string', 'min', 'max')],
    handler: zlexcount,
  },
  {
    ...ZSET,
    name: 'zremrangebyrank',
    arity: 4,
    flags: ['write'],
    keySpecs: DELETE,
    since: '2.0.0',
    complexity: RANGE_REMOVED,
    summary:
      'Removes members in a sorted set within a range of indexes. Deletes the sorted set if all members were removed.',
    arguments: [KEY_ARG, ...bounds('integer', 'start', 'stop')],
    handler: zremrangebyrank,
  },
  {
    ...ZSET,
    name: 'zremrangebyscore',
    arity: 4,
    flags: ['write'],
    keySpecs: DELETE,
    complexity: RANGE_REMOVED,
    summary:
      'Removes members in a sorted set within a range of scores. Deletes the sorted set if all members were removed.',
    arguments: [KEY_ARG, ...bounds('double', 'min', 'max')],
    handler: zremrangebyscore,
  },
  {
    ...ZSET,
    name: 'zremrangebylex',
    arity: 4,
    flags: ['write'],
    keySpecs: DELETE,
    since: '2.8.9',
    complexity: RANGE_REMOVED,
    summary:
      'Removes members in a sorted set within a lexicographical range. Deletes the sorted set if all members were removed.',
    arguments: [KEY_ARG, ...bounds('string', 'min', 'max')],
    handler: zremrangebylex,
  },
];

// --- pops and random members -------------------------------------------------------------------------------------------

const MULTI_POP = {
  ...ZSET,
  keys: [0, 0, 0],
  since: '7.0.0',
  complexity:
    'O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.',
} as const satisfies Partial<CommandSpec>;
const MULTI_POP_ARGS = [
  { name: 'numkeys', type: 'integer' },
  KEYS_ARG,
  oneOf('where', ['MIN', 'MAX']),
  { name: 'count', type: 'integer', token: 'COUNT', optional: true },
];
const POP_OR_WAIT = {
  ...ZSET,
  arity: -3,
  flags: ['write', 'blocking', 'fast'],
  keys: [1, -2, 1],
  keySpecs: WAITED_KEYS,
  since: '5.0.0',
  complexity: LOG,
  history: TIMEOUT_HISTORY,
  arguments: [KEYS_ARG, TIMEOUT_ARG],
} as const satisfies Partial<CommandSpec>;

const POPS: readonly CommandSpec[] = [
  {
    ...ZSET,
    name: 'zpopmin',
    arity: -2,
    flags: ['write', 'fast'],
    keySpecs: POP,
    since: '5.0.0',
    complexity: POPPED,
    summary:
      'Returns the lowest-scoring members from a sorted set after removing them. Deletes the sorted set if the last member was popped.',
    arguments: [KEY_ARG, { name: 'count', type: 'integer', optional: true }],
    handler: zpopmin,
  },
  {
    ...ZSET,
    name: 'zpopmax',
    arity: -2,
    flags: ['write', 'fast'],
    keySpecs: POP,
    since: '5.0.0',
    complexity: POPPED,
    summary:
      'Returns the highest-scoring members from a sorted set after removing them. Deletes the sorted set if the last member was popped.',
    arguments: [KEY_ARG, { name: 'count', type: 'integer', optional: true }],
    handler: zpopmax,
  },
  {
    ...MULTI_POP,
    name: 'zmpop',
    arity: -4,
    flags: ['write', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 1], find: ['keynum', 0, 1, 1] }],
    summary:
      'Returns the highest- or lowest-scoring members from one or more sorted sets after removing them. Deletes the sorted set if the last member was popped.',
    arguments: MULTI_POP_ARGS,
    handler: zmpop,
  },
  {
    ...POP_OR_WAIT,
    name: 'bzpopmin',
    summary:
      'Removes and returns the member with the lowest score from one or more sorted sets. Blocks until a member is available otherwise. Deletes the sorted set if the last element was popped.',
    handler: bzpopmin,
  },
  {
    ...POP_OR_WAIT,
    name: 'bzpopmax',
    summary:
      'Removes and returns the member with the highest score from one or more sorted sets. Blocks until a member available otherwise.  Deletes the sorted set if the last element was popped.',
    handler: bzpopmax,
  },
  {
    ...MULTI_POP,
    name: 'bzmpop',
    arity: -5,
    flags: ['write', 'blocking', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 2], find: ['keynum', 0, 1, 1] }],
    summary:
      'Removes and returns a member by score from one or more sorted sets. Blocks until a member is available otherwise. Deletes the sorted set if the last element was popped.',
    arguments: [TIMEOUT_ARG, ...MULTI_POP_ARGS],
    handler: bzmpop,
  },
  {
    ...ZSET,
    name: 'zrandmember',
    arity: -2,
    flags: ['readonly'],
    keySpecs: READ,
    since: '6.2.0',
    complexity: 'O(N) where N is the number of members returned',
    summary: 'Returns one or more random members from a sorted set.',
    arguments: [
      KEY_ARG,
      { name: 'options', type: 'block', optional: true, arguments: [{ name: 'count', type: 'integer' }, WITHSCORES] },
    ],
    tips: RANDOM,
    handler: zrandmember,
  },
];

// --- algebra -----------------------------------------------------------------------------------------------------------

const NUMKEYS_ARG = { name: 'numkeys', type: 'integer' };
const WEIGHTS_ARG = { name: 'weight', type: 'integer', token: 'WEIGHTS', optional: true, multiple: true };
const AGGREGATE_ARG = oneOf('aggregate', ['SUM', 'MIN', 'MAX'], { token: 'AGGREGATE', optional: true });
const DESTINATION_ARG = { name: 'destination', type: 'key', key_spec_index: 0 };
const SOURCES_ARG = { name: 'key', type: 'key', key_spec_index: 1, multiple: true };
const OF_INTER =
  'O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.';
const OF_DIFF =
  'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.';

function readKeys(index: number): KeySpec {
  return { flags: ['RO', 'access'], begin: ['index', index], find: ['keynum', 0, 1, 1] };
}

/** What the commands that reply, and those that store, have in common. */
const REPLIES = {
  ...ZSET,
  arity: -3,
  flags: ['readonly', 'movablekeys'],
  keys: [0, 0, 0],
  keySpecs: [readKeys(1)],
  since: '6.2.0',
} as const;
const STORES = {
  ...ZSET,
  arity: -4,
  flags: ['write', 'denyoom', 'movablekeys'],
  keySpecs: [keySpec(1, 'OW', 'update'), readKeys(2)],
} as const;

const ALGEBRA: readonly CommandSpec[] = [
  {
    ...REPLIES,
    name: 'zunion',
    complexity:
      'O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.',
    summary: 'Returns the union of multiple sorted sets.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, WEIGHTS_ARG, AGGREGATE_ARG, WITHSCORES],
    handler: zunion,
  },
  {
    ...REPLIES,
    name: 'zinter',
    complexity: OF_INTER,
    summary: 'Returns the intersect of multiple sorted sets.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, WEIGHTS_ARG, AGGREGATE_ARG, WITHSCORES],
    handler: zinter,
  },
  {
    ...REPLIES,
    name: 'zdiff',
    complexity: OF_DIFF,
    summary: 'Returns the difference between multiple sorted sets.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, WITHSCORES],
    handler: zdiff,
  },
  {
    ...REPLIES,
    name: 'zintercard',
    since: '7.0.0',
    complexity:
      'O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.',
    summary: 'Returns the number of members of the intersect of multiple sorted sets.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, { name: 'limit', type: 'integer', token: 'LIMIT', optional: true }],
    handler: zintercard,
  },
  {
    ...STORES,
    name: 'zunionstore',
    since: '2.0.0',
    complexity:
      'O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.',
    summary: 'Stores the union of multiple sorted sets in a key.',
    arguments: [DESTINATION_ARG, NUMKEYS_ARG, SOURCES_ARG, WEIGHTS_ARG, AGGREGATE_ARG],
    handler: zunionstore,
  },
  {
    ...STORES,
    name: 'zinterstore',
    since: '2.0.0',
    complexity: OF_INTER,
    summary: 'Stores the intersect of multiple sorted sets in a key.',
    arguments: [DESTINATION_ARG, NUMKEYS_ARG, SOURCES_ARG, WEIGHTS_ARG, AGGREGATE_ARG],
    handler: zinterstore,
  },
  {
    ...STORES,
    name: 'zdiffstore',
    since: '6.2.0',
    complexity: OF_DIFF,
    summary: 'Stores the difference of multiple sorted sets in a key.',
    arguments: [DESTINATION_ARG, NUMKEYS_ARG, SOURCES_ARG],
    handler: zdiffstore,
  },
];

export const ZSET_COMMANDS: readonly CommandSpec[] = [...MEMBERS, ...RANGES, ...POPS, ...ALGEBRA];
