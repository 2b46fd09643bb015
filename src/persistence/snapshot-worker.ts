/**
 * The worker thread of a snapshot: takes entries from the ring, encodes them from read-only views of the arena, and writes
 * the file. It decides nothing and logs nothing; its one message says how it ended.
 */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { nodeDisk } from '../disk/disk.js';
import { Arena } from '../memory/arena.js';
import { CaptureRingReader } from './capture-ring.js';
import { type DatabaseSize, type SnapshotRequest, writeSnapshot } from './snapshot-file.js';
import { threadTimes, WorkerPace } from './worker-pace.js';

export interface SnapshotJob extends SnapshotRequest {
  thread: 'snapshot';
  ring: SharedArrayBuffer;
  /** The arena's segments by number, as they were when the capture began. */
  segments: (SharedArrayBuffer | null)[];
  sizes: DatabaseSize[];
}

export type SnapshotOutcome = { bytes: number; keys: number } | { aborted: true } | { error: string; code: string };

/**
 * How much the worker steps back when commands need the processor (and see worker-pace.ts). On Linux the priority of
 * "process 0" is that of the calling thread alone; elsewhere it would be the whole server's, so nothing is done there.
 */
const NICENESS = 10;

/** Entries whose memory is waited for together. */
const AHEAD = 32;

function run(job: SnapshotJob): SnapshotOutcome {
  if (process.platform === 'linux') setPriority(0, NICENESS);
  const ring = new CaptureRingReader(job.ring);
  try {
    const arena = Arena.attach(job.segments);
    const ahead = new Uint32Array(AHEAD);
    const pace = new WorkerPace({
      clock: () => performance.now(),
      mainTimes: () => threadTimes(process.pid),
      ownTimes: () => threadTimes('thread-self'),
      isBehind: () => ring.behind,
      rest: (ms) => ring.rest(ms),
    });
    const each = (visit: (db: number, entry: number) => void) => {
      for (let ready = ring.ready(); ready > 0; ready = ring.ready()) {
        const count = Math.min(ready, AHEAD);
        for (let i = 0; i < count; i++) ahead[i] = ring.entry(i);
        arena.approach(ahead, count);
        for (let i = 0; i < count; i++) visit(ring.db(i), ahead[i]!);
        ring.done(count);
        pace.between();
      }
    };
    const written = writeSnapshot(nodeDisk, arena, job, job.sizes, each, () => ring.aborted);
    return written ?? { aborted: true };
  } catch (error) {
    const { code } = error as { code?: unknown };
    return {
      error: error instanceof Error ? error.message : String(error),
      code: typeof code === 'string' ? code : '',
    };
  }
}

const job = workerData as SnapshotJob | null;
if (parentPort !== null && job?.thread === 'snapshot') parentPort.postMessage(run(job));
