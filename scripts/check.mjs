/** `npm run check`: the quick look before a commit: types, lint, layers, unit and golden tests. No server is started. */
import { haveDependencies, step, tool, vitest } from './lib.mjs';

let ok = haveDependencies();
if (ok) {
  step('types');
  ok = tool('tsc', ['--noEmit']);
  step('lint');
  ok = tool('biome', ['check', '.']) && ok;
  step('layers, unit and golden tests');
  // Files share what they import: half the time of a process for each, as `npm test` has them.
  const projects = ['layers', 'unit', 'golden'].flatMap((name) => ['--project', name]);
  const counts = vitest([...projects, '--no-isolate', ...process.argv.slice(2)]);
  ok = counts.failed === 0 && ok;
}
process.exitCode = ok ? 0 : 1;
