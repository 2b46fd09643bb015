/**
 * Times to live. Rows and handlers of EXPIRE, TTL, PERSIST and their relatives.
 *
 * What is propagated is always a moment, never a span: PEXPIREAT, or DEL when the moment has passed.
 */

import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { anyExpireTime, expireText, isPast, replyTime } from './expire-time.js';
import { lookupQuietly } from './lookup.js';
import { KEY_ARG, keySpec } from './rows.js';
import type { CommandSpec, Handler } from './spec.js';
import { quoted } from './text.js';

const NX_CONFLICT = new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible');
const GT_LT_CONFLICT = new CommandError('ERR GT and LT options at the same time are not compatible');

/** Bits of the conditions under which a time to live is set. */
export const ExpireCondition = { NX: 1, XX: 2, GT: 4, LT: 8 } as const;
const { NX, XX, GT, LT } = ExpireCondition;

function parseConditions(a: Args): number {
  let flags = 0;
  for (let i = 3; i < a.count; i++) {
    if (a.is(i, 'NX')) flags |= NX;
    else if (a.is(i, 'XX')) flags |= XX;
    else if (a.is(i, 'GT')) flags |= GT;
    else if (a.is(i, 'LT')) flags |= LT;
    else throw new CommandError(`ERR Unsupported option ${quoted(a, i, Infinity)}`);
  }
  if ((flags & NX) !== 0 && (flags & ~NX) !== 0) throw NX_CONFLICT;
  if ((flags & GT) !== 0 && (flags & LT) !== 0) throw GT_LT_CONFLICT;
  return flags;
}

/** Whether the conditions let what expires at `current` (NaN: never) expire at `atMs` instead. */
export function allows(flags: number, current: number, atMs: number): boolean {
  const never = Number.isNaN(current);
  if ((flags & NX) !== 0 && !never) return false;
  if ((flags & XX) !== 0 && never) return false;
  if ((flags & GT) !== 0 && (never || atMs <= current)) return false;
  return (flags & LT) === 0 || never || atMs < current;
}

function expireCommand(name: string, seconds: boolean, relative: boolean): Handler {
  return (c, a) => {
    const flags = parseConditions(a);
    const atMs = anyExpireTime(a, 2, seconds, relative ? c.now : 0, name);
    const entry = c.write(a, 1);
    if (entry === 0) return c.out.int(0);
    if (flags !== 0 && !allows(flags, c.db.expireAt(entry), atMs)) return c.out.int(0);
    if (isPast(c, atMs)) {
      const lazily = c.keyspace.lazyfree.expire;
      c.db.deleteEntry(entry, lazily);
      c.changed(a, 1, 'g', 'del');
      c.rewrite(lazily ? 'UNLINK' : 'DEL', a.bytes(1));
    } else {
      c.db.setExpire(entry, atMs);
      c.changed(a, 1, 'g', 'expire');
      if (name !== 'pexpireat') c.rewrite('PEXPIREAT', a.bytes(1), expireText(atMs), ...conditions(a));
    }
    c.out.int(1);
  };
}

function conditions(a: Args): Uint8Array[] {
  const rest: Uint8Array[] = [];
  for (let i = 3; i < a.count; i++) rest.push(a.bytes(i));
  return rest;
}

function ttlCommand(seconds: boolean, relative: boolean): Handler {
  return (c, a) => {
    const entry = lookupQuietly(c, a, 1);
    if (entry === 0) return c.out.int(-2);
    const atMs = c.db.expireAt(entry);
    if (Number.isNaN(atMs)) return c.out.int(-1);
    const ms = relative ? Math.max(0, atMs - c.now) : atMs;
    replyTime(c.out, seconds ? Math.floor((ms + 500) / 1000) : ms);
  };
}

function persist(c: Context, a: Args): void {
  const entry = c.write(a, 1);
  if (entry === 0 || Number.isNaN(c.db.expireAt(entry))) return c.out.int(0);
  c.db.setExpire(entry, Number.NaN);
  c.changed(a, 1, 'g', 'persist');
  c.out.int(1);
}

// --- rows ------------------------------------------------------------------------------------------------------------

const CONDITION = {
  name: 'condition',
  type: 'oneof',
  since: '7.0.0',
  optional: true,
  arguments: [
    { name: 'nx', type: 'pure-token', token: 'NX' },
    { name: 'xx', type: 'pure-token', token: 'XX' },
    { name: 'gt', type: 'pure-token', token: 'GT' },
    { name: 'lt', type: 'pure-token', token: 'LT' },
  ],
};
const CONDITIONS_CAME = [['7.0.0', 'Added options: `NX`, `XX`, `GT` and `LT`.']] as const;
const MISSING_CAME = [['2.8.0', 'Added the -2 reply.']] as const;

function expireRow(name: string, since: string, time: string, type: string, summary: string, handler: Handler) {
  return {
    name,
    arity: -3,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RW', 'update')],
    acl: ['keyspace'],
    since,
    group: 'generic',
    summary,
    complexity: 'O(1)',
    arguments: [KEY_ARG, { name: time, type }, CONDITION],
    history: CONDITIONS_CAME,
    handler,
  } satisfies CommandSpec;
}

function ttlRow(name: string, since: string, summary: string, handler: Handler, varies: boolean) {
  return {
    name,
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RO', 'access')],
    acl: ['keyspace'],
    since,
    group: 'generic',
    summary,
    complexity: 'O(1)',
    arguments: [KEY_ARG],
    ...(varies ? { tips: ['nondeterministic_output'], history: MISSING_CAME } : {}),
    handler,
  } satisfies CommandSpec;
}

export const EXPIRE_COMMANDS: readonly CommandSpec[] = [
  expireRow(
    'expire',
    '1.0.0',
    'seconds',
    'integer',
    'Sets the expiration time of a key in seconds.',
    expireCommand('expire', true, true),
  ),
  expireRow(
    'pexpire',
    '2.6.0',
    'milliseconds',
    'integer',
    'Sets the expiration time of a key in milliseconds.',
    expireCommand('pexpire', false, true),
  ),
  expireRow(
    'expireat',
    '1.2.0',
    'unix-time-seconds',
    'unix-time',
    'Sets the expiration time of a key to a Unix timestamp.',
    expireCommand('expireat', true, false),
  ),
  expireRow(
    'pexpireat',
    '2.6.0',
    'unix-time-milliseconds',
    'unix-time',
    'Sets the expiration time of a key to a Unix milliseconds timestamp.',
    expireCommand('pexpireat', false, false),
  ),
  ttlRow('ttl', '1.0.0', 'Returns the expiration time in seconds of a key.', ttlCommand(true, true), true),
  ttlRow('pttl', '2.6.0', 'Returns the expiration time in milliseconds of a key.', ttlCommand(false, true), true),
  ttlRow(
    'expiretime',
    '7.0.0',
    'Returns the expiration time of a key as a Unix timestamp.',
    ttlCommand(true, false),
    false,
  ),
  ttlRow(
    'pexpiretime',
    '7.0.0',
    'Returns the expiration time of a key as a Unix milliseconds timestamp.',
    ttlCommand(false, false),
    false,
  ),
  {
    name: 'persist',
    arity: 2,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    keySpecs: [keySpec(1, 'RW', 'update')],
    acl: ['keyspace'],
    since: '2.2.0',
    group: 'generic',
    summary: 'Removes the expiration time of a key.',
    complexity: 'O(1)',
    arguments: [KEY_ARG],
    handler: persist,
  },
];
