/** A server in memory for the tests of this folder: real sockets, a clock moved by hand if wanted, a sink that records. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { Config } from '../../config/config.js';
import type { Args } from '../../formats/resp/args.js';
import type { EffectSink } from '../effects.js';
import { Logger } from '../log.js';
import { Server } from '../server.js';

export interface LiveServerOptions {
  config?: Readonly<Record<string, string | number | boolean>>;
  clock?: Clock;
  sink?: EffectSink;
  /** Ordinary sockets instead of the handles below them. */
  ordinarySockets?: boolean;
  /** Where data is kept; without it nothing is. */
  dir?: string;
  /** rename-command lines. */
  renames?: readonly (readonly [string, string])[];
}

export class LiveServer {
  readonly lines: string[] = [];
  readonly server: Server;

  private constructor(options: LiveServerOptions) {
    const config = new Config({
      save: '',
      loglevel: 'debug',
      ...(options.dir === undefined ? {} : { dir: options.dir }),
      ...options.config,
    });
    config.renames.push(...(options.renames ?? []));
    const log = new Logger({ level: config.values.loglevel, sink: (line) => this.lines.push(line) });
    this.server = new Server({
      config,
      log,
      inMemory: options.dir === undefined,
      anyPort: true,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.ordinarySockets === undefined ? {} : { ordinarySockets: options.ordinarySockets }),
    });
    if (options.sink !== undefined) this.server.sink = options.sink;
  }

  /** Not started yet. */
  static prepare(options: LiveServerOptions = {}): LiveServer {
    return new LiveServer(options);
  }

  static async start(options: LiveServerOptions = {}): Promise<LiveServer> {
    const live = new LiveServer(options);
    await live.server.start();
    return live;
  }

  get port(): number {
    return this.server.port;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.shutdown(['nosave']);
  }
}

/** Records effects as text: units in brackets, each effect with its database. */
export class RecordingSink implements EffectSink {
  enabled = true;
  failure: string | null = null;
  readonly position = 0;
  readonly synced = 0;
  readonly turnSyncMs = 0;
  /** `0 SET a 1`, or `[0 SET a 1][0 SET b 2]` for a unit of several. */
  readonly units: string[] = [];
  /** What happened, in order: `write`, `reply` is the test's to add. */
  readonly events: string[] = [];
  /** Held back: replies wait until `release`. */
  held = false;
  private open: string[] = [];
  private waiting: ((safe: boolean) => void)[] = [];

  append(db: number, args: Args): void {
    const words = Array.from({ length: args.count }, (_, i) => args.latin1(i));
    this.open.push(`${db} ${words.join(' ')}`);
  }
  endUnit(): void {
    this.units.push(this.open.length === 1 ? this.open[0]! : this.open.map((each) => `[${each}]`).join(''));
    this.open = [];
  }
  writeTurn(): void {
    this.events.push('write');
  }
  whenDurable(done: (safe: boolean) => void): void {
    if (this.held) this.waiting.push(done);
    else done(true);
  }
  /** Number of turns whose replies wait. */
  get waitingTurns(): number {
    return this.waiting.length;
  }
  release(safe = true, turns = this.waiting.length): void {
    for (const done of this.waiting.splice(0, turns)) done(safe);
  }
  take(): string[] {
    return this.units.splice(0);
  }
}

/** A folder that is removed at the end of `run`. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onggi-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
