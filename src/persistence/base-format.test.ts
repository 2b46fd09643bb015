/** A base in the format that `aof-use-rdb-preamble` asks for, or in the other one where the data set has no form in that. */
import { expect, test } from 'vitest';
import { ModelServer } from './testing/model-server.js';
import { appendonly, emptyDisk, rewritten, start, turns } from './testing/steps.js';

const CASES = [
  ['rdb', true, /written as commands although aof-use-rdb-preamble is yes/, 'aof'],
  ['commands', false, /written as RDB although aof-use-rdb-preamble is no/, 'rdb'],
] as const;

test.each(CASES)(
  'what has no form as %s is rewritten in the other one',
  async (formless, preamble, line, extension) => {
    const config = { 'aof-use-rdb-preamble': preamble };
    const disk = emptyDisk();
    const server = await start(disk, config);
    turns(server, 20);
    server.formless = formless;
    server.persistence.rewriteAppendLog();
    await rewritten(server);
    expect(server.persistence.rewriter.lastOk).toBe(true);
    expect(server.lines.filter((each) => line.test(each)).length).toBe(1);
    expect(disk.files().filter((path) => /base|incr/.test(path))).toEqual([
      `/data/appendonlydir/appendonly.aof.2.base.${extension}`,
      '/data/appendonlydir/appendonly.aof.3.incr.aof',
    ]);
    // Also when the log is turned on.
    appendonly(server, false);
    await server.persistence.turnedOff;
    turns(server, 3);
    appendonly(server, true);
    await rewritten(server);
    expect(server.persistence.aof).toBe('on');
    turns(server, 2);
    expect((await start(disk.kill(), config)).journal.length).toBe(25);
  },
);

test.each(CASES)('what has no form as %s is imported in the other one', async (formless, preamble, line, extension) => {
  const disk = emptyDisk();
  const saver = await start(disk, { appendonly: false });
  turns(saver, 4);
  expect(saver.persistence.save()).toBeNull();
  const server = new ModelServer(disk.kill(), { 'aof-use-rdb-preamble': preamble });
  server.formless = formless;
  await server.start();
  expect(server.lines.filter((each) => line.test(each)).length).toBe(1);
  expect(server.journal.length).toBe(4);
  const after = server.disk.stat(`/data/appendonlydir/appendonly.aof.1.base.${extension}`);
  expect(after?.bytes).toBeGreaterThan(0);
});

test('what has no form at all fails, and says why', async () => {
  const server = await start(emptyDisk());
  turns(server, 20);
  server.formless = 'both';
  server.persistence.rewriteAppendLog();
  await rewritten(server);
  expect(server.persistence.rewriter.lastOk).toBe(false);
  expect(server.lines.at(-1)).toMatch(/^# Background AOF rewrite failed: key "key": it/);
  expect(server.persistence.writeRefusal).toBeNull();
});
