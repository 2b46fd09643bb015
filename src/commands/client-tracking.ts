/** Client-side caching as clients ask for it: CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { clientRow, ON_OFF, PLAIN_FLAGS } from './client-rows.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';
import { serverOf, type TrackingOptions } from './services.js';
import type { Session } from './session.js';
import type { CommandSpec } from './spec.js';

export const CLIENT_TRACKING_ROWS: readonly CommandSpec[] = [
  clientRow(
    'tracking',
    -3,
    PLAIN_FLAGS,
    '6.0.0',
    'Controls server-assisted client-side caching for the connection.',
    'O(1). Some options may introduce additional complexity.',
    tracking,
    {
      arguments: [
        { name: 'status', type: 'oneof', arguments: ON_OFF },
        { name: 'client-id', type: 'integer', token: 'REDIRECT', optional: true },
        { name: 'prefix', type: 'string', token: 'PREFIX', optional: true, multiple: true, multiple_token: true },
        { name: 'bcast', type: 'pure-token', token: 'BCAST', optional: true },
        { name: 'optin', type: 'pure-token', token: 'OPTIN', optional: true },
        { name: 'optout', type: 'pure-token', token: 'OPTOUT', optional: true },
        { name: 'noloop', type: 'pure-token', token: 'NOLOOP', optional: true },
      ],
    },
  ),
  clientRow(
    'caching',
    3,
    PLAIN_FLAGS,
    '6.0.0',
    'Instructs the server whether to track the keys in the next request.',
    'O(1)',
    caching,
    {
      arguments: [
        {
          name: 'mode',
          type: 'oneof',
          arguments: [
            { name: 'yes', type: 'pure-token', token: 'YES' },
            { name: 'no', type: 'pure-token', token: 'NO' },
          ],
        },
      ],
    },
  ),
  clientRow(
    'trackinginfo',
    2,
    PLAIN_FLAGS,
    '6.2.0',
    'Returns information about server-assisted client-side caching for the connection.',
    'O(1)',
    trackingInfo,
  ),
  clientRow(
    'getredir',
    2,
    PLAIN_FLAGS,
    '6.0.0',
    "Returns the client ID to which the connection's tracking notifications are redirected.",
    'O(1)',
    (c) => c.out.int(serverOf(c).session.tracking?.redirect ?? -1),
  ),
];

const REDIRECTED_TWICE = new CommandError('ERR A client can only redirect to a single other client');
const NO_SUCH_CLIENT = new CommandError('ERR The client ID you want redirect to does not exist');
const PREFIX_WITHOUT_BCAST = new CommandError('ERR PREFIX option requires BCAST mode to be enabled');
const BCAST_SWITCHED = new CommandError(
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a " +
    'different mode.',
);
const BCAST_WITH_OPT = new CommandError('ERR OPTIN and OPTOUT are not compatible with BCAST');
const BOTH_OPTS = new CommandError("ERR You can't specify both OPTIN mode and OPTOUT mode");
const OPT_SWITCHED = new CommandError(
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a " +
    'different mode.',
);

function tracking(c: Context, a: Args): void {
  const server = serverOf(c);
  const { session } = server;
  const options = optionsOf(c, a);
  if (a.is(2, 'ON')) {
    checkMode(session, options);
    if (options.bcast) checkPrefixes(session, options.prefixes);
    server.tracking.on(session, options);
  } else if (a.is(2, 'OFF')) {
    server.tracking.off(session);
  } else {
    throw SYNTAX;
  }
  c.out.ok();
}

function optionsOf(c: Context, a: Args): TrackingOptions {
  const { clients } = serverOf(c);
  const prefixes: string[] = [];
  const options = { redirect: 0, bcast: false, optin: false, optout: false, noloop: false, prefixes };
  for (let i = 3; i < a.count; i++) {
    const more = i + 1 < a.count;
    if (a.is(i, 'REDIRECT') && more) {
      if (options.redirect !== 0) throw REDIRECTED_TWICE;
      const id = a.int64(++i);
      if (id === null) throw NOT_INTEGER;
      options.redirect = Number(id);
      if (clients.get(options.redirect) === undefined) throw NO_SUCH_CLIENT;
    } else if (a.is(i, 'BCAST')) {
      options.bcast = true;
    } else if (a.is(i, 'OPTIN')) {
      options.optin = true;
    } else if (a.is(i, 'OPTOUT')) {
      options.optout = true;
    } else if (a.is(i, 'NOLOOP')) {
      options.noloop = true;
    } else if (a.is(i, 'PREFIX') && more) {
      prefixes.push(a.latin1(++i));
    } else {
      throw SYNTAX;
    }
  }
  return options;
}

/** Options must go together, and with what is on already. */
function checkMode(session: Session, options: TrackingOptions): void {
  const { bcast, optin, optout } = options;
  const before = session.tracking;
  if (!bcast && options.prefixes.length > 0) throw PREFIX_WITHOUT_BCAST;
  if (before !== null && before.bcast !== bcast) throw BCAST_SWITCHED;
  if (bcast && (optin || optout)) throw BCAST_WITH_OPT;
  if (optin && optout) throw BOTH_OPTS;
  if (before !== null && ((optin && before.optout) || (optout && before.optin))) throw OPT_SWITCHED;
}

/** No key may fall under two prefixes of one client: it would be told twice. */
function checkPrefixes(session: Session, prefixes: readonly string[]): void {
  const overlaps = (x: string, y: string) => x.startsWith(y) || y.startsWith(x);
  const refusal = (x: string, what: string, y: string) =>
    new CommandError(
      `ERR Prefix '${shown(x)}' overlaps with ${what} prefix '${shown(y)}'. Prefixes for a single client must not overlap.`,
    );
  prefixes.forEach((prefix, i) => {
    const old = session.tracking?.prefixes.find((each) => overlaps(each, prefix));
    if (old !== undefined) throw refusal(prefix, 'an existing', old);
    const other = prefixes.slice(i + 1).find((each) => overlaps(each, prefix));
    if (other !== undefined) throw refusal(prefix, 'another provided', other);
  });
}

/** As the texts of errors show bytes: up to a zero. */
function shown(prefix: string): string {
  return prefix.split('\0', 1)[0]!;
}

const NOT_TRACKING = new CommandError(
  'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
);
const YES_WITHOUT_OPTIN = new CommandError(
  'ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.',
);
const NO_WITHOUT_OPTOUT = new CommandError(
  'ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.',
);

function caching(c: Context, a: Args): void {
  const mode = serverOf(c).session.tracking;
  if (mode === null) throw NOT_TRACKING;
  if (a.is(2, 'YES')) {
    if (!mode.optin) throw YES_WITHOUT_OPTIN;
  } else if (a.is(2, 'NO')) {
    if (!mode.optout) throw NO_WITHOUT_OPTOUT;
  } else {
    throw SYNTAX;
  }
  mode.caching = true;
  c.out.ok();
}

function trackingInfo(c: Context): void {
  const mode = serverOf(c).session.tracking;
  const flags = mode === null ? ['off'] : ['on'];
  if (mode?.bcast) flags.push('bcast');
  if (mode?.optin) flags.push('optin');
  if (mode?.optin && mode.caching) flags.push('caching-yes');
  if (mode?.optout) flags.push('optout');
  if (mode?.optout && mode.caching) flags.push('caching-no');
  if (mode?.noloop) flags.push('noloop');
  if (mode?.broken) flags.push('broken_redirect');
  const { out } = c;
  out.map(3);
  out.bulkText('flags', true);
  out.set(flags.length);
  for (const flag of flags) out.bulkText(flag, true);
  out.bulkText('redirect', true);
  out.int(mode?.redirect ?? -1);
  out.bulkText('prefixes', true);
  const prefixes = mode?.prefixes ?? [];
  out.array(prefixes.length);
  for (const prefix of prefixes) out.bulkText(prefix, true);
}
