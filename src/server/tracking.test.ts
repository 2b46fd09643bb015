/**
 * A client that caches what it reads and believes what it is told never holds a value that is not the server's: random
 * commands, expiries and flushes by others, in every mode of CLIENT TRACKING.
 *
 *   ONGGI_SEED=5 npx vitest run --project unit src/server/tracking.test.ts
 */
import { describe, expect, it } from 'vitest';
import { Draw, randomCommand } from '../../test/differential/generator.js';
import { type Arg, encodeCommand, RespClient } from '../../test/support/client.js';
import { decodeReply, type Reply, show } from '../../test/support/reply.js';
import { ManualClock } from '../base/clock.js';
import { LiveServer } from './testing/live-server.js';
import { INVALIDATE_CHANNEL } from './tracking.js';

const SEED = Number(process.env['ONGGI_SEED'] ?? Date.now() % 1_000_000);
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
        this.send(['EXEC'], (raw) => keeps && this.keep(key, command, decodeReply(raw).items![0]!));
      } else {
        this.send(command, (raw) => keeps && this.keep(key, command, decodeReply(raw)));
      }
    }
  }

  private keep(key: string, command: readonly string[], reply: Reply): void {
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
