import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Config } from './config.js';

it('what is no regular file is not replaced by one', () => {
  const dir = mkdtempSync(join(tmpdir(), 'onggi-'));
  try {
    const config = new Config();
    config.file = join(dir, 'redis.conf');
    execFileSync('mkfifo', [config.file]);
    expect(() => config.rewrite()).toThrow('not a regular file');
    expect(statSync(config.file).isFIFO()).toBe(true);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
