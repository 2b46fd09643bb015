/**
 * What a configuration may ask for and this server cannot be: a replica that takes writes as a primary, or a port that nobody
 * hears on, is worse than none.
 */
import type { Config } from './config.js';

export const NO_TLS = 'TLS is not available here: nothing would listen on this port';

/** Why a server may not start with these values; null: it may. */
export function unserved(values: Config['values']): string | null {
  if (values.replicaof !== null) {
    return 'replicaof: replication is not available here, and the server would take writes as a primary';
  }
  return values['tls-port'] === 0 ? null : `tls-port: ${NO_TLS}`;
}
