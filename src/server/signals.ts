/**
 * SIGTERM and SIGINT shut the server down as shutdown-on-sigterm and shutdown-on-sigint say; a SIGINT during a shutdown
 * ends the process at once. SIGHUP is ignored: a terminal that closes takes no data with it.
 *
 * SIGUSR1 is ignored, with a line in the log. Left to itself, Node opens its debugger's port for it, on which every user of
 * the machine can run code in the server's name.
 */
import type { Config } from '../config/config.js';
import type { ShutdownFlag } from '../config/directives.js';
import type { Logger } from './log.js';

/** The server as signals see it. */
export interface SignalTarget {
  readonly config: Config;
  readonly log: Logger;
  /** Data is being loaded: there is nothing to save. */
  readonly loading: boolean;
  /**
   * Saves what is to be saved and closes. Resolves with false when the server stays up (the save failed and nobody forced
   * it). A call during a shutdown joins it.
   */
  shutdown(flags: readonly ShutdownFlag[]): Promise<boolean>;
}

/** From the process's beginning on, while there is no log yet: the debugger stays shut. */
export function keepDebuggerShut(): void {
  process.on('SIGUSR1', () => {});
}

/**
 * Returns what takes the handlers away again. `exit` ends the process with a code. A SIGINT within `sameSignalMs` of the
 * one before counts as the same.
 */
export function handleSignals(target: SignalTarget, exit: (code: number) => void, sameSignalMs = 0): () => void {
  const { log, config } = target;
  let stopping = false;
  let lastInt = Number.NEGATIVE_INFINITY;

  const stop = async (signal: 'SIGTERM' | 'SIGINT'): Promise<void> => {
    if (stopping && signal === 'SIGINT') {
      log.signal('You insist... exiting now.');
      exit(1);
      return;
    }
    if (target.loading) {
      log.signal('Received shutdown signal during loading, exiting now.');
      exit(0);
      return;
    }
    log.signal(`Received ${signal} scheduling shutdown...`);
    if (stopping) return;
    stopping = true;
    const flags = config.values[signal === 'SIGTERM' ? 'shutdown-on-sigterm' : 'shutdown-on-sigint'];
    let done = false;
    try {
      done = await target.shutdown(flags);
    } finally {
      stopping = false;
    }
    if (done) exit(0);
    else
      log.warning(`${signal} received but errors trying to shut down the server, check the logs for more information`);
  };

  const onTerm = () => void stop('SIGTERM');
  const onInt = (): void => {
    const now = performance.now();
    const same = now - lastInt < sameSignalMs;
    lastInt = now;
    if (!same) void stop('SIGINT');
  };
  const onHup = () => {};
  const onUsr1 = () => log.notice("Received SIGUSR1, ignored: Node's debugger stays shut");
  process.on('SIGTERM', onTerm);
  process.on('SIGINT', onInt);
  process.on('SIGHUP', onHup);
  process.on('SIGUSR1', onUsr1);
  return () => {
    process.off('SIGTERM', onTerm);
    process.off('SIGINT', onInt);
    process.off('SIGHUP', onHup);
    process.off('SIGUSR1', onUsr1);
  };
}
