/** Messages: to many, of many, to who does not read; and the keyspace events that commands alone cannot show. */
import { describe, expect, it } from 'vitest';
import { type Arg, encodeCommand, RespClient } from '../../test/support/client.js';
import { plain, type Reply, show } from '../../test/support/reply.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import type { Client } from './client.js';
import { LiveServer, RecordingSink } from './testing/live-server.js';

const open = (live: LiveServer) => RespClient.connect(live.port);

async function subscriber(live: LiveServer, ...channels: string[]): Promise<RespClient> {
  const client = await open(live);
  client.write(encodeCommand(['SUBSCRIBE', ...channels]));
  for (let i = 0; i < channels.length; i++) await client.next();
  return client;
}

/** The next `count` replies. */
async function take(client: RespClient, count: number): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let i = 0; i < count; i++) replies.push(await client.next());
  return replies;
}

describe.each([false, true])('messages (ordinary sockets: %s)', (ordinarySockets) => {
  it('reach each of many, in order, in its own protocol', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    const readers: RespClient[] = [];
    for (let i = 0; i < 40; i++) {
      const client = await open(live);
      if (i % 2 === 1) await client.call('HELLO', 3);
      await client.call(i % 5 === 0 ? 'PSUBSCRIBE' : 'SUBSCRIBE', 'ch');
      readers.push(client);
    }
    await using publisher = await open(live);
    const told = await publisher.pipeline(Array.from({ length: 100 }, (_, n): Arg[] => ['PUBLISH', 'ch', `m${n}`]));
    expect(new Set(told.map(String))).toEqual(new Set([':40\r\n']));
    for (const [i, client] of readers.entries()) {
      const mark = i % 2 === 1 ? '>' : '*';
      const head = i % 5 === 0 ? ['pmessage', 'ch', 'ch'] : ['message', 'ch'];
      const replies = await take(client, 100);
      expect(replies.map((reply) => [reply.mark, plain(reply)])).toEqual(
        Array.from({ length: 100 }, (_, n) => [mark, [...head, `m${n}`]]),
      );
      await client.close();
    }
  });

  it('stand where they belong among the replies of a client that does both', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    await using client = await open(live);
    await client.call('HELLO', 3);
    await client.call('SUBSCRIBE', 'ch');
    await using other = await subscriber(live, 'ch');
    const commands: Arg[][] = [];
    const wanted: string[] = [];
    for (let n = 0; n < 500; n++) {
      commands.push(['ECHO', `e${n}`], ['PUBLISH', 'ch', `m${n}`]);
      wanted.push(`"e${n}"`, ':2', `>["message", "ch", "m${n}"]`);
    }
    client.write(Buffer.concat(commands.map(encodeCommand)));
    expect((await take(client, wanted.length)).map((reply) => show(reply))).toEqual(wanted);
    expect((await take(other, 500)).map(plain)).toEqual(
      commands.flatMap((c) => (c[1] === 'ch' ? [['message', 'ch', c[2]]] : [])),
    );
  });

  it('larger than a turn reach many whole', async () => {
    await using live = await LiveServer.start({ ordinarySockets });
    const readers = await Promise.all(Array.from({ length: 8 }, () => subscriber(live, 'ch')));
    await using publisher = await open(live);
    const bodies = [700_000, 3_000_000, 10, 1_048_576].map((bytes, i) => Buffer.alloc(bytes, `${i}abc`));
    await publisher.pipeline(bodies.map((body): Arg[] => ['PUBLISH', 'ch', body]));
    for (const client of readers) {
      for (const body of bodies) expect((await client.next()).items![2]!.bytes!.equals(body)).toBe(true);
      await client.close();
    }
  });
});

describe('messages', () => {
  it('of a transaction come behind it, whatever the client that runs it listens to', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    await client.call('HELLO', 3);
    client.write('MULTI\r\nSUBSCRIBE a\r\nPUBLISH a 1\r\nUNSUBSCRIBE a\r\nPUBLISH a 2\r\nECHO x\r\nEXEC\r\nPING\r\n');
    const replies = (await take(client, 9)).map((reply) => show(reply));
    expect(replies.slice(6)).toEqual([
      '[>["subscribe", "a", :1], :1, >["unsubscribe", "a", :0], :0, "x"]',
      '>["message", "a", "1"]',
      '+PONG',
    ]);
  });

  it('wait with the replies of their turn until it is durable', async () => {
    const sink = new RecordingSink();
    await using live = await LiveServer.start({ sink });
    await using reader = await subscriber(live, 'ch');
    await using writer = await open(live);
    sink.held = true;
    writer.write('SET k v\r\nPUBLISH ch told\r\nPUBLISH ch again\r\n');
    await eventually(() => sink.waitingTurns > 0);
    reader.capture();
    await using third = await open(live);
    third.write('PING\r\n');
    await eventually(() => sink.waitingTurns > 1);
    expect(String(reader.captured())).toBe('');
    sink.held = false;
    sink.release();
    expect((await take(reader, 2)).map(plain)).toEqual([
      ['message', 'ch', 'told'],
      ['message', 'ch', 'again'],
    ]);
    expect((await take(writer, 3)).map(plain)).toEqual(['OK', 1, 1]);
  });

  it('that tell of a change which may not hold do not go out', async () => {
    const sink = new RecordingSink();
    await using live = await LiveServer.start({ sink });
    await using reader = await subscriber(live, 'ch');
    await using writer = await open(live);
    reader.capture();
    sink.held = true;
    writer.write('PUBLISH ch before\r\nSET k v\r\nPUBLISH ch after\r\n');
    await eventually(() => sink.waitingTurns > 0);
    sink.held = false;
    sink.release(false);
    await reader.waitClosed();
    expect(String(reader.captured())).not.toContain('after');
  });

  it('do not go to a client that is on its way out', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    client.capture();
    client.write('MONITOR\r\nSUBSCRIBE a\r\nQUIT\r\n');
    await client.waitClosed();
    const heard = String(client.captured());
    expect(heard).toContain('"SUBSCRIBE"');
    expect(heard.endsWith('+OK\r\n')).toBe(true);
    expect(live.server.pubsub.size('channel')).toBe(0);
    expect(live.server.pubsub.clients).toBe(0);
  });
});

describe('a subscriber that never reads', () => {
  /** Publishes until the subscriber is gone; returns the most bytes that waited for it. */
  async function flood(live: LiveServer, ways: { messages: number; bytes: number }): Promise<number> {
    await using deaf = await subscriber(live, 'ch');
    await using healthy = await subscriber(live, 'other');
    await using publisher = await open(live);
    deaf.socket.pause();
    const there = [...live.server.clients.list()][0]!;
    let most = 0;
    const body = Buffer.alloc(ways.bytes, 'x');
    for (let n = 0; n < ways.messages && !there.isClosed; n++) {
      await publisher.ask('PUBLISH', 'ch', body);
      most = Math.max(most, there.connection.pending);
    }
    expect(there.isClosed).toBe(true);
    expect(await publisher.ask('PUBLISH', 'ch', 'x')).toBe(0);
    expect(await publisher.ask('PUBLISH', 'other', 'x')).toBe(1);
    expect(plain(await healthy.next())).toEqual(['message', 'other', 'x']);
    return most;
  }

  it('is closed at the hard limit of its class, and counted', async () => {
    await using live = await LiveServer.start({
      config: { 'client-output-buffer-limit': 'normal 0 0 0 pubsub 2mb 0 0' },
    });
    const most = await flood(live, { messages: 1000, bytes: 100_000 });
    expect(most).toBeLessThan(2_300_000);
    expect(live.server.statistics.outputBufferLimitDisconnections).toBe(1);
    expect(live.server.info(['stats'])).toContain('client_output_buffer_limit_disconnections:1\r\n');
    expect(live.lines.join('')).toMatch(
      /Client id=\d+ .* sub=1 .* scheduled to be closed ASAP for overcoming of output/,
    );
  });

  it('takes no more memory by one transaction of many messages than its limit and a turn', async () => {
    await using live = await LiveServer.start({ config: { 'client-output-buffer-limit': 'pubsub 1mb 0 0' } });
    await using deaf = await subscriber(live, 'ch');
    await using publisher = await open(live);
    deaf.socket.pause();
    const there = [...live.server.clients.list()][0]!;
    const body = 'x'.repeat(100_000);
    publisher.write(encodeCommand(['MULTI']));
    for (let n = 0; n < 200; n++) publisher.write(encodeCommand(['PUBLISH', 'ch', body]));
    publisher.write(encodeCommand(['EXEC']));
    expect((await take(publisher, 202)).at(-1)!.items).toHaveLength(200);
    expect(there.isClosed).toBe(true);
    expect(live.server.statistics.outputBufferLimitDisconnections).toBe(1);
  });

  it('is closed when it stays above the soft limit, and the limit changes at run time', async () => {
    const clock = new ManualClock();
    await using live = await LiveServer.start({ clock, config: { 'client-output-buffer-limit': 'pubsub 0 0 0' } });
    await using deaf = await subscriber(live, 'ch');
    await using publisher = await open(live);
    deaf.socket.pause();
    const there = [...live.server.clients.list()][0]!;
    while (there.connection.pending < 3_000_000) await publisher.ask('PUBLISH', 'ch', 'x'.repeat(200_000));
    clock.advance(100_000);
    live.server.clients.checkAll();
    expect(there.isClosed).toBe(false);
    await publisher.ask('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 1mb 10');
    live.server.clients.checkAll();
    clock.advance(9000);
    await publisher.ask('PUBLISH', 'ch', 'x');
    expect(there.isClosed).toBe(false);
    clock.advance(2000);
    await publisher.ask('PUBLISH', 'ch', 'x');
    await eventually(() => there.isClosed);
    expect(live.server.statistics.outputBufferLimitDisconnections).toBe(1);
  });

  it('is judged by its own class: subscribers are not held to the limit of others', async () => {
    await using live = await LiveServer.start({
      config: { 'client-output-buffer-limit': 'normal 100kb 0 0 pubsub 0 0 0' },
    });
    await using deaf = await subscriber(live, 'ch');
    await using publisher = await open(live);
    deaf.socket.pause();
    const there = [...live.server.clients.list()][0]!;
    while (there.connection.pending < 3_000_000) await publisher.ask('PUBLISH', 'ch', 'x'.repeat(200_000));
    live.server.clients.checkAll();
    expect(there.isClosed).toBe(false);
  });

  it('a monitor counts as a client of the normal class', async () => {
    await using live = await LiveServer.start({ config: { 'client-output-buffer-limit': 'normal 1mb 0 0' } });
    await using deaf = await open(live);
    await deaf.ask('MONITOR');
    await using other = await open(live);
    deaf.socket.pause();
    const there = [...live.server.clients.list()][0]!;
    for (let n = 0; n < 300 && !there.isClosed; n++) await other.ask('ECHO', 'x'.repeat(100_000));
    expect(there.isClosed).toBe(true);
    expect(live.server.dispatcher.monitored).toBe(false);
  });
});

describe('subscriptions', () => {
  it('count as memory of their client, and go with it', async () => {
    await using live = await LiveServer.start();
    await using client = await subscriber(live, 'a', 'b', 'c'.repeat(10_000));
    const [there] = live.server.clients.list() as Iterable<Client>;
    expect(there!.bytes).toBeGreaterThan(10_000);
    client.write('UNSUBSCRIBE\r\n');
    await take(client, 3);
    expect(there!.subscriptions).toBe(null);
    expect(there!.bytes).toBeLessThan(10_000);
  });

  it('are told by CLIENT LIST and INFO', async () => {
    await using live = await LiveServer.start();
    await using client = await subscriber(live, 'a', 'b');
    await client.call('PSUBSCRIBE', 'p');
    await client.call('SSUBSCRIBE', 's');
    await using other = await open(live);
    expect(String(await other.ask('CLIENT', 'LIST', 'TYPE', 'pubsub'))).toMatch(
      / flags=P db=0 sub=2 psub=1 ssub=1 multi/,
    );
    const info = String(await other.ask('INFO', 'all'));
    for (const field of ['pubsub_channels:2', 'pubsub_patterns:1', 'pubsubshard_channels:1', 'pubsub_clients:1']) {
      expect(info).toContain(`${field}\r\n`);
    }
  });

  it('of a client that listens do not let it time out', async () => {
    const clock = new ManualClock();
    await using live = await LiveServer.start({ clock, config: { timeout: 10 } });
    await using reader = await subscriber(live, 'a');
    await using monitor = await open(live);
    await monitor.ask('MONITOR');
    await using idle = await open(live);
    await idle.ask('PING');
    clock.advance(20_000);
    live.server.clients.checkAll();
    await idle.waitClosed();
    expect(live.server.clients.size).toBe(2);
    expect(plain(await reader.call('PING'))).toEqual(['pong', '']);
  });
});

describe('keyspace events', () => {
  /** A server with a listener to all events; `heard` gives `channel message` of each. */
  async function listening(classes: string, options: Parameters<typeof LiveServer.start>[0] = {}) {
    const live = await LiveServer.start({
      ...options,
      config: { ...options.config, 'notify-keyspace-events': classes },
    });
    const listener = await open(live);
    await listener.call('PSUBSCRIBE', '__key*__:*');
    const heard = async (): Promise<string[]> => {
      listener.write('PING\r\n');
      const events: string[] = [];
      for (;;) {
        const [kind, , channel, message] = plain(await listener.next()) as string[];
        if (kind === 'pong') return events;
        events.push(`${channel} ${message}`);
      }
    };
    return { live, listener, heard, client: await open(live) };
  }
  async function end({ live, listener, client }: Awaited<ReturnType<typeof listening>>): Promise<void> {
    await listener.close();
    await client.close();
    await live[Symbol.asyncDispose]();
  }

  it.each([
    ['', []],
    ['A', []],
    ['K', []],
    ['KA', ['__keyspace@3__:k set']],
    ['EA', ['__keyevent@3__:set k']],
    ['KEA', ['__keyspace@3__:k set', '__keyevent@3__:set k']],
    ['KEAn', ['__keyspace@3__:k new', '__keyevent@3__:new k', '__keyspace@3__:k set', '__keyevent@3__:set k']],
    ['En', ['__keyevent@3__:new k']],
    ['Em', ['__keyevent@3__:keymiss k']],
    ['m', []],
    ['Kg', []],
    ['K$', ['__keyspace@3__:k set']],
  ])('of the classes %j alone are told', async (classes, events) => {
    const all = await listening(classes);
    await all.client.pipeline([
      ['SELECT', 3],
      ['GET', 'k'],
      ['SET', 'k', 'v'],
      ['LPUSH', 'k', 'x'],
    ]);
    expect(await all.heard()).toEqual(events);
    await end(all);
  });

  it('follow CONFIG SET at once, also where CONFIG GET shows no difference', async () => {
    const all = await listening('KEA');
    await all.client.ask('SET', 'a', '1');
    expect(await all.heard()).toHaveLength(2);
    await all.client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'EAn');
    await all.client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'EA');
    await all.client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'EAn');
    expect(await all.client.ask('CONFIG', 'GET', 'notify-keyspace-events')).toEqual(['notify-keyspace-events', 'AE']);
    await all.client.ask('SET', 'b', '1');
    expect(await all.heard()).toEqual(['__keyevent@0__:new b', '__keyevent@0__:set b']);
    await all.client.ask('CONFIG', 'SET', 'notify-keyspace-events', '');
    await all.client.ask('SET', 'c', '1');
    expect(await all.heard()).toEqual([]);
    expect(all.live.server.context.events).toBe(null);
    await end(all);
  });

  it('are of any bytes', async () => {
    const all = await listening('E$');
    const key = Buffer.from([0, 255, 13, 10, 128]);
    await all.client.ask('SET', key, 'v');
    const message = await all.listener.next();
    expect(message.items![3]!.bytes!.equals(key)).toBe(true);
    await end(all);
  });

  it('tell of keys whose time is over though nobody asks for them', async () => {
    const clock = new ManualClock();
    const all = await listening('Ex', { clock });
    for (let i = 0; i < 100; i++) await all.client.ask('SET', `k${i}`, 'v', 'PX', 1000 + i);
    clock.advance(5000);
    while (!all.live.server.expiry.slice());
    const events = await all.heard();
    expect(events.sort()).toEqual(Array.from({ length: 100 }, (_, i) => `__keyevent@0__:expired k${i}`).sort());
    expect(await all.client.ask('DBSIZE')).toBe(0);
    await end(all);
  });

  it('tell of keys that are evicted, before what the command does', async () => {
    const all = await listening('E$e');
    for (let i = 0; i < 20; i++) await all.client.ask('SET', `k${i}`, 'x'.repeat(10_000));
    await all.heard();
    const used = all.live.server.memory().used;
    await all.client.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random', 'maxmemory', used - 50_000);
    await all.client.ask('SET', 'last', 'x');
    const events = await all.heard();
    expect(events.length).toBeGreaterThan(3);
    expect(events.at(-1)).toBe('__keyevent@0__:set last');
    for (const event of events.slice(0, -1)) expect(event).toMatch(/^__keyevent@0__:evicted k\d+$/);
    await end(all);
  });

  it('come while a client waits, and one that listens over RESP3 gets its own behind the reply', async () => {
    const all = await listening('K$');
    await all.client.call('HELLO', 3);
    await all.client.call('SUBSCRIBE', '__keyspace@0__:k');
    all.client.write('SET k v\r\nGET k\r\n');
    expect((await take(all.client, 3)).map((reply) => show(reply))).toEqual([
      '+OK',
      '>["message", "__keyspace@0__:k", "set"]',
      '"v"',
    ]);
    await end(all);
  });
});
