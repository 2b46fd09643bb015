/**
 * MIGRATE: keys move to another server, as DUMP payloads that it RESTOREs. The whole is one step for all clients: nothing
 * else runs until the target has answered, or the time is over; a key is deleted here only once it is there.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { dumpPayload } from './dump.js';
import { SYNTAX } from './errors.js';
import { expireText } from './expire-time.js';
import { long } from './long-args.js';
import { keySpec } from './rows.js';
import { serverOf } from './services.js';
import type { CommandSpec } from './spec.js';

const KEY_AND_KEYS = new CommandError(
  'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
);
/** Where the exchange with the target can fail. */
const FAILURES = {
  connect: 'IOERR error or timeout connecting to the client',
  write: 'IOERR error or timeout writing to target instance',
  read: 'IOERR error or timeout reading to target instance',
} as const;

const TIMEOUT_MS = 1000;

interface Options {
  copy: boolean;
  replace: boolean;
  /** AUTH to send first; empty: none. */
  auth: Uint8Array[];
  /** Key arguments. */
  first: number;
  end: number;
}

function parse(a: Args): Options {
  const options: Options = { copy: false, replace: false, auth: [], first: 3, end: 4 };
  for (let i = 6; i < a.count; i++) {
    const behind = a.count - i - 1;
    if (a.is(i, 'COPY')) options.copy = true;
    else if (a.is(i, 'REPLACE')) options.replace = true;
    else if (a.is(i, 'AUTH') && behind >= 1) options.auth = [a.bytes(++i)];
    else if (a.is(i, 'AUTH2') && behind >= 2) {
      options.auth = [a.bytes(i + 1), a.bytes(i + 2)];
      i += 2;
    } else if (a.is(i, 'KEYS')) {
      if (a.len[3] !== 0) throw KEY_AND_KEYS;
      return { ...options, first: i + 1, end: a.count };
    } else throw SYNTAX;
  }
  return options;
}

/** The number at the beginning of argument i, as atoi reads it. */
function port(a: Args, i: number): number {
  return Number.parseInt(a.latin1(i), 10) || 0;
}

function encode(...argv: (string | Uint8Array)[]): Uint8Array[] {
  const parts: Uint8Array[] = [Buffer.from(`*${argv.length}\r\n`)];
  for (const arg of argv) {
    const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg;
    // Payloads are views that the next one overwrites.
    parts.push(Buffer.from(`$${bytes.length}\r\n`), Uint8Array.from(bytes), Buffer.from('\r\n'));
  }
  return parts;
}

function migrate(c: Context, a: Args): void {
  const options = parse(a);
  const timeoutMs = long(a, 5);
  const db = long(a, 4);
  const keys: number[] = [];
  const request: Uint8Array[] = [];
  if (options.auth.length > 0) request.push(...encode('AUTH', ...options.auth));
  request.push(...encode('SELECT', String(db)));
  for (let i = options.first; i < options.end; i++) {
    const entry = c.read(a, i);
    if (entry === 0) continue;
    keys.push(i);
    const atMs = c.db.expireAt(entry);
    const ttl = Number.isNaN(atMs) ? '0' : expireText(Math.max(1, atMs - c.now));
    const flags = options.replace ? ['REPLACE'] : [];
    request.push(...encode('RESTORE', a.bytes(i), ttl, dumpPayload(c, entry), ...flags));
  }
  if (keys.length === 0) return c.out.simple('NOKEY');
  const before = options.auth.length > 0 ? 2 : 1;
  const { replies, failed } = serverOf(c).exchange({
    host: a.latin1(1),
    port: port(a, 2),
    timeoutMs: timeoutMs > 0 ? Math.min(timeoutMs, 2 ** 31 - 1) : TIMEOUT_MS,
    bytes: Buffer.concat(request),
    replies: before + keys.length,
  });
  const refused = replies.find(isError);
  const moved = replies.slice(0, before).some(isError)
    ? []
    : keys.filter((_, k) => before + k < replies.length && !isError(replies[before + k]!));
  if (!options.copy) removeMoved(c, a, moved);
  if (refused !== undefined) c.out.error(`ERR Target instance replied with error: ${refused.slice(1)}`);
  else if (failed !== null) c.out.error(FAILURES[failed]);
  else c.out.ok();
}

function isError(reply: string): boolean {
  return reply.startsWith('-');
}

/** Deletes the keys that the target has now; DEL of them is what is propagated. */
function removeMoved(c: Context, a: Args, keys: readonly number[]): void {
  const deleted: Uint8Array[] = [];
  for (const i of keys) {
    if (!c.db.delete(a.buf, a.off[i]!, a.len[i]!)) continue;
    c.changed(a, i, 'g', 'del');
    deleted.push(a.bytes(i));
  }
  if (deleted.length > 0) c.rewrite('DEL', ...deleted);
}

/** The keys behind KEYS when the key argument is empty; both at once are an error, and no keys. */
function migrateKeys(a: Args): number[] {
  if (a.count > 6) {
    for (let i = 6; i < a.count; i++) {
      if (a.is(i, 'KEYS') && a.len[3] !== 0) return [];
      if (a.is(i, 'KEYS')) return Array.from({ length: a.count - i - 1 }, (_, k) => i + 1 + k);
      if (a.is(i, 'AUTH')) i++;
      else if (a.is(i, 'AUTH2')) i += 2;
    }
  }
  return [3];
}

function migrateSecrets(a: Args): number[] {
  for (let i = 6; i < a.count && !a.is(i, 'KEYS'); i++) {
    if (a.is(i, 'AUTH')) return [i + 1];
    if (a.is(i, 'AUTH2')) return [i + 1, i + 2];
  }
  return [];
}

export const MIGRATE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate',
    arity: -6,
    flags: ['write', 'movablekeys'],
    keys: [3, 3, 1],
    keySpecs: [
      keySpec(3, 'RW', 'access', 'delete'),
      {
        flags: ['RW', 'access', 'delete', 'incomplete'],
        begin: ['keyword', 'KEYS', -2],
        find: ['range', -1, 1, 0],
      },
    ],
    getKeys: migrateKeys,
    secrets: migrateSecrets,
    acl: ['keyspace', 'dangerous'],
    since: '2.6.0',
    group: 'generic',
    summary: 'Atomically transfers a key from one Redis instance to another.',
    complexity:
      'This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.',
    tips: ['nondeterministic_output'],
    arguments: [
      { name: 'host', type: 'string' },
      { name: 'port', type: 'integer' },
      {
        name: 'key-selector',
        type: 'oneof',
        arguments: [
          { name: 'key', type: 'key', key_spec_index: 0 },
          { name: 'empty-string', type: 'pure-token', token: '' },
        ],
      },
      { name: 'destination-db', type: 'integer' },
      { name: 'timeout', type: 'integer' },
      { name: 'copy', type: 'pure-token', token: 'COPY', since: '3.0.0', optional: true },
      { name: 'replace', type: 'pure-token', token: 'REPLACE', since: '3.0.0', optional: true },
      {
        name: 'authentication',
        type: 'oneof',
        optional: true,
        arguments: [
          { name: 'auth', type: 'string', display_text: 'password', token: 'AUTH', since: '4.0.7' },
          {
            name: 'auth2',
            type: 'block',
            token: 'AUTH2',
            since: '6.0.0',
            arguments: [
              { name: 'username', type: 'string' },
              { name: 'password', type: 'string' },
            ],
          },
        ],
      },
      {
        name: 'keys',
        type: 'key',
        display_text: 'key',
        key_spec_index: 1,
        token: 'KEYS',
        since: '3.0.6',
        optional: true,
        multiple: true,
      },
    ],
    history: [
      ['3.0.0', 'Added the `COPY` and `REPLACE` options.'],
      ['3.0.6', 'Added the `KEYS` option.'],
      ['4.0.7', 'Added the `AUTH` option.'],
      ['6.0.0', 'Added the `AUTH2` option.'],
    ],
    handler: migrate,
  },
];
