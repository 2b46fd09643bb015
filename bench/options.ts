/** The command line of the benchmarks. */
import { parseArgs } from 'node:util';
import { orUsage } from '../test/support/run-options.js';

export const PARTS = ['throughput', 'memory', 'bgsave', 'load', 'aof', 'stalls'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  parts: readonly Part[];
  /** Roughly how long one measurement of throughput runs. */
  seconds: number;
  /** How often each is repeated; the median counts. */
  rounds: number;
  pipelines: readonly number[];
  /** Keys of the BGSAVE part. */
  saveKeys: number;
  /** Keys of the memory and load parts. */
  keys: number;
  /** Elements of the giant values of the stalls part. */
  stallElements: number;
  quick: boolean;
}

const HELP = `Usage: npm run bench -- [options]
  --only PART        ${PARTS.join(' | ')}; may be repeated
  --quick            less data, fewer and shorter runs: a look in about two minutes
  --seconds N        about how long one measurement of throughput runs (default 0.3)
  --rounds N         how often each is repeated, ours and redis-server in turns; the median ratio counts (default 7; loads at most 3)
  --pipelines LIST   for throughput (default 1,16,64)
  --keys N           for memory and load (default 1000000)
  --save-keys N      for bgsave, and a larger load (default 4000000)
  --stall-elements N for stalls (default 10000000)`;

/** The command line's options; ends the process after `--help`, or a mistake. */
export function benchOptions(): Options {
  return orUsage(HELP, () => readOptions(process.argv.slice(2)));
}

function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      pipelines: { type: 'string' },
      keys: { type: 'string' },
      'save-keys': { type: 'string' },
      'stall-elements': { type: 'string' },
    },
  });
  const wanted = values.only?.flatMap((text) => text.split(',')) ?? PARTS;
  for (const part of wanted)
    if (!PARTS.includes(part as Part)) throw new Error(`--only ${part}: not one of ${PARTS.join(', ')}`);
  const { quick } = values;
  return {
    parts: PARTS.filter((part) => wanted.includes(part)),
    seconds: positive(values.seconds, 0.3, '--seconds'),
    rounds: positive(values.rounds, quick ? 1 : 7, '--rounds'),
    pipelines: (values.pipelines ?? '1,16,64').split(',').map((text) => positive(text, 1, '--pipelines')),
    keys: positive(values.keys, quick ? 200_000 : 1_000_000, '--keys'),
    saveKeys: positive(values['save-keys'], quick ? 500_000 : 4_000_000, '--save-keys'),
    stallElements: positive(values['stall-elements'], quick ? 1_000_000 : 10_000_000, '--stall-elements'),
    quick,
  };
}

function positive(text: string | undefined, otherwise: number, option: string): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} ${text}: not a positive number`);
  return value;
}
