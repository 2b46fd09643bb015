/**
 * Every directive of Redis 7.2, and ours, in one table: name, older name, kind (type, range and default), what may be
 * done with it. The reader, CONFIG GET, SET and REWRITE, and the documents all derive from it.
 *
 * The flags of a row:
 *   fixed      CONFIG SET refuses it; only the file and the command line set it
 *   guarded    CONFIG SET wants enable-protected-configs
 *   hidden     no pattern finds it, only its exact name
 *   secret     never shown in the slow log or to MONITOR
 *   many       takes several words
 *   afterLoad  CONFIG SET answers -LOADING while data is being loaded
 *   always     counts as changed even when it is set to the value it has (a file's content may be another)
 *   idle       has nothing to act on here: accepted, kept, shown, and named in the log at start when it was given
 */
import {
  anyOf,
  fileName,
  INT_MAX,
  INT_MIN,
  integer,
  type Kind,
  LONG_MAX,
  memory,
  oneOf,
  optionalString,
  string,
  UINT_MAX,
  ULONG_MAX,
  yesNo,
} from './kinds.js';
import {
  addresses,
  bufferLimits,
  directory,
  eventClasses,
  oomScoreValues,
  percentiles,
  primaryEndpoint,
  savePoints,
} from './special-kinds.js';

export interface DirectiveFlags {
  readonly alias?: string;
  readonly fixed?: true;
  readonly guarded?: true;
  readonly hidden?: true;
  readonly secret?: true;
  readonly many?: true;
  readonly afterLoad?: true;
  readonly always?: true;
  readonly idle?: true;
}

export interface Directive<N extends string = string, Kept = unknown, Seen = unknown> extends DirectiveFlags {
  readonly name: N;
  readonly kind: Kind<Kept, Seen>;
}

function row<const N extends string, Kept, Seen>(
  name: N,
  kind: Kind<Kept, Seen>,
  flags: DirectiveFlags = {},
): Directive<N, Kept, Seen> {
  return { name, kind, ...flags };
}

const FIXED = { fixed: true } as const;
const HIDDEN = { hidden: true } as const;
const IDLE = { idle: true } as const;
const ALWAYS = { always: true } as const;
const FIXED_IDLE = { fixed: true, idle: true } as const;

const PORT_MAX = 65535;
const MB = 1024 * 1024;

const PROTECTED_ACTION = ['no', 'yes', 'local'] as const;
const SHUTDOWN_FLAGS = ['save', 'nosave', 'now', 'force'] as const;
export type ShutdownFlag = (typeof SHUTDOWN_FLAGS)[number];

function shutdownFlags() {
  return anyOf('default', SHUTDOWN_FLAGS, (flags) =>
    flags.includes('save') && flags.includes('nosave')
      ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
      : null,
  );
}

function hostName(value: string): string | null {
  if (value.length >= 256) return 'Hostnames must be less than 256 characters';
  return /^[A-Za-z0-9.-]*$/.test(value) ? null : 'Hostnames may only contain alphanumeric characters, hyphens or dots';
}

/** `{title} {listen-addr}`: braces hold one of six names. */
function titleTemplate(value: string): string | null {
  const rest = value.replace(/\{(title|listen-addr|server-mode|port|tls-port|unixsocket|config-file)\}/g, '');
  return rest.includes('{') || value === '' ? 'template format is invalid or contains unknown variables' : null;
}

const NETWORK = [
  row('bind', addresses(['*', '-::*']), { many: true }),
  row('bind-source-addr', optionalString()),
  row('port', integer(6379, 0, PORT_MAX)),
  row('protected-mode', yesNo(true)),
  row('tcp-backlog', integer(511, 0, INT_MAX), FIXED),
  row('tcp-keepalive', integer(300, 0, INT_MAX)),
  row('timeout', integer(0, 0, INT_MAX)),
  row('unixsocket', optionalString(), FIXED),
  row('unixsocketperm', integer(0, 0, 0o777, { octal: true }), FIXED),
  row('socket-mark-id', integer(0, 0, UINT_MAX), FIXED_IDLE),
  row('maxclients', integer(10000, 1, UINT_MAX)),
  row('max-new-connections-per-cycle', integer(10, 1, 1000), { hidden: true, idle: true }),
  row('max-new-tls-connections-per-cycle', integer(1, 1, 1000), { hidden: true, idle: true }),
  row('io-threads', integer(1, 1, 128), FIXED_IDLE),
  row('io-threads-do-reads', yesNo(false), FIXED_IDLE),
  row('proto-max-bulk-len', memory(512 * MB, MB, LONG_MAX)),
  row('client-query-buffer-limit', memory(1024 * MB, MB, LONG_MAX)),
  row(
    'client-output-buffer-limit',
    bufferLimits({
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * MB, softBytes: 64 * MB, softSeconds: 60 },
      pubsub: { hardBytes: 32 * MB, softBytes: 8 * MB, softSeconds: 60 },
    }),
    { many: true },
  ),
  row('maxmemory-clients', integer(0, -100, LONG_MAX, { memory: true, percent: true })),
  row('tracking-table-max-keys', integer(1_000_000, 0, LONG_MAX)),
] as const;

const TLS = [
  row('tls-port', integer(0, 0, PORT_MAX)),
  row('tls-cert-file', optionalString(), ALWAYS),
  row('tls-key-file', optionalString(), ALWAYS),
  row('tls-key-file-pass', optionalString(), { secret: true }),
  row('tls-client-cert-file', optionalString(), ALWAYS),
  row('tls-client-key-file', optionalString(), ALWAYS),
  row('tls-client-key-file-pass', optionalString(), { secret: true }),
  row('tls-dh-params-file', optionalString(), ALWAYS),
  row('tls-ca-cert-file', optionalString(), ALWAYS),
  row('tls-ca-cert-dir', optionalString(), ALWAYS),
  row('tls-auth-clients', oneOf('yes', ['no', 'yes', 'optional'])),
  row('tls-replication', yesNo(false)),
  row('tls-cluster', yesNo(false), IDLE),
  row('tls-protocols', optionalString()),
  row('tls-ciphers', optionalString()),
  row('tls-ciphersuites', optionalString()),
  row('tls-prefer-server-ciphers', yesNo(false)),
  row('tls-session-caching', yesNo(true)),
  row('tls-session-cache-size', integer(20480, 0, INT_MAX)),
  row('tls-session-cache-timeout', integer(300, 0, INT_MAX)),
] as const;

const GENERAL = [
  row('daemonize', yesNo(false), FIXED),
  row('supervised', oneOf('no', ['upstart', 'systemd', 'auto', 'no']), FIXED),
  row('pidfile', optionalString(), FIXED),
  row('loglevel', oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'])),
  row('logfile', string(''), FIXED),
  row('syslog-enabled', yesNo(false), FIXED_IDLE),
  row('syslog-ident', string('redis'), FIXED_IDLE),
  row(
    'syslog-facility',
    oneOf('local0', ['user', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7']),
    FIXED_IDLE,
  ),
  row('crash-log-enabled', yesNo(true), IDLE),
  row('crash-memcheck-enabled', yesNo(true), IDLE),
  row('use-exit-on-panic', yesNo(false), { hidden: true, idle: true }),
  row('databases', integer(16, 1, INT_MAX), FIXED),
  row('always-show-logo', yesNo(false), FIXED),
  row('set-proc-title', yesNo(true), FIXED),
  row('proc-title-template', string('{title} {listen-addr} {server-mode}', titleTemplate)),
  row('locale-collate', string(''), IDLE),
  row('hz', integer(10, 0, INT_MAX, { clamp: [1, 500] })),
  row('dynamic-hz', yesNo(true), IDLE),
  row('disable-thp', yesNo(true), FIXED_IDLE),
  row('jemalloc-bg-thread', yesNo(true), IDLE),
  row('oom-score-adj', oneOf('no', ['no', 'yes', 'relative=yes', 'absolute']), IDLE),
  row('oom-score-adj-values', oomScoreValues([0, 200, 800]), { many: true, idle: true }),
  row('ignore-warnings', string(''), IDLE),
  row('watchdog-period', integer(0, 0, INT_MAX), { hidden: true, idle: true }),
  row('server-cpulist', optionalString(), { alias: 'server_cpulist', fixed: true, idle: true }),
  row('bio-cpulist', optionalString(), { alias: 'bio_cpulist', fixed: true, idle: true }),
  row('aof-rewrite-cpulist', optionalString(), { alias: 'aof_rewrite_cpulist', fixed: true, idle: true }),
  row('bgsave-cpulist', optionalString(), { alias: 'bgsave_cpulist', fixed: true, idle: true }),
  row('shutdown-timeout', integer(10, 0, INT_MAX)),
  row('shutdown-on-sigint', shutdownFlags(), { many: true }),
  row('shutdown-on-sigterm', shutdownFlags(), { many: true }),
] as const;

const SECURITY = [
  row('requirepass', optionalString(), { secret: true }),
  row('aclfile', string(''), FIXED),
  row('acl-pubsub-default', oneOf('resetchannels', ['allchannels', 'resetchannels'])),
  row('acllog-max-len', integer(128, 0, LONG_MAX)),
  row('enable-protected-configs', oneOf('no', PROTECTED_ACTION), FIXED),
  row('enable-debug-command', oneOf('no', PROTECTED_ACTION), FIXED),
  row('enable-module-command', oneOf('no', PROTECTED_ACTION), FIXED_IDLE),
] as const;

const PERSISTENCE = [
  row('dir', directory(), { guarded: true, afterLoad: true }),
  row(
    'save',
    savePoints([
      { seconds: 3600, changes: 1 },
      { seconds: 300, changes: 100 },
      { seconds: 60, changes: 10000 },
    ]),
    { many: true },
  ),
  row('dbfilename', fileName('dump.rdb', 'dbfilename', 'filename'), { guarded: true }),
  row('rdbcompression', yesNo(true)),
  row('rdbchecksum', yesNo(true), FIXED),
  row('rdb-version', integer(11, 9, 12)),
  row('rdb-del-sync-files', yesNo(false)),
  row('rdb-save-incremental-fsync', yesNo(true)),
  row('rdb-key-save-delay', integer(0, INT_MIN, INT_MAX), { ...HIDDEN, ...IDLE }),
  row('key-load-delay', integer(0, INT_MIN, INT_MAX), { ...HIDDEN, ...IDLE }),
  row('loading-process-events-interval-bytes', integer(2 * MB, 1024, INT_MAX), { ...HIDDEN, ...IDLE }),
  row('stop-writes-on-bgsave-error', yesNo(true)),
  row('sanitize-dump-payload', oneOf('no', ['no', 'yes', 'clients'])),
  row('appendonly', yesNo(false), { afterLoad: true }),
  row('appendfilename', fileName('appendonly.aof', 'appendfilename', 'filename'), FIXED),
  row('appenddirname', fileName('appendonlydir', 'appenddirname', 'dirname'), FIXED),
  row('appendfsync', oneOf('everysec', ['everysec', 'always', 'no'])),
  row('no-appendfsync-on-rewrite', yesNo(false)),
  row('auto-aof-rewrite-percentage', integer(100, 0, INT_MAX)),
  row('auto-aof-rewrite-min-size', memory(64 * MB, 0, LONG_MAX)),
  row('aof-load-truncated', yesNo(true)),
  row('aof-load-corrupt-tail-max-size', memory(0, 0, LONG_MAX)),
  row('aof-checksum', yesNo(true)),
  row('aof-preallocate', yesNo(true)),
  row('aof-use-rdb-preamble', yesNo(true)),
  row('aof-timestamp-enabled', yesNo(false)),
  row('aof-rewrite-incremental-fsync', yesNo(true)),
  row('aof-disable-auto-gc', yesNo(false), HIDDEN),
] as const;

const REPLICATION = [
  row('replicaof', primaryEndpoint(), { alias: 'slaveof', fixed: true, many: true }),
  row('masteruser', optionalString(), { secret: true }),
  row('masterauth', optionalString(), { secret: true }),
  row('replica-serve-stale-data', yesNo(true), { alias: 'slave-serve-stale-data' }),
  row('replica-read-only', yesNo(true), { alias: 'slave-read-only' }),
  row('replica-lazy-flush', yesNo(false), { alias: 'slave-lazy-flush' }),
  row('replica-ignore-maxmemory', yesNo(true), { alias: 'slave-ignore-maxmemory' }),
  row('replica-ignore-disk-write-errors', yesNo(false)),
  row('replica-priority', integer(100, 0, INT_MAX), { alias: 'slave-priority' }),
  row('replica-announced', yesNo(true)),
  row('replica-announce-ip', optionalString(), { alias: 'slave-announce-ip' }),
  row('replica-announce-port', integer(0, 0, PORT_MAX), { alias: 'slave-announce-port' }),
  row('repl-diskless-sync', yesNo(true)),
  row('repl-diskless-sync-delay', integer(5, 0, INT_MAX)),
  row('repl-diskless-sync-max-replicas', integer(0, 0, INT_MAX)),
  row('repl-diskless-load', oneOf('disabled', ['disabled', 'on-empty-db', 'swapdb']), { afterLoad: true }),
  row('repl-disable-tcp-nodelay', yesNo(false)),
  row('repl-timeout', integer(60, 1, INT_MAX)),
  row('repl-ping-replica-period', integer(10, 1, INT_MAX), { alias: 'repl-ping-slave-period' }),
  row('repl-backlog-size', integer(MB, 1, LONG_MAX, { memory: true, clamp: [16384, Number.MAX_SAFE_INTEGER] })),
  row('repl-backlog-ttl', integer(3600, 0, LONG_MAX)),
  row('min-replicas-to-write', integer(0, 0, INT_MAX), { alias: 'min-slaves-to-write' }),
  row('min-replicas-max-lag', integer(10, 0, INT_MAX), { alias: 'min-slaves-max-lag' }),
  row('propagation-error-behavior', oneOf('ignore', ['ignore', 'panic', 'panic-on-replicas'])),
] as const;

const MEMORY = [
  row('maxmemory', memory(0, 0, ULONG_MAX)),
  row(
    'maxmemory-policy',
    oneOf('noeviction', [
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ]),
  ),
  row('maxmemory-samples', integer(5, 1, 64)),
  row('maxmemory-eviction-tenacity', integer(10, 0, 100)),
  row('lfu-log-factor', integer(10, 0, INT_MAX)),
  row('lfu-decay-time', integer(1, 0, INT_MAX)),
  row('active-expire-effort', integer(1, 1, 10)),
  row('lazyfree-lazy-eviction', yesNo(false)),
  row('lazyfree-lazy-expire', yesNo(false)),
  row('lazyfree-lazy-server-del', yesNo(false)),
  row('lazyfree-lazy-user-del', yesNo(false)),
  row('lazyfree-lazy-user-flush', yesNo(false)),
  row('activerehashing', yesNo(true), IDLE),
  row('activedefrag', yesNo(false), IDLE),
  row('active-defrag-cycle-min', integer(1, 1, 99), IDLE),
  row('active-defrag-cycle-max', integer(25, 1, 99), IDLE),
  row('active-defrag-threshold-lower', integer(10, 0, 1000), IDLE),
  row('active-defrag-threshold-upper', integer(100, 0, 1000), IDLE),
  row('active-defrag-max-scan-fields', integer(1000, 1, LONG_MAX), IDLE),
  row('active-defrag-ignore-bytes', memory(100 * MB, 1, LONG_MAX), IDLE),
] as const;

const TYPES = [
  row('hash-max-listpack-entries', integer(512, 0, LONG_MAX), { alias: 'hash-max-ziplist-entries' }),
  row('hash-max-listpack-value', memory(64, 0, LONG_MAX), { alias: 'hash-max-ziplist-value' }),
  row('list-max-listpack-size', integer(-2, INT_MIN, INT_MAX), { alias: 'list-max-ziplist-size' }),
  row('list-compress-depth', integer(0, 0, INT_MAX), IDLE),
  row('set-max-intset-entries', integer(512, 0, LONG_MAX)),
  row('set-max-listpack-entries', integer(128, 0, LONG_MAX)),
  row('set-max-listpack-value', integer(64, 0, LONG_MAX)),
  row('zset-max-listpack-entries', integer(128, 0, LONG_MAX), { alias: 'zset-max-ziplist-entries' }),
  row('zset-max-listpack-value', memory(64, 0, LONG_MAX), { alias: 'zset-max-ziplist-value' }),
  row('hll-sparse-max-bytes', memory(3000, 0, LONG_MAX)),
  row('stream-node-max-bytes', memory(4096, 0, LONG_MAX)),
  row('stream-node-max-entries', integer(100, 0, LONG_MAX)),
] as const;

const OBSERVATION = [
  row('notify-keyspace-events', eventClasses()),
  row('slowlog-log-slower-than', integer(10000, -1, LONG_MAX)),
  row('slowlog-max-len', integer(128, 0, LONG_MAX)),
  row('latency-monitor-threshold', integer(0, 0, LONG_MAX)),
  row('latency-tracking', yesNo(true)),
  row('latency-tracking-info-percentiles', percentiles([50, 99, 99.9]), { many: true }),
  row('busy-reply-threshold', integer(5000, 0, LONG_MAX), { alias: 'lua-time-limit' }),
  row('lua-enable-deprecated-api', yesNo(false), { fixed: true, hidden: true }),
] as const;

const CLUSTER = [
  row('cluster-enabled', yesNo(false), FIXED_IDLE),
  row(
    'cluster-config-file',
    string('nodes.conf', (value) => (value === '' ? "cluster-config-file can't be empty" : null)),
    FIXED_IDLE,
  ),
  row('cluster-node-timeout', integer(15000, 0, LONG_MAX), IDLE),
  row('cluster-port', integer(0, 0, PORT_MAX), FIXED_IDLE),
  row('cluster-announce-ip', optionalString(), IDLE),
  row('cluster-announce-port', integer(0, 0, PORT_MAX), IDLE),
  row('cluster-announce-tls-port', integer(0, 0, PORT_MAX), IDLE),
  row('cluster-announce-bus-port', integer(0, 0, PORT_MAX), IDLE),
  row('cluster-announce-hostname', optionalString(hostName), IDLE),
  row('cluster-announce-human-nodename', optionalString(nodeName), IDLE),
  row('cluster-preferred-endpoint-type', oneOf('ip', ['ip', 'hostname', 'unknown-endpoint']), IDLE),
  row('cluster-require-full-coverage', yesNo(true), IDLE),
  row('cluster-replica-validity-factor', integer(10, 0, INT_MAX), {
    alias: 'cluster-slave-validity-factor',
    idle: true,
  }),
  row('cluster-replica-no-failover', yesNo(false), { alias: 'cluster-slave-no-failover', idle: true }),
  row('cluster-migration-barrier', integer(1, 0, INT_MAX), IDLE),
  row('cluster-allow-replica-migration', yesNo(true), IDLE),
  row('cluster-allow-reads-when-down', yesNo(false), IDLE),
  row('cluster-allow-pubsubshard-when-down', yesNo(true), IDLE),
  row('cluster-link-sendbuf-limit', memory(0, 0, ULONG_MAX), IDLE),
] as const;

function nodeName(value: string): string | null {
  return /^[\x21-\x7e]*$/.test(value) && !/[!'"(),;:<=>?@[\]^{|}~#$%&*+`\\/]/.test(value)
    ? null
    : 'Announced human node name contained invalid character';
}

export const DIRECTIVES = [
  ...NETWORK,
  ...TLS,
  ...GENERAL,
  ...SECURITY,
  ...PERSISTENCE,
  ...REPLICATION,
  ...MEMORY,
  ...TYPES,
  ...OBSERVATION,
  ...CLUSTER,
] as const;

type Row = (typeof DIRECTIVES)[number];
type SeenBy<R> = R extends Directive<string, infer _Kept, infer Seen> ? Seen : never;

export type DirectiveName = Row['name'];

/** What `config.values` shows: one property a directive, in the seen form of its kind. */
export type ConfigValues = { readonly [R in Row as R['name']]: SeenBy<R> };

/** Accepted and forgotten, as Redis does: they have had no effect for years. */
export const FORGOTTEN: ReadonlySet<string> = new Set([
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
]);

/** Names and older names, in lower case. */
export const DIRECTIVE_NAMES: ReadonlyMap<string, Directive> = new Map(
  (DIRECTIVES as readonly Directive[]).flatMap((directive) =>
    directive.alias === undefined
      ? [[directive.name, directive] as const]
      : [[directive.name, directive] as const, [directive.alias, directive] as const],
  ),
);

/** The directive of that name or older name, whatever its case. */
export function findDirective(name: string): Directive | undefined {
  return DIRECTIVE_NAMES.get(name.toLowerCase());
}
