/**
 * Serving as a process of its own: from the words of a command line to a server that runs, and to its end.
 *
 *   1. read the configuration; a mistake ends here, in Redis's words, with code 1
 *   2. go to the background when asked (daemon.ts); the process there begins again, with what was read
 *   3. open the sockets, write the pid file, load the data, serve
 *   4. SIGTERM, SIGINT, SHUTDOWN: the server saves and closes; the pid file goes; code 0
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { ownWorkingFolder } from '../base/working-folder.js';
import { Config } from '../config/config.js';
import { ConfigFileError, ConfigLineError, readConfig } from '../config/reader.js';
import { unserved } from '../config/unserved.js';
import { announceStart } from '../server/announce.js';
import { checkUserLine, commandNames } from '../server/command-names.js';
import { Logger } from '../server/log.js';
import { Server } from '../server/server.js';
import { handleSignals, keepDebuggerShut } from '../server/signals.js';
import { StartError } from '../server/start-error.js';
import {
  findSupervisor,
  goToBackground,
  inBackground,
  notifySystemd,
  setProcessTitle,
  stopForUpstart,
  takeTextOfParent,
  tellParent,
  writePidFile,
} from './daemon.js';
import { parseStartOptions, type StartOptions } from './start-options.js';

/**
 * How V8 treats this process; a program that has a server inside keeps its own ways. These steer what V8 weighs up, not what
 * it does: a version that knows one of them no more says so on standard error, and goes on.
 */
const V8_FLAGS = {
  // What a turn makes is garbage after it: no more room for new objects than V8 begins with, which is 8 MB less to keep.
  start: ['--semi-space-growth-factor=1'],
  // A command is many small functions from dispatch down to the arena; by default V8 inlines about half of them. Compiling
  // so is slow, and would not be done before a dump is loaded.
  commands: [
    '--max-inlined-bytecode-size=800',
    '--max-inlined-bytecode-size-cumulative=6000',
    '--reserve-inline-budget-scale-factor=3',
  ],
};

/** A server that clients reach. */
export interface Running {
  readonly config: Config;
  readonly server: Server;
}

/**
 * Serves until the process ends. `argv`: the words after the program's name, without a subcommand. Resolves when clients are
 * served; with null when another process does so in the background.
 */
export async function serve(argv: readonly string[]): Promise<Running | null> {
  keepDebuggerShut();
  for (const flag of V8_FLAGS.start) setFlagsFromString(flag);
  const options = parseStartOptions(argv);
  const { config, text } = readOrExit(options);
  const { values } = config;
  const log = new Logger({ level: values.loglevel, file: values.logfile === '' ? '' : config.path(values.logfile) });
  followLog(config, log);

  const supervisor = inBackground() ? 'no' : findSupervisor(config, log);
  const background = values.daemonize && supervisor === 'no';
  if (background && !inBackground()) {
    const code = await goToBackground(text);
    if (code !== 0) process.exit(code);
    return null;
  }
  refuseModules(config, log);
  refuseUnserved(config, log);
  // Relative paths of the system's tools (core dumps, /proc) then mean what they mean with Redis.
  process.chdir(values.dir);
  ownWorkingFolder();
  config.onChange('dir', () => process.chdir(config.values.dir));
  announceStart(log, config, argv.length > 0);
  log.role = 'M';
  if (supervisor === 'systemd') notifySystemd(log, 'STATUS=Onggi is loading...');

  const server = new Server({ config, log, ownProcess: true });
  let removePidFile = () => {};
  const exit = (code: number): void => {
    removePidFile();
    process.exit(code);
  };
  process.on('uncaughtException', (error) => {
    log.warning(`The server ends because of a bug: ${error instanceof Error ? error.stack : String(error)}`);
    exit(1);
  });
  handleSignals(server, exit, sameSignalMs());
  server.onExit = exit;
  server.onCommandsNear = () => {
    for (const flag of V8_FLAGS.commands) setFlagsFromString(flag);
  };
  server.onListening = () => {
    setProcessTitle(config);
    removePidFile = writePidFile(config, log, background);
    if (inBackground()) tellParent();
    config.onChange(['port', 'tls-port', 'bind', 'proc-title-template'], () => setProcessTitle(config));
  };
  try {
    await server.start();
  } catch (error) {
    // The log has all about files that cannot be loaded.
    const recovery = (error as { code?: unknown }).code === 'ONGGI_RECOVERY';
    if (recovery) log.warning('Fatal error loading the DB, see above. Exiting.');
    else if (error instanceof StartError) log.warning(error.line);
    else log.warning(error instanceof Error ? error.message : String(error));
    exit(1);
  }
  if (supervisor === 'systemd') notifySystemd(log, 'STATUS=Ready to accept connections', 'READY=1');
  if (supervisor === 'upstart') stopForUpstart(log);
  return { config, server };
}

/** npm passes on the SIGINT that the terminal has already sent: the second of a pair is not somebody who insists. */
function sameSignalMs(): number {
  return process.env['npm_lifecycle_event'] === undefined ? 0 : 500;
}

/** `text`: what the file and standard input say. */
function readOrExit(options: StartOptions): { config: Config; text: string } {
  const config = new Config();
  const ready = takeTextOfParent();
  try {
    const text = readConfig(config, {
      ...(options.file === null ? {} : { file: options.file }),
      ...(options.input ? { input: readStandardInput } : {}),
      ...(ready === null ? {} : { text: ready }),
      options: options.lines,
      commands: commandNames(),
      checkUser: checkUserLine,
    });
    return { config, text };
  } catch (error) {
    if (error instanceof ConfigLineError) process.stderr.write(error.report);
    else if (error instanceof ConfigFileError) new Logger().warning(error.message);
    else throw error;
    process.exit(1);
  }
}

/** Announced on standard output as Redis does, whatever the configuration says of the log: it is not known yet. */
function readStandardInput(): string {
  new Logger().notice('Reading config from stdin');
  return readFileSync(0, 'latin1');
}

/** CONFIG SET loglevel works at once. */
function followLog(config: Config, log: Logger): void {
  config.onChange('loglevel', () => {
    log.level = config.values.loglevel;
  });
}

/** A line in the log and a start that ends, as for modules. */
function refuseUnserved(config: Config, log: Logger): void {
  const refusal = unserved(config.values);
  if (refusal === null) return;
  log.warning(`Can't serve as configured: ${refusal}`);
  process.exit(1);
}

/** A module's data and commands cannot be had here: better no server than one without them. */
function refuseModules(config: Config, log: Logger): void {
  const [module] = config.modules;
  if (module !== undefined) {
    log.warning(`Module ${module[0]} failed to load: modules are native code, which cannot be loaded here`);
    log.warning(`Can't load module from ${module[0]}: server aborting`);
    process.exit(1);
  }
  if (config.moduleParameters.length > 0) {
    log.warning('Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting');
    process.exit(1);
  }
}
