/**
 * The directory of the multi-part AOF and its manifest (formats/aof/manifest.ts), of which this is the only writer.
 *
 *   <dir>/appendonlydir/
 *     appendonly.aof.manifest
 *     appendonly.aof.1.base.rdb    appendonly.aof.1.incr.aof
 *     temp-appendonly.aof.<pid>.manifest
 *     temp-appendonly.aof.<pid>.incr
 *     temp-appendonly.aof.<pid>.unsynced
 *     temp-rewriteaof-bg-appendonly.aof.<pid>.aof
 *                                  what an interrupted step left; removed at the next start when that process is gone
 *     appendonly.aof.unsynced      a sync of the log has failed: see `markUnsynced`
 *
 * Invariant: `manifest` is what the manifest file holds (as the running process sees it).
 */
import { join } from 'node:path';
import { assert } from '../base/assert.js';
import type { Log } from '../base/log.js';
import { pidAlive } from '../base/pid-alive.js';
import { strerror } from '../base/strerror.js';
import { type Disk, errorCode } from '../disk/disk.js';
import { RenameUnsure, readFile, removeQuietly, replaceFile, replaceFileAsync } from '../disk/replace-file.js';
import { Manifest, manifestName, temporaryManifestName } from '../formats/aof/manifest.js';

/** The directory or its manifest cannot be had; the message names it and says why. */
export class AofDirectoryError extends Error {
  override name = 'AofDirectoryError';
  readonly code = 'ONGGI_AOF_DIRECTORY';
  constructor(
    message: string,
    readonly file: string,
    cause: unknown,
  ) {
    super(`${message}: ${strerror(cause)}`, { cause });
  }
}

/** Two servers that appended to one log would write over each other's bytes. */
export class AofInUseError extends Error {
  override name = 'AofInUseError';
  readonly code = 'ONGGI_IN_USE';
  constructor(path: string) {
    super(
      `The append only files in ${path} belong to another server that is running: stop it, or give this one a dir, appenddirname or appendfilename of its own`,
    );
  }
}

const UNSYNCED_TEXT =
  'A sync of the append only files has failed, so that what reads well here may not be on the disk. The next start writes all ' +
  'data to new files before it accepts writes, and removes this file.\n';
const SYNCED_LINE = /^Of (.+) the first (\d{1,15}) bytes are on the disk\.$/gm;

export class AofDirectory {
  manifest = new Manifest();
  /** What gives the claims on the files back; empty: they are not claimed. */
  private claims: (() => void)[] = [];
  /** The note of a failed sync that this process has put on the disk; what it could not note yet. */
  private marked = '';
  private unmarked: { file: string | null; synced: number } | null = null;
  /** The path at which the directory's name is known to be on the disk. */
  private durableAt = '';

  constructor(
    readonly disk: Disk,
    private folder: string,
    private readonly name: string,
    /** The directive `appendfilename`: what all names begin with. */
    readonly prefix: string,
    private readonly log: Log,
  ) {}

  /** The directive `dir`, absolute. It is changed only while no file is open; a claim is not kept. */
  get parent(): string {
    return this.folder;
  }
  set parent(folder: string) {
    if (folder === this.folder) return;
    this.release();
    this.folder = folder;
    this.unmarked = null;
    this.marked = '';
    // What is there has not been read yet, and the old one's history must not be deleted from it.
    this.manifest = new Manifest();
  }

  /** Path of the directory. */
  get path(): string {
    return join(this.parent, this.name);
  }

  file(name: string): string {
    return join(this.path, name);
  }
  get manifestPath(): string {
    return this.file(manifestName(this.prefix));
  }

  /**
   * Makes the files this server's alone, until `release`; by both paths on which they can be reached, where there is a
   * directory already. Throws AofInUseError when another server has them.
   */
  claim(): void {
    const { disk, claims, folder, path, prefix } = this;
    if (claims.length === 0 && disk.stat(folder) !== null) this.take(folder, `${this.name}/${prefix}`);
    if (claims.length === 1 && disk.stat(path)?.directory) this.take(path, prefix);
  }

  private take(directory: string, name: string): void {
    const unclaim = this.disk.claim(directory, name);
    if (unclaim === null) {
      this.release();
      throw new AofInUseError(this.path);
    }
    this.claims.push(unclaim);
  }

  get claimed(): boolean {
    return this.claims.length > 0;
  }

  release(): void {
    for (const unclaim of this.claims.splice(0)) unclaim();
  }

  /**
   * Claims the files, and makes the directory, durably; not the one it is in: where that has vanished, so have the files of
   * the manifest. Throws AofDirectoryError, AofInUseError.
   */
  ensure(): void {
    this.claim();
    this.make();
    this.claim();
  }

  private make(): void {
    const { disk, path } = this;
    const stat = disk.stat(path);
    if (stat?.directory && this.durableAt === path) return;
    try {
      if (stat === null) disk.mkdir(path);
      else if (!stat.directory) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
      // Also of one that is there: whoever made it may not have come so far.
      disk.syncDir(this.parent);
      this.durableAt = path;
    } catch (error) {
      throw this.named(`Can't open or create append-only dir ${this.name}`, this.path, error);
    }
  }

  /**
   * Makes what the manifest stands for durable, names and bytes, as a killed process has left it. Throws AofDirectoryError;
   * after a sync that failed the next start knows of it.
   */
  async makeDurable(): Promise<void> {
    const { disk } = this;
    let file = this.path;
    try {
      for (const { name } of this.manifest.files()) {
        file = this.file(name);
        const fd = disk.open(file, 'read');
        try {
          await this.orMarked(disk.syncDataAsync(fd));
        } finally {
          disk.close(fd);
        }
      }
      await this.orMarked(disk.syncDirAsync(this.path));
    } catch (error) {
      throw this.named(`Can't fsync the append only file ${file}`, file, error);
    }
  }

  /** Syncs a file of the log before it is gone on with. */
  syncOrMark(fd: number): void {
    try {
      this.disk.sync(fd);
    } catch (error) {
      this.markUnsynced();
      throw error;
    }
  }

  private async orMarked(sync: Promise<void>): Promise<void> {
    try {
      await sync;
    } catch (error) {
      this.markUnsynced();
      throw error;
    }
  }

  /** The system's errors with a name; others as they are. */
  private named(message: string, file: string, error: unknown): unknown {
    return errorCode(error) === '' ? error : new AofDirectoryError(message, file, error);
  }

  /**
   * Reads the manifest, empty when there is none. Returns whether there is one. Throws ManifestError, AofDirectoryError; what
   * was read before stands then: a log may be open by it.
   */
  load(): boolean {
    let bytes: Uint8Array | null;
    try {
      bytes = this.disk.stat(this.path)?.directory ? readFile(this.disk, this.manifestPath) : null;
    } catch (error) {
      throw this.named(
        `Unrecoverable error reading the AOF manifest file ${this.manifestPath}`,
        this.manifestPath,
        error,
      );
    }
    if (bytes === null) {
      this.manifest = new Manifest();
      this.passUnnamed();
      return false;
    }
    this.manifest = Manifest.parse(bytes, this.manifestPath);
    this.passFilled();
    return true;
  }

  /**
   * Puts `manifest` on disk. On failure the old one stands, in memory too; except for RenameUnsure, with which the new one
   * is taken over: after a power cut it may be either.
   */
  async persist(manifest: Manifest): Promise<void> {
    assert(this.claimed, 'the manifest is ours');
    try {
      await replaceFileAsync(this.disk, this.manifestPath, this.temporaryManifest, manifest.encode());
    } catch (error) {
      if (error instanceof RenameUnsure) this.manifest = manifest;
      throw error;
    }
    this.manifest = manifest;
  }

  persistNow(manifest: Manifest): void {
    assert(this.claimed, 'the manifest is ours');
    try {
      replaceFile(this.disk, this.manifestPath, this.temporaryManifest, manifest.encode());
    } catch (error) {
      if (error instanceof RenameUnsure) this.manifest = manifest;
      throw error;
    }
    this.manifest = manifest;
  }

  /** Bases and incrs of this AOF that no manifest names, while there is none: somebody may have lost it. */
  unnamed(): string[] {
    if (!this.manifest.empty || !this.disk.stat(this.path)?.directory) return [];
    return this.disk.list(this.path).filter((name) => this.numberOf(name) > 0);
  }

  /** An incr with commands that the manifest does not name is somebody's loss already: it is not emptied as well. */
  private passFilled(): void {
    const { manifest } = this;
    const named = new Set([...manifest.files(), ...manifest.history].map(({ name }) => name));
    for (const name of this.disk.list(this.path)) {
      if (!name.endsWith('.incr.aof') || named.has(name) || this.numberOf(name) === 0 || this.bytes(name) === 0)
        continue;
      manifest.incrSeq = Math.max(manifest.incrSeq, this.numberOf(name));
      this.log.warning(`${this.file(name)} holds commands, but the manifest does not name it: it is left as it is`);
    }
  }

  /** New files get numbers behind those, so that none is written over. */
  private passUnnamed(): void {
    for (const name of this.unnamed()) {
      const number = this.numberOf(name);
      this.manifest.baseSeq = Math.max(this.manifest.baseSeq, number);
      this.manifest.incrSeq = Math.max(this.manifest.incrSeq, number);
    }
  }

  /** The number of a base or an incr of this AOF; 0 when it is none. */
  private numberOf(name: string): number {
    if (!name.startsWith(`${this.prefix}.`)) return 0;
    return Number(/^(\d{1,15})\.(?:base\.(?:rdb|aof)|incr\.aof)$/.exec(name.slice(this.prefix.length + 1))?.[1] ?? 0);
  }

  private get temporaryManifest(): string {
    return this.file(temporaryManifestName(`${this.prefix}.${process.pid}`));
  }
  /** Name of the log of a first rewrite, until its manifest is on disk. */
  get temporaryIncr(): string {
    return `temp-${this.prefix}.${process.pid}.incr`;
  }
  /** Name of a base that is being written. */
  get temporaryBase(): string {
    return `temp-rewriteaof-bg-${this.prefix}.${process.pid}.aof`;
  }

  /** Where a failed sync is noted. */
  get unsyncedMark(): string {
    return this.file(`${this.prefix}.unsynced`);
  }

  /**
   * Notes for the next process that a sync of the log has failed. It could not know: what the system could not write it still
   * has in its cache, and takes for written. Where the note cannot be made the log says so, and `retryMark` tries again.
   * @param file   name of the file whose sync failed, if that is known
   * @param synced how many of its bytes are on the disk for sure
   */
  markUnsynced(file: string | null = null, synced = 0): void {
    const first = this.unmarked === null;
    this.unmarked = { file, synced };
    try {
      this.mark(file, synced);
      this.unmarked = null;
    } catch (error) {
      if (!first) return;
      this.log.warning(
        `Can't note in ${this.unsyncedMark} that a sync has failed: ${strerror(error)}. Until a rewrite has succeeded do not restart without one`,
      );
    }
  }

  /** Makes the note that could not be made. */
  retryMark(): void {
    if (this.unmarked !== null) this.markUnsynced(this.unmarked.file, this.unmarked.synced);
  }

  private mark(file: string | null, synced: number): void {
    const { disk, unsyncedMark } = this;
    let text = readFile(disk, unsyncedMark)?.toString() || UNSYNCED_TEXT;
    // What was noted first holds: a sync after one that failed is told nothing of that.
    if (file !== null && this.syncedBytes(file) === null) {
      text += `Of ${file} the first ${synced} bytes are on the disk.\n`;
    }
    if (text === this.marked) return;
    replaceFile(disk, unsyncedMark, this.file(`temp-${this.prefix}.${process.pid}.unsynced`), Buffer.from(text));
    this.marked = text;
  }

  /** How many bytes of a file whose sync has failed are on the disk for sure; null where nothing of it is noted. */
  syncedBytes(file: string): number | null {
    const text = readFile(this.disk, this.unsyncedMark)?.toString() ?? '';
    for (const [, name, bytes] of text.matchAll(SYNCED_LINE)) if (name === file) return Number(bytes);
    return null;
  }

  get isUnsynced(): boolean {
    return this.disk.stat(this.unsyncedMark) !== null;
  }

  /** The manifest names new files only. */
  unmarkUnsynced(): void {
    this.unmarked = null;
    this.marked = '';
    if (this.isUnsynced) removeQuietly(this.disk, this.unsyncedMark);
  }

  /** Deletes the files that only the manifest's history names, then their lines. What fails is left for the next time. */
  async removeHistory(): Promise<void> {
    const { history } = this.manifest;
    if (history.length === 0) return;
    for (const file of history) {
      try {
        if (!this.isLive(file.name) && this.disk.stat(this.file(file.name)) !== null) {
          this.log.notice(`Removing the history file ${file.name} in the background`);
          await this.disk.unlinkAsync(this.file(file.name));
        }
      } catch (error) {
        this.log.warning(`Can't remove the history file ${file.name}: ${strerror(error)}`);
        return;
      }
    }
    // The manifest may have gone on meanwhile.
    const next = this.manifest.clone();
    const gone = new Set(history.map((file) => file.name));
    next.history = next.history.filter((file) => !gone.has(file.name));
    try {
      await this.persist(next);
    } catch (error) {
      this.log.warning(`Can't write the AOF manifest ${this.manifestPath}: ${strerror(error)}`);
    }
  }

  /** Manifests that name a file as history and as part of the data were written once. */
  private isLive(name: string): boolean {
    return this.manifest.files().some((file) => file.name === name);
  }

  /** As removeHistory, done when it returns: nothing can come in between. Not while a rewrite writes the manifest. */
  removeHistoryNow(): void {
    const next = this.manifest.clone();
    next.history = [];
    try {
      // The manifest without them may be one of which the disk has not confirmed the name.
      if (this.manifest.history.length > 0) this.disk.syncDir(this.path);
      for (const { name } of this.manifest.history) {
        if (this.isLive(name) || this.disk.stat(this.file(name)) === null) continue;
        this.log.notice(`Removing the history file ${name}`);
        this.disk.unlink(this.file(name));
      }
      if (this.manifest.history.length > 0) this.persistNow(next);
    } catch (error) {
      this.log.warning(`Can't remove the history of the AOF in ${this.path}: ${strerror(error)}`);
    }
  }

  /**
   * Removes what interrupted rewrites of processes that no longer run have left; what has this pid is left over as well, for
   * no rewrite runs when this is called. Names without a pid are stock servers', or somebody else's, and stay.
   */
  removeTemporary(isAlive: (pid: number) => boolean = pidAlive): void {
    if (!this.disk.stat(this.path)?.directory) return;
    for (const name of this.disk.list(this.path)) {
      const pid = this.writerOf(name);
      if (pid > 0 && (pid === process.pid || !isAlive(pid))) removeQuietly(this.disk, this.file(name));
    }
  }

  /** The process whose temporary file that is, of an AOF of this name; 0 when it is none. */
  private writerOf(name: string): number {
    const stock = /^temp-rewriteaof-bg-(\d+)\.aof$/.exec(name);
    if (stock !== null) return Number(stock[1]);
    const start = [`temp-${this.prefix}.`, `temp-rewriteaof-bg-${this.prefix}.`].find((each) => name.startsWith(each));
    if (start === undefined) return 0;
    return Number(/^(\d+)\.(?:manifest|incr|aof|unsynced)$/.exec(name.slice(start.length))?.[1] ?? 0);
  }

  /** Bytes of a file of the manifest; 0 when it is missing. */
  bytes(name: string): number {
    return this.disk.stat(this.file(name))?.bytes ?? 0;
  }
}
