/**
 * The few file operations that persistence relies on. Everything that must survive a crash goes through a Disk, so that
 * tests can put a disk in its place that loses what was not synced and fails where it is told to (faulty-disk.ts).
 *
 * What callers may count on, and no more:
 *   1. `write` appends to a file opened with `create`; `writeAt` writes anywhere. Both may write fewer bytes than asked.
 *      A power cut leaves of what was written over other bytes and not synced any of its sectors, old or new.
 *   2. Bytes are on disk after `sync` or `syncData` of the file has succeeded, not before. A sync that failed says
 *      nothing about the bytes written before it, and a later one that succeeds says nothing about them either.
 *   3. A name (made, renamed, unlinked) is on disk after `syncDir` of its directory.
 *   4. `rename` replaces its target at once: no crash shows half of it.
 *
 * Methods are synchronous; those that end in `Async` run in the thread pool. All throw node's errors (`error.code` ENOSPC,
 * EIO, ...). Paths are whatever the process's file system takes.
 */
import * as fs from 'node:fs';
import { claimName } from './claim.js';

/** `read`: must exist. `update`: to read and to write at places, made when missing. `create`: to append, emptied first. */
export type OpenMode = 'read' | 'update' | 'create';

export interface FileStat {
  bytes: number;
  directory: boolean;
  /** Milliseconds since 1970. */
  modifiedMs: number;
}

export interface Disk {
  open(path: string, mode: OpenMode): number;
  close(fd: number): void;
  /** Reads up to `len` bytes from byte `at` of the file into `buf[off]`; 0 at the file's end. */
  read(fd: number, buf: Uint8Array, off: number, len: number, at: number): number;
  /** Appends and returns how many bytes were written: possibly fewer than `len`. */
  write(fd: number, buf: Uint8Array, off: number, len: number): number;
  /** Writes at byte `at` of the file, over what is there or behind it, and returns how many bytes were written. */
  writeAt(fd: number, buf: Uint8Array, off: number, len: number, at: number): number;
  writeAsync(fd: number, buf: Uint8Array, off: number, len: number): Promise<number>;
  /** Cuts the file to `bytes`. */
  truncate(fd: number, bytes: number): void;
  sync(fd: number): void;
  syncAsync(fd: number): Promise<void>;
  /** As sync, without times of access and change. */
  syncData(fd: number): void;
  syncDataAsync(fd: number): Promise<void>;
  /** Bytes of an open file. */
  size(fd: number): number;

  rename(from: string, to: string): void;
  unlink(path: string): void;
  unlinkAsync(path: string): Promise<void>;
  /** Makes a directory in one that exists; nothing happens when it is there. Its parent is not synced. */
  mkdir(path: string): void;
  syncDir(path: string): void;
  syncDirAsync(path: string): Promise<void>;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  /** Null when there is no such file. */
  stat(path: string): FileStat | null;
  /** Takes a name within a directory, of which one server has it at a time. Returns what gives it back; null: it is taken. */
  claim(directory: string, name: string): (() => void) | null;
}

const FLAGS: Record<OpenMode, string | number> = {
  // One end of a pipe would wait for the other, and the event loop with it.
  read: fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0),
  update: fs.constants.O_RDWR | fs.constants.O_CREAT,
  create: 'w',
};

class NodeDisk implements Disk {
  open(path: string, mode: OpenMode): number {
    return fs.openSync(path, FLAGS[mode], 0o644);
  }
  close(fd: number): void {
    fs.closeSync(fd);
  }
  read(fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
    return fs.readSync(fd, buf, off, len, at);
  }
  write(fd: number, buf: Uint8Array, off: number, len: number): number {
    return fs.writeSync(fd, buf, off, len);
  }
  writeAt(fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
    return fs.writeSync(fd, buf, off, len, at);
  }
  writeAsync(fd: number, buf: Uint8Array, off: number, len: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(fd, buf, off, len, null, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
    });
  }
  truncate(fd: number, bytes: number): void {
    fs.ftruncateSync(fd, bytes);
  }
  sync(fd: number): void {
    fs.fsyncSync(fd);
  }
  syncAsync(fd: number): Promise<void> {
    return new Promise((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve())));
  }
  syncData(fd: number): void {
    fs.fdatasyncSync(fd);
  }
  syncDataAsync(fd: number): Promise<void> {
    return new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve())));
  }
  size(fd: number): number {
    return fs.fstatSync(fd).size;
  }
  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  }
  unlink(path: string): void {
    fs.unlinkSync(path);
  }
  unlinkAsync(path: string): Promise<void> {
    return new Promise((resolve, reject) => fs.unlink(path, (error) => (error ? reject(error) : resolve())));
  }
  mkdir(path: string): void {
    if (this.stat(path)?.directory) return;
    fs.mkdirSync(path, { mode: 0o755 });
  }
  syncDir(path: string): void {
    const fd = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(fd);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
    } finally {
      fs.closeSync(fd);
    }
  }
  async syncDirAsync(path: string): Promise<void> {
    const fd = fs.openSync(path, 'r');
    try {
      await this.syncAsync(fd);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
    } finally {
      fs.closeSync(fd);
    }
  }
  list(path: string): string[] {
    return fs.readdirSync(path).sort();
  }
  stat(path: string): FileStat | null {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    return { bytes: stat.size, directory: stat.isDirectory(), modifiedMs: stat.mtimeMs };
  }
  claim(directory: string, name: string): (() => void) | null {
    return claimName(directory, name);
  }
}

/** Some file systems (of other machines, mounted) know no fsync of a directory; there is nothing to wait for then. */
function isUnsupported(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'EINVAL' || code === 'EBADF' || code === 'EISDIR' || code === 'EPERM';
}

/** `ENOSPC`, `EIO`, ... or '' for an error that is none of the system's. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** The machine's own disk. */
export const nodeDisk: Disk = new NodeDisk();
