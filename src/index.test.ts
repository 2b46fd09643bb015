import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Onggi, type OnggiOptions } from './index.js';

/** The answer to one request, as it comes over the wire. */
function ask(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      resolve(bytes.toString('latin1'));
      socket.destroy();
    });
    socket.write(`${request}\r\n`);
  });
}

describe('Onggi in a process', () => {
  it('serves on a port of its own, several side by side, each with its own data', async () => {
    await using a = await Onggi.start();
    await using b = await Onggi.start({ port: 0 });
    expect(a.port).not.toBe(b.port);
    expect(a.url).toBe(`redis://127.0.0.1:${a.port}`);
    await ask(a.port, 'SET k a');
    await ask(b.port, 'SET k b');
    expect(await ask(a.port, 'GET k')).toBe('$1\r\na\r\n');
    expect(await ask(b.port, 'GET k')).toBe('$1\r\nb\r\n');
  });

  it('leaves no file without a directory, and says so when asked to save', async () => {
    const before = readdirSync('.');
    const onggi = await Onggi.start({ config: { 'enable-debug-command': 'yes' } });
    await ask(onggi.port, 'SET k v');
    expect(await ask(onggi.port, 'SAVE')).toBe('-ERR\r\n');
    expect(await ask(onggi.port, 'CONFIG SET appendonly yes')).toMatch(/^-ERR CONFIG SET failed/);
    expect(await ask(onggi.port, 'CONFIG SET save "1 1"')).toMatch(/^-ERR CONFIG SET failed/);
    expect(await ask(onggi.port, 'BGSAVE')).toBe('-ERR\r\n');
    await ask(onggi.port, 'BGREWRITEAOF');
    await ask(onggi.port, 'DEBUG RELOAD');
    expect(await ask(onggi.port, 'SET k w')).toBe('+OK\r\n');
    expect(await ask(onggi.port, 'FLUSHALL')).toBe('+OK\r\n');
    await onggi.stop();
    expect(readdirSync('.')).toEqual(before);
  });

  it('keeps its data in a directory from one start to the next', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'onggi-'));
    try {
      for (const config of [{ appendonly: 'yes' }, { appendonly: 'no', save: '60 1' }]) {
        const first = await Onggi.start({ dir, config });
        await ask(first.port, `SET k ${config.appendonly}`);
        await first.stop();
        await using second = await Onggi.start({ dir, config });
        expect(await ask(second.port, 'GET k')).toContain(`\r\n${config.appendonly}\r\n`);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('makes its directory, and takes it away again when it does not start', async () => {
    const root = mkdtempSync(join(tmpdir(), 'onggi-'));
    const dir = join(root, 'a', 'b');
    try {
      await using first = await Onggi.start();
      await expect(Onggi.start({ dir, port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await expect(Onggi.start({ dir, config: { nosuch: 'x' } })).rejects.toThrow("unknown directive 'nosuch'");
      expect(readdirSync(root)).toEqual([]);
      const onggi = await Onggi.start({ config: { dir, appendonly: 'yes' } });
      await onggi.stop();
      await expect(Onggi.start({ dir, port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
      expect(readdirSync(dir)).toContain('appendonlydir');
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('leaves alone an empty directory that was there, and makes none over a file', async () => {
    const root = mkdtempSync(join(tmpdir(), 'onggi-'));
    const file = join(root, 'file');
    try {
      await expect(Onggi.start({ dir: root, config: { nosuch: 'x' } })).rejects.toThrow("unknown directive 'nosuch'");
      expect(readdirSync(root)).toEqual([]);
      writeFileSync(file, '');
      await expect(Onggi.start({ dir: file })).rejects.toThrow(`dir '${file}': Not a directory`);
      await expect(Onggi.start({ dir: join(file, 'a') })).rejects.toThrow(`dir '${join(file, 'a')}': Not a directory`);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it.runIf(process.platform === 'linux')('says why its directory cannot be made', async () => {
    await expect(Onggi.start({ dir: '/proc/a/b' })).rejects.toMatchObject({
      message: "dir '/proc/a/b': No such file or directory",
      cause: { code: 'ENOENT', syscall: 'mkdir' },
    });
  });

  it('is refused on a port that is taken, and can be started elsewhere afterwards', async () => {
    await using first = await Onggi.start();
    await expect(Onggi.start({ port: first.port })).rejects.toMatchObject({
      message: `Failed listening on port ${first.port} (tcp): 127.0.0.1: bind: Address already in use`,
      code: 'EADDRINUSE',
      cause: { code: 'EADDRINUSE', syscall: 'listen', port: first.port },
    });
    await using other = await Onggi.start();
    expect(await ask(other.port, 'PING')).toBe('+PONG\r\n');
  });

  it('is refused, with the reason, where it cannot listen', async () => {
    await expect(Onggi.start({ config: { bind: '203.0.113.7' } })).rejects.toMatchObject({
      message: 'Failed listening on port 0 (tcp): 203.0.113.7: bind: Cannot assign requested address',
      code: 'EADDRNOTAVAIL',
      cause: { code: 'EADDRNOTAVAIL' },
    });
    await expect(Onggi.start({ config: { unixsocket: '/nowhere/onggi.sock' } })).rejects.toMatchObject({
      message: 'Failed opening Unix socket: bind: No such file or directory',
      code: 'ENOENT',
    });
  });

  it('finds `dir` among the directives, and refuses persistence without one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'onggi-'));
    try {
      const onggi = await Onggi.start({ config: { DIR: dir, appendonly: 'yes' } });
      await onggi.stop();
      expect(readdirSync(dir)).toContain('appendonlydir');
    } finally {
      rmSync(dir, { recursive: true });
    }
    await expect(Onggi.start({ config: { appendonly: 'yes' } })).rejects.toThrow('need `dir`');
    await expect(Onggi.start({ config: { save: '60 10' } })).rejects.toThrow('need `dir`');
  });

  it('takes a file URL for `dir`, and no other', async () => {
    const root = mkdtempSync(join(tmpdir(), 'onggi-'));
    const dir = join(root, '옹기 1');
    try {
      const onggi = await Onggi.start({ dir: pathToFileURL(dir), config: { appendonly: 'yes' } });
      await onggi.stop();
      expect(readdirSync(dir)).toContain('appendonlydir');
    } finally {
      rmSync(root, { recursive: true });
    }
    const elsewhere = { dir: new URL('http://127.0.0.1/data') };
    await expect(Onggi.start(elsewhere)).rejects.toMatchObject({ code: 'ERR_INVALID_URL_SCHEME' });
  });

  it('refuses an empty `dir`, rather than to keep its data in the working directory', async () => {
    await expect(Onggi.start({ dir: '' })).rejects.toThrow("dir can't be empty");
    await expect(Onggi.start({ config: { dir: '' } })).rejects.toThrow("dir can't be empty");
    await expect(Onggi.start({ dir: '', config: { dir: tmpdir() } })).rejects.toThrow("dir can't be empty");
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['*', '127.0.0.1'],
    ['127.0.0.2 127.0.0.1', '127.0.0.2'],
  ])('has a URL at which it listens: bind %s', async (bind, host) => {
    await using onggi = await Onggi.start({ config: { bind, port: '0' } });
    expect(onggi.url).toBe(`redis://${host}:${onggi.port}`);
    expect(onggi.port).toBeGreaterThan(0);
  });

  it('refuses directives that are none', async () => {
    await expect(Onggi.start({ config: { nosuch: 'x' } })).rejects.toThrow("unknown directive 'nosuch'");
  });

  it('takes lines of users and of renamed commands, one or several', async () => {
    const config = {
      user: ['default on nopass ~* +@all -echo', 'ann on ">se cret" ~옹기:* +get', 'bob off'],
      'Rename-Command': ['flushall ""', 'FLUSHDB emptied'],
    };
    await using onggi = await Onggi.start({ config });
    expect(await ask(onggi.port, 'ACL USERS')).toBe('*3\r\n$3\r\nann\r\n$3\r\nbob\r\n$7\r\ndefault\r\n');
    expect(await ask(onggi.port, 'ECHO a')).toMatch(/^-NOPERM/);
    expect(await ask(onggi.port, 'AUTH ann "se cret"')).toBe('+OK\r\n');
    expect(await ask(onggi.port, 'ACL DRYRUN ann GET 옹기:1')).toBe('+OK\r\n');
    expect(await ask(onggi.port, 'FLUSHALL')).toMatch(/^-ERR unknown command/);
    expect(await ask(onggi.port, 'FLUSHDB')).toMatch(/^-ERR unknown command/);
    expect(await ask(onggi.port, 'EMPTIED')).toBe('+OK\r\n');
    await using other = await Onggi.start({ config: { user: 'default off', 'rename-command': 'GET fetch' } });
    expect(await ask(other.port, 'FETCH k')).toMatch(/^-NOAUTH/);
  });

  it.each([
    [{ user: 'ann on >secret nonsense' }, "user 'ann': Error in user declaration 'nonsense': Syntax error"],
    [{ user: ['ann on', 'ann off'] }, "user 'ann': Error in user declaration 'ann': "],
    [{ user: 'ann on "' }, "user 'ann': Unbalanced quotes in configuration line"],
    [{ user: undefined as unknown as string }, 'user: a string, not undefined'],
    [{ user: '' }, "user '': Bad directive or wrong number of arguments"],
    [{ user: 'ann on +nosuch' }, "rule '+nosuch' for the user named 'ann': Unknown command or category name"],
    [{ 'rename-command': 'nosuch x' }, "rename-command 'nosuch x': No such command in rename-command"],
    [{ 'rename-command': ['get a', 'set a'] }, "rename-command 'set a': Target command name already exists"],
    [{ 'rename-command': 'get' }, "rename-command 'get': Bad directive or wrong number of arguments"],
    // A newline parts words; it makes no further line.
    [{ 'rename-command': 'get a\nmaxclients 1' }, 'Bad directive or wrong number of arguments'],
    [{ include: 'more.conf' }, 'include: give the directives of the file instead'],
    [{ LOADMODULE: '/a.so' }, 'loadmodule: modules are native code, which cannot be loaded here'],
    [{ replicaof: '127.0.0.1 1' }, 'replicaof: replication is not available here'],
    [{ 'tls-port': 1 }, 'tls-port: TLS is not available here'],
    [{ appendonly: 'yes' }, 'appendonly and save need `dir`'],
    // As a variable that is not set gives them.
    [{ requirepass: undefined as unknown as string }, 'requirepass: undefined is no value'],
    [{ dir: null as unknown as string }, 'dir: null is no value'],
    [{ logfile: '/tmp/a.log' }, 'logfile: give the option `log`'],
    [{ daemonize: 'yes' }, 'daemonize: a server within a program does not leave it'],
    [{ pidfile: '/tmp/a.pid' }, 'pidfile: the process is not the server alone'],
    [{ supervised: 'systemd' }, 'supervised: the process is not the server alone'],
    [{ bind: ['127.0.0.1', '127.0.0.2'] }, 'bind: one value, not an array'],
    [{ maxclients: 10, MaxClients: 20 }, 'maxclients: given twice'],
    [{ 'hash-max-ziplist-entries': 1, 'hash-max-listpack-entries': 2 }, 'hash-max-listpack-entries: given twice'],
  ])('refuses lines that cannot be used: %j', async (config, message) => {
    await expect(Onggi.start({ config })).rejects.toThrow(message);
  });

  it.each([
    [{ prot: 1 }, "there is no option 'prot': there are port, dir, config, log"],
    [{ dir: null }, 'dir: null is no value'],
    [{ dir: true }, 'dir: a path or a file URL, not boolean'],
    [{ dir: {} }, 'dir: a path or a file URL, not object'],
    [{ dir: tmpdir(), config: new Map([['appendonly', 'yes']]) }, 'config: an object of directives by their names'],
    [{ config: ['appendonly yes'] }, 'config: an object of directives by their names'],
    [{ log: console }, 'log: a function, not object'],
    [['./data'], 'options: an object with any of port, dir, config, log'],
    [6379, 'options: an object with any of port, dir, config, log'],
    [null, 'options: an object with any of port, dir, config, log'],
  ])('refuses options that it does not know: %j', async (options, message) => {
    await expect(Onggi.start(options as OnggiOptions)).rejects.toThrow(message);
  });

  it('logs which directives have no effect here', async () => {
    const lines: string[] = [];
    await using _ = await Onggi.start({ config: { 'io-threads': 4 }, log: (line) => lines.push(line) });
    expect(lines.join('')).toMatch(/Directives without an effect here.*: io-threads\n/);
  });

  it('shows itself in a line', async () => {
    await using onggi = await Onggi.start();
    expect(inspect(onggi)).toBe(`Onggi { url: '${onggi.url}' }`);
  });

  it('says why it does not stop when the data cannot be saved, keeps serving, and stops later', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'onggi-'));
    const dump = join(dir, 'dump.rdb');
    try {
      const onggi = await Onggi.start({ dir, config: { appendonly: 'yes' } });
      mkdirSync(dump);
      await expect(onggi.stop()).rejects.toThrow(
        /^the data could not be saved, and the server goes on: Error trying to save the DB, can't exit. .*: Is a directory$/,
      );
      expect(await ask(onggi.port, 'SET k v')).toBe('+OK\r\n');
      rmSync(dump, { recursive: true });
      await onggi.stop();
      await using again = await Onggi.start({ dir, config: { appendonly: 'yes' } });
      expect(await ask(again.port, 'GET k')).toBe('$1\r\nv\r\n');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('stops once, however often it is asked to', async () => {
    const onggi = await Onggi.start();
    await Promise.all([onggi.stop(), onggi.stop()]);
    await onggi.stop();
    await expect(ask(onggi.port, 'PING')).rejects.toThrow();
  });
});
