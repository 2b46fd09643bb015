/** A disk in memory that just works, quickly. For one that fails and forgets see src/disk/faulty-disk.ts. */
import { dirname } from 'node:path';
import type { Disk, FileStat, OpenMode } from '../../src/disk/disk.js';

interface File {
  bytes: Buffer;
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' });
}

export class MemoryDisk implements Disk {
  private readonly files = new Map<string, File>();
  private readonly folders = new Set<string>(['/']);
  private readonly opened = new Map<number, File>();
  private nextFd = 3;

  /** Puts a file there, its folder included. */
  put(path: string, bytes: Uint8Array): void {
    this.folders.add(dirname(path));
    this.files.set(path, { bytes: Buffer.from(bytes) });
  }
  get(path: string): Buffer {
    const file = this.files.get(path);
    if (file === undefined) throw missing(path);
    return file.bytes;
  }
  clear(): void {
    this.files.clear();
    this.folders.clear();
    this.folders.add('/');
  }
  /** Files that nobody has closed. */
  get openFiles(): number {
    return this.opened.size;
  }

  open(path: string, mode: OpenMode): number {
    let file = this.files.get(path);
    if (file === undefined) {
      if (mode === 'read') throw missing(path);
      file = { bytes: Buffer.alloc(0) };
      this.files.set(path, file);
    }
    if (mode === 'create') file.bytes = Buffer.alloc(0);
    this.opened.set(this.nextFd, file);
    return this.nextFd++;
  }
  close(fd: number): void {
    this.opened.delete(fd);
  }
  read(fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
    const { bytes } = this.opened.get(fd)!;
    const n = Math.max(0, Math.min(len, bytes.length - at));
    buf.set(bytes.subarray(at, at + n), off);
    return n;
  }
  write(fd: number, buf: Uint8Array, off: number, len: number): number {
    return this.writeAt(fd, buf, off, len, this.size(fd));
  }
  writeAt(fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
    const file = this.opened.get(fd)!;
    const { bytes } = file;
    file.bytes = Buffer.concat([bytes.subarray(0, at), buf.subarray(off, off + len), bytes.subarray(at + len)]);
    return len;
  }
  async writeAsync(fd: number, buf: Uint8Array, off: number, len: number): Promise<number> {
    return this.write(fd, buf, off, len);
  }
  truncate(fd: number, bytes: number): void {
    const file = this.opened.get(fd)!;
    file.bytes = Buffer.from(file.bytes.subarray(0, bytes));
  }
  size(fd: number): number {
    return this.opened.get(fd)!.bytes.length;
  }
  sync(): void {}
  async syncAsync(): Promise<void> {}
  syncData(): void {}
  async syncDataAsync(): Promise<void> {}
  syncDir(): void {}
  async syncDirAsync(): Promise<void> {}

  rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined) throw missing(from);
    this.files.delete(from);
    this.files.set(to, file);
  }
  unlink(path: string): void {
    if (!this.files.delete(path)) throw missing(path);
  }
  async unlinkAsync(path: string): Promise<void> {
    this.unlink(path);
  }
  mkdir(path: string): void {
    this.folders.add(path);
  }
  list(path: string): string[] {
    const inside = `${path}/`;
    return [...this.files.keys()]
      .filter((name) => name.startsWith(inside))
      .map((name) => name.slice(inside.length))
      .sort();
  }
  stat(path: string): FileStat | null {
    if (this.folders.has(path)) return { bytes: 0, directory: true, modifiedMs: 0 };
    const file = this.files.get(path);
    return file === undefined ? null : { bytes: file.bytes.length, directory: false, modifiedMs: 0 };
  }
  claim(): () => void {
    return () => {};
  }
}
