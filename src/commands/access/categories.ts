/** The categories of commands that ACL rules name (`+@read`): those of a command's row and those that follow from its flags. */
import type { CommandSpec } from '../spec.js';

/** In the order in which they are listed; the place is the bit in `Command.categories`. */
export const CATEGORIES = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

type Category = (typeof CATEGORIES)[number];

function bitOf(category: Category): number {
  return 1 << CATEGORIES.indexOf(category);
}

/** The bit of the category of that name, in any case; 0 when there is none. */
export function categoryBit(name: string): number {
  const place = (CATEGORIES as readonly string[]).indexOf(name.toLowerCase());
  return place < 0 ? 0 : 1 << place;
}

/** The bits of a row's categories. */
export function categoryBits(spec: CommandSpec): number {
  const { flags, acl } = spec;
  let bits = 0;
  for (const category of acl) bits |= categoryBit(category);
  if (flags.includes('write')) bits |= bitOf('write');
  if (flags.includes('readonly') && !acl.includes('scripting')) bits |= bitOf('read');
  if (flags.includes('admin')) bits |= bitOf('admin') | bitOf('dangerous');
  if (flags.includes('pubsub')) bits |= bitOf('pubsub');
  if (flags.includes('blocking')) bits |= bitOf('blocking');
  return bits | bitOf(flags.includes('fast') || acl.includes('fast') ? 'fast' : 'slow');
}

/** Names of the categories whose bits are set, in their order. */
export function categoryNames(bits: number): string[] {
  return CATEGORIES.filter((_, place) => (bits & (1 << place)) !== 0);
}
