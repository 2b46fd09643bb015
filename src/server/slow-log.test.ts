import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { ManualClock } from '../base/clock.js';
import { Args } from '../formats/resp/args.js';
import { SlowLog, shownArgs } from './slow-log.js';
import { LiveServer } from './testing/live-server.js';

const shown = (...argv: string[]) => shownArgs(Args.of(...argv), []).map((arg) => Buffer.from(arg).toString());

describe('arguments', () => {
  it('are kept up to 32 of them, the last one then saying how many are missing', () => {
    const many = Array.from({ length: 33 }, (_, i) => `a${i}`);
    expect(shown(...many.slice(0, 32))).toEqual(many.slice(0, 32));
    expect(shown(...many)).toEqual([...many.slice(0, 31), '... (2 more arguments)']);
  });

  it('are kept up to 128 bytes', () => {
    expect(shown('x'.repeat(128))).toEqual(['x'.repeat(128)]);
    expect(shown('x'.repeat(130))).toEqual([`${'x'.repeat(128)}... (2 more bytes)`]);
  });

  it('are hidden where they are secret, and outlive the buffer that they came in', () => {
    const a = Args.of('AUTH', 'secret');
    const kept = shownArgs(a, [1]);
    a.buf.fill(0);
    expect(kept.map((arg) => Buffer.from(arg).toString())).toEqual(['AUTH', '(redacted)']);
  });
});

describe('the log', () => {
  const entry = { seconds: 1, microseconds: 1, args: [], address: '', name: '' };

  it('keeps the latest entries, and numbers go on', () => {
    const log = new SlowLog();
    log.setMax(3);
    for (let i = 0; i < 5; i++) log.add(entry);
    expect(log.latest(10).map(({ id }) => id)).toEqual([4, 3, 2]);
    expect(log.latest(1).map(({ id }) => id)).toEqual([4]);
    expect(log.latest(0)).toEqual([]);
    log.setMax(1);
    expect(log.length).toBe(1);
    log.reset();
    log.add(entry);
    expect(log.latest(10).map(({ id }) => id)).toEqual([5]);
    log.setMax(0);
    log.add(entry);
    expect(log.length).toBe(0);
  });
});

describe('a command', () => {
  /** The clock goes on by `stepMs` each time somebody looks at it. */
  class SteppingClock extends ManualClock {
    stepMs = 0;
    override monotonic(): number {
      this.nowMs += this.stepMs;
      return super.monotonic();
    }
  }

  async function slow(commands: string, config: Record<string, string>, stepMs: number): Promise<string[]> {
    const clock = new SteppingClock();
    await using live = await LiveServer.start({ clock, config });
    await using client = await RespClient.connect(live.port);
    const lines = commands.trim().split('\n');
    clock.stepMs = stepMs;
    client.write(lines.map((line) => `${line.trim()}\r\n`).join(''));
    for (const _ of lines) await client.nextRaw();
    clock.stepMs = 0;
    const { slowLog } = live.server;
    const text = (args: readonly Uint8Array[]) => args.map((arg) => Buffer.from(arg).toString()).join(' ');
    return slowLog.latest(100).map(({ args, microseconds }) => `${text(args)} ${microseconds}`);
  }

  it('shows with its own time when all are wanted', async () => {
    const got = await slow('SET a 1\nGET a\nGET b\nKEYS *\nGET c', { 'slowlog-log-slower-than': '0' }, 1);
    expect(got).toEqual(['GET c 1000', 'KEYS * 1000', 'GET b 1000', 'GET a 1000', 'SET a 1 1000']);
  });

  it('shows with its arguments, quick or not, when only slow ones are wanted', async () => {
    const config = { 'slowlog-log-slower-than': '10000' };
    expect(await slow('GET a', config, 10)).toEqual(['GET a 10000']);
    expect(await slow('KEYS *', config, 10)).toEqual(['KEYS * 10000']);
    expect(await slow('GET a', config, 9)).toEqual([]);
    // The group's last command stands for it; where its arguments are gone its name does.
    expect(await slow('GET a\nGET b\nKEYS *', config, 10)).toEqual(['KEYS * 10000', 'get 10000']);
  });

  it('shows when it was queued, EXEC itself does not', async () => {
    const got = await slow('MULTI\nGET a\nKEYS *\nEXEC', { 'slowlog-log-slower-than': '0' }, 1);
    expect(got.map((line) => line.replace(/ \d+$/, ''))).toEqual(['KEYS *', 'GET a', 'MULTI']);
  });

  it('does not show at all when the log is off', async () => {
    expect(await slow('GET a\nKEYS *', { 'slowlog-log-slower-than': '-1' }, 1000)).toEqual([]);
  });
});
