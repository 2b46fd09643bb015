/**
 * What ACL replies say in 7.2, in the words of the oracle's 7.0: 7.2 names the user where a command is denied, says less
 * about keys and channels, and always tells of `sanitize-payload`. Command rules, which 7.2 keeps as they were given, are
 * left as they are.
 */
import type { Reply } from '../support/reply.js';

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^NOPERM User \S* has/, 'NOPERM this user has'],
  [/^User \S* has/, 'This user has'],
  [
    /^(NOPERM) No permissions to access a (key|channel)$/,
    '$1 this user has no permissions to access one of the $2s used as arguments',
  ],
  [/^(EXECABORT .*) User \S* has/, '$1 this user has'],
  [/^(user \S* (?:on|off)(?: nopass)?) sanitize-payload/, '$1'],
];

/** The reply in 7.0's words. */
export function inWordsOf70(reply: Reply): Reply {
  if (reply.items !== null) {
    const items = reply.items.filter(({ bytes }) => bytes?.toString() !== 'sanitize-payload');
    return { ...reply, items: items.map(inWordsOf70) };
  }
  if (reply.bytes === null) return reply;
  let text = reply.bytes.toString('latin1');
  for (const [pattern, words] of WORDS) text = text.replace(pattern, words);
  return { ...reply, bytes: Buffer.from(text, 'latin1') };
}
