/**
 * A RESP client for tests: exact replies, raw bytes in and out, no reconnecting, no conversions.
 *
 *   const c = await RespClient.connect(server.port);
 *   await c.ask('SET', 'k', 'v')            -> 'OK'        (plain value; an error reply is thrown as ReplyError)
 *   await c.call('GET', 'k')                -> { mark: '$', bytes: <Buffer 76>, items: null }
 *   c.write('*1\r\n$4\r\nPI'); ...          raw bytes; `next()` and `nextRaw()` take what comes back, in order
 */
import { createConnection, type Socket } from 'node:net';
import { decodeReply, type Plain, plain, type Reply, replyEnd } from './reply.js';

export type Arg = string | number | bigint | Uint8Array;

/** A command as RESP. Strings go as UTF-8. */
export function encodeCommand(args: readonly Arg[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes =
      arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}
const CRLF = Buffer.from('\r\n');

/** The server closed the connection, or never answered. */
export class ConnectionClosed extends Error {
  override name = 'ConnectionClosed';
}

interface Waiter {
  resolve: (raw: Buffer) => void;
  reject: (error: Error) => void;
}

export class RespClient {
  /** How long `next` waits before it gives up on the server. */
  replyTimeoutMs = 30_000;
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0;
  private arrived: Buffer[] = [];
  private waiters: Waiter[] = [];
  private chunks: Buffer[] | null = null;
  private ended: Error | null = null;
  private readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', (error) => this.finish(error));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.finish(new ConnectionClosed('the server closed the connection'));
        resolve();
      });
    });
  }

  /** A TCP port on the loopback address, or the path of a unix socket. */
  static connect(target: number | string): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket = typeof target === 'number' ? createConnection(target, '127.0.0.1') : createConnection(target);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RespClient(socket));
      });
    });
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next reply (or push), as bytes. */
  nextRaw(): Promise<Buffer> {
    const first = this.arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.ended !== null) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        reject(new ConnectionClosed(`no reply within ${this.replyTimeoutMs} ms`));
      }, this.replyTimeoutMs);
      const waiter: Waiter = {
        resolve: (raw) => {
          clearTimeout(timer);
          resolve(raw);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.waiters.push(waiter);
    });
  }

  async next(): Promise<Reply> {
    return decodeReply(await this.nextRaw());
  }

  call(...args: Arg[]): Promise<Reply> {
    this.write(encodeCommand(args));
    return this.next();
  }

  async ask(...args: Arg[]): Promise<Plain> {
    return plain(await this.call(...args));
  }

  /** Sends all commands in one write; resolves to their raw replies. */
  async pipeline(commands: readonly (readonly Arg[])[]): Promise<Buffer[]> {
    this.write(Buffer.concat(commands.map(encodeCommand)));
    const replies: Buffer[] = [];
    for (let i = 0; i < commands.length; i++) replies.push(await this.nextRaw());
    return replies;
  }

  /** From now on `captured()` returns every byte that arrives (and clears). */
  capture(): void {
    this.chunks = [];
  }
  captured(): Buffer {
    const bytes = Buffer.concat(this.chunks ?? []);
    this.chunks = [];
    return bytes;
  }

  /** Resolves when the server has closed the connection. */
  waitClosed(): Promise<void> {
    return this.closed;
  }

  /** Ends the connection at once, from our side. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private receive(chunk: Buffer): void {
    this.chunks?.push(chunk);
    this.buffer = this.start === this.buffer.length ? chunk : Buffer.concat([this.buffer.subarray(this.start), chunk]);
    this.start = 0;
    try {
      for (;;) {
        const end = this.start === this.buffer.length ? -1 : replyEnd(this.buffer, this.start);
        if (end < 0) return;
        const raw = this.buffer.subarray(this.start, end);
        this.start = end;
        const waiter = this.waiters.shift();
        if (waiter === undefined) this.arrived.push(raw);
        else waiter.resolve(raw);
      }
    } catch (error) {
      this.finish(error as Error);
      this.socket.destroy();
    }
  }

  private finish(error: Error): void {
    this.ended ??= error;
    for (const waiter of this.waiters.splice(0)) waiter.reject(this.ended);
  }
}
