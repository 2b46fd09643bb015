/** A row of the tables that random commands are drawn from. */
import type { Mode } from './script.js';

export interface RandomMode extends Mode {
  /** A SCAN with a huge COUNT: the nested elements come in any order, in pairs for HSCAN and ZSCAN. */
  scanned?: 'sorted' | 'pairs';
  /** OBJECT ENCODING: what 7.2 calls otherwise is equal. */
  encoding?: boolean;
  /** The reply comes when the time is over. */
  timesOut?: boolean;
  /** XINFO GROUPS: see known-reply-differences.ts. */
  groups?: boolean;
}

export interface Row {
  weight: number;
  template: string;
  mode: RandomMode;
  /** Not to be mutated: another argument would make it depend on chance or on the clock. */
  fixed: boolean;
}

export function row(weight: number, template: string, mode: RandomMode = {}, fixed = false): Row {
  return { weight, template, mode, fixed };
}
