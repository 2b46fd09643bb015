/**
 * Counts of durations by size, as LATENCY HISTOGRAM and INFO latencystats tell them: a high dynamic range histogram of
 * nanoseconds, 1 to 10^9, exact to two digits. Redis uses the same layout, so the figures come out the same.
 *
 *   values up to 255 have a slot each; above, each doubling has 128 slots:
 *
 *     256 .. 511      steps of 2
 *     512 .. 1023     steps of 4
 *     ...             slot = 128 * doubling + the value's upper 8 bits - 128
 *
 * Hot: counting is an addition in an array; totals are made when somebody asks.
 */
const HALF = 128;
const VALUE_MAX = 1_000_000_000;
const SLOTS = 24 * HALF;
/** First bound of the distribution; each further one is twice the one before. */
const FIRST_BOUND = 1024;

/** A bound in microseconds, and how many values lie at or below it. */
export interface Bound {
  microseconds: number;
  count: number;
}

/** The slot that counts a value in nanoseconds. Values out of range count as the nearest within. */
export function slotOf(nanoseconds: number): number {
  const value = nanoseconds < 1 ? 1 : nanoseconds > VALUE_MAX ? VALUE_MAX : Math.round(nanoseconds);
  const shift = shiftOf(value);
  return (shift << 7) + (value >> shift);
}

/** By how many bits a value is shifted so that it fits in 8. */
function shiftOf(value: number): number {
  return 24 - Math.clz32(value | 255);
}

function lowestOf(slot: number): number {
  const shift = slot < 2 * HALF ? 0 : (slot >> 7) - 1;
  return (slot - (shift << 7)) * 2 ** shift;
}

/** The largest value that the slot counts. */
function highestOf(slot: number): number {
  const shift = slot < 2 * HALF ? 0 : (slot >> 7) - 1;
  return lowestOf(slot) + 2 ** shift - 1;
}

export class Histogram {
  readonly counts = new Float64Array(SLOTS);

  get total(): number {
    const { counts } = this;
    let total = 0;
    for (let slot = 0; slot < SLOTS; slot++) total += counts[slot]!;
    return total;
  }

  /** The values, in nanoseconds, that so many percent of all values do not exceed. 0 percent is the smallest one. */
  percentiles(percents: readonly number[]): number[] {
    const { counts, total } = this;
    if (total === 0) return percents.map(() => 0);
    return percents.map((percent) => {
      const wanted = Math.max(1, Math.trunc((Math.min(percent, 100) / 100) * total + 0.5));
      let slot = 0;
      for (let seen = counts[0]!; seen < wanted; seen += counts[slot]!) slot++;
      return percent === 0 ? lowestOf(slot) : highestOf(slot);
    });
  }

  /** The distribution over bounds that double, each one where values were added since the one before. */
  distribution(): Bound[] {
    const { total } = this;
    const bounds: Bound[] = [];
    let slot = 0;
    let count = 0;
    for (let value = FIRST_BOUND; count < total; value *= 2) {
      const last = value > VALUE_MAX ? SLOTS - 1 : slotOf(value);
      const before = count;
      for (; slot <= last; slot++) count += this.counts[slot]!;
      if (count > before) bounds.push({ microseconds: Math.trunc(highestOf(last) / 1000), count });
    }
    return bounds;
  }
}
