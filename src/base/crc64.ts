/**
 * CRC64 as RDB files and DUMP payloads carry it: Jones' polynomial 0xad93d23594c935a9, reflected, initial value 0, no
 * final xor. CRC64("123456789") = e9c6d914c4b8d9ca.
 *
 * A sum is kept as two 32-bit halves, and eight bytes are folded a step through eight tables of 256 (slicing by 8):
 * BigInt would be a hundred times slower.
 */
const POLY_LO = 0xac4bc9b5; // the reflected polynomial 0x95ac9329ac4bc9b5
const POLY_HI = 0x95ac9329;

/** Halves of table k at [k * 256 + byte]: the sum of `byte` followed by k zero bytes. */
const LO = new Int32Array(8 * 256);
const HI = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let lo = byte;
  let hi = 0;
  for (let bit = 0; bit < 8; bit++) {
    const odd = lo & 1;
    lo = (lo >>> 1) | (hi << 31);
    hi >>>= 1;
    if (odd !== 0) {
      lo ^= POLY_LO;
      hi ^= POLY_HI;
    }
  }
  LO[byte] = lo;
  HI[byte] = hi;
}
for (let i = 256; i < 8 * 256; i++) {
  const lo = LO[i - 256]!;
  const hi = HI[i - 256]!;
  LO[i] = ((lo >>> 8) | (hi << 24)) ^ LO[lo & 255]!;
  HI[i] = (hi >>> 8) ^ HI[lo & 255]!;
}

/** A running sum: `update` with one chunk after the other. */
export class Crc64 {
  /** The halves as signed 32-bit integers. */
  lo = 0;
  hi = 0;

  reset(): this {
    this.lo = 0;
    this.hi = 0;
    return this;
  }

  /** Adds `buf[off, off + len)`. */
  update(buf: Uint8Array, off: number, len: number): this {
    let { lo, hi } = this;
    let i = off;
    const end = off + len;
    for (const last = end - 8; i <= last; i += 8) {
      const x = lo ^ (buf[i]! | (buf[i + 1]! << 8) | (buf[i + 2]! << 16) | (buf[i + 3]! << 24));
      const y = hi ^ (buf[i + 4]! | (buf[i + 5]! << 8) | (buf[i + 6]! << 16) | (buf[i + 7]! << 24));
      const a = 1792 + (x & 255);
      const b = 1536 + ((x >>> 8) & 255);
      const c = 1280 + ((x >>> 16) & 255);
      const d = 1024 + (x >>> 24);
      const e = 768 + (y & 255);
      const f = 512 + ((y >>> 8) & 255);
      const g = 256 + ((y >>> 16) & 255);
      const h = y >>> 24;
      lo = LO[a]! ^ LO[b]! ^ LO[c]! ^ LO[d]! ^ LO[e]! ^ LO[f]! ^ LO[g]! ^ LO[h]!;
      hi = HI[a]! ^ HI[b]! ^ HI[c]! ^ HI[d]! ^ HI[e]! ^ HI[f]! ^ HI[g]! ^ HI[h]!;
    }
    for (; i < end; i++) {
      const t = (lo ^ buf[i]!) & 255;
      lo = ((lo >>> 8) | (hi << 24)) ^ LO[t]!;
      hi = (hi >>> 8) ^ HI[t]!;
    }
    this.lo = lo;
    this.hi = hi;
    return this;
  }

  /** Writes the eight bytes of the sum, little-endian, at `buf[off]`. */
  write(buf: Uint8Array, off: number): void {
    for (let i = 0; i < 4; i++) {
      buf[off + i] = this.lo >>> (8 * i);
      buf[off + 4 + i] = this.hi >>> (8 * i);
    }
  }

  /** Whether the eight bytes at `buf[off]` are this sum. */
  matches(buf: Uint8Array, off: number): boolean {
    for (let i = 0; i < 4; i++) {
      if (buf[off + i] !== ((this.lo >>> (8 * i)) & 255) || buf[off + 4 + i] !== ((this.hi >>> (8 * i)) & 255))
        return false;
    }
    return true;
  }

  /** Sixteen hexadecimal digits, as people write the sum. */
  toString(): string {
    return (this.hi >>> 0).toString(16).padStart(8, '0') + (this.lo >>> 0).toString(16).padStart(8, '0');
  }
}
