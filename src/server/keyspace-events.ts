/**
 * Keyspace notifications: what happens to keys, published as messages to whoever subscribed to it.
 *
 *   __keyspace@0__:mykey    del          class K: what happened to this key
 *   __keyevent@0__:del      mykey        class E: which key this happened to
 *
 * `notify-keyspace-events` says which classes of events are published, and in which of the two ways; by default none
 * are. Then the contexts' hooks are null, and an event costs one look at a field.
 */
import type { NotifyClass } from '../commands/context.js';
import { ALL_CLASSES } from '../config/special-kinds.js';
import type { PubSub } from './pubsub.js';

export class KeyspaceEvents {
  private classes: ReadonlySet<string> = new Set();
  private byKey = false;
  private byEvent = false;
  /** The names of events as bytes. */
  private readonly names = new Map<string, Uint8Array>();

  constructor(private readonly pubsub: PubSub) {}

  /** @param flags the value of notify-keyspace-events */
  follow(flags: string): void {
    this.classes = new Set(flags.replace('A', () => ALL_CLASSES));
    this.byKey = this.classes.has('K');
    this.byEvent = this.classes.has('E');
  }

  /** Whether any event is published; of this class. */
  get enabled(): boolean {
    return this.byKey || this.byEvent;
  }
  publishes(cls: NotifyClass): boolean {
    return this.enabled && this.classes.has(cls);
  }

  publish(cls: NotifyClass, event: string, db: number, key: Uint8Array): void {
    const { pubsub } = this;
    if (!pubsub.hasListeners || !this.classes.has(cls)) return;
    let name = this.names.get(event);
    if (name === undefined) {
      name = Buffer.from(event, 'latin1');
      this.names.set(event, name);
    }
    if (this.byKey) pubsub.publish('channel', channel(`__keyspace@${db}__:`, key), name);
    if (this.byEvent) pubsub.publish('channel', channel(`__keyevent@${db}__:`, name), key);
  }
}

function channel(prefix: string, name: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(prefix.length + name.length);
  bytes.write(prefix, 'latin1');
  bytes.set(name, prefix.length);
  return bytes;
}
