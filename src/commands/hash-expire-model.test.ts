/**
 * Thousands of random hash commands against a map of fields with moments, under a clock moved by hand: replies, what is left,
 * and what a replay of the effects makes of it.
 */
import { expect, it } from 'vitest';
import { rng } from '../../test/support/random-keyspace.js';
import { Slice } from '../base/slice.js';
import { ExpiryCycle } from '../keyspace/expiry.js';
import { expectNoLeak } from '../keyspace/testing/audit.js';
import { HASH_COMMANDS } from './hash.js';
import { KEY_COMMANDS } from './keys.js';
import { FakeContext, type Told } from './testing/fake-context.js';

type Fields = Map<string, { value: string; at: number }>;

/** What Redis 7.4 and 8.0 say of these commands, as simply as can be said. */
class Model {
  readonly keys = new Map<string, Fields>();
  now = 0;

  of(key: string): Fields {
    return this.keys.get(key) ?? new Map();
  }
  private make(key: string): Fields {
    const fields = this.of(key);
    this.keys.set(key, fields);
    return fields;
  }
  private settle(key: string): void {
    if (this.of(key).size === 0) this.keys.delete(key);
  }
  isOver(key: string, field: string): boolean {
    return this.of(key).get(field)!.at < this.now;
  }
  /** The field, deleted first if its time is over. */
  private meet(key: string, field: string): { value: string; at: number } | undefined {
    if (this.of(key).has(field) && this.isOver(key, field)) this.del(key, field);
    return this.of(key).get(field);
  }
  private alive(key: string): [string, { value: string; at: number }][] {
    return [...this.of(key)].filter(([field]) => !this.isOver(key, field));
  }

  set(key: string, field: string, value: string): number {
    const isNew = !this.of(key).has(field);
    this.make(key).set(field, { value, at: Number.NaN });
    return isNew ? 1 : 0;
  }
  setnx(key: string, field: string, value: string): number {
    return this.meet(key, field) === undefined ? this.set(key, field, value) : 0;
  }
  incr(key: string, field: string, by: number): number {
    const old = this.meet(key, field);
    const sum = Number(old?.value ?? 0) + by;
    this.make(key).set(field, { value: String(sum), at: old?.at ?? Number.NaN });
    return sum;
  }
  del(key: string, field: string): number {
    const deleted = this.of(key).delete(field);
    this.settle(key);
    return deleted ? 1 : 0;
  }
  get(key: string, field: string): string | null {
    return this.meet(key, field)?.value ?? null;
  }
  all(key: string): string[] {
    return this.alive(key).flatMap(([field, { value }]) => [field, value]);
  }
  sweep(key: string): void {
    for (const field of [...this.of(key).keys()]) this.meet(key, field);
  }
  expire(key: string, field: string, at: number, condition: string): number {
    const old = this.meet(key, field);
    if (old === undefined) return -2;
    const never = Number.isNaN(old.at);
    if (condition === 'NX' && !never) return 0;
    if ((condition === 'XX' || condition === 'GT') && never) return 0;
    if (condition === 'GT' && at <= old.at) return 0;
    if (condition === 'LT' && !never && at >= old.at) return 0;
    if (at <= this.now) {
      this.del(key, field);
      return 2;
    }
    old.at = at;
    return 1;
  }
  ttl(key: string, field: string): number {
    const old = this.of(key).get(field);
    if (old === undefined || this.isOver(key, field)) return -2;
    return Number.isNaN(old.at) ? -1 : old.at - this.now;
  }
  persist(key: string, field: string): number {
    const ttl = this.ttl(key, field);
    if (ttl < 0) return ttl;
    this.of(key).get(field)!.at = Number.NaN;
    return 1;
  }
  setex(key: string, condition: string, keeps: boolean, at: number, pairs: [string, string][]): number {
    if (condition === 'FXX' && !this.keys.has(key)) return 0;
    for (const [field] of condition === '' ? [] : pairs) {
      if ((this.meet(key, field) !== undefined) !== (condition === 'FXX')) return 0;
    }
    if (keeps) for (const [field] of pairs) this.meet(key, field);
    for (const [field, value] of pairs) {
      const old = this.of(key).get(field);
      this.make(key).set(field, { value, at: keeps ? (old?.at ?? Number.NaN) : at });
    }
    if (at <= this.now) for (const [field] of pairs) this.del(key, field);
    return 1;
  }
}

/** Everything in the keyspace, expired fields included: key to field to value and moment. */
function content(t: FakeContext): Map<string, Fields> {
  const out = new Map<string, Fields>();
  const [field, value] = [new Slice(), new Slice()];
  const entries: number[] = [];
  t.db.forEach((entry) => {
    entries.push(entry);
  });
  for (const entry of entries) {
    const hash = t.keyspace.openHash(entry);
    const fields: Fields = new Map();
    hash.start();
    while (hash.next(field, value)) fields.set(field.toString(), { value: value.toString(), at: hash.expire });
    out.set(Buffer.from(t.db.keyOf(entry)).toString(), fields);
  }
  return out;
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  it(`random commands on hashes whose fields expire (seed ${seed})`, () => {
    const random = rng(seed);
    const below = (n: number) => Math.floor(random() * n);
    const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
    const t = new FakeContext(HASH_COMMANDS, KEY_COMMANDS);
    const replica = new FakeContext(HASH_COMMANDS, KEY_COMMANDS);
    replica.replaying = true;
    replica.keyspace.expiryInForce = false;
    const cycle = new ExpiryCycle(t.keyspace);
    const model = new Model();
    const field = () => `f${below(15)}`;
    const some = (n: number) => Array.from({ length: 1 + below(n) }, field);
    const value = () => (random() < 0.9 ? String(below(100)) : 'v'.repeat(70));
    const moment = () => model.now + (random() < 0.1 ? -below(50) : below(2000));

    const run = (...argv: (string | number)[]): Told => t.run(...argv);
    const steps: ((key: string) => void)[] = [
      (key) => {
        const pairs = some(4).map((name) => [name, value()] as const);
        const added = pairs.map(([name, v]) => model.set(key, name, v)).reduce((x, y) => x + y);
        expect(run('HSET', key, ...pairs.flat())).toBe(added);
      },
      (key) => {
        const [f, v] = [field(), value()];
        expect(run('HSETNX', key, f, v)).toBe(model.setnx(key, f, v));
      },
      (key) => {
        const names = some(3);
        let deleted = 0;
        for (const name of names) deleted += model.del(key, name);
        expect(run('HDEL', key, ...names)).toBe(deleted);
      },
      (key) => {
        const names = some(4);
        expect(run('HMGET', key, ...names)).toEqual(names.map((name) => model.get(key, name)));
      },
      (key) => {
        const f = field();
        const there = model.get(key, f);
        const [command, reply] = pick([
          ['HGET', there],
          ['HEXISTS', there === null ? 0 : 1],
          ['HSTRLEN', there === null ? 0 : there.length],
        ] as const);
        expect(run(command, key, f)).toBe(reply);
      },
      (key) => expect(run('HLEN', key)).toBe(model.of(key).size),
      (key) => expect((run('HGETALL', key) as string[]).sort()).toEqual(model.all(key).sort()),
      (key) => {
        model.sweep(key);
        expect((run('HRANDFIELD', key, 100) as string[]).sort()).toEqual([...model.of(key).keys()].sort());
      },
      (key) => {
        const [f, by] = [field(), below(9)];
        if (/^v/.test(model.of(key).get(f)?.value ?? '')) return;
        expect(run('HINCRBY', key, f, by)).toBe(model.incr(key, f, by));
      },
      (key) => {
        const [f, by] = [field(), below(9)];
        if (/^v/.test(model.of(key).get(f)?.value ?? '')) return;
        expect(run('HINCRBYFLOAT', key, f, by)).toBe(String(model.incr(key, f, by)));
      },
      (key) => {
        const [at, condition, names] = [moment(), pick(['', '', 'NX', 'XX', 'GT', 'LT']), some(4)];
        const relative = random() < 0.5 && at >= model.now;
        const argv = [relative ? 'HPEXPIRE' : 'HPEXPIREAT', key, relative ? at - model.now : at];
        const rest = [...(condition === '' ? [] : [condition]), 'FIELDS', names.length, ...names];
        // Those whose time is over go before any is looked at.
        for (const name of names) model.get(key, name);
        const reply = names.map((name) => model.expire(key, name, at, condition));
        expect(run(...argv, ...rest)).toEqual(reply);
      },
      (key) => {
        const names = some(4);
        const reply = names.map((name) => model.ttl(key, name));
        expect(run('HPTTL', key, 'FIELDS', names.length, ...names)).toEqual(reply);
      },
      (key) => {
        const names = some(4);
        const reply = names.map((name) => model.persist(key, name));
        expect(run('HPERSIST', key, 'FIELDS', names.length, ...names)).toEqual(reply);
      },
      (key) => {
        const names = some(3);
        const reply = names.map((name) => {
          const found = model.get(key, name);
          if (found !== null) model.del(key, name);
          return found;
        });
        expect(run('HGETDEL', key, 'FIELDS', names.length, ...names)).toEqual(reply);
      },
      (key) => {
        const [at, names, how] = [moment(), some(3), pick(['', 'PERSIST', 'PXAT'])];
        for (const name of names) model.get(key, name);
        const reply = names.map((name) => {
          const found = model.get(key, name);
          if (found !== null && how === 'PERSIST') model.persist(key, name);
          if (found !== null && how === 'PXAT') model.expire(key, name, at, '');
          return found;
        });
        const options = how === 'PXAT' ? [how, at] : how === '' ? [] : [how];
        expect(run('HGETEX', key, ...options, 'FIELDS', names.length, ...names)).toEqual(reply);
      },
      (key) => {
        const [at, condition, how] = [moment(), pick(['', '', 'FNX', 'FXX']), pick(['', 'KEEPTTL', 'PXAT'])];
        const pairs = some(3).map((name): [string, string] => [name, value()]);
        const options = how === 'PXAT' ? [how, at] : how === '' ? [] : [how];
        const all = [...(condition === '' ? [] : [condition]), ...options];
        const reply = model.setex(key, condition, how === 'KEEPTTL', how === 'PXAT' ? at : Number.NaN, pairs);
        expect(run('HSETEX', key, ...all, 'FIELDS', pairs.length, ...pairs.flat())).toBe(reply);
      },
      () => {
        t.keyspace.setNow(t.now);
        while (!cycle.slice(0, () => 0));
        for (const key of [...model.keys.keys()]) model.sweep(key);
      },
      (key) => {
        const to = `k${below(3)}`;
        if (to === key || !model.keys.has(key)) return;
        model.keys.set(to, new Map([...model.of(key)].map(([name, f]) => [name, { ...f }])));
        const copies = random() < 0.5;
        if (!copies) model.keys.delete(key);
        if (copies) expect(run('COPY', key, to, 'REPLACE')).toBe(1);
        else expect(run('RENAME', key, to)).toBe('OK');
      },
    ];

    for (let step = 0; step < 5000; step++) {
      if (random() < 0.05) t.now += below(400);
      if (random() < 0.01) t.keyspace.limits.hashMaxListpackEntries = pick([0, 6, 128]);
      model.now = t.now;
      replica.now = t.now;
      pick(steps)(`k${below(3)}`);
      for (const argv of t.effects) replica.run(...argv);
      t.forget();
      if (step % 20 !== 0) continue;
      expect(content(t)).toEqual(model.keys);
      expect(content(replica)).toEqual(model.keys);
      const expiring = [...model.keys.values()].filter((f) => [...f.values()].some(({ at }) => !Number.isNaN(at)));
      expect([t.db.expiringHashes, replica.db.expiringHashes]).toEqual([expiring.length, expiring.length]);
    }
    expectNoLeak(t.keyspace);
    expectNoLeak(replica.keyspace);
  });
}
