/** Arguments that no log may show: passwords, and what an ACL says about users. */
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import type { CommandSpec } from './spec.js';

/** What is shown in their place. */
export const REDACTED = Buffer.from('(redacted)');

const NONE: readonly number[] = [];

/** Indices of the arguments that must not be shown. */
export function secretsOf(spec: CommandSpec, a: Args, c: Context): readonly number[] {
  return spec.secrets === undefined ? NONE : spec.secrets(a, c);
}
