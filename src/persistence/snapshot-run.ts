/** What rewriting and saving know of a snapshot: what it is to be, and how it goes on. */
import type { Log } from '../base/log.js';
import { strerror } from '../base/strerror.js';

/** What BGSAVE and BGREWRITEAOF need of a snapshot; the class Snapshot has it. */
export interface SnapshotRun {
  /** Settles when the file is durable under its name, or when nothing of it is left. */
  readonly done: Promise<{ bytes: number; heldBytesMax?: number }>;
  /** Keys in the snapshot, and of them those that are encoded. */
  readonly keys: number;
  readonly keysDone: number;
  /** `done` rejects soon. */
  abort(): void;
}

export interface SnapshotPlan {
  path: string;
  /** The name until the file is complete, in the same directory. */
  tempPath: string;
  /** `commands`: RESP commands instead of RDB. */
  format: 'rdb' | 'commands';
  /** The base of an AOF: says so in its AUX fields. */
  aofBase: boolean;
  /** Whether `commands` get checksum lines. */
  checksums: boolean;
}

export type SnapshotFormat = SnapshotPlan['format'];

/**
 * The format in which a base can be written that could not be in `failed`, for there the data set has no form: no command makes
 * module values and libraries, and an RDB of a version before 12 has no fields that expire. Null: it failed for another reason.
 */
export function formatInstead(failed: SnapshotFormat, error: unknown, log: Log): SnapshotFormat | null {
  if ((error as { code?: unknown } | null)?.code !== 'ONGGI_UNSUPPORTED') return null;
  const [instead, as, setting] =
    failed === 'rdb' ? (['commands', 'commands', 'yes'] as const) : (['rdb', 'RDB', 'no'] as const);
  log.warning(`${strerror(error)}: the base is written as ${as} although aof-use-rdb-preamble is ${setting}`);
  return instead;
}

/** Begins to write the keyspace as it is when this is called. Throws when no snapshot can begin now. */
export type BeginSnapshot = (plan: SnapshotPlan) => SnapshotRun;
/** Writes the keyspace at once, on this thread. Throws when that fails; then nothing of the file is left. */
export type SnapshotNow = (plan: SnapshotPlan) => void;
