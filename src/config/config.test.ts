import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../base/errors.js';
import { byteString } from '../base/words.js';
import { Config, LOADING } from './config.js';
import { DIRECTIVES, type Directive } from './directives.js';

const find = (config: Config, ...patterns: string[]) => config.find(patterns.map((each) => Buffer.from(each)));

describe('Config', () => {
  it('shows values as what they are', () => {
    const { values } = new Config({ maxmemory: '100mb', appendonly: true, save: '60 10 300 1', databases: 4 });
    expect(values.maxmemory).toBe(104857600);
    expect(values.appendonly).toBe(true);
    expect(values.save).toEqual([
      { seconds: 60, changes: 10 },
      { seconds: 300, changes: 1 },
    ]);
    expect(values.databases).toBe(4);
    expect(values['maxmemory-policy']).toBe('noeviction');
    expect(values['client-output-buffer-limit'].pubsub).toEqual({
      hardBytes: 33554432,
      softBytes: 8388608,
      softSeconds: 60,
    });
    expect(values.replicaof).toBe(null);
    expect(values['shutdown-on-sigint']).toEqual([]);
    expect(values.bind).toEqual(['*', '-::*']);
    expect(values['rdb-version']).toBe(11);
  });

  it('refuses what it is made with, by name', () => {
    expect(() => new Config({ nope: 1 })).toThrow(new ConfigError("unknown directive 'nope'"));
    expect(() => new Config({ 'rdb-version': 8 })).toThrow(
      new ConfigError("rdb-version '8': argument must be between 9 and 12 inclusive"),
    );
  });

  it('keeps the value of every kind through its own text', () => {
    const config = new Config();
    for (const directive of DIRECTIVES as readonly Directive[]) {
      if (directive.fixed) continue;
      const before = find(config, directive.name);
      expect(config.set([[directive.name, before[0]![1]]])).toBe(null);
      expect(find(config, directive.name)).toEqual(before);
    }
  });

  it('has every name once, in lower case', () => {
    const names = (DIRECTIVES as readonly Directive[]).flatMap(({ name, alias }) => [name, ...(alias ? [alias] : [])]);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name !== name.toLowerCase())).toEqual([]);
  });

  it('paths are meant from dir, and dir from itself', () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'onggi-config-')));
    try {
      mkdirSync(join(folder, '옹기'));
      const config = new Config({ dir: folder });
      expect(config.path('dump.rdb')).toBe(join(folder, 'dump.rdb'));
      expect(config.set([['dir', byteString('옹기')]])).toBe(null);
      expect(config.values.dir).toBe(join(folder, '옹기'));
      expect(config.path('a', 'b')).toBe(join(folder, '옹기', 'a', 'b'));
      expect(config.set([['dir', 'gone']])).toBe(
        "ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory",
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('keeps passwords to the byte', () => {
    const config = new Config();
    config.set([['requirepass', '\xff\x00a']]);
    expect(Buffer.from(config.bytes('requirepass'))).toEqual(Buffer.from([255, 0, 97]));
  });

  it('hides hidden directives from patterns alone', () => {
    const config = new Config();
    expect(find(config, 'key-load-*')).toEqual([]);
    expect(find(config, 'key-load-delay')).toEqual([['key-load-delay', '0']]);
  });

  it('counts as idle what was given and has no effect', () => {
    expect(new Config({ 'io-threads': 4, hz: 20, activedefrag: false }).idleGiven).toEqual([
      'io-threads',
      'activedefrag',
    ]);
  });
});

describe('CONFIG SET', () => {
  it('tells those who asked, once, when all values are in place', () => {
    const config = new Config();
    const seen: unknown[] = [];
    config.onChange(['maxmemory', 'hz'], ({ values }) => {
      seen.push([values.maxmemory, values.hz]);
    });
    config.set([
      ['maxmemory', '5'],
      ['timeout', '1'],
      ['hz', '50'],
    ]);
    expect(seen).toEqual([[5, 50]]);
    config.set([['hz', '50']]);
    expect(seen.length).toBe(1);
  });

  it('tells of a file that may have changed under the same name', () => {
    const config = new Config({ 'tls-cert-file': 'a.crt' });
    let calls = 0;
    config.onChange('tls-cert-file', () => {
      calls++;
    });
    config.set([['tls-cert-file', 'a.crt']]);
    expect(calls).toBe(1);
  });

  it('a value refused by who applies it puts all values back, and those told before are told again', () => {
    const config = new Config();
    const seen: number[] = [];
    const lines: string[] = [];
    const log = { debug() {}, verbose() {}, notice() {}, warning: (text: string) => lines.push(text) };
    config.onChange('hz', ({ values }) => {
      seen.push(values.hz);
    });
    config.onChange('port', ({ values }) =>
      values.port === 1 ? 'Unable to listen on this port. Check server logs.' : null,
    );
    const pairs = [
      ['hz', '99'],
      ['port', '1'],
    ] as const;
    expect(config.set(pairs, { log })).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
    );
    expect(seen).toEqual([99, 10]);
    expect([config.values.hz, config.values.port]).toEqual([10, 6379]);
    expect(lines).toEqual([
      'Failed applying new configuration. Possibly related to new port setting. Restoring previous settings.',
    ]);
  });

  it('the log is turned off when all else is in force: taking that back would not bring it back at once', () => {
    const config = new Config();
    const seen: string[] = [];
    config.onChange('appendonly', ({ values }) => {
      seen.push(`appendonly ${values.appendonly}`);
    });
    config.onChange('dir', () => {
      seen.push('dir');
      return 'no';
    });
    const pairs = [
      ['appendonly', 'yes'],
      ['dir', '/'],
    ] as const;
    expect(config.set(pairs)).toContain("argument 'dir') - no");
    expect(seen).toEqual(['dir', 'dir']);
    expect(config.values.appendonly).toBe(false);
  });

  it('a value that cannot be read leaves those before it as they were, untold', () => {
    const config = new Config();
    let calls = 0;
    config.onChange('hz', () => {
      calls++;
    });
    expect(
      config.set([
        ['hz', '99'],
        ['timeout', 'x'],
      ]),
    ).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer",
    );
    expect([config.values.hz, calls]).toEqual([10, 0]);
  });

  it('guarded directives ask first', () => {
    const config = new Config();
    expect(config.set([['dbfilename', 'a.rdb']], { mayChangeGuarded: () => false })).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
    );
    expect(config.set([['dbfilename', 'a.rdb']], { mayChangeGuarded: () => true })).toBe(null);
    expect(config.values.dbfilename).toBe('a.rdb');
  });

  it('some directives wait until the data is loaded', () => {
    const config = new Config();
    expect(config.set([['appendonly', 'yes']], { loading: true })).toBe(LOADING);
    expect(config.set([['hz', '9']], { loading: true })).toBe(null);
  });
});
