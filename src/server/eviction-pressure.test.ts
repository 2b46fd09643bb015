/**
 * A cache under constant pressure: random values of all types and sizes, snapshots on and off. What counts stays below the limit
 * but for what a single command adds, and what the log holds afterwards is the data.
 */
import { expect, it } from 'vitest';
import { type Arg, encodeCommand, RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import { inFolder, LiveServer } from './testing/live-server.js';

const LIMIT = 4_000_000;
/** More than any command here takes, tables and buffers included. */
const COMMAND_MAX = 100_000;

function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

class Load {
  private readonly random: () => number;
  constructor(seed: number) {
    this.random = rng(seed);
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private bytes(max = this.below(20) === 0 ? 20_000 : 300): Buffer {
    return Buffer.alloc(this.below(max), 97 + this.below(26));
  }

  private many(max: number, each: (i: number) => Arg[]): Arg[] {
    const args: Arg[] = [];
    for (let i = this.below(max); i >= 0; i--) args.push(...each(i));
    return args;
  }

  command(): Arg[] {
    const n = this.below(3000);
    const element = () => `element-${this.below(1000)}`;
    switch (this.below(13)) {
      case 0:
      case 1:
        return ['SET', `string:${n}`, this.bytes()];
      case 2:
        return ['SET', `session:${n}`, this.bytes(), 'EX', 1000 + this.below(100_000)];
      case 3:
        return ['APPEND', `string:${n}`, this.bytes()];
      case 4:
        return ['RPUSH', `list:${this.below(100)}`, ...this.many(10, () => [this.bytes(300)])];
      case 5:
        return ['HSET', `hash:${this.below(100)}`, ...this.many(20, () => [element(), this.bytes(300)])];
      case 6:
        return ['SADD', `set:${this.below(100)}`, ...this.many(50, () => [element()])];
      case 7:
        return ['ZADD', `zset:${this.below(100)}`, ...this.many(50, () => [this.below(1000), element()])];
      case 8:
        return ['XADD', `stream:${this.below(50)}`, '*', 'field', this.bytes()];
      case 9:
        return ['DEL', `string:${n}`, `list:${n % 100}`];
      case 10:
        return ['EXPIRE', `hash:${this.below(100)}`, 5000];
      case 11:
        return ['GET', `string:${n}`];
      default:
        return ['SUNIONSTORE', `set:${this.below(100)}`, `set:${this.below(100)}`, `set:${this.below(100)}`];
    }
  }
}

for (const [seed, policy] of [
  [1, 'allkeys-lru'],
  [2, 'allkeys-lfu'],
  [3, 'allkeys-random'],
] as const) {
  it(`${policy} keeps within the limit, snapshots or not, and the log holds what is left (seed ${seed})`, () =>
    inFolder(async (dir) => {
      await using live = await LiveServer.start({
        dir,
        // Time stands still, so that eviction is never cut short by a busy machine.
        clock: new ManualClock(),
        config: {
          'enable-debug-command': 'yes',
          appendonly: 'yes',
          appendfsync: 'no',
          'auto-aof-rewrite-percentage': 0,
          maxmemory: LIMIT,
          'maxmemory-policy': policy,
        },
      });
      await using client = await RespClient.connect(live.port);
      const { server } = live;
      const load = new Load(seed);
      let saves = 0;
      for (let round = 0; round < 100; round++) {
        // Refused while the last one runs.
        if (round % 10 === 5 && (await client.call('BGSAVE')).mark === '+') saves++;
        const batch = Array.from({ length: 80 }, () => encodeCommand(load.command()));
        client.write(Buffer.concat(batch));
        for (const _ of batch) await client.nextRaw();
        server.clients.memory.measure();
        expect(server.memory().counted).toBeLessThan(LIMIT + COMMAND_MAX);
      }
      expect(server.eviction.evictedKeys).toBeGreaterThan(200);
      // It keeps what there is room for.
      expect(server.memory().counted).toBeGreaterThan(LIMIT * 0.8);
      expect(saves).toBeGreaterThan(1);
      await eventually(() => server.keyspace.capture === null);
      await client.ask('CONFIG', 'SET', 'maxmemory', 0);
      const digest = await client.ask('DEBUG', 'DIGEST');
      expect(await client.ask('DEBUG', 'LOADAOF')).toBe('OK');
      expect(await client.ask('DEBUG', 'DIGEST')).toBe(digest);
    }));
}
