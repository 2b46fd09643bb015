import { beforeEach, expect, it } from 'vitest';
import { Crc64 } from '../base/crc64.js';
import { DUMP_COMMANDS } from './dump.js';
import { HASH_COMMANDS } from './hash.js';
import { KEY_COMMANDS } from './keys.js';
import { LIST_COMMANDS } from './list.js';
import { SET_COMMANDS } from './set.js';
import { STRING_COMMANDS } from './string.js';
import { FakeContext } from './testing/fake-context.js';
import { ZSET_COMMANDS } from './zset.js';

let t: FakeContext;
beforeEach(() => {
  t = new FakeContext(
    DUMP_COMMANDS,
    STRING_COMMANDS,
    LIST_COMMANDS,
    HASH_COMMANDS,
    SET_COMMANDS,
    ZSET_COMMANDS,
    KEY_COMMANDS,
  );
});

const numbers = (n: number): string[] => Array.from({ length: n }, (_, i) => `member-${i}`);

it('every type comes back as it was, small and large', () => {
  const values: [string, (string | number)[], (string | number)[]][] = [
    ['set', ['x'.repeat(5000)], ['get']],
    ['set', ['123'], ['get']],
    ['rpush', numbers(5), ['lrange', 0, -1]],
    ['rpush', numbers(5000), ['lrange', 0, -1]],
    ['sadd', [1, 2, 3], ['smembers']],
    ['sadd', numbers(1000), ['smembers']],
    ['hset', numbers(10), ['hgetall']],
    ['hset', numbers(1000), ['hgetall']],
    ['zadd', numbers(10).flatMap((m, i) => [i / 3, m]), ['zrange', 0, -1, 'WITHSCORES']],
    ['zadd', numbers(500).flatMap((m, i) => [i, m]), ['zrange', 0, -1, 'WITHSCORES']],
  ];
  for (const [command, args, [read, ...range]] of values) {
    t.run('del', 'k', 'copy');
    t.run(command, 'k', ...args);
    expect(t.run('restore', 'copy', 0, String(t.run('dump', 'k')))).toBe('OK');
    const both = ['k', 'copy'].map((key) => t.run(read!, key, ...range));
    const sorted = both.map((reply) =>
      read === 'smembers' || read === 'hgetall' ? [...(reply as string[])].sort() : reply,
    );
    expect(sorted[1]).toEqual(sorted[0]);
    expect(t.run('object', 'encoding', 'copy')).toBe(t.run('object', 'encoding', 'k'));
  }
});

it('fields that expire come back with their moments, in version 12 whatever is set', () => {
  for (const entries of [128, 0]) {
    t.keyspace.limits.hashMaxListpackEntries = entries;
    t.run('del', 'k', 'copy');
    t.run('hset', 'k', 'a', '1', 'b', '2', 'c', '3');
    t.run('hpexpire', 'k', 5000, 'FIELDS', 2, 'a', 'b');
    t.now += 10_000;
    const payload = String(t.run('dump', 'k'));
    expect(payload.charCodeAt(payload.length - 10)).toBe(12);
    expect(payload.charCodeAt(0)).toBe(entries === 0 ? 24 : 25);
    t.now -= 10_000;
    // What is over by then is restored all the same, and is missing at once.
    expect(t.run('restore', 'copy', 0, payload)).toBe('OK');
    expect(t.run('hpttl', 'copy', 'FIELDS', 3, 'a', 'b', 'c')).toEqual([5000, 5000, -1]);
    expect(t.run('object', 'encoding', 'copy')).toBe(entries === 0 ? 'hashtable' : 'listpackex');
    expect(t.db.expiringHashes).toBe(2);
  }
  t.run('hpersist', 'k', 'FIELDS', 2, 'a', 'b');
  const payload = String(t.run('dump', 'k'));
  expect([payload.charCodeAt(0), payload.charCodeAt(payload.length - 10)]).toEqual([4, 11]);
});

it('reads what Valkey 9 dumps of such a hash', () => {
  const body = Buffer.from(
    '1602 0161 0131 ffffffffffffffff 0162 0132 00e0b03dbb030000 5000'.replaceAll(' ', ''),
    'hex',
  );
  const sum = new Uint8Array(8);
  new Crc64().update(body, 0, body.length).write(sum, 0);
  expect(t.run('restore', 'h', 0, Buffer.concat([body, sum]).toString('latin1'))).toBe('OK');
  expect(t.run('hgetall', 'h')).toEqual(['b', '2', 'a', '1']);
  expect(t.run('hpexpiretime', 'h', 'FIELDS', 2, 'a', 'b')).toEqual([-1, 4_102_728_769_536]);
});

it('a time to live is propagated as the moment it means', () => {
  t.run('set', 'k', 'v');
  const payload = String(t.run('dump', 'k'));
  t.forget();
  t.run('restore', 'copy', 5000, payload, 'IDLETIME', 3);
  expect(t.events).toEqual(['new copy', 'restore copy']);
  expect(t.effects).toEqual([['restore', 'copy', String(t.now + 5000), payload, 'IDLETIME', '3', 'ABSTTL']]);
  t.forget();
  t.run('restore', 'copy', 0, payload, 'REPLACE');
  expect(t.effects).toEqual([['restore', 'copy', '0', payload, 'REPLACE']]);
});

it('what is past already replaces by deleting', () => {
  t.run('set', 'k', 'v');
  t.run('set', 'old', 'v');
  const payload = String(t.run('dump', 'k'));
  t.forget();
  expect(t.run('restore', 'old', 1, payload, 'ABSTTL', 'REPLACE')).toBe('OK');
  expect([t.events, t.effects]).toEqual([['del old'], [['DEL', 'old']]]);
  t.forget();
  expect(t.run('restore', 'new', 1, payload, 'ABSTTL')).toBe('OK');
  expect([t.events, t.effects]).toEqual([[], []]);
});

it('no block is left behind by refused payloads', () => {
  t.run('rpush', 'l', ...numbers(50));
  const payload = String(t.run('dump', 'l'));
  t.run('del', 'l');
  const before = t.keyspace.arena.allocated().length;
  for (let i = 0; i < payload.length; i++) {
    const damaged = payload.slice(0, i) + String.fromCharCode(payload.charCodeAt(i) ^ 1) + payload.slice(i + 1);
    expect(t.run('restore', 'x', 0, damaged)).toBe('-ERR DUMP payload version or checksum are wrong');
  }
  t.run('restore', 'x', 1, payload, 'ABSTTL');
  expect(t.keyspace.arena.allocated().length).toBe(before);
});
