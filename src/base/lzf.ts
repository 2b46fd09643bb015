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
const TABLE_BITS = 13;
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
const table = new Int32Array(1 << TABLE_BITS);
let epoch = 1;
/** Where the three bytes stood before that `nextMatch` found. */
let matched = 0;

/** Short inputs use a part of the table that the processor's first cache holds beside everything else. */
function shiftFor(len: number): number {
  return 32 - (len <= 256 ? 10 : len <= 2048 ? 12 : TABLE_BITS);
}

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
  const shift = shiftFor(len);

  const end = off + len;
  const matchEnd = end - 2; // a match needs three bytes
  const outEnd = dstOff + room;
  let out = dstOff;
  /** Where the bytes begin that have not gone out yet. */
  let literals = off;
  for (;;) {
    const at = nextMatch(src, literals, matchEnd, off, bias, shift);
    const stop = at === matchEnd ? end : at;
    const count = stop - literals;
    if (count > 0) {
      if (out + count + Math.ceil(count / LITERALS_MAX) > outEnd) return 0;
      out = copyLiterals(src, literals, stop, dst, out);
    }
    if (stop === end) return out - dstOff;
    if (out + 3 > outEnd) return 0;
    const ref = matched;
    const most = Math.min(end - at, MATCH_MAX);
    let match = 3;
    while (match < most && src[ref + match] === src[at + match]) match++;
    const back = at - ref - 1;
    if (match < 9) {
      dst[out++] = ((match - 2) << 5) | (back >>> 8);
    } else {
      dst[out++] = 0xe0 | (back >>> 8);
      dst[out++] = match - 9;
    }
    dst[out++] = back;
    literals = at + match;
  }
}

/**
 * The first position from `i` on whose three bytes stood within reach before (`matched` says where), or `matchEnd`.
 *
 * Hot: for what does not compress this loop is all there is, so it holds as little as it can.
 */
function nextMatch(src: Uint8Array, i: number, matchEnd: number, off: number, bias: number, shift: number): number {
  if (i >= matchEnd) return matchEnd;
  let triple = (src[i]! << 8) | src[i + 1]!;
  for (let at = i; at < matchEnd; at++) {
    triple = ((triple << 8) | src[at + 2]!) & 0xffffff;
    const slot = Math.imul(triple, HASH_FACTOR) >>> shift;
    const ref = table[slot]! - bias;
    table[slot] = at + bias;
    if (ref >= off && at - ref <= OFFSET_MAX && ((src[ref]! << 16) | (src[ref + 1]! << 8) | src[ref + 2]!) === triple) {
      matched = ref;
      return at;
    }
  }
  return matchEnd;
}

/** Writes `src[from, end)` as runs of literals at `dst[out]`; returns where they end. */
function copyLiterals(src: Uint8Array, from: number, end: number, dst: Uint8Array, out: number): number {
  let i = from;
  let o = out;
  while (i < end) {
    const stop = Math.min(end, i + LITERALS_MAX);
    dst[o++] = stop - i - 1;
    for (; i + 4 <= stop; i += 4, o += 4) {
      dst[o] = src[i]!;
      dst[o + 1] = src[i + 1]!;
      dst[o + 2] = src[i + 2]!;
      dst[o + 3] = src[i + 3]!;
    }
    for (; i < stop; i++, o++) dst[o] = src[i]!;
  }
  return o;
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
