/** Names that clients give themselves. */
import { CommandError } from '../base/errors.js';

export const NAME_REFUSED = new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');

/** Whether every byte is a printable ASCII character other than the space. */
export function isPrintableName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}
