/** CLUSTER, READONLY, READWRITE and ASKING, as a server that is no part of a cluster answers them. */
import { CommandError } from '../base/errors.js';
import type { CommandFlag, CommandSpec } from './spec.js';

const DISABLED = new CommandError('ERR This instance has cluster support disabled');

function disabled(): never {
  throw DISABLED;
}

const READS: readonly CommandFlag[] = ['stale'];
const ADMIN: readonly CommandFlag[] = ['admin', 'stale'];
const CHANGES: readonly CommandFlag[] = ['admin', 'stale', 'no_async_loading'];
const VARYING = ['nondeterministic_output'];
const PER_SLOT = 'O(N) where N is the total number of hash slot arguments';
const PER_RANGE = 'O(N) where N is the total number of the slots between the start slot and end slot arguments.';
const PER_NODE = 'O(N) where N is the total number of Cluster nodes';

const SLOT = { name: 'slot', type: 'integer' };
const NODE_ID = { name: 'node-id', type: 'string' };
const RANGES = {
  name: 'range',
  type: 'block',
  multiple: true,
  arguments: [
    { name: 'start-slot', type: 'integer' },
    { name: 'end-slot', type: 'integer' },
  ],
};

function token(name: string): object {
  return { name, type: 'pure-token', token: name.toUpperCase() };
}
function nodeAfter(name: string): object {
  return { name, type: 'string', display_text: 'node-id', token: name.toUpperCase() };
}

function sub(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  summary: string,
  complexity = 'O(1)',
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: [], since: '3.0.0', group: 'cluster', handler: disabled };
  return { name, arity, flags, summary, complexity, ...fixed, ...rest };
}

const SUBCOMMANDS: readonly CommandSpec[] = [
  sub('addslots', -3, CHANGES, 'Assigns new hash slots to a node.', PER_SLOT, {
    arguments: [{ ...SLOT, multiple: true }],
  }),
  sub('addslotsrange', -4, CHANGES, 'Assigns new hash slot ranges to a node.', PER_RANGE, {
    since: '7.0.0',
    arguments: [RANGES],
  }),
  sub('bumpepoch', 2, CHANGES, 'Advances the cluster config epoch.', 'O(1)', { tips: VARYING }),
  sub(
    'count-failure-reports',
    3,
    ADMIN,
    'Returns the number of active failure reports active for a node.',
    'O(N) where N is the number of failure reports',
    { tips: VARYING, arguments: [NODE_ID] },
  ),
  sub('countkeysinslot', 3, READS, 'Returns the number of keys in a hash slot.', 'O(1)', { arguments: [SLOT] }),
  sub('delslots', -3, CHANGES, 'Sets hash slots as unbound for a node.', PER_SLOT, {
    arguments: [{ ...SLOT, multiple: true }],
  }),
  sub('delslotsrange', -4, CHANGES, 'Sets hash slot ranges as unbound for a node.', PER_RANGE, {
    since: '7.0.0',
    arguments: [RANGES],
  }),
  sub('failover', -2, CHANGES, 'Forces a replica to perform a manual failover of its master.', 'O(1)', {
    arguments: [{ name: 'options', type: 'oneof', optional: true, arguments: [token('force'), token('takeover')] }],
  }),
  sub('flushslots', 2, CHANGES, 'Deletes all slots information from a node.'),
  sub('forget', 3, CHANGES, 'Removes a node from the nodes table.', 'O(1)', { arguments: [NODE_ID] }),
  sub(
    'getkeysinslot',
    4,
    READS,
    'Returns the key names in a hash slot.',
    'O(N) where N is the number of requested keys',
    { tips: VARYING, arguments: [SLOT, { name: 'count', type: 'integer' }] },
  ),
  sub('help', 2, ['loading', 'stale'], 'Returns helpful text about the different subcommands.', 'O(1)', {
    since: '5.0.0',
  }),
  sub('info', 2, READS, 'Returns information about the state of a node.', 'O(1)', { tips: VARYING }),
  sub('keyslot', 3, READS, 'Returns the hash slot for a key.', 'O(N) where N is the number of bytes in the key', {
    arguments: [{ name: 'key', type: 'string' }],
  }),
  sub('links', 2, READS, 'Returns a list of all TCP links to and from peer nodes.', PER_NODE, {
    since: '7.0.0',
    tips: VARYING,
  }),
  sub('meet', -4, CHANGES, 'Forces a node to handshake with another node.', 'O(1)', {
    history: [['4.0.0', 'Added the optional `cluster_bus_port` argument.']],
    arguments: [
      { name: 'ip', type: 'string' },
      { name: 'port', type: 'integer' },
      { name: 'cluster-bus-port', type: 'integer', display_text: 'cluster_bus_port', since: '4.0.0', optional: true },
    ],
  }),
  sub('myid', 2, READS, 'Returns the ID of a node.'),
  sub('myshardid', 2, READS, 'Returns the shard ID of a node.', 'O(1)', { since: '7.2.0', tips: VARYING }),
  sub('nodes', 2, READS, 'Returns the cluster configuration for a node.', PER_NODE, { tips: VARYING }),
  sub('replicas', 3, ADMIN, 'Lists the replica nodes of a master node.', 'O(N) where N is the number of replicas.', {
    since: '5.0.0',
    tips: VARYING,
    arguments: [NODE_ID],
  }),
  sub('replicate', 3, CHANGES, 'Configure a node as replica of a master node.', 'O(1)', { arguments: [NODE_ID] }),
  sub(
    'reset',
    -2,
    ['admin', 'noscript', 'stale'],
    'Resets a node.',
    'O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.',
    { arguments: [{ name: 'reset-type', type: 'oneof', optional: true, arguments: [token('hard'), token('soft')] }] },
  ),
  sub('saveconfig', 2, CHANGES, 'Forces a node to save the cluster configuration to disk.'),
  sub('set-config-epoch', 3, CHANGES, 'Sets the configuration epoch for a new node.', 'O(1)', {
    arguments: [{ name: 'config-epoch', type: 'integer' }],
  }),
  sub('setslot', -4, CHANGES, 'Binds a hash slot to a node.', 'O(1)', {
    arguments: [
      SLOT,
      {
        name: 'subcommand',
        type: 'oneof',
        arguments: [nodeAfter('importing'), nodeAfter('migrating'), nodeAfter('node'), token('stable')],
      },
    ],
  }),
  sub(
    'shards',
    2,
    ['loading', 'stale'],
    'Returns the mapping of cluster slots to shards.',
    'O(N) where N is the total number of cluster nodes',
    { since: '7.0.0', tips: VARYING },
  ),
  sub('slaves', 3, ADMIN, 'Lists the replica nodes of a master node.', 'O(N) where N is the number of replicas.', {
    tips: VARYING,
    arguments: [NODE_ID],
    docFlags: ['deprecated'],
    deprecatedSince: '5.0.0',
    replacedBy: '`CLUSTER REPLICAS`',
  }),
  sub('slots', 2, ['loading', 'stale'], 'Returns the mapping of cluster slots to nodes.', PER_NODE, {
    tips: VARYING,
    history: [
      ['4.0.0', 'Added node IDs.'],
      ['7.0.0', 'Added additional networking metadata field.'],
    ],
    docFlags: ['deprecated'],
    deprecatedSince: '7.0.0',
    replacedBy: '`CLUSTER SHARDS`',
  }),
];

function row(name: string, flags: readonly CommandFlag[], summary: string): CommandSpec {
  return sub(name, 1, flags, summary, 'O(1)', { acl: ['connection'] });
}

export const CLUSTER_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'cluster',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '3.0.0',
    group: 'cluster',
    summary: 'A container for Redis Cluster commands.',
    complexity: 'Depends on subcommand.',
    subcommands: SUBCOMMANDS,
  },
  row('asking', ['fast'], 'Signals that a cluster client is following an -ASK redirect.'),
  row(
    'readonly',
    ['loading', 'stale', 'fast'],
    'Enables read-only queries for a connection to a Redis Cluster replica node.',
  ),
  row(
    'readwrite',
    ['loading', 'stale', 'fast'],
    'Enables read-write queries for a connection to a Redis Cluster replica node.',
  ),
];
