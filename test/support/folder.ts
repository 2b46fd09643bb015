/** Temporary folders that are removed in any case. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownFolder, releaseFolder } from './reaper.js';

export function temporaryFolder(name = 'test'): string {
  const path = mkdtempSync(join(tmpdir(), `onggi-${name}-`));
  ownFolder(path);
  return path;
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  releaseFolder(path);
}
