/**
 * Which keys a request touches and how, as ACL rules see it: reading and writing. Most commands have their keys at fixed
 * places, and for them nothing is made; the others go through `keyPositions`.
 */
import type { Args } from '../../formats/resp/args.js';
import { type KeyPosition, keyPositions, trueKeySpecsOf } from '../key-positions.js';
import type { CommandSpec, KeySpec } from '../spec.js';

/** Bits of what a key pattern allows. */
export const KeyRight = { READ: 1, WRITE: 2, BOTH: 3 } as const;

/** What flags of a key specification ask for. A key that is only looked at from outside (EXISTS, TYPE) asks for neither. */
export function accessOf(flags: readonly string[]): number {
  let access = 0;
  for (const flag of flags) {
    if (flag === 'access') access |= KeyRight.READ;
    else if (flag === 'insert' || flag === 'update' || flag === 'delete') access |= KeyRight.WRITE;
  }
  return access;
}

/** Keys from argument `first` to `last` (negative: counted from the end), each `step`-th one. */
interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly access: number;
}

/** A command's keys; made once a command. */
export class KeyAccess {
  private readonly ranges: readonly KeyRange[] | null;

  constructor(private readonly spec: CommandSpec) {
    this.ranges = fixedRanges(spec);
  }

  /** The first key argument that `allows` does not allow; 0 when there is none. */
  firstDenied(a: Args, allows: (a: Args, i: number, access: number) => boolean): number {
    if (this.ranges === null) return this.searchDenied(a, allows);
    for (const { first, last, step, access } of this.ranges) {
      const end = last < 0 ? a.count + last : last;
      for (let i = first; i <= end; i += step) if (!allows(a, i, access)) return i;
    }
    return 0;
  }

  private searchDenied(a: Args, allows: (a: Args, i: number, access: number) => boolean): number {
    // Arguments that make no sense have no keys: the command itself refuses them.
    const positions: readonly KeyPosition[] = keyPositions(this.spec, a) ?? [];
    return positions.find(({ index, flags }) => !allows(a, index, accessOf(flags)))?.index ?? 0;
  }
}

function fixedRanges(spec: CommandSpec): KeyRange[] | null {
  const ranges: KeyRange[] = [];
  for (const each of trueKeySpecsOf(spec)) {
    const range = isChangeable(each) ? null : fixedRange(each);
    if (range === null) return null;
    ranges.push(range);
  }
  return ranges.length === 0 && spec.getKeys !== undefined ? null : ranges;
}

function isChangeable({ flags }: KeySpec): boolean {
  return flags.includes('variable_flags') || flags.includes('incomplete');
}

function fixedRange({ begin, find, flags }: KeySpec): KeyRange | null {
  if (begin[0] !== 'index' || find[0] !== 'range') return null;
  const [, last, step, limit] = find;
  if (limit > 1) return null;
  const [, first] = begin;
  return { first, last: last < 0 ? last : first + last, step, access: accessOf(flags) };
}
