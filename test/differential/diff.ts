/**
 * `npm run diff -- [--seed S] [--commands N] [--window N] [--failures N] [--aof]`: random commands against ours and redis-server.
 * Exits with 1 on a difference, after it has printed the seed, the command that repeats it, and the shrunk script.
 */
import { parseArgs } from 'node:util';
import { type Server, startOnggi, startOracle } from '../support/server.js';
import { randomRun } from './random-run.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    commands: { type: 'string', default: '100000' },
    window: { type: 'string', default: '4000' },
    failures: { type: 'string', default: '1' },
    aof: { type: 'boolean', default: false },
  },
});
const [seed, commands, windowCommands, failuresMax] = [
  values.seed,
  values.commands,
  values.window,
  values.failures,
].map(Number) as [number, number, number, number];

const servers = (await Promise.all([startOracle(), startOnggi()])) as [Server, Server];
const started = performance.now();
try {
  console.log(`seed ${seed}, ${commands} commands`);
  let shown = 0;
  const result = await randomRun(servers, {
    seed,
    commands,
    windowCommands,
    failuresMax,
    aof: values.aof,
    progress: (done) => {
      if (done - shown >= 100_000) {
        shown = done;
        console.log(`${done} commands, ${Math.round((done / (performance.now() - started)) * 1000)} a second`);
      }
    },
  });
  for (const { command, protocol, text, script } of result.differences) {
    console.log(`\nDifference at command ${command} (RESP${protocol}): ${text}`);
    console.log(
      `Repeat: npm run diff -- --seed ${seed} --commands ${commands} --window ${windowCommands}${values.aof ? ' --aof' : ''}`,
    );
    console.log(`Shrunk:\n${script}`);
  }
  console.log(`\n${result.commands} commands compared, ${result.differences.length} differences`);
  process.exitCode = result.differences.length === 0 ? 0 : 1;
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
