/**
 * MONITOR's lines where a script of commands cannot show them: the time, the unix socket, long commands; and that nobody pays
 * for it otherwise.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { show } from '../../test/support/reply.js';
import { ManualClock } from '../base/clock.js';
import { quoteWord } from '../base/words.js';
import type { Context } from '../commands/context.js';
import { FAMILIES } from '../commands/families.js';
import { Session } from '../commands/session.js';
import { CommandTable } from '../commands/table.js';
import { Args } from '../formats/resp/args.js';
import { ReplyWriter } from '../formats/resp/reply.js';
import { Monitors } from './monitors.js';
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

it('a long command is shown whole, in pieces', async () => {
  await using live = await LiveServer.start();
  await using monitor = await RespClient.connect(live.port);
  await monitor.ask('MONITOR');
  await using client = await RespClient.connect(live.port);
  const value = Buffer.from(Array.from({ length: 150_000 }, (_, i) => i % 256));
  const keys = Array.from({ length: 20_000 }, (_, i) => `key:${i}`);
  await client.ask('MSET', 'k', value, 'a', 'b', 'end', value);
  await client.ask('DEL', ...keys);
  await client.ask('PING');
  const quoted = quoteWord(value.toString('latin1'));
  expect(show(await monitor.next())).toContain(` "MSET" "k" ${quoted} "a" "b" "end" ${quoted}`);
  expect(show(await monitor.next()).endsWith(` "DEL" "${keys.join('" "')}"`)).toBe(true);
  expect(show(await monitor.next()).endsWith(' "PING"')).toBe(true);
});

it('a long line is never there as a whole: it may be longer than a string can be', () => {
  let bytes = 0;
  let most = 0;
  const monitors = new Monitors({
    send: (_, message) => {
      const out = new ReplyWriter();
      message(out);
      bytes += out.pos;
      most = Math.max(most, out.pos);
    },
    microseconds: () => 1_000_000,
    unixSocket: '',
    context: null as unknown as Context,
    watched() {},
  });
  const value = new Uint8Array(2_000_000);
  const set = new CommandTable(FAMILIES).named('set')!;
  monitors.show(new Session(1), set, Args.of('SET', 'k', value));
  expect(bytes).toBe('+1.000000 [0 lua] "SET" "k" ""\r\n'.length + 4 * value.length);
  expect(most).toBeLessThan(1_000_000);
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
