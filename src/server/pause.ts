/**
 * CLIENT PAUSE: for a while no commands of clients are executed, or none that write. A command that comes meanwhile waits,
 * and its client's further input with it; when the pause is over they run in the order in which they came.
 *
 *   paused   the gate postpones commands; no key expires by itself or is evicted: the data stands still
 *   over     by time, or by CLIENT UNPAUSE in what may still run
 *
 * A pause that begins inside a transaction begins for the data when the transaction is over. Of several pauses the later end
 * and the stronger kind hold.
 */
import type { PauseKind } from '../commands/services.js';
import { Flag } from '../commands/table.js';
import { PAUSE_ALL } from './dispatch.js';
import type { Server } from './server.js';

/** The longest that a timer runs, in milliseconds: 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Pause {
  /** What waits; null: nothing. */
  kind: PauseKind | null = null;
  /** Monotonic milliseconds. */
  private endMs = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly server: Server) {}

  /** Milliseconds until it is over. */
  get leftMs(): number {
    return this.kind === null ? 0 : Math.max(0, this.endMs - this.server.clock.monotonic());
  }

  begin(kind: PauseKind, forMs: number): void {
    if (this.kind === null && forMs === 0) return;
    this.kind = kind === 'all' || this.kind === 'all' ? 'all' : 'write';
    this.endMs = Math.max(this.endMs, this.server.clock.monotonic() + forMs);
    this.setTimer();
    this.apply();
  }

  end(): void {
    if (this.kind === null) return;
    this.stop();
    this.kind = null;
    this.endMs = 0;
    this.apply();
  }

  /** The timer does not run any more. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private setTimer(): void {
    this.stop();
    const ms = Math.min(Math.ceil(this.leftMs), TIMER_MAX_MS);
    this.timer = setTimeout(() => (this.leftMs > 0 ? this.setTimer() : this.end()), ms);
  }

  private apply(): void {
    const { gate, keyspace, clients } = this.server;
    gate.postponed = this.kind === null ? 0 : this.kind === 'all' ? PAUSE_ALL : Flag.WRITE | Flag.MAY_REPLICATE;
    clients.after(() => {
      keyspace.standsStill = this.kind !== null;
      if (this.kind === null) clients.waiting.resumePostponed();
    });
  }
}
