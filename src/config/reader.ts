/**
 * Reads redis.conf.
 *
 * What is read is one text: the file, then standard input when asked, then the options of the command line, written as
 * lines. Later lines win, except that `save` lines add up (the first one replaces the defaults, `save ""` clears) and
 * `client-output-buffer-limit` lines each set their class. Line numbers count from the file's first line on through the
 * options, as Redis counts them; an included file has its own.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../base/errors.js';
import { strerror } from '../base/strerror.js';
import { REDIS_VERSION } from '../base/version.js';
import { byteString, splitWords, textOf } from '../base/words.js';
import type { Config, Pair } from './config.js';
import { FORGOTTEN, findDirective } from './directives.js';
import { expandPaths, isPathPattern } from './expand-paths.js';
import { DirectiveError } from './kinds.js';

export interface ConfigSources {
  /** Path of redis.conf; relative to the process's directory. */
  file?: string;
  /** Text from standard input, a byte string; or what reads it, called once the file has been read. */
  input?: string | (() => string);
  /** What another process has read of `file` and `input`, a byte string: neither is read again. */
  text?: string;
  /** The command line's directives as lines, a byte string. */
  options?: string;
  /** Names of all commands in lower case, to check rename-command; unchecked without. */
  commands?: ReadonlySet<string>;
  /** Why a `user` line cannot be used (null: it can), given the words of it and of those before it; unchecked without. */
  checkUser?: (words: readonly string[], before: Config['users']) => string | null;
}

/** A line that cannot be used. `report` is what Redis prints to standard error before it exits with code 1. */
export class ConfigLineError extends ConfigError {
  override name = 'ConfigLineError';
  /**
   * @param line  1 for the first; 0 when the mistake is not in one line
   * @param text  the line without the blanks around it
   */
  constructor(
    readonly reason: string,
    readonly line = 0,
    readonly text = '',
  ) {
    super(line === 0 ? reason : `line ${line}: '${text}': ${reason}`);
  }

  get report(): string {
    const where =
      this.line === 0 ? '' : `Reading the configuration file, at line ${this.line}\n>>> '${textOf(this.text)}'\n`;
    return `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\n${where}${this.reason}\n`;
  }
}

/** A file that cannot be opened; Redis logs this one as a warning and exits with code 1. */
export class ConfigFileError extends ConfigError {
  override name = 'ConfigFileError';
  constructor(file: string, cause: unknown) {
    super(`Fatal error, can't open config file '${file}': ${strerror(cause)}`);
  }
}

const INCLUDES_MAX = 64;

/**
 * Fills `config`; its `file` too. Returns the text of file and input, for another process's `text`: a pipe can be read once
 * only. Throws ConfigLineError or ConfigFileError.
 */
export function readConfig(config: Config, sources: ConfigSources): string {
  if (sources.file !== undefined) config.file = resolve(sources.file);
  const text = sources.text ?? readSources(sources);
  const whole = sources.options !== undefined && sources.options !== '' ? `${text}\n${sources.options}` : text;
  new Reader(config, sources.commands, sources.checkUser).read(whole, 0);
  checkWhole(config);
  return text;
}

/**
 * Takes the lines of a program that has no redis.conf but says what stands in one, each as the name (in lower case) and what
 * follows it; for those that are no directives of the table. Throws ConfigError.
 */
export function readLines(config: Config, lines: readonly Pair[], { commands, checkUser }: ConfigSources): void {
  const reader = new Reader(config, commands, checkUser);
  for (const [name, rest] of lines) {
    try {
      reader.line(`${name} ${byteString(rest)}`, 0);
    } catch (error) {
      if (!(error instanceof DirectiveError)) throw error;
      // What follows a user's name are passwords, too.
      const shown = name === 'user' ? rest.trim().split(/\s/)[0] : rest;
      throw new ConfigError(`${name} '${shown}': ${textOf(error.message)}`);
    }
  }
}

function readSources({ file, input = '' }: ConfigSources): string {
  const text = file === undefined ? '' : readText(resolve(file), resolve(file));
  return text + (typeof input === 'string' ? input : input());
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw new ConfigFileError(shown, error);
  }
}

class Reader {
  /** Names that rename-command made, and those it took away. */
  private readonly commands: Set<string> | null;

  constructor(
    private readonly config: Config,
    commands: ReadonlySet<string> | undefined,
    private readonly checkUser: ConfigSources['checkUser'],
  ) {
    this.commands = commands === undefined ? null : new Set(commands);
  }

  read(text: string, depth: number): void {
    for (const [i, raw] of text.split('\n').entries()) {
      const line = raw.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
      if (line === '' || line.startsWith('#')) continue;
      try {
        this.line(line, depth);
      } catch (error) {
        if (error instanceof DirectiveError) throw new ConfigLineError(error.message, i + 1, line);
        throw error;
      }
    }
  }

  line(line: string, depth: number): void {
    const words = splitWords(line);
    if (words === null) throw new DirectiveError('Unbalanced quotes in configuration line');
    const [first, ...args] = words;
    if (first === undefined) return;
    const name = first.toLowerCase();
    const directive = findDirective(name);
    if (directive !== undefined) {
      if (!directive.many && args.length !== 1) throw new DirectiveError('wrong number of arguments');
      // One word that holds several: --save "60 10".
      const together = directive.many && args.length === 1 && args[0] !== '';
      this.config.load(directive, together ? (splitWords(args[0]!) ?? []) : args);
    } else if (!(FORGOTTEN.has(name) && args.length === 1)) {
      this.other(name, args, depth);
    }
  }

  /** The lines that are no directives of the table. */
  private other(name: string, args: string[], depth: number): void {
    if (name === 'include' && args.length === 1) {
      this.include(args[0]!, depth);
    } else if (name === 'rename-command' && args.length === 2) {
      this.rename(args[0]!.toLowerCase(), args[1]!);
    } else if (name === 'user' && args.length >= 1) {
      const error = this.checkUser?.(args, this.config.users) ?? null;
      if (error !== null) throw new DirectiveError(error);
      this.config.users.push(args);
    } else if (name === 'loadmodule' && args.length >= 1) {
      this.config.modules.push(args);
    } else if (name.includes('.')) {
      if (args.length === 0) throw new DirectiveError('Module config specified without value');
      this.config.moduleParameters.push([name, args.join(' ')]);
    } else if (name === 'sentinel') {
      if (args.length > 0) throw new DirectiveError('sentinel directive while not in sentinel mode');
    } else {
      throw new DirectiveError('Bad directive or wrong number of arguments');
    }
  }

  /** A path with wildcards may find nothing: an empty conf.d is in order. */
  private include(pattern: string, depth: number): void {
    if (depth >= INCLUDES_MAX) throw new DirectiveError('Too many levels of include');
    const path = textOf(pattern);
    const paths = isPathPattern(path) ? expandPaths(path, this.config.values.dir) : [path];
    for (const each of paths) this.read(readText(this.config.path(each), each), depth + 1);
  }

  private rename(from: string, to: string): void {
    if (this.commands !== null) {
      if (!this.commands.delete(from)) throw new DirectiveError('No such command in rename-command');
      const lower = to.toLowerCase();
      if (to !== '' && this.commands.has(lower)) throw new DirectiveError('Target command name already exists');
      if (to !== '') this.commands.add(lower);
    }
    this.config.renames.push([from, to]);
  }
}

/** What can be said only when everything has been read. */
function checkWhole(config: Config): void {
  const { values } = config;
  if (values.logfile !== '') {
    try {
      appendFileSync(config.path(values.logfile), '');
    } catch (error) {
      throw new ConfigLineError(`Can't open the log file: ${strerror(error)}`);
    }
  }
  if (values['cluster-enabled'] && values.replicaof !== null) {
    throw new ConfigLineError('replicaof directive not allowed in cluster mode');
  }
}
