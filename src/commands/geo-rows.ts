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

const GEO = { acl: ['geo'], group: 'geo', keys: [1, 1, 1], keySpecs: [keySpec(1, 'RO', 'access')] } as const;
const SEARCH = 'O(N+log(M)) for N members in the cells around the shape and M members inside of it.';

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
  name: 'count',
  type: 'block',
  optional: true,
  arguments: [{ name: 'count', type: 'integer', token: 'COUNT' }, optional('any')],
};
const COUNT_SINCE = {
  ...COUNT,
  arguments: [COUNT.arguments[0]!, { ...optional('any'), since: '6.2.0' }],
};
const WITH = [optional('withcoord'), optional('withdist'), optional('withhash')];
const STORES = [
  { name: 'key', type: 'key', key_spec_index: 1, token: 'STORE', optional: true },
  { name: 'key', type: 'key', key_spec_index: 2, token: 'STOREDIST', optional: true },
];
const FROM = {
  name: 'from',
  type: 'oneof',
  arguments: [
    { name: 'member', type: 'string', token: 'FROMMEMBER' },
    { name: 'longitude_latitude', type: 'block', token: 'FROMLONLAT', arguments: [LONGITUDE, LATITUDE] },
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
const UPPER_CASE = ['7.0.0', 'Units can be written in upper case.'] as const;
const ANY_CAME = ['6.2.0', 'The option `ANY` of `COUNT` came.'] as const;

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
    summary: 'Adds places to a sorted set, or moves them.',
    complexity: 'O(log(N)) a place, for N members.',
    arguments: [
      KEY_ARG,
      { name: 'condition', type: 'oneof', since: '6.2.0', optional: true, arguments: [pure('nx'), pure('xx')] },
      { name: 'change', type: 'pure-token', token: 'CH', since: '6.2.0', optional: true },
      { name: 'longitude_latitude_member', type: 'block', multiple: true, arguments: [LONGITUDE, LATITUDE, MEMBER] },
    ],
    history: [['6.2.0', 'The options `CH`, `NX` and `XX` came.']],
    handler: geoadd,
  },
  {
    ...GEO,
    name: 'geodist',
    arity: -4,
    flags: ['readonly'],
    since: '3.2.0',
    summary: 'Tells how far two places are from each other.',
    complexity: 'O(log(N))',
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
    summary: 'Returns places as standard geohashes.',
    complexity: 'O(log(N)) a member, for N members.',
    arguments: [KEY_ARG, MEMBERS],
    handler: geohash,
  },
  {
    ...GEO,
    name: 'geopos',
    arity: -2,
    flags: ['readonly'],
    since: '3.2.0',
    summary: 'Returns the longitudes and latitudes of places.',
    complexity: 'O(N) for N members asked for.',
    arguments: [KEY_ARG, MEMBERS],
    handler: geopos,
  },
  {
    ...GEO,
    name: 'geosearch',
    arity: -7,
    flags: ['readonly'],
    since: '6.2.0',
    summary: 'Finds places in a circle or a box.',
    complexity: SEARCH,
    arguments: [KEY_ARG, FROM, BY, ORDER, COUNT, ...WITH],
    history: [UPPER_CASE],
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
    summary: 'Stores the places found in a circle or a box.',
    complexity: SEARCH,
    arguments: [
      { name: 'destination', type: 'key', key_spec_index: 0 },
      { name: 'source', type: 'key', key_spec_index: 1 },
      FROM,
      BY,
      ORDER,
      COUNT,
      optional('storedist'),
    ],
    history: [UPPER_CASE],
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
    summary: 'Finds places around a point, and may store them.',
    complexity: SEARCH,
    arguments: [KEY_ARG, LONGITUDE, LATITUDE, RADIUS, UNIT, ...WITH, COUNT_SINCE, ORDER, ...STORES],
    history: [ANY_CAME, UPPER_CASE],
    handler: georadius,
  },
  {
    ...GEO,
    ...deprecated('`GEOSEARCH` with the `BYRADIUS` argument'),
    name: 'georadius_ro',
    arity: -6,
    flags: ['readonly'],
    since: '3.2.10',
    summary: 'Finds places around a point.',
    complexity: SEARCH,
    arguments: [KEY_ARG, LONGITUDE, LATITUDE, RADIUS, UNIT, ...WITH, COUNT_SINCE, ORDER],
    history: [ANY_CAME],
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
    summary: 'Finds places around another one, and may store them.',
    complexity: SEARCH,
    arguments: [KEY_ARG, MEMBER, RADIUS, UNIT, ...WITH, COUNT, ORDER, ...STORES],
    history: [UPPER_CASE],
    handler: georadiusbymember,
  },
  {
    ...GEO,
    ...deprecated('`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments'),
    name: 'georadiusbymember_ro',
    arity: -5,
    flags: ['readonly'],
    since: '3.2.10',
    summary: 'Finds places around another one.',
    complexity: SEARCH,
    arguments: [KEY_ARG, MEMBER, RADIUS, UNIT, ...WITH, COUNT, ORDER],
    handler: georadiusbymemberRo,
  },
];
