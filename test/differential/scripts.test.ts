/**
 * Every script of scripts/ against redis-server and ours, in RESP2 and RESP3. A section is a test:
 *
 *   npx vitest run test/differential/scripts.test.ts -t 'strings.txt RESP3'
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onggiCommand, oracleCommand, startOnggi, startOracle } from '../support/server.js';
import { type Pair, playSection } from './play.js';
import { type Protocol, parseScript } from './script.js';

const folder = join(import.meta.dirname, 'scripts');

for (const file of readdirSync(folder).sort()) {
  const script = parseScript(readFileSync(join(folder, file), 'utf8'), file);
  for (const protocol of [2, 3] as const satisfies Protocol[]) {
    const sections = script.sections.filter(({ steps }) => steps.some(({ protocols }) => protocols.includes(protocol)));
    describe(`${file} RESP${protocol}`, () => {
      let pair: Pair | undefined;

      async function start(): Promise<Pair> {
        const args = script.serverArgs;
        const [oracle, ours] = await Promise.all([startOracle({ args }), startOnggi({ args })]);
        return { oracle, ours, selfTest: onggiCommand() === oracleCommand() };
      }
      async function stop(): Promise<void> {
        const old = pair;
        pair = undefined;
        if (old) await Promise.all([old.oracle.stop(), old.ours.stop()]);
      }
      beforeAll(async () => {
        pair = await start();
      });
      afterAll(stop);

      it.each(sections.map((section) => [section.title, section] as const))('%s', async (_title, section) => {
        // A section that ended a server must not fail the ones behind it.
        if (!pair?.ours.running || !pair.oracle.running) {
          await stop();
          pair = await start();
        }
        const found = await playSection(pair, section, protocol);
        expect(found.map(({ text }) => text).join('\n'), `${file}:${section.line}`).toBe('');
      });
    });
  }
}
