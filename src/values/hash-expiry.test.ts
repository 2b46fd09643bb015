import { describe, expect, it } from 'vitest';
import { rng } from '../../test/support/random-keyspace.js';
import { latin1 } from '../../test/support/rdb-bytes.js';
import { same } from '../../test/support/same.js';
import { Slice } from '../base/slice.js';
import { Arena, byteIndex } from '../memory/arena.js';
import { Dict } from '../memory/dict.js';
import { DUE_NEVER, dueSecond } from '../memory/dict-segment.js';
import { Encoding, itemHasSlot, itemSlot } from '../memory/item.js';
import { lpAppend, lpBytes, lpFirst, lpGet, lpNew, lpNext } from '../memory/listpack.js';
import { Hash } from './hash.js';
import { DEFAULT_LIMITS, type Limits } from './value.js';

const f = new Slice();
const v = new Slice();

function newHash(limits: Partial<Limits> = {}): Hash {
  return new Hash(new Arena(), { ...DEFAULT_LIMITS, ...limits }).create();
}
const set = (hash: Hash, field: string, value: string) =>
  hash.set(latin1(`.${field}`), 1, field.length, latin1(`..${value}`), 2, value.length);
const setEx = (hash: Hash, field: string, value: string, at: number) =>
  hash.setWithExpire(latin1(field), 0, field.length, latin1(value), 0, value.length, at);
const setKeeping = (hash: Hash, field: string, value: string) =>
  hash.setKeepingExpire(latin1(field), 0, field.length, latin1(value), 0, value.length);
const expireAt = (hash: Hash, field: string, at: number) => hash.setFieldExpire(latin1(field), 0, field.length, at);
const get = (hash: Hash, field: string) => (hash.get(latin1(`.${field}`), 1, field.length, v) ? v.toString() : null);
const remove = (hash: Hash, field: string) => hash.delete(latin1(field), 0, field.length);
const expireOf = (hash: Hash, field: string) => hash.fieldExpire(latin1(field), 0, field.length);

/** Field to value and expiry, of what is not over at `hash.now`. */
function content(hash: Hash): Map<string, [string, number]> {
  const out = new Map<string, [string, number]>();
  hash.start();
  while (hash.next(f, v)) {
    expect(out.has(f.toString())).toBe(false);
    out.set(f.toString(), [v.toString(), hash.expire]);
  }
  return out;
}
const values = (hash: Hash) => Object.fromEntries([...content(hash)].map(([field, [value]]) => [field, value]));

/** Every block in use belongs to the hash. */
function audit(hash: Hash): void {
  const blocks: number[] = [];
  hash.blocks((address) => blocks.push(address));
  expect(blocks.sort((a, b) => a - b)).toEqual(hash.arena.allocated());
}

/** Invariants of order and of hints; no field expires before them. */
function check(hash: Hash): void {
  const { arena, root } = hash;
  let earliest = Number.POSITIVE_INFINITY;
  for (const [, [, at]] of content(hash)) if (at < earliest) earliest = at;
  if (earliest === Number.POSITIVE_INFINITY) expect(hash.dueSecond).toBe(DUE_NEVER);
  else expect(hash.dueSecond).toBeLessThanOrEqual(dueSecond(earliest));
  if (hash.encoding === Encoding.LISTPACK_EX) {
    const orders = elements(hash)
      .filter((_, i) => i % 3 === 2)
      .map((expiry) => (expiry === '0' ? Number.POSITIVE_INFINITY : Number(expiry)));
    expect(orders).toEqual([...orders].sort((x, y) => x - y));
  }
  if (hash.encoding !== Encoding.DICT) return;
  const dict = new Dict(arena, arena.getWord(root, 0));
  dict.check();
  const due = { segment: 0, begin: 0, later: 0, position: 0 };
  do {
    dict.nextDue(due.position, DUE_NEVER, 1, due);
    const hint = arena.getWord(due.segment, 3);
    for (const item of dict.segmentItems(due.segment)) {
      if (itemHasSlot(arena, item)) expect(hint).toBeLessThanOrEqual(dueSecond(itemSlot(arena, item)));
    }
  } while (due.position !== 0);
}

/** Elements of the listpack. */
function elements(hash: Hash): string[] {
  const u8 = hash.arena.bytesOf(hash.root);
  const off = byteIndex(hash.root);
  const out: string[] = [];
  for (let pos = lpFirst(u8, off); pos !== 0; pos = lpNext(u8, off, pos)) {
    lpGet(u8, off, pos, f);
    out.push(f.toString());
  }
  return out;
}

const SIZES = [
  ['small', {}],
  ['large', { hashMaxListpackEntries: 0 }],
] as const;

describe.each(SIZES)('fields that expire in a %s hash', (size, limits) => {
  it('count as missing when their moment has passed, and only then; setting and deleting do not look', () => {
    const hash = newHash(limits);
    set(hash, 'stays', '1');
    expect(hash.hasFieldExpiry).toBe(false);
    expect(setEx(hash, 'goes', '2', 1000)).toBe(true);
    expect(setEx(hash, 'later', '3', 5000)).toBe(true);
    expect(hash.encodingName()).toBe(size === 'small' ? 'listpackex' : 'hashtable');
    expect([hash.hasFieldExpiry, hash.dueSecond]).toEqual([true, 1]);
    expect(expireOf(hash, 'goes')).toBe(1000);
    expect(expireOf(hash, 'stays')).toBe(Number.NaN);
    hash.now = 1000;
    expect(values(hash)).toEqual({ stays: '1', goes: '2', later: '3' });
    hash.now = 1001;
    expect(values(hash)).toEqual({ stays: '1', later: '3' });
    expect(get(hash, 'goes')).toBe(null);
    expect(hash.has(latin1('goes'), 0, 4)).toBe(false);
    expect(hash.valueLength(latin1('goes'), 0, 4)).toBe(0);
    expect(hash.valueLength(latin1('later'), 0, 5)).toBe(1);
    expect(expireOf(hash, 'goes')).toBe(Number.NaN);
    expect(expireAt(hash, 'goes', 9000)).toBe(false);
    expect(hash.length).toBe(3);
    const scanned: string[] = [];
    hash.scan(0, 100, (field) => scanned.push(field.toString()));
    expect(scanned.sort()).toEqual(['later', 'stays']);
    for (let i = 0; i < 50; i++) if (hash.random(f, v)) expect(f.toString()).not.toBe('goes');
    expect(hash.setIfAbsent(latin1('goes'), 0, 4, latin1('back'), 0, 4)).toBe(true);
    expect(get(hash, 'goes')).toBe('back');
    expect(expireOf(hash, 'goes')).toBe(Number.NaN);
    hash.now = 5001;
    expect(set(hash, 'later', 'again')).toBe(false);
    expect(setEx(hash, 'x', '1', 6000)).toBe(true);
    hash.now = 6001;
    expect(remove(hash, 'x')).toBe(true);
    audit(hash);
  });

  it('overwriting clears the expiry, unless it is to be kept; walking tells it', () => {
    const hash = newHash(limits);
    setEx(hash, 'a', '1', 1000);
    setEx(hash, 'b', '2', 2000);
    expect(set(hash, 'a', '1')).toBe(false);
    expect(setKeeping(hash, 'b', 'a longer value than before')).toBe(false);
    expect(setKeeping(hash, 'c', '3')).toBe(true);
    expect([...content(hash)].sort()).toEqual([
      ['a', ['1', Number.NaN]],
      ['b', ['a longer value than before', 2000]],
      ['c', ['3', Number.NaN]],
    ]);
    set(hash, 'b', '3');
    expect([hash.hasFieldExpiry, hash.dueSecond]).toEqual([false, DUE_NEVER]);
    audit(hash);
  });

  it('an expiry is set and cleared without touching the value; copies keep it', () => {
    const hash = newHash(limits);
    set(hash, 'a', 'value');
    expect(expireAt(hash, 'none', 5)).toBe(false);
    expect(expireAt(hash, 'a', 7000)).toBe(true);
    expect(expireAt(hash, 'a', 6000)).toBe(true);
    expect([get(hash, 'a'), expireOf(hash, 'a'), hash.dueSecond]).toEqual(['value', 6000, 6]);
    const copy = new Hash(hash.arena, hash.limits).open(hash.encoding, hash.copyRoot());
    expect([get(copy, 'a'), expireOf(copy, 'a'), copy.dueSecond]).toEqual(['value', 6000, 6]);
    check(copy);
    copy.release();
    expect(expireAt(hash, 'a', Number.NaN)).toBe(true);
    expect([get(hash, 'a'), hash.hasFieldExpiry]).toEqual(['value', false]);
    setEx(hash, 'b', '1', 100);
    remove(hash, 'b');
    expect(hash.hasFieldExpiry).toBe(false);
    audit(hash);
  });

  it('moment 0 is a moment, too', () => {
    const hash = newHash(limits);
    setEx(hash, 'a', '1', 0);
    set(hash, 'b', '2');
    expireAt(hash, 'b', 0);
    expect([expireOf(hash, 'a'), expireOf(hash, 'b')]).toEqual([1, 1]);
  });

  it('says whether the expiry of any field has changed, and whether there was one before', () => {
    const hash = newHash(limits);
    set(hash, 'a', '1');
    expect(hash.expiryChanged).toBe(false);
    expireAt(hash, 'a', 1000);
    expect([hash.expiryChanged, hash.hadFieldExpiry]).toEqual([true, false]);
    hash.open(hash.encoding, hash.root);
    expect(hash.expiryChanged).toBe(false);
    remove(hash, 'a');
    expect([hash.expiryChanged, hash.hadFieldExpiry, hash.hasFieldExpiry]).toEqual([true, true, false]);
  });
});

it('a small hash is ordered by expiry, the newest of equal ones first, the others behind', () => {
  const hash = newHash();
  for (const field of ['a', 'b', 'c', 'd', 'e']) set(hash, field, `v${field}`);
  hash.prepareExpiry();
  expireAt(hash, 'd', 2000);
  expireAt(hash, 'b', 1000);
  expireAt(hash, 'e', 2000);
  const triples = ['b', 'vb', '1000', 'e', 've', '2000', 'd', 'vd', '2000', 'a', 'va', '0', 'c', 'vc', '0'];
  expect(elements(hash)).toEqual(triples);
  expireAt(hash, 'b', Number.NaN);
  set(hash, 'a', 'replaced in its place');
  expect(elements(hash).filter((_, i) => i % 3 === 0)).toEqual(['e', 'd', 'a', 'c', 'b']);
});

it('a small hash becomes a table with the field or value that is too much, expiries and all', () => {
  for (const [field, value] of [
    ['one more', '1'],
    ['long', 'v'.repeat(65)],
  ] as const) {
    const hash = newHash({ hashMaxListpackEntries: field === 'long' ? 128 : 4 });
    for (let i = 0; i < 4; i++) setEx(hash, `f${i}`, `v${i}`, i % 2 === 0 ? 1000 * (i + 1) : Number.NaN);
    hash.prepareExpiry();
    expect(hash.encodingName()).toBe('listpackex');
    setKeeping(hash, field, value);
    expect(hash.encodingName()).toBe('hashtable');
    const of = (i: number) => expireOf(hash, `f${i}`);
    expect([hash.length, of(0), of(1), of(2), of(3)]).toEqual([5, 1000, Number.NaN, 3000, Number.NaN]);
    expect(hash.dueSecond).toBe(1);
    check(hash);
    audit(hash);
  }
});

describe('deleting what is over', () => {
  const names: string[] = [];
  const gone = (field: Slice): void => {
    names.push(field.toString());
  };

  it.each(SIZES)('takes the fields of a %s hash that are over, as many as may go, and no other', (_, limits) => {
    const hash = newHash(limits);
    for (let i = 0; i < 100; i++) setEx(hash, `f${i}`, 'v', 1000 + i);
    for (let i = 0; i < 20; i++) set(hash, `s${i}`, 'v');
    names.length = 0;
    expect(hash.deleteExpired(1000, 10, gone)).toBe(true);
    expect(names).toEqual([]);
    expect(hash.deleteExpired(1060, 25, gone)).toBe(false);
    expect(hash.deleteExpired(1060, 25, gone)).toBe(false);
    expect(hash.deleteExpired(1060, 25, gone)).toBe(true);
    const expected = Array.from({ length: 60 }, (_, i) => `f${i}`);
    expect(names.sort()).toEqual(expected.sort());
    expect(hash.length).toBe(60);
    while (!hash.deleteExpired(5000, 7, gone));
    expect([hash.length, hash.hasFieldExpiry, new Set(names).size]).toEqual([20, false, 100]);
    audit(hash);
  });

  it('goes over a large hash in bounded steps, and knows afterwards when to look again', () => {
    const hash = newHash();
    const fields = 20_000;
    for (let i = 0; i < fields; i++) setEx(hash, `field:${i}`, 'v', i % 5 === 0 ? 90_500 : 1500);
    names.length = 0;
    let steps = 1;
    for (let before = 0; !hash.deleteExpired(60_000, 64, gone); steps++) {
      expect(names.length - before).toBeLessThanOrEqual(64);
      before = names.length;
    }
    expect(names.length).toBe((fields / 5) * 4);
    expect(steps).toBeGreaterThan(names.length / 64 - 1);
    expect(steps).toBeLessThan(names.length / 64 + 400);
    expect(hash.dueSecond).toBe(90);
    check(hash);
    // One that comes in behind the search is not lost, nor one before it.
    for (let i = 0; i < fields; i += 5) expireAt(hash, `field:${i}`, 1500);
    hash.deleteExpired(60_000, 64, gone);
    for (let i = 0; i < 1000; i++) setEx(hash, `new:${i}`, 'v', 70_500);
    while (!hash.deleteExpired(60_000, 640, gone));
    expect([hash.length, hash.dueSecond]).toEqual([1000, 70]);
    audit(hash);
  });
});

describe('random changes leave what a map with moments holds', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`through conversions, expiry and captures (seed ${seed})`, () => {
      const random = rng(seed);
      const below = (n: number) => Math.floor(random() * n);
      const hash = newHash({ hashMaxListpackEntries: 20, hashMaxListpackValue: 40 });
      const { arena } = hash;
      let now = 1_000_000;
      let model = new Map<string, [string, number]>();
      const alive = (field: string) => model.has(field) && !(model.get(field)![1] < now);
      const moment = () => (random() < 0.3 ? Number.NaN : now - 500 + below(random() < 0.3 ? 600_000 : 4000));
      const changes: ((field: string, value: string) => void)[] = [
        (field, value) => {
          same(set(hash, field, value), !model.has(field));
          model.set(field, [value, Number.NaN]);
        },
        (field, value) => {
          const at = moment();
          same(setEx(hash, field, value, at), !model.has(field));
          model.set(field, [value, at]);
        },
        (field, value) => {
          same(setKeeping(hash, field, value), !model.has(field));
          model.set(field, [value, model.get(field)?.[1] ?? Number.NaN]);
        },
        (field) => {
          const at = moment();
          const there = alive(field);
          same(expireAt(hash, field, at), there);
          if (there) model.get(field)![1] = at;
        },
        (field) => same(remove(hash, field), model.delete(field)),
        () => {
          const max = 1 + below(8);
          let count = 0;
          const complete = hash.deleteExpired(now, max, (slice) => {
            const [, at] = model.get(slice.toString())!;
            expect(at).toBeLessThan(now);
            model.delete(slice.toString());
            count++;
          });
          expect(count).toBeLessThanOrEqual(max);
          if (!complete) expect(count).toBeGreaterThan(0);
        },
        () => hash.prepareExpiry(),
      ];
      for (let step = 0; step < 8000; step++) {
        if (random() < 0.003) {
          hash.release();
          same(arena.capturing || arena.bytesUsed === 0, true);
          hash.create();
          model = new Map();
        }
        if (random() < 0.01) {
          if (arena.capturing) arena.endCapture();
          else arena.beginCapture({ handed: () => 1, acked: () => 0 });
        }
        if (random() < 0.02) now += below(3000);
        hash.now = now;
        const field = random() < 0.5 ? String(below(100)) : `field:${below(30)}`;
        const value = random() < 0.3 ? String(below(1e9)) : 'v'.repeat(below(random() < 0.02 ? 3000 : 20));
        changes[below(changes.length)]!(field, value);
        same(get(hash, field), alive(field) ? model.get(field)![0] : null);
        same(expireOf(hash, field), alive(field) ? model.get(field)![1] : Number.NaN);
        same(hash.length, model.size);
        same(
          hash.hasFieldExpiry,
          [...model.values()].some(([, at]) => !Number.isNaN(at)),
        );
        if (step % 50 === 0) {
          const over = [...model].filter(([name]) => alive(name));
          expect([...content(hash)].sort()).toEqual(over.sort());
          hash.now = 0;
          check(hash);
          const copy = new Hash(arena, hash.limits).open(hash.encoding, hash.copyRoot());
          expect([...content(copy)].sort()).toEqual([...model].sort());
          check(copy);
          copy.release();
          if (!arena.capturing) audit(hash);
        }
      }
      if (arena.capturing) arena.endCapture();
      hash.release();
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it.each(SIZES)('what a capture has seen of a %s hash stays as it was', (size) => {
    const fields = size === 'small' ? 100 : 1000;
    const hash = newHash();
    const { arena } = hash;
    for (let i = 0; i < fields; i++) setEx(hash, `f${i}`, `v${i}`, i % 3 === 0 ? Number.NaN : 1000 + i);
    const seen = new Hash(arena, hash.limits).open(hash.encoding, hash.root);
    const before = [...content(seen)];
    arena.beginCapture({ handed: () => 1, acked: () => 0 });
    for (let i = 0; i < fields; i += 7) expireAt(hash, `f${i}`, i % 2 === 0 ? 500 + i : Number.NaN);
    while (!hash.deleteExpired(1500, 10, () => {}));
    expect(hash.length).toBeLessThan(fields);
    const worker = new Hash(Arena.attach(arena.buffers()), hash.limits).open(seen.encoding, seen.root);
    expect([...content(worker)]).toEqual(before);
    arena.endCapture();
    audit(hash);
  });
});

describe('loading triples', () => {
  function listpack(parts: string[]): Uint8Array {
    const arena = new Arena();
    let address = lpNew(arena);
    for (const part of parts) address = lpAppend(arena, address, latin1(part), 0, part.length);
    const off = byteIndex(address);
    return arena.bytesOf(address).slice(off, off + lpBytes(arena.bytesOf(address), off));
  }
  const load = (parts: string[], limits: Partial<Limits> = {}): Hash | null => {
    const hash = new Hash(new Arena(), { ...DEFAULT_LIMITS, ...limits });
    const bytes = listpack(parts);
    if (hash.loadTriples(bytes, 0, bytes.length, 2 ** 48)) return hash;
    expect(hash.arena.bytesUsed).toBe(0);
    return null;
  };

  it('keeps what is sound, in order and within the limits', () => {
    const parts = ['b', '2', '1000', 'a', '1', '1000', 'c', '3', '0', '7', '8', '0'];
    const hash = load(parts)!;
    expect(hash.encodingName()).toBe('listpackex');
    expect(elements(hash)).toEqual(parts);
    expect([hash.length, hash.dueSecond, expireOf(hash, 'a'), get(hash, '7')]).toEqual([4, 1, 1000, '8']);
    audit(hash);
  });

  it('refuses the rest', () => {
    for (const parts of [
      [],
      ['a', '1'],
      ['a', '1', '5', 'b', '2'],
      ['a', '1', 'soon'],
      ['a', '1', '-5'],
      ['a', '1', String(2 ** 48 + 1)],
      ['a', '1', '0', 'b', '2', '5'],
      ['a', '1', '6', 'b', '2', '5'],
      ['a', '1', '5', 'a', '2', '6'],
      ['a', 'v'.repeat(65), '5'],
    ]) {
      expect(load(parts)).toBe(null);
    }
    expect(load(['a', '1', '5', 'b', '2', '6'], { hashMaxListpackEntries: 1 })).toBe(null);
  });
});
