/**
 * Scripts of commands that are played against two servers. A script is a text file, one command a line, quoted as in
 * redis-cli:
 *
 *   # a comment
 *   @server --hash-max-listpack-entries 4      directives for both servers, at the top of the file
 *   == SET with options                        a section: a test of its own, on empty data and new connections
 *   @3                                         from here on only in RESP3 (@2, @both)
 *   SET k "bin\x00ary"                         the replies must be equal, byte for byte
 *   = "7.2"                                    ours must reply this instead (notation of `show`), whatever the oracle says
 *   =2 [..]  =3 %[..]                          the same for one protocol
 *   b> GET k                                   on the connection named b (the others go to a)
 *   sorted: SMEMBERS s                         compared in a looser way, see `Mode`
 *   RPUSH l {1..200} x{1..3} {ab*60}           200 arguments, 3 arguments x1 x2 x3, one argument of 120 bytes
 *   @for i 1..10                               repeats what stands until @end, with $i replaced
 *   @each c GET k | LPUSH k x                  the same, over the texts between bars
 *   waiting: 2                                 goes on once so many clients wait (blocked_clients of INFO)
 *   let id: CLIENT ID                          keeps the reply's text, of each server its own, for `$id` in later lines
 *
 * Modes stand before a colon and may be combined (`sorted doubles: ...`).
 */
import { type Reply, readQuoted, readReply } from '../support/reply.js';

export interface Mode {
  /** The elements of the reply may come in any order. */
  sorted?: boolean;
  /** The elements come in pairs (RESP2) or as a map (RESP3), in any order. */
  pairs?: boolean;
  /** A whole iteration of a SCAN command: what all its replies together returned, without order. */
  scan?: boolean;
  /** Only the reply's type. */
  type?: boolean;
  /** The type, and the shape of nested replies; not the contents of scalars. */
  shape?: boolean;
  /** Only the first word of an error. */
  error?: boolean;
  /** Numbers may differ by that much. */
  near?: number;
  /** The oracle's 17-digit doubles count as the shortest form that 7.2 prints. */
  doubles?: boolean;
  /** Replies of 7.2 about ACL count as what 7.0 says instead; see acl-words.ts. */
  acl?: boolean;
  /** `name=value` and `name:value`: every name of the oracle must be there. */
  fields?: boolean;
  /** Not compared. */
  skip?: boolean;
  /** Sent to one server only. */
  ours?: boolean;
  oracle?: boolean;
  /** Sent without waiting for a reply. */
  send?: boolean;
  /** Keeps the reply under this name. */
  let?: string;
}

export type Action =
  | { kind: 'command'; args: Buffer[] }
  /** Raw bytes, and how many replies they bring. */
  | { kind: 'raw'; bytes: Buffer; replies: number }
  /** Reads one more reply (a push, or the reply to what `send:` sent). */
  | { kind: 'read' }
  /** Goes on once so many clients wait. */
  | { kind: 'waiting'; clients: number }
  /** The server must have closed the connection. */
  | { kind: 'closed' };

export interface Step {
  line: number;
  text: string;
  connection: string;
  mode: Mode;
  action: Action;
  protocols: readonly Protocol[];
  expect: { [protocol in Protocol]?: Reply };
}

export type Protocol = 2 | 3;

export interface Section {
  title: string;
  line: number;
  steps: Step[];
}

export interface Script {
  serverArgs: string[];
  sections: Section[];
}

const FLAGS = [
  'sorted',
  'pairs',
  'scan',
  'type',
  'shape',
  'error',
  'doubles',
  'acl',
  'fields',
  'skip',
  'ours',
  'oracle',
  'send',
] as const;

interface Line {
  number: number;
  text: string;
}

/** Throws an error that names the line. */
export function parseScript(text: string, name = 'script'): Script {
  const script: Script = { serverArgs: [], sections: [] };
  let section: Section | undefined;
  let protocols: readonly Protocol[] = [2, 3];
  for (const { number, text: line } of unroll(text, name)) {
    try {
      const directive = /^@(\S+)\s*(.*)$/.exec(line);
      const expectation = /^=([23]?) (.*)$/.exec(line);
      if (line.startsWith('== ')) {
        section = { title: line.slice(3), line: number, steps: [] };
        script.sections.push(section);
        protocols = [2, 3];
      } else if (directive?.[1] === 'server') {
        script.serverArgs.push(...splitLine(directive[2]!).map(String));
      } else if (directive) {
        const chosen = { '2': [2], '3': [3], both: [2, 3] }[directive[1]!] as readonly Protocol[] | undefined;
        if (chosen === undefined) throw new Error(`unknown directive @${directive[1]}`);
        protocols = chosen;
      } else if (expectation) {
        const step = section?.steps.at(-1);
        if (step === undefined) throw new Error('an expectation without a command');
        const reply = readReply(expectation[2]!);
        for (const protocol of expectation[1] === '' ? ([2, 3] as const) : [Number(expectation[1]) as Protocol]) {
          step.expect[protocol] = reply;
        }
      } else {
        if (section === undefined) throw new Error('a command before the first section (== title)');
        section.steps.push(parseStep(line, number, protocols));
      }
    } catch (error) {
      throw new Error(`${name}:${number}: ${(error as Error).message}`);
    }
  }
  return script;
}

/** The lines that count, with @for written out. */
function unroll(text: string, name: string): Line[] {
  const lines = text
    .split('\n')
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter((line) => line.text !== '' && !line.text.startsWith('#'));
  const read = (from: number, inside: boolean): { out: Line[]; next: number } => {
    const out: Line[] = [];
    let i = from;
    while (i < lines.length) {
      const line = lines[i]!;
      if (line.text === '@end') {
        if (!inside) throw new Error(`${name}:${line.number}: @end without a loop`);
        return { out, next: i + 1 };
      }
      const loop = loopOf(line.text);
      if (loop) {
        const body = read(i + 1, true);
        for (const value of loop.values) {
          for (const row of body.out)
            out.push({ number: row.number, text: row.text.replaceAll(`$${loop.name}`, () => value) });
        }
        i = body.next;
      } else {
        out.push(line);
        i++;
      }
    }
    if (inside) throw new Error(`${name}: a loop without @end`);
    return { out, next: i };
  };
  return read(0, false).out;
}

function loopOf(line: string): { name: string; values: string[] } | null {
  const range = /^@for (\w+) (-?\d+)\.\.(-?\d+)$/.exec(line);
  if (range) {
    const values: string[] = [];
    for (let value = Number(range[2]); value <= Number(range[3]); value++) values.push(String(value));
    return { name: range[1]!, values };
  }
  const each = /^@each (\w+) (.+)$/.exec(line);
  return each && { name: each[1]!, values: each[2]!.split('|').map((text) => text.trim()) };
}

function parseStep(line: string, number: number, protocols: readonly Protocol[]): Step {
  let rest = line;
  let connection = 'a';
  const named = /^([a-z])> (.*)$/.exec(rest);
  if (named) {
    connection = named[1]!;
    rest = named[2]!;
  }
  const step = { line: number, text: line, connection, mode: {} as Mode, protocols, expect: {} };
  const prefix = /^([a-z0-9 .]+):(?: (.*))?$/.exec(rest);
  if (prefix) {
    const body = prefix[2] ?? '';
    const words = prefix[1]!.split(' ');
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      const flag = FLAGS.find((name) => name === word);
      if (flag !== undefined) step.mode[flag] = true;
      else if (word === 'near') step.mode.near = Number(words[++i]);
      else if (word === 'let') step.mode.let = words[++i]!;
      else if (word === 'raw')
        return {
          ...step,
          action: { kind: 'raw', replies: Number(words[++i] ?? 1), bytes: Buffer.concat(splitLine(body)) },
        };
      else if (word === 'read') return { ...step, action: { kind: 'read' } };
      else if (word === 'waiting') return { ...step, action: { kind: 'waiting', clients: Number(body) } };
      else if (word === 'closed') return { ...step, action: { kind: 'closed' } };
      else throw new Error(`unknown mode ${word}`);
    }
    rest = body;
  }
  return { ...step, action: { kind: 'command', args: splitLine(rest) } };
}

/** Arguments of a line: quoted as in redis-cli; `{1..9}` and `{text*3}` are written out in words without quotes. */
export function splitLine(line: string): Buffer[] {
  const args: Buffer[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === ' ') {
      at++;
    } else if (line[at] === '"' || line[at] === "'") {
      const { bytes, end } = readQuoted(line, at);
      if (end < line.length && line[end] !== ' ') throw new Error(`text right behind a closing quote: ${line}`);
      args.push(bytes);
      at = end;
    } else {
      const word = /^[^ ]+/.exec(line.slice(at))![0];
      at += word.length;
      args.push(...expandWord(word));
    }
  }
  return args;
}

function expandWord(word: string): Buffer[] {
  const times = /^(.*?)\{([^{}*]+)\*(\d+)\}(.*)$/.exec(word);
  if (times) return expandWord(times[1]! + times[2]!.repeat(Number(times[3])) + times[4]!);
  const range = /^(.*?)\{(-?\d+)\.\.(-?\d+)\}(.*)$/.exec(word);
  if (!range) return [Buffer.from(word)];
  const out: Buffer[] = [];
  for (let i = Number(range[2]); i <= Number(range[3]); i++) out.push(...expandWord(range[1]! + i + range[4]!));
  return out;
}
