/**
 * What the differential scripts cannot see: effects, events, times, and what 7.2 does otherwise than 7.0. Replies in general
 * are compared with redis-server in test/differential/scripts/stream*.txt.
 */
import { describe, expect, it } from 'vitest';
import { Args } from '../formats/resp/args.js';
import { KEY_COMMANDS } from './keys.js';
import { STREAM_COMMANDS } from './stream.js';
import { parseRead, serveRead } from './stream-read.js';
import { FakeContext, type Told } from './testing/fake-context.js';

const NOW = 1_700_000_000_000;

function fresh(): FakeContext {
  return new FakeContext(STREAM_COMMANDS, KEY_COMMANDS);
}

/** Three entries, a group, and two of them pending for alice. */
function delivered(): FakeContext {
  const t = fresh();
  for (const ms of [1, 2, 3]) t.run('XADD', 's', `${ms}-1`, 'f', ms);
  t.run('XGROUP', 'CREATE', 's', 'g', 0);
  t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', 2, 'STREAMS', 's', '>');
  t.forget();
  return t;
}

/** A flat reply of names and values as an object. */
function record(told: Told): Record<string, Told> {
  const flat = told as Told[];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name as string, flat[i + 1]!]] : [])));
}
const records = (told: Told): Record<string, Told>[] => (told as Told[]).map(record);

describe('entries read', () => {
  it('beyond 2^63 - 1 are logged as not known, so that a replay takes the ID behind which the group has come', () => {
    const t = delivered();
    t.run('XGROUP', 'SETID', 's', 'g', '2-1', 'ENTRIESREAD', '9223372036854775807');
    t.forget();
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'NOACK', 'STREAMS', 's', '>');
    expect(t.effects).toEqual([['XGROUP', 'SETID', 's', 'g', '3-1', 'ENTRIESREAD', '-1']]);
  });
});

describe('XADD', () => {
  it('makes IDs of the clock, never smaller than the last one', () => {
    const t = fresh();
    expect(t.run('XADD', 's', '*', 'f', 1)).toBe(`${NOW}-0`);
    expect(t.run('XADD', 's', '*', 'f', 1)).toBe(`${NOW}-1`);
    t.now += 5;
    expect(t.run('XADD', 's', '*', 'f', 1)).toBe(`${NOW + 5}-0`);
    t.now -= 1000;
    expect(t.run('XADD', 's', '*', 'f', 1)).toBe(`${NOW + 5}-1`);
    expect(t.run('XADD', 'far', `${NOW * 2}-18446744073709551615`, 'f', 1)).toBe(`${NOW * 2}-18446744073709551615`);
    expect(t.run('XADD', 'far', '*', 'f', 1)).toBe(`${NOW * 2 + 1}-0`);
  });

  it('is propagated with the ID that it got, and a trim that leaves what it left', () => {
    const t = fresh();
    t.run('XADD', 's', '*', 'f', 1);
    t.run('XADD', 's', `${NOW + 1}-*`, 'f', 2);
    t.run('XADD', 's', `${NOW + 2}-2`, 'f', 3);
    t.run('XADD', 's', 'MAXLEN', 2, '*', 'f', 4);
    t.run('XADD', 's', 'NOMKSTREAM', 'MAXLEN', '~', 1, 'LIMIT', 10, `${NOW + 3}-1`, 'f', 5);
    t.run('XADD', 's', 'MINID', '~', 5, '*', 'f', 6);
    expect(t.effects).toEqual([
      ['XADD', 's', `${NOW}-0`, 'f', '1'],
      ['XADD', 's', `${NOW + 1}-0`, 'f', '2'],
      ['XADD', 's', `${NOW + 2}-2`, 'f', '3'],
      ['XADD', 's', 'MAXLEN', '2', `${NOW + 2}-3`, 'f', '4'],
      ['XADD', 's', 'NOMKSTREAM', 'MAXLEN', '=', '3', 'LIMIT', '10', `${NOW + 3}-1`, 'f', '5'],
      // The first ID in the nodes, which may be that of a deleted entry.
      ['XADD', 's', 'MINID', '=', `${NOW}-0`, `${NOW + 3}-2`, 'f', '6'],
    ]);
    expect(t.events).toEqual(['new s', 'xadd s', 'xadd s', 'xadd s', 'xadd s', 'xtrim s', 'xadd s', 'xadd s']);
  });

  it('a trim that was propagated is obeyed whatever its LIMIT', () => {
    const t = fresh();
    t.replaying = true;
    for (let ms = 1; ms < 10; ms++) t.run('XADD', 's', ms, 'f', 1);
    t.run('XADD', 's', 'MAXLEN', '=', 2, 'LIMIT', 1, 10, 'f', 1);
    expect(t.run('XLEN', 's')).toBe(2);
  });

  it('makes no key when it fails', () => {
    const t = fresh();
    for (const id of ['0-0', 'x', '-']) t.run('XADD', 's', id, 'f', 1);
    t.run('XADD', 's', 'NOMKSTREAM', '*', 'f', 1);
    t.run('XADD', 's', 'MAXLEN', -1, '*', 'f', 1);
    expect(t.run('EXISTS', 's')).toBe(0);
    expect(t.keyspace.arena.allocated()).toHaveLength(allocatedWhenEmpty());
    expect(t.effects).toEqual([]);
  });
});

function allocatedWhenEmpty(): number {
  return fresh().keyspace.arena.allocated().length;
}

describe('other changes of entries', () => {
  it('XTRIM is propagated exactly; XDEL and XSETID as they came', () => {
    const t = fresh();
    for (let ms = 1; ms <= 250; ms++) t.run('XADD', 's', `${ms}-1`, 'f', 1);
    t.forget();
    expect(t.run('XTRIM', 's', 'MAXLEN', '~', 60)).toBe(100);
    expect(t.run('XTRIM', 's', 'MAXLEN', '~', 60)).toBe(0);
    expect(t.run('XTRIM', 's', 'MINID', '~', 205)).toBe(100);
    expect(t.run('XTRIM', 's', 'MAXLEN', 40)).toBe(10);
    expect(t.run('XDEL', 's', '211-1', '9-9', '250-1')).toBe(2);
    expect(t.run('XDEL', 's', '9-9')).toBe(0);
    t.run('XSETID', 's', '300-1', 'ENTRIESADDED', 400);
    expect(t.effects).toEqual([
      ['XTRIM', 's', 'MAXLEN', '=', '150'],
      ['XTRIM', 's', 'MINID', '=', '201-1'],
      ['XTRIM', 's', 'MAXLEN', '40'],
      ['XDEL', 's', '211-1', '9-9', '250-1'],
      ['XSETID', 's', '300-1', 'ENTRIESADDED', '400'],
    ]);
    expect(t.events).toEqual(['xtrim s', 'xtrim s', 'xtrim s', 'xdel s', 'xsetid s']);
    expect(t.dirty).toBe(100 + 100 + 10 + 2 + 1);
  });

  it('a stream without entries stays', () => {
    const t = fresh();
    t.run('XADD', 's', '1-1', 'f', 1);
    t.run('XDEL', 's', '1-1');
    expect(t.run('EXISTS', 's')).toBe(1);
    expect(t.run('XADD', 's', '1-1', 'f', 1)).toMatch(/^-ERR The ID specified in XADD is equal or smaller/);
  });

  it('XSETID does not go below what XDEL took (7.2)', () => {
    const t = fresh();
    t.run('XADD', 's', '5-1', 'f', 1);
    t.run('XDEL', 's', '5-1');
    expect(t.run('XSETID', 's', '5-0')).toBe(
      '-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id',
    );
  });
});

describe('XREADGROUP', () => {
  it('is propagated as what became pending, and how far the group is', () => {
    const t = delivered();
    t.run('XREADGROUP', 'GROUP', 'g', 'bob', 'STREAMS', 's', '>');
    expect(t.effects).toEqual([
      [
        ...['XCLAIM', 's', 'g', 'bob', '0', '3-1', 'TIME', String(NOW), 'RETRYCOUNT', '1', 'FORCE', 'JUSTID'],
        ...['LASTID', '3-1'],
      ],
      ['XGROUP', 'SETID', 's', 'g', '3-1', 'ENTRIESREAD', '3'],
    ]);
    expect(t.events).toEqual(['xgroup-createconsumer s']);
    expect(t.touched).toEqual([]);
  });

  it('with NOACK, of a new consumer and how far the group is', () => {
    const t = delivered();
    t.run('XREADGROUP', 'GROUP', 'g', 'bob', 'NOACK', 'STREAMS', 's', '>');
    expect(t.effects).toEqual([
      ['XGROUP', 'CREATECONSUMER', 's', 'g', 'bob'],
      ['XGROUP', 'SETID', 's', 'g', '3-1', 'ENTRIESREAD', '3'],
    ]);
    expect(t.run('XPENDING', 's', 'g')).toEqual([2, '1-1', '2-1', [['alice', '2']]]);
  });

  it('makes the consumer though there is nothing for it (7.2), and that survives in the log', () => {
    const t = delivered();
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
    t.forget();
    expect(t.run('XREADGROUP', 'GROUP', 'g', 'carol', 'STREAMS', 's', '>')).toBeNull();
    expect(t.effects).toEqual([['XGROUP', 'CREATECONSUMER', 's', 'g', 'carol']]);
    expect(t.events).toEqual(['xgroup-createconsumer s']);
  });

  it('reads again what is pending, counts that, and propagates nothing', () => {
    const t = delivered();
    t.run('XDEL', 's', '1-1');
    t.forget();
    t.now += 70;
    expect(t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', 0)).toEqual([
      [
        's',
        [
          ['1-1', null],
          ['2-1', ['f', '2']],
        ],
      ],
    ]);
    expect(t.effects).toEqual([]);
    t.now += 5;
    expect(t.run('XPENDING', 's', 'g', '-', '+', 9)).toEqual([
      ['1-1', 'alice', 75, 1],
      ['2-1', 'alice', 5, 2],
    ]);
  });

  it('what was delivered already goes over to the new consumer when the group is set back', () => {
    const t = delivered();
    t.run('XGROUP', 'SETID', 's', 'g', 0);
    t.now += 9;
    t.run('XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', 1, 'STREAMS', 's', '>');
    expect(t.run('XPENDING', 's', 'g', '-', '+', 9)).toEqual([
      ['1-1', 'bob', 0, 1],
      ['2-1', 'alice', 9, 1],
    ]);
  });

  it('replies with a map in RESP3', () => {
    const t = delivered();
    t.out.resp = 3;
    expect(t.raw('XREAD', 'COUNT', 1, 'STREAMS', 's', 0)).toBe(
      '%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\n1\r\n',
    );
    expect(t.raw('XREAD', 'STREAMS', 's', '$')).toBe('_\r\n');
  });
});

describe('a read that waits', () => {
  it('is served later from where it began', () => {
    const t = fresh();
    t.run('XADD', 's', '1-1', 'f', 1);
    const a = Args.of('XREAD', 'BLOCK', '1000', 'STREAMS', 's', 'other', '$', '$');
    const read = parseRead(t, a, false);
    expect(read).toMatchObject({ timeoutMs: 1000, firstKey: 4, keys: 2, groupAt: 0 });
    expect(serveRead(t, a, read)).toBe(false);
    t.run('XADD', 's', '2-1', 'f', 2);
    t.run('XADD', 's', '3-1', 'f', 3);
    t.out.pos = 0;
    expect(serveRead(t, a, read)).toBe(true);
    const reply = t.out.buf.toString('latin1', 0, t.out.pos);
    expect(reply).toContain('2-1');
    expect(reply).toContain('3-1');
    expect(reply).not.toContain('other');
  });

  it('of a group is served what the group has not got by then', () => {
    const t = delivered();
    const a = Args.of('XREADGROUP', 'GROUP', 'g', 'bob', 'BLOCK', '0', 'STREAMS', 's', '>');
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
    const read = parseRead(t, a, true);
    expect(serveRead(t, a, read)).toBe(false);
    t.run('XADD', 's', '4-1', 'f', 4);
    t.out.pos = 0;
    expect(serveRead(t, a, read)).toBe(true);
    expect(t.out.buf.toString('latin1', 0, t.out.pos)).toContain('4-1');
    t.out.pos = 0;
    expect(serveRead(t, a, read)).toBe(false);
    t.run('XGROUP', 'DESTROY', 's', 'g');
    expect(() => serveRead(t, a, read)).toThrow(/NOGROUP/);
  });
});

describe('claims', () => {
  const claim = (consumer: string, id: string, time: number, count: number, last: string): string[] => [
    ...['XCLAIM', 's', 'g', consumer, '0', id, 'TIME', String(time), 'RETRYCOUNT', String(count), 'FORCE', 'JUSTID'],
    ...['LASTID', last],
  ];

  it('XCLAIM counts, sets times, and is propagated entry by entry', () => {
    const t = delivered();
    t.now += 1000;
    expect(t.run('XCLAIM', 's', 'g', 'bob', 500, '1-1', '9-9', 'IDLE', 300)).toEqual([['1-1', ['f', '1']]]);
    expect(t.run('XCLAIM', 's', 'g', 'bob', 500, '1-1')).toEqual([]);
    expect(t.run('XCLAIM', 's', 'g', 'bob', 0, '3-1', 'FORCE', 'JUSTID', 'TIME', 5, 'LASTID', '3-1')).toEqual(['3-1']);
    expect(t.run('XCLAIM', 's', 'g', 'bob', 0, '2-1', 'RETRYCOUNT', '9223372036854775807', 'JUSTID')).toEqual(['2-1']);
    expect(t.effects).toEqual([
      claim('bob', '1-1', NOW + 700, 2, '2-1'),
      claim('bob', '3-1', 5, 1, '3-1'),
      [
        'XCLAIM',
        's',
        'g',
        'bob',
        '0',
        '2-1',
        'TIME',
        String(NOW + 1000),
        'RETRYCOUNT',
        '9223372036854775807',
        'FORCE',
      ].concat(['JUSTID', 'LASTID', '3-1']),
    ]);
    expect(t.run('XPENDING', 's', 'g', 'IDLE', 200, '-', '+', 9)).toEqual([
      ['1-1', 'bob', 300, 2],
      ['3-1', 'bob', NOW + 995, 1],
    ]);
  });

  it('what is deleted is not pending any more, and the log says so', () => {
    const t = delivered();
    t.run('XDEL', 's', '1-1', '2-1');
    t.forget();
    expect(t.run('XCLAIM', 's', 'g', 'bob', 0, '1-1')).toEqual([]);
    expect(t.run('XAUTOCLAIM', 's', 'g', 'bob', 0, '-')).toEqual(['0-0', [], ['2-1']]);
    expect(t.effects).toEqual([
      claim('alice', '1-1', NOW, 1, '2-1'),
      ['XGROUP', 'CREATECONSUMER', 's', 'g', 'bob'],
      claim('alice', '2-1', NOW, 1, '2-1'),
    ]);
    expect(t.run('XPENDING', 's', 'g')).toEqual([0, null, null, null]);
  });

  it('LASTID alone is propagated as such', () => {
    const t = delivered();
    t.run('XCLAIM', 's', 'g', 'alice', 0, '9-9', 'LASTID', '8-8');
    t.run('XCLAIM', 's', 'g', 'alice', 0, '9-9', 'LASTID', '8-8');
    expect(t.effects).toEqual([['XGROUP', 'SETID', 's', 'g', '8-8', 'ENTRIESREAD', '2']]);
  });

  it('XAUTOCLAIM looks at ten times COUNT, and says where to go on', () => {
    const t = fresh();
    for (let ms = 1; ms <= 50; ms++) t.run('XADD', 's', `${ms}-0`, 'f', ms);
    t.run('XGROUP', 'CREATE', 's', 'g', 0);
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
    t.now += 100;
    t.run('XCLAIM', 's', 'g', 'alice', 0, ...Array.from({ length: 30 }, (_, i) => `${i + 1}-0`), 'JUSTID');
    expect(t.run('XAUTOCLAIM', 's', 'g', 'bob', 50, '-', 'COUNT', 2, 'JUSTID')).toEqual(['21-0', [], []]);
    expect(t.run('XAUTOCLAIM', 's', 'g', 'bob', 50, '21-0', 'COUNT', 2, 'JUSTID')).toEqual([
      '33-0',
      ['31-0', '32-0'],
      [],
    ]);
  });

  it('what is propagated makes the same pending entries again', () => {
    const t = delivered();
    t.run('XDEL', 's', '1-1');
    t.run('XCLAIM', 's', 'g', 'bob', 0, '1-1', '2-1', '3-1', 'FORCE', 'IDLE', 5000);
    t.run('XREADGROUP', 'GROUP', 'g', 'bob', 'STREAMS', 's', '>');
    t.run('XACK', 's', 'g', '2-1');
    const u = delivered();
    u.replaying = true;
    u.now += 999;
    for (const argv of t.effects) u.run(...argv);
    const all = ['XPENDING', 's', 'g', 'IDLE', 1, '-', '+', 99] as const;
    u.now = t.now += 10_000;
    expect(u.run(...all)).toEqual(t.run(...all));
    const told = records(u.run('XINFO', 'GROUPS', 's'));
    expect(told).toEqual(records(t.run('XINFO', 'GROUPS', 's')));
  });
});

describe('XINFO', () => {
  it('tells when consumers tried something, and when they got something (7.2)', () => {
    const t = delivered();
    t.run('XGROUP', 'CREATECONSUMER', 's', 'g', 'idle');
    t.now += 100;
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', 0);
    t.run('XCLAIM', 's', 'g', 'bob', 1000, '1-1');
    t.now += 20;
    expect(records(t.run('XINFO', 'CONSUMERS', 's', 'g'))).toEqual([
      { name: 'alice', pending: 2, idle: 20, inactive: 120 },
      { name: 'bob', pending: 0, idle: 20, inactive: -1 },
      { name: 'idle', pending: 0, idle: 120, inactive: -1 },
    ]);
    t.run('XREADGROUP', 'GROUP', 'g', 'bob', 'STREAMS', 's', '>');
    const groups = record(t.run('XINFO', 'STREAM', 's', 'FULL')).groups;
    const { consumers, pending } = records(groups!)[0]!;
    expect(pending).toEqual([
      ['1-1', 'alice', NOW + 100, 2],
      ['2-1', 'alice', NOW + 100, 2],
      ['3-1', 'bob', NOW + 120, 1],
    ]);
    expect(records(consumers!)[1]).toEqual({
      name: 'bob',
      'seen-time': NOW + 120,
      'active-time': NOW + 120,
      'pel-count': 1,
      pending: [['3-1', NOW + 120, 1]],
    });
  });

  it('FULL shows ten of each, COUNT as many, 0 all', () => {
    const t = fresh();
    for (let ms = 1; ms <= 25; ms++) t.run('XADD', 's', ms, 'f', 1);
    t.run('XGROUP', 'CREATE', 's', 'g', 0);
    t.run('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
    const shown = (...options: (string | number)[]): number[] => {
      const info = record(t.run('XINFO', 'STREAM', 's', 'FULL', ...options));
      const group = records(info.groups!)[0]!;
      return [info.entries!, group.pending!, records(group.consumers!)[0]!.pending!].map(
        (list) => (list as Told[]).length,
      );
    };
    expect(shown()).toEqual([10, 10, 10]);
    expect(shown('COUNT', 3)).toEqual([3, 3, 3]);
    expect(shown('COUNT', 0)).toEqual([25, 25, 25]);
    expect(shown('COUNT', -1)).toEqual([10, 10, 10]);
  });

  it('XGROUP changes publish their events and touch no WATCHer', () => {
    const t = fresh();
    t.run('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    expect(t.touched).toEqual(['0:s']);
    t.forget();
    t.run('XGROUP', 'CREATE', 's', 'h', 0);
    t.run('XGROUP', 'SETID', 's', 'h', 5);
    t.run('XGROUP', 'CREATECONSUMER', 's', 'h', 'c');
    t.run('XGROUP', 'CREATECONSUMER', 's', 'h', 'c');
    t.run('XGROUP', 'DELCONSUMER', 's', 'h', 'c');
    t.run('XGROUP', 'DELCONSUMER', 's', 'h', 'c');
    t.run('XGROUP', 'DESTROY', 's', 'h');
    t.run('XGROUP', 'DESTROY', 's', 'h');
    expect(t.events).toEqual(
      ['create', 'setid', 'createconsumer', 'delconsumer', 'destroy'].map((event) => `xgroup-${event} s`),
    );
    expect(t.effects).toHaveLength(5);
    expect(t.touched).toEqual([]);
  });
});

it('no command leaves a block behind', () => {
  const t = delivered();
  t.run('XGROUP', 'CREATE', 's', 'h', 0, 'ENTRIESREAD', 2);
  t.run('XCLAIM', 's', 'g', 'bob', 0, '1-1');
  t.run('XGROUP', 'DELCONSUMER', 's', 'g', 'alice');
  t.run('COPY', 's', 'copy');
  const live: number[] = [];
  t.keyspace.blocks((address) => live.push(address));
  expect(t.keyspace.arena.allocated()).toEqual(live.sort((x, y) => x - y));
  t.run('DEL', 's', 'copy');
  expect(t.keyspace.arena.allocated()).toHaveLength(allocatedWhenEmpty());
});
