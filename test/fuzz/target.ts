/** What can be fuzzed: how an input is drawn, what it does, and what it consists of. */
import type { Random } from '../support/random.js';

/**
 * `Input` is a list of parts, each of which can be left out, so that a failing input is shrunk to the parts that matter.
 */
export interface Target<Part> {
  readonly name: string;
  /** What an input of any size may ask for in one piece. */
  readonly pieceBytes: number;
  /** Makes what inputs are drawn from, by the seed alone, and a server. */
  begin(seed: number): void;
  /** A new server, after a failure. */
  renew(): void;
  /** The parts of an input, from a seed of its own: nothing else decides what they are. */
  draw(r: Random): Input<Part>;
  /** What is fed, for its size and for messages. */
  bytes(input: Input<Part>): Uint8Array;
  /** Throws when something is wrong. Afterwards everything is as it was before, unless it threw. */
  run(input: Input<Part>): Outcome;
  /** The input as text that says all. */
  show(input: Input<Part>): string;
}

export interface Input<Part> {
  /** What the parts are applied to. */
  readonly base: Uint8Array;
  readonly parts: readonly Part[];
  /** A choice among what the target can do with it. */
  readonly choice: number;
}

/** `accepted`: the input was taken; `refused`: it was answered with the error that it deserves. */
export type Outcome = 'accepted' | 'refused';
