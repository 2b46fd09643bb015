/**
 * `npm start`: serves from a fresh clone. Installs what is missing, builds what is stale, then is the server itself: port
 * 6379, data in ./data, an append-only file synced every second and the default save points. Further words are
 * redis-server's: `npm start -- --port 7000`; with a redis.conf first, that file says everything.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { haveBuild, haveDependencies, project, run } from './lib.mjs';

/** Milliseconds of the newest of the files that the build reads. */
function newestSource() {
  let newest = 0;
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    newest = Math.max(newest, statSync(join(project, name)).mtimeMs);
  }
  for (const entry of readdirSync(join(project, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return newest;
}

function isBuilt() {
  const built = join(project, 'dist', 'cli', 'main.js');
  return existsSync(built) && statSync(built).mtimeMs >= newestSource();
}

/** The words of the command line with our defaults, which later words override. */
function withDefaults(argv) {
  const [first] = argv;
  if (first !== undefined && !first.startsWith('-')) return argv;
  const data = join(project, 'data');
  if (!argv.some((word) => /^--dir\b/i.test(word))) mkdirSync(data, { recursive: true });
  const dir = existsSync(data) ? ['--dir', data] : [];
  return [...dir, '--appendonly', 'yes', '--appendfsync', 'everysec', ...argv];
}

function welcome({ config, server }) {
  const { values } = config;
  const sync = { always: 'synced before each reply', everysec: 'synced every second', no: 'synced by the system' };
  const log = values.appendonly
    ? `an append-only file in ${config.path(values.appenddirname)}, ${sync[values.appendfsync]}`
    : '';
  const points = config.get('save') === '' ? '' : `snapshots in ${config.path(values.dbfilename)}`;
  const kept = [log, points].filter((each) => each !== '').join('; ') || 'in memory only';
  const keys = server.keyspace.databases.reduce((sum, database) => sum + database.size, 0);
  const lines = [`Data: ${kept}`, `Loaded: ${keys === 1 ? '1 key' : `${keys} keys`}`];
  if (values.port !== 0) {
    lines.push(`Connect: redis-cli -p ${values.port}   or   redis://127.0.0.1:${values.port}`);
  } else if (values.unixsocket !== '') {
    lines.push(`Connect: redis-cli -s ${config.path(values.unixsocket)}`);
  }
  lines.push('Stop: Ctrl-C');
  console.log(`\n  ${lines.join('\n  ')}\n`);
}

if (!haveDependencies() || !(isBuilt() || haveBuild())) process.exit(1);
const argv = process.argv.slice(2);
if (['--help', '-h', '--version', '-v'].includes(argv[0])) {
  run('node', [join(project, 'bin', 'onggi'), argv[0]]);
} else {
  const { serve } = await import('../dist/cli/serve.js');
  const running = await serve(withDefaults(argv));
  if (running !== null) welcome(running);
}
