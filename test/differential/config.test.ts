/**
 * The configuration against redis-server's own: every directive and its default, what CONFIG SET accepts and says, what
 * the reader of redis.conf and the command line make of a text, what CONFIG REWRITE leaves of a file.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseStartOptions } from '../../src/cli/start-options.js';
import { Config } from '../../src/config/config.js';
import { DIRECTIVES, findDirective } from '../../src/config/directives.js';
import { ConfigFileError, ConfigLineError, readConfig } from '../../src/config/reader.js';
import { rewriteText } from '../../src/config/rewrite.js';
import { RespClient } from '../support/client.js';
import { removeFolder, temporaryFolder } from '../support/folder.js';
import { ownProcess, releaseProcess } from '../support/reaper.js';
import { oracleCommand, type Server, startOracle } from '../support/server.js';
import { eventually } from '../support/wait.js';

let oracle: Server;
let client: RespClient;
beforeAll(async () => {
  oracle = await startOracle();
  client = await oracle.connect();
});
afterAll(async () => {
  await oracle.stop();
});

/** What redis-server 7.0 has and 7.2 does not show, or shows otherwise. */
const HIDDEN_SINCE = ['aof-disable-auto-gc'];
/** New in 7.2, and ours. */
const NEW = [
  'aof-checksum',
  'aof-load-corrupt-tail-max-size',
  'aof-preallocate',
  'aof-rewrite-cpulist',
  'bgsave-cpulist',
  'bio-cpulist',
  'cluster-announce-human-nodename',
  'locale-collate',
  'rdb-version',
  'server-cpulist',
  'set-max-listpack-entries',
  'set-max-listpack-value',
];

function pairs(values: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < values.length; i += 2) map.set(values[i]!, values[i + 1]!);
  return map;
}

describe('directives', () => {
  it('are those of redis-server, with its defaults', async () => {
    const theirs = pairs((await client.ask('CONFIG', 'GET', '*')) as string[]);
    const ours = new Map(new Config().find([Buffer.from('*')]));
    const missing = [...theirs.keys()].filter((name) => !ours.has(name) && !HIDDEN_SINCE.includes(name));
    const more = [...ours.keys()].filter((name) => !theirs.has(name));
    expect(missing).toEqual([]);
    expect(more.sort()).toEqual(NEW);
    // Given on the oracle's command line, or the place where it runs.
    const given = ['port', 'bind', 'dir', 'save', 'enable-debug-command'];
    const different = [...theirs].filter(
      ([name, value]) => ours.has(name) && ours.get(name) !== value && !given.includes(name),
    );
    expect(different).toEqual([]);
  });

  it('can be changed where redis-server lets them be changed', async () => {
    const names = pairs((await client.ask('CONFIG', 'GET', '*')) as string[]);
    for (const name of names.keys()) {
      if (HIDDEN_SINCE.includes(name)) continue;
      // A value that nothing but a free string or an address accepts: the answer tells fixed, guarded and others apart.
      const directive = findDirective(name)!;
      if (name === 'bind' || (directive.kind.type === 'string' && !directive.fixed && !directive.guarded)) continue;
      const theirs = await answer('CONFIG', 'SET', name, '\x01');
      const ours = `-${new Config().set([[name, '\x01']], { mayChangeGuarded: () => false })}`;
      expect(withLoglevels(ours)).toBe(withLoglevels(theirs));
    }
  });
});

/** 7.2 has one more level. */
function withLoglevels(text: string): string {
  return text.replace('debug, verbose, notice, warning, nothing', 'debug, verbose, notice, warning');
}

async function answer(...command: string[]): Promise<string> {
  const reply = await client.call(...command.map((word) => Buffer.from(word, 'latin1')));
  return `${reply.mark}${reply.bytes?.toString('latin1') ?? ''}`;
}

const VALUES: Record<string, string[]> = {
  save: [
    '900 1',
    ' 900 1',
    '900  1',
    '+900 1',
    '900 ',
    '0 1',
    '1 -1',
    '1 0',
    '99999999999 4294967297',
    '9 1 x',
    '',
    '1',
  ],
  maxmemory: [
    '',
    'k',
    '10k',
    '10KB',
    '1gb',
    '18446744073709551616',
    '99999999999999999999gb',
    '1 kb',
    '1tb',
    '5b',
    '0x5',
  ],
  'repl-backlog-size': ['', '1', '20000', '1mb', '9223372036854775808', '-5'],
  'maxmemory-clients': ['5%', '0%', '-5%', '05%', '100%', '101%', '%', '18446744073709551616', '1g', '-1'],
  'list-max-listpack-size': [
    '',
    '1.5',
    '01',
    '+1',
    '-0',
    '2147483648',
    '-2147483648',
    '9223372036854775808',
    ' 1',
    '-2',
  ],
  'slowlog-log-slower-than': ['-2', '-1', '2147483648', '9223372036854775807'],
  'client-output-buffer-limit': [
    ...['normal 0 0 0', 'slave 1mb 2k 60', 'replica 1 2 3 pubsub 4 5 6', 'master 1 2 3', 'NORMAL 1 1 1'],
    ...['normal x 1 1', 'normal 1 1 -1', 'normal 1 1 1x', '', 'normal  1 1', 'normal 1'],
  ],
  'oom-score-adj-values': ['1 2 3', 'a b c', '3000 0 0', '-2000 2000 5', ''],
  'notify-keyspace-events': [
    ...['A', 'AK', 'AKEmn', 'KEn', '$m', 'mn', 'gd', 'AmdE', 'g$lshzxetd', 'KEg$lshzxetdn', 'xxK', '', 'q'],
  ],
  'latency-tracking-info-percentiles': [
    '50 99',
    '0.1234567',
    '1e1',
    '99.99999999',
    '',
    ' 50',
    'nan',
    'inf',
    '0x10',
    '+5',
  ],
  'shutdown-on-sigterm': ['default save', 'now save', 'SAVE FORCE', 'save nosave', 'default', '', 'save  now'],
  'proc-title-template': ['{title} x', '{title', '{foo}', '', '}', '{title}}', '{title}{port}', '{ title }', '{TITLE}'],
  'cluster-announce-hostname': ['a.b', 'a_b', 'a b', ''],
  'maxmemory-policy': ['allkeys-lru', 'ALLKEYS-LFU', 'x', ''],
  appendfsync: ['Always', 'sometimes', 'no'],
  hz: ['0', '5', '501', '-1'],
  activerehashing: ['YES', 'No', 'true', ''],
  masterauth: ['\x00a', 'ü', '', '"'],
  'hash-max-ziplist-value': ['1kb', '-1', '9223372036854775807', '9223372036854775808'],
  'replica-priority': ['x', '7'],
  'tracking-table-max-keys': ['1k', '5'],
};

describe('CONFIG SET and GET', () => {
  for (const [name, values] of Object.entries(VALUES)) {
    it(`${name}: the same answers and the same value after each`, async () => {
      const config = new Config();
      for (const value of values) {
        const theirs = await answer('CONFIG', 'SET', name, value);
        const error = config.set([[name, value]]);
        expect([value, error === null ? '+OK' : `-${error}`]).toEqual([value, theirs]);
        const after = await client.call('CONFIG', 'GET', name);
        expect([value, config.find([Buffer.from(name)])]).toEqual([
          value,
          [[name, after.items?.[1]?.bytes?.toString('latin1')]],
        ]);
      }
    });
  }

  it('several at once: all or none, the first mistake named', async () => {
    const sets = [
      ['maxmemory-samples', '7', 'hz', '20'],
      ['maxmemory-samples', '8', 'hz', 'x'],
      ['maxmemory-samples', '8', 'nope', '1', 'daemonize', 'yes'],
      ['daemonize', 'yes', 'nope', '1'],
      ['hz', '30', 'HZ', '31'],
      ['slave-priority', '5', 'replica-priority', '6'],
      ['Timeout', '5'],
    ];
    const config = new Config();
    const shown = ['maxmemory-samples', 'hz', 'replica-priority', 'timeout'] as const;
    for (const name of shown) await client.ask('CONFIG', 'SET', name, config.get(name));
    for (const words of sets) {
      const theirs = await answer('CONFIG', 'SET', ...words);
      const ours = config.set(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]!] as const] : [])));
      expect(ours === null ? '+OK' : `-${ours}`).toBe(theirs);
      for (const name of shown) {
        const after = (await client.ask('CONFIG', 'GET', name)) as string[];
        expect(config.get(name)).toBe(after[1]);
      }
    }
  });

  it('patterns find the same names', async () => {
    const patterns = [
      ...[
        'slave*',
        '*max*',
        'h?',
        'SAVE',
        'sAvE',
        '[a-c]*-[f-h]*',
        '[^a-z]*',
        '*\\-*',
        'zset\\-max*',
        'zzz',
        '',
        '[n',
        'port\\*',
      ],
      ...['*-*-*-*', 'MAX*', '[m]axmemory'],
    ];
    for (const pattern of patterns) {
      const theirs = [...pairs((await client.ask('CONFIG', 'GET', pattern)) as string[]).keys()];
      const ours = new Config().find([Buffer.from(pattern)]).map(([name]) => name);
      const known = (name: string) => !NEW.includes(name) && !HIDDEN_SINCE.includes(name);
      expect([pattern, ours.filter(known).sort()]).toEqual([pattern, theirs.filter(known).sort()]);
    }
  });
});

interface Outcome {
  error: string | null;
  values: string[];
}

const SHOWN = [
  'save',
  'maxmemory',
  'requirepass',
  'bind',
  'client-output-buffer-limit',
  'timeout',
  'shutdown-on-sigint',
];

/** redis-server with those words: `output` once it has ended, or null once it serves at `socket`. */
async function launch(dir: string, words: readonly string[], input = '') {
  const child = spawn(oracleCommand(), [...words], { cwd: dir, stdio: 'pipe' });
  ownProcess(child.pid!);
  let output = '';
  let ended = false;
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  // One that refuses its command line may end before it has read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  child.on('close', () => {
    ended = true;
    releaseProcess(child.pid!);
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await eventually(() => ended, { what: 'the end of redis-server' });
  };
  try {
    await eventually(() => ended || output.includes('ready to accept connections'), {
      what: 'redis-server',
      everyMs: 3,
    });
  } catch (error) {
    await kill();
    throw error;
  }
  return { output: ended ? output : null, kill };
}

/** Starts redis-server in `dir`; what it printed, or what CONFIG GET says. */
async function theirOutcome(dir: string, words: readonly string[], input: string): Promise<Outcome> {
  const { output, kill } = await launch(dir, words, input);
  if (output !== null) {
    return { error: output.replace(/^\d+:C.{25} /gm, '').replace(/\(Redis [\d.]+\)/, '(Redis)'), values: [] };
  }
  try {
    const asking = await RespClient.connect(join(dir, 'oracle.sock'));
    if ((await asking.call('PING')).mark === '-') await asking.ask('AUTH', 'se cret"');
    const values: string[] = [];
    for (const name of SHOWN) values.push(((await asking.ask('CONFIG', 'GET', name)) as string[])[1]!);
    await asking.close();
    return { error: null, values };
  } finally {
    await kill();
  }
}

function ourOutcome(dir: string, words: readonly string[], input: string): Outcome {
  const config = new Config({ dir });
  const options = parseStartOptions(words);
  try {
    readConfig(config, {
      ...(options.file === null ? {} : { file: join(dir, options.file) }),
      ...(options.input ? { input } : {}),
      options: options.lines,
      commands: new Set(['get', 'set', 'config']),
    });
    return { error: null, values: SHOWN.map((name) => config.get(name as 'save')) };
  } catch (error) {
    if (error instanceof ConfigLineError)
      return { error: error.report.replace(/\(Redis [\d.]+\)/, '(Redis)'), values: [] };
    if (error instanceof ConfigFileError) return { error: `# ${error.message}\n`, values: [] };
    throw error;
  }
}

/** A file's text, further words of the command line, standard input. */
type Case = { file?: string; words?: string[]; input?: string; more?: Record<string, string> };

const GOOD: Record<string, Case> = {
  'save lines replace the default and add up': { file: 'save 900 1\nsave 300 10 60 10000\nsave 60 10\n' },
  'an empty save clears': { file: 'save 900 1\nsave ""\n' },
  'an empty save clears, later ones add': { file: 'save ""\nsave 5 5\n' },
  'save on the command line adds to the file': {
    file: 'save 900 1\n',
    words: ['--save', '60', '10', '--save', '300 1'],
  },
  'save in one word and in several': { words: ['--save', '60 10 300 1', '--maxmemory', '5mb'] },
  'save in several words': { words: ['--save', '60', '10', '300', '1'] },
  'an empty save on the command line': { file: 'save 900 1\n', words: ['--save', ''] },
  'save without a value, last': { file: 'save 900 1\n', words: ['--save'] },
  'save without a value, then another': { file: 'save 900 1\n', words: ['--save', '--maxmemory', '3kb'] },
  'a value that begins with two dashes': { words: ['--requirepass', '--x', '--requirepass', 'se cret"'] },
  'name and value in one word': { words: ['--maxmemory 7mb', '--timeout 5'] },
  'standard input first': { words: ['-', '--maxmemory', '7mb'], input: 'timeout 9\nmaxmemory 1mb\n' },
  'standard input last': {
    file: 'timeout 3\n',
    words: ['--maxmemory', '7mb', '-'],
    input: 'timeout 9\nmaxmemory 1mb\n',
  },
  'quotes and escapes': { file: 'requirepass "se\\x20cret\\""\n' },
  'single quotes': { file: "requirepass 'se cret\"'\n" },
  'upper case, blanks and tabs, carriage returns': { file: '  MaxMemory\t5MB  \r\n\r\n# x\n\ttimeout   7\n' },
  'aliases and forgotten names': { file: 'slave-priority 3\nlua-replicate-commands no\nlist-max-ziplist-value 3\n' },
  units: { file: 'maxmemory 2g\nclient-output-buffer-limit slave 1gb 5k 3\nclient-output-buffer-limit pubsub 1 2 3\n' },
  includes: { file: 'timeout 1\ninclude a.conf\nmaxmemory 2mb\n', more: { 'a.conf': 'timeout 2\nmaxmemory 1mb\n' } },
  'included patterns': {
    file: 'include conf.d/*.conf\ninclude no*.conf\n',
    more: { 'conf.d/1.conf': 'timeout 2\n', 'conf.d/2.conf': 'timeout 3\n', 'conf.d/.3.conf': 'timeout 4\n' },
  },
  'several words in one': { file: 'shutdown-on-sigint "save now"\nbind "127.0.0.1 -::1"\n' },
  'a renamed command': { file: 'rename-command GET ""\nrename-command set get\n' },
  'nothing after a name of words': { file: 'save\n' },
};

const BAD: Record<string, Case> = {
  'an unknown directive': { file: 'timeout 5\n\nnope 1\n' },
  'a bad value': { file: 'timeout x\n' },
  'a bad value on the command line': { file: 'timeout 5\nhz 10', words: ['--port', 'abc'] },
  'a bad value on the command line alone': { words: ['--PORT', '1a'] },
  'no value': { words: ['--port'] },
  'too many values': { file: 'timeout 1 2\n' },
  'no file': { words: ['gone.conf'] },
  'no included file': { file: 'include gone.conf\n' },
  'a mistake in an included file': { file: 'timeout 1\n\ninclude a.conf\n', more: { 'a.conf': '\n\n\n  nope\n' } },
  'include without a path': { file: 'include\n' },
  'unbalanced quotes': { file: 'requirepass "abc\n' },
  'text after a closing quote': { file: 'requirepass "abc"d\n' },
  'bad save points': { words: ['--save', '1'] },
  'bad save points in one word': { words: ['--save', '1 2 3'] },
  'an unknown command to rename': { file: 'rename-command foo bar\n' },
  'a command renamed to another': { file: 'rename-command get set\n' },
  'a module parameter without a value': { file: 'mod.param\n' },
  'sentinel lines': { file: 'sentinel monitor x 1 2 3\n' },
  'a log file that cannot be opened': { file: 'logfile /gone/for/ever.log\n' },
  'a folder that does not exist': { words: ['--dir', '/gone'] },
  'a folder that is a file': { words: ['--dir', '/etc/passwd'] },
  'a path for a file name': { words: ['--appendfilename', 'a/b'] },
  'an empty file name': { words: ['--appendfilename', ''] },
  'replicaof in cluster mode': { words: ['--cluster-enabled', 'yes', '--replicaof', 'a', '1'] },
  'a port that is none': { words: ['--slaveof', 'x', 'y'] },
  'a word without dashes': { words: ['--port', '0', 'x'] },
  'one dash': { words: ['-p', '7000'] },
  'an octal that is none': { words: ['--unixsocketperm', '9'] },
  'an octal out of range': { words: ['--unixsocketperm', '1777'] },
};

describe('redis.conf and the command line', () => {
  for (const [title, each] of Object.entries({ ...GOOD, ...BAD })) {
    it(title, async () => {
      const dir = temporaryFolder('config');
      try {
        const words = [...(each.words ?? [])];
        if (each.file !== undefined) {
          writeFileSync(join(dir, 'my.conf'), each.file, 'latin1');
          words.unshift('my.conf');
        }
        for (const [name, text] of Object.entries(each.more ?? {})) {
          mkdirSync(join(dir, name, '..'), { recursive: true });
          writeFileSync(join(dir, name), text);
        }
        const good = title in GOOD;
        // Where the start succeeds, it must not take a port.
        const last = words.at(-1) === '-' ? words.splice(-1) : [];
        if (good) words.push('--port', '0', '--unixsocket', 'oracle.sock', ...last);
        const ours = ourOutcome(dir, words, each.input ?? '');
        const theirs = await theirOutcome(dir, words, each.input ?? '');
        expect(ours).toEqual(theirs);
        expect(ours.error === null).toBe(good);
      } finally {
        removeFolder(dir);
      }
    });
  }
});

const SIGNATURE = '# Generated by CONFIG REWRITE';

/** Lines before the signature in their order; those after it as a set: redis-server's order there is that of a hash table. */
function shape(text: string): { kept: string[]; added: string[] } {
  const lines = text.split('\n');
  const at = lines.indexOf(SIGNATURE);
  // Users are the ACL's to write.
  const added = (at < 0 ? [] : lines.slice(at + 1)).filter((line) => line !== '' && !line.startsWith('user '));
  return { kept: at < 0 ? lines : lines.slice(0, at), added: added.sort() };
}

const REWRITES: Record<string, { text: string; sets: [string, string][] }> = {
  'a small file': {
    text: '# first\nport 0\n\n\n\ntimeout 5   \nmaxmemory 1024\nslave-priority 7\n# last\n',
    sets: [
      ['maxmemory', '2gb'],
      ['timeout', '9'],
      ['hz', '20'],
      ['slowlog-max-len', '5'],
    ],
  },
  'save lines': { text: 'port 0\nsave 900 1\nsave 300 10\n# after\n', sets: [['save', '60 10']] },
  'save cleared': { text: 'port 0\nsave 900 1\nsave 300 10\n', sets: [['save', '']] },
  'lines given twice': { text: 'timeout 1\nport 0\ntimeout 2\n\ntimeout 3\n', sets: [] },
  'older names': { text: 'port 0\nslave-read-only no\nhash-max-ziplist-entries 7\nslaveof no one\n', sets: [] },
  'forgotten names': { text: 'port 0\nlua-replicate-commands no\n', sets: [] },
  'buffer limits': {
    text: 'port 0\nclient-output-buffer-limit pubsub 1mb 5 6\nclient-output-buffer-limit normal 0 0 0\n',
    sets: [['client-output-buffer-limit', 'slave 1gb 1500 3']],
  },
  strings: {
    text: 'port 0\nrequirepass foo\nmasterauth bar\n',
    sets: [
      ['requirepass', ''],
      ['masterauth', 'a "b"\n\x01ü'],
    ],
  },
  words: {
    text: 'port 0\n',
    sets: [
      ['shutdown-on-sigint', 'now save'],
      ['oom-score-adj-values', '1 2 3'],
      ['notify-keyspace-events', 'KEA'],
      ['latency-tracking-info-percentiles', ''],
      ['maxmemory-clients', '5%'],
      ['unixsocketperm', ''],
    ],
  },
  'no line feed at the end': {
    text: 'port 0\ntimeout 5',
    sets: [
      ['timeout', '6'],
      ['hz', '11'],
    ],
  },
  'already signed': {
    text: `port 0\n${SIGNATURE}\ntimeout 5\n`,
    sets: [
      ['timeout', '0'],
      ['hz', '12'],
    ],
  },
  'an include': { text: 'port 0\ninclude none*.conf\nrename-command GET ""\nTIMEOUT 7\n', sets: [] },
};

describe('CONFIG REWRITE', () => {
  for (const [title, { text, sets }] of Object.entries(REWRITES)) {
    it(title, async () => {
      await compareRewrite(text, sets);
    });
  }

  const debian = '/etc/redis/redis.conf';
  it.skipIf(!existsSync(debian))(`Debian's whole redis.conf (skipped without ${debian})`, async () => {
    const text = readFileSync(debian, 'latin1');
    const config = new Config();
    readConfig(config, { input: text.replace(/^(dir|logfile|pidfile) .*$/gm, '') });
    expect(config.idleGiven).toContain('jemalloc-bg-thread');
    // The folders are of a system service, and the port may be taken.
    const usable = text.replace(/^(dir|logfile|pidfile|daemonize|supervised|port) .*$/gm, '').concat('\nport 0\n');
    await compareRewrite(usable, []);
    await compareRewrite(usable, [
      ['save', '5 5'],
      ['maxmemory', '100mb'],
      ['maxmemory-policy', 'allkeys-lru'],
      ['appendfsync', 'always'],
      ['client-output-buffer-limit', 'normal 1mb 0 0'],
    ]);
  });

  async function compareRewrite(text: string, sets: readonly [string, string][]): Promise<void> {
    const dir = temporaryFolder('rewrite');
    const file = join(dir, 'my.conf');
    writeFileSync(file, text, 'latin1');
    const socket = join(dir, 'oracle.sock');
    const place = ['--unixsocket', socket, '--dir', dir];
    const { output, kill } = await launch(dir, [file, ...place]);
    try {
      expect(output).toBe(null);
      const config = new Config({ dir });
      readConfig(config, { file, options: parseStartOptions(place).lines });
      const asking = await RespClient.connect(socket);
      if ((await asking.call('PING')).mark === '-') await asking.ask('AUTH', 'foo');
      for (const [name, value] of sets) {
        const theirs = await asking.call('CONFIG', 'SET', name, Buffer.from(value, 'latin1'));
        const ours = config.set([[name, value]]);
        expect([name, ours === null]).toEqual([name, theirs.mark === '+']);
      }
      const ours = rewriteText(text, config);
      await asking.ask('CONFIG', 'REWRITE');
      await asking.close();
      expect(shape(ours)).toEqual(shape(readFileSync(file, 'latin1')));
      // What was written is read back to the same values, and stays as it is when written again.
      const again = new Config({ dir });
      readConfig(again, { input: ours });
      for (const { name } of DIRECTIVES) expect([name, again.get(name)]).toEqual([name, config.get(name)]);
      expect(rewriteText(ours, again).trimEnd()).toBe(ours.trimEnd());
    } finally {
      await kill();
      removeFolder(dir);
    }
  }
});

it('the oracle is a Redis 7', () => {
  expect(spawnSync(oracleCommand(), ['--version'], { encoding: 'utf8' }).stdout).toMatch(/v=7\./);
});
