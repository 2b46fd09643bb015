/**
 * How long a client waits at the longest while others make the server take something large away: PING is asked all the time, in
 * a thread of its own, until everything is freed.
 */
import { Worker } from 'node:worker_threads';
import { encodeCommand, type RespClient } from '../test/support/client.js';
import type { Server } from '../test/support/server.js';
import { eventually, pause } from '../test/support/wait.js';
import { type CommandAt, fill, stringsOf } from './fill.js';
import type { Options } from './options.js';
import { onBoth } from './pair.js';
import type { Section } from './report.js';

/** Elements that one command of the filling adds. */
const BATCH = 500;
/** Bytes of the giant string. */
const STRING_BYTES = 256 * 1024 * 1024;
/** Freeing in another thread begins a little later. */
const SETTLE_MS = 300;

interface Case {
  name: string;
  /** Run before, without being measured, when `victim` is a copy of the giant. */
  before?: string[][];
  run: string[];
}

interface Giant {
  type: string;
  fill: (elements: number) => { count: number; commandAt: CommandAt };
  cases: Case[];
}

const COPY = ['COPY', 'giant', 'victim'];
const SMALL_SET = ['SADD', 'small', 'a', 'b'];

function batches(head: string[], element: (i: number) => string[]): Giant['fill'] {
  return (elements) => ({
    count: Math.ceil(elements / BATCH),
    commandAt: (i) => {
      const args = [...head];
      for (let k = i * BATCH; k < Math.min(elements, (i + 1) * BATCH); k++) args.push(...element(k));
      return encodeCommand(args);
    },
  });
}

/** What is measured for every type. */
const ANY: Case[] = [
  { name: 'DEL', run: ['DEL', 'victim'] },
  { name: 'UNLINK', run: ['UNLINK', 'victim'] },
  { name: 'SET over it', run: ['SET', 'victim', 'x'] },
  { name: 'RENAME over it', before: [['SET', 'other', 'x']], run: ['RENAME', 'other', 'victim'] },
  { name: 'EXPIRE in the past', run: ['PEXPIREAT', 'victim', '1'] },
];

const GIANTS: Giant[] = [
  {
    type: 'list',
    fill: batches(['RPUSH', 'giant'], (i) => [`element:${i}`]),
    cases: [
      ...ANY,
      { name: 'LTRIM of everything', run: ['LTRIM', 'victim', '1', '0'] },
      { name: 'LTRIM of all but one', run: ['LTRIM', 'victim', '0', '0'] },
      { name: 'SORT STORE over it', before: [SMALL_SET], run: ['SORT', 'small', 'ALPHA', 'STORE', 'victim'] },
    ],
  },
  {
    type: 'set',
    fill: batches(['SADD', 'giant'], (i) => [`element:${i}`]),
    cases: [...ANY, { name: 'SINTERSTORE over it', before: [SMALL_SET], run: ['SINTERSTORE', 'victim', 'small'] }],
  },
  {
    type: 'hash',
    fill: batches(['HSET', 'giant'], (i) => [`field:${i}`, `value:${i}`]),
    cases: ANY,
  },
  {
    type: 'sorted set',
    fill: batches(['ZADD', 'giant'], (i) => [String(i), `element:${i}`]),
    cases: [
      ...ANY,
      { name: 'ZREMRANGEBYRANK of everything', run: ['ZREMRANGEBYRANK', 'victim', '0', '-1'] },
      { name: 'ZUNIONSTORE over it', before: [SMALL_SET], run: ['ZUNIONSTORE', 'victim', '1', 'small'] },
    ],
  },
  {
    type: 'stream',
    fill: (elements) => ({
      count: elements,
      commandAt: (i) => encodeCommand(['XADD', 'giant', `${i + 1}-0`, 'field', `value:${i}`]),
    }),
    cases: [...ANY, { name: 'XTRIM of everything', run: ['XTRIM', 'victim', 'MAXLEN', '0'] }],
  },
  {
    type: 'string',
    fill: () => ({
      count: 1,
      commandAt: () => encodeCommand(['SETRANGE', 'giant', String(STRING_BYTES - 1), 'x']),
    }),
    cases: ANY,
  },
];

export async function stalls(options: Options): Promise<Section[]> {
  const elements = options.stallElements;
  const sections: Section[] = [];
  for (const giant of GIANTS) {
    const both = await onBoth({}, (server) => measureGiant(server, giant, elements));
    const size =
      giant.type === 'string' ? `${STRING_BYTES / 2 ** 20} MiB` : `${elements.toLocaleString('en-US')} elements`;
    sections.push(section(`A ${giant.type} of ${size}`, giant.cases, both));
  }
  const both = await onBoth({}, (server) => measureKeys(server, elements));
  sections.push(section(`${elements.toLocaleString('en-US')} keys`, KEYS, both));
  return sections;
}

function section(
  title: string,
  cases: readonly { name: string }[],
  both: { ours: number[]; redis: number[] },
): Section {
  return {
    title: `Longest wait of another client: ${title}`,
    rows: cases.map(({ name }, i) => ({ name, ours: both.ours[i]!, redis: both.redis[i]!, unit: 'ms' })),
    notes: [],
  };
}

async function measureGiant(server: Server, giant: Giant, elements: number): Promise<number[]> {
  const { count, commandAt } = giant.fill(elements);
  await fill(server.port, count, commandAt);
  const client = await patient(server);
  await using probe = new Probe(server.port);
  const waits: number[] = [];
  for (const { before = [], run } of giant.cases) {
    await client.ask(...COPY);
    for (const command of before) await client.ask(...command);
    waits.push(
      await probe.during(async () => {
        await client.ask(...run);
        await freed(client);
      }),
    );
    await client.ask('DEL', 'victim');
    await freed(client);
  }
  return waits;
}

const KEYS = [
  { name: 'FLUSHDB ASYNC' },
  { name: 'FLUSHALL ASYNC' },
  { name: 'expiry of a tenth of them in one second' },
] as const;

async function measureKeys(server: Server, keys: number): Promise<number[]> {
  const client = await patient(server);
  await using probe = new Probe(server.port);
  const waits: number[] = [];
  for (const command of ['FLUSHDB', 'FLUSHALL']) {
    await fill(server.port, keys, stringsOf(16));
    const flush = async (): Promise<void> => {
      await client.ask(command, 'ASYNC');
      await freed(client);
    };
    waits.push(await probe.during(flush));
  }
  const expiring = Math.ceil(keys / 10);
  const atMs = Date.now() + 10_000 + expiring / 50;
  await fill(server.port, expiring, (i) =>
    encodeCommand(['SET', `session:${i}`, 'x', 'PXAT', String(Math.round(atMs))]),
  );
  if (Date.now() > atMs - 1000) throw new Error('filling took longer than the keys live: fewer --stall-elements');
  await eventually(() => Date.now() > atMs - 500, { deadlineMs: 600_000, everyMs: 50 });
  const expire = (): Promise<unknown> =>
    eventually(async () => (await client.ask('DBSIZE')) === 0, { deadlineMs: 600_000, everyMs: 50 });
  waits.push(await probe.during(expire));
  return waits;
}

async function patient(server: Server): Promise<RespClient> {
  const client = await server.connect();
  client.replyTimeoutMs = 600_000;
  return client;
}

/** Resolves when nothing waits to be freed. */
async function freed(client: RespClient): Promise<void> {
  const pending = async (): Promise<string> =>
    /^lazyfree_pending_objects:(\d+)/m.exec(String(await client.ask('INFO', 'memory')))![1]!;
  await pause(SETTLE_MS);
  await eventually(async () => (await pending()) === '0', { deadlineMs: 600_000, everyMs: 50 });
}

class Probe {
  private readonly worker: Worker;

  constructor(port: number) {
    this.worker = new Worker(new URL('./stall-probe.js', import.meta.url), { workerData: port });
  }

  /** The longest wait for a PING while `work` is done, in milliseconds. */
  async during(work: () => Promise<unknown>): Promise<number> {
    await this.longest();
    await work();
    return this.longest();
  }

  private longest(): Promise<number> {
    return new Promise((resolve) => {
      this.worker.once('message', resolve);
      this.worker.postMessage('longest');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}
