/**
 * The kinds of directives: how the words after a directive's name become a value, how CONFIG GET prints it, and which
 * lines CONFIG REWRITE writes for it.
 *
 * A value has two forms. The *kept* form is exact (64-bit integers are bigints, strings are byte strings, null stands
 * for "not given"); the *seen* form is what `config.values` shows: numbers, text. `see` goes from one to the other.
 */
import { quoteWord, textOf } from '../base/words.js';

/** Why a value is refused; the text is Redis's own. */
export class DirectiveError extends Error {
  override name = 'DirectiveError';
}

export interface Kind<Kept, Seen> {
  /** For documents and COMMAND DOCS. */
  readonly type: string;
  readonly initial: Kept;
  /**
   * The value that the words (byte strings) stand for. `previous` is the value so far: some directives change only a
   * part of it. Throws DirectiveError.
   */
  parse(words: readonly string[], previous: Kept): Kept;
  /** How a further line of the file adds to the value of the lines before; without it, the last line wins. */
  join?(previous: Kept, next: Kept): Kept;
  see(value: Kept): Seen;
  /** CONFIG GET's answer, a byte string. */
  format(value: Kept): string;
  /** The lines of CONFIG REWRITE, in order. Not `forced`: only to replace a line that is there already. */
  lines(name: string, value: Kept): RewriteLine[];
}

export interface RewriteLine {
  readonly text: string;
  readonly forced: boolean;
}

export const INT_MAX = 2 ** 31 - 1;
export const INT_MIN = -(2 ** 31);
export const UINT_MAX = 2 ** 32 - 1;
export const LONG_MAX = 2n ** 63n - 1n;
export const ULONG_MAX = 2n ** 64n - 1n;

const KB = 1024n;
const MB = KB * 1024n;
const GB = MB * 1024n;

// --- yes and no --------------------------------------------------------------------------------------------------------

export function yesNo(initial: boolean, check?: (value: boolean) => string | null): Kind<boolean, boolean> {
  return {
    type: 'yes|no',
    initial,
    parse([word = '']) {
      const lower = word.toLowerCase();
      if (lower !== 'yes' && lower !== 'no') throw new DirectiveError("argument must be 'yes' or 'no'");
      const value = lower === 'yes';
      refuse(check?.(value));
      return value;
    },
    see: (value) => value,
    format: (value) => (value ? 'yes' : 'no'),
    lines: (name, value) => [{ text: `${name} ${value ? 'yes' : 'no'}`, forced: value !== initial }],
  };
}

function refuse(reason: string | null | undefined): void {
  if (typeof reason === 'string') throw new DirectiveError(reason);
}

// --- numbers -----------------------------------------------------------------------------------------------------------

type Integer = number | bigint;

export interface IntegerOptions {
  /** Accept units (`100mb`); print in bytes, rewrite in the largest unit that divides. */
  memory?: boolean;
  /** Also accept `5%`, kept as a negative number. */
  percent?: boolean;
  octal?: boolean;
  /** Values outside are moved to the nearer end rather than refused. */
  clamp?: readonly [min: number, max: number];
}

/** An integer in [min, max]. Seen as a number; beyond 2^53 it is rounded there, and exact in CONFIG GET. */
export function integer(initial: Integer, min: Integer, max: Integer, o: IntegerOptions = {}): Kind<bigint, number> {
  const low = BigInt(min);
  const high = BigInt(max);
  const start = BigInt(initial);
  return {
    type: o.memory ? 'memory' : o.octal ? 'octal' : 'integer',
    initial: start,
    parse([word = '']) {
      let value = parseNumber(word, o);
      // A memory value is read as 64 unsigned bits; where the directive is signed, the upper half is negative.
      if (o.memory && high <= LONG_MAX) value = BigInt.asIntN(64, value);
      if (o.percent && value < 0n) {
        if (value < low) throw new DirectiveError(`percentage argument must be less or equal to ${-low}`);
      } else if (value < low || value > high) {
        const base = o.octal ? 8 : 10;
        throw new DirectiveError(`argument must be between ${low.toString(base)} and ${high.toString(base)} inclusive`);
      }
      if (o.clamp) {
        if (value < o.clamp[0]) return BigInt(o.clamp[0]);
        if (value > o.clamp[1]) return BigInt(o.clamp[1]);
      }
      return value;
    },
    see: Number,
    format: (value) => formatNumber(value, o),
    lines(name, value) {
      const text = o.memory && !(o.percent && value < 0n) ? formatMemory(value) : formatNumber(value, o);
      return [{ text: `${name} ${text}`, forced: value !== start }];
    },
  };
}

export function memory(initial: Integer, min: Integer, max: Integer): Kind<bigint, number> {
  return integer(initial, min, max, { memory: true });
}

function parseNumber(word: string, o: IntegerOptions): bigint {
  if (o.memory) {
    const bytes = parseMemory(word);
    if (bytes !== null) return bytes;
    if (o.percent && word.endsWith('%')) {
      const percent = parseInteger(word.slice(0, -1));
      if (percent !== null && percent >= 0n) return -percent;
    }
    throw new DirectiveError(`argument must be a memory ${o.percent ? 'or percent ' : ''}value`);
  }
  if (o.octal) {
    const octal = /^[ \t\n\v\f\r]*([+-]?)([0-7]*)$/.exec(word);
    if (octal === null || (octal[2] === '' && word !== '')) {
      throw new DirectiveError("argument couldn't be parsed as an octal number");
    }
    const value = BigInt(`0o${octal[2] || '0'}`);
    return octal[1] === '-' ? -value : value;
  }
  const value = parseInteger(word);
  if (value === null) throw new DirectiveError("argument couldn't be parsed into an integer");
  return value;
}

/** A 64-bit integer in its one canonical spelling; null otherwise. */
function parseInteger(word: string): bigint | null {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(word)) return null;
  const value = BigInt(word);
  return BigInt.asIntN(64, value) === value ? value : null;
}

/** Bytes written with an optional unit: `k` is 1000, `kb` 1024, and so on; null when it is not one. */
export function parseMemory(word: string): bigint | null {
  const match = /^(\d*)([a-z]*)$/i.exec(word);
  if (match === null || match[1]!.length > 127) return null;
  const unit = UNITS[match[2]!.toLowerCase()];
  if (unit === undefined) return null;
  let digits = BigInt(match[1] || '0');
  if (digits > ULONG_MAX) digits = ULONG_MAX;
  return BigInt.asUintN(64, digits * unit);
}

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: KB,
  m: 1000_000n,
  mb: MB,
  g: 1000_000_000n,
  gb: GB,
};

function formatNumber(value: bigint, o: IntegerOptions): string {
  if (o.percent && value < 0n) return `${-value}%`;
  if (o.memory) return BigInt.asUintN(64, value).toString();
  return value.toString(o.octal ? 8 : 10);
}

/** Bytes in the largest unit that divides them, as CONFIG REWRITE writes them. */
export function formatMemory(bytes: bigint): string {
  const value = BigInt.asIntN(64, bytes);
  if (value === 0n) return '0';
  if (value % GB === 0n) return `${value / GB}gb`;
  if (value % MB === 0n) return `${value / MB}mb`;
  if (value % KB === 0n) return `${value / KB}kb`;
  return value.toString();
}

/** As C's strtoll over the whole word: blanks before, a plus sign, the empty word as 0; null when something follows. */
export function parseLong(word: string): bigint | null {
  if (word === '') return 0n;
  const match = /^[ \t\n\v\f\r]*([+-]?\d+)$/.exec(word);
  if (match === null) return null;
  const value = BigInt(match[1]!.replace('+', ''));
  return value > LONG_MAX ? LONG_MAX : value < -LONG_MAX - 1n ? -LONG_MAX - 1n : value;
}

// --- words and strings -------------------------------------------------------------------------------------------------

/** One of some names, whatever their case. A name may stand for another: `relative=yes` is printed as `yes`. */
export function oneOf<const N extends string>(initial: N, names: readonly (N | `${string}=${N}`)[]): Kind<N, N> {
  return {
    type: names.join('|'),
    initial,
    parse(words) {
      const found = words.length === 1 ? lookUp(names, words[0]!) : null;
      if (found === null) throw notOneOf(names);
      return found as N;
    },
    see: (value) => value,
    format: (value) => value,
    lines: (name, value) => [{ text: `${name} ${value}`, forced: value !== initial }],
  };
}

/** Any number of some names; none of them is written `none`. */
export function anyOf<const N extends string>(
  none: string,
  names: readonly N[],
  check: (value: readonly N[]) => string | null,
): Kind<readonly N[], readonly N[]> {
  const format = (value: readonly N[]) => (value.length === 0 ? none : value.join(' '));
  return {
    type: `${none}|${names.join('|')}...`,
    initial: [],
    parse(words) {
      if (words.length === 0) throw notOneOf([none, ...names]);
      const given = words.map((word) => lookUp([none, ...names], word));
      if (given.includes(null)) throw notOneOf([none, ...names]);
      const value = names.filter((name) => given.includes(name));
      refuse(check(value));
      return value;
    },
    see: (value) => value,
    format,
    lines: (name, value) => [{ text: `${name} ${format(value)}`, forced: value.length !== 0 }],
  };
}

function lookUp(names: readonly string[], word: string): string | null {
  const lower = word.toLowerCase();
  for (const name of names) {
    const [spelling, meaning = spelling] = name.split('=');
    if (spelling === lower) return meaning!;
  }
  return null;
}

function notOneOf(names: readonly string[]): DirectiveError {
  const spellings = names.map((name) => name.split('=')[0]).join(', ');
  return new DirectiveError(`argument(s) must be one of the following: ${spellings}`);
}

/** A string that may be empty. */
export function string(initial: string, check?: (value: string) => string | null): Kind<string, string> {
  return {
    type: 'string',
    initial,
    parse([word = '']) {
      refuse(check?.(word));
      return word;
    },
    see: textOf,
    format: (value) => value,
    lines: (name, value) => [{ text: `${name} ${quoteWord(value)}`, forced: value !== initial }],
  };
}

/** A string whose empty value means "not given": it leaves no line in the file. */
export function optionalString(check?: (value: string) => string | null): Kind<string | null, string> {
  return {
    type: 'string',
    initial: null,
    parse([word = '']) {
      refuse(check?.(word));
      return word === '' ? null : word;
    },
    see: (value) => (value === null ? '' : textOf(value)),
    format: (value) => value ?? '',
    lines: (name, value) => (value === null ? [] : [{ text: `${name} ${quoteWord(value)}`, forced: true }]),
  };
}

/** A string that names an entry of a directory, not a path. */
export function fileName(initial: string, directive: string, what: string): Kind<string, string> {
  return string(initial, (value) => {
    if (value === '') return `${directive} can't be empty`;
    return /[/\\]/.test(value) ? `${directive} can't be a path, just a ${what}` : null;
  });
}
