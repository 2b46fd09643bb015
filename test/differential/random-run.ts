/**
 * Plays random commands against two servers in windows: a window starts on empty data, so that a difference is repeated by
 * its window alone. Replies are compared one by one, the whole data set (DEBUG DIGEST) every thousand commands; DEBUG
 * RELOAD is thrown in. The window's commands are then shrunk to the few that matter.
 */
import { encodeCommand, type RespClient } from '../support/client.js';
import { decodeReply, quote, type Reply, show } from '../support/reply.js';
import type { Server } from '../support/server.js';
import { eventually } from '../support/wait.js';
import { difference } from './compare.js';
import { Draw, type RandomCommand, randomCommand } from './generator.js';
import { type Played, replyDifference } from './known-reply-differences.js';
import type { Protocol } from './script.js';
import { shrink } from './shrink.js';

export interface RandomRunOptions {
  seed: number;
  commands: number;
  windowCommands?: number;
  /** How many differing windows to gather before the run ends. */
  failuresMax?: number;
  /** With the append-only file on: DEBUG LOADAOF is thrown in beside RELOAD, so that what is logged is judged too. */
  aof?: boolean;
  progress?: (commandsDone: number) => void;
}

export interface RandomDifference {
  /** Index of the command that differed, from the run's start. */
  command: number;
  protocol: Protocol;
  /** What differed at first, ready to print. */
  text: string;
  /** A script (see script.ts) that repeats it. */
  script: string;
}

export interface RandomRunResult {
  commands: number;
  differences: RandomDifference[];
}

const DIGEST_EVERY = 1000;
const BATCH = 100;
const DIGEST: RandomCommand = { args: ['DEBUG', 'DIGEST'].map((word) => Buffer.from(word)), mode: {} };
const LOADAOF: RandomCommand = { args: ['DEBUG', 'LOADAOF'].map((word) => Buffer.from(word)), mode: {} };
const EXEC: RandomCommand = { args: [Buffer.from('EXEC')], mode: {} };
const RELOAD: RandomCommand = { args: ['DEBUG', 'RELOAD'].map((word) => Buffer.from(word)), mode: {} };

/** @param servers the oracle and ours */
export async function randomRun(
  servers: readonly [Server, Server],
  options: RandomRunOptions,
): Promise<RandomRunResult> {
  const { seed, commands, windowCommands = 4000, failuresMax = 1, aof = false } = options;
  const result: RandomRunResult = { commands: 0, differences: [] };
  const player = await Player.open(servers, aof);
  try {
    for (let window = 0; result.commands < commands; window++) {
      const protocol: Protocol = window % 2 === 0 ? 2 : 3;
      // Every second pair of windows has all kinds of scores, and goes without digests: 7.0's are of 17 digits.
      const r = new Draw(Math.imul(seed, 1_000_003) + window, window % 4 >= 2);
      const list = drawWindow(r, Math.min(windowCommands, commands - result.commands), aof);
      const found = await player.play(list, protocol);
      if (found !== null) {
        result.differences.push(
          await explain(player, list.slice(0, found.index + 1), protocol, found, result.commands),
        );
        if (result.differences.length >= failuresMax) return result;
      }
      result.commands += list.length;
      options.progress?.(result.commands);
    }
  } finally {
    await player.close();
  }
  return result;
}

function drawWindow(r: Draw, count: number, aof: boolean): RandomCommand[] {
  const list: RandomCommand[] = [];
  let open = false;
  for (let i = 1; i <= count; i++) {
    const name = list.at(-1)?.args[0]?.toString();
    if (name === 'MULTI') open = true;
    else if (name === 'EXEC' || name === 'DISCARD') open = false;
    // What does not belong into a transaction waits until it has ended.
    if (!open && !r.fractions && (i % DIGEST_EVERY === 0 || i === count)) list.push(DIGEST);
    else if (!open && r.chance(aof ? 0.2 : 0.1)) list.push(aof && r.chance(75) ? LOADAOF : RELOAD);
    else list.push(open && r.chance(12) ? EXEC : randomCommand(r));
  }
  return list;
}

interface Found {
  index: number;
  text: string;
}

async function explain(
  player: Player,
  list: RandomCommand[],
  protocol: Protocol,
  found: Found,
  before: number,
): Promise<RandomDifference> {
  const fails = async (candidate: RandomCommand[]): Promise<boolean> =>
    (await player.play(candidate, protocol)) !== null;
  const command = before + found.index + 1;
  if (!(await fails(list))) return { command, protocol, text: found.text, script: '# it did not happen again' };
  const short = await shrink(list, fails);
  const last = await player.play(short, protocol);
  const lines = short.slice(0, (last?.index ?? short.length) + 1).map(scriptLine);
  const remark = (last?.text ?? 'it did not happen again').split('\n').map((line) => `# ${line}`);
  return { command, protocol, text: found.text, script: [`@${protocol}`, ...lines, ...remark].join('\n') };
}

/** A command as a line of a script. */
function scriptLine({ args, mode }: RandomCommand): string {
  const words = args.map((arg) =>
    /^[\w:.+*()-]+$/.test(arg.toString('latin1')) ? arg.toString('latin1') : quote(arg),
  );
  const names = (['sorted', 'pairs', 'shape', 'type', 'doubles'] as const).filter((name) => mode[name]);
  const near = mode.near === undefined ? [] : [`near ${mode.near}`];
  const prefix = [...names, ...near].join(' ');
  return (prefix === '' ? '' : `${prefix}: `) + words.join(' ');
}

/** Both servers' connections, and the state of the transaction that runs on them. */
class Player {
  private queued: RandomCommand[] | null = null;
  private played: Played = { replayed: false };

  private constructor(
    private readonly servers: readonly [Server, Server],
    private clients: [RespClient, RespClient],
    private readonly aof: boolean,
  ) {}

  static async open(servers: readonly [Server, Server], aof: boolean): Promise<Player> {
    return new Player(servers, await Player.connect(servers), aof);
  }
  private static async connect(servers: readonly [Server, Server]): Promise<[RespClient, RespClient]> {
    return (await Promise.all(servers.map((server) => server.connect()))) as [RespClient, RespClient];
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  /** Null when both servers agree on everything, else the first difference. */
  async play(list: readonly RandomCommand[], protocol: Protocol): Promise<Found | null> {
    try {
      await this.start(protocol);
      for (let from = 0; from < list.length; from += BATCH) {
        const batch = list.slice(from, from + BATCH);
        const bytes = Buffer.concat(batch.map(({ args }) => encodeCommand(args)));
        for (const client of this.clients) client.write(bytes);
        for (let i = 0; i < batch.length; i++) {
          const [a, b] = await Promise.all(this.clients.map((client) => client.nextRaw()));
          const text = this.judge(batch[i]!, a!, b!);
          if (text !== null) {
            await this.reconnect(); // the rest of the batch is of no interest
            return { index: from + i, text };
          }
        }
      }
      return null;
    } catch (error) {
      for (const server of this.servers)
        if (!server.running) throw new Error(`${server.command[0]} ended:\n${server.output}`);
      await this.reconnect();
      return { index: list.length - 1, text: `${(error as Error).message}` };
    }
  }

  private async reconnect(): Promise<void> {
    await this.close();
    this.clients = await Player.connect(this.servers);
  }

  private async start(protocol: Protocol): Promise<void> {
    this.queued = null;
    this.played = { replayed: false };
    for (const client of this.clients) {
      await client.ask('RESET');
      await client.call('HELLO', protocol);
      await client.ask('FLUSHALL');
      if (this.aof) await beginLog(client);
    }
  }

  private judge(command: RandomCommand, a: Buffer, b: Buffer): string | null {
    const name = command.args[0]!.toString();
    const { queued } = this;
    let what: string | null = null;
    if (queued !== null && name !== 'EXEC' && name !== 'DISCARD') {
      if (!a.equals(b)) what = 'the reply';
      else if (a.toString() === '+QUEUED\r\n') queued.push(command);
    } else if (!a.equals(b)) {
      const [x, y] = [decodeReply(a), decodeReply(b)];
      what =
        name === 'EXEC' && queued !== null
          ? execDifference(x, y, queued, this.played)
          : replyDifference(x, y, command, this.played);
    }
    if (name === 'MULTI' && a.toString() === '+OK\r\n') this.queued = [];
    if (name === 'EXEC' || name === 'DISCARD') this.queued = null;
    if (command === LOADAOF) this.played.replayed = true;
    if (what === null) return null;
    return [
      `${scriptLine(command)}`,
      `  differs: ${what}`,
      `  redis: ${clip(decodeReply(a))}`,
      `  onggi: ${clip(decodeReply(b))}`,
    ].join('\n');
  }
}

/** Begins a new append-only file: what came before is in its base, which is empty. */
async function beginLog(client: RespClient): Promise<void> {
  await client.ask('CONFIG', 'SET', 'appendonly', 'no');
  await client.ask('CONFIG', 'SET', 'appendonly', 'yes');
  await eventually(
    async () =>
      /aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/.test(String(await client.ask('INFO', 'persistence'))),
    { what: 'the base of the AOF' },
  );
}

function execDifference(a: Reply, b: Reply, queued: readonly RandomCommand[], played: Played): string | null {
  if (a.items?.length !== queued.length || b.items?.length !== queued.length) return difference(a, b, {});
  for (let i = 0; i < a.items.length; i++) {
    const what = replyDifference(a.items[i]!, b.items[i]!, queued[i]!, played);
    if (what !== null) return `${what}, in the transaction's reply ${i + 1}: ${scriptLine(queued[i]!)}`;
  }
  return null;
}

function clip(reply: Reply): string {
  const text = show(reply);
  return text.length > 400 ? `${text.slice(0, 400)}... (${text.length} characters)` : text;
}
