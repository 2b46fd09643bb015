import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CorruptionError } from '../../base/errors.js';
import { Args } from '../resp/args.js';
import { LogEncoder } from './log-encoder.js';
import { LogReader, type LogReaderOptions, Token, TruncatedLogError } from './log-reader.js';

interface Read {
  commands: string[][];
  /** Offset of each command. */
  offsets: number[];
  reader: LogReader;
  error: unknown;
}

/** Reads all of `bytes`, pushed in chunks of the sizes given in turn. */
function read(bytes: Uint8Array, chunks: number[] = [bytes.length || 1], options: LogReaderOptions = {}): Read {
  const reader = new LogReader('log', options);
  const args = new Args();
  const out: Read = { commands: [], offsets: [], reader, error: null };
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const n = chunks[i % chunks.length]!;
      reader.push(bytes.subarray(at, at + n));
      at += n;
      for (let token = reader.next(args); token !== Token.MORE; token = reader.next(args)) {
        if (token !== Token.COMMAND) continue;
        out.commands.push(Array.from({ length: args.count }, (_, k) => args.latin1(k)));
        out.offsets.push(reader.tokenOffset);
      }
    }
    reader.end();
  } catch (error) {
    out.error = error;
  }
  return out;
}

function bytesOf(encoder: LogEncoder): Buffer {
  return Buffer.from(encoder.buf.subarray(0, encoder.pos));
}

const bytesArb = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 200 }));
const commandArb = fc.array(bytesArb, { minLength: 1, maxLength: 5 });
const logArb = fc.array(fc.record({ argv: commandArb, db: fc.nat(3), mark: fc.nat(3) }), { maxLength: 12 });
type Step = { argv: Uint8Array[]; db: number; mark: number };

/** A log of the steps, with annotations here and there; `drainEvery` bytes at a time are taken from the encoder. */
function encode(steps: Step[], drain: boolean): { bytes: Buffer; commands: string[][] } {
  const encoder = new LogEncoder();
  const parts: Buffer[] = [];
  const commands: string[][] = [];
  let db = -1;
  let second = 1000;
  for (const step of steps) {
    if (step.mark === 1) encoder.stamp(second++);
    encoder.select(step.db);
    if (step.db !== db) commands.push(['SELECT', String(step.db)]);
    db = step.db;
    encoder.command(...step.argv);
    commands.push(step.argv.map((arg) => Buffer.from(arg).toString('latin1')));
    if (step.mark === 2) encoder.checksum();
    if (drain && encoder.pos > 0) {
      const n = Math.min(1 + (encoder.pos % 37), encoder.pos);
      parts.push(Buffer.from(encoder.buf.subarray(0, n)));
      encoder.drained(n);
    }
  }
  encoder.checksum();
  parts.push(bytesOf(encoder));
  return { bytes: Buffer.concat(parts), commands };
}

describe('whole logs', () => {
  test('commands come back with their offsets, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        logArb,
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (steps, drain, cuts) => {
          const { bytes, commands } = encode(steps, drain);
          const got = read(bytes, cuts, { fileBytes: bytes.length });
          expect(got.error).toBeNull();
          expect(got.commands).toEqual(commands);
          expect(got.reader.offset).toBe(bytes.length);
          for (const offset of got.offsets) expect(bytes[offset]).toBe(42);
        },
      ),
    );
  });

  test('the bytes are those of the protocol', () => {
    const encoder = new LogEncoder();
    encoder.select(0);
    encoder.raw(Buffer.from('*3\r\n$3\r\nset\r\n$5\r\nuserA\r\n$4\r\ntest\r\n'), 0, 34);
    encoder.args(Args.of('DEL', 'userA'));
    encoder.select(0);
    encoder.select(12);
    encoder.arrayHeader(2);
    encoder.text('가');
    encoder.integer(-42);
    expect(bytesOf(encoder).toString()).toBe(
      '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$5\r\nuserA\r\n$4\r\ntest\r\n*2\r\n$3\r\nDEL\r\n$5\r\nuserA\r\n' +
        '*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n*2\r\n$3\r\n가\r\n$3\r\n-42\r\n',
    );
  });

  test('timestamps are surfaced, one a second; other annotations are skipped', () => {
    const encoder = new LogEncoder();
    encoder.stamp(1700000000);
    encoder.command('PING');
    encoder.stamp(1700000000);
    encoder.stamp(1699999999);
    encoder.command('PING');
    const other = Buffer.from('# a note\r\n#XY:12\n');
    const got = read(Buffer.concat([other, bytesOf(encoder)]));
    expect(bytesOf(encoder).toString()).toBe('#TS:1700000000\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n');
    expect([got.error, got.commands.length, got.reader.timestamp]).toEqual([null, 2, 1700000000]);
  });

  test('a log that goes on after a stranger wrote to it starts its checksums anew', () => {
    const first = encode([{ argv: [Buffer.from('A')], db: 0, mark: 0 }], false).bytes;
    const stranger = Buffer.from('*1\r\n$4\r\nPING\r\n');
    const encoder = new LogEncoder();
    encoder.checksumReset();
    encoder.command('B');
    encoder.checksum();
    const got = read(Buffer.concat([first, stranger, bytesOf(encoder)]), [7]);
    expect([got.error, got.commands.length]).toEqual([null, 4]);
    expect(got.reader.checkedBytes).toBeGreaterThan(0);
  });
});

describe('cut logs', () => {
  test('cut at any byte: what is whole is read, and the rest is called truncated from the last whole command on', () => {
    fc.assert(
      fc.property(
        logArb,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (steps, where, chunk) => {
          const { bytes, commands } = encode(steps, false);
          const cut = Math.floor(where * bytes.length);
          const got = read(bytes.subarray(0, cut), [chunk], { fileBytes: cut });
          expect(got.commands).toEqual(commands.slice(0, got.commands.length));
          if (got.error === null) {
            expect(got.reader.offset).toBe(cut);
          } else {
            expect(got.error).toBeInstanceOf(TruncatedLogError);
            const { offset, cutOffset } = got.error as TruncatedLogError;
            expect(cutOffset).toBe(offset);
            expect(offset).toBe(got.reader.offset);
            expect(read(bytes.subarray(0, offset)).error).toBeNull();
          }
        },
      ),
    );
  });

  test('a transaction without EXEC is cut before its MULTI, with or without a partial command', () => {
    const encoder = new LogEncoder();
    encoder.command('SET', 'a', '1');
    const whole = encoder.pos;
    encoder.command('MULTI');
    encoder.command('SET', 'a', '2');
    for (const left of [0, 5]) {
      const { error } = read(bytesOf(encoder).subarray(0, encoder.pos - left));
      expect(error).toBeInstanceOf(TruncatedLogError);
      expect((error as TruncatedLogError).cutOffset).toBe(whole);
    }
    encoder.command('EXEC');
    expect(read(bytesOf(encoder)).error).toBeNull();
  });

  test('a tail of zeros is a cut, at any byte', () => {
    const encoder = new LogEncoder();
    encoder.command('SET', 'key', 'value');
    encoder.command('SET', 'key', '0123456789');
    encoder.stamp(1700000000);
    const bytes = bytesOf(encoder);
    for (let cut = 0; cut < bytes.length; cut++) {
      for (const zeros of [1, 7, 3000]) {
        const got = read(Buffer.concat([bytes.subarray(0, cut), new Uint8Array(zeros)]), [11]);
        expect(got.error, `cut at ${cut}, ${zeros} zeros`).toBeInstanceOf(TruncatedLogError);
        expect((got.error as TruncatedLogError).offset).toBe(cut < 33 ? 0 : cut < 72 ? 33 : 72);
      }
    }
  });

  test('zeros with something after them are damage', () => {
    const bytes = Buffer.from('*1\r\n$4\r\nPING\r\n\0\0\0\0*1\r\n$4\r\nPING\r\n');
    for (const chunk of [1, 3, 100]) {
      const { error } = read(bytes, [chunk]);
      expect(error).toBeInstanceOf(CorruptionError);
      expect(error).not.toBeInstanceOf(TruncatedLogError);
      expect((error as CorruptionError).offset).toBe(14);
    }
  });

  test('a length that says too much is damage when checksum lines follow, a cut otherwise', () => {
    const encoder = new LogEncoder();
    for (let i = 0; i < 50; i++) {
      encoder.command('SET', `key:${i}`, 'v'.repeat(100 + i));
      encoder.checksum();
    }
    const bytes = bytesOf(encoder);
    bytes.write('$947', bytes.indexOf('$147'), 'latin1');
    for (const chunk of [13, 100_000]) {
      for (const fileBytes of [bytes.length, Number.POSITIVE_INFINITY]) {
        const { error } = read(bytes, [chunk], { fileBytes });
        expect(error).toBeInstanceOf(CorruptionError);
        expect(error).not.toBeInstanceOf(TruncatedLogError);
      }
    }
    expect(read(bytes, [13], { fileBytes: bytes.length, verify: false }).error).toBeInstanceOf(TruncatedLogError);
  });
});

describe('damaged logs', () => {
  test('with checksums every flipped bit is noticed, or harmless', () => {
    const encoder = new LogEncoder();
    encoder.stamp(1700000000);
    for (let i = 0; i < 4; i++) {
      encoder.select(i & 1);
      encoder.command('SET', `k${i}`, `value ${i}`);
      encoder.checksum();
    }
    const bytes = bytesOf(encoder);
    const { commands } = read(bytes);
    let noticed = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const got = read(damaged, [64], { fileBytes: bytes.length });
      if (got.error === null) expect(got.commands, `bit ${bit}`).toEqual(commands);
      else noticed++;
      // A cut may only take the last range: all before it would be lost in silence otherwise.
      if (got.error instanceof TruncatedLogError) expect(got.commands.length, `bit ${bit}`).toBeGreaterThanOrEqual(6);
    }
    expect(noticed).toBeGreaterThan(bytes.length * 7);
  });

  test.each([
    ['*1\r\n$4\r\nPING\r\nPING\r\n', 14],
    ['*x\r\n', 1],
    ['*0\r\n', 1],
    ['*-1\r\n', 1],
    ['*1\r\n+OK\r\n', 4],
    ['*1\r\n$-1\r\n', 5],
    ['*1\r\n$2\r\nabc\r\n', 10],
    ['*1\r\n$2\r\nab\rX', 11],
    ['*1\rX', 3],
    ['*99999999999\r\n', 1],
    ['*2\r\n$2147483640\r\n', 4],
    [`#${'x'.repeat(1100)}\r\n`, 0],
    ['*1\r\n$4\r\nPING\r\n#CK:14\r\n', 14],
    ['*1\r\n$4\r\nPING\r\n#CK:13:00000000\r\n', 14],
    ['*1\r\n$4\r\nPING\r\n#CK:14:00000000\r\n', 0],
  ])('%j: the offset is named', (text, offset) => {
    for (const chunk of [1, 5, 5000]) {
      const { error } = read(Buffer.from(text), [chunk]);
      expect(error).toBeInstanceOf(CorruptionError);
      expect(error).not.toBeInstanceOf(TruncatedLogError);
      expect((error as CorruptionError).offset).toBe(offset);
    }
  });

  test('a length that the file cannot hold makes no buffer of that size', () => {
    const text = Buffer.from('*2\r\n$1000000000\r\nabc');
    const before = process.memoryUsage().arrayBuffers;
    expect(read(text, [3], { fileBytes: text.length }).error).toBeInstanceOf(TruncatedLogError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });
});
