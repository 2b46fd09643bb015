/** The list family's rows. Handlers: list-ends.ts, list-range.ts, list-waiting.ts. */
import { lmove, lmpop, lpop, lpush, lpushx, rpop, rpoplpush, rpush, rpushx } from './list-ends.js';
import { lindex, linsert, llen, lpos, lrange, lrem, lset, ltrim } from './list-range.js';
import { blmove, blmpop, blpop, brpop, brpoplpush } from './list-waiting.js';
import { KEY_ARG, KEYS_ARG, keySpec, TIMEOUT_ARG, TIMEOUT_HISTORY, WAITED_KEYS } from './rows.js';
import type { CommandSpec } from './spec.js';

const LIST = { acl: ['list'], group: 'list', keys: [1, 1, 1], complexity: 'O(1)' } as const;

const ELEMENT_ARG = { name: 'element', type: 'string' };
const ELEMENTS_ARG = { ...ELEMENT_ARG, multiple: true };
const START_STOP_ARGS = [
  { name: 'start', type: 'integer' },
  { name: 'stop', type: 'integer' },
];
const POP_COUNT_ARG = { name: 'count', type: 'integer', since: '6.2.0', optional: true };
const SEVERAL = 'O(N) for N elements.';
const WALKED = 'O(N) for the N elements that are walked over, from the nearer end.';

/** LEFT or RIGHT. */
function end(name: string): object {
  return {
    name,
    type: 'oneof',
    arguments: [
      { name: 'left', type: 'pure-token', token: 'LEFT' },
      { name: 'right', type: 'pure-token', token: 'RIGHT' },
    ],
  };
}

const PUSH = {
  ...LIST,
  arity: -3,
  flags: ['write', 'denyoom', 'fast'],
  keySpecs: [keySpec(1, 'RW', 'insert')],
  complexity: SEVERAL,
  arguments: [KEY_ARG, ELEMENTS_ARG],
} as const satisfies Partial<CommandSpec>;
const POP = {
  ...LIST,
  arity: -2,
  flags: ['write', 'fast'],
  keySpecs: [keySpec(1, 'RW', 'access', 'delete')],
  since: '1.0.0',
  complexity: SEVERAL,
  arguments: [KEY_ARG, POP_COUNT_ARG],
  history: [['6.2.0', 'The argument `count` came.']],
} as const satisfies Partial<CommandSpec>;
const MOVE = {
  ...LIST,
  keys: [1, 2, 1],
  flags: ['write', 'denyoom'],
  keySpecs: [keySpec(1, 'RW', 'access', 'delete'), keySpec(2, 'RW', 'insert')],
} as const satisfies Partial<CommandSpec>;
const MOVE_ARGS = [
  { name: 'source', type: 'key', key_spec_index: 0 },
  { name: 'destination', type: 'key', key_spec_index: 1 },
];

const MULTI_POP = {
  ...LIST,
  keys: [0, 0, 0],
  since: '7.0.0',
  complexity: 'O(N + M) for N keys and M elements returned.',
} as const satisfies Partial<CommandSpec>;
const MULTI_POP_ARGS = [
  { name: 'numkeys', type: 'integer' },
  KEYS_ARG,
  end('where'),
  { name: 'count', type: 'integer', token: 'COUNT', optional: true },
];

const ENDS: readonly CommandSpec[] = [
  {
    ...PUSH,
    name: 'lpush',
    since: '1.0.0',
    summary: 'Puts elements in front of a list, one after the other; creates the list if need be.',
    history: [['2.4.0', 'Several elements.']],
    handler: lpush,
  },
  {
    ...PUSH,
    name: 'rpush',
    since: '1.0.0',
    summary: 'Puts elements behind a list; creates the list if need be.',
    history: [['2.4.0', 'Several elements.']],
    handler: rpush,
  },
  {
    ...PUSH,
    name: 'lpushx',
    since: '2.2.0',
    summary: 'Puts elements in front of a list if it exists.',
    history: [['4.0.0', 'Several elements.']],
    handler: lpushx,
  },
  {
    ...PUSH,
    name: 'rpushx',
    since: '2.2.0',
    summary: 'Puts elements behind a list if it exists.',
    history: [['4.0.0', 'Several elements.']],
    handler: rpushx,
  },
  { ...POP, name: 'lpop', summary: "Takes away and returns a list's first elements.", handler: lpop },
  { ...POP, name: 'rpop', summary: "Takes away and returns a list's last elements.", handler: rpop },
  {
    ...MOVE,
    name: 'lmove',
    arity: 5,
    since: '6.2.0',
    summary: 'Moves an element from one end of a list to one end of another, or of the same, and returns it.',
    arguments: [...MOVE_ARGS, end('wherefrom'), end('whereto')],
    handler: lmove,
  },
  {
    ...MOVE,
    name: 'rpoplpush',
    arity: 3,
    since: '1.2.0',
    summary: "Moves a list's last element to the front of another list, or of the same, and returns it.",
    arguments: MOVE_ARGS,
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`LMOVE` with the `RIGHT` and `LEFT` arguments',
    handler: rpoplpush,
  },
  {
    ...MULTI_POP,
    name: 'lmpop',
    arity: -4,
    flags: ['write', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 1], find: ['keynum', 0, 1, 1] }],
    summary: 'Takes away and returns elements of the first list among the keys that has any.',
    arguments: MULTI_POP_ARGS,
    handler: lmpop,
  },
];

const POP_OR_WAIT = {
  ...LIST,
  arity: -3,
  flags: ['write', 'blocking'],
  keys: [1, -2, 1],
  keySpecs: WAITED_KEYS,
  since: '2.0.0',
  complexity: 'O(N) for N keys.',
  history: TIMEOUT_HISTORY,
  arguments: [KEYS_ARG, TIMEOUT_ARG],
} as const satisfies Partial<CommandSpec>;

const WAITING: readonly CommandSpec[] = [
  {
    ...POP_OR_WAIT,
    name: 'blpop',
    summary: 'Takes away and returns the first element of the first list that has any; waits for one if need be.',
    handler: blpop,
  },
  {
    ...POP_OR_WAIT,
    name: 'brpop',
    summary: 'Takes away and returns the last element of the first list that has any; waits for one if need be.',
    handler: brpop,
  },
  {
    ...MULTI_POP,
    name: 'blmpop',
    arity: -5,
    flags: ['write', 'blocking', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 2], find: ['keynum', 0, 1, 1] }],
    summary: 'Takes away and returns elements of the first list that has any; waits for one if need be.',
    arguments: [TIMEOUT_ARG, ...MULTI_POP_ARGS],
    handler: blmpop,
  },
  {
    ...MOVE,
    name: 'blmove',
    arity: 6,
    flags: ['write', 'denyoom', 'blocking'],
    since: '6.2.0',
    summary: 'Moves an element from one end of a list to one end of another and returns it; waits for one if need be.',
    arguments: [...MOVE_ARGS, end('wherefrom'), end('whereto'), TIMEOUT_ARG],
    handler: blmove,
  },
  {
    ...MOVE,
    name: 'brpoplpush',
    arity: 4,
    flags: ['write', 'denyoom', 'blocking'],
    since: '2.2.0',
    summary: "Moves a list's last element to the front of another list and returns it; waits for one if need be.",
    history: TIMEOUT_HISTORY,
    arguments: [...MOVE_ARGS, TIMEOUT_ARG],
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`BLMOVE` with the `RIGHT` and `LEFT` arguments',
    handler: brpoplpush,
  },
];

const READS: readonly CommandSpec[] = [
  {
    ...LIST,
    name: 'llen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keySpecs: [keySpec(1, 'RO')],
    since: '1.0.0',
    summary: 'Tells how many elements a list has.',
    arguments: [KEY_ARG],
    handler: llen,
  },
  {
    ...LIST,
    name: 'lindex',
    arity: 3,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '1.0.0',
    summary: 'Returns the element of a list at an index.',
    complexity: WALKED,
    arguments: [KEY_ARG, { name: 'index', type: 'integer' }],
    handler: lindex,
  },
  {
    ...LIST,
    name: 'lrange',
    arity: 4,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '1.0.0',
    summary: 'Returns the elements of a list between two indices.',
    complexity: 'O(S + N) for N elements returned, S elements away from the nearer end.',
    arguments: [KEY_ARG, ...START_STOP_ARGS],
    handler: lrange,
  },
  {
    ...LIST,
    name: 'lpos',
    arity: -3,
    flags: ['readonly'],
    keySpecs: [keySpec(1, 'RO', 'access')],
    since: '6.0.6',
    summary: 'Returns the indices at which a list has an element.',
    complexity: 'O(N) for N elements; less when matches are near the end that is searched from.',
    arguments: [
      KEY_ARG,
      ELEMENT_ARG,
      { name: 'rank', type: 'integer', token: 'RANK', optional: true },
      { name: 'num-matches', type: 'integer', token: 'COUNT', optional: true },
      { name: 'len', type: 'integer', token: 'MAXLEN', optional: true },
    ],
    handler: lpos,
  },
];

const CHANGES: readonly CommandSpec[] = [
  {
    ...LIST,
    name: 'lset',
    arity: 4,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'RW', 'update')],
    since: '1.0.0',
    summary: 'Replaces the element of a list at an index.',
    complexity: WALKED,
    arguments: [KEY_ARG, { name: 'index', type: 'integer' }, ELEMENT_ARG],
    handler: lset,
  },
  {
    ...LIST,
    name: 'linsert',
    arity: 5,
    flags: ['write', 'denyoom'],
    keySpecs: [keySpec(1, 'RW', 'insert')],
    since: '2.2.0',
    summary: 'Puts an element before or behind the first one that equals the pivot.',
    complexity: 'O(N) for the N elements up to the pivot.',
    arguments: [
      KEY_ARG,
      {
        name: 'where',
        type: 'oneof',
        arguments: [
          { name: 'before', type: 'pure-token', token: 'BEFORE' },
          { name: 'after', type: 'pure-token', token: 'AFTER' },
        ],
      },
      { name: 'pivot', type: 'string' },
      ELEMENT_ARG,
    ],
    handler: linsert,
  },
  {
    ...LIST,
    name: 'lrem',
    arity: 4,
    flags: ['write'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    since: '1.0.0',
    summary: 'Takes away elements of a list that equal one, from the front or the back.',
    complexity: 'O(N + M) for a list of N elements, M of which go.',
    arguments: [KEY_ARG, { name: 'count', type: 'integer' }, ELEMENT_ARG],
    handler: lrem,
  },
  {
    ...LIST,
    name: 'ltrim',
    arity: 4,
    flags: ['write'],
    keySpecs: [keySpec(1, 'RW', 'delete')],
    since: '1.0.0',
    summary: 'Keeps only the elements of a list between two indices.',
    complexity: 'O(N) for N elements that go.',
    arguments: [KEY_ARG, ...START_STOP_ARGS],
    handler: ltrim,
  },
];

export const LIST_COMMANDS: readonly CommandSpec[] = [...ENDS, ...WAITING, ...READS, ...CHANGES];
