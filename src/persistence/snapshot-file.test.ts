import { expect, test } from 'vitest';
import { type DiskOperation, FaultyDisk } from '../disk/faulty-disk.js';
import { SnapshotFile } from './snapshot-file.js';

const REQUEST = { path: '/data/dump.rdb', tempPath: '/data/temp-1.rdb', incrementalSync: true };

test.each(['write', 'sync', 'rename', 'syncDir'] as DiskOperation[])(
  'a %s that fails: no temporary file stays, and its descriptor is closed once',
  (failing) => {
    const disk = new FaultyDisk();
    disk.put('/data/dump.rdb', 'old');
    disk.fault = (operation) => (operation === failing ? { code: 'EIO' } : null);
    const file = new SnapshotFile(disk, REQUEST, () => false);
    expect(() => {
      file.write(Buffer.from('new'), 3);
      file.complete();
    }).toThrow('EIO');
    file.discard();
    expect(disk.files()).toEqual(['/data/dump.rdb']);
    expect(disk.content('/data/dump.rdb')!.toString()).toBe(failing === 'syncDir' ? 'new' : 'old');
    expect([disk.openFiles, disk.badCloses]).toEqual([0, 0]);
  },
);
