/** MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing itself is the dispatcher's. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { KEYS_ARG, keysSpec } from './rows.js';
import { serverOf } from './services.js';
import { SessionFlag } from './session.js';
import type { CommandSpec } from './spec.js';

const NESTED = new CommandError('ERR MULTI calls can not be nested');
const EXEC_WITHOUT = new CommandError('ERR EXEC without MULTI');
const DISCARD_WITHOUT = new CommandError('ERR DISCARD without MULTI');
const WATCH_INSIDE = new CommandError('ERR WATCH inside MULTI is not allowed');
const ABORTED = new CommandError('EXECABORT Transaction discarded because of previous errors.');

export const TRANSACTION_COMMANDS = [
  {
    name: 'multi',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['transaction'],
    since: '1.2.0',
    group: 'transactions',
    summary: 'Starts a transaction.',
    complexity: 'O(1)',
    handler: multi,
  },
  {
    name: 'exec',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    keys: [0, 0, 0],
    acl: ['transaction'],
    since: '1.2.0',
    group: 'transactions',
    summary: 'Executes all commands in a transaction.',
    complexity: 'Depends on commands in the transaction',
    handler: exec,
  },
  {
    name: 'discard',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['transaction'],
    since: '2.0.0',
    group: 'transactions',
    summary: 'Discards a transaction.',
    complexity: 'O(N), when N is the number of queued commands',
    handler: discard,
  },
  {
    name: 'watch',
    arity: -2,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [1, -1, 1],
    keySpecs: [keysSpec(1, 1, 'RO')],
    acl: ['transaction'],
    since: '2.2.0',
    group: 'transactions',
    summary: 'Monitors changes to keys to determine the execution of a transaction.',
    complexity: 'O(1) for every key.',
    arguments: [KEYS_ARG],
    handler: watch,
  },
  {
    name: 'unwatch',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
    keys: [0, 0, 0],
    acl: ['transaction'],
    since: '2.2.0',
    group: 'transactions',
    summary: 'Forgets about watched keys of a transaction.',
    complexity: 'O(1)',
    handler: unwatch,
  },
] as const satisfies readonly CommandSpec[];

function multi(c: Context): void {
  const { session } = serverOf(c);
  if (session.has(SessionFlag.MULTI)) throw NESTED;
  session.flags |= SessionFlag.MULTI;
  session.transaction = { queue: [], flags: 0, argumentBytes: 0, bytes: 0 };
  c.out.ok();
}

function exec(c: Context): void {
  const server = serverOf(c);
  const { session } = server;
  if (!session.has(SessionFlag.MULTI)) throw EXEC_WITHOUT;
  if (session.watching > 0 && server.watching.hasExpired(session)) session.flags |= SessionFlag.DIRTY_CAS;
  const { queue } = session.transaction!;
  const spoiled = session.has(SessionFlag.DIRTY_EXEC);
  const stale = session.has(SessionFlag.DIRTY_CAS);
  if (spoiled || stale) {
    server.endTransaction(session);
    if (spoiled) throw ABORTED;
    c.out.nilArray();
    return;
  }
  server.watching.unwatch(session);
  c.out.array(queue.length);
  for (let i = 0; i < queue.length; i++) server.callQueued(queue[i]!.command, queue[i]!.args);
  server.endTransaction(session);
  // The queued commands have propagated themselves.
  c.silent();
}

function discard(c: Context): void {
  const server = serverOf(c);
  if (!server.session.has(SessionFlag.MULTI)) throw DISCARD_WITHOUT;
  server.endTransaction(server.session);
  c.out.ok();
}

function watch(c: Context, a: Args): void {
  const { session, watching } = serverOf(c);
  if (session.has(SessionFlag.MULTI)) throw WATCH_INSIDE;
  if (!session.has(SessionFlag.DIRTY_CAS)) {
    for (let i = 1; i < a.count; i++) watching.watch(session, session.db, a.bytes(i));
  }
  c.out.ok();
}

function unwatch(c: Context): void {
  const { session, watching } = serverOf(c);
  watching.unwatch(session);
  session.flags &= ~SessionFlag.DIRTY_CAS;
  c.out.ok();
}
