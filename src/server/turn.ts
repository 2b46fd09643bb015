/**
 * One turn of the event loop: commands are executed as their input arrives; at the end of the turn their effects are
 * written to the log with one write, and only then do the replies go out. Where many clients keep the server busy, a turn
 * takes in what they send while it runs, and once nothing more comes the server rests: served together they are cheaper,
 * on both sides of their connections.
 *
 *   out.buf   [ client 4's replies | client 9's | client 4's again ]     segments, in order of execution
 *
 * A client to whom messages come (pub/sub) has many segments between those of others. They go out as one write:
 *
 *   gathered   [ client 4's replies, client 4's again | client 9's ]     copied from out.buf, by client
 *
 * With `appendfsync always` the replies of a turn wait as a batch until the fsync that covers them is done, while the next
 * turns execute; batches go out in their order.
 *
 * Invariants:
 *   1. A reply leaves only after `writeTurn` of the turn that made it.
 *   2. Replies to one client leave in the order of its commands.
 *   3. The buffer of a batch that waits, or that the kernel has not taken whole, is not written to any more.
 */
import { constants } from 'node:buffer';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { Client } from './client.js';
import type { EffectSink } from './effects.js';

const BUFFER_BYTES = 64 * 1024;
/** Replies beyond this go out before the turn is over. */
export const TURN_BYTES_MAX = 1024 * 1024;
/** Larger buffers are not kept for the next turn. */
const BUFFER_KEPT_MAX = 2 * TURN_BYTES_MAX;
const SPARE_MAX = 4;
/** No segment. */
const NONE = -1;
/** A turn that looks for more input takes it in for so many milliseconds since its first command began; */
const TAKES_IN_MS = 0.1;
/** where turns wait for the disk, for as long as that wait takes, but not longer than this. */
const TAKES_IN_MS_MAX = 1;
/** The server is pressed where so many clients or more were served in so many turns, */
const CROWD = 24;
const CROWD_TURNS = 64;
/** and its event loop was busy for this share of the time. Below, looking and resting would only let somebody wait. */
const PRESSED_SHARE = 0.75;

/** The replies of a turn. */
class Batch {
  buf: Buffer;
  readonly clients: Client[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** The same client's next segment; only made where some client has several. */
  readonly next: number[] = [];
  repeats = false;
  count = 0;
  /** The first segment that may tell of a change; beyond the last one when there is none. */
  firstChange = Number.POSITIVE_INFINITY;

  constructor(buf: Buffer) {
    this.buf = buf;
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.clients[i] = NOBODY;
    this.count = 0;
    this.repeats = false;
    this.firstChange = Number.POSITIVE_INFINITY;
  }
}

const NO_BYTES = Buffer.alloc(0);

function largerBuffer(than: Buffer, bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES, Math.min(2 * than.length, constants.MAX_LENGTH), bytes));
}

// A cleared slot must not keep a client alive, and the array must keep its shape.
const NOBODY = null as unknown as Client;

export interface TurnEvents {
  /** A turn is over, and its replies are out as far as they may be. */
  ended(): void;
  /** All of a client's replies so far are out (or queued at its connection). */
  sent(client: Client): void;
  /** A client's replies cannot go out: what they would say may not hold. */
  unsafe(client: Client): void;
}

export interface Loop {
  /** Which part of the time since the last call the event loop had something to do, 0 to 1. */
  busyShare(): number;
  /** Sleeps for a moment where the loop would fall asleep. */
  rest(): void;
}

export class Turn {
  private batch: Batch;
  /** Writes to connections. */
  writes = 0;
  private scheduled = false;
  private spare: Buffer[] = [];
  /** For `writeGathered`, as long as no connection holds it. */
  private gathered: Buffer = NO_BYTES;
  /** Called before a turn ends, for what is to be said once in it. */
  ending: (() => void) | null = null;
  /** When the turn began, and where its replies ended when it last looked for input; NONE: it has not yet. */
  private begunMs = 0;
  private lookedAt = NONE;
  /** The last look found nothing. */
  private idle = false;
  /** Clients served in this count of turns so far; whether the server was pressed in the one before. */
  private count = 0;
  private turnsCounted = 0;
  private served = 0;
  private pressed = false;
  private readonly end = () => {
    if (this.looks()) {
      setImmediate(this.end);
      return;
    }
    const { idle } = this;
    this.idle = false;
    this.lookedAt = NONE;
    this.countTurn();
    if (this.ending !== null) this.ending();
    this.finish();
    this.events.ended();
    // Where turns wait for the disk, much has come since.
    if (idle && this.sink().turnSyncMs === 0) this.loop.rest();
  };

  constructor(
    readonly out: ReplyWriter,
    private readonly sink: () => EffectSink,
    private readonly events: TurnEvents,
    /** Milliseconds; when the last command ended will do. */
    private readonly clock: () => number,
    private readonly loop: Loop,
  ) {
    this.batch = new Batch(out.buf);
  }

  /** What the writer holds from `start` on is for this client. Also with nothing there: then `sent` is called for it. */
  add(client: Client, start: number, changed: boolean): void {
    const { batch } = this;
    const last = batch.count - 1;
    client.unsentBytes += this.out.pos - start;
    if (changed && batch.firstChange > batch.count) batch.firstChange = batch.count;
    if (last >= 0 && batch.clients[last] === client && batch.ends[last] === start) {
      if (changed && batch.firstChange > last) batch.firstChange = last;
      batch.ends[last] = this.out.pos;
    } else {
      batch.clients[batch.count] = client;
      batch.starts[batch.count] = start;
      batch.ends[batch.count] = this.out.pos;
      batch.count++;
      if (client.unsent > 0) batch.repeats = true;
      client.unsent++;
      if (client.countedIn !== this.count) {
        client.countedIn = this.count;
        this.served++;
      }
    }
    this.schedule();
  }

  /** Makes sure that the turn ends: something is to be written, replies or only effects. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.begunMs = this.clock();
    setImmediate(this.end);
  }

  /**
   * Whether the turn goes on for another round of the event loop, to take in what has come while its commands ran. As soon
   * as a round brings nothing it ends. With few clients it would only wait: they are those whose replies it holds. With
   * many who ask little, each reply would wait for other replies.
   */
  private looks(): boolean {
    if (!this.pressed) return false;
    const { pos } = this.out;
    this.idle = pos === this.lookedAt;
    if (this.idle) return false;
    this.lookedAt = pos;
    const takesInMs = Math.max(TAKES_IN_MS, Math.min(this.sink().turnSyncMs, TAKES_IN_MS_MAX));
    return this.clock() - this.begunMs < takesInMs;
  }

  private countTurn(): void {
    if (++this.turnsCounted < CROWD_TURNS) return;
    this.pressed = this.served >= CROWD && this.loop.busyShare() >= PRESSED_SHARE;
    this.served = 0;
    this.turnsCounted = 0;
    this.count++;
  }

  /** Writes the log, then sends what may be sent. Also called early when there is much. */
  finish(): void {
    this.scheduled = false;
    const sink = this.sink();
    if (!sink.enabled) {
      this.sendBatch(true);
      return;
    }
    sink.writeTurn();
    if (this.batch.count === 0) return;
    let now = true;
    let later: Batch | null = null;
    sink.whenDurable((safe) => {
      if (later !== null) this.send(later, safe);
      else if (now) this.sendBatch(safe);
    });
    now = false;
    if (this.batch.count === 0) return;
    // Not durable yet: the batch keeps its buffer, and the next turn gets another.
    later = this.batch;
    later.buf = this.out.buf;
    this.out.buf = this.takeBuffer();
    this.out.pos = 0;
    this.batch = new Batch(this.out.buf);
  }

  /** Sends the current batch; its buffer is used again unless a connection still holds it. */
  private sendBatch(safe: boolean): void {
    const { batch, out } = this;
    batch.buf = out.buf;
    // Whatever is added while sending (nothing should be) must not go into a batch being sent.
    if (batch.count > 0 && this.write(batch, safe)) out.buf = this.takeBuffer();
    else if (out.buf.length > BUFFER_KEPT_MAX) out.buf = this.takeBuffer();
    out.pos = 0;
    batch.clear();
  }

  private send(batch: Batch, safe: boolean): void {
    const held = this.write(batch, safe);
    if (!held && batch.buf.length <= BUFFER_KEPT_MAX && this.spare.length < SPARE_MAX) this.spare.push(batch.buf);
  }

  /** Returns whether a connection still holds the buffer. */
  private write(batch: Batch, safe: boolean): boolean {
    if (batch.repeats) {
      this.writeGathered(batch, safe);
      return false;
    }
    let held = false;
    const { buf, clients, starts, ends } = batch;
    for (let i = 0; i < batch.count; i++) {
      const client = clients[i]!;
      client.unsent--;
      client.unsentBytes -= ends[i]! - starts[i]!;
      if (client.isClosed) continue;
      if (!safe && i >= batch.firstChange) {
        this.events.unsafe(client);
        continue;
      }
      if (ends[i]! > starts[i]!) {
        this.writes++;
        if (client.connection.write(buf, starts[i]!, ends[i]!)) held = true;
      }
      if (client.attention || client.connection.pending > 0) this.events.sent(client);
    }
    return held;
  }

  /** Each client's segments as one piece of a buffer of its own. */
  private writeGathered(batch: Batch, safe: boolean): void {
    const { clients, next, count, ends, starts } = batch;
    const { buffer, byteOffset } = batch.buf;
    let total = 0;
    for (let i = count - 1; i >= 0; i--) {
      const client = clients[i]!;
      next[i] = client.firstSegment;
      client.firstSegment = i;
      total += ends[i]! - starts[i]!;
    }
    const gathered = this.gathered.length >= total ? this.gathered : largerBuffer(this.gathered, total);
    let held = false;
    let pos = 0;
    for (let i = 0; i < count; i++) {
      const client = clients[i]!;
      if (client.firstSegment !== i) continue;
      client.firstSegment = NONE;
      const start = pos;
      let last = i;
      for (let at = i; at !== NONE; at = next[at]!) {
        client.unsent--;
        client.unsentBytes -= ends[at]! - starts[at]!;
        last = at;
        if (!safe && at >= batch.firstChange) continue;
        gathered.set(new Uint8Array(buffer, byteOffset + starts[at]!, ends[at]! - starts[at]!), pos);
        pos += ends[at]! - starts[at]!;
      }
      if (client.isClosed) continue;
      if (pos > start) {
        this.writes++;
        if (client.connection.write(gathered, start, pos)) held = true;
      }
      if (!safe && last >= batch.firstChange) this.events.unsafe(client);
      else if (client.attention || client.connection.pending > 0) this.events.sent(client);
    }
    this.gathered = held || gathered.length > BUFFER_KEPT_MAX ? NO_BYTES : gathered;
  }

  private takeBuffer(): Buffer {
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }
}
