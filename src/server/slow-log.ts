/**
 * The commands that took long, the latest ones first: what SLOWLOG GET tells. Entries keep what Redis keeps: at most 32
 * arguments of at most 128 bytes, and who sent them.
 */

import { REDACTED } from '../commands/secrets.js';
import type { SlowEntry, SlowLogFace } from '../commands/services.js';
import type { Args } from '../formats/resp/args.js';

const ARGS_MAX = 32;
const BYTES_MAX = 128;

export class SlowLog implements SlowLogFace {
  /** Oldest first. */
  private entries: SlowEntry[] = [];
  private nextId = 0;
  /** slowlog-max-len. */
  private max = 0;

  get length(): number {
    return this.entries.length;
  }

  setMax(max: number): void {
    this.max = max;
    this.trim();
  }

  add(entry: Omit<SlowEntry, 'id'>): void {
    if (this.max === 0) return;
    this.entries.push({ id: this.nextId++, ...entry });
    this.trim();
  }

  private trim(): void {
    const surplus = this.entries.length - this.max;
    if (surplus > 0) this.entries.splice(0, surplus);
  }

  latest(count: number): SlowEntry[] {
    const { length } = this.entries;
    return this.entries.slice(count >= length ? 0 : length - count).reverse();
  }

  reset(): void {
    this.entries = [];
  }
}

/** The arguments as an entry keeps them. `secrets`: those that are hidden. */
export function shownArgs(a: Args, secrets: readonly number[]): Uint8Array[] {
  const all = a.count <= ARGS_MAX;
  const shown: Uint8Array[] = [];
  for (let i = 0; i < (all ? a.count : ARGS_MAX - 1); i++) {
    const len = a.len[i]!;
    if (secrets.includes(i)) {
      shown.push(REDACTED);
    } else if (len > BYTES_MAX) {
      const rest = Buffer.from(`... (${len - BYTES_MAX} more bytes)`);
      shown.push(Buffer.concat([a.bytes(i).subarray(0, BYTES_MAX), rest]));
    } else {
      shown.push(Uint8Array.from(a.bytes(i)));
    }
  }
  if (!all) shown.push(Buffer.from(`... (${a.count - ARGS_MAX + 1} more arguments)`));
  return shown;
}
