/** The command lines of the long runs (diff, fuzz, crash, bench). */
import { parseArgs } from 'node:util';

/** A seed that nobody has chosen. */
export const someSeed = (): number => Date.now() % 1_000_000_000;

/** Prints the usage after `--help`, and a mistake with the usage; both end the process. */
export function orUsage<T>(usage: string, read: () => T): T {
  if (process.argv.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(1);
  }
}

interface Defaults<N extends string, B extends string, T extends string> {
  numbers: Record<N, number>;
  switches?: readonly B[];
  texts?: Record<T, string>;
}

/** Options that are numbers from 0 on, switches, and texts; those that are not given as `defaults` says. */
export function runOptions<N extends string, B extends string = never, T extends string = never>(
  usage: string,
  defaults: Defaults<N, B, T>,
): Record<N, number> & Record<B, boolean> & Record<T, string> {
  const { numbers, switches = [], texts = {} } = defaults;
  return orUsage(usage, () => {
    const options: Record<string, { type: 'string' | 'boolean' }> = {};
    for (const name of [...Object.keys(numbers), ...Object.keys(texts)]) options[name] = { type: 'string' };
    for (const name of switches) options[name] = { type: 'boolean' };
    const { values } = parseArgs({ options });
    const found: Record<string, unknown> = { ...numbers, ...texts };
    for (const name of switches) found[name] = values[name] ?? false;
    for (const [name, value] of Object.entries(values)) {
      found[name] = name in numbers ? numberOf(name, String(value)) : value;
    }
    return found as Record<N, number> & Record<B, boolean> & Record<T, string>;
  });
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new Error(`--${name} ${text}: not a number`);
  return value;
}
