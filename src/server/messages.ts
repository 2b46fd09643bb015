/**
 * Messages for clients (pub/sub, invalidations, MONITOR) that wait for the running command to be over, in the order in
 * which they were made. Each is encoded when it is made, once for every protocol of its receivers:
 *
 *   out.buf     [ message 0 | message 1 in RESP2 | message 1 in RESP3 | ... ]
 *   entries     client 3, [0, 40)    client 9, [40, 90)    client 3, [90, 140)    ...     in order
 *
 * Hot where a message has many receivers: nothing is made for a receiver.
 */
import { ReplyWriter } from '../formats/resp/reply.js';
import type { Client } from './client.js';

const BUFFER_BYTES = 16 * 1024;
/** A larger buffer is not kept, nor room for more entries. */
const BUFFER_KEPT_MAX = 1024 * 1024;
const ENTRIES_KEPT_MAX = 100_000;

type Write = (out: ReplyWriter) => void;

// A cleared slot must not keep a client alive, and the array must keep its shape.
const NOBODY = null as unknown as Client;
const NOWHERE = -1;

export class Messages {
  private readonly out = new ReplyWriter(BUFFER_BYTES);
  private clients: Client[] = [];
  private starts: number[] = [];
  private ends: number[] = [];
  private count = 0;

  add(client: Client, write: Write): void {
    const { out } = this;
    const start = out.pos;
    out.resp = client.resp;
    write(out);
    this.enter(client, start, out.pos);
  }

  /** One message for all of them. */
  addForAll(clients: Iterable<Client>, write: Write): void {
    const { out } = this;
    let [start2, end2, start3, end3] = [NOWHERE, NOWHERE, NOWHERE, NOWHERE];
    for (const client of clients) {
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
    this.starts[count] = start;
    this.ends[count] = end;
    this.count = count + 1;
  }

  /** Hands all of them over, those added meanwhile too, and forgets them. `buf` is valid during the call. */
  deliver(to: (client: Client, buf: Uint8Array, start: number, end: number) => void): void {
    const { out, clients, starts, ends } = this;
    for (let i = 0; i < this.count; i++) {
      const client = clients[i]!;
      clients[i] = NOBODY;
      to(client, out.buf, starts[i]!, ends[i]!);
    }
    if (this.count > ENTRIES_KEPT_MAX) {
      this.clients = [];
      this.starts = [];
      this.ends = [];
    }
    if (out.buf.length > BUFFER_KEPT_MAX) out.buf = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    out.pos = 0;
    this.count = 0;
  }
}
