/**
 * Spikes of latency by what caused them, as LATENCY tells them. An event is what took `latency-monitor-threshold`
 * milliseconds or more; each kind keeps its last 160 seconds in which it happened, the longest of each second.
 *
 *   command fast-command        what a command took
 *   fork                        the start of a snapshot, which takes the place of fork here
 *   aof-write aof-write-*       writing the turn's effects to the log
 *   aof-fsync-always            the fsync that replies wait for
 *   expire-cycle eviction-*     a slice of active expiry; making room under maxmemory
 */
import type { Clock } from '../base/clock.js';
import type { LatencyProbe } from '../base/latency-probe.js';
import type { LatencyEvent, LatencyFace, LatencySample } from '../commands/services.js';
import { latencyGraph } from './latency-graph.js';
import { latencyReport, type SlowLogSettings } from './latency-report.js';

const SAMPLES_MAX = 160;

export class LatencyMonitor implements LatencyFace, LatencyProbe {
  /** latency-monitor-threshold in milliseconds; 0: nothing is watched. */
  thresholdMs = 0;
  private readonly events = new Map<string, LatencyEvent>();

  constructor(
    private readonly clock: Clock,
    private readonly slowLog: () => SlowLogSettings,
  ) {}

  begin(): number {
    return this.thresholdMs === 0 ? 0 : this.clock.monotonic();
  }

  end(event: string, begin: number): void {
    if (begin > 0) this.sample(event, this.clock.monotonic() - begin);
  }

  /** So long did it take: an event if that is long enough. */
  sample(event: string, durationMs: number): void {
    const { thresholdMs } = this;
    if (thresholdMs === 0) return;
    const milliseconds = Math.trunc(durationMs);
    if (milliseconds >= thresholdMs) this.add(event, milliseconds);
  }

  private add(name: string, milliseconds: number): void {
    const seconds = this.nowSeconds;
    let event = this.events.get(name);
    if (event === undefined) {
      event = { name, max: 0, samples: [] };
      this.events.set(name, event);
    }
    if (milliseconds > event.max) event.max = milliseconds;
    const last = event.samples.at(-1);
    if (last?.seconds === seconds) {
      if (milliseconds > last.milliseconds) last.milliseconds = milliseconds;
      return;
    }
    if (event.samples.length === SAMPLES_MAX) event.samples.shift();
    event.samples.push({ seconds, milliseconds });
  }

  private get nowSeconds(): number {
    return Math.floor(this.clock.now() / 1000);
  }

  latest(): Iterable<LatencyEvent> {
    return this.events.values();
  }

  history(name: string): readonly LatencySample[] {
    return this.events.get(name)?.samples ?? [];
  }

  graph(name: string): string | null {
    const event = this.events.get(name);
    return event === undefined ? null : latencyGraph(event, this.nowSeconds);
  }

  doctor(): string {
    const settings = { thresholdMs: this.thresholdMs, slowLog: this.slowLog() };
    return latencyReport([...this.events.values()], this.nowSeconds, settings);
  }

  reset(names: readonly string[]): number {
    if (names.length === 0) {
      const count = this.events.size;
      this.events.clear();
      return count;
    }
    let count = 0;
    for (const name of names) if (this.events.delete(name)) count++;
    return count;
  }
}
