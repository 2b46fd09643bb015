import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { LiveServer } from './testing/live-server.js';

async function infoField(client: RespClient, section: string, field: string): Promise<string> {
  const text = String(await client.ask('INFO', section));
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? 'missing';
}

describe('CLIENT PAUSE', () => {
  it('is told by INFO, and who waits by CLIENT LIST', async () => {
    await using live = await LiveServer.start();
    await using client = await RespClient.connect(live.port);
    await using other = await RespClient.connect(live.port);
    const told = () =>
      Promise.all(
        ['paused_reason', 'paused_actions', 'blocked_clients'].map((each) => infoField(client, 'clients', each)),
      );
    expect(await told()).toEqual(['none', 'none', '0']);
    expect(await infoField(client, 'clients', 'paused_timeout_milliseconds')).toBe('0');
    await client.ask('CLIENT', 'PAUSE', 60_000, 'WRITE');
    other.write('SET k v\r\n');
    await eventually(async () => (await infoField(client, 'clients', 'blocked_clients')) === '1');
    expect(await told()).toEqual(['client_pause', 'write', '1']);
    const left = Number(await infoField(client, 'clients', 'paused_timeout_milliseconds'));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(60_000);
    const lines = String(await client.ask('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    expect(lines.map((line) => /flags=(\S+) .* cmd=(\S+)/.exec(line)!.slice(1, 3))).toEqual([
      ['N', 'client|list'],
      ['b', 'set'],
    ]);
    await client.ask('CLIENT', 'UNPAUSE');
    expect(String(await other.nextRaw())).toBe('+OK\r\n');
    expect(await told()).toEqual(['none', 'none', '0']);
  });

  it('ends by itself, in order, also for who had sent more', async () => {
    await using live = await LiveServer.start();
    await using a = await RespClient.connect(live.port);
    await using b = await RespClient.connect(live.port);
    await a.ask('CLIENT', 'PAUSE', 50, 'ALL');
    b.capture();
    b.write('RPUSH l 1\r\nRPUSH l 2\r\nLRANGE l 0 -1\r\nQUIT\r\n');
    await eventually(() => live.server.clients.waiting.count === 1 || live.server.keyspace.size > 0);
    a.write('RPUSH l 3\r\n');
    await b.waitClosed();
    expect(String(b.captured())).toBe(':1\r\n:2\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n+OK\r\n');
    expect(String(await a.nextRaw())).toBe(':3\r\n');
    expect(live.server.keyspace.deletesExpired).toBe(true);
  });

  it('lets neither expiry nor eviction change the data', async () => {
    await using live = await LiveServer.start();
    await using client = await RespClient.connect(live.port);
    await client.ask('SET', 'soon', 'x', 'PX', 1);
    await client.ask('SET', 'victim', 'x'.repeat(5000));
    await client.ask('CLIENT', 'PAUSE', 600_000, 'WRITE');
    await client.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', 1);
    await eventually(async () => (await client.ask('GET', 'soon')) === null);
    expect(await client.ask('STRLEN', 'victim')).toBe(5000);
    await client.ask('CLIENT', 'UNPAUSE');
    await client.ask('PING');
    await eventually(() => live.server.keyspace.size === 0);
  });

  it('holds nobody back at the end of the server', async () => {
    const live = await LiveServer.start();
    const client = await RespClient.connect(live.port);
    await client.ask('CLIENT', 'PAUSE', 600_000);
    client.write('SET k v\r\n');
    await eventually(() => live.server.clients.waiting.count === 1);
    await live[Symbol.asyncDispose]();
    await client.waitClosed();
  });
});
