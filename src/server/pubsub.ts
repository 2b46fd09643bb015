/**
 * Publish and subscribe: who listens to which channels, patterns and shard channels, and the way of a message to them.
 *
 *   publish   the channel's subscribers, then those of each pattern that matches it; a client gets the message once for
 *             every one of its subscriptions that it meets
 *
 * A message is encoded once for each protocol, whatever the number of its receivers, and goes out after the reply of the
 * command that published it (ClientRegistry.push).
 *
 * Invariants:
 *   1. A topic is in its table exactly as long as it has a subscriber.
 *   2. SessionFlag.PUBSUB is set exactly while the client has a subscription.
 */
import { globMatch } from '../base/glob.js';
import type { PubSub as PubSubFace, TopicKind } from '../commands/services.js';
import { type Session, SessionFlag } from '../commands/session.js';
import { ReplyWriter } from '../formats/resp/reply.js';
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

type Send = (client: Client, message: (out: ReplyWriter) => void) => void;

export class PubSub implements PubSubFace {
  private readonly topics = { channel: new Topics(), pattern: new Topics(), shard: new Topics() };
  /** Clients with a subscription. */
  clients = 0;

  constructor(private readonly send: Send) {}

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
      receivers += this.broadcast(topic, encoded([kind === 'shard' ? SMESSAGE : MESSAGE, channel, message]));
    }
    if (kind === 'shard' || this.topics.pattern.size === 0) return receivers;
    for (const pattern of this.topics.pattern) {
      if (!globMatch(pattern.name, channel)) continue;
      receivers += this.broadcast(pattern, encoded([PMESSAGE, pattern.name, channel, message]));
    }
    return receivers;
  }

  private broadcast(topic: Topic, write: (out: ReplyWriter) => void): number {
    for (const client of topic.subscribers) this.send(client, write);
    return topic.subscribers.size;
  }
}

const KINDS = ['channel', 'pattern', 'shard'] as const satisfies TopicKind[];
const MESSAGE = Buffer.from('message');
const SMESSAGE = Buffer.from('smessage');
const PMESSAGE = Buffer.from('pmessage');

const scratch = new ReplyWriter(4096);
/** A larger scratch buffer is not kept. */
const SCRATCH_BYTES_MAX = 1024 * 1024;

/** Writes the parts as a push. What they hold is copied now; the bytes of the other protocol differ in the first one only. */
function encoded(parts: readonly Uint8Array[]): (out: ReplyWriter) => void {
  scratch.resp = 2;
  scratch.pos = 0;
  scratch.push(parts.length);
  for (const part of parts) scratch.bulk(part);
  const bytes = Buffer.from(scratch.buf.subarray(0, scratch.pos));
  if (scratch.buf.length > SCRATCH_BYTES_MAX) scratch.buf = Buffer.allocUnsafeSlow(4096);
  return (out) => {
    const at = out.pos;
    out.rawBytes(bytes);
    if (out.resp === 3) out.buf[at] = PUSH;
  };
}
const PUSH = 62; // >
