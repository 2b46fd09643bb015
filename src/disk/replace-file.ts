/**
 * Writing and replacing whole files.
 *
 * Replacing goes: temporary file beside the target, write, fsync, rename, fsync of the directory. A crash at any step
 * leaves the old file or the new one under the name, never a part; at most a temporary file is left over, which the
 * next start removes.
 */
import { dirname } from 'node:path';
import { strerror } from '../base/strerror.js';
import { type Disk, errorCode } from './disk.js';

/** Appends all of `bytes`, however many writes that takes. */
export function writeAll(disk: Disk, fd: number, bytes: Uint8Array): void {
  for (let off = 0; off < bytes.length; ) off += disk.write(fd, bytes, off, bytes.length - off);
}

export async function writeAllAsync(disk: Disk, fd: number, bytes: Uint8Array): Promise<void> {
  for (let off = 0; off < bytes.length; ) off += await disk.writeAsync(fd, bytes, off, bytes.length - off);
}

/** The content of a file; null when there is none. */
export function readFile(disk: Disk, path: string): Buffer | null {
  const stat = disk.stat(path);
  if (stat === null) return null;
  const fd = disk.open(path, 'read');
  try {
    const bytes = Buffer.alloc(stat.bytes);
    let have = 0;
    while (have < bytes.length) {
      const n = disk.read(fd, bytes, have, bytes.length - have, have);
      if (n === 0) break;
      have += n;
    }
    return bytes.subarray(0, have);
  } finally {
    disk.close(fd);
  }
}

/** The file has its name, but the disk did not confirm it: after a power cut the old one may be there. */
export class RenameUnsure extends Error {
  override name = 'RenameUnsure';
  /** The system's code for what went wrong. */
  readonly code: string;
  constructor(cause: unknown) {
    super(strerror(cause), { cause });
    this.code = errorCode(cause);
  }
}

/**
 * Puts `content` under `path`, durable when this returns. `temp` is a path in the same directory. On failure the old
 * file stands and `temp` is gone; RenameUnsure is thrown when only the last step failed.
 */
export function replaceFile(disk: Disk, path: string, temp: string, content: Uint8Array): void {
  try {
    const fd = disk.open(temp, 'create');
    try {
      writeAll(disk, fd, content);
      disk.syncData(fd);
    } finally {
      disk.close(fd);
    }
    disk.rename(temp, path);
  } catch (error) {
    removeQuietly(disk, temp);
    throw error;
  }
  try {
    disk.syncDir(dirname(path));
  } catch (error) {
    throw new RenameUnsure(error);
  }
}

/** As `replaceFile`, with the waiting done in the thread pool. */
export async function replaceFileAsync(disk: Disk, path: string, temp: string, content: Uint8Array): Promise<void> {
  try {
    const fd = disk.open(temp, 'create');
    try {
      await writeAllAsync(disk, fd, content);
      await disk.syncDataAsync(fd);
    } finally {
      disk.close(fd);
    }
    disk.rename(temp, path);
  } catch (error) {
    removeQuietly(disk, temp);
    throw error;
  }
  try {
    await disk.syncDirAsync(dirname(path));
  } catch (error) {
    throw new RenameUnsure(error);
  }
}

/** For files whose leaving over harms nobody. */
export function removeQuietly(disk: Disk, path: string): void {
  try {
    if (disk.stat(path) !== null) disk.unlink(path);
  } catch {
    // The next start tries again.
  }
}
