/** What the process has of memory. Asking takes a file descriptor: when there is none left, what was known last is answered. */

/** Bytes, as `process.memoryUsage` tells them. */
export interface ProcessMemory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
}

let known: ProcessMemory = { rss: 0, heapUsed: 0, arrayBuffers: 0 };

export function processMemory(): ProcessMemory {
  try {
    known = process.memoryUsage();
  } catch {
    // EMFILE: clients, or the program around us, have them all.
  }
  return known;
}
