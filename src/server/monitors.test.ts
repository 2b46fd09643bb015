/** MONITOR's lines where a script of commands cannot show them: the time, the unix socket; and that nobody pays for it otherwise. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { show } from '../../test/support/reply.js';
import { ManualClock } from '../base/clock.js';
import { inFolder, LiveServer } from './testing/live-server.js';

it('a line has the time to the microsecond, and the address as CLIENT LIST tells it', async () => {
  const clock = new ManualClock();
  await using live = await LiveServer.start({ clock });
  await using monitor = await RespClient.connect(live.port);
  await monitor.ask('MONITOR');
  await using client = await RespClient.connect(live.port);
  const addr = / addr=(\S+) /.exec(String(await client.ask('CLIENT', 'INFO')))![1];
  await monitor.next();
  await client.ask('ECHO', 'x');
  const us = live.server.microseconds();
  const time = `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
  expect(show(await monitor.next())).toBe(`+${time} [0 ${addr}] "ECHO" "x"`);
});

it('a client over the unix socket is named by its path', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'socket');
    await using live = await LiveServer.start({ config: { unixsocket: path } });
    await using monitor = await RespClient.connect(live.port);
    await monitor.ask('MONITOR');
    await using client = await RespClient.connect(path);
    await client.ask('PING');
    expect(show(await monitor.next())).toContain(`[0 unix:${path}] "PING"`);
  });
});

it('commands are looked at only while somebody monitors, until the last one is gone', async () => {
  await using live = await LiveServer.start();
  const { dispatcher } = live.server;
  expect(dispatcher.monitored).toBe(false);
  const monitors = [await RespClient.connect(live.port), await RespClient.connect(live.port)];
  for (const monitor of monitors) await monitor.ask('MONITOR');
  expect(dispatcher.monitored).toBe(true);
  expect(await monitors[0]!.ask('RESET')).toBe('RESET');
  expect(dispatcher.monitored).toBe(true);
  monitors[1]!.write('QUIT\r\n');
  await monitors[1]!.waitClosed();
  expect(dispatcher.monitored).toBe(false);
  await monitors[0]!.close();
});
