/** HyperLogLogs: strings that count different elements (values/hyperloglog.ts). */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemEncoding, itemValueBytes, itemValueIndex, setItemEncoding } from '../memory/item.js';
import {
  cacheCount,
  cachedCount,
  countHll,
  countRegisters,
  DENSE,
  denseGet,
  denseRaise,
  emptyHll,
  forEachRun,
  HLL_CORRUPT,
  HLL_DENSE_NEEDED,
  HLL_RAISED,
  hashElement,
  invalidateCount,
  isHll,
  mergeInto,
  REGISTERS,
  register,
  SPARSE,
  SparseHll,
  toDense,
  value,
} from '../values/hyperloglog.js';
import type { Context } from './context.js';
import { KEY_ARG, KEYS_ARG, keySpec, keysSpec } from './rows.js';
import type { CommandSpec } from './spec.js';
import { quoted } from './text.js';

const NO_HLL = new CommandError('WRONGTYPE Key is not a valid HyperLogLog string value.');
const CORRUPT = new CommandError('INVALIDOBJ Corrupted HLL object detected');
const NO_KEY = new CommandError('ERR The specified key does not exist');
const NOT_SPARSE = new CommandError('ERR HLL encoding is not sparse');

const sparse = new SparseHll();

/** Throws unless the string entry is a HyperLogLog. */
function check(c: Context, entry: number): void {
  const { arena } = c.keyspace;
  const at = itemValueIndex(arena, entry);
  if (!isHll(arena.bytesOf(entry), at, itemValueBytes(arena, entry))) throw NO_HLL;
}

function readHll(c: Context, a: Args, i: number): number {
  const entry = c.readType(a, i, ItemType.STRING);
  if (entry !== 0) check(c, entry);
  return entry;
}

/** The entry to change, 0 when missing; its string counts as changed in place from here on. */
function writeHll(c: Context, a: Args, i: number): number {
  const entry = c.writeType(a, i, ItemType.STRING);
  if (entry === 0) return 0;
  check(c, entry);
  setItemEncoding(c.keyspace.arena, entry, Encoding.RAW);
  return entry;
}

function createHll(c: Context, a: Args, i: number): number {
  const bytes = emptyHll();
  const entry = c.db.setString(a.buf, a.off[i]!, a.len[i]!, bytes, 0, bytes.length, Encoding.RAW, Number.NaN);
  c.changed(a, i, 'n', 'new', 0);
  return entry;
}

/** Makes these bytes the string of the entry, which may move. */
function store(c: Context, entry: number, bytes: Uint8Array, len: number): number {
  const { arena } = c.keyspace;
  entry = c.db.resizeString(entry, len);
  arena.bytesOf(entry).set(bytes.subarray(0, len), itemValueIndex(arena, entry));
  return entry;
}

function encodingOf(c: Context, entry: number): number {
  const { arena } = c.keyspace;
  return arena.bytesOf(entry)[itemValueIndex(arena, entry) + 4]!;
}

/** The entry as a dense one, which may have moved. Throws when it is damaged. */
function makeDense(c: Context, entry: number): number {
  const { arena } = c.keyspace;
  const dense = toDense(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
  if (dense === null) throw CORRUPT;
  return store(c, entry, dense, dense.length);
}

// --- PFADD -------------------------------------------------------------------------------------------------------------

/** The entry that the last `addAll` left. */
let entryAfter = 0;

/** Adds the elements; returns how many raised a register. Throws when the string is damaged. */
function addAll(c: Context, a: Args, entry: number): number {
  let i = 2;
  let raised = 0;
  if (encodingOf(c, entry) === SPARSE) {
    const { arena, limits } = c.keyspace;
    sparse.load(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
    let done = 0;
    for (; i < a.count; i++) {
      hashElement(a.buf, a.off[i]!, a.len[i]!);
      done = sparse.set(register, value, limits.hllSparseMaxBytes);
      if (done === HLL_RAISED) raised++;
      else if (done !== 0) break;
    }
    if (done === HLL_CORRUPT) throw CORRUPT;
    if (done === HLL_DENSE_NEEDED) {
      const dense = toDense(sparse.buf, 0, sparse.len);
      if (dense === null) throw CORRUPT;
      entry = store(c, entry, dense, dense.length);
    } else if (raised > 0) {
      entry = store(c, entry, sparse.buf, sparse.len);
    }
  }
  const { arena } = c.keyspace;
  const u8 = arena.bytesOf(entry);
  const at = itemValueIndex(arena, entry);
  for (; i < a.count; i++) {
    hashElement(a.buf, a.off[i]!, a.len[i]!);
    if (denseRaise(u8, at, register, value)) raised++;
  }
  entryAfter = entry;
  return raised;
}

function pfadd(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const found = writeHll(c, a, 1);
  const entry = found === 0 ? createHll(c, a, 1) : found;
  let changes = addAll(c, a, entry);
  if (found === 0) changes++;
  if (changes > 0) {
    invalidateCount(arena.bytesOf(entryAfter), itemValueIndex(arena, entryAfter));
    c.changed(a, 1, '$', 'pfadd', changes);
  }
  c.out.int(changes > 0 ? 1 : 0);
}

// --- PFCOUNT and PFMERGE -----------------------------------------------------------------------------------------------

const MERGED = new Uint8Array(REGISTERS);

/** Merges keys from argument i on into MERGED; returns whether one of them was dense. */
function mergeAll(c: Context, a: Args, i: number): boolean {
  const { arena } = c.keyspace;
  let dense = false;
  MERGED.fill(0);
  for (; i < a.count; i++) {
    const entry = readHll(c, a, i);
    if (entry === 0) continue;
    if (encodingOf(c, entry) === DENSE) dense = true;
    const at = itemValueIndex(arena, entry);
    if (!mergeInto(MERGED, arena.bytesOf(entry), at, itemValueBytes(arena, entry))) throw CORRUPT;
  }
  return dense;
}

/** For one key the cardinality is kept in its header, which is a change to be propagated though not an event. */
function pfcount(c: Context, a: Args): void {
  if (a.count > 2) {
    mergeAll(c, a, 1);
    return c.out.int(countRegisters(MERGED));
  }
  const { arena } = c.keyspace;
  let entry = readHll(c, a, 1);
  if (entry === 0) return c.out.int(0);
  const cached = cachedCount(arena.bytesOf(entry), itemValueIndex(arena, entry));
  if (cached !== null && itemEncoding(arena, entry) === Encoding.RAW) return c.out.int64(cached);
  entry = c.db.prepare(entry);
  setItemEncoding(arena, entry, Encoding.RAW);
  if (cached !== null) return c.out.int64(cached);
  const u8 = arena.bytesOf(entry);
  const at = itemValueIndex(arena, entry);
  const count = countHll(u8, at, itemValueBytes(arena, entry));
  if (count < 0) throw CORRUPT;
  cacheCount(u8, at, count);
  c.changedQuietly(a, 1);
  c.out.int(count);
}

function pfmerge(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const dense = mergeAll(c, a, 1);
  let entry = writeHll(c, a, 1);
  if (entry === 0) entry = createHll(c, a, 1);
  if (dense && encodingOf(c, entry) === SPARSE) entry = makeDense(c, entry);
  entry = encodingOf(c, entry) === SPARSE ? raiseSparse(c, entry) : raiseDense(c, entry, 0);
  invalidateCount(arena.bytesOf(entry), itemValueIndex(arena, entry));
  c.changed(a, 1, '$', 'pfadd');
  c.out.ok();
}

/** Raises the entry's registers from `first` on to those of MERGED. */
function raiseDense(c: Context, entry: number, first: number): number {
  const { arena } = c.keyspace;
  const u8 = arena.bytesOf(entry);
  const at = itemValueIndex(arena, entry);
  for (let i = first; i < REGISTERS; i++) if (MERGED[i]! > 0) denseRaise(u8, at, i, MERGED[i]!);
  return entry;
}

function raiseSparse(c: Context, entry: number): number {
  const { arena, limits } = c.keyspace;
  sparse.load(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
  for (let i = 0; i < REGISTERS; i++) {
    if (MERGED[i] === 0) continue;
    if (sparse.set(i, MERGED[i]!, limits.hllSparseMaxBytes) !== HLL_DENSE_NEEDED) continue;
    const dense = toDense(sparse.buf, 0, sparse.len);
    if (dense === null) throw CORRUPT;
    return raiseDense(c, store(c, entry, dense, dense.length), i);
  }
  return store(c, entry, sparse.buf, sparse.len);
}

// --- PFDEBUG and PFSELFTEST --------------------------------------------------------------------------------------------

function pfdebug(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  let entry = writeHll(c, a, 2);
  if (entry === 0) throw NO_KEY;
  const isSparse = encodingOf(c, entry) === SPARSE;
  if (a.is(1, 'ENCODING')) return c.out.simple(isSparse ? 'sparse' : 'dense');
  if (a.is(1, 'DECODE')) {
    if (!isSparse) throw NOT_SPARSE;
    return c.out.bulkText(decode(c, entry), true);
  }
  const registers = a.is(1, 'GETREG');
  if (!registers && !a.is(1, 'TODENSE'))
    throw new CommandError(`ERR Unknown PFDEBUG subcommand '${quoted(a, 1, Infinity)}'`);
  if (isSparse) {
    entry = makeDense(c, entry);
    c.addDirty(1);
  }
  if (!registers) return c.out.int(isSparse ? 1 : 0);
  c.out.array(REGISTERS);
  const at = itemValueIndex(arena, entry);
  for (let i = 0; i < REGISTERS; i++) c.out.int(denseGet(arena.bytesOf(entry), at, i));
}

/** The runs of a sparse one: `z:len`, `Z:len` (two bytes), `v:value,len`. */
function decode(c: Context, entry: number): string {
  const { arena } = c.keyspace;
  const words: string[] = [];
  forEachRun(
    arena.bytesOf(entry),
    itemValueIndex(arena, entry),
    itemValueBytes(arena, entry),
    (of, _first, count, long) => {
      words.push(of > 0 ? `v:${of},${count}` : `${long ? 'Z' : 'z'}:${count}`);
    },
  );
  return words.join(' ');
}

/** Registers keep what is written to them, beside each other. */
function pfselftest(c: Context): void {
  const dense = toDense(emptyHll(), 0, emptyHll().length)!;
  for (let i = 0; i < REGISTERS; i++) denseRaise(dense, 0, i, (i % 51) + 1);
  for (let i = 0; i < REGISTERS; i++) {
    if (denseGet(dense, 0, i) !== (i % 51) + 1) throw new CommandError(`ERR TESTFAILED Register ${i}`);
  }
  c.out.ok();
}

// --- rows --------------------------------------------------------------------------------------------------------------

const HLL = { acl: ['hyperloglog'], group: 'hyperloglog', since: '2.8.9' } as const;

export const HYPERLOGLOG_COMMANDS: readonly CommandSpec[] = [
  {
    ...HLL,
    name: 'pfadd',
    arity: -2,
    flags: ['write', 'denyoom', 'fast'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RW', 'insert')],
    summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    complexity: 'O(1) to add every element.',
    arguments: [KEY_ARG, { name: 'element', type: 'string', optional: true, multiple: true }],
    handler: pfadd,
  },
  {
    ...HLL,
    name: 'pfcount',
    arity: -2,
    flags: ['readonly', 'may_replicate'],
    keys: [1, -1, 1],
    keySpecs: [
      {
        notes: 'RW because it may change the internal representation of the key, and propagate to replicas',
        ...keysSpec(1, 1, 'RW', 'access'),
      },
    ],
    summary: 'Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).',
    complexity:
      'O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.',
    arguments: [KEYS_ARG],
    handler: pfcount,
  },
  {
    ...HLL,
    name: 'pfmerge',
    arity: -2,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 1],
    keySpecs: [keySpec(1, 'RW', 'access', 'insert'), keysSpec(2, 1, 'RO', 'access')],
    summary: 'Merges one or more HyperLogLog values into a single key.',
    complexity: 'O(N) to merge N HyperLogLogs, but with high constant times.',
    arguments: [
      { name: 'destkey', type: 'key', key_spec_index: 0 },
      { name: 'sourcekey', type: 'key', key_spec_index: 1, multiple: true },
    ],
    handler: pfmerge,
  },
  {
    ...HLL,
    name: 'pfdebug',
    arity: 3,
    flags: ['write', 'denyoom', 'admin'],
    keys: [2, 2, 1],
    keySpecs: [keySpec(2, 'RW', 'access')],
    summary: 'Internal commands for debugging HyperLogLog values.',
    complexity: 'N/A',
    docFlags: ['syscmd'],
    arguments: [{ name: 'subcommand', type: 'string' }, KEY_ARG],
    handler: pfdebug,
  },
  {
    ...HLL,
    name: 'pfselftest',
    arity: 1,
    flags: ['admin'],
    keys: [0, 0, 0],
    summary: 'An internal command for testing HyperLogLog values.',
    complexity: 'N/A',
    docFlags: ['syscmd'],
    handler: pfselftest,
  },
];
