/** DEBUG's looks into data and tables: POPULATE, LISTPACK, QUICKLIST, HTSTATS. */
import { CommandError } from '../base/errors.js';
import { DumpWriter } from '../formats/rdb/dump.js';
import type { Args } from '../formats/resp/args.js';
import type { Dict } from '../memory/dict.js';
import { ItemType, itemType } from '../memory/item.js';
import { stringEncoding } from '../values/string.js';
import type { Context } from './context.js';
import { MUST_BE_POSITIVE, NO_SUCH_KEY, NOT_INTEGER } from './errors.js';
import { encodingName } from './object.js';
import { serverOf } from './services.js';

/** The entry of key argument 2. */
export function debugEntry(c: Context, a: Args): number {
  const entry = c.db.find(a.buf, a.off[2]!, a.len[2]!);
  if (entry === 0) throw NO_SUCH_KEY;
  return entry;
}

/** Bytes of the value as DUMP writes it, without the type before it, and version and sum behind. */
export function serializedLength(c: Context, entry: number): number {
  return new DumpWriter(c.keyspace.arena, 11).write(entry).length - 11;
}

// --- POPULATE ----------------------------------------------------------------------------------------------------------

const LONG_MAX = 2n ** 63n - 1n;

function positive(a: Args, i: number): number {
  const n = a.int64(i);
  if (n === null || n < 0n || n > LONG_MAX) throw MUST_BE_POSITIVE;
  return Number(n);
}

/** DEBUG POPULATE count [prefix] [size]: as in Redis the keys reach neither the log nor a replica. */
export function populate(c: Context, a: Args): void {
  const count = positive(a, 2);
  const prefix = a.count > 3 ? a.bytes(3) : Buffer.from('key');
  const size = a.count > 4 ? positive(a, 4) : 0;
  for (let i = 0; i < count; i++) {
    const key = Buffer.concat([prefix, Buffer.from(`:${i}`)]);
    if (c.db.lookup(key, 0, key.length) !== 0) continue;
    let value: Uint8Array = Buffer.from(`value:${i}`);
    if (size > 0) {
      const sized = new Uint8Array(size);
      sized.set(value.subarray(0, size));
      value = sized;
    }
    const encoding = stringEncoding(value, 0, value.length);
    c.db.setString(key, 0, key.length, value, 0, value.length, encoding, Number.NaN);
    c.changedKey(c.db, key, 'n', 'new', 0);
  }
  c.out.ok();
}

// --- LISTPACK, QUICKLIST -------------------------------------------------------------------------------------------------

const LISTPACKS = ['listpack', 'listpackex'];
const QUICKLISTS = ['quicklist'];
const NO_LISTPACK = new CommandError('ERR Not a listpack encoded object.');
const NO_QUICKLIST = new CommandError('ERR Not a quicklist encoded object.');
const BAD_THRESHOLD = new CommandError('ERR argument must be a memory value bigger than 1 and smaller than 4gb');
const THRESHOLD_MAX = 2 ** 32 - 2 ** 20;
const UNITS: Readonly<Record<string, number>> = {
  ...{ '': 1, b: 1, k: 1e3, kb: 2 ** 10, m: 1e6, mb: 2 ** 20, g: 1e9, gb: 2 ** 30 },
};

/** What Redis prints on its standard output goes to the log. */
function describe(c: Context, a: Args, encodings: readonly string[], refusal: CommandError): void {
  const entry = debugEntry(c, a);
  const encoding = encodingName(c, entry);
  if (!encodings.includes(encoding)) throw refusal;
  const nodes = encoding === 'quicklist' ? `, ${c.keyspace.openList(entry).nodeCount} nodes` : '';
  const { log } = serverOf(c);
  log.notice(`DEBUG: ${encoding} of key ${a.utf8(2)}: ${serializedLength(c, entry)} bytes serialized${nodes}`);
}

export function listpack(c: Context, a: Args): void {
  describe(c, a, LISTPACKS, NO_LISTPACK);
  c.out.simple('Listpack structure printed on stdout');
}

export function quicklist(c: Context, a: Args): void {
  describe(c, a, QUICKLISTS, NO_QUICKLIST);
  c.out.simple('Quicklist structure printed on stdout');
}

/** Checked, and without effect: elements of any size are stored in the same way here. */
export function quicklistPackedThreshold(c: Context, a: Args): void {
  const match = /^(\d+)([a-z]*)$/i.exec(a.latin1(2));
  const bytes = match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2]!.toLowerCase()] ?? Number.NaN);
  if (!(bytes <= THRESHOLD_MAX)) throw BAD_THRESHOLD;
  c.out.ok();
}

// --- HTSTATS -------------------------------------------------------------------------------------------------------------

const NO_TABLE = new CommandError('ERR The value stored at the specified key is not represented using an hash table');
const NO_DATABASE = new CommandError('ERR Out of range database');
const EMPTY_TABLE = 'No stats available for empty dictionaries\n';

/** In Redis's form; a chain's length is the number of slots that are looked at to find an item. */
function tableText(table: Dict): string {
  let text = 'Hash table 0 stats (main hash table):\n';
  if (table.count === 0) return text + EMPTY_TABLE;
  const { slots, segments, probes } = table.stats();
  const items = table.count;
  const looks = probes.reduce((sum, count, i) => sum + count * (i + 1), 0);
  text += ` table size: ${slots}\n number of elements: ${items}\n segments: ${segments}\n`;
  text += ` different slots: ${probes[0] ?? 0}\n max chain length: ${probes.length}\n`;
  text += ` avg chain length (counted): ${(looks / items).toFixed(2)}\n`;
  text += ` avg load: ${(items / slots).toFixed(2)}\n Chain length distribution:\n`;
  probes.forEach((count, i) => {
    if (count > 0) text += `   ${i + 1}: ${count} (${((count * 100) / items).toFixed(2)}%)\n`;
  });
  return text;
}

export function htStats(c: Context, a: Args): void {
  const index = a.int64(2);
  if (index === null) throw NOT_INTEGER;
  const db = c.keyspace.databases[Number(index)];
  if (db === undefined) throw NO_DATABASE;
  let text = `[Dictionary HT]\n${tableText(db.table)}[Expires HT]\n`;
  // Expiries stand in the same table.
  if (db.expires === 0) text += `Hash table 0 stats (main hash table):\n${EMPTY_TABLE}`;
  else text += `Hash table 0 stats (main hash table):\n number of elements: ${db.expires}\n`;
  c.out.verbatim(text);
}

export function htStatsKey(c: Context, a: Args): void {
  const entry = debugEntry(c, a);
  const { arena } = c.keyspace;
  const table = itemType(arena, entry) === ItemType.STRING ? null : c.keyspace.open(entry).hashTable;
  if (table === null) throw NO_TABLE;
  c.out.verbatim(tableText(table));
}
