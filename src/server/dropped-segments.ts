/**
 * Segments that the arena has dropped. The kernel takes milliseconds to take 64 MiB back, and it would do so on the main thread,
 * within a garbage collection. So a thread shares every dropped buffer until the main thread's handles are collected, and then
 * ends; the memory goes with it.
 */
import { Worker } from 'node:worker_threads';
import { leaveLostFolder } from '../base/working-folder.js';

/** All that the thread does is to hold what it is sent. */
const HOLDS =
  "const held = []; require('node:worker_threads').parentPort.on('message', (buffer) => held.push(buffer));";

export class DroppedSegments {
  private worker: Worker | null = null;
  private buffers: WeakRef<SharedArrayBuffer>[] = [];

  take(buffer: SharedArrayBuffer): void {
    this.worker ??= this.start();
    this.worker?.postMessage(buffer);
    this.buffers.push(new WeakRef(buffer));
  }

  /** How many are not collected yet. */
  get count(): number {
    return this.buffers.length;
  }

  /** Once a second, not before a collection in the same turn: looking at a buffer keeps it until the turn's end. */
  look(): void {
    if (this.buffers.length === 0) return;
    this.buffers = this.buffers.filter((buffer) => buffer.deref() !== undefined);
    if (this.buffers.length === 0) this.stop();
  }

  /** Null: the system has no thread for it now, and the main thread must wait for the kernel. */
  private start(): Worker | null {
    let worker: Worker;
    try {
      leaveLostFolder();
      worker = new Worker(HOLDS, { eval: true });
    } catch {
      return null;
    }
    worker.unref();
    worker.on('error', () => {
      if (this.worker === worker) this.worker = null;
    });
    return worker;
  }

  stop(): void {
    void this.worker?.terminate();
    this.worker = null;
    this.buffers = [];
  }
}
