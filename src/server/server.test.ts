import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import { SessionFlag } from '../commands/session.js';
import { Listener } from '../net/listener.js';
import { inFolder, LiveServer } from './testing/live-server.js';

const open = (live: LiveServer) => RespClient.connect(live.port);

it('a client with an endless pipeline does not hold up the others: a round of the loop takes in a part of it', async () => {
  await using live = await LiveServer.start();
  await using client = await open(live);
  client.socket.resume();
  client.capture();
  const { statistics } = live.server;
  const sent = 'PING\r\n'.repeat(1_000_000);
  client.write(sent);
  let most = 0;
  let before = statistics.netInputBytes;
  while (before < sent.length) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, statistics.netInputBytes - before);
    before = statistics.netInputBytes;
  }
  expect(most).toBeLessThanOrEqual(5 * 64 * 1024);
});

describe.each([false, true])('connections (ordinary sockets: %s)', (ordinarySockets) => {
  it('get replies in order, of pipelines too', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    await using client = await open(live);
    const replies = await client.pipeline(Array.from({ length: 5000 }, (_, i) => ['ECHO', i]));
    expect(replies.map(String)).toEqual(Array.from({ length: 5000 }, (_, i) => `$${String(i).length}\r\n${i}\r\n`));
  });

  it('get commands through that arrive byte by byte', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    await using client = await open(live);
    client.socket.setNoDelay(true);
    for (const byte of '*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\nPING\r\n') {
      client.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(String(await client.nextRaw())).toBe('$2\r\nhi\r\n');
    expect(String(await client.nextRaw())).toBe('+PONG\r\n');
  });

  it('get replies that are larger than what a socket takes at once, even when they read late', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    await using client = await open(live);
    const value = Buffer.alloc(3_000_000, 'abcdefg');
    await client.ask('SET', 'big', value);
    client.socket.pause();
    for (let i = 0; i < 10; i++) client.write('GET big\r\nECHO between\r\n');
    await eventually(() => [...live.server.clients.list()][0]!.connection.pending > 5_000_000);
    // Others are served meanwhile, from buffers that are not those on their way.
    await using other = await open(live);
    for (let i = 0; i < 50; i++) expect(await other.ask('ECHO', `x${i}`)).toBe(`x${i}`);
    client.socket.resume();
    for (let i = 0; i < 10; i++) {
      const reply = await client.next();
      expect(reply.bytes!.equals(value)).toBe(true);
      expect(String(await client.nextRaw())).toBe('$7\r\nbetween\r\n');
    }
    expect([...live.server.clients.list()][0]!.connection.pending).toBe(0);
  });

  it('are closed by QUIT after its reply, and what follows it is not executed', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    await using client = await open(live);
    client.capture();
    client.write('SET a 1\r\nQUIT\r\nSET a 2\r\n');
    await client.waitClosed();
    expect(String(client.captured())).toBe('+OK\r\n+OK\r\n');
    await using other = await open(live);
    expect(await other.ask('GET', 'a')).toBe('1');
  });

  it('are closed by a reply longer than they may have waiting, before it is there; what they changed holds', async () => {
    await using live = await LiveServer.start({
      ordinarySockets,
      config: { 'client-output-buffer-limit': 'normal 3mb 0 0' },
    });
    await using other = await open(live);
    await other.ask('SET', 'big', 'v'.repeat(1_000_000));
    for (const way of ['alone', 'in a transaction', 'after waiting']) {
      await using client = await open(live);
      const { size } = live.server.clients;
      client.capture();
      const mget = `MGET${' big'.repeat(1000)}\r\n`;
      if (way === 'alone') client.write(`SET a 1\r\n${mget}SET a 2\r\n`);
      else if (way === 'in a transaction') client.write(`MULTI\r\n${mget}SET a 1\r\nEXEC\r\nSET a 2\r\n`);
      else client.write(`BLPOP list 0\r\nSET a 1\r\n${mget}SET a 2\r\n`);
      if (way === 'after waiting') {
        await eventually(() => live.server.clients.waiting.count === 1);
        expect(await other.ask('RPUSH', 'list', 'x')).toBe(1);
      }
      await client.waitClosed();
      expect(client.captured().length).toBeLessThan(100);
      expect(live.server.clients.size).toBe(size - 1);
      expect(live.server.turn.out.buf.length).toBeLessThan(20_000_000);
      expect(await other.ask('GETDEL', 'a')).toBe('1');
    }
    expect(live.server.statistics.outputBufferLimitDisconnections).toBe(3);
  });

  it.each(['QUIT', 'the end of their input'])(
    'stay clients after %s until they have read their replies: limits hold for them',
    async (way) => {
      await using live = await LiveServer.start({ ordinarySockets });
      await using admin = await open(live);
      await admin.ask('SET', 'big', 'v'.repeat(20_000_000));
      const socket: Socket = connect({ port: live.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      socket.pause();
      socket.write('GET big\r\n');
      const there = () =>
        [...live.server.clients.list()].find((client) => client.remote.endsWith(`:${socket.localPort}`));
      await eventually(() => (there()?.connection.pending ?? 0) > 5_000_000);
      const client = there()!;
      if (way === 'QUIT') socket.write('QUIT\r\nSET big x\r\n');
      else socket.end();
      await eventually(() => client.isClosed || client.has(SessionFlag.CLOSE_AFTER_REPLY));
      expect(String(await admin.ask('CLIENT', 'LIST'))).toContain(`id=${client.id} `);
      expect(client.isClosed).toBe(false);
      await admin.ask('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 1mb 0 0');
      live.server.clients.checkAll();
      expect(client.isClosed).toBe(true);
      expect(live.server.clients.size).toBe(1);
      expect(await admin.ask('STRLEN', 'big')).toBe(20_000_000);
      socket.destroy();
    },
  );

  it('get all replies although they have said that they send no more', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    const value = 'v'.repeat(2_000_000);
    await using client = await open(live);
    await client.ask('SET', 'big', value);
    const socket: Socket = connect({ port: live.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.pause();
    socket.end('GET big\r\nGET big\r\nPING\r\n');
    await eventually(() => live.server.statistics.reads >= 3);
    let bytes = 0;
    let text = '';
    for await (const chunk of socket) {
      bytes += (chunk as Buffer).length;
      text = (text + String(chunk)).slice(-7);
    }
    expect(bytes).toBe(2 * (value.length + 12) + 7);
    expect(text).toBe('+PONG\r\n');
  });

  it('that break off are forgotten', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    const client = await open(live);
    await client.ask('WATCH', 'k');
    expect(live.server.clients.size).toBe(1);
    client.socket.resetAndDestroy();
    await eventually(() => live.server.clients.size === 0);
    expect(live.server.watches.keys).toBe(0);
  });

  it('answer protocol errors after the replies before them, and close', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    await using client = await open(live);
    client.capture();
    client.write('PING\r\n*1\r\nx\r\nPING\r\n');
    await client.waitClosed();
    expect(String(client.captured())).toBe("+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
    expect(live.lines.join('')).toContain("Protocol error (expected '$', got 'x') from client: id=1 addr=127.0.0.1:");
  });
});

describe('limits', () => {
  it('maxclients: one more is told so and closed', async () => {
    await using live = await LiveServer.start({ config: { maxclients: 2 } });
    await using a = await open(live);
    await using b = await open(live);
    await a.ask('PING');
    await b.ask('PING');
    const socket = connect(live.port, '127.0.0.1');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toBe('-ERR max number of clients reached\r\n');
    expect(String(await a.ask('INFO', 'stats'))).toContain('rejected_connections:1\r\n');
    await a.ask('CONFIG', 'SET', 'maxclients', 3);
    await using c = await open(live);
    expect(await c.ask('PING')).toBe('PONG');
  });

  it('timeout: who says nothing for longer is closed', async () => {
    const clock = new ManualClock();
    await using live = await LiveServer.start({ config: { timeout: 10 }, clock });
    await using idle = await open(live);
    await using busy = await open(live);
    await idle.ask('PING');
    clock.advance(8000);
    await busy.ask('PING');
    clock.advance(4000);
    await idle.waitClosed();
    expect(await busy.ask('PING')).toBe('PONG');
  });

  it('client-output-buffer-limit: who does not read is closed at the hard limit', async () => {
    await using live = await LiveServer.start({ config: { 'client-output-buffer-limit': 'normal 1mb 0 0' } });
    await using client = await open(live);
    await client.ask('SET', 'big', 'x'.repeat(500_000));
    client.socket.pause();
    for (let i = 0; i < 100; i++) client.write('GET big\r\n');
    await eventually(() => live.server.clients.size === 0);
    expect(live.lines.join('')).toContain('for overcoming of output buffer limits.');
    expect(live.server.statistics.outputBufferLimitDisconnections).toBe(1);
  });

  it('client-output-buffer-limit: the soft limit counts after its seconds', async () => {
    const clock = new ManualClock();
    const config = { 'client-output-buffer-limit': 'normal 0 100kb 5' };
    await using live = await LiveServer.start({ config, clock });
    await using client = await open(live);
    await client.ask('SET', 'big', 'x'.repeat(1_000_000));
    client.socket.pause();
    for (let i = 0; i < 10; i++) client.write('GET big\r\n');
    const [there] = live.server.clients.list();
    await eventually(() => there!.overSoftSinceMs > 0);
    clock.advance(4000);
    live.server.clients.checkAll();
    expect(live.server.clients.size).toBe(1);
    clock.advance(2000);
    live.server.clients.checkAll();
    expect(live.server.clients.size).toBe(0);
  });

  it('proto-max-bulk-len changes for those who are connected, too', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    await client.ask('CONFIG', 'SET', 'proto-max-bulk-len', '1mb');
    client.write('*1\r\n$1048577\r\n');
    expect(String(await client.nextRaw())).toBe('-ERR Protocol error: invalid bulk length\r\n');
  });
});

describe('listening', () => {
  it('on a unix socket, with its permissions, which is removed at the end', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'onggi.sock');
      const { existsSync, statSync } = await import('node:fs');
      const live = await LiveServer.start({ config: { unixsocket: path, unixsocketperm: '700' } });
      const client = await RespClient.connect(path);
      expect(await client.ask('PING')).toBe('PONG');
      expect(String(await client.ask('CLIENT', 'INFO'))).toContain(`addr=${path}:0 laddr=${path}:0 `);
      expect(statSync(path).mode & 0o777).toBe(0o700);
      await client.close();
      await live.server.shutdown(['nosave']);
      expect(existsSync(path)).toBe(false);
    });
  });

  it('on loopback only when there is no bind line', async () => {
    await using live = await LiveServer.start();
    expect(live.server.listener.addresses[0]).toBe('127.0.0.1');
    expect(live.server.listener.addresses).not.toContain('*');
  });

  it('elsewhere after CONFIG SET bind or port', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    const free = await LiveServer.start();
    const { port } = free;
    await free.server.shutdown([]);
    expect(await client.ask('CONFIG', 'SET', 'port', port)).toBe('OK');
    await eventually(() => live.port === port);
    await using there = await RespClient.connect(port);
    expect(await there.ask('PING')).toBe('PONG');
    expect(await client.ask('PING')).toBe('PONG');
  });

  it('as before where CONFIG SET names what cannot be had, and nothing that was set with it holds', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    await using other = await LiveServer.start();
    const { port } = live;
    await expect(client.ask('CONFIG', 'SET', 'hz', '50', 'port', other.port)).rejects.toThrow(
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
    );
    expect(await client.ask('CONFIG', 'GET', 'hz')).toEqual(['hz', '10']);
    const [, before] = (await client.ask('CONFIG', 'GET', 'bind')) as [string, string];
    await expect(client.ask('CONFIG', 'SET', 'bind', '203.0.113.7')).rejects.toThrow(
      "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.",
    );
    expect(await client.ask('CONFIG', 'GET', 'bind')).toEqual(['bind', before]);
    await using again = await RespClient.connect(port);
    expect(await again.ask('PING')).toBe('PONG');
    // Nobody has named an address: loopback only, wherever it moves.
    const free = await LiveServer.start();
    const freed = free.port;
    await free.server.shutdown([]);
    expect(await client.ask('CONFIG', 'SET', 'port', freed)).toBe('OK');
    expect(live.server.listener.addresses).not.toContain('*');
  });

  it('where the last one that could be had says, whoever else fails at the same time', async () => {
    await using live = await LiveServer.start();
    await using a = await open(live);
    await using b = await open(live);
    await using other = await LiveServer.start();
    const free = await LiveServer.start();
    const { port } = free;
    await free.server.shutdown([]);
    const replies = await Promise.allSettled([
      a.ask('CONFIG', 'SET', 'maxmemory', '100mb', 'port', other.port),
      b.ask('CONFIG', 'SET', 'port', port, 'maxmemory', '200mb'),
      a.ask('CONFIG', 'SET', 'hz', '77', 'port', other.port),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(await b.ask('CONFIG', 'GET', 'port', 'maxmemory', 'hz')).toEqual(
      expect.arrayContaining(['port', String(port), 'maxmemory', String(200 * 2 ** 20), 'hz', '10']),
    );
    expect(await listens(port)).toBe(true);
  });

  it('where it does within MULTI, which says so; and CLIENT UNBLOCK takes no reply away', async () => {
    await using live = await LiveServer.start();
    await using a = await open(live);
    await using b = await open(live);
    const { port } = live;
    await a.ask('MULTI');
    await a.ask('CONFIG', 'SET', 'hz', '50', 'port', '1');
    await expect(a.ask('EXEC')).rejects.toThrow('the server cannot move within a transaction');
    expect(await a.ask('CONFIG', 'GET', 'hz')).toEqual(['hz', '10']);
    expect(await listens(port)).toBe(true);
    const id = (await a.ask('CLIENT', 'ID')) as number;
    // A name that takes a moment to look up, and is none.
    const move = a.ask('CONFIG', 'SET', 'bind', 'nowhere.invalid');
    expect(await b.ask('CLIENT', 'UNBLOCK', id)).toBe(0);
    await expect(move).rejects.toThrow('Failed to bind to specified addresses.');
    expect(await a.ask('PING')).toBe('PONG');
  });

  it('nowhere once it is closed, although it is about to move', async () => {
    const listener = new Listener({ accepted() {}, failed() {}, unavailable() {} });
    await listener.listenTcp(['127.0.0.1'], 0, 10);
    const free = await LiveServer.start();
    const { port } = free;
    await free.server.shutdown([]);
    const moves = [listener.moveTcp(['127.0.0.1'], port, 10), listener.moveTcp(['127.0.0.2'], port, 10)];
    await listener.close();
    await Promise.all(moves);
    expect([listener.listens, await listens(port)]).toEqual([false, false]);
  });

  it('at one place only, whoever moves it at the same time', async () => {
    await using live = await LiveServer.start();
    const clients = await Promise.all([open(live), open(live), open(live)]);
    const free = await Promise.all([LiveServer.start(), LiveServer.start(), LiveServer.start()]);
    const ports = [live.port, ...free.map(({ port }) => port)];
    for (const each of free) await each.server.shutdown([]);
    const replies = clients.map((client, i) => client.ask('CONFIG', 'SET', 'port', ports[i + 1]!));
    expect(await Promise.all(replies)).toEqual(['OK', 'OK', 'OK']);
    const open_ = await Promise.all(ports.map((port) => listens(port)));
    expect(open_.map((each, i) => (each ? ports[i] : 0)).filter((port) => port !== 0)).toEqual([live.port]);
    for (const client of clients) await client.close();
  });

  it.each([
    [
      { port: 0, unixsocket: `/tmp/${'x'.repeat(150)}.sock` },
      'Failed opening Unix socket: unix socket path too long (160)',
    ],
    [{ port: 0, unixsocket: '/nowhere/onggi.sock' }, 'Failed opening Unix socket: bind: No such file or directory'],
    [{ bind: '' }, 'Configured to not listen anywhere, exiting.'],
    [{ bind: '-203.0.113.7' }, 'Configured to not listen anywhere, exiting.'],
    [{ bind: '203.0.113.7' }, 'Failed listening on port'],
  ])('nowhere, and it does not start: %j', async (config, message) => {
    await expect(LiveServer.start({ config })).rejects.toThrow(message);
  });
});

function listens(port: number): Promise<boolean> {
  return RespClient.connect(port).then(
    (client) => client.close().then(() => true),
    () => false,
  );
}

describe('CLIENT', () => {
  it('REPLY OFF and SKIP leave replies out', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    client.capture();
    client.write(
      'CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO a\r\nQUIT\r\n',
    );
    await client.waitClosed();
    expect(String(client.captured())).toBe('+OK\r\n$1\r\na\r\n+OK\r\n');
  });

  it('QUIT closes although replies are off', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    client.write('CLIENT REPLY OFF\r\nQUIT\r\n');
    await client.waitClosed();
  });

  it('KILL closes others at once and oneself after the reply', async () => {
    await using live = await LiveServer.start();
    await using a = await open(live);
    await using b = await open(live);
    const id = await b.ask('CLIENT', 'ID');
    expect(await a.ask('CLIENT', 'KILL', 'ID', id as number)).toBe(1);
    await b.waitClosed();
    expect(await a.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')).toBe(1);
    await a.waitClosed();
  });

  it('UNBLOCK ends the waiting of WAIT', async () => {
    await using live = await LiveServer.start();
    await using a = await open(live);
    await using b = await open(live);
    const id = (await a.ask('CLIENT', 'ID')) as number;
    a.write('WAIT 1 0\r\nPING\r\n');
    await eventually(() => live.server.clients.waiting.count === 1);
    expect(String(await b.ask('CLIENT', 'LIST', 'ID', id))).toContain(' flags=b ');
    expect(await b.ask('CLIENT', 'UNBLOCK', id)).toBe(1);
    expect(String(await a.nextRaw())).toBe(':0\r\n');
    expect(String(await a.nextRaw())).toBe('+PONG\r\n');
    expect(await b.ask('CLIENT', 'UNBLOCK', id)).toBe(0);
    a.write('WAIT 1 0\r\n');
    await eventually(() => live.server.clients.waiting.count === 1);
    expect(await b.ask('CLIENT', 'UNBLOCK', id, 'ERROR')).toBe(1);
    expect(String(await a.nextRaw())).toBe('-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n');
  });
});

describe('by itself', () => {
  it('deletes keys whose time is over', async () => {
    const clock = new ManualClock();
    await using live = await LiveServer.start({ clock });
    await using client = await open(live);
    for (let i = 0; i < 100; i++) await client.ask('SET', `k${i}`, 'v', 'PX', 5000);
    await client.ask('SET', 'stays', 'v');
    clock.advance(6000);
    await eventually(() => live.server.keyspace.size === 1);
    expect(String(await client.ask('INFO', 'stats'))).toContain('expired_keys:100\r\n');
  });

  it('frees what FLUSHALL ASYNC has taken away', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    await client.ask('MSET', ...Array.from({ length: 2000 }, (_, i) => [`k${i}`, 'v']).flat());
    const before = live.server.keyspace.arena.bytesUsed;
    expect(await client.ask('FLUSHALL', 'ASYNC')).toBe('OK');
    expect(await client.ask('DBSIZE')).toBe(0);
    await eventually(() => live.server.keyspace.arena.bytesUsed < before / 2);
  });
});

describe('INFO', () => {
  it('says the sections asked for, in its own order', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    const titles = async (...sections: string[]) =>
      [...String(await client.ask('INFO', ...sections)).matchAll(/^# (\w+)\r$/gm)].map((match) => match[1]);
    const usual = [
      ...['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules'],
      ...['Errorstats', 'Cluster', 'Keyspace'],
    ];
    expect(await titles()).toEqual(usual);
    expect(await titles('default')).toEqual(usual);
    expect(await titles('keyspace', 'CPU')).toEqual(['CPU', 'Keyspace']);
    expect(await titles('nosuch')).toEqual([]);
    expect(await titles('everything')).toHaveLength(13);
    expect(await titles('all')).toHaveLength(13);
    expect(await titles('default', 'commandstats')).toHaveLength(12);
  });

  it('counts calls, failures and refusals by command, and errors by their first word', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    await client.ask('SET', 'k', 'v');
    for (const command of [['INCR', 'k'], ['GET'], ['LPUSH', 'k', 'v'], ['NOSUCH'], ['CLIENT', 'KILL', 'ID', 'x']]) {
      expect((await client.call(...command)).mark).toBe('-');
    }
    const stats = String(await client.ask('INFO', 'commandstats'));
    expect(stats).toMatch(/cmdstat_set:calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0\r\n/);
    expect(stats).toMatch(/cmdstat_incr:calls=1,.*failed_calls=1\r\n/);
    expect(stats).toMatch(/cmdstat_get:calls=0,usec=0,usec_per_call=0\.00,rejected_calls=1,failed_calls=0\r\n/);
    expect(stats).toMatch(/cmdstat_client\|kill:calls=1,.*failed_calls=1\r\n/);
    expect(String(await client.ask('INFO', 'errorstats'))).toContain(
      'errorstat_ERR:count=4\r\nerrorstat_WRONGTYPE:count=1\r\n',
    );
    await client.ask('CONFIG', 'RESETSTAT');
    expect(String(await client.ask('INFO', 'errorstats'))).toBe('# Errorstats\r\n');
  });
});

describe('SHUTDOWN', () => {
  it('ends the server without a reply, saved as asked', async () => {
    await inFolder(async (dir) => {
      for (const [flags, kept] of [
        [['SAVE'], true],
        [['NOSAVE'], true],
        [[], true],
      ] as const) {
        const live = await LiveServer.start({ dir });
        const exits: number[] = [];
        live.server.onExit = (code) => exits.push(code);
        const client = await open(live);
        if (flags[0] === 'SAVE') await client.ask('SET', 'k', 'v');
        else expect(await client.ask('GET', 'k')).toBe(kept ? 'v' : null);
        client.capture();
        client.write(`SHUTDOWN ${flags.join(' ')}\r\nPING\r\n`);
        await client.waitClosed();
        await eventually(() => exits.length === 1);
        expect(String(client.captured())).toBe('');
        expect(exits).toEqual([0]);
      }
    });
  });

  it('that cannot save is refused, and the server goes on with what came meanwhile', async () => {
    await inFolder(async (dir) => {
      const live = await LiveServer.start({ dir });
      const exits: number[] = [];
      live.server.onExit = (code) => exits.push(code);
      await using client = await open(live);
      await client.ask('SET', 'k', 'v');
      const { rmSync } = await import('node:fs');
      rmSync(dir, { recursive: true });
      client.write('SHUTDOWN SAVE\r\nGET k\r\n');
      expect(String(await client.nextRaw())).toBe('-ERR Errors trying to SHUTDOWN. Check logs.\r\n');
      expect(String(await client.nextRaw())).toBe('$1\r\nv\r\n');
      expect(exits).toEqual([]);
      client.write('SHUTDOWN SAVE FORCE\r\n');
      await client.waitClosed();
      await eventually(() => exits.length === 1);
    });
  });
});

describe('the log', () => {
  it('is replayed as it was written: keys whose time is over meanwhile included', async () => {
    await inFolder(async (dir) => {
      const clock = new ManualClock();
      const config = { appendonly: 'yes', 'enable-debug-command': 'yes' };
      const live = await LiveServer.start({ dir, clock, config });
      const client = await open(live);
      await client.ask('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
      await client.ask('SET', 'k', 'a', 'PX', 10);
      await client.ask('APPEND', 'k', 'b');
      await client.ask('PERSIST', 'k');
      await client.ask('SELECT', 3);
      await client.ask('SET', 'gone', 'x', 'PX', 10);
      await client.ask('APPEND', 'gone', 'y');
      clock.advance(50);
      expect(await client.ask('DEBUG', 'LOADAOF')).toBe('OK');
      expect(await client.ask('EXISTS', 'gone')).toBe(0);
      await client.ask('SELECT', 0);
      expect(await client.ask('GET', 'k')).toBe('ab');
      await client.close();
      await live.server.shutdown(['nosave']);
      await using again = await LiveServer.start({ dir, clock, config });
      await using other = await open(again);
      expect(await other.ask('GET', 'k')).toBe('ab');
      expect(await other.ask('TTL', 'k')).toBe(-1);
    });
  });

  it('that is being loaded lets clients connect, who are told so', async () => {
    await inFolder(async (dir) => {
      const config = { appendonly: 'yes' };
      const live = await LiveServer.start({ dir, config });
      const client = await open(live);
      for (let i = 0; i < 20; i++) {
        await client.pipeline(Array.from({ length: 2000 }, (_, k) => ['SET', `${i}:${k}`, 'x'.repeat(100)]));
      }
      await client.close();
      await live.server.shutdown(['nosave']);
      const second = LiveServer.prepare({ dir, config });
      const starting = second.server.start();
      await eventually(() => second.port !== 0, { everyMs: 0 });
      await using early = await open(second);
      const info = String(await early.ask('INFO', 'persistence'));
      const reply = await early.call('GET', '1:1');
      await starting;
      // A fast machine may be through before we have asked.
      if (info.includes('loading:1')) expect(info).toContain('loading_eta_seconds:');
      expect(String(reply.bytes)).toMatch(/^(LOADING Redis is loading the dataset in memory|x+)$/);
      expect(await early.ask('DBSIZE')).toBe(40_000);
      await second.server.shutdown(['nosave']);
    });
  });
});
