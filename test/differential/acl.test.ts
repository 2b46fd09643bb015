/**
 * Rules of users at random, against redis-server: each is taken or refused with the same words, and afterwards the same
 * requests are allowed (ACL DRYRUN). The seed of a failure is in its message.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RespClient } from '../support/client.js';
import { rng } from '../support/random-keyspace.js';
import { type Reply, show } from '../support/reply.js';
import { type Server, startOnggi, startOracle } from '../support/server.js';
import { inWordsOf70 } from './acl-words.js';

let servers: Server[];
let oracle: RespClient;
let ours: RespClient;
/** Full names of the commands that both servers have. */
let common: string[];

beforeAll(async () => {
  servers = await Promise.all([startOracle(), startOnggi()]);
  [oracle, ours] = (await Promise.all(servers.map((server) => server.connect()))) as [RespClient, RespClient];
  const own = new Set(await names(ours, 'COMMAND', 'LIST'));
  common = (await names(oracle, 'COMMAND', 'LIST')).filter((name) => own.has(name));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

async function names(client: RespClient, ...command: string[]): Promise<string[]> {
  return (await client.call(...command)).items!.map(({ bytes }) => String(bytes));
}

it('has the same categories with the same commands', async () => {
  const categories = await names(oracle, 'ACL', 'CAT');
  expect(await names(ours, 'ACL', 'CAT')).toEqual(categories);
  for (const category of categories) {
    const [expected, actual] = await Promise.all([oracle, ours].map((client) => names(client, 'ACL', 'CAT', category)));
    const of = (list: string[] | undefined) => list!.filter((name) => common.includes(name)).sort();
    expect(of(actual), category).toEqual(of(expected));
  }
});

/** Requests whose keys and channels the random patterns may match. */
const REQUESTS = [
  ...['GET a', 'GET b', 'GET ab', 'GET ""', 'SET a 1', 'SET b 1', 'SET ab 1 GET', 'MGET a b', 'DEL a ab', 'COPY a b'],
  ...['RENAME a b', 'EXISTS a b', 'MSET a 1 b 2', 'LMOVE a b LEFT LEFT', 'SORT a STORE b', 'ZUNIONSTORE a 2 b ab'],
  ...['BITFIELD a GET u8 0', 'BITFIELD b SET u8 0 1', 'XREAD COUNT 1 STREAMS a b 0 0', 'HSET a f v', 'SMEMBERS b'],
  ...[
    'PUBLISH a m',
    'SUBSCRIBE a b',
    'PSUBSCRIBE a*',
    'PSUBSCRIBE a',
    'SPUBLISH ab m',
    'UNSUBSCRIBE a',
    'PING',
    'SELECT 0',
  ],
  ...[
    'SELECT 1',
    'CONFIG GET x',
    'CONFIG SET a b',
    'CLIENT ID',
    'CLIENT KILL x',
    'DEBUG OBJECT a',
    'AUTH x',
    'FLUSHALL',
  ],
].map((text) => text.split(' ').map((word) => (word === '""' ? '' : word)));

const CATEGORIES = [
  'all',
  'read',
  'write',
  'string',
  'hash',
  'fast',
  'slow',
  'dangerous',
  'pubsub',
  'connection',
  'nosuch',
];
const COMMANDS = [
  'get',
  'set',
  'mget',
  'del',
  'config',
  'config|get',
  'client',
  'client|id',
  'select',
  'publish',
  'nosuch',
];
const PATTERNS = ['*', 'a', 'a*', '?', 'b', '', '[ab]', 'x y'];
const PLAIN = [
  'on',
  'off',
  'nopass',
  'resetpass',
  'allkeys',
  'resetkeys',
  'allchannels',
  'resetchannels',
  'nocommands',
];
const OTHERS = ['reset', 'clearselectors', '>p', '<p', '+select|0', '+select|', 'junk', '#12', '(', ')', '%X~a', 'ON'];

function randomRule(random: () => number, inside = false): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const kind = random();
  if (kind < 0.25) return pick(['+', '-']) + pick(COMMANDS);
  if (kind < 0.4) return pick(['+@', '-@']) + pick(CATEGORIES);
  if (kind < 0.6) return pick(['~', '%R~', '%W~', '%RW~', '%r~']) + pick(PATTERNS);
  if (kind < 0.7) return `&${pick(PATTERNS)}`;
  if (kind < 0.82 || inside) return pick(PLAIN);
  if (kind < 0.92)
    return `(${Array.from({ length: Math.floor(random() * 4) }, () => randomRule(random, true)).join(' ')})`;
  return pick(OTHERS);
}

/** GETUSER without the rules of commands, which 7.2 tells otherwise, and with `*` in 7.0's words. */
function described(reply: Reply): string {
  const drop = (each: Reply): Reply => {
    if (each.items === null) return each;
    const at = each.items.findIndex(({ bytes }) => String(bytes) === 'commands');
    return { ...each, items: each.items.filter((_, i) => at < 0 || i !== at + 1).map(drop) };
  };
  return show(drop(inWordsOf70(reply))).replace(/%RW~\*/g, '~*');
}

it('takes the same rules and allows the same requests', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const random = rng(seed);
  const both = (...args: string[]) => Promise.all([oracle.call(...args), ours.call(...args)]);
  const rounds = 400;
  let taken = 0;
  await both('ACL', 'SETUSER', 'u');
  for (let round = 0; round < rounds; round++) {
    const rules = Array.from({ length: 1 + Math.floor(random() * 4) }, () => randomRule(random));
    const where = `seed ${seed}, round ${round}: ${rules.join(' ')}`;
    const [expected, actual] = await both('ACL', 'SETUSER', 'u', ...rules);
    expect(show(inWordsOf70(actual)), where).toBe(show(inWordsOf70(expected)));
    if (String(actual.bytes) === 'OK') taken++;
    const [before, now] = await both('ACL', 'GETUSER', 'u');
    expect(described(now), where).toBe(described(before));
    for (const request of REQUESTS) {
      const [a, b] = await both('ACL', 'DRYRUN', 'u', ...request);
      expect(show(inWordsOf70(b)), `${where}\n${request.join(' ')}`).toBe(show(inWordsOf70(a)));
    }
  }
  expect(taken).toBeGreaterThan(rounds / 4);
}, 120_000);

it('allows the same commands after the same rules, all of them', async () => {
  const sets = ['+@all -@dangerous', '+@read -@slow +config', '+@all -config +config|get -@hash', '-@all +@write -set'];
  for (const rules of sets) {
    await Promise.all([oracle, ours].map((client) => client.call('ACL', 'SETUSER', 'v', 'reset', ...rules.split(' '))));
    for (const name of common) {
      const request = [...name.split('|'), ...Array.from({ length: 6 }, () => '1')];
      for (const count of [0, 1, 2, 3, 4, 5, 6]) {
        const args = request.slice(0, name.split('|').length + count);
        const [a, b] = await Promise.all([oracle, ours].map((client) => client.call('ACL', 'DRYRUN', 'v', ...args)));
        const said = show(inWordsOf70(a!));
        if (/wrong number/.test(said)) continue;
        // Only whether the command is allowed counts here.
        const isDenied = (text: string) => /has no permissions to run/.test(text);
        expect(isDenied(show(inWordsOf70(b!))), `${rules}: ${args.join(' ')}`).toBe(isDenied(said));
        break;
      }
    }
  }
}, 120_000);
