import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeStream, rng } from '../../test/support/random-keyspace.js';
import { streamOf } from '../../test/support/rdb-store.js';
import { Slice } from '../base/slice.js';
import { Arena } from '../memory/arena.js';
import { lpBytes } from '../memory/listpack.js';
import { ID_MAX, ID_MIN, Stream } from './stream.js';
import { newGroup, StreamGroup } from './stream-group.js';
import { StreamId } from './stream-id.js';
import { StreamIterator } from './stream-iterator.js';
import { packAt } from './stream-node.js';
import { DEFAULT_LIMITS } from './value.js';

function audit(arena: Arena, ...streams: Stream[]): void {
  const live: number[] = [];
  for (const stream of streams) stream.blocks((address) => live.push(address));
  expect(arena.allocated()).toEqual(live.sort((a, b) => a - b));
}

const id = (ms: number, seq = 0): StreamId => {
  const out = new StreamId().setMs(ms);
  out.seqLo = seq;
  return out;
};

function append(stream: Stream, at: StreamId, fields: readonly string[]): void {
  const texts = fields.map((text) => Buffer.from(text, 'latin1'));
  const len = texts.map(({ length }) => length);
  const off = len.map((_, i) => len.slice(0, i).reduce((x, y) => x + y, 0));
  stream.append(at, { buf: Buffer.concat(texts), off, len, from: 0, pairs: fields.length / 2 });
}

/** The entries between two IDs as texts. */
function entries(stream: Stream, from: StreamId, to: StreamId, backwards = false): string[] {
  const walk = new StreamIterator(stream.arena);
  const [name, value] = [new Slice(), new Slice()];
  const out: string[] = [];
  for (walk.start(stream.nodesRoot, from, to, backwards); walk.next(); ) {
    let text = walk.id.toString();
    // Every second entry only in part: the walk goes on from wherever it was left.
    const read = out.length % 2 === 0 ? walk.fields : Math.min(1, walk.fields);
    for (let i = 0; i < read; i++) {
      walk.field(name, value);
      text += ` ${name}=${value}`;
    }
    out.push(text);
  }
  return out;
}

type Entry = { ms: number; seq: number; fields: string[] };

function expected(model: readonly Entry[], from: [number, number], to: [number, number], backwards: boolean): string[] {
  const inside = model.filter(
    ({ ms, seq }) =>
      (ms > from[0] || (ms === from[0] && seq >= from[1])) && (ms < to[0] || (ms === to[0] && seq <= to[1])),
  );
  if (backwards) inside.reverse();
  return inside.map(({ ms, seq, fields }, i) => {
    const shown = i % 2 === 0 ? fields : fields.slice(0, 2);
    return shown.reduce((text, _, k) => (k % 2 === 0 ? `${text} ${fields[k]}=${fields[k + 1]}` : text), `${ms}-${seq}`);
  });
}

const field = fc.constantFrom('f', 'g', '7', '', 'a longer name');
const value = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '127',
    '128',
    '4095',
    '-4097',
    '9223372036854775807',
    'x'.repeat(64),
    'y'.repeat(5000),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text).toString('latin1')),
);
const change = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ add: fc.nat(3), fields: fc.array(fc.tuple(field, value), { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ maxlen: fc.nat(40), approximate: fc.boolean(), limit: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ minid: fc.nat(), approximate: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ from: fc.nat(60), to: fc.nat(60), backwards: fc.boolean() }) },
);

describe('Stream', () => {
  it('holds what a plain list of entries holds', () => {
    const limits = { ...DEFAULT_LIMITS, streamNodeMaxEntries: 6, streamNodeMaxBytes: 300 };
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const arena = new Arena();
        const stream = new Stream(arena, limits).create();
        const model: Entry[] = [];
        let last: [number, number] = [1, 0];
        let added = 0;
        for (const step of changes) {
          if ('add' in step) {
            last = step.add === 0 ? [last[0], last[1] + 1] : [last[0] + step.add, step.add];
            const fields = step.fields.flat();
            append(stream, id(...last), fields);
            model.push({ ms: last[0], seq: last[1], fields });
            added++;
          } else if ('remove' in step) {
            const found = model[step.remove % (model.length + 1)];
            const at = found === undefined ? id(0, 7) : id(found.ms, found.seq);
            expect(stream.has(at)).toBe(found !== undefined);
            expect(stream.remove(at)).toBe(found !== undefined);
            expect(stream.has(at)).toBe(false);
            if (found !== undefined) model.splice(model.indexOf(found), 1);
            stream.settleFirst();
          } else if ('maxlen' in step) {
            const { maxlen, approximate, limit } = step;
            const before = model.length;
            const went = stream.trim({ by: 'maxlen', maxlen, minid: ID_MIN, approximate, limit });
            model.splice(0, went);
            if (limit > 0) expect(went).toBeLessThanOrEqual(limit);
            if (approximate || limit > 0) expect(stream.length).toBeGreaterThanOrEqual(Math.min(before, maxlen));
            else expect(stream.length).toBe(Math.min(before, maxlen));
          } else if ('minid' in step) {
            const bound = model[step.minid % (model.length + 1)] ?? { ms: 3, seq: 1 };
            const minid = id(bound.ms, bound.seq);
            const below = model.filter(({ ms, seq }) => id(ms, seq).compare(minid) < 0).length;
            const went = stream.trim({ by: 'minid', maxlen: 0, minid, approximate: step.approximate, limit: 0 });
            if (step.approximate) expect(went).toBeLessThanOrEqual(below);
            else expect(went).toBe(below);
            model.splice(0, went);
          } else {
            const { from, to, backwards } = step;
            expect(entries(stream, id(from, 1), id(to, 2), backwards)).toEqual(
              expected(model, [from, 1], [to, 2], backwards),
            );
          }
          expect(stream.length).toBe(model.length);
        }
        for (const backwards of [false, true]) {
          const all = expected(model, [0, 0], [2 ** 40, 0], backwards);
          expect(entries(stream, ID_MIN, ID_MAX, backwards)).toEqual(all);
        }
        expect(stream.entriesAdded).toBe(BigInt(added));
        const first = model[0] ?? { ms: 0, seq: 0 };
        expect(stream.firstId(new StreamId()).toString()).toBe(`${first.ms}-${first.seq}`);
        audit(arena, stream);
      }),
      { numRuns: 60 },
    );
  });

  it('IDs use all their 64 bits', () => {
    const arena = new Arena();
    const stream = new Stream(arena, DEFAULT_LIMITS).create();
    const at = [
      new StreamId().set(0, 1, 0xffffffff, 0xffffffff),
      new StreamId().set(0x7fffffff, 0xffffffff, 0, 0),
      new StreamId().set(0x80000000, 0, 0x80000000, 5),
      new StreamId().set(0xffffffff, 0xffffffff, 0, 0),
      new StreamId().max(),
    ];
    for (const each of at) append(stream, each, ['f', 'v']);
    expect(entries(stream, ID_MIN, ID_MAX).map((text) => text.split(' ')[0])).toEqual([
      '1-18446744073709551615',
      '9223372036854775807-0',
      '9223372036854775808-9223372036854775813',
      '18446744073709551615-0',
      '18446744073709551615-18446744073709551615',
    ]);
    for (const each of at) expect(stream.has(each)).toBe(true);
    expect(stream.has(id(1))).toBe(false);
  });

  it('a node is byte for byte what Redis makes of the same entries', () => {
    const arena = new Arena();
    const stream = new Stream(arena, DEFAULT_LIMITS).create();
    append(stream, id(5, 1), ['f', '1']);
    append(stream, id(7, 0), ['f', 'two']);
    append(stream, id(300, 0), ['g', 'x', 'f', '-1']);
    stream.remove(id(7, 0));
    const nodes: string[] = [];
    stream.eachNode((node) => {
      const at = packAt(node);
      nodes.push(Buffer.from(arena.bytesOf(node).slice(at, at + lpBytes(arena.bytesOf(node), at))).toString('hex'));
    });
    // count 2, deleted 1, 1 field: f, 0 | 2 0 0 "1" 4 | 3 2 -1 "two" 4 | 0 295 -1 2 g x f -1 8
    expect(nodes).toEqual([
      '420000001800' +
        '0201' +
        '0101' +
        '0101' +
        '816602' +
        '0001' +
        '0201' +
        '0001' +
        '0001' +
        '0101' +
        '0401' +
        '0301' +
        '0201' +
        'dfff02' +
        '8374776f04' +
        '0401' +
        '0001' +
        'c12702' +
        'dfff02' +
        '0201' +
        '816702' +
        '817802' +
        '816602' +
        'dfff02' +
        '0801' +
        'ff',
    ]);
  });

  for (let seed = 1; seed <= 3; seed++) {
    it(`random changes leave no block behind, nor do copies, snapshots or not (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const stream = new Stream(arena, { ...DEFAULT_LIMITS, streamNodeMaxEntries: 7 }).create();
      let handed = 0;
      for (let i = 0; i < 2000; i++) {
        // A snapshot whose worker has seen nothing, or everything: freed blocks wait, or are used again at once.
        if (i % 100 === 20) arena.beginCapture({ handed: () => handed, acked: () => 0 });
        if (i % 100 === 40) handed = 1;
        if (i % 100 === 70) {
          arena.endCapture();
          handed = 0;
        }
        changeStream(stream, Buffer.from(`m${Math.floor(random() * 3000)}`), random);
        if (i % 100 !== 0) continue;
        audit(arena, stream);
        const copy = new Stream(arena, DEFAULT_LIMITS).open(stream.encoding, stream.copyRoot());
        audit(arena, stream, copy);
        expect(streamOf(copy)).toEqual(streamOf(stream));
        expect([...copy.dismantle()].sort((x, y) => x - y)).toEqual(blocksOf(copy));
        copy.release();
      }
      audit(arena, stream);
      expect(stream.bytes(0)).toBe(arena.bytesUsed);
      stream.release();
      expect(arena.bytesUsed).toBe(0);
    });
  }
});

function blocksOf(stream: Stream): number[] {
  const out: number[] = [];
  stream.blocks((address) => out.push(address));
  return out.sort((x, y) => x - y);
}

describe('StreamGroup', () => {
  it('keeps pending entries by group and by consumer, and consumers by name', () => {
    const operation = fc.record({
      what: fc.constantFrom('deliver', 'deliver', 'deliver', 'acknowledge', 'delete consumer'),
      ms: fc.nat(40),
      consumer: fc.constantFrom('', 'a', 'b', 'a longer name', 'a longer nam', '\xff'),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
        const arena = new Arena();
        const stream = new Stream(arena, DEFAULT_LIMITS).create();
        stream.findGroup(Buffer.from('g'), 0, 1);
        stream.insertGroup(newGroup(arena, Buffer.from('g'), 0, 1, ID_MIN, 0n));
        const group = new StreamGroup(arena).open(stream, stream.firstGroup());
        const pending = new Map<number, string>();
        const consumers = new Set<string>();
        for (const { what, ms, consumer } of operations) {
          const name = Buffer.from(consumer, 'latin1');
          let number = group.findConsumer(name, 0, name.length);
          expect(number >= 0).toBe(consumers.has(consumer));
          const item = group.find(id(ms));
          expect(item !== 0).toBe(pending.has(ms));
          if (what === 'deliver') {
            if (number < 0) number = group.createConsumer(name, 0, name.length, 1);
            if (item === 0) group.add(id(ms), number, 5, 1n);
            else group.update(item, number, 6, 2n);
            pending.set(ms, consumer);
            consumers.add(consumer);
          } else if (what === 'acknowledge') {
            if (item !== 0) group.remove(item);
            pending.delete(ms);
          } else if (number >= 0) {
            const own = [...pending].filter(([, of]) => of === consumer);
            expect(group.deleteConsumer(number)).toBe(own.length);
            for (const [at] of own) pending.delete(at);
            consumers.delete(consumer);
          }
        }
        const [told] = streamOf(stream).groups;
        const inOrder = [...pending].sort(([x], [y]) => x - y);
        expect(told!.pending.map(([at, of]) => [at, of])).toEqual(inOrder.map(([ms, of]) => [`${ms}-0`, of]));
        expect(told!.consumers.map(({ name }) => name)).toEqual([...consumers].sort());
        audit(arena, stream);
        for (const block of stream.removeGroup(stream.firstGroup())) arena.free(block);
        audit(arena, stream);
      }),
      { numRuns: 100 },
    );
  });
});
