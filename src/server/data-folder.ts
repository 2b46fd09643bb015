/**
 * The data folder of a server within a program, made when it is missing. The command line makes none, as Redis makes none.
 *
 * What was made is on the disk before anything is kept in it: a power cut would else take the folder, and with it what was
 * acknowledged.
 */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../base/errors.js';
import { strerror } from '../base/strerror.js';
import { nodeDisk } from '../disk/disk.js';

/**
 * Makes the folder at an absolute path, and those above it. Returns what takes away those that it made, as far as they are
 * empty. Throws ConfigError when it cannot be made, and leaves none then.
 */
export function makeDataFolder(path: string): () => void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  const made: string[] = [];
  const remove = () => {
    for (const each of made.reverse()) {
      try {
        rmdirSync(each);
      } catch {
        // Something is kept in it, and so in those above.
        return;
      }
    }
  };
  try {
    for (const each of missing) {
      if (make(each)) made.push(each);
      nodeDisk.syncDir(dirname(each));
    }
  } catch (error) {
    remove();
    throw new ConfigError(`dir '${path}': ${strerror(error)}`, { cause: error });
  }
  return remove;
}

/** Not mkdir's own recursion: it never ends where the system says of a folder that is there that it is not, as in /proc. */
function make(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    // Somebody else has made it meanwhile, and it stays theirs.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(path)) return false;
    throw error;
  }
}
