/**
 * The append-only log while the server runs: takes the effects of commands, writes them once a turn, syncs as
 * `appendfsync` says, and knows which turns may be acknowledged.
 *
 * A turn's way:
 *
 *   append, endUnit ...   -> the encoder's buffer
 *   writeTurn             -> one write(2); the turn gets the next number, `written` follows
 *   fdatasync             -> `synced` follows: at once and together with other turns (always), each second (everysec)
 *                            (always, on a disk that syncs in a millisecond or two: within writeTurn, see syncInTurn)
 *                            (always, while a sync is under way: the turn waits for its end, and is written then)
 *   whenDurable           -> called back when `acked` has come up to the turn
 *
 *        acked <= written <= turn          acked follows written (everysec, no) or the sync (always)
 *       synced <= written                  whatever appendfsync says
 *
 * `hold` stops writing for the moment in which a rewrite changes files: effects stay in the buffer, replies wait.
 * A second file, `next`, gets a copy of every effect while a base is being written for it; `adoptNext` makes it the log.
 *
 * Failures:
 *   - A write that fails or falls short: the file is cut back to the last whole turn, and the bytes stay in the buffer and are
 *     tried again. Until that works `failure` says why, and writes must be refused.
 *   - A sync that fails: nothing more is written to the file, for behind bytes that the system may have dropped, which it tells
 *     only once, it would make damage of them. `failure` stays until the log has been replaced by a new base and a new file
 *     (`adoptNext`).
 *   - In both cases what was not acknowledged never will be: its callbacks get `false`.
 *
 * Invariants:
 *   1. What is on disk of the file is a prefix of what was appended to it, cut between turns (or, when even cutting failed,
 *      somewhere within the last one).
 *   2. A turn is acknowledged only after its bytes and all bytes before them are written, and synced if `always`.
 *   3. Between turns no unit is open: MULTI and EXEC of a unit are written together.
 */
import { basename } from 'node:path';
import { assert } from '../base/assert.js';
import { type LatencyProbe, NO_PROBE } from '../base/latency-probe.js';
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';
import type { Disk } from '../disk/disk.js';
import type { LogEnd } from '../formats/aof/log-end.js';
import type { Args } from '../formats/resp/args.js';
import { AofDirectoryError } from './aof-directory.js';
import { LogFile } from './log-file.js';

/** The directives that are looked at; they may change at any time. */
export interface AppendLogConfig {
  readonly appendfsync: 'always' | 'everysec' | 'no';
  readonly 'no-appendfsync-on-rewrite': boolean;
  readonly 'aof-timestamp-enabled': boolean;
  readonly 'aof-checksum': boolean;
  readonly 'aof-preallocate': boolean;
}

export interface AppendLogOptions {
  disk: Disk;
  config: AppendLogConfig;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds with fraction, for telling a quick disk from a slow one. Without it no sync is made within a turn. */
  monotonic?: () => number;
  /** Told what writing and syncing took. */
  probe?: LatencyProbe;
  room?: RoomPolicy;
}

/** When the file gets room ahead of the log, and how much. */
export interface RoomPolicy {
  /** So many turns in the last second or more were synced: `always`, under load. */
  turns: number;
  /** Their bytes on average: with more of them the disk would be busy writing, and room is written twice. */
  turnBytes: number;
  bytes: number;
}

const ROOM: RoomPolicy = { turns: 100, turnBytes: 16 * 1024, bytes: 256 * 1024 };

const SYNC_EVERY_MS = 1000;
/** A sync that takes no longer is cheaper made at once than handed to another thread and waited for. */
const QUICK_SYNC_MS = 2;
/** So many syncs in a row that were not quick tell of a slow disk: a single one happens with any. */
const SLOW_SYNCS = 3;
/** So many turns are synced in the background then. */
const SLOW_DISK_TURNS = 64;
/** As long as an fsync of everysec may take before it is counted as delayed. */
const SYNC_DELAYED_MS = 2000;
/** At most one line in the log about the same trouble in this time. */
const LOG_EVERY_MS = 30_000;

interface Waiter {
  /** The turn whose acknowledgement it waits for. */
  turn: number;
  safe: boolean;
  done: (safe: boolean) => void;
}

export class AppendLog {
  /** The log; null while appendonly is off, and until the first rewrite after it was turned on has ended. */
  main: LogFile | null = null;
  /** The log to come: a base is being written for it. */
  next: LogFile | null = null;
  /** Why `next` was given up. */
  nextFailure: unknown = null;
  /** Bytes of the base and of the incrs before `main`. */
  otherBytes = 0;
  /** `currentBytes` after the last rewrite, or at the start (INFO aof_base_size). */
  baseBytes = 0;
  /** Fsyncs of everysec that came late because the one before took long (INFO aof_delayed_fsync). */
  delayedSyncs = 0;
  /** Whether a snapshot is being written: no-appendfsync-on-rewrite asks. */
  snapshotRunning: () => boolean = () => false;
  /** Called when a sync has failed, of a file if one is given: only a rewrite helps. */
  onSyncFailure: (file: LogFile | null) => void = () => {};
  /** The last turn that is safe on the disk, and whoever is to be told when that moves on. */
  synced = 0;
  onSynced: () => void = () => {};

  private readonly disk: Disk;
  private readonly config: AppendLogConfig;
  private readonly log: Log;
  private readonly now: () => number;
  private readonly probe: LatencyProbe;

  /** Turns with effects so far; those that are written; those that may be acknowledged. */
  private turn = 0;
  private written = 0;
  private acked = 0;
  private unitOpen = false;
  private turnHasEffects = false;
  /** What the turn that was written last changed is not in the log. */
  private turnUnsafe = false;
  /** The log failed while the open turn had effects already. */
  private failedWithinTurn = false;
  /** A hold is to follow as soon as the sync has ended: what waits for that is left to it. */
  private holdComing = false;
  /** During a hold: the file before `main`. */
  private holding: LogFile | null = null;
  private writeFailure: unknown = null;
  private syncFailure: unknown = null;
  private waiters: Waiter[] = [];
  private lastSyncMs = 0;
  private lastSealMs = 0;
  private lastFailureLogMs = 0;
  private delayCounted = false;
  private readonly monotonic: (() => number) | undefined;
  private readonly room: RoomPolicy;
  /** `turn` and `main.bytes` a second ago. */
  private turnsBefore = 0;
  private bytesBefore = 0;
  /** The last sync within a turn. */
  private syncTookMs = 0;
  /** Syncs within turns that were not quick, one after the other. */
  private slowSyncs = 0;
  /** Turns until the next sync within a turn is tried. */
  private slowTurns = 0;
  /** `next` is about to become the log, and turns up to `ackedMeanwhile` are on disk in the old one. */
  private adopting = false;
  private ackedMeanwhile = -1;

  constructor(options: AppendLogOptions) {
    this.monotonic = options.monotonic;
    this.disk = options.disk;
    this.config = options.config;
    this.log = options.log;
    this.now = options.now;
    this.probe = options.probe ?? NO_PROBE;
    this.room = options.room ?? ROOM;
  }

  /**
   * Opens a file to go on with, or to begin anew (`create`). `logEnd`: what is known of its end. Throws
   * AofDirectoryError.
   */
  open(path: string, mode: 'update' | 'create', logEnd?: LogEnd): LogFile {
    let fd: number;
    try {
      fd = this.disk.open(path, mode);
    } catch (error) {
      throw new AofDirectoryError(`Can't open the append-only file ${path}`, path, error);
    }
    return new LogFile(this.disk, basename(path), fd, () => this.config['aof-checksum'], this.room.bytes, logEnd);
  }

  // --- the sink of effects -------------------------------------------------------------------------------------------

  /** Also while somebody still waits: those who come later must not overtake. */
  get enabled(): boolean {
    return this.main !== null || this.next !== null || this.waiters.length > 0;
  }

  /** The turn of which the last effect is a part. */
  get position(): number {
    return this.turnHasEffects ? this.turn + 1 : this.turn;
  }

  get turnSyncMs(): number {
    return this.config.appendfsync === 'always' && this.main !== null ? this.syncTookMs : 0;
  }

  append(db: number, args: Args): void {
    const seconds = this.config['aof-timestamp-enabled'] ? Math.floor(this.now() / 1000) : 0;
    if (this.main !== null && this.syncFailure === null) this.main.append(db, args, seconds);
    if (this.next !== null) this.next.append(db, args, seconds);
    this.unitOpen = true;
    this.turnHasEffects = true;
  }

  endUnit(): void {
    if (this.main !== null) this.main.encoder.endUnit();
    if (this.next !== null) this.next.encoder.endUnit();
    this.unitOpen = false;
  }

  /** Why writes must be refused, as strerror says it; null when all is well. */
  get failure(): string | null {
    const error = this.writeFailure ?? this.syncFailure;
    return error === null ? null : strerror(error);
  }

  /** Whether only a new base ends the failure. */
  get syncFailed(): boolean {
    return this.syncFailure !== null;
  }

  writeTurn(): void {
    assert(!this.unitOpen, 'a turn ends between units');
    this.turnUnsafe = this.failedWithinTurn;
    this.failedWithinTurn = false;
    if (!this.turnHasEffects) return;
    this.turnHasEffects = false;
    if (this.next !== null && !this.flushNext(this.next) && this.adopting) this.turnUnsafe = true;
    if (this.main === null) return;
    this.turn++;
    if (this.holding !== null) return;
    // While the write fails, `tick` tries again; what is in the buffer goes first in any case.
    if (this.failure !== null || this.awaitsSync(this.main)) return;
    if (!this.flushMain(this.main)) this.turnUnsafe = true;
  }

  /** Writes what there is, within a turn, and leaves no room behind it. False when it cannot be written (now). */
  flush(): boolean {
    if (this.main === null || this.holding !== null) return this.main === null;
    return (
      this.syncFailure === null && this.flushMain(this.main) && this.leaveRoom(this.main, false) && !this.main.hasRoom
    );
  }

  whenDurable(done: (safe: boolean) => void): void {
    const safe = !this.turnUnsafe;
    // While the log fails writes are refused and reads served: these wait for what can still come, and for no more.
    const turn = this.failure !== null ? this.written : this.turn;
    if (this.waiters.length === 0 && (!safe || this.acked >= turn)) done(safe);
    else this.waiters.push({ turn, safe, done });
  }

  /** Several times a second, between turns: syncs that are due, the next try after a failed write, checksums of a quiet log. */
  tick(): void {
    const { main } = this;
    if (main === null || this.holding !== null || this.syncFailure !== null) return;
    const now = this.now();
    if (this.writeFailure !== null && this.flushMain(main)) {
      this.log.warning('AOF write error looks solved, the server can write again.');
    }
    if (this.failure !== null) return;
    if (now - this.lastSealMs >= SYNC_EVERY_MS) {
      this.lastSealMs = now;
      main.sumInherited();
      if (main.syncing === null) main.seal();
      if (main.encoder.pos > 0 && !this.awaitsSync(main) && !this.flushMain(main)) return;
      if (!this.planRoom(main)) return;
    }
    if (this.syncSuppressed) return;
    if (this.config.appendfsync === 'always') {
      if (main.dirty && main.syncing === null) void this.startSync(main);
    } else if (this.config.appendfsync === 'everysec' && main.dirty && now - this.lastSyncMs >= SYNC_EVERY_MS) {
      if (main.syncing === null) {
        this.delayCounted = false;
        this.lastSyncMs = now;
        void this.startSync(main);
      } else if (!this.delayCounted && now - main.syncStartMs >= SYNC_DELAYED_MS) {
        this.delayCounted = true;
        this.delayedSyncs++;
        this.log.notice(
          'Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete, this may slow down the server.',
        );
      }
    }
  }

  // --- changing files: for Rewrite and Persistence -------------------------------------------------------------------

  /** Starts with `file` as the log: nothing was logged before in this process, or nothing of it matters any more. */
  start(file: LogFile): void {
    assert(this.main === null, 'no log yet');
    this.main = file;
    this.noteSynced(this.turn);
    this.lastSyncMs = this.now();
    this.lastSealMs = this.lastSyncMs;
  }

  /**
   * Syncs what is written now. Rejects when that fails; the failure is kept then. `hold` or `noHold` must follow at once: with
   * `always` no turn is written before, or there would always be a sync under way, behind which the hold must not write.
   */
  async syncMain(): Promise<void> {
    this.holdComing = true;
    await this.syncWhole(this.main!);
  }

  /** No hold follows: what waits for it is written. */
  noHold(): void {
    this.holdComing = false;
    const { main } = this;
    if (main === null || this.failure !== null || this.written === this.turn || this.awaitsSync(main)) return;
    if (!this.flushMain(main)) this.failWaiters();
  }

  /**
   * Between units: from here on effects are for `file`, but nothing is written to it and nothing acknowledged before
   * `commitHold` or `revertHold`. Returns the file before, written and sealed, or null when writing failed.
   */
  hold(file: LogFile): LogFile | null {
    assert(this.holding === null && !this.unitOpen, 'a hold begins between units');
    this.holdComing = false;
    const old = this.main!;
    if (this.failure !== null) return null;
    old.seal();
    if (!this.flushMain(old) || !this.leaveRoom(old, true)) return null;
    this.holding = old;
    this.main = file;
    return old;
  }

  /** Syncs the file before the hold. Rejects when that fails; the failure is kept then. */
  async syncHeld(): Promise<void> {
    await this.syncWhole(this.holding!);
  }

  private async syncWhole(file: LogFile): Promise<void> {
    while (file.syncing !== null) await file.syncing.catch(() => {});
    if (this.syncFailure === null) await this.startSync(file);
    if (this.syncFailure !== null) throw this.syncFailure;
  }

  /** As if a sync had failed: until the next rewrite nothing is acknowledged. `file`: what it is known to have is to be noted. */
  failSync(error: unknown, file: LogFile | null = null): void {
    this.noteSyncFailure(error, file);
  }

  /** The new file is the log now: what waited is written to it. Closes the old one. */
  commitHold(): void {
    const old = this.holding!;
    this.holding = null;
    this.otherBytes += old.bytes;
    void old.close();
    this.afterHold();
  }

  /** The old file stays the log: what waited is written to it. The new one is closed; its name is the caller's. */
  revertHold(): void {
    const file = this.main!;
    const old = this.holding!;
    this.holding = null;
    old.encoder.takeOver(file.encoder);
    this.main = old;
    void file.close();
    this.afterHold();
  }

  private afterHold(): void {
    const main = this.main!;
    // Those may wait whose effects are all in the file before: a hold may begin within a turn.
    if (this.syncFailure === null && (main.encoder.pos > 0 || this.written < this.turn)) this.flushMain(main);
    if (this.failure !== null) this.failWaiters();
  }

  /** From here on `file` gets a copy of every effect. */
  beginNext(file: LogFile): void {
    assert(this.next === null && !this.unitOpen, 'a copy begins between units');
    this.next = file;
    this.nextFailure = null;
  }

  /** Gives the copy up; the file's name is the caller's. */
  dropNext(): void {
    if (this.next !== null) void this.next.close();
    this.next = null;
    this.adopting = false;
    this.ack(this.ackedMeanwhile);
  }

  /**
   * Writes and syncs what `next` has so far. From here on it may be the log that a power cut leaves: with `always` nobody hears
   * of what is on disk in the old one only, until it is adopted and synced, or dropped.
   */
  async syncNext(): Promise<void> {
    this.adopting = true;
    if (this.nextFailure !== null) throw this.nextFailure;
    const next = this.next!;
    await next.syncing?.catch(() => {});
    await next.sync(this.now());
    if (this.nextFailure !== null) throw this.nextFailure;
  }

  /**
   * Base and `next` are on disk under their names: they are the log now, and failures of the old one are over.
   * @param unsure why a power cut may bring the old log back; null: none does. What counts from here on is the next rewrite.
   */
  adoptNext(unsure: unknown = null): void {
    const old = this.main;
    this.main = this.next!;
    this.next = null;
    this.adopting = false;
    this.otherBytes = 0;
    this.writeFailure = null;
    this.syncFailure = null;
    // What was written to it since it was synced stands for a turn of its own, which later ones wait for.
    this.turn++;
    if (unsure !== null) this.noteSyncFailure(unsure, this.main);
    else if (this.nextFailure !== null) this.writeFailed(this.nextFailure);
    else this.adopted(this.main);
    this.nextFailure = null;
    if (old !== null) void old.close();
    this.lastSyncMs = this.now();
    this.lastSealMs = this.lastSyncMs;
  }

  private adopted(main: LogFile): void {
    this.written = this.turn;
    if (!main.dirty) this.noteSynced(this.written);
    if (this.config.appendfsync !== 'always' || !main.dirty) this.ack(this.written);
    else void this.startSync(main);
  }

  /** Appendonly is turned off: the log is written, synced and closed, and who waits is called back. */
  async stop(): Promise<void> {
    this.dropNext();
    const { main } = this;
    if (main === null) return;
    assert(this.holding === null && !this.unitOpen, 'between units and holds');
    if (this.syncFailure === null) {
      main.seal();
      this.flushMain(main);
    }
    if (this.syncFailure === null) this.leaveRoom(main, false);
    this.main = null;
    await main.syncing?.catch(() => {});
    const failed = this.failure !== null;
    await main.sync(this.now()).then(
      () => {
        if (failed) this.failWaiters();
      },
      (error: unknown) => {
        this.log.warning(`Fail to fsync the AOF file: ${strerror(error)}.`);
        this.failWaiters();
        // A start may go on with this log.
        this.onSyncFailure(main);
      },
    );
    await main.close();
    this.writeFailure = null;
    this.syncFailure = null;
    this.ack(this.turn);
  }

  /** At the end of the process, synchronously: everything is written and synced. Throws what the disk throws. */
  finish(): void {
    const { main } = this;
    if (main === null) return;
    if (this.holding !== null) {
      this.holding.encoder.takeOver(main.encoder);
      this.main = this.holding;
      this.holding = null;
    }
    const last = this.main!;
    if (this.syncFailure !== null) throw this.syncFailure;
    if (!this.leaveRoom(last, false)) throw this.writeFailure ?? this.syncFailure;
    last.seal();
    if (last.mustLeaveRoom && !this.leaveRoom(last, true)) throw this.writeFailure ?? this.syncFailure;
    try {
      last.flush();
    } catch (error) {
      this.writeFailed(error);
      throw error;
    }
    try {
      this.disk.syncData(last.fd);
    } catch (error) {
      // The process may go on, and must not forget that.
      this.noteSyncFailure(error, last);
      throw error;
    }
    this.written = this.turn;
    this.ack(this.turn);
  }

  /** After `finish`, or when nothing is to be written any more: closes the files. */
  async close(): Promise<void> {
    const files = [this.main, this.holding, this.next];
    this.main = null;
    this.holding = null;
    this.next = null;
    for (const file of files) await file?.close();
  }

  // --- figures -------------------------------------------------------------------------------------------------------

  get currentBytes(): number {
    return this.otherBytes + (this.main?.bytes ?? 0);
  }
  /** Bytes that wait to be written. */
  get bufferBytes(): number {
    return (this.main?.encoder.pos ?? 0) + (this.next?.encoder.pos ?? 0);
  }
  get pendingSyncs(): number {
    return this.main?.syncing == null ? 0 : 1;
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  private get syncSuppressed(): boolean {
    return this.config['no-appendfsync-on-rewrite'] && this.snapshotRunning();
  }

  /**
   * Whether the next bytes are not to be written yet: behind others whose sync may still fail they would make damage of what
   * without them is a log that ends early. They need a sync of their own anyway; with other policies they do not.
   */
  private awaitsSync(file: LogFile): boolean {
    return this.config.appendfsync === 'always' && file.syncing !== null;
  }

  private flushMain(file: LogFile): boolean {
    assert(this.syncFailure === null, 'nothing is written behind what a sync has lost');
    if (file.mustLeaveRoom && !this.leaveRoom(file, true)) return false;
    const begin = this.probe.begin();
    try {
      file.flush();
    } catch (error) {
      this.writeFailed(error);
      return false;
    }
    this.probe.end('aof-write', begin);
    this.probe.end(this.writeEvent(file), begin);
    this.writeFailure = null;
    this.written = this.turn;
    if (this.config.appendfsync !== 'always' || this.syncSuppressed) this.ack(this.written);
    else if (this.acked < this.written && file.syncing === null) return this.syncTurn(file);
    return true;
  }

  /** What else was going on while the log was written, as LATENCY names it. */
  private writeEvent(file: LogFile): string {
    if (file.syncing !== null) return 'aof-write-pending-fsync';
    return this.snapshotRunning() ? 'aof-write-active-child' : 'aof-write-alone';
  }

  /** `always`: sees to it that what is written gets synced. False when that failed already. */
  private syncTurn(file: LogFile): boolean {
    if (this.monotonic !== undefined && this.slowTurns === 0 && this.holding === null) {
      return this.syncInTurn(file, this.monotonic);
    }
    if (this.slowTurns > 0) this.slowTurns--;
    void this.startSync(file);
    return true;
  }

  /**
   * Syncs on this thread, as long as that is quick. Handing a sync to the thread pool and hearing of it in a later turn takes
   * longer than many disks need for it; a slow disk is left to the pool, where other turns go on meanwhile.
   */
  private syncInTurn(file: LogFile, clock: () => number): boolean {
    const begin = clock();
    const probed = this.probe.begin();
    try {
      file.syncNow();
    } catch (error) {
      this.noteSyncFailure(error, file);
      return false;
    }
    this.probe.end('aof-fsync-always', probed);
    this.syncTookMs = clock() - begin;
    this.slowSyncs = this.syncTookMs > QUICK_SYNC_MS ? this.slowSyncs + 1 : 0;
    if (this.slowSyncs >= SLOW_SYNCS) {
      this.slowSyncs = 0;
      this.slowTurns = SLOW_DISK_TURNS;
    }
    this.noteSynced(this.written);
    this.ack(this.written);
    return true;
  }

  /** Once a second: a log that is synced often gets room, another one gives it back. False when a sync failed. */
  private planRoom(main: LogFile): boolean {
    const turns = this.turn - this.turnsBefore;
    const bytes = main.bytes - this.bytesBefore;
    this.turnsBefore = this.turn;
    this.bytesBefore = main.bytes;
    const { config, room } = this;
    const wanted =
      config.appendfsync === 'always' && config['aof-preallocate'] && config['aof-checksum'] && !this.syncSuppressed;
    if (!wanted || turns < room.turns || bytes > turns * room.turnBytes) {
      return this.leaveRoom(main, false);
    }
    // Where syncs are left to the thread pool they are slow for another reason.
    if (main.hasRoom || main.syncing !== null || !main.sealed) return true;
    main.announceRoom();
    if (!this.flushMain(main)) {
      main.takeBackRoom();
      return false;
    }
    try {
      main.beginRoom();
    } catch (error) {
      this.noteSyncFailure(error, main);
      return false;
    }
    this.noteSynced(this.written);
    return true;
  }

  /**
   * The file grows with the log again, and says so durably, before anything else is written: so neither fill nor zeros can
   * come where the log goes on. False when a sync failed, or when the room cannot be left but must be.
   */
  private leaveRoom(file: LogFile, must: boolean): boolean {
    if (!file.hasRoom && !file.leavingRoom) return true;
    try {
      file.sayRoomEnded();
      if (!this.syncRoom(file)) return false;
      file.cutRoom();
    } catch (error) {
      if (must) this.writeFailed(error);
      return !must;
    }
    return this.syncRoom(file);
  }

  private syncRoom(file: LogFile): boolean {
    try {
      this.disk.syncData(file.fd);
    } catch (error) {
      this.noteSyncFailure(error, file);
      return false;
    }
    return true;
  }

  private writeFailed(error: unknown): void {
    if (this.turnHasEffects) this.failedWithinTurn = true;
    const first = this.writeFailure === null;
    this.writeFailure = error;
    const now = this.now();
    if (first || now - this.lastFailureLogMs >= LOG_EVERY_MS) {
      this.lastFailureLogMs = now;
      this.log.warning(`Error writing to the AOF file: ${strerror(error)}`);
    }
  }

  /** False when that failed: `next` is given up, unless a manifest may name it already; then it will be tried again. */
  private flushNext(next: LogFile): boolean {
    try {
      next.flush();
    } catch (error) {
      this.log.warning(`Error writing to the new AOF file: ${strerror(error)}`);
      this.nextFailure = error;
      if (!this.adopting) this.dropNext();
      return false;
    }
    this.nextFailure = null;
    return true;
  }

  /** Resolves when the sync has ended, well or not. */
  private startSync(file: LogFile): Promise<void> {
    const upTo = this.written;
    const begin = this.probe.begin();
    return file.sync(this.now()).then(
      () => {
        if (this.config.appendfsync === 'always') this.probe.end('aof-fsync-always', begin);
        if (this.syncFailure !== null || (file !== this.main && file !== this.holding)) return;
        this.noteSynced(upTo);
        if (this.config.appendfsync === 'always') this.ack(upTo);
        if (file !== this.main || this.holding !== null) return;
        if (this.written < this.turn && this.writeFailure === null) {
          if (!this.holdComing && !this.flushMain(file)) this.failWaiters();
          return;
        }
        if (this.syncSuppressed) return;
        if (this.config.appendfsync === 'always' && this.acked < this.written && file.syncing === null)
          this.syncTurn(file);
      },
      (error: unknown) => {
        if (file === this.main || file === this.holding) this.noteSyncFailure(error, file);
      },
    );
  }

  private noteSynced(turn: number): void {
    if (turn <= this.synced) return;
    this.synced = turn;
    this.onSynced();
  }

  private noteSyncFailure(error: unknown, file: LogFile | null): void {
    this.syncFailure = error;
    this.log.warning(
      `Fail to fsync the AOF file: ${strerror(error)}. Writes are refused until a rewrite has put the whole data set on disk.`,
    );
    this.failWaiters();
    this.onSyncFailure(file);
  }

  /** Nobody who waits will be acknowledged, nor who has changed something in the open turn. */
  private failWaiters(): void {
    if (this.turnHasEffects) this.failedWithinTurn = true;
    this.acked = this.turn;
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.done(false);
  }

  private ack(turn: number): void {
    if (this.adopting && this.config.appendfsync === 'always') {
      this.ackedMeanwhile = Math.max(this.ackedMeanwhile, turn);
      return;
    }
    if (turn > this.acked) this.acked = turn;
    let n = 0;
    while (n < this.waiters.length) {
      const waiter = this.waiters[n]!;
      if (waiter.safe && waiter.turn > this.acked) break;
      n++;
      waiter.done(waiter.safe);
    }
    if (n > 0) this.waiters.splice(0, n);
  }
}
