/**
 * The CRC64 of a file, made by a thread of its own while the main thread builds what is in it: on a machine with a second
 * processor the sum costs a load nothing. The file is read twice, the second time out of the system's cache.
 *
 *   word 0   state: 0 at work, 1 done, 2 failed
 *   word 1   the sum's low half
 *   word 2   the sum's high half
 *   word 3   chunks summed so far
 *
 * A file that is damaged, short or unreadable is the loader's to notice; a thread that fails only makes the loader sum the
 * file itself.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Crc64 } from '../base/crc64.js';
import type { ByteSource } from '../formats/rdb/source.js';
import type { FileSumJob } from './file-sum-worker.js';

const WORDS = 4;
export const SumState = { WORKING: 0, DONE: 1, FAILED: 2 } as const;

/** Below this a thread takes longer to start than the sum to make. */
const FILE_BYTES_MIN = 16 * 1024 * 1024;
const TRAILER_BYTES = 8;
const CHUNK_BYTES = 1024 * 1024;
/** A thread that has summed nothing for so long is not waited for. */
const PATIENCE_MS = 1000;

export class FileSum {
  private readonly words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  private readonly worker: Worker;
  private readonly bytes: number;

  /**
   * Begins to sum all of the file but its trailer.
   * @param again the file from its start, for when the thread cannot help
   */
  constructor(
    path: string,
    fileBytes: number,
    private readonly again: () => ByteSource,
  ) {
    this.bytes = fileBytes - TRAILER_BYTES;
    const job: FileSumJob = { thread: 'file-sum', path, bytes: this.bytes, words: this.words };
    this.worker = new Worker(workerUrl(), { workerData: job });
    // The words tell all; without a listener an error would end the process.
    this.worker.on('error', () => this.fail());
    this.worker.unref();
  }

  /** Whether a thread pays for a file of this size here. */
  static pays(fileBytes: number): boolean {
    return fileBytes >= FILE_BYTES_MIN && availableParallelism() > 1;
  }

  private fail(): void {
    Atomics.compareExchange(this.words, 0, SumState.WORKING, SumState.FAILED);
  }

  /** The sum of the file's first `bytes` bytes; waits for the thread, or makes it itself when that summed others. */
  crcOf(bytes: number): Crc64 {
    const { words } = this;
    const crc = new Crc64();
    if (bytes !== this.bytes || !this.waited()) return sumAgain(this.again(), bytes);
    crc.lo = words[1]!;
    crc.hi = words[2]!;
    return crc;
  }

  /** Whether the thread is done, waiting for it as long as it comes forward: the event loop, which would tell of its death, rests. */
  private waited(): boolean {
    const { words } = this;
    for (let before = -1; Atomics.load(words, 0) === SumState.WORKING; ) {
      const chunks = Atomics.load(words, 3);
      if (chunks === before) return false;
      before = chunks;
      Atomics.wait(words, 0, SumState.WORKING, PATIENCE_MS);
    }
    return Atomics.load(words, 0) === SumState.DONE;
  }

  /** Nobody asks any more. */
  stop(): void {
    void this.worker.terminate();
  }
}

function sumAgain(source: ByteSource, bytes: number): Crc64 {
  const crc = new Crc64();
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let left = bytes; left > 0; ) {
    const n = source.read(chunk, 0, Math.min(CHUNK_BYTES, left));
    if (n <= 0) break;
    crc.update(chunk, 0, n);
    left -= n;
  }
  return crc;
}

/** The worker's module is compiled code, also when this file runs from source (in unit tests). */
function workerUrl(): URL {
  const compiled = import.meta.url.endsWith('.js');
  return new URL(compiled ? './file-sum-worker.js' : '../../dist/persistence/file-sum-worker.js', import.meta.url);
}
