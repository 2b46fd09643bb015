/** DEBUG: what tests and the curious ask. Only what does not bring the server down is offered. */
import { randomBytes } from 'node:crypto';
import { CommandError } from '../base/errors.js';
import { globMatch } from '../base/glob.js';
import { Digester } from '../formats/rdb/digest.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemLru, itemType } from '../memory/item.js';
import type { Context } from './context.js';
import {
  debugEntry,
  htStats,
  htStatsKey,
  listpack,
  populate,
  quicklist,
  quicklistPackedThreshold,
  serializedLength,
} from './debug-data.js';
import { badSubcommand, helpText } from './help.js';
import { encodingName, refCount } from './object.js';
import { serverOf } from './services.js';
import type { CommandSpec } from './spec.js';

export const DEBUG_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'debug',
    arity: -2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    keys: [0, 0, 0],
    acl: [],
    since: '1.0.0',
    group: 'server',
    summary: 'A container for debugging commands.',
    complexity: 'Depends on subcommand.',
    docFlags: ['syscmd'],
    handler: debug,
  },
];

interface Subcommand {
  /** Number of arguments, DEBUG and the name included; negative: at least that many. */
  arity: number;
  /** Most arguments, where the arity is negative. */
  max?: number;
  run: (c: Context, a: Args) => void;
}

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ['help', { arity: 2, run: help }],
  ['sleep', { arity: 3, run: sleep }],
  ['object', { arity: -3, run: object }],
  ['digest', { arity: 2, run: digest }],
  ['digest-value', { arity: -2, run: digestValue }],
  ['reload', { arity: -2, run: reload }],
  ['loadaof', { arity: 2, run: loadAof }],
  ['set-active-expire', { arity: 3, run: setActiveExpire }],
  ['error', { arity: 3, run: error }],
  ['log', { arity: 3, run: log }],
  ['protocol', { arity: 3, run: protocol }],
  ['change-repl-id', { arity: 2, run: changeReplicationId }],
  ['populate', { arity: -3, max: 5, run: populate }],
  ['listpack', { arity: 3, run: listpack }],
  ['quicklist', { arity: -3, max: 4, run: quicklist }],
  ['quicklist-packed-threshold', { arity: 3, run: quicklistPackedThreshold }],
  ['htstats', { arity: 3, run: htStats }],
  ['htstats-key', { arity: 3, run: htStatsKey }],
  ['stringmatch-test', { arity: 2, run: stringMatchTest }],
  ['pause-cron', { arity: 3, run: pauseCron }],
]);

function debug(c: Context, a: Args): void {
  const sub = SUBCOMMANDS.get(a.latin1(1).toLowerCase());
  if (sub === undefined || !takes(sub, a.count)) throw badSubcommand(a);
  sub.run(c, a);
}

function takes({ arity, max }: Subcommand, count: number): boolean {
  return arity > 0 ? count === arity : count >= -arity && (max === undefined || count <= max);
}

function sleep(c: Context, a: Args): void {
  const seconds = Number.parseFloat(a.latin1(2));
  if (seconds > 0) serverOf(c).sleep(seconds * 1000);
  c.out.ok();
}

function object(c: Context, a: Args): void {
  const entry = debugEntry(c, a);
  const { keyspace } = c;
  const { arena } = keyspace;
  const payload = serializedLength(c, entry);
  const address = entry.toString(16).padStart(12, '0');
  const name = encodingName(c, entry);
  let text =
    `Value at:0x${address} refcount:${refCount(c, entry)} encoding:${name} serializedlength:${payload} ` +
    `lru:${itemLru(arena, entry)} lru_seconds_idle:${keyspace.idleSeconds(entry)}`;
  if (name === 'quicklist' && itemType(arena, entry) === ItemType.LIST) {
    const list = keyspace.openList(entry);
    text += ` ql_nodes:${list.nodeCount} ql_avg_node:${(list.length / list.nodeCount).toFixed(2)}`;
    text += ` ql_listpack_max:${keyspace.limits.listMaxListpackSize} ql_compressed:0`;
  }
  c.out.simple(text);
}

function digest(c: Context): void {
  const digester = new Digester(c.keyspace.arena);
  digester.begin();
  for (const db of c.keyspace.databases) {
    if (db.size === 0) continue;
    digester.database(db.index);
    db.forEach((entry) => {
      digester.entry(entry);
    });
  }
  c.out.simple(digester.end());
}

function digestValue(c: Context, a: Args): void {
  const digester = new Digester(c.keyspace.arena);
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) {
    const entry = c.db.find(a.buf, a.off[i]!, a.len[i]!);
    c.out.simple(entry === 0 ? '0'.repeat(40) : digester.value(entry));
  }
}

function reload(c: Context, a: Args): void {
  const options = { save: true, flush: true, merge: false };
  for (let i = 2; i < a.count; i++) {
    if (a.is(i, 'NOSAVE')) options.save = false;
    else if (a.is(i, 'NOFLUSH')) options.flush = false;
    else if (a.is(i, 'MERGE')) options.merge = true;
    else throw new CommandError('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
  }
  const failure = serverOf(c).persistence.reload(options);
  if (failure !== null) throw new CommandError(failure);
  c.out.ok();
}

function loadAof(c: Context): void {
  const failure = serverOf(c).persistence.loadAppendLog();
  if (failure !== null) throw new CommandError(failure);
  c.out.ok();
}

function setActiveExpire(c: Context, a: Args): void {
  serverOf(c).setActiveExpire(Number.parseInt(a.latin1(2), 10) > 0);
  c.out.ok();
}

/** As the client wants it: it is no error of this server, and none is counted. */
function error(c: Context, a: Args): void {
  c.out.raw(`-${a.latin1(2).replace(/[\r\n]/g, ' ')}\r\n`);
}

function changeReplicationId(c: Context): void {
  serverOf(c).changeReplicationId();
  c.out.ok();
}

function log(c: Context, a: Args): void {
  serverOf(c).log.warning(`DEBUG LOG: ${a.utf8(2)}`);
  c.out.ok();
}

function pauseCron(c: Context, a: Args): void {
  serverOf(c).pauseCron(Number.parseInt(a.latin1(2), 10) > 0);
  c.out.ok();
}

const MATCHES = 10_000;

/** Random patterns on random strings: whatever they are, matching comes to an end. */
function stringMatchTest(c: Context): void {
  const random = (below: number) => Math.floor(Math.random() * below);
  for (let i = 0; i < MATCHES; i++) {
    globMatch(randomBytes(random(32)), randomBytes(random(32)), random(2) === 0);
  }
  c.out.simple('Apparently Redis did not crash: test passed');
}

const PROTOCOL_TYPES: ReadonlyMap<string, (c: Context) => void> = new Map([
  ['string', (c: Context) => c.out.bulkText('Hello World')],
  ['integer', (c: Context) => c.out.int(12345)],
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: it is what stock servers answer
  ['double', (c: Context) => c.out.double(3.141)],
  ['null', (c: Context) => c.out.nil()],
  ['array', (c: Context) => numbers(c, 'array')],
  ['set', (c: Context) => numbers(c, 'set')],
  [
    'map',
    (c: Context) => {
      c.out.map(3);
      for (let i = 0; i < 3; i++) {
        c.out.int(i);
        c.out.bool(i === 1);
      }
    },
  ],
  [
    'push',
    (c: Context) => {
      if (c.out.resp < 3) throw new CommandError('ERR RESP2 is not supported by this command');
      c.out.push(2);
      c.out.bulkText('server-cpu-usage');
      c.out.int(42);
      // A push is no reply, nor is an attribute.
      c.out.bulkText('Some real reply following the push reply');
    },
  ],
  [
    'attrib',
    (c: Context) => {
      if (c.out.resp > 2) {
        c.out.raw('|1\r\n');
        c.out.bulkText('key-popularity');
        c.out.array(2);
        c.out.bulkText('key:123');
        c.out.int(90);
      }
      c.out.bulkText('Some real reply following the attribute');
    },
  ],
  ['bignum', (c: Context) => c.out.bigNumber('1234567999999999999999999999999999999')],
  ['verbatim', (c: Context) => c.out.verbatim('This is a verbatim\nstring')],
  ['true', (c: Context) => c.out.bool(true)],
  ['false', (c: Context) => c.out.bool(false)],
]);

function numbers(c: Context, kind: 'array' | 'set'): void {
  if (kind === 'array') c.out.array(3);
  else c.out.set(3);
  for (let i = 0; i < 3; i++) c.out.int(i);
}

function protocol(c: Context, a: Args): void {
  const write = PROTOCOL_TYPES.get(a.latin1(2).toLowerCase());
  if (write === undefined) {
    throw new CommandError(
      'ERR Wrong protocol type name. Please use one of the following: ' +
        'string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false',
    );
  }
  write(c);
}

const HELP = [
  'CHANGE-REPL-ID',
  '    Change the replication IDs of the instance.',
  '    Dangerous: should be used only for testing the replication subsystem.',
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a Redis protocol error with <string> as message. Useful for clients',
  '    unit tests to simulate Redis errors.',
  'HTSTATS <dbid>',
  '    Return hash table statistics of the specified Redis database.',
  'HTSTATS-KEY <key>',
  "    Like HTSTATS but for the hash table stored at <key>'s value.",
  'LISTPACK <key>',
  '    Show low level info about the listpack encoding of <key> in the log.',
  'LOADAOF',
  '    Flush the AOF buffers on disk and reload the AOF in memory.',
  'LOG <message>',
  '    Write <message> to the server log.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'PAUSE-CRON <0|1>',
  '    Stop periodic cron job processing.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>. If <prefix> is specified then',
  "    it is used instead of the 'key' prefix. These are not propagated to",
  '    replicas, nor to the append-only file.',
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type. <type> can be: string,',
  '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
  '    true, false.',
  'QUICKLIST <key> [<0|1>]',
  '    Show low level info about the quicklist encoding of <key> in the log.',
  'QUICKLIST-PACKED-THRESHOLD <size>',
  '    Accepted for what tests ask of other servers: there are no plain nodes.',
  'RELOAD [option ...]',
  '    Save the RDB on disk and reload it back to memory. Valid <option> values:',
  '    * MERGE: conflicting keys will be loaded from RDB.',
  '    * NOFLUSH: the existing database will not be removed before load.',
  '    * NOSAVE: the database will be loaded from an existing RDB file.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background when they are not',
  '    accessed (otherwise the default behavior). Setting it to 1 reenables back',
  '    the default.',
  'SLEEP <seconds>',
  '    Stop the server for <seconds>. Decimals allowed.',
  'STRINGMATCH-TEST',
  '    Run a fuzz tester against the matching of patterns.',
];

function help(c: Context): void {
  helpText(c, 'DEBUG', HELP);
}
