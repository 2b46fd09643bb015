/** The Context with all that the families of the server use: it passes on to the server's parts. */
import { randomBytes } from 'node:crypto';

import { KeyRight } from '../commands/access/key-access.js';
import type {
  DumpFormat,
  KeyWait,
  Look,
  PeerAnswer,
  PeerRequest,
  Reply,
  ServerContext,
  ShutdownOptions,
} from '../commands/services.js';
import type { Session } from '../commands/session.js';
import { SessionFlag } from '../commands/session.js';
import type { Command, CommandTable } from '../commands/table.js';
import type { Args } from '../formats/resp/args.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Watches } from '../keyspace/watch.js';
import { CallContext } from './call-context.js';
import type { Client } from './client.js';
import type { Server } from './server.js';

export class LiveContext extends CallContext implements ServerContext {
  constructor(
    keyspace: Keyspace,
    watches: Watches<Session>,
    private readonly server: Server,
  ) {
    super(keyspace, watches);
  }

  get session(): Session {
    return this.server.dispatcher.session;
  }
  get commands(): CommandTable {
    return this.server.commands;
  }
  get config() {
    return this.server.configFace;
  }
  get log() {
    return this.server.log;
  }
  get loading(): boolean {
    return this.server.loading;
  }
  get clients() {
    return this.server.clients;
  }
  get persistence() {
    return this.server.persistence;
  }
  get watching() {
    return this.server.watching;
  }
  get pubsub() {
    return this.server.pubsub;
  }
  get pause() {
    return this.server.pause;
  }
  get tracking() {
    return this.server.tracking;
  }
  get slowLog() {
    return this.server.slowLog;
  }
  get latency() {
    return this.server.latency;
  }
  get memory() {
    return this.server.memoryFace;
  }
  get access() {
    return this.server.access;
  }
  exchange(request: PeerRequest): PeerAnswer {
    return this.server.peerLink.exchange(request);
  }
  get dumpFormat(): DumpFormat {
    const { values } = this.server.config;
    return { version: values['rdb-version'] as DumpFormat['version'], compression: values.rdbcompression };
  }

  mayChangeGuarded(): boolean {
    return this.server.isAllowed(this.server.config.values['enable-protected-configs'], this.session);
  }
  userLines(): readonly string[] | null {
    return this.server.access.configLines;
  }
  resetStatistics(): void {
    this.server.resetStatistics();
  }
  microseconds(): number {
    return this.server.microseconds();
  }
  select(session: Session, db: number): void {
    session.db = db;
    this.db = this.keyspace.databases[db]!;
  }
  resetSession(session: Session): void {
    const { server } = this;
    server.dispatcher.endTransaction(session);
    server.pubsub.leaveAll(session);
    server.monitors.remove(session as Client);
    server.tracking.off(session);
    session.flags &= ~(
      SessionFlag.REPLY_OFF |
      SessionFlag.REPLY_SKIP |
      SessionFlag.REPLY_SKIP_NEXT |
      SessionFlag.NO_EVICT |
      SessionFlag.NO_TOUCH
    );
    session.name = '';
    session.resp = 2;
    server.access.admit(session);
    this.select(session, 0);
  }
  callQueued(command: Command, args: Args): void {
    this.server.dispatcher.callQueued(command, args);
  }
  override mayReadEveryKey(a: Args): boolean {
    const { user } = this.session;
    const command = this.commands.find(a);
    return user === null || command === null || user.allowsEveryKey(command, a, KeyRight.READ);
  }
  monitor(session: Session): void {
    if (!session.has(SessionFlag.INTERNAL)) this.server.monitors.add(session as Client);
  }
  pushReply(write: Reply): void {
    const { session } = this;
    const held = session.has(SessionFlag.REPLY_OFF | SessionFlag.REPLY_SKIP);
    if (held) this.server.clients.push(session as Client, write);
    else write(this.out);
  }
  endTransaction(session: Session): void {
    this.server.dispatcher.endTransaction(session);
  }
  info(sections: readonly string[]): string {
    return this.server.info(sections);
  }
  get mayWait(): boolean {
    const { dispatcher } = this.server;
    return !dispatcher.isNested && (dispatcher.session.flags & SessionFlag.INTERNAL) === 0;
  }
  waitForKeys(a: Args, wait: KeyWait): void {
    this.server.clients.waiting.waitForKeys(this.session as Client, a, wait);
  }
  block(timeoutMs: number, timedOut: Reply | null, look: Look | null = null): (reply: Reply) => void {
    return this.server.clients.waiting.block(this.session as Client, timeoutMs, timedOut, look);
  }
  get logsLocally(): boolean {
    return this.server.config.values.appendonly;
  }
  get lastWrite(): number {
    return this.server.clients.writtenAt(this.session as Client);
  }
  isSynced(position: number): boolean {
    const { persistence } = this.server;
    return persistence.aof === 'on' && persistence.appendLog.synced >= position;
  }
  changeReplicationId(): void {
    this.server.replicationId = randomBytes(20).toString('hex');
  }
  shutdownFor(options: ShutdownOptions, refused: () => void): void {
    this.server.shutdownFor(options, refused);
  }
  abortShutdown(): boolean {
    return this.server.abortShutdown();
  }
  setActiveExpire(on: boolean): void {
    this.server.expiry.active = on;
  }
  pauseCron(paused: boolean): void {
    this.server.pauseCron(paused);
  }
  sleep(ms: number): void {
    this.server.sleep(ms);
  }
}
