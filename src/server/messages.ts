/**
 * Messages for clients (pub/sub, invalidations, MONITOR) that wait for the running command to be over, in the order in
 * which they were made. Each is encoded when it is made, once for every protocol of its receivers:
 *
 *   buffers     [ message 0 | message 1 in RESP2 | message 1 in RESP3 | ... ]   [ message 200 | ...
 *   entries     client 3, [0, 40)    client 9, [40, 90)    client 3, [90, 140)    ...     in order
 *
 * One command can make any number of messages of any size (a transaction; a message that many patterns match), so there is
 * a new buffer after each megabyte, and whoever has more waiting than its limit gets no more.
 *
 * Hot where a message has many receivers: nothing is made for a receiver.
 */
import { ReplyWriter } from '../formats/resp/reply.js';
import type { Client } from './client.js';

const BUFFER_BYTES = 16 * 1024;
/** A larger buffer is not kept, nor room for more entries. */
const BUFFER_KEPT_MAX = 1024 * 1024;
/** A buffer that holds so much gets no further message; from then on receivers' limits are looked at. */
const BUFFER_FULL = 1024 * 1024;
const ENTRIES_KEPT_MAX = 100_000;

type Write = (out: ReplyWriter) => void;

// A cleared slot must not keep a client alive, and the array must keep its shape.
const NOBODY = null as unknown as Client;
const NO_BYTES = Buffer.alloc(0);
const NOWHERE = -1;

export class Messages {
  private readonly out = new ReplyWriter(BUFFER_BYTES);
  private clients: Client[] = [];
  private bufs: Buffer[] = [];
  private starts: number[] = [];
  private ends: number[] = [];
  private count = 0;
  /** A buffer has been filled since the last delivery. */
  private isMuch = false;

  /** @param isOver whether a client gets nothing any more, as too much waits for it; asked only where there is much */
  constructor(private readonly isOver: (client: Client) => boolean) {}

  add(client: Client, write: Write): void {
    const { out } = this;
    this.look();
    if (this.isMuch && this.isOver(client)) return;
    const start = out.pos;
    out.resp = client.resp;
    write(out);
    this.enter(client, start, out.pos);
  }

  /** One message for all of them. */
  addForAll(clients: Iterable<Client>, write: Write): void {
    const { out } = this;
    let [start2, end2, start3, end3] = [NOWHERE, NOWHERE, NOWHERE, NOWHERE];
    this.look();
    for (const client of clients) {
      if (this.isMuch && this.isOver(client)) continue;
      if (client.resp < 3) {
        if (start2 === NOWHERE) {
          start2 = out.pos;
          out.resp = 2;
          write(out);
          end2 = out.pos;
        }
        this.enter(client, start2, end2);
      } else {
        if (start3 === NOWHERE) {
          start3 = out.pos;
          out.resp = 3;
          write(out);
          end3 = out.pos;
        }
        this.enter(client, start3, end3);
      }
    }
  }

  private enter(client: Client, start: number, end: number): void {
    const { count } = this;
    this.clients[count] = client;
    this.bufs[count] = this.out.buf;
    this.starts[count] = start;
    this.ends[count] = end;
    this.count = count + 1;
    client.unsentBytes += end - start;
  }

  /** Begins a new buffer when this one is full. */
  private look(): void {
    const { out } = this;
    if (out.pos < BUFFER_FULL) return;
    this.isMuch = true;
    out.buf = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    out.pos = 0;
  }

  /** Hands all of them over, those added meanwhile too, and forgets them. `buf` is valid during the call. */
  deliver(to: (client: Client, buf: Uint8Array, start: number, end: number) => void): void {
    const { out, clients, bufs, starts, ends } = this;
    for (let i = 0; i < this.count; i++) {
      const client = clients[i]!;
      const buf = bufs[i]!;
      clients[i] = NOBODY;
      bufs[i] = NO_BYTES;
      client.unsentBytes -= ends[i]! - starts[i]!;
      to(client, buf, starts[i]!, ends[i]!);
    }
    if (this.count > ENTRIES_KEPT_MAX) {
      this.clients = [];
      this.bufs = [];
      this.starts = [];
      this.ends = [];
    }
    if (out.buf.length > BUFFER_KEPT_MAX) out.buf = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    out.pos = 0;
    this.count = 0;
    this.isMuch = false;
  }
}
