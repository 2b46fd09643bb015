/** The server was shut down before it had its data. */
export class LoadAborted extends Error {
  override name = 'LoadAborted';
  readonly code = 'ONGGI_SHUTDOWN';
  constructor() {
    super('The server was shut down while it was loading its data');
  }
}

/** How far loading has come, and what came of it: INFO's loading_* and rdb_last_load_* fields. */
export class LoadingProgress {
  active = false;
  /** Milliseconds since 1970. */
  startMs = 0;
  totalBytes = 0;
  loadedBytes = 0;
  /** Of the RDB that was read last. */
  keysLoaded = 0;
  keysExpired = 0;
  /** The file that is being read. */
  file = '';
  /** The server ends: what is loaded so far is of no use to anybody. */
  aborted = false;

  begin(nowMs: number, totalBytes: number): void {
    this.active = true;
    this.startMs = nowMs;
    this.totalBytes = totalBytes;
    this.loadedBytes = 0;
  }

  end(): void {
    this.active = false;
    this.file = '';
  }

  /** Throws LoadAborted. */
  checkAborted(): void {
    if (this.aborted) throw new LoadAborted();
  }

  get percent(): number {
    return this.totalBytes === 0 ? 0 : (this.loadedBytes / this.totalBytes) * 100;
  }

  /** Seconds to go at the speed so far; 1 while nothing is known, as stock servers answer. */
  etaSeconds(nowMs: number): number {
    const elapsed = Math.floor((nowMs - this.startMs) / 1000);
    if (elapsed === 0 || this.loadedBytes === 0) return 1;
    return Math.floor((elapsed * (this.totalBytes - this.loadedBytes)) / this.loadedBytes);
  }
}
