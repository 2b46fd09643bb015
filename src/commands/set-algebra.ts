/** Intersections, unions and differences of sets. Missing keys are empty sets. */
import { CommandError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import { intsetAccepts } from '../memory/intset.js';
import { Encoding, ItemType } from '../memory/item.js';
import type { SetValue } from '../values/set.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';
import { longFrom } from './long-args.js';
import { storeResult } from './store-result.js';

/** A handle of its own on each of the keys from argument `first` on; null for a missing one. */
function openSets(c: Context, a: Args, first: number, count: number): (SetValue | null)[] {
  const entries: number[] = [];
  for (let i = first; i < first + count; i++) entries.push(c.readType(a, i, ItemType.SET));
  return entries.map((entry) => (entry === 0 ? null : c.keyspace.newSet(entry)));
}

// --- intersection ------------------------------------------------------------------------------------------------------

/** Visits the members that are in all sets; `visit` returns whether to go on. */
function intersect(c: Context, sets: readonly SetValue[], visit: (member: Slice) => boolean): void {
  const { s1 } = c;
  const [smallest, ...others] = sets;
  for (let more = smallest!.first(s1); more; more = smallest!.next(s1)) {
    let everywhere = true;
    for (const set of others) {
      if (!set.has(s1.buf, s1.off, s1.len)) {
        everywhere = false;
        break;
      }
    }
    if (everywhere && !visit(s1)) return;
  }
}

/** The sets from the smallest to the largest; null when one of them is empty. */
function bySize(sets: (SetValue | null)[]): SetValue[] | null {
  const present = sets.filter((set) => set !== null);
  return present.length < sets.length ? null : present.sort((x, y) => x.length - y.length);
}

export function sinter(c: Context, a: Args): void {
  const { out } = c;
  const sets = bySize(openSets(c, a, 1, a.count - 1));
  if (sets === null) {
    out.set(0);
    return;
  }
  const at = out.pos;
  let count = 0;
  intersect(c, sets, (member) => {
    out.bulkSlice(member);
    count++;
    return true;
  });
  out.setAt(at, count);
}

export function sinterstore(c: Context, a: Args): void {
  const sets = bySize(openSets(c, a, 2, a.count - 2));
  const result = c.keyspace.newSet().create();
  if (sets !== null) {
    // The result is built as Redis builds it, because that decides its encoding.
    if (sets[0]!.encoding !== Encoding.INTSET) result.createListpack();
    let integers = true;
    intersect(c, sets, (member) => {
      integers &&= intsetAccepts(member.buf, member.off, member.len);
      result.add(member.buf, member.off, member.len);
      return true;
    });
    if (integers) result.toIntset();
  }
  storeResult(c, a, 1, ItemType.SET, result, 's', 'sinterstore');
}

const NUMKEYS = new CommandError('ERR numkeys should be greater than 0');
const TOO_MANY_KEYS = new CommandError("ERR Number of keys can't be greater than number of args");
const LIMIT_NEGATIVE = new CommandError("ERR LIMIT can't be negative");

export function sintercard(c: Context, a: Args): void {
  const keys = longFrom(a, 1, 1, NUMKEYS);
  if (keys > a.count - 2) throw TOO_MANY_KEYS;
  let limit = 0;
  for (let i = 2 + keys; i < a.count; i += 2) {
    if (!a.is(i, 'LIMIT') || i + 1 === a.count) throw SYNTAX;
    limit = longFrom(a, i + 1, 0, LIMIT_NEGATIVE);
  }
  const sets = bySize(openSets(c, a, 2, keys));
  let count = 0;
  if (sets !== null) intersect(c, sets, () => ++count !== limit);
  c.out.int(count);
}

// --- union and difference ----------------------------------------------------------------------------------------------

function union(c: Context, sets: readonly (SetValue | null)[], result: SetValue): void {
  const { s1 } = c;
  for (const set of sets) {
    if (set === null) continue;
    for (let more = set.first(s1); more; more = set.next(s1)) result.add(s1.buf, s1.off, s1.len);
  }
}

/** The members of the first set that are in no other, found as Redis finds them: that decides the result's encoding. */
function difference(c: Context, sets: readonly (SetValue | null)[], result: SetValue): void {
  const { s1 } = c;
  const first = sets[0];
  if (first == null) return;
  const others = sets.slice(1).filter((set) => set !== null);
  if (others.some((set) => set.entry === first.entry)) return;
  const lookups = (first.length * (others.length + 1)) / 2;
  const walk = others.reduce((sum, set) => sum + set.length, first.length);
  if (Math.floor(lookups) <= walk) {
    others.sort((x, y) => y.length - x.length);
    for (let more = first.first(s1); more; more = first.next(s1)) {
      let elsewhere = false;
      for (const set of others) {
        if (set.has(s1.buf, s1.off, s1.len)) {
          elsewhere = true;
          break;
        }
      }
      if (!elsewhere) result.add(s1.buf, s1.off, s1.len);
    }
    return;
  }
  for (let more = first.first(s1); more; more = first.next(s1)) result.add(s1.buf, s1.off, s1.len);
  for (const set of others) {
    for (let more = set.first(s1); more && result.length > 0; more = set.next(s1)) {
      result.remove(s1.buf, s1.off, s1.len);
    }
  }
}

type Operation = (c: Context, sets: readonly (SetValue | null)[], result: SetValue) => void;

function reply(c: Context, a: Args, operation: Operation): void {
  const { out, s1 } = c;
  const sets = openSets(c, a, 1, a.count - 1);
  const result = c.keyspace.newSet().create();
  operation(c, sets, result);
  out.set(result.length);
  for (let more = result.first(s1); more; more = result.next(s1)) out.bulkSlice(s1);
  result.release();
}

function store(c: Context, a: Args, operation: Operation, event: string): void {
  const sets = openSets(c, a, 2, a.count - 2);
  const result = c.keyspace.newSet().create();
  operation(c, sets, result);
  storeResult(c, a, 1, ItemType.SET, result, 's', event);
}

export function sunion(c: Context, a: Args): void {
  reply(c, a, union);
}
export function sunionstore(c: Context, a: Args): void {
  store(c, a, union, 'sunionstore');
}
export function sdiff(c: Context, a: Args): void {
  reply(c, a, difference);
}
export function sdiffstore(c: Context, a: Args): void {
  store(c, a, difference, 'sdiffstore');
}
