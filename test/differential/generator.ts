/**
 * Random commands from a seed, weighted to edges: empty strings, huge and negative numbers, binary, wrong types, wrong
 * arity, keys that overlap. Nothing in them depends on the clock: expiries are far away or long past.
 *
 * The commands are rows of a little grammar:
 *
 *   <kind>      an argument (see `KINDS`)      [a b]   present half of the time
 *   (a|b)       one of them                    {a b}   repeated one to four times
 */
import { Random } from '../support/random.js';
import type { Mode } from './script.js';

export interface RandomCommand {
  args: Buffer[];
  mode: RandomMode;
}

export interface RandomMode extends Mode {
  /** A SCAN with a huge COUNT: the nested elements come in any order, in pairs for HSCAN and ZSCAN. */
  scanned?: 'sorted' | 'pairs';
  /** OBJECT ENCODING: what 7.2 calls otherwise is equal. */
  encoding?: boolean;
  /** XINFO GROUPS: see known-reply-differences.ts. */
  groups?: boolean;
}

/** The generator's source of chance. */
export class Draw extends Random {
  /** @param fractions whether commands may bring scores about that 7.0 and 7.2 print differently */
  constructor(
    seed: number,
    readonly fractions = false,
  ) {
    super(seed);
  }
}

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
const EDGE_VALUES_OF_SCORES = EDGE_VALUES.filter((text) => !(Math.abs(Number(text)) >= 1e8));
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
const FAR = ['1000000', '2000000', '3000000'];
const BAD_TIMES = ['0', '-1', 'x', '', '1.5', '9223372036854775807', '-9223372036854775808', '9223372036854775808'];

type Kind = (r: Draw) => string;

const keyOf =
  (letter: string): Kind =>
  (r) =>
    r.chance(88) ? `${letter}:${r.below(4)}` : anyKey(r);
const anyKey: Kind = (r) =>
  r.chance(6)
    ? r.pick(['', 'bin\x00\xff\r\n', 'missing', 'k'.repeat(100)])
    : `${r.pick(['s', 'l', 'h', 't', 'z', 'x'])}:${r.below(4)}`;
const integer: Kind = (r) => (r.chance(80) ? String(r.below(25) - 8) : r.pick(EDGE_VALUES));

/** What stands for an argument of each kind. */
const KINDS: Record<string, Kind> = {
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
};

interface Row {
  weight: number;
  template: string;
  mode: RandomMode;
  /** Not to be mutated: another argument would make it depend on chance or on the clock. */
  fixed: boolean;
}

function row(weight: number, template: string, mode: RandomMode = {}, fixed = false): Row {
  return { weight, template, mode, fixed };
}

const DOUBLES = { doubles: true };
const SORTED = { sorted: true };
const PAIRS = { pairs: true };
const SHAPE = { shape: true };
const EXPIRING = '[(EX <ttl>|PX <pttl>|EXAT <later>|PXAT <plater>|KEEPTTL)]';

const ROWS: readonly Row[] = [
  // strings
  row(10, `SET <str> <value> ${EXPIRING} [(NX|XX)] [GET]`, {}, true),
  row(4, 'SET <key> <value>'),
  row(6, 'GET <str>'),
  row(2, 'GET <key>'),
  row(2, 'SETNX <str> <value>'),
  row(1, 'SETEX <str> <ttl> <value>', {}, true),
  row(1, 'PSETEX <str> <pttl> <value>', {}, true),
  row(2, 'GETSET <str> <value>'),
  row(2, 'GETDEL <str>'),
  row(2, `GETEX <str> [(EX <ttl>|PX <pttl>|EXAT <at>|PXAT <pat>|PERSIST)]`, {}, true),
  row(4, 'APPEND <str> <value>'),
  row(2, 'STRLEN <str>'),
  row(3, 'GETRANGE <str> <index> <index>'),
  row(1, 'SUBSTR <str> <index> <index>'),
  row(3, 'SETRANGE <str> <offset> <value>'),
  row(5, '(INCR|DECR) <str>'),
  row(5, '(INCRBY|DECRBY) <str> <integer>'),
  row(3, 'INCRBYFLOAT <str> <float>'),
  row(2, 'MGET {<key>}'),
  row(2, '(MSET|MSETNX) {<str> <value>}'),
  // lists
  row(8, '(LPUSH|RPUSH) <list> {<member>}'),
  row(3, '(LPUSH|RPUSH) <list> {<many>} {<many>} {<many>} {<many>}'),
  row(2, '(LPUSHX|RPUSHX) <list> {<member>}'),
  row(4, '(LPOP|RPOP) <list> [<count>]'),
  row(2, 'LLEN <list>'),
  row(4, 'LRANGE <list> <index> <index>'),
  row(3, 'LINDEX <list> <index>'),
  row(3, 'LSET <list> <index> <value>'),
  row(3, 'LINSERT <list> (BEFORE|AFTER) <member> <value>'),
  row(3, 'LREM <list> <integer> <member>'),
  row(2, 'LTRIM <list> <index> <index>'),
  row(2, 'LPOS <list> <member> [RANK <integer>] [COUNT <count>] [MAXLEN <count>]'),
  row(2, 'RPOPLPUSH <list> <list>'),
  row(3, 'LMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT)'),
  row(2, 'LMPOP <numkeys> <list> <list> (LEFT|RIGHT) [COUNT <count>]'),
  // sets
  row(8, 'SADD <set> {<member>}'),
  row(4, 'SADD <set> {<number>} {<number>} {<number>} {<number>}'),
  row(3, 'SADD <set> {<many>} {<many>} {<many>} {<many>}'),
  row(4, 'SREM <set> {<member>}'),
  row(2, 'SREM <set> {<number>} {<number>}'),
  row(3, 'SISMEMBER <set> <member>'),
  row(2, 'SMISMEMBER <set> {<member>}'),
  row(2, 'SCARD <set>'),
  row(3, 'SMEMBERS <set>', SORTED),
  row(1, 'SPOP <set> 100000000', SORTED, true),
  row(1, 'SRANDMEMBER <set> [<count>]', SHAPE, true),
  row(2, 'SMOVE <set> <set> <member>'),
  row(3, '(SINTER|SUNION|SDIFF) {<set>}', SORTED),
  row(3, '(SINTERSTORE|SUNIONSTORE|SDIFFSTORE) <set> {<set>}'),
  row(1, 'SINTERCARD <numkeys> <set> <set> [LIMIT <count>]'),
  // hashes
  row(8, 'HSET <hash> {<member> <value>}'),
  row(3, 'HSET <hash> {<many> <value>} {<many> <value>} {<many> <value>}'),
  row(1, 'HMSET <hash> {<member> <value>}'),
  row(2, 'HSETNX <hash> <member> <value>'),
  row(3, 'HGET <hash> <member>'),
  row(2, 'HMGET <hash> {<member>}'),
  row(4, 'HDEL <hash> {<member>}'),
  row(1, 'HDEL <hash> {<many>} {<many>}'),
  row(2, 'HEXISTS <hash> <member>'),
  row(2, 'HLEN <hash>'),
  row(2, 'HSTRLEN <hash> <member>'),
  row(2, 'HGETALL <hash>', PAIRS),
  row(2, '(HKEYS|HVALS) <hash>', SORTED),
  row(3, 'HINCRBY <hash> <member> <integer>'),
  row(2, 'HINCRBYFLOAT <hash> <member> <float>'),
  row(1, 'HRANDFIELD <hash> [<count> [WITHVALUES]]', SHAPE, true),
  // sorted sets
  row(8, 'ZADD <zset> [(NX|XX)] [(GT|LT)] [CH] {<score> <member>}'),
  row(2, 'ZADD <zset> [(NX|XX)] [(GT|LT)] INCR <score> <member>', DOUBLES),
  row(4, 'ZADD <zset> {<score> <many>} {<score> <many>} {<score> <many>}'),
  row(3, 'ZINCRBY <zset> <score> <member>', DOUBLES),
  row(3, 'ZREM <zset> {<member>}'),
  row(3, 'ZSCORE <zset> <member>', DOUBLES),
  row(1, 'ZMSCORE <zset> {<member>}', DOUBLES),
  row(2, '(ZRANK|ZREVRANK) <zset> <member>', {}, true),
  row(2, 'ZCARD <zset>'),
  row(2, 'ZCOUNT <zset> <bound> <bound>'),
  row(4, 'ZADD <lexset> {0 <lexmember>} {0 <lexmember>} {0 <lexmember>}', {}, true),
  row(1, 'ZREM <lexset> {<lexmember>}'),
  row(2, 'ZLEXCOUNT <lexset> <lex> <lex>'),
  row(4, '(ZRANGE|ZREVRANGE) <zset> <index> <index> [WITHSCORES]', DOUBLES),
  row(3, '(ZRANGEBYSCORE|ZREVRANGEBYSCORE) <zset> <bound> <bound> [WITHSCORES] [LIMIT <index> <index>]', DOUBLES),
  row(2, '(ZRANGEBYLEX|ZREVRANGEBYLEX) <lexset> <lex> <lex> [LIMIT <index> <index>]'),
  row(2, 'ZRANGE <zset> <bound> <bound> BYSCORE [REV] [LIMIT <index> <index>] [WITHSCORES]', DOUBLES),
  row(2, 'ZRANGE <lexset> <lex> <lex> BYLEX [REV] [LIMIT <index> <index>]'),
  row(2, 'ZRANGESTORE <zset> <zset> <index> <index> [REV]'),
  row(1, 'ZRANGESTORE <zset> <zset> <bound> <bound> BYSCORE [LIMIT <index> <index>]'),
  row(2, 'ZREMRANGEBYRANK <zset> <index> <index>'),
  row(1, 'ZREMRANGEBYSCORE <zset> <bound> <bound>'),
  row(1, 'ZREMRANGEBYLEX <lexset> <lex> <lex>'),
  row(2, '(ZPOPMIN|ZPOPMAX) <zset> [<count>]', DOUBLES),
  row(1, 'ZMPOP <numkeys> <zset> <zset> (MIN|MAX) [COUNT <count>]', DOUBLES),
  row(1, 'ZRANDMEMBER <zset> [<count> [WITHSCORES]]', SHAPE, true),
  row(
    3,
    '(ZUNION|ZINTER) <numkeys> <zset> (<zset>|<set>) [WEIGHTS <weight> <weight>] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]',
    DOUBLES,
  ),
  row(
    3,
    '(ZUNIONSTORE|ZINTERSTORE) <zset> <numkeys> <zset> (<zset>|<set>) [WEIGHTS <weight> <weight>] [AGGREGATE (SUM|MIN|MAX)]',
  ),
  row(2, 'ZDIFF <numkeys> <zset> (<zset>|<set>) [WITHSCORES]', DOUBLES),
  row(1, 'ZDIFFSTORE <zset> <numkeys> <zset> (<zset>|<set>)'),
  row(1, 'ZINTERCARD <numkeys> <zset> <zset> [LIMIT <count>]'),
  // streams; what 7.2 says otherwise (who is a consumer) and what depends on the clock is only looked at from afar
  row(10, 'XADD <stream> [NOMKSTREAM] <newid> {<member> <value>}', {}, true),
  row(3, 'XADD <stream> MAXLEN [(~|=)] <number> <newid> a <value>', {}, true),
  row(2, 'XADD <stream> (MAXLEN|MINID) [(~|=)] <count> [LIMIT <count>] <newid> a <value>', {}, true),
  row(3, 'XTRIM <stream> (MAXLEN|MINID) [(~|=)] <count> [LIMIT <count>]'),
  row(4, 'XDEL <stream> {<id>}'),
  row(2, 'XLEN <stream>'),
  row(5, '(XRANGE|XREVRANGE) <stream> <id> <id> [COUNT <count>]'),
  row(3, 'XREAD [COUNT <count>] STREAMS <stream> <stream> <id> <id>', {}, true),
  row(2, 'XINFO STREAM <stream>', {}, true),
  row(4, 'XGROUP CREATE <stream> <group> <id> [MKSTREAM] [ENTRIESREAD <count>]', {}, true),
  row(1, 'XGROUP SETID <stream> <group> (<id>|$) [ENTRIESREAD <count>]', {}, true),
  row(1, 'XGROUP DESTROY <stream> <group>'),
  row(1, 'XGROUP CREATECONSUMER <stream> <group> <consumer>', { type: true }),
  row(1, 'XGROUP DELCONSUMER <stream> <group> <consumer>'),
  row(8, 'XREADGROUP GROUP <group> <consumer> [COUNT <count>] [NOACK] STREAMS <stream> >', {}, true),
  row(3, 'XREADGROUP GROUP <group> <consumer> [COUNT <count>] STREAMS <stream> <stream> <id> >', {}, true),
  row(4, 'XACK <stream> <group> {<id>}'),
  row(3, 'XPENDING <stream> <group>'),
  row(2, 'XPENDING <stream> <group> <id> <id> <count> [<consumer>]', { near: 100_000_000 }, true),
  row(3, 'XCLAIM <stream> <group> <consumer> 0 {<id>} [FORCE] [JUSTID] [RETRYCOUNT <count>] [LASTID <id>]', {}, true),
  row(2, 'XAUTOCLAIM <stream> <group> <consumer> 0 <id> [COUNT <count>] [JUSTID]', {}, true),
  row(2, 'XINFO GROUPS <stream>', { groups: true }, true),
  // keys
  row(5, '(DEL|UNLINK) {<key>}'),
  row(2, '(EXISTS|TOUCH) {<key>}'),
  row(2, 'TYPE <key>'),
  row(2, '(RENAME|RENAMENX) <key> <key>'),
  row(3, 'COPY <key> <key> [DB <db>] [REPLACE]'),
  row(1, 'MOVE <key> <db>'),
  row(1, 'KEYS <pattern>', SORTED),
  row(1, 'RANDOMKEY', { type: true }, true),
  row(1, 'DBSIZE'),
  row(2, 'OBJECT ENCODING <key>', { encoding: true }),
  row(
    1,
    'SCAN 0 COUNT 1000000 [MATCH <pattern>] [TYPE (string|list|hash|set|zset|stream|foo)]',
    { scanned: 'sorted' },
    true,
  ),
  row(1, 'HSCAN <hash> 0 COUNT 1000000 [MATCH <pattern>]', { scanned: 'pairs' }, true),
  row(1, 'SSCAN <set> 0 COUNT 1000000 [MATCH <pattern>]', { scanned: 'sorted' }, true),
  row(1, 'ZSCAN <zset> 0 COUNT 1000000 [MATCH <pattern>]', { scanned: 'pairs', doubles: true }, true),
  row(1, 'DEBUG DIGEST-VALUE {<key>}'),
  // expiry
  row(3, 'EXPIRE <key> <ttl> [(NX|XX)]', {}, true),
  row(2, 'PEXPIRE <key> <pttl> [(NX|XX)]', {}, true),
  row(3, 'EXPIREAT <key> <at> [(NX|XX|GT|LT|GT NX|XX LT)]', {}, true),
  row(2, 'PEXPIREAT <key> <pat> [(NX|XX|GT|LT)]', {}, true),
  row(2, 'PERSIST <key>'),
  row(1, '(TTL|EXPIRETIME) <key>', { near: 10 }),
  row(1, '(PTTL|PEXPIRETIME) <key>', { near: 10_000 }),
  // transactions and databases
  row(3, 'MULTI', {}, true),
  row(5, 'EXEC', {}, true),
  row(1, 'DISCARD', {}, true),
  row(1, 'WATCH {<key>}'),
  row(1, 'UNWATCH'),
  row(1, 'SELECT <db>'),
  row(1, 'SWAPDB <db> <db>'),
];

const TOTAL_WEIGHT = ROWS.reduce((sum, { weight }) => sum + weight, 0);

export function randomCommand(r: Draw): RandomCommand {
  const chosen = drawRow(r);
  const args = expand(chosen.template, r).map((arg) => Buffer.from(arg, 'latin1'));
  const numbers = r.fractions || chosen.template[0] !== 'Z' ? EDGE_VALUES : EDGE_VALUES_OF_SCORES;
  return { args: chosen.fixed ? args : mutate(args, r, numbers), mode: chosen.mode };
}

function drawRow(r: Draw): Row {
  let at = r.below(TOTAL_WEIGHT);
  const chosen = ROWS.find(({ weight }) => {
    at -= weight;
    return at < 0;
  })!;
  return r.fractions && chosen.template.startsWith('DEBUG') ? drawRow(r) : chosen;
}

/** Sometimes an argument too many, one too few, or another one in its place; the command's name stays. */
function mutate(args: Buffer[], r: Draw, edges: readonly string[]): Buffer[] {
  if (r.chance(95) || args.length < 2) return args;
  const at = 1 + r.below(args.length - 1);
  const edge = Buffer.from(r.pick(edges), 'latin1');
  if (r.chance(33)) return args.toSpliced(at, 1);
  return r.chance(50) ? args.toSpliced(at, 0, edge) : args.with(at, edge);
}

/** Writes out one template. */
function expand(template: string, r: Draw): string[] {
  const cursor = { at: 0 };
  return sequence(template, cursor, '', r, true);
}

/** Up to one of the closing characters; `live` is false while a part is skipped. */
function sequence(text: string, cursor: { at: number }, until: string, r: Draw, live: boolean): string[] {
  const out: string[] = [];
  while (cursor.at < text.length && !until.includes(text[cursor.at]!)) {
    const c = text[cursor.at]!;
    if (c === ' ') {
      cursor.at++;
    } else if (c === '[') {
      cursor.at++;
      out.push(...sequence(text, cursor, ']', r, live && r.chance(50)));
      cursor.at++;
    } else if (c === '(') {
      const options: string[][] = [];
      const from = cursor.at;
      // Written out once each without drawing numbers, then the chosen one again.
      do {
        cursor.at++;
        options.push([String(cursor.at)]);
        sequence(text, cursor, '|)', r, false);
      } while (text[cursor.at] === '|');
      const end = cursor.at + 1;
      if (live) {
        cursor.at = Number(r.pick(options)[0]);
        out.push(...sequence(text, cursor, '|)', r, true));
      }
      cursor.at = end;
      if (end <= from) throw new Error(`unbalanced template: ${text}`);
    } else if (c === '{') {
      const from = cursor.at + 1;
      for (let left = live ? 1 + r.below(4) : 1; left > 0; left--) {
        cursor.at = from;
        out.push(...sequence(text, cursor, '}', r, live));
      }
      cursor.at++;
    } else {
      const word = /^[^ [\](){}|]+/.exec(text.slice(cursor.at))![0];
      cursor.at += word.length;
      if (live) out.push(word[0] === '<' ? KINDS[word.slice(1, -1)]!(r) : word);
    }
  }
  return live ? out : [];
}
