import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { eventually } from '../../test/support/wait.js';
import { Arena, SEGMENT_BYTES } from '../memory/arena.js';
import { DroppedSegments } from './dropped-segments.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Fills an arena with segments and drops all but the reserve. */
function dropSome(dropped: DroppedSegments): number {
  const arena = new Arena();
  let drops = 0;
  arena.onDrop = (buffer) => {
    expect(buffer.byteLength).toBe(SEGMENT_BYTES);
    drops++;
    dropped.take(buffer);
  };
  const blocks = Array.from({ length: 4 }, () => arena.alloc(SEGMENT_BYTES - 65536));
  for (const block of blocks) arena.free(block);
  return drops;
}

it('are held until the main thread has collected them, then let go; and again', async () => {
  const dropped = new DroppedSegments();
  try {
    for (let round = 0; round < 2; round++) {
      const drops = dropSome(dropped);
      expect(drops).toBeGreaterThan(0);
      expect(dropped.count).toBe(drops);
      dropped.look();
      await eventually(() => {
        collect();
        dropped.look();
        return dropped.count === 0;
      });
    }
  } finally {
    dropped.stop();
  }
});
