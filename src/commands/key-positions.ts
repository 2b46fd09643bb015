/** Where the keys of a request are: from a command's key specifications, its legacy range, or its own function. */
import type { Args } from '../formats/resp/args.js';
import type { CommandSpec, KeySpec } from './spec.js';

export interface KeyPosition {
  index: number;
  /** RO, RW, OW, RM, access, update, insert, delete ... */
  flags: readonly string[];
}

/** The specifications of a row; made up from `keys` where there are none. */
export function keySpecsOf(spec: CommandSpec): readonly KeySpec[] {
  if (spec.keySpecs !== undefined) return spec.keySpecs;
  const [first, last, step] = spec.keys;
  if (first === 0) return [];
  const flags = spec.flags.includes('readonly') ? ['RO', 'access'] : ['RW', 'access', 'update'];
  return [{ flags, begin: ['index', first], find: ['range', last < 0 ? last : last - first, step, 0] }];
}

/** Those of the specifications that are about keys: shard channels have some, too. */
export function trueKeySpecsOf(spec: CommandSpec): readonly KeySpec[] {
  return keySpecsOf(spec).filter(({ flags }) => !flags.includes('not_key'));
}

/** Whether requests of this command have keys at all. */
export function hasKeys(spec: CommandSpec): boolean {
  return spec.getKeys !== undefined || trueKeySpecsOf(spec).length > 0;
}

/** The keys of a request of right arity, in order; null when its arguments make no sense. */
export function keyPositions(spec: CommandSpec, a: Args): KeyPosition[] | null {
  const specs = trueKeySpecsOf(spec);
  const doubtful = specs.some((each) => each.flags.includes('variable_flags') || each.flags.includes('incomplete'));
  const unknown = specs.some((each) => each.begin[0] === 'unknown' || each.find[0] === 'unknown');
  if (spec.getKeys !== undefined && (doubtful || unknown || specs.length === 0)) {
    const usual = specs[0]?.flags.filter((flag) => flag !== 'variable_flags') ?? [];
    return spec.getKeys(a).map((key) => (typeof key === 'number' ? { index: key, flags: usual } : key));
  }
  const positions: KeyPosition[] = [];
  for (const each of specs) {
    const first = beginOf(each, a);
    if (first === null) continue;
    if (first >= a.count) return null;
    const range = rangeOf(each, a, first);
    if (range === null) return null;
    const flags = each.flags.includes('variable_flags') ? variableFlags(spec, a) : each.flags;
    for (let index = range.first; index <= range.last; index += range.step) {
      if (index >= a.count) return null;
      positions.push({ index, flags });
    }
  }
  return positions;
}

/** Access that depends on the options of SET and the operations of BITFIELD. */
export function variableFlags(spec: CommandSpec, a: Args): readonly string[] {
  if (spec.name === 'bitfield') return bitfieldWrites(a) ? READ_AND_WRITE : READ;
  if (spec.name !== 'set') return READ_AND_WRITE;
  for (let i = 3; i < a.count; i++) if (a.is(i, 'GET')) return READ_AND_WRITE;
  return OVERWRITE;
}

const READ_AND_WRITE = ['RW', 'access', 'update'];
const READ = ['RO', 'access'];
const OVERWRITE = ['OW', 'update'];

/** Whether an operation of BITFIELD is anything else than GET; what makes no sense counts as a write. */
function bitfieldWrites(a: Args): boolean {
  for (let i = 2; i < a.count; ) {
    const behind = a.count - i - 1;
    if (a.is(i, 'GET') && behind >= 2) i += 3;
    else if (a.is(i, 'OVERFLOW') && behind >= 1) i += 2;
    else return true;
  }
  return false;
}

function beginOf(spec: KeySpec, a: Args): number | null {
  const { begin } = spec;
  if (begin[0] === 'index') return begin[1];
  if (begin[0] === 'unknown') return null;
  const [, keyword, from] = begin;
  const step = from > 0 ? 1 : -1;
  const start = from > 0 ? from : a.count + from;
  const end = from > 0 ? a.count - 1 : 1;
  for (let i = start; i !== end; i += step) {
    if (i < 0 || i >= a.count) return null;
    if (a.is(i, keyword.toUpperCase())) return i + 1;
  }
  return null;
}

function rangeOf(spec: KeySpec, a: Args, first: number): { first: number; last: number; step: number } | null {
  const { find } = spec;
  if (find[0] === 'unknown') return { first: 1, last: 0, step: 1 };
  if (find[0] === 'range') {
    const [, last, step, limit] = find;
    if (last >= 0) return { first, last: first + last, step };
    if (limit <= 1) return { first, last: a.count + last, step };
    return { first, last: first + Math.floor((a.count - first) / limit) + last, step };
  }
  const [, numIndex, firstKey, step] = find;
  const at = first + numIndex;
  const count = at < a.count ? a.integer(at) : Number.NaN;
  if (!(count > 0)) return null;
  const begin = first + firstKey;
  return { first: begin, last: begin + (count - 1) * step, step };
}
