/** CLIENT PAUSE and UNPAUSE: commands wait. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ADMIN_FLAGS, clientRow } from './client-rows.js';
import type { Context } from './context.js';
import { badSubcommand } from './help.js';
import { serverOf } from './services.js';
import type { CommandSpec } from './spec.js';
import { timeoutOfMs } from './waiting.js';

export const CLIENT_PAUSE_ROWS: readonly CommandSpec[] = [
  clientRow('pause', -3, ADMIN_FLAGS, '2.9.50', 'Suspends commands processing.', 'O(1)', pause, {
    history: [['6.2.0', '`CLIENT PAUSE WRITE` mode added along with the `mode` option.']],
    arguments: [
      { name: 'timeout', type: 'integer' },
      {
        name: 'mode',
        type: 'oneof',
        optional: true,
        since: '6.2.0',
        arguments: [
          { name: 'write', type: 'pure-token', token: 'WRITE' },
          { name: 'all', type: 'pure-token', token: 'ALL' },
        ],
      },
    ],
  }),
  clientRow(
    'unpause',
    2,
    ADMIN_FLAGS,
    '6.2.0',
    'Resumes processing commands from paused clients.',
    'O(N) Where N is the number of paused clients',
    unpause,
  ),
];

const BAD_MODE = new CommandError('ERR CLIENT PAUSE mode must be WRITE or ALL');

function pause(c: Context, a: Args): void {
  if (a.count > 4) throw badSubcommand(a);
  const writesOnly = a.count === 4 && a.is(3, 'WRITE');
  if (a.count === 4 && !writesOnly && !a.is(3, 'ALL')) throw BAD_MODE;
  serverOf(c).pause.begin(writesOnly ? 'write' : 'all', timeoutOfMs(c, a, 2));
  c.out.ok();
}

function unpause(c: Context): void {
  serverOf(c).pause.end();
  c.out.ok();
}
