/**
 * The kinds of failure that are not bugs. Bugs go through `assert`.
 *
 *   CommandError      a client's mistake; the text is Redis's own, sent back as `-<message>`
 *   CorruptionError   damage found in a file or a payload; thrown by codecs, which never log, truncate or exit
 *   UnsupportedError  something that cannot be written in the version of a format that was chosen
 *   ConfigError       a directive or an option that cannot be used
 *   TooLargeError     a payload of more bytes than one buffer can hold
 */

/** Carries no stack: it is thrown on the command path and its text is all that anybody needs. */
export class CommandError {
  /** The whole error line without the leading `-`, e.g. `WRONGTYPE Operation against ...`. */
  constructor(readonly message: string) {}
  toString(): string {
    return this.message;
  }
}

/** To a command that only reads it is an error as CommandError is: nothing is left half done. */
export class TooLargeError extends RangeError {
  override name = 'TooLargeError';
  constructor(what: string, bytesMax: number) {
    super(`ERR ${what} exceeds ${bytesMax} bytes`);
  }
}

export class CorruptionError extends Error {
  override name = 'CorruptionError';
  readonly code = 'ONGGI_CORRUPTION';
  /**
   * @param file     path of the damaged file, or a description such as `DUMP payload`
   * @param offset   byte offset in the file at which reading failed
   * @param expected what the format asks for there
   * @param found    what stands there
   * @param key      the key whose value was being read, as text for people; '' when none was
   */
  constructor(
    readonly file: string,
    readonly offset: number,
    readonly expected: string,
    readonly found: string,
    readonly key = '',
  ) {
    super(`${file}: ${CorruptionError.at(offset, expected, found, key)}`);
  }

  /** The message without the file. */
  get damage(): string {
    return CorruptionError.at(this.offset, this.expected, this.found, this.key);
  }

  private static at(offset: number, expected: string, found: string, key: string): string {
    return `damaged at byte ${offset}${key === '' ? '' : `, in key ${key}`}: expected ${expected}, found ${found}`;
  }
}

/** The input ended before the value did. `aof-load-truncated` treats it apart from other damage. */
export class TruncationError extends CorruptionError {
  override name = 'TruncationError';
}

/** Nothing is known to be wrong with the file: it is of a version that this server does not know. */
export class VersionError extends CorruptionError {
  override name = 'VersionError';
  override message =
    `Can't handle RDB format ${this.found} of ${this.file}: this server reads ${this.expected}. A newer one has written it, and nothing is known to be wrong with it`;
}

/** What is to be written has no form in the version of the format that was asked for. */
export class UnsupportedError extends Error {
  override name = 'UnsupportedError';
  readonly code = 'ONGGI_UNSUPPORTED';
  /** @param key the key whose value it is, as text for people; '' when it is no key's */
  constructor(
    readonly key: string,
    readonly what: string,
  ) {
    super(key === '' ? what : `key ${key}: ${what}`);
  }
}

export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly code = 'ONGGI_CONFIG';
}
