/** LATENCY: what took long, by cause, and how long commands take. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { helpText } from './help.js';
import { serverOf } from './services.js';
import type { CommandFlag, CommandSpec, Handler } from './spec.js';
import type { Command } from './table.js';
import { quoted } from './text.js';

const FLAGS: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
const TIPS = ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'];

function row(
  name: string,
  arity: number,
  summary: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: [], since: '2.8.13', group: 'server', complexity: 'O(1)' };
  return { name, arity, summary, handler, ...fixed, flags: FLAGS, tips: TIPS, ...rest };
}

const EVENT = { name: 'event', type: 'string' };

export const LATENCY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'latency',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '2.8.13',
    group: 'server',
    summary: 'A container for latency diagnostics commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      row('doctor', 2, 'Returns a human-readable latency analysis report.', doctor),
      row('graph', 3, 'Returns a latency graph for an event.', graph, { arguments: [EVENT] }),
      row('help', 2, 'Returns helpful text about the different subcommands.', (c) => helpText(c, 'LATENCY', HELP), {
        flags: ['loading', 'stale'],
        tips: [],
      }),
      row('histogram', -2, 'Returns the cumulative distribution of latencies of a subset or all commands.', histogram, {
        since: '7.0.0',
        complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
        arguments: [{ name: 'command', type: 'string', optional: true, multiple: true }],
      }),
      row('history', 3, 'Returns timestamp-latency samples for an event.', history, { arguments: [EVENT] }),
      row('latest', 2, 'Returns the latest latency samples for all events.', latest),
      row('reset', -2, 'Resets the latency data for one or more events.', reset, {
        tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
        arguments: [{ ...EVENT, optional: true, multiple: true }],
      }),
    ],
  },
];

function doctor(c: Context): void {
  c.out.verbatim(serverOf(c).latency.doctor());
}

function graph(c: Context, a: Args): void {
  const text = serverOf(c).latency.graph(a.latin1(2));
  if (text === null) throw new CommandError(`ERR No samples available for event '${quoted(a, 2, Infinity)}'`);
  c.out.verbatim(text);
}

function history(c: Context, a: Args): void {
  const samples = serverOf(c).latency.history(a.latin1(2));
  c.out.array(samples.length);
  for (const { seconds, milliseconds } of samples) {
    c.out.array(2);
    c.out.int(seconds);
    c.out.int(milliseconds);
  }
}

function latest(c: Context): void {
  const events = [...serverOf(c).latency.latest()];
  c.out.array(events.length);
  for (const { name, max, samples } of events) {
    const last = samples.at(-1)!;
    c.out.array(4);
    c.out.bulkText(name);
    c.out.int(last.seconds);
    c.out.int(last.milliseconds);
    c.out.int(max);
  }
}

function reset(c: Context, a: Args): void {
  const events: string[] = [];
  for (let i = 2; i < a.count; i++) events.push(a.latin1(i));
  c.out.int(serverOf(c).latency.reset(events));
}

function histogram(c: Context, a: Args): void {
  const { commands } = serverOf(c);
  const start = c.out.pos;
  let count = 0;
  const write = (command: Command): void => {
    if (writeHistogram(c, command)) count++;
    for (const sub of command.subcommands?.all ?? []) write(sub);
  };
  if (a.count === 2) {
    for (const command of commands.index.all) write(command);
  } else {
    for (let i = 2; i < a.count; i++) {
      const command = commands.named(a.latin1(i));
      if (command !== null) write(command);
    }
  }
  c.out.mapAt(start, count);
}

/** False when the command has not run. */
function writeHistogram(c: Context, command: Command): boolean {
  const { latency } = command;
  if (latency === null) return false;
  const { out } = c;
  out.bulkText(command.fullName, true);
  out.map(2);
  out.bulkText('calls', true);
  out.int(latency.total);
  out.bulkText('histogram_usec', true);
  const bounds = latency.distribution();
  out.map(bounds.length);
  for (const { microseconds, count } of bounds) {
    out.int(microseconds);
    out.int(count);
  }
  return true;
}

const HELP = [
  'DOCTOR',
  '    Return a human readable latency analysis report.',
  'GRAPH <event>',
  '    Return an ASCII latency graph for the <event> class.',
  'HISTORY <event>',
  '    Return time-latency samples for the <event> class.',
  'LATEST',
  '    Return the latest latency samples for all events.',
  'RESET [<event> ...]',
  '    Reset latency data of one or more <event> classes.',
  '    (default: reset all data for all event classes)',
  'HISTOGRAM [COMMAND ...]',
  '    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.',
  '    If no commands are specified then all histograms are replied.',
];
