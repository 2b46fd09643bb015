/**
 * redis-server's command line.
 *
 *   onggi-server                                 defaults
 *   onggi-server FILE --port 7000 --save 60 10   FILE first (empty: none); then directives, each with one or more words
 *   onggi-server - --maxmemory 1gb               `-`, first or last: also read directives from standard input
 *
 * Directives of the command line become lines that are read after the file and standard input:
 *   1. A word that begins with `--` begins a line, unless the word before it was a directive without a value yet: then
 *      it is that directive's value (`--requirepass --secret--`).
 *   2. `--port 7000` may come as one word, blank included; the next word that begins with `--` then begins a line.
 *   3. `--save` without a value, at the end or before another directive, is `save ""`.
 *   4. Words are quoted, so that they arrive as they are.
 */
import { byteString, quoteWord, splitWords } from '../base/words.js';

export interface StartOptions {
  /** redis.conf, as given. */
  file: string | null;
  /** Read standard input too. */
  input: boolean;
  /** Directives as lines of redis.conf; a byte string. */
  lines: string;
}

/** Null stands for words that ask for something else than a server; see `specialRequest`. */
export function parseStartOptions(argv: readonly string[]): StartOptions {
  const words = argv.map(byteString);
  const options: StartOptions = { file: null, input: false, lines: '' };
  let i = 0;
  if (words.length > 0 && !words[0]!.startsWith('-')) {
    options.file = argv[0] === '' ? null : argv[0]!;
    i = 1;
  }
  let mayBeginLine = true;
  for (; i < words.length; i++) {
    const word = words[i]!;
    if (word === '-' && (i === 0 || i === words.length - 1)) {
      options.input = true;
    } else if (mayBeginLine && word.startsWith('--')) {
      if (options.lines !== '') options.lines += '\n';
      options.lines += `${word.slice(2)} `;
      const complete = splitWords(word)?.length !== 1;
      const next = words[i + 1];
      const noValue = next === undefined || next.startsWith('--');
      if (!complete && noValue && word.toLowerCase() === '--save') options.lines += '""';
      mayBeginLine = complete || (noValue && next !== undefined && /^--(save|sentinel)$/i.test(word));
    } else {
      options.lines += `${quoteWord(word)} `;
      mayBeginLine = true;
    }
  }
  return options;
}

export type SpecialRequest = 'version' | 'help' | 'check-system' | { testMemory: string | null };

/** What redis-server does instead of serving when its first word asks for it; null: it serves. */
export function specialRequest(argv: readonly string[]): SpecialRequest | null {
  const [first, second] = argv;
  if (first === '-v' || first === '--version') return 'version';
  if (first === '-h' || first === '--help') return 'help';
  if (first === '--check-system') return 'check-system';
  if (first === '--test-memory') return { testMemory: argv.length === 2 ? second! : null };
  return null;
}
