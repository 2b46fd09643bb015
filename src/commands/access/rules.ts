/** What the rules of users share: the texts that refuse one, the words of a line, and what they need to know of the server. */
import type { CommandTable } from '../table.js';

export const UNKNOWN_COMMAND = 'Unknown command or category name in ACL';
export const BAD_RULE = 'Syntax error';
export const PATTERN_AFTER_ALL =
  "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try " +
  "'resetkeys' to start with an empty list of patterns";
export const CHANNEL_AFTER_ALL =
  "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try " +
  "'resetchannels' to start with an empty list of channels";
export const NO_SUCH_PASSWORD = 'The password you are trying to remove from the user does not exist';
export const BAD_HASH =
  'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters';
export const DUPLICATE_USER = 'Duplicate user found. A user can only be defined once in config files';
export const FIRST_ARG_OF_SUBCOMMAND = 'Allowing first-arg of a subcommand is not supported';
/** A parenthesis that nothing closes. */
export const UNMATCHED = 'Unmatched parenthesis in acl selector';

/** What rules are read against. */
export interface RuleContext {
  readonly commands: CommandTable;
  /** acl-pubsub-default: whether a new user may use every channel. */
  allChannels: boolean;
  /** `+select|0`: said to be a misuse. */
  deprecated(rule: string): void;
}

/** What rules and names may not hold. Byte strings. */
export function hasSpaces(bytes: string): boolean {
  return /[ \t-\r\0]/.test(bytes);
}

/** A byte string as C sees it: what rules are compared by, passwords and patterns excepted. */
export function cString(bytes: string): string {
  const end = bytes.indexOf('\0');
  return end < 0 ? bytes : bytes.slice(0, end);
}

export function asciiLower(bytes: string): string {
  return bytes.replace(/[A-Z]/g, (c) => c.toLowerCase());
}
export function asciiUpper(bytes: string): string {
  return bytes.replace(/[a-z]/g, (c) => c.toUpperCase());
}

/**
 * The words of a user's line with those of each selector, `(+get` `~k)`, put together. The word that opens a parenthesis
 * which nothing closes: an error.
 */
export function mergeSelectors(words: readonly string[]): { rules: string[] } | { unmatched: string } {
  const rules: string[] = [];
  let open = '';
  let selector: string | null = null;
  for (const word of words) {
    if (selector !== null) {
      selector += ` ${cString(word)}`;
      if (!word.endsWith(')')) continue;
      rules.push(selector);
      selector = null;
    } else if (word.startsWith('(') && !word.endsWith(')')) {
      open = word;
      selector = word;
    } else {
      rules.push(word);
    }
  }
  return selector === null ? { rules } : { unmatched: open };
}
