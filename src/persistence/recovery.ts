/**
 * What a server does with the files that it finds when it starts.
 *
 *   appendonly yes   the AOF, if there is one: all files of the manifest, or one file from before version 7, which is then
 *                    moved into the directory. If there is none but a dump, the dump: `needsBase` asks for a base made from
 *                    what was loaded (stock servers start empty instead, and overwrite).
 *   appendonly no    the dump, if there is one.
 *
 * The upgrade of an old file: directory, manifest that names the old file as base, move of the file, in this order; the
 * next start goes on wherever a crash has stopped it.
 *
 * A file that ends too early is cut after its last whole command (before a MULTI without EXEC) when `aof-load-truncated`
 * allows and nothing comes after it, and so is one whose last write a power cut has left in parts, or whose sync is known to
 * have failed before what is damaged; `aof-load-corrupt-tail-max-size` allows the same for a last few damaged bytes. Anything
 * else is a RecoveryError, with file, offset and what to do; the files are as they were.
 *
 * Loading is a generator that yields all few milliseconds: `run` lets the event loop turn then, `runNow` goes on.
 */
import { basename, dirname, join } from 'node:path';
import { crc32 } from '../base/crc32.js';
import { CorruptionError, VersionError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import { type Disk, type FileStat, nodeDisk } from '../disk/disk.js';
import { END_OF_ROOM, END_OVER_FILL, isRoom, isTornWrite } from '../formats/aof/fill.js';
import { type ChecksumTail, type LogEnd, UNKNOWN_END } from '../formats/aof/log-end.js';
import { LogReader, Token, TruncatedLogError } from '../formats/aof/log-reader.js';
import { ManifestError } from '../formats/aof/manifest.js';
import type { ByteSource } from '../formats/rdb/source.js';
import { Args } from '../formats/resp/args.js';
import type { Arena } from '../memory/arena.js';
import { type AofDirectory, AofDirectoryError } from './aof-directory.js';
import type { TableHelper } from './keyspace-loader.js';
import { LoadHelper } from './load-helper.js';
import { LoadAborted, type LoadingProgress } from './loading.js';

/** An RDB that is being loaded, some keys at a time. */
export interface RdbLoad {
  /** Reads up to `steps` keys and opcodes. False at the end. Throws CorruptionError. */
  advance(steps: number): boolean;
  /** Offset in the file behind what was read. */
  readonly offset: number;
  readonly keysLoaded: number;
  readonly keysExpired: number;
}

/** Where what is loaded goes. */
export interface LoadTarget {
  /** Where the data goes. */
  readonly arena: Arena;
  /** Empties the keyspace. */
  clear(): void;
  /**
   * Begins to read an RDB.
   * @param kind `dump`: keys whose time is over are left out. `base`: they are kept, for the log may say more about them
   * @param duplicates what becomes of a key that is there already
   * @param helper a thread that puts keys into the table, if there is one
   */
  openRdb(
    source: ByteSource,
    kind: 'dump' | 'base',
    duplicates: 'refuse' | 'replace',
    helper: TableHelper | null,
  ): RdbLoad;
  /** The commands of a log follow, in database 0 at first, whatever was read before. */
  beginLog(): void;
  /**
   * Runs a command of the log (never MULTI or EXEC); it is valid during the call. Returns null, or the error that the command
   * answers. Throws UnknownCommand for one that is none.
   */
  apply(args: Args): string | null;
}

/** The log holds a command that this server does not know. */
export class UnknownCommand extends Error {
  override name = 'UnknownCommand';
  constructor(readonly command: string) {
    super(`Unknown command '${command}'`);
  }
}

export interface RecoveryConfig {
  readonly appendonly: boolean;
  readonly appendfilename: string;
  readonly dbfilename: string;
  readonly rdbchecksum: boolean;
  readonly 'aof-load-truncated': boolean;
  readonly 'aof-load-corrupt-tail-max-size': number;
  readonly 'aof-checksum': boolean;
}

export interface RecoveryOptions {
  disk: Disk;
  /** The directive `dir`, absolute. */
  dir: string;
  directory: AofDirectory;
  config: RecoveryConfig;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
  progress: LoadingProgress;
  target: LoadTarget;
}

export interface Recovered {
  from: 'aof' | 'dump' | 'nothing';
  /** The AOF has no base yet: one must be made from what was loaded before the log begins. */
  needsBase: boolean;
  /** What is known of the end of the log's last file. */
  logEnd: LogEnd;
}

const NOTHING: Recovered = { from: 'nothing', needsBase: false, logEnd: UNKNOWN_END };

/** The server cannot start with these files. The log has all about it already. */
export class RecoveryError extends Error {
  override name = 'RecoveryError';
  readonly code = 'ONGGI_RECOVERY';
  constructor(
    message: string,
    readonly file: string,
    /** Byte at which the trouble is; -1 when it has no place. */
    readonly offset: number,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** A file from its start. */
function sourceOf(disk: Disk, path: string, fd: number): ByteSource {
  let at = 0;
  return {
    name: path,
    fileBytes: disk.size(fd),
    read(buf, off, len) {
      const n = disk.read(fd, buf, off, len, at);
      at += n;
      return n;
    },
  };
}

const CHUNK_BYTES = 512 * 1024;
const FIRST_BYTES = 512;
/** Turns that are written into room are far smaller. */
const TORN_MAX = 64 * 1024 * 1024;
/** Loading holds the event loop for about this long at a time. */
const SLICE_MS = 10;
/** Commands and keys between two looks at the clock. */
const CLOCK_EVERY = 64;

const ERRORS_SHOWN = 20;

/** Yields wherever the event loop may turn. */
type Load<T> = Generator<void, T, void>;

/** Thrown when a cut has changed what was loaded already. */
class LoadAgain extends Error {}

export class Recovery {
  private lastYieldMs = performance.now();
  /** Commands that answered an error. */
  private errors = 0;
  /** Commands since MULTI; null outside. */
  private queue: Args[] | null = null;
  /** Of the file that was read last. */
  private logEnd = UNKNOWN_END;

  constructor(private readonly options: RecoveryOptions) {}

  /** Loads what there is at the start. Throws RecoveryError, LoadAborted. */
  async run(): Promise<Recovered> {
    const { appendonly } = this.options.config;
    if (!appendonly) this.tellOfLog();
    const load = appendonly ? this.loadAof() : this.loadDump('refuse');
    for (;;) {
      const step = load.next();
      if (step.done) return step.value;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.options.progress.aborted) {
        load.return(NOTHING);
        throw new LoadAborted();
      }
      this.lastYieldMs = performance.now();
    }
  }

  /** Loads the dump or the AOF without a pause, into what there is. */
  runNow(what: 'aof' | 'dump', duplicates: 'refuse' | 'replace' = 'refuse'): Recovered {
    const load = what === 'aof' ? this.loadAof() : this.loadDump(duplicates);
    for (;;) {
      const step = load.next();
      if (step.done) return step.value;
      this.lastYieldMs = performance.now();
    }
  }

  // --- the dump ------------------------------------------------------------------------------------------------------

  private *loadDump(duplicates: 'refuse' | 'replace'): Load<Recovered> {
    const { disk, dir, config, log, now, progress } = this.options;
    const path = join(dir, config.dbfilename);
    const stat = this.statOf(path);
    if (stat === null) return { ...NOTHING, needsBase: config.appendonly };
    const startMs = now();
    progress.begin(startMs, stat.bytes);
    try {
      progress.file = path;
      const fd = this.openFile(path);
      try {
        yield* this.readRdb(path, fd, 0, 'dump', duplicates);
      } finally {
        disk.close(fd);
      }
    } finally {
      progress.end();
    }
    log.notice(`DB loaded from disk: ${seconds(now() - startMs)} seconds`);
    return { from: 'dump', needsBase: config.appendonly, logEnd: UNKNOWN_END };
  }

  /** Of a log that is not loaded: its data is not there now, and would be at a start with `appendonly yes`, however old it is. */
  private tellOfLog(): void {
    const { dir, directory, config, log } = this.options;
    const path = [directory.manifestPath, join(dir, directory.prefix)].find((file) => this.statOf(file) !== null);
    if (path === undefined) return;
    log.warning(
      `appendonly is no: the append only file of ${path} is not loaded. A start with appendonly yes would load it instead of ${config.dbfilename}, however old it is by then; CONFIG SET appendonly yes writes a new one from what is in memory`,
    );
  }

  // --- the AOF -------------------------------------------------------------------------------------------------------

  private *loadAof(): Load<Recovered> {
    const { directory, log, now, progress, config, dir, disk } = this.options;
    try {
      directory.load();
    } catch (error) {
      if (error instanceof AofDirectoryError) {
        log.warning(error.message);
        throw new RecoveryError(error.message, error.file, -1, error);
      }
      if (!(error instanceof ManifestError)) throw error;
      log.warning('*** FATAL AOF MANIFEST FILE ERROR ***');
      log.warning(error.message);
      throw new RecoveryError(error.message, error.file, error.offset, error);
    }
    this.upgrade();
    if (directory.manifest.empty) {
      const unnamed = directory.unnamed();
      if (unnamed.length > 0) {
        log.warning(
          `${directory.path} holds ${unnamed.join(', ')}, but no manifest ${basename(directory.manifestPath)} that names them: ` +
            'they are not loaded, and stay as they are',
        );
      }
      if (disk.stat(join(dir, config.dbfilename)) !== null) {
        log.warning(
          `appendonly is yes, but there is no append only file in ${directory.path}: importing ${config.dbfilename} instead of starting empty`,
        );
      }
      return yield* this.loadDump('refuse');
    }
    const startMs = now();
    for (;;) {
      let total = 0;
      for (const { name } of directory.manifest.files()) {
        if (disk.stat(directory.file(name)) === null) {
          const message = `The AOF file ${name} that the manifest ${directory.manifestPath} lists doesn't exist`;
          log.warning(message);
          throw new RecoveryError(message, directory.file(name), -1);
        }
        total += directory.bytes(name);
      }
      progress.begin(startMs, total);
      try {
        yield* this.loadFiles();
        break;
      } catch (error) {
        if (!(error instanceof LoadAgain)) throw error;
        this.options.target.clear();
      } finally {
        progress.end();
      }
    }
    log.notice(`DB loaded from append only file: ${seconds(now() - startMs)} seconds`);
    return { from: 'aof', needsBase: false, logEnd: this.logEnd };
  }

  private *loadFiles(): Load<void> {
    const { directory, log, now } = this.options;
    const files = directory.manifest.files();
    let before = 0;
    for (const [i, file] of files.entries()) {
      const startMs = now();
      // A base is whole before the manifest names it; but one from before version 7 was the log.
      const mayBeCut = file.type === 'i' || i === files.length - 1 || file.name === directory.prefix;
      const last = mayBeCut && files.slice(i + 1).every(({ name }) => directory.bytes(name) === 0);
      if (file.name.endsWith('.base.rdb') && directory.bytes(file.name) === 0) this.emptyBase(file.name);
      yield* this.loadFile(directory.file(file.name), last, before);
      before += directory.bytes(file.name);
      const kind = file.type === 'b' ? 'base' : 'incr';
      log.notice(`DB loaded from ${kind} file ${file.name}: ${seconds(now() - startMs)} seconds`);
    }
  }

  private emptyBase(name: string): never {
    const path = this.options.directory.file(name);
    const message = `The base ${path} is empty, which no server writes. Put a good copy in its place`;
    this.options.log.warning(message);
    throw new RecoveryError(message, path, 0);
  }

  /** One file: RDB, commands, or both one after the other. `last`: nothing comes after it. */
  private *loadFile(path: string, last: boolean, before: number): Load<void> {
    const { disk, log, progress } = this.options;
    this.logEnd = UNKNOWN_END;
    const fd = this.openFile(path);
    progress.file = path;
    try {
      const bytes = disk.size(fd);
      let offset = 0;
      if (this.beginsAsRdb(path, fd)) {
        const base = path.endsWith('.base.rdb');
        log.notice(base ? 'Reading RDB base file on AOF loading...' : 'Reading RDB preamble from AOF file...');
        offset = yield* this.readRdb(path, fd, before, 'base', 'refuse');
        if (offset < bytes) log.notice('Reading the remaining AOF tail...');
      }
      if (offset < bytes) yield* this.readLog(path, fd, offset, bytes, last, before);
    } finally {
      disk.close(fd);
    }
  }

  private beginsAsRdb(path: string, fd: number): boolean {
    const magic = Buffer.alloc(5);
    try {
      const n = this.options.disk.read(fd, magic, 0, 5, 0);
      return n === 5 && /^(REDIS|VALKE)$/.test(magic.toString('latin1'));
    } catch (error) {
      throw this.unreadable(`the append only file ${path}`, path, error);
    }
  }

  private statOf(path: string): FileStat | null {
    try {
      return this.options.disk.stat(path);
    } catch (error) {
      throw this.unreadable(path, path, error);
    }
  }

  private openFile(path: string): number {
    try {
      return this.options.disk.open(path, 'read');
    } catch (error) {
      const message = `Fatal error: can't open ${path} for reading: ${strerror(error)}`;
      this.options.log.warning(message);
      throw new RecoveryError(message, path, -1, error);
    }
  }

  // --- RDB -----------------------------------------------------------------------------------------------------------

  /** Returns the offset behind it. `before`: bytes of the files before. */
  private *readRdb(
    path: string,
    fd: number,
    before: number,
    kind: 'dump' | 'base',
    duplicates: 'refuse' | 'replace',
  ): Load<number> {
    const { disk, log, progress, target, config } = this.options;
    const source = sourceOf(disk, path, fd);
    const again = config.rdbchecksum ? () => sourceOf(disk, path, fd) : null;
    const helper = this.helper(path, source.fileBytes!, again);
    if (helper !== null && again !== null) source.crcOf = (bytes) => helper.crcOf(bytes);
    try {
      const load = target.openRdb(source, kind, duplicates, helper);
      while (load.advance(CLOCK_EVERY)) {
        helper?.follow(target.arena);
        if (!this.sliceOver()) continue;
        progress.loadedBytes = before + load.offset;
        yield;
      }
      progress.loadedBytes = before + load.offset;
      progress.keysLoaded = load.keysLoaded;
      progress.keysExpired = load.keysExpired;
      log.notice(`Done loading RDB, keys loaded: ${load.keysLoaded}, keys expired: ${load.keysExpired}.`);
      return load.offset;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw this.unreadable(path, path, error);
      if (kind === 'base') log.warning(`Error reading the RDB base file ${path}, AOF loading aborted`);
      const message =
        error instanceof VersionError
          ? error.message
          : `${error.message}. Look at it with redis-check-rdb ${path}, and put a good copy in its place`;
      log.warning(message);
      throw new RecoveryError(message, path, error.offset, error);
    } finally {
      void helper?.stop();
    }
  }

  /** The thread that helps; null where none pays, or can help. */
  private helper(path: string, bytes: number, again: (() => ByteSource) | null): LoadHelper | null {
    if (this.options.disk !== nodeDisk || !LoadHelper.pays(bytes)) return null;
    try {
      return new LoadHelper(path, bytes, again);
    } catch {
      // The system has no thread for it now.
      return null;
    }
  }

  private unreadable(what: string, path: string, error: unknown): unknown {
    if (typeof (error as { code?: unknown }).code !== 'string') return error;
    const message = `Unrecoverable error reading ${what}: ${strerror(error)}`;
    this.options.log.warning(message);
    return new RecoveryError(message, path, -1, error);
  }

  // --- commands ------------------------------------------------------------------------------------------------------

  private *readLog(path: string, fd: number, from: number, bytes: number, last: boolean, before: number): Load<void> {
    const { config, progress } = this.options;
    const reader = new LogReader(path, { offset: from, fileBytes: bytes, verify: config['aof-checksum'] });
    const helper = this.helper(path, bytes - from, null);
    try {
      yield* this.replay(reader, fd, from, bytes, before, helper);
      this.logEnd = { tail: reader.uncovered, inRoom: reader.endsInRoom };
      if (last) this.checkTail(reader, fd, bytes);
    } catch (error) {
      if (error instanceof CorruptionError && last && this.isTorn(reader, fd, bytes)) this.torn(reader, error.found);
      else if (error instanceof CorruptionError && last && this.wasLost(reader, error)) this.lost(reader, error);
      else if (error instanceof TruncatedLogError) this.truncated(error, path, last);
      else if (error instanceof CorruptionError) this.damaged(error, reader, fd, bytes, last);
      else if (error instanceof UnknownCommand) this.unknownCommand(error, reader, path);
      else throw error instanceof RecoveryError ? error : this.unreadable(`the append only file ${path}`, path, error);
      this.logEnd = { tail: yield* this.tailAfterCut(reader, fd), inRoom: reader.endsInRoom };
    } finally {
      void helper?.stop();
    }
    progress.loadedBytes = before + bytes;
  }

  /** What has no checksum yet in a file that was cut: the reader has summed what is not there any more, too. */
  private *tailAfterCut(reader: LogReader, fd: number): Load<ChecksumTail | null> {
    const { disk } = this.options;
    const from = reader.checkedTo;
    try {
      const end = disk.size(fd);
      if (!reader.verify || reader.inRoom || end < from) return null;
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - from));
      let crc = 0;
      for (let at = from; at < end; ) {
        const n = disk.read(fd, chunk, 0, Math.min(chunk.length, end - at), at);
        if (n === 0) return null;
        crc = crc32(chunk.subarray(0, n), crc);
        at += n;
        if (this.sliceOver()) yield;
      }
      return { bytes: end - from, crc };
    } catch {
      // Then it has none.
      return null;
    }
  }

  private *replay(
    reader: LogReader,
    fd: number,
    from: number,
    bytes: number,
    before: number,
    helper: LoadHelper | null,
  ): Load<void> {
    const { disk, progress, target } = this.options;
    target.beginLog();
    this.queue = null;
    const args = new Args();
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = from; at < bytes; ) {
      // The first are small: what happens between them should have happened before V8 compiles for good.
      const most = Math.max(FIRST_BYTES, Math.floor((at - from) / 16));
      const n = disk.read(fd, chunk, 0, Math.min(CHUNK_BYTES, most), at);
      if (n === 0) break;
      at += n;
      reader.push(chunk.subarray(0, n));
      for (let more = true; more; ) {
        more = this.replaySome(reader, args);
        helper?.follow(target.arena);
        if (!this.sliceOver()) continue;
        progress.loadedBytes = before + reader.offset;
        yield;
      }
      progress.loadedBytes = before + reader.offset;
    }
    reader.end();
  }

  /** False: the reader needs more bytes. */
  private replaySome(reader: LogReader, args: Args): boolean {
    for (let i = 0; i < CLOCK_EVERY; i++) {
      const token = reader.next(args);
      if (token === Token.MORE) return false;
      if (token === Token.COMMAND) this.replayCommand(reader, args);
    }
    return true;
  }

  private replayCommand(reader: LogReader, args: Args): void {
    const { queue } = this;
    if (reader.openMulti >= 0) {
      if (queue === null) this.queue = [];
      else queue.push(args.clone());
    } else if (queue !== null) {
      this.queue = null;
      for (const queued of queue) this.apply(queued, reader);
    } else if (!(args.count === 1 && args.is(0, 'EXEC'))) {
      this.apply(args, reader);
    }
  }

  /**
   * A command that was logged had changed something, so one that answers an error tells that the data is not what it was
   * then. Stock servers go on, and so does this one, but says so; except for SELECT, after which all that follows would go
   * into a wrong database.
   */
  private apply(args: Args, reader: LogReader): void {
    const { target, log } = this.options;
    const error = target.apply(args);
    if (error === null) return;
    const what = `the command '${args.latin1(0).slice(0, 40)}' before byte ${reader.offset} of ${reader.file} answers: ${error}`;
    if (args.is(0, 'SELECT')) {
      log.warning(`Can't load the append only file: ${what}`);
      throw new RecoveryError(`Can't load the append only file: ${what}`, reader.file, reader.tokenOffset);
    }
    if (++this.errors <= ERRORS_SHOWN) {
      log.warning(`== CRITICAL == While the AOF was loaded ${what}. What it changed when it was logged is missing now`);
    }
  }

  private sliceOver(): boolean {
    return performance.now() - this.lastYieldMs > SLICE_MS;
  }

  // --- cut and damaged files -----------------------------------------------------------------------------------------

  private truncated(error: TruncatedLogError, path: string, last: boolean): void {
    const { config, log } = this.options;
    if (error.cutOffset < error.offset) log.warning(`Revert incomplete MULTI/EXEC transaction in AOF file ${path}`);
    if (!last) {
      log.warning('Fatal error: the truncated file is not the last file');
    } else if (config['aof-load-truncated']) {
      log.warning(`!!! Warning: short read while loading the AOF file ${path}!!!`);
      this.cut(path, error.cutOffset);
      log.warning(`AOF ${path} loaded anyway because aof-load-truncated is enabled`);
      return;
    }
    const alternative = last
      ? " 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server."
      : '';
    const message = `Unexpected end of file reading the append only file ${path} at byte ${error.cutOffset}. You can: 1) Make a backup of your AOF file, then use redis-check-aof --fix ${this.toCheck(path, last)}.${alternative}`;
    log.warning(message);
    throw new RecoveryError(message, path, error.cutOffset, error);
  }

  /** What redis-check-aof is to look at: with the manifest it stops at a base whose version it does not know. */
  private toCheck(path: string, last: boolean): string {
    return last ? path : this.options.directory.manifestPath;
  }

  /** Whether the log ends in a write that a power cut has left in parts, behind what was acknowledged. */
  private isTorn(reader: LogReader, fd: number, bytes: number): boolean {
    const from = reader.doubtFrom;
    if (!reader.mayBeTorn || bytes - from > TORN_MAX) return false;
    const tail = Buffer.allocUnsafe(bytes - from);
    const n = this.options.disk.read(fd, tail, 0, tail.length, from);
    return isTornWrite(tail.subarray(0, n), from);
  }

  private torn(reader: LogReader, found: string): void {
    this.dropFrom(reader.doubtFrom, reader, found);
  }

  /** Whether the damage is behind what was on the disk when a sync of the file failed. */
  private wasLost(reader: LogReader, error: CorruptionError): boolean {
    const synced = this.syncedBytes(reader);
    return synced !== null && (error.offset >= synced || reader.contentEnd > synced);
  }

  private lost(reader: LogReader, error: CorruptionError): void {
    const synced = this.syncedBytes(reader)!;
    this.options.log.warning(
      `${error.message}. Of this file only the first ${synced} bytes were on the disk when a sync of it failed, of which the server that wrote it told its clients`,
    );
    this.dropFrom(reader.verify ? Math.max(synced, reader.checkedTo) : synced, reader, error.found);
  }

  private syncedBytes({ file }: LogReader): number | null {
    return this.options.directory.syncedBytes(basename(file));
  }

  private dropFrom(from: number, reader: LogReader, found: string): void {
    this.truncated(new TruncatedLogError(reader.file, from, from, found), reader.file, true);
    // Some of it may have been carried out.
    if (reader.contentEnd > from) throw new LoadAgain();
  }

  /** All could be read; but what is not summed up may be a torn write, and what is behind the log is room. */
  private checkTail(reader: LogReader, fd: number, bytes: number): void {
    if (reader.doubtFrom < reader.contentEnd && this.isTorn(reader, fd, bytes)) {
      this.torn(reader, 'a write in parts');
    } else if (reader.contentEnd < bytes) {
      // In room every turn ends with its sum.
      if (reader.inRoom && reader.checkedTo < reader.contentEnd) {
        throw new CorruptionError(reader.file, reader.checkedTo, 'a turn with its checksum', 'none');
      }
      const unused = bytes - reader.contentEnd;
      this.options.log.notice(`The last ${unused} bytes of ${reader.file} are room that was not used, and are cut off`);
      if (reader.endsInRoom) this.endRoom(reader.file, reader.contentEnd, unused, reader.verify);
      else this.shorten(reader.file, reader.contentEnd);
    }
  }

  private damaged(error: CorruptionError, reader: LogReader, fd: number, bytes: number, last: boolean): void {
    const { config, log } = this.options;
    const path = reader.file;
    const cutOffset = Math.min(error.offset, reader.cutOffset);
    const most = config['aof-load-corrupt-tail-max-size'];
    const tailBytes = most > 0 ? this.withoutRoom(fd, cutOffset, bytes) - cutOffset : bytes - cutOffset;
    if (last && tailBytes <= most) {
      log.warning(`!!! Warning: ${error.message}!!!`);
      this.cut(path, cutOffset);
      log.warning(
        `AOF ${path} loaded anyway because its damaged tail of ${tailBytes} bytes is within aof-load-corrupt-tail-max-size`,
      );
      if (cutOffset < reader.cutOffset) throw new LoadAgain();
      return;
    }
    const repair = error.expected.includes('checksum')
      ? sumRepair(path, last ? Math.min(cutOffset, reader.checkedTo) : null)
      : `use redis-check-aof --fix ${this.toCheck(path, last)}, which drops what follows the damage`;
    const message = `Bad file format reading the append only file ${path}: ${error.damage}. Make a backup of your AOF file, then ${repair}`;
    log.warning(message);
    throw new RecoveryError(message, path, error.offset, error);
  }

  /** Where the room at the end of a file begins, if it does behind `from`. */
  private withoutRoom(fd: number, from: number, bytes: number): number {
    const start = Math.max(from, bytes - CHUNK_BYTES);
    const tail = Buffer.allocUnsafe(bytes - start);
    let n = this.options.disk.read(fd, tail, 0, tail.length, start);
    while (n > 0 && isRoom(tail[n - 1]!, start + n - 1)) n--;
    return start + n;
  }

  private unknownCommand(error: UnknownCommand, reader: LogReader, path: string): never {
    const message = `Unknown command '${error.command}' reading the append only file ${path} at byte ${reader.tokenOffset}`;
    this.options.log.warning(message);
    throw new RecoveryError(message, path, reader.tokenOffset, error);
  }

  private cut(path: string, bytes: number): void {
    this.options.log.warning(`!!! Truncating the AOF ${path} at offset ${bytes} !!!`);
    this.shorten(path, bytes);
  }

  /** Durably. */
  private shorten(path: string, bytes: number): void {
    this.mend(path, bytes, (fd) => this.options.disk.truncate(fd, bytes));
  }

  /** Cuts room off, durably; and says so before, as LogFile does: a cut that is under way may leave zeros before fill. */
  private endRoom(path: string, bytes: number, unused: number, verified: boolean): void {
    const { disk, directory } = this.options;
    const line = unused > END_OF_ROOM.length ? END_OVER_FILL : END_OF_ROOM;
    this.mend(path, bytes, (fd) => {
      let done = 0;
      while (done < line.length) {
        const n = disk.writeAt(fd, line, done, line.length - done, bytes + done);
        if (n === 0) throw Object.assign(new Error('write returned 0'), { code: 'ENOSPC' });
        done += n;
      }
      directory.syncOrMark(fd);
      disk.truncate(fd, bytes + END_OF_ROOM.length);
    });
    this.logEnd = { tail: verified ? { bytes: 0, crc: 0 } : null, inRoom: false };
  }

  private mend(path: string, bytes: number, change: (fd: number) => void): void {
    const { disk, log, directory } = this.options;
    try {
      const fd = disk.open(path, 'update');
      try {
        change(fd);
        directory.syncOrMark(fd);
      } finally {
        disk.close(fd);
      }
    } catch (error) {
      const message = `Error truncating the AOF file ${path}: ${strerror(error)}`;
      log.warning(message);
      throw new RecoveryError(message, path, bytes, error);
    }
  }

  // --- a file from before version 7 ----------------------------------------------------------------------------------

  /**
   * Takes `dir`/appendonly.aof into the directory as base, if it is there and the directory has no AOF of its own, or if a
   * crash has stopped just that.
   */
  private upgrade(): void {
    const { disk, dir, directory, log } = this.options;
    const { prefix, manifest } = directory;
    const old = join(dir, prefix);
    const stat = disk.stat(old);
    if (stat === null || stat.directory) return;
    const files = manifest.files();
    const begun = files.length === 1 && files[0]!.type === 'b' && files[0]!.name === prefix;
    const there = disk.stat(directory.file(prefix)) !== null;
    if (!(files.length === 0 && manifest.history.length === 0) && !(begun && !there)) return;
    try {
      directory.ensure();
      if (!begun) {
        const next = manifest.clone();
        next.base = { name: prefix, seq: 1, type: 'b' };
        next.baseSeq = 1;
        directory.persistNow(next);
      }
      const fd = disk.open(old, 'update');
      try {
        disk.sync(fd);
      } finally {
        disk.close(fd);
      }
      disk.rename(old, directory.file(prefix));
      disk.syncDir(directory.path);
      disk.syncDir(dirname(old));
    } catch (error) {
      const message = `Error trying to move the old AOF file ${old} into dir ${directory.path}: ${strerror(error)}`;
      log.warning(message);
      throw new RecoveryError(message, old, -1, error);
    }
    log.notice(
      `Successfully migrated an old-style AOF file (${prefix}) into the AOF directory (${basename(directory.path)}).`,
    );
  }
}

/** As `%.3f`. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/**
 * What repairs a log whose commands can be read but do not fit their checksums, which redis-check-aof does not look at.
 * @param cutOffset where it can be cut; null: more of the log follows, which would then be applied to other data
 */
function sumRepair(path: string, cutOffset: number | null): string {
  const cut =
    cutOffset === null ? '' : `cut it (truncate -s ${cutOffset} ${path}), which drops the damage and what follows, or `;
  return `${cut}start once with aof-checksum no and run BGREWRITEAOF, which takes the bytes as they are: right if you have edited them by hand (redis-check-aof does not see this damage)`;
}
