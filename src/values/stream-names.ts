/** The order of blocks that hold a name: groups of a stream, consumers of a group. By bytes, as memcmp; a prefix comes first. */
import { type Arena, byteIndex } from '../memory/arena.js';
import type { TreeOrder } from '../memory/tree.js';

/** Bytes of a name that its sort key holds: as many as a double's integers. */
const KEY_BYTES = 6;

export class NameOrder implements TreeOrder {
  probeKey = 0;
  private buf: Uint8Array = EMPTY;
  private off = 0;
  private len = 0;

  /**
   * @param nameByte byte of the block at which names begin
   * @param lengthWord word of the block that says how many bytes a name has
   */
  constructor(
    private readonly nameByte: number,
    private readonly lengthWord: number,
  ) {}

  /** What `seek` looks for. The bytes stay where they are until then. */
  look(buf: Uint8Array, off: number, len: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
    this.probeKey = keyOf(buf, off, len);
  }
  lookLike(arena: Arena, item: number): void {
    this.look(arena.bytesOf(item), byteIndex(item) + this.nameByte, arena.getWord(item, this.lengthWord));
  }

  keyOf(arena: Arena, item: number): number {
    return keyOf(arena.bytesOf(item), byteIndex(item) + this.nameByte, arena.getWord(item, this.lengthWord));
  }

  compareTie(arena: Arena, item: number): number {
    const { buf, off, len } = this;
    const other = arena.bytesOf(item);
    const at = byteIndex(item) + this.nameByte;
    const otherLen = arena.getWord(item, this.lengthWord);
    const common = Math.min(len, otherLen);
    for (let i = 0; i < common; i++) {
      const d = buf[off + i]! - other[at + i]!;
      if (d !== 0) return d;
    }
    return len - otherLen;
  }
}

function keyOf(buf: Uint8Array, off: number, len: number): number {
  let key = 0;
  for (let i = 0; i < KEY_BYTES; i++) key = key * 256 + (i < len ? buf[off + i]! : 0);
  return key;
}

const EMPTY = new Uint8Array(0);
