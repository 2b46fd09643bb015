import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeDisk } from '../disk/disk.js';
import { FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { persistenceInfo } from './persistence-info.js';
import { ModelServer, type MutableConfig } from './testing/model-server.js';

const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function settle(): Promise<void> {
  for (let i = 0; i < 25; i++) await turnLoop();
}

async function started(config: Partial<MutableConfig> = {}): Promise<{ server: ModelServer; disk: FaultyDisk }> {
  const disk = new FaultyDisk();
  disk.put('/data/x', '');
  const server = new ModelServer(disk, config);
  await server.start();
  return { server, disk };
}

function write(server: ModelServer, commands: number): void {
  for (let i = 0; i < commands; i++) server.execute();
  server.endTurn();
}

const info = (server: ModelServer): Record<string, string | number> =>
  Object.fromEntries(persistenceInfo(server.persistence, server.nowMs));

/** Lets snapshots wait until the function that is returned is called. */
function gate(server: ModelServer): () => void {
  let open = () => {};
  server.snapshotGate = new Promise((resolve) => {
    open = resolve;
  });
  return () => {
    server.snapshotGate = null;
    open();
  };
}

describe('SAVE, BGSAVE and save points', () => {
  const off = { appendonly: false, save: [{ seconds: 60, changes: 10 }] };

  test('the point saves by itself, says so, and counts anew', async () => {
    const { server, disk } = await started(off);
    write(server, 12);
    server.tick(60_000);
    expect(info(server)['rdb_bgsave_in_progress']).toBe(0);
    server.tick(1000);
    expect(info(server)['rdb_bgsave_in_progress']).toBe(1);
    write(server, 3);
    await settle();
    expect(info(server)).toMatchObject({
      rdb_changes_since_last_save: 3,
      rdb_bgsave_in_progress: 0,
      rdb_last_bgsave_status: 'ok',
      rdb_saves: 1,
      rdb_last_save_time: Math.floor(server.nowMs / 1000),
    });
    expect(server.lines).toEqual(
      expect.arrayContaining([
        '10 changes in 60 seconds. Saving...',
        `Background saving started by pid ${process.pid}`,
        'DB saved on disk',
        'Background saving terminated with success',
      ]),
    );
    const again = new ModelServer(disk.kill(), off);
    await again.start();
    expect(again.journal.length).toBe(12);
  });

  test('one that fails stops writes, is tried again after five seconds, and then all is well', async () => {
    const { server, disk } = await started(off);
    write(server, 12);
    disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
    server.tick(61_000);
    await settle();
    expect(server.persistence.writeRefusal).toMatch(/^MISCONF Redis is configured to save RDB snapshots/);
    server.config['stop-writes-on-bgsave-error'] = false;
    expect(server.persistence.writeRefusal).toBeNull();
    server.config['stop-writes-on-bgsave-error'] = true;
    expect(info(server)['rdb_last_bgsave_status']).toBe('err');
    expect(disk.files()).toEqual(['/data/x']);
    disk.fault = () => null;
    server.tick(5000);
    await settle();
    expect(info(server)['rdb_last_bgsave_status']).toBe('err');
    server.tick(1000);
    await settle();
    expect(info(server)['rdb_last_bgsave_status']).toBe('ok');
    expect(server.persistence.writeRefusal).toBeNull();
    expect(disk.files()).toEqual(['/data/dump.rdb', '/data/x']);
  });

  test('they exclude each other, with the answers that clients know', async () => {
    const { server } = await started({ save: [] });
    const { persistence } = server;
    const open = gate(server);
    expect(persistence.backgroundSave(false)).toEqual({ started: 'Background saving started' });
    expect(persistence.backgroundSave(true)).toEqual({ error: 'ERR Background save already in progress' });
    expect(persistence.save()).toBe('ERR Background save already in progress');
    expect(persistence.rewriteAppendLog()).toEqual({ started: 'Background append only file rewriting scheduled' });
    expect(info(server)['aof_rewrite_scheduled']).toBe(1);
    open();
    await settle();
    const again = gate(server);
    server.tick();
    expect(info(server)['aof_rewrite_in_progress']).toBe(1);
    expect(persistence.rewriteAppendLog()).toEqual({
      error: 'ERR Background append only file rewriting already in progress',
    });
    expect(persistence.backgroundSave(false)).toEqual({
      error:
        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
    });
    expect(persistence.backgroundSave(true)).toEqual({ started: 'Background saving scheduled' });
    again();
    await settle();
    server.tick();
    await settle();
    expect(info(server)).toMatchObject({ rdb_saves: 2, aof_rewrites: 1, aof_last_bgrewrite_status: 'ok' });
    persistence.resetStatistics();
    expect(info(server)).toMatchObject({ rdb_saves: 0, aof_rewrites: 0 });
  });

  test('within a transaction both wait', async () => {
    const { server } = await started();
    expect(server.persistence.backgroundSave(false, true)).toEqual({ started: 'Background saving scheduled' });
    expect(server.persistence.rewriteAppendLog(true)).toEqual({
      started: 'Background append only file rewriting scheduled',
    });
    expect(server.persistence.busy).toBe(false);
  });

  test('FLUSHALL stops the save under way and saves the empty data set', async () => {
    const { server, disk } = await started(off);
    write(server, 5);
    const open = gate(server);
    server.persistence.backgroundSave(false);
    server.clear();
    server.persistence.flushedAll(2);
    // The command's own changes are counted when it is over.
    expect(info(server)['rdb_changes_since_last_save']).toBe(-2);
    expect(disk.content('/data/dump.rdb')!.toString()).toContain('[[],[]]');
    open();
    await settle();
    expect(disk.content('/data/dump.rdb')!.toString()).toContain('[[],[]]');
    expect(info(server)['rdb_last_bgsave_status']).toBe('ok');
    expect(disk.files()).toEqual(['/data/dump.rdb', '/data/x']);
  });
});

test('a save that cannot be stopped any more does not replace what FLUSHALL has saved, whatever a second one finds set', async () => {
  const { server, disk } = await started({ appendonly: false, save: [{ seconds: 60, changes: 10 }] });
  write(server, 5);
  let named = false;
  server.onSnapshot = (_plan, _state, step) => {
    named ||= step === 'named';
  };
  server.snapshotPause = () => (named ? 8 : 0);
  server.persistence.backgroundSave(false);
  while (!named) await turnLoop();
  server.flushAll();
  server.config.save = [];
  server.flushAll();
  await settle();
  expect(server.persistence.busy).toBe(false);
  expect(disk.content('/data/dump.rdb')!.toString()).toContain('journal","7,"');
  expect(info(server)['rdb_changes_since_last_save']).toBe(0);
});

describe('FLUSHALL and the count of changes', () => {
  test('without save points, or when the save fails, they are left to be counted', async () => {
    const { server, disk } = await started({ save: [] });
    write(server, 5);
    server.persistence.flushedAll(2);
    expect(info(server)['rdb_changes_since_last_save']).toBe(5);
    server.config.save = [{ seconds: 60, changes: 10 }];
    disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
    server.persistence.flushedAll(2);
    expect(info(server)['rdb_changes_since_last_save']).toBe(5);
  });
});

describe('history', () => {
  const names = (disk: FaultyDisk) => disk.files().map((path) => path.split('/').at(-1));
  const MANIFEST = '/data/appendonlydir/appendonly.aof.manifest';
  const kept = ['appendonly.aof.2.base.rdb', 'appendonly.aof.2.incr.aof', 'appendonly.aof.manifest', 'x'];

  test('that was kept is deleted as soon as it may be', async () => {
    const { server, disk } = await started({ 'aof-disable-auto-gc': true });
    write(server, 5);
    server.persistence.rewriteAppendLog();
    await settle();
    server.persistence.historyAllowed();
    expect(disk.content(MANIFEST)!.toString()).toContain('type h');
    expect(names(disk)).toContain('appendonly.aof.1.base.rdb');
    server.config['aof-disable-auto-gc'] = false;
    server.persistence.historyAllowed();
    expect(disk.content(MANIFEST)!.toString()).not.toContain('type h');
    expect(names(disk)).toEqual(kept);
  });

  test('waits for a rewrite that runs, however it ends', async () => {
    const { server, disk } = await started({ 'aof-disable-auto-gc': true });
    write(server, 5);
    server.persistence.rewriteAppendLog();
    await settle();
    const open = gate(server);
    server.persistence.rewriteAppendLog();
    await settle();
    server.config['aof-disable-auto-gc'] = false;
    server.persistence.historyAllowed();
    expect(names(disk)).toContain('appendonly.aof.1.base.rdb');
    disk.fault = (kind, path) => (kind === 'write' && path.includes('temp-rewrite') ? { code: 'ENOSPC' } : null);
    open();
    await settle();
    expect(info(server)['aof_last_bgrewrite_status']).toBe('err');
    expect(disk.content(MANIFEST)!.toString()).not.toContain('type h');
    expect(names(disk)).not.toContain('appendonly.aof.1.base.rdb');
  });
});

test('a new log has not the name of one that waits to be deleted', async () => {
  const { server, disk } = await started();
  write(server, 5);
  server.persistence.setAppendonly(false);
  await settle();
  disk.fault = (kind) => (kind === 'unlink' ? { code: 'EIO' } : null);
  server.persistence.rewriteAppendLog();
  await settle();
  disk.fault = () => null;
  expect(disk.content('/data/appendonlydir/appendonly.aof.manifest')!.toString()).toContain('incr.aof seq 1 type h');

  server.persistence.setAppendonly(true);
  await settle();
  expect(server.persistence.aof).toBe('on');
  write(server, 5);
  const next = new ModelServer(disk.kill());
  await next.start();
  expect(next.journal.length).toBe(10);
});

test('a start after a rewrite without a log that was killed before it deleted the old one', async () => {
  const { server, disk } = await started();
  write(server, 5);
  server.persistence.setAppendonly(false);
  await settle();
  disk.fault = (kind) => (kind === 'unlink' ? { code: 'EIO' } : null);
  server.persistence.rewriteAppendLog();
  await settle();
  const second = new ModelServer(disk.kill());
  await second.start();
  write(second, 5);
  const third = new ModelServer((second.disk as FaultyDisk).kill());
  await third.start();
  expect(third.journal.length).toBe(10);
});

test('a manifest that names a file as history and as log deletes nothing of it', async () => {
  const { server, disk } = await started();
  write(server, 5);
  const path = '/data/appendonlydir/appendonly.aof.manifest';
  const lines = disk.content(path)!.toString().split('\n');
  lines.splice(1, 0, 'file appendonly.aof.1.incr.aof seq 1 type h');
  const killed = disk.kill();
  killed.put(path, lines.filter((line) => !line.startsWith('#')).join('\n'));
  const next = new ModelServer(killed);
  await next.start();
  expect(next.journal.length).toBe(5);
  expect(killed.content(path)!.toString()).not.toContain('type h');
  expect(killed.content('/data/appendonlydir/appendonly.aof.1.incr.aof')).not.toBeNull();
});

test('nothing of the history is deleted before the manifest without it is durable', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { server, disk } = await started({ 'aof-disable-auto-gc': true, appendfsync: 'always' });
    write(server, 5);
    await settle();
    let renamed = 0;
    disk.fault = (kind, path) => {
      if (kind === 'rename' && path.endsWith('.manifest')) renamed++;
      return kind === 'syncDir' && renamed === 2 ? { code: 'EIO' } : null;
    };
    server.persistence.rewriteAppendLog();
    await settle();
    expect(info(server)['aof_last_bgrewrite_status']).toBe('err');
    disk.fault = (kind, path) => (kind === 'write' && path.endsWith('.manifest') ? 'crash' : null);
    server.config['aof-disable-auto-gc'] = false;
    server.persistence.historyAllowed();
    const next = new ModelServer(disk.powerCut(seededRandom(seed)));
    await next.start();
    expect(next.journal.length).toBe(5);
  }
});

test('the history of one directory is not deleted from another', async () => {
  const { server, disk } = await started();
  write(server, 5);
  server.persistence.setAppendonly(false);
  await settle();
  const here = disk.files().filter((path) => path.startsWith('/data/appendonlydir/'));
  const manifest = disk.content('/data/appendonlydir/appendonly.aof.manifest');
  disk.put('/other/x', '');
  server.config.dir = '/other';
  server.config['aof-disable-auto-gc'] = true;
  server.persistence.rewriteAppendLog();
  await settle();
  server.persistence.rewriteAppendLog();
  await settle();
  server.config.dir = '/data';
  const open = gate(server);
  server.persistence.backgroundSave(false);
  server.persistence.setAppendonly(true);
  server.config['aof-disable-auto-gc'] = false;
  server.persistence.historyAllowed();
  expect(disk.files().filter((path) => path.startsWith('/data/appendonlydir/'))).toEqual(here);
  expect(disk.content('/data/appendonlydir/appendonly.aof.manifest')).toEqual(manifest);
  open();
  await settle();
});

test('files that do not close change nothing', async () => {
  const { server, disk } = await started({ appendfsync: 'always' });
  write(server, 5);
  disk.fault = (kind) => (kind === 'close' ? { code: 'EIO' } : null);
  server.persistence.setAppendonly(false);
  await server.persistence.turnedOff;
  write(server, 1);
  expect(server.acknowledged).toBe(6);
  disk.fault = (kind, path) => (kind === 'close' && path.endsWith('.incr.aof') ? { code: 'EIO' } : null);
  server.persistence.setAppendonly(true);
  await settle();
  expect(info(server)).toMatchObject({ aof_last_bgrewrite_status: 'ok', aof_enabled: 1 });
  server.persistence.rewriteAppendLog();
  write(server, 2);
  await settle();
  expect(info(server)['aof_last_bgrewrite_status']).toBe('ok');
  expect(server.acknowledged).toBe(8);
  expect(disk.openFiles).toBe(1);
});

test('a start that is refused leaves no file open', async () => {
  for (const kind of ['syncDir', 'sync', 'rename', 'write', 'open', 'truncate', 'close']) {
    for (let passes = 0; passes < 8; passes++) {
      const disk = new FaultyDisk();
      disk.put('/data/x', '');
      if (passes % 2 === 1) disk.put('/data/appendonly.aof', '*3\r\n$6\r\nAPPEND\r\n$7\r\njournal\r\n$2\r\n1,\r\n');
      let passed = passes >> 1;
      disk.fault = (operation) => (operation === kind && passed-- === 0 ? { code: 'EIO' } : null);
      const server = new ModelServer(disk);
      const refused = await server.start().then(
        () => false,
        () => true,
      );
      if (refused) expect(disk.openFiles, `${kind} ${passes}`).toBe(0);
      disk.fault = () => null;
      const next = refused ? new ModelServer(disk) : null;
      await next?.start();
    }
  }
});

test('DEBUG RELOAD while a save runs: what it saves stays, and changes are counted anew', async () => {
  for (const save of [true, false]) {
    const { server, disk } = await started({ appendonly: false });
    write(server, 5);
    server.persistence.save();
    write(server, 5);
    const open = gate(server);
    server.persistence.backgroundSave(false);
    if (save) write(server, 5);
    expect(server.persistence.reload({ save, flush: true, merge: false })).toBeNull();
    const reloaded = save ? 15 : 5;
    expect(server.journal.length).toBe(reloaded);
    server.executed = reloaded;
    write(server, 3);
    open();
    await settle();
    expect(info(server)['rdb_changes_since_last_save']).toBe(3);
    const next = new ModelServer(disk.kill(), { appendonly: false });
    await next.start();
    expect(next.journal.length).toBe(reloaded);
  }
});

test.each([
  ['of the usual way', { appendonly: true }, 2],
  ['of a failed log', { appendonly: true }, 1],
  ['of a log that begins', { appendonly: false }, 1],
  ['of appendonly no', { appendonly: false }, 1],
])('a rewrite %s whose manifest cannot be written leaves no files that nobody names', async (way, config, nth) => {
  for (const kind of ['write', 'syncDir']) {
    const { server, disk } = await started(config);
    write(server, 5);
    await settle();
    const before = disk.files();
    let seen = 0;
    let armed = false;
    disk.fault = (operation, path) => {
      if (operation === 'rename' && /\d\.(incr\.aof|base\.rdb)$/.test(path)) armed = true;
      if (kind === 'syncDir') return operation === kind && armed && path.endsWith('dir') ? { code: 'EIO' } : null;
      if (operation === 'open' && path.endsWith('.manifest')) seen++;
      return operation === 'write' && path.endsWith('.manifest') && seen >= nth ? { code: 'ENOSPC' } : null;
    };
    if (way === 'of a failed log') server.persistence.appendLog.failSync(new Error('lost'));
    if (way === 'of a log that begins') server.persistence.setAppendonly(true);
    else server.persistence.rewriteAppendLog();
    await settle();
    expect(server.persistence.rewriter.lastOk).toBe(false);
    const manifest = disk.content('/data/appendonlydir/appendonly.aof.manifest')?.toString() ?? '';
    const unnamed = disk
      .files()
      .filter((path) => !before.includes(path) && !manifest.includes(path.split('/').at(-1)!));
    expect(unnamed.filter((path) => !/\.(manifest|unsynced)$/.test(path))).toEqual([]);
  }
});

test('a save that could not be stopped, and whose successor fails, has left the dump out of date: it says so', async () => {
  const { server, disk } = await started({ appendonly: false, save: [{ seconds: 1, changes: 1 }] });
  write(server, 5);
  const open = gate(server);
  server.persistence.backgroundSave(false);
  const { run } = server.persistence.dump;
  run!.abort = () => {};
  write(server, 5);
  server.persistence.flushedAll(0);
  expect(info(server)).toMatchObject({ rdb_changes_since_last_save: 0, rdb_last_bgsave_status: 'ok' });
  disk.fault = (kind, path) => (kind === 'write' && path.includes('temp-0.') ? { code: 'ENOSPC' } : null);
  open();
  await settle();
  expect(info(server)).toMatchObject({ rdb_changes_since_last_save: 1, rdb_last_bgsave_status: 'err' });
  disk.fault = () => null;
  server.tick(7000);
  await settle();
  const next = new ModelServer(disk.kill(), { appendonly: false });
  await next.start();
  expect(next.journal.length).toBe(10);
});

test('a rewrite that cannot make its log names the file', async () => {
  const { server, disk } = await started();
  write(server, 5);
  disk.fault = (kind, path) => (kind === 'open' && path.endsWith('.2.incr.aof') ? { code: 'EACCES' } : null);
  server.persistence.rewriteAppendLog();
  await settle();
  const path = '/data/appendonlydir/appendonly.aof.2.incr.aof';
  expect(server.lines).toContain(
    `# Background AOF rewrite failed: Can't open the append-only file ${path}: Permission denied`,
  );
  write(server, 1);
  const after = new ModelServer(disk.kill());
  await after.start();
  expect(after.journal).toEqual([1, 2, 3, 4, 5, 6]);
});

describe('when the directory of the data has vanished', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'onggi-persistence-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test.each([true, false])('a rewrite is refused and nothing is made (appendonly %s)', async (appendonly) => {
    const server = new ModelServer(nodeDisk, { dir, appendonly, save: [] });
    await server.start();
    rmSync(dir, { recursive: true });
    expect(server.persistence.rewriteAppendLog()).toEqual({
      error: "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
    });
    expect(server.lines).toContain("# Can't open or create append-only dir appendonlydir: No such file or directory");
    expect(info(server)['aof_last_bgrewrite_status']).toBe('err');
    // By itself it fails as well.
    server.persistence.rewriter.lastOk = true;
    server.persistence.rewriteAppendLog(true);
    server.tick();
    await settle();
    expect(info(server)['aof_rewrite_in_progress']).toBe(0);
    expect(info(server)['aof_last_bgrewrite_status']).toBe('err');
    if (!appendonly) expect(server.persistence.setAppendonly(true)).not.toBeNull();
    expect(existsSync(dir)).toBe(false);
    await server.persistence.appendLog.stop();
  });
});

describe('rewriting', () => {
  test('leaves one base and one incr, and the data', async () => {
    const { server, disk } = await started();
    write(server, 20);
    server.persistence.rewriteAppendLog();
    await turnLoop();
    write(server, 5);
    await settle();
    write(server, 5);
    expect(disk.files().map((path) => path.split('/').at(-1))).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
      'x',
    ]);
    const again = new ModelServer(disk.kill());
    await again.start();
    expect(again.journal.length).toBe(30);
  });

  test('aof-use-rdb-preamble no: the base is commands', async () => {
    const { server, disk } = await started({ 'aof-use-rdb-preamble': false });
    write(server, 20);
    server.persistence.rewriteAppendLog();
    await settle();
    expect(disk.content('/data/appendonlydir/appendonly.aof.2.base.aof')!.toString()).toMatch(/^\*2\r\n\$6\r\nSELECT/);
  });

  test('begins by itself at the percentage beyond the minimum', async () => {
    const { server } = await started({ 'auto-aof-rewrite-percentage': 100, 'auto-aof-rewrite-min-size': 2000 });
    write(server, 10);
    server.tick();
    expect(server.persistence.appendLog.currentBytes).toBeLessThan(2000);
    expect(info(server)['aof_rewrites']).toBe(0);
    write(server, 30);
    server.tick();
    await settle();
    expect(info(server)['aof_rewrites']).toBe(1);
    expect(server.lines.some((line) => /^Starting automatic rewriting of AOF on \d+% growth$/.test(line))).toBe(true);
    expect(info(server)['aof_base_size']).toBe(info(server)['aof_current_size']);
    server.tick();
    expect(info(server)['aof_rewrites']).toBe(1);
  });

  test('after three failures the next tries wait one, two, four ... sixty minutes', async () => {
    const { server, disk } = await started({ 'auto-aof-rewrite-percentage': 1, 'auto-aof-rewrite-min-size': 1 });
    write(server, 100);
    disk.fault = (kind, path) => (kind === 'write' && path.includes('temp-rewrite') ? { code: 'ENOSPC' } : null);
    const began: number[] = [];
    const start = server.nowMs;
    for (let minute = 0; began.length < 12 && minute < 6000; minute++) {
      const before = Number(info(server)['aof_rewrites']);
      server.tick(60_000);
      if (Number(info(server)['aof_rewrites']) > before) {
        began.push((server.nowMs - start) / 60_000);
        await settle();
      }
    }
    const pauses = began.slice(1).map((minute, i) => minute - began[i]!);
    // A try begins with the tick after the pause; the pause begins with the tick after the failure.
    expect(pauses).toEqual([1, 1, 2, 3, 5, 9, 17, 33, 61, 61, 61]);
    expect(info(server)).toMatchObject({ aof_last_bgrewrite_status: 'err', aof_rewrites_consecutive_failures: 12 });
    expect(server.lines.filter((line) => line.includes('will retry in 60 minutes')).length).toBe(3);
    // What was written meanwhile is all there, in as many incrs as there were tries.
    disk.fault = () => null;
    server.tick();
    server.tick(61 * 60_000);
    while (server.persistence.busy) await turnLoop();
    expect(info(server)).toMatchObject({ aof_last_bgrewrite_status: 'ok', aof_rewrites_consecutive_failures: 0 });
    expect(disk.files().length).toBe(4);
  });

  test('with appendonly no it writes a base alone', async () => {
    const { server, disk } = await started({ appendonly: false });
    write(server, 7);
    server.persistence.rewriteAppendLog();
    await settle();
    expect(disk.content('/data/appendonlydir/appendonly.aof.manifest')!.toString()).toMatch(
      /^file appendonly\.aof\.1\.base\.rdb seq 1 type b\n#CK:/,
    );
    const again = new ModelServer(disk.kill());
    await again.start();
    expect(again.journal.length).toBe(7);
  });
});

describe('CONFIG SET appendonly', () => {
  test('yes: a rewrite, during which effects are gathered; then the log is on', async () => {
    const { server, disk } = await started({ appendonly: false });
    write(server, 7);
    const open = gate(server);
    expect(server.persistence.setAppendonly(true)).toBeNull();
    await settle();
    expect([server.persistence.aof, info(server)['aof_enabled']]).toEqual(['wait', 1]);
    write(server, 5);
    open();
    await settle();
    expect(server.persistence.aof).toBe('on');
    write(server, 5);
    // Without any sync since: what the switch has made durable is there even after a power cut.
    const again = new ModelServer(disk.powerCut(() => 0));
    await again.start();
    expect(again.journal.length).toBeGreaterThanOrEqual(12);
    expect(again.journal.length).toBeLessThan(17);
  });

  test('yes while a save runs: when it has ended', async () => {
    const { server } = await started({ appendonly: false });
    const open = gate(server);
    server.persistence.backgroundSave(false);
    server.persistence.setAppendonly(true);
    expect(info(server)['aof_rewrite_scheduled']).toBe(1);
    open();
    await settle();
    server.tick();
    await settle();
    expect(server.persistence.aof).toBe('on');
  });

  test('yes where no directory can be made: refused', async () => {
    const { server, disk } = await started({ appendonly: false });
    disk.fault = (kind) => (kind === 'mkdir' ? { code: 'EROFS' } : null);
    expect(server.persistence.setAppendonly(true)).toBe('Unable to turn on AOF. Check server logs.');
    expect(server.persistence.aof).toBe('off');
  });

  test('yes over an AOF that is there: at no operation of the disk are the two mixed up', async () => {
    const first = await started();
    write(first.server, 7);
    let operations = 100;
    for (let at = 1; at <= operations; at++) {
      const disk = new FaultyDisk();
      for (const path of first.disk.files()) disk.put(path, first.disk.content(path)!);
      disk.put('/data/dump.rdb', 'REDIS001100000007[[],[]]');
      const server = new ModelServer(disk, { appendonly: false });
      await server.start();
      write(server, 30);
      disk.fault = (_kind, _path, n) => (n === at ? 'crash' : null);
      server.persistence.setAppendonly(true);
      await settle();
      if (!disk.off) operations = disk.operations;
      const again = new ModelServer(disk.powerCut(seededRandom(at)));
      await again.start();
      expect(again.data, `crash at ${at}`).toEqual(ModelServer.after(again.journal.length));
      expect([7, 30]).toContain(again.journal.length);
    }
    expect(operations).toBeLessThan(100);
  });

  test('dir can be changed only while it is off', async () => {
    const { server, disk } = await started();
    disk.put('/elsewhere/x', '');
    server.config.dir = '/elsewhere';
    expect(server.persistence.dirRefusal()).toMatch(/^The append only file is open/);
    server.config.dir = '/data';
    expect(server.persistence.dirRefusal()).toBeNull();
    server.persistence.setAppendonly(false);
    await server.persistence.turnedOff;
    server.config.dir = '/elsewhere';
    expect(server.persistence.dirRefusal()).toBeNull();
    write(server, 3);
    server.persistence.setAppendonly(true);
    await settle();
    expect(disk.files().filter((path) => path.startsWith('/elsewhere/appendonlydir/')).length).toBe(3);
    const again = new ModelServer(disk.kill(), { dir: '/elsewhere' });
    await again.start();
    expect(again.journal.length).toBe(3);
  });

  test('no: the files are closed whole, a rewrite is stopped', async () => {
    const { server, disk } = await started();
    write(server, 7);
    const open = gate(server);
    server.persistence.rewriteAppendLog();
    await settle();
    write(server, 2);
    server.persistence.setAppendonly(false);
    open();
    await server.persistence.turnedOff;
    write(server, 3);
    expect(disk.openFiles).toBe(0);
    const stopped = { aof_enabled: 0, aof_rewrite_in_progress: 0, aof_last_bgrewrite_status: 'ok' };
    expect(info(server)).toMatchObject(stopped);
    expect(server.lines).toContain('Background AOF rewrite terminated by request');
    const again = new ModelServer(disk.kill());
    await again.start();
    expect(again.journal.length).toBe(9);
  });
});

describe('a log that cannot be written', () => {
  test('refuses writes in Redis words, heals, and refuses no more', async () => {
    const { server, disk } = await started();
    disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
    write(server, 1);
    expect(server.persistence.writeRefusal).toBe('MISCONF Errors writing to the AOF file: No space left on device');
    expect(info(server)['aof_last_write_status']).toBe('err');
    disk.fault = () => null;
    server.tick();
    expect(server.persistence.writeRefusal).toBeNull();
  });

  test('after a failed sync a rewrite begins by itself, and ends it', async () => {
    const { server, disk } = await started({ appendfsync: 'always' });
    write(server, 3);
    await settle();
    disk.fault = (kind, path) => (kind === 'sync' && path.endsWith('.1.incr.aof') ? { code: 'EIO' } : null);
    write(server, 3);
    await settle();
    expect(server.unsafe).toBe(1);
    expect(server.persistence.writeRefusal).toBe('MISCONF Errors writing to the AOF file: Input/output error');
    server.tick();
    await settle();
    expect(server.persistence.writeRefusal).toBeNull();
    write(server, 1);
    await settle();
    const again = new ModelServer(disk.powerCut(() => 0));
    await again.start();
    expect(again.journal.length).toBe(server.executed);
  });
});

describe('SHUTDOWN', () => {
  test('syncs the log, and saves as save points or flags say', async () => {
    for (const [mode, points, saved] of [
      ['configured', 1, true],
      ['configured', 0, false],
      ['nosave', 1, false],
      ['save', 0, true],
    ] as const) {
      const { server, disk } = await started({ save: points === 1 ? [{ seconds: 1, changes: 1000 }] : [] });
      write(server, 9);
      expect(await server.persistence.shutdown(mode, false)).toBe(true);
      expect(disk.content('/data/dump.rdb') !== null, mode).toBe(saved);
      const again = new ModelServer(disk.powerCut(() => 0));
      await again.start();
      expect(again.journal.length).toBe(9);
    }
  });

  test('is refused when saving fails, and forced', async () => {
    const { server, disk } = await started({ save: [{ seconds: 1, changes: 1000 }] });
    write(server, 9);
    disk.fault = (kind, path) => (kind === 'write' && path.includes('temp-') ? { code: 'ENOSPC' } : null);
    expect(await server.persistence.shutdown('configured', false)).toBe(false);
    write(server, 1);
    expect(server.acknowledged).toBe(10);
    expect(await server.persistence.shutdown('configured', true)).toBe(true);
  });

  test('stops what runs, and leaves no temporary file', async () => {
    const { server, disk } = await started();
    const open = gate(server);
    server.persistence.rewriteAppendLog();
    await turnLoop();
    write(server, 2);
    setImmediate(open);
    expect(await server.persistence.shutdown('nosave', false)).toBe(true);
    expect(disk.files().filter((path) => path.includes('temp-'))).toEqual([]);
    const again = new ModelServer(disk.powerCut(() => 0));
    await again.start();
    expect(again.journal.length).toBe(2);
  });

  test('is refused while the first rewrite runs, unless forced', async () => {
    const { server } = await started({ appendonly: false });
    const open = gate(server);
    server.persistence.setAppendonly(true);
    await turnLoop();
    expect(await server.persistence.shutdown('nosave', false)).toBe(false);
    setImmediate(open);
    expect(await server.persistence.shutdown('nosave', true)).toBe(true);
  });
});

describe('DEBUG', () => {
  test('RELOAD saves, empties and loads; MERGE loads over what is there', async () => {
    const { server } = await started();
    write(server, 8);
    expect(server.persistence.reload({ save: true, flush: true, merge: false })).toBeNull();
    expect(server.data).toEqual(ModelServer.after(8));
    expect(server.persistence.reload({ save: false, flush: false, merge: false })).toMatch(/^ERR Error trying to load/);
    expect(server.persistence.reload({ save: false, flush: false, merge: true })).toBeNull();
    expect(server.data).toEqual(ModelServer.after(8));
  });

  test('LOADAOF writes what is due and loads it again; the log goes on', async () => {
    const { server, disk } = await started();
    write(server, 8);
    server.execute();
    expect(server.persistence.loadAppendLog()).toBeNull();
    server.endTurn();
    expect(server.data).toEqual(ModelServer.after(9));
    write(server, 1);
    const again = new ModelServer(disk.kill());
    await again.start();
    expect(again.data).toEqual(ModelServer.after(10));
  });
});
