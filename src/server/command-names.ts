/** What the reader of redis.conf asks about commands before there is a server. */
import { DUPLICATE_USER, mergeSelectors, UNKNOWN_COMMAND, UNMATCHED } from '../commands/access/rules.js';
import { User } from '../commands/access/user.js';
import { FAMILIES } from '../commands/families.js';
import { CommandTable } from '../commands/table.js';

/** In lower case, without subcommands. */
export function commandNames(): ReadonlySet<string> {
  return new Set(FAMILIES.flat().map((spec) => spec.name));
}

/**
 * Why a `user` line cannot be used, or null. Unknown commands are not looked for here: the start refuses them, with the name
 * of the user.
 */
export function checkUserLine(
  [name, ...words]: readonly string[],
  before: readonly (readonly string[])[],
): string | null {
  const failed = (word: string, reason: string) => `Error in user declaration '${word}': ${reason}`;
  if (before.some(([other]) => other === name)) return failed(name!, DUPLICATE_USER);
  const merged = mergeSelectors(words);
  if ('unmatched' in merged) return failed(merged.unmatched, UNMATCHED);
  const user = new User(name!, { commands: new CommandTable(FAMILIES), allChannels: false, deprecated() {} });
  for (const rule of merged.rules) {
    const reason = user.set(rule);
    if (reason !== null && reason !== UNKNOWN_COMMAND) return failed(rule, reason);
  }
  return null;
}
