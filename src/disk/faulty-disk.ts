/**
 * A disk in memory for tests, that forgets what was not synced and fails where it is told to.
 *
 * It keeps two states: what a running process sees, and what a power cut would leave.
 *
 *   file        now: the bytes as written      durable: the bytes at the last sync      between: the operations since
 *   directory   now: names                     durable: names at the last syncDir       between: the operations since
 *
 * `kill()` ends the process: what it saw stays. `powerCut(random)` keeps what is durable and, of each file's and
 * directory's operations since, what `random` chooses: of a file the first few, the last of them in part, and possibly
 * zeros up to the length that it had; of names each by itself, in any combination.
 *
 * A sync that fails loses, as in Linux, what was written since the last one: a later sync that succeeds leaves in its place
 * what is durable there, or zeros.
 *
 * `fault` is asked before every operation. After 'crash' nothing works any more; the next process has the disk that
 * `powerCut` or `kill` returns.
 */
import { posix } from 'node:path';
import type { Disk, FileStat, OpenMode } from './disk.js';

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'unlink'
  | 'mkdir'
  | 'syncDir'
  | 'close';

/** What goes wrong: an errno, a write of fewer bytes, or the end of the machine at this operation. */
export type Fault = { code: string } | { short: number } | 'crash';

/** `number` counts the operations that change something, from 1; reads have the number of the one before. */
export type FaultFunction = (operation: DiskOperation, path: string, number: number) => Fault | null;

/** A number in [0, 1). */
export type Random = () => number;

/** A seeded generator (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The machine is off: thrown by every operation from the crash on. */
export class PowerLoss extends Error {
  override name = 'PowerLoss';
}

type FileOperation = { bytes: Uint8Array; at: number } | { truncate: number };

const SECTOR = 512;

class FileNode {
  data: Uint8Array = new Uint8Array(64);
  bytes = 0;
  durable: Uint8Array = new Uint8Array(0);
  since: FileOperation[] = [];
  /** Operations before the first of `since`. */
  sinceFrom = 0;
  /** Ranges [from, to) that a failed sync has lost. */
  lost: [number, number][] = [];
  modifiedMs = 0;

  write(bytes: Uint8Array, at: number): void {
    this.data = overwritten(this.data, bytes, at);
    this.bytes = Math.max(this.bytes, at + bytes.length);
    this.since.push({ bytes: new Uint8Array(bytes), at });
  }

  truncate(bytes: number): void {
    if (bytes > this.bytes) this.write(new Uint8Array(bytes - this.bytes), this.bytes);
    this.data.fill(0, bytes, this.bytes);
    this.bytes = bytes;
    this.lost = this.lost.filter(([from]) => from < bytes).map(([from, to]) => [from, Math.min(to, bytes)]);
    this.since.push({ truncate: bytes });
  }

  /** What a sync that begins now will make durable. */
  image(): Uint8Array {
    return this.withoutLost(this.data.slice(0, this.bytes), this.lost);
  }

  /** Puts in place of ranges what is durable there, or zeros. */
  withoutLost(content: Uint8Array, lost: readonly [number, number][]): Uint8Array {
    for (const [from, to] of lost) {
      if (from >= content.length) continue;
      content.fill(0, from, to);
      content.set(this.durable.subarray(from, Math.min(to, content.length)), from);
    }
    return content;
  }

  load(content: Uint8Array): void {
    this.data = new Uint8Array(content);
    this.bytes = content.length;
    this.durable = new Uint8Array(content);
    this.since = [];
    this.lost = [];
  }

  /** The content that a power cut leaves. */
  afterPowerCut(random: Random): Uint8Array {
    if (this.since.length === 0) return this.durable;
    const kept = Math.floor(random() * (this.since.length + 1));
    let image: Uint8Array = new Uint8Array(this.durable);
    for (const operation of this.since.slice(0, kept)) image = applied(image, operation);
    let content = Buffer.from(image);
    this.since.slice(kept).forEach((operation, i) => {
      image = applied(image, operation);
      if ('truncate' in operation) return;
      const { bytes, at } = operation;
      const sectorsTo = Math.min(at + bytes.length, content.length, image.length);
      for (let from = at - (at % SECTOR); from < sectorsTo; from += SECTOR) {
        if (random() < 0.5) {
          // Behind the end of a file that was cut there are zeros.
          const to = Math.min(from + SECTOR, content.length);
          content.fill(0, from, to);
          content.set(image.subarray(from, to), from);
        }
      }
      if (i > 0 || at + bytes.length <= content.length) return;
      const most = at + bytes.length - content.length;
      const more = image.subarray(content.length, content.length + Math.floor(random() * most));
      content = Buffer.concat([content, more]);
    });
    if (content.length < this.bytes && random() < 0.25) {
      const zeros = Math.floor(random() * (this.bytes - content.length)) + 1;
      content = Buffer.concat([content, new Uint8Array(zeros)]);
    }
    return this.withoutLost(content, this.lost);
  }
}

/** `content` with `bytes` at `at`: itself where they have room in it, or a larger copy. */
function overwritten(content: Uint8Array, bytes: Uint8Array, at: number): Uint8Array {
  let out = content;
  if (at + bytes.length > content.length) {
    out = new Uint8Array(Math.max(content.length * 2, at + bytes.length));
    out.set(content);
  }
  out.set(bytes, at);
  return out;
}

function rangeOf(operation: FileOperation): [number, number][] {
  return 'truncate' in operation ? [] : [[operation.at, operation.at + operation.bytes.length]];
}

/** A content after an operation; it may be changed in place. */
function applied(content: Uint8Array, operation: FileOperation): Uint8Array {
  if ('truncate' in operation) return content.slice(0, operation.truncate);
  const { bytes, at } = operation;
  const length = Math.max(content.length, at + bytes.length);
  return overwritten(content, bytes, at).slice(0, length);
}

class DirNode {
  entries = new Map<string, Node>();
  durable = new Map<string, Node>();
}

type Node = FileNode | DirNode;

/** One operation on names: all of its assignments happen or none. */
type NameOperation = { dir: DirNode; name: string; node: Node | null }[];

interface OpenFile {
  node: FileNode;
  path: string;
  mode: OpenMode;
}

export class FaultyDisk implements Disk {
  fault: FaultFunction = () => null;
  /** Decides at a crash whether the operation itself still happened. */
  random: Random = seededRandom(1);
  /** Operations so far that change something. */
  operations = 0;
  /** Closing what is not open: in a real process the number may be another file's or a socket's. */
  badCloses = 0;
  /** From a crash on. */
  off = false;

  private root = new DirNode();
  private pending: NameOperation[] = [];
  private open_ = new Map<number, OpenFile>();
  private claimed = new Set<string>();
  private nextFd = 100;
  private clock = 1_700_000_000_000;

  // --- the end of a process or of the machine ----------------------------------------------------------------------

  /** Ends the process. Returns the disk for the next one; on this one nothing works any more. */
  kill(): FaultyDisk {
    const next = new FaultyDisk();
    next.root = this.root;
    next.pending = this.pending;
    next.clock = this.clock;
    this.off = true;
    return next;
  }

  /** Ends the machine, as `kill` ends the process. */
  powerCut(random: Random): FaultyDisk {
    const next = this.kill();
    next.settle(random);
    return next;
  }

  private settle(random: Random): void {
    for (const operation of this.pending) {
      if (random() < 0.5) applyNames(operation, 'durable');
    }
    this.pending = [];
    const seen = new Set<Node>();
    const settle = (dir: DirNode): void => {
      seen.add(dir);
      dir.entries = new Map(dir.durable);
      for (const node of dir.entries.values()) {
        if (seen.has(node)) continue;
        seen.add(node);
        if (node instanceof DirNode) settle(node);
        else node.load(node.afterPowerCut(random));
      }
    };
    settle(this.root);
  }

  // --- Disk --------------------------------------------------------------------------------------------------------

  open(path: string, mode: OpenMode): number {
    const found = this.find(path);
    if (found instanceof DirNode) throw systemError('EISDIR', path);
    if (mode === 'read') {
      this.check('open', path);
      if (found === null) throw systemError('ENOENT', path);
      return this.newFd(found, path, mode);
    }
    let fd = 0;
    // Opening what exists changes nothing unless it empties it.
    if (found !== null && (mode === 'update' || found.bytes === 0)) {
      this.check('open', path);
      return this.newFd(found, path, mode);
    }
    this.perform('open', path, () => {
      let node = found;
      if (node === null) {
        const [dir, name] = this.parent(path);
        node = new FileNode();
        this.names([{ dir, name, node }]);
      } else {
        node.truncate(0);
      }
      node.modifiedMs = this.clock++;
      fd = this.newFd(node, path, mode);
    });
    return fd;
  }

  close(fd: number): void {
    const file = this.open_.get(fd);
    if (this.open_.delete(fd) || this.off) {
      // As in Linux the number is free also when closing fails.
      if (file !== undefined && file.mode !== 'read' && !this.off) this.check('close', file.path);
      return;
    }
    this.badCloses++;
    throw systemError('EBADF', `fd ${fd}`);
  }

  read(fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
    const { node, path } = this.file(fd);
    this.check('read', path);
    const n = Math.max(0, Math.min(len, node.bytes - at));
    buf.set(node.data.subarray(at, at + n), off);
    return n;
  }

  write(fd: number, buf: Uint8Array, off: number, len: number): number {
    const { node, path, mode } = this.file(fd);
    if (mode !== 'create') throw systemError('EBADF', path);
    return this.writeAt(fd, buf, off, len, node.bytes);
  }

  writeAt(fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
    const { node, path, mode } = this.file(fd);
    if (mode === 'read') throw systemError('EBADF', path);
    let written = len;
    this.perform(
      'write',
      path,
      () => {
        node.write(buf.subarray(off, off + written), at);
        node.modifiedMs = this.clock++;
      },
      (short) => {
        written = Math.min(short, len);
      },
    );
    return written;
  }

  async writeAsync(fd: number, buf: Uint8Array, off: number, len: number): Promise<number> {
    await later();
    return this.write(fd, buf, off, len);
  }

  truncate(fd: number, bytes: number): void {
    const { node, path } = this.file(fd);
    this.perform('truncate', path, () => node.truncate(bytes));
  }

  sync(fd: number): void {
    const { node, path } = this.file(fd);
    const finish = this.beginSync(node);
    this.perform(
      'sync',
      path,
      () => finish(true),
      undefined,
      () => finish(false),
    );
  }

  async syncAsync(fd: number): Promise<void> {
    const { node, path } = this.file(fd);
    const finish = this.beginSync(node);
    await later();
    this.perform(
      'sync',
      path,
      () => finish(true),
      undefined,
      () => finish(false),
    );
  }

  syncData(fd: number): void {
    this.sync(fd);
  }
  syncDataAsync(fd: number): Promise<void> {
    return this.syncAsync(fd);
  }

  size(fd: number): number {
    return this.file(fd).node.bytes;
  }

  rename(from: string, to: string): void {
    const node = this.find(from);
    if (node === null) throw systemError('ENOENT', from);
    this.perform('rename', to, () => {
      const [fromDir, fromName] = this.parent(from);
      const [toDir, toName] = this.parent(to);
      this.names([
        { dir: fromDir, name: fromName, node: null },
        { dir: toDir, name: toName, node },
      ]);
      for (const file of this.open_.values()) if (file.node === node) file.path = to;
    });
  }

  unlink(path: string): void {
    if (this.find(path) === null) throw systemError('ENOENT', path);
    this.perform('unlink', path, () => {
      const [dir, name] = this.parent(path);
      this.names([{ dir, name, node: null }]);
    });
  }

  async unlinkAsync(path: string): Promise<void> {
    await later();
    this.unlink(path);
  }

  mkdir(path: string): void {
    const found = this.find(path);
    if (found instanceof DirNode) {
      this.check('mkdir', path);
      return;
    }
    if (found !== null) throw systemError('EEXIST', path);
    this.parent(path);
    this.perform('mkdir', path, () => {
      const [dir, name] = this.parent(path);
      this.names([{ dir, name, node: new DirNode() }]);
    });
  }

  syncDir(path: string): void {
    const dir = this.directory(path);
    this.perform('syncDir', path, () => {
      this.pending = this.pending.filter((operation) => {
        if (!operation.some((assignment) => assignment.dir === dir)) return true;
        applyNames(operation, 'durable');
        return false;
      });
    });
  }

  async syncDirAsync(path: string): Promise<void> {
    await later();
    this.syncDir(path);
  }

  list(path: string): string[] {
    this.check('read', path);
    return [...this.directory(path).entries.keys()].sort();
  }

  stat(path: string): FileStat | null {
    this.check('read', path);
    const node = this.find(path);
    if (node === null) return null;
    if (node instanceof DirNode) return { bytes: 0, directory: true, modifiedMs: 0 };
    return { bytes: node.bytes, directory: false, modifiedMs: node.modifiedMs };
  }

  claim(directory: string, name: string): (() => void) | null {
    const key = `${directory} ${name}`;
    if (this.claimed.has(key)) return null;
    this.claimed.add(key);
    return () => this.claimed.delete(key);
  }

  // --- for tests ---------------------------------------------------------------------------------------------------

  /** Puts a file on the disk, durable, with the directories that lead to it. */
  put(path: string, content: string | Uint8Array): void {
    let dir = this.root;
    const names = posix.resolve('/', path).split('/').slice(1);
    for (const name of names.slice(0, -1)) {
      let next = dir.entries.get(name);
      if (!(next instanceof DirNode)) {
        next = new DirNode();
        dir.entries.set(name, next);
        dir.durable.set(name, next);
      }
      dir = next;
    }
    const node = new FileNode();
    node.load(typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    node.modifiedMs = this.clock++;
    dir.entries.set(names.at(-1)!, node);
    dir.durable.set(names.at(-1)!, node);
  }

  /** A file's bytes as the process sees them; null when there is none. */
  content(path: string): Buffer | null {
    const node = this.find(path);
    return node instanceof FileNode ? Buffer.from(node.data.slice(0, node.bytes)) : null;
  }

  /** Paths of all files. */
  files(): string[] {
    const out: string[] = [];
    const walk = (dir: DirNode, at: string): void => {
      for (const [name, node] of dir.entries) {
        if (node instanceof DirNode) walk(node, `${at}${name}/`);
        else out.push(`${at}${name}`);
      }
    };
    walk(this.root, '/');
    return out.sort();
  }

  get openFiles(): number {
    return this.open_.size;
  }

  get claims(): number {
    return this.claimed.size;
  }

  // --- inside ------------------------------------------------------------------------------------------------------

  private perform(
    kind: DiskOperation,
    path: string,
    effect: () => void,
    shorten?: (bytes: number) => void,
    failed?: () => void,
  ): void {
    const fault = this.consult(kind, path, true);
    if (fault === 'crash') {
      if (this.random() < 0.5) effect();
      this.off = true;
      throw new PowerLoss(`power cut at ${kind} ${path}`);
    }
    if (fault !== null && 'code' in fault) {
      failed?.();
      throw systemError(fault.code, path);
    }
    if (fault !== null && shorten !== undefined) shorten(fault.short);
    effect();
  }

  /** An operation that changes nothing: it can fail, but no crash happens at it. */
  private check(kind: DiskOperation, path: string): void {
    const fault = this.consult(kind, path, false);
    if (fault !== null && fault !== 'crash' && 'code' in fault) throw systemError(fault.code, path);
  }

  private consult(kind: DiskOperation, path: string, counts: boolean): Fault | null {
    if (this.off) throw new PowerLoss('the machine is off');
    if (counts) this.operations++;
    return this.fault(kind, path, this.operations);
  }

  private beginSync(node: FileNode): (good: boolean) => void {
    const image = node.image();
    const covered = node.sinceFrom + node.since.length;
    return (good) => {
      if (covered <= node.sinceFrom) return; // a sync that began later has finished first
      const lost = good ? [] : node.since.slice(0, covered - node.sinceFrom).flatMap(rangeOf);
      node.since = node.since.slice(covered - node.sinceFrom);
      node.sinceFrom = covered;
      node.durable = node.withoutLost(image, lost);
      node.lost.push(...lost);
    };
  }

  private names(operation: NameOperation): void {
    applyNames(operation, 'entries');
    this.pending.push(operation);
  }

  private newFd(node: FileNode, path: string, mode: OpenMode): number {
    const fd = this.nextFd++;
    this.open_.set(fd, { node, path, mode });
    return fd;
  }

  private file(fd: number): OpenFile {
    if (this.off) throw new PowerLoss('the machine is off');
    const file = this.open_.get(fd);
    if (file === undefined) throw systemError('EBADF', `fd ${fd}`);
    return file;
  }

  private find(path: string): Node | null {
    if (this.off) throw new PowerLoss('the machine is off');
    let node: Node = this.root;
    for (const name of posix.resolve('/', path).split('/')) {
      if (name === '') continue;
      if (!(node instanceof DirNode)) return null;
      const next = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  private parent(path: string): [DirNode, string] {
    const whole = posix.resolve('/', path);
    return [this.directory(posix.dirname(whole)), posix.basename(whole)];
  }

  private directory(path: string): DirNode {
    const node = this.find(path);
    if (node === null) throw systemError('ENOENT', path);
    if (!(node instanceof DirNode)) throw systemError('ENOTDIR', path);
    return node;
  }
}

function applyNames(operation: NameOperation, to: 'entries' | 'durable'): void {
  for (const { dir, name, node } of operation) {
    if (node === null) dir[to].delete(name);
    else dir[to].set(name, node);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
