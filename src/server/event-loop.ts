/**
 * What the event loop of the process does, for INFO: how often it goes round, and for how long it is busy. Node measures
 * it; servers that share a process share a loop.
 */
import { performance } from 'node:perf_hooks';
import { Rate } from './statistics.js';

export class EventLoopMeter {
  private cyclesBefore = 0;
  private busyBefore = 0;
  private readonly cycleRate = new Rate();
  private readonly busyRate = new Rate();

  constructor() {
    this.reset();
  }

  /** Rounds of the loop. Node tells it since 20.18. */
  private get allCycles(): number {
    const { uvMetricsInfo } = performance.nodeTiming as { uvMetricsInfo?: { loopCount: number } };
    return uvMetricsInfo?.loopCount ?? 0;
  }
  private get allBusy(): number {
    return performance.eventLoopUtilization().active * 1000;
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
