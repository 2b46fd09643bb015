/** The Persistence section of INFO, field by field in Redis's order. */
import type { Persistence } from './persistence.js';

export function persistenceInfo(p: Persistence, nowMs: number): [name: string, value: string | number][] {
  const { dump, rewriter, savePoints, appendLog, progress } = p;
  const run = dump.run ?? rewriter.run;
  const ok = (good: boolean) => (good ? 'ok' : 'err');
  const secondsSince = (ms: number) => (ms < 0 ? -1 : Math.floor((nowMs - ms) / 1000));
  const fields: [string, string | number][] = [
    ['loading', progress.active ? 1 : 0],
    ['async_loading', 0],
    ['current_cow_peak', 0],
    ['current_cow_size', 0],
    ['current_cow_size_age', 0],
    ['current_fork_perc', (run === null || run.keys === 0 ? 0 : (run.keysDone / run.keys) * 100).toFixed(2)],
    ['current_save_keys_processed', run?.keysDone ?? 0],
    ['current_save_keys_total', run?.keys ?? 0],
    ['rdb_changes_since_last_save', savePoints.dirty],
    ['rdb_bgsave_in_progress', dump.running ? 1 : 0],
    ['rdb_last_save_time', savePoints.lastSave],
    ['rdb_last_bgsave_status', ok(savePoints.lastOk)],
    ['rdb_last_bgsave_time_sec', savePoints.lastSeconds],
    ['rdb_current_bgsave_time_sec', secondsSince(dump.startedAtMs)],
    ['rdb_saves', savePoints.saves],
    ['rdb_last_cow_size', dump.lastHeldBytes],
    ['rdb_last_load_keys_expired', p.progress.keysExpired],
    ['rdb_last_load_keys_loaded', p.progress.keysLoaded],
    ['aof_enabled', p.aof === 'off' ? 0 : 1],
    ['aof_rewrite_in_progress', rewriter.running ? 1 : 0],
    ['aof_rewrite_scheduled', p.rewriteScheduled ? 1 : 0],
    ['aof_last_rewrite_time_sec', rewriter.lastSeconds],
    ['aof_current_rewrite_time_sec', secondsSince(rewriter.startedAtMs)],
    ['aof_last_bgrewrite_status', ok(rewriter.lastOk)],
    ['aof_rewrites', rewriter.count],
    ['aof_rewrites_consecutive_failures', rewriter.failuresInARow],
    ['aof_last_write_status', ok(appendLog.failure === null)],
    ['aof_last_cow_size', rewriter.lastHeldBytes],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
  ];
  if (p.aof !== 'off') {
    fields.push(
      ['aof_current_size', appendLog.currentBytes],
      ['aof_base_size', appendLog.baseBytes],
      ['aof_pending_rewrite', p.rewriteScheduled ? 1 : 0],
      ['aof_buffer_length', appendLog.bufferBytes],
      ['aof_pending_bio_fsync', appendLog.pendingSyncs],
      ['aof_delayed_fsync', appendLog.delayedSyncs],
    );
  }
  if (progress.active) {
    fields.push(
      ['loading_start_time', Math.floor(progress.startMs / 1000)],
      ['loading_total_bytes', progress.totalBytes],
      ['loading_rdb_used_mem', 0],
      ['loading_loaded_bytes', progress.loadedBytes],
      ['loading_loaded_perc', progress.percent.toFixed(2)],
      ['loading_eta_seconds', progress.etaSeconds(nowMs)],
    );
  }
  return fields;
}
