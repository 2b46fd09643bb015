/**
 * Where the server listens, from its start on, and how CONFIG SET moves it: a bind or a port that cannot be had is refused
 * with Redis's words, and so is everything that would be set together with it.
 *
 * Opening a socket takes a while, so such a CONFIG SET is answered later. Moves take place one after the other.
 */
import type { Log } from '../base/log.js';
import { type Config, type Pair, type SetOptions, setFailed } from '../config/config.js';
import { ListenError, type Listener } from '../net/listener.js';
import { StartError } from './start-error.js';

/** As of Config.set. */
type Answer = string | null;

export class Whereabouts {
  /** CONFIG SET has named addresses. */
  private boundByCommand = false;
  /** Resolves when the moves so far, and the opening before them, are over. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly listener: Listener,
    private readonly log: Log,
    /** The port is any that is free, whatever the directive says. */
    private readonly anyPort: boolean,
  ) {}

  /** Without a `bind` line only this machine is served: a server that nobody has secured must not be open to the net. */
  private get addresses(): readonly string[] {
    return this.config.given.has('bind') || this.boundByCommand ? this.config.values.bind : ['127.0.0.1', '-::1'];
  }

  /** Begins to listen. Throws StartError when that is not possible, and listens nowhere then. */
  open(): Promise<void> {
    const opened = this.openAll();
    this.last = opened.catch(() => {});
    return opened;
  }

  private async openAll(): Promise<void> {
    const { config, listener, log } = this;
    const { values } = config;
    const backlog = values['tcp-backlog'];
    try {
      if (values.port !== 0 || this.anyPort) {
        await listener.listenTcp(this.addresses, this.anyPort ? 0 : values.port, backlog);
      }
      if (values.unixsocket !== '') {
        await listener.listenUnix(config.path(values.unixsocket), values.unixsocketperm, backlog);
      }
    } catch (error) {
      await listener.close();
      if (!(error instanceof ListenError)) throw error;
      const { address, port, reason, code, cause } = error;
      if (error.isUnix) {
        const line = `Failed opening Unix socket: ${reason}`;
        throw new StartError(line, line, code, cause);
      }
      log.warning(`Warning: Could not create server TCP listening socket ${error.message}`);
      const failed = `Failed listening on port ${port} (tcp)`;
      throw new StartError(`${failed}: ${address}: ${reason}`, `${failed}, aborting.`, code, cause);
    }
    const nowhere = 'Configured to not listen anywhere, exiting.';
    if (!listener.listens) throw new StartError(nowhere, nowhere);
  }

  /** CONFIG SET; see Config.set. A promise where the server has to move first, which it can only for who may wait. */
  set(pairs: readonly Pair[], { mayWait, ...options }: SetOptions & { mayWait: boolean }): Answer | Promise<Answer> {
    const name = pairs.map(([each]) => each.toLowerCase()).find((each) => each === 'port' || each === 'bind');
    if (name === undefined) return this.config.set(pairs, options);
    const values = this.config.preview(pairs, options);
    if (typeof values === 'string') return values;
    if (!mayWait) return setFailed(name, 'the server cannot move within a transaction or a script');
    const done = this.last.then(() => this.moveAndSet(pairs, options, name, values));
    this.last = done.catch(() => {});
    return done;
  }

  /** Nothing is set before the sockets are open: until then everybody sees, and CONFIG REWRITE writes, what holds. */
  private async moveAndSet(
    pairs: readonly Pair[],
    options: SetOptions,
    name: string,
    values: ReadonlyMap<string, unknown>,
  ): Promise<Answer> {
    const { config, listener, log, boundByCommand } = this;
    const { place } = listener;
    const backlog = config.values['tcp-backlog'];
    const bind = values.get('bind') as readonly string[] | undefined;
    const unchangedPort = this.anyPort ? listener.port : config.values.port;
    const port = (values.get('port') as number | undefined) ?? unchangedPort;
    try {
      await listener.moveTcp(bind ?? this.addresses, port, backlog);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      log.warning(`Could not create server TCP listening socket ${error.message}`);
      log.warning(`Failed applying new configuration. Possibly related to new ${name} setting. Nothing has changed.`);
      const reason = 'Unable to listen on this port. Check server logs.';
      return setFailed(name, name === 'port' ? reason : 'Failed to bind to specified addresses.');
    }
    if (bind !== undefined) this.boundByCommand = true;
    const refusal = config.set(pairs, options);
    if (refusal === null) {
      log.notice(`Listening on port ${listener.port}, addresses ${listener.addresses.join(' ')}`);
      return null;
    }
    this.boundByCommand = boundByCommand;
    await listener.moveTcp(place.addresses, place.port, backlog);
    return refusal;
  }
}
