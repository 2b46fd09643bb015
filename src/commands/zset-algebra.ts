/**
 * Unions, intersections and differences of sorted sets. Plain sets take part with the score 1; missing keys are empty.
 */
import { CommandError } from '../base/errors.js';
import type { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemType } from '../memory/item.js';
import type { SetValue } from '../values/set.js';
import type { ZSet } from '../values/zset.js';
import type { Context } from './context.js';
import { SYNTAX, WRONG_TYPE } from './errors.js';
import { long, longFrom } from './long-args.js';
import { storeResult } from './store-result.js';

type Operation = 'union' | 'inter' | 'diff';

const NOT_A_WEIGHT = new CommandError('ERR weight value is not a float');
const LIMIT_NEGATIVE = new CommandError("ERR LIMIT can't be negative");

/** One of the keys: a set or a sorted set with a handle of its own, or nothing. */
class Source {
  weight = 1;
  /** Of the member that `first` or `next` gave, without the weight. */
  score = 1;
  private readonly set: SetValue | null = null;
  private readonly zset: ZSet | null = null;

  constructor(c: Context, entry: number) {
    if (entry === 0) return;
    const type = itemType(c.keyspace.arena, entry);
    if (type === ItemType.SET) this.set = c.keyspace.newSet(entry);
    else this.zset = c.keyspace.newZset(entry);
  }

  get length(): number {
    return this.zset?.length ?? this.set?.length ?? 0;
  }

  first(out: Slice): boolean {
    if (this.set !== null) return this.set.first(out);
    return this.zset?.seekRank(0, out) ? this.scored() : false;
  }
  next(out: Slice): boolean {
    if (this.set !== null) return this.set.next(out);
    return this.zset?.next(out) ? this.scored() : false;
  }
  private scored(): boolean {
    this.score = this.zset!.memberScore;
    return true;
  }

  /** The member's score without the weight; NaN when it is none. */
  find(member: Slice): number {
    if (this.zset !== null) return this.zset.score(member.buf, member.off, member.len);
    return this.set?.has(member.buf, member.off, member.len) ? 1 : Number.NaN;
  }
}

// --- arguments ---------------------------------------------------------------------------------------------------------

type Aggregate = (x: number, y: number) => number;

/** inf - inf counts as 0. */
const sum: Aggregate = (x, y) => {
  const total = x + y;
  return Number.isNaN(total) ? 0 : total;
};
/** As a comparison makes them: a second score that is not a number (0 * inf) loses. */
const min: Aggregate = (x, y) => {
  if (y < x) return y;
  return x;
};
const max: Aggregate = (x, y) => {
  if (y > x) return y;
  return x;
};

interface Query {
  sources: Source[];
  aggregate: Aggregate;
  withScores: boolean;
  /** 0 = none. */
  limit: number;
}

/** @param at argument of the number of keys */
function parse(c: Context, a: Args, at: number, operation: Operation, name: string): Query {
  const keys = long(a, at);
  if (keys < 1) throw new CommandError(`ERR at least 1 input key is needed for '${name}' command`);
  if (keys > a.count - at - 1) throw SYNTAX;
  const sources = openSources(c, a, at + 1, keys);
  const query: Query = { sources, aggregate: sum, withScores: false, limit: 0 };
  const stores = at === 2;
  const counts = name === 'zintercard';
  const weighs = operation !== 'diff' && !counts;
  for (let i = at + 1 + keys; i < a.count; ) {
    const left = a.count - i;
    if (weighs && left >= keys + 1 && a.is(i, 'WEIGHTS')) {
      for (let k = 0; k < keys; k++) sources[k]!.weight = weight(a, i + 1 + k);
      i += keys + 1;
    } else if (weighs && left >= 2 && a.is(i, 'AGGREGATE')) {
      query.aggregate = aggregateOf(a, i + 1);
      i += 2;
    } else if (!stores && !counts && a.is(i, 'WITHSCORES')) {
      query.withScores = true;
      i++;
    } else if (counts && left >= 2 && a.is(i, 'LIMIT')) {
      query.limit = longFrom(a, i + 1, 0, LIMIT_NEGATIVE);
      i += 2;
    } else throw SYNTAX;
  }
  return query;
}

function openSources(c: Context, a: Args, first: number, count: number): Source[] {
  const sources: Source[] = [];
  for (let i = first; i < first + count; i++) {
    const entry = c.read(a, i);
    if (entry !== 0) {
      const type = itemType(c.keyspace.arena, entry);
      if (type !== ItemType.SET && type !== ItemType.ZSET) throw WRONG_TYPE;
    }
    sources.push(new Source(c, entry));
  }
  return sources;
}

function weight(a: Args, i: number): number {
  const value = a.double(i);
  if (Number.isNaN(value)) throw NOT_A_WEIGHT;
  return value;
}

function aggregateOf(a: Args, i: number): Aggregate {
  if (a.is(i, 'SUM')) return sum;
  if (a.is(i, 'MIN')) return min;
  if (a.is(i, 'MAX')) return max;
  throw SYNTAX;
}

// --- operations --------------------------------------------------------------------------------------------------------

/** 0 * inf counts as 0. */
function weighted(source: Source, score: number): number {
  const value = source.weight * score;
  return Number.isNaN(value) ? 0 : value;
}

function bySize(sources: Source[]): Source[] {
  return sources.slice().sort((x, y) => x.length - y.length);
}

function union(c: Context, { sources, aggregate }: Query, result: ZSet): void {
  const { s1 } = c;
  for (const source of bySize(sources)) {
    for (let more = source.first(s1); more; more = source.next(s1)) {
      const score = weighted(source, source.score);
      const before = result.score(s1.buf, s1.off, s1.len);
      const after = Number.isNaN(before) ? score : aggregate(before, score);
      // ZADD takes 0 in place of -0 for no change.
      if (after === before && !Object.is(after, before)) result.remove(s1.buf, s1.off, s1.len);
      result.put(after, s1.buf, s1.off, s1.len);
    }
  }
}

/** Visits the members that all sources have, with their scores; `visit` returns whether to go on. */
function intersect(c: Context, { sources, aggregate }: Query, visit: (member: Slice, score: number) => boolean): void {
  const { s1 } = c;
  const [smallest, ...others] = bySize(sources) as [Source, ...Source[]];
  members: for (let more = smallest.first(s1); more; more = smallest.next(s1)) {
    let score = weighted(smallest, smallest.score);
    for (const source of others) {
      const found = source.find(s1);
      if (Number.isNaN(found)) continue members;
      score = aggregate(score, found * source.weight);
    }
    if (!visit(s1, score)) return;
  }
}

function difference(c: Context, { sources }: Query, result: ZSet): void {
  const { s1 } = c;
  const [first, ...others] = sources as [Source, ...Source[]];
  for (let more = first.first(s1); more; more = first.next(s1)) {
    if (others.every((source) => Number.isNaN(source.find(s1)))) result.put(first.score, s1.buf, s1.off, s1.len);
  }
}

/** The result as a tree: only there a score of -0 differs from 0, as in Redis. */
function run(c: Context, query: Query, operation: Operation): ZSet {
  const result = c.keyspace.newZset().createTree();
  if (operation === 'union') union(c, query, result);
  else if (operation === 'diff') difference(c, query, result);
  else {
    intersect(c, query, (member, score) => {
      result.put(score, member.buf, member.off, member.len);
      return true;
    });
  }
  return result;
}

function reply(c: Context, a: Args, operation: Operation, name: string): void {
  const { out, s1 } = c;
  const query = parse(c, a, 1, operation, name);
  const { withScores } = query;
  const result = run(c, query, operation);
  const nested = withScores && out.resp > 2;
  out.array(withScores && !nested ? result.length * 2 : result.length);
  for (let more = result.seekRank(0, s1); more; more = result.next(s1)) {
    if (nested) out.array(2);
    out.bulkSlice(s1);
    if (withScores) out.double(result.memberScore);
  }
  result.release();
}

function store(c: Context, a: Args, operation: Operation, name: string): void {
  const query = parse(c, a, 2, operation, name);
  const result = run(c, query, operation);
  result.settle();
  storeResult(c, a, 1, ItemType.ZSET, result, 'z', name);
}

export function zunion(c: Context, a: Args): void {
  reply(c, a, 'union', 'zunion');
}
export function zinter(c: Context, a: Args): void {
  reply(c, a, 'inter', 'zinter');
}
export function zdiff(c: Context, a: Args): void {
  reply(c, a, 'diff', 'zdiff');
}
export function zunionstore(c: Context, a: Args): void {
  store(c, a, 'union', 'zunionstore');
}
export function zinterstore(c: Context, a: Args): void {
  store(c, a, 'inter', 'zinterstore');
}
export function zdiffstore(c: Context, a: Args): void {
  store(c, a, 'diff', 'zdiffstore');
}

export function zintercard(c: Context, a: Args): void {
  const query = parse(c, a, 1, 'inter', 'zintercard');
  let count = 0;
  intersect(c, query, () => ++count !== query.limit);
  c.out.int(count);
}
