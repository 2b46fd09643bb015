/**
 * Values and tables that nobody uses any more and that are freed in slices, so that no command waits for it however much
 * there is.
 *
 *   queue   [ value | table of a flushed database | value | ... ]     freed from the front on
 *
 * A table that a running snapshot still walks waits aside until the walk is over: its memory cannot be had before.
 *
 * What the arena has held back for a snapshot that is over is freed here as well.
 *
 * Invariants:
 *   1. A block of what lies here is reached from nowhere else.
 *   2. What is freed goes through `arena.free`, so blocks that the snapshot's worker may still read wait there.
 */
import type { Arena } from '../memory/arena.js';
import { POSITION_END, type Table } from './database.js';

interface Part {
  blocks: Generator<number>;
  /** Keys that it stands for: those of a table, or 1. */
  objects: number;
}

interface Waiting extends Part {
  table: Table;
  /** About how many bytes it holds. */
  bytes: number;
}

export class Discarded {
  private queue: Part[] = [];
  private head = 0;
  private waiting: Waiting[] = [];
  /** Objects that are not freed yet, and that were freed, as INFO counts them. */
  pendingObjects = 0;
  freedObjects = 0;
  /** About how many bytes the tables hold that wait for a snapshot. */
  bytesWaiting = 0;
  /** Something was freed since spans were given back last. */
  private untrimmed = false;

  constructor(private readonly arena: Arena) {}

  add(blocks: Generator<number>, objects: number): void {
    this.queue.push({ blocks, objects });
    this.pendingObjects += objects;
  }

  /** @param bytes about how many the table holds; asked for only while a snapshot walks the table */
  addTable(table: Table, blocks: Generator<number>, objects: number, bytes: () => number): void {
    if (table.capturePosition === POSITION_END) {
      this.add(blocks, objects);
      return;
    }
    const waiting = { table, blocks, objects, bytes: bytes() };
    this.waiting.push(waiting);
    this.bytesWaiting += waiting.bytes;
    this.pendingObjects += objects;
  }

  /** Values and tables that are not freed yet. */
  get count(): number {
    return this.queue.length - this.head + this.waiting.length;
  }

  /** Frees up to `blocksMax` blocks; returns how many it found to free. */
  free(blocksMax: number): number {
    if (this.waiting.length > 0) this.takeWaiting();
    let freed = this.arena.releaseEnded(blocksMax);
    while (freed < blocksMax && this.head < this.queue.length) {
      const { blocks, objects } = this.queue[this.head]!;
      let next = blocks.next();
      for (; next.done !== true; next = blocks.next()) {
        this.arena.free(next.value);
        if (++freed >= blocksMax) break;
      }
      if (next.done !== true) break;
      this.pendingObjects -= objects;
      this.freedObjects += objects;
      this.shift();
    }
    if (freed > 0) this.untrimmed = true;
    return freed;
  }

  /** Once nothing is left that can be freed, empty spans go back. Returns whether that is so. */
  settle(): boolean {
    if (this.head < this.queue.length || this.arena.releasesEnded) return false;
    if (this.untrimmed) {
      this.untrimmed = false;
      this.arena.trim();
    }
    return true;
  }

  private takeWaiting(): void {
    for (let i = 0; i < this.waiting.length; ) {
      const { table, blocks, objects, bytes } = this.waiting[i]!;
      if (table.capturePosition !== POSITION_END) {
        i++;
        continue;
      }
      this.waiting.splice(i, 1);
      this.bytesWaiting -= bytes;
      this.queue.push({ blocks, objects });
    }
  }

  private shift(): void {
    this.queue[this.head++] = EMPTY;
    if (this.head < 1024 || this.head * 2 < this.queue.length) return;
    this.queue = this.queue.slice(this.head);
    this.head = 0;
  }
}

// Takes the place of what is done, so that it is not kept alive.
const EMPTY: Part = { blocks: (function* () {})(), objects: 0 };
