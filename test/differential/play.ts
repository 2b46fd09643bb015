/** Plays scripts against two servers at once and tells where they differ. */
import { encodeCommand, type RespClient } from '../support/client.js';
import { type Reply, show } from '../support/reply.js';
import type { Server } from '../support/server.js';
import { eventually } from '../support/wait.js';
import { difference } from './compare.js';
import type { Mode, Protocol, Section, Step } from './script.js';

export interface Pair {
  oracle: Server;
  ours: Server;
  /** Whether the oracle plays our part as well: then it is not measured by what scripts state about 7.2. */
  selfTest: boolean;
}

export interface Difference {
  line: number;
  /** The command and both replies, ready to print. */
  text: string;
}

/** A reply that never came is shown in its place. */
const silence = (why: string): Reply => ({ mark: '-', bytes: Buffer.from(`(${why})`), items: null });

/** One server's side of a section: its connections and the values it kept. */
export class Side {
  private readonly connections = new Map<string, RespClient>();
  private readonly kept = new Map<string, Buffer>();
  private watcher: RespClient | undefined;

  constructor(
    private readonly server: Server,
    private readonly protocol: Protocol,
  ) {}

  async play(step: Step): Promise<Reply[]> {
    const client = await this.connection(step.connection);
    const { action, mode } = step;
    if (action.kind === 'waiting') return [await this.waiting(action.clients)];
    if (action.kind === 'closed') return [await closedReply(client)];
    if (action.kind === 'read') return [await this.read(client)];
    if (action.kind === 'raw') {
      client.write(action.bytes);
      const replies: Reply[] = [];
      for (let i = 0; i < action.replies; i++) replies.push(await this.read(client));
      return replies;
    }
    const args = action.args.map((arg) => this.replaced(arg));
    if (mode.scan) return [await this.scan(client, args)];
    if (mode.send) {
      client.write(encodeCommand(args));
      return [];
    }
    client.write(encodeCommand(args));
    const reply = await this.read(client);
    if (mode.let !== undefined) this.kept.set(mode.let, reply.bytes ?? Buffer.alloc(0));
    return [reply];
  }

  async close(): Promise<void> {
    for (const client of this.connections.values()) await client.close();
    await this.watcher?.close();
  }

  private async connection(name: string): Promise<RespClient> {
    const known = this.connections.get(name);
    if (known) return known;
    const client = await this.server.connect();
    client.replyTimeoutMs = 10_000;
    this.connections.set(name, client);
    if (this.protocol === 3) await client.call('HELLO', 3);
    return client;
  }

  /** Asked on a connection of its own: those of the section may be in MULTI, or wait themselves. */
  private async waiting(clients: number): Promise<Reply> {
    this.watcher ??= await this.server.connect();
    const { watcher } = this;
    try {
      const line = `blocked_clients:${clients}\r\n`;
      await eventually(async () => String(await watcher.ask('INFO', 'clients')).includes(line), {
        what: `${clients} clients that wait`,
        deadlineMs: 10_000,
      });
      return { mark: ':', bytes: Buffer.from(String(clients)), items: null };
    } catch (error) {
      return silence((error as Error).message);
    }
  }

  private async read(client: RespClient): Promise<Reply> {
    try {
      return await client.next();
    } catch (error) {
      return silence((error as Error).message);
    }
  }

  private replaced(arg: Buffer): Buffer {
    const name = /^\$(\w+)$/.exec(arg.toString('latin1'))?.[1];
    return (name !== undefined && this.kept.get(name)) || arg;
  }

  /** Follows the cursor to its end; the reply is an array of everything returned, once each, sorted. */
  private async scan(client: RespClient, args: Buffer[]): Promise<Reply> {
    const keyed = args[0]!.toString().toUpperCase() !== 'SCAN';
    const width = /^[HZ]SCAN$/i.test(args[0]!.toString()) ? 2 : 1;
    const seen = new Map<string, Reply[]>();
    const call = [...args];
    for (let round = 0; round < 1_000_000; round++) {
      client.write(encodeCommand(call));
      const reply = await this.read(client);
      const [cursor, items] = reply.items ?? [];
      if (cursor?.bytes === undefined || cursor.bytes === null || items?.items === undefined || items.items === null)
        return reply;
      for (let i = 0; i + width <= items.items.length; i += width) {
        const row = items.items.slice(i, i + width);
        seen.set(row.map((item) => show(item, true)).join(), row);
      }
      if (cursor.bytes.toString() === '0') {
        const keys = [...seen.keys()].sort();
        return { mark: '*', bytes: null, items: keys.flatMap((key) => seen.get(key)!) };
      }
      call[keyed ? 2 : 1] = Buffer.from(cursor.bytes);
    }
    return silence('the cursor never came back to 0');
  }
}

async function closedReply(client: RespClient): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined;
  const open = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('open'), 5_000);
  });
  const state = await Promise.race([client.waitClosed().then(() => 'closed'), open]);
  clearTimeout(timer);
  return { mark: '+', bytes: Buffer.from(state), items: null };
}

/**
 * Plays a section on empty data. Afterwards the data sets must be equal (DEBUG DIGEST), and ours must still be after it
 * was saved and loaded (DEBUG RELOAD).
 */
export async function playSection(pair: Pair, section: Section, protocol: Protocol): Promise<Difference[]> {
  await Promise.all([pair.oracle, pair.ours].map(reset));
  const oracle = new Side(pair.oracle, protocol);
  const ours = new Side(pair.ours, protocol);
  const found: Difference[] = [];
  try {
    for (const step of section.steps) {
      if (!step.protocols.includes(protocol)) continue;
      const [expected, actual] = await Promise.all([
        step.mode.ours ? [] : oracle.play(step),
        step.mode.oracle ? [] : ours.play(step),
      ]);
      const text = judge(step, pair.selfTest ? undefined : step.expect[protocol], protocol, expected, actual);
      if (text !== null) found.push({ line: step.line, text });
      if (found.length >= 20) break;
    }
    if (found.length === 0) found.push(...(await compareData(pair, section.line)));
  } finally {
    await Promise.all([oracle.close(), ours.close()]);
  }
  return found;
}

/** Empties the data set and waits until the last section's connections are gone: CLIENT commands would see them. */
export async function reset(server: Server): Promise<void> {
  const client = await server.connect();
  await client.ask('FLUSHALL');
  await eventually(
    async () =>
      String(await client.ask('CLIENT', 'LIST'))
        .trim()
        .split('\n').length === 1,
    {
      what: 'the end of the connections of the last section',
      deadlineMs: 5_000,
    },
  );
  await client.close();
}

function judge(
  step: Step,
  stated: Reply | undefined,
  protocol: Protocol,
  expected: readonly Reply[],
  actual: readonly Reply[],
): string | null {
  const wanted = stated === undefined ? expected : [stated];
  const mode: Mode = step.mode;
  if (mode.oracle || (mode.ours && stated === undefined) || mode.let !== undefined) return null;
  const what = wanted.length === actual.length ? firstDifference(wanted, actual, mode) : 'the number of replies';
  if (what === null) return null;
  return [
    `line ${step.line} [RESP${protocol}] ${step.text}`,
    `  differs: ${what}`,
    `  ${stated === undefined ? 'redis' : 'stated'}: ${clip(wanted)}`,
    `  onggi: ${clip(actual)}`,
  ].join('\n');
}

function firstDifference(wanted: readonly Reply[], actual: readonly Reply[], mode: Mode): string | null {
  for (let i = 0; i < wanted.length; i++) {
    const what = difference(wanted[i]!, actual[i]!, mode);
    if (what !== null) return what;
  }
  return null;
}

function clip(replies: readonly Reply[]): string {
  const text = replies.map((reply) => show(reply)).join(' | ');
  return text.length > 600 ? `${text.slice(0, 600)}... (${text.length} characters)` : text;
}

async function compareData(pair: Pair, line: number): Promise<Difference[]> {
  const [a, b] = [await pair.oracle.connect(), await pair.ours.connect()];
  try {
    const digest = await a.ask('DEBUG', 'DIGEST');
    const ours = await b.ask('DEBUG', 'DIGEST');
    if (digest !== ours) return [{ line, text: `DEBUG DIGEST after the section: redis ${digest}, onggi ${ours}` }];
    await b.ask('DEBUG', 'RELOAD');
    const reloaded = await b.ask('DEBUG', 'DIGEST');
    if (digest !== reloaded)
      return [{ line, text: `DEBUG DIGEST after DEBUG RELOAD: redis ${digest}, onggi ${reloaded}` }];
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
  return [];
}
