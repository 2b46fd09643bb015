/** What the directory of a log holds besides the log, and when it is on the disk. */
import { describe, expect, test } from 'vitest';
import { type FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { appendonly, emptyDisk, rewritten, start, turnLoops, turns } from './testing/steps.js';

describe('a process that is killed after a failed sync', () => {
  const MARK = '/data/appendonlydir/appendonly.aof.unsynced';

  /** The disk as it is then: what the last turns wrote is in the system's cache only, and taken for written. */
  async function killedAfterFailedSync(): Promise<FaultyDisk> {
    const disk = emptyDisk();
    const server = await start(disk, { appendfsync: 'everysec' });
    turns(server, 3);
    await turnLoops(20);
    server.tick(1100);
    await turnLoops(20);
    disk.fault = (kind, path) => (kind === 'sync' && path.endsWith('.incr.aof') ? { code: 'EIO' } : null);
    turns(server, 3);
    server.tick(1100);
    await turnLoops(20);
    expect(server.persistence.appendLog.syncFailed).toBe(true);
    return disk.kill();
  }

  test('leaves a note, with which the next one refuses writes until all data is in new files', async () => {
    const disk = await killedAfterFailedSync();
    expect(disk.content(MARK)!.toString()).toContain('A sync of the append only files has failed');
    const server = await start(disk);
    expect(server.journal.length).toBe(6);
    expect(server.persistence.writeRefusal).toBe('MISCONF Errors writing to the AOF file: Input/output error');
    expect(server.lines.join('\n')).toContain(MARK);
    await rewritten(server);
    expect(server.persistence.writeRefusal).toBe(null);
    expect(disk.content(MARK)).toBe(null);
    turns(server, 2);
    server.tick(1100);
    await turnLoops(20);
    expect((await start(disk.powerCut(seededRandom(3)))).journal.length).toBe(8);
  });

  describe('notes how much of the log is on the disk', () => {
    const LOG = '/data/appendonlydir/appendonly.aof.1.incr.aof';

    /** As when the system has dropped pages that it could not write: zeros at `offset` from what is on the disk. */
    async function lostAt(offset: number, bytes = 8): Promise<FaultyDisk> {
      const disk = await killedAfterFailedSync();
      const synced = Number(
        /Of appendonly.aof.1.incr.aof the first (\d+) bytes/.exec(disk.content(MARK)!.toString())![1],
      );
      expect(synced).toBeGreaterThan(100);
      expect(disk.content(LOG)!.length).toBeGreaterThan(synced + 100);
      disk.put(LOG, disk.content(LOG)!.fill(0, synced + offset, synced + offset + bytes));
      return disk;
    }

    test.each([
      ['at once', 0, 1],
      ['later on', 40, 8],
    ])('so what is lost behind that, %s, is cut off', async (_, offset, bytes) => {
      const disk = await lostAt(offset, bytes);
      const server = await start(disk);
      expect(server.journal.length).toBe(3);
      expect(server.lines.join('\n')).toMatch(/only the first \d+ bytes were on the disk when a sync of it failed/);
      await rewritten(server);
      turns(server, 2);
      await turnLoops(20);
      expect((await start(disk.powerCut(seededRandom(3)))).journal.length).toBe(5);
    });

    test('and damage before it is refused', async () => {
      await expect(start(await lostAt(-40))).rejects.toThrow('Bad file format');
    });

    test('unless nothing is to be cut off', async () => {
      const disk = await lostAt(40);
      await expect(start(disk, { 'aof-load-truncated': false })).rejects.toThrow('Unexpected end of file');
      expect(disk.content(MARK)).not.toBe(null);
    });

    test('of the first sync that failed, whatever a later process is told', async () => {
      const disk = await lostAt(40);
      const before = disk.content(MARK)!.toString();
      disk.fault = (kind, path) => (kind === 'sync' && path.endsWith('.incr.aof') ? { code: 'EIO' } : null);
      await expect(start(disk)).rejects.toThrow();
      expect(disk.content(MARK)!.toString()).toBe(before);
    });
  });

  test('the note is there until a rewrite succeeds, however often it is started', async () => {
    let disk = await killedAfterFailedSync();
    await start(disk);
    disk = disk.kill();
    const server = await start(disk);
    disk.fault = (kind, path) => (kind === 'sync' && path.includes('rewriteaof') ? { code: 'EIO' } : null);
    server.tick(1100);
    await turnLoops(40);
    expect(disk.content(MARK)).not.toBe(null);
    expect(server.persistence.writeRefusal).not.toBe(null);
  });

  test.each(['open', 'write', 'sync', 'rename', 'syncDir'])(
    'a note that cannot be made (%s) is made as soon as it can',
    async (what) => {
      let disk = emptyDisk();
      const server = await start(disk, { appendfsync: 'everysec' });
      server.snapshotGate = new Promise(() => {});
      turns(server, 3);
      disk.fault = (kind, path) => {
        if (path.endsWith('.incr.aof') && kind === 'sync') return { code: 'EIO' };
        return kind === what && (path.endsWith('.unsynced') || kind === 'syncDir') ? { code: 'ENOSPC' } : null;
      };
      for (let i = 0; i < 3; i++) {
        server.tick(1100);
        await turnLoops(20);
      }
      expect(server.lines.filter((line) => line.includes(`Can't note in ${MARK}`)).length).toBe(1);
      disk.fault = () => null;
      server.tick(100);
      disk = disk.powerCut(() => 0.99);
      expect(disk.content(MARK)!.toString()).toMatch(
        /removes this file\.\nOf appendonly.aof.1.incr.aof the first 0 bytes are on the disk\.\n$/,
      );
    },
  );

  test('a note that cannot be made is told of', async () => {
    const disk = emptyDisk();
    const server = await start(disk, { appendfsync: 'everysec' });
    disk.fault = (kind) => (kind === 'sync' || kind === 'open' ? { code: 'EIO' } : null);
    turns(server, 3);
    server.tick(1100);
    await turnLoops(20);
    expect(server.lines.join('\n')).toContain(`Can't note in ${MARK} that a sync has failed`);
    expect(server.persistence.writeRefusal).not.toBe(null);
  });

  test.each([
    ['', "Can't fsync the append only file"],
    ['*3\r\n$3\r\nSE', 'Error truncating the AOF file'],
  ])(
    'so does a start that is refused because of it: the next would take the cache for the disk (%j)',
    async (torn, message) => {
      let disk = emptyDisk();
      turns(await start(disk, { appendfsync: 'everysec' }), 3);
      disk = disk.kill();
      const fd = disk.open('/data/appendonlydir/appendonly.aof.1.incr.aof', 'update');
      disk.writeAt(fd, Buffer.from(torn), 0, torn.length, disk.size(fd));
      disk.close(fd);
      disk.fault = (kind, path) => (kind === 'sync' && path.endsWith('.incr.aof') ? { code: 'EIO' } : null);
      await expect(start(disk)).rejects.toThrow(message);
      expect(disk.openFiles).toBe(0);
      disk.fault = () => null;
      const server = await start(disk);
      expect(server.persistence.writeRefusal).not.toBe(null);
      await rewritten(server);
      turns(server, 2);
      await turnLoops(20);
      expect(server.logged).toBe(5);
      expect((await start(disk.powerCut(seededRandom(3)))).journal.length).toBe(5);
    },
  );

  test('a rewrite while appendonly is off makes it out of date, too', async () => {
    const disk = await killedAfterFailedSync();
    const server = await start(disk, { appendonly: false });
    expect(disk.content(MARK)).not.toBe(null);
    server.persistence.rewriteAppendLog();
    await rewritten(server);
    expect(disk.content(MARK)).toBe(null);
  });

  test('where there is no log to go on with, the note is out of date', async () => {
    const disk = emptyDisk();
    disk.put(MARK, 'x');
    const server = await start(disk);
    expect(server.persistence.writeRefusal).toBe(null);
    expect(disk.content(MARK)).toBe(null);
  });
});

test('a directory whose name could not be synced as it was made is synced before anything is kept in it', async () => {
  const disk = emptyDisk();
  const server = await start(disk, { appendonly: false });
  disk.fault = (kind, path) => (kind === 'syncDir' && path === '/data' ? { code: 'EIO' } : null);
  expect(appendonly(server, true)).toBe('Unable to turn on AOF. Check server logs.');
  expect(server.persistence.rewriter.lastOk).toBe(false);
  disk.fault = () => null;
  expect(appendonly(server, true)).toBe(null);
  await rewritten(server);
  turns(server, 3);
  await turnLoops(20);
  expect(server.logged).toBe(3);
  // Of the names that were not synced none is left.
  expect((await start(disk.powerCut(() => 0.99))).journal.length).toBe(3);
});

test('a log that begins behind a rewrite without one, whose history was kept, is not deleted with it', async () => {
  let disk = emptyDisk();
  turns(await start(disk), 3);
  disk = disk.kill();
  const without = await start(disk, { appendonly: false, 'aof-disable-auto-gc': true });
  without.persistence.rewriteAppendLog();
  await rewritten(without);
  disk = disk.kill();
  const server = await start(disk, { appendonly: false });
  expect(appendonly(server, true)).toBe(null);
  await rewritten(server);
  turns(server, 4);
  await turnLoops(20);
  expect((await start(disk.kill())).journal.length).toBe(4);
});

test('a manifest that cannot be read while the log is open stands: no rewrite empties a file that it names', async () => {
  const disk = emptyDisk();
  const server = await start(disk, { appendfsync: 'always' });
  turns(server, 5);
  await turnLoops(20);
  disk.fault = (kind, path) => (kind === 'open' && path.endsWith('.manifest') ? { code: 'EIO' } : null);
  expect(server.persistence.loadAppendLog()).toMatch(/^ERR Error trying to load the AOF files/);
  disk.fault = () => null;
  server.snapshotGate = new Promise(() => {});
  server.persistence.rewriteAppendLog();
  await turnLoops(40);
  expect((await start(disk.kill())).journal.length).toBe(5);
});
