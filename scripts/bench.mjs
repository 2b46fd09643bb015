/** `npm run bench`: ours beside redis-server, see bench/main.ts; `npm run bench -- --help` lists the options. */
import { join } from 'node:path';
import { haveBuild, haveDependencies, haveOracle, haveTools, project, run } from './lib.mjs';

const ready = haveDependencies() && haveOracle() && haveTools() && (process.env.ONGGI_SUBJECT || haveBuild());
const ok = ready && run('node', [join(project, 'build/bench/main.js'), ...process.argv.slice(2)]);
process.exitCode = ok ? 0 : 1;
