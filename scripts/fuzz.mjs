/** `npm run fuzz -- --what socket|dump|rdb|aof|all --seed S --inputs N`: damaged input of all kinds; see test/fuzz/fuzz.ts. */
import { join } from 'node:path';
import { haveDependencies, haveTools, project, run } from './lib.mjs';

// What is taken for a value of gigabytes must end the run, not the machine.
const node = ['--max-old-space-size=1024', join(project, 'build/test/fuzz/fuzz.js')];
const ok = haveDependencies() && haveTools() && run('node', [...node, ...process.argv.slice(2)]);
process.exitCode = ok ? 0 : 1;
