/**
 * A server for tests of persistence: a model of a keyspace, commands that are not idempotent, a disk that may be faulty.
 *
 * Every command appends its number to a journal which is part of the data, so that what a restart has brought back says which
 * commands it consists of: they must be 1..n without a gap, without one that is there twice, and n must not be less than
 * what was acknowledged.
 */
import { dirname } from 'node:path';
import { CorruptionError } from '../../base/errors.js';
import { type Log, SILENT_LOG } from '../../base/log.js';
import type { Disk } from '../../disk/disk.js';
import { writeAll } from '../../disk/replace-file.js';
import { LogEncoder } from '../../formats/aof/log-encoder.js';
import type { ByteSource } from '../../formats/rdb/source.js';
import { Args } from '../../formats/resp/args.js';
import { Arena } from '../../memory/arena.js';
import { Persistence, type PersistenceConfig, type PersistenceOptions } from '../persistence.js';
import { type RdbLoad, UnknownCommand } from '../recovery.js';
import type { SnapshotPlan, SnapshotRun } from '../snapshot-run.js';

export type MutableConfig = { -readonly [K in keyof PersistenceConfig]: PersistenceConfig[K] };

export const TEST_CONFIG: MutableConfig = {
  dir: '/data',
  rdbchecksum: true,
  dbfilename: 'dump.rdb',
  save: [],
  appendonly: true,
  appenddirname: 'appendonlydir',
  appendfilename: 'appendonly.aof',
  appendfsync: 'everysec',
  'no-appendfsync-on-rewrite': false,
  'aof-timestamp-enabled': false,
  'aof-checksum': true,
  'aof-preallocate': true,
  'aof-use-rdb-preamble': true,
  'aof-disable-auto-gc': false,
  'aof-load-truncated': true,
  'aof-load-corrupt-tail-max-size': 0,
  'auto-aof-rewrite-percentage': 0,
  'auto-aof-rewrite-min-size': 1000,
  'stop-writes-on-bgsave-error': true,
};

const MAGIC = 'REDIS0011';

export class ModelServer {
  readonly config: MutableConfig;
  readonly persistence: Persistence;
  readonly lines: string[] = [];
  nowMs = 1_700_000_000_000;
  /** Keys of each database. */
  data: Map<string, string>[] = [new Map(), new Map()];
  /** The number of the last command executed, and of the last acknowledged. */
  executed = 0;
  acknowledged = 0;
  /** The last one acknowledged while the log was on. */
  logged = 0;
  refused = 0;
  unsafe = 0;
  /** Snapshots wait here while it is set. */
  snapshotGate: Promise<void> | null = null;
  private replayDb = 0;
  private turnBegan = 0;

  constructor(
    readonly disk: Disk,
    config: Partial<MutableConfig> = {},
    /** How the log is written: within turns or in the background, with how much room ahead. */
    logging: Pick<PersistenceOptions, 'monotonic' | 'room'> = {},
  ) {
    this.config = { ...TEST_CONFIG, ...config };
    const log: Log = { ...SILENT_LOG };
    log.notice = (text) => this.lines.push(text);
    log.warning = (text) => this.lines.push(`# ${text}`);
    this.persistence = new Persistence({
      disk,
      config: this.config,
      log,
      now: () => this.nowMs,
      ...logging,
      host: {
        beginSnapshot: (plan) => this.beginSnapshot(plan),
        snapshotNow: (plan) => this.writeSnapshot(plan, this.encode(plan)),
        target: {
          arena: new Arena(),
          clear: () => this.clear(),
          beginLog: () => {
            this.replayDb = 0;
          },
          apply: (args) => this.apply(args),
          openRdb: (source, _kind, duplicates) => this.openRdb(source, duplicates),
        },
      },
    });
  }

  async start(): Promise<void> {
    await this.persistence.start();
    this.executed = this.journal.length;
    this.acknowledged = this.executed;
    this.logged = this.executed;
    this.turnBegan = this.executed;
  }

  /** The numbers of the commands that the data consists of. */
  get journal(): number[] {
    return (this.data[0]!.get('journal') ?? '').split(',').filter(Boolean).map(Number);
  }

  // --- commands ------------------------------------------------------------------------------------------------------

  /** One client's command: a unit of one or two effects. Refused while persistence says so. */
  execute(): void {
    if (this.persistence.writeRefusal !== null) {
      this.refused++;
      return;
    }
    const n = ++this.executed;
    this.effect(0, 'APPEND', 'journal', `${n},`);
    if (n % 3 === 0) this.effect(1, 'SET', `key:${n % 7}`, `value ${n}${'-'.repeat(n % 2 === 0 ? 700 : 0)}`);
    if (n % 11 === 0) this.effect(1, 'DEL', `key:${(n + 3) % 7}`);
    this.persistence.appendLog.endUnit();
    this.persistence.savePoints.dirty++;
  }

  private effect(db: number, ...argv: string[]): void {
    const args = Args.of(...argv);
    this.run(db, args);
    this.persistence.appendLog.append(db, args);
  }

  /** The end of a turn: writes, and acknowledges what may be. */
  endTurn(): void {
    const { appendLog } = this.persistence;
    const upTo = this.executed;
    // A turn that changed nothing tells nobody that anything holds.
    const changed = upTo > this.turnBegan;
    this.turnBegan = upTo;
    if (!appendLog.enabled) {
      this.acknowledged = upTo;
      return;
    }
    appendLog.writeTurn();
    appendLog.whenDurable((safe) => {
      if (!safe) this.unsafe++;
      if (!safe || !changed) return;
      this.acknowledged = Math.max(this.acknowledged, upTo);
      if (this.persistence.aof === 'on') this.logged = this.acknowledged;
    });
  }

  tick(ms = 100): void {
    this.nowMs += ms;
    this.persistence.tick();
  }

  // --- data ----------------------------------------------------------------------------------------------------------

  clear(): void {
    this.data = [new Map(), new Map()];
    this.replayDb = 0;
  }

  apply(args: Args): string | null {
    if (!args.is(0, 'SELECT')) {
      this.run(this.replayDb, args);
      return args.latin1(1) === 'troubled' ? 'ERR trouble' : null;
    }
    if (args.integer(1) > 1) return 'ERR DB index is out of range';
    this.replayDb = args.integer(1);
    return null;
  }

  private run(db: number, args: Args): void {
    const map = this.data[db]!;
    const key = args.latin1(1);
    if (args.is(0, 'APPEND')) map.set(key, (map.get(key) ?? '') + args.latin1(2));
    else if (args.is(0, 'SET')) map.set(key, args.latin1(2));
    else if (args.is(0, 'DEL')) map.delete(key);
    else throw new UnknownCommand(args.latin1(0));
  }

  /** What the data is after `n` commands. */
  static after(n: number): Map<string, string>[] {
    const model = new ModelServer(null as never);
    for (let i = 0; i < n; i++) model.execute();
    return model.data;
  }

  // --- snapshots: the magic, eight digits of length, and JSON; or commands ----------------------------------------------

  private encode(plan: SnapshotPlan): Buffer {
    if (plan.format === 'commands') {
      const encoder = new LogEncoder();
      this.data.forEach((map, db) => {
        for (const [key, value] of map) {
          encoder.select(db);
          encoder.command('SET', key, value);
        }
      });
      return Buffer.from(encoder.buf.subarray(0, encoder.pos));
    }
    const json = JSON.stringify(this.data.map((map) => [...map]));
    return Buffer.from(`${MAGIC}${String(json.length).padStart(8, '0')}${json}`);
  }

  private writeSnapshot(plan: SnapshotPlan, content: Buffer): void {
    const { disk } = this;
    const fd = disk.open(plan.tempPath, 'create');
    try {
      writeAll(disk, fd, content);
      disk.sync(fd);
    } catch (error) {
      disk.close(fd);
      disk.unlink(plan.tempPath);
      throw error;
    }
    disk.close(fd);
    disk.rename(plan.tempPath, plan.path);
    disk.syncDir(dirname(plan.path));
  }

  private beginSnapshot(plan: SnapshotPlan): SnapshotRun {
    const content = this.encode(plan);
    let aborted = false;
    const work = async () => {
      // Sooner or later than what else goes on.
      for (let i = this.executed % 9; i >= 0; i--) await new Promise((resolve) => setImmediate(resolve));
      await this.snapshotGate;
      if (aborted) throw new Error('aborted');
      this.writeSnapshot(plan, content);
      return { bytes: content.length };
    };
    return {
      done: work(),
      keys: 2,
      keysDone: 1,
      abort() {
        aborted = true;
      },
    };
  }

  private openRdb(source: ByteSource, duplicates: 'refuse' | 'replace'): RdbLoad {
    const head = Buffer.alloc(MAGIC.length + 8);
    const whole = source.read(head, 0, head.length);
    const bytes = Number(head.toString('latin1', MAGIC.length));
    const body = Buffer.alloc(Number.isSafeInteger(bytes) ? bytes : 0);
    if (whole < head.length || source.read(body, 0, body.length) < body.length) {
      throw new CorruptionError(source.name, whole, 'a whole RDB', 'the end');
    }
    const load = { advance: () => false, offset: head.length + body.length, keysLoaded: 0, keysExpired: 0 };
    (JSON.parse(body.toString()) as [string, string][][]).forEach((entries, db) => {
      for (const [key, value] of entries) {
        if (duplicates === 'refuse' && this.data[db]!.has(key)) {
          throw new CorruptionError(source.name, 0, 'a new key', key);
        }
        this.data[db]!.set(key, value);
        load.keysLoaded++;
      }
    });
    return load;
  }
}
