/** `npm run diff -- --seed S --commands N`: random commands against ours and redis-server; see test/differential/diff.ts. */
import { join } from 'node:path';
import { haveBuild, haveDependencies, haveOracle, haveTools, project, run } from './lib.mjs';

const ready = haveDependencies() && haveOracle() && haveTools() && (process.env.ONGGI_SUBJECT || haveBuild());
const ok = ready && run('node', [join(project, 'build/test/differential/diff.js'), ...process.argv.slice(2)]);
process.exitCode = ok ? 0 : 1;
