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

const ZSET = { acl: ['sortedset'], group: 'sorted-set', keys: [1, 1, 1], since: '1.2.0', complexity: 'O(1)' } as const;

const MEMBER_ARG = { name: 'member', type: 'string' };
const MEMBERS_ARG = { name: 'member', type: 'string', multiple: true };
const READ = [keySpec(1, 'RO', 'access')];
const DELETE = [keySpec(1, 'RW', 'delete')];
const POP = [keySpec(1, 'RW', 'access', 'delete')];
const LOG = 'O(log(N)) for N members.';
const LOG_EACH = 'O(M*log(N)) for M arguments and N members.';
const LOG_AND_RANGE = 'O(log(N)+M) for N members and M of them in the answer.';
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
    complexity: LOG_EACH,
    summary: 'Adds members with scores to a sorted set, or gives them other scores.',
    arguments: [
      KEY_ARG,
      oneOf('condition', ['NX', 'XX'], { since: '3.0.2', optional: true }),
      oneOf('comparison', ['GT', 'LT'], { since: '6.2.0', optional: true }),
      { name: 'change', type: 'pure-token', token: 'CH', since: '3.0.2', optional: true },
      { name: 'increment', type: 'pure-token', token: 'INCR', since: '3.0.2', optional: true },
      { name: 'data', type: 'block', multiple: true, arguments: [{ name: 'score', type: 'double' }, MEMBER_ARG] },
    ],
    history: [
      ['2.4.0', 'Takes several members.'],
      ['3.0.2', 'The options `XX`, `NX`, `CH` and `INCR` came.'],
      ['6.2.0', 'The options `GT` and `LT` came.'],
    ],
    handler: zadd,
  },
  {
    ...ZSET,
    name: 'zincrby',
    arity: 4,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    complexity: LOG,
    summary: "Adds to a member's score; a missing member begins at 0.",
    arguments: [KEY_ARG, { name: 'increment', type: 'integer' }, MEMBER_ARG],
    handler: zincrby,
  },
  {
    ...ZSET,
    name: 'zrem',
    arity: -3,
    flags: ['write', 'fast'],
    keySpecs: DELETE,
    complexity: LOG_EACH,
    summary: 'Removes members from a sorted set; the last one takes the key with it.',
    arguments: [KEY_ARG, MEMBERS_ARG],
    history: [['2.4.0', 'Takes several members.']],
    handler: zrem,
  },
  {
    ...ZSET,
    name: 'zcard',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    summary: 'Returns how many members a sorted set has.',
    arguments: [KEY_ARG],
    handler: zcard,
  },
  {
    ...ZSET,
    name: 'zscore',
    arity: 3,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    summary: 'Returns the score of a member.',
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
    complexity: 'O(1) a member asked for.',
    summary: 'Returns the scores of several members.',
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
    complexity: LOG,
    summary: "Returns a member's place, counted from the lowest score.",
    arguments: [KEY_ARG, MEMBER_ARG, pure('WITHSCORE', { optional: true })],
    history: [['7.2.0', 'The option `WITHSCORE` came.']],
    handler: zrank,
  },
  {
    ...ZSET,
    name: 'zrevrank',
    arity: -3,
    flags: ['readonly', 'fast'],
    keySpecs: READ,
    since: '2.0.0',
    complexity: LOG,
    summary: "Returns a member's place, counted from the highest score.",
    arguments: [KEY_ARG, MEMBER_ARG, pure('WITHSCORE', { optional: true })],
    history: [['7.2.0', 'The option `WITHSCORE` came.']],
    handler: zrevrank,
  },
  {
    ...ZSET,
    name: 'zscan',
    arity: -3,
    flags: ['readonly'],
    keySpecs: READ,
    since: '2.8.0',
    complexity: 'O(1) a call, O(N) for a whole iteration over N members.',
    summary: 'Goes over the members and scores of a sorted set, some with each call.',
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
    complexity: LOG_AND_RANGE,
    summary: 'Returns members in a range of ranks, scores or texts.',
    arguments: [
      KEY_ARG,
      ...bounds('string', 'start', 'stop'),
      oneOf('sortby', ['BYSCORE', 'BYLEX'], { since: '6.2.0', optional: true }),
      pure('REV', { since: '6.2.0', optional: true }),
      limit({ since: '6.2.0' }),
      WITHSCORES,
    ],
    history: [['6.2.0', 'The options `REV`, `BYSCORE`, `BYLEX` and `LIMIT` came.']],
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
    complexity: LOG_AND_RANGE,
    summary: 'Stores members in a range of ranks, scores or texts in a key.',
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
    complexity: LOG_AND_RANGE,
    summary: 'Returns members in a range of scores.',
    arguments: [KEY_ARG, ...bounds('double', 'min', 'max'), { ...WITHSCORES, since: '2.0.0' }, limit()],
    history: [['2.0.0', 'The option `WITHSCORES` came.']],
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
    complexity: LOG_AND_RANGE,
    summary: 'Returns members in a range of scores, the highest first.',
    arguments: [KEY_ARG, ...bounds('double', 'max', 'min'), WITHSCORES, limit()],
    history: [['2.1.6', 'Bounds may be exclusive.']],
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
    complexity: LOG_AND_RANGE,
    summary: 'Returns members between two texts, where all scores are equal.',
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
    complexity: LOG_AND_RANGE,
    summary: 'Returns members between two texts, the last first, where all scores are equal.',
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
    complexity: LOG_AND_RANGE,
    summary: 'Returns members in a range of ranks, the highest score first.',
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
    summary: 'Returns how many members have a score in a range.',
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
    summary: 'Returns how many members lie between two texts, where all scores are equal.',
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
    complexity: 'O(M*log(N)) for N members and M of them removed.',
    summary: 'Removes members in a range of ranks.',
    arguments: [KEY_ARG, ...bounds('integer', 'start', 'stop')],
    handler: zremrangebyrank,
  },
  {
    ...ZSET,
    name: 'zremrangebyscore',
    arity: 4,
    flags: ['write'],
    keySpecs: DELETE,
    complexity: 'O(M*log(N)) for N members and M of them removed.',
    summary: 'Removes members in a range of scores.',
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
    complexity: 'O(M*log(N)) for N members and M of them removed.',
    summary: 'Removes members between two texts, where all scores are equal.',
    arguments: [KEY_ARG, ...bounds('string', 'min', 'max')],
    handler: zremrangebylex,
  },
];

// --- pops and random members -------------------------------------------------------------------------------------------

const MULTI_POP = {
  ...ZSET,
  keys: [0, 0, 0],
  since: '7.0.0',
  complexity: 'O(K) + O(M*log(N)) for K keys, N members and M of them taken.',
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
    complexity: LOG_EACH,
    summary: 'Takes the members with the lowest scores out of a sorted set and returns them.',
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
    complexity: LOG_EACH,
    summary: 'Takes the members with the highest scores out of a sorted set and returns them.',
    arguments: [KEY_ARG, { name: 'count', type: 'integer', optional: true }],
    handler: zpopmax,
  },
  {
    ...MULTI_POP,
    name: 'zmpop',
    arity: -4,
    flags: ['write', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 1], find: ['keynum', 0, 1, 1] }],
    summary: 'Takes members from an end of the first sorted set that is there.',
    arguments: MULTI_POP_ARGS,
    handler: zmpop,
  },
  {
    ...POP_OR_WAIT,
    name: 'bzpopmin',
    summary:
      'Takes the member with the lowest score out of the first sorted set that is there; waits for one if need be.',
    handler: bzpopmin,
  },
  {
    ...POP_OR_WAIT,
    name: 'bzpopmax',
    summary:
      'Takes the member with the highest score out of the first sorted set that is there; waits for one if need be.',
    handler: bzpopmax,
  },
  {
    ...MULTI_POP,
    name: 'bzmpop',
    arity: -5,
    flags: ['write', 'blocking', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 2], find: ['keynum', 0, 1, 1] }],
    summary: 'Takes members from an end of the first sorted set that is there; waits for one if need be.',
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
    complexity: 'O(N) for N members in the answer.',
    summary: 'Returns random members of a sorted set.',
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
const OF_UNION = 'O(N)+O(M*log(M)) for N members in all inputs together and M in the result.';
const OF_INTER = 'O(N*K)+O(M*log(M)) at worst, for N members in the smallest of K inputs and M in the result.';
const OF_DIFF = 'O(N*K)+O(M*log(M)) at worst, for N members in the first of K inputs and M in the result.';

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
    complexity: OF_UNION,
    summary: 'Returns the members that any of the sorted sets has, their scores combined.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, WEIGHTS_ARG, AGGREGATE_ARG, WITHSCORES],
    handler: zunion,
  },
  {
    ...REPLIES,
    name: 'zinter',
    complexity: OF_INTER,
    summary: 'Returns the members that all sorted sets have, their scores combined.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, WEIGHTS_ARG, AGGREGATE_ARG, WITHSCORES],
    handler: zinter,
  },
  {
    ...REPLIES,
    name: 'zdiff',
    complexity: OF_DIFF,
    summary: 'Returns the members of the first sorted set that no other has.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, WITHSCORES],
    handler: zdiff,
  },
  {
    ...REPLIES,
    name: 'zintercard',
    since: '7.0.0',
    complexity: 'O(N*K) at worst, for N members in the smallest of K inputs.',
    summary: 'Returns how many members all sorted sets have, at most a limit.',
    arguments: [NUMKEYS_ARG, KEYS_ARG, { name: 'limit', type: 'integer', token: 'LIMIT', optional: true }],
    handler: zintercard,
  },
  {
    ...STORES,
    name: 'zunionstore',
    since: '2.0.0',
    complexity: OF_UNION,
    summary: 'Stores the members that any of the sorted sets has in a key, their scores combined.',
    arguments: [DESTINATION_ARG, NUMKEYS_ARG, SOURCES_ARG, WEIGHTS_ARG, AGGREGATE_ARG],
    handler: zunionstore,
  },
  {
    ...STORES,
    name: 'zinterstore',
    since: '2.0.0',
    complexity: OF_INTER,
    summary: 'Stores the members that all sorted sets have in a key, their scores combined.',
    arguments: [DESTINATION_ARG, NUMKEYS_ARG, SOURCES_ARG, WEIGHTS_ARG, AGGREGATE_ARG],
    handler: zinterstore,
  },
  {
    ...STORES,
    name: 'zdiffstore',
    since: '6.2.0',
    complexity: OF_DIFF,
    summary: 'Stores the members of the first sorted set that no other has in a key.',
    arguments: [DESTINATION_ARG, NUMKEYS_ARG, SOURCES_ARG],
    handler: zdiffstore,
  },
];

export const ZSET_COMMANDS: readonly CommandSpec[] = [...MEMBERS, ...RANGES, ...POPS, ...ALGEBRA];
