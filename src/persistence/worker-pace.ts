/**
 * How a snapshot's worker steps back where there are fewer processors than threads that want them.
 *
 * Its low priority is not enough: Linux lets a thread finish its time slice (some milliseconds, see "RUN_TO_PARITY" of the
 * EEVDF scheduler) while one of higher priority waits, and a server that answers a few requests at a time wakes up thousands
 * of times a second. So the worker rests for moments between two batches of entries, as long as
 *
 *   - the main thread runs more than BUSY_MIN of the time (without commands it only feeds the worker, and runs a tenth of it),
 *   - it waits for a processor more than WAITED_MAX of the time,
 *   - the worker itself gets more than WORKED_MIN of one (a save under load shall take twice as long as alone, no longer),
 *   - and no entries wait outside of the ring, which hold memory.
 *
 * Both shares come from the kernel, /proc/<pid>/schedstat: nanoseconds on a processor, nanoseconds waiting for one, slices
 * (Linux: Documentation/scheduler/sched-stats). Where that is not to be had the worker never rests.
 */
import { readFileSync } from 'node:fs';

/** Nanoseconds that a thread ran, and that it waited for a processor; null: not known here. */
export interface ThreadTimes {
  ran: number;
  waited: number;
}

/** Milliseconds between two looks. */
const LOOK_MS = 50;
const WAITED_MAX = 0.05;
const BUSY_MIN = 0.3;
const WORKED_MIN = 0.5;
/** Milliseconds by which a rest grows at least, and at most as long as which it gets. */
const REST_STEP_MS = 0.05;
const REST_MAX_MS = 1;

export interface WorkerPaceOptions {
  /** Milliseconds. */
  clock: () => number;
  /** Of the main thread, and of this one. */
  mainTimes: () => ThreadTimes | null;
  ownTimes: () => ThreadTimes | null;
  /** Whether entries wait outside of the ring. */
  isBehind: () => boolean;
  rest: (ms: number) => void;
}

export class WorkerPace {
  private restMs = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private main: ThreadTimes | null = null;
  private own: ThreadTimes | null = null;

  constructor(private readonly options: WorkerPaceOptions) {}

  /** Between two batches. */
  between(): void {
    const { clock, isBehind, rest } = this.options;
    const now = clock();
    if (now - this.lookedAt >= LOOK_MS) this.look(now);
    if (this.restMs > 0 && !isBehind()) rest(this.restMs);
  }

  private look(now: number): void {
    const { options, main, own } = this;
    const elapsedNs = (now - this.lookedAt) * 1e6;
    this.lookedAt = now;
    this.main = options.mainTimes();
    this.own = options.ownTimes();
    if (main === null || own === null || this.main === null || this.own === null) {
      this.restMs = 0;
      return;
    }
    const waited = (this.main.waited - main.waited) / elapsedNs;
    const ran = (this.main.ran - main.ran) / elapsedNs;
    const worked = (this.own.ran - own.ran) / elapsedNs;
    if (ran > BUSY_MIN && waited > WAITED_MAX && worked > WORKED_MIN) {
      this.restMs = Math.min(this.restMs * 1.3 + REST_STEP_MS, REST_MAX_MS);
    } else {
      this.restMs = this.restMs * 0.7 < REST_STEP_MS ? 0 : this.restMs * 0.7;
    }
  }
}

/** @param thread `thread-self`, or a process's number for its main thread */
export function threadTimes(thread: string | number): ThreadTimes | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${thread}/schedstat`, 'latin1');
  } catch {
    return null;
  }
  const [ran, waited] = text.split(' ').map(Number);
  return { ran: ran!, waited: waited! };
}
