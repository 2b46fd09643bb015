/** Where our COMMAND table differs from the oracle's (redis-server 7.0.15) because it should. */

/** Of COMMAND INFO and of COMMAND DOCS. */
type Property =
  | ('arity' | 'flags' | 'keys' | 'acl' | 'tips' | 'key specs')
  | ('complexity' | 'doc_flags' | 'deprecated_since' | 'replaced_by' | 'history' | 'arguments');

export interface KnownDifference {
  command: string;
  property: Property;
  reason: string;
}

function differ(commands: readonly string[], property: Property, reason: string): KnownDifference[] {
  return commands.map((command) => ({ command, property, reason }));
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { command: 'zrank', property: 'arity', reason: '7.2 has WITHSCORE' },
  { command: 'zrevrank', property: 'arity', reason: '7.2 has WITHSCORE' },
  { command: 'command|getkeys', property: 'arity', reason: '7.2 takes a command without arguments' },
  { command: 'command|getkeysandflags', property: 'arity', reason: '7.2 takes a command without arguments' },
  { command: 'config|resetstat', property: 'tips', reason: '7.2 has them' },
  { command: 'config|rewrite', property: 'tips', reason: '7.2 has them' },
  { command: 'client|setname', property: 'tips', reason: '7.2 has them' },
  ...['blpop', 'brpop', 'blmove', 'brpoplpush', 'bzpopmin', 'bzpopmax', 'wait'].map(
    (command) => ({ command, property: 'flags', reason: '7.2 allows it in scripts' }) as const,
  ),
  { command: 'acl|deluser', property: 'tips', reason: '7.2 has them' },
  { command: 'acl|save', property: 'tips', reason: '7.2 has them' },
  { command: 'acl|setuser', property: 'tips', reason: '7.2 has them' },
  ...differ(['setnx', 'setex', 'psetex', 'quit'], 'doc_flags', '7.2 says deprecated'),
  ...differ(['setnx', 'setex', 'psetex', 'quit'], 'deprecated_since', '7.2 says deprecated'),
  ...differ(['setnx', 'setex', 'psetex', 'quit'], 'replaced_by', '7.2 says deprecated'),
  ...differ(['acl|log', 'xinfo|consumers', 'xinfo|stream', 'zrank', 'zrevrank'], 'history', '7.2 has more to tell'),
  ...differ(
    [
      'cluster|getkeysinslot',
      'cluster|replicas',
      'cluster|slaves',
      'geodist',
      'geohash',
      'geopos',
      'psubscribe',
      'punsubscribe',
      'sunsubscribe',
      'unsubscribe',
      'xread',
      'zrandmember',
    ],
    'complexity',
    '7.2 says otherwise',
  ),
  ...differ(
    [
      'acl|cat',
      'bitcount',
      'bitfield',
      'bitfield_ro',
      'bitop',
      'bitpos',
      'client|kill',
      'client|list',
      'client|reply',
      'client|unblock',
      'cluster|addslotsrange',
      'cluster|delslotsrange',
      'cluster|meet',
      'cluster|reset',
      'cluster|setslot',
      'command|getkeys',
      'command|getkeysandflags',
      'config|get',
      'config|set',
      'flushall',
      'flushdb',
      'geoadd',
      'georadius',
      'georadius_ro',
      'georadiusbymember',
      'georadiusbymember_ro',
      'geosearch',
      'geosearchstore',
      'hello',
      'hmset',
      'hset',
      'lcs',
      'migrate',
      'mset',
      'msetnx',
      'psubscribe',
      'shutdown',
      'sort',
      'sort_ro',
      'xadd',
      'xclaim',
      'xgroup|create',
      'xgroup|createconsumer',
      'xgroup|delconsumer',
      'xgroup|destroy',
      'xgroup|setid',
      'xinfo|consumers',
      'xinfo|stream',
      'xreadgroup',
      'xsetid',
      'zadd',
      'zrange',
      'zrangebylex',
      'zrangebyscore',
      'zrangestore',
      'zrank',
      'zrevrangebylex',
      'zrevrangebyscore',
      'zrevrank',
    ],
    'arguments',
    '7.2 names the parts otherwise, or has more of them',
  ),
  ...differ(['cluster|shards', 'cluster|slots'], 'flags', '7.2 answers while it loads'),
];
