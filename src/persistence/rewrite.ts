/**
 * BGREWRITEAOF: replaces base and incrs by a new base, while commands go on.
 *
 * The usual way, when there is a log and it is well:
 *   1. the directory is made, a new INCR is opened, and its name synced
 *   2. the old INCR is synced in the background, so that step 4 has little left to do
 *   3. at one moment between two commands: the old INCR is written and sealed, the capture of the keyspace begins, and
 *      effects from here on are for the new INCR (AppendLog.hold: they wait in memory, and so do their replies)
 *   4. the old INCR is synced, then the manifest that names the new one is put on disk
 *   5. what waited is written to the new INCR, and replies go out: milliseconds after step 3
 *   6. the new BASE is written beside, synced, and named
 *   7. the manifest names the new BASE, keeps the new INCR, and makes all others history
 *   8. history is deleted, then its lines in the manifest
 *
 * Stock servers put step 4's manifest on disk before the old INCR's tail is, and a power cut in between leaves a cut in a
 * file that is not the last, with which they do not start.
 *
 * The one-step way, when there is no log yet (appendonly was turned on just now), or it has failed:
 *   1. a temporary INCR gets a copy of every effect (AppendLog.beginNext) from the moment of the capture on
 *   2. the new BASE is written, then the INCR is synced and both have their names
 *   3. one manifest names both and makes all others history; only then is the new log the log
 *
 * With appendonly off there is no INCR at all, and the manifest names the new BASE alone.
 *
 * A crash at any step leaves a manifest with whose files the server starts and has everything that was acknowledged; what
 * else lies in the directory under a temporary name is removed at the next start. A base that has its name already, and no
 * manifest yet that tells of it, stays until a rewrite takes its number.
 */
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import { RenameUnsure, removeQuietly } from '../disk/replace-file.js';
import type { AofFile, Manifest } from '../formats/aof/manifest.js';
import type { AofDirectory } from './aof-directory.js';
import type { AppendLog } from './append-log.js';
import type { LogFile } from './log-file.js';
import { type BeginSnapshot, formatInstead, type SnapshotFormat, type SnapshotRun } from './snapshot-run.js';

export interface RewriteConfig {
  readonly 'aof-use-rdb-preamble': boolean;
  readonly 'aof-checksum': boolean;
  readonly 'aof-disable-auto-gc': boolean;
}

export interface RewriterOptions {
  directory: AofDirectory;
  appendLog: AppendLog;
  config: RewriteConfig;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
  beginSnapshot: BeginSnapshot;
  /** Whether effects are to be logged: `appendonly`. */
  logged: () => boolean;
  /** A log that did not exist, or had failed, is in force from now on. */
  adopted: () => void;
}

/** Failures in a row after which the next tries wait. */
const FAILURES_FREE = 3;
const DELAY_MINUTES_MAX = 60;

export class Rewriter {
  /** When the running rewrite began, in milliseconds since 1970; -1 = none runs. */
  startedAtMs = -1;
  /** Seconds that the last one took; -1 = there was none. */
  lastSeconds = -1;
  lastOk = true;
  /** Rewrites begun since the start. */
  count = 0;
  failuresInARow = 0;

  private delayMinutes = 0;
  private nextTryMs = 0;
  run: SnapshotRun | null = null;
  /** Most bytes that the last one's snapshot held back (INFO aof_last_cow_size). */
  lastHeldBytes = 0;
  private aborted = false;
  /** What the running snapshot's file is, whatever is configured meanwhile. */
  private baseFormat: SnapshotFormat = 'rdb';
  /** The data set has no form in the format of `aof-use-rdb-preamble`, which cannot be followed this time. */
  private instead: SnapshotFormat | null = null;
  private ending: Promise<void> = Promise.resolve();
  /** Names of files that the running rewrite makes and a manifest is to name in the end. */
  private made: string[] = [];

  constructor(private readonly options: RewriterOptions) {}

  get running(): boolean {
    return this.startedAtMs >= 0;
  }

  /**
   * Whether automatic rewrites have to wait because the last ones failed: the fourth try waits a minute, then two, four, up
   * to sixty.
   */
  limited(): boolean {
    if (this.failuresInARow < FAILURES_FREE) {
      this.delayMinutes = 0;
      this.nextTryMs = 0;
      return false;
    }
    const now = this.options.now();
    if (this.nextTryMs !== 0) {
      if (now < this.nextTryMs) return true;
      this.nextTryMs = 0;
      return false;
    }
    this.delayMinutes = this.delayMinutes === 0 ? 1 : Math.min(this.delayMinutes * 2, DELAY_MINUTES_MAX);
    this.nextTryMs = now + this.delayMinutes * 60_000;
    this.options.log.warning(
      `Background AOF rewrite has repeatedly failed and triggered the limit, will retry in ${this.delayMinutes} minutes`,
    );
    return true;
  }

  /** Runs one rewrite. Never rejects: `lastOk` says how it ended, the log why. */
  start(): Promise<void> {
    const { log, now } = this.options;
    this.startedAtMs = now();
    this.count++;
    this.aborted = false;
    log.notice(`Background append only file rewriting started by pid ${process.pid}`);
    this.ending = this.rewrite().then(
      () => {
        log.notice('Background AOF rewrite finished successfully');
        this.ended(true);
      },
      (error: unknown) => {
        if (this.aborted) log.notice('Background AOF rewrite terminated by request');
        else log.warning(`Background AOF rewrite failed: ${strerror(error)}`);
        this.ended(false);
      },
    );
    return this.ending;
  }

  private ended(ok: boolean): void {
    const seconds = Math.floor((this.options.now() - this.startedAtMs) / 1000);
    this.startedAtMs = -1;
    this.run = null;
    if (!ok && this.aborted) return;
    this.lastSeconds = seconds;
    this.lastOk = ok;
    this.failuresInARow = ok ? 0 : this.failuresInARow + 1;
  }

  /** Resolves when no rewrite runs. */
  async settled(): Promise<void> {
    await this.ending;
  }

  /** Gives the running rewrite up and waits until nothing of it runs. */
  async stop(): Promise<void> {
    this.aborted = true;
    this.run?.abort();
    await this.ending;
  }

  private async rewrite(): Promise<void> {
    const { directory, appendLog, log } = this.options;
    directory.ensure();
    // While there is no log, nobody has looked: the numbers of files that are there must not be used again.
    if (appendLog.main === null) directory.load();
    // From here on no command is in progress: its effects are in the log whole.
    await Promise.resolve();
    this.instead = null;
    try {
      await this.rewriteOnce();
    } catch (error) {
      if (!this.aborted) this.instead = formatInstead(this.baseFormat, error, log);
      if (this.instead === null) throw error;
      await this.rewriteOnce();
    }
    // Temporary names are no longer used by anybody; what could not be deleted is left to the next start.
    if (!this.options.config['aof-disable-auto-gc']) await directory.removeHistory();
  }

  private async rewriteOnce(): Promise<void> {
    const { appendLog } = this.options;
    this.made = [];
    try {
      if (!this.options.logged()) await this.baseAlone();
      else if (appendLog.main === null || appendLog.failure !== null) await this.oneStep();
      else await this.usual();
    } catch (error) {
      this.removeUnnamed();
      throw error;
    }
  }

  /** What was whole already, and is named by no manifest: it would fill the disk, of which there may be too little. */
  private removeUnnamed(): void {
    const { directory } = this.options;
    const named = directory.manifest.files().map((file) => file.name);
    for (const name of this.made) {
      if (!named.includes(name)) removeQuietly(directory.disk, directory.file(name));
    }
  }

  // --- the usual way -------------------------------------------------------------------------------------------------

  private async usual(): Promise<void> {
    const { directory, appendLog, log } = this.options;
    const manifest = directory.manifest.clone();
    const incr = manifest.addIncr(directory.prefix);
    const path = directory.file(incr.name);
    log.notice(`Creating AOF incr file ${incr.name} on background rewrite`);
    const file = await this.newIncr(path);
    let run: SnapshotRun;
    try {
      await appendLog.syncMain();
      this.checkAborted();
      if (appendLog.hold(file) === null) throw new Error(`the log can't be written: ${appendLog.failure}`);
    } catch (error) {
      appendLog.noHold();
      await file.close();
      removeQuietly(directory.disk, path);
      throw error;
    }
    try {
      run = this.snapshot(manifest);
      await appendLog.syncHeld();
      await directory.persist(manifest);
    } catch (error) {
      await this.abortRun();
      if (error instanceof RenameUnsure) {
        // The manifest may name the new file from now on, so it must be the one that is written.
        appendLog.failSync(error.cause, file);
        appendLog.commitHold();
      } else {
        appendLog.revertHold();
        removeQuietly(directory.disk, path);
      }
      throw error;
    }
    appendLog.commitHold();
    const { bytes } = await this.finished(run);
    const next = directory.manifest.clone();
    this.addBase(next);
    next.retireIncrs(1);
    await directory.persist(next);
    appendLog.otherBytes = bytes;
    appendLog.baseBytes = appendLog.currentBytes;
  }

  /** Opens an INCR and makes its name durable. */
  private async newIncr(path: string): Promise<LogFile> {
    const { directory, appendLog } = this.options;
    const file = appendLog.open(path, 'create');
    try {
      await directory.disk.syncDirAsync(directory.path);
    } catch (error) {
      await file.close();
      removeQuietly(directory.disk, path);
      throw error;
    }
    return file;
  }

  // --- the one-step way ----------------------------------------------------------------------------------------------

  private async oneStep(): Promise<void> {
    const { directory, appendLog, log } = this.options;
    const manifest = directory.manifest.clone();
    const temp = directory.file(directory.temporaryIncr);
    log.notice(`Creating AOF incr file ${directory.temporaryIncr} on background rewrite`);
    const next = await this.newIncr(temp);
    appendLog.beginNext(next);
    try {
      const { bytes } = await this.finished(this.snapshot(manifest));
      this.addBase(manifest);
      manifest.retireIncrs(0);
      const incr = manifest.addIncr(directory.prefix);
      await appendLog.syncNext();
      this.made.push(incr.name);
      directory.disk.rename(temp, directory.file(incr.name));
      next.name = incr.name;
      await directory.disk.syncDirAsync(directory.path);
      if (appendLog.nextFailure !== null) throw appendLog.nextFailure;
      let unsure: unknown = null;
      try {
        await directory.persist(manifest);
      } catch (error) {
        if (!(error instanceof RenameUnsure)) throw error;
        unsure = error.cause;
      }
      appendLog.adoptNext(unsure);
      if (unsure === null) directory.unmarkUnsynced();
      this.options.adopted();
      appendLog.otherBytes = bytes;
      appendLog.baseBytes = appendLog.currentBytes;
      if (unsure !== null) throw unsure;
    } catch (error) {
      await this.abortRun();
      appendLog.dropNext();
      removeQuietly(directory.disk, temp);
      throw error;
    }
  }

  private async baseAlone(): Promise<void> {
    const { directory } = this.options;
    const manifest = directory.manifest.clone();
    await this.finished(this.snapshot(manifest));
    this.addBase(manifest);
    manifest.retireIncrs(0);
    await directory.persist(manifest);
    directory.unmarkUnsynced();
  }

  // --- the base ------------------------------------------------------------------------------------------------------

  /** Begins to write the base that will follow the one in `manifest`. */
  private snapshot(manifest: Manifest): SnapshotRun {
    const { directory, beginSnapshot, config } = this.options;
    this.baseFormat = this.instead ?? (config['aof-use-rdb-preamble'] ? 'rdb' : 'commands');
    const { name } = this.addBase(manifest.clone());
    this.made.push(name);
    this.run = beginSnapshot({
      path: directory.file(name),
      tempPath: directory.file(directory.temporaryBase),
      format: this.baseFormat,
      aofBase: true,
      checksums: config['aof-checksum'],
    });
    // It is awaited later; until then nobody may take its failure for unhandled.
    this.run.done.catch(() => {});
    return this.run;
  }

  private async finished(run: SnapshotRun): Promise<{ bytes: number }> {
    const result = await run.done;
    this.lastHeldBytes = result.heldBytesMax ?? 0;
    this.checkAborted();
    return result;
  }

  private addBase(manifest: Manifest): AofFile {
    return manifest.addBase(this.options.directory.prefix, this.baseFormat === 'rdb' ? 'rdb' : 'aof');
  }

  private async abortRun(): Promise<void> {
    this.run?.abort();
    await this.run?.done.catch(() => {});
  }

  private checkAborted(): void {
    if (this.aborted) throw new Error('the rewrite was stopped');
  }
}
