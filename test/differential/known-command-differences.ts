/** Where our COMMAND table differs from the oracle's (redis-server 7.0.15) because it should. */

export interface KnownDifference {
  command: string;
  property: 'arity' | 'flags' | 'keys' | 'acl' | 'tips' | 'key specs' | 'doc_flags';
  reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { command: 'zrank', property: 'arity', reason: '7.2 has WITHSCORE' },
  { command: 'zrevrank', property: 'arity', reason: '7.2 has WITHSCORE' },
  { command: 'setnx', property: 'doc_flags', reason: '7.2 says deprecated' },
  { command: 'setex', property: 'doc_flags', reason: '7.2 says deprecated' },
  { command: 'psetex', property: 'doc_flags', reason: '7.2 says deprecated' },
  { command: 'quit', property: 'doc_flags', reason: '7.2 says deprecated' },
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
];
