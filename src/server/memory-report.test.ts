import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { type MemoryFigures, memoryDoctor, memoryFigures } from './memory-report.js';
import { LiveServer } from './testing/live-server.js';

const MB = 1024 * 1024;

function figures(changes: Partial<MemoryFigures> = {}): MemoryFigures {
  return {
    used: 100 * MB,
    peak: 110 * MB,
    startup: MB,
    counted: 100 * MB,
    clients: 0,
    replicas: 0,
    log: 0,
    databases: [],
    overhead: MB,
    dataset: 99 * MB,
    datasetPercent: 99,
    keys: 1,
    allocated: 99 * MB,
    active: 100 * MB,
    resident: 105 * MB,
    rss: 150 * MB,
    ...changes,
  };
}

const RUNTIME = 50 * MB;
const CLIENTS = { normal: 2, replicas: 1 };

describe('MEMORY DOCTOR', () => {
  it('has nothing to say of a small instance, nor of a healthy one', () => {
    expect(memoryDoctor(figures({ used: 4 * MB, peak: 400 * MB }), RUNTIME, CLIENTS)).toMatch(
      /^Hi Sam, this instance is empty/,
    );
    expect(memoryDoctor(figures(), RUNTIME, CLIENTS)).toMatch(/^Hi Sam, I can't find any memory issue/);
  });

  for (const [issue, changes] of [
    ['Peak memory', { peak: 151 * MB }],
    ['High allocator fragmentation', { active: 111 * MB, resident: 115 * MB }],
    ['High allocator RSS overhead', { resident: 130 * MB }],
    ['High process RSS overhead', { rss: 180 * MB }],
    ['Big replica buffers', { replicas: 11 * MB }],
    ['Big client buffers', { clients: MB }],
  ] as const) {
    it(`finds: ${issue}`, () => {
      const report = memoryDoctor(figures(changes), RUNTIME, CLIENTS);
      expect(report.match(/^ \* [^:]*/gm)).toEqual([` * ${issue}`]);
      expect(report).toMatch(/^Sam, I detected/);
    });
  }
});

describe('the figures of memory', () => {
  it('add up, and return to where they were when the data goes', async () => {
    await using live = await LiveServer.start();
    await using client = await RespClient.connect(live.port);
    const { server } = live;
    const before = memoryFigures(server);
    for (let i = 0; i < 1000; i++) {
      await client.ask('SET', `key:${i}`, Buffer.alloc(100), ...(i % 2 === 0 ? ['EX', 1000] : []));
    }
    const full = memoryFigures(server);
    expect(full.used).toBe(full.overhead + full.dataset);
    expect(full.keys).toBe(1000);
    expect(full.databases).toEqual([
      { db: 0, main: server.keyspace.databases[0]!.table.tableBytes + 8000, expires: 4000 },
    ]);
    expect(full.dataset).toBeGreaterThan(100_000);
    expect(full.dataset).toBeLessThan(150_000);
    expect(full.active).toBeGreaterThanOrEqual(full.allocated);
    expect(full.resident).toBeGreaterThanOrEqual(full.active);
    await client.ask('FLUSHALL');
    const after = memoryFigures(server);
    expect(after.allocated).toBe(before.allocated);
    expect(after.dataset).toBe(0);
    expect(after.peak).toBeGreaterThanOrEqual(full.used);
  });

  it('MALLOC-STATS accounts for every byte, and PURGE gives segments back', async () => {
    await using live = await LiveServer.start();
    await using client = await RespClient.connect(live.port);
    const { arena } = live.server.keyspace;
    const makeLarge = (key: string) => client.ask('SETRANGE', key, 40 * MB - 1, 'x');
    for (let i = 0; i < 2; i++) await makeLarge(`large:${i}`);
    for (let i = 0; i < 500; i++) await client.ask('SET', `small:${i}`, 'x'.repeat(i));
    const text = await client.ask('MEMORY', 'MALLOC-STATS');
    let bytes = 0;
    for (const line of String(text).split('\n')) {
      const cells = line.trim().split(/ +/);
      if (/^(\d+|pages)$/.test(cells[0]!)) bytes += Number(cells[5]);
    }
    expect(bytes).toBe(arena.bytesUsed);
    await client.ask('DEL', ...Array.from({ length: 2 }, (_, i) => `large:${i}`));
    await eventually(() => live.server.keyspace.discarded.count === 0);
    expect(await client.ask('MEMORY', 'PURGE')).toBe('OK');
    expect(arena.bytesReserved).toBe(64 * MB);
    expect(await client.ask('GET', 'small:7')).toBe('xxxxxxx');
    expect(await makeLarge('large')).toBe(40 * MB);
  });
});
