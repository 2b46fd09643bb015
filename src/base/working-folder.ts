/** The folder that a process works in can be deleted under it. Threads cannot be started from there. */
import { realpathSync } from 'node:fs';

/** Goes to `/` when the working folder is gone. Call it before starting a thread. */
export function leaveLostFolder(): void {
  try {
    // process.cwd() would answer from memory.
    realpathSync.native('.');
  } catch {
    process.chdir('/');
  }
}
