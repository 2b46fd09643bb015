/** MONITOR. What a monitor is shown is the server's (server/monitors.ts). */
import { CommandError } from '../base/errors.js';
import type { Context } from './context.js';
import { serverOf } from './services.js';
import { SessionFlag } from './session.js';
import type { CommandSpec } from './spec.js';

export const MONITOR_COMMANDS = [
  {
    name: 'monitor',
    arity: 1,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    keys: [0, 0, 0],
    acl: [],
    since: '1.0.0',
    group: 'server',
    summary: 'Listens for all requests received by the server in real-time.',
    complexity: '',
    handler: monitor,
  },
] as const satisfies readonly CommandSpec[];

const NOT_INSIDE = new CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client");

function monitor(c: Context): void {
  const server = serverOf(c);
  const { session } = server;
  if (session.has(SessionFlag.MULTI)) throw NOT_INSIDE;
  // Asked again, it answers nothing.
  if (session.has(SessionFlag.MONITOR | SessionFlag.REPLICA)) return;
  server.monitor(session);
  c.out.ok();
}
