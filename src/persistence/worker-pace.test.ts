import { describe, expect, it } from 'vitest';
import { threadTimes, WorkerPace } from './worker-pace.js';

/** A worker whose batches take 0.1 ms, beside a main thread that waits for some share of the time. */
class Machine {
  nowMs = 0;
  restedMs = 0;
  /** Whether entries wait outside of the ring; and so many milliseconds of rest make them do so. */
  behind = false;
  restUntilBehindMs = Number.POSITIVE_INFINITY;
  /** Nothing more comes. */
  finished = false;
  rests = 0;
  /** Share of the time that the main thread waits, and that this thread gets of a processor while it does not rest. */
  waits = 0;
  gets = 1;
  known = true;
  /** Share of the time that the main thread runs. */
  runs = 0.6;
  private waitedNs = 0;
  private mainRanNs = 0;
  private ranNs = 0;
  readonly pace = new WorkerPace({
    clock: () => this.nowMs,
    mainTimes: () => (this.known ? { ran: this.mainRanNs, waited: this.waitedNs } : null),
    ownTimes: () => ({ ran: this.ranNs, waited: 0 }),
    isBehind: () => this.behind,
    rest: (ms) => {
      this.rests++;
      if (this.finished) return false;
      this.restedMs += ms;
      this.pass(ms);
      this.behind ||= this.restedMs >= this.restUntilBehindMs;
      return true;
    },
  });

  /** Works for so long; returns the share of that time in which it rested. */
  run(ms: number): number {
    const begin = this.nowMs;
    const rested = this.restedMs;
    while (this.nowMs < begin + ms) {
      this.ranNs += 1e5;
      this.pass(0.1 / this.gets);
      this.pace.between();
    }
    return (this.restedMs - rested) / (this.nowMs - begin);
  }

  private pass(ms: number): void {
    this.nowMs += ms;
    this.waitedNs += ms * 1e6 * this.waits;
    this.mainRanNs += ms * 1e6 * this.runs;
  }
}

describe('the pace of a snapshot worker', () => {
  it('is full while the main thread waits for nothing', () => {
    expect(new Machine().run(1000)).toBe(0);
  });

  it('leaves it a good third of a processor while the main thread waits, and all of it again afterwards', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    expect(machine.run(5000)).toBeCloseTo(0.64, 1);
    machine.waits = 0;
    machine.run(1000);
    expect(machine.run(1000)).toBe(0);
  });

  it('rests less where it gets less of a processor', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.gets = 0.6;
    expect(machine.run(5000)).toBeCloseTo(1 - 0.36 / 0.6, 1);
  });

  it('is full for a save that is over soon', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    expect(machine.run(190)).toBe(0);
  });

  it('is full while the main thread has little to do', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.runs = 0.1;
    expect(machine.run(1000)).toBe(0);
  });

  it('is full where it gets little of a processor anyway', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.gets = 0.3;
    expect(machine.run(1000)).toBe(0);
  });

  it('is full while entries wait outside of the ring', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.behind = true;
    expect(machine.run(1000)).toBe(0);
    machine.behind = false;
    expect(machine.run(1000)).toBeGreaterThan(0);
  });

  it('a rest ends soon after entries have begun to wait outside', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.restUntilBehindMs = 40;
    machine.run(1000);
    expect(machine.restedMs).toBe(40);
  });

  it('a rest ends when nothing more comes', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.finished = true;
    machine.run(1000);
    expect(machine.restedMs).toBe(0);
    expect(machine.rests).toBeLessThan(6);
  });

  it('is full where the system does not tell how long threads wait', () => {
    const machine = new Machine();
    machine.waits = 0.3;
    machine.known = false;
    expect(machine.run(1000)).toBe(0);
  });
});

it('the times of a thread are those of the system, or not known', () => {
  expect(threadTimes('no-such-thread')).toBe(null);
  if (process.platform !== 'linux') return;
  const times = threadTimes('thread-self')!;
  expect(times.ran).toBeGreaterThan(0);
  expect(times.waited).toBeGreaterThanOrEqual(0);
});
