/**
 * The arena: where every byte of every value lives.
 *
 * Memory comes in segments of 64 MiB SharedArrayBuffer, made on demand. An address is a 32-bit number that counts
 * 8-byte units; its high bits name the segment. Address 0 is null.
 *
 *   31          23 22                    0
 *   [ segment 9 b ][ unit in segment 23 b ]        512 segments x 64 MiB = 32 GiB
 *
 * A segment is cut into pages of 8 KiB; runs of pages form spans, and a span holds blocks of one size class (or one
 * large block). So a block needs no header: its size is that of its span, found through the page.
 *
 *   page -> span:  pageSpan[address >>> 10]
 *   span:          first page, page count, class, free-list head, bump position, blocks in use, list links
 *
 * A span whose last block is freed gives its pages back, so memory freed by one size class serves the others, and a
 * segment whose last page is freed is dropped. A block larger than a segment gets a buffer of its own.
 *
 * While a snapshot is being taken (see capture.ts) three things change:
 *   - blocks allocated are marked *fresh* (one bit a unit, in bitmaps made on demand): they are not in the snapshot;
 *   - `own(block)` of a block that is not fresh returns a private copy;
 *   - freed blocks that are not fresh wait in a queue until the snapshot worker has passed them.
 *
 * Invariants:
 *   1. Every page belongs to exactly one span: in use, or free in the page heap with its neighbours coalesced.
 *   2. bytesUsed is the sum of the capacities of the blocks that are allocated or waiting to be freed.
 *   3. Only the main thread changes anything. A worker attaches read-only views to the same buffers. (The one exception: while
 *      a file is loaded, its helper writes to free slots of the table, see dict-filler.ts.)
 */
import { assert } from '../base/assert.js';
import { DeferredQueue } from './deferred-queue.js';

/** Bytes of one address unit. */
export const UNIT = 8;
export const SEGMENT_BYTES = 64 * 1024 * 1024;
const SEGMENT_SHIFT = 23; // units per segment, log2
const SEGMENT_MASK = (1 << SEGMENT_SHIFT) - 1;
const PAGE_BYTES = 8192;
const PAGE_SHIFT = 10; // units per page, log2
const PAGES_PER_SEGMENT = SEGMENT_BYTES / PAGE_BYTES;
const SEGMENTS_MAX = 512;
/** Blocks freed at the end of a capture without a pause. */
const RELEASED_AT_ONCE_MAX = 4096;
/** Larger blocks take whole pages. */
const SMALL_MAX = 32768;
/** The class number of a span that holds one large block. */
const CLASS_LARGE = 255;
const CLASS_FREE = 254;

/** Block sizes in bytes: multiples of 8 up to 128, then eight steps per doubling (at most 1/8 wasted). */
const CLASS_SIZES: number[] = [];
for (let size = 16; size <= 128; size += 8) CLASS_SIZES.push(size);
for (let base = 128; base < SMALL_MAX; base *= 2) {
  for (let i = 1; i <= 8; i++) CLASS_SIZES.push(base + (base / 8) * i);
}
const CLASS_COUNT = CLASS_SIZES.length;

/** class of a size: CLASS_OF[(bytes + 7) >> 3] */
const CLASS_OF = new Uint8Array(SMALL_MAX / UNIT + 1);
{
  let c = 0;
  for (let units = 0; units < CLASS_OF.length; units++) {
    while (CLASS_SIZES[c]! < units * UNIT) c++;
    CLASS_OF[units] = c;
  }
}

/** Pages of a span by class: few enough to be cheap, many enough that at most 1/16 of the span is unused. */
const CLASS_PAGES: number[] = CLASS_SIZES.map((size) => {
  for (let pages = size <= 1024 ? 1 : 2; ; pages++) {
    const bytes = pages * PAGE_BYTES;
    if (bytes >= size * 4 && (bytes % size) * 16 <= bytes) return pages;
  }
});

export interface ArenaStats {
  /** Bytes of blocks in use, waiting ones included. */
  bytesUsed: number;
  /** Bytes of segments taken from the system. */
  bytesReserved: number;
  /** Of those about what the system has given: the newest segment behind its last page in use was not touched yet. */
  bytesTouched: number;
  /** Bytes within spans that no block uses. */
  bytesFreeInSpans: number;
  /** Bytes of pages that belong to no span. */
  bytesFreePages: number;
  /** Bytes of freed blocks that wait for the snapshot worker. */
  bytesDeferred: number;
  segments: number;
}

/** Blocks of one size: what MEMORY MALLOC-STATS tells. */
export interface SizeStats {
  /** Of a block; 0: those that take whole pages. */
  bytes: number;
  spans: number;
  /** Pages of the spans, 8 KiB each. */
  pages: number;
  blocks: number;
  /** Blocks that could be had without another span. */
  free: number;
}

/** What `capture.ts` tells the arena about the snapshot worker's progress; both count entries handed over. */
export interface SnapshotProgress {
  /** Sequence number of the newest entry handed to the worker. */
  handed(): number;
  /** Sequence number up to which the worker needs nothing any more. */
  acked(): number;
}

export class Arena {
  /** Views of each segment, by the segment's number: bytes, 32-bit words, doubles. */
  readonly u8: Uint8Array[] = [];
  readonly u32: Uint32Array[] = [];
  readonly f64: Float64Array[] = [];

  /** Told of each segment's buffer that is given up. */
  onDrop: (buffer: SharedArrayBuffer) => void = () => {};

  /** How many segments there can be; tests have fewer. */
  segmentsMax = SEGMENTS_MAX;
  bytesUsed = 0;
  bytesUsedPeak = 0;
  /** Bytes of all segments. */
  bytesReserved = 0;
  /** Counts up with each segment that is made or given up: `buffers` are others now. */
  segmentChanges = 0;

  // Pages and spans, by number. A span's number is its first page's number.
  private pageSpan = new Int32Array(0);
  private spanPages = new Int32Array(0);
  private spanClass = new Uint8Array(0);
  private spanFree = new Uint32Array(0); // address of the first free block, 0 = none; linked through word 0
  private spanBump = new Int32Array(0); // blocks never used yet
  private spanUsed = new Int32Array(0);
  private spanNext = new Int32Array(0);
  private spanPrev = new Int32Array(0);

  /** Head of the list of spans with room, by class; -1 = none. */
  private readonly partial = new Int32Array(CLASS_COUNT).fill(-1);
  /** The span that was kept last when it became empty, by class; -1 = none. No other one is empty. */
  private readonly kept = new Int32Array(CLASS_COUNT).fill(-1);
  private readonly segmentPagesUsed: number[] = [];
  private freeRuns = new Map<number, Set<number>>(); // pages of the run -> first pages
  private freeRunSizes: number[] = []; // sorted keys of freeRuns
  private freePages = 0;
  private segmentsGone = 0;

  protected approached = 0;

  // Snapshot state.
  private progress: SnapshotProgress | null = null;
  private fresh: (Uint32Array | undefined)[] = [];
  private deferred = new DeferredQueue();
  bytesDeferred = 0;

  // --- views -------------------------------------------------------------------------------------------------------

  /** The byte view that holds `address`; its index is `byteIndex(address)`. */
  bytesOf(address: number): Uint8Array {
    return this.u8[address >>> SEGMENT_SHIFT]!;
  }
  wordsOf(address: number): Uint32Array {
    return this.u32[address >>> SEGMENT_SHIFT]!;
  }
  doublesOf(address: number): Float64Array {
    return this.f64[address >>> SEGMENT_SHIFT]!;
  }
  getWord(address: number, word: number): number {
    return this.u32[address >>> SEGMENT_SHIFT]![((address & SEGMENT_MASK) << 1) + word]!;
  }
  setWord(address: number, word: number, value: number): void {
    this.u32[address >>> SEGMENT_SHIFT]![((address & SEGMENT_MASK) << 1) + word] = value;
  }
  /** `index` counts doubles from the block's start. */
  getDouble(address: number, index: number): number {
    return this.f64[address >>> SEGMENT_SHIFT]![(address & SEGMENT_MASK) + index]!;
  }
  setDouble(address: number, index: number, value: number): void {
    this.f64[address >>> SEGMENT_SHIFT]![(address & SEGMENT_MASK) + index] = value;
  }

  /**
   * Reads the word at each of these addresses, so that it lies in the processor's cache when it is needed. A read that misses
   * the cache waits for memory, some hundred nanoseconds where blocks lie all over it; reads that do not need one another
   * wait together, as many as the processor looks ahead. So the loop is as short as can be, and batches are worth making.
   */
  approach(addresses: Uint32Array, count: number): void {
    const { u32 } = this;
    let read = 0;
    for (let i = 0; i < count; i++) {
      const address = addresses[i]!;
      read ^= u32[address >>> SEGMENT_SHIFT]![(address & SEGMENT_MASK) << 1]!;
    }
    // Without a use the compiler would leave the reads out.
    this.approached = read;
  }

  // --- allocation --------------------------------------------------------------------------------------------------

  /** A block of at least `bytes`; its content is undefined. Throws RangeError when 32 GiB are in use. */
  alloc(bytes: number): number {
    if (bytes > SMALL_MAX) return this.allocLarge(bytes);
    const cls = CLASS_OF[(bytes + 7) >>> 3]!;
    let span = this.partial[cls]!;
    if (span < 0) span = this.newSpan(cls);
    let address = this.spanFree[span]!;
    if (address !== 0) {
      this.spanFree[span] = this.u32[address >>> SEGMENT_SHIFT]![(address & SEGMENT_MASK) << 1]!;
    } else {
      const left = this.spanBump[span]! - 1;
      this.spanBump[span] = left;
      address = span * 1024 + left * (CLASS_SIZES[cls]! >>> 3);
    }
    this.spanUsed[span]!++;
    if (this.spanFree[span] === 0 && this.spanBump[span] === 0) this.unlink(span, cls);
    this.bytesUsed += CLASS_SIZES[cls]!;
    if (this.progress !== null) this.markFresh(address);
    return address;
  }

  /** Bytes that the block can hold. */
  capacity(address: number): number {
    const span = this.pageSpan[address >>> PAGE_SHIFT]!;
    const cls = this.spanClass[span]!;
    return cls === CLASS_LARGE ? this.spanPages[span]! * PAGE_BYTES : CLASS_SIZES[cls]!;
  }

  /** The capacity that `alloc(bytes)` would give. */
  static roundUp(bytes: number): number {
    if (bytes > SMALL_MAX) return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    return CLASS_SIZES[CLASS_OF[(bytes + 7) >>> 3]!]!;
  }

  /** Gives a block back. During a snapshot a block that is part of it waits for the worker. */
  free(address: number): void {
    if (this.progress !== null && !this.isFresh(address)) this.defer(address);
    else this.release(address);
  }

  /**
   * The block to write to: `address` itself, or a private copy when a running snapshot may still read it. Whoever
   * points to the block must store what this returns.
   */
  own(address: number): number {
    if (this.progress === null || this.isFresh(address)) return address;
    const bytes = this.capacity(address);
    const copy = this.alloc(bytes);
    const from = (address & SEGMENT_MASK) * UNIT;
    this.bytesOf(copy).set(this.bytesOf(address).subarray(from, from + bytes), (copy & SEGMENT_MASK) * UNIT);
    this.defer(address);
    return copy;
  }

  private release(address: number): void {
    const span = this.pageSpan[address >>> PAGE_SHIFT]!;
    const cls = this.spanClass[span]!;
    if (cls === CLASS_LARGE) {
      this.bytesUsed -= this.spanPages[span]! * PAGE_BYTES;
      this.freeSpan(span);
      return;
    }
    this.bytesUsed -= CLASS_SIZES[cls]!;
    const full = this.spanFree[span] === 0 && this.spanBump[span] === 0;
    this.u32[address >>> SEGMENT_SHIFT]![(address & SEGMENT_MASK) << 1] = this.spanFree[span]!;
    this.spanFree[span] = address;
    const used = --this.spanUsed[span]!;
    if (full) this.link(span, cls);
    if (used > 0) return;
    if (this.spanNext[span]! < 0 && this.spanPrev[span]! < 0) {
      // The last span with room is kept: a single block allocated and freed in turn must not make a span each time.
      this.kept[cls] = span;
      return;
    }
    if (this.kept[cls] === span) this.kept[cls] = -1;
    this.unlink(span, cls);
    this.freeSpan(span);
  }

  /** Gives everything back that can be: empty spans, and segments in which nothing lies, the reserve included. */
  purge(): void {
    this.trim();
    for (let segment = 1; segment < this.u8.length; segment++) {
      const first = segment * PAGES_PER_SEGMENT;
      if (this.u8[segment] === GONE_U8 || this.spanClass[first] !== CLASS_FREE) continue;
      if (this.spanPages[first] !== PAGES_PER_SEGMENT) continue;
      this.removeRun(first, PAGES_PER_SEGMENT);
      this.dropSegment(segment);
    }
  }

  /** Gives back the empty spans that were kept for reuse, and with them segments in which nothing else lies. */
  trim(): void {
    for (let cls = 0; cls < CLASS_COUNT; cls++) {
      const span = this.kept[cls]!;
      this.kept[cls] = -1;
      // It may be in use again.
      if (span < 0 || this.spanUsed[span] !== 0) continue;
      this.unlink(span, cls);
      this.freeSpan(span);
    }
  }

  private link(span: number, cls: number): void {
    const head = this.partial[cls]!;
    this.spanNext[span] = head;
    this.spanPrev[span] = -1;
    if (head >= 0) this.spanPrev[head] = span;
    this.partial[cls] = span;
  }

  private unlink(span: number, cls: number): void {
    const next = this.spanNext[span]!;
    const prev = this.spanPrev[span]!;
    if (next >= 0) this.spanPrev[next] = prev;
    if (prev >= 0) this.spanNext[prev] = next;
    else this.partial[cls] = next;
    this.spanNext[span] = -1;
    this.spanPrev[span] = -1;
  }

  private newSpan(cls: number): number {
    const pages = CLASS_PAGES[cls]!;
    const span = this.takePages(pages);
    this.spanClass[span] = cls;
    this.spanFree[span] = 0;
    this.spanBump[span] = Math.floor((pages * PAGE_BYTES) / CLASS_SIZES[cls]!);
    this.spanUsed[span] = 0;
    for (let p = span; p < span + pages; p++) this.pageSpan[p] = span;
    this.link(span, cls);
    return span;
  }

  private allocLarge(bytes: number): number {
    const pages = Math.ceil(bytes / PAGE_BYTES);
    let span: number;
    if (pages >= PAGES_PER_SEGMENT) {
      const segment = this.addSegment(pages * PAGE_BYTES);
      span = segment * PAGES_PER_SEGMENT;
      this.segmentPagesUsed[segment] = 1;
      this.spanPages[span] = pages;
    } else {
      span = this.takePages(pages);
    }
    this.spanClass[span] = CLASS_LARGE;
    this.spanUsed[span] = 1;
    this.pageSpan[span] = span;
    if (pages < PAGES_PER_SEGMENT) this.pageSpan[span + pages - 1] = span;
    this.bytesUsed += pages * PAGE_BYTES;
    const address = span * 1024;
    if (this.progress !== null) this.markFresh(address);
    return address;
  }

  // --- pages -------------------------------------------------------------------------------------------------------

  /** The first page of a run of `pages` free pages, taken from the page heap (best fit). */
  private takePages(pages: number): number {
    for (;;) {
      const at = lowerBound(this.freeRunSizes, pages);
      if (at < this.freeRunSizes.length) {
        const size = this.freeRunSizes[at]!;
        const run = this.freeRuns.get(size)!.values().next().value as number;
        this.removeRun(run, size);
        if (size > pages) this.addRun(run + pages, size - pages);
        this.spanPages[run] = pages;
        this.segmentPagesUsed[(run / PAGES_PER_SEGMENT) | 0]! += pages;
        return run;
      }
      const segment = this.addSegment(SEGMENT_BYTES);
      const first = segment * PAGES_PER_SEGMENT;
      this.segmentPagesUsed[segment] = 0;
      // Page 0 of segment 0 is never given out, so that address 0 is null.
      if (segment === 0) this.addRun(1, PAGES_PER_SEGMENT - 1);
      else this.addRun(first, PAGES_PER_SEGMENT);
    }
  }

  private freeSpan(span: number): void {
    const segment = (span / PAGES_PER_SEGMENT) | 0;
    let pages = this.spanPages[span]!;
    if (pages >= PAGES_PER_SEGMENT) {
      this.dropSegment(segment); // a buffer of its own
      return;
    }
    this.segmentPagesUsed[segment]! -= pages;
    let first = span;
    const segmentFirst = segment * PAGES_PER_SEGMENT;
    const after = span + pages;
    if (after < segmentFirst + PAGES_PER_SEGMENT && this.spanClass[this.pageSpan[after]!] === CLASS_FREE) {
      const size = this.spanPages[after]!;
      this.removeRun(after, size);
      pages += size;
    }
    if (span > segmentFirst && !(segment === 0 && span === 1)) {
      const before = this.pageSpan[span - 1]!;
      if (this.spanClass[before] === CLASS_FREE) {
        const size = this.spanPages[before]!;
        this.removeRun(before, size);
        first = before;
        pages += size;
      }
    }
    // One wholly free segment is kept as a reserve; a second one is given back to the system.
    if (segment > 0 && pages === PAGES_PER_SEGMENT && this.freePages >= PAGES_PER_SEGMENT / 2)
      this.dropSegment(segment);
    else this.addRun(first, pages);
  }

  private addRun(first: number, pages: number): void {
    let set = this.freeRuns.get(pages);
    if (set === undefined) {
      set = new Set();
      this.freeRuns.set(pages, set);
      this.freeRunSizes.splice(lowerBound(this.freeRunSizes, pages), 0, pages);
    }
    set.add(first);
    this.spanClass[first] = CLASS_FREE;
    this.spanPages[first] = pages;
    this.pageSpan[first] = first;
    this.pageSpan[first + pages - 1] = first;
    this.freePages += pages;
  }

  private removeRun(first: number, pages: number): void {
    const set = this.freeRuns.get(pages)!;
    set.delete(first);
    if (set.size === 0) {
      this.freeRuns.delete(pages);
      this.freeRunSizes.splice(lowerBound(this.freeRunSizes, pages), 1);
    }
    this.spanClass[first] = 0;
    this.freePages -= pages;
  }

  private addSegment(bytes: number): number {
    let segment = this.u8.indexOf(GONE_U8);
    if (segment < 0) segment = this.u8.length;
    if (segment >= this.segmentsMax) {
      throw new RangeError(`the memory for data is full: ${this.segmentsMax} segments of 64 MiB are in use`);
    }
    // The system may refuse it: nothing has changed then.
    const buffer = new SharedArrayBuffer(bytes);
    if (segment < this.u8.length) this.segmentsGone--;
    this.u8[segment] = new Uint8Array(buffer);
    this.u32[segment] = new Uint32Array(buffer);
    this.f64[segment] = new Float64Array(buffer);
    this.bytesReserved += bytes;
    this.segmentChanges++;
    const pages = (segment + 1) * PAGES_PER_SEGMENT;
    if (pages > this.pageSpan.length) {
      const grown = Math.max(pages, this.pageSpan.length * 2);
      this.pageSpan = growInt32(this.pageSpan, grown);
      this.spanPages = growInt32(this.spanPages, grown);
      this.spanBump = growInt32(this.spanBump, grown);
      this.spanUsed = growInt32(this.spanUsed, grown);
      this.spanNext = growInt32(this.spanNext, grown).fill(-1, this.spanNext.length);
      this.spanPrev = growInt32(this.spanPrev, grown).fill(-1, this.spanPrev.length);
      const classes = new Uint8Array(grown);
      classes.set(this.spanClass);
      this.spanClass = classes;
      const free = new Uint32Array(grown);
      free.set(this.spanFree);
      this.spanFree = free;
    }
    return segment;
  }

  private dropSegment(segment: number): void {
    this.bytesReserved -= this.u8[segment]!.length;
    this.onDrop(this.u8[segment]!.buffer as SharedArrayBuffer);
    this.u8[segment] = GONE_U8;
    this.u32[segment] = GONE_U32;
    this.f64[segment] = GONE_F64;
    this.fresh[segment] = undefined;
    this.segmentPagesUsed[segment] = 0;
    this.segmentsGone++;
    this.segmentChanges++;
    const first = segment * PAGES_PER_SEGMENT;
    this.spanClass.fill(0, first, first + PAGES_PER_SEGMENT);
  }

  // --- snapshot ----------------------------------------------------------------------------------------------------

  /** Whether a snapshot is being taken. */
  get capturing(): boolean {
    return this.progress !== null;
  }

  /** From here on blocks are fresh, `own` copies and `free` defers. */
  beginCapture(progress: SnapshotProgress): void {
    assert(this.progress === null, 'one capture at a time');
    // Sequence numbers begin anew.
    this.releaseEnded(Number.POSITIVE_INFINITY);
    this.progress = progress;
  }

  /** The worker reads nothing any more: what waited is freed; if it is much, the rest by `releaseEnded`. */
  endCapture(): void {
    this.progress = null;
    this.fresh = [];
    this.releaseEnded(RELEASED_AT_ONCE_MAX);
  }

  /** Whether blocks wait that no snapshot needs any more. */
  get releasesEnded(): boolean {
    return this.progress === null && this.deferred.length > 0;
  }

  /** Frees up to `max` blocks that waited for a snapshot which has ended; returns how many there were. */
  releaseEnded(max: number): number {
    if (this.progress !== null || this.deferred.length === 0) return 0;
    let released = 0;
    for (; released < max && this.deferred.length > 0; released++) this.releaseDeferred();
    // The queue may have grown large.
    if (this.deferred.length === 0) this.deferred = new DeferredQueue();
    return released;
  }

  /** Frees what waited for entries that the worker has acknowledged. */
  reclaim(): void {
    if (this.progress === null) return;
    const acked = this.progress.acked();
    while (this.deferred.length > 0 && this.deferred.oldestSequence() <= acked) this.releaseDeferred();
  }

  /** Whether the block was allocated since the running capture began; always false when none runs. */
  isFresh(address: number): boolean {
    const bits = this.fresh[address >>> SEGMENT_SHIFT];
    if (bits === undefined) return false;
    const unit = address & SEGMENT_MASK;
    return ((bits[unit >>> 5]! >>> (unit & 31)) & 1) === 1;
  }

  /**
   * Moves the blocks that are not fresh to the front of `addresses`, in order; returns how many they are. A loop as short as
   * that of `approach`, for the same reason.
   */
  captured(addresses: number[]): number {
    const { fresh } = this;
    let count = 0;
    for (let i = 0; i < addresses.length; i++) {
      const address = addresses[i]!;
      const bits = fresh[address >>> SEGMENT_SHIFT];
      const unit = address & SEGMENT_MASK;
      addresses[count] = address;
      count += bits === undefined ? 1 : ((bits[unit >>> 5]! >>> (unit & 31)) & 1) ^ 1;
    }
    return count;
  }

  private markFresh(address: number): void {
    const segment = address >>> SEGMENT_SHIFT;
    let bits = this.fresh[segment];
    if (bits === undefined) {
      bits = new Uint32Array(SEGMENT_BYTES / UNIT / 32);
      this.fresh[segment] = bits;
    }
    const unit = address & SEGMENT_MASK;
    bits[unit >>> 5]! |= 1 << (unit & 31);
  }

  private defer(address: number): void {
    const progress = this.progress!;
    const handed = progress.handed();
    if (handed <= progress.acked() && this.deferred.length === 0) {
      this.release(address);
      return;
    }
    this.deferred.push(address, handed);
    this.bytesDeferred += this.capacity(address);
  }

  private releaseDeferred(): void {
    const address = this.deferred.shift();
    this.bytesDeferred -= this.capacity(address);
    this.release(address);
  }

  // --- inspection --------------------------------------------------------------------------------------------------

  stats(): ArenaStats {
    const free = this.freePages * PAGE_BYTES;
    return {
      bytesUsed: this.bytesUsed,
      bytesReserved: this.bytesReserved,
      bytesTouched: this.bytesReserved - (this.u8.at(-1)?.length ? SEGMENT_BYTES - this.frontier : 0),
      bytesFreeInSpans: Math.max(0, this.bytesReserved - free - this.bytesUsed),
      bytesFreePages: free,
      bytesDeferred: this.bytesDeferred,
      segments: this.u8.filter((view) => view !== GONE_U8).length,
    };
  }

  /** What the blocks of each size take, by ascending size; large ones together come last, with size 0. Goes over all pages. */
  sizes(): SizeStats[] {
    const sizes = [...CLASS_SIZES, 0].map((bytes) => ({ bytes, spans: 0, pages: 0, blocks: 0, free: 0 }));
    this.forEachSpan((span, cls) => {
      const size = sizes[cls === CLASS_LARGE ? CLASS_COUNT : cls]!;
      const used = this.spanUsed[span]!;
      size.spans++;
      size.pages += this.spanPages[span]!;
      size.blocks += used;
      if (cls !== CLASS_LARGE) size.free += this.spanCapacity(span, cls) - used;
    });
    return sizes.filter((size) => size.spans > 0);
  }

  /** Addresses of all allocated blocks (deferred ones excluded), ascending. For audits and tests: slow. */
  allocated(): number[] {
    const out: number[] = [];
    this.forEachSpan((span, cls) => {
      if (cls === CLASS_LARGE) out.push(span * 1024);
      else this.allocatedInSpan(span, cls, out);
    });
    const waiting = new Set(this.deferred.values());
    return out.filter((address) => !waiting.has(address));
  }

  private forEachSpan(visit: (span: number, cls: number) => void): void {
    for (let segment = 0; segment < this.u8.length; segment++) {
      if (this.u8[segment] === GONE_U8) continue;
      let page = segment === 0 ? 1 : segment * PAGES_PER_SEGMENT;
      const end = (segment + 1) * PAGES_PER_SEGMENT;
      while (page < end) {
        const cls = this.spanClass[page]!;
        if (cls !== CLASS_FREE) visit(page, cls);
        page += Math.max(1, this.spanPages[page]!);
      }
    }
  }

  private spanCapacity(span: number, cls: number): number {
    return Math.floor((this.spanPages[span]! * PAGE_BYTES) / CLASS_SIZES[cls]!);
  }

  private allocatedInSpan(span: number, cls: number, out: number[]): void {
    const units = CLASS_SIZES[cls]! >>> 3;
    const total = this.spanCapacity(span, cls);
    const free = new Set<number>();
    for (let a = this.spanFree[span]!; a !== 0; a = this.getWord(a, 0)) free.add(a);
    for (let i = this.spanBump[span]!; i < total; i++) {
      const address = span * 1024 + i * units;
      if (!free.has(address)) out.push(address);
    }
  }

  /** Bytes that can still be had in whole pages. */
  get bytesLeft(): number {
    const segments = this.segmentsMax - this.u8.length + this.segmentsGone;
    return segments * SEGMENT_BYTES + this.freePages * PAGE_BYTES;
  }

  /** The segment that was made last, and the byte of it from which on no page is in use. */
  get newest(): ArrayBufferLike {
    return (this.u8.at(-1) ?? GONE_U8).buffer;
  }
  get frontier(): number {
    const end = this.u8.length * PAGES_PER_SEGMENT;
    const run = this.pageSpan[end - 1] ?? 0;
    const pages = this.spanClass[run] === CLASS_FREE ? end - run : 0;
    return (PAGES_PER_SEGMENT - pages) * PAGE_BYTES;
  }

  /** The buffers of all segments by number, for `ArenaReader`; gone ones are null. */
  buffers(): (SharedArrayBuffer | null)[] {
    return this.u8.map((view) => (view === GONE_U8 ? null : (view.buffer as SharedArrayBuffer)));
  }

  /** An arena over another thread's buffers: nothing on it may allocate, own or free. */
  static attach(buffers: (SharedArrayBuffer | null)[]): Arena {
    const arena = new Arena();
    for (const buffer of buffers) {
      arena.u8.push(buffer === null ? GONE_U8 : new Uint8Array(buffer));
      arena.u32.push(buffer === null ? GONE_U32 : new Uint32Array(buffer));
      arena.f64.push(buffer === null ? GONE_F64 : new Float64Array(buffer));
    }
    return arena;
  }
}

/** Index of the address's first byte in `bytesOf(address)`. */
export function byteIndex(address: number): number {
  return (address & SEGMENT_MASK) << 3;
}
/** Index of the address's first word in `wordsOf(address)`. */
export function wordIndex(address: number): number {
  return (address & SEGMENT_MASK) << 1;
}
/** Index of the address's first double in `doublesOf(address)`. */
export function doubleIndex(address: number): number {
  return address & SEGMENT_MASK;
}

const GONE_U8 = new Uint8Array(0);
const GONE_U32 = new Uint32Array(0);
const GONE_F64 = new Float64Array(0);

function lowerBound(sorted: number[], value: number): number {
  let lo = 0;
  let hi = sorted.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (sorted[mid]! < value) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

function growInt32(old: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(length);
  grown.set(old);
  return grown;
}
