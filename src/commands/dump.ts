/** DUMP and RESTORE: a value as bytes that any server of its kind reads (formats/rdb/dump.ts). */
import { CommandError, CorruptionError } from '../base/errors.js';
import { DumpReader, DumpWriter, isSoundDump } from '../formats/rdb/dump.js';
import type { Args } from '../formats/resp/args.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { ItemType, setItemLru } from '../memory/item.js';
import { stringEncoding } from '../values/string.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';
import { expireText, isPast } from './expire-time.js';
import { KEY_ARG, keySpec } from './rows.js';
import { serverOf } from './services.js';
import type { CommandSpec } from './spec.js';

const BUSY_KEY = new CommandError('BUSYKEY Target key name already exists.');
const BAD_TTL = new CommandError('ERR Invalid TTL value, must be >= 0');
const BAD_IDLETIME = new CommandError('ERR Invalid IDLETIME value, must be >= 0');
const BAD_FREQ = new CommandError('ERR Invalid FREQ value, must be >= 0 and <= 255');
const BAD_SUM = new CommandError('ERR DUMP payload version or checksum are wrong');
const BAD_DATA = new CommandError('ERR Bad data format');

/** The largest idle time that the access clock can say. */
const IDLE_MAX = 0xfffffe;

/** The codecs of a keyspace, made when they are first needed. */
class Codecs {
  readonly reader: DumpReader;
  private readonly writers = new Map<string, DumpWriter>();

  constructor(private readonly keyspace: Keyspace) {
    this.reader = new DumpReader(keyspace.arena, keyspace.limits);
  }

  writer(version: 9 | 10 | 11 | 12, compression: boolean): DumpWriter {
    const name = `${version} ${compression}`;
    let writer = this.writers.get(name);
    if (writer === undefined) {
      writer = new DumpWriter(this.keyspace.arena, version, compression);
      this.writers.set(name, writer);
    }
    return writer;
  }
}

const CODECS = new WeakMap<Keyspace, Codecs>();

function codecsOf(keyspace: Keyspace): Codecs {
  let codecs = CODECS.get(keyspace);
  if (codecs === undefined) {
    codecs = new Codecs(keyspace);
    CODECS.set(keyspace, codecs);
  }
  return codecs;
}

/** The entry's payload: a view until the next one is written. What the version cannot say is written in 12. */
export function dumpPayload(c: Context, entry: number): Uint8Array {
  const codecs = codecsOf(c.keyspace);
  const { version, compression } = serverOf(c).dumpFormat;
  const writer = codecs.writer(version, compression);
  if (writer.unsupported(entry) === '') return writer.write(entry);
  return codecs.writer(12, compression).write(entry);
}

function dump(c: Context, a: Args): void {
  const entry = c.read(a, 1);
  if (entry === 0) return c.out.nil();
  c.out.bulk(dumpPayload(c, entry));
}

// --- RESTORE -----------------------------------------------------------------------------------------------------------

interface RestoreOptions {
  replace: boolean;
  absolute: boolean;
  /** Seconds; -1: not given. */
  idle: number;
  frequency: number;
}

function integer(a: Args, i: number, max: number, error: CommandError): number {
  const n = a.int64(i);
  if (n === null) throw NOT_INTEGER;
  if (n < 0n || n > BigInt(max)) throw error;
  return Number(n);
}

function parse(a: Args): RestoreOptions {
  const options: RestoreOptions = { replace: false, absolute: false, idle: -1, frequency: -1 };
  for (let i = 4; i < a.count; i++) {
    const behind = a.count - i - 1;
    if (a.is(i, 'REPLACE')) options.replace = true;
    else if (a.is(i, 'ABSTTL')) options.absolute = true;
    else if (behind >= 1 && options.frequency < 0 && a.is(i, 'IDLETIME')) {
      options.idle = Math.min(IDLE_MAX, integer(a, ++i, Number.MAX_VALUE, BAD_IDLETIME));
    } else if (behind >= 1 && options.idle < 0 && a.is(i, 'FREQ')) options.frequency = integer(a, ++i, 255, BAD_FREQ);
    else throw SYNTAX;
  }
  return options;
}

/** When the key expires, in ms since 1970; NaN = never. As in Redis a sum beyond 64 bits lies in the past. */
function expireArg(c: Context, a: Args, absolute: boolean): number {
  const ttl = a.int64(2);
  if (ttl === null) throw NOT_INTEGER;
  if (ttl < 0n) throw BAD_TTL;
  if (ttl === 0n) return Number.NaN;
  return Number(absolute ? ttl : BigInt.asIntN(64, ttl + BigInt(c.now)));
}

/** Reads the payload in argument 3; the value is the reader's. */
function readPayload(c: Context, a: Args): DumpReader {
  const at = a.off[3]!;
  const len = a.len[3]!;
  if (!isSoundDump(a.buf, at, len)) throw BAD_SUM;
  const { reader } = codecsOf(c.keyspace);
  try {
    if (reader.read(a.buf, at, len)) return reader;
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
  }
  throw BAD_DATA;
}

function restore(c: Context, a: Args): void {
  const { db, keyspace } = c;
  const options = parse(a);
  const off = a.off[1]!;
  const len = a.len[1]!;
  if (!options.replace && db.lookup(a.buf, off, len) !== 0) throw BUSY_KEY;
  const atMs = expireArg(c, a, options.absolute);
  const value = readPayload(c, a);
  const deleted = options.replace && db.delete(a.buf, off, len);
  if (isPast(c, atMs)) {
    if (value.root !== 0) keyspace.freeValue(value.type, value.encoding, value.root);
    if (deleted) {
      c.changed(a, 1, 'g', 'del');
      c.rewrite(keyspace.lazyfree.serverDel ? 'UNLINK' : 'DEL', a.bytes(1));
    }
    return c.out.ok();
  }
  const entry = store(c, a, value, atMs);
  setItemLru(keyspace.arena, entry, keyspace.loadedLru(options.idle, options.frequency));
  c.changed(a, 1, 'n', 'new', 0);
  c.changed(a, 1, 'g', 'restore');
  if (!Number.isNaN(atMs) && !options.absolute) {
    const argv: (string | Uint8Array)[] = [];
    for (let i = 0; i < a.count; i++) argv.push(i === 2 ? expireText(atMs) : a.bytes(i));
    c.rewrite(...argv, 'ABSTTL');
  }
  c.out.ok();
}

/** Puts the value that was read under the key of argument 1, which is absent. Returns the entry. */
function store(c: Context, a: Args, value: DumpReader, atMs: number): number {
  const { db } = c;
  const off = a.off[1]!;
  const len = a.len[1]!;
  if (value.type !== ItemType.STRING) {
    return db.addValue(a.buf, off, len, value.type, value.encoding, value.root, atMs);
  }
  const { buf, off: at, len: bytes } = value.string;
  return db.setString(a.buf, off, len, buf, at, bytes, stringEncoding(buf, at, bytes), atMs);
}

// --- rows --------------------------------------------------------------------------------------------------------------

const RESTORE = {
  arity: -4,
  keys: [1, 1, 1],
  keySpecs: [keySpec(1, 'OW', 'update')],
  acl: ['keyspace', 'dangerous'],
  complexity:
    'O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).',
  arguments: [
    KEY_ARG,
    { name: 'ttl', type: 'integer' },
    { name: 'serialized-value', type: 'string' },
    { name: 'replace', type: 'pure-token', token: 'REPLACE', since: '3.0.0', optional: true },
    { name: 'absttl', type: 'pure-token', token: 'ABSTTL', since: '5.0.0', optional: true },
    { name: 'seconds', type: 'integer', token: 'IDLETIME', since: '5.0.0', optional: true },
    { name: 'frequency', type: 'integer', token: 'FREQ', since: '5.0.0', optional: true },
  ],
  history: [
    ['3.0.0', 'Added the `REPLACE` modifier.'],
    ['5.0.0', 'Added the `ABSTTL` modifier.'],
    ['5.0.0', 'Added the `IDLETIME` and `FREQ` options.'],
  ],
  handler: restore,
} as const;

export const DUMP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'dump',
    arity: 2,
    flags: ['readonly'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RO', 'access')],
    acl: ['keyspace'],
    since: '2.6.0',
    group: 'generic',
    summary: 'Returns a serialized representation of the value stored at a key.',
    complexity:
      'O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).',
    arguments: [KEY_ARG],
    tips: ['nondeterministic_output'],
    handler: dump,
  },
  {
    ...RESTORE,
    name: 'restore',
    flags: ['write', 'denyoom'],
    since: '2.6.0',
    group: 'generic',
    summary: 'Creates a key from the serialized representation of a value.',
  },
  {
    ...RESTORE,
    name: 'restore-asking',
    flags: ['write', 'denyoom', 'asking'],
    since: '3.0.0',
    group: 'server',
    summary: 'An internal command for migrating keys in a cluster.',
    docFlags: ['syscmd'],
  },
];
