/** What the rows of CLIENT's subcommands share. */
import type { CommandFlag, CommandSpec, Handler } from './spec.js';

export const PLAIN_FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
export const ADMIN_FLAGS: readonly CommandFlag[] = ['admin', ...PLAIN_FLAGS];

export const ON_OFF = [
  { name: 'on', type: 'pure-token', token: 'ON' },
  { name: 'off', type: 'pure-token', token: 'OFF' },
];

export function clientRow(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  since: string,
  summary: string,
  complexity: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: ['connection'], group: 'connection' };
  return { name, arity, flags, since, summary, complexity, handler, ...fixed, ...rest };
}
