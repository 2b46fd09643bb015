/**
 * Talking to another server within one command: the main thread waits until a second thread has the answer. Only for MIGRATE,
 * which must be one step for all clients, as it is in Redis; everything else goes through the event loop.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { leaveLostFolder } from '../base/working-folder.js';
import type { PeerAnswer, PeerRequest } from '../commands/services.js';
import type { PeerThread } from './peer-worker.js';

/** What the thread may take beyond the timeouts of its own. */
const GRACE_MS = 5000;

export class PeerLink {
  private worker: Worker | null = null;
  private port: MessagePort | null = null;
  private readonly flag = new Int32Array(new SharedArrayBuffer(4));

  exchange(request: PeerRequest): PeerAnswer {
    const port = this.port ?? this.start();
    Atomics.store(this.flag, 0, 0);
    port.postMessage(request);
    // Each reply may take the whole timeout.
    Atomics.wait(this.flag, 0, 0, request.timeoutMs * (request.replies + 1) + GRACE_MS);
    const received = receiveMessageOnPort(port) as { message: PeerAnswer } | undefined;
    if (received !== undefined) return received.message;
    this.stop();
    return { replies: [], failed: 'read' };
  }

  /** The thread starts with the first exchange. */
  private start(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const job: PeerThread = { thread: 'peer', port: port2, flag: this.flag.buffer as SharedArrayBuffer };
    leaveLostFolder();
    this.worker = new Worker(workerUrl(), { workerData: job, transferList: [port2] });
    this.worker.on('error', () => this.stop());
    this.worker.unref();
    port1.unref();
    this.port = port1;
    return port1;
  }

  stop(): void {
    void this.worker?.terminate();
    this.port?.close();
    this.worker = null;
    this.port = null;
  }
}

/** Workers run compiled code, also when a test runs this file as it is. */
function workerUrl(): URL {
  const compiled = import.meta.url.endsWith('.js');
  return new URL(compiled ? './peer-worker.js' : '../../dist/server/peer-worker.js', import.meta.url);
}
