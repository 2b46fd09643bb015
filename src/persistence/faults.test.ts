/**
 * Servers whose log meets a fault or two, by chance, while it is written into room or not, its settings change, it is rewritten and
 * shut down; then power is cut, or the process killed. Each start must be possible, and hold what `always` has acknowledged, in
 * order.
 *
 * `FAULT_SEEDS=<from>-<to> npx vitest run src/persistence/faults.test.ts` runs other seeds than those of every day.
 */
import { expect, test } from 'vitest';
import { FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { ModelServer } from './testing/model-server.js';

const [FROM, TO] = (process.env['FAULT_SEEDS'] ?? '1-400').split('-').map(Number) as [number, number];
const ROUNDS = 3;
const FAULTY = new Set(['write', 'truncate', 'sync']);
const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Story {
  readonly told: string[] = [];
  private disk = new FaultyDisk();
  /** How many commands the disk holds at least. */
  private least = 0;
  /** How many the next start must hold at least, and at most. */
  private expected = 0;
  private most = 0;
  private faultsLeft = 0;
  private passed = 0;
  private readonly random: () => number;

  constructor(private readonly seed: number) {
    this.random = seededRandom(seed);
    this.disk.put('/data/x', '');
  }

  private below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  private oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  async round(number: number): Promise<void> {
    const config = {
      'aof-checksum': !this.oneIn(6),
      appendfsync: this.oneIn(4) ? ('everysec' as const) : ('always' as const),
      'auto-aof-rewrite-percentage': 0,
      'aof-timestamp-enabled': this.oneIn(4),
    };
    const room = { bytes: [4096, 600, 20_000][this.below(3)]!, turns: 2, turnBytes: 4096 };
    this.told.push(`start ${config.appendfsync} sums ${config['aof-checksum']} room ${room.bytes}`);
    const server = new ModelServer(this.disk, config, { ...(this.oneIn(3) ? {} : { monotonic: () => 0 }), room });
    await server.start();
    const { journal } = server;
    expect(journal).toEqual(journal.map((_, i) => i + 1));
    expect(server.data).toEqual(ModelServer.after(journal.length));
    expect(journal.length).toBeGreaterThanOrEqual(this.expected);
    expect(journal.length).toBeLessThanOrEqual(this.most);
    if (!server.persistence.appendLog.syncFailed) this.least = journal.length;
    this.faultsLeft = 0;
    this.disk.fault = (kind, path) => this.fault(kind, path);
    for (let steps = 6 + this.below(14); steps > 0; steps--) {
      if (this.oneIn(5)) this.planFault();
      if (await this.step(server)) break;
    }
    this.most = server.executed;
    this.expected = this.least;
    if (this.oneIn(4)) {
      this.told.push('kill');
      this.expected = Math.max(this.least, server.acknowledged);
      this.disk = this.disk.kill();
    } else {
      this.told.push('power cut');
      this.disk = this.disk.powerCut(seededRandom(this.seed * 7 + number));
    }
  }

  private planFault(): void {
    if (this.faultsLeft > 0) return;
    this.faultsLeft = 1;
    this.passed = this.below(4);
  }

  private fault(kind: string, path: string): { code: string } | null {
    if (this.faultsLeft === 0 || !path.endsWith('.incr.aof') || !FAULTY.has(kind)) return null;
    if (this.passed-- > 0) return null;
    this.faultsLeft--;
    this.told.push(`(${kind} fails)`);
    return { code: this.oneIn(2) ? 'EIO' : 'ENOSPC' };
  }

  /** Returns whether the server has ended. */
  private async step(server: ModelServer): Promise<boolean> {
    const { config, persistence } = server;
    const what = this.below(20);
    if (what < 9) {
      const before = server.acknowledged;
      const commands = 1 + this.below(4);
      for (let i = 0; i < commands; i++) server.execute();
      server.endTurn();
      await turnLoop();
      await turnLoop();
      this.told.push(`${commands} commands`);
      if (config.appendfsync === 'always' && server.acknowledged > before) this.least = server.acknowledged;
    } else if (what < 14) {
      server.tick(this.oneIn(3) ? 100 : 1100);
      await turnLoop();
      await turnLoop();
      this.told.push('tick');
    } else if (what === 14) {
      config['aof-checksum'] = !config['aof-checksum'];
      this.told.push(`sums ${config['aof-checksum']}`);
    } else if (what === 15) {
      config.appendfsync = config.appendfsync === 'always' ? 'everysec' : 'always';
      this.told.push(config.appendfsync);
    } else if (what === 16) {
      persistence.rewriteAppendLog();
      for (let turns = this.below(30); turns > 0; turns--) await turnLoop();
      this.told.push('rewrite');
    } else if (what === 17) {
      config['aof-preallocate'] = !config['aof-preallocate'];
      this.told.push(`preallocate ${config['aof-preallocate']}`);
    } else if (what === 18 && this.oneIn(4)) {
      const force = this.oneIn(2);
      const done = await persistence.shutdown('nosave', force);
      this.told.push(`shutdown ${force ? 'FORCE ' : ''}${done}`);
      if (done && !force) this.least = server.executed;
      return done;
    }
    return false;
  }
}

test(`every start holds what was acknowledged, whatever failed (seeds ${FROM}-${TO})`, {
  timeout: 600_000,
}, async () => {
  for (let seed = FROM; seed <= TO; seed++) {
    const story = new Story(seed);
    try {
      for (let round = 0; round < ROUNDS; round++) await story.round(round);
    } catch (error) {
      throw new Error(`FAULT_SEEDS=${seed}-${seed}: ${story.told.join(', ')}`, { cause: error });
    }
  }
});
