/** Redis's error texts. Thrown as they are; a handler adds one here rather than in its file when two families use it. */
import { CommandError } from '../base/errors.js';

export const WRONG_TYPE = new CommandError('WRONGTYPE Operation against a key holding the wrong kind of value');
export const SYNTAX = new CommandError('ERR syntax error');
export const NOT_INTEGER = new CommandError('ERR value is not an integer or out of range');
export const NOT_FLOAT = new CommandError('ERR value is not a valid float');
export const NO_SUCH_KEY = new CommandError('ERR no such key');
export const OUT_OF_RANGE = new CommandError('ERR value is out of range');
export const INDEX_OUT_OF_RANGE = new CommandError('ERR index out of range');
export const OFFSET_OUT_OF_RANGE = new CommandError('ERR offset is out of range');
export const OVERFLOW = new CommandError('ERR increment or decrement would overflow');
export const DECREMENT_OVERFLOW = new CommandError('ERR decrement would overflow');
export const NAN_OR_INFINITY = new CommandError('ERR increment would produce NaN or Infinity');
export const STRING_TOO_LONG = new CommandError('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
export const DB_OUT_OF_RANGE = new CommandError('ERR DB index is out of range');
export const SAME_OBJECT = new CommandError('ERR source and destination objects are the same');
export const INVALID_CURSOR = new CommandError('ERR invalid cursor');
export const MUST_BE_POSITIVE = new CommandError('ERR value is out of range, must be positive');

/** `invalid expire time in 'set' command`; the name in lower case. */
export function invalidExpire(command: string): CommandError {
  return new CommandError(`ERR invalid expire time in '${command}' command`);
}
export function wrongArity(command: string): CommandError {
  return new CommandError(`ERR wrong number of arguments for '${command}' command`);
}
