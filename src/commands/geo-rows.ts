/** The rows of the commands on places. Handlers: geo.ts, geo-search.ts. */
import { geoadd, geodist, geohash, geopos } from './geo.js';
import {
  georadius,
  georadiusbymember,
  georadiusbymemberRo,
  georadiusRo,
  geosearch,
  geosearchstore,
} from './geo-search.js';
import { KEY_ARG, keySpec } from './rows.js';
import type { CommandSpec, KeySpec } from './spec.js';

const IN_A_CIRCLE =
  'O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.';
const IN_A_SHAPE =
  'O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape';
const GEO = { acl: ['geo'], group: 'geo', keys: [1, 1, 1], keySpecs: [keySpec(1, 'RO', 'access')] } as const;

const pure = (name: string) => ({ name, type: 'pure-token', token: name.toUpperCase() });
const optional = (name: string) => ({ ...pure(name), optional: true });

const LONGITUDE = { name: 'longitude', type: 'double' };
const LATITUDE = { name: 'latitude', type: 'double' };
const RADIUS = { name: 'radius', type: 'double' };
const MEMBER = { name: 'member', type: 'string' };
const MEMBERS = { ...MEMBER, multiple: true };
const UNIT = { name: 'unit', type: 'oneof', arguments: [pure('m'), pure('km'), pure('ft'), pure('mi')] };
const ORDER = { name: 'order', type: 'oneof', optional: true, arguments: [pure('asc'), pure('desc')] };
const COUNT = {
  name: 'count-block',
  type: 'block',
  optional: true,
  arguments: [{ name: 'count', type: 'integer', token: 'COUNT' }, optional('any')],
};
const COUNT_SINCE = {
  ...COUNT,
  arguments: [COUNT.arguments[0]!, { ...optional('any'), since: '6.2.0' }],
};
const WITH = [optional('withcoord'), optional('withdist'), optional('withhash')];
const STORE = {
  name: 'store',
  type: 'oneof',
  optional: true,
  arguments: [
    { name: 'storekey', type: 'key', display_text: 'key', key_spec_index: 1, token: 'STORE' },
    { name: 'storedistkey', type: 'key', display_text: 'key', key_spec_index: 2, token: 'STOREDIST' },
  ],
};
const FROM = {
  name: 'from',
  type: 'oneof',
  arguments: [
    { name: 'member', type: 'string', token: 'FROMMEMBER' },
    { name: 'fromlonlat', type: 'block', token: 'FROMLONLAT', arguments: [LONGITUDE, LATITUDE] },
  ],
};
const BY = {
  name: 'by',
  type: 'oneof',
  arguments: [
    { name: 'circle', type: 'block', arguments: [{ ...RADIUS, token: 'BYRADIUS' }, UNIT] },
    {
      name: 'box',
      type: 'block',
      arguments: [{ name: 'width', type: 'double', token: 'BYBOX' }, { name: 'height', type: 'double' }, UNIT],
    },
  ],
};

/** The old searches read one key and may write another. */
function storing(from: number): KeySpec[] {
  const at = (keyword: string): KeySpec => ({
    flags: ['OW', 'update'],
    begin: ['keyword', keyword, from],
    find: ['range', 0, 1, 0],
  });
  return [keySpec(1, 'RO', 'access'), at('STORE'), at('STOREDIST')];
}

function deprecated(replacedBy: string) {
  return { docFlags: ['deprecated'], deprecatedSince: '6.2.0', replacedBy };
}

export const GEO_COMMANDS: readonly CommandSpec[] = [
  {
    ...GEO,
    name: 'geoadd',
    arity: -5,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '3.2.0',
    summary: "Adds one or more members to a geospatial index. The key is created if it doesn't exist.",
    complexity: 'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
    arguments: [
      KEY_ARG,
      { name: 'condition', type: 'oneof', since: '6.2.0', optional: true, arguments: [pure('nx'), pure('xx')] },
      { name: 'change', type: 'pure-token', token: 'CH', since: '6.2.0', optional: true },
      { name: 'data', type: 'block', multiple: true, arguments: [LONGITUDE, LATITUDE, MEMBER] },
    ],
    history: [['6.2.0', 'Added the `CH`, `NX` and `XX` options.']],
    handler: geoadd,
  },
  {
    ...GEO,
    name: 'geodist',
    arity: -4,
    flags: ['readonly'],
    since: '3.2.0',
    summary: 'Returns the distance between two members of a geospatial index.',
    complexity: 'O(1)',
    arguments: [
      KEY_ARG,
      { name: 'member1', type: 'string' },
      { name: 'member2', type: 'string' },
      { ...UNIT, optional: true },
    ],
    handler: geodist,
  },
  {
    ...GEO,
    name: 'geohash',
    arity: -2,
    flags: ['readonly'],
    since: '3.2.0',
    summary: 'Returns members from a geospatial index as geohash strings.',
    complexity: 'O(1) for each member requested.',
    arguments: [KEY_ARG, MEMBERS],
    handler: geohash,
  },
  {
    ...GEO,
    name: 'geopos',
    arity: -2,
    flags: ['readonly'],
    since: '3.2.0',
    summary: 'Returns the longitude and latitude of members from a geospatial index.',
    complexity: 'O(1) for each member requested.',
    arguments: [KEY_ARG, MEMBERS],
    handler: geopos,
  },
  {
    ...GEO,
    name: 'geosearch',
    arity: -7,
    flags: ['readonly'],
    since: '6.2.0',
    summary: 'Queries a geospatial index for members inside an area of a box or a circle.',
    complexity: IN_A_SHAPE,
    arguments: [KEY_ARG, FROM, BY, ORDER, COUNT, ...WITH],
    history: [['7.0.0', 'Added support for uppercase unit names.']],
    handler: geosearch,
  },
  {
    ...GEO,
    name: 'geosearchstore',
    arity: -8,
    flags: ['write', 'denyoom'],
    keys: [1, 2, 1],
    keySpecs: [keySpec(1, 'OW', 'update'), keySpec(2, 'RO', 'access')],
    since: '6.2.0',
    summary:
      'Queries a geospatial index for members inside an area of a box or a circle, optionally stores the result.',
    complexity: IN_A_SHAPE,
    arguments: [
      { name: 'destination', type: 'key', key_spec_index: 0 },
      { name: 'source', type: 'key', key_spec_index: 1 },
      FROM,
      BY,
      ORDER,
      COUNT,
      optional('storedist'),
    ],
    history: [['7.0.0', 'Added support for uppercase unit names.']],
    handler: geosearchstore,
  },
  {
    ...GEO,
    ...deprecated('`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument'),
    name: 'georadius',
    arity: -6,
    flags: ['write', 'denyoom', 'movablekeys'],
    keySpecs: storing(6),
    since: '3.2.0',
    summary:
      'Queries a geospatial index for members within a distance from a coordinate, optionally stores the result.',
    complexity: IN_A_CIRCLE,
    arguments: [KEY_ARG, LONGITUDE, LATITUDE, RADIUS, UNIT, ...WITH, COUNT_SINCE, ORDER, STORE],
    history: [
      ['6.2.0', 'Added the `ANY` option for `COUNT`.'],
      ['7.0.0', 'Added support for uppercase unit names.'],
    ],
    handler: georadius,
  },
  {
    ...GEO,
    ...deprecated('`GEOSEARCH` with the `BYRADIUS` argument'),
    name: 'georadius_ro',
    arity: -6,
    flags: ['readonly'],
    since: '3.2.10',
    summary: 'Returns members from a geospatial index that are within a distance from a coordinate.',
    complexity: IN_A_CIRCLE,
    arguments: [KEY_ARG, LONGITUDE, LATITUDE, RADIUS, UNIT, ...WITH, COUNT_SINCE, ORDER],
    history: [['6.2.0', 'Added the `ANY` option for `COUNT`.']],
    handler: georadiusRo,
  },
  {
    ...GEO,
    ...deprecated('`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments'),
    name: 'georadiusbymember',
    arity: -5,
    flags: ['write', 'denyoom', 'movablekeys'],
    keySpecs: storing(5),
    since: '3.2.0',
    summary: 'Queries a geospatial index for members within a distance from a member, optionally stores the result.',
    complexity: IN_A_CIRCLE,
    arguments: [KEY_ARG, MEMBER, RADIUS, UNIT, ...WITH, COUNT, ORDER, STORE],
    history: [['7.0.0', 'Added support for uppercase unit names.']],
    handler: georadiusbymember,
  },
  {
    ...GEO,
    ...deprecated('`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments'),
    name: 'georadiusbymember_ro',
    arity: -5,
    flags: ['readonly'],
    since: '3.2.10',
    summary: 'Returns members from a geospatial index that are within a distance from a member.',
    complexity: IN_A_CIRCLE,
    arguments: [KEY_ARG, MEMBER, RADIUS, UNIT, ...WITH, COUNT, ORDER],
    handler: georadiusbymemberRo,
  },
];
