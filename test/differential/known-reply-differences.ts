/**
 * Replies of 7.0, the oracle, that differ from ours because they should: 7.2 answers otherwise, or docs/compatibility.md
 * lists the difference as wanted. Each is as narrow as it can be; everything else must be equal.
 */
import { type Reply, show } from '../support/reply.js';
import { difference } from './compare.js';
import type { RandomCommand } from './generator.js';

/** What has happened to the data since the window began. */
export interface Played {
  /** DEBUG LOADAOF: 7.0's log forgets how many entries a group has read, and consumers that got nothing. */
  replayed: boolean;
}

/** Errors of 7.2 where 7.0 has none, or others. */
const ERRORS_72: readonly { command: string; error: string }[] = [
  // 7.0 answers 0 for a range that is empty before it looks at the unit.
  { command: 'BITCOUNT', error: 'ERR syntax error' },
  {
    command: 'LPOS',
    error: 'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
  },
];

/** What 7.0 calls otherwise than 7.2. */
const ENCODINGS_72: Record<string, string> = { hashtable: 'listpack', quicklist: 'listpack' };

/** Null when the replies are equal but for what is known, else what differs. */
export function replyDifference(a: Reply, b: Reply, { args, mode }: RandomCommand, played: Played): string | null {
  const name = args[0]!.toString('latin1').toUpperCase();
  if (
    b.mark === '-' &&
    ERRORS_72.some(({ command, error }) => command === name && error === b.bytes!.toString('latin1'))
  )
    return null;
  if (mode.encoding && a.bytes && b.bytes && ENCODINGS_72[a.bytes.toString()] === b.bytes.toString()) return null;
  if (mode.groups && a.items !== null && b.items !== null) return groupsDifference(a, b, played);
  if (name.startsWith('SORT') && a.items !== null) return sortDifference(a, b, args, mode);
  // A queued command's argument is the value, too: who asks within the transaction counts both.
  if (name === 'OBJECT' && a.mark === ':' && b.mark === ':' && /^refcount$/i.test(args[1]!.toString('latin1')))
    return null;
  if (/^GEO(RADIUS|SEARCH)/.test(name)) return geoDifference(a, b, args, mode);
  if (mode.scanned && a.items?.length === 2 && b.items?.length === 2) {
    const nested = { ...mode, [mode.scanned]: true };
    return difference(a.items[0]!, b.items[0]!, {}) ?? difference(a.items[1]!, b.items[1]!, nested);
  }
  return difference(a, b, mode);
}

/** Places that are as far come in any order, and COUNT takes any of those at its end. */
function geoDifference(a: Reply, b: Reply, args: readonly Buffer[], mode: RandomCommand['mode']): string | null {
  const what = difference(a, b, mode);
  if (what === null || a.items === null || a.items.length !== b.items?.length) return what;
  const words = args.map((arg) => arg.toString('latin1').toUpperCase());
  if (!words.includes('COUNT')) return difference(a, b, { ...mode, sorted: true });
  if (!words.includes('WITHDIST')) return null;
  const distances = (reply: Reply): Reply => ({ ...reply, items: reply.items!.map((item) => item.items![1]!) });
  return difference(distances(a), distances(b), mode);
}

function sortDifference(a: Reply, b: Reply, args: readonly Buffer[], mode: RandomCommand['mode']): string | null {
  const words = args.map((arg) => arg.toString('latin1').toUpperCase());
  const alpha = words.includes('ALPHA');
  // Texts are the same to strcoll when they are up to their first zero, and the same come in any order.
  if (!takesAsTheyStand(args) && !(alpha && words.includes('GET')))
    return alpha ? difference(upToZero(a), upToZero(b), mode) : difference(a, b, mode);
  if (words.includes('LIMIT') && a.items!.length === b.items?.length) return null;
  return difference(a, b, { ...mode, sorted: true });
}

/** SORT BY what is no pattern: the elements come as they stand, those of a set in the order of a hash table. */
function takesAsTheyStand(args: readonly Buffer[]): boolean {
  const at = args.findIndex((arg) => arg.toString('latin1').toUpperCase() === 'BY');
  return at > 0 && args[at + 1]?.includes(0x2a) === false;
}

function upToZero(reply: Reply): Reply {
  const { bytes, items } = reply;
  const zero = bytes?.indexOf(0) ?? -1;
  if (zero >= 0) return { ...reply, bytes: bytes!.subarray(0, zero) };
  return items === null ? reply : { ...reply, items: items.map(upToZero) };
}

/** XINFO GROUPS. 7.2 makes a consumer also where 7.0 found nothing for it, so ours may have more of them. */
function groupsDifference(a: Reply, b: Reply, { replayed }: Played): string | null {
  if (a.items!.length !== b.items!.length) return 'the number of groups';
  for (const [i, group] of a.items!.entries()) {
    const ours = b.items![i]!;
    if (group.mark !== ours.mark || group.items?.length !== ours.items?.length) return 'the reply';
    for (let at = 0; at < group.items!.length; at += 2) {
      const [field, x, y] = [group.items![at]!, group.items![at + 1]!, ours.items![at + 1]!];
      const name = field.bytes!.toString();
      if (show(field) !== show(ours.items![at]!)) return `the names of group ${i + 1}'s fields`;
      if (name === 'consumers' && y.mark === x.mark && Number(y.bytes) >= Number(x.bytes)) continue;
      if (replayed && (name === 'entries-read' || name === 'lag')) continue;
      if (show(x) !== show(y)) return `${name} of group ${i + 1}`;
    }
  }
  return null;
}
