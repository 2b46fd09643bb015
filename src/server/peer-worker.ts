/**
 * The thread that talks to another server while the main thread waits (peer-link.ts). A job comes as a message; its outcome
 * goes back as one, and then the shared word is raised.
 */
import { createConnection } from 'node:net';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { PeerAnswer, PeerRequest } from '../commands/services.js';

export interface PeerThread {
  thread: 'peer';
  port: MessagePort;
  /** One word: 1 when an outcome has been sent. */
  flag: SharedArrayBuffer;
}

/** Errors of a connection that Redis meets only when it writes to it. */
const MET_BY_WRITE = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

function exchange({ host, port, timeoutMs, bytes, replies }: PeerRequest): Promise<PeerAnswer> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    let text = '';
    let connected = false;
    const socket = port > 0 && port < 65536 ? createConnection({ host, port }) : null;
    const end = (failed: PeerAnswer['failed']): void => {
      socket?.destroy();
      resolve({ replies: lines, failed });
    };
    if (socket === null) return end('write');
    // Of every step: the connection, and each piece that arrives.
    socket.setTimeout(timeoutMs, () => end(connected ? 'read' : 'connect'));
    socket.on('connect', () => {
      connected = true;
      socket.write(bytes);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (connected) end('read');
      else end(MET_BY_WRITE.includes(error.code ?? '') ? 'write' : 'connect');
    });
    socket.on('data', (data) => {
      const parts = (text + data.toString('latin1')).split('\r\n');
      text = parts.pop()!;
      lines.push(...parts);
      if (lines.length >= replies) end(null);
    });
    socket.on('close', () => end('read'));
  });
}

const job = workerData as PeerThread | null;
if (parentPort !== null && job?.thread === 'peer') {
  const flag = new Int32Array(job.flag);
  job.port.on('message', (request: PeerRequest) => {
    void exchange(request).then((answer) => {
      job.port.postMessage(answer);
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    });
  });
}
