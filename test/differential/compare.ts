/** Compares the replies of two servers, in the way a script's mode says. */
import { type Reply, show } from '../support/reply.js';
import { inWordsOf70 } from './acl-words.js';
import { formatDouble72, isSeventeenDigits, readDouble } from './doubles.js';
import type { Mode } from './script.js';

/** Null when the replies are equal, else what differs. */
export function difference(expected: Reply, actual: Reply, mode: Mode): string | null {
  if (mode.skip) return null;
  if (mode.acl) return difference(inWordsOf70(expected), inWordsOf70(actual), { ...mode, acl: false });
  if (mode.type) return expected.mark === actual.mark && isNull(expected) === isNull(actual) ? null : 'the type';
  if (mode.error && expected.mark === '-' && actual.mark === '-') {
    return firstWord(expected) === firstWord(actual) ? null : 'the kind of error';
  }
  if (mode.fields) return missingFields(expected, actual);
  const a = order(expected, mode);
  const b = order(actual, mode);
  return same(a, b, mode) ? null : 'the reply';
}

const isNull = (reply: Reply): boolean => reply.bytes === null && reply.items === null;
const firstWord = (reply: Reply): string => reply.bytes!.toString('latin1').split(' ', 1)[0]!;

/** The reply with its elements in a canonical order, where the mode allows any. */
function order(reply: Reply, mode: Mode): Reply {
  const { items } = reply;
  if (items === null) return reply;
  if (mode.sorted) return { ...reply, items: sortBy(items, (item) => show(item, true)) };
  if (mode.pairs) {
    if (items.every((item) => item.items?.length === 2))
      return { ...reply, items: sortBy(items, (item) => show(item, true)) };
    const pairs: [Reply, Reply][] = [];
    for (let i = 0; i + 1 < items.length; i += 2) pairs.push([items[i]!, items[i + 1]!]);
    const odd = items.length % 2 === 1 ? [items.at(-1)!] : [];
    return { ...reply, items: [...sortBy(pairs, ([key]) => show(key, true)).flat(), ...odd] };
  }
  return reply;
}

function sortBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, key: key(item) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ item }) => item);
}

function same(a: Reply, b: Reply, mode: Mode): boolean {
  if (a.mark !== b.mark || isNull(a) !== isNull(b)) return false;
  if (a.items !== null) {
    const others = b.items!;
    return a.items.length === others.length && a.items.every((item, i) => same(item, others[i]!, mode));
  }
  if (a.bytes === null || mode.shape || a.bytes.equals(b.bytes!)) return true;
  const [x, y] = [a.bytes.toString('latin1'), b.bytes!.toString('latin1')];
  if (mode.near !== undefined && isNumber(x) && isNumber(y)) return Math.abs(Number(x) - Number(y)) <= mode.near;
  return mode.doubles === true && isSeventeenDigits(x) && formatDouble72(readDouble(x)) === y;
}

const isNumber = (text: string): boolean => text !== '' && Number.isFinite(Number(text));

function missingFields(expected: Reply, actual: Reply): string | null {
  if (expected.mark !== actual.mark || expected.bytes === null || actual.bytes === null) return 'the type';
  const there = new Set(fieldNames(actual.bytes.toString('latin1')));
  const missing = fieldNames(expected.bytes.toString('latin1')).filter((name) => !there.has(name));
  return missing.length === 0 ? null : `missing fields: ${missing.join(' ')}`;
}

function fieldNames(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => [...line.matchAll(/(?:^|[ ,])([\w-]+)[=:]/g)].map((match) => match[1]!));
}
