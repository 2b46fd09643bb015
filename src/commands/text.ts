/** Text from clients: names that they give themselves, and what error messages repeat of it. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';

export const NAME_REFUSED = new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');

/** Whether every byte is a printable ASCII character other than the space. */
export function isPrintableName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

/** Argument i as error messages repeat it: as a C string, so up to its first NUL, and at most `max` characters. */
export function quoted(a: Args, i: number, max = 128): string {
  const text = a.latin1(i, max);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
