/**
 * A client that caches what it reads and believes what it is told never holds a value that is not the server's: random
 * commands, expiries and flushes by others, in every mode of CLIENT TRACKING.
 *
 *   ONGGI_SEED=5 npx vitest run --project unit src/server/tracking.test.ts
 */
import { describe, expect, it } from 'vitest';
import { Draw } from '../../test/differential/draw.js';
import { randomCommand } from '../../test/differential/generator.js';
import { type Arg, encodeCommand, RespClient } from '../../test/support/client.js';
import { decodeReply, type Reply, show } from '../../test/support/reply.js';
import { TEST_SEED } from '../../test/support/seed.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import { LiveServer } from './testing/live-server.js';
import { INVALIDATE_CHANNEL } from './tracking.js';

const SEED = TEST_SEED;
const ROUNDS = 120;

interface Way {
  name: string;
  options: string[];
  /** Which client gets the messages: of RESP3, or a subscriber of RESP2. */
  redirect?: 2 | 3;
  tableMax?: number;
}

const WAYS: Way[] = [
  { name: 'default', options: [] },
  { name: 'default with a small table', options: [], tableMax: 5 },
  { name: 'NOLOOP', options: ['NOLOOP'] },
  { name: 'OPTIN', options: ['OPTIN'] },
  { name: 'OPTOUT NOLOOP', options: ['OPTOUT', 'NOLOOP'] },
  { name: 'BCAST', options: ['BCAST'] },
  { name: 'BCAST of prefixes', options: ['BCAST', 'PREFIX', 's:', 'PREFIX', 'z:1', 'PREFIX', 'h', 'NOLOOP'] },
  { name: 'redirected to a client of RESP3', options: [], redirect: 3 },
  { name: 'redirected to a subscriber of RESP2', options: [], redirect: 2 },
  {
    name: 'BCAST redirected to a subscriber of RESP2',
    options: ['BCAST', 'PREFIX', 'l:', 'PREFIX', 's:'],
    redirect: 2,
  },
];

const KEYS = ['s', 'l', 'h', 't', 'z', 'x'].flatMap((letter) => [0, 1, 2, 3].map((i) => `${letter}:${i}`));

/** What a read of a missing key gives. */
const IS_GONE = /^(\$-1|\*-1|_|[%~]?\[\]|:-2)$/;

/** How all of a key is read. */
function view(key: string): string[] {
  switch (key[0]) {
    case 's':
      return ['GET', key];
    case 'l':
      return ['LRANGE', key, '0', '-1'];
    case 'h':
      return ['HGETALL', key];
    case 't':
      return ['SMEMBERS', key];
    case 'z':
      return ['ZRANGE', key, '0', '-1', 'WITHSCORES'];
    default:
      return ['XRANGE', key, '-', '+'];
  }
}

/** A client with a cache, as libraries have it. */
class CachingClient {
  /** Command -> reply, by key. */
  readonly cache = new Map<string, Map<string, string>>();
  private readonly expected: ((raw: Buffer) => void)[] = [];
  reads = 0;
  drops = 0;

  private constructor(
    readonly way: Way,
    private readonly client: RespClient,
    /** Where messages arrive. */
    private readonly inbox: RespClient,
  ) {}

  static async connect(port: number, way: Way): Promise<CachingClient> {
    const client = await RespClient.connect(port);
    await client.call('HELLO', way.redirect === 2 ? 2 : 3);
    const inbox = way.redirect === undefined ? client : await RespClient.connect(port);
    const options = [...way.options];
    if (inbox !== client) {
      options.push('REDIRECT', String(await inbox.ask('CLIENT', 'ID')));
      if (way.redirect === 3) await inbox.call('HELLO', 3);
      else await inbox.call('SUBSCRIBE', INVALIDATE_CHANNEL);
    }
    expect(await client.ask('CLIENT', 'TRACKING', 'ON', ...options)).toBe('OK');
    return new CachingClient(way, client, inbox);
  }

  private get isNoLoop(): boolean {
    return this.way.options.includes('NOLOOP');
  }

  private mayCache(key: string): boolean {
    const { options } = this.way;
    const prefixes = options.filter((_, i) => options[i - 1] === 'PREFIX');
    return prefixes.length === 0 || prefixes.some((prefix) => key.startsWith(prefix));
  }

  private send(command: readonly Arg[], reply: (raw: Buffer) => void = () => {}): void {
    this.client.write(encodeCommand(command));
    this.expected.push(reply);
  }

  /** Reads the key and when it expires, and keeps both where the mode allows it. */
  read(r: Draw, key: string): void {
    const { options } = this.way;
    const asks = options.includes('OPTIN') || options.includes('OPTOUT');
    for (const command of [view(key), ['PEXPIRETIME', key]]) {
      this.reads++;
      const given = asks && r.chance(50);
      if (given) this.send(['CLIENT', 'CACHING', options.includes('OPTIN') ? 'YES' : 'NO']);
      const keeps = this.mayCache(key) && (!asks || given === options.includes('OPTIN'));
      const transaction = r.chance(20);
      if (transaction) {
        this.send(['MULTI']);
        this.send(command);
        this.send(['EXEC'], (raw) => this.answered(key, command, decodeReply(raw).items![0]!, keeps));
      } else {
        this.send(command, (raw) => this.answered(key, command, decodeReply(raw), keeps));
      }
    }
  }

  private answered(key: string, command: readonly string[], reply: Reply, keeps: boolean): void {
    // A read that meets a key whose time is over deletes it: with NOLOOP the reader is not told, in Redis neither.
    if (this.isNoLoop && IS_GONE.test(show(reply))) this.cache.delete(key);
    if (!keeps) return;
    const kept = this.cache.get(key) ?? new Map<string, string>();
    kept.set(command.join(' '), show(reply));
    this.cache.set(key, kept);
  }

  /** Changes a key itself; with NOLOOP it must know by itself. */
  write(key: string, value: string): void {
    this.send(['SET', key, value], () => {
      if (this.isNoLoop) this.cache.delete(key);
    });
  }

  /** Takes everything that the server has for it. */
  async settle(): Promise<void> {
    this.send(['PING']);
    while (this.expected.length > 0) {
      const raw = await this.client.nextRaw();
      if (raw[0] === '>'.charCodeAt(0)) this.told(decodeReply(raw));
      else this.expected.shift()!(raw);
    }
    if (this.inbox === this.client) return;
    this.inbox.write(encodeCommand(['PING']));
    for (;;) {
      const reply = decodeReply(await this.inbox.nextRaw());
      if (reply.mark === '+' || reply.items?.[0]?.bytes?.toString() === 'pong') return;
      this.told(reply);
    }
  }

  private told(message: Reply): void {
    const what = message.items!.at(-1)!;
    if (what.items === null) this.cache.clear();
    for (const key of what.items ?? []) this.cache.delete(key.bytes!.toString('latin1'));
    this.drops++;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.inbox.close();
  }
}

/** A command of somebody else. SWAPDB is not told, in Redis neither. */
function disturbance(r: Draw): readonly Arg[] {
  if (r.chance(1)) return r.pick([['FLUSHALL'], ['FLUSHDB'], ['FLUSHALL', 'ASYNC'], ['DEBUG', 'RELOAD']]);
  if (r.chance(15)) return ['PEXPIRE', r.pick(KEYS), String(1 + r.below(20))];
  for (;;) {
    const { args } = randomCommand(r);
    if (args[0]!.toString() !== 'SWAPDB') return args;
  }
}

async function run(way: Way, seed: number): Promise<CachingClient> {
  const r = new Draw(seed);
  const clock = new ManualClock();
  const config = { 'enable-debug-command': 'yes', 'tracking-table-max-keys': way.tableMax ?? 1_000_000 };
  await using live = await LiveServer.start({ clock, config });
  const writers = [await RespClient.connect(live.port), await RespClient.connect(live.port)];
  await using auditor = await RespClient.connect(live.port);
  await auditor.call('HELLO', way.redirect === 2 ? 2 : 3);
  const caching = await CachingClient.connect(live.port, way);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const commands = writers.map(() => Array.from({ length: r.below(6) }, () => disturbance(r)));
      const answers = writers.map((writer, i) => writer.pipeline(commands[i]!));
      // Redirected messages overtake replies, which a library has to deal with: here it does one thing at a time.
      if (way.redirect !== undefined) await Promise.all(answers);
      for (let i = r.below(6); i > 0; i--) {
        if (r.chance(85)) caching.read(r, r.pick(KEYS));
        else caching.write(r.pick(KEYS), `own${r.below(9)}`);
      }
      if (way.redirect !== undefined) await caching.settle();
      await Promise.all(answers);
      if (r.chance(30)) clock.advance(1 + r.below(30));
      const truth = new Map<string, string>();
      for (const [key, kept] of caching.cache) {
        for (const command of kept.keys()) truth.set(command, show(await auditor.call(...command.split(' '))));
        expect(KEYS).toContain(key);
      }
      await caching.settle();
      for (const kept of caching.cache.values()) {
        // What came with the last replies is looked at in the next round.
        for (const [command, reply] of kept) if (truth.has(command)) expect(reply, command).toBe(truth.get(command));
      }
    }
  } finally {
    await caching.close();
    for (const writer of writers) await writer.close();
  }
  return caching;
}

const flagsOf = async (client: RespClient, id: number): Promise<string> =>
  /flags=(\S+) .* (redir=\S+)/
    .exec(String(await client.ask('CLIENT', 'LIST', 'ID', id)))!
    .slice(1)
    .join(' ');

/** tracking_clients, tracking_total_keys, tracking_total_items, tracking_total_prefixes. */
async function totals(client: RespClient): Promise<number[]> {
  const text = String(await client.ask('INFO', 'everything'));
  const names = ['tracking_clients', 'tracking_total_keys', 'tracking_total_items', 'tracking_total_prefixes'];
  return names.map((name) => Number(new RegExp(`${name}:(\\d+)`).exec(text)![1]));
}

describe('CLIENT TRACKING', () => {
  it('is counted by INFO and shown by CLIENT LIST', async () => {
    await using live = await LiveServer.start();
    await using admin = await RespClient.connect(live.port);
    await using a = await RespClient.connect(live.port);
    const b = await RespClient.connect(live.port);
    const [idOfA, idOfB] = [Number(await a.ask('CLIENT', 'ID')), Number(await b.ask('CLIENT', 'ID'))];
    expect(await flagsOf(admin, idOfA)).toBe('N redir=-1');
    await a.ask('CLIENT', 'TRACKING', 'ON', 'REDIRECT', idOfB);
    await b.ask('CLIENT', 'TRACKING', 'ON');
    await a.ask('MGET', 'x', 'y');
    await b.ask('MGET', 'y', 'z');
    expect(await flagsOf(admin, idOfA)).toBe(`t redir=${idOfB}`);
    expect(await totals(admin)).toEqual([2, 3, 4, 0]);
    await b.ask('CLIENT', 'TRACKING', 'OFF');
    await b.ask('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'p', 'PREFIX', 'q');
    expect(await flagsOf(admin, idOfB)).toBe('tB redir=0');
    expect(await totals(admin)).toEqual([2, 3, 4, 2]);
    await b.close();
    await eventually(() => live.server.clients.size === 2);
    expect(await totals(admin)).toEqual([1, 3, 4, 0]);
    await admin.ask('SET', 'x', 1);
    expect(await flagsOf(admin, idOfA)).toBe(`tR redir=${idOfB}`);
    await a.ask('RESET');
    expect(await flagsOf(admin, idOfA)).toBe('N redir=-1');
    expect(await totals(admin)).toEqual([0, 2, 3, 0]);
  });

  it('costs commands nothing once nobody tracks and nothing is remembered', async () => {
    await using live = await LiveServer.start();
    const { context, dispatcher, turn, tracking } = live.server;
    const hooks = () => [context.invalidate, dispatcher.remember, turn.ending].map((hook) => hook !== null);
    await using a = await RespClient.connect(live.port);
    await using b = await RespClient.connect(live.port);
    expect(hooks()).toEqual([false, false, false]);
    await a.ask('CLIENT', 'TRACKING', 'ON');
    await a.ask('GET', 'k');
    await b.ask('CLIENT', 'TRACKING', 'ON', 'BCAST');
    expect(hooks()).toEqual([true, true, true]);
    await b.ask('CLIENT', 'TRACKING', 'OFF');
    await a.ask('CLIENT', 'TRACKING', 'OFF');
    expect(hooks()).toEqual([true, false, false]);
    await b.ask('SET', 'k', 1);
    expect(hooks()).toEqual([false, false, false]);
    expect(tracking.table.bytes).toBe(0);
  });

  it('keeps the table at its limit, some keys at a time', async () => {
    await using live = await LiveServer.start({ config: { 'tracking-table-max-keys': 1000 } });
    const { tracking, config } = live.server;
    await using a = await RespClient.connect(live.port);
    await a.call('HELLO', 3);
    await a.ask('CLIENT', 'TRACKING', 'ON');
    const names = Array.from({ length: 1500 }, (_, i) => `key:${i}`);
    a.write(encodeCommand(['MGET', ...names]));
    expect((await a.next()).items).toHaveLength(1500);
    const dropped = new Set<string>();
    while (dropped.size < 500) dropped.add(String((await a.next()).items![1]!.items![0]!.bytes));
    expect([...dropped].every((name) => names.includes(name))).toBe(true);
    expect(tracking.table.size).toBe(1000);
    // Without a pause: the cron does it, too.
    expect(config.set([['tracking-table-max-keys', '500']])).toBe(null);
    expect(tracking.table.size).toBe(900);
    tracking.limit();
    expect(tracking.table.size).toBe(700);
    tracking.limit();
    expect(tracking.table.size).toBe(500);
  });

  it('counts as memory', async () => {
    await using live = await LiveServer.start();
    await using a = await RespClient.connect(live.port);
    await a.ask('CLIENT', 'TRACKING', 'ON');
    const before = live.server.memory().used;
    await a.ask('MGET', ...Array.from({ length: 1000 }, (_, i) => `key:${i}`));
    expect(live.server.memory().used - before).toBeGreaterThan(100_000);
  });

  it('tells of evicted keys before the reply of the command that needed their room', async () => {
    await using live = await LiveServer.start();
    await using a = await RespClient.connect(live.port);
    await a.call('HELLO', 3);
    await a.ask('SET', 'victim', Buffer.alloc(100_000));
    await a.ask('CLIENT', 'TRACKING', 'ON');
    await a.ask('STRLEN', 'victim');
    await a.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    live.server.clients.memory.measure();
    const { counted } = live.server.memory();
    a.write(encodeCommand(['CONFIG', 'SET', 'maxmemory', counted - 50_000]));
    a.write(encodeCommand(['STRLEN', 'victim']));
    const replies = [await a.next(), await a.next(), await a.next()].map((reply) => show(reply));
    expect(replies).toEqual(['+OK', '>["invalidate", ["victim"]]', ':0']);
  });

  it('in BCAST mode tells within the turn of the change, so that nobody knows it earlier', async () => {
    await using live = await LiveServer.start();
    await using a = await RespClient.connect(live.port);
    await using b = await RespClient.connect(live.port);
    await a.call('HELLO', 3);
    await a.ask('CLIENT', 'TRACKING', 'ON', 'BCAST');
    await b.ask('PING');
    const { turn, clients } = live.server;
    const written = () => [...clients.list()].map(({ connection }) => connection.bytesWritten);
    const turns: number[][] = [];
    const finish = turn.finish.bind(turn);
    turn.finish = () => {
      const before = written();
      finish();
      turns.push(written().map((bytes, i) => bytes - before[i]!));
    };
    expect(await b.ask('SET', 'k', 1)).toBe('OK');
    expect(show(await a.next())).toBe('>["invalidate", ["k"]]');
    expect(turns.filter((bytes) => bytes.some((count) => count > 0))).toEqual([[32, 5]]);
  });

  it('with NOLOOP is silent about what the client takes after it has waited', async () => {
    await using live = await LiveServer.start();
    await using a = await RespClient.connect(live.port);
    await using b = await RespClient.connect(live.port);
    await a.call('HELLO', 3);
    await a.ask('CLIENT', 'TRACKING', 'ON', 'NOLOOP');
    await a.ask('LLEN', 'q');
    a.write(encodeCommand(['BLPOP', 'q', 0]));
    await eventually(() => live.server.clients.waiting.count === 1);
    await b.ask('MULTI');
    await b.ask('LPUSH', 'q', 'x', 'y');
    await b.ask('EXEC');
    a.write(encodeCommand(['LLEN', 'q']));
    a.write(encodeCommand(['PING']));
    const replies = [await a.next(), await a.next(), await a.next(), await a.next()].map((reply) => show(reply));
    expect(replies).toEqual(['>["invalidate", ["q"]]', '["q", "y"]', ':1', '+PONG']);
  });

  it('remembers what XREAD has waited for, and CACHING is about it until it is over', async () => {
    await using live = await LiveServer.start();
    await using a = await RespClient.connect(live.port);
    await using b = await RespClient.connect(live.port);
    await a.call('HELLO', 3);
    await a.ask('CLIENT', 'TRACKING', 'ON', 'OPTIN');
    await a.ask('CLIENT', 'CACHING', 'YES');
    a.write(encodeCommand(['XREAD', 'BLOCK', 0, 'STREAMS', 's', '$']));
    await eventually(() => live.server.clients.waiting.count === 1);
    await b.ask('XADD', 's', '1-1', 'f', 'v');
    expect(show(await a.next())).toBe('>["invalidate", ["s"]]');
    expect(show(await a.next())).toBe('%["s", [["1-1", ["f", "v"]]]]');
    await b.ask('XADD', 's', '1-2', 'f', 'v');
    expect(show(await a.next())).toBe('>["invalidate", ["s"]]');
    await a.ask('XLEN', 's');
    await b.ask('XADD', 's', '1-3', 'f', 'v');
    expect(await a.ask('PING')).toBe('PONG');
  });
});

describe('CLIENT NO-TOUCH', () => {
  it('leaves the access time of keys alone, but for TOUCH', async () => {
    const clock = new ManualClock();
    await using live = await LiveServer.start({ clock });
    await using a = await RespClient.connect(live.port);
    const idle = () => a.ask('OBJECT', 'IDLETIME', 'k');
    await a.ask('RPUSH', 'k', 'v');
    clock.advance(10_000);
    expect(await a.ask('CLIENT', 'NO-TOUCH', 'ON')).toBe('OK');
    await a.ask('LRANGE', 'k', 0, -1);
    await a.ask('RPUSH', 'k', 'w');
    await a.ask('MULTI');
    await a.ask('LLEN', 'k');
    await a.ask('EXEC');
    expect(await idle()).toBe(10);
    await a.ask('TOUCH', 'k');
    expect(await idle()).toBe(0);
    clock.advance(5000);
    await a.ask('CLIENT', 'NO-TOUCH', 'OFF');
    await a.ask('LLEN', 'k');
    expect(await idle()).toBe(0);
  });
});

describe('a client-side cache', () => {
  it.each(WAYS)(
    'is never behind: $name',
    async (way) => {
      const { reads, drops } = await run(way, SEED).catch((error: Error) => {
        error.message = `${error.message}\nONGGI_SEED=${SEED}`;
        throw error;
      });
      expect(reads).toBeGreaterThan(ROUNDS);
      expect(drops).toBeGreaterThan(ROUNDS / 10);
    },
    120_000,
  );
});
