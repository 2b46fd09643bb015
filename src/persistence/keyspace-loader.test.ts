import { describe, expect, it } from 'vitest';
import { RdbReader } from '../formats/rdb/reader.js';
import { BytesSource } from '../formats/rdb/source.js';
import { Keyspace } from '../keyspace/keyspace.js';
import { itemValueIndex } from '../memory/item.js';
import { KeyspaceLoader } from './keyspace-loader.js';

describe('a file with keys of a database that there is not', () => {
  it('is refused, and nothing of the value that was read stays', () => {
    const keyspace = new Keyspace({ expired() {}, fieldsExpired() {} });
    const before = keyspace.arena.bytesUsed;
    // Database 20: the list k with the element a.
    const file = Buffer.from([...Buffer.from('REDIS0011'), 0xfe, 20, 1, 1, 0x6b, 1, 1, 0x61, 0xff]);
    const loader = new KeyspaceLoader(
      keyspace,
      { libraries: [], moduleAux: [] },
      { dropExpired: false, replace: false },
    );
    const source = new BytesSource('dump.rdb', file);
    const reader = new RdbReader(source, keyspace.arena, keyspace.limits, loader, { checksum: false });
    expect(() => reader.run()).toThrow('start with "databases 21" or more');
    expect(keyspace.arena.bytesUsed).toBe(before);
  });
});

describe('a key that comes twice', () => {
  /** A file of the strings k0 to k299 in database 0, one of them again at the given place, and one in database 1 at the end. */
  function file(again: number): { bytes: Buffer; offset: number } {
    const parts: Buffer[] = [Buffer.from('REDIS0011'), Buffer.from([0xfe, 0])];
    let offset = -1;
    for (let i = 0; i < 300; i++) {
      if (i === again) {
        offset = Buffer.concat(parts).length;
        parts.push(string('k7', 'second'));
      }
      parts.push(string(`k${i}`, 'first'));
    }
    parts.push(Buffer.from([0xfe, 1]), string('k7', 'another database'), Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 0]));
    return { bytes: Buffer.concat(parts), offset };
  }
  const string = (key: string, value: string): Buffer =>
    Buffer.concat([Buffer.from([0, key.length]), Buffer.from(key), Buffer.from([value.length]), Buffer.from(value)]);

  function open(bytes: Buffer, replace: boolean) {
    const keyspace = new Keyspace({ expired() {}, fieldsExpired() {} });
    const loader = new KeyspaceLoader(keyspace, { libraries: [], moduleAux: [] }, { dropExpired: false, replace });
    const source = new BytesSource('dump.rdb', bytes);
    const reader = new RdbReader(source, keyspace.arena, keyspace.limits, loader, { checksum: false });
    return { keyspace, loader, reader };
  }

  for (const again of [8, 63, 64, 65, 128, 256, 299]) {
    it(`is refused with its name and place, wherever it comes (${again})`, () => {
      const { bytes, offset } = file(again);
      const { keyspace, loader, reader } = open(bytes, false);
      expect(() => reader.run()).toThrow(expect.objectContaining({ offset, message: expect.stringContaining('"k7"') }));
      loader.end();
      // What was read before stays, each key once, and no block belongs to nobody.
      const { table } = keyspace.databases[0]!;
      table.check();
      expect(table.count).toBe(loader.keysLoaded);
      expect(keyspace.arena.allocated().length).toBe(blocks(keyspace));
    });
  }

  it('replaces the one before where that is wanted', () => {
    const { keyspace, loader, reader } = open(file(100).bytes, true);
    reader.run();
    expect(loader.keysLoaded).toBe(302);
    const [first, second] = keyspace.databases;
    expect([first!.size, second!.size]).toEqual([300, 1]);
    const { arena } = keyspace;
    const entry = first!.find(Buffer.from('k7'), 0, 2);
    const at = itemValueIndex(arena, entry);
    expect(Buffer.from(arena.bytesOf(entry).slice(at, at + 6)).toString()).toBe('second');
  });

  /** Blocks of all tables and entries. */
  function blocks(keyspace: Keyspace): number {
    let count = 0;
    for (const { table } of keyspace.databases) {
      count += table.count;
      table.blocks(() => count++);
    }
    return count;
  }
});

describe('keys that somebody waits for', () => {
  it('are told of once each, whether they replace others or not', () => {
    for (const replace of [false, true]) {
      const keyspace = new Keyspace({ expired() {}, fieldsExpired() {} });
      const told: number[] = [];
      const waits = { added: (_: unknown, entry: number) => told.push(entry), removed() {} };
      keyspace.waits = waits as unknown as Keyspace['waits'];
      // Lists of one element, in database 0.
      const lists = Array.from({ length: 500 }, (_, i) => [1, 2, i >> 8, i & 255, 1, 1, 0x61]).flat();
      const file = Buffer.from([...Buffer.from('REDIS0011'), 0xfe, 0, ...lists, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
      const loader = new KeyspaceLoader(keyspace, { libraries: [], moduleAux: [] }, { dropExpired: false, replace });
      const source = new BytesSource('dump.rdb', file);
      new RdbReader(source, keyspace.arena, keyspace.limits, loader, { checksum: false }).run();
      const entries: number[] = [];
      keyspace.databases[0]!.forEach((entry) => {
        entries.push(entry);
      });
      expect(entries.length).toBe(500);
      expect(told.sort()).toEqual(entries.sort());
    }
  });
});
