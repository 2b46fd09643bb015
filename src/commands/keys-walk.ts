/** SCAN, KEYS and RANDOMKEY: going through the keys of a database. */
import { globMatchAt } from '../base/glob.js';
import type { Args } from '../formats/resp/args.js';
import { itemKeyBytes, itemKeyIndex, itemType } from '../memory/item.js';
import type { Context } from './context.js';
import { parseScanCursor, parseScanOptions } from './scan.js';
import type { CommandSpec } from './spec.js';
import { typeName } from './type-name.js';

const STAR = 42;

function scan(c: Context, a: Args): void {
  const cursor = parseScanCursor(a, 1);
  const call = parseScanOptions(a, 2, true);
  const { db } = c;
  const { arena } = c.keyspace;
  // Expired entries cannot be deleted while the table is walked.
  const expired: number[] = [];
  call.begin(c.out);
  const next = db.table.scan(cursor, call.count, (entry) => {
    const bytes = arena.bytesOf(entry);
    const at = itemKeyIndex(arena, entry);
    const len = itemKeyBytes(arena, entry);
    if (!call.matches(bytes, at, len)) return;
    if (db.isExpired(entry)) expired.push(entry);
    else if (call.type === null || call.type === typeName(itemType(arena, entry))) call.emit(bytes, at, len);
  });
  call.end(next);
  if (c.keyspace.deletesExpired) for (const entry of expired) db.expireEntry(entry);
}

function keys(c: Context, a: Args): void {
  const { db, out } = c;
  const { arena } = c.keyspace;
  const { buf } = a;
  const off = a.off[1]!;
  const len = a.len[1]!;
  const all = len === 1 && buf[off] === STAR;
  const start = out.pos;
  let found = 0;
  db.forEach((entry) => {
    const bytes = arena.bytesOf(entry);
    const at = itemKeyIndex(arena, entry);
    const keyLen = itemKeyBytes(arena, entry);
    if (!all && !globMatchAt(buf, off, len, bytes, at, keyLen, false)) return;
    if (db.isExpired(entry)) return;
    out.bulk(bytes, at, keyLen);
    found++;
  });
  out.arrayAt(start, found);
}

function randomkey(c: Context): void {
  const entry = c.db.randomEntry(Math.random);
  if (entry === 0) return c.out.nil();
  const { arena } = c.keyspace;
  c.out.bulk(arena.bytesOf(entry), itemKeyIndex(arena, entry), itemKeyBytes(arena, entry));
}

const WALK = { flags: ['readonly'], keys: [0, 0, 0], group: 'generic' } as const;

export const WALK_COMMANDS: readonly CommandSpec[] = [
  {
    ...WALK,
    name: 'scan',
    arity: -2,
    acl: ['keyspace'],
    since: '2.8.0',
    summary: 'Iterates over the key names in the database.',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.',
    arguments: [
      { name: 'cursor', type: 'integer' },
      { name: 'pattern', type: 'pattern', token: 'MATCH', optional: true },
      { name: 'count', type: 'integer', token: 'COUNT', optional: true },
      { name: 'type', type: 'string', token: 'TYPE', since: '6.0.0', optional: true },
    ],
    history: [['6.0.0', 'Added the `TYPE` subcommand.']],
    tips: ['nondeterministic_output', 'request_policy:special'],
    handler: scan,
  },
  {
    ...WALK,
    name: 'keys',
    arity: 2,
    acl: ['keyspace', 'dangerous'],
    since: '1.0.0',
    summary: 'Returns all key names that match a pattern.',
    complexity:
      'O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.',
    arguments: [{ name: 'pattern', type: 'pattern' }],
    tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
    handler: keys,
  },
  {
    ...WALK,
    name: 'randomkey',
    arity: 1,
    acl: ['keyspace'],
    since: '1.0.0',
    summary: 'Returns a random key name from the database.',
    complexity: 'O(1)',
    tips: ['request_policy:all_shards', 'nondeterministic_output'],
    handler: randomkey,
  },
];
