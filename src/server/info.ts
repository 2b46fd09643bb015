/** INFO: its sections, in Redis's order, with Redis's field names. */
import { cpus, machine, type as osType, release, totalmem } from 'node:os';
import { ONGGI_VERSION, REDIS_VERSION } from '../base/version.js';
import type { Command } from '../commands/table.js';
import { persistenceInfo } from '../persistence/persistence-info.js';
import { memoryFigures, ratio } from './memory-report.js';
import { processMemory } from './process-memory.js';
import type { Server } from './server.js';

type Field = readonly [name: string, value: string | number];

/** In the order in which they are printed, whatever order they are asked in. */
const SECTIONS: readonly (readonly [name: string, title: string, write: (server: Server) => readonly Field[]])[] = [
  ['server', 'Server', serverSection],
  ['clients', 'Clients', clientsSection],
  ['memory', 'Memory', memorySection],
  ['persistence', 'Persistence', (server) => persistenceInfo(server.persistence, server.clock.now())],
  ['stats', 'Stats', statsSection],
  ['replication', 'Replication', replicationSection],
  ['cpu', 'CPU', cpuSection],
  ['modules', 'Modules', () => []],
  ['commandstats', 'Commandstats', commandStats],
  ['errorstats', 'Errorstats', errorStats],
  ['latencystats', 'Latencystats', latencyStats],
  ['cluster', 'Cluster', () => [['cluster_enabled', 0]]],
  ['keyspace', 'Keyspace', keyspaceSection],
];
/** Does not change, and is slow to ask for. */
const CPUS = cpus().length;

const NOT_BY_DEFAULT = new Set(['commandstats', 'latencystats']);

/** The text of INFO for the sections asked for, in lower case; none: the default ones. */
export function infoText(server: Server, asked: readonly string[]): string {
  const wanted = new Set(asked);
  const everything = wanted.has('all') || wanted.has('everything');
  const byDefault = wanted.size === 0 || wanted.has('default');
  let text = '';
  for (const [name, title, write] of SECTIONS) {
    if (!everything && !wanted.has(name) && !(byDefault && !NOT_BY_DEFAULT.has(name))) continue;
    if (text !== '') text += '\r\n';
    text += `# ${title}\r\n`;
    for (const [field, value] of write(server)) text += `${field}:${value}\r\n`;
  }
  return text;
}

/** `943.09K`, as INFO's `_human` fields. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)}B`;
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(2)}${UNITS[unit]}`;
}
const UNITS = ['K', 'M', 'G', 'T', 'P'];

function serverSection(server: Server): Field[] {
  const { config, clock } = server;
  const uptime = Math.floor((clock.now() - server.startedMs) / 1000);
  const fields: Field[] = [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', server.runId.slice(0, 16)],
    ['redis_mode', 'standalone'],
    ['os', `${osType()} ${release()} ${machine()}`],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'epoll'],
    ['atomicvar_api', 'c11-builtin'],
    ['gcc_version', '0.0.0'],
    ['onggi_version', ONGGI_VERSION],
    ['node_version', process.versions.node],
    ['process_id', process.pid],
    ['process_supervised', config.values.supervised],
    ['run_id', server.runId],
    ['tcp_port', server.port],
    ['server_time_usec', server.microseconds()],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86400)],
    ['hz', config.values.hz],
    ['configured_hz', config.values.hz],
    ['lru_clock', Math.floor(clock.now() / 1000) & 0xffffff],
    ['executable', process.argv[1] ?? process.execPath],
    ['config_file', config.file ?? ''],
    ['io_threads_active', 0],
  ];
  server.listeners().forEach((text, i) => {
    fields.push([`listener${i}`, text]);
  });
  return fields;
}

function clientsSection(server: Server): Field[] {
  let inputMax = 0;
  let outputMax = 0;
  for (const client of server.clients.list()) {
    inputMax = Math.max(inputMax, client.parser.keptCapacity);
    outputMax = Math.max(outputMax, client.outputBytes);
  }
  return [
    ['connected_clients', server.clients.size],
    ['cluster_connections', 0],
    ['maxclients', server.config.values.maxclients],
    ['client_recent_max_input_buffer', inputMax],
    ['client_recent_max_output_buffer', outputMax],
    ['blocked_clients', server.clients.waiting.count],
    ['tracking_clients', server.tracking.clients],
    ['pubsub_clients', server.pubsub.clients],
    ['clients_in_timeout_table', server.clients.waiting.timed],
    ['total_blocking_keys', server.clients.waiting.keys.keys],
    ['total_blocking_keys_on_nokey', server.clients.waiting.keys.keysOnNoKey],
    ['paused_reason', server.pause.kind === null ? 'none' : 'client_pause'],
    ['paused_actions', server.pause.kind ?? 'none'],
    ['paused_timeout_milliseconds', Math.ceil(server.pause.leftMs)],
  ];
}

function memorySection(server: Server): Field[] {
  const { config } = server;
  const { arena, discarded } = server.keyspace;
  const m = memoryFigures(server);
  const { rss, peak } = m;
  const maxmemory = Number(config.values.maxmemory);
  return [
    ['used_memory', m.used],
    ['used_memory_human', humanBytes(m.used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', humanBytes(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', humanBytes(peak)],
    ['used_memory_peak_perc', `${((m.used / peak) * 100).toFixed(2)}%`],
    ['used_memory_overhead', m.overhead],
    ['used_memory_startup', m.startup],
    ['used_memory_dataset', m.dataset],
    ['used_memory_dataset_perc', `${m.datasetPercent.toFixed(2)}%`],
    ['allocator_allocated', m.allocated],
    ['allocator_active', m.active],
    ['allocator_resident', m.resident],
    ['total_system_memory', totalmem()],
    ['total_system_memory_human', humanBytes(totalmem())],
    ['used_memory_lua', 0],
    ['used_memory_vm_eval', 0],
    ['used_memory_lua_human', '0B'],
    ['used_memory_scripts_eval', 0],
    ['number_of_cached_scripts', 0],
    ['number_of_functions', 0],
    ['number_of_libraries', 0],
    ['used_memory_vm_functions', 0],
    ['used_memory_vm_total', 0],
    ['used_memory_vm_total_human', '0B'],
    ['used_memory_functions', 0],
    ['used_memory_scripts', 0],
    ['used_memory_scripts_human', '0B'],
    ['maxmemory', maxmemory],
    ['maxmemory_human', humanBytes(maxmemory)],
    ['maxmemory_policy', config.values['maxmemory-policy']],
    ['allocator_frag_ratio', decimals(m.active, m.allocated)],
    ['allocator_frag_bytes', m.active - m.allocated],
    ['allocator_rss_ratio', decimals(m.resident, m.active)],
    ['allocator_rss_bytes', m.resident - m.active],
    ['rss_overhead_ratio', decimals(rss, m.resident)],
    ['rss_overhead_bytes', rss - m.resident],
    ['mem_fragmentation_ratio', decimals(rss, m.used)],
    ['mem_fragmentation_bytes', rss - m.used],
    ['mem_not_counted_for_evict', m.used - m.counted],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_clients_slaves', m.replicas],
    ['mem_clients_normal', m.clients],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', m.log],
    ['mem_allocator', 'arena'],
    ['arena_segments', arena.stats().segments],
    ['arena_waiting_bytes', arena.bytesDeferred],
    ['js_heap_used', processMemory().heapUsed],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', discarded.pendingObjects],
    ['lazyfreed_objects', discarded.freedObjects],
  ];
}

function decimals(a: number, b: number): string {
  return ratio(a, b).toFixed(2);
}

function statsSection(server: Server): Field[] {
  const { statistics: s, keyspace, eventLoop: loop } = server;
  const denials = server.access.denials.counts;
  return [
    ['total_connections_received', s.connections],
    ['total_commands_processed', s.commands],
    ['instantaneous_ops_per_sec', Math.round(s.opsRate.perSecond)],
    ['total_net_input_bytes', s.netInputBytes],
    ['total_net_output_bytes', s.netOutputBytes + server.clients.bytesWritten],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', (s.inputRate.perSecond / 1024).toFixed(2)],
    ['instantaneous_output_kbps', (s.outputRate.perSecond / 1024).toFixed(2)],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', s.rejectedConnections],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_subkeys', keyspace.expiredFields],
    ['expired_keys', keyspace.expiredKeys],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', server.expiry.timeCapReached],
    ['expire_cycle_cpu_milliseconds', Math.floor(server.expiry.totalMs)],
    ['evicted_keys', server.eviction.evictedKeys],
    ['evicted_clients', s.evictedClients],
    ['total_eviction_exceeded_time', Math.floor(server.eviction.totalExceededMs)],
    ['current_eviction_exceeded_time', Math.floor(server.eviction.currentExceededMs)],
    ['keyspace_hits', keyspace.hits],
    ['keyspace_misses', keyspace.misses],
    ['pubsub_channels', server.pubsub.size('channel')],
    ['pubsub_patterns', server.pubsub.size('pattern')],
    ['pubsubshard_channels', server.pubsub.size('shard')],
    ['latest_fork_usec', s.snapshotStartMicroseconds],
    ['total_forks', s.snapshots],
    ['migrate_cached_sockets', 0],
    ['slave_expires_tracked_keys', 0],
    ['active_defrag_hits', 0],
    ['active_defrag_misses', 0],
    ['active_defrag_key_hits', 0],
    ['active_defrag_key_misses', 0],
    ['total_active_defrag_time', 0],
    ['current_active_defrag_time', 0],
    ['tracking_total_keys', server.tracking.table.size],
    ['tracking_total_items', server.tracking.table.items],
    ['tracking_total_prefixes', server.tracking.prefixCount],
    ['unexpected_error_replies', 0],
    ['total_error_replies', s.errorReplies],
    ['dump_payload_sanitizations', 0],
    ['total_reads_processed', s.reads],
    ['total_writes_processed', server.turn.writes],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['client_query_buffer_limit_disconnections', s.queryBufferLimitDisconnections],
    ['client_output_buffer_limit_disconnections', s.outputBufferLimitDisconnections],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
    ['eventloop_cycles', loop.cycles],
    ['eventloop_duration_sum', loop.busyMicroseconds],
    ['eventloop_duration_cmd_sum', Math.round(server.commands.microseconds)],
    ['instantaneous_eventloop_cycles_per_sec', loop.cyclesPerSecond],
    ['instantaneous_eventloop_duration_usec', loop.microsecondsPerCycle],
    ['acl_access_denied_auth', denials.auth],
    ['acl_access_denied_cmd', denials.command],
    ['acl_access_denied_key', denials.key],
    ['acl_access_denied_channel', denials.channel],
  ];
}

function replicationSection(server: Server): Field[] {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', server.replicationId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', Number(server.config.values['repl-backlog-size'])],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

function cpuSection(): Field[] {
  const { user, system } = process.cpuUsage();
  const seconds = (microseconds: number) => (microseconds / 1e6).toFixed(6);
  return [
    ['used_cpu_sys', seconds(system)],
    ['used_cpu_user', seconds(user)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ['used_cpu_sys_main_thread', seconds(system)],
    ['used_cpu_user_main_thread', seconds(user)],
    ['cpus', CPUS],
  ];
}

function commandStats(server: Server): Field[] {
  const fields: Field[] = [];
  const visit = (command: Command): void => {
    const { calls, rejected, failed } = command;
    if (calls > 0 || rejected > 0 || failed > 0) {
      const microseconds = Math.round(command.microseconds);
      const mean = calls === 0 ? 0 : command.microseconds / calls;
      fields.push([
        `cmdstat_${command.fullName}`,
        `calls=${calls},usec=${microseconds},usec_per_call=${mean.toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`,
      ]);
    }
    for (const sub of command.subcommands?.all ?? []) visit(sub);
  };
  for (const command of server.commands.index.all) visit(command);
  return fields;
}

function latencyStats(server: Server): Field[] {
  const percentiles = server.config.values['latency-tracking-info-percentiles'];
  const fields: Field[] = [];
  const visit = (command: Command): void => {
    const { latency } = command;
    if (latency !== null) {
      const values = latency.percentiles(percentiles);
      const shown = percentiles.map((p, i) => `p${Number(p.toFixed(6))}=${(values[i]! / 1000).toFixed(3)}`);
      fields.push([`latency_percentiles_usec_${command.fullName}`, shown.join(',')]);
    }
    for (const sub of command.subcommands?.all ?? []) visit(sub);
  };
  for (const command of server.commands.index.all) visit(command);
  return fields;
}

function errorStats(server: Server): Field[] {
  const errors = [...server.statistics.errors].sort(([a], [b]) => (a < b ? -1 : 1));
  return errors.map(([kind, count]) => [`errorstat_${kind}`, `count=${count}`]);
}

function keyspaceSection(server: Server): Field[] {
  const fields: Field[] = [];
  for (const db of server.keyspace.databases) {
    if (db.size === 0 && db.expires === 0) continue;
    const { size, expires, averageTtlMs, expiringHashes } = db;
    const ttl = Math.round(averageTtlMs);
    fields.push([`db${db.index}`, `keys=${size},expires=${expires},avg_ttl=${ttl},subexpiry=${expiringHashes}`]);
  }
  return fields;
}
