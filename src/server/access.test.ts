import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import type { Connection } from '../net/connection.js';
import { inFolder, LiveServer } from './testing/live-server.js';

const open = (live: LiveServer) => RespClient.connect(live.port);

async function loggedIn(live: LiveServer, user: string): Promise<RespClient> {
  const client = await open(live);
  await client.ask('AUTH', user, 'x');
  return client;
}

const LOST = 'the server closed the connection';

describe('a session', () => {
  it('is asked nothing while its user may do everything, and is when that changes', async () => {
    await using live = await LiveServer.start();
    await using client = await open(live);
    await using admin = await open(live);
    await admin.ask('ACL', 'SETUSER', 'u', 'on', 'nopass', '+@all', '~*', '&*');
    await client.ask('AUTH', 'u', 'x');
    const session = [...live.server.clients.list()][0]!;
    expect(session.user?.name).toBe('u');
    expect(session.isPlain).toBe(true);
    await admin.ask('ACL', 'SETUSER', 'u', '-flushall');
    expect(session.isPlain).toBe(false);
    await expect(client.ask('FLUSHALL')).rejects.toThrow('NOPERM User u has no permissions');
    await admin.ask('ACL', 'SETUSER', 'u', '+@all');
    expect(session.isPlain).toBe(true);
    await admin.ask('ACL', 'SETUSER', 'default', 'resetkeys');
    expect(session.isPlain).toBe(true);
    await client.ask('RESET');
    expect(session.isPlain).toBe(false);
    await expect(client.ask('GET', 'a')).rejects.toThrow('NOPERM No permissions to access a key');
  });

  it('of a user with few rights is served by commands of many kinds all the same', async () => {
    await using live = await LiveServer.start();
    await using admin = await open(live);
    await admin.ask('ACL', 'SETUSER', 'u', 'on', 'nopass', '+@all', '~a*', '&*', '-acl');
    await using client = await loggedIn(live, 'u');
    const replies = await client.pipeline([['SET', 'a', '1'], ['MULTI'], ['INCR', 'a'], ['EXEC']]);
    expect(replies.map(String)).toEqual(['+OK\r\n', '+OK\r\n', '+QUEUED\r\n', '*1\r\n:2\r\n']);
    client.write('CLIENT REPLY SKIP\r\nGET forbidden\r\nGET a\r\n');
    expect(String(await client.nextRaw())).toBe('$1\r\n2\r\n');
  });

  it('that waits for a key is asked again when it is served', async () => {
    await using live = await LiveServer.start();
    await using admin = await open(live);
    await admin.ask('ACL', 'SETUSER', 'u', 'on', 'nopass', '+@all', '~*');
    await using client = await loggedIn(live, 'u');
    client.write('BLPOP list 0\r\n');
    await eventually(() => live.server.clients.waiting.count === 1);
    await admin.ask('ACL', 'SETUSER', 'u', 'resetkeys');
    await admin.ask('RPUSH', 'list', 'x');
    expect(String(await client.nextRaw())).toBe('-NOPERM No permissions to access a key\r\n');
    expect(await admin.ask('LRANGE', 'list', '0', '-1')).toEqual(['x']);
    const stats = String(await admin.ask('INFO', 'commandstats'));
    expect(stats).toMatch(/cmdstat_blpop:calls=0,.*rejected_calls=1,failed_calls=0/);
  });

  it('ends when its user is deleted, also while it waits', async () => {
    await using live = await LiveServer.start();
    await using admin = await open(live);
    await admin.ask('ACL', 'SETUSER', 'u', 'on', 'nopass', '+@all', '~*');
    const waiting = await loggedIn(live, 'u');
    const idle = await loggedIn(live, 'u');
    waiting.write('BLPOP list 0\r\n');
    await eventually(() => live.server.clients.waiting.count === 1);
    expect(await admin.ask('ACL', 'DELUSER', 'u')).toBe(1);
    await Promise.all([waiting.waitClosed(), idle.waitClosed()]);
    expect(live.server.clients.waiting.count).toBe(0);
    await expect(open(live).then((client) => client.ask('AUTH', 'u', 'x'))).rejects.toThrow('WRONGPASS');
  });
});

describe('requirepass', () => {
  it('is the password of the default user', async () => {
    await using live = await LiveServer.start({ config: { requirepass: 'secret' } });
    await using client = await open(live);
    await expect(client.ask('PING')).rejects.toThrow('NOAUTH Authentication required.');
    await client.ask('AUTH', 'secret');
    await client.ask('AUTH', 'default', 'secret');
    expect(await client.ask('ACL', 'LIST')).toEqual([
      'user default on sanitize-payload #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b ~* &* +@all',
    ]);
    await client.ask('CONFIG', 'SET', 'requirepass', '');
    await using other = await open(live);
    expect(await other.ask('PING')).toBe('PONG');
  });

  it('need not be asked of those who came before there was one, and who came under it is free when it goes', async () => {
    await using live = await LiveServer.start();
    await using early = await open(live);
    await early.ask('CONFIG', 'SET', 'requirepass', 'secret');
    expect(await early.ask('PING')).toBe('PONG');
    await using late = await open(live);
    await expect(late.ask('PING')).rejects.toThrow('NOAUTH');
    // Little may be sent before logging in.
    late.write('*11\r\n');
    expect(String(await late.nextRaw())).toContain('unauthenticated multibulk length');
    await using third = await open(live);
    await expect(third.ask('PING')).rejects.toThrow('NOAUTH');
    await early.ask('ACL', 'SETUSER', 'default', 'nopass');
    expect(await third.ask('ECHO', 'x'.repeat(20_000))).toHaveLength(20_000);
    await early.ask('ACL', 'SETUSER', 'default', 'off');
    await expect(third.ask('PING')).rejects.toThrow('NOAUTH');
  });
});

it('ACL LOG tells who was denied what, when, and how often', async () => {
  const clock = new ManualClock(1_700_000_000_000);
  await using live = await LiveServer.start({ clock });
  await using admin = await open(live);
  await admin.ask('ACL', 'SETUSER', 'u', 'on', '>pw', '+get', '+multi', '+exec', '~a*');
  await using client = await open(live);
  await expect(client.ask('AUTH', 'u', 'wrong')).rejects.toThrow('WRONGPASS');
  await expect(client.ask('HELLO', '2', 'AUTH', 'ghost', 'x')).rejects.toThrow('WRONGPASS');
  await client.ask('AUTH', 'u', 'pw');
  await expect(client.ask('GET', 'b')).rejects.toThrow('NOPERM');
  clock.advance(1500);
  await expect(client.ask('GET', 'b')).rejects.toThrow('NOPERM');
  await client.ask('MULTI');
  await client.ask('GET', 'a');
  await admin.ask('ACL', 'SETUSER', 'u', '-get');
  expect(await client.call('EXEC').then((reply) => String(reply.items![0]!.bytes))).toBe(
    'NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no ' +
      'longer allowed for the following reason: no permission to execute the command or subcommand',
  );
  clock.advance(250);
  const entries = (await admin.ask('ACL', 'LOG')) as unknown[][];
  const told = entries.map((entry) => {
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < entry.length; i += 2) map.set(entry[i], entry[i + 1]);
    expect(String(map.get('client-info'))).toMatch(/^id=\d+ addr=127.0.0.1:\d+ .* user=/);
    map.set(
      'client-info',
      /cmd=(\S+) user=(\S+)/
        .exec(String(map.get('client-info')))!
        .slice(1)
        .join(' '),
    );
    return Object.fromEntries(map);
  });
  const at = 1_700_000_000_000;
  expect(told).toEqual([
    {
      ...{ count: 1, reason: 'command', context: 'multi', object: 'get', username: 'u', 'age-seconds': '0.25' },
      ...{
        'client-info': 'exec u',
        'entry-id': 3,
        'timestamp-created': at + 1500,
        'timestamp-last-updated': at + 1500,
      },
    },
    {
      ...{ count: 2, reason: 'key', context: 'toplevel', object: 'b', username: 'u', 'age-seconds': '0.25' },
      ...{ 'client-info': 'get u', 'entry-id': 2, 'timestamp-created': at, 'timestamp-last-updated': at + 1500 },
    },
    {
      ...{ count: 1, reason: 'auth', context: 'toplevel', object: 'HELLO', username: 'ghost', 'age-seconds': '1.75' },
      ...{ 'client-info': 'hello default', 'entry-id': 1, 'timestamp-created': at, 'timestamp-last-updated': at },
    },
    {
      ...{ count: 1, reason: 'auth', context: 'toplevel', object: 'AUTH', username: 'u', 'age-seconds': '1.75' },
      ...{ 'client-info': 'auth default', 'entry-id': 0, 'timestamp-created': at, 'timestamp-last-updated': at },
    },
  ]);
  expect(String(await admin.ask('INFO', 'stats'))).toMatch(
    /acl_access_denied_auth:2\r\nacl_access_denied_cmd:1\r\nacl_access_denied_key:2\r\nacl_access_denied_channel:0/,
  );
});

describe('a file of users', () => {
  const withFile = (text: string | null, run: (folder: string, file: string) => Promise<void>) =>
    inFolder(async (folder) => {
      const file = join(folder, 'users.acl');
      if (text !== null) writeFileSync(file, text, 'latin1');
      await run(folder, file);
    });
  const CONFIG = { aclfile: 'users.acl' };

  it('is in force from the start, saved and loaded', () =>
    withFile('user alice on nopass ~* +@all\nuser default on nopass ~* &* +@all -flushall\n', async (dir, file) => {
      await using live = await LiveServer.start({ dir, config: CONFIG });
      await using client = await open(live);
      await expect(client.ask('FLUSHALL')).rejects.toThrow('NOPERM');
      await client.ask('ACL', 'SETUSER', 'bob', 'on', '>pw', '(~"a\\"b" +get)');
      await client.ask('ACL', 'SAVE');
      const saved = readFileSync(file, 'utf8');
      expect(saved).toBe(
        'user alice on nopass sanitize-payload ~* resetchannels +@all\n' +
          'user bob on sanitize-payload #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 resetchannels -@all ' +
          '("~a\\"b" resetchannels -@all +get)\n' +
          'user default on nopass sanitize-payload ~* &* +@all -flushall\n',
      );
      expect(readdirSync(dir)).toEqual(['users.acl']);
      const list = await client.ask('ACL', 'LIST');
      await client.ask('ACL', 'SETUSER', 'bob', 'reset');
      await client.ask('ACL', 'LOAD');
      expect(await client.ask('ACL', 'LIST')).toEqual(list);
    }));

  it('that has a mistake changes nothing', () =>
    withFile('user alice on nopass ~* +@all\n', async (dir, file) => {
      await using live = await LiveServer.start({ dir, config: CONFIG });
      await using client = await open(live);
      await using alice = await loggedIn(live, 'alice');
      const list = await client.ask('ACL', 'LIST');
      writeFileSync(file, 'user alice off\nuser bob on +nosuch\n');
      await expect(client.ask('ACL', 'LOAD')).rejects.toThrow(
        "ERR users.acl:2: Error in applying operation '+nosuch': Unknown command or category name in ACL. WARNING: ACL " +
          'errors detected, no change to the previously active ACL rules was performed',
      );
      expect(await client.ask('ACL', 'LIST')).toEqual(list);
      expect(await alice.ask('PING')).toBe('PONG');
      rmSync(file);
      await expect(client.ask('ACL', 'LOAD')).rejects.toThrow(
        "ERR Error loading ACLs, opening file 'users.acl': No such file or directory",
      );
      expect(await client.ask('ACL', 'LIST')).toEqual(list);
    }));

  it('loaded anew sends away who is gone or has lost a channel, and nobody else', () =>
    withFile('user alice on nopass ~* &* +@all\nuser carol on nopass &news +@all\n', async (dir) => {
      await using live = await LiveServer.start({ dir, config: CONFIG });
      await using client = await open(live);
      await client.ask('ACL', 'SETUSER', 'bob', 'on', 'nopass', '+@all');
      await client.ask('ACL', 'SETUSER', 'carol', '&more');
      await using alice = await loggedIn(live, 'alice');
      await using bob = await loggedIn(live, 'bob');
      await using carol = await loggedIn(live, 'carol');
      await using listener = await loggedIn(live, 'carol');
      await listener.ask('SUBSCRIBE', 'news');
      await using lost = await loggedIn(live, 'carol');
      await lost.ask('SUBSCRIBE', 'more');
      await client.ask('ACL', 'LOAD');
      await Promise.all([bob.waitClosed(), lost.waitClosed()]);
      expect(await client.ask('PUBLISH', 'news', 'hi')).toBe(1);
      expect((await listener.next()).items).toHaveLength(3);
      expect([await alice.ask('PING'), await carol.ask('PING')]).toEqual(['PONG', 'PONG']);
      expect(await client.ask('ACL', 'USERS')).toEqual(['alice', 'carol', 'default']);
    }));

  it('who loads oneself away gets the answer', () =>
    withFile('', async (dir) => {
      await using live = await LiveServer.start({ dir, config: CONFIG });
      await using client = await open(live);
      await client.ask('ACL', 'SETUSER', 'bob', 'on', 'nopass', '+@all');
      await using bob = await loggedIn(live, 'bob');
      expect(await bob.ask('ACL', 'LOAD')).toBe('OK');
      await expect(bob.ask('PING')).rejects.toThrow(LOST);
    }));

  it('that cannot be written stays, and the log says why', () =>
    withFile('user alice on\n', async (dir) => {
      await using live = await LiveServer.start({ dir, config: CONFIG });
      await using client = await open(live);
      await client.ask('ACL', 'SETUSER', 'bob', 'on');
      rmSync(dir, { recursive: true });
      await expect(client.ask('ACL', 'SAVE')).rejects.toThrow(
        'ERR There was an error trying to save the ACLs. Please check the server logs for more information',
      );
      expect(live.lines.join('')).toContain('Writing ACL file for ACL SAVE: No such file or directory');
      expect(existsSync(dir)).toBe(false);
    }));

  it('with mistakes, or missing, or beside users in redis.conf, lets no server start', () =>
    withFile('user alice on badrule\n', async (dir) => {
      const failing = async (config: Record<string, string>, users: string[][] = []) => {
        const live = LiveServer.prepare({ dir, config });
        live.server.config.users.push(...users);
        const error: unknown = await live.server.start().catch((reason: unknown) => reason);
        return error instanceof Error ? error.message : 'it started';
      };
      expect(await failing(CONFIG)).toMatch(
        /^Aborting Redis startup because of ACL errors: users.acl:1: Syntax error\. WARNING: ACL errors detected/,
      );
      expect(await failing({ aclfile: 'nosuch' })).toBe(
        "Aborting Redis startup because of ACL errors: Error loading ACLs, opening file 'nosuch': No such file or directory",
      );
      expect(await failing(CONFIG, [['a', 'on']])).toMatch(
        /^Configuring Redis with users defined in redis\.conf and at/,
      );
    }));
});

describe('user lines of redis.conf', () => {
  const start = async (...users: string[][]) => {
    const live = LiveServer.prepare();
    live.server.config.users.push(...users);
    await live.server.start();
    return live;
  };

  it('are in force from the start; what they say of the default user is all that it may', async () => {
    await using live = await start(['default', 'on', 'nopass', '+@all', '~*', '-flushall'], ['alice', '(+get', '~a)']);
    await using client = await open(live);
    await expect(client.ask('FLUSHALL')).rejects.toThrow('NOPERM');
    await expect(client.ask('PUBLISH', 'a', 'b')).rejects.toThrow('NOPERM');
    expect(await client.ask('ACL', 'LIST')).toEqual([
      'user alice off sanitize-payload resetchannels -@all (~a resetchannels -@all +get)',
      'user default on nopass sanitize-payload ~* resetchannels +@all -flushall',
    ]);
    expect(live.lines.join('')).toContain("The user 'alice' is disabled (there is no 'on' modifier");
  });

  it('with an unknown command or a bad name let no server start', async () => {
    for (const [users, text] of [
      [
        ['a', 'on', '+nosuch'],
        "Error loading ACL rule '+nosuch' for the user named 'a': Unknown command or category name",
      ],
      [['a b', 'on'], 'Spaces not allowed in ACL usernames'],
    ] as const) {
      const live = LiveServer.prepare();
      live.server.config.users.push([...users]);
      await expect(live.server.start()).rejects.toMatchObject({
        message: expect.stringContaining(`Critical error while loading ACLs: ${text}`),
        line: 'Critical error while loading ACLs. Exiting.',
      });
      expect(live.lines.join('')).toContain(text);
    }
  });
});

describe('protected mode', () => {
  /** A connection from elsewhere, without a network. */
  class Stranger implements Connection {
    readonly local = '192.0.2.1:6379';
    readonly fd = -1;
    readonly pending = 0;
    readonly pieces = 0;
    readonly bytesRead = 0;
    readonly bytesWritten = 0;
    events = { data() {}, ended() {}, drained() {} };
    sent = '';
    state = 'new';
    constructor(
      readonly remote: string,
      readonly isUnix = false,
    ) {}
    start(): void {
      this.state = 'served';
    }
    pause(): void {}
    resume(): void {}
    write(buf: Uint8Array, start: number, end: number): boolean {
      this.sent += Buffer.from(buf.subarray(start, end)).toString('latin1');
      return false;
    }
    close(): void {
      this.state = 'closed';
    }
    closeFlushed(): void {
      this.state = 'closed';
    }
    setKeepAlive(): void {}
  }

  const arrives = (live: LiveServer, remote: string, isUnix = false) => {
    const stranger = new Stranger(remote, isUnix);
    live.server.clients.accept(stranger);
    return stranger;
  };

  it('turns strangers away while the default user has no password', async () => {
    await using live = await LiveServer.start();
    for (const remote of ['203.0.113.5:1234', '[2001:db8::1]:1234', '[::11]:1', '1.127.0.1:5', '?:0']) {
      const stranger = arrives(live, remote);
      expect(stranger.state, remote).toBe('closed');
      expect(stranger.sent).toMatch(/^-DENIED Redis is running in protected mode because .* from the outside\.\r\n$/);
    }
    expect(live.server.statistics.rejectedConnections).toBe(5);
    expect(live.server.clients.size).toBe(0);
    for (const remote of ['127.0.0.1:1234', '127.1.2.3:5', '[::1]:1234']) {
      expect(arrives(live, remote).state, remote).toBe('served');
    }
    expect(arrives(live, '/tmp/socket:0', true).state).toBe('served');
  });

  it('lets them in when there is a password, or when it is off', async () => {
    await using live = await LiveServer.start({ config: { requirepass: 'x' } });
    expect(arrives(live, '203.0.113.5:1234').state).toBe('served');
    live.server.access.users.default.set('nopass');
    expect(arrives(live, '203.0.113.5:1234').state).toBe('closed');
    live.server.config.set([['protected-mode', 'no']]);
    expect(arrives(live, '203.0.113.5:1234').state).toBe('served');
  });
});
