/**
 * File descriptors: a client takes one, and the server needs some that no client may have, or else it could neither save nor
 * log. So `maxclients` is held below what the system allows the process, as in Redis.
 */
import { readFileSync } from 'node:fs';
import type { Log } from '../base/log.js';
import type { Config } from '../config/config.js';

/** Node's own (about 20), those of the threads that load and save, files, listening sockets. Redis keeps 32 back. */
export const RESERVED_DESCRIPTORS = 64;

/** How many the process may have; infinite where the system does not say. Node has raised the limit as far as it may. */
export function descriptorLimit(path = '/proc/self/limits'): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(path, 'latin1')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** At the start: lowers `maxclients` to what the limit leaves. Throws when that is nothing. */
export function fitClients(config: Config, log: Log, limit: number): void {
  const { maxclients } = config.values;
  const most = limit - RESERVED_DESCRIPTORS;
  if (maxclients <= most) return;
  const wanted = maxclients + RESERVED_DESCRIPTORS;
  if (most < 1) {
    throw new Error(
      `Your current 'ulimit -n' of ${limit} is not enough for the server to start. ` +
        `Please increase your open file limit to at least ${wanted}. Exiting.`,
    );
  }
  log.warning(`You requested maxclients of ${maxclients} requiring at least ${wanted} max file descriptors.`);
  log.warning(
    `Current maximum open files is ${limit}. maxclients has been reduced to ${most} to compensate for low ulimit. ` +
      `If you need higher maxclients increase 'ulimit -n'.`,
  );
  config.set([['maxclients', String(most)]]);
}

/** CONFIG SET maxclients: why it is refused; null when it is not. */
export function clientsRefusal(maxclients: number, limit: number): string | null {
  const most = limit - RESERVED_DESCRIPTORS;
  if (maxclients <= most) return null;
  return `The operating system is not able to handle the specified number of clients, try with ${most}`;
}
