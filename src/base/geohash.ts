/**
 * Places on earth as numbers (persisted: the scores of sorted sets). A cell of the world is a column and a row, counted in
 * 2^step from the west and the south; its number takes their bits in turn, the row's lowest first:
 *
 *   ... column bit 1, row bit 1, column bit 0, row bit 0          52 bits for step 26
 *
 * The rows reach from -85.05112878 to 85.05112878 degrees: Mercator's square, without the poles.
 */

export const LON_MAX = 180;
export const LAT_MAX = 85.05112878;
export const STEP_MAX = 26;

export interface Cell {
  column: number;
  row: number;
  step: number;
}

/** Puts the bits of 16 into every other of 32. */
function spread(x: number): number {
  x = (x | (x << 8)) & 0x00ff00ff;
  x = (x | (x << 4)) & 0x0f0f0f0f;
  x = (x | (x << 2)) & 0x33333333;
  return (x | (x << 1)) & 0x55555555;
}

/** The reverse of `spread`. */
function compact(x: number): number {
  x &= 0x55555555;
  x = (x | (x >>> 1)) & 0x33333333;
  x = (x | (x >>> 2)) & 0x0f0f0f0f;
  x = (x | (x >>> 4)) & 0x00ff00ff;
  return (x | (x >>> 8)) & 0xffff;
}

/** The cell's number, of 2 * step bits. A place at the very edge is one cell beyond and has one more. */
export function cellNumber({ column, row }: Cell): number {
  const low = (spread(row & 0xffff) | (spread(column & 0xffff) << 1)) >>> 0;
  const high = (spread(row >>> 16) | (spread(column >>> 16) << 1)) >>> 0;
  return high * 4294967296 + low;
}

/** The cell of a place; `latMax` 90 for standard geohashes. */
export function cellAt(lon: number, lat: number, step: number, latMax = LAT_MAX): Cell {
  const size = 2 ** step;
  return {
    column: Math.floor(((lon + LON_MAX) / (LON_MAX - -LON_MAX)) * size),
    row: Math.floor(((lat + latMax) / (latMax - -latMax)) * size),
    step,
  };
}

/** The score of a place. */
export function placeScore(lon: number, lat: number): number {
  return cellNumber(cellAt(lon, lat, STEP_MAX));
}

/** The cell so many columns to the east and rows to the north, around the world. */
export function neighbour(cell: Cell, east: number, north: number): Cell {
  const mask = 2 ** cell.step - 1;
  return {
    column: east === 0 ? cell.column : (cell.column + east) & mask,
    row: north === 0 ? cell.row : (cell.row + north) & mask,
    step: cell.step,
  };
}

/** First score within the cell, and the first one behind it. */
export function cellScores(cell: Cell): { from: number; to: number } {
  const scale = 2 ** (2 * (STEP_MAX - cell.step));
  const number = cellNumber(cell);
  return { from: number * scale, to: (number + 1) * scale };
}

export interface Area {
  west: number;
  east: number;
  south: number;
  north: number;
}

export function cellArea({ column, row, step }: Cell): Area {
  const size = 2 ** step;
  return {
    west: -LON_MAX + (column / size) * (2 * LON_MAX),
    east: -LON_MAX + (((column + 1) >>> 0) / size) * (2 * LON_MAX),
    south: -LAT_MAX + (row / size) * (2 * LAT_MAX),
    north: -LAT_MAX + (((row + 1) >>> 0) / size) * (2 * LAT_MAX),
  };
}

/** The place of the last `decodeScore`, in degrees. */
export let lon = 0;
export let lat = 0;

/** Sets `lon` and `lat` to the middle of the score's cell. Any score has one. */
export function decodeScore(score: number): void {
  let low = 0;
  let high = 0;
  if (score >= 0 && score < 2 ** 53) {
    low = score >>> 0;
    high = Math.floor(score / 4294967296);
  } else {
    // As a conversion to 64 bits gives it on x86: what is too large becomes 0, what is too small 2^63.
    const fits = score > -(2 ** 63) && score < 2 ** 64;
    const bits = fits ? BigInt.asUintN(64, BigInt(Math.trunc(score))) : score > 0 ? 0n : 1n << 63n;
    low = Number(bits & 0xffffffffn);
    high = Number(bits >> 32n);
  }
  const row = (compact(low) | (compact(high) << 16)) >>> 0;
  const column = (compact(low >>> 1) | (compact(high >>> 1) << 16)) >>> 0;
  const { west, east, south, north } = cellArea({ column, row, step: STEP_MAX });
  lon = Math.max(-LON_MAX, Math.min(LON_MAX, (west + east) / 2));
  lat = Math.max(-LAT_MAX, Math.min(LAT_MAX, (south + north) / 2));
}

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';

/** The standard geohash of a place: 10 characters from 50 bits and a `0` for the eleventh. */
export function geohashText(lon: number, lat: number): string {
  let number = Math.floor(cellNumber(cellAt(lon, lat, STEP_MAX, 90)) / 4) % 2 ** 50;
  let text = '0';
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[number % 32] + text;
    number = Math.floor(number / 32);
  }
  return text;
}

// --- distances ---------------------------------------------------------------------------------------------------------

/** Quadratic mean radius of the earth in metres. */
const EARTH_RADIUS = 6372797.560856;
const RADIANS = Math.PI / 180;

/** Metres along a meridian. */
export function latitudeDistance(lat1: number, lat2: number): number {
  return EARTH_RADIUS * Math.abs(lat2 * RADIANS - lat1 * RADIANS);
}

/** Metres along the great circle (haversine). */
export function distance(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const v = Math.sin((lon2 * RADIANS - lon1 * RADIANS) / 2);
  if (v === 0) return latitudeDistance(lat1, lat2);
  const lat1r = lat1 * RADIANS;
  const lat2r = lat2 * RADIANS;
  const u = Math.sin((lat2r - lat1r) / 2);
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(u * u + Math.cos(lat1r) * Math.cos(lat2r) * v * v));
}

/** A circle, or a box whose sides lie north and east; all in metres. */
export interface Shape {
  lon: number;
  lat: number;
  /** NaN for a box. */
  radius: number;
  width: number;
  height: number;
}

/** How far the place is from the shape's middle; -1 outside of the shape. */
export function distanceWithin(shape: Shape, lon: number, lat: number): number {
  if (!Number.isNaN(shape.radius)) {
    const metres = distance(shape.lon, shape.lat, lon, lat);
    return metres > shape.radius ? -1 : metres;
  }
  if (latitudeDistance(lat, shape.lat) > shape.height / 2) return -1;
  if (distance(lon, lat, shape.lon, lat) > shape.width / 2) return -1;
  return distance(shape.lon, shape.lat, lon, lat);
}

function boundingArea({ lon, lat, radius, width, height }: Shape): Area {
  const round = !Number.isNaN(radius);
  const up = round ? radius : height / 2;
  const side = round ? radius : width / 2;
  const latDelta = up / EARTH_RADIUS / RADIANS;
  // Meridians come closer towards the pole: the edge that is farther from the equator counts.
  const edge = lat < 0 ? lat - latDelta : lat + latDelta;
  const lonDelta = side / EARTH_RADIUS / Math.cos(edge * RADIANS) / RADIANS;
  return { west: lon - lonDelta, east: lon + lonDelta, south: lat - latDelta, north: lat + latDelta };
}

const MERCATOR_MAX = 20037726.37;

/** How fine cells may be so that nine of them cover the radius. */
function stepFor(radius: number, lat: number): number {
  if (radius === 0) return STEP_MAX;
  let step = -1;
  for (let reach = radius; reach < MERCATOR_MAX; reach *= 2) step++;
  if (lat > 66 || lat < -66) step--;
  if (lat > 80 || lat < -80) step--;
  return Math.max(1, Math.min(STEP_MAX, step));
}

/**
 * The cells that a search has to look through, in the order of stock servers (which shows in replies without order): the
 * middle, north, south, east, west, north east, north west, south east, south west; those that the shape's bounds do not
 * reach are left out, as is one that equals the one before it.
 */
export function cellsToSearch(shape: Shape): Cell[] {
  const { lon, lat } = shape;
  const bounds = boundingArea(shape);
  const round = !Number.isNaN(shape.radius);
  const reach = round ? shape.radius : Math.sqrt((shape.width * shape.width + shape.height * shape.height) / 4);
  let step = stepFor(reach, lat);
  let middle = cellAt(lon, lat, step);
  if (step > 1 && isTooFine(middle, bounds)) {
    step--;
    middle = cellAt(lon, lat, step);
  }
  const area = cellArea(middle);
  const all = step < 2;
  const west = all || !(area.west < bounds.west);
  const east = all || !(area.east > bounds.east);
  const south = all || !(area.south < bounds.south);
  const north = all || !(area.north > bounds.north);
  const cells = [middle];
  const add = (reached: boolean, eastward: number, northward: number): void => {
    if (!reached) return;
    const cell = neighbour(middle, eastward, northward);
    const last = cells.at(-1)!;
    if (cells.length > 1 && cell.column === last.column && cell.row === last.row) return;
    cells.push(cell);
  };
  add(north, 0, 1);
  add(south, 0, -1);
  add(east, 1, 0);
  add(west, -1, 0);
  add(north && east, 1, 1);
  add(north && west, -1, 1);
  add(south && east, 1, -1);
  add(south && west, -1, -1);
  return cells;
}

/** Whether the bounds reach beyond the middle's neighbours. */
function isTooFine(middle: Cell, bounds: Area): boolean {
  return (
    cellArea(neighbour(middle, 0, 1)).north < bounds.north ||
    cellArea(neighbour(middle, 0, -1)).south > bounds.south ||
    cellArea(neighbour(middle, 1, 0)).east < bounds.east ||
    cellArea(neighbour(middle, -1, 0)).west > bounds.west
  );
}
