import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listpack, streamId, streamPayload } from '../../../test/support/rdb-bytes.js';
import { RdbStore } from '../../../test/support/rdb-store.js';
import { UnsupportedError } from '../../base/errors.js';
import { Args } from '../resp/args.js';
import { CommandWriter } from './command-writer.js';
import { LogReader, Token } from './log-reader.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Writes the entries of a store; returns the commands, after their checksums have been verified. */
function commandsOf(store: RdbStore, checksums = true): { commands: string[][]; largest: number; checked: number } {
  const parts: Buffer[] = [];
  const writer = new CommandWriter(store.arena, (buf, len) => parts.push(Buffer.from(buf.subarray(0, len))), checksums);
  for (const [db, entries] of store.databases) {
    writer.selectDb(db);
    for (const entry of entries.values()) writer.entry(entry);
  }
  writer.end();
  const reader = new LogReader('base');
  reader.push(Buffer.concat(parts));
  const args = new Args();
  const commands: string[][] = [];
  let largest = 0;
  for (let token = reader.next(args); token !== Token.MORE; token = reader.next(args)) {
    if (token !== Token.COMMAND) continue;
    commands.push(Array.from({ length: args.count }, (_, i) => args.latin1(i)));
    largest = Math.max(largest, reader.offset - reader.tokenOffset);
  }
  reader.end();
  return { commands, largest, checked: reader.checkedBytes };
}

describe('CommandWriter', () => {
  test('each type by its command, expiry last, databases by SELECT', () => {
    const store = new RdbStore();
    store.putString(0, 's', bytes('value'), 4_102_444_800_000);
    store.putString(0, 'n', bytes('-12'));
    store.putList(0, 'l', ['a', '', '7'].map(bytes));
    store.putString(2, 'far', bytes(''), 2 ** 63);
    expect(commandsOf(store).commands).toEqual([
      ['SELECT', '0'],
      ['SET', 's', 'value'],
      ['PEXPIREAT', 's', '4102444800000'],
      ['SET', 'n', '-12'],
      ['RPUSH', 'l', 'a', '', '7'],
      ['SELECT', '2'],
      ['SET', 'far', ''],
      ['PEXPIREAT', 'far', '9223372036854775807'],
    ]);
  });

  test('a hash by its fields, then the moments of those that expire', () => {
    for (const limits of [{}, { hashMaxListpackEntries: 0 }]) {
      const store = new RdbStore(limits);
      const fields = [
        [bytes('a'), bytes('1'), Number.NaN],
        [bytes('b'), bytes('2'), 4_102_444_800_123],
        [bytes('c'), bytes('3'), 1],
      ] as const;
      store.putHash(0, 'h', fields, 4_102_444_800_000);
      const { commands } = commandsOf(store);
      expect(commands[1]!.slice(0, 2)).toEqual(['HMSET', 'h']);
      expect(commands[1]!.slice(2).sort()).toEqual(['1', '2', '3', 'a', 'b', 'c']);
      expect(commands.slice(2, 4).sort()).toEqual([
        ['HPEXPIREAT', 'h', '1', 'FIELDS', '1', 'c'],
        ['HPEXPIREAT', 'h', '4102444800123', 'FIELDS', '1', 'b'],
      ]);
      expect(commands[4]).toEqual(['PEXPIREAT', 'h', '4102444800000']);
    }
  });

  test('at most 64 elements a command, none of it lost', () => {
    const store = new RdbStore();
    const elements = Array.from({ length: 200 }, (_, i) => `element ${i}`);
    store.putList(0, 'l', elements.map(bytes));
    const { commands } = commandsOf(store);
    expect(commands.slice(1).map((argv) => argv.length - 2)).toEqual([64, 64, 64, 8]);
    expect(commands.slice(1).flatMap((argv) => argv.slice(2))).toEqual(elements);
  });

  test('large elements end a command early', () => {
    const store = new RdbStore();
    const elements = Array.from({ length: 40 }, (_, i) => String.fromCharCode(65 + i).repeat(300_000));
    store.putList(0, 'l', elements.map(bytes));
    const { commands, largest, checked } = commandsOf(store);
    expect(largest).toBeLessThan(2_000_000);
    expect(commands.slice(1).flatMap((argv) => argv.slice(2))).toEqual(elements);
    expect(checked).toBeGreaterThan(12_000_000);
    expect(commandsOf(store, false).checked).toBe(0);
  });

  test('a stream by its entries, its counters, its groups and what is pending', () => {
    const store = new RdbStore();
    store.putBlob(0, 's', 21, streamPayload({}), 4_102_444_800_000);
    store.putBlob(0, 'empty', 21, streamPayload({ nodes: [], length: 0, groups: [] }));
    const xclaim = ['XCLAIM', 's', 'group', 'alice', '0', '1-0', 'TIME', '1000', 'RETRYCOUNT', '1', 'JUSTID', 'FORCE'];
    expect(commandsOf(store).commands).toEqual([
      ['SELECT', '0'],
      ['XADD', 's', '1-0', 'f', 'v1'],
      ['XADD', 's', '2-1', 'a', 'x', 'b', '-7'],
      ['XSETID', 's', '2-1', 'ENTRIESADDED', '3', 'MAXDELETEDID', '2-0'],
      ['XGROUP', 'CREATE', 's', 'group', '1-0', 'ENTRIESREAD', '1'],
      xclaim,
      ['XGROUP', 'CREATECONSUMER', 's', 'group', 'bob'],
      ['PEXPIREAT', 's', '4102444800000'],
      ['XADD', 'empty', 'MAXLEN', '0', '0-1', 'x', 'y'],
      ['XSETID', 'empty', '2-1', 'ENTRIESADDED', '3', 'MAXDELETEDID', '2-0'],
    ]);
  });

  test('a stream with a pending entry that is deleted is refused', () => {
    const store = new RdbStore();
    const gone = streamId(1, 5);
    store.putBlob(0, 's', 21, streamPayload({ pending: [gone], consumers: [['c', [gone]]] }));
    expect(() => commandsOf(store)).toThrow(/"s".*a pending entry that is deleted cannot be written as commands/);
  });

  test('what commands refuse in a stream, or would make otherwise, is refused', () => {
    const sound = streamPayload({}).toString('hex');
    const node = (...elements: (number | string)[]): string =>
      streamPayload({ nodes: [[streamId(0, 0), listpack(...elements)]], length: 1, groups: [] }).toString('hex');
    const cases = [
      [node(1, 0, 0, 0, 2, 1, 0, 3), 'an entry without fields'],
      [node(1, 0, 1, 'f', 0, 2, 0, 0, 'v', 4), 'an entry with the ID 0-0'],
      [sound.replace('02010100020003', '02010100020001'), 'a count of entries below the length'],
      [sound.replace('67726f7570010001', '67726f7570010081fffffffffffffffb'), 'a negative count of entries read'],
      [sound.replace('e80300000000000001', 'e80300000000000081fffffffffffffffd'), 'a negative count of deliveries'],
    ] as const;
    for (const [payload, what] of cases) {
      const store = new RdbStore();
      store.putBlob(0, 's', 21, Buffer.from(payload, 'hex'));
      expect(() => commandsOf(store)).toThrow(new UnsupportedError('"s"', `${what} cannot be written as commands`));
    }
  });

  test('what no command makes is refused, with its key', () => {
    const store = new RdbStore();
    store.putBlob(0, 'the key', 7, Buffer.from('812a0b3c4d5e6f700100', 'hex'));
    expect(() => commandsOf(store)).toThrow(
      new UnsupportedError('"the key"', "a module's value cannot be written as commands"),
    );
  });

  test('the golden data sets: every element of sets, hashes and sorted sets; none is refused', () => {
    const store = new RdbStore();
    store.load(readFileSync(join(import.meta.dirname, '../../../test/golden/data/redis-7.2.6/dump.rdb')));
    const seen = new Map<string, number>();
    for (const entries of store.databases.values()) {
      for (const [key, entry] of entries) {
        const parts: Buffer[] = [];
        const writer = new CommandWriter(
          store.arena,
          (buf, len) => parts.push(Buffer.from(buf.subarray(0, len))),
          true,
        );
        writer.entry(entry);
        writer.end();
        const reader = new LogReader(key);
        reader.push(Buffer.concat(parts));
        const args = new Args();
        for (let token = reader.next(args); token !== Token.MORE; token = reader.next(args)) {
          if (token !== Token.COMMAND) continue;
          const name = args.latin1(0);
          const per = name === 'ZADD' || name === 'HMSET' ? 2 : 1;
          seen.set(name, (seen.get(name) ?? 0) + (args.count - 2) / per);
        }
        reader.end();
      }
    }
    for (const name of ['SET', 'RPUSH', 'SADD', 'ZADD', 'HMSET', 'XADD', 'PEXPIREAT'])
      expect(seen.get(name), name).toBeGreaterThan(0);
  });
});
