/** What stands for the arguments of random commands: small sets, so that commands meet, and the edges of each kind. */
import { RdbType } from '../../src/formats/rdb/types.js';
import { drawPayloads, sealPayload } from '../support/corpus.js';
import { Random } from '../support/random.js';
import type { Draw } from './draw.js';
import type { Kind } from './template.js';

export const EDGE_VALUES = [
  ...['', ' ', '0', '-0', '00', '1', '-1', '+1', ' 1', '1 ', '1.0', '1.5', '-2.25', '1e3', '3.0e3', '.5', '5.', '0x10'],
  ...['inf', '-inf', '+inf', 'nan', 'abc', '9223372036854775807', '-9223372036854775808', '9223372036854775808'],
  ...[
    '9223372036854775806',
    '-9223372036854775807',
    '2147483648',
    '4294967296',
    '65536',
    '-32769',
    '1e400',
    '(1',
    '[a',
    '-',
    '+',
  ],
  ...[
    '*',
    '?',
    'NX',
    'WITHSCORES',
    'LIMIT',
    'GET',
    '\x00',
    '\xff\xfe',
    '\r\n',
    '$5\r\nhello\r\n',
    'x'.repeat(44),
    'x'.repeat(45),
  ],
  ...['y'.repeat(64), 'y'.repeat(65), 'z'.repeat(300), 'w'.repeat(9000)],
];
/** Without numbers that 7.0 and 7.2 print differently as scores: the big ones. */
export const EDGE_VALUES_OF_SCORES = EDGE_VALUES.filter((text) => !(Math.abs(Number(text)) >= 1e8));
const MEMBERS = [
  'a',
  'b',
  'c',
  'd',
  'e',
  '1',
  '2',
  '3',
  '10',
  '-7',
  '70000',
  '5000000000',
  '',
  '\x00\xff',
  'm'.repeat(64),
  'm'.repeat(66),
];
const SCORES = [
  ...['0', '1', '2', '3', '-1', '1.5', '-2.5', '12345678901', '-0', '4503599627370497', '-0.125'],
  ...['inf', '-inf', '+inf', 'nan', 'x', ''],
];
/** Scores that 7.0 and 7.2 print differently, in DEBUG DIGEST too. */
const FRACTIONS = ['0.1', '3.14159', '-1e300', '1e300', '1e17', '1e22', '1e10', '0.3', '-7.7e-9', '123456.789', '1e-5'];
const BOUNDS = ['-inf', '+inf', '0', '1', '(1', '2', '(2', '3', '-1', '1.5', '(-1', 'inf', 'x', '(', '(inf'];
const LEX = ['-', '+', '[a', '(a', '[c', '(c', '[1', '(m', '[', '(', 'a', ''];
const PATTERNS = ['*', 'l*', '*:1', '?:*', '[ls]:*', '[^s]*', '', '\\*', 'h:[0-2]', 'nothing', '*\xff*', '[a', '**1'];
const STREAM_IDS = [
  '0',
  '5',
  '0-0',
  '-',
  '+',
  '(5',
  '(3-1',
  '3',
  '10',
  '18446744073709551615',
  'x',
  '',
  '7-',
  '(',
  ' 4',
  '-1',
];
const SORT_BY = ['s:*', 'h:*->a', 'h:*->1', 'nosort*', 'missing:*', 'b:*', '*', 'l:*', 'h:*->'];
const SORT_GET = ['#', 's:*', 'h:*->a', 'missing:*', 'l:*', '*', ''];
const FAR = ['1000000', '2000000', '3000000'];
const BAD_TIMES = ['0', '-1', 'x', '', '1.5', '9223372036854775807', '-9223372036854775808', '9223372036854775808'];

const keyOf =
  (letter: string): Kind<Draw> =>
  (r) =>
    r.chance(88) ? `${letter}:${r.below(4)}` : anyKey(r);
/** Keys that somebody waits for: one, or up to four different ones. */
function waited(r: Draw, letter: string): string[] {
  if (r.single) return [r.chance(90) ? `${letter}:${r.below(4)}` : (anyKey(r) as string)];
  const from = r.below(4);
  return Array.from({ length: 1 + r.below(4) }, (_, i) => `${letter}:${(from + i) % 4}`);
}
const anyKey: Kind<Draw> = (r) =>
  r.chance(6) ? r.pick(['', 'bin\x00\xff\r\n', 'missing', 'k'.repeat(100)]) : `${r.pick(LETTERS)}:${r.below(4)}`;
const integer: Kind<Draw> = (r) => (r.chance(80) ? String(r.below(25) - 8) : r.pick(EDGE_VALUES));

/** Of keys: string, list, hash, set, sorted set, stream, bits, HyperLogLog, geo. */
const LETTERS = ['s', 'l', 'h', 't', 'z', 'x', 'b', 'p', 'g'];
/** Never between 2^20 and 2^32: servers would make such strings. */
const BITS = ['-1', 'x', '', '4294967296', '9223372036854775807', '1.5', '100000'];
const FIELD_TYPES = [
  ...['u1', 'u3', 'u8', 'u16', 'u31', 'u32', 'u63', 'i1', 'i2', 'i5', 'i8', 'i16', 'i33', 'i64'],
  ...['u64', 'i65', 'u0', 'i0', 'x', '', 'u', 'U8'],
];
const FIELD_OFFSETS = ['#0', '#1', '#3', '#10', '-1', '#-1', 'x', '', '#', '4294967296', '#536870912000'];
const DEGREES = [
  '0',
  '-0',
  '180',
  '-180',
  '180.1',
  '-180.0001',
  '85.05112878',
  '-85.05112878',
  '85.06',
  '90',
  'x',
  'nan',
  '',
];
const PLACES = [
  ['13.361389', '38.115556'],
  ['15.087269', '37.502669'],
  ['126.978', '37.5665'],
  ['-122.4194', '37.7749'],
  ['-0.1276', '51.5072'],
  ['179.99', '-17.7'],
  ['-179.99', '-17.8'],
] as const;

/** What stands for an argument of each kind. */
export const KINDS: Record<string, Kind<Draw>> = {
  key: anyKey,
  str: keyOf('s'),
  list: keyOf('l'),
  hash: keyOf('h'),
  set: keyOf('t'),
  zset: keyOf('z'),
  // Sorted sets whose members all have the score 0: what the BYLEX commands reply for others is not defined.
  lexset: (r) => `y:${r.below(3)}`,
  lexmember: (r) => r.pick([...MEMBERS, ...'fghijkl', `m${r.below(150)}`, `${r.below(50)}`]),
  value: (r) =>
    r.chance(50) ? r.pick(EDGE_VALUES) : r.chance(50) ? String(r.below(100000) - 50000) : `v${r.below(1000)}`,
  member: (r) => (r.chance(70) ? r.pick(MEMBERS) : r.chance(80) ? `m${r.below(200)}` : r.pick(EDGE_VALUES)),
  many: (r) => `n${r.below(5000)}`,
  integer,
  number: (r) => String(r.below(5000)),
  index: (r) => (r.chance(85) ? String(r.below(40) - 15) : r.pick(EDGE_VALUES)),
  offset: (r) =>
    r.chance(95) ? String(r.below(70)) : r.pick(['-1', 'x', '70000', '536870912', '9223372036854775807']),
  // Never a huge negative count: SRANDMEMBER would build such a reply.
  count: (r) =>
    r.chance(90) ? String(r.below(12)) : r.pick(['-1', '-5', 'x', '', '9223372036854775807', '1.5', '100']),
  score: (r) => (r.chance(60) ? String(r.below(20)) : r.pick(r.fractions && r.chance(50) ? FRACTIONS : SCORES)),
  float: (r) => (r.chance(50) ? String(r.below(2000) / 8) : r.pick([...SCORES, ...FRACTIONS])),
  bound: (r) => r.pick(BOUNDS),
  lex: (r) => r.pick(LEX),
  pattern: (r) => r.pick(PATTERNS),
  ttl: (r) => (r.chance(75) ? r.pick(FAR) : r.pick(BAD_TIMES)),
  pttl: (r) => (r.chance(75) ? `${r.pick(FAR)}000` : r.pick(BAD_TIMES)),
  at: (r) => (r.chance(75) ? `3317711742${r.below(10)}` : r.pick(['1', ...BAD_TIMES])),
  pat: (r) => (r.chance(75) ? `3317711742${r.below(10)}${100 + r.below(900)}` : r.pick(['1', ...BAD_TIMES])),
  // SET keeps a key whose time has passed until somebody looks, which DBSIZE and digests would show.
  later: (r) => (r.chance(75) ? `3317711742${r.below(10)}` : r.pick(BAD_TIMES)),
  plater: (r) => (r.chance(75) ? `3317711742${r.below(10)}${100 + r.below(900)}` : r.pick(BAD_TIMES)),
  db: (r) => (r.chance(90) ? String(r.below(3)) : r.pick(['16', '-1', 'x', ''])),
  numkeys: (r) => (r.chance(90) ? '2' : r.pick(['1', '3', '0', '-1', 'x'])),
  // Never `*`: it would be the clock's.
  stream: keyOf('x'),
  newid: (r) =>
    r.chance(60)
      ? `${r.below(r.below(60) + 1)}-*`
      : r.chance(90)
        ? `${r.below(80)}-${r.below(4)}`
        : r.pick(['0', '0-0', '5', 'x', '', '-', '+', '7-']),
  id: (r) => (r.chance(85) ? `${r.below(40)}-${r.below(4)}` : r.pick(STREAM_IDS)),
  group: (r) => r.pick(['g', 'g', 'g', 'h', '']),
  consumer: (r) => r.pick(['alice', 'bob', 'carol', '']),
  weight: (r) => r.pick(['1', '2', '0', '-1', r.fractions ? '0.5' : '3', 'inf', 'x']),
  bits: keyOf('b'),
  bit: (r) => (r.chance(92) ? String(r.below(r.chance(80) ? 90 : 1200)) : r.pick(BITS)),
  field: (r) => (r.chance(92) ? r.pick(FIELD_TYPES.slice(0, 14)) : r.pick(FIELD_TYPES)),
  fieldat: (r) => (r.chance(75) ? String(r.below(100)) : r.pick(FIELD_OFFSETS)),
  // 7.0 does not log the key that a refused change has made.
  overflow: (r) => r.pick(r.logged ? ['WRAP', 'SAT'] : ['WRAP', 'SAT', 'FAIL']),
  hll: keyOf('p'),
  geo: keyOf('g'),
  place: (r) => {
    if (r.chance(50)) return r.pick(PLACES);
    const degree = (max: number): string =>
      r.chance(90) ? String((r.below(2 * max * 8) - max * 8) / 8) : r.pick(DEGREES);
    return [degree(180), degree(85)];
  },
  radius: (r) =>
    r.chance(90) ? r.pick(['0', '1', '100', '500.5', '5000', '20000', '100000']) : r.pick(['-1', 'x', '', 'inf']),
  unit: (r) => (r.chance(94) ? r.pick(['m', 'km', 'ft', 'mi', 'KM']) : r.pick(['x', '', 'meters'])),
  weigh: (r) => r.pick(SORT_BY),
  get: (r) => r.pick(SORT_GET),
  channel: (r) => r.pick(['news', 'news', 'weather', 'a', '', 'bin\x00\xff']),
  chpattern: (r) => r.pick(['*', 'n*', 'news', '?', '__key*__:*', '__keyspace@0__:l*', '[ab]', '']),
  // Without the events of streams: 7.2 has more of them.
  events: (r) => r.pick(['', 'KE$lshzgxenmd', 'Kg$lz', 'El', 'KEgh', 'Ksn', 'Km', 'x', 'bad?']),
  // Never beyond what a clock can say: 7.2 refuses that in other words than 7.0, or where 7.0 does not.
  waitlists: (r) => waited(r, 'l'),
  waitzsets: (r) => waited(r, 'z'),
  waitstream: (r) => (r.chance(90) ? `x:${r.below(4)}` : anyKey(r)),
  timeout: (r) => (r.chance(85) ? '0' : r.pick(['1000', '0.0', '-1', 'x', '', '-1e400', 'nan', '0x10'])),
  blockms: (r) => (r.chance(85) ? '0' : r.pick(['1000000', '-1', 'x', '', '1.5', '9223372036854775808'])),
  payload: (r) => r.pick(payloads()),
};

let made: string[] | null = null;

/** Payloads of DUMP that 7.0 reads, of every type. */
function payloads(): readonly string[] {
  made ??= drawPayloads(new Random(1), { fieldExpiry: false, plainScores: true })
    .filter(({ body, version }) => version <= 10 && (body[0]! < RdbType.MODULE_PRE_GA || body[0]! > RdbType.MODULE_2))
    .filter(({ body }) => body[0]! <= RdbType.STREAM_2)
    .map(({ body, version }) => sealPayload(body, version).toString('latin1'));
  return made;
}
