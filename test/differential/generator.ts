/**
 * Random commands from a seed, weighted to edges: empty strings, huge and negative numbers, binary, wrong types, wrong
 * arity, keys that overlap. Nothing in them depends on the clock: expiries are far away or long past.
 */
import { COMMAND_ROWS } from './command-rows.js';
import type { Draw } from './draw.js';
import { EDGE_VALUES, EDGE_VALUES_OF_SCORES, KINDS } from './random-arguments.js';
import type { RandomMode, Row } from './rows.js';
import { expand } from './template.js';

export interface RandomCommand {
  args: Buffer[];
  mode: RandomMode;
  /** The connection, where there are several; by default `a`. */
  connection?: 'b' | 'c';
  /** It waits, and nothing that ends its waiting comes before its time is over. */
  timesOut?: boolean;
}

/** A command of one of the families. */
export function randomCommand(r: Draw): RandomCommand {
  for (;;) {
    const chosen = drawRow(COMMAND_ROWS, r);
    if (!r.fractions || !chosen.template.startsWith('DEBUG')) return write(chosen, r);
  }
}

/** A command of a table. */
export function randomOf(rows: readonly Row[], r: Draw): RandomCommand {
  return write(drawRow(rows, r), r);
}

function write({ template, fixed, mode }: Row, r: Draw): RandomCommand {
  const args = expand(template, r, KINDS).map((arg) => Buffer.from(arg, 'latin1'));
  const scores = /^B?Z/i.test(args[0]!.toString('latin1'));
  const edges = r.fractions || !scores ? EDGE_VALUES : EDGE_VALUES_OF_SCORES;
  const command: RandomCommand = { args: fixed ? args : mutate(args, r, edges), mode };
  if (mode.timesOut) command.timesOut = true;
  return command;
}

function drawRow(rows: readonly Row[], r: Draw): Row {
  let total = TOTALS.get(rows);
  if (total === undefined) {
    total = rows.reduce((sum, { weight }) => sum + weight, 0);
    TOTALS.set(rows, total);
  }
  let at = r.below(total);
  return rows.find(({ weight }) => {
    at -= weight;
    return at < 0;
  })!;
}

/** Sums of the tables' weights. */
const TOTALS = new Map<readonly Row[], number>();

/** Sometimes an argument too many, one too few, or another one in its place; the command's name stays. */
function mutate(args: Buffer[], r: Draw, edges: readonly string[]): Buffer[] {
  if (r.chance(95) || args.length < 2) return args;
  const at = 1 + r.below(args.length - 1);
  const edge = Buffer.from(r.pick(edges), 'latin1');
  if (r.chance(33)) return args.toSpliced(at, 1);
  return r.chance(50) ? args.toSpliced(at, 0, edge) : args.with(at, edge);
}
