/**
 * Servers whose disk fails now and then, in any call, or is full for a while, while dumps are saved here and there, the log is
 * rewritten, turned off and on, loaded anew, all flushed, and the server shut down; then power is cut, or the process killed, at
 * any operation too, also within a start.
 *
 * 1. Each start is possible once nothing fails. It holds what was saved or acknowledged last, as the setting then says, and
 *    nothing else; nothing temporary is left behind it.
 * 2. One that is refused leaves nothing open or claimed.
 * 3. What fails is told, in INFO and in the log. Once nothing fails any more all works by itself, and says so: writes, saves,
 *    rewrites. Nothing of what has failed stays on the disk.
 * 4. At the end no file is open.
 *
 * After a failed sync of the log of which the next start cannot know what it has lost, because no note could be made or because
 * it was a start that synced, power is not cut before the log has been rewritten.
 *
 * `SAVE_SEEDS=<from>-<to> npx vitest run src/persistence/save-faults.test.ts` runs other seeds than those of every day.
 */
import { expect, test } from 'vitest';
import { PowerLoss, seededRandom } from '../disk/faulty-disk.js';
import { persistenceInfo } from './persistence-info.js';
import { DumpClaims } from './testing/dump-claims.js';
import { Chance, FaultPlan } from './testing/fault-plan.js';
import { ModelServer } from './testing/model-server.js';
import { appendonly, emptyDisk, turnLoops, until } from './testing/steps.js';

const [FROM, TO] = (process.env['SAVE_SEEDS'] ?? '1-500').split('-').map(Number) as [number, number];
const ROUNDS = 4;
const FOLDERS = ['/data', '/elsewhere'] as const;
const DUMPS = ['dump.rdb', 'other.rdb'] as const;
const POLICIES = ['always', 'always', 'everysec', 'no'] as const;

class Story {
  readonly told: string[] = [];
  private disk = emptyDisk();
  private readonly chance: Chance;
  private readonly faults: FaultPlan;
  private readonly dumps = new DumpClaims();
  private server!: ModelServer;
  /** What the next start is configured to. */
  private appendonly: boolean;
  private dir: string = FOLDERS[0];
  private dbfilename: string = DUMPS[0];
  /** What the log holds at the next start: from command `least` to `most`. Null: it may be an older one. */
  private log: { least: number; most: number } | null = { least: 0, most: 0 };
  /** What a power cut leaves of it at least, whatever a killed process has left. */
  private durable = 0;
  /** Numbers of the commands with which the data began anew. */
  private flushes: number[] = [1];
  /** A sync of the log has failed, nobody knows what that has lost, and the log has not been replaced. */
  private doubtful = false;
  private notNoted = 0;
  private refusing = false;
  /** The manifest that names the log is on the disk: without it an older one may be. */
  private named = false;
  /** Files that were there when this server had started. */
  private before = new Set<string>();

  constructor(private readonly seed: number) {
    this.chance = new Chance(seededRandom(seed));
    this.faults = new FaultPlan(this.chance, (what) => this.told.push(what));
    this.appendonly = this.chance.oneIn(2);
  }

  async round(number: number): Promise<void> {
    await this.start(number);
    const { server, chance } = this;
    let ended = false;
    for (let steps = 8 + chance.below(16); steps > 0 && !ended; steps--) {
      if (chance.oneIn(4)) this.faults.next();
      if (chance.oneIn(25)) this.faults.full = true;
      else if (chance.oneIn(4)) this.faults.full = false;
      try {
        ended = await this.step();
      } catch (error) {
        if (!this.disk.off) throw error;
      }
      if (this.disk.off) break;
      this.look();
    }
    if (!this.disk.off && !ended && chance.oneIn(3)) await this.quiet();
    if (!this.disk.off && !ended && chance.oneIn(4)) await this.close();
    this.faults.end();
    this.appendonly = server.config.appendonly;
    expect(this.disk.badCloses).toBe(0);
    await this.end(number);
  }

  /** The end of the process, or of the machine. */
  private async end(number: number): Promise<void> {
    const { server, chance } = this;
    const { aof, appendLog } = server.persistence;
    const on = aof === 'on' && (this.named || !appendLog.syncFailed);
    this.lookForDoubts();
    if (on) this.durable = Math.max(this.durable, server.durable);
    // A log that was turned off is not written any more: what it holds is of that time.
    const cut = !this.doubtful && chance.oneIn(2);
    this.told.push(cut ? 'power cut' : 'kill');
    this.log = on ? { least: cut ? this.durable : Math.max(server.logged, this.durable), most: server.executed } : null;
    if (!on) this.durable = 0;
    this.replaceDisk(cut ? number : -1);
    // What the old process still tries happens on a disk that is off.
    await turnLoops(40);
  }

  private replaceDisk(cut: number): void {
    this.disk = cut >= 0 ? this.disk.powerCut(seededRandom(this.seed * 7 + cut)) : this.disk.kill();
    this.disk.random = this.chance.random;
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  private async start(number: number): Promise<void> {
    const { chance, faults } = this;
    const config = {
      ...{ dir: this.dir, dbfilename: this.dbfilename, appendonly: this.appendonly },
      appendfsync: chance.pick(POLICIES),
      save: this.savePoints(),
      'aof-use-rdb-preamble': !chance.oneIn(3),
      'aof-checksum': !chance.oneIn(5),
      'aof-disable-auto-gc': chance.oneIn(4),
      'aof-timestamp-enabled': chance.oneIn(5),
      'aof-preallocate': !chance.oneIn(5),
      'no-appendfsync-on-rewrite': chance.oneIn(5),
    };
    const options = {
      ...(chance.oneIn(2) ? { monotonic: () => 0 } : {}),
      room: { bytes: chance.pick([4096, 600]), turns: 2, turnBytes: 4096 },
    };
    this.told.push(
      `START ${config.appendonly ? `log ${config.appendfsync}` : 'dump'} ${this.dumpPath}${config.save.length > 0 ? ' saving' : ''}`,
    );
    for (let attempts = chance.oneIn(3) ? 2 : 1; ; attempts--) {
      faults.unlinkFailed = false;
      faults.logSyncFailed = false;
      this.disk.fault = faults.fault;
      if (attempts > 1) faults.next();
      this.server = new ModelServer(this.disk, config, options);
      this.notNoted = 0;
      this.server.snapshotPause = () => chance.below(8);
      this.dumps.follow(this.server);
      try {
        await this.server.start();
        // What could be left for another time has not even noticed that the machine is off.
        if (this.disk.off) throw new PowerLoss('within the start');
        break;
      } catch (error) {
        if (attempts === 1) throw error;
        await this.refused(error as Error, number);
      }
    }
    faults.end();
    this.checkLoaded();
  }

  private async refused(error: Error, number: number): Promise<void> {
    const { disk, faults, chance } = this;
    this.told.push(`refused: ${error.message.slice(0, 100)}`);
    faults.end();
    if (faults.logSyncFailed) this.doubtful = true;
    if (disk.off || chance.oneIn(3)) {
      const cut = !this.doubtful && chance.oneIn(2);
      this.told.push(cut ? 'power cut' : 'kill');
      if (cut && this.log !== null) this.log.least = this.durable;
      this.replaceDisk(cut ? number + ROUNDS : -1);
      await turnLoops(40);
    } else {
      expect(disk.openFiles, 'files open after a start that was refused').toBe(0);
      expect(disk.claims, 'claims after a start that was refused').toBe(0);
    }
  }

  private checkLoaded(): void {
    const { server, disk, log, doubtful } = this;
    const { journal, state, persistence } = server;
    const [first, last] = [journal[0] ?? 0, journal.at(-1) ?? 0];
    this.told.push(`has ${state}`);
    expect(journal).toEqual(journal.map((_, i) => first + i));
    expect(server.data, 'the data after these commands').toEqual(ModelServer.after(last, first));
    if (this.appendonly && log !== null) {
      expect(last, 'commands in the log').toBeGreaterThanOrEqual(log.least);
      expect(last, 'commands in the log').toBeLessThanOrEqual(log.most);
      if (last > 0) expect(first, 'the last FLUSHALL').toBe(this.flushes.findLast((n) => n <= last));
    }
    const fromLog = server.lines.some((line) => line.startsWith('DB loaded from append only file'));
    if (!fromLog && (!this.appendonly || log === null)) {
      const found = disk.content(this.dumpPath) === null ? null : state;
      expect(this.dumps.allowed(this.dumpPath), 'the dump').toContain(found);
    }
    // After a power cut some that were loaded before may be gone: the line of commands is still that one.
    if (fromLog && log !== null) this.flushes = this.flushes.filter((n) => n <= Math.max(1, last));
    else {
      // What is not on the disk may be gone with the power, and what was there before is back.
      const older = persistence.appendLog.syncFailed ? this.flushes.filter((n) => n < first) : [];
      this.flushes = [...older, Math.max(1, first)];
    }
    if (!this.faults.unlinkFailed) {
      // Without a log nobody looks into its directory.
      const looked = (path: string) =>
        path.startsWith(`${this.dir}/temp-`) || (this.appendonly && path.startsWith(this.dir));
      expect(disk.files().filter((path) => path.includes('/temp-') && looked(path))).toEqual([]);
    }
    if (this.appendonly && !persistence.appendLog.syncFailed && !doubtful) this.durable = last;
    server.durable = this.durable;
    this.refusing = persistence.appendLog.syncFailed;
    this.named = this.appendonly;
    this.before = new Set(disk.files());
  }

  // --- what must be true at any time -----------------------------------------------------------------------------------

  private get dumpPath(): string {
    return `${this.dir}/${this.dbfilename}`;
  }

  private warned(pattern: RegExp): void {
    expect(this.server.lines.filter((line) => line.startsWith('# ') && pattern.test(line))).not.toEqual([]);
  }

  private look(): void {
    const { savePoints, rewriter, appendLog, aof } = this.server.persistence;
    this.lookForDoubts();
    const well = aof === 'on' && !appendLog.syncFailed;
    if (well && (this.refusing || !this.named)) this.doubtful = false;
    this.refusing = appendLog.syncFailed;
    this.named = aof !== 'off' && (this.named || well);
    if (aof !== 'on') {
      this.durable = 0;
      this.server.durable = 0;
    }
    expect(savePoints.dirty).toBeGreaterThanOrEqual(0);
    if (!savePoints.lastOk)
      this.warned(/Background saving error|Can't save in background|Write error|Failed opening|rror moving/);
    if (!rewriter.lastOk) this.warned(/Background AOF rewrite failed|append-only dir/);
    if (appendLog.failure !== null) this.warned(/Error writing to the AOF|Fail to fsync|A sync of the log has failed/);
  }

  private lookForDoubts(): void {
    const notNoted = this.server.lines.filter((line) => line.startsWith("# Can't note in")).length;
    if (notNoted > this.notNoted) this.doubtful = true;
    this.notNoted = notNoted;
  }

  private info(): Record<string, string | number> {
    return Object.fromEntries(persistenceInfo(this.server.persistence, this.server.nowMs));
  }

  /** Nothing fails any more: all that failed is made good. */
  private async quiet(): Promise<void> {
    const { server, faults, disk } = this;
    const { persistence } = server;
    faults.end();
    this.told.push('QUIET');
    await this.settle();
    expect(persistence.aof).not.toBe('wait');
    if (persistence.aof === 'on') expect(persistence.appendLog.failure, 'the log').toBeNull();
    const begun = server.executed;
    expect(persistence.rewriteAppendLog()).toHaveProperty('started');
    await until(() => !persistence.rewriter.running);
    expect(persistence.rewriter.lastOk, 'a rewrite').toBe(true);
    if (persistence.aof === 'on') {
      server.durable = Math.max(server.durable, begun);
      server.logged = Math.max(server.logged, begun);
    }
    this.doubtful = false;
    expect(persistence.backgroundSave(false)).toHaveProperty('started');
    await until(() => !persistence.dump.running);
    expect(this.dumps.saved(this.dumpPath), 'what was saved').toBe(server.state);
    expect(persistence.writeRefusal).toBeNull();
    server.execute();
    server.endTurn();
    await turnLoops(6);
    expect(server.acknowledged).toBe(server.executed);
    expect(this.info()).toMatchObject({
      rdb_last_bgsave_status: 'ok',
      aof_last_bgrewrite_status: 'ok',
      aof_last_write_status: 'ok',
      rdb_changes_since_last_save: 1,
      rdb_bgsave_in_progress: 0,
      aof_rewrite_in_progress: 0,
      aof_rewrite_scheduled: 0,
      aof_rewrites_consecutive_failures: 0,
    });
    expect(disk.openFiles, 'open files').toBe(persistence.aof === 'on' ? 1 : 0);
    this.checkFiles(true);
  }

  /** Until nothing runs, or is to run. */
  private async settle(): Promise<void> {
    const { persistence } = this.server;
    const waits = () =>
      persistence.busy ||
      persistence.rewriteScheduled ||
      persistence.saveScheduled ||
      (persistence.aof !== 'off' && persistence.appendLog.failure !== null);
    this.server.tick(7000);
    // A rewrite that has failed again and again waits for up to an hour.
    for (let i = 0; i < 20 && (i < 2 || waits()); i++) {
      await turnLoops(40);
      this.server.tick(i < 3 ? 7000 : 3_700_000);
    }
    await turnLoops(40);
  }

  /** Nothing is left of what has failed. */
  private checkFiles(rewritten: boolean): void {
    if (this.faults.unlinkFailed) return;
    const { directory } = this.server.persistence;
    const { manifest } = directory;
    const named = new Set([...manifest.files(), ...manifest.history].map(({ name }) => directory.file(name)));
    named.add(directory.manifestPath);
    // What was noted of a log that was turned off then is true until there is a new base.
    if (!rewritten) named.add(directory.unsyncedMark);
    for (const folder of FOLDERS) for (const name of DUMPS) named.add(`${folder}/${name}`);
    // Where no log was before, nobody has read yet what there is.
    const unknown = (path: string) =>
      path.includes('/appendonlydir/') && !path.startsWith(directory.path) && !path.includes('/temp-');
    expect(this.disk.files().filter((path) => !this.before.has(path) && !named.has(path) && !unknown(path))).toEqual(
      [],
    );
  }

  private async close(): Promise<void> {
    const { server, disk } = this;
    const { persistence } = server;
    this.faults.end();
    this.told.push('CLOSE');
    await turnLoops(30);
    const { state } = server;
    if (await persistence.shutdown('save', true)) {
      expect(this.dumps.saved(this.dumpPath), 'what was saved at the end').toBe(state);
    }
    this.look();
    const on = persistence.aof === 'on' && !persistence.appendLog.syncFailed;
    if (on) server.durable = server.logged = server.executed;
    await persistence.close();
    await turnLoops(20);
    expect(disk.openFiles, 'files open at the end').toBe(0);
    expect(disk.claims, 'claims at the end').toBe(0);
    this.checkFiles(on);
  }

  // --- steps -----------------------------------------------------------------------------------------------------------

  private savePoints(): { seconds: number; changes: number }[] {
    return this.chance.oneIn(2) ? [{ seconds: 1, changes: 3 }] : [];
  }

  /** Returns whether the server has ended. */
  private async step(): Promise<boolean> {
    const { server, chance } = this;
    const { persistence } = server;
    const what = chance.below(32);
    if (what < 9) await this.commands();
    else if (what < 14) {
      server.tick(chance.pick([100, 1100, 6000]));
      this.told.push('tick');
    } else if (what < 16) {
      this.told.push(`BGSAVE ${Object.values(persistence.backgroundSave(chance.oneIn(2)))}`);
    } else if (what < 17) this.save();
    else if (what < 20) this.told.push(`rewrite ${Object.values(persistence.rewriteAppendLog())}`);
    else if (what < 22) {
      const on = persistence.aof === 'off';
      const before = server.config.appendonly;
      const refused = appendonly(server, on);
      if (refused !== null) server.config.appendonly = before;
      this.told.push(`appendonly ${on} ${refused ?? ''}`);
    } else if (what < 23) this.flush();
    else if (what < 27) this.configure();
    else if (what < 28) this.reload();
    else if (what < 29) this.loadLog();
    else if (what < 30) {
      this.told.push('a long wait');
      await turnLoops(60);
    } else if (what < 31 && chance.oneIn(3)) return this.shutdown();
    await turnLoops(chance.below(15));
    return false;
  }

  private async commands(): Promise<void> {
    const { server, chance } = this;
    const commands = 1 + chance.below(4);
    for (let i = 0; i < commands; i++) server.execute();
    server.endTurn();
    this.told.push(`${commands} commands: ${server.executed}`);
    await turnLoops(2);
  }

  private save(): void {
    const { server } = this;
    const { persistence } = server;
    const { saves } = persistence.savePoints;
    const refused = persistence.save();
    this.told.push(`SAVE ${refused}`);
    if (refused === null) {
      expect(this.dumps.saved(this.dumpPath), 'what SAVE has saved').toBe(server.state);
      expect(persistence.savePoints).toMatchObject({ dirty: 0, lastOk: true, saves: saves + 1 });
    } else if (!refused.includes('in progress')) expect(server.lines.at(-1)).toMatch(/^# /);
  }

  private flush(): void {
    const { server } = this;
    const { executed } = server;
    server.flushAll();
    if (server.executed > executed) this.flushes.push(server.executed);
    server.endTurn();
    this.told.push(`FLUSHALL: ${server.executed}`);
  }

  private configure(): void {
    const { server, chance } = this;
    const { config, persistence } = server;
    const what = chance.below(7);
    if (what === 0) config['aof-use-rdb-preamble'] = !config['aof-use-rdb-preamble'];
    else if (what === 1) config.appendfsync = chance.pick(POLICIES);
    else if (what === 2) config['aof-checksum'] = !config['aof-checksum'];
    else if (what === 3) config.save = this.savePoints();
    else if (what === 4) config.dbfilename = this.dbfilename = chance.pick(DUMPS);
    else if (what === 5) {
      config['aof-disable-auto-gc'] = !config['aof-disable-auto-gc'];
      persistence.historyAllowed();
    } else {
      const before = config.dir;
      config.dir = chance.pick(FOLDERS);
      if (persistence.dirRefusal() !== null) config.dir = before;
      this.dir = config.dir;
    }
    const of = ['preamble', 'appendfsync', 'checksums', 'save', 'dbfilename', 'gc', 'dir'][what];
    this.told.push(`${of} ${[config.appendfsync, config.save.length, this.dumpPath].join(' ')}`);
  }

  private reload(): void {
    const { server } = this;
    const { state } = server;
    const refused = server.persistence.reload({ save: true, flush: true, merge: false });
    this.told.push(`DEBUG RELOAD ${refused}`);
    this.checkSame(state, refused);
    if (refused === null) expect(this.dumps.saved(this.dumpPath)).toBe(state);
  }

  private loadLog(): void {
    const { server } = this;
    const { state } = server;
    const refused = server.persistence.loadAppendLog();
    this.told.push(`DEBUG LOADAOF ${refused}`);
    this.checkSame(state, refused);
  }

  /** What is loaded is what was there. Where loading fails clients see that, and load again: so do we. */
  private checkSame(state: string, refused: string | null): void {
    const { server } = this;
    const [first, last] = state.split('-').map(Number) as [number, number];
    const data = ModelServer.after(last, first);
    if (refused === null) expect(server.data).toEqual(data);
    else {
      expect(server.lines.concat(refused).join()).toMatch(
        /# |appendonly is off|being rewritten|room cannot be cut off/,
      );
      server.data = data;
    }
  }

  private async shutdown(): Promise<boolean> {
    const { server, chance } = this;
    const { persistence } = server;
    const save = chance.pick(['save', 'nosave', 'configured'] as const);
    const force = chance.oneIn(2);
    const { state } = server;
    const done = await persistence.shutdown(save, force);
    this.told.push(`SHUTDOWN ${save} ${force ? 'FORCE ' : ''}${done}`);
    if (!done) return false;
    if (!force && save === 'save') expect(this.dumps.saved(this.dumpPath)).toBe(state);
    if (!force && persistence.aof === 'on') server.durable = server.logged = server.executed;
    this.look();
    await persistence.close();
    await turnLoops(20);
    if (!this.disk.off) {
      expect(this.disk.openFiles, 'files open at the end').toBe(0);
      expect(this.disk.claims, 'claims at the end').toBe(0);
    }
    return true;
  }
}

test(`every start holds what was saved, whatever failed (seeds ${FROM}-${TO})`, { timeout: 600_000 }, async () => {
  for (let seed = FROM; seed <= TO; seed++) {
    const story = new Story(seed);
    try {
      for (let round = 0; round < ROUNDS; round++) await story.round(round);
    } catch (error) {
      throw new Error(`SAVE_SEEDS=${seed}-${seed}: ${story.told.join('; ')}`, { cause: error });
    }
  }
});
