/**
 * The server's log, in Redis's line form:
 *
 *   1234:M 23 Nov 2026 10:41:59.123 * Ready to accept connections tcp
 *   |    | |                        |
 *   |    | local time               . debug   - verbose   * notice   # warning
 *   |    C starting up or a child   M primary   S replica   X sentinel
 *   pid
 *
 * The file is opened for each line, so that a log that was moved away by rotation is followed by a new one without a
 * signal. A line that cannot be written is lost: a full disk must not stop the server that would serve what it has.
 */
import { appendFileSync, writeSync } from 'node:fs';
import type { Log, LogLevel } from '../base/log.js';

export type LogRole = 'C' | 'M' | 'S' | 'X';
/** `nothing` keeps even warnings away. */
export type LogThreshold = LogLevel | 'nothing';

const LEVELS: readonly LogThreshold[] = ['debug', 'verbose', 'notice', 'warning', 'nothing'];
const MARKS: Readonly<Record<LogLevel, string>> = { debug: '.', verbose: '-', notice: '*', warning: '#' };
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export interface LoggerOptions {
  level?: LogThreshold;
  /** Absolute path of the log file; '' is standard output. */
  file?: string;
  /** Takes the lines (each with its newline) instead of a file: for servers inside another program, and for tests. */
  sink?: (line: string) => void;
  /** Milliseconds since 1970. */
  clock?: () => number;
  pid?: number;
}

export class Logger implements Log {
  /** `C` until the server is up; then `M` or `S`. */
  role: LogRole = 'C';
  level: LogThreshold;
  file: string;
  private readonly sink: ((line: string) => void) | undefined;
  private readonly clock: () => number;
  private readonly pid: number;

  constructor(options: LoggerOptions = {}) {
    this.level = options.level ?? 'notice';
    this.file = options.file ?? '';
    this.sink = options.sink;
    this.clock = options.clock ?? Date.now;
    this.pid = options.pid ?? process.pid;
  }

  debug(text: string): void {
    this.log('debug', text);
  }
  verbose(text: string): void {
    this.log('verbose', text);
  }
  notice(text: string): void {
    this.log('notice', text);
  }
  warning(text: string): void {
    this.log('warning', text);
  }

  log(level: LogLevel, text: string): void {
    if (!this.writes(level)) return;
    this.write(`${this.pid}:${this.role} ${timestamp(this.clock())} ${MARKS[level]} ${text}\n`);
  }

  /** Whether lines go to the process's standard output. */
  get toStdout(): boolean {
    return this.sink === undefined && this.file === '';
  }

  /** Whether lines of that level are written: ask before building an expensive one. */
  writes(level: LogLevel): boolean {
    return LEVELS.indexOf(level) >= LEVELS.indexOf(this.level);
  }

  /** Text as it is, no prefix: the logo. It must bring its own newline. */
  raw(level: LogLevel, text: string): void {
    if (this.writes(level)) this.write(text);
  }

  /** The form Redis's signal handlers use, with seconds for a time: they may not format a date. */
  signal(text: string): void {
    if (!this.writes('warning')) return;
    this.write(`${this.pid}:signal-handler (${Math.floor(this.clock() / 1000)}) ${text}\n`);
  }

  private write(line: string): void {
    if (this.sink !== undefined) {
      this.sink(line);
      return;
    }
    try {
      if (this.file === '') writeToStdout(line);
      else appendFileSync(this.file, line);
    } catch {
      // A closed standard output, a full disk: nothing can be said where saying it failed.
    }
  }
}

const STDOUT_TRIES = 200;

/** A pipe whose reader is slow may refuse bytes for a while (it can be in non-blocking mode): wait up to a second. */
function writeToStdout(line: string): void {
  let bytes: Uint8Array = Buffer.from(line);
  for (let tries = 0; bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || ++tries > STDOUT_TRIES) throw error;
      Atomics.wait(WAIT_CELL, 0, 0, 5);
    }
  }
}

const WAIT_CELL = new Int32Array(new SharedArrayBuffer(4));

/** `23 Nov 2026 10:41:59.123` in local time. */
export function timestamp(ms: number): string {
  const t = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  const millis = String(t.getMilliseconds()).padStart(3, '0');
  return `${two(t.getDate())} ${MONTHS[t.getMonth()]} ${t.getFullYear()} ${time}.${millis}`;
}
