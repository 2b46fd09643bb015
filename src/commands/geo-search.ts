/**
 * Searches for places: GEOSEARCH and GEOSEARCHSTORE, and their older forms GEORADIUS and GEORADIUSBYMEMBER.
 *
 * A search looks through the scores of the nine cells around its middle and keeps the places within its shape.
 */
import { CommandError } from '../base/errors.js';
import { cellScores, cellsToSearch, decodeScore, distanceWithin, lat, lon, type Shape } from '../base/geohash.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType } from '../memory/item.js';
import type { ZSet } from '../values/zset.js';
import { ScoreRange } from '../values/zset-order.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';
import { placeArg, replyDistance, replyPlace, unitArg } from './geo.js';
import type { Handler } from './spec.js';
import { storeResult } from './store-result.js';

const NO_MEMBER = new CommandError('ERR could not decode requested zset member');
const BAD_COUNT = new CommandError('ERR COUNT must be > 0');
const ANY_ALONE = new CommandError('ERR the ANY argument requires COUNT argument');
const BAD_RADIUS = new CommandError('ERR need numeric radius');
const NEGATIVE_RADIUS = new CommandError('ERR radius cannot be negative');
const BAD_WIDTH = new CommandError('ERR need numeric width');
const BAD_HEIGHT = new CommandError('ERR need numeric height');
const NEGATIVE_BOX = new CommandError('ERR height or width cannot be negative');

type Kind = 'radius' | 'member' | 'search' | 'searchstore';

interface Query {
  shape: Shape;
  /** Metres in the unit of distances. */
  unit: number;
  order: '' | 'ASC' | 'DESC';
  /** How many results; 0 = all. */
  count: number;
  /** The first ones found, not the nearest. */
  any: boolean;
  withDist: boolean;
  withHash: boolean;
  withCoord: boolean;
  /** Key argument of the destination; 0 = none. */
  store: number;
  storeDist: boolean;
}

interface Place {
  member: Uint8Array;
  score: number;
  lon: number;
  lat: number;
  distance: number;
}

// --- arguments -----------------------------------------------------------------------------------------------------------

function number(a: Args, i: number, error: CommandError): number {
  const n = a.double(i);
  if (Number.isNaN(n)) throw error;
  return n;
}

function circle(a: Args, i: number, query: Query): void {
  const radius = number(a, i, BAD_RADIUS);
  if (radius < 0) throw NEGATIVE_RADIUS;
  query.unit = unitArg(a, i + 1);
  query.shape.radius = radius * query.unit;
}

function box(a: Args, i: number, query: Query): void {
  const width = number(a, i, BAD_WIDTH);
  const height = number(a, i + 1, BAD_HEIGHT);
  if (width < 0 || height < 0) throw NEGATIVE_BOX;
  query.unit = unitArg(a, i + 2);
  query.shape.width = width * query.unit;
  query.shape.height = height * query.unit;
}

function centreOnMember(zset: ZSet, a: Args, i: number, query: Query): void {
  const score = zset.score(a.buf, a.off[i]!, a.len[i]!);
  if (Number.isNaN(score)) throw NO_MEMBER;
  decodeScore(score);
  query.shape.lon = lon;
  query.shape.lat = lat;
}

function countArg(a: Args, i: number): number {
  const n = a.int64(i);
  if (n === null) throw NOT_INTEGER;
  if (n <= 0n) throw BAD_COUNT;
  return Number(n);
}

/** The arguments; where the key is missing those that ask for a member are taken as they are. */
function parse(a: Args, zset: ZSet | null, kind: Kind, mayStore: boolean): Query {
  const query: Query = {
    shape: { lon: 0, lat: 0, radius: Number.NaN, width: 0, height: 0 },
    unit: 1,
    order: '',
    count: 0,
    any: false,
    withDist: false,
    withHash: false,
    withCoord: false,
    store: kind === 'searchstore' ? 1 : 0,
    storeDist: false,
  };
  let first = 2;
  if (kind === 'radius') {
    first = 6;
    Object.assign(query.shape, placeArg(a, 2));
    circle(a, 4, query);
  } else if (kind === 'member') {
    first = 5;
    if (zset !== null) {
      centreOnMember(zset, a, 2, query);
      circle(a, 3, query);
    }
  } else if (kind === 'searchstore') first = 3;
  parseOptions(a, first, zset, kind, mayStore, query);
  return query;
}

function parseOptions(a: Args, first: number, zset: ZSet | null, kind: Kind, mayStore: boolean, query: Query): void {
  const searches = kind === 'search' || kind === 'searchstore';
  let from = '';
  let by = '';
  for (let i = first; i < a.count; i++) {
    const behind = a.count - i - 1;
    if (a.is(i, 'WITHDIST')) query.withDist = true;
    else if (a.is(i, 'WITHHASH')) query.withHash = true;
    else if (a.is(i, 'WITHCOORD')) query.withCoord = true;
    else if (a.is(i, 'ANY')) query.any = true;
    else if (a.is(i, 'ASC')) query.order = 'ASC';
    else if (a.is(i, 'DESC')) query.order = 'DESC';
    else if (a.is(i, 'COUNT') && behind >= 1) query.count = countArg(a, ++i);
    else if (mayStore && !searches && behind >= 1 && (a.is(i, 'STORE') || a.is(i, 'STOREDIST'))) {
      query.storeDist = a.is(i, 'STOREDIST');
      query.store = ++i;
    } else if (searches && from !== 'place' && behind >= 1 && a.is(i, 'FROMMEMBER')) {
      i++;
      if (zset !== null) centreOnMember(zset, a, i, query);
      from = 'member';
    } else if (searches && from !== 'member' && behind >= 2 && a.is(i, 'FROMLONLAT')) {
      Object.assign(query.shape, placeArg(a, i + 1));
      from = 'place';
      i += 2;
    } else if (searches && by !== 'box' && behind >= 2 && a.is(i, 'BYRADIUS')) {
      circle(a, i + 1, query);
      by = 'radius';
      i += 2;
    } else if (searches && by !== 'radius' && behind >= 3 && a.is(i, 'BYBOX')) {
      box(a, i + 1, query);
      by = 'box';
      i += 3;
    } else if (kind === 'searchstore' && a.is(i, 'STOREDIST')) query.storeDist = true;
    else throw SYNTAX;
  }
  if (query.store > 0 && (query.withDist || query.withHash || query.withCoord)) {
    const what = kind === 'searchstore' ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
    throw new CommandError(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (searches && from === '') {
    throw new CommandError(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${a.latin1(0)}`);
  }
  if (searches && by === '') {
    throw new CommandError(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${a.latin1(0)}`);
  }
  if (query.any && query.count === 0) throw ANY_ALONE;
}

// --- the search ----------------------------------------------------------------------------------------------------------

/** @param limit stop when so many are found; 0 = never */
function search(c: Context, zset: ZSet, shape: Shape, limit: number): Place[] {
  const { s1 } = c;
  const places: Place[] = [];
  const range = new ScoreRange();
  range.maxExclusive = true;
  for (const cell of cellsToSearch(shape)) {
    const { from, to } = cellScores(cell);
    range.min = from;
    range.max = to;
    zset.findScoreRange(range);
    let left = zset.rangeCount;
    for (let more = left > 0 && zset.seekRank(zset.rangeStart, s1); more && left > 0; more = zset.next(s1)) {
      left--;
      decodeScore(zset.memberScore);
      const distance = distanceWithin(shape, lon, lat);
      if (distance < 0) continue;
      places.push({ member: s1.copy(), score: zset.memberScore, lon, lat, distance });
      if (places.length === limit) return places;
    }
  }
  return places;
}

function store(c: Context, a: Args, kind: Kind, query: Query, places: Place[]): void {
  const result = c.keyspace.newZset().createTree();
  for (const { member, score, distance } of places) {
    result.put(query.storeDist ? distance / query.unit : score, member, 0, member.length);
  }
  result.settle();
  const searches = kind === 'searchstore';
  const event = searches ? 'geosearchstore' : 'georadiusstore';
  storeResult(c, a, query.store, ItemType.ZSET, result, 'z', event);
  if (places.length > 1) c.addDirty(places.length - 1);
}

function reply(c: Context, query: Query, places: Place[]): void {
  const { out } = c;
  const options = Number(query.withDist) + Number(query.withHash) + Number(query.withCoord);
  out.array(places.length);
  for (const place of places) {
    if (options > 0) out.array(options + 1);
    out.bulk(place.member);
    if (query.withDist) replyDistance(out, place.distance / query.unit);
    if (query.withHash) out.int64(hashOf(place.score));
    if (query.withCoord) replyPlace(out, place.lon, place.lat);
  }
}

/** The score as an integer of 64 bits. */
function hashOf(score: number): bigint {
  if (Number.isSafeInteger(score)) return BigInt(score);
  return Math.abs(score) < 2 ** 63 ? BigInt(Math.trunc(score)) : -(2n ** 63n);
}

function handler(kind: Kind, mayStore: boolean): Handler {
  const key = kind === 'searchstore' ? 2 : 1;
  return (c, a) => {
    const zset = c.zsetToRead(a, key);
    const query = parse(a, zset, kind, mayStore);
    if (zset === null) {
      if (query.store > 0) store(c, a, kind, query, []);
      else c.out.array(0);
      return;
    }
    let places = search(c, zset, query.shape, query.any ? query.count : 0);
    // The nearest ones are wanted where a count is given and no order.
    const order = query.order === '' && query.count > 0 && !query.any ? 'ASC' : query.order;
    if (order === 'ASC') places.sort((x, y) => x.distance - y.distance);
    else if (order === 'DESC') places.sort((x, y) => y.distance - x.distance);
    if (query.count > 0 && query.count < places.length) places = places.slice(0, query.count);
    if (query.store > 0) store(c, a, kind, query, places);
    else reply(c, query, places);
  };
}

export const geosearch = handler('search', false);
export const geosearchstore = handler('searchstore', true);
export const georadius = handler('radius', true);
export const georadiusRo = handler('radius', false);
export const georadiusbymember = handler('member', true);
export const georadiusbymemberRo = handler('member', false);
