/** All families of commands. */
import { ACL_COMMANDS } from './acl.js';
import { BIT_COMMANDS } from './bits.js';
import { CLIENT_COMMANDS } from './client.js';
import { CLUSTER_COMMANDS } from './cluster.js';
import { COMMAND_COMMANDS } from './command.js';
import { CONFIG_COMMANDS } from './config.js';
import { CONNECTION_COMMANDS } from './connection.js';
import { DEBUG_COMMANDS } from './debug.js';
import { DUMP_COMMANDS } from './dump.js';
import { EXPIRE_COMMANDS } from './expire.js';
import { GEO_COMMANDS } from './geo-rows.js';
import { HASH_COMMANDS } from './hash.js';
import { HYPERLOGLOG_COMMANDS } from './hyperloglog.js';
import { KEY_COMMANDS } from './keys.js';
import { LATENCY_COMMANDS } from './latency.js';
import { LIST_COMMANDS } from './list.js';
import { LOLWUT_COMMANDS } from './lolwut.js';
import { MEMORY_COMMANDS } from './memory.js';
import { MIGRATE_COMMANDS } from './migrate.js';
import { MODULE_COMMANDS } from './module.js';
import { MONITOR_COMMANDS } from './monitor.js';
import { PUBSUB_COMMANDS } from './pubsub.js';
import { SAVE_COMMANDS } from './save.js';
import { SERVER_COMMANDS } from './server.js';
import { SET_COMMANDS } from './set.js';
import { SLOWLOG_COMMANDS } from './slowlog.js';
import { SORT_COMMANDS } from './sort.js';
import type { CommandSpec } from './spec.js';
import { STREAM_COMMANDS } from './stream.js';
import { STRING_COMMANDS } from './string.js';
import { TRANSACTION_COMMANDS } from './transactions.js';
import { ZSET_COMMANDS } from './zset.js';

export const FAMILIES: readonly (readonly CommandSpec[])[] = [
  CONNECTION_COMMANDS,
  CLIENT_COMMANDS,
  COMMAND_COMMANDS,
  ACL_COMMANDS,
  CONFIG_COMMANDS,
  TRANSACTION_COMMANDS,
  PUBSUB_COMMANDS,
  SERVER_COMMANDS,
  SAVE_COMMANDS,
  MEMORY_COMMANDS,
  MONITOR_COMMANDS,
  MODULE_COMMANDS,
  CLUSTER_COMMANDS,
  LOLWUT_COMMANDS,
  SLOWLOG_COMMANDS,
  LATENCY_COMMANDS,
  DEBUG_COMMANDS,
  STRING_COMMANDS,
  BIT_COMMANDS,
  HYPERLOGLOG_COMMANDS,
  KEY_COMMANDS,
  SORT_COMMANDS,
  DUMP_COMMANDS,
  MIGRATE_COMMANDS,
  EXPIRE_COMMANDS,
  LIST_COMMANDS,
  HASH_COMMANDS,
  SET_COMMANDS,
  ZSET_COMMANDS,
  STREAM_COMMANDS,
  GEO_COMMANDS,
];
