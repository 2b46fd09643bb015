/**
 * Which keys a request touches and how, as ACL rules see it: reading and writing. Most commands have their keys at fixed
 * places, and for them nothing is made; the others go through `keyPositions`.
 */
import type { Args } from '../../formats/resp/args.js';
import { keyPositions, trueKeySpecsOf, variableFlags } from '../key-positions.js';
import type { CommandSpec, KeySpec } from '../spec.js';

/** Bits of what a key pattern allows. */
export const KeyRight = { READ: 1, WRITE: 2, BOTH: 3 } as const;

/** What flags of a key specification ask for. A key that is only looked at from outside (EXISTS, TYPE) asks for neither. */
function accessOf(flags: readonly string[]): number {
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
  /** null: the options of the request decide. */
  readonly access: number | null;
}

type Allows = (a: Args, i: number, access: number) => boolean;

/** A command's keys; made once a command. */
export class KeyAccess {
  private readonly ranges: readonly KeyRange[] | null;

  constructor(private readonly spec: CommandSpec) {
    this.ranges = fixedRanges(spec);
  }

  /** The first key argument that `allows` does not allow; 0 when there is none. */
  firstDenied(a: Args, allows: Allows): number {
    if (this.ranges === null) return this.searchDenied(a, allows);
    for (const range of this.ranges) {
      const access = range.access ?? accessOf(variableFlags(this.spec, a));
      const end = range.last < 0 ? a.count + range.last : range.last;
      for (let i = range.first; i <= end; i += range.step) if (!allows(a, i, access)) return i;
    }
    return 0;
  }

  private searchDenied(a: Args, allows: Allows): number {
    // Arguments that make no sense have no keys: the command itself refuses them.
    const positions = keyPositions(this.spec, a) ?? [];
    return positions.find(({ index, flags }) => !allows(a, index, accessOf(flags)))?.index ?? 0;
  }
}

/** A command's ranges; null where only `keyPositions` can tell its keys. */
function fixedRanges(spec: CommandSpec): KeyRange[] | null {
  if (spec.getKeys !== undefined) return null;
  const ranges: KeyRange[] = [];
  for (const each of trueKeySpecsOf(spec)) {
    const range = fixedRange(each);
    if (range === null) return null;
    ranges.push(range);
  }
  return ranges;
}

function fixedRange({ begin, find, flags }: KeySpec): KeyRange | null {
  if (begin[0] !== 'index' || find[0] !== 'range' || flags.includes('incomplete')) return null;
  const [, last, step, limit] = find;
  if (limit > 1) return null;
  const [, first] = begin;
  const access = flags.includes('variable_flags') ? null : accessOf(flags);
  return { first, last: last < 0 ? last : first + last, step, access };
}
