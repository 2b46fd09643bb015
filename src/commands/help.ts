/** What containers of subcommands have in common: HELP, and the error that points to it. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { quoted } from './text.js';

/** Replies what `container` offers; the first line and the last entry are the same for all. */
export function helpText(c: Context, container: string, lines: readonly string[]): void {
  c.out.array(lines.length + 3);
  c.out.simple(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) c.out.simple(line);
  c.out.simple('HELP');
  c.out.simple('    Print this help.');
}

/** For a subcommand that is not there, or that its arguments do not fit. */
export function badSubcommand(a: Args): CommandError {
  const container = a.latin1(0).toUpperCase();
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${quoted(a, 1)}'. Try ${container} HELP.`,
  );
}
