/**
 * A client that knows what the server must hold: an ioredis connection that sends random commands on keys of its own
 * (many at a time, without waiting for each), and a model to which it applies every command that was acknowledged.
 *
 * After a crash the server's data must be the model's after the acknowledged commands and some of those that were sent
 * and not answered: the first k of them, for one k, since a connection's commands are executed in order.
 */
import { Redis } from 'ioredis';

export type Random = () => number;

/** A seeded generator of numbers in [0, 1). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Value =
  | { type: 'string'; text: string }
  | { type: 'list'; items: string[] }
  | { type: 'set'; members: Set<string> }
  | { type: 'hash'; fields: Map<string, string> }
  | { type: 'zset'; scores: Map<string, number> };
type Data = Map<string, Value>;

interface Command {
  argv: string[];
  /** Applies the command to a model. */
  apply: (data: Data) => void;
}

/** One command, or several in MULTI and EXEC. */
interface Operation {
  commands: Command[];
  answered: boolean;
}

const KEYS = 6;

function get<T extends Value['type']>(data: Data, key: string, type: T): Extract<Value, { type: T }> {
  let value = data.get(key);
  if (value === undefined) {
    value = emptyValue(type);
    data.set(key, value);
  }
  return value as Extract<Value, { type: T }>;
}

function emptyValue(type: Value['type']): Value {
  switch (type) {
    case 'string':
      return { type, text: '' };
    case 'list':
      return { type, items: [] };
    case 'set':
      return { type, members: new Set() };
    case 'hash':
      return { type, fields: new Map() };
    default:
      return { type, scores: new Map() };
  }
}

/** The data as text, the same for equal data. */
function canonical(data: Data): string {
  const lines: string[] = [];
  for (const [key, value] of data) {
    if (value.type === 'string') lines.push(`${key} string ${value.text}`);
    else if (value.type === 'list') value.items.length > 0 && lines.push(`${key} list ${value.items.join(' ')}`);
    else if (value.type === 'set')
      value.members.size > 0 && lines.push(`${key} set ${[...value.members].sort().join(' ')}`);
    else {
      const pairs = value.type === 'hash' ? value.fields : value.scores;
      const sorted = [...pairs].map(([name, content]) => `${name}=${content}`).sort();
      if (sorted.length > 0) lines.push(`${key} ${value.type} ${sorted.join(' ')}`);
    }
  }
  return lines.sort().join('\n');
}

function clone(data: Data): Data {
  return structuredClone(data);
}

export class JournalClient {
  private redis: Redis | null = null;
  private data: Data = new Map();
  private unanswered: Operation[] = [];
  private counter = 0;
  private sending = false;
  acknowledged = 0;
  /** An answer that no model explains. */
  trouble = '';

  constructor(
    readonly name: string,
    private readonly random: Random,
    private readonly database: number,
    /** Commands under way at a time. */
    private readonly depth: number,
  ) {}

  async connect(port: number): Promise<void> {
    this.redis = new Redis(port, '127.0.0.1', {
      db: this.database,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableReadyCheck: false,
      lazyConnect: true,
    });
    this.redis.on('error', () => {});
    await this.redis.connect();
  }

  disconnect(): void {
    this.sending = false;
    this.redis?.disconnect();
    this.redis = null;
  }

  /** Begins to send and goes on until the connection ends. */
  start(): void {
    this.sending = true;
    this.fill();
  }

  private fill(): void {
    while (this.sending && this.unanswered.length < this.depth) this.send(this.operation());
  }

  private send(operation: Operation): void {
    const redis = this.redis!;
    this.unanswered.push(operation);
    const { commands } = operation;
    const call = (argv: string[]): Promise<unknown> => redis.call(argv[0]!, ...argv.slice(1));
    let last: Promise<unknown>;
    if (commands.length === 1) {
      last = call(commands[0]!.argv);
    } else {
      for (const argv of [['MULTI'], ...commands.map((command) => command.argv)]) call(argv).catch(() => {});
      last = call(['EXEC']);
    }
    last.then(
      () => {
        operation.answered = true;
        this.acknowledge();
        this.fill();
      },
      (error: Error) => {
        // The connection's end is expected; an error that the server answered is not.
        if (/^(MISCONF|ERR|WRONGTYPE|LOADING|OOM|READONLY|EXECABORT)/.test(error.message)) this.trouble = error.message;
        this.sending = false;
      },
    );
  }

  private acknowledge(): void {
    while (this.unanswered[0]?.answered) {
      for (const { apply } of this.unanswered.shift()!.commands) apply(this.data);
      this.acknowledged++;
    }
  }

  /**
   * Compares what the server holds after a restart. Takes the state that fits for the model from then on.
   * @returns null, or what is wrong
   */
  async verify(port: number): Promise<string | null> {
    if (this.trouble !== '') return `${this.name}: ${this.trouble}`;
    await this.connect(port);
    const found = await this.fetch();
    this.disconnect();
    const model = clone(this.data);
    const acknowledged = canonical(model);
    let fits = acknowledged === found;
    let operations = 0;
    while (!fits && operations < this.unanswered.length) {
      for (const { apply } of this.unanswered[operations]!.commands) apply(model);
      operations++;
      fits = canonical(model) === found;
    }
    if (!fits)
      return `${this.name}: after ${this.acknowledged} acknowledged commands\n${difference(acknowledged, found)}`;
    this.data = model;
    this.unanswered = [];
    return null;
  }

  private async fetch(): Promise<string> {
    const redis = this.redis!;
    const data: Data = new Map();
    const keys = (await redis.keys('*')).sort();
    for (const key of keys) {
      if (!key.startsWith(`${this.name}:`)) continue;
      const type = (await redis.type(key)) as Value['type'];
      if (type === 'string') get(data, key, type).text = (await redis.get(key))!;
      else if (type === 'list') get(data, key, type).items = await redis.lrange(key, 0, -1);
      else if (type === 'set') get(data, key, type).members = new Set(await redis.smembers(key));
      else if (type === 'hash') get(data, key, type).fields = new Map(Object.entries(await redis.hgetall(key)));
      else {
        const pairs = (await redis.zrange(key, '0', '-1', 'WITHSCORES')) as unknown[];
        const flat = pairs.flat().map(String);
        for (let i = 0; i < flat.length; i += 2) get(data, key, 'zset').scores.set(flat[i]!, Number(flat[i + 1]));
      }
    }
    return canonical(data);
  }

  // --- random operations ---------------------------------------------------------------------------------------------

  private pick(n: number): number {
    return Math.floor(this.random() * n);
  }

  private key(type: string): string {
    return `${this.name}:${type}:${this.pick(KEYS)}`;
  }

  private operation(): Operation {
    if (this.random() < 0.12) {
      // Two counters that a transaction keeps equal, among other commands.
      const both = ['even', 'equal'].map((name) => this.increment(`${this.name}:${name}`));
      return { commands: [both[0]!, this.command(), both[1]!], answered: false };
    }
    return { commands: [this.command()], answered: false };
  }

  private increment(key: string): Command {
    return {
      argv: ['INCR', key],
      apply: (data) => {
        const value = get(data, key, 'string');
        value.text = String(Number(value.text) + 1);
      },
    };
  }

  private command(): Command {
    const n = ++this.counter;
    // Mostly short, now and then long enough to fill a turn.
    const text = this.random() < 0.02 ? `${n}:${'x'.repeat(this.pick(40_000))}` : `v${n}`;
    switch (this.pick(14)) {
      case 0: {
        const key = this.key('s');
        return { argv: ['SET', key, text], apply: (data) => data.set(key, { type: 'string', text }) };
      }
      case 1: {
        const key = this.key('a');
        return {
          argv: ['APPEND', key, `${n},`],
          apply: (data) => {
            get(data, key, 'string').text += `${n},`;
          },
        };
      }
      case 2:
        return this.increment(this.key('n'));
      case 3: {
        const key = this.key('l');
        return {
          argv: ['RPUSH', key, text, `w${n}`],
          apply: (data) => get(data, key, 'list').items.push(text, `w${n}`),
        };
      }
      case 4: {
        const key = this.key('l');
        return { argv: ['LPOP', key], apply: (data) => get(data, key, 'list').items.shift() };
      }
      case 5: {
        const key = this.key('l');
        return {
          argv: ['LTRIM', key, '-40', '-1'],
          apply: (data) => {
            const list = get(data, key, 'list');
            list.items = list.items.slice(-40);
          },
        };
      }
      case 6: {
        const key = this.key('e');
        const member = `m${this.pick(200)}`;
        return { argv: ['SADD', key, member], apply: (data) => get(data, key, 'set').members.add(member) };
      }
      case 7: {
        const key = this.key('e');
        const member = `m${this.pick(200)}`;
        return { argv: ['SREM', key, member], apply: (data) => get(data, key, 'set').members.delete(member) };
      }
      case 8: {
        const key = this.key('h');
        const field = `f${this.pick(200)}`;
        return { argv: ['HSET', key, field, text], apply: (data) => get(data, key, 'hash').fields.set(field, text) };
      }
      case 9: {
        const key = this.key('h');
        const field = `f${this.pick(200)}`;
        return { argv: ['HDEL', key, field], apply: (data) => get(data, key, 'hash').fields.delete(field) };
      }
      case 10: {
        const key = this.key('z');
        const member = `m${this.pick(200)}`;
        return {
          argv: ['ZINCRBY', key, '0.5', member],
          apply: (data) => {
            const { scores } = get(data, key, 'zset');
            scores.set(member, (scores.get(member) ?? 0) + 0.5);
          },
        };
      }
      case 11: {
        const key = this.key('z');
        const member = `m${this.pick(200)}`;
        return { argv: ['ZREM', key, member], apply: (data) => get(data, key, 'zset').scores.delete(member) };
      }
      case 12: {
        const key = this.key('slh'[this.pick(3)]!);
        return { argv: ['DEL', key], apply: (data) => data.delete(key) };
      }
      default: {
        const key = this.key('s');
        return {
          argv: ['SET', key, text, 'EX', '100000'],
          apply: (data) => data.set(key, { type: 'string', text }),
        };
      }
    }
  }
}

/** The lines in which two texts differ, shortened. */
function difference(expected: string, found: string): string {
  const want = new Set(expected.split('\n'));
  const have = new Set(found.split('\n'));
  const short = (line: string) => (line.length > 300 ? `${line.slice(0, 150)} ... ${line.slice(-140)}` : line);
  return [
    ...[...want].filter((line) => !have.has(line)).map((line) => `  acknowledged: ${short(line)}`),
    ...[...have].filter((line) => !want.has(line)).map((line) => `  found:        ${short(line)}`),
  ].join('\n');
}
