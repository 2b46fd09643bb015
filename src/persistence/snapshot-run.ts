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

/** Whether a snapshot failed only because the data set cannot be written as commands. */
export function needsRdb(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ONGGI_UNSUPPORTED';
}

/** Begins to write the keyspace as it is when this is called. Throws when no snapshot can begin now. */
export type BeginSnapshot = (plan: SnapshotPlan) => SnapshotRun;
/** Writes the keyspace at once, on this thread. Throws when that fails; then nothing of the file is left. */
export type SnapshotNow = (plan: SnapshotPlan) => void;
