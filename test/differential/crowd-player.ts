/**
 * Plays random commands on three connections to each server, some of which wait for others:
 *
 *   a   never waits; its replies are judged as those of a pipeline
 *   b   waits for keys; whatever it gets, and when, must be the same bytes
 *   c   subscribes; as b
 *
 * After each command both servers come to rest before the bytes that arrived are compared: a fourth connection asks twice,
 * and what the server has done for the others is on its way before the second answer.
 */
import { encodeCommand, type RespClient } from '../support/client.js';
import { decodeAll, type Reply, show } from '../support/reply.js';
import type { Server } from '../support/server.js';
import { pause } from '../support/wait.js';
import type { RandomCommand } from './generator.js';
import { Judge, scriptLine } from './judge.js';
import { cleanSlate, type Found, type Player } from './pipeline-player.js';
import type { Protocol } from './script.js';

const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

/** Looks at what arrived before bytes count as different: they may be on their way still. */
const LOOKS = 40;

/** One server's side. */
class Side {
  readonly clients = new Map<Name, RespClient>();
  readonly arrived = new Map<Name, Buffer>();
  private readonly ids = new Map<string, Buffer>();

  private constructor(private readonly control: RespClient) {}

  static async open(server: Server, protocol: Protocol): Promise<Side> {
    const side = new Side(await server.connect());
    await cleanSlate(side.control);
    for (const name of NAMES) {
      const client = await server.connect();
      await client.call('HELLO', protocol);
      side.ids.set(`$${name}`, Buffer.from(String(await client.ask('CLIENT', 'ID'))));
      client.capture();
      side.clients.set(name, client);
      side.arrived.set(name, Buffer.alloc(0));
    }
    return side;
  }

  send({ args, connection }: RandomCommand): void {
    const own = args.map((arg) => this.ids.get(arg.toString('latin1')) ?? arg);
    this.clients.get(connection ?? 'a')!.write(encodeCommand(own));
  }

  /** Everything that the commands so far have caused has arrived. */
  async settle(): Promise<void> {
    for (let i = 0; i < 2; i++) await this.control.call('PING');
    for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
    for (const [name, client] of this.clients) {
      const bytes = client.captured();
      if (bytes.length > 0) this.arrived.set(name, Buffer.concat([this.arrived.get(name)!, bytes]));
    }
  }

  take(): void {
    for (const name of NAMES) this.arrived.set(name, Buffer.alloc(0));
  }

  async close(): Promise<void> {
    await Promise.all([this.control, ...this.clients.values()].map((client) => client.close()));
  }
}

export class CrowdPlayer implements Player {
  constructor(private readonly servers: readonly [Server, Server]) {}

  async play(list: readonly RandomCommand[], protocol: Protocol): Promise<Found | null> {
    const sides = await Promise.all(this.servers.map((server) => Side.open(server, protocol)));
    try {
      return await this.playOn(sides as [Side, Side], list);
    } catch (error) {
      for (const server of this.servers)
        if (!server.running) throw new Error(`${server.command[0]} ended:\n${server.output}`);
      return { index: list.length - 1, text: (error as Error).message };
    } finally {
      await Promise.all(sides.map((side) => side.close()));
    }
  }

  async close(): Promise<void> {}

  private async playOn(sides: [Side, Side], list: readonly RandomCommand[]): Promise<Found | null> {
    const judge = new Judge();
    /** Commands of b that have not been answered. */
    const unanswered: RandomCommand[] = [];
    for (const [index, command] of list.entries()) {
      // When it waits already, the time would run out in the middle of what follows.
      if (command.timesOut && unanswered.length > 0) continue;
      for (const side of sides) side.send(command);
      if (command.connection === 'b') unanswered.push(command);
      const text = await this.compare(sides, command, judge);
      // From there on the data is another one.
      if (text !== null && (servesOtherType(sides, unanswered) || servesReplaced(sides, command))) return null;
      if (text !== null) return { index, text };
      if (judge.apart) return null;
      unanswered.splice(0, decodeAll(sides[0].arrived.get('b')!).length);
      for (const side of sides) side.take();
    }
    return null;
  }

  private async compare(sides: [Side, Side], command: RandomCommand, judge: Judge): Promise<string | null> {
    const waits = command.timesOut === true;
    const [x, y] = sides;
    for (let look = 1; ; look++) {
      await Promise.all(sides.map((side) => side.settle()));
      const same = ['b', 'c'].every((name) => difference(name as Name, x, y, command) === null);
      const answered = sides.every((side) => {
        if (waits) return side.arrived.get('b')!.length > 0;
        return command.connection !== undefined || side.arrived.get('a')!.length > 0;
      });
      if ((same && answered) || look > LOOKS) break;
      await pause(look * 2);
    }
    for (const name of ['b', 'c'] as const) {
      const found = difference(name, x, y, command);
      if (found !== null) return `${scriptLine(command)}\n${found}`;
    }
    const [a, b] = [x.arrived.get('a')!, y.arrived.get('a')!];
    return a.length > 0 || b.length > 0 ? judge.judge(command, a, b) : null;
  }
}

/** What is different in what the client of that name got; null when it is the same. */
function difference(name: Name, redis: Side, onggi: Side, command: RandomCommand): string | null {
  const [a, b] = [redis.arrived.get(name)!, onggi.arrived.get(name)!];
  if (a.equals(b)) return null;
  let [x, y] = [canonical(a), canonical(b)];
  if (name === 'c' && runsAgain(canonical(redis.arrived.get('b')!), canonical(onggi.arrived.get('b')!)))
    [x, y] = [x, y].map((lines) => lines.filter((line) => !MISS.test(line))) as [string[], string[]];
  // What a client's own command tells it stands before the reply in 7.0, behind it in 7.2.
  if (command.connection === name) [x, y] = [messagesLast(x), messagesLast(y)];
  const same = x.length === y.length && x.every((line, i) => line === y[i] || isGone(line, y[i]!));
  return same ? null : `  differs: what ${name} gets\n  redis: ${text(a)}\n  onggi: ${text(b)}`;
}

/**
 * Whether b has waited for several keys, and one that comes before the one served has become something else meanwhile: 7.0
 * does not look, 7.2 answers WRONGTYPE.
 */
function servesOtherType([redis, onggi]: [Side, Side], unanswered: readonly RandomCommand[]): boolean {
  const [a, b] = [redis, onggi].map((side) => decodeAll(side.arrived.get('b')!).map((reply) => show(reply)));
  const at = a!.findIndex((line, i) => line !== b![i]);
  if (at < 0 || !a![at]!.startsWith('[') || !b![at]?.startsWith('-WRONGTYPE ')) return false;
  const words = unanswered[at]?.args.map((arg) => arg.toString('latin1').toUpperCase()) ?? [];
  return /^B(L|R|ZPOP)/.test(words[0] ?? '') && words.length > 3;
}

/** Whether a command has put a list or sorted set in the place of another type: only ours serves who waits for the key. */
function servesReplaced([redis, onggi]: [Side, Side], command: RandomCommand): boolean {
  const [a, b] = [redis, onggi].map((side) => decodeAll(side.arrived.get('b')!));
  if (a!.length > 0 || b!.length === 0 || b![0]!.items === null) return false;
  const words = command.args.map((arg) => arg.toString('latin1').toUpperCase());
  return /STORE$|^(RESTORE|COPY|EXEC)$/.test(words[0]!) || words.some((word) => /^STORE(DIST)?$/.test(word));
}

function messagesLast(lines: readonly string[]): string[] {
  const isMessage = (line: string) => /^>?\["p?message"/.test(line);
  return [...lines.filter((line) => !isMessage(line)), ...lines.filter(isMessage)];
}

/** Whether b's answers tell that 7.2 has run an XREADGROUP again where 7.0 has not. */
function runsAgain(redis: readonly string[], onggi: readonly string[]): boolean {
  return redis.some((line, i) => isGone(line, onggi[i] ?? ''));
}

function isGone(redis: string, onggi: string): boolean {
  return GONE.test(redis) && GONE_72.test(onggi);
}

/** What XREADGROUP answers when the key or the group has gone that it waited for: 7.2 runs the command again. */
const GONE = /^-(UNBLOCKED the stream key|NOGROUP the consumer group this client was blocked on) no longer exists$/;
const GONE_72 = /^-(NOGROUP No such key|WRONGTYPE) /;
/** The event of the key that is looked up then. */
const MISS = /"keymiss"|:keymiss"/;

/**
 * What arrived, in a form that is the same for both servers: messages that one client gets by several patterns come in the
 * order of a hash table.
 */
function canonical(bytes: Buffer): string[] {
  const replies = decodeAll(bytes).map((reply) => ({ text: show(reply), sent: messageOf(reply) }));
  for (let from = 0, to = 1; from < replies.length; from = to, to++) {
    const { sent } = replies[from]!;
    if (sent === null) continue;
    while (to < replies.length && replies[to]!.sent === sent) to++;
    const run = replies.slice(from, to).sort((x, y) => (x.text < y.text ? -1 : 1));
    replies.splice(from, run.length, ...run);
  }
  return replies.map((reply) => reply.text);
}

/** Channel and text of a message that came by a pattern; null for everything else. */
function messageOf(reply: Reply): string | null {
  const { items } = reply;
  return items?.[0]?.bytes?.toString() === 'pmessage' ? `${show(items[2]!)} ${show(items[3]!)}` : null;
}

function text(bytes: Buffer): string {
  const all = decodeAll(bytes).map((reply) => show(reply));
  return all.length === 0 ? 'nothing' : all.join(' ').slice(-600);
}
