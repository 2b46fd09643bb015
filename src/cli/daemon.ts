/**
 * Being a service: going to the background, the pid file, telling a supervisor, the process's title.
 *
 * Node cannot fork. `daemonize yes` starts the same program again, detached from the terminal and with its standard
 * streams closed, and ends; the pid that serves is the child's, and the pid file has it. What the parent found wrong with
 * the configuration it has said before. Between the two:
 *
 *   standard input   parent to child: what the parent has read of the configuration, which may have come from a pipe
 *   descriptor 3     child to parent: one byte when the sockets listen; then the child closes it
 *
 *   1. The parent ends when the child listens, with 0, or has ended, with its code: who starts a server in the background
 *      can connect at once, though it may still be loading.
 *   2. A parent that is killed meanwhile takes nothing with it: a child that has its configuration serves; one that has
 *      only a part of it ends, for it would serve something else than was asked for.
 *
 * systemd is told through its own tool, systemd-notify: its socket is a unix datagram socket, which Node does not
 * have. The tool speaks in the server's name when it may (as root); otherwise the unit needs `NotifyAccess=all`. Without the
 * tool, use `Type=simple` (or `exec`) in the unit.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import type { Config } from '../config/config.js';

/** Set for the process in the background, so that it does not go there again: how many bytes its configuration has. */
const MARK = 'ONGGI_IN_BACKGROUND';

/** Where the process in the background tells its parent that it listens. */
const TO_PARENT = 3;

/** Redis's place for the pid of a server in the background that names no other. */
const DEFAULT_PID_FILE = '/var/run/redis.pid';

export type Supervisor = 'systemd' | 'upstart' | 'no';

const length = process.env[MARK];
// What this process starts is not in the background of anything.
delete process.env[MARK];

export function inBackground(): boolean {
  return length !== undefined;
}

/**
 * Starts this program again in the background. `text` is the configuration as it was read, a byte string. Resolves with the
 * code the caller ends with: 0 when the sockets listen, otherwise the child's.
 */
export async function goToBackground(text: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [MARK]: String(text.length) },
  });
  const listens = child.stdio[TO_PARENT] as Readable;
  // A child that ends early breaks both; its code says it.
  child.stdin!.on('error', () => {});
  listens.on('error', () => {});
  child.stdin!.end(text, 'latin1');
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
    listens.once('data', () => resolve(0));
  });
  listens.destroy();
  child.unref();
  return code;
}

/** The configuration as the parent has read it; null when this process is not one in the background. Reads it: once only. */
export function takeTextOfParent(): string | null {
  if (length === undefined) return null;
  const text = readFileSync(0, 'latin1');
  if (text.length === Number(length)) return text;
  process.stderr.write(`The configuration did not come whole: ${text.length} of ${length} bytes\n`);
  process.exit(1);
}

/** In the background, when the sockets listen. */
export function tellParent(): void {
  try {
    writeSync(TO_PARENT, '\n');
  } catch {
    // It was killed: nobody waits.
  }
  closeSync(TO_PARENT);
}

/** Which supervisor to talk to, as `supervised` and the environment say. */
export function findSupervisor(config: Config, log: Log): Supervisor {
  const { supervised } = config.values;
  if (supervised === 'no') return 'no';
  const hasSystemd = (process.env['NOTIFY_SOCKET'] ?? '') !== '';
  const hasUpstart = (process.env['UPSTART_JOB'] ?? '') !== '';
  if (supervised === 'systemd' || (supervised === 'auto' && hasSystemd)) {
    if (hasSystemd) return 'systemd';
    log.warning('systemd supervision requested, but NOTIFY_SOCKET not found!');
  } else if (hasUpstart) {
    return 'upstart';
  } else if (supervised === 'upstart') {
    log.warning('upstart supervision requested, but UPSTART_JOB not found!');
  }
  return 'no';
}

/** Tells systemd; `state` as sd_notify takes it: `READY=1`, `STATUS=...`, `STOPPING=1`. */
export function notifySystemd(log: Log, ...state: string[]): void {
  const { error, status, stderr } = spawnSync('systemd-notify', [`--pid=${process.pid}`, ...state], {
    encoding: 'utf8',
  });
  if (error !== undefined) {
    log.warning(`systemd cannot be told '${state.join(' ')}': systemd-notify: ${strerror(error)}`);
  } else if (status !== 0) {
    log.warning(`systemd cannot be told '${state.join(' ')}': systemd-notify: ${stderr.trim()}`);
  }
}

/** Upstart waits for the process to stop itself, and lets it go on then. */
export function stopForUpstart(log: Log): void {
  log.notice('supervised by upstart, will stop to signal readiness.');
  delete process.env['UPSTART_JOB'];
  process.kill(process.pid, 'SIGSTOP');
}

/** Writes the pid file when there is to be one. Returns what removes it. */
export function writePidFile(config: Config, log: Log, background: boolean): () => void {
  const { pidfile } = config.values;
  if (pidfile === '' && !background) return () => {};
  const path = config.path(pidfile === '' ? DEFAULT_PID_FILE : pidfile);
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    log.notice(`Failed to write PID file: ${strerror(error)}`);
    return () => {};
  }
  return () => {
    log.notice('Removing the pid file.');
    rmSync(path, { force: true });
  };
}

/** `onggi-server *:6379`, by proc-title-template, when set-proc-title says so. */
export function setProcessTitle(config: Config): void {
  if (config.values['set-proc-title']) process.title = processTitle(config, 'onggi-server');
}

export function processTitle(config: Config, title: string): string {
  const { values } = config;
  const port = values.port !== 0 ? values.port : values['tls-port'];
  const address = values.bind[0] ?? '*';
  const variables: Record<string, string> = {
    title,
    'listen-addr': port !== 0 ? `${address.includes(':') ? `[${address}]` : address}:${port}` : values.unixsocket,
    'server-mode': '',
    port: String(values.port),
    'tls-port': String(values['tls-port']),
    unixsocket: values.unixsocket,
    'config-file': config.file ?? '',
  };
  const text = values['proc-title-template'].replace(/\{([a-z-]+)\}/g, (whole, name) => variables[name] ?? whole);
  return text.trimEnd();
}
