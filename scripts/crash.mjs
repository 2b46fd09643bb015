/** `npm run crash -- --seed S --rounds N`: kill -9 at random moments under load; see test/crash/crash.ts. */
import { join } from 'node:path';
import { haveBuild, haveDependencies, haveTools, project, run } from './lib.mjs';

const ready = haveDependencies() && haveTools() && (process.env.ONGGI_SUBJECT || haveBuild());
const ok = ready && run('node', [join(project, 'build/test/crash/crash.js'), ...process.argv.slice(2)]);
process.exitCode = ok ? 0 : 1;
