/** ioredis, as applications use it, against a server inside of this process: RESP3 (its default) and RESP2. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Onggi } from '../../src/index.js';

describe.each([2, 3] as const)('ioredis over RESP%i', (protocol) => {
  let onggi: Onggi;
  let redis: Redis;

  beforeAll(async () => {
    onggi = await Onggi.start();
    redis = new Redis(onggi.port, '127.0.0.1', { protocol, maxRetriesPerRequest: 1 } as object);
  });
  afterAll(async () => {
    redis.disconnect();
    await onggi.stop();
  });

  it('gets ready and speaks the protocol asked for', async () => {
    expect(await redis.ping()).toBe('PONG');
    expect(await redis.client('INFO')).toMatch(new RegExp(` resp=${protocol} `));
  });

  it('keeps strings, hashes, lists, sets and sorted sets', async () => {
    await redis.set('greeting', '안녕', 'EX', 100);
    expect(await redis.get('greeting')).toBe('안녕');
    expect(await redis.ttl('greeting')).toBeGreaterThan(0);
    await redis.hset('user', { name: 'Kim', age: 30 });
    expect(await redis.hgetall('user')).toEqual({ name: 'Kim', age: '30' });
    await redis.rpush('list', 'a', 'b', 'c');
    expect(await redis.lrange('list', 0, -1)).toEqual(['a', 'b', 'c']);
    await redis.sadd('set', 'x', 'y');
    expect((await redis.smembers('set')).sort()).toEqual(['x', 'y']);
    await redis.zadd('zset', '1.5', 'one', '2', 'two');
    const pairs = (await redis.zrange('zset', '0', '-1', 'WITHSCORES')) as unknown[];
    expect(pairs.flat().map(String)).toEqual(['one', '1.5', 'two', '2']);
  });

  it('keeps binary values', async () => {
    const bytes = Buffer.from([0, 13, 10, 255, 128]);
    await redis.set(bytes, bytes);
    expect(await redis.getBuffer(bytes)).toEqual(bytes);
  });

  it('runs pipelines and transactions', async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.incr('counter');
    const results = await pipeline.exec();
    expect(results?.at(-1)).toEqual([null, 1000]);
    expect(await redis.multi().set('a', 1).get('a').exec()).toEqual([
      [null, 'OK'],
      [null, '1'],
    ]);
  });

  it('sees a transaction fail when a watched key changes', async () => {
    const other = redis.duplicate();
    await redis.set('watched', 1);
    await redis.watch('watched');
    await other.set('watched', 2);
    expect(await redis.multi().set('watched', 3).exec()).toBeNull();
    other.disconnect();
  });

  it('gets errors as errors', async () => {
    await redis.set('text', 'abc');
    await expect(redis.incr('text')).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(redis.call('NOSUCH')).rejects.toThrow("ERR unknown command 'NOSUCH'");
  });

  it('hands jobs to workers that wait, each one once, as BullMQ and bull wait', async () => {
    const jobs = Array.from({ length: 400 }, (_, i) => `job${i}`);
    const done: string[] = [];
    const worker = async (take: (client: Redis) => Promise<string | null>) => {
      const client = redis.duplicate();
      while (done.length < jobs.length) {
        const job = await take(client);
        if (job !== null) done.push(job);
      }
      client.disconnect();
    };
    const marker = async (client: Redis) => (await client.bzpopmin('marker', 0.001))?.[1] ?? null;
    const moved = (client: Redis) => client.brpoplpush('wait', 'active', 0.02);
    const popped = async (client: Redis) => (await client.blpop('urgent', 'wait', 0.02))?.[1] ?? null;
    const workers = [marker, marker, moved, moved, popped, popped].map(worker);
    for (const [i, job] of jobs.entries()) {
      if (i % 3 === 0) await redis.zadd('marker', i, job);
      else await redis.lpush(i % 3 === 1 ? 'wait' : 'urgent', job);
    }
    await Promise.all(workers);
    expect(done.sort()).toEqual([...jobs].sort());
    expect(await redis.exists('marker', 'wait', 'urgent')).toBe(0);
  });

  it('reads a stream as a consumer that waits', async () => {
    const reader = redis.duplicate();
    await redis.xgroup('CREATE', 'events', 'g', '$', 'MKSTREAM');
    const waiting = reader.xreadgroup('GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 'events', '>');
    const id = await redis.xadd('events', '*', 'kind', 'made');
    const read = (await waiting) as unknown;
    // RESP3 gives a map, RESP2 pairs.
    const flat = protocol === 3 && !Array.isArray(read) ? Object.entries(read as object) : (read as unknown[]);
    expect(JSON.stringify(flat)).toContain(JSON.stringify([id, ['kind', 'made']]));
    expect(await redis.xack('events', 'g', id!)).toBe(1);
    reader.disconnect();
  });

  it('scans with its stream', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `scan:${i}`);
    await redis.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    const seen = new Set<string>();
    for await (const batch of redis.scanStream({ match: 'scan:*', count: 50 })) {
      for (const key of batch as string[]) seen.add(key);
    }
    expect(seen.size).toBe(300);
  });

  it('sends and gets a value of many megabytes', async () => {
    const big = Buffer.alloc(20 * 1024 * 1024, 'onggi ');
    await redis.set('big', big);
    expect((await redis.getBuffer('big'))?.equals(big)).toBe(true);
  });
});

it('authenticates, and is refused with a wrong password', async () => {
  await using onggi = await Onggi.start({ config: { requirepass: 'secret' } });
  const redis = new Redis(onggi.port, '127.0.0.1', { password: 'secret' });
  expect(await redis.set('k', 'v')).toBe('OK');
  redis.disconnect();
  const stranger = new Redis(onggi.port, '127.0.0.1', { password: 'guess', retryStrategy: () => null });
  const failures: string[] = [];
  stranger.on('error', (error: Error) => failures.push(error.message));
  await expect(stranger.get('k')).rejects.toThrow();
  expect(failures.join()).toMatch(/WRONGPASS/);
  stranger.disconnect();
});

it.each([2, 3] as const)('logs in as a user over RESP%i and may do what that user may', async (protocol) => {
  await using onggi = await Onggi.start({ config: { requirepass: 'secret' } });
  const admin = new Redis(onggi.port, '127.0.0.1', { password: 'secret' });
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>앱', '~app:*', '&app:*', '+@all', '-@dangerous', '+info');
  const options = { username: 'app', password: '앱', protocol, maxRetriesPerRequest: 1 };
  const redis = new Redis(onggi.port, '127.0.0.1', options as object);
  expect(await redis.call('ACL', 'WHOAMI')).toBe('app');
  await redis.set('app:k', 'v');
  await expect(redis.get('other')).rejects.toThrow('NOPERM No permissions to access a key');
  await expect(redis.flushall()).rejects.toThrow("NOPERM User app has no permissions to run the 'flushall' command");
  const listener = new Redis(onggi.port, '127.0.0.1', options as object);
  await listener.subscribe('app:news');
  await expect(listener.subscribe('news')).rejects.toThrow('NOPERM No permissions to access a channel');
  const heard = new Promise((resolve) => listener.once('message', (channel, message) => resolve([channel, message])));
  expect(await redis.publish('app:news', 'hi')).toBe(1);
  expect(await heard).toEqual(['app:news', 'hi']);
  const info = (await admin.call('ACL', 'GETUSER', 'app')) as unknown;
  expect(JSON.stringify(info)).toContain('+@all -@dangerous +info');
  for (const each of [admin, redis, listener]) each.disconnect();
});
