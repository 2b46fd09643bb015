/**
 * Files that real servers wrote: each key reads as the server that wrote it described it, and survives being written in
 * every version that can express it.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RdbReader } from '../../src/formats/rdb/reader.js';
import { FileSource } from '../../src/formats/rdb/source.js';
import { type Described, type DescribedStream, RdbStore } from '../support/rdb-store.js';

const DATA = join(import.meta.dirname, 'data');

/** `rdb`: the version that the server writes; `scores`: how it prints doubles. */
const SERVERS = [
  { name: 'redis-7.0.15', rdb: 10, scores: '17 digits', libraries: 1 },
  { name: 'redis-7.2.6', rdb: 11, scores: 'shortest', libraries: 1 },
  { name: 'redis-8.0-m01', rdb: 12, scores: 'shortest', libraries: 1 },
  { name: 'valkey-8.0.1', rdb: 11, scores: 'shortest', libraries: 1 },
] as const;

interface Expected {
  db: number;
  key: string;
  type: string;
  encoding: string;
  expireAtMs: number;
  value: unknown;
  info?: (string | number | null)[];
  groups?: {
    name: string;
    'last-delivered-id': string;
    'entries-read': number | null;
    pendingList: [string, string, number][];
  }[];
  fieldExpireAtMs?: number[];
  digest: string;
}

const text = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');
const byBytes = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
const score = (base64: string): number => Number(text(base64).replace('inf', 'Infinity'));

function expectedKeys(server: string): Expected[] {
  return readFileSync(join(DATA, server, 'expected.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Expected)
    .sort((x, y) => x.db - y.db || byBytes(text(x.key), text(y.key)));
}

/** The value in the form in which RdbStore describes it. */
function expectedValue(e: Expected): unknown {
  if (e.type === 'string') return text(e.value as string);
  if (e.type === 'list') return (e.value as string[]).map(text);
  if (e.type === 'set') return (e.value as string[]).map(text).sort(byBytes);
  if (e.type === 'zset') {
    const flat = e.value as string[];
    return flat.flatMap((_, i) => (i % 2 === 0 ? [[text(flat[i]!), score(flat[i + 1]!)]] : []));
  }
  if (e.type === 'hash') {
    return (e.value as [string, string][])
      .map(([field, value], i) => [text(field), text(value), e.fieldExpireAtMs?.[i] ?? -1] as const)
      .sort((x, y) => byBytes(x[0], y[0]));
  }
  return null;
}

function checkStream(actual: DescribedStream, e: Expected): void {
  const info = (name: string): unknown => e.info![e.info!.indexOf(name) + 1];
  expect(actual.entries).toEqual((e.value as [string, string[]][]).map(([id, fields]) => [text(id), fields.map(text)]));
  if (e.info !== undefined) {
    expect(actual.length).toBe(info('length'));
    expect(actual.lastId).toBe(info('last-generated-id'));
    expect(actual.maxDeletedId).toBe(info('max-deleted-entry-id'));
    expect(actual.firstId).toBe(info('recorded-first-entry-id'));
    expect(Number(actual.entriesAdded)).toBe(info('entries-added'));
  }
  expect(
    actual.groups.map(({ name, lastId, entriesRead, pending }) => ({
      name,
      lastId,
      entriesRead: entriesRead === null ? null : Number(entriesRead),
      pending,
    })),
  ).toEqual(
    (e.groups ?? []).map((group) => ({
      name: group.name,
      lastId: group['last-delivered-id'],
      entriesRead: group['entries-read'],
      pending: group.pendingList,
    })),
  );
}

/**
 * The encoding that Redis 7.2 would answer after loading the file: what the server that wrote it answered, but for what its
 * age or its history explains.
 */
function expectedEncoding(e: Expected, rdb: number): string | null {
  if (e.type === 'string') return null; // asked before the restart: APPEND and the like leave `raw` behind
  if (rdb === 10 && (e.type === 'list' || e.type === 'set')) return null; // before listpacks of their own
  return e.encoding;
}

function checkAgainst(actual: Described[], expected: Expected[], rdb: number, digests: boolean): void {
  expect(actual.map(({ db, key }) => [db, key])).toEqual(expected.map(({ db, key }) => [db, text(key)]));
  for (const [i, e] of expected.entries()) {
    const got = actual[i]!;
    const where = `db ${e.db} ${got.key}`;
    expect({ where, type: got.type }).toEqual({ where, type: e.type });
    expect({ where, at: got.expireAtMs }).toEqual({ where, at: e.expireAtMs });
    if (e.type === 'stream') checkStream(got.value as DescribedStream, e);
    else expect({ where, value: got.value }).toEqual({ where, value: expectedValue(e) });
    const encoding = expectedEncoding(e, rdb);
    if (encoding !== null) expect({ where, encoding: got.encoding }).toEqual({ where, encoding });
    if (digests) expect({ where, digest: got.digest }).toEqual({ where, digest: e.digest });
  }
}

describe.each(SERVERS)('$name', ({ name, rdb, scores, libraries }) => {
  const file = readFileSync(join(DATA, name, 'dump.rdb'));
  const expected = expectedKeys(name);

  it('reads every key as the server described it: value, type, encoding, expiry, digest', () => {
    const store = new RdbStore();
    const reader = store.load(file);
    expect(reader.version).toBe(rdb);
    expect(reader.valkey).toBe(false);
    expect(reader.offset).toBe(file.length);
    checkAgainst(store.describe(scores), expected, rdb, true);
    expect(store.libraries).toHaveLength(libraries);
    expect(store.libraries[0]).toMatch(/^#!lua name=golden\n/);
    expect(store.auxFields.get('redis-bits')).toBe('64');
    expect(store.auxFields.get('aof-base')).toBe('0');
    store.audit();
  });

  it('reads the same however the input is cut', () => {
    const whole = new RdbStore();
    whole.load(file);
    for (const chunk of [1, 7, 4096]) {
      const store = new RdbStore();
      store.load(file, { chunk });
      expect(store.digest()).toBe(whole.digest());
    }
  });

  it('reads from a file descriptor, key by key', () => {
    const fd = openSync(join(DATA, name, 'dump.rdb'), 'r');
    try {
      const store = new RdbStore();
      const reader = new RdbReader(new FileSource('dump.rdb', fd), store.arena, store.limits, store, {
        checksum: true,
      });
      let steps = 0;
      while (reader.step()) steps++;
      expect(steps).toBeGreaterThan(expected.length);
      expect(reader.keys).toBe(expected.length);
      expect(reader.step()).toBe(false);
      expect(store.size).toBe(expected.length);
    } finally {
      closeSync(fd);
    }
  });

  for (const version of [9, 10, 11, 12] as const) {
    it(`survives being written as version ${version}`, () => {
      const store = new RdbStore();
      store.load(file);
      const lost: string[] = [];
      const written = store.save({ version, unsupported: (key) => lost.push(key) });
      const again = new RdbStore();
      expect(again.load(written).version).toBe(version);
      again.audit();

      const expiring = version < 12 && name === 'redis-8.0-m01';
      const expectLost = [...(version < 10 ? [''] : []), ...(expiring ? ['"hash:ttl:big"', '"hash:ttl:small"'] : [])];
      expect(lost.sort()).toEqual(expectLost);
      if (!expiring) expect(again.digest()).toBe(store.digest());
      expect(again.libraries).toEqual(version < 10 ? [] : store.libraries);
      const [before, after] = [store.describe(), again.describe()].map((keys) =>
        keys.filter(({ key }) => !lost.includes(JSON.stringify(key))).map((key) => comparable(key, version)),
      );
      expect(after).toEqual(before);
    });
  }

  it('refuses to write what the version cannot express unless told to go on', () => {
    const store = new RdbStore();
    store.load(file);
    store.libraries.length = 0;
    if (name === 'redis-8.0-m01') expect(() => store.save({ version: 11 })).toThrow(/^key "hash:ttl:/);
    else expect(() => store.save({ version: 9 })).not.toThrow();
  });
});

/** Without what the version drops of a stream. */
function comparable(key: Described, version: number): unknown {
  if (key.type !== 'stream') return key;
  const stream = structuredClone(key.value) as DescribedStream;
  for (const group of stream.groups) {
    if (version < 11) for (const consumer of group.consumers) consumer.activeTimeMs = -1;
    if (version < 10) group.entriesRead = null;
  }
  if (version < 10) {
    stream.firstId = null;
    stream.maxDeletedId = null;
    stream.entriesAdded = null;
  }
  return { ...key, value: stream };
}
