/**
 * How Redis 7.2 writes a double in replies: whole numbers up to 2^62 as integers, everything else with the fewest digits
 * that read back as the same number. 7.0 wrote seventeen digits instead.
 */

const WHOLE_MAX = 2 ** 62;

export function formatDouble72(d: number): string {
  if (Number.isNaN(d)) return 'nan';
  if (d === Infinity) return 'inf';
  if (d === -Infinity) return '-inf';
  if (d === 0) return Object.is(d, -0) ? '-0' : '0';
  if (Number.isInteger(d) && Math.abs(d) <= WHOLE_MAX) return BigInt(d).toString();
  const sign = d < 0 ? '-' : '';
  const [mantissa, exponentText] = Math.abs(d).toExponential().split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText); // of the first digit
  const tail = exponent - digits.length + 1; // of the last digit
  if (tail >= 0 && exponent < digits.length + 7 - sign.length) return sign + digits + '0'.repeat(tail);
  if (tail < 0 && (tail > -7 || Math.abs(exponent) < 4)) {
    if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
    return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

/** Whether `text` is what printf("%.17g") writes for the double it reads as. */
export function isSeventeenDigits(text: string): boolean {
  return /^-?(\d+(\.\d+)?(e[+-]\d+)?|inf)$/.test(text) && text === formatSeventeenDigits(readDouble(text));
}

export function readDouble(text: string): number {
  if (/^[+-]?inf/i.test(text)) return text[0] === '-' ? -Infinity : Infinity;
  return Number(text);
}

/** printf("%.17g"). */
export function formatSeventeenDigits(d: number): string {
  if (!Number.isFinite(d)) return d > 0 ? 'inf' : d < 0 ? '-inf' : 'nan';
  if (d === 0) return Object.is(d, -0) ? '-0' : '0';
  const [mantissa, exponentText] = d.toExponential(16).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 17) {
    const sign = exponent < 0 ? '-' : '+';
    return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return trimZeros(d.toFixed(Math.max(0, 16 - exponent)));
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
