/**
 * Bytes as clients send them, and as no client should: requests that are cut, glued, damaged, and that claim anything, in pieces
 * that begin and end anywhere, over several connections.
 */
import { RequestParser } from '../../src/formats/resp/request.js';
import { Server } from '../../src/server/server.js';
import { Draw } from '../differential/draw.js';
import { randomCommand } from '../differential/generator.js';
import { EDGE_VALUES } from '../differential/random-arguments.js';
import { encodeCommand } from '../support/client.js';
import type { Random } from '../support/random.js';
import { decodeAll } from '../support/reply.js';
import { TestServer, type Wire } from '../support/test-server.js';
import { applyEdits, drawEdits } from './mutate.js';
import type { Input, Outcome, Target } from './target.js';

/** What reaches out of the process, or ends it. */
const FORBIDDEN = ['shutdown', 'migrate', 'failover', 'replicaof', 'slaveof', 'sync', 'psync', 'replconf'];
/** What takes its time because it is told to: a pause, or a reply with as many elements as are asked for. */
const SLOW = /sleep|(randmember|randfield)[^*]*-\d{5}/i;
/** What a later input would notice. */
const LASTING = /config|debug|acl|pause|function|script|latency|tracking|module/i;

const CONNECTIONS = 3;
/** Of choice: with a password, in RESP3. */
const PASSWORD = 1;
const RESP3 = 2;

const HEADS = [
  ...['*0', '*-1', '*1', '*2', '*3', '*1000', '*2147483647', '*2147483648', '*-2147483649', '*1048576', '*1048577'],
  ...['*', '*x', '*+1', '*1 ', '* 1', '*01', '*99999999999999999999', '$5', '$-1', '$', '$0', '$x', '$536870912'],
  ...[
    '$536870913',
    '$4294967296',
    '$-2147483648',
    '$1048576',
    '$1048577',
    '$9223372036854775807',
    '$01',
    '-ERR',
    '+OK',
  ],
  ...[':1', '%1', '~1', '>2', '|1', '_', '#t', ',1', '(1', '!3', '=7'],
];
const ENDS = ['\r\n', '\r\n', '\r\n', '\n', '\r', '', '\r\r\n', '\0\r\n', ' \r\n'];
const INLINE = [
  ...[
    'PING',
    'ping',
    '"PING"',
    "'PING'",
    'PING "a b"',
    'GET "unbalanced',
    "GET 'x",
    '"a""b"',
    'SET k "\\x41\\n\\"" ',
    '   ',
  ],
  ...[
    '\t',
    'GET k extra words',
    '\0',
    'QUIT',
    'HELLO',
    'HELLO 3',
    'ECHO "\\xff"',
    'MULTI',
    'EXEC',
    'POST / HTTP/1.1',
    'Host: x',
  ],
];
const COMMON = [
  ...[
    'MULTI',
    'EXEC',
    'DISCARD',
    'HELLO 3',
    'HELLO 2',
    'HELLO 9',
    'HELLO 3 AUTH default pw',
    'HELLO 3 SETNAME x',
    'AUTH pw',
  ],
  ...[
    'AUTH default pw',
    'AUTH wrong',
    'RESET',
    'QUIT',
    'CLIENT REPLY OFF',
    'CLIENT REPLY ON',
    'CLIENT REPLY SKIP',
    'CLIENT ID',
  ],
  ...[
    'CLIENT LIST',
    'CLIENT INFO',
    'CLIENT KILL ID 1',
    'CLIENT NO-EVICT on',
    'CLIENT NO-TOUCH on',
    'CLIENT SETNAME a',
    'WATCH k',
  ],
  ...[
    'SUBSCRIBE a b',
    'UNSUBSCRIBE',
    'PSUBSCRIBE *',
    'PUBLISH a x',
    'SSUBSCRIBE c',
    'MONITOR',
    'CLIENT TRACKING ON',
    'INFO',
  ],
  ...[
    'CLIENT TRACKING ON BCAST',
    'CLIENT TRACKING ON BCAST PREFIX a PREFIX k NOLOOP',
    'CLIENT TRACKING ON OPTIN REDIRECT 1',
    'CLIENT TRACKING OFF',
    'CLIENT CACHING YES',
    'CLIENT TRACKINGINFO',
    'GET k',
  ],
  ...[
    'COMMAND',
    'COMMAND DOCS get',
    'SELECT 3',
    'FLUSHALL',
    'DBSIZE',
    'CONFIG GET *',
    'CONFIG SET maxmemory 1',
    'MEMORY DOCTOR',
  ],
];

/** Bytes that arrive at once on one of the connections. */
export interface Piece {
  connection: number;
  bytes: Buffer;
}

export class SocketTarget implements Target<Piece> {
  readonly name = 'socket';
  readonly pieceBytes = 16 * 1024 * 1024;
  private readonly names = Server.commandNames().filter((name) => !FORBIDDEN.includes(name));
  private servers: (TestServer | undefined)[] = [];

  begin(): void {
    this.renew();
  }

  renew(): void {
    this.servers = [];
  }

  draw(r: Random): Input<Piece> {
    const draw = new Draw(r.next());
    const parts: Piece[] = [];
    for (let run = r.chance(70) ? 1 : 1 + r.below(4); run > 0; run--) {
      const requests: Buffer[] = [];
      for (let left = 1 + r.below(8); left > 0; left--) requests.push(this.drawRequest(r, draw));
      let bytes: Buffer = Buffer.concat(requests);
      if (r.chance(55)) bytes = applyEdits(bytes, drawEdits(r, bytes.length));
      const connection = r.chance(70) ? 0 : r.below(CONNECTIONS);
      for (const piece of cut(r, bytes)) parts.push({ connection, bytes: piece });
    }
    return { base: new Uint8Array(0), parts, choice: (r.chance(10) ? PASSWORD : 0) | (r.chance(40) ? RESP3 : 0) };
  }

  private drawRequest(r: Random, draw: Draw): Buffer {
    const kind = r.below(100);
    if (kind < 45) return encodeCommand(randomCommand(draw).args);
    if (kind < 65) {
      const args = [r.pick(this.names), ...Array.from({ length: r.below(6) }, () => this.drawArgument(r))];
      return encodeCommand(args.map((arg) => Buffer.from(arg, 'latin1')));
    }
    if (kind < 78) return encodeCommand(r.pick(COMMON).split(' '));
    if (kind < 86) return Buffer.from(r.pick(INLINE) + r.pick(ENDS), 'latin1');
    if (kind < 88)
      return Buffer.from(`${r.pick(this.names)} ${this.drawArgument(r)} ${this.drawArgument(r)}\r\n`, 'latin1');
    if (kind < 99) {
      let text = '';
      for (let left = 1 + r.below(5); left > 0; left--) {
        text += r.pick(HEADS) + r.pick(ENDS) + (r.chance(30) ? this.drawArgument(r) + r.pick(ENDS) : '');
      }
      return Buffer.from(text, 'latin1');
    }
    return Buffer.alloc(60_000 + r.below(10_000), r.pick(['x', ' ', '*', '\0', '"', '1']));
  }

  private drawArgument(r: Random): string {
    if (r.chance(40)) return `${r.pick([...'slhtzx'])}:${r.below(4)}`;
    return r.chance(70) ? r.pick(EDGE_VALUES) : String(r.below(100));
  }

  bytes({ parts }: Input<Piece>): Uint8Array {
    return Buffer.concat(parts.map(({ bytes }) => bytes));
  }

  run({ parts, choice }: Input<Piece>): Outcome {
    const bytes = Buffer.concat(parts.map((piece) => piece.bytes));
    const text = bytes.toString('latin1');
    if (SLOW.test(text)) return 'refused';
    comparePieces(parts);
    this.servers[choice & PASSWORD] ??= new TestServer({
      config: { 'proto-max-bulk-len': 1024 * 1024, ...((choice & PASSWORD) !== 0 ? { requirepass: 'pw' } : {}) },
      without: FORBIDDEN,
    });
    const server = this.servers[choice & PASSWORD]!;
    const wires = Array.from({ length: CONNECTIONS }, () => server.connect());
    if ((choice & RESP3) !== 0) wires[0]!.send(encodeCommand(['HELLO', '3']));
    for (const piece of parts) wires[piece.connection]!.feed(piece.bytes);
    server.finishTurn();
    let errors = 0;
    for (const wire of wires) errors += this.received(wire);
    const [pong] = server.connect().ask(['PING']);
    if (pong === undefined && !LASTING.test(text)) throw new Error('the server does not answer any more');
    server.disconnectAll();
    server.flush();
    server.audit();
    if (LASTING.test(text)) this.renew();
    return errors > 0 ? 'refused' : 'accepted';
  }

  /** Everything that came must be whole replies; returns how many of them are errors. */
  private received(wire: Wire): number {
    return decodeAll(wire.received()).filter((reply) => reply.mark === '-').length;
  }

  show({ parts, choice }: Input<Piece>): string {
    const lines = parts.map(
      ({ connection, bytes }) => `connection ${connection}: ${JSON.stringify(bytes.toString('latin1'))}`,
    );
    const how = [(choice & PASSWORD) !== 0 ? 'requirepass pw' : '', (choice & RESP3) !== 0 ? 'HELLO 3 first' : ''];
    return [how.filter((word) => word !== '').join(', '), ...lines].join('\n');
  }
}

/** Cuts bytes into pieces: mostly few, sometimes one for each byte. */
function cut(r: Random, bytes: Buffer): Buffer[] {
  const kind = r.below(10);
  if (kind < 4) return [bytes];
  if (kind === 9 && bytes.length < 300) return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const at = Array.from({ length: 1 + r.below(6) }, () => r.below(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

/** Whatever the pieces are, the same requests must come out, and the same error. */
function comparePieces(parts: readonly Piece[]): void {
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const pieces = parts.filter((piece) => piece.connection === connection).map(({ bytes }) => bytes);
    if (pieces.length < 2) continue;
    const whole = parse([Buffer.concat(pieces)]);
    const cutUp = parse(pieces);
    // A line that is too long is refused when its end has not come yet: as in Redis that depends on the pieces.
    if (/too big (inline request|mbulk count string|bulk count string)$/.test(cutUp)) continue;
    if (whole !== cutUp)
      throw new Error(`in one piece: ${whole.slice(0, 300)}\nin ${pieces.length}: ${cutUp.slice(0, 300)}`);
  }
}

function parse(pieces: readonly Buffer[]): string {
  const parser = new RequestParser();
  let out = '';
  for (const piece of pieces) {
    // What was read lies in a buffer that is used again.
    const buf = Uint8Array.from(piece);
    parser.feed(buf, 0, buf.length);
    while (parser.next()) {
      for (let i = 0; i < parser.args.count; i++) out += `${JSON.stringify(parser.args.latin1(i))} `;
      out += '\n';
    }
    parser.rest();
    buf.fill(0xee);
    if (parser.error !== null) return out + parser.error;
  }
  return `${out}${parser.pending} bytes are left`;
}
