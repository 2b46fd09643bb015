/**
 * Everything about keeping data that is not a codec: what runs when, what excludes what. The server calls it from its
 * commands, its timer and its start and end; it calls back through `PersistenceHost`.
 *
 *   start        recovery, then the log is opened
 *   tick         ten times a second: save points, automatic rewrite, what was scheduled, the log's syncs
 *   SAVE BGSAVE BGREWRITEAOF SHUTDOWN, CONFIG SET appendonly, DEBUG RELOAD and LOADAOF
 *
 * Snapshots exclude one another: BGSAVE, BGREWRITEAOF and the first rewrite after `appendonly yes` wait for each other,
 * with Redis's answers.
 */
import type { LatencyProbe } from '../base/latency-probe.js';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import type { Disk } from '../disk/disk.js';
import type { Manifest } from '../formats/aof/manifest.js';
import { AofDirectory } from './aof-directory.js';
import { AppendLog, type AppendLogConfig, type RoomPolicy } from './append-log.js';
import { BackgroundSave, removeLeftOvers, type SaveConfig } from './background-save.js';
import { LoadingProgress } from './loading.js';
import { type LoadTarget, type Recovered, Recovery, type RecoveryConfig, RecoveryError } from './recovery.js';
import { type RewriteConfig, Rewriter } from './rewrite.js';
import { type SavePoint, SavePoints } from './save-points.js';
import {
  type BeginSnapshot,
  formatInstead,
  type SnapshotFormat,
  type SnapshotNow,
  type SnapshotPlan,
} from './snapshot-run.js';

/** Directives by their names; they may change at any time, but for appenddirname and appendfilename. */
export interface PersistenceConfig extends AppendLogConfig, RewriteConfig, RecoveryConfig, SaveConfig {
  readonly save: readonly SavePoint[];
  readonly appenddirname: string;
  readonly 'auto-aof-rewrite-percentage': number;
  readonly 'auto-aof-rewrite-min-size': number;
  readonly 'stop-writes-on-bgsave-error': boolean;
}

export interface PersistenceHost {
  beginSnapshot: BeginSnapshot;
  snapshotNow: SnapshotNow;
  target: LoadTarget;
}

export interface PersistenceOptions {
  disk: Disk;
  config: PersistenceConfig;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
  /** See AppendLogOptions. */
  monotonic?: () => number;
  probe?: LatencyProbe;
  room?: RoomPolicy;
  host: PersistenceHost;
}

/** What a server that goes on with such a log answers. */
const UNSYNCED = Object.assign(new Error('a sync has failed'), { code: 'EIO' });
const SAVE_IN_PROGRESS = 'ERR Background save already in progress';
const OTHER_CHILD =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";
const REWRITE_REFUSED =
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.";
const STILL_LOADING = 'The data is still being loaded: try again when it is';
const STOP_WRITES =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

export class Persistence {
  readonly appendLog: AppendLog;
  readonly savePoints: SavePoints;
  readonly progress = new LoadingProgress();
  readonly dump: BackgroundSave;
  readonly rewriter: Rewriter;
  readonly directory: AofDirectory;
  /** `wait`: appendonly was turned on, and its first rewrite has not ended. */
  aof: 'off' | 'wait' | 'on' = 'off';
  /** A rewrite, or a save, is to begin as soon as nothing else runs. */
  rewriteScheduled = false;
  saveScheduled = false;
  /** How many times appendonly was turned off whose files are still being closed. */
  private turningOff = 0;
  /** Before that there is more on the disk than in memory. */
  private started = false;

  private readonly disk: Disk;
  private readonly config: PersistenceConfig;
  private readonly log: Log;
  private readonly now: () => number;
  private readonly host: PersistenceHost;

  constructor(options: PersistenceOptions) {
    const { disk, config, log, now, host, monotonic, probe, room } = options;
    this.disk = disk;
    this.config = config;
    this.log = log;
    this.now = now;
    this.host = host;
    this.savePoints = new SavePoints(now());
    this.appendLog = new AppendLog({
      ...{ disk, config, log, now },
      ...(monotonic === undefined ? {} : { monotonic }),
      ...(probe === undefined ? {} : { probe }),
      ...(room === undefined ? {} : { room }),
    });
    this.appendLog.snapshotRunning = () => this.busy;
    this.appendLog.onSyncFailure = (file) => {
      this.directory.markUnsynced(file?.name, file?.syncedBytes);
      if (this.aof !== 'off') this.rewriteScheduled = true;
    };
    this.directory = new AofDirectory(disk, config.dir, config.appenddirname, config.appendfilename, log);
    this.dump = new BackgroundSave({ disk, config, log, now, savePoints: this.savePoints, ...host });
    this.rewriter = new Rewriter({
      directory: this.directory,
      appendLog: this.appendLog,
      config,
      log,
      now,
      beginSnapshot: host.beginSnapshot,
      logged: () => this.aof !== 'off',
      adopted: () => {
        if (this.aof === 'wait' && this.turningOff === 0) this.aof = 'on';
      },
    });
  }

  /** Whether a snapshot runs, or must not begin yet. */
  get busy(): boolean {
    return this.dump.running || this.rewriter.running || this.turningOff > 0;
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  /**
   * Loads what there is and opens the log. Throws RecoveryError, AofDirectoryError, AofInUseError, or LoadAborted after
   * `shutdown`. Until it resolves `progress` tells how far it is.
   */
  async start(): Promise<Recovered> {
    const { config, disk, directory } = this;
    removeLeftOvers(disk, config.dir);
    // Loading already mends the end of a log.
    if (config.appendonly) directory.claim();
    try {
      const recovered = await this.load();
      this.started = true;
      return recovered;
    } catch (error) {
      this.aof = 'off';
      await this.appendLog.close();
      directory.release();
      throw error;
    }
  }

  /** Instead of `start`: nothing is to be loaded, and nothing to be kept. */
  startInMemory(): void {
    this.started = true;
  }

  private async load(): Promise<Recovered> {
    const { config, directory } = this;
    const recovered = await this.recovery().run();
    // What was replayed from the log counts as changes since the last save; what a dump held does not.
    if (recovered.from !== 'aof') this.savePoints.loaded(this.now());
    if (config.appendonly) {
      await this.openLog(recovered);
      if (!config['aof-disable-auto-gc']) await directory.removeHistory();
    }
    this.progress.checkAborted();
    return recovered;
  }

  private recovery(): Recovery {
    const { disk, config, directory, log, now, progress, host } = this;
    return new Recovery({ disk, dir: config.dir, directory, config, log, now, progress, target: host.target });
  }

  /**
   * Opens the log after loading. Every name and every byte that the manifest stands for is made durable before the manifest
   * says so: the base, then the INCR, then the manifest.
   */
  private async openLog({ needsBase, from, logEnd }: Recovered): Promise<void> {
    const { directory, disk, appendLog, log } = this;
    directory.ensure();
    directory.removeTemporary();
    const manifest = directory.manifest.clone();
    if (needsBase) await this.writeFirstBase(manifest, from === 'nothing');
    this.progress.checkAborted();
    if (manifest.incr.length > 0) {
      const { name } = manifest.incr.at(-1)!;
      log.notice(`Opening AOF incr file ${name} on server start`);
      // A killed process may have left what only the system's cache has; what follows is acknowledged on top of it.
      await directory.makeDurable();
      this.progress.checkAborted();
      appendLog.start(appendLog.open(directory.file(name), 'update', logEnd));
    } else {
      const incr = manifest.addIncr(directory.prefix);
      log.notice(`Creating AOF incr file ${incr.name} on server start`);
      const file = appendLog.open(directory.file(incr.name), 'create');
      // It is closed with the log when the start fails.
      appendLog.start(file);
      disk.syncDir(directory.path);
      directory.persistNow(manifest);
    }
    let total = 0;
    for (const { name } of directory.manifest.files()) total += directory.bytes(name);
    appendLog.otherBytes = total - appendLog.main!.bytes;
    const { base } = directory.manifest;
    appendLog.baseBytes = base === null ? 0 : directory.bytes(base.name);
    this.aof = 'on';
    if (from !== 'aof') {
      directory.unmarkUnsynced();
    } else if (directory.isUnsynced) {
      log.warning(
        `A sync of the log has failed before (${directory.unsyncedMark}): not all that was loaded may be on the disk, so it is written to new files, and until then writes are refused`,
      );
      appendLog.failSync(UNSYNCED);
    }
  }

  private async writeFirstBase(manifest: Manifest, empty: boolean): Promise<void> {
    const { directory, config, log, host } = this;
    const write = async (format: SnapshotFormat) => {
      const next = manifest.clone();
      const base = next.addBase(directory.prefix, format === 'rdb' ? 'rdb' : 'aof');
      log.notice(`Creating AOF base file ${base.name} on server start`);
      const plan: SnapshotPlan = {
        path: directory.file(base.name),
        tempPath: directory.file(directory.temporaryBase),
        format,
        aofBase: true,
        checksums: config['aof-checksum'],
      };
      // A worker would take longer to start than an empty base takes to write.
      if (empty) host.snapshotNow(plan);
      else await host.beginSnapshot(plan).done;
      manifest.addBase(directory.prefix, format === 'rdb' ? 'rdb' : 'aof');
    };
    const format = config['aof-use-rdb-preamble'] ? 'rdb' : 'commands';
    try {
      await write(format);
    } catch (error) {
      const instead = formatInstead(format, error, log);
      if (instead === null) throw error;
      await write(instead);
    }
  }

  // --- timer ---------------------------------------------------------------------------------------------------------

  tick(): void {
    const { config, rewriter, savePoints, appendLog, log } = this;
    appendLog.tick();
    this.directory.retryMark();
    if (!this.busy && this.rewriteScheduled && !rewriter.limited()) this.startRewrite();
    if (!this.busy) {
      const now = this.now();
      const point = savePoints.due(config.save, now);
      if (point !== null) {
        log.notice(`${point.changes} changes in ${point.seconds} seconds. Saving...`);
        this.dump.start();
      } else if (this.saveScheduled && savePoints.mayTry(now)) {
        if (this.dump.start()) this.saveScheduled = false;
      }
    }
    if (!this.busy) this.rewriteIfGrown();
  }

  private rewriteIfGrown(): void {
    const { config, appendLog, log } = this;
    const percentage = config['auto-aof-rewrite-percentage'];
    if (this.aof !== 'on' || percentage === 0) return;
    const bytes = appendLog.currentBytes;
    if (bytes <= config['auto-aof-rewrite-min-size']) return;
    const growth = Math.floor((bytes * 100) / (appendLog.baseBytes || 1)) - 100;
    if (growth < percentage || this.rewriter.limited()) return;
    log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    this.startRewrite();
  }

  private startRewrite(): void {
    this.rewriteScheduled = false;
    this.followDir();
    void this.rewriter.start().then(() => {
      this.releaseUnused();
      if (this.aof === 'wait' || (this.aof === 'on' && this.appendLog.syncFailed)) this.rewriteScheduled = true;
    });
  }

  /** While no log is open, the directive `dir` says where the next one will be. */
  private followDir(): void {
    if (this.appendLog.main === null) this.directory.parent = this.config.dir;
  }

  // --- commands ------------------------------------------------------------------------------------------------------

  /** Why a write must be refused now, as the error line to answer with, without `-`; null when it need not. */
  get writeRefusal(): string | null {
    const failure = this.aof === 'off' ? null : this.appendLog.failure;
    if (failure !== null) return `MISCONF Errors writing to the AOF file: ${failure}`;
    const { config, savePoints } = this;
    if (!savePoints.lastOk && config['stop-writes-on-bgsave-error'] && config.save.length > 0) return STOP_WRITES;
    return null;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.savePoints.saves = 0;
    this.rewriter.count = 0;
    this.rewriter.failuresInARow = 0;
    this.appendLog.delayedSyncs = 0;
  }

  /** Seconds since 1970 of the last good save. */
  get lastSave(): number {
    return this.savePoints.lastSave;
  }

  /** SAVE: null, or the error. */
  save(): string | null {
    if (!this.started) return `ERR ${STILL_LOADING}`;
    if (this.dump.running) return SAVE_IN_PROGRESS;
    return this.dump.saveNow() ? null : 'ERR';
  }

  /** BGSAVE. `inTransaction`: not now, for a transaction is half done. */
  backgroundSave(schedule: boolean, inTransaction = false): { started: string } | { error: string } {
    if (!this.started) return { error: `ERR ${STILL_LOADING}` };
    if (this.dump.running) return { error: SAVE_IN_PROGRESS };
    if (this.busy || inTransaction) {
      if (!schedule && !inTransaction) return { error: OTHER_CHILD };
      this.saveScheduled = true;
      return { started: 'Background saving scheduled' };
    }
    return this.dump.start() ? { started: 'Background saving started' } : { error: 'ERR' };
  }

  /** BGREWRITEAOF. */
  rewriteAppendLog(inTransaction = false): { started: string } | { error: string } {
    if (!this.started) return { error: `ERR ${STILL_LOADING}` };
    if (this.rewriter.running) return { error: 'ERR Background append only file rewriting already in progress' };
    if (this.busy || inTransaction) {
      this.rewriteScheduled = true;
      this.rewriter.failuresInARow = 0;
      return { started: 'Background append only file rewriting scheduled' };
    }
    try {
      this.followDir();
      this.directory.ensure();
    } catch (error) {
      this.log.warning(strerror(error));
      this.rewriter.lastOk = false;
      this.releaseUnused();
      return { error: REWRITE_REFUSED };
    }
    this.startRewrite();
    return { started: 'Background append only file rewriting started' };
  }

  /**
   * FLUSHALL has emptied the data set: with save points the empty one is saved, whatever save is under way. `changes` of it
   * will be counted when the command is over, though they are saved already: they are taken off beforehand.
   */
  flushedAll(changes: number): void {
    const again = this.config.save.length > 0;
    if (this.dump.running) this.dump.supersede(again);
    if (again && this.dump.saveNow()) this.savePoints.dirty -= changes;
  }

  /** CONFIG SET aof-disable-auto-gc: history that was kept goes now, or when the running rewrite is over. */
  historyAllowed(): void {
    if (this.config['aof-disable-auto-gc'] || !this.directory.claimed) return;
    if (this.rewriter.running) void this.rewriter.settled().then(() => this.historyAllowed());
    else this.directory.removeHistoryNow();
  }

  /**
   * CONFIG SET appendonly. `yes` begins with a rewrite, which is under way or scheduled when this returns; `no` is in
   * force at once, and the files are closed soon after.
   * @returns null, or why it can't be
   */
  setAppendonly(on: boolean): string | null {
    if (!this.started) return STILL_LOADING;
    if (on === (this.aof !== 'off')) return null;
    if (!on) {
      this.aof = 'off';
      this.rewriteScheduled = false;
      this.turningOff++;
      // Not now: the transaction that this is a part of may have written before, and its effects are in the log whole.
      this.turnedOff = this.turnedOff.then(() => this.turnOff());
      return null;
    }
    const inUse = this.rewriter.running || this.turningOff > 0;
    try {
      if (!inUse) this.directory.parent = this.config.dir;
      this.directory.ensure();
      if (!inUse) this.directory.removeTemporary();
    } catch (error) {
      this.log.warning(strerror(error));
      this.rewriter.lastOk = false;
      this.releaseUnused();
      return 'Unable to turn on AOF. Check server logs.';
    }
    this.aof = 'wait';
    this.rewriteScheduled = true;
    if (this.busy) {
      this.log.notice(
        'AOF was enabled but there is already another background operation. An AOF background was scheduled to start when possible.',
      );
    } else {
      this.startRewrite();
    }
    return null;
  }

  /** CONFIG SET dir, after the change: null, or why it must be taken back. */
  dirRefusal(): string | null {
    if (this.config.dir === this.directory.parent) return null;
    if (!this.started) return STILL_LOADING;
    if (this.aof !== 'off') return 'The append only file is open in the old directory. Turn appendonly off first';
    return this.busy ? 'The old directory is still being written to: try again in a moment' : null;
  }

  private releaseUnused(): void {
    if (this.aof === 'off' && !this.rewriter.running && this.turningOff === 0) this.directory.release();
  }

  /** Resolves when an `appendonly no` has closed the files. */
  turnedOff: Promise<void> = Promise.resolve();

  private async turnOff(): Promise<void> {
    try {
      if (this.rewriter.running) {
        this.log.notice('The rewrite of the AOF is stopped, for AOF is turned off');
        await this.rewriter.stop();
      }
      await this.appendLog.stop();
    } catch (error) {
      this.log.warning(`Error closing the AOF file: ${strerror(error)}`);
    } finally {
      this.turningOff--;
      this.releaseUnused();
    }
  }

  // --- end -----------------------------------------------------------------------------------------------------------

  /** Why the last shutdown without `force` was refused, as the log has it and with the reason of a save. */
  refusal = '';

  /**
   * The end of the process: stops what runs, writes and syncs the log, and saves the dump if asked to or configured so.
   * Returns whether all went well; without `force` nothing irreversible has happened when it did not (`refusal` says why). A load
   * is given up: what is on the disk is all there is.
   */
  async shutdown(save: 'save' | 'nosave' | 'configured', force: boolean): Promise<boolean> {
    const { log, config } = this;
    const refuse = (why: string, reason = ''): false => {
      log.warning(why);
      this.refusal = `${why}${reason}`;
      return false;
    };
    if (!this.started) {
      this.progress.aborted = true;
      return true;
    }
    if (this.dump.running) {
      log.warning('There is a child saving an .rdb. Killing it!');
      await this.dump.stop();
    }
    if (this.aof !== 'off') {
      if (this.appendLog.syncFailed && !force) {
        return refuse("The AOF file could not be synced, and is to be rewritten: can't exit.");
      }
      if (this.aof === 'wait') {
        if (!force) return refuse("Writing initial AOF, can't exit.");
        log.warning('Writing initial AOF. Exit anyway.');
      }
      if (this.rewriter.running) {
        log.warning('There is a child rewriting the AOF. Killing it!');
        await this.rewriter.stop();
      }
      log.notice('Calling fsync() on the AOF file.');
      try {
        this.appendLog.finish();
      } catch (error) {
        refuse(`Fail to fsync the AOF file: ${strerror(error)}.`);
        if (!force) return false;
      }
    }
    if (save === 'save' || (save === 'configured' && config.save.length > 0)) {
      log.notice('Saving the final RDB snapshot before exiting.');
      if (!this.dump.saveNow()) {
        if (!force) return refuse("Error trying to save the DB, can't exit.", ` ${this.dump.failure}`);
        log.warning('Error trying to save the DB. Exit anyway.');
      }
    }
    return true;
  }

  /** Gives back what `start` took: nothing is written from here on. A start that is under way ends by itself. */
  async close(): Promise<void> {
    if (!this.started) return;
    await this.turnedOff;
    if (this.rewriter.running) await this.rewriter.stop();
    if (this.dump.running) await this.dump.stop();
    await this.appendLog.close();
    this.directory.retryMark();
    this.directory.release();
  }

  // --- debugging -----------------------------------------------------------------------------------------------------

  /** DEBUG RELOAD. Null, or the error. */
  reload(options: { save: boolean; flush: boolean; merge: boolean }): string | null {
    if (!this.started) return `ERR ${STILL_LOADING}`;
    // What it saves is out of date: it must not come in the place of what is saved now.
    if (this.dump.running) this.dump.supersede(true);
    if (options.save && !this.dump.saveNow()) return 'ERR';
    if (options.flush) this.host.target.clear();
    return this.loadNow('dump', options.merge, 'ERR Error trying to load the RDB dump, check server logs.');
  }

  /** DEBUG LOADAOF. Null, or the error. */
  loadAppendLog(): string | null {
    if (!this.started) return `ERR ${STILL_LOADING}`;
    if (this.aof !== 'on') return 'ERR appendonly is off';
    if (this.rewriter.running) return 'ERR the AOF is being rewritten';
    if (!this.appendLog.flush())
      return `ERR the AOF cannot be written: ${this.appendLog.failure ?? 'its room cannot be cut off'}`;
    this.host.target.clear();
    return this.loadNow('aof', false, 'ERR Error trying to load the AOF files, check server logs.');
  }

  private loadNow(what: 'aof' | 'dump', merge: boolean, failed: string): string | null {
    try {
      this.recovery().runNow(what, merge ? 'replace' : 'refuse');
    } catch (error) {
      if (!(error instanceof RecoveryError)) throw error;
      return failed;
    }
    this.savePoints.loaded(this.now());
    return null;
  }
}
