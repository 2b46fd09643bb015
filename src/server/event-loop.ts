/**
 * What the event loop of the process does, for INFO: how often it goes round, and for how long it is busy. Node measures
 * it; servers that share a process share a loop.
 */
import { performance } from 'node:perf_hooks';
import { Rate } from './statistics.js';

/** Milliseconds. The kernel adds what it allows itself to be late by (`timerslack_ns`), so it is about 0.1. */
const REST_MS = 0.02;
/** Nobody wakes who sleeps on it. */
const PILLOW = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
/** Elsewhere a timer may be late by far more. */
const CAN_REST = process.platform === 'linux';

export class EventLoopMeter {
  private restedMs = 0;
  private shareBefore: { active: number; idle: number } = { active: 0, idle: 0 };
  private cyclesBefore = 0;
  private busyBefore = 0;
  private readonly cycleRate = new Rate();
  private readonly busyRate = new Rate();

  constructor(
    /** Whether the process does nothing but serve: its thread may sleep then. */
    private readonly ownProcess = false,
  ) {
    this.reset();
  }

  /** Rounds of the loop. Node tells it since 20.18. */
  private get allCycles(): number {
    const { uvMetricsInfo } = performance.nodeTiming as { uvMetricsInfo?: { loopCount: number } };
    return uvMetricsInfo?.loopCount ?? 0;
  }
  private get allBusy(): number {
    return (performance.eventLoopUtilization().active - this.restedMs) * 1000;
  }

  /** Which part of the time since the last call the loop had something to do, 0 to 1. */
  busyShare(): number {
    const { active, idle } = performance.eventLoopUtilization();
    const before = this.shareBefore;
    this.shareBefore = { active: active - this.restedMs, idle: idle + this.restedMs };
    const busy = this.shareBefore.active - before.active;
    return busy / (busy + this.shareBefore.idle - before.idle);
  }

  /**
   * The thread sleeps for about a tenth of a millisecond: so briefly that nobody waits for long, and whoever sends
   * meanwhile need not wake it. Falling asleep in the loop instead costs both sides more, where input comes all the time.
   */
  rest(): void {
    if (!this.ownProcess || !CAN_REST) return;
    const begin = performance.now();
    Atomics.wait(PILLOW, 0, 0, REST_MS);
    this.restedMs += performance.now() - begin;
  }

  get cycles(): number {
    return this.allCycles - this.cyclesBefore;
  }
  /** Microseconds in which the loop did not wait for something to do. */
  get busyMicroseconds(): number {
    return Math.round(this.allBusy - this.busyBefore);
  }

  sample(nowMs: number): void {
    this.cycleRate.sample(nowMs, this.cycles);
    this.busyRate.sample(nowMs, this.busyMicroseconds);
  }
  get cyclesPerSecond(): number {
    return Math.round(this.cycleRate.perSecond);
  }
  get microsecondsPerCycle(): number {
    const { perSecond } = this.cycleRate;
    return perSecond === 0 ? 0 : Math.round(this.busyRate.perSecond / perSecond);
  }

  reset(): void {
    this.cyclesBefore = this.allCycles;
    this.busyBefore = this.allBusy;
    this.cycleRate.reset();
    this.busyRate.reset();
  }
}
