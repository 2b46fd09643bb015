/**
 * What waiting clients take, in the append-only files of ours and of redis-server: the same commands, in the same order and
 * the same transactions.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeReply, replyEnd } from '../support/reply.js';
import { type Server, startOnggi, startOracle } from '../support/server.js';
import { eventually } from '../support/wait.js';

/** `b> ` waits, the other lines are of another client. Without what 7.2 logs of XREADGROUP and 7.0 does not. */
const SCRIPT = `
b> BLPOP k1 k2 0
RPUSH k2 a b
b> BRPOP l 0
RPUSH l a b
b> BLMPOP 0 2 m m2 LEFT COUNT 5
MULTI
RPUSH m 1 2 3
RPUSH n x
EXEC
b> BLMOVE from to left right 0
RPUSH from x y
b> BRPOPLPUSH from2 to 0
RPUSH from2 x y
b> BZPOPMIN y z 0
ZADD z 1 a 2 b
b> BZPOPMAX z2 0
ZADD z2 1 a 2 b
b> BZMPOP 0 1 z3 MIN COUNT 10
ZADD z3 1 a 2 b
b> SELECT 3
b> BLPOP l 0
RPUSH x a
RENAME x l
MOVE l 3
b> SELECT 0
b> BLPOP swapped 0
SELECT 5
RPUSH swapped 1 2
SWAPDB 0 5
SELECT 0
XGROUP CREATE s g $ MKSTREAM
XGROUP CREATECONSUMER s g c
b> XREADGROUP GROUP g c NOACK BLOCK 0 STREAMS s >
XADD s 2-1 a 1
b> XREAD BLOCK 0 STREAMS s $
XADD s 3-1 a 1
BLPOP none 0.01
RPUSH q a b
BLPOP q 0
BLMOVE q q2 LEFT RIGHT 0.01
MULTI
BLPOP none 0
RPUSH none a b
BLPOP none 0
BZPOPMIN none2 0
BRPOP none 0
EXEC
`;

async function logOf(server: Server): Promise<string[]> {
  const waiter = await server.connect();
  const other = await server.connect();
  for (const line of SCRIPT.trim().split('\n')) {
    const words = line.replace('b> ', '').split(' ');
    if (line.startsWith('b> ') && words[0] !== 'SELECT') {
      waiter.write(`${words.join(' ')}\r\n`);
      await eventually(async () => String(await other.ask('INFO', 'clients')).includes('blocked_clients:1\r'));
    } else {
      await (line.startsWith('b> ') ? waiter : other).call(...words);
    }
  }
  const folder = join(server.dir, 'appendonlydir');
  const name = readdirSync(folder).find((each) => each.endsWith('.incr.aof'))!;
  return commandsIn(readFileSync(join(folder, name)));
}

/** The commands of a log, without annotations. */
function commandsIn(log: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < log.length; ) {
    if (log[at] === 35) {
      at = log.indexOf(10, at) + 1;
      continue;
    }
    const end = replyEnd(log, at);
    const words = decodeReply(log, at).items!.map((item) => item.bytes!.toString('latin1'));
    found.push(words.join(' '));
    at = end;
  }
  return found;
}

it('is the same', async () => {
  const args = ['--appendonly', 'yes'];
  const servers = await Promise.all([startOracle({ args }), startOnggi({ args })]);
  try {
    const [oracle, ours] = await Promise.all(servers.map(logOf));
    expect(ours).toEqual(oracle);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});
