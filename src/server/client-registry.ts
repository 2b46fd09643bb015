/**
 * The clients of a server: accepts them, feeds their input to the dispatcher, closes them.
 *
 * Life of a client:
 *   accepted -> reading -> (CLOSE_AFTER_REPLY: no more commands) -> closing -> closed
 *
 * A client is removed from the registry when its connection is closed; replies of it that still wait for the end of a
 * turn, for an fsync or for the peer to read them go out first where the peer can still read them. Meanwhile it is a client
 * like others: it counts, it is listed, and the limits hold for it. Or else whoever asks for much, says that it sends no more
 * and never reads would have memory that nobody sees.
 */

import { byteStringOf, quoteWord } from '../base/words.js';
import type { Clients, Peer, Reply } from '../commands/services.js';
import { SessionFlag } from '../commands/session.js';
import type { Command } from '../commands/table.js';
import { type Connection, isLocal } from '../net/connection.js';
import { Client } from './client.js';
import { ClientMemory } from './client-memory.js';
import { SILENT } from './dispatch.js';
import { Messages } from './messages.js';
import type { Server } from './server.js';
import { TURN_BYTES_MAX } from './turn.js';
import { WaitingClients } from './waiting-clients.js';

interface Answer {
  client: Client;
  reply: Reply;
  command: Command;
}

const PROTECTED =
  'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default ' +
  'user. In this mode connections are only accepted from the loopback interface. If you want to connect from external ' +
  'computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command ' +
  "'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is " +
  'running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make ' +
  'this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration ' +
  "file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server " +
  "manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for " +
  'the default user. NOTE: You only need to do one of the above things in order for the server to start accepting ' +
  'connections from the outside.';
/** What may wait of a client that has yet to authenticate. */
const UNAUTHENTICATED_INPUT_MAX = 1024 * 1024;
const INPUT_SHOWN_MAX = 64;
/** How much of a bad request the log shows. */
const PREVIEW_BYTES = 128;

export class ClientRegistry implements Clients {
  private readonly byId = new Map<number, Client>();
  private nextId = 1;
  private processing = false;
  /** Something is to be done once the running command is over: see `between`. */
  private due = false;
  private readonly messages = new Messages((client) => this.isOver(client));
  /** What is to be done behind the messages of the running command. */
  private later: (() => void)[] = [];
  /** Clients that have stopped waiting, and what they get. */
  private answers: Answer[] = [];
  /** Clients whose input is to be looked at again, once the current client's is done. */
  private readonly resumed: Client[] = [];
  readonly waiting: WaitingClients;
  readonly memory: ClientMemory;
  /** Somebody who waits can be served. */
  private serves = false;
  private held = false;
  /** `context.dirty` where the commands began whose replies are not given to the turn yet. */
  private dirtyBefore = 0;

  constructor(private readonly server: Server) {
    this.memory = new ClientMemory(server);
    const { out } = server.context;
    out.replyMax = () => this.replyMax();
    // The loop over the client's input stops at what is due.
    out.onOverflow = () => this.settleSoon();
    this.waiting = new WaitingClients(server, {
      ready: () => this.serveSoon(),
      answered: (client, command, reply) => {
        this.answers.push({ client, command, reply });
        this.settleSoon();
      },
      served: (client) => this.resumed.push(client),
      runAs: (client, work) => this.runAs(client, work),
    });
  }

  get size(): number {
    return this.byId.size;
  }
  list(): Iterable<Client> {
    return this.byId.values();
  }
  get(id: number): Client | undefined {
    return this.byId.get(id);
  }

  /** The client whose command runs; null outside of commands. */
  get current(): Client | null {
    return this.processing ? (this.server.dispatcher.session as Client) : null;
  }

  // --- coming ------------------------------------------------------------------------------------------------------------

  accept(connection: Connection): void {
    const { server } = this;
    const { statistics, config, log } = server;
    if (this.byId.size >= config.values.maxclients) {
      this.turnAway(connection, 'ERR max number of clients reached');
      return;
    }
    if (config.values['protected-mode'] && server.access.users.default.noPassword && !isLocal(connection)) {
      this.turnAway(connection, PROTECTED);
      return;
    }
    statistics.connections++;
    const now = server.clock.monotonic();
    const client = new Client(this.nextId++, connection, now, () => server.clock.monotonic());
    const keepAlive = config.values['tcp-keepalive'];
    if (keepAlive > 0 && !connection.isUnix) connection.setKeepAlive(keepAlive);
    server.access.admit(client);
    client.parser.bulkMax = server.bulkMax;
    connection.events = {
      data: (buf, len) => this.data(client, buf, len),
      ended: (error) => this.ended(client, error),
      drained: () => this.drained(client),
    };
    this.byId.set(client.id, client);
    if (log.writes('verbose')) log.verbose(`Accepted ${client.remote}`);
    connection.start();
  }

  private turnAway(connection: Connection, error: string): void {
    this.server.statistics.rejectedConnections++;
    const bytes = Buffer.from(`-${error}\r\n`);
    connection.write(bytes, 0, bytes.length);
    connection.closeFlushed();
  }

  // --- input -------------------------------------------------------------------------------------------------------------

  private data(client: Client, buf: Uint8Array, len: number): void {
    const { server } = this;
    const { parser } = client;
    server.statistics.reads++;
    server.statistics.netInputBytes += len;
    // It will not be looked at.
    if ((client.flags & ENDED) !== 0) return;
    parser.feed(buf, 0, len);
    if (this.held) parser.rest();
    else this.process(client);
    if (parser.pending + (client.transaction?.argumentBytes ?? 0) > server.queryBufferMax) this.closeOverInput(client);
    else if (!client.authenticated && parser.pending > UNAUTHENTICATED_INPUT_MAX) this.closeOverInput(client);
    if (this.memory.isLimited) this.memory.weigh(client);
  }

  /** Closes a client that has sent more than it may without giving commands that can be executed. */
  private closeOverInput(client: Client): void {
    const { log, statistics } = this.server;
    const bytes = quoteWord(byteStringOf(client.parser.unconsumed(INPUT_SHOWN_MAX)));
    log.warning(
      `Closing client that reached max query buffer length: ${client.describe()} (qbuf initial bytes: ${bytes})`,
    );
    statistics.queryBufferLimitDisconnections++;
    this.close(client);
  }

  /** Executes the commands that the client's input holds. Hot. */
  private process(client: Client): void {
    const { server } = this;
    const { dispatcher, turn } = server;
    const { out } = turn;
    const { parser } = client;
    // What was said outside of commands goes first.
    if (this.due) this.between();
    let start = this.begin(client);
    this.processing = true;
    client.lastInteractionMs = dispatcher.lastMs;
    while ((client.flags & HALTED) === 0 && parser.next()) {
      dispatcher.dispatch(parser.args);
      if (this.due) {
        dispatcher.settle(parser.args);
        this.end(client, start);
        this.between();
        start = this.begin(client);
      }
      if (out.pos > TURN_BYTES_MAX) {
        dispatcher.settle(parser.args);
        this.end(client, start);
        turn.finish();
        start = this.begin(client);
      }
    }
    dispatcher.settle(parser.args);
    this.processing = false;
    if (parser.error !== null && (client.flags & ENDED) === 0) this.protocolError(client);
    parser.rest();
    if ((client.flags & ENDED) !== 0) client.attention = true;
    this.end(client, start);
    this.processResumed();
  }

  /** What follows is executed for the client, until `end`; returns where its replies begin. */
  private begin(client: Client): number {
    const { dispatcher, turn } = this.server;
    const { out } = turn;
    dispatcher.enter(client);
    this.dirtyBefore = dispatcher.context.dirty;
    out.overflowed = false;
    out.floor = out.pos;
    return out.pos;
  }

  /** The replies since `start` are the client's, and go out once what it has changed is logged. */
  private end(client: Client, start: number): void {
    const { dispatcher, turn } = this.server;
    const changed = dispatcher.context.dirty !== this.dirtyBefore;
    if (changed) client.writtenAt = this.server.sink.position;
    if (turn.out.overflowed) {
      turn.out.pos = start;
      this.closeOverOutput(client);
    }
    if (turn.out.pos > start || client.attention) turn.add(client, start, changed);
    else if (changed) turn.schedule();
  }

  /** Where the log was when the client changed something for the last time; see EffectSink. */
  writtenAt(client: Client): number {
    const isNow = client === this.server.dispatcher.session && this.server.context.dirty !== this.dirtyBefore;
    return isNow ? this.server.sink.position : client.writtenAt;
  }

  // --- between two commands --------------------------------------------------------------------------------------------

  /**
   * Sends a client a message outside of its own replies (pub/sub, invalidations, MONITOR): after the reply of the command
   * that runs, before anything of the next one. What is said while room is made for a command stands in front of its reply.
   */
  push(client: Client, message: Reply): void {
    const { dispatcher, turn } = this.server;
    if (dispatcher.isPreparing && client === dispatcher.session) {
      message(turn.out);
      return;
    }
    this.messages.add(client, message);
    this.settleSoon();
  }

  /** The same message for many. */
  pushAll(clients: Iterable<Client>, message: Reply): void {
    this.messages.addForAll(clients, message);
    this.settleSoon();
  }

  /** `work` is done once the command that runs is over, behind its messages, before anybody is served. */
  after(work: () => void): void {
    this.later.push(work);
    this.settleSoon();
  }

  /** Those who wait are served once the command that runs is over. */
  private serveSoon(): void {
    this.serves = true;
    this.settleSoon();
  }

  /** Outside of commands it is often an expired key that calls, and its deletion is not complete yet. */
  private settleSoon(): void {
    if (!this.due && !this.processing) setImmediate(this.settle);
    this.due = true;
  }

  /** Outside of commands: what is due is done now. */
  readonly settle = (): void => {
    this.between();
    this.processResumed();
  };

  /** After a command: messages go out, then those who waited are answered or served, which may cause more of both. */
  private between(): void {
    const { processing } = this;
    this.processing = true;
    while (this.due) {
      this.due = false;
      this.messages.deliver(this.deliver);
      const { later, answers } = this;
      if (later.length > 0) {
        this.later = [];
        for (const work of later) work();
        this.due = true;
        continue;
      }
      if (answers.length > 0) {
        this.answers = [];
        for (const { client, command, reply } of answers) {
          this.runAs(client, () => this.server.dispatcher.replyLate(command, reply));
          this.resumed.push(client);
        }
      }
      if (this.serves && !this.held) {
        this.serves = false;
        this.waiting.serve();
      }
    }
    this.processing = processing;
  }

  /** Hot where a message has many receivers. */
  private readonly deliver = (client: Client, buf: Uint8Array, from: number, to: number): void => {
    if ((client.flags & ENDED) !== 0) return;
    const { turn } = this.server;
    const { out } = turn;
    // Behind a long reply there may be no room.
    if (out.pos > TURN_BYTES_MAX) turn.finish();
    if (client.isClosed) return;
    const start = out.pos;
    out.enlarge(to - from);
    out.rawBytes(buf, from, to);
    turn.add(client, start, false);
    if (out.pos > TURN_BYTES_MAX) turn.finish();
  };

  /**
   * Runs `work` as the client's, between commands: what it writes goes to the client, and what it changes is logged before.
   * Whoever comes next enters the dispatcher anew.
   */
  runAs(client: Client, work: () => void): void {
    if (client.isClosed) return;
    const start = this.begin(client);
    work();
    this.end(client, start);
    client.lastInteractionMs = this.server.dispatcher.lastMs;
  }

  /** The input that clients sent while they waited. */
  private processResumed(): void {
    while (this.resumed.length > 0 && !this.processing) {
      const client = this.resumed.shift()!;
      if (client.isClosed || this.held) continue;
      if (client.postponed !== null) this.dispatchPostponed(client);
      this.process(client);
    }
  }

  private dispatchPostponed(client: Client): void {
    const { dispatcher } = this.server;
    const args = client.postponed!;
    client.postponed = null;
    this.processing = true;
    this.runAs(client, () => {
      dispatcher.dispatch(args);
      dispatcher.settle(args);
    });
    this.processing = false;
    if (this.due) this.between();
  }

  /** No command is executed until `release`; input is kept. */
  hold(): void {
    this.held = true;
  }
  release(): void {
    this.held = false;
    if (this.serves) this.serveSoon();
    for (const client of [...this.byId.values()]) {
      const waits = client.parser.pending > 0 || client.postponed !== null;
      if (waits && !client.has(HALTED)) this.resumed.push(client);
    }
    this.processResumed();
  }

  /** CLIENT UNBLOCK. */
  unblock(peer: Peer, error: string | null): boolean {
    return this.waiting.unblock(peer as Client, error);
  }

  private protocolError(client: Client): void {
    const { server } = this;
    const { parser } = client;
    if (!client.has(SILENT)) server.turn.out.error(`ERR ${parser.error}`);
    server.statistics.countError('ERR');
    client.flags |= SessionFlag.CLOSE_AFTER_REPLY;
    if (server.log.writes('verbose')) {
      const bytes = Buffer.from(parser.preview(PREVIEW_BYTES)).toString('latin1');
      const shown = bytes.replace(/[^ -~]/g, '.');
      const what = parser.error!.replace('Protocol error: ', '');
      server.log.verbose(
        `Protocol error (${what}) from client: ${client.describe()}. Query buffer during protocol error: '${shown}'`,
      );
    }
  }

  // --- going -------------------------------------------------------------------------------------------------------------

  private ended(client: Client, error: string | null): void {
    const { log } = this.server;
    if (log.writes('verbose')) {
      log.verbose(error === null ? 'Client closed connection' : `Reading from client: ${error}`);
    }
    if (error === null && client.unsent > 0) {
      client.flags |= SessionFlag.CLOSE_AFTER_REPLY;
      client.attention = true;
      return;
    }
    if (error === null) this.closeFlushed(client);
    else this.close(client);
  }

  /** A client's replies are out, and it asked for attention or its connection is slow. */
  sent(client: Client): void {
    if (client.unsent > 0 || client.isClosed) return;
    if ((client.flags & ENDED) !== 0) this.closeFlushed(client);
    else if (!this.checkOutputLimit(client)) this.memory.weigh(client);
  }

  /** Whether output that the client does not take is beyond its class's limits; then it is closed. */
  checkOutputLimit(client: Client): boolean {
    const bytes = client.outputBytes;
    const { server } = this;
    const limit = this.outputLimit(client);
    const hard = limit.hardBytes > 0 && bytes >= limit.hardBytes;
    let soft = limit.softBytes > 0 && bytes >= limit.softBytes;
    if (!soft) {
      client.overSoftSinceMs = 0;
    } else {
      const now = server.clock.monotonic();
      if (client.overSoftSinceMs === 0) client.overSoftSinceMs = now;
      soft = now - client.overSoftSinceMs > limit.softSeconds * 1000;
    }
    if (!hard && !soft) return false;
    this.closeOverOutput(client);
    return true;
  }

  private outputLimit({ type }: Client) {
    const limits = this.server.config.values['client-output-buffer-limit'];
    return type === 'replica' ? limits.replica : type === 'pubsub' ? limits.pubsub : limits.normal;
  }

  private closeOverOutput(client: Client): void {
    if (client.isClosed) return;
    this.noteOverOutput(client);
    this.close(client);
  }

  private noteOverOutput(client: Client): void {
    const { log, statistics } = this.server;
    log.warning(`Client ${client.describe()} scheduled to be closed ASAP for overcoming of output buffer limits.`);
    statistics.outputBufferLimitDisconnections++;
  }

  /** How long the reply may become that is written now. */
  private replyMax(): number {
    const { session } = this.server.dispatcher;
    if (!(session instanceof Client)) return Number.POSITIVE_INFINITY;
    const { hardBytes } = this.outputLimit(session);
    return hardBytes === 0 ? Number.POSITIVE_INFINITY : hardBytes - session.outputBytes;
  }

  /** Whether a client gets no messages any more. It is closed once the running command is over. */
  private isOver(client: Client): boolean {
    if ((client.flags & ENDED) !== 0) return true;
    const { hardBytes } = this.outputLimit(client);
    if (hardBytes === 0 || client.outputBytes < hardBytes) return false;
    client.flags |= SessionFlag.CLOSING;
    this.noteOverOutput(client);
    this.after(() => this.close(client));
    return true;
  }

  /** CLIENT KILL. */
  kill(peer: Peer): void {
    const client = peer as Client;
    if (client === this.server.dispatcher.session) {
      client.flags |= SessionFlag.CLOSE_AFTER_REPLY;
      return;
    }
    this.close(client);
  }

  /** Closes at once; replies that wait are lost. */
  close(client: Client): void {
    if (client.isClosed) return;
    this.forget(client);
    client.connection.close();
  }

  /** Closes once the peer has taken what was written. Nothing more is executed for the client, nor sent to it. */
  private closeFlushed(client: Client): void {
    if (client.isClosed) return;
    client.flags |= SessionFlag.CLOSE_AFTER_REPLY;
    this.waiting.stop(client);
    if (client.connection.pending === 0) this.close(client);
    else if (!this.checkOutputLimit(client)) this.memory.weigh(client);
  }

  private drained(client: Client): void {
    if ((client.flags & ENDED) !== 0 && client.unsent === 0) this.close(client);
  }

  private forget(client: Client): void {
    const { server } = this;
    client.isClosed = true;
    this.waiting.stop(client);
    client.flags |= SessionFlag.CLOSING;
    server.dispatcher.endTransaction(client);
    server.pubsub.leaveAll(client);
    server.monitors.remove(client);
    server.tracking.off(client);
    this.byId.delete(client.id);
    this.memory.weigh(client);
    server.statistics.netOutputBytes += client.connection.bytesWritten;
  }

  closeAll(): void {
    for (const client of [...this.byId.values()]) this.close(client);
  }

  // --- cron --------------------------------------------------------------------------------------------------------------

  /** Closes idle clients and those that stay over their soft limit. */
  checkAll(): void {
    const { server } = this;
    const timeout = server.config.values.timeout;
    this.memory.measure();
    this.memory.relieve();
    for (const client of this.byId.values()) {
      if (timeout > 0 && mayIdleOut(client) && client.idleSeconds > timeout) {
        server.log.verbose('Closing idle client');
        this.close(client);
      } else if (client.outputBytes > 0) {
        this.checkOutputLimit(client);
      }
    }
  }

  /** Bytes that went out to the clients connected now. */
  get bytesWritten(): number {
    let bytes = 0;
    for (const client of this.byId.values()) bytes += client.connection.bytesWritten;
    return bytes;
  }

  /** A directive that parsers hold a copy of was changed. */
  setBulkMax(bytes: number): void {
    for (const client of this.byId.values()) client.parser.bulkMax = bytes;
  }
}

/** Whether the client is closed when it sends nothing for too long. */
function mayIdleOut(client: Client): boolean {
  return client.type === 'normal' && !client.has(SessionFlag.MONITOR | SessionFlag.BLOCKED);
}

const ENDED = SessionFlag.CLOSE_AFTER_REPLY | SessionFlag.CLOSING;
const HALTED = ENDED | SessionFlag.BLOCKED;
