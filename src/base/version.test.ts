import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ONGGI_VERSION, REDIS_VERSION, REDIS_VERSION_NUMBER } from './version.js';

it('the versions agree with package.json and with each other', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(ONGGI_VERSION).toBe(version);
  const [major, minor, patch] = REDIS_VERSION.split('.').map(Number);
  expect(REDIS_VERSION_NUMBER).toBe((major! << 16) | (minor! << 8) | patch!);
});
