/**
 * One server: wires configuration, keyspace, commands, clients and persistence. Several live in one process; nothing
 * here is global.
 *
 *   const server = new Server({ config, log });
 *   await server.start();              // loads the data, then serves
 *   await server.shutdown([]);         // saves what is to be saved, closes
 */
import { randomBytes } from 'node:crypto';
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import type { ConfigFace } from '../commands/config.js';
import type { NotifyClass } from '../commands/context.js';
import { FAMILIES } from '../commands/families.js';
import { secretsOf } from '../commands/secrets.js';
import type { MemoryFace, ShutdownOptions, Watching } from '../commands/services.js';
import { type Session, SessionFlag } from '../commands/session.js';
import { type Command, CommandTable, Flag } from '../commands/table.js';
import type { Config } from '../config/config.js';
import type { ShutdownFlag } from '../config/directives.js';
import { NO_TLS } from '../config/unserved.js';
import { type Disk, nodeDisk } from '../disk/disk.js';
import { Args } from '../formats/resp/args.js';
import { type Database, Keyspace } from '../keyspace/keyspace.js';
import { Lfu } from '../keyspace/lfu.js';
import { Watches } from '../keyspace/watch.js';
import { isLocal } from '../net/connection.js';
import { Listener } from '../net/listener.js';
import { Persistence } from '../persistence/persistence.js';
import { Access } from './access.js';
import { announceListening, announceReady } from './announce.js';
import type { Client } from './client.js';
import { ClientRegistry } from './client-registry.js';
import { Cron, Expiry } from './cron.js';
import { clientsRefusal, descriptorLimit, fitClients } from './descriptors.js';
import { Dispatcher, Gate } from './dispatch.js';
import { DroppedSegments } from './dropped-segments.js';
import { type EffectSink, NO_SINK } from './effects.js';
import { EventLoopMeter } from './event-loop.js';
import { Eviction } from './eviction.js';
import { infoText } from './info.js';
import { KeyspaceEvents } from './keyspace-events.js';
import { LatencyMonitor } from './latency-monitor.js';
import type { Logger } from './log.js';
import { arenaReport, memoryDoctor, memoryFigures, memoryStats } from './memory-report.js';
import { Monitors } from './monitors.js';
import { Pause } from './pause.js';
import { PeerLink } from './peer-link.js';
import { makeHost, NO_DISK } from './persistence-host.js';
import { processMemory } from './process-memory.js';
import { PubSub } from './pubsub.js';
import { Replay } from './replay.js';
import { LiveContext } from './server-context.js';
import { SlowLog, shownArgs } from './slow-log.js';
import { Statistics } from './statistics.js';
import { Tracking } from './tracking.js';
import { Turn } from './turn.js';
import { Whereabouts } from './whereabouts.js';

export interface ServerOptions {
  config: Config;
  log: Logger;
  clock?: Clock;
  /** Listen on a port that is free instead of the configured one. */
  anyPort?: boolean;
  /** Keep everything in memory: no file is read or written, whatever the directives say. */
  inMemory?: boolean;
  disk?: Disk;
  /** The process does nothing but serve: its thread may sleep for moments. */
  ownProcess?: boolean;
  /** Node's sockets instead of the handles below them: slower, for where those are not what we know. */
  ordinarySockets?: boolean;
}

/**
 * Bytes that a server takes beside its arena as it starts, about. The same in every start, for it counts against `maxmemory`: a
 * measured one depends on when garbage is collected.
 */
const MEMORY_AT_START = 1_750_000;

export class Server {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly startedMs: number;
  readonly runId = randomBytes(20).toString('hex');
  readonly statistics = new Statistics();
  readonly gate = new Gate();
  readonly keyspace: Keyspace;
  readonly watches: Watches<Session>;
  readonly peerLink = new PeerLink();
  readonly context: LiveContext;
  readonly commands: CommandTable;
  readonly dispatcher: Dispatcher;
  readonly turn: Turn;
  readonly clients: ClientRegistry;
  readonly listener: Listener;
  private readonly whereabouts: Whereabouts;
  readonly watching: Watching;
  readonly pubsub: PubSub;
  readonly monitors: Monitors;
  readonly tracking = new Tracking(this);
  readonly keyspaceEvents: KeyspaceEvents;
  readonly pause = new Pause(this);
  readonly access: Access;
  readonly persistence: Persistence;
  readonly replay: Replay;
  readonly dropped = new DroppedSegments();
  readonly expiry: Expiry;
  readonly eventLoop: EventLoopMeter;
  readonly slowLog = new SlowLog();
  readonly latency: LatencyMonitor;
  readonly eviction: Eviction;
  readonly disk: Disk;
  /** Without a directory: nothing is loaded, nothing is written. */
  readonly inMemory: boolean;
  replicationId = randomBytes(20).toString('hex');
  /** Bytes of heap and buffers that making this server took, its arena apart: the program around it is not its own. */
  readonly memoryAtStart = MEMORY_AT_START;
  /** What the process had when the server was made. */
  private readonly rssAtStart = processMemory().rss;
  memoryPeak = 0;

  /** Copies of directives that are looked at for every command or read. */
  bulkMax = 0;
  queryBufferMax = 0;
  /** slowlog-log-slower-than; infinite: off. */
  private slowLogFrom = Number.POSITIVE_INFINITY;

  /** SHUTDOWN has ended the server: end the process with this code. */
  onExit: (code: number) => void = () => {};
  /** A bug: whatever the process does about errors that nobody expects. */
  onCrash: (error: unknown) => void = (error) => {
    throw error;
  };
  /** The sockets listen, nothing is loaded yet. */
  onListening: () => void = () => {};
  /** Called when commands follow, of a log or of clients: after what a dump holds has been loaded. May come several times. */
  onCommandsNear: () => void = () => {};

  private readonly anyPort: boolean;
  private readonly cron: Cron;
  private readonly descriptorLimit = descriptorLimit();
  private stopping: Promise<boolean> | null = null;
  private closed = false;

  constructor(options: ServerOptions) {
    const { config, log } = options;
    this.config = config;
    this.log = log;
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.anyPort = options.anyPort ?? false;
    this.inMemory = options.inMemory ?? false;
    this.disk = options.disk ?? (this.inMemory ? NO_DISK : nodeDisk);
    this.startedMs = this.clock.now();
    this.latency = new LatencyMonitor(this.clock, () => ({
      slowerThanMicroseconds: Number(config.values['slowlog-log-slower-than']),
      maxLength: Number(config.values['slowlog-max-len']),
    }));
    this.keyspace = new Keyspace(
      {
        expired: (db, key) => this.keyGoes(db, key, this.keyspace.lazyfree.expire, 'x', 'expired'),
        fieldExpired: (db, key, field) => this.fieldExpired(db.index, key, field),
        fieldsExpired: (db, key, emptied) => this.fieldsExpired(db, key, emptied),
      },
      config.values.databases,
    );
    this.watches = new Watches(this.keyspace.databases, (session) => {
      session.flags |= SessionFlag.DIRTY_CAS;
      this.unwatch(session);
    });
    this.watching = {
      watch: (session, db, key) => {
        if (this.watches.watch(session, db, key)) session.watching++;
      },
      unwatch: (session) => this.unwatch(session),
      hasExpired: (session) => this.watches.hasExpired(session),
      databaseChanges: (emptied, replacement) => this.watches.touchDatabase(emptied, replacement),
    };
    this.context = new LiveContext(this.keyspace, this.watches, this);
    this.commands = new CommandTable(FAMILIES, config.renames);
    this.dispatcher = new Dispatcher(
      this.context,
      this.commands,
      this.statistics,
      this.gate,
      log,
      NO_SINK,
      this.clock,
      {
        slow: (session, command, args, microseconds) => this.slow(session, command, args, microseconds),
        postponed: (session, args) => this.clients.waiting.postpone(session as Client, args),
        executed: (session, command, args) => this.monitors.show(session, command, args),
        crash: (error, session, command, args) => this.crashed(error, session, command.fullName, args),
      },
    );
    this.dispatcher.unwatch = (session) => this.unwatch(session);
    this.access = new Access(this);
    this.gate.needsPassword = () => this.access.needsPassword;
    this.gate.refusal = (session, command, a) => this.access.refusal(session, command, a);
    this.gate.refusalAtExec = (session, command, a) => this.access.refusalAtExec(session, command, a);
    this.replay = new Replay(this.dispatcher);
    this.persistence = new Persistence({
      disk: this.disk,
      config: config.values,
      log,
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      probe: this.latency,
      host: makeHost(this),
    });
    this.dispatcher.sink = this.persistence.appendLog;
    this.dispatcher.changes = this.persistence.savePoints;
    this.gate.writeRefusal = () => this.persistence.writeRefusal;
    this.keyspace.arena.onDrop = (buffer) => this.dropped.take(buffer);
    this.expiry = new Expiry(this);
    this.eviction = new Eviction(this);
    this.cron = new Cron(this);
    this.clients = new ClientRegistry(this);
    this.pubsub = new PubSub((clients, message) => this.clients.pushAll(clients, message));
    this.keyspaceEvents = new KeyspaceEvents(this.pubsub);
    this.monitors = new Monitors({
      send: (clients, message) => this.clients.pushAll(clients, message),
      microseconds: () => this.microseconds(),
      unixSocket: config.values.unixsocket,
      context: this.context,
      watched: (yes) => {
        this.dispatcher.monitored = yes;
      },
    });
    this.eventLoop = new EventLoopMeter(options.ownProcess);
    this.turn = new Turn(
      this.context.out,
      () => this.dispatcher.sink,
      {
        ended: this.clients.memory.relieve,
        sent: (client) => this.clients.sent(client),
        unsafe: (client) => this.clients.close(client),
      },
      () => this.dispatcher.lastMs,
      this.eventLoop,
    );
    this.listener = new Listener(
      {
        accepted: (connection) => this.clients.accept(connection),
        failed: (reason) => log.warning(`Accepting client connection: ${reason}`),
        unavailable: (error) => log.warning(`Warning: Could not create server TCP listening socket ${error.message}`),
      },
      !(options.ordinarySockets ?? false),
    );
    this.whereabouts = new Whereabouts(config, this.listener, log, this.anyPort);
    this.configFace = {
      file: config.file,
      find: (patterns) => config.find(patterns),
      set: (pairs, options) => this.whereabouts.set(pairs, options),
      isSecret: (name) => config.isSecret(name),
      rewrite: (users) => config.rewrite(users),
    };
    this.gate.allows = (guarded, session) => this.isAllowed(config.values[`enable-${guarded}-command`], session);
    this.followConfig();
  }

  /** Names of all commands, for checking rename-command lines. */
  static commandNames(): string[] {
    return FAMILIES.flat().map((row) => row.name);
  }

  get sink(): EffectSink {
    return this.dispatcher.sink;
  }
  set sink(sink: EffectSink) {
    this.dispatcher.sink = sink;
  }
  /** Whether a shutdown is under way. */
  get isStopping(): boolean {
    return this.stopping !== null;
  }
  get loading(): boolean {
    return this.gate.loading;
  }
  get port(): number {
    return this.listener.port;
  }

  // --- start -------------------------------------------------------------------------------------------------------------

  /** Listens, loads the data, and serves. Throws what makes that impossible; the log has it already, then. */
  async start(): Promise<void> {
    const { log, config, gate } = this;
    fitClients(config, log, this.descriptorLimit);
    this.access.start();
    gate.loading = !this.inMemory;
    await this.whereabouts.open();
    try {
      announceListening(log, config, this.port);
      this.eviction.announce();
      this.onListening();
      this.cron.start();
      log.role = 'M';
      if (this.inMemory) this.persistence.startInMemory();
      else await this.load();
      this.onCommandsNear();
      const kinds: ('tcp' | 'unix')[] = [];
      if (this.port !== 0) kinds.push('tcp');
      if (config.values.unixsocket !== '') kinds.push('unix');
      announceReady(log, kinds);
    } catch (error) {
      // A SHUTDOWN may have been the reason.
      await this.stopping;
      await this.close();
      throw error;
    }
  }

  private async load(): Promise<void> {
    this.dispatcher.enterTime();
    this.keyspace.expiryInForce = false;
    await this.persistence.start();
    this.keyspace.expiryInForce = true;
    this.gate.loading = false;
  }

  // --- directives --------------------------------------------------------------------------------------------------------

  private followConfig(): void {
    const { config } = this;
    const { values } = config;
    const copy = (names: Parameters<Config['onChange']>[0], apply: () => void) => {
      apply();
      config.onChange(names, apply);
    };
    copy('proto-max-bulk-len', () => {
      this.bulkMax = Number(values['proto-max-bulk-len']);
      this.keyspace.limits.protoMaxBulkLen = this.bulkMax;
      this.clients?.setBulkMax(this.bulkMax);
    });
    copy('client-query-buffer-limit', () => {
      this.queryBufferMax = Number(values['client-query-buffer-limit']);
    });
    copy(['maxmemory-policy', 'lfu-log-factor', 'lfu-decay-time'], () => {
      const counts = values['maxmemory-policy'].endsWith('-lfu');
      const lfu = counts ? new Lfu(Number(values['lfu-log-factor']), Number(values['lfu-decay-time'])) : null;
      this.keyspace.useLfu(lfu);
    });
    config.onChange('tracking-table-max-keys', () => this.tracking.limit());
    copy('latency-tracking', () => {
      this.dispatcher.tracksLatency = values['latency-tracking'];
    });
    copy('slowlog-max-len', () => this.slowLog.setMax(Number(values['slowlog-max-len'])));
    copy(['slowlog-log-slower-than', 'latency-monitor-threshold'], () => {
      const slow = Number(values['slowlog-log-slower-than']);
      const spike = Number(values['latency-monitor-threshold']);
      this.latency.thresholdMs = spike;
      this.slowLogFrom = slow < 0 ? Number.POSITIVE_INFINITY : slow;
      this.dispatcher.slowFromMicroseconds = Math.min(
        this.slowLogFrom,
        spike === 0 ? Number.POSITIVE_INFINITY : spike * 1000,
      );
    });
    copy('notify-keyspace-events', () => {
      const { keyspaceEvents: events, keyspace } = this;
      events.follow(values['notify-keyspace-events']);
      this.context.events = events.enabled ? (cls, event, db, key) => events.publish(cls, event, db, key) : null;
      keyspace.hooks.missed = events.publishes('m') ? (db, key) => events.publish('m', 'keymiss', db.index, key) : null;
    });
    copy(['maxmemory-clients', 'maxmemory'], () => this.clients.memory.configure());
    config.onChange('maxclients', () => clientsRefusal(values.maxclients, this.descriptorLimit));
    config.onChange('tls-port', () => (values['tls-port'] === 0 ? null : NO_TLS));
    config.onChange('hz', () => this.cron.start());
    config.onChange('save', () => (this.inMemory && values.save.length > 0 ? IN_MEMORY : null));
    copy(['maxmemory', 'maxmemory-policy', 'maxmemory-eviction-tenacity'], () => this.eviction.configure());
    config.onChange('maxmemory', () => this.eviction.limitChanged());
    const { lazyfree } = this.keyspace;
    copy(LAZYFREE_DIRECTIVES, () => {
      lazyfree.eviction = values['lazyfree-lazy-eviction'];
      lazyfree.expire = values['lazyfree-lazy-expire'];
      lazyfree.serverDel = values['lazyfree-lazy-server-del'];
      lazyfree.userDel = values['lazyfree-lazy-user-del'];
      lazyfree.userFlush = values['lazyfree-lazy-user-flush'];
    });
    config.onChange('appendonly', () => {
      if (this.inMemory && values.appendonly) return IN_MEMORY;
      return this.persistence.setAppendonly(values.appendonly);
    });
    config.onChange('appendonly', () => this.lookSoon());
    this.persistence.appendLog.onSynced = () => this.lookSoon();
    config.onChange('dir', () => this.persistence.dirRefusal());
    config.onChange('aof-disable-auto-gc', () => this.persistence.historyAllowed());
    const { limits } = this.keyspace;
    copy(LIMIT_DIRECTIVES, () => {
      limits.hashMaxListpackEntries = Number(values['hash-max-listpack-entries']);
      limits.hashMaxListpackValue = Number(values['hash-max-listpack-value']);
      limits.setMaxIntsetEntries = Number(values['set-max-intset-entries']);
      limits.setMaxListpackEntries = Number(values['set-max-listpack-entries']);
      limits.setMaxListpackValue = Number(values['set-max-listpack-value']);
      limits.zsetMaxListpackEntries = Number(values['zset-max-listpack-entries']);
      limits.zsetMaxListpackValue = Number(values['zset-max-listpack-value']);
      limits.listMaxListpackSize = values['list-max-listpack-size'];
      limits.streamNodeMaxBytes = Number(values['stream-node-max-bytes']);
      limits.streamNodeMaxEntries = Number(values['stream-node-max-entries']);
      limits.hllSparseMaxBytes = Number(values['hll-sparse-max-bytes']);
    });
  }

  /** Those who wait for the log look at it again, once what goes on is over. */
  private lookSoon(): void {
    const { waiting } = this.clients;
    if (waiting.looks) setImmediate(() => waiting.look());
  }

  /** The face of the configuration that CONFIG's handlers use. */
  readonly configFace: ConfigFace;

  // --- clients -----------------------------------------------------------------------------------------------------------

  /** Whether a guarded thing is allowed for the client: `no`, `yes`, `local`. */
  isAllowed(setting: 'no' | 'yes' | 'local', session: Session): boolean {
    if (setting !== 'local') return setting === 'yes';
    const { connection } = session as Partial<Client>;
    return connection === undefined || isLocal(connection);
  }

  private unwatch(session: Session): void {
    session.watching = 0;
    this.watches.unwatch(session);
  }

  // --- effects -----------------------------------------------------------------------------------------------------------

  /** A key goes that no command deletes: its deletion is an effect, before that of the command that met it. */
  keyGoes(db: Database, key: Uint8Array, lazily: boolean, cls: NotifyClass, event: string): void {
    const { dispatcher, context } = this;
    if (dispatcher.sink.enabled) {
      dispatcher.append(db.index, Args.of(lazily ? 'UNLINK' : 'DEL', key));
      this.turn.schedule();
    }
    if (!this.watches.isEmpty) this.watches.goes(db.index, key);
    if (context.invalidate !== null) this.tracking.changed(key, null);
    context.notify(cls, event, db, key);
  }

  private fieldExpired(db: number, key: Uint8Array, field: Uint8Array): void {
    const { dispatcher } = this;
    if (!dispatcher.sink.enabled) return;
    dispatcher.append(db, Args.of('HDEL', key, field));
    this.turn.schedule();
  }

  private fieldsExpired(db: Database, key: Uint8Array, emptied: boolean): void {
    const { context } = this;
    if (!this.watches.isEmpty) this.watches.touch(db.index, key);
    if (context.invalidate !== null) this.tracking.changed(key, null);
    context.notify('h', 'hexpired', db, key);
    if (emptied) context.notify('g', 'del', db, key);
  }

  // --- slow commands -----------------------------------------------------------------------------------------------------

  private slow(session: Session, command: Command, args: Args | null, microseconds: number): void {
    this.latency.sample(command.has(Flag.FAST) ? 'fast-command' : 'command', microseconds / 1000);
    const { remote } = session as Partial<Client>;
    if (microseconds < this.slowLogFrom || remote === undefined || command.has(Flag.SKIP_SLOWLOG)) return;
    const a = args ?? Args.of(...command.fullName.split('|'));
    this.slowLog.add({
      seconds: Math.floor(this.clock.now() / 1000),
      microseconds: Math.trunc(microseconds),
      args: shownArgs(a, args === null ? [] : secretsOf(command.spec, a, this.context)),
      address: remote,
      name: session.name,
    });
  }

  private crashed(error: unknown, session: Session, command: string, args: Args): void {
    const { log } = this;
    log.warning(
      '=== BUG: a command ended in an unexpected way. The server stops, so that nothing wrong is written. ===',
    );
    log.warning(error instanceof Error ? (error.stack ?? error.message) : String(error));
    log.warning(`command: ${command}, ${args.count} arguments, database ${session.db}, client ${session.id}`);
    // What was executed before it is written and answered; nothing more is executed.
    session.flags |= SessionFlag.CLOSE_AFTER_REPLY;
    this.clients.hold();
    setImmediate(() => {
      this.turn.finish();
      this.onCrash(error);
    });
  }

  // --- what commands ask -------------------------------------------------------------------------------------------------

  microseconds(): number {
    return this.dispatcher.microseconds();
  }

  resetStatistics(): void {
    this.statistics.reset();
    this.eventLoop.reset();
    this.expiry.resetStatistics();
    this.turn.writes = 0;
    this.persistence.resetStatistics();
    this.commands.resetStatistics();
    this.keyspace.hits = 0;
    this.keyspace.misses = 0;
    this.keyspace.expiredKeys = 0;
    this.keyspace.discarded.freedObjects = 0;
    this.eviction.resetStatistics();
    this.keyspace.expiredFields = 0;
  }

  info(sections: readonly string[]): string {
    return infoText(this, sections);
  }

  /** INFO's listener fields. */
  listeners(): string[] {
    const { values } = this.config;
    const found: string[] = [];
    if (this.port !== 0) {
      const bound = this.listener.addresses.map((address) => `,bind=${address}`).join('');
      found.push(`name=tcp${bound},port=${this.port}`);
    }
    if (values.unixsocket !== '') found.push(`name=unix,bind=${values.unixsocket}`);
    return found;
  }

  /**
   * Bytes. `used` is what data and buffers take, on top of what the server took at its start. What the JS heap has grown by
   * since then is garbage for the most part, and no measure. `counted` is the part that maxmemory limits (eviction.ts).
   */
  memory(): {
    used: number;
    counted: number;
    data: number;
    clients: number;
    replicas: number;
    log: number;
    tracking: number;
  } {
    const { arena, discarded } = this.keyspace;
    const data = arena.bytesUsed;
    const { bytes: clients, replicaBytes: replicas } = this.clients.memory;
    const tracking = this.tracking.table.bytes;
    const log = this.persistence.appendLog.bufferBytes;
    const used = this.memoryAtStart + data + clients + replicas + log + tracking;
    const counted = used - replicas - log - arena.bytesDeferred - discarded.bytesWaiting;
    return { used, counted, data, clients, replicas, log, tracking };
  }

  /** What MEMORY's handlers ask. */
  readonly memoryFace: MemoryFace = {
    stats: () => memoryStats(memoryFigures(this)),
    doctor: () => memoryDoctor(memoryFigures(this), this.rssAtStart, this.clients.memory.counts),
    mallocStats: () => arenaReport(this.keyspace.arena),
    purge: () => {
      this.keyspace.arena.purge();
      this.cron.garbage.collect();
    },
  };

  /** DEBUG PAUSE-CRON: nothing happens by itself meanwhile. */
  pauseCron(paused: boolean): void {
    if (paused) this.cron.stop();
    else this.cron.start();
  }

  sleep(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  // --- end ---------------------------------------------------------------------------------------------------------------

  /**
   * Saves what is to be saved and closes. Resolves with false when the server stays up (the save failed and nobody forced
   * it). A call during a shutdown joins it.
   */
  shutdown(flags: readonly ShutdownFlag[]): Promise<boolean> {
    const save = flags.includes('save') ? true : flags.includes('nosave') ? false : null;
    return this.stop({ save, now: flags.includes('now'), force: flags.includes('force') });
  }

  /** SHUTDOWN. */
  shutdownFor(options: ShutdownOptions, refused: () => void): void {
    void this.stop(options).then((done) => {
      if (done) this.onExit(0);
      else refused();
    });
  }

  /** There is nothing that a shutdown waits for, so it cannot be taken back. */
  abortShutdown(): boolean {
    return false;
  }

  private stop(options: ShutdownOptions): Promise<boolean> {
    if (this.closed) return Promise.resolve(true);
    this.stopping ??= this.saveAndClose(options).finally(() => {
      this.stopping = null;
    });
    return this.stopping;
  }

  private async saveAndClose({ save, force }: ShutdownOptions): Promise<boolean> {
    const { log, persistence, clients, turn } = this;
    log.notice('User requested shutdown...');
    // What was executed is written and answered; nothing more is executed while files are closed.
    clients.hold();
    turn.finish();
    if (!this.inMemory) {
      const how = save === null ? 'configured' : save ? 'save' : 'nosave';
      if (!(await persistence.shutdown(how, force))) {
        log.warning('Errors trying to shut down the server. Check the logs for more information.');
        clients.release();
        return false;
      }
    }
    await this.close();
    log.notice('Onggi is now ready to exit, bye bye...');
    return true;
  }

  private async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.cron.stop();
    this.pause.stop();
    this.eviction.stop();
    this.dropped.stop();
    this.peerLink.stop();
    this.clients.closeAll();
    await this.listener.close();
    await this.persistence.close();
  }
}

const IN_MEMORY = 'this server keeps its data in memory only';

const LAZYFREE_DIRECTIVES = [
  'lazyfree-lazy-eviction',
  'lazyfree-lazy-expire',
  'lazyfree-lazy-server-del',
  'lazyfree-lazy-user-del',
  'lazyfree-lazy-user-flush',
] as const;

const LIMIT_DIRECTIVES = [
  'hash-max-listpack-entries',
  'hash-max-listpack-value',
  'set-max-intset-entries',
  'set-max-listpack-entries',
  'set-max-listpack-value',
  'zset-max-listpack-entries',
  'zset-max-listpack-value',
  'list-max-listpack-size',
  'stream-node-max-bytes',
  'stream-node-max-entries',
  'hll-sparse-max-bytes',
] as const;
