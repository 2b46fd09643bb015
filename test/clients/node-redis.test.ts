/** node-redis, as applications use it, against a server inside of this process: RESP2 and RESP3. */
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Onggi } from '../../src/index.js';
import { eventually } from '../support/wait.js';

describe.each([2, 3] as const)('node-redis over RESP%i', (RESP) => {
  let onggi: Onggi;
  const open = () => createClient({ url: onggi.url, RESP, name: 'tester' });
  let client: ReturnType<typeof open>;

  beforeAll(async () => {
    onggi = await Onggi.start();
    client = open();
    await client.connect();
  });
  afterAll(async () => {
    await client.close();
    await onggi.stop();
  });

  it('connects with a name, a protocol and its library said', async () => {
    expect(await client.clientGetName()).toBe('tester');
    const info = String(await client.sendCommand(['CLIENT', 'INFO']));
    expect(info).toContain(` resp=${RESP} `);
    expect(info).toContain('lib-name=node-redis');
  });

  it('keeps strings, hashes, lists, sets and sorted sets', async () => {
    await client.set('greeting', '안녕', { expiration: { type: 'EX', value: 100 } });
    expect(await client.get('greeting')).toBe('안녕');
    await client.hSet('user', { name: 'Kim', age: '30' });
    expect({ ...(await client.hGetAll('user')) }).toEqual({ name: 'Kim', age: '30' });
    await client.rPush('list', ['a', 'b', 'c']);
    expect(await client.lRange('list', 0, -1)).toEqual(['a', 'b', 'c']);
    await client.sAdd('set', ['x', 'y']);
    expect([...(await client.sMembers('set'))].sort()).toEqual(['x', 'y']);
    await client.zAdd('zset', [
      { score: 1.5, value: 'one' },
      { score: 2, value: 'two' },
    ]);
    expect(await client.zRangeWithScores('zset', 0, -1)).toEqual([
      { score: 1.5, value: 'one' },
      { score: 2, value: 'two' },
    ]);
  });

  it('runs transactions, and sees one fail when a watched key changes', async () => {
    expect(await client.multi().set('a', '1').get('a').exec()).toEqual(['OK', '1']);
    const other = client.duplicate();
    await other.connect();
    await client.set('watched', '1');
    await client.watch('watched');
    await other.set('watched', '2');
    await expect(client.multi().set('watched', '3').exec()).rejects.toThrow();
    await other.close();
  });

  it('pipelines what is asked in one tick', async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, () => client.incr('counter')));
    expect(answers.at(-1)).toBe(1000);
  });

  it('waits for lists, sorted sets and streams', async () => {
    const waiter = client.duplicate();
    await waiter.connect();
    const waiting = async <T>(asked: Promise<T>, act: () => Promise<unknown>): Promise<T> => {
      await eventually(async () => String(await client.info('clients')).includes('blocked_clients:1\r'));
      await act();
      return await asked;
    };
    expect(await waiter.blPop('jobs', 0.01)).toBeNull();
    expect(await waiting(waiter.blPop(['none', 'jobs'], 0), () => client.rPush('jobs', ['a', 'b']))).toEqual({
      key: 'jobs',
      element: 'a',
    });
    expect(await waiter.brPop('jobs', 0)).toEqual({ key: 'jobs', element: 'b' });
    expect(await waiting(waiter.blMove('jobs', 'taken', 'LEFT', 'RIGHT', 0), () => client.rPush('jobs', 'c'))).toBe(
      'c',
    );
    expect(await waiting(waiter.bzPopMin('due', 0), () => client.zAdd('due', { score: 1.5, value: 'm' }))).toEqual({
      key: 'due',
      value: 'm',
      score: 1.5,
    });
    const read = await waiting(waiter.xRead({ key: 'events', id: '$' }, { BLOCK: 0 }), () =>
      client.xAdd('events', '1-1', { kind: 'made' }),
    );
    expect(JSON.stringify(read)).toContain('"1-1"');
    await waiter.close();
  });

  it('gets errors as errors', async () => {
    await client.set('text', 'abc');
    await expect(client.incr('text')).rejects.toThrow('ERR value is not an integer or out of range');
  });

  it('scans with its iterator', async () => {
    await client.mSet(Array.from({ length: 300 }, (_, i): [string, string] => [`scan:${i}`, '1']));
    const seen = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: 'scan:*', COUNT: 50 })) {
      for (const key of keys) seen.add(key);
    }
    expect(seen.size).toBe(300);
  });
});

it.each([2, 3] as const)('logs in as a user over RESP%i and works with the users', async (RESP) => {
  await using onggi = await Onggi.start();
  const admin = createClient({ url: onggi.url, RESP });
  await admin.connect();
  await admin.aclSetUser('app', ['on', '>pw', '~app:*', '+@all', '-@dangerous', '(~log +append)']);
  const user = await admin.aclGetUser('app');
  expect(user).toMatchObject({ commands: '+@all -@dangerous', keys: '~app:*', channels: '' });
  expect([...(user?.selectors ?? [])]).toHaveLength(1);
  expect(await admin.aclGetUser('nobody')).toBeNull();
  expect(await admin.aclDryRun('app', ['GET', 'x'])).toBe("User app has no permissions to access the 'x' key");
  const client = createClient({ url: onggi.url, RESP, username: 'app', password: 'pw' });
  await client.connect();
  expect(await client.aclWhoAmI()).toBe('app');
  await client.set('app:k', 'v');
  await client.append('log', 'x');
  await expect(client.get('other')).rejects.toThrow('NOPERM No permissions to access a key');
  const [entry] = await admin.aclLog();
  expect(entry).toMatchObject({ reason: 'key', object: 'other', username: 'app', count: 1 });
  const stranger = createClient({ url: onggi.url, RESP, username: 'app', password: 'guess' });
  await expect(stranger.connect()).rejects.toThrow('WRONGPASS');
  const gone = new Promise((resolve) => client.once('error', resolve));
  expect(await admin.aclDelUser('app')).toBe(1);
  await gone;
  client.destroy();
  await admin.close();
});
