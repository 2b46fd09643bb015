/**
 * The ring through which a capture hands entries to its worker, in memory that both threads share.
 *
 *   line 0   head: entries put in, ever (mod 2^32)            written by the main thread
 *   line 1   tail: entries the worker is done with            written by the worker
 *   line 2   command: 0 go on, 1 finish when empty, 2 abort   written by the main thread
 *   line 3   entries that wait outside for room               written by the main thread
 *   then RING_ENTRIES pairs [database, address]
 *
 *        tail        head
 *    ..... [ in flight ] .....          head - tail <= RING_ENTRIES
 *
 * Each of these words has a line of the processor's cache for itself, and each side looks at the other's only when what it
 * knows is used up: a line that one processor writes while another reads it costs both a tenth of a microsecond each time.
 *
 * The words are the only ones that both sides change or watch; they go through Atomics, which orders all other reads and
 * writes around them: what the main thread wrote before it moved head is visible to the worker after it saw head.
 */
import type { CaptureQueue } from '../keyspace/capture.js';

export const RING_ENTRIES = 32768;
/** The walk fills the ring up to here: the rest is for what commands hand over while the worker rests. */
export const WALK_ENTRIES = RING_ENTRIES / 2;
/** 32-bit words of a cache line. */
const LINE = 16;
const HEAD = 0;
const TAIL = LINE;
const COMMAND = 2 * LINE;
const OUTSIDE = 3 * LINE;
const DATA = 4 * LINE;
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
  /** How many of them have gone in. */
  private entered = 0;

  private get outside(): number {
    return this.waitingDb.length - this.entered;
  }

  handed(): number {
    return this.head + this.outside;
  }

  acked(): number {
    this.tail += (Atomics.load(this.words, TAIL) - (this.tail | 0)) >>> 0;
    return this.tail;
  }

  room(): number {
    return WALK_ENTRIES - (this.head - this.acked()) - this.outside;
  }

  push(db: number, entry: number): void {
    if (this.outside === 0 && this.hasRoom()) {
      this.put(db, entry);
      return;
    }
    this.waitingDb.push(db);
    this.waitingEntry.push(entry);
  }

  private hasRoom(): boolean {
    return this.head - this.tail < RING_ENTRIES || this.head - this.acked() < RING_ENTRIES;
  }

  private put(db: number, entry: number): void {
    const at = DATA + (this.head % RING_ENTRIES) * 2;
    this.words[at] = db;
    this.words[at + 1] = entry;
    this.head++;
  }

  publish(): void {
    while (this.outside > 0 && this.hasRoom()) {
      this.put(this.waitingDb[this.entered]!, this.waitingEntry[this.entered]!);
      this.entered++;
    }
    if (this.entered > 0 && this.entered * 2 >= this.waitingDb.length) {
      this.waitingDb = this.waitingDb.slice(this.entered);
      this.waitingEntry = this.waitingEntry.slice(this.entered);
      this.entered = 0;
    }
    Atomics.store(this.words, OUTSIDE, this.outside);
    Atomics.store(this.words, HEAD, this.head | 0);
    Atomics.notify(this.words, HEAD);
  }

  /** Whether nothing waits on this side of the ring. */
  get allInside(): boolean {
    return this.outside === 0;
  }

  /** Whether the worker needs nothing of the arena any more. */
  get drained(): boolean {
    return this.outside === 0 && this.acked() === this.head;
  }

  /** Nothing more comes: the worker completes the snapshot when the ring is empty. Publish first. */
  finish(): void {
    // What was aborted stays so: the walk may end later.
    if (Atomics.load(this.words, COMMAND) !== ABORT) this.command(FINISH);
  }

  abort(): void {
    this.command(ABORT);
  }

  private command(command: number): void {
    Atomics.store(this.words, COMMAND, command);
    Atomics.notify(this.words, COMMAND);
    Atomics.notify(this.words, HEAD);
  }
}

/** The worker's side: takes entries until the ring is finished or aborted. */
export class CaptureRingReader {
  private readonly words: Int32Array;
  private head = 0;
  private tail = 0;

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

  /** The database of an entry that is ready, counted from the first one. */
  db(index: number): number {
    return this.words[this.at(index)]!;
  }

  /** The address of an entry that is ready. */
  entry(index: number): number {
    return this.words[this.at(index) + 1]! >>> 0;
  }

  private at(index: number): number {
    return DATA + (((this.tail + index) >>> 0) % RING_ENTRIES) * 2;
  }

  /** The first `count` entries that were ready have been encoded: their memory may be used again. */
  done(count: number): void {
    this.tail = (this.tail + count) | 0;
    Atomics.store(this.words, TAIL, this.tail);
  }

  /** Whether entries wait outside for room. */
  get behind(): boolean {
    return Atomics.load(this.words, OUTSIDE) > 0;
  }

  /** Does nothing for so many milliseconds. False: nothing more comes, or no longer, and it has ended with that. */
  rest(ms: number): boolean {
    return Atomics.wait(this.words, COMMAND, 0, ms) === 'timed-out';
  }

  get aborted(): boolean {
    return Atomics.load(this.words, COMMAND) === ABORT;
  }
}
