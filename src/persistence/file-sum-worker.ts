/** The thread of file-sum.ts: sums a file and writes the result into shared words. */
import { workerData } from 'node:worker_threads';
import { Crc64 } from '../base/crc64.js';
import { nodeDisk } from '../disk/disk.js';
import { SumState } from './file-sum.js';

export interface FileSumJob {
  thread: 'file-sum';
  path: string;
  /** How many bytes from the file's start on. */
  bytes: number;
  words: Int32Array;
}

const CHUNK_BYTES = 1024 * 1024;

function run({ path, bytes, words }: FileSumJob): void {
  const crc = new Crc64();
  let state: number = SumState.FAILED;
  try {
    const fd = nodeDisk.open(path, 'read');
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      let at = 0;
      while (at < bytes) {
        const n = nodeDisk.read(fd, chunk, 0, Math.min(CHUNK_BYTES, bytes - at), at);
        if (n <= 0) return;
        crc.update(chunk, 0, n);
        at += n;
        Atomics.add(words, 3, 1);
      }
    } finally {
      nodeDisk.close(fd);
    }
    words[1] = crc.lo;
    words[2] = crc.hi;
    state = SumState.DONE;
  } finally {
    Atomics.store(words, 0, state);
    Atomics.notify(words, 0);
  }
}

const job = workerData as FileSumJob | null;
if (job?.thread === 'file-sum') run(job);
