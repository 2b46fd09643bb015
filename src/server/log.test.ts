import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Config } from '../config/config.js';
import { announceListening, announceReady, announceStart } from './announce.js';
import { Logger, type LoggerOptions, timestamp } from './log.js';

const TIME = new Date(2026, 10, 3, 1, 2, 9, 7).getTime();

function collect(options: LoggerOptions = {}): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = new Logger({ sink: (line) => lines.push(line), clock: () => TIME, pid: 1234, ...options });
  return { log, lines };
}

it('writes lines in the form that tools parse', () => {
  const { log, lines } = collect({ level: 'debug' });
  log.debug('a');
  log.verbose('b');
  log.role = 'M';
  log.notice('c');
  log.role = 'S';
  log.warning('d');
  log.signal('Received SIGTERM scheduling shutdown...');
  expect(lines).toEqual([
    '1234:C 03 Nov 2026 01:02:09.007 . a\n',
    '1234:C 03 Nov 2026 01:02:09.007 - b\n',
    '1234:M 03 Nov 2026 01:02:09.007 * c\n',
    '1234:S 03 Nov 2026 01:02:09.007 # d\n',
    `1234:signal-handler (${Math.floor(TIME / 1000)}) Received SIGTERM scheduling shutdown...\n`,
  ]);
  expect(timestamp(new Date(2026, 11, 23, 23, 59, 59, 999).getTime())).toBe('23 Dec 2026 23:59:59.999');
});

it('leaves out what lies below its level', () => {
  const { log, lines } = collect({ level: 'warning' });
  log.notice('a');
  log.raw('notice', 'b');
  log.warning('c');
  log.level = 'nothing';
  log.warning('d');
  log.signal('e');
  expect(lines).toEqual(['1234:C 03 Nov 2026 01:02:09.007 # c\n']);
  expect(log.writes('warning')).toBe(false);
});

it('follows a rotation without being told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onggi-log-'));
  try {
    const file = join(folder, 'a.log');
    const log = new Logger({ file });
    log.notice('one');
    renameSync(file, join(folder, 'a.log.1'));
    log.notice('two');
    expect(readFileSync(file, 'utf8')).toMatch(/^\d+:C .* \* two\n$/);
    rmSync(folder, { recursive: true });
    log.notice('a lost line harms nobody');
    expect(existsSync(file)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('announces a start in the words that tools wait for', () => {
  const { log, lines } = collect();
  const config = new Config({ 'io-threads': 4, 'always-show-logo': true });
  announceStart(log, config, true);
  announceListening(log, config, 7000);
  announceReady(log, ['tcp', 'unix']);
  const text = lines.join('');
  expect(text).toMatch(/\* Configuration loaded\n/);
  expect(text).toMatch(/without an effect here.*: io-threads\n/);
  expect(text).toMatch(new RegExp(` Port: 7000\\n[^]* PID: ${process.pid}\\n[^]*Server initialized\\n`));
  expect(text).toMatch(/\* Ready to accept connections tcp\n.*\* Ready to accept connections unix\n$/);
});

it('without the logo says in a line how it runs, and without a configuration that there is none', () => {
  const { log, lines } = collect();
  announceStart(log, new Config(), false);
  announceListening(log, new Config(), 7000);
  const text = lines.join('');
  expect(text).toMatch(/# Warning: no config file specified, using the default config\./);
  expect(text).toMatch(/\* Running mode=standalone, port=7000\.\n/);
  expect(text).not.toContain('PID:');
});
