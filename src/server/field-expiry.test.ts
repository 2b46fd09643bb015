/** Fields that expire, in a whole server: effects and their units, events, WATCH, INFO, and what a reload makes of them. */
import { describe, expect, it } from 'vitest';
import { RespClient } from '../../test/support/client.js';
import { eventually } from '../../test/support/wait.js';
import { ManualClock } from '../base/clock.js';
import { inFolder, LiveServer, RecordingSink } from './testing/live-server.js';

interface Played {
  live: LiveServer;
  sink: RecordingSink;
  clock: ManualClock;
  client: RespClient;
  /** Runs inline commands, one a line. */
  play(text: string): Promise<void>;
}

/** Active expiry is off at first. */
async function withServer(run: (p: Played) => Promise<void>, config: Record<string, string> = {}): Promise<void> {
  const sink = new RecordingSink();
  const clock = new ManualClock();
  await using live = await LiveServer.start({ sink, clock, config: { 'enable-debug-command': 'yes', ...config } });
  await using client = await RespClient.connect(live.port);
  const play = async (text: string): Promise<void> => {
    for (const line of text.trim().split('\n')) await client.ask(...line.trim().split(' '));
  };
  await play('DEBUG SET-ACTIVE-EXPIRE 0');
  await run({ live, sink, clock, client, play });
}

describe('fields whose time is over', () => {
  it('are propagated with the command that met them, as one unit', () =>
    withServer(async ({ sink, clock, client, play }) => {
      await play(`
        HSET h a 1 b 2 c 3 d 4
        HPEXPIRE h 10 FIELDS 3 a b c`);
      expect(sink.take()).toEqual(['0 HSET h a 1 b 2 c 3 d 4', `0 HPEXPIREAT h ${clock.nowMs + 10} FIELDS 3 a b c`]);
      clock.advance(20);
      expect(await client.ask('HGET', 'h', 'a')).toBe(null);
      expect(sink.take()).toEqual(['0 HDEL h a']);
      expect(await client.ask('HINCRBY', 'h', 'b', 5)).toBe(5);
      expect(sink.take()).toEqual(['[0 HDEL h b][0 HINCRBY h b 5]']);
      await play(`
        MULTI
        HGET h c
        SET k v
        EXEC`);
      expect(sink.take()).toEqual(['[0 HDEL h c][0 SET k v]']);
      await play('HPEXPIREAT h 1 FIELDS 3 b d x');
      expect(sink.take()).toEqual(['[0 HDEL h b][0 HDEL h d]']);
    }));

  it('go by themselves, each propagated on its own, and the hash with the last one', () =>
    withServer(async ({ live, sink, clock, client, play }) => {
      await play(`
        SELECT 3
        HSET h a 1 b 2
        HSETEX h PX 10 FIELDS 2 a 1 b 2
        HSET i a 1 b 2
        HPEXPIRE i 10 FIELDS 1 a`);
      expect(String(await client.ask('INFO', 'keyspace'))).toContain('db3:keys=2,expires=0,avg_ttl=0,subexpiry=2\r\n');
      sink.take();
      clock.advance(20);
      await play('DEBUG SET-ACTIVE-EXPIRE 1');
      await eventually(() => sink.units.length === 3);
      expect(sink.take().sort()).toEqual(['3 HDEL h a', '3 HDEL h b', '3 HDEL i a']);
      expect(String(await client.ask('INFO', 'keyspace'))).toContain('db3:keys=1,expires=0,avg_ttl=0,subexpiry=0\r\n');
      expect(String(await client.ask('INFO', 'stats'))).toContain('expired_subkeys:3\r\nexpired_keys:0\r\n');
      await play('CONFIG RESETSTAT');
      expect(live.server.keyspace.expiredFields).toBe(0);
    }));

  it('make EXEC fail whose client watches the hash', () =>
    withServer(async ({ sink, clock, client, play, live }) => {
      await using other = await RespClient.connect(live.port);
      await play('HSETEX h PX 10 FIELDS 2 a 1 b 2');
      for (const meets of [() => other.ask('HGET', 'h', 'a'), () => other.ask('DEBUG', 'SET-ACTIVE-EXPIRE', 1)]) {
        await play('WATCH h');
        clock.advance(20);
        sink.take();
        await meets();
        await eventually(() => sink.units.length > 0);
        await play('MULTI');
        expect(await client.ask('PING')).toBe('QUEUED');
        expect(await client.ask('EXEC')).toBe(null);
      }
    }));

  it('are published', () =>
    withServer(
      async ({ live, clock, play, client }) => {
        await using listener = await RespClient.connect(live.port);
        await listener.ask('PSUBSCRIBE', '__keyevent@0__:*');
        const events = async (count: number): Promise<string[]> => {
          const found: string[] = [];
          for (let i = 0; i < count; i++) found.push(String((await listener.nextRaw()).toString().split('\r\n')[6]));
          return found.map((channel) => channel.replace('__keyevent@0__:', ''));
        };
        await play(`
          HSETEX h PX 10 FIELDS 2 a 1 b 2
          HEXPIRE h 100 FIELDS 1 b
          HPERSIST h FIELDS 1 b
          HGETEX h EX 100 FIELDS 1 b
          HGETEX h PERSIST FIELDS 1 b
          HGETDEL h FIELDS 1 b`);
        const first = ['hset', 'hexpire', 'hexpire', 'hpersist', 'hexpire', 'hpersist', 'hdel'];
        expect(await events(first.length)).toEqual(first);
        clock.advance(20);
        await client.ask('HGET', 'h', 'a');
        expect(await events(2)).toEqual(['hexpired', 'del']);
        await play(`
          HSETEX h PX 10 FIELDS 2 a 1 b 2`);
        clock.advance(20);
        await play('DEBUG SET-ACTIVE-EXPIRE 1');
        expect(await events(4)).toEqual(['hset', 'hexpire', 'hexpired', 'del']);
        await play(`
          HSET h a 1 b 2
          HEXPIREAT h 1 FIELDS 1 a
          HSETEX h PXAT 1 FIELDS 1 b 1`);
        expect(await events(5)).toEqual(['hset', 'hdel', 'hset', 'hdel', 'del']);
      },
      { 'notify-keyspace-events': 'EA' },
    ));
});

it('moments, values and encodings survive DEBUG RELOAD and DEBUG LOADAOF', () =>
  inFolder(async (dir) => {
    const config = { appendonly: 'yes', 'enable-debug-command': 'yes', 'hash-max-listpack-entries': 4 };
    await using live = await LiveServer.start({ dir, config });
    await using client = await RespClient.connect(live.port);
    const ask = (line: string) => client.ask(...line.split(' '));
    await ask('HSET small a 1 b 2 c 3');
    await ask('HPEXPIREAT small 4102444800123 FIELDS 2 a b');
    await ask('HSETEX large EXAT 4102444800 FIELDS 5 a 1 b 2 c 3 d 4 e 5');
    await ask('HGETEX large PERSIST FIELDS 1 c');
    await ask('HINCRBYFLOAT large d 0.5');
    await ask('HSETEX gone PX 0 FIELDS 1 a 1');
    const look = async (): Promise<unknown[]> =>
      Promise.all(
        [
          'DEBUG DIGEST',
          'HPEXPIRETIME small FIELDS 4 a b c x',
          'HEXPIRETIME large FIELDS 5 a b c d e',
          'HMGET large a c d',
          'OBJECT ENCODING small',
          'OBJECT ENCODING large',
          'DBSIZE',
        ].map(ask),
      );
    const before = await look();
    expect(before.slice(1)).toEqual([
      [4102444800123, 4102444800123, -1, -2],
      [4102444800, 4102444800, -1, 4102444800, 4102444800],
      ['1', '3', '4.5'],
      'listpackex',
      'hashtable',
      2,
    ]);
    expect(await ask('DEBUG LISTPACK small')).toBe('Listpack structure printed on stdout');
    await ask('DEBUG RELOAD');
    expect(await look()).toEqual(before);
    expect(live.lines.join('\n')).toContain('Writing RDB version 12 instead of 11');
    expect(String(await ask('INFO keyspace'))).toContain('subexpiry=2');
    await ask('DEBUG LOADAOF');
    expect(await look()).toEqual(before);
  }));
