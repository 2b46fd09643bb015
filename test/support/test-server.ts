/**
 * A server inside the test's process, without sockets and timers: bytes go in by `Wire.send` and replies come out of it
 * before it returns. Its clock stands still until it is moved.
 */
import { ManualClock } from '../../src/base/clock.js';
import { Config } from '../../src/config/config.js';
import type { Disk } from '../../src/disk/disk.js';
import type { Connection, ConnectionEvents } from '../../src/net/connection.js';
import { Logger } from '../../src/server/log.js';
import { Server } from '../../src/server/server.js';
import { encodeCommand } from './client.js';
import { decodeAll, type Reply } from './reply.js';

export interface TestServerOptions {
  /** Directives of redis.conf. */
  config?: Readonly<Record<string, string | number | boolean>>;
  /** Names of commands that are not there. */
  without?: readonly string[];
  /** Without it everything stays in memory. */
  disk?: Disk;
}

/** A command has ended in an unexpected way: what the server's log says about it. */
export class ServerBug extends Error {
  override name = 'ServerBug';
}

const IGNORE: ConnectionEvents = { data() {}, ended() {}, drained() {} };

export class TestServer {
  readonly clock = new ManualClock();
  readonly server: Server;
  /** Lines of the log since the last look. */
  readonly log: string[] = [];
  private bug: string[] | null = null;
  /** Bytes in the arena without any key. */
  private readonly emptyBytes: number;

  constructor(options: TestServerOptions = {}) {
    const config = new Config({ save: '', 'enable-debug-command': 'yes', port: 0, dir: '/', ...options.config });
    const names = new Set(Server.commandNames());
    for (const name of options.without ?? []) if (names.has(name)) config.renames.push([name, '']);
    const log = new Logger({ level: 'notice', sink: (line) => this.logged(line) });
    const { disk } = options;
    this.server = new Server({
      config,
      log,
      clock: this.clock,
      inMemory: disk === undefined,
      ...(disk === undefined ? {} : { disk }),
    });
    this.server.onCrash = () => {};
    this.emptyBytes = this.server.keyspace.arena.bytesUsed;
  }

  connect(): Wire {
    return new Wire(this);
  }

  private logged(line: string): void {
    if (line.includes('=== BUG')) this.bug = [];
    if (this.bug !== null) this.bug.push(line.replace(/^\S+ \d+ \w+ \d+ [\d:.]+ /, ''));
    if (this.log.length > 1000) this.log.length = 0;
    this.log.push(line);
  }

  /** Throws when a command has met a bug. */
  throwBug(): void {
    if (this.bug !== null) throw new ServerBug(this.bug.join(''));
  }

  /** Ends the turn of the event loop, as the server does by itself when it has sockets. */
  finishTurn(): void {
    this.server.turn.finish();
    this.throwBug();
  }

  /** All clients go away, whatever they wait for. */
  disconnectAll(): void {
    this.server.clients.closeAll();
    this.finishTurn();
  }

  /** Empties all databases at once. */
  flush(): void {
    const { keyspace, watching } = this.server;
    for (const db of keyspace.databases) {
      if (db.size === 0) continue;
      watching.databaseChanges(db, null);
      keyspace.flush(db, false);
    }
  }

  /** Whether exactly the blocks that keys need are allocated; `flush`ed, none are. */
  audit(): void {
    const { keyspace } = this.server;
    keyspace.freeSlice(Number.POSITIVE_INFINITY);
    if (keyspace.size === 0 && keyspace.arena.bytesUsed === this.emptyBytes) return;
    const known = new Set<number>();
    keyspace.blocks((address) => {
      if (known.has(address)) throw new Error(`block ${address} belongs to two values`);
      known.add(address);
    });
    const allocated = keyspace.arena.allocated();
    const lost = allocated.filter((address) => !known.has(address));
    if (lost.length > 0 || allocated.length !== known.size) {
      throw new Error(
        `${allocated.length} blocks are allocated, ${known.size} belong to values, ${lost.length} to none`,
      );
    }
  }
}

/** One end of a connection to a TestServer. */
export class Wire implements Connection {
  readonly remote = '127.0.0.1:1';
  readonly local = '127.0.0.1:2';
  readonly fd = -1;
  readonly isUnix = false;
  readonly pending = 0;
  readonly pieces = 0;
  bytesRead = 0;
  bytesWritten = 0;
  events = IGNORE;
  isClosed = false;
  private out: Buffer[] = [];

  constructor(private readonly to: TestServer) {
    to.server.clients.accept(this);
  }

  /** Bytes from the client; the turn ends after them. Returns what the server has sent since the last look. */
  send(bytes: Uint8Array): Buffer {
    this.feed(bytes);
    this.to.finishTurn();
    return this.received();
  }

  /** As `send`, without the end of the turn. */
  feed(bytes: Uint8Array): void {
    this.bytesRead += bytes.length;
    if (!this.isClosed) this.events.data(bytes, bytes.length);
    this.to.throwBug();
  }

  received(): Buffer {
    const bytes = this.out.length === 1 ? this.out[0]! : Buffer.concat(this.out);
    this.out = [];
    return bytes;
  }

  /** The replies to commands sent in one piece. */
  ask(...commands: readonly (readonly (string | Uint8Array)[])[]): Reply[] {
    return decodeAll(this.send(Buffer.concat(commands.map(encodeCommand))));
  }

  // --- the server's face ---------------------------------------------------------------------------------------------

  start(): void {}
  pause(): void {}
  resume(): void {}
  setKeepAlive(): void {}
  write(buf: Uint8Array, start: number, end: number): boolean {
    this.bytesWritten += end - start;
    this.out.push(Buffer.from(buf.subarray(start, end)));
    return false;
  }
  close(): void {
    this.isClosed = true;
    this.events = IGNORE;
  }
  closeFlushed(): void {
    this.close();
  }
  /** The client goes away. */
  leave(): void {
    this.events.ended(null);
  }
}
