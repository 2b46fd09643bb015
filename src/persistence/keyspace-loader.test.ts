import { describe, expect, it } from 'vitest';
import { RdbReader } from '../formats/rdb/reader.js';
import { BytesSource } from '../formats/rdb/source.js';
import { Keyspace } from '../keyspace/keyspace.js';
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
