/**
 * Redis's glob: KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET, ACL patterns. On bytes.
 *
 *   *        any bytes, none too        \c       the byte c itself
 *   ?        one byte                   [abc]    one of these; [a-z] a range; [^a] none of these
 *
 * Its corners, which differ from every other matcher's:
 *   1. A class that is not closed ends with the pattern: `[ab` is `[ab]`.
 *   2. A range written backwards is turned: `[z-a]` is `[a-z]`; `]` may end one: `[a-]` is the range from `]` to `a`, not
 *      closed. Range ends compare as signed bytes.
 *   3. In a class an escaped byte is compared as it is, even when case does not count.
 *   4. An empty string matches the empty pattern alone, not even `*`. (KEYS and SCAN take a lone `*` as "everything"
 *      before they come here.)
 *   5. A backslash that ends the pattern stands for itself.
 *
 * Every element but `*` takes exactly one byte, so it is enough to come back to the last `*`: the time is at most
 * (length of pattern) x (length of string), never exponential.
 */

const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const CLOSE = 93;
const BACKSLASH = 92;
const CARET = 94;
const MINUS = 45;

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** As `globMatchAt` over whole buffers. */
export function globMatch(pattern: Uint8Array, string: Uint8Array, ignoreCase = false): boolean {
  return globMatchAt(pattern, 0, pattern.length, string, 0, string.length, ignoreCase);
}

/** Whether `string[sOff, sOff + sLen)` matches `pattern[pOff, pOff + pLen)`. */
export function globMatchAt(
  pattern: Uint8Array,
  pOff: number,
  pLen: number,
  string: Uint8Array,
  sOff: number,
  sLen: number,
  ignoreCase = false,
): boolean {
  if (sLen === 0) return pLen === 0;
  const pEnd = pOff + pLen;
  const sEnd = sOff + sLen;
  let p = pOff;
  let s = sOff;
  let retryP = -1;
  let retryS = 0;
  while (s < sEnd) {
    if (p < pEnd && pattern[p] === STAR) {
      while (p < pEnd && pattern[p] === STAR) p++;
      if (p === pEnd) return true;
      retryP = p;
      retryS = s;
      continue;
    }
    const next = p < pEnd ? element(pattern, p, pEnd, string[s]!, ignoreCase) : -1;
    if (next >= 0) {
      p = next;
      s++;
    } else {
      if (retryP < 0) return false;
      p = retryP;
      s = ++retryS;
    }
  }
  while (p < pEnd && pattern[p] === STAR) p++;
  return p === pEnd;
}

/** Where the element at `p` (not a star) ends when it takes `byte`; -1 when it does not. */
function element(pattern: Uint8Array, p: number, end: number, byte: number, ignoreCase: boolean): number {
  const first = pattern[p]!;
  if (first === QUESTION) return p + 1;
  if (first === OPEN) return charClass(pattern, p + 1, end, byte, ignoreCase);
  if (first === BACKSLASH && end - p >= 2) p++;
  const wanted = pattern[p]!;
  const same = ignoreCase ? lower(wanted) === lower(byte) : wanted === byte;
  return same ? p + 1 : -1;
}

function charClass(pattern: Uint8Array, p: number, end: number, byte: number, ignoreCase: boolean): number {
  const negated = p < end && pattern[p] === CARET;
  if (negated) p++;
  let found = false;
  for (; ; p++) {
    if (p >= end) break;
    const c = pattern[p]!;
    if (c === BACKSLASH && end - p >= 2) {
      p++;
      if (pattern[p] === byte) found = true;
    } else if (c === CLOSE) {
      p++;
      break;
    } else if (end - p >= 3 && pattern[p + 1] === MINUS) {
      if (inRange(c, pattern[p + 2]!, byte, ignoreCase)) found = true;
      p += 2;
    } else if (ignoreCase ? lower(c) === lower(byte) : c === byte) {
      found = true;
    }
  }
  return found !== negated ? Math.min(p, end) : -1;
}

function inRange(from: number, to: number, byte: number, ignoreCase: boolean): boolean {
  let low = signed(from);
  let high = signed(to);
  if (low > high) [low, high] = [high, low];
  if (ignoreCase) {
    low = lower(low);
    high = lower(high);
    byte = lower(byte);
  }
  const value = signed(byte);
  return value >= low && value <= high;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
