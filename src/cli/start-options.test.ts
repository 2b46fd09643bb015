import { describe, expect, it } from 'vitest';
import { Config } from '../config/config.js';
import { processTitle } from './daemon.js';
import { parseStartOptions, specialRequest } from './start-options.js';

describe('parseStartOptions', () => {
  it.each([
    [[], null, false, ''],
    [['a.conf'], 'a.conf', false, ''],
    [['a.conf', '--port', '7000'], 'a.conf', false, 'port "7000" '],
    [['--save', '60', '10', '--save', '300 1'], null, false, 'save "60" "10" \nsave "300 1" '],
    [['--save', '', '--port 1'], null, false, 'save "" \nport 1 '],
    [['--save', '--port', '1'], null, false, 'save ""\nport "1" '],
    [['--save'], null, false, 'save ""'],
    [['--requirepass', '--x', '--port', '1'], null, false, 'requirepass "--x" \nport "1" '],
    [['--port'], null, false, 'port '],
    [[''], null, false, ''],
    [['', '--hz', '1', '-'], null, true, 'hz "1" '],
    [['-'], null, true, ''],
    [['-', '--hz', '1'], null, true, 'hz "1" '],
    [['a.conf', '--hz', '1', '-'], 'a.conf', true, 'hz "1" '],
    [['a.conf', '-', '--hz', '1'], 'a.conf', false, '"-" \nhz "1" '],
    [['-p', '1'], null, false, '"-p" "1" '],
    [['--requirepass', '옹"기\n'], null, false, 'requirepass "\\xec\\x98\\xb9\\"\\xea\\xb8\\xb0\\n" '],
  ])('%j', (argv, file, input, lines) => {
    expect(parseStartOptions(argv)).toEqual({ file, input, lines });
  });
});

it('asks for something else than a server only with the first word', () => {
  expect(specialRequest(['-v'])).toBe('version');
  expect(specialRequest(['--version', 'x'])).toBe('version');
  expect(specialRequest(['--help'])).toBe('help');
  expect(specialRequest(['--test-memory', '5'])).toEqual({ testMemory: '5' });
  expect(specialRequest(['--test-memory'])).toEqual({ testMemory: null });
  expect(specialRequest(['--port', '-v'])).toBe(null);
  expect(specialRequest([])).toBe(null);
});

it('names the process by the template', () => {
  const title = (given: Record<string, string>) => processTitle(new Config(given), 'onggi-server');
  expect(title({})).toBe('onggi-server *:6379');
  expect(title({ bind: '127.0.0.1 -::1', port: '7000' })).toBe('onggi-server 127.0.0.1:7000');
  expect(title({ bind: '::1' })).toBe('onggi-server [::1]:6379');
  expect(title({ port: '0', unixsocket: '/tmp/s' })).toBe('onggi-server /tmp/s');
  expect(title({ 'proc-title-template': '{title} {port} {config-file}' })).toBe('onggi-server 6379');
});
