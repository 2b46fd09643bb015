/** Who a client is and what it speaks: PING, ECHO, AUTH, HELLO, SELECT, RESET, QUIT. */
import { CommandError } from '../base/errors.js';
import { REDIS_VERSION } from '../base/version.js';
import type { Args } from '../formats/resp/args.js';
import { DEFAULT_USER } from './access/users.js';
import type { Context } from './context.js';
import { DB_OUT_OF_RANGE, wrongArity } from './errors.js';
import { int32 } from './int-args.js';
import { serverOf } from './services.js';
import { SessionFlag } from './session.js';
import type { CommandSpec } from './spec.js';
import { isPrintableName, NAME_REFUSED, quoted } from './text.js';

const WRONG_PASSWORD = new CommandError('WRONGPASS invalid username-password pair or user is disabled.');
const NO_PASSWORD_SET = new CommandError(
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration ' +
    'is correct?',
);

export const CONNECTION_COMMANDS = [
  {
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '1.0.0',
    group: 'connection',
    summary: "Returns the server's liveliness response.",
    complexity: 'O(1)',
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    arguments: [{ name: 'message', type: 'string', optional: true }],
    handler: ping,
  },
  {
    name: 'echo',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '1.0.0',
    group: 'connection',
    summary: 'Returns the given string.',
    complexity: 'O(1)',
    arguments: [{ name: 'message', type: 'string' }],
    handler: echo,
  },
  {
    name: 'auth',
    arity: -2,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '1.0.0',
    group: 'connection',
    summary: 'Authenticates the connection.',
    complexity: 'O(N) where N is the number of passwords defined for the user',
    history: [['6.0.0', 'Added ACL style (username and password).']],
    arguments: [
      { name: 'username', type: 'string', optional: true, since: '6.0.0' },
      { name: 'password', type: 'string' },
    ],
    secrets: (a) => Array.from({ length: a.count - 1 }, (_, i) => i + 1),
    handler: auth,
  },
  {
    name: 'hello',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '6.0.0',
    group: 'connection',
    summary: 'Handshakes with the Redis server.',
    complexity: 'O(1)',
    history: [
      [
        '6.2.0',
        "`protover` made optional; when called without arguments the command reports the current connection's context.",
      ],
    ],
    arguments: [
      {
        name: 'arguments',
        type: 'block',
        optional: true,
        arguments: [
          { name: 'protover', type: 'integer' },
          {
            name: 'auth',
            type: 'block',
            token: 'AUTH',
            optional: true,
            arguments: [
              { name: 'username', type: 'string' },
              { name: 'password', type: 'string' },
            ],
          },
          { name: 'clientname', type: 'string', token: 'SETNAME', optional: true },
        ],
      },
    ],
    secrets: helloSecrets,
    handler: hello,
  },
  {
    name: 'select',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '1.0.0',
    group: 'connection',
    summary: 'Changes the selected database.',
    complexity: 'O(1)',
    arguments: [{ name: 'index', type: 'integer' }],
    handler: select,
  },
  {
    name: 'reset',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '6.2.0',
    group: 'connection',
    summary: 'Resets the connection.',
    complexity: 'O(1)',
    handler: reset,
  },
  {
    name: 'quit',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['connection'],
    since: '1.0.0',
    group: 'connection',
    summary: 'Closes the connection.',
    complexity: 'O(1)',
    deprecatedSince: '7.2.0',
    replacedBy: 'just closing the connection',
    docFlags: ['deprecated'],
    handler: quit,
  },
] as const satisfies readonly CommandSpec[];

function ping(c: Context, a: Args): void {
  if (a.count > 2) throw wrongArity('ping');
  const { session } = serverOf(c);
  if (session.has(SessionFlag.PUBSUB) && session.resp === 2) {
    c.out.array(2);
    c.out.bulkText('pong', true);
    if (a.count === 1) c.out.bulkText('', true);
    else c.out.bulk(a.buf, a.off[1]!, a.len[1]!);
  } else if (a.count === 1) {
    c.out.raw('+PONG\r\n');
  } else {
    c.out.bulk(a.buf, a.off[1]!, a.len[1]!);
  }
}

function echo(c: Context, a: Args): void {
  c.out.bulk(a.buf, a.off[1]!, a.len[1]!);
}

function auth(c: Context, a: Args): void {
  if (a.count > 3) throw new CommandError('ERR syntax error');
  const server = serverOf(c);
  const { access, session } = server;
  if (a.count === 2 && access.users.default.noPassword) throw NO_PASSWORD_SET;
  const user = a.count === 3 ? a.latin1(1) : DEFAULT_USER;
  if (!access.logIn(session, user, a.bytes(a.count - 1), a.latin1(0))) throw WRONG_PASSWORD;
  c.out.ok();
}

const NO_PROTOCOL = new CommandError('NOPROTO unsupported protocol version');
const NOT_A_VERSION = new CommandError('ERR Protocol version is not an integer or out of range');
const HELLO_UNAUTHENTICATED = new CommandError(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> ' +
    'option can be used to authenticate the client and select the RESP protocol version at the same time',
);

function hello(c: Context, a: Args): void {
  const server = serverOf(c);
  const { session } = server;
  let version = 0;
  if (a.count >= 2) {
    version = a.integer(1);
    if (Number.isNaN(version)) throw NOT_A_VERSION;
    if (version < 2 || version > 3) throw NO_PROTOCOL;
  }
  let name: string | null = null;
  /** Where the last AUTH stands. */
  let auth = 0;
  for (let i = 2; i < a.count; i++) {
    const more = a.count - 1 - i;
    if (a.is(i, 'AUTH') && more >= 2) {
      auth = i;
      i += 2;
    } else if (a.is(i, 'SETNAME') && more >= 1) {
      name = a.latin1(i + 1);
      if (!isPrintableName(name)) throw NAME_REFUSED;
      i += 1;
    } else {
      throw new CommandError(`ERR Syntax error in HELLO option '${quoted(a, i)}'`);
    }
  }
  if (auth > 0 && !server.access.logIn(session, a.latin1(auth + 1), a.bytes(auth + 2), a.latin1(0))) {
    throw WRONG_PASSWORD;
  }
  if (!session.authenticated) throw HELLO_UNAUTHENTICATED;
  if (name !== null) session.name = name;
  if (version > 0) session.resp = version;
  const { out } = c;
  out.resp = session.resp;
  out.map(7);
  out.bulkText('server', true);
  out.bulkText('redis', true);
  out.bulkText('version', true);
  out.bulkText(REDIS_VERSION, true);
  out.bulkText('proto', true);
  out.int(session.resp);
  out.bulkText('id', true);
  out.int(session.id);
  out.bulkText('mode', true);
  out.bulkText('standalone', true);
  out.bulkText('role', true);
  out.bulkText('master', true);
  out.bulkText('modules', true);
  out.array(0);
}

function helloSecrets(a: Args): readonly number[] {
  const found: number[] = [];
  for (let i = 2; i < a.count; i++) {
    if (a.is(i, 'AUTH')) {
      found.push(i + 1, i + 2);
      i += 2;
    } else if (a.is(i, 'SETNAME')) {
      i += 1;
    }
  }
  return found;
}

function select(c: Context, a: Args): void {
  const db = int32(a, 1);
  if (db < 0 || db >= c.keyspace.databases.length) throw DB_OUT_OF_RANGE;
  const server = serverOf(c);
  server.select(server.session, db);
  c.out.ok();
}

function reset(c: Context): void {
  const server = serverOf(c);
  server.resetSession(server.session);
  c.out.resp = 2;
  c.out.simple('RESET');
}

function quit(c: Context): void {
  serverOf(c).session.flags |= SessionFlag.CLOSE_AFTER_REPLY;
  c.out.ok();
}
