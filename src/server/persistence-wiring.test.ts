import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { inFolder, LiveServer } from './testing/live-server.js';

const open = (live: LiveServer) => RespClient.connect(live.port);

async function changes(client: RespClient): Promise<number> {
  const info = String(await client.ask('INFO', 'persistence'));
  return Number(/rdb_changes_since_last_save:(-?\d+)/.exec(info)![1]);
}

/** The text of the log. */
function logged(dir: string): string {
  return readFileSync(join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof'), 'latin1');
}

describe('rdb_changes_since_last_save after FLUSHALL', () => {
  it('is 0 with save points, what a transaction does after it counts, and FLUSHALL is logged', () =>
    inFolder(async (dir) => {
      await using live = await LiveServer.start({ dir, config: { appendonly: 'yes', appendfsync: 'always' } });
      await using client = await open(live);
      await client.ask('CONFIG', 'SET', 'save', '300 100');
      for (let i = 0; i < 5; i++) await client.ask('SET', `k${i}`, 'v');
      expect(await changes(client)).toBe(5);
      await client.ask('FLUSHALL');
      expect(await changes(client)).toBe(0);
      expect(logged(dir).split('FLUSHALL').length - 1).toBe(1);
      await client.ask('FLUSHALL');
      expect(await changes(client)).toBe(0);
      expect(logged(dir).split('FLUSHALL').length - 1).toBe(2);
      await client.ask('MULTI');
      for (const command of [['SET', 'a', '1'], ['SET', 'b', '2'], ['FLUSHALL'], ['SET', 'c', '3']])
        await client.ask(...(command as [string]));
      await client.ask('EXEC');
      expect(await changes(client)).toBe(1);
    }));

  it('is what was flushed without them', () =>
    inFolder(async (dir) => {
      await using live = await LiveServer.start({ dir });
      await using client = await open(live);
      await client.ask('MSET', 'a', '1', 'b', '2');
      await client.ask('FLUSHALL');
      expect(await changes(client)).toBe(4);
    }));
});

describe('CONFIG SET aof-disable-auto-gc no', () => {
  it('deletes the history before it answers', () =>
    inFolder(async (dir) => {
      await using live = await LiveServer.start({ dir, config: { appendonly: 'yes', 'aof-disable-auto-gc': 'yes' } });
      await using client = await open(live);
      await client.ask('SET', 'a', '1');
      await client.ask('BGREWRITEAOF');
      await eventually(async () => {
        const info = String(await client.ask('INFO', 'persistence'));
        return info.includes('aof_rewrite_in_progress:0') && info.includes('aof_rewrite_scheduled:0');
      });
      const folder = join(dir, 'appendonlydir');
      const manifest = () => readFileSync(join(folder, 'appendonly.aof.manifest'), 'latin1');
      expect(manifest()).toContain('type h');
      expect(readdirSync(folder)).toContain('appendonly.aof.1.base.rdb');
      await client.ask('CONFIG', 'SET', 'aof-disable-auto-gc', 'no');
      expect(manifest()).not.toContain('type h');
      expect(readdirSync(folder).sort()).toEqual([
        'appendonly.aof.2.base.rdb',
        'appendonly.aof.2.incr.aof',
        'appendonly.aof.manifest',
      ]);
    }));
});
