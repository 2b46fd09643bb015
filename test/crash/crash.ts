/**
 * `npm run crash -- [--seed S] [--rounds N]`: kill -9 at random moments under load, N rounds (200 when not said), over
 * `appendfsync` always, everysec and no. Exits with 1 when an acknowledged write is missing, or data are of no moment.
 */
import { parseArgs } from 'node:util';
import { crashRounds } from './crash-rounds.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    rounds: { type: 'string', default: '200' },
  },
});
const seed = Number(values.seed);
const rounds = Number(values.rounds);
console.log(`seed ${seed}, ${rounds} rounds`);
const wrong = await crashRounds({ seed, rounds, progress: console.log });
if (wrong !== null) {
  console.error(`${wrong}\nRepeat: npm run crash -- --seed ${seed} --rounds ${rounds}`);
  process.exitCode = 1;
} else {
  console.log(`${rounds} rounds: every acknowledged write was there after the restart`);
}
