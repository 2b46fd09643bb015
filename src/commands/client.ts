/** CLIENT: who is connected, as what, and closing connections. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { User } from './access/user.js';
import type { Users } from './access/users.js';
import { CLIENT_PAUSE_ROWS } from './client-pause.js';
import { ADMIN_FLAGS, clientRow, ON_OFF, PLAIN_FLAGS } from './client-rows.js';
import { CLIENT_TRACKING_ROWS } from './client-tracking.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';
import { badSubcommand } from './help.js';
import { type Peer, serverOf } from './services.js';
import { SessionFlag } from './session.js';
import type { CommandSpec } from './spec.js';
import { isPrintableName, NAME_REFUSED, quoted } from './text.js';

const TYPES = [
  { name: 'normal', type: 'pure-token', token: 'NORMAL' },
  { name: 'master', type: 'pure-token', token: 'MASTER', since: '3.2.0' },
  { name: 'slave', type: 'pure-token', token: 'SLAVE' },
  { name: 'replica', type: 'pure-token', token: 'REPLICA', since: '5.0.0' },
  { name: 'pubsub', type: 'pure-token', token: 'PUBSUB' },
];
const UNBLOCK_SUMMARY = 'Unblocks a client blocked by a blocking command from a different connection.';

export const CLIENT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'client',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '2.4.0',
    group: 'connection',
    summary: 'A container for client connection commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      clientRow('id', 2, PLAIN_FLAGS, '5.0.0', 'Returns the unique client ID of the connection.', 'O(1)', (c) =>
        c.out.int(serverOf(c).session.id),
      ),
      clientRow('info', 2, PLAIN_FLAGS, '6.2.0', 'Returns information about the connection.', 'O(1)', clientInfo, {
        tips: ['nondeterministic_output'],
      }),
      clientRow(
        'list',
        -2,
        ADMIN_FLAGS,
        '2.4.0',
        'Lists open connections.',
        'O(N) where N is the number of client connections',
        clientList,
        {
          tips: ['nondeterministic_output'],
          history: [
            ['2.8.12', 'Added unique client `id` field.'],
            ['5.0.0', 'Added optional `TYPE` filter.'],
            ['6.0.0', 'Added `user` field.'],
            ['6.2.0', 'Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.'],
            ['7.0.0', 'Added `resp`, `multi-mem`, `rbs` and `rbp` fields.'],
            ['7.0.3', 'Added `ssub` field.'],
          ],
          arguments: [
            { name: 'client-type', type: 'oneof', token: 'TYPE', optional: true, since: '5.0.0', arguments: TYPES },
            { name: 'client-id', type: 'integer', token: 'ID', optional: true, multiple: true, since: '6.2.0' },
          ],
        },
      ),
      clientRow(
        'kill',
        -3,
        ADMIN_FLAGS,
        '2.4.0',
        'Terminates open connections.',
        'O(N) where N is the number of client connections',
        clientKill,
        {
          history: [
            ['2.8.12', 'Added new filter format.'],
            ['2.8.12', '`ID` option.'],
            ['3.2.0', 'Added `master` type in for `TYPE` option.'],
            ['5.0.0', 'Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.'],
            ['6.2.0', '`LADDR` option.'],
          ],
          arguments: [
            {
              name: 'filter',
              type: 'oneof',
              arguments: [
                { name: 'old-format', type: 'string', display_text: 'ip:port', deprecated_since: '2.8.12' },
                {
                  name: 'new-format',
                  type: 'oneof',
                  multiple: true,
                  arguments: [
                    { name: 'client-id', type: 'integer', token: 'ID', optional: true, since: '2.8.12' },
                    {
                      name: 'client-type',
                      type: 'oneof',
                      token: 'TYPE',
                      optional: true,
                      since: '2.8.12',
                      arguments: TYPES,
                    },
                    { name: 'username', type: 'string', token: 'USER', optional: true },
                    { name: 'addr', type: 'string', token: 'ADDR', optional: true, display_text: 'ip:port' },
                    {
                      name: 'laddr',
                      type: 'string',
                      token: 'LADDR',
                      optional: true,
                      since: '6.2.0',
                      display_text: 'ip:port',
                    },
                    {
                      name: 'skipme',
                      type: 'oneof',
                      token: 'SKIPME',
                      optional: true,
                      arguments: [
                        { name: 'yes', type: 'pure-token', token: 'YES' },
                        { name: 'no', type: 'pure-token', token: 'NO' },
                      ],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ),
      clientRow('setname', 3, PLAIN_FLAGS, '2.6.9', 'Sets the connection name.', 'O(1)', clientSetName, {
        tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
        arguments: [{ name: 'connection-name', type: 'string' }],
      }),
      clientRow('getname', 2, PLAIN_FLAGS, '2.6.9', 'Returns the name of the connection.', 'O(1)', clientGetName),
      clientRow(
        'setinfo',
        4,
        PLAIN_FLAGS,
        '7.2.0',
        'Sets information specific to the client or connection.',
        'O(1)',
        clientSetInfo,
        {
          tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
          arguments: [
            {
              name: 'attr',
              type: 'oneof',
              arguments: [
                { name: 'libname', type: 'string', token: 'LIB-NAME' },
                { name: 'libver', type: 'string', token: 'LIB-VER' },
              ],
            },
          ],
        },
      ),
      clientRow(
        'reply',
        3,
        PLAIN_FLAGS,
        '3.2.0',
        'Instructs the server whether to reply to commands.',
        'O(1)',
        clientReply,
        {
          arguments: [
            {
              name: 'action',
              type: 'oneof',
              arguments: [...ON_OFF, { name: 'skip', type: 'pure-token', token: 'SKIP' }],
            },
          ],
        },
      ),
      clientRow(
        'no-evict',
        3,
        ADMIN_FLAGS,
        '7.0.0',
        'Sets the client eviction mode of the connection.',
        'O(1)',
        clientNoEvict,
        {
          arguments: [{ name: 'enabled', type: 'oneof', arguments: ON_OFF }],
        },
      ),
      clientRow(
        'no-touch',
        3,
        PLAIN_FLAGS,
        '7.2.0',
        'Controls whether commands sent by the client affect the LRU/LFU of accessed keys.',
        'O(1)',
        clientNoTouch,
        { arguments: [{ name: 'enabled', type: 'oneof', arguments: ON_OFF }] },
      ),
      ...CLIENT_TRACKING_ROWS,
      ...CLIENT_PAUSE_ROWS,
      clientRow(
        'unblock',
        -3,
        ADMIN_FLAGS,
        '5.0.0',
        UNBLOCK_SUMMARY,
        'O(log N) where N is the number of client connections',
        unblock,
        {
          arguments: [
            { name: 'client-id', type: 'integer' },
            {
              name: 'unblock-type',
              type: 'oneof',
              optional: true,
              arguments: [
                { name: 'timeout', type: 'pure-token', token: 'TIMEOUT' },
                { name: 'error', type: 'pure-token', token: 'ERROR' },
              ],
            },
          ],
        },
      ),
      clientRow(
        'help',
        2,
        ['loading', 'stale'],
        '5.0.0',
        'Returns helpful text about the different subcommands.',
        'O(1)',
        help,
      ),
    ],
  },
];

// --- who --------------------------------------------------------------------------------------------------------------

function clientInfo(c: Context): void {
  c.out.verbatim(`${(serverOf(c).session as Peer).describe()}\n`);
}

function clientList(c: Context, a: Args): void {
  const { clients } = serverOf(c);
  let found: Peer[];
  if (a.count === 4 && a.is(2, 'TYPE')) {
    const type = typeArg(a, 3);
    found = [...clients.list()].filter((peer) => peer.type === type);
  } else if (a.count > 3 && a.is(2, 'ID')) {
    found = [];
    for (let i = 3; i < a.count; i++) {
      const id = a.int64(i);
      if (id === null) throw new CommandError('ERR Invalid client ID');
      const peer = clients.get(Number(id));
      if (peer !== undefined) found.push(peer);
    }
  } else if (a.count === 2) {
    found = [...clients.list()];
  } else {
    throw SYNTAX;
  }
  c.out.verbatim(found.map((peer) => `${peer.describe()}\n`).join(''));
}

function typeArg(a: Args, i: number): string {
  const type = a.latin1(i).toLowerCase();
  if (type === 'slave') return 'replica';
  if (type === 'normal' || type === 'replica' || type === 'pubsub' || type === 'master') return type;
  throw new CommandError(`ERR Unknown client type '${quoted(a, i, Infinity)}'`);
}

// --- kill -------------------------------------------------------------------------------------------------------------

interface Filter {
  id: number | null;
  addr: string | null;
  laddr: string | null;
  type: string | null;
  user: User | null;
  skipMe: boolean;
}

const BAD_ID = new CommandError('ERR client-id should be greater than 0');

function parseFilter(a: Args, users: Users): Filter {
  const filter: Filter = { id: null, addr: null, laddr: null, type: null, user: null, skipMe: true };
  for (let i = 2; i < a.count; i += 2) {
    if (i + 1 >= a.count) throw SYNTAX;
    if (a.is(i, 'ID')) {
      const id = a.int64(i + 1);
      if (id === null || id < 1n) throw BAD_ID;
      filter.id = Number(id);
    } else if (a.is(i, 'TYPE')) {
      filter.type = typeArg(a, i + 1);
    } else if (a.is(i, 'ADDR')) {
      filter.addr = a.latin1(i + 1);
    } else if (a.is(i, 'LADDR')) {
      filter.laddr = a.latin1(i + 1);
    } else if (a.is(i, 'USER')) {
      filter.user = users.get(a.latin1(i + 1)) ?? null;
      if (filter.user === null) throw new CommandError(`ERR No such user '${quoted(a, i + 1, Infinity)}'`);
    } else if (a.is(i, 'SKIPME')) {
      if (!a.is(i + 1, 'YES') && !a.is(i + 1, 'NO')) throw SYNTAX;
      filter.skipMe = a.is(i + 1, 'YES');
    } else {
      throw SYNTAX;
    }
  }
  return filter;
}

function clientKill(c: Context, a: Args): void {
  const { clients, session, access } = serverOf(c);
  const old = a.count === 3;
  const none = { id: null, laddr: null, type: null, user: null };
  const filter = old ? { ...none, addr: a.latin1(2), skipMe: false } : parseFilter(a, access.users);
  const killed = [...clients.list()].filter(
    (peer) =>
      (filter.addr === null || peer.remote === filter.addr) &&
      (filter.laddr === null || peer.local === filter.laddr) &&
      (filter.type === null || peer.type === filter.type) &&
      (filter.id === null || peer.id === filter.id) &&
      (filter.user === null || peer.user === filter.user) &&
      !(filter.skipMe && peer === session),
  );
  for (const peer of killed) clients.kill(peer);
  if (!old) c.out.int(killed.length);
  else if (killed.length === 0) throw new CommandError('ERR No such client');
  else c.out.ok();
}

// --- attributes --------------------------------------------------------------------------------------------------------

function clientSetName(c: Context, a: Args): void {
  const name = a.latin1(2);
  if (!isPrintableName(name)) throw NAME_REFUSED;
  serverOf(c).session.name = name;
  c.out.ok();
}

function clientGetName(c: Context): void {
  const { name } = serverOf(c).session;
  if (name === '') c.out.nil();
  else c.out.bulkText(name, true);
}

function clientSetInfo(c: Context, a: Args): void {
  const { session } = serverOf(c);
  const isName = a.is(2, 'LIB-NAME');
  if (!isName && !a.is(2, 'LIB-VER')) throw new CommandError(`ERR Unrecognized option '${quoted(a, 2, Infinity)}'`);
  const value = a.latin1(3);
  if (!isPrintableName(value)) {
    throw new CommandError(`ERR ${a.latin1(2)} cannot contain spaces, newlines or special characters.`);
  }
  if (isName) session.libName = value;
  else session.libVersion = value;
  c.out.ok();
}

function clientReply(c: Context, a: Args): void {
  const { session } = serverOf(c);
  if (a.is(2, 'ON')) {
    session.flags &= ~(SessionFlag.REPLY_SKIP | SessionFlag.REPLY_OFF);
    c.out.ok();
  } else if (a.is(2, 'OFF')) {
    session.flags |= SessionFlag.REPLY_OFF;
  } else if (a.is(2, 'SKIP')) {
    if (!session.has(SessionFlag.REPLY_OFF)) session.flags |= SessionFlag.REPLY_SKIP_NEXT;
  } else {
    throw SYNTAX;
  }
}

function onOff(c: Context, a: Args, flag: number): void {
  const { session } = serverOf(c);
  if (a.is(2, 'ON')) session.flags |= flag;
  else if (a.is(2, 'OFF')) session.flags &= ~flag;
  else throw SYNTAX;
  c.out.ok();
}

function clientNoEvict(c: Context, a: Args): void {
  onOff(c, a, SessionFlag.NO_EVICT);
}

function clientNoTouch(c: Context, a: Args): void {
  onOff(c, a, SessionFlag.NO_TOUCH);
}

const UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
const BAD_REASON = new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');

function unblock(c: Context, a: Args): void {
  if (a.count > 4) throw badSubcommand(a);
  const byError = a.count === 4 && a.is(3, 'ERROR');
  if (a.count === 4 && !byError && !a.is(3, 'TIMEOUT')) throw BAD_REASON;
  const id = a.int64(2);
  if (id === null) throw NOT_INTEGER;
  const { clients } = serverOf(c);
  const peer = clients.get(Number(id));
  c.out.int(peer !== undefined && clients.unblock(peer, byError ? UNBLOCKED : null) ? 1 : 0);
}

const HELP = [
  'CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CACHING (YES|NO)',
  '    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.',
  'GETREDIR',
  '    Return the client ID we are redirecting to when tracking is enabled.',
  'GETNAME',
  '    Return the name of the current connection.',
  'ID',
  '    Return the ID of the current connection.',
  'INFO',
  '    Return information about the current client connection.',
  'KILL <ip:port>',
  '    Kill connection made from <ip:port>.',
  'KILL <option> <value> [<option> <value> [...]]',
  '    Kill connections. Options are:',
  '    * ADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made from the specified address',
  '    * LADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made to specified local address',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Kill connections by type.',
  '    * USER <username>',
  '      Kill connections authenticated by <username>.',
  '    * SKIPME (YES|NO)',
  '      Skip killing current connection (default: yes).',
  'LIST [options ...]',
  '    Return information about client connections. Options:',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Return clients of specified type.',
  'UNPAUSE',
  '    Stop the current client pause, resuming traffic.',
  'PAUSE <timeout> [WRITE|ALL]',
  '    Suspend all, or just write, clients for <timeout> milliseconds.',
  'UNBLOCK <clientid> [TIMEOUT|ERROR]',
  '    Unblock the specified blocked client.',
  'REPLY (ON|OFF|SKIP)',
  '    Control the replies sent to the current connection.',
  'SETINFO <option> <value>',
  '    Set client meta attr. Options are:',
  '    * LIB-NAME: the client lib name.',
  '    * LIB-VER: the client lib version.',
  'SETNAME <name>',
  '    Assign the name <name> to the current connection.',
  'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]',
  '         [OPTIN] [OPTOUT] [NOLOOP]',
  '    Control server assisted client side caching.',
  'TRACKINGINFO',
  '    Report tracking status for the current connection.',
  'NO-EVICT (ON|OFF)',
  '    Protect current client connection from eviction.',
  'NO-TOUCH (ON|OFF)',
  '    Will not touch LRU/LFU stats when this mode is on.',
  'HELP',
  '    Print this help.',
];

function help(c: Context): void {
  c.out.array(HELP.length);
  for (const line of HELP) c.out.simple(line);
}
