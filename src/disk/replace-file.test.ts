import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeDisk } from './disk.js';
import { FaultyDisk, seededRandom } from './faulty-disk.js';
import { readFile, replaceFile, replaceFileAsync, writeAll } from './replace-file.js';

const OLD = Buffer.from('the old content');
const NEW = Buffer.from('the new content, which is longer');

describe('replaceFile on a faulty disk', () => {
  test('after success the new content survives a power cut', () => {
    for (let seed = 0; seed < 50; seed++) {
      let disk = new FaultyDisk();
      disk.put('/d/f', OLD);
      replaceFile(disk, '/d/f', '/d/t', NEW);
      disk = disk.powerCut(seededRandom(seed));
      expect(readFile(disk, '/d/f'), `seed ${seed}`).toEqual(NEW);
    }
  });

  test.each(['sync', 'async'])('a power cut at any operation leaves the old or the new content (%s)', async (how) => {
    for (let at = 1; at <= 6; at++) {
      for (let seed = 0; seed < 40; seed++) {
        let disk = new FaultyDisk();
        disk.put('/d/f', OLD);
        disk.random = seededRandom(seed);
        disk.fault = (_kind, _path, n) => (n === at ? 'crash' : null);
        try {
          if (how === 'sync') replaceFile(disk, '/d/f', '/d/t', NEW);
          else await replaceFileAsync(disk, '/d/f', '/d/t', NEW);
        } catch (error) {
          expect(disk.off, String(error)).toBe(true);
        }
        disk = disk.powerCut(seededRandom(seed * 7 + at));
        const found = readFile(disk, '/d/f')?.toString();
        expect([OLD.toString(), NEW.toString()], `at ${at}, seed ${seed}`).toContain(found);
      }
    }
  });

  test.each(['write', 'sync', 'rename'])('a failing %s leaves the old file and no temporary one', (kind) => {
    const disk = new FaultyDisk();
    disk.put('/d/f', OLD);
    disk.fault = (operation) => (operation === kind ? { code: 'ENOSPC' } : null);
    expect(() => replaceFile(disk, '/d/f', '/d/t', NEW)).toThrow('ENOSPC');
    expect(disk.files()).toEqual(['/d/f']);
    expect(disk.content('/d/f')).toEqual(OLD);
    expect(disk.openFiles).toBe(0);
  });

  test('short writes are continued', () => {
    const disk = new FaultyDisk();
    disk.fault = (operation) => (operation === 'write' ? { short: 3 } : null);
    disk.put('/d/f', OLD);
    replaceFile(disk, '/d/f', '/d/t', NEW);
    expect(disk.content('/d/f')).toEqual(NEW);
  });
});

describe('FaultyDisk', () => {
  test('what was not synced may be lost, whole or in part, and what was synced is kept', () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 300; seed++) {
      let disk = new FaultyDisk();
      disk.mkdir('/d');
      disk.syncDir('/');
      const fd = disk.open('/d/f', 'create');
      disk.syncDir('/d');
      writeAll(disk, fd, Buffer.from('durable'));
      disk.sync(fd);
      writeAll(disk, fd, Buffer.from('|maybe'));
      disk = disk.powerCut(seededRandom(seed));
      const content = readFile(disk, '/d/f')!;
      expect(content.subarray(0, 7).toString()).toBe('durable');
      lengths.add(content.length);
    }
    expect([...lengths].sort((a, b) => a - b)).toEqual([7, 8, 9, 10, 11, 12, 13]);
  });

  test('a name that was not synced may be missing after a power cut, not after a kill', () => {
    let missing = 0;
    for (let seed = 0; seed < 40; seed++) {
      let disk = new FaultyDisk();
      disk.put('/d/other', '');
      const fd = disk.open('/d/f', 'create');
      writeAll(disk, fd, NEW);
      disk.sync(fd);
      disk = disk.kill();
      expect(readFile(disk, '/d/f')).toEqual(NEW);
      disk = disk.powerCut(seededRandom(seed));
      if (readFile(disk, '/d/f') === null) missing++;
    }
    expect(missing).toBeGreaterThan(0);
    expect(missing).toBeLessThan(40);
  });

  test('what a failed sync has lost does not come back with the next one that succeeds', () => {
    let disk = new FaultyDisk();
    disk.put('/d/f', 'abc');
    const fd = disk.open('/d/f', 'update');
    disk.writeAt(fd, Buffer.from('Bdef'), 0, 4, 2);
    disk.fault = (operation) => (operation === 'sync' ? { code: 'EIO' } : null);
    expect(() => disk.sync(fd)).toThrow('EIO');
    disk.fault = () => null;
    disk.writeAt(fd, Buffer.from('ghi'), 0, 3, 6);
    disk.sync(fd);
    disk = disk.powerCut(seededRandom(1));
    expect(readFile(disk, '/d/f')!.toString('latin1')).toBe('abc\0\0\0ghi');
  });

  test('what was written over and not synced is there, or not, sector by sector', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      let disk = new FaultyDisk();
      disk.put('/d/f', '.'.repeat(1500));
      const fd = disk.open('/d/f', 'update');
      disk.writeAt(fd, Buffer.from('a'), 0, 1, 500);
      disk.writeAt(fd, Buffer.from('b'.repeat(600)), 0, 600, 501);
      disk = disk.powerCut(seededRandom(seed));
      const content = readFile(disk, '/d/f')!.toString('latin1');
      expect(content).toMatch(/^\.{500}([.a])([.b])\2{10}([.b])\3{511}([.b])\4{76}\.{399}$/);
      seen.add([500, 501, 512, 1024].map((at) => content[at]).join(''));
    }
    // The first sector is old, or has one or both of its writes.
    expect(seen.size).toBe(3 * 2 * 2);
  });

  test('two syncs under way at once cover what was written before each began', async () => {
    let disk = new FaultyDisk();
    disk.put('/d/f', '');
    const fd = disk.open('/d/f', 'create');
    writeAll(disk, fd, Buffer.from('one'));
    const first = disk.syncAsync(fd);
    writeAll(disk, fd, Buffer.from('two'));
    const second = disk.syncAsync(fd);
    writeAll(disk, fd, Buffer.from('three'));
    await Promise.all([first, second]);
    disk = disk.powerCut(() => 0);
    expect(readFile(disk, '/d/f')!.toString().startsWith('onetwo')).toBe(true);
  });
});

describe('nodeDisk', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'onggi-disk-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('replaces, appends, truncates, lists and removes as the interface says', async () => {
    const path = join(dir, 'f');
    replaceFile(nodeDisk, path, join(dir, 't'), OLD);
    await replaceFileAsync(nodeDisk, path, join(dir, 't'), NEW);
    expect(readFile(nodeDisk, path)).toEqual(NEW);
    expect(nodeDisk.list(dir)).toEqual(['f']);
    const fd = nodeDisk.open(path, 'update');
    expect(nodeDisk.writeAt(fd, OLD, 0, 3, NEW.length)).toBe(3);
    nodeDisk.truncate(fd, 7);
    expect(nodeDisk.writeAt(fd, OLD, 3, 4, 7)).toBe(4);
    await nodeDisk.syncAsync(fd);
    expect(nodeDisk.size(fd)).toBe(11);
    const buf = new Uint8Array(11);
    expect(nodeDisk.read(fd, buf, 0, 11, 0)).toBe(11);
    expect(Buffer.from(buf).toString()).toBe('the new old');
    nodeDisk.close(fd);
    nodeDisk.mkdir(join(dir, 'a'));
    nodeDisk.mkdir(join(dir, 'a'));
    expect(nodeDisk.stat(join(dir, 'a'))?.directory).toBe(true);
    expect(nodeDisk.stat(join(dir, 'none'))).toBeNull();
    await nodeDisk.unlinkAsync(path);
    expect(nodeDisk.stat(path)).toBeNull();
    expect(() => nodeDisk.open(path, 'read')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
