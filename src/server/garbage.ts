/**
 * Memory that nobody uses any more goes back to the system. V8 collects when JavaScript allocates, and a server whose
 * data lies in buffers hardly does: after FLUSHALL, or a request of hundreds of megabytes, the buffers would stay for
 * minutes. So they are looked for once a second, and collected when they are many and a collection is cheap.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { processMemory } from './process-memory.js';

/** Bytes of dead buffers that are worth a collection. */
const DEAD_MIN = 64 * 1024 * 1024;
/** A larger heap, of a program that we are a part of, takes too long to be walked for this. */
const HEAP_MAX = 64 * 1024 * 1024;
/** Seconds between two collections at least. */
const PAUSE_SECONDS = 5;

let collect: (() => void) | null = null;

export class GarbageWatch {
  private pause = 0;
  /** Collections so far. */
  count = 0;

  /** Once a second. `liveBytes`: what buffers are known to be in use. */
  look(liveBytes: number): void {
    if (this.pause > 0) {
      this.pause--;
      return;
    }
    const { arrayBuffers, heapUsed } = processMemory();
    if (arrayBuffers - liveBytes < DEAD_MIN || heapUsed > HEAP_MAX) return;
    this.pause = PAUSE_SECONDS;
    this.count++;
    collectGarbage();
  }

  /** MEMORY PURGE. */
  collect(): void {
    if (processMemory().heapUsed <= HEAP_MAX) collectGarbage();
  }
}

function collectGarbage(): void {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
