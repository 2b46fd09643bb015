/**
 * Starts and stops servers for tests: ours (`bin/onggi-server`, as users start it) and redis-server, the oracle.
 *
 *   const server = await startOnggi({ args: ['--appendonly', 'yes'] });
 *   const client = await server.connect();
 *   await server.stop();                       SIGTERM and wait; `kill()` is kill -9
 *
 * Each gets a free loopback port and a folder of its own that `stop`, `kill` + `remove`, or the end of the test process
 * removes. `ONGGI_SUBJECT=redis-server` puts the oracle in our server's place, to test the tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RespClient } from './client.js';
import { removeFolder, temporaryFolder } from './folder.js';
import { ownProcess, releaseProcess } from './reaper.js';
import { eventually, within } from './wait.js';

export interface ServerOptions {
  /** Directives as on the command line: `['--appendonly', 'yes']`. They come last, so they win. */
  args?: readonly string[];
  /** Text of a configuration file; the command line then begins with its path. */
  config?: string;
  /** An existing folder to work in; it is not removed. */
  dir?: string;
  port?: number;
  env?: Record<string, string>;
  /** How long the server may take until it is ready. */
  readyMs?: number;
}

const READY = 'Ready to accept connections';

/** The folder with package.json. */
export const projectFolder = findProject();

function findProject(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, 'package.json'))) at = dirname(at);
  return at;
}

export const onggiCommand = (): string => {
  const subject = process.env['ONGGI_SUBJECT'];
  return subject === undefined || subject === '' ? join(projectFolder, 'bin', 'onggi-server') : subject;
};
export const oracleCommand = (): string => process.env['ONGGI_ORACLE'] ?? 'redis-server';

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export class Server {
  /** Everything the process wrote on standard output and error. */
  output = '';
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  private ended: number | string | null = null;
  private readonly clients: RespClient[] = [];

  constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly dir: string,
    private readonly ownsDir: boolean,
    readonly command: readonly string[],
  ) {
    const pid = child.pid;
    if (pid !== undefined) ownProcess(pid);
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString('utf8');
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    this.exited = new Promise((resolve) => {
      const end = (how: number | string): void => {
        this.ended = how;
        if (pid !== undefined) releaseProcess(pid);
        resolve(how);
      };
      child.on('error', (error) => {
        this.output += String(error);
        end(error.message);
      });
      child.on('exit', (code, signal) => end(code ?? signal ?? 'unknown'));
    });
  }

  get pid(): number {
    return this.child.pid!;
  }
  get running(): boolean {
    return this.ended === null;
  }

  /** A client on the server's port; closed with the server at the latest. */
  async connect(): Promise<RespClient> {
    const client = await RespClient.connect(this.port);
    this.clients.push(client);
    return client;
  }

  /** Waits until the server serves. Throws with its output when it ends before. */
  async ready(readyMs = 60_000): Promise<void> {
    await eventually(
      async () => {
        if (this.ended !== null) return true;
        if (this.output.includes(READY)) return true;
        // The log may go elsewhere (logfile, loglevel): ask. A server that loads answers -LOADING.
        const client = await RespClient.connect(this.port);
        try {
          const reply = await client.call('PING');
          return !reply.bytes?.toString('latin1').startsWith('LOADING');
        } finally {
          await client.close();
        }
      },
      { what: `${this.command.join(' ')} being ready`, deadlineMs: readyMs, everyMs: 20 },
    );
    if (this.ended !== null) {
      throw new Error(`${this.command.join(' ')} ended with ${this.ended} before it was ready:\n${this.output}`);
    }
  }

  /** SIGTERM, waits for the end, removes the folder. Returns the exit code or the signal that ended it. */
  async stop(): Promise<number | string> {
    return await this.end('SIGTERM', true);
  }
  /** As `stop`, and keeps the folder for a later start. */
  async halt(): Promise<number | string> {
    return await this.end('SIGTERM', false);
  }
  /** kill -9; keeps the folder. */
  async kill(): Promise<number | string> {
    return await this.end('SIGKILL', false);
  }
  remove(): void {
    if (this.ownsDir) removeFolder(this.dir);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL', remove: boolean): Promise<number | string> {
    if (this.running) this.child.kill(signal);
    try {
      return await within(this.exited, 30_000, `the end of ${this.command[0]} after ${signal}`);
    } finally {
      if (this.running) this.child.kill('SIGKILL');
      for (const client of this.clients.splice(0)) await client.close();
      if (remove) this.remove();
    }
  }
}

async function start(command: string, defaults: readonly string[], options: ServerOptions): Promise<Server> {
  const dir = options.dir ?? temporaryFolder('server');
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const args: string[] = [];
    if (options.config !== undefined) {
      const path = join(dir, 'redis.conf');
      writeFileSync(path, options.config);
      args.push(path);
    }
    args.push('--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...defaults, ...(options.args ?? []));
    const child = spawn(command, args, {
      cwd: dir,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new Server(child, port, dir, options.dir === undefined, [command, ...args]);
    try {
      await server.ready(options.readyMs);
      return server;
    } catch (error) {
      if (server.running) await server.kill();
      // Somebody took the port between our look and the server's bind.
      if (attempt < 5 && options.port === undefined && /address already in use/i.test(server.output)) continue;
      server.remove();
      throw error;
    }
  }
}

/** Without save points and without AOF, unless `args` say otherwise; DEBUG is allowed. */
const DEFAULTS = ['--save', '', '--enable-debug-command', 'yes'] as const;

export function startOnggi(options: ServerOptions = {}): Promise<Server> {
  return start(onggiCommand(), options.config === undefined ? DEFAULTS : [], options);
}
export function startOracle(options: ServerOptions = {}): Promise<Server> {
  return start(oracleCommand(), options.config === undefined ? DEFAULTS : [], options);
}
