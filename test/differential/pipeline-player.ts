/** Plays random commands on one connection to each server, a hundred in flight. */
import { encodeCommand, type RespClient } from '../support/client.js';
import type { Server } from '../support/server.js';
import { eventually } from '../support/wait.js';
import type { RandomCommand } from './generator.js';
import { Judge } from './judge.js';
import type { Protocol } from './script.js';

const BATCH = 100;

/** The first difference: the command's place in the list, and what differs. */
export interface Found {
  index: number;
  text: string;
}

export interface Player {
  /** Null when both servers agree on everything, else the first difference. */
  play(list: readonly RandomCommand[], protocol: Protocol): Promise<Found | null>;
  close(): Promise<void>;
}

export class PipelinePlayer implements Player {
  private judge = new Judge();

  private constructor(
    private readonly servers: readonly [Server, Server],
    private clients: [RespClient, RespClient],
    private readonly aof: boolean,
  ) {}

  static async open(servers: readonly [Server, Server], aof: boolean): Promise<PipelinePlayer> {
    return new PipelinePlayer(servers, await PipelinePlayer.connect(servers), aof);
  }
  private static async connect(servers: readonly [Server, Server]): Promise<[RespClient, RespClient]> {
    return (await Promise.all(servers.map((server) => server.connect()))) as [RespClient, RespClient];
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  async play(list: readonly RandomCommand[], protocol: Protocol): Promise<Found | null> {
    try {
      await this.start(protocol);
      for (let from = 0; from < list.length; from += BATCH) {
        const batch = list.slice(from, from + BATCH);
        const bytes = Buffer.concat(batch.map(({ args }) => encodeCommand(args)));
        for (const client of this.clients) client.write(bytes);
        for (let i = 0; i < batch.length; i++) {
          const [a, b] = await Promise.all(this.clients.map((client) => client.nextRaw()));
          const text = this.judge.judge(batch[i]!, a!, b!);
          if (text !== null || this.judge.apart) {
            await this.reconnect(); // the rest of the batch is of no interest
            return text === null ? null : { index: from + i, text };
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
    this.clients = await PipelinePlayer.connect(this.servers);
  }

  private async start(protocol: Protocol): Promise<void> {
    this.judge = new Judge();
    for (const client of this.clients) {
      await client.ask('RESET');
      await client.call('HELLO', protocol);
      await cleanSlate(client);
      if (this.aof) await beginLog(client);
    }
  }
}

/** Everything that a window may have changed is as it was at the server's start. */
export async function cleanSlate(client: RespClient): Promise<void> {
  await client.ask('CONFIG', 'SET', 'notify-keyspace-events', '');
  await client.ask('DEBUG', 'SET-ACTIVE-EXPIRE', 1);
  await client.ask('FLUSHALL');
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
