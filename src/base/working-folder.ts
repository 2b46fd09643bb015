/** The folder that a process works in can be deleted under it. Threads cannot be started from there. */
import { realpathSync } from 'node:fs';

let isOurs = false;

/** The process does nothing but serve, so its working folder may be changed. */
export function ownWorkingFolder(): void {
  isOurs = true;
}

/** Goes to `/` when the working folder is gone, and is ours. Call it before starting a thread. */
export function leaveLostFolder(): void {
  if (!isOurs) return;
  try {
    // process.cwd() would answer from memory.
    realpathSync.native('.');
  } catch {
    process.chdir('/');
  }
}
