import { describe, expect, test } from 'vitest';
import { Args } from '../resp/args.js';
import { fillBytes, fillEnd, isTornWrite, SECTOR } from './fill.js';
import { LogEncoder } from './log-encoder.js';
import { LogReader, Token } from './log-reader.js';

/** Commands of a turn, and what is in the file for it. */
interface Turn {
  commands: string[];
  bytes: Buffer;
}

/** A log in a file with room: turns that were synced, one after the other, and fill behind. */
class RoomyLog {
  private readonly encoder = new LogEncoder();
  readonly turns: Turn[] = [];
  bytes = 0;
  /** Above 0: each turn begins with a #TS line. */
  seconds = 0;
  constructor(readonly room = 4096) {}

  turn(...commands: string[]): Turn {
    const { encoder } = this;
    if (this.seconds > 0) encoder.stamp(this.seconds++);
    for (const command of commands) encoder.command('SET', 'k', command);
    encoder.checksum(this.bytes, true);
    const bytes = Buffer.from(encoder.buf.subarray(0, encoder.pos));
    encoder.drained(encoder.pos);
    const turn = { commands, bytes };
    this.turns.push(turn);
    this.bytes += bytes.length;
    return turn;
  }

  /** The file after so many turns. */
  file(turns: number): Buffer {
    const logged = Buffer.concat(this.turns.slice(0, turns).map(({ bytes }) => bytes));
    return Buffer.concat([logged, fillBytes(logged.length, fillEnd(logged.length + this.room), true)]);
  }

  commands(turns: number): string[] {
    return this.turns.slice(0, turns).flatMap(({ commands }) => commands);
  }
}

/** What a start makes of a file: the commands, or why it stops. */
function load(file: Buffer): { commands: string[]; end: 'whole' | 'torn' | 'damaged'; at: number } {
  const reader = new LogReader('log', { fileBytes: file.length });
  const args = new Args();
  const commands: string[] = [];
  const upTo: number[] = [];
  let failed = false;
  try {
    reader.push(file);
    for (let token = reader.next(args); token !== Token.MORE; token = reader.next(args)) {
      if (token !== Token.COMMAND) continue;
      commands.push(args.latin1(2));
      upTo.push(reader.offset);
    }
    reader.end();
  } catch {
    failed = true;
  }
  const from = reader.checkedTo;
  if (reader.inRoom && (failed || from < reader.contentEnd) && isTornWrite(file.subarray(from), from)) {
    return { commands: commands.filter((_, i) => upTo[i]! <= from), end: 'torn', at: from };
  }
  const unsummed = reader.inRoom && from < reader.contentEnd && reader.contentEnd < file.length;
  return { commands, end: failed || unsummed ? 'damaged' : 'whole', at: reader.contentEnd };
}

describe('fill', () => {
  test('reads as annotations behind a log of any length, and does not count as its content', () => {
    for (let length = 1; length <= 200; length++) {
      const log = new RoomyLog(300);
      log.turn('x'.repeat(length));
      const file = log.file(1);
      expect(load(file)).toEqual({ commands: log.commands(1), end: 'whole', at: log.bytes });
      const text = file.subarray(log.bytes).toString('latin1');
      expect(text).toMatch(/^#[^\n]{0,80}\n(?:#FILL~+\n)+$/);
    }
  });

  test('what somebody else appends behind it is part of the log', () => {
    const log = new RoomyLog();
    log.turn('ours');
    const other = new LogEncoder();
    other.command('SET', 'k', 'theirs');
    const file = Buffer.concat([log.file(1), other.buf.subarray(0, other.pos)]);
    expect(load(file)).toEqual({ commands: ['ours', 'theirs'], end: 'whole', at: file.length });
    // And damage in it is damage, whatever lies before.
    file[file.length - 1]! ^= 1;
    expect(load(file).end).toBe('damaged');
  });
});

describe('a turn of which a power cut has left some sectors', () => {
  test('is torn, whichever they are and wherever it begins; nothing before is lost', () => {
    const ends = { whole: 0, torn: 0, damaged: 0 };
    for (let shift = 0; shift < SECTOR; shift += shift % 16 === 0 ? 1 : 3) {
      const log = new RoomyLog();
      log.turn('first');
      log.turn('s'.repeat(shift + 1));
      const begin = log.bytes;
      const turn = log.turn('a'.repeat(300), 'b', 'c'.repeat(1000), 'd'.repeat(100));
      const old = log.file(2);
      const now = log.file(3);
      const firstSector = Math.floor(begin / SECTOR);
      const sectors = Math.floor((begin + turn.bytes.length) / SECTOR) - firstSector + 1;
      for (let kept = 0; kept < 1 << sectors; kept++) {
        const file = Buffer.from(old);
        for (let i = 0; i < sectors; i++) {
          const at = (firstSector + i) * SECTOR;
          if ((kept >> i) & 1) now.copy(file, at, at, Math.min(at + SECTOR, file.length));
        }
        const { commands, end, at } = load(file);
        const what = `shift ${shift}, sectors kept ${kept.toString(2)} of ${sectors}`;
        ends[end]++;
        expect(end, what).not.toBe('damaged');
        // Whole commands before what is missing may stay.
        expect(commands, what).toEqual(log.commands(3).slice(0, commands.length));
        expect(commands.length, what).toBeGreaterThanOrEqual(2);
        if (kept === (1 << sectors) - 1) expect(commands, what).toEqual(log.commands(3));
        else expect(at, what).toBeLessThan(begin + turn.bytes.length);
      }
    }
    expect(ends.torn).toBeGreaterThan(ends.whole);
  });

  test('where two turns were under way, both go', () => {
    const log = new RoomyLog();
    log.turn('first');
    const begin = log.bytes;
    log.turn('a'.repeat(1200));
    log.turn('b'.repeat(1200));
    const file = log.file(3);
    const at = (Math.floor(begin / SECTOR) + 1) * SECTOR;
    log.file(1).copy(file, at, at, at + SECTOR);
    expect(load(file)).toEqual({ commands: ['first'], end: 'torn', at: begin });
  });
});

describe('a flipped bit', () => {
  test('never takes away what somebody else has logged behind fill, nor does an end that is cut', () => {
    for (const length of [1, 200, 464, 465, 466]) {
      const log = new RoomyLog(1200);
      log.turn('x'.repeat(length));
      const other = new LogEncoder();
      for (const text of ['a', 'b'.repeat(700), 'c']) other.command('SET', 'k', text);
      const theirs = log.file(1).length;
      const file = Buffer.concat([log.file(1), other.buf.subarray(0, other.pos)]);
      for (let bit = log.bytes * 8; bit < file.length * 8; bit++) {
        file[bit >> 3]! ^= 1 << (bit & 7);
        expect(load(file).end, `length ${length}, bit ${bit & 7} of byte ${bit >> 3} of ${theirs}`).not.toBe('torn');
        file[bit >> 3]! ^= 1 << (bit & 7);
      }
      for (let end = theirs; end < file.length; end++) {
        expect(load(file.subarray(0, end)).end, `length ${length}, cut at ${end}`).not.toBe('torn');
      }
    }
  });

  test('in what somebody else has logged is not, either, after we have gone on with it', () => {
    const log = new RoomyLog(1200);
    log.turn('ours');
    const other = new LogEncoder();
    other.command('SET', 'k', 'b'.repeat(700));
    const theirs = log.file(1).length;
    other.checksumReset();
    other.command('SET', 'k', 'ours again');
    other.checksum();
    const file = Buffer.concat([log.file(1), other.buf.subarray(0, other.pos)]);
    file[theirs + 5]! ^= 4;
    expect(load(file).end).toBe('damaged');
  });

  test('at the end of a turn is damage, or harmless, wherever that is', () => {
    for (let length = 0; length < 512; length++) {
      const log = new RoomyLog(600);
      log.turn('first');
      log.turn('x'.repeat(length));
      const end = log.bytes;
      if ((end + 4) % SECTOR > 8) continue;
      const file = log.file(2);
      for (let bit = (end - 40) * 8; bit < (end + 8) * 8; bit++) {
        file[bit >> 3]! ^= 1 << (bit & 7);
        const { commands, end: how } = load(file);
        if (how !== 'damaged')
          expect(commands, `end ${end}, bit ${bit & 7} of byte ${bit >> 3}`).toEqual(log.commands(2));
        file[bit >> 3]! ^= 1 << (bit & 7);
      }
    }
  });

  test('is damage also where a write was under way behind it', () => {
    const log = new RoomyLog();
    log.turn('first');
    const begin = log.bytes;
    log.turn('second');
    log.turn('c'.repeat(1200));
    const file = log.file(3);
    log.file(2).copy(file, 512, 512, 1024);
    expect(load(file)).toMatchObject({ commands: ['first', 'second'], end: 'torn' });
    file[begin + 8]! ^= 1;
    expect(load(file).end).toBe('damaged');
  });

  test('in what was synced is never taken for a write under way; in fill it changes nothing', () => {
    // Of the second turn: somewhere, with its first byte as the last of a sector, with its second one.
    for (const [length, seconds] of [
      [10, 0],
      [300, 0],
      [420, 7],
      [465, 0],
      [465, 7],
      [464, 7],
    ] as const) {
      const log = new RoomyLog(600);
      log.turn('f'.repeat(length));
      const begin = log.bytes;
      log.seconds = seconds;
      log.turn('x'.repeat(length), 'y'.repeat(2 * length));
      const file = log.file(2);
      let damaged = 0;
      for (let bit = begin * 8; bit < file.length * 8; bit++) {
        file[bit >> 3]! ^= 1 << (bit & 7);
        const { commands, end, at } = load(file);
        const what = `begin ${begin}, bit ${bit & 7} of byte ${bit >> 3} of ${log.bytes}`;
        if (end === 'damaged') damaged++;
        else expect(commands, what).toEqual(log.commands(2));
        if (end === 'torn') expect(at, what).toBe(log.bytes);
        file[bit >> 3]! ^= 1 << (bit & 7);
      }
      // All bits but those of a sum's name and of what follows it.
      expect(damaged).toBeGreaterThan((log.bytes - begin) * 8 - 8 * 60);
    }
  });
});
