/**
 * `npm run crash`: kill -9 at random moments under load, over `appendfsync` always, everysec and no. Exits with 1 when an
 * acknowledged write is missing, or data are of no moment.
 */
import { runOptions, someSeed } from '../support/run-options.js';
import { crashRounds } from './crash-rounds.js';

const USAGE = `Usage: npm run crash -- [options]
  --seed S    what is random (default: another one each time)
  --rounds N  how often a server is killed (default 200)`;

const { seed, rounds } = runOptions(USAGE, { numbers: { seed: someSeed(), rounds: 200 } });
console.log(`seed ${seed}, ${rounds} rounds`);
const wrong = await crashRounds({ seed, rounds, progress: console.log });
if (wrong !== null) {
  console.error(`${wrong}\nRepeat: npm run crash -- --seed ${seed} --rounds ${rounds}`);
  process.exitCode = 1;
} else {
  console.log(`${rounds} rounds: every acknowledged write was there after the restart`);
}
