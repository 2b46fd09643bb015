/**
 * What clients cost, and `maxmemory-clients`: when they take more in all, those that take most are closed, until it is enough.
 *
 * Clients are weighed where their memory grows: after their input, and when replies of theirs could not go out. At the end
 * of the turn, when those who read in time have what they were sent, all are weighed anew if it is too much. Classes of
 * memory are powers of two from 32 KB on; the highest class goes first, and in it the largest. Who said CLIENT NO-EVICT ON
 * counts and stays; replicas and the primary do neither.
 *
 * While there is no limit nothing is done but summing up once a second.
 */
import { SessionFlag } from '../commands/session.js';
import type { Client } from './client.js';
import type { Server } from './server.js';

const LIMIT_MIN = 128 * 1024;
const CLASS_MIN = 15;
const CLASS_MAX = 33;

export class ClientMemory {
  /** Bytes of all clients but replicas, as they were at the last look. */
  bytes = 0;
  /** Those of replicas, which maxmemory does not count: what they are sent grows with every key that is evicted. */
  replicaBytes = 0;
  /** Bytes that clients may take together; Infinity: any. */
  private limit = Number.POSITIVE_INFINITY;

  constructor(private readonly server: Server) {}

  /** Follows maxmemory-clients, which may be a part of maxmemory. */
  configure(): void {
    const { values } = this.server.config;
    const setting = Number(values['maxmemory-clients']);
    const bytes = setting >= 0 ? setting : Math.floor((Number(values.maxmemory) * -setting) / 100);
    this.limit = bytes === 0 ? Number.POSITIVE_INFINITY : Math.max(LIMIT_MIN, bytes);
    if (!this.isLimited) return;
    this.measure();
    this.server.turn.schedule();
  }

  get isLimited(): boolean {
    return this.limit !== Number.POSITIVE_INFINITY;
  }

  /** How many clients there are of either kind. */
  get counts(): { normal: number; replicas: number } {
    const { clients } = this.server;
    let replicas = 0;
    for (const client of clients.list()) if (client.type === 'replica') replicas++;
    return { normal: clients.size - replicas, replicas };
  }

  /** Weighs all. */
  measure(): void {
    let bytes = 0;
    let replicaBytes = 0;
    for (const client of this.server.clients.list()) {
      client.weighed = client.bytes;
      if (client.type === 'replica') replicaBytes += client.weighed;
      else bytes += client.weighed;
    }
    this.bytes = bytes;
    this.replicaBytes = replicaBytes;
    this.server.eviction.measure();
  }

  /** The client's memory has changed. */
  weigh(client: Client): void {
    if (!this.isLimited || client.type === 'replica') return;
    const bytes = client.isClosed ? 0 : client.bytes;
    this.bytes += bytes - client.weighed;
    client.weighed = bytes;
    if (this.bytes > this.limit) this.server.turn.schedule();
  }

  /** Between turns: closes clients while they take too much. */
  readonly relieve = (): void => {
    if (this.bytes <= this.limit) return;
    this.measure();
    if (this.bytes <= this.limit) return;
    const { clients, log, statistics } = this.server;
    const victims = [...clients.list()].filter(mayGo);
    victims.sort((a, b) => classOf(b) - classOf(a) || b.weighed - a.weighed);
    for (const client of victims) {
      log.notice(`Evicting client: ${client.describe()}`);
      clients.close(client);
      statistics.evictedClients++;
      if (this.bytes <= this.limit) return;
    }
    log.warning('Over client maxmemory after evicting all evictable clients');
  };
}

function mayGo(client: Client): boolean {
  return client.type !== 'replica' && !client.has(SessionFlag.NO_EVICT);
}

function classOf(client: Client): number {
  return Math.min(CLASS_MAX, Math.max(CLASS_MIN, Math.floor(Math.log2(client.weighed))));
}
