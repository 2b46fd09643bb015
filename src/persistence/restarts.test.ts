/**
 * Servers that are stopped, killed, lose power or the end of their log, and are started again with other settings, by chance:
 * each start must be possible, and hold what was acknowledged before, in order.
 *
 * `RESTART_SEEDS=<from>-<to> npx vitest run src/persistence/restarts.test.ts` runs other seeds than those of every day.
 */
import { expect, test } from 'vitest';
import { FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { ModelServer } from './testing/model-server.js';

const [FROM, TO] = (process.env['RESTART_SEEDS'] ?? '1-250').split('-').map(Number) as [number, number];
const ROUNDS = 8;
const ROOM = { monotonic: () => 0, room: { bytes: 4096, turns: 2, turnBytes: 4096 } };
const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Story {
  disk = new FaultyDisk();
  readonly told: string[] = [];
  /** How many commands the next start must hold at least, and at most. */
  private least = 0;
  private most = 0;
  private readonly random: () => number;

  constructor(private readonly seed: number) {
    this.random = seededRandom(seed);
    this.disk.put('/data/x', '');
  }

  private below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  async round(): Promise<void> {
    const config = {
      'aof-checksum': this.below(4) !== 0,
      appendfsync: this.below(2) === 0 ? ('always' as const) : ('everysec' as const),
      'auto-aof-rewrite-percentage': 0,
    };
    this.told.push(`start ${config.appendfsync} sums ${config['aof-checksum']}`);
    const server = new ModelServer(this.disk, config, this.below(2) === 0 ? ROOM : {});
    await server.start();
    const loaded = server.journal.length;
    expect(server.journal).toEqual(Array.from({ length: loaded }, (_, i) => i + 1));
    expect(loaded).toBeGreaterThanOrEqual(this.least);
    expect(loaded).toBeLessThanOrEqual(this.most);
    for (let steps = this.below(12); steps > 0; steps--) await this.step(server);
    await turnLoop();
    this.most = server.executed;
    this.end(server, config.appendfsync === 'always', loaded);
  }

  private async step(server: ModelServer): Promise<void> {
    const what = this.below(10);
    if (what < 5) {
      const commands = 1 + this.below(6);
      for (let i = 0; i < commands; i++) server.execute();
      server.endTurn();
      this.told.push(`${commands} commands`);
    } else if (what < 8) {
      server.tick(1100);
      await turnLoop();
      this.told.push('tick');
    } else if (what === 8) {
      server.config['aof-checksum'] = !server.config['aof-checksum'];
      this.told.push(`sums ${server.config['aof-checksum']}`);
    } else {
      server.persistence.rewriteAppendLog();
      for (let i = 0; i < 5; i++) await turnLoop();
      server.tick(100);
      this.told.push('rewrite');
    }
  }

  private end(server: ModelServer, always: boolean, loaded: number): void {
    const how = this.below(5);
    if (how === 0) {
      this.told.push('stop');
      server.persistence.appendLog.finish();
      this.least = server.executed;
      this.disk = this.disk.kill();
    } else if (how < 3) {
      this.told.push('kill');
      this.least = server.acknowledged;
      this.disk = this.disk.kill();
    } else if (how === 3) {
      this.told.push('power cut');
      this.least = always ? server.acknowledged : loaded;
      this.disk = this.disk.powerCut(seededRandom(this.seed * 100 + this.told.length));
    } else {
      this.disk = this.disk.kill();
      this.least = 0;
      this.cutLog();
    }
  }

  private cutLog(): void {
    const path = this.disk
      .files()
      .filter((name) => name.endsWith('.incr.aof'))
      .sort()
      .at(-1);
    if (path === undefined) return;
    const log = this.disk.content(path)!;
    const bytes = Math.min(this.below(60), log.length);
    this.disk.put(path, log.subarray(0, log.length - bytes));
    this.told.push(`kill, ${bytes} bytes cut off`);
  }
}

test(`every start holds what was acknowledged (seeds ${FROM}-${TO})`, { timeout: 600_000 }, async () => {
  for (let seed = FROM; seed <= TO; seed++) {
    const story = new Story(seed);
    try {
      for (let round = 0; round < ROUNDS; round++) await story.round();
    } catch (error) {
      throw new Error(`RESTART_SEEDS=${seed}-${seed}: ${story.told.join(', ')}`, { cause: error });
    }
  }
});
