/**
 * How a line of redis.conf, an inline command or a `--directive` is cut into words, and how a value is quoted back.
 *
 * A "byte string" here is a JS string whose every character is one byte (latin1): configuration files have no charset,
 * and a password may hold any byte. `bytesOf` and `textOf` are the two ways out.
 */

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

export function byteStringOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
