/**
 * Clients that wait: random commands against a model (ONGGI_SEED=5 repeats), and what a model does not tell.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeCommand, RespClient } from '../../test/support/client.js';
import { Random } from '../../test/support/random.js';
import { TEST_SEED } from '../../test/support/seed.js';
import { TestServer, type TestServerOptions, type Wire } from '../../test/support/test-server.js';
import { eventually } from '../../test/support/wait.js';
import { inFolder, LiveServer, RecordingSink } from './testing/live-server.js';
import { WaitingModel } from './testing/waiting-model.js';

const SEED = TEST_SEED;
const ROUNDS = 40;
const STEPS = 150;
const CLIENTS = 6;
const KEYS = ['k1', 'k2', 'k3', 'k4'];
const ENDS = ['LEFT', 'RIGHT'];

/** Random commands; every element that they add is another one. */
class Commands {
  private elements = 0;

  constructor(private readonly r: Random) {}

  private get key(): string {
    return this.r.pick(KEYS);
  }
  private get fresh(): string {
    return `e${String(this.elements++).padStart(5, '0')}`;
  }
  private get keys(): string[] {
    return Array.from({ length: 1 + this.r.below(3) }, () => this.key);
  }

  /** One that a client may send outside of MULTI. */
  any(): string[][] {
    const { r } = this;
    if (r.chance(12)) {
      const inside = Array.from({ length: 1 + r.below(5) }, () => (r.chance(20) ? this.waiting() : this.quick()));
      return [['MULTI'], ...inside, ['EXEC']];
    }
    return [r.chance(45) ? this.waiting() : this.quick()];
  }

  private waiting(): string[] {
    const { r } = this;
    const name = r.pick(['BLPOP', 'BRPOP', 'BLMOVE', 'BLMOVE', 'BZPOPMIN']);
    if (name === 'BLMOVE') return [name, this.key, this.key, r.pick(ENDS), r.pick(ENDS), '0'];
    return [name, ...this.keys, '0'];
  }

  private quick(): string[] {
    const { r } = this;
    const name = r.pick(['RPUSH', 'RPUSH', 'LPUSH', 'LPUSH', 'ZADD', 'ZADD', 'SET', 'DEL', 'DEL', 'RENAME', 'CLIENT']);
    switch (name) {
      case 'RPUSH':
      case 'LPUSH':
        return [name, this.key, ...Array.from({ length: 1 + r.below(3) }, () => this.fresh)];
      case 'ZADD':
        return [name, this.key, '0', this.fresh];
      case 'SET':
        return [name, this.key, 'x'];
      case 'DEL':
        return [name, this.key];
      case 'RENAME': {
        const from = this.key;
        return [name, from, r.pick(KEYS.filter((key) => key !== from))];
      }
      default:
        return ['CLIENT', 'UNBLOCK', String(1 + r.below(CLIENTS)), r.pick(['TIMEOUT', 'ERROR'])];
    }
  }
}

function send(wire: Wire, commands: readonly string[][]): void {
  wire.feed(Buffer.concat(commands.map(encodeCommand)));
}

describe('clients that wait for keys', () => {
  it('are served as a model says, and leave the log that it says', () => {
    for (let round = 0; round < ROUNDS; round++) playRandomly(SEED + round);
  });

  function playRandomly(seed: number): void {
    const r = new Random(seed);
    const commands = new Commands(r);
    const server = new TestServer();
    const sink = new RecordingSink();
    server.server.sink = sink;
    const model = new WaitingModel(CLIENTS);
    const wires = Array.from({ length: CLIENTS }, () => server.connect());
    const said: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const client = r.below(CLIENTS);
      // Who waits may have more to say already; not always, or everybody would wait all the time.
      if (model.isWaiting(client) && !r.chance(15)) continue;
      const batch = Array.from({ length: r.chance(80) ? 1 : 2 + r.below(4) }, () => commands.any()).flat();
      said.push(`${client}> ${batch.map((words) => words.join(' ')).join(' | ')}`);
      send(wires[client]!, batch);
      model.send(client, batch);
      server.finishTurn();
      const waited = new Set(model.waits.flatMap(({ keys }) => keys));
      const ours = wires.map((wire) => String(wire.received()));
      const { count, keys } = server.server.clients.waiting;
      // One comparison a step: a failing one is shown whole.
      const actual = JSON.stringify({ ours, log: sink.take(), waiting: count, keys: keys.keys });
      const predicted = JSON.stringify({
        ours: wires.map((_, i) => model.take(i)),
        log: model.units.splice(0),
        waiting: model.waits.length,
        keys: waited.size,
      });
      if (actual !== predicted) expect(actual, `seed ${seed}, after ${said.slice(-12).join('\n')}`).toBe(predicted);
    }
    for (let i = 0; i < CLIENTS; i++) {
      wires[i]!.leave();
      model.leave(i);
    }
    expect(server.server.keyspace.waits).toBeNull();
    server.audit();
  }
});

/** A server with a client that waits and another; commands as lines. */
class Pair {
  readonly server: TestServer;
  readonly sink = new RecordingSink();
  private readonly waiter: Wire;
  private readonly other: Wire;

  constructor(options: TestServerOptions = {}) {
    this.server = new TestServer(options);
    this.server.server.sink = this.sink;
    this.waiter = this.server.connect();
    this.other = this.server.connect();
  }

  /** Sends lines as the client that waits, or as the other; what has come back for it so far. */
  wait(...lines: string[]): string {
    return this.play(this.waiter, lines);
  }
  play(wire: Wire, lines: string[]): string {
    return String(wire.send(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))).replaceAll('\r\n', ' ');
  }
  do(...lines: string[]): string {
    return this.play(this.other, lines);
  }
  get waiterClosed(): boolean {
    return this.waiter.isClosed;
  }
  get otherClosed(): boolean {
    return this.other.isClosed;
  }
  /** The server's clock and its timers move on together. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= Math.min(left, 2 ** 30)) {
      const step = Math.min(left, 2 ** 30);
      this.server.clock.advance(step);
      vi.advanceTimersByTime(step);
    }
    this.server.finishTurn();
  }
}

describe('the time that a client waits', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('may be longer than a timer runs', () => {
    vi.useFakeTimers();
    const p = new Pair();
    const days = 24 * 3600 * 1000;
    p.wait(`BLPOP l ${60 * 24 * 3600}`);
    p.pass(59 * days);
    expect(p.wait()).toBe('');
    p.pass(days);
    expect(p.wait()).toBe('*-1 ');
  });

  it('does not begin anew when the client was woken for nothing', () => {
    vi.useFakeTimers();
    const p = new Pair();
    p.wait('XREAD BLOCK 100 STREAMS s 5-0');
    p.pass(60);
    p.do('XADD s 1-1 a 1');
    p.pass(39);
    p.do('XADD s 2-1 a 1');
    expect(p.wait()).toBe('');
    p.pass(1);
    expect(p.wait()).toBe('*-1 ');
  });

  it('is not measured by `timeout`, neither while it waits nor right behind that', () => {
    const p = new Pair({ config: { timeout: 10 } });
    p.wait('BLPOP l 0');
    p.server.clock.advance(60_000);
    p.do('RPUSH l a');
    p.server.clock.advance(5_000);
    p.server.server.clients.checkAll();
    expect([p.waiterClosed, p.otherClosed]).toEqual([false, false]);
    expect(p.wait()).toContain('$1 a ');
    p.server.clock.advance(11_000);
    p.server.server.clients.checkAll();
    expect(p.otherClosed).toBe(true);
  });
});

describe('a served command', () => {
  it('is logged as what it does, behind what woke it and before what follows', () => {
    const p = new Pair();
    p.wait('BLPOP k1 k2 0');
    p.do('RPUSH k2 a b', 'RPUSH k1 x', 'LLEN k2');
    expect(p.sink.take()).toEqual(['0 RPUSH k2 a b', '0 LPOP k2', '0 RPUSH k1 x']);
    p.do('DEL k1 k2');
    p.sink.take();
    const cases: [string, string, string][] = [
      ['BRPOP l 0', 'RPUSH l a b', '0 RPOP l'],
      ['BLMPOP 0 2 k l LEFT COUNT 5', 'RPUSH l a b', '0 LPOP l 2'],
      ['BLMPOP 0 1 l RIGHT', 'RPUSH l a b', '0 RPOP l 1'],
      ['BLMOVE l m left RIGHT 0', 'RPUSH l a b', '0 LMOVE l m left RIGHT'],
      ['BRPOPLPUSH l m 0', 'RPUSH l a b', '0 RPOPLPUSH l m'],
      ['BZPOPMIN y z 0', 'ZADD z 1 a 2 b', '0 ZPOPMIN z'],
      ['BZPOPMAX z 0', 'ZADD z 1 a 2 b', '0 ZPOPMAX z'],
      ['BZMPOP 0 1 z MIN COUNT 3', 'ZADD z 1 a 2 b', '0 ZPOPMIN z 2'],
      ['BZMPOP 0 2 y z MAX', 'ZADD z 1 a 2 b', '0 ZPOPMAX z 1'],
    ];
    for (const [waits, wakes, effect] of cases) {
      p.wait(waits);
      p.do(wakes);
      expect(p.sink.take(), waits).toEqual([`0 ${wakes}`, effect]);
      p.wait();
      p.do('FLUSHALL');
      p.sink.take();
    }
  });

  it('is logged the same when it did not have to wait', () => {
    const p = new Pair();
    p.do('RPUSH l a b c d', 'ZADD z 1 a 2 b');
    p.sink.take();
    p.do(
      'BLPOP l 0',
      'BRPOPLPUSH l m 0',
      'BZPOPMAX z 0',
      'MULTI',
      'BRPOP l 0',
      'BLPOP nothing 0',
      'BZPOPMIN z 0',
      'EXEC',
    );
    expect(p.sink.take()).toEqual(['0 LPOP l', '0 RPOPLPUSH l m', '0 ZPOPMAX z', '[0 RPOP l][0 ZPOPMIN z]']);
  });

  it('is a unit of its own behind the transaction that woke it', () => {
    const p = new Pair();
    p.wait('BLPOP l 0');
    p.do('MULTI', 'RPUSH l a', 'RPUSH l b', 'EXEC');
    expect(p.sink.take()).toEqual(['[0 RPUSH l a][0 RPUSH l b]', '0 LPOP l']);
  });

  it('claims what a group gives it', () => {
    const p = new Pair();
    p.do('XGROUP CREATE s g $ MKSTREAM');
    p.wait('XREADGROUP GROUP g c BLOCK 0 STREAMS s >');
    expect(p.sink.take()).toEqual(['0 XGROUP CREATE s g $ MKSTREAM', '0 XGROUP CREATECONSUMER s g c']);
    p.do('XADD s 1-1 a 1');
    const { nowMs } = p.server.clock;
    expect(p.sink.take()).toEqual([
      '0 XADD s 1-1 a 1',
      `[0 XCLAIM s g c 0 1-1 TIME ${nowMs} RETRYCOUNT 1 FORCE JUSTID LASTID 1-1][0 XGROUP SETID s g 1-1 ENTRIESREAD 1]`,
    ]);
  });

  it('in another database says so', () => {
    const p = new Pair();
    p.wait('SELECT 3', 'BLPOP l 0');
    p.do('RPUSH l a', 'MOVE l 3');
    expect(p.sink.take()).toEqual(['0 RPUSH l a', '0 MOVE l 3', '3 LPOP l']);
  });

  it('deletes an expired key that it meets', () => {
    const p = new Pair();
    p.do('DEBUG SET-ACTIVE-EXPIRE 0', 'SET k x PX 10');
    p.wait('BLPOP l 0');
    p.server.clock.advance(20);
    p.sink.take();
    p.do('RPUSH l a');
    p.wait();
    p.wait('BLPOP k l 0');
    expect(p.sink.take()).toEqual(['0 RPUSH l a', '0 LPOP l', '0 DEL k']);
  });

  it('is asked again whether it may run', () => {
    const p = new Pair();
    p.do('RPUSH x a');
    p.wait('BLMOVE l m LEFT LEFT 0');
    p.do('CONFIG SET maxmemory 1', 'RENAME x l', 'CONFIG SET maxmemory 0');
    expect(p.wait()).toBe("-OOM command not allowed when used memory > 'maxmemory'. ");
    p.wait('BLPOP z 0');
    p.do('ACL SETUSER default -blpop', 'RENAME l z');
    expect(p.wait()).toBe("-NOPERM User default has no permissions to run the 'blpop' command ");
    expect(p.do('LRANGE z 0 -1')).toBe('*1 $1 a ');
  });

  it('is shown to MONITOR once, and counted once', () => {
    const p = new Pair();
    const monitor = p.server.connect();
    p.do('CONFIG RESETSTAT');
    p.play(monitor, ['MONITOR']);
    p.wait('BLPOP l 0');
    p.do('RPUSH l a');
    p.wait('BLPOP l 0');
    p.do('CLIENT UNBLOCK 1 ERROR');
    const shown = p.play(monitor, []);
    expect(shown.match(/"(BLPOP|RPUSH)"/g)).toEqual(['"BLPOP"', '"RPUSH"', '"BLPOP"']);
    expect(p.do('INFO commandstats')).toMatch(/cmdstat_blpop:calls=2,.*rejected_calls=0,failed_calls=1 /);
    expect(p.do('INFO errorstats')).toContain('errorstat_UNBLOCKED:count=1 ');
  });

  it('that waits is not counted yet', () => {
    const p = new Pair();
    p.wait('BLPOP l 0');
    expect(p.do('INFO commandstats')).not.toContain('cmdstat_blpop');
    expect(p.do('INFO clients')).toMatch(/blocked_clients:1 .*clients_in_timeout_table:0 total_blocking_keys:1 /);
    p.wait('');
    p.do('CLIENT UNBLOCK 1', 'XGROUP CREATE s g $ MKSTREAM');
    p.wait('XREADGROUP GROUP g c BLOCK 100000 STREAMS s >');
    expect(p.do('INFO clients')).toMatch(
      /blocked_clients:1 .*clients_in_timeout_table:1 total_blocking_keys:1 total_blocking_keys_on_nokey:1 /,
    );
    expect(p.do('CLIENT LIST')).toMatch(/id=1 .*flags=b .*cmd=xreadgroup/);
  });
});

describe('a stream that expires by itself', () => {
  it('ends the waiting for its group', async () => {
    const p = new Pair();
    p.do('XGROUP CREATE s g $ MKSTREAM', 'PEXPIRE s 10');
    p.wait('XREADGROUP GROUP g c BLOCK 0 STREAMS s >');
    p.server.clock.advance(20);
    p.server.server.expiry.slice();
    await eventually(() => p.server.server.clients.waiting.count === 0);
    p.server.finishTurn();
    expect(p.wait()).toMatch(/^-NOGROUP /);
    expect(p.sink.take().at(-1)).toBe('0 DEL s');
  });
});

describe('the end of the server', () => {
  it('is the end of waiting clients', async () => {
    const live = await LiveServer.start();
    const client = await RespClient.connect(live.port);
    client.write('BLPOP l 0\r\nPING\r\n');
    await eventually(() => live.server.clients.waiting.count === 1);
    client.capture();
    await live.server.shutdown(['nosave']);
    await client.waitClosed();
    expect(String(client.captured())).toBe('');
    expect(live.server.clients.waiting.count).toBe(0);
  });
});

describe('WAITAOF', () => {
  async function withLog(config: Record<string, string>, run: (live: LiveServer, client: RespClient) => Promise<void>) {
    await inFolder(async (dir) => {
      await using live = await LiveServer.start({ dir, config: { appendonly: 'yes', ...config } });
      await using client = await RespClient.connect(live.port);
      await run(live, client);
    });
  }

  it('is answered once what the client wrote is synced', () =>
    withLog({ appendfsync: 'everysec' }, async (_live, client) => {
      expect(await client.ask('WAITAOF', 1, 0, 0)).toEqual([1, 0]);
      for (let i = 0; i < 3; i++) {
        await client.ask('INCR', 'n');
        expect(await client.ask('WAITAOF', 1, 0, 0)).toEqual([1, 0]);
      }
    }));

  it('is answered within the turn when every write is synced', () =>
    withLog({ appendfsync: 'always' }, async (_live, client) => {
      const replies = await client.pipeline([
        ['INCR', 'n'],
        ['WAITAOF', 1, 0, 0],
        ['INCR', 'n'],
        ['WAITAOF', 0, 0, 0],
      ]);
      expect(replies.map(String).slice(0, 3)).toEqual([':1\r\n', '*2\r\n:1\r\n:0\r\n', ':2\r\n']);
    }));

  it('waits in vain where nothing is synced, but not for what others wrote', () =>
    withLog({ appendfsync: 'no' }, async (live, client) => {
      await using other = await RespClient.connect(live.port);
      await client.ask('INCR', 'n');
      expect(await client.ask('WAITAOF', 1, 0, 30)).toEqual([0, 0]);
      expect(await other.ask('WAITAOF', 1, 0, 0)).toEqual([1, 0]);
      expect(await client.ask('WAITAOF', 0, 1, 30)).toEqual([0, 0]);
      const waiting = client.ask('WAITAOF', 1, 0, 0);
      await eventually(() => live.server.clients.waiting.count === 1);
      await other.ask('CONFIG', 'SET', 'appendfsync', 'always');
      expect(await waiting).toEqual([1, 0]);
      expect(await client.ask('WAITAOF', 1, 1, 30)).toEqual([1, 0]);
    }));

  it('is told when the log is turned off', () =>
    withLog({ appendfsync: 'no' }, async (live, client) => {
      await using other = await RespClient.connect(live.port);
      client.write('INCR n\r\nWAITAOF 1 0 0\r\nPING\r\n');
      await eventually(() => live.server.clients.waiting.count === 1);
      await other.ask('CONFIG', 'SET', 'appendonly', 'no');
      expect(String(await client.nextRaw())).toBe(':1\r\n');
      expect(String(await client.nextRaw())).toMatch(/^-ERR WAITAOF cannot be used when numlocal is set but/);
      expect(String(await client.nextRaw())).toBe('+PONG\r\n');
    }));

  it('waits for the first base when the log is turned on', () =>
    withLog({ appendonly: 'no' }, async (live, client) => {
      await client.ask('SET', 'k', 'v');
      const replies = await client.pipeline([
        ['CONFIG', 'SET', 'appendonly', 'yes'],
        ['SET', 'k', 'w'],
        ['WAITAOF', 1, 0, 0],
      ]);
      expect(String(replies[2])).toBe('*2\r\n:1\r\n:0\r\n');
      expect(live.server.persistence.aof).toBe('on');
    }));
});
