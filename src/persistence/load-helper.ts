/**
 * What a second processor does for a load, in a thread of its own, while the main thread builds what is in the file:
 *
 *   the CRC64 of a dump   costs the load nothing then; the file is read twice, the second time out of the system's cache
 *   page faults           the thread touches the arena's pages shortly before the main thread comes to them: the first touch
 *                         of a page takes the kernel longer than filling the page takes us
 *
 *   words   0  state of the sum: at work, done, failed        3  chunks summed so far
 *           1  its low half                                   4  up to which byte of the arena's newest segment pages are to
 *           2  its high half                                     be touched
 *
 * A file that is damaged, short or unreadable is the loader's to notice; a thread that fails only makes the loader sum the
 * file itself.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Crc64 } from '../base/crc64.js';
import { leaveLostFolder } from '../base/working-folder.js';
import type { ByteSource } from '../formats/rdb/source.js';
import type { Arena } from '../memory/arena.js';
import type { LoadHelperJob, NewSegment } from './load-helper-worker.js';

const WORDS = 5;
export const SumState = { WORKING: 0, DONE: 1, FAILED: 2 } as const;
/** Index of a word. */
export const Word = { STATE: 0, LOW: 1, HIGH: 2, CHUNKS: 3, WANTED: 4 } as const;

/** Below this a thread takes longer to start than it helps. */
const FILE_BYTES_MIN = 16 * 1024 * 1024;
const TRAILER_BYTES = 8;
const CHUNK_BYTES = 1024 * 1024;
/** A thread that has summed nothing for so long is not waited for. */
const PATIENCE_MS = 1000;
/** Pages are touched so far ahead: more than the main thread fills while the other one is kept from running. */
const AHEAD_BYTES = 4 * 1024 * 1024;

export class LoadHelper {
  private readonly words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  private readonly worker: Worker;
  /** What is summed: all of the file but its trailer. */
  private readonly sumBytes: number;
  private segment: ArrayBufferLike | null = null;
  private wanted = 0;

  /** @param again the file from its start, for when the thread cannot sum it; null: no sum is needed */
  constructor(
    path: string,
    fileBytes: number,
    private readonly again: (() => ByteSource) | null,
  ) {
    this.sumBytes = again === null ? 0 : fileBytes - TRAILER_BYTES;
    const job: LoadHelperJob = { thread: 'load-helper', path, sumBytes: this.sumBytes, words: this.words };
    leaveLostFolder();
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
    Atomics.compareExchange(this.words, Word.STATE, SumState.WORKING, SumState.FAILED);
  }

  /** Has the pages touched that the arena comes to next. Cheap; call it every few keys. */
  follow(arena: Arena): void {
    const { words } = this;
    const { newest, frontier } = arena;
    if (newest !== this.segment) {
      this.segment = newest;
      this.wanted = 0;
      Atomics.store(words, Word.WANTED, 0);
      const message: NewSegment = { buffer: newest as SharedArrayBuffer, from: frontier };
      this.worker.postMessage(message);
    }
    if (frontier + AHEAD_BYTES / 2 <= this.wanted) return;
    this.wanted = frontier + AHEAD_BYTES;
    Atomics.store(words, Word.WANTED, this.wanted);
    Atomics.notify(words, Word.WANTED);
  }

  /** The sum of the file's first `bytes` bytes; waits for the thread, or makes it itself when that summed others. */
  crcOf(bytes: number): Crc64 {
    const { words } = this;
    const crc = new Crc64();
    if (bytes !== this.sumBytes || !this.waited()) return sumAgain(this.again!(), bytes);
    crc.lo = words[Word.LOW]!;
    crc.hi = words[Word.HIGH]!;
    return crc;
  }

  /** Whether the thread is done, waiting for it as long as it comes forward: the event loop, which would tell of its death, rests. */
  private waited(): boolean {
    const { words } = this;
    for (let before = -1; Atomics.load(words, Word.STATE) === SumState.WORKING; ) {
      const chunks = Atomics.load(words, Word.CHUNKS);
      if (chunks === before) return false;
      before = chunks;
      Atomics.wait(words, Word.STATE, SumState.WORKING, PATIENCE_MS);
    }
    return Atomics.load(words, Word.STATE) === SumState.DONE;
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
  return new URL(
    compiled ? './load-helper-worker.js' : '../../dist/persistence/load-helper-worker.js',
    import.meta.url,
  );
}
