/**
 * Counting and finding bits. Bit 0 of a string is the highest bit of its first byte, as SETBIT numbers them.
 *
 * Hot: long runs are read as 32-bit words of the same buffer, so that no byte is looked at alone but those at the edges.
 */

/** Number of bits set in a 32-bit word. */
export function popcount32(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  word = (word + (word >>> 4)) & 0x0f0f0f0f;
  return Math.imul(word, 0x01010101) >>> 24;
}

const WORD_BYTES = 4;
/** Below it, views of words cost more than they save. */
const WORDS_FROM = 64;

/** The whole words of `buf[off, end)`: first index behind the unaligned head, and how many words follow. */
function wordsWithin(buf: Uint8Array, off: number, end: number): { head: number; words: Uint32Array } {
  const head = off + ((WORD_BYTES - ((buf.byteOffset + off) & 3)) & 3);
  return { head, words: new Uint32Array(buf.buffer, buf.byteOffset + head, (end - head) >>> 2) };
}

/** Number of bits set in `buf[off, off + len)`. */
export function countBits(buf: Uint8Array, off: number, len: number): number {
  const end = off + len;
  let count = 0;
  let i = off;
  if (len >= WORDS_FROM) {
    const { head, words } = wordsWithin(buf, off, end);
    for (; i < head; i++) count += popcount32(buf[i]!);
    count += countWords(words);
    i += words.length * WORD_BYTES;
  }
  for (; i < end; i++) count += popcount32(buf[i]!);
  return count;
}

/** Words are added up in lanes of 16 bits, which 4000 words at most 16 bits a lane do not overflow. */
function countWords(words: Uint32Array): number {
  const { length } = words;
  let count = 0;
  let i = 0;
  while (i < length) {
    const stop = Math.min(length, i + 4000);
    let even = 0;
    let odd = 0;
    for (; i < stop; i++) {
      let word = words[i]!;
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      word = (word + (word >>> 4)) & 0x0f0f0f0f;
      even += word & 0x00ff00ff;
      odd += (word >>> 8) & 0x00ff00ff;
    }
    const sum = even + odd;
    count += (sum & 0xffff) + (sum >>> 16);
  }
  return count;
}

/** Number of bits set from bit `first` to bit `last`, both counted from `buf[off]` and both included. */
export function countBitRange(buf: Uint8Array, off: number, first: number, last: number): number {
  if (first > last) return 0;
  const from = Math.floor(first / 8);
  const to = Math.floor(last / 8);
  let count = countBits(buf, off + from, to - from + 1);
  const before = first % 8;
  if (before > 0) count -= popcount32(buf[off + from]! >>> (8 - before));
  const behind = 7 - (last % 8);
  if (behind > 0) count -= popcount32(buf[off + to]! & ((1 << behind) - 1));
  return count;
}

/** The first bit with that value (0 or 1) from bit `first` to bit `last`, as `countBitRange` counts them; -1: none. */
export function findBit(buf: Uint8Array, off: number, first: number, last: number, bit: number): number {
  if (first > last) return -1;
  const skip = bit === 1 ? 0 : 0xff;
  let at = Math.floor(first / 8);
  const to = Math.floor(last / 8);
  // Bits before `first` look as if they were of the other value.
  let byte = (buf[off + at]! ^ skip) & (0xff >>> (first % 8));
  if (byte === 0) {
    at = skipBytes(buf, off + at + 1, off + to + 1, skip) - off;
    if (at > to) return -1;
    byte = buf[off + at]! ^ skip;
  }
  const found = at * 8 + (Math.clz32(byte) - 24);
  return found <= last ? found : -1;
}

/** Index of the first byte of `buf[off, end)` that is not `skip` (0 or 255); `end` when there is none. */
function skipBytes(buf: Uint8Array, off: number, end: number, skip: number): number {
  let i = off;
  if (end - off >= WORDS_FROM) {
    const { head, words } = wordsWithin(buf, off, end);
    for (; i < head; i++) if (buf[i] !== skip) return i;
    const word = skip === 0 ? 0 : 0xffffffff;
    let w = 0;
    while (w < words.length && words[w] === word) w++;
    i += w * WORD_BYTES;
  }
  while (i < end && buf[i] === skip) i++;
  return i;
}
