/**
 * What a server tells about its own work, against the oracle's: the same commands on both, then the slow log, histograms,
 * INFO's counters of commands and errors, and latency events. Times and addresses differ; what is told does not.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RespClient } from '../support/client.js';
import type { Plain } from '../support/reply.js';
import { type Server, startOnggi, startOracle } from '../support/server.js';

let servers: Server[] = [];

beforeAll(async () => {
  const args = ['--enable-debug-command', 'yes', '--save', ''];
  servers = await Promise.all([startOracle({ args }), startOnggi({ args })]);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});
beforeEach(async () => {
  await both(async (client) => {
    for (const command of ['FLUSHALL', 'SLOWLOG RESET', 'LATENCY RESET']) await client.ask(...command.split(' '));
    await client.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1', 'slowlog-max-len', '1000');
  });
});

/** The same with a connection to each server: [redis's result, ours]. */
async function both<T>(run: (client: RespClient) => Promise<T>): Promise<[T, T]> {
  const [a, b] = await Promise.all(
    servers.map(async (server) => {
      await using client = await server.connect();
      return await run(client);
    }),
  );
  return [a!, b!];
}

/** Sends lines of words; errors are replies like others. */
async function play(client: RespClient, lines: readonly (string | string[])[]): Promise<void> {
  for (const line of lines) await client.call(...(typeof line === 'string' ? line.split(' ') : line));
}

type Entry = [number, number, number, Plain[], string, string];

async function slowLog(client: RespClient): Promise<Entry[]> {
  return (await client.ask('SLOWLOG', 'GET', '-1')) as Entry[];
}

it('logs the same commands, cut and hidden in the same way', async () => {
  const long = 'x'.repeat(200);
  const [redis, ours] = await both(async (client) => {
    await play(client, [
      'CLIENT SETNAME somebody',
      'CONFIG SET slowlog-log-slower-than 0',
      'SET a 1',
      'get a',
      'NOSUCH a',
      'GET',
      ['SET', 'long', long],
      ['SADD', 'many', ...Array.from({ length: 50 }, (_, i) => `m${i}`)],
      ['RPUSH', 'edge', ...Array.from({ length: 30 }, () => 'y'.repeat(128))],
      'SET b 2 EX 100',
      'HINCRBYFLOAT h f 1.5',
      'LPUSH a x',
      'MULTI',
      'INCR n',
      'GETEX b EX 10',
      'EXEC',
      'MULTI',
      'DISCARD',
      'AUTH wrong',
      'AUTH someone wrong',
      'HELLO 2 AUTH default wrong SETNAME x',
      'HELLO 2',
      ['CONFIG', 'SET', 'masteruser', '', 'maxmemory', '0', 'masterauth', ''],
      ['CONFIG', 'SET', 'requirepass', ''],
      'CONFIG SET nosuch secret',
      'CONFIG GET requirepass',
      'ACL SETUSER someone on >secret +get',
      'ACL SETUSER',
      'BLPOP nolist 0.01',
      'OBJECT ENCODING a',
      'SLOWLOG LEN',
      'CLIENT SETNAME other',
      'PING',
      'CONFIG SET slowlog-log-slower-than -1',
      'PING',
    ]);
    return slowLog(client);
  });
  const told = (entries: readonly Entry[]) => entries.map(([, , , args, , name]) => `${name}> ${args.join(' ')}`);
  expect(told(ours)).toEqual(told(redis));
  expect(ours.length).toBeGreaterThan(20);
  for (const [id, seconds, microseconds, , address] of ours) {
    expect(id).toBeGreaterThanOrEqual(0);
    expect(seconds).toBeGreaterThan(1_600_000_000);
    expect(microseconds).toBeGreaterThanOrEqual(0);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  }
});

const SOME_WORK = [
  'CONFIG RESETSTAT',
  'SET a 1',
  'GET a',
  'GET',
  'GET a b',
  'LPUSH a x',
  'NOSUCH',
  'CONFIG NOSUCH',
  'OBJECT ENCODING a',
  'OBJECT FREQ a',
  'MULTI',
  'INCR n',
  'LPUSH a x',
  'EXEC',
  'MULTI',
  'GET',
  'EXEC',
  'EXEC',
  'AUTH x',
  'DEBUG ERROR CUSTOM',
  ['DEBUG', 'ERROR', 'MYCODE with a text'],
  'EXPIRE a x',
];

/** `name:value` lines of an INFO section, times taken out. */
async function info(client: RespClient, section: string): Promise<string[]> {
  const text = String(await client.ask('INFO', section));
  return text
    .split('\r\n')
    .filter((line) => line.includes(':'))
    .map((line) => line.replace(/,?usec(_per_call)?=[\d.]+/g, ''))
    .sort();
}

it('counts calls, refusals, failures and kinds of errors alike', async () => {
  const [redis, ours] = await both(async (client) => {
    await play(client, SOME_WORK);
    return { commands: await info(client, 'commandstats'), errors: await info(client, 'errorstats') };
  });
  expect(ours).toEqual(redis);
  const counters = ['total_error_replies', 'unexpected_error_replies'];
  const [theirs, own] = await both(async (client) => {
    const lines = await info(client, 'stats');
    return lines.filter((line) => counters.includes(line.split(':')[0]!));
  });
  expect(own).toEqual(theirs);
});

it('keeps a histogram of each command that ran', async () => {
  const [redis, ours] = await both(async (client) => {
    await play(client, SOME_WORK);
    const reply = (await client.ask('LATENCY', 'HISTOGRAM')) as Plain[];
    const calls: string[] = [];
    for (let i = 0; i < reply.length; i += 2) calls.push(`${reply[i]} ${(reply[i + 1] as Plain[])[1]}`);
    const some = (await client.ask('LATENCY', 'HISTOGRAM', 'object', 'config|set', 'nosuch', 'GET')) as Plain[];
    const percentiles = (await info(client, 'latencystats')).map((line) => line.replace(/=[\d.]+/g, ''));
    return { calls: calls.sort(), some: some.filter((_, i) => i % 2 === 0).sort(), percentiles };
  });
  expect(ours).toEqual(redis);
});

it('puts the percentiles that are asked for', async () => {
  const [redis, ours] = await both(async (client) => {
    await play(client, [
      'CONFIG RESETSTAT',
      ['CONFIG', 'SET', 'latency-tracking-info-percentiles', '0 10 99.99 99.123456 100'],
      'GET a',
    ]);
    const lines = await info(client, 'latencystats');
    await client.ask('CONFIG', 'SET', 'latency-tracking-info-percentiles', '');
    const without = await info(client, 'latencystats');
    await client.ask('CONFIG', 'SET', 'latency-tracking-info-percentiles', '50 99 99.9');
    return [...lines, ...without].map((line) => line.replace(/=[\d.]+/g, ''));
  });
  expect(ours).toEqual(redis);
});

it('tells of latency events', async () => {
  const [redis, ours] = await both(async (client) => {
    await client.ask('CONFIG', 'SET', 'latency-monitor-threshold', '100');
    await client.ask('DEBUG', 'SLEEP', '0.2');
    const latest = (await client.ask('LATENCY', 'LATEST')) as Plain[][];
    const history = (await client.ask('LATENCY', 'HISTORY', 'command')) as Plain[][];
    const graph = String(await client.ask('LATENCY', 'GRAPH', 'command')).replace(/\d+/g, 'N');
    const doctor = String(await client.ask('LATENCY', 'DOCTOR')).split('\n');
    const reset = await client.ask('LATENCY', 'RESET', 'command');
    const after = await client.ask('LATENCY', 'LATEST');
    await client.ask('CONFIG', 'SET', 'latency-monitor-threshold', '0');
    return {
      events: latest.map(([name]) => name),
      samples: history.length,
      graph,
      doctor: doctor.slice(0, 3).map((line) => line.replace(/[\d.]+/g, 'N')),
      reset,
      after,
    };
  });
  expect(ours).toEqual(redis);
  expect(ours.events).toContain('command');
});
