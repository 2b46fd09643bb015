/** Places: sorted sets whose scores are cells of the world (base/geohash.ts). Searches are in geo-search.ts. */
import { CommandError } from '../base/errors.js';
import { formatFixed, formatHuman } from '../base/fixed.js';
import { decodeScore, distance, geohashText, LAT_MAX, LON_MAX, lat, lon, placeScore } from '../base/geohash.js';
import { Args } from '../formats/resp/args.js';
import type { ReplyWriter } from '../formats/resp/reply.js';
import type { ZSet } from '../values/zset.js';
import type { Context } from './context.js';
import { NOT_FLOAT, SYNTAX } from './errors.js';
import { zadd } from './zset-members.js';

const BAD_UNIT = new CommandError('ERR unsupported unit provided. please use M, KM, FT, MI');

// --- arguments and replies -----------------------------------------------------------------------------------------------

/** Metres in the unit that argument i names. */
export function unitArg(a: Args, i: number): number {
  if (a.is(i, 'M')) return 1;
  if (a.is(i, 'KM')) return 1000;
  if (a.is(i, 'FT')) return 0.3048;
  if (a.is(i, 'MI')) return 1609.34;
  throw BAD_UNIT;
}

/** The longitude and the latitude of arguments i and i + 1. */
export function placeArg(a: Args, i: number): { lon: number; lat: number } {
  const x = a.double(i);
  const y = Number.isNaN(x) ? x : a.double(i + 1);
  if (Number.isNaN(y)) throw NOT_FLOAT;
  if (x < -LON_MAX || x > LON_MAX || y < -LAT_MAX || y > LAT_MAX) {
    throw new CommandError(`ERR invalid longitude,latitude pair ${formatFixed(x, 6)},${formatFixed(y, 6)}`);
  }
  return { lon: x, lat: y };
}

export function replyDistance(out: ReplyWriter, of: number): void {
  out.bulkText(formatFixed(of, 4), true);
}

export function replyPlace(out: ReplyWriter, lon: number, lat: number): void {
  out.array(2);
  replyCoordinate(out, lon);
  replyCoordinate(out, lat);
}

function replyCoordinate(out: ReplyWriter, degrees: number): void {
  const text = formatHuman(degrees);
  if (out.resp < 3) out.bulkText(text, true);
  else out.raw(`,${text}\r\n`);
}

// --- handlers ------------------------------------------------------------------------------------------------------------

/** What it does, and what is propagated, is a ZADD of scores. */
export function geoadd(c: Context, a: Args): void {
  let first = 2;
  let nx = false;
  let xx = false;
  for (; first < a.count; first++) {
    if (a.is(first, 'NX')) nx = true;
    else if (a.is(first, 'XX')) xx = true;
    else if (!a.is(first, 'CH')) break;
  }
  if ((a.count - first) % 3 !== 0 || (nx && xx)) throw SYNTAX;
  const argv: (string | Uint8Array)[] = ['zadd'];
  for (let i = 1; i < first; i++) argv.push(a.bytes(i));
  for (let i = first; i < a.count; i += 3) {
    const place = placeArg(a, i);
    argv.push(String(placeScore(place.lon, place.lat)), a.bytes(i + 2));
  }
  zadd(c, Args.of(...argv));
  c.rewrite(...argv);
}

/** Score of member argument i; NaN when it is none. */
function memberScore(zset: ZSet | null, a: Args, i: number): number {
  return zset === null ? Number.NaN : zset.score(a.buf, a.off[i]!, a.len[i]!);
}

export function geodist(c: Context, a: Args): void {
  if (a.count > 5) throw SYNTAX;
  const unit = a.count === 5 ? unitArg(a, 4) : 1;
  const zset = c.zsetToRead(a, 1);
  const from = memberScore(zset, a, 2);
  const to = memberScore(zset, a, 3);
  if (Number.isNaN(from) || Number.isNaN(to)) return c.out.nil();
  decodeScore(from);
  const fromLon = lon;
  const fromLat = lat;
  decodeScore(to);
  replyDistance(c.out, distance(fromLon, fromLat, lon, lat) / unit);
}

export function geohash(c: Context, a: Args): void {
  const zset = c.zsetToRead(a, 1);
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) {
    const score = memberScore(zset, a, i);
    if (Number.isNaN(score)) {
      c.out.nil();
      continue;
    }
    decodeScore(score);
    c.out.bulkText(geohashText(lon, lat), true);
  }
}

export function geopos(c: Context, a: Args): void {
  const zset = c.zsetToRead(a, 1);
  c.out.array(a.count - 2);
  for (let i = 2; i < a.count; i++) {
    const score = memberScore(zset, a, i);
    if (Number.isNaN(score)) {
      c.out.nilArray();
      continue;
    }
    decodeScore(score);
    replyPlace(c.out, lon, lat);
  }
}
