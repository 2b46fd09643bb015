import { describe, expect, it } from 'vitest';
import { type Arg, encodeCommand, RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import type { Client } from './client.js';
import { LiveServer } from './testing/live-server.js';

const KB = 1024;
const MB = 1024 * KB;

interface Played {
  live: LiveServer;
  admin: RespClient;
  /** A client of that name. */
  open(name: string): Promise<RespClient>;
  /** The server's side of it; undefined when it was closed. */
  peer(name: string): Client | undefined;
  names(): string[];
}

async function withServer(run: (p: Played) => Promise<void>, config: Record<string, string> = {}): Promise<void> {
  await using live = await LiveServer.start({ config });
  await using admin = await RespClient.connect(live.port);
  await admin.ask('CLIENT', 'SETNAME', 'admin');
  const opened: RespClient[] = [];
  const list = () => [...live.server.clients.list()];
  try {
    await run({
      live,
      admin,
      async open(name) {
        const client = await RespClient.connect(live.port);
        opened.push(client);
        await client.ask('CLIENT', 'SETNAME', name);
        return client;
      },
      peer: (name) => list().find((client) => client.name === name),
      names: () => list().map(({ name }) => name),
    });
  } finally {
    for (const client of opened) await client.close();
  }
}

/** Sends `bytes` of a command that is not complete. */
function begin(client: RespClient, bytes: number): void {
  client.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${100 * MB}\r\n`);
  client.write(Buffer.alloc(bytes, 'x'));
}

async function evicted(admin: RespClient): Promise<number> {
  return Number(/evicted_clients:(\d+)/.exec(String(await admin.ask('INFO', 'stats')))![1]);
}

async function fields(admin: RespClient, id: number): Promise<Record<string, string>> {
  const line = String(await admin.ask('CLIENT', 'LIST', 'ID', id)).trim();
  return Object.fromEntries(line.split(' ').map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

describe('maxmemory-clients', () => {
  it('closes the largest first, until it is enough', () =>
    withServer(async ({ live, admin, open, names }) => {
      begin(await open('small'), 20 * KB);
      begin(await open('large'), 3 * MB);
      begin(await open('middle'), 300 * KB);
      await eventually(() => live.server.statistics.netInputBytes > 3.3 * MB);
      await admin.ask('CONFIG', 'SET', 'maxmemory-clients', 2 * MB);
      await eventually(() => !names().includes('large'));
      expect(names()).toEqual(['admin', 'small', 'middle']);
      expect(await evicted(admin)).toBe(1);
      expect(live.lines.join('')).toMatch(/Evicting client: id=\d+ .* name=large /);
    }));

  it('lets those be who said NO-EVICT, though they count', () =>
    withServer(
      async ({ live, admin, open, names }) => {
        const large = await open('large');
        await large.ask('CLIENT', 'NO-EVICT', 'ON');
        await admin.ask('CLIENT', 'NO-EVICT', 'ON');
        begin(large, 3 * MB);
        await eventually(() => live.server.statistics.netInputBytes > 3 * MB);
        await using other = await open('other').catch(() => null as never);
        await other?.waitClosed();
        await eventually(() => live.lines.some((line) => line.includes('Over client maxmemory after evicting all')));
        expect(names()).toEqual(['admin', 'large']);
        await large.close();
        await eventually(() => names().length === 1);
        expect(await (await open('later')).ask('PING')).toBe('PONG');
      },
      { 'maxmemory-clients': '1mb' },
    ));

  it('counts replies that are not read', () =>
    withServer(
      async ({ admin, open, names }) => {
        await admin.ask('SET', 'big', Buffer.alloc(400 * KB));
        const slow = await open('slow');
        slow.socket.pause();
        slow.write('GET big\r\n'.repeat(100));
        await eventually(() => !names().includes('slow'));
        expect(await evicted(admin)).toBe(1);
        // Who reads in time gets as much.
        const quick = await open('quick');
        const asked: Arg[][] = Array.from({ length: 100 }, () => ['STRLEN', 'big']);
        expect(await quick.pipeline(asked)).toHaveLength(100);
        expect(String(await quick.ask('GET', 'big')).length).toBe(400 * KB);
      },
      { 'maxmemory-clients': '4mb' },
    ));

  it('counts messages that are not read', () =>
    withServer(
      async ({ admin, open, names }) => {
        const slow = await open('slow');
        await slow.call('SUBSCRIBE', 'ch');
        slow.socket.pause();
        const message = Buffer.alloc(100 * KB);
        await eventually(async () => {
          await admin.ask('PUBLISH', 'ch', message);
          return !names().includes('slow');
        });
        expect(await evicted(admin)).toBe(1);
      },
      { 'maxmemory-clients': '4mb', 'client-output-buffer-limit': 'pubsub 0 0 0' },
    ));

  it('counts queued commands', () =>
    withServer(
      async ({ open, names }) => {
        const client = await open('queues');
        await client.ask('MULTI');
        for (let i = 0; i < 10; i++) client.write(encodeCommand(['SET', 'k', Buffer.alloc(100 * KB)]));
        await client.waitClosed();
        expect(names()).toEqual(['admin']);
      },
      { 'maxmemory-clients': '500kb' },
    ));

  it('may be a part of maxmemory', () =>
    withServer(async ({ live, admin, open, names }) => {
      begin(await open('a'), 300 * KB);
      await eventually(() => live.server.statistics.netInputBytes > 300 * KB);
      await admin.ask('CONFIG', 'SET', 'maxmemory-clients', '5%');
      await admin.ask('PING');
      expect(names()).toEqual(['admin', 'a']);
      await admin.ask('CONFIG', 'SET', 'maxmemory', 40 * MB);
      await admin.ask('PING');
      expect(names()).toEqual(['admin', 'a']);
      await admin.ask('CONFIG', 'SET', 'maxmemory', 4 * MB);
      await eventually(() => names().length === 1);
    }));

  it('is never so small that nobody can say anything', () =>
    withServer(
      async ({ admin, open }) => {
        const client = await open('a');
        expect(await client.ask('PING')).toBe('PONG');
        expect(await admin.ask('CONFIG', 'GET', 'maxmemory-clients')).toEqual(['maxmemory-clients', '1']);
      },
      { 'maxmemory-clients': '1' },
    ));
});

describe('CLIENT LIST', () => {
  it('tells where the memory of a client is', () =>
    withServer(async ({ admin, open, peer }) => {
      const client = await open('a');
      const { id } = peer('a')!;
      const before = await fields(admin, id);
      expect(before).toMatchObject({ qbuf: '0', 'argv-mem': '0', 'multi-mem': '0', obl: '0', oll: '0', omem: '0' });
      await client.ask('WATCH', ...Array.from({ length: 100 }, (_, i) => `key:${i}`));
      const watching = await fields(admin, id);
      expect(Number(watching['tot-mem'])).toBeGreaterThan(Number(before['tot-mem']) + 5000);
      await client.ask('MULTI');
      await client.ask('SET', 'k', Buffer.alloc(5000));
      expect(Number((await fields(admin, id))['multi-mem'])).toBeGreaterThan(5000);
      await client.ask('DISCARD');
      expect((await fields(admin, id))['tot-mem']).toBe(before['tot-mem']);
      begin(client, 10 * KB);
      await eventually(() => peer('a')!.parser.pending > 10 * KB);
      const reading = await fields(admin, id);
      expect(Number(reading['qbuf'])).toBeGreaterThan(10 * KB);
      expect(Number(reading['tot-mem'])).toBeGreaterThanOrEqual(
        Number(before['tot-mem']) + Number(reading['qbuf']) + Number(reading['qbuf-free']),
      );
    }));

  it('counts what a client that waits has asked', () =>
    withServer(async ({ admin, open, peer }) => {
      const client = await open('a');
      client.write(encodeCommand(['BLPOP', 'q'.repeat(3000), 0]));
      await eventually(() => peer('a')!.waiting !== null);
      expect(Number((await fields(admin, peer('a')!.id))['argv-mem'])).toBeGreaterThan(3000);
    }));

  it('shows output that waits, and less of it as it is read', () =>
    withServer(async ({ admin, open, peer }) => {
      await admin.ask('SET', 'big', Buffer.alloc(8 * MB));
      const client = await open('slow');
      client.socket.pause();
      client.write('GET big\r\nGET big\r\nGET big\r\n');
      await eventually(() => peer('slow')!.connection.pending > 10 * MB);
      const { id } = peer('slow')!;
      const waiting = await fields(admin, id);
      expect(waiting).toMatchObject({ obl: '0', events: 'rw' });
      expect(Number(waiting['oll'])).toBeGreaterThanOrEqual(1);
      expect(Number(waiting['tot-mem'])).toBeGreaterThan(Number(waiting['omem']));
      const info = String(await admin.ask('INFO', 'memory'));
      expect(Number(/mem_clients_normal:(\d+)/.exec(info)![1])).toBeGreaterThan(10 * MB);
      client.socket.resume();
      for (let i = 0; i < 3; i++) await client.next();
      await eventually(async () => (await fields(admin, id))['omem'] === '0');
      expect(await fields(admin, id)).toMatchObject({ oll: '0', events: 'r' });
    }));
});

describe('client-query-buffer-limit', () => {
  const closes = (what: string, run: (client: RespClient, admin: RespClient) => Promise<void> | void) =>
    it(`closes who sends ${what}`, () =>
      withServer(
        async ({ live, admin, open, names }) => {
          const client = await open('a');
          client.socket.on('error', () => {});
          await run(client, admin);
          await client.waitClosed();
          await eventually(() => names().length === 1);
          expect(live.server.statistics.queryBufferLimitDisconnections).toBe(1);
          expect(live.lines.join('')).toMatch(
            /Closing client that reached max query buffer length: id=\d+ .* \(qbuf initial bytes: ".*"\)/,
          );
        },
        { 'client-query-buffer-limit': '1mb' },
      ));

  closes('a large argument', (client) => begin(client, 1100 * KB));
  closes('many arguments', (client) => {
    client.write('*100000\r\n');
    client.write('$20\r\n01234567890123456789\r\n'.repeat(50_000));
  });
  closes('a large transaction', async (client) => {
    await client.ask('MULTI');
    for (let i = 0; i < 12; i++) client.write(encodeCommand(['SET', 'k', Buffer.alloc(100 * KB)]));
  });
  closes('more while it waits', async (client) => {
    client.write('BLPOP q 0\r\n');
    client.write('SET k v\r\n'.repeat(200_000));
  });
  closes('much while it waits for the end of a pause', async (client, admin) => {
    await admin.ask('CLIENT', 'PAUSE', 1_000_000, 'WRITE');
    client.write('SET k v\r\n'.repeat(200_000));
  });

  it('is not about what can be executed, however much it is', () =>
    withServer(
      async ({ open }) => {
        const client = await open('a');
        const commands = Array.from({ length: 50 }, () => ['SET', 'k', Buffer.alloc(100 * KB)] as const);
        expect((await client.pipeline(commands)).every((reply) => String(reply) === '+OK\r\n')).toBe(true);
      },
      { 'client-query-buffer-limit': '1mb' },
    ));

  it('answers a line that is too long with an error', () =>
    withServer(async ({ live, open }) => {
      const client = await open('a');
      client.capture();
      client.socket.on('error', () => {});
      client.write('x'.repeat(70_000));
      await client.waitClosed();
      expect(String(client.captured())).toBe('-ERR Protocol error: too big inline request\r\n');
      expect(live.server.statistics.queryBufferLimitDisconnections).toBe(0);
    }));
});
