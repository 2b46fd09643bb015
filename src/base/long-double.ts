/**
 * Sums as INCRBYFLOAT and HINCRBYFLOAT make them: in x87 extended precision (64-bit mantissa), which JS does not have,
 * printed as C's `%.17Lf` without trailing zeros. Exact arithmetic on BigInt, rounded to nearest, ties to even, where the
 * hardware rounds: after reading each operand, and after adding.
 */

/** Longer texts are no numbers to Redis. */
const TEXT_MAX = 5 * 1024 - 1;
const MANTISSA_BITS = 64;
/** value < 2^16384 */
const EXPONENT_MAX = 16384;
/** The smallest value above zero is 2^-16445. */
const EXPONENT_MIN = -16445;
const DECIMALS = 17;
const DECIMAL_SCALE = 10n ** BigInt(DECIMALS);

/** sign * mantissa * 2^exponent. Infinity has the exponent Infinity. Zero has mantissa 0. */
interface LongDouble {
  negative: boolean;
  mantissa: bigint;
  exponent: number;
}

/**
 * The sum of two numbers given as text, as Redis prints it.
 * @returns '' when one of the texts is no number; null when the sum is not finite
 */
export function addLongDouble(a: string, b: string): string | null {
  const x = parse(a);
  const y = parse(b);
  if (x === null || y === null) return '';
  const sum = add(x, y);
  return sum === null ? null : format(sum);
}

/** Whether Redis reads the text as a long double: `inf` is one, `nan` is none. */
export function isLongDouble(text: string): boolean {
  return parse(text) !== null;
}
export function isInfiniteLongDouble(text: string): boolean {
  return parse(text)?.exponent === Number.POSITIVE_INFINITY;
}

/**
 * The number times a factor, in extended precision, rounded up to an integer; null when the text is no number. What is
 * infinite becomes +-2^16384.
 */
export function ceilOfProduct(text: string, factor: bigint): bigint | null {
  const x = parse(text);
  if (x === null) return null;
  const finite = x.exponent !== Number.POSITIVE_INFINITY;
  const product = finite ? round(x.negative, x.mantissa * factor, 1n, x.exponent) : null;
  if (product === null) return x.negative ? -(2n ** BigInt(EXPONENT_MAX)) : 2n ** BigInt(EXPONENT_MAX);
  const { exponent } = product;
  if (exponent >= 0) return signed(product) << BigInt(exponent);
  const divisor = 1n << BigInt(-exponent);
  const whole = product.mantissa / divisor;
  if (product.negative) return -whole;
  return product.mantissa % divisor === 0n ? whole : whole + 1n;
}

function parse(text: string): LongDouble | null {
  if (text.length === 0 || text.length > TEXT_MAX) return null;
  const negative = text.startsWith('-');
  const body = (negative || text.startsWith('+') ? text.slice(1) : text).toLowerCase();
  if (body === 'inf' || body === 'infinity') {
    return { negative, mantissa: 1n, exponent: Number.POSITIVE_INFINITY };
  }
  const decimal = /^(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/.exec(body);
  if (decimal !== null) {
    return scaled(negative, `${decimal[1]}${decimal[2] ?? ''}`, 10, (decimal[2] ?? '').length, decimal[3]);
  }
  const hex = /^0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/.exec(body);
  if (hex === null) return null;
  return scaled(negative, `${hex[1]}${hex[2] ?? ''}`, 16, (hex[2] ?? '').length, hex[3]);
}

/**
 * digits * base^-fractionDigits * (10 or 2)^exponent, rounded. Null when there are no digits or when the value is out of
 * range, below included.
 */
function scaled(
  negative: boolean,
  digits: string,
  base: 10 | 16,
  fractionDigits: number,
  exponentText = '0',
): LongDouble | null {
  if (digits === '') return null;
  const n = BigInt(base === 16 ? `0x${digits}` : digits);
  if (n === 0n) return { negative, mantissa: 0n, exponent: 0 };
  const exponent = Number(exponentText);
  const power = base === 16 ? exponent - fractionDigits * 4 : exponent - fractionDigits;
  // Far outside of the range whatever the digits are, and too large to compute with.
  if (Math.abs(power) > 100_000) return null;
  let result: LongDouble | null;
  if (base === 16) result = round(negative, n, 1n, power);
  else if (power >= 0) result = round(negative, n * 10n ** BigInt(power), 1n, 0);
  else result = round(negative, n, 10n ** BigInt(-power), 0);
  return result === null || result.mantissa === 0n ? null : result;
}

/** numerator / denominator * 2^exponent to 64 bits; null when it is too large. */
function round(negative: boolean, numerator: bigint, denominator: bigint, exponent: number): LongDouble | null {
  if (numerator === 0n) return { negative, mantissa: 0n, exponent: 0 };
  // The quotient gets 64 or 65 bits; fewer where the range ends.
  let shift = MANTISSA_BITS - (bits(numerator) - bits(denominator));
  if (exponent - shift < EXPONENT_MIN) shift = exponent - EXPONENT_MIN;
  let mantissa = divide(numerator, denominator, shift);
  if (bits(mantissa) > MANTISSA_BITS) {
    shift--;
    mantissa = divide(numerator, denominator, shift);
  }
  let result = exponent - shift;
  // Rounding up may have added a bit: 2^64.
  if (bits(mantissa) > MANTISSA_BITS) {
    mantissa >>= 1n;
    result++;
  }
  return bits(mantissa) + result > EXPONENT_MAX ? null : { negative, mantissa, exponent: result };
}

/** numerator * 2^shift / denominator, to nearest, ties to even. */
function divide(numerator: bigint, denominator: bigint, shift: number): bigint {
  const n = shift > 0 ? numerator << BigInt(shift) : numerator;
  const d = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const quotient = n / d;
  const twice = (n % d) * 2n;
  return twice > d || (twice === d && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

function bits(n: bigint): number {
  if (n === 0n) return 0;
  const hex = n.toString(16);
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0]!, 16)) - 28);
}

/** Null when the sum is infinite or no number. */
function add(x: LongDouble, y: LongDouble): LongDouble | null {
  if (x.exponent === Number.POSITIVE_INFINITY || y.exponent === Number.POSITIVE_INFINITY) return null;
  const exponent = Math.min(x.exponent, y.exponent);
  const sum = signed(x) * 2n ** BigInt(x.exponent - exponent) + signed(y) * 2n ** BigInt(y.exponent - exponent);
  return sum < 0n ? round(true, -sum, 1n, exponent) : round(false, sum, 1n, exponent);
}

function signed(x: LongDouble): bigint {
  return x.negative ? -x.mantissa : x.mantissa;
}

function format(x: LongDouble): string {
  const sign = x.negative ? '-' : '';
  if (x.exponent >= 0) return sign + (x.mantissa << BigInt(x.exponent)).toString();
  const digits = divide(x.mantissa * DECIMAL_SCALE, 1n, x.exponent)
    .toString()
    .padStart(DECIMALS + 1, '0');
  const whole = digits.slice(0, -DECIMALS);
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return text === '0' ? text : sign + text;
}
