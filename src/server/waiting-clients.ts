/**
 * Clients that wait: for keys (BLPOP, XREAD BLOCK and their like), for the log's fsync (WAITAOF), for replicas, for the end
 * of a SHUTDOWN.
 *
 *   waitForKeys, block  ->  BLOCKED: the client's input is kept, not looked at
 *   a key is ready      ->  its command is executed anew, as if it came now: it replies, or waits again (keyspace/key-waits.ts)
 *   the time is over, CLIENT UNBLOCK, the function that `block` returned  ->  a reply
 *   then                ->  the input that came meanwhile
 *
 * All of that happens between two commands (client-registry.ts), so what a served client takes is logged right behind
 * what woke it.
 *
 * A command that waits counts for INFO when it is over, not when it begins.
 */
import { assert } from '../base/assert.js';
import type { KeyWait, Look, Reply } from '../commands/services.js';
import { SessionFlag } from '../commands/session.js';
import type { Command } from '../commands/table.js';
import type { Args } from '../formats/resp/args.js';
import { KeyWaits, type Place, type Waiter } from '../keyspace/key-waits.js';
import type { ItemType } from '../memory/item.js';
import type { Client } from './client.js';
import type { Server } from './server.js';

/** The longest that a timer runs, in milliseconds: 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What a client waits for. */
export class Wait {
  timer: NodeJS.Timeout | null = null;

  constructor(
    readonly client: Client,
    readonly command: Command,
    /** Monotonic milliseconds; Infinity: it waits forever. */
    readonly untilMs: number,
    /** null: the wait has no end of its own, and CLIENT UNBLOCK does not end it. */
    readonly timedOut: Reply | null,
    readonly look: Look | null,
  ) {}

  /** Of arguments that are kept. */
  get argumentBytes(): number {
    return 0;
  }
}

/** A wait for keys. */
class WaitForKeys extends Wait implements Waiter {
  places: Place[] = [];

  constructor(
    client: Client,
    command: Command,
    untilMs: number,
    readonly args: Args,
    readonly type: ItemType,
    readonly onNoKey: boolean,
  ) {
    super(client, command, untilMs, NIL_ARRAY, null);
  }

  override get argumentBytes(): number {
    return this.args.buf.length;
  }
}

/** A command that came during CLIENT PAUSE. */
class Postponed extends Wait {
  constructor(
    client: Client,
    command: Command,
    readonly args: Args,
  ) {
    super(client, command, Number.POSITIVE_INFINITY, NIL_ARRAY, null);
  }

  override get argumentBytes(): number {
    return this.args.buf.length;
  }
}

const NIL_ARRAY: Reply = (out) => out.nilArray();

export interface WaitingEvents {
  /** `serve` is to be called once the running command is over. */
  ready(): void;
  /** The client's wait is over; its reply is still to be written, between commands. */
  answered(client: Client, command: Command, reply: Reply): void;
  /** A served client's input may be looked at again. */
  served(client: Client): void;
  /** Runs `work` as the client's. */
  runAs(client: Client, work: () => void): void;
}

export class WaitingClients {
  /** Clients that wait for something, and those of them that do not wait forever. */
  count = 0;
  timed = 0;
  readonly keys: KeyWaits<WaitForKeys>;
  private readonly postponed = new Set<Postponed>();
  /** Those with a `look`. */
  private readonly looking = new Set<Wait>();
  /** The client whose command is executed anew. */
  private repeated: WaitForKeys | null = null;

  constructor(
    private readonly server: Server,
    private readonly events: WaitingEvents,
  ) {
    this.keys = new KeyWaits(server.keyspace, () => events.ready());
  }

  // --- beginning ---------------------------------------------------------------------------------------------------------

  /** See ServerContext.block. */
  block(client: Client, timeoutMs: number, timedOut: Reply | null, look: Look | null): (reply: Reply) => void {
    const wait = new Wait(client, client.lastCommand!, this.deadline(timeoutMs), timedOut, look);
    this.begin(client, wait);
    if (look !== null) this.looking.add(wait);
    return (reply) => this.answer(wait, reply);
  }

  /** See ServerContext.waitForKeys. */
  waitForKeys(client: Client, a: Args, { type, firstKey, keys, timeoutMs, onNoKey }: KeyWait): void {
    const { repeated } = this;
    // Who waits again keeps the end of the time that was asked for at first.
    const untilMs = repeated === null ? this.deadline(timeoutMs) : repeated.untilMs;
    const args = repeated?.args === a ? a : a.clone();
    const wait = new WaitForKeys(client, client.lastCommand!, untilMs, args, type, onNoKey);
    this.begin(client, wait);
    const names: Uint8Array[] = [];
    for (let i = 0; i < keys; i++) names.push(args.bytes(firstKey + i));
    this.keys.enter(wait, this.server.keyspace.databases[client.db]!, names);
  }

  /** The client's command is dispatched when the pause is over. */
  postpone(client: Client, a: Args): void {
    const wait = new Postponed(client, client.lastCommand!, a.clone());
    this.begin(client, wait);
    this.postponed.add(wait);
  }

  /** The pause is over: those who came first go first. */
  resumePostponed(): void {
    for (const wait of [...this.postponed]) {
      this.end(wait);
      wait.client.postponed = wait.args;
      this.events.served(wait.client);
    }
  }

  private deadline(timeoutMs: number): number {
    return timeoutMs > 0 ? this.server.clock.monotonic() + timeoutMs : Number.POSITIVE_INFINITY;
  }

  private begin(client: Client, wait: Wait): void {
    assert(client.waiting === null, 'a client waits for one thing');
    client.flags |= SessionFlag.BLOCKED;
    client.waiting = wait;
    this.count++;
    if (wait.untilMs !== Number.POSITIVE_INFINITY) {
      this.timed++;
      this.setTimer(wait);
    }
  }

  private setTimer(wait: Wait): void {
    const leftMs = Math.max(0, wait.untilMs - this.server.clock.monotonic());
    wait.timer = setTimeout(
      () => {
        if (leftMs > TIMER_MAX_MS) this.setTimer(wait);
        else if (wait.timedOut !== null) this.answer(wait, wait.timedOut);
      },
      Math.min(Math.ceil(leftMs), TIMER_MAX_MS),
    );
  }

  // --- ending ------------------------------------------------------------------------------------------------------------

  /** The client, which may be waiting, does not wait any more. */
  stop(client: Client): void {
    const wait = client.waiting;
    if (wait === null) return;
    if (wait instanceof WaitForKeys) this.keys.leave(wait);
    this.end(wait);
  }

  private end(wait: Wait): void {
    const { client } = wait;
    if (wait.timer !== null) {
      clearTimeout(wait.timer);
      this.timed--;
    }
    if (wait.look !== null) this.looking.delete(wait);
    if (wait instanceof Postponed) this.postponed.delete(wait);
    client.waiting = null;
    client.flags &= ~SessionFlag.BLOCKED;
    this.count--;
  }

  private answer(wait: Wait, reply: Reply): void {
    const { client } = wait;
    if (client.waiting !== wait) return;
    this.stop(client);
    this.events.answered(client, wait.command, reply);
  }

  /** CLIENT UNBLOCK: as if the time were over, or with an error. False when the client does not wait. */
  unblock(client: Client, error: string | null): boolean {
    const wait = client.waiting;
    if (wait === null || wait instanceof Postponed || wait.timedOut === null) return false;
    this.answer(wait, error === null ? wait.timedOut : (out) => out.error(error));
    return true;
  }

  /** Whether anybody waits for what `look` tells. */
  get looks(): boolean {
    return this.looking.size > 0;
  }

  /** Something has happened that those with a `look` may wait for. */
  look(): void {
    for (const wait of [...this.looking]) {
      const reply = wait.look!();
      if (reply !== null) this.answer(wait, reply);
    }
  }

  // --- serving -----------------------------------------------------------------------------------------------------------

  /** Between two commands: serves those whose keys are ready. */
  serve(): void {
    this.keys.serve((wait) => this.again(wait));
  }

  private again(wait: WaitForKeys): void {
    const { client, command, args } = wait;
    const { dispatcher } = this.server;
    this.end(wait);
    this.repeated = wait;
    this.events.runAs(client, () => dispatcher.again(command, args));
    this.repeated = null;
    if (!client.has(SessionFlag.BLOCKED)) this.events.served(client);
  }
}
