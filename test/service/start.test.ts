/** The programs as operators and their tools meet them: command lines, log, pid, signals, being a service. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RespClient } from '../support/client.js';
import { removeFolder, temporaryFolder } from '../support/folder.js';
import { ownProcess, releaseProcess } from '../support/reaper.js';
import { freePort, onggiCommand, projectFolder, type Server, startOnggi } from '../support/server.js';
import { eventually } from '../support/wait.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('service');
});
afterEach(() => {
  removeFolder(folder);
});

const ONGGI = join(projectFolder, 'bin', 'onggi');

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

function runProgram(command: string, words: readonly string[], input = ''): Ran {
  const { status, stdout, stderr } = spawnSync(command, [...words], {
    cwd: folder,
    input,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, out: stdout, err: stderr };
}

/** A program that stays; ended by `stop`, and with the test process in any case. */
class Program {
  output = '';
  code: number | string | null = null;
  constructor(readonly child: ChildProcess) {
    ownProcess(child.pid!);
    // One that refuses its configuration may end before it has read its input.
    child.stdin?.on('error', () => {});
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
    child.on('close', (code, signal) => {
      this.code = code ?? signal;
      releaseProcess(child.pid!);
    });
  }
  static start(command: string, words: readonly string[], env: Record<string, string> = {}): Program {
    return new Program(spawn(command, [...words], { cwd: folder, env: { ...process.env, ...env }, stdio: 'pipe' }));
  }
  async says(text: string): Promise<void> {
    await eventually(() => this.output.includes(text) || this.code !== null, { what: text });
    expect(this.output).toContain(text);
  }
  async ended(): Promise<number | string> {
    await eventually(() => this.code !== null, { what: 'the end' });
    return this.code!;
  }
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.child.kill(signal);
    return await this.ended();
  }
}

async function processId(port: number): Promise<number> {
  const client = await RespClient.connect(port);
  const info = String(await client.ask('INFO', 'server'));
  await client.close();
  return Number(/process_id:(\d+)/.exec(info)![1]);
}

/** The number in a pid file, once it is there. */
async function pidIn(path: string): Promise<number> {
  return await eventually(() => (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0), { what: path });
}

describe('onggi-server', () => {
  it('tells its version as redis-server does', () => {
    for (const word of ['-v', '--version']) {
      const { code, out } = runProgram(onggiCommand(), [word]);
      expect([code, out]).toEqual([
        0,
        expect.stringMatching(/^Redis server v=7\.\d+\.\d+ sha=\w+:\d malloc=\S+ bits=64 build=\S+\n$/),
      ]);
    }
  });

  it('tells its usage on standard error, with code 1', () => {
    const { code, err } = runProgram(onggiCommand(), ['--help']);
    expect([code, err]).toEqual([1, expect.stringContaining('--test-memory <megabytes>')]);
  });

  it('tests memory', () => {
    expect(runProgram(onggiCommand(), ['--test-memory', '2'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('passed'),
    });
    expect(runProgram(onggiCommand(), ['--test-memory'])).toMatchObject({ code: 1 });
  });

  it('does not start with a mistake, and says where it is', () => {
    writeFileSync(join(folder, 'a.conf'), 'hz 10\n\nappendfsync sometimes\n');
    const { code, err } = runProgram(onggiCommand(), ['a.conf']);
    expect(code).toBe(1);
    expect(err).toMatch(
      /\*\*\* FATAL CONFIG FILE ERROR \(Redis [\d.]+\) \*\*\*\nReading the configuration file, at line 3\n>>> 'appendfsync sometimes'\nargument\(s\) must be one of/,
    );
    expect(runProgram(onggiCommand(), ['gone.conf'])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/# Fatal error, can't open config file '.*gone\.conf': No such file or directory\n/),
    });
    expect(runProgram(onggiCommand(), ['--rename-command', 'nope', 'x'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('No such command in rename-command'),
    });
    expect(runProgram(onggiCommand(), ['--sentinel'])).toMatchObject({ code: 1 });
    expect(runProgram(onggiCommand(), ['--port', '0', '--loadmodule', '/a.so'])).toMatchObject({
      code: 1,
      out: expect.stringContaining("Can't load module from /a.so: server aborting"),
    });
    for (const lines of [
      ['--replicaof', '127.0.0.1', '1'],
      ['--tls-port', '1'],
    ]) {
      expect(runProgram(onggiCommand(), ['--port', '0', ...lines])).toMatchObject({
        code: 1,
        out: expect.stringContaining(`Can't serve as configured: ${lines[0]!.slice(2)}: `),
      });
    }
  });

  it('says that it reads standard input before it says what is wrong with it', () => {
    const { code, out, err } = runProgram(onggiCommand(), ['-'], `logfile ${folder}/my.log\nnope 1\n`);
    expect([code, out]).toEqual([1, expect.stringMatching(/^\d+:C .* Reading config from stdin\n$/)]);
    expect(err).toContain("at line 2\n>>> 'nope 1'\n");
    // A file that cannot be read comes first.
    expect(runProgram(onggiCommand(), ['gone.conf', '-']).out).not.toContain('stdin');
  });

  it('takes an empty name of a file for none', async () => {
    const port = await freePort();
    const program = Program.start(onggiCommand(), ['', '--port', String(port), '--bind', '127.0.0.1', '--save', '']);
    await program.says('Ready to accept connections');
    expect(await program.stop()).toBe(0);
  });

  it('says when its port is taken', async () => {
    await using server = await startOnggi({});
    const words = ['--port', String(server.port), '--bind', '127.0.0.1', '--save', ''];
    expect(runProgram(onggiCommand(), words)).toMatchObject({
      code: 1,
      out: expect.stringMatching(new RegExp(`# Failed listening on port ${server.port} \\(tcp\\), aborting\\.\n$`)),
    });
  });

  it('is itself the process that serves', async () => {
    await using server = await startOnggi({});
    expect(await processId(server.port)).toBe(server.pid);
  });

  it('reads standard input, then the command line', async () => {
    const port = await freePort();
    const program = Program.start(onggiCommand(), ['-', '--hz', '20', '--bind', '127.0.0.1']);
    program.child.stdin!.end(`port ${port}\nhz 30\nsave ""\n`);
    await program.says('Ready to accept connections');
    const client = await RespClient.connect(port);
    expect(await client.ask('CONFIG', 'GET', 'hz')).toEqual(['hz', '20']);
    await client.close();
    expect(await program.stop()).toBe(0);
  });

  it('starts and stops with the lines that tools wait for', async () => {
    const server = await startOnggi({ args: ['--always-show-logo', 'yes', '--io-threads', '4', '--save', '900 1'] });
    const client = await server.connect();
    await client.ask('SET', 'a', '1');
    expect(server.output).toMatch(
      new RegExp(
        `Configuration loaded\\n[\\s\\S]*: io-threads\\n[\\s\\S]* Port: ${server.port}\\n[\\s\\S]* PID: ${server.pid}\\n[\\s\\S]*Server initialized\\n[\\s\\S]*Ready to accept connections tcp\\n`,
      ),
    );
    expect(await server.halt()).toBe(0);
    expect(server.output).toMatch(
      /:signal-handler \(\d+\) Received SIGTERM scheduling shutdown\.\.\.\n.*User requested shutdown\.\.\.\n[\s\S]*DB saved on disk\n[\s\S]*bye bye\.\.\.\n$/,
    );
    server.remove();
  });

  it('SIGINT stops it as shutdown-on-sigint says; SIGHUP does not', async () => {
    const server = await startOnggi({ args: ['--save', '900 1', '--shutdown-on-sigint', 'nosave'] });
    const client = await server.connect();
    await client.ask('SET', 'a', '1');
    process.kill(server.pid, 'SIGHUP');
    expect(await client.ask('PING')).toBe('PONG');
    process.kill(server.pid, 'SIGINT');
    expect(await server.exited).toBe(0);
    expect(existsSync(join(server.dir, 'dump.rdb'))).toBe(false);
    server.remove();
  });

  it('SIGUSR1 opens no debugger', async () => {
    const server = await startOnggi({});
    const client = await server.connect();
    process.kill(server.pid, 'SIGUSR1');
    await eventually(() => server.output.includes('Received SIGUSR1, ignored'), { what: 'the notice' });
    expect(await client.ask('PING')).toBe('PONG');
    expect(await server.halt()).toBe(0);
    expect(server.output).not.toContain('Debugger');
    server.remove();
  });

  it('SIGUSR1 opens no debugger while the configuration is read', async () => {
    const port = await freePort();
    const program = Program.start(onggiCommand(), ['-']);
    await program.says('Reading config from stdin');
    program.child.kill('SIGUSR1');
    program.child.stdin!.end(`port ${port}\nbind 127.0.0.1\nsave ""\n`);
    await program.says('Ready to accept connections');
    expect(await program.stop()).toBe(0);
    expect(program.output).not.toContain('Debugger');
  });

  const debian = '/etc/redis/redis.conf';
  it.skipIf(!existsSync(debian))(`serves with Debian's redis.conf (skipped without ${debian})`, async () => {
    const port = await freePort();
    const own = ['--port', String(port), '--daemonize', 'no', '--dir', folder, '--logfile', '', '--pidfile', 'my.pid'];
    const program = Program.start(onggiCommand(), [debian, ...own]);
    await program.says('Ready to accept connections');
    const client = await RespClient.connect(port);
    expect(await client.ask('CONFIG', 'GET', 'proc-title-template')).toEqual([
      'proc-title-template',
      '{title} {listen-addr} {server-mode}',
    ]);
    await client.close();
    expect(await program.stop()).toBe(0);
  });
});

describe('a server in the background', () => {
  it('writes its own pid, logs to its file, and takes the pid file away', async () => {
    const port = await freePort();
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--daemonize', 'yes', '--dir', folder];
    const files = ['--pidfile', 'my.pid', '--logfile', 'my.log', '--save', ''];
    const { code, out } = runProgram(onggiCommand(), [...words, ...files]);
    expect([code, out]).toEqual([0, '']);
    const pid = await pidIn(join(folder, 'my.pid'));
    ownProcess(pid);
    const log = (): string => readFileSync(join(folder, 'my.log'), 'utf8');
    await eventually(() => log().includes('Ready to accept connections'));
    expect(await processId(port)).toBe(pid);
    expect(log()).toContain(`${pid}:M `);
    // A rotated log is followed.
    renameSync(join(folder, 'my.log'), join(folder, 'old.log'));
    process.kill(pid, 'SIGTERM');
    await eventually(() => !existsSync(join(folder, 'my.pid')));
    await eventually(() => existsSync(join(folder, 'my.log')) && log().includes('bye bye...'));
    releaseProcess(pid);
  });

  it('is reached as soon as the command has ended', async () => {
    const port = await freePort();
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--daemonize', 'yes', '--dir', folder];
    expect(runProgram(onggiCommand(), [...words, '--pidfile', 'my.pid', '--save', '']).code).toBe(0);
    const pid = Number(readFileSync(join(folder, 'my.pid'), 'utf8'));
    ownProcess(pid);
    const client = await RespClient.connect(port);
    client.write('*1\r\n$8\r\nSHUTDOWN\r\n');
    await eventually(() => !existsSync(join(folder, 'my.pid')));
    await client.close();
    releaseProcess(pid);
  });

  it('that cannot listen ends with its code, which the command returns', async () => {
    await using server = await startOnggi({});
    const words = ['--port', String(server.port), '--bind', '127.0.0.1', '--daemonize', 'yes', '--dir', folder];
    expect(runProgram(onggiCommand(), [...words, '--logfile', 'my.log', '--save', '']).code).toBe(1);
    expect(readFileSync(join(folder, 'my.log'), 'utf8')).toContain(`Failed listening on port ${server.port}`);
  });

  it('serves without the process that started it, unless that could not hand over the whole configuration', async () => {
    const port = await freePort();
    const text = `port ${port}\nbind 127.0.0.1\ndir ${folder}\npidfile my.pid\ndaemonize yes\nsave ""\n`;
    // What a killed parent leaves: a closed input with what it wrote, and nobody at the other end of descriptor 3.
    const orphan = (bytes: number): Program => {
      const env = { ...process.env, ONGGI_IN_BACKGROUND: String(bytes) };
      const child = spawn(onggiCommand(), ['-'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
      child.stdio[3]!.destroy();
      child.stdin!.end(text);
      return new Program(child);
    };
    expect(await orphan(text.length + 1).ended()).toBe(1);
    const program = orphan(text.length);
    await program.says('Ready to accept connections');
    expect(await processId(port)).toBe(program.child.pid);
    expect(await program.stop()).toBe(0);
  });

  it('has a configuration that can be read only once, under its name', async () => {
    // A pipe each: what spawnSync gives as input is a socket, which cannot be opened by a name.
    const starts = ['"$0" <(cat my.conf) --hz 21', 'cat my.conf | "$0" /dev/stdin --hz 21'];
    for (const [i, start] of starts.entries()) {
      const port = await freePort();
      const file = `port ${port}\nbind 127.0.0.1\ndir ${folder}\npidfile ${i}.pid\ndaemonize yes\nsave ""\ntimeout 77\n`;
      writeFileSync(join(folder, 'my.conf'), file);
      expect(runProgram('bash', ['-c', start, onggiCommand()])).toMatchObject({ code: 0, err: '' });
      const pid = Number(readFileSync(join(folder, `${i}.pid`), 'utf8'));
      ownProcess(pid);
      const client = await RespClient.connect(port);
      expect(await client.ask('CONFIG', 'GET', 'timeout')).toEqual(['timeout', '77']);
      expect(await client.ask('CONFIG', 'GET', 'hz')).toEqual(['hz', '21']);
      expect(String(await client.ask('INFO', 'server'))).toMatch(/\r\nconfig_file:\/dev\/(fd\/\d+|stdin)\r\n/);
      client.write('*1\r\n$8\r\nSHUTDOWN\r\n');
      await eventually(() => !existsSync(join(folder, `${i}.pid`)));
      await client.close();
      releaseProcess(pid);
    }
  });

  it('takes a configuration from standard input with it', async () => {
    const port = await freePort();
    const text = `port ${port}\nbind 127.0.0.1\ndir ${folder}\npidfile my.pid\ndaemonize yes\nsave ""\ntimeout 77\n`;
    expect(runProgram(onggiCommand(), ['-'], text).code).toBe(0);
    const pid = await pidIn(join(folder, 'my.pid'));
    ownProcess(pid);
    const client = await RespClient.connect(port);
    expect(await client.ask('CONFIG', 'GET', 'timeout')).toEqual(['timeout', '77']);
    client.write('*1\r\n$8\r\nSHUTDOWN\r\n');
    await eventually(() => !existsSync(join(folder, 'my.pid')));
    await client.close();
    releaseProcess(pid);
  });
});

describe('a supervised server', () => {
  it('tells systemd when it is ready, in the name of the process that serves', async () => {
    const tools = join(folder, 'tools');
    mkdirSync(tools);
    const told = join(folder, 'told');
    writeFileSync(join(tools, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $@" >> ${told}\n`);
    chmodSync(join(tools, 'systemd-notify'), 0o755);
    const port = await freePort();
    const words = [
      '--supervised',
      'systemd',
      '--daemonize',
      'yes',
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
    ];
    const env = { PATH: `${tools}${delimiter}${process.env['PATH']}`, NOTIFY_SOCKET: '/run/x' };
    const program = Program.start(onggiCommand(), words, env);
    await eventually(() => existsSync(told) && readFileSync(told, 'utf8').includes('READY=1'));
    expect(readFileSync(told, 'utf8')).toContain(`/run/x --pid=${program.child.pid} `);
    expect(await processId(port)).toBe(program.child.pid);
    expect(await program.stop()).toBe(0);
  });

  it('serves all the same when nobody can be told', async () => {
    const server = await startOnggi({ args: ['--supervised', 'systemd'], env: { NOTIFY_SOCKET: '' } });
    expect(server.output).toContain('NOTIFY_SOCKET not found');
    expect(await server.stop()).toBe(0);
  });
});

describe('CONFIG over the wire', () => {
  let server: Server;
  beforeEach(async () => {
    server = await startOnggi({ config: '# mine\nsave ""\nenable-protected-configs local\nhz 15\n' });
  });
  afterEach(async () => {
    await server.stop();
  });

  it('answers a map in RESP3 and a list in RESP2', async () => {
    const client = await server.connect();
    expect((await client.call('CONFIG', 'GET', 'hz', 'h?')).mark).toBe('*');
    await client.call('HELLO', '3');
    expect((await client.call('CONFIG', 'GET', 'hz')).mark).toBe('%');
  });

  it('sets, rewrites the file, and names what is wrong', async () => {
    const client = await server.connect();
    expect(await client.ask('CONFIG', 'SET', 'hz', '20', 'maxmemory', '1gb')).toBe('OK');
    expect(await client.ask('CONFIG', 'REWRITE')).toBe('OK');
    const text = readFileSync(join(server.dir, 'redis.conf'), 'utf8');
    expect(text).toMatch(/^# mine\nsave ""\nenable-protected-configs local\nhz 20\n/);
    expect(text).toContain('\nmaxmemory 1gb\n');
    await expect(client.ask('CONFIG', 'SET', 'hz')).rejects.toThrow(
      "ERR wrong number of arguments for 'config|set' command",
    );
    await expect(client.ask('CONFIG', 'SET', 'a', 'b', 'c')).rejects.toThrow('ERR syntax error');
    await expect(client.ask('CONFIG', 'SET', 'a', 'b')).rejects.toThrow(
      "ERR Unknown option or number of arguments for CONFIG SET - 'a'",
    );
    expect(await client.ask('CONFIG', 'SET', 'dbfilename', 'x.rdb')).toBe('OK');
    expect(await client.ask('CONFIG', 'RESETSTAT')).toBe('OK');
  });

  it('without a file there is nothing to rewrite', async () => {
    await using plain = await startOnggi({});
    const client = await plain.connect();
    await expect(client.ask('CONFIG', 'REWRITE')).rejects.toThrow('ERR The server is running without a config file');
  });
});

describe('onggi', () => {
  it('tells its version and its usage', () => {
    expect(runProgram(ONGGI, ['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^onggi \d+\.\d+\.\d+ \(Redis 7\./),
    });
    expect(runProgram(ONGGI, ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('onggi [serve] [redis.conf]'),
    });
    expect(runProgram(ONGGI, ['nope'])).toMatchObject({
      code: 1,
      err: expect.stringContaining("'nope' is not a command"),
    });
  });

  for (const words of [[], ['serve']]) {
    it(`onggi ${words.join(' ')} serves`, async () => {
      const port = await freePort();
      writeFileSync(join(folder, 'my.conf'), `port ${port}\nbind 127.0.0.1\n`);
      const program = Program.start(ONGGI, [...words, './my.conf', '--save', '']);
      await program.says('Ready to accept connections');
      expect(await processId(port)).toBe(program.child.pid);
      expect(await program.stop('SIGINT')).toBe(0);
    });
  }
});

describe('npm start', () => {
  it('serves durably, says where the data is and how to connect, and has it again', async () => {
    const port = await freePort();
    const start = () =>
      Program.start(process.execPath, [
        join(projectFolder, 'scripts', 'start.mjs'),
        '--port',
        String(port),
        '--dir',
        folder,
      ]);
    const first = start();
    await first.says('Stop: Ctrl-C');
    expect(first.output).toContain(`redis-cli -p ${port}`);
    expect(first.output).toContain(join(folder, 'appendonlydir'));
    const client = await RespClient.connect(port);
    expect(await client.ask('CONFIG', 'GET', 'appendfsync')).toEqual(['appendfsync', 'everysec']);
    await client.ask('SET', 'userA', 'KDG');
    await client.close();
    expect(await first.stop('SIGKILL')).toBe('SIGKILL');
    const second = start();
    await second.says('Stop: Ctrl-C');
    expect(second.output).toContain('DB loaded from append only file');
    expect(second.output).toContain('Loaded: 1 key\n');
    const again = await RespClient.connect(port);
    expect(await again.ask('GET', 'userA')).toBe('KDG');
    await again.close();
    expect(await second.stop('SIGINT')).toBe(0);
  });
});
