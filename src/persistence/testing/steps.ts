/** What tests of persistence do with model servers, step by step. */
import { assert } from '../../base/assert.js';
import { FaultyDisk } from '../../disk/faulty-disk.js';
import { ModelServer, type MutableConfig } from './model-server.js';

export const turnLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export async function turnLoops(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turnLoop();
}

/** Waits for what comes within some hundred turns. */
export async function until(done: () => boolean): Promise<void> {
  for (let i = 0; !done(); i++) {
    assert(i < 500, 'it comes');
    await turnLoop();
  }
}

export function emptyDisk(): FaultyDisk {
  const disk = new FaultyDisk();
  for (const folder of ['/data', '/elsewhere']) disk.put(`${folder}/x`, '');
  return disk;
}

export async function start(disk: FaultyDisk, config: Partial<MutableConfig> = {}): Promise<ModelServer> {
  const server = new ModelServer(disk, config);
  await server.start();
  return server;
}

export function turns(server: ModelServer, count: number): void {
  for (let i = 0; i < count; i++) {
    server.execute();
    server.endTurn();
  }
}

export function appendonly(server: ModelServer, on: boolean): string | null {
  server.config.appendonly = on;
  return server.persistence.setAppendonly(on);
}

export async function rewritten(server: ModelServer): Promise<void> {
  for (let i = 0; i < 100 && (server.persistence.busy || server.persistence.rewriteScheduled); i++) {
    server.tick(100);
    await turnLoop();
  }
}
