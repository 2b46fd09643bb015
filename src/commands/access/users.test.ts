import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../families.js';
import { CommandTable } from '../table.js';
import { UNKNOWN_COMMAND, UNMATCHED } from './rules.js';
import { Users } from './users.js';

const commands = new CommandTable(FAMILIES);
const newUsers = () => new Users({ commands, allChannels: false, deprecated() {} });

describe('changes', () => {
  it('are drafted apart and put in force whole', () => {
    const users = newUsers();
    const draft = users.draft('a', ['on', '+get', '(+set', '~x)']);
    expect(users.get('a')).toBeUndefined();
    if ('rule' in draft) throw new Error(draft.reason);
    const live = users.put(draft.user);
    expect(users.get('a')).toBe(live);
    expect(users.draft('a', ['off', '+nosuch'])).toEqual({ rule: '+nosuch', reason: UNKNOWN_COMMAND });
    expect(users.draft('a', ['off', '(x'])).toEqual({ rule: '(x', reason: UNMATCHED });
    expect(live.isOn).toBe(true);
    const second = users.draft('a', ['-get']);
    if ('rule' in second) throw new Error(second.reason);
    // The same object goes on: sessions point at it.
    expect(users.put(second.user)).toBe(live);
    expect(live.description).toBe('on sanitize-payload resetchannels -@all -get (~x resetchannels -@all +set)');
    second.user.set('+@all');
    expect(live.description).toContain('-get (');
  });

  it('a user that is gone is not told of, and the list is in the order of bytes', () => {
    const users = newUsers();
    for (const name of ['b', 'a', '\xff', 'B', '']) {
      const draft = users.draft(name, []);
      if ('user' in draft) users.put(draft.user);
    }
    expect(users.all.map(({ name }) => name)).toEqual(['', 'B', 'a', 'b', 'default', '\xff']);
    expect(users.remove('a')?.name).toBe('a');
    expect(users.remove('a')).toBeUndefined();
    expect(users.lines[0]).toBe(' off sanitize-payload resetchannels -@all');
    expect(users.lines.join()).not.toContain('a off');
  });
});

describe('a file', () => {
  const parse = (text: string) => newUsers().parseFile(text, 'f.acl');

  it('is read back as it was written', () => {
    const users = newUsers();
    for (const [name, ...rules] of [
      ['alice', 'on', '>pw', '~a"b', '(~"c\\"d"', '"&)"', '+get)'],
      ['default', 'off', '>x', '-@all'],
      ['', '+@all', '-flushall'],
    ]) {
      const draft = users.draft(name!, rules);
      if ('rule' in draft) throw new Error(`${draft.rule}: ${draft.reason}`);
      users.put(draft.user);
    }
    const parsed = parse(users.lines.map((line) => `user ${line}\n`).join('\n'));
    if ('errors' in parsed) throw new Error(parsed.errors);
    expect(parsed.users.map((user) => `${user.name} ${user.description}`).sort()).toEqual([...users.lines].sort());
  });

  it('without the default user gives it as it is at first', () => {
    const parsed = parse('  user a on \t\r\n\n');
    expect('users' in parsed && parsed.users.map((user) => `${user.name} ${user.description}`)).toEqual([
      'a on sanitize-payload resetchannels -@all',
      'default on nopass sanitize-payload ~* &* +@all',
    ]);
  });

  it('tells every mistake with its line', () => {
    const parsed = parse(
      [
        'user alice on badrule',
        'user bob +nosuch -zz xx yy',
        'user bob on',
        'foo',
        'user',
        '',
        '#comment',
        'USER a on',
        'user a\tb on',
        'user c (~x',
      ].join('\n'),
    );
    expect(parsed).toEqual({
      errors:
        'f.acl:1: Syntax error. ' +
        "f.acl:2: Error in applying operation '+nosuch': Unknown command or category name in ACL. " +
        "f.acl:2: Error in applying operation '-zz': Unknown command or category name in ACL. " +
        'f.acl:2: Syntax error. ' +
        "WARNING: Duplicate user 'bob' found on line 3. " +
        'f.acl:4 should start with user keyword followed by the username. ' +
        'f.acl:5 should start with user keyword followed by the username. ' +
        'f.acl:7 should start with user keyword followed by the username. ' +
        'f.acl:8 should start with user keyword followed by the username. ' +
        "'f.acl:9: username 'a\tb' contains invalid characters. " +
        'f.acl:10: Unmatched parenthesis in selector definition. ' +
        'WARNING: ACL errors detected, no change to the previously active ACL rules was performed',
    });
  });
});
