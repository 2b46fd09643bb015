/**
 * Client-side caching: clients that asked for it (CLIENT TRACKING) are told when a key that they may hold changes, so that
 * they drop it.
 *
 *   default mode   reads enter the table   change of a key -> `invalidate [key]` to those who read it, entry forgotten
 *   BCAST          prefixes of keys        changes gather   -> at the end of the turn one `invalidate [keys]` a prefix
 *   flush          `invalidate null` to everybody who tracks
 *
 * A client of RESP3 gets a push; with REDIRECT another client gets it, in RESP2 as a message on `__redis__:invalidate` if it
 * is subscribed to anything. A message about what a command changed follows the command's reply where both go to one client,
 * behind all other messages of the command.
 *
 * While nobody tracks and nothing is remembered, the hooks in the context and the dispatcher are null: commands pay one
 * branch.
 */
import { byteStringOf } from '../base/words.js';
import { keyPositions } from '../commands/key-positions.js';
import type { Tracking as TrackingFace, TrackingOptions } from '../commands/services.js';
import { type Session, SessionFlag } from '../commands/session.js';
import { type Command, Flag } from '../commands/table.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Client } from './client.js';
import type { Server } from './server.js';
import { TrackingTable } from './tracking-table.js';

export const INVALIDATE_CHANNEL = '__redis__:invalidate';

/** Keys forgotten at once when there are too many; as often as that did not do, so many times more. */
const EFFORT = 100;
/** Their own keys are not read; those of the commands that they run are. */
const SCRIPTS: ReadonlySet<string> = new Set(['eval_ro', 'evalsha_ro', 'fcall_ro']);

/** Who follows a prefix, and what has changed under it in this turn: key -> the last one to change it (null: nobody). */
interface Prefix {
  readonly clients: Set<Client>;
  keys: Map<string, Session | null>;
}

type Message = (out: ReplyWriter) => void;

export class Tracking implements TrackingFace {
  readonly table = new TrackingTable();
  private readonly prefixes = new Map<string, Prefix>();
  /** Clients that track, in the order in which they began. */
  private readonly trackers = new Set<Client>();
  /** How often in a row the table could not be brought down to its limit. */
  private overLimit = 0;

  constructor(
    private readonly server: Server,
    private readonly random: () => number = Math.random,
  ) {}

  /** Number of clients that track. */
  get clients(): number {
    return this.trackers.size;
  }
  /** Number of prefixes that anybody follows. */
  get prefixCount(): number {
    return this.prefixes.size;
  }

  // --- on and off ------------------------------------------------------------------------------------------------------

  on(session: Session, options: TrackingOptions): void {
    const client = session as Client;
    const prefixes = client.tracking?.prefixes ?? [];
    client.flags |= SessionFlag.TRACKING;
    client.tracking = { ...options, prefixes, caching: client.tracking?.caching ?? false, broken: false };
    this.trackers.add(client);
    if (options.bcast)
      for (const prefix of options.prefixes.length > 0 ? options.prefixes : ['']) this.follow(client, prefix);
    this.setHooks();
  }

  private follow(client: Client, prefix: string): void {
    let state = this.prefixes.get(prefix);
    if (state === undefined) {
      state = { clients: new Set(), keys: new Map() };
      this.prefixes.set(prefix, state);
    }
    state.clients.add(client);
    const { tracking } = client;
    if (!tracking!.prefixes.includes(prefix)) tracking!.prefixes = [...tracking!.prefixes, prefix].sort();
  }

  off(session: Session): void {
    const client = session as Client;
    if (client.tracking === null) return;
    for (const prefix of client.tracking.prefixes) {
      const { clients } = this.prefixes.get(prefix)!;
      clients.delete(client);
      if (clients.size === 0) this.prefixes.delete(prefix);
    }
    client.tracking = null;
    client.flags &= ~SessionFlag.TRACKING;
    this.trackers.delete(client);
    // Nobody is left to be told.
    if (client.isClosed && this.trackers.size === 0) this.table.clear();
    this.setHooks();
  }

  private setHooks(): void {
    const { context, dispatcher, turn } = this.server;
    const tracks = this.trackers.size > 0;
    context.invalidate = tracks || this.table.size > 0 ? this.changedBySession : null;
    dispatcher.remember = tracks ? this.read : null;
    turn.ending = this.prefixes.size > 0 ? this.broadcast : null;
  }

  // --- what clients read -------------------------------------------------------------------------------------------------

  /** A read-only command of the session has run: it may hold the command's keys from now on. */
  private readonly read = (session: Session, command: Command, a: Args): void => {
    const { tracking } = session;
    if (tracking === null || tracking.bcast) return;
    if (tracking.optin ? !tracking.caching : tracking.optout && tracking.caching) return;
    if (command.has(Flag.PUBSUB) || SCRIPTS.has(command.rule)) return;
    for (const { index } of keyPositions(command.spec, a) ?? []) this.table.remember(a.latin1(index), session.id);
    this.limit();
  };

  /** Forgets keys while there are more than `tracking-table-max-keys`; who may hold them is told to drop them. */
  limit(): void {
    const { table } = this;
    const keysMax = Number(this.server.config.values['tracking-table-max-keys']);
    if (keysMax === 0 || table.size <= keysMax) {
      this.overLimit = 0;
      return;
    }
    for (let effort = EFFORT * (this.overLimit + 1); effort > 0; effort--) {
      this.forget(table.randomKey(this.random));
      if (table.size <= keysMax) {
        this.overLimit = 0;
        return;
      }
    }
    this.overLimit++;
  }

  // --- what changes ------------------------------------------------------------------------------------------------------

  private readonly changedBySession = (key: Uint8Array): void => this.changed(key, this.server.dispatcher.session);

  /** The key is changed or gone. @param by null when nobody did it (its time was over) */
  changed(key: Uint8Array, by: Session | null): void {
    const name = byteStringOf(key);
    if (this.prefixes.size > 0) this.gather(name, by);
    this.forget(name);
    if (this.trackers.size === 0 && this.table.size === 0) this.setHooks();
  }

  private gather(key: string, by: Session | null): void {
    for (const [prefix, { keys }] of this.prefixes) {
      if (!key.startsWith(prefix)) continue;
      keys.set(key, by);
      this.server.turn.schedule();
    }
  }

  /** Tells who may hold the key, and forgets it. */
  private forget(key: string): void {
    const { clients } = this.server;
    for (const id of this.table.take(key)) {
      const client = clients.get(id);
      if (client === undefined || client.tracking === null || client.tracking.bcast) continue;
      const own = client === clients.current;
      if (own && client.tracking.noloop) continue;
      this.tell(client, own, (out) => {
        out.array(1);
        out.bulkText(key, true);
      });
    }
  }

  /** Databases were emptied: what anybody holds may be wrong. */
  flushed(): void {
    this.table.clear();
    this.overLimit = 0;
    for (const client of this.trackers) {
      this.tell(client, client === this.server.clients.current, (out) => {
        out.raw(client.resp < 3 ? '$-1\r\n' : '_\r\n');
      });
    }
    this.setHooks();
  }

  /**
   * The turn ends: the keys that changed under each prefix. The messages belong to this turn: whoever has the reply to a
   * change, and asks one who tracks, must not be faster.
   */
  private readonly broadcast = (): void => {
    for (const prefix of [...this.prefixes.keys()].sort()) {
      const state = this.prefixes.get(prefix)!;
      if (state.keys.size === 0) continue;
      const { keys } = state;
      state.keys = new Map();
      const names = [...keys.keys()].sort();
      for (const client of state.clients) {
        const told = client.tracking!.noloop ? names.filter((name) => keys.get(name) !== client) : names;
        if (told.length > 0) this.tell(client, false, (out) => writeKeys(out, told));
      }
    }
    this.server.clients.settle();
  };

  // --- messages ----------------------------------------------------------------------------------------------------------

  /** @param own it is the client's own command that runs: the message comes last of all */
  private tell(client: Client, own: boolean, value: Message): void {
    if (own && !this.server.dispatcher.isPreparing) this.server.clients.after(() => this.send(client, value));
    else this.send(client, value);
  }

  private send(client: Client, value: Message): void {
    const { clients } = this.server;
    const { tracking } = client;
    const redirect = tracking?.redirect ?? 0;
    const target = redirect === 0 ? client : clients.get(redirect);
    if (target === undefined) {
      if (tracking !== null) tracking.broken = true;
      if (client.resp > 2) clients.push(client, (out) => writeBroken(out, redirect));
      return;
    }
    if (target.resp > 2) {
      clients.push(target, (out) => {
        out.push(2);
        out.bulkText('invalidate', true);
        value(out);
      });
    } else if (redirect !== 0 && target.has(SessionFlag.PUBSUB)) {
      clients.push(target, (out) => {
        out.push(3);
        out.bulkText('message', true);
        out.bulkText(INVALIDATE_CHANNEL, true);
        value(out);
      });
    }
  }
}

function writeKeys(out: ReplyWriter, keys: readonly string[]): void {
  out.array(keys.length);
  for (const key of keys) out.bulkText(key, true);
}

function writeBroken(out: ReplyWriter, redirect: number): void {
  out.push(2);
  out.bulkText('tracking-redir-broken', true);
  out.int(redirect);
}
