/** OBJECT: what the server knows about a value besides its content. */
import { CommandError } from '../base/errors.js';
import { parseInteger } from '../base/numbers.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemEncoding, itemType, itemValueBytes, itemValueIndex } from '../memory/item.js';
import { stringEncodingName } from '../values/string.js';
import type { Context } from './context.js';
import { helpText } from './help.js';
import { lookupUnnoticed } from './lookup.js';
import { KEY_ARG, keySpec } from './rows.js';
import type { CommandSpec, Handler } from './spec.js';

const NO_LFU = new CommandError(
  'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
);
const LFU = new CommandError(
  'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
);

/** Redis keeps the integers below it once for all keys and answers this number of references. */
const SHARED_INTEGERS = 10000;
const SHARED_REFCOUNT = 2147483647;

const HELP = [
  'ENCODING <key>',
  '    Return the kind of internal representation used in order to store the value',
  '    associated with a <key>.',
  'FREQ <key>',
  '    Return the access frequency index of the <key>. The returned integer is',
  '    proportional to the logarithm of the recent access frequency of the key.',
  'IDLETIME <key>',
  '    Return the idle time of the <key>, that is the approximated number of',
  '    seconds elapsed since the last access to the key.',
  'REFCOUNT <key>',
  '    Return the number of references of the value associated with the specified',
  '    <key>.',
];

/** The word that OBJECT ENCODING and DEBUG OBJECT say. Opens the shared handle of a collection. */
export function encodingName(c: Context, entry: number): string {
  const { arena } = c.keyspace;
  const encoding = itemEncoding(arena, entry);
  switch (itemType(arena, entry)) {
    case ItemType.STRING:
      return stringEncodingName(encoding);
    case ItemType.MODULE:
      return 'raw';
    default:
      return c.keyspace.open(entry).encodingName();
  }
}

/** The number that OBJECT REFCOUNT and DEBUG OBJECT say. */
export function refCount(c: Context, entry: number): number {
  const { arena } = c.keyspace;
  if (itemType(arena, entry) !== ItemType.STRING || itemEncoding(arena, entry) !== Encoding.INT) return 1;
  const n = parseInteger(arena.bytesOf(entry), itemValueIndex(arena, entry), itemValueBytes(arena, entry));
  return n >= 0 && n < SHARED_INTEGERS ? SHARED_REFCOUNT : 1;
}

/** A handler that looks up the key and replies null when it is missing. */
function onEntry(reply: (c: Context, entry: number) => void): Handler {
  return (c: Context, a: Args) => {
    const entry = lookupUnnoticed(c, a, 2);
    if (entry === 0) c.out.nil();
    else reply(c, entry);
  };
}

const encoding = onEntry((c, entry) => c.out.bulkText(encodingName(c, entry), true));

const refcount = onEntry((c, entry) => c.out.int(refCount(c, entry)));

const idletime = onEntry((c, entry) => {
  if (c.keyspace.usesLfu) throw LFU;
  c.out.int(c.keyspace.idleSeconds(entry));
});

const freq = onEntry((c, entry) => {
  if (!c.keyspace.usesLfu) throw NO_LFU;
  c.out.int(c.keyspace.frequency(entry));
});

function help(c: Context): void {
  helpText(c, 'OBJECT', HELP);
}

function row(name: string, since: string, summary: string, handler: Handler): CommandSpec {
  return {
    name,
    arity: 3,
    flags: ['readonly'],
    keys: [2, 2, 1],
    keySpecs: [keySpec(2, 'RO')],
    acl: ['keyspace'],
    since,
    group: 'generic',
    summary,
    complexity: 'O(1)',
    arguments: [KEY_ARG],
    tips: ['nondeterministic_output'],
    handler,
  };
}

export const OBJECT_COMMAND: CommandSpec = {
  name: 'object',
  arity: -2,
  flags: [],
  keys: [0, 0, 0],
  acl: [],
  since: '2.2.3',
  group: 'generic',
  summary: 'A container for object introspection commands.',
  complexity: 'Depends on subcommand.',
  subcommands: [
    row('encoding', '2.2.3', 'Returns the internal encoding of a Redis object.', encoding),
    row('freq', '4.0.0', 'Returns the logarithmic access frequency counter of a Redis object.', freq),
    row('idletime', '2.2.3', 'Returns the time since the last access to a Redis object.', idletime),
    row('refcount', '2.2.3', 'Returns the reference count of a value of a key.', refcount),
    {
      name: 'help',
      arity: 2,
      flags: ['loading', 'stale'],
      keys: [0, 0, 0],
      acl: ['keyspace'],
      since: '6.2.0',
      group: 'generic',
      summary: 'Returns helpful text about the different subcommands.',
      complexity: 'O(1)',
      handler: help,
    },
  ],
};
