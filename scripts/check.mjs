/** `npm run check`: the quick look before a commit: types, lint, layers, unit and golden tests. No server is started. */
import { haveDependencies, step, tool, vitest } from './lib.mjs';

let ok = haveDependencies();
if (ok) {
  step('types');
  ok = tool('tsc', ['--noEmit']);
  step('lint');
  ok = tool('biome', ['check', '.']) && ok;
  step('layers, unit and golden tests');
  const counts = vitest(['--project', 'layers', '--project', 'unit', '--project', 'golden', ...process.argv.slice(2)]);
  ok = counts.failed === 0 && ok;
}
process.exitCode = ok ? 0 : 1;
