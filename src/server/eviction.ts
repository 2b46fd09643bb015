/**
 * `maxmemory`: keeps what the data takes below the limit, by deleting keys as `maxmemory-policy` says, or refuses commands that
 * need more.
 *
 * What counts is what the arena holds and the clients' buffers. What does not: buffers that grow by evicting itself (of the log
 * and of replicas), and memory that has been freed but cannot be had before the running snapshot is done with it, or else
 * eviction would go on and on without seeing what it has freed.
 *
 * Before a command, while there is too much: what waits to be freed is freed, then keys go, one by one, until there is room
 * or the time that `maxmemory-eviction-tenacity` allows is over. Then the command runs, and eviction goes on between the
 * turns of the event loop. A key that was evicted is freed before the next one is chosen, however large it is.
 *
 * What the arena can address (32 GiB) is such a limit, too: the last gigabyte of it is left alone.
 *
 *   room made -> ok      time over -> running: the command may run      nothing to evict -> failed: OOM
 *
 * Hot: below the limit it costs a command one comparison (`asks`), and without a limit none.
 */

import { Victims } from '../keyspace/victims.js';
import type { Arena } from '../memory/arena.js';
import type { MemoryGuard } from './dispatch.js';
import type { Server } from './server.js';

type Outcome = 'ok' | 'running' | 'failed';

/** Blocks freed, and keys evicted, between two looks at the clock. */
const FREED_PER_STEP = 64;
const KEYS_PER_STEP = 16;
/** What a snapshot holds back, as a part of the limit, beyond which commands that need room wait for its worker. */
const HELD_BACK_PART = 1 / 4;
const WAIT_MS = 0.1;
/** What the arena must have left for commands that need memory: more than one command takes, mostly. */
const ARENA_LEFT_MIN = 1024 * 1024 * 1024;
/** However long eviction may take: a worker that has ended is only noticed between turns. */
const WAITS_MAX = 50;

export class Eviction implements MemoryGuard {
  evictedKeys = 0;
  private limit = 0;
  /** Bytes that the arena may hold; follows the clients' buffers. */
  private room = Number.POSITIVE_INFINITY;
  private sliceMs = 0;
  private readonly arena: Arena;
  private readonly victims: Victims;
  /** Since when there is too much, in monotonic milliseconds; 0: there is not. */
  private exceededSinceMs = 0;
  private exceededMs = 0;
  /** There is hardly anything left that the arena can address. */
  private arenaIsFull = false;
  private timer: NodeJS.Immediate | null = null;
  private readonly waitCell = new Int32Array(new SharedArrayBuffer(4));

  constructor(private readonly server: Server) {
    this.arena = server.keyspace.arena;
    this.victims = new Victims(server.keyspace);
  }

  // --- directives --------------------------------------------------------------------------------------------------------

  /** Follows maxmemory, its policy and its tenacity. */
  configure(): void {
    const { values } = this.server.config;
    this.limit = Number(values.maxmemory);
    this.victims.setPolicy(values['maxmemory-policy']);
    this.sliceMs = sliceMs(values['maxmemory-eviction-tenacity']);
    this.setGuard();
    if (this.limit === 0) this.noLongerExceeded();
    this.measure();
  }

  private setGuard(): void {
    this.server.gate.memory = this.limit === 0 && !this.arenaIsFull ? null : this;
  }

  /** Several times a second: without `maxmemory` what the arena can address is the limit. */
  look(): void {
    const isFull = this.arena.bytesLeft < ARENA_LEFT_MIN;
    if (isFull === this.arenaIsFull) return;
    this.arenaIsFull = isFull;
    if (isFull) {
      this.server.log.warning(
        `All memory that this server can address is nearly in use (${this.arena.bytesReserved} bytes). Commands that need more are refused, or keys are evicted, as maxmemory-policy says.`,
      );
    }
    this.setGuard();
    if (this.server.gate.memory === null) this.noLongerExceeded();
  }

  /** At the start: a limit that may be a mistake. */
  announce(): void {
    if (this.limit === 0 || this.limit >= 1024 * 1024) return;
    this.server.log.warning(
      `WARNING: You specified a maxmemory value that is less than 1MB (current value is ${this.limit} bytes). Are you sure this is what you really want?`,
    );
  }

  /** CONFIG SET maxmemory: what is too much now goes between the next turns. */
  limitChanged(): void {
    if (this.limit === 0) return;
    const used = this.server.memory().counted;
    if (used > this.limit) {
      this.server.log.warning(
        `WARNING: the new maxmemory value set via CONFIG SET (${this.limit}) is smaller than the current memory usage (${used}). This will result in key eviction and/or the inability to accept new write commands depending on the maxmemory-policy.`,
      );
    }
    this.goOn();
  }

  // --- how much ----------------------------------------------------------------------------------------------------------

  /** Whether `makeRoom` is to be called before a command. Hot. */
  get asks(): boolean {
    return this.isOver || this.exceededSinceMs !== 0;
  }

  private get isOver(): boolean {
    const { arena } = this;
    return arena.bytesUsed - arena.bytesDeferred > this.room || arena.bytesLeft < ARENA_LEFT_MIN;
  }

  /** Clients' buffers have changed. */
  measure(): void {
    const { server } = this;
    this.room =
      this.limit === 0
        ? Number.POSITIVE_INFINITY
        : this.limit -
          server.memoryAtStart -
          server.clients.memory.bytes -
          server.tracking.table.bytes +
          server.keyspace.discarded.bytesWaiting;
  }

  /** Milliseconds for which there was too much: until now in all, and this time. */
  get totalExceededMs(): number {
    return this.exceededMs + this.currentExceededMs;
  }
  get currentExceededMs(): number {
    return this.exceededSinceMs === 0 ? 0 : this.server.clock.monotonic() - this.exceededSinceMs;
  }

  resetStatistics(): void {
    this.evictedKeys = 0;
    this.exceededMs = 0;
    this.exceededSinceMs = 0;
  }

  // --- making room -------------------------------------------------------------------------------------------------------

  /** Makes room for a command that comes. False: there is none, and nothing that may be evicted. */
  makeRoom(): boolean {
    return this.run() !== 'failed';
  }

  private run(): Outcome {
    const { server } = this;
    if (!this.isAllowed) return 'ok';
    this.measure();
    let outcome: Outcome = 'ok';
    if (this.isOver) {
      server.dispatcher.settle(null);
      server.dispatcher.enterTime();
      const begin = server.latency.begin();
      outcome = this.evict(server.clock.monotonic() + this.sliceMs);
      server.latency.end('eviction-cycle', begin);
      if (outcome === 'running') this.goOn();
    }
    if (outcome === 'ok') this.noLongerExceeded();
    else if (this.exceededSinceMs === 0) this.exceededSinceMs = server.clock.monotonic();
    return outcome;
  }

  private noLongerExceeded(): void {
    this.exceededMs = this.totalExceededMs;
    this.exceededSinceMs = 0;
  }

  /** A replica leaves it to its primary; while data is loaded, or clients are paused, nothing goes. */
  private get isAllowed(): boolean {
    const { server } = this;
    if (server.loading || server.isStopping || server.pause.kind !== null) return false;
    return !server.keyspace.followsPrimary || !server.config.values['replica-ignore-maxmemory'];
  }

  private evict(endMs: number): Outcome {
    const { server, victims } = this;
    const { keyspace, clock } = server;
    const { discarded } = keyspace;
    const samples = server.config.values['maxmemory-samples'];
    let keys = 0;
    let waits = 0;
    while (this.isOver) {
      if (discarded.free(FREED_PER_STEP) === 0) {
        // A table that waited for a snapshot may have become one that can be freed.
        this.measure();
        if (!this.isOver) return 'ok';
        const entry = victims.next(samples);
        if (entry === 0) return 'failed';
        this.delete(entry);
        if (++keys % KEYS_PER_STEP !== 0) continue;
      }
      for (; waits < WAITS_MAX && this.isHeldBack && clock.monotonic() < endMs; waits++) this.waitForSnapshot();
      if (this.isOver && clock.monotonic() >= endMs) return 'running';
    }
    return 'ok';
  }

  private delete(entry: number): void {
    const { server, victims } = this;
    const { db } = victims;
    const lazily = server.keyspace.lazyfree.eviction;
    server.keyGoes(db, db.keyOf(entry), lazily, 'e', 'evicted');
    const begin = server.latency.begin();
    db.deleteEntry(entry, lazily);
    server.latency.end('eviction-del', begin);
    this.evictedKeys++;
  }

  private get isHeldBack(): boolean {
    return this.server.keyspace.capture !== null && this.arena.bytesDeferred > this.limit * HELD_BACK_PART;
  }

  private waitForSnapshot(): void {
    Atomics.wait(this.waitCell, 0, 0, WAIT_MS);
    this.server.keyspace.capture?.advance();
  }

  // --- between turns -----------------------------------------------------------------------------------------------------

  private goOn(): void {
    this.timer ??= setImmediate(() => {
      this.timer = null;
      this.run();
    });
  }

  stop(): void {
    if (this.timer !== null) clearImmediate(this.timer);
    this.timer = null;
  }
}

/** How long one go may take: 0.5 ms at the default of 10, more by 15 % for each step above, without limit at 100. */
function sliceMs(tenacity: number): number {
  if (tenacity <= 10) return tenacity * 0.05;
  return tenacity < 100 ? 0.5 * 1.15 ** (tenacity - 10) : Number.POSITIVE_INFINITY;
}
