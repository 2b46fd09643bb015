/**
 * LZF, the compression of strings in RDB files.
 *
 * A block is a sequence of
 *
 *   000LLLLL                      L + 1 literal bytes follow (1 to 32)
 *   LLLooooo oooooooo             copy L + 2 bytes (L 1 to 6) from 1 + offset bytes back
 *   111ooooo LLLLLLLL oooooooo    copy L + 9 bytes (L 0 to 255) from 1 + offset bytes back; offsets have 13 bits
 *
 * The block says neither its own length nor the plain one; RDB writes both in front of it.
 */
const HASH_BITS = 13;
const HASH_FACTOR = 0x9e3779b1;
const OFFSET_MAX = 1 << 13;
const MATCH_MAX = 264;
const LITERALS_MAX = 32;

/** No block can grow more than this many times: three bytes make at most 264. */
export const LZF_RATIO_MAX = MATCH_MAX / 3;

/**
 * Last position of each hashed three bytes, plus `epoch`. The epoch moves on by the input's length with each call, so
 * that what former inputs left reads as "before the start" and the table needs no clearing.
 */
const table = new Int32Array(1 << HASH_BITS);
let epoch = 1;

/**
 * Compresses `src[off, off + len)` into `dst` from `dstOff`, using at most `room` bytes. Returns the bytes written, or 0
 * when they would not fit. Allocates nothing.
 */
export function lzfCompress(
  src: Uint8Array,
  off: number,
  len: number,
  dst: Uint8Array,
  dstOff: number,
  room: number,
): number {
  if (len < 4) return 0;
  if (epoch + len > 0x7ffffff0) {
    table.fill(0);
    epoch = 1;
  }
  const bias = epoch - off;
  epoch += len;

  const end = off + len;
  const matchEnd = end - 2; // a match needs three bytes
  const outEnd = dstOff + room;
  let i = off;
  let out = dstOff + 1; // room for the control byte of the literals
  let literals = 0;

  // The three bytes from i on.
  let triple = (src[i]! << 16) | (src[i + 1]! << 8) | src[i + 2]!;
  while (i < matchEnd) {
    const slot = Math.imul(triple, HASH_FACTOR) >>> (32 - HASH_BITS);
    const ref = table[slot]! - bias;
    table[slot] = i + bias;
    if (ref < off || i - ref > OFFSET_MAX || ((src[ref]! << 16) | (src[ref + 1]! << 8) | src[ref + 2]!) !== triple) {
      if (out >= outEnd) return 0;
      dst[out++] = triple >>> 16;
      i++;
      if (i < matchEnd) triple = ((triple << 8) & 0xffffff) | src[i + 2]!;
      if (++literals === LITERALS_MAX) {
        dst[out - LITERALS_MAX - 1] = LITERALS_MAX - 1;
        literals = 0;
        out++;
      }
      continue;
    }
    const most = Math.min(end - i, MATCH_MAX);
    let match = 3;
    while (match < most && src[ref + match] === src[i + match]) match++;
    // Close the run of literals, or take back its unused control byte.
    if (literals === 0) out--;
    else dst[out - literals - 1] = literals - 1;
    if (out + 4 > outEnd) return 0;
    const back = i - ref - 1;
    if (match < 9) {
      dst[out++] = ((match - 2) << 5) | (back >>> 8);
    } else {
      dst[out++] = 0xe0 | (back >>> 8);
      dst[out++] = match - 9;
    }
    dst[out++] = back;
    out++;
    literals = 0;
    i += match;
    if (i >= matchEnd) break;
    // The last position inside the match is enough to find the next one.
    triple = (src[i - 1]! << 16) | (src[i]! << 8) | src[i + 1]!;
    table[Math.imul(triple, HASH_FACTOR) >>> (32 - HASH_BITS)] = i - 1 + bias;
    triple = ((triple << 8) & 0xffffff) | src[i + 2]!;
  }
  for (; i < end; i++) {
    if (out >= outEnd) return 0;
    dst[out++] = src[i]!;
    if (++literals === LITERALS_MAX) {
      dst[out - LITERALS_MAX - 1] = LITERALS_MAX - 1;
      literals = 0;
      out++;
    }
  }
  if (literals === 0) out--;
  else dst[out - literals - 1] = literals - 1;
  return out - dstOff;
}

/**
 * Decompresses the block `src[off, off + len)` into exactly `dst[dstOff, dstOff + plainLen)`. False when the block is
 * damaged: it reaches outside of either range, or does not yield plainLen bytes.
 */
export function lzfDecompress(
  src: Uint8Array,
  off: number,
  len: number,
  dst: Uint8Array,
  dstOff: number,
  plainLen: number,
): boolean {
  let i = off;
  const end = off + len;
  let out = dstOff;
  const outEnd = dstOff + plainLen;
  while (i < end) {
    const control = src[i++]!;
    if (control < LITERALS_MAX) {
      const count = control + 1;
      if (count > end - i || count > outEnd - out) return false;
      for (const stop = i + count; i < stop; ) dst[out++] = src[i++]!;
      continue;
    }
    let count = control >>> 5;
    if (count === 7) {
      if (i >= end) return false;
      count += src[i++]!;
    }
    if (i >= end) return false;
    let ref = out - 1 - (((control & 31) << 8) | src[i++]!);
    count += 2;
    if (ref < dstOff || count > outEnd - out) return false;
    const back = out - ref;
    if (back === 1) {
      dst.fill(dst[ref]!, out, out + count);
      out += count;
    } else if (count > 48 && back >= count) {
      dst.copyWithin(out, ref, ref + count);
      out += count;
    } else {
      // Source and target may overlap, forwards: byte after byte repeats the pattern as the format means it.
      for (const stop = out + count; out < stop; ) dst[out++] = dst[ref++]!;
    }
  }
  return out === outEnd;
}
