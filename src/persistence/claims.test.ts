/** Whose the files of a log are, from one change to the next: two servers on one disk. */
import { describe, expect, test } from 'vitest';
import { type FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { ModelServer } from './testing/model-server.js';
import { appendonly, emptyDisk, rewritten, start, turnLoop, turnLoops, turns } from './testing/steps.js';

const IN_USE = { code: 'ONGGI_IN_USE' };

describe('the files of a log belong to one server', () => {
  test('until it has turned its log off, or ends', async () => {
    const disk = emptyDisk();
    const first = await start(disk);
    await expect(start(disk)).rejects.toMatchObject(IN_USE);
    const second = await start(disk, { appendonly: false });
    expect(appendonly(second, true)).toMatch(/^Unable to turn on AOF/);
    second.config.appendonly = false;
    expect(second.persistence.rewriteAppendLog()).toHaveProperty('error');
    appendonly(first, false);
    await first.persistence.turnedOff;
    expect(appendonly(second, true)).toBeNull();
    await rewritten(second);
    expect(appendonly(first, true)).toMatch(/^Unable to turn on AOF/);
    await second.persistence.shutdown('nosave', false);
    await second.persistence.close();
    await start(disk);
  });

  test('also when the log moves to another directory, whatever failed before', async () => {
    for (const before of ['nothing', 'a rewrite that cannot begin', 'a save that runs'] as const) {
      const disk = emptyDisk();
      const server = await start(disk, { appendonly: false });
      if (before === 'a rewrite that cannot begin') {
        disk.put('/data/appendonlydir', 'a file');
        expect(server.persistence.rewriteAppendLog()).toHaveProperty('error');
      }
      server.config.dir = '/elsewhere';
      expect(server.persistence.dirRefusal()).toBeNull();
      let open = (): void => {};
      if (before === 'a save that runs') {
        server.snapshotGate = new Promise((resolve) => {
          open = resolve;
        });
        expect(server.persistence.backgroundSave(false)).toHaveProperty('started');
      }
      expect(appendonly(server, true), before).toBeNull();
      open();
      await rewritten(server);
      expect(server.persistence.aof).toBe('on');
      await expect(start(disk, { dir: '/elsewhere' })).rejects.toMatchObject(IN_USE);
      if (before !== 'a rewrite that cannot begin') await start(disk, { dir: '/data' });
      expect(disk.files().filter((path) => path.startsWith('/elsewhere/appendonlydir/')).length).toBe(3);
    }
  });

  test('no longer than a failure to turn it on', async () => {
    const disk = emptyDisk();
    const server = await start(disk, { appendonly: false });
    disk.put('/data/appendonlydir', 'a file');
    expect(appendonly(server, true)).toMatch(/^Unable to turn on AOF/);
    server.config.appendonly = false;
    disk.unlink('/data/appendonlydir');
    await start(disk);
  });

  test('as long as a rewrite runs, which the end of the server stops', async () => {
    const disk = emptyDisk();
    const server = await start(disk, { appendonly: false });
    let open = (): void => {};
    server.snapshotGate = new Promise((resolve) => {
      open = resolve;
    });
    expect(server.persistence.rewriteAppendLog()).toHaveProperty('started');
    await turnLoops(5);
    await expect(start(disk)).rejects.toMatchObject(IN_USE);
    await server.persistence.shutdown('nosave', false);
    const closed = server.persistence.close();
    open();
    await closed;
    expect(server.persistence.rewriter.running).toBe(false);
    await start(disk);
  });
});

test('what is acknowledged while a new log is adopted is on disk in it', async () => {
  for (let commands = 0; commands < 30; commands++) {
    for (let seed = 1; seed <= 3; seed++) {
      const disk = emptyDisk();
      const server = await start(disk, { appendfsync: 'always', 'aof-preallocate': false });
      turns(server, 3);
      await turnLoops(6);
      let writes = 0;
      disk.fault = (kind, path) =>
        kind === 'write' && path.endsWith('.1.incr.aof') && writes++ === 0 ? { code: 'ENOSPC' } : null;
      turns(server, 1);
      await turnLoop();
      // The log has failed, so it is left for a new one; meanwhile it can be written again.
      server.persistence.rewriteAppendLog();
      await turnLoop();
      server.tick(100);
      for (let i = 0; i < commands; i++) {
        turns(server, 1);
        await turnLoop();
      }
      const { acknowledged } = server;
      const again = await start(disk.powerCut(seededRandom(seed)), { appendfsync: 'always' });
      expect(again.journal.length, `${commands} commands, seed ${seed}`).toBeGreaterThanOrEqual(acknowledged);
    }
  }
});

test('what was history is left alone by a server that does not own the files', async () => {
  const disk = emptyDisk();
  const idle = await start(disk, { appendonly: false, 'aof-disable-auto-gc': true });
  for (let i = 0; i < 2; i++) {
    idle.persistence.rewriteAppendLog();
    await rewritten(idle);
  }
  const owner = await start(disk, { appendfsync: 'always' });
  turns(owner, 3);
  await turnLoops(10);
  idle.config['aof-disable-auto-gc'] = false;
  idle.persistence.historyAllowed();
  expect((await start(disk.kill())).journal.length).toBe(3);
});

test('an incr with commands that the manifest does not name is not emptied', async () => {
  const disk = emptyDisk();
  const first = await start(disk);
  turns(first, 3);
  first.tick(1100);
  const next = disk.kill();
  const manifest = '/data/appendonlydir/appendonly.aof.manifest';
  const [base] = next.content(manifest)!.toString().split('\n');
  next.put(manifest, `${base}\n`);
  const second = await start(next);
  expect(second.lines.join('\n')).toContain(
    'appendonly.aof.1.incr.aof holds commands, but the manifest does not name it',
  );
  expect(next.content('/data/appendonlydir/appendonly.aof.1.incr.aof')!.length).toBeGreaterThan(0);
});

test('nothing is saved or loaded again before the start has loaded', () => {
  const { persistence } = new ModelServer(emptyDisk(), {});
  const refusal = expect.stringContaining('still being loaded');
  expect(persistence.reload({ save: true, flush: true, merge: false })).toEqual(refusal);
  expect(persistence.loadAppendLog()).toEqual(refusal);
  expect(persistence.save()).toEqual(refusal);
  expect(persistence.backgroundSave(true)).toEqual({ error: refusal });
  expect(persistence.rewriteAppendLog()).toEqual({ error: refusal });
  expect(persistence.setAppendonly(true)).toEqual(refusal);
});

test('a log that is turned off, on, off and on is acknowledged by the syncs of the new one', async () => {
  const disk = emptyDisk();
  const server = await start(disk, { appendfsync: 'always' });
  turns(server, 3);
  await turnLoops(20);
  const sync = disk.syncDataAsync.bind(disk);
  const gates: (() => void)[] = [];
  let closed = true;
  disk.syncDataAsync = async (fd) => {
    if (closed) await new Promise<void>((resolve) => gates.push(resolve));
    return await sync(fd);
  };
  appendonly(server, false);
  await turnLoops(5);
  for (const on of [true, false]) {
    appendonly(server, on);
    await turnLoops(5);
  }
  appendonly(server, true);
  expect(server.persistence.busy).toBe(true);
  await expect(start(disk)).rejects.toMatchObject(IN_USE);
  closed = false;
  for (const open of gates.splice(0)) open();
  await rewritten(server);
  expect(server.persistence.aof).toBe('on');
  closed = true;
  turns(server, 2);
  await turnLoops(20);
  expect(server.logged).toBe(3);
  closed = false;
  for (const open of gates.splice(0)) open();
  await turnLoops(20);
  expect(server.logged).toBe(5);
  expect((await start(disk.powerCut(seededRandom(1)))).journal.length).toBe(5);
});

test.each(['everysec', 'always'] as const)(
  'a shutdown after a failed sync waits for the rewrite that mends it (%s)',
  async (appendfsync) => {
    const disk = emptyDisk();
    const server = await start(disk, { appendfsync });
    turns(server, 3);
    await turnLoops(20);
    disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
    turns(server, 3);
    server.tick(1100);
    await turnLoops(20);
    disk.fault = () => null;
    expect(server.persistence.appendLog.syncFailed).toBe(true);
    expect(await server.persistence.shutdown('nosave', false)).toBe(false);
    await rewritten(server);
    expect(await server.persistence.shutdown('nosave', false)).toBe(true);
    expect((await start(disk.powerCut(seededRandom(7)))).journal.length).toBe(6);
  },
);

describe('a rewrite under `always`, on a disk whose syncs take turns', () => {
  /** A server whose turns wait for syncs, one after the other. */
  async function waiting(): Promise<{ server: ModelServer; written: () => number }> {
    const disk = emptyDisk();
    const sync = disk.syncDataAsync.bind(disk);
    const write = disk.writeAt.bind(disk);
    const under = new Set<number>();
    let written = 0;
    disk.syncDataAsync = async (fd) => {
      under.add(fd);
      await turnLoops(3);
      await sync(fd).finally(() => under.delete(fd));
    };
    disk.writeAt = (fd, ...rest) => {
      if (under.has(fd)) written++;
      return write(fd, ...rest);
    };
    const server = await start(disk, { appendfsync: 'always' });
    for (let i = 0; i < 5; i++) {
      turns(server, 1);
      await turnLoop();
    }
    return { server, written: () => written };
  }

  test('begins though there is always a sync under way, and writes nothing behind one', async () => {
    const { server, written } = await waiting();
    const { persistence } = server;
    persistence.rewriteAppendLog();
    for (let i = 0; i < 100 && persistence.rewriter.running; i++) {
      turns(server, 1);
      await turnLoop();
    }
    expect(persistence.rewriter).toMatchObject({ running: false, lastOk: true });
    expect(written()).toBe(0);
    await turnLoops(20);
    expect(server.logged).toBe(server.executed);
  });

  test('that is given up before it has begun leaves nobody waiting', async () => {
    const { server } = await waiting();
    server.persistence.rewriteAppendLog();
    await turnLoops(3);
    turns(server, 1);
    await server.persistence.rewriter.stop();
    await turnLoops(20);
    expect(server.logged).toBe(server.executed);
  });
});

test('a new log that cannot be written just as it is adopted is the log, and says so', async () => {
  const disk = emptyDisk();
  const server = await start(disk, { appendonly: false });
  turns(server, 5);
  let named = false;
  disk.fault = (kind, path) => {
    if (kind === 'sync' && path.endsWith('.manifest')) named = true;
    return named && kind === 'write' && path.endsWith('.incr.aof') ? { code: 'ENOSPC' } : null;
  };
  appendonly(server, true);
  for (let i = 0; i < 100 && server.persistence.rewriter.running; i++) {
    turns(server, 1);
    await turnLoop();
  }
  const { appendLog } = server.persistence;
  expect(server.persistence.aof).toBe('on');
  expect(server.persistence.writeRefusal).toBe('MISCONF Errors writing to the AOF file: No space left on device');
  disk.fault = () => null;
  server.tick(1100);
  expect(appendLog.failure).toBeNull();
  turns(server, 1);
  expect(server.logged).toBe(server.executed);
  expect(disk.openFiles).toBe(1);
  expect((await start(disk.kill())).journal.length).toBe(server.logged);
});

test('a log that cannot be synced when it is turned off is not trusted by a start that goes on with it', async () => {
  const disk = emptyDisk();
  const server = await start(disk, { appendfsync: 'everysec' });
  turns(server, 5);
  disk.fault = (kind, path) => (kind === 'sync' && path.endsWith('.incr.aof') ? { code: 'EIO' } : null);
  appendonly(server, false);
  await server.persistence.turnedOff;
  const again = await start(disk.kill());
  expect(again.journal.length).toBe(5);
  expect(again.persistence.writeRefusal).toContain('MISCONF');
  await rewritten(again);
  expect(again.persistence.writeRefusal).toBeNull();
  turns(again, 1);
  await turnLoops(5);
  expect(again.logged).toBe(6);
  expect((await start((again.disk as FaultyDisk).powerCut(seededRandom(1)))).journal.length).toBe(6);
});
