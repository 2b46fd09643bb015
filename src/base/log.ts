/**
 * What the layers below the server need of its log. The class that writes lines is in server/log.ts.
 *
 * Level by level, as Redis uses them: `debug` for developers, `verbose` for what happens often, `notice` for what an
 * operator wants to know in production, `warning` for what asks for attention.
 */
export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

export interface Log {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}

/** Keeps nothing: for tests and for embedded servers that were not asked to speak. */
export const SILENT_LOG: Log = {
  debug() {},
  verbose() {},
  notice() {},
  warning() {},
};
