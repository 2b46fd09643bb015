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
const SEVERAL =
  'O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.';

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
  complexity: 'O(N) where N is the number of elements returned',
  arguments: [KEY_ARG, POP_COUNT_ARG],
  history: [['6.2.0', 'Added the `count` argument.']],
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
  complexity: 'O(N+M) where N is the number of provided keys and M is the number of elements returned.',
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
    summary: "Prepends one or more elements to a list. Creates the key if it doesn't exist.",
    history: [['2.4.0', 'Accepts multiple `element` arguments.']],
    handler: lpush,
  },
  {
    ...PUSH,
    name: 'rpush',
    since: '1.0.0',
    summary: "Appends one or more elements to a list. Creates the key if it doesn't exist.",
    history: [['2.4.0', 'Accepts multiple `element` arguments.']],
    handler: rpush,
  },
  {
    ...PUSH,
    name: 'lpushx',
    since: '2.2.0',
    summary: 'Prepends one or more elements to a list only when the list exists.',
    history: [['4.0.0', 'Accepts multiple `element` arguments.']],
    handler: lpushx,
  },
  {
    ...PUSH,
    name: 'rpushx',
    since: '2.2.0',
    summary: 'Appends an element to a list only when the list exists.',
    history: [['4.0.0', 'Accepts multiple `element` arguments.']],
    handler: rpushx,
  },
  {
    ...POP,
    name: 'lpop',
    summary: 'Returns the first elements in a list after removing it. Deletes the list if the last element was popped.',
    handler: lpop,
  },
  {
    ...POP,
    name: 'rpop',
    summary: 'Returns and removes the last elements of a list. Deletes the list if the last element was popped.',
    handler: rpop,
  },
  {
    ...MOVE,
    name: 'lmove',
    arity: 5,
    since: '6.2.0',
    summary:
      'Returns an element after popping it from one list and pushing it to another. Deletes the list if the last element was moved.',
    arguments: [...MOVE_ARGS, end('wherefrom'), end('whereto')],
    handler: lmove,
  },
  {
    ...MOVE,
    name: 'rpoplpush',
    arity: 3,
    since: '1.2.0',
    summary:
      'Returns the last element of a list after removing and pushing it to another list. Deletes the list if the last element was popped.',
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
    summary:
      'Returns multiple elements from a list after removing them. Deletes the list if the last element was popped.',
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
  complexity: 'O(N) where N is the number of provided keys.',
  history: TIMEOUT_HISTORY,
  arguments: [KEYS_ARG, TIMEOUT_ARG],
} as const satisfies Partial<CommandSpec>;

const WAITING: readonly CommandSpec[] = [
  {
    ...POP_OR_WAIT,
    name: 'blpop',
    summary:
      'Removes and returns the first element in a list. Blocks until an element is available otherwise. Deletes the list if the last element was popped.',
    handler: blpop,
  },
  {
    ...POP_OR_WAIT,
    name: 'brpop',
    summary:
      'Removes and returns the last element in a list. Blocks until an element is available otherwise. Deletes the list if the last element was popped.',
    handler: brpop,
  },
  {
    ...MULTI_POP,
    name: 'blmpop',
    arity: -5,
    flags: ['write', 'blocking', 'movablekeys'],
    keySpecs: [{ flags: ['RW', 'access', 'delete'], begin: ['index', 2], find: ['keynum', 0, 1, 1] }],
    summary:
      'Pops the first element from one of multiple lists. Blocks until an element is available otherwise. Deletes the list if the last element was popped.',
    arguments: [TIMEOUT_ARG, ...MULTI_POP_ARGS],
    handler: blmpop,
  },
  {
    ...MOVE,
    name: 'blmove',
    arity: 6,
    flags: ['write', 'denyoom', 'blocking'],
    since: '6.2.0',
    summary:
      'Pops an element from a list, pushes it to another list and returns it. Blocks until an element is available otherwise. Deletes the list if the last element was moved.',
    arguments: [...MOVE_ARGS, end('wherefrom'), end('whereto'), TIMEOUT_ARG],
    handler: blmove,
  },
  {
    ...MOVE,
    name: 'brpoplpush',
    arity: 4,
    flags: ['write', 'denyoom', 'blocking'],
    since: '2.2.0',
    summary:
      'Pops an element from a list, pushes it to another list and returns it. Block until an element is available otherwise. Deletes the list if the last element was popped.',
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
    summary: 'Returns the length of a list.',
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
    summary: 'Returns an element from a list by its index.',
    complexity:
      'O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).',
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
    summary: 'Returns a range of elements from a list.',
    complexity:
      'O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.',
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
    summary: 'Returns the index of matching elements in a list.',
    complexity:
      'O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.',
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
    summary: 'Sets the value of an element in a list by its index.',
    complexity:
      'O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).',
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
    summary: 'Inserts an element before or after another element in a list.',
    complexity:
      'O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).',
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
    summary: 'Removes elements from a list. Deletes the list if the last element was removed.',
    complexity: 'O(N+M) where N is the length of the list and M is the number of elements removed.',
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
    summary: 'Removes elements from both ends a list. Deletes the list if all elements were trimmed.',
    complexity: 'O(N) where N is the number of elements to be removed by the operation.',
    arguments: [KEY_ARG, ...START_STOP_ARGS],
    handler: ltrim,
  },
];

export const LIST_COMMANDS: readonly CommandSpec[] = [...ENDS, ...WAITING, ...READS, ...CHANGES];
