/**
 * Topics (channels, shard channels, patterns) by their names, which are bytes: found in place, without making a string for
 * each message. A topic is there as long as somebody listens to it.
 *
 *   heads      hash of the name -> topic -> topic with the same hash -> null
 */
import { hashBytes } from '../memory/hash-function.js';
import type { Client } from './client.js';

export class Topic {
  readonly subscribers = new Set<Client>();
  /** The next one with the same hash. */
  next: Topic | null = null;

  constructor(
    readonly name: Uint8Array,
    readonly hash: number,
  ) {}

  isNamed(name: Uint8Array): boolean {
    const own = this.name;
    if (own.length !== name.length) return false;
    for (let i = 0; i < own.length; i++) if (own[i] !== name[i]) return false;
    return true;
  }
}

export class Topics {
  private readonly heads = new Map<number, Topic>();
  size = 0;

  constructor(private readonly hashOf = hashOfName) {}

  find(name: Uint8Array): Topic | null {
    if (this.size === 0) return null;
    let topic = this.heads.get(this.hashOf(name)) ?? null;
    while (topic !== null && !topic.isNamed(name)) topic = topic.next;
    return topic;
  }

  /** The topic of that name, made when there is none; the name is copied. */
  open(name: Uint8Array): Topic {
    const found = this.find(name);
    if (found !== null) return found;
    const hash = this.hashOf(name);
    const topic = new Topic(Uint8Array.from(name), hash);
    topic.next = this.heads.get(hash) ?? null;
    this.heads.set(hash, topic);
    this.size++;
    return topic;
  }

  /** Takes away a topic of this table. */
  remove(topic: Topic): void {
    const head = this.heads.get(topic.hash)!;
    if (head !== topic) {
      let before = head;
      while (before.next !== topic) before = before.next!;
      before.next = topic.next;
    } else if (topic.next === null) {
      this.heads.delete(topic.hash);
    } else {
      this.heads.set(topic.hash, topic.next);
    }
    this.size--;
  }

  *[Symbol.iterator](): IterableIterator<Topic> {
    for (const head of this.heads.values()) {
      for (let topic: Topic | null = head; topic !== null; topic = topic.next) yield topic;
    }
  }
}

/** Of 30 bits: a number that the engine keeps without a box. */
function hashOfName(name: Uint8Array): number {
  return hashBytes(name, 0, name.length) >>> 2;
}
