/**
 * Where the effects of commands go: the append-only file, and later the replication backlog. The server says what
 * changed, in the order in which it was executed; a sink encodes it, inserts SELECT where the database changes, and
 * knows when it is safe.
 *
 *   append(0, SET a 1)  append(0, SET b 2)  endUnit()          two effects of one transaction: wrapped in MULTI/EXEC
 *   append(3, DEL x)    endUnit()                              one effect: as it is
 *   writeTurn()                                                one write for all of it
 *   whenDurable(send)                                          the replies of the turn
 *
 * A *unit* is what must be there whole or not at all: a command with several effects, a transaction, and the deletion of
 * an expired key together with the command that met it. SELECT stands inside of the MULTI, as servers of 7.2 write it:
 *
 *   MULTI  SELECT 3  SET a 1  SET b 2  EXEC
 */
import type { Args } from '../formats/resp/args.js';

export interface EffectSink {
  /** Whether anybody listens. False: nothing needs to be appended. */
  readonly enabled: boolean;
  /** One effect of the open unit, as a command to run in database `db`. The arguments are copied here. */
  append(db: number, args: Args): void;
  /** Ends the unit; called only after at least one `append`. */
  endUnit(): void;
  /** Hands what was appended since the last call to the system in one write. A failure is kept and shown by `failure`. */
  writeTurn(): void;
  /**
   * Calls `done` once everything that was appended so far may be acknowledged: at once (before it returns) unless
   * `appendfsync always` is in force and an fsync is still due. Calls come back in the order of their requests.
   * `safe` is false when the log could not take what the turn changed: no reply of the turn that tells of a change may go
   * out (close the connections that changed something; whether it holds is unknown until the log works again).
   */
  whenDurable(done: (safe: boolean) => void): void;
  /**
   * A number that grows with what is appended, and how far everything is safe on the disk (synced, not only written), in
   * that number's measure.
   */
  readonly position: number;
  readonly synced: number;
  /** How long turns wait for the disk at their ends, as the last sync tells it, in milliseconds; 0: they do not wait. */
  readonly turnSyncMs: number;
  /** Why writes must be refused now, as strerror says it; null when all is well. */
  readonly failure: string | null;
}

/** Nobody listens: no append-only file, no replicas. */
export const NO_SINK: EffectSink = {
  enabled: false,
  failure: null,
  position: 0,
  synced: 0,
  turnSyncMs: 0,
  append() {},
  endUnit() {},
  writeTurn() {},
  whenDurable(done) {
    done(true);
  },
};
