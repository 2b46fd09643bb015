/** Numbers with a fixed count of decimals, rounded to nearest and ties to even as C's printf rounds; JS rounds ties up. */

/** As `%.<decimals>f`. */
export function formatFixed(x: number, decimals: number): string {
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : x < 0 ? '-inf' : 'nan';
  const magnitude = Math.abs(x);
  const sign = x < 0 || Object.is(x, -0) ? '-' : '';
  if (magnitude >= 1e21) return `${sign}${BigInt(magnitude)}.${'0'.repeat(decimals)}`;
  const text = magnitude.toFixed(decimals);
  // Exactly between two: the value has one decimal more, a 5.
  const scale = 2 ** (decimals + 1);
  if (!Number.isInteger(magnitude * scale)) return sign + text;
  const exact = magnitude.toFixed(decimals + 1);
  if (!exact.endsWith('5') || Number(exact) !== magnitude) return sign + text;
  const down = exact.slice(0, -1);
  return sign + (Number(down.at(-1)) % 2 === 0 ? down : text);
}

/** As `%.17f` without trailing zeros: how long doubles are shown to people. */
export function formatHuman(x: number): string {
  const text = formatFixed(x, 17).replace(/\.?0+$/, '');
  return text === '-0' ? '0' : text;
}
