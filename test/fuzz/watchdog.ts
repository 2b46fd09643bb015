/**
 * Ends a process that hangs, and says on which input: a thread of its own, for the one that hangs can say nothing.
 *
 * The input's number and bytes stand in shared memory while it runs.
 */
import { Worker } from 'node:worker_threads';

const BYTES_MAX = 256 * 1024;
/** Words before the bytes: runs (odd while one is under way), number of the input, bytes of the input. */
const HEAD_WORDS = 3;

/** Plain JavaScript: a thread that needs nothing loaded. */
const THREAD = `
const { workerData } = require('node:worker_threads');
const fs = require('node:fs');
const words = new Int32Array(workerData.shared, 0, ${HEAD_WORDS});
const bytes = Buffer.from(workerData.shared, ${HEAD_WORDS * 4});
let seen = -1;
let since = 0;
setInterval(() => {
  const runs = Atomics.load(words, 0);
  if (runs !== seen || runs % 2 === 0) {
    seen = runs;
    since = process.cpuUsage().user;
    return;
  }
  // Time of the processor, not on the wall: a busy machine is no hang.
  if (process.cpuUsage().user - since < workerData.limitMs * 1000) return;
  const input = bytes.subarray(0, Math.min(words[2], bytes.length)).toString('hex');
  fs.writeSync(2, '\\nHANG: ' + workerData.what + ', input ' + words[1] + ': ' + input + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 250);
`;

export class Watchdog {
  private readonly shared = new SharedArrayBuffer(HEAD_WORDS * 4 + BYTES_MAX);
  private readonly words = new Int32Array(this.shared, 0, HEAD_WORDS);
  private readonly bytes = new Uint8Array(this.shared, HEAD_WORDS * 4);
  private readonly thread: Worker;

  /** @param what what runs, with all that repeats it but the input's number */
  constructor(what: string, limitMs: number) {
    const { shared } = this;
    this.thread = new Worker(THREAD, { eval: true, workerData: { shared, what, limitMs } });
    this.thread.unref();
  }

  begin(input: number, bytes: Uint8Array): void {
    this.words[1] = input;
    this.words[2] = bytes.length;
    this.bytes.set(bytes.subarray(0, BYTES_MAX));
    Atomics.add(this.words, 0, 1);
  }

  end(): void {
    Atomics.add(this.words, 0, 1);
  }

  async stop(): Promise<void> {
    await this.thread.terminate();
  }
}
