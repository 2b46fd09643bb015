/**
 * A Context for the tests of command families: a real Keyspace, no server. It records what a command says about its
 * effects.
 *
 *   const t = new FakeContext(STRING_COMMANDS, KEY_COMMANDS);
 *   expect(t.run('INCR', 'n')).toBe(1);
 *   expect(t.effects).toEqual([['INCR', 'n']]);         // what would be propagated since the last `forget()`
 *   expect(t.events).toEqual(['new n', 'incrby n']);    // with ` @db` behind the key outside of database 0
 *
 * Texts are one character a byte in both directions, so binary needs no special care.
 */
import { CommandError } from '../../base/errors.js';
import { Slice } from '../../base/slice.js';
import { Args } from '../../formats/resp/args.js';
import { ReplyWriter } from '../../formats/resp/reply.js';
import { type Database, Keyspace } from '../../keyspace/keyspace.js';
import { ItemType, itemType } from '../../memory/item.js';
import { Hash } from '../../values/hash.js';
import { List } from '../../values/list.js';
import { SetValue } from '../../values/set.js';
import { Stream } from '../../values/stream.js';
import type { Value } from '../../values/value.js';
import type { ZSet } from '../../values/zset.js';
import type { Context, NotifyClass } from '../context.js';
import { WRONG_TYPE, wrongArity } from '../errors.js';
import type { CommandSpec } from '../spec.js';

/** Errors are strings that begin with `-`; maps and attributes become flat arrays. */
export type Told = string | number | bigint | boolean | null | Told[];

export class FakeContext implements Context {
  readonly keyspace: Keyspace;
  db: Database;
  out = new ReplyWriter();
  now = 1_700_000_000_000;
  replaying = false;
  readonly listens = true;
  /** As a server's Context has it. */
  readonly dumpFormat = { version: 11, compression: true } as const;
  readonly s1 = new Slice();
  readonly s2 = new Slice();

  /** Commands to propagate, in order, deletions of expired keys included. */
  effects: string[][] = [];
  /** Keyspace events: `event key`. */
  events: string[] = [];
  /** Keys that WATCHers were told of: `db:key`. */
  touched: string[] = [];
  dirty = 0;

  private readonly rows = new Map<string, CommandSpec>();
  private argv: string[] = [];
  private instead: string[][] = [];
  private quiet = false;

  constructor(...tables: (readonly CommandSpec[])[]) {
    this.keyspace = new Keyspace({
      expired: (db, key) => {
        this.effects.push(['DEL', latin1(key)]);
        this.event('expired', db, key);
      },
      fieldExpired: (_db, key, field) => {
        this.effects.push(['HDEL', latin1(key), latin1(field)]);
      },
      fieldsExpired: (db, key, emptied) => {
        this.touched.push(`${db.index}:${latin1(key)}`);
        this.event('hexpired', db, key);
        if (emptied) this.event('del', db, key);
      },
    });
    this.db = this.keyspace.databases[0]!;
    for (const row of tables.flat()) this.rows.set(row.name, row);
  }

  // --- playing ---------------------------------------------------------------------------------------------------------

  /** Runs a command and returns its reply decoded; see `Told`. */
  run(...argv: (string | number)[]): Told {
    const bytes = this.raw(...argv);
    const cursor = { at: 0 };
    const told = decode(bytes, cursor);
    if (cursor.at !== bytes.length) throw new Error(`more than one reply: ${JSON.stringify(bytes)}`);
    return told;
  }

  /** Runs a command and returns its reply as it goes over the wire. */
  raw(...argv: (string | number)[]): string {
    this.argv = argv.map(String);
    this.instead = [];
    this.quiet = false;
    this.keyspace.setNow(this.now);
    const a = Args.of(...this.argv.map((arg) => Buffer.from(arg, 'latin1')));
    const before = this.dirty;
    this.out.pos = 0;
    try {
      const row = this.find();
      if (row.arity > 0 ? a.count !== row.arity : a.count < -row.arity)
        throw wrongArity(
          row.name === this.argv[0]!.toLowerCase() ? row.name : `${this.argv[0]!.toLowerCase()}|${row.name}`,
        );
      row.handler!(this, a);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.dirty !== before) throw new Error(`an error after a change: ${error.message}`);
      this.out.pos = 0;
      this.out.error(error.message);
    }
    if (this.dirty !== before && !this.quiet)
      this.effects.push(...(this.instead.length > 0 ? this.instead : [this.argv]));
    return this.out.buf.toString('latin1', 0, this.out.pos);
  }

  mayReadEveryKey(): boolean {
    return true;
  }

  private find(): CommandSpec {
    const row = this.rows.get(this.argv[0]!.toLowerCase());
    if (row === undefined) throw new Error(`no such command in the tables: ${this.argv[0]}`);
    if (row.subcommands === undefined || this.argv.length < 2) return row;
    const sub = row.subcommands.find(({ name }) => name === this.argv[1]!.toLowerCase());
    if (sub === undefined) throw new CommandError(`ERR unknown subcommand '${this.argv[1]}'`);
    return sub;
  }

  /** Forgets effects, events, touched keys and the dirty count. */
  forget(): void {
    this.effects = [];
    this.events = [];
    this.touched = [];
    this.dirty = 0;
  }

  // --- lookup ------------------------------------------------------------------------------------------------------------

  read(a: Args, i: number): number {
    return this.db.lookupRead(a.buf, a.off[i]!, a.len[i]!);
  }
  readType(a: Args, i: number, type: ItemType): number {
    return this.check(this.read(a, i), type);
  }
  write(a: Args, i: number): number {
    return this.db.lookupWrite(a.buf, a.off[i]!, a.len[i]!);
  }
  writeType(a: Args, i: number, type: ItemType): number {
    return this.check(this.write(a, i), type);
  }
  private check(entry: number, type: ItemType): number {
    if (entry !== 0 && itemType(this.keyspace.arena, entry) !== type) throw WRONG_TYPE;
    return entry;
  }

  // --- collections -------------------------------------------------------------------------------------------------------

  listToRead(a: Args, i: number): List | null {
    const entry = this.readType(a, i, ItemType.LIST);
    return entry === 0 ? null : this.keyspace.openList(entry);
  }
  listToWrite(a: Args, i: number, create: boolean): List | null {
    const entry = this.writeType(a, i, ItemType.LIST);
    if (entry === 0) return create ? this.keyspace.createList() : null;
    return this.keyspace.openList(entry);
  }
  hashToRead(a: Args, i: number): Hash | null {
    const entry = this.readType(a, i, ItemType.HASH);
    return entry === 0 ? null : this.keyspace.openHash(entry);
  }
  hashToWrite(a: Args, i: number, create: boolean): Hash | null {
    const entry = this.writeType(a, i, ItemType.HASH);
    if (entry === 0) return create ? this.keyspace.createHash() : null;
    return this.keyspace.openHash(entry);
  }
  setToRead(a: Args, i: number): SetValue | null {
    const entry = this.readType(a, i, ItemType.SET);
    return entry === 0 ? null : this.keyspace.openSet(entry);
  }
  setToWrite(a: Args, i: number, create: boolean): SetValue | null {
    const entry = this.writeType(a, i, ItemType.SET);
    if (entry === 0) return create ? this.keyspace.createSet() : null;
    return this.keyspace.openSet(entry);
  }
  zsetToRead(a: Args, i: number): ZSet | null {
    const entry = this.readType(a, i, ItemType.ZSET);
    return entry === 0 ? null : this.keyspace.openZset(entry);
  }
  zsetToWrite(a: Args, i: number, create: boolean): ZSet | null {
    const entry = this.writeType(a, i, ItemType.ZSET);
    if (entry === 0) return create ? this.keyspace.createZset() : null;
    return this.keyspace.openZset(entry);
  }

  streamToRead(a: Args, i: number): Stream | null {
    const entry = this.readType(a, i, ItemType.STREAM);
    return entry === 0 ? null : this.keyspace.openStream(entry);
  }
  streamToWrite(a: Args, i: number, create: boolean): Stream | null {
    const entry = this.writeType(a, i, ItemType.STREAM);
    if (entry !== 0) return this.keyspace.openStream(entry);
    return create ? this.keyspace.createStream() : null;
  }

  commit(a: Args, i: number, value: Value): boolean {
    const { db } = this;
    if (value.entry === 0) {
      if (value.isEmpty) {
        value.release();
        return true;
      }
      const off = a.off[i]!;
      value.entry = db.addValue(a.buf, off, a.len[i]!, typeOf(value), value.encoding, value.root, Number.NaN);
      value.expiryChanged = false;
      this.event('new', db, a.bytes(i));
      return false;
    }
    db.storeValue(value.entry, value);
    if (!value.isEmpty) return false;
    this.commitEmpty(a, i, value);
    return true;
  }

  commitEmpty(a: Args, i: number, value: Value): void {
    const { db } = this;
    db.deleteEntry(value.entry);
    value.entry = 0;
    this.event('del', db, a.bytes(i));
  }

  // --- effects -----------------------------------------------------------------------------------------------------------

  changed(a: Args, i: number, cls: NotifyClass, event: string, count = 1): void {
    this.changedKey(this.db, a.bytes(i), cls, event, count);
  }
  changedKey(db: Database, key: Uint8Array, _cls: NotifyClass, event: string, count = 1): void {
    this.touched.push(`${db.index}:${latin1(key)}`);
    this.event(event, db, key);
    this.dirty += count;
  }
  changedQuietly(a: Args, i: number, count = 1): void {
    this.touched.push(`${this.db.index}:${latin1(a.bytes(i))}`);
    this.dirty += count;
  }
  notify(_cls: NotifyClass, event: string, db: Database, key: Uint8Array): void {
    this.event(event, db, key);
  }
  rewrite(...argv: (string | Uint8Array)[]): void {
    this.instead.push(argv.map((arg) => (typeof arg === 'string' ? Buffer.from(arg).toString('latin1') : latin1(arg))));
  }
  silent(): void {
    this.quiet = true;
  }
  addDirty(count: number): void {
    this.dirty += count;
  }

  private event(event: string, db: Database, key: Uint8Array): void {
    this.events.push(`${event} ${latin1(key)}${db.index === 0 ? '' : ` @${db.index}`}`);
  }
}

function typeOf(value: Value): ItemType {
  if (value instanceof List) return ItemType.LIST;
  if (value instanceof Stream) return ItemType.STREAM;
  if (value instanceof Hash) return ItemType.HASH;
  return value instanceof SetValue ? ItemType.SET : ItemType.ZSET;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function decode(text: string, cursor: { at: number }): Told {
  const end = text.indexOf('\r\n', cursor.at);
  const mark = text[cursor.at];
  const line = text.slice(cursor.at + 1, end);
  cursor.at = end + 2;
  switch (mark) {
    case '+':
      return line;
    case '-':
      return `-${line}`;
    case ':':
      return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
    case ',':
      return line === 'inf' ? Infinity : line === '-inf' ? -Infinity : Number(line);
    case '(':
      return BigInt(line);
    case '#':
      return line === 't';
    case '_':
      return null;
    case '$':
    case '=': {
      if (line === '-1') return null;
      const bytes = text.slice(cursor.at, cursor.at + Number(line));
      cursor.at += Number(line) + 2;
      return mark === '=' ? bytes.slice(4) : bytes;
    }
    case '*':
    case '~':
    case '>':
    case '%': {
      if (line === '-1') return null;
      const items: Told[] = [];
      for (let left = Number(line) * (mark === '%' ? 2 : 1); left > 0; left--) items.push(decode(text, cursor));
      return items;
    }
    default:
      throw new Error(`not a reply: ${JSON.stringify(text.slice(cursor.at))}`);
  }
}
