/** What windows of the different kinds mix into the commands of the families. */
import { type Row, row } from './rows.js';

/** The connection itself, and whole databases: rarely. */
export const SESSION_ROWS: readonly Row[] = [
  row(3, 'HELLO [(2|3)]', { skip: true }),
  row(3, 'RESET', {}, true),
  row(2, 'FLUSHDB [(ASYNC|SYNC)]'),
  row(1, 'FLUSHALL [(ASYNC|SYNC)]'),
  row(1, '(NOSUCH|get|Get) [<key>]'),
  row(1, 'OBJECT (HELP|NOSUCH) [<key>]', { type: true }),
];

/** Keys that are over in a millisecond. */
export const BOUNDARY_ROWS: readonly Row[] = [
  row(3, 'PEXPIRE <key> 1', {}, true),
  row(2, 'PSETEX <str> 1 <value>', {}, true),
  row(2, 'SET <key> <value> PX 1', {}, true),
  row(1, 'GETEX <str> PX 1', {}, true),
  row(1, 'RESTORE <key> 1 <payload> REPLACE', {}, true),
];

/** Of connection a: what those who wait and those who listen notice. */
export const COMMANDER_ROWS: readonly Row[] = [
  row(6, '(LPUSH|RPUSH) <list> {<member>}'),
  row(4, 'ZADD <zset> {<score> <member>}'),
  row(4, 'XADD <stream> <newid> a <value>', {}, true),
  row(2, 'XGROUP CREATE <stream> <group> (<id>|$) [MKSTREAM]', {}, true),
  row(1, 'XGROUP DESTROY <stream> <group>'),
  row(3, 'CLIENT UNBLOCK $b [(TIMEOUT|ERROR)]', {}, true),
  // Numbers that are no client's: ids are not the same on both servers.
  row(1, 'CLIENT UNBLOCK (0|-1|x|1.5|9223372036854775807|99999999999999999999)', {}, true),
  row(4, 'PUBLISH <channel> <value>'),
  row(1, 'SPUBLISH <channel> <value>'),
  row(1, 'PUBSUB NUMSUB {<channel>}'),
  row(1, 'PUBSUB SHARDNUMSUB {<channel>}'),
  row(1, 'PUBSUB NUMPAT'),
  row(1, 'PUBSUB CHANNELS [<chpattern>]', { sorted: true }),
  row(2, 'CONFIG SET notify-keyspace-events <events>', {}, true),
  row(2, '(DEL|UNLINK) (<list>|<zset>|<stream>)'),
  row(1, 'RENAME <key> (<list>|<zset>|<stream>)'),
  row(1, 'COPY <key> (<list>|<zset>|<stream>) REPLACE'),
];

/** Of connection a, when who waits waits for one key: much happens at once, and 7.2 serves the first key of several. */
export const AT_ONCE_ROWS: readonly Row[] = [
  ...COMMANDER_ROWS,
  row(2, 'SWAPDB 0 1', {}, true),
  row(2, 'MULTI', {}, true),
  row(3, 'EXEC', {}, true),
];

/** Of connection b. */
export const WAITER_ROWS: readonly Row[] = [
  row(5, '(BLPOP|BRPOP) <waitlists> <timeout>', {}, true),
  row(4, 'BLMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) <timeout>', {}, true),
  row(2, 'BRPOPLPUSH <list> <list> <timeout>', {}, true),
  row(3, 'BLMPOP <timeout> 1 <list> (LEFT|RIGHT) [COUNT <count>]', {}, true),
  row(5, '(BZPOPMIN|BZPOPMAX) <waitzsets> <timeout>', {}, true),
  row(3, 'BZMPOP <timeout> 1 <zset> (MIN|MAX) [COUNT <count>]', {}, true),
  // One stream: of several, 7.0 replies the first that got something, 7.2 all that have something.
  row(5, 'XREAD [COUNT <count>] BLOCK <blockms> STREAMS <waitstream> (<id>|$)', {}, true),
  row(
    5,
    'XREADGROUP GROUP <group> <consumer> [COUNT <count>] BLOCK <blockms> [NOACK] STREAMS <waitstream> >',
    {},
    true,
  ),
  row(2, '(BLPOP|BRPOP) {<list>} 0.01', { timesOut: true }, true),
  row(1, '(BZPOPMIN|BZPOPMAX) {<zset>} 0.01', { timesOut: true }, true),
  row(1, 'XREAD BLOCK 10 STREAMS <stream> $', { timesOut: true }, true),
  row(2, '(LPUSH|RPUSH) <list> {<member>}'),
  row(1, 'ZADD <zset> <score> <member>'),
  row(1, 'XADD <stream> <newid> a <value>', {}, true),
  row(1, '(DEL|UNLINK) {<key>}'),
  row(1, 'SELECT 0', {}, true),
  row(1, '(PING|ECHO) <value>'),
  row(1, 'WATCH {<key>}'),
  row(2, 'MULTI', {}, true),
  row(5, 'EXEC', {}, true),
  row(1, 'DISCARD', {}, true),
];

/** Of connection c; one channel at a time, for the order of several is the tables'. */
export const SUBSCRIBER_ROWS: readonly Row[] = [
  row(4, 'SUBSCRIBE {<channel>}', {}, true),
  row(4, 'PSUBSCRIBE {<chpattern>}', {}, true),
  row(2, 'SSUBSCRIBE {<channel>}', {}, true),
  row(1, '(UNSUBSCRIBE|SUNSUBSCRIBE) <channel>', {}, true),
  row(1, 'PUNSUBSCRIBE <chpattern>', {}, true),
  row(1, 'PING [<value>]'),
  row(1, 'GET <str>'),
  row(1, 'MULTI', {}, true),
  row(1, 'EXEC', {}, true),
  row(1, 'RESET', {}, true),
];
