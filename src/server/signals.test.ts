import { afterEach, describe, expect, it } from 'vitest';
import { Config } from '../config/config.js';
import type { ShutdownFlag } from '../config/directives.js';
import { Logger } from './log.js';
import { handleSignals } from './signals.js';

let remove = () => {};
afterEach(() => remove());

/** A server whose shutdown ends when the test says so. Signals are events here: none is sent to the process. */
function setUp(config = new Config(), sameSignalMs = 0) {
  const lines: string[] = [];
  const codes: number[] = [];
  const calls: (readonly ShutdownFlag[])[] = [];
  let finish: (done: boolean) => void = () => {};
  const target = {
    config,
    log: new Logger({ sink: (line) => lines.push(line.replace(/^.*?\) /, '').trimEnd()) }),
    loading: false,
    shutdown(flags: readonly ShutdownFlag[]): Promise<boolean> {
      calls.push(flags);
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  };
  remove = handleSignals(target, (code) => codes.push(code), sameSignalMs);
  const settle = async (done: boolean): Promise<void> => {
    finish(done);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lines, codes, calls, target, settle };
}

describe('signals', () => {
  it('SIGTERM shuts down by its own directive and ends with 0', async () => {
    const s = setUp(new Config({ 'shutdown-on-sigterm': 'now force' }));
    process.emit('SIGTERM');
    expect(s.calls).toEqual([['now', 'force']]);
    expect(s.lines).toEqual(['Received SIGTERM scheduling shutdown...']);
    expect(s.codes).toEqual([]);
    await s.settle(true);
    expect(s.codes).toEqual([0]);
  });

  it('a second SIGINT ends at once, a second SIGTERM does not', () => {
    const s = setUp();
    process.emit('SIGINT');
    process.emit('SIGTERM');
    expect(s.calls.length).toBe(1);
    expect(s.codes).toEqual([]);
    process.emit('SIGINT');
    expect(s.lines.at(-1)).toBe('You insist... exiting now.');
    expect(s.codes).toEqual([1]);
  });

  it('the two SIGINTs of one Ctrl-C under npm are one', () => {
    const s = setUp(new Config(), 60_000);
    process.emit('SIGINT');
    process.emit('SIGINT');
    expect(s.codes).toEqual([]);
  });

  it('a shutdown that failed leaves the server up, and a later one is tried', async () => {
    const s = setUp();
    process.emit('SIGTERM');
    await s.settle(false);
    expect(s.codes).toEqual([]);
    expect(s.lines.at(-1)).toContain('errors trying to shut down the server');
    process.emit('SIGINT');
    expect(s.calls.length).toBe(2);
    await s.settle(true);
    expect(s.codes).toEqual([0]);
  });

  it('during loading there is nothing to save', () => {
    const s = setUp();
    s.target.loading = true;
    process.emit('SIGTERM');
    expect(s.calls).toEqual([]);
    expect(s.codes).toEqual([0]);
  });

  it('SIGUSR1 changes nothing, and the log says so', () => {
    const s = setUp();
    expect(process.emit('SIGUSR1')).toBe(true);
    expect([s.calls, s.codes]).toEqual([[], []]);
    expect(s.lines).toEqual([expect.stringContaining('Received SIGUSR1, ignored')]);
    remove();
    expect(process.listenerCount('SIGUSR1')).toBe(0);
  });

  it('SIGHUP changes nothing', () => {
    const s = setUp();
    expect(process.emit('SIGHUP')).toBe(true);
    expect([s.calls, s.codes, s.lines]).toEqual([[], [], []]);
  });
});
