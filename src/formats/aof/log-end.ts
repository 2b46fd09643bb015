/** The end of a log that no #CK line covers yet: how many bytes, and their CRC-32. */
export interface ChecksumTail {
  readonly bytes: number;
  readonly crc: number;
}

/** What whoever goes on with a log has to know of its end. */
export interface LogEnd {
  /** Null: not known. */
  readonly tail: ChecksumTail | null;
  /** The last #CK line says that what follows is written into room. */
  readonly inRoom: boolean;
}

export const UNKNOWN_END: LogEnd = { tail: null, inRoom: false };
