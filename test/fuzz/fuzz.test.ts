/** A short run of each fuzzer; `npm run fuzz` makes long ones. */
import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { TEST_SEED } from '../support/seed.js';
import { AllocationMeter } from './allocation-meter.js';
import { AofTarget } from './aof-target.js';
import { DumpTarget } from './dump-target.js';
import { fuzz } from './fuzz-run.js';
import { applyEdits, drawEdits } from './mutate.js';
import { RdbTarget } from './rdb-target.js';
import { SocketTarget } from './socket-target.js';
import type { Input, Outcome, Target } from './target.js';

const seed = TEST_SEED;

describe('damaged input does no harm', () => {
  const targets = [new SocketTarget(), new DumpTarget(), new RdbTarget(), new AofTarget()] as Target<unknown>[];
  it.each(targets.map((target) => [target.name, target] as const))(
    '%s',
    async (_name, target) => {
      const { failures, accepted } = await fuzz(target, { seed, inputs: 500 });
      expect(failures.map(({ text }) => text).join('\n')).toBe('');
      expect(accepted).toBeGreaterThan(20);
    },
    120_000,
  );
});

/** Fails when one of its bytes is 7, and takes the memory that its first byte says. */
class Fragile implements Target<number> {
  readonly name = 'fragile';
  readonly pieceBytes = 1000;
  begin(): void {}
  renew(): void {}
  draw(r: Random): Input<number> {
    return { base: new Uint8Array(0), parts: Array.from({ length: 20 }, () => r.below(100)), choice: 0 };
  }
  bytes({ parts }: Input<number>): Uint8Array {
    return Uint8Array.from(parts);
  }
  run({ parts }: Input<number>): Outcome {
    if (parts.includes(7)) throw new Error('seven');
    if (parts.includes(9)) return new Float64Array(100_000).length > 0 ? 'accepted' : 'refused';
    return 'accepted';
  }
  show({ parts }: Input<number>): string {
    return parts.join();
  }
}

describe('the fuzzer', () => {
  it('says which input fails, how to repeat it, and what of it matters', async () => {
    const { failures } = await fuzz(new Fragile(), { seed: 1, inputs: 1000, failuresMax: 40 });
    const text = failures.map((failure) => failure.text);
    const seven = text.find((line) => line.includes('seven'))!;
    expect(seven).toMatch(/Repeat: npm run fuzz -- --what fragile --seed 1 --from \d+ --inputs 1\n7\nError: seven/);
    expect(text.some((line) => /makes a buffer of 800000 bytes/.test(line) && /\n9\nError/.test(line))).toBe(true);
  });

  it('draws the same input from the same seed', () => {
    const draw = (from: number): string => {
      const target = new SocketTarget();
      target.begin();
      return Buffer.from(target.bytes(target.draw(new Random(from)))).toString('hex');
    };
    expect(draw(5)).toBe(draw(5));
    expect(draw(5)).not.toBe(draw(6));
  });

  it('edits bytes, and only some of them', () => {
    const r = new Random(1);
    const sound = Buffer.alloc(200, 1);
    for (let i = 0; i < 1000; i++) {
      const edits = drawEdits(r, sound.length);
      expect(edits.length).toBeLessThanOrEqual(8);
      expect(applyEdits(sound, edits).length).toBeGreaterThanOrEqual(0);
    }
    expect(applyEdits(Buffer.from('abc'), [{ at: 1, remove: 1, insert: Buffer.from('xyz') }]).toString()).toBe('axyzc');
  });

  it('sees every way to ask for a buffer', () => {
    const meter = new AllocationMeter().install();
    try {
      const asks = [
        () => new Uint8Array(70_000),
        () => new Float64Array(9000),
        () => new SharedArrayBuffer(70_000),
        () => Buffer.allocUnsafe(70_000),
        () => Buffer.alloc(70_000),
      ];
      for (const ask of asks) {
        meter.reset();
        ask();
        expect(meter.largest).toBeGreaterThanOrEqual(70_000);
      }
    } finally {
      meter.uninstall();
    }
  });
});
