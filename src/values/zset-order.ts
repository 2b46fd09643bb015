/**
 * The order of sorted sets - score first, then the member's bytes - and ranges in it.
 */
import type { Arena } from '../memory/arena.js';
import { itemKeyBytes, itemKeyIndex, itemSlot } from '../memory/item.js';
import type { TreeOrder } from '../memory/tree.js';

/** As memcmp over the shorter length, then the shorter first. */
export function compareBytes(
  a: Uint8Array,
  aOff: number,
  aLen: number,
  b: Uint8Array,
  bOff: number,
  bLen: number,
): number {
  const common = Math.min(aLen, bLen);
  for (let i = 0; i < common; i++) {
    const difference = a[aOff + i]! - b[bOff + i]!;
    if (difference !== 0) return difference;
  }
  return aLen - bLen;
}

const NOTHING = new Uint8Array(0);

/** The order of a sorted set's tree; items have the score in their slot. */
export class ScoreOrder implements TreeOrder {
  probeKey = 0;
  private buf: Uint8Array = NOTHING;
  private off = 0;
  private len = 0;
  /** 0: the probe is a member; -1: it stands before all members with its score, 1: behind them. */
  private side = 0;

  probeMember(score: number, buf: Uint8Array, off: number, len: number): void {
    this.probeKey = score;
    this.buf = buf;
    this.off = off;
    this.len = len;
    this.side = 0;
  }
  probeSide(score: number, side: -1 | 1): void {
    this.probeKey = score;
    this.side = side;
  }
  /** An item of the same tree or of another one. */
  probeItem(arena: Arena, item: number): void {
    this.probeMember(itemSlot(arena, item), arena.bytesOf(item), itemKeyIndex(arena, item), itemKeyBytes(arena, item));
  }

  keyOf(arena: Arena, item: number): number {
    return itemSlot(arena, item);
  }

  compareTie(arena: Arena, item: number): number {
    if (this.side !== 0) return this.side;
    return compareBytes(
      this.buf,
      this.off,
      this.len,
      arena.bytesOf(item),
      itemKeyIndex(arena, item),
      itemKeyBytes(arena, item),
    );
  }
}

export class ScoreRange {
  min = 0;
  max = 0;
  minExclusive = false;
  maxExclusive = false;

  get isEmpty(): boolean {
    return this.min > this.max || (this.min === this.max && (this.minExclusive || this.maxExclusive));
  }
  above(score: number): boolean {
    return this.minExclusive ? score > this.min : score >= this.min;
  }
  below(score: number): boolean {
    return this.maxExclusive ? score < this.max : score <= this.max;
  }
}

/** One end of a lexicographical range. */
export class LexBound {
  /** -1: before every member (`-`), 1: behind every member (`+`), 0: at the bytes. */
  infinite: -1 | 0 | 1 = 0;
  exclusive = false;
  buf: Uint8Array = NOTHING;
  off = 0;
  len = 0;

  /** How the member stands to the bound: negative before, 0 at, positive behind it. */
  compare(buf: Uint8Array, off: number, len: number): number {
    if (this.infinite !== 0) return -this.infinite;
    return compareBytes(buf, off, len, this.buf, this.off, this.len);
  }
}

export class LexRange {
  readonly min = new LexBound();
  readonly max = new LexBound();

  get isEmpty(): boolean {
    const { min, max } = this;
    if (min.infinite !== 0 || max.infinite !== 0) {
      if (min.infinite === max.infinite) return min.infinite !== 0;
      return min.infinite > 0 || max.infinite < 0;
    }
    const order = compareBytes(min.buf, min.off, min.len, max.buf, max.off, max.len);
    return order > 0 || (order === 0 && (min.exclusive || max.exclusive));
  }
  above(buf: Uint8Array, off: number, len: number): boolean {
    const order = this.min.compare(buf, off, len);
    return this.min.exclusive ? order > 0 : order >= 0;
  }
  below(buf: Uint8Array, off: number, len: number): boolean {
    const order = this.max.compare(buf, off, len);
    return this.max.exclusive ? order < 0 : order <= 0;
  }
}
