/** Time as the server sees it; tests give their own. */
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Whole milliseconds since 1970. */
  now(): number;
  /** Milliseconds with fraction on a clock that never goes back. */
  monotonic(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Stands still until it is moved. */
export class ManualClock implements Clock {
  constructor(public nowMs = 1_700_000_000_000) {}
  now(): number {
    return Math.floor(this.nowMs);
  }
  monotonic(): number {
    return this.nowMs;
  }
  advance(ms: number): void {
    this.nowMs += ms;
  }
}
