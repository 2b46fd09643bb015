/**
 * From a parsed request to an executed command: looks the command up, refuses what must be refused (in Redis's order, with
 * Redis's words), queues inside MULTI, calls, and propagates what changed.
 *
 *   dispatch   lookup -> arity -> permission -> memory -> disk -> loading -> MULTI queue -> call
 *   call       handler -> reply cut back on error -> effects to the sink -> statistics
 *
 * A handler that throws anything but a CommandError has found a bug of ours: the state is logged and the process ends, as a
 * broken invariant must not reach a file.
 *
 * Hot: `dispatch` and `call` make no object for a command without error.
 */
import { CommandError, TooLargeError } from '../base/errors.js';
import { slotOf } from '../base/histogram.js';
import type { Log } from '../base/log.js';
import { Session, SessionFlag } from '../commands/session.js';
import { type Command, type CommandTable, Flag } from '../commands/table.js';
import { quoted } from '../commands/text.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { CallContext } from './call-context.js';
import type { EffectSink } from './effects.js';
import type { Statistics } from './statistics.js';

export const NO_AUTH = 'NOAUTH Authentication required.';
export const LOADING = 'LOADING Redis is loading the dataset in memory';
const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
const READ_ONLY = "READONLY You can't write against a read only replica.";
const NOT_IN_TRANSACTION = 'ERR Command not allowed inside a transaction';
/** Quick commands that share a reading of the clock. */
const GROUP_MAX = 8;
/** Whoever wants to hear of commands that take less wants to know each one's own time. */
const GROUPED_FROM_MICROSECONDS = 1000;
/** What a queued command costs beyond its arguments' bytes. */
const QUEUED_BYTES = 320;
/** Arguments or replies of this size are no quick command's any more. */
const QUICK_BYTES_MAX = 1024;

/** See Gate.postponed. */
export const PAUSE_ALL = -1;

/** maxmemory (eviction.ts). */
export interface MemoryGuard {
  /** Whether room must be made before a command. */
  readonly asks: boolean;
  /** False: there is none for a command that needs more memory. */
  makeRoom(): boolean;
}

/** What dispatch must know about the rest of the server. Plain fields, kept up to date by whoever changes them. */
export class Gate {
  /** Data is being loaded: most commands are refused. */
  loading = false;
  /** A replica that clients may not write to. */
  readOnly = false;
  /** Why writes must not be taken now (the disk fails), as the error line without `-`; null: they may. */
  writeRefusal: () => string | null = () => null;
  /** Whether the session may use what `enable-debug-command` or `enable-module-command` guards. */
  allows: (guarded: Guarded, session: Session) => boolean = () => true;
  /** Commands with any of these flags are postponed (pause.ts): 0 none, PAUSE_ALL all. */
  postponed = 0;
  /** null: there is no limit, or it is far away. */
  memory: MemoryGuard | null = null;
  /** Whether clients must log in first. */
  needsPassword: () => boolean = () => false;
  /** Why a restricted user's session may not make a request, as the error line without `-`; null: it may. */
  refusal: (session: Session, command: Command, a: Args) => string | null = () => null;
  /** The same for a command of a transaction. */
  refusalAtExec: (session: Session, command: Command, a: Args) => string | null = () => null;

  /** Whether anything but `writeRefusal` may refuse a command of an authenticated client. */
  get asks(): boolean {
    return this.loading || this.readOnly || this.postponed !== 0 || (this.memory?.asks ?? false);
  }
}

export interface DispatchEvents {
  /** A command took so many microseconds, or a little less. `args` is null when they are gone. */
  slow(session: Session, command: Command, args: Args | null, microseconds: number): void;
  /** The command is to be dispatched once the pause is over. */
  postponed(session: Session, args: Args): void;
  /** A command was executed, while `monitored` is set. */
  executed(session: Session, command: Command, args: Args): void;
  /** A bug: log what is known and end the process. */
  crash(error: unknown, session: Session, command: Command, args: Args): void;
}

export class Dispatcher {
  session: Session;
  /** Whether histograms are kept (`latency-tracking`). */
  tracksLatency = true;
  private slowFrom = Number.POSITIVE_INFINITY;
  private groupMax = GROUP_MAX;
  sink: EffectSink;
  /** Whether anybody is shown the commands (MONITOR). */
  monitored = false;
  /** What runs was executed before, and its client has waited since. */
  private repeats = false;
  /** Where the last command ended on the monotonic clock, in ms: the next one begins there. */
  lastMs = 0;
  /** Wall clock = monotonic + this. */
  private wallOffsetMs = 0;
  /** Room is made for a command of the session, which has not begun. */
  isPreparing = false;
  /** Depth of calls: EXEC calls. Effects form one unit until the outermost call is over. */
  private depth = 0;
  private unitOpen = false;
  private errorsBefore = 0;
  /** Commands that ran since the last reading of the clock. */
  private readonly group: Command[] = [];
  private grouped = 0;
  /** Counts changes for save points. */
  changes: { dirty: number } = { dirty: 0 };
  private countedDirty = 0;

  constructor(
    readonly context: CallContext,
    readonly commands: CommandTable,
    readonly statistics: Statistics,
    readonly gate: Gate,
    readonly log: Log,
    sink: EffectSink,
    private readonly clock: { now(): number; monotonic(): number },
    private readonly events: DispatchEvents,
  ) {
    this.sink = sink;
    this.session = new Session(0);
    this.session.flags = SessionFlag.INTERNAL;
    this.syncClock();
  }

  /** From how many microseconds on commands are reported as slow; infinite: none is. */
  get slowFromMicroseconds(): number {
    return this.slowFrom;
  }
  set slowFromMicroseconds(microseconds: number) {
    this.slowFrom = microseconds;
    this.groupMax = microseconds < GROUPED_FROM_MICROSECONDS ? 1 : GROUP_MAX;
  }

  // --- time ------------------------------------------------------------------------------------------------------------

  /** Follows the wall clock where it has moved against the monotonic one. */
  syncClock(): void {
    const mono = this.clock.monotonic();
    const wall = this.clock.now();
    if (Math.abs(Math.floor(mono + this.wallOffsetMs) - wall) > 1) this.wallOffsetMs = wall - mono;
    this.lastMs = mono;
  }

  /** Reads the clock; the following command begins now. Returns monotonic milliseconds. */
  tick(): number {
    this.lastMs = this.clock.monotonic();
    return this.lastMs;
  }

  /** Microseconds since 1970, now. */
  microseconds(): number {
    return Math.floor((this.clock.monotonic() + this.wallOffsetMs) * 1000);
  }

  /** The time on the wall, from the last reading of the clock. */
  private setNow(): void {
    const now = Math.floor(this.lastMs + this.wallOffsetMs);
    const { context } = this;
    if (now !== context.now) {
      context.now = now;
      context.keyspace.setNow(now);
    }
  }

  /** Sets the context's time for work outside of commands (expiry cycle, replay). */
  enterTime(): void {
    this.tick();
    this.setNow();
  }

  // --- dispatch --------------------------------------------------------------------------------------------------------

  /** Makes `session` the one whose commands follow. */
  enter(session: Session): void {
    const { context } = this;
    this.session = session;
    context.out.resp = session.resp;
    context.db = context.keyspace.databases[session.db]!;
    this.tick();
  }

  /** Executes, queues or refuses one request of the session entered. */
  dispatch(a: Args): void {
    const { session, gate } = this;
    const command = this.commands.find(a);
    if (command === null) {
      this.refuseUnknown(a);
      if (session.tracking !== null) endCaching(session, null);
      return;
    }
    session.lastCommand = command;
    // The usual case, without a question that could be answered otherwise only in unusual states.
    if (command.isPlain && session.isPlain && !gate.asks && command.accepts(a.count)) {
      if (!command.needsDisk || gate.writeRefusal() === null) {
        // Within a group the clock has not been read again.
        if (this.grouped === 0) this.setNow();
        this.call(command, a);
        return;
      }
    }
    this.check(command, a);
    if (session.tracking !== null) endCaching(session, command);
  }

  /** All the questions, in Redis's order. */
  private check(command: Command, a: Args): void {
    const { session, gate, context } = this;
    if (!command.accepts(a.count)) {
      return this.reject(command, `ERR wrong number of arguments for '${command.fullName}' command`);
    }
    const { flags } = command;
    if (command.handler === null) return this.refuseUnknown(a);
    const guarded = GUARDED.get(command.rule);
    if (guarded !== undefined && !gate.allows(guarded, session)) return this.reject(command, forbidden(guarded));
    if (!session.authenticated && (flags & Flag.NO_AUTH) === 0 && gate.needsPassword()) {
      return this.reject(command, NO_AUTH);
    }
    const inMulti = (session.flags & SessionFlag.MULTI) !== 0;
    if (inMulti && (flags & Flag.NO_MULTI) !== 0) return this.reject(command, NOT_IN_TRANSACTION);
    if ((session.flags & SessionFlag.RESTRICTED) !== 0) {
      this.setNow();
      const refused = gate.refusal(session, command, a);
      if (refused !== null) return this.reject(command, refused);
    }

    const exec = command.rule === 'exec';
    const carried = exec && session.transaction !== null ? flags | session.transaction.flags : flags;
    if (gate.memory?.asks && !this.makeRoom(gate.memory)) {
      const queued = inMulti && !exec && !ENDS_OR_LEAVES_MULTI.has(command.rule);
      if ((carried & Flag.DENYOOM) !== 0 || queued) return this.reject(command, OUT_OF_MEMORY);
    }
    const writes = (carried & Flag.WRITE) !== 0;
    if (writes || command.needsDisk) {
      const refused = gate.writeRefusal();
      if (refused !== null) return this.reject(command, refused);
    }
    if (writes && gate.readOnly) return this.reject(command, READ_ONLY);
    if (session.has(SessionFlag.PUBSUB) && session.resp === 2 && !WHILE_SUBSCRIBED.has(command.rule)) {
      return this.reject(command, `ERR Can't execute '${command.fullName}': ${ONLY_SUBSCRIBED}`);
    }
    if (gate.loading && (flags & Flag.LOADING) === 0) return this.reject(command, LOADING);

    if (session.has(LISTENERS) && (flags & REACHES_KEYS) !== 0) return this.reject(command, NOT_FOR_REPLICAS);

    if (gate.postponed !== 0 && (gate.postponed === PAUSE_ALL || (carried & gate.postponed) !== 0)) {
      if (!session.has(NEVER_PAUSED)) return this.events.postponed(session, a);
    }
    if (inMulti && !exec && !NOT_QUEUED.has(command.rule)) {
      this.queue(command, a);
      return;
    }
    const start = context.out.pos;
    // What a transaction has replied before CLIENT REPLY OFF in it stays said.
    const keepsReply = exec && !session.has(SILENT);
    this.setNow();
    this.call(command, a);
    if ((session.flags & HOLDS_REPLIES) !== 0) this.holdReply(keepsReply ? context.out.pos : start);
  }

  private makeRoom(memory: MemoryGuard): boolean {
    this.isPreparing = true;
    const made = memory.makeRoom();
    this.isPreparing = false;
    return made;
  }

  /** Executes a command anew whose client has waited. Who may run what is asked again: that may have changed. */
  again(command: Command, a: Args): void {
    this.repeats = true;
    this.check(command, a);
    this.repeats = false;
    if (this.session.tracking !== null) endCaching(this.session, command);
  }

  /** The reply to a command of the session entered that was executed before, and is over now. */
  replyLate(command: Command, reply: (out: ReplyWriter) => void): void {
    const { out } = this.context;
    const start = out.pos;
    reply(out);
    command.calls++;
    this.statistics.commands++;
    if (out.errors !== this.errorsBefore) command.failed++;
    this.countErrors();
    if (this.tracksLatency) command.countLatency(slotOf(0), 1);
    if ((this.session.flags & HOLDS_REPLIES) !== 0) this.holdReply(start);
    if (this.session.tracking !== null) endCaching(this.session, command);
  }

  /** Whether the running command was called by another one, EXEC for example. */
  get isNested(): boolean {
    return this.depth > 1;
  }

  /** CLIENT REPLY OFF and SKIP: the reply is taken back. What they say stays in force while the client waits for its reply. */
  private holdReply(start: number): void {
    const { session } = this;
    if ((session.flags & SessionFlag.BLOCKED) !== 0) return;
    if (session.has(SILENT)) this.context.out.pos = start;
    session.flags &= ~SessionFlag.REPLY_SKIP;
    if ((session.flags & SessionFlag.REPLY_SKIP_NEXT) !== 0) {
      session.flags &= ~SessionFlag.REPLY_SKIP_NEXT;
      session.flags |= SessionFlag.REPLY_SKIP;
    }
  }

  private queue(command: Command, a: Args): void {
    const transaction = this.session.transaction!;
    const args = a.clone();
    transaction.queue.push({ command, args });
    transaction.flags |= command.flags;
    transaction.argumentBytes += args.buf.length;
    transaction.bytes += args.buf.length + QUEUED_BYTES;
    const { out } = this.context;
    const start = out.pos;
    out.raw('+QUEUED\r\n');
    if ((this.session.flags & (SessionFlag.REPLY_OFF | SessionFlag.REPLY_SKIP)) !== 0) this.holdReply(start);
  }

  private refuseUnknown(a: Args): void {
    const { session } = this;
    const container = this.commands.index.find(a, 0);
    if (container === null && (a.is(0, 'HOST:') || a.is(0, 'POST'))) {
      this.log.warning(
        'Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is ' +
          'likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. ' +
          'Connection aborted.',
      );
      session.flags |= SessionFlag.CLOSE_AFTER_REPLY;
      return;
    }
    session.lastCommand = null;
    if (container !== null && a.count >= 2) {
      const known = container.name.toUpperCase();
      return this.reject(null, `ERR unknown subcommand '${quoted(a, 1)}'. Try ${known} HELP.`);
    }
    let rest = '';
    for (let i = 1; i < a.count && rest.length < 128; i++) rest += `'${quoted(a, i, 128 - rest.length)}' `;
    this.reject(null, `ERR unknown command '${quoted(a, 0)}', with args beginning with: ${rest}`);
  }

  /** An error instead of the command; inside MULTI the transaction is spoiled. */
  private reject(command: Command | null, message: string): void {
    const { session } = this;
    const { out } = this.context;
    const start = out.pos;
    if ((session.flags & SessionFlag.MULTI) !== 0) session.flags |= SessionFlag.DIRTY_EXEC;
    if (command !== null) command.rejected++;
    if (command !== null && command.rule === 'exec') {
      this.endTransaction(session);
      message = `EXECABORT Transaction discarded because of: ${message.replace(/^ERR /, '')}`;
    }
    out.error(message);
    this.countErrors();
    if (session.has(SILENT)) this.holdReply(start);
  }

  /** Leaves MULTI and forgets watched keys. */
  endTransaction(session: Session): void {
    session.transaction = null;
    session.flags &= ~(SessionFlag.MULTI | SessionFlag.DIRTY_CAS | SessionFlag.DIRTY_EXEC);
    if (session.watching > 0) this.unwatch(session);
  }

  /** Set by the server. */
  unwatch: (session: Session) => void = () => {};
  /** Told of read-only commands that have run; null while no client caches what it reads. */
  remember: ((session: Session, command: Command, a: Args) => void) | null = null;

  // --- call ------------------------------------------------------------------------------------------------------------

  /** Runs a command of a transaction, unless the user has lost the right to since it was queued. */
  callQueued(command: Command, a: Args): void {
    const { session } = this;
    const { out } = this.context;
    const start = out.pos;
    const isEnded = session.has(SessionFlag.CLOSE_AFTER_REPLY);
    const refused =
      (session.flags & SessionFlag.RESTRICTED) === 0 ? null : this.gate.refusalAtExec(session, command, a);
    if (refused === null) this.call(command, a);
    else out.error(refused);
    if (isEnded || session.has(SILENT)) out.pos = start;
  }

  /** Runs a command whose reply goes to `context.out`, and propagates its effects. */
  call(command: Command, a: Args): void {
    const { context } = this;
    const { out } = context;
    const start = out.pos;
    // A command that may take long has readings of its own.
    if (this.grouped > 0 && !command.isQuick) this.settle(null);
    const begunMs = this.lastMs;
    const dirtyBefore = context.dirty;
    this.countErrors();
    context.isSilent = false;
    context.isForced = false;
    context.listens = this.sink.enabled;
    if (context.rewrites.length > 0) context.rewrites = [];
    const touches = (this.session.flags & SessionFlag.NO_TOUCH) === 0 || command.rule === 'touch';
    context.keyspace.touches = touches;
    this.depth++;
    try {
      command.handler!(context, a);
    } catch (error) {
      out.pos = start;
      if (error instanceof CommandError) out.error(error.message);
      // Whoever only reads leaves nothing half done.
      else if (error instanceof TooLargeError && (command.flags & Flag.READONLY) !== 0) out.error(error.message);
      else this.crashed(error, command, a);
    }
    this.depth--;
    if (out.errors !== this.errorsBefore) {
      this.countErrors();
      command.failed++;
    }
    if (this.remember !== null && (command.flags & Flag.READONLY) !== 0) this.remember(this.session, command, a);
    if ((context.dirty !== dirtyBefore || context.isForced) && !context.isSilent) this.propagate(a);
    if (context.dirty !== this.countedDirty) {
      this.changes.dirty += context.dirty - this.countedDirty;
      this.countedDirty = context.dirty;
    }
    if (this.depth === 0 && this.unitOpen) {
      this.unitOpen = false;
      this.sink.endUnit();
    }
    if (this.monitored && !this.repeats) this.events.executed(this.session, command, a);
    command.calls++;
    this.statistics.commands++;
    if (!command.isQuick) {
      // What it has called (EXEC) settles first.
      if (this.grouped > 0) this.settle(null);
      this.tick();
      const microseconds = (this.lastMs - begunMs) * 1000;
      command.microseconds += microseconds;
      if ((this.session.flags & SessionFlag.BLOCKED) !== 0) {
        // It counts once it is over.
        command.calls--;
        this.statistics.commands--;
        return;
      }
      if (this.tracksLatency) command.countLatency(slotOf(microseconds * 1000), 1);
      if (microseconds >= this.slowFrom) this.events.slow(this.session, command, a, microseconds);
      return;
    }
    // Reading the clock costs as much as a quick command itself, so several of them share a reading.
    this.group[this.grouped++] = command;
    const large = out.pos - start >= QUICK_BYTES_MAX || a.bytesTotal >= QUICK_BYTES_MAX;
    if (large || this.grouped >= this.groupMax) this.settle(a);
  }

  /**
   * Reads the clock, and shares the time since the last reading among the quick commands that ran in it. `a` are the
   * arguments of the last one, or of what came after it; null: they are gone.
   */
  settle(a: Args | null): void {
    const { group, grouped } = this;
    if (grouped === 0) return;
    const begunMs = this.lastMs;
    const microseconds = (this.tick() - begunMs) * 1000;
    this.grouped = 0;
    const share = microseconds / grouped;
    const slot = this.tracksLatency ? slotOf(share * 1000) : -1;
    for (let i = 0; i < grouped; ) {
      const command = group[i]!;
      let end = i + 1;
      while (end < grouped && group[end] === command) end++;
      command.microseconds += share * (end - i);
      if (slot >= 0) command.countLatency(slot, end - i);
      i = end;
    }
    if (microseconds < this.slowFrom) return;
    // What made it slow is nearly always the last one: a group ends with a command that had or wrote much.
    const last = group[grouped - 1]!;
    const known = a !== null && this.commands.find(a) === last;
    this.events.slow(this.session, last, known ? a : null, microseconds);
  }

  private crashed(error: unknown, command: Command, a: Args): void {
    this.context.out.error('ERR internal error');
    this.events.crash(error, this.session, command, a);
  }

  private propagate(a: Args): void {
    const { context, sink } = this;
    if (!sink.enabled) return;
    const { rewrites } = context;
    if (rewrites.length === 0) {
      this.append(context.db.index, a);
    } else {
      // What one command did is there whole or not at all.
      if (rewrites.length > 1) this.unitOpen = true;
      for (const args of rewrites) this.append(context.db.index, args);
      context.rewrites = [];
    }
  }

  /** One effect; inside of a call it belongs to the call's unit, outside it is one of its own. */
  append(db: number, a: Args): void {
    const { sink } = this;
    if (!sink.enabled) return;
    sink.append(db, a);
    if (this.depth === 0 && !this.unitOpen) sink.endUnit();
    else this.unitOpen = true;
  }

  /** Counts the errors that have been replied since the last time, by their first word. */
  private countErrors(): void {
    const { out } = this.context;
    if (out.errors === this.errorsBefore) return;
    this.errorsBefore = out.errors;
    this.statistics.countError(out.lastError);
  }
}

/** CLIENT CACHING is about the next command or transaction, other subcommands of CLIENT aside; until it is over. */
function endCaching(session: Session, command: Command | null): void {
  if ((session.flags & (SessionFlag.MULTI | SessionFlag.BLOCKED)) !== 0 || command?.parent?.spec.name === 'client')
    return;
  session.tracking!.caching = false;
}

/** What a directive may forbid. */
type Guarded = 'debug' | 'module';
const GUARDED: ReadonlyMap<string, Guarded> = new Map([
  ['debug', 'debug'],
  ['module|load', 'module'],
  ['module|loadex', 'module'],
  ['module|unload', 'module'],
]);

function forbidden(guarded: Guarded): string {
  return (
    `ERR ${guarded.toUpperCase()} command not allowed. If the enable-${guarded}-command option is set to "local", you can ` +
    'run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the ' +
    'server.'
  );
}

/** Replies to this client are not sent. */
export const SILENT = SessionFlag.REPLY_OFF | SessionFlag.REPLY_SKIP;
const HOLDS_REPLIES = SILENT | SessionFlag.REPLY_SKIP_NEXT;

/** Not queued inside MULTI; EXEC is asked for apart. */
const NOT_QUEUED: ReadonlySet<string> = new Set(['discard', 'multi', 'watch', 'quit', 'reset']);
/** What a client that listens over RESP2 may ask: its replies must be told from messages. */
const WHILE_SUBSCRIBED: ReadonlySet<string> = new Set([
  ...['subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe', 'ssubscribe', 'sunsubscribe'],
  ...['ping', 'quit', 'reset'],
]);
const ONLY_SUBSCRIBED = 'only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context';
/** A monitor counts as a replica there. */
const LISTENERS = SessionFlag.MONITOR | SessionFlag.REPLICA;
const NEVER_PAUSED = SessionFlag.REPLICA | SessionFlag.INTERNAL;
const REACHES_KEYS = Flag.WRITE | Flag.READONLY | Flag.MAY_REPLICATE;
const NOT_FOR_REPLICAS = "ERR Replica can't interact with the keyspace";
const ENDS_OR_LEAVES_MULTI: ReadonlySet<string> = new Set(['discard', 'quit', 'reset']);
