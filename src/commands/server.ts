/** The server as a whole: DBSIZE, FLUSHALL, FLUSHDB, SWAPDB, TIME, INFO, ROLE, REPLICAOF, WAIT. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Context } from './context.js';
import { DB_OUT_OF_RANGE, MUST_BE_POSITIVE, SYNTAX } from './errors.js';
import { long } from './long-args.js';
import { serverOf } from './services.js';
import type { CommandFlag, CommandSpec, Handler } from './spec.js';
import { mayWait, timeoutOfMs } from './waiting.js';

function row(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  acl: readonly string[],
  since: string,
  summary: string,
  complexity: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  return { name, arity, flags, keys: [0, 0, 0], acl, since, group: 'server', summary, complexity, handler, ...rest };
}

const EVERYWHERE = ['request_policy:all_shards', 'response_policy:all_succeeded'];
const FLUSH_TYPE = {
  name: 'flush-type',
  type: 'oneof',
  optional: true,
  arguments: [
    { name: 'async', type: 'pure-token', token: 'ASYNC', since: '4.0.0' },
    { name: 'sync', type: 'pure-token', token: 'SYNC', since: '6.2.0' },
  ],
};
const REPLICAOF_ARGUMENTS = [
  {
    name: 'args',
    type: 'oneof',
    arguments: [
      {
        name: 'host-port',
        type: 'block',
        arguments: [
          { name: 'host', type: 'string' },
          { name: 'port', type: 'integer' },
        ],
      },
      {
        name: 'no-one',
        type: 'block',
        arguments: [
          { name: 'no', type: 'pure-token', token: 'NO' },
          { name: 'one', type: 'pure-token', token: 'ONE' },
        ],
      },
    ],
  },
];
const REPLICAOF_FLAGS: readonly CommandFlag[] = ['admin', 'noscript', 'stale', 'no_async_loading'];

export const SERVER_COMMANDS: readonly CommandSpec[] = [
  row(
    'dbsize',
    1,
    ['readonly', 'fast'],
    ['keyspace'],
    '1.0.0',
    'Returns the number of keys in the database.',
    'O(1)',
    (c) => c.out.int(c.db.size),
    { tips: ['request_policy:all_shards', 'response_policy:agg_sum'] },
  ),
  row(
    'flushall',
    -1,
    ['write'],
    ['keyspace', 'dangerous'],
    '1.0.0',
    'Removes all keys from all databases.',
    'O(N) where N is the total number of keys in all databases',
    flushAll,
    {
      tips: EVERYWHERE,
      arguments: [FLUSH_TYPE],
      history: [
        ['4.0.0', 'Added the `ASYNC` flushing mode modifier.'],
        ['6.2.0', 'Added the `SYNC` flushing mode modifier.'],
      ],
    },
  ),
  row(
    'flushdb',
    -1,
    ['write'],
    ['keyspace', 'dangerous'],
    '1.0.0',
    'Remove all keys from the current database.',
    'O(N) where N is the number of keys in the selected database',
    flushDb,
    {
      tips: EVERYWHERE,
      arguments: [FLUSH_TYPE],
      history: [
        ['4.0.0', 'Added the `ASYNC` flushing mode modifier.'],
        ['6.2.0', 'Added the `SYNC` flushing mode modifier.'],
      ],
    },
  ),
  row(
    'swapdb',
    3,
    ['write', 'fast'],
    ['keyspace', 'dangerous'],
    '4.0.0',
    'Swaps two Redis databases.',
    'O(N) where N is the count of clients watching or blocking on keys from both databases.',
    swapDb,
    {
      arguments: [
        { name: 'index1', type: 'integer' },
        { name: 'index2', type: 'integer' },
      ],
    },
  ),
  row('time', 1, ['loading', 'stale', 'fast'], [], '2.6.0', 'Returns the server time.', 'O(1)', time, {
    tips: ['nondeterministic_output'],
  }),
  row(
    'info',
    -1,
    ['loading', 'stale'],
    ['dangerous'],
    '1.0.0',
    'Returns information and statistics about the server.',
    'O(1)',
    info,
    {
      tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
      arguments: [{ name: 'section', type: 'string', multiple: true, optional: true }],
      history: [['7.0.0', 'Added support for taking multiple section arguments.']],
    },
  ),
  row(
    'role',
    1,
    ['noscript', 'loading', 'stale', 'fast'],
    ['admin', 'dangerous'],
    '2.8.12',
    'Returns the replication role.',
    'O(1)',
    role,
  ),
  row(
    'replicaof',
    3,
    REPLICAOF_FLAGS,
    [],
    '5.0.0',
    'Configures a server as replica of another, or promotes it to a master.',
    'O(1)',
    replicaOf,
    { arguments: REPLICAOF_ARGUMENTS },
  ),
  row(
    'slaveof',
    3,
    REPLICAOF_FLAGS,
    [],
    '1.0.0',
    'Sets a Redis server as a replica of another, or promotes it to being a master.',
    'O(1)',
    replicaOf,
    { arguments: REPLICAOF_ARGUMENTS, docFlags: ['deprecated'], deprecatedSince: '5.0.0', replacedBy: '`REPLICAOF`' },
  ),
  row(
    'failover',
    -1,
    ['admin', 'noscript', 'stale'],
    [],
    '6.2.0',
    'Starts a coordinated failover from a server to one of its replicas.',
    'O(1)',
    failover,
    {
      arguments: [
        {
          name: 'target',
          type: 'block',
          token: 'TO',
          optional: true,
          arguments: [
            { name: 'host', type: 'string' },
            { name: 'port', type: 'integer' },
            { name: 'force', type: 'pure-token', token: 'FORCE', optional: true },
          ],
        },
        { name: 'abort', type: 'pure-token', token: 'ABORT', optional: true },
        { name: 'milliseconds', type: 'integer', token: 'TIMEOUT', optional: true },
      ],
    },
  ),
  row(
    'wait',
    3,
    [],
    ['connection'],
    '3.0.0',
    'Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.',
    'O(1)',
    wait,
    {
      group: 'generic',
      tips: ['request_policy:all_shards', 'response_policy:agg_min'],
      arguments: [
        { name: 'numreplicas', type: 'integer' },
        { name: 'timeout', type: 'integer' },
      ],
    },
  ),
  row(
    'waitaof',
    4,
    ['noscript'],
    ['connection'],
    '7.2.0',
    'Waits until what the connection has written before is on the disk, here and at so many replicas.',
    'O(1)',
    waitAof,
    {
      group: 'generic',
      tips: ['request_policy:all_shards', 'response_policy:agg_min'],
      arguments: [
        { name: 'numlocal', type: 'integer' },
        { name: 'numreplicas', type: 'integer' },
        { name: 'timeout', type: 'integer' },
      ],
    },
  ),
];

// --- data -------------------------------------------------------------------------------------------------------------

function isLazy(c: Context, a: Args): boolean {
  if (a.count === 1) return c.keyspace.lazyfree.userFlush;
  if (a.count > 2) throw SYNTAX;
  if (a.is(1, 'ASYNC')) return true;
  if (a.is(1, 'SYNC')) return false;
  throw SYNTAX;
}

function flushAll(c: Context, a: Args): void {
  const server = serverOf(c);
  const lazily = isLazy(c, a);
  let flushed = 0;
  for (const db of c.keyspace.databases) {
    server.watching.databaseChanges(db, null);
    flushed += c.keyspace.flush(db, lazily);
  }
  c.addDirty(flushed);
  server.tracking.flushed();
  server.propagateAnyway();
  if (!c.replaying) server.persistence.flushedAll(flushed);
  c.out.ok();
}

function flushDb(c: Context, a: Args): void {
  const server = serverOf(c);
  const lazily = isLazy(c, a);
  server.watching.databaseChanges(c.db, null);
  c.addDirty(c.keyspace.flush(c.db, lazily));
  server.tracking.flushed();
  server.propagateAnyway();
  c.out.ok();
}

const BAD_FIRST = new CommandError('ERR invalid first DB index');
const BAD_SECOND = new CommandError('ERR invalid second DB index');

function swapDb(c: Context, a: Args): void {
  const i = a.integer(1);
  if ((i | 0) !== i) throw BAD_FIRST;
  const k = a.integer(2);
  if ((k | 0) !== k) throw BAD_SECOND;
  const first = c.keyspace.databases[i];
  const second = c.keyspace.databases[k];
  if (first === undefined || second === undefined) throw DB_OUT_OF_RANGE;
  if (first !== second) {
    const { watching } = serverOf(c);
    watching.databaseChanges(first, second);
    watching.databaseChanges(second, first);
    c.keyspace.swap(first, second);
  }
  c.addDirty(1);
  c.out.ok();
}

// --- what it is -------------------------------------------------------------------------------------------------------

function time(c: Context): void {
  const now = serverOf(c).microseconds();
  c.out.array(2);
  c.out.bulkInt(Math.floor(now / 1e6));
  c.out.bulkInt(now % 1e6);
}

function info(c: Context, a: Args): void {
  const sections: string[] = [];
  for (let i = 1; i < a.count; i++) sections.push(a.latin1(i).toLowerCase());
  c.out.verbatim(serverOf(c).info(sections));
}

function role(c: Context): void {
  c.out.array(3);
  c.out.bulkText('master', true);
  c.out.int(0);
  c.out.array(0);
}

function replicaOf(c: Context, a: Args): void {
  if (a.is(1, 'NO') && a.is(2, 'ONE')) return c.out.ok();
  if (Number.isNaN(a.integer(2))) throw new CommandError('ERR Invalid master port');
  throw new CommandError('ERR this server cannot be a replica');
}

const NO_FAILOVER = new CommandError('ERR No failover in progress.');
const NO_REPLICAS = new CommandError('ERR FAILOVER requires connected replicas.');
const FAILOVER_TIMEOUT = new CommandError('ERR FAILOVER timeout must be greater than 0');

/** There are no replicas to hand over to: what is asked is checked, and refused. */
function failover(_c: Context, a: Args): void {
  if (a.count === 2 && a.is(1, 'ABORT')) throw NO_FAILOVER;
  const seen = { timeout: false, target: false, force: false };
  for (let i = 1; i < a.count; i++) {
    const left = a.count - i - 1;
    if (a.is(i, 'TIMEOUT') && left >= 1 && !seen.timeout) {
      if (long(a, ++i) <= 0) throw FAILOVER_TIMEOUT;
      seen.timeout = true;
    } else if (a.is(i, 'TO') && left >= 2 && !seen.target) {
      long(a, i + 2);
      i += 2;
      seen.target = true;
    } else if (a.is(i, 'FORCE') && !seen.force) {
      seen.force = true;
    } else {
      throw SYNTAX;
    }
  }
  throw NO_REPLICAS;
}

/** There are no replicas: whoever waits for one waits in vain until the timeout. */
function wait(c: Context, a: Args): void {
  const replicas = long(a, 1);
  const timeoutMs = timeoutOfMs(c, a, 2);
  if (replicas <= 0 || !mayWait(c)) c.out.int(0);
  else serverOf(c).block(timeoutMs, (out) => out.int(0));
}

const NO_LOG = new CommandError('ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.');
const NOT_ZERO_OR_ONE = new CommandError('ERR value is out of range, value must between 0 and 1');

/** Waits until what the client has written is on the disk, as far as it is asked to be. */
function waitAof(c: Context, a: Args): void {
  const locals = long(a, 1);
  if (locals !== 0 && locals !== 1) throw NOT_ZERO_OR_ONE;
  const replicas = long(a, 2);
  if (replicas < 0) throw MUST_BE_POSITIVE;
  const timeoutMs = timeoutOfMs(c, a, 3);
  const server = serverOf(c);
  if (locals === 1 && !server.logsLocally) throw NO_LOG;
  const { lastWrite } = server;
  const local = () => (server.isSynced(lastWrite) ? 1 : 0);
  const reply = (out: ReplyWriter) => {
    out.array(2);
    out.int(local());
    out.int(0);
  };
  const look = () => {
    if (locals === 1 && !server.logsLocally) return (out: ReplyWriter) => out.error(NO_LOG.message);
    return local() >= locals && replicas === 0 ? reply : null;
  };
  if (look() !== null || !mayWait(c)) reply(c.out);
  else server.block(timeoutMs, reply, look);
}
