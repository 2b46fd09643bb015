/** The thread of load-helper.ts: fills the table, touches pages, and sums a file between. Runs until it is terminated. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Crc64 } from '../base/crc64.js';
import { nodeDisk } from '../disk/disk.js';
import { Arena } from '../memory/arena.js';
import { DictBatch, DictFiller } from '../memory/dict-filler.js';
import { Lock, SumState, Word } from './load-helper.js';

export interface LoadHelperJob {
  thread: 'load-helper';
  path: string;
  /** How many bytes to sum from the file's start on. */
  sumBytes: number;
  words: Int32Array;
}

export type LoadHelperMessage =
  | {
      /** The arena's buffers by now; pages are to be touched in the last one. */
      segments: (SharedArrayBuffer | null)[];
      /** The first byte of it that is worth it. */
      from: number;
    }
  | { batches: SharedArrayBuffer[] };

const CHUNK_BYTES = 1024 * 1024;
/** The smallest page there is. */
const PAGE_BYTES = 4096;
const NO_SEGMENT = new SharedArrayBuffer(0);

class Helper {
  private arena = new Arena();
  private batches: DictBatch[] = [];
  private readonly filler = new DictFiller();
  private cells: Int32Array = new Int32Array(0);
  private nextByte = 0;

  constructor(
    private readonly port: MessagePort,
    private readonly words: Int32Array,
  ) {}

  /** Does what is asked for by now. */
  serve(): void {
    do this.touch();
    while (this.fill());
  }

  private receive(): void {
    const { port } = this;
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      const message = got.message as LoadHelperMessage;
      if ('batches' in message) {
        this.batches = message.batches.map((memory) => new DictBatch(memory));
        continue;
      }
      this.arena = Arena.attach(message.segments);
      this.cells = new Int32Array(message.segments.at(-1) ?? NO_SEGMENT);
      this.nextByte = message.from;
    }
  }

  /** Touches pages in the order in which the arena comes to them. */
  private touch(): void {
    this.receive();
    const { cells, words } = this;
    const end = Math.min(Atomics.load(words, Word.WANTED), cells.byteLength);
    // A write, so the page is made, which leaves alone what the main thread may be writing there. (Atomics.add reads first: that
    // maps the page of zeros, and replacing it interrupts the other processors.)
    for (; this.nextByte < end; this.nextByte += PAGE_BYTES) Atomics.compareExchange(cells, this.nextByte >>> 2, 0, 0);
  }

  /** Puts the next batch into the table; false when there is none, or the main thread is at the table. */
  private fill(): boolean {
    const { words } = this;
    if (Atomics.load(words, Word.FILLED) === Atomics.load(words, Word.POSTED)) return false;
    if (Atomics.compareExchange(words, Word.LOCK, Lock.FREE, Lock.HELD) !== Lock.FREE) return false;
    let lock: number = Lock.BROKEN;
    try {
      this.receive();
      const next = Atomics.load(words, Word.FILLED);
      if (next !== Atomics.load(words, Word.POSTED)) {
        this.filler.fill(this.arena, this.batches[next % this.batches.length]!);
        Atomics.store(words, Word.FILLED, next + 1);
      }
      lock = Lock.FREE;
    } finally {
      Atomics.store(words, Word.LOCK, lock);
      Atomics.notify(words, Word.LOCK);
    }
    return true;
  }
}

function sum({ path, sumBytes, words }: LoadHelperJob, helper: Helper): void {
  const crc = new Crc64();
  let state: number = SumState.FAILED;
  try {
    const fd = nodeDisk.open(path, 'read');
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      let at = 0;
      while (at < sumBytes) {
        helper.serve();
        const n = nodeDisk.read(fd, chunk, 0, Math.min(CHUNK_BYTES, sumBytes - at), at);
        if (n <= 0) return;
        crc.update(chunk, 0, n);
        at += n;
        Atomics.add(words, Word.CHUNKS, 1);
      }
    } finally {
      nodeDisk.close(fd);
    }
    words[Word.LOW] = crc.lo;
    words[Word.HIGH] = crc.hi;
    state = SumState.DONE;
  } finally {
    Atomics.store(words, Word.STATE, state);
    Atomics.notify(words, Word.STATE);
  }
}

function run(job: LoadHelperJob, port: MessagePort): void {
  const { words } = job;
  const helper = new Helper(port, words);
  if (job.sumBytes > 0) {
    try {
      sum(job, helper);
    } catch {
      // The state tells it.
    }
  }
  for (;;) {
    const calls = Atomics.load(words, Word.CALLS);
    helper.serve();
    Atomics.wait(words, Word.CALLS, calls);
  }
}

const job = workerData as LoadHelperJob | null;
if (job?.thread === 'load-helper' && parentPort !== null) run(job, parentPort);
