import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import type { Clock } from '../base/clock.js';
import { Capture } from '../keyspace/capture.js';
import { LiveServer, type LiveServerOptions, RecordingSink } from './testing/live-server.js';

/** A clock that each look at it moves on, so that slices of time end. */
class TickingClock implements Clock {
  ms = 1_700_000_000_000;
  constructor(public tickMs = 0.01) {}
  now(): number {
    return Math.floor(this.ms);
  }
  monotonic(): number {
    this.ms += this.tickMs;
    return this.ms;
  }
}

interface Played {
  live: LiveServer;
  client: RespClient;
  sink: RecordingSink;
}

async function withServer(run: (p: Played) => Promise<void>, options: LiveServerOptions = {}): Promise<void> {
  const sink = new RecordingSink();
  const clock = new TickingClock();
  await using live = await LiveServer.start({ sink, clock, ...options });
  await using client = await RespClient.connect(live.port);
  await run({ live, client, sink });
}

/** Sets the limit so that `bytes` more than it are in use. */
async function overBy({ live, client }: Played, bytes: number, policy: string): Promise<void> {
  await client.ask('CONFIG', 'SET', 'maxmemory-policy', policy);
  live.server.clients.memory.measure();
  await client.ask('CONFIG', 'SET', 'maxmemory', Math.floor(live.server.memory().counted - bytes));
}

async function fill({ client }: Played, keys: number, bytes: number): Promise<void> {
  for (let i = 0; i < keys; i++) await client.ask('SET', `key:${i}`, Buffer.alloc(bytes));
}

function isBelow(live: LiveServer): boolean {
  return live.server.memory().counted <= Number(live.server.config.values.maxmemory);
}

describe('eviction', () => {
  it('warns of a limit that may be a mistake', async () => {
    for (const [limit, warns] of [
      [1000, true],
      [2_000_000, false],
      [0, false],
    ] as const) {
      await using live = await LiveServer.start({ config: { maxmemory: limit } });
      expect(live.lines.some((line) => line.includes('maxmemory value that is less than 1MB'))).toBe(warns);
    }
  });

  it('goes on between turns after CONFIG SET maxmemory, which warns', () =>
    withServer(async (p) => {
      await fill(p, 200, 1000);
      await overBy(p, 100_000, 'allkeys-lru');
      expect(p.live.lines.some((line) => line.includes('WARNING: the new maxmemory value set via CONFIG SET'))).toBe(
        true,
      );
      await eventually(() => isBelow(p.live));
      const { evictedKeys } = p.live.server.eviction;
      expect(evictedKeys).toBeGreaterThan(80);
      expect(evictedKeys).toBeLessThan(120);
      expect(p.live.server.keyspace.size).toBe(200 - evictedKeys);
    }));

  for (const [lazily, word] of [
    ['no', 'DEL'],
    ['yes', 'UNLINK'],
  ] as const) {
    it(`is an effect of its own before that of the command, ${word} with lazyfree-lazy-eviction ${lazily}`, () =>
      withServer(
        async (p) => {
          await p.client.ask('SELECT', 3);
          await p.client.ask('SET', 'victim', Buffer.alloc(5000));
          await p.client.ask('SET', 'kept', 'x', 'EX', 1000);
          p.sink.take();
          await p.client.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random', 'maxmemory', 1);
          await p.client.ask('PING');
          await eventually(() => p.live.server.keyspace.size === 0);
          expect(p.sink.take().sort()).toEqual([`3 ${word} kept`, `3 ${word} victim`]);
        },
        { config: { 'lazyfree-lazy-eviction': lazily } },
      ));
  }

  it('spoils the transactions of those who watch the key', () =>
    withServer(async (p) => {
      await p.client.ask('SET', 'victim', 'x');
      await p.client.ask('WATCH', 'victim');
      await p.client.ask('MULTI');
      await p.client.ask('PING');
      await using other = await RespClient.connect(p.live.port);
      await other.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', 1);
      await eventually(() => p.live.server.keyspace.size === 0);
      await other.ask('CONFIG', 'SET', 'maxmemory', 0);
      expect(await p.client.ask('EXEC')).toBe(null);
    }));

  it('of a giant value counts at once: nothing else goes though freeing it takes many turns', () =>
    withServer(
      async (p) => {
        const { client, live } = p;
        for (let i = 0; i < 20_000; i += 1000) {
          const pairs = Array.from({ length: 2000 }, (_, k) =>
            k % 2 === 0 ? `field:${i + k}` : 'value-of-some-bytes',
          );
          await client.ask('HSET', 'giant', ...pairs);
        }
        const giant = Number(await client.ask('MEMORY', 'USAGE', 'giant', 'SAMPLES', 0));
        (live.server.clock as TickingClock).ms += 3_600_000;
        await fill(p, 50, 500);
        await client.ask('CONFIG', 'SET', 'maxmemory-samples', 64);
        await overBy(p, giant / 2, 'allkeys-lru');
        await eventually(() => isBelow(live));
        expect(live.server.eviction.evictedKeys).toBe(1);
        expect(live.server.keyspace.size).toBe(50);
        await eventually(() => live.server.keyspace.discarded.count === 0);
        expect(live.server.keyspace.discarded.freedObjects).toBe(1);
      },
      { clock: new TickingClock(0.2) },
    ));

  it('stops where enough is freed though a snapshot holds the memory back', () =>
    withServer(async (p) => {
      const { live } = p;
      await fill(p, 200, 1000);
      const { keyspace } = live.server;
      let handed = 0;
      const capture = new Capture(keyspace, {
        handed: () => handed,
        acked: () => 0,
        room: () => 0,
        push: () => {
          handed++;
        },
        publish() {},
      });
      await overBy(p, 50_000, 'allkeys-lru');
      await eventually(() => isBelow(live));
      await p.client.ask('SET', 'one', 'more');
      expect(live.server.eviction.evictedKeys).toBeLessThan(70);
      expect(keyspace.arena.bytesDeferred).toBeGreaterThan(50_000);
      capture.end();
    }));

  it('does not evict for a flushed database that waits for a snapshot', () =>
    withServer(async (p) => {
      const { live, client } = p;
      await fill(p, 500, 1000);
      const { keyspace } = live.server;
      const capture = new Capture(keyspace, {
        handed: () => 0,
        acked: () => 0,
        room: () => 0,
        push() {},
        publish() {},
      });
      await client.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', live.server.memory().used);
      await client.ask('FLUSHDB');
      for (let i = 0; i < 400; i++) await client.ask('SET', `new:${i}`, Buffer.alloc(1000));
      expect(keyspace.size).toBe(400);
      expect(live.server.eviction.evictedKeys).toBe(0);
      capture.end();
      await eventually(() => keyspace.discarded.count === 0);
      expect(keyspace.discarded.bytesWaiting).toBe(0);
      expect(live.server.eviction.evictedKeys).toBe(0);
    }));

  it('lets a command run while memory waits to be freed, even if no key may be evicted', () =>
    withServer(
      async (p) => {
        const { client, live } = p;
        for (let i = 0; i < 20_000; i += 1000) {
          await client.ask('SADD', 'giant', ...Array.from({ length: 1000 }, (_, k) => `member-number-${i + k}`));
        }
        await client.ask('CONFIG', 'SET', 'maxmemory', live.server.memory().used - 200_000);
        await expect(client.ask('SET', 'a', 'b')).rejects.toThrow(
          "OOM command not allowed when used memory > 'maxmemory'.",
        );
        await client.ask('DEL', 'giant');
        expect(await client.ask('SET', 'a', 'b')).toBe('OK');
      },
      { clock: new TickingClock(0.2) },
    ));

  it('keeps the last gigabyte that the arena can address, without maxmemory too', () =>
    withServer(async (p) => {
      const { client, live } = p;
      const { eviction, keyspace, gate } = live.server;
      keyspace.arena.segmentsMax = 18;
      const fillArena = async () => {
        // Together, for the server looks at its memory meanwhile: after two of them it may refuse the third one.
        await client.ask('MULTI');
        for (let i = 0; i < 3; i++) await client.ask('SETRANGE', `large:${i}`, 60 * 1024 * 1024, 'x');
        await client.ask('EXEC');
        await eventually(() => gate.memory !== null);
      };
      await fillArena();
      expect(live.lines.some((line) => line.includes('All memory that this server can address is nearly in use'))).toBe(
        true,
      );
      await expect(client.ask('SET', 'a', 'b')).rejects.toThrow('OOM');
      expect(await client.ask('STRLEN', 'large:0')).toBe(60 * 1024 * 1024 + 1);
      await client.ask('DEL', 'large:0');
      expect(await client.ask('SET', 'a', 'b')).toBe('OK');
      await eventually(() => gate.memory === null);
      await fillArena();
      await client.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
      expect(await client.ask('SET', 'b', 'c')).toBe('OK');
      expect(eviction.evictedKeys).toBeGreaterThan(0);
      await eventually(() => gate.memory === null);
    }));

  it('counts for how long there was too much', () =>
    withServer(async (p) => {
      const { client, live } = p;
      const { eviction } = live.server;
      await fill(p, 10, 1000);
      await overBy(p, 1000, 'noeviction');
      await expect(client.ask('SET', 'a', 'b')).rejects.toThrow('OOM');
      (live.server.clock as TickingClock).ms += 5000;
      expect(eviction.currentExceededMs).toBeGreaterThan(5000);
      await client.ask('DEL', 'key:1', 'key:2', 'key:3');
      await client.ask('SET', 'a', 'b');
      expect(eviction.currentExceededMs).toBe(0);
      expect(eviction.totalExceededMs).toBeGreaterThan(5000);
      await client.ask('CONFIG', 'RESETSTAT');
      expect(eviction.totalExceededMs).toBe(0);
    }));

  it('is not exceeded any more once there is no limit', () =>
    withServer(async (p) => {
      const { client, live } = p;
      await fill(p, 10, 1000);
      await overBy(p, 1000, 'noeviction');
      await expect(client.ask('SET', 'a', 'b')).rejects.toThrow('OOM');
      await client.ask('CONFIG', 'SET', 'maxmemory', 0);
      expect(live.server.eviction.currentExceededMs).toBe(0);
      expect(live.server.eviction.totalExceededMs).toBeGreaterThan(0);
    }));

  it('does not happen on a replica, which leaves it to its primary', () =>
    withServer(async (p) => {
      const { client, live } = p;
      await fill(p, 10, 1000);
      live.server.keyspace.followsPrimary = true;
      await overBy(p, 5000, 'allkeys-lru');
      await client.ask('SET', 'a', 'b');
      expect(live.server.keyspace.size).toBe(11);
      await client.ask('CONFIG', 'SET', 'replica-ignore-maxmemory', 'no');
      await client.ask('PING');
      expect(live.server.keyspace.size).toBeLessThan(8);
    }));
});
