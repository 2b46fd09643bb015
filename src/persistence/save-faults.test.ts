/**
 * Servers whose disk fails now and then, in any call, while dumps are saved, the log is rewritten, turned off and on, and the
 * server shut down; then power is cut, or the process killed. Each start must be possible and hold what was saved or acknowledged
 * last, as the setting then says; nothing temporary is left behind it.
 *
 * `SAVE_SEEDS=<from>-<to> npx vitest run src/persistence/save-faults.test.ts` runs other seeds than those of every day.
 */
import { expect, test } from 'vitest';
import { type DiskOperation, FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { ModelServer } from './testing/model-server.js';

const [FROM, TO] = (process.env['SAVE_SEEDS'] ?? '1-400').split('-').map(Number) as [number, number];
const ROUNDS = 4;
const FAULTY: readonly DiskOperation[] = [
  'open',
  'write',
  'truncate',
  'sync',
  'rename',
  'unlink',
  'mkdir',
  'syncDir',
  'close',
];
const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Story {
  readonly told: string[] = [];
  private disk = new FaultyDisk();
  private readonly random: () => number;
  private appendonly: boolean;
  /** Commands that the dump, or the log, holds at least; and the most that there can be. */
  private saved = 0;
  private logged = 0;
  private expected = 0;
  /** Commands that the last start has found. */
  private loaded = 0;
  private most = 0;
  private plan: { kind: DiskOperation; pass: number; times: number } | null = null;
  /** The save that runs: what it holds. */
  private saving: number | null = null;

  constructor(private readonly seed: number) {
    this.random = seededRandom(seed);
    this.appendonly = this.oneIn(2);
    this.disk.put('/data/x', '');
  }

  private below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  private oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  async round(number: number): Promise<void> {
    const { disk } = this;
    const config = {
      appendonly: this.appendonly,
      appendfsync: 'always' as const,
      'aof-use-rdb-preamble': !this.oneIn(3),
      save: this.oneIn(2) ? [{ seconds: 1, changes: 3 }] : [],
    };
    this.told.push(`start ${this.appendonly ? 'log' : 'dump'}${config.save.length > 0 ? ' saving' : ''}`);
    const server = new ModelServer(disk, config, { monotonic: () => 0 });
    await server.start();
    const { journal, persistence } = server;
    expect(journal).toEqual(journal.map((_, i) => i + 1));
    expect(journal.length).toBeGreaterThanOrEqual(this.expected);
    expect(journal.length).toBeLessThanOrEqual(this.most);
    // Without a log nobody looks into its directory.
    const looked = this.appendonly ? '' : '/data/temp-';
    expect(disk.files().filter((path) => path.includes('temp-') && path.startsWith(looked))).toEqual([]);
    if (this.appendonly && !persistence.appendLog.syncFailed) this.logged = journal.length;
    this.loaded = journal.length;
    disk.fault = (kind, path) => this.fault(kind, path);
    for (let steps = 5 + this.below(12); steps > 0; steps--) {
      if (this.oneIn(3)) this.planFault();
      if (await this.step(server)) break;
      this.look(server);
    }
    this.plan = null;
    this.saving = null;
    this.appendonly = persistence.aof !== 'off';
    // A dump may be of a time before an older log was read: until the first rewrite has ended the log is the one that was turned
    // off, as in stock servers.
    this.most = persistence.aof === 'on' ? server.executed : Number.POSITIVE_INFINITY;
    this.expected = this.appendonly ? this.logged : this.saved;
    expect(disk.badCloses).toBe(0);
    if (this.oneIn(2)) {
      this.told.push('kill');
      this.disk = disk.kill();
    } else {
      this.told.push('power cut');
      this.disk = disk.powerCut(seededRandom(this.seed * 7 + number));
    }
  }

  private planFault(): void {
    this.plan = { kind: FAULTY[this.below(FAULTY.length)]!, pass: this.below(4), times: 1 + this.below(3) };
  }

  private fault(kind: DiskOperation, path: string): { code: string } | null {
    const { plan } = this;
    if (plan === null || plan.kind !== kind || plan.times === 0 || plan.pass-- > 0) return null;
    // faults.test.ts has those.
    if (kind === 'sync' && path.endsWith('.incr.aof')) return null;
    plan.times--;
    this.told.push(`(${kind} of ${path.slice(6)} fails)`);
    return { code: this.oneIn(2) ? 'EIO' : 'ENOSPC' };
  }

  /** What is known by now: which save has ended, what the log holds. */
  private look(server: ModelServer): void {
    const { dump, savePoints, aof } = server.persistence;
    if (this.saving !== null && !dump.running) {
      if (savePoints.lastOk) this.saved = this.saving;
      this.saving = null;
    }
    if (aof === 'on' && server.logged > this.loaded) this.logged = Math.max(this.logged, server.logged);
  }

  /** Returns whether the server has ended. */
  private async step(server: ModelServer): Promise<boolean> {
    const { persistence } = server;
    const what = this.below(18);
    if (what < 7) {
      const commands = 1 + this.below(4);
      for (let i = 0; i < commands; i++) server.execute();
      server.endTurn();
      for (let turns = 0; turns < 3; turns++) await turnLoop();
      this.told.push(`${commands} commands`);
    } else if (what < 11) {
      this.noteSave(server, () => server.tick(this.oneIn(3) ? 100 : 6000));
      for (let turns = this.below(15); turns > 0; turns--) await turnLoop();
      this.told.push('tick');
    } else if (what === 11) {
      if (persistence.save() === null) this.saved = server.executed;
      this.told.push('SAVE');
    } else if (what === 12) {
      this.noteSave(server, () => persistence.backgroundSave(false));
      for (let turns = this.below(15); turns > 0; turns--) await turnLoop();
      this.told.push('BGSAVE');
    } else if (what === 13) {
      persistence.rewriteAppendLog();
      for (let turns = this.below(30); turns > 0; turns--) await turnLoop();
      this.told.push('rewrite');
    } else if (what === 14) {
      const on = persistence.aof === 'off';
      const refused = persistence.setAppendonly(on);
      // What is in the files may be old until the first rewrite ends.
      if (on && refused === null) this.logged = 0;
      for (let turns = this.below(30); turns > 0; turns--) await turnLoop();
      this.told.push(`appendonly ${on} ${refused ?? ''}`);
    } else if (what === 15 && this.oneIn(3)) {
      const save = this.oneIn(2) ? 'save' : 'configured';
      this.look(server);
      // A save that runs is given up.
      this.saving = null;
      const force = this.oneIn(2);
      const done = await persistence.shutdown(save, force);
      this.told.push(`shutdown ${save} ${force ? 'FORCE ' : ''}${done}`);
      if (done && !force && save === 'save') this.saved = server.executed;
      // It may have been saved, over a dump of what was lost with a log that was turned off.
      else this.saved = Math.min(this.saved, server.executed);
      if (done && !force && persistence.aof === 'on') this.logged = server.executed;
      if (done) await persistence.close();
      return done;
    }
    return false;
  }

  private noteSave(server: ModelServer, begin: () => void): void {
    const { dump } = server.persistence;
    this.look(server);
    const ran = dump.running;
    begin();
    if (!ran && dump.running) this.saving = server.executed;
  }
}

test(`every start holds what was saved, whatever failed (seeds ${FROM}-${TO})`, { timeout: 600_000 }, async () => {
  for (let seed = FROM; seed <= TO; seed++) {
    const story = new Story(seed);
    try {
      for (let round = 0; round < ROUNDS; round++) await story.round(round);
    } catch (error) {
      throw new Error(`SAVE_SEEDS=${seed}-${seed}: ${story.told.join(', ')}`, { cause: error });
    }
  }
});
