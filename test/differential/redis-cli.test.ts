/**
 * Sessions of the real redis-cli, piped through it to both servers: what it prints must be the same, byte for byte, as
 * people read it (--no-raw) and as scripts read it (--raw), in RESP2 and RESP3.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Server, startOnggi, startOracle } from '../support/server.js';

const folder = join(import.meta.dirname, 'sessions');

let servers: Server[] = [];

beforeAll(async () => {
  servers = await Promise.all([startOracle(), startOnggi()]);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});
beforeEach(async () => {
  await Promise.all(
    servers.map(async (server) => {
      await using client = await server.connect();
      await client.ask('FLUSHALL');
    }),
  );
});

/** What redis-cli prints, both streams, and its exit code. */
function session(server: Server, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const cli = spawn('redis-cli', ['-p', String(server.port), ...args], { env: { ...process.env, TERM: 'dumb' } });
    // The order between the two streams is chance.
    const printed = { out: '', err: '' };
    cli.stdout.on('data', (chunk: Buffer) => {
      printed.out += chunk.toString('latin1');
    });
    cli.stderr.on('data', (chunk: Buffer) => {
      printed.err += chunk.toString('latin1');
    });
    cli.on('error', reject);
    cli.on('close', (code) => {
      resolve(`${printed.out}${printed.err}exit ${code}\n`.replaceAll(String(server.port), 'PORT'));
    });
    // A command line may end before it has read its input.
    cli.stdin.on('error', () => {});
    cli.stdin.end(input);
  });
}

describe.each([['--no-raw'], ['--raw'], ['--no-raw', '-3'], ['--csv'], ['--json', '-3']])(
  'redis-cli %s %s',
  (...args) => {
    const flags = args.filter((arg) => arg !== undefined);
    it.each(readdirSync(folder).sort())('%s', async (file) => {
      const input = readFileSync(join(folder, file), 'utf8');
      const [expected, actual] = await Promise.all(servers.map((server) => session(server, flags, input)));
      expect(expected).not.toContain('Could not connect');
      expect(actual).toBe(expected);
    });
  },
);

describe('redis-cli with a command line', () => {
  it.each([
    'SET key value',
    'GET nothing',
    '-n 3 DBSIZE',
    '-3 HGETALL nothing',
    '-e LPUSH wrong',
    '-r 3 INCR counter',
    '--no-raw -x SET stdin',
    '--quoted-input GET "a\\x00b"',
    '--user nobody --pass x --no-auth-warning PING',
    '--scan --pattern nothing*',
    '--bigkeys',
    '--hotkeys',
    '-c GET nothing',
    '-3 MODULE LIST',
    'CLUSTER INFO',
    'LATENCY DOCTOR',
  ])('%s', async (line) => {
    const input = 'from\nstandard input';
    const [expected, actual] = await Promise.all(servers.map((server) => session(server, line.split(' '), input)));
    expect(actual).toBe(expected);
  });

  it('--pipe loads raw commands', async () => {
    const input = Array.from({ length: 1000 }, (_, i) => `SET key:${i} ${i}\r\n`).join('');
    const [expected, actual] = await Promise.all(servers.map((server) => session(server, ['--pipe'], input)));
    expect(actual).toBe(expected);
    const sizes = await Promise.all(servers.map((server) => session(server, ['DBSIZE'], '')));
    expect(sizes[1]).toBe('1000\nexit 0\n');
    expect(sizes[0]).toBe(sizes[1]);
  });
});
