/**
 * Random commands come in windows, each of which begins on empty data, so that a difference is repeated by its window alone.
 * There are several kinds, by turns in both protocols:
 *
 *   plain       the data sets are compared (DEBUG DIGEST) every thousand commands
 *   fractions   all kinds of scores, and no digests: 7.0's are of scores with seventeen digits
 *   boundary    keys whose time is over, and nobody has deleted them yet
 *   crowd       three connections: one commands, one waits for keys, one subscribes
 */
import { Draw } from './draw.js';
import { type RandomCommand, randomCommand, randomOf } from './generator.js';
import {
  AT_ONCE_ROWS,
  BOUNDARY_ROWS,
  COMMANDER_ROWS,
  SESSION_ROWS,
  SUBSCRIBER_ROWS,
  WAITER_ROWS,
} from './session-rows.js';

export type WindowKind = 'plain' | 'fractions' | 'boundary' | 'crowd';

const KINDS: readonly WindowKind[] = ['plain', 'fractions', 'boundary', 'crowd'];

export interface Window {
  kind: WindowKind;
  protocol: 2 | 3;
  list: RandomCommand[];
}

const DIGEST_EVERY = 1000;

const fixed = (...words: string[]): RandomCommand => ({ args: words.map((word) => Buffer.from(word)), mode: {} });
const DIGEST = fixed('DEBUG', 'DIGEST');
const RELOAD = fixed('DEBUG', 'RELOAD');
const LOADAOF = fixed('DEBUG', 'LOADAOF');
const EXEC = fixed('EXEC');
const PASSIVE = fixed('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
const SLEEP = fixed('DEBUG', 'SLEEP', '0.003');

/** @param number of the window in the run of this seed, @param aof whether the append-only file is on */
export function drawWindow(seed: number, number: number, countMax: number, aof: boolean): Window {
  const kind = KINDS[Math.floor(number / 2) % KINDS.length]!;
  const r = new Draw(Math.imul(seed, 1_000_003) + number, kind === 'fractions', aof);
  // Its commands wait for each other.
  const count = kind === 'crowd' ? Math.ceil(countMax / 4) : countMax;
  const list = kind === 'crowd' ? drawCrowd(r, count) : drawPipeline(r, kind, count, aof);
  return { kind, protocol: number % 2 === 0 ? 2 : 3, list };
}

/** Follows whether a transaction is open. */
function isOpen(open: boolean, command: RandomCommand): boolean {
  const name = command.args[0]!.toString();
  return name === 'MULTI' || (open && name !== 'EXEC' && name !== 'DISCARD' && name !== 'RESET');
}

function drawPipeline(r: Draw, kind: WindowKind, count: number, aof: boolean): RandomCommand[] {
  const list: RandomCommand[] = kind === 'boundary' ? [PASSIVE] : [];
  let open = false;
  const add = (command: RandomCommand): void => {
    list.push(command);
    open = isOpen(open, command);
  };
  while (list.length < count) {
    const i = list.length + 1;
    // What does not belong into a transaction waits until it has ended.
    if (open) add(r.chance(12) ? EXEC : kind === 'boundary' ? passiveCommand(r) : randomCommand(r));
    else if (kind !== 'fractions' && (i % DIGEST_EVERY === 0 || i === count)) add(DIGEST);
    else if (r.chance(aof ? 0.2 : 0.1)) add(aof && r.chance(75) ? LOADAOF : RELOAD);
    else if (r.chance(0.5)) add(randomOf(SESSION_ROWS, r));
    else if (kind === 'boundary' && r.chance(8)) {
      // One at a time: the next one would meet the key before its time is over here, and behind it there.
      add(randomOf(BOUNDARY_ROWS, r));
      add(SLEEP);
    } else add(kind === 'boundary' ? passiveCommand(r) : randomCommand(r));
  }
  return list;
}

/** Without RANDOMKEY, which deletes the keys that it meets and whose time is over. */
function passiveCommand(r: Draw): RandomCommand {
  for (;;) {
    const command = randomCommand(r);
    if (command.args[0]!.toString() !== 'RANDOMKEY') return command;
  }
}

function drawCrowd(r: Draw, count: number): RandomCommand[] {
  const list: RandomCommand[] = [];
  let open = false;
  r.single = r.chance(50);
  while (list.length < count) {
    const chance = r.below(100);
    if (chance < 25) list.push({ ...randomOf(WAITER_ROWS, r), connection: 'b' });
    else if (chance < 32) list.push({ ...randomOf(SUBSCRIBER_ROWS, r), connection: 'c' });
    else {
      const i = list.length + 1;
      let command = drawCommander(r, chance < 60);
      if (open && r.chance(20)) command = EXEC;
      else if (!open && (i % DIGEST_EVERY === 0 || i === count)) command = DIGEST;
      list.push(command);
      open = isOpen(open, command);
    }
  }
  return list;
}

function drawCommander(r: Draw, concerned: boolean): RandomCommand {
  if (concerned) return randomOf(r.single ? AT_ONCE_ROWS : COMMANDER_ROWS, r);
  for (;;) {
    const command = randomCommand(r);
    if (!r.single && /^(MULTI|SWAPDB)$/.test(command.args[0]!.toString())) continue;
    if (!looksUpByHash(command)) return command;
  }
}

/** SORT with patterns: over a set it looks keys up, and tells of those that are missing, in the order of a hash table. */
export function looksUpByHash({ args }: RandomCommand): boolean {
  const words = args.map((arg) => arg.toString('latin1').toUpperCase());
  return words[0]!.startsWith('SORT') && (words.includes('BY') || words.includes('GET'));
}
