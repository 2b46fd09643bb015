/**
 * The ID of a stream's entry: milliseconds and a sequence number, both unsigned 64-bit, each kept as two halves so that
 * nothing is allocated on the way of a command. In the arena four words, most significant first; in RDB files 16 bytes,
 * big-endian; as text `ms-seq`.
 */
import { writeInteger } from '../base/numbers.js';
import type { Arena } from '../memory/arena.js';
import type { TreeOrder } from '../memory/tree.js';

const TWO_32 = 4294967296;
/** Below this a half's pair is a safe integer. */
const SAFE_HI = 0x200000;
/** Bytes of the longest text: twice 20 digits and the dash. */
export const ID_TEXT_MAX = 41;
export const ID_BYTES = 16;

const TEXT = Buffer.alloc(ID_TEXT_MAX);

export class StreamId {
  msHi = 0;
  msLo = 0;
  seqHi = 0;
  seqLo = 0;

  set(msHi: number, msLo: number, seqHi: number, seqLo: number): this {
    this.msHi = msHi;
    this.msLo = msLo;
    this.seqHi = seqHi;
    this.seqLo = seqLo;
    return this;
  }
  copyFrom(other: StreamId): this {
    return this.set(other.msHi, other.msLo, other.seqHi, other.seqLo);
  }
  zero(): this {
    return this.set(0, 0, 0, 0);
  }
  max(): this {
    return this.set(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);
  }
  /** Milliseconds as a safe integer, sequence 0. */
  setMs(ms: number): this {
    return this.set(Math.floor(ms / TWO_32), ms >>> 0, 0, 0);
  }

  get isZero(): boolean {
    return this.msHi === 0 && this.msLo === 0 && this.seqHi === 0 && this.seqLo === 0;
  }
  get isMax(): boolean {
    return (
      this.msHi === 0xffffffff && this.msLo === 0xffffffff && this.seqHi === 0xffffffff && this.seqLo === 0xffffffff
    );
  }
  sameMs(other: StreamId): boolean {
    return this.msHi === other.msHi && this.msLo === other.msLo;
  }

  /** Negative when this one comes first, 0 when they are the same. */
  compare(other: StreamId): number {
    return this.msHi - other.msHi || this.msLo - other.msLo || this.seqHi - other.seqHi || this.seqLo - other.seqLo;
  }

  /** To the next ID; false (and 0-0) behind the last one. */
  increment(): boolean {
    if (++this.seqLo < TWO_32) return true;
    this.seqLo = 0;
    if (++this.seqHi < TWO_32) return true;
    this.seqHi = 0;
    if (++this.msLo < TWO_32) return true;
    this.msLo = 0;
    if (++this.msHi < TWO_32) return true;
    this.msHi = 0;
    return false;
  }
  /** To the ID before; false (and the last one) before 0-0. */
  decrement(): boolean {
    if (--this.seqLo >= 0) return true;
    this.seqLo = 0xffffffff;
    if (--this.seqHi >= 0) return true;
    this.seqHi = 0xffffffff;
    if (--this.msLo >= 0) return true;
    this.msLo = 0xffffffff;
    if (--this.msHi >= 0) return true;
    this.msHi = 0xffffffff;
    return false;
  }

  // --- forms ---------------------------------------------------------------------------------------------------------

  /** From the four words at `word` of an arena block. */
  load(arena: Arena, address: number, word: number): this {
    this.msHi = arena.getWord(address, word);
    this.msLo = arena.getWord(address, word + 1);
    this.seqHi = arena.getWord(address, word + 2);
    this.seqLo = arena.getWord(address, word + 3);
    return this;
  }
  /** The block is owned. */
  store(arena: Arena, address: number, word: number): void {
    arena.setWord(address, word, this.msHi);
    arena.setWord(address, word + 1, this.msLo);
    arena.setWord(address, word + 2, this.seqHi);
    arena.setWord(address, word + 3, this.seqLo);
  }

  /** From 16 bytes, big-endian. */
  readBytes(buf: Uint8Array, off: number): this {
    return this.set(word(buf, off), word(buf, off + 4), word(buf, off + 8), word(buf, off + 12));
  }
  writeBytes(buf: Uint8Array, off: number): void {
    putWord(buf, off, this.msHi);
    putWord(buf, off + 4, this.msLo);
    putWord(buf, off + 8, this.seqHi);
    putWord(buf, off + 12, this.seqLo);
  }

  /** Writes `ms-seq` and returns how many bytes that are: at most ID_TEXT_MAX. */
  write(buf: Uint8Array, off: number): number {
    let at = off + writeU64(buf, off, this.msHi, this.msLo);
    buf[at++] = 45;
    return at + writeU64(buf, at, this.seqHi, this.seqLo) - off;
  }
  toString(): string {
    return TEXT.toString('latin1', 0, this.write(TEXT, 0));
  }
}

function word(buf: Uint8Array, at: number): number {
  return ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
}
function putWord(buf: Uint8Array, at: number, n: number): void {
  buf[at] = n >>> 24;
  buf[at + 1] = n >>> 16;
  buf[at + 2] = n >>> 8;
  buf[at + 3] = n;
}

function writeU64(buf: Uint8Array, off: number, hi: number, lo: number): number {
  if (hi < SAFE_HI) return writeInteger(buf, off, hi * TWO_32 + lo);
  const text = ((BigInt(hi) << 32n) | BigInt(lo)).toString();
  for (let i = 0; i < text.length; i++) buf[off + i] = text.charCodeAt(i);
  return text.length;
}

/** The order of blocks that begin with an ID: nodes of a stream and pending entries. */
export class IdOrder implements TreeOrder {
  readonly probe = new StreamId();
  probeKey = 0;

  /** What `seek` looks for. */
  look(id: StreamId): void {
    this.probe.copyFrom(id);
    this.probeKey = id.msHi * TWO_32 + id.msLo;
  }

  // Rounded beyond 2^53, which keeps the order: what falls on the same double is told apart by `compareTie`.
  keyOf(arena: Arena, item: number): number {
    return arena.getWord(item, 0) * TWO_32 + arena.getWord(item, 1);
  }
  compareTie(arena: Arena, item: number): number {
    const { probe } = this;
    return (
      probe.msHi - arena.getWord(item, 0) ||
      probe.msLo - arena.getWord(item, 1) ||
      probe.seqHi - arena.getWord(item, 2) ||
      probe.seqLo - arena.getWord(item, 3)
    );
  }
}
