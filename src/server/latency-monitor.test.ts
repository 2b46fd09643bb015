import { expect, it } from 'vitest';
import { ManualClock } from '../base/clock.js';
import { LatencyMonitor } from './latency-monitor.js';

const SECOND = 1000;

function monitorAt(thresholdMs: number): { clock: ManualClock; monitor: LatencyMonitor } {
  const clock = new ManualClock(1_700_000_000_000);
  const monitor = new LatencyMonitor(clock, () => ({ slowerThanMicroseconds: 10_000, maxLength: 128 }));
  monitor.thresholdMs = thresholdMs;
  return { clock, monitor };
}

it('takes what reaches the threshold, the longest of each second', () => {
  const { clock, monitor } = monitorAt(10);
  monitor.sample('command', 9.99);
  monitor.sample('command', 10.7);
  monitor.sample('command', 30);
  monitor.sample('command', 20);
  clock.advance(SECOND);
  monitor.sample('command', 15);
  monitor.sample('fork', 11);
  expect(monitor.history('command')).toEqual([
    { seconds: 1_700_000_000, milliseconds: 30 },
    { seconds: 1_700_000_001, milliseconds: 15 },
  ]);
  expect([...monitor.latest()].map(({ name, max }) => [name, max])).toEqual([
    ['command', 30],
    ['fork', 11],
  ]);
  expect(monitor.history('nosuch')).toEqual([]);
});

it('takes nothing while it is off', () => {
  const { monitor } = monitorAt(0);
  monitor.sample('command', 1e6);
  monitor.end('fork', monitor.begin());
  expect([...monitor.latest()]).toEqual([]);
});

it('measures between two moments, but not what began before it was turned on', () => {
  const { clock, monitor } = monitorAt(0);
  const early = monitor.begin();
  monitor.thresholdMs = 5;
  const begin = monitor.begin();
  clock.advance(7);
  monitor.end('early', early);
  monitor.end('fork', begin);
  expect([...monitor.latest()].map(({ name, max }) => [name, max])).toEqual([['fork', 7]]);
});

it('keeps the last 160 seconds in which an event happened', () => {
  const { clock, monitor } = monitorAt(1);
  for (let i = 0; i < 200; i++) {
    monitor.sample('command', 1000 - i);
    clock.advance(SECOND);
  }
  expect(monitor.history('command').length).toBe(160);
  expect(monitor.history('command')[0]).toEqual({ seconds: 1_700_000_040, milliseconds: 960 });
  expect([...monitor.latest()][0]!.max).toBe(1000);
});

it('forgets what it is told to', () => {
  const { monitor } = monitorAt(1);
  for (const event of ['a', 'b', 'c']) monitor.sample(event, 5);
  expect(monitor.reset(['a', 'nosuch', 'a'])).toBe(1);
  expect(monitor.reset([])).toBe(2);
  expect(monitor.reset([])).toBe(0);
});

// What redis-server 7.0.15 drew and said for the same samples.
it('draws as redis-server does', () => {
  const { clock, monitor } = monitorAt(1);
  const at = [-6, -5, -4, -3, -1];
  const start = clock.nowMs;
  [200, 120, 130, 140, 150].forEach((value, i) => {
    clock.nowMs = start + at[i]! * SECOND;
    monitor.sample('command', value);
  });
  clock.nowMs = start;
  expect(monitor.graph('command')).toBe(
    [
      'command - high 200 ms, low 120 ms (all time high 200 ms)',
      '-'.repeat(80),
      '#    ',
      '|    ',
      '|  _o',
      '|_o||',
      '     ',
      '65431',
      'sssss',
      '',
    ].join('\n'),
  );
  expect(monitor.graph('nosuch')).toBeNull();
  expect(monitor.doctor()).toContain(
    '1. command: 5 latency spikes (average 148ms, mean deviation 21ms, period 1.20 sec). Worst all time event 200ms.\n',
  );
});

it('draws 80 samples a row, and one alone', () => {
  const { clock, monitor } = monitorAt(1);
  monitor.sample('one', 5);
  expect(monitor.graph('one')!.split('\n').slice(2)).toEqual([' ', ' ', ' ', '_', ' ', '0', 's', '']);
  for (let i = 0; i < 90; i++) {
    monitor.sample('many', 10 + i);
    clock.advance(SECOND);
  }
  const lines = monitor.graph('many')!.split('\n');
  // Four rows, a blank one, and labels of up to three characters (11s).
  const block = (columns: number) => Array.from({ length: 8 }, () => columns);
  expect(lines.slice(2).map((line) => line.length)).toEqual([...block(80), 0, ...block(10), 0]);
});

it('advises only what the events call for', () => {
  const { monitor } = monitorAt(1);
  monitor.sample('command', 50);
  expect(monitor.doctor()).toContain("'CONFIG SET slowlog-log-slower-than 1000'");
  expect(monitor.doctor()).not.toContain('disk');
  monitor.reset([]);
  monitor.sample('aof-write-alone', 50);
  expect(monitor.doctor()).toContain('- It is strongly advised to use local disks');
  monitor.reset([]);
  monitor.sample('expire-cycle', 50);
  expect(monitor.doctor()).toContain("I'm not able to suggest any easy fix");
});
