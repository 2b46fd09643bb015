/** What INFO counts. One object a server; CONFIG RESETSTAT makes the counters zero again. */

/** Rate over the last 16 samples of 100 ms, as Redis's instantaneous_* fields. */
export class Rate {
  private readonly samples = new Float64Array(16);
  private at = 0;
  private lastMs = 0;
  private lastValue = 0;

  sample(nowMs: number, value: number): void {
    const elapsed = nowMs - this.lastMs;
    if (this.lastMs > 0 && elapsed > 0) {
      this.samples[this.at] = ((value - this.lastValue) * 1000) / elapsed;
      this.at = (this.at + 1) % this.samples.length;
    }
    this.lastMs = nowMs;
    this.lastValue = value;
  }

  get perSecond(): number {
    let sum = 0;
    for (const sample of this.samples) sum += sample;
    return sum / this.samples.length;
  }

  reset(): void {
    this.samples.fill(0);
    this.lastMs = 0;
    this.lastValue = 0;
  }
}

/** Different first words that are counted apart; beyond that an attacker is filling the table. */
const ERROR_KINDS_MAX = 128;

export class Statistics {
  commands = 0;
  connections = 0;
  rejectedConnections = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  reads = 0;
  errorReplies = 0;
  evictedClients = 0;
  queryBufferLimitDisconnections = 0;
  outputBufferLimitDisconnections = 0;
  /** Snapshots begun, and what the last one's start held the server: INFO's forks. */
  snapshots = 0;
  snapshotStartMicroseconds = 0;
  readonly errors = new Map<string, number>();
  readonly opsRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();

  countError(message: string): void {
    this.errorReplies++;
    const space = message.indexOf(' ');
    const kind = space < 0 ? message : message.slice(0, space);
    const count = this.errors.get(kind);
    if (count !== undefined) this.errors.set(kind, count + 1);
    else if (this.errors.size < ERROR_KINDS_MAX) this.errors.set(kind, 1);
  }

  reset(): void {
    this.commands = 0;
    this.connections = 0;
    this.rejectedConnections = 0;
    this.netInputBytes = 0;
    this.netOutputBytes = 0;
    this.reads = 0;
    this.errorReplies = 0;
    this.evictedClients = 0;
    this.queryBufferLimitDisconnections = 0;
    this.outputBufferLimitDisconnections = 0;
    this.snapshots = 0;
    this.snapshotStartMicroseconds = 0;
    this.errors.clear();
    this.opsRate.reset();
    this.inputRate.reset();
    this.outputRate.reset();
  }
}
