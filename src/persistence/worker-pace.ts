/**
 * How a snapshot's worker steps back where there are fewer processors than threads that want them.
 *
 * Its low priority is not enough: Linux lets a thread finish its time slice (some milliseconds, see "RUN_TO_PARITY" of the
 * EEVDF scheduler) while one of higher priority waits, and a server that answers a few requests at a time wakes up thousands
 * of times a second. And while the worker keeps one processor, the scheduler puts a server and its client on the other one,
 * where each waits for the other. So the worker works and rests in turns that are long enough for the two to come apart:
 *
 *     works      WORK_MS     takes a processor, as far as it gets one
 *     rests      as long as leaves it WORKED_MIN of a processor, all in all
 *
 * It rests only if, while it worked, the main thread
 *
 *   - ran more than BUSY_MIN of the time (without commands it only feeds the worker, and runs a tenth of it), and
 *   - waited for a processor more than WAITED_MAX of the time,
 *
 * and only as long as no entries wait outside of the ring, which hold memory.
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

/** Milliseconds. Two cores, 50 clients: with 2 or 30 the scheduler has no time to move anybody. */
const WORK_MS = 200;
/** A save under load takes about twice as long as one alone, and about as long as one of a server that forks for it. */
const WORKED_MIN = 0.36;
const WAITED_MAX = 0.05;
const BUSY_MIN = 0.3;
/** Milliseconds between two looks at whether entries wait outside. */
const LOOK_MS = 10;

export interface WorkerPaceOptions {
  /** Milliseconds. */
  clock: () => number;
  /** Of the main thread, and of this one. */
  mainTimes: () => ThreadTimes | null;
  ownTimes: () => ThreadTimes | null;
  /** Whether entries wait outside of the ring. */
  isBehind: () => boolean;
  /** Sleeps for so many milliseconds. False: nothing more comes, and there is no reason to. */
  rest: (ms: number) => boolean;
}

export class WorkerPace {
  private begunAt: number;
  private main: ThreadTimes | null;
  private own: ThreadTimes | null;

  constructor(private readonly options: WorkerPaceOptions) {
    this.begunAt = options.clock();
    this.main = options.mainTimes();
    this.own = options.ownTimes();
  }

  /** Between two batches. */
  between(): void {
    const { clock, isBehind, rest, mainTimes, ownTimes } = this.options;
    const now = clock();
    if (now - this.begunAt < WORK_MS) return;
    const until = now + this.restMs(now - this.begunAt);
    for (let left = until - now; left > 0 && !isBehind(); left = until - clock()) {
      if (!rest(Math.min(left, LOOK_MS))) break;
    }
    this.begunAt = clock();
    this.main = mainTimes();
    this.own = ownTimes();
  }

  /** After working for so long. */
  private restMs(workedMs: number): number {
    const before = { main: this.main, own: this.own };
    const main = this.options.mainTimes();
    const own = this.options.ownTimes();
    if (main === null || own === null || before.main === null || before.own === null) return 0;
    const workedNs = workedMs * 1e6;
    if ((main.ran - before.main.ran) / workedNs <= BUSY_MIN) return 0;
    if ((main.waited - before.main.waited) / workedNs <= WAITED_MAX) return 0;
    return (own.ran - before.own.ran) / 1e6 / WORKED_MIN - workedMs;
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
