import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConnectionClosed } from './client.js';
import { REAPER_SCRIPT } from './reaper.js';
import { decodeReply, plain, ReplyError, readReply, replyEnd, show } from './reply.js';
import { projectFolder, type Server, startOracle } from './server.js';

describe('reply notation', () => {
  const wire = [
    ['+OK\r\n', '+OK'],
    ['-ERR no such key\r\n', '-ERR no such key'],
    [':-5\r\n', ':-5'],
    ['$5\r\n\x00"\\\r\n\r\n', '"\\x00\\"\\\\\\r\\n"'],
    ['$-1\r\n', '$-1'],
    ['*-1\r\n', '*-1'],
    ['_\r\n', '_'],
    ['#t\r\n', '#t'],
    [',inf\r\n', ',inf'],
    ['(12345678901234567890\r\n', '(12345678901234567890'],
    ['!3\r\nERR\r\n', '!"ERR"'],
    ['=6\r\ntxt:ab\r\n', '="txt:ab"'],
    ['*0\r\n', '[]'],
    ['*3\r\n,0.1\r\n,-inf\r\n+OK\r\n', '[,0.1, ,-inf, +"OK"]'],
    ['%1\r\n$1\r\na\r\n*2\r\n:1\r\n_\r\n', '%["a", [:1, _]]'],
    ['~1\r\n$0\r\n\r\n', '~[""]'],
    ['>2\r\n+a\r\n+b\r\n', '>[+"a", +"b"]'],
  ] as const;

  it.each(wire)('%j is shown as %s and read back', (bytes, text) => {
    const reply = decodeReply(Buffer.from(bytes, 'latin1'));
    expect(show(reply)).toBe(text);
    expect(readReply(text)).toEqual(reply);
  });

  it.each(wire)('%j ends where it ends, and nowhere before', (bytes) => {
    const buf = Buffer.from(bytes, 'latin1');
    expect(replyEnd(Buffer.concat([buf, Buffer.from('+x')]), 0)).toBe(buf.length);
    for (let cut = 0; cut < buf.length; cut++) expect(replyEnd(buf.subarray(0, cut), 0)).toBe(-1);
  });

  it('gives plain values, and throws error replies', () => {
    expect(plain(readReply('[:1, "a", _, [#f, ,1.5]]'))).toEqual([1, 'a', null, [false, 1.5]]);
    expect(() => plain(readReply('-ERR x'))).toThrow(new ReplyError('ERR x'));
  });
});

describe('servers', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startOracle();
  });
  afterAll(() => server.stop());

  it('answers a client, in RESP2 and RESP3', async () => {
    const client = await server.connect();
    expect(await client.ask('SET', 'k', Buffer.from([0, 255]))).toBe('OK');
    expect(show(await client.call('GET', 'k'))).toBe('"\\x00\\xff"');
    await client.call('HELLO', 3);
    client.capture();
    expect(show(await client.call('GET', 'missing'))).toBe('_');
    expect(client.captured().toString()).toBe('_\r\n');
  });

  it('tells a client that waits when the server closes the connection', async () => {
    const client = await server.connect();
    client.write('*1\r\n$x\r\n');
    expect(show(await client.next())).toContain('-ERR Protocol error');
    await expect(client.next()).rejects.toThrow(ConnectionClosed);
  });

  it('fails with the output of a server that does not start', async () => {
    await expect(startOracle({ args: ['--no-such-directive', '1'] })).rejects.toThrow(/no-such-directive/);
  });

  it('are gone after stop, with their folder', async () => {
    const holder = await startOracle();
    const { pid, dir } = holder;
    await holder.stop();
    expect(alive(pid)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });
});

describe('reaper', () => {
  it('kills what is left and removes folders when its pipe closes, and nothing that was given back', async () => {
    const left = spawn('sleep', ['600']);
    const given = spawn('sleep', ['600']);
    const folder = mkdtempSync(join(tmpdir(), 'onggi reaper-'));
    const kept = mkdtempSync(join(tmpdir(), 'onggi reaper-'));
    const reaper = spawn('sh', ['-c', REAPER_SCRIPT], { stdio: ['pipe', 'ignore', 'inherit'] });
    try {
      reaper.stdin.write(`pid ${given.pid}\npid ${left.pid}\ndir ${folder}\ndir ${kept}\n`);
      reaper.stdin.end(`nopid ${given.pid}\nnodir ${kept}\n`);
      expect(await once(left, 'exit')).toEqual([null, 'SIGKILL']);
      await once(reaper, 'exit');
      expect([existsSync(folder), existsSync(kept), alive(given.pid!)]).toEqual([false, true, true]);
    } finally {
      given.kill();
      left.kill();
      rmSync(kept, { recursive: true });
    }
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the command lines of long runs', () => {
  const run = (script: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`build/${script}`, ...args], {
      cwd: projectFolder,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const SCRIPTS = ['test/differential/diff.js', 'test/fuzz/fuzz.js', 'test/crash/crash.js', 'bench/main.js'];

  it.each(SCRIPTS)('%s tells its options, and what is wrong with those that are given', (script) => {
    const help = run(script, '--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: npm run \w+ -- \[options\]\n {2}--/);
    expect(run(script, '--nonsense')).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Unknown option '--nonsense'.*\n\nUsage: /s),
    });
  });

  it('a number that is none is named', () => {
    expect(run('test/crash/crash.js', '--rounds', 'many').stderr).toMatch(/^--rounds many: not a number\n/);
    expect(run('test/fuzz/fuzz.js', '--what', 'nothing').stderr).toMatch(/^--what nothing: one of socket, dump/);
  });
});
