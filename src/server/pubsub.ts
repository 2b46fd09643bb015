/**
 * Publish and subscribe: who listens to which channels, patterns and shard channels, and the way of a message to them.
 *
 *   publish   the channel's subscribers, then those of each pattern that matches it; a client gets the message once for
 *             every one of its subscriptions that it meets
 *
 * It goes out after the reply of the command that published it (ClientRegistry.pushAll), encoded once for each protocol.
 *
 * Invariants:
 *   1. A topic is in its table exactly as long as it has a subscriber.
 *   2. SessionFlag.PUBSUB is set exactly while the client has a subscription.
 */
import { globMatch } from '../base/glob.js';
import type { PubSub as PubSubFace, TopicKind } from '../commands/services.js';
import { type Session, SessionFlag } from '../commands/session.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Client } from './client.js';
import { type Topic, Topics } from './topics.js';

/** What a subscription costs besides its name: the entry in the client's set and in the topic's. */
const SUBSCRIPTION_BYTES = 128;

/** What one client listens to. */
export class Subscriptions {
  readonly channel = new Set<Topic>();
  readonly pattern = new Set<Topic>();
  readonly shard = new Set<Topic>();
  bytes = 0;

  get count(): number {
    return this.channel.size + this.pattern.size + this.shard.size;
  }
}

type Broadcast = (clients: Iterable<Client>, message: (out: ReplyWriter) => void) => void;

export class PubSub implements PubSubFace {
  private readonly topics = { channel: new Topics(), pattern: new Topics(), shard: new Topics() };
  /** Clients with a subscription. */
  clients = 0;

  constructor(private readonly broadcast: Broadcast) {}

  // --- subscriptions -----------------------------------------------------------------------------------------------------

  subscribe(session: Session, kind: TopicKind, name: Uint8Array): void {
    // The replay of a log has nobody to tell.
    if (session.has(SessionFlag.INTERNAL)) return;
    const client = session as Client;
    client.subscriptions ??= new Subscriptions();
    const own = client.subscriptions;
    const topic = this.topics[kind].open(name);
    if (own[kind].has(topic)) return;
    own[kind].add(topic);
    topic.subscribers.add(client);
    own.bytes += SUBSCRIPTION_BYTES + topic.name.length;
    if (client.has(SessionFlag.PUBSUB)) return;
    client.flags |= SessionFlag.PUBSUB;
    this.clients++;
  }

  unsubscribe(session: Session, kind: TopicKind, name: Uint8Array): void {
    const topic = this.topics[kind].find(name);
    if (topic !== null) this.leave(session as Client, kind, topic);
  }

  private leave(client: Client, kind: TopicKind, topic: Topic): void {
    const own = client.subscriptions ?? null;
    if (own === null || !own[kind].delete(topic)) return;
    own.bytes -= SUBSCRIPTION_BYTES + topic.name.length;
    topic.subscribers.delete(client);
    if (topic.subscribers.size === 0) this.topics[kind].remove(topic);
    if (own.count > 0) return;
    client.subscriptions = null;
    client.flags &= ~SessionFlag.PUBSUB;
    this.clients--;
  }

  /** Takes all of a client's subscriptions away. */
  leaveAll(session: Session): void {
    const client = session as Client;
    for (const kind of KINDS) for (const topic of client.subscriptions?.[kind] ?? []) this.leave(client, kind, topic);
  }

  namesOf(session: Session, kind: TopicKind): Uint8Array[] {
    return Array.from((session as Client).subscriptions?.[kind] ?? [], (topic) => topic.name);
  }

  countOf(session: Session, kind: TopicKind): number {
    const own = (session as Client).subscriptions ?? null;
    if (own === null) return 0;
    return kind === 'shard' ? own.shard.size : own.channel.size + own.pattern.size;
  }

  // --- what there is -----------------------------------------------------------------------------------------------------

  active(kind: TopicKind): Uint8Array[] {
    return Array.from(this.topics[kind], (topic) => topic.name);
  }

  size(kind: TopicKind): number {
    return this.topics[kind].size;
  }

  subscribers(kind: TopicKind, name: Uint8Array): number {
    return this.topics[kind].find(name)?.subscribers.size ?? 0;
  }

  /** Whether a message on some channel can reach anybody. */
  get hasListeners(): boolean {
    return this.topics.channel.size > 0 || this.topics.pattern.size > 0;
  }

  // --- messages ------------------------------------------------------------------------------------------------------------

  publish(kind: 'channel' | 'shard', channel: Uint8Array, message: Uint8Array): number {
    let receivers = 0;
    const topic = this.topics[kind].find(channel);
    if (topic !== null) {
      this.broadcast(topic.subscribers, (out) => {
        out.push(3);
        out.bulk(kind === 'shard' ? SMESSAGE : MESSAGE);
        out.bulk(channel);
        out.bulk(message);
      });
      receivers += topic.subscribers.size;
    }
    if (kind === 'shard' || this.topics.pattern.size === 0) return receivers;
    for (const { name, subscribers } of this.topics.pattern) {
      if (!globMatch(name, channel)) continue;
      this.broadcast(subscribers, (out) => {
        out.push(4);
        out.bulk(PMESSAGE);
        out.bulk(name);
        out.bulk(channel);
        out.bulk(message);
      });
      receivers += subscribers.size;
    }
    return receivers;
  }
}

const KINDS = ['channel', 'pattern', 'shard'] as const satisfies TopicKind[];
const MESSAGE = Buffer.from('message');
const SMESSAGE = Buffer.from('smessage');
const PMESSAGE = Buffer.from('pmessage');
