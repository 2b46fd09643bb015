/** `onggi-server`: redis-server's command line. */
import { readFileSync } from 'node:fs';
import { REDIS_VERSION } from '../base/version.js';
import { testMemory } from './memory-test.js';
import { serve } from './serve.js';
import { specialRequest } from './start-options.js';
import { SERVER_USAGE, serverVersion, TEST_MEMORY_USAGE } from './text.js';

/** `argv`: the words after the program's name. */
export async function serverMain(argv: readonly string[]): Promise<void> {
  const special = specialRequest(argv);
  if (special === null) {
    refuseSentinel(argv);
    await serve(argv);
  } else if (special === 'version') {
    process.stdout.write(`${serverVersion()}\n`);
  } else if (special === 'help') {
    // As redis-server: on standard error, with code 1.
    process.stderr.write(SERVER_USAGE);
    process.exitCode = 1;
  } else if (special === 'check-system') {
    process.exitCode = checkSystem() ? 0 : 1;
  } else if (special.testMemory === null) {
    process.stderr.write(TEST_MEMORY_USAGE);
    process.exitCode = 1;
  } else {
    runMemoryTest(special.testMemory);
  }
}

function refuseSentinel(argv: readonly string[]): void {
  if (!argv.some((word) => word.toLowerCase() === '--sentinel')) return;
  process.stderr.write(`\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\nSentinel mode is not available\n`);
  process.exit(1);
}

function runMemoryTest(amount: string): void {
  const megabytes = Number(amount);
  if (!Number.isInteger(megabytes) || megabytes < 1) {
    process.stderr.write(TEST_MEMORY_USAGE);
    process.exitCode = 1;
    return;
  }
  let wrong: number;
  try {
    wrong = testMemory(megabytes, (pass, passes) => {
      process.stdout.write(`Testing ${megabytes} megabytes: pass ${pass} of ${passes}\n`);
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    process.stderr.write(`Unable to allocate ${megabytes} megabytes: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  if (wrong === 0) {
    process.stdout.write('\nYour memory passed this test.\n');
  } else {
    process.stdout.write(`\nYour memory did not pass this test: ${wrong} words came back wrong.\n`);
    process.exitCode = 1;
  }
}

/** What of the system matters here. Memory overcommit does not: nothing forks. */
function checkSystem(): boolean {
  let good = true;
  const check = (name: string, complaint: string | null): void => {
    process.stdout.write(`[${name}]...${complaint === null ? 'OK' : `WARNING:\n${complaint}`}\n`);
    if (complaint !== null) good = false;
  };
  check('shared-memory', typeof SharedArrayBuffer === 'function' ? null : 'This Node has no SharedArrayBuffer.');
  check('backlog', backlogComplaint());
  return good;
}

function backlogComplaint(): string | null {
  try {
    const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
    return most >= 511 ? null : `net.core.somaxconn is ${most}: a tcp-backlog of 511 cannot be had.`;
  } catch {
    return null;
  }
}
