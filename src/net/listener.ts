/**
 * Where connections come from: TCP addresses and a unix socket.
 *
 * An address of the `bind` list is a host name or an IP; `*` is every IPv4 address, `::*` every IPv6 one; with a `-` in
 * front it is left out without complaint when this machine does not have it.
 */
import { chmodSync, existsSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { strerror } from '../base/strerror.js';
import { type Connection, type Endpoints, RawConnection, SocketConnection } from './connection.js';
import { isRawHandle, type RawStreams, rawStreams } from './handle.js';
import { ReadRound } from './read-round.js';

/** Shared by all connections: room for one read. */
const INPUT_BYTES = 64 * 1024;

export class ListenError extends Error {
  override name = 'ListenError';
  /** The system's, such as EADDRINUSE; undefined when no call of it has failed. */
  readonly code: string | undefined;
  readonly isUnix: boolean;
  constructor(
    /** Or a unix socket's path. */
    readonly address: string,
    readonly port: number,
    readonly reason: string,
    {
      cause,
      code = codeOf(cause),
      isUnix = false,
    }: { cause?: unknown; code?: string | undefined; isUnix?: boolean } = {},
  ) {
    super(`${address}:${port}: ${reason}`, { cause });
    this.code = code;
    this.isUnix = isUnix;
  }
}

export interface ListenerEvents {
  /** A new connection, not yet reading. */
  accepted(connection: Connection): void;
  /** A connection could not be accepted. */
  failed(reason: string): void;
  /** An address is left out, which it may be. */
  unavailable(error: ListenError): void;
}

export interface Place {
  readonly addresses: readonly string[];
  /** 0: nowhere. */
  readonly port: number;
}

const NOWHERE: Place = { addresses: [], port: 0 };

/** Longer paths are cut off by the system. Bytes, without the zero behind them. */
const SOCKET_PATH_MAX = process.platform === 'linux' ? 107 : 103;

interface Handle {
  onconnection?: unknown;
}

export class Listener {
  private readonly tcp: Server[] = [];
  private unix: Server | null = null;
  private readonly streams: RawStreams | null;
  private readonly input = new Uint8Array(INPUT_BYTES);
  private readonly round = new ReadRound();
  /** The TCP addresses that are listened on. */
  readonly addresses: string[] = [];
  /** The port of the TCP addresses; 0 without. */
  port = 0;
  private socketPath = '';
  /** What was asked for, optional addresses included. */
  place: Place = NOWHERE;
  /** Resolves when the moves so far are over. */
  private moves: Promise<void> = Promise.resolve();
  private isClosed = false;

  /** @param raw false: ordinary sockets even where the raw handles are at hand */
  constructor(
    private readonly events: ListenerEvents,
    raw = true,
  ) {
    this.streams = raw ? rawStreams() : null;
  }

  /** Listens on every address of the list with the same port (0: one that is free). Throws ListenError. */
  async listenTcp(addresses: readonly string[], port: number, backlog: number): Promise<void> {
    for (const each of addresses) {
      const optional = each.startsWith('-');
      const address = optional ? each.slice(1) : each;
      const host = address === '*' ? '0.0.0.0' : address === '::*' ? '::' : address;
      try {
        const server = await this.listen({ host, port: this.port || port, backlog, ipv6Only: host.includes(':') });
        this.tcp.push(server);
        this.addresses.push(address);
        const bound = server.address();
        if (this.port === 0 && bound !== null && typeof bound === 'object') this.port = bound.port;
      } catch (error) {
        const failure = new ListenError(address, this.port || port, reasonOf(error), { cause: error });
        if (!optional || !UNAVAILABLE.has(failure.code ?? '')) throw failure;
        this.events.unavailable(failure);
      }
    }
    this.place = { addresses, port: this.port || port };
  }

  get listens(): boolean {
    return this.tcp.length > 0 || this.unix !== null;
  }

  /**
   * Listens elsewhere instead, once earlier moves are over. When that is not possible it listens as before, if that still
   * is, and throws ListenError.
   */
  moveTcp(addresses: readonly string[], port: number, backlog: number): Promise<void> {
    const move = this.moves.then(() => this.move({ addresses, port }, backlog));
    this.moves = move.catch(() => {});
    return move;
  }

  private async move(to: Place, backlog: number): Promise<void> {
    const before = this.place;
    if (this.isClosed || (to.port === before.port && to.addresses.join(' ') === before.addresses.join(' '))) return;
    await this.closeTcp();
    try {
      if (to.port !== 0) await this.listenTcp(to.addresses, to.port, backlog);
    } catch (error) {
      await this.closeTcp();
      await this.goBack(before, backlog);
      throw error;
    }
  }

  private async goBack(to: Place, backlog: number): Promise<void> {
    try {
      if (to.port !== 0) await this.listenTcp(to.addresses, to.port, backlog);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      // Somebody has taken it meanwhile.
      this.events.unavailable(error);
    }
  }

  private async closeTcp(): Promise<void> {
    await Promise.all(this.tcp.map(closed));
    this.tcp.length = 0;
    this.addresses.length = 0;
    this.port = 0;
    this.place = NOWHERE;
  }

  /** Listens on a unix socket; `mode` 0 leaves the permissions as they are. A socket file in the way is replaced. */
  async listenUnix(path: string, mode: number, backlog: number): Promise<void> {
    const bytes = Buffer.byteLength(path);
    if (bytes > SOCKET_PATH_MAX) {
      const reason = `unix socket path too long (${bytes}), must be under ${SOCKET_PATH_MAX + 1}`;
      throw new ListenError(path, 0, reason, { isUnix: true });
    }
    try {
      if (statSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
      this.unix = await this.listen({ path, backlog });
      if (mode !== 0) chmodSync(path, mode);
      this.socketPath = path;
    } catch (error) {
      // libuv says EACCES for a folder that is not there.
      const there = existsSync(dirname(path));
      const reason = there ? reasonOf(error) : 'bind: No such file or directory';
      const code = there ? codeOf(error) : 'ENOENT';
      throw new ListenError(path, 0, reason, { cause: error, code, isUnix: true });
    }
  }

  private listen(options: { host?: string; port?: number; path?: string; backlog: number; ipv6Only?: boolean }) {
    return new Promise<Server>((resolve, reject) => {
      const server = createServer({ noDelay: true });
      server.once('error', reject);
      server.listen(options, () => {
        server.off('error', reject);
        server.on('error', (error) => this.events.failed(strerror(error)));
        this.take(server, options.path ?? null);
        resolve(server);
      });
    });
  }

  /** Takes accepted connections from the server: their raw handles if possible, else sockets. */
  private take(server: Server, path: string | null): void {
    const { streams } = this;
    const handle = (server as unknown as { _handle?: Handle })._handle;
    if (streams !== null && handle !== undefined && typeof handle.onconnection === 'function') {
      handle.onconnection = (status: number, client: unknown) => {
        if (status !== 0 || !isRawHandle(client)) this.events.failed(`accept: ${status}`);
        else this.events.accepted(new RawConnection(client, streams, this.input, this.round, endsOf(client, path)));
      };
      return;
    }
    server.on('connection', (socket: Socket) => {
      const ends: Endpoints =
        path !== null
          ? { remote: `${path}:0`, local: `${path}:0`, isUnix: true }
          : {
              remote: addressText(socket.remoteAddress, socket.remotePort),
              local: addressText(socket.localAddress, socket.localPort),
              isUnix: false,
            };
      this.events.accepted(new SocketConnection(socket, ends));
    });
  }

  /** Stops listening. Connections that were accepted stay. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.moves;
    await this.closeTcp();
    if (this.unix === null) return;
    await closed(this.unix);
    this.unix = null;
    try {
      unlinkSync(this.socketPath);
    } catch {
      // Node removes it as well.
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** In Redis's words. */
function reasonOf(error: unknown): string {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === 'getaddrinfo' ? 'Name or service not known' : `bind: ${strerror(error)}`;
}

/** Its callback would wait for the connections as well; the port is free at once. */
function closed(server: Server): Promise<void> {
  server.close();
  return new Promise((done) => setImmediate(done));
}

const UNAVAILABLE = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ENOPROTOOPT', 'EPFNOSUPPORT']);

interface Name {
  address?: string;
  port?: number;
}

function endsOf(
  handle: { getpeername?(out: object): number; getsockname?(out: object): number },
  path: string | null,
): Endpoints {
  if (path !== null) return { remote: `${path}:0`, local: `${path}:0`, isUnix: true };
  const remote: Name = {};
  const local: Name = {};
  handle.getpeername?.(remote);
  handle.getsockname?.(local);
  return {
    remote: addressText(remote.address, remote.port),
    local: addressText(local.address, local.port),
    isUnix: false,
  };
}

function addressText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '?:0';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
