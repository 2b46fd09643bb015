/** The names of all commands, for who checks them before there is a server: the reader of redis.conf. */
import { FAMILIES } from '../commands/families.js';

/** In lower case, without subcommands. */
export function commandNames(): ReadonlySet<string> {
  return new Set(FAMILIES.flat().map((spec) => spec.name));
}
