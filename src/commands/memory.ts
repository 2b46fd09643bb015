/** MEMORY: what keys and the server cost. */
import type { Args } from '../formats/resp/args.js';
import { entryBytes } from '../keyspace/memory-usage.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';
import { helpText } from './help.js';
import { KEY_ARG, keySpec } from './rows.js';
import { serverOf } from './services.js';
import type { CommandSpec } from './spec.js';

const BY_SIZE = 'Depends on how much memory is allocated, could be slow';
const NO_KEYS = {
  arity: 2,
  flags: [],
  keys: [0, 0, 0],
  acl: [],
  since: '4.0.0',
  group: 'server',
} as const;
const OF_EACH_SHARD = ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'];

export const MEMORY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'memory',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '4.0.0',
    group: 'server',
    summary: 'A container for memory diagnostics commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      {
        name: 'usage',
        arity: -3,
        flags: ['readonly'],
        keys: [2, 2, 1],
        keySpecs: [keySpec(2, 'RO')],
        acl: [],
        since: '4.0.0',
        group: 'server',
        summary: 'Estimates the memory usage of a key.',
        complexity: 'O(N) where N is the number of samples.',
        arguments: [KEY_ARG, { name: 'count', type: 'integer', token: 'SAMPLES', optional: true }],
        handler: usage,
      },
      {
        ...NO_KEYS,
        name: 'doctor',
        summary: 'Outputs a memory problems report.',
        complexity: 'O(1)',
        tips: OF_EACH_SHARD,
        handler: doctor,
      },
      {
        ...NO_KEYS,
        name: 'malloc-stats',
        summary: 'Returns the allocator statistics.',
        complexity: BY_SIZE,
        tips: OF_EACH_SHARD,
        handler: mallocStats,
      },
      {
        ...NO_KEYS,
        name: 'purge',
        summary: 'Asks the allocator to release memory.',
        complexity: BY_SIZE,
        tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
        handler: purge,
      },
      {
        ...NO_KEYS,
        name: 'stats',
        summary: 'Returns details about memory usage.',
        complexity: 'O(1)',
        tips: OF_EACH_SHARD,
        handler: stats,
      },
      {
        name: 'help',
        arity: 2,
        flags: ['loading', 'stale'],
        keys: [0, 0, 0],
        acl: [],
        since: '4.0.0',
        group: 'server',
        summary: 'Returns helpful text about the different subcommands.',
        complexity: 'O(1)',
        handler: help,
      },
    ],
  },
];

/** Bytes of a slot in the keyspace's table, at its usual load. */
const TABLE_BYTES = 11;

function usage(c: Context, a: Args): void {
  let samples = 5n;
  for (let i = 3; i < a.count; i += 2) {
    if (!a.is(i, 'SAMPLES') || i + 1 >= a.count) throw SYNTAX;
    const count = a.int64(i + 1);
    if (count === null) throw NOT_INTEGER;
    if (count < 0n) throw SYNTAX;
    samples = count;
  }
  const entry = c.db.find(a.buf, a.off[2]!, a.len[2]!);
  if (entry === 0) return c.out.nil();
  c.out.int(entryBytes(c.keyspace, entry, Number(samples)) + TABLE_BYTES);
}

function doctor(c: Context): void {
  c.out.verbatim(serverOf(c).memory.doctor());
}

function mallocStats(c: Context): void {
  c.out.verbatim(serverOf(c).memory.mallocStats());
}

function purge(c: Context): void {
  serverOf(c).memory.purge();
  c.out.ok();
}

function stats(c: Context): void {
  const { out } = c;
  const rows = serverOf(c).memory.stats();
  out.map(rows.length);
  for (const [name, value] of rows) {
    out.bulkText(name);
    if (typeof value === 'number') {
      out.int(value);
    } else if ('double' in value) {
      out.double(value.double);
    } else {
      out.map(value.length);
      for (const [part, bytes] of value) {
        out.bulkText(part);
        out.int(bytes);
      }
    }
  }
}

const HELP = [
  'DOCTOR',
  '    Return memory problems reports.',
  'MALLOC-STATS',
  '    Return internal statistics report from the memory allocator.',
  'PURGE',
  '    Attempt to purge dirty pages for reclamation by the allocator.',
  'STATS',
  '    Return information about the memory usage of the server.',
  'USAGE <key> [SAMPLES <count>]',
  '    Return memory in bytes used by <key> and its value. Nested values are',
  '    sampled up to <count> times (default: 5, 0 means sample all).',
];

function help(c: Context): void {
  helpText(c, 'MEMORY', HELP);
}
