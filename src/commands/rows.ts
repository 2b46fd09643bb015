/** Pieces that rows of many families share: key specifications and arguments for COMMAND INFO and COMMAND DOCS. */
import type { KeySpec } from './spec.js';

/** One key at argument `index`. Flags in Redis's words: RO, RW, OW, RM, access, update, insert, delete. */
export function keySpec(index: number, ...flags: string[]): KeySpec {
  return { flags, begin: ['index', index], find: ['range', 0, 1, 0] };
}

/** Keys from argument `index` to the last one, each `step`-th argument. */
export function keysSpec(index: number, step: number, ...flags: string[]): KeySpec {
  return { flags, begin: ['index', index], find: ['range', -1, step, 0] };
}

export const KEY_ARG = { name: 'key', type: 'key', key_spec_index: 0 };
export const KEYS_ARG = { name: 'key', type: 'key', key_spec_index: 0, multiple: true };
export const VALUE_ARG = { name: 'value', type: 'string' };

// Of the commands that wait for keys.

/** Keys from argument 1 to the last but one, which is the timeout. */
export const WAITED_KEYS: readonly KeySpec[] = [
  { flags: ['RW', 'access', 'delete'], begin: ['index', 1], find: ['range', -2, 1, 0] },
];
export const TIMEOUT_ARG = { name: 'timeout', type: 'double' };
export const TIMEOUT_HISTORY = [['6.0.0', '`timeout` is interpreted as a double instead of an integer.']] as const;
