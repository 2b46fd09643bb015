/** Client-side caching as applications have it: node-redis's cache over RESP3, and ioredis with a subscriber over RESP2. */
import { Redis } from 'ioredis';
import { BasicClientSideCache, createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Onggi } from '../../src/index.js';
import { eventually } from '../support/wait.js';

let onggi: Onggi;
beforeAll(async () => {
  onggi = await Onggi.start();
});
afterAll(async () => {
  await onggi.stop();
});

describe('node-redis with a client-side cache', () => {
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 1000, evictPolicy: 'LRU' });
  const open = () => createClient({ url: onggi.url, RESP: 3, clientSideCache: cache });
  const openOther = () => createClient({ url: onggi.url });
  let cached: ReturnType<typeof open>;
  let other: ReturnType<typeof openOther>;

  beforeAll(async () => {
    cached = open();
    other = openOther();
    await Promise.all([cached.connect(), other.connect()]);
  });
  afterAll(async () => {
    await Promise.all([cached.close(), other.close()]);
  });

  it('answers from its cache', async () => {
    await other.set('k', '1');
    const before = cache.stats();
    for (let i = 0; i < 10; i++) expect(await cached.get('k')).toBe('1');
    expect(cache.stats().hitCount - before.hitCount).toBe(9);
  });

  it('asks again once another client has changed the key', async () => {
    for (let i = 0; i < 50; i++) {
      await other.set('k', String(i));
      await eventually(async () => (await cached.get('k')) === String(i));
    }
    await other.hSet('h', { a: '1' });
    expect({ ...(await cached.hGetAll('h')) }).toEqual({ a: '1' });
    await other.hIncrBy('h', 'a', 1);
    await eventually(async () => (await cached.hGet('h', 'a')) === '2');
    expect({ ...(await cached.hGetAll('h')) }).toEqual({ a: '2' });
  });

  it('sees what it writes itself', async () => {
    for (let i = 0; i < 50; i++) {
      await cached.set('own', String(i));
      expect(await cached.get('own')).toBe(String(i));
    }
  });

  it('forgets all when the data is flushed, and a key when its time is over', async () => {
    await other.set('k', 'v');
    await eventually(async () => (await cached.get('k')) === 'v');
    await other.flushAll();
    await eventually(async () => (await cached.get('k')) === null);
    await other.set('short', 'v', { expiration: { type: 'PX', value: 300 } });
    expect(await cached.get('short')).toBe('v');
    await eventually(async () => (await cached.get('short')) === null);
  });

  it('is told of nothing any more once it is gone', async () => {
    const extra = createClient({
      url: onggi.url,
      RESP: 3,
      clientSideCache: { ttl: 0, maxEntries: 10, evictPolicy: 'LRU' },
    });
    await extra.connect();
    await extra.get('k');
    await extra.close();
    await other.set('k', 'new');
    const info = String(await other.sendCommand(['INFO', 'clients']));
    expect(info).toMatch(/tracking_clients:1\r/);
  });
});

describe('ioredis with a subscriber for invalidations', () => {
  let reader: Redis;
  let writer: Redis;
  let subscriber: Redis;
  const stale: string[] = [];

  beforeAll(async () => {
    const open = () => new Redis(onggi.port, '127.0.0.1', { protocol: 2, maxRetriesPerRequest: 1 } as object);
    reader = open();
    writer = open();
    subscriber = open();
    const id = await subscriber.client('ID');
    await subscriber.subscribe('__redis__:invalidate');
    subscriber.on('message', (_channel: string, keys: unknown) => {
      if (Array.isArray(keys)) stale.push(...keys.map(String));
      else stale.push(String(keys));
    });
    expect(await reader.client('TRACKING', 'ON', 'REDIRECT', id)).toBe('OK');
    expect(await reader.client('GETREDIR')).toBe(id);
  });
  afterAll(() => {
    for (const client of [reader, writer, subscriber]) client.disconnect();
  });

  it('is told the keys that others change', async () => {
    await reader.mget('a', 'b');
    await writer.mset('a', 1, 'b', 2, 'c', 3);
    await eventually(() => stale.length === 2);
    expect(stale.splice(0)).toEqual(['a', 'b']);
    await reader.get('a');
    await reader.set('a', 'mine');
    await eventually(() => stale.length === 1);
    expect(stale.splice(0)).toEqual(['a']);
  });

  it('is told that everything is gone', async () => {
    await reader.get('a');
    await writer.flushdb();
    await eventually(() => stale.length === 1);
    // As ioredis shows a null in place of the keys.
    expect(stale.splice(0)).toEqual(['']);
  });
});
