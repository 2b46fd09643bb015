/** MIGRATE between ours and redis-server, in both directions, and what it says when it cannot. */
import { createServer, type Server as NetServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RespClient } from '../support/client.js';
import { show } from '../support/reply.js';
import { freePort, type Server, startOnggi, startOracle } from '../support/server.js';

let servers: { ours: Server; oracle: Server; guarded: Server };
let ours: RespClient;
let oracle: RespClient;
let guarded: RespClient;

beforeAll(async () => {
  // Payloads of version 10, which the oracle reads.
  const [a, b, d] = await Promise.all([
    startOnggi({ args: ['--rdb-version', '10', '--appendonly', 'yes'] }),
    startOracle(),
    startOracle({ args: ['--requirepass', 'secret'] }),
  ]);
  servers = { ours: a!, oracle: b!, guarded: d! };
  [ours, oracle, guarded] = (await Promise.all([a!, b!, d!].map((server) => server.connect()))) as [
    RespClient,
    RespClient,
    RespClient,
  ];
  await guarded.ask('AUTH', 'secret');
});
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
});
beforeEach(async () => {
  for (const client of [ours, oracle, guarded]) await client.ask('FLUSHALL');
});

const call = async (client: RespClient, line: string): Promise<string> => {
  const args = line.split(' ').map((word) => (word === '""' ? '' : word));
  return show(await client.call(...args));
};

async function fill(client: RespClient): Promise<void> {
  await client.ask('SET', 's', 'hello');
  await client.ask('SET', 't', 'soon', 'EX', '1000');
  await client.ask('RPUSH', 'l', ...Array.from({ length: 500 }, (_, i) => `item ${i}`));
  await client.ask('ZADD', 'z', '1', 'a', '2.5', 'b');
  await client.ask('HSET', 'h', 'f', 'v');
}

describe.each(['ours to the oracle', 'the oracle to ours'])('from %s', (way) => {
  const ends = () => {
    const there = way.startsWith('ours');
    return {
      from: there ? ours : oracle,
      to: there ? oracle : ours,
      port: there ? servers.oracle.port : servers.ours.port,
    };
  };

  it('moves keys with their time to live', async () => {
    const { from, to, port } = ends();
    await fill(from);
    const digest = await from.ask('DEBUG', 'DIGEST-VALUE', 's', 'l', 'z', 'h');
    expect(await call(from, `MIGRATE 127.0.0.1 ${port} s 0 5000`)).toBe('+OK');
    expect(await call(from, `MIGRATE 127.0.0.1 ${port} "" 0 5000 KEYS t missing l z h`)).toBe('+OK');
    expect(await from.ask('DBSIZE')).toBe(0);
    expect(await to.ask('DEBUG', 'DIGEST-VALUE', 's', 'l', 'z', 'h')).toEqual(digest);
    expect(Number(await to.ask('TTL', 't'))).toBeGreaterThan(990);
  });

  it('COPY leaves the key, REPLACE takes the place of another, and a busy key stays', async () => {
    const { from, to, port } = ends();
    await from.ask('SET', 's', 'new');
    await to.ask('SELECT', '3');
    await to.ask('SET', 's', 'old');
    expect(await call(from, `MIGRATE 127.0.0.1 ${port} s 3 5000`)).toBe(
      '-ERR Target instance replied with error: BUSYKEY Target key name already exists.',
    );
    expect(await from.ask('EXISTS', 's')).toBe(1);
    expect(await call(from, `MIGRATE 127.0.0.1 ${port} s 3 5000 COPY REPLACE`)).toBe('+OK');
    expect([await from.ask('GET', 's'), await to.ask('GET', 's')]).toEqual(['new', 'new']);
    await from.ask('SET', 'x', '1');
    expect(await call(from, `MIGRATE 127.0.0.1 ${port} "" 3 5000 KEYS s x`)).toContain('BUSYKEY');
    expect([await from.ask('EXISTS', 's'), await from.ask('EXISTS', 'x')]).toEqual([1, 0]);
    await to.ask('SELECT', '0');
  });
});

it('authenticates, and says what the target says', async () => {
  const { port } = servers.guarded;
  const lines = [
    `MIGRATE 127.0.0.1 ${port} s 0 5000`,
    `MIGRATE 127.0.0.1 ${port} s 0 5000 AUTH wrong`,
    `MIGRATE 127.0.0.1 ${port} s 99 5000 AUTH secret`,
    `MIGRATE 127.0.0.1 ${port} s 0 5000 COPY AUTH secret`,
    `MIGRATE 127.0.0.1 ${port} s 0 5000 REPLACE AUTH2 default secret`,
    `EXISTS s`,
    `MIGRATE 127.0.0.1 ${port} s 0 5000`,
  ];
  await ours.ask('SET', 's', 'v');
  await oracle.ask('SET', 's', 'v');
  for (const line of lines) {
    const theirs = await call(oracle, line);
    await guarded.ask('FLUSHALL');
    expect([line, await call(ours, line)]).toEqual([line, theirs]);
    if (line.includes('COPY')) expect(await guarded.ask('GET', 's')).toBe('v');
    await guarded.ask('FLUSHALL');
  }
});

it('refuses what the oracle refuses', async () => {
  const lines = [
    'MIGRATE 127.0.0.1 1 missing 0 100',
    'MIGRATE 127.0.0.1 1 s x 100',
    'MIGRATE 127.0.0.1 1 s 0 x',
    'MIGRATE 127.0.0.1 1 s x y',
    'MIGRATE 127.0.0.1 1 s 0 100 FOO',
    'MIGRATE 127.0.0.1 1 s 0 100 KEYS a b',
    'MIGRATE 127.0.0.1 1 s 0 100 AUTH',
    'MIGRATE 127.0.0.1 1 s 0 100 AUTH2 x',
    'MIGRATE 127.0.0.1 1 "" 0 100 KEYS',
    'MIGRATE 127.0.0.1 1 "" 0 100 KEYS missing COPY',
    'MIGRATE 127.0.0.1 1 s 0',
    'COMMAND GETKEYS MIGRATE h 1 "" 0 10 AUTH x COPY KEYS a b',
    'COMMAND GETKEYSANDFLAGS MIGRATE h 1 k 0 10 COPY',
  ];
  for (const client of [ours, oracle]) await client.ask('SET', 's', 'v');
  for (const line of lines) expect([line, await call(ours, line)]).toEqual([line, await call(oracle, line)]);
});

it('keeps its keys when nobody answers', async () => {
  const mute: NetServer = createServer(() => {});
  const silentPort = await freePort();
  await new Promise<void>((resolve) => mute.listen(silentPort, '127.0.0.1', resolve));
  const closedPort = await freePort();
  try {
    for (const client of [ours, oracle]) await client.ask('SET', 's', 'v');
    for (const port of [closedPort, silentPort]) {
      const line = `MIGRATE 127.0.0.1 ${port} s 0 200`;
      expect([line, await call(ours, line)]).toEqual([line, await call(oracle, line)]);
    }
    expect(await ours.ask('GET', 's')).toBe('v');
  } finally {
    mute.close();
  }
});

it('logs that the keys are gone', async () => {
  await fill(ours);
  await call(ours, `MIGRATE 127.0.0.1 ${servers.oracle.port} "" 0 5000 KEYS s l missing`);
  const digest = await ours.ask('DEBUG', 'DIGEST');
  await ours.ask('DEBUG', 'LOADAOF');
  expect(await ours.ask('DEBUG', 'DIGEST')).toEqual(digest);
  expect(await ours.ask('EXISTS', 's', 'l')).toBe(0);
});
