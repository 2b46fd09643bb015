/** How servers within a process begin and end: what they leave of files, descriptors and claims, and what a SHUTDOWN may do to data. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Onggi } from '../../src/index.js';
import { encodeCommand, RespClient } from '../support/client.js';
import { removeFolder, temporaryFolder } from '../support/folder.js';
import { freePort, startOnggi } from '../support/server.js';
import { eventually } from '../support/wait.js';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder('lifetime');
});
afterEach(() => removeFolder(dir));

async function asking<T>(port: number, what: (client: RespClient) => Promise<T>): Promise<T> {
  const client = await RespClient.connect(port);
  try {
    return await what(client);
  } finally {
    await client.close();
  }
}

/** Every file in a folder, with its content. */
function contents(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(folder.length), readFileSync(path, 'latin1'));
  }
  return files;
}

describe('SHUTDOWN while data is loaded saves nothing, and ends the start', () => {
  const KEYS = 150_000;

  async function fill(): Promise<void> {
    await using onggi = await Onggi.start({ dir, config: { appendonly: 'yes', save: '' } });
    await asking(onggi.port, async (client) => {
      client.replyTimeoutMs = 60_000;
      await client.pipeline(Array.from({ length: KEYS }, (_, i) => ['SET', `key:${i}`, `value ${i}`]));
      await client.ask('SAVE');
    });
  }

  it.each([
    ['no', 'SHUTDOWN'],
    ['no', 'SHUTDOWN SAVE FORCE'],
    ['yes', 'SHUTDOWN'],
    ['yes', 'SHUTDOWN SAVE'],
    ['yes', 'SHUTDOWN NOSAVE'],
  ])('appendonly %s, %s', async (appendonly, command) => {
    await fill();
    const before = contents(dir);
    const port = await freePort();
    let sent: Promise<void> | null = null;
    const log = (line: string): void => {
      if (line.includes('Server initialized')) {
        sent = RespClient.connect(port).then((client) => client.write(encodeCommand(command.split(' '))));
      }
    };
    const started = Onggi.start({ port, dir, config: { appendonly, save: '60 1' }, log });
    await expect(started).rejects.toMatchObject({ code: 'ONGGI_SHUTDOWN' });
    await sent;
    expect(contents(dir)).toEqual(before);
    await using again = await Onggi.start({ dir, config: { appendonly, save: '' } });
    expect(await asking(again.port, (client) => client.ask('DBSIZE'))).toBe(KEYS);
  });
});

it('a server that a client has shut down saves nothing when it is stopped once more', async () => {
  const onggi = await Onggi.start({ dir, config: { save: '3600 1' } });
  const client = await RespClient.connect(onggi.port);
  await client.ask('SET', 'a', '1');
  client.write(encodeCommand(['SHUTDOWN', 'NOSAVE']));
  await client.waitClosed();
  await onggi.stop();
  expect(existsSync(join(dir, 'dump.rdb'))).toBe(false);
});

it('a start that fails after the port is open leaves nothing open', async () => {
  const port = await freePort();
  const log = (line: string): void => {
    if (line.includes('Ready to accept connections')) throw new Error('no room for the log');
  };
  await expect(Onggi.start({ port, dir, config: { appendonly: 'yes' }, log })).rejects.toThrow('no room for the log');
  await using again = await Onggi.start({ port, dir, config: { appendonly: 'yes' } });
  expect(await asking(again.port, (client) => client.ask('PING'))).toBe('PONG');
});

it('a server that ends closes its files', async () => {
  for (let i = 0; i < 3; i++) {
    const onggi = await Onggi.start({ dir, config: { appendonly: 'yes', save: '' } });
    await asking(onggi.port, (client) => client.ask('SET', 'a', String(i)));
    await onggi.stop();
  }
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
  expect(open.filter((path) => path.startsWith(dir))).toEqual([]);
});

it('servers of one process that save into one folder at the same time leave a whole dump', async () => {
  const config = { save: '' };
  const servers = [await Onggi.start({ dir, config }), await Onggi.start({ dir, config })];
  try {
    for (const [i, { port }] of servers.entries()) {
      await asking(port, async (client) => {
        client.replyTimeoutMs = 60_000;
        await client.pipeline(Array.from({ length: 50_000 }, (_, k) => ['SET', `${i}:${k}`, 'v'.repeat(50 + 40 * i)]));
      });
    }
    for (let round = 0; round < 4; round++) {
      for (const { port } of servers) await asking(port, (client) => client.ask('BGSAVE'));
      // A server that starts meanwhile takes no file away from them.
      await using reader = await Onggi.start({ dir, config });
      expect([0, 50_000]).toContain(await asking(reader.port, (client) => client.ask('DBSIZE')));
      for (const { port } of servers) {
        const info = (client: RespClient) => client.ask('INFO', 'persistence').then(String);
        const isSaved = async () => (await asking(port, info)).includes('rdb_bgsave_in_progress:0');
        await eventually(isSaved, { what: 'the save' });
        expect(await asking(port, info)).toContain('rdb_last_bgsave_status:ok');
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  await using again = await Onggi.start({ dir, config });
  expect(await asking(again.port, (client) => client.ask('DBSIZE'))).toBe(50_000);
});

/** After CONFIG SET appendonly yes: until the first rewrite has ended. */
async function logIsOn(client: RespClient): Promise<void> {
  const lines = ['aof_enabled:1', 'aof_rewrite_in_progress:0', 'aof_rewrite_scheduled:0'];
  const isOn = async (): Promise<boolean> => {
    const info = String(await client.ask('INFO', 'persistence'));
    return lines.every((line) => info.includes(line));
  };
  await eventually(isOn, { what: 'the log' });
}

describe('one log has one server', () => {
  const APPENDONLY = { appendonly: 'yes', save: '' };

  it('in a process: the second is refused until the first ends or turns its log off', async () => {
    const first = await Onggi.start({ dir, config: APPENDONLY });
    await asking(first.port, (client) => client.ask('SET', 'a', '1'));
    const before = contents(dir);
    await expect(Onggi.start({ dir, config: APPENDONLY })).rejects.toMatchObject({
      code: 'ONGGI_IN_USE',
      message: expect.stringContaining(
        `The append only files in ${join(dir, 'appendonlydir')} belong to another server`,
      ),
    });
    expect(contents(dir)).toEqual(before);
    await using apart = await Onggi.start({ dir, config: { ...APPENDONLY, appendfilename: 'other.aof' } });
    expect(await asking(apart.port, (client) => client.ask('DBSIZE'))).toBe(0);
    await asking(first.port, async (client) => {
      await client.ask('CONFIG', 'SET', 'appendonly', 'no');
      await client.ask('SET', 'b', '2');
    });
    {
      // The files are closed soon after the answer.
      await using second = await eventually(() => Onggi.start({ dir, config: APPENDONLY }).catch(() => null), {
        what: 'the log',
      });
      expect(await asking(second.port, (client) => client.ask('GET', 'a'))).toBe('1');
      await asking(first.port, async (client) => {
        await expect(client.ask('CONFIG', 'SET', 'appendonly', 'yes')).rejects.toThrow('Unable to turn on AOF');
        await expect(client.ask('BGREWRITEAOF')).rejects.toThrow("Can't execute an AOF background rewriting");
      });
    }
    await asking(first.port, async (client) => {
      await client.ask('CONFIG', 'SET', 'appendonly', 'yes');
      await logIsOn(client);
    });
    await first.stop();
    await using last = await Onggi.start({ dir, config: APPENDONLY });
    expect(await asking(last.port, (client) => client.ask('GET', 'b'))).toBe('2');
  });

  it('of several processes: until the first is killed', async () => {
    const args = ['--appendonly', 'yes', '--save', ''];
    const first = await startOnggi({ dir, args });
    await asking(first.port, (client) => client.ask('SET', 'a', '1'));
    await expect(startOnggi({ dir, args })).rejects.toThrow('belong to another server that is running');
    await expect(Onggi.start({ dir, config: APPENDONLY })).rejects.toMatchObject({ code: 'ONGGI_IN_USE' });
    await first.kill();
    await using again = await Onggi.start({ dir, config: APPENDONLY });
    expect(await asking(again.port, (client) => client.ask('GET', 'a'))).toBe('1');
  });
});

describe('CONFIG SET appendonly in a transaction that has written', () => {
  it.each(['everysec', 'always'])('appendfsync %s', async (appendfsync) => {
    const config = { appendonly: 'yes', save: '', appendfsync };
    const onggi = await Onggi.start({ dir, config });
    await asking(onggi.port, async (client) => {
      await client.ask('MULTI');
      await client.ask('SET', 'a', '1');
      await client.ask('CONFIG', 'SET', 'appendonly', 'no');
      await client.ask('SET', 'b', '2');
      expect(await client.ask('EXEC')).toEqual(['OK', 'OK', 'OK']);
      expect(await client.ask('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
      await client.ask('MULTI');
      await client.ask('CONFIG', 'SET', 'appendonly', 'yes');
      await client.ask('SET', 'c', '3');
      await client.ask('CONFIG', 'SET', 'appendonly', 'no');
      await client.ask('CONFIG', 'SET', 'appendonly', 'yes');
      await client.ask('SET', 'd', '4');
      expect(await client.ask('EXEC')).toEqual(['OK', 'OK', 'OK', 'OK', 'OK']);
      await logIsOn(client);
    });
    const copy = join(dir, 'copy');
    mkdirSync(join(copy, 'appendonlydir'), { recursive: true });
    for (const name of readdirSync(join(dir, 'appendonlydir'))) {
      copyFileSync(join(dir, 'appendonlydir', name), join(copy, 'appendonlydir', name));
    }
    await onggi.stop();
    for (const kept of [copy, dir]) {
      await using again = await Onggi.start({ dir: kept, config });
      expect(await asking(again.port, (client) => client.ask('MGET', 'a', 'b', 'c', 'd'))).toEqual([
        '1',
        '2',
        '3',
        '4',
      ]);
    }
  });
});
