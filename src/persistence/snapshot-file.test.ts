import { expect, test } from 'vitest';
import { type DiskOperation, FaultyDisk } from '../disk/faulty-disk.js';
import { SnapshotFile } from './snapshot-file.js';

const REQUEST = { path: '/data/dump.rdb', tempPath: '/data/temp-1.rdb', incrementalSync: true };

const WRITE = 'Write error saving DB on disk (/data/temp-1.rdb, after';
const MOVE = 'Error moving temp file temp-1.rdb on the final destination dump.rdb (in server root dir /data)';

test.each([
  ['open', 'Failed opening the temp file temp-1.rdb (in server root dir /data) for saving'],
  ['write', `${WRITE} 0 bytes)`],
  ['sync', `${WRITE} 3 bytes)`],
  ['rename', MOVE],
  ['syncDir', MOVE],
] as [DiskOperation, string][])(
  'a %s that fails is told with its file: no temporary one stays, and its descriptor is closed once',
  (failing, text) => {
    const disk = new FaultyDisk();
    disk.put('/data/dump.rdb', 'old');
    disk.fault = (operation) => (operation === failing ? { code: 'EIO' } : null);
    let file: SnapshotFile | null = null;
    expect(() => {
      file = new SnapshotFile(disk, REQUEST, () => false);
      file.write(Buffer.from('new'), 3);
      file.complete();
    }).toThrow(`${text}: Input/output error`);
    (file as SnapshotFile | null)?.discard();
    expect(disk.files()).toEqual(['/data/dump.rdb']);
    expect(disk.content('/data/dump.rdb')!.toString()).toBe(failing === 'syncDir' ? 'new' : 'old');
    expect([disk.openFiles, disk.badCloses]).toEqual([0, 0]);
  },
);

test('what is stopped while it is synced does not get its name', () => {
  const disk = new FaultyDisk();
  disk.put('/data/dump.rdb', 'old');
  let stopped = false;
  disk.fault = (operation) => {
    if (operation === 'sync') stopped = true;
    return null;
  };
  const file = new SnapshotFile(disk, REQUEST, () => stopped);
  file.write(Buffer.from('new'), 3);
  expect(() => file.complete()).toThrow();
  file.discard();
  expect(disk.files()).toEqual(['/data/dump.rdb']);
  expect(disk.content('/data/dump.rdb')!.toString()).toBe('old');
});
