import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32 } from '../base/crc32.js';
import { nodeDisk } from '../disk/disk.js';
import { FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { RecoveryError } from './recovery.js';
import { ModelServer, type MutableConfig } from './testing/model-server.js';

const DIR = '/data/appendonlydir';
const INCR = `${DIR}/appendonly.aof.1.incr.aof`;

function command(...argv: string[]): string {
  return `*${argv.length}\r\n${argv.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;
}
const numbered = (n: number): string => command('APPEND', 'journal', `${n},`);
const SELECT = command('SELECT', '0');

function fakeRdb(journal: string): string {
  const json = JSON.stringify([[['journal', journal]], []]);
  return `REDIS0011${String(json.length).padStart(8, '0')}${json}`;
}

/** A disk with a manifest and files; names in the directory, contents. */
function withFiles(files: Record<string, string>, manifest?: string): FaultyDisk {
  const disk = new FaultyDisk();
  disk.put('/data/x', '');
  for (const [name, content] of Object.entries(files)) disk.put(`${DIR}/${name}`, content);
  if (manifest !== undefined) disk.put(`${DIR}/appendonly.aof.manifest`, manifest);
  return disk;
}

async function start(disk: FaultyDisk, config: Partial<MutableConfig> = {}): Promise<ModelServer> {
  const server = new ModelServer(disk, config);
  await server.start();
  return server;
}

async function refusal(disk: FaultyDisk, config: Partial<MutableConfig> = {}): Promise<RecoveryError> {
  const before = disk.files().map((path) => [path, disk.content(path)!.toString('latin1')]);
  const server = new ModelServer(disk, config);
  const error = await server.start().then(
    () => new Error('it started'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RecoveryError);
  expect(disk.files().map((path) => [path, disk.content(path)!.toString('latin1')])).toEqual(before);
  expect(server.lines.join('\n')).toContain((error as RecoveryError).message);
  return error as RecoveryError;
}

const ONE_INCR = 'file appendonly.aof.1.incr.aof seq 1 type i\n';

describe('nothing there', () => {
  test('appendonly yes begins with an empty base, an incr and a manifest', async () => {
    const disk = new FaultyDisk();
    disk.put('/data/x', '');
    await start(disk);
    expect(disk.files()).toEqual([
      `${DIR}/appendonly.aof.1.base.rdb`,
      `${DIR}/appendonly.aof.1.incr.aof`,
      `${DIR}/appendonly.aof.manifest`,
      '/data/x',
    ]);
    expect(disk.content(`${DIR}/appendonly.aof.manifest`)!.toString()).toContain(
      'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    );
  });

  test('appendonly no makes no files', async () => {
    const disk = new FaultyDisk();
    disk.put('/data/x', '');
    await start(disk, { appendonly: false });
    expect(disk.files()).toEqual(['/data/x']);
  });
});

describe('a dump', () => {
  test('is loaded with appendonly no', async () => {
    const disk = new FaultyDisk();
    disk.put('/data/dump.rdb', fakeRdb('1,2,'));
    const server = await start(disk, { appendonly: false });
    expect(server.journal).toEqual([1, 2]);
    expect(server.lines.some((line) => /^DB loaded from disk: \d+\.\d{3} seconds$/.test(line))).toBe(true);
  });

  test('is imported with appendonly yes when there is no AOF, and stays', async () => {
    const disk = new FaultyDisk();
    disk.put('/data/dump.rdb', fakeRdb('1,2,'));
    const server = await start(disk);
    expect(server.journal).toEqual([1, 2]);
    server.execute();
    server.endTurn();
    expect(disk.content('/data/dump.rdb')!.toString()).toBe(fakeRdb('1,2,'));
    const next = disk.powerCut(seededRandom(1));
    expect((await start(next)).journal.slice(0, 2)).toEqual([1, 2]);
  });

  test('an import that a crash stopped begins again', async () => {
    for (let at = 1; ; at++) {
      const disk = new FaultyDisk();
      disk.put('/data/dump.rdb', fakeRdb('1,2,'));
      disk.fault = (_kind, _path, n) => (n === at ? 'crash' : null);
      await new ModelServer(disk).start().catch(() => {});
      const done = !disk.off;
      const next = disk.powerCut(seededRandom(at));
      expect((await start(next)).journal, `crash at ${at}`).toEqual([1, 2]);
      if (done) break;
    }
  });

  test('loses against an AOF', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': SELECT + numbered(1) }, ONE_INCR);
    disk.put('/data/dump.rdb', fakeRdb('1,2,3,'));
    expect((await start(disk)).journal).toEqual([1]);
    const server = await start(disk, { appendonly: false });
    expect(server.journal).toEqual([1, 2, 3]);
    expect(server.lines.join('\n')).toContain(`the append only file of ${DIR}/appendonly.aof.manifest is not loaded`);
  });

  test('that is damaged stops the start', async () => {
    const disk = new FaultyDisk();
    disk.put('/data/dump.rdb', 'REDIS0011000');
    expect((await refusal(disk, { appendonly: false })).message).toContain('redis-check-rdb /data/dump.rdb');
  });
});

describe('files of a manifest', () => {
  test('base and incrs are read in order', async () => {
    const disk = withFiles(
      {
        'appendonly.aof.2.base.rdb': fakeRdb('1,'),
        'appendonly.aof.4.incr.aof': SELECT + numbered(2),
        'appendonly.aof.5.incr.aof': numbered(3),
        'appendonly.aof.3.incr.aof': numbered(9),
      },
      'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.3.incr.aof seq 3 type h\n' +
        'file appendonly.aof.4.incr.aof seq 4 type i\nfile appendonly.aof.5.incr.aof seq 5 type i\n',
    );
    const server = await start(disk);
    expect(server.journal).toEqual([1, 2, 3]);
    expect(server.lines.filter((line) => line.startsWith('DB loaded')).length).toBe(4);
    // History is removed; the last incr is gone on with.
    expect(disk.content(`${DIR}/appendonly.aof.3.incr.aof`)).toBeNull();
    server.execute();
    server.endTurn();
    expect(disk.content(`${DIR}/appendonly.aof.5.incr.aof`)!.toString()).toBe(`${numbered(3)}${SELECT}${numbered(4)}`);
  });

  test('each log begins in database 0', async () => {
    const disk = withFiles(
      { 'a.1.incr.aof': command('SELECT', '1') + command('SET', 'k', 'v'), 'a.2.incr.aof': numbered(1) },
      'file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n',
    );
    expect((await start(disk)).journal).toEqual([1]);
  });

  test('one that is missing stops the start', async () => {
    const disk = withFiles({}, ONE_INCR);
    const error = await refusal(disk);
    expect(error.file).toBe(INCR);
    expect(error.message).toContain("doesn't exist");
  });

  test('a manifest that is not one stops the start, naming line and reason', async () => {
    const error = await refusal(withFiles({}, `${ONE_INCR}file b seq 1 type i\n`));
    expect(error.message).toMatch(/manifest, line 2: Found a non-monotonic sequence number/);
  });
});

describe('a file from before version 7', () => {
  const old = SELECT + numbered(1) + numbered(2);
  const upgraded = (disk: FaultyDisk) => {
    expect(disk.content('/data/appendonly.aof')).toBeNull();
    expect(disk.content(`${DIR}/appendonly.aof.manifest`)!.toString()).toContain(
      'file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    );
  };

  test.each([
    ['of commands', old],
    ['with an RDB in front', fakeRdb('1,') + SELECT + numbered(2)],
    ['that is an RDB', fakeRdb('1,2,')],
  ])('%s is loaded and moved into the directory', async (_what, content) => {
    const disk = new FaultyDisk();
    disk.put('/data/appendonly.aof', content);
    const server = await start(disk);
    expect(server.journal).toEqual([1, 2]);
    expect(disk.content(`${DIR}/appendonly.aof`)!.toString()).toBe(content);
    upgraded(disk);
    server.execute();
    server.endTurn();
    expect((await start(disk.kill())).journal).toEqual([1, 2, 3]);
  });

  test('a crash at any step: the next start goes on', async () => {
    for (let at = 1; ; at++) {
      const disk = new FaultyDisk();
      disk.put('/data/appendonly.aof', old);
      disk.fault = (_kind, _path, n) => (n === at ? 'crash' : null);
      disk.random = seededRandom(at);
      await new ModelServer(disk).start().catch(() => {});
      const done = !disk.off;
      const next = disk.powerCut(seededRandom(at));
      expect((await start(next)).journal, `crash at ${at}`).toEqual([1, 2]);
      upgraded(next);
      if (done) break;
    }
  });

  test('is left alone when the directory has an AOF', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': numbered(1) }, ONE_INCR);
    disk.put('/data/appendonly.aof', old);
    expect((await start(disk)).journal).toEqual([1]);
    expect(disk.content('/data/appendonly.aof')!.toString()).toBe(old);
  });

  test('that is cut is cut before it becomes the base', async () => {
    const disk = new FaultyDisk();
    disk.put('/data/appendonly.aof', `${old}*3\r\n$3`);
    const server = await start(disk, { appendfsync: 'always' });
    expect(server.journal).toEqual([1, 2]);
    expect(disk.content(`${DIR}/appendonly.aof`)!.toString()).toBe(old);
    // It is not the last file any more: the cut must not come back.
    server.execute();
    server.endTurn();
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.acknowledged).toBe(3);
    expect((await start(disk.powerCut(() => 0))).journal).toEqual([1, 2, 3]);
  });
});

describe('a cut tail', () => {
  const whole = SELECT + numbered(1);

  test('is dropped, with a message that says where', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': `${whole}${numbered(2).slice(0, 20)}` }, ONE_INCR);
    const server = await start(disk);
    expect(server.journal).toEqual([1]);
    expect(disk.content(INCR)!.toString()).toBe(whole);
    expect(server.lines).toContain(`# !!! Warning: short read while loading the AOF file ${INCR}!!!`);
    expect(server.lines).toContain(`# !!! Truncating the AOF ${INCR} at offset ${whole.length} !!!`);
    expect(server.lines).toContain(`# AOF ${INCR} loaded anyway because aof-load-truncated is enabled`);
  });

  test.each(['', numbered(3).slice(0, 9)])('within a transaction goes from its MULTI on (%j)', async (tail) => {
    const open = `${whole}${command('MULTI')}${numbered(2)}${tail}`;
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': open }, ONE_INCR);
    const server = await start(disk);
    expect(server.journal).toEqual([1]);
    expect(disk.content(INCR)!.toString()).toBe(whole);
    // What is written afterwards is not swallowed by an open transaction.
    server.execute();
    server.endTurn();
    expect((await start(disk.kill())).journal).toEqual([1, 2]);
  });

  test('stops the start with aof-load-truncated no', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': `${whole}*3\r\n` }, ONE_INCR);
    const error = await refusal(disk, { 'aof-load-truncated': false });
    expect(error.offset).toBe(whole.length);
    expect(error.message).toContain(`Unexpected end of file reading the append only file ${INCR}`);
    expect(error.message).toContain(`redis-check-aof --fix ${INCR}`);
  });

  test('of a file that is not the last stops the start, unless nothing follows', async () => {
    const manifest = `${ONE_INCR}file appendonly.aof.2.incr.aof seq 2 type i\n`;
    const files = { 'appendonly.aof.1.incr.aof': `${whole}*3\r\n`, 'appendonly.aof.2.incr.aof': numbered(2) };
    const error = await refusal(withFiles(files, manifest));
    expect(error.message).not.toContain("the 'aof-load-truncated' configuration option");
    const server = await start(withFiles({ ...files, 'appendonly.aof.2.incr.aof': '' }, manifest));
    expect(server.journal).toEqual([1]);
  });
});

describe('damage', () => {
  test('stops the start, naming file, offset and what repairs it', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': `${numbered(1)}garbage${numbered(2)}` }, ONE_INCR);
    const error = await refusal(disk);
    expect(error.file).toBe(INCR);
    expect(error.offset).toBe(numbered(1).length);
    expect(error.message).toContain(`Bad file format reading the append only file ${INCR}`);
    expect(error.message).toContain(`byte ${numbered(1).length}`);
    expect(error.message).toContain(`redis-check-aof --fix ${INCR}`);
  });

  test('that only the checksums show is not sent to redis-check-aof, which does not look at them', async () => {
    const sum = (bytes: string) => `#CK:${bytes.length}:${crc32(Buffer.from(bytes)).toString(16).padStart(8, '0')}\r\n`;
    const whole = numbered(1) + sum(numbered(1));
    const damaged = whole + numbered(2) + sum(numbered(3));
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': damaged }, ONE_INCR);
    const error = await refusal(disk);
    expect(error.offset).toBe(whole.length);
    expect(error.message).not.toContain('--fix');
    expect(error.message).toContain(`truncate -s ${whole.length} ${INCR}`);
    // What the message says helps.
    const cut = withFiles({ 'appendonly.aof.1.incr.aof': damaged.slice(0, whole.length) }, ONE_INCR);
    expect((await start(cut)).journal).toEqual([1]);
    expect((await start(disk, { 'aof-checksum': false })).journal).toEqual([1, 2]);
    // A sum from elsewhere: bytes may be missing before it, so what it was to cover goes, too.
    const elsewhere = withFiles({ 'appendonly.aof.1.incr.aof': whole + numbered(2) + sum('x') }, ONE_INCR);
    expect((await refusal(elsewhere)).message).toContain(`truncate -s ${whole.length} ${INCR}`);
    // Cut in the middle of a log, what follows would be applied to other data.
    const manifest = `${ONE_INCR}file appendonly.aof.2.incr.aof seq 2 type i\n`;
    const files = { 'appendonly.aof.1.incr.aof': damaged, 'appendonly.aof.2.incr.aof': numbered(4) };
    const inside = await refusal(withFiles(files, manifest));
    expect(inside.message).not.toContain('truncate');
    expect(inside.message).toContain('aof-checksum no');
  });

  test('a command that nobody knows stops the start', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': numbered(1) + command('FROB', 'x') }, ONE_INCR);
    const error = await refusal(disk);
    expect(error.message).toContain(`Unknown command 'FROB' reading the append only file ${INCR}`);
    expect(error.offset).toBe(numbered(1).length);
  });

  test('a command that answers an error is told; the rest is loaded', async () => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': command('SET', 'troubled', 'x') + numbered(1) }, ONE_INCR);
    const server = await start(disk);
    expect(server.journal).toEqual([1]);
    expect(server.lines.join('\n')).toMatch(/== CRITICAL == While the AOF was loaded the command 'SET' .*ERR trouble/);
  });

  test('a database that does not exist here stops the start', async () => {
    const log = numbered(1) + command('SELECT', '7') + numbered(2);
    const error = await refusal(withFiles({ 'appendonly.aof.1.incr.aof': log }, ONE_INCR));
    expect(error.offset).toBe(numbered(1).length);
    expect(error.message).toContain('ERR DB index is out of range');
  });

  test('a flipped bit within a value is found by its checksum; aof-checksum no loads it', async () => {
    let disk = withFiles({}, undefined);
    const server = await start(disk);
    for (let i = 0; i < 5; i++) server.execute();
    server.endTurn();
    server.tick(2000);
    const content = disk.content(INCR)!;
    content[content.indexOf('2,')]! ^= 1;
    disk = disk.kill();
    disk.put(INCR, content);
    const error = await refusal(disk);
    expect(error.offset).toBe(0);
    expect(error.message).toContain('aof-checksum no');
    expect((await start(disk, { 'aof-checksum': false })).journal).toEqual([1, 3, 3, 4, 5]);
  });

  describe('what a log ends in without a checksum gets one after the start', () => {
    const file = (content: string) => withFiles({ 'appendonly.aof.1.incr.aof': content }, ONE_INCR);
    /** A server that was killed before it had summed up 3 and 4; 1 and 2 have a sum. */
    async function killed(): Promise<string> {
      const disk = file('');
      const server = await start(disk);
      for (const until of [2, 4]) {
        for (let i = until - 1; i <= until; i++) server.execute();
        server.endTurn();
        if (until === 2) server.tick(2000);
      }
      return disk.kill().content(INCR)!.toString('latin1');
    }
    const logs: [string, () => Promise<string>, number[]][] = [
      ['of a killed server', killed, [1, 2, 3, 4]],
      [
        'of a killed server, cut within a command',
        async () => (await killed()) + numbered(5).slice(0, 9),
        [1, 2, 3, 4],
      ],
      ['cut within a transaction', async () => (await killed()) + command('MULTI') + numbered(5), [1, 2, 3, 4]],
      ['of another server', async () => SELECT + [1, 2, 3, 4].map(numbered).join(''), [1, 2, 3, 4]],
      ['of another server, cut', async () => `${SELECT + [1, 2, 3].map(numbered).join('')}*3\r\n$`, [1, 2, 3]],
    ];

    test.each(logs)('%s: at the next tick, without a command', async (_name, log, journal) => {
      const disk = file(await log());
      const server = await start(disk);
      expect(server.journal).toEqual(journal);
      server.tick(2000);
      const summed = disk.kill().content(INCR)!.toString('latin1');
      expect(summed).toMatch(/#CK:[1-9]\d*:[0-9a-f]{8}\r\n$/);
      expect(summed).not.toContain('#CK:0:');
      for (let at = 0; at < summed.lastIndexOf('#CK:'); at++) {
        const damaged = Buffer.from(summed, 'latin1');
        damaged[at]! ^= 1;
        await refusal(file(damaged.toString('latin1')));
      }
      expect((await start(file(summed))).journal).toEqual(journal);
    });

    test.each(logs)('%s: with the commands that follow', async (_name, log, journal) => {
      const disk = file(await log());
      const server = await start(disk);
      server.execute();
      server.endTurn();
      server.tick(2000);
      const after = disk.kill();
      expect((await start(after)).journal).toEqual([...journal, journal.length + 1]);
      const last = after.kill();
      const content = last.content(INCR)!;
      content[content.indexOf(`${journal.length},`)]! ^= 2;
      last.put(INCR, content);
      await refusal(last);
    });

    test('not where sums are not wanted: then the first one starts anew', async () => {
      const disk = file(SELECT + numbered(1));
      const server = await start(disk, { 'aof-checksum': false });
      server.execute();
      server.endTurn();
      server.tick(2000);
      expect(disk.content(INCR)!.toString('latin1')).toBe(SELECT + numbered(1) + SELECT + numbered(2));
    });

    test('but where the disk is full nothing is refused for it', async () => {
      const disk = file(await killed());
      const server = await start(disk);
      disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
      server.tick(2000);
      expect(server.persistence.writeRefusal).toBeNull();
      server.persistence.appendLog.finish();
      const after = disk.kill();
      expect(after.content(INCR)!.toString('latin1')).toBe(await killed());
      // And it gets it when there is room again.
      const later = await start(after);
      after.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
      later.tick(2000);
      after.fault = () => null;
      later.tick(2000);
      expect(after.content(INCR)!.toString('latin1')).toMatch(/#CK:[1-9]\d*:[0-9a-f]{8}\r\n$/);
    });

    test('also when sums are turned on while a log without them is loaded and cut', async () => {
      const disk = file((await killed()) + numbered(5).slice(0, 9));
      const server = new ModelServer(disk, { 'aof-checksum': false });
      const starting = server.start();
      server.config['aof-checksum'] = true;
      await starting;
      server.execute();
      server.endTurn();
      server.tick(2000);
      expect((await start(disk.kill())).journal).toEqual([1, 2, 3, 4, 5]);
    });

    test('not the bytes of a file before the last one', async () => {
      const files = { 'appendonly.aof.1.incr.aof': SELECT + numbered(1), 'appendonly.aof.2.incr.aof': '' };
      const disk = withFiles(files, `${ONE_INCR}file appendonly.aof.2.incr.aof seq 2 type i\n`);
      const server = await start(disk);
      server.execute();
      server.endTurn();
      server.tick(2000);
      expect((await start(disk.kill())).journal).toEqual([1, 2]);
    });
  });

  test.each([
    ['garbage', `${numbered(1)}garbage!`, [1]],
    ['a wrong checksum', `${numbered(1)}#CK:0:00000000\r\n${numbered(2)}#CK:37:00000000\r\n`, [1]],
  ])('%s in the tail is cut off within aof-load-corrupt-tail-max-size', async (_what, content, journal) => {
    const disk = withFiles({ 'appendonly.aof.1.incr.aof': content }, ONE_INCR);
    await refusal(disk, { 'aof-load-corrupt-tail-max-size': 5 });
    const server = await start(disk, { 'aof-load-corrupt-tail-max-size': 100 });
    expect(server.journal).toEqual(journal);
    expect((await start(disk.kill())).journal).toEqual(journal);
  });

  test('a base that is cut stops the start', async () => {
    const disk = withFiles(
      { 'a.1.base.rdb': fakeRdb('1,').slice(0, 20), 'a.1.incr.aof': '' },
      'file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n',
    );
    expect((await refusal(disk)).file).toBe(`${DIR}/a.1.base.rdb`);
  });
});

test('what a killed process had not synced is on the disk before anything follows on it', async () => {
  // Names and bytes that only the system's cache has: a power cut after the restart must not take them away.
  for (let crashAt = 1; ; crashAt++) {
    const disk = new FaultyDisk();
    disk.put('/data/x', '');
    const first = new ModelServer(disk, { appendfsync: 'no' });
    await first.start();
    for (let i = 0; i < 3; i++) first.execute();
    first.endTurn();
    first.persistence.rewriteAppendLog();
    let operations = 0;
    disk.fault = () => (++operations === crashAt ? 'crash' : null);
    for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve));
    const ended = operations < crashAt;
    const second = disk.kill();
    const server = await start(second, { appendfsync: 'always' });
    const kept = server.journal;
    server.execute();
    server.endTurn();
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    const after = await start(second.powerCut(seededRandom(crashAt)));
    expect(after.journal.slice(0, kept.length + 1), `crash at operation ${crashAt}`).toEqual([1, 2, 3, 4]);
    if (ended) break;
  }
});

test('files whose manifest is gone are told of, and never written over', async () => {
  const disk = withFiles({
    'appendonly.aof.2.base.rdb': fakeRdb('1,2,'),
    'appendonly.aof.3.incr.aof': SELECT + numbered(3),
    'other.aof.7.incr.aof': 'x',
  });
  const kept = disk.files().filter((path) => path.startsWith(DIR));
  const before = kept.map((path) => disk.content(path)!.toString('latin1'));
  const server = await start(disk);
  expect(server.lines.join('\n')).toContain('appendonly.aof.2.base.rdb, appendonly.aof.3.incr.aof, but no manifest');
  server.execute();
  server.endTurn();
  server.persistence.rewriteAppendLog();
  for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(server.persistence.rewriter.running).toBe(false);
  expect(kept.map((path) => disk.content(path)!.toString('latin1'))).toEqual(before);
  expect((await start(disk.kill())).journal).toEqual([1]);
});

test('a base that is cut or empty is refused, although nothing comes behind it', async () => {
  const manifest = `file appendonly.aof.1.base.aof seq 1 type b\n${ONE_INCR}`;
  const base = SELECT + numbered(1) + numbered(2);
  const cut = { 'appendonly.aof.1.base.aof': base.slice(0, -3), 'appendonly.aof.1.incr.aof': '' };
  expect((await refusal(withFiles(cut, manifest))).message).toContain('Unexpected end of file');
  const empty = { 'appendonly.aof.1.base.rdb': '', 'appendonly.aof.1.incr.aof': SELECT + numbered(1) };
  const { message } = await refusal(withFiles(empty, manifest.replace('base.aof', 'base.rdb')));
  expect(message).toContain('is empty, which no server writes');
});

test('temporary files of dead processes are removed, those of living ones and strange ones are not', async () => {
  const disk = new FaultyDisk();
  const living = process.ppid;
  for (const name of [
    `temp-${process.pid}.rdb`,
    'temp-999999999.rdb',
    'temp-17.999999999.rdb',
    'temp-rewriteaof-bg-999999999.aof',
  ]) {
    disk.put(`/data/${name}`, 'x');
  }
  disk.put(`/data/temp-${living}.rdb`, 'x');
  disk.put('/data/temp-mine.rdb', 'x');
  for (const pid of [process.pid, 999999999]) {
    disk.put(`${DIR}/temp-appendonly.aof.${pid}.incr`, 'x');
    disk.put(`${DIR}/temp-appendonly.aof.${pid}.manifest`, 'x');
    disk.put(`${DIR}/temp-rewriteaof-bg-${pid}.aof`, 'x');
  }
  const others = [
    `temp-appendonly.aof.${living}.incr`,
    `temp-appendonly.aof.${living}.manifest`,
    'temp-appendonly.aof.incr',
    'temp-appendonly.aof.manifest',
    'temp-notes.rdb',
    'temp-other.aof.999999999.manifest',
    'temp-other.aof.manifest',
    `temp-rewriteaof-bg-${living}.aof`,
  ].map((name) => `${DIR}/${name}`);
  for (const path of others) disk.put(path, 'x');
  await start(disk);
  expect(disk.files().filter((path) => path.includes('temp-'))).toEqual([
    ...others,
    `/data/temp-${living}.rdb`,
    '/data/temp-mine.rdb',
  ]);
});

describe('something else in place of a file or of the directory is named, with the reason', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'onggi-recovery-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const started = () => new ModelServer(nodeDisk, { dir }).start();

  test('a folder as incr', async () => {
    const part = join(dir, 'appendonlydir');
    mkdirSync(join(part, 'appendonly.aof.1.incr.aof'), { recursive: true });
    writeFileSync(join(part, 'appendonly.aof.manifest'), 'file appendonly.aof.1.incr.aof seq 1 type i\n');
    await expect(started()).rejects.toMatchObject({
      name: 'RecoveryError',
      message: `Unrecoverable error reading the append only file ${join(part, 'appendonly.aof.1.incr.aof')}: Is a directory`,
    });
  });

  test('a folder as manifest', async () => {
    const manifest = join(dir, 'appendonlydir', 'appendonly.aof.manifest');
    mkdirSync(manifest, { recursive: true });
    await expect(started()).rejects.toMatchObject({
      name: 'RecoveryError',
      message: `Unrecoverable error reading the AOF manifest file ${manifest}: Is a directory`,
    });
  });

  test('a file as directory', async () => {
    writeFileSync(join(dir, 'appendonlydir'), 'x');
    await expect(started()).rejects.toThrow("Can't open or create append-only dir appendonlydir: Not a directory");
  });
});

test('while it loads, the event loop turns and progress is told', async () => {
  const disk = withFiles(
    { 'appendonly.aof.1.incr.aof': Array.from({ length: 60_000 }, () => command('SET', 'k', 'v')).join('') },
    ONE_INCR,
  );
  const server = new ModelServer(disk);
  const { progress } = server.persistence;
  const seen: number[] = [];
  const loading = server.start();
  const watch = setInterval(() => {
    if (progress.active) seen.push(progress.percent);
  }, 0);
  await loading;
  clearInterval(watch);
  expect(seen.length).toBeGreaterThan(0);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  expect(progress.active).toBe(false);
});
