/**
 * Publish and subscribe as applications use it: ioredis and node-redis over RESP2 and RESP3, text and binary; the way
 * socket.io's adapter spreads packets over several servers; keyspace events; many clients at once.
 */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Onggi } from '../../src/index.js';
import { eventually } from '../support/wait.js';

/** MessagePack of a packet, as socket.io-redis sends it: not UTF-8. */
const PACKET = Buffer.from('93a6736f636b6574c4041300ff0a0d92a3666f6fcb3ff199999999999a80', 'hex');

describe.each([2, 3] as const)('ioredis over RESP%i', (protocol) => {
  let onggi: Onggi;
  let publisher: Redis;
  const opened: Redis[] = [];
  const open = (): Redis => {
    const redis = new Redis(onggi.port, '127.0.0.1', { protocol, maxRetriesPerRequest: 1 } as object);
    opened.push(redis);
    return redis;
  };

  beforeAll(async () => {
    onggi = await Onggi.start({ config: { 'notify-keyspace-events': 'KEA' } });
    publisher = new Redis(onggi.port, '127.0.0.1', { protocol } as object);
  });
  // At once: ioredis leaves a promise to nobody when a client that subscribes again after CLIENT KILL is disconnected.
  afterEach(() => {
    for (const redis of opened.splice(0)) redis.disconnect();
  });
  afterAll(async () => {
    publisher.disconnect();
    await onggi.stop();
  });

  it('gets messages of channels and patterns, and none after it has left', async () => {
    const redis = open();
    const heard: unknown[] = [];
    redis.on('message', (...message) => heard.push(message));
    redis.on('pmessage', (...message) => heard.push(message));
    expect(await redis.subscribe('news', '소식')).toBe(2);
    expect(await redis.psubscribe('n?ws')).toBe(3);
    expect(await publisher.publish('news', 'one')).toBe(2);
    expect(await publisher.publish('소식', '안녕')).toBe(1);
    expect(await publisher.call('PUBSUB', 'NUMSUB', 'news')).toEqual(['news', 1]);
    // Without names ioredis waits until nothing at all is left, patterns included.
    expect(await redis.unsubscribe('news', '소식')).toBe(1);
    expect(await redis.punsubscribe()).toBe(0);
    expect(await publisher.publish('news', 'two')).toBe(0);
    expect(heard).toEqual([
      ['news', 'one'],
      ['n?ws', 'news', 'one'],
      ['소식', '안녕'],
    ]);
    // It is an ordinary client again.
    expect(await redis.set('k', 'v')).toBe('OK');
  });

  it('gets binary packets of rooms, as behind a socket.io adapter', async () => {
    const servers = [open(), open()];
    const heard: [number, string, string, Buffer][] = [];
    for (const [i, redis] of servers.entries()) {
      redis.on('pmessageBuffer', (pattern, channel, packet) =>
        heard.push([i, String(pattern), String(channel), packet]),
      );
      redis.on('messageBuffer', (channel, packet) => heard.push([i, '', String(channel), packet]));
      await redis.psubscribe('socket.io#/#*');
      await redis.subscribe('socket.io-request#/#', `socket.io-response#/#${i}#`);
    }
    expect(await publisher.call('PUBSUB', 'NUMSUB', 'socket.io-request#/#')).toEqual(['socket.io-request#/#', 2]);
    expect(await publisher.publish('socket.io#/#room#', PACKET)).toBe(2);
    expect(await publisher.publish('socket.io-response#/#1#', PACKET)).toBe(1);
    await eventually(() => heard.length === 3);
    expect(heard.map(([i, pattern, channel]) => [i, pattern, channel]).sort()).toEqual([
      [0, 'socket.io#/#*', 'socket.io#/#room#'],
      [1, '', 'socket.io-response#/#1#'],
      [1, 'socket.io#/#*', 'socket.io#/#room#'],
    ]);
    for (const [, , , packet] of heard) expect(packet.equals(PACKET)).toBe(true);
  });

  it('hears what happens to keys', async () => {
    const redis = open();
    const heard: string[] = [];
    redis.on('pmessage', (_pattern, channel, message) => heard.push(`${channel} ${message}`));
    await redis.psubscribe('__keyevent@0__:*');
    await publisher.lpush('queue', 'a');
    await publisher.rpop('queue');
    await publisher.set('session:1', 'x', 'PX', 30);
    await eventually(() => heard.some((event) => event.includes('expired')));
    expect(heard).toEqual([
      '__keyevent@0__:lpush queue',
      '__keyevent@0__:rpop queue',
      '__keyevent@0__:del queue',
      '__keyevent@0__:set session:1',
      '__keyevent@0__:expire session:1',
      '__keyevent@0__:expired session:1',
    ]);
  });

  it('shows its commands to a monitor', async () => {
    const monitor = await publisher.monitor();
    const seen: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[]) => seen.push(args));
    await publisher.set('watched', 'a "quoted" 한글\n');
    await publisher.get('watched');
    await eventually(() => seen.length >= 2);
    monitor.disconnect();
    expect(seen.map(([name]) => name)).toEqual(['set', 'get']);
    expect(seen[1]).toEqual(['get', 'watched']);
  });

  it('subscribes again by itself after its connection is lost', async () => {
    const redis = open();
    const heard: string[] = [];
    redis.on('message', (_channel, message) => heard.push(message));
    await redis.subscribe('lasting');
    expect(await publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBeGreaterThan(0);
    await eventually(async () => (await publisher.publish('lasting', 'again')) === 1);
    await eventually(() => heard.includes('again'));
  });
});

describe.each([2, 3] as const)('node-redis over RESP%i', (RESP) => {
  let onggi: Onggi;
  const open = () => createClient({ url: onggi.url, RESP });
  let publisher: ReturnType<typeof open>;
  const opened: ReturnType<typeof open>[] = [];
  async function connected(): Promise<ReturnType<typeof open>> {
    const client = open();
    client.on('error', () => {});
    await client.connect();
    opened.push(client);
    return client;
  }

  beforeAll(async () => {
    onggi = await Onggi.start();
    publisher = await connected();
  });
  afterAll(async () => {
    for (const client of opened) client.destroy();
    await onggi.stop();
  });

  it('gets messages of channels, patterns and shard channels, and none after it has left', async () => {
    const client = await connected();
    const heard: string[] = [];
    const listener = (message: string, channel: string) => heard.push(`${channel} ${message}`);
    await client.subscribe(['news', '소식'], listener);
    await client.pSubscribe('n?ws', listener);
    await client.sSubscribe('shard', listener);
    expect(await publisher.publish('news', 'one')).toBe(2);
    expect(await publisher.publish('소식', '안녕')).toBe(1);
    expect(await publisher.sPublish('shard', 'two')).toBe(1);
    expect((await publisher.pubSubChannels()).sort()).toEqual(['news', '소식']);
    expect({ ...(await publisher.pubSubNumSub(['news', 'none'])) }).toEqual({ news: 1, none: 0 });
    expect(await publisher.pubSubNumPat()).toBe(1);
    expect(await publisher.pubSubShardChannels()).toEqual(['shard']);
    await client.unsubscribe();
    await client.pUnsubscribe();
    await client.sUnsubscribe();
    expect(await publisher.publish('news', 'three')).toBe(0);
    expect(heard).toEqual(['news one', 'news one', '소식 안녕', 'shard two']);
    // It is an ordinary client again.
    expect(String(await client.set('k', 'v'))).toBe('OK');
  });

  it('gets binary packets', async () => {
    const client = await connected();
    const heard: Buffer[] = [];
    await client.subscribe('packets', (message) => heard.push(message), true);
    await client.pSubscribe('pack*', (message) => heard.push(message), true);
    expect(await publisher.publish('packets', PACKET)).toBe(2);
    await eventually(() => heard.length === 2);
    for (const packet of heard) expect(packet.equals(PACKET)).toBe(true);
  });

  it('runs commands on a connection that listens, over RESP3', async () => {
    if (RESP === 2) return;
    const client = await connected();
    const heard: string[] = [];
    await client.subscribe('both', (message) => heard.push(message));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? client.publish('both', `${i}`) : client.echo(`${i}`))),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 1 : `${i}`)));
    await eventually(() => heard.length === 100);
    expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => `${2 * i}`));
  });

  it('subscribes again by itself after its connection is lost', async () => {
    const client = await connected();
    const heard: string[] = [];
    await client.subscribe('lasting', (message) => heard.push(message));
    await publisher.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await eventually(async () => (await publisher.publish('lasting', 'again')) === 1);
    await eventually(() => heard.includes('again'));
  });
});

it('two hundred subscribers get a thousand messages each, in order', async () => {
  await using onggi = await Onggi.start();
  const publisher = new Redis(onggi.port, '127.0.0.1');
  const counts: number[] = [];
  const wrong: string[] = [];
  const readers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const redis = new Redis(onggi.port, '127.0.0.1', { protocol: 2 + (i % 2) } as object);
      counts[i] = 0;
      redis.on('message', (_channel, message) => {
        if (Number(message) !== counts[i]++) wrong.push(`${i}: ${message}`);
      });
      await redis.subscribe('stream');
      return redis;
    }),
  );
  for (let n = 0; n < 1000; n += 100) {
    const pipeline = publisher.pipeline();
    for (let k = 0; k < 100; k++) pipeline.publish('stream', String(n + k));
    for (const [, receivers] of (await pipeline.exec())!) expect(receivers).toBe(200);
  }
  await eventually(() => counts.every((count) => count === 1000), { what: 'the last message', deadlineMs: 60_000 });
  expect(wrong).toEqual([]);
  for (const redis of [...readers, publisher]) redis.disconnect();
}, 120_000);
