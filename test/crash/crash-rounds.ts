/**
 * Rounds of: start the server, let clients write, kill -9 at a random moment, start it again, compare. One folder per
 * `appendfsync` policy goes through all of its rounds, so that each also loads what the kills before have left.
 *
 * While clients write, rewrites, saves and switches of the configuration happen at random, so that kills hit them too.
 */
import { removeFolder, temporaryFolder } from '../support/folder.js';
import { type Server, startOnggi } from '../support/server.js';
import { eventually, pause } from '../support/wait.js';
import { JournalClient, type Random, seededRandom } from './journal-client.js';

export interface CrashOptions {
  seed: number;
  rounds: number;
  /** Told after every round. */
  progress?: (text: string) => void;
}

const POLICIES = ['always', 'everysec', 'no'] as const;
/** A crowd, for whom turns go on (turn.ts); in other rounds a few of them write. */
const CLIENTS = 32;
const FEW = 4;
/** Longest time in milliseconds that clients write before a kill. */
const LIFE_MS = 350;
/** With `always` it may be longer, for a log that was busy for a second is written into room. */
const LONG_LIFE_MS = 1800;

/** Arguments of a start: small limits, so that a lot happens in a short life. */
function startArgs(policy: string, random: Random): string[] {
  const yesNo = (probability: number) => (random() < probability ? 'yes' : 'no');
  return [
    ...['--appendonly', 'yes', '--appendfsync', policy],
    ...['--auto-aof-rewrite-min-size', '100kb', '--auto-aof-rewrite-percentage', random() < 0.5 ? '100' : '10'],
    ...['--aof-use-rdb-preamble', yesNo(0.7), '--aof-timestamp-enabled', yesNo(0.3)],
    ...['--no-appendfsync-on-rewrite', yesNo(0.3), '--save', random() < 0.3 ? '1 1' : ''],
  ];
}

/** Somebody administers the server while clients write. Ends with the connection. */
async function administer(server: Server, random: Random): Promise<void> {
  const client = await server.connect();
  const commands = [
    ['BGREWRITEAOF'],
    ['BGSAVE', 'SCHEDULE'],
    ['CONFIG', 'SET', 'aof-use-rdb-preamble', 'no'],
    ['DBSIZE'],
  ];
  try {
    for (;;) {
      await pause(random() * 120);
      await client.call(...commands[Math.floor(random() * commands.length)]!);
    }
  } catch {
    // The kill.
  }
}

/** Returns what went wrong, with the seed that repeats it; null when nothing did. */
export async function crashRounds(options: CrashOptions): Promise<string | null> {
  const random = seededRandom(options.seed);
  const lives = POLICIES.map((policy, i) => ({
    policy,
    dir: temporaryFolder(`crash-${policy}`),
    clients: Array.from(
      { length: CLIENTS },
      // Some wait for every answer, some send ahead.
      (_, k) =>
        new JournalClient(`c${k}`, seededRandom(options.seed * 1000 + i * 100 + k), k % 3, [1, 4, 20, 60][k % 4]!),
    ),
  }));
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const { policy, dir, clients } = lives[(round - 1) % lives.length]!;
      const writing = random() < 0.5 ? clients : clients.slice(0, FEW);
      const server = await startOnggi({ dir, args: startArgs(policy, random) });
      for (const client of writing) await client.connect(server.port);
      for (const client of writing) client.start();
      const admin = administer(server, random);
      const before = total(clients);
      await eventually(() => total(clients) > before, { what: 'the first acknowledged command' });
      await pause(random() * (policy === 'always' && random() < 0.3 ? LONG_LIFE_MS : LIFE_MS));
      await server.kill();
      await admin;
      for (const client of writing) client.disconnect();

      const again = await startOnggi({ dir, args: startArgs(policy, random) });
      try {
        for (const client of clients) {
          const wrong = await client.verify(again.port);
          if (wrong !== null)
            return `seed ${options.seed}, round ${round}, appendfsync ${policy}: ${wrong}\n${again.output}`;
        }
      } finally {
        // The second process ends in the same way: what it did at its start must not have harmed either.
        await again.kill();
      }
      options.progress?.(
        `round ${round}: ${policy}, ${writing.length} clients, ${total(clients) - before} commands acknowledged`,
      );
    }
    return null;
  } finally {
    for (const { dir } of lives) removeFolder(dir);
  }
}

function total(clients: JournalClient[]): number {
  return clients.reduce((sum, client) => sum + client.acknowledged, 0);
}
