/** The thread of load-helper.ts: touches pages when asked, and sums a file between. Runs until it is terminated. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Crc64 } from '../base/crc64.js';
import { nodeDisk } from '../disk/disk.js';
import { SumState, Word } from './load-helper.js';

export interface LoadHelperJob {
  thread: 'load-helper';
  path: string;
  /** How many bytes to sum from the file's start on. */
  sumBytes: number;
  words: Int32Array;
}

/** Message: pages are to be touched in another segment from here on. */
export interface NewSegment {
  buffer: SharedArrayBuffer;
  /** The first byte that is worth it. */
  from: number;
}

const CHUNK_BYTES = 1024 * 1024;
/** The smallest page there is. */
const PAGE_BYTES = 4096;

/** Touches pages in the order in which the arena comes to them. */
class Toucher {
  private cells: Int32Array = new Int32Array(0);
  private next = 0;

  constructor(
    private readonly port: MessagePort,
    private readonly words: Int32Array,
  ) {}

  /** Touches what is wanted by now. */
  run(): void {
    const { port, words } = this;
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      const { buffer, from } = got.message as NewSegment;
      this.cells = new Int32Array(buffer);
      this.next = from;
    }
    const { cells } = this;
    const end = Math.min(Atomics.load(words, Word.WANTED), cells.byteLength);
    // A write, so the page is made, which leaves alone what the main thread may be writing there. (Atomics.add reads first: that
    // maps the page of zeros, and replacing it interrupts the other processors.)
    for (; this.next < end; this.next += PAGE_BYTES) Atomics.compareExchange(cells, this.next >>> 2, 0, 0);
  }
}

function sum({ path, sumBytes, words }: LoadHelperJob, toucher: Toucher): void {
  const crc = new Crc64();
  let state: number = SumState.FAILED;
  try {
    const fd = nodeDisk.open(path, 'read');
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      let at = 0;
      while (at < sumBytes) {
        toucher.run();
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
  const toucher = new Toucher(port, words);
  if (job.sumBytes > 0) {
    try {
      sum(job, toucher);
    } catch {
      // The state tells it.
    }
  }
  for (;;) {
    const wanted = Atomics.load(words, Word.WANTED);
    toucher.run();
    Atomics.wait(words, Word.WANTED, wanted);
  }
}

const job = workerData as LoadHelperJob | null;
if (job?.thread === 'load-helper' && parentPort !== null) run(job, parentPort);
