/**
 * Append-only files to and from redis-server: what one writes the other loads, with an equal DEBUG DIGEST, whatever the
 * options; and what operators see when a file is cut or damaged.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RespClient } from './support/client.js';
import { removeFolder, temporaryFolder } from './support/folder.js';
import { type Server, type ServerOptions, startOnggi, startOracle } from './support/server.js';
import { eventually } from './support/wait.js';

let dir = '';
const running: Server[] = [];
beforeEach(() => {
  dir = temporaryFolder('aof');
});
afterEach(async () => {
  for (const server of running.splice(0)) if (server.running) await server.kill();
  removeFolder(dir);
});

type Start = (options: ServerOptions) => Promise<Server>;
async function start(how: Start, ...args: string[]): Promise<{ server: Server; client: RespClient }> {
  const server = await how({ dir, args: ['--appendonly', 'yes', ...args] });
  running.push(server);
  return { server, client: await server.connect() };
}

const manifest = (): string => join(dir, 'appendonlydir', 'appendonly.aof.manifest');
const part = (pattern: RegExp): string => {
  const folder = join(dir, 'appendonlydir');
  return join(folder, readdirSync(folder).find((name) => pattern.test(name))!);
};

/**
 * Data of every type and encoding, in two databases, with expiries and a transaction. Scores are such that 7.0 and 7.2 print
 * them alike, for the digest is made of what is printed.
 */
async function fill(client: RespClient, round: string): Promise<void> {
  const ask = (...args: (string | number | Uint8Array)[]) => client.ask(...args);
  await ask('SELECT', 0);
  await ask('SET', `string:${round}`, 'text');
  await ask('SET', `integer:${round}`, 12345);
  await ask('SET', Buffer.from([0, 13, 10, 255, round.length]), Buffer.from([42, 13, 10, 0, 254]));
  await ask('SET', `expires:${round}`, 'v', 'PXAT', 4_102_444_800_123);
  await ask('INCRBYFLOAT', `float:${round}`, '0.1');
  await ask('SETRANGE', `range:${round}`, 5000, 'x');
  await ask('RPUSH', `list:${round}`, 'a', '', 'b', 17);
  const many = Array.from({ length: 300 }, (_, i) => [
    ask('RPUSH', `long-list:${round}`, `element ${i} ${'.'.repeat(i)}`),
    ask('SADD', `set:${round}`, `member ${i}`),
    ask('SADD', `integers:${round}`, i * i),
    ask('HSET', `hash:${round}`, `field ${i}`, `value ${i}`),
    ask('ZADD', `zset:${round}`, i / 4, `member ${i}`),
  ]);
  await Promise.all(many.flat());
  await ask('ZADD', `small-zset:${round}`, 'inf', 'a', '-inf', 'b', '1048576', 'c', '-0.5', 'd');
  await ask('HSET', `small-hash:${round}`, 'f', 'v', 'n', 5);
  await ask('SADD', `small-set:${round}`, 'x', 'y');
  await ask('SPOP', `set:${round}`, 7);
  await ask('PEXPIRE', `list:${round}`, 1_000_000_000);
  await ask('SELECT', 3);
  await ask('MULTI');
  await ask('SET', `in-three:${round}`, 1);
  await ask('SELECT', 0);
  await ask('DEL', `small-set:${round}`);
  await ask('EXEC');
}

async function digest(client: RespClient): Promise<unknown> {
  return client.ask('DEBUG', 'DIGEST');
}

async function rewrite(client: RespClient): Promise<void> {
  await client.ask('BGREWRITEAOF');
  await eventually(async () => {
    const info = String(await client.ask('INFO', 'persistence'));
    return info.includes('aof_rewrite_in_progress:0') && info.includes('aof_rewrite_scheduled:0');
  });
  expect(String(await client.ask('INFO', 'persistence'))).toContain('aof_last_bgrewrite_status:ok');
}

/** Fills, rewrites, fills again, and kills the server; returns the digest. */
async function write(how: Start, ...args: string[]): Promise<unknown> {
  const { server, client } = await start(how, ...args);
  await fill(client, 'one');
  await rewrite(client);
  await fill(client, 'two');
  const sum = await digest(client);
  // With everysec redis-server holds a write back while an fsync runs, and would lose it.
  if (how === startOracle) await client.ask('CONFIG', 'SET', 'appendfsync', 'always');
  await server.kill();
  return sum;
}

async function expectDigest(how: Start, sum: unknown, ...args: string[]): Promise<void> {
  const { server, client } = await start(how, ...args);
  expect(await digest(client)).toBe(sum);
  await server.halt();
}

const OPTIONS: string[][] = [
  ['--appendfsync', 'always'],
  ['--aof-use-rdb-preamble', 'no', '--aof-timestamp-enabled', 'yes'],
  ['--appendfsync', 'no', '--aof-timestamp-enabled', 'yes'],
];

describe.each(OPTIONS)('%s %s %s %s', (...args) => {
  test('ours loads in redis-server, and passes redis-check-aof', async () => {
    const sum = await write(startOnggi, '--rdb-version', '10', ...args);
    expect(execFileSync('redis-check-aof', [manifest()], { encoding: 'utf8' })).toContain(
      'All AOF files and manifest are valid',
    );
    await expectDigest(startOracle, sum);
    // And back, after redis-server has opened and closed it.
    await expectDigest(startOnggi, sum);
  });

  test("redis-server's loads in ours, which goes on with it; then redis-server with that", async () => {
    const sum = await write(startOracle, ...args);
    const { server, client } = await start(startOnggi, '--rdb-version', '10', ...args);
    expect(await digest(client)).toBe(sum);
    await fill(client, 'three');
    const later = await digest(client);
    await server.kill();
    await expectDigest(startOracle, later);
  });
});

describe('a file from before version 7', () => {
  test.each(['yes', 'no'])(
    'aof-use-rdb-preamble %s: loads, is upgraded, and redis-server goes on with it',
    async (rdb) => {
      const sum = await write(startOracle, '--aof-use-rdb-preamble', rdb);
      const parts = [part(/base/), part(/incr/)].map((path) => readFileSync(path));
      removeFolder(join(dir, 'appendonlydir'));
      writeFileSync(join(dir, 'appendonly.aof'), Buffer.concat(parts));
      const { server, client } = await start(startOnggi, '--rdb-version', '10');
      expect(await digest(client)).toBe(sum);
      await fill(client, 'three');
      const later = await digest(client);
      await server.kill();
      expect(readdirSync(dir)).not.toContain('appendonly.aof');
      await expectDigest(startOracle, later);
      await expectDigest(startOnggi, later);
    },
  );
});

describe('a busy log, written into room', () => {
  /** Writes until there have been so many syncs in a second that the log gets room. */
  async function busyUntilRoom(client: RespClient): Promise<void> {
    const write = async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => client.ask('INCR', `counter:${i}`)));
      return readFileSync(part(/incr/), 'latin1').includes('#FILL');
    };
    await eventually(write, { what: 'room', everyMs: 1 });
  }

  /** A server killed while its log has room behind it; its digest. */
  async function killedBusy(round: string): Promise<unknown> {
    const { server, client } = await start(startOnggi, '--appendfsync', 'always', '--rdb-version', '10');
    await fill(client, round);
    await busyUntilRoom(client);
    const written = Array.from({ length: 50 }, async (_, i) => client.ask('RPUSH', 'last', `element ${i}`));
    await Promise.all(written);
    const sum = await digest(client);
    await server.kill();
    expect(readFileSync(part(/incr/), 'latin1')).toMatch(/#FILL~+\n$/);
    return sum;
  }

  test('passes redis-check-aof and loads in redis-server, which goes on behind it; and ours with that', async () => {
    const sum = await killedBusy('one');
    expect(execFileSync('redis-check-aof', [manifest()], { encoding: 'utf8' })).toContain(
      'All AOF files and manifest are valid',
    );
    const { server, client } = await start(startOracle, '--appendfsync', 'always');
    expect(await digest(client)).toBe(sum);
    await fill(client, 'two');
    const later = await digest(client);
    await server.kill();
    await expectDigest(startOnggi, later, '--rdb-version', '10');
    await expectDigest(startOracle, later);
  });

  test('the next start cuts the room off, and so does a clean end', async () => {
    const sum = await killedBusy('one');
    const { server, client } = await start(startOnggi);
    expect(server.output).toMatch(/The last \d+ bytes of .*incr.aof are room that was not used, and are cut off/);
    expect(await digest(client)).toBe(sum);
    expect(readFileSync(part(/incr/), 'latin1')).not.toContain('#FILL');
    await client.ask('CONFIG', 'SET', 'appendfsync', 'always');
    await busyUntilRoom(client);
    const later = await digest(client);
    await server.halt();
    expect(readFileSync(part(/incr/), 'latin1')).not.toContain('#FILL');
    await expectDigest(startOracle, later);
  });
});

test('an RDB that is there when AOF is turned on is imported', async () => {
  const source = await startOracle({ dir });
  running.push(source);
  const client = await source.connect();
  await fill(client, 'one');
  await client.ask('SAVE');
  const sum = await digest(client);
  await source.kill();
  await expectDigest(startOnggi, sum);
  await expectDigest(startOnggi, sum);
});

test('function libraries, and whatever else no command makes, turn a base of commands into an RDB', async () => {
  const { server: redis, client: first } = await start(startOracle, '--appendfsync', 'always');
  await first.ask('FUNCTION', 'LOAD', '#!lua name=lib\nredis.register_function("f", function() return 1 end)');
  await fill(first, 'one');
  await rewrite(first);
  // In the log, too.
  await first.ask('FUNCTION', 'LOAD', '#!lua name=late\nredis.register_function("g", function() return 1 end)');
  const sum = await digest(first);
  await redis.kill();
  const { server, client } = await start(startOnggi, '--aof-use-rdb-preamble', 'no', '--rdb-version', '10');
  await rewrite(client);
  expect(readFileSync(manifest(), 'latin1')).toContain('.base.rdb');
  expect(server.output).toContain('function libraries cannot be written as commands');
  await server.kill();
  const { client: again } = await start(startOracle);
  expect(await digest(again)).toBe(sum);
  const libraries = JSON.stringify(await again.ask('FUNCTION', 'LIST'));
  expect(libraries).toContain('"lib"');
  expect(libraries).toContain('"late"');
});

test.each([startOracle, startOnggi])('what the log holds counts as changes since the last save (%o)', async (how) => {
  // With everysec redis-server may hold a write back while an fsync runs, and loses it when it is killed.
  const { server, client } = await start(how as Start, '--appendfsync', 'always');
  for (let i = 0; i < 3; i++) await client.ask('RPUSH', 'l', 'a', 'b');
  await server.kill();
  const { client: again } = await start(how as Start);
  expect(String(await again.ask('INFO', 'persistence'))).toContain('rdb_changes_since_last_save:6\r\n');
});

describe('what operators see', () => {
  async function logOfThree(): Promise<string> {
    const { server, client } = await start(startOnggi);
    for (let i = 0; i < 3; i++) await client.ask('SET', `key:${i}`, 'value');
    await server.halt();
    return part(/incr/);
  }

  test('a cut tail: the message, and the rest is served', async () => {
    const path = await logOfThree();
    appendFileSync(path, '*3\r\n$3\r\nSET\r\n$5\r\nkey:3\r\n$5\r\nva');
    const { server, client } = await start(startOnggi);
    expect(await client.ask('DBSIZE')).toBe(3);
    expect(server.output).toContain('!!! Warning: short read while loading the AOF file');
    expect(server.output).toContain('loaded anyway because aof-load-truncated is enabled');
  });

  test('a cut tail with aof-load-truncated no, and damage: the server does not start and says what to do', async () => {
    const path = await logOfThree();
    const bytes = statSync(path).size;
    appendFileSync(path, '*3\r\n$3\r\nSET');
    await expect(start(startOnggi, '--aof-load-truncated', 'no')).rejects.toThrow(
      new RegExp(
        `Unexpected end of file reading the append only file .*incr\\.aof at byte ${bytes}.*redis-check-aof --fix`,
      ),
    );
    truncateSync(path, bytes);
    copyFileSync(path, join(dir, 'copy'));
    const content = readFileSync(path);
    content[content.indexOf('key:1')]! ^= 1;
    writeFileSync(path, content);
    await expect(start(startOnggi)).rejects.toThrow(
      /Bad file format reading the append only file .*incr\.aof.*truncate -s \d+ .*aof-checksum no/,
    );
    copyFileSync(join(dir, 'copy'), path);
    const { client } = await start(startOnggi);
    expect(await client.ask('DBSIZE')).toBe(3);
  });

  test('while a file is loaded, clients get LOADING and INFO tells how far it is', async () => {
    const { server, client } = await start(startOnggi);
    await client.ask('SET', 'k', 'v');
    await server.halt();
    const command = '*3\r\n$7\r\nHINCRBY\r\n$1\r\nh\r\n$1\r\nf\r\n$1\r\n1\r\n'.replace('*3', '*4');
    const block = command.repeat(20_000);
    for (let i = 0; i < 60; i++) appendFileSync(part(/incr/), block);
    // The folder's server is not waited for: it is asked while it loads.
    const port = server.port;
    const loading = startOnggi({ dir, port, args: ['--appendonly', 'yes'] });
    const seen = { loading: false, info: '' };
    await eventually(
      async () => {
        const { RespClient } = await import('./support/client.js');
        const probe = await RespClient.connect(port);
        try {
          const reply = await probe.call('GET', 'k');
          const text = reply.bytes?.toString() ?? '';
          if (text.startsWith('LOADING')) {
            seen.loading = true;
            const info = String(await probe.ask('INFO', 'persistence'));
            if (info.includes('loading:1')) seen.info = info;
          }
          return text === 'v' || seen.info !== '';
        } finally {
          await probe.close();
        }
      },
      { everyMs: 1 },
    );
    running.push(await loading);
    expect(seen.loading).toBe(true);
    expect(seen.info).toMatch(/loading_start_time:\d+\r\nloading_total_bytes:\d+/);
  });
});
