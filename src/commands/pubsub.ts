/**
 * Publish and subscribe: SUBSCRIBE and its kin, PUBLISH, SPUBLISH, PUBSUB.
 *
 * The answers to (UN)SUBSCRIBE are pushes, one for each channel: a client that has asked for no replies gets them all the
 * same. Inside of MULTI they make the reply to EXEC longer than it says, as in Redis.
 */
import { CommandError } from '../base/errors.js';
import { globMatch } from '../base/glob.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { badSubcommand, helpText } from './help.js';
import { serverOf, type TopicKind } from './services.js';
import { SessionFlag } from './session.js';
import type { CommandFlag, CommandSpec, Handler, KeySpec } from './spec.js';

const LISTENING: readonly CommandFlag[] = ['pubsub', 'noscript', 'loading', 'stale'];
const ASKING: readonly CommandFlag[] = ['pubsub', 'loading', 'stale'];

/** Shard channels are found by their slot, as keys are. */
function shardSpec(last: number): KeySpec {
  return { flags: ['not_key'], begin: ['index', 1], find: ['range', last, 1, 0] };
}

function row(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  since: string,
  summary: string,
  complexity: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: ['pubsub'], group: 'pubsub' };
  return { name, arity, flags, since, summary, complexity, handler, ...fixed, ...rest };
}

const CHANNELS_ARG = { name: 'channel', type: 'string', multiple: true };
const SHARD_CHANNELS_ARG = { name: 'shardchannel', type: 'string', multiple: true };
const PATTERN_ARG = { name: 'pattern', type: 'pattern' };

export const PUBSUB_COMMANDS: readonly CommandSpec[] = [
  row(
    'subscribe',
    -2,
    LISTENING,
    '2.0.0',
    'Listens for messages published to channels.',
    'O(N) where N is the number of channels to subscribe to.',
    (c, a) => subscribe(c, a, 'channel'),
    { channels: ['name', 1, -1], arguments: [CHANNELS_ARG] },
  ),
  row(
    'unsubscribe',
    -1,
    LISTENING,
    '2.0.0',
    'Stops listening to messages posted to channels.',
    'O(N) where N is the number of channels to unsubscribe.',
    (c, a) => unsubscribe(c, a, 'channel'),
    { arguments: [{ ...CHANNELS_ARG, optional: true }] },
  ),
  row(
    'psubscribe',
    -2,
    LISTENING,
    '2.0.0',
    'Listens for messages published to channels that match one or more patterns.',
    'O(N) where N is the number of patterns to subscribe to.',
    (c, a) => subscribe(c, a, 'pattern'),
    { channels: ['pattern', 1, -1], arguments: [{ ...PATTERN_ARG, multiple: true }] },
  ),
  row(
    'punsubscribe',
    -1,
    LISTENING,
    '2.0.0',
    'Stops listening to messages published to channels that match one or more patterns.',
    'O(N) where N is the number of patterns to unsubscribe.',
    (c, a) => unsubscribe(c, a, 'pattern'),
    { arguments: [{ ...PATTERN_ARG, optional: true, multiple: true }] },
  ),
  row(
    'ssubscribe',
    -2,
    LISTENING,
    '7.0.0',
    'Listens for messages published to shard channels.',
    'O(N) where N is the number of shard channels to subscribe to.',
    (c, a) => subscribe(c, a, 'shard'),
    { keys: [1, -1, 1], keySpecs: [shardSpec(-1)], channels: ['name', 1, -1], arguments: [SHARD_CHANNELS_ARG] },
  ),
  row(
    'sunsubscribe',
    -1,
    LISTENING,
    '7.0.0',
    'Stops listening to messages posted to shard channels.',
    'O(N) where N is the number of shard channels to unsubscribe.',
    (c, a) => unsubscribe(c, a, 'shard'),
    { keys: [1, -1, 1], keySpecs: [shardSpec(-1)], arguments: [{ ...SHARD_CHANNELS_ARG, optional: true }] },
  ),
  row(
    'publish',
    3,
    ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'],
    '2.0.0',
    'Posts a message to a channel.',
    'O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client).',
    (c, a) => publish(c, a, 'channel'),
    {
      channels: ['name', 1, 1],
      arguments: [
        { name: 'channel', type: 'string' },
        { name: 'message', type: 'string' },
      ],
    },
  ),
  row(
    'spublish',
    3,
    ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'],
    '7.0.0',
    'Post a message to a shard channel',
    'O(N) where N is the number of clients subscribed to the receiving shard channel.',
    (c, a) => publish(c, a, 'shard'),
    {
      keys: [1, 1, 1],
      keySpecs: [shardSpec(0)],
      channels: ['name', 1, 1],
      arguments: [
        { name: 'shardchannel', type: 'string' },
        { name: 'message', type: 'string' },
      ],
    },
  ),
  {
    name: 'pubsub',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '2.8.0',
    group: 'pubsub',
    summary: 'A container for Pub/Sub commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      row(
        'channels',
        -2,
        ASKING,
        '2.8.0',
        'Returns the active channels.',
        'O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels and patterns)',
        (c, a) => channels(c, a, 'channel'),
        { arguments: [{ ...PATTERN_ARG, optional: true }] },
      ),
      row('numpat', 2, ASKING, '2.8.0', 'Returns a count of unique pattern subscriptions.', 'O(1)', (c) =>
        c.out.int(serverOf(c).pubsub.size('pattern')),
      ),
      row(
        'numsub',
        -2,
        ASKING,
        '2.8.0',
        'Returns a count of subscribers to channels.',
        'O(N) for the NUMSUB subcommand, where N is the number of requested channels',
        (c, a) => numSub(c, a, 'channel'),
        { arguments: [{ ...CHANNELS_ARG, optional: true }] },
      ),
      row(
        'shardchannels',
        -2,
        ASKING,
        '7.0.0',
        'Returns the active shard channels.',
        'O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively short shard channels).',
        (c, a) => channels(c, a, 'shard'),
        { arguments: [{ ...PATTERN_ARG, optional: true }] },
      ),
      row(
        'shardnumsub',
        -2,
        ASKING,
        '7.0.0',
        'Returns the count of subscribers of shard channels.',
        'O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels',
        (c, a) => numSub(c, a, 'shard'),
        { arguments: [{ ...SHARD_CHANNELS_ARG, optional: true }] },
      ),
      row(
        'help',
        2,
        ['loading', 'stale'],
        '6.2.0',
        'Returns helpful text about the different subcommands.',
        'O(1)',
        (c) => helpText(c, 'PUBSUB', HELP),
        { acl: [] },
      ),
    ],
  },
];

// --- subscriptions -----------------------------------------------------------------------------------------------------

/** The word in a confirmation is the command's own name. */
const PREFIX: Record<TopicKind, string> = { channel: '', pattern: 'p', shard: 's' };

function confirm(c: Context, kind: TopicKind, verb: string, name: Uint8Array | null): void {
  const server = serverOf(c);
  const count = server.pubsub.countOf(server.session, kind);
  server.pushReply((out) => {
    out.push(3);
    out.bulkText(PREFIX[kind] + verb, true);
    if (name === null) out.nil();
    else out.bulk(name);
    out.int(count);
  });
}

const NOT_INSIDE = new CommandError("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

function subscribe(c: Context, a: Args, kind: TopicKind): void {
  const { pubsub, session } = serverOf(c);
  // The older two are allowed there only because clients rely on it.
  if (kind === 'shard' && session.has(SessionFlag.MULTI)) throw NOT_INSIDE;
  for (let i = 1; i < a.count; i++) {
    pubsub.subscribe(session, kind, a.bytes(i));
    confirm(c, kind, 'subscribe', a.bytes(i));
  }
}

function unsubscribe(c: Context, a: Args, kind: TopicKind): void {
  const { pubsub, session } = serverOf(c);
  const names =
    a.count > 1 ? Array.from({ length: a.count - 1 }, (_, i) => a.bytes(i + 1)) : pubsub.namesOf(session, kind);
  for (const name of names) {
    pubsub.unsubscribe(session, kind, name);
    confirm(c, kind, 'unsubscribe', name);
  }
  if (names.length === 0) confirm(c, kind, 'unsubscribe', null);
}

// --- messages ------------------------------------------------------------------------------------------------------------

function publish(c: Context, a: Args, kind: 'channel' | 'shard'): void {
  c.out.int(serverOf(c).pubsub.publish(kind, a.bytes(1), a.bytes(2)));
}

// --- PUBSUB --------------------------------------------------------------------------------------------------------------

function channels(c: Context, a: Args, kind: TopicKind): void {
  if (a.count > 3) throw badSubcommand(a);
  const active = serverOf(c).pubsub.active(kind);
  const found = a.count === 2 ? active : active.filter((name) => globMatch(a.bytes(2), name));
  c.out.array(found.length);
  for (const name of found) c.out.bulk(name);
}

function numSub(c: Context, a: Args, kind: TopicKind): void {
  const { pubsub } = serverOf(c);
  c.out.array((a.count - 2) * 2);
  for (let i = 2; i < a.count; i++) {
    c.out.bulk(a.bytes(i));
    c.out.int(pubsub.subscribers(kind, a.bytes(i)));
  }
}

const HELP = [
  'CHANNELS [<pattern>]',
  "    Return the currently active channels matching a <pattern> (default: '*').",
  'NUMPAT',
  '    Return number of subscriptions to patterns.',
  'NUMSUB [<channel> ...]',
  '    Return the number of subscribers for the specified channels, excluding',
  '    pattern subscriptions(default: no channels).',
  'SHARDCHANNELS [<pattern>]',
  "    Return the currently active shard level channels matching a <pattern> (default: '*').",
  'SHARDNUMSUB [<shardchannel> ...]',
  '    Return the number of subscribers for the specified shard level channel(s)',
];
