/**
 * Numbers as Redis reads and prints them.
 *
 * Integers of the protocol are 64-bit. Up to 2^53 they are JS numbers; beyond that `parseInt64` gives a bigint.
 */

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * The integer written in `buf[off, off + len)`, as Redis's string2ll accepts it: no sign but `-`, no leading zero, no
 * space. NaN when it is not one, or when it lies outside +-(2^53 - 1): ask `parseInt64` then.
 */
export function parseInteger(buf: Uint8Array, off: number, len: number): number {
  if (len === 0 || len > 17) return Number.NaN;
  let i = off;
  const end = off + len;
  const negative = buf[i] === 45;
  if (negative && ++i === end) return Number.NaN;
  let digit = buf[i]! - 48;
  if (digit === 0) return len === 1 ? 0 : Number.NaN;
  if (digit < 0 || digit > 9) return Number.NaN;
  let n = digit;
  for (i++; i < end; i++) {
    digit = buf[i]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    n = n * 10 + digit;
  }
  if (n > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? -n : n;
}

/** As `parseInteger` over the whole range of 64-bit signed integers; null when it is not one. */
export function parseInt64(buf: Uint8Array, off: number, len: number): bigint | null {
  const small = parseInteger(buf, off, len);
  if (!Number.isNaN(small)) return BigInt(small);
  if (len < 16 || len > 20) return null;
  let text = '';
  for (let i = off; i < off + len; i++) {
    const byte = buf[i]!;
    if ((byte < 48 || byte > 57) && !(byte === 45 && i === off)) return null;
    text += String.fromCharCode(byte);
  }
  if (text.startsWith('0') || text.startsWith('-0')) return null;
  const n = BigInt(text);
  return n < INT64_MIN || n > INT64_MAX ? null : n;
}

/**
 * Writes the digits of an integer at `buf[off]` and returns how many bytes it wrote: at most 17, or 20 where it is no safe
 * integer (moments from files may be none).
 */
export function writeInteger(buf: Uint8Array, off: number, n: number): number {
  let at = off;
  if (n < 0) {
    buf[at++] = 45;
    n = -n;
  }
  if (n < 10) {
    buf[at++] = 48 + n;
    return at - off;
  }
  if (n > Number.MAX_SAFE_INTEGER) {
    // Divisions would be rounded, and give what are no digits.
    const text = BigInt(n).toString();
    for (let i = 0; i < text.length; i++) buf[at++] = text.charCodeAt(i);
    return at - off;
  }
  if (n <= 0x7fffffff) return at + writeInt32(buf, at, n | 0) - off;
  let digits = 10;
  for (let limit = 1e10; n >= limit; limit *= 10) digits++;
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(n / 10);
    buf[i] = 48 + (n - rest * 10);
    n = rest;
  }
  return at + digits - off;
}

/** The digits of 00 to 99. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => 48 + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

function digitsOf(n: number): number {
  if (n < 100) return 2;
  if (n < 1000) return 3;
  if (n < 10_000) return 4;
  if (n < 100_000) return 5;
  if (n < 1_000_000) return 6;
  if (n < 10_000_000) return 7;
  if (n < 100_000_000) return 8;
  return n < 1_000_000_000 ? 9 : 10;
}

/** The digits of an integer from 10 on, two at a time: a division is most of the work. */
function writeInt32(buf: Uint8Array, off: number, n: number): number {
  const digits = digitsOf(n);
  let at = off + digits;
  while (n >= 100) {
    const rest = (n / 100) | 0;
    const pair = (n - rest * 100) << 1;
    at -= 2;
    buf[at] = PAIRS[pair]!;
    buf[at + 1] = PAIRS[pair + 1]!;
    n = rest;
  }
  if (n >= 10) {
    buf[off] = PAIRS[n << 1]!;
    buf[off + 1] = PAIRS[(n << 1) + 1]!;
  } else buf[off] = 48 + n;
  return digits;
}

/**
 * A double as Redis 7.2 prints it (util.c d2string): integers up to 2^62 with all their digits, otherwise the shortest
 * digits that read back equal, in the notation of its fpconv: `0.0001`, `1.5e-7`, `1e+20`; `inf`, `-inf`, `nan`, `-0`.
 */
export function formatDouble(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (x === Infinity) return 'inf';
  if (x === -Infinity) return '-inf';
  if (x === 0) return Object.is(x, -0) ? '-0' : '0';
  if (Number.isInteger(x) && x >= -(2 ** 62) && x <= 2 ** 62) {
    return Number.isSafeInteger(x) ? String(x) : BigInt(x).toString();
  }
  const shortest = x.toExponential();
  const split = shortest.indexOf('e');
  const sign = x < 0 ? '-' : '';
  const digits = shortest.slice(sign.length, split).replace('.', '');
  const exponent = Number(shortest.slice(split + 1));
  const magnitude = Math.abs(exponent);
  // The value is digits * 10^scale.
  const scale = exponent - digits.length + 1;
  // Zeros are written out up to seven places behind the digits, the sign counted.
  if (scale >= 0 && magnitude < digits.length + 7 - sign.length) return sign + digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || magnitude < 4)) {
    const whole = digits.length + scale;
    if (whole <= 0) return `${sign}0.${'0'.repeat(-whole)}${digits}`;
    return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${magnitude}`;
}

/** Writes `formatDouble(x)` at `buf[off]` and returns how many bytes it wrote (at most 32). Integers allocate nothing. */
export function writeDouble(buf: Uint8Array, off: number, x: number): number {
  if (Number.isSafeInteger(x) && !Object.is(x, -0)) return writeInteger(buf, off, x);
  const text = formatDouble(x);
  for (let i = 0; i < text.length; i++) buf[off + i] = text.charCodeAt(i);
  return text.length;
}

const POWERS_OF_10 = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/** A plain decimal of at most 15 digits, which one division rounds exactly; NaN for any other text. No allocation. */
function parsePlainDecimal(buf: Uint8Array, off: number, len: number): number {
  if (len === 0 || len > 17) return Number.NaN;
  const end = off + len;
  let i = off;
  const negative = buf[i] === 45;
  if (negative) i++;
  let n = 0;
  let digits = 0;
  let point = -1;
  for (; i < end; i++) {
    const byte = buf[i]!;
    if (byte === 46 && point < 0) {
      point = digits;
      continue;
    }
    if (byte < 48 || byte > 57) return Number.NaN;
    n = n * 10 + (byte - 48);
    digits++;
  }
  if (digits === 0 || digits > 15) return Number.NaN;
  if (point >= 0) n /= POWERS_OF_10[digits - point]!;
  return negative ? -n : n;
}

/**
 * A double as Redis's string2d/strtod accepts it for scores and increments: decimal or hexadecimal, `inf`,
 * `+inf`, `-inf`, `infinity`, no space around it. NaN when it is not one, or when its magnitude is out of range.
 */
export function parseDouble(buf: Uint8Array, off: number, len: number): number {
  const plain = parsePlainDecimal(buf, off, len);
  if (!Number.isNaN(plain)) return plain;
  let text = '';
  for (let i = off; i < off + len; i++) text += String.fromCharCode(buf[i]!);
  const value = parseDoubleText(text);
  if (Math.abs(value) === Infinity && !/inf/i.test(text)) return Number.NaN;
  if (value === 0 && /^([+-]?0x[0-9a-f.]*[1-9a-f]|[^ex]*[1-9])/i.test(text)) return Number.NaN;
  return value;
}

/** As `parseDouble` for text; what overflows is infinite and what underflows is 0, as from strtod. */
export function parseDoubleText(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  const lower = text.toLowerCase();
  if (/^\+?inf(inity)?$/.test(lower)) return Infinity;
  if (/^-inf(inity)?$/.test(lower)) return -Infinity;
  const hex = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/.exec(lower);
  if (hex === null) return Number.NaN;
  const fraction = hex[3] ?? '';
  const digits = hex[2]! + fraction;
  if (digits === '') return Number.NaN;
  const value = timesPowerOf2(BigInt(`0x${digits}`), Number(hex[4] ?? 0) - 4 * fraction.length);
  return hex[1] === '-' ? -value : value;
}

/** The double nearest to `n` times 2 to the power of `exponent`; of two that are equally near the even one. */
function timesPowerOf2(n: bigint, exponent: number): number {
  if (n === 0n) return 0;
  const bits = n.toString(2).length;
  const top = bits - 1 + exponent;
  if (top > 1023) return Infinity;
  // Below 2^-1022 there are fewer bits.
  const kept = Math.min(53, top + 1075);
  if (kept < 0) return 0;
  const dropped = bits - kept;
  if (dropped > 0) {
    const half = 1n << BigInt(dropped - 1);
    const rest = n & (2n * half - 1n);
    n >>= BigInt(dropped);
    if (rest > half || (rest === half && (n & 1n) === 1n)) n++;
    exponent += dropped;
  }
  // In two steps, because the power alone may be no double. Both are exact.
  const first = Math.trunc(exponent / 2);
  return Number(n) * 2 ** first * 2 ** (exponent - first);
}
