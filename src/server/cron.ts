/**
 * What happens by itself, `hz` times a second: expiry, freeing, save points, timeouts, rates.
 *
 * Work that can be much is cut into slices of a millisecond; while there is more of it, slices follow each other with
 * pauses in between, so that clients never wait for long. A quarter of the time goes into it at most; `active-expire-effort`
 * raises that up to 43 percent, and while nobody asks for anything it is half.
 */
import { ExpiryCycle } from '../keyspace/expiry.js';
import { GarbageWatch } from './garbage.js';
import type { Server } from './server.js';

const SLICE_MS = 1;
/** Percent of the time that slices may take at effort 1, and what each further step adds. */
const SHARE_PERCENT = 25;
const SHARE_PERCENT_PER_STEP = 2;
/** Entries freed between two looks at the clock. */
const FREED_PER_STEP = 64;
const SECOND_MS = 1000;

export class Expiry {
  active = true;
  totalMs = 0;
  timeCapReached = 0;
  private readonly cycle: ExpiryCycle;

  constructor(private readonly server: Server) {
    this.cycle = new ExpiryCycle(server.keyspace);
  }

  resetStatistics(): void {
    this.totalMs = 0;
    this.timeCapReached = 0;
  }

  /** Returns whether there is nothing more to do for now. */
  slice(): boolean {
    const { server } = this;
    if (!this.active || server.loading) return true;
    const clock = () => server.clock.monotonic();
    server.dispatcher.enterTime();
    const begin = clock();
    const complete = this.cycle.slice(SLICE_MS, clock);
    const elapsed = clock() - begin;
    this.totalMs += elapsed;
    server.latency.sample('expire-cycle', elapsed);
    if (!complete) this.timeCapReached++;
    return complete;
  }
}

export class Cron {
  private timer: NodeJS.Timeout | null = null;
  private slices: NodeJS.Timeout | null = null;
  private lastSecondMs = 0;
  /** Commands until the last slice of work. */
  private commandsBefore = 0;
  readonly garbage = new GarbageWatch();

  constructor(private readonly server: Server) {}

  start(): void {
    this.stop();
    this.timer = setInterval(() => this.tick(), Math.round(1000 / this.server.config.values.hz));
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    if (this.slices !== null) clearTimeout(this.slices);
    this.timer = null;
    this.slices = null;
  }

  private tick(): void {
    const { server } = this;
    const now = server.clock.monotonic();
    server.dispatcher.syncClock();
    if (!server.loading) server.persistence.tick();
    server.eviction.look();
    if (server.tracking.clients > 0) server.tracking.limit();
    this.sampleRates(now);
    if (now - this.lastSecondMs >= SECOND_MS) {
      this.lastSecondMs = now;
      server.clients.checkAll();
      const { used, clients } = server.memory();
      server.memoryPeak = Math.max(server.memoryPeak, used);
      this.garbage.look(server.keyspace.arena.bytesReserved + clients);
      server.dropped.look();
    }
    if (this.slices === null) this.work();
  }

  /** Sliced work; comes back soon while there is more. */
  private readonly work = (): void => {
    this.slices = null;
    const expired = this.server.expiry.slice();
    const freed = this.freeSlice();
    if (expired && freed) return;
    // While nobody asks for anything there is no reason to pause.
    const { commands } = this.server.statistics;
    const idle = commands === this.commandsBefore;
    this.commandsBefore = commands;
    this.slices = setTimeout(this.work, idle ? 0 : this.pauseMs);
  };

  private get pauseMs(): number {
    const steps = this.server.config.values['active-expire-effort'] - 1;
    const share = (SHARE_PERCENT + SHARE_PERCENT_PER_STEP * steps) / 100;
    return (SLICE_MS * (1 - share)) / share;
  }

  private freeSlice(): boolean {
    const { keyspace, clock } = this.server;
    const end = clock.monotonic() + SLICE_MS;
    do {
      if (keyspace.freeSlice(FREED_PER_STEP)) return true;
    } while (clock.monotonic() < end);
    return false;
  }

  private sampleRates(now: number): void {
    const { statistics: s, clients } = this.server;
    this.server.eventLoop.sample(now);
    s.opsRate.sample(now, s.commands);
    s.inputRate.sample(now, s.netInputBytes);
    s.outputRate.sample(now, s.netOutputBytes + clients.bytesWritten);
  }
}
