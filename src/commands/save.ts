/** Keeping the data: SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, SHUTDOWN. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { type ShutdownOptions, serverOf } from './services.js';
import { SessionFlag } from './session.js';
import type { CommandFlag, CommandSpec } from './spec.js';

const ADMIN: readonly CommandFlag[] = ['admin', 'noscript', 'no_async_loading'];

export const SAVE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'save',
    arity: 1,
    flags: [...ADMIN, 'no_multi'],
    keys: [0, 0, 0],
    acl: [],
    since: '1.0.0',
    group: 'server',
    summary: 'Synchronously saves the database(s) to disk.',
    complexity: 'O(N) where N is the total number of keys in all databases',
    handler: save,
  },
  {
    name: 'bgsave',
    arity: -1,
    flags: ADMIN,
    keys: [0, 0, 0],
    acl: [],
    since: '1.0.0',
    group: 'server',
    summary: 'Asynchronously saves the database(s) to disk.',
    complexity: 'O(1)',
    history: [['3.2.2', 'Added the `SCHEDULE` option.']],
    arguments: [{ name: 'schedule', type: 'pure-token', token: 'SCHEDULE', optional: true, since: '3.2.2' }],
    handler: bgSave,
  },
  {
    name: 'lastsave',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    keys: [0, 0, 0],
    acl: ['admin', 'dangerous'],
    since: '1.0.0',
    group: 'server',
    summary: 'Returns the Unix timestamp of the last successful save to disk.',
    complexity: 'O(1)',
    tips: ['nondeterministic_output'],
    handler: (c) => c.out.int(serverOf(c).persistence.lastSave),
  },
  {
    name: 'bgrewriteaof',
    arity: 1,
    flags: ADMIN,
    keys: [0, 0, 0],
    acl: [],
    since: '1.0.0',
    group: 'server',
    summary: 'Asynchronously rewrites the append-only file to disk.',
    complexity: 'O(1)',
    handler: bgRewriteAof,
  },
  {
    name: 'shutdown',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    keys: [0, 0, 0],
    acl: [],
    since: '1.0.0',
    group: 'server',
    summary: 'Synchronously saves the database(s) to disk and shuts down the Redis server.',
    complexity:
      'O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)',
    history: [['7.0.0', 'Added the `NOW`, `FORCE` and `ABORT` modifiers.']],
    arguments: [
      {
        name: 'save-selector',
        type: 'oneof',
        optional: true,
        arguments: [
          { name: 'nosave', type: 'pure-token', token: 'NOSAVE' },
          { name: 'save', type: 'pure-token', token: 'SAVE' },
        ],
      },
      { name: 'now', type: 'pure-token', token: 'NOW', optional: true, since: '7.0.0' },
      { name: 'force', type: 'pure-token', token: 'FORCE', optional: true, since: '7.0.0' },
      { name: 'abort', type: 'pure-token', token: 'ABORT', optional: true, since: '7.0.0' },
    ],
    handler: shutdown,
  },
];

function save(c: Context): void {
  const error = serverOf(c).persistence.save();
  if (error !== null) throw new CommandError(error);
  c.out.ok();
}

function bgSave(c: Context, a: Args): void {
  if (a.count > 2 || (a.count === 2 && !a.is(1, 'SCHEDULE'))) throw SYNTAX;
  const { persistence, session } = serverOf(c);
  const result = persistence.backgroundSave(a.count === 2, session.has(SessionFlag.MULTI));
  if ('error' in result) throw new CommandError(result.error);
  c.out.simple(result.started);
}

function bgRewriteAof(c: Context): void {
  const { persistence, session } = serverOf(c);
  const result = persistence.rewriteAppendLog(session.has(SessionFlag.MULTI));
  if ('error' in result) throw new CommandError(result.error);
  c.out.simple(result.started);
}

const NO_SHUTDOWN = new CommandError('ERR No shutdown in progress.');
const SHUTDOWN_FAILED = 'ERR Errors trying to SHUTDOWN. Check logs.';

function shutdown(c: Context, a: Args): void {
  const options: ShutdownOptions = { save: null, now: false, force: false };
  let abort = false;
  for (let i = 1; i < a.count; i++) {
    if (a.is(i, 'NOSAVE') && options.save !== true) options.save = false;
    else if (a.is(i, 'SAVE') && options.save !== false) options.save = true;
    else if (a.is(i, 'NOW')) options.now = true;
    else if (a.is(i, 'FORCE')) options.force = true;
    else if (a.is(i, 'ABORT')) abort = true;
    else throw SYNTAX;
  }
  const server = serverOf(c);
  if (abort) {
    if (options.save !== null || options.now || options.force) throw SYNTAX;
    if (!server.abortShutdown()) throw NO_SHUTDOWN;
    c.out.ok();
    return;
  }
  // The answer, if there ever is one, is that the server stays.
  const resume = server.block(0, null);
  server.shutdownFor(options, () => resume((out) => out.error(SHUTDOWN_FAILED)));
}
