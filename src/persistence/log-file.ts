/**
 * One file of the append-only log that is being appended to: its encoder, its size, its syncs. Policy is in append-log.ts.
 *
 *   | what is logged          | room: fill (fill.ts)      |
 *   0            syncedBytes  bytes                       end of the file
 *
 * Usually there is no room, and the file grows with the log; then each sync has to make the new length durable as well, which
 * costs the disk one more write, or a commit of the file system's journal. A log that is synced often writes into room
 * instead, which is made in large pieces, and each turn ends with a checksum line: so a turn that is written over fill in
 * parts only can be told (isTornWrite).
 *
 * Invariants:
 *   1. What is logged before the first fill was written is sealed and synced, and so is the first fill; more is made when half of
 *      it is used, and is on disk with the sync of that turn.
 *   2. `#CK:00:00000000` stands before the first turn in room, and `#CK:0:00000000` before the first that is not any more: it is
 *      written over fill, and on disk before the room is cut off, and that is before anything is written behind it. Sums of
 *      turns in room have a leading zero. So a reader knows whether what follows the last sum was written into room. They end in
 *      `:s` when all before them is synced: a turn with another behind it that says so was no torn write.
 *   3. Behind what is logged stands a '#' where there is room, so that a killed process leaves a log that loads everywhere.
 */
import { assert } from '../base/assert.js';
import type { Disk } from '../disk/disk.js';
import { END_OF_ROOM, END_OVER_FILL, fillBytes, fillEnd } from '../formats/aof/fill.js';
import { LogEncoder } from '../formats/aof/log-encoder.js';
import { type ChecksumTail, type LogEnd, UNKNOWN_END } from '../formats/aof/log-end.js';
import type { Args } from '../formats/resp/args.js';

/** Bytes after which a write ends with a checksum line. */
const CHECKSUM_EVERY = 16384;
/** Fill that is left behind a turn, and its sum. */
const ROOM_LEFT = 256;

/**
 * `made`: there is fill behind the log. `uncut`: there is, but the log says already that its room has ended. `ending`: there is
 * none any more, and the log does not say so yet.
 */
type Room = 'none' | 'made' | 'uncut' | 'ending';

/** @param logEnd what is known of a file that is gone on with; all of it is on the disk */
export class LogFile {
  readonly encoder = new LogEncoder();
  /** Bytes in the file, and of them known to be on disk. */
  bytes: number;
  syncedBytes: number;
  /** The sync that runs, and when it began. */
  syncing: Promise<void> | null = null;
  syncStartMs = 0;
  /** Where the file ends. */
  private end: number;
  private room: Room;
  /** Whether more room is made as it is used. */
  private makesRoom = false;
  /** The next bytes need a line that says that checksums start here. */
  private strangerBefore: boolean;
  /** The buffer has a sum, or an announcement, of what was to be in room. */
  private roomInBuffer = false;
  /** Where the announcement of room was to be written. */
  private announcedAt = -1;
  /** Of the last turn only a part is written, and could not be cut off: the rest must come first. */
  private torn = false;
  /** What was found without a sum, until something is appended behind it. */
  private inherited: ChecksumTail | null = null;

  constructor(
    private readonly disk: Disk,
    /** As the directory has it. */
    public name: string,
    readonly fd: number,
    private readonly checksums: () => boolean,
    private readonly roomBytes: number,
    logEnd: LogEnd = UNKNOWN_END,
  ) {
    this.bytes = disk.size(fd);
    this.end = this.bytes;
    this.syncedBytes = this.bytes;
    this.room = logEnd.inRoom ? 'ending' : 'none';
    // What is in room has its sums, and the line that says that room has ended begins anew.
    this.strangerBefore = this.bytes > 0 && logEnd.tail === null && !logEnd.inRoom;
    if (!logEnd.inRoom) this.inherited = logEnd.tail;
    if (this.inherited !== null) this.encoder.continueChecksum(this.inherited);
  }

  get dirty(): boolean {
    return this.bytes > this.syncedBytes;
  }

  append(db: number, args: Args, seconds: number): void {
    if (this.strangerBefore && this.checksums() && !this.encoder.unitOpen) {
      this.strangerBefore = false;
      this.encoder.checksumReset();
    }
    this.inherited = null;
    this.encoder.effect(db, args, seconds);
  }

  /** Adds the checksum of what came since the last one, if anything has been appended. */
  seal(): void {
    if (this.inherited === null) this.addChecksum();
  }

  private addChecksum(): void {
    if (!(this.checksums() || this.torn) || this.strangerBefore) return;
    if (this.hasRoom) {
      this.encoder.checksum(this.bytes, true, !this.dirty);
      this.roomInBuffer = this.encoder.pos > 0;
    } else {
      this.encoder.checksum();
    }
  }

  /**
   * Gives what was found without a sum one, before anything is appended. Where the disk does not take it, it is left: nobody
   * has asked for it, so it must not be the reason why others wait or are refused.
   */
  sumInherited(): void {
    const { inherited, encoder } = this;
    if (inherited === null || inherited.bytes === 0) return;
    this.addChecksum();
    const line = encoder.pos;
    try {
      this.flush();
      this.inherited = null;
    } catch {
      if (encoder.pos < line) return;
      encoder.discard();
      encoder.continueChecksum(inherited);
    }
  }

  /**
   * Writes the buffer. Throws what the disk throws, with the file cut back to where it was and the buffer as it was; or,
   * when cutting fails too, with the buffer holding what is still to be written.
   */
  flush(): void {
    const { encoder, disk } = this;
    assert(!this.mustLeaveRoom, 'the turn fits');
    if (encoder.unchecked >= CHECKSUM_EVERY || this.hasRoom) this.addChecksum();
    if (this.roomInBuffer && !this.hasRoom && !this.torn) this.denyRoom();
    const before = this.bytes;
    const intoRoom = encoder.pos > 0 && this.hasRoom;
    const total = intoRoom ? encoder.withEndMark() : encoder.pos;
    let done = 0;
    try {
      while (done < total) done += writeSome(disk, this.fd, encoder.buf, done, total - done, before + done);
    } catch (error) {
      if (done > 0) this.cutBack(before, Math.min(done, encoder.pos));
      throw error;
    }
    this.advance(encoder.pos);
    this.torn = false;
    this.roomInBuffer = false;
    if (this.makesRoom && this.hasRoom && this.end - this.bytes < this.roomBytes / 2) this.addRoom();
  }

  /** The buffer ends in a line that says that room follows, and none does: adds one that says so. */
  private denyRoom(): void {
    const { encoder } = this;
    if (encoder.unchecked > 0 && this.checksums()) encoder.checksum();
    else encoder.checksumReset();
    this.roomInBuffer = false;
  }

  private cutBack(to: number, written: number): void {
    try {
      this.disk.truncate(this.fd, to);
      if (this.hasRoom) this.room = 'ending';
      this.end = to;
    } catch {
      this.advance(written);
      this.torn = this.encoder.pos > 0;
    }
  }

  /** The first bytes of the buffer have been written. */
  private advance(written: number): void {
    this.bytes += written;
    if (this.hasRoom && this.bytes >= this.end) this.room = 'ending';
    this.end = Math.max(this.end, this.bytes);
    this.encoder.drained(written);
  }

  // --- room ----------------------------------------------------------------------------------------------------------

  /** Whether all that was logged is summed up and written. */
  get sealed(): boolean {
    return this.encoder.pos === 0 && this.encoder.unchecked === 0;
  }

  get hasRoom(): boolean {
    return this.room === 'made';
  }

  /** Whether the room has ended, but not wholly. */
  get leavingRoom(): boolean {
    return this.room === 'uncut' || this.room === 'ending';
  }

  /**
   * Before `flush`: whether what is to be written must not go into room, for it does not fit, or cannot end with its sum; or
   * whether the log must say first that the room has ended.
   */
  get mustLeaveRoom(): boolean {
    if (this.torn) return false;
    if (!this.hasRoom) return this.leavingRoom && this.encoder.pos > 0;
    return !this.checksums() || this.bytes + this.encoder.pos + ROOM_LEFT > this.end;
  }

  /** Before `flush` and `beginRoom`: adds the line that says that what follows is written into room. */
  announceRoom(): void {
    assert(this.sealed && !this.hasRoom, 'the log is sealed');
    this.encoder.checksumReset(true);
    this.announcedAt = this.bytes;
  }

  /** The announcement could not be written. */
  takeBackRoom(): void {
    if (this.bytes === this.announcedAt) this.encoder.discard();
    else this.roomInBuffer = true;
  }

  /** From now on turns are written into room. What is logged must be sealed. Throws when a sync fails. */
  beginRoom(): void {
    assert(this.sealed, 'the log is sealed');
    this.syncNow();
    this.makesRoom = true;
    this.addRoom();
    this.disk.syncData(this.fd);
  }

  /**
   * From now on the file grows with the log again: says so. What is written must be synced before `cutRoom`. Throws what the
   * disk throws.
   */
  sayRoomEnded(): void {
    this.makesRoom = false;
    if (this.room === 'uncut') return;
    if (this.torn) throw Object.assign(new Error('a turn is written in part'), { code: 'EIO' });
    const line = this.end > this.bytes + END_OF_ROOM.length ? END_OVER_FILL : END_OF_ROOM;
    const before = this.bytes;
    let done = 0;
    try {
      while (done < line.length) done += writeSome(this.disk, this.fd, line, done, line.length - done, before + done);
    } catch (error) {
      // Over fill a part of it is known for what it is.
      if (done > 0 && !this.hasRoom) this.disk.truncate(this.fd, before);
      throw error;
    }
    this.bytes += END_OF_ROOM.length;
    this.room = this.end > this.bytes ? 'uncut' : 'none';
    this.end = Math.max(this.end, this.bytes);
  }

  /** Cuts the room off; it must be synced before `flush`. Throws what the disk throws. */
  cutRoom(): void {
    if (this.room !== 'uncut') return;
    this.disk.truncate(this.fd, this.bytes);
    this.end = this.bytes;
    this.room = 'none';
  }

  /** Adds fill. Where that fails there is what could be written, and the log grows when it is used up. */
  private addRoom(): void {
    const from = this.end;
    const fill = fillBytes(from, fillEnd(this.bytes + this.roomBytes), from === this.bytes);
    let done = 0;
    try {
      while (done < fill.length) done += writeSome(this.disk, this.fd, fill, done, fill.length - done, from + done);
    } catch {
      this.makesRoom = false;
    }
    this.end = from + done;
    this.room = this.end > this.bytes ? 'made' : 'ending';
  }

  /** Syncs what is written now; at most one sync runs at a time. Rejects as the disk does. */
  sync(nowMs: number): Promise<void> {
    assert(this.syncing === null, 'one sync at a time');
    const bytes = this.bytes;
    this.syncStartMs = nowMs;
    const run = this.disk.syncDataAsync(this.fd).then(
      () => {
        this.syncing = null;
        this.syncedBytes = Math.max(this.syncedBytes, bytes);
      },
      (error: unknown) => {
        this.syncing = null;
        throw error;
      },
    );
    this.syncing = run;
    run.catch(() => {});
    return run;
  }

  /** Syncs what is written now, on this thread. Throws as the disk does. */
  syncNow(): void {
    assert(this.syncing === null, 'one sync at a time');
    this.disk.syncData(this.fd);
    this.syncedBytes = this.bytes;
  }

  /** Closes the descriptor once no sync uses it. Never rejects. */
  async close(): Promise<void> {
    await this.syncing?.catch(() => {});
    try {
      this.disk.close(this.fd);
    } catch {
      // What counts was synced before, and its number is free also when closing fails.
    }
  }
}

/** Returns how many bytes were written: at least one. */
function writeSome(disk: Disk, fd: number, buf: Uint8Array, off: number, len: number, at: number): number {
  const n = disk.writeAt(fd, buf, off, len, at);
  if (n === 0) throw Object.assign(new Error('write returned 0'), { code: 'ENOSPC' });
  return n;
}
