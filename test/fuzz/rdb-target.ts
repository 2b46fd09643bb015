/** RDB files, damaged, are loaded as a server does at its start. */

import { drawFiles } from '../support/corpus.js';
import { Random } from '../support/random.js';
import { sumOf } from '../support/small-file.js';
import { FileLoading } from './file-loading.js';
import { applyEdits, drawEdits, type Edit } from './mutate.js';
import type { Input, Outcome, Target } from './target.js';

const FILES = 60;
const SUM_BYTES = 8;

/** `bad`: the sum is that of the file before it was damaged. */
const CHOICES = ['sound sum', 'no sum', 'bad sum', 'sum not verified'] as const;

export class RdbTarget implements Target<Edit> {
  readonly name = 'rdb';
  readonly pieceBytes = 2 * 1024 * 1024;
  private files: Buffer[] = [];
  private verifying!: FileLoading;
  private trusting!: FileLoading;

  begin(seed: number): void {
    this.files = drawFiles(new Random(seed), FILES);
    this.renew();
  }

  renew(): void {
    const config = { databases: 256 };
    this.verifying = new FileLoading(config);
    this.trusting = new FileLoading({ ...config, rdbchecksum: 'no' });
  }

  draw(r: Random): Input<Edit> {
    const base = r.pick(this.files);
    const choice = r.chance(45) ? 0 : r.chance(40) ? 1 : r.chance(90) ? 3 : 2;
    return { base, parts: drawEdits(r, base.length - (choice < 2 ? SUM_BYTES : 0)), choice };
  }

  bytes({ base, parts, choice }: Input<Edit>): Uint8Array {
    if (choice >= 2) return applyEdits(base, parts);
    const body = applyEdits(base.subarray(0, -SUM_BYTES), parts);
    return Buffer.concat([body, choice === 0 ? sumOf(body) : Buffer.alloc(SUM_BYTES)]);
  }

  run(input: Input<Edit>): Outcome {
    return this.runBytes(this.bytes(input), CHOICES[input.choice] !== 'sum not verified');
  }

  runBytes(file: Uint8Array, verify: boolean): Outcome {
    const loading = verify ? this.verifying : this.trusting;
    loading.disk.put('/dump.rdb', file);
    return loading.load('dump', new Random(file.length));
  }

  show(input: Input<Edit>): string {
    return `dump.rdb, ${CHOICES[input.choice]}: <hex ${Buffer.from(this.bytes(input)).toString('hex')}>`;
  }
}
