/**
 * The directory of the multi-part AOF and its manifest (formats/aof/manifest.ts), of which this is the only writer.
 *
 *   <dir>/appendonlydir/
 *     appendonly.aof.manifest
 *     appendonly.aof.1.base.rdb    appendonly.aof.1.incr.aof
 *     temp-*                       what an interrupted step left; removed at the next start
 *
 * Invariant: `manifest` is what the manifest file holds (as the running process sees it).
 */
import { join } from 'node:path';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import type { Disk } from '../disk/disk.js';
import { RenameUnsure, readFile, removeQuietly, replaceFile, replaceFileAsync } from '../disk/replace-file.js';
import { Manifest, manifestName, temporaryManifestName } from '../formats/aof/manifest.js';

export class AofDirectory {
  manifest = new Manifest();

  constructor(
    readonly disk: Disk,
    /** The directive `dir`, absolute. It is changed only while no file is open. */
    public parent: string,
    private readonly name: string,
    /** The directive `appendfilename`: what all names begin with. */
    readonly prefix: string,
    private readonly log: Log,
  ) {}

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

  /** Makes the directory, durably. */
  ensure(): void {
    const stat = this.disk.stat(this.path);
    if (stat?.directory) return;
    this.disk.mkdir(this.path);
    this.disk.syncDir(this.parent);
  }

  /** Reads the manifest, empty when there is none. Returns whether there is one. Throws ManifestError. */
  load(): boolean {
    this.manifest = new Manifest();
    const bytes = this.disk.stat(this.path)?.directory ? readFile(this.disk, this.manifestPath) : null;
    if (bytes === null) return false;
    this.manifest = Manifest.parse(bytes, this.manifestPath);
    return true;
  }

  /**
   * Puts `manifest` on disk. On failure the old one stands, in memory too; except for RenameUnsure, with which the new one
   * is taken over: after a power cut it may be either.
   */
  async persist(manifest: Manifest): Promise<void> {
    try {
      await replaceFileAsync(this.disk, this.manifestPath, this.temporaryManifest, manifest.encode());
    } catch (error) {
      if (error instanceof RenameUnsure) this.manifest = manifest;
      throw error;
    }
    this.manifest = manifest;
  }

  persistNow(manifest: Manifest): void {
    try {
      replaceFile(this.disk, this.manifestPath, this.temporaryManifest, manifest.encode());
    } catch (error) {
      if (error instanceof RenameUnsure) this.manifest = manifest;
      throw error;
    }
    this.manifest = manifest;
  }

  private get temporaryManifest(): string {
    return this.file(temporaryManifestName(this.prefix));
  }

  /** Deletes the files that only the manifest's history names, then their lines. What fails is left for the next time. */
  async removeHistory(): Promise<void> {
    const { history } = this.manifest;
    if (history.length === 0) return;
    for (const file of history) {
      try {
        if (this.disk.stat(this.file(file.name)) !== null) {
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

  /** Removes what interrupted rewrites have left. */
  removeTemporary(): void {
    if (!this.disk.stat(this.path)?.directory) return;
    for (const name of this.disk.list(this.path)) {
      if (/^temp-.*\.(manifest|incr|aof|rdb)$/.test(name)) removeQuietly(this.disk, this.file(name));
    }
  }

  /** Bytes of a file of the manifest; 0 when it is missing. */
  bytes(name: string): number {
    return this.disk.stat(this.file(name))?.bytes ?? 0;
  }
}
