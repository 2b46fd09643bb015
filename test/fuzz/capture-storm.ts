/**
 * A storm of commands around captures. Two servers get the same commands, and only one of them takes snapshots, one after the
 * other: each must hold what was there when it began, both servers must answer alike, and no block may be lost.
 *
 * The snapshot's worker is played by `LaggingReader`: it reads an entry at the last moment, right before it acknowledges it,
 * through views of its own. So whatever was changed too early is seen. Limits are small, so that encodings change all the time;
 * captures are aborted, and begin right after the last one's end, while much is still to be freed.
 */

import { RdbWriter } from '../../src/formats/rdb/writer.js';
import { Capture, type CaptureQueue } from '../../src/keyspace/capture.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import { Arena } from '../../src/memory/arena.js';
import { seedHash } from '../../src/memory/hash-function.js';
import { hasRoot, itemKeyBytes, itemKeyIndex, itemMeta } from '../../src/memory/item.js';
import { Draw } from '../differential/draw.js';
import { randomCommand } from '../differential/generator.js';
import { encodeCommand } from '../support/client.js';
import { MemoryDisk } from '../support/memory-disk.js';
import { Random } from '../support/random.js';
import { TestServer, type Wire } from '../support/test-server.js';

/** What is written of an entry. */
class EntryBytes {
  private parts: Buffer[] = [];
  private readonly writer: RdbWriter;

  constructor(private readonly arena: Arena) {
    this.writer = new RdbWriter(
      arena,
      (buf, len) => {
        this.parts.push(Buffer.from(buf.subarray(0, len)));
      },
      { version: 12, compression: false, checksum: false },
    );
  }

  of(entry: number): string {
    this.parts = [];
    this.writer.entry(entry);
    // Its end is the same behind every entry.
    this.writer.end();
    const at = itemKeyIndex(this.arena, entry);
    const key = Buffer.from(this.arena.bytesOf(entry).subarray(at, at + itemKeyBytes(this.arena, entry)));
    const meta = itemMeta(this.arena, entry);
    return `${key.toString('latin1')}|${meta & 7}.${hasRoot(meta) ? (meta >>> 3) & 7 : ''}|${Buffer.concat(this.parts).toString('latin1')}`;
  }
}

class LaggingReader implements CaptureQueue {
  readonly seen: string[] = [];
  private readonly queue: [number, number][] = [];
  private published = 0;
  private taken = 0;
  private readonly bytes: EntryBytes;

  constructor(
    keyspace: Keyspace,
    private readonly bound: number,
  ) {
    this.bytes = new EntryBytes(Arena.attach(keyspace.arena.buffers()));
  }
  handed(): number {
    return this.queue.length;
  }
  acked(): number {
    return this.taken;
  }
  room(): number {
    return this.bound - (this.queue.length - this.taken);
  }
  push(db: number, entry: number): void {
    this.queue.push([db, entry]);
  }
  publish(): void {
    this.published = this.queue.length;
  }
  work(entries: number): void {
    for (let i = 0; i < entries && this.taken < this.published; i++) {
      const [db, entry] = this.queue[this.taken]!;
      this.seen.push(`${db}/${this.bytes.of(entry)}`);
      this.taken++;
    }
  }
}

function contentsOf(keyspace: Keyspace): string[] {
  const bytes = new EntryBytes(keyspace.arena);
  const all: string[] = [];
  for (const db of keyspace.databases) {
    db.forEach((entry) => {
      all.push(`${db.index}/${bytes.of(entry)}`);
    });
  }
  return all.sort();
}

export interface StormOptions {
  seed: number;
  commands: number;
  /** Told of everything that is done, a line each. */
  trace?: ((line: string) => void) | undefined;
}

const big = (r: Random, max: number): string => String.fromCharCode(97 + r.below(26)).repeat(r.below(max));

class Storm {
  private readonly r: Draw;
  private readonly servers: [TestServer, TestServer];
  private readonly wires: [Wire[], Wire[]];
  private capture: Capture | null = null;
  private reader: LaggingReader | null = null;
  private expected: string[] = [];
  private keys = 0;
  private calls = 0;
  captures = 0;
  aborted = 0;
  private readonly trace: (line: string) => void;
  private readonly spread: number;
  private readonly bigMax: number;
  /** By connection: whether it is in a transaction. */
  private readonly queues = [false, false];

  constructor(private readonly options: StormOptions) {
    const r = new Draw(options.seed, true);
    this.r = r;
    this.trace = options.trace ?? (() => {});
    this.spread = r.pick([4, 30, 400, 3000]);
    this.bigMax = r.pick([200, 3000, 60_000, 600_000]);
    const small = r.chance(70);
    const config: Record<string, string | number> = {
      databases: 4,
      appendonly: 'no',
      'stream-node-max-entries': r.pick([1, 3, 10, 100]),
      'stream-node-max-bytes': r.pick([40, 100, 4096]),
      'list-max-listpack-size': r.pick([-2, -1, 1, 3, 16, -5]),
      ...(small
        ? {
            'hash-max-listpack-entries': r.pick([0, 2, 8, 100_000]),
            'hash-max-listpack-value': r.pick([4, 64, 100_000]),
            'set-max-listpack-entries': r.pick([0, 3, 8, 100_000]),
            'set-max-intset-entries': r.pick([0, 2, 6, 70_000]),
            'zset-max-listpack-entries': r.pick([0, 3, 8, 100_000]),
            'hll-sparse-max-bytes': r.pick([30, 300, 3000]),
          }
        : {}),
      'lazyfree-lazy-user-del': r.pick(['yes', 'no']),
      'lazyfree-lazy-server-del': r.pick(['yes', 'no']),
      'lazyfree-lazy-user-flush': r.pick(['yes', 'no']),
      'lazyfree-lazy-expire': r.pick(['yes', 'no']),
      'maxmemory-policy': r.pick(['noeviction', 'allkeys-lfu', 'volatile-lru']),
    };
    const make = (): TestServer => {
      const server = new TestServer({ disk: new MemoryDisk(), config, without: ['shutdown', 'migrate'] });
      server.server.persistence.startInMemory();
      server.server.keyspace.limits.loggedStringMax = 1024 * 1024;
      return server;
    };
    this.servers = [make(), make()];
    this.wires = [
      [this.servers[0].connect(), this.servers[0].connect()],
      [this.servers[1].connect(), this.servers[1].connect()],
    ];
  }

  private get keyspace(): Keyspace {
    return this.servers[0].server.keyspace;
  }

  private seedChance(): void {
    CHANCE.use(new Random(this.options.seed * 1_000_003 + ++this.calls));
  }

  private send(wire: number, args: readonly (string | Buffer)[]): Buffer {
    this.trace(`${wire} ${args.map((a) => shorten(typeof a === 'string' ? a : a.toString('latin1'))).join(' ')}`);
    const bytes = encodeCommand(args.map((arg) => (typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg)));
    const calls = this.calls;
    const replies = [0, 1].map((i) => {
      this.calls = calls;
      this.seedChance();
      return this.wires[i as 0 | 1][wire]!.send(bytes);
    });
    if (!replies[0]!.equals(replies[1]!)) {
      const [x, y] = replies.map((reply) => reply!.toString('latin1')) as [string, string];
      let at = 0;
      while (x[at] === y[at]) at++;
      at = Math.max(0, at - 100);
      throw new Error(
        `replies to ${args.map((a) => shorten(a.toString('latin1' as never))).join(' ')} differ\n${shorten(x.slice(at), 300)}\n${shorten(y.slice(at), 300)}`,
      );
    }
    return replies[0]!;
  }

  // --- captures ---

  private begin(): void {
    this.trace('# begin');
    this.expected = contentsOf(this.keyspace);
    this.reader = new LaggingReader(this.keyspace, this.r.pick([256, 300, 700, 5000]));
    this.capture = new Capture(this.keyspace, this.reader);
    this.keys = this.capture.keys;
    this.captures++;
  }

  private advance(): void {
    const { r, capture, reader } = this;
    if (capture === null || reader === null) return;
    if (r.chance(50)) {
      let clock = 0;
      const until = r.below(4);
      capture.step(until, () => ++clock);
      this.trace('# step');
    }
    if (r.chance(10)) capture.advance();
    if (r.chance(60)) {
      const n = r.pick([1, 3, 20, 100, 1000]);
      reader.work(n);
      this.trace(`# work ${n}`);
    }
    if (capture.walked && reader.acked() === reader.handed()) this.end();
  }

  private finishCapture(): void {
    const { capture, reader } = this;
    if (capture === null || reader === null) return;
    while (!capture.walked || reader.acked() !== reader.handed()) {
      capture.step(1, () => 0);
      reader.work(1000);
    }
    this.end();
  }

  private end(): void {
    this.trace('# end');
    const seen = this.reader!.seen.sort();
    same(seen, this.expected);
    if (this.keys !== seen.length) throw new Error(`${this.keys} keys announced, ${seen.length} seen`);
    this.capture!.end();
    this.capture = null;
  }

  private abort(): void {
    if (this.capture === null) return;
    this.trace('# abort');
    this.aborted++;
    this.capture.end();
    this.capture = null;
  }

  // --- what is not a command ---

  private aside(): void {
    const { r, keyspace } = this;
    const pick = r.below(100);
    const [a, b] = this.servers;
    if (pick < 30) {
      const n = r.pick([1, 5, 64, 1000]);
      keyspace.freeSlice(n);
      this.trace(`# free ${n}`);
    } else if (pick < 33) {
      keyspace.arena.purge();
      this.trace('# purge');
    } else if (pick < 60) {
      const ms = r.pick([1, 500, 1500, 20_000]);
      for (const s of [a, b]) {
        s.clock.advance(ms);
        s.server.dispatcher.syncClock();
      }
      this.trace(`# time ${ms}`);
    } else if (pick < 85) {
      this.trace('# expire');
      const calls = this.calls;
      for (const s of [a, b]) {
        this.calls = calls;
        this.seedChance();
        s.server.expiry.slice();
        s.finishTurn();
      }
    } else {
      // Eviction: some key goes.
      const db = r.below(4);
      const at = r.next() / 2 ** 32;
      const lazily = r.chance(50);
      this.trace(`# evict ${db}`);
      for (const s of [a, b]) {
        const d = s.server.keyspace.databases[db]!;
        const entry =
          d.size === 0
            ? 0
            : d.table.randomItem(
                (
                  (r2) => () =>
                    r2.next() / 2 ** 32
                )(new Random(at * 1e9)),
              );
        if (entry !== 0) d.deleteEntry(entry, lazily);
      }
    }
  }

  private far(): string {
    return String(this.r.below(this.spread));
  }

  private key(letter = this.r.pick(['s', 'l', 'h', 't', 'z', 'x', 'b', 'p', 'g'])): string {
    return `${letter}:${this.far()}`;
  }

  private drawn(): (string | Buffer)[] {
    const { r } = this;
    const pick = r.below(100);
    if (pick < 45) {
      const { args } = randomCommand(r);
      if (r.chance(60) && this.spread > 4) {
        return args.map((arg) =>
          arg.length === 3 && /^[slhtzxbpg]:\d$/.test(arg.toString('latin1'))
            ? Buffer.from(`${arg.toString('latin1')[0]!}:${this.far()}`)
            : arg,
        );
      }
      return args;
    }
    const n = r.pick([1, 1, 2, 5, 20, r.chance(20) ? 700 : 3, r.chance(5) ? 4000 : 2]);
    const many = (make: () => string[]): string[] => Array.from({ length: n }, make).flat();
    const ttl = (): string => r.pick(['1', '3', '20', '400', '2000', '5000', '100000']);
    const member = (): string => (r.chance(50) ? String(r.below(1000)) : `m${r.below(1000)}`);
    const pickRange = (): string[] => [String(r.below(60) - 30), String(r.below(60) - 30)];
    switch (r.below(44)) {
      case 0:
        return ['SET', this.key('s'), big(r, this.bigMax), ...(r.chance(30) ? ['PX', ttl()] : [])];
      case 1:
        return ['APPEND', this.key('s'), big(r, this.bigMax)];
      case 2:
        return ['SETRANGE', this.key('s'), String(r.below(this.bigMax)), big(r, 50)];
      case 3:
      case 4:
        return ['HSET', this.key('h'), ...many(() => [member(), r.chance(3) ? big(r, this.bigMax) : member()])];
      case 5:
        return ['HDEL', this.key('h'), ...many(() => [member()])];
      case 6: {
        const f = [...new Set(many(() => [member()]))].slice(0, 50);
        return [r.pick(['HPEXPIRE', 'HPEXPIRE', 'HEXPIRE']), this.key('h'), ttl(), 'FIELDS', String(f.length), ...f];
      }
      case 7: {
        const f = [...new Set(many(() => [member()]))].slice(0, 50);
        return ['HPERSIST', this.key('h'), 'FIELDS', String(f.length), ...f];
      }
      case 8:
      case 9:
        return ['SADD', this.key('t'), ...many(() => [member()])];
      case 10:
        return ['SADD', this.key('t'), ...many(() => [String(r.below(100_000))])];
      case 11:
        return ['SREM', this.key('t'), ...many(() => [member()])];
      case 12:
        return ['SPOP', this.key('t'), String(r.pick([1, 2, 10, 300]))];
      case 13:
      case 14:
        return ['ZADD', this.key('z'), ...many(() => [String(r.below(50)), member()])];
      case 15:
        return ['ZREM', this.key('z'), ...many(() => [member()])];
      case 16:
        return ['ZREMRANGEBYRANK', this.key('z'), ...pickRange()];
      case 17:
        return [r.pick(['ZPOPMIN', 'ZPOPMAX']), this.key('z'), String(r.pick([1, 10, 500]))];
      case 18:
      case 19:
        return [
          r.pick(['LPUSH', 'RPUSH']),
          this.key('l'),
          ...many(() => [r.chance(3) ? big(r, this.bigMax) : member()]),
        ];
      case 20:
        return [r.pick(['LPOP', 'RPOP']), this.key('l'), String(r.pick([1, 5, 300]))];
      case 21:
        return ['LTRIM', this.key('l'), ...pickRange()];
      case 22:
        return [
          'LINSERT',
          this.key('l'),
          r.pick(['BEFORE', 'AFTER']),
          member(),
          r.chance(10) ? big(r, this.bigMax) : member(),
        ];
      case 23:
        return ['LSET', this.key('l'), String(r.below(40) - 20), r.chance(30) ? big(r, this.bigMax) : member()];
      case 24:
        return ['LREM', this.key('l'), String(r.below(5) - 2), member()];
      case 25:
      case 26:
        return ['XADD', this.key('x'), '*', ...many(() => [r.pick(['a', 'b', member()]), member()]).slice(0, 40)];
      case 27:
        return ['XTRIM', this.key('x'), 'MAXLEN', r.pick(['=', '~']), String(r.below(20))];
      case 28:
        return ['XGROUP', 'CREATE', this.key('x'), `g${r.below(3)}`, r.pick(['0', '$']), 'MKSTREAM'];
      case 29:
      case 30:
        return [
          'XREADGROUP',
          'GROUP',
          `g${r.below(3)}`,
          `c${r.below(3)}`,
          'COUNT',
          '20',
          'STREAMS',
          this.key('x'),
          r.pick(['>', '>', '0']),
        ];
      case 31:
        return ['XAUTOCLAIM', this.key('x'), `g${r.below(3)}`, `c${r.below(3)}`, '0', '0'];
      case 32:
        return [r.pick(['RENAME', 'RENAMENX']), this.key(), this.key()];
      case 33:
        return ['COPY', this.key(), this.key(), 'DB', String(r.below(4)), 'REPLACE'];
      case 34:
        return ['MOVE', this.key(), String(r.below(4))];
      case 35:
        return r.chance(40) ? ['SWAPDB', String(r.below(4)), String(r.below(4))] : ['SELECT', String(r.below(4))];
      case 36:
        if (r.chance(12)) return [r.pick(['FLUSHDB', 'FLUSHALL']), r.pick(['ASYNC', 'SYNC'])];
        return [r.pick(['DEL', 'UNLINK']), ...many(() => [this.key()]).slice(0, 30)];
      case 37:
        return ['PEXPIRE', this.key(), ttl()];
      case 38:
        return [r.pick(['SUNIONSTORE', 'SDIFFSTORE', 'SINTERSTORE']), this.key('t'), this.key('t'), this.key('t')];
      case 39:
        return [
          r.pick(['ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE']),
          this.key('z'),
          '2',
          this.key('z'),
          this.key(r.pick(['z', 't'])),
        ];
      case 40:
        return ['SORT', this.key(r.pick(['l', 't', 'z'])), 'ALPHA', 'STORE', this.key('l')];
      case 41:
        return this.limit();
      case 42:
        if (r.chance(10)) return ['DEBUG', 'RELOAD', ...r.pick([[], [], ['NOFLUSH', 'MERGE']])];
        return ['MSET', ...many(() => [this.key('s'), member()])];
      default:
        if (this.dumped.length > 0 && r.chance(60)) {
          return ['RESTORE', this.key(), r.pick(['0', ttl()]), r.pick(this.dumped), 'REPLACE'];
        }
        return ['DUMP', this.key()];
    }
  }
  private readonly dumped: Buffer[] = [];

  private limit(): string[] {
    const { r } = this;
    const name = r.pick([
      'hash-max-listpack-entries',
      'set-max-listpack-entries',
      'set-max-intset-entries',
      'zset-max-listpack-entries',
      'hash-max-listpack-value',
      'zset-max-listpack-value',
      'stream-node-max-entries',
    ]);
    return ['CONFIG', 'SET', name, String(r.pick([1, 4, 16, 128, 2000]))];
  }

  run(): void {
    const { r } = this;
    for (let i = 0; i < this.options.commands; i++) {
      if (this.capture === null) {
        if (r.chance(3)) this.begin();
      } else {
        if (r.chance(25)) this.advance();
        if (r.chance(0.3)) this.abort();
        if (this.capture === null && r.chance(40)) this.begin();
      }
      if (r.chance(8)) this.aside();
      const args = this.drawn();
      if (['CLIENT', 'TIME'].includes(args[0]!.toString())) continue;
      const wire = r.chance(80) ? 0 : 1;
      const name = args[0]!.toString().toUpperCase();
      // In a transaction what a flush draws (how much it lost, while a snapshot runs) would shift what the others draw.
      if (this.queues[wire] && (name.startsWith('FLUSH') || name === 'DEBUG')) continue;
      const reply = this.send(wire, args);
      if (name === 'MULTI' && reply[0] === 43) this.queues[wire] = true;
      else if ((name === 'EXEC' || name === 'DISCARD') && args.length === 1) this.queues[wire] = false;
      if (args[0] === 'DUMP' && reply[0] === 36 && reply[1] !== 45) {
        const payload = reply.subarray(reply.indexOf('\n') + 1, -2);
        if (this.dumped.length < 30) this.dumped.push(payload);
        else this.dumped[r.below(30)] = payload;
      }
      if (i % 500 === 499) this.compare();
    }
    if (r.chance(70)) this.finishCapture();
    else this.abort();
    this.compare();
    this.audit();
    for (const s of this.servers) {
      s.disconnectAll();
      s.flush();
      s.audit();
    }
  }

  private audit(): void {
    const { keyspace } = this;
    for (const s of this.servers) s.audit();
    for (const { table } of keyspace.tables()) {
      table.check();
      let expires = 0;
      let hashes = 0;
      for (let entry = table.first(); entry !== 0; entry = table.next()) {
        const meta = itemMeta(keyspace.arena, entry);
        if ((meta & 64) !== 0) expires++;
        if ((meta & 7) === 4 && keyspace.fieldsDue(entry) !== 0xffffffff) hashes++;
        if (hasRoot(meta) && (meta & 7) !== 6) keyspace.open(entry).hashTable?.check();
      }
      if (expires !== table.expires) throw new Error('expires is counted wrongly');
      if (hashes !== table.expiringHashes) throw new Error('hashes whose fields expire are counted wrongly');
    }
    if (keyspace.arena.bytesDeferred !== 0 && this.capture === null) throw new Error('bytes deferred without capture');
  }

  private compare(): void {
    same(contentsOf(this.keyspace), contentsOf(this.servers[1].server.keyspace));
  }
}

function shorten(text: string, max = 60): string {
  return JSON.stringify(text.length > max ? `${text.slice(0, max)}...${text.length}` : text);
}

function same(a: readonly string[], b: readonly string[]): void {
  const left = new Set(b);
  for (const each of a) if (!left.has(each)) throw new Error(`only in the first: ${shorten(each, 400)}`);
  const right = new Set(a);
  for (const each of b) if (!right.has(each)) throw new Error(`only in the second: ${shorten(each, 400)}`);
  if (a.length !== b.length) throw new Error(`${a.length} instead of ${b.length}`);
}

/** Stands in for Math.random, so that both servers draw the same. */
class Chance {
  private random = new Random(1);
  use(random: Random): void {
    this.random = random;
  }
  /** Returns how to end it. */
  install(): () => void {
    const { random } = Math;
    Math.random = () => this.random.next() / 2 ** 32;
    return () => {
      Math.random = random;
    };
  }
}
const CHANCE = new Chance();

/** Plays one storm; throws when something is wrong. Its hashes and its draws follow from the seed. */
export function playStorm(options: StormOptions): { captures: number; aborted: number } {
  seedHash(options.seed, Math.imul(options.seed, 7));
  const restore = CHANCE.install();
  try {
    const storm = new Storm(options);
    storm.run();
    return storm;
  } finally {
    restore();
  }
}
