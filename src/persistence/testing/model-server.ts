/**
 * A server for tests of persistence: a model of a keyspace, commands that are not idempotent, a disk that may be faulty.
 *
 * Every command appends its number to a journal which is part of the data, so that what a restart has brought back says which
 * commands it consists of: they must be 1..n without a gap, without one that is there twice, and n must not be less than
 * what was acknowledged. FLUSHALL is a command, too: the journal begins anew with its number.
 */
import { CorruptionError, UnsupportedError } from '../../base/errors.js';
import { type Log, SILENT_LOG } from '../../base/log.js';
import type { Disk } from '../../disk/disk.js';
import { LogEncoder } from '../../formats/aof/log-encoder.js';
import type { ByteSource } from '../../formats/rdb/source.js';
import { Args } from '../../formats/resp/args.js';
import { Arena } from '../../memory/arena.js';
import { Persistence, type PersistenceConfig, type PersistenceOptions } from '../persistence.js';
import { type RdbLoad, UnknownCommand } from '../recovery.js';
import { SnapshotFile } from '../snapshot-file.js';
import type { SnapshotFormat, SnapshotPlan, SnapshotRun } from '../snapshot-run.js';

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
const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
  /** The last one acknowledged while the log was on; and the last of which it was said that a power cut cannot take it. */
  logged = 0;
  durable = 0;
  refused = 0;
  unsafe = 0;
  /** Snapshots wait here while it is set. */
  snapshotGate: Promise<void> | null = null;
  /** Turns of the event loop that a snapshot takes after its first half, and those after its end until that is known. */
  snapshotPause: () => number = () => 0;
  /** The data set has no form in this format. */
  formless: SnapshotFormat | 'both' | null = null;
  /** Told when a snapshot begins, and before and after it gets its name. */
  onSnapshot: (plan: SnapshotPlan, state: string, step: 'begun' | 'naming' | 'named') => void = () => {};
  private replayDb = 0;
  private turnBegan = 0;
  /** Turns in the log: its position, and the last command. */
  private turns: { position: number; upTo: number }[] = [];

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
    this.persistence.appendLog.onSynced = () => this.noteSynced();
  }

  async start(): Promise<void> {
    await this.persistence.start();
    this.executed = this.journal.at(-1) ?? 0;
    this.acknowledged = this.executed;
    this.logged = this.executed;
    this.turnBegan = this.executed;
  }

  /** The first and the last command that the data consists of: what else it holds follows from that. */
  get state(): string {
    const { journal } = this;
    return `${journal[0] ?? 0}-${journal.at(-1) ?? 0}`;
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
    this.endUnit();
  }

  flushAll(): void {
    if (this.persistence.writeRefusal !== null) {
      this.refused++;
      return;
    }
    const args = Args.of('FLUSHALL', String(++this.executed));
    this.run(0, args);
    this.persistence.flushedAll(1);
    this.log(0, args);
    this.endUnit();
  }

  private effect(db: number, ...argv: string[]): void {
    const args = Args.of(...argv);
    this.run(db, args);
    this.log(db, args);
  }

  private log(db: number, args: Args): void {
    const { appendLog } = this.persistence;
    if (appendLog.enabled) appendLog.append(db, args);
  }

  private endUnit(): void {
    const { appendLog, savePoints } = this.persistence;
    if (appendLog.enabled) appendLog.endUnit();
    savePoints.dirty++;
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
    if (this.persistence.aof === 'on' && changed) this.turns.push({ position: appendLog.position, upTo });
    appendLog.whenDurable((safe) => {
      if (!safe) this.unsafe++;
      if (!safe || !changed) return;
      this.acknowledged = Math.max(this.acknowledged, upTo);
      if (this.persistence.aof !== 'on') return;
      this.logged = this.acknowledged;
      // Without a sync while a snapshot runs, if that is wanted.
      const synced = this.config.appendfsync === 'always' && !this.config['no-appendfsync-on-rewrite'];
      if (synced) this.durable = Math.max(this.durable, upTo);
    });
    this.noteSynced();
  }

  private noteSynced(): void {
    const { turns, persistence } = this;
    while (turns.length > 0 && turns[0]!.position <= persistence.appendLog.synced) {
      this.durable = Math.max(this.durable, turns.shift()!.upTo);
    }
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
    else if (args.is(0, 'FLUSHALL')) this.data = [new Map([['journal', `${key},`]]), new Map()];
    else throw new UnknownCommand(args.latin1(0));
  }

  /** What the data is after `n` commands, `first` being the last FLUSHALL. */
  static after(n: number, first = 1): Map<string, string>[] {
    const model = new ModelServer(null as never);
    model.executed = Math.max(0, first - 1);
    if (first > 1) model.flushAll();
    while (model.executed < n) model.execute();
    return model.data;
  }

  // --- snapshots: the magic, eight digits of length, and JSON; or commands ----------------------------------------------

  private hasNoForm({ format }: SnapshotPlan): boolean {
    return this.formless === format || this.formless === 'both';
  }

  private encode(plan: SnapshotPlan): Buffer {
    if (this.hasNoForm(plan)) throw new UnsupportedError('"key"', 'it has no form');
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
    const { state } = this;
    this.onSnapshot(plan, state, 'begun');
    const file = this.snapshotFile(plan, () => false);
    try {
      file.write(content, content.length);
      this.completeSnapshot(file, plan, state);
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  private beginSnapshot(plan: SnapshotPlan): SnapshotRun {
    const { state } = this;
    this.onSnapshot(plan, state, 'begun');
    let aborted = false;
    const encoded = this.hasNoForm(plan) ? null : this.encode(plan);
    const work = async () => {
      const content = encoded ?? this.encode(plan);
      // Sooner or later than what else goes on.
      for (let i = this.executed % 9; i >= 0; i--) await turnLoop();
      await this.snapshotGate;
      if (aborted) throw new Error('aborted');
      const file = this.snapshotFile(plan, () => aborted);
      try {
        const half = content.length >> 1;
        file.write(content, half);
        for (let i = this.snapshotPause(); i > 0; i--) await turnLoop();
        file.write(content.subarray(half), content.length - half);
        this.completeSnapshot(file, plan, state);
      } catch (error) {
        file.discard();
        throw error;
      }
      for (let i = this.snapshotPause(); i > 0; i--) await turnLoop();
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

  private snapshotFile(plan: SnapshotPlan, stopped: () => boolean): SnapshotFile {
    return new SnapshotFile(this.disk, { ...plan, incrementalSync: false }, stopped);
  }

  private completeSnapshot(file: SnapshotFile, plan: SnapshotPlan, state: string): void {
    this.onSnapshot(plan, state, 'naming');
    file.complete();
    this.onSnapshot(plan, state, 'named');
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
