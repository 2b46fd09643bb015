/**
 * How often keys are accessed (least frequently used), in 24 bits a key:
 *
 *   bits 8-23  minutes of the last access, modulo 2^16
 *   bits 0-7   counter: grows with the logarithm of the accesses, falls with the time
 *
 * The counter of a key at c grows with the chance 1 / ((c - 5) * lfu-log-factor + 1), and falls by one for every
 * lfu-decay-time minutes without an access. A new key begins at 5, so that it has time to be used.
 */
const INITIAL = 5;
const COUNTER_MAX = 255;
const MINUTE_MS = 60_000;

export class Lfu {
  private minutes = 0;

  /**
   * @param decayMinutes 0: the counters do not fall
   * @param random gives [0, 1)
   */
  constructor(
    private readonly logFactor: number,
    private readonly decayMinutes: number,
    private readonly random: () => number = Math.random,
  ) {}

  setNow(nowMs: number): void {
    this.minutes = Math.floor(nowMs / MINUTE_MS) & 0xffff;
  }

  /** The bits of a new key. */
  get initial(): number {
    return (this.minutes << 8) | INITIAL;
  }

  /** The counter now. */
  counter(bits: number): number {
    const counter = bits & COUNTER_MAX;
    if (this.decayMinutes === 0) return counter;
    const elapsed = (this.minutes - (bits >>> 8)) & 0xffff;
    return Math.max(0, counter - Math.floor(elapsed / this.decayMinutes));
  }

  /** The bits after an access. */
  accessed(bits: number): number {
    let counter = this.counter(bits);
    if (counter < COUNTER_MAX) {
      const chance = 1 / (Math.max(0, counter - INITIAL) * this.logFactor + 1);
      if (this.random() < chance) counter++;
    }
    return (this.minutes << 8) | counter;
  }
}
