/** The stream family's rows. Handlers: stream-write.ts, stream-read.ts, stream-groups.ts, stream-claim.ts, stream-info.ts. */
import { KEY_ARG, keySpec } from './rows.js';
import type { CommandSpec, KeySpec } from './spec.js';
import { xautoclaim, xclaim } from './stream-claim.js';
import {
  xack,
  xgroupCreate,
  xgroupCreateconsumer,
  xgroupDelconsumer,
  xgroupDestroy,
  xgroupHelp,
  xgroupSetid,
  xpending,
} from './stream-groups.js';
import { xinfoConsumers, xinfoGroups, xinfoHelp, xinfoStream } from './stream-info.js';
import { xlen, xrange, xread, xreadgroup, xrevrange } from './stream-read.js';
import { xadd, xdel, xsetid, xtrim } from './stream-write.js';

const STREAM = { acl: ['stream'], group: 'stream', since: '5.0.0', keys: [1, 1, 1] } as const;
/** Of subcommands, whose key stands behind the subcommand. */
const SUB = { ...STREAM, keys: [2, 2, 1] } as const;
const CHANGING = ['nondeterministic_output'] as const;

const ID_ARG = { name: 'id', type: 'string' };
const IDS_ARG = { ...ID_ARG, multiple: true };
const START_ARG = { name: 'start', type: 'string' };
const END_ARG = { name: 'end', type: 'string' };
const GROUP_ARG = { name: 'group', type: 'string' };
const GROUPNAME_ARG = { name: 'groupname', type: 'string' };
const CONSUMER_ARG = { name: 'consumer', type: 'string' };
const MIN_IDLE_ARG = { name: 'min-idle-time', type: 'string' };
const COUNT_ARG = { name: 'count', type: 'integer', token: 'COUNT', optional: true };
const BLOCK_ARG = { name: 'milliseconds', type: 'integer', token: 'BLOCK', optional: true };
const JUSTID_ARG = { name: 'justid', type: 'pure-token', token: 'JUSTID', optional: true };
const ENTRIES_READ_ARG = { name: 'entries_read', type: 'integer', token: 'ENTRIESREAD', optional: true };
const NEW_ID_ARG = {
  name: 'id',
  type: 'oneof',
  arguments: [ID_ARG, { name: 'new_id', type: 'pure-token', token: '$' }],
};
const STREAMS_ARG = {
  name: 'streams',
  type: 'block',
  token: 'STREAMS',
  arguments: [{ ...KEY_ARG, multiple: true }, IDS_ARG],
};
const TRIM_ARG = {
  name: 'trim',
  type: 'block',
  arguments: [
    {
      name: 'strategy',
      type: 'oneof',
      arguments: [
        { name: 'maxlen', type: 'pure-token', token: 'MAXLEN' },
        { name: 'minid', type: 'pure-token', token: 'MINID', since: '6.2.0' },
      ],
    },
    {
      name: 'operator',
      type: 'oneof',
      optional: true,
      arguments: [
        { name: 'equal', type: 'pure-token', token: '=' },
        { name: 'approximately', type: 'pure-token', token: '~' },
      ],
    },
    { name: 'threshold', type: 'string' },
    { name: 'count', type: 'integer', token: 'LIMIT', since: '6.2.0', optional: true },
  ],
};

const RANGED = 'O(N) for N entries returned, and the place of the first one is found in O(log(M)).';
const CLAIMED = 'O(N * log(M)) for N entries claimed of M pending ones.';

const ENTRIES: readonly CommandSpec[] = [
  {
    ...STREAM,
    name: 'xadd',
    arity: -5,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [{ ...keySpec(1, 'RW', 'update'), notes: 'UPDATE and not INSERT, because entries may be trimmed away' }],
    tips: CHANGING,
    summary: 'Adds an entry to a stream; creates the stream if need be.',
    complexity: 'O(1); O(N) where N entries are trimmed away.',
    history: [
      ['6.2.0', 'The options `NOMKSTREAM`, `MINID` and `LIMIT` came.'],
      ['7.0.0', 'The ID may be `<ms>-*`.'],
    ],
    arguments: [
      KEY_ARG,
      { name: 'nomkstream', type: 'pure-token', token: 'NOMKSTREAM', since: '6.2.0', optional: true },
      { ...TRIM_ARG, optional: true },
      { name: 'id_or_auto', type: 'oneof', arguments: [{ name: 'auto_id', type: 'pure-token', token: '*' }, ID_ARG] },
      {
        name: 'field_value',
        type: 'block',
        multiple: true,
        arguments: [
          { name: 'field', type: 'string' },
          { name: 'value', type: 'string' },
        ],
      },
    ],
    handler: xadd,
  },
  {
    ...STREAM,
    name: 'xtrim',
    arity: -4,
    flags: ['write'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    tips: CHANGING,
    summary: "Takes a stream's oldest entries away, to a length or up to an ID.",
    complexity: 'O(N) for N entries that go; most go many at a time.',
    history: [['6.2.0', 'The options `MINID` and `LIMIT` came.']],
    arguments: [KEY_ARG, TRIM_ARG],
    handler: xtrim,
  },
  {
    ...STREAM,
    name: 'xdel',
    arity: -3,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    summary: 'Takes entries out of a stream; returns how many were there.',
    complexity: 'O(log(N)) for each entry, in a stream of N.',
    arguments: [KEY_ARG, IDS_ARG],
    handler: xdel,
  },
  {
    ...STREAM,
    name: 'xsetid',
    arity: -3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    summary: "Sets a stream's last ID and counters, as replication and logs do.",
    complexity: 'O(1)',
    history: [['7.0.0', 'The arguments `entries_added` and `max_deleted_entry_id` came.']],
    arguments: [
      KEY_ARG,
      { name: 'last-id', type: 'string' },
      { name: 'entries_added', type: 'integer', token: 'ENTRIESADDED', since: '7.0.0', optional: true },
      { name: 'max_deleted_entry_id', type: 'string', token: 'MAXDELETEDID', since: '7.0.0', optional: true },
    ],
    handler: xsetid,
  },
  {
    ...STREAM,
    name: 'xlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    summary: 'Tells how many entries a stream has.',
    complexity: 'O(1)',
    arguments: [KEY_ARG],
    handler: xlen,
  },
  {
    ...STREAM,
    name: 'xrange',
    arity: -4,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    summary: "Returns a stream's entries between two IDs.",
    complexity: RANGED,
    history: [['6.2.0', 'Bounds may be exclusive.']],
    arguments: [KEY_ARG, START_ARG, END_ARG, COUNT_ARG],
    handler: xrange,
  },
  {
    ...STREAM,
    name: 'xrevrange',
    arity: -4,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    summary: "Returns a stream's entries between two IDs, the last one first.",
    complexity: RANGED,
    history: [['6.2.0', 'Bounds may be exclusive.']],
    arguments: [KEY_ARG, END_ARG, START_ARG, COUNT_ARG],
    handler: xrevrange,
  },
];

function streamsSpec(from: number): KeySpec {
  return { flags: ['RO', 'access'], begin: ['keyword', 'STREAMS', from], find: ['range', -1, 1, 2] };
}

const READS: readonly CommandSpec[] = [
  {
    ...STREAM,
    name: 'xread',
    arity: -4,
    flags: ['readonly', 'blocking', 'movablekeys'],
    keys: [0, 0, 0],
    keySpecs: [streamsSpec(1)],
    summary: 'Returns the entries of streams that come after an ID, and may wait for them.',
    complexity: RANGED,
    arguments: [COUNT_ARG, BLOCK_ARG, STREAMS_ARG],
    handler: xread,
  },
  {
    ...STREAM,
    name: 'xreadgroup',
    arity: -7,
    flags: ['write', 'blocking', 'movablekeys'],
    keys: [0, 0, 0],
    keySpecs: [streamsSpec(4)],
    summary: 'Returns entries that no consumer of a group has got yet, or again what is pending for one.',
    complexity: RANGED,
    arguments: [
      { name: 'group_consumer', type: 'block', token: 'GROUP', arguments: [GROUP_ARG, CONSUMER_ARG] },
      COUNT_ARG,
      BLOCK_ARG,
      { name: 'noack', type: 'pure-token', token: 'NOACK', optional: true },
      STREAMS_ARG,
    ],
    handler: xreadgroup,
  },
];

const PENDING: readonly CommandSpec[] = [
  {
    ...STREAM,
    name: 'xack',
    arity: -4,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    summary: 'Acknowledges entries: they are not pending in the group any more. Returns how many were.',
    complexity: 'O(log(N)) for each ID, with N pending entries.',
    arguments: [KEY_ARG, GROUP_ARG, IDS_ARG],
    handler: xack,
  },
  {
    ...STREAM,
    name: 'xpending',
    arity: -3,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    tips: CHANGING,
    summary: 'Tells what is pending in a group: on the whole, or entry by entry.',
    complexity: 'O(N) for N entries returned or skipped as too young; on the whole, for N consumers.',
    history: [['6.2.0', 'The option `IDLE` came, and bounds may be exclusive.']],
    arguments: [
      KEY_ARG,
      GROUP_ARG,
      {
        name: 'filters',
        type: 'block',
        optional: true,
        arguments: [
          { name: 'min-idle-time', type: 'integer', token: 'IDLE', since: '6.2.0', optional: true },
          START_ARG,
          END_ARG,
          { name: 'count', type: 'integer' },
          { ...CONSUMER_ARG, optional: true },
        ],
      },
    ],
    handler: xpending,
  },
  {
    ...STREAM,
    name: 'xclaim',
    arity: -6,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    tips: CHANGING,
    summary: 'Gives pending entries to another consumer, as if they had been delivered to it.',
    complexity: CLAIMED,
    arguments: [
      KEY_ARG,
      GROUP_ARG,
      CONSUMER_ARG,
      MIN_IDLE_ARG,
      IDS_ARG,
      { name: 'ms', type: 'integer', token: 'IDLE', optional: true },
      { name: 'unix-time-milliseconds', type: 'unix-time', token: 'TIME', optional: true },
      { name: 'count', type: 'integer', token: 'RETRYCOUNT', optional: true },
      { name: 'force', type: 'pure-token', token: 'FORCE', optional: true },
      JUSTID_ARG,
      { name: 'lastid', type: 'string', token: 'LASTID', optional: true },
    ],
    handler: xclaim,
  },
  {
    ...STREAM,
    name: 'xautoclaim',
    arity: -6,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    tips: CHANGING,
    since: '6.2.0',
    summary: 'Gives to a consumer what has been pending for long, and says where to go on.',
    complexity: CLAIMED,
    history: [['7.0.0', 'The reply ends with the entries that are deleted, which are not pending any more.']],
    arguments: [KEY_ARG, GROUP_ARG, CONSUMER_ARG, MIN_IDLE_ARG, START_ARG, COUNT_ARG, JUSTID_ARG],
    handler: xautoclaim,
  },
];

const HELP = {
  ...STREAM,
  name: 'help',
  arity: 2,
  flags: ['loading', 'stale'],
  keys: [0, 0, 0],
  summary: 'Lists the subcommands.',
  complexity: 'O(1)',
} as const satisfies CommandSpec;

const XGROUP: CommandSpec = {
  ...STREAM,
  name: 'xgroup',
  arity: -2,
  flags: [],
  keys: [0, 0, 0],
  acl: [],
  summary: 'Commands about consumer groups.',
  complexity: 'Depends on the subcommand.',
  subcommands: [
    {
      ...SUB,
      name: 'create',
      arity: -5,
      flags: ['write', 'denyoom'],
      keySpecs: [keySpec(2, 'RW', 'insert')],
      summary: 'Makes a consumer group.',
      complexity: 'O(log(N)) for N groups.',
      history: [['7.0.0', 'The argument `entries_read` came.']],
      arguments: [
        KEY_ARG,
        GROUPNAME_ARG,
        NEW_ID_ARG,
        { name: 'mkstream', type: 'pure-token', token: 'MKSTREAM', optional: true },
        ENTRIES_READ_ARG,
      ],
      handler: xgroupCreate,
    },
    {
      ...SUB,
      name: 'setid',
      arity: -5,
      flags: ['write'],
      keySpecs: [keySpec(2, 'RW', 'update')],
      summary: 'Sets what a consumer group has read.',
      complexity: 'O(log(N)) for N groups.',
      history: [['7.0.0', 'The argument `entries_read` came.']],
      arguments: [KEY_ARG, GROUPNAME_ARG, NEW_ID_ARG, ENTRIES_READ_ARG],
      handler: xgroupSetid,
    },
    {
      ...SUB,
      name: 'destroy',
      arity: 4,
      flags: ['write'],
      keySpecs: [keySpec(2, 'RW', 'delete')],
      summary: 'Takes a consumer group away.',
      complexity: 'O(N) for N pending entries of the group.',
      arguments: [KEY_ARG, GROUPNAME_ARG],
      handler: xgroupDestroy,
    },
    {
      ...SUB,
      name: 'createconsumer',
      arity: 5,
      flags: ['write', 'denyoom'],
      keySpecs: [keySpec(2, 'RW', 'insert')],
      since: '6.2.0',
      summary: 'Makes a consumer in a group.',
      complexity: 'O(log(N)) for N consumers.',
      arguments: [KEY_ARG, GROUPNAME_ARG, CONSUMER_ARG],
      handler: xgroupCreateconsumer,
    },
    {
      ...SUB,
      name: 'delconsumer',
      arity: 5,
      flags: ['write'],
      keySpecs: [keySpec(2, 'RW', 'delete')],
      summary: 'Takes a consumer and what is pending for it out of a group.',
      complexity: 'O(N) for N entries pending for it.',
      arguments: [KEY_ARG, GROUPNAME_ARG, CONSUMER_ARG],
      handler: xgroupDelconsumer,
    },
    { ...HELP, handler: xgroupHelp },
  ],
};

const XINFO: CommandSpec = {
  ...STREAM,
  name: 'xinfo',
  arity: -2,
  flags: [],
  keys: [0, 0, 0],
  acl: [],
  summary: 'Commands that tell about a stream.',
  complexity: 'Depends on the subcommand.',
  subcommands: [
    {
      ...SUB,
      name: 'stream',
      arity: -3,
      flags: ['readonly'],
      keySpecs: [keySpec(2, 'RO', 'access')],
      summary: 'Tells about a stream; with `FULL`, also about its groups and consumers.',
      complexity: 'O(N) for the N nodes of a stream; each holds many entries.',
      history: [
        ['6.0.0', 'The option `FULL` came.'],
        [
          '7.0.0',
          'The fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag` came.',
        ],
        ['7.2.0', 'The field `active-time` came, and `seen-time` is that of the last attempt.'],
      ],
      arguments: [
        KEY_ARG,
        { name: 'full-block', type: 'block', optional: true, token: 'FULL', arguments: [COUNT_ARG] },
      ],
      handler: xinfoStream,
    },
    {
      ...SUB,
      name: 'groups',
      arity: 3,
      flags: ['readonly'],
      keySpecs: [keySpec(2, 'RO', 'access')],
      summary: 'Lists the consumer groups of a stream.',
      complexity: 'O(N) for N groups.',
      history: [['7.0.0', 'The fields `entries-read` and `lag` came.']],
      arguments: [KEY_ARG],
      handler: xinfoGroups,
    },
    {
      ...SUB,
      name: 'consumers',
      arity: 4,
      flags: ['readonly'],
      keySpecs: [keySpec(2, 'RO', 'access')],
      tips: CHANGING,
      summary: 'Lists the consumers of a group.',
      complexity: 'O(N) for N consumers.',
      history: [['7.2.0', 'The field `inactive` came.']],
      arguments: [KEY_ARG, GROUPNAME_ARG],
      handler: xinfoConsumers,
    },
    { ...HELP, handler: xinfoHelp },
  ],
};

export const STREAM_COMMANDS: readonly CommandSpec[] = [...ENTRIES, ...READS, ...PENDING, XGROUP, XINFO];
