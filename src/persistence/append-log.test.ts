import { describe, expect, test } from 'vitest';
import { SILENT_LOG } from '../base/log.js';
import { FaultyDisk, seededRandom } from '../disk/faulty-disk.js';
import { LogReader, Token } from '../formats/aof/log-reader.js';
import { Args } from '../formats/resp/args.js';
import { AppendLog, type AppendLogConfig, type RoomPolicy } from './append-log.js';

type Mutable = { -readonly [K in keyof AppendLogConfig]: AppendLogConfig[K] };

interface Bench {
  disk: FaultyDisk;
  log: AppendLog;
  config: Mutable;
  lines: string[];
  clock: { ms: number };
  /** Executes one command of client `name` and ends the turn; what the client hears is added to `heard`. */
  turn(name: string): void;
  heard: string[];
  content(): string;
  /** Operations so far of one kind. */
  count(kind: string): number;
}

function bench(options: Partial<Mutable> = {}, monotonic?: () => number, room?: RoomPolicy): Bench {
  const disk = new FaultyDisk();
  disk.put('/d/log', '');
  const operations: string[] = [];
  disk.fault = (kind) => {
    operations.push(kind);
    return null;
  };
  const config: Mutable = {
    appendfsync: 'everysec',
    'no-appendfsync-on-rewrite': false,
    'aof-timestamp-enabled': false,
    'aof-checksum': true,
    'aof-preallocate': true,
    ...options,
  };
  const lines: string[] = [];
  const clock = { ms: 1_700_000_000_000 };
  const log = new AppendLog({
    disk,
    config,
    log: { ...SILENT_LOG, warning: (text) => lines.push(text), notice: (text) => lines.push(text) },
    now: () => clock.ms,
    ...(monotonic === undefined ? {} : { monotonic }),
    ...(room === undefined ? {} : { room }),
  });
  log.start(log.open('/d/log', 'update'));
  const heard: string[] = [];
  return {
    disk,
    log,
    config,
    lines,
    clock,
    heard,
    turn(name) {
      log.append(0, Args.of('SET', name, 'x'));
      log.endUnit();
      log.writeTurn();
      log.whenDurable((safe) => heard.push(safe ? name : `!${name}`));
    },
    content: () => disk.content('/d/log')!.toString('latin1'),
    count: (kind) => operations.filter((operation) => operation === kind).length,
  };
}

const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await turnLoop();
}
const set = (name: string): string => `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$1\r\nx\r\n`;
const SELECT = '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n';

describe('what is written', () => {
  test('SELECT where the database changes, one effect as it is, several in MULTI and EXEC', () => {
    const { log, content } = bench();
    log.append(0, Args.of('set', 'userA', 'KDG'));
    log.endUnit();
    log.append(0, Args.of('DEL', 'a'));
    log.append(3, Args.of('DEL', 'b'));
    log.endUnit();
    log.append(3, Args.of('DEL', 'c'));
    log.endUnit();
    log.writeTurn();
    expect(content()).toBe(
      `${SELECT}*3\r\n$3\r\nset\r\n$5\r\nuserA\r\n$3\r\nKDG\r\n` +
        '*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n' +
        '*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n',
    );
  });

  test('a turn is one write, whatever is in it', () => {
    const { log, count } = bench();
    for (let i = 0; i < 100; i++) {
      log.append(i % 5, Args.of('SET', `k${i}`, 'v'.repeat(1000)));
      log.endUnit();
    }
    log.writeTurn();
    log.writeTurn();
    expect(count('write')).toBe(1);
  });

  test('#TS lines once a second, before the unit', () => {
    const { log, clock, content, turn } = bench({ 'aof-timestamp-enabled': true, 'aof-checksum': false });
    turn('a');
    turn('b');
    clock.ms += 1000;
    log.append(0, Args.of('DEL', 'c'));
    log.append(0, Args.of('DEL', 'd'));
    log.endUnit();
    log.writeTurn();
    expect(content()).toMatch(
      /^#TS:1700000000\r\n\*2\r\n\$6\r\nSELECT(?:(?!#TS)[\s\S])*#TS:1700000001\r\n\*1\r\n\$5\r\nMULTI(?:(?!#TS)[\s\S])*$/,
    );
  });

  test('checksums: behind every 16 KiB, and behind what a quiet log has; none with aof-checksum no', () => {
    for (const on of [true, false]) {
      const { log, content, clock, turn } = bench({ 'aof-checksum': on });
      for (let i = 0; i < 40; i++) {
        log.append(0, Args.of('SET', 'k', 'v'.repeat(1000)));
        log.endUnit();
        log.writeTurn();
      }
      expect(content().match(/#CK:/g)?.length ?? 0).toBe(on ? 2 : 0);
      turn('last');
      clock.ms += 1000;
      log.tick();
      expect(content().endsWith(set('last'))).toBe(!on);
      const bytes = content().length;
      clock.ms += 5000;
      log.tick();
      expect(content().length).toBe(bytes);
    }
  });
});

describe('acknowledgement', () => {
  test.each(['everysec', 'no'] as const)('%s: at once when it is written', (appendfsync) => {
    const { turn, heard } = bench({ appendfsync });
    turn('a');
    expect(heard).toEqual(['a']);
  });

  test('always: after the sync; turns that gather meanwhile share the next one', async () => {
    const { turn, heard, count, disk } = bench({ appendfsync: 'always' });
    turn('a');
    turn('b');
    turn('c');
    expect(heard).toEqual([]);
    await settle();
    expect(heard).toEqual(['a', 'b', 'c']);
    expect(count('sync')).toBe(2);
    expect(
      disk
        .powerCut(() => 0)
        .content('/d/log')!
        .toString(),
    ).toBe(SELECT + set('a') + set('b') + set('c'));
  });

  test('always: a turn that only read waits for what it may have seen', async () => {
    const { log, turn, heard } = bench({ appendfsync: 'always' });
    turn('a');
    log.writeTurn();
    log.whenDurable(() => heard.push('read'));
    expect(heard).toEqual([]);
    await settle();
    expect(heard).toEqual(['a', 'read']);
  });

  test('everysec syncs once a second, and only when there is something', async () => {
    const { log, clock, turn, count } = bench();
    turn('a');
    log.tick();
    expect(count('sync')).toBe(0);
    for (let i = 0; i < 30; i++) {
      clock.ms += 100;
      log.tick();
      await settle();
    }
    // The first tick adds the checksum to what is synced.
    expect(count('sync')).toBe(1);
    expect(log.main!.dirty).toBe(false);
  });

  test('no never syncs', async () => {
    const { log, clock, turn, count } = bench({ appendfsync: 'no' });
    turn('a');
    clock.ms += 10_000;
    log.tick();
    await settle();
    expect(count('sync')).toBe(0);
  });

  test.each(['always', 'everysec'] as const)(
    'no-appendfsync-on-rewrite: %s does not sync while a snapshot runs',
    async (appendfsync) => {
      const { log, clock, turn, count, heard } = bench({ appendfsync, 'no-appendfsync-on-rewrite': true });
      let running = true;
      log.snapshotRunning = () => running;
      turn('a');
      clock.ms += 2000;
      log.tick();
      await settle();
      expect([count('sync'), heard]).toEqual([0, ['a']]);
      running = false;
      clock.ms += 2000;
      log.tick();
      await settle();
      expect(count('sync')).toBe(1);
    },
  );

  test('everysec: a sync that is still under way when the next is due is counted', async () => {
    const { log, clock, turn } = bench();
    turn('a');
    clock.ms += 1000;
    log.tick();
    for (let i = 0; i < 40; i++) {
      turn(`b${i}`);
      clock.ms += 100;
      log.tick();
    }
    expect(log.delayedSyncs).toBe(1);
    expect(log.pendingSyncs).toBe(1);
    await settle();
    expect(log.pendingSyncs).toBe(0);
  });
});

describe('a write that fails', () => {
  test('leaves whole turns in the file, is tried again, and then nothing is missing', () => {
    const { log, disk, turn, heard, content, lines } = bench({ 'aof-checksum': false });
    turn('a');
    disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
    turn('b');
    expect(heard).toEqual(['a', '!b']);
    expect(log.failure).toBe('No space left on device');
    expect(content()).toBe(SELECT + set('a'));
    log.tick();
    log.tick();
    expect(lines.length).toBe(1);
    disk.fault = () => null;
    log.tick();
    expect(log.failure).toBeNull();
    expect(content()).toBe(SELECT + set('a') + set('b'));
    turn('c');
    expect(heard).toEqual(['a', '!b', 'c']);
  });

  test('and falls short: the file is cut back', () => {
    const { log, disk, turn, heard, content } = bench({ 'aof-checksum': false });
    turn('a');
    let writes = 0;
    disk.fault = (kind) => (kind !== 'write' ? null : ++writes === 1 ? { short: 7 } : { code: 'ENOSPC' });
    turn('b');
    expect([content(), heard.at(-1)]).toEqual([SELECT + set('a'), '!b']);
    disk.fault = () => null;
    log.tick();
    expect(content()).toBe(SELECT + set('a') + set('b'));
  });

  test('and cannot be cut back: the rest follows, once', () => {
    const { log, disk, turn, content } = bench({ 'aof-checksum': false });
    turn('a');
    let writes = 0;
    disk.fault = (kind) =>
      kind === 'truncate'
        ? { code: 'EIO' }
        : kind !== 'write'
          ? null
          : ++writes === 1
            ? { short: 7 }
            : { code: 'ENOSPC' };
    turn('b');
    expect(content()).toBe(SELECT + set('a') + set('b').slice(0, 7));
    disk.fault = () => null;
    log.tick();
    expect(content()).toBe(SELECT + set('a') + set('b'));
  });

  test('short writes alone are no failure', () => {
    const { log, disk, turn, content, heard } = bench({ 'aof-checksum': false });
    disk.fault = (kind) => (kind === 'write' ? { short: 5 } : null);
    turn('a');
    expect([content(), heard, log.failure]).toEqual([SELECT + set('a'), ['a'], null]);
  });

  test('always: turns before it are still acknowledged by their sync, in order', async () => {
    const { disk, turn, heard } = bench({ appendfsync: 'always' });
    turn('a');
    disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
    turn('b');
    expect(heard).toEqual([]);
    await settle();
    expect(heard).toEqual(['a', '!b']);
  });

  test('found out between the commands of a turn: they are not acknowledged', () => {
    const { log, disk, turn, heard, clock } = bench();
    turn('a');
    disk.fault = (kind) => (kind === 'write' ? { code: 'ENOSPC' } : null);
    log.append(0, Args.of('SET', 'b', 'x'));
    log.endUnit();
    clock.ms += 2000;
    log.tick();
    log.writeTurn();
    log.whenDurable((safe) => heard.push(safe ? 'b' : '!b'));
    expect(heard).toEqual(['a', '!b']);
  });

  test('reads are served meanwhile', () => {
    const { log, disk, turn, heard } = bench();
    disk.fault = () => ({ code: 'ENOSPC' });
    turn('b');
    log.writeTurn();
    log.whenDurable((safe) => heard.push(`read ${safe}`));
    expect(heard).toEqual(['!b', 'read true']);
  });
});

describe('a sync that fails', () => {
  test.each(['always', 'everysec', 'no'] as const)(
    '%s: nothing is written behind what it may have lost',
    async (appendfsync) => {
      const { log, disk, turn, heard, clock, content } = bench({ appendfsync });
      disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
      turn('a');
      clock.ms += 1500;
      log.tick();
      if (appendfsync === 'no') log.failSync(new Error('EIO'));
      await settle();
      disk.fault = () => null;
      const before = content();
      // An expired key is deleted, whatever is refused to clients; who reads is answered.
      log.append(0, Args.of('DEL', 'old'));
      log.endUnit();
      log.writeTurn();
      log.whenDurable((safe) => heard.push(`read ${safe}`));
      clock.ms += 1500;
      log.tick();
      expect(log.flush()).toBe(false);
      await settle();
      await log.stop();
      expect(content()).toBe(before);
      expect(heard).toEqual([appendfsync === 'always' ? '!a' : 'a', 'read true']);
    },
  );

  test('a checksum is not written behind what is being synced', async () => {
    const { log, disk, turn, clock, content } = bench({ appendfsync: 'always' });
    turn('a');
    const turnOnly = content();
    disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
    clock.ms += 1500;
    log.tick();
    await settle();
    expect(log.syncFailed).toBe(true);
    expect(content()).toBe(turnOnly);
  });

  test.each(['always', 'everysec'] as const)(
    '%s: is not forgotten when the next one would succeed',
    async (appendfsync) => {
      const { log, disk, turn, heard, clock } = bench({ appendfsync });
      let asked = 0;
      log.onSyncFailure = () => asked++;
      disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
      turn('a');
      clock.ms += 1500;
      log.tick();
      await settle();
      disk.fault = () => null;
      for (let i = 0; i < 50; i++) {
        clock.ms += 500;
        log.tick();
        await settle();
      }
      expect(heard).toEqual([appendfsync === 'always' ? '!a' : 'a']);
      expect(log.failure).toBe('Input/output error');
      expect(log.syncFailed).toBe(true);
      expect(asked).toBe(1);
    },
  );

  test('whoever changed something in the turn in which it becomes known is not acknowledged', async () => {
    const { log, disk, turn, heard } = bench({ appendfsync: 'always' });
    disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
    turn('a');
    log.append(0, Args.of('SET', 'b', 'x'));
    log.endUnit();
    await settle();
    log.writeTurn();
    log.whenDurable((safe) => heard.push(safe ? 'b' : '!b'));
    expect(heard).toEqual(['!a', '!b']);
  });

  test('nobody is acknowledged by a new log that a power cut may take back', async () => {
    const { log, turn, heard } = bench({ appendfsync: 'always' });
    log.beginNext(log.open('/d/next', 'create'));
    await log.syncNext();
    turn('a');
    await settle();
    expect(heard).toEqual([]);
    log.adoptNext(Object.assign(new Error('EIO'), { code: 'EIO' }));
    await settle();
    expect(heard).toEqual(['!a']);
    expect(log.syncFailed).toBe(true);
    expect(log.main!.name).toBe('next');
  });

  test('a new log ends it', async () => {
    const { log, disk, turn, heard } = bench({ appendfsync: 'always' });
    disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
    turn('a');
    await settle();
    disk.fault = () => null;
    log.beginNext(log.open('/d/next', 'create'));
    turn('b');
    await log.syncNext();
    log.adoptNext();
    expect(log.failure).toBeNull();
    turn('c');
    await settle();
    expect(heard.at(-1)).toBe('c');
    expect(disk.content('/d/next')!.toString()).toBe(SELECT + set('b') + set('c'));
    expect(disk.openFiles).toBe(1);
  });
});

describe('room ahead of a busy log', () => {
  const ROOM_BYTES = 4096;
  /** Ten turns a second, synced within the turn, are busy. */
  function busy(options: Partial<Mutable> = {}) {
    const b = bench({ appendfsync: 'always', ...options }, () => 0, { turns: 10, turnBytes: 1000, bytes: ROOM_BYTES });
    const second = async (turns = 10) => {
      for (let i = 0; i < turns; i++) b.turn(`k${i}`);
      b.clock.ms += 1000;
      b.log.tick();
      await settle();
    };
    return { ...b, second, room: () => b.content().length - b.log.currentBytes };
  }
  /** The commands in a log, by a reader that knows nothing of room. */
  function commands(content: string): number {
    const reader = new LogReader('log');
    const args = new Args();
    reader.push(Buffer.from(content, 'latin1'));
    let count = 0;
    for (let token = reader.next(args); token !== Token.MORE; token = reader.next(args)) {
      if (token === Token.COMMAND && !args.is(0, 'SELECT')) count++;
    }
    reader.end();
    return count;
  }

  test('is there after a busy second, and the log is written into it; each turn ends with its sum', async () => {
    const { second, room, content, log, turn, count } = busy();
    await second(9);
    expect(room()).toBe(0);
    await second();
    expect(room()).toBeGreaterThanOrEqual(ROOM_BYTES);
    const length = content().length;
    const writes = count('write');
    for (let i = 0; i < 5; i++) {
      turn('x');
      expect(content().slice(0, log.currentBytes)).toMatch(/#CK:\d+:[0-9a-f]{8}(:s)?\r\n$/);
      expect(content().length).toBe(length);
      expect(commands(content())).toBe(9 + 10 + i + 1);
    }
    expect(count('write') - writes).toBe(5);
  });

  test('is renewed when half of it is used', async () => {
    const { second, room, content, turn } = busy();
    await second();
    for (let i = 0; i < 500; i++) {
      turn(`key:${i}`);
      expect(room()).toBeGreaterThanOrEqual(ROOM_BYTES / 2);
    }
    expect(commands(content())).toBe(510);
  });

  test('a turn that is larger than the room makes the file grow; a turn does not end where a sector does', async () => {
    const { second, room, content, log, count } = busy();
    for (let i = 0; i < 1100; i += 5) {
      if (room() === 0) {
        await second();
        await second();
      }
      log.append(0, Args.of('SET', 'k', 'v'.repeat(i % 550 === 0 ? 3 * ROOM_BYTES : i % 550)));
      log.endUnit();
      log.writeTurn();
      expect(room() > 0, `turn ${i}`).toBe(i % 550 !== 0);
      if (room() > 0) expect((log.currentBytes + 1) % 512, `turn ${i}`).toBeGreaterThan(1);
    }
    expect(commands(content())).toBeGreaterThan(220);
    // Room is given back before a large turn.
    expect(count('truncate')).toBe(2);
  });

  test.each([
    ['a quiet second', (b: ReturnType<typeof busy>) => b.second(9)],
    [
      'turns of many bytes',
      (b: ReturnType<typeof busy>) => {
        b.log.append(0, Args.of('SET', 'large', 'x'.repeat(20_000)));
        b.log.endUnit();
        b.log.writeTurn();
        return b.second(10);
      },
    ],
    [
      'appendfsync everysec',
      (b: ReturnType<typeof busy>) => {
        b.config.appendfsync = 'everysec';
        return b.second();
      },
    ],
    [
      'aof-preallocate no',
      (b: ReturnType<typeof busy>) => {
        b.config['aof-preallocate'] = false;
        return b.second();
      },
    ],
    [
      'aof-checksum no, with the next turn',
      (b: ReturnType<typeof busy>) => {
        b.config['aof-checksum'] = false;
        b.turn('x');
      },
    ],
    ['a flush that is asked for', (b: ReturnType<typeof busy>) => void b.log.flush()],
    ['the end', (b: ReturnType<typeof busy>) => b.log.finish()],
    ['a hold', (b: ReturnType<typeof busy>) => void b.log.hold(b.log.open('/d/new', 'create'))],
    ['appendonly no', (b: ReturnType<typeof busy>) => void b.log.stop()],
  ])('ends with %s', async (_what, ending) => {
    const b = busy();
    await b.second();
    expect(b.content()).toContain('#FILL');
    await ending(b);
    expect(b.content()).not.toContain('#FILL');
    expect(b.content()).toMatch(/\r\n$/);
    commands(b.content());
  });

  test('is not made without sums, nor where syncs run in the background', async () => {
    for (const b of [busy({ 'aof-checksum': false }), busy({ appendfsync: 'everysec' })]) {
      await b.second();
      await b.second();
      expect(b.room()).toBe(0);
    }
  });

  test('a disk that is full for it is not full for the log', async () => {
    const { disk, second, room, content, log, heard } = busy();
    let writes = 0;
    // Ten turns, the last sum, the line that announces room, and fill.
    disk.fault = (kind) => (kind === 'write' && ++writes === 13 ? { code: 'ENOSPC' } : null);
    await second();
    expect(room()).toBe(0);
    expect(log.failure).toBeNull();
    expect(heard.length).toBe(10);
    disk.fault = () => null;
    await second();
    await second();
    expect(room()).toBeGreaterThan(0);
    expect(commands(content())).toBe(30);
  });

  test('a sync that fails while it is made is a failed sync', async () => {
    const { disk, second, log, turn, heard } = busy();
    for (let i = 0; i < 10; i++) turn('x');
    disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
    await second(0);
    expect(log.syncFailed).toBe(true);
    expect(heard.length).toBe(10);
  });

  test.each([1, 3, 40])('writes of %d bytes at a time are gone on with', async (short) => {
    const { disk, second, content } = busy();
    disk.fault = (kind) => (kind === 'write' ? { short } : null);
    await second();
    await second();
    expect(commands(content())).toBe(20);
  });

  test('a write into it that fails half way leaves what was there before', async () => {
    const { disk, second, turn, log, content, heard } = busy();
    await second();
    let writes = 0;
    disk.fault = (kind) => (kind !== 'write' ? null : writes++ === 0 ? { short: 7 } : { code: 'EIO' });
    turn('lost');
    expect(heard.at(-1)).toBe('!lost');
    expect(commands(content())).toBe(10);
    disk.fault = () => null;
    log.tick();
    expect(log.failure).toBeNull();
    turn('next');
    expect(heard.at(-1)).toBe('next');
    expect(commands(content())).toBe(12);
  });
});

describe('holding', () => {
  test.each([
    ['everysec', 'commitHold'],
    ['everysec', 'revertHold'],
    ['always', 'commitHold'],
    ['always', 'revertHold'],
  ] as const)(
    'a turn that had its only effect before the hold began is acknowledged (%s, %s)',
    async (appendfsync, end) => {
      const { log, heard, content, disk } = bench({ appendfsync, 'aof-checksum': false });
      log.append(0, Args.of('SET', 'a', 'x'));
      log.endUnit();
      log.hold(log.open('/d/new', 'create'));
      log.writeTurn();
      log.whenDurable((safe) => heard.push(String(safe)));
      await log.syncHeld();
      log[end]();
      await expect.poll(() => heard).toEqual(['true']);
      expect(content()).toBe(SELECT + set('a'));
      expect(disk.content('/d/new')!.length).toBe(0);
    },
  );

  test('effects and replies wait, then go to the new file', async () => {
    const { log, disk, turn, heard, content } = bench({ 'aof-checksum': false });
    turn('a');
    expect(log.hold(log.open('/d/new', 'create'))).not.toBeNull();
    turn('b');
    turn('c');
    await log.syncHeld();
    expect(heard).toEqual(['a']);
    log.commitHold();
    expect(heard).toEqual(['a', 'b', 'c']);
    expect(content()).toBe(SELECT + set('a'));
    expect(disk.content('/d/new')!.toString()).toBe(SELECT + set('b') + set('c'));
    await settle();
    expect(disk.openFiles).toBe(1);
    expect(log.currentBytes).toBe(content().length + disk.content('/d/new')!.length);
  });

  test('or back to the old one', async () => {
    const { log, disk, turn, heard, content } = bench();
    turn('a');
    log.hold(log.open('/d/new', 'create'));
    turn('b');
    await log.syncHeld();
    log.revertHold();
    turn('c');
    expect(heard).toEqual(['a', 'b', 'c']);
    expect(content().replace(/#CK:\S+\r\n/g, '')).toBe(SELECT + set('a') + SELECT + set('b') + set('c'));
    await settle();
    expect(disk.openFiles).toBe(1);
  });
});

test('stop writes, syncs, closes, and answers who waits', async () => {
  const { log, disk, turn, heard } = bench({ appendfsync: 'always' });
  turn('a');
  const stopped = log.stop();
  expect(log.enabled).toBe(true);
  log.writeTurn();
  log.whenDurable(() => heard.push('later'));
  await stopped;
  expect(heard).toEqual(['a', 'later']);
  expect([log.enabled, disk.openFiles]).toEqual([false, 0]);
  expect(disk.powerCut(seededRandom(1)).content('/d/log')!.toString()).toContain(SELECT + set('a'));
});

describe('always, on a disk that syncs quickly', () => {
  test('a turn is synced before writeTurn returns, and acknowledged at once', () => {
    const b = bench({ appendfsync: 'always' }, () => 0);
    b.turn('a');
    expect(b.heard).toEqual(['a']);
    expect(b.count('sync')).toBe(1);
  });

  test('a failed sync is sticky, and the turn is not acknowledged', () => {
    const b = bench({ appendfsync: 'always' }, () => 0);
    b.disk.fault = (kind) => (kind === 'sync' ? { code: 'EIO' } : null);
    b.turn('a');
    expect(b.heard).toEqual(['!a']);
    expect(b.log.syncFailed).toBe(true);
    b.disk.fault = () => null;
    expect(b.log.failure).not.toBeNull();
  });

  test('tells how long the last one took, for as long as turns wait for syncs', () => {
    let ms = 0;
    const b = bench({ appendfsync: 'always' }, () => {
      ms += 0.4;
      return ms;
    });
    expect(b.log.turnSyncMs).toBe(0);
    b.turn('a');
    expect(b.log.turnSyncMs).toBeCloseTo(0.4);
    b.config.appendfsync = 'everysec';
    expect(b.log.turnSyncMs).toBe(0);
  });

  test('a single slow sync changes nothing; several in a row leave syncs to the background', async () => {
    let ms = 0;
    let tookMs = 5;
    const b = bench({ appendfsync: 'always' }, () => {
      ms += tookMs;
      return ms;
    });
    b.turn('a');
    tookMs = 0;
    b.turn('b');
    tookMs = 5;
    for (const effect of ['c', 'd', 'e']) b.turn(effect);
    expect(b.heard).toEqual(['a', 'b', 'c', 'd', 'e']);
    b.turn('f');
    expect(b.heard).toEqual(['a', 'b', 'c', 'd', 'e']);
    await expect.poll(() => b.heard.at(-1)).toBe('f');
  });

  test('syncs come back into the turns, also when the next turn is always written before a sync is over', async () => {
    let ms = 0;
    let tookMs = 5;
    const b = bench({ appendfsync: 'always' }, () => {
      ms += tookMs;
      return ms;
    });
    for (const effect of ['a', 'b', 'c']) b.turn(effect);
    tookMs = 0;
    let turns = 0;
    b.disk.fault = (kind) => {
      if (kind === 'sync' && turns++ < 100) b.turn('x');
      return null;
    };
    b.turn('x');
    await expect.poll(() => b.heard.length).toBe(104);
    b.turn('y');
    expect(b.heard.at(-1)).toBe('y');
  });
});

test('without room no sum looks like one in room, wherever in a sector it stands', async () => {
  const c = bench();
  for (let i = 0; i < 1100; i++) {
    c.turn('k'.repeat(1 + (i % 7)));
    c.clock.ms += 1100;
    c.log.tick();
    await settle();
  }
  expect(c.content().match(/#CK:[1-9]\d*:/g)!.length).toBe(1100);
  expect(c.content()).not.toMatch(/#CK:0/);
});
