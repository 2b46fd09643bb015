import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Crc64 } from '../src/base/crc64.js';
import { BytesSource } from '../src/formats/rdb/source.js';
import { FileSum } from '../src/persistence/file-sum.js';

// The thread runs compiled code (dist/), as a snapshot's does.
describe('the sum of a file', () => {
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 2654435761) >>> 24);
  const whole = new Crc64().update(bytes, 0, bytes.length - 8);
  let dir: string;
  let path: string;
  let reads: number;
  const again = () => {
    reads++;
    return new BytesSource('again', bytes, 4096);
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'onggi-sum-'));
    path = join(dir, 'dump.rdb');
    reads = 0;
    writeFileSync(path, bytes);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('comes from a thread, while the event loop rests', () => {
    const sum = new FileSum(path, bytes.length, again);
    expect(`${sum.crcOf(bytes.length - 8)}`).toBe(`${whole}`);
    expect(reads).toBe(0);
    sum.stop();
  });

  it('is made again when the data ends somewhere else', () => {
    const sum = new FileSum(path, bytes.length, again);
    expect(`${sum.crcOf(1000)}`).toBe(`${new Crc64().update(bytes, 0, 1000)}`);
    expect(reads).toBe(1);
    sum.stop();
  });

  it('is made again when the thread could not read the file', () => {
    const sum = new FileSum(join(dir, 'gone.rdb'), bytes.length, again);
    expect(`${sum.crcOf(bytes.length - 8)}`).toBe(`${whole}`);
    expect(reads).toBe(1);
    sum.stop();
  });
});
