/**
 * What commands ask of the server beyond data: saving, stopping, statistics, other clients. The server implements it over
 * persistence and its own tables; commands know only this.
 */

import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Database } from '../keyspace/keyspace.js';
import type { ItemType } from '../memory/item.js';
import type { DenialLog, DenialScene } from './access/denials.js';
import type { User } from './access/user.js';
import type { Users } from './access/users.js';
import type { ConfigContext } from './config.js';
import type { Session } from './session.js';
import type { Command, CommandTable } from './table.js';

/** Saving and loading. Texts that these return are whole error replies without the leading `-`. */
export interface Persistence {
  /** SAVE: blocks until the file is written. */
  save(): string | null;
  /** Starts a background save. `schedule`: wait for a running rewrite instead of refusing. */
  backgroundSave(schedule: boolean, inTransaction: boolean): { started: string } | { error: string };
  rewriteAppendLog(inTransaction: boolean): { started: string } | { error: string };
  /** Unix time in seconds of the last good save. */
  readonly lastSave: number;
  /**
   * FLUSHALL has emptied the data: a running save is stopped, and with save points the empty data set is written. `changes`
   * is what the command has given to addDirty.
   */
  flushedAll(changes: number): void;
  /** DEBUG RELOAD. */
  reload(options: { save: boolean; flush: boolean; merge: boolean }): string | null;
  /** DEBUG LOADAOF. */
  loadAppendLog(): string | null;
}

export interface DumpFormat {
  version: 9 | 10 | 11 | 12;
  compression: boolean;
}

/** What MIGRATE sends to another server. */
export interface PeerRequest {
  host: string;
  port: number;
  /** Of every step: connecting, and each wait for more of the answer. */
  timeoutMs: number;
  bytes: Uint8Array;
  /** Number of replies to wait for; all are lines. */
  replies: number;
}
export interface PeerAnswer {
  /** With their mark, `+OK`; fewer than asked for when it failed. */
  replies: string[];
  failed: 'connect' | 'write' | 'read' | null;
}

export interface ShutdownOptions {
  /** null: as the save points say. */
  save: boolean | null;
  now: boolean;
  force: boolean;
}

/** One row of CLIENT LIST, and what CLIENT KILL can do about it. */
export interface Peer extends Session {
  readonly remote: string;
  readonly local: string;
  /** `normal`, `master`, `replica` or `pubsub`. */
  readonly type: string;
  /** Age in seconds. */
  readonly ageSeconds: number;
  /** The line of CLIENT LIST. */
  describe(): string;
}

/** Writes a reply or a message; `out.resp` is what the client speaks. */
export type Reply = (out: ReplyWriter) => void;
/** Asked whenever what is waited for may have happened; null: not yet. */
export type Look = () => Reply | null;

/** How a command waits for keys. */
export interface KeyWait {
  /** What the keys must hold for its client to be served. */
  type: ItemType;
  /** Key arguments. */
  firstKey: number;
  keys: number;
  /** 0: forever. */
  timeoutMs: number;
  /** Also when a key is gone, or holds something else. */
  onNoKey: boolean;
}

export interface Clients {
  /** In the order in which they connected. */
  list(): Iterable<Peer>;
  get(id: number): Peer | undefined;
  /** Ends a client's waiting by its timeout's reply, or by an error. False when it does not wait. */
  unblock(peer: Peer, error: string | null): boolean;
  /** Closes the connection; the current client's after its reply. */
  kill(peer: Peer): void;
}

/** Users and their rights. Texts that these return are whole error replies without the leading `-ERR `. */
export interface AccessControl {
  readonly users: Users;
  readonly denials: DenialLog;
  /** Puts a user in force, new or changed, for its connections too. */
  put(user: User): void;
  /** Takes a user away and closes its connections; false when there is none of that name. */
  remove(name: string): boolean;
  /**
   * The error line (without `-`) for a request that the session's user may not make, noted in the log; null: it may. Whoever
   * executes requests apart from the dispatcher asks it, when the session is RESTRICTED.
   */
  refusal(session: Session, command: Command, a: Args, scene: DenialScene): string | null;
  /** ACL LOAD: all users as the file has them, or no change. */
  load(): string | null;
  /** ACL SAVE. */
  save(): string | null;
  /** Makes the session that user's when the password is right; else it is noted. `command`: as the client wrote it. */
  logIn(session: Session, name: string, password: Uint8Array, command: string): boolean;
}

export interface Watching {
  watch(session: Session, db: number, key: Uint8Array): void;
  unwatch(session: Session): void;
  /** Whether a watched key is past its time since. */
  hasExpired(session: Session): boolean;
  /** Every key of `emptied` (and those that come into it from `replacedWith`) is about to change. */
  databaseChanges(emptied: Database, replacedWith: Database | null): void;
}

/** What a client listens to: channels by name, channels by a pattern of names, shard channels. */
export type TopicKind = 'channel' | 'pattern' | 'shard';

export interface PubSub {
  subscribe(session: Session, kind: TopicKind, name: Uint8Array): void;
  unsubscribe(session: Session, kind: TopicKind, name: Uint8Array): void;
  /** What the session listens to. */
  namesOf(session: Session, kind: TopicKind): Uint8Array[];
  /** The number that confirmations tell: channels and patterns together, or shard channels. */
  countOf(session: Session, kind: TopicKind): number;
  /** The names that anybody listens to. */
  active(kind: TopicKind): Uint8Array[];
  /** Number of these. */
  size(kind: TopicKind): number;
  /** How many listen to this one. */
  subscribers(kind: TopicKind, name: Uint8Array): number;
  /** Sends the message; returns how many times it was sent. Both are copied. */
  publish(kind: 'channel' | 'shard', channel: Uint8Array, message: Uint8Array): number;
}

/** What waits during CLIENT PAUSE: all commands, or those that write. */
export type PauseKind = 'all' | 'write';

export interface Pausing {
  begin(kind: PauseKind, forMs: number): void;
  end(): void;
}

/** What CLIENT TRACKING ON says. */
export interface TrackingOptions {
  /** Id of the client that gets the messages; 0: the client itself. */
  redirect: number;
  bcast: boolean;
  optin: boolean;
  optout: boolean;
  noloop: boolean;
  /** Byte strings; in BCAST mode none means all keys. */
  prefixes: readonly string[];
}

/** How a client tracks. */
export interface TrackingMode extends TrackingOptions {
  /** CLIENT CACHING was given for the next command or transaction. */
  caching: boolean;
  /** The client that messages are redirected to is gone. */
  broken: boolean;
}

/** Client-side caching. */
export interface Tracking {
  on(session: Session, options: TrackingOptions): void;
  off(session: Session): void;
  /** Databases have been emptied: whoever tracks must drop everything. */
  flushed(): void;
}

/** A row of SLOWLOG GET. */
export interface SlowEntry {
  id: number;
  /** Unix time at which it was added. */
  seconds: number;
  microseconds: number;
  /** As SLOWLOG shows them: cut, and secrets hidden. */
  args: Uint8Array[];
  /** Of the client, as CLIENT LIST has it. */
  address: string;
  name: string;
}

export interface SlowLogFace {
  readonly length: number;
  /** The latest first. */
  latest(count: number): SlowEntry[];
  reset(): void;
}

export interface LatencySample {
  seconds: number;
  milliseconds: number;
}

/** What LATENCY knows about one kind of event. */
export interface LatencyEvent {
  readonly name: string;
  /** Longest since the last reset, in milliseconds. */
  max: number;
  /** Oldest first, at most one a second. */
  readonly samples: LatencySample[];
}

export interface LatencyFace {
  latest(): Iterable<LatencyEvent>;
  history(event: string): readonly LatencySample[];
  /** null: no such event. */
  graph(event: string): string | null;
  doctor(): string;
  /** Forgets these, or all; returns how many there were. */
  reset(events: readonly string[]): number;
}

/** A row of MEMORY STATS. */
export type MemoryStat = readonly [
  name: string,
  value: number | { double: number } | readonly (readonly [string, number])[],
];

export interface MemoryFace {
  stats(): readonly MemoryStat[];
  doctor(): string;
  /** The arena's account of itself. */
  mallocStats(): string;
  /** Gives back what memory can be given back. */
  purge(): void;
}

/** The server's Context: what handlers of the connection, transaction and server families use besides. */
export interface ServerContext extends ConfigContext {
  /** Who runs this command. */
  readonly session: Session;
  readonly commands: CommandTable;
  readonly clients: Clients;
  readonly persistence: Persistence;
  readonly watching: Watching;
  readonly pubsub: PubSub;
  readonly tracking: Tracking;
  readonly pause: Pausing;
  readonly slowLog: SlowLogFace;
  readonly latency: LatencyFace;
  readonly memory: MemoryFace;
  readonly access: AccessControl;
  /** Microseconds since 1970. */
  microseconds(): number;
  /** Makes `db` the session's database. */
  select(session: Session, db: number): void;
  /** The session as it was when it connected (RESET). */
  resetSession(session: Session): void;
  /** Runs a queued command of a transaction, its errors replied. */
  callQueued(command: Command, args: Args): void;
  /** Writes a push that is the command's reply: CLIENT REPLY OFF and SKIP do not keep it back. */
  pushReply(write: (out: ReplyWriter) => void): void;
  /** The session is shown every command from now on. */
  monitor(session: Session): void;
  /** Leaves MULTI: the queue is dropped, watched keys are forgotten. */
  endTransaction(session: Session): void;
  /** The command is propagated even if it changed nothing. */
  propagateAnyway(): void;
  /** Text of INFO. */
  info(sections: readonly string[]): string;
  /**
   * Whether the running command may wait. Not within EXEC or a script, nor while the log is replayed: there it answers at
   * once, as if the time were over.
   */
  readonly mayWait: boolean;
  /**
   * The current client waits until something happens at one of the keys; then its command is executed anew with the
   * arguments `a`, which are copied. When the time is over it gets a null array.
   */
  waitForKeys(a: Args, wait: KeyWait): void;
  /**
   * The current client waits; its reply comes when the function returned is called, once, or by `timedOut` after
   * `timeoutMs` (0: never), or as soon as `look` has one: that is asked when the log was synced, or turned off.
   */
  block(timeoutMs: number, timedOut: Reply | null, look?: Look): (reply: Reply) => void;
  /** Whether there is an append-only log. */
  readonly logsLocally: boolean;
  /** Where the log was when the session changed something for the last time; and whether it is on the disk up to there. */
  readonly lastWrite: number;
  isSynced(position: number): boolean;
  /** New replication ids. */
  changeReplicationId(): void;
  /** Stops the server; `refused` is called when it stays up after all. */
  shutdownFor(options: ShutdownOptions, refused: () => void): void;
  /** Takes a running SHUTDOWN back; false when there is none. */
  abortShutdown(): boolean;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  setActiveExpire(on: boolean): void;
  /** DEBUG PAUSE-CRON. */
  pauseCron(paused: boolean): void;
  /** Keeps the event loop for so long, as DEBUG SLEEP does. */
  sleep(ms: number): void;
  /** Asks another server; nothing else happens until the answer is there or the time is over. */
  exchange(request: PeerRequest): PeerAnswer;
  /** How DUMP writes: `rdb-version` and `rdbcompression`. */
  readonly dumpFormat: DumpFormat;
}

export function serverOf(c: unknown): ServerContext {
  return c as ServerContext;
}
