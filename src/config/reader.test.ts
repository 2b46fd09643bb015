import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REDIS_VERSION } from '../base/version.js';
import { byteString } from '../base/words.js';
import { Config } from './config.js';
import { DIRECTIVES, type Directive } from './directives.js';
import { expandPaths } from './expand-paths.js';
import { ConfigFileError, ConfigLineError, readConfig } from './reader.js';
import { rewriteText } from './rewrite.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onggi-reader-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function put(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function read(text: string, options = ''): Config {
  const config = new Config({ dir: folder });
  readConfig(config, { file: put('redis.conf', text), options });
  return config;
}

function mistake(text: string, options = ''): ConfigLineError {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof ConfigLineError) return error;
    throw error;
  }
  throw new Error('no mistake was found');
}

describe('readConfig', () => {
  it('reads file, standard input and options, the later ones winning', () => {
    const config = new Config();
    readConfig(config, {
      file: put('redis.conf', 'timeout 1\nhz 11\nmaxmemory 1kb'),
      input: '\ntimeout 2\nhz 12\n',
      options: 'timeout 3',
    });
    expect([config.values.timeout, config.values.hz, config.values.maxmemory]).toEqual([3, 12, 1024]);
    expect(config.file).toBe(join(folder, 'redis.conf'));
    expect(config.given.has('hz')).toBe(true);
  });

  it('save lines add up as the walk-through of docs/backup.md has them', () => {
    expect(read('save 900 1\nsave 300 10\nsave 60 10000\nsave 60 10\n').get('save')).toBe(
      '900 1 300 10 60 10000 60 10',
    );
    expect(read('').get('save')).toBe('3600 1 300 100 60 10000');
  });

  it('says where a mistake is, in the words that tools look for', () => {
    expect(mistake('hz 10\n# comment\n   nope   1  \n').report).toBe(
      `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\nReading the configuration file, at line 3\n>>> 'nope   1'\nBad directive or wrong number of arguments\n`,
    );
    expect(mistake('hz 10', 'port x').line).toBe(2);
    expect(mistake('hz 10\n', 'hz 1\nport x').line).toBe(4);
  });

  it('includes files, relative to dir as it is then', () => {
    put('sub/more.conf', 'timeout 9\n');
    expect(read('dir sub\ninclude more.conf\n').values.timeout).toBe(9);
    expect(() => read('include gone.conf\n')).toThrow(ConfigFileError);
    expect(() => read('include gone*.conf\n')).not.toThrow();
  });

  it('does not follow a file that includes itself forever', () => {
    expect(mistake(`include ${join(folder, 'redis.conf')}\n`).reason).toBe('Too many levels of include');
  });

  it('keeps what is not a directive for those who know it', () => {
    const config = read('user alice on >x ~*\nrename-command FLUSHALL ""\nloadmodule /a.so 1 2\nmod.size 5 6\n');
    expect(config.users).toEqual([['alice', 'on', '>x', '~*']]);
    expect(config.renames).toEqual([['flushall', '']]);
    expect(config.modules).toEqual([['/a.so', '1', '2']]);
    expect(config.moduleParameters).toEqual([['mod.size', '5 6']]);
  });

  it('a log file that cannot be written is a mistake before anything starts', () => {
    expect(mistake('logfile /gone/x.log\n').report).toContain("Can't open the log file: No such file or directory");
    read('logfile here.log\n');
    expect(existsSync(join(folder, 'here.log'))).toBe(true);
  });

  it('reads values as UTF-8', () => {
    expect(read('requirepass 옹기\n').values.requirepass).toBe('옹기');
  });
});

/** Their words are addresses and are written as they are, as Redis does. */
const UNQUOTED = ['bind', 'replicaof'];

it('whatever the text, it is read or refused by name, and what was read is read again from its rewriting', () => {
  const names = (DIRECTIVES as readonly Directive[])
    .map(({ name }) => name)
    .filter((name) => !UNQUOTED.includes(name) && name !== 'dir' && name !== 'logfile');
  const word = fc.oneof(
    fc.constantFrom('yes', 'no', '0', '1', '60 10', '1gb', '-1', '5%', '""', 'AKE', 'normal 1 2 3', '"\\x41"', "'"),
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replaceAll('\n', '')),
  );
  const line = fc.tuple(
    fc.constantFrom(...names, 'user', 'rename-command', 'x.y', 'nope'),
    fc.array(word, { maxLength: 4 }),
  );
  fc.assert(
    fc.property(line, ([name, words]) => {
      const config = new Config({ dir: folder });
      try {
        readConfig(config, { input: byteString(`${name} ${words.join(' ')}`) });
      } catch (error) {
        if (!(error instanceof ConfigLineError)) throw error;
        return;
      }
      const again = new Config({ dir: folder });
      readConfig(again, { input: rewriteText('', config) });
      expect(again.find([Buffer.from('*')])).toEqual(config.find([Buffer.from('*')]));
    }),
    { numRuns: 400 },
  );
});

describe('expandPaths', () => {
  it('finds as the shell does', () => {
    for (const name of ['a1.conf', 'a2.conf', 'b.conf', '.c.conf', 'd/a1.conf', 'e/a1.conf', 'x[1].conf'])
      put(name, '');
    const find = (pattern: string) => expandPaths(pattern, folder);
    expect(find('a*.conf')).toEqual(['a1.conf', 'a2.conf']);
    expect(find('a?.conf')).toEqual(['a1.conf', 'a2.conf']);
    expect(find('[!a].conf')).toEqual(['b.conf']);
    expect(find('[a-b]*.conf')).toEqual(['a1.conf', 'a2.conf', 'b.conf']);
    expect(find('.*.conf')).toEqual(['.c.conf']);
    expect(find('*/a1.conf')).toEqual(['d/a1.conf', 'e/a1.conf']);
    expect(find('x\\[1\\].con*')).toEqual(['x[1].conf']);
    expect(find(join(folder, '*b.conf'))).toEqual([join(folder, 'b.conf')]);
    expect(find('gone/*.conf')).toEqual([]);
  });
});

describe('rewrite', () => {
  it('keeps the permissions, goes through a link, and leaves nothing beside the file', () => {
    const path = put('real.conf', '# mine\nhz 10\n');
    chmodSync(path, 0o640);
    symlinkSync(path, join(folder, 'link.conf'));
    const config = new Config({ dir: folder });
    readConfig(config, { file: join(folder, 'link.conf') });
    config.set([['hz', '20']]);
    config.rewrite();
    expect(readFileSync(path, 'utf8')).toMatch(/^# mine\nhz 20\n/);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['link.conf', 'real.conf']);
  });

  it('makes the file again when it is gone', () => {
    const config = read('hz 20\n');
    rmSync(join(folder, 'redis.conf'));
    config.rewrite();
    expect(readFileSync(join(folder, 'redis.conf'), 'utf8')).toContain('# Generated by CONFIG REWRITE\n');
  });

  it('a folder that is gone is an error, and says so', () => {
    const config = read('hz 20\n');
    config.file = join(folder, 'gone', 'redis.conf');
    expect(() => config.rewrite()).toThrow(/ENOENT/);
  });

  it('users of the ACL take the place of the lines that were there', () => {
    const config = read('user a on\n# keep\nuser b on\n');
    config.rewrite(['default on nopass']);
    expect(readFileSync(config.file!, 'utf8')).toMatch(/^user default on nopass\n# keep\n\n/);
    config.rewrite();
    expect(readFileSync(config.file!, 'utf8')).toContain('user default on nopass\n');
  });
});
