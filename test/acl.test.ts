/** Users over the life of a server: redis.conf and its rewriting, the file of users, and what stops a start. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RespClient } from './support/client.js';
import { removeFolder, temporaryFolder } from './support/folder.js';
import { freePort, onggiCommand, oracleCommand, startOnggi } from './support/server.js';

const listOf = (client: RespClient) => client.ask('ACL', 'LIST') as Promise<string[]>;

describe('redis.conf', () => {
  it('holds the users that CONFIG REWRITE found, whatever their names and patterns', async () => {
    const config =
      '# first\nsave ""\nuser alice on >pw ~a* +get\n# last\nuser default on nopass ~* &* +@all -flushall\n';
    const server = await startOnggi({ config });
    try {
      const client = await server.connect();
      await client.ask('ACL', 'SETUSER', 'al"ice\'', 'on', '~"q', "%R~'x", '~\\', '(~") +get)', '+@all', '-get', '&c');
      await client.ask('ACL', 'SETUSER', 'bob', 'reset', '-@dangerous', '+config|get', '+select|0', '%RW~*', '%R~a)');
      await client.ask('ACL', 'DELUSER', 'alice');
      await client.ask('ACL', 'SETUSER', '', 'on');
      await client.ask('CONFIG', 'SET', 'requirepass', 'x y');
      await client.ask('AUTH', 'x y');
      const before = await listOf(client);
      expect(before).toHaveLength(4);
      await client.ask('CONFIG', 'REWRITE');
      const file = join(server.dir, 'redis.conf');
      const text = readFileSync(file, 'utf8');
      expect(text).toMatch(/^# first\n/);
      expect(text).toMatch(/\nrequirepass "x y"\n/);
      expect(text.match(/^user /gm)).toHaveLength(4);
      expect(text.indexOf('\nuser ')).toBeLessThan(text.indexOf('# last'));
      await server.halt();
      const again = await startOnggi({ config: text, dir: server.dir });
      const later = await again.connect();
      await expect(later.ask('PING')).rejects.toThrow('NOAUTH');
      await later.ask('AUTH', 'x y');
      expect(await listOf(later)).toEqual(before);
      await again.stop();
    } finally {
      server.remove();
    }
  });

  it('loses its users to the file of users', async () => {
    const server = await startOnggi({ config: 'save ""\naclfile users.acl\n# user x on\n', dir: folderWith('') });
    const client = await server.connect();
    await client.ask('ACL', 'SETUSER', 'alice', 'on');
    await client.ask('CONFIG', 'REWRITE');
    expect(readFileSync(join(server.dir, 'redis.conf'), 'utf8')).not.toMatch(/^user /m);
    await client.ask('ACL', 'SAVE');
    await server.kill();
    const again = await startOnggi({ args: ['--aclfile', 'users.acl'], dir: server.dir });
    expect(await (await again.connect()).ask('ACL', 'USERS')).toEqual(['alice', 'default']);
    await again.stop();
    removeFolder(server.dir);
  });
});

function folderWith(users: string): string {
  const folder = temporaryFolder('acl');
  writeFileSync(join(folder, 'users.acl'), users, 'latin1');
  return folder;
}

/** What a server says that does not start, without the lines of the log that are about other things. */
async function refusal(command: string, config: string, users: string | null): Promise<string> {
  const folder = users === null ? temporaryFolder('acl') : folderWith(users);
  const file = join(folder, 'redis.conf');
  writeFileSync(file, `port ${await freePort()}\nbind 127.0.0.1\nsave ""\ndir ${folder}\n${config}\n`, 'latin1');
  const { stdout, stderr, status } = spawnSync(command, [file], { encoding: 'latin1', timeout: 60_000 });
  removeFolder(folder);
  const lines = `${stdout}${stderr}`.split('\n').map((line) => line.replace(/^\d+:\w .{24} ([#*]) /, '$1 '));
  const told = lines.filter((line) => /user|ACL|>>>|FATAL|line|declar/.test(line) && !/oO0|jemalloc/.test(line));
  return `${status}\n${told.join('\n').replace(/\(Redis [\d.]+\)/, '')}`;
}

const CONFIGS: [config: string, users: string | null][] = [
  ['user alice on +nosuch', null],
  ['user alice on -@nosuch', null],
  ['user "a b" on', null],
  ['user', null],
  ['user default on nopass\nuser default off', null],
  ['user alice on\nuser alice on', null],
  ['aclfile users.acl', null],
  ['aclfile users.acl\nuser a on', ''],
  ['aclfile users.acl', 'user alice on badrule\nuser bob +nosuch -zz xx yy\nuser bob on\nfoo\nuser\n#c\n'],
  ['aclfile users.acl', 'user a on (~x)\n\n  user a off\nUSER b\nuser c\td on\n'],
  ['aclfile users.acl', 'user a +@nosuch ~* ~x #abc <x\nuser default +nosuch\n'],
];

it.each(CONFIGS)('does not start, with the words of redis-server: %j %j', async (config, users) => {
  const [expected, actual] = await Promise.all(
    [oracleCommand(), onggiCommand()].map((command) => refusal(command, config, users)),
  );
  expect(expected).toMatch(/^1\n/);
  expect(actual).toBe(expected);
});

it.each([
  ['user alice on badrule', "Error in user declaration 'badrule': Syntax error"],
  ['user alice (+get ~x', "Error in user declaration '(+get': Unmatched parenthesis in acl selector"],
  ['user alice on &a &* &b', "Error in user declaration '&b': Adding a pattern after the * pattern (or the"],
])('names the line and the rule: %s', async (line, text) => {
  const told = await refusal(onggiCommand(), `# a comment\n${line}`, null);
  expect(told).toContain('Reading the configuration file, at line 6');
  expect(told).toContain(`>>> '${line}'`);
  expect(told).toContain(text);
});
