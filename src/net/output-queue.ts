/**
 * What the kernel has not taken yet of a connection's output: bytes in, pieces for the kernel out, in their order.
 *
 *   blocks   [ small, small, small | large | small, sm..   ]      the last one still has room
 *              taken together, up to JOINED_MAX
 *
 * Small pieces share blocks, or else a million of them would cost the heap far more than they hold. What goes to the kernel
 * at once is bounded: a slow reader may have more waiting than one buffer can hold (4 GiB), and joining all of it would
 * take it twice, and hold the event loop meanwhile.
 *
 * Invariants:
 *   1. `bytes` is the sum of what the blocks hold.
 *   2. A block that was taken is not written to any more.
 */
const BLOCK_BYTES = 16 * 1024;
/** The kernel gets so much at once, unless one piece alone is larger. */
const JOINED_MAX = 1024 * 1024;
/** Taken slots are cleared away once there are so many. */
const TAKEN_MAX = 1024;

const NO_BLOCK = Buffer.alloc(0);

export class OutputQueue {
  private blocks: Buffer[] = [];
  /** The blocks in front of this one are taken. */
  private first = 0;
  /** The last block, its room included, and how much of it is used; `blocks` holds the used part. */
  private open = NO_BLOCK;
  private used = 0;
  bytes = 0;

  get pieces(): number {
    return this.blocks.length - this.first;
  }

  /** Copies `buf[start, end)` behind what waits. */
  add(buf: Uint8Array, start: number, end: number): void {
    const len = end - start;
    if (len === 0) return;
    this.bytes += len;
    if (len > BLOCK_BYTES) {
      const block = Buffer.allocUnsafeSlow(len);
      block.set(buf.subarray(start, end));
      this.blocks.push(block);
      this.open = NO_BLOCK;
      this.used = 0;
      return;
    }
    if (len > this.open.length - this.used) {
      this.open = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.used = 0;
      this.blocks.push(this.open);
    }
    this.open.set(buf.subarray(start, end), this.used);
    this.used += len;
    this.blocks[this.blocks.length - 1] = this.open.subarray(0, this.used);
  }

  /** The next piece for the kernel; there is one. It is gone from here, and stays as it is. */
  take(): Buffer {
    const { blocks } = this;
    let end = this.first;
    let bytes = 0;
    do bytes += blocks[end++]!.length;
    while (end < blocks.length && bytes + blocks[end]!.length <= JOINED_MAX);
    const taken = end === this.first + 1 ? blocks[this.first]! : Buffer.concat(blocks.slice(this.first, end), bytes);
    for (let i = this.first; i < end; i++) blocks[i] = NO_BLOCK;
    this.first = end;
    this.bytes -= bytes;
    if (end === blocks.length) this.clear();
    else if (this.first > TAKEN_MAX && this.first * 2 > blocks.length) {
      this.blocks = blocks.slice(this.first);
      this.first = 0;
    }
    return taken;
  }

  clear(): void {
    this.blocks = [];
    this.first = 0;
    this.open = NO_BLOCK;
    this.used = 0;
    this.bytes = 0;
  }
}
