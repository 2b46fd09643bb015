/** A few rounds of what `npm run crash` does at length. */
import { expect, test } from 'vitest';
import { TEST_SEED } from '../support/seed.js';
import { crashRounds } from './crash-rounds.js';

test('after kill -9 at a random moment every acknowledged write is there', async () => {
  const seed = TEST_SEED;
  expect(await crashRounds({ seed, rounds: 6 })).toBeNull();
}, 120_000);
