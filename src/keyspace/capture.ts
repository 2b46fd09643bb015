/**
 * A capture: the content of all databases at one moment, handed entry by entry to a snapshot's worker while commands go on.
 *
 * Protocol, all on the main thread:
 *   1. `new Capture(keyspace, queue)` marks every table as unwalked and tells the arena: from now on new blocks are fresh,
 *      captured ones are copied before they change and wait before they are freed.
 *   2. `step` walks the tables segment by segment, in slices, and hands each captured entry over.
 *   3. A command that is about to change (or delete) an entry that the walk has not reached hands it over first
 *      (`handOver`, called by the keyspace); its private copy is fresh, so the walk skips it.
 *   4. When the walk is over and the worker has acknowledged everything, `end` lets the arena go back to normal.
 *
 * Invariants:
 *   1. Every entry that existed at the start is handed over exactly once; entries made later never are.
 *   2. A block reachable from a handed-over entry is not written, and not reused, until the worker has acknowledged it.
 */
import type { SnapshotProgress } from '../memory/arena.js';
import { POSITION_END, type Table } from './database.js';
import type { CaptureTarget, Keyspace } from './keyspace.js';

/** The bounded way to the worker. */
export interface CaptureQueue extends SnapshotProgress {
  /** Entries of the walk that fit now. */
  room(): number;
  /** Adds an entry; where none fits it waits on the near side. */
  push(db: number, entry: number): void;
  /** Makes what was pushed visible to the worker. */
  publish(): void;
}

/** Segments hold at most about this many entries, so a slice asks for that much room before it takes one. */
const SEGMENT_ENTRIES = 256;

export class Capture implements CaptureTarget {
  private readonly tables: Table[] = [];
  private current = 0;
  private readonly entries: number[] = [];
  /** Entries that databases held at the start. */
  readonly keys: number;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly queue: CaptureQueue,
  ) {
    let keys = 0;
    for (const { db, table } of keyspace.tables()) {
      if (table.count === 0) continue;
      keys += table.count;
      table.capturePosition = 0;
      table.captureDb = db;
      this.tables.push(table);
    }
    this.keys = keys;
    keyspace.arena.beginCapture(queue);
    keyspace.capture = this;
  }

  handOver(db: number, entry: number): void {
    this.queue.push(db, entry);
  }

  /** Whether every captured entry has been handed over. */
  get walked(): boolean {
    return this.current === this.tables.length;
  }

  /**
   * Hands over entries until the queue is full, `untilMs` (on `clock`) is reached, or the walk is over; then frees what the
   * worker has acknowledged. Returns whether the walk is over.
   */
  step(untilMs: number, clock: () => number): boolean {
    while (!this.walked && this.queue.room() >= SEGMENT_ENTRIES) {
      for (let segments = 0; segments < 16 && !this.walked && this.queue.room() >= SEGMENT_ENTRIES; segments++) {
        this.walkSegment();
      }
      this.queue.publish();
      if (clock() >= untilMs) break;
    }
    this.advance();
    return this.walked;
  }

  advance(): void {
    this.queue.publish();
    this.keyspace.arena.reclaim();
  }

  private walkSegment(): void {
    const { arena } = this.keyspace;
    const table = this.tables[this.current]!;
    const { entries } = this;
    entries.length = 0;
    const next = table.segmentFrom(table.capturePosition, entries);
    const captured = arena.captured(entries);
    for (let i = 0; i < captured; i++) this.queue.push(table.captureDb, entries[i]!);
    table.capturePosition = next;
    if (next === POSITION_END) this.current++;
  }

  /** Ends the capture, finished or not: the worker reads nothing any more. */
  end(): void {
    for (const table of this.tables) table.capturePosition = POSITION_END;
    this.current = this.tables.length;
    this.keyspace.capture = null;
    this.keyspace.arena.endCapture();
  }
}
