/**
 * What ACL LOG tells: requests that were denied and log-ins that failed, the latest first. The same thing happening again
 * within a minute of the last time counts up its entry instead of making another.
 */
import type { Command } from '../table.js';
import { Denial } from './selector.js';
import type { User } from './user.js';

const GROUPED_WITHIN_MS = 60_000;
/** How many entries are looked at to find the same thing. */
const LOOKED_AT = 10;

export type DenialReason = 'auth' | 'command' | 'key' | 'channel';
export type DenialScene = 'toplevel' | 'multi' | 'lua';

/** Texts are byte strings. */
export interface DenialEntry {
  readonly id: number;
  readonly reason: DenialReason;
  readonly scene: DenialScene;
  /** The command, key or channel that was denied. */
  readonly object: string;
  readonly user: string;
  readonly createdMs: number;
  count: number;
  updatedMs: number;
  /** The line of CLIENT LIST of whom it happened to last. */
  client: string;
}

export class DenialLog {
  private entries: DenialEntry[] = [];
  private nextId = 0;
  /** How often each thing was denied since the start; CONFIG RESETSTAT leaves it, as in Redis. */
  readonly counts: Record<DenialReason, number> = { auth: 0, command: 0, key: 0, channel: 0 };

  get all(): readonly DenialEntry[] {
    return this.entries;
  }

  /** @param max how many entries are kept (acllog-max-len) */
  add(what: Pick<DenialEntry, 'reason' | 'scene' | 'object' | 'user' | 'client'>, now: number, max: number): void {
    this.counts[what.reason]++;
    if (max === 0) {
      this.entries = [];
      return;
    }
    const found = this.entries
      .slice(0, LOOKED_AT)
      .find(
        (entry) =>
          entry.reason === what.reason &&
          entry.scene === what.scene &&
          entry.object === what.object &&
          entry.user === what.user &&
          Math.abs(entry.updatedMs - now) <= GROUPED_WITHIN_MS,
      );
    if (found === undefined) {
      this.entries.unshift({ ...what, id: this.nextId++, count: 1, createdMs: now, updatedMs: now });
      if (this.entries.length > max) this.entries.length = max;
      return;
    }
    found.count++;
    found.updatedMs = now;
    found.client = what.client;
    this.entries = [found, ...this.entries.filter((entry) => entry !== found)];
  }

  clear(): void {
    this.entries = [];
  }
}

export function reasonOf(denial: Denial): DenialReason {
  if (denial === Denial.KEY) return 'key';
  return denial === Denial.CHANNEL ? 'channel' : 'command';
}

/** What a client is told; `object` is the key or channel where it may be named. */
export function denialText(denial: Denial, user: User, command: Command, object: string | null = null): string {
  if (denial === Denial.COMMAND) return `User ${user.name} has no permissions to run the '${command.rule}' command`;
  const what = reasonOf(denial);
  if (object === null) return `No permissions to access a ${what}`;
  return `User ${user.name} has no permissions to access the '${object}' ${what}`;
}
