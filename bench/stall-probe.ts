/**
 * Runs in a thread of its own: asks PING without a pause and keeps the longest answer, so that what the main thread is busy with
 * does not count. Messages: a port number begins; `longest` is answered with the longest since the last time, in milliseconds.
 */
import { createConnection } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const port = parentPort!;
const socket = createConnection(workerData as number, '127.0.0.1');
socket.setNoDelay(true);
let sentMs = 0;
let longestMs = 0;

function ask(): void {
  sentMs = performance.now();
  socket.write('PING\r\n');
}

socket.on('connect', ask);
socket.on('data', () => {
  longestMs = Math.max(longestMs, performance.now() - sentMs);
  setImmediate(ask);
});
port.on('message', () => {
  // One that still waits has waited so long already.
  port.postMessage(Math.max(longestMs, performance.now() - sentMs));
  longestMs = 0;
});
