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

export interface SnapshotJob extends SnapshotRequest {
  thread: 'snapshot';
  ring: SharedArrayBuffer;
  /** The arena's segments by number, as they were when the capture began. */
  segments: (SharedArrayBuffer | null)[];
  sizes: DatabaseSize[];
}

export type SnapshotOutcome = { bytes: number; keys: number } | { aborted: true } | { error: string; code: string };

/**
 * How much the worker steps back when commands need the processor. On Linux the priority of "process 0" is that of the
 * calling thread alone; elsewhere it would be the whole server's, so nothing is done there.
 */
const NICENESS = 10;

function run(job: SnapshotJob): SnapshotOutcome {
  if (process.platform === 'linux') setPriority(0, NICENESS);
  const ring = new CaptureRingReader(job.ring);
  try {
    const arena = Arena.attach(job.segments);
    const each = (visit: (db: number, entry: number) => void) => {
      while (ring.take()) {
        visit(ring.db, ring.entry);
        ring.done();
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
