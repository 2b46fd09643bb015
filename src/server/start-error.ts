/**
 * Why a server does not start, for two readers: `message` tells a program the whole reason; `line` is what Redis logs as its
 * last line, for whose reason one looks at the line before.
 */
export class StartError extends Error {
  override name = 'StartError';
  /** @param code the system's, such as EADDRINUSE; undefined when no call of it has failed */
  constructor(
    message: string,
    readonly line: string,
    readonly code?: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
