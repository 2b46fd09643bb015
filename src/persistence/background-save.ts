/**
 * SAVE and BGSAVE: the dump, `dir`/`dbfilename`, through temp-<pid>.rdb beside it (temp-<n>.<pid>.rdb when another
 * server of this process saves into the same folder).
 *
 * A crash leaves the old dump or the new one, and at most the temporary file, which the next start removes.
 */
import { join } from 'node:path';
import type { Log } from '../base/log.js';
import { pidAlive } from '../base/pid-alive.js';
import { strerror } from '../base/strerror.js';
import type { Disk } from '../disk/disk.js';
import { removeQuietly } from '../disk/replace-file.js';
import type { SavePoints } from './save-points.js';
import type { BeginSnapshot, SnapshotNow, SnapshotPlan, SnapshotRun } from './snapshot-run.js';

export interface SaveConfig {
  readonly dir: string;
  readonly dbfilename: string;
}

export interface BackgroundSaveOptions {
  disk: Disk;
  config: SaveConfig;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
  savePoints: SavePoints;
  beginSnapshot: BeginSnapshot;
  snapshotNow: SnapshotNow;
}

/**
 * Paths of the temporary files that the servers of this process write on a disk. Two of one folder that wrote to one file would
 * put a damaged dump in place of the good one.
 */
function temporary(disk: Disk): Set<string> {
  const known = TEMPORARY.get(disk) ?? new Set<string>();
  TEMPORARY.set(disk, known);
  return known;
}

const TEMPORARY = new WeakMap<Disk, Set<string>>();

export class BackgroundSave {
  /** When the running save began, in milliseconds since 1970; -1 = none runs. */
  startedAtMs = -1;
  run: SnapshotRun | null = null;
  /** Most bytes that the last save held back (INFO rdb_last_cow_size). */
  lastHeldBytes = 0;
  private aborted = false;
  private superseded = false;
  private ending: Promise<boolean> = Promise.resolve(true);
  /** Why the last SAVE that failed did. */
  failure = '';

  constructor(private readonly options: BackgroundSaveOptions) {}

  get running(): boolean {
    return this.run !== null;
  }

  /**
   * SAVE has a temporary file of its own, for it may run while a background save is being stopped. The name is ours until it is
   * taken out of `temporary` again.
   */
  private plan(background: boolean): SnapshotPlan {
    const { config, disk } = this.options;
    const nameOf = (n: number): string => join(config.dir, `temp-${n < 0 ? '' : `${n}.`}${process.pid}.rdb`);
    let n = background ? -1 : 0;
    let tempPath = nameOf(n);
    while (temporary(disk).has(tempPath)) {
      n = Math.max(1, n + 1);
      tempPath = nameOf(n);
    }
    temporary(disk).add(tempPath);
    return {
      path: join(config.dir, config.dbfilename),
      tempPath,
      format: 'rdb',
      aofBase: false,
      checksums: false,
    };
  }

  /** SAVE. Returns whether it went well; the log says why not, and `failure`. */
  saveNow(): boolean {
    const { disk, savePoints, snapshotNow, log, now } = this.options;
    savePoints.begin(now());
    const plan = this.plan(false);
    try {
      snapshotNow(plan);
    } catch (error) {
      this.failure = strerror(error);
      log.warning(this.failure);
      return false;
    } finally {
      temporary(disk).delete(plan.tempPath);
    }
    log.notice('DB saved on disk');
    savePoints.succeeded(now());
    return true;
  }

  /** BGSAVE. False when it could not begin; the log says why. */
  start(): boolean {
    const { disk, savePoints, beginSnapshot, log, now } = this.options;
    const beginMs = now();
    savePoints.begin(beginMs);
    this.aborted = false;
    this.superseded = false;
    let run: SnapshotRun;
    const plan = this.plan(true);
    try {
      run = beginSnapshot(plan);
    } catch (error) {
      temporary(disk).delete(plan.tempPath);
      savePoints.failed();
      log.warning(`Can't save in background: ${strerror(error)}`);
      return false;
    }
    this.run = run;
    this.startedAtMs = beginMs;
    log.notice(`Background saving started by pid ${process.pid}`);
    this.ending = run.done.then(
      ({ heldBytesMax }) => {
        temporary(disk).delete(plan.tempPath);
        this.lastHeldBytes = heldBytesMax ?? 0;
        this.ended();
        if (this.superseded) {
          // It was past the point of stopping, and its content has replaced what was saved since.
          log.notice('A background save that was superseded had ended already: saving again');
          if (this.saveNow()) return true;
          // What is on disk is older than what was said to be saved.
          savePoints.failed();
          savePoints.dirty++;
          return false;
        }
        savePoints.succeeded(now());
        log.notice('DB saved on disk');
        log.notice('Background saving terminated with success');
        return true;
      },
      (error: unknown) => {
        temporary(disk).delete(plan.tempPath);
        this.ended();
        if (this.aborted) {
          log.warning('Background saving terminated by request');
        } else {
          savePoints.failed();
          log.warning(`Background saving error: ${strerror(error)}`);
        }
        return false;
      },
    );
    return true;
  }

  private ended(): void {
    const { savePoints, now } = this.options;
    savePoints.lastSeconds = Math.floor((now() - this.startedAtMs) / 1000);
    this.startedAtMs = -1;
    this.run = null;
  }

  /** Resolves when no save runs, with how the last one ended. */
  async settled(): Promise<boolean> {
    return this.ending;
  }

  /**
   * Gives the running save up, for what it saves is out of date. `again`: if it cannot be stopped any more, save again; so also
   * when it is given up once more, for what has been saved in its stead is not to be replaced by it.
   */
  supersede(again: boolean): void {
    this.aborted = true;
    this.superseded ||= again;
    this.run?.abort();
  }

  /** Gives the running save up. */
  async stop(): Promise<void> {
    this.aborted = true;
    this.run?.abort();
    await this.ending;
  }
}

/**
 * Removes temp-<pid>.rdb and temp-rewriteaof-<pid>.aof files (and stock servers' variants of these names) that processes have
 * left which no longer run; one of this pid that no server of this process writes is left over as well.
 */
export function removeLeftOvers(disk: Disk, dir: string, isAlive: (pid: number) => boolean = pidAlive): void {
  if (!disk.stat(dir)?.directory) return;
  let names: string[];
  try {
    names = disk.list(dir);
  } catch (error) {
    throw new Error(`Can't read the directory ${dir}: ${strerror(error)}`, { cause: error });
  }
  for (const name of names) {
    const pid = Number(LEFT_OVER.exec(name)?.[1] ?? 0);
    const path = join(dir, name);
    if (pid > 0 && (pid === process.pid ? !temporary(disk).has(path) : !isAlive(pid))) removeQuietly(disk, path);
  }
}

/** The number before a replica's pid is the time at which its full sync began. */
const LEFT_OVER = /^temp-(?:rewriteaof-(?:bg-)?|\d+\.)?(\d+)\.(?:rdb|aof)$/;
