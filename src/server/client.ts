/**
 * A client: a session with a connection, the parser of its input, and what CLIENT LIST tells about it.
 */
import type { Peer, TrackingMode } from '../commands/services.js';
import { Session, SessionFlag } from '../commands/session.js';
import type { Args } from '../formats/resp/args.js';
import { RequestParser } from '../formats/resp/request.js';
import type { Connection } from '../net/connection.js';
import type { Subscriptions } from './pubsub.js';
import type { Wait } from './waiting-clients.js';

/** The objects of a client without anything that waits: measured, over 4000 of them. */
const CLIENT_BYTES = 4096;
/** Room for offsets of arguments that is not worth counting. */
const ARGS_ROOM_BYTES = 8192;
const WATCH_BYTES = 160;
const PREFIX_BYTES = 64;

export class Client extends Session implements Peer {
  readonly parser = new RequestParser();
  /** Segments of replies that wait for the end of a turn, or for an fsync, and their bytes. */
  unsent = 0;
  unsentBytes = 0;
  /** The count of turns (turn.ts) in which it was served last. */
  countedIn = -1;
  /** `bytes` when they were counted (client-memory.ts). */
  weighed = 0;
  /** Its first segment in the batch that goes out; see Turn. */
  firstSegment = -1;
  /** Something is to be done when its replies are out: close it, or look at its output buffer. */
  attention = false;
  isClosed = false;
  /** What it listens to; null: nothing. */
  subscriptions: Subscriptions | null = null;
  /** What it waits for. */
  waiting: Wait | null = null;
  /** A command that had to wait for the end of CLIENT PAUSE, until it is dispatched. */
  postponed: Args | null = null;
  /** Where the log was when it changed something for the last time; see EffectSink. */
  writtenAt = 0;
  /** Monotonic milliseconds. */
  lastInteractionMs: number;
  /** When its output buffer went over the soft limit; 0 = it is below. */
  overSoftSinceMs = 0;
  commandsProcessed = 0;

  constructor(
    id: number,
    readonly connection: Connection,
    readonly createdMs: number,
    private readonly clock: () => number,
  ) {
    super(id);
    this.lastInteractionMs = createdMs;
  }

  get remote(): string {
    return this.connection.remote;
  }
  get local(): string {
    return this.connection.local;
  }
  get type(): 'normal' | 'master' | 'replica' | 'pubsub' {
    if (this.has(SessionFlag.REPLICA)) return 'replica';
    return this.has(SessionFlag.PUBSUB) ? 'pubsub' : 'normal';
  }
  get ageSeconds(): number {
    return Math.floor((this.clock() - this.createdMs) / 1000);
  }
  get idleSeconds(): number {
    return Math.floor((this.clock() - this.lastInteractionMs) / 1000);
  }
  /** Bytes of replies and messages that have not gone out. */
  get outputBytes(): number {
    return this.unsentBytes + this.connection.pending;
  }

  /** Bytes of arguments that are kept for a command that waits. */
  private get argumentBytes(): number {
    return (this.waiting?.argumentBytes ?? 0) + (this.postponed?.buf.length ?? 0);
  }

  /** Bytes that the client costs: itself, input and output that wait, queued commands, subscriptions. */
  get bytes(): number {
    const { parser } = this;
    // What every client has is in CLIENT_BYTES.
    const offsets = Math.max(0, parser.argsRoomBytes - ARGS_ROOM_BYTES);
    const input = parser.keptCapacity + offsets + this.argumentBytes + (this.transaction?.bytes ?? 0);
    const names = (this.subscriptions?.bytes ?? 0) + this.watching * WATCH_BYTES + prefixBytes(this.tracking);
    return CLIENT_BYTES + input + this.outputBytes + names;
  }

  /** The letters of CLIENT LIST's `flags`. */
  get flagLetters(): string {
    let letters = '';
    if (this.has(SessionFlag.MONITOR)) letters += 'O';
    if (this.has(SessionFlag.REPLICA)) letters += 'S';
    if (this.has(SessionFlag.PUBSUB)) letters += 'P';
    if (this.has(SessionFlag.MULTI)) letters += 'x';
    if (this.has(SessionFlag.BLOCKED)) letters += 'b';
    if (this.tracking !== null) letters += 't';
    if (this.tracking?.broken) letters += 'R';
    if (this.tracking?.bcast) letters += 'B';
    if (this.has(SessionFlag.DIRTY_CAS)) letters += 'd';
    if (this.has(SessionFlag.CLOSE_AFTER_REPLY)) letters += 'c';
    if (this.has(SessionFlag.CLOSING)) letters += 'A';
    if (this.connection.isUnix) letters += 'U';
    if (this.has(SessionFlag.NO_EVICT)) letters += 'e';
    if (this.has(SessionFlag.NO_TOUCH)) letters += 'T';
    return letters === '' ? 'N' : letters;
  }

  describe(): string {
    const { connection, parser, transaction, subscriptions } = this;
    const queued = transaction === null ? -1 : transaction.queue.length;
    return [
      `id=${this.id}`,
      `addr=${this.remote}`,
      `laddr=${this.local}`,
      `fd=${connection.fd}`,
      `name=${this.name}`,
      `age=${this.ageSeconds}`,
      `idle=${this.idleSeconds}`,
      `flags=${this.flagLetters}`,
      `db=${this.db}`,
      `sub=${subscriptions?.channel.size ?? 0}`,
      `psub=${subscriptions?.pattern.size ?? 0}`,
      `ssub=${subscriptions?.shard.size ?? 0}`,
      `multi=${queued}`,
      `qbuf=${parser.pending}`,
      `qbuf-free=${Math.max(0, parser.keptCapacity - parser.pending)}`,
      `argv-mem=${this.argumentBytes}`,
      `multi-mem=${transaction?.bytes ?? 0}`,
      'rbs=0',
      'rbp=0',
      `obl=${this.unsentBytes}`,
      `oll=${connection.pieces}`,
      `omem=${connection.pending}`,
      `tot-mem=${this.bytes}`,
      `events=${connection.pending > 0 ? 'rw' : 'r'}`,
      `cmd=${this.lastCommand?.fullName ?? 'NULL'}`,
      `user=${this.user?.name ?? '(superuser)'}`,
      `redir=${this.tracking?.redirect ?? -1}`,
      `resp=${this.resp}`,
      `lib-name=${this.libName}`,
      `lib-ver=${this.libVersion}`,
    ].join(' ');
  }
}

function prefixBytes(tracking: TrackingMode | null): number {
  let bytes = 0;
  for (const prefix of tracking?.prefixes ?? []) bytes += PREFIX_BYTES + prefix.length;
  return bytes;
}
