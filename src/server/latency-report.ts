/**
 * LATENCY DOCTOR: the events in words that a person can act on. The frame and the lines about events are Redis's; of its
 * advice only what holds here is given: nothing forks, large values are freed in slices, and no allocator needs tuning.
 */
import type { LatencyEvent } from '../commands/services.js';

export interface SlowLogSettings {
  /** slowlog-log-slower-than; negative: off. */
  slowerThanMicroseconds: number;
  /** slowlog-max-len. */
  maxLength: number;
}

export interface ReportSettings {
  thresholdMs: number;
  slowLog: SlowLogSettings;
}

const DISABLED =
  "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";
const NONE =
  'Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n';
const HEAD =
  "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n";
const NO_ADVICE =
  "\nWhile there are latency events logged, I'm not able to suggest any easy fix. Please use the Redis community to get some help, providing this report in your help request.\n";

const SLOW_LOG =
  'Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check https://redis.io/commands/slowlog for more information.';
const BUSY_MACHINE =
  "The system is slow to execute code paths not containing system calls. This usually means the system does not provide the server CPU time to run for long periods. Lower the system's load, use a machine just for this server, look for a noisy neighbour, and check with 'redis-cli --intrinsic-latency 100' what is the intrinsic latency in your system.";
const LOCAL_DISK =
  'It is strongly advised to use local disks for persistence, especially if you are using AOF. Remote disks provided by platform-as-a-service providers are known to be slow.';
const DISK_CONTENTION =
  'Try to lower the disk contention. This is often caused by other disk intensive processes running in the same computer (including other Redis instances).';
const NO_SYNC_ON_REWRITE =
  "Assuming from the point of view of data safety this is viable in your environment, you could try to enable the 'no-appendfsync-on-rewrite' option, so that fsync will not be performed while a snapshot or a rewrite is being written (the moment where there is high disk contention).";
const RELAX_SYNC =
  "Your fsync policy is set to 'always'. It is very hard to get good performances with such a setup, if possible try to relax the fsync policy to 'everysec'.";
const SNAPSHOT_START =
  "Each snapshot holds the server for a moment while its worker starts. Fewer save points, or a larger 'auto-aof-rewrite-percentage', make that rarer.";
const EVICTION =
  "Sudden changes to the 'maxmemory' setting via 'CONFIG SET', or large values that come in at once (STORE options, RESTORE, MIGRATE), may force the server to evict many keys before it goes on.";

const DISK_EVENTS = [LOCAL_DISK, DISK_CONTENTION];
const ADVICE: Readonly<Record<string, readonly string[]>> = {
  'fast-command': [BUSY_MACHINE],
  fork: [SNAPSHOT_START],
  'aof-write-pending-fsync': DISK_EVENTS,
  'aof-write-active-child': [NO_SYNC_ON_REWRITE],
  'aof-write-alone': DISK_EVENTS,
  'aof-fsync-always': [RELAX_SYNC],
  'eviction-cycle': [EVICTION],
};

export function latencyReport(events: readonly LatencyEvent[], nowSeconds: number, settings: ReportSettings): string {
  if (events.length === 0) return settings.thresholdMs === 0 ? DISABLED : NONE;
  let text = HEAD;
  const advice = new Set<string>();
  events.forEach((event, i) => {
    text += `${i + 1}. ${describe(event, nowSeconds)}\n`;
    const lines = event.name === 'command' ? slowLogAdvice(settings) : (ADVICE[event.name] ?? []);
    for (const line of lines) advice.add(line);
  });
  if (advice.size === 0) return text + NO_ADVICE;
  return `${text}\nI have a few advices for you:\n\n${[...advice].map((line) => `- ${line}\n`).join('')}`;
}

function describe({ name, max, samples }: LatencyEvent, nowSeconds: number): string {
  const count = samples.length;
  const values = samples.map(({ milliseconds }) => milliseconds);
  const mean = Math.floor(values.reduce((sum, value) => sum + value, 0) / count);
  const deviation = Math.floor(values.reduce((sum, value) => sum + Math.abs(value - mean), 0) / count);
  const period = (nowSeconds - samples[0]!.seconds) / count;
  return (
    `${name}: ${count} latency spikes (average ${mean}ms, mean deviation ${deviation}ms, ` +
    `period ${period.toFixed(2)} sec). Worst all time event ${max}ms.`
  );
}

function slowLogAdvice({ thresholdMs, slowLog }: ReportSettings): string[] {
  const wanted = thresholdMs * 1000;
  const set = `'CONFIG SET slowlog-log-slower-than ${wanted}'`;
  const lines: string[] = [];
  if (slowLog.slowerThanMicroseconds < 0 || slowLog.maxLength === 0) {
    lines.push(
      `There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Redis feature using the command ${set}. If the Slow log is disabled Redis is not able to log slow commands execution for you.`,
    );
  } else if (Math.trunc(slowLog.slowerThanMicroseconds / 1000) > thresholdMs) {
    lines.push(
      `Your current Slow Log configuration only logs events that are slower than your configured latency monitor threshold. Please use ${set}.`,
    );
  }
  return [...lines, SLOW_LOG];
}
