/** Rows of the hash commands that deal with fields which expire. Handlers: hash-expire.ts, hash-ex.ts. */
import { hgetdel, hgetex, hsetex } from './hash-ex.js';
import { hexpireCommand, hpersist, httlCommand } from './hash-expire.js';
import { KEY_ARG, keySpec, VALUE_ARG } from './rows.js';
import type { CommandSpec, Handler } from './spec.js';

const HASH = { acl: ['hash'], group: 'hash', keys: [1, 1, 1], complexity: 'O(N) for N fields.' } as const;

const NUMFIELDS = { name: 'numfields', type: 'integer' };
const FIELD = { name: 'field', type: 'string' };
const FIELDS = {
  name: 'fields',
  token: 'FIELDS',
  type: 'block',
  arguments: [NUMFIELDS, { ...FIELD, multiple: true }],
};
const PAIRS = {
  ...FIELDS,
  arguments: [NUMFIELDS, { name: 'data', type: 'block', multiple: true, arguments: [FIELD, VALUE_ARG] }],
};

function token(name: string): object {
  return { name: name.toLowerCase(), type: 'pure-token', token: name };
}
function oneOf(name: string, ...choices: object[]): object {
  return { name, type: 'oneof', optional: true, arguments: choices };
}
const CONDITION = oneOf('condition', ...['NX', 'XX', 'GT', 'LT'].map(token));
const MOMENTS = [
  { name: 'seconds', type: 'integer', token: 'EX' },
  { name: 'milliseconds', type: 'integer', token: 'PX' },
  { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' },
  { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' },
];

function expireRow(name: string, time: string, type: string, summary: string, handler: Handler): CommandSpec {
  return {
    ...HASH,
    name,
    arity: -6,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '7.4.0',
    summary,
    arguments: [KEY_ARG, { name: time, type }, CONDITION, FIELDS],
    handler,
  };
}

function ttlRow(name: string, summary: string, handler: Handler, varies: boolean): CommandSpec {
  return {
    ...HASH,
    name,
    arity: -5,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '7.4.0',
    summary,
    arguments: [KEY_ARG, FIELDS],
    ...(varies ? { tips: ['nondeterministic_output'] } : {}),
    handler,
  };
}

export const HASH_EXPIRE_COMMANDS: readonly CommandSpec[] = [
  expireRow(
    'hexpire',
    'seconds',
    'integer',
    'Lets fields of a hash expire after a number of seconds.',
    hexpireCommand('hexpire', true, true),
  ),
  expireRow(
    'hpexpire',
    'milliseconds',
    'integer',
    'Lets fields of a hash expire after a number of milliseconds.',
    hexpireCommand('hpexpire', false, true),
  ),
  expireRow(
    'hexpireat',
    'unix-time-seconds',
    'unix-time',
    'Lets fields of a hash expire at a Unix time in seconds.',
    hexpireCommand('hexpireat', true, false),
  ),
  expireRow(
    'hpexpireat',
    'unix-time-milliseconds',
    'unix-time',
    'Lets fields of a hash expire at a Unix time in milliseconds.',
    hexpireCommand('hpexpireat', false, false),
  ),
  ttlRow('httl', 'Tells how many seconds fields of a hash have left to live.', httlCommand('httl', true, true), true),
  ttlRow(
    'hpttl',
    'Tells how many milliseconds fields of a hash have left to live.',
    httlCommand('hpttl', false, true),
    true,
  ),
  ttlRow(
    'hexpiretime',
    'Tells at which Unix time in seconds fields of a hash expire.',
    httlCommand('hexpiretime', true, false),
    false,
  ),
  ttlRow(
    'hpexpiretime',
    'Tells at which Unix time in milliseconds fields of a hash expire.',
    httlCommand('hpexpiretime', false, false),
    false,
  ),
  {
    ...HASH,
    name: 'hpersist',
    arity: -5,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '7.4.0',
    summary: 'Takes the expiry away from fields of a hash.',
    arguments: [KEY_ARG, FIELDS],
    handler: hpersist,
  },
  {
    ...HASH,
    name: 'hgetdel',
    arity: -5,
    flags: ['write', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'access', 'delete')],
    since: '8.0.0',
    summary: 'Returns the values of fields of a hash and deletes the fields.',
    arguments: [KEY_ARG, FIELDS],
    handler: hgetdel,
  },
  {
    ...HASH,
    name: 'hgetex',
    arity: -5,
    flags: ['write', 'fast'],
    keySpecs: [{ ...keySpec(1, 'RW', 'access', 'update'), notes: 'RW and UPDATE because it changes the TTL' }],
    since: '8.0.0',
    summary: 'Returns the values of fields of a hash and may set when the fields expire.',
    arguments: [KEY_ARG, oneOf('expiration', ...MOMENTS, token('PERSIST')), FIELDS],
    handler: hgetex,
  },
  {
    ...HASH,
    name: 'hsetex',
    arity: -6,
    flags: ['write', 'denyoom', 'fast'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '8.0.0',
    summary: 'Sets fields of a hash and may set when they expire.',
    arguments: [
      KEY_ARG,
      oneOf('condition', token('FNX'), token('FXX')),
      oneOf('expiration', ...MOMENTS, token('KEEPTTL')),
      PAIRS,
    ],
    handler: hsetex,
  },
];
