/**
 * A client as commands see it: who it is, what it has selected, what it has queued. The server's Client (client.ts in
 * server/) is a Session with a connection; the replay of a log runs on a Session without one.
 */
import type { Args } from '../formats/resp/args.js';
import type { User } from './access/user.js';
import type { TrackingMode } from './services.js';
import type { Command } from './table.js';

/** Bits of `Session.flags`. */
export const SessionFlag = {
  MULTI: 1 << 0,
  /** A watched key was changed: EXEC answers null. */
  DIRTY_CAS: 1 << 1,
  /** A queued command was refused: EXEC is aborted. */
  DIRTY_EXEC: 1 << 2,
  /** The connection closes once the replies so far are out. */
  CLOSE_AFTER_REPLY: 1 << 3,
  REPLY_OFF: 1 << 4,
  /** The next command's reply is left out, then (REPLY_SKIP) this one's. */
  REPLY_SKIP_NEXT: 1 << 5,
  REPLY_SKIP: 1 << 6,
  NO_EVICT: 1 << 7,
  NO_TOUCH: 1 << 8,
  REPLICA: 1 << 9,
  PUBSUB: 1 << 10,
  MONITOR: 1 << 11,
  /** Not a client: the replay of the log, or the primary's stream. Checks for clients do not apply. */
  INTERNAL: 1 << 12,
  CLOSING: 1 << 13,
  /** Waits for something: its next commands are not looked at. */
  BLOCKED: 1 << 14,
  /** Is told which keys it may not keep any longer; `Session.tracking` says how. */
  TRACKING: 1 << 15,
  /** Its user may not do everything: commands are checked. Set by whoever sets the user. */
  RESTRICTED: 1 << 28,
} as const;

export interface Queued {
  command: Command;
  args: Args;
}

/** What MULTI has gathered. */
export interface Transaction {
  queue: Queued[];
  /** The flags of all queued commands, together. */
  flags: number;
  /** Bytes of the queued arguments, and what keeping them costs in all. */
  argumentBytes: number;
  bytes: number;
}

export class Session {
  flags = 0;
  /** Number of the selected database. */
  db = 0;
  /** Protocol: 2 or 3. */
  resp = 2;
  /** CLIENT SETNAME, LIB-NAME and LIB-VER: byte strings. */
  name = '';
  libName = '';
  libVersion = '';
  /** Whose rights it has; null: all of them, without being a user's. */
  user: User | null = null;
  authenticated = true;
  transaction: Transaction | null = null;
  /** Number of watched keys. */
  watching = 0;
  /** Client-side caching, while the client asked for it. */
  tracking: TrackingMode | null = null;
  /** Name of the last command, for CLIENT LIST. */
  lastCommand: Command | null = null;

  constructor(readonly id: number) {}

  /** Nothing about it needs a second look before a command: authenticated, in no special state. */
  get isPlain(): boolean {
    return this.flags === 0 && this.authenticated;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}
