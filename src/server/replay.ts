/**
 * Runs the commands of a log: by their handlers, without clients' checks, without effects. An error that a
 * command answers is told to recovery: it did not answer one when it was logged.
 */
import { CommandError } from '../base/errors.js';
import { Session, SessionFlag } from '../commands/session.js';
import type { Args } from '../formats/resp/args.js';
import { ReplyWriter } from '../formats/resp/reply.js';
import { UnknownCommand } from '../persistence/recovery.js';
import type { Dispatcher } from './dispatch.js';

export class Replay {
  readonly session = new Session(0);
  private readonly out = new ReplyWriter();

  constructor(private readonly dispatcher: Dispatcher) {
    this.session.flags = SessionFlag.INTERNAL;
  }

  /** A new log begins in database 0. */
  reset(): void {
    this.session.db = 0;
  }

  /** Returns null, or the error that the command answers. Throws UnknownCommand. */
  apply(a: Args): string | null {
    const { dispatcher, session } = this;
    const { context } = dispatcher;
    const command = dispatcher.commands.find(a);
    if (command === null || command.handler === null || !command.accepts(a.count))
      throw new UnknownCommand(a.latin1(0));
    const { out, db, dirty, isSilent, isForced } = context;
    const before = dispatcher.session;
    dispatcher.session = session;
    context.out = this.out;
    context.db = context.keyspace.databases[session.db]!;
    context.replaying = true;
    // What the log says about an expired key is said for a key that was there.
    const { keyspace } = context;
    const { expiryInForce } = keyspace;
    keyspace.expiryInForce = false;
    try {
      command.handler(context, a);
      return null;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return error.message;
    } finally {
      dispatcher.session = before;
      context.out = out;
      context.db = db;
      // Changes since the last save count here, too: what is in the log is not in the dump.
      dispatcher.changes.dirty += context.dirty - dirty;
      context.dirty = dirty;
      context.isSilent = isSilent;
      context.isForced = isForced;
      context.replaying = false;
      keyspace.expiryInForce = expiryInForce;
      if (context.rewrites.length > 0) context.rewrites = [];
      this.out.pos = 0;
    }
  }
}
