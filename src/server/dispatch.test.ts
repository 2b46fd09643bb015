import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import { LiveServer, RecordingSink } from './testing/live-server.js';

interface Played {
  live: LiveServer;
  sink: RecordingSink;
  clock: ManualClock;
  client: RespClient;
  /** Sends inline commands, one a line; the replies as text. */
  play(text: string): Promise<string[]>;
}

async function withServer(run: (p: Played) => Promise<void>, config: Record<string, string> = {}): Promise<void> {
  const sink = new RecordingSink();
  const clock = new ManualClock();
  await using live = await LiveServer.start({ sink, clock, config: { 'enable-debug-command': 'yes', ...config } });
  await using client = await RespClient.connect(live.port);
  const play = async (text: string): Promise<string[]> => {
    const lines = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    client.write(lines.map((line) => `${line}\r\n`).join(''));
    const replies: string[] = [];
    for (const _ of lines)
      replies.push(
        String(await client.nextRaw())
          .replaceAll('\r\n', ' ')
          .trim(),
      );
    return replies;
  };
  await play('DEBUG SET-ACTIVE-EXPIRE 0');
  await run({ live, sink, clock, client, play });
}

describe('effects', () => {
  it('are commands that changed something, as they came, with their database', () =>
    withServer(async ({ sink, play }) => {
      await play(`
        SET a 1
        GET a
        DEL nothing
        set a 2
        SELECT 3
        LPUSH l x
        INCR l
      `);
      expect(sink.take()).toEqual(['0 SET a 1', '0 set a 2', '3 LPUSH l x']);
    }));

  it('say when, not for how long', () =>
    withServer(async ({ sink, play, clock }) => {
      await play('SET a 1 EX 10\nEXPIRE a 20');
      expect(sink.take()).toEqual([`0 SET a 1 PXAT ${clock.nowMs + 10_000}`, `0 PEXPIREAT a ${clock.nowMs + 20_000}`]);
    }));

  it('of a transaction are one unit; one of them alone needs none', () =>
    withServer(async ({ sink, play }) => {
      await play('MULTI\nSET a 1\nGET a\nSELECT 2\nSET b 2\nEXEC');
      expect(sink.take()).toEqual(['[0 SET a 1][2 SET b 2]']);
      await play('SELECT 0\nMULTI\nGET a\nSET a 2\nEXEC\nMULTI\nGET a\nEXEC');
      expect(sink.take()).toEqual(['0 SET a 2']);
    }));

  it('of a transaction that was discarded, or failed, there are none', () =>
    withServer(async ({ sink, play }) => {
      await play('MULTI\nSET a 1\nDISCARD\nMULTI\nSET a 1\nNOSUCH\nEXEC');
      expect(sink.take()).toEqual([]);
    }));

  it('delete an expired key before the command that met it, as one unit with it', () =>
    withServer(async ({ sink, play, clock }) => {
      await play('SET a 1 PX 10\nSET b 1 PX 10');
      sink.take();
      clock.advance(20);
      await play('GET a\nSET b 2');
      expect(sink.take()).toEqual(['0 DEL a', '[0 DEL b][0 SET b 2]']);
    }));

  it('unlink expired keys under lazyfree-lazy-expire', () =>
    withServer(
      async ({ sink, play, clock }) => {
        await play('SET a 1 PX 10');
        sink.take();
        clock.advance(20);
        await play('GET a');
        expect(sink.take()).toEqual(['0 UNLINK a']);
      },
      { 'lazyfree-lazy-expire': 'yes' },
    ));

  it('of keys that nobody asks for come from the expiry cycle, each on its own', () =>
    withServer(async ({ sink, play, clock }) => {
      await play('SET a 1 PX 10\nSET b 1 PX 10\nDEBUG SET-ACTIVE-EXPIRE 1');
      sink.take();
      clock.advance(20);
      await eventually(() => sink.units.length === 2);
      expect(sink.take().sort()).toEqual(['0 DEL a', '0 DEL b']);
      await eventually(() => sink.events.at(-1) === 'write');
    }));

  it('of FLUSHALL and FLUSHDB are there though nothing was', () =>
    withServer(async ({ sink, play }) => {
      await play('FLUSHALL\nFLUSHDB ASYNC');
      expect(sink.take()).toEqual(['0 FLUSHALL', '0 FLUSHDB ASYNC']);
    }));

  it('count towards save points', () =>
    withServer(async ({ live, play }) => {
      await play('SET a 1\nGET a\nMULTI\nLPUSH l a b c\nSADD s a b\nEXEC\nDEL a l nothing');
      expect(live.server.persistence.savePoints.dirty).toBe(1 + 3 + 2 + 2);
    }));
});

describe('replies', () => {
  it('go out after the turn is written', () =>
    withServer(async ({ sink, play }) => {
      sink.events.length = 0;
      await play('SET a 1');
      expect(sink.events).toEqual(['write']);
    }));

  it('wait for the fsync in their order, while later turns are executed', () =>
    withServer(async ({ live, sink, client }) => {
      await using other = await RespClient.connect(live.port);
      sink.held = true;
      client.capture();
      other.capture();
      client.write('SET a 1\r\n');
      await eventually(() => sink.waitingTurns === 1);
      other.write('GET a\r\n');
      await eventually(() => sink.waitingTurns === 2);
      client.write('INCR a\r\nINCR a\r\n');
      await eventually(() => sink.waitingTurns === 3);
      expect(live.server.statistics.commands).toBe(5);
      expect(String(client.captured()) + String(other.captured())).toBe('');
      sink.release(true, 1);
      expect(String(await client.nextRaw())).toBe('+OK\r\n');
      sink.release(true, 2);
      expect(String(await other.nextRaw())).toBe('$1\r\n1\r\n');
      expect(String(await client.nextRaw())).toBe(':2\r\n');
      expect(String(await client.nextRaw())).toBe(':3\r\n');
    }));

  it('of a turn that could not be made durable do not go out when they tell of a change', () =>
    withServer(async ({ live, sink, client }) => {
      sink.held = true;
      client.write('SET a 1\r\n');
      await eventually(() => sink.waitingTurns === 1);
      sink.release(false);
      client.capture();
      await client.waitClosed();
      expect(String(client.captured())).toBe('');
      await using reader = await RespClient.connect(live.port);
      reader.write('PING\r\n');
      await eventually(() => sink.waitingTurns === 1);
      sink.release(false);
      expect(String(await reader.nextRaw())).toBe('+PONG\r\n');
    }));

  it('that wait are sent although the client has ended meanwhile', () =>
    withServer(async ({ live, sink, client }) => {
      sink.held = true;
      client.write('SET a 1\r\nQUIT\r\n');
      await eventually(() => sink.waitingTurns === 1);
      expect(live.server.clients.size).toBe(1);
      sink.release();
      expect(String(await client.nextRaw())).toBe('+OK\r\n');
      expect(String(await client.nextRaw())).toBe('+OK\r\n');
      await client.waitClosed();
    }));

  it('of megabytes do not wait for the turn to end', () =>
    withServer(async ({ client, sink }) => {
      await client.ask('SET', 'big', 'x'.repeat(700_000));
      sink.events.length = 0;
      const replies = await client.pipeline(Array.from({ length: 20 }, () => ['GET', 'big']));
      expect(replies.every((reply) => reply.length === 700_000 + 11)).toBe(true);
      expect(sink.events.length).toBeGreaterThan(5);
    }));
});

describe('refusals', () => {
  it('of commands that do not exist name what was asked', () =>
    withServer(async ({ play }) => {
      expect(await play("FOO\nfoo 'a b' c\nCONFIG FOO\nCLIENT NoSuch x")).toEqual([
        "-ERR unknown command 'FOO', with args beginning with:",
        "-ERR unknown command 'foo', with args beginning with: 'a b' 'c'",
        "-ERR unknown subcommand 'FOO'. Try CONFIG HELP.",
        "-ERR unknown subcommand 'NoSuch'. Try CLIENT HELP.",
      ]);
      const long = 'x'.repeat(200);
      expect(await play(`${long} ${long} ${long}`)).toEqual([
        `-ERR unknown command '${'x'.repeat(128)}', with args beginning with: '${'x'.repeat(128)}'`,
      ]);
    }));

  it('inside of MULTI spoil the transaction', () =>
    withServer(async ({ play }) => {
      expect(await play('MULTI\nGET\nEXEC\nMULTI\nEXEC x\nEXEC')).toEqual([
        '+OK',
        "-ERR wrong number of arguments for 'get' command",
        '-EXECABORT Transaction discarded because of previous errors.',
        '+OK',
        "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
        '-ERR EXEC without MULTI',
      ]);
    }));

  it('ask for the password first', () =>
    withServer(async ({ live, play, client }) => {
      await play('CONFIG SET requirepass secret');
      // Who is connected already stays what it is.
      expect(await play('PING')).toEqual(['+PONG']);
      await using stranger = await RespClient.connect(live.port);
      const told = async (...args: string[]) => String(await stranger.call(...args).then((reply) => reply.bytes));
      expect(await told('GET', 'a')).toBe('NOAUTH Authentication required.');
      expect(await told('NOSUCH')).toMatch(/^ERR unknown command/);
      expect(await told('HELLO', '3')).toMatch(/^NOAUTH HELLO must be called/);
      expect(await told('AUTH', 'wrong')).toMatch(/^WRONGPASS/);
      expect(await told('AUTH', 'default', 'secret')).toBe('OK');
      expect(await told('PING')).toBe('PONG');
      await client.ask('CONFIG', 'SET', 'requirepass', '');
      await using free = await RespClient.connect(live.port);
      expect(await free.ask('PING')).toBe('PONG');
    }));

  it('while data is being loaded let through what needs no data', () =>
    withServer(async ({ live, play }) => {
      live.server.gate.loading = true;
      const loading = '-LOADING Redis is loading the dataset in memory';
      const replies = await play('PING\nGET a\nSET a 1\nECHO x\nINFO server\nSELECT 1');
      live.server.gate.loading = false;
      expect(replies.slice(0, 4)).toEqual([loading, loading, loading, '$1 x']);
      expect(replies[5]).toBe('+OK');
    }));

  it('of writes while the disk fails; reads are served, and transactions that only read', () =>
    withServer(async ({ live, play }) => {
      await play('SET a 1');
      live.server.gate.writeRefusal = () => 'MISCONF Errors writing to the AOF file: No space left on device';
      const refused = '-MISCONF Errors writing to the AOF file: No space left on device';
      expect(await play('SET a 2\nGET a\nPING\nMULTI\nGET a\nEXEC\nMULTI\nSET a 3')).toEqual([
        refused,
        '$1 1',
        refused,
        '+OK',
        '+QUEUED',
        '*1 $1 1',
        '+OK',
        refused,
      ]);
    }));

  it('of a transaction at EXEC when writing has become impossible since', () =>
    withServer(async ({ live, play }) => {
      await play('MULTI\nSET a 3');
      live.server.gate.writeRefusal = () => 'MISCONF Errors writing to the AOF file: No space left on device';
      expect(await play('EXEC\nGET a')).toEqual([
        '-EXECABORT Transaction discarded because of: MISCONF Errors writing to the AOF file: No space left on device',
        '$-1',
      ]);
    }));

  it('without memory keep commands out that need more of it', () =>
    withServer(async ({ live, play }) => {
      await play('SET a 1');
      live.server.gate.memory = { asks: true, makeRoom: () => false };
      const refused = "-OOM command not allowed when used memory > 'maxmemory'.";
      expect(await play('SET a 2\nGET a\nDEL a\nMULTI\nGET a\nDISCARD')).toEqual([
        refused,
        '$1 1',
        ':1',
        '+OK',
        refused,
        '+OK',
      ]);
    }));

  it('DEBUG is for those who are allowed to', () =>
    withServer(
      async ({ play }) => {
        expect((await play('DEBUG SLEEP 0'))[0]).toMatch(/^-ERR DEBUG command not allowed/);
      },
      { 'enable-debug-command': 'no' },
    ));
});

describe('a bug in a handler', () => {
  it('is answered and logged, and stops the server after what was executed before it is written', () =>
    withServer(async ({ live, sink, client }) => {
      const { server } = live;
      let seen: unknown = null;
      server.onCrash = (error) => {
        seen = error;
      };
      const strlen = server.commands.named('strlen')!;
      (strlen as { handler: unknown }).handler = (c: { out: { array(n: number): void } }) => {
        c.out.array(3);
        throw new TypeError('made for this test');
      };
      await using other = await RespClient.connect(live.port);
      await other.ask('PING');
      client.capture();
      client.write('SET a 1\r\nSTRLEN a\r\nSET a 2\r\n');
      await client.waitClosed();
      expect(String(client.captured())).toBe('+OK\r\n-ERR internal error\r\n');
      expect(String(seen)).toContain('made for this test');
      expect(sink.take()).toEqual(['0 SET a 1']);
      expect(sink.events.at(-1)).toBe('write');
      const log = live.lines.join('');
      expect(log).toContain('made for this test');
      expect(log).toContain('command: strlen, 2 arguments, database 0');
      // Nothing is executed any more.
      const calls = server.statistics.commands;
      other.write('SET b 1\r\n');
      await eventually(() => server.statistics.reads >= 4);
      expect(server.statistics.commands).toBe(calls);
    }));
});

describe('maxmemory', () => {
  it('refuses what would take more, and lets through again once there is room', async () => {
    await using live = await LiveServer.start();
    await using client = await RespClient.connect(live.port);
    await client.ask('SET', 'big', 'x'.repeat(1_000_000));
    const used = Number(/used_memory:(\d+)/.exec(String(await client.ask('INFO', 'memory')))![1]);
    await client.ask('CONFIG', 'SET', 'maxmemory', used - 500_000);
    const reply = await client.call('SET', 'more', 'x');
    expect(String(reply.bytes)).toMatch(/^OOM command not allowed/);
    expect(await client.ask('DEL', 'big')).toBe(1);
    expect(await client.ask('SET', 'more', 'x')).toBe('OK');
  });
});

describe('commands under other names', () => {
  it('keep their rules, and the old name is gone', async () => {
    await using live = await LiveServer.start({
      renames: [
        ['exec', 'go'],
        ['flushall', ''],
        ['get', 'EXEC'],
      ],
    });
    await using client = await RespClient.connect(live.port);
    const told = async (...args: string[]) => String((await client.call(...args)).bytes ?? 'array');
    expect(await told('FLUSHALL')).toMatch(/^ERR unknown command 'FLUSHALL'/);
    expect(await told('GET', 'a')).toMatch(/^ERR unknown command 'GET'/);
    expect([await told('MULTI'), await told('SET', 'a', '1'), await told('EXEC', 'a')]).toEqual([
      'OK',
      'QUEUED',
      'QUEUED',
    ]);
    expect(await told('GO')).toBe('array');
    expect(await told('exec', 'a')).toBe('1');
  });
});

describe('time', () => {
  it('of quick commands in a pipeline is shared, and adds up', async () => {
    const sink = new RecordingSink();
    await using live = await LiveServer.start({ sink });
    await using client = await RespClient.connect(live.port);
    await client.pipeline(Array.from({ length: 100 }, (_, i) => ['SET', `k${i}`, i]));
    await client.pipeline(Array.from({ length: 100 }, (_, i) => ['GET', `k${i}`]));
    const { commands } = live.server;
    expect(commands.named('set')!.calls).toBe(100);
    expect(commands.named('get')!.calls).toBe(100);
    expect(commands.named('get')!.microseconds).toBeGreaterThan(0);
  });

  it('of a transaction is that of its commands, and they have theirs', async () => {
    await using live = await LiveServer.start({ config: { 'enable-debug-command': 'yes' } });
    await using client = await RespClient.connect(live.port);
    await client.pipeline([['MULTI'], ['GET', 'k'], ['DEBUG', 'SLEEP', 0.02], ['GET', 'k'], ['EXEC']]);
    const used = (name: string) => live.server.commands.named(name)!.microseconds;
    expect(used('debug')).toBeGreaterThan(19_000);
    expect(used('exec')).toBeGreaterThanOrEqual(used('debug') + used('get'));
  });

  it('is the same for a whole transaction', () =>
    withServer(async ({ play, clock }) => {
      const replies = await play('MULTI\nSET a 1 PX 5\nDEBUG SLEEP 0.01\nTTL a\nEXEC');
      expect(replies.at(-1)).toBe('*3 +OK +OK :0');
      clock.advance(6);
      expect(await play('GET a')).toEqual(['$-1']);
    }));
});
