/**
 * The keyspace events of every script of scripts/, against the oracle's:
 *
 *   npx vitest run test/differential/events.test.ts -t 'lists.txt'
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quote } from '../support/reply.js';
import { TEST_SEED } from '../support/seed.js';
import { startOnggi, startOracle } from '../support/server.js';
import { Draw } from './draw.js';
import { compareEvents, type EventOptions } from './events.js';
import { randomCommand } from './generator.js';
import type { Pair } from './play.js';
import { parseScript, type Section, type Step } from './script.js';
import { looksUpByHash } from './windows.js';

const folder = join(import.meta.dirname, 'scripts');
/** Scripts in which clients close each other, or that are about no keys. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set(['acl.txt', 'connection.txt', 'pubsub.txt', 'self.txt']);

/** Where 7.2 has other events. */
const KNOWN: Readonly<Record<string, string>> = {
  'XREADGROUP GROUP g alice STREAMS e >': 'a consumer that gets nothing is made, too',
  'DEBUG LOADAOF': 'the logs say the same in other commands',
};
/** Sections in which 7.2 does things at another time. */
const KNOWN_SECTIONS: Readonly<Record<string, string>> = {
  'clients that wait for keys': 'who is served while clients are paused waits on',
  'the first key with elements, as if the command came now': 'who is served executes the command anew',
  'another of its keys is no list by now': 'the same',
  'a list in place of something else': 'ours serves who waits, where Redis lets them wait on',
};

/** 7.2 makes a consumer also where nothing is found for it. */
const RANDOM: EventOptions = { ignored: /^(\d+ )?xgroup-(create|del)consumer / };
/** And who waited looks up its keys again when it is served. */
const AGAIN = /^(\d+ )?(xgroup-createconsumer|keymiss) /;

const files = readdirSync(folder).filter((file) => !WITHOUT_KEYS.has(file));

for (const file of files.sort()) {
  const script = parseScript(readFileSync(join(folder, file), 'utf8'), file);
  describe(file, () => {
    let pair: Pair;

    beforeAll(async () => {
      const args = script.serverArgs;
      const [oracle, ours] = await Promise.all([startOracle({ args }), startOnggi({ args })]);
      pair = { oracle, ours, selfTest: false };
    });
    afterAll(async () => {
      await Promise.all([pair.oracle.stop(), pair.ours.stop()]);
    });

    const sections = script.sections.filter(({ title }) => KNOWN_SECTIONS[title] === undefined);
    it.each(sections.map((section) => [section.title, section] as const))('%s', async (_title, section) => {
      const known = (command: string): boolean => KNOWN[command] !== undefined;
      const options: EventOptions = file.startsWith('waiting-') ? { known, ignored: AGAIN } : { known };
      const { differences } = await compareEvents(pair, section, 2, options);
      expect(differences.join('\n'), `${file}:${section.line}`).toBe('');
    });
  });
}

const seed = TEST_SEED;

/** A section of random commands, in transactions of a few now and then. */
function randomSection(r: Draw, commands: number): Section {
  const steps: Step[] = [];
  for (let i = 0, open = 0; i < commands; i++) {
    let command = open > 5 ? { args: [Buffer.from('EXEC')], mode: {} } : randomCommand(r);
    while (looksUpByHash(command)) command = randomCommand(r);
    const { args } = command;
    const name = args[0]!.toString();
    open = name === 'MULTI' || (open > 0 && name !== 'EXEC' && name !== 'DISCARD') ? open + 1 : 0;
    const text = args.map(quote).join(' ');
    steps.push({
      line: i + 1,
      text,
      connection: 'a',
      mode: {},
      action: { kind: 'command', args },
      protocols: [2],
      expect: {},
    });
  }
  return { title: 'random commands', line: 0, steps };
}

it(`random commands make the same events (ONGGI_SEED=${seed})`, async () => {
  const [oracle, ours] = await Promise.all([startOracle(), startOnggi()]);
  try {
    const section = randomSection(new Draw(seed), 4000);
    const { differences, equal } = await compareEvents({ oracle, ours, selfTest: false }, section, 2, RANDOM);
    expect(differences.join('\n')).toBe('');
    expect(equal).toBeGreaterThan(1000);
  } finally {
    await Promise.all([oracle.stop(), ours.stop()]);
  }
}, 120_000);
