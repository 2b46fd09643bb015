/** SLOWLOG: the commands that took long. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { badSubcommand, helpText } from './help.js';
import { longFrom } from './long-args.js';
import { serverOf } from './services.js';
import type { CommandFlag, CommandSpec, Handler } from './spec.js';

const FLAGS: readonly CommandFlag[] = ['admin', 'loading', 'stale'];

function row(
  name: string,
  arity: number,
  summary: string,
  complexity: string,
  handler: Handler,
  rest: Partial<CommandSpec>,
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: [], since: '2.2.12', group: 'server', flags: FLAGS };
  return { name, arity, summary, complexity, handler, ...fixed, ...rest };
}

export const SLOWLOG_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'slowlog',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '2.2.12',
    group: 'server',
    summary: 'A container for slow log commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      row('get', -2, "Returns the slow log's entries.", 'O(N) where N is the number of entries returned', get, {
        tips: ['request_policy:all_nodes', 'nondeterministic_output'],
        history: [['4.0.0', 'Added client IP address, port and name to the reply.']],
        arguments: [{ name: 'count', type: 'integer', optional: true }],
      }),
      row('len', 2, 'Returns the number of entries in the slow log.', 'O(1)', len, {
        tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
      }),
      row(
        'reset',
        2,
        'Clears all entries from the slow log.',
        'O(N) where N is the number of entries in the slowlog',
        reset,
        { tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'] },
      ),
      row('help', 2, 'Show helpful text about the different subcommands', 'O(1)', (c) => helpText(c, 'SLOWLOG', HELP), {
        flags: ['loading', 'stale'],
        since: '6.2.0',
      }),
    ],
  },
];

const BAD_COUNT = new CommandError('ERR count should be greater than or equal to -1');
const COUNT_DEFAULT = 10;

function get(c: Context, a: Args): void {
  const { slowLog } = serverOf(c);
  let count = COUNT_DEFAULT;
  if (a.count > 3) throw badSubcommand(a);
  if (a.count === 3) {
    const given = longFrom(a, 2, -1, BAD_COUNT);
    count = given === -1 ? slowLog.length : given;
  }
  const entries = slowLog.latest(count);
  const { out } = c;
  out.array(entries.length);
  for (const entry of entries) {
    out.array(6);
    out.int(entry.id);
    out.int(entry.seconds);
    out.int(entry.microseconds);
    out.array(entry.args.length);
    for (const arg of entry.args) out.bulk(arg);
    out.bulkText(entry.address, true);
    out.bulkText(entry.name, true);
  }
}

function len(c: Context): void {
  c.out.int(serverOf(c).slowLog.length);
}

function reset(c: Context): void {
  serverOf(c).slowLog.reset();
  c.out.ok();
}

const HELP = [
  'GET [<count>]',
  '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
  '    Entries are made of:',
  '    id, timestamp, time in microseconds, arguments array, client IP and port,',
  '    client name',
  'LEN',
  '    Return the length of the slowlog.',
  'RESET',
  '    Reset the slowlog.',
];
