/** ACL: users and what they may do. The users themselves are in access/; what happens to their connections is the server's. */
import { randomBytes } from 'node:crypto';
import { CommandError } from '../base/errors.js';
import { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import { CATEGORIES, categoryBit } from './access/categories.js';
import { type DenialEntry, denialText } from './access/denials.js';
import { cString, hasSpaces, UNMATCHED } from './access/rules.js';
import { Denial, type Selector } from './access/selector.js';
import { DEFAULT_USER } from './access/users.js';
import type { Context } from './context.js';
import { long } from './long-args.js';
import { serverOf } from './services.js';
import type { CommandFlag, CommandSpec, Handler } from './spec.js';
import { quoted } from './text.js';

const FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const ADMIN: readonly CommandFlag[] = ['admin', ...FLAGS];
const EVERYWHERE = ['request_policy:all_nodes', 'response_policy:all_succeeded'];
const PER_USER = 'O(N). Where N is the number of configured users.';

function row(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  summary: string,
  complexity: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: [], since: '6.0.0', group: 'server' };
  return { name, arity, flags, summary, complexity, handler, ...fixed, ...rest };
}

const CHANNELS_ADDED = ['6.2.0', 'Added Pub/Sub channel patterns.'] as const;
const USER_ARG = { name: 'username', type: 'string' };

export const ACL_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'acl',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '6.0.0',
    group: 'server',
    summary: 'A container for Access List Control commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      row(
        'cat',
        -2,
        FLAGS,
        'Lists the ACL categories, or the commands inside a category.',
        'O(1) since the categories and commands are a fixed set.',
        cat,
        { arguments: [{ name: 'category', type: 'string', optional: true }] },
      ),
      row(
        'deluser',
        -3,
        ADMIN,
        'Deletes ACL users, and terminates their connections.',
        'O(1) amortized time considering the typical user.',
        deleteUsers,
        { tips: EVERYWHERE, secrets: behindName, arguments: [{ ...USER_ARG, multiple: true }] },
      ),
      row(
        'dryrun',
        -4,
        ADMIN,
        'Simulates the execution of a command by a user, without executing the command.',
        'O(1).',
        dryRun,
        {
          since: '7.0.0',
          arguments: [
            USER_ARG,
            { name: 'command', type: 'string' },
            { name: 'arg', type: 'string', optional: true, multiple: true },
          ],
        },
      ),
      row(
        'genpass',
        -2,
        FLAGS,
        'Generates a pseudorandom, secure password that can be used to identify ACL users.',
        'O(1)',
        generatePassword,
        { arguments: [{ name: 'bits', type: 'integer', optional: true }] },
      ),
      row(
        'getuser',
        3,
        ADMIN,
        'Lists the ACL rules of a user.',
        'O(N). Where N is the number of password, command and pattern rules that the user has.',
        getUser,
        {
          secrets: behindName,
          history: [
            CHANNELS_ADDED,
            [
              '7.0.0',
              'Added selectors and changed the format of key and channel patterns from a list to their rule representation.',
            ],
          ],
          arguments: [USER_ARG],
        },
      ),
      row('help', 2, ['loading', 'stale'], 'Returns helpful text about the different subcommands.', 'O(1)', help),
      row('list', 2, ADMIN, 'Dumps the effective rules in ACL file format.', PER_USER, list),
      row('load', 2, ADMIN, 'Reloads the rules from the configured ACL file.', PER_USER, load),
      row(
        'log',
        -2,
        ADMIN,
        'Lists recent security events generated due to ACL rules.',
        'O(N) with N being the number of entries shown.',
        log,
        {
          history: [['7.2.0', 'Added entry ID, timestamp created, and timestamp last updated.']],
          arguments: [
            {
              name: 'operation',
              type: 'oneof',
              optional: true,
              arguments: [
                { name: 'count', type: 'integer' },
                { name: 'reset', type: 'pure-token', token: 'RESET' },
              ],
            },
          ],
        },
      ),
      row('save', 2, ADMIN, 'Saves the effective ACL rules in the configured ACL file.', PER_USER, save, {
        tips: EVERYWHERE,
      }),
      row(
        'setuser',
        -3,
        ADMIN,
        'Creates and modifies an ACL user and its rules.',
        'O(N). Where N is the number of rules provided.',
        setUser,
        {
          tips: EVERYWHERE,
          secrets: behindName,
          history: [CHANNELS_ADDED, ['7.0.0', 'Added selectors and key based permissions.']],
          arguments: [USER_ARG, { name: 'rule', type: 'string', optional: true, multiple: true }],
        },
      ),
      row('users', 2, ADMIN, 'Lists all ACL users.', PER_USER, users),
      row('whoami', 2, FLAGS, 'Returns the authenticated username of the current connection.', 'O(1)', whoAmI),
    ],
  },
];

/** Everything behind `ACL SETUSER`. */
function behindName(a: Args): number[] {
  return Array.from({ length: a.count - 2 }, (_, i) => i + 2);
}

/** What Redis answers to arguments that are too many for a subcommand that takes some. */
function wrongForm(a: Args): CommandError {
  return new CommandError(`ERR unknown subcommand or wrong number of arguments for '${quoted(a, 1)}'. Try ACL HELP.`);
}

// --- users ------------------------------------------------------------------------------------------------------------

function setUser(c: Context, a: Args): void {
  const { access } = serverOf(c);
  const name = a.latin1(2);
  if (hasSpaces(name)) throw new CommandError("ERR Usernames can't contain spaces or null characters");
  const words: string[] = [];
  for (let i = 3; i < a.count; i++) words.push(a.latin1(i));
  const draft = access.users.draft(name, words);
  if ('rule' in draft) {
    const { rule, reason } = draft;
    if (reason === UNMATCHED) throw new CommandError(`ERR ${UNMATCHED} starting at '${cString(rule)}'.`);
    throw new CommandError(`ERR Error in ACL SETUSER modifier '${cString(rule)}': ${reason}`);
  }
  access.put(draft.user);
  c.out.ok();
}

function deleteUsers(c: Context, a: Args): void {
  const { access } = serverOf(c);
  for (let i = 2; i < a.count; i++) {
    if (a.latin1(i) === DEFAULT_USER) throw new CommandError("ERR The 'default' user cannot be removed");
  }
  let deleted = 0;
  for (let i = 2; i < a.count; i++) if (access.remove(a.latin1(i))) deleted++;
  c.out.int(deleted);
}

function getUser(c: Context, a: Args): void {
  const { out } = c;
  const user = serverOf(c).access.users.get(a.latin1(2));
  if (user === undefined) return out.nil();
  const [first, ...others] = user.selectors;
  out.map(6);
  out.bulkText('flags', true);
  out.set(user.flags.length);
  for (const flag of user.flags) out.bulkText(flag, true);
  out.bulkText('passwords', true);
  out.array(user.passwords.length);
  for (const hash of user.passwords) out.bulkText(hash, true);
  writeSelector(out, first!);
  out.bulkText('selectors', true);
  out.array(others.length);
  for (const selector of others) {
    out.map(3);
    writeSelector(out, selector);
  }
}

/** Three members of a map. */
function writeSelector(out: ReplyWriter, selector: Selector): void {
  out.bulkText('commands', true);
  out.bulkText(selector.commandsText, true);
  out.bulkText('keys', true);
  out.bulkText(selector.keysText, true);
  out.bulkText('channels', true);
  out.bulkText(selector.channelsText, true);
}

function list(c: Context): void {
  const { lines } = serverOf(c).access.users;
  c.out.array(lines.length);
  for (const line of lines) c.out.bulkText(`user ${line}`, true);
}

function users(c: Context): void {
  const { all } = serverOf(c).access.users;
  c.out.array(all.length);
  for (const user of all) c.out.bulkText(user.name, true);
}

function whoAmI(c: Context): void {
  const { user } = serverOf(c).session;
  if (user === null) c.out.nil();
  else c.out.bulkText(user.name, true);
}

// --- commands ---------------------------------------------------------------------------------------------------------

function cat(c: Context, a: Args): void {
  const { out } = c;
  if (a.count > 3) throw wrongForm(a);
  if (a.count === 2) {
    out.array(CATEGORIES.length);
    for (const category of CATEGORIES) out.bulkText(category, true);
    return;
  }
  const bit = categoryBit(a.latin1(2));
  if (bit === 0) throw new CommandError(`ERR Unknown category '${quoted(a, 2)}'`);
  const found = serverOf(c).commands.all.filter((command) => (command.categories & bit) !== 0);
  out.array(found.length);
  for (const command of found) out.bulkText(command.rule, true);
}

function dryRun(c: Context, a: Args): void {
  const { access, commands } = serverOf(c);
  const user = access.users.get(a.latin1(2));
  if (user === undefined) throw new CommandError(`ERR User '${quoted(a, 2, Infinity)}' not found`);
  const inner = new Args(a.buf, a.count - 3);
  for (let i = 3; i < a.count; i++) inner.push(a.off[i]!, a.len[i]!);
  const command = commands.find(inner);
  if (command === null) throw new CommandError(`ERR Command '${quoted(a, 3, Infinity)}' not found`);
  if (!command.accepts(inner.count)) {
    throw new CommandError(`ERR wrong number of arguments for '${command.rule}' command`);
  }
  const denial = user.check(command, inner);
  if (denial === Denial.NONE) c.out.ok();
  else c.out.bulkText(denialText(denial, user, command, inner.latin1(user.deniedAt)), true);
}

const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096;
const BAD_BITS = new CommandError(
  'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to ' +
    `${PASSWORD_BITS_MAX}`,
);

function generatePassword(c: Context, a: Args): void {
  if (a.count > 3) throw wrongForm(a);
  const bits = a.count === 3 ? long(a, 2) : PASSWORD_BITS;
  if (bits <= 0 || bits > PASSWORD_BITS_MAX) throw BAD_BITS;
  const digits = Math.ceil(bits / 4);
  c.out.bulkText(
    randomBytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits),
    true,
  );
}

// --- file -------------------------------------------------------------------------------------------------------------

function load(c: Context): void {
  const error = serverOf(c).access.load();
  if (error !== null) throw new CommandError(`ERR ${error}`);
  c.out.ok();
}

function save(c: Context): void {
  const error = serverOf(c).access.save();
  if (error !== null) throw new CommandError(`ERR ${error}`);
  c.out.ok();
}

// --- log --------------------------------------------------------------------------------------------------------------

const ENTRIES_SHOWN = 10;

function log(c: Context, a: Args): void {
  const { denials } = serverOf(c).access;
  if (a.count > 3) throw wrongForm(a);
  if (a.count === 3 && a.is(2, 'RESET')) {
    denials.clear();
    c.out.ok();
    return;
  }
  const wanted = a.count === 3 ? long(a, 2) : ENTRIES_SHOWN;
  const shown = denials.all.slice(0, Math.max(0, wanted));
  c.out.array(shown.length);
  for (const entry of shown) writeEntry(c, entry);
}

function writeEntry({ out, now }: Context, entry: DenialEntry): void {
  const text = (name: string, value: string) => {
    out.bulkText(name, true);
    out.bulkText(value, true);
  };
  const int = (name: string, value: number) => {
    out.bulkText(name, true);
    out.int(value);
  };
  out.map(10);
  int('count', entry.count);
  text('reason', entry.reason);
  text('context', entry.scene);
  text('object', entry.object);
  text('username', entry.user);
  out.bulkText('age-seconds', true);
  out.double((now - entry.updatedMs) / 1000);
  text('client-info', entry.client);
  int('entry-id', entry.id);
  int('timestamp-created', entry.createdMs);
  int('timestamp-last-updated', entry.updatedMs);
}

const HELP = [
  'ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CAT [<category>]',
  '    List all commands that belong to <category>, or all command categories',
  '    when no category is specified.',
  'DELUSER <username> [<username> ...]',
  '    Delete a list of users.',
  'DRYRUN <username> <command> [<arg> ...]',
  '    Returns whether the user can execute the given command without executing the command.',
  'GETUSER <username>',
  "    Get the user's details.",
  'GENPASS [<bits>]',
  '    Generate a secure 256-bit user password. The optional `bits` argument can',
  '    be used to specify a different size.',
  'LIST',
  '    Show users details in config file format.',
  'LOAD',
  '    Reload users from the ACL file.',
  'LOG [<count> | RESET]',
  '    Show the ACL log entries.',
  'SAVE',
  '    Save the current config to the ACL file.',
  'SETUSER <username> <attribute> [<attribute> ...]',
  '    Create or modify a user with the specified attributes.',
  'USERS',
  '    List all the registered usernames.',
  'WHOAMI',
  '    Return the current connection username.',
  'HELP',
  '    Print this help.',
];

function help(c: Context): void {
  c.out.array(HELP.length);
  for (const line of HELP) c.out.simple(line);
}
