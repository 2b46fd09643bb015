/**
 * What a second processor does for a load, in a thread of its own, while the main thread builds what is in the file:
 *
 *   the table             entries are put into it by the batch; that is a fifth of the work, and mostly waiting for memory
 *   page faults           the thread touches the arena's pages shortly before the main thread comes to them: the first touch
 *                         of a page takes the kernel longer than filling the page takes us
 *   the CRC64 of a dump   costs the load nothing then; the file is read twice, the second time out of the system's cache
 *
 *   words   0  state of the sum: at work, done, failed        4  up to which byte of the arena's newest segment pages are to
 *           1  its low half                                      be touched
 *           2  its high half                                  5  batches posted
 *           3  chunks summed so far                           6  batches put in
 *                                                             7  the table's lock: free, held, broken
 *                                                             8  counts up whenever there is something to do
 *
 * Whoever holds the lock may change the table: the thread for one batch at a time, the main thread for a batch that it does not
 * want to wait for (the thread may not have begun, or never begin), and for what batches leave. What the main thread wrote before
 * it posted, the thread sees: the words are written and read by Atomics.
 *
 * A file that is damaged, short or unreadable is the loader's to notice; a thread that fails only makes the loader sum the
 * file itself. Where it fails with the lock held nobody knows what is in the table: the load ends with an error.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Crc64 } from '../base/crc64.js';
import { leaveLostFolder } from '../base/working-folder.js';
import type { ByteSource } from '../formats/rdb/source.js';
import type { Arena } from '../memory/arena.js';
import { DictBatch, type DictFiller } from '../memory/dict-filler.js';
import type { TableHelper } from './keyspace-loader.js';
import type { LoadHelperJob, LoadHelperMessage } from './load-helper-worker.js';

const WORDS = 9;
export const SumState = { WORKING: 0, DONE: 1, FAILED: 2 } as const;
export const Lock = { FREE: 0, HELD: 1, BROKEN: 2 } as const;
/** Index of a word. */
export const Word = {
  STATE: 0,
  LOW: 1,
  HIGH: 2,
  CHUNKS: 3,
  WANTED: 4,
  POSTED: 5,
  FILLED: 6,
  LOCK: 7,
  CALLS: 8,
} as const;

/** Below this a thread takes longer to start than it helps. */
const FILE_BYTES_MIN = 16 * 1024 * 1024;
const TRAILER_BYTES = 8;
const CHUNK_BYTES = 1024 * 1024;
/** A thread that has summed nothing for so long is not waited for. */
const PATIENCE_MS = 1000;
/** A batch takes some hundredths of a second. */
const LOCK_PATIENCE_MS = 300_000;
/** Pages are touched so far ahead: more than the main thread fills while the other one is kept from running. */
const AHEAD_BYTES = 4 * 1024 * 1024;
/** One that is being made, one that is being put in, and one between. */
const BATCHES = 3;

export class LoadHelper implements TableHelper {
  private readonly words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  private readonly worker: Worker;
  /** What is summed: all of the file but its trailer. */
  private readonly sumBytes: number;
  /** Arena.segmentChanges when the thread was told of its segments. */
  private toldOf = -1;
  private newest: ArrayBufferLike | null = null;
  private wanted = 0;
  private made: DictBatch[] | null = null;

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
    if (arena.segmentChanges !== this.toldOf) {
      this.toldOf = arena.segmentChanges;
      if (newest !== this.newest) {
        this.newest = newest;
        this.wanted = 0;
        Atomics.store(words, Word.WANTED, 0);
      }
      this.tell({ segments: arena.buffers(), from: frontier });
    }
    if (frontier + AHEAD_BYTES / 2 <= this.wanted) return;
    this.wanted = frontier + AHEAD_BYTES;
    Atomics.store(words, Word.WANTED, this.wanted);
    this.call();
  }

  private tell(message: LoadHelperMessage): void {
    this.worker.postMessage(message);
  }

  /** There is something to do. */
  private call(): void {
    Atomics.add(this.words, Word.CALLS, 1);
    Atomics.notify(this.words, Word.CALLS);
  }

  // --- the table ---------------------------------------------------------------------------------------------------

  get batches(): readonly DictBatch[] {
    if (this.made === null) {
      this.made = Array.from({ length: BATCHES }, () => new DictBatch());
      this.tell({ batches: this.made.map(({ memory }) => memory) });
    }
    return this.made;
  }

  post(arena: Arena): void {
    this.follow(arena);
    Atomics.add(this.words, Word.POSTED, 1);
    this.call();
  }

  complete(n: number, arena: Arena, filler: DictFiller): void {
    const { words, batches } = this;
    while (Atomics.load(words, Word.FILLED) <= n) {
      if (this.tryLock()) {
        const next = Atomics.load(words, Word.FILLED);
        if (next <= n) {
          filler.fill(arena, batches[next % BATCHES]!);
          Atomics.store(words, Word.FILLED, next + 1);
        }
        this.unlock(arena);
      } else this.awaitLock();
    }
  }

  lock(): void {
    while (!this.tryLock()) this.awaitLock();
  }

  unlock(arena: Arena): void {
    // The table may have grown into a segment that the thread does not know.
    this.follow(arena);
    Atomics.store(this.words, Word.LOCK, Lock.FREE);
    this.call();
  }

  private tryLock(): boolean {
    const was = Atomics.compareExchange(this.words, Word.LOCK, Lock.FREE, Lock.HELD);
    if (was === Lock.BROKEN)
      throw new Error('The thread that helps to load has failed while it put keys into the table');
    return was === Lock.FREE;
  }

  private awaitLock(): void {
    const answer = Atomics.wait(this.words, Word.LOCK, Lock.HELD, LOCK_PATIENCE_MS);
    if (answer === 'timed-out') throw new Error('The thread that helps to load does not come forward');
  }

  // --- the sum -----------------------------------------------------------------------------------------------------

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

  /** Nobody asks any more; nothing is written to the table from here on. Resolves when the thread has ended. */
  async stop(): Promise<void> {
    try {
      // For good: the thread ends some time after it was told to.
      this.lock();
    } catch {
      // It has failed with the table in its hands, which whoever loads has been told or does not ask.
    }
    await this.worker.terminate();
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
