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
const CONSUMER_ARG = { name: 'consumer', type: 'string' };
const MIN_IDLE_ARG = { name: 'min-idle-time', type: 'string' };
const COUNT_ARG = { name: 'count', type: 'integer', token: 'COUNT', optional: true };
const BLOCK_ARG = { name: 'milliseconds', type: 'integer', token: 'BLOCK', optional: true };
const JUSTID_ARG = { name: 'justid', type: 'pure-token', token: 'JUSTID', optional: true };
const ENTRIES_READ_ARG = { name: 'entries-read', type: 'integer', token: 'ENTRIESREAD', optional: true };
const NEW_ID_ARG = {
  name: 'id-selector',
  type: 'oneof',
  arguments: [ID_ARG, { name: 'new-id', type: 'pure-token', token: '$' }],
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

const ENTRIES: readonly CommandSpec[] = [
  {
    ...STREAM,
    name: 'xadd',
    arity: -5,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [
      { ...keySpec(1, 'RW', 'update'), notes: 'UPDATE instead of INSERT because of the optional trimming feature' },
    ],
    tips: CHANGING,
    summary: "Appends a new message to a stream. Creates the key if it doesn't exist.",
    complexity: 'O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.',
    history: [
      ['6.2.0', 'Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.'],
      ['7.0.0', 'Added support for the `<ms>-*` explicit ID form.'],
    ],
    arguments: [
      KEY_ARG,
      { name: 'nomkstream', type: 'pure-token', token: 'NOMKSTREAM', since: '6.2.0', optional: true },
      { ...TRIM_ARG, optional: true },
      { name: 'id-selector', type: 'oneof', arguments: [{ name: 'auto-id', type: 'pure-token', token: '*' }, ID_ARG] },
      {
        name: 'data',
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
    summary: 'Deletes messages from the beginning of a stream.',
    complexity:
      'O(N), with N being the number of evicted entries. Constant times are very small however, since entries are organized in macro nodes containing multiple entries that can be released with a single deallocation.',
    history: [['6.2.0', 'Added the `MINID` trimming strategy and the `LIMIT` option.']],
    arguments: [KEY_ARG, TRIM_ARG],
    handler: xtrim,
  },
  {
    ...STREAM,
    name: 'xdel',
    arity: -3,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    summary: 'Returns the number of messages after removing them from a stream.',
    complexity: 'O(1) for each single item to delete in the stream, regardless of the stream size.',
    arguments: [KEY_ARG, IDS_ARG],
    handler: xdel,
  },
  {
    ...STREAM,
    name: 'xsetid',
    arity: -3,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    summary: 'An internal command for replicating stream values.',
    complexity: 'O(1)',
    history: [['7.0.0', 'Added the `entries_added` and `max_deleted_entry_id` arguments.']],
    arguments: [
      KEY_ARG,
      { name: 'last-id', type: 'string' },
      { name: 'entries-added', type: 'integer', token: 'ENTRIESADDED', since: '7.0.0', optional: true },
      { name: 'max-deleted-id', type: 'string', token: 'MAXDELETEDID', since: '7.0.0', optional: true },
    ],
    handler: xsetid,
  },
  {
    ...STREAM,
    name: 'xlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    summary: 'Return the number of messages in a stream.',
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
    summary: 'Returns the messages from a stream within a range of IDs.',
    complexity:
      'O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).',
    history: [['6.2.0', 'Added exclusive ranges.']],
    arguments: [KEY_ARG, START_ARG, END_ARG, COUNT_ARG],
    handler: xrange,
  },
  {
    ...STREAM,
    name: 'xrevrange',
    arity: -4,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    summary: 'Returns the messages from a stream within a range of IDs in reverse order.',
    complexity:
      'O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).',
    history: [['6.2.0', 'Added exclusive ranges.']],
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
    summary:
      'Returns messages from multiple streams with IDs greater than the ones requested. Blocks until a message is available otherwise.',
    complexity: '',
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
    summary:
      'Returns new or historical messages from a stream for a consumer in a group. Blocks until a message is available otherwise.',
    complexity:
      'For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.',
    arguments: [
      { name: 'group-block', type: 'block', token: 'GROUP', arguments: [GROUP_ARG, CONSUMER_ARG] },
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
    summary:
      'Returns the number of messages that were successfully acknowledged by the consumer group member of a stream.',
    complexity: 'O(1) for each message ID processed.',
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
    summary: "Returns the information and entries from a stream consumer group's pending entries list.",
    complexity:
      'O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.',
    history: [['6.2.0', 'Added the `IDLE` option and exclusive range intervals.']],
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
    summary:
      'Changes, or acquires, ownership of a message in a consumer group, as if the message was delivered a consumer group member.',
    complexity: 'O(log N) with N being the number of messages in the PEL of the consumer group.',
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
    summary:
      'Changes, or acquires, ownership of messages in a consumer group, as if the messages were delivered to as consumer group member.',
    complexity: 'O(1) if COUNT is small.',
    history: [
      ['7.0.0', 'Added an element to the reply array, containing deleted entries the command cleared from the PEL'],
    ],
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
  summary: 'Returns helpful text about the different subcommands.',
  complexity: 'O(1)',
} as const satisfies CommandSpec;

const XGROUP: CommandSpec = {
  ...STREAM,
  name: 'xgroup',
  arity: -2,
  flags: [],
  keys: [0, 0, 0],
  acl: [],
  summary: 'A container for consumer groups commands.',
  complexity: 'Depends on subcommand.',
  subcommands: [
    {
      ...SUB,
      name: 'create',
      arity: -5,
      flags: ['write', 'denyoom'],
      keySpecs: [keySpec(2, 'RW', 'insert')],
      summary: 'Creates a consumer group.',
      complexity: 'O(1)',
      history: [['7.0.0', 'Added the `entries_read` named argument.']],
      arguments: [
        KEY_ARG,
        GROUP_ARG,
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
      summary: 'Sets the last-delivered ID of a consumer group.',
      complexity: 'O(1)',
      history: [['7.0.0', 'Added the optional `entries_read` argument.']],
      arguments: [
        KEY_ARG,
        GROUP_ARG,
        NEW_ID_ARG,
        { ...ENTRIES_READ_ARG, name: 'entriesread', display_text: 'entries-read' },
      ],
      handler: xgroupSetid,
    },
    {
      ...SUB,
      name: 'destroy',
      arity: 4,
      flags: ['write'],
      keySpecs: [keySpec(2, 'RW', 'delete')],
      summary: 'Destroys a consumer group.',
      complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
      arguments: [KEY_ARG, GROUP_ARG],
      handler: xgroupDestroy,
    },
    {
      ...SUB,
      name: 'createconsumer',
      arity: 5,
      flags: ['write', 'denyoom'],
      keySpecs: [keySpec(2, 'RW', 'insert')],
      since: '6.2.0',
      summary: 'Creates a consumer in a consumer group.',
      complexity: 'O(1)',
      arguments: [KEY_ARG, GROUP_ARG, CONSUMER_ARG],
      handler: xgroupCreateconsumer,
    },
    {
      ...SUB,
      name: 'delconsumer',
      arity: 5,
      flags: ['write'],
      keySpecs: [keySpec(2, 'RW', 'delete')],
      summary: 'Deletes a consumer from a consumer group.',
      complexity: 'O(1)',
      arguments: [KEY_ARG, GROUP_ARG, CONSUMER_ARG],
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
  summary: 'A container for stream introspection commands.',
  complexity: 'Depends on subcommand.',
  subcommands: [
    {
      ...SUB,
      name: 'stream',
      arity: -3,
      flags: ['readonly'],
      keySpecs: [keySpec(2, 'RO', 'access')],
      summary: 'Returns information about a stream.',
      complexity: 'O(1)',
      history: [
        ['6.0.0', 'Added the `FULL` modifier.'],
        [
          '7.0.0',
          'Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag` fields',
        ],
        ['7.2.0', 'Added the `active-time` field, and changed the meaning of `seen-time`.'],
      ],
      arguments: [
        KEY_ARG,
        {
          name: 'full-block',
          type: 'block',
          optional: true,
          arguments: [{ name: 'full', type: 'pure-token', token: 'FULL' }, COUNT_ARG],
        },
      ],
      handler: xinfoStream,
    },
    {
      ...SUB,
      name: 'groups',
      arity: 3,
      flags: ['readonly'],
      keySpecs: [keySpec(2, 'RO', 'access')],
      summary: 'Returns a list of the consumer groups of a stream.',
      complexity: 'O(1)',
      history: [['7.0.0', 'Added the `entries-read` and `lag` fields']],
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
      summary: 'Returns a list of the consumers in a consumer group.',
      complexity: 'O(1)',
      history: [['7.2.0', 'Added the `inactive` field.']],
      arguments: [KEY_ARG, GROUP_ARG],
      handler: xinfoConsumers,
    },
    { ...HELP, handler: xinfoHelp },
  ],
};

export const STREAM_COMMANDS: readonly CommandSpec[] = [...ENTRIES, ...READS, ...PENDING, XGROUP, XINFO];
