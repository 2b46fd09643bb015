/** COMMAND: what the server can do, told from the table. */
import { CommandError } from '../base/errors.js';
import { globMatch } from '../base/glob.js';
import { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import { categoryBit, categoryNames } from './access/categories.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { helpText } from './help.js';
import { hasKeys, keyPositions, keySpecsOf } from './key-positions.js';
import { serverOf } from './services.js';
import type { CommandFlag, CommandSpec, Handler, KeySpec } from './spec.js';
import { type Command, FLAG_NAMES, Flag } from './table.js';

const FLAGS: readonly CommandFlag[] = ['loading', 'stale'];

function row(
  name: string,
  arity: number,
  since: string,
  summary: string,
  complexity: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { flags: FLAGS, keys: [0, 0, 0] as const, acl: ['connection'], group: 'server' };
  return { name, arity, since, summary, complexity, handler, ...fixed, ...rest };
}

const UNORDERED = ['nondeterministic_output_order'];
const NAMES_ARG = [{ name: 'command-name', type: 'string', optional: true, multiple: true }];
const FULL_COMMAND_ARGS = [
  { name: 'command', type: 'string' },
  { name: 'arg', type: 'string', optional: true, multiple: true },
];
const ALL = 'O(N) where N is the total number of Redis commands';
const SOME = 'O(N) where N is the number of commands to look up';
const PER_ARGUMENT = 'O(N) where N is the number of arguments to the command';

export const COMMAND_COMMANDS: readonly CommandSpec[] = [
  row('command', -1, '2.8.13', 'Returns detailed information about all commands.', ALL, all, {
    tips: UNORDERED,
    subcommands: [
      row('count', 2, '2.8.13', 'Returns a count of commands.', 'O(1)', (c) =>
        c.out.int(serverOf(c).commands.index.all.length),
      ),
      row('docs', -2, '7.0.0', 'Returns documentary information about one, multiple or all commands.', SOME, docs, {
        tips: UNORDERED,
        arguments: NAMES_ARG,
      }),
      row('getkeys', -3, '2.8.13', 'Extracts the key names from an arbitrary command.', PER_ARGUMENT, getKeys, {
        arguments: FULL_COMMAND_ARGS,
      }),
      row(
        'getkeysandflags',
        -3,
        '7.0.0',
        'Extracts the key names and access flags for an arbitrary command.',
        PER_ARGUMENT,
        getKeysAndFlags,
        { arguments: FULL_COMMAND_ARGS },
      ),
      row('help', 2, '5.0.0', 'Returns helpful text about the different subcommands.', 'O(1)', help),
      row('info', -2, '2.8.13', 'Returns information about one, multiple or all commands.', SOME, info, {
        tips: UNORDERED,
        arguments: NAMES_ARG,
        history: [['7.0.0', 'Allowed to be called with no argument to get info on all commands.']],
      }),
      row('list', -2, '7.0.0', 'Returns a list of command names.', ALL, list, {
        tips: UNORDERED,
        arguments: [
          {
            name: 'filterby',
            type: 'oneof',
            token: 'FILTERBY',
            optional: true,
            arguments: [
              { name: 'module-name', type: 'string', token: 'MODULE' },
              { name: 'category', type: 'string', token: 'ACLCAT' },
              { name: 'pattern', type: 'pattern', token: 'PATTERN' },
            ],
          },
        ],
      }),
    ],
  }),
];

// --- info -------------------------------------------------------------------------------------------------------------

function all(c: Context): void {
  const { commands } = serverOf(c);
  c.out.array(commands.index.all.length);
  for (const command of commands.index.all) writeInfo(c.out, command);
}

function info(c: Context, a: Args): void {
  if (a.count === 2) return all(c);
  const { commands } = serverOf(c);
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) {
    const command = commands.named(a.latin1(i));
    if (command === null) c.out.nil();
    else writeInfo(c.out, command);
  }
}

function writeInfo(out: ReplyWriter, command: Command): void {
  const { spec } = command;
  out.array(10);
  out.bulkText(command.fullName, true);
  out.int(command.arity);
  // Redis does not show it.
  const flags = FLAG_NAMES.filter((name, bit) => command.has(1 << bit) && name !== 'may_replicate');
  out.set(flags.length);
  for (const flag of flags) out.simple(flag);
  for (const key of spec.keys) out.int(key);
  const categories = categoryNames(command.categories);
  out.set(categories.length);
  for (const category of categories) out.simple(`@${category}`);
  const tips = spec.tips ?? [];
  out.set(tips.length);
  for (const tip of tips) out.bulkText(tip, true);
  const specs = keySpecsOf(spec);
  out.set(specs.length);
  for (const each of specs) writeKeySpec(out, each);
  const subcommands = command.subcommands?.all ?? [];
  if (subcommands.length === 0) out.set(0);
  else out.array(subcommands.length);
  for (const sub of subcommands) writeInfo(out, sub);
}

function writeKeySpec(out: ReplyWriter, spec: KeySpec): void {
  out.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) {
    out.bulkText('notes', true);
    out.bulkText(spec.notes);
  }
  out.bulkText('flags', true);
  out.set(spec.flags.length);
  for (const flag of spec.flags) out.simple(flag);
  const { begin, find } = spec;
  out.bulkText('begin_search', true);
  if (begin[0] === 'index') writeSearch(out, 'index', { index: begin[1] });
  else if (begin[0] === 'keyword') writeSearch(out, 'keyword', { keyword: begin[1], startfrom: begin[2] });
  else writeSearch(out, 'unknown', {});
  out.bulkText('find_keys', true);
  if (find[0] === 'range') writeSearch(out, 'range', { lastkey: find[1], keystep: find[2], limit: find[3] });
  else if (find[0] === 'keynum')
    writeSearch(out, 'keynum', { keynumidx: find[1], firstkey: find[2], keystep: find[3] });
  else writeSearch(out, 'unknown', {});
}

function writeSearch(out: ReplyWriter, type: string, spec: Readonly<Record<string, number | string>>): void {
  out.map(2);
  out.bulkText('type', true);
  out.bulkText(type, true);
  out.bulkText('spec', true);
  const pairs = Object.entries(spec);
  out.map(pairs.length);
  for (const [name, value] of pairs) {
    out.bulkText(name, true);
    if (typeof value === 'number') out.int(value);
    else out.bulkText(value, true);
  }
}

// --- docs -------------------------------------------------------------------------------------------------------------

function docs(c: Context, a: Args): void {
  const { commands } = serverOf(c);
  let found: readonly Command[] = commands.index.all;
  if (a.count > 2) {
    const named: Command[] = [];
    for (let i = 2; i < a.count; i++) {
      const command = commands.named(a.latin1(i));
      if (command !== null) named.push(command);
    }
    found = named;
  }
  c.out.map(found.length);
  for (const command of found) writeDocs(c.out, command);
}

/** The members of a map, written once their number is known. */
class Members {
  private readonly start: number;
  private count = 0;
  constructor(private readonly out: ReplyWriter) {
    this.start = out.pos;
  }
  /** The key; its value is to be written next. */
  key(name: string): ReplyWriter {
    this.count++;
    this.out.bulkText(name, true);
    return this.out;
  }
  text(name: string, value: string | undefined): void {
    if (value !== undefined) this.key(name).bulkText(value);
  }
  words(name: string, words: readonly string[]): void {
    if (words.length === 0) return;
    this.key(name).set(words.length);
    for (const word of words) this.out.simple(word);
  }
  end(): void {
    this.out.mapAt(this.start, this.count);
  }
}

function writeDocs(out: ReplyWriter, command: Command): void {
  const { spec } = command;
  out.bulkText(command.fullName, true);
  const members = new Members(out);
  members.text('summary', spec.summary);
  members.text('since', spec.since);
  members.text('group', spec.group);
  members.text('complexity', spec.complexity === '' ? undefined : spec.complexity);
  members.words('doc_flags', spec.docFlags ?? []);
  members.text('deprecated_since', spec.deprecatedSince);
  members.text('replaced_by', spec.replacedBy);
  if (spec.history !== undefined && spec.history.length > 0) {
    members.key('history').set(spec.history.length);
    for (const [version, change] of spec.history) {
      out.array(2);
      out.bulkText(version);
      out.bulkText(change);
    }
  }
  if (spec.arguments !== undefined && spec.arguments.length > 0) {
    members.key('arguments');
    writeArguments(out, spec.arguments as readonly DocArgument[]);
  }
  if (command.subcommands !== null) {
    members.key('subcommands').map(command.subcommands.all.length);
    for (const sub of command.subcommands.all) writeDocs(out, sub);
  }
  members.end();
}

/** An argument in the shape of Redis's command JSON. */
interface DocArgument {
  name: string;
  type: string;
  display_text?: string;
  key_spec_index?: number;
  token?: string;
  summary?: string;
  since?: string;
  deprecated_since?: string;
  optional?: boolean;
  multiple?: boolean;
  multiple_token?: boolean;
  arguments?: readonly DocArgument[];
}

function writeArguments(out: ReplyWriter, args: readonly DocArgument[]): void {
  out.array(args.length);
  for (const arg of args) {
    const members = new Members(out);
    const leaf = arg.type !== 'oneof' && arg.type !== 'block';
    members.text('name', arg.name);
    members.text('type', arg.type);
    if (leaf) members.text('display_text', arg.display_text ?? arg.name);
    const keySpecIndex = arg.key_spec_index ?? (arg.type === 'key' ? 0 : -1);
    if (keySpecIndex >= 0) members.key('key_spec_index').int(keySpecIndex);
    members.text('token', arg.token);
    members.text('summary', arg.summary);
    members.text('since', arg.since);
    members.text('deprecated_since', arg.deprecated_since);
    const flags: string[] = [];
    if (arg.optional) flags.push('optional');
    if (arg.multiple) flags.push('multiple');
    if (arg.multiple_token) flags.push('multiple_token');
    members.words('flags', flags);
    if (!leaf) {
      members.key('arguments');
      writeArguments(out, arg.arguments ?? []);
    }
    members.end();
  }
}

// --- list -------------------------------------------------------------------------------------------------------------

function list(c: Context, a: Args): void {
  const { commands } = serverOf(c);
  let wanted: (command: Command) => boolean = () => true;
  if (a.count !== 2) {
    if (a.count !== 5 || !a.is(2, 'FILTERBY')) throw SYNTAX;
    const what = a.latin1(4);
    if (a.is(3, 'MODULE')) {
      wanted = () => false;
    } else if (a.is(3, 'ACLCAT')) {
      const bit = categoryBit(what);
      wanted = (command) => (command.categories & bit) !== 0;
    } else if (a.is(3, 'PATTERN')) {
      const pattern = a.bytes(4);
      wanted = (command) => globMatch(pattern, Buffer.from(command.fullName), true);
    } else {
      throw SYNTAX;
    }
  }
  const names: string[] = [];
  const visit = (command: Command) => {
    if (wanted(command)) names.push(command.fullName);
    for (const sub of command.subcommands?.all ?? []) visit(sub);
  };
  for (const command of commands.index.all) visit(command);
  c.out.array(names.length);
  for (const name of names) c.out.bulkText(name, true);
}

// --- keys -------------------------------------------------------------------------------------------------------------

const NO_COMMAND = new CommandError('ERR Invalid command specified');
const NO_KEYS = new CommandError('ERR The command has no key arguments');
const BAD_ARITY = new CommandError('ERR Invalid number of arguments specified for command');
const BAD_ARGUMENTS = new CommandError('ERR Invalid arguments specified for command');

function getKeys(c: Context, a: Args): void {
  writeKeys(c, a, false);
}

function getKeysAndFlags(c: Context, a: Args): void {
  writeKeys(c, a, true);
}

function writeKeys(c: Context, a: Args, withFlags: boolean): void {
  const inner = new Args(a.buf, a.count - 2);
  for (let i = 2; i < a.count; i++) inner.push(a.off[i]!, a.len[i]!);
  const command = serverOf(c).commands.find(inner);
  if (command === null) throw NO_COMMAND;
  if (!hasKeys(command.spec)) throw NO_KEYS;
  if (!command.accepts(inner.count)) throw BAD_ARITY;
  const positions = keyPositions(command.spec, inner);
  if (positions === null || positions.length === 0) {
    if (!command.has(Flag.NO_MANDATORY_KEYS)) throw BAD_ARGUMENTS;
    c.out.array(0);
    return;
  }
  c.out.array(positions.length);
  for (const { index, flags } of positions) {
    if (withFlags) c.out.array(2);
    c.out.bulk(a.buf, inner.off[index]!, inner.len[index]!);
    if (!withFlags) continue;
    c.out.set(flags.length);
    for (const flag of flags) c.out.simple(flag);
  }
}

const HELP = [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
];

function help(c: Context): void {
  helpText(c, 'COMMAND', HELP);
}
