/**
 * Uses a key with every command of its type, and looks whether what it answers fits together: a value that was taken from
 * outside must be as good as one made here.
 */

import { encodeCommand } from '../support/client.js';
import type { Random } from '../support/random.js';
import { decodeAll, type Reply, show } from '../support/reply.js';
import type { Wire } from '../support/test-server.js';

type Command = (string | Uint8Array)[];

/** The key under test; `other` is a sound one of the same type. */
export const KEY = 'k';

function split(lines: readonly string[]): Command[] {
  return lines.map((line) => line.split(' '));
}

/** Commands that are sent as one piece, encoded once. */
class Batch {
  readonly bytes: Buffer;
  constructor(readonly commands: readonly Command[]) {
    this.bytes = Buffer.concat(commands.map(encodeCommand));
  }
}

/** What only reads. */
const READS: Record<string, Command[]> = {
  string: split([
    'GET k',
    'STRLEN k',
    'GETRANGE k 0 -1',
    'GETRANGE k -3 5',
    'GETBIT k 7',
    'BITCOUNT k',
    'BITPOS k 1',
    'BITFIELD_RO k GET u8 0 GET i64 3',
    'PFCOUNT k',
    'LCS k other',
    'MGET k other',
  ]),
  list: split([
    'LLEN k',
    'LRANGE k 0 -1',
    'LRANGE k -3 1',
    'LINDEX k 0',
    'LINDEX k -1',
    'LINDEX k 3',
    'LPOS k a RANK -1 COUNT 0',
    'SORT k ALPHA',
    'SORT k BY nosort GET #',
  ]),
  set: split([
    'SCARD k',
    'SMEMBERS k',
    'SISMEMBER k a',
    'SMISMEMBER k 1 a 70000',
    'SRANDMEMBER k',
    'SRANDMEMBER k -5',
    'SRANDMEMBER k 3',
    'SSCAN k 0 COUNT 100000',
    'SINTER k other',
    'SUNION k other',
    'SDIFF k other',
    'SDIFF other k',
    'SINTERCARD 2 k other',
    'SORT k ALPHA DESC',
  ]),
  hash: split([
    'HLEN k',
    'HGETALL k',
    'HKEYS k',
    'HVALS k',
    'HGET k f',
    'HMGET k f g field0',
    'HEXISTS k a',
    'HSTRLEN k f',
    'HRANDFIELD k',
    'HRANDFIELD k -5 WITHVALUES',
    'HRANDFIELD k 3',
    'HSCAN k 0 COUNT 100000',
  ]),
  zset: split([
    'ZCARD k',
    'ZRANGE k 0 -1 WITHSCORES',
    'ZREVRANGE k 0 -1',
    'ZRANGEBYSCORE k -inf +inf',
    'ZREVRANGEBYSCORE k +inf (0 LIMIT 1 5',
    'ZRANGEBYLEX k - +',
    'ZLEXCOUNT k [a [z',
    'ZCOUNT k -inf +inf',
    'ZSCORE k a',
    'ZMSCORE k a z0 z1',
    'ZRANK k z0',
    'ZREVRANK k a WITHSCORE',
    'ZRANDMEMBER k -5 WITHSCORES',
    'ZRANDMEMBER k 3',
    'ZSCAN k 0 COUNT 100000',
    'ZUNION 2 k other WITHSCORES',
    'ZINTER 2 k other',
    'ZDIFF 2 k other',
    'ZINTERCARD 2 k other',
    'GEOPOS k a',
    'GEODIST k a b',
    'GEOHASH k a',
    'GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 1000 km',
  ]),
  stream: split([
    'XLEN k',
    'XRANGE k - +',
    'XREVRANGE k + -',
    'XRANGE k 5 (9 COUNT 2',
    'XINFO STREAM k',
    'XINFO STREAM k FULL COUNT 0',
    'XINFO GROUPS k',
    'XINFO CONSUMERS k group:0',
    'XINFO CONSUMERS k group',
    'XPENDING k group:0',
    'XPENDING k group',
    'XPENDING k group:1 - + 10',
    'XREAD COUNT 3 STREAMS k 0',
  ]),
  module: [],
};

/** For any type. */
const READS_ALL = split([
  'OBJECT ENCODING k',
  'OBJECT REFCOUNT k',
  'MEMORY USAGE k SAMPLES 0',
  'DEBUG OBJECT k',
  'TTL k',
  'EXISTS k',
  'SCAN 0 COUNT 1000',
]);

/** What changes the value; they are run in any order. */
const WRITES: Record<string, Command[]> = {
  string: split([
    'APPEND k xyz',
    'SETRANGE k 3 abc',
    'INCR k',
    'INCRBYFLOAT k 1.5',
    'SETBIT k 9 1',
    'BITFIELD k SET u8 4 200 OVERFLOW SAT INCRBY i5 1 15',
    'BITOP NOT k k',
    'BITOP XOR k k other',
    'PFADD k a b c',
    'PFMERGE k k',
    'GETEX k EX 1000',
  ]),
  list: split([
    'RPUSH k x y 12',
    'LPUSH k p q',
    'LPOP k',
    'RPOP k 2',
    'LSET k 0 zero',
    'LSET k -1 last',
    'LINSERT k BEFORE zero a',
    'LREM k 0 a',
    'LREM k -1 12',
    'LTRIM k 1 -2',
    'LMOVE k k LEFT RIGHT',
    'LMOVE k other RIGHT LEFT',
    'RPOPLPUSH other k',
    'SORT k ALPHA STORE k',
  ]),
  set: split([
    'SADD k a b 1 70000',
    'SADD k 9223372036854775807',
    'SREM k 1 a',
    'SPOP k',
    'SPOP k 2',
    'SMOVE k other 70000',
    'SUNIONSTORE k k other',
    'SINTERSTORE other k other',
    'SDIFFSTORE other k other',
  ]),
  hash: split([
    'HSET k f v2 g longer-than-before h 3',
    'HSETNX k a 1',
    'HINCRBY k h 5',
    'HINCRBYFLOAT k n 1.25',
    'HDEL k f',
    'HDEL k field0 field1 a',
    'HSET k f again',
  ]),
  zset: split([
    'ZADD k 1 a 2 b',
    'ZADD k XX GT CH 7 a',
    'ZADD k INCR 1 a',
    'ZINCRBY k -3 b',
    'ZREM k a',
    'ZREM k z0 z1',
    'ZPOPMIN k',
    'ZPOPMAX k 2',
    'ZREMRANGEBYRANK k 1 1',
    'ZREMRANGEBYSCORE k 1 2',
    'ZREMRANGEBYLEX k [a [b',
    'ZUNIONSTORE k 2 k other WEIGHTS 2 1',
    'ZRANGESTORE other k 0 3',
    'ZDIFFSTORE other 2 k other',
    'GEOADD k 13.36 38.11 Palermo',
  ]),
  stream: split([
    'XADD k * f v',
    'XADD k MAXLEN ~ 20 * a 1 b 2',
    'XADD k MAXLEN = 5 * f v',
    'XDEL k 1-0 2-0 3-0',
    'XTRIM k MINID 2',
    'XTRIM k MAXLEN ~ 3',
    'XTRIM k MAXLEN 2',
    'XGROUP CREATE k fresh 0',
    'XGROUP SETID k group:0 0',
    'XGROUP CREATECONSUMER k group:1 carol',
    'XGROUP DELCONSUMER k group:0 alice',
    'XGROUP DESTROY k group:2',
    'XREADGROUP GROUP fresh me COUNT 3 STREAMS k >',
    'XREADGROUP GROUP group:0 me STREAMS k >',
    'XREADGROUP GROUP group me STREAMS k 0',
    'XCLAIM k group:1 me 0 1-0 2-0 3-0 FORCE',
    'XAUTOCLAIM k group:0 me 0 0 COUNT 5',
    'XAUTOCLAIM k group me 0 0 JUSTID',
    'XACK k group:0 1-0 2-0 3-0 4-0',
    'XACK k group 1-0',
    'XSETID k 18446744073709551615-5',
    'XADD k * last 1',
  ]),
  module: [],
};

const WRITES_ALL = split([
  'EXPIRE k 1000',
  'PERSIST k',
  'COPY k copy REPLACE',
  'RENAME k k2',
  'RENAME k2 k',
  'TOUCH k',
]);

/** A sound value of each type, by commands. */
const SOUND: Record<string, Command[]> = {
  string: split(['SET other hello']),
  list: split(['RPUSH other a b 12 c']),
  set: split(['SADD other a b 1 x']),
  hash: [],
  zset: split(['ZADD other 1 a 2 z0 3 x']),
  stream: [],
  module: [],
};

const READING = new Map(
  Object.entries(READS).map(([kind, reads]) => [kind, new Batch([...SOUND[kind]!, ...reads, ...READS_ALL])]),
);
const WRITING = new Map(
  Object.entries(WRITES).map(([kind, writes]) => [
    kind,
    [...writes, ...WRITES_ALL].map((command) => new Batch([command])),
  ]),
);

export class ValueCheck {
  constructor(private readonly wire: Wire) {}

  /** Uses the value at key `k` of database 0; it may be gone afterwards. Throws when something is wrong. */
  run(r: Random): void {
    const { wire } = this;
    const [type] = wire.ask(['TYPE', KEY]);
    const name = text(type!);
    if (name === 'none') return;
    const kind = name in READS ? name : 'module';
    this.play([READING.get(kind)!]);
    this.fits(kind);
    this.survives();
    const writes = [...WRITING.get(kind)!];
    for (let i = writes.length - 1; i > 0; i--) {
      const j = r.below(i + 1);
      [writes[i], writes[j]] = [writes[j]!, writes[i]!];
    }
    const half = writes.length >> 1;
    this.play(writes.slice(0, half));
    this.fits(kind);
    this.play(writes.slice(half));
    this.fits(kind);
  }

  /** No reply may say that the value is of another type. */
  private play(batches: readonly Batch[]): void {
    const bytes = batches.length === 1 ? batches[0]!.bytes : Buffer.concat(batches.map((batch) => batch.bytes));
    const commands = batches.flatMap((batch) => batch.commands);
    const replies = decodeAll(this.wire.send(bytes));
    if (replies.length !== commands.length) throw new Error(`${commands.length} commands, ${replies.length} replies`);
    for (const [i, reply] of replies.entries()) {
      if (reply.mark !== '-') continue;
      const error = text(reply);
      if (error.startsWith('WRONGTYPE') && !NOT_ITS_OWN.test(commands[i]!.join(' '))) {
        throw new Error(`${commands[i]!.join(' ')}: ${error}`);
      }
    }
  }

  /** That the answers of different commands agree. */
  private fits(kind: string): void {
    switch (kind) {
      case 'string':
        return this.stringFits();
      case 'list':
        return this.listFits();
      case 'set':
        return this.setFits();
      case 'hash':
        return this.hashFits();
      case 'zset':
        return this.zsetFits();
      case 'stream':
        return this.streamFits();
    }
  }

  private stringFits(): void {
    const [value, length] = this.wire.ask(['GET', KEY], ['STRLEN', KEY]);
    equal('STRLEN', number(length!), value!.bytes?.length ?? 0);
  }

  private listFits(): void {
    const [length, all, first, last] = this.wire.ask(
      ['LLEN', KEY],
      ['LRANGE', KEY, '0', '-1'],
      ['LINDEX', KEY, '0'],
      ['LINDEX', KEY, '-1'],
    );
    const items = all!.items!;
    equal('LLEN', number(length!), items.length);
    if (items.length === 0) return this.mustBeGone();
    equal('LINDEX 0', show(first!), show(items[0]!));
    equal('LINDEX -1', show(last!), show(items.at(-1)!));
    const middle = items.length >> 1;
    const [at] = this.wire.ask(['LINDEX', KEY, String(middle)]);
    equal(`LINDEX ${middle}`, show(at!), show(items[middle]!));
  }

  private setFits(): void {
    const [size, all, scanned] = this.wire.ask(
      ['SCARD', KEY],
      ['SMEMBERS', KEY],
      ['SSCAN', KEY, '0', 'COUNT', '1000000'],
    );
    const members = all!.items!.map((item) => show(item));
    equal('SCARD', number(size!), members.length);
    equal('different members', new Set(members).size, members.length);
    equal('members of SSCAN', scanned!.items![1]!.items!.length, members.length);
    if (members.length === 0) return this.mustBeGone();
    const found = this.wire.ask(['SMISMEMBER', KEY, ...all!.items!.map((item) => item.bytes!)]);
    equal('members that are there', found[0]!.items!.filter((item) => text(item) === '1').length, members.length);
  }

  private hashFits(): void {
    const [size, all, scanned] = this.wire.ask(
      ['HLEN', KEY],
      ['HGETALL', KEY],
      ['HSCAN', KEY, '0', 'COUNT', '1000000'],
    );
    const items = all!.items!;
    const fields = items.filter((_, i) => i % 2 === 0);
    equal('different fields', new Set(fields.map((item) => show(item))).size, fields.length);
    // Fields whose time is over are counted until they are looked at, and not shown.
    if (number(size!) < fields.length) throw new Error(`HLEN is ${number(size!)}, there are ${fields.length} fields`);
    equal('fields of HSCAN', scanned!.items![1]!.items!.length, items.length);
    if (fields.length === 0) return;
    const [values] = this.wire.ask(['HMGET', KEY, ...fields.map((item) => item.bytes!)]);
    for (const [i, value] of values!.items!.entries()) equal('HMGET', show(value), show(items[2 * i + 1]!));
  }

  private zsetFits(): void {
    const [size, all, scanned, byScore, reverse] = this.wire.ask(
      ['ZCARD', KEY],
      ['ZRANGE', KEY, '0', '-1', 'WITHSCORES'],
      ['ZSCAN', KEY, '0', 'COUNT', '1000000'],
      ['ZRANGEBYSCORE', KEY, '-inf', '+inf'],
      ['ZREVRANGE', KEY, '0', '-1'],
    );
    const items = all!.items!;
    const members = items.filter((_, i) => i % 2 === 0);
    equal('ZCARD', number(size!), members.length);
    equal('different members', new Set(members.map((item) => show(item))).size, members.length);
    equal('members of ZSCAN', scanned!.items![1]!.items!.length, items.length);
    if (members.length === 0) return this.mustBeGone();
    for (let i = 0; i < members.length; i++) {
      equal('ZRANGEBYSCORE', show(byScore!.items![i]!), show(members[i]!));
      equal('ZREVRANGE', show(reverse!.items![members.length - 1 - i]!), show(members[i]!));
      if (i === 0) continue;
      const [x, y] = [score(items[2 * i - 1]!), score(items[2 * i + 1]!)];
      const order = x - y || Buffer.compare(members[i - 1]!.bytes!, members[i]!.bytes!);
      if (!(order < 0) && x !== y) throw new Error(`rank ${i}: ${x} before ${y}`);
      if (x === y && order >= 0) throw new Error(`rank ${i}: members out of order`);
    }
    const checks: Command[] = [];
    for (const [i, member] of members.entries()) {
      if (i < 20) checks.push(['ZSCORE', KEY, member.bytes!], ['ZRANK', KEY, member.bytes!]);
    }
    for (const [i, reply] of this.wire.ask(...checks).entries()) {
      if (i % 2 === 0) equal('ZSCORE', text(reply), text(items[i + 1]!));
      else equal('ZRANK', number(reply), i >> 1);
    }
  }

  private streamFits(): void {
    const [length, all, back, groups] = this.wire.ask(
      ['XLEN', KEY],
      ['XRANGE', KEY, '-', '+'],
      ['XREVRANGE', KEY, '+', '-'],
      ['XINFO', 'STREAM', KEY, 'FULL', 'COUNT', '0'],
    );
    if (groups!.mark === '-') return; // no such key
    const ids = all!.items!.map((entry) => text(entry.items![0]!));
    equal('XLEN', number(length!), ids.length);
    equal(
      'XREVRANGE',
      back!
        .items!.map((entry) => text(entry.items![0]!))
        .reverse()
        .join(),
      ids.join(),
    );
    const ascending = ids.map((id) => id.split('-').map(BigInt) as [bigint, bigint]);
    for (let i = 1; i < ascending.length; i++) {
      const [[a, b], [x, y]] = [ascending[i - 1]!, ascending[i]!];
      if (a > x || (a === x && b >= y)) throw new Error(`XRANGE: ${ids[i - 1]} before ${ids[i]}`);
    }
    const at = groups!.items!.findIndex((item) => item.bytes?.toString() === 'groups');
    for (const group of groups!.items![at + 1]!.items!) {
      const field = (from: Reply, name: string): Reply => {
        const where = from.items!.findIndex((item) => item.bytes?.toString() === name);
        return from.items![where + 1]!;
      };
      let pending = 0;
      for (const consumer of field(group, 'consumers').items!) pending += field(consumer, 'pending').items!.length;
      equal('pending entries of consumers', pending, field(group, 'pending').items!.length);
      equal('pel-count', number(field(group, 'pel-count')), pending);
    }
  }

  /** An empty collection is no key. */
  private mustBeGone(): void {
    const [exists] = this.wire.ask(['EXISTS', KEY]);
    equal('EXISTS of an empty value', number(exists!), 0);
  }

  /** DUMP and RESTORE, COPY, and saving to a file and loading it, keep the value. */
  private survives(): void {
    const { wire } = this;
    // An expiry is part of the digest, and not of the payload.
    const [, digest, dump] = wire.ask(['PERSIST', KEY], ['DEBUG', 'DIGEST-VALUE', KEY], ['DUMP', KEY]);
    if (dump!.bytes === null) return; // it was a hash whose fields' times were all over
    const [restored, copied] = wire.ask(['RESTORE', 'k3', '0', dump!.bytes!], ['COPY', KEY, 'k4']);
    equal('RESTORE of DUMP', text(restored!), 'OK');
    equal('COPY', number(copied!), 1);
    const [digests] = wire.ask(['DEBUG', 'DIGEST-VALUE', 'k3', 'k4'], ['DEL', 'k3', 'k4']);
    for (const other of digests!.items!) equal('DIGEST-VALUE', text(other), text(digest!.items![0]!));
  }
}

/** Commands that look at a string as something else, or store over another key's type. */
const NOT_ITS_OWN = /^(PF|GEO)|other/;

const text = (reply: Reply): string => reply.bytes!.toString('latin1');
const number = (reply: Reply): number => Number(text(reply));
function score(reply: Reply): number {
  const s = text(reply);
  return s === 'inf' ? Number.POSITIVE_INFINITY : s === '-inf' ? Number.NEGATIVE_INFINITY : Number(s);
}

function equal(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${String(found)}, expected ${String(expected)}`);
}
