/** The directives that have a syntax of their own. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDouble } from '../base/numbers.js';
import { strerror } from '../base/strerror.js';
import { byteString, bytesOf, quoteWord, textOf } from '../base/words.js';
import { DirectiveError, formatMemory, type Kind, parseLong, parseMemory } from './kinds.js';

// --- save --------------------------------------------------------------------------------------------------------------

/** Save when at least `changes` changes were made and `seconds` have passed since the last save. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

type SavePoints = readonly SavePoint[];

/** `save 900 1`, `save 900 1 300 10`, `save ""`. */
export function savePoints(initial: SavePoints): Kind<SavePoints, SavePoints> {
  const format = (value: SavePoints) => value.map((point) => `${point.seconds} ${point.changes}`).join(' ');
  return {
    type: 'save points',
    initial,
    parse: parseSavePoints,
    join: (previous, next) => (next.length === 0 ? [] : [...previous, ...next]),
    see: (value) => value,
    format,
    lines: (name, value) =>
      value.length === 0
        ? [{ text: `${name} ""`, forced: true }]
        : value.map((point) => ({ text: `${name} ${format([point])}`, forced: true })),
  };
}

function parseSavePoints(words: readonly string[]): SavePoints {
  if (words.length === 1 && words[0] === '') return [];
  const numbers = words.map(parseLong);
  const points: SavePoint[] = [];
  if (numbers.length % 2 === 1) throw new DirectiveError('Invalid save parameters');
  for (let i = 0; i < numbers.length; i += 2) {
    const seconds = numbers[i]!;
    const changes = numbers[i + 1]!;
    if (seconds === null || changes === null || seconds < 1n || changes < 0n) {
      throw new DirectiveError('Invalid save parameters');
    }
    points.push({ seconds: Number(seconds), changes: Number(BigInt.asIntN(32, changes)) });
  }
  return points;
}

// --- client-output-buffer-limit ----------------------------------------------------------------------------------------

export interface BufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export interface BufferLimits {
  readonly normal: BufferLimit;
  readonly replica: BufferLimit;
  readonly pubsub: BufferLimit;
}

const LIMIT_CLASSES = ['normal', 'replica', 'pubsub'] as const;

export function bufferLimits(initial: BufferLimits): Kind<BufferLimits, BufferLimits> {
  return {
    type: 'class hard soft seconds...',
    initial,
    parse: parseBufferLimits,
    see: (value) => value,
    format: (value) =>
      LIMIT_CLASSES.map((name) => {
        const { hardBytes, softBytes, softSeconds } = value[name];
        return `${name === 'replica' ? 'slave' : name} ${hardBytes} ${softBytes} ${softSeconds}`;
      }).join(' '),
    lines: (name, value) =>
      LIMIT_CLASSES.map((kind) => {
        const { hardBytes, softBytes, softSeconds } = value[kind];
        const was = initial[kind];
        return {
          text: `${name} ${kind} ${formatMemory(BigInt(hardBytes))} ${formatMemory(BigInt(softBytes))} ${softSeconds}`,
          forced: hardBytes !== was.hardBytes || softBytes !== was.softBytes || softSeconds !== was.softSeconds,
        };
      }),
  };
}

function parseBufferLimits(words: readonly string[], previous: BufferLimits): BufferLimits {
  if (words.length % 4 !== 0) throw new DirectiveError('Wrong number of arguments in buffer limit configuration.');
  const next = { ...previous };
  for (let i = 0; i < words.length; i += 4) {
    const given = words[i]!.toLowerCase();
    const name = given === 'slave' ? 'replica' : LIMIT_CLASSES.find((each) => each === given);
    if (name === undefined) throw new DirectiveError('Invalid client class specified in buffer limit configuration.');
    const hard = parseMemory(words[i + 1]!);
    const soft = parseMemory(words[i + 2]!);
    const seconds = parseLong(words[i + 3]!);
    if (hard === null || soft === null || seconds === null || seconds < 0n) {
      throw new DirectiveError('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
    }
    next[name] = { hardBytes: Number(hard), softBytes: Number(soft), softSeconds: Number(seconds) };
  }
  return next;
}

// --- lists of numbers ----------------------------------------------------------------------------------------------------

type Numbers = readonly number[];

export function oomScoreValues(initial: Numbers): Kind<Numbers, Numbers> {
  return {
    type: 'integer integer integer',
    initial,
    parse(words) {
      if (words.length !== initial.length) throw new DirectiveError('wrong number of arguments');
      return words.map((word) => {
        const value = parseLong(word);
        if (value === null || value < -2000n || value > 2000n) {
          throw new DirectiveError('Invalid oom-score-adj-values, elements must be between -2000 and 2000.');
        }
        return Number(value);
      });
    },
    see: (value) => value,
    format: (value) => value.join(' '),
    lines: (name, value) => [
      { text: `${name} ${value.join(' ')}`, forced: value.some((each, i) => each !== initial[i]) },
    ],
  };
}

export function percentiles(initial: Numbers): Kind<Numbers, Numbers> {
  // As printf's %f without the zeros at the end: six digits after the point at most.
  const format = (value: Numbers) => value.map((each) => String(Number(each.toFixed(6)))).join(' ');
  return {
    type: 'number...',
    initial,
    parse(words) {
      if (words.length === 1 && words[0] === '') return [];
      return words.map((word) => {
        const bytes = bytesOf(word);
        const value = parseDouble(bytes, 0, bytes.length);
        if (Number.isNaN(value)) throw new DirectiveError('Invalid latency-tracking-info-percentiles parameters');
        if (value < 0 || value > 100) {
          throw new DirectiveError('latency-tracking-info-percentiles parameters should sit between [0.0,100.0]');
        }
        return value;
      });
    },
    see: (value) => value,
    format,
    lines: (name, value) => [{ text: `${name} ${value.length === 0 ? '""' : format(value)}`, forced: true }],
  };
}

// --- addresses -----------------------------------------------------------------------------------------------------------

const ADDRESSES_MAX = 16;

/** Addresses to listen on. A leading `-` means: not fatal when it is not there. */
export function addresses(initial: readonly string[]): Kind<readonly string[], readonly string[]> {
  return {
    type: 'address...',
    initial,
    parse(words) {
      if (words.length > ADDRESSES_MAX) throw new DirectiveError('Too many bind addresses specified.');
      return words.length === 1 && words[0] === '' ? [] : [...words];
    },
    see: (value) => value,
    format: (value) => value.join(' '),
    lines(name, value) {
      if (value.length === initial.length && value.every((each, i) => each === initial[i])) return [];
      return [{ text: `${name} ${value.length === 0 ? '""' : value.join(' ')}`, forced: true }];
    },
  };
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `replicaof host port`, `replicaof no one`. */
export function primaryEndpoint(): Kind<Endpoint | null, Endpoint | null> {
  const format = (value: Endpoint | null) => (value === null ? '' : `${value.host} ${value.port}`);
  return {
    type: 'host port',
    initial: null,
    parse([host, port, ...more]) {
      if (host === undefined || port === undefined || more.length > 0) {
        throw new DirectiveError('wrong number of arguments');
      }
      if (host.toLowerCase() === 'no' && port.toLowerCase() === 'one') return null;
      const number = parseLong(port);
      if (number === null || number < 0n || number > 65535n) throw new DirectiveError('Invalid master port');
      return { host, port: Number(number) };
    },
    see: (value) => value,
    format,
    lines: (name, value) => (value === null ? [] : [{ text: `${name} ${format(value)}`, forced: true }]),
  };
}

// --- notify-keyspace-events ------------------------------------------------------------------------------------------------

/** `A` stands for all of these: not for `m` (key misses) and `n` (new keys). */
export const ALL_CLASSES = 'g$lshzxetd';

/**
 * The flags in the order in which Redis prints them: `AKE`, `lE`. The empty string: no notifications. As in Redis,
 * CONFIG GET leaves out an `n` behind `A`; it is in force all the same, and CONFIG REWRITE writes it.
 */
export function eventClasses(): Kind<string, string> {
  return {
    type: 'classes',
    initial: '',
    parse([word = '']) {
      const given = new Set<string>();
      for (const c of word) {
        if (c === 'A') for (const each of ALL_CLASSES) given.add(each);
        else if ('g$lshzxKEtmdne'.includes(c)) given.add(c);
        else throw new DirectiveError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
      }
      return formatClasses(given);
    },
    see: (value) => value,
    format: (value) => value.replace('An', 'A'),
    lines: (name, value) => [{ text: `${name} ${quoteWord(value)}`, forced: value !== '' }],
  };
}

function formatClasses(given: ReadonlySet<string>): string {
  const all = [...ALL_CLASSES].every((c) => given.has(c));
  const shown = [...ALL_CLASSES].filter((c) => given.has(c)).join('');
  const others = [...'nKEm'].filter((c) => given.has(c)).join('');
  return (all ? 'A' : shown) + others;
}

// --- dir -------------------------------------------------------------------------------------------------------------------

/**
 * The working directory, kept absolute. A relative one is meant from the directory so far, as with chdir; several
 * servers may live in one process, so the process's own directory is left alone.
 */
export function directory(): Kind<string, string> {
  return {
    type: 'path',
    initial: byteString(process.cwd()),
    parse([word = '', ...more], previous) {
      if (more.length > 0) throw new DirectiveError('wrong number of arguments');
      if (word === '') throw new DirectiveError("dir can't be empty");
      const path = resolve(textOf(previous), textOf(word));
      try {
        if (!statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
        accessSync(path, constants.X_OK);
      } catch (error) {
        throw new DirectiveError(strerror(error));
      }
      return byteString(path);
    },
    see: textOf,
    format: (value) => value,
    lines: (name, value) => [{ text: `${name} ${quoteWord(value)}`, forced: true }],
  };
}
