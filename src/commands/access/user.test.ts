import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Args } from '../../formats/resp/args.js';
import { FAMILIES } from '../families.js';
import { CommandTable } from '../table.js';
import { CATEGORIES } from './categories.js';
import {
  BAD_HASH,
  BAD_RULE,
  CHANNEL_AFTER_ALL,
  FIRST_ARG_OF_SUBCOMMAND,
  mergeSelectors,
  NO_SUCH_PASSWORD,
  PATTERN_AFTER_ALL,
  type RuleContext,
  UNKNOWN_COMMAND,
} from './rules.js';
import { Denial } from './selector.js';
import { User } from './user.js';

const commands = new CommandTable(FAMILIES);
const deprecated: string[] = [];
const context: RuleContext = { commands, allChannels: false, deprecated: (rule) => deprecated.push(rule) };

function user(...rules: string[]): User {
  const made = new User('u', context);
  for (const rule of rules) expect(made.set(rule), rule).toBeNull();
  return made;
}

/** The user that its description makes. */
function again(from: User): User {
  const merged = mergeSelectors(from.description.split(' '));
  if ('unmatched' in merged) throw new Error(`unmatched: ${from.description}`);
  return user(...merged.rules);
}

/** Whether the request may be made: `yes`, or the kind of thing and the argument that is denied. */
function verdict(of: User, ...argv: string[]): string {
  const a = Args.of(...argv.map((arg) => Buffer.from(arg, 'latin1')));
  const command = commands.find(a)!;
  const denial = of.check(command, a);
  if (denial === Denial.NONE) return 'yes';
  if (denial === Denial.COMMAND) return 'command';
  return `${denial === Denial.KEY ? 'key' : 'channel'} ${a.latin1(of.deniedAt)}`;
}

describe('a description', () => {
  it('tells everything in the order of 7.2', () => {
    expect(user().description).toBe('off sanitize-payload resetchannels -@all');
    expect(user('on', 'nopass', '~*', '&*', '+@all').description).toBe('on nopass sanitize-payload ~* &* +@all');
    expect(
      user('>pw', 'skip-sanitize-payload', '~a', '%R~b', '%w~c', '&d', '+get', '(+set ~x)', '(&y)').description,
    ).toBe(
      'off skip-sanitize-payload #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 ~a %R~b %W~c resetchannels &d ' +
        '-@all +get (~x resetchannels -@all +set) (resetchannels &y -@all)',
    );
  });

  it('has the channels that acl-pubsub-default gives, also after reset', () => {
    const open = new User('u', { ...context, allChannels: true });
    expect(open.description).toBe('off sanitize-payload &* -@all');
    open.set('resetchannels');
    open.set('reset');
    expect(open.description).toBe('off sanitize-payload &* -@all');
    expect(open.set('(+get)')).toBeNull();
    expect(open.description).toBe('off sanitize-payload &* -@all (&* -@all +get)');
  });

  it('makes the same user again, whatever the rules were', () => {
    const name = fc.constantFrom(...commands.all.map((command) => command.rule));
    const pattern = fc.oneof(
      fc.constantFrom('*', '', 'a*', '"', "'x", '\\"', '[a-z]?', '(', ')', 'x)', '"a"'),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => text.replace(/[\0-\x20\u0100-\uffff]/g, '')),
    );
    const inSelector = fc.oneof(
      fc.tuple(fc.constantFrom('+', '-'), name).map(([mark, command]) => mark + command),
      fc.tuple(fc.constantFrom('+@', '-@'), fc.constantFrom(...CATEGORIES, 'all')).map((parts) => parts.join('')),
      fc.tuple(fc.constantFrom('~', '%R~', '%W~', '%RW~', '&'), pattern).map((parts) => parts.join('')),
      fc.constantFrom('allkeys', 'resetkeys', 'allchannels', 'resetchannels', '+select|0', '+get|X', '+debug|a'),
    );
    const rule = fc.oneof(
      { weight: 8, arbitrary: inSelector },
      fc.constantFrom(
        'on',
        'off',
        'nopass',
        'resetpass',
        '>pw',
        '>',
        'skip-sanitize-payload',
        'reset',
        'clearselectors',
      ),
      fc.array(inSelector, { maxLength: 4 }).map((rules) => `(${rules.join(' ')})`),
    );
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 12 }), (rules) => {
        const made = new User('u', context);
        for (const each of rules) made.set(each);
        const copy = again(made);
        expect(copy.description).toBe(made.description);
        expect(copy.selectors).toHaveLength(made.selectors.length);
        for (const [i, selector] of made.selectors.entries()) {
          const twin = copy.selectors[i]!;
          const differing = REQUESTS.filter(({ command, a }) => twin.check(command, a) !== selector.check(command, a));
          expect(differing.map(({ command }) => command.rule)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** One request a command, with keys and channels that the patterns above may or may not match. */
const REQUESTS = commands.all.map((command) => ({ command, a: Args.of(...command.rule.split('|'), '0', 'x', '"a"') }));

describe('rules of commands', () => {
  it('stay as they were given, those about the same thing once and at the end', () => {
    const described = (...rules: string[]) => user(...rules).selectors[0]!.commandsText;
    expect(described('+@all', '-@hash', '-@slow', '+hget')).toBe('+@all -@hash -@slow +hget');
    expect(described('+@all', '-@hash', '-@slow', '+hget', '+@HASH')).toBe('+@all -@slow +hget +@hash');
    expect(described('-@string', '-@slow', '+@all')).toBe('+@all');
    expect(described('+client|list', '+CLIENT|List', '+config|get', '+config', '+acl|list', '-acl')).toBe(
      '-@all +client|list +config -acl',
    );
    expect(described('+select|0', '+select|0', '+debug|segfault', '+debug')).toBe('-@all +select|0 +debug');
    expect(described('-@dangerous')).toBe('-@all -@dangerous');
    expect(described('+get', '+getdel', '-get')).toBe('-@all +getdel -get');
  });

  it('decide in their order', () => {
    const made = user('+@all', '~*', '-@hash', '+hget', '-config', '+config|get', '-@dangerous');
    expect(verdict(made, 'HGET', 'k', 'f')).toBe('yes');
    expect(verdict(made, 'HSET', 'k', 'f', 'v')).toBe('command');
    expect(verdict(made, 'CONFIG', 'GET', 'x')).toBe('command');
    expect(verdict(made, 'GET', 'k')).toBe('yes');
    expect(verdict(user('-@all', '+config', '-config|set'), 'CONFIG', 'SET', 'a', 'b')).toBe('command');
    expect(verdict(user('-@all', '+config', '-config|set'), 'CONFIG', 'GET', 'a')).toBe('yes');
  });

  it('one category is exactly the commands of it', () => {
    for (const category of CATEGORIES) {
      const more = user(`+@${category}`);
      const less = user('+@all', `-@${category}`);
      for (const command of commands.all) {
        const a = Args.of(...command.rule.split('|'));
        const inside = (command.categories & (1 << CATEGORIES.indexOf(category))) !== 0;
        // Subcommands go with their container, and nobody needs leave to log in.
        const taken =
          inside ||
          (command.parent !== null && (command.parent.categories & (1 << CATEGORIES.indexOf(category))) !== 0);
        const free = command.spec.flags.includes('no_auth');
        expect(more.selectors[0]!.check(command, a) !== Denial.COMMAND, `+@${category} ${command.rule}`).toBe(
          taken || free,
        );
        expect(less.selectors[0]!.check(command, a) !== Denial.COMMAND, `-@${category} ${command.rule}`).toBe(
          !taken || free,
        );
      }
    }
  });

  it('a first argument may be allowed alone, which is told to be a misuse', () => {
    deprecated.length = 0;
    const made = user('+select|0', '+SELECT|Seven');
    expect(deprecated).toEqual(['+select|0', '+SELECT|Seven']);
    expect(verdict(made, 'SELECT', '0')).toBe('yes');
    expect(verdict(made, 'select', 'sEVEN')).toBe('yes');
    expect(verdict(made, 'SELECT', '1')).toBe('command');
    made.set('-select');
    expect(verdict(made, 'SELECT', '0')).toBe('command');
    expect(verdict(user('+select|0', '-@connection'), 'SELECT', '0')).toBe('command');
  });
});

describe('keys', () => {
  it('are read and written under the patterns for that', () => {
    const made = user('+@all', '%R~r*', '%W~w*', '~b*');
    expect(verdict(made, 'GET', 'r')).toBe('yes');
    expect(verdict(made, 'SET', 'r', 'v')).toBe('key r');
    expect(verdict(made, 'SET', 'w', 'v')).toBe('yes');
    expect(verdict(made, 'SET', 'w', 'v', 'GET')).toBe('key w');
    expect(verdict(made, 'SET', 'b', 'v', 'GET')).toBe('yes');
    expect(verdict(made, 'EXISTS', 'w', 'r')).toBe('yes');
    expect(verdict(made, 'EXISTS', 'w', 'x')).toBe('key x');
    expect(verdict(made, 'COPY', 'r', 'w')).toBe('yes');
    expect(verdict(made, 'COPY', 'w', 'w2')).toBe('key w');
    expect(verdict(made, 'COPY', 'r', 'r2')).toBe('key r2');
    expect(verdict(made, 'RENAME', 'r', 'w')).toBe('key r');
    expect(verdict(made, 'SORT', 'r', 'STORE', 'r2')).toBe('key r2');
    expect(verdict(made, 'SORT', 'r', 'STORE', 'w')).toBe('yes');
    expect(verdict(made, 'XREAD', 'COUNT', '1', 'STREAMS', 'r', 'w', '0', '0')).toBe('key w');
    expect(verdict(made, 'ZUNIONSTORE', 'w', '2', 'r', 'x')).toBe('key x');
    expect(verdict(made, 'MSET', 'w', '1', 'b', '2', 'x', '3')).toBe('key x');
    expect(verdict(made, 'BITFIELD', 'r', 'GET', 'u8', '0')).toBe('yes');
    expect(verdict(made, 'BITFIELD', 'r', 'SET', 'u8', '0', '1')).toBe('key r');
    expect(verdict(made, 'PING')).toBe('yes');
  });

  it('the same pattern given again adds up', () => {
    expect(user('%R~a', '%W~a').description).toContain(' ~a ');
    expect(user('%R~*', '%W~*').description).toContain(' %RW~* ');
    expect(user('%RW~*', '~a').description).toContain(' %RW~* ~a ');
  });

  it('"all" and "every key matches" are two things: no glob but the empty one matches the empty key', () => {
    expect(verdict(user('+get', '~*'), 'GET', '')).toBe('yes');
    expect(verdict(user('+get', '%RW~*'), 'GET', '')).toBe('key ');
  });
});

it('channels are matched, patterns must be the same', () => {
  const made = user('+@pubsub', '&news:*', '&a');
  expect(verdict(made, 'PUBLISH', 'news:1', 'm')).toBe('yes');
  expect(verdict(made, 'PUBLISH', 'm', 'news:1')).toBe('channel m');
  expect(verdict(made, 'SPUBLISH', 'b', 'm')).toBe('channel b');
  expect(verdict(made, 'SUBSCRIBE', 'a', 'news:2', 'b')).toBe('channel b');
  expect(verdict(made, 'SSUBSCRIBE', 'news:2')).toBe('yes');
  expect(verdict(made, 'PSUBSCRIBE', 'news:*', 'a')).toBe('yes');
  expect(verdict(made, 'PSUBSCRIBE', 'news:1')).toBe('channel news:1');
  expect(verdict(made, 'UNSUBSCRIBE', 'b')).toBe('yes');
  expect(verdict(made, 'PUBSUB', 'NUMSUB', 'b')).toBe('yes');
  expect(made.channels).toEqual(['news:*', 'a']);
  expect(user('&a', '(&b)').channels).toEqual(['a', 'b']);
  expect(user('&a', '(&*)').channels).toBeNull();
});

describe('selectors', () => {
  it('one of them must allow all of a request', () => {
    const made = user('+get', '~a', '(+set ~b)', '(+mget ~a ~b)');
    expect(verdict(made, 'GET', 'a')).toBe('yes');
    expect(verdict(made, 'SET', 'b', '1')).toBe('yes');
    expect(verdict(made, 'SET', 'a', '1')).toBe('key a');
    expect(verdict(made, 'MGET', 'a', 'b')).toBe('yes');
    expect(verdict(made, 'MGET', 'a', 'c')).toBe('key c');
    expect(verdict(made, 'DEL', 'a')).toBe('command');
  });

  it('of several denials the one that went furthest is told', () => {
    const made = user('+mget', '~a', '~b', '(+mget ~a)', '(+get)');
    expect(verdict(made, 'MGET', 'a', 'b', 'c')).toBe('key c');
    expect(verdict(user('(+publish ~a)'), 'PUBLISH', 'x', 'm')).toBe('channel x');
  });

  it('whether a user may do everything is seen in any of them', () => {
    expect(user('+@all', '~*', '&*').isUnrestricted).toBe(true);
    expect(user('+@all', '~*').isUnrestricted).toBe(false);
    expect(user('(+@all ~* &*)').isUnrestricted).toBe(true);
    expect(user('+@all', '~*', '&*', '-get', '+get').isUnrestricted).toBe(false);
  });
});

describe('passwords', () => {
  it('are kept as hashes, several of them, and compared', () => {
    const made = user('on', '>one', '>two', '>one');
    expect(made.passwords).toHaveLength(2);
    expect(made.description).not.toContain('one');
    const admits = (password: string) => made.admits(Buffer.from(password, 'latin1'));
    expect([admits('one'), admits('two'), admits('three'), admits('')]).toEqual([true, true, false, false]);
    made.set('<one');
    expect(admits('one')).toBe(false);
    made.set('off');
    expect(admits('two')).toBe(false);
    made.set('on');
    made.set('nopass');
    expect(made.passwords).toEqual([]);
    expect(admits('anything')).toBe(true);
    made.set('>\xff\x00');
    expect([admits('\xff\x00'), admits('\xff')]).toEqual([true, false]);
    made.set('resetpass');
    expect(admits('\xff\x00')).toBe(false);
  });

  it('come back with the description', () => {
    const copy = again(user('on', '>geheim'));
    expect(copy.admits(Buffer.from('geheim'))).toBe(true);
    expect(copy.admits(Buffer.from('geheim '))).toBe(false);
  });
});

it('says why a rule cannot be', () => {
  const made = user('~a');
  const hash = 'a'.repeat(64);
  for (const [rule, error] of [
    ['+nosuch', UNKNOWN_COMMAND],
    ['-@nosuch', UNKNOWN_COMMAND],
    ['+get|a|b', UNKNOWN_COMMAND],
    ['+config|nosuch', UNKNOWN_COMMAND],
    ['-get|a', UNKNOWN_COMMAND],
    ['+config|get|a', FIRST_ARG_OF_SUBCOMMAND],
    ['+get|', BAD_RULE],
    ['nonsense', BAD_RULE],
    ['%~a', BAD_RULE],
    ['~a b', BAD_RULE],
    ['&a\tb', BAD_RULE],
    [')', BAD_RULE],
    ['(on)', BAD_RULE],
    [`#${hash}a`, BAD_HASH],
    ['!xyz', BAD_HASH],
    [`!${hash}`, NO_SUCH_PASSWORD],
    ['<x', NO_SUCH_PASSWORD],
    ['(~* ~a)', PATTERN_AFTER_ALL],
    ['(&* &a)', CHANNEL_AFTER_ALL],
  ] as const) {
    const before = made.description;
    expect(made.set(rule), rule).toBe(error);
    expect(made.description, rule).toBe(before);
  }
});

it('the parts of a selector are put together', () => {
  expect(mergeSelectors(['on', '(+get', '~a', '+b)', '(x)', '>(', 'y)'])).toEqual({
    rules: ['on', '(+get ~a +b)', '(x)', '>(', 'y)'],
  });
  expect(mergeSelectors(['(a', '(b', 'c)'])).toEqual({ rules: ['(a (b c)'] });
  expect(mergeSelectors(['on', '(a', 'b', '(c'])).toEqual({ unmatched: '(a' });
  expect(mergeSelectors(['('])).toEqual({ unmatched: '(' });
});
