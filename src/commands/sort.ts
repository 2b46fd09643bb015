/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in the order of numbers or texts, their own or those that
 * other keys hold. Patterns:
 *
 *   weight_*          the string at the key that the element in place of the star makes
 *   object_*->field   a field of the hash there
 *   #                 the element itself (GET only)
 *
 * Texts are compared as bytes. In a reply a zero byte ends what is compared, in STORE it does not: as C compares them.
 */
import { CommandError } from '../base/errors.js';
import { parseDoubleText } from '../base/numbers.js';
import type { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemType, itemValue } from '../memory/item.js';
import type { Context } from './context.js';
import { SYNTAX, WRONG_TYPE } from './errors.js';
import { long } from './long-args.js';
import { KEY_ARG, keySpec } from './rows.js';
import type { CommandSpec, KeySpec } from './spec.js';
import { storeResult } from './store-result.js';

const NOT_A_SCORE = new CommandError("ERR One or more scores can't be converted into double");
const BY_DENIED = new CommandError('ERR BY option of SORT denied due to insufficient ACL permissions.');
const GET_DENIED = new CommandError('ERR GET option of SORT denied due to insufficient ACL permissions.');

interface Options {
  descending: boolean;
  alpha: boolean;
  start: number;
  /** Negative: all. */
  count: number;
  by: Pattern | null;
  /** BY something without a star: the elements stay in their order. */
  unsorted: boolean;
  gets: Pattern[];
  /** Key argument of the destination; 0 = none. */
  store: number;
}

interface Element {
  bytes: Uint8Array;
  score: number;
  /** What it is compared by, with ALPHA; null where the key is missing. */
  text: Uint8Array | null;
}

// --- patterns ----------------------------------------------------------------------------------------------------------

const STAR = 42;
const ARROW = Buffer.from('->');

class Pattern {
  /** The element itself. */
  readonly isElement: boolean;
  readonly hasStar: boolean;
  private readonly before: Uint8Array;
  private readonly behind: Uint8Array;
  /** Name of a hash's field. */
  private readonly field: Uint8Array | null = null;

  constructor(bytes: Uint8Array) {
    const pattern = Buffer.from(bytes);
    const star = pattern.indexOf(STAR);
    this.isElement = pattern.length === 1 && pattern[0] === 35;
    this.hasStar = star >= 0;
    this.before = pattern.subarray(0, star);
    let end = pattern.length;
    const arrow = pattern.indexOf(ARROW, star + 1);
    if (arrow >= 0 && arrow + 2 < end) {
      this.field = pattern.subarray(arrow + 2);
      end = arrow;
    }
    this.behind = pattern.subarray(star + 1, end);
  }

  /** Fills `out` with what the pattern leads to; false when there is none. */
  lookup(c: Context, element: Uint8Array, out: Slice): boolean {
    if (this.isElement) {
      out.set(element, 0, element.length);
      return true;
    }
    if (!this.hasStar) return false;
    const key = Buffer.concat([this.before, element, this.behind]);
    const { arena } = c.keyspace;
    const entry = c.db.lookupRead(key, 0, key.length);
    if (entry === 0) return false;
    const { field } = this;
    if (field === null) {
      if (itemType(arena, entry) !== ItemType.STRING) return false;
      itemValue(arena, entry, out);
      return true;
    }
    if (itemType(arena, entry) !== ItemType.HASH) return false;
    const hash = c.keyspace.openHash(entry);
    if (!c.replaying) hash.now = c.now;
    if (hash.get(field, 0, field.length, out)) return true;
    const { fieldExpiry } = c.keyspace;
    if (fieldExpiry.expire(c.db, entry, field, 0, field.length)) fieldExpiry.finish(c.db, key);
    return false;
  }
}

// --- arguments ---------------------------------------------------------------------------------------------------------

function parse(c: Context, a: Args, mayStore: boolean): Options {
  const options: Options = {
    descending: false,
    alpha: false,
    start: 0,
    count: -1,
    by: null,
    unsorted: false,
    gets: [],
    store: 0,
  };
  for (let i = 2; i < a.count; i++) {
    const behind = a.count - i - 1;
    if (a.is(i, 'ASC')) options.descending = false;
    else if (a.is(i, 'DESC')) options.descending = true;
    else if (a.is(i, 'ALPHA')) options.alpha = true;
    else if (a.is(i, 'LIMIT') && behind >= 2) {
      options.start = long(a, i + 1);
      options.count = long(a, i + 2);
      i += 2;
    } else if (mayStore && a.is(i, 'STORE') && behind >= 1) options.store = ++i;
    else if (a.is(i, 'BY') && behind >= 1) {
      const by = new Pattern(a.bytes(++i));
      options.by = by;
      if (by.hasStar && !c.mayReadEveryKey(a)) throw BY_DENIED;
      // Once without a star, always unsorted: a later pattern does not take it back.
      if (!by.hasStar) options.unsorted = true;
    } else if (a.is(i, 'GET') && behind >= 1) {
      if (!c.mayReadEveryKey(a)) throw GET_DENIED;
      options.gets.push(new Pattern(a.bytes(++i)));
    } else throw SYNTAX;
  }
  return options;
}

// --- elements ----------------------------------------------------------------------------------------------------------

/** All elements; those of lists and sorted sets in their order, or in the opposite one. */
function elementsOf(c: Context, entry: number, backwards: boolean): Uint8Array[] {
  const { s1, keyspace } = c;
  const elements: Uint8Array[] = [];
  const type = itemType(keyspace.arena, entry);
  if (type === ItemType.LIST) {
    const list = keyspace.openList(entry);
    list.start(0, true);
    while (list.next(s1)) elements.push(s1.copy());
  } else if (type === ItemType.SET) {
    const set = keyspace.openSet(entry);
    for (let more = set.first(s1); more; more = set.next(s1)) elements.push(s1.copy());
    return elements;
  } else {
    const zset = keyspace.openZset(entry);
    for (let more = zset.seekRank(0, s1); more; more = zset.next(s1)) elements.push(s1.copy());
  }
  return backwards ? elements.reverse() : elements;
}

/** Redis turns a sorted set that it sorts into its large form for good. */
function enlarge(c: Context, entry: number): number {
  const { db, keyspace } = c;
  if (keyspace.openZset(entry).encoding !== Encoding.LISTPACK) return entry;
  const owned = db.prepare(entry);
  const zset = keyspace.openZset(owned);
  zset.prepare(Number.POSITIVE_INFINITY, 0);
  db.storeValue(owned, zset);
  return owned;
}

const SMALLEST_NORMAL = 2 ** -1022;

/** As strtod reads a whole text, whose end is its first zero byte; NaN when it does not, or the value is out of range. */
function scoreOf(bytes: Slice): number {
  if (bytes.len === 0) return 0;
  const text = bytes.toString().split('\0', 1)[0]!;
  if (text === '') return 0;
  const number = text.replace(/^[ \t-\r]+/, '');
  const value = parseDoubleText(number);
  if (Math.abs(value) === Infinity && !/inf/i.test(number)) return Number.NaN;
  if (value === 0 ? /^[^eEpP]*[1-9]/.test(number.replace(/^[+-]?0x/i, '')) : Math.abs(value) < SMALLEST_NORMAL) {
    return Number.NaN;
  }
  return value;
}

/** Reads what the elements are compared by. */
function weigh(c: Context, elements: readonly Element[], { by, alpha }: Options): void {
  const { s1 } = c;
  for (const element of elements) {
    if (by === null) s1.set(element.bytes, 0, element.bytes.length);
    else if (!by.lookup(c, element.bytes, s1)) continue;
    if (alpha) element.text = by === null ? element.bytes : s1.copy();
    else element.score = scoreOf(s1);
    if (Number.isNaN(element.score)) throw NOT_A_SCORE;
  }
}

/** As strcoll compares in the C locale. */
function compareUntilZero(x: Uint8Array, y: Uint8Array): number {
  for (let i = 0; ; i++) {
    const p = i < x.length ? x[i]! : 0;
    const q = i < y.length ? y[i]! : 0;
    if (p !== q) return p - q;
    if (p === 0) return 0;
  }
}

function comparison({ alpha, store, descending }: Options): (x: Element, y: Element) => number {
  const compareTexts = store > 0 ? (x: Uint8Array, y: Uint8Array) => Buffer.compare(x, y) : compareUntilZero;
  const sign = descending ? -1 : 1;
  if (!alpha) {
    return (x, y) => {
      if (x.score !== y.score) return x.score > y.score ? sign : -sign;
      return sign * Buffer.compare(x.bytes, y.bytes);
    };
  }
  return (x, y) => {
    if (x.text === null || y.text === null) return sign * (Number(x.text !== null) - Number(y.text !== null));
    return sign * compareTexts(x.text, y.text);
  };
}

/** The elements in their order, cut to LIMIT. */
function sortedElements(c: Context, entry: number, options: Options): Uint8Array[] {
  if (entry === 0) return [];
  const { arena } = c.keyspace;
  if (itemType(arena, entry) === ItemType.ZSET) entry = enlarge(c, entry);
  let { unsorted } = options;
  if (unsorted && itemType(arena, entry) === ItemType.SET && options.store > 0) {
    // The order of a set is nobody's: what is stored must come out equal everywhere.
    unsorted = false;
    options.alpha = true;
    options.by = null;
  }
  let sorted = elementsOf(c, entry, unsorted && options.descending);
  if (!unsorted) {
    const elements: Element[] = sorted.map((bytes) => ({ bytes, score: 0, text: null }));
    weigh(c, elements, options);
    elements.sort(comparison(options));
    sorted = elements.map(({ bytes }) => bytes);
  }
  const start = Math.max(0, options.start);
  return sorted.slice(start, options.count < 0 ? undefined : start + options.count);
}

// --- handlers ----------------------------------------------------------------------------------------------------------

function run(c: Context, a: Args, mayStore: boolean): void {
  const options = parse(c, a, mayStore);
  const entry = c.read(a, 1);
  if (entry !== 0) {
    const type = itemType(c.keyspace.arena, entry);
    if (type !== ItemType.LIST && type !== ItemType.SET && type !== ItemType.ZSET) throw WRONG_TYPE;
  }
  const sorted = sortedElements(c, entry, options);
  if (options.store > 0) storeSorted(c, a, sorted, options);
  else replySorted(c, sorted, options);
}

function replySorted(c: Context, sorted: readonly Uint8Array[], { gets }: Options): void {
  const { out, s1 } = c;
  out.array(sorted.length * Math.max(1, gets.length));
  for (const element of sorted) {
    if (gets.length === 0) out.bulk(element);
    for (const get of gets) {
      if (get.lookup(c, element, s1)) out.bulkSlice(s1);
      else out.nil();
    }
  }
}

/** Propagated as it came: it sorts to the same result everywhere. */
function storeSorted(c: Context, a: Args, sorted: readonly Uint8Array[], { gets, store }: Options): void {
  const { s1 } = c;
  const list = c.keyspace.newList().create();
  for (const element of sorted) {
    if (gets.length === 0) list.push(false, element, 0, element.length);
    for (const get of gets) {
      const value = get.lookup(c, element, s1) ? s1.copy() : NOTHING;
      list.push(false, value, 0, value.length);
    }
  }
  const { length } = list;
  storeResult(c, a, store, ItemType.LIST, list, 'l', 'sortstore');
  if (length > 1) c.addDirty(length - 1);
}

const NOTHING = new Uint8Array(0);

const sort = (c: Context, a: Args): void => run(c, a, true);
const sortRo = (c: Context, a: Args): void => run(c, a, false);

// --- rows --------------------------------------------------------------------------------------------------------------

/** The key of the last STORE is the one that counts. */
function sortKeys(a: Args): ReturnType<NonNullable<CommandSpec['getKeys']>> {
  let store = 0;
  for (let i = 2; i < a.count; i++) {
    if (a.is(i, 'LIMIT')) i += 2;
    else if (a.is(i, 'GET') || a.is(i, 'BY')) i++;
    else if (a.is(i, 'STORE') && i + 1 < a.count) store = i + 1;
  }
  return store === 0 ? [1] : [1, { index: store, flags: ['OW', 'update'] }];
}

const PATTERNS: KeySpec = {
  notes:
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
  flags: ['RO', 'access'],
  begin: ['unknown'],
  find: ['unknown'],
};
const DESTINATION: KeySpec = {
  notes:
    "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
  flags: ['OW', 'update'],
  begin: ['unknown'],
  find: ['unknown'],
};

const SORT = {
  acl: ['set', 'sortedset', 'list', 'dangerous'],
  group: 'generic',
  arity: -2,
  keys: [1, 1, 1],
  complexity:
    'O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).',
} as const;

const SORT_ARGS = [
  KEY_ARG,
  { name: 'by-pattern', type: 'pattern', display_text: 'pattern', key_spec_index: 1, token: 'BY', optional: true },
  {
    name: 'limit',
    type: 'block',
    token: 'LIMIT',
    optional: true,
    arguments: [
      { name: 'offset', type: 'integer' },
      { name: 'count', type: 'integer' },
    ],
  },
  {
    name: 'get-pattern',
    type: 'pattern',
    display_text: 'pattern',
    key_spec_index: 1,
    token: 'GET',
    optional: true,
    multiple: true,
    multiple_token: true,
  },
  {
    name: 'order',
    type: 'oneof',
    optional: true,
    arguments: [
      { name: 'asc', type: 'pure-token', token: 'ASC' },
      { name: 'desc', type: 'pure-token', token: 'DESC' },
    ],
  },
  { name: 'sorting', type: 'pure-token', token: 'ALPHA', optional: true },
];

export const SORT_COMMANDS: readonly CommandSpec[] = [
  {
    ...SORT,
    name: 'sort',
    flags: ['write', 'denyoom', 'movablekeys'],
    keySpecs: [keySpec(1, 'RO', 'access'), PATTERNS, DESTINATION],
    getKeys: sortKeys,
    since: '1.0.0',
    summary: 'Sorts the elements in a list, a set, or a sorted set, optionally storing the result.',
    arguments: [...SORT_ARGS, { name: 'destination', type: 'key', key_spec_index: 2, token: 'STORE', optional: true }],
    handler: sort,
  },
  {
    ...SORT,
    name: 'sort_ro',
    flags: ['readonly', 'movablekeys'],
    keySpecs: [keySpec(1, 'RO', 'access'), PATTERNS],
    getKeys: () => [1],
    since: '7.0.0',
    summary: 'Returns the sorted elements of a list, a set, or a sorted set.',
    arguments: SORT_ARGS,
    handler: sortRo,
  },
];
