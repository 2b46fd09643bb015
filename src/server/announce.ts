/**
 * The log lines of a start, in Redis's words where operators' tools look for them:
 *
 *   Ready to accept connections tcp       wait loops of containers and test suites
 *   PID: 1234 ... Server initialized      test suites, with always-show-logo
 */
import { isatty } from 'node:tty';
import type { Log } from '../base/log.js';
import { ONGGI_VERSION, REDIS_VERSION } from '../base/version.js';
import type { Config } from '../config/config.js';
import type { Logger } from './log.js';

/** Before anything is opened. `configured`: a file or options were given. */
export function announceStart(log: Log, config: Config, configured: boolean): void {
  log.notice('oO0OoO0OoO0Oo Onggi is starting oO0OoO0OoO0Oo');
  log.notice(
    `Onggi version=${ONGGI_VERSION}, Redis version=${REDIS_VERSION}, bits=64, pid=${process.pid}, just started`,
  );
  if (configured) log.notice('Configuration loaded');
  else {
    log.warning(
      'Warning: no config file specified, using the default config. In order to specify a config file use onggi-server /path/to/redis.conf',
    );
  }
  announceIdle(log, config);
}

/** What was given and does nothing here. */
export function announceIdle(log: Log, config: Config): void {
  const idle = config.idleGiven;
  if (idle.length > 0) {
    log.notice(`Directives without an effect here, accepted so that the file stays as it is: ${idle.join(', ')}`);
  }
}

/**
 * When the sockets listen and nothing is loaded yet. `port` is the one that listens (0: none). The logo is shown on a
 * terminal, and everywhere under `always-show-logo yes`.
 */
export function announceListening(log: Logger, config: Config, port: number): void {
  const { values } = config;
  const shown = port !== 0 ? port : values['tls-port'];
  const showLogo = values['always-show-logo'] || (log.toStdout && isatty(1));
  if (showLogo) log.raw('notice', logo(shown, values.dir));
  else log.notice(`Running mode=standalone, port=${shown}.`);
  log.notice('Server initialized');
}

/** When clients are served: once for each kind of listener. */
export function announceReady(log: Log, kinds: readonly ('tcp' | 'unix' | 'tls')[]): void {
  for (const kind of kinds) log.notice(`Ready to accept connections ${kind}`);
}

function logo(port: number, dir: string): string {
  return `
              .-------.
             (_________)
            .-'       '-.            Onggi ${ONGGI_VERSION} (Redis ${REDIS_VERSION}) 64 bit
          .'             '.
         /    .---.        \\         Running in standalone mode
        |    (     )        |        Port: ${port}
        |     '---'         |        PID: ${process.pid}
         \\                 /
          '.             .'          Keeps its data in ${dir}
            '-._______.-'

`;
}
