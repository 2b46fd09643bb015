/**
 * The ring through which a capture hands entries to its worker, in memory that both threads share.
 *
 *   word 0   head: entries put in, ever (mod 2^32)       written by the main thread
 *   word 1   tail: entries the worker is done with       written by the worker
 *   word 2   command: 0 go on, 1 finish when empty, 2 abort   written by the main thread
 *   word 3   unused
 *   then RING_ENTRIES pairs [database, address]
 *
 *        tail        head
 *    ..... [ in flight ] .....          head - tail <= RING_ENTRIES
 *
 * The three words are the only ones that both sides change or watch; they go through Atomics, which orders all other
 * reads and writes around them: what the main thread wrote before it moved head is visible to the worker after it saw head.
 */
import type { CaptureQueue } from '../keyspace/capture.js';

export const RING_ENTRIES = 32768;
const HEAD = 0;
const TAIL = 1;
const COMMAND = 2;
const DATA = 4;
const FINISH = 1;
const ABORT = 2;

export function newRingBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer((DATA + RING_ENTRIES * 2) * 4);
}

/** The main thread's side. */
export class CaptureRing implements CaptureQueue {
  readonly buffer = newRingBuffer();
  private readonly words = new Int32Array(this.buffer);
  /** Entries put into the ring (published or not), ever. */
  private head = 0;
  private tail = 0;
  /** Entries that found the ring full: they go in, in order, as soon as there is room. */
  private waitingDb: number[] = [];
  private waitingEntry: number[] = [];

  handed(): number {
    return this.head + this.waitingDb.length;
  }

  acked(): number {
    this.tail += (Atomics.load(this.words, TAIL) - (this.tail | 0)) >>> 0;
    return this.tail;
  }

  room(): number {
    return RING_ENTRIES - (this.head - this.acked()) - this.waitingDb.length;
  }

  push(db: number, entry: number): void {
    if (this.waitingDb.length > 0 || this.head - this.acked() >= RING_ENTRIES) {
      this.waitingDb.push(db);
      this.waitingEntry.push(entry);
      return;
    }
    this.put(db, entry);
  }

  private put(db: number, entry: number): void {
    const at = DATA + (this.head % RING_ENTRIES) * 2;
    this.words[at] = db;
    this.words[at + 1] = entry;
    this.head++;
  }

  publish(): void {
    let moved = 0;
    const free = RING_ENTRIES - (this.head - this.acked());
    while (moved < free && moved < this.waitingDb.length) {
      this.put(this.waitingDb[moved]!, this.waitingEntry[moved]!);
      moved++;
    }
    if (moved > 0) {
      this.waitingDb = this.waitingDb.slice(moved);
      this.waitingEntry = this.waitingEntry.slice(moved);
    }
    Atomics.store(this.words, HEAD, this.head | 0);
    Atomics.notify(this.words, HEAD);
  }

  /** Whether nothing waits on this side of the ring. */
  get allInside(): boolean {
    return this.waitingDb.length === 0;
  }

  /** Whether the worker needs nothing of the arena any more. */
  get drained(): boolean {
    return this.waitingDb.length === 0 && this.acked() === this.head;
  }

  /** Nothing more comes: the worker completes the snapshot when the ring is empty. Publish first. */
  finish(): void {
    this.command(FINISH);
  }

  abort(): void {
    this.command(ABORT);
  }

  private command(command: number): void {
    Atomics.store(this.words, COMMAND, command);
    Atomics.notify(this.words, HEAD);
  }
}

/** The worker's side: takes entries until the ring is finished or aborted. */
export class CaptureRingReader {
  private readonly words: Int32Array;
  private head = 0;
  private tail = 0;
  db = 0;
  entry = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  /** Waits for entries and returns how many there are; 0 at the end. Check `aborted` then. */
  ready(): number {
    const { words } = this;
    while (this.tail === this.head) {
      const command = Atomics.load(words, COMMAND);
      this.head = Atomics.load(words, HEAD);
      if (this.tail !== this.head) break;
      if (command !== 0) return 0;
      Atomics.wait(words, HEAD, this.head, 5);
    }
    return this.aborted ? 0 : (this.head - this.tail) >>> 0;
  }

  /** The address of an entry that is ready, counted from the next one. */
  entryAhead(index: number): number {
    return this.words[DATA + (((this.tail + index) >>> 0) % RING_ENTRIES) * 2 + 1]! >>> 0;
  }

  /** Takes the next entry, one that is ready, into `db` and `entry`. False when it was aborted meanwhile. */
  take(): boolean {
    const { words } = this;
    if (this.aborted) return false;
    const at = DATA + ((this.tail >>> 0) % RING_ENTRIES) * 2;
    this.db = words[at]!;
    this.entry = words[at + 1]! >>> 0;
    return true;
  }

  /** The entry taken has been encoded: its memory may be used again. */
  done(): void {
    this.tail = (this.tail + 1) | 0;
    Atomics.store(this.words, TAIL, this.tail);
  }

  get aborted(): boolean {
    return Atomics.load(this.words, COMMAND) === ABORT;
  }
}
