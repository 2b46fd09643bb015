/**
 * What clients that wait for keys should see and leave behind, in the simplest way: a model of lists, sorted sets and waiting
 * clients that knows nothing of the server's queues. It predicts every reply (as RESP2) and every unit of the log.
 */

type Value = { type: 'list'; items: string[] } | { type: 'zset'; items: string[] } | { type: 'string' };

interface Wait {
  client: number;
  words: string[];
  keys: string[];
  type: 'list' | 'zset';
}

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const NIL_ARRAY = '*-1\r\n';

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const array = (items: readonly string[]): string => `*${items.length}\r\n${items.map(bulk).join('')}`;

export class WaitingModel {
  readonly data = new Map<string, Value>();
  /** In the order in which they came. */
  waits: Wait[] = [];
  /** Units of the log, as RecordingSink tells them. */
  units: string[] = [];
  private unit: string[] = [];
  private ready: string[] = [];
  private readonly isReady = new Set<string>();
  private readonly replies: string[];
  /** What the clients have sent and is not executed yet. */
  private readonly input: string[][][];
  private readonly queued: (string[][] | null)[];
  private resumed: number[] = [];

  constructor(clients: number) {
    this.replies = Array.from({ length: clients }, () => '');
    this.input = Array.from({ length: clients }, () => []);
    this.queued = Array.from({ length: clients }, () => null);
  }

  /** Everything that the client has been told since the last look. */
  take(client: number): string {
    const text = this.replies[client]!;
    this.replies[client] = '';
    return text;
  }
  isWaiting(client: number): boolean {
    return this.waits.some((wait) => wait.client === client);
  }

  send(client: number, commands: readonly string[][]): void {
    this.input[client]!.push(...commands);
    this.process(client);
    while (this.resumed.length > 0) this.process(this.resumed.shift()!);
  }

  leave(client: number): void {
    this.waits = this.waits.filter((wait) => wait.client !== client);
    this.input[client] = [];
    this.queued[client] = null;
    this.replies[client] = '';
  }

  private process(client: number): void {
    const input = this.input[client]!;
    while (input.length > 0 && !this.isWaiting(client)) {
      this.execute(client, input.shift()!);
      this.serve();
    }
  }

  private tell(client: number, reply: string): void {
    this.replies[client] += reply;
  }

  private execute(client: number, words: string[]): void {
    const queued = this.queued[client]!;
    if (words[0] === 'MULTI') {
      this.queued[client] = [];
      this.tell(client, '+OK\r\n');
    } else if (words[0] === 'EXEC') {
      this.queued[client] = null;
      const replies = queued!.map((each) => this.run(each) ?? (each[0] === 'BLMOVE' ? '$-1\r\n' : NIL_ARRAY));
      this.tell(client, `*${replies.length}\r\n${replies.join('')}`);
    } else if (queued !== null) {
      queued.push(words);
      this.tell(client, '+QUEUED\r\n');
    } else {
      const reply = this.run(words);
      if (reply === null) this.waits.push(waitOf(client, words));
      else this.tell(client, reply);
    }
    this.endUnit();
  }

  private endUnit(): void {
    const { unit } = this;
    if (unit.length > 0) this.units.push(unit.length === 1 ? unit[0]! : unit.map((each) => `[${each}]`).join(''));
    this.unit = [];
  }

  private serve(): void {
    while (this.ready.length > 0) {
      const keys = this.ready;
      this.ready = [];
      for (const key of keys) {
        this.isReady.delete(key);
        for (const wait of this.waits.filter(({ keys }) => keys.includes(key))) this.serveOne(wait, key);
      }
    }
  }

  private serveOne(wait: Wait, key: string): void {
    if (!this.waits.includes(wait) || this.data.get(key)?.type !== wait.type) return;
    this.waits.splice(this.waits.indexOf(wait), 1);
    const reply = this.run(wait.words);
    this.endUnit();
    if (reply === null) {
      this.waits.push(waitOf(wait.client, wait.words));
      return;
    }
    this.tell(wait.client, reply);
    this.resumed.push(wait.client);
  }

  // --- commands ----------------------------------------------------------------------------------------------------------

  private effect(...words: string[]): void {
    this.unit.push(`0 ${words.join(' ')}`);
  }

  private make(key: string, value: Value): void {
    this.data.set(key, value);
    if (!this.waits.some(({ type }) => type === value.type)) return;
    if (this.isReady.has(key) || !this.waits.some(({ keys }) => keys.includes(key))) return;
    this.isReady.add(key);
    this.ready.push(key);
  }

  /** The reply, or null when the command would have to wait. */
  private run(words: string[]): string | null {
    const [name, key = '', ...rest] = words;
    const value = this.data.get(key);
    switch (name) {
      case 'RPUSH':
      case 'LPUSH': {
        if (value !== undefined && value.type !== 'list') return WRONG_TYPE;
        const list: Value = value ?? { type: 'list', items: [] };
        for (const each of rest) name === 'RPUSH' ? list.items.push(each) : list.items.unshift(each);
        if (value === undefined) this.make(key, list);
        this.effect(...words);
        return `:${list.items.length}\r\n`;
      }
      case 'ZADD': {
        if (value !== undefined && value.type !== 'zset') return WRONG_TYPE;
        const zset: Value = value ?? { type: 'zset', items: [] };
        // The scores are equal: members stand in the order of their bytes.
        zset.items = [...zset.items, rest[1]!].sort();
        if (value === undefined) this.make(key, zset);
        this.effect(...words);
        return ':1\r\n';
      }
      case 'SET':
        this.data.set(key, { type: 'string' });
        this.effect(...words);
        return '+OK\r\n';
      case 'DEL':
        if (this.data.delete(key)) this.effect(...words);
        return value === undefined ? ':0\r\n' : ':1\r\n';
      case 'RENAME':
        if (value === undefined) return '-ERR no such key\r\n';
        this.data.delete(key);
        this.make(rest[0]!, value);
        this.effect(...words);
        return '+OK\r\n';
      case 'CLIENT':
        return this.unblock(Number(rest[0]) - 1, rest[1]!);
      case 'BLPOP':
      case 'BRPOP':
      case 'BZPOPMIN':
        return this.pop(name, words.slice(1, -1));
      default:
        return this.move(words);
    }
  }

  private pop(name: string, keys: string[]): string | null {
    const type = name === 'BZPOPMIN' ? 'zset' : 'list';
    for (const key of keys) {
      const value = this.data.get(key);
      if (value === undefined) continue;
      if (value.type === 'string' || value.type !== type) return WRONG_TYPE;
      const element = name === 'BRPOP' ? value.items.pop()! : value.items.shift()!;
      if (value.items.length === 0) this.data.delete(key);
      this.effect(name.slice(1), key);
      return array(type === 'zset' ? [key, element, '0'] : [key, element]);
    }
    return null;
  }

  private move(words: string[]): string | null {
    const [, from, to, wherefrom, whereto] = words as [string, string, string, string, string];
    const source = this.data.get(from);
    if (source === undefined) return null;
    if (source.type !== 'list') return WRONG_TYPE;
    const known = this.data.get(to);
    if (known !== undefined && known.type !== 'list') return WRONG_TYPE;
    const element = wherefrom === 'LEFT' ? source.items.shift()! : source.items.pop()!;
    const target: Value = known ?? { type: 'list', items: [] };
    if (whereto === 'LEFT') target.items.unshift(element);
    else target.items.push(element);
    if (known === undefined) this.make(to, target);
    if (source.items.length === 0) this.data.delete(from);
    this.effect('LMOVE', from, to, wherefrom, whereto);
    return bulk(element);
  }

  private unblock(client: number, how: string): string {
    const wait = this.waits.find((each) => each.client === client);
    if (wait === undefined) return ':0\r\n';
    this.waits.splice(this.waits.indexOf(wait), 1);
    this.tell(client, how === 'ERROR' ? '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n' : NIL_ARRAY);
    this.resumed.push(client);
    return ':1\r\n';
  }
}

function waitOf(client: number, words: string[]): Wait {
  const keys = words[0] === 'BLMOVE' ? [words[1]!] : words.slice(1, -1);
  return { client, words, keys, type: words[0] === 'BZPOPMIN' ? 'zset' : 'list' };
}
