/**
 * Where the server listens, from its start on, and how CONFIG SET moves it: a bind or a port that cannot be had is refused
 * with Redis's words, and everything that was set together with it goes back.
 *
 * Opening a socket takes a while, so such a CONFIG SET is answered later. Moves take place one after the other.
 */
import type { Log } from '../base/log.js';
import { type Config, type Pair, type SetOptions, setFailed } from '../config/config.js';
import { ListenError, type Listener } from '../net/listener.js';

export class Whereabouts {
  /** CONFIG SET has named addresses. */
  private boundByCommand = false;
  /** The change under way is about where to listen. */
  private asked = false;

  constructor(
    private readonly config: Config,
    private readonly listener: Listener,
    private readonly log: Log,
    /** The port is any that is free, whatever the directive says. */
    private readonly anyPort: boolean,
  ) {
    config.onChange('bind', () => {
      this.boundByCommand = true;
    });
    config.onChange(['bind', 'port'], () => {
      this.asked = true;
    });
  }

  /** Without a `bind` line only this machine is served: a server that nobody has secured must not be open to the net. */
  private get addresses(): readonly string[] {
    return this.config.given.has('bind') || this.boundByCommand ? this.config.values.bind : ['127.0.0.1', '-::1'];
  }

  /** Begins to listen. Throws, in Redis's words, when that is not possible, and listens nowhere then. */
  async open(): Promise<void> {
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
      if (!(error instanceof ListenError)) throw error;
      await listener.close();
      if (error.isUnix) throw new Error(`Failed opening Unix socket: ${error.reason}`);
      log.warning(`Warning: Could not create server TCP listening socket ${error.message}`);
      throw new Error(`Failed listening on port ${error.port} (tcp), aborting.`);
    }
    if (!listener.listens) throw new Error('Configured to not listen anywhere, exiting.');
  }

  /** CONFIG SET; see Config.set. A promise where the server has to move first. */
  set(pairs: readonly Pair[], options: SetOptions): string | null | Promise<string | null> {
    const { boundByCommand } = this;
    let undo = () => {};
    this.asked = false;
    const refusal = this.config.set(pairs, {
      ...options,
      made: (takeBack) => {
        undo = takeBack;
      },
    });
    if (refusal !== null) this.boundByCommand = boundByCommand;
    if (refusal !== null || !this.asked) return refusal;
    return this.move(pairs, () => {
      undo();
      this.boundByCommand = boundByCommand;
    });
  }

  private async move(pairs: readonly Pair[], undo: () => void): Promise<string | null> {
    const { config, listener, log } = this;
    const names = pairs.map(([name]) => name.toLowerCase()).filter((name) => name === 'port' || name === 'bind');
    const port = this.anyPort && !names.includes('port') ? listener.port : config.values.port;
    try {
      await listener.moveTcp(this.addresses, port, config.values['tcp-backlog']);
      log.notice(`Listening on port ${listener.port}, addresses ${listener.addresses.join(' ')}`);
      return null;
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      log.warning(`Could not create server TCP listening socket ${error.message}`);
      log.warning('Failed applying new configuration. Restoring previous settings.');
      undo();
      return setFailed(
        names[0]!,
        names[0] === 'port'
          ? 'Unable to listen on this port. Check server logs.'
          : 'Failed to bind to specified addresses.',
      );
    }
  }
}
