/**
 * How a line of redis.conf, an inline command or a `--directive` is cut into words, and how a value is quoted back.
 *
 * A "byte string" here is a JS string whose every character is one byte (latin1): configuration files have no charset,
 * and a password may hold any byte. `bytesOf` and `textOf` are the two ways out.
 */
import { constants } from 'node:buffer';

/**
 * A string of JavaScript cannot be as long as the longest argument, 512 MB. Text made of more bytes is cut here: no word
 * that anybody knows is so long, and a name that two keys share costs one that watches the other a retry. Room is left for
 * what a message says around it.
 */
export const TEXT_BYTES_MAX = constants.MAX_STRING_LENGTH - 64 * 1024;

/**
 * The words of a line, quotes taken off; null when quotes do not balance or a closing quote has no space after it.
 * A zero byte ends the line.
 */
export function splitWords(whole: string): string[] | null {
  const end = whole.indexOf('\0');
  const line = end < 0 ? whole : whole.slice(0, end);
  const words: string[] = [];
  let i = 0;
  for (;;) {
    while (i < line.length && isSpace(line.charCodeAt(i))) i++;
    if (i >= line.length) return words;
    let word = '';
    let quote = '';
    for (; ; i++) {
      if (i >= line.length) {
        if (quote !== '') return null;
        break;
      }
      const c = line[i]!;
      if (quote === '"' && c === '\\' && i + 1 < line.length) {
        const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(i + 1, i + 4));
        if (hex !== null) {
          word += String.fromCharCode(Number.parseInt(hex[1]!, 16));
          i += 3;
        } else {
          const escaped = line[i + 1]!;
          word += ESCAPES[escaped] ?? escaped;
          i++;
        }
      } else if (quote === "'" && c === '\\' && line[i + 1] === "'") {
        word += "'";
        i++;
      } else if (quote !== '') {
        if (c !== quote) {
          word += c;
          continue;
        }
        if (i + 1 < line.length && !isSpace(line.charCodeAt(i + 1))) return null;
        i++;
        break;
      } else if (c === ' ' || c === '\n' || c === '\r' || c === '\t') {
        break;
      } else if (c === '"' || c === "'") {
        quote = c;
      } else {
        word += c;
      }
    }
    words.push(word);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** The byte string in double quotes, so that `splitWords` reads it back. */
export function quoteWord(bytes: string): string {
  let out = '"';
  for (const c of bytes) {
    const code = c.charCodeAt(0);
    if (c === '"' || c === '\\') out += `\\${c}`;
    else if (c === '\n') out += '\\n';
    else if (c === '\r') out += '\\r';
    else if (c === '\t') out += '\\t';
    else if (c === '\x07') out += '\\a';
    else if (c === '\b') out += '\\b';
    else if (code >= 32 && code < 127) out += c;
    else out += `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return `${out}"`;
}

/** What `quoteWord` puts between the quotes, byte for byte: for what is too much for one string. */
export function escapeBytes(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length * ESCAPED_MAX);
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    const from = bytes[i]! * ESCAPED_MAX;
    const length = ESCAPED_LENGTHS[bytes[i]!]!;
    for (let k = 0; k < length; k++) out[at++] = ESCAPED[from + k]!;
  }
  return out.subarray(0, at);
}

/** The escaped form of every byte, each with room for the longest. */
const ESCAPED_MAX = 4;
const ESCAPED = new Uint8Array(256 * ESCAPED_MAX);
const ESCAPED_LENGTHS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const escaped = quoteWord(String.fromCharCode(byte)).slice(1, -1);
  ESCAPED.set(bytesOf(escaped), byte * ESCAPED_MAX);
  ESCAPED_LENGTHS[byte] = escaped.length;
}

export function bytesOf(byteString: string): Uint8Array {
  return Buffer.from(byteString, 'latin1');
}

/** The byte string as text, read as UTF-8; bytes that are no UTF-8 become U+FFFD. */
export function textOf(byteString: string): string {
  return Buffer.from(byteString, 'latin1').toString('utf8');
}

/** Text as the byte string of its UTF-8. */
export function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Of `bytes[off, off + len)`, up to TEXT_BYTES_MAX. */
export function byteStringOf(bytes: Uint8Array, off = 0, len = bytes.length - off): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + off, Math.min(len, TEXT_BYTES_MAX)).toString('latin1');
}
