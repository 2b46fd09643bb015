/**
 * One file of the append-only log that is being appended to: its encoder, its size, its syncs. Policy is in append-log.ts.
 */
import { assert } from '../base/assert.js';
import type { Disk } from '../disk/disk.js';
import { LogEncoder } from '../formats/aof/log-encoder.js';
import type { Args } from '../formats/resp/args.js';

/** Bytes after which a write ends with a checksum line. */
const CHECKSUM_EVERY = 16384;

export class LogFile {
  readonly encoder = new LogEncoder();
  /** Bytes in the file, and of them known to be on disk. */
  bytes: number;
  syncedBytes: number;
  /** The sync that runs, and when it began. */
  syncing: Promise<void> | null = null;
  syncStartMs = 0;
  /** The next bytes need a line that says that checksums start here. */
  private strangerBefore: boolean;

  constructor(
    private readonly disk: Disk,
    readonly fd: number,
    private readonly checksums: () => boolean,
  ) {
    this.bytes = disk.size(fd);
    this.syncedBytes = this.bytes;
    this.strangerBefore = this.bytes > 0;
  }

  get dirty(): boolean {
    return this.bytes > this.syncedBytes;
  }

  append(db: number, args: Args, seconds: number): void {
    if (this.strangerBefore) {
      this.strangerBefore = false;
      if (this.checksums()) this.encoder.checksumReset();
    }
    this.encoder.effect(db, args, seconds);
  }

  /** Adds the checksum of what came since the last one. */
  seal(): void {
    if (this.checksums() && !this.strangerBefore) this.encoder.checksum();
  }

  /**
   * Writes the buffer. Throws what the disk throws, with the file cut back to where it was and the buffer as it was; or,
   * when cutting fails too, with the buffer holding what is still to be written.
   */
  flush(): void {
    const { encoder, disk } = this;
    if (this.checksums() && encoder.unchecked >= CHECKSUM_EVERY && !this.strangerBefore) encoder.checksum();
    const before = this.bytes;
    let done = 0;
    try {
      while (done < encoder.pos) {
        const n = disk.write(this.fd, encoder.buf, done, encoder.pos - done);
        if (n === 0) throw Object.assign(new Error('write returned 0'), { code: 'ENOSPC' });
        done += n;
      }
    } catch (error) {
      if (done > 0) this.cutBack(before, done);
      throw error;
    }
    this.bytes += done;
    encoder.drained(done);
  }

  private cutBack(to: number, written: number): void {
    try {
      this.disk.truncate(this.fd, to);
    } catch {
      this.bytes += written;
      this.encoder.drained(written);
    }
  }

  /** Syncs what is written now; at most one sync runs at a time. Rejects as the disk does. */
  sync(nowMs: number): Promise<void> {
    assert(this.syncing === null, 'one sync at a time');
    const bytes = this.bytes;
    this.syncStartMs = nowMs;
    const run = this.disk.syncDataAsync(this.fd).then(
      () => {
        this.syncing = null;
        this.syncedBytes = Math.max(this.syncedBytes, bytes);
      },
      (error: unknown) => {
        this.syncing = null;
        throw error;
      },
    );
    this.syncing = run;
    run.catch(() => {});
    return run;
  }

  /** Syncs what is written now, on this thread. Throws as the disk does. */
  syncNow(): void {
    assert(this.syncing === null, 'one sync at a time');
    this.disk.syncData(this.fd);
    this.syncedBytes = this.bytes;
  }

  /** Closes the descriptor once no sync uses it. */
  async close(): Promise<void> {
    await this.syncing?.catch(() => {});
    this.disk.close(this.fd);
  }
}
