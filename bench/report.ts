/** Tables of ours beside redis-server, with ratios and what they are to reach. */

export interface Target {
  /** The ratio must be at least or at most this. */
  least?: number;
  most?: number;
}

export interface Comparison {
  name: string;
  ours: number;
  redis: number;
  unit: string;
  /** Of values that were measured in pairs: the median of the pairs' ratios. Without it: of `ours` to `redis`. */
  ratio?: number;
  target?: Target;
}

export interface Section {
  title: string;
  rows: Comparison[];
  /** Lines below the table, such as a median. */
  notes: string[];
}

export function ratio({ ours, redis, ratio }: Comparison): number {
  return ratio ?? (redis === 0 ? Number.NaN : ours / redis);
}

/**
 * Rounds that were measured in turns, as one row. A machine whose speed changes from second to second changes both values
 * of a pair; so the ratio is the median of the pairs' ratios, not the ratio of the medians.
 */
export function paired(
  name: string,
  unit: string,
  rounds: { ours: readonly number[]; redis: readonly number[] },
): Comparison {
  const ratios = rounds.ours.map((ours, i) => ours / rounds.redis[i]!);
  return { name, unit, ours: median(rounds.ours), redis: median(rounds.redis), ratio: median(ratios) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `>= 0.9 reached` and the like. */
export function verdict(value: number, target: Target | undefined): string {
  if (target === undefined || Number.isNaN(value)) return '';
  const parts: string[] = [];
  if (target.least !== undefined) parts.push(`>= ${target.least} ${value >= target.least ? 'reached' : 'MISSED'}`);
  if (target.most !== undefined) parts.push(`<= ${target.most} ${value <= target.most ? 'reached' : 'MISSED'}`);
  return parts.join(', ');
}

export function table(section: Section): string {
  const rows = section.rows.map((row) => [
    row.name,
    `${number(row.ours)} ${row.unit}`,
    `${number(row.redis)} ${row.unit}`,
    Number.isNaN(ratio(row)) ? '' : ratio(row).toFixed(2),
    verdict(ratio(row), row.target),
  ]);
  const all = [['', 'onggi', 'redis-server', 'ratio', 'to reach'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 4 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
  return [`\n${section.title}`, ...lines, ...section.notes].join('\n');
}

function number(value: number): string {
  if (Number.isNaN(value)) return '-';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
