/**
 * Replies of RESP2 and RESP3 as the tests see them: nothing is converted, so that `:1`, `$1\r\n1` and `,1` stay three
 * different replies. `show` writes a reply as one line of text, `readReply` reads that notation back:
 *
 *   +OK   -ERR text   :5   "bulk\r\n"   $-1   *-1   _   #t   ,0.1   (123   !"text"   ="txt:text"
 *   ["a", :1]   ~["a"]   >["a"]   %["key", :1]   |["key", :1]      (nested: +"OK", -"ERR text")
 */

/** The first byte of a reply on the wire. */
export type Mark = '+' | '-' | ':' | '$' | '*' | '_' | '#' | ',' | '(' | '!' | '=' | '%' | '~' | '>' | '|';

export interface Reply {
  mark: Mark;
  /** Scalars: what stands between the mark (and length) and CRLF. Null for `$-1`. */
  bytes: Buffer | null;
  /** Aggregates: the elements; a map's keys and values alternate. Null for `*-1` and for scalars. */
  items: Reply[] | null;
}

const CR = 13;

function lineEnd(buf: Buffer, off: number): number {
  const at = buf.indexOf('\r\n', off, 'latin1');
  return at;
}

function lengthAt(buf: Buffer, off: number, end: number): number {
  const text = buf.toString('latin1', off, end);
  if (!/^-?\d+$/.test(text)) throw new Error(`bad length in a reply: ${JSON.stringify(text)}`);
  return Number(text);
}

/** Offset behind the reply that begins at `off`, or -1 when the bytes end before it does. */
export function replyEnd(buf: Buffer, off: number): number {
  let left = 1;
  let at = off;
  while (left > 0) {
    if (at >= buf.length) return -1;
    const mark = String.fromCharCode(buf[at]!);
    const end = lineEnd(buf, at);
    if (end < 0) return -1;
    left--;
    switch (mark) {
      case '+':
      case '-':
      case ':':
      case '_':
      case '#':
      case ',':
      case '(':
        at = end + 2;
        break;
      case '$':
      case '!':
      case '=': {
        const bytes = lengthAt(buf, at + 1, end);
        at = end + 2;
        if (bytes >= 0) {
          if (buf.length < at + bytes + 2) return -1;
          if (buf[at + bytes] !== CR) throw new Error('a bulk reply does not end with CRLF where its length says');
          at += bytes + 2;
        }
        break;
      }
      case '*':
      case '~':
      case '>':
        left += Math.max(0, lengthAt(buf, at + 1, end));
        at = end + 2;
        break;
      case '%':
        left += 2 * lengthAt(buf, at + 1, end);
        at = end + 2;
        break;
      case '|':
        left += 2 * lengthAt(buf, at + 1, end) + 1; // an attribute precedes the reply it belongs to
        at = end + 2;
        break;
      default:
        throw new Error(`not a reply: ${JSON.stringify(buf.toString('latin1', at, Math.min(at + 40, buf.length)))}`);
    }
  }
  return at;
}

/** Decodes the whole reply that begins at `off`; the bytes are known to be complete (see `replyEnd`). */
export function decodeReply(buf: Buffer, off = 0): Reply {
  const cursor = { at: off };
  return decode(buf, cursor);
}

/** The replies that `bytes` are; throws when they are none, or not whole. */
export function decodeAll(bytes: Buffer): Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = replyEnd(bytes, at);
    if (end < 0) throw new Error(`the last reply is not whole: ${bytes.toString('latin1', at, at + 80)}`);
    replies.push(decodeReply(bytes, at));
    at = end;
  }
  return replies;
}

function decode(buf: Buffer, cursor: { at: number }): Reply {
  const mark = String.fromCharCode(buf[cursor.at]!) as Mark;
  const end = lineEnd(buf, cursor.at);
  const first = cursor.at + 1;
  cursor.at = end + 2;
  switch (mark) {
    case '$':
    case '!':
    case '=': {
      const bytes = lengthAt(buf, first, end);
      if (bytes < 0) return { mark, bytes: null, items: null };
      const from = cursor.at;
      cursor.at += bytes + 2;
      return { mark, bytes: Buffer.from(buf.subarray(from, from + bytes)), items: null };
    }
    case '*':
    case '~':
    case '>':
    case '%':
    case '|': {
      const count = lengthAt(buf, first, end);
      if (count < 0) return { mark, bytes: null, items: null };
      const items: Reply[] = [];
      for (let left = mark === '%' || mark === '|' ? 2 * count : count; left > 0; left--)
        items.push(decode(buf, cursor));
      return { mark, bytes: null, items };
    }
    default:
      return { mark, bytes: Buffer.from(buf.subarray(first, end)), items: null };
  }
}

// --- notation --------------------------------------------------------------------------------------------------------

/** Bytes in double quotes, as redis-cli writes them. */
export function quote(bytes: Buffer): string {
  let text = '"';
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte === 10) text += '\\n';
    else if (byte === 13) text += '\\r';
    else if (byte === 9) text += '\\t';
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${text}"`;
}

export function show(reply: Reply, nested = false): string {
  const { mark, bytes, items } = reply;
  if (mark === '$') return bytes === null ? '$-1' : quote(bytes);
  if (mark === '*') return items === null ? '*-1' : `[${items.map((item) => show(item, true)).join(', ')}]`;
  if (items !== null) return `${mark}[${items.map((item) => show(item, true)).join(', ')}]`;
  if (bytes === null) return `${mark}-1`;
  if (mark === '!' || mark === '=') return mark + quote(bytes);
  const text = bytes.toString('latin1');
  if (mark === '+' || mark === '-')
    return nested || /[^ -~]/.test(text) || text === '' ? mark + quote(bytes) : mark + text;
  return mark + text;
}

/** A quoted text's bytes; `off` is at the opening quote (`"` with escapes, `'` without). Throws without an end. */
export function readQuoted(text: string, off: number): { bytes: Buffer; end: number } {
  const out: number[] = [];
  const delimiter = text[off];
  let i = off + 1;
  for (;;) {
    const c = text[i];
    if (c === undefined) throw new Error(`unbalanced quotes: ${text}`);
    if (c === delimiter) return { bytes: Buffer.from(out), end: i + 1 };
    if (c === '\\' && delimiter === '"') {
      const hex = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(i, i + 4));
      if (hex) {
        out.push(Number.parseInt(hex[1]!, 16));
        i += 4;
        continue;
      }
      const escaped = text[i + 1]!;
      const named = { n: 10, r: 13, t: 9, b: 8, a: 7 }[escaped];
      out.push(...(named === undefined ? Buffer.from(escaped) : [named]));
      i += 2;
    } else if (c === '\\' && text[i + 1] === "'") {
      out.push(0x27);
      i += 2;
    } else {
      const rune = String.fromCodePoint(text.codePointAt(i)!);
      out.push(...Buffer.from(rune));
      i += rune.length;
    }
  }
}

/** Reads what `show` writes. Throws on anything else. */
export function readReply(text: string): Reply {
  const line = text.trim();
  if ((line[0] === '+' || line[0] === '-') && line[1] !== '"') {
    return { mark: line[0], bytes: Buffer.from(line.slice(1)), items: null };
  }
  const cursor = { at: 0 };
  const reply = readNested(line, cursor);
  if (cursor.at !== line.length) throw new Error(`text behind the reply: ${line.slice(cursor.at)}`);
  return reply;
}

function readNested(text: string, cursor: { at: number }): Reply {
  const c = text[cursor.at];
  if (c === '"' || c === "'") {
    const { bytes, end } = readQuoted(text, cursor.at);
    cursor.at = end;
    return { mark: '$', bytes, items: null };
  }
  if (c === '[') return { mark: '*', bytes: null, items: readItems(text, cursor) };
  const mark = c as Mark;
  if (c === undefined || !'+-:$*_#,(!=%~>|'.includes(c)) throw new Error(`not a reply: ${text.slice(cursor.at)}`);
  cursor.at++;
  if (text[cursor.at] === '[') return { mark, bytes: null, items: readItems(text, cursor) };
  if (text[cursor.at] === '"') {
    const { bytes, end } = readQuoted(text, cursor.at);
    cursor.at = end;
    return { mark, bytes, items: null };
  }
  const word = /^[^\],\s]*/.exec(text.slice(cursor.at))![0];
  cursor.at += word.length;
  if ((mark === '$' || mark === '*') && word === '-1') return { mark, bytes: null, items: null };
  return { mark, bytes: Buffer.from(word), items: null };
}

function readItems(text: string, cursor: { at: number }): Reply[] {
  const items: Reply[] = [];
  cursor.at++;
  for (;;) {
    while (text[cursor.at] === ' ' || text[cursor.at] === ',') {
      if (text[cursor.at] === ',' && /[\d.inf-]/.test(text[cursor.at + 1] ?? '')) break; // a double
      cursor.at++;
    }
    if (text[cursor.at] === ']') {
      cursor.at++;
      return items;
    }
    items.push(readNested(text, cursor));
  }
}

// --- plain values -----------------------------------------------------------------------------------------------------

/** What a test wants to say shortly: strings (UTF-8), numbers, booleans, null, arrays; an error reply is thrown. */
export type Plain = string | number | boolean | null | Plain[];

export class ReplyError extends Error {
  override name = 'ReplyError';
}

/** Integers beyond 2^53 stay strings. Maps become flat arrays. */
export function plain(reply: Reply): Plain {
  if (reply.items !== null) return reply.items.map(plain);
  const text = reply.bytes?.toString('utf8') ?? null;
  switch (reply.mark) {
    case '-':
    case '!':
      throw new ReplyError(text ?? '');
    case ':':
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    case ',':
      return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
    case '#':
      return text === 't';
    case '_':
      return null;
    case '=':
      return text!.slice(4);
    default:
      return text;
  }
}
