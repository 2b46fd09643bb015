/**
 * What our command table says, against the oracle's for every command that both have: arity, flags, keys, ACL
 * categories, tips, key specifications; and the error for a wrong number of arguments. Wanted differences stand, with
 * their reason, in known-command-differences.ts.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RespClient } from '../support/client.js';
import { type Reply, show } from '../support/reply.js';
import { onggiCommand, oracleCommand, type Server, startOnggi, startOracle } from '../support/server.js';
import { KNOWN_DIFFERENCES } from './known-command-differences.js';

interface Row {
  name: string;
  arity: number;
  /** Every property as text, by name. */
  properties: Record<string, string>;
}

let servers: Server[];
let oracle: RespClient;
let ours: RespClient;

beforeAll(async () => {
  servers = await Promise.all([startOracle(), startOnggi()]);
  [oracle, ours] = (await Promise.all(servers.map((server) => server.connect()))) as [RespClient, RespClient];
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

const text = (reply: Reply | undefined): string => reply?.bytes?.toString() ?? '';
const sorted = (reply: Reply | undefined): string =>
  (reply?.items ?? [])
    .map((item) => show(item, true))
    .sort()
    .join(' ');

/** Rows of COMMAND INFO (RESP2), subcommands included, by their full name. */
function rows(reply: Reply, into = new Map<string, Row>()): Map<string, Row> {
  for (const item of reply.items ?? []) {
    if (item.items === null) continue;
    const [name, arity, flags, first, last, step, acl, tips, specs, subcommands] = item.items;
    into.set(text(name), {
      name: text(name),
      arity: Number(text(arity)),
      properties: {
        arity: text(arity),
        flags: sorted(flags),
        keys: [first, last, step].map(text).join(' '),
        acl: sorted(acl),
        tips: sorted(tips),
        'key specs': (specs?.items ?? []).map(spec).join('; '),
      },
    });
    if (subcommands) rows(subcommands, into);
  }
  return into;
}

/** A key specification with its flags in order. */
function spec(reply: Reply): string {
  const items = reply.items ?? [];
  const parts: string[] = [];
  for (let i = 0; i + 1 < items.length; i += 2) {
    const key = text(items[i]);
    parts.push(`${key} ${key === 'flags' ? sorted(items[i + 1]) : show(items[i + 1]!, true)}`);
  }
  return parts.join(' ');
}

async function tables(): Promise<[Map<string, Row>, Map<string, Row>]> {
  return [rows(await oracle.call('COMMAND')), rows(await ours.call('COMMAND'))];
}

it('has commands at all', async () => {
  const [, table] = await tables();
  expect(table.size).toBeGreaterThan(100);
});

it('describes every command as the oracle does', async () => {
  const [theirs, table] = await tables();
  const found: string[] = [];
  for (const [name, row] of theirs) {
    const own = table.get(name);
    if (own === undefined) continue;
    for (const [property, expected] of Object.entries(row.properties)) {
      const actual = own.properties[property]!;
      if (expected === actual) continue;
      if (KNOWN_DIFFERENCES.some((known) => known.command === name && known.property === property)) continue;
      found.push(`${name}: ${property}\n  redis: ${expected}\n  onggi: ${actual}`);
    }
  }
  expect(found.join('\n')).toBe('');
});

it('knows no difference that is none', async () => {
  if (onggiCommand() === oracleCommand()) return;
  const [theirs, table] = await tables();
  const idle = KNOWN_DIFFERENCES.filter(({ command, property }) => {
    const [a, b] = [theirs.get(command), table.get(command)];
    return a && b && property in a.properties && a.properties[property] === b.properties[property];
  });
  expect(idle).toEqual([]);
});

it('refuses a wrong number of arguments with the same words', async () => {
  const [theirs, table] = await tables();
  const found: string[] = [];
  for (const [name, { arity }] of theirs) {
    if (!table.has(name) || KNOWN_DIFFERENCES.some((known) => known.command === name && known.property === 'arity'))
      continue;
    const words = name.split('|');
    const least = Math.abs(arity);
    const counts = [least - 1, ...(arity > 0 ? [least + 1] : [])].filter((count) => count >= words.length);
    for (const count of counts) {
      const args = [...words, ...Array.from({ length: count - words.length }, (_, i) => `arg${i}`)];
      const [a, b] = await Promise.all([oracle.call(...args), ours.call(...args)]);
      if (show(a) !== show(b)) found.push(`${args.join(' ')}\n  redis: ${show(a)}\n  onggi: ${show(b)}`);
    }
  }
  expect(found.join('\n')).toBe('');
});

it('finds the same keys in the same calls', async () => {
  const found: string[] = [];
  const calls = [
    'GET a',
    'MSET a 1 b 2',
    'ZUNIONSTORE d 2 a b WEIGHTS 1 2',
    'LMPOP 2 a b LEFT',
    'SORT a BY b STORE c',
    'GEORADIUS a 0 0 1 m STORE b',
    'XREAD STREAMS a b 0 0',
    'XREADGROUP GROUP g c COUNT 1 STREAMS a 0',
    'EVAL script 2 a b arg',
    'MIGRATE h 1 "" 0 10 KEYS a b',
    'BITOP AND d a b',
    'OBJECT ENCODING a',
    'RENAME a b',
    'PFMERGE a b c',
    'BLPOP a b 0',
    'SINTERCARD 2 a b',
    'SMOVE a b x',
    'LMOVE a b LEFT LEFT',
  ];
  for (const call of calls) {
    const args = call.split(' ').map((word) => (word === '""' ? '' : word));
    const [a, b] = await Promise.all(
      [oracle, ours].map((client) => client.call('COMMAND', 'GETKEYSANDFLAGS', ...args)),
    );
    const known = (await ours.call('COMMAND', 'INFO', args[0]!)).items![0]!.items !== null;
    if (known && show(a!) !== show(b!)) found.push(`${call}\n  redis: ${show(a!)}\n  onggi: ${show(b!)}`);
  }
  expect(found.join('\n')).toBe('');
});

/** What COMMAND DOCS says beside the summary, which 7.2 has put in other words nearly everywhere. */
const DOCUMENTED = [
  ...['since', 'group', 'complexity', 'doc_flags', 'deprecated_since', 'replaced_by', 'history', 'arguments'],
] as const;

interface Documented {
  summary: string;
  properties: Record<string, string>;
}

/** Commands and subcommands of COMMAND DOCS (RESP2) by their full name. */
function documents(reply: Reply, into = new Map<string, Documented>()): Map<string, Documented> {
  const items = reply.items ?? [];
  for (let i = 0; i + 1 < items.length; i += 2) {
    const told = pairsOf(items[i + 1]!);
    const properties: Record<string, string> = {};
    for (const name of DOCUMENTED) {
      const value = told.get(name);
      if (value === undefined) properties[name] = '';
      else if (name === 'doc_flags') properties[name] = sorted(value);
      else properties[name] = name === 'arguments' ? argumentsText(value) : show(value, true);
    }
    into.set(text(items[i]), { summary: text(told.get('summary')), properties });
    const subcommands = told.get('subcommands');
    if (subcommands !== undefined) documents(subcommands, into);
  }
  return into;
}

function pairsOf(reply: Reply): Map<string, Reply> {
  const items = reply.items ?? [];
  const pairs = new Map<string, Reply>();
  for (let i = 0; i + 1 < items.length; i += 2) pairs.set(text(items[i]), items[i + 1]!);
  return pairs;
}

/** All but `display_text`, which 7.0 does not have. */
function argumentsText(reply: Reply): string {
  const told = (reply.items ?? []).map((argument) => {
    const parts: string[] = [];
    for (const [name, value] of pairsOf(argument)) {
      if (name === 'display_text') continue;
      parts.push(`${name} ${name === 'arguments' ? argumentsText(value) : show(value, true)}`);
    }
    return parts.join(' ');
  });
  return `[${told.join(', ')}]`;
}

const known = (command: string, property: string): boolean =>
  KNOWN_DIFFERENCES.some((each) => each.command === command && each.property === property);

it('documents every command of the oracle that it has', async () => {
  const [theirs, own] = await Promise.all(
    [oracle, ours].map(async (client) => documents(await client.call('COMMAND', 'DOCS'))),
  );
  const found: string[] = [];
  for (const [name, { properties }] of theirs!) {
    const mine = own!.get(name);
    if (mine === undefined) continue;
    if (!/^[A-Z].{9}/.test(mine.summary)) found.push(`${name}: no summary`);
    for (const [property, expected] of Object.entries(properties)) {
      const actual = mine.properties[property]!;
      if ((expected === actual) === known(name, property) && onggiCommand() !== oracleCommand()) {
        found.push(`${name}: ${property}\n  redis: ${expected}\n  onggi: ${actual}`);
      }
    }
  }
  expect(found.join('\n')).toBe('');
});

it('has every command of the oracle but those that are still to come', async () => {
  const [theirs, table] = await tables();
  const missing = [...theirs.keys()].filter((name) => !table.has(name)).sort();
  expect(missing.filter((name) => !TO_COME.test(name))).toEqual([]);
});

const TO_COME = /^(eval|fcall|function|script|psync|sync|replconf)/;
