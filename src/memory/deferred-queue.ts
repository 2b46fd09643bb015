/**
 * The queue of blocks that wait for the snapshot worker: first in, first out, in typed arrays that grow by doubling, so that a
 * running snapshot leaves no garbage behind.
 *
 *        head            tail
 *   . . [ waiting blocks ] . . . .        indices modulo the capacity, a power of two
 */
export class DeferredQueue {
  private addresses = new Uint32Array(1024);
  private sequences = new Float64Array(1024);
  private head = 0;
  length = 0;

  push(address: number, sequence: number): void {
    if (this.length === this.addresses.length) this.grow();
    const at = (this.head + this.length) & (this.addresses.length - 1);
    this.addresses[at] = address;
    this.sequences[at] = sequence;
    this.length++;
  }

  /** The sequence number of the oldest block; the queue must not be empty. */
  oldestSequence(): number {
    return this.sequences[this.head]!;
  }

  /** Takes the oldest block out and returns its address; the queue must not be empty. */
  shift(): number {
    const address = this.addresses[this.head]!;
    this.head = (this.head + 1) & (this.addresses.length - 1);
    this.length--;
    return address;
  }

  /** The waiting addresses, oldest first. */
  *values(): Iterable<number> {
    for (let i = 0; i < this.length; i++) yield this.addresses[(this.head + i) & (this.addresses.length - 1)]!;
  }

  private grow(): void {
    const { addresses, sequences, head } = this;
    this.addresses = new Uint32Array(addresses.length * 2);
    this.sequences = new Float64Array(addresses.length * 2);
    const first = addresses.length - head;
    this.addresses.set(addresses.subarray(head));
    this.addresses.set(addresses.subarray(0, head), first);
    this.sequences.set(sequences.subarray(head));
    this.sequences.set(sequences.subarray(0, head), first);
    this.head = 0;
  }
}
