/**
 * The rules of the house that a machine can check: who may import whom, no cycles across layers, and the style of files.
 * ARCHITECTURE.md says why.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = dirname(import.meta.dirname);
const SRC = join(ROOT, 'src');

/** Every folder of src and the folders it may import from besides itself. `formats/resp` names a part of a folder. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  disk: ['base'],
  memory: ['base'],
  config: ['base', 'disk'],
  values: ['base', 'memory'],
  keyspace: ['base', 'memory', 'values'],
  formats: ['base', 'memory', 'values'],
  commands: ['base', 'memory', 'values', 'keyspace', 'formats'],
  persistence: ['base', 'disk', 'memory', 'values', 'keyspace', 'formats'],
  replication: ['base', 'disk', 'memory', 'values', 'keyspace', 'formats'],
  scripting: ['base', 'memory', 'values', 'keyspace', 'formats', 'commands'],
  net: ['base', 'formats/resp'],
  server: [
    ...['base', 'disk', 'memory', 'config', 'values', 'keyspace', 'formats'],
    ...['commands', 'persistence', 'replication', 'scripting', 'net'],
  ],
  vault: ['base', 'disk', 'memory', 'values', 'keyspace', 'formats', 'commands', 'replication', 'server'],
  cli: ['base', 'config', 'server', 'vault'],
  web: ['base', 'config', 'server', 'vault'],
  // src/index.ts, the npm API
  '': ['base', 'config', 'server', 'vault'],
};

const LINES_MAX = 800;

interface Source {
  path: string;
  text: string;
  imports: string[];
}

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(IMPORT)]
    .map((match) => (match[1] ?? match[2])!)
    .filter((target) => target.startsWith('.'))
    .map((target) => relative(SRC, normalize(join(SRC, dirname(path), target.replace(/\.js$/, '.ts')))));
}

const sources: Source[] = tracked
  .filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const inside = relative('src', path);
    return { path: inside, text, imports: importsOf(inside, text) };
  });
const modules = sources.filter(({ path }) => !path.endsWith('.test.ts'));

const layerOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');

function violations(of: readonly Source[]): string[] {
  const found: string[] = [];
  for (const { path, imports } of of) {
    const layer = layerOf(path);
    const allowed = MAY_IMPORT[layer];
    if (allowed === undefined) {
      found.push(`${path}: the folder is in no layer`);
      continue;
    }
    for (const target of imports) {
      if (layerOf(target) === layer) continue;
      if (!allowed.some((prefix) => target.startsWith(`${prefix}/`))) found.push(`${path} imports ${target}`);
    }
  }
  return found;
}

/** Files of more than one layer that import each other in a circle. */
function cycles(of: readonly Source[]): string[] {
  const graph = new Map(of.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const circle = trail.slice(at);
      if (new Set(circle.map(layerOf)).size > 1) found.push([...circle, path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return found;
}

it('reads every form of import', () => {
  const text = `import { a } from './a.js';\nimport type {\n  B,\n} from "../memory/b.js";\nimport './side.js';
export * from './c.js';\nexport { d } from './d.js';\nconst e = await import('./e.js');\nimport { f } from 'node:fs';`;
  expect(importsOf('base/x.ts', text)).toEqual([
    'base/a.ts',
    'memory/b.ts',
    'base/side.ts',
    'base/c.ts',
    'base/d.ts',
    'base/e.ts',
  ]);
});

it('notices an import against the rules and a cycle', () => {
  const bad = [
    { path: 'values/a.ts', text: '', imports: ['keyspace/b.ts', 'memory/c.ts'] },
    { path: 'keyspace/b.ts', text: '', imports: ['values/a.ts'] },
    { path: 'net/d.ts', text: '', imports: ['formats/rdb/e.ts', 'formats/resp/f.ts'] },
  ];
  expect(violations(bad)).toEqual(['values/a.ts imports keyspace/b.ts', 'net/d.ts imports formats/rdb/e.ts']);
  expect(cycles(bad)).toEqual(['values/a.ts -> keyspace/b.ts -> values/a.ts']);
});

it('finds the sources', () => {
  expect(modules.length).toBeGreaterThan(10);
  expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(10);
});

it('a layer imports only the layers below it', () => {
  expect(violations(modules)).toEqual([]);
});

it('no cycle crosses layers', () => {
  expect(cycles(modules)).toEqual([]);
});

it('imports name files that exist', () => {
  const missing = sources.flatMap(({ path, imports }) =>
    imports.filter((target) => !existsSync(join(SRC, target))).map((target) => `${path} imports ${target}`),
  );
  expect(missing).toEqual([]);
});

it('files are short, named in kebab-case by what they hold, and open with what they are', () => {
  const found: string[] = [];
  for (const { path, text } of sources) {
    const name = basename(path);
    const lines = text.split('\n').length - 1;
    if (lines > LINES_MAX) found.push(`${path}: ${lines} lines, at most ${LINES_MAX}`);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(name)) found.push(`${path}: not kebab-case`);
    if (/^(utils?|helpers?|misc|common)\.ts$/.test(name)) found.push(`${path}: a name that says nothing`);
    if (!name.endsWith('.test.ts') && !/^(#!.*\n)?\/[*/]/.test(text)) found.push(`${path}: no opening comment`);
    if (/^export default\b/m.test(text)) found.push(`${path}: a default export`);
  }
  expect(found).toEqual([]);
});

it('no tracked file names a machine, a registry or unfinished work', () => {
  // Put together here so that this file does not name them either.
  const forbidden: [RegExp, string][] = [
    [new RegExp(['registry', 'npmjs'].join('\\.')), 'a package registry'],
    [new RegExp(`(^|[\\s'"\`(=])/${'work'}/`, 'm'), 'a path of one machine'],
    [new RegExp(`/${'root'}/|/${'home'}/[a-z]`), 'a path of one machine'],
    [new RegExp(`\\b(${['FIX', 'ME'].join('')}|${['TO', 'DO'].join('')}):?\\s`), 'unfinished work'],
  ];
  const found: string[] = [];
  for (const path of tracked.filter((name) => /\.(ts|mjs|js|json|md|txt|sh|conf)$|^bin\/|^\.ci\//.test(name))) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    for (const [pattern, what] of forbidden) {
      const match = pattern.exec(text);
      if (match) found.push(`${path}:${text.slice(0, match.index).split('\n').length}: ${what}: ${match[0].trim()}`);
    }
  }
  expect(found).toEqual([]);
});
