/**
 * CONFIG: GET, SET, REWRITE, RESETSTAT, HELP. What it works on is the server's: the Context of a server that offers it
 * is a ConfigContext too. Names and values go as strings of one character a byte.
 */
import { CommandError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import { bytesOf } from '../base/words.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { helpText } from './help.js';
import type { Reply } from './services.js';
import type { CommandSpec } from './spec.js';

type Pair = readonly [name: string, value: string];

/** The part of the configuration object that CONFIG uses. */
export interface ConfigFace {
  /** Null when the server runs without a file. */
  readonly file: string | null;
  find(patterns: readonly Uint8Array[]): readonly Pair[];
  /** All of the pairs or none. Null, or the whole error reply without its leading `-`; some changes take a while. */
  set(
    pairs: readonly Pair[],
    options: { mayChangeGuarded: () => boolean; loading: boolean; log: Log; mayWait: boolean },
  ): string | null | Promise<string | null>;
  /** Whether a directive of that name holds something that no log may show. */
  isSecret(name: string): boolean;
  /** Throws the file system's error. */
  rewrite(users: readonly string[] | null): void;
}

/** What the server's Context must have besides for CONFIG to work. */
export interface ConfigContext extends Context {
  readonly config: ConfigFace;
  readonly log: Log;
  /** Data is being loaded. */
  readonly loading: boolean;
  /** Whether this client may change guarded directives (`dir`, `dbfilename`), as enable-protected-configs says. */
  mayChangeGuarded(): boolean;
  /** The ACL's users as REWRITE writes them; null leaves the file's own lines. */
  userLines(): readonly string[] | null;
  /** See ServerContext. */
  readonly mayWait: boolean;
  block(timeoutMs: number, timedOut: Reply | null): (reply: Reply) => void;
  /** What INFO counts begins again at zero. */
  resetStatistics(): void;
}

const FLAGS = ['admin', 'noscript', 'loading', 'stale'] as const;

export const CONFIG_COMMANDS = [
  {
    name: 'config',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '2.0.0',
    group: 'server',
    summary: 'A container for server configuration commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      {
        name: 'get',
        arity: -3,
        flags: FLAGS,
        keys: [0, 0, 0],
        acl: [],
        since: '2.0.0',
        group: 'server',
        summary: 'Returns the effective values of configuration parameters.',
        complexity: 'O(N) when N is the number of configuration parameters provided',
        history: [['7.0.0', 'Added the ability to pass multiple pattern parameters in one call']],
        arguments: [{ name: 'parameter', type: 'string', multiple: true }],
        handler: configGet,
      },
      {
        name: 'set',
        arity: -4,
        flags: FLAGS,
        keys: [0, 0, 0],
        acl: [],
        since: '2.0.0',
        group: 'server',
        summary: 'Sets configuration parameters in-flight.',
        complexity: 'O(N) when N is the number of configuration parameters provided',
        history: [['7.0.0', 'Added the ability to set multiple parameters in one call.']],
        tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
        arguments: [
          {
            name: 'data',
            type: 'block',
            multiple: true,
            arguments: [
              { name: 'parameter', type: 'string' },
              { name: 'value', type: 'string' },
            ],
          },
        ],
        secrets: secretValues,
        handler: configSet,
      },
      {
        name: 'rewrite',
        arity: 2,
        flags: FLAGS,
        keys: [0, 0, 0],
        acl: [],
        since: '2.8.0',
        group: 'server',
        summary: 'Persists the effective configuration to file.',
        complexity: 'O(1)',
        tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
        handler: configRewrite,
      },
      {
        name: 'resetstat',
        arity: 2,
        flags: FLAGS,
        keys: [0, 0, 0],
        acl: [],
        since: '2.0.0',
        group: 'server',
        summary: "Resets the server's statistics.",
        complexity: 'O(1)',
        tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
        handler: configResetStat,
      },
      {
        name: 'help',
        arity: 2,
        flags: ['loading', 'stale'],
        keys: [0, 0, 0],
        acl: [],
        since: '5.0.0',
        group: 'server',
        summary: 'Returns helpful text about the different subcommands.',
        complexity: 'O(1)',
        handler: configHelp,
      },
    ],
  },
] as const satisfies readonly CommandSpec[];

function serverOf(c: Context): ConfigContext {
  return c as ConfigContext;
}

function configGet(c: Context, a: Args): void {
  const patterns: Uint8Array[] = [];
  for (let i = 2; i < a.count; i++) patterns.push(a.bytes(i));
  const found = serverOf(c).config.find(patterns);
  c.out.map(found.length);
  for (const [name, value] of found) {
    c.out.bulk(bytesOf(name));
    c.out.bulk(bytesOf(value));
  }
}

function configSet(c: Context, a: Args): void {
  if (a.count % 2 === 1) throw SYNTAX;
  const pairs: Pair[] = [];
  for (let i = 2; i < a.count; i += 2) pairs.push([a.latin1(i), a.latin1(i + 1)]);
  const server = serverOf(c);
  const answer = server.config.set(pairs, {
    loading: server.loading,
    mayChangeGuarded: () => server.mayChangeGuarded(),
    log: server.log,
    mayWait: server.mayWait,
  });
  if (typeof answer === 'string') throw new CommandError(answer);
  if (answer === null) return c.out.ok();
  const reply = server.block(0, null);
  void answer.then((error) => reply((out) => (error === null ? out.ok() : out.error(error))));
}

function secretValues(a: Args, c: Context): number[] {
  const { config } = serverOf(c);
  const found: number[] = [];
  for (let i = 2; i + 1 < a.count; i += 2) if (config.isSecret(a.latin1(i))) found.push(i + 1);
  return found;
}

function configRewrite(c: Context): void {
  const server = serverOf(c);
  const { config, log } = server;
  if (config.file === null) throw new CommandError('ERR The server is running without a config file');
  try {
    config.rewrite(server.userLines());
  } catch (error) {
    const reason = strerror(error);
    log.warning(`CONFIG REWRITE failed: ${reason}`);
    throw new CommandError(`ERR Rewriting config file: ${reason}`);
  }
  log.notice('CONFIG REWRITE executed with success.');
  c.out.ok();
}

function configResetStat(c: Context): void {
  serverOf(c).resetStatistics();
  c.out.ok();
}

const HELP = [
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
];

function configHelp(c: Context): void {
  helpText(c, 'CONFIG', HELP);
}
