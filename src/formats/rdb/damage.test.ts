/**
 * Damaged files. With the checksum on, every change of a byte is found. With it off, a file either is refused with a
 * CorruptionError or loads values that are whole: they can be read, written and read again, and nothing is left behind.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { rng } from '../../../test/support/random-keyspace.js';
import { hex, latin1 } from '../../../test/support/rdb-bytes.js';
import { RdbStore } from '../../../test/support/rdb-store.js';
import { STREAM, smallFile } from '../../../test/support/small-file.js';
import { CorruptionError, TruncationError } from '../../base/errors.js';
import { DumpWriter } from './dump.js';

/** Streams of the golden files, by type. */
function goldenStreams(): { name: string; type: number; payload: Uint8Array }[] {
  const golden = new RdbStore();
  golden.load(readFileSync(join(import.meta.dirname, '../../../test/golden/data/redis-7.2.6/dump.rdb')));
  const writer = new DumpWriter(golden.arena, 11);
  return ['stream:onlygroup', 'stream:emptied', 'stream:mixed'].map((name) => {
    // Without the type in front, version and sum behind.
    const payload = writer.write(golden.entry(0, name)).slice(1, -10);
    return { name, type: 21, payload };
  });
}

/** Loads it; null when it was refused as it should be. Anything but a CorruptionError gets through. */
function attempt(store: RdbStore, file: Uint8Array, checksum: boolean): CorruptionError | null {
  try {
    store.load(file, { checksum, name: 'small.rdb' });
    return null;
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    if (!(error.offset >= 0 && error.offset <= file.length)) throw new Error(`offset ${error.offset}`);
    return error;
  }
}

/** That what was loaded from a damaged file is whole. */
function checkWhole(store: RdbStore, again: RdbStore, where: string): void {
  const before = store.describe(null);
  again.load(store.save({ version: 12, compression: false, checksum: false }));
  const after = again.describe(null);
  if (!isDeepStrictEqual(after, before)) expect({ where, after }).toEqual({ where, after: before });
  again.clear();
}

describe('a damaged file', () => {
  const good = smallFile();

  it('is the exception: the file that the others are made from is read whole', () => {
    const store = new RdbStore();
    expect(attempt(store, good, true)).toBeNull();
    expect(store.size).toBe(22);
    store.audit();
  });

  it('cut anywhere is a TruncationError', () => {
    const store = new RdbStore();
    for (let length = 0; length < good.length; length++) {
      const error = attempt(store, good.subarray(0, length), true);
      if (!(error instanceof TruncationError)) expect({ length, error }).toEqual('a TruncationError');
      store.clear();
    }
  });

  it('changed anywhere is found by the checksum at the latest', () => {
    const store = new RdbStore();
    for (let at = 0; at < good.length; at++) {
      for (const flip of [1, 0x80]) {
        const bad = Buffer.from(good);
        bad[at]! ^= flip;
        if (attempt(store, bad, true) === null) expect({ at, flip }).toEqual('refused');
        store.clear();
      }
    }
  });

  it('changed anywhere, the checksum off, is refused or holds whole values', () => {
    const store = new RdbStore();
    const again = new RdbStore();
    let refused = 0;
    let loaded = 0;
    for (let at = 0; at < good.length - 8; at++) {
      for (const flip of [1, 0xff]) {
        const bad = Buffer.from(good);
        bad[at]! ^= flip;
        if (attempt(store, bad, false) === null) {
          loaded++;
          checkWhole(store, again, `byte ${at} ^ ${flip}`);
        } else {
          refused++;
        }
        store.clear();
      }
    }
    expect(refused).toBeGreaterThan(loaded / 2);
    expect(loaded).toBeGreaterThan(100);
  });

  for (const seed of [1, 2, 3]) {
    it(`changed in several places, the checksum off, is refused or holds whole values (seed ${seed})`, () => {
      const random = rng(seed);
      const store = new RdbStore();
      const again = new RdbStore();
      for (let round = 0; round < 1500; round++) {
        const bad = Buffer.from(good);
        for (let i = 1 + Math.floor(random() * 8); i > 0; i--) bad[Math.floor(random() * bad.length)] = random() * 256;
        if (random() < 0.2) bad.copyWithin(Math.floor(random() * bad.length), Math.floor(random() * bad.length));
        if (attempt(store, bad, false) === null) checkWhole(store, again, `round ${round}`);
        store.clear();
      }
    });
  }

  it('never takes more memory than its size justifies, whatever it claims', () => {
    const store = new RdbStore();
    const claims = ['80 7fffffff', '81 00000000ffffffff', '81 001fffffffffffff', '7fff'];
    for (const claim of claims) {
      for (const type of [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]) {
        for (const before of ['', '0000000000000000']) {
          const file = Buffer.concat([
            latin1('REDIS0012'),
            hex(`fe00 ${type.toString(16).padStart(2, '0')} 01 6b ${before} ${claim} 01 61 01 62 01 63`),
          ]);
          attempt(store, file, false);
          store.clear();
        }
      }
      const lzf = Buffer.concat([latin1('REDIS0012'), hex(`fe00 00 01 6b c3 04 ${claim} 00 61 e0 ff`)]);
      expect(attempt(store, lzf, false)).not.toBeNull();
      const lzf2 = Buffer.concat([latin1('REDIS0012'), hex(`fe00 00 01 6b c3 ${claim} 04 00 61 e0 ff`)]);
      expect(attempt(store, lzf2, false)).not.toBeNull();
    }
  });
});

describe('a damaged stream', () => {
  it.each([...goldenStreams(), { name: 'with a group', type: 21, payload: STREAM }])(
    '$name, changed anywhere, is refused or whole',
    ({ type, payload }) => {
      const store = new RdbStore();
      const again = new RdbStore();
      const head = Buffer.concat([latin1('REDIS0012'), hex(`fe00 ${type.toString(16)} 01 6b`)]);
      const step = Math.max(1, Math.floor(payload.length / 400));
      for (let at = 0; at < payload.length; at += step) {
        for (const flip of [1, 0x80]) {
          const bad = payload.slice();
          bad[at]! ^= flip;
          const file = Buffer.concat([head, bad, Buffer.from([255]), Buffer.alloc(8)]);
          if (attempt(store, file, false) === null) checkWhole(store, again, `byte ${at} ^ ${flip}`);
          store.clear();
        }
      }
    },
  );
});
