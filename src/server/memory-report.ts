/**
 * What memory goes to: the figures that INFO and MEMORY STATS share, MEMORY DOCTOR's opinion of them, and the arena's own
 * account (MEMORY MALLOC-STATS).
 *
 *   used       = startup + arena blocks + buffers (clients, replicas, log)
 *   overhead   = startup + buffers + tables of the databases + what each key takes besides itself and its value
 *   dataset    = used - overhead
 *
 * The allocator's figures are the arena's: allocated <= active (spans) <= resident (segments). The process has more: the
 * JavaScript heap and the runtime itself.
 */
import type { MemoryStat } from '../commands/services.js';
import { ENTRY_OVERHEAD, EXPIRY_BYTES } from '../keyspace/memory-usage.js';
import type { Arena } from '../memory/arena.js';
import { processMemory } from './process-memory.js';
import type { Server } from './server.js';

const MB = 1024 * 1024;

export interface MemoryFigures {
  used: number;
  peak: number;
  startup: number;
  counted: number;
  clients: number;
  replicas: number;
  log: number;
  databases: { db: number; main: number; expires: number }[];
  overhead: number;
  dataset: number;
  datasetPercent: number;
  keys: number;
  allocated: number;
  active: number;
  resident: number;
  rss: number;
}

export function memoryFigures(server: Server): MemoryFigures {
  const { keyspace } = server;
  server.clients.memory.measure();
  const { used, counted, clients, replicas, log, tracking } = server.memory();
  server.memoryPeak = Math.max(server.memoryPeak, used);
  const startup = server.memoryAtStart;
  const databases: MemoryFigures['databases'] = [];
  let overhead = startup + clients + replicas + log + tracking;
  for (const db of keyspace.databases) {
    const main = db.table.tableBytes + db.size * ENTRY_OVERHEAD;
    const expires = db.expires * EXPIRY_BYTES;
    overhead += main + expires;
    if (db.size > 0) databases.push({ db: db.index, main, expires });
  }
  const dataset = Math.max(0, used - overhead);
  const stats = keyspace.arena.stats();
  return {
    used,
    peak: server.memoryPeak,
    startup,
    counted,
    clients,
    replicas,
    log,
    databases,
    overhead,
    dataset,
    datasetPercent: used > startup ? (dataset / (used - startup)) * 100 : 0,
    keys: keyspace.size,
    allocated: stats.bytesUsed,
    active: stats.bytesUsed + stats.bytesFreeInSpans,
    resident: stats.bytesTouched,
    rss: processMemory().rss,
  };
}

export function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

/** The rows of MEMORY STATS, in Redis's order. */
export function memoryStats(f: MemoryFigures): MemoryStat[] {
  const perKey = f.keys === 0 ? 0 : Math.floor((f.used - f.startup) / f.keys);
  return [
    ['peak.allocated', f.peak],
    ['total.allocated', f.used],
    ['startup.allocated', f.startup],
    ['replication.backlog', 0],
    ['clients.slaves', f.replicas],
    ['clients.normal', f.clients],
    ['cluster.links', 0],
    ['aof.buffer', f.log],
    ['lua.caches', 0],
    ['functions.caches', 0],
    ...f.databases.map(
      ({ db, main, expires }): MemoryStat => [
        `db.${db}`,
        [
          ['overhead.hashtable.main', main],
          ['overhead.hashtable.expires', expires],
          ['overhead.hashtable.slot-to-keys', 0],
        ],
      ],
    ),
    ['overhead.total', f.overhead],
    ['keys.count', f.keys],
    ['keys.bytes-per-key', perKey],
    ['dataset.bytes', f.dataset],
    ['dataset.percentage', { double: f.datasetPercent }],
    ['peak.percentage', { double: ratio(f.used, f.peak) * 100 }],
    ['allocator.allocated', f.allocated],
    ['allocator.active', f.active],
    ['allocator.resident', f.resident],
    ['allocator-fragmentation.ratio', { double: ratio(f.active, f.allocated) }],
    ['allocator-fragmentation.bytes', f.active - f.allocated],
    ['allocator-rss.ratio', { double: ratio(f.resident, f.active) }],
    ['allocator-rss.bytes', f.resident - f.active],
    ['rss-overhead.ratio', { double: ratio(f.rss, f.resident) }],
    ['rss-overhead.bytes', f.rss - f.resident],
    ['fragmentation', { double: ratio(f.rss, f.used) }],
    ['fragmentation.bytes', f.rss - f.used],
  ];
}

// --- MEMORY DOCTOR -----------------------------------------------------------------------------------------------------

const EMPTY =
  "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n";
const NO_ISSUE =
  "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";
const HEAD = 'Sam, I detected a few issues in this Redis instance memory implants:\n\n';
const FOOT = "I'm here to keep you safe, Sam. I want to help you.\n";

const PEAK =
  ' * Peak memory: In the past this instance used more than 150% the memory that it is using now. Memory of spans that still hold something stays with the process and is used as soon as there is more data. If the peak was only occasional, MEMORY PURGE gives back what is wholly free; the rest goes with a restart.\n\n';
const FRAGMENTATION =
  ' * High allocator fragmentation: The spans of this instance hold more than 110% of what lies in them. This is usually due to a peak (check if there is a peak memory entry above in the report), or to values that were deleted or resized between others that stay. The room is used by new values of the same sizes. MEMORY MALLOC-STATS tells which sizes it is.\n\n';
const FREE_SEGMENTS =
  ' * High allocator RSS overhead: The segments of this instance hold more than 110% of the spans in them. This is usually due to a peak (check if there is a peak memory entry above in the report). The room is used by new values of any size; MEMORY PURGE gives back segments that are wholly free.\n\n';
const RUNTIME =
  ' * High process RSS overhead: The process has more than 110% of what the arena has and the runtime had at the start. This is usually the JavaScript heap: requests and replies of many megabytes, many clients, subscriptions, watched or tracked keys.\n\n';
const REPLICA_BUFFERS =
  ' * Big replica buffers: The output buffers of replicas are greater than 10MB for each (on average). Some replica does not receive data fast enough, because it is too slow or because of the network. INFO replication and CLIENT LIST tell which one.\n\n';
const CLIENT_BUFFERS =
  ' * Big client buffers: The buffers of clients are greater than 200K for each (on average). This may be subscribers that do not receive messages fast enough, clients that ask for large replies without reading them, or very large pipelines. CLIENT LIST tells which ones.\n\n';

/** @param runtimeBytes what the process had before there was data: no issue, and large beside a small instance */
export function memoryDoctor(
  f: MemoryFigures,
  runtimeBytes: number,
  clients: { normal: number; replicas: number },
): string {
  if (f.used < 5 * MB) return EMPTY;
  let issues = '';
  if (ratio(f.peak, f.used) > 1.5) issues += PEAK;
  if (isHigh(f.active, f.allocated)) issues += FRAGMENTATION;
  if (isHigh(f.resident, f.active)) issues += FREE_SEGMENTS;
  if (isHigh(f.rss, f.resident + runtimeBytes)) issues += RUNTIME;
  if (clients.replicas > 0 && f.replicas / clients.replicas > 10 * MB) issues += REPLICA_BUFFERS;
  if (clients.normal > 0 && f.clients / clients.normal > 200 * 1024) issues += CLIENT_BUFFERS;
  return issues === '' ? NO_ISSUE : HEAD + issues + FOOT;
}

function isHigh(bytes: number, base: number): boolean {
  return ratio(bytes, base) > 1.1 && bytes - base > 10 * MB;
}

// --- MEMORY MALLOC-STATS -----------------------------------------------------------------------------------------------

export function arenaReport(arena: Arena): string {
  const stats = arena.stats();
  const lines = [
    '___ Begin arena statistics ___',
    `Segments: ${stats.segments}, of 64 MiB`,
    `Reserved: ${stats.bytesReserved}, free pages: ${stats.bytesFreePages}, free in spans: ${stats.bytesFreeInSpans}`,
    `Allocated: ${stats.bytesUsed}, waiting for a snapshot: ${stats.bytesDeferred}`,
    '',
    cells('size', 'spans', 'pages', 'blocks', 'free', 'allocated', 'util'),
  ];
  for (const { bytes, spans, pages, blocks, free } of arena.sizes()) {
    const large = bytes === 0;
    const allocated = large ? pages * 8192 : blocks * bytes;
    const util = large ? '1.000' : ratio(blocks, blocks + free).toFixed(3);
    lines.push(cells(large ? 'pages' : bytes, spans, pages, blocks, free, allocated, util));
  }
  lines.push('--- End arena statistics ---', '');
  return lines.join('\n');
}

function cells(...values: (string | number)[]): string {
  return values.map((value) => String(value).padStart(12)).join('');
}
