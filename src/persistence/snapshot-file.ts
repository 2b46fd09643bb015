/**
 * The file that a snapshot is written to, and the loop that fills it: shared by the worker (BGSAVE, rewrite) and by SAVE,
 * which does the same on the main thread.
 *
 * The temporary file is synced every few megabytes, so that the last sync has little left to do and the disk's queue stays
 * short; then it is synced whole, closed, renamed, and its folder synced. On any failure it is removed.
 */
import { basename, dirname } from 'node:path';
import { UnsupportedError } from '../base/errors.js';
import { strerror } from '../base/strerror.js';
import type { Disk } from '../disk/disk.js';
import { removeQuietly } from '../disk/replace-file.js';
import { CommandWriter } from '../formats/aof/command-writer.js';
import { type RdbInfo, RdbWriter, type RdbWriterOptions } from '../formats/rdb/writer.js';
import type { Arena } from '../memory/arena.js';

/** Bytes between two syncs while the file is written. */
const SYNC_EVERY_BYTES = 4 * 1024 * 1024;

/** What to write, as the main thread says it; plain data, so that it can be posted to the worker. */
export interface SnapshotRequest {
  /** The file's name once it is complete. */
  path: string;
  /** The name until then, in the same folder. */
  tempPath: string;
  /** `commands`: RESP commands instead of RDB (`aof-use-rdb-preamble no`). */
  format: 'rdb' | 'commands';
  /** Whether `commands` get checksum lines. */
  checksums?: boolean;
  rdb: Omit<RdbWriterOptions, 'unsupported'>;
  info: RdbInfo;
  /** Sources of function libraries, and auxiliary data of modules, kept from the file that was loaded. */
  libraries: Uint8Array[];
  moduleAux: Uint8Array[];
  /** `rdb-save-incremental-fsync` or `aof-rewrite-incremental-fsync`. */
  incrementalSync: boolean;
}

/** Entries of one database: for the reader's hint. */
export interface DatabaseSize {
  db: number;
  keys: number;
  expires: number;
}

class SnapshotStopped extends Error {}

/** What could not be done with which file, and why, in Redis's words. */
export class SnapshotFileError extends Error {
  override name = 'SnapshotFileError';
  readonly code = 'ONGGI_SNAPSHOT_FILE';
}

function failure(what: string, cause: unknown): SnapshotFileError {
  return new SnapshotFileError(`${what}: ${strerror(cause)}`, { cause });
}

/** A temporary file that becomes `path` when it is complete. */
export class SnapshotFile {
  /** -1: closed. Its number may be somebody else's file or socket by then: threads share them. */
  private fd: number;
  private sinceSync = 0;
  bytes = 0;

  constructor(
    private readonly disk: Disk,
    private readonly request: Pick<SnapshotRequest, 'path' | 'tempPath' | 'incrementalSync'>,
    private readonly stopped: () => boolean,
  ) {
    try {
      this.fd = disk.open(request.tempPath, 'create');
    } catch (error) {
      const file = `${basename(request.tempPath)} (in server root dir ${dirname(request.tempPath)})`;
      throw failure(`Failed opening the temp file ${file} for saving`, error);
    }
  }

  readonly write = (buf: Uint8Array, len: number): void => {
    // One value can be most of the data, so stopping is looked at here and not only between entries.
    if (this.stopped()) throw new SnapshotStopped();
    try {
      const { disk } = this;
      for (let off = 0; off < len; ) off += disk.write(this.fd, buf, off, len - off);
      this.bytes += len;
      this.sinceSync += len;
      if (this.request.incrementalSync && this.sinceSync >= SYNC_EVERY_BYTES) {
        disk.syncData(this.fd);
        this.sinceSync = 0;
      }
    } catch (error) {
      this.writeFailed(error);
    }
  };

  /** Makes the file durable under its name. */
  complete(): void {
    const { disk, request } = this;
    try {
      disk.sync(this.fd);
      this.close();
    } catch (error) {
      this.writeFailed(error);
    }
    // The sync may have taken long, and what is saved may be out of date by now.
    if (this.stopped()) throw new SnapshotStopped();
    try {
      disk.rename(request.tempPath, request.path);
      disk.syncDir(dirname(request.path));
    } catch (error) {
      const files = `${basename(request.tempPath)} on the final destination ${basename(request.path)}`;
      throw failure(`Error moving temp file ${files} (in server root dir ${dirname(request.path)})`, error);
    }
  }

  private writeFailed(error: unknown): never {
    throw failure(`Write error saving DB on disk (${this.request.tempPath}, after ${this.bytes} bytes)`, error);
  }

  /** Removes what has been written. */
  discard(): void {
    try {
      if (this.fd >= 0) this.close();
    } catch {
      // Why it has to go is known already.
    }
    removeQuietly(this.disk, this.request.tempPath);
  }

  private close(): void {
    const { fd } = this;
    // Also when closing fails the number is free.
    this.fd = -1;
    this.disk.close(fd);
  }
}

/** Turns entries into the file's bytes, whatever the format. */
export interface EntryWriter {
  /** The head of the file. */
  begin(): void;
  /** Entries that follow belong to this database; the first time with its size. */
  selectDb(db: number, size: DatabaseSize | undefined): void;
  entry(entry: number): void;
  end(): void;
}

/** `write` takes bytes that are written over afterwards. */
export function entryWriter(
  arena: Arena,
  request: SnapshotRequest,
  write: (buf: Uint8Array, len: number) => void,
): EntryWriter {
  if (request.format === 'commands') return commandWriter(arena, request, write);
  const writer = new RdbWriter(arena, write, request.rdb);
  return {
    begin() {
      writer.header(request.info);
      for (const payload of request.moduleAux) writer.moduleAux(payload);
      for (const code of request.libraries) writer.library(code);
    },
    selectDb(db, size) {
      writer.selectDb(db);
      if (size !== undefined) writer.resizeDb(size.keys, size.expires);
    },
    entry(entry) {
      writer.entry(entry);
    },
    end() {
      writer.end();
    },
  };
}

function commandWriter(
  arena: Arena,
  request: SnapshotRequest,
  write: (buf: Uint8Array, len: number) => void,
): EntryWriter {
  const writer = new CommandWriter(arena, write, request.checksums ?? false);
  return {
    begin() {
      const what = request.libraries.length > 0 ? 'function libraries' : 'data of modules';
      if (request.libraries.length + request.moduleAux.length > 0) {
        throw new UnsupportedError('', `${what} cannot be written as commands`);
      }
    },
    selectDb(db) {
      writer.selectDb(db);
    },
    entry(entry) {
      writer.entry(entry);
    },
    end() {
      writer.end();
    },
  };
}

/**
 * Writes the whole file.
 * @param each calls its argument with (database, entry) for every entry
 * @param stopped whether to give up
 * @returns bytes and keys written; null when it was aborted, and nothing is left of it then
 */
export function writeSnapshot(
  disk: Disk,
  arena: Arena,
  request: SnapshotRequest,
  sizes: DatabaseSize[],
  each: (visit: (db: number, entry: number) => void) => void,
  stopped: () => boolean = () => false,
): { bytes: number; keys: number } | null {
  const file = new SnapshotFile(disk, request, stopped);
  try {
    const writer = entryWriter(arena, request, file.write);
    const unseen = new Map(sizes.map((size) => [size.db, size]));
    let current = -1;
    let keys = 0;
    writer.begin();
    each((db, entry) => {
      if (db !== current) {
        writer.selectDb(db, unseen.get(db));
        unseen.delete(db);
        current = db;
      }
      writer.entry(entry);
      keys++;
    });
    if (stopped()) throw new SnapshotStopped();
    writer.end();
    file.complete();
    return { bytes: file.bytes, keys };
  } catch (error) {
    file.discard();
    if (error instanceof SnapshotStopped) return null;
    throw error;
  }
}
