/** What MONITOR shows, line by line, against the oracle: times and addresses apart. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Arg, RespClient } from '../support/client.js';
import { type Reply, show } from '../support/reply.js';
import { type Server, startOnggi, startOracle } from '../support/server.js';

let servers: Server[];

beforeAll(async () => {
  servers = await Promise.all([startOracle(), startOnggi()].map(async (starting) => await starting));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

/** `[0 client] "GET" "k"` of a line; anything else as it is. */
function masked(reply: Reply): string {
  return show(reply)
    .replace(/^\+"?\d{10}\.\d{6} /, '')
    .replace(/^\[(\d+) (127\.0\.0\.1:\d+|unix:\S+)\]/, (_, db, from) => `[${db} ${from.split(':')[0]}]`);
}

type Play = (ask: (who: string, ...args: Arg[]) => Promise<void>) => Promise<void>;

/** What a monitor sees of `play`, and what the clients were told. */
async function seen(server: Server, play: Play, protocol: 2 | 3): Promise<{ lines: string[]; replies: string[] }> {
  const monitor = await server.connect();
  if (protocol === 3) await monitor.call('HELLO', 3);
  expect(await monitor.ask('MONITOR')).toBe('OK');
  const clients = new Map<string, RespClient>([['m', monitor]]);
  const replies: string[] = [];
  await play(async (who, ...args) => {
    const client = clients.get(who) ?? (await server.connect());
    clients.set(who, client);
    const reply = await client.call(...args);
    replies.push(masked(reply));
  });
  const end = await server.connect();
  await end.call('ECHO', 'the end');
  const lines: string[] = [];
  while (!lines.at(-1)?.includes('the end')) lines.push(masked(await monitor.next()));
  await Promise.all([end, ...clients.values()].map((client) => client.close()));
  return { lines, replies };
}

async function compare(play: Play, protocol: 2 | 3 = 2): Promise<string[]> {
  const [oracle, ours] = await Promise.all(servers.map((server) => seen(server, play, protocol)));
  expect(ours!.lines).toEqual(oracle!.lines);
  expect(ours!.replies).toEqual(oracle!.replies);
  return ours!.lines;
}

it.each([2, 3] as const)('shows commands with their arguments quoted, over RESP%i', async (protocol) => {
  const lines = await compare(async (ask) => {
    await ask('a', 'PING');
    await ask('a', 'set', 'k', '123');
    await ask('a', 'SET', 'bin', Buffer.from('\x00\xff\n\r\t\x07\b"\\\'~\x7f é', 'latin1'));
    await ask('a', 'SET', '', '');
    await ask('a', 'SELECT', '3');
    await ask('a', 'GET', 'k');
    await ask('b', 'INCR', 'k');
    await ask('b', 'LPUSH', 'k', 'x');
    await ask('b', 'CLIENT', 'SETNAME', 'x');
    await ask('b', 'SWAPDB', '0', '1');
    await ask('b', 'SWAPDB', '0', '1');
    await ask('b', 'SUBSCRIBE', 'ch');
    await ask('b', 'PING');
    await ask('a', 'PUBLISH', 'ch', 'x');
    await ask('c', 'QUIT');
  }, protocol);
  expect(lines).toContain('[0 127.0.0.1] "set" "k" "123"');
});

it('does not show what is administration, refused or queued', async () => {
  await compare(async (ask) => {
    await ask('a', 'CONFIG', 'GET', 'save');
    await ask('a', 'DEBUG', 'SLEEP', '0');
    await ask('a', 'CLIENT', 'KILL', 'ID', '987654');
    await ask('a', 'CLIENT', 'GETNAME');
    await ask('a', 'BGREWRITEAOF', 'x');
    await ask('a', 'NOSUCH', 'x');
    await ask('a', 'GET');
    await ask('a', 'CLIENT', 'NOSUCH');
    await ask('a', 'EXEC');
    await ask('a', 'GET', 'k');
  });
});

it('shows a transaction when it is executed', async () => {
  await compare(async (ask) => {
    await ask('a', 'WATCH', 'k');
    await ask('a', 'MULTI');
    await ask('a', 'SET', 'a', '1');
    await ask('b', 'GET', 'between');
    await ask('a', 'SELECT', '2');
    await ask('a', 'CONFIG', 'GET', 'save');
    await ask('a', 'INCR', 'a');
    await ask('a', 'EXEC');
    await ask('a', 'MULTI');
    await ask('a', 'GET');
    await ask('a', 'EXEC');
    await ask('a', 'MULTI');
    await ask('a', 'SET', 'a', '1');
    await ask('a', 'DISCARD');
    await ask('a', 'MULTI');
    await ask('a', 'SET', 'a', '1');
    await ask('a', 'RESET');
  });
});

it('hides passwords', async () => {
  const lines = await compare(async (ask) => {
    await ask('a', 'AUTH', 'hunter2');
    await ask('a', 'AUTH', 'someone', 'hunter2');
    await ask('a', 'HELLO', '2', 'AUTH', 'someone', 'hunter2', 'SETNAME', 'x');
    await ask('a', 'HELLO', '2', 'SETNAME', 'AUTH', 'AUTH', 'someone', 'hunter2');
    await ask('a', 'SET', 'k', 'v');
    await ask('a', 'MIGRATE', '127.0.0.1', '1', 'nosuch', '0', '10', 'COPY', 'AUTH', 'hunter2');
    await ask(
      'a',
      'MIGRATE',
      '127.0.0.1',
      '1',
      '',
      '0',
      '10',
      'AUTH2',
      'someone',
      'hunter2',
      'KEYS',
      'nosuch',
      'AUTH',
      'b',
    );
  });
  expect(lines.join('\n')).not.toContain('hunter2');
});

it('hides passwords also in forms that are refused, where 7.2 shows them', async () => {
  const { lines } = await seen(
    servers[1]!,
    async (ask) => {
      await ask('a', 'AUTH', 'a', 'hunter2', 'b');
      await ask('a', 'HELLO', '9', 'AUTH', 'someone', 'hunter2');
      await ask('a', 'HELLO', '2', 'AUTH', 'hunter2');
    },
    2,
  );
  expect(lines.join('\n')).not.toContain('hunter2');
});

it('a monitor stays a client that may not reach keys, until RESET', async () => {
  await compare(async (ask) => {
    await ask('m', 'PING');
    // The line about its own PING is read as the reply to the next one.
    for (const command of ['GET k', 'SET k v', 'PFCOUNT k', 'EXISTS k', 'SORT k', 'XREAD STREAMS k 0', 'NOSUCH'])
      await ask('m', ...command.split(' '));
    await ask('a', 'MULTI');
    await ask('a', 'MONITOR');
    await ask('a', 'EXEC');
    await ask('a', 'MONITOR', 'x');
  });
});

it('RESET ends it, and CLIENT LIST tells of it', async () => {
  for (const server of servers) {
    const client = await server.connect();
    const other = await server.connect();
    const flags = async () => / flags=(\w+) /.exec(String(await other.ask('CLIENT', 'LIST', 'ID', id)))![1];
    const id = Number(await client.ask('CLIENT', 'ID'));
    await client.ask('MONITOR');
    expect(await flags()).toBe('O');
    expect(String(await other.ask('CLIENT', 'LIST', 'TYPE', 'normal'))).toContain(`id=${id} `);
    await other.ask('PING');
    expect(masked(await client.next())).toContain('PING');
    expect(await client.ask('RESET')).toBe('RESET');
    expect(await flags()).toBe('N');
    await other.ask('PING');
    expect(await client.ask('ECHO', 'alone')).toBe('alone');
    await client.close();
    await other.close();
  }
});

it('asked twice it answers once', async () => {
  for (const server of servers) {
    const client = await server.connect();
    await client.ask('MONITOR');
    client.write('MONITOR\r\n');
    expect(await client.ask('PING')).toBe('PONG');
    await client.close();
  }
});
