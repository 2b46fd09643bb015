/**
 * Being a service: going to the background, the pid file, telling a supervisor, the process's title.
 *
 * Node cannot fork. `daemonize yes` starts the same program again, detached from the terminal and with its standard
 * streams closed, and ends; the pid that serves is the child's, and the pid file has it. What the parent found wrong with
 * the configuration it has said before.
 *
 * systemd is told through its own tool, systemd-notify: its socket is a unix datagram socket, which Node does not
 * have. The tool speaks in the server's name when it may (as root); otherwise the unit needs `NotifyAccess=all`. Without the
 * tool, use `Type=simple` (or `exec`) in the unit.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import type { Config } from '../config/config.js';

/** Set for the process in the background, so that it does not go there again. */
const MARK = 'ONGGI_IN_BACKGROUND';

/** Redis's place for the pid of a server in the background that names no other. */
const DEFAULT_PID_FILE = '/var/run/redis.pid';

export type Supervisor = 'systemd' | 'upstart' | 'no';

export function inBackground(): boolean {
  return process.env[MARK] !== undefined;
}

/**
 * Starts this program again in the background. `input` is what it shall find on standard input, when the configuration came
 * from there. Resolves when it has been started; the caller ends then.
 */
export async function goToBackground(input: string | null): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: [input === null ? 'ignore' : 'pipe', 'ignore', 'ignore'],
    env: { ...process.env, [MARK]: '1' },
  });
  await once(child, 'spawn');
  if (input !== null) {
    child.stdin!.end(input, 'latin1');
    await once(child.stdin!, 'close');
  }
  child.unref();
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
