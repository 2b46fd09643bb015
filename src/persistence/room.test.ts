/** Starts with a log that was written into room (log-file.ts), and what becomes of the room. */
import { describe, expect, test } from 'vitest';
import { FaultyDisk } from '../disk/faulty-disk.js';
import { fillBytes } from '../formats/aof/fill.js';
import { LogEncoder } from '../formats/aof/log-encoder.js';
import { Args } from '../formats/resp/args.js';
import { ModelServer, type MutableConfig } from './testing/model-server.js';

const INCR = '/data/appendonlydir/appendonly.aof.1.incr.aof';
const LOGGING = { monotonic: () => 0, room: { turns: 2, turnBytes: 16_384, bytes: 20_000 } };
const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function turns(server: ModelServer, count: number): void {
  for (let i = 0; i < count; i++) {
    server.execute();
    server.endTurn();
  }
}

async function start(disk: FaultyDisk, config: Partial<MutableConfig> = {}): Promise<ModelServer> {
  const server = new ModelServer(disk, { appendfsync: 'always', ...config }, LOGGING);
  await server.start();
  return server;
}

/** A server with five commands in its log, and room behind them. */
async function busy(): Promise<{ disk: FaultyDisk; server: ModelServer; logged: number }> {
  const disk = new FaultyDisk();
  disk.put('/data/other', '');
  const server = await start(disk);
  turns(server, 5);
  server.tick(1100);
  const logged = server.persistence.appendLog.main!.bytes;
  expect(disk.content(INCR)!.length).toBeGreaterThan(logged + 20_000);
  return { disk, server, logged };
}

/** The disk after a kill, with something done to the log. */
function killed(disk: FaultyDisk, edit: (log: Buffer) => Buffer = (log) => log): FaultyDisk {
  const after = disk.kill();
  after.put(INCR, edit(after.content(INCR)!));
  return after;
}

describe('room that is cut short', () => {
  test.each([1, 40, 4096, 8160, 8192, 9000])(
    'at its byte %d it is room all the same, whatever is allowed',
    async (bytes) => {
      const { disk, logged } = await busy();
      const after = killed(disk, (log) => log.subarray(0, logged + bytes));
      const server = await start(after, { 'aof-load-truncated': bytes < 100 });
      expect(server.journal.length).toBe(5);
      // Less than a line of fill is cut as any end of a log.
      if (bytes < 64) expect(after.content(INCR)!.length).toBe(logged);
      else expect(after.content(INCR)!.subarray(logged).toString()).toBe('#CK:0:00000000\r\n');
      turns(server, 1);
      expect(server.persistence.loadAppendLog()).toBeNull();
      turns(server, 1);
      expect((await start(after.kill())).journal.length).toBe(7);
    },
  );

  test.each([8, 50, 64, 100, 300, 8192])('or has zeros behind its byte %d', async (bytes) => {
    for (const zeros of [100, 3000]) {
      const { disk, logged } = await busy();
      const after = killed(disk, (log) => Buffer.concat([log.subarray(0, logged + bytes), Buffer.alloc(zeros)]));
      const server = await start(after, { 'aof-load-truncated': bytes < 100 });
      expect(server.journal.length).toBe(5);
      turns(server, 1);
      expect((await start(after.kill())).journal.length).toBe(6);
    }
  });
});

test('of the line that ends room a power cut may leave any part; more than it is long is damage', async () => {
  const { disk, logged } = await busy();
  const line = Buffer.from('#CK:0:00000000\r\n');
  for (let bytes = 0; bytes < line.length; bytes++) {
    for (const zerosTo of [bytes, line.length]) {
      const rest = Buffer.alloc(zerosTo);
      line.copy(rest, 0, 0, bytes);
      const after = killed(disk, (log) => Buffer.concat([log.subarray(0, logged), rest]));
      expect((await start(after)).journal.length, `${bytes} bytes and ${zerosTo - bytes} zeros`).toBe(5);
    }
  }
  const after = killed(disk, (log) => Buffer.concat([log.subarray(0, logged), Buffer.alloc(17)]));
  await expect(start(after)).rejects.toThrow('Bad file format');
});

test.each([true, false])(
  'a turn that is written in parts is cut off also where sums are not looked at (%s)',
  async (sums) => {
    const { disk, server, logged } = await busy();
    // The sixth is longer than a sector.
    turns(server, 1);
    const end = server.persistence.appendLog.main!.bytes;
    const log = disk.content(INCR)!;
    for (let border = Math.ceil(logged / 512) * 512; border < end; border += 512) {
      const after = killed(disk, () => Buffer.concat([log.subarray(0, border), fillBytes(border, log.length, false)]));
      expect((await start(after, { 'aof-checksum': sums })).journal.length, `to ${border}`).toBe(5);
    }
  },
);

test.each([true, false])(
  'a turn that is lost while later ones are there is known where sums are not looked at (room ended: %s)',
  async (ended) => {
    const { disk, server, logged } = await busy();
    server.config.appendfsync = 'everysec';
    turns(server, 30);
    const end = server.persistence.appendLog.main!.bytes;
    const log = disk.content(INCR)!;
    if (ended) log.set(Buffer.from('#CK:0:00000000\r\n'), end);
    let cut = 0;
    for (let from = Math.ceil(logged / 512) * 512; from + 1024 < end; from += 512) {
      const fill = fillBytes(from, from + 512, false);
      const after = killed(disk, () => Buffer.concat([log.subarray(0, from), fill, log.subarray(from + 512)]));
      const server = await start(after, { 'aof-checksum': false });
      const { journal } = server;
      expect(journal, `lost at ${from}`).toEqual(journal.map((_, i) => i + 1));
      expect(journal.length).toBeLessThan(35);
      expect(server.data).toEqual(ModelServer.after(journal.length));
      cut++;
    }
    expect(cut).toBeGreaterThan(4);
  },
);

describe('room that ends', () => {
  const LINE = Buffer.from('#CK:0:00000000\r\n');

  test.each([1, 15, 16, 17, 18, 40])('is cut off whole, if the disk had only %d bytes for it', async (bytes) => {
    const disk = new FaultyDisk();
    disk.put('/data/other', '');
    const server = await start(disk);
    turns(server, 5);
    let fills = 0;
    disk.fault = (kind, path) => {
      if (kind !== 'write' || path !== INCR || ++fills === 1) return null;
      return fills === 2 ? { short: bytes } : { code: 'ENOSPC' };
    };
    server.tick(1100);
    disk.fault = () => null;
    expect(fills).toBe(3);
    expect(await server.persistence.shutdown('nosave', false)).toBe(true);
    expect((await start(disk.kill(), { 'aof-load-truncated': false })).journal.length).toBe(5);
  });

  test.each([true, false])(
    'leaves zeros before the fill when its cut is interrupted (aof-load-truncated %s)',
    async (truncated) => {
      const { disk, logged } = await busy();
      const after = killed(disk, (log) => {
        LINE.copy(log, logged);
        return log.fill(0, logged + LINE.length, Math.ceil((logged + LINE.length) / 4096) * 4096);
      });
      expect((await start(after, { 'aof-load-truncated': truncated })).journal.length).toBe(5);
      expect(after.content(INCR)!.length).toBe(logged + LINE.length);
    },
  );

  test('says so in a line of which a power cut may leave either side of a sector, wherever that ends', async () => {
    const { disk, server } = await busy();
    const { appendLog } = server.persistence;
    const seen = new Set<number>();
    // No turn ends one byte before a sector does.
    for (let i = 0; seen.size < LINE.length - 1; i++) {
      expect(i).toBeLessThan(3000);
      appendLog.append(0, Args.of('APPEND', 'other', 'y'.repeat(i % 37)));
      appendLog.endUnit();
      appendLog.writeTurn();
      const { bytes, hasRoom } = appendLog.main!;
      if (!hasRoom) {
        turns(server, 3);
        server.tick(1100);
      }
      const before = 512 - (bytes % 512);
      if (!hasRoom || before > LINE.length || seen.has(before)) continue;
      seen.add(before);
      for (const [from, to] of [
        [0, before],
        [before, LINE.length],
      ] as const) {
        const copy = new FaultyDisk();
        for (const path of disk.files()) copy.put(path, Buffer.from(disk.content(path)!));
        const log = Buffer.from(disk.content(INCR)!);
        LINE.copy(log, bytes + from, from, to);
        copy.put(INCR, log);
        expect((await start(copy)).journal.length, `bytes ${from} to ${to}`).toBe(server.journal.length);
      }
    }
  });

  /** The next write to the log comes to `short` bytes, those after it and every cut fail. */
  function breaks(disk: FaultyDisk, short: number): void {
    let writes = 0;
    disk.fault = (kind, path) => {
      if (!path.endsWith('.1.incr.aof')) return null;
      if (kind === 'write') return writes++ === 0 ? { short } : { code: 'EIO' };
      return kind === 'truncate' ? { code: 'EIO' } : null;
    };
  }

  test.each([1, 10, 30])('not within a turn of which %d bytes are written: the rest comes first', async (short) => {
    for (const checksums of [true, false]) {
      const { disk, server } = await busy();
      breaks(disk, short);
      turns(server, 1);
      disk.fault = () => null;
      server.config['aof-checksum'] = checksums;
      if (!checksums) {
        server.tick(100);
        turns(server, 3);
      }
      expect(await server.persistence.shutdown('nosave', false)).toBe(true);
      expect((await start(disk.kill())).journal.length).toBe(server.executed);
    }
  });

  test.each([1, 5, 15])(
    'before a rewrite changes files, or the rewrite does not begin (%d bytes of its line)',
    async (short) => {
      const { disk, server } = await busy();
      turns(server, 3);
      breaks(disk, short);
      server.persistence.rewriteAppendLog();
      for (let i = 0; i < 60; i++) await turnLoop();
      const { acknowledged } = server;
      const again = await start(disk.kill());
      expect(again.journal.length).toBeGreaterThanOrEqual(acknowledged);
    },
  );
});

test('a log whose room cannot be cut off ends in a file that loads', async () => {
  const { disk, server } = await busy();
  disk.fault = (kind) => (kind === 'truncate' ? { code: 'EIO' } : null);
  // There is nothing to sum up in room, and then no room any more.
  server.tick(1100);
  expect(await server.persistence.shutdown('nosave', true)).toBe(true);
  const again = await start(disk.kill(), { 'aof-load-truncated': false });
  expect(again.journal.length).toBe(5);
  turns(again, 1);
  expect((await start((again.disk as FaultyDisk).kill())).journal.length).toBe(6);
});

test.each([0, 1])('DEBUG LOADAOF in room loads what is logged, and the log goes on (%d cuts fail)', async (fail) => {
  const { disk, server } = await busy();
  turns(server, 3);
  let cuts = 0;
  disk.fault = (kind) => (kind === 'truncate' && cuts++ < fail ? { code: 'EIO' } : null);
  expect(server.persistence.loadAppendLog()).toBeNull();
  expect(server.journal.length).toBe(8);
  turns(server, 3);
  expect((await start(disk.kill())).journal.length).toBe(11);
});

test('damage in the last turn is as large as the turn, for aof-load-corrupt-tail-max-size', async () => {
  const { disk, server, logged } = await busy();
  turns(server, 1);
  const damaged = (log: Buffer) => {
    log[logged + 20]! ^= 4;
    return log;
  };
  const after = killed(disk, damaged);
  await expect(start(after, { 'aof-load-corrupt-tail-max-size': 10 })).rejects.toThrow('Bad file format');
  expect((await start(after, { 'aof-load-corrupt-tail-max-size': 1000 })).journal.length).toBe(5);
});

test('a flipped bit in the line where sums begin anew, behind room that a stock server went on behind, is damage', async () => {
  const { disk } = await busy();
  const stock = new LogEncoder();
  stock.command('SELECT', '0');
  stock.command('APPEND', 'journal', '6,');
  const after = killed(disk, (log) => Buffer.concat([log, stock.buf.subarray(0, stock.pos)]));
  const server = await start(after);
  expect(server.journal.length).toBe(6);
  turns(server, 20);
  await server.persistence.shutdown('nosave', false);
  const last = after.kill();
  const log = last.content(INCR)!;
  const line = log.indexOf('#CK:0:00000000');
  for (let bit = (line - 1) * 8; bit < (line + 16) * 8; bit++) {
    const flipped = new FaultyDisk();
    for (const path of last.files()) flipped.put(path, last.content(path)!);
    const copy = Buffer.from(log);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    flipped.put(INCR, copy);
    const what = `bit ${bit & 7} of byte ${(bit >> 3) - line} of the line`;
    const again = start(flipped).then(
      ({ journal }) => journal.length,
      (error: Error) => error.message,
    );
    expect(await again, what).toEqual(expect.toSatisfy((end) => end === 26 || /^Bad file format/.test(String(end))));
  }
});

test.each(['', '*3\r\n$3\r\nSE'])(
  'a value that is fill, in a log that is not in room, is a value (cut: %j)',
  async (cut) => {
    const disk = new FaultyDisk();
    disk.put('/data/other', '');
    const server = await start(disk, { 'aof-preallocate': false, appendfsync: 'everysec' });
    turns(server, 1);
    server.tick(1100);
    const { appendLog } = server.persistence;
    const set = (key: string, value: string) => {
      appendLog.append(1, Args.of('SET', key, value));
      appendLog.endUnit();
      appendLog.writeTurn();
    };
    const chunk = fillBytes(4096, 8192, false).toString('latin1');
    // Its first byte is to be the first of a sector.
    const headBytes = '*3\r\n$3\r\nSET\r\n$5\r\nchunk\r\n$4096\r\n'.length;
    set('a', 'acknowledged');
    const padBytes = '*3\r\n$3\r\nSET\r\n$3\r\npad\r\n$100\r\n\r\n'.length;
    const at = appendLog.main!.bytes + padBytes + headBytes;
    // Three digits of length.
    set('pad', 'x'.repeat(512 - (at % 512) + (at % 512 > 412 ? 512 : 0)));
    expect((appendLog.main!.bytes + headBytes) % 512).toBe(0);
    set('chunk', chunk);
    set('b', 'acknowledged');
    const again = await start(killed(disk, (log) => Buffer.concat([log, Buffer.from(cut)])));
    expect([...again.data[1]!.keys()]).toEqual(['a', 'pad', 'chunk', 'b']);
  },
);

test.each([true, false])(
  'a log that goes on behind room says so, whether sums are wanted or not (%s)',
  async (checksums) => {
    const { disk } = await busy();
    const after = killed(disk);
    const server = await start(after, { 'aof-checksum': checksums, 'aof-preallocate': false });
    turns(server, 1);
    const log = after.content(INCR)!.toString('latin1');
    expect([...log.matchAll(/#CK:0[^:]*:/g)].at(-1)![0]).toBe('#CK:0:');
    // What a power cut leaves of it is cut off, as of any log that grows.
    const cut = killed(after, (bytes) => Buffer.concat([bytes, Buffer.alloc(100)]));
    expect((await start(cut)).journal.length).toBe(6);
  },
);

test('sums that are turned on behind the bytes of another process begin anew', async () => {
  const disk = new FaultyDisk();
  disk.put('/data/other', '');
  const first = await start(disk, { 'aof-checksum': false });
  turns(first, 1);
  const secondDisk = disk.kill();
  const second = await start(secondDisk, { 'aof-checksum': false });
  turns(second, 3);
  expect(secondDisk.content(INCR)!.toString('latin1')).not.toContain('#');
  second.config['aof-checksum'] = true;
  second.tick(1100);
  turns(second, 3);
  second.tick(1100);
  expect(await second.persistence.shutdown('nosave', false)).toBe(true);
  const lastDisk = secondDisk.kill();
  expect(lastDisk.content(INCR)!.toString('latin1')).toContain('#CK:0:00000000');
  expect((await start(lastDisk)).journal.length).toBe(7);
});

test('a shutdown that fails to sync, and goes on, does not forget it', async () => {
  const { disk, server } = await busy();
  turns(server, 1);
  server.execute();
  disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
  expect(await server.persistence.shutdown('nosave', false)).toBe(false);
  disk.fault = () => null;
  expect(server.persistence.writeRefusal).toContain('Input/output error');
  server.endTurn();
  await turnLoop();
  expect(server.acknowledged).toBe(6);
});

describe('what was synced and is not there any more', () => {
  /** A log of 40 turns in room, each synced when the next was written, with an edit of whole sectors. */
  async function damaged(edit: (log: Buffer, from: number, to: number) => void): Promise<FaultyDisk> {
    const { disk, server, logged } = await busy();
    turns(server, 40);
    const end = server.persistence.appendLog.main!.bytes;
    expect(end - logged).toBeGreaterThan(4000);
    return killed(disk, (log) => {
      edit(log, Math.ceil(logged / 512) * 512, Math.floor(end / 512) * 512);
      return log;
    });
  }

  async function refuses(disk: FaultyDisk): Promise<void> {
    const before = disk.content(INCR)!;
    await expect(start(disk)).rejects.toThrow('Bad file format reading the append only file');
    expect(disk.content(INCR)!.equals(before)).toBe(true);
  }

  test('a sector of fill with later turns behind it is damage, not a torn write', async () => {
    for (const nth of [0, 1, 4]) {
      await refuses(
        await damaged((log, from) =>
          log.set(fillBytes(from + nth * 512, from + nth * 512 + 512, false), from + nth * 512),
        ),
      );
    }
  });

  test('and so are zeros before the fill', async () => {
    for (const sectors of [1, 3, 6]) {
      await refuses(await damaged((log, _from, to) => log.fill(0, to - sectors * 512, to + 512)));
      await refuses(await damaged((log, _from, to) => log.fill(0, to - sectors * 512)));
    }
  });
});
