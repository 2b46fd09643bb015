/** A few storms; ONGGI_STORMS says how many, ONGGI_SEED with which one they begin. */
import { expect, it } from 'vitest';
import { TEST_SEED } from '../support/seed.js';
import { playStorm } from './capture-storm.js';

const storms = Number(process.env['ONGGI_STORMS'] ?? 20);

it(
  'what a snapshot holds is what was there at its start, whatever commands do meanwhile, and nothing leaks',
  () => {
    let captures = 0;
    for (let seed = TEST_SEED; seed < TEST_SEED + storms; seed++) {
      try {
        captures += playStorm({ seed, commands: 400 }).captures;
      } catch (error) {
        const repeat = `ONGGI_SEED=${seed} ONGGI_STORMS=1 npx vitest run --project system test/fuzz/capture-storm.test.ts`;
        throw new Error(`storm ${seed} (repeat: ${repeat})`, { cause: error });
      }
    }
    expect(captures).toBeGreaterThan(storms);
  },
  60_000 + storms * 20_000,
);
