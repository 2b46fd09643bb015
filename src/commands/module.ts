/** MODULE: there are none, and none can be loaded: modules are native code. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { helpText } from './help.js';
import { serverOf } from './services.js';
import type { CommandFlag, CommandSpec, Handler } from './spec.js';

const CHANGES: readonly CommandFlag[] = ['admin', 'noscript', 'no_async_loading'];

function sub(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  summary: string,
  handler: Handler,
  rest: Partial<CommandSpec> = {},
): CommandSpec {
  const fixed = { keys: [0, 0, 0] as const, acl: [], since: '4.0.0', group: 'server', complexity: 'O(1)' };
  return { name, arity, flags, summary, handler, ...fixed, ...rest };
}

export const MODULE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'module',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    acl: [],
    since: '4.0.0',
    group: 'server',
    summary: 'A container for module commands.',
    complexity: 'Depends on subcommand.',
    subcommands: [
      sub(
        'help',
        2,
        ['loading', 'stale'],
        'Returns helpful text about the different subcommands.',
        (c) => helpText(c, 'MODULE', HELP),
        {
          since: '5.0.0',
        },
      ),
      sub('list', 2, ['admin', 'noscript'], 'Returns all loaded modules.', (c) => c.out.array(0), {
        complexity: 'O(N) where N is the number of loaded modules.',
        tips: ['nondeterministic_output_order'],
      }),
      sub('load', -3, CHANGES, 'Loads a module.', load, {
        arguments: [
          { name: 'path', type: 'string' },
          { name: 'arg', type: 'string', optional: true, multiple: true },
        ],
      }),
      sub('loadex', -3, CHANGES, 'Loads a module using extended parameters.', load, {
        since: '7.0.0',
        arguments: [
          { name: 'path', type: 'string' },
          {
            name: 'configs',
            type: 'block',
            token: 'CONFIG',
            optional: true,
            multiple: true,
            multiple_token: true,
            arguments: [
              { name: 'name', type: 'string' },
              { name: 'value', type: 'string' },
            ],
          },
          {
            name: 'args',
            type: 'block',
            token: 'ARGS',
            optional: true,
            multiple: true,
            arguments: [{ name: 'arg', type: 'string' }],
          },
        ],
      }),
      sub('unload', 3, CHANGES, 'Unloads a module.', unload, { arguments: [{ name: 'name', type: 'string' }] }),
    ],
  },
];

const LOAD_FAILED = new CommandError('ERR Error loading the extension. Please check the server logs.');
const NO_SUCH_MODULE = new CommandError('ERR Error unloading module: no such module with that name');

function load(c: Context, a: Args): void {
  serverOf(c).log.warning(`Module ${a.utf8(2)} failed to load: this server has no modules, which are native code.`);
  throw LOAD_FAILED;
}

function unload(): void {
  throw NO_SUCH_MODULE;
}

const HELP = [
  'LIST',
  '    Return a list of loaded modules.',
  'LOAD <path> [<arg> ...]',
  '    Load a module library from <path>, passing to it any optional arguments.',
  'LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]',
  '    Load a module library from <path>, while passing it module configurations and optional arguments.',
  'UNLOAD <name>',
  '    Unload a module.',
];
