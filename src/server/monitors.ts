/**
 * MONITOR: clients that are shown every command that the server executes, one line each.
 *
 *   +1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
 *
 * The time is when the command was done, the database the one selected then; instead of the address stands
 * `unix:<path>` for a client over the unix socket and `lua` for a script. Commands of the flags `admin` and
 * `skip_monitor` are not shown, nor are refused ones; passwords are `(redacted)`. A command inside of MULTI is shown when
 * EXEC runs it, before EXEC itself.
 *
 * A long command's line is sent in pieces: quoted it may be four times as long as the command, and more than one string or
 * buffer can hold.
 */

import { bytesOf, escapeBytes, quoteWord } from '../base/words.js';
import type { Context } from '../commands/context.js';
import { REDACTED, secretsOf } from '../commands/secrets.js';
import type { Session } from '../commands/session.js';
import { SessionFlag } from '../commands/session.js';
import { type Command, Flag } from '../commands/table.js';
import type { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import { Client } from './client.js';

const HIDDEN = Flag.ADMIN | Flag.SKIP_MONITOR;
const SECOND_US = 1_000_000;
/** Commands of more bytes are shown in pieces, of so many bytes of an argument. */
const WHOLE_MAX = 64 * 1024;

export interface MonitorHost {
  send(clients: Iterable<Client>, message: (out: ReplyWriter) => void): void;
  microseconds(): number;
  readonly unixSocket: string;
  readonly context: Context;
  /** Whether there is anybody to show commands to. */
  watched(yes: boolean): void;
}

export class Monitors {
  private readonly clients = new Set<Client>();

  constructor(private readonly host: MonitorHost) {}

  add(client: Client): void {
    client.flags |= SessionFlag.MONITOR;
    this.clients.add(client);
    this.host.watched(true);
  }

  remove(client: Client): void {
    if (!this.clients.delete(client)) return;
    client.flags &= ~SessionFlag.MONITOR;
    this.host.watched(this.clients.size > 0);
  }

  show(session: Session, command: Command, a: Args): void {
    if (command.has(HIDDEN)) return;
    const us = this.host.microseconds();
    const time = `${Math.floor(us / SECOND_US)}.${String(us % SECOND_US).padStart(6, '0')}`;
    const secrets = secretsOf(command.spec, a, this.host.context);
    let text = `+${time} [${session.db} ${this.origin(session)}]`;
    for (let i = 0; i < a.count; i++) {
      if (secrets.includes(i)) text += ` "${REDACTED}"`;
      else if (a.len[i]! <= WHOLE_MAX) text += ` ${quoteWord(a.latin1(i))}`;
      else {
        this.send(bytesOf(`${text} "`));
        this.sendEscaped(a.bytes(i));
        text = '"';
      }
      if (text.length <= WHOLE_MAX) continue;
      this.send(bytesOf(text));
      text = '';
    }
    this.send(bytesOf(`${text}\r\n`));
  }

  private sendEscaped(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += WHOLE_MAX) this.send(escapeBytes(bytes.subarray(at, at + WHOLE_MAX)));
  }

  private send(bytes: Uint8Array): void {
    this.host.send(this.clients, (out) => out.rawBytes(bytes));
  }

  /** Whoever runs commands without a connection of its own is a script. */
  private origin(session: Session): string {
    if (!(session instanceof Client)) return 'lua';
    return session.connection.isUnix ? `unix:${this.host.unixSocket}` : session.remote;
  }
}
