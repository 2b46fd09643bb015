/** Follows a connection's commands and says whether both servers' replies agree, in the way that each command asks for. */
import { decodeReply, quote, type Reply, show } from '../support/reply.js';
import { difference } from './compare.js';
import type { RandomCommand } from './generator.js';
import { type Played, replyDifference } from './known-reply-differences.js';

export class Judge {
  /** The commands queued by the open transaction. */
  private queued: RandomCommand[] | null = null;
  private readonly played: Played = { replayed: false };
  /**
   * Whether the data is not the same any more, as it should be: PFADD to a damaged HyperLogLog leaves in Redis what it has
   * added before it met the damage.
   */
  apart = false;

  /** @param a the oracle's reply, @param b ours; null when they agree, else the difference, ready to print */
  judge(command: RandomCommand, a: Buffer, b: Buffer): string | null {
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
    if (name === 'EXEC' || name === 'DISCARD' || name === 'RESET') this.queued = null;
    const adds = name.toUpperCase() === 'PFADD' && command.args.length > 3;
    if ((adds || name === 'EXEC') && b.includes('-INVALIDOBJ')) this.apart = true;
    if (command.args[1]?.toString() === 'LOADAOF') this.played.replayed = true;
    if (what === null) return null;
    return [
      `${scriptLine(command)}`,
      `  differs: ${what}`,
      `  redis: ${clip(decodeReply(a))}`,
      `  onggi: ${clip(decodeReply(b))}`,
    ].join('\n');
  }
}

function execDifference(a: Reply, b: Reply, queued: readonly RandomCommand[], played: Played): string | null {
  if (a.items?.length !== queued.length || b.items?.length !== queued.length) return difference(a, b, {});
  for (let i = 0; i < a.items.length; i++) {
    const what = replyDifference(a.items[i]!, b.items[i]!, queued[i]!, played);
    if (what !== null) return `${what}, in the transaction's reply ${i + 1}: ${scriptLine(queued[i]!)}`;
  }
  return null;
}

/** A command as a line of a script. */
export function scriptLine({ args, mode, connection }: RandomCommand): string {
  const words = args.map((arg) =>
    /^[\w:.+*()-]+$/.test(arg.toString('latin1')) ? arg.toString('latin1') : quote(arg),
  );
  const names = (['sorted', 'pairs', 'shape', 'type', 'doubles'] as const).filter((name) => mode[name]);
  const near = mode.near === undefined ? [] : [`near ${mode.near}`];
  const prefix = [...names, ...near].join(' ');
  return (connection === undefined ? '' : `${connection}> `) + (prefix === '' ? '' : `${prefix}: `) + words.join(' ');
}

export function clip(reply: Reply): string {
  const text = show(reply);
  return text.length > 400 ? `${text.slice(0, 400)}... (${text.length} characters)` : text;
}
