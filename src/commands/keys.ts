/**
 * Keys whatever their type: deleting, moving, copying, asking. SCAN, KEYS and RANDOMKEY are in keys-walk.ts, OBJECT in
 * object.ts.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Database } from '../keyspace/keyspace.js';
import { itemType } from '../memory/item.js';
import type { Context } from './context.js';
import { DB_OUT_OF_RANGE, NO_SUCH_KEY, NOT_INTEGER, SAME_OBJECT, SYNTAX } from './errors.js';
import { WALK_COMMANDS } from './keys-walk.js';
import { lookupQuietly } from './lookup.js';
import { OBJECT_COMMAND } from './object.js';
import { KEY_ARG, KEYS_ARG, keySpec, keysSpec } from './rows.js';
import type { CommandSpec } from './spec.js';
import { typeName } from './type-name.js';

const NOT_INT32 = new CommandError('ERR value is out of range, value must between -2147483648 and 2147483647');

/** The entry of key argument i in another database than the selected one; an expired one is deleted first. */
function lookupIn(db: Database, a: Args, i: number): number {
  return db.lookup(a.buf, a.off[i]!, a.len[i]!);
}

function sameKey(a: Args, i: number, j: number): boolean {
  const len = a.len[i]!;
  if (len !== a.len[j]!) return false;
  for (let k = 0; k < len; k++) if (a.buf[a.off[i]! + k] !== a.buf[a.off[j]! + k]) return false;
  return true;
}

/** The database whose number argument i is. */
function databaseArg(c: Context, a: Args, i: number): Database {
  const n = a.integer(i);
  if (Number.isNaN(n)) throw a.int64(i) === null ? NOT_INTEGER : NOT_INT32;
  if (n < -(2 ** 31) || n >= 2 ** 31) throw NOT_INT32;
  const db = c.keyspace.databases[n];
  if (db === undefined) throw DB_OUT_OF_RANGE;
  return db;
}

// --- handlers --------------------------------------------------------------------------------------------------------

function del(c: Context, a: Args): void {
  deleteKeys(c, a, c.keyspace.lazyfree.userDel);
}

function unlink(c: Context, a: Args): void {
  deleteKeys(c, a, true);
}

function deleteKeys(c: Context, a: Args, lazily: boolean): void {
  const { db } = c;
  let deleted = 0;
  for (let i = 1; i < a.count; i++) {
    // An expired key goes as expired, not as deleted.
    if (db.expires > 0) lookupIn(db, a, i);
    if (!db.delete(a.buf, a.off[i]!, a.len[i]!, lazily)) continue;
    c.changed(a, i, 'g', 'del');
    deleted++;
  }
  c.out.int(deleted);
}

function exists(c: Context, a: Args): void {
  let found = 0;
  for (let i = 1; i < a.count; i++) if (lookupQuietly(c, a, i) !== 0) found++;
  c.out.int(found);
}

function touch(c: Context, a: Args): void {
  let found = 0;
  for (let i = 1; i < a.count; i++) if (c.read(a, i) !== 0) found++;
  c.out.int(found);
}

function type(c: Context, a: Args): void {
  const entry = lookupQuietly(c, a, 1);
  c.out.simple(entry === 0 ? 'none' : typeName(itemType(c.keyspace.arena, entry)));
}

/** Returns false when nothing was done because the new key exists. */
function moveKey(c: Context, a: Args, onlyIfAbsent: boolean): boolean {
  const { db } = c;
  const entry = c.write(a, 1);
  if (entry === 0) throw NO_SUCH_KEY;
  if (sameKey(a, 1, 2)) return !onlyIfAbsent;
  const old = lookupIn(db, a, 2);
  if (old !== 0) {
    if (onlyIfAbsent) return false;
    db.deleteEntry(old);
  }
  db.moveEntry(entry, db, a.buf, a.off[2]!, a.len[2]!);
  c.notify('n', 'new', db, a.bytes(2));
  c.changed(a, 1, 'g', 'rename_from');
  c.changed(a, 2, 'g', 'rename_to', 0);
  return true;
}

function rename(c: Context, a: Args): void {
  moveKey(c, a, false);
  c.out.ok();
}
function renamenx(c: Context, a: Args): void {
  c.out.int(moveKey(c, a, true) ? 1 : 0);
}

function copy(c: Context, a: Args): void {
  let target = c.db;
  let replace = false;
  for (let i = 3; i < a.count; i++) {
    if (a.is(i, 'REPLACE')) replace = true;
    else if (a.is(i, 'DB') && i + 1 < a.count) target = databaseArg(c, a, ++i);
    else throw SYNTAX;
  }
  if (target === c.db && sameKey(a, 1, 2)) throw SAME_OBJECT;
  const entry = c.read(a, 1);
  if (entry === 0) return c.out.int(0);
  const old = lookupIn(target, a, 2);
  if (old !== 0) {
    if (!replace) return c.out.int(0);
    target.deleteEntry(old);
  }
  target.copyEntry(entry, target, a.buf, a.off[2]!, a.len[2]!);
  const key = a.bytes(2);
  c.changedKey(target, key, 'n', 'new', 0);
  c.changedKey(target, key, 'g', 'copy_to');
  c.out.int(1);
}

function move(c: Context, a: Args): void {
  const target = databaseArg(c, a, 2);
  if (target === c.db) throw SAME_OBJECT;
  const entry = c.write(a, 1);
  if (entry === 0 || lookupIn(target, a, 1) !== 0) return c.out.int(0);
  c.db.moveEntry(entry, target, a.buf, a.off[1]!, a.len[1]!);
  const key = a.bytes(1);
  c.changedKey(target, key, 'n', 'new', 0);
  c.changed(a, 1, 'g', 'move_from');
  c.changedKey(target, key, 'g', 'move_to', 0);
  c.out.int(1);
}

// --- rows ------------------------------------------------------------------------------------------------------------

const GENERIC = { acl: ['keyspace'], group: 'generic' } as const;
const SUMMED = ['request_policy:multi_shard', 'response_policy:agg_sum'] as const;
const RENAME_ARGS = [KEY_ARG, { name: 'newkey', type: 'key', key_spec_index: 1 }];

export const KEY_COMMANDS: readonly CommandSpec[] = [
  {
    ...GENERIC,
    name: 'del',
    arity: -2,
    flags: ['write'],
    keys: [1, -1, 1],
    keySpecs: [keysSpec(1, 1, 'RM', 'delete')],
    since: '1.0.0',
    summary: 'Deletes one or more keys.',
    complexity:
      'O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).',
    arguments: [KEYS_ARG],
    tips: SUMMED,
    handler: del,
  },
  {
    ...GENERIC,
    name: 'unlink',
    arity: -2,
    flags: ['write', 'fast'],
    keys: [1, -1, 1],
    keySpecs: [keysSpec(1, 1, 'RM', 'delete')],
    since: '4.0.0',
    summary: 'Asynchronously deletes one or more keys.',
    complexity:
      'O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.',
    arguments: [KEYS_ARG],
    tips: SUMMED,
    handler: unlink,
  },
  {
    ...GENERIC,
    name: 'exists',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: [1, -1, 1],
    keySpecs: [keysSpec(1, 1, 'RO')],
    since: '1.0.0',
    summary: 'Determines whether one or more keys exist.',
    complexity: 'O(N) where N is the number of keys to check.',
    arguments: [KEYS_ARG],
    history: [['3.0.3', 'Accepts multiple `key` arguments.']],
    tips: SUMMED,
    handler: exists,
  },
  {
    ...GENERIC,
    name: 'type',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RO')],
    since: '1.0.0',
    summary: 'Determines the type of value stored at a key.',
    complexity: 'O(1)',
    arguments: [KEY_ARG],
    handler: type,
  },
  {
    ...GENERIC,
    name: 'touch',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: [1, -1, 1],
    keySpecs: [keysSpec(1, 1, 'RO')],
    since: '3.2.1',
    summary:
      'Returns the number of existing keys out of those specified after updating the time they were last accessed.',
    complexity: 'O(N) where N is the number of keys that will be touched.',
    arguments: [KEYS_ARG],
    tips: SUMMED,
    handler: touch,
  },
  {
    ...GENERIC,
    name: 'rename',
    arity: 3,
    flags: ['write'],
    keys: [1, 2, 1],
    keySpecs: [keySpec(1, 'RW', 'access', 'delete'), keySpec(2, 'OW', 'update')],
    since: '1.0.0',
    summary: 'Renames a key and overwrites the destination.',
    complexity: 'O(1)',
    arguments: RENAME_ARGS,
    handler: rename,
  },
  {
    ...GENERIC,
    name: 'renamenx',
    arity: 3,
    flags: ['write', 'fast'],
    keys: [1, 2, 1],
    keySpecs: [keySpec(1, 'RW', 'access', 'delete'), keySpec(2, 'OW', 'insert')],
    since: '1.0.0',
    summary: "Renames a key only when the target key name doesn't exist.",
    complexity: 'O(1)',
    arguments: RENAME_ARGS,
    history: [['3.2.0', 'The command no longer returns an error when source and destination names are the same.']],
    handler: renamenx,
  },
  {
    ...GENERIC,
    name: 'copy',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, 2, 1],
    keySpecs: [keySpec(1, 'RO', 'access'), keySpec(2, 'OW', 'update')],
    since: '6.2.0',
    summary: 'Copies the value of a key to a new key.',
    complexity: 'O(N) worst case for collections, where N is the number of nested items. O(1) for string values.',
    arguments: [
      { name: 'source', type: 'key', key_spec_index: 0 },
      { name: 'destination', type: 'key', key_spec_index: 1 },
      { name: 'destination-db', type: 'integer', token: 'DB', optional: true },
      { name: 'replace', type: 'pure-token', token: 'REPLACE', optional: true },
    ],
    handler: copy,
  },
  {
    ...GENERIC,
    name: 'move',
    arity: 3,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RW', 'access', 'update')],
    since: '1.0.0',
    summary: 'Moves a key to another database.',
    complexity: 'O(1)',
    arguments: [KEY_ARG, { name: 'db', type: 'integer' }],
    handler: move,
  },
  OBJECT_COMMAND,
  ...WALK_COMMANDS,
];
