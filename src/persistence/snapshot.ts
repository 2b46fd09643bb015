/**
 * A snapshot without fork: the keyspace at one moment, written to a file by a worker thread while commands go on.
 *
 * Protocol:
 *   1. Capture begins (keyspace/capture.ts): from this moment on the content to save cannot change under the worker.
 *   2. A worker starts with read-only views of the arena's segments, and takes entries from the ring.
 *   3. The main thread feeds the ring in slices of at most a millisecond, between turns of the event loop.
 *   4. Once the worker has encoded the last entry the capture ends; memory that waited is free again.
 *   5. The worker writes the rest to the temporary file, syncs it, renames it to its name and syncs the folder.
 *
 * A crash or failure at any step leaves the old file as it was, and at most a temporary file, which is removed: by the
 * worker on failure, at the next start after a crash.
 */
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.js';
import { leaveLostFolder } from '../base/working-folder.js';
import type { Disk } from '../disk/disk.js';
import { Capture } from '../keyspace/capture.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { CaptureRing } from './capture-ring.js';
import { type DatabaseSize, type SnapshotRequest, writeSnapshot } from './snapshot-file.js';
import type { SnapshotJob, SnapshotOutcome } from './snapshot-worker.js';

/** Longest time in milliseconds that a slice of the walk holds the event loop. */
const SLICE_MS = 1;

export interface SnapshotResult {
  /** Size of the file. */
  bytes: number;
  /** Entries in it. */
  keys: number;
  durationMs: number;
  /** Most bytes that freed or changed blocks held back for the worker at any time. */
  heldBytesMax: number;
}

export class SnapshotAborted extends Error {
  override name = 'SnapshotAborted';
}

export class Snapshot {
  /** Settles when the file has its name, or when nothing of it is left. */
  readonly done: Promise<SnapshotResult>;
  /** Milliseconds that the start held the event loop: what fork costs elsewhere. */
  readonly startMs: number;
  readonly startedAtMs = Date.now();
  private readonly ring = new CaptureRing();
  private readonly capture: Capture;
  private readonly worker: Worker;
  private captured = true;
  private finishing = false;
  private heldBytesMax = 0;
  private timer: NodeJS.Timeout | null = null;

  /** Only one snapshot runs at a time; ask `keyspace.capture` first. */
  constructor(
    private readonly keyspace: Keyspace,
    request: SnapshotRequest,
  ) {
    assert(keyspace.capture === null, 'one snapshot at a time');
    const begin = performance.now();
    const sizes = databaseSizes(keyspace);
    this.capture = new Capture(keyspace, this.ring);
    const job: SnapshotJob = {
      ...request,
      ring: this.ring.buffer,
      segments: keyspace.arena.buffers(),
      sizes,
      thread: 'snapshot',
    };
    try {
      leaveLostFolder();
      this.worker = new Worker(workerUrl(), { workerData: job });
    } catch (error) {
      // The system has no thread for it now.
      this.capture.end();
      throw error;
    }
    this.done = this.follow(begin);
    this.done.catch(() => {});
    this.pump();
    this.startMs = performance.now() - begin;
  }

  /** Entries in the snapshot. */
  get keys(): number {
    return this.capture.keys;
  }
  /** Entries that the worker has encoded. */
  get keysDone(): number {
    return this.ring.acked();
  }

  /** Gives up: the file keeps its old content. `done` rejects with SnapshotAborted. */
  abort(): void {
    this.ring.abort();
  }

  private pump = (): void => {
    this.timer = null;
    const walked = this.capture.step(performance.now() + SLICE_MS, () => performance.now());
    this.heldBytesMax = Math.max(this.heldBytesMax, this.keyspace.arena.bytesDeferred);
    if (walked && !this.finishing && this.ring.allInside) {
      this.finishing = true;
      this.ring.finish();
    }
    if (walked && this.ring.drained) this.endCapture();
    else this.timer = setTimeout(this.pump, 1);
  };

  private endCapture(): void {
    if (!this.captured) return;
    this.captured = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.capture.end();
  }

  private follow(begin: number): Promise<SnapshotResult> {
    return new Promise((resolve, reject) => {
      let outcome: SnapshotOutcome = { error: 'the snapshot worker ended without a result', code: '' };
      this.worker.on('message', (message: SnapshotOutcome) => {
        outcome = message;
      });
      this.worker.on('error', (error) => {
        outcome = { error: `the snapshot worker failed: ${error.message}`, code: '' };
      });
      this.worker.on('exit', () => {
        this.endCapture();
        if ('aborted' in outcome) {
          reject(new SnapshotAborted('the snapshot was aborted'));
        } else if ('error' in outcome) {
          reject(Object.assign(new Error(outcome.error), { code: outcome.code }));
        } else {
          const { bytes, keys } = outcome;
          resolve({ bytes, keys, durationMs: performance.now() - begin, heldBytesMax: this.heldBytesMax });
        }
      });
    });
  }
}

/** SAVE: the same file, written on the main thread while nothing else runs. Throws the disk's errors. */
export function saveNow(disk: Disk, keyspace: Keyspace, request: SnapshotRequest): { bytes: number; keys: number } {
  const written = writeSnapshot(disk, keyspace.arena, request, databaseSizes(keyspace), (visit) => {
    for (const db of keyspace.databases) {
      db.forEach((entry) => {
        visit(db.index, entry);
      });
    }
  });
  assert(written !== null, 'a save on the main thread is not aborted');
  return written;
}

function databaseSizes(keyspace: Keyspace): DatabaseSize[] {
  const sizes = keyspace.databases.map((db) => ({ db: db.index, keys: db.size, expires: db.expires }));
  return sizes.filter((size) => size.keys > 0);
}

/** The worker's module is compiled code, also when this file runs from source (in unit tests). */
function workerUrl(): URL {
  const compiled = import.meta.url.endsWith('.js');
  return new URL(compiled ? './snapshot-worker.js' : '../../dist/persistence/snapshot-worker.js', import.meta.url);
}
