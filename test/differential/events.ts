/**
 * Plays a section of a script against two servers and compares the keyspace events of every step: a second connection
 * listens to all of them. Replies are not looked at here.
 *
 * Events of a step have arrived when the listener's PING, sent after the step's reply, is answered. Keys expire only when
 * they are met (DEBUG SET-ACTIVE-EXPIRE 0), so that it is the commands that say when.
 */
import type { RespClient } from '../support/client.js';
import { plain } from '../support/reply.js';
import type { Server } from '../support/server.js';
import { type Pair, reset, Side } from './play.js';
import type { Protocol, Section } from './script.js';

/** `set k` of database 0, `3 set k` of another. */
export type Event = string;

class Listener {
  private constructor(private readonly client: RespClient) {}

  static async open(server: Server): Promise<Listener> {
    const client = await server.connect();
    await client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'KEAmn');
    await client.ask('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await client.ask('PSUBSCRIBE', '__key*__:*');
    return new Listener(client);
  }

  /** The events since the last call. What is evicted together is sorted. Throws when an event was not told in both ways. */
  async events(): Promise<Event[]> {
    const { client } = this;
    const byKey: Event[] = [];
    const byEvent: Event[] = [];
    client.write('PING\r\n');
    for (;;) {
      const message = plain(await client.next()) as string[];
      if (message[0] === 'pong') break;
      const [, space, db, name] = /^__key(space|event)@(\d+)__:(.*)$/s.exec(message[2]!)!;
      const prefix = db === '0' ? '' : `${db} `;
      if (space === 'space') byKey.push(`${prefix}${message[3]} ${name}`);
      else byEvent.push(`${prefix}${name} ${message[3]}`);
    }
    if (byKey.join('\n') !== byEvent.join('\n')) throw new Error(`by key ${byKey}, by event ${byEvent}`);
    return byKey.every((event) => /^(\d+ )?evicted /.test(event)) ? byKey.sort() : byKey;
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

export interface EventOptions {
  /** Commands whose events are not compared. */
  known?: (command: string) => boolean;
  /** Events that are not. */
  ignored?: RegExp;
}

export interface Heard {
  /** As text; at most 20. */
  differences: string[];
  /** Number of events that both told. */
  equal: number;
}

export async function compareEvents(
  pair: Pair,
  section: Section,
  protocol: Protocol,
  options: EventOptions = {},
): Promise<Heard> {
  const servers = [pair.oracle, pair.ours];
  await Promise.all(servers.map(reset));
  const listeners = await Promise.all(servers.map((server) => Listener.open(server)));
  const sides = servers.map((server) => new Side(server, protocol));
  const differences: string[] = [];
  let equal = 0;
  try {
    for (const step of section.steps) {
      if (!step.protocols.includes(protocol)) continue;
      await Promise.all([step.mode.ours ? [] : sides[0]!.play(step), step.mode.oracle ? [] : sides[1]!.play(step)]);
      // What is sent without waiting may be executed later: its events count for the next step.
      if (step.mode.send) continue;
      const heard = await Promise.all(listeners.map((listener) => listener.events()));
      const [oracle, ours] = heard.map((events) => events.filter((event) => !options.ignored?.test(event)));
      if (step.mode.ours || step.mode.oracle || step.expect[protocol]) continue;
      if (oracle!.join('\n') === ours!.join('\n')) {
        equal += ours!.length;
        continue;
      }
      if (options.known?.(step.text)) continue;
      differences.push(
        `line ${step.line} [RESP${protocol}] ${step.text}\n  redis: ${oracle!.join(', ')}\n  onggi: ${ours!.join(', ')}`,
      );
      if (differences.length >= 20) break;
    }
  } finally {
    await Promise.all([...listeners, ...sides].map((each) => each.close()));
  }
  return { differences, equal };
}
