/**
 * A command is one row of its family's table and one handler. Everything that must know about commands reads the
 * table: dispatch, COMMAND and COMMAND DOCS, ACL, propagation, the documents.
 *
 *   export const HASH_COMMANDS = [
 *     { name: 'hget', arity: 3, flags: ['readonly', 'fast'], keys: [1, 1, 1], acl: ['hash'], since: '2.0.0',
 *       group: 'hash', summary: '...', complexity: 'O(1)', handler: hget },
 *   ] as const satisfies CommandSpec[];
 */
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';

export type Handler = (c: Context, a: Args) => void;

/** The flags of COMMAND INFO that are stated by hand; `@`-categories `read`, `write`, `fast`, `slow`... derive from them. */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'asking'
  | 'fast'
  | 'no_auth'
  | 'may_replicate'
  | 'no_mandatory_keys'
  | 'no_async_loading'
  | 'no_multi'
  | 'movablekeys'
  | 'allow_busy';

/** COMMAND INFO's key specification, in Redis's own terms (only needed where `keys` does not tell all). */
export interface KeySpec {
  /** Shown by COMMAND INFO. */
  notes?: string;
  flags: string[];
  /** `['index', 1]` or `['keyword', 'STREAMS', 1]`: where the search for keys begins. */
  begin: ['index', number] | ['keyword', string, number] | ['unknown'];
  /** `['range', lastKey, step, limit]` or `['keynum', keyNumIndex, firstKey, step]`. */
  find: ['range', number, number, number] | ['keynum', number, number, number] | ['unknown'];
}

export interface CommandSpec {
  /** Lower case. A subcommand's row has the name of its own alone: `get` under `config`. */
  name: string;
  /** Number of arguments, the name included (and the container's name); negative: at least that many. */
  arity: number;
  flags: readonly CommandFlag[];
  /** First key, last key (negative: counted from the end), step; [0, 0, 0] without keys. */
  keys: readonly [number, number, number];
  keySpecs?: readonly KeySpec[];
  /** Indices of the keys, where `keys` and `keySpecs` cannot tell; with flags where they are not those of the first one. */
  getKeys?: (a: Args) => readonly (number | { index: number; flags: readonly string[] })[];
  /** The channels it publishes to or subscribes to, and whether they are patterns: first and last argument (-1: the last). */
  channels?: readonly ['name' | 'pattern', number, number];
  /** ACL categories without `@` beyond those that derive from flags: keyspace, string, list, dangerous, ... */
  acl: readonly string[];
  since: string;
  group: string;
  summary: string;
  /** Empty where the documentation tells none. */
  complexity: string;
  /** COMMAND DOCS' arguments, in the shape of Redis's command JSON. */
  arguments?: readonly object[];
  /** COMMAND INFO's tips, e.g. `nondeterministic_output`. */
  tips?: readonly string[];
  /** [version, what changed] for COMMAND DOCS. */
  history?: readonly (readonly [string, string])[];
  /** `deprecated` and friends for COMMAND DOCS. */
  docFlags?: readonly string[];
  deprecatedSince?: string;
  replacedBy?: string;
  /** Indices of arguments that the slow log and MONITOR must not show: passwords and the like. */
  secrets?: (a: Args, c: Context) => readonly number[];
  subcommands?: readonly CommandSpec[];
  /** Absent on a container whose subcommands have them. */
  handler?: Handler;
}
