/**
 * Who may read on in this round of the event loop. By itself the loop reads up to 32 times from a connection that fills the
 * buffer each time, which are 2 MB of commands: a tenth of a second for a few clients with endless pipelines, in which
 * nobody else is served. So once a round has had some full reads, a connection that fills the buffer again waits for the
 * next round, when all others have had their turn.
 *
 * Not one read for each from the start: where the log is synced at the end of each turn, a turn of one client should be worth it.
 */
/** Full reads in a round, of all connections, until each gets only one. */
const FULL_READS_MAX = 4;

interface Reader {
  pause(): void;
  resume(): void;
}

export class ReadRound {
  private fullReads = 0;
  private resting: Reader[] = [];

  /** The reader has filled the buffer, so it may have more. */
  filled(reader: Reader): void {
    if (this.fullReads++ === 0) setImmediate(this.over);
    if (this.fullReads <= FULL_READS_MAX) return;
    reader.pause();
    this.resting.push(reader);
  }

  private readonly over = (): void => {
    const { resting } = this;
    this.fullReads = 0;
    this.resting = [];
    for (const reader of resting) reader.resume();
  };
}
