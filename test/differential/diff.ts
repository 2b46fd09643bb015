/**
 * `npm run diff`: random commands against ours and redis-server. Exits with 1 on a difference, after it has printed the seed,
 * the command that repeats it, and the shrunk script.
 */
import { runOptions, someSeed } from '../support/run-options.js';
import { type Server, startOnggi, startOracle } from '../support/server.js';
import { randomRun } from './random-run.js';

const USAGE = `Usage: npm run diff -- [options]
  --seed S      what is random (default: another one each time)
  --commands N  how many commands are compared (default 100000)
  --window N    commands of a family after which the servers begin anew (default 4000)
  --failures N  differences after which to stop (default 1)
  --aof         both with an append-only file, and DEBUG LOADAOF among the commands`;

const {
  seed,
  commands,
  window: windowCommands,
  failures: failuresMax,
  aof,
} = runOptions(USAGE, {
  numbers: { seed: someSeed(), commands: 100_000, window: 4000, failures: 1 },
  switches: ['aof'],
});

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
    aof,
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
      `Repeat: npm run diff -- --seed ${seed} --commands ${commands} --window ${windowCommands}${aof ? ' --aof' : ''}`,
    );
    console.log(`Shrunk:\n${script}`);
  }
  console.log(`\n${result.commands} commands compared, ${result.differences.length} differences`);
  process.exitCode = result.differences.length === 0 ? 0 : 1;
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
