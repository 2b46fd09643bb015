/**
 * Runs docs/backup.md: every `console` block, in one folder, in order. A line `$ ...` is a command (`> ...` continues it),
 * the lines up to the next command are its output. The Korean twin must have the same blocks.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Step {
  line: number;
  command: string;
  output: string;
}

const ROOT = join(import.meta.dirname, '..');

function stepsOf(page: string): Step[][] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => {
    let line = text.slice(0, match.index).split('\n').length;
    const steps: Step[] = [];
    for (const row of match[1]!.split('\n').slice(0, -1)) {
      line++;
      const last = steps.at(-1);
      if (row.startsWith('$ ')) steps.push({ line, command: row.slice(2), output: '' });
      else if (row.startsWith('> ') && last !== undefined && last.output === '') last.command += `\n${row.slice(2)}`;
      else if (last !== undefined) last.output += `${row}\n`;
    }
    return steps;
  });
}

let dir = '';
let port = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'onggi-walkthrough-'));
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  port = (probe.address() as { port: number }).port;
  await new Promise((resolve) => probe.close(resolve));
  // Thin stand-ins on the PATH: the page uses the usual port, the test a free one; and redis-cli answers a pipe as it
  // would a terminal, once the data is loaded: a server that was started in the background is reached at once, and refuses
  // commands until then.
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  const real = spawnSync('sh', ['-c', 'command -v redis-cli'], { encoding: 'utf8' }).stdout.trim();
  const load = `while ${real} -p ${port} ping 2>&1 | grep -q LOADING; do sleep 0.1; done`;
  writeFileSync(join(bin, 'redis-cli'), `#!/bin/sh\n${load}\nexec ${real} --no-raw -p ${port} "$@"\n`);
  writeFileSync(join(bin, 'onggi-server'), `#!/bin/sh\nexec ${join(ROOT, 'bin/onggi-server')} "$@" --port ${port}\n`);
  chmodSync(join(bin, 'redis-cli'), 0o755);
  chmodSync(join(bin, 'onggi-server'), 0o755);
  mkdirSync(join(dir, 'work'));
});

afterAll(() => {
  spawnSync('redis-cli', ['-p', String(port), 'shutdown', 'nosave', 'force']);
  rmSync(dir, { recursive: true, force: true });
});

describe('docs/backup.md', () => {
  it('every step does what the page says', { timeout: 480_000 }, () => {
    const env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env['PATH']}` };
    for (const block of stepsOf('backup.md')) {
      for (const step of block) {
        const run = spawnSync('bash', ['-c', step.command], {
          cwd: join(dir, 'work'),
          env,
          encoding: 'utf8',
          timeout: 120_000,
        });
        expect(`${run.stdout}${run.stderr}`, `docs/backup.md line ${step.line}: ${step.command}`).toBe(step.output);
      }
    }
  });

  it('the Korean twin has the same steps', () => {
    const withoutLines = (page: string) =>
      stepsOf(page).map((block) => block.map(({ command, output }) => [command, output]));
    expect(withoutLines('backup.ko.md')).toEqual(withoutLines('backup.md'));
  });
});
