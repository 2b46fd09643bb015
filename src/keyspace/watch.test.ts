import { describe, expect, it } from 'vitest';
import { Encoding } from '../memory/item.js';
import { Keyspace } from './keyspace.js';
import { Watches } from './watch.js';

function setup() {
  const keyspace = new Keyspace({ expired: () => {} }, 2);
  const told: string[] = [];
  const watches = new Watches<string>(keyspace.databases, (watcher) => {
    told.push(watcher);
    watches.unwatch(watcher);
  });
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));
  const [a, b] = keyspace.databases as [(typeof keyspace.databases)[0], (typeof keyspace.databases)[0]];
  const set = (db: typeof a, key: string, expireAtMs = Number.NaN) =>
    db.setString(bytes(key), 0, key.length, bytes('v'), 0, 1, Encoding.EMBSTR, expireAtMs);
  keyspace.setNow(1000);
  return { keyspace, watches, told, bytes, a, b, set };
}

describe('watched keys', () => {
  it('tell everybody who watches them, once', () => {
    const { watches, told, bytes } = setup();
    expect(watches.isEmpty).toBe(true);
    watches.watch('x', 0, bytes('k'));
    watches.watch('y', 0, bytes('k'));
    expect(watches.watch('x', 0, bytes('k'))).toBe(false);
    watches.watch('x', 0, bytes('other'));
    watches.touch(0, bytes('nobody'));
    watches.touch(1, bytes('k'));
    expect(told).toEqual([]);
    watches.touch(0, bytes('k'));
    watches.touch(0, bytes('k'));
    watches.touch(0, bytes('other'));
    expect(told).toEqual(['x', 'y']);
    expect(watches.isEmpty).toBe(true);
  });

  it('are copied: the buffer they came in may be used again', () => {
    const { watches, told } = setup();
    const buffer = Buffer.from('k');
    watches.watch('x', 0, buffer);
    buffer[0] = 122;
    watches.touch(0, Buffer.from('k'));
    expect(told).toEqual(['x']);
  });

  it('are changed by their expiry', () => {
    const { keyspace, watches, bytes, a, set } = setup();
    set(a, 'k', 2000);
    watches.watch('x', 0, bytes('k'));
    expect(watches.hasExpired('x')).toBe(false);
    keyspace.setNow(2001);
    expect(watches.hasExpired('x')).toBe(true);
  });

  it('that had expired already are not changed by being deleted at last, but by being set', () => {
    const { keyspace, watches, told, bytes, a, set } = setup();
    set(a, 'k', 2000);
    keyspace.setNow(3000);
    watches.watch('x', 0, bytes('k'));
    expect(watches.hasExpired('x')).toBe(false);
    a.delete(bytes('k'), 0, 1);
    watches.touch(0, bytes('k'));
    expect(told).toEqual([]);
    set(a, 'k');
    watches.touch(0, bytes('k'));
    expect(told).toEqual(['x']);
  });

  it('that had expired already are told of what comes after they are gone at last', () => {
    const { keyspace, watches, told, bytes, a, set } = setup();
    set(a, 'k', 2000);
    keyspace.setNow(3000);
    watches.watch('x', 0, bytes('k'));
    watches.goes(0, bytes('k'));
    expect(told).toEqual([]);
    // The key is there again: INCR, say.
    set(a, 'k');
    watches.touch(0, bytes('k'));
    expect(told).toEqual(['x']);
    watches.watch('y', 0, bytes('k'));
    watches.goes(0, bytes('k'));
    expect(told).toEqual(['x', 'y']);
  });

  it('are changed by a flush when they exist, and only those of the database', () => {
    const { watches, told, bytes, a, b, set } = setup();
    set(a, 'k');
    set(b, 'k');
    watches.watch('x', 0, bytes('k'));
    watches.watch('y', 0, bytes('missing'));
    watches.watch('z', 1, bytes('k'));
    watches.touchDatabase(a, null);
    expect(told).toEqual(['x']);
    expect(b.size).toBe(1);
  });

  it('are changed by an exchange of databases when they are in one of them', () => {
    const { watches, told, bytes, a, b, set } = setup();
    set(b, 'comes');
    set(a, 'goes');
    watches.watch('x', 0, bytes('comes'));
    watches.watch('y', 0, bytes('goes'));
    watches.watch('z', 0, bytes('neither'));
    watches.touchDatabase(a, b);
    watches.touchDatabase(b, a);
    expect(told.sort()).toEqual(['x', 'y']);
  });
});
