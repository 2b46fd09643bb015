/**
 * What `npm test`, `npm run check` and `npm run bench` share: running steps, and having everything they need. Plain
 * JavaScript, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command with our standard output and error. Returns whether it succeeded. */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: project,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status === 0;
}

/** Runs a binary of node_modules. */
export function tool(name, args, env) {
  return run(join(project, 'node_modules', '.bin', name), args, env);
}

export function step(title) {
  console.log(`\n== ${title}`);
}

/** Installs the dependencies when they are missing or older than the lock file. */
export function haveDependencies() {
  const mark = join(project, 'node_modules', '.package-lock.json');
  if (existsSync(mark) && sameVersions(mark)) return true;
  step('installing dependencies');
  // Not `npm ci`: it refuses a lock file that leaves out optional packages of other platforms. What the lock file names is
  // installed as it says, and the file stays as it is.
  return run('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
}

/** Whether what is installed is what the lock file asks for; optional packages of other platforms are not installed. */
function sameVersions(mark) {
  const wanted = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(mark, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, row]) =>
      path === '' || (installed[path] === undefined ? row.optional === true : installed[path].version === row.version),
  );
}

export function haveBuild() {
  step('building (tsc -p tsconfig.build.json)');
  return tool('tsc', ['-p', 'tsconfig.build.json']);
}

/** Compiles the programs of test/ and bench/ that run outside vitest. */
export function haveTools() {
  return tool('tsc', ['-p', 'tsconfig.tools.json']);
}

const ORACLE = ['redis-server', 'redis-cli', 'redis-benchmark', 'redis-check-rdb', 'redis-check-aof'];

function missingOracle() {
  return ORACLE.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error !== undefined);
}

/** The oracle: redis-server and its tools. Installs them on Debian when we are root; else says how. */
export function haveOracle() {
  if (missingOracle().length === 0) return true;
  step('installing redis-server and redis-tools, the oracle of the tests');
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) installOracle();
  const missing = missingOracle();
  if (missing.length === 0) return true;
  console.error(`The tests compare with a real Redis, and these are missing: ${missing.join(', ')}.
Install Redis 7 so that they are on the PATH, for example:
  Debian, Ubuntu   sudo apt-get install redis-server redis-tools
  Fedora           sudo dnf install redis
  macOS            brew install redis`);
  return false;
}

/** Without starting the system's redis service: it would take port 6379. */
function installOracle() {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
  }
  try {
    const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update', '-q'], quiet);
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server', 'redis-tools'], quiet);
  } finally {
    if (ours) rmSync(policy);
  }
}

/**
 * Runs vitest projects. Returns what its JSON report counted; a run that left no report counts as one failure.
 * @param {string[]} args vitest's arguments
 */
export function vitest(args) {
  const report = join(project, 'coverage', `report-${process.pid}.json`);
  rmSync(report, { force: true });
  const ok = tool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args]);
  let counts = { passed: 0, failed: 1, skipped: 0 };
  if (existsSync(report)) {
    const json = JSON.parse(readFileSync(report, 'utf8'));
    counts = {
      passed: json.numPassedTests,
      failed: json.numFailedTests,
      skipped: json.numPendingTests + (json.numTodoTests ?? 0),
    };
    rmSync(report);
    // A file that does not load, or an error outside of tests, fails the run without a failed test.
    if (!ok && counts.failed === 0) counts.failed = 1;
  }
  return counts;
}
