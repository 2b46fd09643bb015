/**
 * The configuration of one server: what was read from redis.conf and the command line, what CONFIG SET changed, who
 * wants to know. It is an object that is passed in; nothing reads the environment or the process.
 *
 *   const config = new Config();
 *   config.values.appendfsync              'everysec'
 *   config.values['maxmemory-policy']      'noeviction'
 *   config.path('dump.rdb')                an absolute path in `dir`
 *   config.onChange('maxmemory', () => ...)
 *
 * `values` is one object for the configuration's whole life whose properties change; code that runs per command copies
 * what it needs and refreshes the copy in `onChange`.
 */
import { resolve } from 'node:path';
import { ConfigError } from '../base/errors.js';
import { globMatch } from '../base/glob.js';
import { type Log, SILENT_LOG } from '../base/log.js';
import { byteString, byteStringOf, bytesOf, textOf } from '../base/words.js';
import {
  type ConfigValues,
  DIRECTIVE_NAMES,
  DIRECTIVES,
  type Directive,
  type DirectiveName,
  findDirective,
} from './directives.js';
import { DirectiveError } from './kinds.js';
import { rewriteConfigFile, type UserLines } from './rewrite.js';

/** Called after new values are in place. A text refuses them: every value goes back, and CONFIG SET answers the text. */
// biome-ignore lint/suspicious/noConfusingVoidType: an apply that cannot refuse returns nothing
export type Apply = (config: Config) => string | null | void;

/** One directive and its value, both byte strings. */
export type Pair = readonly [name: string, value: string];

export interface SetOptions {
  /** Whether the caller may change guarded directives; asked only when there is one. */
  mayChangeGuarded?: () => boolean;
  /** Data is being loaded: some directives must wait. */
  loading?: boolean;
  log?: Log;
}

export const LOADING = 'LOADING Redis is loading the dataset in memory';

export class Config {
  readonly values: ConfigValues;
  /** The absolute path of redis.conf; null when the server runs without one. */
  file: string | null = null;
  /** `rename-command` lines, in order: [name, new name or '']. */
  readonly renames: Pair[] = [];
  /** `user` lines, in order: the words after `user`. */
  readonly users: (readonly string[])[] = [];
  /** `loadmodule` lines, in order: path and arguments. */
  readonly modules: (readonly string[])[] = [];
  /** `module.parameter value` lines, in order. */
  readonly moduleParameters: Pair[] = [];
  /** The directives that the file or the command line gave. */
  readonly given = new Set<string>();

  private readonly seen: Record<string, unknown> = {};
  private readonly kept = new Map<string, unknown>();
  private readonly applies = new Map<string, Apply[]>();

  /** Starts with the defaults; `given` is set over them, names and values as in redis.conf. */
  constructor(given: Readonly<Record<string, string | number | boolean>> = {}) {
    for (const directive of DIRECTIVES as readonly Directive[]) this.keep(directive, directive.kind.initial);
    this.values = this.seen as ConfigValues;
    for (const [name, value] of Object.entries(given)) {
      const text = typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
      const directive = findDirective(name);
      if (directive === undefined) throw new ConfigError(`unknown directive '${name}'`);
      try {
        this.load(directive, valueWords(directive, byteString(text)));
      } catch (error) {
        if (error instanceof DirectiveError) throw new ConfigError(`${name} '${text}': ${error.message}`);
        throw error;
      }
    }
  }

  /** CONFIG GET's text for a directive. */
  get(name: DirectiveName): string {
    return textOf(this.format(name));
  }

  /** As `get`, exact to the byte: for passwords. */
  bytes(name: DirectiveName): Uint8Array {
    return bytesOf(this.format(name));
  }

  /** An absolute path: a relative one is meant from `dir`. */
  path(...parts: string[]): string {
    return resolve(this.values.dir, ...parts);
  }

  /** Directives without a meaning here that were given all the same, in the table's order. */
  get idleGiven(): string[] {
    return DIRECTIVES.filter((each: Directive) => each.idle && this.given.has(each.name)).map((each) => each.name);
  }

  /** Whether a directive of that name holds something that no log may show. */
  isSecret(name: string): boolean {
    return findDirective(name)?.secret === true;
  }

  /** Sets a value while the configuration is being read: no one is told. Throws DirectiveError. */
  load(directive: Directive, words: readonly string[]): void {
    const { kind, name } = directive;
    const previous = this.kept.get(name);
    const next = kind.parse(words, previous);
    this.keep(directive, kind.join && this.given.has(name) ? kind.join(previous, next) : next);
    this.given.add(name);
  }

  /** The exact form of a value; see kinds.ts. */
  keptValue(name: DirectiveName): unknown {
    return this.kept.get(name);
  }

  /**
   * Calls `apply` when CONFIG SET has changed one of the directives. The same function given for several directives
   * is called once for a CONFIG SET that changes several of them.
   */
  onChange(names: DirectiveName | readonly DirectiveName[], apply: Apply): void {
    for (const name of typeof names === 'string' ? [names] : names) {
      const list = this.applies.get(name);
      if (list === undefined) this.applies.set(name, [apply]);
      else list.push(apply);
    }
  }

  /**
   * CONFIG GET: names and values (byte strings) of the directives that one of the patterns finds, in the table's order. A
   * name without wildcards is answered as it was spelled.
   */
  find(patterns: readonly Uint8Array[]): Pair[] {
    const found = new Map<string, Pair>();
    for (const pattern of patterns) {
      const text = byteStringOf(pattern);
      if (!/[[*?]/.test(text)) {
        const directive = findDirective(text);
        if (directive !== undefined && !found.has(text.toLowerCase())) {
          found.set(text.toLowerCase(), [text, this.format(directive.name)]);
        }
        continue;
      }
      for (const [name, directive] of DIRECTIVE_NAMES) {
        if (directive.hidden || found.has(name) || !globMatch(pattern, bytesOf(name), true)) continue;
        found.set(name, [name, this.format(directive.name)]);
      }
    }
    return [...found.values()];
  }

  /**
   * CONFIG SET: all of the pairs or none. Returns null, or the whole error reply without its leading `-`; nothing has
   * changed then.
   */
  set(pairs: readonly Pair[], options: SetOptions = {}): string | null {
    const directives = this.directivesOf(pairs, options);
    if (typeof directives === 'string') return directives;
    const names = pairs.map(([name]) => name.toLowerCase());
    const before = directives.map((directive) => this.kept.get(directive.name));
    const toApply = new Map<Apply, string>();
    for (const [i, directive] of directives.entries()) {
      const value = pairs[i]![1];
      try {
        if (this.change(directive, valueWords(directive, value))) {
          for (const apply of this.applies.get(directive.name) ?? []) {
            if (!toApply.has(apply)) toApply.set(apply, names[i]!);
          }
        }
      } catch (error) {
        this.restore(directives, before);
        if (error instanceof DirectiveError) return setFailed(names[i]!, error.message);
        throw error;
      }
    }
    const applied: Apply[] = [];
    // A log that was turned off is not there again at once: it is the last that is applied, when nothing else can refuse.
    const isLast = (name: string) => Number(name === 'appendonly');
    for (const [apply, name] of [...toApply].sort(([, a], [, b]) => isLast(a) - isLast(b))) {
      applied.push(apply);
      const refusal = apply(this);
      if (typeof refusal === 'string') {
        const log = options.log ?? SILENT_LOG;
        log.warning(
          `Failed applying new configuration. Possibly related to new ${name} setting. Restoring previous settings.`,
        );
        this.restore(directives, before);
        for (const each of applied) each(this);
        return setFailed(name, refusal);
      }
    }
    return null;
  }

  /** What the pairs would set, by directive; or why `set` refuses them before anything changes. */
  preview(pairs: readonly Pair[], options: SetOptions = {}): string | ReadonlyMap<string, unknown> {
    const directives = this.directivesOf(pairs, options);
    if (typeof directives === 'string') return directives;
    const values = new Map<string, unknown>();
    for (const [i, directive] of directives.entries()) {
      const { name, kind } = directive;
      try {
        values.set(name, kind.see(kind.parse(valueWords(directive, pairs[i]![1]), this.kept.get(name))));
      } catch (error) {
        if (error instanceof DirectiveError) return setFailed(pairs[i]![0].toLowerCase(), error.message);
        throw error;
      }
    }
    return values;
  }

  private directivesOf(pairs: readonly Pair[], options: SetOptions): string | Directive[] {
    const directives: Directive[] = [];
    const names: string[] = [];
    for (const [name] of pairs) {
      const directive = findDirective(name);
      if (directive === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      if (directive.fixed) return setFailed(name, "can't set immutable config");
      if (directive.guarded && !(options.mayChangeGuarded?.() ?? true))
        return setFailed(name, "can't set protected config");
      if (directive.afterLoad && options.loading) return LOADING;
      // By name: a directive and its older name may both be given, and the last one stands.
      if (names.includes(name.toLowerCase())) return setFailed(name, 'duplicate parameter');
      names.push(name.toLowerCase());
      directives.push(directive);
    }
    return directives;
  }

  /** CONFIG REWRITE; `file` must not be null. Throws the file system's error; the old file is untouched then. */
  rewrite(users: UserLines = null): void {
    rewriteConfigFile(this, users);
  }

  private change(directive: Directive, words: readonly string[]): boolean {
    const before = this.kept.get(directive.name);
    const shown = this.format(directive.name);
    const now = directive.kind.parse(words, before);
    this.keep(directive, now);
    // What CONFIG GET shows of it may be less than the whole.
    if (typeof now === 'string' && now !== before) return true;
    return directive.always === true || this.format(directive.name) !== shown;
  }

  private restore(directives: readonly Directive[], before: readonly unknown[]): void {
    for (const [i, directive] of directives.entries()) this.keep(directive, before[i]);
  }

  private keep(directive: Directive, value: unknown): void {
    this.kept.set(directive.name, value);
    this.seen[directive.name] = directive.kind.see(value);
  }

  private format(name: string): string {
    return DIRECTIVE_NAMES.get(name)!.kind.format(this.kept.get(name));
  }
}

/** CONFIG SET's rule: single blanks between words, no quotes. */
function valueWords(directive: Directive, value: string): string[] {
  if (!directive.many) return [value];
  return value === '' ? [] : value.split(' ');
}

/** The error reply of CONFIG SET, without its leading `-`. */
export function setFailed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}
