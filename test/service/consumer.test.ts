/** The package as a TypeScript program finds it that has neither Node's types nor a newer library than its target. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeFolder, temporaryFolder } from '../support/folder.js';
import { projectFolder } from '../support/server.js';

const PROGRAM = `
import { Onggi, type OnggiOptions } from 'onggi';

const options: OnggiOptions = { port: 0, dir: './data', config: { appendonly: 'yes', maxclients: 100 }, log: () => {} };
export const users: OnggiOptions = { config: { user: ['default off', 'ann on'], 'rename-command': 'FLUSHALL ""' } };
/** As a program with the type has it. */
export const inUrl = (dir: { href: string; protocol: string; host: string }): OnggiOptions => ({ dir });
export async function run(): Promise<string> {
  const onggi: Onggi = await Onggi.start(options);
  const stopped: Promise<void> = onggi[Symbol.asyncDispose]();
  await stopped;
  return onggi.url;
}
`;

let folder: string;
beforeAll(() => {
  folder = temporaryFolder('consumer');
  const installed = join(folder, 'node_modules', 'onggi');
  mkdirSync(installed, { recursive: true });
  for (const name of ['package.json', 'dist'])
    cpSync(join(projectFolder, name), join(installed, name), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
});
afterAll(() => {
  removeFolder(folder);
});

it.each([
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('compiles with module %s and moduleResolution %s', (module, moduleResolution) => {
  const compilerOptions = {
    ...{ target: 'es2022', lib: ['es2022'], module, moduleResolution },
    ...{ strict: true, skipLibCheck: false, noEmit: true, types: [] },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  const tsc = join(projectFolder, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', timeout: 60_000 });
  expect([stdout, status]).toEqual(['', 0]);
});
