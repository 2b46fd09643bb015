/**
 * `npm run fuzz -- --what socket|dump|rdb|aof|all [--seed S] [--inputs N] [--from N] [--minutes M] [--failures N]`: damaged input of all
 * kinds for a server inside this process. Exits with 1 when one of them does harm, after it has printed what repeats it.
 */
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AofTarget } from './aof-target.js';
import { DumpTarget } from './dump-target.js';
import { type FuzzResult, fuzz } from './fuzz-run.js';
import { RdbTarget } from './rdb-target.js';
import { SocketTarget } from './socket-target.js';

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    inputs: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
    minutes: { type: 'string', default: '1000000' },
    failures: { type: 'string', default: '1' },
  },
});

const options = {
  seed: Number(values.seed),
  inputs: Number(values.inputs),
  from: Number(values.from),
  minutes: Number(values.minutes),
  failuresMax: Number(values.failures),
};

/** Runs one target; returns whether nothing failed. */
const RUNS: Record<string, (more: Progress) => Promise<FuzzResult>> = {
  socket: (more) => fuzz(new SocketTarget(), { ...options, ...more }),
  dump: (more) => fuzz(new DumpTarget(), { ...options, ...more }),
  rdb: (more) => fuzz(new RdbTarget(), { ...options, ...more }),
  aof: (more) => fuzz(new AofTarget(), { ...options, ...more }),
};

interface Progress {
  progress: (done: number) => void;
  before: (input: number) => void;
}

const PROGRESS_MS = 30_000;

async function run(what: string): Promise<boolean> {
  const started = performance.now();
  console.log(`${what}: seed ${options.seed}, inputs ${options.from} to ${options.from + options.inputs - 1}`);
  // What the last input was is told even when the process ends without a word.
  const folder = mkdtempSync(join(tmpdir(), 'onggi-fuzz-'));
  const file = join(folder, 'last-input');
  const last = openSync(file, 'w');
  console.log(`${what}: if the process ends without a word, the input that did it stands in ${file}`);
  let shown = started;
  const result = await RUNS[what]!({
    progress: (done) => {
      if (performance.now() - shown < PROGRESS_MS) return;
      shown = performance.now();
      const rate = Math.round((done / (shown - started)) * 1000);
      console.log(`${what}: ${done} inputs, ${rate} a second, ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
    },
    before: (input) => writeSync(last, `${input} of ${what}, seed ${options.seed}\n`, 0),
  });
  rmSync(folder, { recursive: true });
  const seconds = (performance.now() - started) / 1000;
  for (const { input, text } of result.failures) console.log(`\n${what}, input ${input}: ${text}`);
  console.log(
    `${what}: ${result.inputs} inputs (${result.accepted} accepted) in ${seconds.toFixed(1)} s, ${result.failures.length} failures`,
  );
  return result.failures.length === 0;
}

const chosen = values.what === 'all' ? Object.keys(RUNS) : values.what.split(',');
let ok = true;
for (const what of chosen) {
  if (RUNS[what] === undefined) throw new Error(`--what ${what}: one of ${Object.keys(RUNS).join(', ')}, all`);
  ok = (await run(what)) && ok;
}
process.exitCode = ok ? 0 : 1;
