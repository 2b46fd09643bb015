/**
 * `onggi`: the program for people. The first word names what to do; without one, or with a file or a directive, it is
 * `serve`, whose words are redis-server's.
 */
import { ONGGI_VERSION, REDIS_VERSION } from '../base/version.js';
import { serve } from './serve.js';
import { ONGGI_USAGE } from './text.js';

interface Subcommand {
  run(argv: readonly string[]): Promise<void>;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  serve: { run: runServe },
};

/** `argv`: the words after the program's name. */
export async function main(argv: readonly string[]): Promise<void> {
  const [first, ...rest] = argv;
  if (first === '-v' || first === '--version') {
    process.stdout.write(`onggi ${ONGGI_VERSION} (Redis ${REDIS_VERSION})\n`);
    return;
  }
  if (first === '-h' || first === '--help' || first === 'help') {
    process.stdout.write(ONGGI_USAGE);
    return;
  }
  if (first !== undefined && Object.hasOwn(SUBCOMMANDS, first)) {
    await SUBCOMMANDS[first]!.run(rest);
    return;
  }
  if (first === undefined || first === '-' || first.startsWith('--') || /[./]/.test(first)) {
    await runServe(argv);
    return;
  }
  process.stderr.write(`onggi: '${first}' is not a command. See 'onggi --help'.\n`);
  process.exitCode = 1;
}

async function runServe(argv: readonly string[]): Promise<void> {
  if (argv[0] === '-h' || argv[0] === '--help') process.stdout.write(ONGGI_USAGE);
  else await serve(argv);
}
