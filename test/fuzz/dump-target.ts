/** DUMP payloads, damaged, are RESTOREd; what is taken is used. */

import { drawPayloads, sealPayload } from '../support/corpus.js';
import type { Random } from '../support/random.js';
import { Random as Source } from '../support/random.js';
import { TestServer, type Wire } from '../support/test-server.js';
import { applyEdits, drawEdits, type Edit } from './mutate.js';
import type { Input, Outcome, Target } from './target.js';
import { KEY, ValueCheck } from './value-check.js';

const REFUSALS = ['ERR DUMP payload version or checksum are wrong', 'ERR Bad data format'];
const SANITIZE = ['no', 'yes', 'clients'];

export class DumpTarget implements Target<Edit> {
  readonly name = 'dump';
  readonly pieceBytes = 2 * 1024 * 1024;
  private payloads: { body: Buffer; version: number }[] = [];
  private server!: TestServer;
  private wire!: Wire;
  private check!: ValueCheck;
  private servers = 0;

  begin(seed: number): void {
    this.payloads = drawPayloads(new Source(seed));
    this.renew();
  }

  renew(): void {
    const sanitize = SANITIZE[this.servers++ % SANITIZE.length]!;
    this.server = new TestServer({ config: { 'sanitize-dump-payload': sanitize, databases: 1 }, without: ['migrate'] });
    this.wire = this.server.connect();
    this.check = new ValueCheck(this.wire);
  }

  draw(r: Random): Input<Edit> {
    const { body, version } = r.pick(this.payloads);
    const sound = sealPayload(body, version);
    // Mostly the sum is made good again, and only what it covers is damaged.
    const sealed = r.chance(95);
    return {
      base: sealed ? body : sound,
      parts: drawEdits(r, sealed ? body.length : sound.length),
      choice: sealed ? version : 0,
    };
  }

  bytes({ base, parts, choice }: Input<Edit>): Uint8Array {
    const edited = applyEdits(base, parts);
    return choice === 0 ? edited : sealPayload(edited, choice);
  }

  run(input: Input<Edit>): Outcome {
    return this.runBytes(this.bytes(input));
  }

  runBytes(payload: Uint8Array): Outcome {
    const { wire, server } = this;
    const [reply] = wire.ask(['RESTORE', KEY, '0', payload]);
    const answer = reply!.bytes!.toString('latin1');
    if (reply!.mark === '-') {
      if (!REFUSALS.includes(answer)) throw new Error(`RESTORE answers ${answer}`);
    } else {
      this.check.run(new Source(payload.length));
    }
    server.flush();
    server.audit();
    return reply!.mark === '-' ? 'refused' : 'accepted';
  }

  show(input: Input<Edit>): string {
    return `RESTORE ${KEY} 0 <hex ${Buffer.from(this.bytes(input)).toString('hex')}>`;
  }
}
