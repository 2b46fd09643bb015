/**
 * When the data set is saved to the dump by itself: `save <seconds> <changes>` lines, counted as Redis counts them.
 *
 * A point is due when at least `changes` changes were made since the last good save and more than `seconds` have passed
 * since then. After a failed save the next try waits until more than five seconds have passed.
 */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

const RETRY_SECONDS = 5;

export class SavePoints {
  /** Changes since the last good save (INFO rdb_changes_since_last_save). Whoever executes commands counts it up. */
  dirty = 0;
  /** Seconds since 1970 of the last good save; at first, of the start (LASTSAVE). */
  lastSave: number;
  /** Whether the last save was good: `stop-writes-on-bgsave-error` asks. */
  lastOk = true;
  /** Seconds that the last background save took; -1 = there was none. */
  lastSeconds = -1;
  /** Good saves since the start. */
  saves = 0;
  private lastTry = 0;
  private dirtyAtBegin = 0;

  constructor(nowMs: number) {
    this.lastSave = Math.floor(nowMs / 1000);
  }

  /** The first point that is due, or null. */
  due(points: readonly SavePoint[], nowMs: number): SavePoint | null {
    const now = Math.floor(nowMs / 1000);
    for (const point of points) {
      if (this.dirty >= point.changes && now - this.lastSave > point.seconds && this.mayTry(nowMs)) return point;
    }
    return null;
  }

  /** Whether a save may begin by itself: not within seconds after one that failed. */
  mayTry(nowMs: number): boolean {
    return this.lastOk || Math.floor(nowMs / 1000) - this.lastTry > RETRY_SECONDS;
  }

  /** A save begins: what changes from here on is not in it. */
  begin(nowMs: number): void {
    this.dirtyAtBegin = this.dirty;
    this.lastTry = Math.floor(nowMs / 1000);
  }

  succeeded(nowMs: number): void {
    this.dirty -= this.dirtyAtBegin;
    this.lastSave = Math.floor(nowMs / 1000);
    this.lastOk = true;
    this.saves++;
  }

  /** A save that was stopped on purpose is no failure and is not counted by this. */
  failed(): void {
    this.lastOk = false;
  }

  /** What is in memory is what is on disk: after loading, and after DEBUG RELOAD. */
  loaded(nowMs: number): void {
    this.dirty = 0;
    // A save that is under way has none of the changes that are counted from here on.
    this.dirtyAtBegin = 0;
    this.lastSave = Math.floor(nowMs / 1000);
  }
}
