/**
 * The npm API: a server inside of one's own process.
 *
 *   import { Onggi } from 'onggi';
 *
 *   const onggi = await Onggi.start({ port: 0, dir: './data', config: { appendonly: 'yes' } });
 *   const redis = new Redis(onggi.url);
 *   ...
 *   await onggi.stop();
 *
 * `await using onggi = ...` stops it at the end of the block, in TypeScript since 5.2 and in Node.js since 24. The process
 * lives as long as a server runs in it. SIGTERM and SIGINT are the program's: without a handler that calls stop() they end the
 * process at once, as `process.exit` does, and with it no snapshot is written; what the log has acknowledged is kept.
 *
 * Several may run in one process. Without `dir` a server keeps everything in memory and neither reads nor writes a file.
 */
// For `await using`: programs that use this need neither name that part of the library nor have Node's types.
/// <reference lib="esnext.disposable" preserve="true" />
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from './base/errors.js';
import { Config, type Pair } from './config/config.js';
import { findDirective } from './config/directives.js';
import { readLines } from './config/reader.js';
import { unserved } from './config/unserved.js';
import { announceIdle } from './server/announce.js';
import { checkUserLine, commandNames } from './server/command-names.js';
import { makeDataFolder } from './server/data-folder.js';
import { Logger } from './server/log.js';
import { Server } from './server/server.js';

/** Directives that have one value each, by their names in lower case. */
type Directives = Readonly<Record<string, string | number | boolean>>;

/** A URL, as far as we look at it: not every program has the type's name. */
interface UrlLike {
  readonly href: string;
  readonly protocol: string;
}

export interface OnggiOptions {
  /** TCP port on the loopback interface (or on what `bind` says); 0, the default: one that is free. Goes before `config`'s. */
  port?: number;
  /**
   * Where the data is kept, a path or a `file:` URL: the directive `dir`, which may also stand in `config`; this one goes
   * first. It is made when it is missing. Without it nothing is kept. There is no log unless `config` says
   * `appendonly: 'yes'`: `dir` alone keeps snapshots, at the default save points and when the server stops.
   */
  dir?: string | UrlLike;
  /**
   * Directives of redis.conf by their names: `{ appendonly: 'yes', maxclients: 100, save: '60 10 300 1' }`. `user` and
   * `rename-command` take what follows them in a line, or an array of several lines:
   * `{ user: ['default off', 'ann on >secret ~* +@all'], 'rename-command': 'FLUSHALL ""' }`. `include` and `loadmodule` are
   * refused.
   */
  config?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Gets each line of the log, with its newline. Without it nothing is logged. */
  log?: (line: string) => void;
}

const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom');

export class Onggi {
  private stopped: Promise<void> | null = null;

  private constructor(
    private readonly server: Server,
    /** `redis://127.0.0.1:<port>`, as clients take it; with the first address of `bind`, if there is one. */
    readonly url: string,
    readonly port: number,
  ) {}

  /**
   * Loads the data in `dir` and serves it. Rejects when the data or the directives are wrong, or the port cannot be had: the
   * error's `code` is then the system's (EADDRINUSE, EADDRNOTAVAIL, EACCES), its `cause` the system's error.
   */
  static async start(options: OnggiOptions = {}): Promise<Onggi> {
    checkOptions(options);
    const { directives, lines } = sorted(options.config ?? {});
    const dir = options.dir ?? directives['dir'];
    if (dir === undefined) return await Onggi.serve(options, directives, lines, null);
    const path = pathOf(dir);
    const removeMade = makeDataFolder(path);
    try {
      return await Onggi.serve(options, directives, lines, path);
    } catch (error) {
      removeMade();
      throw error;
    }
  }

  private static async serve(
    options: OnggiOptions,
    directives: Directives,
    lines: readonly Pair[],
    dir: string | null,
  ): Promise<Onggi> {
    const port = options.port ?? directives['port'] ?? 0;
    const inMemory = dir === null;
    const config = new Config({
      ...(inMemory ? { save: '', appendonly: 'no' } : {}),
      ...directives,
      ...(inMemory ? {} : { dir }),
      ...(options.port === undefined ? {} : { port }),
    });
    if (inMemory && (config.values.appendonly || config.values.save.length > 0)) {
      throw new ConfigError('appendonly and save need `dir`: without it this server keeps its data in memory only');
    }
    const refusal = unserved(config.values) ?? processOnly(config.values);
    if (refusal !== null) throw new ConfigError(refusal);
    readLines(config, lines, { commands: commandNames(), checkUser: checkUserLine });
    const log = new Logger({ level: config.values.loglevel, sink: options.log ?? (() => {}) });
    announceIdle(log, config);
    const anyPort = Number(port) === 0;
    const server = new Server({ config, log, inMemory, anyPort });
    await server.start();
    return new Onggi(server, `redis://${reachable(server.listener.addresses[0])}:${server.port}`, server.port);
  }

  /**
   * Saves as the directives say, and closes. Rejects when the data could not be saved, with the reason; the server goes on then,
   * and stop() may be called again. A client's SHUTDOWN NOSAVE FORCE ends it whatever is lost.
   */
  stop(): Promise<void> {
    this.stopped ??= this.server.shutdown([]).then((done) => {
      if (done) return;
      this.stopped = null;
      throw new Error(`the data could not be saved, and the server goes on: ${this.server.persistence.refusal}`);
    });
    return this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What `console.log` shows. */
  [INSPECT](): string {
    return `Onggi { url: '${this.url}' }`;
  }
}

const OPTIONS: ReadonlySet<string> = new Set(['port', 'dir', 'config', 'log'] satisfies (keyof OnggiOptions)[]);

/** A name that is mistyped, or a setting that is missing where its value was to come from, must not go by unnoticed. */
function checkOptions(options: OnggiOptions): void {
  if (!hasNames(options)) throw new ConfigError(`options: an object with any of ${[...OPTIONS].join(', ')}`);
  for (const [name, value] of Object.entries(options)) {
    if (!OPTIONS.has(name)) throw new ConfigError(`there is no option '${name}': there are ${[...OPTIONS].join(', ')}`);
    if (value === null) throw new ConfigError(`${name}: null is no value: leave it out for the default`);
  }
  const { config, log } = options;
  if (config !== undefined && !hasNames(config))
    throw new ConfigError('config: an object of directives by their names');
  if (log !== undefined && typeof log !== 'function') throw new ConfigError(`log: a function, not ${typeof log}`);
}

/** Whether a value has what it says in its properties. A Map has none: it would go for an object that says nothing. */
function hasNames(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}

/** Why a server within a program cannot do what these values ask of a process; null: they ask nothing. */
function processOnly(values: Config['values']): string | null {
  if (values.logfile !== '') return 'logfile: give the option `log`, which gets each line';
  if (values.daemonize) return 'daemonize: a server within a program does not leave it';
  if (values.pidfile !== '') return 'pidfile: the process is not the server alone';
  return values.supervised === 'no' ? null : 'supervised: the process is not the server alone';
}

/** Lines of redis.conf that set no value: there may be several by one name. */
const LINE_NAMES: ReadonlySet<string> = new Set(['user', 'rename-command']);

const REFUSED: Readonly<Record<string, string>> = {
  include: 'give the directives of the file instead',
  loadmodule: 'modules are native code, which cannot be loaded here',
};

/** What `config` gives, by how it is read. Throws ConfigError for what cannot be given in it. */
function sorted(config: NonNullable<OnggiOptions['config']>): { directives: Directives; lines: Pair[] } {
  const directives: Record<string, string | number | boolean> = {};
  const lines: Pair[] = [];
  const seen = new Set<string>();
  for (const [spelling, value] of Object.entries(config)) {
    const name = spelling.toLowerCase();
    const known = findDirective(name)?.name ?? name;
    // The last one would hold, whichever the program had in mind.
    if (seen.has(known)) throw new ConfigError(`${name}: given twice, in another spelling`);
    seen.add(known);
    const refusal = REFUSED[name];
    if (refusal !== undefined) throw new ConfigError(`${name}: ${refusal}`);
    const values = Array.isArray(value) ? value : null;
    if (!LINE_NAMES.has(name) && (value === undefined || value === null)) {
      throw new ConfigError(`${name}: ${value} is no value: leave it out for the default`);
    }
    if (LINE_NAMES.has(name)) {
      for (const line of values ?? [value]) {
        // A variable that is not set would make a user of that name, and leave the default one open.
        if (typeof line !== 'string') throw new ConfigError(`${name}: a string, not ${line}`);
        lines.push([name, line]);
      }
    } else if (values !== null) {
      // Of several lines most directives would take the last one only.
      throw new ConfigError(`${name}: one value, not an array: only user and rename-command have several lines`);
    } else {
      directives[name] = value as string | number | boolean;
    }
  }
  return { directives, lines };
}

/** The absolute path that `dir` means. An empty one is more likely a variable that is not set than the working directory. */
function pathOf(dir: NonNullable<OnggiOptions['dir']> | number | boolean): string {
  if (dir === '') {
    throw new ConfigError("dir can't be empty: leave it out to keep nothing, or say '.' for the working directory");
  }
  if (typeof dir === 'object' && typeof dir.href === 'string') return resolve(fileURLToPath(dir.href));
  if (typeof dir !== 'string') throw new ConfigError(`dir: a path or a file URL, not ${typeof dir}`);
  return resolve(dir);
}

/** The host of a URL under which a listening address is reached from here. */
function reachable(address = '127.0.0.1'): string {
  if (address === '*' || address === '0.0.0.0') return '127.0.0.1';
  if (address === '::*' || address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}
