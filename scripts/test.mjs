/**
 * `npm test`: everything, from a fresh clone: dependencies, build, the oracle, types, lint, and all tests. Arguments go
 * to vitest. The last line is `N passed, N failed, N skipped`; a step that fails counts as one failure.
 */
import { haveBuild, haveDependencies, haveOracle, haveTools, step, tool, vitest } from './lib.mjs';

const total = { passed: 0, failed: 0, skipped: 0 };

function finish() {
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

/** Counts a failed step; returns whether it succeeded. */
function must(ok, what) {
  if (!ok) {
    total.failed++;
    console.error(`\n${what} failed`);
  }
  return ok;
}

function main() {
  if (!must(haveDependencies(), 'the installation of dependencies')) return;
  if (!must(haveOracle(), 'the set-up of the oracle')) return;
  must(haveBuild(), 'the build');
  step('types');
  must(tool('tsc', ['--noEmit']), 'the type check');
  must(haveTools(), 'the build of the tools');
  step('lint');
  must(tool('biome', ['check', '.']), 'the lint');
  step('tests');
  const counts = vitest(process.argv.slice(2));
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

main();
finish();
