/**
 * The npm API: a server inside of one's own process.
 *
 *   import { Onggi } from 'onggi';
 *
 *   await using onggi = await Onggi.start({ port: 0, dir: './data', config: { appendonly: 'yes' } });
 *   const redis = new Redis(onggi.url);
 *
 * Several may run in one process. Without `dir` a server keeps everything in memory and neither reads nor writes a file.
 */
import { resolve } from 'node:path';
import { Config } from './config/config.js';
import { Logger } from './server/log.js';
import { Server } from './server/server.js';

export interface OnggiOptions {
  /** TCP port on the loopback interface (or on what `bind` says); 0, the default: one that is free. */
  port?: number;
  /** Where the data is kept: the directive `dir`. Without it nothing is kept. It must exist. */
  dir?: string;
  /** Directives of redis.conf by their names: `{ appendonly: 'yes', maxclients: 100, save: '60 10' }`. */
  config?: Readonly<Record<string, string | number | boolean>>;
  /** Gets each line of the log, with its newline. Without it nothing is logged. */
  log?: (line: string) => void;
}

export class Onggi {
  private stopped: Promise<void> | null = null;

  private constructor(
    private readonly server: Server,
    /** `redis://127.0.0.1:<port>`, as clients take it. */
    readonly url: string,
    readonly port: number,
  ) {}

  /** Loads the data in `dir` and serves it. Rejects when the port is taken, or the data or the directives are wrong. */
  static async start(options: OnggiOptions = {}): Promise<Onggi> {
    const { dir } = options;
    const inMemory = dir === undefined;
    const config = new Config({
      ...(dir === undefined ? { save: '', appendonly: 'no' } : { dir: resolve(dir) }),
      ...options.config,
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    const log = new Logger({ level: config.values.loglevel, sink: options.log ?? (() => {}) });
    const anyPort = (options.port ?? options.config?.['port'] ?? 0) === 0;
    const server = new Server({ config, log, inMemory, anyPort });
    await server.start();
    return new Onggi(server, `redis://127.0.0.1:${server.port}`, server.port);
  }

  /** Saves as the directives say, and closes. Rejects when the data could not be saved; the server goes on then. */
  stop(): Promise<void> {
    this.stopped ??= this.server.shutdown([]).then((done) => {
      if (done) return;
      this.stopped = null;
      throw new Error('the data could not be saved: the server goes on');
    });
    return this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
