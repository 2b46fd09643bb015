/**
 * `npm run fuzz`: damaged input of all kinds for a server inside this process. Exits with 1 when one of them does harm, after it
 * has printed what repeats it.
 */
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orUsage, runOptions, someSeed } from '../support/run-options.js';
import { AofTarget } from './aof-target.js';
import { DumpTarget } from './dump-target.js';
import { type FuzzResult, fuzz } from './fuzz-run.js';
import { RdbTarget } from './rdb-target.js';
import { SocketTarget } from './socket-target.js';

const USAGE = `Usage: npm run fuzz -- [options]
  --what WHAT   socket | dump | rdb | aof, several with commas, or all (default all)
  --seed S      what is random (default: another one each time)
  --inputs N    how many inputs of each (default 100000)
  --from N      the number of the first one (default 0)
  --minutes M   time after which to stop (default: none)
  --failures N  failures after which to stop (default 1)`;

const given = runOptions(USAGE, {
  numbers: { seed: someSeed(), inputs: 100_000, from: 0, minutes: 1_000_000, failures: 1 },
  texts: { what: 'all' },
});
const options = { ...given, failuresMax: given.failures };

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

const chosen = orUsage(USAGE, () => {
  const all = Object.keys(RUNS);
  const some = given.what === 'all' ? all : given.what.split(',');
  for (const what of some) if (!all.includes(what)) throw new Error(`--what ${what}: one of ${all.join(', ')}, all`);
  return some;
});
let ok = true;
for (const what of chosen) ok = (await run(what)) && ok;
process.exitCode = ok ? 0 : 1;
