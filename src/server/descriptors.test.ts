import { expect, test } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { SILENT_LOG } from '../base/log.js';
import { Config } from '../config/config.js';
import { clientsRefusal, descriptorLimit, fitClients } from './descriptors.js';
import { LiveServer } from './testing/live-server.js';

test('the limit is what the system says, or none', () => {
  if (process.platform === 'linux') expect(descriptorLimit()).toBeGreaterThan(64);
  expect(descriptorLimit('/nowhere')).toBe(Number.POSITIVE_INFINITY);
});

test('maxclients is lowered to what the limit leaves, and says so', () => {
  const lines: string[] = [];
  const log = { ...SILENT_LOG, warning: (line: string) => lines.push(line) };
  const config = new Config();
  fitClients(config, log, 20_000);
  expect([config.values.maxclients, lines]).toEqual([10_000, []]);
  fitClients(config, log, 300);
  expect(config.values.maxclients).toBe(236);
  expect(lines[1]).toMatch(/^Current maximum open files is 300. maxclients has been reduced to 236 to compensate/);
  expect(() => fitClients(config, log, 64)).toThrow("Your current 'ulimit -n' of 64 is not enough");
});

test('CONFIG SET maxclients does not promise what the limit does not leave', async () => {
  expect(clientsRefusal(237, 300)).toBe(
    'The operating system is not able to handle the specified number of clients, try with 236',
  );
  expect(clientsRefusal(236, 300)).toBeNull();
  const limit = descriptorLimit();
  if (!Number.isFinite(limit)) return;
  await using live = await LiveServer.start();
  const client = await RespClient.connect(live.port);
  await expect(client.ask('CONFIG', 'SET', 'maxclients', limit)).rejects.toThrow(`try with ${limit - 64}`);
  await client.close();
});
