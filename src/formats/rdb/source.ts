/**
 * Where the bytes of an RDB file come from. Reading is synchronous: a reader that must not hold the event loop stops
 * between two keys instead.
 */
import { readSync } from 'node:fs';
import type { Crc64 } from '../../base/crc64.js';

export interface ByteSource {
  /** What errors call it: a path, or a description such as `DUMP payload`. */
  readonly name: string;
  /** Size of the whole input, where it is known. */
  readonly fileBytes?: number;
  /** Fills at most `len` bytes from `buf[off]` on and returns how many; 0 only at the end of the input. */
  read(buf: Uint8Array, off: number, len: number): number;
  /**
   * The CRC64 of the input's first `bytes` bytes, from whoever has summed them beside the reader; then the reader does not.
   * May wait for it.
   */
  crcOf?(bytes: number): Crc64;
}

/** An open file, read from `position` on. Closing the descriptor is the caller's. */
export class FileSource implements ByteSource {
  constructor(
    readonly name: string,
    private readonly fd: number,
    private position = 0,
  ) {}

  read(buf: Uint8Array, off: number, len: number): number {
    const bytes = readSync(this.fd, buf, off, len, this.position);
    this.position += bytes;
    return bytes;
  }
}

/** Bytes in memory, handed out in pieces of at most `chunk`: for tests of what happens at a refill. */
export class BytesSource implements ByteSource {
  private at = 0;

  constructor(
    readonly name: string,
    private readonly bytes: Uint8Array,
    private readonly chunk = Number.POSITIVE_INFINITY,
  ) {}

  read(buf: Uint8Array, off: number, len: number): number {
    const count = Math.min(len, this.chunk, this.bytes.length - this.at);
    buf.set(this.bytes.subarray(this.at, this.at + count), off);
    this.at += count;
    return count;
  }
}
