/**
 * At every single disk operation of a server's life - start, turns, syncs, rewrites, appendonly off and on - the machine
 * loses power, the process is killed, or the operation fails. What was acknowledged must be there afterwards, and the data
 * must be that of some moment.
 *
 * `CRASH_SEEDS=<from>-<to> npx vitest run src/persistence/crash.test.ts` runs other seeds than the few of every day.
 */
import { describe, expect, test } from 'vitest';
import { type Fault, FaultyDisk, type Random, seededRandom } from '../disk/faulty-disk.js';
import type { PersistenceOptions } from './persistence.js';
import { ModelServer, type MutableConfig } from './testing/model-server.js';

const [FROM, TO] = (process.env['CRASH_SEEDS'] ?? '1-1').split('-').map(Number) as [number, number];
const SEEDS = Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i);

const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A life with a bit of everything, the same for the same seed as long as nothing fails. */
async function live(server: ModelServer, random: Random, steps: number, toggles: boolean): Promise<void> {
  await server.start();
  for (let step = 0; step < steps; step++) {
    const choice = random();
    if (choice < 0.55) {
      for (let n = 1 + Math.floor(random() * 3); n > 0; n--) server.execute();
      server.endTurn();
    } else if (choice < 0.75) {
      await turnLoop();
    } else if (choice < 0.85) {
      server.tick(700);
    } else if (choice < 0.95) {
      server.persistence.rewriteAppendLog();
    } else if (choice < 0.98) {
      if (toggles) server.persistence.setAppendonly(server.persistence.aof === 'off');
      else server.tick(1100);
    } else {
      server.execute();
      await turnLoop();
      server.endTurn();
    }
  }
  for (let i = 0; i < 12; i++) await turnLoop();
}

/** Where a turn that has to be synced is synced, and whether it is written into room (for turns of this size) ahead. */
const LOGGING: Record<string, Pick<PersistenceOptions, 'monotonic' | 'room'>> = {
  'in the background': {},
  'within turns': { monotonic: () => 0 },
  'within turns, into room': { monotonic: () => 0, room: { turns: 2, turnBytes: 16_384, bytes: 4000 } },
  'in the background, into room': { room: { turns: 2, turnBytes: 16_384, bytes: 2000 } },
};

interface Variant extends Partial<MutableConfig> {
  logging?: keyof typeof LOGGING;
}

interface Outcome {
  server: ModelServer;
  disk: FaultyDisk;
  died: boolean;
}

async function run(
  seed: number,
  config: Variant,
  fault: (n: number) => Fault | null,
  toggles = false,
): Promise<Outcome> {
  const disk = new FaultyDisk();
  disk.put('/data/other', '');
  disk.random = seededRandom(seed * 31 + 7);
  disk.fault = (_kind, _path, n) => fault(n);
  const server = new ModelServer(disk, config, LOGGING[config.logging ?? 'in the background']);
  let died = false;
  try {
    await live(server, seededRandom(seed), toggles ? 150 : 60, toggles);
  } catch (error) {
    if (!disk.off && (error as { code?: string }).code === undefined) throw error;
    died = true;
  }
  return { server, disk, died };
}

/** Starts again and compares. `least`: the commands that must be there. */
async function restart(disk: FaultyDisk, config: Variant, least: number, most: number, what: string) {
  const server = new ModelServer(disk, config, LOGGING[config.logging ?? 'in the background']);
  try {
    await server.start();
  } catch (error) {
    throw new Error(
      `${what}: does not start: ${(error as Error).message}\n${disk
        .files()
        .map((f) => `${f}: ${JSON.stringify(disk.content(f)!.toString('latin1'))}`)
        .join('\n')}`,
      {
        cause: error,
      },
    );
  }
  const { journal } = server;
  expect(journal, `${what}: journal`).toEqual(Array.from({ length: journal.length }, (_, i) => i + 1));
  expect(journal.length, `${what}: acknowledged commands are there`).toBeGreaterThanOrEqual(least);
  expect(journal.length, `${what}: only what was executed`).toBeLessThanOrEqual(most);
  expect(server.data, `${what}: the data of that moment`).toEqual(ModelServer.after(journal.length));
  return server;
}

const VARIANTS: Variant[] = [
  { appendfsync: 'always' },
  { appendfsync: 'always', logging: 'within turns' },
  { appendfsync: 'always', logging: 'within turns, into room' },
  { appendfsync: 'always', logging: 'in the background, into room' },
  { appendfsync: 'everysec', 'aof-use-rdb-preamble': false },
  { appendfsync: 'no', 'aof-timestamp-enabled': true },
  { appendfsync: 'always', 'no-appendfsync-on-rewrite': false, 'aof-checksum': false },
];

describe.each(VARIANTS)('%j', (config) => {
  test.each(SEEDS)('a power cut or a kill at any operation (seed %d)', async (seed) => {
    let operations = 0;
    for (let at = 1; operations === 0 || at <= operations; at++) {
      const { server, disk } = await run(seed, config, (n) => (n === at ? 'crash' : null));
      if (!disk.off) operations = disk.operations;
      const what = `seed ${seed}, operation ${at}`;
      const kill = at % 3 === 0;
      const after = kill ? disk.kill() : disk.powerCut(seededRandom(seed * 1000 + at));
      const least = kill || config.appendfsync === 'always' ? server.acknowledged : 0;
      const again = await restart(after, config, least, server.executed, what);
      // And it goes on from there: a second life, ended by a kill.
      again.execute();
      again.endTurn();
      again.persistence.rewriteAppendLog();
      for (let i = 0; i < 12; i++) await turnLoop();
      again.execute();
      again.endTurn();
      for (let i = 0; i < 4; i++) await turnLoop();
      expect(again.acknowledged, `${what}: second life`).toBe(again.executed);
      await restart(after.kill(), config, again.executed, again.executed, `${what}, second life`);
      if (operations === 0 && at > 2000) throw new Error('endless');
    }
    expect(operations).toBeGreaterThan(40);
  });

  test('nobody waits for ever, wherever in a turn a rewrite begins, changes files or ends', async () => {
    const TURNS = 15;
    for (let before = 0; before < TURNS; before++) {
      for (let within = 0; within < TURNS; within++) {
        const disk = new FaultyDisk();
        disk.put('/data/other', '');
        const server = new ModelServer(disk, config, LOGGING[config.logging ?? 'in the background']);
        await server.start();
        server.execute();
        server.endTurn();
        server.persistence.rewriteAppendLog();
        for (let i = 0; i < before; i++) await turnLoop();
        server.execute();
        for (let i = 0; i < within; i++) await turnLoop();
        server.endTurn();
        for (let i = 0; i < 2 * TURNS; i++) await turnLoop();
        const what = `${before} rounds of the event loop before a turn, ${within} within it`;
        expect(server.persistence.rewriter.running, what).toBe(false);
        expect([server.acknowledged, server.unsafe], what).toEqual([2, 0]);
      }
    }
  });

  test.each(SEEDS)('an operation that fails (seed %d)', async (seed) => {
    let operations = 0;
    for (let at = 1; operations === 0 || at <= operations; at++) {
      const kind = (['ENOSPC', 'EIO', 'short'] as const)[at % 3]!;
      // Every third time the trouble stays for a while.
      const until = at % 2 === 0 ? at : at + 10;
      const fault = (n: number): Fault | null =>
        n < at || n > until ? null : kind === 'short' ? { short: n % 5 } : { code: kind };
      const { server, disk, died } = await run(seed, config, fault);
      if (operations === 0 && disk.operations < at) operations = at;
      if (died) continue; // it could not start, and said so
      const what = `seed ${seed}, ${kind} at operations ${at} to ${until}`;
      // Trouble is over: it heals by itself.
      disk.fault = () => null;
      for (let i = 0; i < 30; i++) {
        server.tick(61 * 60_000);
        await turnLoop();
      }
      expect(server.persistence.writeRefusal, what).toBeNull();
      server.execute();
      server.endTurn();
      for (let i = 0; i < 5; i++) await turnLoop();
      expect(server.acknowledged, what).toBe(server.executed);
      const after = at % 2 === 0 ? disk.kill() : disk.powerCut(seededRandom(seed * 1000 + at));
      const least = at % 2 === 0 || config.appendfsync === 'always' ? server.acknowledged : 0;
      await restart(after, config, least, server.executed, `${what}\n${server.lines.join('\n')}\n`);
    }
    expect(operations).toBeGreaterThan(40);
  });

  test.each(SEEDS)('appendonly turned off and on, and a crash at any operation (seed %d)', async (seed) => {
    let operations = 0;
    for (let at = 1; operations === 0 || at <= operations; at += 1 + (at % 2)) {
      const { server, disk } = await run(seed, config, (n) => (n === at ? 'crash' : null), true);
      if (!disk.off) operations = disk.operations;
      const what = `seed ${seed}, operation ${at}`;
      const kill = at % 3 === 0;
      const after = kill ? disk.kill() : disk.powerCut(seededRandom(seed * 1000 + at));
      const least = kill || config.appendfsync === 'always' ? server.logged : 0;
      await restart(after, config, least, server.executed, what);
    }
    // A life may be spent mostly with AOF off.
    expect(operations).toBeGreaterThan(15);
  });
});
