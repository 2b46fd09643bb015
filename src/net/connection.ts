/**
 * A connection: bytes in, bytes out. Two forms with one face: over the raw handle (fast), and over a `net.Socket` (where
 * Node's handles are not what we know; later TLS).
 *
 * Reading: all connections read into one buffer; what arrived must be used or copied before `data` returns.
 *
 * Writing: `write` gives a piece of the caller's buffer to the kernel. Mostly it takes all of it. When it does not:
 *
 *   write -> true       the buffer still holds bytes that are on their way: it must not be reused or changed
 *   write again         the piece is copied behind what waits, and the caller's buffer is free
 *
 * Invariants:
 *   1. Bytes go out in the order of the calls of `write`.
 *   2. After `ended` or `close` no event comes any more.
 */
import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { assert } from '../base/assert.js';
import { EOF, type RawHandle, type RawStreams, type WriteRequest } from './handle.js';
import { OutputQueue } from './output-queue.js';
import type { ReadRound } from './read-round.js';

export interface ConnectionEvents {
  /** `buf[0, len)` arrived; valid only during the call. */
  data(buf: Uint8Array, len: number): void;
  /** The peer has closed (null) or the connection broke (the error's name); nothing more arrives. `close` it. */
  ended(error: string | null): void;
  /** All that was written has been taken by the kernel, after some of it had to wait. */
  drained(): void;
}

export interface Connection {
  /** `address:port` of the peer and of our end; `path:0` for a unix socket. */
  readonly remote: string;
  readonly local: string;
  readonly fd: number;
  readonly isUnix: boolean;
  /** Bytes that the kernel has not taken yet, and in how many pieces they wait. */
  readonly pending: number;
  readonly pieces: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  events: ConnectionEvents;
  /** Starts reading. */
  start(): void;
  pause(): void;
  resume(): void;
  /** Sends `buf[start, end)`; true when `buf` must stay unchanged (give it up). */
  write(buf: Uint8Array, start: number, end: number): boolean;
  /** Closes at once; what waits is lost. */
  close(): void;
  /** Closes when all that was written is out. */
  closeFlushed(): void;
  setKeepAlive(seconds: number): void;
}

/** Whether the peer is on this machine. */
export function isLocal({ isUnix, remote }: Connection): boolean {
  return isUnix || /^(127\.|\[::1\]:)/.test(remote);
}

const IGNORE: ConnectionEvents = { data() {}, ended() {}, drained() {} };

export interface Endpoints {
  remote: string;
  local: string;
  isUnix: boolean;
}

/** A connection over Node's own handle. */
export class RawConnection implements Connection {
  readonly remote: string;
  readonly local: string;
  readonly isUnix: boolean;
  readonly fd: number;
  events = IGNORE;
  bytesRead = 0;
  bytesWritten = 0;

  private request: WriteRequest;
  private writing = false;
  /** Of the piece that is on its way. */
  private sending = 0;
  private readonly waiting = new OutputQueue();
  private closing = false;
  private closed = false;
  private reading = false;

  constructor(
    private readonly handle: RawHandle,
    private readonly streams: RawStreams,
    private readonly input: Uint8Array,
    private readonly round: ReadRound,
    ends: Endpoints,
  ) {
    this.remote = ends.remote;
    this.local = ends.local;
    this.isUnix = ends.isUnix;
    this.fd = handle.fd;
    this.request = streams.newRequest();
    handle.setNoDelay?.(true);
    handle.useUserBuffer(input);
    handle.onread = () => this.onRead();
  }

  get pending(): number {
    if (!this.writing || this.closed) return 0;
    return (this.handle.writeQueueSize ?? this.sending) + this.waiting.bytes;
  }
  get pieces(): number {
    return this.writing ? 1 + this.waiting.pieces : 0;
  }
  start(): void {
    this.resume();
  }
  pause(): void {
    if (this.closed || !this.reading) return;
    this.reading = false;
    this.handle.readStop();
  }
  resume(): void {
    if (this.closed || this.reading) return;
    this.reading = true;
    this.handle.readStart();
  }
  setKeepAlive(seconds: number): void {
    this.handle.setKeepAlive?.(seconds > 0, seconds);
  }

  private onRead(): void {
    const bytes = this.streams.bytesRead();
    if (bytes > 0) {
      this.bytesRead += bytes;
      if (!this.closing) this.events.data(this.input, bytes);
      if (bytes === this.input.length && !this.closed) this.round.filled(this);
    } else if (bytes < 0) {
      this.end(bytes === EOF ? null : errorName(bytes));
    }
  }

  write(buf: Uint8Array, start: number, end: number): boolean {
    if (this.closed) return false;
    this.bytesWritten += end - start;
    if (this.writing) {
      this.waiting.add(buf, start, end);
      return false;
    }
    return this.send(buf.subarray(start, end));
  }

  private send(bytes: Uint8Array): boolean {
    const { request } = this;
    const error = this.handle.writeBuffer(request, bytes);
    if (error < 0) {
      this.end(errorName(error));
      return false;
    }
    if (!this.streams.wasAsync()) return false;
    request.buffer = bytes;
    request.oncomplete = (status) => this.onWritten(status);
    this.request = this.streams.newRequest();
    this.writing = true;
    this.sending = bytes.length;
    return true;
  }

  private onWritten(status: number): void {
    if (this.closed) return;
    this.writing = false;
    if (status < 0) {
      this.end(errorName(status));
      return;
    }
    while (this.waiting.pieces > 0) {
      if (this.send(this.waiting.take())) return;
      if (this.closed) return;
    }
    if (this.closing) this.close();
    else this.events.drained();
  }

  private end(error: string | null): void {
    if (this.closed) return;
    if (this.closing) {
      if (error !== null) this.close();
      return;
    }
    this.pause();
    const { events } = this;
    if (error !== null) this.close();
    events.ended(error);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = IGNORE;
    this.waiting.clear();
    this.handle.close();
  }

  closeFlushed(): void {
    if (!this.writing) {
      this.close();
      return;
    }
    this.closing = true;
    this.events = IGNORE;
  }
}

function errorName(status: number): string {
  return getSystemErrorName(status);
}

/** A connection over an ordinary socket. */
export class SocketConnection implements Connection {
  readonly remote: string;
  readonly local: string;
  readonly isUnix: boolean;
  readonly fd: number;
  events = IGNORE;
  private closed = false;
  /** The socket's own `drain` comes only after much had to wait. */
  private readonly written = (): void => {
    if (this.pending === 0) this.events.drained();
  };

  constructor(
    private readonly socket: Socket,
    ends: Endpoints,
  ) {
    this.remote = ends.remote;
    this.local = ends.local;
    this.isUnix = ends.isUnix;
    this.fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      assert(typeof bytes !== 'string', 'the socket has no encoding');
      this.events.data(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), bytes.length);
    });
    socket.on('end', () => this.events.ended(null));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const { events } = this;
      this.close();
      events.ended(error.code ?? error.message);
    });
    socket.pause();
  }

  get pending(): number {
    return this.closed ? 0 : this.socket.writableLength;
  }
  get bytesRead(): number {
    return this.socket.bytesRead;
  }
  get bytesWritten(): number {
    return this.socket.bytesWritten;
  }
  get pieces(): number {
    return this.pending > 0 ? 1 : 0;
  }
  start(): void {
    this.socket.resume();
  }
  pause(): void {
    this.socket.pause();
  }
  resume(): void {
    this.socket.resume();
  }
  setKeepAlive(seconds: number): void {
    this.socket.setKeepAlive(seconds > 0, seconds * 1000);
  }
  write(buf: Uint8Array, start: number, end: number): boolean {
    if (this.closed) return false;
    this.socket.write(Buffer.from(buf.subarray(start, end)), this.written);
    return false;
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = IGNORE;
    this.socket.destroy();
  }
  closeFlushed(): void {
    if (this.closed) return;
    this.events = IGNORE;
    this.closed = true;
    this.socket.end(() => this.socket.destroy());
  }
}
