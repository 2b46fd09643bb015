/**
 * Feeds a target with inputs, watches what it does to the process, and shrinks what fails.
 *
 * Input n of a seed is always the same, whatever came before it: `npm run fuzz -- --what W --seed S --from n --inputs 1`.
 */
import { seedHash } from '../../src/memory/hash-function.js';
import { Random } from '../support/random.js';
import { AllocationMeter } from './allocation-meter.js';
import type { Input, Target } from './target.js';
import { Watchdog } from './watchdog.js';

export interface FuzzOptions {
  seed: number;
  inputs: number;
  from?: number;
  /** Ends earlier, after so much time. */
  minutes?: number;
  /** An input that takes longer, in time of the processor, hangs. */
  hangMs?: number;
  failuresMax?: number;
  progress?: (done: number) => void;
  /** Called before each input. */
  before?: (input: number) => void;
}

export interface FuzzFailure {
  input: number;
  text: string;
}

export interface FuzzResult {
  inputs: number;
  accepted: number;
  failures: FuzzFailure[];
}

/** Inputs that share what they are made of, and a server if none of them fails. */
const EPOCH = 10_000;
const YIELD_EVERY = 50;
const SHRINK_TRIES = 500;

/** How much more than its own bytes an input may make the process ask for: LZF makes up to 88 bytes of one, and buffers grow by doubling. */
const PIECE_RATIO = 400;

export async function fuzz<Part>(target: Target<Part>, options: FuzzOptions): Promise<FuzzResult> {
  const { seed, inputs, from = 0, minutes = Number.POSITIVE_INFINITY, failuresMax = 1 } = options;
  const result: FuzzResult = { inputs: 0, accepted: 0, failures: [] };
  const repeat = `npm run fuzz -- --what ${target.name} --seed ${seed}`;
  const watchdog = new Watchdog(repeat, options.hangMs ?? 20_000);
  const meter = new AllocationMeter();
  const runner = new Runner(target, meter);
  const ends = performance.now() + minutes * 60_000;
  const { random } = Math;
  Math.random = runner.random;
  seedHash(seed, 1);
  meter.install();
  try {
    let epoch = -1;
    for (let n = from; n < from + inputs; n++) {
      if (Math.floor(n / EPOCH) !== epoch) {
        epoch = Math.floor(n / EPOCH);
        target.begin(mix(seed, epoch));
      }
      options.before?.(n);
      const input = target.draw(new Random(mix(mix(seed, epoch), n)));
      watchdog.begin(n, target.bytes(input));
      const failure = runner.failure(input);
      watchdog.end();
      if (failure !== null) {
        const text = `${failure}\nRepeat: ${repeat} --from ${n} --inputs 1\n${runner.shrunk(input)}`;
        result.failures.push({ input: n, text });
        if (result.failures.length >= failuresMax) break;
      }
      result.inputs++;
      if (n % YIELD_EVERY !== 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      options.progress?.(result.inputs);
      if (performance.now() > ends) break;
    }
  } finally {
    meter.uninstall();
    Math.random = random;
    await watchdog.stop();
  }
  result.accepted = runner.accepted;
  return result;
}

function mix(a: number, b: number): number {
  return (Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(b + 1, 0xc2b2ae35)) >>> 0;
}

/** What went wrong and where, without where the fuzzer was. */
function shortStack(error: Error): string {
  const lines = (error.stack ?? error.message).split('\n');
  const ours = lines.findIndex((line) => /at .*(fuzz-run|Target)\b/.test(line));
  return lines.slice(0, ours < 0 ? 12 : ours).join('\n');
}

class Runner<Part> {
  accepted = 0;
  private chance = new Random(0);
  /** Stands in for Math.random. */
  readonly random = (): number => this.chance.next() / 0x1_0000_0000;

  constructor(
    private readonly target: Target<Part>,
    private readonly meter: AllocationMeter,
  ) {}

  /** Null when all is well. After a failure the target is new. */
  failure(input: Input<Part>): string | null {
    const { target, meter } = this;
    const bytes = target.bytes(input).length;
    // What the server leaves to chance must be the same when the input is repeated.
    this.chance = new Random(bytes);
    meter.reset();
    try {
      if (target.run(input) === 'accepted') this.accepted++;
      const limit = target.pieceBytes + PIECE_RATIO * bytes;
      if (meter.largest > limit) throw new Error(`an input of ${bytes} bytes makes a buffer of ${meter.largest} bytes`);
      return null;
    } catch (error) {
      target.renew();
      return error instanceof Error ? shortStack(error) : String(error);
    }
  }

  /** The input without the parts that do not matter, as text. */
  shrunk(input: Input<Part>): string {
    let kept = input;
    let tries = 0;
    for (let size = Math.ceil(kept.parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let end = kept.parts.length; end > 0 && tries < SHRINK_TRIES; end -= size) {
        const parts = kept.parts.toSpliced(Math.max(0, end - size), Math.min(size, end));
        tries++;
        if (this.failure({ ...kept, parts }) !== null) kept = { ...kept, parts };
      }
    }
    const failure = this.failure(kept);
    return `${this.target.show(kept)}\n${failure ?? 'It did not fail again.'}`;
  }
}
